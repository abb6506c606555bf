//! What must hold of any event, whoever made it up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops where it fails")]

use proptest::prelude::*;
use serde_json::{Value, json};
use wire::{
    beacon::Mode,
    event::{Event, Kind},
    links::{Link, classify},
    normalise::normalise,
    redact::{self, Rules},
};

const OWN: [&str; 1] = ["example.com"];
const FULL: Rules<'_> = Rules { mode: Mode::Full, query_keys: &[], anonymous_utm: true };
const ANONYMOUS: Rules<'_> = Rules { mode: Mode::Anonymous, query_keys: &[], anonymous_utm: true };

/// Texts that hit the seams: long, dirty, link-like, address-like.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z]{1,6}",
        "[0-9]{1,14}",
        "[ \\u{0}-\\u{1f}\\u{7f}-\\u{9f}\u{a0}]{1,2}",
        "[-+./\\\\?#&=%:;@,…ñ€]{1,3}",
        "\\PC{0,3}",
        proptest::sample::select(vec![
            "https://",
            "//",
            "tel:",
            "mailto:",
            "sms:",
            "javascript:",
            "wa.me/",
            "t.me/",
            "signal.me/#p/",
            "example.com",
            "example.net/",
            ".pdf",
            "%40",
            "ana@example.com",
            "+34 600 000 000",
            "utm_source=",
            "gclid=",
            "viber://chat?number=",
            "EUR",
            "form",
            "full",
            "whatsapp",
        ])
        .prop_map(str::to_owned),
    ];
    prop_oneof![
        4 => proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat()),
        1 => ("[a-zñ0-9 @./:%-]{1,12}", 1usize..600).prop_map(|(text, times)| text.repeat(times)),
        1 => proptest::sample::select(vec!["form", "callback", "full", "off", "whatsapp", "EUR", "test", "p1-1"]).prop_map(str::to_owned),
    ]
}

fn objects() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        texts().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
    ];
    proptest::collection::btree_map(texts(), value, 0..24).prop_map(|map| map.into_iter().collect())
}

fn leads() -> impl Strategy<Value = Value> {
    (
        proptest::sample::select(vec!["form", "callback", "call"]),
        proptest::collection::vec(proptest::option::of(texts()), 5),
        proptest::collection::btree_map(texts(), texts(), 0..60),
        proptest::option::of(proptest::collection::vec(texts(), 0..30)),
    )
        .prop_map(|(kind, texts, fields, purposes)| {
            json!({"kind": kind, "name": texts[0], "email": texts[1], "phone": texts[2], "magnet": texts[3], "flag": texts[4],
                   "fields": fields, "consent": purposes.map(|purposes| json!({"purposes": purposes}))})
        })
}

/// Events as JSON: a kind, mostly all texts, now and then one that is missing or of the wrong type.
fn events() -> impl Strategy<Value = Value> {
    const TEXTS: [&str; 26] = [
        "url",
        "title",
        "referrer",
        "target",
        "text",
        "href",
        "cta",
        "number",
        "app",
        "to",
        "chat_ref",
        "asset",
        "form",
        "field",
        "submit",
        "order_id",
        "currency",
        "name",
        "email",
        "phone",
        "user_id",
        "mode",
        "text_version",
        "code",
        "id",
        "page",
    ];
    (
        prop_oneof![20 => proptest::sample::select(Kind::ALL.to_vec()).prop_map(|kind| kind.as_str().to_owned()), 1 => texts()],
        proptest::collection::vec(proptest::option::weighted(0.8, texts()), TEXTS.len()),
        proptest::option::of(leads()),
        proptest::option::of(objects()),
        (any::<i64>(), any::<u32>(), any::<u8>(), any::<bool>(), proptest::collection::vec(texts(), 0..25)),
        any::<bool>(),
    )
        .prop_map(|(kind, texts, lead, props, (long, count, small, inferred, purposes), proper)| {
            let mut event = json!({"kind": kind, "lead": lead, "props": props, "amount": long, "engaged_ms": count, "count": count,
                "scroll_pct": small % 110, "fields_filled": count, "inferred": inferred, "purposes": purposes,
                "items": [{"id": texts[0], "name": texts[1], "quantity": count, "price": long}]});
            for (field, text) in TEXTS.iter().zip(&texts) {
                event[field] = json!(text);
            }
            if proper || texts[24].is_none() {
                event["id"] = json!("p1-0");
            }
            if proper || texts[25].is_none() {
                event["page"] = json!("p1");
            }
            event
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn normalising_twice_is_normalising_once(json in events(), full: bool) {
        let rules = if full { FULL } else { ANONYMOUS };
        let Ok(mut event) = serde_json::from_value::<Event>(json) else { return Ok(()) };
        let Ok(kind) = normalise(&mut event, rules, &OWN) else { return Ok(()) };
        prop_assert_eq!(kind.as_str(), &event.kind);
        let once = event.clone();
        prop_assert_eq!(normalise(&mut event, rules, &OWN), Ok(kind));
        prop_assert_eq!(&event, &once);
        // What is stored is read back as it was.
        let stored = serde_json::to_string(&once).unwrap();
        let read: Event = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(&serde_json::to_string(&read).unwrap(), &stored);
        for (field, limit) in [(&once.url, 4096), (&once.referrer, 4096), (&once.href, 4096), (&once.title, 512), (&once.text, 80)] {
            prop_assert!(field.as_ref().is_none_or(|text| text.len() <= limit && !text.is_empty()));
        }
    }

    #[test]
    fn a_raw_click_is_stored_the_same_on_both_roads(href in texts(), cta in proptest::option::of("[a-z]{1,4}")) {
        let raw = Event { id: "p1-0".into(), page: "p1".into(), kind: "click".into(), target: Some("a".into()), href: Some(href), cta, ..Event::default() };
        let mut on_the_page = raw.clone();
        let mut at_the_collector = raw;
        let page = normalise(&mut on_the_page, FULL, &OWN);
        // The core sends it as JSON; the collector normalises again.
        if page.is_ok() {
            on_the_page = serde_json::from_str(&serde_json::to_string(&on_the_page).unwrap()).unwrap();
            prop_assert_eq!(&normalise(&mut on_the_page, FULL, &OWN), &page);
        }
        prop_assert_eq!(normalise(&mut at_the_collector, FULL, &OWN), page);
        prop_assert_eq!(on_the_page, at_the_collector);
    }

    #[test]
    fn what_the_core_classified_is_what_the_loader_sent_raw(href in texts(), text in texts(), cta in proptest::option::of("[a-z]{1,4}")) {
        // Longer ones are cut, before the one and after the other is classified.
        let href = href.chars().take(1000).collect();
        let raw = Event {
            id: "p1-0".into(), page: "p1".into(), kind: "click".into(), target: Some("a".into()), text: Some(text), href: Some(href), cta,
            ..Event::default()
        };
        for rules in [FULL, ANONYMOUS] {
            // As the core does it: classify, then redact, and leave limits and cleaning to the collector.
            let mut core = raw.clone();
            let href = raw.href.as_deref().unwrap();
            let own = |text: std::borrow::Cow<'_, str>| Some(text.into_owned());
            let kind = match classify(href, &OWN) {
                Link::Call { number } => { core.number = own(number); Kind::CallClick }
                Link::Sms { to } => { core.to = own(to); Kind::SmsClick }
                Link::Email { to } => { core.to = own(to); Kind::EmailClick }
                Link::Chat { app, to } => { core.app = Some(app.as_str().to_owned()); core.to = to.and_then(own); Kind::ChatClick }
                Link::Download { asset } => { core.asset = own(asset); Kind::Download }
                Link::Outbound => Kind::OutboundClick,
                Link::Internal | Link::Nothing if core.cta.is_some() => Kind::CtaClick,
                Link::Internal | Link::Nothing => Kind::Click,
            };
            core.kind = kind.as_str().to_owned();
            core.href = Some(redact::url(href, rules));
            core.text = core.text.map(|text| redact::text(&text));
            let mut loader = raw.clone();
            let stored = normalise(&mut loader, rules, &OWN);
            prop_assert_eq!(normalise(&mut core, rules, &OWN), stored.clone());
            if stored.is_ok() {
                // Redacting before cleaning may see a number less, never one more.
                core.text = None;
                loader.text = None;
                prop_assert_eq!(core, loader);
            }
        }
    }

    #[test]
    fn details_repeat_nothing_typed(secret in "[A-Z]{12}", kind in proptest::sample::select(Kind::ALL.to_vec())) {
        let long = secret.repeat(30);
        let event = json!({"id": "a", "page": "p", "kind": kind.as_str(), "cta": secret, "target": long, "number": secret, "app": secret,
            "to": long, "href": secret, "form": secret, "field": long, "submit": format!("{secret} "), "order_id": secret, "amount": 1,
            "currency": secret, "name": secret, "props": {secret.clone(): long}, "email": long, "mode": secret, "code": long,
            "engaged_ms": 1, "scroll_pct": 200, "lead": {"kind": secret}});
        let mut event: Event = serde_json::from_value(event).unwrap();
        if let Err(reject) = normalise(&mut event, FULL, &OWN) {
            prop_assert!(!reject.detail.contains(&secret), "{}", reject.detail);
        }
    }
}
