//! `/healthz`, `/readyz`, `/metrics`.

use e2e::{
    NOW, TestApp,
    beacon::{full, page_view},
    client::send,
};
use reqwest::Method;

#[tokio::test]
async fn it_is_up_and_ready_without_a_token() {
    let app = TestApp::spawn().await;
    let health = send(app.client.bare(Method::GET, "/healthz")).await.expect(200);
    assert_eq!(health["status"], "up");
    assert!(health["version"].as_str().is_some_and(|version| version.split('.').count() == 3), "{health}");
    let ready = send(app.client.bare(Method::GET, "/readyz")).await.expect(200);
    assert_eq!(ready["status"], "ready");
}

#[tokio::test]
async fn a_store_that_takes_nothing_is_not_ready_and_beacons_are_told_to_come_back() {
    let app = TestApp::spawn().await;
    app.app().store.close().await;
    assert_eq!(send(app.client.bare(Method::GET, "/healthz")).await.status, 200, "the process is up");
    let beacon = full("v", [page_view("p", NOW, "https://www.example.com/")]).to_string();
    for answer in
        [send(app.client.bare(Method::GET, "/readyz")).await, send(app.client.post("acme", beacon)).await]
    {
        answer.problem(503, "unavailable");
        let seconds: u32 = answer.header("retry-after").expect("Retry-After").parse().expect("seconds");
        assert!((1..=60).contains(&seconds));
        assert!(!answer.text.contains("closed"), "the cause is for the log: {answer:?}");
    }
    assert_eq!(app.client.ledger("acme").await, e2e::client::Ledger::default());
    let metrics = app.client.metrics().await;
    assert!(metrics.contains("traza_beacons_refused_total{status=\"503\"} 1"), "{metrics}");
}

#[tokio::test]
async fn metrics_are_as_prometheus_reads_them() {
    let app = TestApp::spawn().await;
    app.client.store("acme", &full("v", [page_view("p", NOW, "https://www.example.com/")])).await;
    app.client.settled().await;
    let answer = send(app.client.bare(Method::GET, "/metrics")).await;
    assert!(answer.header("content-type").unwrap().starts_with("application/openmetrics-text"), "{answer:?}");
    assert!(answer.text.ends_with("# EOF\n"), "{}", answer.text);
    assert_eq!(answer.text.matches("# EOF").count(), 1);
    assert_eq!(app.client.metric("traza_acknowledge_seconds_count").await, Some(1.0));
    assert!(app.client.metric("traza_store_bytes").await.is_some_and(|bytes| bytes > 0.0));
    for line in answer.text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        assert!(name.starts_with("traza_"), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

#[tokio::test]
async fn whatever_can_be_had_can_be_asked_about() {
    let app = TestApp::spawn().await;
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/",
        "/t/acme.js",
        "/api/openapi.json",
        "/api/v1/sites/acme/leads",
    ] {
        let got = send(app.client.request(Method::GET, path)).await;
        let asked = send(app.client.request(Method::HEAD, path)).await;
        assert_eq!((got.status, asked.status), (200, 200), "{path}");
        assert_eq!(asked.header("content-type"), got.header("content-type"), "{path}");
        assert!(asked.text.is_empty(), "{path}: {}", asked.text);
    }
}

#[tokio::test]
async fn the_operator_sees_the_disk_the_writer_and_the_routes() {
    let app = TestApp::spawn().await;
    app.client.get("/api/v1/sites/acme/leads").await.expect(200);
    app.client.get("/api/v1/sites/acme/visitors/somebody-by-name/journey").await.expect(200);
    for name in
        ["traza_disk_free_bytes", "traza_store_bytes", "traza_resident_bytes", "traza_flush_seconds_count"]
    {
        assert!(app.client.metric(name).await.is_some_and(|value| value > 0.0), "{name}");
    }
    assert!(app.client.metric("traza_queued_appends").await.is_some());
    let text = app.client.metrics().await;
    assert!(
        text.contains("traza_answer_seconds_count{route=\"/api/v1/sites/{site}/leads\",method=\"GET\"} 1"),
        "{text}"
    );
    assert!(!text.contains("somebody-by-name"), "patterns, not paths");
    let described: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# HELP ")).collect();
    let typed = text.lines().filter(|line| line.starts_with("# TYPE ")).count();
    assert_eq!(described.len(), typed, "every metric says what it is");
}
