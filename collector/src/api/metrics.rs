//! `GET metrics-dictionary`: what each number of the reports means.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{auth::Caller, shapes::List};
use crate::{
    app::App,
    domain::{counters, metrics, token::Permission},
    error::Problem,
};

/// What a number means.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Metric)]
pub struct MetricView {
    name: &'static str,
    formula: &'static str,
    version: u32,
}

/// Each metric: its name, its formula, and the version of it.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/metrics-dictionary", tag = "reports",
    params(("site" = String, Path)),
    responses((status = 200, body = List<MetricView>)),
    security(("token" = []))
)]
pub async fn dictionary(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    caller.site(&app, &slug, Permission::Read)?;
    let items =
        metrics::ALL.iter().map(|&(name, formula)| MetricView { name, formula, version: counters::VERSION });
    Ok(HttpResponse::Ok().json(List { items: items.collect::<Vec<_>>(), next: None }))
}
