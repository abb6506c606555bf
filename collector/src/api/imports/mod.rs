//! `POST imports/{kind}`: files of leads, sales, attempts and costs, a verdict for each row.
//!
//! - [`columns`]: what columns are called, and how their values are read
//! - `file`: its bytes, and its rows
//! - [`verdict`]: what became of each row
//!
//! A row becomes the body of the request that tells of one, and is checked as that is: so a file can say no more, and no
//! less, than the API.

pub mod columns;
mod file;
pub mod verdict;

use std::collections::{BTreeMap, HashSet};

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Payload},
};
use futures_util::future::join_all;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use self::{
    columns::{Column, Kind},
    file::{gather, reader},
    verdict::{ImportView, RowView, SoldView},
};
use super::{
    auth::Caller,
    costs::CostBody,
    json,
    lead_match::{self, MatchBody},
    leads_in::LeadBody,
    problem,
    query::Query,
    records::{self, Became, Ready, attempts::AttemptBody, sales::SaleBody},
};
use crate::{
    app::App,
    domain::{
        calendar,
        fact::Entry,
        record::{Record, Sale},
        standing::Lead,
        token::Permission,
    },
    error::Problem,
    ingest::body,
    project::directory::Site,
    store::LeadQuery,
};

/// Rows that are appended together: each waits for the disk, and they may wait for it together.
const TOGETHER: usize = 64;
/// Sales that the file does not have are named up to here.
const MISSING: usize = 1_000;

/// Takes in a file (CSV in UTF-8, with a header, separated by commas, semicolons or tabs). Column names may be English or
/// Spanish; `docs/leads.md` lists them.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/imports/{kind}", tag = "leads",
    params(
        ("site" = String, Path), ("kind" = String, Path, description = "leads, sales, attempts or costs"),
        ("dry_run" = Option<bool>, Query, description = "`true`: nothing is kept"),
        ("on_error" = Option<String>, Query, description = "`skip` (unless told): bad rows are named, the others are in; `stop`: at the first bad row"),
        ("time" = Option<String>, Query),
    ),
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, description = "Read to its end, or to the first bad row", body = ImportView),
        (status = 400, description = "No file of this kind", body = problem::Body),
        (status = 403, body = problem::Body), (status = 404, body = problem::Body), (status = 413, body = problem::Body),
        (status = 415, body = problem::Body),
        (status = 503, description = "Send it again: what is in is a duplicate then", body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn post(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let (slug, kind) = path.into_inner();
    let kind = Kind::parse(&kind)
        .ok_or_else(|| Problem::not_found("There are imports of leads, sales, attempts and costs."))?;
    let permission = match kind {
        Kind::Leads | Kind::Costs => Permission::Write,
        Kind::Sales | Kind::Attempts => Permission::Match,
    };
    let site = caller.site(&app, &slug, permission)?;
    let query = Query::of(&request, app.clock.now());
    let flag = |name: &str, yes: &str, no: &str| match query.text(name).as_deref() {
        None => Ok(false),
        Some(text) if text == no => Ok(false),
        Some(text) if text == yes => Ok(true),
        Some(_) => Err(Problem::invalid_at(name, format!("must be {no} or {yes}"))),
    };
    let dry_run = flag("dry_run", "true", "false")?;
    let stop = flag("on_error", "stop", "skip")?;
    body::check_type(request.headers(), &["text/csv", "text/plain", "application/csv"])?;
    let bytes = gather(payload).await?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Problem::invalid("The file is not UTF-8: save it as CSV UTF-8."))?;
    let mut import = Import::begin(&app, &caller, &site, kind, text)?;
    import.view.dry_run = dry_run;
    import.run(text, dry_run, stop).await?;
    if kind == Kind::Sales {
        import.view.missing_in_file = Some(import.missing().await?);
    }
    Ok(HttpResponse::Ok().json(query.render(&import.view)?))
}

struct Import<'a> {
    app: &'a App,
    caller: &'a Caller,
    site: &'a Site,
    kind: Kind,
    headers: Vec<String>,
    columns: Vec<Option<&'static Column>>,
    view: ImportView,
    /// Rows that wait to be appended together: line, lead, what is told.
    waiting: Vec<(u64, Option<String>, Ready)>,
    /// External ids of those.
    claimed: HashSet<String>,
    /// Ids and times of the sales in the file.
    sold: BTreeMap<String, Option<i64>>,
}

impl<'a> Import<'a> {
    fn begin(
        app: &'a App,
        caller: &'a Caller,
        site: &'a Site,
        kind: Kind,
        text: &str,
    ) -> Result<Self, Problem> {
        let mut reader = reader(text);
        let headers = reader.headers().map_err(|_| Problem::invalid("The file has no header."))?;
        let headers: Vec<String> =
            headers.iter().map(|header| header.trim_start_matches('\u{feff}').trim().to_owned()).collect();
        let columns: Vec<_> = headers.iter().map(|header| kind.column(header)).collect();
        for (index, column) in columns.iter().enumerate() {
            let earlier = columns.get(..index).unwrap_or_default();
            if let Some(column) = column
                && earlier.iter().flatten().any(|earlier| earlier.field == column.field)
            {
                let header = headers.get(index).cloned().unwrap_or_default();
                return Err(Problem::invalid_at(
                    header,
                    format!("is the second column that says {}", column.field),
                ));
            }
        }
        let has = |field: &str| columns.iter().flatten().any(|column| column.field == field);
        let has_any = |fields: &[&str]| fields.iter().any(|field| has(field));
        const BY: &[&str] = &["lead", "match/external_id", "match/ref", "match/phone", "match/email"];
        let needed: &[&[&str]] = match kind {
            Kind::Leads => &[&["external_id"], &["email", "phone", "user_id", "ref"]],
            Kind::Sales => &[&["external_id"], &["amount", "amount_minor"], BY],
            Kind::Attempts => &[&["external_id"], &["outcome"], BY],
            Kind::Costs => &[&["day"], &["cost", "cost_minor"], &["source", "campaign"]],
        };
        if let Some(fields) = needed.iter().find(|fields| !has_any(fields)) {
            let names = fields.join(" or ").replace("match/", "");
            return Err(Problem::invalid_at(
                "header",
                format!("must have the column {names}, by its English or Spanish name"),
            ));
        }
        let is_kept = |header: &String| kind == Kind::Leads && site.config.lead_fields.contains(header);
        let ignored =
            headers.iter().zip(&columns).filter(|(header, column)| column.is_none() && !is_kept(header));
        let view = ImportView {
            ignored_columns: ignored.map(|(header, _)| header.clone()).collect(),
            ..ImportView::default()
        };
        let (waiting, claimed, sold) = (Vec::new(), HashSet::new(), BTreeMap::new());
        Ok(Self { app, caller, site, kind, headers, columns, view, waiting, claimed, sold })
    }

    async fn run(&mut self, text: &str, dry_run: bool, stop: bool) -> Result<(), Problem> {
        let mut reader = reader(text);
        let mut record = csv::StringRecord::new();
        loop {
            let line = match reader.read_record(&mut record) {
                Ok(false) => break,
                Ok(true) => record.position().map_or(0, csv::Position::line),
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    self.view.rows += 1;
                    let detail = "has another number of columns than the header".to_owned();
                    self.verdict(RowView::bad(line, None, detail));
                    if stop {
                        self.view.stopped_at = Some(line);
                        break;
                    }
                    continue;
                }
            };
            if record.iter().all(|value| value.trim().is_empty()) {
                continue;
            }
            self.view.rows += 1;
            let row = self.row(&record);
            let became = match row {
                Ok(row) => self.take(line, row, dry_run).await,
                Err(bad) => Err(Refused::Row(bad)),
            };
            if let Err(refused) = became {
                let bad = self.refused(line, refused)?;
                self.flush().await?;
                self.verdict(bad);
                if stop {
                    self.view.stopped_at = Some(line);
                    break;
                }
            }
        }
        self.flush().await?;
        self.view.items.sort_by_key(|item| item.row);
        let site = self.site.number;
        self.app.progress.wait(site, self.app.store.head(site)).await;
        Ok(())
    }

    fn verdict(&mut self, row: RowView) {
        let count = match row.verdict {
            "created" => &mut self.view.created,
            "amended" => &mut self.view.amended,
            "duplicate" => &mut self.view.duplicate,
            _ => &mut self.view.failed,
        };
        *count += 1;
        self.view.items.push(row);
    }

    /// A row as the body of a request.
    fn row(&self, record: &csv::StringRecord) -> Result<Value, (Option<String>, String)> {
        let mut fields = Map::new();
        let mut extra = Map::new();
        let zone = calendar::zone(&self.site.config.timezone);
        let currency = self.value(record, "currency").unwrap_or(&self.site.config.currency).to_owned();
        for ((value, column), header) in record.iter().zip(&self.columns).zip(&self.headers) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            let Some(column) = column else {
                extra.insert(header.clone(), json!(value));
                continue;
            };
            let read = columns::read(column.read, value, &currency, &zone);
            let read = read.map_err(|detail| (Some(header.clone()), detail))?;
            let field = column.field.strip_suffix("_minor").unwrap_or(column.field);
            match field.split_once('/') {
                None => drop(fields.insert(field.to_owned(), read)),
                Some((outer, inner)) => {
                    let place = fields.entry(outer).or_insert_with(|| json!({}));
                    if let Some(place) = place.as_object_mut() {
                        place.insert(inner.to_owned(), read);
                    }
                }
            }
        }
        let mut default = |field: &str, value: Value| {
            fields.entry(field).or_insert(value);
        };
        match self.kind {
            Kind::Leads => {
                default("kind", json!("import"));
                default("fields", Value::Object(extra));
            }
            Kind::Sales | Kind::Costs => default("currency", json!(self.site.config.currency)),
            Kind::Attempts => {}
        }
        Ok(Value::Object(fields))
    }

    fn value<'r>(&self, record: &'r csv::StringRecord, field: &str) -> Option<&'r str> {
        let index =
            self.columns.iter().position(|column| column.is_some_and(|column| column.field == field))?;
        record.get(index).map(str::trim).filter(|value| !value.is_empty())
    }

    async fn take(&mut self, line: u64, mut row: Value, dry_run: bool) -> Result<(), Refused> {
        let now = self.app.clock.now();
        let (lead, ready) = match self.kind {
            Kind::Leads => {
                let (lead, ready) = typed::<LeadBody>(row)?.ready(self.app, self.site, now).await?;
                (Some(lead.to_string()), ready)
            }
            Kind::Costs => (None, typed::<CostBody>(row)?.ready(self.site, now)?),
            Kind::Attempts => {
                let lead = self.lead(&mut row).await?;
                let body = typed::<AttemptBody>(row)?;
                (Some(lead.id.to_string()), body.ready(self.app, self.site, &lead, now)?)
            }
            Kind::Sales => {
                let named = self.lead(&mut row).await?;
                let body = typed::<SaleBody>(row)?;
                self.sold.insert(body.external_id.clone(), None);
                let before = self.before(&body.external_id).await?;
                if body.refund_of.is_some() || before.is_some() {
                    // What is left of a sale must be known by then.
                    self.flush().await?;
                    let site = self.site.number;
                    self.app.progress.wait(site, self.app.store.head(site)).await;
                    return self.sale(line, body, &named, before, dry_run).await;
                }
                (Some(named.id.to_string()), body.ready(&named, now)?)
            }
        };
        if let Some(Record::Sale(sale)) = Record::of(&ready.entry) {
            self.sold.insert(sale.external_id.clone(), Some(sale.at));
        }
        if dry_run {
            let became = records::preview(self.app, self.site, &ready).await?;
            self.verdict(RowView::of(line, became, lead));
            return Ok(());
        }
        let id = ready.external_id();
        if id.is_some_and(|id| !self.claimed.insert(id)) || self.waiting.len() >= TOGETHER {
            let id = ready.external_id();
            self.flush().await?;
            self.claimed.extend(id);
        }
        self.waiting.push((line, lead, ready));
        Ok(())
    }

    /// A sale that must be weighed against what is there: a refund, or one that is amended.
    async fn sale(
        &mut self,
        line: u64,
        body: SaleBody,
        lead: &Lead,
        before: Option<Sale>,
        dry_run: bool,
    ) -> Result<(), Refused> {
        let lead_id = lead.id.to_string();
        let became = if dry_run {
            let ready = body.ready(lead, self.app.clock.now())?;
            if let Some(Record::Sale(sale)) = Record::of(&ready.entry) {
                self.sold.insert(sale.external_id.clone(), Some(sale.at));
            }
            records::preview(self.app, self.site, &ready).await?
        } else {
            let id = body.external_id.clone();
            let became = body.record(self.app, self.site, lead).await?;
            if let Some(sale) = self.before(&id).await? {
                self.sold.insert(id, Some(sale.at));
            }
            became
        };
        let mut row = RowView::of(line, became, Some(lead_id));
        if became == Became::Amended {
            row.before = before.as_ref().map(SoldView::from);
        }
        self.verdict(row);
        Ok(())
    }

    /// The sale that claims an external id.
    async fn before(&self, external_id: &str) -> Result<Option<Sale>, Problem> {
        let site = self.site.number;
        let Some((position, _)) = self.app.store.claimed(site, "sale", external_id).await? else {
            return Ok(None);
        };
        let entry = self.app.store.entries(site, vec![position]).await?.pop();
        Ok(entry.and_then(|stored| match stored.entry.as_ref() {
            Entry::Sale(sale) => Some(sale.clone()),
            _ => None,
        }))
    }

    /// The lead that a row is about: by the first of its columns that says so.
    async fn lead(&self, row: &mut Value) -> Result<Lead, Problem> {
        if let Some(id) = row.get("lead").and_then(Value::as_str) {
            return lead_match::find(self.app, self.caller, self.site, id).await;
        }
        let by = row.get_mut("match").map(Value::take).unwrap_or_default();
        for name in ["external_id", "ref", "phone", "email"] {
            if let Some(value) = by.get(name).and_then(Value::as_str) {
                return MatchBody::of(name, value.to_owned()).find(self.app, self.caller, self.site).await;
            }
        }
        Err(Problem::invalid_at("/match", "none of the columns says which lead"))
    }

    /// Appends what waits.
    async fn flush(&mut self) -> Result<(), Problem> {
        self.claimed.clear();
        let waiting = std::mem::take(&mut self.waiting);
        let (app, site) = (self.app, self.site);
        let appends = waiting.into_iter().map(|(line, lead, ready)| async move {
            (line, lead, records::append_unseen(app, site, ready).await)
        });
        for (line, lead, appended) in join_all(appends).await {
            let row = match appended {
                Ok((became, _)) => RowView::of(line, became, lead),
                Err(problem) => self.refused(line, Refused::Problem(problem))?,
            };
            self.verdict(row);
        }
        Ok(())
    }

    /// The verdict on a row that is refused.
    ///
    /// # Errors
    /// Where it is not the row's fault.
    fn refused(&self, line: u64, refused: Refused) -> Result<RowView, Problem> {
        let problem = match refused {
            Refused::Row((column, detail)) => return Ok(RowView::bad(line, column, detail)),
            Refused::Problem(problem) if problem.status >= 500 || problem.status == 429 => {
                return Err(problem);
            }
            Refused::Problem(problem) => problem,
        };
        let first = problem.errors.first();
        let column = first.and_then(|error| {
            let pointer = error.pointer.trim_start_matches('/');
            let names = |column: &&'static Column| {
                let field = column.field.strip_suffix("_minor").unwrap_or(column.field);
                field == pointer || column.field == pointer || pointer.starts_with(&format!("{field}/"))
            };
            let index = self.columns.iter().position(|column| column.as_ref().is_some_and(names))?;
            self.headers.get(index).cloned()
        });
        let detail = first.map_or_else(|| problem.detail.to_string(), |error| error.detail.clone());
        let mut row = RowView::bad(line, column, detail);
        row.candidates = problem.candidates.map(|candidates| candidates.0).unwrap_or_default();
        Ok(row)
    }

    /// Sales of the file's time that the file does not have: no more than are named.
    async fn missing(&self) -> Result<Vec<SoldView>, Problem> {
        let (Some(first), Some(last)) =
            (self.sold.values().flatten().min(), self.sold.values().flatten().max())
        else {
            return Ok(Vec::new());
        };
        let mut missing = Vec::new();
        let mut query = LeadQuery { scope: self.caller.scope.clone(), limit: 500, ..LeadQuery::default() };
        loop {
            let page = self.app.store.leads(self.site.number, query.clone()).await?;
            for lead in page.items {
                let others = lead.sales.iter().filter(|sale| (first..=last).contains(&&sale.at));
                for sale in others.filter(|sale| !self.sold.contains_key(&sale.external_id)) {
                    missing.push(SoldView {
                        lead: lead.id.to_string(),
                        external_id: sale.external_id.clone(),
                        at: sale.at,
                        amount: sale.amount,
                        currency: sale.currency.clone(),
                    });
                }
            }
            match page.next {
                Some(next) if missing.len() < MISSING => query.after = Some(next),
                _ => break,
            }
        }
        missing.truncate(MISSING);
        missing.sort_by(|a, b| (a.at, &a.external_id).cmp(&(b.at, &b.external_id)));
        Ok(missing)
    }
}

/// Why a row is refused.
enum Refused {
    /// A value cannot be read: the column, and what it must be.
    Row((Option<String>, String)),
    /// The API would not take it.
    Problem(Problem),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// A row as the type that the API reads.
fn typed<T: DeserializeOwned>(row: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(row).map_err(|error| json::problem_of(&error))
}
