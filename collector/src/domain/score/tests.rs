//! Known answers, and that a score is the sum of what it explains itself by.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::{
    activity::Activity,
    event::Event,
    fact::{Arrival, Entry},
    id::{EventId, Id, LeadId},
    record,
    visit::{self, Seen},
};
use wire::beacon::Mode;

const HOUR: i64 = 3_600_000;
const NOON: i64 = 1_795_608_000_000;

fn scoring(rules: serde_json::Value) -> Scoring {
    serde_json::from_value(rules).unwrap()
}

fn event(page: &str, number: u16, at: i64, detail: Detail) -> Arrival {
    let (id, page) = (EventId::Numbered(number), Id::parse(page).unwrap());
    Arrival::bare(Id::parse("v"), Mode::Full, at, vec![Event { id, page, at, raw_at: None, detail }])
}

fn view(page: &str, at: i64, url: &str) -> Arrival {
    event(page, 0, at, Detail::PageView { url: url.to_owned(), title: None, referrer: None })
}

fn marks(scoring: &Scoring, arrivals: &[Arrival]) -> Vec<Mark> {
    let seen =
        arrivals.iter().flat_map(|arrival| arrival.events.iter().map(move |event| Seen { arrival, event }));
    let timeline = visit::timeline(seen.collect(), &["example.com".to_owned()]);
    scoring.kept(scoring.marks_of(&timeline).map(|(_, mark)| mark).collect())
}

/// Rule and points of each part.
fn parts(scoring: &Scoring, marks: &[Mark], now: i64) -> Vec<(String, i32)> {
    let score = scoring.score(marks, now);
    score.parts.iter().map(|part| (part.rule.id.clone(), part.points)).collect()
}

fn named(parts: &[(&str, i32)]) -> Vec<(String, i32)> {
    parts.iter().map(|(name, points)| ((*name).to_owned(), *points)).collect()
}

#[test]
fn what_was_looked_at_counts_by_its_path_with_a_cap_and_half_of_it_after_its_time() {
    let scoring = scoring(json!({"rules": [
        {"id": "prices", "on": "page_view", "path": "/precios*", "points": 10, "cap": 25, "half_life_h": 24},
        {"id": "jobs", "on": "page_view", "path": "*/empleo", "points": -20},
        {"id": "visit", "on": "visit", "points": 3, "cap": 6},
    ]}));
    let looked = [
        view("a", NOON, "https://www.example.com/precios?x=1#y"),
        view("b", NOON + HOUR, "https://www.example.com/precios/solar"),
        view("c", NOON + 24 * HOUR, "https://www.example.com/Precios"),
        view("d", NOON + 24 * HOUR, "https://www.example.com/"),
        // Of the first visit, and late.
        event("a", 1, NOON + 25 * HOUR, Detail::PageLeave { engaged_ms: 1, scroll_pct: 1, title: None }),
    ];
    let marks = marks(&scoring, &looked);
    assert_eq!(
        parts(&scoring, &marks, NOON + 24 * HOUR),
        named(&[("prices", 20), ("visit", 6)]),
        "10 + 5.1 + 5 = 20.1"
    );
    assert_eq!(parts(&scoring, &marks[..1], NOON + 48 * HOUR), named(&[("prices", 5)]));
    assert_eq!(
        parts(&scoring, &marks[..1], NOON),
        named(&[("prices", 10)]),
        "nothing grows towards the past"
    );
    let score = scoring.score(&marks, NOON + 24 * HOUR);
    assert_eq!((score.parts[0].times, score.parts[0].last_at), (3, NOON + 24 * HOUR));

    let unsuited = [view("e", NOON, "https://www.example.com/quienes/empleo")];
    let marks = self::marks(&scoring, &unsuited);
    assert_eq!(parts(&scoring, &marks, NOON), named(&[("jobs", -20), ("visit", 3)]));
    assert_eq!(Scorer::new(&scoring, NOON).points(&marks), -17);
}

#[test]
fn caps_cut_in_the_order_of_the_rules() {
    let scoring = scoring(json!({
        "rules": [
            {"id": "a", "on": "call_click", "points": 30, "cap": 30, "group": "g"},
            {"id": "b", "on": "chat_click", "points": 30, "cap": 30, "group": "g"},
            {"id": "c", "on": "custom", "name": "calc*", "points": 60, "cap": 60},
            {"id": "d", "on": "custom", "name": "otra", "points": 60, "cap": 60},
        ],
        "groups": {"g": 40}, "cap": 90,
    }));
    let minute = u32::try_from(NOON / 60_000).unwrap();
    let all: Vec<Mark> = (0..4).map(|rule| Mark(rule, minute)).collect();
    let score = scoring.score(&all, NOON);
    let parts: Vec<_> =
        score.parts.iter().map(|part| (part.rule.id.as_str(), part.points, part.is_cut)).collect();
    assert_eq!(parts, [("a", 30, false), ("b", 10, true), ("c", 50, true), ("d", 0, true)]);
    assert_eq!(score.points, 90);
}

#[test]
fn a_lead_counts_by_its_kind_and_by_links_that_were_followed_never_by_messages_that_were_opened() {
    let activity = |kind: ActivityKind, id: &str| {
        crate::domain::fact::Entry::Activity(Activity {
            lead: LeadId::of_event("p-1"),
            kind,
            at: NOON,
            received_at: NOON,
            external_id: id.to_owned(),
            message: None,
            campaign: None,
            link: None,
            score: None,
            props: BTreeMap::new(),
            note: None,
        })
    };
    let entries: Vec<Entry> = vec![
        activity(ActivityKind::EmailOpened, "1"),
        activity(ActivityKind::EmailOpened, "2"),
        activity(ActivityKind::EmailClicked, "3"),
        activity(ActivityKind::EmailClicked, "4"),
        activity(ActivityKind::EmailClicked, "4"),
    ];
    let told = record::told((1..).zip(&entries));
    let scoring = Scoring::default();
    let marks = scoring.marks_of_lead(LeadKind::Callback, NOON, &told);
    assert_eq!(parts(&scoring, &marks, NOON), named(&[("callback", 20), ("email_clicked", 10)]));
    assert_eq!(parts(&scoring, &scoring.marks_of_lead(LeadKind::Import, NOON, &[]), NOON), []);
}

#[test]
fn rules_are_read_as_they_are_written() {
    let usual = Scoring::default();
    let text = serde_json::to_string(&usual).unwrap();
    assert_eq!(serde_json::from_str::<Scoring>(&text).unwrap(), usual);
    let packed = rmp_serde::to_vec_named(&usual).unwrap();
    assert_eq!(rmp_serde::from_slice::<Scoring>(&packed).unwrap(), usual);
    for bad in [
        r#"{"rules": [{"id": "a", "on": "page_view"}]}"#,
        r#"{"rules": [{"id": "a", "on": "opened", "points": 1}]}"#,
        r#"{"rule": []}"#,
    ] {
        assert!(serde_json::from_str::<Scoring>(bad).is_err(), "{bad}");
    }
    for (url, expected) in [
        ("https://www.example.com", "/"),
        ("https://www.example.com/a/b?c#d", "/a/b"),
        ("/guia.pdf?x", "/guia.pdf"),
        ("", "/"),
    ] {
        assert_eq!(path(url), expected, "{url}");
    }
}

prop_compose! {
    fn any_rule()(points in prop_oneof![-40i32..0, 1i32..40], cap in prop::option::of(1i32..120), half in prop::option::of(1u32..400), group in 0u8..3) -> Rule {
        let group = (group > 0).then(|| format!("g{group}"));
        Rule { id: "r".to_owned(), on: On::Custom, path: None, name: None, kind: None, points, cap, half_life_h: half, group }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_score_is_the_sum_of_its_parts_within_every_cap_whatever_the_order(
        rules in prop::collection::vec(any_rule(), 1..8),
        marks in prop::collection::vec((0u16..9, 0u32..40_000), 0..60).prop_shuffle(),
        caps in (1i32..60, 1i32..60, 1i32..150),
        later in 0i64..2_000,
    ) {
        let groups = [("g1".to_owned(), caps.0), ("g2".to_owned(), caps.1)].into();
        let scoring = Scoring { rules, groups, cap: caps.2 };
        let mut marks: Vec<Mark> = marks.into_iter().map(|(rule, at)| Mark(rule, at)).collect();
        let kept = scoring.kept(marks.clone());
        marks.reverse();
        prop_assert_eq!(scoring.kept(marks), kept.clone());
        prop_assert_eq!(scoring.kept(kept.clone()), kept.clone());
        let now = 40_000 * 60_000 + later * HOUR;
        let score = scoring.score(&kept, now);
        prop_assert_eq!(score.parts.iter().map(|part| part.points).sum::<i32>(), score.points);
        let mut scorer = Scorer::new(&scoring, now);
        // Whoever was scored before leaves nothing behind.
        for marks in [&kept, &Vec::new(), &kept] {
            let expected = if marks.is_empty() { 0 } else { score.points };
            prop_assert_eq!(scorer.points(marks), expected);
        }
        prop_assert!(score.points <= scoring.cap);
        for (name, cap) in &scoring.groups {
            let of_group = score.parts.iter().filter(|part| part.rule.group.as_ref() == Some(name));
            prop_assert!(of_group.map(|part| part.points).sum::<i32>() <= *cap, "{}", name);
        }
        for part in &score.parts {
            prop_assert!(part.points.abs() <= part.rule.cap());
            prop_assert!(part.times <= MOST_MARKS);
        }
    }
}
