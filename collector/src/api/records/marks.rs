//! `POST leads/{lead}/flag`, `PATCH leads/{lead}`: marks, and what is known of a lead.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Became, LARGEST, Ready, answer, append};
use crate::{
    api::{auth::Caller, check, json, lead_match, problem, shapes::LeadView},
    app::App,
    domain::{
        event::{Flag, Prop},
        fact::Entry,
        record::{FlagSet, LeadPatch},
        standing::Lead,
        token::Permission,
    },
    error::Problem,
    project::directory::Site,
    store::Seal,
    vault::PersonalData,
};

/// A mark.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FlagSet)]
pub struct FlagBody {
    /// test, spam or internal; none takes the mark away.
    flag: String,
}

/// Marks a lead that is none, or takes the mark away. Nothing is deleted.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/leads/{lead}/flag", tag = "leads",
    params(("site" = String, Path), ("lead" = String, Path, description = "An id, `ref:` and the form's reference, or `ext:` and a server's own id")),
    request_body = FlagBody,
    responses(
        (status = 200, description = "Marked so. For roles that read nothing: {\"lead\": id}", body = LeadView),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body), (status = 404, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn flag(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (slug, id) = path.into_inner();
    let site = caller.site(&app, &slug, Permission::Tell)?;
    let lead = lead_match::find(&app, &caller, &site, &id).await?;
    let body: FlagBody = json::read(&request, payload).await?;
    let flag = match body.flag.as_str() {
        "test" => Some(Flag::Test),
        "spam" => Some(Flag::Spam),
        "internal" => Some(Flag::Internal),
        "none" => None,
        _ => return Err(Problem::invalid_at("/flag", "must be test, spam, internal or none")),
    };
    let mark =
        FlagSet { lead: lead.id.clone(), received_at: app.clock.now(), flag, by: caller.token.clone() };
    append(&app, &site, Ready { entry: Entry::Flag(mark), seals: Vec::new(), content: None }).await?;
    answer(&app, &caller, &site, &request, &lead, Became::Amended).await
}

/// What is known of a lead. What is absent stays; null takes away.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = LeadPatch)]
pub struct PatchBody {
    /// What it is about.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    product: Option<Option<String>>,
    /// What keeps it from buying.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    objection: Option<Option<String>>,
    /// What it is expected to bring, in minor units of the site's currency.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    value: Option<Option<i64>>,
    /// How well it fits: names of the site's own, with a text, a number or true or false. No personal data belongs here.
    #[serde(default)]
    #[schema(value_type = Object)]
    fit: BTreeMap<String, Option<Prop>>,
    /// Fields of the CRM; kept with the contact details.
    #[serde(default)]
    #[schema(value_type = Object)]
    crm: BTreeMap<String, Option<String>>,
}

/// A field that is there, be it null.
fn given<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    source: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(source).map(Some)
}

/// At most so many names in `fit` and in `crm`, over all.
const NAMES: usize = 50;

impl PatchBody {
    fn ready(self, app: &App, site: &Site, caller: &Caller, lead: &Lead) -> Result<Ready, Problem> {
        let mut cleared = Vec::new();
        for (name, is_cleared) in [
            ("product", self.product == Some(None)),
            ("objection", self.objection == Some(None)),
            ("value", self.value == Some(None)),
        ] {
            if is_cleared {
                cleared.push(name.to_owned());
            }
        }
        let value = self.value.flatten();
        if value.is_some_and(|value| value.unsigned_abs() > LARGEST) {
            return Err(Problem::invalid_at("/value", format!("must be at most {LARGEST} minor units")));
        }
        let mut fit = BTreeMap::new();
        for (name, value) in self.fit {
            let pointer = format!("/fit/{name}");
            check::short(&pointer, &name, 64)?;
            match value {
                None => cleared.push(format!("fit.{name}")),
                Some(Prop::Text(text)) => {
                    let text = check::label(&pointer, Some(text))?.unwrap_or_default();
                    fit.insert(name, Prop::Text(text));
                }
                Some(value) => drop(fit.insert(name, value)),
            }
        }
        for (name, value) in &self.crm {
            check::short(&format!("/crm/{name}"), name, 64)?;
            check::short_if_any(&format!("/crm/{name}"), value.as_deref(), 2048)?;
        }
        let fits = lead.known.fit.keys().chain(fit.keys()).collect::<BTreeSet<_>>().len();
        for (pointer, count) in [("/fit", fits), ("/crm", self.crm.len())] {
            if count > NAMES {
                return Err(Problem::invalid_at(pointer, format!("must have at most {NAMES} names")));
            }
        }
        let mut seals = Vec::new();
        if !self.crm.is_empty() {
            let data = PersonalData { crm: self.crm, ..PersonalData::default() };
            let (reference, sealed) = app.vault.seal(site.number, &data)?;
            seals.push(Seal { event: 0, reference, sealed, lookups: Vec::new() });
        }
        let entry = Entry::Patch(LeadPatch {
            lead: lead.id.clone(),
            received_at: app.clock.now(),
            by: caller.token.clone(),
            product: check::label("/product", self.product.flatten())?,
            objection: check::label("/objection", self.objection.flatten())?,
            value,
            fit,
            cleared,
            crm: seals.first().map(|seal| seal.reference),
        });
        Ok(Ready { entry, seals, content: None })
    }
}

/// Fills in what is known of a lead: fit and CRM fields, product, expected value, objection.
#[utoipa::path(
    patch, path = "/api/v1/sites/{site}/leads/{lead}", tag = "leads",
    params(("site" = String, Path), ("lead" = String, Path, description = "An id, `ref:` and the form's reference, or `ext:` and a server's own id")),
    request_body = PatchBody,
    responses(
        (status = 200, description = "Filled in. For roles that read nothing: {\"lead\": id}", body = LeadView),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body), (status = 404, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn patch(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (slug, id) = path.into_inner();
    let site = caller.site(&app, &slug, Permission::Tell)?;
    let lead = lead_match::find(&app, &caller, &site, &id).await?;
    let body: PatchBody = json::read(&request, payload).await?;
    append(&app, &site, body.ready(&app, &site, &caller, &lead)?).await?;
    answer(&app, &caller, &site, &request, &lead, Became::Amended).await
}
