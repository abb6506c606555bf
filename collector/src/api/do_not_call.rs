//! `do-not-call`: numbers that nobody is to call, whoever gives them.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    json, lead_match, problem,
    query::{self, Query},
    shapes::List,
    standing,
};
use crate::{
    app::App,
    domain::{
        do_not_call::{DoNotCall, PhoneHash, Reason},
        event::IdentifierKind,
        fact::{Entry, SiteNumber},
        token::Permission,
    },
    error::Problem,
    ingest::enrich,
    project::directory::Site,
    store::{Append, Verdict},
    vault::contact,
};

/// A number that is not to be called. It is known by its keyed hash alone, which stays when whoever it is of is forgotten.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DoNotCall)]
pub struct ItemView {
    /// The keyed hash.
    id: String,
    /// asked, complaint, public_list, wrong_number or other.
    #[schema(value_type = String)]
    reason: Option<Reason>,
    at: i64,
    /// The id of the token that put it on the list.
    by: String,
}

impl From<DoNotCall> for ItemView {
    fn from(said: DoNotCall) -> Self {
        Self { id: said.phone.to_string(), reason: said.reason, at: said.at, by: said.by }
    }
}

/// A number that is not to be called: by itself, or by a lead that gave it.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = DoNotCallPut)]
pub struct Body {
    /// The number, as people write it.
    #[serde(default)]
    phone: Option<String>,
    /// Or a lead: an id, `ref:` and the form's reference, or `ext:` and a server's own id.
    #[serde(default)]
    lead: Option<String>,
    /// asked (unless told), complaint, public_list, wrong_number or other.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    reason: Reason,
}

/// Whether a number (E.164) is on the list.
///
/// # Errors
/// What the store says.
pub async fn is_listed(app: &App, site: SiteNumber, phone: Option<&str>) -> Result<bool, Problem> {
    let Some(phone) = phone else { return Ok(false) };
    Ok(app.store.do_not_call(site, hash(app, site, phone)).await?.is_some())
}

fn hash(app: &App, site: SiteNumber, phone: &str) -> PhoneHash {
    PhoneHash(enrich::lookup(&app.vault, site, IdentifierKind::Phone, phone))
}

/// The numbers that are not to be called, in no order that means anything.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/do-not-call", tag = "leads",
    params(("site" = String, Path), ("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query), ("time" = Option<String>, Query)),
    responses((status = 200, body = List<ItemView>), (status = 403, body = problem::Body)),
    security(("token" = []))
)]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Administer)?;
    let query = Query::of(&request, app.clock.now());
    let limit = query.limit()?;
    let after: Option<PhoneHash> = query.cursor()?;
    let found = app.store.all_do_not_call(site.number, after, limit).await?;
    let next =
        found.last().filter(|_| found.len() == limit).map(|last| query::cursor(&last.phone)).transpose()?;
    let items = found.into_iter().map(ItemView::from).collect();
    Ok(HttpResponse::Ok().json(query.render(&List::<ItemView> { items, next })?))
}

/// Puts a number on the list. From then on whoever gives it is in no queue, and no message that asks for a call is sent of them.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/do-not-call", tag = "leads",
    params(("site" = String, Path)), request_body = Body,
    responses(
        (status = 201, description = "It is on the list", body = ItemView),
        (status = 200, description = "It was already", body = ItemView),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body), (status = 404, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn post(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Work)?;
    let body: Body = json::read(&request, payload).await?;
    let query = Query::of(&request, app.clock.now());
    let phone = hash(&app, site.number, &number(&app, &caller, &site, &body).await?);
    if let Some(known) = app.store.do_not_call(site.number, phone).await? {
        return Ok(HttpResponse::Ok().json(query.render(&ItemView::from(known))?));
    }
    let said = say(&app, &caller, &site, phone, Some(body.reason)).await?;
    Ok(HttpResponse::Created().json(query.render(&ItemView::from(said))?))
}

/// Takes a number off the list, by its `id`.
#[utoipa::path(
    delete, path = "/api/v1/sites/{site}/do-not-call/{id}", tag = "leads",
    params(("site" = String, Path), ("id" = String, Path, description = "As POST answered it, and the list has it")),
    responses(
        (status = 204, description = "It may be called again"),
        (status = 403, body = problem::Body), (status = 404, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn delete(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (slug, id) = path.into_inner();
    let site = caller.site(&app, &slug, Permission::Administer)?;
    let none = || Problem::not_found("There is no such number on the list.");
    let phone = PhoneHash::parse(&id).ok_or_else(none)?;
    app.store.do_not_call(site.number, phone).await?.ok_or_else(none)?;
    say(&app, &caller, &site, phone, None).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The number that is meant, in E.164.
async fn number(app: &App, caller: &Caller, site: &Site, body: &Body) -> Result<String, Problem> {
    match (&body.phone, &body.lead) {
        (Some(raw), None) => {
            let region = &site.config.default_region;
            let read = contact::phone(raw, region).or_else(|| contact::whatsapp(raw, region));
            read.ok_or_else(|| {
                Problem::invalid_at("/phone", "must be a telephone number that can be dialled")
            })
        }
        (None, Some(lead)) => {
            let lead = lead_match::find(app, caller, site, lead).await?;
            let personal = standing::personal(app, site.number, &lead).await?;
            personal
                .and_then(|data| data.phone)
                .ok_or_else(|| Problem::invalid_at("/lead", "must be one that left a telephone number"))
        }
        _ => Err(Problem::invalid_at("/phone", "must be given, or lead, and not both")),
    }
}

async fn say(
    app: &App,
    caller: &Caller,
    site: &Site,
    phone: PhoneHash,
    reason: Option<Reason>,
) -> Result<DoNotCall, Problem> {
    let said = DoNotCall { phone, reason, at: app.clock.now(), by: caller.token.clone() };
    let appended = app.store.append(Append::of(site.number, Entry::DoNotCall(said.clone()))).await?;
    if let Some(Verdict::Stored(position)) = appended.verdicts.first() {
        app.progress.wait(site.number, *position).await;
    }
    Ok(said)
}
