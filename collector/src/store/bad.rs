//! Refused events, kept for another try: one row per beacon, its body in the vault, bounded by count, bytes and age.

use super::{
    Sealed, StoreError,
    engine::Engine,
    keys,
    reads::{after, row},
};
use crate::domain::{
    bad_event::{BadBeacon, BadEvent, BadId, BadLog},
    fact::SiteNumber,
};

/// How many rows are fetched at a time.
const PAGE: usize = 64;

/// What an append does to the bad-events log. It takes effect with the rest of the append, or not at all.
#[derive(Debug)]
pub enum Bad {
    /// Keeps the refused events of a beacon, and their bodies. What the log has no more room for goes, the oldest
    /// first.
    Keep {
        /// What was refused, and why.
        beacon: BadBeacon,
        /// The bodies, under the beacon's vault reference.
        body: Option<Sealed>,
    },
    /// Settles an event that was tried again: its rejection is taken back from the ledger, and the rest of the append
    /// says what became of it. Where the event is no longer there the whole append is void.
    Settle {
        /// Which.
        id: BadId,
        /// Why it is refused again, by today's rules. `None` takes it off the log.
        again: Option<Again>,
    },
    /// Lets everything go that came before a time, in ms since the epoch.
    Forget {
        /// Exclusive.
        before: i64,
    },
}

/// Why an event is refused again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// As [`BadEvent::reason`].
    pub reason: String,
    /// As [`BadEvent::detail`].
    pub detail: String,
}

/// Which refused events.
#[derive(Debug, Clone, Default)]
pub struct BadQuery {
    /// Received at or after, ms.
    pub since: Option<i64>,
    /// Received before, ms.
    pub until: Option<i64>,
    /// Refused for this reason.
    pub reason: Option<String>,
    /// Go on after this one.
    pub after: Option<BadId>,
    /// At most this many.
    pub limit: usize,
}

/// Some refused events, and whether there are more.
#[derive(Debug, Clone, Default)]
pub struct BadPage {
    /// Newest beacon first; the events of a beacon in its own order.
    pub items: Vec<BadItem>,
    /// The last one, where there may be more after it.
    pub next: Option<BadId>,
}

/// A refused event and what it shares with its beacon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadItem {
    /// Its name.
    pub id: BadId,
    /// When its beacon came, ms since the epoch.
    pub received_at: i64,
    /// Whether the vault keeps it as it was sent.
    pub has_body: bool,
    /// What is wrong with it.
    pub event: BadEvent,
}

/// Reads the log's row.
pub(super) fn log(value: Option<Vec<u8>>) -> Result<BadLog, StoreError> {
    value.map_or_else(|| Ok(BadLog::default()), |value| row(&value))
}

/// Reads a beacon's row.
pub(super) fn beacon(value: Option<Vec<u8>>) -> Result<Option<BadBeacon>, StoreError> {
    value.map(|value| row(&value)).transpose()
}

pub(super) fn list(engine: &dyn Engine, site: SiteNumber, query: &BadQuery) -> Result<BadPage, StoreError> {
    let end = keys::after_prefix(&keys::bad_log(site));
    let newest = query.after.map_or(u64::MAX, |after| after.beacon);
    let mut from = keys::bad_beacon(site, newest);
    let mut page = BadPage::default();
    loop {
        let pairs = engine.scan(&from, &end, PAGE)?;
        for (key, value) in &pairs {
            let number = keys::bad_beacon_number(key)
                .ok_or_else(|| StoreError::Damaged("a bad event's key".to_owned()))?;
            let beacon: BadBeacon = row(value)?;
            let asked = query.since.is_none_or(|since| beacon.received_at >= since)
                && query.until.is_none_or(|until| beacon.received_at < until);
            if !asked {
                continue;
            }
            for event in beacon.events {
                let id = BadId { beacon: number, index: event.index };
                let passed =
                    query.after.is_some_and(|after| after.beacon == number && event.index <= after.index);
                if passed || query.reason.as_ref().is_some_and(|reason| *reason != event.reason) {
                    continue;
                }
                if page.items.len() == query.limit {
                    page.next = page.items.last().map(|item| item.id);
                    return Ok(page);
                }
                page.items.push(BadItem {
                    id,
                    received_at: beacon.received_at,
                    has_body: beacon.vault.is_some(),
                    event,
                });
            }
        }
        match pairs.len() {
            PAGE => from = after(pairs),
            _ => return Ok(page),
        }
    }
}
