//! Known answers and laws of who may have called.

use proptest::prelude::*;

use super::*;
use crate::domain::channel::Channel;

const MINUTE: i64 = 60_000;
const NOW: i64 = 100 * MINUTE;

fn id(name: &str) -> Id {
    Id::parse(name).unwrap()
}

fn shown(visitor: &str, minutes_ago: i64) -> Shown {
    Shown { visitor: id(visitor), last_seen: NOW - minutes_ago * MINUTE, tapped_at: None, is_caller: false }
}

#[test]
fn one_who_reads_is_sure_and_two_are_not() {
    let alone = candidates(&[shown("v", 0)], NOW);
    assert_eq!(caller(&alone), Some(&id("v")), "{alone:?}");
    let two = candidates(&[shown("v", 1), shown("w", 0)], NOW);
    assert_eq!(caller(&two), None);
    let order: Vec<_> = two.iter().map(|one| one.visitor.clone()).collect();
    assert_eq!(order, [Some(id("w")), Some(id("v")), None], "the likeliest first, somebody else last");
}

#[test]
fn who_has_just_tapped_called() {
    let mut taps = shown("w", 1);
    taps.tapped_at = Some(NOW - MINUTE);
    assert_eq!(caller(&candidates(&[shown("v", 0), taps.clone()], NOW)), Some(&id("w")));
    taps.tapped_at = Some(NOW - 10 * MINUTE);
    assert_eq!(caller(&candidates(&[shown("v", 0), taps], NOW)), None, "that was another call");
}

#[test]
fn whose_number_calls_called() {
    let mut known = shown("w", 50);
    known.is_caller = true;
    assert_eq!(caller(&candidates(&[shown("v", 0), known], NOW)), Some(&id("w")));
}

#[test]
fn the_longer_ago_the_less_sure() {
    assert_eq!(caller(&candidates(&[shown("v", 20)], NOW)), None);
    let nobody = candidates(&[shown("v", 61)], NOW);
    assert_eq!(nobody, [Candidate { visitor: None, probability: 1.0 }], "the number was free again");
    let later = Shown { last_seen: NOW + 1, ..shown("v", 0) };
    assert_eq!(candidates(&[later], NOW).len(), 1, "whoever came after the call did not make it");
}

#[test]
fn what_all_have_in_common_is_said_and_no_more() {
    let touch = |channel: Channel, source: &str, campaign: &str| Touch {
        channel,
        source: Some(source.to_owned()),
        campaign: Some(campaign.to_owned()),
        reason: None,
        ..Touch::unknown(1, "")
    };
    let paid = Channel::PaidSearch;
    let common = in_common(&[touch(paid, "google", "solar"), touch(paid, "google", "agua")], 9).unwrap();
    assert_eq!(
        (common.channel, common.source.as_deref(), common.campaign.as_deref()),
        (paid, Some("google"), None)
    );
    assert_eq!((common.at, common.reason), (9, None));
    assert_eq!(in_common(&[touch(paid, "google", "x"), touch(Channel::Email, "google", "x")], 9), None);
    assert_eq!(in_common(&[], 9), None);
}

proptest! {
    #[test]
    fn probabilities_sum_to_one_whatever_the_order(
        seen in proptest::collection::vec((0u8..5, 0i64..90, proptest::option::of(0i64..20), any::<bool>()), 0..12),
        turn in 0usize..12,
    ) {
        let all: Vec<Shown> = seen.iter().map(|(visitor, ago, tapped, is_caller)| Shown {
            visitor: id(&format!("v{visitor}")),
            last_seen: NOW - ago * MINUTE,
            tapped_at: tapped.map(|ago| NOW - ago * MINUTE),
            is_caller: *is_caller,
        }).collect();
        // One word on each visitor, as the store gives it.
        let mut all: Vec<Shown> = all.into_iter().fold(Vec::new(), |mut kept: Vec<Shown>, one| {
            if kept.iter().all(|other| other.visitor != one.visitor) {
                kept.push(one);
            }
            kept
        });
        let told = candidates(&all, NOW);
        let sum: f64 = told.iter().map(|one| one.probability).sum();
        prop_assert!((sum - 1.0).abs() < 1e-9, "{}", sum);
        prop_assert!(told.last().is_some_and(|last| last.visitor.is_none()));
        let turn = turn % all.len().max(1);
        all.rotate_left(turn);
        prop_assert_eq!(candidates(&all, NOW), told);
    }
}
