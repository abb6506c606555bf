//! Which key holds what. This is the stored format: a tag is never reused for something else.
//!
//! Every key begins with its site's number (big-endian), then a tag. Tags below `0x80` are the log and what belongs
//! to it; tags from `0x80` on are derived, and are dropped and made again by a rebuild. Site 0 is the house.
//!
//! | tag | key after it | value |
//! |---|---|---|
//! | `L` | first position | block of entries |
//! | `b` | page id | bitmap of event numbers seen |
//! | `i` | event id | (seen) |
//! | `x` | record kind, external id | hash of the content, position |
//! | `t` | | ledger |
//! | `B` | | what the bad-events log holds |
//! | `B` | number of a beacon, newest first | its refused events |
//! | `k` | vault reference | wrapped key |
//! | `p` | vault reference | sealed personal data |
//! | `h` | keyed hash of an identifier | token |
//! | `S` | | what was sealed, and when |
//! | `s` | cell | sums that counters begin with: of sealed facts |
//! | `m` | cell, piece | different visitors of the cell that counters begin with |
//! | `n` | subject | number of a visitor whose first arrival was sealed |
//! | `N` | number | whose it is |
//! | `w` | | what the install check begins with |
//! | `!` | name | (house) something about the store itself |
//! | `0x80` | projector | its position |
//! | `0x81` | subject, position | (an arrival of the subject's journey), and how far on each further one of the same step is |
//! | `0x82` | lead | lead |
//! | `0x83` | newest first: created, lead | (index) |
//! | `0x84` | subject, lead | (index) |
//! | `0x85` | lead, position | (a record about the lead) |
//! | `0x86` | | install |
//! | `0x87` | | own domains and grouping rules that origins were derived with |
//! | `0x88` | hour | beacons that came in it |
//! | `0x89` | node, edge | a piece of evidence, under each of its ends |
//! | `0x8a` | edge | one of its ends |
//! | `0x8b` | subject | what is remembered of who is identified, or left a lead |
//! | `0x8c` | newest first: when it happened, edge | why it was refused |
//! | `0x8e` | token of an identifier, lead | (index) |
//! | `0x8f` | order id, subject, position | (index of purchases on pages) |
//! | `0x92` | subject, position | as `0x81`, of a story that ended when its person was erased |
//! | `0x93` | newest first: position | (an entry of the audit trail) |
//! | `0x95` | lead | (its share is to be counted anew) |
//! | `0xb0` | number, newest first: when, visitor | whom it was shown to |
//! | `0xb1` | lead | what is to be known of one that nobody has reached |
//! | `0xb3` | keyed hash of a number | why it is not to be called |
//! | `0xb4` | form, hour | how often it was sent in it |
//! | `0xb5` | reference of a chat, newest first: when, position | who clicked it |
//! | `0xb6` | reference of a chat, position | who wrote with it |
//! | `0x98` | cell | sums |
//! | `0x99` | cell, piece | different visitors of the cell, those with a lead |
//! | `0x9a` | subject, cost or lead | what was counted of it |
//! | `0x9b` | | what counters were derived with |
//! | `0xa0` | | endpoints as they stand |
//! | `0xa1` | message | delivery |
//! | `0xa2` | endpoint, when it is due, message | (index of what is pending) |
//! | `0xa3` | newest first: when its fact came, message | (index) |
//! | `0xa4` | lead, newest first: when its fact came, message | (index) |

mod base;
mod calls;
mod chats;
mod counters;
mod forms;
mod name;
mod outbox;
mod people;
mod rights;
mod waiting;

pub use self::{
    base::*, calls::*, chats::*, counters::*, forms::*, name::name, outbox::*, people::*, rights::*,
    waiting::*,
};
use super::rollup::{self, Contributor, Piece};
use crate::domain::{
    counters::Cell,
    fact::{HOUSE, Position, SiteNumber, Subject},
    id::{Id, LeadId, Token, VaultRef},
    silence::Hour,
};

/// The first byte of every value: which version of the row's format it has. There is one version so far.
pub const VERSION: u8 = 1;

const LOG: u8 = b'L';
const BITMAP: u8 = b'b';
const SEEN: u8 = b'i';
const CLAIM: u8 = b'x';
const LEDGER: u8 = b't';
const BAD: u8 = b'B';
const VAULT_KEY: u8 = b'k';
const VAULT_VALUE: u8 = b'p';
const LOOKUP: u8 = b'h';
const SEAL: u8 = b'S';
const BASE_SUMS: u8 = b's';
const BASE_MEMBERS: u8 = b'm';
const BASE_NUMBER: u8 = b'n';
const NUMBERED: u8 = b'N';
const BASE_INSTALL: u8 = b'w';
const META: u8 = b'!';
const CURSOR: u8 = 0x80;
const PIECE: u8 = 0x81;
const LEAD: u8 = 0x82;
const LEAD_BY_TIME: u8 = 0x83;
const LEAD_BY_SUBJECT: u8 = 0x84;
const RECORD: u8 = 0x85;
const INSTALL: u8 = 0x86;
const BASIS: u8 = 0x87;
const PULSE: u8 = 0x88;
const EDGE: u8 = 0x89;
const EDGE_END: u8 = 0x8a;
const PROFILE: u8 = 0x8b;
const CONFLICT: u8 = 0x8c;
const LEAD_BY_TOKEN: u8 = 0x8e;
const ORDER: u8 = 0x8f;
const ERASED_PIECE: u8 = 0x92;
const AUDITED: u8 = 0x93;
const STALE: u8 = 0x95;
const LEASE: u8 = 0xb0;
const WAITING: u8 = 0xb1;
const DO_NOT_CALL: u8 = 0xb3;
const FORM_PULSE: u8 = 0xb4;
const CHAT_CLICK: u8 = 0xb5;
const CHAT_USE: u8 = 0xb6;
const SUMS: u8 = 0x98;
const MEMBERS: u8 = 0x99;
const COUNTED: u8 = 0x9a;
const COUNTERS_BASIS: u8 = 0x9b;
const DESK: u8 = 0xa0;
const DELIVERY: u8 = 0xa1;
const DELIVERY_DUE: u8 = 0xa2;
const DELIVERY_BY_TIME: u8 = 0xa3;
const DELIVERY_BY_LEAD: u8 = 0xa4;

fn key(site: SiteNumber, tag: u8) -> Vec<u8> {
    let mut key = Vec::with_capacity(32);
    key.extend_from_slice(&site.to_be_bytes());
    key.push(tag);
    key
}

fn with(mut key: Vec<u8>, rest: &[u8]) -> Vec<u8> {
    key.extend_from_slice(rest);
    key
}

/// The key after every key that starts with this one.
#[must_use]
pub fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return end;
        }
    }
    // All bytes were 0xff: no key of ours is that large.
    vec![0xff; prefix.len() + 1]
}

/// Whether a row is given away with a log: what belongs to it, save what can be had from its entries.
#[must_use]
pub fn is_carried(key: &[u8]) -> bool {
    match key.split_at_checked(size_of::<SiteNumber>()) {
        Some((_, [META, name @ ..])) => !matches!(name, b"format" | b"probe"),
        Some((_, [tag, ..])) => *tag < CURSOR && !matches!(*tag, LOG | BITMAP | SEEN | LEDGER),
        _ => false,
    }
}

/// The store's own small values may not be replaced.
#[must_use]
pub fn is_meta(key: &[u8]) -> bool {
    key.get(size_of::<SiteNumber>()) == Some(&META)
}

/// Where the rows that are not carried end, if a key is one of them or just behind one; `None` where it is not.
#[must_use]
pub fn beyond_the_rest(key: &[u8]) -> Option<Vec<u8>> {
    let (site, [tag, ..]) = key.split_at_checked(size_of::<SiteNumber>())? else { return None };
    match *tag {
        LOG | BITMAP | SEEN | LEDGER => Some(after_prefix(&[site, &[*tag]].concat())),
        CURSOR.. => Some(after_prefix(site)),
        _ => None,
    }
}

/// Whether a row is a claim, whose value ends in a position.
#[must_use]
pub fn is_claim(key: &[u8]) -> bool {
    key.get(size_of::<SiteNumber>()) == Some(&CLAIM)
}

/// The site that a key belongs to.
#[must_use]
pub fn site_of(key: &[u8]) -> Option<SiteNumber> {
    key.first_chunk().map(|bytes| SiteNumber::from_be_bytes(*bytes))
}

/// Whether a row is derived.
#[must_use]
pub fn is_derived(key: &[u8]) -> bool {
    key.get(size_of::<SiteNumber>()).is_some_and(|tag| *tag >= CURSOR)
}

/// The bitmaps of a site.
#[must_use]
pub fn bitmaps(site: SiteNumber) -> Vec<u8> {
    key(site, BITMAP)
}

/// The opaque ids seen of a site.
#[must_use]
pub fn all_seen(site: SiteNumber) -> Vec<u8> {
    key(site, SEEN)
}

/// Everything derived of a site: `from..to`.
#[must_use]
pub fn derived(site: SiteNumber) -> (Vec<u8>, Vec<u8>) {
    (key(site, 0x80), after_prefix(&site.to_be_bytes()))
}

/// The block whose first fact has this position.
#[must_use]
pub fn log(site: SiteNumber, position: Position) -> Vec<u8> {
    with(key(site, LOG), &position.to_be_bytes())
}

/// All blocks of a site.
#[must_use]
pub fn logs(site: SiteNumber) -> Vec<u8> {
    key(site, LOG)
}

/// The position in a block's key.
#[must_use]
pub fn log_position(key: &[u8]) -> Option<Position> {
    trailing_position(key)
}

/// The event numbers seen of a page view.
#[must_use]
pub fn bitmap(site: SiteNumber, page: &Id) -> Vec<u8> {
    let mut key = key(site, BITMAP);
    page.write_key(&mut key);
    key
}

/// An opaque event id.
#[must_use]
pub fn seen(site: SiteNumber, id: &Id) -> Vec<u8> {
    let mut key = key(site, SEEN);
    id.write_key(&mut key);
    key
}

/// A claim on an external id.
#[must_use]
pub fn claim(site: SiteNumber, kind: &str, external_id: &str) -> Vec<u8> {
    let key = with(key(site, CLAIM), kind.as_bytes());
    with(with(key, &[0]), external_id.as_bytes())
}

/// The ledger.
#[must_use]
pub fn ledger(site: SiteNumber) -> Vec<u8> {
    key(site, LEDGER)
}

/// What the bad-events log holds.
#[must_use]
pub fn bad_log(site: SiteNumber) -> Vec<u8> {
    key(site, BAD)
}

/// The refused events of a beacon, by its number: the newest has the smallest key.
#[must_use]
pub fn bad_beacon(site: SiteNumber, number: u64) -> Vec<u8> {
    with(key(site, BAD), &(!number).to_be_bytes())
}

/// The number in such a key.
#[must_use]
pub fn bad_beacon_number(key: &[u8]) -> Option<u64> {
    trailing_position(key).map(|inverted| !inverted)
}

/// A submission's wrapped key.
#[must_use]
pub fn vault_key(site: SiteNumber, reference: VaultRef) -> Vec<u8> {
    with(key(site, VAULT_KEY), &reference.0)
}

/// A submission's sealed value.
#[must_use]
pub fn vault_value(site: SiteNumber, reference: VaultRef) -> Vec<u8> {
    with(key(site, VAULT_VALUE), &reference.0)
}

/// The token of an identifier, by its keyed hash.
#[must_use]
pub fn lookup(site: SiteNumber, hash: &[u8; 32]) -> Vec<u8> {
    with(key(site, LOOKUP), hash)
}

/// Something about the store itself.
#[must_use]
pub fn meta(name: &str) -> Vec<u8> {
    with(key(HOUSE, META), name.as_bytes())
}

/// Where a projector stands.
#[must_use]
pub fn cursor(site: SiteNumber, projector: &str) -> Vec<u8> {
    with(key(site, CURSOR), projector.as_bytes())
}

fn write_subject(key: &mut Vec<u8>, subject: &Subject) {
    let (tag, id) = match subject {
        Subject::Visitor(id) => (0, id),
        Subject::Page(id) => (1, id),
    };
    key.push(tag);
    id.write_key(key);
}

/// All pieces of a subject's journey.
#[must_use]
pub fn pieces(site: SiteNumber, subject: &Subject) -> Vec<u8> {
    let mut key = key(site, PIECE);
    write_subject(&mut key, subject);
    key
}

/// The pieces that one step added, by the position of the first.
#[must_use]
pub fn piece(site: SiteNumber, subject: &Subject, position: Position) -> Vec<u8> {
    with(pieces(site, subject), &position.to_be_bytes())
}

/// Whether a key is of pieces.
#[must_use]
pub fn is_piece(key: &[u8]) -> bool {
    matches!(key.get(size_of::<SiteNumber>()), Some(&(PIECE | ERASED_PIECE)))
}

/// The position at the end of a key.
#[must_use]
pub fn trailing_position(key: &[u8]) -> Option<Position> {
    key.last_chunk().map(|bytes| Position::from_be_bytes(*bytes))
}

/// A lead.
#[must_use]
pub fn lead(site: SiteNumber, lead: &LeadId) -> Vec<u8> {
    with(key(site, LEAD), lead.as_str().as_bytes())
}

/// All leads by time.
#[must_use]
pub fn leads_by_time(site: SiteNumber) -> Vec<u8> {
    key(site, LEAD_BY_TIME)
}

/// A lead by time: the newest has the smallest key.
#[must_use]
pub fn lead_by_time(site: SiteNumber, created_at: i64, lead: &LeadId) -> Vec<u8> {
    // Flipping the sign bit orders signed numbers as unsigned ones; the complement turns the order around.
    let descending = !(created_at.cast_unsigned() ^ (1 << 63));
    with(with(leads_by_time(site), &descending.to_be_bytes()), lead.as_str().as_bytes())
}

/// The lead's id in such a key.
#[must_use]
pub fn lead_by_time_id(key: &[u8]) -> Option<LeadId> {
    lead_id(key.get(4 + 1 + 8..)?)
}

/// All leads of a subject.
#[must_use]
pub fn leads_by_subject(site: SiteNumber, subject: &Subject) -> Vec<u8> {
    let mut key = key(site, LEAD_BY_SUBJECT);
    write_subject(&mut key, subject);
    key
}

/// One lead of a subject.
#[must_use]
pub fn lead_by_subject(site: SiteNumber, subject: &Subject, lead: &LeadId) -> Vec<u8> {
    with(leads_by_subject(site, subject), lead.as_str().as_bytes())
}

/// All leads that gave an identifier.
#[must_use]
pub fn leads_by_token(site: SiteNumber, token: Token) -> Vec<u8> {
    with(key(site, LEAD_BY_TOKEN), &token.0)
}

/// One lead that gave an identifier.
#[must_use]
pub fn lead_by_token(site: SiteNumber, token: Token, lead: &LeadId) -> Vec<u8> {
    with(leads_by_token(site, token), lead.as_str().as_bytes())
}

/// All purchases on pages of an order.
#[must_use]
pub fn orders(site: SiteNumber, order_id: &str) -> Vec<u8> {
    with(with(key(site, ORDER), order_id.as_bytes()), &[0])
}

/// One purchase on a page: whose, and the event's position.
#[must_use]
pub fn order(site: SiteNumber, order_id: &str, subject: &Subject, position: Position) -> Vec<u8> {
    let mut key = orders(site, order_id);
    write_subject(&mut key, subject);
    with(key, &position.to_be_bytes())
}

/// Reads a lead's id from the end of a key.
#[must_use]
pub fn lead_id(bytes: &[u8]) -> Option<LeadId> {
    LeadId::parse(std::str::from_utf8(bytes).ok()?)
}

/// All records about a lead.
#[must_use]
pub fn records(site: SiteNumber, lead: &LeadId) -> Vec<u8> {
    with(with(key(site, RECORD), lead.as_str().as_bytes()), &[0])
}

/// One record about a lead.
#[must_use]
pub fn record(site: SiteNumber, lead: &LeadId, position: Position) -> Vec<u8> {
    with(records(site, lead), &position.to_be_bytes())
}

/// What the site's beacons have shown.
#[must_use]
pub fn install(site: SiteNumber) -> Vec<u8> {
    key(site, INSTALL)
}

/// The own domains and grouping rules that origins were derived with.
#[must_use]
pub fn basis(site: SiteNumber) -> Vec<u8> {
    key(site, BASIS)
}

/// How many beacons came in an hour.
#[must_use]
pub fn pulse(site: SiteNumber, hour: Hour) -> Vec<u8> {
    with(key(site, PULSE), &hour.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_leads_come_first() {
        let id = LeadId::of_event("e");
        let times = [i64::MAX, 2, 1, 0, -1, i64::MIN];
        let keys: Vec<_> = times.iter().map(|&at| lead_by_time(1, at, &id)).collect();
        assert!(keys.is_sorted());
        assert_eq!(lead_by_time_id(&keys[0]), Some(id));
    }

    #[test]
    fn a_prefix_ends_where_the_next_begins() {
        assert_eq!(after_prefix(&[1, 2]), [1, 3]);
        assert_eq!(after_prefix(&[1, 0xff]), [2]);
        let (from, to) = derived(7);
        assert!(log(7, Position::MAX) < from && install(7) < to && log(8, 0) >= to);
    }
}
