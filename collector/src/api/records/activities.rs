//! `POST events`: what happened elsewhere, one by one or many at once.

use std::collections::{BTreeMap, HashSet};

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{Became, Ready, answer, append, append_unseen, props::Props, told_at};
use crate::{
    api::{
        auth::Caller,
        check, json,
        lead_match::{self, MatchBody},
        problem,
        shapes::LeadView,
    },
    app::App,
    domain::{
        activity::{Activity, ActivityKind},
        fact::{Entry, Position},
        standing::Lead,
        token::Permission,
    },
    error::{FieldError, Problem},
    project::directory::Site,
    store::Seal,
};

/// At most so many in one request.
const MOST: usize = 500;
/// So many are appended together: each waits for the disk, and they may wait for it together.
const TOGETHER: usize = 64;

/// Something that happened elsewhere, and to whom. Of several leads of one person it is noted at the newest, and stands
/// on the journeys of all.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Activity)]
pub struct ActivityBody {
    /// Which lead, by its id, `ext:` or `ref:`; or else `match`.
    #[serde(default)]
    pub lead: Option<String>,
    /// Whom, by one of these.
    #[serde(default, rename = "match")]
    pub matching: Option<MatchBody>,
    /// email_sent, email_bounced, email_opened, email_clicked, survey_response, webinar_attended, newsletter_joined,
    /// call_summary or custom.
    #[schema(value_type = String)]
    pub kind: ActivityKind,
    /// When it was; now, unless told. Milliseconds or RFC 3339.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub at: Option<Value>,
    /// The sender's own id of it.
    pub external_id: String,
    /// At most 20: texts, numbers, true and false. Of e-mails `message`, `campaign` and `link`; of surveys `score` from 0
    /// to 10; of custom ones `name`. `text`, `comment`, `summary`, `transcript`, `note` and `agent` are kept with the
    /// contact details.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub props: BTreeMap<String, Value>,
}

impl ActivityBody {
    /// Whom it is about.
    ///
    /// # Errors
    /// As [`lead_match::find`] and [`MatchBody::find_person`].
    pub async fn whom(&self, app: &App, caller: &Caller, site: &Site) -> Result<Lead, Problem> {
        match (&self.lead, &self.matching) {
            (Some(id), None) => lead_match::find(app, caller, site, id).await,
            (None, Some(matching)) => matching.find_person(app, caller, site).await,
            _ => Err(Problem::invalid_at(
                "/match",
                "must say whom: by external_id, ref, phone or email; or else `lead` must",
            )),
        }
    }

    /// Checks it, and says at which lead it is noted: an external id stays with the lead that it named first, where the
    /// person has left another since.
    ///
    /// # Errors
    /// 400, pointing at what is wrong; what the store says.
    pub async fn ready(self, app: &App, site: &Site, whom: Lead, now: i64) -> Result<(Lead, Ready), Problem> {
        let at = check::moment("/at", self.at.as_ref(), now)?;
        check::short("/external_id", &self.external_id, 128)?;
        let props = Props::read(self.kind, &site.config, self.props)?;
        let lead = match lead_match::told_as(app, site, Activity::KIND, &self.external_id).await? {
            Some(known) if known != whom.id => {
                let known = app.store.lead(site.number, &known).await?;
                known.filter(|known| known.person == whom.person).unwrap_or(whom)
            }
            _ => whom,
        };
        let told_at = told_at(self.at.as_ref(), at);
        let content = json!([lead.id, self.kind, told_at, props.content()]);
        let mut seals = Vec::new();
        if let Some(note) = &props.note {
            let (reference, sealed) = app.vault.seal(site.number, note)?;
            seals.push(Seal { event: 0, reference, sealed, lookups: Vec::new() });
        }
        let entry = Entry::Activity(Activity {
            lead: lead.id.clone(),
            kind: self.kind,
            at,
            received_at: now,
            external_id: self.external_id,
            message: props.message,
            campaign: props.campaign,
            link: props.link,
            score: props.score,
            props: props.others,
            note: seals.first().map(|seal| seal.reference),
        });
        Ok((lead, Ready { entry, seals, content: Some(content) }))
    }
}

/// What became of some facts from elsewhere.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Activities)]
pub struct AnswerView {
    /// New.
    created: u64,
    /// Said otherwise than before.
    amended: u64,
    /// Known, just so.
    duplicate: u64,
    /// Refused.
    failed: u64,
    /// The verdict on each, in their order.
    items: Vec<VerdictView>,
}

/// The verdict on one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ActivityVerdict)]
pub struct VerdictView {
    /// Its place in the list, from 0.
    index: usize,
    /// created, amended, duplicate, or error.
    verdict: &'static str,
    /// At which lead it is noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    lead: Option<String>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Where, by JSON pointer into the body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// The leads that may be meant, where several persons may.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidates: Vec<String>,
}

/// Tells of something that happened elsewhere: one thing, or `{"items": […]}` with up to 500 and a verdict on each.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/events", tag = "leads",
    params(("site" = String, Path)),
    request_body(content = ActivityBody, description = "One, or {\"items\": [one, …]}"),
    responses(
        (status = 201, description = "Recorded. For roles that read nothing: {\"lead\": id}", body = LeadView),
        (status = 200, description = "The same told again, or amended; of `items`: the verdict on each", body = AnswerView),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body),
        (status = 404, description = "Nobody is like that", body = problem::Body),
        (status = 409, description = "Several persons are: `candidates` has their leads", body = problem::Body),
        (status = 503, description = "Send it again: what is in is a duplicate then", body = problem::Body),
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
    let site = caller.site(&app, &slug, Permission::Match)?;
    let mut body: Map<String, Value> = json::read(&request, payload).await?;
    match body.remove("items") {
        None => {
            let body: ActivityBody = json::typed(Value::Object(body))?;
            let whom = body.whom(&app, &caller, &site).await?;
            let (lead, ready) = body.ready(&app, &site, whom, app.clock.now()).await?;
            let became = append(&app, &site, ready).await?;
            answer(&app, &caller, &site, &request, &lead, became).await
        }
        Some(Value::Array(items)) if (1..=MOST).contains(&items.len()) => {
            let mut many = Many::new(&app, &caller, &site);
            many.take(items).await?;
            Ok(HttpResponse::Ok().json(many.view))
        }
        Some(_) => Err(Problem::invalid_at("/items", format!("must be a list of 1 to {MOST}"))),
    }
}

/// Many at once, each judged alone.
struct Many<'a> {
    app: &'a App,
    caller: &'a Caller,
    site: &'a Site,
    view: AnswerView,
    /// Those that wait to be appended together: place, lead, what is told.
    waiting: Vec<(usize, Lead, Ready)>,
    /// External ids of those.
    claimed: HashSet<String>,
    reached: Option<Position>,
}

impl<'a> Many<'a> {
    fn new(app: &'a App, caller: &'a Caller, site: &'a Site) -> Self {
        let (view, waiting, claimed, reached) = (AnswerView::default(), Vec::new(), HashSet::new(), None);
        Self { app, caller, site, view, waiting, claimed, reached }
    }

    async fn take(&mut self, items: Vec<Value>) -> Result<(), Problem> {
        for (index, item) in items.into_iter().enumerate() {
            let id = item.get("external_id").and_then(Value::as_str).map(str::to_owned);
            // A second word on something is weighed against the first.
            if id.as_ref().is_some_and(|id| self.claimed.contains(id)) || self.waiting.len() >= TOGETHER {
                self.flush().await?;
            }
            self.claimed.extend(id);
            match self.ready(item).await {
                Ok((lead, ready)) => self.waiting.push((index, lead, ready)),
                Err(problem) => self.refused(index, problem)?,
            }
        }
        self.flush().await?;
        self.view.items.sort_by_key(|item| item.index);
        if let Some(position) = self.reached {
            self.app.progress.wait(self.site.number, position).await;
        }
        Ok(())
    }

    async fn ready(&self, item: Value) -> Result<(Lead, Ready), Problem> {
        let body: ActivityBody = json::typed(item)?;
        let whom = body.whom(self.app, self.caller, self.site).await?;
        body.ready(self.app, self.site, whom, self.app.clock.now()).await
    }

    /// Appends what waits.
    async fn flush(&mut self) -> Result<(), Problem> {
        self.claimed.clear();
        let (app, site) = (self.app, self.site);
        let appends = std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|(index, lead, ready)| async move { (index, lead, append_unseen(app, site, ready).await) });
        for (index, lead, appended) in join_all(appends).await {
            match appended {
                Ok((became, position)) => {
                    self.reached = self.reached.max(position);
                    self.verdict(index, became, &lead);
                }
                Err(problem) => self.refused(index, problem)?,
            }
        }
        Ok(())
    }

    fn verdict(&mut self, index: usize, became: Became, lead: &Lead) {
        let (count, verdict) = match became {
            Became::Created => (&mut self.view.created, "created"),
            Became::Amended => (&mut self.view.amended, "amended"),
            Became::Repeated => (&mut self.view.duplicate, "duplicate"),
        };
        *count += 1;
        let (lead, errors, candidates) = (Some(lead.id.to_string()), Vec::new(), Vec::new());
        self.view.items.push(VerdictView { index, verdict, lead, detail: None, errors, candidates });
    }

    /// # Errors
    /// Where it is not the sender's fault.
    fn refused(&mut self, index: usize, problem: Problem) -> Result<(), Problem> {
        if problem.status >= 500 || problem.status == 429 {
            return Err(problem);
        }
        let within = |error: FieldError| FieldError {
            pointer: format!("/items/{index}{}", error.pointer),
            detail: error.detail,
        };
        self.view.failed += 1;
        self.view.items.push(VerdictView {
            index,
            verdict: "error",
            lead: None,
            detail: Some(problem.detail.into_owned()),
            errors: problem.errors.into_iter().map(within).collect(),
            candidates: problem.candidates.map(|candidates| candidates.0).unwrap_or_default(),
        });
        Ok(())
    }
}
