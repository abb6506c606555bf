//! Pieces of journeys, leads and their origin, and the install check: all that the reads of a site need.

use std::collections::BTreeSet;

use crate::{
    domain::{
        channel::reason,
        event::{Detail, Event, Flag},
        fact::{Arrival, Entry, Position, SiteNumber, Subject},
        id::LeadId,
        identity::{EdgeKind, Node, Said},
        install::Install,
        lead::Origin,
        site::SiteConfig,
        standing::Lead,
        visit::Seen,
    },
    store::{Row, Step, Store, StoreError, Stored},
};

/// The projector's name in the store.
pub const NAME: &str = "journeys";

/// How facts are derived from: where a newer program does it otherwise, everything is derived again from the log.
const VERSION: &str = "derived 2";

/// What a site's leads are derived with: where it changes, they are derived anew.
#[must_use]
pub fn basis(config: &SiteConfig) -> Vec<String> {
    [VERSION.to_owned()].into_iter().chain(config.basis()).collect()
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
    let facts = store.read(site, from, STEP).await?;
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
    // First what is remembered of each, then who left what: the one needs all of the other.
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
    facts: &'a [Stored],
    leads: Leads<'a>,
}

impl<'a> Work<'a> {
    fn new(store: &'a dyn Store, site: SiteNumber, config: &'a SiteConfig, facts: &'a [Stored]) -> Self {
        Self { store, site, facts, leads: Leads::new(store, site, config) }
    }

    async fn rows(&mut self) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        let mut install: Option<Install> = None;
        for stored in self.facts {
            match stored.entry.as_ref() {
                Entry::Arrival(arrival) => {
                    let install = match &mut install {
                        Some(install) => install,
                        None => install.insert(self.store.install(self.site).await?),
                    };
                    install.observe(arrival);
                    rows.extend(Row::pulse(arrival, 1));
                    self.arrival(stored.position, arrival, &mut rows);
                }
                Entry::Stage(stage) => {
                    rows.push(Row::Record { lead: stage.lead.clone(), position: stored.position });
                    self.leads.stage(stage).await?;
                }
                Entry::EdgeMark(mark) => self.leads.mark(stored.position, mark).await?,
                // These stand in the house's log, which has a projector of its own.
                Entry::Site(_) | Entry::Token(_) | Entry::TokenRevoked(_) | Entry::Links(_) => {}
                // These are told to people.
                Entry::Silent(_) | Entry::Exported(_) => {}
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
        rows.extend(self.leads.remember(self.facts).await?);
        self.leads.settle().await?;
        rows.extend(self.leads.rows());
        rows.extend(install.map(Row::Install));
        Ok(rows)
    }

    fn arrival(&mut self, position: Position, arrival: &Arrival, rows: &mut Vec<Row>) {
        let mut subjects = BTreeSet::new();
        for (offset, event) in (0..).zip(&arrival.events) {
            let subject = arrival.subject(event);
            if let Some(lead) = born(position + offset, arrival, event, subject.clone()) {
                self.leads.born(lead, arrival.received_at);
            }
            if let (Detail::Identify { personal }, Some(Subject::Visitor(visitor))) =
                (&event.detail, &subject)
            {
                let fact = event.id_text();
                self.leads.say(
                    &Node::Visitor(visitor.clone()),
                    Said {
                        fact: &fact,
                        position: position + offset,
                        at: event.at,
                        received_at: arrival.received_at,
                        kind: EdgeKind::Identify,
                        personal,
                    },
                );
            }
            subjects.extend(subject);
        }
        rows.extend(subjects.iter().map(|subject| Row::Piece { subject: subject.clone(), position }));
        self.leads.touched.extend(subjects);
    }
}

/// The lead that an event gives birth to. Its origin is asked afterwards.
fn born(position: Position, arrival: &Arrival, event: &Event, subject: Option<Subject>) -> Option<Lead> {
    let submission = event.detail.lead()?;
    let id_text = event.id_text();
    let form = match &event.detail {
        Detail::FormSubmit { form, .. } => Some(form.clone()),
        _ => None,
    };
    let mut flags = submission.flags.clone();
    if arrival.foreign_origin {
        flags.push(Flag::ForeignOrigin);
    }
    let id = LeadId::of_event(&id_text);
    Some(Lead {
        person: id.to_string(),
        id,
        kind: submission.kind,
        event: id_text,
        position,
        created_at: event.at,
        updated_at: arrival.received_at,
        stage: SiteConfig::FIRST_LEAD_STAGE.to_owned(),
        stage_at: event.at,
        alone: subject.is_none().then(|| reason::NO_CONSENT.to_owned()),
        subject,
        duplicate_of: None,
        form,
        personal: submission.personal.clone(),
        consent: submission.consent.clone(),
        magnet: submission.magnet.clone(),
        confirmed: false,
        flags,
        origin: Origin::unknown(event.at, reason::NO_CONSENT),
    })
}

mod leads;

use self::leads::Leads;
