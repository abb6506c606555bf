//! The dashboard over the real API.

use e2e::{ADMIN, beacon, holds};
use serde_json::json;

use crate::{Stage, harness::Browser, on_stage};

/// Signs somebody in as an admin of the demo site, and waits for the list of leads.
pub(crate) async fn sign_in(stage: &Stage, browser: &Browser) {
    browser.open(&stage.page("/")).await;
    browser.type_into("input[name=site]", "demo").await;
    browser.type_into("input[name=token]", ADMIN).await;
    browser.type_into("input[name=name]", "Eva").await;
    browser.click("form [type=submit]").await;
    browser.find(".leads tbody tr").await;
}

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

#[test]
fn a_lead_is_reached_and_sold_to_by_a_click() {
    on_stage(None, async |stage| {
        let now = collector::clock::Clock::now(&collector::clock::System);
        let page = beacon::new_id();
        let events = [
            beacon::page_view(&page, now - 9000, "http://127.0.0.1/demo/"),
            beacon::callback(&page, 1, now - 1000, "600 000 000"),
        ];
        let client = &stage.binary.client;
        client.store("demo", &beacon::full(&beacon::new_id(), events)).await;
        holds("the lead is there", async || stage.leads().await.len() == 1).await;
        let id = stage.leads().await[0]["id"].as_str().unwrap().to_owned();
        let lead = async || client.get(&format!("/api/v1/sites/demo/leads/{id}")).await.expect(200);

        let browser = &stage.browser;
        sign_in(stage, browser).await;
        browser.click(&format!(".leads a[href*='{id}']")).await;
        let buttons = ".actions > .row button";
        browser.click(&format!("{buttons}:nth-child(2)")).await;
        holds("the attempt is there", async || lead().await["attempts"]["count"] == 1).await;
        assert_eq!(lead().await["attempts"]["first_contact_at"], json!(null), "nobody answered");
        browser.shows("Recorded: no answer.").await;
        browser.click(&format!("{buttons}:nth-child(1)")).await;
        holds("they were reached", async || lead().await["attempts"]["first_contact_at"].is_i64()).await;
        assert_eq!((&lead().await["attempts"]["count"], &lead().await["stage"]), (&json!(2), &json!("lead")));

        // The page hears of it a little later than the test does, and until then takes no other word.
        browser.becomes(&format!("!document.querySelector('{buttons}:nth-child(3)').disabled")).await;
        browser.click(&format!("{buttons}:nth-child(3)")).await;
        browser.type_into("#amount", "12,3456").await;
        browser.shows("That is no amount in this currency.").await;
        browser.click(".sale-form [type=submit]").await;
        browser.value("document.querySelector('#amount').value = ''").await;
        browser.type_into("#amount", "1.234,5").await;
        browser.shows("€1,234.50 will be recorded.").await;
        browser.picture("dashboard-sale").await;
        browser.click(".sale-form [type=submit]").await;
        holds("the sale is there", async || lead().await["sales"]["amounts"] == json!({"EUR": 123_450}))
            .await;
        let sold = lead().await;
        assert_eq!((&sold["sales"]["count"], &sold["stage"]), (&json!(1), &json!("customer")));
        browser.shows("Sale of €1,234.50").await;
        browser.picture("dashboard-sold").await;

        let journey = client.lead_journey("demo", &id).await;
        let records: Vec<_> =
            journey.iter().filter(|item| item["evidence"] == "record" && item["kind"] != "stage").collect();
        let kinds: Vec<_> = records.iter().map(|item| item["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["attempt", "attempt", "sale"], "{journey:#?}");
        assert_eq!(
            (&records[0]["outcome"], &records[1]["outcome"]),
            (&json!("no_answer"), &json!("contacted"))
        );
        assert_eq!(records[1]["agent"], "Eva");
        assert_eq!(browser.errors().await, json!([]));
    });
}
