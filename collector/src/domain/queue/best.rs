//! The first of many: nobody asks for the order of a hundred thousand.

use std::cmp::Ordering;

use crate::domain::waiting::Waiting;

/// As many are put in order at a time; an answer has no more.
pub(super) const PAGE: usize = 512;

/// What a lead is ordered by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rank<'a> {
    pub(super) priority: f64,
    pub(super) created_at: i64,
    pub(super) waiting: &'a Waiting,
    pub(super) is_outside_window: bool,
}

impl Eq for Rank<'_> {}

impl Ord for Rank<'_> {
    /// The one to be called first is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_number = self.priority.total_cmp(&other.priority);
        let by_age = || other.created_at.cmp(&self.created_at);
        by_number.then_with(by_age).then_with(|| other.waiting.lead.cmp(&self.waiting.lead))
    }
}

impl PartialOrd for Rank<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The greatest of many, a page of them.
#[derive(Debug, Default)]
pub(super) struct Best<'a> {
    ranks: Vec<Rank<'a>>,
    /// Whoever is not before this one is not among them.
    least: Option<Rank<'a>>,
}

impl<'a> Best<'a> {
    /// Whoever has less than this is not among them.
    pub(super) fn least(&self) -> f64 {
        self.least.map_or(0.0, |least| least.priority)
    }

    pub(super) fn offer(&mut self, rank: Rank<'a>) {
        if self.least.is_some_and(|least| rank < least) {
            return;
        }
        self.ranks.push(rank);
        if self.ranks.len() >= 2 * PAGE {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let others = self.ranks.len().saturating_sub(PAGE);
        if others > 0 {
            let (_, least, _) = self.ranks.select_nth_unstable(others);
            self.least = Some(*least);
            self.ranks.drain(..others);
        }
    }

    /// In order, the greatest last.
    pub(super) fn sorted(mut self) -> Vec<Rank<'a>> {
        self.cut();
        self.ranks.sort_unstable();
        self.ranks
    }
}
