//! What was refused stands by, with its reason; after a fix it is tried again, and counts once.

use e2e::{
    DAY, NOW, TestApp,
    beacon::{anonymous, callback, event, full, off, page_view},
    client::{Client, Ledger},
    refused::wrongly,
};
use serde_json::{Value, json};

use crate::privacy::{contains, files};

const URL: &str = "https://www.example.com/";
const LIST: &str = "/api/v1/sites/acme/bad-events";
const REPLAY: &str = "/api/v1/sites/acme/bad-events/replay";

async fn list(client: &Client) -> Vec<Value> {
    client.items(LIST).await
}

async fn replay(client: &Client, body: Value) -> Value {
    client.post_json(REPLAY, &body).await.expect(200)
}

/// Events that an older collector refused, though they are well.
async fn refuse(app: &TestApp, visitor: &str, events: &[Value]) {
    let shared = app.app();
    let site = shared.directory.site("acme").expect("the site").number;
    wrongly(shared.store.as_ref(), &shared.vault, site, visitor, NOW, events).await;
}

fn lead(page: &str, phone: &str) -> Value {
    callback(page, 1, NOW + 1, phone)
}

#[tokio::test]
async fn each_refused_event_stands_with_its_reason_place_and_time() {
    let app = TestApp::spawn().await;
    let events = [
        json!(7),
        page_view("p", NOW, URL),
        event("p", 1, NOW, "page_wiew", json!({})),
        event("p", 2, NOW, "custom", json!({"name": ""})),
    ];
    app.client.beacon("acme", &full("v", events)).await.expect(200);
    app.clock.advance(60_000);
    app.client
        .beacon("acme", &full("v", [event("p", 3, NOW + 3 * DAY, "cta_view", json!({"cta": "hero"}))]))
        .await
        .expect(200);

    let items = list(&app.client).await;
    let told: Vec<_> = items
        .iter()
        .map(|item| {
            (item["id"].as_str().unwrap(), item["reason"].as_str().unwrap(), item["index"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(told, [("2-0", "time", 0), ("1-0", "shape", 0), ("1-2", "kind", 2), ("1-3", "field", 3)]);
    assert_eq!(items[0]["received_at"], NOW + 60_000);
    assert_eq!(items[0]["detail"], "at: 2 days ahead");
    assert_eq!((&items[0]["event"], &items[1]["event"]), (&json!("p-3"), &Value::Null));
    assert_eq!(items[1]["size"], 1);
    assert!(items.iter().all(|item| item.get("raw").is_none()), "bodies are shown to those who ask for them");

    let page = app.client.get(&format!("{LIST}?since={}&raw=true", NOW + 1)).await.expect(200);
    let raw: Value = serde_json::from_str(page["items"][0]["raw"].as_str().unwrap()).unwrap();
    assert_eq!((page["items"].as_array().unwrap().len(), &raw["id"]), (1, &json!("p-3")));
    let page = app.client.get(&format!("{LIST}?reason=kind&time=iso")).await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!(page["items"][0]["received_at"], "2026-11-22T01:20:00Z");
    assert_eq!((&page["log"]["events"], &page["log"]["dropped"]), (&json!(4), &json!(0)));
    let first = app.client.get(&format!("{LIST}?limit=3")).await.expect(200);
    let next = first["next"].as_str().unwrap();
    let second = app.client.get(&format!("{LIST}?limit=3&cursor={next}")).await.expect(200);
    assert_eq!((second["items"][0]["id"].as_str(), second["next"].as_str()), (Some("1-3"), None));
    app.client.get(&format!("{LIST}?cursor=x")).await.problem_at(400, "invalid", "cursor");
}

#[tokio::test]
async fn only_an_admin_reads_the_log_or_tries_again() {
    let app = TestApp::spawn().await;
    refuse(&app, "v", &[page_view("p", NOW, URL)]).await;
    for role in ["ingest", "marketing", "sales", "agent"] {
        let client = app.client.role(role, "acme").await;
        client.get(LIST).await.problem(403, "forbidden");
        client.post_json(REPLAY, &json!({})).await.problem(403, "forbidden");
    }
    assert_eq!(list(&app.client).await.len(), 1);
}

#[tokio::test]
async fn after_a_fix_it_is_stored_at_the_time_it_came_and_received_once() {
    let mut app = TestApp::spawn().await;
    refuse(
        &app,
        "v",
        &[page_view("p", NOW, URL), lead("p", "600 000 001"), json!({"id": "p-2", "page": "p"})],
    )
    .await;
    let before = app.client.ledger("acme").await;
    assert_eq!(before, Ledger { received: 3, rejected: 3, ..Ledger::default() });
    assert!(app.client.journey("acme", "v").await.is_empty());
    app.clock.advance(3 * DAY);

    let tried = replay(&app.client, json!({"dry_run": true})).await;
    assert_eq!((&tried["outcomes"], &tried["dry_run"]), (&json!({"valid": 2, "rejected": 1}), &json!(true)));
    assert_eq!(app.client.ledger("acme").await, before, "a dry run changes nothing");
    assert_eq!(list(&app.client).await.len(), 3);

    let tried = replay(&app.client, json!({})).await;
    assert_eq!(
        (&tried["tried"], &tried["outcomes"]),
        (&json!(3), &json!({"stored": 2, "rejected": 1})),
        "{tried}"
    );
    let after = Ledger { received: 3, stored: 2, rejected: 1, ..Ledger::default() };
    assert_eq!(app.client.ledger("acme").await, after);
    let journey = app.client.journey("acme", "v").await;
    let told: Vec<_> =
        journey.iter().map(|item| (item["event"].as_str().unwrap(), item["at"].as_i64())).collect();
    assert_eq!(told, [("p-0", Some(NOW)), ("p-1", Some(NOW + 1))]);
    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 1);
    assert_eq!(leads[0]["contact"]["phone"], "+34600000001", "what is personal went its usual way");
    assert_eq!((&leads[0]["created_at"], &leads[0]["updated_at"]), (&json!(NOW + 1), &json!(NOW)));
    let left = list(&app.client).await;
    assert_eq!((left.len(), &left[0]["index"], &left[0]["reason"]), (1, &json!(2), &json!("kind")));
    assert_ne!(left[0]["detail"], "kind: not known yet", "with the reason that it has now");

    for _ in 0..2 {
        assert_eq!(replay(&app.client, json!({})).await["outcomes"], json!({"rejected": 1}));
        assert_eq!(app.client.ledger("acme").await, after, "twice is once");
        app.restart().await;
    }
    assert_eq!(app.client.journey("acme", "v").await.len(), 2);
}

#[tokio::test]
async fn one_that_has_come_again_meanwhile_is_a_duplicate() {
    let app = TestApp::spawn().await;
    let events = [page_view("p", NOW, URL)];
    refuse(&app, "v", &events).await;
    app.client.store("acme", &full("v", events)).await;
    assert_eq!(replay(&app.client, json!({})).await["outcomes"], json!({"duplicate": 1}));
    let ledger = app.client.ledger("acme").await;
    assert_eq!(ledger, Ledger { received: 2, stored: 1, duplicate: 1, ..Ledger::default() });
    assert_eq!(app.client.journey("acme", "v").await.len(), 1);
    assert!(list(&app.client).await.is_empty());
}

#[tokio::test]
async fn those_are_tried_that_are_named() {
    let app = TestApp::spawn().await;
    refuse(&app, "v", &[page_view("p", NOW, URL), page_view("q", NOW, URL), page_view("r", NOW, URL)]).await;
    app.client.beacon("acme", &full("v", [json!(7)])).await.expect(200);
    let one = replay(&app.client, json!({"ids": ["1-1", "1-1", "9-0"]})).await;
    assert_eq!(one["outcomes"], json!({"stored": 1, "gone": 1}));
    assert_eq!(replay(&app.client, json!({"ids": ["1-1"]})).await["outcomes"], json!({"gone": 1}));
    assert_eq!(replay(&app.client, json!({"reason": "shape"})).await["outcomes"], json!({"rejected": 1}));
    assert_eq!(replay(&app.client, json!({"ids": ["1-0"], "reason": "time"})).await["tried"], 0);
    assert_eq!(replay(&app.client, json!({"reason": "kind"})).await["outcomes"], json!({"stored": 2}));
    assert_eq!(app.client.ledger("acme").await.rejected, 1);
    app.client.post_json(REPLAY, &json!({"ids": ["1-0", "x"]})).await.problem_at(400, "invalid", "/ids/1");
    app.client.post_json(REPLAY, &json!({"dry_run": "yes"})).await.problem_at(400, "invalid", "/dry_run");
}

#[tokio::test]
async fn many_are_tried_in_one_go_and_two_who_ask_at_once_store_each_once() {
    let app = TestApp::spawn().await;
    for beacon in 0..5 {
        let events: Vec<Value> = (0..120)
            .map(|n| event(&format!("p{beacon}"), n, NOW, "cta_view", json!({"cta": "hero"})))
            .collect();
        refuse(&app, "v", &events).await;
    }
    let nothing = json!({});
    let (one, other) = tokio::join!(replay(&app.client, nothing.clone()), replay(&app.client, nothing));
    let stored = |view: &Value| view["outcomes"]["stored"].as_u64().unwrap_or(0);
    assert_eq!(stored(&one) + stored(&other), 600, "{} {}", one["outcomes"], other["outcomes"]);
    assert_eq!(app.client.ledger("acme").await, Ledger { received: 600, stored: 600, ..Ledger::default() });
    assert!(list(&app.client).await.is_empty());
}

#[tokio::test]
async fn the_site_s_choice_of_today_holds_and_never_for_more_than_the_visitor_s() {
    let app = TestApp::spawn().await;
    // The event itself is well; its time will not be, so it is refused under the choice that held.
    let late = event("p", 1, NOW + 3 * DAY, "cta_view", json!({"cta": "600 123 444"}));
    app.client.beacon("acme", &off([late.clone()])).await.expect(200);
    let items = list(&app.client).await;
    assert_eq!((&items[0]["reason"], &items[0]["has_body"]), (&json!("time"), &json!(false)));
    assert_eq!(replay(&app.client, json!({})).await["outcomes"], json!({"no_body": 1}));
    assert_eq!(list(&app.client).await.len(), 1);
    app.client.beacon("acme", &anonymous([late])).await.expect(200);
    let shared = app.app();
    let site = shared.directory.site("acme").unwrap().number;
    let row = shared.store.bad_beacon(site, 2).await.unwrap().unwrap();
    let body = collector::ingest::bad::Body::of(&shared.vault, site, &row).await.unwrap().unwrap();
    assert_eq!(body.arrival.visitor, None);
}

#[tokio::test]
async fn what_was_refused_may_be_personal_and_is_sealed_until_it_goes() {
    let mut app = TestApp::spawn().await;
    let lead = json!({"kind": "spy", "name": "Eulalia Quintanilla", "phone": "600 123 987"});
    let beacon = full("v", [event("p", 1, NOW, "form_submit", json!({"form": "contacto", "lead": lead}))]);
    app.client.beacon("acme", &beacon).await.expect(200);
    let raw = app.client.get(&format!("{LIST}?raw=true")).await.expect(200);
    assert!(raw["items"][0]["raw"].as_str().unwrap().contains("Eulalia"), "an admin may see what to mend");
    let folder = app.folder();
    app.stop().await;
    for (path, bytes) in files(&folder) {
        for text in ["Eulalia", "Quintanilla", "600 123 987"] {
            assert!(!contains(&bytes, text), "{text} in {}", path.display());
        }
    }
    app.start().await;
    assert_eq!(list(&app.client).await.len(), 1);
    app.clock.advance(31 * DAY);
    app.client.beacon("acme", &full("v", [json!(7)])).await.expect(200);
    let page = app.client.get(LIST).await.expect(200);
    assert_eq!((page["items"].as_array().unwrap().len(), &page["log"]["dropped"]), (1, &json!(1)));
}
