//! `POST /t/{site}`: what is stored, what is a duplicate, what is cut, and when it happened.

use std::io::Write as _;

use e2e::{
    DAY, NOW, TestApp,
    beacon::{event, full, page_view},
    client::{Ledger, send},
};
use serde_json::{Value, json};

const URL: &str = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=otono&gclid=abc123";

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["event"].as_str().unwrap_or("-")).collect()
}

#[tokio::test]
async fn the_contracts_example_is_stored_and_read_back() {
    let app = TestApp::spawn().await;
    let beacon = json!({
        "v": 1, "visitor": "0193-v", "sent": NOW - 100, "mode": "full", "choice": "explicit",
        "context": {"lang": "es-MX", "screen": "390x844", "tz": "America/Mexico_City"},
        "events": [{"id": "0193-a-0", "at": NOW - 200, "page": "0193-a", "kind": "page_view", "url": URL,
                    "title": "Placas solares", "referrer": "https://www.google.com/"}]
    });
    let answer = app.client.beacon("acme", &beacon).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let expected = json!({"accepted": 1, "duplicate": 0, "withheld": 0, "rejected": [], "visitor": "0193-v"});
    assert_eq!(answer.expect(200), expected);

    let items = app.client.journey("acme", "0193-v").await;
    assert_eq!(ids(&items), ["0193-a-0"]);
    let item = &items[0];
    assert_eq!(item["at"], NOW - 200, "a difference under a minute is latency");
    assert_eq!((&item["kind"], &item["page"]), (&json!("page_view"), &json!("0193-a")));
    assert_eq!(item["visit"], "0193-a", "a visit is named after the page view that opened it");
    assert_eq!((&item["url"], &item["title"]), (&json!(URL), &json!("Placas solares")));
    let touch = &item["touch"];
    for (name, value) in
        [("channel", "paid_search"), ("source", "google"), ("medium", "cpc"), ("campaign", "otono")]
    {
        assert_eq!(touch[name], value, "{touch}");
    }
    assert_eq!(touch["click_ids"], json!({"gclid": "abc123"}));
}

#[tokio::test]
async fn a_second_delivery_is_a_duplicate_and_changes_nothing() {
    let app = TestApp::spawn().await;
    for (page, id) in [("p", "p-0"), ("p", "not-numbered"), ("p", "p-4096"), ("p", "other-1")] {
        let with = |title: &str| {
            full(
                "v",
                [json!({"id": id, "at": NOW, "page": page, "kind": "page_view", "url": URL, "title": title})],
            )
        };
        assert_eq!(app.client.beacon("acme", &with("first")).await.expect(200)["accepted"], 1, "{id}");
        let before = app.client.journey("acme", "v").await;
        let answer = app.client.beacon("acme", &with("second")).await.expect(200);
        assert_eq!((&answer["accepted"], &answer["duplicate"]), (&json!(0), &json!(1)), "{id}");
        assert_eq!(app.client.journey("acme", "v").await, before, "the first stored wins: {id}");
    }
    let ledger = app.client.ledger("acme").await;
    assert_eq!(ledger, Ledger { received: 8, stored: 4, duplicate: 4, ..Ledger::default() });
}

#[tokio::test]
async fn the_second_of_an_id_in_one_beacon_is_a_duplicate() {
    let app = TestApp::spawn().await;
    let twice = full("v", [page_view("p", NOW, URL), page_view("p", NOW + 1, URL), page_view("q", NOW, URL)]);
    let answer = app.client.beacon("acme", &twice).await.expect(200);
    assert_eq!((&answer["accepted"], &answer["duplicate"]), (&json!(2), &json!(1)));
    let items = app.client.journey("acme", "v").await;
    assert_eq!(ids(&items), ["p-0", "q-0"]);
    assert_eq!(items[0]["at"], NOW);
}

#[tokio::test]
async fn an_id_is_the_sites_whoever_sends_it_and_another_site_has_its_own() {
    let app = TestApp::spawn().await;
    app.client.put_site("otra", &json!({"consent_default": "full"})).await;
    app.client.store("acme", &full("v", [page_view("p", NOW, URL)])).await;
    let other = app.client.beacon("acme", &full("w", [page_view("p", NOW, URL)])).await.expect(200);
    assert_eq!(other["duplicate"], 1);
    assert!(app.client.journey("acme", "w").await.is_empty());
    app.client.store("otra", &full("v", [page_view("p", NOW, URL)])).await;
    assert_eq!(app.client.journey("otra", "v").await.len(), 1);
}

#[tokio::test]
async fn a_rejected_id_is_not_used_up() {
    let app = TestApp::spawn().await;
    let bad = full("v", [event("p", 0, NOW, "page_wiew", json!({"url": URL}))]);
    assert_eq!(app.client.beacon("acme", &bad).await.expect(200)["rejected"][0]["id"], "p-0");
    app.client.store("acme", &full("v", [page_view("p", NOW, URL)])).await;
    let ledger = app.client.ledger("acme").await;
    assert_eq!(ledger, Ledger { received: 2, stored: 1, rejected: 1, ..Ledger::default() });
}

#[tokio::test]
async fn a_beacon_without_events_is_answered_and_leaves_nothing() {
    let app = TestApp::spawn().await;
    let answer = app.client.beacon("acme", &full("v", [])).await.expect(200);
    assert_eq!(answer["accepted"], 0);
    assert_eq!(app.client.ledger("acme").await, Ledger::default());
    assert!(app.client.journey("acme", "v").await.is_empty());
}

#[tokio::test]
async fn two_hundred_events_and_64_kib_are_taken() {
    let app = TestApp::spawn().await;
    let many = full("v", (0..200).map(|n| event("p", n, NOW, "cta_view", json!({"cta": "hero"}))));
    app.client.store("acme", &many).await;

    let mut large = full("w", [page_view("q", NOW, URL)]);
    large["padding"] = json!("");
    let short = large.to_string().len();
    large["padding"] = json!("x".repeat(64 * 1024 - short));
    assert_eq!(large.to_string().len(), 64 * 1024);
    app.client.store("acme", &large).await;
    assert_eq!(app.client.ledger("acme").await.stored, 201);
}

#[tokio::test]
async fn bodies_may_be_json_or_text_plain_gzip_or_brotli() {
    let app = TestApp::spawn().await;
    let mut stored = 0;
    for content_type in ["text/plain", "application/json", "text/plain;charset=UTF-8", "Application/JSON"] {
        for encoding in ["", "identity", "gzip", "br", "GZIP"] {
            let body = full("v", [page_view(&format!("p{stored}"), NOW, URL)]).to_string();
            let packed = match encoding {
                "gzip" | "GZIP" => gzip(body.as_bytes()),
                "br" => brotli(body.as_bytes()),
                _ => body.into_bytes(),
            };
            let mut request =
                app.client.bare(reqwest::Method::POST, "/t/acme").header("content-type", content_type);
            if !encoding.is_empty() {
                request = request.header("content-encoding", encoding);
            }
            let answer = send(request.body(packed)).await.expect(200);
            assert_eq!(answer["accepted"], 1, "{content_type} {encoding}");
            stored += 1;
        }
    }
    assert_eq!(app.client.ledger("acme").await.stored, stored);
}

#[tokio::test]
async fn unknown_fields_are_ignored_wherever_they_stand() {
    let app = TestApp::spawn().await;
    let mut beacon = full("v", [event("p", 0, NOW, "page_view", json!({"url": URL, "future": {"a": [1]}}))]);
    beacon["future"] = json!(["x"]);
    beacon["context"] = json!({"lang": "es", "future": 1});
    app.client.store("acme", &beacon).await;
    let items = app.client.journey("acme", "v").await;
    assert!(items[0].get("future").is_none(), "{}", items[0]);
}

#[tokio::test]
async fn clocks_that_differ_by_more_than_a_minute_are_corrected_and_history_stands() {
    let app = TestApp::spawn().await;
    let hour = 3_600_000;
    // (sent, at) → the time it is stored under
    let cases = [
        (Some(NOW - 60_000), NOW - 61_000, NOW - 61_000),
        (Some(NOW - 60_001), NOW - 60_001, NOW),
        (Some(NOW + 60_000), NOW + 59_000, NOW + 59_000),
        (Some(NOW + hour), NOW + hour - 500, NOW - 500),
        (Some(NOW - 20 * 365 * DAY), NOW - 20 * 365 * DAY - 5, NOW - 5),
        (Some(0), -7, NOW - 7),
        (None, NOW - 4 * 365 * DAY, NOW - 4 * 365 * DAY),
        (None, NOW + DAY, NOW + DAY),
        (Some(NOW), NOW - hour, NOW - hour),
    ];
    for (n, (sent, at, stored)) in cases.into_iter().enumerate() {
        let visitor = format!("v{n}");
        let mut beacon = full(&visitor, [page_view(&format!("p{n}"), at, URL)]);
        beacon["sent"] = json!(sent);
        app.client.store("acme", &beacon).await;
        assert_eq!(app.client.journey("acme", &visitor).await[0]["at"], stored, "sent {sent:?}, at {at}");
    }
}

#[tokio::test]
async fn a_journey_is_in_order_whatever_the_order_of_delivery() {
    let app = TestApp::spawn().await;
    let cta = |page: &str, n, at| event(page, n, at, "cta_view", json!({"cta": "hero"}));
    let opaque = |id: &str, at| json!({"id": id, "at": at, "page": "a", "kind": "cta_view", "cta": "hero"});
    // Order everywhere: corrected `at`, page, n, id.
    let expected = ["a-0", "a-2", "a-10", "x", "y", "b-1", "a-1"];
    let events = [
        cta("a", 1, NOW + 9),
        cta("b", 1, NOW + 5),
        opaque("y", NOW + 5),
        cta("a", 10, NOW + 5),
        opaque("x", NOW + 5),
        cta("a", 2, NOW + 5),
        page_view("a", NOW, URL),
    ];
    for event in events {
        app.client.store("acme", &full("v", [event])).await;
    }
    assert_eq!(ids(&app.client.journey("acme", "v").await), expected);
}

#[tokio::test]
async fn long_texts_are_cut_and_control_characters_go() {
    let app = TestApp::spawn().await;
    let long = |prefix: &str, length: usize| format!("{prefix}{}", "x".repeat(length));
    let url = long("https://www.example.com/", 5_000);
    let referrer = long("https://other.example.org/", 5_000);
    let title = format!("Pla\u{0}cas\u{7} {}", "t".repeat(600));
    let text = long("Lláma", 200);
    let fields = json!({"url": url, "referrer": referrer, "title": title});
    let click = json!({"target": "a#x", "text": text});
    let events = [event("p", 0, NOW, "page_view", fields), event("p", 1, NOW, "click", click)];
    app.client.store("acme", &full("v", events)).await;
    let items = app.client.journey("acme", "v").await;
    let length = |item: usize, field: &str| items[item][field].as_str().expect(field).len();
    for (item, field, most) in [(0, "url", 4096), (0, "referrer", 4096), (0, "title", 512), (1, "text", 80)] {
        assert!((most - 1..=most).contains(&length(item, field)), "{field}: {}", length(item, field));
    }
    assert!(items[0]["title"].as_str().unwrap().starts_with("Placas t"), "{}", items[0]["title"]);
    assert!(!items.iter().any(|item| item.to_string().contains("\\u000")));
}

#[tokio::test]
async fn a_raw_click_is_what_its_link_says() {
    let app = TestApp::spawn().await;
    let cases = [
        (json!({"href": "tel:+34900111001"}), "call_click", "number", "+34900111001"),
        (json!({"href": "https://wa.me/34600000000?text=Hola"}), "chat_click", "app", "whatsapp"),
        (json!({"href": "mailto:hola@example.com"}), "email_click", "to", "hola@example.com"),
        (
            json!({"href": "https://other.example.org/x"}),
            "outbound_click",
            "href",
            "https://other.example.org/x",
        ),
        (json!({"href": "/folleto.pdf"}), "download", "asset", "folleto.pdf"),
        (json!({"href": "/precios", "target": "a#p", "cta": "precios"}), "cta_click", "cta", "precios"),
        (json!({"href": "/precios", "target": "a#p"}), "click", "target", "a#p"),
    ];
    for (n, (fields, kind, field, value)) in cases.iter().enumerate() {
        let visitor = format!("v{n}");
        app.client
            .store("acme", &full(&visitor, [event(&format!("p{n}"), 1, NOW, "click", fields.clone())]))
            .await;
        let items = app.client.journey("acme", &visitor).await;
        assert_eq!(items[0]["kind"], *kind, "{fields}");
        assert_eq!(items[0][field], *value, "{}", items[0]);
    }
}

#[tokio::test]
async fn what_is_stored_shows_within_a_second() {
    let app = TestApp::spawn().await;
    for n in 0..20 {
        let visitor = format!("v{n}");
        app.client.store("acme", &full(&visitor, [page_view(&format!("p{n}"), NOW, URL)])).await;
        let path = format!("/api/v1/sites/acme/visitors/{visitor}/journey");
        e2e::eventually("the journey shows it", std::time::Duration::from_secs(1), async || {
            (app.client.get(&path).await.expect(200)["items"].as_array()?.len() == 1).then_some(())
        })
        .await;
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &brotli::enc::BrotliEncoderParams::default()).unwrap();
    packed
}
