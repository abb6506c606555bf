//! Who is who, found in the evidence: a person from any of its parts.
//!
//! Nothing is searched but what hangs together: from a part to the evidence about it, from there to its other end, and
//! on. So it costs as much as the person has evidence, whatever else is in the store.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::journeys;
use crate::{
    domain::{
        fact::{SiteNumber, Subject},
        id::{Id, LeadId},
        identity::{
            Edge, EdgeId, MOST_EDGES, Node,
            person::{self, Conflict, Link, Member, Partition},
            profile::Profile,
        },
        site::SiteConfig,
        standing::Lead,
        visit,
    },
    store::{Store, StoreError},
};

/// Evidence and what is remembered, read when it is asked for; a projector's step lays what it derived over that.
pub struct Graph<'a> {
    store: &'a dyn Store,
    site: SiteNumber,
    config: &'a SiteConfig,
    /// By what was known then, ms since the epoch; `None` for now.
    as_of: Option<i64>,
    fresh: BTreeMap<EdgeId, Edge>,
    fresh_by_node: HashMap<Node, BTreeSet<EdgeId>>,
    gone: BTreeSet<EdgeId>,
    edges: HashMap<Node, Vec<Edge>>,
    profiles: HashMap<Id, Option<Profile>>,
}

/// What hangs together: one person, or several that evidence was refused to join.
pub struct Component {
    members: BTreeSet<Member>,
    edges: BTreeMap<EdgeId, (Edge, Member, Member)>,
}

/// A human, as the evidence has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The smallest of the ids that are them.
    pub id: String,
    /// What they are.
    pub members: BTreeSet<Member>,
    /// The active evidence that has an end in them, in the order that it was weighed.
    pub edges: Vec<Edge>,
    /// Which of it was refused, and why.
    pub conflicts: BTreeMap<EdgeId, Conflict>,
}

impl Person {
    /// The browsers that they used, with the number of the epoch that is theirs.
    pub fn epochs(&self) -> impl Iterator<Item = (&Id, usize)> {
        self.members.iter().filter_map(|member| match member {
            Member::Epoch(visitor, number) => Some((visitor, *number)),
            _ => None,
        })
    }

    /// The browsers that they used.
    #[must_use]
    pub fn visitors(&self) -> Vec<String> {
        let mut visitors: Vec<String> = self.epochs().map(|(visitor, _)| visitor.to_string()).collect();
        visitors.dedup();
        visitors
    }
}

impl<'a> Graph<'a> {
    /// The evidence of a site, by what was known at `as_of` (ms since the epoch; `None` for now).
    #[must_use]
    pub fn new(store: &'a dyn Store, site: SiteNumber, config: &'a SiteConfig, as_of: Option<i64>) -> Self {
        Self {
            store,
            site,
            config,
            as_of,
            fresh: BTreeMap::new(),
            fresh_by_node: HashMap::new(),
            gone: BTreeSet::new(),
            edges: HashMap::new(),
            profiles: HashMap::new(),
        }
    }

    /// By what was known when, as it was made.
    #[must_use]
    pub fn as_of(&self) -> Option<i64> {
        self.as_of
    }

    /// Lays a piece of evidence over what is stored.
    pub fn add(&mut self, edge: Edge) {
        for node in [&edge.a, &edge.b] {
            self.fresh_by_node.entry(node.clone()).or_default().insert(edge.id.clone());
            self.edges.remove(node);
        }
        self.fresh.insert(edge.id.clone(), edge);
    }

    /// Takes a piece of evidence out of what is stored, as if it had never been.
    pub fn remove(&mut self, edge: &Edge) {
        for node in [&edge.a, &edge.b] {
            self.edges.remove(node);
        }
        self.gone.insert(edge.id.clone());
    }

    /// A piece of evidence, as it stands.
    ///
    /// # Errors
    /// What the store says.
    pub async fn edge(&self, id: &EdgeId) -> Result<Option<Edge>, StoreError> {
        match self.fresh.get(id) {
            Some(edge) => Ok(Some(edge.clone())),
            None => self.store.edge(self.site, id).await,
        }
    }

    /// What was laid over.
    pub fn fresh(&self) -> impl Iterator<Item = &Edge> {
        self.fresh.values()
    }

    /// Lays what is remembered of a browser over what is stored.
    pub fn remember(&mut self, visitor: Id, profile: Profile) {
        self.profiles.insert(visitor, Some(profile));
    }

    /// All evidence about a node, active or not. More than [`MOST_EDGES`] say only that it is nobody's own.
    ///
    /// # Errors
    /// What the store says.
    pub async fn edges_of(&mut self, node: &Node) -> Result<&[Edge], StoreError> {
        if !self.edges.contains_key(node) {
            let mut found = self.store.edges(self.site, vec![node.clone()]).await?.pop().unwrap_or_default();
            if let Some(fresh) = self.fresh_by_node.get(node) {
                found.retain(|edge| !fresh.contains(&edge.id));
                found.extend(fresh.iter().filter_map(|id| self.fresh.get(id)).cloned());
            }
            found.retain(|edge| !self.gone.contains(&edge.id));
            self.edges.insert(node.clone(), found);
        }
        Ok(self.edges.get(node).map(Vec::as_slice).unwrap_or_default())
    }

    /// Whether a node is nobody's own.
    ///
    /// # Errors
    /// What the store says.
    pub async fn is_shared(&mut self, node: &Node) -> Result<bool, StoreError> {
        Ok(self.edges_of(node).await?.len() > MOST_EDGES)
    }

    /// The evidence that tells a browser's epochs: none where it is nobody's own.
    ///
    /// # Errors
    /// What the store says.
    pub async fn identifying(&mut self, visitor: &Id) -> Result<Vec<Edge>, StoreError> {
        let edges = self.edges_of(&Node::Visitor(visitor.clone())).await?;
        Ok(if edges.len() > MOST_EDGES { Vec::new() } else { edges.to_vec() })
    }

    async fn load_profile(&mut self, visitor: &Id) -> Result<(), StoreError> {
        if !self.profiles.contains_key(visitor) {
            let subject = Subject::Visitor(visitor.clone());
            let found = match self.as_of {
                None => self.store.profiles(self.site, vec![subject]).await?.pop().flatten(),
                Some(as_of) => Some(self.profile_as_of(&subject, visitor, as_of).await?),
            };
            self.profiles.insert(visitor.clone(), found);
        }
        Ok(())
    }

    async fn profile_as_of(
        &mut self,
        subject: &Subject,
        visitor: &Id,
        as_of: i64,
    ) -> Result<Profile, StoreError> {
        let mut arrivals = self.store.journey(self.site, subject).await?;
        arrivals.retain(|stored| stored.entry.received_at().is_some_and(|at| at <= as_of));
        let edges = self.identifying(visitor).await?;
        let leads = self.store.leads_of(self.site, vec![subject.clone()]).await?;
        let leads: Vec<&Lead> = leads.iter().collect();
        let timeline = visit::timeline(journeys::seen(&arrivals, subject), self.config.grouping());
        Ok(Profile::of(&timeline, &edges, &leads, self.as_of, &self.config.scoring))
    }

    /// The number of the epoch of a browser that a fact is in.
    ///
    /// # Errors
    /// What the store says.
    pub async fn epoch_of(&mut self, visitor: &Id, fact: &str) -> Result<usize, StoreError> {
        self.load_profile(visitor).await?;
        let profile = self.profiles.get(visitor).and_then(Option::as_ref);
        Ok(profile.map_or(0, |profile| profile.epoch_of(fact)))
    }

    /// What is remembered of an epoch of a browser.
    ///
    /// # Errors
    /// What the store says.
    pub async fn profile_of(&mut self, visitor: &Id) -> Result<Option<&Profile>, StoreError> {
        self.load_profile(visitor).await?;
        Ok(self.profiles.get(visitor).and_then(Option::as_ref))
    }

    async fn member(&mut self, node: &Node, fact: &str) -> Result<Member, StoreError> {
        let epoch = match node {
            Node::Visitor(visitor) => self.epoch_of(visitor, fact).await?,
            _ => 0,
        };
        Ok(person::member(node, |_| epoch))
    }

    /// The member that a lead is part of: the epoch of the browser that left it, or the lead itself.
    ///
    /// # Errors
    /// What the store says.
    pub async fn member_of_lead(&mut self, lead: &Lead) -> Result<Member, StoreError> {
        match &lead.subject {
            Some(Subject::Visitor(visitor)) => {
                Ok(Member::Epoch(visitor.clone(), self.epoch_of(visitor, &lead.event).await?))
            }
            _ => Ok(Member::Lead(lead.id.clone())),
        }
    }

    /// Both ends of a piece of evidence.
    ///
    /// # Errors
    /// What the store says.
    pub async fn ends(&mut self, edge: &Edge) -> Result<[Member; 2], StoreError> {
        Ok([self.member(&edge.a, &edge.fact).await?, self.member(&edge.b, &edge.fact).await?])
    }

    /// Everything that hangs together with a member.
    ///
    /// # Errors
    /// What the store says.
    pub async fn component(&mut self, start: Member) -> Result<Component, StoreError> {
        let mut found = Component { members: BTreeSet::from([start.clone()]), edges: BTreeMap::new() };
        let mut queue = VecDeque::from([start]);
        while let Some(member) = queue.pop_front() {
            let node = node_of(&member);
            if self.is_shared(&node).await? {
                continue;
            }
            let mut edges: Vec<Edge> = self.edges_of(&node).await?.to_vec();
            edges.retain(|edge| edge.is_active(self.as_of));
            for edge in edges {
                if found.edges.contains_key(&edge.id)
                    || self.member(&node, &edge.fact).await? != member
                    || self.is_shared(edge.other(&node)).await?
                {
                    continue;
                }
                let [a, b] = self.ends(&edge).await?;
                for end in [&a, &b] {
                    if found.members.insert(end.clone()) {
                        queue.push_back(end.clone());
                    }
                }
                found.edges.insert(edge.id.clone(), (edge, a, b));
            }
        }
        Ok(found)
    }

    /// The person that a member is part of.
    ///
    /// # Errors
    /// What the store says.
    pub async fn person(&mut self, member: Member) -> Result<Person, StoreError> {
        let component = self.component(member.clone()).await?;
        let persons = component.persons();
        let own = persons.into_iter().find(|person| person.members.contains(&member));
        Ok(own.unwrap_or_else(|| Person {
            id: String::new(),
            members: BTreeSet::from([member]),
            edges: Vec::new(),
            conflicts: BTreeMap::new(),
        }))
    }

    /// All evidence with an end in a person, also what does not count, in the order that it would be weighed.
    ///
    /// # Errors
    /// What the store says.
    pub async fn evidence(&mut self, person: &Person) -> Result<Vec<Edge>, StoreError> {
        let mut found: BTreeMap<EdgeId, Edge> = BTreeMap::new();
        for member in &person.members {
            let node = node_of(member);
            for edge in self.edges_of(&node).await?.to_vec() {
                if !found.contains_key(&edge.id) && self.member(&node, &edge.fact).await? == *member {
                    found.insert(edge.id.clone(), edge);
                }
            }
        }
        let mut found: Vec<Edge> = found.into_values().collect();
        found.retain(|edge| self.as_of.is_none_or(|as_of| edge.received_at <= as_of));
        found.sort_by(|a, b| a.rank().cmp(&b.rank()));
        Ok(found)
    }

    /// The leads that a person left.
    ///
    /// # Errors
    /// What the store says.
    pub async fn leads(&mut self, person: &Person) -> Result<Vec<Lead>, StoreError> {
        let mut found = Vec::new();
        let visitors: BTreeSet<&Id> = person.epochs().map(|(visitor, _)| visitor).collect();
        let subjects = visitors.into_iter().cloned().map(Subject::Visitor).collect();
        for lead in self.store.leads_of(self.site, subjects).await? {
            if person.members.contains(&self.member_of_lead(&lead).await?) {
                found.push(lead);
            }
        }
        for member in &person.members {
            if let Member::Lead(id) = member {
                let lead = self.store.lead(self.site, id).await?;
                // It may have been said since which browser left it.
                found.extend(lead.filter(|lead| !matches!(lead.subject, Some(Subject::Visitor(_)))));
            }
        }
        if let Some(as_of) = self.as_of {
            found.retain(|lead| lead.created_at <= as_of);
        }
        found.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(found)
    }
}

fn node_of(member: &Member) -> Node {
    match member {
        Member::Epoch(visitor, _) => Node::Visitor(visitor.clone()),
        Member::Lead(lead) => Node::Lead(lead.clone()),
        Member::Identifier(identifier) => Node::Identifier(*identifier),
    }
}

impl Component {
    /// The members, whoever they are.
    #[must_use]
    pub fn members(&self) -> &BTreeSet<Member> {
        &self.members
    }

    /// The persons in it.
    #[must_use]
    pub fn persons(&self) -> Vec<Person> {
        let links: Vec<Link<'_>> =
            self.edges.values().map(|(edge, a, b)| Link { edge, a: a.clone(), b: b.clone() }).collect();
        let partition = Partition::of(self.members.iter().cloned(), &links);
        let mut index: HashMap<&Member, usize> = HashMap::with_capacity(self.members.len());
        for (number, person) in partition.persons.iter().enumerate() {
            index.extend(person.iter().map(|member| (member, number)));
        }
        let mut own: Vec<Vec<Link<'_>>> = vec![Vec::new(); partition.persons.len()];
        for link in &links {
            let ends: BTreeSet<usize> =
                [&link.a, &link.b].into_iter().filter_map(|end| index.get(end).copied()).collect();
            for end in ends {
                if let Some(own) = own.get_mut(end) {
                    own.push(link.clone());
                }
            }
        }
        let person = |(members, mut links): (&BTreeSet<Member>, Vec<Link<'_>>)| {
            links.sort_by_key(|link| link.edge.rank());
            let refused = links.iter().filter_map(|link| {
                partition.conflicts.get(&link.edge.id).map(|why| (link.edge.id.clone(), *why))
            });
            Person {
                id: person::name(members, &links),
                members: members.clone(),
                conflicts: refused.collect(),
                edges: links.iter().map(|link| link.edge.clone()).collect(),
            }
        };
        partition.persons.iter().zip(own).map(person).collect()
    }

    /// The evidence in it.
    pub fn edges(&self) -> impl Iterator<Item = &Edge> {
        self.edges.values().map(|(edge, _, _)| edge)
    }
}

/// The person that one id leads to: a browser's (its first user), a lead's, or of a piece of evidence.
///
/// # Errors
/// What the store says.
pub async fn member_named(graph: &mut Graph<'_>, id: &str) -> Result<Option<Member>, StoreError> {
    if let Some(edge) = EdgeId::parse(id) {
        let Some(edge) = graph.edge(&edge).await? else { return Ok(None) };
        let [a, _] = graph.ends(&edge).await?;
        return Ok(Some(a));
    }
    if let Some(lead) = LeadId::parse(id)
        && let Some(lead) = graph.store.lead(graph.site, &lead).await?
    {
        return graph.member_of_lead(&lead).await.map(Some);
    }
    let Some(visitor) = Id::parse(id) else { return Ok(None) };
    let subject = Subject::Visitor(visitor.clone());
    let known = !graph.edges_of(&Node::Visitor(visitor.clone())).await?.is_empty()
        || !graph.store.journey(graph.site, &subject).await?.is_empty();
    Ok(known.then_some(Member::Epoch(visitor, 0)))
}
