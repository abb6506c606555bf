//! How the writer's queue is shared among the sites: nobody fills it up for the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::Append;
use crate::domain::fact::{Entry, SiteNumber};

/// How often it is said that a queue is full.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// What waits in a queue, by site.
///
/// A site may hold as much as it leaves free: alone that is half of the queue, with others that want as much an equal
/// part, and there is always room for one that asks for little.
pub struct Shares {
    capacity: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    all: usize,
    by_site: HashMap<SiteNumber, usize>,
    said: Option<Instant>,
}

impl Shares {
    /// Room for so much.
    #[must_use]
    pub fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self { capacity, waiting: Mutex::default() })
    }

    /// A place in the queue; `None` where the site has its share.
    #[must_use]
    pub fn enter(self: &Arc<Self>, site: SiteNumber, weight: usize) -> Option<Place> {
        let mut waiting = self.waiting();
        let own = waiting.by_site.get(&site).copied().unwrap_or(0);
        if own + weight > self.capacity.saturating_sub(waiting.all + weight) {
            let now = Instant::now();
            if waiting.said.is_none_or(|said| now.duration_since(said) >= SAY_EVERY) {
                waiting.said = Some(now);
                tracing::warn!(
                    site,
                    own,
                    all = waiting.all,
                    "the writer's queue has no more room for a site: appends are refused"
                );
            }
            return None;
        }
        waiting.all += weight;
        *waiting.by_site.entry(site).or_default() += weight;
        Some(Place { shares: Arc::clone(self), site, weight })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue, given back when it is dropped.
pub struct Place {
    shares: Arc<Shares>,
    site: SiteNumber,
    weight: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.shares.waiting();
        waiting.all -= self.weight;
        if let Some(own) = waiting.by_site.get_mut(&self.site) {
            *own -= self.weight;
            if *own == 0 {
                waiting.by_site.remove(&self.site);
            }
        }
    }
}

/// What an append weighs: one, and one more for each event or each 256 bytes of the body it came by, whichever is
/// more. Bodies are bounded, so this bounds the memory of the queue.
#[must_use]
pub fn weight(append: &Append) -> usize {
    let events = match &append.entry {
        Some(Entry::Arrival(arrival)) => arrival.events.len(),
        _ => 0,
    };
    1 + events.max(append.bytes / 256)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fill(shares: &Arc<Shares>, site: SiteNumber) -> Vec<Place> {
        std::iter::from_fn(|| shares.enter(site, 1)).collect()
    }

    #[test]
    fn one_site_alone_has_half_and_leaves_room_for_the_next() {
        let shares = Shares::new(120);
        let first = fill(&shares, 1);
        assert_eq!(first.len(), 60);
        let second = fill(&shares, 2);
        assert_eq!(second.len(), 30);
        assert!(!fill(&shares, 3).is_empty(), "a third one is let in, however greedy the others are");
        drop(first);
        assert!(fill(&shares, 2).len() > 10, "what was given back can be had");
        drop(second);
        assert_eq!(shares.waiting().all, 0);
        assert!(shares.waiting().by_site.is_empty());
    }

    proptest! {
        #[test]
        fn there_is_always_room_for_a_newcomer(moves in prop::collection::vec((1u32..6, 1usize..20, any::<bool>()), 1..200)) {
            let shares = Shares::new(256);
            let mut held = Vec::new();
            for (site, weight, leaves) in moves {
                match shares.enter(site, weight) {
                    Some(place) => held.push(place),
                    None if leaves && !held.is_empty() => drop(held.swap_remove(0)),
                    None => {}
                }
                prop_assert!(shares.waiting().all <= 256);
                prop_assert!(shares.enter(99, 1).is_some());
            }
            drop(held);
            prop_assert_eq!(shares.waiting().all, 0);
        }
    }
}
