//! Checks that the bodies of several resources share.

use serde_json::Value;
use wire::redact;

use super::query;
use crate::{domain::clock_skew, error::Problem};

pub use super::json::plain as short;

/// A short plain text, where it is given.
///
/// # Errors
/// As [`short`].
pub fn short_if_any(pointer: &str, text: Option<&str>, most: usize) -> Result<(), Problem> {
    text.map_or(Ok(()), |text| short(pointer, text, most))
}

/// A label that stands in the log: addresses and numbers that somebody typed into it are cut.
///
/// # Errors
/// As [`short`].
pub fn label(pointer: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    short_if_any(pointer, text.as_deref(), 128)?;
    Ok(text.map(|text| redact::text(&text)))
}

/// Any moment, however long ago or ahead: milliseconds, RFC 3339, or relative.
///
/// # Errors
/// 400 where it is none of them.
pub fn any_moment(pointer: &str, at: &Value, now: i64) -> Result<i64, Problem> {
    match at {
        Value::Number(ms) => {
            ms.as_i64().ok_or_else(|| Problem::invalid_at(pointer, "must be whole milliseconds"))
        }
        Value::String(text) => query::time(text, now).ok_or_else(|| {
            Problem::invalid_at(pointer, "must be milliseconds, RFC 3339, or relative such as -1h")
        }),
        _ => Err(Problem::invalid_at(pointer, "must be milliseconds or RFC 3339")),
    }
}

/// When something happened: milliseconds, RFC 3339, or relative; now, unless told.
///
/// # Errors
/// 400 where it is none of them, or not plausible.
pub fn moment(pointer: &str, at: Option<&Value>, now: i64) -> Result<i64, Problem> {
    let at = match at {
        None | Some(Value::Null) => now,
        Some(at) => any_moment(pointer, at, now)?,
    };
    match clock_skew::implausible(at, now) {
        Some(why) => Err(Problem::invalid_at(pointer, why)),
        None => Ok(at),
    }
}
