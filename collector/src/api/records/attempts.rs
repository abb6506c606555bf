//! `POST leads/{lead}/attempts`, `POST attempts`: the contact centre tried to reach a lead.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Ready, Which, answer, append, told_at};
use crate::{
    api::{auth::Caller, check, json, lead_match::MatchBody, problem, shapes::LeadView},
    app::App,
    domain::{
        fact::Entry,
        record::{Attempt, Outcome},
        standing::Lead,
        token::Permission,
    },
    error::Problem,
    project::directory::Site,
    store::Seal,
    vault::PersonalData,
};

/// An attempt to reach a lead.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptBody {
    /// Which lead, where the path does not say.
    #[serde(default, rename = "match")]
    pub matching: Option<MatchBody>,
    /// When it was; now, unless told. Milliseconds or RFC 3339.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub at: Option<Value>,
    /// attempted, no_answer or contacted.
    #[schema(value_type = String)]
    pub outcome: Outcome,
    /// Who tried.
    #[serde(default)]
    pub agent: Option<String>,
    /// The contact centre's own code for what came of it.
    #[serde(default)]
    pub disposition: Option<String>,
    /// What it was about.
    #[serde(default)]
    pub product: Option<String>,
    /// What kept the lead from buying.
    #[serde(default)]
    pub objection: Option<String>,
    /// The sender's own id of it.
    pub external_id: String,
}

impl AttemptBody {
    /// Checks it.
    ///
    /// # Errors
    /// 400, pointing at what is wrong.
    pub fn ready(self, app: &App, site: &Site, lead: &Lead, now: i64) -> Result<Ready, Problem> {
        let at = check::moment("/at", self.at.as_ref(), now)?;
        check::short("/external_id", &self.external_id, 128)?;
        check::short_if_any("/agent", self.agent.as_deref(), 128)?;
        let disposition = check::label("/disposition", self.disposition)?;
        let product = check::label("/product", self.product)?;
        let objection = check::label("/objection", self.objection)?;
        let told_at = told_at(self.at.as_ref(), at);
        let content = json!([lead.id, told_at, self.outcome, self.agent, disposition, product, objection]);
        let mut seals = Vec::new();
        if let Some(agent) = self.agent {
            let note = PersonalData { by: Some(agent), ..PersonalData::default() };
            let (reference, sealed) = app.vault.seal(site.number, &note)?;
            seals.push(Seal { event: 0, reference, sealed, lookups: Vec::new() });
        }
        let entry = Entry::Attempt(Attempt {
            lead: lead.id.clone(),
            at,
            received_at: now,
            outcome: self.outcome,
            disposition,
            product,
            objection,
            note: seals.first().map(|seal| seal.reference),
            external_id: self.external_id,
        });
        Ok(Ready { entry, seals, content: Some(content) })
    }
}

/// Records an attempt to reach a lead. Answers with the lead as it then stands.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/leads/{lead}/attempts", tag = "leads",
    params(("site" = String, Path), ("lead" = String, Path, description = "An id, `ref:` and the form's reference, or `ext:` and a server's own id")),
    request_body = AttemptBody,
    responses(
        (status = 201, description = "Recorded. For roles that read nothing: {\"lead\": id}", body = LeadView),
        (status = 200, description = "The same told again, or amended", body = LeadView),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body), (status = 404, body = problem::Body),
        (status = 409, description = "The external_id is of another lead's attempt", body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn attempt(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (slug, id) = path.into_inner();
    attempt_on(&app, &caller, &slug, Which::Path(id), &request, payload).await
}

/// Records an attempt to reach the lead that `match` finds.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/attempts", tag = "leads",
    params(("site" = String, Path)), request_body = AttemptBody,
    responses(
        (status = 201, description = "Recorded. For roles that read nothing: {\"lead\": id}", body = LeadView),
        (status = 200, description = "The same told again, or amended", body = LeadView),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body),
        (status = 404, description = "No lead is like that", body = problem::Body),
        (status = 409, description = "Several are: `candidates` has their ids", body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn attempt_by_match(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    attempt_on(&app, &caller, &slug, Which::Match, &request, payload).await
}

async fn attempt_on(
    app: &App,
    caller: &Caller,
    slug: &str,
    which: Which,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let site = which.site(app, caller, slug, Permission::Tell)?;
    let body: AttemptBody = json::read(request, payload).await?;
    let lead = which.lead(app, caller, &site, body.matching.as_ref()).await?;
    let ready = body.ready(app, &site, &lead, app.clock.now())?;
    let became = append(app, &site, ready).await?;
    answer(app, caller, &site, request, &lead, became).await
}
