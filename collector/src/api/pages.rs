//! The dashboard and the demo's landing pages, embedded in the binary.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{self, ContentType},
    },
    web,
};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::{app::App, error::Problem, ingest::body};

#[derive(RustEmbed)]
#[folder = "../www/dashboard"]
#[exclude = "test/*"]
struct Dashboard;

#[derive(RustEmbed)]
#[folder = "../www/landing"]
struct Landing;

/// The dashboard speaks to its own host alone, and runs nothing that is not a file of it.
const DASHBOARD_POLICY: &str =
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// `GET /` and below: the dashboard.
pub async fn dashboard(request: HttpRequest) -> Result<HttpResponse, Problem> {
    if request.method() != Method::GET {
        return Err(Problem::not_found("There is nothing here."));
    }
    let mut response = file::<Dashboard>(&request, request.path().trim_start_matches('/'))?;
    let policy = header::HeaderValue::from_static(DASHBOARD_POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// `GET /demo/…`: the landing pages, where `--demo` asked for them.
pub async fn demo(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    if !app.settings.demo {
        return Err(Problem::not_found("The demo is off; start with --demo."));
    }
    file::<Landing>(&request, &path)
}

/// `POST /demo/gracias`: where the demo's forms go. What was typed is read to its end, so that the connection stays in
/// order, and forgotten.
pub async fn thank_you(
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    if !app.settings.demo {
        return Err(Problem::not_found("The demo is off; start with --demo."));
    }
    body::read(request.headers(), payload).await?;
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, "/demo/gracias.html")).finish())
}

/// `GET /demo` → `/demo/`, so that relative links hold, with the query: it says which advertisement brought the visitor.
pub async fn demo_root(request: HttpRequest) -> HttpResponse {
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, format!("/demo/{query}"))).finish()
}

fn file<F: RustEmbed>(request: &HttpRequest, path: &str) -> Result<HttpResponse, Problem> {
    let path = if path.is_empty() { "index.html" } else { path };
    let EmbeddedFile { data, metadata } =
        F::get(path).ok_or_else(|| Problem::not_found("There is no such page."))?;
    let etag =
        format!("\"{}\"", uuid::Uuid::from_slice(&metadata.sha256_hash()[..16]).unwrap_or_default().simple());
    let known = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .is_some_and(|tag| tag.to_str().is_ok_and(|tag| tag.trim_start_matches("W/") == etag));
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "strict-origin-when-cross-origin"));
    if known {
        return Ok(response.finish());
    }
    match content_type(path) {
        Some(text) => response.content_type(text),
        None => response.content_type(ContentType::octet_stream()),
    };
    Ok(response.body(data.into_owned()))
}

fn content_type(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "webmanifest" => "application/json",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "pdf" => "application/pdf",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}
