//! A machine's clock that jumps by a day, forward and back: what is stored then, and what does not hang.

use e2e::{
    DAY, NOW, TestApp,
    beacon::{full, page_view},
    client::{Ledger, send},
};
use reqwest::Method;
use serde_json::{Value, json};

/// What a browser with a right clock sends, `minutes` after [`NOW`].
fn beacon(page: &str, minutes: i64) -> Value {
    let at = NOW + minutes * 60_000;
    let mut beacon = full("v", [page_view(page, at, "https://www.example.com/")]);
    beacon["sent"] = json!(at + 100);
    beacon
}

/// A live stream's first words, within the client's time.
async fn answers(app: &TestApp) {
    send(app.client.bare(Method::GET, "/readyz")).await.expect(200);
    send(app.client.bare(Method::GET, "/healthz")).await.expect(200);
    app.client
        .get("/api/v1/sites/acme/reports/counters?since_day=2026-11-01&until_day=2026-12-31")
        .await
        .expect(200);
    app.client.get("/api/v1/sites/acme/leads").await.expect(200);
}

#[tokio::test]
async fn a_clock_that_jumps_a_day_and_back_moves_events_and_loses_none() {
    let app = TestApp::spawn().await;
    app.client.store("acme", &beacon("a", 0)).await;
    // Ahead: what comes meanwhile is moved along, as for a browser whose clock is a day behind.
    app.clock.advance(DAY);
    app.client.store("acme", &beacon("b", 1)).await;
    answers(&app).await;
    // Back, and a day behind.
    app.clock.advance(-2 * DAY);
    app.client.store("acme", &beacon("c", 2)).await;
    answers(&app).await;
    // Right again: what is sent twice counts once, whatever time it had.
    app.clock.advance(DAY);
    for (page, minutes) in [("a", 0), ("b", 1), ("c", 2)] {
        let answer = app.client.beacon("acme", &beacon(page, minutes)).await.expect(200);
        assert_eq!((&answer["accepted"], &answer["duplicate"]), (&json!(0), &json!(1)), "{answer}");
    }
    app.client.store("acme", &beacon("d", 0)).await;
    answers(&app).await;

    let items = app.client.journey("acme", "v").await;
    let column = |name: &str| -> Vec<Value> { items.iter().map(|item| item[name].clone()).collect() };
    assert_eq!(column("page"), ["c", "a", "d", "b"], "in the order of the corrected times");
    assert_eq!(column("visit"), ["c", "a", "a", "b"], "a day apart is another visit");
    let times: Vec<i64> = items.iter().map(|item| item["at"].as_i64().unwrap()).collect();
    // The collector stood still at these moments, and a beacon is 100 ms older than its events say.
    assert_eq!(times, [NOW - DAY - 100, NOW, NOW, NOW + DAY - 100]);
    let ledger = app.client.ledger("acme").await;
    assert_eq!(ledger, Ledger { received: 7, stored: 4, duplicate: 3, ..Ledger::default() });
}

#[tokio::test]
async fn what_says_no_sent_is_stored_as_it_is_while_the_clock_is_a_day_off() {
    let app = TestApp::spawn().await;
    for (page, jump) in [("a", DAY), ("b", -2 * DAY)] {
        app.clock.advance(jump);
        app.client.store("acme", &full("v", [page_view(page, NOW, "https://www.example.com/")])).await;
    }
    // A second further and it would lie too far ahead: refused, told, and kept for another try.
    let far = full("v", [page_view("c", NOW + 1_000, "https://www.example.com/")]);
    let answer = app.client.beacon("acme", &far).await.expect(200);
    assert_eq!(answer["rejected"].as_array().unwrap().len(), 1, "{answer}");
    app.clock.advance(DAY);
    let items = app.client.journey("acme", "v").await;
    let times: Vec<&Value> = items.iter().map(|item| &item["at"]).collect();
    assert_eq!(times, [NOW, NOW]);
    assert_eq!(app.client.items("/api/v1/sites/acme/bad-events").await.len(), 1);
    // A rejected id is not used up.
    app.client.store("acme", &far).await;
    let ledger = app.client.ledger("acme").await;
    assert_eq!(
        (ledger.received, ledger.stored, ledger.rejected, ledger.duplicate),
        (4, 3, 1, 0),
        "{ledger:?}"
    );
}

#[tokio::test]
async fn limits_go_on_through_a_jump_and_a_token_ends_when_the_clock_says() {
    let app = TestApp::with(|options| options.limits = Some("site=1000000,network=1".to_owned())).await;
    let mut taken = 0;
    while app.client.beacon("acme", &beacon(&format!("a{taken}"), 0)).await.status == 200 {
        taken += 1;
        assert!(taken < 100, "nothing was refused");
    }
    // The bucket fills by time that passes, not by time that is told: a jump neither opens nor shuts it for a day.
    app.clock.advance(DAY);
    assert_eq!(app.client.beacon("acme", &beacon("b", 0)).await.status, 429);
    app.clock.advance(-2 * DAY);
    let refused = app.client.beacon("acme", &beacon("b", 0)).await;
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    app.clock.advance(DAY);

    let body = json!({"role": "marketing", "site": "acme", "label": "x", "expires_at": NOW + DAY / 2});
    let token = app.client.post_json("/api/v1/tokens", &body).await.expect(201);
    let client = app.client.with_token(token["token"].as_str().unwrap());
    client.get("/api/v1/sites/acme/leads").await.expect(200);
    app.clock.advance(DAY);
    client.get("/api/v1/sites/acme/leads").await.problem(401, "unauthorized");
    app.clock.advance(-DAY);
    client.get("/api/v1/sites/acme/leads").await.expect(200);
}
