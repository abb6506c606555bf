//! `GET /t/{site}.gif`: an ad was shown, a message opened, a page viewed without scripts.
//!
//! The image is answered whatever becomes of the count: a broken picture in an ad helps nobody. No visitor, address
//! or cookie goes into it.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
};
use wire::beacon::{Choice, ConsentDefault, Mode, effective_mode};

use super::{client::Client, enrich::Headers, readers::Reader};
use crate::{
    api::query::Query,
    app::App,
    domain::{
        counters,
        fact::Entry,
        promotion::{Pixel, PixelKind, Placement},
    },
    project::directory::Site,
    store::{Append, Claim},
};

/// A transparent picture of one dot.
const GIF: &[u8] =
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\
                     \x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// How long a value may be.
const MOST: usize = 128;

/// Counts a pixel and answers the picture.
pub async fn get(app: &App, request: &HttpRequest, slug: &str) -> HttpResponse {
    // Whoever only asks about the picture has not shown it.
    if request.method() == Method::GET
        && let Some(site) = app.directory.site(slug)
        && let Some((append, opened)) = read(app, &site, request)
    {
        if let Err(error) = app.store.append(append).await {
            tracing::warn!(%error, "a pixel was not counted");
        }
        if let Some(Opened { query, headers, campaign, at, datacentre }) = opened
            && let Some(reader) = Reader::of(app, &site, &query, &headers, datacentre).await
        {
            reader.opened(app, &site, campaign, at).await;
        }
    }
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store, private"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .content_type("image/gif")
        .body(GIF)
}

/// A message was opened, perhaps by somebody whom the address names.
struct Opened {
    query: Query,
    headers: Headers,
    campaign: Option<String>,
    at: i64,
    datacentre: bool,
}

/// What is appended for a pixel, and whether it is a message's; `None` where nothing may be, or the address says nothing.
fn read(app: &App, site: &Site, request: &HttpRequest) -> Option<(Append, Option<Opened>)> {
    let client = Client::of(&app.settings, request);
    app.limits.admit(site.number, client).ok()?;
    let at = app.clock.now();
    let query = Query::of(request, at);
    let kind: PixelKind = query.one_of("k").ok()?.unwrap_or(PixelKind::Imp);
    let headers = Headers::of(request.headers());
    if !is_allowed(kind, headers.signal, site.config.consent_default) {
        return None;
    }
    let text = |name: &str| counters::text(query.text(name).as_deref()).map(cut);
    let placement = Placement {
        source: text("source"),
        medium: text("medium"),
        campaign: text("c"),
        content: text("content"),
        ..Placement::default()
    };
    let message = text("m");
    let claim = text("id").map(|id| Claim {
        kind: "pixel",
        external_id: id,
        // Whatever else it says: one id counts once.
        content: [0; 32],
    });
    let user_agent = headers.user_agent.clone();
    let datacentre = app.datacentres.have_client(client);
    let campaign = placement.campaign.clone();
    let entry = Entry::Pixel(Pixel { at, kind, placement, message, user_agent, datacentre });
    let append = Append { claim, ..Append::of(site.number, entry) };
    let is_open = kind == PixelKind::Open;
    Some((append, is_open.then_some(Opened { query, headers, campaign, at, datacentre })))
}

/// Whether a pixel may be kept. A view of an ad says nothing of anybody; that a message was opened, or a page viewed,
/// does, and is not kept against a browser's signal; nor is a page view where the site waits for a choice that a
/// browser without scripts cannot make.
fn is_allowed(kind: PixelKind, signal: bool, default: ConsentDefault) -> bool {
    match kind {
        PixelKind::Imp => true,
        PixelKind::Open => !signal,
        PixelKind::View => {
            effective_mode(Some(Mode::Anonymous), Choice::Default, signal, default) != Mode::Off
        }
    }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MOST));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_and_views_heed_the_visitor_and_ads_know_none() {
        use ConsentDefault::{Anonymous, Full, Off, Wait};
        for default in [Wait, Off, Anonymous, Full] {
            for signal in [false, true] {
                assert!(is_allowed(PixelKind::Imp, signal, default));
                assert_eq!(is_allowed(PixelKind::Open, signal, default), !signal);
                let may = !signal && matches!(default, Anonymous | Full);
                assert_eq!(is_allowed(PixelKind::View, signal, default), may, "{signal} {default:?}");
            }
        }
    }
}
