//! Reads of whom numbers were shown to.

use super::{StoreError, engine::Engine, keys, reads::row};
use crate::domain::{call::Lease, fact::SiteNumber};

/// Whom a number was shown to since a moment, the latest first.
pub(super) fn leases(
    engine: &dyn Engine,
    site: SiteNumber,
    number: &str,
    since: i64,
    max: usize,
) -> Result<Vec<Lease>, StoreError> {
    let end = keys::after_prefix(&keys::leases_since(site, number, since));
    let pairs = engine.scan(&keys::leases(site, number), &end, max)?;
    pairs.iter().map(|(_, value)| row(value)).collect()
}
