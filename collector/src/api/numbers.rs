//! `/numbers`: tracked telephone numbers, and how many a pool needs.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{auth::Caller, check, json, problem, query::Query, shapes::List};
use crate::{
    app::App,
    domain::{
        channel::Channel,
        fact::{Entry, HOUSE},
        number::{self, Number, NumbersPut, Stands},
        promotion::Placement,
        token::Permission,
    },
    error::Problem,
    project::directory::Site,
    store::{Append, Verdict},
    vault::contact,
};

/// At most so many numbers of a site, each for as long as it stood for something.
const MOST: usize = 2000;
/// What a pool may turn away: one visitor in a hundred.
const BLOCKED: f64 = 0.01;

/// A tracked number.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Number)]
pub struct NumberBody {
    /// With a country code, or as people of the site's region write it.
    number: String,
    /// static: it stands for a channel; pool: it is shown to one visitor at a time; printed: it is what pages say, and others
    /// are shown in its place.
    kind: String,
    /// Of a static one: the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    channel: Option<Channel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    campaign: Option<String>,
    /// Of a pool's: which pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pool: Option<String>,
    /// Since when; always, unless told. Milliseconds or RFC 3339.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    from: Option<serde_json::Value>,
    /// Until when; for good, unless told.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    until: Option<serde_json::Value>,
}

/// All of a site's numbers.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Numbers)]
pub struct NumbersBody {
    items: Vec<NumberBody>,
}

/// How many numbers a pool needs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PoolAdvice)]
pub struct AdviceView {
    /// Visitors of the busiest hour, as told.
    visitors_per_hour: f64,
    /// For how long each keeps a number, in minutes.
    minutes: f64,
    /// How many numbers are in use on average then (erlang).
    load: f64,
    /// How many are needed, so that at most 1 in 100 finds none (Erlang B).
    numbers: u32,
    /// What share of visitors finds none with so many.
    blocked: f64,
}

fn checked(site: &Site, body: NumbersBody, now: i64) -> Result<Vec<Number>, Problem> {
    if body.items.len() > MOST {
        return Err(Problem::invalid_at("/items", format!("must be at most {MOST} numbers")));
    }
    let mut numbers = Vec::with_capacity(body.items.len());
    for (index, item) in body.items.into_iter().enumerate() {
        let at = |name: &str| format!("/items/{index}/{name}");
        let number = contact::phone(&item.number, &site.config.default_region).ok_or_else(|| {
            Problem::invalid_at(at("number"), "must be a telephone number such as +34900111001")
        })?;
        let moment = |name: &str, value: Option<&serde_json::Value>| {
            value
                .filter(|value| !value.is_null())
                .map(|value| check::any_moment(&at(name), value, now))
                .transpose()
        };
        let from = moment("from", item.from.as_ref())?.unwrap_or(0);
        let until = moment("until", item.until.as_ref())?;
        if until.is_some_and(|until| until <= from) {
            return Err(Problem::invalid_at(at("until"), "must be later than from"));
        }
        let stands = match item.kind.as_str() {
            "static" => {
                let channel = item.channel.ok_or_else(|| {
                    Problem::invalid_at(at("channel"), "must be the channel that the number stands for")
                })?;
                let source = check::label(&at("source"), item.source)?;
                let campaign = check::label(&at("campaign"), item.campaign)?;
                Stands::For { channel, placement: Placement { source, campaign, ..Placement::default() } }
            }
            "pool" => {
                let pool = item.pool.filter(|pool| wire::id::is_valid(pool)).ok_or_else(|| {
                    Problem::invalid_at(
                        at("pool"),
                        "must be a pool's name: 1 to 64 characters of A-Z a-z 0-9 _ -",
                    )
                })?;
                Stands::Pool(pool)
            }
            "printed" => Stands::Printed,
            _ => return Err(Problem::invalid_at(at("kind"), "must be static, pool or printed")),
        };
        numbers.push(Number { number, stands, from, until });
    }
    if let Some(overlap) = number::overlap(&numbers) {
        let detail = format!("stands for something else already, by /items/{}", overlap.with);
        return Err(Problem::invalid_at(format!("/items/{}/from", overlap.index), detail));
    }
    Ok(numbers)
}

impl From<&Number> for NumberBody {
    fn from(number: &Number) -> Self {
        let (channel, placement, pool) = match &number.stands {
            Stands::For { channel, placement } => (Some(*channel), placement.clone(), None),
            Stands::Pool(pool) => (None, Placement::default(), Some(pool.clone())),
            Stands::Printed => (None, Placement::default(), None),
        };
        Self {
            number: number.number.clone(),
            kind: match &number.stands {
                Stands::For { .. } => "static",
                Stands::Pool(_) => "pool",
                Stands::Printed => "printed",
            }
            .to_owned(),
            channel,
            source: placement.source,
            campaign: placement.campaign,
            pool,
            from: Some(number.from.into()),
            until: number.until.map(Into::into),
        }
    }
}

fn view(site: &Site) -> List<NumberBody> {
    List { items: site.numbers.current.iter().map(NumberBody::from).collect(), next: None }
}

/// Sets the site's tracked numbers. What is not in the list any more stood for what it did until now: calls of then keep
/// their meaning.
#[utoipa::path(
    put, path = "/api/v1/sites/{site}/numbers", tag = "calls",
    params(("site" = String, Path)), request_body = NumbersBody,
    responses(
        (status = 200, description = "Set", body = List<NumberBody>), (status = 400, body = problem::Body),
        (status = 403, body = problem::Body), (status = 404, body = problem::Body),
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
    let body: NumbersBody = json::read(&request, payload).await?;
    let now = app.clock.now();
    let items = checked(&site, body, now)?;
    if site.numbers.current != items {
        let put = NumbersPut { slug: slug.to_owned(), at: now, items };
        let appended = app.store.append(Append::of(HOUSE, Entry::Numbers(put))).await?;
        if let Some(Verdict::Stored(position)) = appended.verdicts.first() {
            app.progress.wait(HOUSE, *position).await;
        }
        app.directory.refresh(app.store.as_ref()).await?;
    }
    let site = caller.site(&app, &slug, Permission::Administer)?;
    let query = Query::of(&request, now);
    Ok(HttpResponse::Ok().json(query.render(&view(&site))?))
}

/// The site's tracked numbers.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/numbers", tag = "calls",
    params(("site" = String, Path), ("time" = Option<String>, Query), ("format" = Option<String>, Query, description = "json or csv")),
    responses((status = 200, body = List<NumberBody>), (status = 403, body = problem::Body)),
    security(("token" = []))
)]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Read)?;
    let columns = ["number", "kind", "channel", "source", "campaign", "pool", "from", "until"];
    Query::of(&request, app.clock.now()).list(&view(&site), &columns)
}

/// How many numbers a pool needs for so many visitors an hour.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/numbers/advice", tag = "calls",
    params(
        ("site" = String, Path),
        ("visitors_per_hour" = f64, Query, description = "Visitors of the busiest hour that a number is to be shown to"),
        ("minutes" = Option<f64>, Query, description = "For how long each keeps one: the visit, and half an hour after it; 35 unless told"),
    ),
    responses((status = 200, body = AdviceView), (status = 400, body = problem::Body)),
    security(("token" = []))
)]
pub async fn advice(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    caller.site(&app, &slug, Permission::Read)?;
    let query = Query::of(&request, app.clock.now());
    let number = |name: &'static str, most: f64| match query.text(name).map(|text| text.parse::<f64>()) {
        None => Ok(None),
        Some(Ok(value)) if value > 0.0 && value <= most => Ok(Some(value)),
        Some(_) => Err(Problem::invalid_at(name, format!("must be a number over 0, at most {most}"))),
    };
    let visitors_per_hour = number("visitors_per_hour", 1_000_000.0)?
        .ok_or_else(|| Problem::invalid_at("visitors_per_hour", "must be told"))?;
    let minutes = number("minutes", 1440.0)?.unwrap_or(35.0);
    let load = visitors_per_hour * minutes / 60.0;
    let numbers = number::needed(load, BLOCKED);
    let blocked = number::blocked(load, numbers);
    Ok(HttpResponse::Ok().json(AdviceView { visitors_per_hour, minutes, load, numbers, blocked }))
}
