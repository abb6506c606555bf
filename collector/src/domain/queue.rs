//! Whom to call now: of the leads that wait those that may be called at this moment, by expected value times freshness.
//!
//! Every factor is shown, rounded to three digits before anything is multiplied: so what is shown multiplies to what it is
//! ordered by. At the same number the older lead is first, then the smaller id.

mod best;
mod judge;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{event::LeadKind, hours::Calendar, site::SiteConfig, token::Scope, waiting::Waiting};
use best::{Best, Rank};
use judge::{Judge, Verdict};

const MINUTE_MS: i64 = 60_000;

/// How a site orders its queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What a lead is worth by how it came to be, beside others; those that are not named are worth as usual.
    pub weights: BTreeMap<LeadKind, u16>,
    /// After so many minutes a lead is half as fresh.
    pub half_life_min: u32,
    /// After the first, second, … attempt that reached nobody it is tried again so many minutes later; after the last of
    /// them no more.
    pub retry_min: Vec<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { weights: BTreeMap::new(), half_life_min: 60, retry_min: vec![5, 30, 120, 1_440] }
    }
}

impl Settings {
    /// What a lead is worth by how it came to be.
    #[must_use]
    pub fn weight(&self, kind: LeadKind) -> u16 {
        self.weights.get(&kind).copied().unwrap_or(match kind {
            LeadKind::Call | LeadKind::Callback => 4,
            LeadKind::Form | LeadKind::Whatsapp | LeadKind::Messenger | LeadKind::Chat => 3,
            LeadKind::PlatformForm => 2,
            LeadKind::Email | LeadKind::Import => 1,
        })
    }
}

/// Why a lead that waits is not to be called at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// It did not agree to be called, or took it back.
    NoConsent,
    /// It left no number that can be dialled.
    NoPhone,
    /// The number is on the site's list of those not to be called.
    DoNotCall,
    /// It repeats a request that waits itself.
    Duplicate,
    /// It was tried as often as is tried.
    Exhausted,
    /// It was tried a moment ago.
    TriedLately,
    /// Where it is nobody is called at this hour.
    OutsideWindow,
}

/// When a lead is tried next; `None` where it was tried as often as is tried.
#[must_use]
pub fn next_attempt_at(settings: &Settings, attempts: u32, last_attempt_at: Option<i64>) -> Option<Next> {
    let Some(last) = last_attempt_at else { return Some(Next::Now) };
    let tried = usize::try_from(attempts.max(1) - 1).ok()?;
    let pause = settings.retry_min.get(tried)?;
    Some(Next::At(last.saturating_add(i64::from(*pause) * MINUTE_MS)))
}

/// When it is time for the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It was not tried yet.
    Now,
    /// At this time, ms since the epoch.
    At(i64),
}

impl Next {
    /// The time, where there is one.
    #[must_use]
    pub fn at(self) -> Option<i64> {
        match self {
            Self::Now => None,
            Self::At(at) => Some(at),
        }
    }
}

/// What a lead's place is made of: factors that multiply to the number that it is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Why {
    /// What it is worth by how it came to be.
    pub kind: f64,
    /// What its score makes of that: 1, and a hundredth for each point.
    pub score: f64,
    /// How fresh it is: half after each half-life.
    pub freshness: f64,
    /// How much of its time is gone: from 1 to 2 while its clock runs, 1 otherwise.
    pub urgency: f64,
    /// Half for each attempt that reached nobody.
    pub attempts: f64,
}

impl Why {
    /// Their product.
    #[must_use]
    pub fn priority(&self) -> f64 {
        self.kind * self.score * self.freshness * self.urgency * self.attempts
    }
}

/// A lead's place.
#[derive(Debug, Clone, PartialEq)]
pub struct Place<'a> {
    /// Which lead.
    pub waiting: &'a Waiting,
    /// Why it is here.
    pub why: Why,
    /// It may be called though nobody else is at this hour: it asked to be.
    pub is_outside_window: bool,
}

/// A queue at a moment. All that wait are looked at, and a page of those who are called first is put in order; the next page is looked
/// for when it is asked for.
#[derive(Debug)]
pub struct Queue<'a, W> {
    waiting: W,
    judge: Judge<'a>,
    /// Of those who may be called the first, the one to be called next at the end.
    page: Vec<Rank<'a>>,
    /// The last that was taken.
    last: Option<Rank<'a>>,
    /// How many may be called who were not taken.
    left: usize,
    /// How many others wait, by why they are not.
    pub held: BTreeMap<Held, usize>,
    /// When the first of those may be called who are held by time alone.
    pub next_at: Option<i64>,
}

impl<'a, W: Iterator<Item = &'a Waiting> + Clone> Queue<'a, W> {
    /// The queue of some leads that wait, as far as a scope sees them.
    #[must_use]
    pub fn of(waiting: W, config: &'a SiteConfig, scope: Option<&'a Scope>, now: i64) -> Self {
        let mut judge = Judge::new(config, scope, now);
        judge.note_originals(waiting.clone());
        let mut queue = Self {
            waiting,
            judge,
            page: Vec::new(),
            last: None,
            left: 0,
            held: BTreeMap::new(),
            next_at: None,
        };
        let mut best = Best::default();
        for waiting in queue.waiting.clone() {
            match queue.judge.verdict(waiting) {
                None => {}
                Some(Verdict::Callable { is_outside_window }) => {
                    queue.left += 1;
                    if let Some(rank) = queue.judge.rank(waiting, is_outside_window, best.least()) {
                        best.offer(rank);
                    }
                }
                Some(Verdict::Held(held, until)) => {
                    queue.hold(held);
                    queue.next_at = [queue.next_at, until].into_iter().flatten().min();
                }
            }
        }
        queue.page = best.sorted();
        queue
    }

    /// Who comes after the last that was taken.
    fn turn(&mut self) {
        let mut best = Best::default();
        for waiting in self.waiting.clone() {
            if let Some(Verdict::Callable { is_outside_window }) = self.judge.verdict(waiting)
                && let Some(rank) = self.judge.rank(waiting, is_outside_window, best.least())
                && self.last.is_none_or(|last| rank < last)
            {
                best.offer(rank);
            }
        }
        self.page = best.sorted();
    }
}

impl<W> Queue<'_, W> {
    /// How many may be called.
    #[must_use]
    pub fn len(&self) -> usize {
        self.left
    }

    /// Whether nobody may be called.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// One that was taken is not to be called after all.
    pub fn hold(&mut self, held: Held) {
        *self.held.entry(held).or_default() += 1;
    }
}

impl<'a, W: Iterator<Item = &'a Waiting> + Clone> Iterator for Queue<'a, W> {
    type Item = Place<'a>;

    fn next(&mut self) -> Option<Place<'a>> {
        if self.page.is_empty() && self.left > 0 {
            self.turn();
        }
        let rank = self.page.pop()?;
        self.last = Some(rank);
        self.left -= 1;
        let Rank { waiting, is_outside_window, .. } = rank;
        Some(Place { waiting, why: self.judge.why(waiting), is_outside_window })
    }
}

/// When a lead may be called, by the clocks where it is: of the browser that it came from, else of the site.
#[must_use]
pub fn window<'a>(config: &'a SiteConfig, tz: Option<&str>) -> Calendar<'a> {
    let known = tz.filter(|name| super::calendar::is_zone(name));
    Calendar::new(&config.call_window, known.unwrap_or(&config.timezone))
}

/// The next moment at which somebody is there and the lead may be called; whoever asked to be called may be at any hour.
#[must_use]
pub fn best_slot(config: &SiteConfig, kind: LeadKind, tz: Option<&str>, from: i64) -> Option<i64> {
    let open = Calendar::new(&config.hours, &config.timezone);
    match kind {
        LeadKind::Callback => open.next_open(from),
        _ => open.next_open_with(&window(config, tz), from),
    }
}

#[cfg(test)]
mod tests;
