//! received = stored + duplicate + rejected + withheld, always.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What became of every event that a site's beacons brought. `received` is not kept but summed, so that the
/// equation cannot be broken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Appended to the log.
    pub stored: u64,
    /// Delivered before; nothing changed.
    pub duplicate: u64,
    /// Refused, by reason.
    #[serde(default)]
    pub rejected: BTreeMap<String, u64>,
    /// Not kept because the visitor's choice forbids it, by reason.
    #[serde(default)]
    pub withheld: BTreeMap<String, u64>,
}

impl Ledger {
    /// Every event that came in.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.stored
            + self.duplicate
            + self.rejected.values().sum::<u64>()
            + self.withheld.values().sum::<u64>()
    }

    /// Takes back a rejection, because the event has been tried again: whatever became of it then is tallied in its
    /// place, so that it is received once.
    pub fn take_back(&mut self, reason: &str) {
        if let Some(count) = self.rejected.get_mut(reason) {
            *count = count.saturating_sub(1);
        }
        self.rejected.retain(|_, count| *count > 0);
    }

    /// Adds another tally to this one.
    pub fn add(&mut self, other: &Self) {
        self.stored += other.stored;
        self.duplicate += other.duplicate;
        for (sum, more) in [(&mut self.rejected, &other.rejected), (&mut self.withheld, &other.withheld)] {
            for (reason, count) in more {
                match sum.get_mut(reason) {
                    Some(total) => *total += count,
                    None => {
                        sum.insert(reason.clone(), *count);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_by_reason_and_as_a_whole() {
        let mut ledger = Ledger { stored: 2, ..Ledger::default() };
        let more = Ledger {
            stored: 1,
            duplicate: 3,
            rejected: [("time".to_owned(), 4)].into(),
            withheld: [("off".to_owned(), 5)].into(),
        };
        ledger.add(&more);
        ledger.add(&more);
        assert_eq!((ledger.stored, ledger.duplicate), (4, 6));
        assert_eq!(ledger.rejected["time"], 8);
        assert_eq!(ledger.received(), 4 + 6 + 8 + 10);
        for _ in 0..8 {
            ledger.take_back("time");
            ledger.stored += 1;
            assert_eq!(ledger.received(), 4 + 6 + 8 + 10);
        }
        ledger.take_back("kind");
        assert!(ledger.rejected.is_empty(), "what is not there cannot be taken back: {ledger:?}");
    }
}
