//! Which nodes are one human.
//!
//! Evidence is weighed in one order, whenever it arrived: the strong before the weak, the older before the newer. A
//! piece that would join two humans is refused where they could not be one: too many identifiers of a kind, or weak
//! evidence between two who are both identified. A refusal is a [`Conflict`], which people can look at.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::{
    super::{
        event::{Identifier, IdentifierKind},
        id::{Id, LeadId},
    },
    Edge, EdgeId, Node, Strength, most_of,
};

/// A part of a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Member {
    /// A browser, for as long as this human used it: its epochs count from 0.
    Epoch(Id, usize),
    /// A lead that no browser is known to have left.
    Lead(LeadId),
    /// What the human is known by.
    Identifier(Identifier),
}

/// Why a piece of evidence joins nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// Both are identified, and weak evidence does not join those.
    WeakBetweenIdentified,
    /// They would have two user ids.
    UserIds,
    /// They would have too many e-mail addresses.
    Emails,
    /// They would have too many telephone numbers.
    Phones,
    /// They would have too many chat accounts.
    Chats,
}

/// A piece of evidence between two members.
#[derive(Debug, Clone)]
pub struct Link<'a> {
    /// The evidence.
    pub edge: &'a Edge,
    /// One end.
    pub a: Member,
    /// The other end.
    pub b: Member,
}

/// Who is one human with whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Partition {
    /// The members of each person, in their order.
    pub persons: Vec<BTreeSet<Member>>,
    /// What was refused, and why.
    pub conflicts: BTreeMap<EdgeId, Conflict>,
}

impl Partition {
    /// What the links say, of these members and of those at their ends. Neither order nor copies of the links make a
    /// difference. Links that are not active are to be left out.
    #[must_use]
    pub fn of(members: impl IntoIterator<Item = Member>, links: &[Link<'_>]) -> Self {
        let mut groups = Groups::default();
        for member in members {
            groups.index(&member);
        }
        let mut links: Vec<&Link<'_>> = links.iter().collect();
        links.sort_by_key(|link| link.edge.rank());
        links.dedup_by_key(|link| &link.edge.id);
        let mut conflicts = BTreeMap::new();
        for link in links {
            let (a, b) = (groups.index(&link.a), groups.index(&link.b));
            if let Err(conflict) = groups.join(a, b, link.edge.strength) {
                conflicts.insert(link.edge.id.clone(), conflict);
            }
        }
        Self { persons: groups.persons(), conflicts }
    }

    /// The person that a member is part of.
    #[must_use]
    pub fn person_of(&self, member: &Member) -> Option<&BTreeSet<Member>> {
        self.persons.iter().find(|person| person.contains(member))
    }
}

/// A person's name: the smallest of the ids that are them. First come browsers, which are known from their beginning;
/// then leads; somebody who is only a later user of a browser is named by the oldest evidence of them. Every such name
/// leads back to the person.
#[must_use]
pub fn name(person: &BTreeSet<Member>, links: &[Link<'_>]) -> String {
    let browser = person.iter().find_map(|member| match member {
        Member::Epoch(visitor, 0) => Some(visitor.to_string()),
        _ => None,
    });
    let lead = || {
        person.iter().find_map(|member| match member {
            Member::Lead(lead) => Some(lead.to_string()),
            _ => None,
        })
    };
    let evidence = || {
        let own = links.iter().filter(|link| person.contains(&link.a) && person.contains(&link.b));
        own.min_by_key(|link| (link.edge.at, &link.edge.id)).map(|link| link.edge.id.to_string())
    };
    browser.or_else(lead).or_else(evidence).unwrap_or_default()
}

/// Sets that are joined step by step, with what each has of identifiers.
#[derive(Default)]
struct Groups {
    members: Vec<Member>,
    index: HashMap<Member, usize>,
    parent: Vec<usize>,
    known: Vec<BTreeSet<Identifier>>,
}

impl Groups {
    fn index(&mut self, member: &Member) -> usize {
        if let Some(&index) = self.index.get(member) {
            return index;
        }
        let index = self.members.len();
        self.members.push(member.clone());
        self.index.insert(member.clone(), index);
        self.parent.push(index);
        self.known.push(match member {
            Member::Identifier(identifier) => BTreeSet::from([*identifier]),
            _ => BTreeSet::new(),
        });
        index
    }

    fn root(&mut self, mut index: usize) -> usize {
        while let Some(&parent) = self.parent.get(index)
            && parent != index
        {
            let above = self.parent.get(parent).copied().unwrap_or(parent);
            if let Some(parent) = self.parent.get_mut(index) {
                *parent = above;
            }
            index = above;
        }
        index
    }

    fn join(&mut self, a: usize, b: usize, strength: Strength) -> Result<(), Conflict> {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return Ok(());
        }
        let nothing = BTreeSet::new();
        let (one, other) = (self.known.get(a).unwrap_or(&nothing), self.known.get(b).unwrap_or(&nothing));
        if let Some(conflict) = refused(one, other, strength) {
            return Err(conflict);
        }
        // The larger takes the smaller in.
        let (large, small) = if one.len() >= other.len() { (a, b) } else { (b, a) };
        let taken = self.known.get_mut(small).map(std::mem::take).unwrap_or_default();
        if let Some(known) = self.known.get_mut(large) {
            known.extend(taken);
        }
        if let Some(parent) = self.parent.get_mut(small) {
            *parent = large;
        }
        Ok(())
    }

    fn persons(mut self) -> Vec<BTreeSet<Member>> {
        let mut persons: HashMap<usize, BTreeSet<Member>> = HashMap::new();
        for index in 0..self.members.len() {
            let root = self.root(index);
            if let Some(member) = self.members.get(index) {
                persons.entry(root).or_default().insert(member.clone());
            }
        }
        let mut persons: Vec<_> = persons.into_values().collect();
        persons.sort();
        persons
    }
}

/// Why two humans cannot be one, if they cannot.
fn refused(a: &BTreeSet<Identifier>, b: &BTreeSet<Identifier>, strength: Strength) -> Option<Conflict> {
    if strength == Strength::Weak && !a.is_empty() && !b.is_empty() {
        return Some(Conflict::WeakBetweenIdentified);
    }
    // Two sets that are not one yet have nothing in common.
    let count = |kind| a.iter().chain(b).filter(|identifier| identifier.kind == kind).count();
    [
        (IdentifierKind::UserId, Conflict::UserIds),
        (IdentifierKind::Email, Conflict::Emails),
        (IdentifierKind::Phone, Conflict::Phones),
        (IdentifierKind::Chat, Conflict::Chats),
    ]
    .into_iter()
    .find(|(kind, _)| count(*kind) > most_of(*kind))
    .map(|(_, conflict)| conflict)
}

/// The member that a node is, given the number of a browser's epoch that a fact is in.
#[must_use]
pub fn member(node: &Node, epoch: impl FnOnce(&Id) -> usize) -> Member {
    match node {
        Node::Visitor(visitor) => Member::Epoch(visitor.clone(), epoch(visitor)),
        Node::Lead(lead) => Member::Lead(lead.clone()),
        Node::Identifier(identifier) => Member::Identifier(*identifier),
    }
}

#[cfg(test)]
mod tests;
