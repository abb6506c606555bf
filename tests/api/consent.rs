//! The visitor's choice: who decides, what is kept, what is only counted.

use e2e::{
    NOW, TestApp,
    beacon::{anonymous, callback, event, full, off, page_view},
    client::{Answer, send},
};
use serde_json::{Value, json};

const URL: &str =
    "https://www.example.com/secreta?utm_source=google&utm_campaign=otono&gclid=abc123&ref=interno";

async fn site(app: &TestApp, name: &str, consent_default: &str) {
    app.client.put_site(name, &json!({"domains": ["example.com"], "consent_default": consent_default})).await;
}

async fn with_signal(app: &TestApp, site: &str, beacon: &Value, signal: Option<&str>) -> Answer {
    let mut request = app.client.post(site, beacon.to_string());
    if let Some(header) = signal {
        request = request.header(header, "1");
    }
    send(request).await
}

/// Everything in the log, as text.
async fn log(app: &TestApp, site: &str) -> String {
    let shared = app.app();
    let site = shared.directory.site(site).unwrap();
    let entries = shared.store.read(site.number, 0, 1_000).await.unwrap();
    entries.iter().map(|stored| serde_json::to_string(&*stored.entry).unwrap()).collect()
}

#[tokio::test]
async fn an_explicit_choice_beats_the_signal_and_the_signal_beats_the_default() {
    let app = TestApp::spawn().await;
    // (default, header, mode, choice) → stored, or the reason for which it is withheld
    let cases = [
        ("wait", None, json!("full"), json!("default"), Err("no_choice")),
        ("wait", None, json!(null), json!(null), Err("no_choice")),
        ("wait", None, json!("full"), json!("explicit"), Ok("full")),
        ("wait", None, json!("anonymous"), json!("explicit"), Ok("anonymous")),
        ("wait", Some("Sec-GPC"), json!("full"), json!("default"), Err("signal")),
        ("off", None, json!("full"), json!("default"), Err("off")),
        ("off", None, json!("full"), json!("explicit"), Ok("full")),
        ("anonymous", None, json!("full"), json!("default"), Ok("anonymous")),
        ("anonymous", Some("DNT"), json!("anonymous"), json!("default"), Err("signal")),
        ("full", None, json!("full"), json!("default"), Ok("full")),
        ("full", None, json!(null), json!(null), Ok("full")),
        ("full", None, json!("anonymous"), json!("default"), Ok("anonymous")),
        ("full", None, json!("off"), json!("default"), Err("off")),
        ("full", Some("Sec-GPC"), json!("full"), json!("default"), Err("signal")),
        ("full", Some("DNT"), json!("full"), json!("default"), Err("signal")),
        ("full", None, json!("full"), json!("signal"), Err("signal")),
        ("full", Some("Sec-GPC"), json!("full"), json!("explicit"), Ok("full")),
        ("full", None, json!("off"), json!("explicit"), Err("off")),
        ("full", None, json!(null), json!("explicit"), Err("off")),
    ];
    for (n, (default, header, mode, choice, expected)) in cases.into_iter().enumerate() {
        let case = format!("{default}, {header:?}, {mode}, {choice}");
        let name = format!("s{n}");
        site(&app, &name, default).await;
        let mut beacon = full("v", [page_view("p", NOW, URL)]);
        for (field, value) in [("mode", mode), ("choice", choice)] {
            beacon.as_object_mut().unwrap().remove(field);
            if !value.is_null() {
                beacon[field] = value;
            }
        }
        let answer = with_signal(&app, &name, &beacon, header).await.expect(200);
        let ledger = app.client.get(&format!("/api/v1/sites/{name}/ledger")).await.expect(200);
        match expected {
            Ok(mode) => {
                assert_eq!((&answer["accepted"], &answer["withheld"]), (&json!(1), &json!(0)), "{case}");
                assert_eq!(ledger["stored"], 1, "{case}: {ledger}");
                app.client.settled().await;
                let install = app.client.get(&format!("/api/v1/sites/{name}/install")).await.expect(200);
                assert_eq!(install["modes"], json!({mode: 1}), "{case}");
                assert_eq!(answer.get("visitor").is_some(), mode == "full", "{case}: {answer}");
            }
            Err(reason) => {
                assert_eq!((&answer["accepted"], &answer["withheld"]), (&json!(0), &json!(1)), "{case}");
                assert_eq!(ledger["withheld"], json!({reason: 1}), "{case}: {ledger}");
                assert!(answer.get("visitor").is_none(), "{case}: {answer}");
                assert!(log(&app, &name).await.is_empty(), "{case}: nothing of it is kept");
                assert!(app.client.journey(&name, "v").await.is_empty(), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn withheld_events_are_counted_each_time_and_their_ids_stay_free() {
    let app = TestApp::spawn().await;
    let events = [page_view("p", NOW, URL), event("p", 1, NOW, "cta_view", json!({"cta": "hero"}))];
    for _ in 0..2 {
        let answer = app.client.beacon("acme", &off(events.clone())).await.expect(200);
        assert_eq!(answer["withheld"], 2);
    }
    let ledger = app.client.ledger("acme").await;
    assert_eq!((ledger.received, ledger.withheld, ledger.stored), (4, 4, 0));
    app.client.store("acme", &full("v", events)).await;
}

#[tokio::test]
async fn a_wrong_event_is_rejected_whatever_the_choice() {
    let app = TestApp::spawn().await;
    let answer =
        app.client.beacon("acme", &off([event("p", 0, NOW, "nothing", json!({}))])).await.expect(200);
    assert_eq!((&answer["withheld"], answer["rejected"].as_array().unwrap().len()), (&json!(0), 1));
}

#[tokio::test]
async fn anonymous_beacons_lose_what_would_recognise_somebody() {
    let app = TestApp::spawn().await;
    let mut beacon = anonymous([
        page_view("p", NOW, URL),
        event(
            "p",
            1,
            NOW + 1,
            "chat_click",
            json!({"app": "whatsapp", "to": "34600000000", "chat_ref": "K7Q2"}),
        ),
        event("p", 2, NOW + 2, "identify", json!({"email": "ana.anonima@example.com"})),
    ]);
    beacon["visitor"] = json!("v-anonima");
    beacon["context"] = json!({"lang": "es-MX", "screen": "390x844", "tz": "America/Mexico_City"});
    let answer = app.client.beacon("acme", &beacon).await;
    assert!(answer.header("set-cookie").is_none(), "{answer:?}");
    let body = answer.expect(200);
    assert_eq!((&body["accepted"], &body["withheld"]), (&json!(2), &json!(1)), "{body}");
    assert!(body.get("visitor").is_none(), "{body}");

    let log = log(&app, "acme").await;
    for gone in ["v-anonima", "abc123", "K7Q2", "390x844", "Mexico", "interno", "identify", "ana.anonima"] {
        assert!(!log.contains(gone), "{gone} in {log}");
    }
    for kept in ["es-MX", "\"small\"", "gclid", "utm_source=google", "utm_campaign=otono", "whatsapp"] {
        assert!(log.contains(kept), "{kept} not in {log}");
    }
    assert!(app.client.journey("acme", "v-anonima").await.is_empty());
    assert!(app.client.journey("acme", "p").await.is_empty(), "a page view's id is no visitor");
    assert_eq!(app.client.metric("traza_beacons_stripped_total").await, Some(1.0));
}

#[tokio::test]
async fn an_honest_anonymous_beacon_needs_no_stripping() {
    let app = TestApp::spawn().await;
    let mut beacon = anonymous([page_view("p", NOW, "https://www.example.com/")]);
    beacon["context"] = json!({"lang": "es", "screen": "small"});
    app.client.store("acme", &beacon).await;
    assert_eq!(app.client.metric("traza_beacons_stripped_total").await, Some(0.0));
}

#[tokio::test]
async fn a_site_may_drop_utm_from_anonymous_page_views_too() {
    let app = TestApp::spawn().await;
    let config = json!({"domains": ["example.com"], "consent_default": "full", "anonymous_utm": false});
    app.client.put_site("acme", &config).await;
    app.client.store("acme", &anonymous([page_view("p", NOW, URL)])).await;
    assert!(!log(&app, "acme").await.contains("otono"));
    app.client.store("acme", &full("v", [page_view("q", NOW, URL)])).await;
    assert!(log(&app, "acme").await.contains("otono"), "the setting is about anonymous page views alone");
}

#[tokio::test]
async fn an_anonymous_lead_has_the_story_of_its_page_view_and_no_visitor() {
    let app = TestApp::spawn().await;
    app.client.store("acme", &anonymous([page_view("other", NOW - 5_000, URL)])).await;
    app.client
        .store("acme", &anonymous([page_view("p", NOW, URL), callback("p", 1, NOW + 9, "600 000 001")]))
        .await;
    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 1);
    assert_eq!(leads[0]["visitors"], json!([]));
    assert_eq!(leads[0]["contact"]["phone"], "+34600000001");
    assert_eq!(leads[0]["origin"]["last"]["campaign"], "otono");
    assert_eq!(leads[0]["origin"]["last"]["click_ids"], json!({"gclid": ""}), "kept as its kind only");
    let journey = app.client.lead_journey("acme", leads[0]["id"].as_str().unwrap()).await;
    let told: Vec<_> =
        journey.iter().map(|item| (item["event"].as_str(), item["evidence"].as_str())).collect();
    assert_eq!(told, [(Some("p-0"), Some("same_page_view")), (Some("p-1"), Some("submission"))]);
}

#[tokio::test]
async fn under_off_a_submitted_lead_form_makes_a_lead_alone() {
    let app = TestApp::spawn().await;
    let mut beacon = off([
        page_view("p", NOW, URL),
        callback("p", 1, NOW + 9, "600 000 002"),
        event("p", 2, NOW + 10, "form_submit", json!({"form": "encuesta"})),
    ]);
    beacon["visitor"] = json!("v-negada");
    beacon["context"] = json!({"lang": "es", "screen": "390x844"});
    let request = app.client.post("acme", beacon.to_string()).header("user-agent", "Navegador/7");
    let answer = send(request).await;
    assert!(answer.header("set-cookie").is_none(), "{answer:?}");
    let body = answer.expect(200);
    assert_eq!((&body["accepted"], &body["withheld"]), (&json!(1), &json!(2)), "{body}");
    assert!(body.get("visitor").is_none(), "{body}");

    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 1);
    assert_eq!(leads[0]["visitors"], json!([]));
    assert_eq!(leads[0]["contact"]["phone"], "+34600000002");
    assert_eq!(leads[0]["consent"]["purposes"], json!(["contact"]));
    for which in ["first", "last", "last_non_direct"] {
        let touch = &leads[0]["origin"][which];
        assert_eq!((&touch["channel"], &touch["reason"]), (&json!("unknown"), &json!("no_consent")));
        assert_eq!(touch["landing"], json!(null));
    }
    let journey = app.client.lead_journey("acme", leads[0]["id"].as_str().unwrap()).await;
    assert_eq!(journey.len(), 1, "{journey:?}");
    assert_eq!(journey[0]["kind"], "form_submit");

    let log = log(&app, "acme").await;
    for gone in ["v-negada", "secreta", "otono", "abc123", "390x844", "Navegador", "encuesta"] {
        assert!(!log.contains(gone), "{gone} in {log}");
    }
    assert!(app.client.journey("acme", "v-negada").await.is_empty());
}

#[tokio::test]
async fn under_off_a_form_without_a_way_of_contact_is_no_exception() {
    let app = TestApp::spawn().await;
    let nobody = json!({"form": "f", "lead": {"kind": "form", "name": "Ana", "email": " ", "phone": ""}});
    let answer =
        app.client.beacon("acme", &off([event("p", 1, NOW, "form_submit", nobody)])).await.expect(200);
    assert_eq!((&answer["accepted"], &answer["withheld"]), (&json!(0), &json!(1)));
    assert!(log(&app, "acme").await.is_empty());
}
