//! Known answers and properties of journeys.

use std::collections::BTreeMap;

use proptest::prelude::*;
use wire::beacon::Mode;

use super::*;
use crate::domain::{
    event::{Detail, Event},
    fact::{Arrival, Entry, StageMove},
    id::{LeadId, VaultRef},
    record,
    visit::timeline,
};

fn arrival(visitor: Option<&str>) -> Arrival {
    Arrival::bare(
        visitor.and_then(Id::parse),
        if visitor.is_some() { Mode::Full } else { Mode::Anonymous },
        0,
        Vec::new(),
    )
}

fn event(page: &str, id: &str, at: i64, detail: Detail) -> Event {
    Event { id: EventId::parse(page, id).unwrap(), page: Id::parse(page).unwrap(), at, raw_at: None, detail }
}

fn view(page: &str, at: i64) -> Event {
    let url = format!("https://example.com/{page}?gclid=1");
    event(page, &format!("{page}-0"), at, Detail::PageView { url, title: None, referrer: None })
}

fn submit(page: &str, number: u16, at: i64) -> Event {
    let detail =
        Detail::FormSubmit { form: "callback".to_owned(), fields_filled: None, inferred: false, lead: None };
    event(page, &format!("{page}-{number}"), at, detail)
}

fn custom(page: &str, id: &str, at: i64) -> Event {
    event(page, id, at, Detail::Custom { name: "x".to_owned(), props: BTreeMap::new() })
}

fn stage(at: i64, received_at: i64, note: u8, name: &str) -> StageMove {
    StageMove {
        lead: LeadId::of_event("a-1"),
        stage: name.to_owned(),
        at,
        received_at,
        note: VaultRef([note; 16]),
        external_id: None,
    }
}

fn alone(timeline: Timeline<'_>) -> [Story<'_>; 1] {
    [Story { timeline, epoch: None, tie: None }]
}

fn of_lead<'a>(stories: &'a [Story<'a>], born_of: &str, told: &[Told<'a>]) -> Vec<Item<'a>> {
    of_person(stories, &BTreeSet::from([born_of.to_owned()]), told)
}

fn moves(stages: &[StageMove]) -> Vec<Entry> {
    stages.iter().cloned().map(Entry::Stage).collect()
}

/// The records at positions that nobody's order depends on.
fn told(entries: &[Entry]) -> Vec<Told<'_>> {
    record::told((1..).zip(entries))
}

fn stage_of<'a>(item: &Item<'a>) -> Option<&'a StageMove> {
    match item.what {
        What::Record(Told { record: Record::Stage(stage), .. }) => Some(stage),
        _ => None,
    }
}

fn seen<'a>(arrival: &'a Arrival, events: &'a [Event]) -> Vec<Seen<'a>> {
    events.iter().map(|event| Seen { arrival, event }).collect()
}

#[test]
fn a_lead_s_journey_is_the_visitor_s_with_the_records_in_between() {
    let arrival = arrival(Some("v1"));
    let events = [view("a", 10), submit("a", 1, 20), submit("a", 2, 50)];
    let stages = moves(&[stage(40, 41, 1, "sql"), stage(20, 30, 2, "mql")]);
    let stories = alone(timeline(seen(&arrival, &events), &[]));
    let timeline = &stories[0].timeline;
    let items = of_lead(&stories, "a-1", &told(&stages));
    use Evidence::{Record, SameVisitor, Submission};
    let told: Vec<(i64, Evidence)> = items.iter().map(|item| (item.at, item.evidence)).collect();
    assert_eq!(told, [(10, SameVisitor), (20, Submission), (20, Record), (40, Record), (50, SameVisitor)]);
    assert!(stage_of(&items[2]).is_some_and(|stage| stage.stage == "mql"));
    assert_eq!(items[0].touch.and_then(|touch| touch.source.as_deref()), Some("google"));
    assert!(items[1..].iter().all(|item| item.touch.is_none()));
    assert_eq!(
        items.iter().map(|item| item.visit).collect::<Vec<_>>(),
        [Some("a"), Some("a"), None, None, Some("a")]
    );
    let visitor: Vec<i64> = of_visitor(timeline).iter().map(|item| item.at).collect();
    assert_eq!(visitor, [10, 20, 50]);
}

#[test]
fn an_anonymous_page_view_says_so() {
    let arrival = arrival(None);
    let events = [view("a", 10), submit("a", 1, 20)];
    let stories = alone(timeline(seen(&arrival, &events), &[]));
    let timeline = &stories[0].timeline;
    let found: Vec<Evidence> = of_visitor(timeline).iter().map(|item| item.evidence).collect();
    assert_eq!(found, [Evidence::SamePageView; 2]);
    assert_eq!(of_lead(&stories, "a-1", &[])[1].evidence, Evidence::Submission);
    assert_eq!(serde_json::to_value(Evidence::SamePageView).unwrap(), "same_page_view");
}

#[test]
fn a_lead_alone_has_only_records() {
    let stories = alone(timeline(Vec::new(), &[]));
    let stages = moves(&[stage(5, 6, 1, "lost")]);
    let items = of_lead(&stories, "a-1", &told(&stages));
    assert_eq!(items.len(), 1);
    assert_eq!((items[0].visit, items[0].touch, items[0].evidence), (None, None, Evidence::Record));
}

const UUIDS: [&str; 2] = ["0193f6e2-8f5e-7cc1-b1ff-0242ac120002", "0193f6e2-8f5e-7cc1-b1ff-0242ac120003"];

fn events() -> impl Strategy<Value = Vec<Event>> {
    let page = prop::sample::select(vec!["a", "ab", "a-b", "A_1", UUIDS[0], UUIDS[1]]);
    let id = prop_oneof![(0u16..4096).prop_map(Ok), "[ab_-]{1,3}".prop_map(Err)];
    prop::collection::vec((page, id, -2i64..3), 0..40).prop_map(|all| {
        let text = |page: &str, id: Result<u16, String>| {
            id.map_or_else(|id| id, |number| format!("{page}-{number}"))
        };
        all.into_iter().map(|(page, id, at)| custom(page, &text(page, id), at)).collect()
    })
}

proptest! {
    #[test]
    fn journeys_are_in_the_strict_order_of_their_keys(
        events in events(),
        moves in prop::collection::btree_map(0u8..20, (-2i64..3, -2i64..3), 0..8),
    ) {
        let arrival = arrival(Some("v1"));
        let stories = alone(timeline(seen(&arrival, &events), &[]));
        let timeline = &stories[0].timeline;
        let stages: Vec<StageMove> =
            moves.iter().map(|(&note, &(at, received_at))| stage(at, received_at, note, "mql")).collect();
        let stages = self::moves(&stages);
        let told = told(&stages);
        let reversed: Vec<Told<'_>> = told.iter().rev().copied().collect();
        let visitor: Vec<_> = of_visitor(timeline).iter().map(Item::cursor_key).collect();
        prop_assert!(visitor.windows(2).all(|pair| pair[0] < pair[1]));
        let items = of_lead(&stories, "a-1", &told);
        let keys: Vec<_> = items.iter().map(Item::cursor_key).collect();
        prop_assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(items.len(), timeline.entries.len() + stages.len());
        prop_assert_eq!(&items, &of_lead(&stories, "a-1", &reversed));
        // Moves of a moment stand in the order in which they were said.
        let said: Vec<(i64, i64)> = items
            .iter()
            .filter_map(|item| stage_of(item).map(|stage| (stage.at, stage.received_at)))
            .collect();
        prop_assert!(said.is_sorted());
    }
}
