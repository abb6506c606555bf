//! `GET queue`: whom to call now.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{auth::Caller, problem, query::Query, shapes::LeadView};
use crate::{
    app::App,
    deliver::body,
    domain::{
        queue::{self, Held, Next, Place, Queue, Settings, Why},
        token::Permission,
    },
    error::Problem,
    project::directory::Site,
    store::together,
};

/// A lead to be called.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueueItem)]
pub struct ItemView {
    /// 1 is to be called first.
    position: usize,
    /// What it is ordered by: expected value times freshness, which is the product of `why`.
    priority: f64,
    why: WhyView,
    /// As `GET leads/{lead}` has it, with its clock (`sla`) and its score.
    lead: LeadView,
    /// Nobody is called at this hour where it is, but it asked to be called.
    outside_window: bool,
    /// When it was to be tried again, where it was tried; it is time.
    next_attempt_at: Option<i64>,
    best_slot: SlotView,
    /// What helps to choose who calls: language, device, pages, campaign, last_agent.
    #[schema(value_type = Object)]
    match_hints: Value,
}

/// The next moment at which somebody is there and the lead may be called.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BestSlot)]
pub struct SlotView {
    /// Null where there is none within two years.
    at: Option<i64>,
}

/// The factors of a lead's place, each rounded to three digits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueueWhy)]
pub struct WhyView {
    /// What it is worth by how it came to be (`queue.weights` of the site).
    kind: f64,
    /// 1, and a hundredth for each point of its score.
    score: f64,
    /// Half after each half-life since it came to be, 0.01 at the least.
    freshness: f64,
    /// From 1 to 2 while its clock runs, by how much of its time is gone; 1 otherwise.
    urgency: f64,
    /// Half for each attempt that reached nobody, 0.01 at the least.
    attempts: f64,
}

impl From<Why> for WhyView {
    fn from(why: Why) -> Self {
        let Why { kind, score, freshness, urgency, attempts } = why;
        Self { kind, score, freshness, urgency, attempts }
    }
}

/// Whom to call now, and who else waits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Queue)]
pub struct QueueView {
    /// The first to be called first.
    items: Vec<ItemView>,
    /// How many may be called at this moment, those of further places among them.
    callable: usize,
    /// How many wait and may not be called now, by why: tried_lately, outside_window (these come back, the first of them
    /// at `next_at`), exhausted, duplicate, no_phone, no_consent, do_not_call (of those that were looked at).
    #[schema(value_type = Object)]
    held: BTreeMap<Held, usize>,
    next_at: Option<i64>,
}

/// Whom to call now: of the leads that nobody has reached those that may be called at this moment, by expected value times
/// freshness; at the same number the older first, then the smaller id. Who left no number or did not agree to be called,
/// repeats a request that waits itself, was tried a moment ago or as often as is tried, is not to be called, or is somewhere
/// where nobody is called at this hour (`call_window` of the site, by the clock of the browser that the lead came from), is not among them.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/queue", tag = "leads",
    params(
        ("site" = String, Path),
        ("limit" = Option<usize>, Query, description = "50 unless told, 500 at most"), ("time" = Option<String>, Query),
    ),
    responses((status = 200, body = QueueView), (status = 403, body = problem::Body)),
    security(("token" = []))
)]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Work)?;
    let now = app.clock.now();
    let query = Query::of(&request, now);
    let limit = query.limit()?;
    let view = together(move || async move {
        let queue = whole(&app, &caller, &site, limit, now).await?;
        query.render(&queue)
    });
    Ok(HttpResponse::Ok().json(view.await??))
}

/// The queue with its first leads; on a thread that may wait, for ordering a hundred thousand takes some milliseconds.
async fn whole(
    app: &App,
    caller: &Caller,
    site: &Site,
    limit: usize,
    now: i64,
) -> Result<QueueView, Problem> {
    let waiting = app.store.waiting(site.number).await?;
    let mut queue = Queue::of(waiting.iter(), &site.config, caller.scope.as_ref(), now);
    let mut items = Vec::new();
    while items.len() < limit {
        let Some(place) = queue.next() else { break };
        match item(app, site, place, items.len() + 1).await? {
            Some(item) if item.lead.do_not_call => queue.hold(Held::DoNotCall),
            Some(item) => {
                app.looks.see(site.number, caller, item.lead.id());
                items.push(item);
            }
            // It went with age since the list was read.
            None => {}
        }
    }
    let callable = items.len() + queue.len();
    Ok(QueueView { items, callable, held: std::mem::take(&mut queue.held), next_at: queue.next_at })
}

async fn item(
    app: &App,
    site: &Site,
    place: Place<'_>,
    position: usize,
) -> Result<Option<ItemView>, Problem> {
    let Place { waiting, why, is_outside_window } = place;
    let Some(lead) = app.store.lead(site.number, &waiting.lead).await? else { return Ok(None) };
    let config = &site.config;
    let next = queue::next_attempt_at(&config.queue, waiting.attempts, waiting.last_attempt_at);
    let at = queue::best_slot(config, waiting.case.kind, waiting.tz.as_deref(), app.clock.now());
    let hints = body::hints(app, site.number, &lead).await?;
    let lead = LeadView::whole(app, site, lead).await?;
    Ok(Some(ItemView {
        position,
        priority: why.priority(),
        why: why.into(),
        lead,
        outside_window: is_outside_window,
        next_attempt_at: next.and_then(Next::at),
        best_slot: SlotView { at },
        match_hints: hints,
    }))
}

/// Checks how a site orders its queue.
///
/// # Errors
/// 400 that points at what is wrong.
pub fn check(settings: &Settings) -> Result<(), Problem> {
    if settings.weights.values().any(|weight| !(1..=100).contains(weight)) {
        return Err(Problem::invalid_at("/queue/weights", "must be 1 to 100 for each kind"));
    }
    if !(1..=525_600).contains(&settings.half_life_min) {
        return Err(Problem::invalid_at(
            "/queue/half_life_min",
            "must be 1 to 525600 minutes, which are a year",
        ));
    }
    if settings.retry_min.len() > 20 || settings.retry_min.iter().any(|pause| !(1..=525_600).contains(pause))
    {
        let detail = "must have at most 20 pauses of 1 to 525600 minutes";
        return Err(Problem::invalid_at("/queue/retry_min", detail));
    }
    Ok(())
}
