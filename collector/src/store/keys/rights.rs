//! Keys of what erasures, rotations and the audit trail go through.

use super::{
    AUDITED, ERASED_PIECE, LOOKUP, Position, SiteNumber, Subject, VAULT_KEY, key, with, write_subject,
};

/// All pieces of a subject's journey from before its person was erased.
#[must_use]
pub fn erased_pieces(site: SiteNumber, subject: &Subject) -> Vec<u8> {
    let mut key = key(site, ERASED_PIECE);
    write_subject(&mut key, subject);
    key
}

/// The audit trail.
#[must_use]
pub fn all_audited(site: SiteNumber) -> Vec<u8> {
    key(site, AUDITED)
}

/// An entry of it: the newest has the smallest key.
#[must_use]
pub fn audited(site: SiteNumber, position: Position) -> Vec<u8> {
    with(all_audited(site), &(!position).to_be_bytes())
}

/// All keyed hashes of identifiers.
#[must_use]
pub fn lookups(site: SiteNumber) -> Vec<u8> {
    key(site, LOOKUP)
}

/// All wrapped keys of a site.
#[must_use]
pub fn vault_keys(site: SiteNumber) -> Vec<u8> {
    key(site, VAULT_KEY)
}
