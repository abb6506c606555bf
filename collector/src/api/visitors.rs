//! `GET visitors/{visitor}/journey`: what one browser did.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    auth::Caller,
    problem,
    query::{self, Query},
    shapes::ItemView,
};
use crate::{
    app::App,
    domain::{
        fact::{SiteNumber, Subject},
        id::Id,
        identity::person::Member,
        journey::{self, Item},
        token::Permission,
        visit,
    },
    error::Problem,
    project::{directory::Site, journeys, people::Graph},
    store::together,
};

/// One ordered timeline, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VisitorJourney)]
pub struct JourneyView {
    visitor: String,
    /// Whoever the active evidence says it is, or was last.
    person: String,
    /// Whoever used it one after the other, where several did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    persons: Vec<String>,
    items: Vec<ItemView>,
    /// The `cursor` of the next page; null at the end.
    next: Option<String>,
}

/// What one browser did, oldest first. An unknown visitor has an empty journey.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/visitors/{visitor}/journey", tag = "journeys",
    params(
        ("site" = String, Path), ("visitor" = String, Path),
        ("limit" = Option<usize>, Query, description = "1 to 500; 50 unless told"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("time" = Option<String>, Query, description = "iso for RFC 3339 times"),
    ),
    responses((status = 200, body = JourneyView), (status = 400, body = problem::Body)),
    security(("token" = []))
)]
pub async fn journey(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (slug, visitor) = path.into_inner();
    let site = caller.site(&app, &slug, Permission::Read)?;
    let query = Query::of(&request, app.clock.now());
    let id = Id::parse(&visitor)
        .ok_or_else(|| Problem::invalid_at("visitor", "must be 1 to 64 characters of A-Z a-z 0-9 _ -"))?;
    let view =
        together(move || async move { whole_story(&app, &caller, &site, &query, &id).await }).await??;
    Ok(HttpResponse::Ok().json(view))
}

async fn whole_story(
    app: &App,
    caller: &Caller,
    site: &Site,
    query: &Query,
    id: &Id,
) -> Result<Value, Problem> {
    let subject = Subject::Visitor(id.clone());
    let arrivals = app.store.journey(site.number, &subject).await?;
    let timeline = visit::timeline(journeys::seen(&arrivals, &subject), site.config.grouping());
    if let Some(scope) = &caller.scope {
        let mut touches = timeline.visits.iter().flat_map(|visit| &visit.touches);
        if !touches.any(|touch| scope.covers(touch.channel.as_str(), touch.campaign.as_deref())) {
            return Err(Problem::forbidden("The visitor is outside the token's scope."));
        }
    }
    let mut graph = Graph::new(app.store.as_ref(), site.number, &site.config, None);
    let epochs = graph.profile_of(id).await?.map_or(1, |profile| profile.epochs.len());
    let mut persons = Vec::with_capacity(epochs);
    for number in 0..epochs {
        persons.push(graph.person(Member::Epoch(id.clone(), number)).await?.id);
    }
    let person = persons.last().cloned().unwrap_or_else(|| id.to_string());
    if epochs == 1 {
        persons.clear();
    }
    let items = journey::of_visitor(&timeline);
    let (items, next) = page(app, site.number, caller, query, &items).await?;
    query.render(&JourneyView { visitor: id.to_string(), person, persons, items, next })
}

/// One page of a journey.
///
/// # Errors
/// 400 for a wrong limit or cursor; what the vault says.
pub async fn page(
    app: &App,
    site: SiteNumber,
    caller: &Caller,
    query: &Query,
    items: &[Item<'_>],
) -> Result<(Vec<ItemView>, Option<String>), Problem> {
    let limit = query.limit()?;
    let after: Option<(i64, String)> = query.cursor()?;
    let start = after.map_or(0, |after| items.partition_point(|item| item.cursor_key() <= after));
    let rest = items.get(start..).unwrap_or_default();
    let shown = rest.get(..limit).unwrap_or(rest);
    let mut views = Vec::with_capacity(shown.len());
    for item in shown {
        views.push(ItemView::of(app, site, caller, item).await?);
    }
    let next = match shown.last() {
        Some(last) if rest.len() > shown.len() => Some(query::cursor(&last.cursor_key())?),
        _ => None,
    };
    Ok((views, next))
}
