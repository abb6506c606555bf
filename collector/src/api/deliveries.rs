//! `/deliveries`: what was sent to whom, what became of it, and once more.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    auth::Caller,
    lead_match, problem,
    query::{self, Query},
    shapes::List,
};
use crate::{
    app::App,
    domain::{
        delivery::{Delivery, DeliveryState, MessageId, ReplayAsked, Why},
        fact::Entry,
        token::Permission,
        webhook::Health,
    },
    error::Problem,
    store::{Append, Verdict, outbox::DeliveryQuery},
};

/// An attempt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryAttempt)]
pub struct TryView {
    at: i64,
    /// The receiver's status, where it answered.
    status: Option<u16>,
    /// Why it came to nothing: status, answer, timeout, unreachable, unknown_host, tls, private_target, internal, gone; or
    /// why none was made: endpoint_off, endpoint_removed, erased, lead_gone, no_consent, marked.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// How long it took, ms.
    ms: u32,
}

/// A message on its way to an endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryView {
    /// The message's id, as its headers have it.
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    endpoint: String,
    lead: Option<String>,
    /// When its fact was received.
    created_at: i64,
    /// pending, delivered, given_up or dropped.
    #[schema(value_type = String)]
    state: DeliveryState,
    /// When it is tried next.
    next_at: Option<i64>,
    /// Attempts in all.
    attempts: u32,
    /// The last of them, oldest first.
    tries: Vec<TryView>,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let tries = delivery.tries.into_iter().map(|attempt| TryView {
            at: attempt.at,
            status: attempt.status,
            reason: attempt.why.map(Why::as_str),
            ms: attempt.ms,
        });
        Self {
            id: delivery.id.to_string(),
            kind: delivery.kind.as_str(),
            endpoint: delivery.endpoint,
            lead: delivery.lead.map(|lead| lead.to_string()),
            created_at: delivery.at,
            state: delivery.state,
            next_at: delivery.due_at,
            attempts: delivery.attempts,
            tries: tries.collect(),
        }
    }
}

/// The list's columns as a table.
const COLUMNS: [&str; 9] =
    ["id", "type", "endpoint", "lead", "created_at", "state", "next_at", "attempts", "tries"];

/// Messages to endpoints, newest first. Admins see all of them; others see those about one lead that they may see.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/deliveries", tag = "webhooks",
    params(
        ("site" = String, Path),
        ("lead" = Option<String>, Query, description = "About this lead: an id, `ref:` and the form's reference, or `ext:` and a server's own id"),
        ("endpoint" = Option<String>, Query, description = "To this webhook"),
        ("state" = Option<String>, Query, description = "pending, delivered, given_up or dropped"),
        ("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query), ("time" = Option<String>, Query),
        ("format" = Option<String>, Query, description = "json or csv; `Accept: text/csv` does the same"),
    ),
    responses(
        (status = 200, content((List<DeliveryView> = "application/json"), (String = "text/csv"))),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body), (status = 404, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request, app.clock.now());
    let lead = query.text("lead");
    let permission = if lead.is_some() { Permission::ReadLead } else { Permission::Administer };
    let site = caller.site(&app, &slug, permission)?;
    let lead = match lead {
        Some(id) => Some(lead_match::find(&app, &caller, &site, &id).await?.id),
        None => None,
    };
    let asked = DeliveryQuery {
        lead,
        endpoint: query.text("endpoint"),
        state: query.one_of("state")?,
        after: query.cursor()?,
        limit: query.limit()?,
    };
    let page = app.store.deliveries(site.number, asked).await?;
    let items: Vec<DeliveryView> = page.items.into_iter().map(DeliveryView::from).collect();
    let next = page.next.map(|after| query::cursor(&after)).transpose()?;
    query.list(&List { items, next }, &COLUMNS)
}

/// Sends a message once more, under its old id and as things stand by now. It is tried again as a new one would be.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/deliveries/{delivery}/replay", tag = "webhooks",
    params(("site" = String, Path), ("delivery" = String, Path, description = "The message's id")),
    responses(
        (status = 200, description = "It is due", body = DeliveryView),
        (status = 404, body = problem::Body), (status = 409, description = "Its webhook is off, or is no more", body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn replay(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (slug, id) = path.into_inner();
    let site = caller.site(&app, &slug, Permission::Administer)?;
    let missing = || Problem::not_found("There is no such delivery.");
    let id = MessageId::parse(&id).ok_or_else(missing)?;
    let delivery = app.store.delivery(site.number, &id).await?.ok_or_else(missing)?;
    let desk = app.store.desk(site.number).await?;
    match desk.endpoint(&delivery.endpoint).map(|endpoint| endpoint.health) {
        None => return Err(Problem::conflict("Its webhook is no more: PUT webhooks sets it up again.")),
        Some(Health::Off) => {
            return Err(Problem::conflict(
                "Its webhook said that it is gone: PUT webhooks gives it another chance.",
            ));
        }
        Some(_) => {}
    }
    let asked = ReplayAsked {
        message: id.clone(),
        lead: delivery.lead,
        at: app.clock.now(),
        by: caller.token.clone(),
    };
    let appended = app.store.append(Append::of(site.number, Entry::Replay(asked))).await?;
    if let Some(Verdict::Stored(position)) = appended.verdicts.first() {
        app.progress.wait(site.number, *position).await;
    }
    let delivery = app.store.delivery(site.number, &id).await?.ok_or_else(missing)?;
    let query = Query::of(&request, app.clock.now());
    Ok(HttpResponse::Ok().json(query.render(&DeliveryView::from(delivery))?))
}
