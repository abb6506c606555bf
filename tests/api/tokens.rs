//! `/api/v1/tokens`: shown once, ended by time or by hand.

use e2e::{DAY, NOW, TestApp, client::send};
use reqwest::Method;
use serde_json::{Value, json};

async fn issue(app: &TestApp, body: &Value) -> Value {
    app.client.post_json("/api/v1/tokens", body).await.expect(201)
}

#[tokio::test]
async fn a_secret_is_shown_once_and_stored_nowhere() {
    let app = TestApp::spawn().await;
    let issued = issue(&app, &json!({"role": "sales", "site": "acme", "label": "CRM"})).await;
    let secret = issued["token"].as_str().unwrap();
    assert!(secret.starts_with("tz_") && secret.len() >= 43, "{secret}");
    assert_eq!((&issued["created_at"], &issued["expires_at"]), (&json!(NOW), &json!(null)));

    let list = app.client.get("/api/v1/tokens").await.expect(200);
    let mut listed = issued.clone();
    listed.as_object_mut().unwrap().remove("token");
    assert_eq!(list["items"], json!([listed]));
    for (path, bytes) in super::privacy::files(&app.folder()) {
        assert!(!super::privacy::contains(&bytes, secret), "{}", path.display());
    }
    assert!(!e2e::logs::captured().contains(secret));
}

#[tokio::test]
async fn a_token_ends_when_it_was_told_to() {
    let app = TestApp::spawn().await;
    for expires_at in [json!(NOW + DAY), json!("2026-11-23T01:20:00Z")] {
        let issued = issue(&app, &json!({"role": "sales", "site": "acme", "expires_at": expires_at})).await;
        assert_eq!(issued["expires_at"], NOW + DAY);
        let client = app.client.with_token(issued["token"].as_str().unwrap());
        app.clock.advance(DAY - 1);
        assert_eq!(client.get("/api/v1/sites/acme/leads").await.status, 200);
        app.clock.advance(1);
        client.get("/api/v1/sites/acme/leads").await.problem(401, "unauthorized");
        app.clock.advance(-DAY);
    }
}

#[tokio::test]
async fn a_withdrawn_token_stays_withdrawn() {
    let mut app = TestApp::spawn().await;
    let issued = issue(&app, &json!({"role": "sales", "site": "*"})).await;
    let (id, secret) = (issued["id"].as_str().unwrap(), issued["token"].as_str().unwrap());
    assert_eq!(app.client.with_token(secret).get("/api/v1/sites/acme/leads").await.status, 200);
    let path = format!("/api/v1/tokens/{id}");
    assert_eq!(send(app.client.request(Method::DELETE, &path)).await.status, 204);
    app.client.with_token(secret).get("/api/v1/sites/acme/leads").await.problem(401, "unauthorized");
    send(app.client.request(Method::DELETE, &path)).await.problem(404, "not-found");
    app.restart().await;
    app.client.with_token(secret).get("/api/v1/sites/acme/leads").await.problem(401, "unauthorized");
    assert_eq!(app.client.get("/api/v1/tokens").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn a_token_outlives_a_restart() {
    let mut app = TestApp::spawn().await;
    let issued = issue(&app, &json!({"role": "marketing", "site": "acme"})).await;
    app.restart().await;
    let client = app.client.with_token(issued["token"].as_str().unwrap());
    assert_eq!(client.get("/api/v1/sites/acme/leads").await.status, 200);
}

#[tokio::test]
async fn what_makes_no_token_is_refused() {
    let app = TestApp::spawn().await;
    let cases = [
        (json!({"role": "king", "site": "acme"}), "/role"),
        (json!({"role": "sales", "site": "nobody"}), "/site"),
        (json!({"role": "sales", "site": ["acme"]}), "/site"),
        (json!({"role": "sales", "site": "acme", "label": "x".repeat(129)}), "/label"),
        (json!({"role": "sales", "site": "acme", "label": "a\u{0}"}), "/label"),
        (json!({"role": "sales", "site": "acme", "expires_at": NOW}), "/expires_at"),
        (json!({"role": "sales", "site": "acme", "expires_at": "tomorrow"}), "/expires_at"),
        (json!({"role": "sales", "site": "acme", "expires_at": [1]}), "/expires_at"),
        (json!({"role": "sales", "site": "acme", "expires_at": 1.5}), "/expires_at"),
        (json!({"role": "sales", "site": "acme", "scope": "otono"}), "/scope"),
        // It could issue itself a token without one.
        (json!({"role": "admin", "site": "acme", "scope": {"channels": ["email"]}}), "/scope"),
    ];
    for (body, pointer) in cases {
        let answer = app.client.post_json("/api/v1/tokens", &body).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        answer.problem_at(400, "invalid", pointer);
    }
    assert_eq!(app.client.get("/api/v1/tokens").await.expect(200)["items"], json!([]));
}
