//! Beacons as pages send them.

use serde_json::{Map, Value, json};

/// A beacon of a visitor who agreed to be recognised. It does not say when it was sent, so every `at` stands.
#[must_use]
pub fn full(visitor: &str, events: impl IntoIterator<Item = Value>) -> Value {
    let events: Vec<Value> = events.into_iter().collect();
    json!({"v": 1, "visitor": visitor, "mode": "full", "choice": "explicit", "via": "wasm", "events": events})
}

/// A beacon of a visitor who agreed to be counted, and no more.
#[must_use]
pub fn anonymous(events: impl IntoIterator<Item = Value>) -> Value {
    let events: Vec<Value> = events.into_iter().collect();
    json!({"v": 1, "mode": "anonymous", "choice": "explicit", "events": events})
}

/// A beacon of a visitor who refused.
#[must_use]
pub fn off(events: impl IntoIterator<Item = Value>) -> Value {
    let events: Vec<Value> = events.into_iter().collect();
    json!({"v": 1, "mode": "off", "choice": "explicit", "events": events})
}

/// Event number `n` of a page view.
#[must_use]
pub fn event(page: &str, n: u32, at: i64, kind: &str, fields: Value) -> Value {
    let mut event = Map::new();
    for (name, value) in [
        ("id", json!(format!("{page}-{n}"))),
        ("at", json!(at)),
        ("page", json!(page)),
        ("kind", json!(kind)),
    ] {
        event.insert(name.to_owned(), value);
    }
    match fields {
        Value::Object(fields) => event.extend(fields),
        other => panic!("fields must be an object: {other}"),
    }
    Value::Object(event)
}

/// The first event of a page view.
#[must_use]
pub fn page_view(page: &str, at: i64, url: &str) -> Value {
    event(page, 0, at, "page_view", json!({"url": url, "title": "Placas solares"}))
}

/// A callback form, sent with a phone number alone.
#[must_use]
pub fn callback(page: &str, n: u32, at: i64, phone: &str) -> Value {
    let lead = json!({"kind": "callback", "phone": phone});
    event(page, n, at, "form_submit", json!({"form": "te-llamamos", "lead": lead}))
}

/// A new id as trackers make them: a UUIDv7.
#[must_use]
pub fn new_id() -> String {
    uuid::Uuid::now_v7().as_hyphenated().to_string()
}
