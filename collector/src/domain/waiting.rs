//! Leads that wait for somebody to reach them: what is to be known of each to say who is next, and nothing more, because all
//! of them are looked at together.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{
    consent::CONTACT,
    event::{Flag, IdentifierKind},
    id::LeadId,
    score::Mark,
    site::SiteConfig,
    sla::{self, Case},
    standing::Lead,
};

/// Most leads have no more marks.
const MARKS: usize = 6;

/// A lead that nobody has reached yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Which.
    pub lead: LeadId,
    /// What decides how soon it is to be called, and what it is worth.
    pub case: Case,
    /// When it came to be, ms since the epoch.
    pub created_at: i64,
    /// When the collector took it in.
    pub told_at: i64,
    /// Whether a clock runs for it.
    pub is_promised: bool,
    /// Whether it was told already that the clock had run out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_breached: bool,
    /// How often it was tried to reach it.
    #[serde(default)]
    pub attempts: u32,
    /// When last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempt_at: Option<i64>,
    /// Whether it agreed to be called.
    pub agreed: bool,
    /// Whether there is a number that can be dialled.
    pub has_phone: bool,
    /// Which one of the same person's it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<LeadId>,
    /// The time zone of the browser that it came from (IANA).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tz: Option<String>,
    /// What gives points; here and not somewhere else in memory, because those of all that wait are looked at in turn.
    #[serde(default, skip_serializing_if = "SmallVec::is_empty")]
    pub marks: SmallVec<[Mark; MARKS]>,
}

/// Stages in which nobody waits any more.
const CLOSED: [&str; 2] = [SiteConfig::CUSTOMER_STAGE, "lost"];

impl Waiting {
    /// What is to be known of a lead; `None` where it does not wait: it was reached, has bought or is lost, or is no lead.
    #[must_use]
    pub fn of(lead: &Lead) -> Option<Self> {
        let is_none = |flag: &Flag| matches!(flag, Flag::Test | Flag::Spam | Flag::Internal | Flag::Erased);
        if lead.attempts.first_contact_at.is_some()
            || CLOSED.contains(&lead.stage.as_str())
            || lead.flags.iter().any(is_none)
        {
            return None;
        }
        Some(Self {
            lead: lead.id.clone(),
            case: Case::of(lead),
            created_at: lead.created_at,
            told_at: lead.told_at,
            is_promised: sla::is_promised(lead),
            is_breached: lead.breached_at.is_some(),
            attempts: lead.attempts.count,
            last_attempt_at: lead.attempts.last_attempt_at,
            agreed: lead.allows(CONTACT),
            has_phone: lead.personal.identifiers.iter().any(|given| given.kind == IdentifierKind::Phone),
            duplicate_of: lead.duplicate_of.clone(),
            tz: lead.born.as_ref().and_then(|born| born.tz.clone()),
            marks: SmallVec::from_slice(&lead.marks),
        })
    }

    /// When its clock runs out unless somebody tries, ms since the epoch; `None` where none runs, or that was told already.
    #[must_use]
    pub fn due_at(&self, config: &SiteConfig, open: &super::hours::Calendar<'_>) -> Option<i64> {
        let runs = self.is_promised && !self.is_breached && self.last_attempt_at.is_none();
        runs.then(|| sla::promise(config, &self.case).due_at(self.told_at, open)).flatten()
    }
}
