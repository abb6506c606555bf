//! The recipes of docs/hand-over.md, against receivers that behave as those do.

use e2e::{Receiver, receiver::Reply};
use serde_json::json;

use crate::webhooks::{lead, open_app, put};

#[tokio::test]
async fn vicidial_gets_its_lead_and_its_errors_are_heard() {
    let (app, dialler) = (open_app().await, Receiver::start().await);
    // Its non-agent API answers 200 to everything, and says in the text what became of it.
    dialler.answers(|message, before| {
        let form = message.form();
        let is_good =
            form.get("phone_number").is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
                && form.get("phone_code").is_some_and(|code| code == "34");
        match (before, is_good) {
            (0, _) => Reply::Says(200, "ERROR: add_lead USER DOES NOT HAVE PERMISSION TO ADD LEADS"),
            (_, true) => {
                Reply::Says(200, "SUCCESS: add_lead LEAD HAS BEEN ADDED - 600000000|6666|101|193715|-4")
            }
            _ => Reply::Says(200, "ERROR: add_lead INVALID PHONE NUMBER"),
        }
    });
    let path = "/vicidial/non_agent_api.php?source=traza&user=api&pass=secreto&function=add_lead";
    let webhook = json!({
        "id": "vicidial", "url": dialler.url(path), "types": ["lead.created"], "format": "form", "expect": "SUCCESS:",
        "map": {
            "phone_code": "contact.phone_country_code", "phone_number": "contact.phone_national",
            "first_name": "contact.first_name", "last_name": "contact.last_name", "email": "contact.email",
            "list_id": "=101", "vendor_lead_code": "id", "comments": "={origin.last.source} / {origin.last.campaign}",
        },
    });
    put(&app, webhook).await;
    let id = lead(&app, "p").await;
    dialler.expect(1).await;
    e2e::holds("an error that came as 200 is none the less one", async || {
        let items = app.client.items("/api/v1/sites/acme/deliveries").await;
        items[0]["state"] == "pending" && items[0]["tries"][0]["reason"] == "answer"
    })
    .await;
    app.clock.advance(1_100);
    let got = dialler.expect(2).await;
    let form = got[1].form();
    assert_eq!(got[1].header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!((form["phone_code"].as_str(), form["phone_number"].as_str()), ("34", "600000000"));
    assert_eq!((form["list_id"].as_str(), form["vendor_lead_code"].as_str()), ("101", id.as_str()));
    assert_eq!(form["comments"], "google / otono");
    e2e::holds("it is delivered", async || {
        app.client.items("/api/v1/sites/acme/deliveries").await[0]["state"] == "delivered"
    })
    .await;
}

#[tokio::test]
async fn slack_gets_a_sentence() {
    let (app, slack) = (open_app().await, Receiver::start().await);
    slack.answers(|message, _| {
        match message.json()["text"].is_string() && message.json().as_object().unwrap().len() == 1 {
            true => Reply::Says(200, "ok"),
            false => Reply::Says(400, "invalid_payload"),
        }
    });
    let text = "=Nuevo lead ({kind}) de {origin.last.campaign}: {contact.phone}";
    let webhook = json!({"id": "slack", "url": slack.url("/services/T0/B0/x"), "types": ["lead.created"],
                         "format": "json", "map": {"text": text}, "expect": "ok"});
    put(&app, webhook).await;
    lead(&app, "p").await;
    let got = slack.expect(1).await;
    assert_eq!(got[0].json(), json!({"text": "Nuevo lead (callback) de otono: +34600000000"}));
    e2e::holds("it is delivered", async || {
        app.client.items("/api/v1/sites/acme/deliveries").await[0]["state"] == "delivered"
    })
    .await;
}

#[tokio::test]
async fn n8n_gets_the_whole_story_behind_its_own_key_and_may_take_it_twice() {
    let (app, n8n) = (open_app().await, Receiver::start().await);
    // Its webhook node checks a header, answers at once, and a workflow that is off is a 404.
    n8n.answers(|message, before| match (message.headers.get("x-n8n-key").map(String::as_str), before) {
        (Some("clave"), 0) => {
            Reply::Says(404, r#"{"code":404,"message":"The requested webhook is not registered."}"#)
        }
        (Some("clave"), _) => Reply::Says(200, r#"{"message":"Workflow was started"}"#),
        _ => Reply::Says(403, "Authorization data is wrong!"),
    });
    let webhook = json!({"id": "n8n", "url": n8n.url("/webhook/lead"), "types": ["lead.created"],
                         "headers": {"X-N8N-Key": "clave"}});
    let secret = put(&app, webhook).await["secret"].as_str().unwrap().to_owned();
    lead(&app, "p").await;
    n8n.expect(1).await;
    e2e::holds("the next attempt is planned", async || {
        app.client.items("/api/v1/sites/acme/deliveries").await[0]["attempts"] == 1
    })
    .await;
    app.clock.advance(1_100);
    let got = n8n.expect(2).await;
    assert_eq!(got[1].json()["data"]["contact"]["phone"], "+34600000000");
    assert!(got.iter().all(|message| message.is_signed_by(&secret)));
    e2e::holds("it is delivered", async || {
        app.client.items("/api/v1/sites/acme/deliveries").await[0]["state"] == "delivered"
    })
    .await;
    // Somebody wants it once more: whoever kept the id knows it.
    let again = format!("/api/v1/sites/acme/deliveries/{}/replay", got[1].id());
    app.client.post_json(&again, &json!({})).await.expect(200);
    assert_eq!(n8n.expect(3).await[2].id(), got[1].id());
}
