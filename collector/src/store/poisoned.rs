//! An engine for tests that fails as sled does: after one failed write every call fails, until it is opened anew with
//! what was synced, and only that.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    Description, Store, StoreError,
    engine::{Batch, Engine, Pair},
    memory::Memory,
};

const END: [u8; 9] = [0xff; 9];

/// The engine; clones share what it holds.
#[derive(Clone, Default)]
pub struct Poisoned {
    now: Memory,
    synced: Arc<Mutex<Vec<Pair>>>,
    full: Arc<AtomicBool>,
    failed: Arc<AtomicBool>,
}

impl Poisoned {
    /// Fills its disk, or makes room.
    pub fn fill(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    /// Loses what was synced.
    pub fn lose_all(&self) {
        self.synced.lock().unwrap().clear();
    }

    /// Waits until a store over it takes appends again.
    pub async fn recovered(&self, store: &dyn Store) {
        let end = Instant::now() + Duration::from_secs(10);
        while let Err(error) = store.probe().await {
            assert!(Instant::now() < end, "it never recovered: {error}");
            tokio::task::yield_now().await;
        }
    }

    fn check(&self) -> Result<(), StoreError> {
        match self.failed.load(Ordering::SeqCst) {
            true => Err(StoreError::Unavailable("poisoned".to_owned())),
            false => Ok(()),
        }
    }
}

impl Engine for Poisoned {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.check()?;
        self.now.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        self.check()?;
        self.now.scan(from, to, limit)
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Pair>, StoreError> {
        self.check()?;
        self.now.last(from, to)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.check()?;
        self.now.apply(batch)
    }

    fn sync(&self) -> Result<(), StoreError> {
        if self.full.load(Ordering::SeqCst) {
            self.failed.store(true, Ordering::SeqCst);
        }
        self.check()?;
        *self.synced.lock().unwrap() = self.now.scan(&[], &END, usize::MAX)?;
        Ok(())
    }

    fn recover(&self) -> Result<(), StoreError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("no room yet".to_owned()));
        }
        let all = self.now.scan(&[], &END, usize::MAX)?;
        self.now.apply(all.into_iter().map(|(key, _)| (key, None)).collect())?;
        let synced = self.synced.lock().unwrap().clone();
        self.now.apply(synced.into_iter().map(|(key, value)| (key, Some(value))).collect())?;
        self.failed.store(false, Ordering::SeqCst);
        Ok(())
    }

    fn describe(&self) -> Description {
        self.now.describe()
    }
}
