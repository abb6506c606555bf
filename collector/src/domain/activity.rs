//! What happened elsewhere: e-mails, surveys, webinars and calls, as other systems tell of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    event::Prop,
    id::{LeadId, VaultRef},
};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// A message was sent.
    EmailSent,
    /// It came back.
    EmailBounced,
    /// Its pictures were fetched. Mail programs do that by themselves, so it proves little.
    EmailOpened,
    /// A link in it was followed.
    EmailClicked,
    /// Somebody answered a survey.
    SurveyResponse,
    /// Somebody was at a webinar.
    WebinarAttended,
    /// Somebody subscribed to a newsletter.
    NewsletterJoined,
    /// What was said in a call, in short.
    CallSummary,
    /// Anything else; the property `name` says what.
    Custom,
}

impl ActivityKind {
    /// Its name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EmailSent => "email_sent",
            Self::EmailBounced => "email_bounced",
            Self::EmailOpened => "email_opened",
            Self::EmailClicked => "email_clicked",
            Self::SurveyResponse => "survey_response",
            Self::WebinarAttended => "webinar_attended",
            Self::NewsletterJoined => "newsletter_joined",
            Self::CallSummary => "call_summary",
            Self::Custom => "custom",
        }
    }

    /// Whether it is about a message.
    #[must_use]
    pub fn is_email(self) -> bool {
        matches!(self, Self::EmailSent | Self::EmailBounced | Self::EmailOpened | Self::EmailClicked)
    }

    /// Whether it may well not have been the person's own doing.
    #[must_use]
    pub fn has_low_trust(self) -> bool {
        self == Self::EmailOpened
    }
}

/// Something that happened elsewhere, and to whom. It moves nobody and brings no touch. Links that
/// were followed, and webinars, may give points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Which lead: the newest of the person's when it was told first.
    pub lead: LeadId,
    /// What happened.
    pub kind: ActivityKind,
    /// When, ms since the epoch.
    pub at: i64,
    /// When it was told.
    pub received_at: i64,
    /// The sender's own id of it.
    pub external_id: String,
    /// Of e-mails: the sender's own name of the message, which all its recipients share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Of e-mails: the campaign that the message is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// Of clicks: a counted link's id, or an address, redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Of surveys: how likely somebody would recommend the site, 0 to 10 (Net Promoter Score).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// What else is known of it, redacted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub props: BTreeMap<String, Prop>,
    /// Free text about people, by reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<VaultRef>,
}

impl Activity {
    /// What its external id is unique within.
    pub const KIND: &'static str = "activity";
}
