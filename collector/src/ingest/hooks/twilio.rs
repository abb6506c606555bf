//! Twilio: what becomes of calls, and messages by WhatsApp and SMS. Forms, signed with the account's token over the address and
//! the sorted parameters.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    Asked, Pieces, Provider, Told,
    secrets::{Secrets, signed_sha1},
    whole,
};
use crate::{
    api::{calls::CallBody, messages::MessageBody},
    domain::{
        call::CallStatus,
        chat::{Ad, ChatApp},
    },
};

/// See the module.
pub struct Twilio;

impl Provider for Twilio {
    fn is_genuine(&self, asked: &Asked<'_>, secrets: &Secrets) -> bool {
        let mut pairs: Vec<(String, String)> = form_urlencoded::parse(asked.body)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        pairs.sort();
        pairs.dedup();
        let mut parts: Vec<&[u8]> = vec![asked.url.as_bytes()];
        for (name, value) in &pairs {
            parts.push(name.as_bytes());
            parts.push(value.as_bytes());
        }
        signed_sha1(secrets.value("auth_token"), &parts, asked.header("x-twilio-signature"))
    }

    fn read(&self, body: &[u8], _query: &str, _secrets: &Secrets, now: i64) -> Pieces {
        let form: BTreeMap<String, String> = form_urlencoded::parse(body)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .filter(|(_, value)| !value.trim().is_empty())
            .collect();
        let read = if form.contains_key("CallSid") { call(&form, now) } else { message(&form) };
        whole(body, read)
    }
}

type Form = BTreeMap<String, String>;

/// A call, as far as it has come. Calls that go out are the contact centre's own.
fn call(form: &Form, now: i64) -> Result<Option<Told>, String> {
    let field = |name: &str| form.get(name).map(String::as_str);
    if field("Direction").is_some_and(|direction| direction.starts_with("outbound")) {
        return Ok(None);
    }
    let sid = field("CallSid").ok_or("CallSid is missing")?;
    let to = field("To").or(field("Called")).ok_or("To is missing")?;
    let told = field("CallStatus").ok_or("CallStatus is missing")?;
    // What became of passing it on says whether a person took it.
    let passed_on = field("DialCallStatus");
    let (status, answered, presumed) = match passed_on.unwrap_or(told) {
        "queued" | "initiated" | "ringing" => (CallStatus::Ringing, None, None),
        "in-progress" => (CallStatus::Answered, None, None),
        "completed" | "answered" if passed_on.is_some() => (CallStatus::Completed, Some(true), None),
        "completed" => (CallStatus::Completed, None, Some(true)),
        "busy" | "no-answer" | "failed" | "canceled" => (CallStatus::Missed, Some(false), None),
        _ => return Err("CallStatus is none that is known".to_owned()),
    };
    let seconds = |name: &str| field(name).and_then(|text| text.parse::<u32>().ok());
    let duration_s = seconds("DialCallDuration").or(seconds("CallDuration"));
    let moment = field("Timestamp").and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
    let moment = moment.map_or(now, |moment| moment.timestamp().as_millisecond());
    // Told of its end first, it rang that much earlier.
    let at = moment - i64::from(seconds("CallDuration").unwrap_or(0)) * 1_000;
    Ok(Some(Told::Call(Box::new(CallBody {
        from: field("From").filter(|from| is_number(from)).map(str::to_owned),
        at: Some(json!(at.min(now))),
        status: Some(status),
        answered,
        presumed,
        duration_s,
        recording: field("RecordingUrl").map(str::to_owned),
        ..CallBody::of(to.to_owned(), format!("twilio:{sid}"))
    }))))
}

/// Whether a caller has a number: hidden ones are words, or the number that spells one on a keypad.
fn is_number(from: &str) -> bool {
    from.starts_with('+')
        && !matches!(from, "+266696687" | "+7378742833" | "+2562533" | "+8656696" | "+86282452253")
}

/// A message that came in. What became of those that went out is no news.
fn message(form: &Form) -> Result<Option<Told>, String> {
    let field = |name: &str| form.get(name).map(String::as_str);
    let sid = field("MessageSid").or(field("SmsMessageSid")).or(field("SmsSid"));
    let sid = sid.ok_or("neither a CallSid nor a MessageSid")?;
    let status = field("SmsStatus").or(field("MessageStatus")).unwrap_or("received");
    if !matches!(status, "received" | "receiving") {
        return Ok(None);
    }
    let from = field("From").ok_or("From is missing")?;
    let app = match from.split_once(':') {
        Some(("whatsapp", _)) => ChatApp::Whatsapp,
        Some(("messenger", _)) => ChatApp::Messenger,
        _ => ChatApp::Other,
    };
    let from = from.strip_prefix("messenger:").unwrap_or(from);
    let came = field("ReferralCtwaClid").map(|click_id| {
        let ad = field("ReferralSourceId").map(str::to_owned);
        Box::new(Ad { click_id: Some(click_id.to_owned()), ad, medium: "whatsapp" })
    });
    Ok(Some(Told::Message(Box::new(MessageBody {
        from: Some(from.to_owned()),
        name: field("ProfileName").map(str::to_owned),
        text: field("Body").or(field("ButtonText")).map(str::to_owned),
        came,
        ..MessageBody::of(app, format!("twilio:{sid}"))
    }))))
}
