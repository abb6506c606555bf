//! Pieces of journeys, leads and their origin, and the install check: all that the reads of a site need.

use std::collections::BTreeSet;

mod erase;

use crate::{
    domain::{
        chat::Clicked,
        event::{Detail, Event, Flag, Personal},
        fact::{Arrival, EmailLink, Entry, Position, SiteNumber, Subject},
        id::{Id, LeadId},
        identity::{EdgeKind, Node},
        install::Install,
        record::Record,
        site::SiteConfig,
        standing::Born,
        visit::Seen,
    },
    store::{LeadQuery, Row, Step, Store, StoreError, Stored},
};

/// The projector's name in the store.
pub const NAME: &str = "journeys";

/// How facts are derived from: where a newer program does it otherwise, everything is derived again from the log.
const VERSION: &str = "derived 5";

/// What a site's leads are derived with: where it changes, they are derived anew.
#[must_use]
pub fn basis(config: &SiteConfig) -> Vec<String> {
    let customers = config.has_stage(SiteConfig::CUSTOMER_STAGE).then(|| "sales make customers".to_owned());
    let scoring = format!("{:?}", config.scoring);
    [VERSION.to_owned()].into_iter().chain(config.basis()).chain(customers).chain([scoring]).collect()
}

/// Whether what is derived of a site is of this program's making, so that a change of its basis can be followed.
#[must_use]
pub fn is_current(basis: &[String]) -> bool {
    basis.first().is_some_and(|version| version == VERSION)
}

/// Facts taken in one step.
const STEP: usize = 2_000;
/// Subjects of whom something is derived anew in one step.
const SUBJECTS: usize = 200;

/// Takes one step in a site's log. Returns the position reached; `from` again where there was nothing to do.
///
/// # Errors
/// What the store says; [`StoreError::Fenced`] where another projector is at work.
pub async fn step(
    store: &dyn Store,
    site: SiteNumber,
    config: &SiteConfig,
    from: Position,
) -> Result<Position, StoreError> {
    let mut facts = store.read(site, from, STEP).await?;
    // An erasure is a step of its own: all that came before it is derived without what comes after.
    let is_erasure = |stored: &Stored| matches!(stored.entry.as_ref(), Entry::Erased(_));
    if let Some(first) = facts.iter().position(is_erasure) {
        facts.truncate(first.max(1));
    }
    let Some(to) = facts.last().map(Stored::last) else { return Ok(from) };
    let rows = Work::new(store, site, config, &facts).rows().await?;
    store.commit(Step { projector: NAME, site, from, to, rows }).await?;
    Ok(to)
}

/// Derives the origin of every lead of a site anew, after its own domains or its grouping rules changed, and
/// notes what they are. The position stays.
///
/// # Errors
/// What the store says.
pub async fn rederive(
    store: &dyn Store,
    site: SiteNumber,
    config: &SiteConfig,
    at: Position,
) -> Result<(), StoreError> {
    // First what each lead comes to by itself, then what is remembered of each subject, then who left what: the one needs all of the other.
    let mut query = LeadQuery { limit: SUBJECTS, ..LeadQuery::default() };
    loop {
        let page = store.leads(site, query.clone()).await?;
        let mut rows = Vec::new();
        for lead in page.items {
            rows.extend(
                News::new(store, site, config).again(lead).await?.map(|lead| Row::Lead(Box::new(lead))),
            );
        }
        store.commit(Step { projector: NAME, site, from: at, to: at, rows }).await?;
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    for all_known in [false, true] {
        let mut after = None;
        loop {
            let subjects = store.profiled(site, after, SUBJECTS).await?;
            let Some(last) = subjects.last().cloned() else { break };
            let mut work = Work::new(store, site, config, &[]);
            let rows = if all_known {
                work.leads.reconsider(subjects).await?;
                work.leads.rows()
            } else {
                work.leads.touched = subjects.into_iter().collect();
                work.leads.remember(&[]).await?
            };
            store.commit(Step { projector: NAME, site, from: at, to: at, rows }).await?;
            after = Some(last);
        }
    }
    let mut query = LeadQuery { limit: SUBJECTS, ..LeadQuery::default() };
    loop {
        let page = store.leads(site, query.clone()).await?;
        let alone = page.items.into_iter().filter(|lead| lead.visitor().is_none()).map(|lead| lead.id);
        let mut work = Work::new(store, site, config, &[]);
        work.leads.reconsider_leads(alone.collect()).await?;
        let rows = work.leads.rows();
        store.commit(Step { projector: NAME, site, from: at, to: at, rows }).await?;
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    let rows = vec![Row::Basis(basis(config))];
    store.commit(Step { projector: NAME, site, from: at, to: at, rows }).await
}

/// The events of a subject among some arrivals.
#[must_use]
pub fn seen<'a>(arrivals: &'a [Stored], subject: &Subject) -> Vec<Seen<'a>> {
    let mut seen = Vec::new();
    for stored in arrivals {
        let Entry::Arrival(arrival) = stored.entry.as_ref() else { continue };
        for event in &arrival.events {
            if arrival.subject(event).as_ref() == Some(subject) {
                seen.push(Seen { arrival, event });
            }
        }
    }
    seen
}

/// One event among some arrivals, by its id.
#[must_use]
pub fn seen_event<'a>(arrivals: &'a [Stored], id: &str) -> Vec<Seen<'a>> {
    let mut seen = Vec::new();
    for stored in arrivals {
        let Entry::Arrival(arrival) = stored.entry.as_ref() else { continue };
        seen.extend(
            arrival.events.iter().filter(|event| event.id_text() == id).map(|event| Seen { arrival, event }),
        );
    }
    seen
}

struct Work<'a> {
    store: &'a dyn Store,
    site: SiteNumber,
    config: &'a SiteConfig,
    facts: &'a [Stored],
    leads: Leads<'a>,
    outbox: Outbox<'a>,
}

impl<'a> Work<'a> {
    fn new(store: &'a dyn Store, site: SiteNumber, config: &'a SiteConfig, facts: &'a [Stored]) -> Self {
        let (leads, outbox) = (Leads::new(store, site, config), Outbox::new(store, site));
        Self { store, site, config, facts, leads, outbox }
    }

    async fn rows(&mut self) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        let mut install: Option<Install> = None;
        for stored in self.facts {
            rows.extend(Row::audit(stored));
            self.outbox.take(stored, &mut rows).await?;
            match stored.entry.as_ref() {
                Entry::Arrival(arrival) => {
                    let install = match &mut install {
                        Some(install) => install,
                        None => install.insert(self.store.install(self.site).await?),
                    };
                    install.observe(arrival);
                    rows.extend(Row::pulse(arrival, 1));
                    rows.extend(Row::form_pulses(arrival, 1));
                    self.arrival(stored.position, arrival, &mut rows);
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
                    if let Some(record) = Record::of(&stored.entry) {
                        let lead = record.lead();
                        rows.push(Row::Record { lead: lead.clone(), position: stored.position });
                        self.leads.news.told(lead, stored);
                    }
                    if let Entry::Message(message) = stored.entry.as_ref() {
                        rows.extend(message.used(stored.position).map(Row::Used));
                    }
                }
                Entry::EdgeMark(mark) => self.leads.marks.push((stored.position, mark.clone())),
                Entry::Consent(said) => {
                    for lead in &said.leads {
                        rows.push(Row::Record { lead: lead.clone(), position: stored.position });
                    }
                    self.leads.consents.push(said.clone());
                }
                // Its reader is told by position.
                Entry::Looked(_) => {}
                Entry::Erased(erased) => {
                    rows.extend(
                        erase::rows(self.store, self.site, self.config, erased, &mut self.leads).await?,
                    );
                }
                // These stand in the house's log, which has a projector of its own.
                // The outbox has them.
                Entry::Webhooks(_) | Entry::Endpoint(_) | Entry::Tried(_) | Entry::Replay(_) => {}
                Entry::Site(_)
                | Entry::Token(_)
                | Entry::TokenRevoked(_)
                | Entry::Links(_)
                | Entry::Numbers(_)
                | Entry::Hooks(_)
                | Entry::ConsentTexts(_) => {}
                Entry::DoNotCall(said) => rows.push(Row::DoNotCall(said.clone())),
                Entry::Lease(lease) => rows.push(Row::Lease(lease.clone())),
                // These are told to people.
                Entry::Silent(_) | Entry::FormSilent(_) | Entry::Exported(_) => {}
                // These are counted, and are no part of a journey.
                Entry::Pixel(_) | Entry::LinkClick(_) | Entry::Cost(_) => {}
                // What is left of them is what the install check begins with.
                Entry::Sealed(_) if install.is_none() => {
                    install = Some(self.store.install(self.site).await?)
                        .filter(|known| *known != Install::default());
                }
                Entry::Sealed(_) => {}
            }
        }
        self.leads.stand(self.facts).await?;
        self.leads.consented().await?;
        rows.extend(self.leads.remember(self.facts).await?);
        self.leads.settle().await?;
        rows.extend(self.leads.rows());
        rows.extend(self.outbox.rows());
        rows.extend(install.map(Row::Install));
        Ok(rows)
    }

    fn arrival(&mut self, position: Position, arrival: &Arrival, rows: &mut Vec<Row>) {
        let mut subjects = BTreeSet::new();
        for (offset, event) in (0..).zip(&arrival.events) {
            let subject = arrival.subject(event);
            if let Some(born) = born(position + offset, arrival, event, subject.clone()) {
                self.leads.news.born(LeadId::of_event(&born.event), born);
            }
            if let (Detail::Purchase { order_id, .. }, Some(subject)) = (&event.detail, &subject) {
                let (order_id, subject) = (order_id.clone(), subject.clone());
                rows.push(Row::Order { order_id, subject, position: position + offset });
            }
            if let (Detail::Identify { personal }, Some(Subject::Visitor(visitor))) =
                (&event.detail, &subject)
            {
                self.leads.news.says(
                    Node::Visitor(visitor.clone()),
                    Words {
                        fact: event.id_text(),
                        position: position + offset,
                        at: event.at,
                        received_at: arrival.received_at,
                        kind: EdgeKind::Identify,
                        personal: personal.clone(),
                    },
                );
            }
            rows.extend(Clicked::of(arrival, event, position + offset).map(Row::Clicked));
            subjects.extend(subject);
        }
        if let (Some(link), Some(visitor)) = (&arrival.email_link, &arrival.visitor) {
            let (who, words) = followed(position, arrival, visitor, link);
            self.leads.news.says(who, words);
        }
        rows.extend(subjects.iter().map(|subject| Row::Piece { subject: subject.clone(), position }));
        self.leads.touched.extend(subjects);
    }
}

/// That somebody followed a link in a message which was sent to an address.
fn followed(position: Position, arrival: &Arrival, visitor: &Id, link: &EmailLink) -> (Node, Words) {
    let event = arrival.events.iter().find(|event| event.id_text() == link.event);
    let words = Words {
        fact: link.event.clone(),
        position,
        at: event.map_or(arrival.received_at, |event| event.at),
        received_at: arrival.received_at,
        kind: EdgeKind::EmailLink,
        personal: Personal { vault: link.vault, identifiers: vec![link.identifier] },
    };
    (Node::Visitor(visitor.clone()), words)
}

/// What an event says of the lead that it gives birth to, if it does.
fn born(position: Position, arrival: &Arrival, event: &Event, subject: Option<Subject>) -> Option<Born> {
    let submission = event.detail.lead()?;
    let form = match &event.detail {
        Detail::FormSubmit { form, .. } => Some(form.clone()),
        _ => None,
    };
    let mut flags = submission.flags.clone();
    if arrival.foreign_origin {
        flags.push(Flag::ForeignOrigin);
    }
    Some(Born {
        kind: submission.kind,
        event: event.id_text(),
        position,
        at: event.at,
        received_at: arrival.received_at,
        subject,
        form,
        personal: submission.personal.clone(),
        consent: submission.consent.clone(),
        magnet: submission.magnet.clone(),
        flags,
        tz: arrival.context.tz.clone(),
    })
}

mod leads;
mod outbox;
mod records;

use self::{
    leads::Leads,
    outbox::Outbox,
    records::{News, Words},
};
