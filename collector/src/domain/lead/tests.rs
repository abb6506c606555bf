//! Known answers and properties of a lead's origin.

use proptest::prelude::*;

use super::*;
use crate::domain::{channel::Channel, visit::Visit};

fn touch(at: i64, channel: Channel, source: Option<&str>) -> Touch {
    Touch { channel, source: source.map(str::to_owned), reason: None, ..Touch::unknown(at, "") }
}

fn visit(touches: Vec<Touch>) -> Visit {
    let at = touches.first().map_or(0, |touch| touch.at);
    Visit { id: format!("p{at}"), started_at: at, ended_at: at, touches, page_views: 1, engaged_ms: 0 }
}

fn origin(visits: &[Visit], lead_at: i64) -> Origin {
    super::origin(visits.iter().flat_map(|visit| &visit.touches), lead_at)
}

fn times(origin: &Origin) -> (i64, i64, i64) {
    (origin.first.at, origin.last.at, origin.last_non_direct.at)
}

#[test]
fn three_readings_of_the_same_touches() {
    let visits = [
        visit(vec![
            touch(10, Channel::PaidSearch, Some("google")),
            touch(15, Channel::Referral, Some("example.org")),
        ]),
        visit(vec![touch(20, Channel::Direct, None)]),
        visit(vec![touch(40, Channel::Email, Some("newsletter"))]),
    ];
    assert_eq!(times(&origin(&visits, 30)), (10, 20, 15));
    assert_eq!(times(&origin(&visits, 40)), (10, 40, 40));
    assert_eq!(times(&origin(&visits, 10)), (10, 10, 10));
    let found = origin(&visits, 30);
    assert_eq!(found.first.source.as_deref(), Some("google"));
    assert_eq!(found.last_non_direct.channel, Channel::Referral);
}

#[test]
fn direct_and_unknown_stand_only_where_nothing_else_does() {
    let direct = [visit(vec![touch(1, Channel::Direct, None)]), visit(vec![touch(2, Channel::Direct, None)])];
    assert_eq!(times(&origin(&direct, 9)), (1, 2, 2));
    let lost = [
        visit(vec![touch(1, Channel::PaidSocial, Some("facebook"))]),
        visit(vec![Touch::unknown(2, reason::NO_PAGE_VIEW)]),
    ];
    assert_eq!(times(&origin(&lost, 9)), (1, 2, 1));
    let alone = [visit(vec![Touch::unknown(2, reason::NO_PAGE_VIEW)])];
    assert_eq!(origin(&alone, 9).last_non_direct.reason.as_deref(), Some(reason::NO_PAGE_VIEW));
}

#[test]
fn visits_of_several_browsers_are_read_by_time() {
    let visits = [
        visit(vec![touch(30, Channel::Direct, None)]),
        visit(vec![touch(10, Channel::Affiliate, Some("awin"))]),
    ];
    assert_eq!(times(&origin(&visits, 30)), (10, 30, 10));
}

#[test]
fn no_touch_before_is_said() {
    let visits = [visit(vec![touch(10, Channel::Email, Some("crm"))])];
    for found in [origin(&[], 5), origin(&visits, 9)] {
        assert_eq!(found.first.channel, Channel::Unknown);
        assert_eq!(found.last.reason.as_deref(), Some(reason::NO_TOUCH_BEFORE_LEAD));
        assert_eq!(found.first, found.last_non_direct);
    }
    assert_eq!(Origin::unknown(5, reason::NO_CONSENT).last, Touch::unknown(5, reason::NO_CONSENT));
}

proptest! {
    #[test]
    fn an_origin_is_never_blank_and_never_of_later(
        touches in prop::collection::vec((0i64..50, 0usize..Channel::ALL.len()), 0..12),
        lead_at in 0i64..60,
    ) {
        let visits: Vec<Visit> = touches
            .iter()
            .map(|&(at, channel)| match Channel::ALL[channel] {
                Channel::Unknown => visit(vec![Touch::unknown(at, reason::NO_PAGE_VIEW)]),
                Channel::Direct => visit(vec![touch(at, Channel::Direct, None)]),
                channel => visit(vec![touch(at, channel, Some("some"))]),
            })
            .collect();
        let found = origin(&visits, lead_at);
        for touch in [&found.first, &found.last, &found.last_non_direct] {
            prop_assert!(touch.at <= lead_at);
            prop_assert!(touch.channel != Channel::Unknown || touch.reason.is_some());
        }
        prop_assert!(found.first.at <= found.last_non_direct.at && found.last_non_direct.at <= found.last.at);
        let sourced = touches.iter().any(|&(at, channel)| {
            at <= lead_at && !matches!(Channel::ALL[channel], Channel::Direct | Channel::Unknown)
        });
        prop_assert_eq!(found.last_non_direct.has_source(), sourced);
    }
}

#[test]
fn the_same_request_within_half_an_hour_is_a_duplicate_of_the_first() {
    let ids: Vec<LeadId> = ["a", "b", "c", "d", "e"].iter().map(|name| LeadId::of_event(name)).collect();
    let form = (LeadKind::Form, Some("contact"));
    let other = (LeadKind::Callback, Some("contact"));
    let request = |index: usize, at, by| Request { at, lead: &ids[index], by };
    let asked = [
        request(0, 0, form),
        request(1, SAME_REQUEST_MS, form),
        // Counted from the first, not from the last: asking on and on is not one request for ever.
        request(2, SAME_REQUEST_MS + 1, form),
        request(3, 5, other),
        request(4, SAME_REQUEST_MS + 9, form),
    ];
    let expected = BTreeMap::from([(&ids[1], &ids[0]), (&ids[4], &ids[2])]);
    assert_eq!(duplicates(asked.clone()), expected);
    let mut backwards = asked;
    backwards.reverse();
    assert_eq!(duplicates(backwards), expected);
}
