//! What the platforms' files look like.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use crate::{
    domain::{
        calendar,
        conversion::{self, Click, Conversion, Platform},
        currency,
        standing::Lead,
    },
    vault::PersonalData,
};

/// Columns of a file for Google Ads: offline conversions, by click or by person.
const GOOGLE: &[&str] = &[
    "Google Click ID",
    "GBRAID",
    "WBRAID",
    "Email",
    "Phone Number",
    "Conversion Name",
    "Conversion Time",
    "Conversion Value",
    "Conversion Currency",
    "Order ID",
    "Ad User Data",
    "Ad Personalization",
];

/// Columns of a file for Meta: events of its Conversions API.
const META: &[&str] = &[
    "event_name",
    "event_time",
    "event_id",
    "action_source",
    "em",
    "ph",
    "fbc",
    "value",
    "currency",
    "order_id",
];

/// The columns of a platform's file.
#[must_use]
pub fn columns(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::Google => GOOGLE,
        Platform::Meta => META,
    }
}

/// What a platform may know somebody by.
pub struct Known {
    /// The click that brought them.
    pub click: Option<Click>,
    /// Their e-mail address, hashed.
    pub email: Option<String>,
    /// Their telephone number, hashed.
    pub phone: Option<String>,
}

impl Known {
    /// What is known of a lead.
    #[must_use]
    pub fn of(platform: Platform, lead: &Lead, personal: Option<&PersonalData>) -> Self {
        let email = personal.and_then(|data| data.email.as_deref());
        let phone = personal.and_then(|data| data.phone.as_deref());
        Self {
            click: conversion::click(lead, platform),
            email: email.and_then(|email| conversion::email(platform, email)),
            phone: phone.and_then(|phone| conversion::phone(platform, phone)),
        }
    }

    /// Whether the person themselves is known.
    #[must_use]
    pub fn has_person(&self) -> bool {
        self.email.is_some() || self.phone.is_some()
    }

    /// Whether anything is.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.has_person() || self.click.is_some()
    }
}

/// A conversion's row, without the columns that have nothing to say. Times are in the site's zone (IANA).
#[must_use]
pub fn row(
    platform: Platform,
    name: &str,
    conversion: &Conversion,
    known: &Known,
    zone: &str,
) -> Map<String, Value> {
    let mut row = Map::new();
    let mut put = |column: &str, value: Option<Value>| {
        if let Some(value) = value {
            row.insert(column.to_owned(), value);
        }
    };
    let value = conversion.value.as_ref();
    let money = value.map(|(amount, currency)| json!(decimal(*amount, currency)));
    let currency = value.map(|(_, currency)| json!(currency));
    let (email, phone) =
        (known.email.as_ref().map(|hash| json!(hash)), known.phone.as_ref().map(|hash| json!(hash)));
    match platform {
        Platform::Google => {
            if let Some(click) = &known.click {
                let column = match click.kind {
                    "gbraid" => "GBRAID",
                    "wbraid" => "WBRAID",
                    _ => "Google Click ID",
                };
                put(column, Some(json!(click.id)));
            }
            put("Email", email);
            put("Phone Number", phone);
            put("Conversion Name", Some(json!(name)));
            put("Conversion Time", Some(json!(local(conversion.at, &calendar::zone(zone)))));
            put("Conversion Value", money);
            put("Conversion Currency", currency);
            put("Order ID", Some(json!(conversion.id)));
            put("Ad User Data", Some(json!("Granted")));
            put("Ad Personalization", Some(json!("Granted")));
        }
        Platform::Meta => {
            put("event_name", Some(json!(name)));
            put("event_time", Some(json!(conversion.at.div_euclid(1000))));
            put("event_id", Some(json!(conversion.id)));
            put("action_source", Some(json!("system_generated")));
            put("em", email);
            put("ph", phone);
            // The cookie that Meta's own script would have set for the click: version, level of the domain, time, id.
            put("fbc", known.click.as_ref().map(|click| json!(format!("fb.1.{}.{}", click.at, click.id))));
            put("value", money);
            put("currency", currency);
            put("order_id", value.map(|_| json!(conversion.id)));
        }
    }
    row
}

/// `2026-11-20 10:00:00+01:00`
fn local(at: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%:z").to_string()
}

/// Minor units as platforms read money: `1234.50`.
fn decimal(amount: i64, code: &str) -> String {
    let decimals = currency::decimals(code) as usize;
    let digits = format!("{:0>width$}", amount.unsigned_abs(), width = decimals + 1);
    let (whole, rest) = digits.split_at(digits.len() - decimals);
    let sign = if amount < 0 { "-" } else { "" };
    if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_and_times_are_written_as_platforms_read_them() {
        for (amount, code, expected) in [
            (123_450, "EUR", "1234.50"),
            (5, "EUR", "0.05"),
            (-150, "EUR", "-1.50"),
            (1_500, "JPY", "1500"),
            (1, "KWD", "0.001"),
        ] {
            assert_eq!(decimal(amount, code), expected);
        }
        let madrid = calendar::zone("Europe/Madrid");
        assert_eq!(local(1_795_165_200_999, &madrid), "2026-11-20 10:00:00+01:00");
    }
}
