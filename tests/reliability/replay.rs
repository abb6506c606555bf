//! kill -9 in the middle of a replay.

use std::{sync::Arc, time::Duration};

use collector::{
    clock::{Clock as _, System},
    domain::{
        fact::{Entry, HOUSE},
        site::{SiteConfig, SitePut},
    },
    store::{
        Append, Store,
        kv::KvStore,
        sled::{Pace, Sled},
    },
    vault::{Vault, keys::MasterKey},
};
use e2e::{
    beacon::{event, new_id},
    binary::{Binary, Home},
    client::Ledger,
    refused::wrongly,
};
use serde_json::{Value, json};

const BEACONS: u64 = 30;
const EVENTS: u64 = 100;

/// A store as an older binary leaves it: events refused that are well.
async fn prepare(home: &Home) {
    let store = KvStore::open(Sled::open(&home.join("data"), 16 << 20, Pace::Serving).expect("a store"))
        .expect("a store");
    let store: Arc<dyn Store> = Arc::new(store);
    let key = MasterKey::from_file(&home.join("data.key"), true).expect("a key");
    let vault = Vault::open(Arc::clone(&store), &[key]).await.expect("a vault");
    let site = SitePut { slug: "acme".to_owned(), at: 0, config: SiteConfig::default() };
    store.append(Append::of(HOUSE, Entry::Site(site))).await.expect("a site");
    for _ in 0..BEACONS {
        let (page, at) = (new_id(), System.now());
        let events: Vec<Value> = (0..EVENTS)
            .map(|n| event(&page, n as u32, at, "cta_view", json!({"cta": format!("cta-{n}")})))
            .collect();
        wrongly(store.as_ref(), &vault, 1, "v", at, &events).await;
    }
    store.close().await;
}

#[tokio::test]
async fn a_replay_cut_off_by_kill_9_and_asked_again_stores_each_event_once() {
    let home = Home::new();
    prepare(&home).await;
    let all = BEACONS * EVENTS;
    let mut before = Ledger { received: all, rejected: all, ..Ledger::default() };
    let mut cut = 0;
    for round in 1..=6 {
        let server = Binary::start(&home).await;
        assert_eq!(server.client.ledger("acme").await, before, "round {round}");
        let client = server.client.clone();
        let asked = tokio::spawn(async move {
            let request = client.request(reqwest::Method::POST, "/api/v1/sites/acme/bad-events/replay");
            request.json(&json!({})).send().await.is_ok()
        });
        // A random moment of it; later ones in later rounds.
        tokio::time::sleep(Duration::from_millis(u64::from(new_id().as_bytes()[35]) * round)).await;
        server.kill();
        let answered = asked.await.expect("a request");
        cut += u64::from(!answered);

        let server = Binary::start(&home).await;
        let ledger = server.client.ledger("acme").await;
        assert_eq!((ledger.received, ledger.stored + ledger.rejected), (all, all), "{ledger:?}");
        assert!(ledger.stored >= before.stored, "{ledger:?}");
        let items = server.client.journey("acme", "v").await;
        let mut ids: Vec<&str> = items.iter().filter_map(|item| item["event"].as_str()).collect();
        assert_eq!(ids.len() as u64, ledger.stored);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len() as u64, ledger.stored, "each once");
        println!("round {round}: {} of {all} stored so far", ledger.stored);
        before = ledger;
        server.kill();
    }
    let server = Binary::start(&home).await;
    server.client.post_json("/api/v1/sites/acme/bad-events/replay", &json!({})).await.expect(200);
    let done = Ledger { received: all, stored: all, ..Ledger::default() };
    assert_eq!(server.client.ledger("acme").await, done);
    assert!(server.client.items("/api/v1/sites/acme/bad-events").await.is_empty());
    println!("{cut} replays were cut off");
}
