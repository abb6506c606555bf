//! `GET /t/{site}/r/{link}`: a link in an ad or an e-mail, counted on the way to where it leads.
//!
//! It leads only to targets that the site has registered. What the ad platform hung onto the address (click ids,
//! `utm_*`) goes along, and where the target has no tags, those of the link do, so that the visit is known for what it
//! is. Whoever clicked gets there, whether the click could be counted or not.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web,
};

use super::{client::Client, enrich::Headers};
use crate::{
    api::{problem, query::escaped},
    app::App,
    domain::{
        fact::Entry,
        promotion::{Link, LinkClick},
    },
    error::Problem,
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
    let location = location(link, request.query_string());
    let client = Client::of(&app.settings, &request);
    // A HEAD looks where a link leads, as checkers of links do, and follows nothing.
    if request.method() == Method::GET && app.limits.admit(site.number, client).is_ok() {
        let click = LinkClick {
            at: app.clock.now(),
            link: link.id.clone(),
            placement: link.placement.clone(),
            user_agent: Headers::of(request.headers()).user_agent,
            datacentre: app.datacentres.have_client(client),
        };
        if let Err(error) = app.store.append(Append::of(site.number, Entry::LinkClick(click))).await {
            tracing::warn!(%error, "a click on a link was not counted");
        }
    }
    let location = header::HeaderValue::from_str(&location).map_err(Problem::internal)?;
    Ok(HttpResponse::Found()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, "no-store, private"))
        .finish())
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
