//! One suite that every backend passes, written against the trait. A backend is opened from a [`Place`], and opened
//! again from it: what was acknowledged is there.

use std::{collections::HashSet, future::Future, path::PathBuf, sync::Arc};

use super::{
    Append, Appended, Claim, LeadQuery, Row, Seal, Sealed, Step, Store, StoreError, Verdict,
    kv::KvStore,
    memory::Memory,
    sled::{Pace, Sled},
};
use crate::domain::{
    channel::reason,
    event::{Detail, Event, Identifier, IdentifierKind, LeadKind, Personal, Submission},
    fact::{Arrival, Entry, HOUSE, StageMove, Subject},
    id::{EventId, Id, LeadId, Token, VaultRef},
    install::Install,
    lead::Origin,
    ledger::Ledger,
    site::{SiteConfig, SitePut},
    standing::{Attempts, Known, Lead},
};
use wire::beacon::Mode;

mod bad;
mod counters;
mod derived;
mod erase;
mod outbox;
mod people;
mod seal;
mod waiting;

/// Where a backend keeps its data between two openings.
enum Place {
    Memory(Memory),
    Sled(tempfile::TempDir),
}

impl Place {
    fn open(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(memory) => Arc::new(KvStore::open(memory.clone()).unwrap()),
            Self::Sled(folder) => {
                let folder: PathBuf = folder.path().join("store");
                Arc::new(KvStore::open(Sled::open(&folder, 16 << 20, Pace::Serving).unwrap()).unwrap())
            }
        }
    }
}

/// Runs a test on every backend.
fn on_each<F: Future<Output = ()>>(test: impl Fn(Place) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for place in [Place::Memory(Memory::default()), Place::Sled(tempfile::tempdir().unwrap())] {
        runtime.block_on(test(place));
    }
}

const SITE: u32 = 1;

/// The house must know a site before its head is loaded at the next start.
async fn with_site(store: &dyn Store) {
    let put = SitePut { slug: "acme".to_owned(), at: 0, config: SiteConfig::default() };
    let appended = store.append(Append::of(HOUSE, Entry::Site(put))).await.unwrap();
    assert_eq!(appended.verdicts, [Verdict::Stored(1)]);
}

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

pub(super) fn event(page: &str, event_id: &str, at: i64) -> Event {
    let detail = Detail::PageLeave { engaged_ms: 1, scroll_pct: 2, title: None };
    Event { id: EventId::parse(page, event_id).unwrap(), page: id(page), at, raw_at: None, detail }
}

pub(super) fn arrival(visitor: &str, events: Vec<Event>) -> Arrival {
    Arrival::bare(Some(id(visitor)), Mode::Full, 1, events)
}

async fn append(store: &dyn Store, visitor: &str, events: Vec<Event>) -> Appended {
    store.append(Append::of(SITE, Entry::Arrival(arrival(visitor, events)))).await.unwrap()
}

fn events_of(entry: &Entry) -> Vec<String> {
    match entry {
        Entry::Arrival(arrival) => arrival.events.iter().map(Event::id_text).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn what_was_acknowledged_is_read_back_in_order_also_after_a_reopen() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        for page in 0..50 {
            let page = format!("p{page}");
            let events = (0..3).map(|n| event(&page, &format!("{page}-{n}"), n)).collect();
            let appended = append(store.as_ref(), "v", events).await;
            assert_eq!(appended.verdicts.len(), 3);
        }
        let before = store.read(SITE, 0, usize::MAX).await.unwrap();
        assert_eq!(store.head(SITE), 150);
        store.close().await;
        let late = store.append(Append::of(SITE, Entry::Arrival(arrival("v", Vec::new())))).await;
        assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
        drop(store);

        let store = place.open();
        assert_eq!(store.head(SITE), 150);
        assert_eq!(store.read(SITE, 0, usize::MAX).await.unwrap(), before);
        let positions: Vec<_> = before.iter().map(|stored| stored.position).collect();
        assert_eq!(positions, (0..50).map(|n| n * 3 + 1).collect::<Vec<_>>());
        assert_eq!(store.read(SITE, 150, 10).await.unwrap(), []);
        let from_the_middle = store.read(SITE, 75, 6).await.unwrap();
        assert_eq!(from_the_middle.first().unwrap().position, 76);
        assert_eq!(from_the_middle.len(), 2);
        let next = append(store.as_ref(), "v", vec![event("q", "q-0", 0)]).await;
        assert_eq!(next.verdicts, [Verdict::Stored(151)], "positions go on where they ended");
        store.close().await;
    });
}

#[test]
fn an_id_is_stored_once_for_ever() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let twice = vec![
            event("p", "p-0", 1),
            event("p", "p-0", 2),
            event("p", "opaque", 3),
            event("q", "opaque", 4),
        ];
        let appended = append(store.as_ref(), "v", twice).await;
        let expected = [Verdict::Stored(1), Verdict::Duplicate, Verdict::Stored(2), Verdict::Duplicate];
        assert_eq!(appended.verdicts, expected);
        store.close().await;
        drop(store);

        let store = place.open();
        let again = vec![event("p", "opaque", 9), event("p", "p-1", 9), event("p", "p-0", 9)];
        let appended = append(store.as_ref(), "w", again).await;
        assert_eq!(appended.verdicts, [Verdict::Duplicate, Verdict::Stored(3), Verdict::Duplicate]);
        let stored: Vec<_> = store
            .read(SITE, 0, 100)
            .await
            .unwrap()
            .iter()
            .flat_map(|stored| events_of(&stored.entry))
            .collect();
        assert_eq!(stored, ["p-0", "opaque", "p-1"], "the first stored wins");
        let ledger = store.ledger(SITE).await.unwrap();
        assert_eq!((ledger.stored, ledger.duplicate, ledger.received()), (3, 4, 7));
        store.close().await;
    });
}

#[test]
fn parallel_appends_never_share_a_position_and_never_lose_one() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let tasks: Vec<_> = (0..200)
            .map(|n| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    let page = format!("p{}", n % 40);
                    // Every id is sent five times at once.
                    append(store.as_ref(), "v", vec![event(&page, &format!("{page}-0"), n)]).await
                })
            })
            .collect();
        let mut positions = HashSet::new();
        let mut duplicates = 0;
        for task in tasks {
            match task.await.unwrap().verdicts.as_slice() {
                [Verdict::Stored(position)] => assert!(positions.insert(*position)),
                [Verdict::Duplicate] => duplicates += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((positions.len(), duplicates), (40, 160));
        assert_eq!(store.head(SITE), 40);
        store.close().await;
    });
}

#[test]
fn sites_share_nothing() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        append(store.as_ref(), "v", vec![event("p", "p-0", 1)]).await;
        let other = Append::of(2, Entry::Arrival(arrival("v", vec![event("p", "p-0", 1)])));
        assert_eq!(store.append(other).await.unwrap().verdicts, [Verdict::Stored(1)]);
        assert_eq!(store.read(2, 0, 10).await.unwrap().len(), 1);
        assert_eq!(store.ledger(2).await.unwrap().stored, 1);
        store.close().await;
    });
}

#[test]
fn a_tally_is_counted_though_nothing_is_stored() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let tally = Ledger { withheld: [("off".to_owned(), 2)].into(), ..Ledger::default() };
        let only_counted = Append { tally, ..Append::nothing(SITE) };
        assert_eq!(store.append(only_counted).await.unwrap().verdicts, []);
        store.close().await;
        drop(store);
        let store = place.open();
        let ledger = store.ledger(SITE).await.unwrap();
        assert_eq!((ledger.withheld["off"], ledger.stored, ledger.received()), (2, 0, 2));
        assert_eq!(store.head(SITE), 0);
        store.close().await;
    });
}

fn lead_event(page: &str, number: u16, reference: u8, token: u8) -> (Event, Seal) {
    let token = Token([token; 16]);
    let personal = Personal {
        vault: Some(VaultRef([reference; 16])),
        identifiers: vec![Identifier { kind: IdentifierKind::Phone, token }],
    };
    let submission =
        Submission { kind: LeadKind::Callback, personal, consent: None, magnet: None, flags: Vec::new() };
    let detail = Detail::FormSubmit {
        form: "callback".to_owned(),
        fields_filled: None,
        inferred: false,
        lead: Some(submission),
    };
    let event = Event { id: EventId::Numbered(number), page: id(page), at: 5, raw_at: None, detail };
    let seal = Seal {
        event: 0,
        reference: VaultRef([reference; 16]),
        sealed: Sealed { key: vec![reference], value: vec![reference, reference] },
        lookups: vec![([42; 32], token)],
    };
    (event, seal)
}

#[test]
fn a_seal_lives_and_dies_with_its_fact_and_an_identifier_keeps_its_token() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let send = async |(event, seal): (Event, Seal)| {
            let append =
                Append { seals: vec![seal], ..Append::of(SITE, Entry::Arrival(arrival("v", vec![event]))) };
            store.append(append).await.unwrap().verdicts
        };
        assert_eq!(send(lead_event("p", 0, 1, 11)).await, [Verdict::Stored(1)]);
        assert_eq!(send(lead_event("p", 0, 2, 12)).await, [Verdict::Duplicate]);
        assert_eq!(send(lead_event("p", 1, 3, 13)).await, [Verdict::Stored(2)]);
        let sealed = async |reference: u8| store.sealed(SITE, VaultRef([reference; 16])).await.unwrap();
        assert_eq!(sealed(1).await, Some(Sealed { key: vec![1], value: vec![1, 1] }));
        assert_eq!(sealed(2).await, None, "a duplicate's personal data is not kept");
        assert!(sealed(3).await.is_some());
        let tokens: Vec<_> = store
            .read(SITE, 0, 10)
            .await
            .unwrap()
            .iter()
            .map(|stored| match stored.entry.as_ref() {
                Entry::Arrival(arrival) => {
                    arrival.events[0].detail.lead().unwrap().personal.identifiers[0].token
                }
                _ => panic!("an arrival"),
            })
            .collect();
        assert_eq!(tokens, [Token([11; 16]), Token([11; 16])], "one number, one token");
        store.close().await;
    });
}

#[test]
fn a_claim_tells_a_repetition_from_an_amendment() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let stage = |name: &str| StageMove {
            lead: LeadId::of_event("e"),
            stage: name.to_owned(),
            at: 1,
            received_at: 1,
            note: VaultRef([0; 16]),
            external_id: Some("crm-1".to_owned()),
        };
        let send = async |name: &str, content: u8| {
            let claim = Claim { kind: "stage", external_id: "crm-1".to_owned(), content: [content; 32] };
            let append = Append { claim: Some(claim), ..Append::of(SITE, Entry::Stage(stage(name))) };
            store.append(append).await.unwrap().verdicts
        };
        assert_eq!(send("mql", 1).await, [Verdict::Stored(1)]);
        assert_eq!(send("mql", 1).await, [Verdict::Duplicate]);
        assert_eq!(send("sql", 2).await, [Verdict::Stored(2)], "other content is an amendment");
        assert_eq!(store.head(SITE), 2);
        store.close().await;
    });
}

#[test]
fn what_makes_another_is_appended_with_it_and_after_it() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let of = |name: &'static str, external_id: &str| {
            let stage = StageMove {
                lead: LeadId::of_event("e"),
                stage: name.to_owned(),
                at: 1,
                received_at: 1,
                note: VaultRef([0; 16]),
                external_id: Some(external_id.to_owned()),
            };
            let claim = Claim { kind: "stage", external_id: external_id.to_owned(), content: [1; 32] };
            Append { claim: Some(claim), ..Append::of(SITE, Entry::Stage(stage)) }
        };
        let with = |first: Append, then: Append| Append { first: Some(Box::new(first)), ..then };
        let appended = store.append(with(of("lead", "a"), of("mql", "b"))).await.unwrap();
        assert_eq!(appended.verdicts, [Verdict::Stored(2)], "of the second: the first is before it");
        let appended = store.append(with(of("lead", "a"), of("sql", "c"))).await.unwrap();
        assert_eq!(appended.verdicts, [Verdict::Stored(3)], "the first was there, the second was not");
        let entries = store.read(SITE, 0, 9).await.unwrap();
        let stages: Vec<_> = entries
            .iter()
            .map(|stored| match stored.entry.as_ref() {
                Entry::Stage(stage) => (stored.position, stage.stage.as_str()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(stages, [(1, "lead"), (2, "mql"), (3, "sql")]);
        store.close().await;
    });
}

#[test]
fn a_log_is_read_the_same_from_memory_and_from_the_engine() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        for n in 0..5 {
            let events = (0..=n).map(|m| event("p", &format!("p-{}", 10 * n + m), n)).collect();
            append(store.as_ref(), "v", events).await;
        }
        let read = async |store: &dyn Store| {
            let mut all = Vec::new();
            for after in [0, 1, 3, 6, 10, 14, 15] {
                for max in [1, 3, 4, 100] {
                    all.push(store.read(SITE, after, max).await.unwrap());
                }
            }
            all
        };
        let from_memory = read(store.as_ref()).await;
        store.close().await;
        drop(store);
        let store = place.open();
        assert_eq!(read(store.as_ref()).await, from_memory);
        store.close().await;
    });
}

#[test]
fn a_small_value_is_set_once() {
    on_each(|place| async move {
        let store = place.open();
        assert_eq!(store.meta("name").await.unwrap(), None);
        assert_eq!(store.meta_or_set("name", vec![1]).await.unwrap(), [1]);
        assert_eq!(store.meta_or_set("name", vec![2]).await.unwrap(), [1]);
        store.probe().await.unwrap();
        store.close().await;
        drop(store);
        let store = place.open();
        assert_eq!(store.meta("name").await.unwrap(), Some(vec![1]));
        store.close().await;
    });
}

#[test]
fn a_newer_format_is_refused_in_one_line() {
    use super::engine::Engine as _;
    let memory = Memory::default();
    let format = |format: u32| {
        let value = [&[1], format.to_be_bytes().as_slice()].concat();
        memory.apply(vec![(super::keys::meta("format"), Some(value))]).unwrap();
    };
    format(1);
    drop(KvStore::open(memory.clone()).unwrap());
    let written = memory.get(&super::keys::meta("format")).unwrap().unwrap();
    assert_eq!(
        written[1..],
        super::opening::FORMAT.to_be_bytes(),
        "an older program must not open it from here on"
    );
    format(super::opening::FORMAT + 1);
    let error = KvStore::open(memory).err().unwrap().to_string();
    assert!(error.contains("newer version") && error.lines().count() == 1, "{error}");
}

#[test]
fn a_large_group_is_split_into_blocks_and_read_back_whole() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let tasks: Vec<_> = (0..64)
            .map(|n| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    let page = format!("p{n}");
                    let events = (0..200).map(|k| event(&page, &format!("{page}-{k}"), k)).collect();
                    append(store.as_ref(), &format!("v{n}"), events).await
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let stored = store.read(SITE, 0, usize::MAX).await.unwrap();
        assert_eq!(stored.len(), 64);
        let mut next = 1;
        for entry in &stored {
            assert_eq!(entry.position, next);
            next = entry.last() + 1;
        }
        assert_eq!(next - 1, 64 * 200);
        store.close().await;
    });
}
