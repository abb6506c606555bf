//! `GET /t/{site}/r/{link}`: a link in an ad or an e-mail, counted on the way to where it leads.
//!
//! It leads only to targets that the site has registered. What the ad platform hung onto the address (click ids,
//! `utm_*`) goes along, and where the target has no tags, those of the link do, so that the visit is known for what it
//! is. Whoever clicked gets there, whether the click could be counted or not. What says to whom a message was sent stays
//! here; a page of the site's own is told, for an hour, whose click led to it.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web,
};

use super::{
    client::Client,
    enrich::{self, Headers},
    readers::Reader,
};
use crate::{
    api::{
        problem,
        query::{Query, escaped},
    },
    app::App,
    domain::{
        fact::Entry,
        promotion::{Link, LinkClick},
    },
    error::Problem,
    project::directory::Site,
    store::Append,
};

/// Counts a click and answers where the link leads.
#[utoipa::path(
    get, path = "/t/{site}/r/{link}", tag = "public",
    params(("site" = String, Path), ("link" = String, Path, description = "The link's id")),
    responses(
        (status = 302, description = "Where the link leads; the query of the request goes along"),
        (status = 404, description = "No such link", body = problem::Body),
    )
)]
pub async fn get(
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (slug, id) = path.into_inner();
    let none = || Problem::not_found("There is no such link.");
    let site = app.directory.site(&slug).ok_or_else(none)?;
    let link = site.links.iter().find(|link| link.id == id).ok_or_else(none)?;
    let client = Client::of(&app.settings, &request);
    let mut landing = None;
    // A HEAD looks where a link leads, as checkers of links do, and follows nothing.
    if request.method() == Method::GET && app.limits.admit(site.number, client).is_ok() {
        let (at, headers) = (app.clock.now(), Headers::of(request.headers()));
        let datacentre = app.datacentres.have_client(client);
        let click = LinkClick {
            at,
            link: link.id.clone(),
            placement: link.placement.clone(),
            user_agent: headers.user_agent.clone(),
            datacentre,
        };
        if let Err(error) = app.store.append(Append::of(site.number, Entry::LinkClick(click))).await {
            tracing::warn!(%error, "a click on a link was not counted");
        }
        let query = Query::of(&request, at);
        if let Some(reader) = Reader::of(&app, &site, &query, &headers, datacentre).await {
            reader.clicked(&app, &site, &link.id, link.placement.campaign.clone(), at).await;
            let token = app.vault.landing_token(site.number, &reader.lead.id, at);
            landing = token.filter(|_| is_own(&site, link));
        }
    }
    let location = location(link, &passed_on(request.query_string(), landing.as_deref()));
    let location = header::HeaderValue::from_str(&location).map_err(Problem::internal)?;
    Ok(HttpResponse::Found()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, "no-store, private"))
        .finish())
}

/// Whether a link leads to a page of the site's own: nobody else is told whose click it was.
fn is_own(site: &Site, link: &Link) -> bool {
    wire::arrival::host(&link.target).is_some_and(|host| wire::arrival::is_own(&host, &site.config.domains))
}

/// The query without what says to whom the message was sent, and with what the page is told.
fn passed_on(query: &str, landing: Option<&str>) -> String {
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    // Ads may have an `r` of their own.
    let is_recipient = value("m").is_some() && value("r").is_some_and(|token| token.len() == 43);
    let of_message = |pair: &str| is_recipient && (pair.starts_with("m=") || pair.starts_with("r="));
    let mut parts: Vec<&str> =
        query.split('&').filter(|pair| !pair.is_empty() && !of_message(pair)).collect();
    let landing = landing.map(|token| format!("{}={token}", enrich::EMAIL_CLICK));
    parts.extend(landing.as_deref());
    parts.join("&")
}

/// The target with the request's query, and the link's own tags where neither of them has any.
fn location(link: &Link, query: &str) -> String {
    let (target, fragment) = link.target.split_once('#').unwrap_or((&link.target, ""));
    let has = |key: &str| {
        let own = target.split_once('?').map_or("", |(_, query)| query);
        [own, query].iter().flat_map(|query| query.split('&')).any(|pair| pair.split('=').next() == Some(key))
    };
    let mut parts: Vec<String> = Vec::new();
    // Only what fits a header; the rest of a query is of no use to anybody.
    if !query.is_empty() && query.bytes().all(|byte| byte.is_ascii_graphic()) {
        parts.push(query.to_owned());
    }
    if !["utm_source", "utm_medium", "utm_campaign"].into_iter().any(has) {
        for (name, value) in link.placement.fields() {
            let key = if name == "campaign_id" { "utm_id".to_owned() } else { format!("utm_{name}") };
            if let Some(value) = value {
                parts.push(format!("{key}={}", escaped(value)));
            }
        }
    }
    let mut location = target.to_owned();
    if !parts.is_empty() {
        location.push(if target.contains('?') { '&' } else { '?' });
        location.push_str(&parts.join("&"));
    }
    if !fragment.is_empty() {
        location.push('#');
        location.push_str(fragment);
    }
    location
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::promotion::Placement;

    #[test]
    fn whom_a_message_was_sent_to_stays_here() {
        let token = "A".repeat(43);
        assert_eq!(passed_on(&format!("gclid=G&m=otono&r={token}"), None), "gclid=G");
        assert_eq!(passed_on(&format!("m=otono&r={token}"), Some("T")), "tzclid=T");
        assert_eq!(passed_on("r=5&m=otono", None), "r=5&m=otono", "an ad's own");
        assert_eq!(passed_on("", None), "");
    }

    #[test]
    fn what_the_ad_hung_on_goes_along_and_the_links_tags_where_there_are_none() {
        let placement = Placement {
            source: Some("boletín".to_owned()),
            medium: Some("email".to_owned()),
            campaign_id: Some("7".to_owned()),
            ..Placement::default()
        };
        let to = |target: &str, query: &str| {
            let link = Link { id: "x".to_owned(), target: target.to_owned(), placement: placement.clone() };
            location(&link, query)
        };
        let tags = "utm_source=bolet%C3%ADn&utm_medium=email&utm_id=7";
        assert_eq!(to("https://example.com/a", ""), format!("https://example.com/a?{tags}"));
        assert_eq!(
            to("https://example.com/a?b=1#c", "gclid=G"),
            format!("https://example.com/a?b=1&gclid=G&{tags}#c")
        );
        let own = "https://example.com/?utm_source=own";
        assert_eq!(to(own, ""), own);
        assert_eq!(to("https://example.com/", "utm_source=ad"), "https://example.com/?utm_source=ad");
        assert_eq!(to(own, "a=\u{7f}b"), own);
    }
}
