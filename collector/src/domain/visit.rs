//! One visitor's page views, split into visits.
//!
//! A visit opens at a page view
//! - more than 30 minutes after the last event before it (of another page view: what a page view reports of itself
//!   does not keep a visit alive that it has not yet joined), or
//! - with a campaign (UTM or click id) other than the visit's.
//!
//! A referrer alone is a touch, not a new visit. Midnight does not split. Every event belongs to its page view's
//! visit, however late it is. A page view that never reported itself joins the visit that is running at its first
//! event; where none is, it forms one, with an unknown touch.

use std::collections::{HashMap, HashSet};

use wire::arrival::Campaign;

use super::{
    channel::{self, reason, rules::Grouping},
    event::{Detail, Event},
    fact::Arrival,
    id::{EventId, Id},
    touch::{self, Touch},
};

/// A page view this long after the last event opens a visit, if it is more, in ms.
pub const GAP_MS: i64 = 30 * 60 * 1000;

/// An event, and the arrival that brought it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen<'a> {
    /// What the events of one beacon share.
    pub arrival: &'a Arrival,
    /// What happened.
    pub event: &'a Event,
}

/// One visitor's page views in order, without a long pause and from one campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    /// The id of the page view that opened it.
    pub id: String,
    /// Its earliest event, ms since the epoch.
    pub started_at: i64,
    /// Its latest event, ms since the epoch.
    pub ended_at: i64,
    /// Its arrivals, in order; at least one.
    pub touches: Vec<Touch>,
    /// How many page views reported themselves.
    pub page_views: u32,
    /// Time visible and active, in ms: of each page view the most that it reported, for its reports count up.
    pub engaged_ms: u64,
}

/// One visitor's events in order, and the visits they fall into.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline<'a> {
    /// In the order they opened.
    pub visits: Vec<Visit>,
    /// In the order of [`Event::order`].
    pub entries: Vec<Entry<'a>>,
}

/// One event's place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry<'a> {
    /// The event.
    pub seen: Seen<'a>,
    /// Index of its visit in [`Timeline::visits`].
    pub visit: usize,
    /// Index of the touch that it brought, in that visit's touches: page views alone bring one.
    pub touch: Option<usize>,
}

/// Orders one visitor's events and splits them into visits. Nothing is dropped but second copies of an event (the
/// same id of the same page view); the order and the copies of the input make no difference to the result. `grouping`
/// has the site's domains and its rules.
///
/// Anonymous page views stand alone: give their events one page view at a time.
#[must_use]
pub fn timeline<'a, 'g>(mut seen: Vec<Seen<'a>>, grouping: impl Into<Grouping<'g>>) -> Timeline<'a> {
    seen.sort_by(|a, b| {
        let order = a.event.order().cmp(&b.event.order());
        order.then_with(|| a.arrival.received_at.cmp(&b.arrival.received_at))
    });
    let mut known: HashSet<(&Id, &EventId)> = HashSet::with_capacity(seen.len());
    seen.retain(|seen| known.insert((&seen.event.page, &seen.event.id)));

    let openers = openers(&seen);
    let mut split = Split { grouping: grouping.into(), visits: Vec::new(), campaign: Campaign::default() };
    let mut last = Last::default();
    let mut placed: HashMap<&Id, usize> = HashMap::with_capacity(openers.len());
    let mut touches: Vec<Option<usize>> = Vec::with_capacity(seen.len());
    for (index, seen) in seen.iter().enumerate() {
        let event = seen.event;
        let opens = openers.get(&event.page) == Some(&index);
        touches.push(if opens { split.open(event, last.before(&event.page)) } else { None });
        if opens && let Some(visit) = split.visits.len().checked_sub(1) {
            placed.insert(&event.page, visit);
        }
        last.saw(event);
    }

    let entries: Vec<Entry<'a>> = seen
        .iter()
        .zip(touches)
        // Every page has an opener, and every opener a visit.
        .filter_map(|(seen, touch)| Some(Entry { seen: *seen, visit: *placed.get(&seen.event.page)?, touch }))
        .collect();
    let mut visits = split.visits;
    measure(&mut visits, &entries);
    Timeline { visits, entries }
}

/// Where each page view begins: its `page_view`, or the first of its events where it has none.
fn openers<'a>(seen: &[Seen<'a>]) -> HashMap<&'a Id, usize> {
    let mut openers: HashMap<&'a Id, usize> = HashMap::new();
    let mut reported: HashSet<&'a Id> = HashSet::new();
    for (index, seen) in seen.iter().enumerate() {
        let page = &seen.event.page;
        if is_page_view(seen.event) && reported.insert(page) {
            openers.insert(page, index);
        } else {
            openers.entry(page).or_insert(index);
        }
    }
    openers
}

fn is_page_view(event: &Event) -> bool {
    matches!(event.detail, Detail::PageView { .. })
}

/// The last events so far: the very last, and the last one of any other page view than its.
#[derive(Default)]
struct Last<'a> {
    one: Option<(i64, &'a Id)>,
    other: Option<i64>,
}

impl<'a> Last<'a> {
    fn saw(&mut self, event: &'a Event) {
        if let Some((at, page)) = self.one
            && *page != event.page
        {
            self.other = Some(at);
        }
        self.one = Some((event.at, &event.page));
    }

    /// When the last event happened that is not of this page view.
    fn before(&self, page: &Id) -> Option<i64> {
        match self.one {
            Some((_, last)) if last == page => self.other,
            one => one.map(|(at, _)| at),
        }
    }
}

/// The visits so far; the last one is running.
struct Split<'o> {
    grouping: Grouping<'o>,
    visits: Vec<Visit>,
    /// What the running visit came by.
    campaign: Campaign,
}

impl Split<'_> {
    /// Puts a page view into the running visit or opens one with it. `before` is when the last event before it
    /// happened. Answers the index of the touch that it brought.
    fn open(&mut self, event: &Event, before: Option<i64>) -> Option<usize> {
        let paused = before.is_none_or(|before| event.at.saturating_sub(before) > GAP_MS);
        let Detail::PageView { url, referrer, .. } = &event.detail else {
            if paused || self.visits.is_empty() {
                self.campaign = Campaign::default();
                self.start(event, Touch::unknown(event.at, reason::NO_PAGE_VIEW));
            }
            return None;
        };
        let campaign = channel::campaign_of(url);
        let opens = paused || self.visits.is_empty() || (!campaign.is_empty() && campaign != self.campaign);
        let touch = touch::of_page_view(event.at, url, referrer.as_deref(), self.grouping, opens)?;
        if opens {
            self.campaign = campaign;
            self.start(event, touch);
            return Some(0);
        }
        let touches = &mut self.visits.last_mut()?.touches;
        if touches.last().is_some_and(|last| touch.repeats(last)) {
            return None;
        }
        touches.push(touch);
        Some(touches.len() - 1)
    }

    fn start(&mut self, event: &Event, touch: Touch) {
        self.visits.push(Visit {
            id: event.page.to_string(),
            started_at: event.at,
            ended_at: event.at,
            touches: vec![touch],
            page_views: 0,
            engaged_ms: 0,
        });
    }
}

/// Fills in what only all of a visit's events tell.
fn measure(visits: &mut [Visit], entries: &[Entry<'_>]) {
    let mut engaged: HashMap<&Id, (usize, u32)> = HashMap::new();
    let mut reported: HashSet<&Id> = HashSet::new();
    for entry in entries {
        let event = entry.seen.event;
        let Some(visit) = visits.get_mut(entry.visit) else { continue };
        visit.started_at = visit.started_at.min(event.at);
        visit.ended_at = visit.ended_at.max(event.at);
        match event.detail {
            Detail::PageView { .. } if reported.insert(&event.page) => visit.page_views += 1,
            Detail::PageLeave { engaged_ms, .. } => {
                let (_, most) = engaged.entry(&event.page).or_insert((entry.visit, 0));
                *most = engaged_ms.max(*most);
            }
            _ => {}
        }
    }
    for (visit, most) in engaged.into_values() {
        if let Some(visit) = visits.get_mut(visit) {
            visit.engaged_ms += u64::from(most);
        }
    }
}

#[cfg(test)]
mod tests;
