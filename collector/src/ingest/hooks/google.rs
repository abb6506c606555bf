//! Google's lead forms in ads. JSON with the key in it that the advertiser gave the form.

use serde_json::{Value, json};

use super::{
    Asked, Pieces, Provider, Told, first_of, joined, json_of, platform_form,
    secrets::{Secrets, same},
    text, whole,
};
use crate::{
    api::leads_in::LeadBody,
    domain::{channel::Channel, touch::Touch},
};

/// See the module.
pub struct Google;

impl Provider for Google {
    fn is_genuine(&self, asked: &Asked<'_>, secrets: &Secrets) -> bool {
        // A body that cannot be read has no key in it; the one in the address was right.
        match json_of(asked.body) {
            Ok(value) => {
                same(&first_of(&value, &["google_key"]).unwrap_or_default(), secrets.value("google_key"))
            }
            Err(_) => true,
        }
    }

    fn read(&self, body: &[u8], _query: &str, _secrets: &Secrets, now: i64) -> Pieces {
        let read = json_of(body).and_then(|value| lead(&value, now));
        whole(body, read.map(|lead| Some(Told::Lead(Box::new(lead)))))
    }
}

fn lead(value: &Value, now: i64) -> Result<LeadBody, String> {
    let field = |name: &str| first_of(value, &[name]);
    let id = field("lead_id").ok_or("lead_id is missing")?;
    let columns = value.get("user_column_data").and_then(Value::as_array);
    let columns = columns.ok_or("user_column_data must be a list")?;
    let at = field("lead_submit_time").and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let at = at.map_or(now, jiff::Timestamp::as_millisecond).min(now);
    let mut lead = LeadBody {
        at: Some(json!(at)),
        flag: (field("is_test").as_deref() == Some("true")).then(|| "test".to_owned()),
        contactless: true,
        came: Some(Box::new(Touch {
            channel: Channel::PaidSearch,
            source: Some("google".to_owned()),
            medium: Some("lead_form".to_owned()),
            campaign_id: field("campaign_id"),
            adset: field("adgroup_id"),
            ad: field("creative_id"),
            content: field("form_id").map(|form| format!("form:{form}")),
            click_ids: field("gcl_id").map(|id| ("gclid".to_owned(), id)).into_iter().collect(),
            reason: None,
            ..Touch::unknown(at, "")
        })),
        ..platform_form(format!("google:{id}"))
    };
    let (mut first, mut last) = (None, None);
    for column in columns {
        let Some(answer) = column.get("string_value").and_then(text) else { continue };
        let name = first_of(column, &["column_id", "column_name"]).unwrap_or_default();
        match name.as_str() {
            "FULL_NAME" => lead.name = Some(answer),
            "FIRST_NAME" => first = Some(answer),
            "LAST_NAME" => last = Some(answer),
            "EMAIL" => lead.email = Some(answer),
            "WORK_EMAIL" => lead.email = lead.email.or(Some(answer)),
            "PHONE_NUMBER" => lead.phone = Some(answer),
            "WORK_PHONE" => lead.phone = lead.phone.or(Some(answer)),
            _ => drop(lead.fields.insert(name.to_lowercase(), answer)),
        }
    }
    lead.name = lead.name.or_else(|| joined(first, last));
    Ok(lead)
}
