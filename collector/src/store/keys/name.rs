//! Keys by name, for messages about a damaged store.

use super::*;

/// What a key is of, for people.
#[must_use]
pub fn name(key: &[u8]) -> String {
    let what = match key.get(size_of::<SiteNumber>()) {
        Some(&LOG) => "block of the log",
        Some(&BITMAP) => "ids seen of a page view",
        Some(&SEEN) => "id seen",
        Some(&CLAIM) => "claim on an external id",
        Some(&LEDGER) => "ledger",
        Some(&VAULT_KEY) => "vault key",
        Some(&VAULT_VALUE) => "vault value",
        Some(&LOOKUP) => "identifier's hash",
        Some(&SEAL) => "what was sealed",
        Some(&BASE_SUMS) => "sums of sealed facts",
        Some(&BASE_MEMBERS) => "visitors of sealed facts",
        Some(&BASE_NUMBER | &NUMBERED) => "number of a visitor",
        Some(&BASE_INSTALL) => "install check of sealed facts",
        Some(&META) => "value of the store itself",
        Some(&CURSOR) => "projector's position",
        Some(&PIECE) => "piece of a journey",
        Some(&LEAD) => "lead",
        Some(&LEAD_BY_TIME) => "lead by time",
        Some(&LEAD_BY_SUBJECT) => "lead by subject",
        Some(&RECORD) => "record about a lead",
        Some(&INSTALL) => "install check",
        Some(&BASIS) => "domains and rules that origins were derived with",
        Some(&FORM_PULSE) => "submissions of a form in an hour",
        Some(&PULSE) => "beacons of an hour",
        Some(&EDGE | &EDGE_END) => "evidence of who is who",
        Some(&PROFILE) => "what is remembered of a subject",
        Some(&CONFLICT) => "evidence that was refused",
        Some(&LEAD_BY_TOKEN) => "lead by identifier",
        Some(&ORDER) => "purchase by order",
        Some(&STALE) => "lead to be counted anew",
        Some(&ERASED_PIECE) => "piece of an erased journey",
        Some(&AUDITED) => "entry of the audit trail",
        Some(&LEASE) => "whom a number was shown to",
        Some(&WAITING) => "lead that waits",
        Some(&DO_NOT_CALL) => "number that is not to be called",
        Some(&CHAT_CLICK) => "click on a chat's reference",
        Some(&CHAT_USE) => "use of a chat's reference",
        Some(&SUMS) => "sums of a counter",
        Some(&MEMBERS) => "visitors of a counter",
        Some(&COUNTED) => "what was counted of a subject or a cost",
        Some(&COUNTERS_BASIS) => "what counters were derived with",
        Some(&DESK) => "endpoints",
        Some(&DELIVERY | &DELIVERY_DUE | &DELIVERY_BY_TIME | &DELIVERY_BY_LEAD) => "delivery",
        _ => "row",
    };
    let tag = key.get(size_of::<SiteNumber>()).copied().unwrap_or_default();
    let place = match tag {
        LOG | PIECE | ERASED_PIECE | RECORD => {
            trailing_position(key).map(|position| format!(" at position {position}"))
        }
        _ => None,
    };
    format!("{what} (tag {tag:#04x}){}", place.unwrap_or_default())
}
