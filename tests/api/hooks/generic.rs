//! Anything that sends JSON.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use e2e::{NOW, TestApp};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{bad_events, deliver, hmac, nothing_came, open, replay};

fn hook(phone: &str) -> Value {
    json!({
        "adapter": "generic", "kind": "lead", "secrets": {"secret": "open-sesame"},
        "map": {"phone": phone, "name": "data.who.name", "external_id": "data.id", "at": "data.at", "kind": "=callback",
                "fields.ciudad": "data.answers.0.value"},
    })
}

fn body() -> Value {
    json!({"data": {"id": 4711, "tel": 600000001, "at": NOW - 1_000, "who": {"name": "Ana Ejemplo"}, "answers": [{"value": "Soria"}]}})
}

#[tokio::test]
async fn the_site_says_what_stands_where() {
    let app = TestApp::spawn().await;
    let config = json!({"domains": ["example.com"], "consent_default": "full", "lead_fields": ["ciudad"]});
    app.client.put_site("acme", &config).await;
    let path = open(&app, hook("data.tel")).await;
    for secret in ["", "open", "open-sesame2"] {
        let headers = [("x-traza-secret", secret.to_owned())];
        deliver(&app, &path, body().to_string(), &headers).await.problem(403, "forbidden");
    }
    nothing_came(&app).await;
    let headers = [("x-traza-secret", "open-sesame".to_owned())];
    for _ in 0..2 {
        deliver(&app, &path, body().to_string(), &headers).await.expect(200);
    }
    app.client.settled().await;
    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 1, "{leads:?}");
    let lead = &leads[0];
    assert_eq!((&lead["kind"], &lead["created_at"]), (&json!("callback"), &json!(NOW - 1_000)));
    assert_eq!(
        (&lead["contact"]["phone"], &lead["contact"]["fields"]),
        (&json!("+34600000001"), &json!({"ciudad": "Soria"}))
    );
}

#[tokio::test]
async fn what_a_wrong_map_did_not_read_is_read_when_the_map_is_right() {
    let app = TestApp::spawn().await;
    let path = open(&app, hook("data.phone")).await;
    let headers = [("x-traza-secret", "open-sesame".to_owned())];
    assert_eq!(deliver(&app, &path, body().to_string(), &headers).await.status, 200);
    let kept = bad_events(&app).await;
    assert_eq!((kept.len(), &kept[0]["reason"]), (1, &json!("hook")), "nobody could be contacted: {kept:?}");
    assert_eq!(app.client.leads("acme").await, Vec::<Value>::new());
    let same = open(&app, hook("data.tel")).await;
    assert_eq!(same, path, "the address stays");
    assert_eq!(replay(&app).await, json!({"stored": 1}));
    app.client.settled().await;
    assert_eq!((app.client.leads("acme").await.len(), bad_events(&app).await.len()), (1, 0));
    assert_eq!(replay(&app).await, json!({}));
}

#[tokio::test]
async fn standard_webhooks_sign_for_themselves() {
    let app = TestApp::spawn().await;
    let key = "0123456789abcdef0123456789abcdef";
    let secret = format!("whsec_{}", STANDARD.encode(key));
    let hook = json!({"adapter": "generic", "kind": "message", "secrets": {"secret": secret},
                      "map": {"from": "from", "text": "text", "external_id": "id", "app": "=telegram"}});
    let path = open(&app, hook).await;
    let body = json!({"from": "ana", "text": "Hola", "id": "7"}).to_string();
    let signed = |at: i64| {
        let text = format!("msg_1.{at}.{body}");
        vec![
            ("webhook-id", "msg_1".to_owned()),
            ("webhook-timestamp", at.to_string()),
            (
                "webhook-signature",
                format!("v1,AAAA v1,{}", STANDARD.encode(hmac::<Sha256>(key, text.as_bytes()))),
            ),
        ]
    };
    let old = signed(NOW / 1_000 - 301);
    deliver(&app, &path, body.clone(), &old).await.problem(403, "forbidden");
    let mut changed = signed(NOW / 1_000);
    changed[0].1 = "msg_2".to_owned();
    deliver(&app, &path, body.clone(), &changed).await.problem(403, "forbidden");
    nothing_came(&app).await;
    deliver(&app, &path, body.clone(), &signed(NOW / 1_000)).await.expect(200);
    app.client.settled().await;
    assert_eq!(app.client.leads("acme").await[0]["contact"]["chat"], "telegram:ana");
}
