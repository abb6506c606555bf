//! From one master key to the next. Submissions' keys are rewrapped one after the other; nothing else changes.
//!
//! While it is under way the store says so, by a *link*: which key it goes to, and the old wrapping key under the new
//! one. So the new key opens everything from the first moment on, and a rotation that was cut off is gone on with. The
//! old key by itself opens nothing from then on: what was sealed since could not be read with it.

use chacha20poly1305::XChaCha20Poly1305;
use zeroize::Zeroizing;

use super::{LOOKUP_KEY, VaultError, cipher, context, keys::MasterKey, open_with, seal_with};
use crate::domain::{fact::SiteNumber, id::VaultRef};

/// The name of the link among the store's own values.
pub const META: &str = "rotation";
const PROOF: usize = 32;

/// A rotation under way.
pub struct Rotation {
    old: XChaCha20Poly1305,
    new: XChaCha20Poly1305,
}

/// A submission's wrapped key, as a rotation sees it.
pub enum Wrapped {
    /// It was under the new key already.
    New,
    /// It was under the old one; this is the same under the new one.
    Old(Vec<u8>),
    /// It opens under neither: it was damaged before.
    Neither,
}

impl Rotation {
    /// Begins one: what it does, and the link that the store must have before anything is rewrapped.
    ///
    /// # Errors
    /// [`VaultError::Random`].
    pub fn begin(old: &MasterKey, new: &MasterKey) -> Result<(Self, Vec<u8>), VaultError> {
        let rotation = Self { old: cipher(old.wrapping_key()), new: cipher(new.wrapping_key()) };
        let sealed = seal_with(&rotation.new, META.as_bytes(), old.wrapping_key())?;
        Ok((rotation, [new.proof(), &sealed].concat()))
    }

    /// Goes on with the one that a link tells of; `None` where it goes to another key.
    #[must_use]
    pub fn resume(link: &[u8], new: &MasterKey) -> Option<Self> {
        let (new, old) = from(link, new)?;
        Some(Self { old, new })
    }

    /// A submission's key under the new master key.
    ///
    /// # Errors
    /// [`VaultError::Random`].
    pub fn rewrap(
        &self,
        site: SiteNumber,
        reference: VaultRef,
        wrapped: &[u8],
    ) -> Result<Wrapped, VaultError> {
        let context = context(b"key", site, reference);
        if open_with(&self.new, &context, wrapped).is_ok() {
            return Ok(Wrapped::New);
        }
        let Ok(key) = open_with(&self.old, &context, wrapped) else { return Ok(Wrapped::Neither) };
        seal_with(&self.new, &context, &Zeroizing::new(key)).map(Wrapped::Old)
    }

    /// The sealed lookup key under the new master key.
    ///
    /// # Errors
    /// [`VaultError::Sealed`] where it is not under the old one.
    pub fn lookup_key(&self, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        seal_with(&self.new, LOOKUP_KEY, &Zeroizing::new(open_with(&self.old, LOOKUP_KEY, sealed)?))
    }
}

/// The new and the old wrapping, if this is the key that the link's rotation goes to.
pub(super) fn from(link: &[u8], new: &MasterKey) -> Option<(XChaCha20Poly1305, XChaCha20Poly1305)> {
    let (proof, sealed) = link.split_at_checked(PROOF)?;
    if proof != new.proof() {
        return None;
    }
    let new = cipher(new.wrapping_key());
    let old = Zeroizing::new(open_with(&new, META.as_bytes(), sealed).ok()?);
    let old: &[u8; 32] = old.as_slice().try_into().ok()?;
    Some((new, cipher(old)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        domain::{
            event::IdentifierKind,
            fact::{Entry, Exported},
        },
        store::{Append, Seal, Store, kv::KvStore, memory::Memory, rewrap},
        vault::{PersonalData, Vault},
    };

    const SITE: SiteNumber = 3;

    fn key(byte: u8) -> MasterKey {
        MasterKey::from_bytes([byte; 32])
    }

    fn open(memory: &Memory) -> Arc<dyn Store> {
        Arc::new(KvStore::open(memory.clone()).unwrap())
    }

    async fn submit(store: &dyn Store, vault: &Vault, name: &str) -> VaultRef {
        let data = PersonalData { name: Some(name.to_owned()), ..PersonalData::default() };
        let (reference, sealed) = vault.seal(SITE, &data).unwrap();
        let fact = Exported { at: 1, by: "t".to_owned(), site: None, submissions: None, person: None };
        let seal = Seal { event: 0, reference, sealed, lookups: Vec::new() };
        let append = Append { seals: vec![seal], ..Append::of(SITE, Entry::Exported(fact)) };
        store.append(append).await.unwrap();
        reference
    }

    async fn name(vault: &Vault, reference: VaultRef) -> Option<String> {
        vault.get(SITE, reference).await.unwrap().and_then(|data| data.name)
    }

    /// Rewraps at most `most` keys.
    fn rewrap_some(memory: &Memory, rotation: &Rotation, most: usize) {
        for (reference, wrapped) in rewrap::wrapped_keys(memory, SITE, None, most).unwrap() {
            if let Wrapped::Old(again) = rotation.rewrap(SITE, reference, &wrapped).unwrap() {
                rewrap::replace_keys(memory, SITE, vec![(reference, again)]).unwrap();
            }
        }
    }

    #[tokio::test]
    async fn cut_off_anywhere_the_new_key_opens_everything_and_it_is_gone_on_with() {
        for cut in 0..=3 {
            let memory = Memory::default();
            let store = open(&memory);
            let vault = Vault::open(Arc::clone(&store), &[key(1)]).await.unwrap();
            let hash = vault.lookup_hash(SITE, IdentifierKind::Email, "ana@example.com");
            let mut people = Vec::new();
            for number in 0..3 {
                let person = format!("person {number}");
                people.push((submit(store.as_ref(), &vault, &person).await, person));
            }
            let (rotation, link) = Rotation::begin(&key(1), &key(2)).unwrap();
            rewrap::set_meta(&memory, vec![(META, Some(link))]).unwrap();
            rewrap_some(&memory, &rotation, cut);

            // It is served from meanwhile, and more comes in.
            let refused = Vault::open(Arc::clone(&store), &[key(1)]).await.map(drop).unwrap_err();
            assert!(refused.to_string().contains("rotate-key"), "{refused}");
            assert!(Vault::open(Arc::clone(&store), &[key(3)]).await.is_err());
            let vault = Vault::open(Arc::clone(&store), &[key(1), key(2)]).await.unwrap();
            people.push((submit(store.as_ref(), &vault, "late").await, "late".to_owned()));
            for (reference, person) in &people {
                assert_eq!(name(&vault, *reference).await.as_ref(), Some(person), "after {cut}");
            }

            let link = store.meta(META).await.unwrap().unwrap();
            assert!(Rotation::resume(&link, &key(3)).is_none());
            let rotation = Rotation::resume(&link, &key(2)).unwrap();
            rewrap_some(&memory, &rotation, usize::MAX);
            let lookup = rotation.lookup_key(&store.meta("lookup-key").await.unwrap().unwrap()).unwrap();
            let done = vec![
                ("key-check", Some(key(2).proof().to_vec())),
                ("lookup-key", Some(lookup)),
                (META, None),
            ];
            rewrap::set_meta(&memory, done).unwrap();
            assert!(Vault::open(Arc::clone(&store), &[key(1)]).await.is_err(), "the old key is no key");
            let vault = Vault::open(Arc::clone(&store), &[key(2)]).await.unwrap();
            for (reference, person) in &people {
                assert_eq!(name(&vault, *reference).await.as_ref(), Some(person), "after {cut}");
            }
            assert_eq!(vault.lookup_hash(SITE, IdentifierKind::Email, "ana@example.com"), hash);
        }
    }

    #[test]
    fn a_key_that_opens_under_neither_is_told() {
        let (rotation, _) = Rotation::begin(&key(1), &key(2)).unwrap();
        let reference = VaultRef([5; 16]);
        assert!(matches!(rotation.rewrap(SITE, reference, &[7; 72]).unwrap(), Wrapped::Neither));
    }
}
