//! What only shows when the disk fails, or when a group is larger than the writer's memory of pages.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::{
    domain::fact::HOUSE,
    store::{
        Description, Store as _,
        conformance::{arrival, event},
        engine::Pair,
        kv::KvStore,
        memory::Memory,
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
    let (changed, _changes) = watch::channel(0);
    let mut writer = Writer::new(
        Arc::new(Memory::default()),
        Heads::default(),
        Arc::new(std::sync::Mutex::new(Tail::new(0))),
        changed,
    );
    writer.recent = Recent::new(1);
    let ids = [("p", "p-0"), ("q", "q-0"), ("r", "r-0"), ("s", "s-0"), ("p", "p-0")];
    let (mut tasks, mut answers) = (Vec::new(), Vec::new());
    for (page, id) in ids {
        let (answer, answered) = oneshot::channel();
        tasks.push(Task::Append(Box::new(append(page, id)), answer));
        answers.push(answered);
    }
    writer.group(&mut tasks);
    let verdicts: Vec<_> =
        answers.into_iter().flat_map(|answer| answer.blocking_recv().unwrap().unwrap().verdicts).collect();
    let stored = (1..=4).map(Verdict::Stored);
    assert_eq!(verdicts, stored.chain([Verdict::Duplicate]).collect::<Vec<_>>());
    assert_eq!(last_position(writer.engine.as_ref(), HOUSE).unwrap(), 0);
}
