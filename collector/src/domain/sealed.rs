//! What stays in the log of facts whose content went with age: how many there were, and their ids, so that positions
//! go on and an id counts once for ever.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    fact::Entry,
    id::{EventId, Id},
};

/// A stretch of the log that was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sealed {
    /// How many positions it takes.
    pub facts: u64,
    /// The events among them that are named by page view and number, by page view.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<SealedPage>,
    /// The ids of other events, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Id>,
}

/// The events of one page view in a sealed stretch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedPage {
    /// Which page view.
    pub page: Id,
    /// Their numbers, ascending.
    pub numbers: Vec<u16>,
}

impl Sealed {
    /// What stays of an entry.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let mut sealed = Self { facts: entry.facts(), ..Self::default() };
        match entry {
            Entry::Sealed(sealed) => return sealed.clone(),
            Entry::Arrival(arrival) => {
                for event in &arrival.events {
                    match &event.id {
                        EventId::Opaque(id) => sealed.ids.push(id.clone()),
                        EventId::Numbered(number) => {
                            sealed
                                .pages
                                .push(SealedPage { page: event.page.clone(), numbers: vec![*number] });
                        }
                    }
                }
            }
            _ => {}
        }
        Self::default().joined(sealed)
    }

    /// Two stretches as one. What comes out does not depend on the order in which many are joined.
    #[must_use]
    pub fn joined(mut self, mut other: Self) -> Self {
        let mut pages: BTreeMap<Id, Vec<u16>> = BTreeMap::new();
        for page in self.pages.into_iter().chain(other.pages) {
            pages.entry(page.page).or_default().extend(page.numbers);
        }
        self.ids.append(&mut other.ids);
        self.ids.sort_unstable();
        let pages = pages.into_iter().map(|(page, mut numbers)| {
            numbers.sort_unstable();
            SealedPage { page, numbers }
        });
        Self { facts: self.facts + other.facts, pages: pages.collect(), ids: self.ids }
    }

    /// How many of the facts are events.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.pages.iter().map(|page| page.numbers.len() as u64).sum::<u64>() + self.ids.len() as u64
    }
}

/// What was sealed of a site so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SealStatus {
    /// Facts whose content is gone.
    pub facts: u64,
    /// Leads among what is gone.
    pub leads: u64,
    /// When the last whole pass ended, ms since the epoch; 0 before the first.
    pub passed_at: i64,
    /// What the site kept then.
    pub policy: super::retention::Retention,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(page: &str, numbers: &[u16]) -> SealedPage {
        SealedPage { page: Id::parse(page).unwrap(), numbers: numbers.to_vec() }
    }

    #[test]
    fn joined_in_any_order_it_is_the_same() {
        let id = |text| Id::parse(text).unwrap();
        let a = Sealed { facts: 3, pages: vec![page("p", &[2]), page("q", &[0])], ids: vec![id("z")] };
        let b = Sealed { facts: 2, pages: vec![page("p", &[1])], ids: vec![id("y")] };
        let c = Sealed { facts: 1, ..Sealed::default() };
        let one = a.clone().joined(b.clone()).joined(c.clone());
        let other = c.joined(b.joined(a));
        assert_eq!(one, other);
        assert_eq!(one.pages, [page("p", &[1, 2]), page("q", &[0])]);
        assert_eq!((one.facts, one.events(), one.ids), (6, 5, vec![id("y"), id("z")]));
    }
}
