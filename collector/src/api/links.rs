//! `/links`: counted links, and where they lead.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{auth::Caller, json, problem, query::Query, shapes::List};
use crate::{
    app::App,
    domain::{
        fact::{Entry, HOUSE},
        promotion::{Link, LinksPut, Placement},
        token::Permission,
    },
    error::Problem,
    project::directory::Site,
    store::{Append, Verdict},
};

/// A counted link.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Link)]
pub struct LinkBody {
    /// 1 to 64 characters of A-Z a-z 0-9 _ -.
    id: String,
    /// Where it leads: an http or https address.
    target: String,
    #[serde(flatten)]
    placement: PlacementBody,
    /// The address to hand out. Answered, not read.
    #[serde(default, skip_deserializing)]
    url: Option<String>,
}

/// The list's columns as a table.
const COLUMNS: [&str; 9] =
    ["id", "url", "target", "source", "medium", "campaign", "campaign_id", "content", "term"];

/// Where a link or a cost belongs, by the names of `utm_*`.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = Placement)]
pub struct PlacementBody {
    #[schema(max_length = 256)]
    source: Option<String>,
    #[schema(max_length = 256)]
    medium: Option<String>,
    #[schema(max_length = 256)]
    campaign: Option<String>,
    #[schema(max_length = 256)]
    campaign_id: Option<String>,
    #[schema(max_length = 256)]
    content: Option<String>,
    #[schema(max_length = 256)]
    term: Option<String>,
}

impl From<Placement> for PlacementBody {
    fn from(placement: Placement) -> Self {
        let Placement { source, medium, campaign, campaign_id, content, term } = placement;
        Self { source, medium, campaign, campaign_id, content, term }
    }
}

impl PlacementBody {
    /// The placement; empty texts count as absent. `pointer` is where it stands in the body.
    ///
    /// # Errors
    /// 400 where a text is too long or no plain text.
    pub fn checked(self, pointer: &str) -> Result<Placement, Problem> {
        let Self { source, medium, campaign, campaign_id, content, term } = self;
        let plain = |name: &str, value: Option<String>| match value.filter(|value| !value.trim().is_empty()) {
            Some(value) if value.len() > 256 || value.chars().any(char::is_control) => {
                Err(Problem::invalid_at(format!("{pointer}/{name}"), "must be at most 256 plain characters"))
            }
            value => Ok(value),
        };
        Ok(Placement {
            source: plain("source", source)?,
            medium: plain("medium", medium)?,
            campaign: plain("campaign", campaign)?,
            campaign_id: plain("campaign_id", campaign_id)?,
            content: plain("content", content)?,
            term: plain("term", term)?,
        })
    }
}

/// All of a site's counted links.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Links)]
pub struct LinksBody {
    items: Vec<LinkBody>,
}

/// At most so many links of a site.
const MOST: usize = 2000;

fn checked(body: LinksBody) -> Result<Vec<Link>, Problem> {
    if body.items.len() > MOST {
        return Err(Problem::invalid_at("/items", format!("must be at most {MOST} links")));
    }
    let mut links: Vec<Link> = Vec::with_capacity(body.items.len());
    let mut known = std::collections::HashSet::new();
    for (index, item) in body.items.into_iter().enumerate() {
        let pointer = format!("/items/{index}");
        if !wire::id::is_valid(&item.id) {
            let detail = "must be 1 to 64 characters of A-Z a-z 0-9 _ -";
            return Err(Problem::invalid_at(format!("{pointer}/id"), detail));
        }
        if !known.insert(item.id.clone()) {
            return Err(Problem::invalid_at(format!("{pointer}/id"), "another link has this id"));
        }
        let scheme = ["https://", "http://"].iter().any(|scheme| item.target.starts_with(scheme));
        let fits = item.target.len() <= 2048 && item.target.bytes().all(|byte| byte.is_ascii_graphic());
        if !scheme || !fits || wire::arrival::host(&item.target).is_none() {
            return Err(Problem::invalid_at(
                format!("{pointer}/target"),
                "must be an address such as https://example.com/oferta, percent-encoded where it is not ASCII",
            ));
        }
        links.push(Link { id: item.id, target: item.target, placement: item.placement.checked(&pointer)? });
    }
    Ok(links)
}

fn view(app: &App, site: &Site) -> List<LinkBody> {
    let base = format!("{}{}/{}/r/", app.settings.public_url, app.settings.prefix, site.slug);
    let items = site.links.iter().map(|link| LinkBody {
        id: link.id.clone(),
        target: link.target.clone(),
        placement: link.placement.clone().into(),
        url: Some(format!("{base}{}", link.id)),
    });
    List { items: items.collect(), next: None }
}

/// Sets the site's counted links; what is not in the list is a link no more.
#[utoipa::path(
    put, path = "/api/v1/sites/{site}/links", tag = "promotion",
    params(("site" = String, Path)),
    request_body = LinksBody,
    responses(
        (status = 200, body = List<LinkBody>),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body), (status = 404, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn put(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Administer)?;
    let items = checked(json::read(&request, payload).await?)?;
    if *site.links != items {
        let put = LinksPut { slug: slug.clone(), at: app.clock.now(), items };
        let appended = app.store.append(Append::of(HOUSE, Entry::Links(put))).await?;
        if let Some(Verdict::Stored(position)) = appended.verdicts.first() {
            app.progress.wait(HOUSE, *position).await;
        }
        app.directory.refresh(app.store.as_ref()).await?;
    }
    let site = caller.site(&app, &slug, Permission::Administer)?;
    Ok(HttpResponse::Ok().json(view(&app, &site)))
}

/// The site's counted links.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/links", tag = "promotion",
    params(
        ("site" = String, Path),
        ("format" = Option<String>, Query, description = "json or csv; `Accept: text/csv` does the same"),
    ),
    responses(
        (status = 200, content((List<LinkBody> = "application/json"), (String = "text/csv"))),
        (status = 404, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Read)?;
    Query::of(&request, app.clock.now()).list(&view(&app, &site), &COLUMNS)
}
