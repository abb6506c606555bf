//! Is it up, can it store, what does it count.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::{app::App, domain::webhook::Health, error::Problem, telemetry::Reading};

/// Messages that wait are counted up to here.
const PENDING: usize = 10_000;

/// The process is up.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200)))]
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "up", "version": env!("CARGO_PKG_VERSION")}))
}

/// A real write was made and synced.
#[utoipa::path(get, path = "/readyz", tag = "operations", responses((status = 200), (status = 503)))]
pub async fn readyz(app: web::Data<App>) -> Result<HttpResponse, Problem> {
    app.store.probe().await?;
    Ok(HttpResponse::Ok().json(json!({"status": "ready"})))
}

/// Prometheus metrics.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200, content_type = "text/plain")))]
pub async fn metrics(app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let (mut ledgers, mut sealed, mut silent) = (Vec::new(), Vec::new(), Vec::new());
    let (mut pending, mut endpoints, mut silent_forms) = (Vec::new(), Vec::new(), Vec::new());
    for site in app.directory.sites() {
        ledgers.push((site.slug.clone(), app.store.ledger(site.number).await?));
        sealed.push((site.slug.clone(), app.store.sealed_status(site.number).await?));
        silent.push((site.slug.clone(), app.progress.silent_since(site.number).is_some()));
        let forms = app.progress.silent_forms(site.number).into_iter();
        silent_forms.extend(forms.map(|form| (site.slug.clone(), form)));
        pending.push((site.slug.clone(), app.store.pending(site.number, PENDING).await?));
        for endpoint in app.store.desk(site.number).await?.items {
            let is_failing = endpoint.health != Health::Well;
            endpoints.push((site.slug.clone(), endpoint.webhook.id, is_failing));
        }
    }
    let reading = Reading {
        ledgers,
        sealed,
        silent,
        silent_forms,
        pending,
        endpoints,
        lag: app.progress.lag(app.store.as_ref(), &app.directory),
        store: app.store.describe(),
        vitals: app.store.vitals(),
    };
    let text = app.metrics.encode(&reading).map_err(Problem::internal)?;
    Ok(HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(text))
}
