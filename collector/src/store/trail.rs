//! The audit trail: which entries are part of it, newest first.

use super::{
    StoreError, Stored,
    engine::Engine,
    keys,
    reads::{entries, position_of},
};
use crate::domain::fact::{Position, SiteNumber};

/// The entries of the audit trail before a position, newest first.
pub(super) fn audited(
    engine: &dyn Engine,
    site: SiteNumber,
    before: Position,
    max: usize,
) -> Result<Vec<Stored>, StoreError> {
    let end = keys::after_prefix(&keys::all_audited(site));
    let pairs = engine.scan(&keys::audited(site, before.saturating_sub(1)), &end, max)?;
    let mut positions: Vec<Position> =
        pairs.iter().map(|(key, _)| position_of(key).map(|inverted| !inverted)).collect::<Result<_, _>>()?;
    positions.reverse();
    let mut found = entries(engine, site, &positions)?;
    found.reverse();
    Ok(found)
}
