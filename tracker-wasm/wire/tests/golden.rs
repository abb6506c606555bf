//! Beacons as they were sent, for ever: each must still be read, and become what stands beside it.
//!
//! A change of the contract shows as a change of `golden/v1/*.expected.json`. `WIRE_GOLDEN=write cargo test -p wire
//! --test golden` writes them anew; a beacon is never changed or removed, only added.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops where it fails")]

use std::{fs, path::Path};

use serde_json::{Value, json};
use wire::{
    beacon::{Beacon, Mode},
    event::{Event, Kind},
    limits,
    normalise::normalise,
    redact::Rules,
};

const BEACONS: [&str; 15] = [
    "anonymous",
    "call_click",
    "callback_lead",
    "consent",
    "custom",
    "form_lead_consent",
    "guard",
    "identify",
    "off_with_lead",
    "page_leave",
    "page_view_gclid",
    "purchase",
    "raw_clicks",
    "rejected",
    "whatsapp_click",
];

const OWN: [&str; 1] = ["example.com"];

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden/v1"))
}

fn read(name: &str) -> Value {
    let path = folder().join(name);
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a beacon becomes: its envelope as it is read, and each event stored or rejected.
fn outcome(beacon: &Value) -> Value {
    let mut envelope: Beacon<Event> = serde_json::from_value(beacon.clone()).unwrap();
    assert_eq!(envelope.v, limits::VERSION);
    let mode = envelope.mode.unwrap_or(Mode::Off);
    let rules = Rules { mode, query_keys: &[], anonymous_utm: true };
    let events: Vec<Value> = envelope
        .events
        .drain(..)
        .map(|mut event| match normalise(&mut event, rules, &OWN) {
            Ok(_) => serde_json::to_value(event).unwrap(),
            Err(reject) => json!({"rejected": reject.reason.as_str(), "detail": reject.detail}),
        })
        .collect();
    let mut envelope = serde_json::to_value(envelope).unwrap();
    // The events stand beside it, as they became.
    envelope.as_object_mut().unwrap().remove("events");
    json!({"envelope": envelope, "events": events})
}

#[test]
fn every_beacon_ever_sent_still_becomes_the_same() {
    let write = std::env::var("WIRE_GOLDEN").is_ok_and(|value| value == "write");
    for name in BEACONS {
        let outcome = outcome(&read(&format!("{name}.json")));
        let expected = format!("{name}.expected.json");
        if write {
            let text = serde_json::to_string_pretty(&outcome).unwrap() + "\n";
            fs::write(folder().join(&expected), text).unwrap();
        }
        assert_eq!(outcome, read(&expected), "{name}");
    }
}

#[test]
fn every_beacon_is_in_the_list() {
    let mut found: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|file| file.strip_suffix(".json").map(str::to_owned))
        .filter(|name| !name.ends_with(".expected"))
        .collect();
    found.sort();
    assert_eq!(found, BEACONS);
}

#[test]
fn the_beacons_show_every_kind() {
    let mut seen: Vec<Kind> = BEACONS
        .iter()
        .flat_map(|name| outcome(&read(&format!("{name}.json")))["events"].as_array().unwrap().clone())
        .filter_map(|event| Kind::parse(event["kind"].as_str()?))
        .collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen, Kind::ALL);
}
