//! What visitors and pages allow: signals, storage, policies, listeners.

use crate::harness::Stage;
use serde_json::json;

use crate::page::{LANDING, NEXT, called, fence, landing, told};

pub(crate) async fn privacy_control(stage: &Stage) {
    stage.browser.open(&format!("{}?utm_source=google&gclid=private-click", landing(stage, "", None))).await;
    assert_eq!(stage.browser.value("navigator.globalPrivacyControl").await, true);
    stage.browser.click("#call").await;
    stage.browser.click("#cta").await;
    stage.browser.type_into("#phone", "600 000 000").await;
    stage.browser.click("#send").await;
    stage.browser.arrives_at(NEXT).await;
    stage.until("the lead", async || stage.leads().await.len() == 1).await;
    let url = crate::page::plain(stage, "/p/last.html", "Fin");
    stage.browser.open(&url).await;
    assert_eq!(stage.leads().await[0]["origin"]["first"]["reason"], "no_consent");
    let events = stage.proxy.events();
    assert!(events.iter().all(|event| event["kind"] == "form_submit"), "{}", stage.told());
    assert!(stage.proxy.beacons().iter().all(|beacon| beacon.get("visitor").is_none()), "{}", stage.told());
    assert!(
        stage.proxy.requests().iter().all(|request| !request.contains("private-click")),
        "{}",
        stage.told()
    );
    let stored = "Object.keys(localStorage).concat(Object.keys(sessionStorage))";
    assert_eq!(stage.browser.value(stored).await, json!([]));
    assert_eq!(stage.browser.cookies().await, Vec::<String>::new());
}

pub(crate) async fn no_storage(stage: &Stage) {
    stage.browser.open(&landing(stage, "", None)).await;
    let refused = "(() => { try { return !localStorage.length && false; } catch { return true; } })()";
    assert_eq!(stage.browser.value(refused).await, true);
    stage.browser.click("#call").await;
    called(stage, 1).await;
    assert_eq!(stage.browser.errors().await, json!([]));
    fence(stage).await;
    told(stage, "page_view", LANDING, 1).await;
    told(stage, "page_leave", LANDING, 1).await;
    called(stage, 1).await;
}

async fn under(stage: &Stage, wasm: &str, via: &str) {
    let host = stage.proxy.collector.base();
    let policy = format!("default-src 'self'; script-src 'self' {wasm} {host}; connect-src 'self' {host}");
    // An address that has to be judged: what is plain goes without the core.
    stage.browser.open(&format!("{}?who=@ana", landing(stage, "", Some(&policy)))).await;
    stage.browser.click("#call").await;
    called(stage, 1).await;
    told(stage, "page_view", LANDING, 1).await;
    let beacons = stage.proxy.beacons();
    assert!(beacons.iter().all(|beacon| beacon["via"] == via), "{}", stage.told());
    fence(stage).await;
    told(stage, "page_view", LANDING, 1).await;
    called(stage, 1).await;
    // Whoever sent it, it is stored as a call.
    let visitor = beacons[0]["visitor"].as_str().unwrap();
    let journey = stage.binary.client.journey("demo", visitor).await;
    let stored =
        journey.iter().filter(|item| item["kind"] == "call_click" && item["number"] == "+34900111001");
    assert_eq!(stored.count(), 1, "{journey:#?}");
}

pub(crate) async fn with_wasm(stage: &Stage) {
    under(stage, "'wasm-unsafe-eval'", "wasm").await;
}

pub(crate) async fn without_wasm(stage: &Stage) {
    under(stage, "", "fallback").await;
}

pub(crate) async fn stopped(stage: &Stage) {
    let head = "<script>addEventListener('DOMContentLoaded', () => {
        const stop = (e) => e.stopImmediatePropagation();
        for (const at of [document, document.documentElement, document.body, document.querySelector('#call')])
          for (const kind of ['pointerdown', 'mousedown', 'click']) at.addEventListener(kind, stop, true);
      });</script>";
    stage.browser.open(&landing(stage, head, None)).await;
    told(stage, "page_view", LANDING, 1).await;
    stage.browser.click("#call").await;
    called(stage, 1).await;
    fence(stage).await;
    called(stage, 1).await;
}
