//! What a rotation of the master key changes: the wrapped keys of submissions, and the store's own values that are
//! under that key. It is done to an engine by itself; no store is open on it meanwhile.

use super::{
    StoreError,
    engine::{Batch, Engine},
    group::versioned,
    keys,
};
use crate::domain::{fact::SiteNumber, id::VaultRef};

/// A submission's reference and its wrapped key.
pub type WrappedKey = (VaultRef, Vec<u8>);

/// The wrapped keys of a site after a reference, in order and at most `max`; fewer only at the end.
///
/// # Errors
/// What the engine says; [`StoreError::Damaged`] where a row is none.
pub fn wrapped_keys(
    engine: &dyn Engine,
    site: SiteNumber,
    after: Option<VaultRef>,
    max: usize,
) -> Result<Vec<WrappedKey>, StoreError> {
    let prefix = keys::vault_keys(site);
    let from = after
        .map_or_else(|| prefix.clone(), |after| [keys::vault_key(site, after).as_slice(), &[0]].concat());
    let pairs = engine.scan(&from, &keys::after_prefix(&prefix), max)?;
    let read = |(key, value): (Vec<u8>, Vec<u8>)| {
        let reference = key.get(prefix.len()..).and_then(|rest| rest.try_into().ok()).map(VaultRef);
        match (reference, value.split_first()) {
            (Some(reference), Some((&keys::VERSION, wrapped))) => Ok((reference, wrapped.to_vec())),
            _ => Err(StoreError::Damaged(format!("{}: of an unknown version", keys::name(&key)))),
        }
    };
    pairs.into_iter().map(read).collect()
}

/// Puts wrapped keys in the place of others, all of them or none.
///
/// # Errors
/// What the engine says.
pub fn replace_keys(
    engine: &dyn Engine,
    site: SiteNumber,
    wrapped: Vec<WrappedKey>,
) -> Result<(), StoreError> {
    let row = |(reference, key): WrappedKey| (keys::vault_key(site, reference), Some(versioned(&key)));
    engine.apply(wrapped.into_iter().map(row).collect())
}

/// Sets the store's own values, all of them or none, and returns when everything applied so far is durable.
///
/// # Errors
/// What the engine says.
pub fn set_meta(engine: &dyn Engine, values: Vec<(&str, Option<Vec<u8>>)>) -> Result<(), StoreError> {
    // What was applied before must not be lost where this is kept.
    engine.sync()?;
    let batch: Batch = values.into_iter().map(|(name, value)| (keys::meta(name), value)).collect();
    engine.apply(batch)?;
    engine.sync()
}
