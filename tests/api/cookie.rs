//! The visitor's id and its cookie: when it is set, how, and above all when not.

use e2e::{
    NOW, TestApp,
    beacon::{anonymous, full, off, page_view},
    client::{Answer, send},
};
use serde_json::{Value, json};

const URL: &str = "https://www.example.com/";

async fn beacon(app: &TestApp, beacon: &Value, headers: &[(&str, &str)]) -> Answer {
    let mut request = app.client.post("acme", beacon.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = send(request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// The attributes of the one cookie of an answer, by lower-case name; the cookie itself under its name.
fn cookie(answer: &Answer) -> std::collections::BTreeMap<String, String> {
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 1, "{answer:?}");
    let text = answer.header("set-cookie").unwrap();
    let pairs = text.split(';').map(|part| part.trim().split_once('=').unwrap_or((part.trim(), "")));
    pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect()
}

#[tokio::test]
async fn a_full_beacon_on_a_site_domain_sets_the_visitors_cookie() {
    let app = TestApp::spawn().await;
    let answer = beacon(&app, &full("v-1", [page_view("p", NOW, URL)]), &[("host", "www.example.com")]).await;
    let cookie = cookie(&answer);
    let expected = [
        ("tz_v", "v-1"),
        ("httponly", ""),
        ("samesite", "Lax"),
        ("path", "/"),
        ("domain", "example.com"),
        ("max-age", "33696000"),
    ];
    for (name, value) in expected {
        assert_eq!(cookie.get(name).map(String::as_str), Some(value), "{name} of {cookie:?}");
    }
    assert_eq!(cookie.len(), expected.len(), "and nothing else, `Secure` over http least of all: {cookie:?}");
    assert_eq!(answer.json()["visitor"], "v-1");
}

#[tokio::test]
async fn over_https_the_cookie_is_secure() {
    let app = TestApp::with(|options| options.public_url = Some("https://t.example.com".to_owned())).await;
    let answer = beacon(&app, &full("v", [page_view("p", NOW, URL)]), &[("host", "t.example.com")]).await;
    assert!(cookie(&answer).contains_key("secure"), "{answer:?}");
}

#[tokio::test]
async fn a_proxy_is_believed_about_https_only_where_it_is_trusted() {
    let headers = [("host", "t.example.com"), ("x-forwarded-proto", "https")];
    for (trusted, secure) in [("127.0.0.1", true), ("192.0.2.1", false)] {
        let app = TestApp::with(|options| options.trusted_proxies = vec![trusted.parse().unwrap()]).await;
        let answer = beacon(&app, &full("v", [page_view("p", NOW, URL)]), &headers).await;
        assert_eq!(cookie(&answer).contains_key("secure"), secure, "{trusted}: {answer:?}");
    }
}

#[tokio::test]
async fn the_cookies_domain_is_the_sites_and_an_address_has_none() {
    let app = TestApp::spawn().await;
    let config = json!({"domains": ["example.com", "tienda.example.org", "127.0.0.1", "localhost"],
                        "consent_default": "full"});
    app.client.put_site("acme", &config).await;
    let cases = [
        ("example.com", Some("example.com")),
        ("t.a.example.com:8443", Some("example.com")),
        ("TIENDA.example.org", Some("tienda.example.org")),
        ("127.0.0.1:8787", None),
        ("localhost", None),
    ];
    for (n, (host, domain)) in cases.into_iter().enumerate() {
        let page = format!("p{n}");
        let answer = beacon(&app, &full("v", [page_view(&page, NOW, URL)]), &[("host", host)]).await;
        assert_eq!(cookie(&answer).get("domain").map(String::as_str), domain, "{host}: {answer:?}");
    }
}

#[tokio::test]
async fn a_host_that_is_not_the_sites_gets_no_cookie() {
    let app = TestApp::spawn().await;
    let hosts = ["t.example.net", "example.com.evil.example", "notexample.com", "[::1]", "[::1]:80", ""];
    for (n, host) in hosts.into_iter().enumerate() {
        let page = format!("p{n}");
        let answer = beacon(&app, &full("v", [page_view(&page, NOW, URL)]), &[("host", host)]).await;
        assert!(answer.header("set-cookie").is_none(), "{host}: {answer:?}");
        assert_eq!(answer.json()["visitor"], "v");
    }
}

#[tokio::test]
async fn the_cookie_wins_over_the_pages_proposal_and_is_never_renewed() {
    let app = TestApp::spawn().await;
    let headers = [("host", "example.com"), ("cookie", "a=b; tz_v=v-old; c=d")];
    let answer = beacon(&app, &full("v-new", [page_view("p", NOW, URL)]), &headers).await;
    assert!(answer.header("set-cookie").is_none(), "{answer:?}");
    assert_eq!(answer.json()["visitor"], "v-old");
    assert_eq!(app.client.journey("acme", "v-old").await.len(), 1);
    assert!(app.client.journey("acme", "v-new").await.is_empty());
}

#[tokio::test]
async fn a_cookie_that_is_no_id_counts_as_none() {
    let app = TestApp::spawn().await;
    for (n, value) in ["", "a.b", "%00", &"x".repeat(65)].into_iter().enumerate() {
        let headers = [("host", "example.com"), ("cookie", &*format!("tz_v={value}"))];
        let page = format!("p{n}");
        let answer = beacon(&app, &full("v", [page_view(&page, NOW, URL)]), &headers).await;
        assert_eq!(cookie(&answer)["tz_v"], "v", "{value:?}");
    }
}

#[tokio::test]
async fn a_page_that_proposes_nobody_gets_a_new_visitor() {
    let app = TestApp::spawn().await;
    let mut nobody = full("", [page_view("p", NOW, URL)]);
    nobody.as_object_mut().unwrap().remove("visitor");
    let answer = beacon(&app, &nobody, &[("host", "example.com")]).await;
    let visitor = answer.json()["visitor"].as_str().unwrap().to_owned();
    assert_eq!(cookie(&answer)["tz_v"], visitor);
    let id = uuid::Uuid::parse_str(&visitor).expect("a UUID");
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(app.client.journey("acme", &visitor).await.len(), 1);
}

#[tokio::test]
async fn anonymous_and_refused_visitors_get_no_cookie_and_off_takes_it_away() {
    let app = TestApp::spawn().await;
    let host = ("host", "example.com");
    let old = ("cookie", "tz_v=v-old");
    let view = |page: &str| [page_view(page, NOW, URL)];
    let mut proposing = anonymous(view("p1"));
    proposing["visitor"] = json!("v");
    for (what, sent) in [("anonymous", &proposing), ("off", &off(view("p2")))] {
        let answer = beacon(&app, sent, &[host]).await;
        assert!(answer.header("set-cookie").is_none(), "{what}: {answer:?}");
    }
    // Somebody who agreed once and is anonymous now keeps the cookie, and is not recognised by it.
    let answer = beacon(&app, &anonymous(view("p3")), &[host, old]).await;
    assert!(answer.header("set-cookie").is_none(), "{answer:?}");
    assert!(app.client.journey("acme", "v-old").await.is_empty());

    let answer = beacon(&app, &off(view("p4")), &[host, old]).await;
    let gone = cookie(&answer);
    assert_eq!((gone["tz_v"].as_str(), gone["max-age"].as_str()), ("", "0"), "{gone:?}");
    assert_eq!((gone["domain"].as_str(), gone["path"].as_str()), ("example.com", "/"), "as it was set");
}

#[tokio::test]
async fn nothing_that_is_fetched_sets_a_cookie() {
    let app = TestApp::spawn().await;
    let core = format!("/t/{}.wasm", collector::ingest::tracker::CORE_HASH);
    for path in ["/t/acme.js", &core, "/t/acme", "/t/nobody.js", "/", "/healthz"] {
        let request = app.client.bare(reqwest::Method::GET, path);
        let answer = send(request.header("host", "example.com").header("cookie", "tz_v=v")).await;
        assert!(answer.header("set-cookie").is_none(), "{path}: {answer:?}");
    }
    let options = app.client.bare(reqwest::Method::OPTIONS, "/t/acme").header("host", "example.com");
    assert!(send(options).await.header("set-cookie").is_none());
}

#[tokio::test]
async fn a_refused_beacon_sets_no_cookie() {
    let app = TestApp::spawn().await;
    let request = app.client.post("acme", r#"{"v":1,"visitor":"v","mode":"full","choice":"explicit"}"#);
    let answer = send(request.header("host", "example.com")).await;
    answer.problem(400, "invalid");
    assert!(answer.header("set-cookie").is_none(), "{answer:?}");
}
