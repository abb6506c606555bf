//! The bad-events log: kept with its body, settled once, bounded, and always in step with the ledger.

use proptest::prelude::*;

use super::*;
use crate::{
    domain::bad_event::{BadBeacon, BadEvent, BadId, BadLog, KEPT_BYTES, KEPT_EVENTS, KEPT_MS},
    store::{Bad, BadQuery, bad::Again},
};

fn refused(reasons: &[&str], reference: Option<u8>, received_at: i64) -> Append {
    let events = (0..)
        .zip(reasons)
        .map(|(index, reason)| BadEvent {
            index,
            id: None,
            reason: (*reason).to_owned(),
            detail: format!("{reason}: wrong"),
            size: 9,
        })
        .collect();
    let vault = reference.map(|reference| VaultRef([reference; 16]));
    let body = reference.map(|reference| Sealed { key: vec![reference], value: vec![reference; 99] });
    let beacon = BadBeacon { received_at, vault, bytes: body.as_ref().map_or(0, |_| 100), events };
    let mut tally = Ledger::default();
    for reason in reasons {
        *tally.rejected.entry((*reason).to_owned()).or_default() += 1;
    }
    Append { tally, bad: Some(Bad::Keep { beacon, body }), ..Append::nothing(SITE) }
}

fn settle(beacon: u64, index: u16, again: Option<&str>) -> Append {
    let again = again.map(|reason| Again { reason: reason.to_owned(), detail: format!("{reason}: still") });
    let tally = match &again {
        Some(again) => Ledger { rejected: [(again.reason.clone(), 1)].into(), ..Ledger::default() },
        None => Ledger::default(),
    };
    Append { tally, bad: Some(Bad::Settle { id: BadId { beacon, index }, again }), ..Append::nothing(SITE) }
}

fn as_event(append: Append, id: &str) -> Append {
    Append { entry: Some(Entry::Arrival(arrival("v", vec![event("p", id, 1)]))), ..append }
}

async fn all(store: &dyn Store) -> Vec<(String, String)> {
    let mut query = BadQuery { limit: 2, ..BadQuery::default() };
    let mut found = Vec::new();
    loop {
        let page = store.bad_events(SITE, query.clone()).await.unwrap();
        found.extend(page.items.into_iter().map(|item| (item.id.to_string(), item.event.reason)));
        match page.next {
            Some(next) => query.after = Some(next),
            None => return found,
        }
    }
}

fn names(items: &[(String, String)]) -> Vec<(&str, &str)> {
    items.iter().map(|(id, reason)| (id.as_str(), reason.as_str())).collect()
}

#[test]
fn what_was_refused_stands_by_with_its_body_also_after_a_reopen() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        store.append(refused(&["kind", "time"], Some(1), 10)).await.unwrap();
        store.append(refused(&["kind"], None, 20)).await.unwrap();
        store.close().await;
        drop(store);

        let store = place.open();
        let items = all(store.as_ref()).await;
        assert_eq!(names(&items), [("2-0", "kind"), ("1-0", "kind"), ("1-1", "time")]);
        assert!(store.sealed(SITE, VaultRef([1; 16])).await.unwrap().is_some());
        let expected = BadLog { last: 2, oldest: 1, events: 3, bytes: 100, dropped: 0 };
        assert_eq!(store.bad_log(SITE).await.unwrap(), expected);
        assert_eq!(
            store.ledger(SITE).await.unwrap().rejected,
            [("kind".into(), 2), ("time".into(), 1)].into()
        );
        assert_eq!(store.head(SITE), 0, "a refused event is no fact");
        let asked = async |change: fn(&mut BadQuery)| {
            let mut query = BadQuery { limit: 9, ..BadQuery::default() };
            change(&mut query);
            let items = store.bad_events(SITE, query).await.unwrap().items;
            items.iter().map(|item| item.id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(asked(|query| query.since = Some(20)).await, ["2-0"]);
        assert_eq!(asked(|query| query.until = Some(20)).await, ["1-0", "1-1"]);
        assert_eq!(asked(|query| query.reason = Some("time".to_owned())).await, ["1-1"]);
        assert!(
            store.bad_events(2, BadQuery { limit: 9, ..BadQuery::default() }).await.unwrap().items.is_empty()
        );
        store.close().await;
    });
}

#[test]
fn an_event_is_settled_once_and_received_once() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        store.append(refused(&["kind", "time"], Some(1), 10)).await.unwrap();
        let received = async || store.ledger(SITE).await.unwrap().received();
        let stored = store.append(as_event(settle(1, 0, None), "p-0")).await.unwrap();
        assert_eq!((stored.verdicts, stored.void), (vec![Verdict::Stored(1)], false));
        let twice = store.append(as_event(settle(1, 0, None), "p-1")).await.unwrap();
        assert_eq!((twice.verdicts, twice.void), (vec![], true));
        assert_eq!(store.head(SITE), 1, "what is void appends nothing");
        let ledger = store.ledger(SITE).await.unwrap();
        assert_eq!((ledger.stored, ledger.rejected), (1, [("time".to_owned(), 1)].into()));
        assert_eq!(received().await, 2);
        assert!(store.sealed(SITE, VaultRef([1; 16])).await.unwrap().is_some(), "a neighbour needs the body");

        store.append(settle(1, 1, Some("field"))).await.unwrap();
        assert_eq!(names(&all(store.as_ref()).await), [("1-1", "field")]);
        assert_eq!(store.ledger(SITE).await.unwrap().rejected, [("field".to_owned(), 1)].into());
        let duplicate = store.append(as_event(settle(1, 1, None), "p-0")).await.unwrap();
        assert_eq!(duplicate.verdicts, [Verdict::Duplicate]);
        let ledger = store.ledger(SITE).await.unwrap();
        assert_eq!((ledger.stored, ledger.duplicate, ledger.rejected.len()), (1, 1, 0));
        assert_eq!(received().await, 2);
        assert!(all(store.as_ref()).await.is_empty());
        assert_eq!(
            store.sealed(SITE, VaultRef([1; 16])).await.unwrap(),
            None,
            "nobody needs the body any more"
        );
        assert_eq!(store.bad_log(SITE).await.unwrap(), BadLog { last: 1, oldest: 1, ..BadLog::default() });
        for gone in [(1, 0), (1, 7), (2, 0), (0, 0)] {
            assert!(store.append(settle(gone.0, gone.1, None)).await.unwrap().void, "{gone:?}");
        }
        store.close().await;
    });
}

#[test]
fn the_oldest_go_for_want_of_room_and_for_age_and_are_counted() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        store.append(refused(&["kind", "kind"], Some(1), 0)).await.unwrap();
        let mut large = refused(&["kind"], Some(2), 1);
        if let Some(Bad::Keep { beacon, .. }) = &mut large.bad {
            beacon.bytes = KEPT_BYTES;
        }
        store.append(large).await.unwrap();
        assert_eq!(names(&all(store.as_ref()).await), [("2-0", "kind")]);
        assert_eq!(store.sealed(SITE, VaultRef([1; 16])).await.unwrap(), None);
        let log = store.bad_log(SITE).await.unwrap();
        assert_eq!((log.events, log.bytes, log.dropped), (1, KEPT_BYTES, 2));

        store.append(refused(&["time"], Some(3), KEPT_MS + 2)).await.unwrap();
        assert_eq!(names(&all(store.as_ref()).await), [("3-0", "time")]);
        assert_eq!(store.bad_log(SITE).await.unwrap().dropped, 3);
        let ledger = store.ledger(SITE).await.unwrap();
        assert_eq!(ledger.rejected["kind"], 3, "what was let go stays counted");

        let forget = |before| Append { bad: Some(Bad::Forget { before }), ..Append::nothing(SITE) };
        store.append(forget(KEPT_MS + 2)).await.unwrap();
        assert_eq!(all(store.as_ref()).await.len(), 1);
        store.append(forget(KEPT_MS + 3)).await.unwrap();
        assert!(all(store.as_ref()).await.is_empty());
        assert_eq!(store.sealed(SITE, VaultRef([3; 16])).await.unwrap(), None);
        assert_eq!(store.bad_log(SITE).await.unwrap().dropped, 4);
        store.append(refused(&["id"], None, 0)).await.unwrap();
        assert_eq!(names(&all(store.as_ref()).await), [("4-0", "id")], "numbers go on");
        store.close().await;
    });
}

#[test]
fn no_more_events_are_kept_than_there_is_room_for() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let reasons = ["kind"; 200];
        let beacons = KEPT_EVENTS / 200 + 3;
        for _ in 0..beacons {
            store.append(refused(&reasons, None, 5)).await.unwrap();
        }
        let log = store.bad_log(SITE).await.unwrap();
        assert_eq!((log.events, log.dropped), (KEPT_EVENTS, 600));
        assert_eq!(log.oldest, 4);
        assert_eq!(store.ledger(SITE).await.unwrap().rejected["kind"], beacons * 200);
        store.close().await;
    });
}

/// Something done to the log: keep so many, settle one, refuse one again, forget, reopen.
fn moves() -> impl Strategy<Value = Vec<(u8, u64, u16)>> {
    prop::collection::vec((0u8..6, 1u64..12, 0u16..4), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn log_and_ledger_stay_in_step(moves in moves()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let place = Place::Memory(Memory::default());
            let mut store = place.open();
            with_site(store.as_ref()).await;
            let mut received = 0;
            for (step, (what, beacon, index)) in moves.into_iter().enumerate() {
                let at = i64::try_from(step).unwrap();
                match what {
                    0 | 1 => {
                        let reasons = vec!["kind"; usize::from(index) + 1];
                        received += reasons.len() as u64;
                        store.append(refused(&reasons, Some(beacon as u8), at)).await.unwrap();
                    }
                    2 => {
                        let id = format!("p-{}", step % 5);
                        store.append(as_event(settle(beacon, index, None), &id)).await.unwrap();
                    }
                    3 => drop(store.append(settle(beacon, index, Some("field"))).await.unwrap()),
                    4 => {
                        let before = at - i64::from(index) * 5;
                        let forget = Append { bad: Some(Bad::Forget { before }), ..Append::nothing(SITE) };
                        store.append(forget).await.unwrap();
                    }
                    _ => {
                        store.close().await;
                        store = place.open();
                    }
                }
                let ledger = store.ledger(SITE).await.unwrap();
                assert_eq!(ledger.received(), received, "nothing is received twice, or not at all");
                let log = store.bad_log(SITE).await.unwrap();
                let items = all(store.as_ref()).await;
                assert_eq!(log.events, items.len() as u64);
                let rejected: u64 = ledger.rejected.values().sum();
                assert_eq!(rejected, log.events + log.dropped, "each rejection stands by, or was let go");
                assert_eq!(store.head(SITE), ledger.stored);
            }
            store.close().await;
        });
    }
}
