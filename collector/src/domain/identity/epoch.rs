//! The parts of a browser's life that belong to one human each.
//!
//! Several people share a computer. Where somebody else is identified on it, a new epoch begins: where the user id
//! differs, or the e-mail address *and* the telephone number both do. It begins with the visit, if nobody was
//! identified in that before, else at the very event. Epochs of one browser are never joined by the browser alone.

use super::super::{
    event::{Identifier, IdentifierKind},
    id::{EventId, Id},
    visit::{Entry, Timeline},
};

/// Who somebody was said to be, in a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identification<'a> {
    /// The id of the event, or of the lead.
    pub fact: &'a str,
    /// When, ms since the epoch.
    pub at: i64,
    /// By what.
    pub identifiers: &'a [Identifier],
}

/// Where something stands in a browser's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place<'a> {
    visit: usize,
    at: i64,
    event: Option<(&'a Id, &'a EventId)>,
}

impl<'a> Place<'a> {
    fn of(entry: &Entry<'a>) -> Self {
        let (at, page, id) = entry.seen.event.order();
        Self { visit: entry.visit, at, event: Some((page, id)) }
    }

    /// Of what is in no browser's own story, and is known by its time alone.
    fn at(timeline: &Timeline<'_>, at: i64) -> Self {
        let visit = timeline.visits.iter().rposition(|visit| visit.started_at <= at);
        Self { visit: visit.unwrap_or(0), at, event: None }
    }

    fn start_of(visit: usize) -> Self {
        Self { visit, at: i64::MIN, event: None }
    }
}

/// A browser's epochs: at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epochs<'a> {
    starts: Vec<Place<'a>>,
}

impl<'a> Epochs<'a> {
    /// Splits a browser's life by who was identified in it, in whatever order that is given.
    #[must_use]
    pub fn of(timeline: &Timeline<'a>, identifications: &[Identification<'_>]) -> Self {
        let mut placed: Vec<(Place<'a>, &Identification<'_>)> =
            identifications.iter().map(|said| (place(timeline, said.fact, said.at), said)).collect();
        placed.sort_by_key(|(place, said)| (*place, said.fact));
        let mut starts = vec![Place::start_of(0)];
        let mut current = Known::default();
        let mut identified_in = None;
        for (place, said) in placed {
            if current.differs(said.identifiers) {
                let within = identified_in == Some(place.visit);
                starts.push(if within { place } else { Place::start_of(place.visit) });
                current = Known::default();
            }
            current.learn(said.identifiers);
            identified_in = Some(place.visit);
        }
        Self { starts }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// The number of the epoch that an event is in, from 0.
    #[must_use]
    pub fn of_entry(&self, entry: &Entry<'a>) -> usize {
        self.at(Place::of(entry))
    }

    /// The number of the epoch that a fact is in, by the id of its event or else by its time.
    #[must_use]
    pub fn of_fact(&self, timeline: &Timeline<'a>, fact: &str, at: i64) -> usize {
        self.at(place(timeline, fact, at))
    }

    fn at(&self, place: Place<'a>) -> usize {
        self.starts.partition_point(|start| *start <= place).saturating_sub(1)
    }
}

fn place<'a>(timeline: &Timeline<'a>, fact: &str, at: i64) -> Place<'a> {
    // Its time finds it nearly always: few events share a moment.
    let from = timeline.entries.partition_point(|entry| entry.seen.event.at < at);
    let same_moment = timeline.entries.iter().skip(from).take_while(|entry| entry.seen.event.at == at);
    same_moment
        .filter(|entry| entry.seen.event.id_text() == fact)
        .map(Place::of)
        .next()
        .unwrap_or_else(|| Place::at(timeline, at))
}

/// What is known of the human so far.
#[derive(Default)]
struct Known(Vec<Identifier>);

impl Known {
    /// Whether these are somebody else's.
    fn differs(&self, identifiers: &[Identifier]) -> bool {
        match self.compare(IdentifierKind::UserId, identifiers) {
            Some(same) => !same,
            None => [IdentifierKind::Email, IdentifierKind::Phone]
                .into_iter()
                .all(|kind| self.compare(kind, identifiers) == Some(false)),
        }
    }

    /// Whether both have one of a kind in common; `None` where one of them has none.
    fn compare(&self, kind: IdentifierKind, identifiers: &[Identifier]) -> Option<bool> {
        let mut known = self.0.iter().filter(|known| known.kind == kind).peekable();
        let mut said = identifiers.iter().filter(|said| said.kind == kind).peekable();
        known.peek()?;
        said.peek()?;
        Some(said.any(|said| self.0.contains(said)))
    }

    fn learn(&mut self, identifiers: &[Identifier]) {
        for identifier in identifiers {
            if !self.0.contains(identifier) {
                self.0.push(*identifier);
            }
        }
    }
}

#[cfg(test)]
mod tests;
