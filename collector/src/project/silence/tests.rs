//! Told once for each silence, by whoever is there to notice it.

use super::*;
use crate::{
    domain::{
        fact::HOUSE,
        install::Install,
        silence::Silent,
        site::{SiteConfig, SitePut},
    },
    project::directory::Directory,
    store::{Row, Step, kv::KvStore, memory::Memory},
};

const SITE: SiteNumber = 1;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// 2026-11-25 12:00 UTC.
const NOON: i64 = 1_795_608_000_000;

/// A store whose site had 60 beacons in each hour of the five weeks before noon.
async fn busy() -> (Memory, Arc<dyn Store>) {
    let memory = Memory::default();
    let store: Arc<dyn Store> = Arc::new(KvStore::open(memory.clone()).unwrap());
    let put = SitePut { slug: "acme".to_owned(), at: 0, config: SiteConfig::default() };
    store.append(Append::of(HOUSE, Entry::Site(put))).await.unwrap();
    let noon = silence::hour_of(NOON);
    let mut rows: Vec<Row> = (noon - 5 * 168..noon).map(|hour| Row::Pulse { hour, change: 60 }).collect();
    rows.push(last_beacon(NOON));
    commit(store.as_ref(), 0, rows).await;
    (memory, store)
}

fn last_beacon(at: i64) -> Row {
    let first = Some(NOON - 5 * 168 * HOUR);
    Row::Install(Install { first_beacon_at: first, last_beacon_at: Some(at), ..Install::default() })
}

async fn commit(store: &dyn Store, from: u64, rows: Vec<Row>) {
    store.commit(Step { projector: "test", site: SITE, from, to: from + 1, rows }).await.unwrap();
}

async fn told(store: &dyn Store) -> Vec<Silent> {
    let log = store.read(SITE, 0, usize::MAX).await.unwrap();
    let silent = |entry: &Entry| match entry {
        Entry::Silent(silent) => Some(silent.clone()),
        _ => None,
    };
    log.iter().filter_map(|stored| silent(&stored.entry)).collect()
}

async fn sites(store: &dyn Store) -> Vec<Arc<Site>> {
    let directory = Directory::default();
    directory.refresh(store).await.unwrap();
    directory.sites()
}

#[tokio::test]
async fn a_silence_is_told_once_and_ends_with_the_next_beacon() {
    let (memory, store) = busy().await;
    let sites = sites(store.as_ref()).await;
    let (mut watch, seen) = Watch::new();
    let since = |seen: &Silences| seen.borrow().sites.get(&SITE).copied();
    for minutes in [0, 29] {
        watch.look(store.as_ref(), &sites, NOON + minutes * MINUTE).await.unwrap();
        assert_eq!((since(&seen), told(store.as_ref()).await), (None, Vec::new()), "after {minutes} minutes");
    }
    for minutes in [30, 31, 600] {
        watch.look(store.as_ref(), &sites, NOON + minutes * MINUTE).await.unwrap();
        assert_eq!(since(&seen), Some(NOON), "after {minutes} minutes");
    }
    let first = Silent { since: NOON, at: NOON + 30 * MINUTE, expected: 30 };
    assert_eq!(told(store.as_ref()).await, std::slice::from_ref(&first));

    // Another process notices the same silence, and tells it to its metrics alone.
    store.close().await;
    let store: Arc<dyn Store> = Arc::new(KvStore::open(memory).unwrap());
    let (mut watch, seen) = Watch::new();
    watch.look(store.as_ref(), &sites, NOON + 700 * MINUTE).await.unwrap();
    assert_eq!((since(&seen), told(store.as_ref()).await), (Some(NOON), vec![first.clone()]));

    let heard = NOON + 700 * MINUTE + 30_000;
    commit(store.as_ref(), 1, vec![last_beacon(heard)]).await;
    watch.look(store.as_ref(), &sites, heard).await.unwrap();
    assert_eq!(since(&seen), Some(NOON), "it is looked at once a minute");
    watch.look(store.as_ref(), &sites, heard + MINUTE).await.unwrap();
    assert_eq!(since(&seen), None);
    watch.look(store.as_ref(), &sites, heard + 40 * MINUTE).await.unwrap();
    let again = Silent { since: heard, at: heard + 40 * MINUTE, expected: 40 };
    assert_eq!(told(store.as_ref()).await, [first, again]);
}

#[tokio::test]
async fn a_site_without_beacons_is_not_silent() {
    let store: Arc<dyn Store> = Arc::new(KvStore::open(Memory::default()).unwrap());
    let put = SitePut { slug: "acme".to_owned(), at: 0, config: SiteConfig::default() };
    store.append(Append::of(HOUSE, Entry::Site(put))).await.unwrap();
    let (mut watch, seen) = Watch::new();
    watch.look(store.as_ref(), &sites(store.as_ref()).await, NOON).await.unwrap();
    assert!(*seen.borrow() == Quiet::default() && told(store.as_ref()).await.is_empty());
}

#[tokio::test]
async fn a_form_that_nobody_sends_any_more_is_told_once_and_ends_with_the_next_one() {
    const FORM: &str = "te-llamamos";
    let (memory, store) = busy().await;
    let sites = sites(store.as_ref()).await;
    let noon = silence::hour_of(NOON);
    let sent = |hour, form: &str| Row::FormPulse { form: form.to_owned(), hour, change: 5 };
    let mut rows: Vec<Row> = (noon - 5 * 168..=noon).map(|hour| sent(hour, FORM)).collect();
    // One that is hardly ever sent is not missed.
    rows.extend([sent(noon - 900, "boletin"), sent(noon - 400, "boletin")]);
    commit(store.as_ref(), 1, rows).await;
    let told = async |store: &dyn Store| {
        let log = store.read(SITE, 0, usize::MAX).await.unwrap();
        let silent = |entry: &Entry| match entry {
            Entry::FormSilent(silent) => Some((silent.form.clone(), silent.since, silent.expected)),
            _ => None,
        };
        log.iter().filter_map(|stored| silent(&stored.entry)).collect::<Vec<_>>()
    };
    // Pages are viewed all the while.
    let (mut watch, seen) = Watch::new();
    for (from, minutes) in [(2, 119), (3, 181)] {
        let now = NOON + minutes * MINUTE;
        commit(store.as_ref(), from, vec![last_beacon(now)]).await;
        watch.look(store.as_ref(), &sites, now).await.unwrap();
    }
    let since = NOON + HOUR;
    assert_eq!(told(store.as_ref()).await, [(FORM.to_owned(), since, 10)]);
    assert_eq!(seen.borrow().forms, [((SITE, FORM.to_owned()), since)].into());

    store.close().await;
    let store: Arc<dyn Store> = Arc::new(KvStore::open(memory).unwrap());
    let (mut watch, seen) = Watch::new();
    let now = NOON + 240 * MINUTE;
    commit(store.as_ref(), 4, vec![last_beacon(now)]).await;
    watch.look(store.as_ref(), &sites, now).await.unwrap();
    assert_eq!((told(store.as_ref()).await.len(), seen.borrow().forms.len()), (1, 1));
    let now = now + MINUTE;
    let rows = vec![last_beacon(now), sent(silence::hour_of(now), FORM)];
    commit(store.as_ref(), 5, rows).await;
    watch.look(store.as_ref(), &sites, now).await.unwrap();
    assert_eq!((told(store.as_ref()).await.len(), seen.borrow().clone()), (1, Quiet::default()));
}
