//! What becomes of events: every kind's fields and limits, raw clicks, leads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops where it fails")]

use serde_json::{Map, Value, json};
use wire::{
    beacon::Mode,
    event::Event,
    normalise::{Reason, Reject, normalise},
    redact::Rules,
};

const OWN: [&str; 1] = ["example.com"];
const FULL: Rules<'_> = Rules { mode: Mode::Full, query_keys: &[], anonymous_utm: true };
const ANONYMOUS: Rules<'_> = Rules { mode: Mode::Anonymous, query_keys: &[], anonymous_utm: true };

/// Normalises an event of the given fields beside `id`, `at` and `page`.
fn with(rules: Rules<'_>, fields: &Value) -> Result<Value, Reject> {
    let mut event = json!({"id": "p1-0", "at": 1, "page": "p1"});
    let object = event.as_object_mut().unwrap();
    object.extend(fields.as_object().unwrap().clone());
    let mut event: Event = serde_json::from_value(event).unwrap();
    let kind = normalise(&mut event, rules, &OWN)?;
    assert_eq!(kind.as_str(), event.kind);
    let mut value = serde_json::to_value(&event).unwrap();
    let object = value.as_object_mut().unwrap();
    assert_eq!(object.remove("id").unwrap(), "p1-0");
    assert_eq!(object.remove("page").unwrap(), "p1");
    assert_eq!(object.remove("at").unwrap(), 1);
    Ok(value)
}

fn becomes(fields: &Value, expected: &Value) {
    assert_eq!(with(FULL, fields).as_ref(), Ok(expected), "{fields}");
}

fn rejected(fields: &Value, reason: Reason, detail: &str) {
    let reject = with(FULL, fields).expect_err(&fields.to_string());
    assert_eq!((reject.reason, reject.detail.as_str()), (reason, detail), "{fields}");
}

#[test]
fn every_kind_keeps_its_fields_and_no_others() {
    let alien =
        json!({"title": "T", "number": "600000000", "order_id": "1", "user_id": "u", "props": {"a": 1}});
    for fields in [
        json!({"kind": "page_view", "url": "https://example.com/", "referrer": "https://www.google.com/"}),
        json!({"kind": "page_leave", "engaged_ms": 1200, "scroll_pct": 100}),
        json!({"kind": "click", "target": "#a"}),
        json!({"kind": "click", "target": "#a", "text": "Ver", "href": "/precios"}),
        json!({"kind": "cta_view", "cta": "hero"}),
        json!({"kind": "cta_click", "cta": "hero", "href": "https://example.com/x"}),
        json!({"kind": "chat_click", "app": "line"}),
        json!({"kind": "chat_click", "app": "whatsapp", "to": "34600000000", "chat_ref": "AB12", "cta": "chat"}),
        json!({"kind": "email_click", "to": "info@example.com", "cta": "mail"}),
        json!({"kind": "sms_click", "to": "+34600000000"}),
        json!({"kind": "outbound_click", "href": "https://example.net/", "cta": "partner"}),
        json!({"kind": "download", "href": "/a.pdf", "asset": "a.pdf"}),
        json!({"kind": "form_view", "form": "contacto"}),
        json!({"kind": "form_start", "form": "contacto", "field": "email"}),
        json!({"kind": "form_abandon", "form": "contacto", "field": "email", "fields_filled": 2}),
        json!({"kind": "form_error", "form": "contacto", "field": "email", "fields_filled": 0}),
        json!({"kind": "form_submit", "form": "contacto"}),
        json!({"kind": "form_submit", "form": "contacto", "inferred": true, "lead": {"kind": "callback", "phone": "600 000 000"}}),
        json!({"kind": "form_success", "form": "contacto", "submit": "p1-7"}),
        json!({"kind": "consent", "mode": "full", "text_version": "v2", "purposes": ["contact", "ads"]}),
        json!({"kind": "tracker_error", "code": "wasm_refused", "count": 1}),
    ] {
        let mut given = alien.clone();
        if fields["kind"] == "page_view" || fields["kind"] == "page_leave" {
            given.as_object_mut().unwrap().remove("title");
        }
        given.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        becomes(&given, &fields);
    }
    for fields in [
        json!({"kind": "page_view", "url": "https://example.com/", "title": "Inicio"}),
        json!({"kind": "page_leave", "engaged_ms": 1200, "scroll_pct": 100, "title": "Tienda"}),
        json!({"kind": "call_click", "number": "+34 600 000 000", "cta": "llamar"}),
        json!({"kind": "purchase", "order_id": "A-1", "amount": 4990, "currency": "EUR",
               "items": [{"id": "7", "name": "Curso", "quantity": 1, "price": 4990}]}),
        json!({"kind": "custom", "name": "video", "props": {"a": true, "b": 1, "c": 1.5, "d": "x"}}),
        json!({"kind": "identify", "email": "ana@example.com", "phone": "600000000", "user_id": "u-1"}),
    ] {
        let mut given = fields.clone();
        given.as_object_mut().unwrap().insert("code".to_owned(), json!("x"));
        becomes(&given, &fields);
    }
}

#[test]
fn what_a_kind_needs_is_missed() {
    for (fields, field) in [
        (json!({"kind": "page_view"}), "url"),
        (json!({"kind": "page_view", "url": " \n"}), "url"),
        (json!({"kind": "page_leave", "scroll_pct": 1}), "engaged_ms"),
        (json!({"kind": "page_leave", "engaged_ms": 1}), "scroll_pct"),
        (json!({"kind": "click"}), "target"),
        (json!({"kind": "cta_view"}), "cta"),
        (json!({"kind": "cta_click", "cta": " "}), "cta"),
        (json!({"kind": "call_click"}), "number"),
        (json!({"kind": "chat_click"}), "app"),
        (json!({"kind": "email_click"}), "to"),
        (json!({"kind": "sms_click", "to": "\u{1}"}), "to"),
        (json!({"kind": "outbound_click"}), "href"),
        (json!({"kind": "download", "asset": "a.pdf"}), "href"),
        (json!({"kind": "form_view"}), "form"),
        (json!({"kind": "form_start"}), "form"),
        (json!({"kind": "form_abandon"}), "form"),
        (json!({"kind": "form_error"}), "form"),
        (json!({"kind": "form_submit", "lead": {"kind": "form"}}), "form"),
        (json!({"kind": "form_success", "form": "a"}), "submit"),
        (json!({"kind": "form_success", "submit": "p1-1"}), "form"),
        (json!({"kind": "purchase", "amount": 1, "currency": "EUR"}), "order_id"),
        (json!({"kind": "purchase", "order_id": "1", "currency": "EUR"}), "amount"),
        (json!({"kind": "purchase", "order_id": "1", "amount": 1}), "currency"),
        (json!({"kind": "custom"}), "name"),
        (json!({"kind": "identify", "email": ""}), "email, phone or user_id"),
        (json!({"kind": "consent"}), "mode"),
        (json!({"kind": "tracker_error", "count": 1}), "code"),
        (json!({"kind": "tracker_error", "code": "x"}), "count"),
    ] {
        rejected(&fields, Reason::Field, &format!("{field}: missing"));
    }
}

#[test]
fn what_is_wrong_is_said_without_repeating_it() {
    let long = "x".repeat(257);
    for (fields, detail) in [
        (json!({"kind": "page_leave", "engaged_ms": 1, "scroll_pct": 101}), "scroll_pct: over 100"),
        (json!({"kind": "call_click", "number": "llamar"}), "number: without a digit"),
        (
            json!({"kind": "chat_click", "app": "icq"}),
            "app: not one of whatsapp, messenger, telegram, viber, signal, line, other",
        ),
        (json!({"kind": "click", "target": long}), "target: longer than 256 bytes"),
        (json!({"kind": "cta_click", "cta": long}), "cta: longer than 256 bytes"),
        (json!({"kind": "form_view", "form": long}), "form: longer than 256 bytes"),
        (
            json!({"kind": "form_submit", "form": "a", "lead": {"kind": "call"}}),
            "lead.kind: not one of form, callback",
        ),
        (
            json!({"kind": "purchase", "order_id": "1", "amount": 1, "currency": "€"}),
            "currency: not three letters",
        ),
        (
            json!({"kind": "purchase", "order_id": "1", "amount": 1, "currency": "EURO"}),
            "currency: not three letters",
        ),
        (json!({"kind": "custom", "name": "a", "props": {"a": long}}), "props: a text longer than 256 bytes"),
        (json!({"kind": "consent", "mode": "all"}), "mode: not one of off, anonymous, full"),
        (json!({"kind": "identify", "email": long}), "email: longer than 256 bytes"),
    ] {
        rejected(&fields, Reason::Field, detail);
    }
    let many: Map<String, Value> = (0..21).map(|n| (format!("k{n}"), json!(n))).collect();
    rejected(&json!({"kind": "custom", "name": "a", "props": many}), Reason::Field, "props: more than 20");
    let twenty: Map<String, Value> = (0..20).map(|n| (format!("k{n}"), json!(n))).collect();
    becomes(
        &json!({"kind": "custom", "name": "a", "props": twenty}),
        &json!({"kind": "custom", "name": "a", "props": twenty}),
    );
}

#[test]
fn ids_are_ids_and_kinds_are_known() {
    let check = |id: &str, page: &str, kind: &str| {
        let mut event =
            Event { id: id.to_owned(), page: page.to_owned(), kind: kind.to_owned(), ..Event::default() };
        normalise(&mut event, FULL, &OWN).map_err(|reject| (reject.reason, reject.detail))
    };
    let bad = "not 1 to 64 of A-Z, a-z, 0-9, _ and -";
    assert_eq!(check("", "p", "click"), Err((Reason::Id, "id: missing".to_owned())));
    assert_eq!(check("a\0", "p", "click"), Err((Reason::Id, format!("id: {bad}"))));
    assert_eq!(check("a", "", "click"), Err((Reason::Id, "page: missing".to_owned())));
    assert_eq!(check("a", &"p".repeat(65), "click"), Err((Reason::Id, format!("page: {bad}"))));
    assert_eq!(check("a", "p", ""), Err((Reason::Kind, "kind: missing".to_owned())));
    let named = |kind: &str| check("a", "p", kind).unwrap_err().1;
    assert!(
        named("page_wiew").starts_with("kind: \"page_wiew\" is not one of page_view, page_leave, click, ")
    );
    assert!(named(&"x".repeat(99)).starts_with(&format!("kind: \"{}\" is", "x".repeat(40))));
    assert!(named("a\n\"ñ\u{202e}b").starts_with("kind: \"ab\" is"));
    assert!(!named("ana@example.com").contains("ana"));
    let submit = json!({"kind": "form_success", "form": "a", "submit": "a b"});
    rejected(&submit, Reason::Id, &format!("submit: {bad}"));
}

#[test]
fn raw_clicks_become_what_their_link_is() {
    let raw = |href: &str, cta: Option<&str>| {
        let mut fields =
            json!({"kind": "click", "target": "a.x", "text": "Ver", "href": href, "chat_ref": "AB12"});
        if let Some(cta) = cta {
            fields["cta"] = json!(cta);
        }
        with(FULL, &fields).unwrap()
    };
    for (href, expected) in [
        ("tel:+34%20600%20000%20000", json!({"kind": "call_click", "number": "+34 600 000 000"})),
        (
            "https://wa.me/34600000000?text=Hola",
            json!({"kind": "chat_click", "app": "whatsapp", "to": "34600000000", "chat_ref": "AB12"}),
        ),
        ("https://wa.me/?text=Hola", json!({"kind": "chat_click", "app": "whatsapp", "chat_ref": "AB12"})),
        ("mailto:info@example.com?subject=x", json!({"kind": "email_click", "to": "info@example.com"})),
        ("sms:600000000?body=x", json!({"kind": "sms_click", "to": "600000000"})),
        ("https://example.net/a?b=c", json!({"kind": "outbound_click", "href": "https://example.net/a"})),
        (
            "/Folleto%201.pdf?x=1",
            json!({"kind": "download", "href": "/Folleto%201.pdf", "asset": "Folleto 1.pdf"}),
        ),
    ] {
        assert_eq!(raw(href, None), expected, "{href}");
        let mut expected = expected;
        expected["cta"] = json!("hero");
        assert_eq!(raw(href, Some("hero")), expected, "{href}");
    }
    for href in
        ["/precios", "https://www.example.com/precios", "#", "javascript:", "mailto:?subject", "tel:x"]
    {
        let href = if href == "mailto:?subject" { "mailto:" } else { href };
        assert_eq!(
            raw(href, None),
            json!({"kind": "click", "target": "a.x", "text": "Ver", "href": href}),
            "{href}"
        );
        assert_eq!(
            raw(href, Some("hero")),
            json!({"kind": "cta_click", "cta": "hero", "href": href}),
            "{href}"
        );
    }
    becomes(
        &json!({"kind": "click", "target": "b", "cta": "hero"}),
        &json!({"kind": "cta_click", "cta": "hero"}),
    );
    becomes(&json!({"kind": "click", "href": "/a"}), &json!({"kind": "click", "href": "/a"}));
    // What the link's own attribute says is kept, but not of a link that addresses somebody.
    for (href, asset, expected) in [
        ("/informe", "informe.pdf", json!({"kind": "download", "href": "/informe", "asset": "informe.pdf"})),
        ("/informe", " ", json!({"kind": "download", "href": "/informe"})),
        ("blob:https://example.com/1", "", json!({"kind": "download", "href": "blob:…"})),
        (
            "https://example.net/a",
            "a-ana@example.com.csv",
            json!({"kind": "download", "href": "https://example.net/a", "asset": "…"}),
        ),
        ("/a.pdf", "b.pdf", json!({"kind": "download", "href": "/a.pdf", "asset": "a.pdf"})),
        ("tel:600000000", "x", json!({"kind": "call_click", "number": "600000000"})),
    ] {
        becomes(&json!({"kind": "click", "target": "a", "href": href, "asset": asset}), &expected);
    }
    // A link cannot smuggle fields in: they are the link's, not the sender's.
    becomes(
        &json!({"kind": "click", "target": "b", "number": "1", "to": "x", "asset": "y", "app": "z"}),
        &json!({"kind": "click", "target": "b"}),
    );
}

#[test]
fn texts_are_cleaned_redacted_and_cut() {
    becomes(
        &json!({"kind": "page_view", "url": " https://u:p@example.com/a\n?x=1&utm_source=y ", "title": "  Hola\n\u{0} ana@example.com ",
                "referrer": "https://mail.example.net/?to=ana@example.com"}),
        &json!({"kind": "page_view", "url": "https://example.com/a?utm_source=y", "title": "Hola …",
                "referrer": "https://mail.example.net/"}),
    );
    becomes(
        &json!({"kind": "click", "target": "#a\u{7}", "text": "Llama\tal 600 000 000"}),
        &json!({"kind": "click", "target": "#a", "text": "Llama al …"}),
    );
    becomes(
        &json!({"kind": "custom", "name": "a", "props": {"ana@example.com": "Tel. 600000000", "n": 600_000_000}}),
        &json!({"kind": "custom", "name": "a", "props": {"…": "Tel. …", "n": 600_000_000}}),
    );
    becomes(
        &json!({"kind": "download", "href": "/ana@example.com.pdf", "asset": "ana@example.com.pdf"}),
        &json!({"kind": "download", "href": "/…", "asset": "…"}),
    );
    let cut = |field: &str, text: String| {
        let fields = json!({"kind": if field == "text" { "click" } else { "page_view" }, "url": "https://example.com/", "target": "a", field: text});
        with(FULL, &fields).unwrap()[field].as_str().unwrap().to_owned()
    };
    assert_eq!(cut("text", "ñ".repeat(60)), "ñ".repeat(40));
    assert_eq!(cut("text", format!("x{}", "ñ".repeat(60))).len(), 79);
    assert_eq!(cut("title", "a".repeat(600)).len(), 512);
    assert_eq!(cut("url", format!("https://example.com/{}", "a".repeat(5000))).len(), 4096);
    assert_eq!(cut("referrer", format!("https://example.com/{}", "a".repeat(5000))).len(), 4096);
    // Neither half an address nor half a number is left at the cut.
    assert_eq!(cut("text", format!("{} ana@example.com", "x".repeat(72))), format!("{} …", "x".repeat(72)));
    assert_eq!(cut("text", format!("{} 1234567890123", "x".repeat(69))), format!("{} …", "x".repeat(69)));
}

#[test]
fn anonymous_drops_what_recognises_someone() {
    let fields = json!({"kind": "page_view", "url": "https://example.com/?gclid=Cj0&utm_source=x&y=1"});
    let expected = json!({"kind": "page_view", "url": "https://example.com/?gclid=&utm_source=x"});
    assert_eq!(with(ANONYMOUS, &fields), Ok(expected));
    let fields = json!({"kind": "chat_click", "app": "whatsapp", "chat_ref": "AB12"});
    assert_eq!(with(ANONYMOUS, &fields), Ok(json!({"kind": "chat_click", "app": "whatsapp"})));
}

#[test]
fn leads_are_cleaned_and_cut_but_never_lost_or_redacted() {
    let lead = |lead: Value| {
        with(FULL, &json!({"kind": "form_submit", "form": "contacto", "lead": lead})).unwrap()["lead"].clone()
    };
    assert_eq!(
        lead(
            json!({"kind": "form", "name": "  Ana\u{0} \n Pérez ", "email": "ana@example.com", "phone": "+34 600 000 000",
                    "consent": {"text_version": "v3", "purposes": ["contact", "ads", "contact", ""]},
                    "magnet": "guia", "fields": {"mensaje": "Llámame\nal 600 000 000", "vacio": " ", " ": "x"}, "flag": "test"})
        ),
        json!({"kind": "form", "name": "Ana Pérez", "email": "ana@example.com", "phone": "+34 600 000 000",
               "consent": {"text_version": "v3", "purposes": ["contact", "ads"]},
               "magnet": "guia", "fields": {"mensaje": "Llámame al 600 000 000"}, "flag": "test"}),
    );
    assert_eq!(lead(json!({"kind": "callback", "flag": "vip"})), json!({"kind": "callback"}));
    let fields: Map<String, Value> = (0..80).map(|n| (format!("f{n:02}"), json!("x".repeat(3000)))).collect();
    let cut = lead(json!({"kind": "form", "name": "ñ".repeat(2000), "fields": fields}));
    assert_eq!(cut["name"].as_str().unwrap().len(), 2048);
    assert_eq!(cut["fields"].as_object().unwrap().len(), 50);
    assert_eq!(cut["fields"]["f00"].as_str().unwrap().len(), 2048);
}

#[test]
fn currencies_are_upper_case() {
    let given = json!({"kind": "purchase", "order_id": "1", "amount": -5, "currency": "eur"});
    becomes(&given, &json!({"kind": "purchase", "order_id": "1", "amount": -5, "currency": "EUR"}));
}

#[test]
fn a_rejected_event_still_says_which_it_was() {
    let mut event: Event =
        serde_json::from_value(json!({"id": "p1-3", "at": 7, "page": "p1", "kind": "page_view"})).unwrap();
    normalise(&mut event, FULL, &OWN).unwrap_err();
    assert_eq!((&*event.id, event.at, &*event.page, &*event.kind), ("p1-3", Some(7), "p1", "page_view"));
}

#[test]
fn numbers_that_are_none_are_no_properties() {
    let mut event = Event { id: "a".into(), page: "p".into(), kind: "custom".into(), ..Event::default() };
    event.name = Some("a".to_owned());
    event.props = Some([("a".to_owned(), wire::event::Prop::Number(f64::NAN))].into());
    let reject = normalise(&mut event, FULL, &OWN).unwrap_err();
    assert_eq!(reject.detail, "props: a number that is none");
}
