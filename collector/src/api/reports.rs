//! `/reports`: counters and bots.
//!
//! Reports read rollups alone, never events: what they cost depends on days and sources, not on traffic.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    asked::{Asked, Dimension},
    auth::Caller,
    problem,
    query::{self, Query},
    shapes::List,
};
use crate::{
    app::App,
    domain::{
        calendar,
        channel::catalogue,
        counters,
        fact::{Position, Subject},
        token::Permission,
    },
    error::Problem,
    project::directory::Site,
    store::{
        Rollup,
        rollup::{self, Sum},
    },
};

/// One line of a report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportRow)]
pub struct RowView {
    /// What the line is about, by the names of `group_by`.
    #[schema(value_type = Object)]
    pub(super) key: Map<String, Value>,
    /// Its numbers: see `GET metrics-dictionary`.
    #[schema(value_type = Object)]
    pub(super) values: Map<String, Value>,
    /// Answers the visitors behind it, and their leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) explain: Option<String>,
}

/// A report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Report)]
pub struct ReportView {
    /// Which definitions its numbers follow.
    pub(super) metric_version: u32,
    /// Which grouping rules its channels follow, where it is broken down by channel: see `GET channel-rules`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) channel_rules_version: Option<String>,
    pub(super) since_day: String,
    pub(super) until_day: String,
    /// Of its money, which is in its minor units.
    pub(super) currency: String,
    /// Facts that are stored and not counted yet: 0 but for moments, and after a change of rules or time zone.
    pub(super) pending: u64,
    pub(super) rows: Vec<RowView>,
    /// Over all rows. Different visitors are counted once, so that this may be less than the sum of the rows.
    #[schema(value_type = Object)]
    pub(super) totals: Map<String, Value>,
}

fn values(sum: &Sum) -> Map<String, Value> {
    let tally = &sum.tally;
    let (visitors, with_lead) = sum.visitors();
    let values = json!({
        "ad_views": tally.ad_views + tally.ad_views_imported,
        "ad_views_imported": tally.ad_views_imported,
        "ad_clicks": tally.ad_clicks + tally.ad_clicks_imported,
        "ad_clicks_imported": tally.ad_clicks_imported,
        "cost": tally.cost,
        "visits": tally.visits,
        "anonymous_visits": tally.anonymous_visits,
        "visitors": visitors,
        "visitors_with_lead": with_lead,
        "visitors_without_lead": visitors - with_lead,
        "leads": tally.leads,
        "cta_views": tally.cta_views,
        "cta_clicks": tally.cta_clicks,
    });
    match values {
        Value::Object(values) => values,
        _ => Map::new(),
    }
}

/// A report's columns as a table.
fn columns<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names = values(&Sum::default());
    keys.map(|name| format!("key.{name}")).chain(names.keys().map(|name| format!("values.{name}"))).collect()
}

/// Adds rows up off the async threads: a year of a busy site takes some milliseconds.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    web::block(work).await.map_err(Problem::internal)
}

fn pending(app: &App, site: &Site) -> u64 {
    app.store.head(site.number).saturating_sub(app.progress.counted(site.number))
}

/// How many days' rollups are held at a time: what a report takes of memory does not grow with the days asked for.
const WINDOW: i32 = 14;

/// Goes through the rollups that are asked for, some days at a time and off the async threads. Answers what was made of
/// them, and how many facts are not in them: the most that were not, before and after they were read.
pub(super) async fn fold<Made: Send + 'static>(
    app: &App,
    site: &Site,
    asked: &Arc<Asked>,
    ctas: bool,
    mut made: Made,
    add: impl Fn(&mut Made, &Asked, &Rollup) + Copy + Send + 'static,
) -> Result<(Made, u64), Problem> {
    let before = pending(app, site);
    let mut since = asked.since;
    while since <= asked.until {
        let until = asked.until.min(since.saturating_add(WINDOW - 1));
        let rollups = app.store.rollups(site.number, ctas, since, until).await?;
        let asked = Arc::clone(asked);
        made = web::block(move || {
            for rollup in rollups.iter().filter(|rollup| asked.wants(rollup.cell())) {
                add(&mut made, &asked, rollup);
            }
            made
        })
        .await
        .map_err(Problem::internal)?;
        let Some(next) = until.checked_add(1) else { break };
        since = next;
    }
    Ok((made, before.max(pending(app, site))))
}

/// Sums by group, and over all of them.
pub(super) type Groups = BTreeMap<Vec<Option<String>>, Sum>;

/// Adds a rollup to its group.
pub(super) fn group(groups: &mut Groups, asked: &Asked, rollup: &Rollup) {
    let key = asked.group_by.iter().map(|dimension| dimension.of(rollup.cell())).collect();
    groups.entry(key).or_default().add(rollup);
}

/// Groups with what they come to together: there are fewer of them than of rollups.
pub(super) async fn totalled(groups: Groups) -> Result<(Groups, Sum), Problem> {
    off_thread(move || {
        let mut total = Sum::default();
        groups.values().for_each(|sum| total.join(sum));
        (groups, total)
    })
    .await
}

/// How often: views and clicks of ads, visits, visitors, those who left a lead and those who did not; by day, channel,
/// source, campaign and call to action. Days are the site's. Programs are left out unless asked for.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/reports/counters", tag = "reports",
    params(
        ("site" = String, Path),
        ("since_day" = Option<String>, Query, description = "The first day, YYYY-MM-DD; 29 days before the last unless told"),
        ("until_day" = Option<String>, Query, description = "The last day; today unless told"),
        ("group_by" = Option<String>, Query, description = "Some of day, channel, source, campaign, cta; channel unless told"),
        ("channel" = Option<String>, Query), ("source" = Option<String>, Query, description = "(none) for those without"),
        ("campaign" = Option<String>, Query), ("cta" = Option<String>, Query),
        ("bots" = Option<String>, Query, description = "include or exclude"),
        ("format" = Option<String>, Query, description = "json or csv; `Accept: text/csv` does the same"),
    ),
    responses(
        (status = 200, description = "As a table the rows alone", content((ReportView = "application/json"), (String = "text/csv"))),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body)),
    security(("token" = []))
)]
pub async fn counters(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Read)?;
    let now = app.clock.now();
    let query = Query::of(&request, now);
    let asked = Asked::read(&query, "channel", &site, &caller, now)?;
    let columns = columns(asked.group_by.iter().map(|dimension| dimension.name()));
    let asked = Arc::new(asked);
    let (groups, pending) = fold(&app, &site, &asked, asked.of_ctas(), Groups::new(), group).await?;
    let (groups, mut total) = totalled(groups).await?;
    // A visit may have several calls to action, or none: the whole is the sum of none of their rows.
    if asked.of_ctas() && !asked.only.contains_key(Dimension::Cta.name()) {
        (total, _) =
            fold(&app, &site, &asked, false, Sum::default(), |sum, _, rollup| sum.add(rollup)).await?;
    }
    let view = off_thread(move || {
        let rows = groups.into_iter().map(|(key, sum)| {
            let key: BTreeMap<Dimension, Option<String>> = asked.group_by.iter().copied().zip(key).collect();
            RowView {
                explain: Some(asked.explain(&site, &key)),
                values: values(&sum),
                key: key
                    .into_iter()
                    .map(|(dimension, value)| (dimension.name().to_owned(), json!(value)))
                    .collect(),
            }
        });
        let by_channel = asked.group_by.contains(&Dimension::Channel) || asked.only.contains_key("channel");
        ReportView {
            metric_version: counters::VERSION,
            channel_rules_version: by_channel.then(|| catalogue::version(&site.config.channel_rules)),
            since_day: calendar::text(asked.since),
            until_day: calendar::text(asked.until),
            currency: site.config.currency.clone(),
            pending,
            rows: rows.collect(),
            totals: values(&total),
        }
    })
    .await?;
    query.list(&view, &columns)
}

/// Somebody behind a number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CountedVisitor)]
pub struct VisitorView {
    /// The visitor.
    visitor: String,
    /// Whether the report counts them among those who left a lead.
    left_lead: bool,
    /// Their leads, of any day.
    leads: Vec<String>,
    /// Answers what they did.
    journey: String,
}

/// The visitors behind a line of the counters, oldest first; `lead=true` for those who left one. Those whose facts went
/// with age are counted, and not named.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/reports/counters/visitors", tag = "reports",
    params(
        ("site" = String, Path),
        ("since_day" = Option<String>, Query), ("until_day" = Option<String>, Query),
        ("channel" = Option<String>, Query), ("source" = Option<String>, Query), ("campaign" = Option<String>, Query),
        ("cta" = Option<String>, Query), ("bots" = Option<String>, Query),
        ("lead" = Option<bool>, Query, description = "true: those who left a lead; false: those who did not"),
        ("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query),
        ("format" = Option<String>, Query, description = "json or csv; `Accept: text/csv` does the same"),
    ),
    responses(
        (status = 200, content((List<VisitorView> = "application/json"), (String = "text/csv"))),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn visitors(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Read)?;
    let now = app.clock.now();
    let query = Query::of(&request, now);
    let asked = Asked::read(&query, "channel", &site, &caller, now)?;
    let (limit, after): (usize, Option<Position>) = (query.limit()?, query.cursor()?);
    let lead = match query.text("lead").as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(Problem::invalid_at("lead", "must be true or false")),
    };
    let asked = Arc::new(asked);
    let (sum, _) = fold(&app, &site, &asked, asked.of_ctas(), Sum::default(), |sum, _, rollup| {
        sum.add(rollup);
    })
    .await?;
    let found = off_thread(move || {
        let numbers = sum.members.iter().flat_map(|(&piece, members)| {
            members
                .visitors
                .iter()
                .map(move |place| (rollup::number(piece, place), members.leads.contains(place)))
        });
        let wanted = numbers.filter(|(number, has)| {
            after.is_none_or(|after| *number > after) && lead.is_none_or(|lead| lead == *has)
        });
        wanted.take(limit + 1).collect::<Vec<(Position, bool)>>()
    })
    .await?;
    let shown = found.get(..limit).unwrap_or(&found);
    let next = match shown.last() {
        Some((last, _)) if found.len() > shown.len() => Some(query::cursor(last)?),
        _ => None,
    };
    let left: BTreeMap<Position, bool> = shown.iter().copied().collect();
    let visitors = app.store.numbered(site.number, left.keys().copied().collect()).await?;
    let named: Vec<_> =
        visitors.into_iter().filter_map(|(number, id)| Some((id, left.get(&number).copied()?))).collect();
    let subjects: BTreeSet<Subject> = named.iter().map(|(id, _)| Subject::Visitor(id.clone())).collect();
    let leads = app.store.leads_of(site.number, subjects.into_iter().collect()).await?;
    let items = named.into_iter().map(|(id, left_lead)| VisitorView {
        left_lead,
        leads: leads
            .iter()
            .filter(|lead| lead.visitor() == Some(&id))
            .map(|lead| lead.id.to_string())
            .collect(),
        journey: format!("/api/v1/sites/{}/visitors/{id}/journey", site.slug),
        visitor: id.to_string(),
    });
    query
        .list(&List { items: items.collect::<Vec<_>>(), next }, &["visitor", "left_lead", "leads", "journey"])
}

/// What programs do to the numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BotsReport)]
pub struct BotsView {
    metric_version: u32,
    since_day: String,
    until_day: String,
    pending: u64,
    /// By the rule that matched.
    rows: Vec<RowView>,
    /// The numbers as reports have them.
    #[schema(value_type = Object)]
    without_bots: Map<String, Value>,
    /// The numbers if programs were counted.
    #[schema(value_type = Object)]
    with_bots: Map<String, Value>,
}

/// Who was left out of reports, by which rule, and what the numbers would be with them.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/reports/bots", tag = "reports",
    params(
        ("site" = String, Path),
        ("since_day" = Option<String>, Query), ("until_day" = Option<String>, Query),
        ("channel" = Option<String>, Query), ("source" = Option<String>, Query), ("campaign" = Option<String>, Query),
        ("format" = Option<String>, Query, description = "json or csv; `Accept: text/csv` does the same"),
    ),
    responses(
        (status = 200, description = "As a table the rows alone", content((BotsView = "application/json"), (String = "text/csv"))),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body)),
    security(("token" = []))
)]
pub async fn bots(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Read)?;
    let now = app.clock.now();
    let query = Query::of(&request, now);
    let mut asked = Asked::read(&query, "channel", &site, &caller, now)?;
    asked.bots = true;
    let asked = Arc::new(asked);
    let made = (Sum::default(), Sum::default(), BTreeMap::<String, Sum>::new());
    let ((people, all, rules), pending) =
        fold(&app, &site, &asked, asked.of_ctas(), made, |(people, all, rules), _, rollup| {
            all.add(rollup);
            match rollup.cell().class.as_str() {
                "" => people.add(rollup),
                rule => rules.entry(rule.to_owned()).or_default().add(rollup),
            }
        })
        .await?;
    let view = off_thread(move || {
        let rows = rules.iter().map(|(rule, sum)| RowView {
            key: Map::from_iter([("rule".to_owned(), json!(rule))]),
            values: values(sum),
            explain: None,
        });
        BotsView {
            metric_version: counters::VERSION,
            since_day: calendar::text(asked.since),
            until_day: calendar::text(asked.until),
            pending,
            rows: rows.collect(),
            without_bots: values(&people),
            with_bots: values(&all),
        }
    })
    .await?;
    query.list(&view, &columns(std::iter::once("rule")))
}
