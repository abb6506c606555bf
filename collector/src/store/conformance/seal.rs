//! Sealing: content goes, ids and positions stay.

use super::*;
use crate::{
    domain::sealed::SealStatus,
    store::{SealStep, check, rollup::Base, seal::SealedSubject},
};

fn reference(byte: u8) -> VaultRef {
    VaultRef([byte; 16])
}

/// An arrival with a lead whose contact is in the vault.
async fn with_contact(store: &dyn Store, page: &str, byte: u8) {
    let personal = Personal { vault: Some(reference(byte)), identifiers: Vec::new() };
    let lead = Submission { kind: LeadKind::Form, personal, consent: None, magnet: None, flags: Vec::new() };
    let detail =
        Detail::FormSubmit { form: "f".to_owned(), fields_filled: None, inferred: false, lead: Some(lead) };
    let submit = Event { detail, ..event(page, &format!("{page}-0"), 5) };
    let seal = Seal {
        event: 0,
        reference: reference(byte),
        sealed: Sealed { key: vec![1], value: vec![2] },
        lookups: Vec::new(),
    };
    let entry = Entry::Arrival(arrival(page, vec![submit, event(page, &format!("{page}-opaque"), 6)]));
    store.append(Append { seals: vec![seal], ..Append::of(SITE, entry) }).await.unwrap();
}

fn step(entries: &[u64]) -> SealStep {
    SealStep { site: SITE, entries: entries.iter().copied().collect(), ..SealStep::default() }
}

#[test]
fn what_is_sealed_is_gone_and_its_ids_are_not() {
    on_each(|place| async move {
        let mut store = place.open();
        with_site(store.as_ref()).await;
        for (page, byte) in [("p", 1), ("q", 2), ("r", 3), ("s", 4)] {
            with_contact(store.as_ref(), page, byte).await;
        }
        let stored = store.ledger(SITE).await.unwrap().stored;
        store.seal(step(&[3])).await.unwrap();
        store.seal(SealStep { passed: Some((77, Default::default())), ..step(&[1]) }).await.unwrap();

        for reopened in [false, true] {
            let log = store.read(SITE, 0, usize::MAX).await.unwrap();
            let ids: Vec<_> = log.iter().map(|stored| (stored.position, events_of(&stored.entry))).collect();
            let kept = |page: &str| vec![format!("{page}-0"), format!("{page}-opaque")];
            assert_eq!(ids, [(1, Vec::new()), (5, kept("r")), (7, kept("s"))]);
            assert_eq!((store.head(SITE), store.ledger(SITE).await.unwrap().stored), (8, stored));
            assert_eq!(store.read(SITE, 2, 1).await.unwrap().first().map(|stored| stored.position), Some(5));
            let found = store.entries(SITE, vec![1, 3, 5]).await.unwrap();
            assert_eq!(found.iter().map(|stored| stored.position).collect::<Vec<_>>(), [5]);
            assert!(store.entries(SITE, vec![6]).await.is_err(), "no entry begins there");
            for (byte, there) in [(1, false), (2, false), (3, true), (4, true)] {
                assert_eq!(store.sealed(SITE, reference(byte)).await.unwrap().is_some(), there, "{byte}");
            }
            for page in ["p", "q", "r"] {
                let again = append(store.as_ref(), "v", vec![event(page, &format!("{page}-0"), 9)]).await;
                assert_eq!(again.verdicts, [Verdict::Duplicate]);
                let opaque =
                    append(store.as_ref(), "v", vec![event("z", &format!("{page}-opaque"), 9)]).await;
                assert_eq!(opaque.verdicts, [Verdict::Duplicate]);
            }
            let expected = SealStatus { facts: 4, leads: 0, passed_at: 77, ..SealStatus::default() };
            assert_eq!(store.sealed_status(SITE).await.unwrap(), expected);
            store.close().await;
            drop(store);
            if reopened {
                return;
            }
            store = place.open();
        }
    });
}

#[test]
fn a_step_takes_effect_whole_or_not_at_all() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        with_contact(store.as_ref(), "p", 1).await;
        let subject = Subject::Visitor(id("p"));
        let rows = vec![Row::Piece { subject: subject.clone(), position: 1 }];
        store.commit(Step { projector: "test", site: SITE, from: 0, to: 2, rows }).await.unwrap();
        let lost = |subject: &Subject| SealedSubject {
            subject: subject.clone(),
            gone: [1].into(),
            stays: false,
            number: 1,
        };
        let torn = SealStep { subjects: vec![lost(&subject)], ..step(&[1, 7]) };
        assert!(matches!(store.seal(torn).await, Err(StoreError::Damaged(_))));
        assert_eq!(store.journey(SITE, &subject).await.unwrap().len(), 1);
        assert!(store.sealed(SITE, reference(1)).await.unwrap().is_some());
        let whole = SealStep { subjects: vec![lost(&subject)], base: Base::default(), ..step(&[1]) };
        store.seal(whole).await.unwrap();
        assert_eq!(store.journey(SITE, &subject).await.unwrap(), []);
        assert_eq!(store.head(SITE), 2, "the log goes on after it");
        let next = append(store.as_ref(), "v", vec![event("q", "q-0", 9)]).await;
        assert_eq!(next.verdicts, [Verdict::Stored(3)]);
        store.close().await;
        drop(store);
        assert_eq!(place.open().head(SITE), 3);
    });
}

#[tokio::test]
async fn a_sealed_log_is_one_block_and_a_check_finds_what_it_lacks() {
    let memory = Memory::default();
    let store = KvStore::open(memory.clone()).unwrap();
    with_site(&store).await;
    for page in 0..20 {
        append(&store, "v", vec![event(&format!("p{page}"), &format!("p{page}-0"), 1)]).await;
    }
    // In this order each is by itself first.
    for positions in [[1, 3, 5, 7, 9], [2, 4, 6, 8, 10], [20, 18, 16, 14, 12], [11, 13, 15, 17, 19]] {
        store.seal(step(&positions)).await.unwrap();
    }
    store.close().await;
    let engine = Arc::new(memory);
    let report = check::site(&engine, SITE, |_| {}).unwrap();
    let expected = check::Report { blocks: 1, facts: 20, events: 20, gone: 20, ..check::Report::default() };
    assert_eq!(report, expected);
    crate::store::engine::Engine::apply(&engine, vec![(crate::store::keys::bitmap(SITE, &id("p7")), None)])
        .unwrap();
    let fault = check::site(&engine, SITE, |_| {}).unwrap().fault;
    assert_eq!(fault.as_deref(), Some("an id at position 1 is in the log and not marked seen"));
}
