//! Keys of what is told to endpoints.

use super::{
    DELIVERY, DELIVERY_BY_LEAD, DELIVERY_BY_TIME, DELIVERY_DUE, DESK, LeadId, SiteNumber, key, with,
};
use crate::domain::delivery::MessageId;

/// A site's endpoints.
#[must_use]
pub fn desk(site: SiteNumber) -> Vec<u8> {
    key(site, DESK)
}

/// A delivery.
#[must_use]
pub fn delivery(site: SiteNumber, id: &MessageId) -> Vec<u8> {
    with(key(site, DELIVERY), id.as_str().as_bytes())
}

/// All deliveries by time.
#[must_use]
pub fn deliveries_by_time(site: SiteNumber) -> Vec<u8> {
    key(site, DELIVERY_BY_TIME)
}

/// A delivery by the time of its fact: the newest has the smallest key.
#[must_use]
pub fn delivery_by_time(site: SiteNumber, at: i64, id: &MessageId) -> Vec<u8> {
    with(with(deliveries_by_time(site), &descending(at)), id.as_str().as_bytes())
}

/// All deliveries about a lead, newest first.
#[must_use]
pub fn deliveries_by_lead(site: SiteNumber, lead: &LeadId) -> Vec<u8> {
    with(with(key(site, DELIVERY_BY_LEAD), lead.as_str().as_bytes()), &[0])
}

/// A delivery about a lead.
#[must_use]
pub fn delivery_by_lead(site: SiteNumber, lead: &LeadId, at: i64, id: &MessageId) -> Vec<u8> {
    with(with(deliveries_by_lead(site, lead), &descending(at)), id.as_str().as_bytes())
}

/// All that is pending, of all endpoints.
#[must_use]
pub fn all_due(site: SiteNumber) -> Vec<u8> {
    key(site, DELIVERY_DUE)
}

/// All that is pending of an endpoint, the earliest first.
#[must_use]
pub fn due(site: SiteNumber, endpoint: &str) -> Vec<u8> {
    with(with(all_due(site), endpoint.as_bytes()), &[0])
}

/// All of that which is due before a time, up to here.
#[must_use]
pub fn due_before(site: SiteNumber, endpoint: &str, at: i64) -> Vec<u8> {
    with(due(site, endpoint), &ascending(at))
}

/// One that is due at a time.
#[must_use]
pub fn due_at(site: SiteNumber, endpoint: &str, at: i64, id: &MessageId) -> Vec<u8> {
    with(due_before(site, endpoint, at), id.as_str().as_bytes())
}

/// When it is due, and which it is, in such a key of an endpoint.
#[must_use]
pub fn due_of(key: &[u8], prefix: &[u8]) -> Option<(i64, MessageId)> {
    let (at, id) = key.strip_prefix(prefix)?.split_first_chunk()?;
    let at = (u64::from_be_bytes(*at) ^ (1 << 63)).cast_signed();
    Some((at, message(id)?))
}

/// Reads a message's id from the end of a key.
#[must_use]
pub fn message(bytes: &[u8]) -> Option<MessageId> {
    MessageId::parse(std::str::from_utf8(bytes).ok()?)
}

/// Flipping the sign bit orders signed numbers as unsigned ones.
fn ascending(at: i64) -> [u8; 8] {
    (at.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

fn descending(at: i64) -> [u8; 8] {
    (!(at.cast_unsigned() ^ (1 << 63))).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_is_due_first_and_no_endpoint_is_another_s_beginning() {
        let id = MessageId::parse("msg_1").unwrap();
        let keys: Vec<_> = [i64::MIN, -1, 0, 1, i64::MAX].map(|at| due_at(1, "crm", at, &id)).to_vec();
        assert!(keys.is_sorted());
        for (key, at) in keys.iter().zip([i64::MIN, -1, 0, 1, i64::MAX]) {
            assert_eq!(due_of(key, &due(1, "crm")), Some((at, id.clone())));
        }
        assert!(!due_at(1, "crm2", 0, &id).starts_with(&due(1, "crm")));
        assert!(delivery_by_time(1, 2, &id) < delivery_by_time(1, 1, &id), "the newest first");
    }
}
