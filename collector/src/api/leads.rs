//! `/leads`: the list, one lead, its journey, its stage.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    json, problem,
    query::{self, Query},
    shapes::{ItemView, LeadView, List},
    visitors,
};
use crate::{
    app::App,
    domain::{
        fact::{Entry, StageMove},
        id::LeadId,
        journey,
        standing::Lead,
        token::Permission,
    },
    error::Problem,
    project::{directory::Site, people::Graph, stories::Stories},
    store::{Append, Claim, LeadQuery, Seal, Verdict},
    vault::PersonalData,
};

/// Leads, newest first.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/leads", tag = "leads",
    params(
        ("site" = String, Path),
        ("since" = Option<String>, Query, description = "Created at or after: ms, RFC 3339, or relative (-7d)"),
        ("until" = Option<String>, Query, description = "Created before"),
        ("updated_since" = Option<String>, Query, description = "Changed at or after"),
        ("stage" = Option<String>, Query), ("kind" = Option<String>, Query), ("flag" = Option<String>, Query),
        ("channel" = Option<String>, Query, description = "Of the last touch"),
        ("campaign" = Option<String>, Query, description = "Of the last touch"),
        ("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query), ("time" = Option<String>, Query),
    ),
    responses(
        (status = 200, description = "{\"items\": [Lead], \"next\": cursor or null}", body = [LeadView]),
        (status = 400, body = problem::Body), (status = 401, body = problem::Body), (status = 403, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Read)?;
    let query = Query::of(&request, app.clock.now());
    let asked = LeadQuery {
        since: query.time("since")?,
        until: query.time("until")?,
        updated_since: query.time("updated_since")?,
        stage: query.text("stage"),
        kind: query.one_of("kind")?,
        flag: query.one_of("flag")?,
        channel: query.text("channel"),
        campaign: query.text("campaign"),
        scope: caller.scope.clone(),
        after: query.cursor()?,
        limit: query.limit()?,
    };
    let page = app.store.leads(site.number, asked).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for lead in page.items {
        items.push(LeadView::of(&app, site.number, &caller, lead).await?);
    }
    let next = page.next.map(|after| query::cursor(&after)).transpose()?;
    Ok(HttpResponse::Ok().json(query.render(&List { items, next })?))
}

/// The lead that a path names, by its id or as `ref:` and the reference that its form carried, if the caller may see
/// it.
async fn find(app: &App, caller: &Caller, site: &Site, id: &str) -> Result<Lead, Problem> {
    let none = || Problem::not_found("There is no such lead.");
    let id = match id.strip_prefix("ref:") {
        Some(event) => LeadId::of_event(event),
        None => LeadId::parse(id).ok_or_else(none)?,
    };
    let lead = app.store.lead(site.number, &id).await?.ok_or_else(none)?;
    let last = &lead.origin.last;
    let inside = caller
        .scope
        .as_ref()
        .is_none_or(|scope| scope.covers(last.channel.as_str(), last.campaign.as_deref()));
    if inside { Ok(lead) } else { Err(Problem::forbidden("The lead is outside the token's scope.")) }
}

/// One lead.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/leads/{lead}", tag = "leads",
    params(("site" = String, Path), ("lead" = String, Path, description = "An id, or `ref:` and the reference that the form carried"), ("time" = Option<String>, Query)),
    responses((status = 200, body = LeadView), (status = 404, body = problem::Body)),
    security(("token" = []))
)]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (slug, id) = path.into_inner();
    let site = caller.site(&app, &slug, Permission::ReadLead)?;
    let lead = find(&app, &caller, &site, &id).await?;
    let query = Query::of(&request, app.clock.now());
    let view = LeadView::of(&app, site.number, &caller, lead).await?;
    Ok(HttpResponse::Ok().json(query.render(&view)?))
}

/// A lead's whole story.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeadJourney)]
pub struct JourneyView {
    lead: String,
    person: String,
    visitors: Vec<String>,
    items: Vec<ItemView>,
    /// The `cursor` of the next page; null at the end.
    next: Option<String>,
}

/// A lead's whole story, oldest first: what whoever left it did, on any of their browsers, and what became of their
/// leads. Each item says by which evidence it belongs.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/leads/{lead}/journey", tag = "leads",
    params(
        ("site" = String, Path), ("lead" = String, Path, description = "An id, or `ref:` and the reference that the form carried"),
        ("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query), ("time" = Option<String>, Query),
    ),
    responses((status = 200, body = JourneyView), (status = 404, body = problem::Body)),
    security(("token" = []))
)]
pub async fn journey(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (slug, id) = path.into_inner();
    let site = caller.site(&app, &slug, Permission::ReadLead)?;
    let lead = find(&app, &caller, &site, &id).await?;
    let query = Query::of(&request, app.clock.now());
    let mut graph = Graph::new(app.store.as_ref(), site.number, &site.config, None);
    let start = graph.member_of_lead(&lead).await?;
    let person = graph.person(start.clone()).await?;
    let read = Stories::of(app.store.as_ref(), site.number, &mut graph, &person, &start).await?;
    let stories = read.told(&site.config);
    let items = journey::of_person(&stories, &read.births, &read.stages);
    let (items, next) = visitors::page(&app, site.number, &caller, &query, &items).await?;
    let view = JourneyView {
        person: lead.person,
        visitors: person.visitors(),
        lead: lead.id.to_string(),
        items,
        next,
    };
    Ok(HttpResponse::Ok().json(query.render(&view)?))
}

/// A move to a stage.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = StageMove)]
pub struct StageBody {
    /// One of the site's stages.
    stage: String,
    /// When it happened; now, unless told. Milliseconds or RFC 3339.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    at: Option<serde_json::Value>,
    /// Who says so.
    by: String,
    /// Why.
    #[serde(default)]
    reason: Option<String>,
    /// The sender's own id of this move: the same again is no second move.
    #[serde(default)]
    external_id: Option<String>,
}

/// Moves a lead to a stage. Answers with the lead as it then stands.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/leads/{lead}/stage", tag = "leads",
    params(("site" = String, Path), ("lead" = String, Path, description = "An id, or `ref:` and the reference that the form carried")),
    request_body = StageBody,
    responses(
        (status = 201, description = "Moved", body = LeadView),
        (status = 200, description = "The same move, told again", body = LeadView),
        (status = 400, body = problem::Body), (status = 404, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn stage(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (slug, id) = path.into_inner();
    let site = caller.site(&app, &slug, Permission::Work)?;
    let lead = find(&app, &caller, &site, &id).await?;
    let body: StageBody = json::read(&request, payload).await?;
    let now = app.clock.now();
    let (entry, seal, claim) = checked(&app, &site, &lead.id, body, now)?;
    let append = Append { seals: vec![seal], claim, ..Append::of(site.number, Entry::Stage(entry)) };
    let appended = app.store.append(append).await?;
    let mut response = HttpResponse::Ok();
    if let Some(Verdict::Stored(position)) = appended.verdicts.first() {
        app.progress.wait(site.number, *position).await;
        response = HttpResponse::Created();
    }
    let lead = find(&app, &caller, &site, &id).await?;
    let query = Query::of(&request, now);
    Ok(response.json(query.render(&LeadView::of(&app, site.number, &caller, lead).await?)?))
}

fn checked(
    app: &App,
    site: &Site,
    lead: &LeadId,
    body: StageBody,
    now: i64,
) -> Result<(StageMove, Seal, Option<Claim>), Problem> {
    if body.stage == "visitor" || !site.config.stages.contains(&body.stage) {
        let known = site.config.stages.iter().filter(|stage| *stage != "visitor").map(String::as_str);
        let known = known.collect::<Vec<_>>().join(", ");
        return Err(Problem::invalid_at("/stage", format!("must be one of the site's stages: {known}")));
    }
    json::plain("/by", &body.by, 128)?;
    body.reason.as_deref().map_or(Ok(()), |reason| json::plain("/reason", reason, 1000))?;
    body.external_id.as_deref().map_or(Ok(()), |id| json::plain("/external_id", id, 128))?;
    let at = match &body.at {
        None | Some(serde_json::Value::Null) => now,
        Some(serde_json::Value::Number(ms)) => {
            ms.as_i64().ok_or_else(|| Problem::invalid_at("/at", "must be whole milliseconds"))?
        }
        Some(serde_json::Value::String(text)) => query::time(text, now).ok_or_else(|| {
            Problem::invalid_at("/at", "must be milliseconds, RFC 3339, or relative such as -1h")
        })?,
        Some(_) => return Err(Problem::invalid_at("/at", "must be milliseconds or RFC 3339")),
    };
    if let Some(why) = crate::domain::clock_skew::implausible(at, now) {
        return Err(Problem::invalid_at("/at", why));
    }
    let claim = body.external_id.as_ref().map(|external_id| {
        // Without a time of its own, a repeated move is told by what it says, not by when it was said.
        let told_at = body.at.as_ref().map(|_| at);
        let content = serde_json::json!([lead, body.stage, told_at, body.by, body.reason]).to_string();
        Claim { kind: "stage", external_id: external_id.clone(), content: Sha256::digest(content).into() }
    });
    let note = PersonalData { by: Some(body.by), reason: body.reason, ..PersonalData::default() };
    let (reference, sealed) = app.vault.seal(site.number, &note)?;
    let entry = StageMove {
        lead: lead.clone(),
        stage: body.stage,
        at,
        received_at: now,
        note: reference,
        external_id: body.external_id,
    };
    Ok((entry, Seal { event: 0, reference, sealed, lookups: Vec::new() }, claim))
}
