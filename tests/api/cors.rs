//! Pages of other origins: who may read answers, who gets credentials, who is treated as a stranger.

use e2e::{
    NOW, TestApp,
    beacon::{callback, full, page_view},
    client::{Answer, send},
};
use reqwest::Method;
use serde_json::json;

const URL: &str = "https://www.example.com/";

async fn from(app: &TestApp, origin: Option<&str>, site: &str, body: String) -> Answer {
    let mut request = app.client.post(site, body);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    send(request).await
}

fn good(page: &str) -> String {
    full("v", [page_view(page, NOW, URL)]).to_string()
}

#[tokio::test]
async fn a_page_of_the_site_may_read_every_answer_with_credentials() {
    let app = TestApp::spawn().await;
    let own = [
        "https://www.example.com",
        "https://example.com",
        "http://example.com:8080",
        "http://127.0.0.1:3000",
    ];
    for (n, origin) in own.into_iter().enumerate() {
        let many = format!("[{}]", vec!["1"; 201].join(","));
        let bodies = [
            (200, good(&format!("p{n}"))),
            (400, "x".to_owned()),
            (413, format!(r#"{{"v":1,"events":{many}}}"#)),
        ];
        for (status, body) in bodies {
            let answer = from(&app, Some(origin), "acme", body).await;
            assert_eq!(answer.status, status, "{answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "{status}");
            assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{status}");
            assert_eq!(answer.header("access-control-expose-headers"), Some("Retry-After"), "{status}");
            assert_eq!(answer.header("vary"), Some("Origin"), "{status}");
        }
    }
}

#[tokio::test]
async fn a_strangers_page_may_read_the_answer_without_credentials() {
    let app = TestApp::spawn().await;
    let strangers = ["https://evil.example", "https://example.com.evil.example", "https://notexample.com"];
    for (n, origin) in strangers.into_iter().enumerate() {
        for (status, site, body) in
            [(200, "acme", good(&format!("p{n}"))), (400, "acme", "x".to_owned()), (404, "nobody", good("p"))]
        {
            let answer = from(&app, Some(origin), site, body).await;
            assert_eq!(answer.status, status, "{answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            assert_eq!(answer.header("access-control-allow-credentials"), None, "{origin}, {status}");
            assert_eq!(answer.header("vary"), Some("Origin"));
        }
    }
}

#[tokio::test]
async fn no_origin_is_accepted_and_nothing_is_allowed_to_it() {
    let app = TestApp::spawn().await;
    for (n, origin) in [None, Some("null")].into_iter().enumerate() {
        let answer = from(&app, origin, "acme", good(&format!("p{n}"))).await;
        assert_eq!(answer.expect(200)["accepted"], 1);
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin:?}");
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    app.client.settled().await;
    let install = app.client.get("/api/v1/sites/acme/install").await.expect(200);
    assert!(!install["problems"].to_string().contains("none of the site's domains"), "{install}");
}

#[tokio::test]
async fn a_strangers_beacon_is_stored_and_flagged() {
    let app = TestApp::spawn().await;
    let beacon = full("v", [page_view("p", NOW, URL), callback("p", 1, NOW, "600 000 000")]).to_string();
    let answer = from(&app, Some("https://evil.example"), "acme", beacon).await;
    assert_eq!(answer.expect(200)["accepted"], 2);
    let leads = app.client.leads("acme").await;
    assert_eq!(leads[0]["flags"], json!(["foreign_origin"]));
    let install = app.client.get("/api/v1/sites/acme/install").await.expect(200);
    assert!(install["problems"].to_string().contains("none of the site's domains"), "{install}");
    let flagged = app.client.get("/api/v1/sites/acme/leads?flag=foreign_origin").await.expect(200);
    assert_eq!(flagged["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_site_without_domains_knows_no_strangers_and_gives_no_credentials() {
    let app = TestApp::spawn().await;
    app.client.put_site("nuevo", &json!({"consent_default": "full"})).await;
    let beacon = full("v", [callback("p", 1, NOW, "600 000 000")]).to_string();
    let answer = from(&app, Some("https://anywhere.example"), "nuevo", beacon).await;
    assert_eq!(answer.expect(200)["accepted"], 1);
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    assert_eq!(app.client.leads("nuevo").await[0]["flags"], json!([]));
}

#[tokio::test]
async fn a_preflight_is_answered_204() {
    let app = TestApp::spawn().await;
    for (origin, credentials) in [("https://www.example.com", Some("true")), ("https://evil.example", None)] {
        let request = app.client.bare(Method::OPTIONS, "/t/acme").header("origin", origin);
        let answer = send(request.header("access-control-request-method", "POST")).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
        assert_eq!(answer.header("access-control-allow-credentials"), credentials);
        assert!(answer.header("access-control-allow-methods").unwrap().contains("POST"));
        let allowed = answer.header("access-control-allow-headers").unwrap().to_ascii_lowercase();
        assert!(allowed.contains("content-type") && allowed.contains("content-encoding"), "{allowed}");
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
}

#[tokio::test]
async fn the_tracker_is_for_every_page_and_the_api_for_none() {
    let app = TestApp::spawn().await;
    let core = format!("/t/{}.wasm", collector::ingest::tracker::CORE_HASH);
    for path in ["/t/acme.js", &core] {
        let request = app.client.bare(Method::GET, path).header("origin", "https://evil.example");
        let answer = send(request).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("cross-origin"), "{path}");
    }
    let request = app.client.request(Method::GET, "/api/v1/sites/acme/leads");
    let answer = send(request.header("origin", "https://www.example.com")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}
