//! Who gets to see which fact, and in which words.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use super::{Mark, feed::Feed};
use crate::{
    api::shapes::{ItemView, LeadView},
    domain::{
        event::{Detail, Event},
        fact::{Arrival, Entry, Subject},
        id::{Id, LeadId},
        journey::{Evidence, Item, What},
        record::{Record, Told},
        silence::{FormSilent, Silent},
        standing::Lead,
        token::Scope,
        touch,
        visit::{self, Seen},
        webhook::{EndpointSaid, Health},
    },
    error::Problem,
    project::{directory::Site, journeys},
    store::Stored,
};

/// Subjects that are known to be inside a scope: asked once, then remembered.
const REMEMBERED: usize = 10_000;

/// What a message is about: its `event:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Something happened on a page, or elsewhere to a lead.
    Event,
    /// Someone left a way to be contacted.
    Lead,
    /// A lead was moved to a stage.
    Stage,
    /// It was tried to reach a lead.
    Attempt,
    /// A lead paid, or was paid back.
    Sale,
    /// A lead was not called in time.
    Breach,
    /// The site went quiet.
    Silent,
    /// An endpoint that is told of leads is doing otherwise than before.
    Endpoint,
}

impl Type {
    /// Every type.
    pub const ALL: [Self; 8] = [
        Self::Event,
        Self::Lead,
        Self::Stage,
        Self::Attempt,
        Self::Sale,
        Self::Breach,
        Self::Silent,
        Self::Endpoint,
    ];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Lead => "lead",
            Self::Stage => "stage",
            Self::Attempt => "attempt",
            Self::Sale => "sale",
            Self::Breach => "breach",
            Self::Silent => "silent",
            Self::Endpoint => "endpoint",
        }
    }
}

/// What a reader wants.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Messages of these types.
    pub types: Vec<Type>,
    /// Events or leads of this kind.
    pub kind: Option<String>,
    /// What this visitor does, and their leads.
    pub visitor: Option<Id>,
    /// Events of visits, and leads, of this channel.
    pub channel: Option<String>,
    /// The same by campaign.
    pub campaign: Option<String>,
}

impl Filter {
    fn wants(&self, kind: Type) -> bool {
        self.types.contains(&kind)
    }

    fn by_source(&self) -> bool {
        self.channel.is_some() || self.campaign.is_some()
    }

    fn source(&self, channel: &str, campaign: Option<&str>) -> bool {
        self.channel.as_deref().is_none_or(|asked| asked == channel)
            && self.campaign.as_deref().is_none_or(|asked| Some(asked) == campaign)
    }

    fn of_visitor(&self, visitor: Option<&Id>) -> bool {
        self.visitor.as_ref().is_none_or(|asked| Some(asked) == visitor)
    }

    fn of_kind(&self, kind: &str) -> bool {
        self.kind.as_deref().is_none_or(|asked| asked == kind)
    }

    fn lead(&self, lead: &Lead) -> bool {
        let last = &lead.origin.last;
        self.of_visitor(lead.visitor()) && self.source(last.channel.as_str(), last.campaign.as_deref())
    }
}

/// Something that happened on a page: an item of a journey, and whose.
#[derive(Serialize)]
struct EventMessage<'a> {
    position: u64,
    received_at: i64,
    visitor: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    foreign_origin: bool,
    #[serde(flatten)]
    item: &'a ItemView,
}

/// A move to a stage, an attempt, a sale, a breach or what happened elsewhere, and whose.
#[derive(Serialize)]
struct RecordMessage<'a> {
    position: u64,
    lead: String,
    received_at: i64,
    #[serde(flatten)]
    item: &'a ItemView,
}

/// A lead as the list of leads shows it, and where it was born.
#[derive(Serialize)]
struct LeadMessage<'a> {
    position: u64,
    #[serde(flatten)]
    lead: &'a LeadView,
}

/// The site, or a form of it, went quiet, and how much would have come by then.
#[derive(Serialize)]
struct SilentMessage {
    position: u64,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<String>,
    at: i64,
    since: i64,
    expected: u32,
}

/// An endpoint takes nothing, is gone, or is well again.
#[derive(Serialize)]
struct EndpointMessage<'a> {
    position: u64,
    kind: &'static str,
    endpoint: &'a str,
    health: Health,
    at: i64,
    since: i64,
    status: Option<u16>,
}

/// Picks what a reader sees. Remembers who is inside its scope.
#[derive(Default)]
pub struct Picker {
    inside: HashMap<Subject, ()>,
}

impl Picker {
    /// Writes the messages about an entry that the reader may see, wants, and has not seen.
    ///
    /// # Errors
    /// What the store and the vault say.
    pub async fn pick(
        &mut self,
        feed: &mut Feed,
        site: &Site,
        stored: &Stored,
        text: &mut String,
    ) -> Result<(), Problem> {
        match stored.entry.as_ref() {
            Entry::Arrival(arrival) => {
                for (position, event) in (stored.position..).zip(&arrival.events) {
                    let mark = Mark { position, part: 0 };
                    if mark > feed.mark {
                        self.event(feed, site, arrival, event, mark, text).await?;
                        feed.mark = mark;
                    }
                    let mark = Mark { position, part: 1 };
                    if mark > feed.mark && event.detail.lead().is_some() {
                        lead(feed, site, &LeadId::of_event(&event.id_text()), mark, text).await?;
                        feed.mark = mark;
                    }
                }
            }
            Entry::Lead(_)
            | Entry::Stage(_)
            | Entry::Attempt(_)
            | Entry::Sale(_)
            | Entry::Call(_)
            | Entry::Message(_)
            | Entry::Flag(_)
            | Entry::Patch(_)
            | Entry::ConversionSent(_)
            | Entry::Activity(_)
            | Entry::Breach(_) => {
                let mark = Mark { position: stored.position, part: 0 };
                if mark > feed.mark {
                    if let Some(record) = Record::of(&stored.entry) {
                        self::record(feed, site, record, mark, text).await?;
                    }
                    feed.mark = mark;
                }
            }
            // These stand in the house's log, which nobody watches.
            Entry::Site(_)
            | Entry::Token(_)
            | Entry::TokenRevoked(_)
            | Entry::Links(_)
            | Entry::Numbers(_)
            | Entry::Hooks(_) => {}
            // These are counted one by one and told in reports.
            Entry::Pixel(_) | Entry::LinkClick(_) | Entry::Cost(_) => {}
            // Of use when somebody calls.
            Entry::Lease(_) => {}
            // Whom nobody is to call is asked when somebody is to be called.
            Entry::DoNotCall(_) => {}
            Entry::Silent(silent) => {
                let mark = Mark { position: stored.position, part: 0 };
                if mark > feed.mark {
                    self::silent(feed, silent, mark, text)?;
                    feed.mark = mark;
                }
            }
            Entry::FormSilent(silent) => {
                let mark = Mark { position: stored.position, part: 0 };
                if mark > feed.mark {
                    form_silent(feed, silent, mark, text)?;
                    feed.mark = mark;
                }
            }
            // Who somebody is thought to be shows in their leads.
            Entry::EdgeMark(_) => {}
            // Who exported what is the business of those who read the log.
            Entry::Exported(_) => {}
            // Nothing is told of somebody who is forgotten.
            Entry::Erased(_) => {}
            // Who looked, and what may be done with a lead, is the business of those who ask.
            Entry::Looked(_) | Entry::Consent(_) | Entry::ConsentTexts(_) => {}
            Entry::Endpoint(said) => {
                let mark = Mark { position: stored.position, part: 0 };
                if mark > feed.mark {
                    self::endpoint(feed, said, mark, text)?;
                    feed.mark = mark;
                }
            }
            // What was sent to whom is told with each lead's deliveries.
            Entry::Webhooks(_) | Entry::Tried(_) | Entry::Replay(_) => {}
            // What was here is no more.
            Entry::Sealed(_) => {}
        }
        Ok(())
    }

    async fn event(
        &mut self,
        feed: &Feed,
        site: &Site,
        arrival: &Arrival,
        event: &Event,
        mark: Mark,
        text: &mut String,
    ) -> Result<(), Problem> {
        let filter = &feed.filter;
        if !filter.wants(Type::Event)
            || !filter.of_kind(event.detail.kind().as_str())
            || !filter.of_visitor(arrival.visitor.as_ref())
        {
            return Ok(());
        }
        let grouping = site.config.grouping();
        let mut visit_id = None;
        let mut touch = match &event.detail {
            Detail::PageView { url, referrer, .. } => {
                touch::of_page_view(event.at, url, referrer.as_deref(), grouping, false)
            }
            _ => None,
        };
        let scope = feed.caller.scope.as_ref();
        if scope.is_some() || filter.by_source() {
            // A lead alone has no journey, and so it came from nowhere that could be asked for.
            let Some(subject) = arrival.subject(event) else { return Ok(()) };
            let known = self.inside.contains_key(&subject);
            if filter.by_source() || !known {
                let arrivals = feed.app.store.journey(site.number, &subject).await?;
                let timeline = visit::timeline(journeys::seen(&arrivals, &subject), grouping);
                let mut touches = timeline.visits.iter().flat_map(|visit| &visit.touches);
                let covered = |scope: &Scope, touch: &touch::Touch| {
                    scope.covers(touch.channel.as_str(), touch.campaign.as_deref())
                };
                if !known && !scope.is_none_or(|scope| touches.any(|touch| covered(scope, touch))) {
                    return Ok(());
                }
                let entry = timeline
                    .entries
                    .iter()
                    .find(|entry| (&entry.seen.event.page, &entry.seen.event.id) == (&event.page, &event.id));
                let visit = entry.and_then(|entry| timeline.visits.get(entry.visit));
                let wanted = |visit: &visit::Visit| {
                    let mut touches = visit.touches.iter();
                    touches.any(|touch| filter.source(touch.channel.as_str(), touch.campaign.as_deref()))
                };
                if filter.by_source() && !visit.is_some_and(wanted) {
                    return Ok(());
                }
                visit_id = visit.map(|visit| visit.id.clone());
                let brought = entry.and_then(|entry| visit?.touches.get(entry.touch?));
                touch = brought.cloned().or(touch);
                if self.inside.len() >= REMEMBERED {
                    self.inside.clear();
                }
                self.inside.insert(subject, ());
            }
        }
        let evidence = if arrival.visitor.is_some() { Evidence::SameVisitor } else { Evidence::SamePageView };
        let item = Item {
            at: event.at,
            what: What::Event(Seen { arrival, event }),
            visit: visit_id.as_deref(),
            touch: touch.as_ref(),
            evidence,
            edge: None,
        };
        let item = ItemView::of(&feed.app, site.number, &feed.caller, &item).await?;
        let message = EventMessage {
            position: mark.position,
            received_at: arrival.received_at,
            visitor: arrival.visitor.as_ref().map(Id::to_string),
            foreign_origin: arrival.foreign_origin,
            item: &item,
        };
        write(text, Type::Event, mark, &feed.query.render(&message)?);
        Ok(())
    }
}

async fn lead(feed: &Feed, site: &Site, id: &LeadId, mark: Mark, text: &mut String) -> Result<(), Problem> {
    if !feed.filter.wants(Type::Lead) {
        return Ok(());
    }
    let Some(lead) = visible(feed, site, id).await? else { return Ok(()) };
    let kind = serde_json::to_value(lead.kind).map_err(Problem::internal)?;
    if !feed.filter.of_kind(kind.as_str().unwrap_or_default()) {
        return Ok(());
    }
    let view = LeadView::of(&feed.app, site, &feed.caller, lead).await?;
    let message = LeadMessage { position: mark.position, lead: &view };
    write(text, Type::Lead, mark, &feed.query.render(&message)?);
    Ok(())
}

async fn record(
    feed: &Feed,
    site: &Site,
    record: Record<'_>,
    mark: Mark,
    text: &mut String,
) -> Result<(), Problem> {
    let kind = match record {
        // A call, and a message, shows in its lead at once: it waits to be answered.
        Record::Lead(_) | Record::Call(..) | Record::Message(..) => {
            return lead(feed, site, record.lead(), mark, text).await;
        }
        Record::Stage(_) => Type::Stage,
        Record::Attempt(_) => Type::Attempt,
        Record::Sale(_) => Type::Sale,
        Record::Activity(_) => Type::Event,
        Record::Breach(_) => Type::Breach,
        // These show in the lead.
        Record::Flag(_) | Record::Patch(_) | Record::ConversionSent(_) => return Ok(()),
    };
    if !feed.filter.wants(kind) || !feed.filter.of_kind(record.name()) {
        return Ok(());
    }
    if visible(feed, site, record.lead()).await?.is_none() {
        return Ok(());
    }
    let told = Told { position: mark.position, record, amended: false };
    let item = Item {
        at: record.at(),
        what: What::Record(told),
        visit: None,
        touch: None,
        evidence: Evidence::Record,
        edge: None,
    };
    let item = ItemView::of(&feed.app, site.number, &feed.caller, &item).await?;
    let message = RecordMessage {
        position: mark.position,
        lead: record.lead().to_string(),
        received_at: record.received_at(),
        item: &item,
    };
    write(text, kind, mark, &feed.query.render(&message)?);
    Ok(())
}

/// The site went quiet. That is about all of the site, so nobody is told whose scope is a part of it.
fn silent(feed: &Feed, silent: &Silent, mark: Mark, text: &mut String) -> Result<(), Problem> {
    let Silent { since, at, expected } = *silent;
    let position = mark.position;
    quiet(feed, &SilentMessage { position, kind: "silent", form: None, at, since, expected }, mark, text)
}

fn form_silent(feed: &Feed, silent: &FormSilent, mark: Mark, text: &mut String) -> Result<(), Problem> {
    let FormSilent { form, since, at, expected } = silent.clone();
    let position = mark.position;
    quiet(
        feed,
        &SilentMessage { position, kind: "form_silent", form: Some(form), at, since, expected },
        mark,
        text,
    )
}

fn quiet(feed: &Feed, message: &SilentMessage, mark: Mark, text: &mut String) -> Result<(), Problem> {
    let filter = &feed.filter;
    let of_all = filter.visitor.is_none() && !filter.by_source() && feed.caller.scope.is_none();
    if filter.wants(Type::Silent) && filter.of_kind(message.kind) && of_all {
        write(text, Type::Silent, mark, &feed.query.render(message)?);
    }
    Ok(())
}

fn endpoint(feed: &Feed, said: &EndpointSaid, mark: Mark, text: &mut String) -> Result<(), Problem> {
    let filter = &feed.filter;
    let of_all = filter.visitor.is_none() && !filter.by_source() && feed.caller.scope.is_none();
    if filter.wants(Type::Endpoint) && filter.of_kind("endpoint") && of_all {
        let message = EndpointMessage {
            position: mark.position,
            kind: "endpoint",
            endpoint: &said.endpoint,
            health: said.health,
            at: said.at,
            since: said.since,
            status: said.status,
        };
        write(text, Type::Endpoint, mark, &feed.query.render(&message)?);
    }
    Ok(())
}

/// A lead as it stands, where the reader may see it and wants to.
async fn visible(feed: &Feed, site: &Site, id: &LeadId) -> Result<Option<Lead>, Problem> {
    let lead = feed.app.store.lead(site.number, id).await?;
    Ok(lead.filter(|lead| {
        let last = &lead.origin.last;
        let scope = feed.caller.scope.as_ref();
        feed.filter.lead(lead)
            && scope.is_none_or(|scope| scope.covers(last.channel.as_str(), last.campaign.as_deref()))
    }))
}

/// One message. JSON has no line ends of its own, so it is one line.
fn write(text: &mut String, kind: Type, mark: Mark, data: &Value) {
    text.push_str(&format!("event: {}\nid: {mark}\ndata: {data}\n\n", kind.as_str()));
}
