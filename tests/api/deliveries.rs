//! Messages on their way: receivers that fail, hang, redirect, are gone or are this very machine; once more, and never twice.

use std::{sync::Arc, time::Duration};

use collector::project::follow::Follower;
use e2e::{
    DAY, NOW, Receiver, TestApp,
    beacon::{callback, full, page_view},
    eventually, holds,
    receiver::Reply,
};
use serde_json::{Value, json};

use crate::webhooks::{lead, open_app, put, types};

const DELIVERIES: &str = "/api/v1/sites/acme/deliveries";

fn crm(receiver: &Receiver) -> Value {
    json!({"id": "crm", "url": receiver.url("/"), "types": ["lead.created"]})
}

/// The one delivery there is, once it is as expected.
async fn delivery(app: &TestApp, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    eventually(what, Duration::from_secs(10), async || {
        let items = app.client.items(DELIVERIES).await;
        items.into_iter().find(&is_it)
    })
    .await
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_within_seconds_under_the_same_id() {
    let (app, receiver) = (open_app().await, Receiver::start().await);
    put(&app, crm(&receiver)).await;
    receiver.answers(|_, before| if before < 3 { Reply::Says(500, "roto") } else { Reply::Says(200, "") });
    lead(&app, "p").await;
    for (attempt, pause) in [(1, 1_000), (2, 2_000), (3, 4_000)] {
        receiver.expect(attempt).await;
        let now = NOW + [0, 1_100, 3_300][attempt - 1];
        let waits = delivery(&app, "it waits", |waits| waits["attempts"] == attempt).await;
        assert_eq!(
            (&waits["state"], &waits["tries"][attempt - 1]["status"]),
            (&json!("pending"), &json!(500))
        );
        let next = waits["next_at"].as_i64().unwrap();
        assert!((now + pause..=now + pause + pause / 10).contains(&next), "{waits}");
        app.clock.advance(pause + pause / 10);
    }
    let got = receiver.expect(4).await;
    assert!(got.iter().all(|message| message.id() == got[0].id()), "{got:?}");
    assert_ne!(
        got[0].header("webhook-timestamp"),
        got[3].header("webhook-timestamp"),
        "each attempt has its time"
    );
    delivery(&app, "it is delivered", |done| done["state"] == "delivered" && done["attempts"] == 4).await;
    app.clock.advance(DAY);
    app.client.settled().await;
    assert_eq!(receiver.got().len(), 4);
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it() {
    let (app, receiver) = (open_app().await, Receiver::start().await);
    put(&app, crm(&receiver)).await;
    receiver.answers(|_, before| match before {
        0 => Reply::With(429, "retry-after", "120".to_owned()),
        1 => Reply::With(503, "retry-after", "Sun, 22 Nov 2026 01:30:00 GMT".to_owned()),
        _ => Reply::Says(200, ""),
    });
    lead(&app, "p").await;
    delivery(&app, "it waits", |waits| waits["next_at"] == NOW + 120_000).await;
    app.clock.advance(60_000);
    app.client.settled().await;
    assert_eq!(receiver.got().len(), 1, "it is left alone");
    app.clock.advance(60_000);
    delivery(&app, "it waits", |waits| waits["next_at"] == NOW + 600_000).await;
    app.clock.advance(480_000);
    receiver.expect(3).await;
}

#[tokio::test]
async fn who_says_that_it_is_gone_is_sent_nothing_until_it_is_set_again_and_others_are_told() {
    let (app, receiver, other) = (open_app().await, Receiver::start().await, Receiver::start().await);
    let watch = json!({"id": "watch", "url": other.url("/"), "types": ["delivery.failing"]});
    let both = json!({"items": [crm(&receiver), watch]});
    app.client.put("/api/v1/sites/acme/webhooks", &both).await.expect(200);
    receiver.answers(|_, before| if before == 0 { Reply::Says(410, "") } else { Reply::Says(200, "") });
    lead(&app, "p").await;
    let told = other.expect(1).await.pop().unwrap().json();
    assert_eq!((&told["type"], &told["data"]["endpoint"]), (&json!("delivery.failing"), &json!("crm")));
    assert_eq!((&told["data"]["health"], &told["data"]["status"]), (&json!("off"), &json!(410)));
    let shown = app.client.get("/api/v1/sites/acme/webhooks").await.expect(200);
    assert_eq!(shown["items"][0]["health"], "off");
    let text = app.client.metrics().await;
    assert!(text.contains("traza_endpoint_failing{site=\"acme\",endpoint=\"crm\"} 1"), "{text}");

    app.client.store("acme", &full("w", [callback("q", 1, NOW, "600 000 001")])).await;
    let waits =
        delivery(&app, "it is dropped", |dropped| dropped["tries"][0]["reason"] == "endpoint_off").await;
    assert_eq!((&waits["state"], &waits["attempts"]), (&json!("dropped"), &json!(0)));
    let replay = format!("{DELIVERIES}/{}/replay", waits["id"].as_str().unwrap());
    app.client.post_json(&replay, &json!({})).await.problem(409, "conflict");
    app.clock.advance(DAY);
    app.client.settled().await;
    assert_eq!(receiver.got().len(), 1, "it is left in peace");

    app.client.put("/api/v1/sites/acme/webhooks", &both).await.expect(200);
    let again = app.client.post_json(&replay, &json!({})).await.expect(200);
    assert_eq!(again["state"], "pending");
    let got = receiver.expect(2).await;
    assert_eq!(got[1].id(), waits["id"].as_str().unwrap(), "the same message");
    delivery(&app, "it is delivered", |done| done["id"] == waits["id"] && done["state"] == "delivered").await;
}

#[tokio::test]
async fn one_that_hangs_delays_nobody() {
    let (app, hanging, quick) = (open_app().await, Receiver::start().await, Receiver::start().await);
    hanging.answers(|_, _| Reply::Hangs);
    let items = json!({"items": [
        {"id": "slow", "url": hanging.url("/"), "types": ["lead.created"]},
        {"id": "quick", "url": quick.url("/"), "types": ["lead.created"]},
    ]});
    app.client.put("/api/v1/sites/acme/webhooks", &items).await.expect(200);
    for n in 0..40 {
        let (visitor, page) = (format!("v{n}"), format!("p{n}"));
        app.client.store("acme", &full(&visitor, [callback(&page, 1, NOW, "600 000 000")])).await;
    }
    let got = quick.expect(40).await;
    let ids: std::collections::BTreeSet<_> = got.iter().map(|message| message.id().to_owned()).collect();
    assert_eq!(ids.len(), 40, "each once");
    assert!(hanging.got().len() <= 8, "it has places of its own, and no more: {}", hanging.got().len());
}

#[tokio::test]
async fn one_that_takes_nothing_is_left_alone_for_a_moment_and_told_of() {
    let (app, broken, other) = (open_app().await, Receiver::start().await, Receiver::start().await);
    broken.answers(|_, _| Reply::Says(500, ""));
    let items = json!({"items": [
        {"id": "broken", "url": broken.url("/"), "types": ["lead.created"]},
        {"id": "watch", "url": other.url("/"), "types": ["delivery.failing"]},
    ]});
    app.client.put("/api/v1/sites/acme/webhooks", &items).await.expect(200);
    for n in 0..30 {
        let (visitor, page) = (format!("v{n}"), format!("p{n}"));
        app.client.store("acme", &full(&visitor, [callback(&page, 1, NOW, "600 000 000")])).await;
    }
    // What is under way when the circuit opens comes through, the rest waits.
    holds("the circuit opens", async || broken.got().len() >= 5).await;
    app.client.settled().await;
    assert!(broken.got().len() <= 13, "{}", broken.got().len());
    // A minute of nothing but failures, one message at a time.
    for _ in 0..8 {
        let before = broken.got().len();
        holds("one is tried", async || {
            app.clock.advance(2_000);
            broken.got().len() > before
        })
        .await;
    }
    let told = other.expect(1).await.pop().unwrap().json();
    assert_eq!((&told["data"]["endpoint"], &told["data"]["health"]), (&json!("broken"), &json!("failing")));
    broken.answers(|_, _| Reply::Says(200, ""));
    holds("it is well again", async || {
        app.clock.advance(61_000);
        let shown = app.client.get("/api/v1/sites/acme/webhooks").await.expect(200);
        shown["items"][0]["health"] == "well"
    })
    .await;
    holds("every lead has arrived", async || {
        app.clock.advance(3_600_000);
        let pending = app.client.get(&format!("{DELIVERIES}?state=pending")).await.expect(200);
        pending["items"].as_array().is_some_and(Vec::is_empty)
    })
    .await;
    let delivered =
        app.client.get(&format!("{DELIVERIES}?state=delivered&endpoint=broken&limit=500")).await.expect(200);
    assert_eq!(delivered["items"].as_array().map(Vec::len), Some(30));
    assert_eq!(other.got().len(), 1, "told once");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (app, receiver, elsewhere) = (open_app().await, Receiver::start().await, Receiver::start().await);
    put(&app, crm(&receiver)).await;
    let location = elsewhere.url("/");
    receiver.answers(move |_, _| Reply::With(307, "location", location.clone()));
    lead(&app, "p").await;
    let waits = delivery(&app, "it waits", |waits| waits["attempts"] == 1).await;
    assert_eq!((&waits["tries"][0]["status"], &waits["tries"][0]["reason"]), (&json!(307), &json!("status")));
    assert!(elsewhere.got().is_empty());
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_refused_when_it_is_resolved() {
    let (app, receiver) = (TestApp::spawn().await, Receiver::start().await);
    // Resolvers take these for 127.0.0.1; they are no addresses to look at.
    for (id, host) in [("a", "2130706433"), ("b", "127.1"), ("c", "0x7f.1")] {
        let url = format!("https://{host}:{}/", receiver.address().port());
        put(&app, json!({"id": id, "url": url, "types": ["lead.created"]})).await;
        lead(&app, &format!("p{id}")).await;
        let tried =
            delivery(&app, "it was tried", |tried| tried["endpoint"] == id && tried["attempts"] == 1).await;
        assert_eq!(tried["tries"][0]["reason"], "private_target", "{host}");
        let test = app
            .client
            .post_json(&format!("/api/v1/sites/acme/webhooks/{id}/test"), &json!({}))
            .await
            .expect(200);
        assert_eq!((&test["ok"], &test["reason"]), (&json!(false), &json!("private_target")));
    }
    assert!(receiver.got().is_empty());
}

#[tokio::test]
async fn nobody_at_home_and_no_tls_are_told_apart() {
    let (app, receiver) = (open_app().await, Receiver::start().await);
    let closed = Receiver::start().await;
    let address = closed.address();
    closed.stop().await;
    for (id, url, reason) in [
        ("tls", format!("https://{}/", receiver.address()), "tls"),
        ("closed", format!("http://{address}/"), "unreachable"),
        ("name", "http://no-such-host.invalid/".to_owned(), "unknown_host"),
    ] {
        put(&app, json!({"id": id, "url": url, "types": ["lead.created"]})).await;
        let test = app
            .client
            .post_json(&format!("/api/v1/sites/acme/webhooks/{id}/test"), &json!({}))
            .await
            .expect(200);
        assert_eq!((&test["reason"], &test["status"]), (&json!(reason), &Value::Null), "{id}");
    }
}

#[tokio::test]
async fn whoever_is_forgotten_meanwhile_is_told_to_nobody() {
    let (app, receiver) = (open_app().await, Receiver::start().await);
    put(&app, crm(&receiver)).await;
    receiver.answers(|_, _| Reply::Says(500, ""));
    let gone = lead(&app, "p").await;
    app.client.store("acme", &full("w", [callback("q", 1, NOW, "600 000 001")])).await;
    receiver.expect(2).await;
    app.client.post_json("/api/v1/sites/acme/persons/v/erase", &json!({})).await.expect(200);
    let leads = app.client.leads("acme").await;
    let other = leads.iter().find(|lead| lead["visitors"] == json!(["w"])).unwrap();
    let person = other["person"].as_str().unwrap();
    let said = json!({"withdrawn": ["contact"], "by": "crm"});
    app.client.post_json(&format!("/api/v1/sites/acme/persons/{person}/consent"), &said).await.expect(201);
    receiver.answers(|_, _| Reply::Says(200, ""));
    app.clock.advance(60_000);
    for (lead, reason) in [(gone.as_str(), "erased"), (other["id"].as_str().unwrap(), "no_consent")] {
        let dropped =
            delivery(&app, reason, |dropped| dropped["lead"] == lead && dropped["state"] == "dropped").await;
        assert_eq!(dropped["tries"][1]["reason"], reason);
        assert_eq!(dropped["attempts"], 1);
    }
    assert_eq!(receiver.got().len(), 2);
}

#[tokio::test]
async fn what_was_sent_is_not_sent_again_by_a_restart_or_a_rebuild() {
    let (mut app, receiver) = (open_app().await, Receiver::start().await);
    put(&app, json!({"id": "crm", "url": receiver.url("/"), "types": types()})).await;
    receiver.answers(|_, before| if before == 1 { Reply::Says(500, "") } else { Reply::Says(200, "") });
    lead(&app, "p").await;
    receiver.expect(1).await;
    app.client
        .store(
            "acme",
            &full("w", [page_view("q", NOW, "https://example.com/"), callback("q", 1, NOW, "600 000 001")]),
        )
        .await;
    receiver.expect(2).await;
    delivery(&app, "one waits", |waits| waits["state"] == "pending" && waits["attempts"] == 1).await;
    delivery(&app, "one is there", |done| done["state"] == "delivered").await;
    app.app().looks.flush().await;
    app.client.settled().await;
    let site = app.app().directory.site("acme").unwrap().number;
    let before = app.app().store.dump(site).await.unwrap();
    let listed = app.client.items(DELIVERIES).await;

    app.app().store.reset(site).await.unwrap();
    let (mut follower, _) = Follower::new(Arc::clone(&app.app().store), Arc::clone(&app.app().directory));
    follower.catch_up().await.unwrap();
    assert_eq!(app.app().store.dump(site).await.unwrap(), before, "byte for byte");
    assert_eq!(app.client.items(DELIVERIES).await, listed);
    drop(follower);
    // Thrown away, and derived by whoever starts next.
    app.app().store.reset(site).await.unwrap();
    app.restart().await;
    app.client.settled().await;
    assert_eq!(app.app().store.dump(site).await.unwrap(), before);
    assert_eq!(receiver.got().len(), 2, "nothing was sent by that");
    app.clock.advance(1_100);
    let got = receiver.expect(3).await;
    assert_eq!(got[2].id(), got[1].id(), "what waited goes on waiting, and then goes");
}

#[tokio::test]
async fn deliveries_are_listed_by_what_is_asked_for() {
    let (app, receiver) = (open_app().await, Receiver::start().await);
    let items = json!({"items": [
        {"id": "one", "url": receiver.url("/1"), "types": ["lead.created"]},
        {"id": "two", "url": receiver.url("/2"), "types": ["lead.created"]},
    ]});
    app.client.put("/api/v1/sites/acme/webhooks", &items).await.expect(200);
    for n in 0..3 {
        app.clock.advance(10);
        app.client
            .store("acme", &full(&format!("v{n}"), [callback(&format!("p{n}"), 1, NOW, "600 000 000")]))
            .await;
    }
    receiver.expect(6).await;
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app.client.get(&format!("{DELIVERIES}?limit=4&endpoint=one{cursor}")).await.expect(200);
        ids.extend(page["items"].as_array().unwrap().iter().map(|item| item["created_at"].as_i64().unwrap()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(ids, [NOW + 30, NOW + 20, NOW + 10], "newest first");
    let paged = app.client.get(&format!("{DELIVERIES}?limit=4")).await.expect(200);
    assert_eq!(paged["items"].as_array().map(Vec::len), Some(4));
    assert!(paged["next"].is_string());
    app.client.get(&format!("{DELIVERIES}?state=lost")).await.problem_at(400, "invalid", "state");
    app.client.get(&format!("{DELIVERIES}?lead=l_none")).await.problem(404, "not-found");
    let csv = app.client.get(&format!("{DELIVERIES}?format=csv")).await;
    assert_eq!(csv.text.lines().count(), 7, "{}", csv.text);
    app.client
        .post_json(&format!("{DELIVERIES}/msg_none/replay"), &json!({}))
        .await
        .problem(404, "not-found");
}
