//! Keys of counters: sums, sets of visitors, and what each added to them.

use super::*;

/// All sums of cells.
#[must_use]
pub fn all_sums(site: SiteNumber) -> Vec<u8> {
    key(site, SUMS)
}

/// A cell's sums.
#[must_use]
pub fn sums(site: SiteNumber, cell: &Cell) -> Vec<u8> {
    let mut key = all_sums(site);
    rollup::write_cell(&mut key, cell);
    key
}

/// All sets of visitors.
#[must_use]
pub fn all_members(site: SiteNumber) -> Vec<u8> {
    key(site, MEMBERS)
}

/// One piece of a cell's visitors.
#[must_use]
pub fn members(site: SiteNumber, cell: &Cell, piece: Piece) -> Vec<u8> {
    let mut key = all_members(site);
    rollup::write_cell(&mut key, cell);
    with(key, &piece.to_be_bytes())
}

/// All that was counted, by whose it is.
#[must_use]
pub fn all_counted(site: SiteNumber) -> Vec<u8> {
    key(site, COUNTED)
}

/// All leads that are to be counted anew.
#[must_use]
pub fn all_stale(site: SiteNumber) -> Vec<u8> {
    key(site, STALE)
}

/// A lead that is to be counted anew.
#[must_use]
pub fn stale(site: SiteNumber, lead: &LeadId) -> Vec<u8> {
    with(all_stale(site), lead.as_str().as_bytes())
}

/// What was counted of a subject, a cost or a lead.
#[must_use]
pub fn counted(site: SiteNumber, contributor: &Contributor) -> Vec<u8> {
    let mut key = all_counted(site);
    match contributor {
        Contributor::Subject(subject) => write_subject(&mut key, subject),
        Contributor::Cost(name) => {
            key.push(2);
            key.extend_from_slice(name.as_bytes());
        }
        Contributor::Lead(lead) => {
            key.push(3);
            key.extend_from_slice(lead.as_str().as_bytes());
        }
    }
    key
}

/// What counters were derived with.
#[must_use]
pub fn counters_basis(site: SiteNumber) -> Vec<u8> {
    key(site, COUNTERS_BASIS)
}
