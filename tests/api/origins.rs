//! Where a lead came from, and how late news change it.

use e2e::{
    NOW, TestApp,
    beacon::{callback, event, full, page_view},
};
use serde_json::{Value, json};

const HOUR: i64 = 3_600_000;
const ADS: &str = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=otono&gclid=abc";
const NEWS: &str = "https://www.example.com/?utm_source=boletin&utm_medium=email&utm_campaign=octubre";
const PLAIN: &str = "https://www.example.com/";

async fn origin(app: &TestApp) -> Value {
    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 1);
    leads[0]["origin"].clone()
}

fn campaigns(origin: &Value) -> [Value; 3] {
    ["first", "last", "last_non_direct"].map(|which| origin[which]["campaign"].clone())
}

#[tokio::test]
async fn first_last_and_last_non_direct_are_told_apart() {
    let app = TestApp::spawn().await;
    for (page, at, url) in [("a", NOW - 9 * HOUR, NEWS), ("b", NOW - 6 * HOUR, ADS), ("c", NOW - HOUR, PLAIN)]
    {
        app.client.store("acme", &full("v", [page_view(page, at, url)])).await;
    }
    app.client.store("acme", &full("v", [callback("c", 1, NOW - HOUR + 9, "600 000 000")])).await;
    let origin = origin(&app).await;
    assert_eq!(campaigns(&origin), [json!("octubre"), json!(null), json!("otono")]);
    assert_eq!(origin["last"]["channel"], "direct");
    assert_eq!(origin["last_non_direct"]["click_ids"], json!({"gclid": "abc"}));
}

#[tokio::test]
async fn what_came_after_the_lead_does_not_change_where_it_came_from() {
    let app = TestApp::spawn().await;
    let beacon =
        full("v", [page_view("a", NOW - HOUR, NEWS), callback("a", 1, NOW - HOUR + 9, "600 000 000")]);
    app.client.store("acme", &beacon).await;
    app.client.store("acme", &full("v", [page_view("b", NOW, ADS)])).await;
    assert_eq!(campaigns(&origin(&app).await), [json!("octubre"), json!("octubre"), json!("octubre")]);
}

#[tokio::test]
async fn a_late_event_changes_a_leads_origin() {
    let app = TestApp::spawn().await;
    app.client.store("acme", &full("v", [callback("b", 1, NOW, "600 000 000")])).await;
    let before = origin(&app).await;
    assert_eq!(before["last"]["channel"], "unknown", "{before}");
    assert_eq!(before["last"]["reason"], "no_page_view");

    // The page view of the same page, held back by a bad connection; then an older visit of all.
    app.client.store("acme", &full("v", [page_view("b", NOW - 500, ADS)])).await;
    assert_eq!(campaigns(&origin(&app).await), [json!("otono"), json!("otono"), json!("otono")]);
    app.client.store("acme", &full("v", [page_view("a", NOW - 9 * HOUR, NEWS)])).await;
    assert_eq!(campaigns(&origin(&app).await), [json!("octubre"), json!("otono"), json!("otono")]);
}

#[tokio::test]
async fn a_pages_own_host_is_no_source_once_the_site_lists_it() {
    let app = TestApp::spawn().await;
    let referred =
        event("a", 0, NOW, "page_view", json!({"url": PLAIN, "referrer": "https://tienda.example.org/"}));
    let beacon = full("v", [referred, callback("a", 1, NOW + 1, "600 000 000")]);
    app.client.store("acme", &beacon).await;
    assert_eq!(origin(&app).await["last"]["channel"], "referral");

    let domains = json!(["example.com", "127.0.0.1", "tienda.example.org"]);
    app.client.put_site("acme", &json!({"domains": domains, "consent_default": "full"})).await;
    e2e::holds("origins are derived again", async || origin(&app).await["last"]["channel"] == "direct").await;
}

#[tokio::test]
async fn an_unknown_origin_is_never_blank_but_says_why() {
    let app = TestApp::spawn().await;
    let tagged = [
        ("https://www.example.com/?utm_medium=cpc", "source_missing"),
        ("https://www.example.com/?gclid=abc", "click_id_only"),
        (
            "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=%7B%7Bcampaign.name%7D%7D",
            "placeholder",
        ),
    ];
    for (n, (url, reason)) in tagged.into_iter().enumerate() {
        let visitor = format!("v{n}");
        app.client.store("acme", &full(&visitor, [page_view(&format!("p{n}"), NOW, url)])).await;
        let touch = app.client.journey("acme", &visitor).await[0]["touch"].clone();
        assert_eq!(touch["reason"], reason, "{url}: {touch}");
    }
}
