//! From a visitor to whoever calls them: leads handed over, calls, chats, and the clock that runs until somebody calls.

use std::time::{Duration, Instant};

use collector::clock::{Clock as _, System};
use e2e::{Receiver, TestApp, holds, receiver::Message};
use serde_json::{Value, json};

use crate::{
    Stage,
    harness::{Browser, Engine, Proxy, Wish, numbers},
    kinds, on_stage,
};

const SOCIAL: &str = "/demo/?utm_source=meta&utm_medium=paid_social&utm_campaign=verano";
const AD: &str = "/demo/?utm_source=google&utm_medium=cpc&utm_campaign=otono&gclid=test-click";
const ENTER: &str = "\u{e007}";
/// What the landing page has printed, and what is shown in its place.
const PRINTED: &str = "+34900111001";
const POOL: &str = "+34911222333";

/// The contact centre: a system that is told, and somebody who looks at the queue.
struct Centre {
    receiver: Receiver,
    secret: String,
    agent: Browser,
}

impl Centre {
    /// Sets the webhook up, and signs an agent in.
    async fn open(stage: &Stage) -> Self {
        let client = &stage.binary.client;
        client.put_site("demo", &config()).await;
        let receiver = Receiver::start().await;
        let types = ["lead.created", "attempt.recorded", "sale.recorded", "call.received"];
        let items = json!({"items": [{"id": "centro", "url": receiver.url("/leads"), "types": types}]});
        let put = client.put("/api/v1/sites/demo/webhooks", &items).await.expect(200);
        let secret = put["items"][0]["secret"].as_str().unwrap().to_owned();
        let asked = json!({"role": "agent", "site": "demo"});
        let token = client.post_json("/api/v1/tokens", &asked).await.expect(201);
        let agent = Browser::start(Engine::Chromium, Wish::default()).await;
        agent.open(&stage.page("/")).await;
        agent.type_into("input[name=site]", "demo").await;
        agent.type_into("input[name=token]", token["token"].as_str().unwrap()).await;
        agent.type_into("input[name=name]", "Eva").await;
        agent.click("form [type=submit]").await;
        agent.shows("Nobody waits for a call").await;
        Self { receiver, secret, agent }
    }

    /// What was told of this kind, once it was, by whom it says it is, and once.
    async fn told(&self, kind: &str) -> Message {
        let message = self.receiver.find(kind, |message| message.json()["type"] == kind).await;
        assert!(message.is_signed_by(&self.secret), "{message:?}");
        let same = |other: &&Message| other.id() == message.id();
        assert_eq!(self.receiver.got().iter().filter(same).count(), 1, "told once");
        message
    }

    async fn close(self) {
        assert_eq!(self.agent.errors().await, json!([]));
        self.agent.quit().await;
    }
}

/// A site's settings: people are called at any hour, for tests run at night, too.
fn config() -> Value {
    json!({
        "domains": ["127.0.0.1"], "consent_default": "full", "call_window": "always",
    })
}

async fn get(stage: &Stage, path: &str) -> Value {
    stage.binary.client.get(&format!("/api/v1/sites/demo/{path}")).await.expect(200)
}

/// Somebody comes by an ad and asks to be called.
async fn ask_for_a_call(stage: &Stage) {
    stage.browser.open(&stage.page(AD)).await;
    stage.browser.type_into("#callback-telefono", "600 000 002").await;
    stage.browser.type_into("#callback-form [type=submit]", ENTER).await;
}

async fn post(stage: &Stage, path: &str, body: &Value) -> Value {
    let answer = stage.binary.client.post_json(&format!("/api/v1/sites/demo/{path}"), body).await;
    assert!(matches!(answer.status, 200 | 201), "{path}: {answer:?}");
    answer.json()
}

/// Waits until a lead's journey tells these kinds in this order, whatever else it tells.
async fn journey_tells(stage: &Stage, lead: &str, expected: &[&str]) {
    holds(&format!("the journey tells {expected:?}"), async || {
        let items = stage.binary.client.lead_journey("demo", lead).await;
        let mut told = kinds(&items).into_iter();
        expected.iter().all(|kind| told.any(|one| one == *kind))
    })
    .await;
}

#[test]
fn a_form_is_at_the_contact_centre_within_a_second_and_in_the_queue_with_its_clock() {
    on_stage(None, async |stage| {
        let centre = Centre::open(stage).await;
        let browser = &stage.browser;
        browser.open(&stage.page(AD)).await;
        browser.type_into("#nombre", "Ana Ejemplo").await;
        browser.type_into("#email", "ana@example.com").await;
        browser.type_into("#telefono", "600 000 001").await;
        browser.type_into("#privacidad", " ").await;
        let sent = Instant::now();
        browser.type_into("#contact-form [type=submit]", ENTER).await;
        let message = centre.told("lead.created").await;
        let took = message.came.saturating_duration_since(sent);
        assert!(took < Duration::from_secs(5), "from the key to the contact centre it took {took:?}");
        let data = &message.json()["data"];
        assert_eq!((&data["kind"], &data["contact"]["phone"]), (&json!("form"), &json!("+34600000001")));
        assert_eq!(data["origin"]["last"]["campaign"], "otono");
        assert_eq!(data["sla"]["target_s"], 60);
        let pages = data["match_hints"]["pages"].as_array().unwrap();
        assert!(pages.iter().any(|page| page.as_str().is_some_and(|page| page.contains("/demo/"))), "{data}");
        let lead = data["id"].as_str().unwrap();
        // By the server's own times, from what was durable to the first attempt.
        let deliveries = get(stage, &format!("deliveries?lead={lead}")).await;
        let delivery = &deliveries["items"][0];
        let waited = delivery["tries"][0]["at"].as_i64().unwrap() - delivery["created_at"].as_i64().unwrap();
        assert!(waited <= 1_000, "{waited} ms: {delivery}");

        let agent = &centre.agent;
        agent.shows("Ana Ejemplo").await;
        agent
            .becomes("/^\\d+ s (left|late)$/.test(document.querySelector('.call .clock').textContent)")
            .await;
        let first = agent.value("document.querySelector('.call .clock').textContent").await;
        agent.becomes(&format!("document.querySelector('.call .clock').textContent != {first}")).await;
        assert_eq!(
            agent.value("[...document.querySelectorAll('.top nav a')].map((one) => one.textContent)").await,
            json!(["Call"]),
            "an agent lists no leads"
        );
        agent.picture("contact-queue").await;
        centre.close().await;
    });
}

#[test]
fn who_asks_for_a_call_is_called_within_the_minute() {
    on_stage(None, async |stage| {
        let centre = Centre::open(stage).await;
        ask_for_a_call(stage).await;
        let lead = centre.told("lead.created").await.json()["data"]["id"].as_str().unwrap().to_owned();
        let agent = &centre.agent;
        agent.shows("+34 600 000 002").await;
        agent.picture("contact-callback").await;
        agent.click(&format!(".call a[href*='{lead}']")).await;
        agent.shows("Delivered").await;
        agent.picture("contact-callback-lead").await;
        agent.click(".actions > .row button:nth-child(1)").await;
        agent.shows("Recorded: contacted.").await;
        agent.shows("Tried within").await;

        let attempt = centre.told("attempt.recorded").await.json();
        assert_eq!(attempt["data"]["record"]["outcome"], "contacted");
        let told = get(stage, &format!("leads/{lead}")).await;
        assert_eq!(told["sla"]["state"], "met", "{told}");
        assert!(told["sla"]["first_contact_s"].as_i64().is_some_and(|took| took < 60), "{told}");
        agent.value("location.hash = '#/queue'").await;
        agent.shows("Nobody waits for a call").await;
        journey_tells(stage, &lead, &["page_view", "form_submit", "attempt"]).await;
        centre.close().await;
    });
}

#[test]
fn who_writes_by_whatsapp_and_buys_by_telephone_is_one_story() {
    on_stage(None, async |stage| {
        let centre = Centre::open(stage).await;
        let browser = &stage.browser;
        stage.before_every_page(numbers::FOLLOWED);
        browser.open(&stage.page(SOCIAL)).await;
        browser.becomes("!!(window.traza && traza.on)").await;
        browser.click("#whatsapp-link").await;
        let text = "new URL(followed).searchParams.get('text')";
        let text = browser.value(text).await.as_str().unwrap().to_owned();
        assert!(text.contains("(ref: "), "{text}");
        // What the provider says of what the visitor sends in the application.
        let written = json!({
            "app": "whatsapp", "from": "34600000003", "name": "Luis Ejemplo", "text": text, "at": System.now(),
            "external_id": "wamid.1",
        });
        let mut answer = Value::Null;
        holds("the message finds its visitor", async || {
            answer = post(stage, "messages", &written).await;
            answer["visitor"].is_string()
        })
        .await;
        let lead = answer["lead"].as_str().unwrap().to_owned();
        let created = centre.told("lead.created").await.json();
        assert_eq!((&created["data"]["id"], &created["data"]["kind"]), (&json!(lead), &json!("whatsapp")));
        holds("the lead is known to come from the campaign", async || {
            get(stage, &format!("leads/{lead}")).await["origin"]["last"]["campaign"] == "verano"
        })
        .await;

        // They call, and buy.
        let call = json!({
            "to": PRINTED, "from": "+34600000003", "at": System.now(), "external_id": "CA1", "status": "completed",
            "answered": true, "duration_s": 180,
        });
        let call = post(stage, "calls", &call).await;
        assert_eq!(call["lead"], json!(lead), "one lead for one matter: {call}");
        let sale = json!({"match": {"phone": "600 000 003"}, "amount": 129_900, "currency": "EUR", "at": System.now(), "external_id": "V1"});
        post(stage, "sales", &sale).await;
        assert_eq!(centre.told("sale.recorded").await.json()["data"]["record"]["amount"], 129_900);
        journey_tells(stage, &lead, &["page_view", "chat_click", "message", "call", "sale"]).await;
        stage.binary.client.settled().await;
        let report = get(stage, "reports/campaigns?group_by=campaign").await;
        let mut rows = report["rows"].as_array().unwrap().iter();
        let row = rows.find(|row| row["key"]["campaign"] == "verano").unwrap();
        assert_eq!(row["values"]["revenue"], 129_900, "the campaign that began it");

        crate::dashboard::sign_in(stage, browser).await;
        browser.click(&format!(".leads a[href*='{lead}']")).await;
        browser.shows("Luis Ejemplo").await;
        browser.find(".item[data-tone=good]").await;
        browser.picture("contact-whatsapp").await;
        centre.close().await;
    });
}

#[test]
fn a_call_to_a_number_that_two_were_shown_says_that_it_does_not_know() {
    actix_web::rt::System::new().block_on(async {
        // A minute lies between the two: a collector with a clock that can be turned.
        let app = TestApp::spawn().await;
        app.client.put_site("acme", &config()).await;
        let items = json!([{"number": PRINTED, "kind": "printed"}, {"number": POOL, "kind": "pool", "pool": "web"}]);
        app.client.put("/api/v1/sites/acme/numbers", &json!({"items": items})).await.expect(200);
        let proxy = Proxy::start(app.client.base(), None).await;
        proxy.person();
        let html = format!(
            "<!doctype html><html lang=\"es\"><head><meta charset=\"utf-8\"><title>Contacto</title>\
             <script async src=\"{}/t/acme.js\"></script></head><body><a id=\"call\" href=\"tel:{PRINTED}\">900 111 001</a></body></html>",
            proxy.collector.base()
        );
        proxy.page("/n/", &html, None);
        let shown = format!("document.querySelector('#call').href == 'tel:{POOL}'");
        let call = async |id: &str, from: &str| {
            let call = json!({"to": POOL, "from": from, "external_id": id, "status": "ringing"});
            app.client.post_json("/api/v1/sites/acme/calls", &call).await.json()
        };

        // As long as one visitor alone was shown it there is no doubt.
        let first = Browser::start(Engine::Chromium, Wish::default()).await;
        let google = "utm_source=google&utm_medium=cpc&utm_campaign=otono";
        first.open(&format!("{}/n/?{google}", proxy.base())).await;
        first.becomes(&shown).await;
        first.picture("contact-number").await;
        app.client.settled().await;
        let alone = call("CA1", "+34600000004").await;
        assert_eq!((&alone["channel"], &alone["campaign"]), (&json!("paid_search"), &json!("otono")), "{alone}");
        let sure = alone["candidates"][0]["probability"].as_f64().unwrap();
        assert!(sure >= 0.9 && alone["candidates"][0]["visitor"].is_string(), "{alone}");
        let lead = alone["lead"].as_str().unwrap();
        holds("the visit is on the lead's journey", async || {
            let items = app.client.lead_journey("acme", lead).await;
            kinds(&items).contains(&"page_view") && kinds(&items).contains(&"call")
        })
        .await;
        // Their tab is closed; the pool has no other number, and a minute later it is the next one's.
        first.open("about:blank").await;
        app.client.settled().await;
        app.clock.advance(61 * 1_000);

        let second = Browser::start(Engine::Chromium, Wish::default()).await;
        second.open(&format!("{}/n/?utm_source=meta&utm_medium=paid_social&utm_campaign=verano", proxy.base())).await;
        second.becomes(&shown).await;
        app.client.settled().await;
        let doubt = call("CA2", "+34600000005").await;
        let candidates = doubt["candidates"].as_array().unwrap();
        let likely = |one: &Value| one["probability"].as_f64().unwrap();
        let sum: f64 = candidates.iter().map(likely).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{doubt}");
        let persons: Vec<_> = candidates.iter().filter(|one| one["visitor"].is_string()).collect();
        assert!(persons.len() == 2 && persons.iter().all(|one| likely(one) < 0.9), "{doubt}");
        assert_eq!(doubt["reason"], "ambiguous", "{doubt}");
        let unsure = app.client.get(&format!("/api/v1/sites/acme/leads/{}", doubt["lead"].as_str().unwrap())).await;
        assert_eq!(unsure.expect(200)["visitors"], json!([]), "nobody's journey");
        assert_eq!(call("CA1", "+34600000004").await["candidates"], alone["candidates"], "what was told stays");
        first.quit().await;
        second.quit().await;
    });
}

#[test]
fn an_admin_tries_the_webhook_out_and_sees_what_became_of_each_message() {
    on_stage(None, async |stage| {
        let centre = Centre::open(stage).await;
        let browser = &stage.browser;
        ask_for_a_call(stage).await;
        centre.told("lead.created").await;
        crate::dashboard::sign_in(stage, browser).await;
        browser.click("nav a[href='#/handover']").await;
        browser.click(".endpoint button").await;
        browser.shows("It works: it answered 200").await;
        let tried = centre
            .receiver
            .find("a test", |message| message.json()["data"]["flags"] == json!(["test"]))
            .await;
        assert!(tried.is_signed_by(&centre.secret));
        browser.shows("Delivered").await;
        browser.picture("contact-handover").await;
        // Once more, under the same id.
        browser.click(".delivery button").await;
        holds("it is sent again", async || {
            let got = centre.receiver.got();
            got.iter().filter(|one| one.id() != tried.id()).count() == 2
        })
        .await;
        assert_eq!(browser.errors().await, json!([]));
        centre.close().await;
    });
}
