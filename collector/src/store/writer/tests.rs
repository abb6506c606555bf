//! What only shows when the disk fails, or when a group is larger than the writer's memory of pages.

use std::sync::{
    Condvar,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::oneshot;

use super::*;
use crate::{
    domain::fact::HOUSE,
    store::{
        Description, Store as _,
        conformance::{arrival, event},
        engine::Pair,
        kv::KvStore,
        memory::Memory,
        poisoned::Poisoned,
        shares::Shares,
    },
};

const SITE: SiteNumber = 1;

fn append(page: &str, id: &str) -> Append {
    Append::of(SITE, Entry::Arrival(arrival("v", vec![event(page, id, 1)])))
}

/// Writes, and then cannot sync while it is told so: a full disk, or a broken one.
struct Failing {
    memory: Memory,
    broken: Arc<AtomicBool>,
}

impl Engine for Failing {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.memory.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        self.memory.scan(from, to, limit)
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Pair>, StoreError> {
        self.memory.last(from, to)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.memory.apply(batch)
    }

    fn sync(&self) -> Result<(), StoreError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("no space left".to_owned()));
        }
        Ok(())
    }

    fn recover(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn describe(&self) -> Description {
        self.memory.describe()
    }
}

#[tokio::test]
async fn what_was_refused_and_sent_again_is_visible_once_it_is_acknowledged() {
    let broken = Arc::new(AtomicBool::new(false));
    let engine = Failing { memory: Memory::default(), broken: Arc::clone(&broken) };
    let store = KvStore::open(engine).unwrap();

    broken.store(true, Ordering::SeqCst);
    assert!(store.append(append("p", "p-0")).await.is_err());
    assert_eq!(store.head(SITE), 0, "nothing is shown that is not durable");
    assert_eq!(store.read(SITE, 0, 10).await.unwrap(), []);

    broken.store(false, Ordering::SeqCst);
    // The engine had taken it: it is known, and the sync of this answer made it durable.
    assert_eq!(store.append(append("p", "p-0")).await.unwrap().verdicts, [Verdict::Duplicate]);
    assert_eq!(store.head(SITE), 1, "acknowledged is visible, though nothing was appended since");
    assert_eq!(store.read(SITE, 0, 10).await.unwrap().len(), 1);
    store.close().await;
}

#[test]
fn an_id_counts_once_in_a_group_of_more_pages_than_the_writer_remembers() {
    let shared = Shared {
        heads: Heads::default(),
        tails: Arc::new(Mutex::new(Tail::new(0))),
        steps: Arc::default(),
        vitals: Vitals::default(),
        changes: watch::Sender::new(0),
    };
    let mut writer = Writer::new(Arc::new(Memory::default()), shared);
    writer.recent = Recent::new(1);
    let ids = [("p", "p-0"), ("q", "q-0"), ("r", "r-0"), ("s", "s-0"), ("p", "p-0")];
    let shares = Shares::new(100);
    let (mut tasks, mut answers) = (Vec::new(), Vec::new());
    for (page, id) in ids {
        let (answer, answered) = oneshot::channel();
        tasks.push(Task::Append(Box::new(append(page, id)), answer, shares.enter(SITE, 1).unwrap()));
        answers.push(answered);
    }
    writer.group(&mut tasks);
    let verdicts: Vec<_> =
        answers.into_iter().flat_map(|answer| answer.blocking_recv().unwrap().unwrap().verdicts).collect();
    let stored = (1..=4).map(Verdict::Stored);
    assert_eq!(verdicts, stored.chain([Verdict::Duplicate]).collect::<Vec<_>>());
    assert_eq!(last_position(writer.engine.as_ref(), HOUSE).unwrap(), 0);
}

/// Writes at once, and syncs only while its gate is open.
struct Gated {
    memory: Memory,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    closed: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn set(&self, closed: bool) {
        *self.closed.lock().unwrap() = closed;
        self.opened.notify_all();
    }
}

impl Engine for Gated {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.memory.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        self.memory.scan(from, to, limit)
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Pair>, StoreError> {
        self.memory.last(from, to)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.memory.apply(batch)
    }

    fn sync(&self) -> Result<(), StoreError> {
        drop(self.gate.opened.wait_while(self.gate.closed.lock().unwrap(), |closed| *closed));
        Ok(())
    }

    fn recover(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn describe(&self) -> Description {
        self.memory.describe()
    }
}

#[tokio::test]
async fn a_site_that_floods_a_stuck_disk_leaves_room_for_the_others() {
    let gate = Arc::new(Gate::default());
    let engine = Gated { memory: Memory::default(), gate: Arc::clone(&gate) };
    let store = Arc::new(KvStore::open(engine).unwrap());
    let mut waiting = tokio::task::JoinSet::new();
    let mut refused = 0;
    gate.set(true);
    for n in 0..2 * QUEUE {
        let (store, page) = (Arc::clone(&store), format!("p{n}"));
        let append = Append { bytes: 64 << 10, ..append(&page, &format!("{page}-0")) };
        waiting.spawn(async move { store.append(append).await });
        // Let it queue up: the task runs until it waits, or is refused.
        tokio::task::yield_now().await;
        while let Some(done) = waiting.try_join_next() {
            assert!(matches!(done.unwrap(), Err(StoreError::Busy)));
            refused += 1;
        }
        if refused > 0 {
            break;
        }
    }
    assert_eq!(refused, 1, "a flood is refused in the end");
    assert!(waiting.len() * 257 > QUEUE / 3, "and not before it has its share: {}", waiting.len());
    let other = Append { site: 2, ..append("q", "q-0") };
    let other = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.append(other).await }
    });
    tokio::task::yield_now().await;
    assert!(!other.is_finished(), "it waits for the disk; it was not refused");
    gate.set(false);
    assert_eq!(other.await.unwrap().unwrap().verdicts, [Verdict::Stored(1)]);
    let accepted = waiting.len() as u64;
    while let Some(done) = waiting.join_next().await {
        assert!(matches!(done.unwrap().unwrap().verdicts[..], [Verdict::Stored(_)]));
    }
    assert_eq!(store.ledger(SITE).await.unwrap().stored, accepted);
    assert!(store.append(append("late", "late-0")).await.is_ok(), "there is room again");
    store.close().await;
}

#[tokio::test]
async fn an_engine_that_fails_for_good_is_made_fit_again_and_loses_nothing_that_was_acknowledged() {
    let engine = Poisoned::default();
    let store = KvStore::open(engine.clone()).unwrap();
    assert_eq!(store.append(append("p", "p-0")).await.unwrap().verdicts, [Verdict::Stored(1)]);
    store.commit(step(0, 1)).await.unwrap();
    store.probe().await.unwrap();
    // This step is applied, and not synced by anybody.
    store.commit(step(1, 2)).await.unwrap();
    engine.fill(true);
    for _ in 0..3 {
        let refused = store.append(append("q", "q-0")).await.unwrap_err();
        assert!(refused.is_retryable(), "{refused}");
    }
    assert!(store.probe().await.is_err());
    engine.fill(false);

    engine.recovered(&store).await;
    assert_eq!(store.vitals().recoveries.get(), 1);
    assert_eq!(store.append(append("p", "p-0")).await.unwrap().verdicts, [Verdict::Duplicate]);
    assert_eq!(store.append(append("q", "q-0")).await.unwrap().verdicts, [Verdict::Stored(2)]);
    assert_eq!((store.head(SITE), store.ledger(SITE).await.unwrap().stored), (2, 2));
    // The projector is told that it stands further back than it thinks, rather than that all is well.
    assert!(matches!(store.commit(step(2, 3)).await, Err(StoreError::Fenced(_))));
    store.commit(step(1, 2)).await.unwrap();
    store.close().await;
}

fn step(from: Position, to: Position) -> crate::store::Step {
    crate::store::Step { projector: "test", site: SITE, from, to, rows: Vec::new() }
}

#[tokio::test]
async fn an_engine_that_comes_back_without_what_was_acknowledged_is_not_written_to() {
    let engine = Poisoned::default();
    let store = KvStore::open(engine.clone()).unwrap();
    assert!(store.append(append("p", "p-0")).await.is_ok());
    engine.fill(true);
    assert!(store.append(append("q", "q-0")).await.is_err());
    engine.lose_all();
    engine.fill(false);
    let end = Instant::now() + std::time::Duration::from_secs(2);
    while Instant::now() < end {
        assert!(store.append(append("r", "r-0")).await.is_err(), "a lost log is not gone on with");
        tokio::task::yield_now().await;
    }
    assert_eq!(store.vitals().recoveries.get(), 0);
    assert_eq!(engine.scan(&[], &[0xff; 9], usize::MAX).unwrap(), []);
    store.close().await;
}
