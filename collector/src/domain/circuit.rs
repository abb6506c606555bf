//! When an endpoint that takes nothing is left alone for a moment, and when somebody is told of it.
//!
//! A circuit is a state machine over the outcomes of attempts. It lives with the process: after a start an endpoint gets the
//! benefit of the doubt.

/// So many failures in a row open the circuit.
const FAILURES: u32 = 5;
/// How long it stays open first, in ms; each further failure doubles it.
const OPEN_MS: i64 = 5_000;
/// It stays open no longer than this, in ms: somebody waits to be called within the minute.
const OPEN_MOST_MS: i64 = 60_000;
/// Failures for so long, in ms, and so many as open the circuit, are told.
pub const FAILING_MS: i64 = 60_000;

/// What may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// As much as there is.
    All,
    /// One message, to see whether it is taken.
    One,
    /// Nothing before this time, ms since the epoch.
    NoneBefore(i64),
}

/// How an endpoint took what it was sent lately.
#[derive(Debug, Clone, Default)]
pub struct Circuit {
    failures: u32,
    /// When the first of those failures was.
    since: Option<i64>,
    open_until: Option<i64>,
}

impl Circuit {
    /// What may be tried at a time.
    #[must_use]
    pub fn allows(&self, now: i64) -> Allowed {
        match self.open_until {
            None => Allowed::All,
            Some(until) if now < until => Allowed::NoneBefore(until),
            Some(_) => Allowed::One,
        }
    }

    /// It took something.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// It did not, at a time.
    pub fn failed(&mut self, now: i64) {
        self.failures = self.failures.saturating_add(1);
        self.since.get_or_insert(now);
        // Those that were under way when it opened say nothing new.
        let is_open = self.open_until.is_some_and(|until| now < until);
        if self.failures >= FAILURES && !is_open {
            let doubled = (self.failures - FAILURES).min(10);
            self.open_until = Some(now + (OPEN_MS << doubled).min(OPEN_MOST_MS));
        }
    }

    /// Since when it has been failing for so long that somebody should know, ms since the epoch.
    #[must_use]
    pub fn failing(&self, now: i64) -> Option<i64> {
        self.since.filter(|since| self.failures >= FAILURES && now - since >= FAILING_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_open_it_one_success_closes_it() {
        let mut circuit = Circuit::default();
        for now in 0..4 {
            circuit.failed(now);
            assert_eq!(circuit.allows(now), Allowed::All);
        }
        circuit.failed(4);
        assert_eq!(circuit.allows(4), Allowed::NoneBefore(4 + OPEN_MS));
        assert_eq!(circuit.allows(4 + OPEN_MS), Allowed::One);
        circuit.succeeded();
        assert_eq!(circuit.allows(5), Allowed::All);
        assert_eq!(circuit.failing(i64::MAX), None);
    }

    #[test]
    fn a_success_in_between_counts_from_the_beginning() {
        let mut circuit = Circuit::default();
        for round in 0..20 {
            for _ in 0..4 {
                circuit.failed(round);
            }
            circuit.succeeded();
        }
        assert_eq!(circuit.allows(20), Allowed::All);
    }

    #[test]
    fn the_longer_it_fails_the_longer_it_is_left_alone_and_never_over_a_minute() {
        let mut circuit = Circuit::default();
        for _ in 0..4 {
            circuit.failed(0);
        }
        let (mut now, mut pauses) = (0, Vec::new());
        for _ in 0..8 {
            circuit.failed(now);
            let Allowed::NoneBefore(until) = circuit.allows(now) else { panic!("it is closed") };
            pauses.push(until - now);
            now = until;
        }
        assert_eq!(pauses[..4], [5_000, 10_000, 20_000, 40_000]);
        assert!(pauses[4..].iter().all(|pause| *pause == OPEN_MOST_MS), "{pauses:?}");
    }

    #[test]
    fn stragglers_do_not_keep_it_open() {
        let mut circuit = Circuit::default();
        for _ in 0..5 {
            circuit.failed(100);
        }
        for now in 101..110 {
            circuit.failed(now);
        }
        assert_eq!(circuit.allows(110), Allowed::NoneBefore(100 + OPEN_MS));
    }

    #[test]
    fn it_is_told_after_a_minute_of_nothing_but_failures() {
        let mut circuit = Circuit::default();
        for n in 0..5 {
            circuit.failed(n * 1_000);
            assert_eq!(circuit.failing(n * 1_000), None);
        }
        assert_eq!(circuit.failing(FAILING_MS - 1), None);
        assert_eq!(circuit.failing(FAILING_MS), Some(0));
    }
}
