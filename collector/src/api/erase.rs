//! `POST persons/{id}/erase`: the right to be forgotten.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{auth::Caller, problem};
use crate::{
    app::App,
    domain::{
        erasure::{Erased, ErasedLead},
        event::Flag,
        standing::Lead,
        token::Permission,
    },
    error::Problem,
    project::holdings::Holdings,
    vault,
};

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erased)]
pub struct ErasedView {
    at: i64,
    /// Leads that stay in lists and counts, without contact, flagged `erased`.
    leads: Vec<String>,
    /// Browsers whose story is shown no more; what they do from now on begins another.
    visitors: Vec<String>,
    /// Submissions and notes that nobody can read any more.
    submissions: usize,
    /// E-mail addresses, telephone numbers and user ids that are unknown from now on.
    identifiers: usize,
}

/// Forgets a person, for good: contacts, notes and identifiers become unreadable and unknown, leads stay as nobody's, and no
/// number changes. It is made again by itself where an older backup is restored. Erasing whom nothing is held about any
/// more changes nothing.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/persons/{person}/erase", tag = "persons",
    params(("site" = String, Path), ("person" = String, Path, description = "A person's id, or one of their leads or visitors")),
    responses(
        (status = 200, body = ErasedView), (status = 403, body = problem::Body), (status = 404, body = problem::Body),
        (status = 503, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn post(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (slug, person) = path.into_inner();
    let of = caller.site(&app, &slug, Permission::Administer)?;
    let site = of.number;
    let store = app.store.as_ref();
    let held = Holdings::of(store, site, &of.config, &person).await?;
    let held = held.ok_or_else(|| Problem::not_found("There is no such person."))?;
    let mut references = Vec::new();
    for reference in held.references() {
        if store.sealed(site, reference).await?.is_some() {
            references.push(reference);
        }
    }
    let id: String = vault::random::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut erased = Erased {
        id,
        at: app.clock.now(),
        by: caller.token,
        references,
        tokens: held.tokens.iter().copied().collect(),
        visitors: held.visitors.clone(),
        leads: held.leads.iter().map(ErasedLead::from).collect(),
    };
    if erased.references.is_empty() && erased.tokens.is_empty() && erased.visitors.is_empty() {
        let is_left = |lead: &&Lead| !lead.flags.contains(&Flag::Erased);
        erased.leads = held.leads.iter().filter(is_left).map(ErasedLead::from).collect();
    }
    let view = ErasedView {
        at: erased.at,
        leads: erased.leads.iter().map(|stays| stays.lead.to_string()).collect(),
        visitors: erased.visitors.iter().map(ToString::to_string).collect(),
        submissions: erased.references.len(),
        identifiers: erased.tokens.len(),
    };
    let is_nothing =
        view.leads.is_empty() && view.visitors.is_empty() && view.submissions + view.identifiers == 0;
    if !is_nothing {
        for piece in erased.pieces() {
            let position = app.erasures.erase(store, site, piece).await?;
            app.progress.wait(site, position).await;
        }
        tracing::info!(
            site = slug,
            submissions = view.submissions,
            leads = view.leads.len(),
            "a person was erased"
        );
    }
    Ok(HttpResponse::Ok().json(view))
}
