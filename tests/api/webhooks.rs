//! `PUT webhooks`, its test, and what a lead looks like on the other side.

use std::time::Duration;

use e2e::{
    NOW, Receiver, TestApp,
    beacon::{callback, event, full, page_view},
    receiver::{Message, Reply},
};
use serde_json::{Value, json};

use crate::privacy::{contains, files};

const PATH: &str = "/api/v1/sites/acme/webhooks";
const URL: &str = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=otono&gclid=x";

/// An app whose webhooks may reach this machine.
pub(crate) async fn open_app() -> TestApp {
    TestApp::with(|options| options.allow_private_targets = true).await
}

/// Sets one webhook, and answers it as the API shows it.
pub(crate) async fn put(app: &TestApp, webhook: Value) -> Value {
    app.client.put(PATH, &json!({"items": [webhook]})).await.expect(200)["items"][0].clone()
}

/// Everything that a message may be about by now.
pub(crate) fn types() -> Value {
    json!(["lead.created", "lead.updated", "stage.changed", "attempt.recorded", "sale.recorded"])
}

/// A visitor comes by an ad and leaves a number.
pub(crate) async fn lead(app: &TestApp, page: &str) -> String {
    let mut beacon = full("v", [page_view(page, NOW, URL), callback(page, 1, NOW + 5, "600 000 000")]);
    beacon["context"] = json!({"lang": "es-MX"});
    let request = app.client.post("acme", beacon.to_string());
    let agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1";
    e2e::client::send(request.header("user-agent", agent)).await.expect(200);
    let leads = app.client.leads("acme").await;
    let lead = leads.iter().find(|lead| lead["created_at"] == NOW + 5).expect("a lead");
    lead["id"].as_str().unwrap().to_owned()
}

fn kind(message: &Message) -> String {
    message.json()["type"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_lead_reaches_its_endpoint_signed_and_with_its_story() {
    let (app, receiver) = (open_app().await, Receiver::start().await);
    let made =
        put(&app, json!({"id": "crm", "url": receiver.url("/leads"), "types": ["lead.created"]})).await;
    let secret = made["secret"].as_str().expect("shown once").to_owned();
    let lead = lead(&app, "p").await;
    let message = receiver.expect(1).await.pop().unwrap();
    assert!(message.is_signed_by(&secret), "{message:?}");
    assert!(!message.is_signed_by("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    assert_eq!(message.header("content-type"), "application/json");
    assert_eq!(message.header("webhook-timestamp"), (NOW / 1000).to_string());
    assert!(message.id().starts_with("msg_"), "{message:?}");
    assert!(message.header("user-agent").starts_with("Traza/"));
    let body = message.json();
    assert_eq!((&body["type"], &body["timestamp"]), (&json!("lead.created"), &json!("2026-11-22T01:20:00Z")));
    let data = &body["data"];
    assert_eq!(
        (&data["id"], &data["site"], &data["kind"]),
        (&json!(lead), &json!("acme"), &json!("callback"))
    );
    assert_eq!((&data["contact"]["phone"], &data["stage"]), (&json!("+34600000000"), &json!("lead")));
    assert_eq!(data["origin"]["last"]["campaign"], "otono");
    assert_eq!(data["origin"]["last"]["click_ids"]["gclid"], "x");
    let hints = &data["match_hints"];
    assert_eq!((&hints["language"], &hints["device"]), (&json!("es-MX"), &json!("mobile")));
    assert_eq!((&hints["campaign"], hints["pages"].as_array().map(Vec::len)), (&json!("otono"), Some(1)));

    let sales = app.client.role("sales", "acme").await;
    let shown = sales.get(&format!("/api/v1/sites/acme/leads/{lead}")).await.expect(200);
    for field in ["id", "origin", "contact", "stage", "consent", "attempts", "visitors"] {
        assert_eq!(data[field], shown[field], "{field}: as sales see it");
    }
    // What was told is seen with the lead, and that somebody was told of them.
    let path = format!("/api/v1/sites/acme/deliveries?lead={lead}");
    let delivery = e2e::eventually("it is known to be there", Duration::from_secs(10), async || {
        let told = app.client.get(&path).await.expect(200);
        Some(told["items"][0].clone()).filter(|delivery| delivery["state"] == "delivered")
    })
    .await;
    assert_eq!((&delivery["id"], &delivery["type"]), (&json!(message.id()), &json!("lead.created")));
    assert_eq!(delivery["attempts"], 1);
    assert_eq!(delivery["tries"][0]["status"], 200);
    app.client.settled().await;
    let audit = app.client.get(&format!("/api/v1/sites/acme/audit?lead={lead}")).await.expect(200);
    let sent = audit["items"].as_array().unwrap().iter().find(|item| item["kind"] == "sent").expect("sent");
    assert_eq!((&sent["endpoint"], &sent["delivered"]), (&json!("crm"), &json!(true)));
    // Neither the secret nor the address stands anywhere in clear.
    let key = secret.trim_start_matches("whsec_");
    for (path, bytes) in files(&app.folder()) {
        for text in [key, "/leads", "600000000"] {
            assert!(!contains(&bytes, text), "{text} in {}", path.display());
        }
    }
    assert!(!e2e::logs::captured().contains(key));
    let metrics = app.client.metrics().await;
    assert!(
        metrics.contains("traza_delivery_attempts_total{outcome=\"delivered\",reason=\"\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn everything_about_a_lead_is_told_once_and_in_its_own_words() {
    let (app, receiver) = (open_app().await, Receiver::start().await);
    put(&app, json!({"id": "crm", "url": receiver.url("/"), "types": types()})).await;
    let lead = lead(&app, "p").await;
    let path = |what: &str| format!("/api/v1/sites/acme/leads/{lead}/{what}");
    let stage = json!({"stage": "mql", "by": "Obdulia", "reason": "pide precio"});
    app.client.post_json(&path("stage"), &stage).await.expect(201);
    let attempt =
        json!({"at": NOW + 20_000, "outcome": "contacted", "agent": "Obdulia", "external_id": "a-1"});
    for status in [201, 200] {
        app.client.post_json(&path("attempts"), &attempt).await.expect(status);
    }
    let sale = json!({"amount": 1234, "currency": "EUR", "at": NOW + 30_000, "external_id": "s-1"});
    app.client.post_json(&path("sales"), &sale).await.expect(201);
    let messages = receiver.expect(4).await;
    let of =
        |wanted: &str| messages.iter().find(|message| kind(message) == wanted).expect("a message").json();
    assert_eq!(of("stage.changed")["data"]["record"]["stage"], "mql");
    assert_eq!(of("stage.changed")["data"]["record"]["by"], "Obdulia");
    assert_eq!(of("attempt.recorded")["data"]["record"]["outcome"], "contacted");
    assert_eq!(of("sale.recorded")["data"]["record"]["amount"], 1234);
    assert_eq!(of("sale.recorded")["data"]["match_hints"]["last_agent"], "Obdulia");
    let ids: std::collections::BTreeSet<_> = messages.iter().map(Message::id).collect();
    assert_eq!(ids.len(), 4, "each has an id of its own");
    // A server says more of the same lead.
    let more = json!({"kind": "form", "ref": "p-1", "email": "ana@example.com", "external_id": "c-1"});
    app.client.post_json("/api/v1/sites/acme/leads", &more).await.expect(201);
    let updated = receiver.expect(5).await.pop().unwrap();
    assert_eq!((kind(&updated).as_str(), &updated.json()["data"]["id"]), ("lead.updated", &json!(lead)));
    assert_eq!(updated.json()["data"]["contact"]["email"], "ana@example.com");
}

#[tokio::test]
async fn only_what_happens_from_then_on_is_told_and_history_is_not_news() {
    let (app, receiver) = (open_app().await, Receiver::start().await);
    lead(&app, "before").await;
    put(&app, json!({"id": "crm", "url": receiver.url("/"), "types": types()})).await;
    // A list of old leads comes in, and a page that was offline for a month.
    let week = 7 * e2e::DAY;
    for n in 0..5 {
        let old = json!({"kind": "form", "email": format!("a{n}@example.com"), "at": NOW - week, "external_id": format!("c{n}")});
        app.client.post_json("/api/v1/sites/acme/leads", &old).await.expect(201);
    }
    app.client.store("acme", &full("w", [callback("q", 1, NOW - 4 * week, "600 000 001")])).await;
    lead(&app, "after").await;
    let got = receiver.expect(1).await;
    assert!(got[0].json()["data"]["visitors"] == json!(["v"]));
    assert_eq!(
        app.client.items("/api/v1/sites/acme/deliveries").await.len(),
        1,
        "the rest was never a message"
    );
}

#[tokio::test]
async fn tests_spam_and_those_who_did_not_agree_are_told_to_nobody() {
    let (app, receiver) = (open_app().await, Receiver::start().await);
    put(&app, json!({"id": "crm", "url": receiver.url("/"), "types": types()})).await;
    let mut test = callback("t", 1, NOW, "600 000 001");
    test["lead"]["flag"] = json!("test");
    app.client.store("acme", &full("t", [test])).await;
    // A list that somebody bought: nobody on it asked to be called.
    let bought = json!({"kind": "import", "phone": "600 000 002", "external_id": "l-1"});
    app.client.post_json("/api/v1/sites/acme/leads", &bought).await.expect(201);
    lead(&app, "p").await;
    assert_eq!(receiver.expect(1).await[0].json()["data"]["contact"]["phone"], "+34600000000");
    e2e::holds("the others are dropped, and say why", async || {
        let list = app.client.items("/api/v1/sites/acme/deliveries").await;
        let mut reasons: Vec<_> = list
            .iter()
            .filter(|delivery| delivery["state"] == "dropped" && delivery["attempts"] == 0)
            .map(|delivery| delivery["tries"][0]["reason"].as_str().unwrap().to_owned())
            .collect();
        reasons.sort();
        reasons == ["marked", "no_consent"]
    })
    .await;
    assert_eq!(receiver.got().len(), 1);
}

#[tokio::test]
async fn a_secret_is_shown_once_and_the_one_before_signs_on_for_a_while() {
    let (app, receiver) = (open_app().await, Receiver::start().await);
    let webhook = |secret: Value| {
        json!({"id": "crm", "url": receiver.url("/"), "types": ["lead.created"], "secret": secret,
                                         "headers": {"Authorization": "Bearer abc"}})
    };
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let set = put(&app, webhook(json!(own))).await;
    assert!(set.get("secret").is_none(), "whoever gave it has it: {set}");
    assert_eq!(set["headers"], json!({"authorization": "***"}));
    let text = app.client.get(PATH).await.text;
    assert!(!text.contains("whsec_") && !text.contains("Bearer abc"), "{text}");
    // What was shown is given back, with another secret.
    let mut back = serde_json::from_str::<Value>(&text).unwrap()["items"][0].clone();
    back["secret"] = json!("new");
    let rotated = put(&app, back.clone()).await;
    let new = rotated["secret"].as_str().expect("shown once").to_owned();
    assert_eq!(rotated["secrets"].as_array().map(Vec::len), Some(2));
    assert_eq!(rotated["secrets"][1]["ends_with"], "LaSw");
    lead(&app, "p").await;
    let message = receiver.expect(1).await.pop().unwrap();
    assert!(message.is_signed_by(own) && message.is_signed_by(&new), "{message:?}");
    assert_eq!(message.header("authorization"), "Bearer abc", "hidden, and kept");
    app.clock.advance(3 * e2e::DAY);
    back.as_object_mut().unwrap().remove("secret");
    assert!(put(&app, back).await.get("secret").is_none(), "absent, it stays");
    app.client.store("acme", &full("w", [callback("q", 1, NOW + 3 * e2e::DAY, "600 000 001")])).await;
    let message = receiver.expect(2).await.pop().unwrap();
    assert!(message.is_signed_by(&new) && !message.is_signed_by(own), "it is over: {message:?}");
}

#[tokio::test]
async fn what_is_wrong_with_a_webhook_is_pointed_at() {
    let app = TestApp::spawn().await;
    let good = json!({"id": "crm", "url": "https://crm.example.com/leads", "types": ["lead.created"]});
    let cases = [
        (json!({"id": "a b"}), "/items/0/id"),
        (json!({"url": "http://crm.example.com/"}), "/items/0/url"),
        (json!({"url": "https://127.0.0.1/"}), "/items/0/url"),
        (json!({"url": "https://[::1]/"}), "/items/0/url"),
        (json!({"url": "https://localhost/"}), "/items/0/url"),
        (json!({"url": "https://ana:secreto@crm.example.com/"}), "/items/0/url"),
        (json!({"url": "ftp://crm.example.com/"}), "/items/0/url"),
        (json!({"url": "crm"}), "/items/0/url"),
        (json!({"types": []}), "/items/0/types"),
        (json!({"types": ["lead.made"]}), "/items/0/types/0"),
        (json!({"format": "xml"}), "/items/0/format"),
        (json!({"secret": "secreto"}), "/items/0/secret"),
        (json!({"headers": {"Host": "x"}}), "/items/0/headers/Host"),
        (json!({"headers": {"Webhook-Id": "x"}}), "/items/0/headers/Webhook-Id"),
        (json!({"headers": {"X-A": "***"}}), "/items/0/headers/X-A"),
        (json!({"headers": {"X A": "x"}}), "/items/0/headers/X A"),
        (json!({"map": {"tel": "contact.telefono"}}), "/items/0/map/tel"),
        (json!({"map": {"t": "=Hola {nombre}"}}), "/items/0/map/t"),
    ];
    for (change, pointer) in cases {
        let mut webhook = good.clone();
        webhook.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        app.client.put(PATH, &json!({"items": [webhook]})).await.problem_at(400, "invalid", pointer);
    }
    app.client.put(PATH, &json!({"items": [good, good]})).await.problem_at(400, "invalid", "/items/1/id");
    assert_eq!(app.client.get(PATH).await.expect(200)["items"], json!([]), "nothing was set");
}

#[tokio::test]
async fn a_test_says_what_the_receiver_said() {
    let (app, receiver) = (open_app().await, Receiver::start().await);
    let made = put(
        &app,
        json!({"id": "crm", "url": receiver.url("/in"), "types": ["lead.created"], "expect": "recibido"}),
    )
    .await;
    receiver.answers(|_, before| match before {
        0 => Reply::Says(200, "recibido, gracias"),
        1 => Reply::Says(200, "ERROR: no list"),
        2 => Reply::Says(500, "roto"),
        _ => Reply::With(302, "location", "/elsewhere".to_owned()),
    });
    let test = async || app.client.post_json(&format!("{PATH}/crm/test"), &json!({})).await.expect(200);
    let first = test().await;
    assert_eq!((&first["ok"], &first["status"]), (&json!(true), &json!(200)));
    assert_eq!(first["answer"], "recibido, gracias");
    let second = test().await;
    assert_eq!((&second["ok"], &second["reason"]), (&json!(false), &json!("answer")));
    assert_eq!(test().await["reason"], "status");
    let redirected = test().await;
    assert_eq!((&redirected["ok"], &redirected["status"]), (&json!(false), &json!(302)));
    let got = receiver.expect(4).await;
    assert!(
        got.iter()
            .all(|message| message.path == "/in" && message.is_signed_by(made["secret"].as_str().unwrap()))
    );
    assert_eq!(got[0].json()["data"]["flags"], json!(["test"]));
    assert_eq!(app.client.items("/api/v1/sites/acme/deliveries").await.len(), 0, "nobody's lead was sent");
    app.client.post_json(&format!("{PATH}/other/test"), &json!({})).await.problem(404, "not-found");
}

#[tokio::test]
async fn an_endpoint_that_is_taken_out_is_told_nothing_more() {
    let (app, receiver) = (open_app().await, Receiver::start().await);
    put(&app, json!({"id": "crm", "url": receiver.url("/"), "types": types()})).await;
    receiver.answers(|_, _| Reply::Says(500, ""));
    lead(&app, "p").await;
    receiver.expect(1).await;
    app.client.put(PATH, &json!({"items": []})).await.expect(200);
    app.clock.advance(e2e::DAY);
    e2e::holds("what waited is dropped", async || {
        let list = app.client.items("/api/v1/sites/acme/deliveries").await;
        list.len() == 1 && list[0]["state"] == "dropped"
    })
    .await;
    let touched = event("p", 2, NOW, "form_success", json!({"form": "te-llamamos", "submit": "p-1"}));
    app.client.store("acme", &full("v", [touched])).await;
    app.client.settled().await;
    assert_eq!(receiver.got().len(), 1);
}
