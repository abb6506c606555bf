//! kill -9 in mid-load.

use std::time::Duration;

use collector::clock::{Clock as _, System};
use e2e::{
    binary::{Binary, Home},
    load::{Load, Outcome},
};
use serde_json::{Value, json};

/// Browsers that send at once.
const BROWSERS: usize = 16;

/// How often it is killed; `TRAZA_KILL_ROUNDS` for a longer night.
fn rounds() -> u32 {
    let rounds = std::env::var("TRAZA_KILL_ROUNDS").map_or(10, |rounds| {
        rounds.parse().unwrap_or_else(|_| panic!("TRAZA_KILL_ROUNDS must be a number, not {rounds:?}"))
    });
    assert!(rounds > 0, "TRAZA_KILL_ROUNDS must be at least 1");
    rounds
}

#[tokio::test]
async fn no_acknowledged_event_is_lost_or_doubled_by_kill_9() {
    let home = Home::new();
    let mut server = Binary::start(&home).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;
    let mut outcome = Outcome::default();
    let (rounds, mut unanswered) = (rounds(), 0);
    for round in 1..=rounds {
        let load = Load::start(&server.client, "acme", BROWSERS, System.now());
        load.reached(20).await;
        // Anywhere in a group commit; a random moment, not a moment that this test knows.
        tokio::time::sleep(Duration::from_micros(u64::from(random()) % 150_000)).await;
        server.kill();
        let mut this = load.stop().await;
        let (events, open) = (this.events(), this.open.len());

        server = Binary::start(&home).await;
        this.assert_holds(&server.client, "acme").await;
        // What pages do with beacons that nobody answered: they send them again.
        let resent = send_again(&server, &mut this).await;
        this.assert_holds(&server.client, "acme").await;
        outcome.merge(this);
        unanswered += resent;
        // Everything since the beginning, now and then: all of it each time would take the square of the rounds.
        if round % 10 == 0 || round == rounds {
            outcome.assert_kept(&server.client, "acme").await;
        }
        println!(
            "round {round}: {events} events acknowledged, {open} beacons cut off, {resent} of their events stored"
        );
    }
    println!(
        "{rounds} rounds: {} events acknowledged, missing 0, there twice 0; {unanswered} were stored before their \
         beacon was answered, and counted once when it was sent again",
        outcome.events()
    );
}

/// Sends what was not acknowledged; it must then be there, whether it was there before or not. Returns how many
/// events had been stored without an answer.
pub(super) async fn send_again(server: &Binary, outcome: &mut Outcome) -> u64 {
    let mut stored = 0;
    for beacon in std::mem::take(&mut outcome.open) {
        let answer: Value = server.client.beacon("acme", &beacon).await.expect(200);
        let duplicate = answer["duplicate"].as_u64().expect("a count");
        let events = beacon["events"].as_array().map_or(0, Vec::len) as u64;
        assert!(duplicate == 0 || duplicate == events, "a beacon was stored in part: {answer}");
        assert_eq!(answer["accepted"].as_u64(), Some(events - duplicate), "{answer}");
        stored += duplicate;
        outcome.acknowledge(&beacon);
    }
    stored
}

fn random() -> u32 {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
