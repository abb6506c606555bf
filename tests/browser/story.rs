//! The story of the whole: an ad, a visit, a call, a number left, and what the API says of it.

use e2e::holds;
use serde_json::json;

use crate::{kinds, on_stage};

const NAME: &str = "Nombre Que Nadie Envía";
const EMAIL: &str = "nadie@example.com";
const PHONE: &str = "600 000 000";

#[test]
fn a_visit_becomes_a_lead_with_its_whole_journey_and_nothing_else_leaves_the_page() {
    on_stage(None, async |stage| {
        let browser = &stage.browser;
        // Arrive, by an ad.
        let ad = "/demo/?utm_source=google&utm_medium=cpc&utm_campaign=otono&gclid=test-click&utm_content=@ana&email=nadie@example.com";
        browser.open(&stage.page(ad)).await;
        holds("the page view is there", async || stage.ledger().await["stored"] == 1).await;
        // Read.
        browser.value("window.scrollTo(0, document.body.scrollHeight)").await;
        // Begin one form, and leave it.
        browser.type_into("#nombre", NAME).await;
        browser.type_into("#email", EMAIL).await;
        // Call.
        browser.click("#call-link").await;
        // Leave a number in the other form.
        browser.type_into("#callback-telefono", PHONE).await;
        browser.picture("landing").await;
        assert_eq!(browser.errors().await, json!([]));
        browser.click("#callback-form [type=submit]").await;
        browser.arrives_at("/demo/gracias.html").await;
        holds("the thank-you page is there", async || {
            stage.proxy.events().iter().filter(|event| event["kind"] == "page_view").count() == 2
        })
        .await;
        assert_eq!(browser.errors().await, json!([]));
        // Leave.
        browser.open("about:blank").await;

        let client = &stage.binary.client;
        let mut leads = Vec::new();
        holds("the lead is there", async || {
            leads = stage.leads().await;
            !leads.is_empty()
        })
        .await;
        assert_eq!(leads.len(), 1);
        let lead = &leads[0];
        assert_eq!((&lead["kind"], &lead["stage"]), (&json!("callback"), &json!("lead")));
        assert_eq!(lead["contact"]["phone"], "+34600000000");
        assert_eq!(lead["contact"]["phone_raw"], PHONE);
        assert_eq!(lead["flags"], json!([]));
        for which in ["first", "last", "last_non_direct"] {
            let touch = &lead["origin"][which];
            assert_eq!(touch["channel"], "paid_search", "{touch}");
            assert_eq!((&touch["source"], &touch["campaign"]), (&json!("google"), &json!("otono")));
            assert_eq!(touch["click_ids"]["gclid"], "test-click");
        }

        let id = lead["id"].as_str().unwrap();
        let expected = [
            "page_view",
            "form_start",
            "call_click",
            "form_start",
            "form_submit",
            "page_leave",
            "page_view",
            "form_success",
            "page_leave",
        ];
        let mut journey = Vec::new();
        holds("the journey is complete", async || {
            journey = client.lead_journey("demo", id).await;
            let told: Vec<_> = kinds(&journey).into_iter().filter(|kind| expected.contains(kind)).collect();
            told == expected
        })
        .await;
        let of = |kind: &str| journey.iter().find(|item| item["kind"] == kind).unwrap();
        assert_eq!(of("page_view")["touch"]["channel"], "paid_search");
        assert_eq!(of("call_click")["number"], "+34900111001");
        assert_eq!(
            (&of("form_submit")["lead"], &of("form_submit")["form"]),
            (&json!(id), &json!("callback"))
        );
        assert_eq!(of("form_submit")["evidence"], "submission");
        // In the moment of the page_leave.
        let left = of("form_abandon");
        assert_eq!(
            (&left["form"], &left["field"], &left["fields_filled"]),
            (&json!("contacto"), &json!("email"), &json!(2)),
            "{left}"
        );
        assert_eq!(of("form_success")["form"], "callback");
        let lead = client.get(&format!("/api/v1/sites/demo/leads/{id}")).await.expect(200);
        assert_eq!(lead["confirmed"], true, "{lead}");
        assert!(of("page_leave")["scroll_pct"].as_u64().unwrap() > 90, "{}", of("page_leave"));
        let times: Vec<_> = journey.iter().map(|item| item["at"].as_i64().unwrap()).collect();
        assert!(times.is_sorted());
        let visits: std::collections::BTreeSet<_> =
            journey.iter().map(|item| item["visit"].as_str()).collect();
        assert_eq!(visits.len(), 1, "one visit");

        // By the core where there was something to judge, in full mode, by one visitor, whom a cookie keeps.
        assert!(stage.proxy.beacons().iter().any(|beacon| beacon["via"] == "wasm"), "{}", stage.told());
        for beacon in stage.proxy.beacons() {
            assert!(beacon["via"].is_null() || beacon["via"] == "wasm", "{beacon}");
            assert_eq!(beacon["mode"], "full", "{beacon}");
            assert_eq!(beacon["visitor"], lead["visitors"][0]);
        }
        // What did not leave: nothing of the form that was not sent, no number but in the lead, no address.
        for text in stage.proxy.texts() {
            for secret in [NAME, EMAIL, "nadie"] {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
        }
        let with_phone: Vec<_> =
            stage.proxy.events().into_iter().filter(|event| event.to_string().contains(PHONE)).collect();
        assert_eq!(with_phone.len(), 1);
        assert_eq!(with_phone[0]["lead"], json!({"kind": "callback", "phone": PHONE}));

        let ledger = stage.ledger().await;
        assert_eq!((&ledger["rejected"], &ledger["withheld"]), (&json!({}), &json!({})));
        let install = client.get("/api/v1/sites/demo/install").await.expect(200);
        assert!(install["core"]["wasm"].as_u64().unwrap() >= 2, "{install}");
        assert_eq!(install["core"]["fallback"], 0);
    });
}

#[test]
fn links_lead_where_they_lead_and_each_click_is_told_once() {
    on_stage(None, async |stage| {
        let browser = &stage.browser;
        browser.open(&stage.page("/demo/")).await;
        browser.click("#brochure-link").await;
        browser.open(&stage.page("/demo/")).await;
        browser.click("#pricing-link").await;
        browser.arrives_at("/demo/precios.html").await;
        browser.open(&stage.page("/demo/")).await;
        browser.click("#whatsapp-link").await;
        browser.open(&stage.page("/demo/gracias.html")).await;
        // They leave the page raw; what they were, and that each was one, is in the journey.
        let mut journey = Vec::new();
        holds("all clicks are told", async || {
            let beacons = stage.proxy.beacons();
            let visitor = beacons.last().and_then(|beacon| beacon["visitor"].as_str()).unwrap_or("nobody");
            let path = format!("/api/v1/sites/demo/visitors/{visitor}/journey");
            let page = stage.binary.client.get(&path).await.expect(200);
            journey = page["items"].as_array().cloned().unwrap_or_default();
            ["download", "chat_click"].iter().all(|kind| kinds(&journey).contains(kind))
        })
        .await;
        let count = |kind: &str| journey.iter().filter(|item| item["kind"] == kind).count();
        assert_eq!((count("download"), count("chat_click")), (1, 1), "{journey:#?}");
        let chat = journey.iter().find(|item| item["kind"] == "chat_click").unwrap();
        assert_eq!((&chat["app"], &chat["to"]), (&json!("whatsapp"), &json!("34600000000")));
        let download = journey.iter().find(|item| item["kind"] == "download").unwrap();
        assert_eq!(download["asset"], "folleto.pdf");
        let ledger = stage.ledger().await;
        assert_eq!((&ledger["rejected"], &ledger["withheld"]), (&json!({}), &json!({})));
    });
}

#[test]
fn the_back_button_shows_a_page_again_and_that_is_a_page_view() {
    on_stage(None, async |stage| {
        let browser = &stage.browser;
        browser.open(&stage.page("/demo/")).await;
        browser.click("#pricing-link").await;
        browser.arrives_at("/demo/precios.html").await;
        browser.value("history.back()").await;
        browser.arrives_at("/demo/").await;
        holds("three page views", async || {
            stage.proxy.events().iter().filter(|event| event["kind"] == "page_view").count() == 3
        })
        .await;
        let events = stage.proxy.events();
        let views: Vec<_> = events.iter().filter(|event| event["kind"] == "page_view").collect();
        let pages: std::collections::BTreeSet<_> = views.iter().map(|view| view["page"].as_str()).collect();
        assert_eq!(pages.len(), 3, "each showing of a page has an id of its own");
        let visitors: std::collections::BTreeSet<_> =
            stage.proxy.beacons().iter().map(|beacon| beacon["visitor"].to_string()).collect();
        assert_eq!(visitors.len(), 1);
    });
}
