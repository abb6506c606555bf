//! The embedded default: sled 0.34.7, pinned.
//!
//! Two facts about it shape this file. It syncs by itself only every half second, so every group commit flushes.
//! And `flush` ends in `sync_file_range`, which outlives the process but not a power cut (its issues 1351 and
//! 1452), so a flush is followed by `sync_data` on a second handle of its `db` file. Only then is anything
//! acknowledged.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use super::{
    Description, StoreError,
    engine::{Batch, Engine, Pair},
};

/// A sled folder. It belongs to one process at a time.
pub struct Sled {
    db: sled::Db,
    /// A second handle of the file that sled appends to, for `sync_data`.
    file: File,
    folder: PathBuf,
}

impl Sled {
    /// Opens or creates a folder.
    ///
    /// # Errors
    /// Where the folder cannot be used: in use by another process, unreadable, or damaged. The message says which
    /// folder, and what to do.
    pub fn open(folder: &Path, cache_bytes: u64) -> anyhow::Result<Self> {
        use anyhow::Context as _;
        let config = sled::Config::new().path(folder).cache_capacity(cache_bytes).flush_every_ms(None);
        // sled can panic on a damaged file (its issue 1410): in a thread of its own that is an error like others.
        let opened = std::thread::spawn(move || config.open()).join();
        let db = match opened {
            Ok(Ok(db)) => db,
            Ok(Err(sled::Error::Io(error))) if error.to_string().contains("lock") => anyhow::bail!(
                "{}: another process has this store open; stop it, or choose another with --store",
                folder.display()
            ),
            Ok(Err(error)) => {
                return Err(error)
                    .with_context(|| format!("{}: the store cannot be opened", folder.display()));
            }
            Err(_) => anyhow::bail!(
                "{}: the store is damaged and cannot be opened; keep a copy of the folder and restore a backup",
                folder.display()
            ),
        };
        let path = folder.join("db");
        let file = File::open(&path).with_context(|| format!("{}: cannot be opened", path.display()))?;
        Ok(Self { db, file, folder: folder.to_owned() })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err wants it")]
fn unavailable(error: sled::Error) -> StoreError {
    match error {
        sled::Error::Corruption { .. } => StoreError::Damaged(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

fn pair((key, value): (sled::IVec, sled::IVec)) -> Pair {
    (key.to_vec(), value.to_vec())
}

impl Engine for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.db.get(key).map_err(unavailable)?.map(|value| value.to_vec()))
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        if from >= to {
            return Ok(Vec::new());
        }
        self.db.range(from..to).take(limit).map(|item| item.map(pair).map_err(unavailable)).collect()
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Pair>, StoreError> {
        self.db.range(from..=to).next_back().transpose().map(|found| found.map(pair)).map_err(unavailable)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        let mut writes = sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => writes.insert(key, value),
                None => writes.remove(key),
            }
        }
        self.db.apply_batch(writes).map_err(unavailable)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(unavailable)?;
        self.file.sync_data().map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    fn describe(&self) -> Description {
        let disk_bytes = self.db.size_on_disk().ok();
        if disk_bytes.is_none() {
            tracing::warn!(folder = %self.folder.display(), "the size of the store cannot be read");
        }
        Description { backend: "sled", disk_bytes }
    }
}
