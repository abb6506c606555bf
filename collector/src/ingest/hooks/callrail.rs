//! CallRail: a call before it is put through, after it, and when more of it is known. JSON, signed with the company's key.

use serde_json::{Value, json};

use super::{
    Asked, Pieces, Provider, Told, first_of, json_of,
    secrets::{Secrets, signed_sha1},
    whole,
};
use crate::{api::calls::CallBody, domain::call::CallStatus};

/// See the module.
pub struct Callrail;

/// What a call has only when it was put through, or is over: before that nothing says that it rings.
const LATER: [&str; 8] = [
    "business_phone_number",
    "recording",
    "recording_player",
    "recording_duration",
    "keywords",
    "lead_status",
    "transcription",
    "value",
];

impl Provider for Callrail {
    fn is_genuine(&self, asked: &Asked<'_>, secrets: &Secrets) -> bool {
        signed_sha1(secrets.value("signing_key"), &[asked.body], asked.header("signature"))
    }

    fn read(&self, body: &[u8], query: &str, _secrets: &Secrets, now: i64) -> Pieces {
        let event = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "event");
        let event = event.map(|(_, event)| event.into_owned());
        whole(body, json_of(body).and_then(|value| call(&value, event.as_deref(), now)))
    }
}

fn call(value: &Value, event: Option<&str>, now: i64) -> Result<Option<Told>, String> {
    let field = |names: &[&str]| first_of(value, names);
    if field(&["direction"]).is_some_and(|direction| direction == "outbound") {
        return Ok(None);
    }
    let id = field(&["resource_id", "id"]).ok_or("resource_id is missing")?;
    let to = field(&["tracking_phone_number", "trackingnum"]).ok_or("tracking_phone_number is missing")?;
    let from = field(&["customer_phone_number", "customer_number", "callernum"]);
    let is_answered = field(&["answered"]).is_some_and(|answered| answered == "true");
    let duration_s = field(&["duration"]).and_then(|text| text.parse::<u32>().ok());
    let is_over = match event {
        Some("pre-call") => false,
        Some("post-call" | "call-modified") => true,
        _ => {
            duration_s.is_some_and(|seconds| seconds > 0) || LATER.iter().any(|name| field(&[name]).is_some())
        }
    };
    let (status, answered) = match (is_answered, is_over) {
        (true, _) => (CallStatus::Completed, Some(true)),
        (false, true) => (CallStatus::Missed, Some(false)),
        (false, false) => (CallStatus::Ringing, None),
    };
    let at = field(&["start_time", "datetime"]).and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let at = at.map_or(now, jiff::Timestamp::as_millisecond);
    Ok(Some(Told::Call(Box::new(CallBody {
        from: from.filter(|from| from.bytes().any(|byte| byte.is_ascii_digit())),
        at: Some(json!(at.min(now))),
        status: Some(status),
        answered,
        duration_s: duration_s.filter(|_| is_answered || is_over),
        agent: field(&["agent_email"]),
        recording: field(&["recording_player", "recording", "recording_url"]),
        ..CallBody::of(to, format!("callrail:{id}"))
    }))))
}
