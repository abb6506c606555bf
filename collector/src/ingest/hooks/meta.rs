//! Meta: lead forms, and messages by WhatsApp, Messenger and Instagram. JSON in batches, signed with the app's secret.
//!
//! A notice of a filled-in form says that there is one, and not what is in it: the lead is made at once, and [`super::graph`] asks.

use serde_json::{Value, json};

use super::{
    Asked, Pieces, Provider, Told, first_of, json_of, platform_form,
    secrets::{Secrets, hex, same, signed_sha256},
    text, whole,
};
use crate::{
    api::{leads_in::LeadBody, messages::MessageBody},
    domain::{
        channel::Channel,
        chat::{self, Ad, ChatApp},
        touch::Touch,
    },
};

/// See the module.
pub struct Meta;

impl Provider for Meta {
    fn is_genuine(&self, asked: &Asked<'_>, secrets: &Secrets) -> bool {
        let signature = asked.header("x-hub-signature-256");
        let secret = secrets.value("app_secret").as_bytes();
        signature.starts_with("sha256=")
            && hex(signature).is_some_and(|signature| signed_sha256(secret, &[asked.body], &signature))
    }

    fn read(&self, body: &[u8], _query: &str, _secrets: &Secrets, now: i64) -> Pieces {
        let value = match json_of(body) {
            Ok(value) => value,
            Err(detail) => return whole(body, Err(detail)),
        };
        let Some(entries) = value.get("entry").and_then(Value::as_array) else {
            return whole(body, Err("entry must be a list".to_owned()));
        };
        let object = first_of(&value, &["object"]).unwrap_or_default();
        let mut pieces = Vec::new();
        for entry in entries {
            // What cannot be read is kept as a body of its own, so that its neighbours are not told twice.
            let alone = |list: &str, item: &Value| {
                json!({"object": object, "entry": [{"id": entry.get("id"), list: [item]}]}).to_string()
            };
            for change in entry.get("changes").and_then(Value::as_array).into_iter().flatten() {
                let raw = alone("changes", change);
                match self::change(change, now) {
                    Ok(told) => pieces.extend(told.into_iter().map(|told| (Ok(told), raw.clone()))),
                    Err(detail) => pieces.extend(whole(raw.as_bytes(), Err(detail))),
                }
            }
            for event in entry.get("messaging").and_then(Value::as_array).into_iter().flatten() {
                pieces.extend(whole(alone("messaging", event).as_bytes(), messaging(&object, event)));
            }
        }
        pieces
    }
}

/// The answer to the question whether the address is ours; `None` where it was not Meta that asked.
#[must_use]
pub fn challenge(asked: &Asked<'_>, secrets: &Secrets) -> Option<String> {
    let is_asked = asked.query("hub.mode").as_deref() == Some("subscribe");
    let token = asked.query("hub.verify_token").unwrap_or_default();
    let challenge = asked.query("hub.challenge").filter(|challenge| challenge.len() <= 256)?;
    (is_asked && same(&token, secrets.value("verify_token"))).then_some(challenge)
}

/// What one change tells of; nothing where it is of a kind that is of no interest.
fn change(change: &Value, now: i64) -> Result<Vec<Told>, String> {
    let value = change.get("value").filter(|value| value.is_object()).ok_or("value must be an object")?;
    match first_of(change, &["field"]).as_deref() {
        Some("leadgen") => Ok(vec![Told::Lead(Box::new(leadgen(value, now)?))]),
        Some("messages") => whatsapp(value),
        Some(_) => Ok(Vec::new()),
        None => Err("field is missing".to_owned()),
    }
}

/// That a form was filled in.
fn leadgen(value: &Value, now: i64) -> Result<LeadBody, String> {
    let id = first_of(value, &["leadgen_id"]).ok_or("leadgen_id is missing")?;
    // It becomes part of an address.
    if !(1..=32).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("leadgen_id must be digits".to_owned());
    }
    let at = value
        .get("created_time")
        .and_then(Value::as_i64)
        .map_or(now, |seconds| seconds.saturating_mul(1_000));
    let at = at.min(now);
    let form = first_of(value, &["form_id"]);
    let came = by_form(at, first_of(value, &["ad_id"]), first_of(value, &["adgroup_id"]), form.as_deref());
    let lead = platform_form(format!("meta:{id}"));
    Ok(LeadBody { at: Some(json!(at)), came: Some(Box::new(came)), pending: true, ..lead })
}

/// The arrival by a form in an ad, or in a post where no ad is named.
#[must_use]
pub fn by_form(at: i64, ad: Option<String>, adset: Option<String>, form: Option<&str>) -> Touch {
    let ad = ad.filter(|ad| ad != "0");
    Touch {
        channel: if ad.is_some() { Channel::PaidSocial } else { Channel::OrganicSocial },
        source: Some("meta".to_owned()),
        medium: Some("lead_form".to_owned()),
        ad,
        adset,
        content: form.map(|form| format!("form:{form}")),
        reason: None,
        ..Touch::unknown(at, "")
    }
}

/// Messages by WhatsApp. What became of those that went out is no news.
fn whatsapp(value: &Value) -> Result<Vec<Told>, String> {
    let list = |name: &str| value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let name_of = |from: &str| {
        let contact = list("contacts").iter().find(|one| first_of(one, &["wa_id"]).as_deref() == Some(from));
        contact.and_then(|one| first_of(one.get("profile")?, &["name"]))
    };
    let mut pieces = Vec::new();
    for message in list("messages") {
        let from = first_of(message, &["from"]).ok_or("from is missing")?;
        let id = first_of(message, &["id"]).ok_or("id is missing")?;
        let seconds = first_of(message, &["timestamp"]).and_then(|text| text.parse::<i64>().ok());
        let referral = message.get("referral");
        let ad = referral.map(|referral| {
            Box::new(Ad {
                click_id: first_of(referral, &["ctwa_clid"]),
                ad: first_of(referral, &["source_id"]),
                medium: "whatsapp",
            })
        });
        pieces.push(Told::Message(Box::new(MessageBody {
            name: name_of(&from),
            from: Some(from),
            text: written(message),
            at: seconds.map(|seconds| json!(seconds.saturating_mul(1_000))),
            came: ad,
            ..MessageBody::of(ChatApp::Whatsapp, short_id(&id))
        })));
    }
    Ok(pieces)
}

/// What somebody wrote, or chose, or wrote beside a picture.
fn written(message: &Value) -> Option<String> {
    let paths = [
        "/text/body",
        "/button/text",
        "/interactive/button_reply/title",
        "/interactive/list_reply/title",
        "/image/caption",
        "/video/caption",
        "/document/caption",
    ];
    paths.iter().find_map(|path| text(message.pointer(path)?))
}

/// A message by Messenger or Instagram, or that a conversation was opened by a link or an ad.
fn messaging(object: &str, event: &Value) -> Result<Option<Told>, String> {
    let message = event.get("message");
    if message.and_then(|message| message.get("is_echo")).and_then(Value::as_bool) == Some(true) {
        return Ok(None);
    }
    let places = ["/message/referral", "/postback/referral", "/referral"];
    let referral = places.iter().find_map(|place| event.pointer(place));
    if message.is_none() && referral.is_none() && event.get("postback").is_none() {
        return Ok(None);
    }
    let from =
        event.get("sender").and_then(|sender| first_of(sender, &["id"])).ok_or("sender.id is missing")?;
    let at = event.get("timestamp").and_then(Value::as_i64);
    let own = message.or(event.get("postback")).and_then(|message| first_of(message, &["mid"]));
    let id =
        own.or_else(|| at.map(|at| format!("{from}:{at}"))).ok_or("neither message.mid nor timestamp")?;
    let app = if object == "instagram" { ChatApp::Other } else { ChatApp::Messenger };
    let from = if object == "instagram" { format!("instagram:{from}") } else { from };
    let chat_ref = referral.and_then(|referral| chat::canonical(&first_of(referral, &["ref"])?));
    let ad = referral.filter(|referral| first_of(referral, &["source"]).as_deref() == Some("ADS"));
    let ad = ad.map(|referral| {
        let medium = if object == "instagram" { "instagram" } else { "messenger" };
        Box::new(Ad { click_id: None, ad: first_of(referral, &["ad_id"]), medium })
    });
    let wrote = message.and_then(|message| first_of(message, &["text"]));
    let chose = || event.get("postback").and_then(|postback| first_of(postback, &["title"]));
    Ok(Some(Told::Message(Box::new(MessageBody {
        from: Some(from),
        text: wrote.or_else(chose),
        chat_ref,
        at: at.map(|at| json!(at)),
        came: ad,
        ..MessageBody::of(app, short_id(&id))
    }))))
}

/// Meta's id of a message, short enough to be one of ours.
fn short_id(id: &str) -> String {
    use sha2::{Digest as _, Sha256};
    if id.len() <= 100 && !id.chars().any(char::is_control) {
        return format!("meta:{id}");
    }
    format!("meta:{:x}", Sha256::digest(id))
}
