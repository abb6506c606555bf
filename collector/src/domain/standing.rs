//! A lead as it stands: what the facts about it add up to.

use serde::{Deserialize, Serialize};

use super::{
    event::{Consent, Flag, LeadKind, Personal},
    fact::{Position, Subject},
    id::{Id, LeadId},
    lead::Origin,
};

/// A lead as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lead {
    /// Derived from the event it was born of.
    pub id: LeadId,
    /// How it came to be.
    pub kind: LeadKind,
    /// The id of the event it was born of, as it travels.
    pub event: String,
    /// Where that event stands in the log.
    pub position: Position,
    /// When the form was sent, ms since the epoch.
    pub created_at: i64,
    /// When the last fact about it was received.
    pub updated_at: i64,
    /// Where it stands in the funnel.
    pub stage: String,
    /// Since when.
    pub stage_at: i64,
    /// Whose events its journey is made of; `None` for a lead alone.
    #[serde(default)]
    pub subject: Option<Subject>,
    /// Why no journey leads up to a lead alone.
    #[serde(default)]
    pub alone: Option<String>,
    /// Whoever the active evidence says left it.
    #[serde(default)]
    pub person: String,
    /// The lead of the same person that asked for the same a moment before.
    #[serde(default)]
    pub duplicate_of: Option<LeadId>,
    /// The form's name.
    #[serde(default)]
    pub form: Option<String>,
    /// Name, e-mail, phone and fields, by reference.
    pub personal: Personal,
    /// What was agreed to.
    #[serde(default)]
    pub consent: Option<Consent>,
    /// What the lead gets in return.
    #[serde(default)]
    pub magnet: Option<String>,
    /// Whether the page saw the form succeed.
    #[serde(default)]
    pub confirmed: bool,
    /// What is remarkable about it.
    #[serde(default)]
    pub flags: Vec<Flag>,
    /// Where it came from.
    pub origin: Origin,
}

impl Lead {
    /// The browser that sent it, where the visitor let it be known.
    #[must_use]
    pub fn visitor(&self) -> Option<&Id> {
        match &self.subject {
            Some(Subject::Visitor(visitor)) => Some(visitor),
            _ => None,
        }
    }
}
