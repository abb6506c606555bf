//! Someone who left a way to be contacted.

use serde::{Deserialize, Serialize};

use super::{channel::reason, touch::Touch, visit::Visit};

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
