//! What the API refuses, besides beacons: bodies, parameters, paths, methods.

use e2e::{NOW, TestApp, client::send};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_site_that_makes_no_sense_is_refused_and_not_created() {
    let app = TestApp::spawn().await;
    let cases = [
        (json!({"name": "x".repeat(129)}), "/name"),
        (json!({"name": "a\u{0}b"}), "/name"),
        (json!({"name": 7}), "/name"),
        (json!({"domains": "example.com"}), "/domains"),
        (json!({"domains": ["example.com", "https://example.com"]}), "/domains/1"),
        (json!({"domains": ["a b.example"]}), "/domains/0"),
        (json!({"domains": [""]}), "/domains/0"),
        (json!({"domains": ["example.com/x"]}), "/domains/0"),
        (json!({"domains": [7]}), "/domains/0"),
        (json!({"timezone": "Europe/Madird"}), "/timezone"),
        (json!({"currency": "euro"}), "/currency"),
        (json!({"default_region": "es"}), "/default_region"),
        (json!({"consent_default": "maybe"}), "/consent_default"),
        (json!({"anonymous_utm": "yes"}), "/anonymous_utm"),
        (json!({"hash_routes": 1}), "/hash_routes"),
        (json!({"chat_refs": "no"}), "/chat_refs"),
        (json!({"stages": vec!["x"; 101]}), "/stages"),
        (json!([]), ""),
        (json!(["Tejado Claro", []]), ""),
        (json!("demo"), ""),
    ];
    for (body, pointer) in cases {
        let answer = app.client.put("/api/v1/sites/nuevo", &body).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        answer.problem_at(400, "invalid", pointer);
    }
    for name in ["UPPER", "a_b", "a.b", &"x".repeat(33), "a%20b", "%00"] {
        app.client.put(&format!("/api/v1/sites/{name}"), &json!({})).await.problem_at(400, "invalid", "site");
    }
    app.client.get("/api/v1/sites/nuevo").await.problem(404, "not-found");
    let sites = app.client.get("/api/v1/sites").await.expect(200);
    assert_eq!(sites["items"].as_array().map(Vec::len), Some(1), "{sites}");
}

#[tokio::test]
async fn a_body_must_be_json_and_say_so() {
    let app = TestApp::spawn().await;
    let path = "/api/v1/sites/nuevo";
    let put = |content_type: &'static str, body: Vec<u8>| {
        let mut request = app.client.request(Method::PUT, path).body(body);
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        send(request)
    };
    for content_type in ["", "text/plain", "application/xml", "application/x-www-form-urlencoded"] {
        put(content_type, b"{}".to_vec()).await.problem(415, "unsupported-media-type");
    }
    for body in ["", "{", "{}x", "{\"name\":\"\u{7}\"}", "name=x"] {
        put("application/json", body.into()).await.problem_at(400, "invalid", "");
    }
    put("application/json", b"{\"name\":\"\xff\"}".to_vec()).await.problem(400, "invalid");
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(65 * 1024));
    put("application/json", large.into()).await.problem(413, "too-large");
    let deep = format!("{{\"domains\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    put("application/json", deep.into()).await.problem(400, "invalid");
    app.client.get(path).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_parameter_that_makes_no_sense_is_named() {
    let app = TestApp::spawn().await;
    let leads = "/api/v1/sites/acme/leads";
    let journey = "/api/v1/sites/acme/visitors/v/journey";
    let cases = [
        (leads, "limit=0", "limit"),
        (leads, "limit=501", "limit"),
        (leads, "limit=-1", "limit"),
        (leads, "limit=many", "limit"),
        (leads, "limit=99999999999999999999", "limit"),
        (leads, "since=yesterday", "since"),
        (leads, "since=-7y", "since"),
        (leads, "until=2026-11-22", "until"),
        (leads, "updated_since=%00", "updated_since"),
        (leads, "kind=spy", "kind"),
        (leads, "flag=hot", "flag"),
        (leads, "cursor=x", "cursor"),
        (leads, "cursor=%FF", "cursor"),
        (leads, "cursor=AAAA", "cursor"),
        (journey, "limit=0", "limit"),
        (journey, "cursor=x", "cursor"),
    ];
    for (path, query, pointer) in cases {
        let answer = app.client.get(&format!("{path}?{query}")).await;
        answer.problem_at(400, "invalid", pointer);
    }
}

#[tokio::test]
async fn a_cursor_of_one_list_is_none_of_another() {
    let app = TestApp::spawn().await;
    let events = (0..3).map(|n| e2e::beacon::event("p", n, NOW, "cta_view", json!({"cta": "x"})));
    app.client.store("acme", &e2e::beacon::full("v", events)).await;
    app.client.settled().await;
    let page = app.client.get("/api/v1/sites/acme/visitors/v/journey?limit=1").await.expect(200);
    let cursor = page["next"].as_str().unwrap();
    let answer = app.client.get(&format!("/api/v1/sites/acme/leads?cursor={cursor}")).await;
    // It may be read as a place in the other list, but never breaks anything.
    assert!(matches!(answer.status, 200 | 400), "{answer:?}");
}

#[tokio::test]
async fn a_method_that_is_not_there_is_405_and_says_which_are() {
    let app = TestApp::spawn().await;
    let cases = [
        ("/api/v1/tokens", Method::PUT, "GET, POST"),
        ("/api/v1/tokens/t_1", Method::GET, "DELETE"),
        ("/api/v1/sites", Method::POST, "GET"),
        ("/api/v1/sites/acme", Method::DELETE, "GET, PUT"),
        ("/api/v1/sites/acme/install", Method::POST, "GET"),
        ("/api/v1/sites/acme/ledger", Method::DELETE, "GET"),
        ("/api/v1/sites/acme/visitors/v/journey", Method::POST, "GET"),
        ("/api/v1/sites/acme/leads", Method::DELETE, "GET, POST"),
        ("/api/v1/sites/acme/leads/l", Method::PUT, "GET, PATCH"),
        ("/api/v1/sites/acme/leads/l/journey", Method::POST, "GET"),
        ("/api/v1/sites/acme/leads/l/stage", Method::GET, "POST"),
        ("/healthz", Method::POST, "GET"),
        ("/readyz", Method::POST, "GET"),
        ("/metrics", Method::POST, "GET"),
        ("/t/acme", Method::PUT, "GET, HEAD, POST, OPTIONS"),
        ("/t/acme", Method::GET, "POST, OPTIONS"),
        ("/demo", Method::DELETE, "GET"),
    ];
    for (path, method, allow) in cases {
        let answer = send(app.client.request(method.clone(), path)).await;
        answer.problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_readable_404() {
    let app = TestApp::spawn().await;
    for path in
        ["/api/v1", "/api/v1/nothing", "/api/v2/sites/acme", "/api/v1/sites/acme/nothing", "/wp-login.php"]
    {
        app.client.get(path).await.problem(404, "not-found");
    }
    for rest in ["", "/install", "/ledger", "/leads", "/leads/l", "/visitors/v/journey"] {
        app.client.get(&format!("/api/v1/sites/nobody{rest}")).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn a_problem_is_json_even_when_the_body_broke_the_parser() {
    let app = TestApp::spawn().await;
    let answer = send(app.client.request(Method::POST, "/api/v1/tokens").json(&Value::Null)).await;
    answer.problem(400, "invalid");
    for body in [json!({"role": "king", "site": "acme"}), json!({"role": "sales"}), json!({"site": "acme"})] {
        app.client.post_json("/api/v1/tokens", &body).await.problem(400, "invalid");
    }
}
