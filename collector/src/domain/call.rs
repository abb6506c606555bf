//! A telephone call: who may have made it, as far as anybody can say.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    event::Personal,
    id::{Id, LeadId, VaultRef},
    touch::Touch,
};

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// It rings.
    Ringing,
    /// Somebody talks.
    Answered,
    /// It has ended.
    Completed,
    /// Nobody took it.
    Missed,
}

impl CallStatus {
    /// How far that is: less is taken back by nothing that is told later.
    #[must_use]
    pub fn progress(self) -> u8 {
        match self {
            Self::Ringing => 0,
            Self::Answered => 1,
            Self::Completed | Self::Missed => 2,
        }
    }
}

/// Why a call leads to nobody's journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unattributed {
    /// The number is none of the site's.
    UnknownNumber,
    /// The number is the site's, and stood for nothing at that time.
    InactiveNumber,
    /// The number is printed on pages, and stands for nothing.
    PrintedNumber,
    /// The number stands for a channel, and says no more than that.
    ChannelNumber,
    /// The number was shown to nobody shortly before: it was copied, printed or dialled by mistake.
    NotShown,
    /// It was shown to several, or too long ago to be sure.
    Ambiguous,
}

/// A call, as the telephone exchange tells of it. Told again, it says all that is known by then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Which lead it is about; `None` where nobody could be called back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<LeadId>,
    /// The number that was dialled, in E.164: one of the site's own.
    pub to: String,
    /// When it rang, ms since the epoch.
    pub at: i64,
    /// When it was told.
    pub received_at: i64,
    /// How far it has come.
    pub status: CallStatus,
    /// Whether somebody took it; `None` where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<bool>,
    /// How long it took, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<u32>,
    /// Who called, by reference.
    pub personal: Personal,
    /// Who took it, and where the recording is, by reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<VaultRef>,
    /// The exchange's own id of it.
    pub external_id: String,
    /// What was answered about where it came from: that left the house, so it stays as it was.
    pub answer: Answer,
}

impl Call {
    /// The vault's references in it.
    #[must_use]
    pub fn references(&self) -> Vec<VaultRef> {
        self.personal.vault.into_iter().chain(self.note).collect()
    }

    /// Whether somebody took it, as far as anybody says.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.answered.unwrap_or(self.status == CallStatus::Answered)
    }
}

/// Where a call came from, as it was answered when it rang.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// Who may have made it; the probabilities sum to 1.
    pub candidates: Vec<Candidate>,
    /// Where it came from: the number's channel, or what all candidates have in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub touch: Option<Box<Touch>>,
    /// Why it leads to nobody's journey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Unattributed>,
}

/// Somebody who may have made a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Whose browser; `None` stands for somebody else.
    pub visitor: Option<Id>,
    /// How likely.
    pub probability: f64,
}

/// A number was shown to a visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// In E.164.
    pub number: String,
    /// Whose browser.
    pub visitor: Id,
    /// When first, ms since the epoch.
    pub at: i64,
}

/// What is known of somebody whom a number was shown to, at the moment of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Whose browser.
    pub visitor: Id,
    /// When they were last seen by then, ms since the epoch.
    pub last_seen: i64,
    /// When they last tapped a number by then.
    pub tapped_at: Option<i64>,
    /// Whether the caller's own number is known to be theirs.
    pub is_caller: bool,
}

/// A call leads to a journey from this probability on; below it, to the channel and campaign that all who may have made it
/// have in common.
pub const SURE: f64 = 0.9;

/// A number stays somebody's for so long after they were last seen, in ms: long enough to finish reading and to dial.
pub const GRACE_MS: i64 = 60 * 60 * 1000;

/// Somebody who was seen a moment ago is so likely, and half as likely after each of these, in ms.
const HALF_MS: f64 = 10.0 * 60.0 * 1000.0;
/// A tap on a number is followed by its call within this, in ms.
const TAP_MS: i64 = 3 * 60 * 1000;
/// How much more likely who has just tapped is than who only reads.
const TAPPED: f64 = 50.0;
/// How much more likely the one whose number calls is.
const KNOWN: f64 = 1_000.0;
/// How likely somebody else is, beside one who reads: a number that was noted down, passed on, or dialled by mistake.
const SOMEBODY_ELSE: f64 = 0.05;

/// Who may have made a call at `at` (ms since the epoch), of those whom the number was shown to: the likeliest first, and
/// somebody else last. Probabilities sum to 1.
#[must_use]
pub fn candidates(shown: &[Shown], at: i64) -> Vec<Candidate> {
    let mut seen = BTreeSet::new();
    let mut weighed: Vec<(f64, Option<Id>)> = Vec::with_capacity(shown.len() + 1);
    for one in shown {
        let idle = at - one.last_seen;
        if !(0..=GRACE_MS).contains(&idle) || !seen.insert(&one.visitor) {
            continue;
        }
        #[expect(clippy::cast_precision_loss, reason = "an hour in ms")]
        let mut weight = 0.5_f64.powf(idle as f64 / HALF_MS);
        if one.tapped_at.is_some_and(|tapped| (0..=TAP_MS).contains(&(at - tapped))) {
            weight *= TAPPED;
        }
        if one.is_caller {
            weight *= KNOWN;
        }
        weighed.push((weight, Some(one.visitor.clone())));
    }
    weighed.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| x.cmp(y)));
    weighed.push((SOMEBODY_ELSE, None));
    let all: f64 = weighed.iter().map(|(weight, _)| weight).sum();
    weighed.into_iter().map(|(weight, visitor)| Candidate { visitor, probability: weight / all }).collect()
}

/// Whose call it was, where that is sure enough.
#[must_use]
pub fn caller(candidates: &[Candidate]) -> Option<&Id> {
    let first = candidates.first().filter(|first| first.probability >= SURE)?;
    first.visitor.as_ref()
}

/// What the arrivals of all who may have made a call have in common: their channel, and what else is the same in all of
/// them. `None` where not even that is.
#[must_use]
pub fn in_common(touches: &[Touch], at: i64) -> Option<Touch> {
    let (first, others) = touches.split_first()?;
    if others.iter().any(|touch| touch.channel != first.channel) {
        return None;
    }
    let same = |of: fn(&Touch) -> &Option<String>| {
        of(first).clone().filter(|_| others.iter().all(|touch| of(touch) == of(first)))
    };
    Some(Touch {
        channel: first.channel,
        source: same(|touch| &touch.source),
        medium: same(|touch| &touch.medium),
        campaign: same(|touch| &touch.campaign),
        campaign_id: same(|touch| &touch.campaign_id),
        reason: None,
        ..Touch::unknown(at, "")
    })
}

#[cfg(test)]
mod tests;
