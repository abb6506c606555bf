//! A log, and a second set of what is derived from it: how a store is checked without being touched.

use super::{
    Description, StoreError,
    engine::{Batch, Engine, Pair},
    keys,
};

/// Reads the log from one engine; reads and writes what is derived in another.
pub struct Overlay<L, D> {
    log: L,
    derived: D,
}

impl<L: Engine, D: Engine> Overlay<L, D> {
    /// Over a log that is not written to.
    pub fn new(log: L, derived: D) -> Self {
        Self { log, derived }
    }
}

impl<L: Engine, D: Engine> Engine for Overlay<L, D> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if keys::is_derived(key) { self.derived.get(key) } else { self.log.get(key) }
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        // Nobody scans across the border between a site's log and what is derived from it.
        if keys::is_derived(from) {
            self.derived.scan(from, to, limit)
        } else {
            self.log.scan(from, to, limit)
        }
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Pair>, StoreError> {
        if keys::is_derived(from) { self.derived.last(from, to) } else { self.log.last(from, to) }
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        if batch.iter().all(|(key, _)| keys::is_derived(key)) {
            return self.derived.apply(batch);
        }
        Err(StoreError::Unavailable("the log is only read here".to_owned()))
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.derived.sync()
    }

    fn recover(&self) -> Result<(), StoreError> {
        self.derived.recover()
    }

    fn describe(&self) -> Description {
        self.log.describe()
    }
}
