//! Known answers and properties of who is one human.

use proptest::{prelude::*, sample::subsequence};

use super::*;
use crate::domain::{
    event::Personal,
    id::{Token, VaultRef},
    identity::{EdgeKind, Mark, Said},
};

fn mark(position: u64, received_at: i64, active: bool) -> Mark {
    Mark { position, received_at, active, note: VaultRef([0; 16]) }
}

fn identifier(kind: IdentifierKind, name: u8) -> Identifier {
    Identifier { kind, token: Token([name; 16]) }
}

fn email(name: u8) -> Identifier {
    identifier(IdentifierKind::Email, name)
}

fn user(name: u8) -> Identifier {
    identifier(IdentifierKind::UserId, name)
}

fn browser(name: &str) -> Node {
    Node::Visitor(Id::parse(name).unwrap())
}

fn edge(who: &str, identifier: Identifier, at: i64, kind: EdgeKind) -> Edge {
    let fact = format!("{who}-{at}");
    let personal = Personal { vault: None, identifiers: vec![identifier] };
    let said = Said { fact: &fact, position: 1, at, received_at: at, kind, personal: &personal };
    said.edges(&browser(who)).remove(0)
}

fn said(who: &str, identifier: Identifier, at: i64) -> Edge {
    edge(who, identifier, at, EdgeKind::Form)
}

fn links(edges: &[Edge]) -> Vec<Link<'_>> {
    let active = edges.iter().filter(|edge| edge.is_active(None));
    active.map(|edge| Link { edge, a: member(&edge.a, |_| 0), b: member(&edge.b, |_| 0) }).collect()
}

fn partition(edges: &[Edge]) -> Partition {
    let members = edges.iter().flat_map(|edge| [member(&edge.a, |_| 0), member(&edge.b, |_| 0)]);
    Partition::of(members.collect::<Vec<_>>(), &links(edges))
}

/// The browsers of each person.
fn browsers(edges: &[Edge]) -> Vec<Vec<String>> {
    let persons = partition(edges).persons;
    let of = |person: &BTreeSet<Member>| {
        let ids = person.iter().filter_map(|member| match member {
            Member::Epoch(id, _) => Some(id.to_string()),
            _ => None,
        });
        ids.collect::<Vec<_>>()
    };
    persons.iter().map(of).filter(|ids| !ids.is_empty()).collect()
}

#[test]
fn one_address_on_two_browsers_is_one_human_and_both_stay() {
    let edges = [said("v1", email(1), 1), said("v2", email(1), 2), said("v3", email(2), 3)];
    assert_eq!(browsers(&edges), [vec!["v1", "v2"], vec!["v3"]]);
    let person = &partition(&edges).persons[0];
    assert_eq!(name(person, &links(&edges)), "v1");
}

#[test]
fn evidence_taken_back_splits_and_put_back_joins() {
    let mut edges = vec![said("v1", email(1), 1), said("v2", email(1), 2)];
    let joined = partition(&edges);
    edges[1].marks.push(mark(9, 50, false));
    assert_eq!(browsers(&edges), [vec!["v1"], vec!["v2"]]);
    assert!(edges[1].is_active(Some(49)) && !edges[1].is_active(Some(50)));
    edges[1].marks.push(mark(10, 60, true));
    assert_eq!(partition(&edges), joined);
    assert!(
        !edges[1].is_active(Some(55)) && !edges[1].is_active(Some(1)),
        "not known before it was received"
    );
}

#[test]
fn two_user_ids_are_two_humans() {
    let edges =
        [said("v1", user(1), 1), said("v2", user(2), 2), said("v1", email(9), 3), said("v2", email(9), 4)];
    let found = partition(&edges);
    assert_eq!(browsers(&edges), [vec!["v1"], vec!["v2"]]);
    assert_eq!(found.conflicts, BTreeMap::from([(edges[3].id.clone(), Conflict::UserIds)]));
}

#[test]
fn too_many_addresses_are_several_humans() {
    let edges: Vec<Edge> = (1..=7).map(|name| said("v1", email(name), i64::from(name))).collect();
    let found = partition(&edges);
    assert_eq!(found.conflicts.len(), 2);
    assert!(found.conflicts.values().all(|conflict| *conflict == Conflict::Emails));
    assert_eq!(found.persons.len(), 3, "the browser with five, and two addresses alone");
}

#[test]
fn weak_evidence_joins_nobody_who_is_known_to_another() {
    let weak = edge("v2", email(1), 5, EdgeKind::EmailLink);
    let unknown = [said("v1", email(1), 1), weak.clone()];
    assert_eq!(browsers(&unknown), [vec!["v1", "v2"]]);
    // The strong counts first, however late it came.
    let known = [said("v1", email(1), 1), weak.clone(), said("v2", email(2), 90)];
    assert_eq!(browsers(&known), [vec!["v1"], vec!["v2"]]);
    assert_eq!(partition(&known).conflicts, BTreeMap::from([(weak.id, Conflict::WeakBetweenIdentified)]));
}

#[test]
fn a_later_user_of_a_browser_is_named_by_the_evidence() {
    let edges = [said("v1", user(1), 1)];
    let links = [Link { edge: &edges[0], a: member(&edges[0].a, |_| 1), b: member(&edges[0].b, |_| 1) }];
    let found = Partition::of([], &links);
    assert_eq!(name(&found.persons[0], &links), edges[0].id.to_string());
}

fn any_edge() -> impl Strategy<Value = Edge> {
    let kind = prop_oneof![
        3 => (0..4u8).prop_map(email),
        1 => (0..3u8).prop_map(user),
        1 => (0..3u8).prop_map(|name| identifier(IdentifierKind::Phone, name)),
    ];
    let how = prop_oneof![3 => Just(EdgeKind::Form), 1 => Just(EdgeKind::EmailLink)];
    (0..6u8, kind, 0..20i64, how).prop_map(|(who, identifier, at, how)| {
        let mut edge = edge(&format!("v{who}"), identifier, at, how);
        // Several facts may have a moment in common.
        edge.id = super::super::EdgeId::of(&format!("{}{how:?}", edge.fact), &edge.a, &edge.b);
        edge
    })
}

fn any_edges() -> impl Strategy<Value = (Vec<Edge>, Vec<Edge>, Vec<Edge>)> {
    prop::collection::vec(any_edge(), 0..24).prop_flat_map(|mut edges| {
        edges.sort_by(|a, b| a.id.cmp(&b.id));
        edges.dedup_by(|a, b| a.id == b.id);
        let count = edges.len();
        (Just(edges.clone()), Just(edges.clone()).prop_shuffle(), subsequence(edges, 0..=count))
    })
}

proptest! {
    #[test]
    fn no_order_and_no_copy_of_the_evidence_shows((edges, shuffled, some) in any_edges()) {
        let once = partition(&edges);
        prop_assert_eq!(&partition(&shuffled), &once);
        let twice: Vec<Edge> = shuffled.into_iter().chain(some).collect();
        prop_assert_eq!(&partition(&twice), &once);
    }

    #[test]
    fn joining_and_taking_back_is_as_if_it_had_never_been((edges, _, some) in any_edges()) {
        let taken: BTreeSet<_> = some.iter().map(|edge| edge.id.clone()).collect();
        let without: Vec<Edge> = edges.iter().filter(|edge| !taken.contains(&edge.id)).cloned().collect();
        let mut marked = edges.clone();
        for edge in marked.iter_mut().filter(|edge| taken.contains(&edge.id)) {
            edge.marks.push(mark(1, 99, false));
        }
        let members: Vec<Member> =
            edges.iter().flat_map(|edge| [member(&edge.a, |_| 0), member(&edge.b, |_| 0)]).collect();
        prop_assert_eq!(
            Partition::of(members.clone(), &links(&marked)),
            Partition::of(members, &links(&without))
        );
    }

    #[test]
    fn nobody_has_more_of_a_kind_than_a_human_may((edges, _, _) in any_edges()) {
        let found = partition(&edges);
        let mut seen = BTreeSet::new();
        for person in &found.persons {
            for kind in [IdentifierKind::UserId, IdentifierKind::Email, IdentifierKind::Phone] {
                let of_kind = |member: &&Member| matches!(member, Member::Identifier(one) if one.kind == kind);
                prop_assert!(person.iter().filter(of_kind).count() <= most_of(kind));
            }
            for member in person {
                prop_assert!(seen.insert(member.clone()), "in one person only");
            }
        }
        for edge in &edges {
            let (a, b) = (member(&edge.a, |_| 0), member(&edge.b, |_| 0));
            let together = found.person_of(&a) == found.person_of(&b);
            prop_assert!(together || found.conflicts.contains_key(&edge.id), "apart only where it was refused");
        }
    }
}
