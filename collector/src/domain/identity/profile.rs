//! What is remembered of an identified browser, so that who is who and where they came from can be told without
//! reading its journey.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    super::{
        event::Identifier,
        score::{Mark, Scoring},
        standing::Lead,
        touch::Touch,
        visit::Timeline,
    },
    Edge, Strength,
    epoch::{Epochs, Identification},
};

/// A browser's epochs, at least one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Profile {
    /// In order.
    pub epochs: Vec<EpochProfile>,
}

/// What is remembered of one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EpochProfile {
    /// The ids of the facts in it that identify somebody or are somebody's lead.
    pub facts: BTreeSet<String>,
    /// Its arrivals, in order.
    pub touches: Vec<Touch>,
    /// What in it gives points, as far as it can count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
}

impl Profile {
    /// The number of the epoch that a fact is in; the first where it is not known.
    #[must_use]
    pub fn epoch_of(&self, fact: &str) -> usize {
        self.epochs.iter().position(|epoch| epoch.facts.contains(fact)).unwrap_or(0)
    }

    /// What a browser's timeline comes to, with the evidence and the leads that hang on it. `as_of` as in
    /// [`Edge::is_active`].
    #[must_use]
    pub fn of<'a>(
        timeline: &Timeline<'a>,
        edges: &[Edge],
        leads: &[&Lead],
        as_of: Option<i64>,
        scoring: &Scoring,
    ) -> Self {
        let epochs = epochs(timeline, edges, as_of);
        let mut of = vec![EpochProfile::default(); epochs.count()];
        for entry in &timeline.entries {
            let touch = entry.touch.and_then(|touch| timeline.visits.get(entry.visit)?.touches.get(touch));
            if let Some(touch) = touch
                && let Some(epoch) = of.get_mut(epochs.of_entry(entry))
            {
                epoch.touches.push(touch.clone());
            }
        }
        // A visit whose first page view never reported itself has a touch that belongs to no entry.
        let mut placed: BTreeSet<usize> =
            timeline.entries.iter().filter(|entry| entry.touch == Some(0)).map(|entry| entry.visit).collect();
        for entry in &timeline.entries {
            if placed.insert(entry.visit)
                && let Some(touch) = timeline.visits.get(entry.visit).and_then(|visit| visit.touches.first())
                && let Some(epoch) = of.get_mut(epochs.of_entry(entry))
            {
                epoch.touches.push(touch.clone());
            }
        }
        let facts = edges.iter().map(|edge| (edge.fact.as_str(), edge.at));
        for (fact, at) in facts.chain(leads.iter().map(|lead| (lead.event.as_str(), lead.created_at))) {
            if let Some(epoch) = of.get_mut(epochs.of_fact(timeline, fact, at)) {
                epoch.facts.insert(fact.to_owned());
            }
        }
        for (entry, mark) in scoring.marks_of(timeline) {
            if let Some(epoch) = of.get_mut(epochs.of_entry(entry)) {
                epoch.marks.push(mark);
            }
        }
        for epoch in &mut of {
            epoch.touches.sort_by_key(|touch| touch.at);
            epoch.marks = scoring.kept(std::mem::take(&mut epoch.marks));
        }
        Self { epochs: of }
    }
}

/// A browser's epochs, by the evidence that hangs on it.
#[must_use]
pub fn epochs<'a>(timeline: &Timeline<'a>, edges: &[Edge], as_of: Option<i64>) -> Epochs<'a> {
    let mut said: BTreeMap<(&str, i64), Vec<Identifier>> = BTreeMap::new();
    for edge in edges.iter().filter(|edge| edge.strength == Strength::Strong && edge.is_active(as_of)) {
        said.entry((&edge.fact, edge.at)).or_default().extend(edge.identifier());
    }
    let identifications: Vec<Identification<'_>> =
        said.iter().map(|(&(fact, at), identifiers)| Identification { fact, at, identifiers }).collect();
    Epochs::of(timeline, &identifications)
}
