//! `/hooks/{site}/{adapter}/{key}`: calls, messages and leads in the words of those who have them.
//!
//! Each adapter checks its provider's own signature and reads its bodies; what it read is told by the same functions as
//! `POST calls`, `POST messages` and `POST leads`, so it counts once however often a provider repeats itself. It is acknowledged
//! when it is durable. What no adapter reads stands by as a bad event, sealed, and can be tried again after a fix.
//!
//! - [`secrets`]: what a door opens by
//! - [`twilio`], [`callrail`], [`meta`], [`google`], [`chatwoot`], [`generic`]: one provider each
//! - [`graph`]: what a lead form of Meta was filled in with

pub mod callrail;
pub mod chatwoot;
pub mod generic;
pub mod google;
pub mod graph;
pub mod meta;
pub mod secrets;
pub mod twilio;

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::HeaderMap,
    web::{self, Bytes},
};
use serde_json::Value;
use tokio::task::JoinSet;

use self::secrets::{Secrets, same};
use super::{bad, body, client::Client};
use crate::{
    api::{
        calls::{self, CallBody},
        leads_in::{self, LeadBody},
        messages::{self, MessageBody},
        problem, records,
    },
    app::App,
    domain::{
        event::{Flag, LeadKind},
        fact::Entry,
        hook::Adapter,
    },
    error::Problem,
    project::directory::Site,
    store::Append,
};

/// Bytes of a body: Meta gathers up to a thousand notices.
const BODY_BYTES: usize = 256 * 1024;
/// Why nothing is tried again by a door that was closed.
const CLOSED: &str = "the site has no hook of this kind any more";
/// Pieces of a body that are told at a time: they share their group commits.
const AT_ONCE: usize = 32;

/// A request as an adapter sees it.
pub struct Asked<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// The address that the provider was given, with its query.
    pub url: &'a str,
    /// The query alone.
    pub query: &'a str,
    /// The body as it came.
    pub body: &'a [u8],
    /// When, ms since the epoch.
    pub now: i64,
}

impl Asked<'_> {
    /// A header's text; empty where it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// A value of the query; `None` where it is not there.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// What a provider told of.
pub enum Told {
    /// A call, or more about one.
    Call(Box<CallBody>),
    /// A message.
    Message(Box<MessageBody>),
    /// A lead, or more about one.
    Lead(Box<LeadBody>),
}

/// A part of a body that cannot be read.
pub struct Unread {
    /// What is wrong with it; nothing of what somebody typed.
    pub detail: String,
    /// The part, as a body of its own.
    pub raw: String,
}

/// The parts of a body, each by itself and with what it was read from. What is of no interest is left out.
pub type Pieces = Vec<(Result<Told, Unread>, String)>;

/// What a body tells of that is one piece.
fn whole(body: &[u8], read: Result<Option<Told>, String>) -> Pieces {
    let raw = || String::from_utf8_lossy(body).into_owned();
    match read {
        Ok(told) => told.map(|told| (Ok(told), raw())).into_iter().collect(),
        Err(detail) => vec![(Err(Unread { detail, raw: raw() }), String::new())],
    }
}

/// One provider.
trait Provider: Sync {
    /// Whether a request is the provider's.
    fn is_genuine(&self, asked: &Asked<'_>, secrets: &Secrets) -> bool;

    /// What a body tells of. `query` is the address's, `now` in ms since the epoch.
    fn read(&self, body: &[u8], query: &str, secrets: &Secrets, now: i64) -> Pieces;
}

fn provider(adapter: Adapter) -> &'static dyn Provider {
    match adapter {
        Adapter::Twilio => &twilio::Twilio,
        Adapter::Callrail => &callrail::Callrail,
        Adapter::Meta => &meta::Meta,
        Adapter::GoogleLeadForm => &google::Google,
        Adapter::Chatwoot => &chatwoot::Chatwoot,
        Adapter::Generic => &generic::Generic,
    }
}

/// A door that somebody stands at.
struct Door {
    site: Arc<Site>,
    adapter: Adapter,
    secrets: Secrets,
}

/// Whose door an address is, if its key is right.
///
/// # Errors
/// 404 where there is no such site or adapter; 403 for any other key; 429.
async fn door(app: &App, request: &HttpRequest, path: &(String, String, String)) -> Result<Door, Problem> {
    let (slug, adapter, key) = path;
    let none = || Problem::not_found("There is no such hook.");
    let site = app.directory.site(slug).ok_or_else(none)?;
    let adapter = Adapter::named(adapter).ok_or_else(none)?;
    app.limits.admit(site.number, Client::of(&app.settings, request))?;
    let secrets = Secrets::of(app, &site, adapter).await?;
    match secrets {
        Some(secrets) if same(key, &secrets.key) => Ok(Door { site, adapter, secrets }),
        _ => Err(refused(app, adapter, "key")),
    }
}

fn refused(app: &App, adapter: Adapter, reason: &'static str) -> Problem {
    app.metrics.hook(adapter.as_str(), reason, 1);
    let mut problem = Problem::forbidden("The key or the signature is not the one of this hook.");
    problem.title = "This was not sent by whom the hook is for";
    problem
}

/// Takes what a provider tells of.
#[utoipa::path(
    post, path = "/hooks/{site}/{adapter}/{key}", tag = "public",
    params(
        ("site" = String, Path),
        ("adapter" = String, Path, description = "twilio, callrail, meta, google-lead-form, chatwoot or generic"),
        ("key" = String, Path, description = "As `GET hooks` shows it"),
    ),
    request_body(content = String, description = "As the provider sends it; at most 256 KiB", content_type = "application/json"),
    responses(
        (status = 200, description = "It is durable: told, known already, of no interest, or kept as a bad event"),
        (status = 403, description = "Another key or signature: nothing is kept", body = problem::Body),
        (status = 404, body = problem::Body), (status = 413, body = problem::Body), (status = 429, body = problem::Body),
        (status = 503, body = problem::Body),
    )
)]
pub async fn post(
    app: web::Data<App>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let Door { site, adapter, secrets } = door(&app, &request, &path).await?;
    let body: Bytes = body::read_at_most(request.headers(), payload, BODY_BYTES).await?;
    let query = request.query_string().to_owned();
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let url = format!("{}{target}", app.settings.public_url);
    let now = app.clock.now();
    let asked = Asked { headers: request.headers(), url: &url, query: &query, body: &body, now };
    if !provider(adapter).is_genuine(&asked, &secrets) {
        return Err(refused(&app, adapter, "signature"));
    }
    let pieces = provider(adapter).read(&body, &query, &secrets, now);
    let mut unread = Vec::new();
    for outcome in tell_all(&app, &site, pieces).await? {
        match outcome {
            Ok(()) => app.metrics.hook(adapter.as_str(), "told", 1),
            Err(piece) => unread.push(piece),
        }
    }
    if !unread.is_empty() {
        app.metrics.hook(adapter.as_str(), "unread", unread.len() as u64);
        let (beacon, sealed) = bad::of_hook(&app.vault, site.number, adapter, &query, now, unread)?;
        let keep = crate::store::Bad::Keep { beacon, body: sealed };
        app.store.append(Append { bad: Some(keep), ..Append::nothing(site.number) }).await?;
    }
    Ok(match adapter {
        // An answer in its own language that asks for nothing.
        Adapter::Twilio => HttpResponse::Ok()
            .content_type("text/xml; charset=utf-8")
            .body("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response></Response>"),
        _ => HttpResponse::Ok().json(serde_json::json!({})),
    })
}

/// Answers the question by which Meta makes sure that the address is ours.
#[utoipa::path(
    get, path = "/hooks/{site}/{adapter}/{key}", tag = "public",
    params(
        ("site" = String, Path), ("adapter" = String, Path, description = "meta"), ("key" = String, Path),
        ("hub.mode" = String, Query), ("hub.verify_token" = String, Query), ("hub.challenge" = String, Query),
    ),
    responses(
        (status = 200, description = "The challenge", body = String, content_type = "text/plain"),
        (status = 403, body = problem::Body), (status = 404, body = problem::Body), (status = 429, body = problem::Body),
    )
)]
pub async fn get(
    app: web::Data<App>,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let Door { adapter, secrets, .. } = door(&app, &request, &path).await?;
    if adapter != Adapter::Meta {
        return Err(Problem::method_not_allowed());
    }
    let query = request.query_string();
    let asked = Asked { headers: request.headers(), url: "", query, body: b"", now: app.clock.now() };
    match meta::challenge(&asked, &secrets) {
        Some(challenge) => Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(challenge)),
        None => Err(refused(&app, adapter, "verify_token")),
    }
}

/// Tells of all pieces, those of one call or sender in their order. What is wrong with one harms no other.
///
/// # Errors
/// 503 and 500: the provider sends it all again, and what was told already counts once.
async fn tell_all(
    app: &web::Data<App>,
    site: &Arc<Site>,
    pieces: Vec<(Result<Told, Unread>, String)>,
) -> Result<Vec<Result<(), Unread>>, Problem> {
    let mut outcomes = Vec::with_capacity(pieces.len());
    let mut under_way: JoinSet<Result<Result<(), Unread>, Problem>> = JoinSet::new();
    for (piece, raw) in pieces {
        match piece {
            Err(unread) => outcomes.push(Err(unread)),
            // A lead is nobody's but its own: many share a group commit.
            Ok(Told::Lead(lead)) => {
                if under_way.len() >= AT_ONCE
                    && let Some(done) = under_way.join_next().await
                {
                    outcomes.push(done.map_err(Problem::internal)??);
                }
                let (app, site) = (app.clone(), Arc::clone(site));
                under_way.spawn_local(async move { judged(tell(&app, &site, Told::Lead(lead)).await, raw) });
            }
            Ok(told) => outcomes.push(judged(tell(app, site, told).await, raw)?),
        }
    }
    while let Some(done) = under_way.join_next().await {
        outcomes.push(done.map_err(Problem::internal)??);
    }
    Ok(outcomes)
}

/// What is wrong with what was told is the provider's, and kept; what we cannot do now is tried again.
fn judged(told: Result<(), Problem>, raw: String) -> Result<Result<(), Unread>, Problem> {
    match told {
        Ok(()) => Ok(Ok(())),
        Err(problem) if problem.status < 500 => Ok(Err(Unread { detail: problem.detail.into_owned(), raw })),
        Err(problem) => Err(problem),
    }
}

/// Tells of one piece.
async fn tell(app: &App, site: &Site, told: Told) -> Result<(), Problem> {
    match told {
        Told::Call(call) => calls::record(app, site, *call).await.map(drop),
        Told::Message(message) => messages::record(app, site, *message).await.map(drop),
        Told::Lead(lead) if lead.pending => notice(app, site, *lead).await,
        Told::Lead(lead) => leads_in::record_unseen(app, site, *lead).await.map(drop),
    }
}

/// That a form was filled in. A notice that comes again takes nothing back of what is known since.
async fn notice(app: &App, site: &Site, lead: LeadBody) -> Result<(), Problem> {
    let external_id = lead.external_id.clone();
    let is_pending = match records::told_before(app, site, "lead", &external_id).await?.as_deref() {
        None => {
            leads_in::record_unseen(app, site, lead).await?;
            true
        }
        Some(Entry::Lead(known)) => known.flags.contains(&Flag::DetailsPending),
        Some(_) => false,
    };
    if is_pending {
        app.forms.ask(site, &external_id);
    }
    Ok(())
}

/// Tries a kept piece again, as its adapter reads it today.
///
/// # Errors
/// 503 and 500.
pub async fn again(
    app: &web::Data<App>,
    site: &Arc<Site>,
    adapter: Adapter,
    query: &str,
    raw: &str,
    now: i64,
) -> Result<Result<(), String>, Problem> {
    let Some(secrets) = Secrets::of(app, site, adapter).await? else {
        return Ok(Err(CLOSED.to_owned()));
    };
    let pieces = provider(adapter).read(raw.as_bytes(), query, &secrets, now);
    for outcome in tell_all(app, site, pieces).await? {
        if let Err(unread) = outcome {
            return Ok(Err(unread.detail));
        }
    }
    Ok(Ok(()))
}

/// Whether a kept piece would be read today; nothing is told.
///
/// # Errors
/// What the vault says.
pub async fn would_read(
    app: &App,
    site: &Site,
    adapter: Adapter,
    query: &str,
    raw: &str,
    now: i64,
) -> Result<Result<(), String>, Problem> {
    let Some(secrets) = Secrets::of(app, site, adapter).await? else { return Ok(Err(CLOSED.to_owned())) };
    let pieces = provider(adapter).read(raw.as_bytes(), query, &secrets, now);
    Ok(pieces.into_iter().try_for_each(|(piece, _)| piece.map(drop).map_err(|unread| unread.detail)))
}

/// A body as JSON.
///
/// # Errors
/// What is wrong with it.
fn json_of(body: &[u8]) -> Result<Value, String> {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => Err("must be an object".to_owned()),
        Err(error) => Err(format!("not JSON, at line {} column {}", error.line(), error.column())),
    }
}

/// A text, number or truth value as text; `None` of anything else, and of what is blank.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The first of some fields that says something.
fn first_of(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text(value.get(name)?))
}

/// A name that a form asks for in two.
fn joined(first: Option<String>, last: Option<String>) -> Option<String> {
    let parts: Vec<String> = [first, last].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// A lead that was left in a platform's own form.
fn platform_form(external_id: String) -> LeadBody {
    LeadBody::of(LeadKind::PlatformForm, external_id)
}
