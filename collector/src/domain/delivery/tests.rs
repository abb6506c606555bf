use super::*;

const AT: i64 = 1_795_310_400_000;

fn lead(kind: MessageType) -> Delivery {
    Delivery::new(kind, "crm", Some(LeadId::of_event("p-1")), 7, AT)
}

fn failed(delivery: &Delivery, now: i64) -> Tried {
    Tried {
        message: delivery.id.clone(),
        endpoint: delivery.endpoint.clone(),
        lead: delivery.lead.clone(),
        at: now,
        status: Some(500),
        why: Some(Why::Status),
        ms: 3,
        then: delivery.next(now, None, None).map_or(Then::GivenUp, Then::Again),
    }
}

/// The pauses until a message is given up, in ms.
fn pauses(kind: MessageType) -> Vec<i64> {
    let mut delivery = lead(kind);
    let mut now = AT;
    let mut pauses = Vec::new();
    while let Some(due) = delivery.next(now, None, None) {
        pauses.push(due - now);
        let tried = failed(&delivery, now);
        delivery.tried(&tried);
        assert_eq!((delivery.state, delivery.due_at), (DeliveryState::Pending, Some(due)));
        now = due;
    }
    let last = failed(&delivery, now);
    delivery.tried(&last);
    assert_eq!((delivery.state, delivery.due_at), (DeliveryState::GivenUp, None));
    assert_eq!(delivery.attempts as usize, pauses.len() + 1);
    pauses
}

#[test]
fn who_waits_to_be_called_is_tried_for_within_seconds_and_then_for_days() {
    let is = |pauses: &[i64], planned: &[i64]| {
        assert_eq!(pauses.len(), planned.len(), "{pauses:?}");
        for (pause, planned) in pauses.iter().zip(planned) {
            assert!((*planned..=planned + planned / JITTER).contains(pause), "{pause} for {planned}");
        }
    };
    let fast = pauses(MessageType::LeadCreated);
    is(&fast, &[FAST.as_slice(), &LONG[1..]].concat());
    assert!(fast[..5].iter().sum::<i64>() <= 33 * SECOND, "five more attempts within the minute");
    let long = pauses(MessageType::StageChanged);
    is(&long, &LONG);
    let days = long.iter().sum::<i64>() / HOUR;
    assert!((75..=84).contains(&days), "some three days: {days} h");
}

#[test]
fn nobody_hurries_while_nobody_may_call_and_the_morning_is_not_missed() {
    let morning = AT + 9 * HOUR;
    let mut delivery = lead(MessageType::LeadCreated);
    let mut now = AT;
    let mut at = Vec::new();
    while let Some(due) = delivery.next(now, None, Some(morning.max(now))) {
        let tried = Tried { then: Then::Again(due), ..failed(&delivery, now) };
        delivery.tried(&tried);
        now = due;
        at.push(due);
    }
    let night: Vec<_> = at.iter().take_while(|at| **at < morning).collect();
    assert_eq!(night.len(), 5, "5 s, 5 and 30 min, 2 and 5 h: {at:?}");
    assert!(*night[0] >= AT + 5 * SECOND, "not within the second");
    assert_eq!(at[5], morning, "and not ten hours after it");
    assert!(at.len() > night.len() + 5, "then for days");
}

#[test]
fn what_failed_all_day_is_not_given_up_because_the_office_closes() {
    let mut delivery = lead(MessageType::LeadCreated);
    let attempts = FAST.len() + LONG.len() - 1;
    for round in 0..attempts {
        delivery.round = u32::try_from(round).unwrap();
        let next = delivery.next(AT, None, Some(AT + HOUR));
        assert!(next.is_some_and(|due| due > AT && due <= AT + HOUR), "{round}: {next:?}");
    }
    delivery.round = u32::try_from(attempts).unwrap();
    assert_eq!(delivery.next(AT, None, Some(AT + HOUR)), None);
}

#[test]
fn a_message_and_an_attempt_have_one_time_and_others_have_others() {
    let one = lead(MessageType::LeadCreated);
    let again = lead(MessageType::LeadCreated);
    assert_eq!(one.id, again.id);
    assert_eq!(one.next(AT, None, None), again.next(AT, None, None));
    let others: std::collections::BTreeSet<_> = (0..50)
        .filter_map(|n| Delivery::new(MessageType::StageChanged, "crm", None, n, AT).next(AT, None, None))
        .collect();
    assert!(others.len() > 25, "what failed together does not come again together: {others:?}");
}

#[test]
fn an_id_is_of_its_fact_and_its_endpoint() {
    let id = |kind, endpoint, position, at| {
        MessageId::of(kind, endpoint, Some(&LeadId::of_event("p-1")), position, at)
    };
    let one = id(MessageType::LeadCreated, "crm", 7, AT);
    assert_eq!(one, lead(MessageType::LeadCreated).id);
    assert!(one.as_str().starts_with("msg_") && one.as_str().len() == 36 && !one.as_str().contains('.'));
    for other in [
        id(MessageType::LeadUpdated, "crm", 7, AT),
        id(MessageType::LeadCreated, "crm2", 7, AT),
        id(MessageType::LeadCreated, "crm", 8, AT),
        id(MessageType::LeadCreated, "crm", 7, AT + 1),
    ] {
        assert_ne!(one, other);
    }
}

#[test]
fn a_receiver_that_wants_to_be_left_alone_is() {
    let delivery = lead(MessageType::LeadCreated);
    assert_eq!(delivery.next(AT, Some(120_000), None), Some(AT + 120_000));
    let sooner = delivery.next(AT, Some(1), None);
    assert_eq!(sooner, delivery.next(AT, None, None), "but not tried the sooner for it");
    let date = |text: &str| (text == "Sun, 22 Nov 2026 00:01:00 GMT").then_some(AT + 60_000);
    assert_eq!(retry_after(" 30 ", AT, date), Some(30_000));
    assert_eq!(retry_after("Sun, 22 Nov 2026 00:01:00 GMT", AT, date), Some(60_000));
    assert_eq!(retry_after("4294967295", AT, date), Some(LONGEST));
    for nothing in ["", "-5", "soon", "1e3"] {
        assert_eq!(retry_after(nothing, AT, date), None, "{nothing:?}");
    }
}

#[test]
fn an_attempt_under_way_when_it_is_dropped_brings_nothing_back() {
    let mut delivery = lead(MessageType::LeadCreated);
    let under_way = failed(&delivery, AT);
    delivery.drop(AT + 1, Why::EndpointOff);
    delivery.tried(&under_way);
    assert_eq!((delivery.state, delivery.due_at, delivery.attempts), (DeliveryState::Dropped, None, 1));
    delivery.tried(&Tried { then: Then::Delivered, status: Some(200), why: None, ..under_way });
    assert_eq!(delivery.state, DeliveryState::Delivered, "it came to where it was meant for");
}

#[test]
fn dropped_and_asked_for_again_it_begins_anew() {
    let mut delivery = lead(MessageType::LeadCreated);
    for _ in 0..3 {
        let tried = failed(&delivery, AT);
        delivery.tried(&tried);
    }
    delivery.drop(AT, Why::EndpointOff);
    assert_eq!((delivery.state, delivery.due_at, delivery.attempts), (DeliveryState::Dropped, None, 3));
    delivery.again(AT + 5);
    assert_eq!((delivery.state, delivery.due_at, delivery.round), (DeliveryState::Pending, Some(AT + 5), 0));
    assert!(delivery.next(AT, None, None).is_some_and(|due| due - AT <= 1_100));
    for n in 0..40 {
        delivery.drop(n, Why::Erased);
    }
    assert_eq!(delivery.tries.len(), REMEMBERED);
    assert_eq!(delivery.tries.last().map(|last| last.at), Some(39));
}

#[test]
fn what_was_never_sent_is_no_attempt() {
    let mut delivery = lead(MessageType::LeadCreated);
    let dropped =
        Tried { then: Then::Dropped, status: None, why: Some(Why::NoConsent), ..failed(&delivery, AT) };
    delivery.tried(&dropped);
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Dropped, 0));
    let gone = Tried { status: Some(410), why: Some(Why::Gone), ..dropped };
    delivery.tried(&gone);
    assert_eq!(delivery.attempts, 1);
}
