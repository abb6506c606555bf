//! Anything that sends JSON: the site says what stands where.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{
    Asked, Pieces, Provider, Told, json_of,
    secrets::{Secrets, same, signed_sha256},
    text, whole,
};
use crate::{
    api::{calls::CallBody, json as bodies, leads_in::LeadBody, messages::MessageBody},
    deliver::sign,
};

/// A signature is good for so long, in ms: what is older is somebody who repeats what they overheard.
const FRESH_MS: i64 = 5 * 60 * 1_000;
/// What is a number, or true or false, in our own bodies; all else is text.
const UNQUOTED: [&str; 3] = ["at", "duration_s", "answered"];

/// See the module.
pub struct Generic;

impl Provider for Generic {
    fn is_genuine(&self, asked: &Asked<'_>, secrets: &Secrets) -> bool {
        let secret = secrets.value("secret");
        let signatures = asked.header("webhook-signature");
        if secret.is_empty() {
            return true;
        }
        if signatures.is_empty() {
            return same(asked.header("x-traza-secret"), secret);
        }
        let (id, at) = (asked.header("webhook-id"), asked.header("webhook-timestamp"));
        let is_fresh =
            at.parse::<i64>().is_ok_and(|at| (at.saturating_mul(1_000) - asked.now).abs() <= FRESH_MS);
        let Some(key) = sign::bytes(secret).filter(|_| is_fresh) else { return false };
        signatures.split_whitespace().filter_map(|one| one.strip_prefix("v1,")).any(|signature| {
            use base64::{Engine as _, engine::general_purpose::STANDARD};
            let parts: [&[u8]; 5] = [id.as_bytes(), b".", at.as_bytes(), b".", asked.body];
            STANDARD.decode(signature).is_ok_and(|signature| signed_sha256(&key, &parts, &signature))
        })
    }

    fn read(&self, body: &[u8], _query: &str, secrets: &Secrets, _now: i64) -> Pieces {
        let read = json_of(body).and_then(|value| {
            let ours = mapped(&value, secrets);
            let told = match secrets.kind.as_deref() {
                Some("call") => typed::<CallBody>(ours).map(|call| Told::Call(Box::new(call))),
                Some("message") => typed::<MessageBody>(ours).map(|message| Told::Message(Box::new(message))),
                _ => typed::<LeadBody>(ours).map(|lead| Told::Lead(Box::new(lead))),
            };
            told.map(Some)
        });
        whole(body, read)
    }
}

fn typed<T: DeserializeOwned>(ours: Value) -> Result<T, String> {
    bodies::typed(ours).map_err(|problem| problem.detail.into_owned())
}

/// A body of ours, filled in from theirs.
fn mapped(theirs: &Value, secrets: &Secrets) -> Value {
    let mut ours = Map::new();
    for (name, path) in &secrets.map {
        let value = match path.strip_prefix('=') {
            Some(fixed) => Some(json!(fixed)),
            None => at_path(theirs, path).cloned(),
        };
        let Some(value) = value else { continue };
        let value = match (UNQUOTED.contains(&name.as_str()), text(&value)) {
            (true, Some(text)) => serde_json::from_str(&text).unwrap_or(value),
            (_, Some(text)) => json!(text),
            (_, None) => continue,
        };
        match name.strip_prefix("fields.") {
            Some(field) => {
                let fields = ours.entry("fields").or_insert_with(|| json!({}));
                if let Some(fields) = fields.as_object_mut() {
                    fields.insert(field.to_owned(), value);
                }
            }
            None => drop(ours.insert(name.clone(), value)),
        }
    }
    if secrets.kind.as_deref().is_none_or(|kind| kind == "lead") {
        ours.entry("kind").or_insert_with(|| json!("form"));
    }
    if secrets.kind.as_deref() == Some("message") {
        ours.entry("app").or_insert_with(|| json!("other"));
    }
    Value::Object(ours)
}

/// What stands at a path such as `data.items.0.tel`.
fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        value => value.get(step),
    })
}
