//! `POST leads/{lead}/stage`, `POST stages`: somebody moved a lead. `GET stages`: where to.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Ready, Which, answer, append, told_at};
use crate::{
    api::{auth::Caller, check, json, lead_match::MatchBody, problem, query::Query, shapes::LeadView},
    app::App,
    domain::{
        fact::{Entry, StageMove},
        funnel::{Owner, Stage},
        standing::Lead,
        token::Permission,
    },
    error::Problem,
    project::directory::Site,
    store::Seal,
    vault::PersonalData,
};

/// A move to a stage.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = StageMove)]
pub struct StageBody {
    /// Which lead, where the path does not say.
    #[serde(default, rename = "match")]
    pub matching: Option<MatchBody>,
    /// One of the site's stages.
    pub stage: String,
    /// When it happened; now, unless told. Milliseconds or RFC 3339.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub at: Option<Value>,
    /// Who says so.
    pub by: String,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// The sender's own id of this move: the same again is no second move.
    #[serde(default)]
    pub external_id: Option<String>,
}

impl StageBody {
    fn ready(self, app: &App, site: &Site, lead: &Lead, now: i64) -> Result<Ready, Problem> {
        if self.stage == "visitor" || !site.config.has_stage(&self.stage) {
            let known = site.config.stages.iter().map(|stage| stage.name.as_str());
            let known = known.filter(|stage| *stage != "visitor").collect::<Vec<_>>().join(", ");
            return Err(Problem::invalid_at("/stage", format!("must be one of the site's stages: {known}")));
        }
        check::short("/by", &self.by, 128)?;
        check::short_if_any("/reason", self.reason.as_deref(), 1000)?;
        check::short_if_any("/external_id", self.external_id.as_deref(), 128)?;
        let at = check::moment("/at", self.at.as_ref(), now)?;
        let told_at = told_at(self.at.as_ref(), at);
        let content = json!([lead.id, self.stage, told_at, self.by, self.reason]);
        let note = PersonalData { by: Some(self.by), reason: self.reason, ..PersonalData::default() };
        let (reference, sealed) = app.vault.seal(site.number, &note)?;
        let entry = Entry::Stage(StageMove {
            lead: lead.id.clone(),
            stage: self.stage,
            at,
            received_at: now,
            note: reference,
            external_id: self.external_id,
        });
        let seals = vec![Seal { event: 0, reference, sealed, lookups: Vec::new() }];
        Ok(Ready { entry, seals, content: Some(content) })
    }
}

/// A site's funnel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Funnel)]
pub struct FunnelView {
    /// Which set of stages this is: 1, 2, 3, …
    version: u32,
    /// Since when it is the site's.
    since: i64,
    /// Its stages, in order.
    items: Vec<StageView>,
}

/// A stage of the funnel.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Stage)]
#[serde(from = "Stage")]
pub struct StageView {
    name: String,
    /// Who answers for it: marketing, both or sales.
    #[schema(value_type = String)]
    owner: Owner,
}

impl From<Stage> for StageView {
    fn from(Stage { name, owner }: Stage) -> Self {
        Self { name, owner }
    }
}

impl From<StageView> for Stage {
    fn from(StageView { name, owner }: StageView) -> Self {
        Self { name, owner }
    }
}

/// The stages of the site's funnel, in order, and who answers for each: one set, for all who move leads or count them.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/stages", tag = "leads",
    params(("site" = String, Path), ("time" = Option<String>, Query)),
    responses((status = 200, body = FunnelView), (status = 403, body = problem::Body), (status = 404, body = problem::Body)),
    security(("token" = []))
)]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::ReadLead)?;
    let funnel = FunnelView {
        version: site.funnel_version,
        since: site.funnel_since,
        items: site.config.stages.iter().cloned().map(StageView::from).collect(),
    };
    let query = Query::of(&request, app.clock.now());
    Ok(HttpResponse::Ok().json(query.render(&funnel)?))
}

/// Moves a lead to a stage. Answers with the lead as it then stands.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/leads/{lead}/stage", tag = "leads",
    params(("site" = String, Path), ("lead" = String, Path, description = "An id, `ref:` and the form's reference, or `ext:` and a server's own id")),
    request_body = StageBody,
    responses(
        (status = 201, description = "Moved", body = LeadView),
        (status = 200, description = "The same move told again, or amended", body = LeadView),
        (status = 400, body = problem::Body), (status = 404, body = problem::Body),
        (status = 409, description = "The external_id is of another lead's move", body = problem::Body),
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
    stage_on(&app, &caller, &slug, Which::Path(id), &request, payload).await
}

/// Moves the lead that `match` finds to a stage.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/stages", tag = "leads",
    params(("site" = String, Path)), request_body = StageBody,
    responses(
        (status = 201, description = "Moved", body = LeadView),
        (status = 200, description = "The same move told again, or amended", body = LeadView),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body),
        (status = 404, description = "No lead is like that", body = problem::Body),
        (status = 409, description = "Several are: `candidates` has their ids", body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn stage_by_match(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    stage_on(&app, &caller, &slug, Which::Match, &request, payload).await
}

async fn stage_on(
    app: &App,
    caller: &Caller,
    slug: &str,
    which: Which,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let site = which.site(app, caller, slug, Permission::Work)?;
    let body: StageBody = json::read(request, payload).await?;
    let lead = which.lead(app, caller, &site, body.matching.as_ref()).await?;
    let ready = body.ready(app, &site, &lead, app.clock.now())?;
    let became = append(app, &site, ready).await?;
    answer(app, caller, &site, request, &lead, became).await
}
