//! Query parameters: times, cursors, limits. And times on their way out.

use std::collections::BTreeMap;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, Header as _},
    web,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{Timestamp, ToSpan as _};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::csv;
use crate::error::Problem;

/// The parameters of a request.
pub struct Query {
    values: BTreeMap<String, String>,
    now: i64,
    path: String,
    /// Whether the request would rather have a table than JSON.
    accepts_csv: bool,
}

impl Query {
    /// Reads them. The first of several values counts.
    #[must_use]
    pub fn of(request: &HttpRequest, now: i64) -> Self {
        let mut values = BTreeMap::new();
        // Every query is a list of pairs: what is not well encoded is read as well as can be.
        let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
        for (name, value) in pairs.map(web::Query::into_inner).unwrap_or_default() {
            values.entry(name).or_insert(value);
        }
        Self { values, now, path: request.path().to_owned(), accepts_csv: prefers_csv(request) }
    }

    /// A parameter, unless it is absent or empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.values.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// A parameter that must be one of some names.
    ///
    /// # Errors
    /// 400 where it is none of them.
    pub fn one_of<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        serde_json::from_value(Value::String(text)).map(Some).map_err(|error| {
            let known = error.to_string();
            let known = known.split_once("expected ").map_or("a known name", |(_, expected)| expected);
            Problem::invalid_at(name, format!("must be {known}"))
        })
    }

    /// A moment: milliseconds, RFC 3339, or relative to now (`-7d`).
    ///
    /// # Errors
    /// 400 where it is none of them.
    pub fn time(&self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        time(&text, self.now).map(Some).ok_or_else(|| {
            Problem::invalid_at(
                name,
                "must be milliseconds since the epoch, RFC 3339, or relative such as -7d",
            )
        })
    }

    /// Whether something is asked for that is not unless it is.
    ///
    /// # Errors
    /// 400 where it is neither true nor false.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.text(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::invalid_at(name, "must be true or false")),
        }
    }

    /// How many items: 50 unless told, 500 at most.
    ///
    /// # Errors
    /// 400 where it is not a number from 1 to 500.
    pub fn limit(&self) -> Result<usize, Problem> {
        match self.text("limit").map(|text| text.parse()) {
            None => Ok(50),
            Some(Ok(limit @ 1..=500)) => Ok(limit),
            Some(_) => Err(Problem::invalid_at("limit", "must be a number from 1 to 500")),
        }
    }

    /// Where the last page ended.
    ///
    /// # Errors
    /// 400 where it is not a cursor of ours.
    pub fn cursor<T: DeserializeOwned>(&self) -> Result<Option<T>, Problem> {
        let Some(text) = self.text("cursor") else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let cursor = bytes.and_then(|bytes| rmp_serde::from_slice(&bytes).ok());
        cursor.map(Some).ok_or_else(|| Problem::invalid_at("cursor", "must be a `next` of an earlier page"))
    }

    /// Whether times are wanted as RFC 3339.
    fn iso(&self) -> bool {
        self.text("time").as_deref() == Some("iso")
    }

    /// An answer's body, with times as the request wants them.
    ///
    /// # Errors
    /// 500 where the value cannot be JSON.
    pub fn render<T: Serialize>(&self, value: &T) -> Result<Value, Problem> {
        let mut value = serde_json::to_value(value).map_err(Problem::internal)?;
        if self.iso() {
            iso_times(&mut value);
        }
        Ok(value)
    }

    /// Whether a table is wanted, and not JSON.
    ///
    /// # Errors
    /// 400 for a format that there is not.
    pub fn wants_csv(&self) -> Result<bool, Problem> {
        match self.text("format").as_deref() {
            None => Ok(self.accepts_csv),
            Some("csv") => Ok(true),
            Some("json") => Ok(false),
            Some(_) => Err(Problem::invalid_at("format", "must be json or csv")),
        }
    }

    /// A list (of `items`, or a report's `rows`) as the request wants it: JSON, or a table with these columns.
    ///
    /// # Errors
    /// 400 for a format that there is not; 500 where it cannot be written.
    pub fn list<T: Serialize>(&self, list: &T, columns: &[impl AsRef<str>]) -> Result<HttpResponse, Problem> {
        let wants_csv = self.wants_csv()?;
        let value = self.render(list)?;
        let mut response = HttpResponse::Ok();
        response.insert_header((header::VARY, "accept"));
        if !wants_csv {
            return Ok(response.json(value));
        }
        if let Some(next) = value["next"].as_str() {
            let pairs = self.values.iter().filter(|(name, _)| *name != "cursor");
            let pairs = pairs.map(|(name, value)| format!("{}={}&", escaped(name), escaped(value)));
            let next = format!("<{}?{}cursor={next}>; rel=\"next\"", self.path, pairs.collect::<String>());
            response.insert_header((header::LINK, next));
        }
        let items = value["items"].as_array().or_else(|| value["rows"].as_array());
        let table = csv::table(columns, items.map_or(&[], Vec::as_slice))?;
        Ok(response.content_type("text/csv; charset=utf-8").body(table))
    }
}

/// Whether `Accept` puts CSV before JSON.
fn prefers_csv(request: &HttpRequest) -> bool {
    let Ok(accept) = header::Accept::parse(request) else { return false };
    let ranked = accept.ranked();
    let place = |kind: &str| ranked.iter().position(|accepted| accepted.essence_str() == kind);
    place("text/csv").is_some_and(|csv| place("application/json").is_none_or(|json| csv < json))
}

/// A cursor, as it travels: opaque to everybody else.
///
/// # Errors
/// 500 where it cannot be packed.
pub fn cursor<T: Serialize>(after: &T) -> Result<String, Problem> {
    Ok(URL_SAFE_NO_PAD.encode(rmp_serde::to_vec(after).map_err(Problem::internal)?))
}

/// A value as it stands in the query of an address.
#[must_use]
pub fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// A moment, in ms since the epoch.
#[must_use]
pub fn time(text: &str, now: i64) -> Option<i64> {
    if let Ok(ms) = text.parse::<i64>()
        && !text.starts_with(['+', '-'])
    {
        return Some(ms);
    }
    if let Some(back) = text.strip_prefix('-') {
        let unit = back.chars().next_back()?;
        let count: i64 =
            back.strip_suffix(unit)?.parse().ok().filter(|count| (0..=100_000).contains(count))?;
        let span = match unit {
            's' => count.seconds(),
            'm' => count.minutes(),
            'h' => count.hours(),
            'd' => (count * 24).hours(),
            'w' => (count * 24 * 7).hours(),
            _ => return None,
        };
        return Some(Timestamp::from_millisecond(now).ok()?.checked_sub(span).ok()?.as_millisecond());
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// Turns every moment of an answer into RFC 3339: fields are named `at`, or end in `_at`.
fn iso_times(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(iso_times),
        Value::Object(fields) => {
            for (name, value) in fields {
                let moment = (name == "at" || name.ends_with("_at")).then(|| value.as_i64()).flatten();
                match moment.and_then(|ms| Timestamp::from_millisecond(ms).ok()) {
                    Some(moment) => *value = Value::String(moment.to_string()),
                    None => iso_times(value),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_three_ways() {
        let now = 1_795_310_400_000;
        assert_eq!(time("1795310400000", 0), Some(now));
        assert_eq!(time("2026-11-22T01:20:00Z", 0), Some(1_795_310_400_000));
        assert_eq!(time("2026-11-22T02:20:00+01:00", 0), Some(1_795_310_400_000));
        assert_eq!(time("-7d", now), Some(now - 7 * 86_400_000));
        assert_eq!(time("-90m", now), Some(now - 5_400_000));
        for bad in ["", "yesterday", "-7", "-d", "-7y", "-999999999999d", "+1", "2026-11-22", "-"] {
            assert_eq!(time(bad, now), None, "{bad:?}");
        }
    }

    #[test]
    fn iso_reaches_every_moment_and_nothing_else() {
        let mut value = serde_json::json!({"at": 0, "items": [{"created_at": 1000, "count": 5, "at": null}]});
        iso_times(&mut value);
        let expected = serde_json::json!({
            "at": "1970-01-01T00:00:00Z",
            "items": [{"created_at": "1970-01-01T00:00:01Z", "count": 5, "at": null}],
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn the_first_of_several_values_counts() {
        let request = actix_web::test::TestRequest::with_uri("/?a=%C3%A1+x&a=2&b=&c").to_http_request();
        let query = Query::of(&request, 0);
        assert_eq!(query.text("a").as_deref(), Some("á x"));
        assert_eq!((query.text("b"), query.text("c"), query.text("d")), (None, None, None));
    }
}
