//! Someone who left a way to be contacted.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{channel::reason, touch::Touch, visit::Visit};

/// A lead's id, derived from the fact that it was born of: a rebuild gives the same one.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeadId(String);

impl LeadId {
    /// The lead of a submitted form, by the event's id. Event ids are unique within the site, and so is this.
    #[must_use]
    pub fn of_event(event_id: &str) -> Self {
        let digest = Sha256::digest(format!("lead\0{event_id}"));
        let mut text = String::with_capacity(34);
        text.push_str("l_");
        for byte in digest.iter().take(16) {
            text.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
            text.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
        }
        Self(text)
    }

    /// Reads an id from a request; `None` where it cannot be one.
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

impl fmt::Display for LeadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a lead came from, by three readings of the touches before it. Never blank: what is unknown carries a
/// reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The first touch ever.
    pub first: Touch,
    /// The last touch before the lead.
    pub last: Touch,
    /// The last touch that tells where the visitor came from ([`Touch::has_source`]), which neither a direct nor an
    /// unknown one does; the last one where none does.
    pub last_non_direct: Touch,
}

impl Origin {
    /// The origin of a lead about whose arrival nothing is known, and why; `why` is one of [`reason`].
    #[must_use]
    pub fn unknown(at: i64, why: &str) -> Self {
        let touch = Touch::unknown(at, why);
        Self { first: touch.clone(), last: touch.clone(), last_non_direct: touch }
    }
}

/// The origin of a lead that was born at `lead_at` (ms since the epoch), by the touches of these visits at or before
/// then. The visits may be of several browsers, in any order; touches of the same moment count in the order given.
#[must_use]
pub fn origin(visits: &[Visit], lead_at: i64) -> Origin {
    let mut touches: Vec<&Touch> =
        visits.iter().flat_map(|visit| &visit.touches).filter(|touch| touch.at <= lead_at).collect();
    touches.sort_by_key(|touch| touch.at);
    let (Some(&first), Some(&last)) = (touches.first(), touches.last()) else {
        return Origin::unknown(lead_at, reason::NO_TOUCH_BEFORE_LEAD);
    };
    let named = touches.iter().rev().find(|touch| touch.has_source()).copied();
    Origin { first: first.clone(), last: last.clone(), last_non_direct: named.unwrap_or(last).clone() }
}

#[cfg(test)]
mod tests;
