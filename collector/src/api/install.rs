//! `GET install`: does the tag work? `GET ledger`: what became of every event?

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::{auth::Caller, problem, query::Query};
use crate::{
    app::App,
    domain::{install::Install, token::Permission},
    error::Problem,
    ingest::{beacon::COOKIE_DAYS, tracker},
    project::directory::Site,
};

/// Who sent the beacons.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoreView {
    /// Sent by the WebAssembly core.
    wasm: u64,
    /// Sent by the loader or the guard alone.
    fallback: u64,
}

/// Whether the tag works, and what to paste.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Install)]
pub struct InstallView {
    first_beacon_at: Option<i64>,
    last_beacon_at: Option<i64>,
    /// Page views by host.
    hosts: BTreeMap<String, u64>,
    /// Beacons by the visitor's choice that held.
    modes: BTreeMap<String, u64>,
    core: CoreView,
    /// For how many days a browser keeps the visitor's cookie; null where none can be set.
    cookie_days: Option<u32>,
    /// What to mend, in words.
    problems: Vec<String>,
    /// The tag, to be pasted into every page.
    snippet: String,
    /// The inline guard, to be pasted in front of the tag, as early in the page as can be: it catches what is done
    /// before the tag has loaded.
    guard: String,
    /// What a `script-src` of the page's Content-Security-Policy needs to let the guard run.
    guard_csp: String,
}

fn view(app: &App, site: &Site, install: Install) -> InstallView {
    let collector = wire::arrival::host(&app.settings.public_url).map(std::borrow::Cow::into_owned);
    let domains = &site.config.domains;
    let first_party = collector.as_deref().is_some_and(|host| wire::arrival::is_own(host, domains));
    let mut problems = Vec::new();
    if domains.is_empty() {
        problems.push(
            "The site has no domains: set `domains`, or the visitor's cookie cannot be kept and the site's own pages \
             count as referrers."
                .to_owned(),
        );
    } else if !first_party {
        problems.push(
            "The collector is not reached by one of the site's domains: browsers keep no cookie for it. Serve it \
             under a path of the page's own host."
                .to_owned(),
        );
    }
    if install.first_beacon_at.is_none() {
        problems.push("No beacon has come yet: paste the snippet and open a page.".to_owned());
    }
    if install.foreign > 0 {
        problems.push(format!(
            "{} beacons came from pages on none of the site's domains; they are kept apart.",
            install.foreign
        ));
    }
    if install.wasm == 0 && install.fallback > 0 {
        problems.push(
            "Only the loader sends: the page's Content-Security-Policy may lack 'wasm-unsafe-eval'."
                .to_owned(),
        );
    }
    let guard = tracker::guard(app, site);
    InstallView {
        first_beacon_at: install.first_beacon_at,
        last_beacon_at: install.last_beacon_at,
        hosts: install.hosts,
        modes: install.modes,
        core: CoreView { wasm: install.wasm, fallback: install.fallback },
        cookie_days: first_party.then_some(COOKIE_DAYS),
        problems,
        snippet: snippet(app, &site.slug),
        guard_csp: format!("'sha256-{}'", BASE64.encode(Sha256::digest(&guard))),
        guard: format!("<script>{guard}</script>"),
    }
}

/// The tag of a site.
#[must_use]
pub fn snippet(app: &App, slug: &str) -> String {
    format!("<script async src=\"{}{}/{slug}.js\"></script>", app.settings.public_url, app.settings.prefix)
}

/// Whether the tag works: fills within a second of the first beacon.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/install", tag = "sites",
    params(("site" = String, Path)),
    responses((status = 200, body = InstallView), (status = 404, body = problem::Body)),
    security(("token" = []))
)]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Read)?;
    let install = app.store.install(site.number).await?;
    let query = Query::of(&request, app.clock.now());
    Ok(HttpResponse::Ok().json(query.render(&view(&app, &site, install))?))
}

/// What became of every event: received = stored + duplicate + rejected + withheld.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ledger)]
pub struct LedgerView {
    received: u64,
    stored: u64,
    duplicate: u64,
    /// By reason.
    rejected: BTreeMap<String, u64>,
    /// By reason.
    withheld: BTreeMap<String, u64>,
}

/// What became of every event that the site's beacons brought.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/ledger", tag = "sites",
    params(("site" = String, Path)),
    responses((status = 200, body = LedgerView), (status = 404, body = problem::Body)),
    security(("token" = []))
)]
pub async fn ledger(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Read)?;
    let ledger = app.store.ledger(site.number).await?;
    Ok(HttpResponse::Ok().json(LedgerView {
        received: ledger.received(),
        stored: ledger.stored,
        duplicate: ledger.duplicate,
        rejected: ledger.rejected,
        withheld: ledger.withheld,
    }))
}
