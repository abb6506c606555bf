//! The OpenAPI document: collected from the handlers, so that it is true.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{
    archive, audit, bad_events, calls, campaigns, channel_rules, consent, costs, deliveries, do_not_call,
    emails, erase, exports, health, hooks as doors, imports, install, leads, leads_in, links, live, messages,
    metrics, numbers, person_export, persons, queue,
    records::{activities, attempts, marks, sales, stages},
    reports, sites, sla_report, tokens, visitors, webhooks,
};
use crate::{
    error::Problem,
    ingest::{beacon, hooks, redirect},
};

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Traza",
        description = "Ties every ad, visit, call, form and chat to the lead and the sale that came of it.",
        license(name = "MIT"),
    ),
    paths(
        beacon::post, redirect::get, hooks::post, hooks::get,
        sites::put, sites::get, sites::list, install::get, install::ledger,
        visitors::journey,
        bad_events::list, bad_events::replay,
        live::get,
        links::put, links::get, emails::post, costs::post,
        reports::counters, reports::visitors, reports::bots, campaigns::campaigns, sla_report::sla, metrics::dictionary, channel_rules::get,
        persons::get, persons::edges, persons::revoke, persons::restore, persons::conflicts,
        leads::list, leads::get, leads::journey, leads::search, leads_in::post, imports::post, marks::patch, marks::flag,
        stages::list, stages::stage, stages::stage_by_match, attempts::attempt, attempts::attempt_by_match,
        sales::sale, sales::sale_by_match, activities::post,
        numbers::put, numbers::get, numbers::advice, calls::post, messages::post, doors::put, doors::get,
        queue::get, do_not_call::list, do_not_call::post, do_not_call::delete,
        exports::post, erase::post, person_export::get, consent::post, consent::put_texts, consent::get_texts, audit::list,
        webhooks::put, webhooks::get, webhooks::test, deliveries::list, deliveries::replay,
        tokens::post, tokens::list, tokens::delete,
        health::healthz, health::readyz, health::metrics,
        archive::backup, archive::export,
    ),
    modifiers(&Token, &Names),
)]
pub struct Document;

/// Written when it is first asked for: it is the same as long as the program is.
static TEXT: LazyLock<Result<String, String>> =
    LazyLock::new(|| Document::openapi().to_json().map_err(|error| error.to_string()));

/// `GET /api/openapi.json`
pub async fn get() -> Result<HttpResponse, Problem> {
    let text = TEXT.as_deref().map_err(Problem::internal)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(text))
}

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("tz_…").build();
        document
            .components
            .get_or_insert_with(Default::default)
            .add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// Names each operation after its method and path: the functions of several resources share their names, and ids
/// must be unique.
struct Names;

impl Modify for Names {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut document.paths.paths {
            for (method, operation) in [
                ("get", &mut item.get),
                ("put", &mut item.put),
                ("post", &mut item.post),
                ("patch", &mut item.patch),
                ("delete", &mut item.delete),
            ] {
                if let Some(operation) = operation {
                    operation.operation_id = Some(operation_id(method, path));
                }
            }
        }
    }
}

/// `get`, `/api/v1/sites/{site}/leads` → `get_sites_site_leads`
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split('/').map(|word| word.trim_matches(['{', '}']));
    let words = words.filter(|word| !matches!(*word, "" | "api" | "v1"));
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}
