//! SIGTERM under load, as a service manager sends it.

use collector::clock::{Clock as _, System};
use e2e::{
    binary::{Binary, Home},
    load::Load,
};
use serde_json::json;

#[tokio::test]
async fn a_signal_right_after_the_start_ends_it_cleanly() {
    let home = Home::new();
    for round in 0..5 {
        let mut server = Binary::start(&home).await;
        let status = server.terminate().await;
        assert!(status.success(), "round {round}: {status}: {}", home.errors());
    }
}

#[tokio::test]
async fn sigterm_under_load_loses_nothing_and_ends_cleanly() {
    let home = Home::new();
    let mut server = Binary::start(&home).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;
    let load = Load::start(&server.client, "acme", 32, System.now());
    load.reached(200).await;
    let status = server.terminate().await;
    let outcome = load.stop().await;
    assert!(status.success(), "{status}: {}", home.errors());
    assert!(home.errors().contains("everything acknowledged is on the disk"), "{}", home.errors());
    assert!(!home.errors().to_lowercase().contains("error"), "{}", home.errors());

    let server = Binary::start(&home).await;
    outcome.assert_kept(&server.client, "acme").await;
}
