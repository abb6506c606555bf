//! `POST leads/{lead}/sales`, `POST sales`: money that a lead paid, or was given back.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Became, LARGEST, Ready, Which, answer, append, told_at};
use crate::{
    api::{auth::Caller, check, json, lead_match::MatchBody, problem, shapes::LeadView},
    app::App,
    domain::{currency, fact::Entry, record::Sale, sales, standing::Lead, token::Permission},
    error::Problem,
    project::directory::Site,
};

/// A sale, or a refund of one.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Sale)]
pub struct SaleBody {
    /// Which lead, where the path does not say.
    #[serde(default, rename = "match")]
    pub matching: Option<MatchBody>,
    /// Minor units: 12345 are 123.45. Negative of a refund.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// When it was; now, unless told. Milliseconds or RFC 3339.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub at: Option<Value>,
    /// The sender's own id of it: told again with other content, the sale is amended. A refund has its own.
    pub external_id: String,
    /// The external_id of the sale that is taken back, or a part of it.
    #[serde(default)]
    pub refund_of: Option<String>,
}

impl SaleBody {
    /// Checks it, beside the other sales of its lead.
    ///
    /// # Errors
    /// 400, pointing at what is wrong.
    pub fn ready(self, lead: &Lead, now: i64) -> Result<Ready, Problem> {
        let at = check::moment("/at", self.at.as_ref(), now)?;
        check::short("/external_id", &self.external_id, 128)?;
        check::short_if_any("/refund_of", self.refund_of.as_deref(), 128)?;
        if !currency::is_known(&self.currency) {
            return Err(Problem::invalid_at("/currency", "must be an ISO 4217 code such as EUR"));
        }
        if self.amount.unsigned_abs() > LARGEST {
            return Err(Problem::invalid_at("/amount", format!("must be at most {LARGEST} minor units")));
        }
        let told_at = told_at(self.at.as_ref(), at);
        let content = json!([lead.id, told_at, self.amount, self.currency, self.refund_of]);
        let sale = Sale {
            lead: lead.id.clone(),
            at,
            received_at: now,
            amount: self.amount,
            currency: self.currency,
            external_id: self.external_id,
            refund_of: self.refund_of,
        };
        sales::check(&sale, &lead.sales)
            .map_err(|why| Problem::invalid_at(format!("/{}", why.at), why.detail))?;
        Ok(Ready { entry: Entry::Sale(sale), seals: Vec::new(), content: Some(content) })
    }

    /// Checks and appends it. One at a time: what is left of a sale must not be given back twice.
    ///
    /// # Errors
    /// As [`Self::ready`] and [`append`].
    pub async fn record(self, app: &App, site: &Site, lead: &Lead) -> Result<Became, Problem> {
        let _one = app.selling.lock().await;
        // As it stands now that nobody else sells.
        let lead = app.store.lead(site.number, &lead.id).await?;
        let lead = lead.ok_or_else(|| Problem::not_found("There is no such lead."))?;
        append(app, site, self.ready(&lead, app.clock.now())?).await
    }
}

/// Records a sale, amends one, or gives something back. A sale makes a customer, unless somebody moves the lead later.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/leads/{lead}/sales", tag = "leads",
    params(("site" = String, Path), ("lead" = String, Path, description = "An id, `ref:` and the form's reference, or `ext:` and a server's own id")),
    request_body = SaleBody,
    responses(
        (status = 201, description = "Recorded. For roles that read nothing: {\"lead\": id}", body = LeadView),
        (status = 200, description = "The same told again, or amended", body = LeadView),
        (status = 400, description = "Also: more given back than is left", body = problem::Body),
        (status = 403, body = problem::Body), (status = 404, body = problem::Body),
        (status = 409, description = "The external_id is of another lead's sale", body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn sale(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (slug, id) = path.into_inner();
    sale_on(&app, &caller, &slug, Which::Path(id), &request, payload).await
}

/// Records a sale to the lead that `match` finds.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/sales", tag = "leads",
    params(("site" = String, Path)), request_body = SaleBody,
    responses(
        (status = 201, description = "Recorded. For roles that read nothing: {\"lead\": id}", body = LeadView),
        (status = 200, description = "The same told again, or amended", body = LeadView),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body),
        (status = 404, description = "No lead is like that", body = problem::Body),
        (status = 409, description = "Several are: `candidates` has their ids", body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn sale_by_match(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    sale_on(&app, &caller, &slug, Which::Match, &request, payload).await
}

async fn sale_on(
    app: &App,
    caller: &Caller,
    slug: &str,
    which: Which,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let site = which.site(app, caller, slug, Permission::Tell)?;
    let body: SaleBody = json::read(request, payload).await?;
    let lead = which.lead(app, caller, &site, body.matching.as_ref()).await?;
    let became = body.record(app, &site, &lead).await?;
    answer(app, caller, &site, request, &lead, became).await
}
