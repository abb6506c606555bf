//! A disk that takes no more.

use std::process::Command;

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

/// Sets the largest file that a running process may write.
fn limit(process: u32, bytes: &str) {
    let set =
        Command::new("prlimit").args(["--pid", &process.to_string(), &format!("--fsize={bytes}")]).status();
    assert!(set.expect("prlimit, of util-linux").success());
}

#[cfg_attr(not(target_os = "linux"), ignore = "limits of a running process are changed on Linux alone")]
#[tokio::test]
async fn a_disk_that_was_full_is_written_to_again_without_a_restart() {
    let home = Home::new();
    // The signal is ignored, so that a write fails as on a full disk.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
    let server = Binary::run(&home, home.serve_under(shell)).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;
    let mut outcome = Outcome::default();
    for round in 1..=2 {
        let size = std::fs::metadata(home.join("data/db")).expect("the file").len();
        limit(server.id(), &format!("{}:unlimited", size + 2_000_000));
        let refused = loop {
            let beacon = large(&new_id());
            let answer = server.client.beacon("acme", &beacon).await;
            match answer.status {
                200 => outcome.acknowledge(&beacon),
                _ => break answer,
            }
            assert!(outcome.events() < 1_000_000, "the disk never filled");
        };
        refused.problem(503, "unavailable");
        let wait: u64 = refused.header("retry-after").expect("how long to wait").parse().expect("seconds");
        assert!((1..=10).contains(&wait), "{wait}");
        let ready = e2e::client::send(server.client.bare(reqwest::Method::GET, "/readyz")).await;
        ready.problem(503, "unavailable");

        limit(server.id(), "unlimited");
        let beacon = large(&new_id());
        e2e::eventually("it takes beacons again", std::time::Duration::from_secs(10), async || {
            (server.client.beacon("acme", &beacon).await.status == 200).then_some(())
        })
        .await;
        outcome.acknowledge(&beacon);
        e2e::client::send(server.client.bare(reqwest::Method::GET, "/readyz")).await.expect(200);
        println!("round {round}: {} events acknowledged so far", outcome.events());
        outcome.assert_holds(&server.client, "acme").await;
        let ledger = server.client.ledger("acme").await;
        assert_eq!(ledger.stored, outcome.events() as u64, "what was refused is not counted: {ledger:?}");
    }
    server.kill();
    let server = Binary::start(&home).await;
    outcome.assert_kept(&server.client, "acme").await;
}
