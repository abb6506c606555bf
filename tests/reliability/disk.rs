//! A disk that takes no more.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use collector::clock::{Clock as _, System};
use e2e::{
    beacon::{event, full, new_id},
    binary::{Binary, Home},
    load::Outcome,
};
use serde_json::{Value, json};

/// The largest file that the process may write, in blocks of 512 bytes: a few megabytes.
const BLOCKS: u32 = 8 * 1024;

/// A full page view: large, and different each time, so that it does not compress away.
fn large(visitor: &str) -> Value {
    let page = new_id();
    let text = |n: u32| (0..6).map(|_| new_id()).collect::<Vec<_>>().join("_") + &n.to_string();
    full(
        visitor,
        (0..100)
            .map(|n| event(&page, n, System.now(), "custom", json!({"name": "x", "props": {"a": text(n)}}))),
    )
}

#[tokio::test]
async fn a_full_disk_is_answered_503_and_takes_nothing_back() {
    let home = Home::new();
    let limited = || {
        let mut shell = Command::new("sh");
        // Past the limit a write fails, as on a full disk, instead of the signal ending the process.
        shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$0\" \"$@\"")]);
        home.serve_under(shell)
    };
    let server = Binary::run(&home, limited()).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;
    let mut outcome = Outcome::default();
    let refused = loop {
        let beacon = large(&new_id());
        match server.client.try_beacon("acme", &beacon).await {
            Ok(answer) if answer.status == 200 => outcome.acknowledge(&beacon),
            Ok(answer) => break answer,
            Err(error) => panic!("no answer on a full disk: {error}\n{}", home.errors()),
        }
        assert!(outcome.events() < 1_000_000, "the disk never filled");
    };
    assert!(outcome.events() > 1_000, "only {} events before it was full", outcome.events());
    refused.problem(503, "unavailable");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    // It is opened again and again, for there may be room: what little fits is acknowledged, and then it must be there.
    for _ in 0..20 {
        let beacon = large(&new_id());
        let answer = server.client.beacon("acme", &beacon).await;
        match answer.status {
            200 => outcome.acknowledge(&beacon),
            _ => drop(answer.problem(503, "unavailable")),
        }
    }
    server.kill();

    // With room again everything acknowledged is there, and more is taken.
    let server = Binary::start(&home).await;
    outcome.assert_holds(&server.client, "acme").await;
    let beacon = large(&new_id());
    server.client.store("acme", &beacon).await;
    outcome.acknowledge(&beacon);
    outcome.assert_holds(&server.client, "acme").await;
}

/// A disk that can be filled under a running server, and emptied.
enum Disk {
    /// A file-size limit of the running process, past which a write fails as on a full disk.
    Limit,
    /// A tmpfs of 24 MB over the data folder, in a mount namespace of the server's own.
    Tmpfs,
}

/// What a full disk has left when the load begins, in bytes.
const LEFT: u64 = 2_000_000;

impl Disk {
    /// The real one where this user may mount one, else the limit.
    #[expect(clippy::print_stdout, reason = "what a test counts is read with --nocapture")]
    fn real() -> Self {
        let may = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
        if may.is_ok_and(|may| may.status.success()) {
            return Self::Tmpfs;
        }
        println!("no tmpfs can be mounted here: a limit takes its place");
        Self::Limit
    }

    async fn serve(&self, home: &Home) -> Binary {
        let program = match self {
            Self::Limit => {
                let mut shell = Command::new("sh");
                // The signal is ignored, so that the write fails.
                shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
                shell
            }
            Self::Tmpfs => {
                std::fs::create_dir(home.join("data")).expect("a folder");
                let mut unshare = Command::new("unshare");
                let mount = "mount -t tmpfs -o size=24m none data && exec \"$0\" \"$@\"";
                unshare.args(["-rm", "sh", "-c", mount]);
                unshare
            }
        };
        Binary::run(home, home.serve_under(program)).await
    }

    /// The data folder as the server sees it.
    fn data(home: &Home, server: &Binary) -> PathBuf {
        let path = home.join("data");
        PathBuf::from(format!("/proc/{}/root{}", server.id(), path.display()))
    }

    fn fill(&self, home: &Home, server: &Binary) {
        let data = Self::data(home, server);
        match self {
            Self::Limit => {
                let size = std::fs::metadata(data.join("db")).expect("the file").len();
                limit(server.id(), &format!("{}:unlimited", size + LEFT));
            }
            Self::Tmpfs => {
                // Blocks free and their size: `df` would ask the disk that has this path in our namespace.
                let told =
                    Command::new("stat").args(["-f", "-c", "%a %S"]).arg(&data).output().expect("stat");
                let told = String::from_utf8(told.stdout).expect("text");
                let free: u64 =
                    told.split_whitespace().map(|number| number.parse::<u64>().expect("a number")).product();
                let rest = vec![0; usize::try_from(free - LEFT).expect("a small disk")];
                std::fs::write(data.join("filler"), rest).expect("room");
            }
        }
    }

    fn empty(&self, home: &Home, server: &Binary) {
        match self {
            Self::Limit => limit(server.id(), "unlimited"),
            Self::Tmpfs => std::fs::remove_file(Self::data(home, server).join("filler")).expect("a file"),
        }
    }
}

/// Sets the largest file that a running process may write.
fn limit(process: u32, bytes: &str) {
    let set =
        Command::new("prlimit").args(["--pid", &process.to_string(), &format!("--fsize={bytes}")]).status();
    assert!(set.expect("prlimit, of util-linux").success());
}

/// How often the disk is filled and emptied; `TRAZA_DISK_ROUNDS` for more.
fn rounds() -> u32 {
    std::env::var("TRAZA_DISK_ROUNDS").map_or(2, |rounds| {
        rounds.parse().unwrap_or_else(|_| panic!("TRAZA_DISK_ROUNDS must be a number, not {rounds:?}"))
    })
}

/// Fills the disk under load and empties it, again and again, with no restart. What was refused is sent again, as
/// pages do, and counts once whether or not some of it was on the disk already.
#[expect(clippy::print_stdout, reason = "what a test counts is read with --nocapture")]
async fn full_and_back(disk: &Disk, home: &Home) -> Outcome {
    let server = disk.serve(home).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;
    let mut outcome = Outcome::default();
    let (mut refusals, mut longest) = (0, Duration::ZERO);
    for round in 1..=rounds() {
        disk.fill(home, &server);
        let (refused, beacon) = loop {
            let beacon = large(&new_id());
            let answer = server.client.beacon("acme", &beacon).await;
            match answer.status {
                200 => outcome.acknowledge(&beacon),
                _ => break (answer, beacon),
            }
            assert!(outcome.events() < 1_000_000, "the disk never filled");
        };
        refusals += 1;
        refused.problem(503, "unavailable");
        let wait: u64 = refused.header("retry-after").expect("how long to wait").parse().expect("seconds");
        assert!((1..=10).contains(&wait), "{wait}");
        let ready = e2e::client::send(server.client.bare(reqwest::Method::GET, "/readyz")).await;
        ready.problem(503, "unavailable");

        disk.empty(home, &server);
        let began = Instant::now();
        e2e::eventually("it takes beacons again", Duration::from_secs(10), async || {
            (server.client.beacon("acme", &beacon).await.status == 200).then_some(())
        })
        .await;
        longest = longest.max(began.elapsed());
        outcome.acknowledge(&beacon);
        e2e::client::send(server.client.bare(reqwest::Method::GET, "/readyz")).await.expect(200);
        println!("round {round}: {} events acknowledged so far", outcome.events());
        outcome.assert_kept(&server.client, "acme").await;
    }
    println!(
        "{refusals} times full: {} events acknowledged, missing 0, there twice 0; back after {longest:?} at most",
        outcome.events()
    );
    server.kill();
    outcome
}

#[cfg_attr(not(target_os = "linux"), ignore = "limits of a running process are changed on Linux alone")]
#[tokio::test]
async fn a_disk_that_was_full_is_written_to_again_without_a_restart() {
    let home = Home::new();
    let outcome = full_and_back(&Disk::Limit, &home).await;
    let server = Binary::start(&home).await;
    outcome.assert_kept(&server.client, "acme").await;
}

#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
#[tokio::test]
async fn a_tmpfs_that_was_full_is_written_to_again_without_a_restart() {
    let home = Home::new();
    full_and_back(&Disk::real(), &home).await;
}
