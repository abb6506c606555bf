//! Counters: sums and sets, added to and taken from, kept and dropped.

use super::*;
use crate::{
    domain::{
        channel::Channel,
        counters::{Cell, Counted, Share, Tally},
    },
    store::{Contributor, rollup::Sum},
};

fn cell(day: i32, cta: Option<&str>) -> Box<Cell> {
    Box::new(Cell {
        day,
        class: String::new(),
        channel: Channel::Email,
        source: Some("boletín".to_owned()),
        campaign: None,
        cta: cta.map(str::to_owned),
    })
}

fn visits(cell: &Cell, visits: i64) -> Row {
    Row::Sums { cell: Box::new(cell.clone()), change: Box::new(Tally { visits, ..Tally::default() }) }
}

fn member(cell: &Cell, number: u64, visitor: bool, lead: bool) -> Row {
    Row::Member { cell: Box::new(cell.clone()), number, visitor, lead }
}

async fn commit(store: &dyn Store, from: u64, rows: Vec<Row>) {
    store.commit(Step { projector: "test", site: SITE, from, to: from + 1, rows }).await.unwrap();
}

async fn sum(store: &dyn Store, ctas: bool, since: i32, until: i32) -> Sum {
    let mut sum = Sum::default();
    for rollup in store.rollups(SITE, ctas, since, until).await.unwrap() {
        sum.add(&rollup);
    }
    sum
}

#[test]
fn what_is_counted_adds_up_by_day_and_leaves_nothing_when_taken_back() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let (one, two, cta) = (cell(-1, None), cell(7, None), cell(7, Some("hero")));
        let numbers = [1, 65_535, 65_536, 10_000_000];
        let mut rows = vec![visits(&one, 2), visits(&one, 1), visits(&two, 5), visits(&cta, 9)];
        rows.extend(numbers.iter().map(|&number| member(&one, number, true, number == 1)));
        rows.push(member(&two, 1, true, false));
        commit(store.as_ref(), 0, rows).await;
        store.close().await;
        drop(store);

        let store = place.open();
        let whole = sum(store.as_ref(), false, -1, 7).await;
        assert_eq!((whole.tally.visits, whole.visitors()), (8, (4, 1)), "one visitor of two days is one");
        assert_eq!(sum(store.as_ref(), false, -1, -1).await.tally.visits, 3);
        assert_eq!(sum(store.as_ref(), false, 0, 6).await, Sum::default());
        assert_eq!(sum(store.as_ref(), true, -1, 7).await.tally.visits, 9, "calls to action are apart");
        assert_eq!(store.rollups(SITE + 1, false, -1, 7).await.unwrap(), [], "nothing crosses sites");

        let mut rows = vec![visits(&one, -3)];
        rows.extend(numbers.iter().map(|&number| member(&one, number, false, false)));
        commit(store.as_ref(), 1, rows).await;
        let left = store.rollups(SITE, false, -100, 100).await.unwrap();
        assert!(left.iter().all(|rollup| *rollup.cell() == *two), "{left:?}");
        assert_eq!(left.len(), 2, "no empty row stays: {left:?}");
        store.close().await;
    });
}

#[test]
fn counters_are_dropped_by_themselves() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let who = Contributor::Subject(Subject::Visitor(id("v")));
        let cost = Contributor::Cost("2026-11-22".to_owned());
        let share = Share { visitor: true, ..Share::default() };
        let counted = Counted { number: 3, arrivals: 1, shares: vec![(*cell(1, None), share)] };
        let rows = vec![
            visits(&cell(1, None), 1),
            member(&cell(1, None), 3, true, false),
            Row::Counted(who.clone(), Box::new(counted.clone())),
            Row::Counted(cost.clone(), Box::new(counted.clone())),
            Row::CountersBasis("b".to_owned()),
        ];
        store
            .commit(Step {
                projector: "journeys",
                site: SITE,
                from: 0,
                to: 1,
                rows: vec![Row::Lead(Box::new(derived::lead("a", 10)))],
            })
            .await
            .unwrap();
        commit(store.as_ref(), 0, rows).await;
        let ask = vec![who, Contributor::Subject(Subject::Page(id("v"))), cost];
        let known = store.counted(SITE, ask.clone()).await.unwrap();
        assert_eq!(known, [Some(counted.clone()), None, Some(counted)]);
        assert_eq!(store.counters_basis(SITE).await.unwrap().as_deref(), Some("b"));

        store.forget_counters(SITE, "test").await.unwrap();
        assert_eq!(store.counted(SITE, ask).await.unwrap(), [None, None, None]);
        assert_eq!(store.rollups(SITE, false, -100, 100).await.unwrap(), []);
        assert_eq!(
            (store.counters_basis(SITE).await.unwrap(), store.cursor("test", SITE).await.unwrap()),
            (None, 0)
        );
        assert_eq!(store.cursor("journeys", SITE).await.unwrap(), 1, "what others derived stays");
        assert!(store.lead(SITE, &LeadId::of_event("a")).await.unwrap().is_some());
        store.close().await;
    });
}
