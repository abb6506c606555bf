//! A page whose policy refuses WebAssembly: the loader delivers by itself.

use e2e::holds;
use serde_json::json;

use crate::{kinds, on_stage};

#[test]
fn without_webassembly_the_loader_delivers_and_the_collector_decides() {
    on_stage(Some("default-src 'self'; script-src 'self'"), async |stage| {
        let browser = &stage.browser;
        browser.open(&stage.page("/demo/?utm_source=google&utm_medium=cpc&gclid=raw&utm_content=@ana")).await;
        browser.click("#call-link").await;
        browser.type_into("#callback-telefono", "600 000 000").await;
        browser.click("#callback-form [type=submit]").await;
        browser.arrives_at("/demo/gracias.html").await;
        holds("the lead is there", async || stage.leads().await.len() == 1).await;
        let lead = &stage.leads().await[0];
        assert_eq!(lead["origin"]["first"]["channel"], "paid_search");
        assert_eq!(lead["contact"]["phone"], "+34600000000");
        let beacons = stage.proxy.beacons();
        assert!(beacons.iter().any(|beacon| beacon["via"] == "fallback"));
        assert!(beacons.iter().all(|beacon| beacon["via"].is_null() || beacon["via"] == "fallback"));
        // The page said `click`; what it was is decided by the same code that the core would have run.
        assert!(stage.proxy.events().iter().any(|event| event["kind"] == "click"));
        let client = &stage.binary.client;
        let journey = client.lead_journey("demo", lead["id"].as_str().unwrap()).await;
        let expected = ["page_view", "call_click", "form_submit"];
        let told: Vec<_> = kinds(&journey).into_iter().filter(|kind| expected.contains(kind)).collect();
        assert_eq!(told[..3], expected);
        let call = journey.iter().find(|item| item["kind"] == "call_click").unwrap();
        assert_eq!(call["number"], "+34900111001");
        let install = client.get("/api/v1/sites/demo/install").await.expect(200);
        assert_eq!(install["core"]["wasm"], 0);
        assert!(install["problems"].to_string().contains("wasm-unsafe-eval"), "{install}");
        assert_eq!(stage.ledger().await["rejected"], json!({}));
    });
}
