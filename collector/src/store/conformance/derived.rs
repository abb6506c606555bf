//! What projectors commit, and the reads over it.

use super::*;

pub(super) fn lead(name: &str, created_at: i64) -> Lead {
    Lead {
        id: LeadId::of_event(name),
        kind: LeadKind::Form,
        event: name.to_owned(),
        position: 1,
        created_at,
        told_at: created_at,
        updated_at: created_at,
        evidence_at: None,
        stage: "lead".to_owned(),
        stage_at: created_at,
        choices: Default::default(),
        said_at: None,
        erased: None,
        subject: Some(Subject::Visitor(id("v"))),
        laid_to: None,
        alone: None,
        person: "v".to_owned(),
        duplicate_of: None,
        form: None,
        personal: Personal::default(),
        consent: None,
        magnet: None,
        confirmed: false,
        flags: Vec::new(),
        origin: Origin::unknown(created_at, reason::NO_CONSENT),
        born: None,
        came: None,
        submissions: Vec::new(),
        external_id: None,
        attempts: Attempts::default(),
        breached_at: None,
        own_marks: Vec::new(),
        marks: Vec::new(),
        sales: Vec::new(),
        purchases: Vec::new(),
        stays: Vec::new(),
        known: Known::default(),
    }
}

#[test]
fn a_projectors_rows_and_position_move_together_or_not_at_all() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        append(store.as_ref(), "v", vec![event("p", "p-0", 1), event("p", "p-1", 1)]).await;
        let subject = Subject::Visitor(id("v"));
        let step = |from, to| Step {
            projector: "test",
            site: SITE,
            from,
            to,
            rows: vec![
                Row::Piece { subject: subject.clone(), position: 1 },
                Row::Lead(Box::new(lead("a", 10))),
                Row::Install(Install { wasm: 3, ..Install::default() }),
                Row::Basis(vec!["example.com".to_owned()]),
            ],
        };
        store.commit(step(0, 2)).await.unwrap();
        let fenced = store.commit(step(0, 2)).await;
        assert!(matches!(fenced, Err(StoreError::Fenced("test"))), "{fenced:?}");
        store.close().await;
        drop(store);

        let store = place.open();
        assert_eq!(store.cursor("test", SITE).await.unwrap(), 2);
        let journey = store.journey(SITE, &subject).await.unwrap();
        assert_eq!(
            journey.iter().flat_map(|stored| events_of(&stored.entry)).collect::<Vec<_>>(),
            ["p-0", "p-1"]
        );
        assert_eq!(store.journey(SITE, &Subject::Page(id("v"))).await.unwrap(), [], "a page is no visitor");
        assert_eq!(store.install(SITE).await.unwrap().wasm, 3);
        assert_eq!(store.basis(SITE).await.unwrap(), Some(vec!["example.com".to_owned()]));
        let others = Subject::Visitor(id("w"));
        assert_eq!(store.leads_of(SITE, vec![others, subject.clone()]).await.unwrap(), [lead("a", 10)]);

        let before = store.dump(SITE).await.unwrap();
        store.reset(SITE).await.unwrap();
        assert_eq!(store.cursor("test", SITE).await.unwrap(), 0);
        assert_eq!(store.lead(SITE, &LeadId::of_event("a")).await.unwrap(), None);
        assert!(store.dump(SITE).await.unwrap().is_empty());
        assert_eq!(store.read(SITE, 0, 10).await.unwrap().len(), 1, "the log stays");
        store.commit(step(0, 2)).await.unwrap();
        assert_eq!(store.dump(SITE).await.unwrap(), before, "made again, byte for byte");
        store.close().await;
    });
}

#[test]
fn a_journey_is_the_same_in_however_many_steps_its_pieces_came() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        for n in 0..6 {
            append(store.as_ref(), if n == 3 { "w" } else { "v" }, vec![event("p", &format!("p-{n}"), n)])
                .await;
        }
        let subject = |position| Subject::Visitor(id(if position == 4 { "w" } else { "v" }));
        let mut dumps = Vec::new();
        for ends in [vec![6], vec![1, 2, 3, 4, 5, 6], vec![2, 6]] {
            store.reset(SITE).await.unwrap();
            let mut from = 0;
            for to in ends {
                let pieces =
                    (from + 1..=to).map(|position| Row::Piece { subject: subject(position), position });
                let step = Step { projector: "test", site: SITE, from, to, rows: pieces.collect() };
                store.commit(step).await.unwrap();
                from = to;
            }
            let journey = store.journey(SITE, &subject(1)).await.unwrap();
            let positions: Vec<_> = journey.iter().map(|stored| stored.position).collect();
            assert_eq!(positions, [1, 2, 3, 5, 6]);
            dumps.push(store.dump(SITE).await.unwrap());
        }
        assert!(
            dumps.iter().all(|dump| *dump == dumps[0]),
            "the dump does not tell how many steps there were"
        );
        store.close().await;
    });
}

#[test]
fn leads_come_newest_first_page_by_page() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let rows = (0..25).map(|n| Row::Lead(Box::new(lead(&format!("e{n}"), n * 10)))).collect();
        store.commit(Step { projector: "test", site: SITE, from: 0, to: 0, rows }).await.unwrap();
        let ask = async |query: LeadQuery| store.leads(SITE, query).await.unwrap();
        let mut seen = Vec::new();
        let mut query = LeadQuery { limit: 10, ..LeadQuery::default() };
        loop {
            let page = ask(query.clone()).await;
            assert!(page.items.len() <= 10);
            seen.extend(page.items.iter().map(|lead| lead.created_at));
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, (0..25).rev().map(|n| n * 10).collect::<Vec<_>>());
        let window =
            ask(LeadQuery { since: Some(50), until: Some(80), limit: 10, ..LeadQuery::default() }).await;
        assert_eq!(window.items.iter().map(|lead| lead.created_at).collect::<Vec<_>>(), [70, 60, 50]);
        assert_eq!(window.next, None);
        let none = ask(LeadQuery { stage: Some("mql".to_owned()), limit: 10, ..LeadQuery::default() }).await;
        assert!(none.items.is_empty() && none.next.is_none());
        store.close().await;
    });
}
