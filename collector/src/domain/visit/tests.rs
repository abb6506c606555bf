//! Known answers and properties of the splitting rule.

use proptest::prelude::*;
use wire::beacon::Mode;

use super::*;
use crate::domain::channel::Channel;

const MIN: i64 = 60_000;

fn own() -> Vec<String> {
    vec!["example.com".to_owned()]
}

fn arrival() -> Arrival {
    Arrival::bare(Id::parse("v1"), Mode::Full, 0, Vec::new())
}

fn event(page: &str, number: u16, at: i64, detail: Detail) -> Event {
    Event { id: EventId::Numbered(number), page: Id::parse(page).unwrap(), at, raw_at: None, detail }
}

fn view(page: &str, at: i64, query: &str, referrer: Option<&str>) -> Event {
    let url = format!("https://example.com/{page}{query}");
    event(page, 0, at, Detail::PageView { url, title: None, referrer: referrer.map(str::to_owned) })
}

fn click(page: &str, number: u16, at: i64) -> Event {
    event(page, number, at, Detail::Click { target: None, text: None, href: None })
}

fn leave(page: &str, number: u16, at: i64, engaged_ms: u32) -> Event {
    event(page, number, at, Detail::PageLeave { engaged_ms, scroll_pct: 50, title: None })
}

/// Visit ids with their touches' channels, and each event's visit.
fn split(events: &[Event]) -> (Vec<(String, Vec<Channel>)>, Vec<usize>) {
    let arrival = arrival();
    let found = timeline(events.iter().map(|event| Seen { arrival: &arrival, event }).collect(), &own());
    let visits = found
        .visits
        .iter()
        .map(|visit| (visit.id.clone(), visit.touches.iter().map(|touch| touch.channel).collect()));
    (visits.collect(), found.entries.iter().map(|entry| entry.visit).collect())
}

fn ids(events: &[Event]) -> Vec<String> {
    split(events).0.into_iter().map(|(id, _)| id).collect()
}

const GOOGLE: Option<&str> = Some("https://www.google.es/");
const INSIDE: Option<&str> = Some("https://example.com/a");

#[test]
fn thirty_minutes_are_one_visit_and_a_moment_more_is_two() {
    assert_eq!(ids(&[view("a", 0, "", None), view("b", GAP_MS, "", INSIDE)]), ["a"]);
    assert_eq!(ids(&[view("a", 0, "", None), view("b", GAP_MS + 1, "", INSIDE)]), ["a", "b"]);
    // Any event keeps a visit alive.
    assert_eq!(
        ids(&[view("a", 0, "", None), click("a", 1, 20 * MIN), view("b", 45 * MIN, "", INSIDE)]),
        ["a"]
    );
}

#[test]
fn an_event_belongs_to_its_page_views_visit_however_late() {
    let events = [
        view("a", 0, "", None),
        view("b", 40 * MIN, "", INSIDE),
        click("a", 1, 50 * MIN),
        leave("a", 2, 300 * MIN, 9),
    ];
    let (visits, places) = split(&events);
    assert_eq!(visits.len(), 2);
    assert_eq!(places, [0, 1, 0, 0]);
}

#[test]
fn another_campaign_opens_a_visit_and_the_same_does_not() {
    let a = "?utm_source=news&utm_medium=email&utm_campaign=one";
    let b = "?utm_source=news&utm_medium=email&utm_campaign=two";
    assert_eq!(ids(&[view("a", 0, a, None), view("b", MIN, b, None)]), ["a", "b"]);
    assert_eq!(ids(&[view("a", 0, "", None), view("b", MIN, a, None)]), ["a", "b"]);
    assert_eq!(ids(&[view("a", 0, "?gclid=1", None), view("b", MIN, "?gclid=2", None)]), ["a", "b"]);
    for part in ["source", "medium", "campaign", "content", "term"] {
        let one = format!("?utm_{part}=1");
        assert_eq!(
            ids(&[view("a", 0, &one, None), view("b", MIN, &format!("?utm_{part}=2"), None)]),
            ["a", "b"]
        );
    }
    // A page without a campaign stays in the visit, and so does the way back to the landing page.
    let (visits, _) =
        split(&[view("a", 0, a, None), view("b", MIN, "", INSIDE), view("c", 2 * MIN, a, INSIDE)]);
    assert_eq!(visits, [("a".to_owned(), vec![Channel::Email])]);
    // The same campaign after a pause is a visit of its own, with its own touch.
    let (visits, _) = split(&[view("a", 0, a, None), view("b", GAP_MS + 1, a, None)]);
    assert_eq!(visits.iter().map(|visit| visit.1.len()).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn a_referrer_alone_is_a_touch_and_a_reload_is_none() {
    let (visits, _) = split(&[
        view("a", 0, "", GOOGLE),
        view("b", MIN, "", INSIDE),
        view("c", 2 * MIN, "", Some("https://example.org/list")),
        view("d", 3 * MIN, "", Some("https://example.org/list")),
        view("e", 4 * MIN, "", GOOGLE),
    ]);
    use Channel::{OrganicSearch, Referral};
    assert_eq!(visits, [("a".to_owned(), vec![OrganicSearch, Referral, OrganicSearch])]);
}

#[test]
fn midnight_and_own_links_split_nothing() {
    let midnight = 1_795_392_000_000;
    assert_eq!(ids(&[view("a", midnight - 1, "", None), view("b", midnight + 1, "", INSIDE)]), ["a"]);
    assert_eq!(
        ids(&[view("a", 0, "?gclid=1", None), view("b", 1, "?_gl=1*x", Some("https://shop.example.com/"))]),
        ["a"]
    );
}

#[test]
fn a_visit_after_a_pause_is_direct_if_it_begins_inside() {
    let arrival = arrival();
    let events = [view("a", 0, "", GOOGLE), view("b", 31 * MIN, "", INSIDE)];
    let found = timeline(events.iter().map(|event| Seen { arrival: &arrival, event }).collect(), &own());
    let touch = &found.visits[1].touches[0];
    assert_eq!((touch.channel, touch.reason.as_deref()), (Channel::Direct, Some(reason::INTERNAL_REFERRER)));
    assert_eq!(found.entries[1].touch, Some(0));
}

#[test]
fn pages_that_never_reported_themselves_join_or_stand_alone() {
    // Alone: an unknown touch, and a page of the site that follows stays with it.
    let (visits, places) =
        split(&[click("x", 1, 0), click("x", 2, 60 * MIN), view("b", 61 * MIN, "", INSIDE)]);
    assert_eq!(visits, [("x".to_owned(), vec![Channel::Unknown])]);
    assert_eq!(places, [0, 0, 0]);
    // Joined within 30 minutes, apart after more.
    assert_eq!(ids(&[view("a", 0, "", None), click("x", 1, GAP_MS)]), ["a"]);
    assert_eq!(ids(&[view("a", 0, "", None), click("x", 1, GAP_MS + 1)]), ["a", "x"]);
    // A campaign after it is another one than none.
    assert_eq!(ids(&[click("x", 1, 0), view("b", MIN, "?gclid=1", None)]), ["x", "b"]);
}

#[test]
fn what_a_page_reports_before_its_page_view_keeps_no_visit_alive() {
    // Two beacons of one page, corrected apart: the click seems to come first.
    let events = [view("a", 0, "", None), click("b", 1, 60 * MIN), view("b", 60 * MIN + 5, "", GOOGLE)];
    let (visits, places) = split(&events);
    assert_eq!(visits.iter().map(|visit| visit.0.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(places, [0, 1, 1]);
}

#[test]
fn a_visit_is_measured_by_all_its_events() {
    let arrival = arrival();
    let events = [
        view("a", 0, "", None),
        leave("a", 1, MIN, 10_000),
        leave("a", 2, 2 * MIN, 15_000),
        view("b", 3 * MIN, "", INSIDE),
        leave("b", 1, 4 * MIN, 7_000),
        leave("a", 3, 90 * MIN, 15_500),
    ];
    let found = timeline(events.iter().map(|event| Seen { arrival: &arrival, event }).collect(), &own());
    let [visit] = found.visits.as_slice() else { panic!("one visit") };
    assert_eq!((visit.started_at, visit.ended_at), (0, 90 * MIN));
    assert_eq!((visit.page_views, visit.engaged_ms), (2, 22_500));
}

#[test]
fn nothing_is_no_visit() {
    assert_eq!(timeline(Vec::new(), &own()), Timeline { visits: Vec::new(), entries: Vec::new() });
}

const QUERIES: [&str; 5] = ["", "?gclid=1", "?gclid=2", "?utm_source=x&utm_medium=social", "?_gl=1"];
const REFERRERS: [Option<&str>; 4] = [None, GOOGLE, INSIDE, Some("https://example.org/")];

/// A visitor's life: page views at minutes up to five hours, some never reported, each with events around it.
fn life() -> impl Strategy<Value = Vec<Event>> {
    let page =
        (0i64..300, 0usize..5, 0usize..4, prop::bool::weighted(0.85), prop::collection::vec(-3i64..90, 0..4));
    prop::collection::vec(page, 0..9).prop_map(|pages| {
        let mut events = Vec::new();
        for (index, (minute, query, referrer, reported, others)) in pages.into_iter().enumerate() {
            let page = format!("p{index}");
            if reported {
                events.push(view(&page, minute * MIN, QUERIES[query], REFERRERS[referrer]));
            }
            for (number, after) in (1u16..).zip(others) {
                let at = (minute + after) * MIN;
                events.push(if number == 2 { leave(&page, 2, at, 1000) } else { click(&page, number, at) });
            }
        }
        events
    })
}

fn shuffled() -> impl Strategy<Value = (Vec<Event>, Vec<Event>)> {
    life().prop_flat_map(|events| {
        let copies = prop::collection::vec(0usize..3, events.len());
        let original = events.clone();
        copies.prop_flat_map(move |copies| {
            let mut more = original.clone();
            for (event, &copies) in original.iter().zip(&copies) {
                more.extend(std::iter::repeat_n(event.clone(), copies));
            }
            (Just(original.clone()), Just(more).prop_shuffle())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn order_and_copies_of_the_input_make_no_difference((events, shuffled) in shuffled()) {
        let arrival = arrival();
        let seen = |events: &[Event]| -> Vec<(usize, Option<usize>, Event)> {
            let found = timeline(events.iter().map(|event| Seen { arrival: &arrival, event }).collect(), &own());
            found.entries.iter().map(|entry| (entry.visit, entry.touch, entry.seen.event.clone())).collect()
        };
        let visits = |events: &[Event]| {
            timeline(events.iter().map(|event| Seen { arrival: &arrival, event }).collect(), &own()).visits
        };
        prop_assert_eq!(seen(&events), seen(&shuffled));
        prop_assert_eq!(visits(&events), visits(&shuffled));
    }

    #[test]
    fn every_event_is_in_one_visit_and_every_visit_has_a_touch(events in life()) {
        let arrival = arrival();
        let found = timeline(events.iter().map(|event| Seen { arrival: &arrival, event }).collect(), &own());
        prop_assert_eq!(found.entries.len(), events.len());
        let mut visit_of: HashMap<&Id, usize> = HashMap::new();
        for entry in &found.entries {
            prop_assert_eq!(*visit_of.entry(&entry.seen.event.page).or_insert(entry.visit), entry.visit);
            if let Some(touch) = entry.touch {
                prop_assert!(is_page_view(entry.seen.event));
                prop_assert_eq!(found.visits[entry.visit].touches[touch].at, entry.seen.event.at);
            }
        }
        for pair in found.entries.windows(2) {
            prop_assert!(pair[0].seen.event.order() < pair[1].seen.event.order());
        }
        let mut names = HashSet::new();
        for (index, visit) in found.visits.iter().enumerate() {
            prop_assert!(names.insert(&visit.id));
            prop_assert!(!visit.touches.is_empty());
            let inside: Vec<_> = found.entries.iter().filter(|entry| entry.visit == index).collect();
            prop_assert_eq!(inside.iter().map(|entry| entry.seen.event.at).min(), Some(visit.started_at));
            prop_assert_eq!(inside.iter().map(|entry| entry.seen.event.at).max(), Some(visit.ended_at));
            let brought = inside.iter().filter(|entry| entry.touch.is_some()).count();
            let unknown = visit.touches.iter().filter(|touch| touch.channel == Channel::Unknown).count();
            prop_assert_eq!(brought + unknown, visit.touches.len());
        }
    }

    /// The rule once more, in its plainest form: for each page view, look back over everything before it.
    #[test]
    fn a_visit_opens_after_a_pause_or_by_another_campaign_and_never_else(events in life()) {
        let arrival = arrival();
        let found = timeline(events.iter().map(|event| Seen { arrival: &arrival, event }).collect(), &own());
        let mut campaign = Campaign::default();
        let mut opened = 0usize;
        for (index, entry) in found.entries.iter().enumerate() {
            let Detail::PageView { url, .. } = &entry.seen.event.detail else {
                let page = &entry.seen.event.page;
                let first = found.entries[..index].iter().all(|before| before.seen.event.page != *page);
                let reports = events.iter().any(|event| event.page == *page && is_page_view(event));
                if first && !reports {
                    let last = found.entries[..index].last();
                    if last.is_none_or(|last| entry.seen.event.at - last.seen.event.at > GAP_MS) || opened == 0 {
                        opened += 1;
                        campaign = Campaign::default();
                    }
                    prop_assert_eq!(entry.visit + 1, opened);
                }
                continue;
            };
            let others = found.entries[..index].iter().rev();
            let last = others.map(|before| before.seen.event).find(|event| event.page != entry.seen.event.page);
            let paused = last.is_none_or(|last| entry.seen.event.at - last.at > GAP_MS);
            let named = channel::campaign_of(url);
            if paused || opened == 0 || (!named.is_empty() && named != campaign) {
                opened += 1;
                campaign = named;
                prop_assert_eq!(entry.touch, Some(0));
            }
            prop_assert_eq!(entry.visit + 1, opened);
        }
        prop_assert_eq!(opened, found.visits.len());
    }
}
