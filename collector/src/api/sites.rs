//! `/api/v1/sites/{site}`: a tracked property and its configuration.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wire::beacon::ConsentDefault;

use super::{auth::Caller, json, problem, query::Query, records::stages::StageView, score, sla};
use crate::{
    app::App,
    domain::{
        channel::rules::ChannelRule,
        fact::{Entry, HOUSE},
        funnel::Stage,
        hours::Hours,
        queue,
        retention::Retention,
        score::Scoring,
        site::{FormRule, SiteConfig, SitePut},
        sla::Promise,
        token::Permission,
    },
    error::Problem,
    project::directory::Site,
    store::{Append, Verdict},
};

/// How a site wants to be tracked and reported. Everything has a default.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = SiteConfig)]
pub struct ConfigBody {
    /// What people call it.
    name: String,
    /// Its own domains, each with everything below it: never a source, allowed credentials, the cookie's domain.
    domains: Vec<String>,
    /// IANA time zone of its days.
    timezone: String,
    /// ISO 4217.
    currency: String,
    /// ISO 3166, for telephone numbers without a country code.
    default_region: String,
    /// wait, off, anonymous or full: what holds until a visitor chooses.
    #[schema(value_type = String)]
    consent_default: ConsentDefault,
    /// Whether anonymous page views keep their `utm_*`.
    anonymous_utm: bool,
    /// Further fields of lead forms that may be kept.
    lead_fields: Vec<String>,
    /// Query keys that are kept, beside `utm_*` and click ids.
    query_keys: Vec<String>,
    /// Whether what follows the `#` of an address tells pages apart: for applications that route by it.
    hash_routes: bool,
    /// Whether links to WhatsApp and Messenger carry a short reference while a visitor follows them, in full mode: it ties
    /// the first message to the visit.
    chat_refs: bool,
    /// The stages of its funnel, in order, each a name or `{"name","owner"}`: marketing, both or sales.
    stages: Vec<StageView>,
    /// Its own grouping rules, in order: the first that fits an arrival decides its channel.
    #[schema(value_type = Vec<Object>)]
    channel_rules: Vec<ChannelRule>,
    /// Its lead forms that are not declared in the page; the first that matches counts.
    #[schema(value_type = Vec<Object>)]
    forms: Vec<FormRule>,
    /// How long it keeps what. What is too old goes within a day; the numbers of reports stay.
    retention: RetentionBody,
    /// When its people are there, in its time zone: `{"week": {"mon": [["09:00", "21:00"]], …}, "holidays": ["2026-12-25"]}`,
    /// or `always`, as it is unless told. A day that is not named is closed.
    #[schema(value_type = Object)]
    hours: Hours,
    /// When a lead may be called, in the lead's time zone: as `hours`; `es` unless told (Monday to Friday, nine to nine).
    #[schema(value_type = Object)]
    call_window: Hours,
    /// How soon which leads are to be called; the first that fits counts, 60 seconds where none does:
    /// `[{"kind"?, "channel"?, "source"?, "campaign"?, "form"?, "product"?, "target_s", "clock"?}]`, patterns with `*`; `clock`
    /// is open (in `hours`) or wall (day and night).
    #[schema(value_type = Vec<Object>)]
    sla: Vec<Promise>,
    /// What gives points: `{"rules": [{"id", "on", "path"?, "name"?, "kind"?, "points", "cap"?, "half_life_h"?, "group"?}],
    /// "groups": {"interest": 25}, "cap": 100}`; `on` is page_view, visit, cta_click, form_start, download, call_click,
    /// chat_click, custom, email_clicked, webinar_attended or lead.
    #[schema(value_type = Object)]
    scoring: Scoring,
    /// How those are ordered who are to be called: `{"weights": {"callback": 4}, "half_life_min": 60, "retry_min": [5, 30, 120, 1440]}`.
    #[schema(value_type = Object)]
    queue: queue::Settings,
}

/// How long a site keeps what, in months of its calendar, 1 to 600; `null` is for ever.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = Retention)]
pub struct RetentionBody {
    /// Events and the journeys made of them, from when they came; 25 unless told.
    events_months: Option<u16>,
    /// Leads with their journeys and contact details, after the last thing that happened; 24 unless told.
    leads_months: Option<u16>,
}

impl Default for RetentionBody {
    fn default() -> Self {
        Retention::default().into()
    }
}

impl From<Retention> for RetentionBody {
    fn from(retention: Retention) -> Self {
        Self { events_months: retention.events_months, leads_months: retention.leads_months }
    }
}

impl Default for ConfigBody {
    fn default() -> Self {
        SiteConfig::default().into()
    }
}

impl From<SiteConfig> for ConfigBody {
    fn from(config: SiteConfig) -> Self {
        Self {
            name: config.name,
            domains: config.domains,
            timezone: config.timezone,
            currency: config.currency,
            default_region: config.default_region,
            consent_default: config.consent_default,
            anonymous_utm: config.anonymous_utm,
            lead_fields: config.lead_fields,
            query_keys: config.query_keys,
            hash_routes: config.hash_routes,
            chat_refs: config.chat_refs,
            stages: config.stages.into_iter().map(StageView::from).collect(),
            channel_rules: config.channel_rules,
            forms: config.forms,
            retention: config.retention.into(),
            hours: config.hours,
            call_window: config.call_window,
            sla: config.sla,
            scoring: *config.scoring,
            queue: config.queue,
        }
    }
}

impl ConfigBody {
    /// The configuration, if it makes sense.
    fn checked(self) -> Result<SiteConfig, Problem> {
        let short = |pointer: &str, text: &str, most: usize| {
            if text.len() > most || text.chars().any(char::is_control) {
                return Err(Problem::invalid_at(pointer, format!("must be at most {most} plain characters")));
            }
            Ok(())
        };
        short("/name", &self.name, 128)?;
        let mut domains = Vec::with_capacity(self.domains.len());
        for (index, domain) in self.domains.iter().enumerate() {
            let domain = domain.trim().trim_end_matches('.').to_ascii_lowercase();
            let host = wire::arrival::host(&format!("https://{domain}/")).map(std::borrow::Cow::into_owned);
            if host.as_deref() != Some(&domain) || domain.contains(char::is_whitespace) {
                return Err(Problem::invalid_at(
                    format!("/domains/{index}"),
                    "must be a host name such as example.com",
                ));
            }
            domains.push(domain);
        }
        jiff::tz::TimeZone::get(&self.timezone).map_err(|_| {
            Problem::invalid_at("/timezone", "must be an IANA time zone such as Europe/Madrid")
        })?;
        let upper =
            |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_uppercase());
        if !upper(&self.currency, 3) {
            return Err(Problem::invalid_at("/currency", "must be an ISO 4217 code such as EUR"));
        }
        if !upper(&self.default_region, 2) {
            return Err(Problem::invalid_at("/default_region", "must be an ISO 3166 code such as ES"));
        }
        let funnel: Vec<Stage> = self.stages.into_iter().map(Stage::from).collect();
        let stages: Vec<String> = funnel.iter().map(|stage| stage.name.clone()).collect();
        for (name, list) in
            [("lead_fields", &self.lead_fields), ("query_keys", &self.query_keys), ("stages", &stages)]
        {
            if list.len() > 100 {
                return Err(Problem::invalid_at(format!("/{name}"), "must have at most 100 entries"));
            }
            for (index, text) in list.iter().enumerate() {
                short(&format!("/{name}/{index}"), text, 64)?;
            }
        }
        for stage in ["visitor", SiteConfig::FIRST_LEAD_STAGE] {
            if !stages.iter().any(|known| known == stage) {
                return Err(Problem::invalid_at("/stages", format!("must have the stage {stage}")));
            }
        }
        for (index, stage) in stages.iter().enumerate() {
            if stage.trim().is_empty() || stages.iter().take(index).any(|earlier| earlier == stage) {
                let pointer = format!("/stages/{index}");
                return Err(Problem::invalid_at(pointer, "must have a name that no stage before it has"));
            }
        }
        if self.channel_rules.len() > 200 {
            return Err(Problem::invalid_at("/channel_rules", "must have at most 200 rules"));
        }
        for (index, rule) in self.channel_rules.iter().enumerate() {
            let given =
                rule.when.conditions().into_iter().filter_map(|(name, pattern)| Some((name, pattern?)));
            let mut any = false;
            for (name, pattern) in given {
                any = true;
                short(&format!("/channel_rules/{index}/when/{name}"), pattern, 128)?;
            }
            if !any {
                let pointer = format!("/channel_rules/{index}/when");
                return Err(Problem::invalid_at(
                    pointer,
                    "must have one of source, medium, campaign, click_id, referrer, each a pattern such as blog*",
                ));
            }
        }
        if self.forms.len() > 50 {
            return Err(Problem::invalid_at("/forms", "must have at most 50 rules"));
        }
        for (index, rule) in self.forms.iter().enumerate() {
            let selectors = [("match", Some(&rule.matches)), ("success", rule.success.as_ref())];
            let fields = rule.fields.values().map(|selector| ("fields", Some(selector)));
            for (name, selector) in selectors.into_iter().chain(fields) {
                let Some(selector) = selector else { continue };
                let pointer = format!("/forms/{index}/{name}");
                short(&pointer, selector, 256)?;
                if selector.trim().is_empty() {
                    return Err(Problem::invalid_at(pointer, "must be a CSS selector such as .wpcf7-form"));
                }
            }
        }
        sla::check(&self.sla)?;
        score::check(&self.scoring)?;
        super::queue::check(&self.queue)?;
        let months =
            [("events_months", self.retention.events_months), ("leads_months", self.retention.leads_months)];
        for (name, months) in months {
            if months.is_some_and(|months| !(1..=Retention::MOST_MONTHS).contains(&months)) {
                let most = Retention::MOST_MONTHS;
                return Err(Problem::invalid_at(
                    format!("/retention/{name}"),
                    format!("must be 1 to {most} months, or null for ever"),
                ));
            }
        }
        Ok(SiteConfig {
            name: self.name,
            domains,
            timezone: self.timezone,
            currency: self.currency,
            default_region: self.default_region,
            consent_default: self.consent_default,
            anonymous_utm: self.anonymous_utm,
            lead_fields: self.lead_fields,
            query_keys: self.query_keys,
            hash_routes: self.hash_routes,
            chat_refs: self.chat_refs,
            stages: funnel,
            channel_rules: self.channel_rules,
            forms: self.forms,
            retention: Retention {
                events_months: self.retention.events_months,
                leads_months: self.retention.leads_months,
            },
            hours: self.hours,
            call_window: self.call_window,
            sla: self.sla,
            scoring: Box::new(self.scoring),
            queue: self.queue,
        })
    }
}

/// A site.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Site)]
pub struct SiteView {
    /// Its name in URLs.
    site: String,
    /// When it was created.
    created_at: i64,
    #[serde(flatten)]
    config: ConfigBody,
}

impl From<&Site> for SiteView {
    fn from(site: &Site) -> Self {
        Self { site: site.slug.clone(), created_at: site.created_at, config: site.config.clone().into() }
    }
}

/// Creates or configures a site. `{}` creates one with defaults; a PUT replaces the whole configuration.
#[utoipa::path(
    put, path = "/api/v1/sites/{site}", tag = "sites",
    params(("site" = String, Path, description = "1 to 32 characters of a-z 0-9 -")),
    request_body = ConfigBody,
    responses(
        (status = 200, description = "Configured, or as it was", body = SiteView),
        (status = 201, description = "Created", body = SiteView),
        (status = 400, body = problem::Body), (status = 401, body = problem::Body), (status = 403, body = problem::Body),
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
    caller.may(&slug, Permission::Administer)?;
    if !wire::id::is_valid_site(&slug) {
        return Err(Problem::invalid_at("site", "must be 1 to 32 characters of a-z 0-9 -"));
    }
    let config = json::read::<ConfigBody>(&request, payload).await?.checked()?;
    let before = app.directory.site(&slug);
    let site = put_site(&app, &slug, config).await?;
    let query = Query::of(&request, app.clock.now());
    let body = query.render(&SiteView::from(site.as_ref()))?;
    Ok(if before.is_some() { HttpResponse::Ok() } else { HttpResponse::Created() }.json(body))
}

/// Creates or configures a site, unless it stands like that already.
///
/// # Errors
/// What the store says.
pub async fn put_site(app: &App, slug: &str, config: SiteConfig) -> Result<std::sync::Arc<Site>, Problem> {
    if let Some(site) = app.directory.site(slug).filter(|site| site.config == config) {
        return Ok(site);
    }
    let put = SitePut { slug: slug.to_owned(), at: app.clock.now(), config };
    let appended = app.store.append(Append::of(HOUSE, Entry::Site(put))).await?;
    if let Some(Verdict::Stored(position)) = appended.verdicts.first() {
        app.progress.wait(HOUSE, *position).await;
    }
    app.directory.refresh(app.store.as_ref()).await?;
    app.directory.site(slug).ok_or_else(|| Problem::internal("a site was stored and is not there"))
}

/// A site and its configuration.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}", tag = "sites",
    params(("site" = String, Path)),
    responses((status = 200, body = SiteView), (status = 404, body = problem::Body)),
    security(("token" = []))
)]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Administer)?;
    let query = Query::of(&request, app.clock.now());
    Ok(HttpResponse::Ok().json(query.render(&SiteView::from(site.as_ref()))?))
}

/// Every site that the token may administer.
#[utoipa::path(
    get, path = "/api/v1/sites", tag = "sites",
    responses((status = 200, body = super::shapes::List<SiteView>)),
    security(("token" = []))
)]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let items: Vec<SiteView> = app
        .directory
        .sites()
        .iter()
        .filter(|site| caller.may(&site.slug, Permission::Administer).is_ok())
        .map(|site| SiteView::from(site.as_ref()))
        .collect();
    let query = Query::of(&request, app.clock.now());
    Ok(HttpResponse::Ok().json(query.render(&super::shapes::List { items, next: None })?))
}
