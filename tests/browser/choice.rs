//! The visitor's choice, in a real browser: what leaves, what is stored, what is not.

use e2e::holds;
use serde_json::{Value, json};

use crate::{Stage, on_stage};

/// What the page has in its storage.
async fn storage(stage: &Stage) -> Value {
    stage.browser.value("Object.keys(localStorage).concat(Object.keys(sessionStorage))").await
}

#[test]
fn a_site_that_waits_sends_and_stores_nothing_until_the_choice() {
    on_stage(None, async |stage| {
        stage.consent_default("wait").await;
        let browser = &stage.browser;
        browser.open(&stage.page("/demo/?utm_source=google&gclid=held")).await;
        browser.click("#call-link").await;
        // The loader and the core are there, and the click was seen: were anything to leave, it would have by the
        // time the page is left.
        browser.open(&stage.page("/demo/precios.html?utm_source=second")).await;
        assert_eq!(stage.proxy.texts(), Vec::<String>::new(), "nothing left");
        assert_eq!(storage(stage).await, json!([]));
        assert!(browser.cookies().await.is_empty());

        browser.value("traza('consent', 'full')").await;
        holds("what was held is sent", async || {
            stage.proxy.events().iter().any(|event| event["kind"] == "page_view")
        })
        .await;
        let beacons = stage.proxy.beacons();
        assert!(beacons.iter().all(|beacon| beacon["mode"] == "full" && beacon["choice"] == "explicit"));
        let views: Vec<_> =
            stage.proxy.events().into_iter().filter(|event| event["kind"] == "page_view").collect();
        assert_eq!(views.len(), 1, "the first page was left without a choice, and is gone");
        assert!(views[0]["url"].as_str().unwrap().contains("utm_source=second"), "the arrival as it was");
        holds("it is stored", async || stage.ledger().await["stored"].as_u64() >= Some(1)).await;
    });
}

/// Whether the panel is there and says all of it.
async fn panel_says(stage: &Stage, words: &[&str]) -> bool {
    let text = stage.browser.value("document.getElementById('traza-debug')?.shadowRoot.textContent").await;
    text.as_str().is_some_and(|text| words.iter().all(|word| text.contains(word)))
}

#[test]
fn the_panel_shows_what_was_recorded_and_what_became_of_it() {
    on_stage(None, async |stage| {
        stage.browser.open(&stage.page("/demo/?traza_debug=1&utm_source=google")).await;
        let view = ["Traza · full (default)", "page_view"];
        holds("the page view, and what holds", async || panel_says(stage, &view).await).await;
        assert!(!panel_says(stage, &["tel:"]).await);
        stage.browser.click("#call-link").await;
        holds("the call", async || panel_says(stage, &["click", "tel:"]).await).await;
    });
    on_stage(None, async |stage| {
        stage.consent_default("wait").await;
        stage.browser.open(&stage.page("/demo/")).await;
        stage.browser.becomes("!!(window.traza && traza.on)").await;
        assert!(!panel_says(stage, &[]).await, "nobody asked for it");
        stage.browser.value("traza('debug')").await;
        let held = ["Traza · wait (default)", "held", "page_view"];
        holds("what is held", async || panel_says(stage, &held).await).await;
    });
}

#[test]
fn off_removes_what_was_stored_and_a_lead_goes_alone() {
    on_stage(None, async |stage| {
        let browser = &stage.browser;
        browser.open(&stage.page("/demo/?gclid=gone")).await;
        holds("the page view is there", async || stage.ledger().await["stored"] == 1).await;
        holds("the visitor is known", async || browser.cookies().await.contains(&"tz_v".to_owned())).await;
        browser.value("traza('consent', 'off')").await;
        let before = stage.proxy.events().len();
        browser.click("#call-link").await;
        browser.type_into("#callback-telefono", "600 000 000").await;
        browser.click("#callback-form [type=submit]").await;
        browser.arrives_at("/demo/gracias.html").await;
        holds("the lead is there", async || stage.leads().await.len() == 1).await;
        let lead = &stage.leads().await[0];
        assert_eq!(lead["visitors"], json!([]));
        assert_eq!(lead["origin"]["first"]["reason"], "no_consent");
        assert_eq!(lead["contact"]["phone"], "+34600000000");
        let client = &stage.binary.client;
        let journey = client.lead_journey("demo", lead["id"].as_str().unwrap()).await;
        assert_eq!(crate::kinds(&journey), ["form_submit"]);
        // After the choice no call, no page view and no visitor left the page.
        for beacon in stage.proxy.beacons() {
            let late: Vec<_> = beacon["events"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|event| matches!(event["kind"].as_str(), Some("form_submit" | "call_click")))
                .collect();
            if !late.is_empty() {
                assert_eq!((beacon.get("visitor"), &beacon["mode"]), (None, &json!("off")), "{beacon}");
                assert!(late.iter().all(|event| event["kind"] == "form_submit"), "{beacon}");
            }
        }
        assert!(stage.proxy.events().len() > before);
        let stored = storage(stage).await;
        assert!(!stored.as_array().unwrap().contains(&json!("tz_v")), "{stored}");
        assert!(!browser.cookies().await.contains(&"tz_v".to_owned()), "the cookie is gone with it");
    });
}

#[test]
fn global_privacy_control_is_a_no_where_nobody_said_yes() {
    on_stage(None, async |stage| {
        let browser = &stage.browser;
        stage.before_every_page("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})");
        browser.open(&stage.page("/demo/?gclid=private")).await;
        browser.click("#call-link").await;
        browser.type_into("#callback-telefono", "600 000 000").await;
        browser.click("#callback-form [type=submit]").await;
        browser.arrives_at("/demo/gracias.html").await;
        holds("the lead is there", async || stage.leads().await.len() == 1).await;
        let events = stage.proxy.events();
        assert!(events.iter().all(|event| event["kind"] == "form_submit"), "{events:#?}");
        assert!(stage.proxy.texts().iter().all(|text| !text.contains("private")));
        assert!(stage.proxy.beacons().iter().all(|beacon| beacon.get("visitor").is_none()));
        assert_eq!(storage(stage).await, json!([]));
        assert!(browser.cookies().await.is_empty());
    });
}

#[test]
fn anonymous_page_views_have_no_visitor_and_leave_nothing_behind() {
    on_stage(None, async |stage| {
        stage.consent_default("anonymous").await;
        let browser = &stage.browser;
        browser.open(&stage.page("/demo/?utm_source=google&gclid=secret-value")).await;
        browser.click("#call-link").await;
        let sent = |kind: &str| stage.proxy.events().iter().any(|event| event["kind"] == kind);
        holds("page view and call are there", async || {
            sent("page_view") && sent("click") && stage.ledger().await["stored"].as_u64() >= Some(2)
        })
        .await;
        let beacons = stage.proxy.beacons();
        for (at, (beacon, text)) in beacons.iter().zip(stage.proxy.texts()).enumerate() {
            assert_eq!((beacon.get("visitor"), &beacon["mode"]), (None, &json!("anonymous")));
            assert!(beacon["context"].get("tz").is_none());
            // An arrival is told without it.
            let class = beacon["context"]["screen"].as_str();
            assert!(
                if at > 0 { matches!(class, Some("small" | "medium" | "large")) } else { class.is_none() },
                "{beacon}"
            );
            assert!(!text.contains("secret-value"));
        }
        let views: Vec<_> =
            stage.proxy.events().into_iter().filter(|event| event["kind"] == "page_view").collect();
        let url = views[0]["url"].as_str().unwrap();
        assert!(url.contains("utm_source=google") && url.contains("gclid"), "{url}");
        assert_eq!(storage(stage).await, json!([]));
        assert!(browser.cookies().await.is_empty());
    });
}
