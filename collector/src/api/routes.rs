//! Every route, on one screen, grouped by who calls it.

use std::time::Instant;

use actix_web::{
    Error, HttpResponse, Resource, Route,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderValue},
    },
    middleware::{Compress, Next, from_fn},
    web::{self, ServiceConfig, delete, get, head, patch, post, put},
};

use super::{
    archive, audit, bad_events, calls, campaigns, channel_rules, consent, costs, deliveries, do_not_call,
    docs, emails, erase, exports, health, hooks as doors, imports, install, leads, leads_in, links, live,
    messages, metrics, numbers, openapi, pages, person_export, persons, problem, queue,
    records::{activities, attempts, marks, sales, stages},
    reports, sites, sla_report, tokens, visitors, webhooks,
};
use crate::{
    app::App,
    error::Problem,
    ingest::{beacon, hooks, redirect, tracker},
};

/// Wires the routes. `prefix` is the public face's, `/t` unless told otherwise.
pub fn configure(config: &mut ServiceConfig, prefix: &str) {
    // Pages, without a token.
    let options = web::method(Method::OPTIONS).to(beacon::options);
    config.service(at(
        &format!("{prefix}/{{site}}"),
        "GET, HEAD, POST, OPTIONS",
        [get().to(tracker::get), head().to(tracker::get), post().to(beacon::post), options],
    ));

    config.service(at(
        &format!("{prefix}/{{site}}/r/{{link}}"),
        "GET, HEAD",
        [get().to(redirect::get), head().to(redirect::get)],
    ));

    // Other systems, each by its provider's own signature.
    config.service(at(
        "/hooks/{site}/{adapter}/{key}",
        "GET, POST",
        [get().to(hooks::get), post().to(hooks::post)],
    ));

    // Beacons' answers are tiny; everything below is worth compressing.
    let rest = web::scope("").wrap(Compress::default()).wrap(from_fn(timed)).wrap(from_fn(head_as_get));

    // Marketers, contact centres and administrators, with a token.
    let site = "/api/v1/sites/{site}";
    let rest = rest
        .service(at("/api/v1/tokens", "GET, POST", [get().to(tokens::list), post().to(tokens::post)]))
        .service(at("/api/v1/tokens/{token}", "DELETE", [delete().to(tokens::delete)]))
        .service(at("/api/v1/sites", "GET", [get().to(sites::list)]))
        .service(at(site, "GET, PUT", [get().to(sites::get), put().to(sites::put)]))
        .service(at(&format!("{site}/install"), "GET", [get().to(install::get)]))
        .service(at(&format!("{site}/ledger"), "GET", [get().to(install::ledger)]))
        .service(at(&format!("{site}/bad-events"), "GET", [get().to(bad_events::list)]))
        .service(at(&format!("{site}/bad-events/replay"), "POST", [post().to(bad_events::replay)]))
        .service(at(&format!("{site}/live"), "GET", [get().to(live::get)]))
        .service(at(&format!("{site}/links"), "GET, PUT", [get().to(links::get), put().to(links::put)]))
        .service(at(&format!("{site}/emails"), "POST", [post().to(emails::post)]))
        .service(at(&format!("{site}/costs"), "POST", [post().to(costs::post)]))
        .service(at(&format!("{site}/reports/counters"), "GET", [get().to(reports::counters)]))
        .service(at(&format!("{site}/reports/counters/visitors"), "GET", [get().to(reports::visitors)]))
        .service(at(&format!("{site}/reports/campaigns"), "GET", [get().to(campaigns::campaigns)]))
        .service(at(&format!("{site}/reports/sla"), "GET", [get().to(sla_report::sla)]))
        .service(at(&format!("{site}/reports/bots"), "GET", [get().to(reports::bots)]))
        .service(at(&format!("{site}/channel-rules"), "GET", [get().to(channel_rules::get)]))
        .service(at(&format!("{site}/metrics-dictionary"), "GET", [get().to(metrics::dictionary)]))
        .service(at(&format!("{site}/visitors/{{visitor}}/journey"), "GET", [get().to(visitors::journey)]))
        .service(at(&format!("{site}/persons/{{person}}"), "GET", [get().to(persons::get)]))
        .service(at(&format!("{site}/persons/{{person}}/edges"), "GET", [get().to(persons::edges)]))
        .service(at(&format!("{site}/edges/{{edge}}/revoke"), "POST", [post().to(persons::revoke)]))
        .service(at(&format!("{site}/edges/{{edge}}/restore"), "POST", [post().to(persons::restore)]))
        .service(at(&format!("{site}/conflicts"), "GET", [get().to(persons::conflicts)]))
        .service(at(
            &format!("{site}/leads"),
            "GET, POST",
            [get().to(leads::list), post().to(leads_in::post)],
        ))
        .service(at(&format!("{site}/leads/search"), "POST", [post().to(leads::search)]))
        .service(at(
            &format!("{site}/leads/{{lead}}"),
            "GET, PATCH",
            [get().to(leads::get), patch().to(marks::patch)],
        ))
        .service(at(&format!("{site}/leads/{{lead}}/journey"), "GET", [get().to(leads::journey)]))
        .service(at(&format!("{site}/leads/{{lead}}/stage"), "POST", [post().to(stages::stage)]))
        .service(at(&format!("{site}/leads/{{lead}}/attempts"), "POST", [post().to(attempts::attempt)]))
        .service(at(&format!("{site}/leads/{{lead}}/sales"), "POST", [post().to(sales::sale)]))
        .service(at(&format!("{site}/leads/{{lead}}/flag"), "POST", [post().to(marks::flag)]))
        .service(at(&format!("{site}/numbers"), "GET, PUT", [get().to(numbers::get), put().to(numbers::put)]))
        .service(at(&format!("{site}/numbers/advice"), "GET", [get().to(numbers::advice)]))
        .service(at(&format!("{site}/calls"), "POST", [post().to(calls::post)]))
        .service(at(&format!("{site}/queue"), "GET", [get().to(queue::get)]))
        .service(at(
            &format!("{site}/do-not-call"),
            "GET, POST",
            [get().to(do_not_call::list), post().to(do_not_call::post)],
        ))
        .service(at(&format!("{site}/do-not-call/{{id}}"), "DELETE", [delete().to(do_not_call::delete)]))
        .service(at(&format!("{site}/hooks"), "GET, PUT", [get().to(doors::get), put().to(doors::put)]))
        .service(at(&format!("{site}/messages"), "POST", [post().to(messages::post)]))
        .service(at(&format!("{site}/exports/{{platform}}"), "POST", [post().to(exports::post)]))
        .service(at(&format!("{site}/imports/{{kind}}"), "POST", [post().to(imports::post)]))
        .service(at(&format!("{site}/attempts"), "POST", [post().to(attempts::attempt_by_match)]))
        .service(at(&format!("{site}/sales"), "POST", [post().to(sales::sale_by_match)]))
        .service(at(&format!("{site}/events"), "POST", [post().to(activities::post)]))
        .service(at(
            &format!("{site}/stages"),
            "GET, POST",
            [get().to(stages::list), post().to(stages::stage_by_match)],
        ))
        .service(at(&format!("{site}/persons/{{person}}/erase"), "POST", [post().to(erase::post)]))
        .service(at(&format!("{site}/persons/{{person}}/export"), "GET", [get().to(person_export::get)]))
        .service(at(&format!("{site}/persons/{{person}}/consent"), "POST", [post().to(consent::post)]))
        .service(at(
            &format!("{site}/consent-texts"),
            "GET, PUT",
            [get().to(consent::get_texts), put().to(consent::put_texts)],
        ))
        .service(at(&format!("{site}/audit"), "GET", [get().to(audit::list)]))
        .service(at(
            &format!("{site}/webhooks"),
            "GET, PUT",
            [get().to(webhooks::get), put().to(webhooks::put)],
        ))
        .service(at(&format!("{site}/webhooks/{{webhook}}/test"), "POST", [post().to(webhooks::test)]))
        .service(at(&format!("{site}/deliveries"), "GET", [get().to(deliveries::list)]))
        .service(at(
            &format!("{site}/deliveries/{{delivery}}/replay"),
            "POST",
            [post().to(deliveries::replay)],
        ));

    // Operators.
    let rest = rest
        .service(at("/healthz", "GET", [get().to(health::healthz)]))
        .service(at("/readyz", "GET", [get().to(health::readyz)]))
        .service(at("/metrics", "GET", [get().to(health::metrics)]))
        .service(at("/api/v1/backup", "POST", [post().to(archive::backup)]))
        .service(at("/api/v1/export", "GET", [get().to(archive::export)]));

    // People with a browser.
    let rest = rest
        .service(web::redirect("/api/docs", "/api/docs/"))
        .service(at("/api/docs/{path:.*}", "GET", [get().to(docs::get)]))
        .service(at("/api/openapi.json", "GET", [get().to(openapi::get)]))
        .service(at("/demo", "GET", [get().to(pages::demo_root)]))
        .service(at("/demo/gracias", "POST", [post().to(pages::thank_you)]))
        .service(at("/demo/{path:.*}", "GET", [get().to(pages::demo)]))
        .default_service(web::to(pages::dashboard));
    config.service(rest);
}

/// A resource that says which methods it has.
fn at<const N: usize>(path: &str, allow: &'static str, routes: [Route; N]) -> Resource {
    let resource = web::resource(path).default_service(web::to(move || async move {
        let mut response = problem::response(&Problem::method_not_allowed());
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
        Ok::<HttpResponse, Error>(response)
    }));
    routes.into_iter().fold(resource, Resource::route)
}

/// Whatever can be had can be asked about: a HEAD is answered as the GET, and the server leaves the body out.
async fn head_as_get<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    next.call(request).await
}

/// How long it took until the answer began, by the route's pattern.
async fn timed<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let began = Instant::now();
    let app = request.app_data::<web::Data<App>>().cloned();
    let response = next.call(request).await?;
    if let Some(app) = app {
        let request = response.request();
        let route = request.match_pattern().unwrap_or_else(|| "other".to_owned());
        let method = if request.method().as_str().len() > 7 { "other" } else { request.method().as_str() };
        app.metrics.answered(&route, method, began.elapsed());
    }
    Ok(response)
}
