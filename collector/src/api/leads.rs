//! `/leads`: the list, one lead, its journey, a search.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    asked,
    auth::Caller,
    check, json, lead_match, problem,
    query::{self, Query},
    shapes::{ItemView, LeadView, List},
    standing::EmailView,
    visitors,
};
use crate::{
    app::App,
    domain::{email, journey, token::Permission},
    error::Problem,
    project::{directory::Site, people::Graph, stories::Stories},
    store::{LeadQuery, together},
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
        ("touch" = Option<String>, Query, description = "Where they came from by this touch: first, last or last_non_direct; last unless told"),
        ("channel" = Option<String>, Query, description = "Of that touch"),
        ("source" = Option<String>, Query, description = "Of that touch; (none) for those without"),
        ("campaign" = Option<String>, Query, description = "Of that touch; (none) for those without"),
        ("counted" = Option<bool>, Query, description = "true: only those that reports count, neither tests nor repetitions"),
        ("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query), ("time" = Option<String>, Query),
        ("format" = Option<String>, Query, description = "json or csv; `Accept: text/csv` does the same"),
    ),
    responses(
        (status = 200, description = "Some of them, and the `cursor` of the next page; as a table its `Link`",
            content((List<LeadView> = "application/json"), (String = "text/csv"))),
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
    let or_none = |name: &str| query.text(name).map(|text| (text != asked::NONE).then_some(text));
    let asked = LeadQuery {
        since: query.time("since")?,
        until: query.time("until")?,
        updated_since: query.time("updated_since")?,
        stage: query.text("stage"),
        kind: query.one_of("kind")?,
        flag: query.one_of("flag")?,
        touch: query.one_of("touch")?.unwrap_or_default(),
        channel: query.text("channel"),
        source: or_none("source"),
        campaign: or_none("campaign"),
        counted: query.flag("counted")?,
        scope: caller.scope.clone(),
        after: query.cursor()?,
        limit: query.limit()?,
    };
    let page = app.store.leads(site.number, asked).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for lead in page.items {
        items.push(LeadView::of(&app, &site, &caller, lead).await?);
    }
    let next = page.next.map(|after| query::cursor(&after)).transpose()?;
    query.list(&List { items, next }, &columns())
}

/// The list's columns as a table.
fn columns() -> Vec<String> {
    let own = "id kind created_at updated_at stage entered_at score score_parts scoring_version contact.name contact.email contact.phone \
               contact.phone_raw contact.chat contact.fields form magnet confirmed flags visitors person duplicate_of external_id \
               attempts.count attempts.first_attempt_at attempts.first_contact_at sla.state sla.target_s sla.started_at sla.due_at \
               sla.first_attempt_s sla.first_contact_s sla.first_attempt_open_s sla.first_contact_open_s sla.breached_at sla.overtaken \
               do_not_call sales.count sales.amounts sales.items \
               stays product objection value fit crm consent.text_version consent.purposes consent.withdrawn \
               consent.at consent.age_days consent.page";
    let of_touch = "at channel source medium campaign campaign_id adset ad content term click_ids landing referrer reason";
    let touches = ["first", "last", "last_non_direct"].into_iter();
    let origin =
        touches.flat_map(|touch| of_touch.split(' ').map(move |name| format!("origin.{touch}.{name}")));
    own.split_whitespace().map(str::to_owned).chain(origin).collect()
}

/// One lead.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/leads/{lead}", tag = "leads",
    params(("site" = String, Path), ("lead" = String, Path, description = "An id, `ref:` and the form's reference, or `ext:` and a server's own id"), ("time" = Option<String>, Query)),
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
    let lead = lead_match::find(&app, &caller, &site, &id).await?;
    let query = Query::of(&request, app.clock.now());
    let view = LeadView::of(&app, &site, &caller, lead).await?;
    Ok(HttpResponse::Ok().json(query.render(&view)?))
}

/// A lead's whole story.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeadJourney)]
pub struct JourneyView {
    lead: String,
    person: String,
    visitors: Vec<String>,
    /// What became of the messages that the person was sent, the oldest first.
    emails: Vec<EmailView>,
    items: Vec<ItemView>,
    /// The `cursor` of the next page; null at the end.
    next: Option<String>,
}

/// A lead's whole story, oldest first: what whoever left it did, on any of their browsers, and what became of their
/// leads. Each item says by which evidence it belongs.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/leads/{lead}/journey", tag = "leads",
    params(
        ("site" = String, Path), ("lead" = String, Path, description = "An id, `ref:` and the form's reference, or `ext:` and a server's own id"),
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
    let query = Query::of(&request, app.clock.now());
    let view =
        together(move || async move { whole_story(&app, &caller, &site, &query, &id).await }).await??;
    Ok(HttpResponse::Ok().json(view))
}

async fn whole_story(
    app: &App,
    caller: &Caller,
    site: &Site,
    query: &Query,
    id: &str,
) -> Result<Value, Problem> {
    let lead = lead_match::find(app, caller, site, id).await?;
    let mut graph = Graph::new(app.store.as_ref(), site.number, &site.config, None);
    let start = graph.member_of_lead(&lead).await?;
    let person = graph.person(start.clone()).await?;
    let read = Stories::of(app.store.as_ref(), site.number, &mut graph, &person, &start).await?;
    let (stories, records) = (read.told(&site.config), read.records());
    let items = journey::of_person(&stories, &read.births, &records);
    let (items, next) = visitors::page(app, site.number, caller, query, &items).await?;
    query.render(&JourneyView {
        person: lead.person,
        visitors: person.visitors(),
        lead: lead.id.to_string(),
        emails: email::messages(&records).into_iter().map(EmailView::from).collect(),
        items,
        next,
    })
}

/// Whom to look for.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = LeadSearch)]
pub struct SearchBody {
    /// A whole e-mail address, telephone number, user id, lead's id or external id, or the reference that somebody wrote.
    q: String,
}

/// Leads by exactly what they gave: the newest 20 for each reading of `q`. A POST, so that it stands in no address.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/leads/search", tag = "leads",
    params(("site" = String, Path), ("time" = Option<String>, Query)),
    request_body = SearchBody,
    responses(
        (status = 200, description = "{\"items\": [Lead], \"next\": null}", body = [LeadView]),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn search(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Read)?;
    let body: SearchBody = json::read(&request, payload).await?;
    check::short("/q", body.q.trim(), 254)?;
    let mut items = Vec::new();
    for lead in lead_match::search(&app, &caller, &site, &body.q).await? {
        items.push(LeadView::of(&app, &site, &caller, lead).await?);
    }
    let query = Query::of(&request, app.clock.now());
    Ok(HttpResponse::Ok().json(query.render(&List { items, next: None })?))
}
