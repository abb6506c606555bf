//! Who may be called, and how soon.

use std::collections::{HashMap, HashSet};

use super::{Held, MINUTE_MS, Next, Why, best::Rank, next_attempt_at, window};
use crate::domain::{
    event::LeadKind,
    hours::Calendar,
    id::LeadId,
    score::Scorer,
    site::SiteConfig,
    sla::{self, Runs},
    token::Scope,
    waiting::Waiting,
};

/// What is left of the freshness of a lead of long ago, and of one that was tried often.
const LEAST: f64 = 0.01;

/// What is said of a lead that waits.
pub(super) enum Verdict {
    /// It may be called; perhaps though nobody else is at this hour.
    Callable { is_outside_window: bool },
    /// It is not to be called; where time alone holds it, until then.
    Held(Held, Option<i64>),
}

/// Says who may be called, and how soon. What is the same for many is worked out once.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    config: &'a SiteConfig,
    scope: Option<&'a Scope>,
    scorer: Scorer<'a>,
    open: Calendar<'a>,
    now: i64,
    /// Of the leads that are repeated those that wait themselves.
    originals: HashSet<&'a LeadId>,
    /// When people of a time zone are called again.
    windows: HashMap<Option<&'a str>, Option<i64>>,
    /// Those of the zone that was asked for last: most are of one.
    last_window: Option<(Option<&'a str>, Option<i64>)>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(config: &'a SiteConfig, scope: Option<&'a Scope>, now: i64) -> Self {
        Self {
            config,
            scope,
            scorer: Scorer::new(&config.scoring, now),
            open: Calendar::new(&config.hours, &config.timezone),
            now,
            originals: HashSet::new(),
            windows: HashMap::new(),
            last_window: None,
        }
    }

    pub(super) fn note_originals(&mut self, waiting: impl Iterator<Item = &'a Waiting> + Clone) {
        let repeated: HashSet<&LeadId> =
            waiting.clone().filter_map(|waiting| waiting.duplicate_of.as_ref()).collect();
        if !repeated.is_empty() {
            let waits = waiting.map(|waiting| &waiting.lead);
            self.originals = waits.filter(|lead| repeated.contains(lead)).collect();
        }
    }

    /// When somebody of a time zone may be called.
    fn callable_at(&mut self, zone: Option<&'a str>) -> Option<i64> {
        let Self { config, now, windows, last_window, .. } = self;
        if config.call_window.is_always() {
            return Some(*now);
        }
        if let Some((of, at)) = last_window
            && *of == zone
        {
            return *at;
        }
        let at = *windows.entry(zone).or_insert_with(|| window(config, zone).next_open(*now));
        *last_window = Some((zone, at));
        at
    }

    /// `None` of what is out of scope.
    pub(super) fn verdict(&mut self, waiting: &'a Waiting) -> Option<Verdict> {
        let case = &waiting.case;
        let channel = case.channel.as_deref().unwrap_or_default();
        if self.scope.is_some_and(|scope| !scope.covers(channel, case.campaign.as_deref())) {
            return None;
        }
        let held = |held| Some(Verdict::Held(held, None));
        if !waiting.agreed {
            return held(Held::NoConsent);
        }
        if !waiting.has_phone {
            return held(Held::NoPhone);
        }
        if waiting.duplicate_of.as_ref().is_some_and(|original| self.originals.contains(original)) {
            return held(Held::Duplicate);
        }
        match next_attempt_at(&self.config.queue, waiting.attempts, waiting.last_attempt_at) {
            None => return held(Held::Exhausted),
            Some(Next::At(at)) if self.now < at => return Some(Verdict::Held(Held::TriedLately, Some(at))),
            Some(_) => {}
        }
        let callable_at = self.callable_at(waiting.tz.as_deref());
        let is_outside_window = callable_at != Some(self.now);
        if is_outside_window && case.kind != LeadKind::Callback {
            return Some(Verdict::Held(Held::OutsideWindow, callable_at));
        }
        Some(Verdict::Callable { is_outside_window })
    }

    /// Its rank; `None` where it has less than `least` in any case: then its marks and its clock are not looked at.
    pub(super) fn rank(
        &mut self,
        waiting: &'a Waiting,
        is_outside_window: bool,
        least: f64,
    ) -> Option<Rank<'a>> {
        let most = self.most(waiting);
        if most.priority() < least {
            return None;
        }
        let priority = self.exactly(waiting, most).priority();
        Some(Rank { priority, created_at: waiting.created_at, waiting, is_outside_window })
    }

    pub(super) fn why(&mut self, waiting: &Waiting) -> Why {
        let most = self.most(waiting);
        self.exactly(waiting, most)
    }

    /// With the greatest score and urgency that there are.
    fn most(&self, waiting: &Waiting) -> Why {
        let settings = &self.config.queue;
        let age = (self.now - waiting.created_at).max(0) as f64;
        let half_life = f64::from(settings.half_life_min.max(1)) * MINUTE_MS as f64;
        Why {
            kind: f64::from(settings.weight(waiting.case.kind)),
            score: by_score(self.config.scoring.cap),
            freshness: short((-age / half_life).exp2().max(LEAST)),
            urgency: 2.0,
            attempts: match waiting.attempts {
                0 => 1.0,
                attempts => short((-f64::from(attempts)).exp2().max(LEAST)),
            },
        }
    }

    fn exactly(&mut self, waiting: &Waiting, most: Why) -> Why {
        let score = by_score(self.scorer.points(&waiting.marks));
        Why { score, urgency: short(urgency(waiting, self.config, &self.open, self.now)), ..most }
    }
}

fn by_score(points: i32) -> f64 {
    (100.0 + f64::from(points.max(0))) / 100.0
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
