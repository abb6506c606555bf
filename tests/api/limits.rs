//! How much may come: from one network, for one site; and what is not limited.

use e2e::{
    NOW, TestApp,
    beacon::{full, page_view},
    client::{Answer, Client, send},
};

async fn from(client: &Client, site: &str, address: &str, page: &str) -> Answer {
    let beacon = full("v", [page_view(page, NOW, "https://www.example.com/")]);
    send(client.post(site, beacon.to_string()).header("x-forwarded-for", address)).await
}

async fn limited(rates: &str) -> TestApp {
    TestApp::with(|options| {
        options.limits = Some(rates.to_owned());
        options.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await
}

/// Sends until it is refused; returns how many were taken, and the refusal.
async fn until_refused(client: &Client, site: &str, address: &str, prefix: &str) -> (usize, Answer) {
    for n in 0..1000 {
        let answer = from(client, site, address, &format!("{prefix}{n}")).await;
        if answer.status != 200 {
            return (n, answer);
        }
    }
    panic!("nothing was refused");
}

#[tokio::test]
async fn a_network_that_floods_is_told_to_wait_and_harms_no_other() {
    let app = limited("site=1000000,network=1").await;
    let (taken, refused) = until_refused(&app.client, "acme", "203.0.113.7", "a").await;
    // A bucket holds ten seconds' worth, and a second or two may have passed.
    assert!((10..=14).contains(&taken), "{taken}");
    refused.problem(429, "too-many-requests");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(refused.header("access-control-expose-headers"), None, "no Origin asked");
    assert_eq!(from(&app.client, "acme", "203.0.113.99", "b").await.status, 429, "the same /24");
    assert_eq!(
        from(&app.client, "acme", "198.51.100.1, 203.0.113.9", "c").await.status,
        429,
        "whatever it claims"
    );
    assert_eq!(from(&app.client, "acme", "203.0.114.7", "d").await.status, 200, "another /24");
    assert_eq!(from(&app.client, "acme", "2001:db8::1", "e").await.status, 200);
    let ledger = app.client.ledger("acme").await;
    assert_eq!(ledger.received, taken as u64 + 2, "what was refused whole was not received");
    let metrics = app.client.metrics().await;
    assert!(metrics.contains("traza_beacons_refused_total{status=\"429\"} 3"), "{metrics}");
    for secret in ["203.0.113", "198.51.100"] {
        assert!(
            !metrics.contains(secret) && !e2e::logs::captured().contains(secret),
            "an address is nowhere"
        );
    }
}

#[tokio::test]
async fn a_page_can_read_how_long_to_wait() {
    let app = limited("site=1,network=1000000").await;
    let origin = "https://www.example.com";
    let refused = loop {
        let beacon = full("v", [page_view("p", NOW, origin)]);
        let answer = send(app.client.post("acme", beacon.to_string()).header("origin", origin)).await;
        if answer.status != 200 {
            break answer;
        }
    };
    refused.problem(429, "too-many-requests");
    assert_eq!(refused.header("access-control-allow-origin"), Some(origin));
    assert_eq!(refused.header("access-control-expose-headers"), Some("Retry-After"));
}

#[tokio::test]
async fn a_site_that_is_flooded_starves_no_other() {
    let app = limited("site=2,network=1000000").await;
    app.client.put_site("otra", &serde_json::json!({"consent_default": "full"})).await;
    let (taken, refused) = until_refused(&app.client, "acme", "203.0.113.7", "a").await;
    assert!((20..=26).contains(&taken), "{taken}");
    refused.problem(429, "too-many-requests");
    assert_eq!(from(&app.client, "otra", "203.0.113.7", "b").await.status, 200);
}

#[tokio::test]
async fn nobody_is_limited_where_limits_are_off() {
    let app = limited("off").await;
    for n in 0..300 {
        assert_eq!(from(&app.client, "acme", "203.0.113.7", &format!("p{n}")).await.status, 200);
    }
}

#[tokio::test]
async fn visitors_behind_a_proxy_that_nobody_named_are_not_taken_for_one() {
    let app = TestApp::with(|options| options.limits = Some("site=1000000,network=1".to_owned())).await;
    for n in 0..100 {
        assert_eq!(from(&app.client, "acme", "203.0.113.7", &format!("p{n}")).await.status, 200);
    }
    assert!(e2e::logs::captured().contains("TRAZA_TRUSTED_PROXIES"), "and the operator is told");
}

#[tokio::test]
async fn the_api_is_not_limited_by_what_pages_send() {
    let app = limited("site=1,network=1").await;
    until_refused(&app.client, "acme", "203.0.113.7", "a").await;
    for _ in 0..50 {
        app.client.get("/api/v1/sites/acme").await.expect(200);
    }
}
