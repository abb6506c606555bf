//! `POST exports/{platform}`: conversions that happened elsewhere than on a page, as files that Google's and Meta's ads take.
//!
//! - [`rows`]: what those files look like
//!
//! What leaves is a fact, appended before it does: a conversion leaves once, unless it is asked for again.

pub mod rows;

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use self::rows::Known;
use super::{
    auth::Caller,
    problem,
    query::{self, Query},
    records::{self, Became, Ready},
    shapes::List,
    standing,
};
use crate::{
    app::App,
    domain::{
        conversion::{self, Conversion, ConversionSent, Goal, Platform, Reason},
        counters,
        fact::Entry,
        id::LeadId,
        standing::Lead,
        token::Permission,
    },
    error::Problem,
    project::directory::Site,
    store::LeadQuery,
};

/// Conversions that leave in one answer, unless fewer are asked for: as many as Google takes at once.
const MOST: usize = 2_000;
/// Leads that are looked at for one answer.
const LOOKED_AT: usize = 20_000;
/// Facts that are appended together.
const TOGETHER: usize = 64;

/// What became of the conversions.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ConversionExport)]
pub struct ExportView {
    platform: &'static str,
    /// What was asked for: lead, sale, or `stage:` and a stage's name.
    conversion: String,
    dry_run: bool,
    /// How many are in the file; in a dry run, would be.
    exported: usize,
    /// How many are not, by reason.
    #[schema(value_type = Object)]
    skipped: BTreeMap<String, usize>,
    items: Vec<ConversionView>,
    /// Where to go on; null at the end.
    next: Option<String>,
}

/// A conversion, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conversion)]
pub struct ConversionView {
    lead: String,
    /// What the platform tells it by.
    id: String,
    at: i64,
    /// Minor units; of a sale what is left of it after refunds.
    amount: Option<i64>,
    currency: Option<String>,
    /// exported or skipped.
    status: &'static str,
    /// Why it is skipped: no_consent, erased, not_counted, duplicate, unconfirmed, refunded, too_old, no_identifier, already
    /// (it left before), changed (it left before, with another value).
    #[schema(value_type = Option<String>)]
    reason: Option<Reason>,
    /// Its row in the file, by the platform's columns.
    #[schema(value_type = Option<Object>)]
    row: Option<Map<String, Value>>,
}

/// Conversions for an ad platform: as JSON with a word on each, or as the file that the platform takes (`format=csv`). Only
/// of leads that allow the purpose `ads`; e-mail addresses and telephone numbers hashed by the platform's own rules.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/exports/{platform}", tag = "leads",
    params(
        ("site" = String, Path), ("platform" = String, Path, description = "google or meta"),
        ("conversion" = String, Query, description = "lead, sale, or `stage:` and a stage's name"),
        ("name" = Option<String>, Query, description = "What the platform calls the conversion; Lead, Purchase or the stage's name unless told"),
        ("since" = Option<String>, Query, description = "Happened at or after: ms, RFC 3339, or relative (-7d)"),
        ("until" = Option<String>, Query, description = "Happened before"),
        ("dry_run" = Option<bool>, Query, description = "`true`: says what would leave, and nothing does"),
        ("again" = Option<bool>, Query, description = "`true`: also what left before, with its value of now"),
        ("limit" = Option<usize>, Query, description = "Conversions in the file, 2,000 at most"),
        ("cursor" = Option<String>, Query), ("time" = Option<String>, Query),
        ("format" = Option<String>, Query, description = "json or csv; `Accept: text/csv` does the same"),
    ),
    responses(
        (status = 200, description = "Some of them, and the `cursor` of those after; as a table its `Link`",
            content((ExportView = "application/json"), (String = "text/csv"))),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body),
        (status = 404, description = "No such platform", body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn post(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (slug, platform) = path.into_inner();
    let site = caller.site(&app, &slug, Permission::Administer)?;
    let platform = Platform::parse(&platform)
        .ok_or_else(|| Problem::not_found("There are exports for google and meta."))?;
    let query = Query::of(&request, app.clock.now());
    let as_table = query.wants_csv()?;
    let export = Export::asked(&app, &caller, &site, platform, &query)?;
    let view = export.run(query.cursor()?).await?;
    if as_table {
        let items: Vec<_> = view.items.into_iter().filter_map(|item| item.row).collect();
        return query.list(&List { items, next: view.next }, rows::columns(platform));
    }
    Ok(HttpResponse::Ok().json(query.render(&view)?))
}

struct Export<'a> {
    app: &'a App,
    caller: &'a Caller,
    site: &'a Site,
    platform: Platform,
    goal: Goal,
    name: String,
    since: Option<i64>,
    until: Option<i64>,
    dry_run: bool,
    again: bool,
    limit: usize,
    now: i64,
}

/// A conversion that may leave, or why it may not.
struct Judged {
    lead: LeadId,
    conversion: Conversion,
    verdict: Result<Map<String, Value>, Reason>,
}

impl<'a> Export<'a> {
    fn asked(
        app: &'a App,
        caller: &'a Caller,
        site: &'a Site,
        platform: Platform,
        query: &Query,
    ) -> Result<Self, Problem> {
        let wrong = || {
            Problem::invalid_at("conversion", "must be lead, sale, or stage: and one of the site's stages")
        };
        let goal = match query.text("conversion").ok_or_else(wrong)?.as_str() {
            "lead" => Goal::Lead,
            "sale" => Goal::Sale,
            text => match text.strip_prefix("stage:") {
                Some(stage) if stage != "visitor" && site.config.has_stage(stage) => {
                    Goal::Stage(stage.to_owned())
                }
                _ => return Err(wrong()),
            },
        };
        let usual = match &goal {
            Goal::Lead => "Lead",
            Goal::Sale => "Purchase",
            Goal::Stage(stage) => stage,
        };
        let name = query.text("name").unwrap_or_else(|| usual.to_owned());
        if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
            return Err(Problem::invalid_at("name", "must be 1 to 100 plain characters"));
        }
        let limit = match query.text("limit").map(|text| text.parse()) {
            None => MOST,
            Some(Ok(limit @ 1..=MOST)) => limit,
            Some(_) => {
                return Err(Problem::invalid_at("limit", format!("must be a number from 1 to {MOST}")));
            }
        };
        Ok(Self {
            app,
            caller,
            site,
            platform,
            goal,
            name,
            since: query.time("since")?,
            until: query.time("until")?,
            dry_run: query.flag("dry_run")?,
            again: query.flag("again")?,
            limit,
            now: app.clock.now(),
        })
    }

    async fn run(&self, after: Option<(i64, LeadId)>) -> Result<ExportView, Problem> {
        let mut view = ExportView {
            platform: self.platform.as_str(),
            conversion: self.goal.name(),
            dry_run: self.dry_run,
            ..ExportView::default()
        };
        let mut asked = LeadQuery { after, limit: 100, ..LeadQuery::default() };
        let mut looked_at = 0;
        loop {
            let page = self.app.store.leads(self.site.number, asked.clone()).await?;
            looked_at += page.items.len();
            for lead in &page.items {
                let mut judged = self.judged(lead).await?;
                if !self.dry_run {
                    self.send(&mut judged).await?;
                }
                for judged in judged {
                    view.add(judged);
                }
                if view.exported >= self.limit {
                    view.next = Some(query::cursor(&(lead.created_at, &lead.id))?);
                    return Ok(view);
                }
            }
            match page.next {
                Some(next) if looked_at < LOOKED_AT => asked.after = Some(next),
                next => {
                    view.next = next.map(|next| query::cursor(&next)).transpose()?;
                    return Ok(view);
                }
            }
        }
    }

    /// A lead's conversions in the time asked for, each with its row or why it stays.
    async fn judged(&self, lead: &Lead) -> Result<Vec<Judged>, Problem> {
        let mut all = Vec::new();
        let conversions = conversion::conversions(lead, &self.goal).into_iter().filter(|conversion| {
            self.since.is_none_or(|since| conversion.at >= since)
                && self.until.is_none_or(|until| conversion.at < until)
        });
        let mut known = None;
        for conversion in conversions {
            let refusal = conversion::refusal(lead, counters::counts(lead)).or(conversion.doubt);
            let verdict = match refusal {
                Some(reason) => Err(reason),
                None => match self.left(&conversion).await? {
                    Some(reason) if !self.again => Err(reason),
                    _ => {
                        if known.is_none() {
                            let personal = standing::personal(self.app, self.site.number, lead).await?;
                            known = Some(Known::of(self.platform, lead, personal.as_ref()));
                        }
                        self.row(lead, &conversion, known.as_ref())
                    }
                },
            };
            all.push(Judged { lead: lead.id.clone(), conversion, verdict });
        }
        Ok(all)
    }

    fn row(
        &self,
        lead: &Lead,
        conversion: &Conversion,
        known: Option<&Known>,
    ) -> Result<Map<String, Value>, Reason> {
        if !conversion::takes_at_all(self.platform, conversion, self.now) {
            return Err(Reason::TooOld);
        }
        let known = known.filter(|known| known.is_any()).ok_or(Reason::NoIdentifier)?;
        let takes_click = known
            .click
            .as_ref()
            .is_some_and(|click| conversion::takes_click(self.platform, click, conversion, self.now));
        let takes_person =
            conversion::takes_person(self.platform, lead, conversion, self.now) && known.has_person();
        if !takes_click && !takes_person {
            return Err(Reason::TooOld);
        }
        let usable = Known {
            click: known.click.clone().filter(|_| takes_click),
            email: known.email.clone().filter(|_| takes_person),
            phone: known.phone.clone().filter(|_| takes_person),
        };
        Ok(rows::row(self.platform, &self.name, conversion, &usable, &self.site.config.timezone))
    }

    /// Whether it left before, and as what it is now.
    async fn left(&self, conversion: &Conversion) -> Result<Option<Reason>, Problem> {
        let key = ConversionSent::key(self.platform, &self.goal, &conversion.id);
        let Some((position, _)) = self.app.store.claimed(self.site.number, "export", &key).await? else {
            return Ok(None);
        };
        let stored = self.app.store.entries(self.site.number, vec![position]).await?.pop();
        let same = stored.is_none_or(|stored| match stored.entry.as_ref() {
            Entry::ConversionSent(sent) => sent.value == conversion.value,
            _ => true,
        });
        Ok(Some(if same { Reason::Already } else { Reason::Changed }))
    }

    /// Notes what leaves, before it does. What somebody else sent in this moment stays.
    async fn send(&self, judged: &mut [Judged]) -> Result<(), Problem> {
        let mut leaving: Vec<&mut Judged> = judged.iter_mut().filter(|one| one.verdict.is_ok()).collect();
        for together in leaving.chunks_mut(TOGETHER) {
            let appends = together.iter().map(|one| {
                let Conversion { id, at, value, .. } = one.conversion.clone();
                let again = self.again.then_some(self.now);
                let content = Some(json!([value, again]));
                let sent = ConversionSent {
                    lead: one.lead.clone(),
                    platform: self.platform,
                    goal: self.goal.name(),
                    key: ConversionSent::key(self.platform, &self.goal, &id),
                    id,
                    at,
                    received_at: self.now,
                    by: self.caller.token.clone(),
                    value,
                };
                let ready = Ready { entry: Entry::ConversionSent(sent), seals: Vec::new(), content };
                records::append_unseen(self.app, self.site, ready)
            });
            let appended = join_all(appends).await;
            for (one, appended) in together.iter_mut().zip(appended) {
                if let (Became::Repeated, _) = appended? {
                    one.verdict = Err(Reason::Already);
                }
            }
        }
        Ok(())
    }
}

impl ExportView {
    fn add(&mut self, judged: Judged) {
        let Judged { lead, conversion, verdict } = judged;
        let (status, reason, row) = match verdict {
            Ok(row) => {
                self.exported += 1;
                ("exported", None, Some(row))
            }
            Err(reason) => {
                let name = json!(reason).as_str().unwrap_or_default().to_owned();
                *self.skipped.entry(name).or_default() += 1;
                ("skipped", Some(reason), None)
            }
        };
        let (amount, currency) = conversion.value.unzip();
        let (lead, id, at) = (lead.to_string(), conversion.id, conversion.at);
        self.items.push(ConversionView { lead, id, at, amount, currency, status, reason, row });
    }
}
