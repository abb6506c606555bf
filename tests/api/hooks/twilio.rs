//! Twilio: every status of a call, in any order; WhatsApp and SMS.

use e2e::{NOW, TestApp, client::Answer};
use serde_json::{Value, json};

use super::{bad_events, deliver, nothing_came, open, sha1};

const TOKEN: &str = "12345678901234567890123456789012";
const PUBLIC: &str = "https://t.example.com";
const SID: &str = "CA00000000000000000000000000000001";

async fn app() -> (TestApp, String) {
    let app = TestApp::with(|options| options.public_url = Some(PUBLIC.to_owned())).await;
    app.client.put_site("acme", &json!({"domains": ["example.com"], "consent_default": "full"})).await;
    let numbers = json!({"items": [{"number": "+34900111009", "kind": "static", "channel": "other", "source": "radio"}]});
    app.client.put("/api/v1/sites/acme/numbers", &numbers).await.expect(200);
    let path = open(&app, json!({"adapter": "twilio", "secrets": {"auth_token": TOKEN}})).await;
    (app, path)
}

/// A form's body, and what Twilio signs of it: the parameters in order, names and values run together.
fn form(fields: &[(&str, &str)]) -> (String, String) {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
                b' ' => "+".to_owned(),
                byte => format!("%{byte:02X}"),
            })
            .collect()
    };
    let body: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    (body.join("&"), sorted.iter().map(|(name, value)| format!("{name}{value}")).collect())
}

async fn tell(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> Answer {
    let (body, signed) = form(fields);
    let signature = sha1(TOKEN, format!("{PUBLIC}{path}{signed}").as_bytes());
    let headers = [
        ("content-type", "application/x-www-form-urlencoded; charset=UTF-8".to_owned()),
        ("x-twilio-signature", signature),
    ];
    deliver(app, path, body, &headers).await
}

/// A call's status callback.
async fn status(app: &TestApp, path: &str, status: &str, more: &[(&str, &str)]) {
    let mut fields = vec![
        ("CallSid", SID),
        ("AccountSid", "AC00000000000000000000000000000000"),
        ("From", "+34600000001"),
        ("To", "+34900111009"),
        ("Direction", "inbound"),
        ("CallStatus", status),
        ("ApiVersion", "2010-04-01"),
        ("FromCity", ""),
    ];
    fields.extend_from_slice(more);
    let answer = tell(app, path, &fields).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/xml; charset=utf-8"));
    assert!(answer.text.ends_with("<Response></Response>"), "{answer:?}");
}

/// The one lead, and the last of what was told of its call.
async fn the_call(app: &TestApp) -> (Value, Value) {
    app.client.settled().await;
    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 1, "{leads:?}");
    let journey = app.client.lead_journey("acme", leads[0]["id"].as_str().unwrap()).await;
    let calls: Vec<&Value> = journey.iter().filter(|item| item["kind"] == "call").collect();
    let current: Vec<&&Value> = calls.iter().filter(|call| call["amended"] != true).collect();
    assert_eq!(current.len(), 1, "one call: {calls:?}");
    (leads[0].clone(), (*current[0]).clone())
}

#[tokio::test]
async fn every_status_in_order_and_twice_is_one_call_and_one_lead() {
    let (app, path) = app().await;
    for told in ["queued", "initiated", "ringing", "in-progress", "completed"] {
        for _ in 0..2 {
            let ended = [("CallDuration", "61"), ("Timestamp", "Sun, 22 Nov 2026 01:21:01 +0000")];
            status(&app, &path, told, if told == "completed" { &ended } else { &[] }).await;
        }
    }
    let (lead, call) = the_call(&app).await;
    assert_eq!((&lead["kind"], &lead["contact"]["phone"]), (&json!("call"), &json!("+34600000001")));
    assert_eq!(lead["origin"]["first"]["source"], "radio");
    assert_eq!(lead["attempts"]["first_contact_at"], NOW, "somebody took it");
    assert_eq!(
        (&call["status"], &call["answered"], &call["duration_s"]),
        (&json!("completed"), &json!(true), &json!(61))
    );
    assert_eq!(bad_events(&app).await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_is_told_late_takes_nothing_back() {
    let (app, path) = app().await;
    status(&app, &path, "completed", &[("CallDuration", "61")]).await;
    for told in ["in-progress", "ringing", "queued", "initiated", "ringing"] {
        status(&app, &path, told, &[]).await;
    }
    let (_, call) = the_call(&app).await;
    assert_eq!(
        (&call["status"], &call["answered"], &call["duration_s"]),
        (&json!("completed"), &json!(true), &json!(61))
    );
}

#[tokio::test]
async fn a_call_that_nobody_took_is_missed() {
    for told in ["busy", "no-answer", "failed", "canceled"] {
        let (app, path) = app().await;
        status(&app, &path, "ringing", &[]).await;
        status(&app, &path, told, &[]).await;
        let (lead, call) = the_call(&app).await;
        assert_eq!((&call["status"], &call["answered"]), (&json!("missed"), &json!(false)), "{told}");
        assert_eq!(lead["attempts"]["first_contact_at"], Value::Null);
    }
    // Put through to somebody who did not take it: the call itself has ended well all the same.
    let (app, path) = app().await;
    status(&app, &path, "in-progress", &[("DialCallStatus", "no-answer")]).await;
    let (_, call) = the_call(&app).await;
    assert_eq!((&call["status"], &call["answered"]), (&json!("missed"), &json!(false)));
}

#[tokio::test]
async fn calls_that_go_out_and_what_became_of_answers_are_no_news() {
    let (app, path) = app().await;
    let out = [
        ("CallSid", SID),
        ("From", "+34900111009"),
        ("To", "+34600000001"),
        ("Direction", "outbound-dial"),
        ("CallStatus", "ringing"),
    ];
    assert_eq!(tell(&app, &path, &out).await.status, 200);
    let sent = [
        ("MessageSid", "SM1"),
        ("MessageStatus", "delivered"),
        ("From", "+34900111009"),
        ("To", "+34600000001"),
    ];
    assert_eq!(tell(&app, &path, &sent).await.status, 200);
    nothing_came(&app).await;
    // A hidden number: nobody could be called back.
    let hidden =
        [("CallSid", SID), ("From", "+266696687"), ("To", "+34900111009"), ("CallStatus", "ringing")];
    assert_eq!(tell(&app, &path, &hidden).await.status, 200);
    nothing_came(&app).await;
}

#[tokio::test]
async fn whatsapp_and_sms_make_leads_of_their_own() {
    let (app, path) = app().await;
    let whatsapp = [
        ("MessageSid", "SM00000000000000000000000000000001"),
        ("SmsStatus", "received"),
        ("From", "whatsapp:+34600000002"),
        ("To", "whatsapp:+34900111009"),
        ("Body", "Hola, ¿cuánto cuesta?"),
        ("ProfileName", "Ana Ejemplo"),
        ("ReferralCtwaClid", "ARAkLkA8rmlFeiCktEJQ"),
        ("ReferralSourceId", "23850000000000001"),
    ];
    for _ in 0..2 {
        assert_eq!(tell(&app, &path, &whatsapp).await.status, 200);
    }
    let sms = [
        ("SmsSid", "SM2"),
        ("SmsStatus", "received"),
        ("From", "+34600000003"),
        ("To", "+34900111009"),
        ("Body", "Llamadme"),
    ];
    assert_eq!(tell(&app, &path, &sms).await.status, 200);
    app.client.settled().await;
    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 2, "{leads:?}");
    let lead = leads.iter().find(|lead| lead["kind"] == "whatsapp").unwrap();
    let touch = &lead["origin"]["first"];
    assert_eq!(
        (&lead["contact"]["name"], &touch["channel"], &touch["ad"]),
        (&json!("Ana Ejemplo"), &json!("paid_social"), &json!("23850000000000001"))
    );
}

#[tokio::test]
async fn another_signature_or_key_is_refused_and_nothing_is_kept() {
    let (app, path) = app().await;
    let fields =
        [("CallSid", SID), ("From", "+34600000001"), ("To", "+34900111009"), ("CallStatus", "ringing")];
    let (body, signed) = form(&fields);
    let good = sha1(TOKEN, format!("{PUBLIC}{path}{signed}").as_bytes());
    let other_url = sha1(TOKEN, format!("https://evil.example.com{path}{signed}").as_bytes());
    let other_token = sha1("another", format!("{PUBLIC}{path}{signed}").as_bytes());
    for signature in [other_url, other_token, String::new(), "no base64!".to_owned()] {
        let answer = deliver(&app, &path, body.clone(), &[("x-twilio-signature", signature)]).await;
        answer.problem(403, "forbidden");
    }
    let changed = body.replace("34600000001", "34600000009");
    deliver(&app, &path, changed, &[("x-twilio-signature", good.clone())]).await.problem(403, "forbidden");
    let other_key = format!("{path}x");
    deliver(&app, &other_key, body.clone(), &[("x-twilio-signature", good)]).await.problem(403, "forbidden");
    nothing_came(&app).await;
    let refused = app.client.metric("traza_hooks_total{adapter=\"twilio\",outcome=\"signature\"}").await;
    assert_eq!(refused, Some(5.0));
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_and_can_be_tried_again() {
    let (app, path) = app().await;
    let odd = [("CallSid", SID), ("From", "+34600000001"), ("To", "client:eva"), ("CallStatus", "ringing")];
    assert_eq!(tell(&app, &path, &odd).await.status, 200, "it is kept, so it need not be sent again");
    let unknown =
        [("CallSid", SID), ("From", "+34600000001"), ("To", "+34900111009"), ("CallStatus", "singing")];
    assert_eq!(tell(&app, &path, &unknown).await.status, 200);
    assert_eq!(tell(&app, &path, &[("Hello", "world")]).await.status, 200);
    let kept = bad_events(&app).await;
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert!(kept.iter().all(|one| one["reason"] == "hook" && one["has_body"] == true), "{kept:?}");
    assert!(
        !json!(kept).to_string().contains("34600000001"),
        "nothing personal stands in the reason: {kept:?}"
    );
    assert_eq!(app.client.ledger("acme").await.received, 0, "no page sent it");
    assert_eq!(super::replay(&app).await, json!({"rejected": 3}));
    assert_eq!(bad_events(&app).await.len(), 3);
}
