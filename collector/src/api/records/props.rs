//! The properties of what happened elsewhere: what has a meaning of its own, what is personal, and the rest.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wire::{
    beacon::Mode,
    limits,
    redact::{self, Rules},
};

use crate::{
    api::{check, json},
    domain::{activity::ActivityKind, event::Prop, site::SiteConfig},
    error::Problem,
    vault::PersonalData,
};

/// Properties of free text about people.
const TEXTS: [&str; 5] = ["text", "comment", "summary", "transcript", "note"];
/// A free text may be so long, in bytes.
const MOST_TEXT: usize = 10_000;
/// Names of messages and links may be so long, in bytes.
const MOST_NAME: usize = 256;

/// Properties, sorted.
#[derive(Default)]
pub struct Props {
    /// Of e-mails: the sender's own name of the message. It is an id, and kept as it came.
    pub message: Option<String>,
    /// Of e-mails: the campaign.
    pub campaign: Option<String>,
    /// Of e-mails: which link; an address is redacted.
    pub link: Option<String>,
    /// Of surveys: 0 to 10.
    pub score: Option<u8>,
    /// What else there is, redacted.
    pub others: BTreeMap<String, Prop>,
    /// What is kept with the contact details.
    pub note: Option<PersonalData>,
}

impl Props {
    /// Sorts and checks them. Empty ones count as absent.
    ///
    /// # Errors
    /// 400, pointing at what is wrong.
    pub fn read(
        kind: ActivityKind,
        config: &SiteConfig,
        given: BTreeMap<String, Value>,
    ) -> Result<Self, Problem> {
        if given.len() > limits::PROPS {
            return Err(Problem::invalid_at("/props", format!("must be at most {}", limits::PROPS)));
        }
        let mut props = Self::default();
        let mut note = PersonalData::default();
        for (name, value) in given {
            let at = format!("/props/{name}");
            json::plain(&at, &name, MOST_NAME)?;
            if value.is_null() {
                continue;
            }
            match name.as_str() {
                "message" if kind.is_email() => props.message = label(&at, value)?,
                "campaign" if kind.is_email() => props.campaign = check::label(&at, label(&at, value)?)?,
                "link" if kind.is_email() => props.link = link(&at, value, config)?,
                "score" if kind == ActivityKind::SurveyResponse => {
                    let score = value.as_u64().and_then(|score| u8::try_from(score).ok());
                    let score = score.filter(|score| *score <= 10);
                    let wrong = || Problem::invalid_at(&at, "must be a whole number from 0 to 10");
                    props.score = Some(score.ok_or_else(wrong)?);
                }
                "agent" => note.by = text(&at, value, 128)?,
                free if TEXTS.contains(&free) => {
                    note.fields.extend(text(&at, value, MOST_TEXT)?.map(|text| (name, text)));
                }
                _ => {
                    if let Some(value) = prop(&at, value)? {
                        props.others.entry(redact::text(&name)).or_insert(value);
                    }
                }
            }
        }
        props.note = (note != PersonalData::default()).then_some(note);
        Ok(props)
    }

    /// What must be the same for them to be the same.
    #[must_use]
    pub fn content(&self) -> Value {
        json!([self.message, self.campaign, self.link, self.score, self.others, self.note])
    }
}

/// A text without control characters and surrounding space; absent where nothing is left. Lines of free text stay.
fn text(pointer: &str, value: Value, most: usize) -> Result<Option<String>, Problem> {
    let Value::String(mut text) = value else {
        return Err(Problem::invalid_at(pointer, "must be a text"));
    };
    text.retain(|letter| letter == '\n' || !letter.is_control());
    let text = text.trim();
    if text.len() > most {
        return Err(Problem::invalid_at(pointer, format!("must be at most {most} bytes")));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// A short name; senders may number theirs.
fn label(pointer: &str, value: Value) -> Result<Option<String>, Problem> {
    let value = match value {
        Value::Number(number) => Value::String(number.to_string()),
        value => value,
    };
    let text = text(pointer, value, MOST_NAME)?;
    Ok(text.map(|text| text.replace('\n', " ")))
}

fn link(pointer: &str, value: Value, config: &SiteConfig) -> Result<Option<String>, Problem> {
    let rules =
        Rules { mode: Mode::Full, query_keys: &config.query_keys, anonymous_utm: config.anonymous_utm };
    let link = text(pointer, value, limits::URL)?.map(|link| link.replace('\n', ""));
    match link {
        Some(link) if link.contains(':') => Ok(Some(redact::url(&link, rules))),
        Some(link) => label(pointer, Value::String(link)),
        None => Ok(None),
    }
}

fn prop(pointer: &str, value: Value) -> Result<Option<Prop>, Problem> {
    Ok(match value {
        Value::Bool(value) => Some(Prop::Bool(value)),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Some(Prop::Int(number)),
            None => number.as_f64().map(Prop::Number),
        },
        Value::String(_) => {
            let text = text(pointer, value, limits::PROP_TEXT)?;
            text.map(|text| Prop::Text(redact::text(&text.replace('\n', " "))))
        }
        _ => return Err(Problem::invalid_at(pointer, "must be a text, a number, true or false")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: ActivityKind, props: Value) -> Result<Props, String> {
        let given = serde_json::from_value(props).unwrap();
        let read = Props::read(kind, &SiteConfig::default(), given);
        read.map_err(|problem| problem.errors.first().map_or_else(String::new, |error| error.pointer.clone()))
    }

    #[test]
    fn what_is_personal_goes_to_the_note_and_what_looks_like_it_is_cut() {
        let props = json!({
            "comment": "llamar a Ana\nmañana", "agent": "Eva Ejemplo", "sala": "B", "minutos": 42, "nota": 9.5, "pagado": true,
            "quien": "ana@example.com", "600 000 000": "x", "vacio": " ", "nada": null,
        });
        let read = read(ActivityKind::WebinarAttended, props).ok().unwrap();
        let note = read.note.unwrap();
        assert_eq!(note.fields["comment"], "llamar a Ana\nmañana");
        assert_eq!(note.by.as_deref(), Some("Eva Ejemplo"));
        let others: Vec<&str> = read.others.keys().map(String::as_str).collect();
        assert_eq!(others, ["minutos", "nota", "pagado", "quien", "sala", "…"]);
        let text = json!(read.others).to_string();
        assert!(!text.contains("example.com") && !text.contains("600"), "{text}");
    }

    #[test]
    fn a_message_is_named_as_its_sender_names_it_and_addresses_lose_their_queries() {
        let props = json!({"message": 2_026_112_601_i64, "campaign": "otoño", "link": "https://example.com/a?token=1&utm_id=7"});
        let email = read(ActivityKind::EmailClicked, props).ok().unwrap();
        assert_eq!(email.message.as_deref(), Some("2026112601"));
        assert_eq!(email.campaign.as_deref(), Some("otoño"));
        assert_eq!(email.link.as_deref(), Some("https://example.com/a?utm_id=7"));
        assert!(email.others.is_empty() && email.note.is_none());
        let other = read(ActivityKind::Custom, json!({"message": "x", "score": 99})).ok().unwrap();
        assert_eq!(
            (other.message, other.score, other.others.len()),
            (None, None, 2),
            "these mean nothing here"
        );
    }

    #[test]
    fn what_cannot_be_is_pointed_at() {
        let survey = |score: Value| read(ActivityKind::SurveyResponse, json!({"score": score}));
        for score in [0, 7, 10] {
            assert_eq!(survey(json!(score)).ok().unwrap().score, Some(score));
        }
        for score in [json!(11), json!(-1), json!(9.5), json!("9"), json!(true), json!(300)] {
            assert_eq!(survey(score.clone()).err().unwrap(), "/props/score", "{score}");
        }
        let many: serde_json::Map<_, _> = (0..21).map(|n| (format!("p{n}"), json!(n))).collect();
        let cases = [
            (json!({"a": {"b": 1}}), "/props/a"),
            (json!({"a": [1]}), "/props/a"),
            (json!({"a": "x".repeat(257)}), "/props/a"),
            (json!({"": 1}), "/props/"),
            (json!({"comment": 7}), "/props/comment"),
            (json!({"comment": "x".repeat(10_001)}), "/props/comment"),
            (json!({"agent": "x".repeat(129)}), "/props/agent"),
            (Value::Object(many), "/props"),
        ];
        for (props, pointer) in cases {
            assert_eq!(read(ActivityKind::Custom, props).err().unwrap(), pointer);
        }
        let long = json!({"message": "x".repeat(257)});
        assert_eq!(read(ActivityKind::EmailSent, long).err().unwrap(), "/props/message");
    }
}
