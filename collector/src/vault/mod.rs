//! The one place with personal data.
//!
//! A submission's names, addresses, numbers and free texts are sealed under a key of their own (XChaCha20-Poly1305),
//! and that key is wrapped by the master key, which lives outside the data folder. Dropping the wrapped key forgets
//! the submission; rotating the master key rewraps keys and touches no log. Identifiers are found again by a keyed
//! hash under a second key, which is random, made with the store, and itself sealed by the master key.
//!
//! - [`keys`]: the master key, and what is derived from it
//! - [`rotation`]: from one master key to the next
//! - [`recipient`]: whom a message was sent to, as its pixel and links say it
//! - [`contact`]: what makes an e-mail address or a telephone number usable
//! - [`Vault`]: seal, open, hash

pub mod contact;
pub mod keys;
pub mod recipient;
pub mod rotation;

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context as _;
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use self::keys::MasterKey;
use crate::{
    domain::{
        event::IdentifierKind,
        fact::SiteNumber,
        id::{Token, VaultRef},
    },
    store::{Sealed, Store, StoreError},
};

const NONCE: usize = 24;
/// What the sealed lookup key is bound to.
const LOOKUP_KEY: &[u8] = b"lookup-key";

/// Everything personal about one submission. Never logged: it has no `Debug`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PersonalData {
    /// How the person signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The e-mail address, normalised where it is usable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The telephone number in E.164, where it is usable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The telephone number as typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_raw: Option<String>,
    /// The site's own id of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The account in a chat application, which is named before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<String>,
    /// Further declared fields.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// Who did something about a lead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Fields of the CRM; an empty one was taken away.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub crm: BTreeMap<String, Option<String>>,
}

impl PersonalData {
    /// The same, with what a later submission says in its place where it says something.
    #[must_use]
    pub fn amended(mut self, later: Self) -> Self {
        if later.phone.is_some() || later.phone_raw.is_some() {
            (self.phone, self.phone_raw) = (later.phone, later.phone_raw);
        }
        self.fields.extend(later.fields);
        self.crm.extend(later.crm);
        Self {
            name: later.name.or(self.name),
            email: later.email.or(self.email),
            user_id: later.user_id.or(self.user_id),
            chat: later.chat.or(self.chat),
            by: later.by.or(self.by),
            reason: later.reason.or(self.reason),
            ..self
        }
    }
}

/// Why the vault did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The system's random source failed.
    #[error("no random bytes: {0}")]
    Random(String),
    /// The seal does not match: another key, or changed bytes.
    #[error("a sealed value does not open with this key")]
    Sealed,
    /// What was sealed is not what this program seals.
    #[error("a sealed value is not readable: {0}")]
    Content(String),
    /// The store would not give it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Seals, opens and hashes.
pub struct Vault {
    store: Arc<dyn Store>,
    /// Wraps the keys of new submissions.
    wrapping: XChaCha20Poly1305,
    /// Has wrapped those that a rotation has not come to yet.
    before: Option<XChaCha20Poly1305>,
    lookup: Zeroizing<[u8; 32]>,
}

impl Vault {
    /// The vault of a store. Makes the lookup key on a new store, under the first of the keys at hand.
    ///
    /// # Errors
    /// Where none of the keys at hand opens the store, or the store fails.
    pub async fn open(store: Arc<dyn Store>, at_hand: &[MasterKey]) -> anyhow::Result<Self> {
        let first = at_hand.first().context("no master key")?;
        let proof = store.meta_or_set("key-check", first.proof().to_vec()).await?;
        let (wrapping, before) = match store.meta(rotation::META).await? {
            None => {
                let master = at_hand.iter().find(|master| proof == master.proof());
                let master = master.context(
                    "the master key is not the one of this store: set TRAZA_MASTER_KEY or TRAZA_KEY_FILE to the right \
                     one",
                )?;
                (cipher(master.wrapping_key()), None)
            }
            Some(link) => {
                let to = at_hand.iter().find_map(|master| rotation::from(&link, master));
                let (wrapping, before) = to.context(
                    "a rotation to another master key was begun: set TRAZA_MASTER_KEY or TRAZA_KEY_FILE to that one, or \
                     finish with `traza rotate-key`",
                )?;
                (wrapping, Some(before))
            }
        };
        let fresh = seal_with(&wrapping, LOOKUP_KEY, random::<32>()?.as_slice())?;
        let sealed = store.meta_or_set("lookup-key", fresh).await?;
        let lookup = open_with(before.as_ref().unwrap_or(&wrapping), LOOKUP_KEY, &sealed)?;
        let lookup = <[u8; 32]>::try_from(lookup.as_slice()).map_err(|_| VaultError::Sealed)?;
        Ok(Self { store, wrapping, before, lookup: Zeroizing::new(lookup) })
    }

    /// Seals a submission under a new key and a new reference.
    ///
    /// # Errors
    /// [`VaultError::Random`], and nothing else in practice.
    pub fn seal(&self, site: SiteNumber, data: &PersonalData) -> Result<(VaultRef, Sealed), VaultError> {
        let text = Zeroizing::new(
            rmp_serde::to_vec_named(data).map_err(|error| VaultError::Content(error.to_string()))?,
        );
        self.seal_bytes(site, &text)
    }

    /// Seals what is no submission: the body of a refused event.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_bytes(&self, site: SiteNumber, bytes: &[u8]) -> Result<(VaultRef, Sealed), VaultError> {
        let reference = VaultRef(random::<16>()?);
        let key = Zeroizing::new(random::<32>()?);
        let own = XChaCha20Poly1305::new((&*key).into());
        let sealed = Sealed {
            key: seal_with(&self.wrapping, &context(b"key", site, reference), key.as_slice())?,
            value: seal_with(&own, &context(b"data", site, reference), bytes)?,
        };
        Ok((reference, sealed))
    }

    /// What was sealed under a reference; `None` where it was erased.
    ///
    /// # Errors
    /// Where the store fails, or the seal does not match.
    pub async fn get(
        &self,
        site: SiteNumber,
        reference: VaultRef,
    ) -> Result<Option<PersonalData>, VaultError> {
        let Some(text) = self.get_bytes(site, reference).await? else { return Ok(None) };
        rmp_serde::from_slice(&text).map(Some).map_err(|error| VaultError::Content(error.to_string()))
    }

    /// What [`Self::seal_bytes`] sealed under a reference; `None` where it is gone.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_bytes(
        &self,
        site: SiteNumber,
        reference: VaultRef,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let Some(sealed) = self.store.sealed(site, reference).await? else { return Ok(None) };
        let key = self.unwrap_key(&context(b"key", site, reference), &sealed.key)?;
        let own = XChaCha20Poly1305::new_from_slice(&key).map_err(|_| VaultError::Sealed)?;
        open_with(&own, &context(b"data", site, reference), &sealed.value).map(Zeroizing::new).map(Some)
    }

    fn unwrap_key(&self, context: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let opened = open_with(&self.wrapping, context, wrapped);
        let opened = match &self.before {
            Some(before) => opened.or_else(|_| open_with(before, context, wrapped)),
            None => opened,
        };
        opened.map(Zeroizing::new)
    }

    /// The keyed hash that an identifier is found by. Sites do not share hashes.
    #[must_use]
    pub fn lookup_hash(&self, site: SiteNumber, kind: IdentifierKind, normalised: &str) -> [u8; 32] {
        let kind: &[u8] = match kind {
            IdentifierKind::Email => b"email",
            IdentifierKind::Phone => b"phone",
            IdentifierKind::UserId => b"user_id",
            IdentifierKind::Chat => b"chat",
        };
        let mut mac = keys::hmac(&self.lookup);
        mac.update(&site.to_be_bytes());
        mac.update(kind);
        mac.update(&[0]);
        mac.update(normalised.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Tells one content from another without giving it away: what is personal could be guessed from a plain hash.
    #[must_use]
    pub fn digest(&self, site: SiteNumber, content: &[u8]) -> [u8; 32] {
        let mut mac = keys::hmac(&self.lookup);
        mac.update(&site.to_be_bytes());
        mac.update(b"content\0");
        mac.update(content);
        mac.finalize().into_bytes().into()
    }

    /// A new token, for an identifier that may not have one yet.
    ///
    /// # Errors
    /// [`VaultError::Random`].
    pub fn new_token(&self) -> Result<Token, VaultError> {
        Ok(Token(random::<16>()?))
    }
}

/// HMAC-SHA-256, as used for lookups.
pub(crate) type Mac256 = Hmac<Sha256>;

/// Random bytes from the system.
///
/// # Errors
/// [`VaultError::Random`] where the system has none.
pub fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| VaultError::Random(error.to_string()))?;
    Ok(bytes)
}

/// What a seal is bound to: moved to another site or reference, it does not open.
fn context(what: &[u8], site: SiteNumber, reference: VaultRef) -> Vec<u8> {
    [what, site.to_be_bytes().as_slice(), reference.0.as_slice()].concat()
}

fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.into())
}

fn seal_with(cipher: &XChaCha20Poly1305, context: &[u8], text: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce = random::<NONCE>()?;
    let sealed = cipher
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: text, aad: context })
        .map_err(|_| VaultError::Sealed)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn open_with(cipher: &XChaCha20Poly1305, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    let (nonce, text) = sealed.split_at_checked(NONCE).ok_or(VaultError::Sealed)?;
    cipher
        .decrypt(XNonce::from_slice(nonce), Payload { msg: text, aad: context })
        .map_err(|_| VaultError::Sealed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{kv::KvStore, memory::Memory};

    fn data() -> PersonalData {
        PersonalData { email: Some("ana@example.com".to_owned()), ..PersonalData::default() }
    }

    async fn vault(store: &Arc<dyn Store>, master: u8) -> anyhow::Result<Vault> {
        Vault::open(Arc::clone(store), &[MasterKey::from_bytes([master; 32])]).await
    }

    fn store() -> Arc<dyn Store> {
        Arc::new(KvStore::open(Memory::default()).unwrap())
    }

    #[tokio::test]
    async fn the_lookup_key_outlives_the_vault_and_another_master_key_is_refused() {
        let store = store();
        let first = vault(&store, 1).await.unwrap();
        let hash = first.lookup_hash(1, IdentifierKind::Email, "ana@example.com");
        let again = vault(&store, 1).await.unwrap();
        assert_eq!(again.lookup_hash(1, IdentifierKind::Email, "ana@example.com"), hash);
        assert_ne!(again.lookup_hash(2, IdentifierKind::Email, "ana@example.com"), hash);
        assert_ne!(again.lookup_hash(1, IdentifierKind::Phone, "ana@example.com"), hash);
        assert!(vault(&store, 2).await.is_err());
    }

    #[tokio::test]
    async fn a_seal_hides_the_data_and_opens_only_where_it_belongs() {
        let store = store();
        let vault = vault(&store, 1).await.unwrap();
        let (reference, sealed) = vault.seal(1, &data()).unwrap();
        let (other, sealed_again) = vault.seal(1, &data()).unwrap();
        assert_ne!(reference, other);
        assert_ne!(sealed.value, sealed_again.value);
        assert!(!sealed.value.windows(3).any(|window| window == b"ana"));
        let context_of = |site| context(b"key", site, reference);
        assert!(open_with(&vault.wrapping, &context_of(1), &sealed.key).is_ok());
        assert!(open_with(&vault.wrapping, &context_of(2), &sealed.key).is_err());
        assert!(vault.get(1, reference).await.unwrap().is_none(), "sealing stores nothing by itself");
    }
}
