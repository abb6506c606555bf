//! One ordered timeline: what somebody did, and what became of the lead.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    id::{EventId, Id},
    identity::{EdgeId, epoch::Epochs},
    record::{Record, Told},
    touch::Touch,
    visit::{Entry, Seen, Timeline},
};

/// What an item is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What<'a> {
    /// Something that happened on a page.
    Event(Seen<'a>),
    /// Something that was told about the lead.
    Record(Told<'a>),
}

/// Why an item belongs to a journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The visitor's own browser did it.
    SameVisitor,
    /// It was done on another browser, where the same e-mail address was given.
    SameEmail,
    /// The same, by a telephone number.
    SamePhone,
    /// The same, by the site's own id of the person.
    SameUserId,
    /// It was done on a browser that opened an e-mail sent to the person.
    EmailLink,
    /// It was done on a browser that alone showed the number which the person called.
    Call,
    /// It was done on a browser that showed the reference which the person wrote.
    Chat,
    /// It was done on another browser, whose user wrote from the same chat account.
    SameChat,
    /// It happened on the same anonymous page view.
    SamePageView,
    /// The lead was born of it.
    Submission,
    /// It is a record about the lead.
    Record,
}

/// One thing in a journey.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item<'a> {
    /// When, ms since the epoch.
    pub at: i64,
    /// What.
    pub what: What<'a>,
    /// The id of the visit that it is part of.
    pub visit: Option<&'a str>,
    /// The arrival that it is, for page views that are one.
    pub touch: Option<&'a Touch>,
    /// Why it belongs here.
    pub evidence: Evidence,
    /// Which piece of evidence, where it is of another browser.
    pub edge: Option<&'a EdgeId>,
}

/// What one browser, or one page view of nobody in particular, adds to a person's journey.
pub struct Story<'a> {
    /// All of it.
    pub timeline: Timeline<'a>,
    /// Which epoch of the browser is the person's; all of it where there is none.
    pub epoch: Option<(Epochs<'a>, usize)>,
    /// The evidence that ties it to the lead that is asked about; `None` where the lead was left there.
    pub tie: Option<(Evidence, &'a EdgeId)>,
}

impl Item<'_> {
    /// Where the item stands, for paging: no two items of a journey share a key, journeys are in the order of their
    /// keys, and an item's key stays the same whatever comes later.
    #[must_use]
    pub fn cursor_key(&self) -> (i64, String) {
        let mut key = String::with_capacity(48);
        match self.what {
            // Events of a moment stand before records of it, and among themselves as in `Event::order`.
            What::Event(seen) => {
                key.push('e');
                push_id(&mut key, &seen.event.page);
                match &seen.event.id {
                    EventId::Numbered(number) => key.push_str(&format!("0{number:05}")),
                    EventId::Opaque(id) => {
                        key.push('1');
                        push_id(&mut key, id);
                    }
                }
            }
            What::Record(told) => {
                // With the sign bit turned, times sort as text.
                let received_at = told.record.received_at().cast_unsigned() ^ (1 << 63);
                key.push_str(&format!("s{received_at:016x}{:016x}", told.position));
            }
        }
        (self.at, key)
    }
}

/// Writes an id so that the texts are ordered as the ids are, also where one begins with the other.
fn push_id(key: &mut String, id: &Id) {
    key.push(if matches!(id, Id::Uuid(_)) { '0' } else { '1' });
    key.push_str(&id.to_string());
    key.push(' ');
}

/// A visitor's journey, oldest first. The same for the events of one anonymous page view.
#[must_use]
pub fn of_visitor<'a>(timeline: &'a Timeline<'a>) -> Vec<Item<'a>> {
    timeline.entries.iter().map(|entry| item(timeline, entry)).collect()
}

/// A lead's journey, oldest first: everything that whoever left it did, on any browser, also what came after, and what
/// became of their leads. `births` has the ids of the events that those were born of, as they travel.
#[must_use]
pub fn of_person<'a>(
    stories: &'a [Story<'a>],
    births: &BTreeSet<String>,
    told: &[Told<'a>],
) -> Vec<Item<'a>> {
    let events = stories.iter().flat_map(|story| {
        let own = story.timeline.entries.iter().filter(|entry| match &story.epoch {
            Some((epochs, number)) => epochs.of_entry(entry) == *number,
            None => true,
        });
        own.map(|entry| {
            let item = item(&story.timeline, entry);
            match &story.tie {
                _ if births.contains(&entry.seen.event.id_text()) => {
                    let edge = story.tie.map(|(_, edge)| edge);
                    Item { evidence: Evidence::Submission, edge, ..item }
                }
                Some((evidence, edge)) => Item { evidence: *evidence, edge: Some(edge), ..item },
                None => item,
            }
        })
    });
    let records = told.iter().map(|told| Item {
        at: told.record.at(),
        what: What::Record(*told),
        visit: None,
        touch: None,
        edge: None,
        evidence: match told.record {
            Record::Lead(_) => Evidence::Submission,
            _ => Evidence::Record,
        },
    });
    let mut items: Vec<Item<'a>> = events.chain(records).collect();
    items.sort_by_cached_key(Item::cursor_key);
    items
}

fn item<'a>(timeline: &'a Timeline<'a>, entry: &Entry<'a>) -> Item<'a> {
    let visit = timeline.visits.get(entry.visit);
    let known = entry.seen.arrival.visitor.is_some();
    Item {
        at: entry.seen.event.at,
        what: What::Event(entry.seen),
        visit: visit.map(|visit| visit.id.as_str()),
        touch: visit.zip(entry.touch).and_then(|(visit, index)| visit.touches.get(index)),
        evidence: if known { Evidence::SameVisitor } else { Evidence::SamePageView },
        edge: None,
    }
}

#[cfg(test)]
mod tests;
