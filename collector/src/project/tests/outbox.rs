//! What endpoints are told hangs on facts alone: on no step, no restart, no rebuild.

use super::*;
use crate::{
    domain::{
        delivery::{Delivery, DeliveryState, ReplayAsked, Then, Tried, Why},
        silence::Silent,
        webhook::{EndpointSaid, Format, Health, MessageType, Webhook, WebhooksPut},
    },
    store::outbox::DeliveryQuery,
};

fn webhooks(ids: &[&str]) -> Entry {
    let webhook = |id: &&str| Webhook {
        id: (*id).to_owned(),
        types: vec![
            MessageType::LeadCreated,
            MessageType::LeadUpdated,
            MessageType::StageChanged,
            MessageType::SiteSilent,
            MessageType::DeliveryFailing,
        ],
        format: Format::Standard,
        target: VaultRef([1; 16]),
    };
    Entry::Webhooks(WebhooksPut { at: 1, by: "t".to_owned(), items: ids.iter().map(webhook).collect() })
}

fn said(endpoint: &str, health: Health) -> Entry {
    Entry::Endpoint(EndpointSaid { endpoint: endpoint.to_owned(), at: 9, health, since: 8, status: None })
}

fn tried(delivery: &Delivery, then: Then) -> Entry {
    Entry::Tried(Tried {
        message: delivery.id.clone(),
        endpoint: delivery.endpoint.clone(),
        lead: delivery.lead.clone(),
        at: 10,
        status: None,
        why: (then != Then::Delivered).then_some(Why::Timeout),
        ms: 5,
        then,
    })
}

fn replay(delivery: &Delivery) -> Entry {
    let (message, lead) = (delivery.id.clone(), delivery.lead.clone());
    Entry::Replay(ReplayAsked { message, lead, at: 20, by: "t".to_owned() })
}

async fn deliveries(store: &dyn Store) -> Vec<Delivery> {
    store.deliveries(SITE, DeliveryQuery { limit: 500, ..DeliveryQuery::default() }).await.unwrap().items
}

/// Type, endpoint and state of each, in the order of their facts.
async fn told(store: &dyn Store) -> Vec<(&'static str, String, DeliveryState)> {
    let mut all = deliveries(store).await;
    all.sort_by_key(|delivery| (delivery.position, delivery.endpoint.clone()));
    all.into_iter().map(|delivery| (delivery.kind.as_str(), delivery.endpoint, delivery.state)).collect()
}

fn stage(page: &str) -> Entry {
    Entry::Stage(StageMove {
        lead: LeadId::of_event(page),
        stage: "mql".to_owned(),
        at: 5,
        received_at: 6,
        note: VaultRef([0; 16]),
        external_id: None,
    })
}

#[tokio::test]
async fn each_fact_is_told_to_those_who_asked_for_it_by_then() {
    let pending = DeliveryState::Pending;
    for at_once in [false, true] {
        let (store, directory) = store_with_site(&[]).await;
        let (mut follower, _) = Follower::new(Arc::clone(&store), directory);
        let facts = [
            arrival(Some("v"), Mode::Full, 1, vec![lead("before", 1, 1)]),
            webhooks(&["a"]),
            arrival(
                Some("v"),
                Mode::Full,
                2,
                vec![lead("p", 1, 2), page_view("x", 2, "https://example.com/", None)],
            ),
            // Of a lead that no fact tells of, and of one that was there before.
            stage("nobody"),
            stage("before-1"),
            webhooks(&["a", "b"]),
            stage("p-1"),
            Entry::Silent(Silent { since: 1, at: 7, expected: 20 }),
            said("a", Health::Failing),
        ];
        for fact in facts {
            add(store.as_ref(), fact).await;
            if !at_once {
                follower.catch_up().await.unwrap();
            }
        }
        follower.catch_up().await.unwrap();
        let expected = [
            ("lead.created", "a"),
            ("stage.changed", "a"),
            ("stage.changed", "a"),
            ("stage.changed", "b"),
            ("site.silent", "a"),
            ("site.silent", "b"),
            ("delivery.failing", "b"),
        ];
        let expected: Vec<_> = expected.map(|(kind, to)| (kind, to.to_owned(), pending)).to_vec();
        assert_eq!(told(store.as_ref()).await, expected, "at once: {at_once}");
    }
}

#[tokio::test]
async fn what_waits_for_nobody_is_dropped_and_may_be_asked_for_again() {
    let (store, directory) = store_with_site(&[]).await;
    let (mut follower, _) = Follower::new(Arc::clone(&store), directory);
    add(store.as_ref(), webhooks(&["a", "b"])).await;
    add(store.as_ref(), arrival(Some("v"), Mode::Full, 2, vec![lead("p", 1, 2)])).await;
    add(store.as_ref(), said("a", Health::Off)).await;
    add(store.as_ref(), arrival(Some("v"), Mode::Full, 3, vec![lead("q", 1, 3)])).await;
    follower.catch_up().await.unwrap();
    let states: Vec<_> =
        deliveries(store.as_ref()).await.into_iter().map(|d| (d.endpoint, d.state)).collect();
    let count =
        |endpoint: &str, state| states.iter().filter(|known| **known == (endpoint.to_owned(), state)).count();
    assert_eq!(count("a", DeliveryState::Dropped), 2, "what was there, and what came: {states:?}");
    assert_eq!(count("b", DeliveryState::Pending), 3, "and that a is off");
    add(store.as_ref(), webhooks(&["a"])).await;
    follower.catch_up().await.unwrap();
    assert!(deliveries(store.as_ref()).await.iter().all(|delivery| delivery.due_at.is_none()));
    let of_a =
        deliveries(store.as_ref()).await.into_iter().find(|delivery| delivery.endpoint == "a").unwrap();
    add(store.as_ref(), replay(&of_a)).await;
    follower.catch_up().await.unwrap();
    let again = store.delivery(SITE, &of_a.id).await.unwrap().unwrap();
    assert_eq!((again.state, again.due_at, again.round), (DeliveryState::Pending, Some(20), 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_rebuild_gives_the_same_messages_whatever_became_of_them(
        beacons in beacons(0..8),
        pauses in prop::collection::vec(any::<bool>(), 25),
        others in prop::collection::vec((0u8..14, 0usize..50), 25),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (store, directory) = store_with_site(&["example.com"]).await;
            let (mut follower, _) = Follower::new(Arc::clone(&store), Arc::clone(&directory));
            add(store.as_ref(), webhooks(&["a", "b"])).await;
            let mut sent = 0;
            for (index, beacon) in beacons.into_iter().enumerate() {
                add(store.as_ref(), entry(index, beacon)).await;
                if pauses[index] {
                    follower.catch_up().await.unwrap();
                }
                let (what, which) = others[index];
                let known = if (7..12).contains(&what) {
                    // Attempts are of messages that somebody found in the outbox.
                    follower.catch_up().await.unwrap();
                    let all = deliveries(store.as_ref()).await;
                    all.get(which % all.len().max(1)).cloned()
                } else {
                    None
                };
                let fact = match (what, known) {
                    (0, _) => Some(webhooks(&["a"])),
                    (1, _) => Some(webhooks(&["b", "c"])),
                    (2, _) => Some(said("a", Health::Off)),
                    (3, _) => Some(said("b", Health::Failing)),
                    (4, _) => Some(said("b", Health::Well)),
                    (5, _) => Some(stage(&format!("p{}v1-{}", which % 6, which % 8))),
                    (7, Some(one)) => Some(tried(&one, Then::Delivered)),
                    (8, Some(one)) => Some(tried(&one, Then::Again(500))),
                    (9, Some(one)) => Some(tried(&one, Then::GivenUp)),
                    (10, Some(one)) => Some(tried(&one, Then::Dropped)),
                    (11, Some(one)) => Some(replay(&one)),
                    _ => None,
                };
                sent += usize::from((7..12).contains(&what) && fact.is_some());
                if let Some(fact) = fact {
                    add(store.as_ref(), fact).await;
                }
            }
            follower.catch_up().await.unwrap();
            let step_by_step = store.dump(SITE).await.unwrap();
            let before = deliveries(store.as_ref()).await;
            assert!(sent == 0 || !before.is_empty());
            store.reset(SITE).await.unwrap();
            Follower::new(Arc::clone(&store), directory).0.catch_up().await.unwrap();
            assert_eq!(deliveries(store.as_ref()).await, before);
            assert!(step_by_step == store.dump(SITE).await.unwrap(), "a rebuild differs");
        });
    }
}
