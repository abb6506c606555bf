//! A message in the receiver's own words: its names, and under each a path into the data, or a text with paths in it.
//!
//! `contact.phone` is a path. What begins with `=` is a text, in which `{contact.name}` gives way to what is there: `=101` is
//! always 101, `=Lead: {contact.name}` is a sentence.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The paths there are, and under which what follows is the site's own.
const PATHS: &[&str] = &[
    "type",
    "timestamp",
    "site",
    "id",
    "kind",
    "created_at",
    "updated_at",
    "stage",
    "entered_at",
    "score",
    "form",
    "magnet",
    "person",
    "duplicate_of",
    "confirmed",
    "external_id",
    "product",
    "objection",
    "value",
    "visitors",
    "flags",
    "contact.name",
    "contact.first_name",
    "contact.last_name",
    "contact.email",
    "contact.phone",
    "contact.phone_raw",
    "contact.chat",
    "contact.phone_country_code",
    "contact.phone_national",
    "consent.text_version",
    "consent.purposes",
    "consent.at",
    "attempts.count",
    "attempts.first_attempt_at",
    "attempts.first_contact_at",
    "sales.count",
    "match_hints.language",
    "match_hints.device",
    "match_hints.campaign",
    "match_hints.pages",
    "match_hints.last_agent",
    "since",
    "expected",
    "endpoint",
    "health",
    "status",
];
const OWN: &[&str] = &["contact.fields.", "fit.", "crm.", "sales.amounts.", "record."];
const TOUCHES: &[&str] = &["origin.first.", "origin.last.", "origin.last_non_direct."];
const OF_TOUCH: &[&str] = &[
    "at",
    "channel",
    "source",
    "medium",
    "campaign",
    "campaign_id",
    "adset",
    "ad",
    "content",
    "term",
    "landing",
    "referrer",
    "reason",
];

/// Whether there is such a path.
#[must_use]
pub fn is_path(path: &str) -> bool {
    let after =
        |prefixes: &[&str]| prefixes.iter().find_map(|prefix| path.strip_prefix(prefix)).map(str::to_owned);
    PATHS.contains(&path)
        || after(OWN).is_some_and(|name| !name.is_empty())
        || after(TOUCHES).is_some_and(|name| {
            OF_TOUCH.contains(&name.as_str())
                || name.strip_prefix("click_ids.").is_some_and(|name| !name.is_empty())
        })
}

/// The first path in a map's value that there is not.
#[must_use]
pub fn unknown(value: &str) -> Option<&str> {
    match value.strip_prefix('=') {
        None => (!is_path(value)).then_some(value),
        Some(text) => pieces(text).find_map(|piece| match piece {
            Piece::Path(path) if !is_path(path) => Some(path),
            _ => None,
        }),
    }
}

/// The data under the receiver's names.
#[must_use]
pub fn mapped(data: &Value, map: &BTreeMap<String, String>) -> Map<String, Value> {
    let value = |value: &String| match value.strip_prefix('=') {
        None => at(data, value).cloned().unwrap_or(Value::Null),
        Some(text) => Value::String(
            pieces(text)
                .map(|piece| match piece {
                    Piece::Text(text) => text.to_owned(),
                    Piece::Path(path) => at(data, path).map(plain).unwrap_or_default(),
                })
                .collect(),
        ),
    };
    map.iter().map(|(name, path)| (name.clone(), value(path))).collect()
}

/// The data as flat names and texts: `contact.phone`, `flags.0`. What is null or empty is left out.
#[must_use]
pub fn flat(data: &Value) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    flatten(String::new(), data, &mut pairs);
    pairs
}

fn flatten(name: String, value: &Value, pairs: &mut Vec<(String, String)>) {
    let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        Value::Null => {}
        Value::Object(fields) => fields.iter().for_each(|(key, value)| flatten(below(key), value, pairs)),
        Value::Array(items) => {
            (0..).zip(items).for_each(|(index, value)| flatten(below(&format!("{index}")), value, pairs));
        }
        value => pairs.push((name, plain(value))),
    }
}

/// What stands at a path; names with dots of their own are found whole.
fn at<'a>(data: &'a Value, path: &str) -> Option<&'a Value> {
    if let Some(found) = data.get(path) {
        return Some(found);
    }
    let splits = path.match_indices('.');
    splits.filter_map(|(dot, _)| at(data.get(path.get(..dot)?)?, path.get(dot + 1..)?)).next()
}

/// A value as a person writes it: lists with commas.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}

enum Piece<'a> {
    Text(&'a str),
    Path(&'a str),
}

/// A text cut at its `{…}`; a brace without its other half is text.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut path = None;
    std::iter::from_fn(move || {
        if let Some(path) = path.take() {
            return Some(Piece::Path(path));
        }
        if rest.is_empty() {
            return None;
        }
        let cut = rest.split_once('{').and_then(|(before, after)| {
            let (inner, behind) = after.split_once('}')?;
            Some((before, inner, behind))
        });
        let Some((before, inner, behind)) = cut else { return Some(Piece::Text(std::mem::take(&mut rest))) };
        (rest, path) = (behind, Some(inner));
        Some(Piece::Text(before))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn data() -> Value {
        json!({
            "id": "l_1", "score": null, "flags": ["invalid_email"],
            "contact": {"name": "Ana Ejemplo", "phone": "+34600000000", "fields": {"dni.nif": "x", "ciudad": "Madrid"}},
            "origin": {"last": {"campaign": "otoño"}},
        })
    }

    #[test]
    fn names_are_the_receiver_s_and_values_are_found_by_path() {
        let map = [
            ("phone_number", "contact.phone"),
            ("list_id", "=101"),
            ("text", "={contact.name} ({origin.last.campaign}), {score}{contact.email}"),
            ("city", "contact.fields.ciudad"),
            ("dni", "contact.fields.dni.nif"),
            ("none", "contact.email"),
            ("odd", "={ {id} }"),
        ];
        let map = map.map(|(name, path)| (name.to_owned(), path.to_owned())).into();
        let expected = json!({
            "phone_number": "+34600000000", "list_id": "101", "text": "Ana Ejemplo (otoño), ", "city": "Madrid",
            "dni": "x", "none": null, "odd": " }",
        });
        assert_eq!(Value::Object(mapped(&data(), &map)), expected);
    }

    #[test]
    fn flat_names_lead_to_everything() {
        let pairs = flat(&data());
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert!(
            pairs.contains(&("contact.phone", "+34600000000"))
                && pairs.contains(&("flags.0", "invalid_email"))
        );
        assert!(!pairs.iter().any(|(name, _)| *name == "score"), "{pairs:?}");
    }

    #[test]
    fn a_path_that_there_is_not_is_named() {
        for known in [
            "contact.phone",
            "contact.fields.ciudad",
            "origin.last.click_ids.gclid",
            "fit.size",
            "=anything",
            "={contact.name}",
            "={open",
            "=",
        ] {
            assert_eq!(unknown(known), None, "{known}");
        }
        for (value, path) in [
            ("contact.telefono", "contact.telefono"),
            ("contact.fields.", "contact.fields."),
            ("origin.last.click_ids", "origin.last.click_ids"),
            ("=Hola {nombre}", "nombre"),
            ("", ""),
        ] {
            assert_eq!(unknown(value), Some(path));
        }
    }
}
