//! Who left each lead, and where they came from: what a step's news change about it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    records::{self, News},
    seen,
};
use crate::{
    domain::{
        consent::ConsentSaid,
        event::Detail,
        fact::{EdgeMark, Position, SiteNumber, Subject},
        id::LeadId,
        identity::{
            Edge, EdgeId, EdgeKind, MOST_EDGES, Mark, Node, Said,
            person::{Conflict, Member},
            profile::{EpochProfile, Profile},
        },
        lead::{self, Origin, Request},
        score,
        site::SiteConfig,
        standing::Lead,
        touch::Touch,
        visit,
    },
    project::people::{Component, Graph, Person},
    store::{Row, Store, StoreError, Stored},
};

pub(super) struct Leads<'a> {
    store: &'a dyn Store,
    site: SiteNumber,
    config: &'a SiteConfig,
    graph: Graph<'a>,
    /// What the step's facts say of leads.
    pub(super) news: News<'a>,
    /// Leads as this step leaves them.
    leads: BTreeMap<LeadId, Lead>,
    /// Those of them that were read, as they are stored: what comes out the same is not written again.
    stored: BTreeMap<LeadId, Lead>,
    /// Which of them each subject left.
    by_subject: BTreeMap<Subject, BTreeSet<LeadId>>,
    /// Subjects all of whose leads are among them.
    loaded: BTreeSet<Subject>,
    /// What the step's facts say of evidence.
    pub(super) marks: Vec<(Position, EdgeMark)>,
    /// What the step's facts say of purposes.
    pub(super) consents: Vec<ConsentSaid>,
    /// Subjects with news.
    pub(super) touched: BTreeSet<Subject>,
    /// Whose person may be another now.
    affected: BTreeSet<Member>,
    /// What is remembered of page views of nobody in particular, as this step leaves it.
    pages: BTreeMap<Subject, Profile>,
    conflicts: BTreeMap<(i64, EdgeId), Row>,
}

impl<'a> Leads<'a> {
    pub(super) fn new(store: &'a dyn Store, site: SiteNumber, config: &'a SiteConfig) -> Self {
        Self {
            store,
            site,
            config,
            graph: Graph::new(store, site, config, None),
            news: News::new(store, site, config),
            leads: BTreeMap::new(),
            stored: BTreeMap::new(),
            by_subject: BTreeMap::new(),
            loaded: BTreeSet::new(),
            marks: Vec::new(),
            consents: Vec::new(),
            touched: BTreeSet::new(),
            affected: BTreeSet::new(),
            pages: BTreeMap::new(),
            conflicts: BTreeMap::new(),
        }
    }

    /// Takes in what the step's news make of leads, and what those say of who left them.
    pub(super) async fn stand(&mut self, facts: &[Stored]) -> Result<(), StoreError> {
        self.touched.extend(self.news.buyers(facts).await?);
        for (lead, before) in self.news.leads().await? {
            // Another visitor may be said to have left it than was said before.
            self.touched.extend(before.filter(|before| lead.subject.as_ref() != Some(before)));
            if !matches!(lead.subject, Some(Subject::Visitor(_))) {
                self.affected.insert(Member::Lead(lead.id.clone()));
            }
            self.put(lead);
        }
        for (who, words) in self.news.words() {
            self.say(&who, words.said()).await?;
        }
        // All evidence of the step is there by now; marks are about what was there before them.
        for (position, mark) in std::mem::take(&mut self.marks) {
            self.mark(position, &mark).await?;
        }
        self.lay_calls().await
    }

    /// A call is whose it was laid to as long as that counts.
    async fn lay_calls(&mut self) -> Result<(), StoreError> {
        let laid = |lead: &Lead| Some((lead.id.clone(), lead.laid_to.clone()?, lead.external_id.clone()?));
        let calls: Vec<_> = self.leads.values().filter_map(laid).collect();
        for (id, visitor, external_id) in calls {
            let fact = format!("lead:{external_id}");
            let node = Node::Visitor(visitor.clone());
            let edges = self.graph.edges_of(&node).await?.iter();
            let mut own = edges.filter(|edge| edge.kind == EdgeKind::Call && edge.fact == fact).peekable();
            let counts = own.peek().is_none() || own.any(|edge| edge.is_active(None));
            if let Some(mut lead) = self.leads.remove(&id) {
                if lead.lay(counts) {
                    self.touched.insert(Subject::Visitor(visitor));
                    self.affected.insert(Member::Lead(id));
                }
                self.put(lead);
            }
        }
        Ok(())
    }

    fn put(&mut self, lead: Lead) {
        if let Some(subject) = &lead.subject {
            self.by_subject.entry(subject.clone()).or_default().insert(lead.id.clone());
        }
        self.leads.insert(lead.id.clone(), lead);
    }

    /// The ids of all leads that a subject left.
    async fn leads_of(&mut self, subject: &Subject) -> Result<Vec<LeadId>, StoreError> {
        if self.loaded.insert(subject.clone()) {
            for lead in self.store.leads_of(self.site, vec![subject.clone()]).await? {
                if !self.leads.contains_key(&lead.id) {
                    self.stored.insert(lead.id.clone(), lead.clone());
                    self.put(lead);
                }
            }
        }
        let left =
            |id: &&LeadId| self.leads.get(*id).is_some_and(|lead| lead.subject.as_ref() == Some(subject));
        Ok(self.by_subject.get(subject).into_iter().flatten().filter(left).cloned().collect())
    }

    /// A lead as it stands; `None` where it is not there.
    async fn lead(&mut self, id: &LeadId) -> Result<Option<&mut Lead>, StoreError> {
        if !self.leads.contains_key(id)
            && let Some(lead) = self.store.lead(self.site, id).await?
        {
            self.stored.insert(id.clone(), lead.clone());
            self.put(lead);
        }
        Ok(self.leads.get_mut(id))
    }

    /// A fact says who somebody is. What was said before stays, with what was said of it since.
    async fn say(&mut self, who: &Node, said: Said<'_>) -> Result<(), StoreError> {
        for edge in said.edges(who) {
            if self.graph.edge(&edge.id).await?.is_none() {
                self.graph.add(edge);
            }
        }
        Ok(())
    }

    /// Evidence is taken back, or put back.
    async fn mark(&mut self, position: Position, mark: &EdgeMark) -> Result<(), StoreError> {
        // Marks are only accepted of evidence that is there, but it may have been sealed since.
        let Some(mut edge) = self.graph.edge(&mark.edge).await? else { return Ok(()) };
        // A word about what came later, of a log that was imported in part, is about nothing: in one step or in two.
        if edge.position > position {
            return Ok(());
        }
        if edge.kind == EdgeKind::Call
            && let Some(external_id) = edge.fact.strip_prefix("lead:")
        {
            self.lead(&LeadId::of_record("lead", external_id)).await?;
        }
        let EdgeMark { active, received_at, note, .. } = *mark;
        edge.marks.push(Mark { position, received_at, active, note });
        self.graph.add(edge);
        Ok(())
    }

    /// Evidence goes, as if it had never been; whoever it led to is asked again who they are. Not those in `erased`.
    pub(super) async fn unsay(&mut self, edges: &[Edge], erased: &BTreeSet<Node>) -> Result<(), StoreError> {
        let mut left = BTreeSet::new();
        for edge in edges {
            for (node, member) in [&edge.a, &edge.b].into_iter().zip(self.graph.ends(edge).await?) {
                left.extend((!erased.contains(node)).then_some(member));
            }
        }
        for edge in edges {
            self.graph.remove(edge);
        }
        self.affected.extend(left);
        Ok(())
    }

    /// What the step's facts say of purposes. It is no record, and is taken in when those are.
    pub(super) async fn consented(&mut self) -> Result<(), StoreError> {
        for said in std::mem::take(&mut self.consents) {
            for id in &said.leads {
                let Some(lead) = self.lead(id).await? else { continue };
                said.apply(&mut lead.choices);
                lead.said_at = lead.said_at.max(Some(said.received_at));
                lead.updated_at = lead.updated_at.max(said.received_at);
            }
        }
        Ok(())
    }

    /// Remembers anew what is to be remembered of subjects with news, where they are identified or left a lead. The
    /// others, which are nearly all, cost one look each.
    pub(super) async fn remember(&mut self, facts: &[Stored]) -> Result<Vec<Row>, StoreError> {
        let mut subjects = std::mem::take(&mut self.touched);
        let mut with_news: BTreeSet<Subject> =
            self.leads.values().filter_map(|lead| lead.subject.clone()).collect();
        for edge in self.graph.fresh() {
            with_news.extend([&edge.a, &edge.b].into_iter().filter_map(|node| match node {
                Node::Visitor(visitor) => Some(Subject::Visitor(visitor.clone())),
                _ => None,
            }));
        }
        subjects.extend(with_news.iter().cloned());
        let subjects: Vec<Subject> = subjects.into_iter().collect();
        let known = self.store.profiles(self.site, subjects.clone()).await?;
        let mut rows = Vec::new();
        for (subject, before) in subjects.into_iter().zip(known) {
            if before.is_none() && !with_news.contains(&subject) {
                continue;
            }
            let profile = self.profile(&subject, facts).await?;
            let changed = before.as_ref() != Some(&profile);
            if changed || with_news.contains(&subject) {
                self.affect(&subject, &profile).await?;
            }
            if changed {
                rows.push(Row::Profile(subject.clone(), Some(Box::new(profile.clone()))));
            }
            match subject {
                Subject::Visitor(visitor) => self.graph.remember(visitor, profile),
                Subject::Page(_) => drop(self.pages.insert(subject, profile)),
            }
        }
        Ok(rows)
    }

    /// What a subject's journey comes to by now. Says on the way which of its leads' forms were seen to succeed.
    async fn profile(&mut self, subject: &Subject, facts: &[Stored]) -> Result<Profile, StoreError> {
        let ids = self.leads_of(subject).await?;
        let edges = match subject {
            Subject::Visitor(visitor) => self.graph.identifying(visitor).await?,
            Subject::Page(_) => Vec::new(),
        };
        let mut arrivals = self.store.journey(self.site, subject).await?;
        arrivals.extend_from_slice(facts);
        let seen = seen(&arrivals, subject);
        let succeeded: BTreeSet<&str> = seen
            .iter()
            .filter_map(|seen| match &seen.event.detail {
                Detail::FormSuccess { submit, .. } => Some(submit.as_str()),
                _ => None,
            })
            .collect();
        let bought = records::purchases(&seen);
        let timeline = visit::timeline(seen, self.config.grouping());
        let mut own: Vec<Lead> = ids.iter().filter_map(|id| self.leads.remove(id)).collect();
        for lead in &mut own {
            lead.confirmed |= succeeded.contains(lead.event.as_str());
        }
        let bought = self.news.bought(&bought, &mut own).await;
        self.leads.extend(own.into_iter().map(|lead| (lead.id.clone(), lead)));
        bought?;
        let leads: Vec<&Lead> = ids.iter().filter_map(|id| self.leads.get(id)).collect();
        Ok(Profile::of(&timeline, &edges, &leads, None, &self.config.scoring))
    }

    /// Notes whose person may be another, where a subject's epochs, arrivals or evidence are.
    async fn affect(&mut self, subject: &Subject, profile: &Profile) -> Result<(), StoreError> {
        let Subject::Visitor(visitor) = subject else {
            let of_page = self.leads_of(subject).await?;
            self.affected.extend(of_page.into_iter().map(Member::Lead));
            return Ok(());
        };
        let epochs = 0..profile.epochs.len();
        self.affected.extend(epochs.map(|number| Member::Epoch(visitor.clone(), number)));
        let node = Node::Visitor(visitor.clone());
        // Whoever hung together with an epoch that is another now.
        let others: Vec<Node> =
            self.graph.edges_of(&node).await?.iter().map(|edge| edge.other(&node).clone()).collect();
        self.affected.extend(others.into_iter().filter_map(|other| match other {
            Node::Identifier(identifier) => Some(Member::Identifier(identifier)),
            Node::Lead(lead) => Some(Member::Lead(lead)),
            Node::Visitor(_) => None,
        }));
        Ok(())
    }

    /// The leads of these subjects are asked again.
    pub(super) async fn reconsider(&mut self, subjects: Vec<Subject>) -> Result<(), StoreError> {
        let known = self.store.profiles(self.site, subjects.clone()).await?;
        for (subject, profile) in subjects.into_iter().zip(known) {
            if let Some(profile) = profile {
                self.affect(&subject, &profile).await?;
                if let Subject::Page(_) = &subject {
                    self.pages.insert(subject, profile);
                }
            }
        }
        self.settle().await
    }

    /// The same of leads that nobody's browser leads to.
    pub(super) async fn reconsider_leads(&mut self, leads: Vec<LeadId>) -> Result<(), StoreError> {
        self.affected.extend(leads.into_iter().map(Member::Lead));
        self.settle().await
    }

    /// Says anew of everybody affected who they are, and of their leads where they came from.
    pub(super) async fn settle(&mut self) -> Result<(), StoreError> {
        let fresh: Vec<Edge> = self.graph.fresh().cloned().collect();
        for edge in fresh {
            let ends = self.graph.ends(&edge).await?;
            self.affected.extend(ends);
            self.refuse(&edge, None);
            for node in [edge.a.clone(), edge.b.clone()] {
                self.crossed(&node).await?;
            }
        }
        let mut affected = std::mem::take(&mut self.affected);
        while let Some(member) = affected.pop_first() {
            let component = self.graph.component(member).await?;
            for member in component.members() {
                affected.remove(member);
            }
            self.component(&component).await?;
        }
        Ok(())
    }

    /// A node that has become nobody's own joins none of those any more that it joined until now.
    async fn crossed(&mut self, node: &Node) -> Result<(), StoreError> {
        if !self.graph.is_shared(node).await? {
            return Ok(());
        }
        let before = self.store.edges(self.site, vec![node.clone()]).await?.pop().unwrap_or_default();
        if before.len() > MOST_EDGES {
            return Ok(());
        }
        for edge in before {
            let ends = self.graph.ends(&edge).await?;
            self.affected.extend(ends);
            self.refuse(&edge, None);
        }
        Ok(())
    }

    fn refuse(&mut self, edge: &Edge, why: Option<Conflict>) {
        let row = Row::Conflict { at: edge.at, edge: edge.id.clone(), why };
        self.conflicts.insert((edge.at, edge.id.clone()), row);
    }

    async fn component(&mut self, component: &Component) -> Result<(), StoreError> {
        for edge in component.edges() {
            self.refuse(edge, None);
        }
        for person in component.persons() {
            for edge in person.edges.iter() {
                if let Some(why) = person.conflicts.get(&edge.id) {
                    self.refuse(edge, Some(*why));
                }
            }
            self.person(&person).await?;
        }
        Ok(())
    }

    async fn person(&mut self, person: &Person) -> Result<(), StoreError> {
        let mut own = Vec::new();
        let mut touches: Vec<Touch> = Vec::new();
        let mut marks: Vec<score::Mark> = Vec::new();
        for member in &person.members {
            match member {
                Member::Epoch(visitor, number) => {
                    for id in self.leads_of(&Subject::Visitor(visitor.clone())).await? {
                        let Some(event) = self.leads.get(&id).map(|lead| lead.event.clone()) else {
                            continue;
                        };
                        if self.graph.epoch_of(visitor, &event).await? == *number {
                            own.push(id);
                        }
                    }
                    let profile = self.graph.profile_of(visitor).await?;
                    let epoch = profile.and_then(|profile| profile.epochs.get(*number));
                    touches.extend(epoch.into_iter().flat_map(|epoch| epoch.touches.iter().cloned()));
                    marks.extend(epoch.into_iter().flat_map(|epoch| epoch.marks.iter().copied()));
                }
                Member::Lead(id) => {
                    let Some(lead) = self.lead(id).await? else { continue };
                    let page = lead.subject.clone();
                    if let Some(Subject::Visitor(_)) = page {
                        // It was said since which browser left it.
                        continue;
                    }
                    own.push(id.clone());
                    for epoch in self.epochs_of_page(page).await? {
                        touches.extend(epoch.touches);
                        marks.extend(epoch.marks);
                    }
                }
                Member::Identifier(_) => {}
            }
        }
        touches.extend(own.iter().filter_map(|id| self.leads.get(id)?.came.as_deref().cloned()));
        let requests = own.iter().filter_map(|id| self.leads.get(id)).map(|lead| Request {
            at: lead.created_at,
            lead: &lead.id,
            by: (lead.kind, lead.form.as_deref()),
        });
        let duplicates: BTreeMap<LeadId, LeadId> =
            lead::duplicates(requests).into_iter().map(|(one, of)| (one.clone(), of.clone())).collect();
        // What a message was followed by counts for all of somebody's leads, how each came to be for itself.
        let scoring = &self.config.scoring;
        let told =
            own.iter().filter_map(|id| self.leads.get(id)).flat_map(|lead| lead.own_marks.iter().copied());
        marks.extend(told.filter(|mark| !scoring.is_of_one_lead(*mark)));
        let evidence = if own.is_empty() { Vec::new() } else { self.graph.evidence(person).await? };
        let heard_at = evidence.iter().map(Edge::changed_at).max();
        for id in own {
            let Some(lead) = self.leads.get_mut(&id) else { continue };
            // Where it came from stays as it stood when whoever left it was forgotten.
            if lead.erased.is_some() {
                continue;
            }
            lead.origin = match &lead.alone {
                Some(why) if touches.is_empty() => Origin::unknown(lead.created_at, why),
                _ => lead::origin(&touches, lead.created_at),
            };
            lead.person.clone_from(&person.id);
            lead.evidence_at = heard_at;
            lead.scored(&marks, scoring);
            lead.duplicate_of = duplicates.get(&id).cloned();
        }
        Ok(())
    }

    /// How somebody came to a page view of nobody in particular, and what they did there.
    async fn epochs_of_page(&self, page: Option<Subject>) -> Result<Vec<EpochProfile>, StoreError> {
        let Some(page) = page else { return Ok(Vec::new()) };
        let profile = match self.pages.get(&page) {
            Some(profile) => Some(profile.clone()),
            None => self.store.profiles(self.site, vec![page]).await?.pop().flatten(),
        };
        Ok(profile.map(|profile| profile.epochs).unwrap_or_default())
    }

    /// What is to be written of it.
    pub(super) fn rows(&mut self) -> Vec<Row> {
        let edges: Vec<Row> = self.graph.fresh().map(|edge| Row::Edge(Box::new(edge.clone()))).collect();
        let leads = std::mem::take(&mut self.leads)
            .into_values()
            .filter(|lead| self.stored.get(&lead.id) != Some(lead))
            .map(|lead| Row::Lead(Box::new(lead)));
        edges.into_iter().chain(leads).chain(std::mem::take(&mut self.conflicts).into_values()).collect()
    }
}
