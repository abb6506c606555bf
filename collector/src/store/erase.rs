//! Somebody is forgotten: their hashes are found, and their story is set apart.

use std::collections::BTreeSet;

use super::{
    StoreError, Stored,
    engine::{Batch, Engine},
    keys,
    reads::{each_pair, entries, pieces},
};
use crate::domain::{
    fact::{SiteNumber, Subject},
    id::Token,
};

/// The token in a row of hashes.
pub(super) fn token(value: &[u8]) -> Result<Token, StoreError> {
    let token = match value.split_first() {
        Some((&keys::VERSION, token)) => token.try_into().ok().map(Token),
        _ => None,
    };
    token.ok_or_else(|| StoreError::Damaged("a token of an unknown version".to_owned()))
}

pub(super) fn hashes(
    engine: &dyn Engine,
    site: SiteNumber,
    tokens: &BTreeSet<Token>,
) -> Result<Vec<[u8; 32]>, StoreError> {
    let mut found = Vec::new();
    if tokens.is_empty() {
        return Ok(found);
    }
    each_pair(engine, &keys::lookups(site), |key, value| {
        if tokens.contains(&token(value)?) {
            found.extend(key.last_chunk().copied());
        }
        Ok(())
    })?;
    Ok(found)
}

/// All pieces of a subject's story so far go where only those look who count.
pub(super) fn end(
    engine: &dyn Engine,
    site: SiteNumber,
    subject: &Subject,
    batch: &mut Batch,
) -> Result<(), StoreError> {
    let (from, to) = (keys::pieces(site, subject), keys::erased_pieces(site, subject));
    each_pair(engine, &from, |key, value| {
        let position = key.get(from.len()..).unwrap_or_default();
        batch.push((key.to_vec(), None));
        batch.push(([to.as_slice(), position].concat(), Some(value.to_vec())));
        Ok(())
    })
}

pub(super) fn whole_journey(
    engine: &dyn Engine,
    site: SiteNumber,
    subject: &Subject,
) -> Result<Vec<Stored>, StoreError> {
    let mut positions = Vec::new();
    // What was erased came before the rest.
    for prefix in [keys::erased_pieces(site, subject), keys::pieces(site, subject)] {
        each_pair(engine, &prefix, |key, value| {
            positions.append(&mut pieces(key, value)?);
            Ok(())
        })?;
    }
    entries(engine, site, &positions)
}
