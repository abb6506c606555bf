//! What a message says: the lead as it stands at this moment, and what happened to it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::map;
use crate::{
    api::{query, shapes::LeadView, standing},
    app::App,
    domain::{
        consent::CONTACT,
        delivery::{Delivery, Why},
        device,
        event::{Detail, Flag},
        fact::{Entry, SiteNumber},
        queue,
        record::{Record, Told},
        standing::Lead,
        webhook::{Format, MessageType},
    },
    error::Problem,
    project::{directory::Site, journeys},
    store::Stored,
    vault::contact,
};

/// A body is smaller than this, in bytes.
pub const MOST: usize = 20_000;
/// Pages that are told, the last ones.
const PAGES: usize = 10;
/// Of each so many characters.
const PAGE_CHARS: usize = 200;
/// What a body that is too large does without, in this order.
const LEAVE_OUT: [&[&str]; 7] = [
    &["match_hints", "pages"],
    &["score_parts"],
    &["stays"],
    &["sales", "items"],
    &["fit"],
    &["crm"],
    &["contact", "fields"],
];

/// What a message says, or why it must not be sent.
pub type Said = Result<Value, Why>;

/// What a delivery says at this moment.
///
/// # Errors
/// What store and vault say.
pub async fn data(app: &App, site: &Site, delivery: &Delivery) -> Result<Said, Problem> {
    let mut data = match &delivery.lead {
        Some(id) => match app.store.lead(site.number, id).await? {
            None => return Ok(Err(Why::LeadGone)),
            Some(lead) => {
                if let Some(why) = withheld(&lead) {
                    return Ok(Err(why));
                }
                match of_lead(app, site, lead, delivery.kind).await? {
                    Ok(data) => data,
                    Err(why) => return Ok(Err(why)),
                }
            }
        },
        None => Map::new(),
    };
    data.insert("site".to_owned(), json!(site.slug));
    // Where the fact was sealed since, the lead alone is told.
    let fact = match delivery.kind {
        MessageType::LeadCreated | MessageType::LeadUpdated => None,
        _ => app.store.entries(site.number, vec![delivery.position]).await?.pop(),
    };
    if let Some(fact) = fact {
        of_fact(app, site.number, &fact, &mut data).await?;
    }
    Ok(Ok(Value::Object(data)))
}

/// Why nobody may be told of a lead.
fn withheld(lead: &Lead) -> Option<Why> {
    if lead.flags.contains(&Flag::Erased) {
        return Some(Why::Erased);
    }
    if lead.flags.iter().any(|flag| matches!(flag, Flag::Test | Flag::Spam | Flag::Internal)) {
        return Some(Why::Marked);
    }
    (!lead.allows(CONTACT)).then_some(Why::NoConsent)
}

async fn of_lead(
    app: &App,
    site: &Site,
    lead: Lead,
    kind: MessageType,
) -> Result<Result<Map<String, Value>, Why>, Problem> {
    let hints = hints(app, site.number, &lead).await?;
    let tz = lead.born.as_ref().and_then(|born| born.tz.as_deref());
    let best_slot = queue::best_slot(&site.config, lead.kind, tz, app.clock.now());
    let view = LeadView::whole(app, site, lead).await?;
    if view.do_not_call && kind.asks_for_a_call() {
        return Ok(Err(Why::DoNotCall));
    }
    let mut data = match serde_json::to_value(&view).map_err(Problem::internal)? {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    data.insert("match_hints".to_owned(), hints);
    data.insert("best_slot".to_owned(), json!({"at": best_slot}));
    Ok(Ok(data))
}

/// The next moment at which what is said may be acted upon by a call, ms since the epoch.
pub fn best_slot(data: &Value) -> Option<i64> {
    data.get("best_slot")?.get("at")?.as_i64()
}

/// What helps to choose who calls: the language that is spoken, what was looked at, who called last.
///
/// # Errors
/// What store and vault say.
pub async fn hints(app: &App, site: SiteNumber, lead: &Lead) -> Result<Value, Problem> {
    let (mut language, mut agent, mut pages) = (None, None, Vec::new());
    if let Some(subject) = &lead.subject {
        let arrivals = app.store.journey(site, subject).await?;
        let mut seen = journeys::seen(&arrivals, subject);
        seen.sort_by_key(|seen| seen.event.at);
        for seen in &seen {
            language = seen.arrival.context.lang.clone().or(language);
            agent = seen.arrival.user_agent.clone().or(agent);
            if let Detail::PageView { url, .. } = &seen.event.detail {
                let page: String = url.chars().take(PAGE_CHARS).collect();
                pages.retain(|known| *known != page);
                pages.push(page);
            }
        }
    }
    let pages = pages.split_off(pages.len().saturating_sub(PAGES));
    let mut last_agent = None;
    for stored in app.store.records(site, &lead.id).await? {
        if let Entry::Attempt(attempt) = stored.entry.as_ref()
            && let Some(note) = attempt.note
            && let Some(note) = app.vault.get(site, note).await?
        {
            last_agent = note.by.or(last_agent);
        }
    }
    Ok(json!({
        "language": language,
        "device": agent.map(|agent| device::of(&agent).class.as_str()),
        "pages": pages,
        "campaign": lead.origin.last_non_direct.campaign,
        "last_agent": last_agent,
    }))
}

/// What a fact adds to what is said.
async fn of_fact(
    app: &App,
    site: SiteNumber,
    fact: &Stored,
    data: &mut Map<String, Value>,
) -> Result<(), Problem> {
    match fact.entry.as_ref() {
        Entry::Silent(silent) => {
            data.insert("since".to_owned(), json!(silent.since));
            data.insert("expected".to_owned(), json!(silent.expected));
        }
        Entry::FormSilent(silent) => {
            data.insert("form".to_owned(), json!(silent.form));
            data.insert("since".to_owned(), json!(silent.since));
            data.insert("expected".to_owned(), json!(silent.expected));
        }
        Entry::Endpoint(said) => {
            data.insert("endpoint".to_owned(), json!(said.endpoint));
            data.insert("health".to_owned(), json!(said.health));
            data.insert("since".to_owned(), json!(said.since));
            data.insert("status".to_owned(), json!(said.status));
        }
        entry => {
            if let Some(record) = Record::of(entry) {
                let told = Told { position: fact.position, record, amended: false };
                let mut fields = standing::fields_with(app, site, true, &told).await?;
                fields.insert("at".to_owned(), json!(record.at()));
                data.insert("record".to_owned(), Value::Object(fields));
            }
        }
    }
    Ok(())
}

/// A body: `at` is when it happened, ms since the epoch.
///
/// # Errors
/// Where it cannot be written, or is too large whatever is left out.
pub fn write(
    format: Format,
    map: &BTreeMap<String, String>,
    kind: MessageType,
    at: i64,
    mut data: Value,
) -> Result<Vec<u8>, Problem> {
    let timestamp = Timestamp::from_millisecond(at).map_err(Problem::internal)?.to_string();
    let mut left_out = LEAVE_OUT.iter();
    loop {
        let body = written(format, map, kind, &timestamp, &data)?;
        if body.len() < MOST {
            return Ok(body);
        }
        let path = left_out.next().ok_or_else(|| Problem::internal("a body of over 20 kB"))?;
        leave_out(&mut data, path);
    }
}

fn written(
    format: Format,
    map: &BTreeMap<String, String>,
    kind: MessageType,
    timestamp: &str,
    data: &Value,
) -> Result<Vec<u8>, Problem> {
    let flat = (!map.is_empty()).then(|| map::mapped(&all(data, kind, timestamp), map));
    if format == Format::Form {
        let pairs = match flat {
            Some(flat) => map::flat(&Value::Object(flat)),
            None => map::flat(&all(data, kind, timestamp)),
        };
        let pairs =
            pairs.iter().map(|(name, value)| format!("{}={}", query::escaped(name), query::escaped(value)));
        return Ok(pairs.collect::<Vec<_>>().join("&").into_bytes());
    }
    let data = flat.map_or_else(|| data.clone(), Value::Object);
    let body = match format {
        Format::Standard => json!({"type": kind.as_str(), "timestamp": timestamp, "data": data}),
        Format::Json | Format::Form => data,
    };
    serde_json::to_vec(&body).map_err(Problem::internal)
}

/// The data with what maps may name beside it: the message's own type and time, and a name and a number in halves.
fn all(data: &Value, kind: MessageType, timestamp: &str) -> Value {
    let mut data = data.clone();
    let Some(fields) = data.as_object_mut() else { return data };
    fields.insert("type".to_owned(), json!(kind.as_str()));
    fields.insert("timestamp".to_owned(), json!(timestamp));
    if let Some(contact) = fields.get_mut("contact").and_then(Value::as_object_mut) {
        let text =
            |name: &str| contact.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let (name, phone) = (text("name"), text("phone"));
        let (first, last) = name.split_once(char::is_whitespace).unwrap_or((&name, ""));
        contact.insert("first_name".to_owned(), json!(first));
        contact.insert("last_name".to_owned(), json!(last.trim()));
        if let Some((code, national)) = contact::halves(&phone) {
            contact.insert("phone_country_code".to_owned(), json!(code));
            contact.insert("phone_national".to_owned(), json!(national));
        }
    }
    data
}

/// Takes something out, and says so.
fn leave_out(data: &mut Value, path: &[&str]) {
    let Some((last, before)) = path.split_last() else { return };
    let mut place = Some(&mut *data);
    for name in before {
        place = place.and_then(|value| value.get_mut(*name));
    }
    let gone = place.and_then(Value::as_object_mut).and_then(|fields| fields.remove(*last));
    if let (Some(_), Some(fields)) = (gone, data.as_object_mut()) {
        let left_out = fields.entry("left_out").or_insert_with(|| json!([]));
        if let Some(left_out) = left_out.as_array_mut() {
            left_out.push(json!(path.join(".")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(filler: usize) -> Value {
        json!({
            "id": "l_1", "site": "acme", "stays": [{"stage": "lead"}],
            "contact": {"name": "Ana de Ejemplo", "phone": "+34600000000", "fields": {"nota": "x".repeat(filler)}},
            "match_hints": {"pages": ["https://example.com/"], "language": "es"},
        })
    }

    fn text(format: Format, map: &[(&str, &str)], filler: usize) -> String {
        let map = map.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect();
        let body = write(format, &map, MessageType::LeadCreated, 1_795_310_400_000, data(filler)).unwrap();
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn each_format_says_the_same_in_its_own_way() {
        let standard: Value = serde_json::from_str(&text(Format::Standard, &[], 1)).unwrap();
        assert_eq!(standard["type"], "lead.created");
        assert_eq!(standard["timestamp"], "2026-11-22T01:20:00Z");
        assert_eq!(standard["data"], data(1));
        let alone: Value = serde_json::from_str(&text(Format::Json, &[], 1)).unwrap();
        assert_eq!(alone, data(1));
        let form = text(Format::Form, &[], 1);
        assert!(
            form.contains("contact.phone=%2B34600000000&") && form.contains("type=lead.created"),
            "{form}"
        );
    }

    #[test]
    fn a_dialler_gets_its_own_names() {
        let map = [
            ("first_name", "contact.first_name"),
            ("last_name", "contact.last_name"),
            ("phone_code", "contact.phone_country_code"),
            ("phone_number", "contact.phone_national"),
            ("list_id", "=101"),
            ("email", "contact.email"),
        ];
        assert_eq!(
            text(Format::Form, &map, 1),
            "first_name=Ana&last_name=de%20Ejemplo&list_id=101&phone_code=34&phone_number=600000000"
        );
        let standard: Value = serde_json::from_str(&text(Format::Standard, &map[..1], 1)).unwrap();
        assert_eq!(standard["data"], json!({"first_name": "Ana"}));
    }

    #[test]
    fn a_body_that_is_too_large_does_without_what_matters_least() {
        let large: Value = serde_json::from_str(&text(Format::Json, &[], MOST)).unwrap();
        assert_eq!(large["left_out"], json!(["match_hints.pages", "stays", "contact.fields"]));
        assert_eq!(large["contact"]["phone"], "+34600000000");
        assert_eq!(large["match_hints"]["language"], "es");
        let map: BTreeMap<_, _> = [("x".to_owned(), "contact.name".to_owned())].into();
        let endless = json!({"contact": {"name": "x".repeat(MOST)}});
        assert!(write(Format::Json, &map, MessageType::LeadCreated, 0, endless).is_err());
    }
}
