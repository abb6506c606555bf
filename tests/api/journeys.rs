//! `GET visitors/{visitor}/journey` and `GET leads/{id}/journey`: one ordered timeline.

use e2e::{
    NOW, TestApp,
    beacon::{callback, event, full, page_view},
};
use serde_json::{Value, json};

const MINUTE: i64 = 60_000;
const URL: &str = "https://www.example.com/";

fn column<'a>(items: &'a [Value], field: &str) -> Vec<&'a str> {
    items.iter().map(|item| item[field].as_str().unwrap_or("-")).collect()
}

#[tokio::test]
async fn an_unknown_visitor_has_an_empty_journey() {
    let app = TestApp::spawn().await;
    let body = app.client.get("/api/v1/sites/acme/visitors/nobody/journey").await.expect(200);
    assert_eq!(body, json!({"visitor": "nobody", "person": "nobody", "items": [], "next": null}));
}

#[tokio::test]
async fn what_is_no_visitors_id_is_refused() {
    let app = TestApp::spawn().await;
    for id in ["a%20b", "a.b", "%00", "%C3%B1", &"x".repeat(65)] {
        let answer = app.client.get(&format!("/api/v1/sites/acme/visitors/{id}/journey")).await;
        answer.problem_at(400, "invalid", "visitor");
    }
}

#[tokio::test]
async fn a_visit_ends_after_half_an_hour_or_with_another_campaign_and_not_at_midnight() {
    let app = TestApp::spawn().await;
    let midnight = NOW - 80 * MINUTE; // 00:00 in UTC
    let ads = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=otono";
    let views = [
        ("a", midnight - 10 * MINUTE, URL),
        ("b", midnight + 20 * MINUTE, URL),
        ("c", midnight + 50 * MINUTE + 1, URL),
        ("d", midnight + 51 * MINUTE, ads),
        ("e", midnight + 52 * MINUTE, URL),
    ];
    for (page, at, url) in views {
        app.client.store("acme", &full("v", [page_view(page, at, url)])).await;
    }
    let items = app.client.journey("acme", "v").await;
    assert_eq!(column(&items, "visit"), ["a", "a", "c", "d", "d"]);
    assert_eq!(column(&items, "evidence"), ["same_visitor"; 5]);
    let touched: Vec<bool> = items.iter().map(|item| item.get("touch").is_some()).collect();
    assert_eq!(touched, [true, false, true, true, false], "arrivals have a touch, other page views none");
}

#[tokio::test]
async fn a_leads_journey_is_the_whole_story_before_and_after() {
    let app = TestApp::spawn().await;
    let story = full(
        "v",
        [
            page_view("a", NOW, URL),
            event("a", 1, NOW + 1_000, "call_click", json!({"number": "+34900111001", "cta": "cabecera"})),
            callback("a", 2, NOW + 2_000, "600 000 000"),
            event(
                "a",
                3,
                NOW + 3_000,
                "page_leave",
                json!({"engaged_ms": 2900, "scroll_pct": 80, "title": "Oferta para plantado@example.com"}),
            ),
        ],
    );
    app.client.store("acme", &story).await;
    let lead = app.client.leads("acme").await[0]["id"].as_str().unwrap().to_owned();
    let stage = json!({"stage": "mql", "by": "crm", "at": NOW + 2_500});
    app.client.post_json(&format!("/api/v1/sites/acme/leads/{lead}/stage"), &stage).await.expect(201);

    let items = app.client.lead_journey("acme", &lead).await;
    assert_eq!(column(&items, "kind"), ["page_view", "call_click", "form_submit", "stage", "page_leave"]);
    assert_eq!(
        column(&items, "evidence"),
        ["same_visitor", "same_visitor", "submission", "record", "same_visitor"]
    );
    assert_eq!((&items[1]["number"], &items[1]["cta"]), (&json!("+34900111001"), &json!("cabecera")));
    assert_eq!((&items[2]["lead"], &items[2]["lead_kind"]), (&json!(lead), &json!("callback")));
    assert_eq!((&items[4]["engaged_ms"], &items[4]["scroll_pct"]), (&json!(2900), &json!(80)));
    assert_eq!(items[4]["title"], "Oferta para …", "the name that it settled on, redacted as any title is");
    assert!(!json!(items).to_string().contains("600"), "a journey's events hold no contact");

    let browser = app.client.journey("acme", "v").await;
    assert_eq!(column(&browser, "kind"), ["page_view", "call_click", "form_submit", "page_leave"]);
}

#[tokio::test]
async fn a_journey_is_read_page_by_page_and_late_news_do_not_upset_the_cursor() {
    let app = TestApp::spawn().await;
    let events = (0..10).map(|n| event("p", n, NOW + i64::from(n / 4), "cta_view", json!({"cta": "hero"})));
    app.client.store("acme", &full("v", events)).await;
    app.client.settled().await;
    let path = "/api/v1/sites/acme/visitors/v/journey?limit=4";
    let first = app.client.get(path).await.expect(200);
    assert_eq!(column(first["items"].as_array().unwrap(), "event"), ["p-0", "p-1", "p-2", "p-3"]);

    let late = event("a", 0, NOW - 5, "cta_view", json!({"cta": "hero"}));
    app.client.store("acme", &full("v", [late])).await;
    app.client.settled().await;
    let cursor = first["next"].as_str().unwrap();
    let second = app.client.get(&format!("{path}&cursor={cursor}")).await.expect(200);
    assert_eq!(column(second["items"].as_array().unwrap(), "event"), ["p-4", "p-5", "p-6", "p-7"]);
    let cursor = second["next"].as_str().unwrap();
    let third = app.client.get(&format!("{path}&cursor={cursor}")).await.expect(200);
    assert_eq!(column(third["items"].as_array().unwrap(), "event"), ["p-8", "p-9"]);
    assert_eq!(third["next"], json!(null));
}

#[tokio::test]
async fn nothing_crosses_sites() {
    let app = TestApp::spawn().await;
    app.client.put_site("otra", &json!({"consent_default": "full"})).await;
    for site in ["acme", "otra"] {
        app.client
            .store(site, &full("v", [page_view(site, NOW, URL), callback(site, 1, NOW, "600 000 000")]))
            .await;
    }
    for site in ["acme", "otra"] {
        let items = app.client.journey(site, "v").await;
        assert_eq!(column(&items, "page"), [site, site]);
        let leads = app.client.leads(site).await;
        assert_eq!(leads.len(), 1);
    }
    assert_ne!(app.client.leads("acme").await[0]["id"], app.client.leads("otra").await[0]["id"]);
}
