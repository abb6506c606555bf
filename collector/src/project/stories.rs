//! What a person did on each of their browsers, read to be told as one journey.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::{
    journeys,
    people::{Graph, Person},
};
use crate::{
    domain::{
        event::IdentifierKind,
        fact::{SiteNumber, Subject},
        identity::{Edge, EdgeId, EdgeKind, person::Member, profile},
        journey::{Evidence, Story},
        record::{self, Told},
        site::SiteConfig,
        standing::Lead,
        visit,
    },
    store::{Store, StoreError, Stored},
};

/// What a person did, and what became of their leads.
pub struct Stories {
    parts: Vec<Part>,
    /// The ids of the events that their leads were born of.
    pub births: BTreeSet<String>,
    /// What was told about their leads.
    records: Vec<Stored>,
    as_of: Option<i64>,
}

struct Part {
    arrivals: Vec<Stored>,
    of: Of,
    tie: Option<(Evidence, EdgeId)>,
}

enum Of {
    /// A browser, one epoch of which is the person's, by this evidence.
    Browser(Subject, usize, Vec<Edge>),
    /// A page view of nobody in particular.
    Page(Subject),
    /// An event alone.
    Event(String),
}

impl Stories {
    /// Reads what a person did. `start` is the part of them that the question is about: what was done there needs no
    /// further evidence.
    ///
    /// # Errors
    /// What the store says.
    pub async fn of(
        store: &dyn Store,
        site: SiteNumber,
        graph: &mut Graph<'_>,
        person: &Person,
        start: &Member,
    ) -> Result<Self, StoreError> {
        let leads = graph.leads(person).await?;
        let ties = ties(graph, person, start).await?;
        let mut parts = Vec::new();
        for (visitor, number) in person.epochs() {
            let subject = Subject::Visitor(visitor.clone());
            let member = Member::Epoch(visitor.clone(), number);
            let tie = ties.get(&member).cloned();
            let edges = graph.identifying(visitor).await?;
            let arrivals = store.journey(site, &subject).await?;
            parts.push(Part { arrivals, of: Of::Browser(subject, number, edges), tie });
        }
        for lead in &leads {
            let member = graph.member_of_lead(lead).await?;
            if matches!(member, Member::Epoch(..)) {
                continue;
            }
            let tie = ties.get(&member).cloned();
            let (arrivals, of) = match &lead.subject {
                Some(page) => (store.journey(site, page).await?, Of::Page(page.clone())),
                // A lead alone: its story is the submission itself.
                None => (store.read(site, lead.position - 1, 1).await?, Of::Event(lead.event.clone())),
            };
            parts.push(Part { arrivals, of, tie });
        }
        let mut records = Vec::new();
        for lead in &leads {
            records.extend(store.records(site, &lead.id).await?);
        }
        let births = leads.into_iter().map(|lead: Lead| lead.event).collect();
        Ok(Self { parts, births, records, as_of: graph.as_of() })
    }

    /// What was told about their leads.
    #[must_use]
    pub fn records(&self) -> Vec<Told<'_>> {
        record::told(self.records.iter().map(|stored| (stored.position, stored.entry.as_ref())))
    }

    /// Each part, in order of time.
    #[must_use]
    pub fn told(&self, config: &SiteConfig) -> Vec<Story<'_>> {
        self.parts
            .iter()
            .map(|part| {
                let seen = match &part.of {
                    Of::Browser(subject, ..) | Of::Page(subject) => journeys::seen(&part.arrivals, subject),
                    Of::Event(event) => journeys::seen_event(&part.arrivals, event),
                };
                let timeline = visit::timeline(seen, config.grouping());
                let epoch = match &part.of {
                    Of::Browser(_, number, edges) => {
                        Some((profile::epochs(&timeline, edges, self.as_of), *number))
                    }
                    _ => None,
                };
                let tie = part.tie.as_ref().map(|(evidence, edge)| (*evidence, edge));
                Story { timeline, epoch, tie }
            })
            .collect()
    }
}

/// By which evidence each part of a person hangs together with one of them: the last piece on the shortest way there.
async fn ties(
    graph: &mut Graph<'_>,
    person: &Person,
    start: &Member,
) -> Result<HashMap<Member, (Evidence, EdgeId)>, StoreError> {
    let mut by_member: HashMap<Member, Vec<(&Edge, Member)>> = HashMap::new();
    for edge in person.edges.iter().filter(|edge| !person.conflicts.contains_key(&edge.id)) {
        let [a, b] = graph.ends(edge).await?;
        by_member.entry(a.clone()).or_default().push((edge, b.clone()));
        by_member.entry(b).or_default().push((edge, a));
    }
    let mut ties = HashMap::new();
    let mut queue = VecDeque::from([start.clone()]);
    while let Some(member) = queue.pop_front() {
        for (edge, other) in by_member.remove(&member).into_iter().flatten() {
            if other != *start && !ties.contains_key(&other) {
                ties.insert(other.clone(), (evidence(edge), edge.id.clone()));
                queue.push_back(other);
            }
        }
    }
    Ok(ties)
}

fn evidence(edge: &Edge) -> Evidence {
    match (edge.kind, edge.identifier().map(|identifier| identifier.kind)) {
        (EdgeKind::EmailLink, _) => Evidence::EmailLink,
        (EdgeKind::Call, _) => Evidence::Call,
        (EdgeKind::Chat | EdgeKind::KnownChat, _) => Evidence::Chat,
        (_, Some(IdentifierKind::Email) | None) => Evidence::SameEmail,
        (_, Some(IdentifierKind::Phone)) => Evidence::SamePhone,
        (_, Some(IdentifierKind::UserId)) => Evidence::SameUserId,
        (_, Some(IdentifierKind::Chat)) => Evidence::SameChat,
    }
}
