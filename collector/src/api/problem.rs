//! Errors as answers: problem+json (RFC 9457). The one place where 5xx are logged.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde::Serialize;

use crate::error::{FieldError, Problem};

/// An error, as it is sent.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct Body {
    /// `/problems/<code>`; stable.
    #[serde(rename = "type")]
    kind: String,
    /// For people, the same for every problem of this type.
    title: String,
    /// The HTTP status.
    status: u16,
    /// For people, about this one.
    detail: String,
    /// What is wrong with the input, by JSON pointer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// The ids of those that may be meant, where several may.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidates: Vec<String>,
}

/// The answer that tells a problem.
#[must_use]
pub fn response(problem: &Problem) -> HttpResponse {
    if let Some(cause) = &problem.cause {
        tracing::error!(status = problem.status, code = problem.code, %cause, "a request could not be served");
    }
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.content_type("application/problem+json").insert_header((header::CACHE_CONTROL, "no-store"));
    if let Some(seconds) = problem.retry_after {
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    let body = Body {
        kind: format!("/problems/{}", problem.code),
        title: problem.title.to_owned(),
        status: problem.status,
        detail: problem.detail.to_string(),
        errors: problem.errors.clone(),
        candidates: problem.candidates.as_ref().map(|candidates| candidates.0.clone()).unwrap_or_default(),
    };
    // Set by hand: `json` would name a content type of its own.
    response.body(serde_json::to_string(&body).unwrap_or_default())
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        response(self)
    }
}
