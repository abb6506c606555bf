//! Chatwoot: what came in, and nothing else.

use e2e::TestApp;
use serde_json::{Value, json};

use super::{deliver, nothing_came, open, sha256_hex};

fn message(id: u64, more: &Value) -> Value {
    let mut message = json!({
        "event": "message_created", "id": id, "content": "Hola", "message_type": "incoming", "private": false,
        "created_at": "2026-11-22T01:19:00.000Z", "account": {"id": 1, "name": "Acme"}, "inbox": {"id": 3, "name": "Web"},
        "sender": {"id": 77, "name": "Ana Ejemplo", "email": null, "phone_number": "+34600000001"},
        "conversation": {"id": 9, "channel": "Channel::Whatsapp", "status": "open"},
    });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    message
}

#[tokio::test]
async fn messages_that_come_in_are_told_and_keep_their_conversation() {
    let app = TestApp::spawn().await;
    let path = open(&app, json!({"adapter": "chatwoot"})).await;
    for no_news in [
        message(1, &json!({"message_type": "outgoing"})),
        message(2, &json!({"private": true})),
        message(3, &json!({"event": "conversation_created"})),
    ] {
        deliver(&app, &path, no_news.to_string(), &[]).await.expect(200);
    }
    nothing_came(&app).await;
    let web = json!({"sender": {"id": 78, "name": "Eva"}, "conversation": {"id": 10, "channel": "Channel::WebWidget"}});
    for told in [
        message(4, &json!({})),
        message(5, &json!({"content": "¿Precio?"})),
        message(4, &json!({})),
        message(6, &web),
        message(7, &web),
    ] {
        deliver(&app, &path, told.to_string(), &[]).await.expect(200);
    }
    app.client.settled().await;
    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 2, "{leads:?}");
    let whatsapp = leads.iter().find(|lead| lead["kind"] == "whatsapp").unwrap();
    assert_eq!(
        (&whatsapp["contact"]["name"], &whatsapp["contact"]["phone"]),
        (&json!("Ana Ejemplo"), &json!("+34600000001"))
    );
    let chat = leads.iter().find(|lead| lead["kind"] == "chat").unwrap();
    assert_eq!(chat["contact"]["chat"], "chat:chatwoot-1-78");
}

#[tokio::test]
async fn where_a_secret_is_set_it_is_asked_for() {
    let app = TestApp::spawn().await;
    let path = open(&app, json!({"adapter": "chatwoot", "secrets": {"secret": "s3"}})).await;
    let body = message(4, &json!({})).to_string();
    let signed = |text: String| format!("sha256={}", sha256_hex("s3", text.as_bytes()));
    deliver(&app, &path, body.clone(), &[]).await.problem(403, "forbidden");
    let other =
        [("x-chatwoot-timestamp", "8".to_owned()), ("x-chatwoot-signature", signed(format!("7.{body}")))];
    deliver(&app, &path, body.clone(), &other).await.problem(403, "forbidden");
    nothing_came(&app).await;
    let good =
        [("x-chatwoot-timestamp", "7".to_owned()), ("x-chatwoot-signature", signed(format!("7.{body}")))];
    deliver(&app, &path, body, &good).await.expect(200);
    app.client.settled().await;
    assert_eq!(app.client.leads("acme").await.len(), 1);
}
