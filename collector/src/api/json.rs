//! Request bodies.

use actix_web::{HttpRequest, web::Payload};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::{error::Problem, ingest::body};

/// Reads a JSON body into a type.
///
/// # Errors
/// 415, 413, or 400 that points at what is wrong.
pub async fn read<T: DeserializeOwned>(request: &HttpRequest, payload: Payload) -> Result<T, Problem> {
    body::check_type(request.headers(), &["application/json"])?;
    let body = body::read(request.headers(), payload).await?;
    must_be_object(&body)?;
    let mut reader = serde_json::Deserializer::from_slice(&body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        // Where a name is expected, the parser takes any other value for a slip of the pen.
        match error.inner().is_syntax() && serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok() {
            true => Problem::invalid_at(pointer(error.path()), "must be one of the names that belong here"),
            false => problem_of(&error),
        }
    })?;
    reader.end().map_err(|_| Problem::invalid_at("", "there is something after the JSON value"))?;
    Ok(value)
}

/// A value that was read already as the type that it must be.
///
/// # Errors
/// 400 that points at what is wrong.
pub fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    if !value.is_object() {
        return Err(Problem::invalid_at("", "must be an object"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| problem_of(&error))
}

/// Refuses a text that is empty, too long, or holds control characters.
///
/// # Errors
/// 400 that points at it.
pub fn plain(pointer: &str, text: &str, most: usize) -> Result<(), Problem> {
    if text.is_empty() || text.len() > most || text.chars().any(char::is_control) {
        return Err(Problem::invalid_at(pointer, format!("must be 1 to {most} plain characters")));
    }
    Ok(())
}

/// Refuses what is JSON and no object: the parser would take an array's items for fields, in order.
///
/// # Errors
/// 400 where the text begins as an array does.
pub fn must_be_object(body: &[u8]) -> Result<(), Problem> {
    match body.trim_ascii_start().first() {
        Some(b'[') => Err(Problem::invalid_at("", "must be an object")),
        _ => Ok(()),
    }
}

/// The problem that a parser's error is: where, and what was expected there.
#[must_use]
pub fn problem_of(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let inner = error.inner();
    if inner.is_syntax() || inner.is_eof() {
        let detail = format!("not JSON, at line {} column {}", inner.line(), inner.column());
        return Problem::invalid_at("", detail);
    }
    // The parser repeats the value it did not like; somebody may have typed it.
    let text = inner.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let detail = match text.split_once(", expected ") {
        Some((_, expected)) => format!("must be {expected}"),
        None => text.chars().take(200).collect(),
    };
    Problem::invalid_at(pointer(error.path()), detail)
}

fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}
