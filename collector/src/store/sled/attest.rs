//! How many facts are durable, noted beside sled's own files. sled takes a file that lost its end, or was put back from
//! an older copy, for a smaller store; this tells.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
    sync::{Mutex, PoisonError},
};

/// The file's name in the store's folder.
pub(super) const NAME: &str = "acknowledged";

/// The note: eight bytes, big-endian.
pub(super) struct Attestation {
    file: Mutex<File>,
}

impl Attestation {
    /// Opens the file, or makes it.
    pub(super) fn open(folder: &Path) -> std::io::Result<Self> {
        let path = folder.join(NAME);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Self { file: Mutex::new(file) })
    }

    /// Overwrites it. Not synced: written after the sync of what it counts, it is never ahead of that.
    pub(super) fn write(&self, facts: u64) -> std::io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&facts.to_be_bytes())
    }

    /// What it says; `None` where it says nothing yet.
    pub(super) fn read(&self) -> Option<u64> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = [0; 8];
        file.seek(SeekFrom::Start(0)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        Some(u64::from_be_bytes(bytes))
    }
}
