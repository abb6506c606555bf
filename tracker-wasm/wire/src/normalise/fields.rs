//! What is done to one field, whatever kind it belongs to.

use super::{Reason, Reject};
use crate::{event::Kind, id, limits, redact, scan::is_control};

/// What is wrong with a field that is not there.
const MISSING: &str = "missing";

/// A rejection for a field that the kind needs.
pub(super) fn missing(field: &str) -> Reject {
    reject(field, MISSING)
}

/// A rejection for what is wrong with a field.
pub(super) fn reject(field: &str, what: &str) -> Reject {
    rejected(Reason::Field, field, what)
}

fn rejected(reason: Reason, field: &str, what: &str) -> Reject {
    let mut detail = String::with_capacity(field.len() + 2 + what.len());
    detail.push_str(field);
    detail.push_str(": ");
    detail.push_str(what);
    Reject { reason, detail }
}

/// Names the kind that does not exist, as far as it is short and plain, and those that do.
pub(super) fn unknown_kind(kind: &str) -> Reject {
    if kind.is_empty() {
        return rejected(Reason::Kind, "kind", MISSING);
    }
    let mut what = String::from("\"");
    what.extend(
        redact::text(kind).chars().filter(|char| (' '..='~').contains(char) && *char != '"').take(40),
    );
    what.push_str("\" is not one of ");
    for (place, known) in Kind::ALL.into_iter().enumerate() {
        if place > 0 {
            what.push_str(", ");
        }
        what.push_str(known.as_str());
    }
    rejected(Reason::Kind, "kind", &what)
}

/// An id as [`id::is_valid`] has it.
pub(super) fn check_id(field: &str, id: &str) -> Result<(), Reject> {
    if id.is_empty() {
        return Err(rejected(Reason::Id, field, MISSING));
    }
    if id::is_valid(id) {
        Ok(())
    } else {
        Err(rejected(Reason::Id, field, "not 1 to 64 of A-Z, a-z, 0-9, _ and -"))
    }
}

/// A text without control characters, without blanks around it, and with no two blanks in a row. Tabs and line breaks
/// are blanks.
pub(super) fn clean(text: String) -> String {
    let mut blank = true;
    let mut dirty = false;
    for char in text.chars() {
        dirty |= is_control(char) || (blank && char == ' ');
        blank = char == ' ';
    }
    if !dirty && (!blank || text.is_empty()) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, ' ' | '\t' | '\n' | '\r') {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
        } else if !is_control(char) {
            out.push(char);
        }
    }
    out.truncate(out.trim_ascii_end().len());
    out
}

/// Cuts a text to so many bytes, at the end of a character, and the blank that may then be its last.
pub(super) fn cut(text: &mut String, limit: usize) {
    if text.len() <= limit {
        return;
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.truncate(text.trim_ascii_end().len());
}

/// A name: clean, absent where it is empty, rejected where it is longer than [`limits::NAME`].
pub(super) fn name(field: &str, text: Option<String>) -> Result<Option<String>, Reject> {
    let text = text.map(clean).filter(|text| !text.is_empty());
    match text {
        Some(text) if text.len() > limits::NAME => Err(reject(field, "longer than 256 bytes")),
        text => Ok(text),
    }
}

/// A text that is redacted and cut, absent where it is empty. Redacted first, so that no half of an address is left at
/// the cut; and again after it, because half a number may look like a whole one.
pub(super) fn bounded(text: &str, limit: usize, redact: &dyn Fn(&str) -> String) -> Option<String> {
    let mut text = redact(text);
    if text.len() > limit {
        cut(&mut text, limit);
        text = redact(&text);
    }
    (!text.is_empty()).then_some(text)
}
