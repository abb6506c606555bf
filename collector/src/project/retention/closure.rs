//! Whom a pass may only look at together: browsers, page views and leads that evidence ties to each other. As long as
//! something happens about one of them, all stay: else where a lead came from, or who left it, would change by age.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Work, arrival_of, split, subjects};
use crate::{
    domain::{
        fact::{Arrival, Position, SiteNumber, Subject},
        id::LeadId,
        identity::{Edge, EdgeId, MOST_EDGES, Node},
        standing::Lead,
    },
    store::{Store, StoreError, Stored},
};

/// Browsers, page views and leads that hang together.
#[derive(Default)]
pub(super) struct Closure {
    /// Browsers, with what they did.
    pub browsers: Vec<(Subject, Vec<Stored>)>,
    /// Page views of nobody in particular.
    pub pages: BTreeSet<Subject>,
    /// Every lead of theirs.
    pub leads: BTreeMap<LeadId, Lead>,
    /// What ties them.
    pub edges: BTreeMap<EdgeId, Edge>,
    /// Whether all of it goes.
    pub is_old: bool,
}

impl Closure {
    /// All that hangs together with a browser or a lead.
    pub(super) async fn of(store: &dyn Store, site: SiteNumber, start: Node) -> Result<Self, StoreError> {
        let mut found = Self::default();
        let mut seen = BTreeSet::from([start.clone()]);
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            match &node {
                Node::Visitor(visitor) => {
                    let subject = Subject::Visitor(visitor.clone());
                    let arrivals = store.whole_journey(site, &subject).await?;
                    let leads = store.leads_of(site, vec![subject.clone()]).await?;
                    found.leads.extend(leads.into_iter().map(|lead| (lead.id.clone(), lead)));
                    found.browsers.push((subject, arrivals));
                }
                Node::Lead(id) => {
                    if let Some(lead) = store.lead(site, id).await? {
                        match &lead.subject {
                            Some(Subject::Visitor(visitor)) => {
                                let browser = Node::Visitor(visitor.clone());
                                if seen.insert(browser.clone()) {
                                    queue.push_back(browser);
                                }
                            }
                            page => found.pages.extend(page.clone()),
                        }
                        found.leads.insert(id.clone(), lead);
                    }
                }
                Node::Identifier(_) => {}
            }
            let edges = store.edges(site, vec![node.clone()]).await?.pop().unwrap_or_default();
            // What is nobody's own ties nobody.
            let ties = edges.len() <= MOST_EDGES || !matches!(node, Node::Identifier(_));
            for edge in edges {
                let other = edge.other(&node).clone();
                if ties && seen.insert(other.clone()) {
                    queue.push_back(other);
                }
                found.edges.insert(edge.id.clone(), edge);
            }
        }
        // Found from a shared identifier's side are also those whom it does not tie.
        found.edges.retain(|_, edge| [&edge.a, &edge.b].iter().all(|end| seen.contains(*end)));
        Ok(found)
    }

    /// Everything that happened of it, by when it was received.
    pub(super) fn received(&self) -> impl Iterator<Item = i64> {
        let arrivals = self.browsers.iter().flat_map(|(_, arrivals)| arrivals);
        let marks = self.edges.values().flat_map(|edge| &edge.marks);
        let arrivals = arrivals.filter_map(|stored| stored.entry.received_at());
        arrivals
            .chain(self.leads.values().map(|lead| lead.updated_at))
            .chain(marks.map(|mark| mark.received_at))
    }

    /// Where it was said that evidence counts, or does not.
    pub(super) fn marks(&self) -> impl Iterator<Item = Position> {
        self.edges.values().flat_map(|edge| &edge.marks).map(|mark| mark.position)
    }
}

/// A page view of nobody in particular.
pub(super) struct PageView {
    pub arrivals: Vec<Stored>,
    pub leads: Vec<Lead>,
    pub is_old: bool,
}

impl Work<'_> {
    /// Gathers those whom evidence ties to somebody. Answers what was gathered, where it was not before.
    pub(super) async fn tied(&mut self, start: Node) -> Result<Option<&Closure>, StoreError> {
        let is_known = |closure: &Closure| match &start {
            Node::Visitor(id) => {
                let subject = Subject::Visitor(id.clone());
                closure.browsers.iter().any(|(browser, _)| *browser == subject)
            }
            Node::Lead(id) => closure.leads.contains_key(id),
            Node::Identifier(_) => false,
        };
        if self.closures.iter().any(is_known) {
            return Ok(None);
        }
        let mut closure = Closure::of(self.store, self.site, start).await?;
        let cutoff = if closure.leads.is_empty() { self.cutoffs.events } else { self.cutoffs.leads };
        closure.is_old = closure.received().max().is_none_or(|last| last < cutoff);
        let pages = closure.pages.clone();
        self.closures.push(closure);
        Box::pin(self.gather(pages)).await?;
        Ok(self.closures.last())
    }

    /// Gathers page views that share a beacon, and those that share one with them.
    pub(super) async fn page_views(&mut self, arrival: &Arrival) -> Result<(), StoreError> {
        self.gather(subjects(arrival)).await
    }

    async fn gather(&mut self, mut found: BTreeSet<Subject>) -> Result<(), StoreError> {
        while let Some(subject) = found.pop_first() {
            if self.pages.contains_key(&subject) {
                continue;
            }
            let arrivals = self.store.whole_journey(self.site, &subject).await?;
            let leads = self.store.leads_of(self.site, vec![subject.clone()]).await?;
            found.extend(arrivals.iter().filter_map(arrival_of).flat_map(subjects));
            let is_old = self.is_old(&arrivals, &leads);
            let of_leads: Vec<Node> = leads.iter().map(|lead| Node::Lead(lead.id.clone())).collect();
            self.pages.insert(subject, PageView { arrivals, leads, is_old });
            for lead in of_leads {
                self.tied(lead).await?;
            }
        }
        Ok(())
    }

    /// Of page views, a beacon goes where all of them are old; one with a lead goes whole or not at all.
    pub(super) fn anonymous(&mut self) {
        loop {
            let torn = self.pages.iter().find(|(_, page)| {
                page.is_old && !page.leads.is_empty() && !page.arrivals.iter().all(|stored| self.goes(stored))
            });
            let mut staying: BTreeSet<Subject> =
                torn.map(|(subject, _)| subject.clone()).into_iter().collect();
            let is_old = |page: &Subject| self.pages.get(page).is_some_and(|page| page.is_old);
            for closure in &mut self.closures {
                if closure.is_old && !closure.pages.iter().all(is_old) {
                    closure.is_old = false;
                }
                if !closure.is_old {
                    staying.extend(closure.pages.iter().filter(|page| is_old(page)).cloned());
                }
            }
            if staying.is_empty() {
                break;
            }
            for page in staying {
                if let Some(page) = self.pages.get_mut(&page) {
                    page.is_old = false;
                }
            }
        }
        for closure in self.closures.iter().filter(|closure| closure.is_old) {
            let arrivals = closure.browsers.iter().flat_map(|(_, arrivals)| arrivals);
            self.step.entries.extend(arrivals.map(|stored| stored.position).chain(closure.marks()));
        }
        let mut going = Vec::new();
        for (subject, page) in &self.pages {
            let (gone, left) = split(page.arrivals.clone(), |_, stored| self.goes(stored));
            if !gone.is_empty() {
                going.push((subject.clone(), gone, left));
            }
        }
        for (_, gone, _) in &going {
            self.step.entries.extend(gone.iter().map(|stored| stored.position));
        }
        self.left.append(&mut going);
    }

    fn goes(&self, stored: &Stored) -> bool {
        let is_old = |subject: &Subject| self.pages.get(subject).is_some_and(|page| page.is_old);
        arrival_of(stored).is_some_and(|arrival| subjects(arrival).iter().all(is_old))
    }
}
