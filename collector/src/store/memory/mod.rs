//! The engine for tests: a map. It forgets everything when it is dropped, unless it is kept and opened again.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::{
    Description, StoreError,
    engine::{Batch, Engine, Pair},
};

/// Keys and values in memory. Clones share them, which is how a test "reopens" one.
#[derive(Clone, Default)]
pub struct Memory {
    map: Arc<RwLock<BTreeMap<Vec<u8>, Vec<u8>>>>,
}

impl Memory {
    fn map(&self) -> RwLockReadGuard<'_, BTreeMap<Vec<u8>, Vec<u8>>> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn map_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<Vec<u8>, Vec<u8>>> {
        self.map.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.map().get(key).cloned())
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let range = (Bound::Included(from), Bound::Excluded(to));
        let map = self.map();
        Ok(map.range::<[u8], _>(range).take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Pair>, StoreError> {
        let range = (Bound::Included(from), Bound::Included(to));
        let map = self.map();
        Ok(map.range::<[u8], _>(range).next_back().map(|(key, value)| (key.clone(), value.clone())))
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        let mut map = self.map_mut();
        for (key, value) in batch {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn recover(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn describe(&self) -> Description {
        Description { backend: "memory", disk_bytes: None, disk_free: None, queued: 0 }
    }
}
