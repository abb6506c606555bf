//! Erasure: keys, values and hashes go with the fact, and nothing else does.

use super::*;
use crate::{
    domain::erasure::Erased,
    store::{Carried, LogMark, check},
};

fn erased(id: &str, reference: u8, token: u8) -> Erased {
    Erased {
        id: id.to_owned(),
        at: 9,
        by: "t".to_owned(),
        references: vec![VaultRef([reference; 16])],
        tokens: vec![Token([token; 16])],
        ..Erased::default()
    }
}

async fn erase(store: &dyn Store, erased: Erased) -> Vec<Verdict> {
    let hashes = store.hashes(SITE, erased.tokens.iter().copied().collect()).await.unwrap();
    let claim = Claim { kind: "erasure", external_id: erased.id.clone(), content: [0; 32] };
    let append = Append { claim: Some(claim), hashes, ..Append::of(SITE, Entry::Erased(erased)) };
    store.append(append).await.unwrap().verdicts
}

fn submission(page: &str, reference: u8, token: u8, hash: u8) -> Append {
    let (event, mut seal) = lead_event(page, 0, reference, token);
    seal.lookups = vec![([hash; 32], Token([token; 16]))];
    Append { seals: vec![seal], ..Append::of(SITE, Entry::Arrival(arrival("v", vec![event]))) }
}

async fn token_at(store: &dyn Store, position: u64) -> Token {
    let stored = store.entries(SITE, vec![position]).await.unwrap();
    let Entry::Arrival(arrival) = stored[0].entry.as_ref() else { panic!("an arrival") };
    arrival.events[0].detail.lead().unwrap().personal.identifiers[0].token
}

#[test]
fn what_is_erased_is_gone_and_its_identifier_is_a_strangers() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        for (page, reference, token, hash) in [("p", 1, 11, 41), ("q", 2, 12, 42)] {
            store.append(submission(page, reference, token, hash)).await.unwrap();
        }
        let ledger = store.ledger(SITE).await.unwrap();
        let log = store.read(SITE, 0, 10).await.unwrap();
        assert_eq!(store.hashes(SITE, [Token([11; 16])].into()).await.unwrap(), [[41; 32]]);
        assert_eq!(erase(store.as_ref(), erased("a", 1, 11)).await, [Verdict::Stored(3)]);
        assert_eq!(
            erase(store.as_ref(), erased("a", 1, 11)).await,
            [Verdict::Duplicate],
            "made twice is made once"
        );
        store.close().await;
        drop(store);

        let store = place.open();
        let sealed = async |reference: u8| store.sealed(SITE, VaultRef([reference; 16])).await.unwrap();
        assert_eq!((sealed(1).await.is_some(), sealed(2).await.is_some()), (false, true));
        assert_eq!(store.hashes(SITE, [Token([11; 16])].into()).await.unwrap(), [[0; 32]; 0]);
        assert_eq!(store.read(SITE, 0, 2).await.unwrap(), log, "nothing in the log is rewritten");
        assert_eq!(store.ledger(SITE).await.unwrap(), ledger);
        store.append(submission("r", 3, 13, 41)).await.unwrap();
        store.append(submission("s", 4, 14, 42)).await.unwrap();
        assert_eq!(token_at(store.as_ref(), 4).await, Token([13; 16]), "a stranger");
        assert_eq!(token_at(store.as_ref(), 5).await, Token([12; 16]), "and the neighbour is known");
        store.close().await;
    });
}

#[test]
fn in_one_group_with_a_new_submission_each_keeps_what_is_its_own() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        store.append(submission("p", 1, 11, 41)).await.unwrap();
        let hashes = vec![[41; 32]];
        let append = Append { hashes, ..Append::of(SITE, Entry::Erased(erased("a", 1, 11))) };
        let (gone, new) = tokio::join!(store.append(append), store.append(submission("q", 2, 12, 41)));
        assert_eq!(gone.unwrap().verdicts, [Verdict::Stored(2)]);
        assert_eq!(new.unwrap().verdicts, [Verdict::Stored(3)]);
        assert_eq!(token_at(store.as_ref(), 3).await, Token([12; 16]));
        assert_eq!(
            store.hashes(SITE, [Token([12; 16])].into()).await.unwrap(),
            [[41; 32]],
            "the new one is known"
        );
        // A late erasure of the old token does not touch the hash, which leads to another by now.
        let append = Append { hashes: vec![[41; 32]], ..Append::of(SITE, Entry::Erased(erased("b", 1, 11))) };
        store.append(append).await.unwrap();
        assert_eq!(store.hashes(SITE, [Token([12; 16])].into()).await.unwrap().len(), 1);
        store.close().await;
    });
}

#[test]
fn an_archive_brings_nobody_back() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        store.append(submission("p", 1, 11, 41)).await.unwrap();
        let (house, entries) = (store.read(0, 0, 10).await.unwrap(), store.read(SITE, 0, 10).await.unwrap());
        let older = store.belongings(Vec::new(), 1_000).await.unwrap();
        let marks: Vec<LogMark> = store.mark().await.unwrap();
        erase(store.as_ref(), erased("a", 1, 11)).await;

        // One that was made since, in another store.
        let rows = store.belongings(Vec::new(), 1_000).await.unwrap();
        let log = store.read(SITE, 0, 10).await.unwrap();
        let all = |of_site: &[crate::store::Stored]| -> Vec<_> {
            let house = house.iter().cloned().map(|stored| (0, stored));
            house.chain(of_site.iter().cloned().map(|stored| (SITE, stored))).collect()
        };
        let memory = Memory::default();
        let other = KvStore::open(memory.clone()).unwrap();
        other.take(Carried { rows, entries: all(&log), marks: Vec::new() }).await.unwrap();
        assert_eq!(other.sealed(SITE, VaultRef([1; 16])).await.unwrap(), None);
        assert_eq!(check::site(&memory, SITE, |_| {}).unwrap().erased, 1);

        // One that is older, into the store that has gone on: told by whoever checks, undone by who erases again.
        other.take(Carried { rows: older, entries: all(&entries), marks }).await.unwrap();
        let fault = check::site(&memory, SITE, |_| {}).unwrap().fault.unwrap_or_default();
        assert!(fault.contains("was erased"), "{fault}");
        assert_eq!(erase(&other, erased("a", 1, 11)).await, [Verdict::Duplicate]);
        assert_eq!(other.sealed(SITE, VaultRef([1; 16])).await.unwrap(), None);
        assert_eq!(other.hashes(SITE, [Token([11; 16])].into()).await.unwrap().len(), 0);
        assert_eq!(check::site(&memory, SITE, |_| {}).unwrap().fault, None);
        other.close().await;
        store.close().await;
    });
}
