//! `GET audit`: who looked, exported, erased, moved and configured.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    problem,
    query::{self, Query},
    shapes::List,
};
use crate::{
    app::App,
    domain::{
        delivery::Then,
        fact::{Entry, HOUSE, Position},
        token::Permission,
    },
    error::Problem,
    project::directory::Site,
    store::Stored,
};

/// Entries that are looked at together.
const PAGE: usize = 500;

/// Something that somebody did, or looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditItem)]
pub struct ItemView {
    at: i64,
    /// looked, exported, erased, stage, evidence, consent, do_not_call, sent, token_issued, token_revoked, site_configured.
    kind: &'static str,
    /// The id of the token that did it, where it is known.
    token: Option<String>,
    /// Ids of the leads and persons that it is about.
    subjects: Vec<String>,
    #[serde(flatten)]
    own: Map<String, Value>,
}

/// Where to go on, in the site's log and in the house's: everything from there on was told.
type Cursor = (Position, Position);

/// Who looked at contact details in clear, exported, erased, moved a lead, took back evidence, issued or withdrew a token:
/// newest first.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/audit", tag = "operations",
    params(
        ("site" = String, Path),
        ("lead" = Option<String>, Query, description = "About this lead, or person"),
        ("token" = Option<String>, Query, description = "Done with this token, by its id"),
        ("since" = Option<String>, Query, description = "At or after: ms, RFC 3339, or relative (-7d)"),
        ("until" = Option<String>, Query, description = "Before"),
        ("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query), ("time" = Option<String>, Query),
    ),
    responses(
        (status = 200, description = "{\"items\": [AuditItem], \"next\": cursor or null}", body = [ItemView]),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body),
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
    // What was just shown is among it.
    app.looks.flush().await;
    app.progress.wait(site.number, app.store.head(site.number)).await;
    let query = Query::of(&request, app.clock.now());
    let (lead, token) = (query.text("lead"), query.text("token"));
    let (since, until) = (query.time("since")?, query.time("until")?);
    let limit = query.limit()?;
    let (of_site, of_house): Cursor = query.cursor()?.unwrap_or((Position::MAX, Position::MAX));
    let is_asked = |item: &ItemView| {
        since.is_none_or(|since| item.at >= since)
            && until.is_none_or(|until| item.at < until)
            && token.as_ref().is_none_or(|token| item.token.as_ref() == Some(token))
            && lead.as_ref().is_none_or(|lead| item.subjects.contains(lead))
    };
    let mut house =
        house(&app, &site, of_house).await?.into_iter().filter(|(_, item)| is_asked(item)).peekable();
    let mut items = Vec::new();
    let (mut reached, mut reached_house) = (of_site, of_house);
    'pages: loop {
        let page = app.store.audited(site.number, reached, PAGE).await?;
        let is_last = page.len() < PAGE;
        for stored in &page {
            if let Some(item) = view(&app, &site, stored).await?.filter(&is_asked) {
                while let Some((position, item)) = house.next_if(|(_, newer)| newer.at > item.at) {
                    if items.len() == limit {
                        break 'pages;
                    }
                    reached_house = position;
                    items.push(item);
                }
                if items.len() == limit {
                    break 'pages;
                }
                items.push(item);
            }
            reached = stored.position;
        }
        if is_last {
            for (position, item) in house.by_ref() {
                if items.len() == limit {
                    break 'pages;
                }
                reached_house = position;
                items.push(item);
            }
            return Ok(HttpResponse::Ok().json(query.render(&List { items, next: None })?));
        }
    }
    let next = Some(query::cursor(&(reached, reached_house))?);
    Ok(HttpResponse::Ok().json(query.render(&List { items, next })?))
}

/// What the house's log says about a site before a position, newest first. It is short.
async fn house(app: &App, site: &Site, before: Position) -> Result<Vec<(Position, ItemView)>, Problem> {
    let mut found = Vec::new();
    let mut own_tokens = BTreeSet::new();
    let mut after = 0;
    loop {
        let page = app.store.read(HOUSE, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.last();
        for stored in page {
            let is_own = match stored.entry.as_ref() {
                Entry::Token(put) => {
                    let is_own = put.site == "*" || put.site == site.slug;
                    if is_own {
                        own_tokens.insert(put.id.clone());
                    }
                    is_own
                }
                // Whose token it was is told by what issued it.
                Entry::TokenRevoked(revoked) => own_tokens.contains(&revoked.id),
                _ => true,
            };
            if is_own
                && stored.position < before
                && let Some(item) = view(app, site, &stored).await?
            {
                found.push((stored.position, item));
            }
        }
    }
    found.reverse();
    Ok(found)
}

/// An entry as one of the trail; `None` where it is none, or of another site.
async fn view(app: &App, site: &Site, stored: &Stored) -> Result<Option<ItemView>, Problem> {
    let mut own = Map::new();
    let (mut token, mut subjects) = (None, Vec::new());
    let mut note = None;
    let kind = match stored.entry.as_ref() {
        Entry::Looked(looked) => {
            token = Some(looked.by.clone());
            subjects.clone_from(&looked.subjects);
            own.insert("through".to_owned(), json!(looked.through));
            "looked"
        }
        Entry::Exported(exported) if exported.site.as_ref().is_none_or(|slug| *slug == site.slug) => {
            token = Some(exported.by.clone());
            subjects.extend(exported.person.clone());
            own.insert("submissions".to_owned(), json!(exported.submissions));
            "exported"
        }
        Entry::Erased(erased) => {
            token = Some(erased.by.clone());
            subjects.extend(erased.leads.iter().map(|stays| stays.lead.to_string()));
            own.insert("submissions".to_owned(), json!(erased.references.len()));
            "erased"
        }
        Entry::Stage(moved) => {
            subjects.push(moved.lead.to_string());
            own.insert("stage".to_owned(), json!(moved.stage));
            note = Some(moved.note);
            "stage"
        }
        Entry::EdgeMark(mark) => {
            subjects.push(mark.edge.to_string());
            own.insert("active".to_owned(), json!(mark.active));
            note = Some(mark.note);
            "evidence"
        }
        Entry::Consent(said) => {
            token = Some(said.token.clone());
            subjects.extend(said.leads.iter().map(ToString::to_string));
            own.insert("granted".to_owned(), json!(said.granted));
            own.insert("withdrawn".to_owned(), json!(said.withdrawn));
            note = Some(said.note);
            "consent"
        }
        Entry::DoNotCall(said) => {
            token = Some(said.by.clone());
            subjects.push(said.phone.to_string());
            own.insert("listed".to_owned(), json!(said.reason.is_some()));
            own.insert("reason".to_owned(), json!(said.reason));
            "do_not_call"
        }
        Entry::Tried(tried) => {
            subjects.extend(tried.lead.iter().map(ToString::to_string));
            own.insert("endpoint".to_owned(), json!(tried.endpoint));
            own.insert("message".to_owned(), json!(tried.message));
            own.insert("delivered".to_owned(), json!(tried.then == Then::Delivered));
            "sent"
        }
        Entry::Token(put) => {
            subjects.push(put.id.clone());
            own.insert("role".to_owned(), json!(put.role));
            "token_issued"
        }
        Entry::TokenRevoked(revoked) => {
            subjects.push(revoked.id.clone());
            "token_revoked"
        }
        Entry::Site(put) if put.slug == site.slug => "site_configured",
        _ => return Ok(None),
    };
    if let Some(reference) = note
        && let Some(note) = app.vault.get(site.number, reference).await?
    {
        own.insert("by".to_owned(), json!(note.by));
        own.insert("reason".to_owned(), json!(note.reason));
    }
    let at = stored.entry.received_at().unwrap_or_default();
    Ok(Some(ItemView { at, kind, token, subjects, own }))
}
