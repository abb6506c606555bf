//! The dashboard and the demo, as a browser gets them.

use e2e::{
    TestApp,
    client::{Answer, send},
};
use reqwest::Method;

async fn get(app: &TestApp, path: &str) -> Answer {
    send(app.client.bare(Method::GET, path)).await
}

/// Addresses that a page names in `src` and `href`.
fn links(html: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for name in ["src=\"", "href=\""] {
        found.extend(html.split(name).skip(1).filter_map(|rest| rest.split('"').next()));
    }
    found
}

#[tokio::test]
async fn the_dashboard_is_one_page_with_its_files_and_nothing_from_elsewhere() {
    let app = TestApp::spawn().await;
    let page = get(&app, "/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let files: Vec<&str> = links(&page.text).into_iter().filter(|link| !link.starts_with('#')).collect();
    assert!(!files.is_empty());
    for file in files {
        assert!(!file.contains("//"), "{file} is elsewhere");
        let answer = get(&app, &format!("/{}", file.trim_start_matches(['.', '/']))).await;
        assert_eq!(answer.status, 200, "{file}");
        assert_ne!(answer.header("content-type"), Some("application/octet-stream"), "{file}");
    }
}

#[tokio::test]
async fn a_page_that_has_not_changed_is_not_sent_again() {
    let app = TestApp::spawn().await;
    let page = get(&app, "/").await;
    let tag = page.header("etag").expect("an ETag");
    let again = send(app.client.bare(Method::GET, "/").header("if-none-match", tag)).await;
    assert_eq!((again.status, again.text.len()), (304, 0));
    assert_eq!(page.header("cache-control"), Some("no-cache"), "a new binary shows at once");
}

#[tokio::test]
async fn what_is_not_embedded_is_not_there() {
    let app = TestApp::with(|options| options.demo = true).await;
    let tests = "/test/api.test.js";
    for path in
        [tests, "/demo/nothing.html", "/demo/../index.html", "/demo/%2e%2e/Cargo.toml", "/..%2fCargo.toml"]
    {
        let answer = get(&app, path).await;
        // The client resolves `..` itself; what is left must be a page of ours or nothing.
        assert!(answer.status == 404 || answer.text.contains("<!doctype html>"), "{path}: {answer:?}");
        assert!(!answer.text.contains("[workspace]"), "{path}");
    }
    send(app.client.bare(Method::POST, "/index.html")).await.problem(404, "not-found");
}

#[tokio::test]
async fn the_demo_is_there_only_where_it_was_asked_for() {
    let app = TestApp::spawn().await;
    for path in ["/demo/", "/demo/index.html"] {
        get(&app, path).await.problem(404, "not-found");
    }
    send(app.client.bare(Method::POST, "/demo/gracias")).await.problem(404, "not-found");

    let app = TestApp::with(|options| options.demo = true).await;
    let root = get(&app, "/demo").await;
    assert_eq!((root.status, root.header("location")), (308, Some("/demo/")));
    let from_ad = get(&app, "/demo?utm_source=google&gclid=x%20y").await;
    assert_eq!(
        from_ad.header("location"),
        Some("/demo/?utm_source=google&gclid=x%20y"),
        "whom an ad brought"
    );
    let sent = send(app.client.bare(Method::POST, "/demo/gracias").body("telefono=600000000")).await;
    assert_eq!((sent.status, sent.header("location")), (303, Some("/demo/gracias.html")));
    assert_eq!(get(&app, "/demo/gracias.html").await.status, 200);
}

#[tokio::test]
async fn the_landing_pages_only_tracking_is_the_one_script_tag() {
    let app = TestApp::with(|options| options.demo = true).await;
    let page = get(&app, "/demo/").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.text.matches("<script").count(), 1, "one script");
    assert!(page.text.contains("<script async src=\"/t/demo.js\"></script>"));
    for link in links(&page.text) {
        let elsewhere = link.contains("//") && !link.starts_with("https://wa.me/");
        assert!(!elsewhere || link.contains(".example"), "{link}");
        let here =
            !["#", "tel:", "mailto:", "https:", "data:", "/t/"].iter().any(|start| link.starts_with(start));
        if here {
            let file = link.split(['?', '#']).next().unwrap();
            assert_eq!(
                get(&app, &format!("/demo/{}", file.trim_start_matches("./"))).await.status,
                200,
                "{link}"
            );
        }
    }
}

#[tokio::test]
async fn the_docs_need_no_other_host() {
    let app = TestApp::spawn().await;
    let moved = get(&app, "/api/docs").await;
    assert!((300..400).contains(&moved.status), "{moved:?}");
    assert_eq!(moved.header("location"), Some("/api/docs/"));
    let page = get(&app, "/api/docs/").await;
    assert_eq!(page.status, 200);
    for link in links(&page.text) {
        assert!(!link.contains("//"), "{link}");
        let file = format!("/api/docs/{}", link.trim_start_matches("./"));
        assert_eq!(get(&app, &file).await.status, 200, "{file}");
    }
}
