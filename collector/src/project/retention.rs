//! Retention by age: a pass over the old part of a site's log, which seals what the site keeps no longer.
//!
//! A pass takes one bounded step at a time, each atomic, and remembers nothing that it could not find out again: cut
//! off anywhere, the next one does the rest. It runs where the projectors run, so that nobody derives from facts while
//! they go.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use self::closure::{Closure, PageView};
use super::{counters, directory::Site};
use crate::{
    domain::{
        bot::Verdicts,
        calendar,
        counters::Counted,
        event::Flag,
        fact::{Arrival, Entry, Position, SiteNumber, Subject},
        id::LeadId,
        identity::Node,
        record::Record,
        retention::{self, Cutoffs, Retention as Policy},
        standing::Lead,
    },
    store::{Contributor, SealStep, Store, StoreError, Stored, seal::SealedSubject},
};

/// Facts of the log that a step looks at.
const STEP: usize = 1_000;
/// A pass begins so long after the last one ended, in ms: a day.
const EVERY_MS: i64 = 86_400_000;
/// A pass that is due waits so long, in ms: an hour, for a clock that is wrong for a moment, or a setting that was
/// mistyped, must not cost what cannot be had again.
const NOTICE_MS: i64 = 3_600_000;
/// Visitors that a pass remembers to have looked at.
const KNOWN: usize = 65_536;

/// Passes over the sites' logs, one after the other.
pub struct Retention {
    /// Facts of the log that a step looks at.
    facts: usize,
    verdicts: Verdicts,
    /// The pass that is under way.
    pass: Option<Pass>,
    /// When the last pass of each site ended, and what was kept then.
    passed: HashMap<SiteNumber, (i64, Policy)>,
    /// Since when a pass is due, and what is to be kept.
    due: HashMap<SiteNumber, (i64, Policy)>,
    /// What the clock showed last.
    looked_at: i64,
}

struct Pass {
    site: SiteNumber,
    /// Looked at up to here.
    from: Position,
    /// Visitors of whom all that is to go is gone.
    known: HashSet<Subject>,
}

impl Default for Retention {
    fn default() -> Self {
        Self::in_steps_of(STEP)
    }
}

impl Retention {
    fn in_steps_of(facts: usize) -> Self {
        Self {
            facts,
            verdicts: Verdicts::default(),
            pass: None,
            passed: HashMap::new(),
            due: HashMap::new(),
            looked_at: 0,
        }
    }

    /// Takes one step, where a site is due. Answers whether there is more to do.
    ///
    /// # Errors
    /// What the store says; [`StoreError::Busy`] while an archive is made.
    pub async fn step(
        &mut self,
        store: &dyn Store,
        sites: &[Arc<Site>],
        now: i64,
    ) -> Result<bool, StoreError> {
        let under_way =
            self.pass.as_ref().and_then(|pass| sites.iter().find(|site| site.number == pass.site));
        let site = match under_way {
            Some(site) => site,
            None => {
                let jumped = now - self.looked_at > NOTICE_MS;
                self.looked_at = now;
                let mut due = None;
                for site in sites {
                    if self.is_due(store, site, now, jumped).await? {
                        due = Some(site);
                        break;
                    }
                }
                let Some(site) = due else { return Ok(false) };
                site
            }
        };
        let mut pass = match self.pass.take() {
            Some(pass) if pass.site == site.number => pass,
            _ => Pass { site: site.number, from: 0, known: HashSet::new() },
        };
        match take(store, site, now, self.facts, &mut pass, &mut self.verdicts).await? {
            Taken::Step => self.pass = Some(pass),
            Taken::Pass => {
                self.passed.insert(site.number, (now, site.config.retention));
                self.due.remove(&site.number);
            }
            Taken::Nothing => return Ok(false),
        }
        Ok(true)
    }

    async fn is_due(
        &mut self,
        store: &dyn Store,
        site: &Site,
        now: i64,
        jumped: bool,
    ) -> Result<bool, StoreError> {
        let (passed_at, policy) = match self.passed.get(&site.number) {
            Some(passed) => *passed,
            None => {
                let status = store.sealed_status(site.number).await?;
                let passed = (status.passed_at, status.policy);
                self.passed.insert(site.number, passed);
                passed
            }
        };
        // A clock that was set back must not keep passes waiting until it has caught up.
        let waited = now - passed_at >= EVERY_MS || now < passed_at;
        let kept = site.config.retention;
        if !waited && policy == kept {
            self.due.remove(&site.number);
            return Ok(false);
        }
        let since = self.due.entry(site.number).or_insert((now, kept));
        if now < since.0 || since.1 != kept || jumped {
            *since = (now, kept);
        }
        Ok(now - since.0 >= NOTICE_MS)
    }
}

enum Taken {
    /// There is more of the pass.
    Step,
    /// The pass is done.
    Pass,
    /// It has to wait: what is derived is behind, or derived with something else than is configured now.
    Nothing,
}

async fn take(
    store: &dyn Store,
    site: &Site,
    now: i64,
    facts: usize,
    pass: &mut Pass,
    verdicts: &mut Verdicts,
) -> Result<Taken, StoreError> {
    let (number, config) = (site.number, &site.config);
    if store.counters_basis(number).await? != Some(counters::basis(config)) {
        return Ok(Taken::Nothing);
    }
    if !store.stale(number, 1).await?.is_empty() {
        return Ok(Taken::Nothing);
    }
    let counted = store.cursor(counters::NAME, number).await?;
    let zone = calendar::zone(&config.timezone);
    let cutoffs = config.retention.cutoffs(now, &zone);
    let oldest_kept = cutoffs.events.max(cutoffs.leads);
    let page = store.read(number, pass.from, facts).await?;
    let mut work = Work {
        store,
        site: number,
        cutoffs,
        step: SealStep::default(),
        left: Vec::new(),
        pages: BTreeMap::new(),
        closures: Vec::new(),
    };
    let (mut is_last, mut reached) = (true, pass.from);
    for stored in &page {
        if stored.entry.received_at().is_some_and(|at| at >= oldest_kept) {
            is_last = true;
            break;
        }
        is_last = false;
        work.look_at(stored, &mut pass.known).await?;
        reached = stored.last();
    }
    is_last |= reached >= store.head(number);
    work.anonymous();
    let highest = work.step.entries.last().copied().unwrap_or(0);
    if highest > counted {
        return Ok(Taken::Nothing);
    }
    let mut moves = counters::Moves::new(config, &zone, verdicts);
    let mut step = work.count(&mut moves).await?;
    (step.rows, step.base) = moves.done();
    step.site = number;
    step.passed = is_last.then_some((now, config.retention));
    if !step.entries.is_empty() || is_last {
        let (entries, leads) = (step.entries.len(), step.leads.len());
        store.seal(step).await?;
        if entries > 0 {
            tracing::info!(site = site.slug, entries, leads, "facts that are too old were sealed");
        }
    }
    pass.from = reached;
    Ok(if is_last { Taken::Pass } else { Taken::Step })
}

/// What a step finds to be sealed.
struct Work<'a> {
    store: &'a dyn Store,
    site: SiteNumber,
    cutoffs: Cutoffs,
    step: SealStep,
    /// Subjects that lose arrivals: those, and the others.
    left: Vec<(Subject, Vec<Stored>, Vec<Stored>)>,
    /// Page views of nobody in particular.
    pages: BTreeMap<Subject, PageView>,
    /// Those who are identified, with whom evidence ties them to.
    closures: Vec<Closure>,
}

impl Work<'_> {
    async fn look_at(&mut self, stored: &Stored, known: &mut HashSet<Subject>) -> Result<(), StoreError> {
        if self.step.entries.contains(&stored.position) {
            return Ok(());
        }
        let age = stored.entry.received_at();
        match stored.entry.as_ref() {
            Entry::Arrival(arrival) => match subjects(arrival).into_iter().next() {
                None => self.leads_alone(stored, arrival).await?,
                Some(subject @ Subject::Visitor(_)) => {
                    if known.len() >= KNOWN {
                        known.clear();
                    }
                    if known.insert(subject.clone()) {
                        self.visitor(subject, known).await?;
                    }
                }
                Some(Subject::Page(_)) => self.page_views(arrival).await?,
            },
            Entry::Pixel(_) | Entry::LinkClick(_) | Entry::Lease(_)
                if age.is_some_and(|at| at < self.cutoffs.events) =>
            {
                self.step.entries.insert(stored.position);
            }
            // Of a call or message that nobody could be asked back for nothing else is left.
            Entry::Call(call) if call.lead.is_none() && age.is_some_and(|at| at < self.cutoffs.leads) => {
                self.step.entries.insert(stored.position);
            }
            Entry::Message(message)
                if message.lead.is_none() && age.is_some_and(|at| at < self.cutoffs.leads) =>
            {
                self.step.entries.insert(stored.position);
            }
            // Of evidence that is not there.
            Entry::EdgeMark(mark)
                if age.is_some_and(|at| at < self.cutoffs.leads)
                    && self.store.edge(self.site, &mark.edge).await?.is_none() =>
            {
                self.step.entries.insert(stored.position);
            }
            entry if age.is_some_and(|at| at < self.cutoffs.leads) => {
                if let Some(record) = Record::of(entry) {
                    self.record(record.lead(), stored.position).await?;
                }
            }
            // What money was spent, that the site was quiet, and who exported contacts is no visitor's.
            _ => {}
        }
        Ok(())
    }

    /// What is told of a lead goes with it. One that no page tells of goes by itself; and where it is not there, a log
    /// was imported in part.
    async fn record(&mut self, lead: &LeadId, position: Position) -> Result<(), StoreError> {
        let Some(lead) = self.store.lead(self.site, lead).await? else {
            self.step.entries.insert(position);
            self.step.records.push((lead.clone(), position));
            return Ok(());
        };
        let node = match &lead.subject {
            Some(Subject::Visitor(visitor)) => Node::Visitor(visitor.clone()),
            _ => Node::Lead(lead.id.clone()),
        };
        let edges = self.store.edges(self.site, vec![node.clone()]).await?;
        if edges.iter().any(|edges| !edges.is_empty()) {
            self.tied(node).await?;
            return Ok(());
        }
        let has_pages = match &lead.subject {
            Some(subject) => !self.store.journey(self.site, subject).await?.is_empty(),
            None => lead.born.is_some(),
        };
        if !has_pages && self.is_old(&[], std::slice::from_ref(&lead)) {
            self.left.extend(lead.subject.clone().map(|subject| (subject, Vec::new(), Vec::new())));
            self.lead(lead).await?;
        }
        Ok(())
    }

    /// A lead goes, and what was said about it.
    async fn lead(&mut self, lead: Lead) -> Result<(), StoreError> {
        for record in self.store.records(self.site, &lead.id).await? {
            self.step.entries.insert(record.position);
            self.step.records.push((lead.id.clone(), record.position));
        }
        self.step.leads.push(lead);
        Ok(())
    }

    async fn leads_alone(&mut self, stored: &Stored, arrival: &Arrival) -> Result<(), StoreError> {
        let mut leads = Vec::new();
        for event in arrival.events.iter().filter(|event| event.detail.lead().is_some()) {
            leads.extend(self.store.lead(self.site, &LeadId::of_event(&event.id_text())).await?);
        }
        if self.is_old(std::slice::from_ref(stored), &leads) {
            self.step.entries.insert(stored.position);
            for lead in leads {
                self.lead(lead).await?;
            }
        }
        Ok(())
    }

    /// Whether nothing happened for so long that all of it goes.
    fn is_old(&self, arrivals: &[Stored], leads: &[Lead]) -> bool {
        let received = arrivals.iter().filter_map(|stored| stored.entry.received_at());
        let last = received.chain(leads.iter().map(|lead| lead.updated_at)).max();
        let cutoff = if leads.is_empty() { self.cutoffs.events } else { self.cutoffs.leads };
        last.is_none_or(|last| last < cutoff)
    }

    async fn visitor(&mut self, subject: Subject, known: &mut HashSet<Subject>) -> Result<(), StoreError> {
        let Subject::Visitor(visitor) = &subject else { return Ok(()) };
        let edges = self.store.edges(self.site, vec![Node::Visitor(visitor.clone())]).await?;
        if edges.iter().any(|edges| !edges.is_empty()) {
            let closure = self.tied(Node::Visitor(visitor.clone())).await?;
            known.extend(
                closure.iter().flat_map(|closure| &closure.browsers).map(|(subject, _)| subject.clone()),
            );
            return Ok(());
        }
        let arrivals = self.store.whole_journey(self.site, &subject).await?;
        let leads = self.store.leads_of(self.site, vec![subject.clone()]).await?;
        let goes: BTreeSet<usize> = if leads.is_empty() {
            let of_visitor: Vec<&Arrival> = arrivals.iter().filter_map(arrival_of).collect();
            retention::old_visits(&of_visitor, self.cutoffs.events)
        } else if self.is_old(&arrivals, &leads) {
            (0..arrivals.len()).collect()
        } else {
            BTreeSet::new()
        };
        if goes.is_empty() {
            return Ok(());
        }
        for lead in leads {
            self.lead(lead).await?;
        }
        let (gone, left) = split(arrivals, |index, _| goes.contains(&index));
        self.step.entries.extend(gone.iter().map(|stored| stored.position));
        self.left.push((subject, gone, left));
        Ok(())
    }

    /// Leads of nobody go with the submission that they were born of: no subject leads to them.
    async fn erased(&mut self) -> Result<(), StoreError> {
        let gone = self.left.iter().flat_map(|(_, gone, _)| gone).filter_map(arrival_of);
        let born = gone.flat_map(|arrival| &arrival.events).filter(|event| event.detail.lead().is_some());
        let ids: BTreeSet<LeadId> = born.map(|event| LeadId::of_event(&event.id_text())).collect();
        for id in ids {
            if let Some(lead) = self.store.lead(self.site, &id).await?
                && lead.flags.contains(&Flag::Erased)
            {
                self.lead(lead).await?;
            }
        }
        Ok(())
    }

    /// Takes what goes out of the counters.
    async fn count(mut self, moves: &mut counters::Moves<'_>) -> Result<SealStep, StoreError> {
        for closure in std::mem::take(&mut self.closures).into_iter().filter(|closure| closure.is_old) {
            self.step.edges.extend(closure.edges.into_values());
            for (browser, arrivals) in closure.browsers {
                self.left.push((browser, arrivals, Vec::new()));
            }
            // Those of page views go with their pages.
            let with_page = |lead: &Lead| matches!(lead.subject, Some(Subject::Page(_)));
            for lead in closure.leads.into_values().filter(|lead| !with_page(lead)) {
                self.lead(lead).await?;
            }
        }
        let pages = std::mem::take(&mut self.pages);
        for lead in pages.into_values().filter(|page| page.is_old).flat_map(|page| page.leads) {
            self.lead(lead).await?;
        }
        self.erased().await?;
        let known: Vec<Contributor> =
            self.left.iter().map(|(subject, ..)| Contributor::Subject(subject.clone())).collect();
        let known = self.store.counted(self.site, known).await?;
        let mut of_subjects = BTreeSet::new();
        for ((subject, gone, left), before) in std::mem::take(&mut self.left).into_iter().zip(known) {
            let before = before.unwrap_or(Counted { number: 0, arrivals: 0, shares: Vec::new() });
            moves.subject(&subject, &before, &gone, &left);
            let gone: BTreeSet<Position> = gone.iter().map(|stored| stored.position).collect();
            of_subjects.extend(gone.iter().copied());
            self.step.subjects.push(SealedSubject {
                subject,
                gone,
                stays: !left.is_empty(),
                number: before.number,
            });
        }
        let leads: Vec<Contributor> =
            self.step.leads.iter().map(|lead| Contributor::Lead(lead.id.clone())).collect();
        for (lead, before) in self.step.leads.iter().zip(self.store.counted(self.site, leads).await?) {
            if let Some(before) = before {
                moves.lead(&lead.id, &before);
            }
        }
        let others = self.step.entries.iter().filter(|position| !of_subjects.contains(position));
        for stored in self.store.entries(self.site, others.copied().collect()).await? {
            moves.entry(&stored.entry);
        }
        Ok(self.step)
    }
}

fn arrival_of(stored: &Stored) -> Option<&Arrival> {
    match stored.entry.as_ref() {
        Entry::Arrival(arrival) => Some(arrival),
        _ => None,
    }
}

fn subjects(arrival: &Arrival) -> BTreeSet<Subject> {
    arrival.events.iter().filter_map(|event| arrival.subject(event)).collect()
}

fn split(arrivals: Vec<Stored>, goes: impl Fn(usize, &Stored) -> bool) -> (Vec<Stored>, Vec<Stored>) {
    let (gone, left): (Vec<_>, Vec<_>) =
        arrivals.into_iter().enumerate().partition(|(index, stored)| goes(*index, stored));
    let plain = |of: Vec<(usize, Stored)>| of.into_iter().map(|(_, stored)| stored).collect();
    (plain(gone), plain(left))
}

mod closure;
#[cfg(test)]
mod tests;
