//! Someone who left a way to be contacted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{channel::reason, event::LeadKind, id::LeadId, touch::Touch};

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

/// The origin of a lead that was born at `lead_at` (ms since the epoch), by the touches at or before then of whoever
/// left it. They may be of several browsers, in any order; touches of the same moment count in the order given.
#[must_use]
pub fn origin<'a>(touches: impl IntoIterator<Item = &'a Touch>, lead_at: i64) -> Origin {
    let mut touches: Vec<&Touch> = touches.into_iter().filter(|touch| touch.at <= lead_at).collect();
    touches.sort_by_key(|touch| touch.at);
    let (Some(&first), Some(&last)) = (touches.first(), touches.last()) else {
        return Origin::unknown(lead_at, reason::NO_TOUCH_BEFORE_LEAD);
    };
    let named = touches.iter().rev().find(|touch| touch.has_source()).copied();
    Origin { first: first.clone(), last: last.clone(), last_non_direct: named.unwrap_or(last).clone() }
}

/// A lead again within this long, in ms, is taken for the same request: a double click, a second try, an impatient
/// visitor.
pub const SAME_REQUEST_MS: i64 = 30 * 60 * 1000;

/// What tells whether a lead is another one of the same human.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request<'a> {
    /// When it was made, ms since the epoch.
    pub at: i64,
    /// Which lead it made.
    pub lead: &'a LeadId,
    /// What was asked by: the form, or the kind where there was none.
    pub by: (LeadKind, Option<&'a str>),
}

/// Which of one human's leads ask again for what another asked for, and for which: the same form, or kind, within
/// [`SAME_REQUEST_MS`] of the first. None is dropped; they are marked.
#[must_use]
pub fn duplicates<'a>(requests: impl IntoIterator<Item = Request<'a>>) -> BTreeMap<&'a LeadId, &'a LeadId> {
    let mut requests: Vec<Request<'a>> = requests.into_iter().collect();
    requests.sort();
    let mut first: BTreeMap<(LeadKind, Option<&str>), (i64, &'a LeadId)> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for Request { at, lead, by } in requests {
        match first.get(&by) {
            Some(&(since, original)) if at - since <= SAME_REQUEST_MS => {
                found.insert(lead, original);
            }
            _ => {
                first.insert(by, (at, lead));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
