//! Who is who: evidence, what is remembered of browsers, what was refused, and the ways to a lead.

use super::{derived::lead, *};
use crate::{
    domain::call::Lease,
    domain::chat::{Clicked, Used},
    domain::identity::{
        Edge, EdgeId, EdgeKind, Node, Said,
        person::Conflict,
        profile::{EpochProfile, Profile},
    },
    store::people::Refused,
};

const NOBODY: Personal = Personal { vault: None, identifiers: Vec::new() };

fn phone(token: u8) -> Identifier {
    Identifier { kind: IdentifierKind::Phone, token: Token([token; 16]) }
}

/// The evidence of a visitor's form that a number is theirs.
fn edge(visitor: &str, token: u8, at: i64) -> Edge {
    let fact = format!("{visitor}-{token}");
    let personal = Personal { vault: None, identifiers: vec![phone(token)] };
    let said =
        Said { fact: &fact, position: 1, at, received_at: at, kind: EdgeKind::Form, personal: &personal };
    said.edges(&Node::Visitor(id(visitor))).remove(0)
}

async fn commit(store: &dyn Store, rows: Vec<Row>) {
    store.commit(Step { projector: "test", site: SITE, from: 0, to: 0, rows }).await.unwrap();
}

#[test]
fn evidence_is_found_from_both_ends_and_by_its_id_until_it_is_unsaid() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let (first, second, other) = (edge("v", 1, 10), edge("w", 1, 20), edge("w", 2, 30));
        let all = [&first, &second, &other].map(|edge| Row::Edge(Box::new(edge.clone())));
        commit(store.as_ref(), all.to_vec()).await;
        store.close().await;
        drop(store);

        let store = place.open();
        let ends = [Node::Visitor(id("v")), Node::Identifier(phone(1)), Node::Visitor(id("nobody"))];
        let found = store.edges(SITE, ends.to_vec()).await.unwrap();
        let ids = |edges: &[Edge]| edges.iter().map(|edge| edge.id.clone()).collect::<HashSet<_>>();
        assert_eq!(found[0], std::slice::from_ref(&first));
        assert_eq!(ids(&found[1]), [first.id.clone(), second.id.clone()].into());
        assert_eq!(found[2], []);
        assert_eq!(store.edge(SITE, &second.id).await.unwrap(), Some(second.clone()));
        let unknown = EdgeId::of("x", &second.a, &second.b);
        assert_eq!(store.edge(SITE, &unknown).await.unwrap(), None);
        assert_eq!(store.edge(SITE + 1, &second.id).await.unwrap(), None, "of this site alone");

        commit(store.as_ref(), vec![Row::Unsaid(Box::new(first.clone()))]).await;
        assert_eq!(store.edge(SITE, &first.id).await.unwrap(), None);
        let found = store.edges(SITE, ends.to_vec()).await.unwrap();
        assert_eq!((found[0].len(), &found[1]), (0, &vec![second]));
        store.close().await;
    });
}

#[test]
fn what_is_remembered_of_a_subject_is_told_in_order_and_may_be_dropped() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let subject = |name: &str| Subject::Visitor(id(name));
        let of = |fact: &str| {
            let epoch =
                EpochProfile { facts: [fact.to_owned()].into(), touches: Vec::new(), marks: Vec::new() };
            Profile { epochs: vec![epoch] }
        };
        let names = ["v1", "v2", "v3"];
        let rows = names.map(|name| Row::Profile(subject(name), Some(Box::new(of(name)))));
        commit(store.as_ref(), rows.to_vec()).await;
        let known = store.profiles(SITE, vec![subject("v2"), Subject::Page(id("v2"))]).await.unwrap();
        assert_eq!(known, [Some(of("v2")), None], "a page is no visitor");

        let mut told = Vec::new();
        let mut after = None;
        loop {
            let page = store.profiled(SITE, after.clone(), 2).await.unwrap();
            let is_last = page.len() < 2;
            told.extend(page);
            after = told.last().cloned();
            if is_last {
                break;
            }
        }
        assert_eq!(told.iter().cloned().collect::<HashSet<_>>(), names.map(subject).into());
        assert_eq!(told.len(), 3, "each once");

        commit(store.as_ref(), vec![Row::Profile(subject("v2"), None)]).await;
        assert_eq!(store.profiles(SITE, vec![subject("v2")]).await.unwrap(), [None]);
        assert_eq!(store.profiled(SITE, None, 10).await.unwrap().len(), 2);
        store.close().await;
    });
}

#[test]
fn what_was_refused_is_listed_newest_first_until_it_is_refused_no_more() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let refused = |n: u8| {
            let edge = edge("v", n, i64::from(n) * 10);
            Refused { at: edge.at, edge: edge.id, why: Conflict::Phones }
        };
        let row = |one: Refused, why: Option<Conflict>| Row::Conflict { at: one.at, edge: one.edge, why };
        let rows = (1..=3).map(|n| row(refused(n), Some(Conflict::Phones))).collect();
        commit(store.as_ref(), rows).await;
        let first = store.conflicts(SITE, None, 2).await.unwrap();
        assert_eq!(first, [refused(3), refused(2)]);
        let after = (first[1].at, first[1].edge.clone());
        assert_eq!(store.conflicts(SITE, Some(after), 2).await.unwrap(), [refused(1)]);
        commit(store.as_ref(), vec![row(refused(3), None)]).await;
        assert_eq!(store.conflicts(SITE, None, 5).await.unwrap(), [refused(2), refused(1)]);
        store.close().await;
    });
}

#[test]
fn leads_are_found_by_the_hash_of_what_they_gave_newest_first() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        for (page, reference, token, hash) in [("p", 1, 11, 41), ("q", 2, 12, 42)] {
            let (event, mut seal) = lead_event(page, 0, reference, token);
            seal.lookups = vec![([hash; 32], Token([token; 16]))];
            let entry = Entry::Arrival(arrival("v", vec![event]));
            store.append(Append { seals: vec![seal], ..Append::of(SITE, entry) }).await.unwrap();
        }
        let with = |name: &str, at: i64, token: u8| {
            let personal = Personal { identifiers: vec![phone(token)], ..NOBODY };
            Lead { personal, ..lead(name, at) }
        };
        let leads = [with("a", 10, 11), with("b", 30, 11), with("c", 20, 11), with("d", 40, 12)];
        commit(store.as_ref(), leads.iter().map(|lead| Row::Lead(Box::new(lead.clone()))).collect()).await;
        let found = store.leads_with(SITE, [41; 32], 10).await.unwrap();
        assert_eq!(found.iter().map(|lead| lead.created_at).collect::<Vec<_>>(), [30, 20, 10]);
        assert_eq!(store.leads_with(SITE, [41; 32], 2).await.unwrap().len(), 2);
        assert_eq!(store.leads_with(SITE, [43; 32], 10).await.unwrap(), [], "a hash that nobody gave");

        // A lead that gives up an identifier is not found by it any more.
        commit(store.as_ref(), vec![Row::Lead(Box::new(Lead { personal: NOBODY, ..lead("b", 30) }))]).await;
        let found = store.leads_with(SITE, [41; 32], 10).await.unwrap();
        assert_eq!(found.iter().map(|lead| lead.created_at).collect::<Vec<_>>(), [20, 10]);
        store.close().await;
    });
}

#[test]
fn whom_a_number_was_shown_to_is_told_latest_first_and_no_further_back_than_asked() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let lease = |number: &str, visitor: &str, at: i64| Lease {
            number: number.to_owned(),
            visitor: id(visitor),
            at,
        };
        let all =
            [lease("+341", "v", 10), lease("+341", "w", 30), lease("+341", "x", 20), lease("+3410", "y", 40)];
        commit(store.as_ref(), all.iter().cloned().map(Row::Lease).collect()).await;
        let told =
            async |since: i64, max: usize| store.leases(SITE, "+341".to_owned(), since, max).await.unwrap();
        assert_eq!(told(0, 9).await, [all[1].clone(), all[2].clone(), all[0].clone()], "not of +3410");
        assert_eq!(told(20, 9).await, [all[1].clone(), all[2].clone()]);
        assert_eq!(told(0, 1).await, [all[1].clone()]);
        assert_eq!(store.leases(SITE, "+342".to_owned(), 0, 9).await.unwrap(), []);
        store.close().await;
    });
}

#[test]
fn who_clicked_a_reference_is_told_latest_first_and_who_wrote_with_it_in_order() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let clicked = |chat_ref: &str, visitor: &str, at: i64, position: u64| Clicked {
            chat_ref: chat_ref.to_owned(),
            visitor: id(visitor),
            at,
            position,
        };
        let used = |chat_ref: &str, at: i64, position: u64| Used {
            chat_ref: chat_ref.to_owned(),
            at,
            lead: None,
            position,
        };
        let clicks = [
            clicked("7K3QX9", "v", 10, 3),
            clicked("7K3QX9", "v", 10, 4),
            clicked("7K3QX9", "w", 30, 2),
            clicked("7K3QX90", "x", 20, 1),
        ];
        let uses = [used("7K3QX9", 9, 12), used("7K3QX9", 30, 5), used("7K3QX90", 1, 6)];
        let rows = clicks.iter().cloned().map(Row::Clicked).chain(uses.iter().cloned().map(Row::Used));
        commit(store.as_ref(), rows.collect()).await;
        let told =
            async |chat_ref: &str, max: usize| store.chat_ref(SITE, chat_ref.to_owned(), max).await.unwrap();
        let newest_first = vec![clicks[2].clone(), clicks[0].clone(), clicks[1].clone()];
        assert_eq!(told("7K3QX9", 9).await, (newest_first, vec![uses[1].clone(), uses[0].clone()]));
        assert_eq!(told("7K3QX9", 1).await, (vec![clicks[2].clone()], vec![uses[1].clone()]));
        assert_eq!(told("7K3QX", 9).await, (vec![], vec![]), "no reference begins another");
        store.close().await;
    });
}

#[test]
fn whose_page_told_of_an_order_and_which_record_claims_an_id() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        let order = |order_id: &str, visitor: &str, position: u64| Row::Order {
            order_id: order_id.to_owned(),
            subject: Subject::Visitor(id(visitor)),
            position,
        };
        commit(store.as_ref(), vec![order("o-1", "v", 1), order("o-1", "w", 2), order("o-10", "x", 3)]).await;
        let buyers = store.buyers(SITE, "o-1").await.unwrap();
        assert_eq!(buyers, [Subject::Visitor(id("v")), Subject::Visitor(id("w"))], "not those of o-10");
        assert_eq!(store.buyers(SITE, "o-2").await.unwrap(), []);

        let moved = StageMove {
            lead: LeadId::of_event("e"),
            stage: "mql".to_owned(),
            at: 1,
            received_at: 1,
            note: VaultRef([0; 16]),
            external_id: Some("crm-1".to_owned()),
        };
        assert_eq!(store.claimed(SITE, "stage", "crm-1").await.unwrap(), None);
        let claim = Claim { kind: "stage", external_id: "crm-1".to_owned(), content: [7; 32] };
        store.append(Append { claim: Some(claim), ..Append::of(SITE, Entry::Stage(moved)) }).await.unwrap();
        assert_eq!(store.claimed(SITE, "stage", "crm-1").await.unwrap(), Some((1, [7; 32])));
        assert_eq!(store.claimed(SITE, "sale", "crm-1").await.unwrap(), None, "an id is one of its kind");
        store.close().await;
    });
}

#[test]
fn a_lead_that_is_written_is_to_be_counted_anew_until_it_was() {
    on_each(|place| async move {
        let store = place.open();
        with_site(store.as_ref()).await;
        commit(store.as_ref(), ["a", "b", "c"].map(|name| Row::Lead(Box::new(lead(name, 1)))).to_vec()).await;
        let stale = store.stale(SITE, 10).await.unwrap();
        let all = ["a", "b", "c"].map(LeadId::of_event);
        assert_eq!(stale.iter().cloned().collect::<HashSet<_>>(), all.clone().into());
        assert_eq!(store.stale(SITE, 2).await.unwrap().len(), 2);
        commit(store.as_ref(), vec![Row::Fresh(all[0].clone()), Row::Fresh(all[2].clone())]).await;
        assert_eq!(store.stale(SITE, 10).await.unwrap(), [all[1].clone()]);
        store.close().await;
    });
}
