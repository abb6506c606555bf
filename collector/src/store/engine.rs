//! What a key-value engine must do to carry a [`super::kv::KvStore`]: ordered keys, atomic batches, and a sync that
//! means it.

use super::StoreError;

/// Writes that take effect together: a value, or `None` to remove the key.
pub type Batch = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// An ordered key-value engine. Calls block; the store above keeps them off async threads.
pub trait Engine: Send + Sync + 'static {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Pairs whose key lies in `from..to`, in order, at most `limit`.
    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError>;

    /// The last pair whose key lies in `from..=to`.
    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Pair>, StoreError>;

    /// Applies a batch, all of it or nothing.
    fn apply(&self, batch: Batch) -> Result<(), StoreError>;

    /// Returns when everything applied so far would survive a power cut.
    fn sync(&self) -> Result<(), StoreError>;

    /// Notes, apart from the data, how many facts are durable. Cheap, and need not be durable itself: what it says may
    /// be too little, never too much.
    fn attest(&self, _facts: u64) {}

    /// What was noted last; `None` where nothing was.
    fn attested(&self) -> Option<u64> {
        None
    }

    /// Called after an error, before anything else is written: makes the engine fit to be written to again, holding
    /// everything that was synced. What was only applied may be gone. Until it succeeds nothing is written.
    ///
    /// # Errors
    /// Where it is too early: the disk is still full, or broken.
    fn recover(&self) -> Result<(), StoreError>;

    /// The engine's name, and its bytes on disk.
    fn describe(&self) -> super::Description;
}

impl<E: Engine> Engine for std::sync::Arc<E> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.as_ref().get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        self.as_ref().scan(from, to, limit)
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Pair>, StoreError> {
        self.as_ref().last(from, to)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.as_ref().apply(batch)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.as_ref().sync()
    }

    fn attest(&self, facts: u64) {
        self.as_ref().attest(facts);
    }

    fn attested(&self) -> Option<u64> {
        self.as_ref().attested()
    }

    fn recover(&self) -> Result<(), StoreError> {
        self.as_ref().recover()
    }

    fn describe(&self) -> super::Description {
        self.as_ref().describe()
    }
}
