//! Tracked telephone numbers: which one stands for what, and when it did.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{channel::Channel, promotion::Placement};

/// What a number stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// For where its calls come from, whoever calls.
    For {
        /// The channel.
        channel: Channel,
        /// Source, medium and campaign.
        #[serde(default)]
        placement: Placement,
    },
    /// For nothing by itself: it is shown to one visitor at a time.
    Pool(String),
    /// For nothing: it is printed on the pages, and another is shown in its place.
    Printed,
}

/// A tracked number, for as long as it stands for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// E.164.
    pub number: String,
    /// What its calls mean.
    pub stands: Stands,
    /// Since when, ms since the epoch; 0 for always.
    #[serde(default)]
    pub from: i64,
    /// Until when; `None` for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

impl Number {
    /// Whether it stood for that at a moment.
    #[must_use]
    pub fn holds(&self, at: i64) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// A site's numbers were set (house log).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumbersPut {
    /// Whose.
    pub slug: String,
    /// When, ms since the epoch.
    pub at: i64,
    /// All that are in use, or were.
    pub items: Vec<Number>,
}

/// Two intervals of one number that cannot both be: their places in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    /// The one that begins later.
    pub index: usize,
    /// The one that it runs into.
    pub with: usize,
}

/// The first overlap in a list, if there is any.
#[must_use]
pub fn overlap(items: &[Number]) -> Option<Overlap> {
    let mut by_number: BTreeMap<&str, Vec<(usize, &Number)>> = BTreeMap::new();
    for (index, number) in items.iter().enumerate() {
        by_number.entry(&number.number).or_default().push((index, number));
    }
    by_number.into_values().find_map(|mut of_one| {
        of_one.sort_by_key(|(index, number)| (number.from, *index));
        of_one.windows(2).find_map(|pair| match pair {
            [(with, before), (index, after)] if before.until.is_none_or(|until| until > after.from) => {
                Some(Overlap { index: *index, with: *with })
            }
            _ => None,
        })
    })
}

/// A site's numbers, with those that stood for something once: a call of then keeps its meaning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// As they were set last.
    pub current: Vec<Number>,
    /// What is in the list no more, up to when it went.
    pub past: Vec<Number>,
}

impl Numbers {
    /// Sets them. What stood for something before and is not in the list any more did so until now, unless the list says
    /// what the number stood for then.
    pub fn put(&mut self, put: &NumbersPut) {
        let gone = std::mem::replace(&mut self.current, put.items.clone());
        let gone = gone.into_iter().filter(|one| one.from < put.at && !put.items.contains(one));
        self.past.extend(
            gone.map(|one| Number {
                until: Some(one.until.map_or(put.at, |until| until.min(put.at))),
                ..one
            }),
        );
    }

    /// What a number stood for at a moment.
    #[must_use]
    pub fn at(&self, number: &str, at: i64) -> Option<&Number> {
        let holds = |one: &&Number| one.number == number && one.holds(at);
        // Of what is past the last word counts.
        self.current.iter().find(holds).or_else(|| self.past.iter().rev().find(holds))
    }

    /// Whether a number is, or was, one of the site's.
    #[must_use]
    pub fn has(&self, number: &str) -> bool {
        self.current.iter().chain(&self.past).any(|one| one.number == number)
    }

    /// The number that stands for a channel and campaign at a moment: the most particular that fits.
    #[must_use]
    pub fn standing_for(
        &self,
        channel: Channel,
        source: Option<&str>,
        campaign: Option<&str>,
        at: i64,
    ) -> Option<&Number> {
        let fit = |one: &Number| {
            let Stands::For { channel: of, placement } = &one.stands else { return None };
            let agrees =
                |own: &Option<String>, is: Option<&str>| own.as_deref().is_none_or(|own| Some(own) == is);
            let fits = one.holds(at)
                && *of == channel
                && agrees(&placement.source, source)
                && agrees(&placement.campaign, campaign);
            fits.then(|| {
                usize::from(placement.campaign.is_some()) * 2 + usize::from(placement.source.is_some())
            })
        };
        // Of two that are as particular the first in the list.
        let fits = self.current.iter().rev().filter_map(|one| Some((fit(one)?, one)));
        fits.max_by_key(|(particular, _)| *particular).map(|(_, one)| one)
    }

    /// The numbers of pools at a moment, in the list's order.
    pub fn pooled(&self, at: i64) -> impl Iterator<Item = &str> {
        let is_pooled = move |one: &&Number| one.holds(at) && matches!(one.stands, Stands::Pool(_));
        self.current.iter().filter(is_pooled).map(|one| one.number.as_str())
    }

    /// Whether there is any number at a moment that may be shown in place of a printed one.
    #[must_use]
    pub fn has_others(&self, at: i64) -> bool {
        self.current.iter().any(|one| one.holds(at) && one.stands != Stands::Printed)
    }

    /// The numbers that are printed on the pages at a moment.
    pub fn printed(&self, at: i64) -> impl Iterator<Item = &str> {
        let is_printed = move |one: &&Number| one.holds(at) && one.stands == Stands::Printed;
        self.current.iter().filter(is_printed).map(|one| one.number.as_str())
    }
}

/// The share of visitors that find every number of a pool taken, by Erlang's B formula: `load` is how many numbers are in
/// use on average (visitors an hour × hours that each holds one).
#[must_use]
pub fn blocked(load: f64, numbers: u32) -> f64 {
    (1..=numbers).fold(1.0, |blocked, n| load * blocked / (f64::from(n) + load * blocked))
}

/// How many numbers a pool needs so that at most a share of visitors finds none.
#[must_use]
pub fn needed(load: f64, most_blocked: f64) -> u32 {
    const MOST: u32 = 10_000;
    let mut blocked = 1.0;
    for n in 1..=MOST {
        blocked = load * blocked / (f64::from(n) + load * blocked);
        if blocked <= most_blocked {
            return n;
        }
    }
    MOST
}

#[cfg(test)]
mod tests;
