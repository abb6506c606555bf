//! What the kernel saw: no answer is written before the sync that makes it true.

use std::{fs, process::Command, time::Duration};

use collector::clock::{Clock as _, System};
use e2e::{
    beacon::{full, new_id, page_view},
    binary::{Binary, Home},
    wait::eventually,
};
use serde_json::json;

/// Beacons sent one after the other, then as many at once.
const BEACONS: usize = 40;

/// A system call, from the line where it was entered to the line where it returned.
#[derive(Debug)]
struct Call {
    entered: usize,
    returned: usize,
    /// Name, arguments and result.
    text: String,
}

impl Call {
    fn is(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.text.strip_prefix(name).is_some_and(|rest| rest.starts_with('(')))
    }

    fn succeeded(&self) -> bool {
        self.text.rsplit_once(" = ").is_some_and(|(_, result)| !result.starts_with(['-', '?']))
    }

    /// On the file that the store appends to.
    fn is_on_log(&self) -> bool {
        self.text.contains("/data/db>")
    }
}

/// Reads `strace -f -y` output. A call that another thread interrupts stands on two lines.
fn calls(trace: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut open: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    for (number, line) in trace.lines().enumerate() {
        let Some((thread, text)) = line.split_once(' ') else { continue };
        let text = text.trim_start();
        if let Some(begun) = text.strip_suffix("<unfinished ...>") {
            open.insert(thread, calls.len());
            calls.push(Call { entered: number, returned: usize::MAX, text: begun.to_owned() });
        } else if text.starts_with("<... ") {
            let Some(index) = open.remove(thread) else { continue };
            calls[index].returned = number;
            calls[index].text += text.split_once("resumed>").map_or("", |(_, rest)| rest);
        } else {
            calls.push(Call { entered: number, returned: number, text: text.to_owned() });
        }
    }
    calls
}

#[cfg_attr(not(target_os = "linux"), ignore = "strace is Linux's; the same code is traced there")]
#[tokio::test]
async fn no_2xx_is_written_before_the_sync_of_what_it_acknowledges() {
    let home = Home::new();
    let file = home.join("trace");
    let mut strace = Command::new("strace");
    // -D: the traced process is our child, and signals reach it. -s: the ids stand in what is read and written.
    strace.args(["-D", "-f", "-y", "-s", "4096", "-e", "signal=none", "-o"]).arg(&file).args([
        "-e",
        "trace=fdatasync,fsync,sync_file_range,pwrite64,write,writev,sendto,sendmsg,recvfrom,recvmsg,read,readv",
    ]);
    assert!(
        Command::new("strace").arg("--version").output().is_ok_and(|found| found.status.success()),
        "strace is missing: run `.ci/setup test`, which installs it"
    );
    let mut server = Binary::run(&home, home.serve_under(strace)).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;

    let mut visitors = Vec::new();
    let mut sending = tokio::task::JoinSet::new();
    for number in 0..2 * BEACONS {
        let visitor = new_id();
        let beacon = full(&visitor, [page_view(&new_id(), System.now(), "https://www.example.com/")]);
        let client = server.client.clone();
        sending.spawn(async move { client.store("acme", &beacon).await });
        if number < BEACONS {
            sending.join_next().await.expect("a beacon").expect("an answer");
        }
        visitors.push(visitor);
    }
    while let Some(sent) = sending.join_next().await {
        sent.expect("an answer");
    }
    assert!(server.terminate().await.success(), "{}", home.errors());
    let trace = eventually("strace ends its file", Duration::from_secs(10), async || {
        let trace = fs::read_to_string(&file).ok()?;
        trace.lines().last()?.contains("+++ exited with 0 +++").then_some(trace)
    })
    .await;

    let calls = calls(&trace);
    let syncs: Vec<&Call> =
        calls.iter().filter(|call| call.is(&["fdatasync"]) && call.is_on_log() && call.succeeded()).collect();
    let appends: Vec<&Call> =
        calls.iter().filter(|call| call.is(&["pwrite64"]) && call.is_on_log() && call.succeeded()).collect();
    for visitor in &visitors {
        let with_visitor = |names: &[&str], also: &str| -> Vec<&Call> {
            let mentions = |call: &&Call| call.text.contains(visitor.as_str()) && call.text.contains(also);
            calls.iter().filter(|call| call.is(names)).filter(mentions).collect()
        };
        let read = with_visitor(&["recvfrom", "recvmsg", "read", "readv"], "POST /t/acme");
        let answered = with_visitor(&["write", "writev", "sendto", "sendmsg"], "HTTP/1.1 200");
        let ([read], [answered]) = (read.as_slice(), answered.as_slice()) else {
            panic!("{visitor} was read {} times and answered {} times", read.len(), answered.len());
        };
        let synced = syncs.iter().any(|sync| {
            // Something must have been appended since the request was there, or the sync syncs nothing of it.
            let appended = |append: &&&Call| append.entered > read.returned && append.returned < sync.entered;
            sync.entered > read.returned
                && sync.returned < answered.entered
                && appends.iter().any(|a| appended(&a))
        });
        assert!(
            synced,
            "{visitor} was read at line {} and answered at line {} without append and sync in between",
            read.returned, answered.entered
        );
    }
    println!("{} beacons, {} syncs, each answer after the sync of its append", visitors.len(), syncs.len());
}

#[test]
fn a_trace_is_read_rightly() {
    let trace = "7 fdatasync(5</x/data/db> <unfinished ...>\n8 write(3, \"HTTP/1.1 200 OK\", 15) = 15\n\
                 7 <... fdatasync resumed>) = 0\n7 fdatasync(5</x/data/db>) = -1 EIO (Input/output error)\n\
                 8 fdatasync(5</x/data/db> <unfinished ...>\n8 +++ exited with 0 +++";
    let calls = calls(trace);
    let places: Vec<_> = calls.iter().map(|call| (call.entered, call.returned, call.succeeded())).collect();
    assert_eq!(places[..4], [(0, 2, true), (1, 1, true), (3, 3, false), (4, usize::MAX, false)]);
    assert!(calls[0].is(&["fdatasync"]) && calls[0].is_on_log() && !calls[0].is(&["sync", "fdata"]));
}
