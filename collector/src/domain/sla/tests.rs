//! Known answers of clocks and promises.

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::domain::{
    event::{Consent, Personal},
    fact::Entry,
    hours::Hours,
    record::{self, Attempt, LeadIn, Outcome},
    touch::Touch,
};

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn id() -> LeadId {
    LeadId::of_record("lead", "1")
}

fn lead_in(kind: LeadKind, at: i64, received_at: i64) -> Entry {
    Entry::Lead(LeadIn {
        lead: id(),
        kind,
        at,
        received_at,
        external_id: "1".to_owned(),
        visitor: None,
        inferred: false,
        came: None,
        event: None,
        personal: Personal::default(),
        consent: Some(Consent { text_version: None, purposes: vec![CONTACT.to_owned()] }),
        flags: Vec::new(),
    })
}

fn attempt(at: i64, received_at: i64, outcome: Outcome) -> Entry {
    Entry::Attempt(Attempt {
        lead: id(),
        at,
        received_at,
        outcome,
        disposition: None,
        product: None,
        objection: None,
        note: None,
        external_id: format!("{at}"),
    })
}

fn stand(entries: &[Entry]) -> Lead {
    let told = record::told((1..).zip(entries));
    Lead::stand(&id(), None, &told, &SiteConfig::default()).unwrap()
}

fn config(sla: serde_json::Value, hours: &str) -> SiteConfig {
    let hours: Hours = serde_json::from_str(hours).unwrap();
    SiteConfig { hours, sla: serde_json::from_value(sla).unwrap(), ..SiteConfig::default() }
}

const OFFICE: &str = r#"{"week": {"mon": [["09:00", "21:00"]], "tue": [["09:00", "21:00"]]}}"#;

#[test]
fn a_clock_runs_across_a_night_and_both_figures_are_there() {
    // A Monday at half a minute to nine in the evening; Tuesday at nine and a bit.
    let told = at("2026-11-23T20:59:30+01:00");
    let config = config(json!([]), OFFICE);
    let lead = stand(&[lead_in(LeadKind::Callback, told - 40_000, told)]);
    let due_at = at("2026-11-24T09:00:30+01:00");
    for (now, state) in [(told, State::Running), (due_at - 1, State::Running), (due_at, State::Breached)] {
        let clock = Clock::of(&lead, &config, now).unwrap();
        assert_eq!((clock.state, clock.started_at, clock.due_at), (state, told, Some(due_at)), "{now}");
    }
    let lead = stand(&[
        lead_in(LeadKind::Callback, told - 40_000, told),
        attempt(at("2026-11-24T09:00:20+01:00"), due_at + 60_000, Outcome::NoAnswer),
        attempt(at("2026-11-24T09:30:00+01:00"), due_at + 60_000, Outcome::Contacted),
    ]);
    let clock = Clock::of(&lead, &config, due_at + 99_000).unwrap();
    let night = 12 * 3_600_000;
    assert_eq!(clock.state, State::Met, "whenever it was told");
    assert_eq!(clock.first_attempt, Some(Took { wall_ms: night + 50_000, open_ms: 50_000 }));
    assert_eq!(clock.first_contact, Some(Took { wall_ms: night + 1_830_000, open_ms: 1_830_000 }));
}

#[test]
fn the_first_promise_that_fits_counts() {
    let config = config(
        json!([
            {"kind": "callback", "campaign": "otoño*", "target_s": 30},
            {"kind": "callback", "target_s": 60, "clock": "wall"},
            {"channel": "paid_*", "target_s": 300},
            {"product": "solar", "target_s": 86_400},
        ]),
        OFFICE,
    );
    let case = |kind, channel: &str, campaign: Option<&str>, product: Option<&str>| Case {
        kind,
        channel: Some(channel.to_owned()),
        source: None,
        campaign: campaign.map(str::to_owned),
        form: None,
        product: product.map(str::to_owned),
    };
    for (case, target_s) in [
        (case(LeadKind::Callback, "email", Some("Otoño-2026"), None), 30),
        (case(LeadKind::Callback, "paid_search", Some("verano"), None), 60),
        (case(LeadKind::Callback, "paid_search", None, None), 60),
        (case(LeadKind::Form, "paid_search", None, Some("solar")), 300),
        (case(LeadKind::Form, "email", None, Some("Solar")), 86_400),
        (case(LeadKind::Form, "email", None, None), TARGET_S),
    ] {
        assert_eq!(promise(&config, &case).target_s, target_s, "{case:?}");
    }
    // Day and night: a Wednesday is closed.
    let open = Calendar::new(&config.hours, &config.timezone);
    let wednesday = at("2026-11-25T12:00:00+01:00");
    let by_wall = promise(&config, &case(LeadKind::Callback, "email", None, None));
    assert_eq!(by_wall.due_at(wednesday, &open), Some(wednesday + 60_000));
    let by_hours = promise(&config, &case(LeadKind::Form, "email", None, None));
    assert_eq!(by_hours.due_at(wednesday, &open), Some(at("2026-11-30T09:01:00+01:00")));
}

#[test]
fn nothing_was_promised_to_lists_and_history_and_those_who_may_not_be_called() {
    let config = SiteConfig::default();
    let now = at("2026-11-23T12:00:00+01:00");
    let clock = |lead: &Lead| Clock::of(lead, &config, now).is_some();
    let fresh = stand(&[lead_in(LeadKind::Form, now, now)]);
    assert!(clock(&fresh));
    assert!(clock(&stand(&[lead_in(LeadKind::Form, now - HISTORY_MS, now)])));
    assert!(!clock(&stand(&[lead_in(LeadKind::Form, now - HISTORY_MS - 1, now)])), "history");
    assert!(!clock(&stand(&[lead_in(LeadKind::Import, now, now)])));
    for flag in [Flag::Test, Flag::Spam, Flag::Internal, Flag::Erased] {
        assert!(!clock(&Lead { flags: vec![flag], ..fresh.clone() }), "{flag:?}");
    }
    assert!(clock(&Lead { flags: vec![Flag::InvalidEmail], ..fresh.clone() }));
    assert!(!clock(&Lead { duplicate_of: Some(id()), ..fresh.clone() }));
    assert!(!clock(&Lead { consent: None, ..fresh }));
}

#[test]
fn a_breach_stays_and_a_lead_that_is_told_of_twice_began_once() {
    let now = at("2026-11-23T12:00:00+01:00");
    let breach = Entry::Breach(Breach { lead: id(), due_at: now + 60_000, at: now + 60_005, target_s: 60 });
    let again = lead_in(LeadKind::Form, now + 1, now + 90_000);
    let lead = stand(&[
        lead_in(LeadKind::Form, now, now),
        breach,
        attempt(now + 30_000, now + 80_000, Outcome::NoAnswer),
        again,
    ]);
    assert_eq!((lead.told_at, lead.breached_at), (now, Some(now + 60_000)));
    let clock = Clock::of(&lead, &SiteConfig::default(), now + 100_000).unwrap();
    assert_eq!(clock.state, State::Met, "overtaken");
    let came = Touch::unknown(now, "x");
    let case = Case::of(&Lead { came: Some(Box::new(came)), ..lead });
    assert_eq!((case.kind, case.channel.as_deref()), (LeadKind::Form, Some("unknown")));
}
