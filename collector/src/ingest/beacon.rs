//! `POST /t/{site}`: a beacon.

use std::{collections::BTreeMap, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    http::header,
    web,
};
use serde::Serialize;
use wire::beacon::Mode;

use super::{
    body,
    client::{Client, is_proxied},
    cors,
    enrich::Headers,
    guard, numbers,
    place::Place,
    readers,
    shape::BeaconShape,
    sort::{self, Sorted},
};
use crate::{
    api::problem,
    app::App,
    domain::{fact::Entry, id::Id},
    error::Problem,
    project::directory::Site,
    store::Verdict,
};

/// The visitor's cookie.
pub const COOKIE: &str = "tz_v";
/// For how long it is kept.
pub const COOKIE_DAYS: u32 = 390;

/// What became of a beacon's events.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Answer {
    /// Stored now.
    pub accepted: u64,
    /// Stored before; nothing changed.
    pub duplicate: u64,
    /// Not kept, because the visitor's choice forbids it.
    pub withheld: u64,
    /// Refused, each with its reason.
    pub rejected: Vec<Refusal>,
    /// The visitor that the collector knows the browser by. In full mode only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visitor: Option<String>,
    /// Telephone numbers to show, by those that are printed on the page.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub numbers: BTreeMap<String, String>,
}

/// A refused event.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Refusal {
    /// Its place in the beacon.
    pub index: usize,
    /// Its id, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What is wrong with it.
    pub reason: String,
}

/// A beacon, answered when it is durable.
#[utoipa::path(
    post, path = "/t/{site}", tag = "public",
    params(("site" = String, Path, description = "The site's slug")),
    request_body(
        content((BeaconShape = "application/json"), (BeaconShape = "text/plain")),
        description = "A beacon, as JSON under either type; plain, gzip or br. docs/beacon.md has every kind of event",
    ),
    responses(
        (status = 200, description = "Durable; what became of each event", body = Answer),
        (status = 400, description = "Not JSON, or not an envelope", body = problem::Body),
        (status = 404, description = "No such site", body = problem::Body),
        (status = 413, description = "Over 64 KiB after decompression, or over 200 events", body = problem::Body),
        (status = 415, description = "Not text/plain or application/json; not gzip, br or identity", body = problem::Body),
        (status = 429, description = "Too many from this network, or for this site: send it again after Retry-After", body = problem::Body),
        (status = 503, description = "Not durable: send it again after Retry-After", body = problem::Body),
    )
)]
pub async fn post(app: web::Data<App>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let headers = Headers::of(request.headers());
    let slug = request.match_info().get("site").unwrap_or_default();
    let site = app.directory.site(slug);
    let credentials = may_have_credentials(site.as_deref(), &headers);
    let result = match &site {
        None => Err(Problem::not_found(format!("There is no site \"{}\".", printable(slug)))),
        Some(site) => receive(&app, site, &headers, &request, payload).await,
    };
    let mut response = match result {
        Ok(response) => response,
        Err(problem) => {
            app.metrics.refused(problem.status);
            problem::response(&problem)
        }
    };
    cors::allow_origin(&mut response, headers.origin.as_deref(), credentials);
    response
}

/// `OPTIONS /t/{site}`.
pub async fn options(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    let headers = Headers::of(request.headers());
    let site = app.directory.site(request.match_info().get("site").unwrap_or_default());
    let credentials = may_have_credentials(site.as_deref(), &headers);
    let mut response = HttpResponse::NoContent().finish();
    cors::allow_origin(&mut response, headers.origin.as_deref(), credentials);
    cors::allow_methods(&mut response);
    response
}

/// Where a client is. A country is beyond what anonymous mode may say: it knows a language and a class of screen. Whether
/// the network is a data centre's says nothing of a person, and is asked where an event is kept.
fn place(app: &App, mode: Mode, client: Client, request: &HttpRequest) -> Place {
    let datacentre = mode != Mode::Off && app.datacentres.have_client(client);
    let place =
        if mode == Mode::Full { app.places.of(client, &app.settings, request) } else { Place::default() };
    Place { datacentre, ..place }
}

/// Cookies are for pages on the site's own domains alone.
fn may_have_credentials(site: Option<&Site>, headers: &Headers) -> bool {
    let host = headers.origin_host();
    site.zip(host).is_some_and(|(site, host)| wire::arrival::is_own(&host, &site.config.domains))
}

/// A slug is somebody else's text: it is shown back short and plain.
fn printable(slug: &str) -> String {
    slug.chars().filter(char::is_ascii_graphic).take(wire::limits::SITE).collect()
}

async fn receive(
    app: &App,
    site: &Site,
    headers: &Headers,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let began = Instant::now();
    let client = Client::of(&app.settings, request);
    app.limits.admit(site.number, client)?;
    body::check_type(request.headers(), &["text/plain", "application/json"])?;
    let body = guard::expand(body::read(request.headers(), payload).await?);
    let received_at = app.clock.now();
    let cookie = request.cookie(COOKIE).and_then(|cookie| Id::parse(cookie.value()));
    let has_cookie = cookie.is_some();
    let Sorted { mut append, refusals, mode, visitor, email_click } = sort::beacon(
        app,
        site,
        headers,
        |mode| place(app, mode, client, request),
        &body,
        cookie,
        received_at,
    )?;
    if let (Some((event, token)), Some(Entry::Arrival(arrival))) = (email_click, &mut append.entry) {
        arrival.email_link = readers::landed(app, site, event, &token, received_at).await;
    }
    let withheld: u64 = append.tally.withheld.values().sum();

    if let Some(Entry::Arrival(arrival)) = &append.entry {
        numbers::seen(app, site, arrival);
    }
    let asked = match &append.entry {
        // Nobody saw a number that a page could not show.
        Some(Entry::Arrival(arrival)) if request.query_string() == numbers::ASKED => {
            numbers::asked(app, site, arrival)
        }
        _ => None,
    };
    let appended = app.store.append(append).await?;
    app.metrics.acknowledged(began.elapsed());
    let numbers = match asked {
        Some(asked) => numbers::shown(app, site, asked).await,
        None => BTreeMap::new(),
    };

    let stored =
        appended.verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Stored(_))).count() as u64;
    let answer = Answer {
        accepted: stored,
        duplicate: appended.verdicts.len() as u64 - stored,
        withheld,
        rejected: refusals,
        visitor: visitor.as_ref().map(Id::to_string),
        numbers,
    };
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if let Some(domain) = cookie_domain(request, site) {
        let secure = is_https(app, request);
        match (&visitor, mode) {
            (Some(visitor), Mode::Full) if !has_cookie => {
                response.cookie(visitor_cookie(visitor.to_string(), domain, COOKIE_DAYS, secure));
            }
            (_, Mode::Off) if request.cookie(COOKIE).is_some() => {
                response.cookie(visitor_cookie(String::new(), domain, 0, secure));
            }
            _ => {}
        }
    }
    Ok(response.json(answer))
}

/// The site's domain that the request came to: the cookie's. `None` where the collector is reached by a name that is
/// not the site's, where a cookie would be a third party's.
fn cookie_domain<'a>(request: &'a HttpRequest, site: &'a Site) -> Option<&'a str> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    let host = host
        .rsplit_once(':')
        .map_or(host, |(name, port)| if port.parse::<u16>().is_ok() { name } else { host });
    site.config.domains.iter().map(String::as_str).find(|domain| wire::arrival::is_own(host, &[domain]))
}

/// Whether the page reached the collector over https: as it was told, or as a trusted proxy says.
fn is_https(app: &App, request: &HttpRequest) -> bool {
    let forwarded = || {
        let said = request.headers().get("x-forwarded-proto").and_then(|said| said.to_str().ok());
        said == Some("https") && is_proxied(&app.settings, request)
    };
    app.settings.public_url.starts_with("https://") || forwarded()
}

fn visitor_cookie(value: String, domain: &str, days: u32, secure: bool) -> Cookie<'static> {
    let mut cookie = Cookie::build(COOKIE, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .max_age(Duration::days(days.into()));
    // A browser takes a Domain only where there is a domain: addresses and single names are host-only.
    if domain.contains('.') && domain.parse::<std::net::IpAddr>().is_err() {
        cookie = cookie.domain(domain.to_owned());
    }
    cookie.finish()
}
