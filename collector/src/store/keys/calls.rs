//! Keys of telephone numbers.

use super::{LEASE, SiteNumber, key, with, write_subject};
use crate::domain::{fact::Subject, id::Id};

/// Everybody whom a number was shown to.
#[must_use]
pub fn leases(site: SiteNumber, number: &str) -> Vec<u8> {
    let mut key = with(key(site, LEASE), number.as_bytes());
    // No number has a zero byte: none is taken for the beginning of another.
    key.push(0);
    key
}

/// Those since the latest moment down to `since`: the newest has the smallest key.
#[must_use]
pub fn leases_since(site: SiteNumber, number: &str, since: i64) -> Vec<u8> {
    let descending = !(since.cast_unsigned() ^ (1 << 63));
    with(leases(site, number), &descending.to_be_bytes())
}

/// One of them.
#[must_use]
pub fn lease(site: SiteNumber, number: &str, at: i64, visitor: &Id) -> Vec<u8> {
    let mut key = leases_since(site, number, at);
    write_subject(&mut key, &Subject::Visitor(visitor.clone()));
    key
}
