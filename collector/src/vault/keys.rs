//! The master key, and what is derived from it.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hkdf::Hkdf;
use hmac::Mac as _;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Mac256, random};

/// 32 random bytes from which the wrapping key is derived. Never in the data folder, never in a backup.
pub struct MasterKey {
    wrapping: Zeroizing<[u8; 32]>,
    proof: [u8; 32],
}

impl MasterKey {
    /// From the bytes themselves.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "HKDF-SHA-256 gives up to 8,160 bytes; 32 cannot fail")]
    #[expect(clippy::expect_used, reason = "HKDF-SHA-256 gives up to 8,160 bytes; 32 cannot fail")]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let bytes = Zeroizing::new(bytes);
        let hkdf = Hkdf::<Sha256>::new(Some(b"traza vault v1"), bytes.as_slice());
        let mut wrapping = Zeroizing::new([0; 32]);
        let mut proof = [0; 32];
        hkdf.expand(b"wrapping key", wrapping.as_mut_slice()).expect("32 bytes");
        hkdf.expand(b"proof of key", &mut proof).expect("32 bytes");
        Self { wrapping, proof }
    }

    /// From base64, as `TRAZA_MASTER_KEY` has it.
    ///
    /// # Errors
    /// Where it is not 32 bytes of base64.
    pub fn from_base64(text: &str) -> anyhow::Result<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).context("the master key is not base64")?);
        let bytes = <[u8; 32]>::try_from(bytes.as_slice()).context("the master key is not 32 bytes long")?;
        Ok(Self::from_bytes(bytes))
    }

    /// From a file; where there is none and `may_create`, makes one that only its owner can read.
    ///
    /// # Errors
    /// Where the file is missing and must not be made, cannot be read or written, or holds no key.
    pub fn from_file(path: &Path, may_create: bool) -> anyhow::Result<Self> {
        let named = || format!("{}: the master key's file", path.display());
        match fs::read_to_string(path) {
            Ok(text) => Self::from_base64(&text).with_context(named),
            Err(error) if error.kind() == ErrorKind::NotFound && may_create => {
                let text = Self::new_text()?;
                write_private(path, &text).with_context(named)?;
                tracing::info!(path = %path.display(), "made a master key; keep a copy of it, apart from backups");
                Self::from_base64(&text)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => anyhow::bail!(
                "{}: the master key is missing, and the store cannot be read without it; put it back, or name it \
                 with TRAZA_KEY_FILE or TRAZA_MASTER_KEY",
                path.display()
            ),
            Err(error) => Err(error).with_context(named),
        }
    }

    /// A new one, and the text that its file holds.
    ///
    /// # Errors
    /// Where the system has no random bytes.
    pub fn new_text() -> Result<Zeroizing<String>, super::VaultError> {
        Ok(Zeroizing::new(STANDARD.encode(random::<32>()?)))
    }

    /// The keys that stand in a file and beside it: while a rotation is under way there are two. The file's own comes
    /// first. Where there is none and `may_create`, makes one.
    ///
    /// # Errors
    /// As [`Self::from_file`].
    pub fn all_from_file(path: &Path, may_create: bool) -> anyhow::Result<Vec<Self>> {
        let next = next_file(path);
        if !next.exists() {
            return Ok(vec![Self::from_file(path, may_create)?]);
        }
        let next = Self::from_file(&next, false)?;
        // Between two renames the file may be missing: the next one is the key then.
        if !path.exists() {
            return Ok(vec![next]);
        }
        Ok(vec![Self::from_file(path, false)?, next])
    }

    pub(super) fn wrapping_key(&self) -> &[u8; 32] {
        &self.wrapping
    }

    /// Tells this key from others without giving it away.
    #[must_use]
    pub fn proof(&self) -> &[u8] {
        &self.proof
    }
}

/// The file of the key that a rotation goes to, beside the file of the key that it comes from.
#[must_use]
pub fn next_file(path: &Path) -> PathBuf {
    let mut next = path.as_os_str().to_owned();
    next.push(".new");
    next.into()
}

/// Writes a new file that only its owner can read, and syncs it.
///
/// # Errors
/// Where it exists or cannot be written.
pub fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// An HMAC under a 32-byte key.
#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
pub(super) fn hmac(key: &[u8; 32]) -> Mac256 {
    Mac256::new_from_slice(key).expect("any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_made_once_private_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("traza.key");
        assert!(MasterKey::from_file(&path, false).is_err());
        let made = MasterKey::from_file(&path, true).unwrap();
        let read = MasterKey::from_file(&path, false).unwrap();
        assert_eq!(made.proof(), read.proof());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn while_a_rotation_is_under_way_there_are_two() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("traza.key");
        let first = MasterKey::from_file(&path, true).unwrap();
        write_private(&next_file(&path), &MasterKey::new_text().unwrap()).unwrap();
        let both = MasterKey::all_from_file(&path, true).unwrap();
        assert_eq!((both.len(), both[0].proof()), (2, first.proof()));
        fs::remove_file(&path).unwrap();
        let left = MasterKey::all_from_file(&path, true).unwrap();
        assert_eq!((left.len(), left[0].proof()), (1, both[1].proof()));
        assert!(!path.exists(), "no third key is made");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bad in ["", "not base64!", "c2hvcnQ="] {
            assert!(MasterKey::from_base64(bad).is_err(), "{bad:?}");
        }
    }
}
