//! Chatwoot: messages that came in by any of its channels. JSON; newer versions sign it.

use serde_json::{Value, json};

use super::{
    Asked, Pieces, Provider, Told, first_of, json_of,
    secrets::{Secrets, hex, signed_sha256},
    whole,
};
use crate::{api::messages::MessageBody, domain::chat::ChatApp};

/// See the module.
pub struct Chatwoot;

impl Provider for Chatwoot {
    fn is_genuine(&self, asked: &Asked<'_>, secrets: &Secrets) -> bool {
        let secret = secrets.value("secret");
        if secret.is_empty() {
            // The key in the address is all there is.
            return true;
        }
        let Some(signature) = hex(asked.header("x-chatwoot-signature")) else { return false };
        let timestamp = asked.header("x-chatwoot-timestamp").as_bytes();
        let parts: &[&[u8]] =
            if timestamp.is_empty() { &[asked.body] } else { &[timestamp, b".", asked.body] };
        signed_sha256(secret.as_bytes(), parts, &signature)
    }

    fn read(&self, body: &[u8], _query: &str, _secrets: &Secrets, now: i64) -> Pieces {
        whole(body, json_of(body).and_then(|value| message(&value, now)))
    }
}

/// A message that came in. Notes among colleagues, and what goes out, are no news.
fn message(value: &Value, now: i64) -> Result<Option<Told>, String> {
    let event = first_of(value, &["event"]).ok_or("event is missing")?;
    let kind = first_of(value, &["message_type"]).unwrap_or_default();
    let is_private = value.get("private").and_then(Value::as_bool) == Some(true);
    if event != "message_created" || !matches!(kind.as_str(), "incoming" | "0") || is_private {
        return Ok(None);
    }
    let id = first_of(value, &["id"]).ok_or("id is missing")?;
    let account = value.get("account").and_then(|account| first_of(account, &["id"])).unwrap_or_default();
    let sender = value.get("sender").or_else(|| value.pointer("/conversation/meta/sender"));
    let sender = sender.filter(|sender| sender.is_object()).ok_or("sender is missing")?;
    let channel = value.get("conversation").and_then(|conversation| first_of(conversation, &["channel"]));
    let app = match channel.as_deref().unwrap_or_default() {
        "Channel::Whatsapp" => ChatApp::Whatsapp,
        "Channel::FacebookPage" => ChatApp::Messenger,
        "Channel::Telegram" => ChatApp::Telegram,
        "Channel::Line" => ChatApp::Line,
        "Channel::WebWidget" | "Channel::Api" => ChatApp::Chat,
        _ => ChatApp::Other,
    };
    let at = match value.get("created_at") {
        Some(Value::Number(seconds)) => seconds.as_i64().map(|seconds| seconds.saturating_mul(1_000)),
        Some(Value::String(text)) => {
            text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
        }
        _ => None,
    };
    let of_sender = |name: &str| first_of(sender, &[name]);
    Ok(Some(Told::Message(Box::new(MessageBody {
        from: of_sender("id").map(|id| format!("chatwoot-{account}-{id}")),
        name: of_sender("name"),
        phone: of_sender("phone_number"),
        email: of_sender("email"),
        text: first_of(value, &["content"]),
        at: Some(json!(at.unwrap_or(now).min(now))),
        ..MessageBody::of(app, format!("chatwoot:{account}:{id}"))
    }))))
}
