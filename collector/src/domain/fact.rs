//! Everything that is ever appended to a log.
//!
//! These types are the stored format: they are packed by name, so a field may be *added* as an option with a
//! default, and nothing may ever be renamed, retyped or removed (`store/golden` holds stores of every release).
//! The same types, as JSON, are the export format.

use serde::{Deserialize, Serialize};
use wire::beacon::{Choice, Mode, Via};

use super::{
    activity::Activity,
    audit::Looked,
    call::{Call, Lease},
    chat::Message,
    consent::{ConsentSaid, ConsentTextsPut},
    conversion::ConversionSent,
    delivery::{ReplayAsked, Tried},
    do_not_call::DoNotCall,
    erasure::Erased,
    event::{Event, Identifier},
    hook::HooksPut,
    id::{Id, LeadId, VaultRef},
    identity::EdgeId,
    number::NumbersPut,
    promotion::{Cost, LinkClick, LinksPut, Pixel},
    record::{Attempt, FlagSet, LeadIn, LeadPatch, Record, Sale},
    sealed::Sealed,
    silence::{FormSilent, Silent},
    site::SitePut,
    sla::Breach,
    token::{TokenPut, TokenRevoked},
    webhook::{EndpointSaid, WebhooksPut},
};

/// A fact's place in its site's log: 1, 2, 3, …; 0 is before the first.
pub type Position = u64;

/// A site's number in the store; 0 is the house's own log of sites and tokens.
pub type SiteNumber = u32;

/// The house's own log.
pub const HOUSE: SiteNumber = 0;

/// Whose events make one journey.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A browser that may be recognised again.
    Visitor(Id),
    /// One page view of nobody in particular: anonymous ones stand alone.
    Page(Id),
}

/// What is appended in one piece, and becomes durable and visible in one piece.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// The events of one beacon.
    Arrival(Arrival),
    /// Somebody moved a lead to a stage.
    Stage(StageMove),
    /// Evidence of who is who was taken back, or put back.
    EdgeMark(EdgeMark),
    /// A server told of a lead.
    Lead(LeadIn),
    /// The contact centre tried to reach a lead.
    Attempt(Attempt),
    /// A lead paid, or was paid back.
    Sale(Sale),
    /// Somebody called.
    Call(Call),
    /// Somebody wrote.
    Message(Message),
    /// A number was shown to a visitor.
    Lease(Lease),
    /// A lead was marked.
    Flag(FlagSet),
    /// Something was filled in about a lead.
    Patch(LeadPatch),
    /// An ad platform's file got a conversion of a lead.
    ConversionSent(ConversionSent),
    /// Something happened to a lead elsewhere.
    Activity(Activity),
    /// A lead was not called in time.
    Breach(Breach),
    /// A number is not to be called, or may be again.
    DoNotCall(DoNotCall),
    /// A pixel was fetched.
    Pixel(Pixel),
    /// A counted link was followed.
    LinkClick(LinkClick),
    /// Money was spent.
    Cost(Cost),
    /// What was here is too old to be kept.
    Sealed(Sealed),
    /// The site went quiet.
    Silent(Silent),
    /// Nobody sends a form any more.
    FormSilent(FormSilent),
    /// Contact details were given out in clear (house log where of all sites).
    Exported(Exported),
    /// Contact details were shown.
    Looked(Looked),
    /// Somebody was forgotten.
    Erased(Erased),
    /// Somebody changed their mind about what may be done with their leads.
    Consent(ConsentSaid),
    /// A site's consent texts were set (house log).
    ConsentTexts(ConsentTextsPut),
    /// A site's webhooks were set.
    Webhooks(WebhooksPut),
    /// A webhook's endpoint is doing otherwise than before.
    Endpoint(EndpointSaid),
    /// It was tried to deliver a message.
    Tried(Tried),
    /// A message is to be sent once more.
    Replay(ReplayAsked),
    /// A site's telephone numbers were set (house log).
    Numbers(NumbersPut),
    /// A site's doors for other systems were set (house log).
    Hooks(HooksPut),
    /// A site's counted links were set (house log).
    Links(LinksPut),
    /// A site was created or configured (house log).
    Site(SitePut),
    /// A token was issued (house log).
    Token(TokenPut),
    /// A token was withdrawn (house log).
    TokenRevoked(TokenRevoked),
}

impl Entry {
    /// How many positions it takes: every event of an arrival is a fact of its own.
    #[must_use]
    pub fn facts(&self) -> u64 {
        match self {
            Self::Arrival(arrival) => arrival.events.len() as u64,
            Self::Sealed(sealed) => sealed.facts,
            _ => 1,
        }
    }

    /// When the collector took it in, ms since the epoch; `None` of what has no age.
    #[must_use]
    pub fn received_at(&self) -> Option<i64> {
        match self {
            Self::Arrival(arrival) => Some(arrival.received_at),
            Self::EdgeMark(mark) => Some(mark.received_at),
            Self::Stage(_)
            | Self::Lead(_)
            | Self::Attempt(_)
            | Self::Sale(_)
            | Self::Flag(_)
            | Self::Patch(_)
            | Self::ConversionSent(_)
            | Self::Activity(_)
            | Self::Breach(_) => Record::of(self).map(Record::received_at),
            Self::Call(call) => Some(call.received_at),
            Self::Message(message) => Some(message.received_at),
            Self::Lease(lease) => Some(lease.at),
            Self::Numbers(put) => Some(put.at),
            Self::Hooks(put) => Some(put.at),
            Self::Pixel(pixel) => Some(pixel.at),
            Self::LinkClick(click) => Some(click.at),
            Self::Cost(cost) => Some(cost.received_at),
            Self::Links(links) => Some(links.at),
            Self::Site(site) => Some(site.at),
            Self::Token(token) => Some(token.at),
            Self::TokenRevoked(revoked) => Some(revoked.at),
            Self::DoNotCall(said) => Some(said.at),
            Self::Silent(silent) => Some(silent.at),
            Self::FormSilent(silent) => Some(silent.at),
            Self::Exported(exported) => Some(exported.at),
            Self::Looked(looked) => Some(looked.at),
            Self::Erased(erased) => Some(erased.at),
            Self::Consent(said) => Some(said.received_at),
            Self::ConsentTexts(put) => Some(put.at),
            Self::Tried(tried) => Some(tried.at),
            Self::Replay(replay) => Some(replay.at),
            // Who is told what is not forgotten with age.
            Self::Webhooks(_) | Self::Endpoint(_) => None,
            Self::Sealed(_) => None,
        }
    }

    /// The vault's references in it.
    #[must_use]
    pub fn references(&self) -> Vec<VaultRef> {
        match self {
            Self::Arrival(arrival) => {
                arrival.events.iter().filter_map(|event| event.detail.personal()?.vault).collect()
            }
            Self::EdgeMark(mark) => vec![mark.note],
            Self::Consent(said) => vec![said.note],
            Self::Hooks(put) => put.items.iter().map(|hook| hook.secrets).collect(),
            Self::Webhooks(put) => put.items.iter().map(|webhook| webhook.target).collect(),
            Self::Call(call) => call.references(),
            Self::Message(message) => message.references(),
            entry => Record::of(entry).map(Record::references).unwrap_or_default(),
        }
    }
}

/// The events of one beacon and what they share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arrival {
    /// The collector's clock, ms since the epoch.
    pub received_at: i64,
    /// The page's clock when it sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<i64>,
    /// Whose browser; absent in anonymous mode and for a lead alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<Id>,
    /// The choice that held.
    pub mode: Mode,
    /// Where it came from.
    pub choice: Choice,
    /// Which part of the tracker sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// The page's surroundings.
    #[serde(default)]
    pub context: Context,
    /// As the browser sent it; device and bot are derived from it again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// ISO 3166 country, decided from the address before the append; the address is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// ISO 3166-2 subdivision within the country, decided likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// It came from a page on none of the site's domains: treated as bots are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub foreign_origin: bool,
    /// It came from a network of a data centre, by the operator's list; the address is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub datacentre: bool,
    /// A page view of it was opened by a link in a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_link: Option<EmailLink>,
    /// In the order they came.
    pub events: Vec<Event>,
}

/// A page view was opened by a link in a message that was sent to somebody who agreed that it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailLink {
    /// The page view's event, as its id travels.
    pub event: String,
    /// The address that the message was sent to.
    pub identifier: Identifier,
    /// Where the vault keeps what its lead gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultRef>,
}

impl Arrival {
    /// Whose journey an event of this arrival belongs to. A lead sent under `off` belongs to none: it has an event
    /// but no journey.
    #[must_use]
    pub fn subject(&self, event: &Event) -> Option<Subject> {
        match (&self.visitor, self.mode) {
            (Some(visitor), _) => Some(Subject::Visitor(visitor.clone())),
            (None, Mode::Off) => None,
            (None, _) => Some(Subject::Page(event.page.clone())),
        }
    }
}

/// The page's surroundings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Context {
    /// BCP 47 language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// CSS pixels, or a class in anonymous mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
    /// IANA time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tz: Option<String>,
}

/// Somebody moved a lead to a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageMove {
    /// Which lead.
    pub lead: LeadId,
    /// Where to.
    pub stage: String,
    /// When it happened, ms since the epoch.
    pub at: i64,
    /// When it was said.
    pub received_at: i64,
    /// Who and why, by reference: both are free text about people.
    pub note: VaultRef,
    /// The sender's own id of this move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// Somebody took back evidence of who is who, or put it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeMark {
    /// Which evidence.
    pub edge: EdgeId,
    /// Whether it counts from here on.
    pub active: bool,
    /// When it was said, ms since the epoch.
    pub received_at: i64,
    /// Who and why, by reference.
    pub note: VaultRef,
}

#[cfg(test)]
impl Arrival {
    /// For tests: who, how, when and what; nothing else is known of it.
    pub(crate) fn bare(visitor: Option<Id>, mode: Mode, received_at: i64, events: Vec<Event>) -> Self {
        Self {
            received_at,
            sent: None,
            visitor,
            mode,
            choice: Choice::Explicit,
            via: None,
            context: Context::default(),
            user_agent: None,
            country: None,
            region: None,
            foreign_origin: false,
            datacentre: false,
            email_link: None,
            events,
        }
    }
}

/// Contact details were given out in clear: who asked, when, and of how many. Never what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// When, ms since the epoch.
    pub at: i64,
    /// The id of the token that asked.
    pub by: String,
    /// The one site that it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Of how many submissions. Absent of the fact that is appended before anything leaves; a second one follows when
    /// the export has ended, or was broken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submissions: Option<u64>,
    /// The one person that it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}
