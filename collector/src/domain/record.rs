//! What servers and people tell about leads. Each is a fact of its own; the same `external_id` again amends it, and
//! what it said before stays in the log.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{
    activity::Activity,
    call::Call,
    chat::Message,
    conversion::ConversionSent,
    event::{Consent, Flag, LeadKind, Personal, Prop},
    fact::{Entry, Position, StageMove},
    id::{Id, LeadId, VaultRef},
    sla::Breach,
    touch::Touch,
};

/// A server tells of a lead: one of its own, or more about one that a page told of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeadIn {
    /// Which lead: derived from the external id, or from the form's reference where there is one.
    pub lead: LeadId,
    /// How it came to be.
    pub kind: LeadKind,
    /// When it came to be, ms since the epoch.
    pub at: i64,
    /// When it was told.
    pub received_at: i64,
    /// The sender's own id of it.
    pub external_id: String,
    /// Whose browser it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<Id>,
    /// Whether the browser was told by a number that was shown in it, and not by somebody who knows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inferred: bool,
    /// The arrival that it was, where it came by none that a page saw: a call to a number that stands for a channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub came: Option<Box<Touch>>,
    /// The id of the page's event that the lead was born of, or will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Name, e-mail, phone, user id and fields, by reference.
    pub personal: Personal,
    /// What was agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// What is remarkable about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

/// What came of trying to reach a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was tried; nobody says what came of it.
    Attempted,
    /// Nobody answered.
    NoAnswer,
    /// Somebody answered.
    Contacted,
}

/// The contact centre tried to reach a lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which lead.
    pub lead: LeadId,
    /// When, ms since the epoch.
    pub at: i64,
    /// When it was told.
    pub received_at: i64,
    /// What came of it.
    pub outcome: Outcome,
    /// The contact centre's own code for what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
    /// What it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// What kept the lead from buying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objection: Option<String>,
    /// Who tried, by reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<VaultRef>,
    /// The sender's own id of it.
    pub external_id: String,
}

/// Money that a lead paid, or was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// Which lead.
    pub lead: LeadId,
    /// When, ms since the epoch.
    pub at: i64,
    /// When it was told.
    pub received_at: i64,
    /// Minor units; negative of a refund.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// The sender's own id of it.
    pub external_id: String,
    /// The sale that it takes back, or a part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_of: Option<String>,
}

/// Somebody marked a lead, or took the mark away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagSet {
    /// Which lead.
    pub lead: LeadId,
    /// When, ms since the epoch.
    pub received_at: i64,
    /// Test, spam or internal; `None` takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flag: Option<Flag>,
    /// The id of the token that said so.
    pub by: String,
}

/// Somebody filled in what is known of a lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeadPatch {
    /// Which lead.
    pub lead: LeadId,
    /// When, ms since the epoch.
    pub received_at: i64,
    /// The id of the token that did.
    pub by: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// What keeps the lead from buying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objection: Option<String>,
    /// What the lead is expected to bring, in minor units of the site's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<i64>,
    /// How well the lead fits, by names of the site's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fit: BTreeMap<String, Prop>,
    /// What was taken away: `product`, `objection`, `value`, or `fit.` and a name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cleared: Vec<String>,
    /// Fields of the CRM, by reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm: Option<VaultRef>,
}

/// What an entry tells about a lead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Record<'a> {
    /// That there is one, or more about it.
    Lead(&'a LeadIn),
    /// A move to a stage.
    Stage(&'a StageMove),
    /// An attempt to reach it.
    Attempt(&'a Attempt),
    /// A sale.
    Sale(&'a Sale),
    /// A call by it.
    Call(&'a Call, &'a LeadId),
    /// A message by it.
    Message(&'a Message, &'a LeadId),
    /// A mark.
    Flag(&'a FlagSet),
    /// What is known of it.
    Patch(&'a LeadPatch),
    /// That an ad platform's file got a conversion of it.
    ConversionSent(&'a ConversionSent),
    /// Something that happened elsewhere.
    Activity(&'a Activity),
    /// That it was not called in time.
    Breach(&'a Breach),
}

impl<'a> Record<'a> {
    /// What an entry tells about a lead; `None` where it is about none.
    #[must_use]
    pub fn of(entry: &'a Entry) -> Option<Self> {
        match entry {
            Entry::Lead(lead) => Some(Self::Lead(lead)),
            Entry::Stage(stage) => Some(Self::Stage(stage)),
            Entry::Attempt(attempt) => Some(Self::Attempt(attempt)),
            Entry::Sale(sale) => Some(Self::Sale(sale)),
            Entry::Call(call) => Some(Self::Call(call, call.lead.as_ref()?)),
            Entry::Message(message) => Some(Self::Message(message, message.lead.as_ref()?)),
            Entry::Flag(flag) => Some(Self::Flag(flag)),
            Entry::Patch(patch) => Some(Self::Patch(patch)),
            Entry::ConversionSent(sent) => Some(Self::ConversionSent(sent)),
            Entry::Activity(activity) => Some(Self::Activity(activity)),
            Entry::Breach(breach) => Some(Self::Breach(breach)),
            _ => None,
        }
    }

    /// Which lead it is about.
    #[must_use]
    pub fn lead(self) -> &'a LeadId {
        match self {
            Self::Lead(record) => &record.lead,
            Self::Stage(record) => &record.lead,
            Self::Attempt(record) => &record.lead,
            Self::Sale(record) => &record.lead,
            Self::Call(_, lead) | Self::Message(_, lead) => lead,
            Self::Flag(record) => &record.lead,
            Self::Patch(record) => &record.lead,
            Self::ConversionSent(record) => &record.lead,
            Self::Activity(record) => &record.lead,
            Self::Breach(record) => &record.lead,
        }
    }

    /// When it happened, ms since the epoch.
    #[must_use]
    pub fn at(self) -> i64 {
        match self {
            Self::Lead(record) => record.at,
            Self::Stage(record) => record.at,
            Self::Attempt(record) => record.at,
            Self::Sale(record) => record.at,
            Self::Call(record, _) => record.at,
            Self::Message(record, _) => record.at,
            Self::Activity(record) => record.at,
            Self::Breach(record) => record.due_at,
            Self::Flag(record) => record.received_at,
            Self::Patch(record) => record.received_at,
            Self::ConversionSent(record) => record.received_at,
        }
    }

    /// When it was told.
    #[must_use]
    pub fn received_at(self) -> i64 {
        match self {
            Self::Lead(record) => record.received_at,
            Self::Stage(record) => record.received_at,
            Self::Attempt(record) => record.received_at,
            Self::Sale(record) => record.received_at,
            Self::Call(record, _) => record.received_at,
            Self::Message(record, _) => record.received_at,
            Self::Activity(record) => record.received_at,
            Self::Breach(record) => record.at,
            Self::Flag(record) => record.received_at,
            Self::Patch(record) => record.received_at,
            Self::ConversionSent(record) => record.received_at,
        }
    }

    /// Its kind: what its external id is unique within.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Lead(_) => "lead",
            Self::Stage(_) => "stage",
            Self::Attempt(_) => "attempt",
            Self::Sale(_) => "sale",
            Self::Call(..) => "call",
            Self::Message(..) => "message",
            Self::Flag(_) => "flag",
            Self::Patch(_) => "patch",
            Self::ConversionSent(_) => "export",
            Self::Activity(_) => Activity::KIND,
            Self::Breach(_) => Breach::KIND,
        }
    }

    /// What journeys call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Activity(record) => record.kind.as_str(),
            record => record.kind(),
        }
    }

    /// Whether it tells something new about the lead. That something about it left the house does not, nor that nothing was done.
    #[must_use]
    pub fn is_news(self) -> bool {
        !matches!(self, Self::ConversionSent(_) | Self::Breach(_))
    }

    /// The sender's own id of it, where it has one.
    #[must_use]
    pub fn external_id(self) -> Option<&'a str> {
        match self {
            Self::Lead(record) => Some(&record.external_id),
            Self::Stage(record) => record.external_id.as_deref(),
            Self::Attempt(record) => Some(&record.external_id),
            Self::Sale(record) => Some(&record.external_id),
            Self::Call(record, _) => Some(&record.external_id),
            Self::Message(record, _) => Some(&record.external_id),
            Self::ConversionSent(record) => Some(&record.key),
            Self::Activity(record) => Some(&record.external_id),
            Self::Flag(_) | Self::Patch(_) | Self::Breach(_) => None,
        }
    }

    /// By what it says that somebody is known, where it says so by itself: what a lead is known by is the lead's.
    #[must_use]
    pub fn personal(self) -> Option<&'a Personal> {
        match self {
            Self::Call(call, _) => Some(&call.personal),
            Self::Message(message, _) => Some(&message.personal),
            _ => None,
        }
    }

    /// The vault's references in it.
    #[must_use]
    pub fn references(self) -> Vec<VaultRef> {
        match self {
            Self::Lead(record) => record.personal.vault.into_iter().collect(),
            Self::Stage(record) => vec![record.note],
            Self::Attempt(record) => record.note.into_iter().collect(),
            Self::Call(record, _) => record.references(),
            Self::Message(record, _) => record.references(),
            Self::Patch(record) => record.crm.into_iter().collect(),
            Self::Activity(record) => record.note.into_iter().collect(),
            Self::Sale(_) | Self::Flag(_) | Self::ConversionSent(_) | Self::Breach(_) => Vec::new(),
        }
    }
}

/// A record at its place in the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Told<'a> {
    /// Where it stands in the log.
    pub position: Position,
    /// What was told.
    pub record: Record<'a>,
    /// Whether a later record with the same external id says otherwise.
    pub amended: bool,
}

/// The records of some entries with their positions, in that order, and which of them were amended since.
#[must_use]
pub fn told<'a>(entries: impl IntoIterator<Item = (Position, &'a Entry)>) -> Vec<Told<'a>> {
    let mut told: Vec<Told<'a>> = entries
        .into_iter()
        .filter_map(|(position, entry)| Some(Told { position, record: Record::of(entry)?, amended: false }))
        .collect();
    told.sort_by_key(|told| told.position);
    let mut last: HashMap<(&'static str, &str), Position> = HashMap::new();
    for one in &told {
        if let Some(id) = one.record.external_id() {
            last.insert((one.record.kind(), id), one.position);
        }
    }
    for one in &mut told {
        one.amended = one
            .record
            .external_id()
            .and_then(|id| last.get(&(one.record.kind(), id)))
            .is_some_and(|last| *last != one.position);
    }
    told
}
