//! Visitors who leave: soon, slowly, by a link, by a form, after much clicking.

use crate::harness::{Stage, Weather};
use serde_json::json;

use crate::page::{LANDING, NEXT, called, fence, guard, landing, none_twice, of, told};

pub(crate) async fn close_0(stage: &Stage) {
    closes(stage, 0).await;
}

pub(crate) async fn close_50(stage: &Stage) {
    closes(stage, 50).await;
}

pub(crate) async fn close_200(stage: &Stage) {
    closes(stage, 200).await;
}

pub(crate) async fn close_400(stage: &Stage) {
    closes(stage, 400).await;
}

pub(crate) async fn close_1000(stage: &Stage) {
    closes(stage, 1000).await;
}

pub(crate) async fn slow_3g(stage: &Stage) {
    stage.browser.open(&stage.page("/launch.html")).await;
    stage.proxy.weather(Weather::SLOW_3G);
    closes(stage, 1000).await;
}

async fn closes(stage: &Stage, after_ms: u32) {
    let url = landing(stage, &guard(stage).await, None);
    stage.tab_that_closes(&format!("{url}?utm_source=google&gclid=closed"), after_ms).await;
    // Whether the loader was there by then is the machine's and the network's business.
    let there = stage.browser.value("window.there").await == true;
    fence(stage).await;
    told(stage, "page_view", LANDING, 1).await;
    told(stage, "page_leave", LANDING, usize::from(there)).await;
    let views = of(stage, "page_view", LANDING);
    let url = views[0]["url"].as_str().unwrap();
    assert!(url.contains("utm_source=google") && url.contains("gclid=closed"), "{url}");
}

pub(crate) async fn early_call(stage: &Stage) {
    let url = landing(stage, &guard(stage).await, None);
    stage.proxy.hold_tag(true);
    stage.browser.open_early(&url).await;
    stage.browser.click("#call").await;
    assert!(stage.proxy.attempts().is_empty(), "{}", stage.told());
    stage.proxy.hold_tag(false);
    called(stage, 1).await;
    fence(stage).await;
    called(stage, 1).await;
    told(stage, "page_view", LANDING, 1).await;
}

pub(crate) async fn early_call_closed(stage: &Stage) {
    let url = landing(stage, &guard(stage).await, None);
    stage.proxy.hold_tag(true);
    stage.tab(&url).await;
    stage.browser.click("#call").await;
    stage.close_tab().await;
    called(stage, 1).await;
    told(stage, "page_view", LANDING, 1).await;
    stage.proxy.hold_tag(false);
    fence(stage).await;
    called(stage, 1).await;
    told(stage, "page_view", LANDING, 1).await;
}

pub(crate) async fn early_lead(stage: &Stage) {
    stage.consent_default("wait").await;
    let url = landing(stage, &guard(stage).await, None);
    stage.proxy.hold_tag(true);
    stage.browser.open_early(&format!("{url}?utm_source=google&gclid=secret")).await;
    stage.browser.click("#call").await;
    stage.browser.type_into("#phone", "600 000 000").await;
    stage.browser.click("#send").await;
    stage.until("the lead", async || stage.leads().await.len() == 1).await;
    stage.proxy.hold_tag(false);
    stage.browser.arrives_at(NEXT).await;
    stage.browser.becomes("!!(window.traza && traza.on)").await;
    let texts = stage.proxy.texts();
    assert_eq!(texts.len(), 1, "{texts:?}");
    for address in ["google", "secret", LANDING, "tel:"] {
        assert!(!texts[0].contains(address), "{address}: {}", texts[0]);
    }
    assert_eq!(stage.leads().await[0]["origin"]["first"]["reason"], "no_consent");
}

pub(crate) async fn by_link(stage: &Stage) {
    stage.browser.open(&landing(stage, "", None)).await;
    stage.browser.click("#next").await;
    stage.browser.arrives_at(NEXT).await;
    told(stage, "page_view", NEXT, 1).await;
    fence(stage).await;
    told(stage, "page_view", LANDING, 1).await;
    told(stage, "page_leave", LANDING, 1).await;
    let clicks = of(stage, "click", LANDING);
    assert_eq!(clicks.len(), 1, "{}", stage.told());
    assert_eq!((&clicks[0]["href"], &clicks[0]["text"]), (&json!(NEXT), &json!("Precios")));
    told(stage, "page_leave", NEXT, 1).await;
}

pub(crate) async fn by_form(stage: &Stage) {
    stage.browser.open(&landing(stage, "", None)).await;
    stage.browser.type_into("#phone", "600 000 000").await;
    assert_eq!(stage.browser.errors().await, json!([]));
    stage.browser.click("#send").await;
    stage.browser.arrives_at(NEXT).await;
    told(stage, "form_submit", LANDING, 1).await;
    fence(stage).await;
    told(stage, "page_leave", LANDING, 1).await;
    let submits = of(stage, "form_submit", LANDING);
    assert_eq!(submits[0]["lead"]["phone"], "600 000 000");
    stage.until("the lead", async || stage.leads().await.len() == 1).await;
    assert_eq!(stage.leads().await[0]["contact"]["phone"], "+34600000000");
}

pub(crate) async fn clicks_60(stage: &Stage) {
    stage.browser.open(&landing(stage, "", None)).await;
    told(stage, "page_view", LANDING, 1).await;
    let before = stage.proxy.attempts().len();
    stage.browser.click_times("#cta", 60).await;
    told(stage, "click", LANDING, 60).await;
    assert_eq!(stage.browser.errors().await, json!([]));
    none_twice(stage);
    fence(stage).await;
    told(stage, "click", LANDING, 60).await;
    let requests = stage.proxy.attempts().len() - before;
    assert!(requests <= 30, "{requests} requests; {}", stage.told());
}
