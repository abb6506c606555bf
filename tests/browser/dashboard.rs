//! The dashboard over the real API.

use e2e::{ADMIN, beacon, holds};
use serde_json::json;

use crate::on_stage;

#[test]
fn a_lead_is_seen_read_and_moved_to_a_stage() {
    on_stage(None, async |stage| {
        let now = collector::clock::Clock::now(&collector::clock::System);
        let page = beacon::new_id();
        let events = [
            beacon::page_view(
                &page,
                now - 9000,
                "http://127.0.0.1/demo/?utm_source=google&utm_medium=cpc&gclid=x",
            ),
            beacon::callback(&page, 1, now - 1000, "600 000 000"),
        ];
        stage.binary.client.store("demo", &beacon::full(&beacon::new_id(), events)).await;
        holds("the lead is there", async || stage.leads().await.len() == 1).await;

        let browser = &stage.browser;
        browser.open(&stage.page("/")).await;
        browser.type_into("input[name=site]", "demo").await;
        browser.type_into("input[name=token]", "tz_wrong").await;
        browser.click("form [type=submit]").await;
        browser.shows("has not expired").await;
        browser.picture("dashboard-refused").await;
        browser.value("document.querySelector('input[name=token]').value = ''").await;
        browser.type_into("input[name=token]", ADMIN).await;
        browser.click("form [type=submit]").await;
        let lead = stage.leads().await[0]["id"].as_str().unwrap().to_owned();
        browser.find(&format!("a[href*='{lead}']")).await;
        browser.picture("dashboard-leads").await;
        browser.click(&format!("a[href*='{lead}']")).await;
        // The list of leads has a select of its own, and this one is filled when the lead has come.
        browser.find(".stage-form option[value=mql]").await;
        browser.picture("dashboard-lead").await;
        browser.value("(() => { const s = document.querySelector('.stage-form select'); s.value = 'mql'; s.dispatchEvent(new Event('change', {bubbles: true})); })()").await;
        browser.click(".stage-form [type=submit]").await;
        holds("the stage is moved", async || stage.leads().await[0]["stage"] == "mql").await;
        browser.click("nav a[href^='#/counters']").await;
        browser.find(".counters tbody [data-channel=paid_search]").await;
        browser.picture("dashboard-counters").await;
        let total = "document.querySelector('.counters tfoot').textContent";
        assert!(
            browser.value(total).await.as_str().is_some_and(|text| text.contains('1')),
            "a visitor, a lead"
        );
        browser.value("(() => { const s = document.querySelector('select[name=by]'); s.value = 'source'; s.dispatchEvent(new Event('change', {bubbles: true})); })()").await;
        browser.shows("google").await;
        browser.picture("dashboard-counters-by-source").await;
        assert_eq!(browser.errors().await, json!([]));
    });
}
