//! Everything that is held about a person: what an export shows, and an erasure forgets.

use std::collections::BTreeSet;

use super::{
    journeys,
    people::{self, Graph, Person},
};
use crate::{
    domain::{
        event::{Flag, Personal},
        fact::{SiteNumber, Subject},
        id::{Id, LeadId, Token, VaultRef},
        identity::{Edge, Node, person::Member, profile},
        record::Record,
        site::SiteConfig,
        standing::Lead,
        visit::{self, Seen},
    },
    store::{Store, StoreError, Stored},
};

/// What is held about a person.
#[derive(Debug, Default)]
pub struct Holdings {
    /// The person's id.
    pub person: String,
    /// The browsers that are theirs alone.
    pub visitors: Vec<Id>,
    /// The browsers that others used too.
    pub shared: Vec<Id>,
    /// Their leads, oldest first.
    pub leads: Vec<Lead>,
    /// What was said about each of those.
    pub records: Vec<(LeadId, Vec<Stored>)>,
    /// The evidence about who they are.
    pub edges: Vec<Edge>,
    /// The identifiers that lead to nobody else.
    pub tokens: BTreeSet<Token>,
    stories: Vec<Story>,
}

/// What was done in one place.
#[derive(Debug)]
struct Story {
    arrivals: Vec<Stored>,
    of: Of,
}

#[derive(Debug)]
enum Of {
    /// All of a subject's.
    Subject(Subject),
    /// These events of it.
    Events(Subject, BTreeSet<String>),
    /// One event of no journey.
    Event(String),
}

impl Holdings {
    /// Everything about the person that an id leads to: their own, or a browser's, or a lead's. `None` where it leads to
    /// nobody.
    ///
    /// # Errors
    /// What the store says.
    pub async fn of(
        store: &dyn Store,
        site: SiteNumber,
        config: &SiteConfig,
        id: &str,
    ) -> Result<Option<Self>, StoreError> {
        let mut graph = Graph::new(store, site, config, None);
        let Some(member) = people::member_named(&mut graph, id).await? else { return Ok(None) };
        let person = graph.person(member).await?;
        let mut held =
            Self { person: person.id.clone(), leads: graph.leads(&person).await?, ..Self::default() };
        held.edges = graph.evidence(&person).await?;
        let browsers: BTreeSet<&Id> = person.epochs().map(|(visitor, _)| visitor).collect();
        for visitor in browsers {
            held.browser(store, site, config, &mut graph, &person, visitor).await?;
        }
        for lead in &held.leads {
            match &lead.subject {
                Some(Subject::Visitor(_)) => {}
                Some(page) => {
                    let arrivals = store.journey(site, page).await?;
                    // Somebody else may have left a lead on the same page view.
                    let others: BTreeSet<String> = store
                        .leads_of(site, vec![page.clone()])
                        .await?
                        .into_iter()
                        .filter(|other| held.leads.iter().all(|own| own.id != other.id))
                        .map(|other| other.event)
                        .collect();
                    let of = if others.is_empty() {
                        Of::Subject(page.clone())
                    } else {
                        let ids =
                            journeys::seen(&arrivals, page).into_iter().map(|seen| seen.event.id_text());
                        Of::Events(page.clone(), ids.filter(|id| !others.contains(id)).collect())
                    };
                    held.stories.push(Story { arrivals, of });
                }
                // A lead alone: its story is the submission itself.
                None => {
                    let arrivals = store.read(site, lead.position - 1, 1).await?;
                    held.stories.push(Story { arrivals, of: Of::Event(lead.event.clone()) });
                }
            }
            held.records.push((lead.id.clone(), store.records(site, &lead.id).await?));
        }
        for identifier in
            held.personal().flat_map(|personal| personal.identifiers.clone()).collect::<BTreeSet<_>>()
        {
            let node = Node::Identifier(identifier);
            let mut is_own = !graph.is_shared(&node).await?;
            for edge in graph.edges_of(&node).await?.to_vec() {
                let ends = graph.ends(&edge).await?;
                is_own &= ends
                    .iter()
                    .all(|end| *end == Member::Identifier(identifier) || person.members.contains(end));
            }
            held.tokens.extend(is_own.then_some(identifier.token));
        }
        Ok(Some(held))
    }

    async fn browser(
        &mut self,
        store: &dyn Store,
        site: SiteNumber,
        config: &SiteConfig,
        graph: &mut Graph<'_>,
        person: &Person,
        visitor: &Id,
    ) -> Result<(), StoreError> {
        let subject = Subject::Visitor(visitor.clone());
        let arrivals = store.journey(site, &subject).await?;
        let edges = graph.identifying(visitor).await?;
        let timeline = visit::timeline(journeys::seen(&arrivals, &subject), config.grouping());
        let epochs = profile::epochs(&timeline, &edges, None);
        let is_own = |number: usize| person.members.contains(&Member::Epoch(visitor.clone(), number));
        let of = if (0..epochs.count()).all(is_own) {
            self.visitors.push(visitor.clone());
            Of::Subject(subject)
        } else {
            self.shared.push(visitor.clone());
            let own = timeline.entries.iter().filter(|entry| is_own(epochs.of_entry(entry)));
            Of::Events(subject, own.map(|entry| entry.seen.event.id_text()).collect())
        };
        self.stories.push(Story { arrivals, of });
        Ok(())
    }

    /// Their events, story by story.
    pub fn events(&self) -> impl Iterator<Item = Seen<'_>> {
        self.stories.iter().flat_map(|Story { arrivals, of }| match of {
            Of::Subject(subject) => journeys::seen(arrivals, subject),
            Of::Events(subject, own) => {
                let mut seen = journeys::seen(arrivals, subject);
                seen.retain(|seen| own.contains(&seen.event.id_text()));
                seen
            }
            Of::Event(event) => journeys::seen_event(arrivals, event),
        })
    }

    fn personal(&self) -> impl Iterator<Item = &Personal> {
        // A lead of nobody has given up what its event still names.
        let given_up: BTreeSet<&str> = self
            .leads
            .iter()
            .filter(|lead| lead.flags.contains(&Flag::Erased))
            .map(|lead| lead.event.as_str())
            .collect();
        let of_events = self
            .events()
            .filter(move |seen| given_up.is_empty() || !given_up.contains(seen.event.id_text().as_str()))
            .filter_map(|seen| seen.event.detail.personal());
        let records = self.records.iter().flat_map(|(_, records)| records);
        // What an erased lead was told of is given up with it.
        let of_records = records.filter_map(|stored| Record::of(&stored.entry)).filter(|record| {
            self.leads.iter().any(|lead| lead.id == *record.lead() && !lead.flags.contains(&Flag::Erased))
        });
        of_events
            .chain(self.leads.iter().map(|lead| &lead.personal))
            .chain(of_records.filter_map(Record::personal))
    }

    /// What the vault may keep of them: submissions, and what was noted about their leads and about who they are.
    #[must_use]
    pub fn references(&self) -> BTreeSet<VaultRef> {
        let records = self.records.iter().flat_map(|(_, records)| records);
        let notes = records.flat_map(|stored| stored.entry.references());
        let marks = self.edges.iter().flat_map(|edge| &edge.marks).map(|mark| mark.note);
        self.personal().filter_map(|personal| personal.vault).chain(notes).chain(marks).collect()
    }
}
