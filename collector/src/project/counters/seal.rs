//! What facts that are sealed added to the counters: taken out of what is derived, and put into what counters begin
//! with. Nobody's number changes by it, and a rebuild of what is left derives what is left here.

use std::collections::{BTreeMap, BTreeSet};

use super::{ARRIVALS, Basis, Cell, Changes, Counted, Share, Subject, alone, counters, journeys, visit};
use crate::{
    domain::{bot::Verdicts, fact::Entry, id::LeadId, site::SiteConfig},
    store::{Contributor, Row, Stored, rollup::Base},
};

/// Gathers what moves.
pub(in crate::project) struct Moves<'a> {
    config: &'a SiteConfig,
    zone: &'a jiff::tz::TimeZone,
    verdicts: &'a mut Verdicts,
    changes: Changes,
    base: Base,
}

impl<'a> Moves<'a> {
    pub(in crate::project) fn new(
        config: &'a SiteConfig,
        zone: &'a jiff::tz::TimeZone,
        verdicts: &'a mut Verdicts,
    ) -> Self {
        Self { config, zone, verdicts, changes: Changes::default(), base: Base::default() }
    }

    /// An entry goes that was counted by itself.
    pub(in crate::project) fn entry(&mut self, entry: &Entry) {
        let mut basis = Basis { zone: self.zone, verdicts: self.verdicts };
        for (cell, tally) in alone(entry, self.config, &mut basis) {
            self.changes.sum(cell.clone(), &tally, -1);
            self.base.sums.push((cell, tally));
        }
    }

    /// A subject loses the arrivals `gone`, and `left` are left. `before` is what was counted of it.
    pub(in crate::project) fn subject(
        &mut self,
        subject: &Subject,
        before: &Counted,
        gone: &[Stored],
        left: &[Stored],
    ) {
        let left = left.get(..ARRIVALS).unwrap_or(left);
        let shares = self.shares(subject, left);
        // A cell may be of both: the visitor stays one of its visitors by what is gone as well.
        let of_gone: BTreeSet<_> = self
            .shares(subject, gone)
            .into_iter()
            .filter(|(_, share)| share.visitor)
            .map(|(cell, _)| cell)
            .collect();
        let now = Counted {
            number: before.number,
            arrivals: u32::try_from(left.len()).unwrap_or(u32::MAX),
            shares,
        };
        let mut cells: BTreeMap<&Cell, (Share, Share)> = BTreeMap::new();
        for (cell, share) in &before.shares {
            cells.entry(cell).or_default().0 = *share;
        }
        for (cell, share) in &now.shares {
            cells.entry(cell).or_default().1 = *share;
        }
        for (cell, (was, is)) in cells {
            let mut moved = was.tally;
            moved.add(&is.tally, -1);
            if was.visitor && (!is.visitor || of_gone.contains(cell)) {
                self.base.members.push((cell.clone(), before.number, was.lead));
            }
            if !moved.is_empty() {
                self.base.sums.push((cell.clone(), moved));
            }
        }
        self.changes.replace(Contributor::Subject(subject.clone()), Some(before), now);
    }

    /// A lead goes. `before` is what was counted of it.
    pub(in crate::project) fn lead(&mut self, lead: &LeadId, before: &Counted) {
        self.base.sums.extend(before.shares.iter().map(|(cell, share)| (cell.clone(), share.tally)));
        let now = Counted { shares: Vec::new(), ..before.clone() };
        self.changes.replace(Contributor::Lead(lead.clone()), Some(before), now);
    }

    fn shares(&mut self, subject: &Subject, arrivals: &[Stored]) -> Vec<(Cell, Share)> {
        let timeline = visit::timeline(journeys::seen(arrivals, subject), self.config.grouping());
        let anonymous = matches!(subject, Subject::Page(_));
        let mut basis = Basis { zone: self.zone, verdicts: self.verdicts };
        counters::shares(&timeline, anonymous, &mut basis).into_iter().collect()
    }

    /// The rows of what is derived, and what counters begin with in addition.
    pub(in crate::project) fn done(self) -> (Vec<Row>, Base) {
        (self.changes.rows(), self.base)
    }
}
