use std::{sync::Arc, time::Duration};

use super::*;
use crate::{
    domain::{
        event::{Detail, Event, Prop},
        fact::{Arrival, HOUSE},
        id::{EventId, Id},
        site::{SiteConfig, SitePut},
    },
    store::{Append, Carried, Store, StoreError, Stored, Taken, kv::KvStore, memory::Memory},
};
use wire::beacon::Mode;

fn event(page: &str, number: u16, value: f64) -> Event {
    let props = [("x".to_owned(), Prop::Number(value)), ("n".to_owned(), Prop::Int(3))].into();
    Event {
        id: EventId::Numbered(number),
        page: Id::parse(page).unwrap(),
        at: 5,
        raw_at: None,
        detail: Detail::Custom { name: "c".to_owned(), props },
    }
}

async fn filled() -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(KvStore::open(Memory::default()).unwrap());
    let put = SitePut { slug: "acme".to_owned(), at: 1, config: SiteConfig::default() };
    store.append(Append::of(HOUSE, Entry::Site(put))).await.unwrap();
    for page in 0..50 {
        let page = format!("p{page}");
        let arrival = Arrival::bare(
            Id::parse("v"),
            Mode::Full,
            1,
            vec![event(&page, 0, 0.1 + 0.2), event(&page, 1, 5e-324), event(&page, 1, 1.0)],
        );
        store.append(Append::of(1, Entry::Arrival(arrival))).await.unwrap();
    }
    store.meta_or_set("lookup-key", vec![1, 2, 3]).await.unwrap();
    store
}

fn everything(patience: Duration) -> Contents<'static> {
    let slugs = BTreeMap::new();
    Contents { site: None, contacts: None, slugs, made_at: 7, opened: Arc::default(), patience }
}

async fn archive(store: &dyn Store) -> Vec<u8> {
    let (pieces, mut taken) = tokio::sync::mpsc::channel(1000);
    write(store, everything(PATIENCE), &pieces).await.unwrap();
    drop(pieces);
    let mut bytes = Vec::new();
    while let Some(piece) = taken.recv().await {
        bytes.extend(piece);
    }
    bytes
}

fn all(bytes: &[u8]) -> Result<Carried, ArchiveError> {
    let mut reader = Reader::open(bytes)?;
    let mut carried = Carried::default();
    while let Some(line) = reader.next_line()? {
        match line {
            Line::Row(row) => carried.rows.push((row.key, row.value)),
            Line::Fact(fact) => {
                let stored = Stored { position: fact.position, entry: Arc::new(fact.entry) };
                carried.entries.push((fact.site, stored));
            }
            Line::End(end) => carried.marks.extend(end.logs.into_iter().map(LogMark::from)),
            Line::Archive(_) => {}
        }
    }
    Ok(carried)
}

/// A reader that takes nothing must not keep what is old from being sealed.
#[tokio::test]
async fn a_reader_that_sleeps_is_dropped_and_lets_go_of_the_logs() {
    let store = filled().await;
    let (pieces, taken) = tokio::sync::mpsc::channel(1);
    pieces.send(b"lies there".to_vec()).await.unwrap();
    let step = || crate::store::SealStep { site: 1, ..crate::store::SealStep::default() };
    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { write(store.as_ref(), everything(Duration::from_millis(200)), &pieces).await }
    });
    let mut was_held = false;
    while !writing.is_finished() {
        was_held |= matches!(store.seal(step()).await, Err(StoreError::Busy));
        tokio::task::yield_now().await;
    }
    let error = writing.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("took nothing for 200ms"), "{error}");
    assert!(was_held, "nothing may be sealed while the archive waits");
    store.seal(step()).await.unwrap();
    drop(taken);
}

async fn take(store: &dyn Store, carried: Carried) -> Result<Taken, StoreError> {
    let Carried { rows, entries, marks } = carried;
    let taken = store.take(Carried { rows, entries, marks: Vec::new() }).await?;
    store.take(Carried { marks, ..Carried::default() }).await?;
    Ok(taken)
}

#[tokio::test]
async fn what_is_written_and_read_back_is_the_same_to_the_last_bit() {
    let store = filled().await;
    let bytes = archive(store.as_ref()).await;
    let other: Arc<dyn Store> = Arc::new(KvStore::open(Memory::default()).unwrap());
    assert_eq!(take(other.as_ref(), all(&bytes).unwrap()).await.unwrap(), Taken { new: 101, known: 0 });
    assert_eq!(other.mark().await.unwrap(), store.mark().await.unwrap());
    assert_eq!(other.ledger(1).await.unwrap().duplicate, 50);
    assert_eq!(other.read(1, 0, 1000).await.unwrap(), store.read(1, 0, 1000).await.unwrap());
    assert_eq!(other.meta("lookup-key").await.unwrap(), Some(vec![1, 2, 3]));
    // Twice is once, and an id that was carried is not new.
    assert_eq!(take(other.as_ref(), all(&bytes).unwrap()).await.unwrap(), Taken { new: 0, known: 101 });
    assert_eq!(other.mark().await.unwrap(), store.mark().await.unwrap());
    let entry = store.read(1, 0, 1).await.unwrap()[0].entry.as_ref().clone();
    let again = other.append(Append::of(1, entry)).await.unwrap();
    assert!(again.verdicts.iter().all(|verdict| *verdict == crate::store::Verdict::Duplicate));
}

#[tokio::test]
async fn another_store_or_a_gap_is_refused_whole() {
    let store = filled().await;
    let bytes = archive(store.as_ref()).await;
    let other = filled().await;
    // The same facts, though another store: known.
    assert_eq!(take(other.as_ref(), all(&bytes).unwrap()).await.unwrap().new, 0);
    let mut carried = all(&bytes).unwrap();
    carried.entries.remove(3);
    let empty: Arc<dyn Store> = Arc::new(KvStore::open(Memory::default()).unwrap());
    assert!(matches!(take(empty.as_ref(), carried).await, Err(StoreError::Contradicts(_))));
    assert_eq!(empty.head(1), 0, "nothing of it was taken");
    let mut carried = all(&bytes).unwrap();
    carried.rows.push((b"\0\0\0\0!lookup-key".to_vec(), vec![9]));
    assert!(matches!(take(other.as_ref(), carried).await, Err(StoreError::Contradicts(_))));
    // A fact that is not the one at its position.
    let mut carried = all(&bytes).unwrap();
    let changed = event("q", 0, 1.0);
    let mut arrival = arrival_of(&[carried.entries[5].1.clone()]);
    arrival.events[0] = changed;
    carried.entries[5].1.entry = Arc::new(Entry::Arrival(arrival));
    assert!(matches!(take(other.as_ref(), carried).await, Err(StoreError::Contradicts(_))));
}

fn arrival_of(stored: &[Stored]) -> Arrival {
    match stored.first().map(|stored| stored.entry.as_ref()) {
        Some(Entry::Arrival(arrival)) => arrival.clone(),
        _ => panic!("an arrival"),
    }
}

#[tokio::test]
async fn what_is_cut_or_changed_is_no_archive() {
    let bytes = archive(filled().await.as_ref()).await;
    let plain = zstd::decode_all(bytes.as_slice()).unwrap();
    let pack = |text: &[u8]| zstd::encode_all(text, 1).unwrap();
    assert!(all(&pack(&plain)).is_ok());
    for part in [bytes.len() / 2, bytes.len() - 5] {
        assert!(matches!(all(&bytes[..part]), Err(ArchiveError::Cut(_) | ArchiveError::Line(..))));
    }
    let lines: Vec<&[u8]> = plain.split_inclusive(|byte| *byte == b'\n').collect();
    let without_end = lines[..lines.len() - 1].concat();
    assert!(matches!(all(&pack(&without_end)), Err(ArchiveError::Cut(53))));
    let one_less = [&lines[..5], &lines[6..]].concat().concat();
    assert!(matches!(all(&pack(&one_less)), Err(ArchiveError::Line(..))));
    let changed = String::from_utf8(plain.clone()).unwrap().replacen("\"n\":3", "\"n\":4", 1);
    assert!(matches!(all(&pack(changed.as_bytes())), Err(ArchiveError::Line(..))));
    let newer = String::from_utf8(plain).unwrap().replacen("\"version\":1", "\"version\":2", 1);
    assert!(matches!(all(&pack(newer.as_bytes())), Err(ArchiveError::Newer(_))));
    assert!(matches!(all(b"PK\x03\x04 something else"), Err(ArchiveError::Foreign)));
    assert!(matches!(all(&pack(b"{\"a\":1}\n")), Err(ArchiveError::Foreign)));
}
