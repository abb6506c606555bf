//! Whom to call now: of the leads that wait those that may be called at this moment, by expected value times freshness.
//!
//! Every factor is shown, rounded to three digits before anything is multiplied: so what is shown multiplies to what it is
//! ordered by. At the same number the older lead is first, then the smaller id.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BinaryHeap, HashMap, HashSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    event::LeadKind,
    hours::Calendar,
    id::LeadId,
    site::SiteConfig,
    sla::{self, Runs},
    token::Scope,
    waiting::Waiting,
};

const MINUTE_MS: i64 = 60_000;
/// What is left of the freshness of a lead of long ago, and of one that was tried often.
const LEAST: f64 = 0.01;

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
pub struct Place {
    /// Which lead.
    pub waiting: Arc<Waiting>,
    /// Why it is here.
    pub why: Why,
    /// It may be called though nobody else is at this hour: it asked to be.
    pub is_outside_window: bool,
}

impl Eq for Place {}

impl Ord for Place {
    /// The one to be called first is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        let tie = |place: &Self| Reverse((place.waiting.created_at, place.waiting.lead.clone()));
        let by_number = self.why.priority().total_cmp(&other.why.priority());
        by_number.then_with(|| tie(self).cmp(&tie(other)))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A queue at a moment.
#[derive(Debug, Default)]
pub struct Queue {
    /// Those who may be called, the first to be called on top.
    places: BinaryHeap<Place>,
    /// How many others wait, by why they are not.
    pub held: BTreeMap<Held, usize>,
    /// When the first of those may be called who are held by time alone.
    pub next_at: Option<i64>,
}

impl Queue {
    /// The queue of some leads that wait, as far as a scope sees them.
    #[must_use]
    pub fn of(waiting: Vec<Arc<Waiting>>, config: &SiteConfig, scope: Option<&Scope>, now: i64) -> Self {
        let mut queue = Self::default();
        let originals: HashSet<LeadId> =
            waiting.iter().filter_map(|waiting| waiting.duplicate_of.clone()).collect();
        let waits: HashSet<LeadId> = waiting
            .iter()
            .filter(|waiting| originals.contains(&waiting.lead))
            .map(|waiting| waiting.lead.clone())
            .collect();
        let open = Calendar::new(&config.hours, &config.timezone);
        // Of each time zone it is asked once whether people are called there now, and when again.
        let mut windows: HashMap<Option<String>, Option<i64>> = HashMap::new();
        let mut places = Vec::with_capacity(waiting.len());
        for waiting in waiting {
            let case = &waiting.case;
            let channel = case.channel.as_deref().unwrap_or_default();
            if scope.is_some_and(|scope| !scope.covers(channel, case.campaign.as_deref())) {
                continue;
            }
            let callable_at = match windows.get(&waiting.tz) {
                Some(known) => *known,
                None => {
                    let at = window(config, waiting.tz.as_deref()).next_open(now);
                    windows.insert(waiting.tz.clone(), at);
                    at
                }
            };
            let is_open = callable_at == Some(now);
            let (held, later) = match held(&waiting, config, &waits, is_open, now) {
                None => {
                    let why = why(&waiting, config, &open, now);
                    places.push(Place { waiting, why, is_outside_window: !is_open });
                    continue;
                }
                Some(Held::TriedLately) => (Held::TriedLately, next_of(&waiting, config)),
                Some(Held::OutsideWindow) => (Held::OutsideWindow, callable_at),
                Some(held) => (held, None),
            };
            *queue.held.entry(held).or_default() += 1;
            queue.next_at = [queue.next_at, later].into_iter().flatten().min();
        }
        queue.places = BinaryHeap::from(places);
        queue
    }

    /// How many may be called.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nobody may be called.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// One that was taken is not to be called after all.
    pub fn hold(&mut self, held: Held) {
        *self.held.entry(held).or_default() += 1;
    }
}

impl Iterator for Queue {
    type Item = Place;

    fn next(&mut self) -> Option<Place> {
        self.places.pop()
    }
}

fn next_of(waiting: &Waiting, config: &SiteConfig) -> Option<i64> {
    next_attempt_at(&config.queue, waiting.attempts, waiting.last_attempt_at).and_then(Next::at)
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

fn held(
    waiting: &Waiting,
    config: &SiteConfig,
    waits: &HashSet<LeadId>,
    is_open: bool,
    now: i64,
) -> Option<Held> {
    if !waiting.agreed {
        return Some(Held::NoConsent);
    }
    if !waiting.has_phone {
        return Some(Held::NoPhone);
    }
    if waiting.duplicate_of.as_ref().is_some_and(|original| waits.contains(original)) {
        return Some(Held::Duplicate);
    }
    match next_attempt_at(&config.queue, waiting.attempts, waiting.last_attempt_at) {
        None => return Some(Held::Exhausted),
        Some(Next::At(at)) if now < at => return Some(Held::TriedLately),
        Some(_) => {}
    }
    (!is_open && waiting.case.kind != LeadKind::Callback).then_some(Held::OutsideWindow)
}

fn why(waiting: &Waiting, config: &SiteConfig, open: &Calendar<'_>, now: i64) -> Why {
    let score = config.scoring.points(&waiting.marks, now).max(0);
    let age = (now - waiting.created_at).max(0) as f64;
    let half_life = f64::from(config.queue.half_life_min.max(1)) * MINUTE_MS as f64;
    Why {
        kind: f64::from(config.queue.weight(waiting.case.kind)),
        score: short(1.0 + f64::from(score) / 100.0),
        freshness: short((-age / half_life).exp2().max(LEAST)),
        urgency: short(urgency(waiting, config, open, now)),
        attempts: short((-f64::from(waiting.attempts)).exp2().max(LEAST)),
    }
}

/// How much of a lead's time is gone.
fn urgency(waiting: &Waiting, config: &SiteConfig, open: &Calendar<'_>, now: i64) -> f64 {
    let runs = waiting.is_promised && !waiting.is_breached && waiting.last_attempt_at.is_none();
    if !runs {
        return 1.0;
    }
    let promise = sla::promise(config, &waiting.case);
    let gone = match promise.clock {
        Runs::Open => open.open_ms_between(waiting.told_at, now),
        Runs::Wall => (now - waiting.told_at).max(0),
    };
    let gone = gone as f64 / (f64::from(promise.target_s.max(1)) * 1_000.0);
    if gone > 1.0 { 1.0 } else { 1.0 + gone }
}

/// Three digits behind the point.
fn short(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests;
