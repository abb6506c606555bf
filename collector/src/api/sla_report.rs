//! `GET reports/sla`: how soon leads were called.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::{
    asked::{Asked, Dimension},
    auth::Caller,
    problem,
    query::Query,
    reports::{ReportView, RowView},
};
use crate::{
    app::App,
    domain::{
        calendar, counters,
        sla::{Clock, State},
        standing::Lead,
        token::Permission,
    },
    error::Problem,
    project::directory::Site,
    store::{LeadQuery, together},
};

/// Leads that are read together.
const PAGE: usize = 500;

/// What some leads add up to.
#[derive(Default)]
struct Sum {
    leads: u64,
    met: u64,
    breached: u64,
    running: u64,
    attempts: u64,
    attempted: u64,
    contacted: u64,
    /// Until the first attempt, by the clock on the wall, ms.
    wall: Vec<i64>,
    /// The same in opening hours.
    open: Vec<i64>,
}

impl Sum {
    fn add(&mut self, lead: &Lead, clock: &Clock) {
        self.leads += 1;
        match clock.state {
            State::Met => self.met += 1,
            State::Breached => self.breached += 1,
            State::Running => self.running += 1,
            State::None => {}
        }
        self.attempts += u64::from(lead.attempts.count);
        self.contacted += u64::from(lead.attempts.first_contact_at.is_some());
        if let Some(took) = clock.first_attempt {
            self.attempted += 1;
            self.wall.push(took.wall_ms);
            self.open.push(took.open_ms);
        }
    }

    fn values(&mut self) -> Map<String, Value> {
        let over = self.met + self.breached;
        let within = (over > 0).then(|| (self.met as f64 / over as f64 * 1_000.0).round() / 1_000.0);
        let values = json!({
            "sla_leads": self.leads,
            "sla_met": self.met,
            "sla_breached": self.breached,
            "sla_running": self.running,
            "sla_within": within,
            "attempts": self.attempts,
            "attempted": self.attempted,
            "reached": self.contacted,
            "first_attempt_s": median(&mut self.wall),
            "first_attempt_open_s": median(&mut self.open),
        });
        match values {
            Value::Object(values) => values,
            _ => Map::new(),
        }
    }
}

/// The lower middle one, in whole seconds.
fn median(times: &mut [i64]) -> Option<i64> {
    times.sort_unstable();
    times.get(times.len().checked_sub(1)? / 2).map(|ms| ms / 1_000)
}

/// How soon leads were called, by the day on which they came to be: how many of those with a clock were tried in time, and
/// after how long. It reads the leads of these days. Tests, repetitions, lists, history, and who may not be called have no clock.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/reports/sla", tag = "reports",
    params(
        ("site" = String, Path),
        ("since_day" = Option<String>, Query, description = "YYYY-MM-DD in the site's time zone; 30 days unless told"),
        ("until_day" = Option<String>, Query, description = "Inclusive; today unless told"),
        ("group_by" = Option<String>, Query, description = "Some of day, channel, source, campaign with commas between them; day unless told"),
        ("channel" = Option<String>, Query), ("source" = Option<String>, Query), ("campaign" = Option<String>, Query),
        ("format" = Option<String>, Query, description = "json or csv"),
    ),
    responses(
        (status = 200, content((ReportView = "application/json"), (String = "text/csv"))),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn sla(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Read)?;
    let now = app.clock.now();
    let query = Query::of(&request, now);
    let asked = Asked::read(&query, "day", &site, &caller, now)?;
    if asked.of_ctas() {
        let detail = "must be some of day, channel, source, campaign, separated by commas";
        return Err(Problem::invalid_at("group_by", detail));
    }
    let columns: Vec<String> =
        asked.group_by.iter().map(|dimension| format!("key.{}", dimension.name())).collect();
    let named = Sum::default().values();
    let columns: Vec<String> =
        columns.into_iter().chain(named.keys().map(|name| format!("values.{name}"))).collect();
    let view = together(move || async move { report(&app, &site, &asked, now).await }).await??;
    query.list(&view, &columns)
}

/// The report, on a thread that may wait: it reads every lead of these days.
async fn report(app: &App, site: &Site, asked: &Asked, now: i64) -> Result<ReportView, Problem> {
    let zone = calendar::zone(&site.config.timezone);
    let only = |name: &str| asked.only.get(name).cloned();
    let mut leads = LeadQuery {
        since: Some(calendar::start_of(asked.since, &zone)),
        until: Some(calendar::start_of(asked.until + 1, &zone)),
        channel: only("channel").flatten(),
        source: only("source"),
        campaign: only("campaign"),
        scope: asked.scope.clone(),
        limit: PAGE,
        ..LeadQuery::default()
    };
    let (mut rows, mut totals) = (BTreeMap::<_, Sum>::new(), Sum::default());
    loop {
        let page = app.store.leads(site.number, leads.clone()).await?;
        for lead in &page.items {
            let Some(clock) = Clock::of(lead, &site.config, now) else { continue };
            let key: BTreeMap<Dimension, Option<String>> =
                asked.group_by.iter().map(|dimension| (*dimension, value(*dimension, lead, &zone))).collect();
            rows.entry(key).or_default().add(lead, &clock);
            totals.add(lead, &clock);
        }
        match page.next {
            Some(next) => leads.after = Some(next),
            None => break,
        }
    }
    let rows = rows.into_iter().map(|(key, mut sum)| RowView {
        explain: Some(asked.explain_leads(site, &key, &[])),
        key: key.into_iter().map(|(dimension, value)| (dimension.name().to_owned(), json!(value))).collect(),
        values: sum.values(),
    });
    Ok(ReportView {
        metric_version: counters::VERSION,
        channel_rules_version: None,
        since_day: calendar::text(asked.since),
        until_day: calendar::text(asked.until),
        currency: site.config.currency.clone(),
        pending: app.store.head(site.number).saturating_sub(app.progress.reached(site.number)),
        rows: rows.collect(),
        totals: totals.values(),
    })
}

fn value(dimension: Dimension, lead: &Lead, zone: &jiff::tz::TimeZone) -> Option<String> {
    let last = &lead.origin.last;
    match dimension {
        Dimension::Day => Some(calendar::text(calendar::day_of(lead.created_at, zone))),
        Dimension::Channel => Some(last.channel.as_str().to_owned()),
        Dimension::Source => last.source.clone(),
        Dimension::Campaign => last.campaign.clone(),
        Dimension::Cta => None,
    }
}
