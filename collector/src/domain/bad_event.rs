//! Events that were refused, and stand by for another try.
//!
//! A row says what was wrong, and nothing that a person might have typed: the events as they were sent are sealed in
//! the vault. Rows and the state below are the stored format: a field may be added with a default, nothing else.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::id::VaultRef;

/// At most so many refused events of a site are kept: the newest.
pub const KEPT_EVENTS: u64 = 10_000;
/// Their sealed bodies take at most so many bytes.
pub const KEPT_BYTES: u64 = 16 << 20;
/// Longer than this none is kept, in ms: 30 days. They may hold personal data that nobody asked for.
pub const KEPT_MS: i64 = 30 * 86_400_000;

/// The refused events of one beacon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadBeacon {
    /// The collector's clock when it came, ms since the epoch.
    pub received_at: i64,
    /// Where the vault keeps the events as they were sent; `None` where the visitor's choice lets nothing be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultRef>,
    /// How many bytes the vault keeps of it.
    pub bytes: u64,
    /// In the order of the beacon.
    pub events: Vec<BadEvent>,
}

/// One refused event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadEvent {
    /// Its place in the beacon.
    pub index: u16,
    /// Its id, where it has one that is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// One of the few reasons that the ledger counts by.
    pub reason: String,
    /// Which field is wrong, and how.
    pub detail: String,
    /// Bytes of the event as it was sent.
    pub size: u32,
}

/// Names a refused event: its beacon's number in the site's bad-events log, and its place in the beacon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BadId {
    /// Counts from 1, in the order they came.
    pub beacon: u64,
    /// The place in the beacon.
    pub index: u16,
}

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.beacon, self.index)
    }
}

impl FromStr for BadId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (beacon, index) = text.split_once('-').unwrap_or((text, ""));
        Ok(Self { beacon: beacon.parse()?, index: index.parse()? })
    }
}

/// What a site's bad-events log holds, and what it let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BadLog {
    /// The number that was given last.
    pub last: u64,
    /// No beacon with a smaller number is there.
    pub oldest: u64,
    /// Refused events that are there.
    pub events: u64,
    /// Bytes that the vault keeps of them.
    pub bytes: u64,
    /// Refused events that were let go, for age or for room, before they were tried again with success.
    pub dropped: u64,
}

impl BadLog {
    /// Takes a beacon in, and gives it its number.
    pub fn enter(&mut self, beacon: &BadBeacon) -> u64 {
        self.last += 1;
        self.oldest = self.oldest.max(1);
        self.events += beacon.events.len() as u64;
        self.bytes += beacon.bytes;
        self.last
    }

    /// Lets a beacon go as it stands.
    pub fn drop(&mut self, beacon: &BadBeacon) {
        self.events = self.events.saturating_sub(beacon.events.len() as u64);
        self.bytes = self.bytes.saturating_sub(beacon.bytes);
        self.dropped += beacon.events.len() as u64;
    }

    /// Whether more is there than is kept.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.events > KEPT_EVENTS || self.bytes > KEPT_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let id = BadId { beacon: 12, index: 3 };
        assert_eq!(id.to_string(), "12-3");
        assert_eq!("12-3".parse(), Ok(id));
        for bad in ["", "12", "12-", "-3", "a-3", "12-70000", "12-3-4", "-12-3"] {
            assert!(bad.parse::<BadId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_goes_is_counted() {
        let event =
            BadEvent { index: 0, id: None, reason: "kind".to_owned(), detail: String::new(), size: 9 };
        let beacon =
            BadBeacon { received_at: 0, vault: None, bytes: KEPT_BYTES, events: vec![event.clone(), event] };
        let mut log = BadLog::default();
        assert_eq!((log.enter(&beacon), log.is_over()), (1, false));
        assert_eq!((log.enter(&beacon), log.is_over()), (2, true));
        log.drop(&beacon);
        assert_eq!(log, BadLog { last: 2, oldest: 1, events: 2, bytes: KEPT_BYTES, dropped: 2 });
    }
}
