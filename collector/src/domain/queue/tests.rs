//! Known answers: who is first, why, and who is held.

use proptest::prelude::*;
use smallvec::{SmallVec, smallvec};

use super::{best::PAGE, *};
use crate::domain::{hours::Hours, id::LeadId, score::Mark, sla::Case};

/// A Wednesday, 2026-11-25 12:00 UTC: 13:00 in Madrid, 06:00 in Mexico.
const NOON: i64 = 1_795_608_000_000;

fn lead(name: &str, kind: LeadKind, minutes_ago: i64) -> Waiting {
    let at = NOON - minutes_ago * MINUTE_MS;
    let case = Case {
        kind,
        channel: Some("email".to_owned()),
        source: None,
        campaign: None,
        form: None,
        product: None,
    };
    Waiting {
        lead: LeadId::of_event(name),
        case,
        created_at: at,
        told_at: at,
        is_promised: true,
        is_breached: false,
        attempts: 0,
        last_attempt_at: None,
        agreed: true,
        has_phone: true,
        duplicate_of: None,
        tz: None,
        marks: SmallVec::new(),
    }
}

fn queue<'a>(waiting: &'a [Waiting], config: &'a SiteConfig) -> Queue<'a, std::slice::Iter<'a, Waiting>> {
    Queue::of(waiting.iter(), config, None, NOON)
}

fn order<'a>(queue: impl Iterator<Item = Place<'a>>) -> Vec<LeadId> {
    queue.map(|place| place.waiting.lead.clone()).collect()
}

fn ids(names: &[&str]) -> Vec<LeadId> {
    names.iter().map(|name| LeadId::of_event(name)).collect()
}

#[test]
fn the_fresh_one_that_is_worth_most_is_called_first_and_says_why() {
    let config = SiteConfig::default();
    let minute = u32::try_from(NOON / MINUTE_MS).unwrap();
    let index = |id: &str| {
        u16::try_from(config.scoring.rules.iter().position(|rule| rule.id == id).unwrap()).unwrap()
    };
    let marks = smallvec![Mark(index("callback"), minute), Mark(index("call_click"), minute)];
    let all = [
        lead("old", LeadKind::Callback, 60),
        lead("form", LeadKind::Form, 0),
        Waiting { marks, ..lead("scored", LeadKind::Callback, 60) },
        lead("half", LeadKind::Callback, 30),
        Waiting {
            attempts: 1,
            last_attempt_at: Some(NOON - 6 * MINUTE_MS),
            ..lead("tried", LeadKind::Callback, 10)
        },
    ];
    let mut places = queue(&all, &config);
    assert_eq!((places.len(), places.held.len()), (5, 0));
    let first = places.next().unwrap();
    assert_eq!(first.waiting.lead, LeadId::of_event("form"), "3 against 4 × 0.707");
    let half = places.next().unwrap();
    let expected = Why { kind: 4.0, score: 1.0, freshness: 0.707, urgency: 1.0, attempts: 1.0 };
    assert_eq!((half.why, half.waiting.lead.clone()), (expected, LeadId::of_event("half")));
    let scored = places.next().unwrap();
    assert_eq!((scored.why.score, scored.why.freshness), (1.3, 0.5));
    assert_eq!(scored.why.priority(), 4.0 * 1.3 * 0.5);
    assert_eq!(order(places), ids(&["old", "tried"]), "2, and 4 × 0.891 × 0.5");
}

#[test]
fn whose_time_runs_out_goes_before_who_has_as_much_left() {
    let config = SiteConfig::default();
    let at = |name: &str, seconds: i64| Waiting {
        told_at: NOON - seconds * 1_000,
        ..lead(name, LeadKind::Form, 0)
    };
    let all = [at("just", 0), at("soon", 45), at("gone", 61)];
    let places: Vec<Place<'_>> = queue(&all, &config).collect();
    let urgency: Vec<f64> = places.iter().map(|place| place.why.urgency).collect();
    assert_eq!(urgency, [1.75, 1.0, 1.0]);
    assert_eq!(places[0].waiting.lead, LeadId::of_event("soon"));
}

#[test]
fn who_may_not_be_called_now_is_held_by_what_holds_them() {
    let config = SiteConfig::default();
    let mexico =
        |name: &str, kind| Waiting { tz: Some("America/Mexico_City".to_owned()), ..lead(name, kind, 1) };
    let tried = |name: &str, attempts: u32, minutes: i64| Waiting {
        attempts,
        last_attempt_at: Some(NOON - minutes * MINUTE_MS),
        ..lead(name, LeadKind::Form, 600)
    };
    let again = |name: &str, original: &str| Waiting {
        duplicate_of: Some(LeadId::of_event(original)),
        ..lead(name, LeadKind::Form, 1)
    };
    let all = [
        lead("fine", LeadKind::Form, 1),
        Waiting { agreed: false, ..lead("list", LeadKind::Import, 1) },
        Waiting { has_phone: false, ..lead("mail", LeadKind::Form, 1) },
        again("again", "fine"),
        again("other", "reached already"),
        tried("lately", 1, 4),
        tried("due", 1, 5),
        tried("second", 2, 29),
        tried("often", 5, 10_000),
        mexico("asleep", LeadKind::Form),
        mexico("asked", LeadKind::Callback),
        Waiting { tz: Some("Nowhere/Land".to_owned()), ..lead("unknown", LeadKind::Form, 1) },
    ];
    let queue = queue(&all, &config);
    let held: Vec<(Held, usize)> = queue.held.clone().into_iter().collect();
    let expected = [
        (Held::NoConsent, 1),
        (Held::NoPhone, 1),
        (Held::Duplicate, 1),
        (Held::Exhausted, 1),
        (Held::TriedLately, 2),
        (Held::OutsideWindow, 1),
    ];
    assert_eq!(held, expected);
    assert_eq!(queue.next_at, Some(NOON + MINUTE_MS), "both that were tried");
    let outside: Vec<LeadId> =
        queue.filter(|place| place.is_outside_window).map(|place| place.waiting.lead.clone()).collect();
    assert_eq!(outside, ids(&["asked"]), "who asked to be called may be, and is marked");
}

#[test]
fn the_next_slot_is_when_both_are_there() {
    let office: Hours =
        serde_json::from_str(r#"{"week": {"wed": [["09:00", "18:00"]], "thu": [["09:00", "18:00"]]}}"#)
            .unwrap();
    let config = SiteConfig { hours: office, ..SiteConfig::default() };
    let hour = 60 * MINUTE_MS;
    // Nine in Mexico is four in Madrid; there they leave at six.
    assert_eq!(best_slot(&config, LeadKind::Form, Some("America/Mexico_City"), NOON), Some(NOON + 3 * hour));
    assert_eq!(
        best_slot(&config, LeadKind::Form, Some("America/Mexico_City"), NOON + 5 * hour),
        Some(NOON + 27 * hour)
    );
    assert_eq!(best_slot(&config, LeadKind::Callback, Some("America/Mexico_City"), NOON), Some(NOON));
    assert_eq!(best_slot(&config, LeadKind::Form, None, NOON), Some(NOON));
}

#[test]
fn a_scope_sees_its_own() {
    let config = SiteConfig::default();
    let mut other = lead("other", LeadKind::Form, 1);
    other.case.channel = Some("paid_search".to_owned());
    let all = [lead("own", LeadKind::Form, 1), other];
    let scope = Scope { channels: vec!["email".to_owned()], campaigns: Vec::new() };
    let queue = Queue::of(all.iter(), &config, Some(&scope), NOON);
    assert_eq!((order(queue), 1), (ids(&["own"]), 1));
}

#[test]
fn an_order_goes_on_from_page_to_page() {
    let config = SiteConfig::default();
    let count = 2 * PAGE + PAGE / 2;
    // Few minutes, so that many are alike and only their age or id tells them apart.
    let all: Vec<Waiting> =
        (0..count).map(|n| lead(&n.to_string(), LeadKind::Form, i64::try_from(n % 7).unwrap())).collect();
    let mut queue = queue(&all, &config);
    let mut places = Vec::new();
    while let Some(place) = queue.next() {
        places.push(place);
        assert_eq!(queue.len(), count - places.len());
    }
    assert_eq!(places.len(), count);
    let key = |place: &Place<'_>| (place.waiting.created_at, place.waiting.lead.clone());
    for two in places.windows(2) {
        let (one, other) = (two[0].why.priority(), two[1].why.priority());
        assert!(one > other || (one == other && key(&two[0]) < key(&two[1])));
    }
}

prop_compose! {
    fn any_waiting()(name in 0u32..10_000, minutes in 0i64..3_000, kind in 0usize..4, attempts in 0u32..4, marks in prop::collection::vec((0u16..12, 29_900_000u32..29_926_800), 0..8)) -> Waiting {
        let kinds = [LeadKind::Callback, LeadKind::Form, LeadKind::Whatsapp, LeadKind::Email];
        let last_attempt_at = (attempts > 0).then_some(NOON - 3_000 * MINUTE_MS);
        let marks = SiteConfig::default().scoring.kept(marks.into_iter().map(|(rule, at)| Mark(rule, at)).collect()).into();
        Waiting { attempts, last_attempt_at, marks, ..lead(&name.to_string(), kinds[kind], minutes) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_order_is_the_same_whatever_order_they_come_in_and_what_is_shown_multiplies_to_it(
        (all, shuffled) in prop::collection::vec(any_waiting(), 1..60).prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let config = SiteConfig::default();
        let places: Vec<Place<'_>> = queue(&all, &config).collect();
        let again: Vec<Place<'_>> = queue(&shuffled, &config).collect();
        let names = |places: &[Place<'_>]| places.iter().map(|place| place.waiting.lead.clone()).collect::<Vec<_>>();
        prop_assert_eq!(names(&places), names(&again));
        for two in places.windows(2) {
            prop_assert!(two[0].why.priority() >= two[1].why.priority());
        }
        for place in &places {
            let Why { kind, score, freshness, urgency, attempts } = place.why;
            prop_assert!((kind * score * freshness * urgency * attempts - place.why.priority()).abs() < 1e-12);
            for factor in [score, freshness, urgency, attempts] {
                prop_assert!(((factor * 1_000.0).round() - factor * 1_000.0).abs() < 1e-6);
            }
        }
    }
}
