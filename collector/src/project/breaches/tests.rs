//! Told once for each lead, at its moment, by whoever is there to notice it; never of somebody who was called in time.

use super::*;
use crate::{
    clock::Manual,
    domain::{
        event::{Consent, LeadKind, Personal},
        fact::HOUSE,
        hours::Hours,
        record::{Attempt, LeadIn, Outcome},
        site::{SiteConfig, SitePut},
    },
    project::follow::Follower,
    store::{kv::KvStore, memory::Memory},
};

const SITE: SiteNumber = 1;
/// 2026-11-25 12:00 UTC.
const NOON: i64 = 1_795_608_000_000;
const MINUTE: i64 = 60_000;

struct World {
    memory: Memory,
    store: Arc<dyn Store>,
    directory: Arc<Directory>,
    follower: Follower,
    breaches: Breaches,
    clock: Arc<Manual>,
}

impl World {
    async fn new() -> Self {
        let memory = Memory::default();
        let world = Self::on(memory, Arc::new(Manual::at(NOON))).await;
        world.configure(SiteConfig::default()).await;
        world
    }

    async fn on(memory: Memory, clock: Arc<Manual>) -> Self {
        let store: Arc<dyn Store> = Arc::new(KvStore::open(memory.clone()).unwrap());
        let directory = Arc::new(Directory::default());
        let (follower, progress) = Follower::new(Arc::clone(&store), Arc::clone(&directory));
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let breaches = Breaches::new(Arc::clone(&store), Arc::clone(&directory), progress, shared);
        Self { memory, store, directory, follower, breaches, clock }
    }

    /// Another process on the same store.
    async fn restart(self) -> Self {
        self.store.close().await;
        Self::on(self.memory, self.clock).await
    }

    async fn configure(&self, config: SiteConfig) {
        let put = SitePut { slug: "acme".to_owned(), at: 0, config };
        self.store.append(Append::of(HOUSE, Entry::Site(put))).await.unwrap();
        self.directory.refresh(self.store.as_ref()).await.unwrap();
    }

    async fn add(&self, entry: Entry) {
        self.store.append(Append::of(SITE, entry)).await.unwrap();
    }

    /// Everything takes effect, and somebody looks.
    async fn look(&mut self) -> Option<Duration> {
        self.follower.catch_up().await.unwrap();
        self.breaches.look().await.unwrap()
    }

    /// When which lead's clock was told to have run out, and when that was noticed.
    async fn told(&self) -> Vec<(String, i64, i64)> {
        let log = self.store.read(SITE, 0, usize::MAX).await.unwrap();
        let breach = |entry: &Entry| match entry {
            Entry::Breach(breach) => Some((breach.lead.to_string(), breach.due_at, breach.at)),
            _ => None,
        };
        log.iter().filter_map(|stored| breach(&stored.entry)).collect()
    }
}

fn id(name: &str) -> LeadId {
    LeadId::of_record("lead", name)
}

fn lead(name: &str, at: i64) -> Entry {
    Entry::Lead(LeadIn {
        lead: id(name),
        kind: LeadKind::Callback,
        at,
        received_at: at,
        external_id: name.to_owned(),
        visitor: None,
        inferred: false,
        came: None,
        event: None,
        personal: Personal::default(),
        consent: Some(Consent { text_version: None, purposes: vec!["contact".to_owned()] }),
        flags: Vec::new(),
    })
}

fn attempt(name: &str, at: i64) -> Entry {
    Entry::Attempt(Attempt {
        lead: id(name),
        at,
        received_at: at,
        outcome: Outcome::NoAnswer,
        disposition: None,
        product: None,
        objection: None,
        note: None,
        external_id: name.to_owned(),
    })
}

#[tokio::test]
async fn a_clock_that_has_run_out_is_told_once_at_its_moment() {
    let mut world = World::new().await;
    assert_eq!(world.look().await, None, "nobody waits");
    world.add(lead("a", NOON)).await;
    world.add(lead("b", NOON + 10)).await;
    world.add(lead("c", NOON + 20)).await;
    world.add(attempt("b", NOON + 30_000)).await;
    assert_eq!(world.look().await, Some(TICK));
    world.clock.advance(MINUTE - 1);
    assert_eq!(world.look().await, Some(Duration::from_millis(1)));
    assert_eq!(world.told().await, []);
    world.clock.advance(1);
    world.look().await;
    let first = (id("a").to_string(), NOON + MINUTE, NOON + MINUTE);
    assert_eq!(world.told().await, std::slice::from_ref(&first));
    world.clock.advance(5);
    world.look().await;
    assert_eq!(world.told().await.len(), 1, "each at its own moment");

    // The others' moments pass while nobody is there, and another process tells them by what they were.
    let mut world = world.restart().await;
    world.clock.advance(3_600_000);
    for _ in 0..3 {
        world.look().await;
    }
    let late = (id("c").to_string(), NOON + MINUTE + 20, NOON + MINUTE + 5 + 3_600_000);
    assert_eq!(world.told().await, [first, late]);
    assert_eq!(world.look().await, None);
    let stored = world.store.lead(SITE, &id("c")).await.unwrap().unwrap();
    assert_eq!(stored.breached_at, Some(NOON + MINUTE + 20));
}

#[tokio::test]
async fn what_is_durable_and_has_not_taken_effect_yet_is_waited_for() {
    let mut world = World::new().await;
    world.add(lead("a", NOON)).await;
    world.look().await;
    world.add(attempt("a", NOON + 59_000)).await;
    world.clock.advance(MINUTE);
    assert_eq!(world.breaches.look().await.unwrap(), Some(TICK));
    assert_eq!(world.told().await, []);
    assert_eq!(world.look().await, None, "it was tried in time");
    assert_eq!(world.told().await, []);
}

#[tokio::test]
async fn other_hours_are_other_clocks_and_history_is_nobodys_news() {
    let mut world = World::new().await;
    world.add(lead("a", NOON)).await;
    world.look().await;
    // Closed until the next day at nine in Madrid, which is eight in UTC.
    let hours: Hours = serde_json::from_str(r#"{"week": {"thu": [["09:00", "21:00"]]}}"#).unwrap();
    world.configure(SiteConfig { hours, ..SiteConfig::default() }).await;
    world.clock.advance(MINUTE);
    assert_eq!(world.look().await, Some(TICK));
    world.clock.advance(20 * 3_600_000);
    world.look().await;
    let due_at = NOON + 20 * 3_600_000 + MINUTE;
    assert_eq!(world.told().await, [(id("a").to_string(), due_at, due_at)]);

    world.add(lead("b", NOON)).await;
    let mut world = world.restart().await;
    world.clock.advance(Breach::HISTORY_MS);
    world.look().await;
    assert_eq!(world.told().await.len(), 2, "as late as it is told at all");
    world.add(lead("c", NOON)).await;
    world.clock.advance(1);
    assert_eq!(world.look().await, None);
    assert_eq!(world.told().await.len(), 2);
}

#[tokio::test]
async fn many_that_run_out_together_are_all_told_once() {
    let mut world = World::new().await;
    for n in 0..200 {
        world.add(lead(&format!("l{n}"), NOON)).await;
    }
    world.clock.advance(MINUTE);
    while world.look().await.is_some() {}
    let told: BTreeSet<_> = world.told().await.into_iter().map(|(lead, ..)| lead).collect();
    assert_eq!((told.len(), world.told().await.len()), (200, 200));
}
