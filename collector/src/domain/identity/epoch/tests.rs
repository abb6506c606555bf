//! Known answers: one computer, several humans.

use wire::beacon::Mode;

use super::*;
use crate::domain::{
    event::{Detail, Event},
    fact::Arrival,
    id::Token,
    visit::{self, Seen},
};

const HOUR: i64 = 3_600_000;

fn identifier(kind: IdentifierKind, name: u8) -> Identifier {
    Identifier { kind, token: Token([name; 16]) }
}

fn email(name: u8) -> Identifier {
    identifier(IdentifierKind::Email, name)
}

fn phone(name: u8) -> Identifier {
    identifier(IdentifierKind::Phone, name)
}

fn user(name: u8) -> Identifier {
    identifier(IdentifierKind::UserId, name)
}

/// A page view each hour, and a click a minute after it: two events a visit, `a`, `b`, `c`, …
fn life() -> Vec<Event> {
    ["a", "b", "c", "d"]
        .into_iter()
        .zip(0..)
        .flat_map(|(page, hour)| {
            let page = Id::parse(page).unwrap();
            let event = |number, minute: i64, detail| Event {
                id: EventId::Numbered(number),
                page: page.clone(),
                at: hour * HOUR + minute * 60_000,
                raw_at: None,
                detail,
            };
            let url = "https://example.com/".to_owned();
            [
                event(0, 0, Detail::PageView { url, title: None, referrer: None }),
                event(1, 1, Detail::Click { target: None, text: None, href: None }),
                event(2, 2, Detail::Click { target: None, text: None, href: None }),
            ]
        })
        .collect()
}

/// The epoch of each of the twelve events, where these facts identify somebody.
fn epochs(said: &[(&str, i64, &[Identifier])]) -> Vec<usize> {
    let (arrival, events) = (Arrival::bare(Id::parse("v"), Mode::Full, 0, Vec::new()), life());
    let own = vec!["example.com".to_owned()];
    let timeline =
        visit::timeline(events.iter().map(|event| Seen { arrival: &arrival, event }).collect(), &own);
    let said: Vec<Identification<'_>> =
        said.iter().map(|&(fact, at, identifiers)| Identification { fact, at, identifiers }).collect();
    let forwards = Epochs::of(&timeline, &said);
    let backwards: Vec<_> = said.into_iter().rev().collect();
    assert_eq!(
        forwards,
        Epochs::of(&timeline, &backwards),
        "the order they are given in makes no difference"
    );
    timeline.entries.iter().map(|entry| forwards.of_entry(entry)).collect()
}

fn at(hour: i64, minute: i64) -> i64 {
    hour * HOUR + minute * 60_000
}

#[test]
fn nobody_and_one_human_have_one_epoch() {
    assert_eq!(epochs(&[]), [0; 12]);
    assert_eq!(epochs(&[("a-1", at(0, 1), &[email(1)]), ("c-1", at(2, 1), &[email(1), phone(2)])]), [0; 12]);
}

#[test]
fn a_second_address_or_number_alone_is_no_second_human() {
    assert_eq!(epochs(&[("a-1", at(0, 1), &[email(1)]), ("c-1", at(2, 1), &[email(2)])]), [0; 12]);
    let both = [email(1), phone(1)];
    assert_eq!(epochs(&[("a-1", at(0, 1), &both), ("c-1", at(2, 1), &[email(2), phone(1)])]), [0; 12]);
    assert_eq!(epochs(&[("a-1", at(0, 1), &both), ("c-1", at(2, 1), &[email(2)])]), [0; 12]);
}

#[test]
fn another_human_begins_with_the_visit() {
    let (one, other) = ([email(1), phone(1)], [email(2), phone(2)]);
    let found = epochs(&[("a-1", at(0, 1), &one), ("c-1", at(2, 1), &other)]);
    assert_eq!(found, [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
    let by_user = epochs(&[("a-1", at(0, 1), &[user(1)]), ("c-1", at(2, 1), &[user(2)])]);
    assert_eq!(by_user, found);
}

#[test]
fn within_a_visit_another_human_begins_at_the_event() {
    let found = epochs(&[("a-1", at(0, 1), &[user(1)]), ("a-2", at(0, 2), &[user(2)])]);
    assert_eq!(found, [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn who_comes_back_has_an_epoch_of_their_own_again() {
    let said: [(&str, i64, &[Identifier]); 3] =
        [("a-1", at(0, 1), &[user(1)]), ("b-1", at(1, 1), &[user(2)]), ("c-1", at(2, 1), &[user(1)])];
    assert_eq!(epochs(&said), [0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 2]);
}

#[test]
fn a_user_id_is_the_last_word() {
    let (one, other) = ([user(1), email(1), phone(1)], [user(1), email(2), phone(2)]);
    assert_eq!(epochs(&[("a-1", at(0, 1), &one), ("c-1", at(2, 1), &other)]), [0; 12]);
    let other = [user(2), email(1), phone(1)];
    assert_eq!(epochs(&[("a-1", at(0, 1), &one), ("c-1", at(2, 1), &other)])[6], 1);
}

#[test]
fn what_a_server_says_is_placed_by_its_time() {
    let found = epochs(&[("a-1", at(0, 1), &[user(1)]), ("l_1", at(2, 1), &[user(2)])]);
    assert_eq!(found, [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
    // Before anything was seen, it is of the first visit.
    assert_eq!(epochs(&[("l_1", -5, &[user(2)])]), [0; 12]);
}
