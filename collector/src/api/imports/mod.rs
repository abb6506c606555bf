//! `POST imports/{kind}`: files of leads, sales, attempts, costs and events, a verdict for each row.
//!
//! - [`columns`]: what columns are called, and how their values are read
//! - `file`: its bytes, and its rows
//! - `header`: which column says what, and a row as what its columns say
//! - [`verdict`]: what became of each row
//!
//! A row becomes the body of the request that tells of one, and is checked as that is: so a file can say no more, and no
//! less, than the API.

pub mod columns;
mod file;
mod header;
pub mod verdict;

use std::collections::{BTreeMap, HashSet};

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Payload},
};
use futures_util::future::join_all;
use serde_json::Value;

use self::{
    columns::Kind,
    file::{gather, line_of, reader},
    header::Header,
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
    records::{self, Became, Ready, activities::ActivityBody, attempts::AttemptBody, sales::SaleBody},
};
use crate::{
    app::App,
    domain::{
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
        ("site" = String, Path), ("kind" = String, Path, description = "leads, sales, attempts, costs or events"),
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
    let kind = Kind::parse(&kind).ok_or_else(|| {
        Problem::not_found("There are imports of leads, sales, attempts, costs and events.")
    })?;
    let permission = match kind {
        Kind::Leads | Kind::Costs => Permission::Write,
        Kind::Sales | Kind::Attempts | Kind::Events => Permission::Match,
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
    header: Header,
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
        let header = Header::read(kind, text)?;
        let view = ImportView { ignored_columns: header.ignored(kind, site), ..ImportView::default() };
        let (waiting, claimed, sold) = (Vec::new(), HashSet::new(), BTreeMap::new());
        Ok(Self { app, caller, site, kind, header, view, waiting, claimed, sold })
    }

    async fn run(&mut self, text: &str, dry_run: bool, stop: bool) -> Result<(), Problem> {
        let mut reader = reader(text);
        let mut record = csv::StringRecord::new();
        loop {
            let line = match reader.read_record(&mut record) {
                Ok(false) => break,
                Ok(true) => line_of(text, record.position()),
                Err(error) => {
                    let line = line_of(text, error.position());
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
            let row = self.header.row(self.kind, self.site, &record);
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

    async fn take(&mut self, line: u64, mut row: Value, dry_run: bool) -> Result<(), Refused> {
        let now = self.app.clock.now();
        let (lead, ready) = match self.kind {
            Kind::Leads => {
                let (lead, ready) = json::typed::<LeadBody>(row)?.ready(self.app, self.site, now).await?;
                (Some(lead.to_string()), ready)
            }
            Kind::Costs => (None, json::typed::<CostBody>(row)?.ready(self.site, now)?),
            Kind::Attempts => {
                let lead = self.lead(&mut row).await?;
                let body = json::typed::<AttemptBody>(row)?;
                (Some(lead.id.to_string()), body.ready(self.app, self.site, &lead, now)?)
            }
            Kind::Events => {
                let whom = self.lead(&mut row).await?;
                let body = json::typed::<ActivityBody>(row)?;
                let (lead, ready) = body.ready(self.app, self.site, whom, now).await?;
                (Some(lead.id.to_string()), ready)
            }
            Kind::Sales => {
                let named = self.lead(&mut row).await?;
                let body = json::typed::<SaleBody>(row)?;
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
                let matching = MatchBody::of(name, value.to_owned());
                return match self.kind {
                    Kind::Events => matching.find_person(self.app, self.caller, self.site).await,
                    _ => matching.find(self.app, self.caller, self.site).await,
                };
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
        // The first of what is wrong that one of the columns says.
        let named = problem.errors.iter().find_map(|error| Some((self.header.named(&error.pointer)?, error)));
        let (column, error) = match named {
            Some((column, error)) => (Some(column), Some(error)),
            None => (None, problem.errors.first()),
        };
        let detail = error.map_or_else(|| problem.detail.to_string(), |error| error.detail.clone());
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
