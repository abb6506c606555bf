//! A store given away whole, and taken back: what export, import, backup and restore are made of.
//!
//! Entries keep their positions, so everything that is derived from them comes out the same. Which ids were seen
//! follows from the entries and is not carried. Rows beside the entries (the vault's above all) are carried as they
//! are: sealed values stay sealed, under the same master key.

use super::{
    StoreError, Stored,
    engine::{Engine, Pair},
    keys,
};
use crate::domain::{
    fact::{Position, SiteNumber},
    ledger::Ledger,
};

/// The end of one site's log, and its ledger at that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogMark {
    /// Whose.
    pub site: SiteNumber,
    /// The last durable position.
    pub head: Position,
    /// What became of the site's events up to there.
    pub ledger: Ledger,
}

/// Some of what a store gave away.
#[derive(Debug, Default)]
pub struct Carried {
    /// Rows beside the entries.
    pub rows: Vec<Pair>,
    /// Entries at their positions; those of one site in order.
    pub entries: Vec<(SiteNumber, Stored)>,
    /// Where the logs end, and the ledgers that hold there. Given last.
    pub marks: Vec<LogMark>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Facts that were new.
    pub new: u64,
    /// Facts that were there already.
    pub known: u64,
}

/// Rows to be carried after a key, at most `max`; fewer only at the end.
pub(super) fn belongings(engine: &dyn Engine, after: Vec<u8>, max: usize) -> Result<Vec<Pair>, StoreError> {
    let mut from = after;
    let mut found = Vec::new();
    let end = [0xff; 5];
    while found.len() < max {
        if !from.is_empty() {
            from.push(0);
        }
        // Blocks and bitmaps are most of a store: they are stepped over, not read.
        if let Some(beyond) = keys::beyond_the_rest(&from) {
            from = beyond;
        }
        let pairs = engine.scan(&from, &end, 64)?;
        let Some((last, _)) = pairs.last() else { break };
        from.clone_from(last);
        found.extend(pairs.into_iter().filter(|(key, _)| keys::is_carried(key)));
    }
    Ok(found)
}
