//! How soon a lead is to be called, and whether it was: clocks from when a lead was told to the first attempt and to the first
//! contact.
//!
//! A clock begins when the collector took the lead in, by the collector's clock: nobody could call before, and a page's clock
//! may be a minute off, which is all the time there is.

use serde::{Deserialize, Serialize};

use super::{
    channel::rules::glob,
    consent::CONTACT,
    delivery::HISTORY_MS,
    event::{Flag, LeadKind},
    hours::Calendar,
    id::LeadId,
    site::SiteConfig,
    standing::Lead,
};

/// A lead is called within this many seconds where no rule says otherwise.
pub const TARGET_S: u32 = 60;

/// In which time a clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Runs {
    /// While the site's people are there.
    #[default]
    Open,
    /// Day and night.
    Wall,
}

/// A promise: how soon leads that are like this are called. What is given must fit, patterns with `*` for any text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// How they came to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<LeadKind>,
    /// By which channel they came last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// By which source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// By which campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// By which form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// What they are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// How soon, in seconds.
    pub target_s: u32,
    /// In which time.
    #[serde(default)]
    pub clock: Runs,
}

impl Promise {
    /// What is made to all who have no other.
    pub const USUAL: Self = Self {
        kind: None,
        channel: None,
        source: None,
        campaign: None,
        form: None,
        product: None,
        target_s: TARGET_S,
        clock: Runs::Open,
    };

    /// Every pattern with its name.
    #[must_use]
    pub fn patterns(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("channel", self.channel.as_deref()),
            ("source", self.source.as_deref()),
            ("campaign", self.campaign.as_deref()),
            ("form", self.form.as_deref()),
            ("product", self.product.as_deref()),
        ]
    }

    fn fits(&self, case: &Case) -> bool {
        let texts = [&case.channel, &case.source, &case.campaign, &case.form, &case.product];
        self.kind.is_none_or(|kind| kind == case.kind)
            && self.patterns().into_iter().zip(texts).all(|((_, pattern), text)| {
                pattern.is_none_or(|pattern| text.as_deref().is_some_and(|text| glob(pattern, text)))
            })
    }

    /// When a clock that began at a moment has run out, ms since the epoch; `None` where nobody is ever there.
    #[must_use]
    pub fn due_at(&self, started_at: i64, open: &Calendar<'_>) -> Option<i64> {
        let ms = i64::from(self.target_s) * 1_000;
        match self.clock {
            Runs::Open => open.after_open_ms(started_at, ms),
            Runs::Wall => Some(started_at.saturating_add(ms)),
        }
    }
}

/// What of a lead decides which promise it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as the fields of Promise")]
pub struct Case {
    pub kind: LeadKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
}

impl Case {
    /// That of a lead.
    #[must_use]
    pub fn of(lead: &Lead) -> Self {
        let last = &lead.origin.last;
        Self {
            kind: lead.kind,
            channel: Some(last.channel.as_str().to_owned()),
            source: last.source.clone(),
            campaign: last.campaign.clone(),
            form: lead.form.clone(),
            product: lead.known.product.clone(),
        }
    }
}

/// The promise that a lead has: the first of the site's that fits, or the usual one.
#[must_use]
pub fn promise<'a>(config: &'a SiteConfig, case: &Case) -> &'a Promise {
    config.sla.iter().find(|promise| promise.fits(case)).unwrap_or(&Promise::USUAL)
}

/// Whether anybody was promised anything. Not those of a list, and not of history: what was told days after it was; nor those
/// who are no leads, or nobody's any more; nor who may not be called. What repeats a request has the first one's clock.
#[must_use]
pub fn is_promised(lead: &Lead) -> bool {
    let is_none = |flag: &Flag| matches!(flag, Flag::Test | Flag::Spam | Flag::Internal | Flag::Erased);
    lead.kind != LeadKind::Import
        && lead.told_at.saturating_sub(lead.created_at) <= HISTORY_MS
        && !lead.flags.iter().any(is_none)
        && lead.duplicate_of.is_none()
        && lead.allows(CONTACT)
}

/// A lead was not called in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    /// Which.
    pub lead: LeadId,
    /// When its clock had run out, ms since the epoch.
    pub due_at: i64,
    /// When that was noticed.
    pub at: i64,
    /// How soon it should have been called, in seconds.
    pub target_s: u32,
}

impl Breach {
    /// What there is one of for each lead.
    pub const KIND: &'static str = "breach";
    /// One that is noticed so much later, in ms, is history, and nobody's news.
    pub const HISTORY_MS: i64 = HISTORY_MS;
}

/// How a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody tried yet, and there is time.
    Running,
    /// Somebody tried in time.
    Met,
    /// Nobody tried in time.
    Breached,
    /// There is no clock.
    None,
}

/// How long something took, in ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Took {
    /// By the clock on the wall.
    pub wall_ms: i64,
    /// Of it while the site's people were there.
    pub open_ms: i64,
}

/// A lead's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// How it stands.
    pub state: State,
    /// What was promised.
    pub promise: Promise,
    /// When it began, ms since the epoch.
    pub started_at: i64,
    /// When it has run out.
    pub due_at: Option<i64>,
    /// Until somebody tried.
    pub first_attempt: Option<Took>,
    /// Until somebody answered.
    pub first_contact: Option<Took>,
}

impl Clock {
    /// A lead's clock at a moment; `None` where nothing was promised.
    #[must_use]
    pub fn of(lead: &Lead, config: &SiteConfig, now: i64) -> Option<Self> {
        if !is_promised(lead) {
            return None;
        }
        let open = Calendar::new(&config.hours, &config.timezone);
        let promise = promise(config, &Case::of(lead)).clone();
        let started_at = lead.told_at;
        let due_at = promise.due_at(started_at, &open);
        let took = |at: Option<i64>| {
            at.map(|at| Took {
                wall_ms: at.saturating_sub(started_at).max(0),
                open_ms: open.open_ms_between(started_at, at),
            })
        };
        let (attempt_at, contact_at) = (lead.attempts.first_attempt_at, lead.attempts.first_contact_at);
        let in_time = |at: i64| due_at.is_none_or(|due_at| at <= due_at);
        let state = match attempt_at {
            Some(at) if in_time(at) => State::Met,
            Some(_) => State::Breached,
            None if due_at.is_none_or(|due_at| now < due_at) => State::Running,
            None => State::Breached,
        };
        let (first_attempt, first_contact) = (took(attempt_at), took(contact_at));
        Some(Self { state, promise, started_at, due_at, first_attempt, first_contact })
    }
}

#[cfg(test)]
mod tests;
