//! `/webhooks`: who is told what happens, and whether that works.

use std::collections::{BTreeMap, HashSet};

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use ureq::http::{HeaderName, HeaderValue, Uri};
use utoipa::ToSchema;

use super::{auth::Caller, check, json, problem, query::Query, shapes::List};
use crate::{
    app::App,
    deliver::{attempt, body, client::Client, guard, map, sign, target::Target},
    domain::{
        delivery::{MessageId, Why},
        fact::Entry,
        token::Permission,
        webhook::{Desk, Endpoint, Format, Health, MessageType, Webhook, WebhooksPut},
    },
    error::Problem,
    project::directory::Site,
    store::{Append, Seal, Verdict},
    vault,
};

/// At most so many endpoints of a site.
const MOST: usize = 20;
/// At most so many headers, and names in a map.
const MOST_NAMES: usize = 40;
/// What stands in the place of a header's value when it is shown. Given back, the value stays.
const HIDDEN: &str = "***";
/// Asks for a new secret.
const NEW: &str = "new";
/// Headers that are HTTP's own, or the message's.
const RESERVED: [&str; 13] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Somebody to be told.
#[derive(Deserialize, ToSchema)]
#[schema(as = Webhook)]
pub struct WebhookBody {
    /// 1 to 64 characters of A-Z a-z 0-9 _ -.
    id: String,
    /// Where messages go: https, unless private targets are allowed.
    url: String,
    /// `whsec_` and 24 to 64 bytes in base64. Absent, the present one stays, or one is made; `new` makes one. The one before
    /// signs on for three days.
    #[serde(default)]
    secret: Option<String>,
    /// lead.created, lead.updated, stage.changed, attempt.recorded, sale.recorded, call.received, message.received, sla.breached,
    /// segment.entered, segment.left, site.silent, form.silent, delivery.failing.
    #[schema(value_type = Vec<String>)]
    types: Vec<MessageType>,
    /// standard, json or form.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    format: Format,
    /// Further headers. `***` keeps the value that was set before.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The receiver's names, each with a path into the data, or with `=` and a text with `{paths}` in it.
    #[serde(default)]
    map: BTreeMap<String, String>,
    /// What the body of a good answer holds, for receivers that say 200 to everything.
    #[serde(default)]
    expect: Option<String>,
}

/// All of a site's endpoints.
#[derive(Deserialize, ToSchema)]
#[schema(as = Webhooks)]
pub struct WebhooksBody {
    items: Vec<WebhookBody>,
}

/// A secret that signs, short of itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookSecret)]
pub struct SecretView {
    /// Its last four characters.
    ends_with: String,
    /// Until when it signs beside the newest; null of the newest.
    until_at: Option<i64>,
}

/// An endpoint as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub struct WebhookView {
    id: String,
    url: String,
    types: Vec<&'static str>,
    #[schema(value_type = String)]
    format: Format,
    /// Their values are shown to nobody.
    headers: BTreeMap<String, String>,
    map: BTreeMap<String, String>,
    expect: Option<String>,
    /// Where it was just made: shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Those that sign, the newest first.
    secrets: Vec<SecretView>,
    /// well, failing, or off: it said that it is gone, and is sent nothing until it is set again.
    #[schema(value_type = String)]
    health: Health,
    /// Since when, where it was ever otherwise than well.
    health_at: Option<i64>,
}

/// An endpoint that is to be, and its secret where that was just made.
struct Checked {
    webhook: Webhook,
    target: Target,
    seal: Option<Seal>,
    made: Option<String>,
}

/// Sets the site's endpoints; what is not in the list is told nothing more, and what waits for it is dropped. An endpoint
/// is told of what happens from then on.
#[utoipa::path(
    put, path = "/api/v1/sites/{site}/webhooks", tag = "webhooks",
    params(("site" = String, Path)),
    request_body = WebhooksBody,
    responses(
        (status = 200, body = List<WebhookView>),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body), (status = 404, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn put(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Administer)?;
    let body: WebhooksBody = json::read(&request, payload).await?;
    if body.items.len() > MOST {
        return Err(Problem::invalid_at("/items", format!("must be at most {MOST} webhooks")));
    }
    let desk = app.store.desk(site.number).await?;
    let mut known = HashSet::new();
    let mut all = Vec::with_capacity(body.items.len());
    for (index, item) in body.items.into_iter().enumerate() {
        let pointer = format!("/items/{index}");
        if !known.insert(item.id.clone()) {
            return Err(Problem::invalid_at(format!("{pointer}/id"), "another webhook has this id"));
        }
        all.push(checked(&app, &site, desk.endpoint(&item.id), item, &pointer).await?);
    }
    let same = desk.items.iter().map(|known| &known.webhook).eq(all.iter().map(|new| &new.webhook));
    if !same || desk.items.iter().any(|known| known.health != Health::Well) {
        let items = all.iter().map(|new| new.webhook.clone()).collect();
        let put = WebhooksPut { at: app.clock.now(), by: caller.token.clone(), items };
        let seals = all.iter_mut().filter_map(|new| new.seal.take()).collect();
        let append = Append { seals, ..Append::of(site.number, Entry::Webhooks(put)) };
        let appended = app.store.append(append).await?;
        if let Some(Verdict::Stored(position)) = appended.verdicts.first() {
            app.progress.wait(site.number, *position).await;
        }
    }
    let desk = app.store.desk(site.number).await?;
    let now = app.clock.now();
    let views = all
        .into_iter()
        .map(|new| view(desk.endpoint(&new.webhook.id), &new.webhook, &new.target, new.made, now));
    let list = List { items: views.collect(), next: None };
    Ok(HttpResponse::Ok().json(Query::of(&request, now).render(&list)?))
}

/// The site's endpoints.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/webhooks", tag = "webhooks",
    params(("site" = String, Path), ("time" = Option<String>, Query)),
    responses((status = 200, body = List<WebhookView>), (status = 403, body = problem::Body), (status = 404, body = problem::Body)),
    security(("token" = []))
)]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Administer)?;
    let Desk { items } = app.store.desk(site.number).await?;
    let now = app.clock.now();
    let mut views = Vec::with_capacity(items.len());
    for endpoint in &items {
        let target = opened(&app, &site, endpoint).await?;
        views.push(view(Some(endpoint), &endpoint.webhook, &target, None, now));
    }
    Ok(HttpResponse::Ok().json(Query::of(&request, now).render(&List { items: views, next: None })?))
}

/// What a receiver made of a test.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookTest)]
pub struct TestView {
    /// The message's id, as its headers had it.
    id: String,
    /// Whether the message would count as delivered.
    ok: bool,
    /// The receiver's status, where it answered.
    status: Option<u16>,
    /// Why it would not count as delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// How long it took, ms.
    ms: u32,
    /// The beginning of its answer.
    answer: String,
}

/// Sends an endpoint a made-up lead that is marked as a test, once, and says what the receiver made of it.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/webhooks/{webhook}/test", tag = "webhooks",
    params(("site" = String, Path), ("webhook" = String, Path)),
    responses((status = 200, body = TestView), (status = 403, body = problem::Body), (status = 404, body = problem::Body)),
    security(("token" = []))
)]
pub async fn test(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (slug, id) = path.into_inner();
    let site = caller.site(&app, &slug, Permission::Administer)?;
    let desk = app.store.desk(site.number).await?;
    let endpoint = desk.endpoint(&id).ok_or_else(|| Problem::not_found("There is no such webhook."))?;
    let target = opened(&app, &site, endpoint).await?;
    let now = app.clock.now();
    let format = endpoint.webhook.format;
    let text = body::write(format, &target.map, MessageType::LeadCreated, now, sample(&site, now))?;
    let id = MessageId::once(vault::random::<16>()?);
    let message = attempt::message(&target, format, &id, now, text);
    let reply = Client::new(app.settings.allow_private_targets).send(message).await;
    let why = attempt::refused(&reply, &target);
    let answer = String::from_utf8_lossy(&reply.said);
    let answer = answer.chars().filter(|c| !c.is_control() || *c == '\n').take(1_000).collect();
    let reason = why.map(Why::as_str);
    let view = TestView {
        id: id.to_string(),
        ok: why.is_none(),
        status: reply.status,
        reason,
        ms: reply.ms,
        answer,
    };
    Ok(HttpResponse::Ok().json(view))
}

/// Nobody's lead.
fn sample(site: &Site, now: i64) -> serde_json::Value {
    let touch = json!({"at": now, "channel": "paid_search", "source": "google", "medium": "cpc", "campaign": "prueba"});
    json!({
        "site": site.slug, "id": "l_test", "kind": "callback", "created_at": now, "updated_at": now,
        "stage": "lead", "entered_at": now, "score": null, "flags": ["test"], "confirmed": true,
        "contact": {"name": "Prueba de Traza", "email": "prueba@example.com", "phone": "+34600000000",
                    "phone_raw": "600 000 000"},
        "origin": {"first": touch, "last": touch, "last_non_direct": touch},
        "visitors": [], "person": "l_test",
        "match_hints": {"language": "es-ES", "device": "mobile", "pages": ["https://example.com/"],
                        "campaign": "prueba", "last_agent": null},
    })
}

async fn opened(app: &App, site: &Site, endpoint: &Endpoint) -> Result<Target, Problem> {
    let target = attempt::target(app, site.number, endpoint.webhook.target).await?;
    target.ok_or_else(|| Problem::internal("what is sealed of an endpoint is not there"))
}

fn view(
    endpoint: Option<&Endpoint>,
    webhook: &Webhook,
    target: &Target,
    secret: Option<String>,
    now: i64,
) -> WebhookView {
    let live = target.secrets.iter().filter(|secret| secret.until.is_none_or(|until| now < until));
    let secrets = live.map(|secret| SecretView {
        ends_with: secret.key.chars().skip(secret.key.chars().count().saturating_sub(4)).collect(),
        until_at: secret.until,
    });
    WebhookView {
        id: webhook.id.clone(),
        url: target.url.clone(),
        types: webhook.types.iter().map(|kind| kind.as_str()).collect(),
        format: webhook.format,
        headers: target.headers.keys().map(|name| (name.clone(), HIDDEN.to_owned())).collect(),
        map: target.map.clone(),
        expect: target.expect.clone(),
        secret,
        secrets: secrets.collect(),
        health: endpoint.map(|known| known.health).unwrap_or_default(),
        health_at: endpoint.and_then(|known| known.health_at),
    }
}

/// Checks what an endpoint is to be, and seals what is new of it.
async fn checked(
    app: &App,
    site: &Site,
    known: Option<&Endpoint>,
    body: WebhookBody,
    pointer: &str,
) -> Result<Checked, Problem> {
    let at = |name: &str| format!("{pointer}/{name}");
    let WebhookBody { id, url, secret, mut types, format, headers, map, expect } = body;
    if !wire::id::is_valid(&id) {
        return Err(Problem::invalid_at(at("id"), "must be 1 to 64 characters of A-Z a-z 0-9 _ -"));
    }
    check_url(app, &at("url"), &url)?;
    types.sort_unstable();
    types.dedup();
    if types.is_empty() {
        return Err(Problem::invalid_at(
            at("types"),
            "must name what the webhook is told of, such as lead.created",
        ));
    }
    check_map(&at("map"), &map)?;
    check::short_if_any(&at("expect"), expect.as_deref(), 64)?;
    let before = match known {
        Some(known) => Some(opened(app, site, known).await?),
        None => None,
    };
    let headers = check_headers(&at("headers"), headers, before.as_ref())?;
    let secrets = before.as_ref().map(|before| before.secrets.clone()).unwrap_or_default();
    let mut target = Target { url, headers, map, expect, secrets };
    let mut made = None;
    match secret.as_deref() {
        None if !target.secrets.is_empty() => {}
        None | Some(NEW) => {
            let secret = sign::new_secret()?;
            target.rotate(secret.clone(), app.clock.now());
            made = Some(secret);
        }
        Some(secret) if sign::bytes(secret).is_some() => target.rotate(secret.to_owned(), app.clock.now()),
        Some(_) => {
            return Err(Problem::invalid_at(
                at("secret"),
                "must be whsec_ and 24 to 64 bytes in base64, or new, or absent",
            ));
        }
    }
    let (reference, seal) = match known {
        Some(known) if before.as_ref() == Some(&target) => (known.webhook.target, None),
        _ => {
            let bytes = rmp_serde::to_vec_named(&target).map_err(Problem::internal)?;
            let (reference, sealed) = app.vault.seal_bytes(site.number, &bytes)?;
            (reference, Some(Seal { event: 0, reference, sealed, lookups: Vec::new() }))
        }
    };
    Ok(Checked { webhook: Webhook { id, types, format, target: reference }, target, seal, made })
}

fn check_url(app: &App, pointer: &str, url: &str) -> Result<(), Problem> {
    let may_be_private = app.settings.allow_private_targets;
    let wrong = |detail: &str| Err(Problem::invalid_at(pointer, detail));
    let address = "must be an address such as https://crm.example.com/leads";
    if url.len() > 2_048 || !url.bytes().all(|byte| byte.is_ascii_graphic()) || url.contains('#') {
        return wrong(address);
    }
    let Ok(uri) = url.parse::<Uri>() else { return wrong(address) };
    let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty()) else {
        return wrong(address);
    };
    if authority.as_str().contains('@') {
        return wrong("must have no user and password in it: put them into a header");
    }
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if may_be_private => {}
        Some("http") => {
            return wrong("must be https: contact details travel (--allow-private-targets allows http)");
        }
        _ => return wrong(address),
    }
    if !may_be_private && guard::is_private_literal(authority.host()) {
        return wrong("must not be a private address (--allow-private-targets allows it)");
    }
    Ok(())
}

/// The headers, those that were hidden with the values that they had.
fn check_headers(
    pointer: &str,
    headers: BTreeMap<String, String>,
    before: Option<&Target>,
) -> Result<BTreeMap<String, String>, Problem> {
    if headers.len() > MOST_NAMES {
        return Err(Problem::invalid_at(pointer, format!("must be at most {MOST_NAMES} headers")));
    }
    let mut checked = BTreeMap::new();
    for (name, mut value) in headers {
        let wrong = |detail: &str| Err(Problem::invalid_at(format!("{pointer}/{name}"), detail));
        let lower = name.to_ascii_lowercase();
        if name.len() > 64 || HeaderName::try_from(&name).is_err() {
            return wrong("must be the name of a header");
        }
        if RESERVED.contains(&lower.as_str()) || lower.starts_with("webhook-") {
            return wrong("must not be a header that HTTP or the message sets itself");
        }
        if value == HIDDEN {
            match before.and_then(|before| before.headers.get(&lower)) {
                Some(known) => value.clone_from(known),
                None => return wrong("must be a value: none was set before"),
            }
        }
        if value.len() > 2_048 || HeaderValue::try_from(&value).is_err() || !value.is_ascii() {
            return wrong("must be at most 2048 plain characters");
        }
        checked.insert(lower, value);
    }
    Ok(checked)
}

fn check_map(pointer: &str, map: &BTreeMap<String, String>) -> Result<(), Problem> {
    if map.len() > MOST_NAMES {
        return Err(Problem::invalid_at(pointer, format!("must be at most {MOST_NAMES} names")));
    }
    for (name, value) in map {
        let place = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        check::short(&place, name, 64)?;
        if value.len() > 1_024 || value.chars().any(|c| c.is_control() && c != '\n') {
            return Err(Problem::invalid_at(place, "must be at most 1024 plain characters"));
        }
        if let Some(unknown) = map::unknown(value) {
            let known = "there is no such path; contact.phone, origin.last.campaign and contact.fields.<name> are some";
            let short: String = unknown.chars().take(64).collect();
            return Err(Problem::invalid_at(place, format!("{short}: {known}")));
        }
    }
    Ok(())
}
