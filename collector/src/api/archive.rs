//! `/api/v1/backup`, `/api/v1/export`: the store as a file, while it goes on.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, ContentEncoding},
    web::{self, Bytes},
};
use futures_util::stream;
use tokio::sync::mpsc;

use super::{auth::Caller, problem, query::Query};
use crate::{
    app::App,
    archive::{self, Contents},
    domain::{
        fact::{Entry, Exported, HOUSE, SiteNumber},
        token::{Permission, Role},
    },
    error::Problem,
    store::{Append, StoreError},
};

/// Pieces that wait for a slow reader; the writer waits behind them.
const WAITING: usize = 4;

/// Everything, to be restored from: an archive of the moment of the request. Personal data stays sealed.
#[utoipa::path(
    post, path = "/api/v1/backup", tag = "operations",
    responses(
        (status = 200, content_type = "application/zstd", description = "Lines of JSON under zstd; whole only with its last line"),
        (status = 401, body = problem::Body), (status = 403, body = problem::Body), (status = 503, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn backup(app: web::Data<App>, caller: Caller) -> Result<HttpResponse, Problem> {
    of_all(&caller)?;
    Ok(stream(app, None, None))
}

/// Facts to be read elsewhere: of everything or of one site, contact details sealed unless asked for in clear.
#[utoipa::path(
    get, path = "/api/v1/export", tag = "operations",
    params(
        ("site" = Option<String>, Query, description = "Of this site alone"),
        ("contacts" = Option<bool>, Query, description = "`true`: names, e-mails and phones in clear, beside their facts"),
    ),
    responses(
        (status = 200, content_type = "application/zstd", description = "Lines of JSON under zstd; whole only with its last line"),
        (status = 400, body = problem::Body), (status = 401, body = problem::Body), (status = 403, body = problem::Body),
        (status = 404, body = problem::Body), (status = 503, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn export(
    app: web::Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request, app.clock.now());
    let contacts = match query.text("contacts").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::invalid_at("contacts", "must be true or false")),
    };
    let site = match query.text("site") {
        None => {
            of_all(&caller)?;
            None
        }
        Some(slug) => {
            let site = caller.site(&app, &slug, Permission::Administer)?;
            Some((site.number, site.slug.clone()))
        }
    };
    if !contacts {
        return Ok(stream(app, site, None));
    }
    // Before anything leaves: what has left the house is never without its fact.
    let by = caller.token;
    append_exported(&app, site.as_ref(), &by, None).await?;
    tracing::warn!(
        site = site.as_ref().map_or("*", |(_, slug)| slug),
        by,
        "contact details are exported in clear"
    );
    Ok(stream(app, site, Some(by)))
}

/// Appends that contact details are about to leave, or that those of so many submissions have.
async fn append_exported(
    app: &App,
    site: Option<&(SiteNumber, String)>,
    by: &str,
    submissions: Option<u64>,
) -> Result<(), StoreError> {
    let exported = Exported {
        at: app.clock.now(),
        by: by.to_owned(),
        site: site.map(|(_, slug)| slug.clone()),
        submissions,
        person: None,
    };
    let log = site.map_or(HOUSE, |(number, _)| *number);
    app.store.append(Append::of(log, Entry::Exported(exported))).await.map(drop)
}

fn of_all(caller: &Caller) -> Result<(), Problem> {
    if caller.role == Role::Admin && caller.site == "*" {
        return Ok(());
    }
    Err(Problem::forbidden("Only an admin of all sites may have all of the store; name one with ?site=."))
}

/// `contacts`: who asked for contact details in clear; `None` where nobody did.
fn stream(app: web::Data<App>, site: Option<(SiteNumber, String)>, contacts: Option<String>) -> HttpResponse {
    let (pieces, taken) = mpsc::channel::<Vec<u8>>(WAITING);
    let writing = actix_web::rt::spawn(async move {
        let slugs: BTreeMap<_, _> =
            app.directory.sites().iter().map(|site| (site.number, site.slug.clone())).collect();
        let made_at = app.clock.now();
        let opened = Arc::<AtomicU64>::default();
        let contents = Contents {
            site: site.clone(),
            contacts: contacts.is_some().then_some(&app.vault),
            slugs,
            made_at,
            opened: Arc::clone(&opened),
            patience: archive::PATIENCE,
        };
        let written = archive::write(app.store.as_ref(), contents, &pieces).await;
        if let Err(error) = &written {
            // The status was sent long ago: what is missing is the archive's last line, and the end of the answer.
            tracing::error!(%error, "an archive was not written to its end");
        }
        if let Some(by) = contacts {
            let opened = opened.load(Ordering::Relaxed);
            if let Err(error) = append_exported(&app, site.as_ref(), &by, Some(opened)).await {
                tracing::error!(%error, opened, "of how many submissions contacts were exported is not in the log");
            }
        }
        written.is_ok()
    });
    let body = stream::unfold((taken, Some(writing)), |(mut taken, writing)| async move {
        if let Some(piece) = taken.recv().await {
            return Some((Ok(Bytes::from(piece)), (taken, writing)));
        }
        // A broken-off answer, so that nobody takes a part for the whole.
        let whole = writing?.await.unwrap_or(false);
        (!whole).then(|| (Err(std::io::Error::other("the archive is not whole")), (taken, None)))
    });
    HttpResponse::Ok()
        .insert_header(ContentEncoding::Identity)
        .insert_header((header::CONTENT_TYPE, "application/zstd"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(body)
}
