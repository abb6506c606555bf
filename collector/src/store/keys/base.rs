//! Keys of what is kept of sealed facts, below what is derived: a rebuild begins with it.

use super::{
    BASE_INSTALL, BASE_MEMBERS, BASE_NUMBER, BASE_SUMS, Cell, NUMBERED, Piece, Position, SEAL, SiteNumber,
    Subject, key, rollup, with, write_subject,
};

/// What was sealed, and when.
#[must_use]
pub fn seal(site: SiteNumber) -> Vec<u8> {
    key(site, SEAL)
}

/// All sums of sealed facts.
#[must_use]
pub fn all_base_sums(site: SiteNumber) -> Vec<u8> {
    key(site, BASE_SUMS)
}

/// A cell's sums of sealed facts.
#[must_use]
pub fn base_sums(site: SiteNumber, cell: &Cell) -> Vec<u8> {
    let mut key = all_base_sums(site);
    rollup::write_cell(&mut key, cell);
    key
}

/// All sets of visitors of sealed facts.
#[must_use]
pub fn all_base_members(site: SiteNumber) -> Vec<u8> {
    key(site, BASE_MEMBERS)
}

/// One piece of a cell's visitors of sealed facts.
#[must_use]
pub fn base_members(site: SiteNumber, cell: &Cell, piece: Piece) -> Vec<u8> {
    let mut key = all_base_members(site);
    rollup::write_cell(&mut key, cell);
    with(key, &piece.to_be_bytes())
}

/// The number of a visitor whose first arrival was sealed.
#[must_use]
pub fn base_number(site: SiteNumber, subject: &Subject) -> Vec<u8> {
    let mut key = key(site, BASE_NUMBER);
    write_subject(&mut key, subject);
    key
}

/// Whose a number is, where the arrival that it is the position of was sealed.
#[must_use]
pub fn numbered(site: SiteNumber, number: Position) -> Vec<u8> {
    with(key(site, NUMBERED), &number.to_be_bytes())
}

/// What the install check begins with.
#[must_use]
pub fn base_install(site: SiteNumber) -> Vec<u8> {
    key(site, BASE_INSTALL)
}
