//! `GET reports/campaigns`: what came of each campaign, and what it cost.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::{
    asked::{Asked, Dimension},
    auth::Caller,
    problem,
    query::Query,
    reports::{Groups, ReportView, RowView, fold, group, off_thread, totalled},
};
use crate::{
    app::App,
    domain::{
        calendar,
        channel::catalogue,
        counters::{self, Tally},
        token::Permission,
    },
    error::Problem,
    store::rollup::Sum,
};

/// Visits, leads by kind, contacted, sales, revenue, cost, cost per lead and return, by campaign, source and channel: a
/// lead stands on the day on which it was left, where whoever left it came from last by a way that tells. What was not
/// told is null, never 0.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/reports/campaigns", tag = "reports",
    params(
        ("site" = String, Path),
        ("since_day" = Option<String>, Query, description = "The first day, YYYY-MM-DD; 29 days before the last unless told"),
        ("until_day" = Option<String>, Query, description = "The last day; today unless told"),
        ("group_by" = Option<String>, Query, description = "Some of day, channel, source, campaign; channel,source,campaign unless told"),
        ("channel" = Option<String>, Query), ("source" = Option<String>, Query, description = "(none) for those without"),
        ("campaign" = Option<String>, Query),
    ),
    responses((status = 200, body = ReportView), (status = 400, body = problem::Body), (status = 403, body = problem::Body)),
    security(("token" = []))
)]
pub async fn campaigns(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Read)?;
    let now = app.clock.now();
    let asked = Asked::read(&Query::of(&request, now), "channel,source,campaign", &site, &caller, now)?;
    if asked.of_ctas() {
        return Err(Problem::invalid_at("group_by", "must be some of day, channel, source, campaign"));
    }
    let asked = Arc::new(asked);
    let (groups, pending) = fold(&app, &site, &asked, false, Groups::new(), group).await?;
    let (groups, total) = totalled(groups).await?;
    let view = off_thread(move || {
        let rows = groups.into_iter().map(|(key, sum)| {
            let key: BTreeMap<Dimension, Option<String>> = asked.group_by.iter().copied().zip(key).collect();
            RowView {
                explain: Some(asked.explain_leads(
                    &site,
                    &key,
                    &[("touch", "last_non_direct"), ("counted", "true")],
                )),
                values: values(&sum),
                key: key
                    .into_iter()
                    .map(|(dimension, value)| (dimension.name().to_owned(), json!(value)))
                    .collect(),
            }
        });
        ReportView {
            metric_version: counters::VERSION,
            channel_rules_version: Some(catalogue::version(&site.config.channel_rules)),
            since_day: calendar::text(asked.since),
            until_day: calendar::text(asked.until),
            currency: site.config.currency.clone(),
            pending,
            rows: rows.collect(),
            totals: values(&total),
        }
    })
    .await?;
    Ok(HttpResponse::Ok().json(view))
}

fn values(sum: &Sum) -> Map<String, Value> {
    let tally = &sum.tally;
    let leads: i64 = tally.by_kind().iter().map(|(_, count)| count).sum();
    let by_kind: Map<String, Value> =
        tally.by_kind().into_iter().map(|(kind, count)| (kind.to_owned(), json!(count))).collect();
    let cost = (tally.costs > 0).then_some(tally.cost);
    let values = json!({
        "visits": tally.visits,
        "anonymous_visits": tally.anonymous_visits,
        "leads": leads,
        "leads_by_kind": by_kind,
        "duplicates": tally.duplicates,
        "contacted": tally.contacted,
        "sales": tally.sales,
        "revenue": tally.revenue,
        "sales_unconfirmed": tally.sales_unconfirmed,
        "revenue_unconfirmed": tally.revenue_unconfirmed,
        "sales_other_currency": tally.sales_other_currency,
        "cost": cost,
        "cost_per_lead": cost.and_then(|cost| per(cost, leads)),
        "roi": cost.and_then(|cost| roi(tally, cost)),
    });
    match values {
        Value::Object(values) => values,
        _ => Map::new(),
    }
}

/// Minor units, to the nearest; none of what was not there.
fn per(cost: i64, leads: i64) -> Option<i64> {
    (leads > 0).then(|| (cost + leads / 2).div_euclid(leads))
}

/// What came back for what was spent: 0.5 is half as much again. Nothing spent has no return.
fn roi(tally: &Tally, cost: i64) -> Option<f64> {
    (cost > 0).then(|| (tally.revenue - cost) as f64 / cost as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_divided_is_no_number() {
        assert_eq!((per(1000, 3), per(1000, 0), per(5, 2)), (Some(333), None, Some(3)));
        let tally = Tally { revenue: 15_000, ..Tally::default() };
        assert_eq!((roi(&tally, 10_000), roi(&tally, 0)), (Some(0.5), None));
        let lost = Tally { revenue: 0, ..Tally::default() };
        assert_eq!(roi(&lost, 10_000), Some(-1.0));
    }

    #[test]
    fn nothing_spent_and_nothing_known_are_told_apart() {
        let unknown = values(&Sum::default());
        assert_eq!(
            (&unknown["cost"], &unknown["cost_per_lead"], &unknown["roi"]),
            (&json!(null), &json!(null), &json!(null))
        );
        let tally = Tally { costs: 1, leads_form: 2, ..Tally::default() };
        let free = values(&Sum { tally, ..Sum::default() });
        assert_eq!(
            (&free["cost"], &free["cost_per_lead"], &free["roi"]),
            (&json!(0), &json!(0), &json!(null))
        );
    }
}
