//! The end of each log, in memory as it was appended: those who follow a log read it there, without opening the blocks
//! that were just packed. It holds nothing that the engine does not, and a follower that fell behind reads the engine.

use std::collections::{HashMap, VecDeque};

use super::Stored;
use crate::domain::fact::{Position, SiteNumber};

/// Entries that are durable, the oldest forgotten first, over all sites.
pub struct Tail {
    logs: HashMap<SiteNumber, VecDeque<Stored>>,
    /// What is held, in the order it came: whose, and how many packed bytes it took.
    order: VecDeque<(SiteNumber, usize)>,
    bytes: usize,
    room: usize,
}

impl Tail {
    /// Room for entries that take so many bytes packed; in memory they take about twice that.
    #[must_use]
    pub fn new(room: usize) -> Self {
        Self { logs: HashMap::new(), order: VecDeque::new(), bytes: 0, room }
    }

    /// Adds an entry that became durable. Entries of a site come in the order of their positions, none left out; where
    /// one is, what came before it is forgotten.
    pub fn push(&mut self, site: SiteNumber, stored: Stored, bytes: usize) {
        let log = self.logs.entry(site).or_default();
        if log.back().is_some_and(|last| last.last() + 1 != stored.position) {
            self.forget(site);
        }
        self.logs.entry(site).or_default().push_back(stored);
        self.order.push_back((site, bytes));
        self.bytes += bytes;
        while self.bytes > self.room {
            let Some((site, bytes)) = self.order.pop_front() else { return };
            self.bytes -= bytes;
            if let Some(log) = self.logs.get_mut(&site) {
                log.pop_front();
                if log.is_empty() {
                    self.logs.remove(&site);
                }
            }
        }
    }

    /// Forgets a site's log.
    pub fn forget(&mut self, site: SiteNumber) {
        self.logs.remove(&site);
        let bytes = &mut self.bytes;
        self.order.retain(|(of, size)| {
            *of != site || {
                *bytes -= size;
                false
            }
        });
    }

    /// Entries after a position, up to `head`, until they hold `max` facts or more; `None` where what follows the
    /// position is not here.
    #[must_use]
    pub fn read(&self, site: SiteNumber, after: Position, head: Position, max: usize) -> Option<Vec<Stored>> {
        let log = self.logs.get(&site)?;
        if log.front()?.position > after + 1 || log.back()?.position <= after {
            return None;
        }
        let mut facts = 0;
        let from = log.partition_point(|stored| stored.position <= after);
        let wanted = log.range(from..).take_while(|stored| {
            let more = stored.position <= head && facts < max;
            facts += usize::try_from(stored.entry.facts()).unwrap_or(usize::MAX);
            more
        });
        Some(wanted.cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{domain::fact::Entry, store::conformance::arrival, store::conformance::event};

    fn stored(position: Position, facts: u64) -> Stored {
        let events = (0..facts).map(|n| event("p", &format!("e{position}-{n}"), 1)).collect();
        Stored { position, entry: Arc::new(Entry::Arrival(arrival("v", events))) }
    }

    fn positions(found: Option<Vec<Stored>>) -> Option<Vec<Position>> {
        found.map(|found| found.iter().map(|stored| stored.position).collect())
    }

    #[test]
    fn it_answers_what_it_holds_and_says_so_where_it_does_not() {
        let mut tail = Tail::new(1000);
        assert_eq!(positions(tail.read(1, 0, 9, 10)), None);
        for (position, facts) in [(4, 2), (6, 1), (7, 3)] {
            tail.push(1, stored(position, facts), 10);
        }
        assert_eq!(positions(tail.read(1, 3, 9, 10)), Some(vec![4, 6, 7]));
        assert_eq!(positions(tail.read(1, 5, 9, 10)), Some(vec![6, 7]));
        assert_eq!(positions(tail.read(1, 3, 9, 2)), Some(vec![4]));
        assert_eq!(positions(tail.read(1, 3, 9, 3)), Some(vec![4, 6]));
        assert_eq!(positions(tail.read(1, 3, 6, 10)), Some(vec![4, 6]), "not yet visible");
        assert_eq!(positions(tail.read(1, 2, 9, 10)), None, "3 was forgotten, or never here");
        assert_eq!(positions(tail.read(1, 9, 9, 10)), None, "nothing is after it");
        assert_eq!(positions(tail.read(2, 3, 9, 10)), None);
    }

    #[test]
    fn room_is_bounded_over_all_sites_and_the_oldest_goes_first() {
        let mut tail = Tail::new(30);
        for position in 1..=3 {
            tail.push(1, stored(position, 1), 10);
        }
        tail.push(2, stored(1, 1), 10);
        assert_eq!(positions(tail.read(1, 0, 9, 10)), None);
        assert_eq!(positions(tail.read(1, 1, 9, 10)), Some(vec![2, 3]));
        assert_eq!(positions(tail.read(2, 0, 9, 10)), Some(vec![1]));
        tail.push(1, stored(4, 1), 31);
        assert_eq!((tail.bytes, tail.order.len(), tail.logs.len()), (0, 0, 0), "larger than the room");
    }

    #[test]
    fn a_gap_forgets_what_came_before_it() {
        let mut tail = Tail::new(1000);
        tail.push(1, stored(1, 1), 10);
        tail.push(2, stored(1, 1), 10);
        tail.push(1, stored(3, 1), 10);
        assert_eq!(positions(tail.read(1, 0, 9, 10)), None);
        assert_eq!(positions(tail.read(1, 2, 9, 10)), Some(vec![3]));
        assert_eq!(positions(tail.read(2, 0, 9, 10)), Some(vec![1]));
        assert_eq!(tail.bytes, 20);
    }
}
