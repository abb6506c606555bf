//! Pages that are shown again, or made before anybody asks.

use std::collections::BTreeSet;

use crate::harness::Stage;
use serde_json::json;

use crate::page::{LANDING, NEXT, fence, landing, of, plain, told};

pub(crate) async fn back(stage: &Stage) {
    stage.browser.open(&landing(stage, "", None)).await;
    told(stage, "page_view", LANDING, 1).await;
    stage.browser.click("#next").await;
    stage.browser.arrives_at(NEXT).await;
    told(stage, "page_view", NEXT, 1).await;
    stage.browser.value("history.back()").await;
    stage.browser.arrives_at(LANDING).await;
    stage.browser.becomes("window.__shown.length == 2 && window.__shown[1]").await;
    told(stage, "page_view", LANDING, 2).await;
    assert_eq!(stage.browser.errors().await, json!([]));
    fence(stage).await;
    told(stage, "page_view", LANDING, 2).await;
    told(stage, "page_leave", LANDING, 2).await;
    told(stage, "page_leave", NEXT, 1).await;
    let ids = |kind| {
        of(stage, kind, LANDING).iter().map(|event| event["page"].to_string()).collect::<BTreeSet<_>>()
    };
    assert_eq!(ids("page_view").len(), 2, "{}", stage.told());
    assert_eq!(ids("page_view"), ids("page_leave"));
}

/// The path of an application's first route; its others begin alike.
const APP: &str = "/p/app";

pub(crate) async fn routes(stage: &Stage) {
    let browser = &stage.browser;
    browser.open(&plain(stage, &format!("{APP}/inicio"), "Inicio")).await;
    told(stage, "page_view", "/app/inicio", 1).await;
    browser.value("(history.pushState({}, '', 'precios'), document.title = 'Precios', true)").await;
    told(stage, "page_view", "/app/precios", 1).await;
    told(stage, "page_leave", "/app/inicio", 1).await;
    assert!(of(stage, "page_leave", "/app/precios").is_empty(), "{}", stage.told());
    browser.value("(document.title = 'Inicio', history.back())").await;
    told(stage, "page_view", "/app/inicio", 2).await;
    fence(stage).await;
    for (kind, path, count) in [
        ("page_view", "/app/inicio", 2),
        ("page_view", "/app/precios", 1),
        ("page_leave", "/app/inicio", 2),
        ("page_leave", "/app/precios", 1),
    ] {
        told(stage, kind, path, count).await;
    }
    let view = &of(stage, "page_view", "/app/precios")[0];
    assert_eq!(view["title"], "Precios");
    assert!(view["referrer"].as_str().unwrap().ends_with("/app/inicio"), "{view}");
}

/// Opens a page that has the landing page prerendered, and waits until that page's scripts ran.
async fn prerender(stage: &Stage) {
    let mark = "<script>if (document.prerendering) fetch('/prerendered')</script>";
    landing(stage, mark, None);
    let rules = json!({"prerender": [{"urls": [LANDING], "eagerness": "immediate"}]});
    let html = format!(
        "<!doctype html><title>Antes</title>{{head}}<script type=\"speculationrules\">{rules}</script>\
         <a id=\"go\" href=\"{LANDING}\">Entrar</a>"
    );
    stage.proxy.page("/p/before.html", &html, None);
    stage.browser.open(&stage.page("/p/before.html")).await;
    stage.until("it is prerendered", async || stage.proxy.visited("/prerendered")).await;
    stage
        .until("its tag is there", async || {
            stage.proxy.requests().iter().any(|request| request.starts_with("GET /t/demo.js"))
        })
        .await;
}

pub(crate) async fn prerendered(stage: &Stage) {
    prerender(stage).await;
    fence(stage).await;
    assert!(of(stage, "page_view", LANDING).is_empty(), "{}", stage.told());
    assert!(stage.proxy.texts().iter().all(|text| !text.contains(LANDING)), "{}", stage.told());
}

pub(crate) async fn activated(stage: &Stage) {
    prerender(stage).await;
    stage.browser.click("#go").await;
    stage.browser.arrives_at(LANDING).await;
    told(stage, "page_view", LANDING, 1).await;
    stage.browser.becomes("performance.getEntriesByType('navigation')[0].activationStart > 0").await;
    fence(stage).await;
    told(stage, "page_view", LANDING, 1).await;
    told(stage, "page_leave", LANDING, 1).await;
}
