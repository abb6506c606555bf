//! The embedded default: sled 0.34.7, pinned.
//!
//! Four facts about it shape this file. It syncs by itself only every half second, so every group commit flushes.
//! And `flush` ends in `sync_file_range`, which outlives the process but not a power cut (its issues 1351 and
//! 1452), so a flush is followed by `sync_data` on a second handle of its `db` file. Only then is anything
//! acknowledged. And one failed write makes it fail for good, so it is opened anew once there is room again.
//!
//! And what it writes anew leaves a hole where it was, and holes are closed by the thread that syncs by itself, one
//! segment of 512 KiB at each turn. Without that thread a store of ten million events had ten times the size of what is in it.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use anyhow::Context as _;

use self::{attest::Attestation, contain::contain};
use super::{
    Description, StoreError,
    engine::{Batch, Engine, Pair},
};

mod attest;
mod contain;

/// Room that must be there before a folder is opened again after a failure, in bytes.
const ROOM: usize = 1 << 20;

/// How long the first opening waits for who has the folder to let go of it. What ends lets go a little later than it says so: a
/// thread of sled's that still writes, or a child process between its fork and its exec, has the lock as well.
const LET_GO: Duration = Duration::from_secs(2);

/// How often a segment may be tidied up, which also syncs: as often as what is written leaves segments behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// While people are answered: up to 5 MB a second. Acknowledgements took as long as without it, as far as runs agree; at
    /// 20 ms they took a tenth longer.
    Serving,
    /// While nobody waits but for the end of it: an import, a rebuild, a simulation.
    Bulk,
}

impl Pace {
    fn ms(self) -> u64 {
        match self {
            Self::Serving => 100,
            Self::Bulk => 10,
        }
    }
}

/// A sled folder. It belongs to one process at a time.
pub struct Sled {
    /// `None` while, after a failure, it cannot be opened again.
    open: RwLock<Option<Open>>,
    attestation: Attestation,
    folder: PathBuf,
    cache_bytes: u64,
    pace: Pace,
}

struct Open {
    db: sled::Db,
    /// A second handle of the file that sled appends to, for `sync_data`.
    file: File,
}

/// Stands in the folder while an archive is taken into it.
const UNFINISHED: &str = "importing";

/// What to do about a damage: part of every message about one.
fn recovery(folder: &Path) -> String {
    format!("keep a copy of {}, then `traza restore BACKUP --store sled:NEW_FOLDER`", folder.display())
}

impl Sled {
    /// Opens or creates a folder.
    ///
    /// # Errors
    /// Where the folder cannot be used: in use by another process, unreadable, or damaged. The message says which
    /// folder or file, and what to do.
    pub fn open(folder: &Path, cache_bytes: u64, pace: Pace) -> anyhow::Result<Self> {
        if folder.join(UNFINISHED).exists() {
            anyhow::bail!(
                "{}: an import into this store was interrupted, and it holds a part; run the same `traza import` again",
                folder.display()
            );
        }
        let open = open(folder, cache_bytes, pace, LET_GO)?;
        let attestation = Attestation::open(folder)
            .with_context(|| format!("{}: cannot be opened", folder.join(attest::NAME).display()))?;
        let folder = folder.to_owned();
        Ok(Self { open: RwLock::new(Some(open)), attestation, folder, cache_bytes, pace })
    }

    /// Opens a folder that an archive is to be taken into. Until [`Self::finish_import`] nobody else may open it: a
    /// part of a store is not one.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn begin_import(folder: &Path, cache_bytes: u64) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mark = folder.join(UNFINISHED);
        if mark.exists() {
            // The last import was cut off: this one goes on.
            std::fs::remove_file(&mark)?;
        }
        let opened = Self::open(folder, cache_bytes, Pace::Bulk)?;
        File::create(mark)?.sync_all()?;
        Ok(opened)
    }

    /// The archive was taken to its end.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn finish_import(&self) -> std::io::Result<()> {
        std::fs::remove_file(self.folder.join(UNFINISHED))
    }

    /// Calls sled. Names the folder and the way out in what it says of a damage.
    fn with<T>(&self, call: impl FnOnce(&Open) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let place = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = place.as_ref() else {
            return Err(StoreError::Unavailable("the folder could not be opened again yet".to_owned()));
        };
        contain(|| call(open)).map_err(|error| match error {
            StoreError::Damaged(what) => StoreError::Damaged(format!(
                "{}: {what}; {}",
                self.folder.join("db").display(),
                recovery(&self.folder)
            )),
            other => other,
        })
    }

    /// Whether there is room again: sled would take a folder without any, and fail at the first write.
    fn has_room(&self) -> std::io::Result<()> {
        let path = self.folder.join("room");
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(&vec![0; ROOM])?;
            file.sync_data()
        });
        let removed = std::fs::remove_file(&path);
        written.and(removed)
    }
}

/// `patience`: how long it waits where somebody else has the folder.
fn open(folder: &Path, cache_bytes: u64, pace: Pace, patience: Duration) -> anyhow::Result<Open> {
    let path = folder.join("db");
    // sled would begin a new store where its files are gone: an empty start that nobody asked for.
    if let Some(file) = missing(folder) {
        anyhow::bail!("{}: the store is damaged: the file is missing; {}", file.display(), recovery(folder));
    }
    let config = sled::Config::new().path(folder).cache_capacity(cache_bytes).flush_every_ms(Some(pace.ms()));
    let asked = Instant::now();
    let mut opened = contain(|| Ok(config.open()));
    while matches!(&opened, Ok(Err(error)) if is_locked(error)) && asked.elapsed() < patience {
        std::thread::park_timeout(Duration::from_millis(20));
        opened = contain(|| Ok(config.open()));
    }
    let db = match opened {
        Ok(Ok(db)) => db,
        Ok(Err(error)) if is_locked(&error) => anyhow::bail!(
            "{}: another process has this store open; stop it, or choose another with --store",
            folder.display()
        ),
        Ok(Err(sled::Error::Io(error))) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            anyhow::bail!("{}: this user may not read and write the store: {error}", folder.display())
        }
        Ok(Err(sled::Error::Io(error))) if error.kind() == std::io::ErrorKind::ReadOnlyFilesystem => {
            anyhow::bail!("{}: the disk is read-only: {error}", folder.display())
        }
        Ok(Err(error)) => {
            anyhow::bail!("{}: {}; {}", path.display(), unavailable(error), recovery(folder))
        }
        Err(error) => anyhow::bail!("{}: {error}; {}", path.display(), recovery(folder)),
    };
    let file = File::open(&path).with_context(|| format!("{}: cannot be opened", path.display()))?;
    Ok(Open { db, file })
}

/// Whether somebody else has the folder.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("lock"))
}

/// A file that a store in this folder must have, and that is not there. A folder without any of them is a new store.
fn missing(folder: &Path) -> Option<PathBuf> {
    let names = ["db", "conf"];
    let there = names.iter().filter(|name| folder.join(name).exists()).count();
    let begun = there > 0 || folder.join(attest::NAME).exists();
    if !begun {
        return None;
    }
    names.iter().map(|name| folder.join(name)).find(|path| !path.exists())
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err wants it")]
fn unavailable(error: sled::Error) -> StoreError {
    match error {
        sled::Error::Corruption { .. } => {
            StoreError::Damaged("what is read does not agree with its checksum".to_owned())
        }
        _ => StoreError::Unavailable(error.to_string()),
    }
}

fn pair((key, value): (sled::IVec, sled::IVec)) -> Pair {
    (key.to_vec(), value.to_vec())
}

impl Engine for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|open| Ok(open.db.get(key).map_err(unavailable)?.map(|value| value.to_vec())))
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        if from >= to {
            return Ok(Vec::new());
        }
        self.with(|open| {
            open.db.range(from..to).take(limit).map(|item| item.map(pair).map_err(unavailable)).collect()
        })
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Pair>, StoreError> {
        self.with(|open| {
            let found = open.db.range(from..=to).next_back().transpose();
            found.map(|found| found.map(pair)).map_err(unavailable)
        })
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        let mut writes = sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => writes.insert(key, value),
                None => writes.remove(key),
            }
        }
        self.with(|open| open.db.apply_batch(writes).map_err(unavailable))
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.with(|open| {
            open.db.flush().map_err(unavailable)?;
            open.file.sync_data().map_err(|error| StoreError::Unavailable(error.to_string()))
        })
    }

    /// After one failed write sled answers every call with that error, for good: the folder must be opened anew, as
    /// at a start.
    fn recover(&self) -> Result<(), StoreError> {
        if self.sync().is_ok() {
            return Ok(());
        }
        self.has_room().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let mut place = self.open.write().unwrap_or_else(PoisonError::into_inner);
        *place = None;
        // Threads of sled's own may hold on to the folder for a moment: then it is left for the next time.
        let opened = open(&self.folder, self.cache_bytes, self.pace, Duration::ZERO);
        *place = Some(opened.map_err(|error| StoreError::Unavailable(format!("{error:#}")))?);
        tracing::warn!(folder = %self.folder.display(), "the store was opened again after a failure");
        Ok(())
    }

    fn attest(&self, facts: u64) {
        if let Err(error) = self.attestation.write(facts) {
            tracing::warn!(%error, folder = %self.folder.display(), "the count of facts could not be noted");
        }
    }

    fn attested(&self) -> Option<u64> {
        self.attestation.read()
    }

    fn describe(&self) -> Description {
        // Who asks does not wait while the folder is opened anew.
        let place = self.open.try_read().ok();
        let open = place.as_ref().and_then(|place| place.as_ref());
        let disk_bytes = open.and_then(|open| contain(|| open.db.size_on_disk().map_err(unavailable)).ok());
        if disk_bytes.is_none() {
            tracing::warn!(folder = %self.folder.display(), "the size of the store cannot be read");
        }
        let disk_free =
            rustix::fs::statvfs(&self.folder).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        Description { backend: "sled", disk_bytes, disk_free, queued: 0 }
    }
}
