//! What is no beacon, and events that are none: the status, what is wrong and where, and nothing half-stored.

use std::io::Write as _;

use e2e::{
    DAY, NOW, TestApp,
    beacon::{event, full, page_view},
    client::{Answer, Ledger, send},
};
use serde_json::{Value, json};

const URL: &str = "https://www.example.com/";

/// Sends bytes as they are.
async fn raw(app: &TestApp, site: &str, content_type: &str, encoding: &str, body: Vec<u8>) -> Answer {
    let mut request = app.client.bare(reqwest::Method::POST, &format!("/t/{site}")).body(body);
    for (name, value) in [("content-type", content_type), ("content-encoding", encoding)] {
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    send(request).await
}

/// Asserts that a beacon left nothing behind: not in the ledger, not in a journey, not in the log.
async fn assert_untouched(app: &TestApp, what: &str) {
    assert_eq!(app.client.ledger("acme").await, Ledger::default(), "{what}");
    assert!(app.client.journey("acme", "v").await.is_empty(), "{what}");
    let shared = app.app();
    let site = shared.directory.site("acme").expect("the site");
    assert_eq!(shared.store.head(site.number), 0, "the log is empty after {what}");
}

fn good() -> Value {
    full("v", [page_view("p", NOW, URL)])
}

#[tokio::test]
async fn a_body_that_is_no_beacon_is_refused_whole_and_says_where() {
    let app = TestApp::spawn().await;
    let with = |change: fn(&mut Value)| {
        let mut beacon = good();
        change(&mut beacon);
        beacon.to_string()
    };
    let cases: Vec<(&str, String, &str)> = vec![
        ("nothing", String::new(), ""),
        ("no JSON", "v=1&events=".to_owned(), ""),
        ("JSON that breaks off", good().to_string().split_off(0)[..40].to_owned(), ""),
        ("something after it", format!("{} x", good()), ""),
        ("two of them", format!("{}{}", good(), good()), ""),
        ("an array", json!([good()]).to_string(), ""),
        ("fields in a row", json!([1, "v", null, "full", "explicit", null, {}, [good()]]).to_string(), ""),
        ("a text", json!("beacon").to_string(), ""),
        ("a context in a row", with(|beacon| beacon["context"] = json!(["es", "1x1", null])), "/context"),
        ("no version", with(|beacon| drop(beacon.as_object_mut().unwrap().remove("v"))), "/v"),
        ("another version", with(|beacon| beacon["v"] = json!(2)), "/v"),
        ("a version in text", with(|beacon| beacon["v"] = json!("1")), "/v"),
        ("version null", with(|beacon| beacon["v"] = json!(null)), "/v"),
        ("a negative version", with(|beacon| beacon["v"] = json!(-1)), "/v"),
        ("no events", with(|beacon| drop(beacon.as_object_mut().unwrap().remove("events"))), ""),
        ("events null", with(|beacon| beacon["events"] = json!(null)), "/events"),
        ("events that are an object", with(|beacon| beacon["events"] = json!({"0": 1})), "/events"),
        ("an unknown mode", with(|beacon| beacon["mode"] = json!("all")), "/mode"),
        ("an unknown choice", with(|beacon| beacon["choice"] = json!("implied")), "/choice"),
        ("a visitor with a blank", with(|beacon| beacon["visitor"] = json!("a b")), "/visitor"),
        ("an empty visitor", with(|beacon| beacon["visitor"] = json!("")), "/visitor"),
        ("a visitor of 65 characters", with(|beacon| beacon["visitor"] = json!("x".repeat(65))), "/visitor"),
        ("a visitor with NUL", with(|beacon| beacon["visitor"] = json!("a\u{0}b")), "/visitor"),
        ("a visitor beyond ASCII", with(|beacon| beacon["visitor"] = json!("ñ")), "/visitor"),
        ("a visitor that is a number", with(|beacon| beacon["visitor"] = json!(7)), "/visitor"),
        ("sent in text", with(|beacon| beacon["sent"] = json!("now")), "/sent"),
        ("sent in fractions", with(|beacon| beacon["sent"] = json!(1.5)), "/sent"),
        ("a context that is a text", with(|beacon| beacon["context"] = json!("es")), "/context"),
        (
            "a language that is a number",
            with(|beacon| beacon["context"] = json!({"lang": 1})),
            "/context/lang",
        ),
        ("a name twice", good().to_string().replacen("\"v\":1", "\"v\":1,\"v\":1", 1), ""),
    ];
    for (what, body, pointer) in cases {
        let answer = raw(&app, "acme", "text/plain", "", body.into_bytes()).await;
        assert_eq!(answer.status, 400, "{what}: {answer:?}");
        let problem = answer.problem(400, "invalid");
        if what != "a name twice" {
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{what}: {problem}");
        }
        assert_untouched(&app, what).await;
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let app = TestApp::spawn().await;
    let mut not_utf8 = good().to_string().into_bytes();
    let at = not_utf8.windows(6).position(|window| window == b"Placas").unwrap();
    not_utf8[at] = 0xff;
    let zeros = vec![0; 100];
    let cases =
        [("not UTF-8", "", not_utf8), ("zeros", "", zeros), ("no gzip", "gzip", good().to_string().into())];
    for (what, encoding, body) in cases {
        raw(&app, "acme", "text/plain", encoding, body).await.problem(400, "invalid");
        assert_untouched(&app, what).await;
    }
    let cut = gzip(good().to_string().as_bytes());
    raw(&app, "acme", "text/plain", "gzip", cut[..cut.len() / 2].to_vec()).await.problem(400, "invalid");
    raw(&app, "acme", "text/plain", "br", b"\xff\xff\xff".to_vec()).await.problem(400, "invalid");
    assert_untouched(&app, "broken compression").await;
}

#[tokio::test]
async fn too_much_is_refused_whole_before_and_after_decompression() {
    let app = TestApp::spawn().await;
    let padded = |bytes: usize| {
        let body = good().to_string();
        format!("{body}{}", " ".repeat(bytes - body.len())).into_bytes()
    };
    let bomb = vec![b' '; 64 << 20];
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        ("one byte over", "", padded(64 * 1024 + 1)),
        ("far over", "", padded(3 << 20)),
        ("over in gzip", "gzip", gzip(&padded(64 * 1024 + 1))),
        ("over in brotli", "br", brotli(&padded(64 * 1024 + 1))),
        ("a gzip bomb", "gzip", gzip(&bomb)),
        ("a brotli bomb", "br", brotli(&bomb)),
    ];
    for (what, encoding, body) in cases {
        let answer = raw(&app, "acme", "text/plain", encoding, body).await;
        let problem = answer.problem(413, "too-large");
        assert!(problem["detail"].as_str().unwrap().contains("65536"), "{what}: {problem}");
        assert_untouched(&app, what).await;
    }
    let many = full("v", (0..201).map(|n| event("p", n, NOW, "cta_view", json!({"cta": "hero"}))));
    let problem = app.client.beacon("acme", &many).await.problem(413, "too-large");
    assert!(problem["detail"].as_str().unwrap().contains("200"), "{problem}");
    assert_untouched(&app, "201 events").await;
}

#[tokio::test]
async fn other_content_types_and_encodings_are_refused() {
    let app = TestApp::spawn().await;
    let types = [
        "",
        "application/xml",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
        "text/html",
        "json",
    ];
    for content_type in types {
        raw(&app, "acme", content_type, "", good().to_string().into())
            .await
            .problem(415, "unsupported-media-type");
        assert_untouched(&app, content_type).await;
    }
    for encoding in ["zstd", "deflate", "compress", "gzip, br"] {
        raw(&app, "acme", "text/plain", encoding, good().to_string().into())
            .await
            .problem(415, "unsupported-media-type");
        assert_untouched(&app, encoding).await;
    }
}

#[tokio::test]
async fn checks_run_in_the_order_site_type_size_envelope() {
    let app = TestApp::spawn().await;
    let large = vec![b'x'; 70_000];
    raw(&app, "nobody", "application/xml", "", large.clone()).await.problem(404, "not-found");
    raw(&app, "acme", "application/xml", "", large.clone()).await.problem(415, "unsupported-media-type");
    raw(&app, "acme", "text/plain", "", large).await.problem(413, "too-large");
    raw(&app, "acme", "text/plain", "", b"x".to_vec()).await.problem(400, "invalid");
    assert_untouched(&app, "four refusals").await;
    let metrics = app.client.metrics().await;
    for status in [400, 404, 413, 415] {
        let line = format!("traza_beacons_refused_total{{status=\"{status}\"}} 1");
        assert!(metrics.lines().any(|found| found == line), "{line} in:\n{metrics}");
    }
}

#[tokio::test]
async fn an_unknown_site_is_no_site_however_it_is_spelled() {
    let app = TestApp::spawn().await;
    for site in ["nobody", "ACME", "acme%00", "acme%2F", "a%20b", "%C3%B1", &"x".repeat(300)] {
        let answer = raw(&app, site, "text/plain", "", good().to_string().into()).await;
        answer.problem(404, "not-found");
    }
    assert_untouched(&app, "unknown sites").await;
}

/// A bad event, and how its reason must begin.
fn bad_events() -> Vec<(Value, &'static str)> {
    let view = |change: Value| {
        let mut event = page_view("q", NOW, URL);
        for (name, value) in change.as_object().unwrap() {
            event[name] = value.clone();
        }
        event
    };
    let without = |field: &str| {
        let mut event = page_view("q", NOW, URL);
        event.as_object_mut().unwrap().remove(field);
        event
    };
    let deep = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    let many_props: Value =
        (0..21).map(|n| (format!("p{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    vec![
        (json!(7), "an event must be an object"),
        (json!("page_view"), "an event must be an object"),
        (json!(null), "an event must be an object"),
        (json!([1, 2]), "an event must be an object"),
        (json!({}), "id"),
        (without("id"), "id"),
        (without("page"), "page"),
        (without("kind"), "kind"),
        (without("at"), "at"),
        (without("url"), "url"),
        (view(json!({"id": "a b"})), "id"),
        (view(json!({"id": ""})), "id"),
        (view(json!({"id": "x".repeat(65)})), "id"),
        (view(json!({"id": "a\u{0}"})), "id"),
        (view(json!({"id": "ñ"})), "id"),
        (view(json!({"id": 7})), "id"),
        (view(json!({"id": null})), "id"),
        (view(json!({"page": "a/b"})), "page"),
        (view(json!({"page": {"id": "p"}})), "page"),
        (view(json!({"kind": "page_wiew"})), "kind"),
        (view(json!({"kind": "PAGE_VIEW"})), "kind"),
        (view(json!({"kind": 1})), "kind"),
        (view(json!({"at": "2026-11-22"})), "at"),
        (view(json!({"at": 1.5})), "at"),
        (view(json!({"at": null})), "at"),
        (view(json!({"at": NOW + 400 * DAY})), "at: 400 days ahead"),
        (view(json!({"at": NOW + DAY + 1})), "at: 1 days ahead"),
        (view(json!({"at": NOW - 30 * 365 * DAY})), "at: 10950 days back"),
        (view(json!({"at": 0})), "at"),
        (view(json!({"at": i64::MAX})), "at"),
        (view(json!({"at": i64::MIN})), "at"),
        (view(json!({"url": {"href": URL}})), "url"),
        (event("q", 1, NOW, "form_submit", json!({"form": "f", "lead": ["form", "Ana"]})), "lead"),
        (event("q", 1, NOW, "call_click", json!({"number": "ninguno"})), "number"),
        (event("q", 1, NOW, "chat_click", json!({"app": "pigeon"})), "app"),
        (event("q", 1, NOW, "page_leave", json!({"engaged_ms": -1})), "engaged_ms"),
        (event("q", 1, NOW, "page_leave", json!({"engaged_ms": 1, "scroll_pct": 101})), "scroll_pct"),
        (
            event("q", 1, NOW, "purchase", json!({"order_id": "1", "amount": 1, "currency": "euro"})),
            "currency",
        ),
        (event("q", 1, NOW, "custom", json!({"name": "x", "props": {"a": {"b": 1}}})), "props"),
        (event("q", 1, NOW, "custom", json!({"name": "x", "props": many_props})), "props"),
        (event("q", 1, NOW, "custom", json!({"name": "x", "props": {"a": "x".repeat(257)}})), "props"),
        (event("q", 1, NOW, "custom", json!({"name": "x", "props": {"a": deep(100)}})), "props"),
        (event("q", 1, NOW, "form_submit", json!({"form": "f", "lead": {"phone": "600000000"}})), "lead"),
        (
            event("q", 1, NOW, "form_submit", json!({"form": "f", "lead": {"kind": "spy", "phone": "1"}})),
            "lead",
        ),
        (event("q", 1, NOW, "consent", json!({"mode": "some"})), "mode"),
        (event("q", 1, NOW, "identify", json!({})), "email"),
    ]
}

#[tokio::test]
async fn a_bad_event_is_named_with_its_reason_and_its_neighbours_are_kept() {
    let app = TestApp::spawn().await;
    let mut expected = Ledger::default();
    for (n, (bad, reason)) in bad_events().into_iter().enumerate() {
        let (visitor, page) = (format!("v{n}"), format!("p{n}"));
        let after = event(&page, 1, NOW + 1, "cta_view", json!({"cta": "hero"}));
        let beacon = full(&visitor, [page_view(&page, NOW, URL), bad.clone(), after]);
        let answer = app.client.beacon("acme", &beacon).await.expect(200);
        assert_eq!(answer["accepted"], 2, "the neighbours of {bad}: {answer}");
        assert_eq!(answer["rejected"].as_array().map(Vec::len), Some(1), "{bad}: {answer}");
        let refusal = &answer["rejected"][0];
        assert_eq!(refusal["index"], 1, "{bad}");
        let said = refusal["reason"].as_str().unwrap();
        assert!(said.starts_with(reason), "{bad}: {said:?}, expected {reason:?}");
        let items = app.client.journey("acme", &visitor).await;
        let ids: Vec<_> = items.iter().map(|item| item["event"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids, [format!("{page}-0"), format!("{page}-1")], "{bad}");
        (expected.received, expected.stored) = (expected.received + 3, expected.stored + 2);
        expected.rejected += 1;
        assert_eq!(app.client.ledger("acme").await, expected, "{bad}");
    }
    let leads = app.client.leads("acme").await;
    assert!(leads.is_empty(), "a rejected form makes no lead: {leads:?}");
}

#[tokio::test]
async fn a_rejected_id_is_shown_only_where_it_is_one() {
    let app = TestApp::spawn().await;
    let beacon =
        full("v", [event("q", 3, NOW, "nothing", json!({})), json!({"id": "a b", "kind": "page_view"})]);
    let answer = app.client.beacon("acme", &beacon).await.expect(200);
    assert_eq!(answer["rejected"][0]["id"], "q-3");
    assert!(answer["rejected"][1].get("id").is_none(), "{answer}");
}

#[tokio::test]
async fn a_reason_never_repeats_what_somebody_may_have_typed() {
    let app = TestApp::spawn().await;
    let secret = "ana.secreta@example.com";
    let events = [
        event("q", 1, NOW, "page_leave", json!({"engaged_ms": secret})),
        event("q", 2, NOW, "form_submit", json!({"form": "f", "lead": secret})),
        event("q", 3, NOW, "form_submit", json!({"form": "f", "lead": {"kind": secret, "email": secret}})),
        event("q", 4, NOW, "chat_click", json!({"app": secret})),
        event("q", 5, NOW, "custom", json!({"name": "x", "props": {"a": [secret]}})),
    ];
    let answer = app.client.beacon("acme", &full("v", events)).await;
    assert_eq!(answer.expect(200)["rejected"].as_array().map(Vec::len), Some(5), "{answer:?}");
    assert!(!answer.text.contains("secreta"), "{}", answer.text);
    let mut envelope = good();
    envelope["mode"] = json!(secret);
    let answer = app.client.beacon("acme", &envelope).await;
    answer.problem_at(400, "invalid", "/mode");
    assert!(!answer.text.contains("secreta"), "{}", answer.text);
}

#[tokio::test]
async fn deep_nesting_is_no_danger() {
    let app = TestApp::spawn().await;
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let view = page_view("p", NOW, URL).to_string();
    let inside = |field: &str| view.replacen('{', &format!("{{\"{field}\":{},", deep(30_000)), 1);
    // Where nobody looks it is an unknown field like others; where somebody does, it is of the wrong shape.
    let cases = [
        (format!(r#"{{"v":1,"visitor":"v","x":{},"events":[]}}"#, deep(30_000)), 200, 0, 0),
        (format!(r#"{{"v":1,"visitor":"v","events":[{}]}}"#, deep(30_000)), 200, 0, 1),
        (format!(r#"{{"v":1,"visitor":"v","events":{}}}"#, deep(30_000)), 200, 0, 1),
        (format!(r#"{{"v":1,"visitor":"v","events":[{}]}}"#, inside("url")), 200, 0, 1),
        (format!(r#"{{"v":1,"visitor":"v","events":[{}]}}"#, inside("props")), 200, 0, 1),
        (format!(r#"{{"v":1,"visitor":"v","events":[{}]}}"#, inside("x")), 200, 1, 0),
        (format!(r#"{{"v":1,"mode":{},"events":[]}}"#, deep(30_000)), 400, 0, 0),
        (deep(32_000), 400, 0, 0),
        ("{\"a\":".repeat(13_000), 400, 0, 0),
    ];
    for (body, status, accepted, rejected) in cases {
        let head: String = body.chars().take(60).collect();
        let answer = raw(&app, "acme", "text/plain", "", body.into_bytes()).await;
        assert_eq!(answer.status, status, "{head}: {answer:?}");
        if status == 200 {
            let body = answer.json();
            let counts = (body["accepted"].as_u64(), body["rejected"].as_array().map(Vec::len));
            assert_eq!(counts, (Some(accepted), Some(rejected)), "{head}: {body}");
        }
    }
    app.client.ledger("acme").await;
}

#[tokio::test]
async fn extreme_numbers_are_answered_like_others() {
    let app = TestApp::spawn().await;
    for sent in [json!(i64::MIN), json!(i64::MAX), json!(0), json!(-1)] {
        let mut beacon = good();
        beacon["sent"] = sent.clone();
        let answer = app.client.beacon("acme", &beacon).await.expect(200);
        let judged = answer["accepted"].as_u64().unwrap()
            + answer["duplicate"].as_u64().unwrap()
            + answer["rejected"].as_array().unwrap().len() as u64;
        assert_eq!(judged, 1, "sent {sent}: {answer}");
    }
    for number in ["1e400", "-1e400", "1e18", "99999999999999999999", "0.1e1"] {
        let body = good().to_string().replace(&NOW.to_string(), number);
        let answer = raw(&app, "acme", "text/plain", "", body.into_bytes()).await;
        assert!(matches!(answer.status, 200 | 400), "{number}: {answer:?}");
    }
    app.client.ledger("acme").await;
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 3, ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &params).unwrap();
    packed
}
