//! What one group commit will write, gathered while the group is planned.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Seal, StoreError, Stored, block, keys};
use crate::domain::fact::{Entry, Position, SiteNumber};

/// What a group will write.
#[derive(Default)]
pub(super) struct Group {
    pub(super) pending: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    pub(super) logs: BTreeMap<SiteNumber, LogPart>,
    pub(super) tallied: BTreeSet<SiteNumber>,
    /// What the logs gain, with its packed size.
    pub(super) entries: Vec<(SiteNumber, Stored, usize)>,
}

impl Group {
    pub(super) fn seal(&mut self, site: SiteNumber, seal: Seal) {
        for (hash, token) in seal.lookups {
            // An identifier seen before keeps its token; the fact has it by now. One that was erased gets a new one.
            let token_there = self.pending.entry(keys::lookup(site, &hash)).or_default();
            token_there.get_or_insert_with(|| versioned(&token.0));
        }
        self.pending.insert(keys::vault_key(site, seal.reference), Some(versioned(&seal.sealed.key)));
        self.pending.insert(keys::vault_value(site, seal.reference), Some(versioned(&seal.sealed.value)));
    }

    pub(super) fn push(
        &mut self,
        site: SiteNumber,
        position: Position,
        packed: &[u8],
        entry: Entry,
    ) -> Result<(), StoreError> {
        let facts = u16::try_from(entry.facts())
            .map_err(|_| StoreError::Unavailable("an entry of over 65,535 facts".to_owned()))?;
        let log = self.logs.entry(site).or_insert_with(|| LogPart::starting(position));
        if log.builder.is_full_for(packed.len()) {
            log.close(site)?;
        }
        if log.builder.is_empty() {
            log.first = position;
        }
        log.builder.push(packed, facts);
        log.last = position + u64::from(facts) - 1;
        self.entries.push((site, Stored { position, entry: Arc::new(entry) }, packed.len()));
        Ok(())
    }
}

/// A row of the vault: version byte, then what was sealed.
pub(super) fn versioned(bytes: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(1 + bytes.len());
    value.push(keys::VERSION);
    value.extend_from_slice(bytes);
    value
}

/// One site's part of a group.
pub(super) struct LogPart {
    builder: block::Builder,
    pub(super) first: Position,
    pub(super) last: Position,
    pub(super) blocks: Vec<(Vec<u8>, Vec<u8>)>,
}

impl LogPart {
    fn starting(first: Position) -> Self {
        Self { builder: block::Builder::default(), first, last: first, blocks: Vec::new() }
    }

    pub(super) fn close(&mut self, site: SiteNumber) -> Result<(), StoreError> {
        if !self.builder.is_empty() {
            let value = self.builder.finish()?;
            self.blocks.push((keys::log(site, self.first), value));
        }
        Ok(())
    }
}
