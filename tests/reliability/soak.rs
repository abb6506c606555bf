//! A long load with a restart after each part of it, by kill -9 and SIGTERM in turn: the counts stay exact, and `verify`
//! finds nothing.

use std::time::Instant;

use collector::clock::{Clock as _, System};
use e2e::{
    binary::{Binary, Home},
    load::Load,
};
use serde_json::json;

use super::kill::send_again;

/// Browsers that send at once.
const BROWSERS: usize = 32;

/// A whole number of the environment.
fn number(name: &str, unless: u64) -> u64 {
    std::env::var(name).map_or(unless, |value| {
        value.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {value:?}"))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_load_with_restarts_is_counted_exactly_and_verifies() {
    let wanted = number("TRAZA_SOAK_EVENTS", 6_000);
    // A night that must end: what was done by then is verified.
    let limit = number("TRAZA_SOAK_SECONDS", u64::MAX);
    let began = Instant::now();
    let home = Home::new();
    let mut server = Binary::start(&home).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;
    let (mut events, mut kills, mut stops, mut again) = (0, 0, 0, 0);
    while events < wanted && began.elapsed().as_secs() < limit {
        let load = Load::start(&server.client, "acme", BROWSERS, System.now());
        // A part of it, in beacons of three events: some sixty restarts, however many events.
        load.reached((wanted / 180).max(200)).await;
        if kills > stops {
            assert!(server.terminate().await.success());
            stops += 1;
        } else {
            server.kill();
            kills += 1;
        }
        let mut this = load.stop().await;
        server = Binary::start(&home).await;
        again += send_again(&server, &mut this).await;
        events += this.events() as u64;
        println!("{events} of {wanted} events after {:.0?}", began.elapsed());
        let ledger = server.client.ledger("acme").await;
        assert_eq!((ledger.stored, ledger.rejected + ledger.withheld), (events, 0), "{ledger:?}");
    }
    assert!(server.terminate().await.success());
    let told = home.run(&["verify"]).well();
    println!(
        "{events} events in {:?}, {kills} kills and {stops} stops: each stored once, {again} of them before an answer \
         that was cut off; verify: {}",
        began.elapsed(),
        told.lines().last().unwrap_or_default()
    );
    assert!(kills > 0 && (stops > 0 || events < wanted), "{kills} kills, {stops} stops");
}
