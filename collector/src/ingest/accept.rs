//! Bytes → valid events, each judged alone: a bad one is named in the answer and harms no neighbour.

use serde_json::value::RawValue;
use wire::{
    event::{Event as WireEvent, Kind},
    limits,
    normalise::{Reason, Reject, normalise},
    redact::Rules,
};

use crate::{domain::clock_skew, error::Problem};

/// A beacon whose envelope is sound. The events are still text, one JSON value each.
pub type Beacon<'a> = wire::beacon::Beacon<&'a RawValue>;

/// Reads a beacon's envelope.
///
/// # Errors
/// 400 where it is not JSON or not an envelope, pointing at what is wrong; 413 for too many events.
pub fn parse(body: &[u8]) -> Result<Beacon<'_>, Problem> {
    crate::api::json::must_be_object(body)?;
    let beacon: Beacon<'_> = match serde_json::from_slice(body) {
        Ok(beacon) => beacon,
        Err(_) => return Err(explain(body)),
    };
    if beacon.v != limits::VERSION {
        return Err(Problem::invalid_at("/v", format!("must be {}", limits::VERSION)));
    }
    if beacon.visitor.as_deref().is_some_and(|visitor| !wire::id::is_valid(visitor)) {
        return Err(Problem::invalid_at("/visitor", "must be 1 to 64 characters of A-Z a-z 0-9 _ -"));
    }
    if beacon.events.len() > limits::EVENTS {
        return Err(Problem::too_large(format!("At most {} events in one beacon.", limits::EVENTS)));
    }
    Ok(beacon)
}

/// Parses once more, slowly, to say where it goes wrong. Only refused bodies pay for it.
fn explain(body: &[u8]) -> Problem {
    let mut reader = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, Beacon<'_>>(&mut reader) {
        Ok(_) => Problem::invalid_at("", "there is something after the JSON object"),
        Err(error) => crate::api::json::problem_of(&error),
    }
}

/// What a site and a moment add to the judgement of an event.
pub struct Judge<'a> {
    /// What redaction lets through.
    pub rules: Rules<'a>,
    /// The site's domains, and the page's own host.
    pub own: &'a [String],
    /// How far every `at` moves, in ms.
    pub shift: i64,
    /// The collector's clock.
    pub received_at: i64,
}

/// An event that is fit to be stored.
pub struct Valid {
    /// Normalised.
    pub event: WireEvent,
    /// What it is, after classification.
    pub kind: Kind,
    /// Its corrected time.
    pub at: i64,
}

/// An event that is not, and its id where it has one that can be shown.
pub struct Rejected {
    /// As sent.
    pub id: Option<String>,
    /// Why.
    pub reject: Reject,
}

impl Judge<'_> {
    /// Judges one event.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn judge(&self, raw: &RawValue) -> Result<Valid, Rejected> {
        let shape = |detail: &str| Rejected {
            id: None,
            reject: Reject { reason: Reason::Shape, detail: detail.to_owned() },
        };
        if !raw.get().starts_with('{') {
            return Err(shape("an event must be an object"));
        }
        let mut event: WireEvent = serde_json::from_str(raw.get()).map_err(|_| shape(&shape_of(raw)))?;
        let id = wire::id::is_valid(&event.id).then(|| event.id.clone());
        let rejected = |reject| Rejected { id: id.clone(), reject };
        let kind = normalise(&mut event, self.rules, self.own).map_err(rejected)?;
        let time = |detail: String| rejected(Reject { reason: Reason::Time, detail });
        let raw_at = event.at.ok_or_else(|| time("at: missing".to_owned()))?;
        let at = raw_at.saturating_add(self.shift);
        match clock_skew::implausible(at, self.received_at) {
            Some(why) => Err(time(format!("at: {why}"))),
            None => Ok(Valid { event, kind, at }),
        }
    }
}

/// Which field has the wrong type. The value itself is not repeated: somebody may have typed it.
fn shape_of(raw: &RawValue) -> String {
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    match serde_path_to_error::deserialize::<_, WireEvent>(&mut reader) {
        Ok(_) => "not readable".to_owned(),
        Err(error) => format!("{}: of the wrong type", error.path()),
    }
}

#[cfg(test)]
mod tests {
    use wire::beacon::Mode;

    use super::*;

    fn judge(event: &str) -> Result<Valid, Rejected> {
        let raw: &RawValue = serde_json::from_str(event).unwrap();
        let rules = Rules { mode: Mode::Full, query_keys: &[], anonymous_utm: true };
        let judge =
            Judge { rules, own: &["example.com".to_owned()], shift: 0, received_at: 1_795_310_400_000 };
        judge.judge(raw)
    }

    #[test]
    fn an_envelope_that_is_wrong_says_where() {
        let cases = [
            ("", ""),
            ("[1]", ""),
            (r#" [1,"v",null,"full","explicit",null,{},[]]"#, ""),
            ("nope", ""),
            (r#"{"events":[]}"#, "/v"),
            (r#"{"v":2,"events":[]}"#, "/v"),
            (r#"{"v":"1","events":[]}"#, "/v"),
            (r#"{"v":1}"#, ""),
            (r#"{"v":1,"events":{}}"#, "/events"),
            (r#"{"v":1,"mode":"all","events":[]}"#, "/mode"),
            (r#"{"v":1,"visitor":"a b","events":[]}"#, "/visitor"),
            (r#"{"v":1,"visitor":"a\u0000","events":[]}"#, "/visitor"),
            (r#"{"v":1,"sent":"now","events":[]}"#, "/sent"),
        ];
        for (body, pointer) in cases {
            let problem = parse(body.as_bytes()).unwrap_err();
            assert_eq!(problem.status, 400, "{body}");
            assert_eq!(problem.errors.first().map(|error| error.pointer.as_str()), Some(pointer), "{body}");
        }
        assert!(parse(br#"{"v":1,"events":[]} trailing"#).is_err());
        assert!(parse(b"{\"v\":1,\"events\":[\"\xff\"]}").is_err());
    }

    #[test]
    fn nesting_is_no_danger() {
        let deep = format!(r#"{{"v":1,"x":{}1{},"events":[]}}"#, "[".repeat(30_000), "]".repeat(30_000));
        assert!(deep.len() < limits::BODY_BYTES);
        drop(parse(deep.as_bytes()));
        let deep = format!(r#"{{"id":"a","props":{}1{}}}"#, "[".repeat(30_000), "]".repeat(30_000));
        assert!(judge_unchecked(&deep).is_err());
    }

    fn judge_unchecked(event: &str) -> Result<Valid, Rejected> {
        match serde_json::from_str::<&RawValue>(event) {
            Ok(_) => judge(event),
            Err(_) => {
                Err(Rejected { id: None, reject: Reject { reason: Reason::Shape, detail: String::new() } })
            }
        }
    }

    #[test]
    fn two_hundred_events_and_no_more() {
        let body = |count: usize| format!(r#"{{"v":1,"events":[{}]}}"#, vec!["1"; count].join(","));
        assert_eq!(parse(body(200).as_bytes()).unwrap().events.len(), 200);
        assert_eq!(parse(body(201).as_bytes()).unwrap_err().status, 413);
    }

    #[test]
    fn an_event_is_judged_alone() {
        let good =
            r#"{"id":"p-1","at":1795310400000,"page":"p","kind":"page_view","url":"https://example.com/"}"#;
        let valid = judge(good).ok().unwrap();
        assert_eq!((valid.kind, valid.at), (Kind::PageView, 1_795_310_400_000));
        let cases = [
            ("7", Reason::Shape),
            (r#"{"id":7}"#, Reason::Shape),
            (r#"{"id":"p-1","page":"p","kind":"page_view","url":"https://example.com/"}"#, Reason::Time),
            (&good.replace("1795310400000", "1"), Reason::Time),
            (&good.replace("p-1", "p 1"), Reason::Id),
            (&good.replace("page_view", "page_wiew"), Reason::Kind),
        ];
        for (event, reason) in cases {
            let rejected = judge(event).err().unwrap();
            assert_eq!(rejected.reject.reason, reason, "{event}: {}", rejected.reject.detail);
        }
    }
}
