//! Pieces of journeys, leads and their origin, and the install check: all that the reads of a site need.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{
        channel::reason,
        event::{Detail, Event, Flag},
        fact::{Arrival, Entry, Position, SiteNumber, StageMove, Subject},
        id::LeadId,
        install::Install,
        lead::{self, Origin},
        site::SiteConfig,
        standing::Lead,
        visit::{self, Seen},
    },
    store::{LeadQuery, Row, Step, Store, StoreError, Stored},
};

/// The projector's name in the store.
pub const NAME: &str = "journeys";

/// Facts taken in one step.
const STEP: usize = 2_000;

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
    let mut work =
        Work { store, site, config, facts: &facts, leads: BTreeMap::new(), touched: BTreeSet::new() };
    let rows = work.rows().await?;
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
    let mut query = LeadQuery { limit: 500, ..LeadQuery::default() };
    loop {
        let page = store.leads(site, query.clone()).await?;
        let mut rows = Vec::new();
        for mut lead in page.items {
            let Some(subject) = &lead.subject else { continue };
            let seen = store.journey(site, subject).await?;
            let origin = origin(&seen, subject, config, lead.created_at);
            if origin != lead.origin {
                lead.origin = origin;
                rows.push(Row::Lead(Box::new(lead)));
            }
        }
        store.commit(Step { projector: NAME, site, from: at, to: at, rows }).await?;
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    let rows = vec![Row::Basis(config.basis())];
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

fn origin(arrivals: &[Stored], subject: &Subject, config: &SiteConfig, lead_at: i64) -> Origin {
    let timeline = visit::timeline(seen(arrivals, subject), config.grouping());
    lead::origin(&timeline.visits, lead_at)
}

struct Work<'a> {
    store: &'a dyn Store,
    site: SiteNumber,
    config: &'a SiteConfig,
    facts: &'a [Stored],
    /// Leads as this step leaves them.
    leads: BTreeMap<LeadId, Lead>,
    /// Subjects with news.
    touched: BTreeSet<Subject>,
}

impl Work<'_> {
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
                    self.stage(stage).await?;
                }
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
        self.origins().await?;
        rows.extend(std::mem::take(&mut self.leads).into_values().map(|lead| Row::Lead(Box::new(lead))));
        rows.extend(install.map(Row::Install));
        Ok(rows)
    }

    fn arrival(&mut self, position: Position, arrival: &Arrival, rows: &mut Vec<Row>) {
        let mut subjects = BTreeSet::new();
        for (offset, event) in (0..).zip(&arrival.events) {
            let subject = arrival.subject(event);
            if let Some(lead) = born(position + offset, arrival, event, subject.clone()) {
                self.leads.insert(lead.id.clone(), lead);
            }
            subjects.extend(subject);
        }
        rows.extend(subjects.iter().map(|subject| Row::Piece { subject: subject.clone(), position }));
        self.touched.extend(subjects);
    }

    async fn stage(&mut self, stage: &StageMove) -> Result<(), StoreError> {
        let known = match self.leads.remove(&stage.lead) {
            Some(lead) => Some(lead),
            None => self.store.lead(self.site, &stage.lead).await?,
        };
        // Moves are only accepted for leads that are there, but a log may be imported in part.
        let Some(mut lead) = known else { return Ok(()) };
        // The latest move counts, in whatever order they are told. Other clocks may put one before the lead itself.
        let at = stage.at.max(lead.created_at);
        if at >= lead.stage_at {
            lead.stage.clone_from(&stage.stage);
            lead.stage_at = at;
        }
        lead.updated_at = lead.updated_at.max(stage.received_at);
        self.leads.insert(lead.id.clone(), lead);
        Ok(())
    }

    /// Late and reordered events can change where a lead came from, so every lead of a subject with news is asked
    /// again. Few subjects have leads, and most of those a short journey.
    async fn origins(&mut self) -> Result<(), StoreError> {
        let touched: Vec<Subject> = self.touched.iter().cloned().collect();
        for lead in self.store.leads_of(self.site, touched).await? {
            self.leads.entry(lead.id.clone()).or_insert(lead);
        }
        let with_leads: BTreeSet<Subject> = self
            .leads
            .values()
            .filter_map(|lead| lead.subject.clone())
            .filter(|s| self.touched.contains(s))
            .collect();
        for subject in &with_leads {
            let mut leads: Vec<_> =
                self.leads.values_mut().filter(|lead| lead.subject.as_ref() == Some(subject)).collect();
            let mut arrivals = self.store.journey(self.site, subject).await?;
            arrivals.extend_from_slice(self.facts);
            let seen = seen(&arrivals, subject);
            let succeeded: BTreeSet<&str> = seen
                .iter()
                .filter_map(|seen| match &seen.event.detail {
                    Detail::FormSuccess { submit, .. } => Some(submit.as_str()),
                    _ => None,
                })
                .collect();
            let timeline = visit::timeline(seen, self.config.grouping());
            for lead in &mut leads {
                lead.confirmed = succeeded.contains(lead.event.as_str());
                lead.origin = lead::origin(&timeline.visits, lead.created_at);
            }
        }
        Ok(())
    }
}

/// The lead that an event gives birth to. Its origin is asked afterwards, if it has a subject to ask about.
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
    Some(Lead {
        id: LeadId::of_event(&id_text),
        kind: submission.kind,
        event: id_text,
        position,
        created_at: event.at,
        updated_at: arrival.received_at,
        stage: SiteConfig::FIRST_LEAD_STAGE.to_owned(),
        stage_at: event.at,
        subject,
        form,
        personal: submission.personal.clone(),
        consent: submission.consent.clone(),
        magnet: submission.magnet.clone(),
        confirmed: false,
        flags,
        origin: Origin::unknown(event.at, reason::NO_CONSENT),
    })
}
