//! What a projector commits: rows, together with its position.

use super::{Contributor, Stored};
use crate::domain::{
    call::Lease,
    chat::{Clicked, Used},
    counters::{Cell, Counted, Tally},
    delivery::Delivery,
    do_not_call::DoNotCall,
    event::Detail,
    fact::{Arrival, Entry, Position, SiteNumber, Subject},
    id::LeadId,
    identity::{Edge, EdgeId, person::Conflict, profile::Profile},
    install::Install,
    silence::{self, Hour},
    standing::Lead,
    webhook::Desk,
};

/// One projector's step from one position to another.
#[derive(Debug)]
pub struct Step {
    /// Who.
    pub projector: &'static str,
    /// In whose log.
    pub site: SiteNumber,
    /// Where it stands.
    pub from: Position,
    /// Where it will stand.
    pub to: Position,
    /// What it derived.
    pub rows: Vec<Row>,
}

/// Something derived, to be kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// An arrival belongs to a subject's journey.
    Piece {
        /// Whose.
        subject: Subject,
        /// The arrival's first position.
        position: Position,
    },
    /// A lead as it stands now.
    Lead(Box<Lead>),
    /// An entry is about a lead.
    Record {
        /// Which.
        lead: LeadId,
        /// The entry's position.
        position: Position,
    },
    /// A piece of evidence goes, as if it had never been.
    Unsaid(Box<Edge>),
    /// A subject's story ends here: what it is made of by now is shown no more, and counted on.
    Ended(Subject),
    /// Somebody said on a page that they bought.
    Order {
        /// What the shop calls the order.
        order_id: String,
        /// Whose page.
        subject: Subject,
        /// The event's position.
        position: Position,
    },
    /// What the site's beacons have shown.
    Install(Install),
    /// The own domains and grouping rules that origins were derived with.
    Basis(Vec<String>),
    /// A change of how many beacons came in an hour.
    Pulse {
        /// Which hour.
        hour: Hour,
        /// What is added.
        change: i64,
    },
    /// A change of how often a form was sent in an hour.
    FormPulse {
        /// Which form.
        form: String,
        /// Which hour.
        hour: Hour,
        /// What is added.
        change: i64,
    },
    /// A change of a cell's sums.
    Sums {
        /// Which cell.
        cell: Box<Cell>,
        /// What is added.
        change: Box<Tally>,
    },
    /// Whether a visitor is one of a cell's.
    Member {
        /// Which cell.
        cell: Box<Cell>,
        /// The visitor's number.
        number: Position,
        /// Whether they visited.
        visitor: bool,
        /// Whether they left a lead.
        lead: bool,
    },
    /// A piece of evidence of who is who, as it stands now.
    Edge(Box<Edge>),
    /// What is remembered of a subject, by now; `None` where it is nobody's any more.
    Profile(Subject, Option<Box<Profile>>),
    /// Whether a piece of evidence, which happened at a time, was refused.
    Conflict {
        /// When it happened, ms since the epoch.
        at: i64,
        /// Which evidence.
        edge: EdgeId,
        /// Why; `None` where it was not.
        why: Option<Conflict>,
    },
    /// A number was shown to a visitor.
    Lease(Lease),
    /// Whether a number is not to be called, by now.
    DoNotCall(DoNotCall),
    /// A reference was clicked.
    Clicked(Clicked),
    /// A reference led to a browser.
    Used(Used),
    /// An entry is part of the audit trail.
    Audited(Position),
    /// What was counted of a subject, a cost or a lead, by now.
    Counted(Contributor, Box<Counted>),
    /// A lead's share was counted as it is.
    Fresh(LeadId),
    /// What counters were derived with.
    CountersBasis(String),
    /// A site's endpoints as they stand now.
    Desk(Desk),
    /// A message on its way, as it stands now.
    Delivery(Box<Delivery>),
}

impl Row {
    /// Of an entry that those ask for who ask who did what.
    #[must_use]
    pub fn audit(stored: &Stored) -> Option<Self> {
        let is_audited = matches!(stored.entry.as_ref(), Entry::Tried(tried) if tried.was_sent())
            || matches!(
                stored.entry.as_ref(),
                Entry::Looked(_)
                    | Entry::Exported(_)
                    | Entry::Erased(_)
                    | Entry::Consent(_)
                    | Entry::Stage(_)
                    | Entry::EdgeMark(_)
                    | Entry::DoNotCall(_)
            );
        is_audited.then_some(Self::Audited(stored.position))
    }

    /// What a beacon adds to the hour of each form that was sent in it, so many times.
    pub fn form_pulses(arrival: &Arrival, times: i64) -> impl Iterator<Item = Self> + '_ {
        let hour = silence::hour_of(arrival.received_at);
        let sent = arrival.events.iter().filter(|_| !arrival.foreign_origin);
        sent.filter_map(move |event| match &event.detail {
            Detail::FormSubmit { form, .. } => {
                Some(Self::FormPulse { form: form.clone(), hour, change: times })
            }
            _ => None,
        })
    }

    /// What a beacon adds to its hour, so many times. One from a page that is not the site's says nothing of the site.
    #[must_use]
    pub fn pulse(arrival: &Arrival, times: i64) -> Option<Self> {
        let hour = silence::hour_of(arrival.received_at);
        (!arrival.foreign_origin).then_some(Self::Pulse { hour, change: times })
    }
}
