//! Which leads are asked for.

use crate::domain::{counters, event::LeadKind, id::LeadId, standing::Lead};

/// Which of a lead's touches is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// The first ever.
    First,
    /// The last before the lead.
    #[default]
    Last,
    /// The last that tells where somebody came from.
    LastNonDirect,
}

/// Which leads.
#[derive(Debug, Clone, Default)]
pub struct LeadQuery {
    /// Created at or after, ms.
    pub since: Option<i64>,
    /// Created before, ms.
    pub until: Option<i64>,
    /// Changed at or after, ms.
    pub updated_since: Option<i64>,
    /// Standing in this stage.
    pub stage: Option<String>,
    /// Of this kind.
    pub kind: Option<LeadKind>,
    /// With this flag.
    pub flag: Option<crate::domain::event::Flag>,
    /// Which touch tells where a lead came from.
    pub touch: Reading,
    /// Which came by this channel.
    pub channel: Option<String>,
    /// Which came from this source; `Some(None)` for those from none.
    pub source: Option<Option<String>>,
    /// Which came by this campaign; `Some(None)` for those by none.
    pub campaign: Option<Option<String>>,
    /// Only those that reports count: neither tests nor repetitions.
    pub counted: bool,
    /// Inside a token's scope.
    pub scope: Option<crate::domain::token::Scope>,
    /// Go on after this lead.
    pub after: Option<(i64, LeadId)>,
    /// At most this many.
    pub limit: usize,
}

impl LeadQuery {
    /// Whether a lead is asked for.
    #[must_use]
    pub fn matches(&self, lead: &Lead) -> bool {
        let last = &lead.origin.last;
        let touch = match self.touch {
            Reading::First => &lead.origin.first,
            Reading::Last => last,
            Reading::LastNonDirect => &lead.origin.last_non_direct,
        };
        let is = |asked: &Option<Option<String>>, is: &Option<String>| {
            asked.as_ref().is_none_or(|asked| *asked == counters::text(is.as_deref()))
        };
        let same =
            |asked: &Option<String>, is: Option<&str>| asked.as_deref().is_none_or(|asked| is == Some(asked));
        self.since.is_none_or(|since| lead.created_at >= since)
            && self.until.is_none_or(|until| lead.created_at < until)
            && self.updated_since.is_none_or(|since| lead.changed_at() >= since)
            && self.kind.is_none_or(|kind| lead.kind == kind)
            && self.flag.is_none_or(|flag| lead.flags.contains(&flag))
            && same(&self.stage, Some(&lead.stage))
            && same(&self.channel, Some(touch.channel.as_str()))
            && is(&self.source, &touch.source)
            && is(&self.campaign, &touch.campaign)
            && (!self.counted || (lead.duplicate_of.is_none() && counters::counts(lead)))
            && self
                .scope
                .as_ref()
                .is_none_or(|scope| scope.covers(last.channel.as_str(), last.campaign.as_deref()))
    }
}

/// Some leads, and whether there are more.
#[derive(Debug, Clone)]
pub struct LeadPage {
    /// Newest first.
    pub items: Vec<Lead>,
    /// The last one, where there may be more after it.
    pub next: Option<(i64, LeadId)>,
}
