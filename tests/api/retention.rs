//! What is too old goes: journeys, leads and contacts; the numbers stay.

use std::time::{Duration, Instant};

use e2e::{
    NOW, TestApp,
    beacon::{anonymous, callback, full, page_view},
    client::Client,
    wait::eventually,
};
use serde_json::{Value, json};

const DAY: i64 = 86_400_000;
const ADS: &str = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=otono";

async fn report(client: &Client) -> Value {
    client.settled().await;
    let days = "since_day=2020-01-01&until_day=2029-12-31";
    client.get(&format!("/api/v1/sites/acme/reports/counters?{days}&group_by=day,channel")).await.expect(200)
}

/// Waits for a condition while the clock goes half an hour a second: an hour must go by from when a pass is noticed to be
/// due, and a clock that jumps by more begins it anew.
async fn in_time<T>(app: &TestApp, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let (began, mut gone) = (Instant::now(), 0);
    eventually(what, Duration::from_secs(60), async || {
        let now = i64::try_from(began.elapsed().as_millis()).unwrap() * 1_800;
        app.clock.advance(now - gone);
        gone = now;
        ask().await
    })
    .await
}

async fn sealed(app: &TestApp, facts: f64) {
    in_time(app, "what is too old was sealed", async || {
        (app.client.metric("traza_sealed_facts_total{site=\"acme\"}").await == Some(facts)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn journeys_and_leads_go_with_age_and_no_number_changes() {
    let mut app = TestApp::spawn().await;
    let client = &app.client;
    let lead = [page_view("p0", NOW, ADS), callback("p0", 1, NOW + 1, "600 000 000")];
    client.store("acme", &full("v0", lead)).await;
    client.store("acme", &full("v1", [page_view("p1", NOW, ADS)])).await;
    client.store("acme", &anonymous([page_view("p2", NOW, ADS)])).await;
    let old_lead = client.leads("acme").await.first().expect("a lead")["id"].as_str().unwrap().to_owned();

    // 24 months and a day on, one comes back: the lead is too old, the events are not yet.
    app.clock.advance(732 * DAY);
    let later = NOW + 732 * DAY;
    client
        .store("acme", &full("v2", [page_view("p3", later, ADS), callback("p3", 1, later, "600 000 001")]))
        .await;
    let before = report(client).await;
    sealed(&app, 2.0).await;
    assert_eq!(report(client).await, before);
    assert_eq!(client.journey("acme", "v1").await.len(), 1);
    assert_eq!(client.journey("acme", "v0").await.len(), 0, "a lead takes its journey with it");
    client.get(&format!("/api/v1/sites/acme/leads/{old_lead}")).await.problem(404, "not-found");
    assert_eq!(client.leads("acme").await.len(), 1);
    assert_eq!(client.metric("traza_sealed_leads_total{site=\"acme\"}").await, Some(1.0));

    app.clock.advance(40 * DAY);
    sealed(&app, 4.0).await;
    assert_eq!(client.journey("acme", "v1").await.len(), 0);
    assert_eq!(client.journey("acme", "v2").await.len(), 2);
    assert_eq!(report(client).await, before);
    let ledger = client.ledger("acme").await;
    let again = client.beacon("acme", &full("v1", [page_view("p1", NOW, ADS)])).await.expect(200);
    assert_eq!(again["duplicate"], 1, "an id counts once for ever: {again}");
    assert_eq!(client.ledger("acme").await.stored, ledger.stored);

    app.restart().await;
    let client = &app.client;
    assert_eq!(report(client).await, before);
    assert_eq!(client.metric("traza_sealed_facts_total{site=\"acme\"}").await, Some(4.0));
    let explain = before["rows"][0]["explain"].as_str().unwrap().to_owned();
    assert_eq!(
        client.get(&explain).await.expect(200)["items"],
        json!([]),
        "those who are gone are not named"
    );
}

#[tokio::test]
async fn how_long_is_said_by_the_site() {
    let app = TestApp::in_memory().await;
    let path = "/api/v1/sites/acme";
    let site = app.client.get(path).await.expect(200);
    assert_eq!(site["retention"], json!({"events_months": 25, "leads_months": 24}));
    for (field, wrong) in [("events_months", 0), ("events_months", 601), ("leads_months", 0)] {
        let answer = app.client.put(path, &json!({"retention": {field: wrong}})).await;
        answer.problem_at(400, "invalid", &format!("/retention/{field}"));
    }
    let kept =
        json!({"retention": {"events_months": null}, "consent_default": "full", "domains": ["example.com"]});
    let site = app.client.put(path, &kept).await.expect(200);
    assert_eq!(site["retention"], json!({"events_months": null, "leads_months": 24}));

    app.client.store("acme", &full("v1", [page_view("p1", NOW, ADS)])).await;
    app.clock.advance(5_000 * DAY);
    let passed = "traza_retention_passed_timestamp_seconds{site=\"acme\"}";
    in_time(&app, "a pass", async || {
        app.client.metric(passed).await.filter(|at| *at > ((NOW + DAY) / 1000) as f64)
    })
    .await;
    assert_eq!(app.client.journey("acme", "v1").await.len(), 1, "null is for ever");
}
