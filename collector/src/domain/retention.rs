//! How long facts are kept, and which of a visitor's are old enough to go.
//!
//! Age counts from when a fact was received. A lead keeps its whole journey; without one, whole visits go, the oldest
//! first, and never a part of one: what is left of a timeline is then split into the same visits as before.

use std::collections::{BTreeSet, HashMap};

use jiff::{Span, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    fact::Arrival,
    id::Id,
    visit::{GAP_MS, Seen},
};

/// How long a site keeps what, in months; `None` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Events, and the journeys that are made of them.
    pub events_months: Option<u16>,
    /// Leads with their journeys and contact details, after the last thing that happened about them.
    pub leads_months: Option<u16>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { events_months: Some(25), leads_months: Some(24) }
    }
}

/// What was received before these moments (ms since the epoch) is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cutoffs {
    /// For events without a lead.
    pub events: i64,
    /// For leads, by the last thing that happened.
    pub leads: i64,
}

impl Retention {
    /// At most so many months can be asked for.
    pub const MOST_MONTHS: u16 = 600;

    /// What is too old at a moment, by the months of a site's calendar.
    #[must_use]
    pub fn cutoffs(&self, now: i64, zone: &TimeZone) -> Cutoffs {
        let before = |months: Option<u16>| {
            let span = Span::new().try_months(months?).ok()?;
            let now = Timestamp::from_millisecond(now).ok()?.to_zoned(zone.clone());
            Some(now.checked_sub(span).ok()?.timestamp().as_millisecond())
        };
        Cutoffs {
            events: before(self.events_months).unwrap_or(i64::MIN),
            leads: before(self.leads_months).unwrap_or(i64::MIN),
        }
    }
}

/// Which of one visitor's arrivals go: those that make up the oldest visits, where each was received before `cutoff`
/// and nothing of them belongs to what stays. Indices into `arrivals`.
#[must_use]
pub fn old_visits(arrivals: &[&Arrival], cutoff: i64) -> BTreeSet<usize> {
    let mut events: Vec<(usize, Seen<'_>)> = Vec::new();
    for (index, &arrival) in arrivals.iter().enumerate() {
        events.extend(arrival.events.iter().map(|event| (index, Seen { arrival, event })));
    }
    events.sort_by(|(_, a), (_, b)| {
        let order = a.event.order().cmp(&b.event.order());
        order.then_with(|| a.arrival.received_at.cmp(&b.arrival.received_at))
    });
    // Where each arrival and each page view begins and ends: no cut goes through one.
    let mut spans: HashMap<Whole<'_>, (usize, usize)> = HashMap::new();
    for (place, (index, seen)) in events.iter().enumerate() {
        for whole in [Whole::Arrival(*index), Whole::Page(&seen.event.page)] {
            spans.entry(whole).or_insert((place, place)).1 = place;
        }
    }
    let mut through = vec![0_i32; events.len() + 2];
    for (first, last) in spans.values() {
        through[first + 1] += 1;
        through[last + 1] -= 1;
    }
    let (mut open, mut cut) = (0, 0);
    for (place, (index, seen)) in events.iter().enumerate() {
        if arrivals.get(*index).is_none_or(|arrival| arrival.received_at >= cutoff) {
            break;
        }
        open += through[place + 1];
        let paused = events
            .get(place + 1)
            .is_none_or(|(_, next)| next.event.at.saturating_sub(seen.event.at) > GAP_MS);
        if paused && open == 0 {
            cut = place + 1;
        }
    }
    events.iter().take(cut).map(|(index, _)| *index).collect()
}

#[derive(PartialEq, Eq, Hash)]
enum Whole<'a> {
    Arrival(usize),
    Page(&'a Id),
}

#[cfg(test)]
mod tests {
    use wire::beacon::Mode;

    use super::*;
    use crate::domain::{
        calendar,
        event::{Detail, Event},
        id::EventId,
    };

    const MINUTE: i64 = 60_000;

    fn arrival(received_at: i64, events: &[(&str, u16, i64)]) -> Arrival {
        let event = |&(page, number, minute): &(&str, u16, i64)| Event {
            id: EventId::Numbered(number),
            page: Id::parse(page).unwrap(),
            at: minute * MINUTE,
            raw_at: None,
            detail: Detail::PageLeave { engaged_ms: 0, scroll_pct: 0, title: None },
        };
        Arrival::bare(Id::parse("v"), Mode::Full, received_at, events.iter().map(event).collect())
    }

    fn old(arrivals: &[Arrival], cutoff: i64) -> Vec<usize> {
        old_visits(&arrivals.iter().collect::<Vec<_>>(), cutoff).into_iter().collect()
    }

    #[test]
    fn whole_visits_go_and_no_part_of_one() {
        let visits = [
            arrival(1, &[("a", 0, 0)]),
            arrival(2, &[("a", 1, 5), ("b", 0, 20)]),
            arrival(3, &[("c", 0, 100)]),
            arrival(4, &[("d", 0, 110)]),
        ];
        for (cutoff, gone) in [(1, &[][..]), (2, &[]), (3, &[0, 1]), (4, &[0, 1]), (5, &[0, 1, 2, 3])] {
            assert_eq!(old(&visits, cutoff), gone, "{cutoff}");
        }
    }

    #[test]
    fn what_holds_two_visits_together_keeps_both() {
        // A late event of an early page view; a beacon with events of both; an early event that was received late.
        let late = [arrival(1, &[("a", 0, 0)]), arrival(1, &[("b", 0, 100)]), arrival(9, &[("a", 1, 200)])];
        assert_eq!(old(&late, 5), [0_usize; 0]);
        let both = [arrival(1, &[("a", 0, 0), ("b", 0, 100)]), arrival(9, &[("c", 0, 200)])];
        assert_eq!(old(&both, 5), [0]);
        let told_late = [arrival(9, &[("a", 0, 0)]), arrival(1, &[("b", 0, 100)])];
        assert_eq!(old(&told_late, 5), [0_usize; 0]);
        assert_eq!(old(&[], 5), [0_usize; 0]);
    }

    #[test]
    fn months_are_the_calendars_and_none_is_for_ever() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let madrid = calendar::zone("Europe/Madrid");
        let cutoffs = Retention::default().cutoffs(at("2026-11-25T12:00:00Z"), &madrid);
        assert_eq!(cutoffs.events, at("2024-10-25T11:00:00+02:00") + 2 * 60 * MINUTE);
        assert_eq!(cutoffs.leads, at("2024-11-25T12:00:00Z"));
        let for_ever = Retention { events_months: None, leads_months: None };
        assert_eq!(for_ever.cutoffs(0, &madrid), Cutoffs { events: i64::MIN, leads: i64::MIN });
    }
}
