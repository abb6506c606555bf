//! `/bad-events`: what was refused and why, and another try after a fix.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use utoipa::ToSchema;

use super::{
    auth::Caller,
    json, problem,
    query::{self, Query},
};
use crate::{
    app::App,
    domain::{bad_event::BadId, token::Permission},
    error::Problem,
    ingest::{
        bad::{self, Body, Verdict},
        hooks,
    },
    project::directory::Site,
    store::{
        self, Append, BadQuery,
        bad::{Again, BadItem},
    },
};

/// Refused events that are tried at a time: they share their group commits.
const AT_ONCE: usize = 256;
/// What became of so many of them is told one by one.
const TOLD: usize = 500;

/// A refused event.
#[derive(Debug, Serialize, ToSchema)]
pub struct BadEventView {
    /// Names it for another try.
    id: String,
    /// When its beacon came, ms.
    received_at: i64,
    /// Its place in the beacon.
    index: u16,
    /// Its own id, where it has one that is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    /// shape, id, kind, time or field: as the ledger counts it. Or hook: it came in by one, and the ledger knows nothing of it.
    reason: String,
    /// Which field is wrong, and how.
    detail: String,
    /// Bytes as it was sent.
    size: u32,
    /// Whether it is kept as it was sent. Of a visitor who refused, nothing is.
    has_body: bool,
    /// As it was sent, with `raw=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<String>,
}

/// The list's columns as a table.
const COLUMNS: [&str; 9] =
    ["id", "received_at", "index", "event", "reason", "detail", "size", "has_body", "raw"];

/// What the log holds, and what it let go.
#[derive(Debug, Serialize, ToSchema)]
pub struct BadLogView {
    /// Refused events that are there.
    events: u64,
    /// Bytes that the vault keeps of them.
    bytes: u64,
    /// Refused events that were let go, for age or for want of room; the ledger goes on counting them.
    dropped: u64,
}

/// Refused events, newest beacon first.
#[derive(Debug, Serialize, ToSchema)]
pub struct BadEventsView {
    items: Vec<BadEventView>,
    /// The `cursor` of the next page; null at the end.
    next: Option<String>,
    log: BadLogView,
}

/// What was refused, and why; newest beacon first. Kept are the newest 10,000 events or 16 MiB of a site, for 30 days.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/bad-events", tag = "sites",
    params(
        ("site" = String, Path),
        ("since" = Option<String>, Query, description = "Received at or after: ms, RFC 3339, or relative (-7d)"),
        ("until" = Option<String>, Query, description = "Received before"),
        ("reason" = Option<String>, Query, description = "shape, id, kind, time, field or hook"),
        ("raw" = Option<bool>, Query, description = "true shows the events as they were sent; they may hold personal data"),
        ("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query), ("time" = Option<String>, Query),
        ("format" = Option<String>, Query, description = "json or csv; `Accept: text/csv` does the same"),
    ),
    responses(
        (status = 200, content((BadEventsView = "application/json"), (String = "text/csv"))),
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
    let site = caller.site(&app, &slug, Permission::Administer)?;
    let query = Query::of(&request, app.clock.now());
    let asked = BadQuery {
        since: query.time("since")?,
        until: query.time("until")?,
        reason: query.text("reason"),
        after: query.cursor()?,
        limit: query.limit()?,
    };
    let page = app.store.bad_events(site.number, asked).await?;
    let mut bodies = Bodies::default();
    let mut items = Vec::with_capacity(page.items.len());
    for item in page.items {
        let raw = match query.text("raw").as_deref() {
            Some("true") => bodies.raw(&app, &site, item.id).await?,
            _ => None,
        };
        items.push(BadEventView {
            id: item.id.to_string(),
            received_at: item.received_at,
            index: item.event.index,
            event: item.event.id,
            reason: item.event.reason,
            detail: item.event.detail,
            size: item.event.size,
            has_body: item.has_body,
            raw,
        });
    }
    let log = app.store.bad_log(site.number).await?;
    let view = BadEventsView {
        items,
        next: page.next.map(|next| query::cursor(&next)).transpose()?,
        log: BadLogView { events: log.events, bytes: log.bytes, dropped: log.dropped },
    };
    query.list(&view, &COLUMNS)
}

/// The bodies of a list's beacons, each opened once: its events stand one after the other.
#[derive(Default)]
struct Bodies {
    last: Option<(u64, Option<Body>)>,
}

impl Bodies {
    async fn of(&mut self, app: &App, site: &Site, beacon: u64) -> Result<Option<&Body>, Problem> {
        if self.last.as_ref().is_none_or(|(number, _)| *number != beacon) {
            let body = match app.store.bad_beacon(site.number, beacon).await? {
                Some(row) => Body::of(&app.vault, site.number, &row).await?,
                None => None,
            };
            self.last = Some((beacon, body));
        }
        Ok(self.last.as_ref().and_then(|(_, body)| body.as_ref()))
    }

    async fn raw(&mut self, app: &App, site: &Site, id: BadId) -> Result<Option<String>, Problem> {
        let body = self.of(app, site, id.beacon).await?;
        Ok(body.and_then(|body| body.event(id.index)).map(str::to_owned))
    }
}

/// Which refused events are tried again: all, or those that meet everything given.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct ReplayIn {
    /// These, by the ids of the list.
    ids: Option<Vec<String>>,
    /// Those of this reason.
    reason: Option<String>,
    /// Only say what would become of them.
    dry_run: bool,
}

/// What became of refused events.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ReplayView {
    /// Whether nothing was changed.
    dry_run: bool,
    /// How many were tried.
    tried: u64,
    /// By outcome: stored; duplicate (an event of this id is there); withheld; rejected (again, and kept); no_body (of a
    /// visitor who refused: nothing to try); gone (settled or let go meanwhile, or never there). In a dry run `valid`
    /// stands for stored or duplicate.
    outcomes: BTreeMap<&'static str, u64>,
    /// One by one, the first 500.
    items: Vec<ReplayItem>,
}

/// What became of one.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayItem {
    id: String,
    outcome: &'static str,
    /// Why it was refused again, or is withheld.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl ReplayView {
    fn tell(&mut self, id: BadId, outcome: &'static str, reason: Option<String>) {
        self.tried += 1;
        *self.outcomes.entry(outcome).or_default() += 1;
        if self.items.len() < TOLD {
            self.items.push(ReplayItem { id: id.to_string(), outcome, reason });
        }
    }
}

/// Tries refused events again by today's rules, at the time they came. What is an event now is stored, and counted as
/// stored (or duplicate, or withheld) instead of rejected: nothing is received twice. Asked twice, it happens once.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/bad-events/replay", tag = "sites",
    params(("site" = String, Path)),
    request_body = ReplayIn,
    responses(
        (status = 200, body = ReplayView),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body), (status = 404, body = problem::Body),
        (status = 503, description = "Tried in part: ask again", body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn replay(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Administer)?;
    let asked: ReplayIn = json::read(&request, payload).await?;
    let mut view = ReplayView { dry_run: asked.dry_run, ..ReplayView::default() };
    let mut bodies = Bodies::default();
    if let Some(ids) = &asked.ids {
        let mut wanted = Vec::with_capacity(ids.len());
        for (index, id) in ids.iter().enumerate() {
            let id: Result<BadId, _> = id.parse();
            wanted.push(
                id.map_err(|_| Problem::invalid_at(format!("/ids/{index}"), "must be an id of the list"))?,
            );
        }
        wanted.sort_unstable();
        wanted.dedup();
        for chunk in wanted.chunks(AT_ONCE) {
            let mut found = Vec::with_capacity(chunk.len());
            for id in chunk {
                match item(&app, &site, *id).await? {
                    Some(item)
                        if asked.reason.as_ref().is_some_and(|reason| *reason != item.event.reason) => {}
                    Some(item) => found.push(item),
                    None => view.tell(*id, "gone", None),
                }
            }
            again(&app, &site, found, &mut bodies, &mut view).await?;
        }
    } else {
        let mut query = BadQuery { reason: asked.reason, limit: AT_ONCE, ..BadQuery::default() };
        loop {
            let page = app.store.bad_events(site.number, query.clone()).await?;
            again(&app, &site, page.items, &mut bodies, &mut view).await?;
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
    }
    Ok(HttpResponse::Ok().json(view))
}

async fn item(app: &App, site: &Site, id: BadId) -> Result<Option<BadItem>, Problem> {
    let Some(beacon) = app.store.bad_beacon(site.number, id.beacon).await? else { return Ok(None) };
    let (received_at, has_body) = (beacon.received_at, beacon.vault.is_some());
    let event = beacon.events.into_iter().find(|event| event.index == id.index);
    Ok(event.map(|event| BadItem { id, received_at, has_body, event }))
}

/// Tries some, together.
async fn again(
    app: &web::Data<App>,
    site: &Arc<Site>,
    items: Vec<BadItem>,
    bodies: &mut Bodies,
    view: &mut ReplayView,
) -> Result<(), Problem> {
    let mut appends = JoinSet::new();
    for item in items {
        let id = item.id;
        let body = if item.has_body { bodies.of(app, site, id.beacon).await? } else { None };
        let Some((body, raw)) = body.and_then(|body| Some((body, body.event(id.index)?))) else {
            view.tell(id, "no_body", None);
            continue;
        };
        if let Some((adapter, query)) = &body.hook {
            let read = if view.dry_run {
                hooks::would_read(app, site, *adapter, query, raw, body.arrival.received_at).await?
            } else {
                hooks::again(app, site, *adapter, query, raw, body.arrival.received_at).await?
            };
            let (outcome, reason) = match (read, view.dry_run) {
                (Ok(()), true) => ("valid", None),
                (Ok(()), false) => ("stored", None),
                (Err(detail), _) => ("rejected", Some(detail)),
            };
            if !view.dry_run {
                let detail = |why: &String| format!("{}: {why}", adapter.as_str());
                let again =
                    reason.as_ref().map(|why| Again { reason: bad::HOOK.to_owned(), detail: detail(why) });
                let settle = store::Bad::Settle { id, again };
                app.store.append(Append { bad: Some(settle), ..Append::nothing(site.number) }).await?;
            }
            view.tell(id, outcome, reason);
            continue;
        }
        let (verdict, append) = bad::again(&app.vault, site, body, id, raw)?;
        if view.dry_run {
            match verdict {
                Verdict::Valid => view.tell(id, "valid", None),
                Verdict::Withheld(reason) => view.tell(id, "withheld", Some(reason.to_owned())),
                Verdict::Rejected(again) => view.tell(id, "rejected", Some(again.detail)),
            }
            continue;
        }
        let app = app.clone();
        appends.spawn_local(async move { settle(&app, append, verdict).await.map(|told| (id, told)) });
    }
    while let Some(joined) = appends.join_next().await {
        let (id, (outcome, reason)) = joined.map_err(Problem::internal)??;
        view.tell(id, outcome, reason);
    }
    Ok(())
}

async fn settle(
    app: &App,
    append: Append,
    verdict: Verdict,
) -> Result<(&'static str, Option<String>), Problem> {
    let appended = app.store.append(append).await?;
    Ok(match verdict {
        _ if appended.void => ("gone", None),
        Verdict::Valid => match appended.verdicts.first() {
            Some(store::Verdict::Stored(_)) => ("stored", None),
            _ => ("duplicate", None),
        },
        Verdict::Withheld(reason) => ("withheld", Some(reason.to_owned())),
        Verdict::Rejected(again) => ("rejected", Some(again.detail)),
    })
}
