//! Keys of leads that wait to be reached, and of numbers that are not to be called.

use super::{DO_NOT_CALL, LeadId, SiteNumber, WAITING, key, with};
use crate::domain::do_not_call::PhoneHash;

/// All leads that wait.
#[must_use]
pub fn all_waiting(site: SiteNumber) -> Vec<u8> {
    key(site, WAITING)
}

/// A lead that waits.
#[must_use]
pub fn waiting(site: SiteNumber, lead: &LeadId) -> Vec<u8> {
    with(all_waiting(site), lead.as_str().as_bytes())
}

/// All numbers that are not to be called.
#[must_use]
pub fn all_do_not_call(site: SiteNumber) -> Vec<u8> {
    key(site, DO_NOT_CALL)
}

/// A number that is not to be called.
#[must_use]
pub fn do_not_call(site: SiteNumber, phone: PhoneHash) -> Vec<u8> {
    with(all_do_not_call(site), &phone.0)
}
