//! `POST /costs`: what was spent, as the platforms say.

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{auth::Caller, json, links::PlacementBody, problem, records::Ready};
use crate::{
    app::App,
    domain::{calendar, fact::Entry, promotion::Cost, token::Permission},
    error::Problem,
    project::directory::Site,
    store::{Append, Claim, Verdict},
};

/// Money spent on a day.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Cost)]
pub struct CostBody {
    /// YYYY-MM-DD.
    #[schema(format = Date)]
    day: String,
    #[serde(flatten)]
    placement: PlacementBody,
    /// Minor units: 12345 are 123.45.
    #[schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64)]
    cost: i64,
    /// ISO 4217; the site's.
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
    /// How often ads were shown.
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_i64)]
    impressions: u64,
    /// How often they were clicked.
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_i64)]
    clicks: u64,
    /// What the platform says that came of it.
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_i64)]
    platform_conversions: Option<u64>,
}

/// Some costs.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Costs)]
pub struct CostsBody {
    /// 1 to 500.
    #[schema(min_items = 1, max_items = 500)]
    items: Vec<CostBody>,
}

/// What became of some costs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CostsAnswer)]
pub struct AnswerView {
    /// New, or in place of what was there.
    accepted: u64,
    /// There already, just so.
    duplicate: u64,
}

/// At most so many in one request.
const MOST: usize = 500;
/// Beyond this a number is a mistake: sums of it must not overflow.
const LARGEST: u64 = 1_000_000_000_000;

impl CostBody {
    /// Checks it.
    ///
    /// # Errors
    /// 400, pointing at what is wrong.
    pub fn ready(self, site: &Site, now: i64) -> Result<Ready, Problem> {
        let entry = Entry::Cost(checked(site, self, "", now)?);
        Ok(Ready { entry, seals: Vec::new(), content: None })
    }
}

fn checked(site: &Site, body: CostBody, pointer: &str, now: i64) -> Result<Cost, Problem> {
    let at = |name: &str| format!("{pointer}/{name}");
    let day = calendar::parse(&body.day)
        .ok_or_else(|| Problem::invalid_at(at("day"), "must be a day such as 2026-03-01"))?;
    let placement = body.placement.checked(pointer)?;
    if placement.source.is_none() && placement.campaign.is_none() {
        return Err(Problem::invalid_at(at("source"), "must say a source, or a campaign"));
    }
    if body.currency != site.config.currency {
        let detail =
            format!("must be the site's currency, {}: sums of several mean nothing", site.config.currency);
        return Err(Problem::invalid_at(at("currency"), detail));
    }
    let numbers = [
        ("cost", body.cost.unsigned_abs()),
        ("impressions", body.impressions),
        ("clicks", body.clicks),
        ("platform_conversions", body.platform_conversions.unwrap_or(0)),
    ];
    for (name, number) in numbers {
        if number > LARGEST {
            return Err(Problem::invalid_at(at(name), format!("must be at most {LARGEST}")));
        }
    }
    Ok(Cost {
        day,
        placement,
        cost: body.cost,
        currency: body.currency,
        impressions: body.impressions,
        clicks: body.clicks,
        platform_conversions: body.platform_conversions,
        received_at: now,
    })
}

/// Records costs. One with the day and the names of an earlier one takes its place.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/costs", tag = "promotion",
    params(("site" = String, Path)),
    request_body = CostsBody,
    responses(
        (status = 200, description = "Recorded: all of them", body = AnswerView),
        (status = 400, description = "Nothing was recorded", body = problem::Body),
        (status = 403, body = problem::Body), (status = 404, body = problem::Body),
        (status = 503, description = "Send all of them again: what was recorded is a duplicate then", body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn post(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Write)?;
    let body: CostsBody = json::read(&request, payload).await?;
    if body.items.is_empty() || body.items.len() > MOST {
        return Err(Problem::invalid_at("/items", format!("must be 1 to {MOST} costs")));
    }
    let now = app.clock.now();
    let mut costs = Vec::with_capacity(body.items.len());
    let mut keys = std::collections::HashSet::new();
    for (index, item) in body.items.into_iter().enumerate() {
        let cost = checked(&site, item, &format!("/items/{index}"), now)?;
        if !keys.insert(cost.key()) {
            let detail = "another cost of this request has the same day and names";
            return Err(Problem::invalid_at(format!("/items/{index}"), detail));
        }
        costs.push(cost);
    }
    let appends = costs.into_iter().map(|cost| {
        app.store.append(Append { claim: Some(claim(&cost)), ..Append::of(site.number, Entry::Cost(cost)) })
    });
    let mut answer = AnswerView { accepted: 0, duplicate: 0 };
    for appended in join_all(appends).await {
        match appended?.verdicts.first() {
            Some(Verdict::Stored(_)) => answer.accepted += 1,
            _ => answer.duplicate += 1,
        }
    }
    Ok(HttpResponse::Ok().json(answer))
}

/// What a cost claims: its day and names.
#[must_use]
pub fn claim(cost: &Cost) -> Claim {
    Claim { kind: "cost", external_id: cost.key(), content: content(cost) }
}

/// What must be the same for a cost to be the same: all but when it was said.
fn content(cost: &Cost) -> [u8; 32] {
    let said = (cost.cost, &cost.currency, cost.impressions, cost.clicks, cost.platform_conversions);
    Sha256::digest(format!("{said:?}")).into()
}
