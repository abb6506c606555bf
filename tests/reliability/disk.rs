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
    for _ in 0..5 {
        let answer = server.client.beacon("acme", &large(&new_id())).await;
        answer.problem(503, "unavailable");
    }
    let ready = e2e::client::send(server.client.bare(reqwest::Method::GET, "/readyz")).await;
    ready.problem(503, "unavailable");
    server.kill();

    // With room again everything acknowledged is there, and more is taken.
    let server = Binary::start(&home).await;
    outcome.assert_holds(&server.client, "acme").await;
    let beacon = large(&new_id());
    server.client.store("acme", &beacon).await;
    outcome.acknowledge(&beacon);
    outcome.assert_holds(&server.client, "acme").await;
}
