//! Which error type goes where.
//!
//! - **`domain`** has none: its functions are total, or return `Option`.
//! - **`wire`** says why an event is rejected: [`wire::normalise::Reject`]. It becomes a line of the beacon's
//!   answer, never an HTTP error.
//! - **`store`** returns [`StoreError`], whose variants say whether trying again can help.
//! - **`vault`** returns [`VaultError`].
//! - **Start-up and the command line** use `anyhow`: the message is for an operator, who reads it once.
//! - **Everything that answers HTTP** returns [`Problem`]. 4xx explain themselves to the sender. 5xx hide the
//!   cause: it is logged, once, where the answer is made (`api::problem`), and the sender sees only what to do.

use std::{borrow::Cow, fmt};

use crate::{store::StoreError, vault::VaultError};

/// An error as the API tells it (RFC 9457).
#[derive(Debug)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// Stable, for programs: `type` is `/problems/<code>`.
    pub code: &'static str,
    /// For people, the same for every problem of this code.
    pub title: &'static str,
    /// For people, about this one.
    pub detail: Cow<'static, str>,
    /// What is wrong with the input, by JSON pointer.
    pub errors: Vec<FieldError>,
    /// The ids of those that may be meant, where several may.
    pub candidates: Option<Box<Candidates>>,
    /// After how many seconds to try again.
    pub retry_after: Option<u32>,
    /// For the log alone.
    pub cause: Option<Box<str>>,
}

/// The ids of those that may be meant, newest first.
#[derive(Debug, Clone)]
pub struct Candidates(pub Vec<String>);

/// What is wrong with one part of the input.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// JSON pointer into the body, or the name of a query parameter.
    pub pointer: String,
    /// What is wrong.
    pub detail: String,
}

impl Problem {
    fn new(
        status: u16,
        code: &'static str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            title,
            detail: detail.into(),
            errors: Vec::new(),
            candidates: None,
            retry_after: None,
            cause: None,
        }
    }

    /// 400: the body or a parameter is not what it should be.
    pub fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "invalid", "The request is not valid", detail)
    }

    /// 400, pointing at the place.
    pub fn invalid_at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let (pointer, detail) = (pointer.into(), detail.into());
        let mut problem = Self::invalid(format!("{pointer}: {detail}"));
        problem.errors.push(FieldError { pointer, detail });
        problem
    }

    /// 401: no token, or one that is not known.
    pub fn unauthorized() -> Self {
        Self::new(
            401,
            "unauthorized",
            "A token is needed",
            "Send `Authorization: Bearer tz_…` with a token that is known and has not expired.",
        )
    }

    /// 403: the token does not allow it.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(403, "forbidden", "The token does not allow this", detail)
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(404, "not-found", "There is no such thing", detail)
    }

    /// 405: the thing is there, the method is not.
    pub fn method_not_allowed() -> Self {
        Self::new(405, "method-not-allowed", "The method is not allowed here", "See the Allow header.")
    }

    /// 409: it contradicts what stands.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(409, "conflict", "This contradicts what stands", detail)
    }

    /// 413: too large, or too many events.
    pub fn too_large(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(413, "too-large", "The body is too large", detail)
    }

    /// 415: not a content type or encoding that is understood.
    pub fn unsupported_media(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(415, "unsupported-media-type", "The content type is not understood", detail)
    }

    /// 408: the body did not come in time.
    pub fn too_slow(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(408, "too-slow", "The request did not come in time", detail)
    }

    /// 429: too many requests; the same one may be sent again after so many seconds.
    pub fn too_many(detail: impl Into<Cow<'static, str>>, retry_after: u32) -> Self {
        let mut problem = Self::new(429, "too-many-requests", "Too many requests", detail);
        problem.retry_after = Some(retry_after);
        problem
    }

    /// 503: not now; the same request may be sent again.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        let mut problem = Self::new(
            503,
            "unavailable",
            "The collector cannot store anything right now",
            "Nothing of this request was kept. Send it again after the time in Retry-After.",
        );
        problem.retry_after = Some(2);
        problem.cause = Some(cause.to_string().into());
        problem
    }

    /// 503: too much comes at once; the same request may be sent again. Whoever refuses says so in the log, now and
    /// then: a line for each would be one more load.
    #[must_use]
    pub fn busy() -> Self {
        let mut problem = Self::unavailable("");
        problem.cause = None;
        problem
    }

    /// 500: our fault; trying again will not help.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let mut problem = Self::new(
            500,
            "internal",
            "Something went wrong in the collector",
            "It was logged. Trying again will probably not help.",
        );
        problem.cause = Some(cause.to_string().into());
        problem
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.detail)
    }
}

impl std::error::Error for Problem {}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            // The store says so in its own time, once for all whom it refuses.
            StoreError::Busy | StoreError::NotDurable => Self::busy(),
            error if error.is_retryable() => Self::unavailable(error),
            error => Self::internal(error),
        }
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Store(error) => error.into(),
            error => Self::internal(error),
        }
    }
}
