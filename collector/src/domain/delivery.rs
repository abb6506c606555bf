//! A message on its way to an endpoint: what it is called, when it is tried again, what became of it.
//!
//! What left the house is a fact: each attempt is appended with its outcome ([`Tried`]), and a [`Delivery`] is the fold of
//! the fact that gave rise to it and of those attempts. So a rebuild sends nothing twice.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{fact::Position, id::LeadId, webhook::MessageType};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// Pauses before each further attempt, in ms, where somebody waits to be called. The long schedule follows, without its
/// first pause.
const FAST: [i64; 5] = [SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND, 15 * SECOND];
/// Pauses before each further attempt, in ms: those of Standard Webhooks, some three days in all.
const LONG: [i64; 9] =
    [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
/// A pause is stretched by up to a tenth, so that what failed together does not come again together.
const JITTER: i64 = 10;
/// No longer pause is taken from a `Retry-After`, in ms.
const LONGEST: i64 = 24 * HOUR;
/// What happened longer ago than the schedule lasts, in ms, is history when it is told: nobody is sent it.
pub const HISTORY_MS: i64 = 76 * HOUR;
/// Attempts that a delivery remembers, the last ones.
pub const REMEMBERED: usize = 20;

/// A message's id: the same at every attempt and after a rebuild, so that a receiver knows what it has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(String);

impl MessageId {
    /// The message to an endpoint about a fact: by the lead, the fact's place in the log, and when it was received.
    #[must_use]
    pub fn of(
        kind: MessageType,
        endpoint: &str,
        lead: Option<&LeadId>,
        position: Position,
        received_at: i64,
    ) -> Self {
        let lead = lead.map_or("", LeadId::as_str);
        let kind = kind.as_str();
        Self::hashed(&format!("{kind}\0{endpoint}\0{lead}\0{position}\0{received_at}"))
    }

    /// The id of a message that nobody will send again.
    #[must_use]
    pub fn once(random: [u8; 16]) -> Self {
        Self::hashed(&format!("once\0{random:?}"))
    }

    fn hashed(text: &str) -> Self {
        let digest = format!("{:x}", Sha256::digest(text));
        Self(format!("msg_{}", digest.get(..32).unwrap_or_default()))
    }

    /// Reads an id; `None` where it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        wire::id::is_valid(text).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an attempt came to nothing, or none is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The receiver answered with another status than 2xx.
    Status,
    /// It answered 2xx, and its body did not say what it must.
    Answer,
    /// It took too long.
    Timeout,
    /// No connection, or one that broke.
    Unreachable,
    /// No host of that name.
    UnknownHost,
    /// TLS failed: a certificate that is not trusted, most of the time.
    Tls,
    /// The host's addresses are private, and private ones are not allowed.
    PrivateTarget,
    /// What is needed to write the message could not be had.
    Internal,
    /// The endpoint said that it is gone (410).
    Gone,
    /// The endpoint is off.
    EndpointOff,
    /// The endpoint was taken out.
    EndpointRemoved,
    /// Whoever left the lead is forgotten.
    Erased,
    /// The lead is not there any more.
    LeadGone,
    /// Whoever left the lead did not agree to be contacted, or takes it back.
    NoConsent,
    /// The lead is a test, spam or the house's own.
    Marked,
    /// The lead's number is not to be called, and the message asks for a call.
    DoNotCall,
}

impl Why {
    /// Its name, as it is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Answer => "answer",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::UnknownHost => "unknown_host",
            Self::Tls => "tls",
            Self::PrivateTarget => "private_target",
            Self::Internal => "internal",
            Self::Gone => "gone",
            Self::EndpointOff => "endpoint_off",
            Self::EndpointRemoved => "endpoint_removed",
            Self::Erased => "erased",
            Self::LeadGone => "lead_gone",
            Self::NoConsent => "no_consent",
            Self::Marked => "marked",
            Self::DoNotCall => "do_not_call",
        }
    }
}

/// What becomes of a message after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// The receiver has it.
    Delivered,
    /// It is tried again at this time, ms since the epoch.
    Again(i64),
    /// It was tried for as long as things are tried.
    GivenUp,
    /// It is not to be sent.
    Dropped,
}

/// It was tried to deliver a message, or found that it is not to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// Which message.
    pub message: MessageId,
    /// To whom.
    pub endpoint: String,
    /// The lead that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<LeadId>,
    /// When, ms since the epoch.
    pub at: i64,
    /// The receiver's status, where it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it came to nothing, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// How long it took, ms.
    pub ms: u32,
    /// What becomes of the message.
    pub then: Then,
}

impl Tried {
    /// Whether something left the house: the receiver was spoken to, or may have been.
    #[must_use]
    pub fn was_sent(&self) -> bool {
        !matches!(self.then, Then::Dropped) || self.why == Some(Why::Gone)
    }
}

/// Somebody wants a message to be sent once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayAsked {
    /// Which.
    pub message: MessageId,
    /// The lead that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<LeadId>,
    /// When, ms since the epoch.
    pub at: i64,
    /// The id of the token that asked.
    pub by: String,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It waits for its next attempt.
    Pending,
    /// The receiver has it.
    Delivered,
    /// It was tried for as long as things are tried.
    GivenUp,
    /// It is not to be sent.
    Dropped,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as the fields of Tried")]
pub struct Try {
    pub at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    pub ms: u32,
}

/// A message on its way to an endpoint, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The message's id.
    pub id: MessageId,
    /// What it is about.
    pub kind: MessageType,
    /// To whom.
    pub endpoint: String,
    /// Position of the fact that it tells.
    pub position: Position,
    /// The lead that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<LeadId>,
    /// When that fact was received, ms since the epoch.
    pub at: i64,
    /// How it stands.
    pub state: DeliveryState,
    /// When it is tried next; `None` where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<i64>,
    /// Attempts in all.
    #[serde(default)]
    pub attempts: u32,
    /// Attempts since it was first due, or asked for again.
    #[serde(default)]
    pub round: u32,
    /// The last attempts, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<Try>,
}

impl Delivery {
    /// A message about a fact, due at once.
    #[must_use]
    pub fn new(kind: MessageType, endpoint: &str, lead: Option<LeadId>, position: Position, at: i64) -> Self {
        Self {
            id: MessageId::of(kind, endpoint, lead.as_ref(), position, at),
            kind,
            endpoint: endpoint.to_owned(),
            position,
            lead,
            at,
            state: DeliveryState::Pending,
            due_at: Some(at),
            attempts: 0,
            round: 0,
            tries: Vec::new(),
        }
    }

    /// Takes in what became of an attempt.
    pub fn tried(&mut self, tried: &Tried) {
        // It may have been under way when its endpoint was taken out: what was dropped is not to be tried again.
        let was_dropped = self.state == DeliveryState::Dropped;
        (self.state, self.due_at) = match tried.then {
            Then::Again(_) if was_dropped => (DeliveryState::Dropped, None),
            Then::Delivered => (DeliveryState::Delivered, None),
            Then::Again(at) => (DeliveryState::Pending, Some(at)),
            Then::GivenUp => (DeliveryState::GivenUp, None),
            Then::Dropped => (DeliveryState::Dropped, None),
        };
        if tried.was_sent() {
            self.attempts = self.attempts.saturating_add(1);
            self.round = self.round.saturating_add(1);
        }
        self.note(Try { at: tried.at, status: tried.status, why: tried.why, ms: tried.ms });
    }

    /// It is not to be sent.
    pub fn drop(&mut self, at: i64, why: Why) {
        (self.state, self.due_at) = (DeliveryState::Dropped, None);
        self.note(Try { at, status: None, why: Some(why), ms: 0 });
    }

    /// It is sent once more, from the schedule's beginning.
    pub fn again(&mut self, at: i64) {
        (self.state, self.due_at, self.round) = (DeliveryState::Pending, Some(at), 0);
    }

    fn note(&mut self, attempt: Try) {
        if self.tries.len() >= REMEMBERED {
            self.tries.remove(0);
        }
        self.tries.push(attempt);
    }

    /// When it is tried again after an attempt at `now` that came to nothing; `None` where it was the last.
    /// `retry_after`: how long the receiver wants to be left alone, in ms. `slot`: the next moment at which the lead may be
    /// called, of a message that asks for it. While nobody may call there is no hurry, and at that moment there is.
    #[must_use]
    pub fn next(&self, now: i64, retry_after: Option<i64>, slot: Option<i64>) -> Option<i64> {
        let slot = slot.filter(|slot| *slot > now);
        let pause = pause(self.kind.is_hot(), slot.is_none(), self.round)?;
        let pause = pause + jitter(&self.id, self.round, pause);
        let pause = pause.min(slot.map_or(i64::MAX, |slot| slot - now));
        Some(now + pause.max(retry_after.unwrap_or(0).clamp(0, LONGEST)))
    }
}

/// The pause after so many attempts before it, in ms; `None` after the last. A hot message has as many attempts whether
/// somebody may call or not.
fn pause(is_hot: bool, may_call: bool, before: u32) -> Option<i64> {
    let before = usize::try_from(before).ok()?;
    let long = LONG.get(before);
    let fast = FAST.iter().chain(&LONG[1..]).nth(before);
    match (is_hot, may_call) {
        (false, _) => long,
        (true, true) => fast,
        (true, false) => long.or(fast),
    }
    .copied()
}

/// How much longer a pause is, in ms: always the same of a message and an attempt.
fn jitter(id: &MessageId, before: u32, pause: i64) -> i64 {
    let digest = Sha256::digest(format!("{id}\0{before}"));
    let random = digest.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
    let most = pause / JITTER + 1;
    i64::from(random) % most
}

/// What a `Retry-After` asks for, in ms from now: seconds, or a date that `read` understands (ms since the epoch).
#[must_use]
pub fn retry_after(text: &str, now: i64, read: impl Fn(&str) -> Option<i64>) -> Option<i64> {
    let text = text.trim();
    match text.parse::<u32>() {
        Ok(seconds) => Some(i64::from(seconds).saturating_mul(SECOND).min(LONGEST)),
        Err(_) => read(text).map(|at| at.saturating_sub(now).clamp(0, LONGEST)),
    }
}

#[cfg(test)]
mod tests;
