//! `POST calls`: a telephone exchange tells of a call, and is told at once where it came from.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    check, json,
    leads_in::LeadBody,
    problem,
    query::Query,
    records::{self, About, Became, Ready},
};
use crate::{
    app::App,
    domain::{
        call::{self, Answer, Call, CallStatus, GRACE_MS, Shown, Unattributed},
        channel::Channel,
        event::{Detail, Flag, IdentifierKind, LeadKind},
        fact::{Entry, Subject},
        id::Id,
        number::Stands,
        standing::Lead,
        token::Permission,
        touch::Touch,
        visit,
    },
    error::Problem,
    ingest::enrich::{self, Given},
    project::{directory::Site, journeys},
    store::Seal,
    vault::{PersonalData, contact},
};

/// Whoever calls again within this long, in ms, calls about the same.
const SAME_LEAD_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// How far back leases are looked at, in ms: nobody reads one site for longer.
const READ_MS: i64 = 12 * 60 * 60 * 1000;
/// Leases of a number that are looked at, and leads of a caller.
const MOST: usize = 50;

/// A call.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CallIn)]
pub struct CallBody {
    /// The number that was dialled.
    pub to: String,
    /// The caller's own; absent where it is hidden.
    #[serde(default)]
    pub from: Option<String>,
    /// When it rang; now, unless told. Milliseconds or RFC 3339.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub at: Option<Value>,
    /// The exchange's own id of the call: told again, it says more about the same one.
    pub external_id: String,
    /// ringing, answered, completed or missed.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub status: Option<CallStatus>,
    /// Whether somebody took it.
    #[serde(default)]
    pub answered: Option<bool>,
    /// How long it took, in seconds.
    #[serde(default)]
    pub duration_s: Option<u32>,
    /// Who took it.
    #[serde(default)]
    pub agent: Option<String>,
    /// Where the recording is.
    #[serde(default)]
    pub recording: Option<String>,
    /// Whether somebody took it, where nobody has said.
    #[serde(skip)]
    pub presumed: Option<bool>,
}

impl CallBody {
    /// A call of whom nothing is told yet.
    #[must_use]
    pub fn of(to: String, external_id: String) -> Self {
        Self {
            to,
            external_id,
            from: None,
            at: None,
            status: None,
            answered: None,
            duration_s: None,
            agent: None,
            recording: None,
            presumed: None,
        }
    }
}

/// Where a call came from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Call)]
pub struct CallView {
    /// The call's id.
    call: String,
    /// Which lead it is about; null where nobody could be called back.
    lead: Option<String>,
    #[schema(value_type = Option<String>)]
    channel: Option<Channel>,
    source: Option<String>,
    campaign: Option<String>,
    /// Who may have made it, the likeliest first; probabilities sum to 1, and null stands for somebody else.
    candidates: Vec<CandidateView>,
    /// Why it leads to nobody's journey: unknown_number, inactive_number, printed_number, channel_number, not_shown, ambiguous.
    #[schema(value_type = Option<String>)]
    reason: Option<Unattributed>,
}

/// Somebody who may have made a call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallCandidate)]
pub struct CandidateView {
    visitor: Option<String>,
    probability: f64,
}

impl From<&Call> for CallView {
    fn from(call: &Call) -> Self {
        let touch = call.answer.touch.as_deref();
        Self {
            call: id(&call.external_id),
            lead: call.lead.as_ref().map(ToString::to_string),
            channel: touch.map(|touch| touch.channel),
            source: touch.and_then(|touch| touch.source.clone()),
            campaign: touch.and_then(|touch| touch.campaign.clone()),
            candidates: call
                .answer
                .candidates
                .iter()
                .map(|one| CandidateView {
                    visitor: one.visitor.as_ref().map(ToString::to_string),
                    probability: one.probability,
                })
                .collect(),
            reason: call.answer.reason,
        }
    }
}

/// A call's id, derived from the exchange's.
fn id(external_id: &str) -> String {
    let digest = format!("{:x}", Sha256::digest(format!("call\0{external_id}")));
    format!("c_{}", digest.get(..32).unwrap_or_default())
}

/// Tells of a call: when it rings, when it is answered, when it has ended. Answers where it came from, and which lead it is
/// about; that is decided when it is told of first.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/calls", tag = "calls",
    params(("site" = String, Path)), request_body = CallBody,
    responses(
        (status = 201, description = "A call", body = CallView),
        (status = 200, description = "More about one, or the same again", body = CallView),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body), (status = 404, body = problem::Body),
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
    let body: CallBody = json::read(&request, payload).await?;
    let (call, became) = record(&app, &site, body).await?;
    let query = Query::of(&request, app.clock.now());
    Ok(HttpResponse::build(became.status()).json(query.render(&CallView::from(&call))?))
}

/// Checks and appends a call, and says where it came from.
///
/// # Errors
/// 400, pointing at what is wrong; what the store says.
pub async fn record(app: &App, site: &Site, body: CallBody) -> Result<(Call, Became), Problem> {
    let now = app.clock.now();
    check::short("/external_id", &body.external_id, 120)?;
    check::short_if_any("/agent", body.agent.as_deref(), 128)?;
    check::short_if_any("/recording", body.recording.as_deref(), 1000)?;
    check::short_if_any("/from", body.from.as_deref(), 64)?;
    let to = contact::phone(&body.to, &site.config.default_region)
        .ok_or_else(|| Problem::invalid_at("/to", "must be a telephone number such as +34900111001"))?;
    let told_at = check::moment("/at", body.at.as_ref(), now)?;
    let before = told_before(app, site, &body.external_id).await?;
    if before.as_ref().is_some_and(|before| before.to != to) {
        return Err(Problem::conflict("Another call to another number has this external_id."));
    }
    // It rang once, whenever more of it is told.
    let at = before.as_ref().map_or(told_at, |before| before.at);
    let status = body.status.unwrap_or(match (body.answered, body.duration_s) {
        (Some(false), _) => CallStatus::Missed,
        (_, Some(_)) => CallStatus::Completed,
        (Some(true), None) => CallStatus::Answered,
        (None, None) => before.as_ref().map_or(CallStatus::Ringing, |before| before.status),
    });
    // What is told late of how it began takes nothing back of how it went on.
    let status = match &before {
        Some(before) if before.status.progress() > status.progress() => before.status,
        _ => status,
    };
    let answered = body.answered.or(match status {
        CallStatus::Answered => Some(true),
        CallStatus::Missed => Some(false),
        CallStatus::Ringing | CallStatus::Completed => {
            before.as_ref().and_then(|before| before.answered).or(body.presumed)
        }
    });
    let duration_s = body.duration_s.or_else(|| before.as_ref().and_then(|before| before.duration_s));
    let content = json!([to, body.from, at, status, answered, duration_s, body.agent, body.recording]);
    let mut seals = Vec::new();
    let (answer, About { lead, made }) = match &before {
        Some(before) => (before.answer.clone(), About::known(before.lead.clone())),
        None => {
            let answer = where_from(app, site, &to, body.from.as_deref(), at).await?;
            let about = about(app, site, &body, &answer, at).await?;
            (answer, about)
        }
    };
    let mut personal = before.as_ref().map(|before| before.personal.clone()).unwrap_or_default();
    if let (Some(from), None) = (&body.from, &personal.vault) {
        let given = Given { phone: Some(from.clone()), ..Given::default() };
        seals.push(given.seal(
            &app.vault,
            (site.number, &site.config),
            0,
            &mut personal,
            &mut Vec::<Flag>::new(),
        )?);
    }
    let mut note = before.as_ref().and_then(|before| before.note);
    if body.agent.is_some() || body.recording.is_some() {
        let data = PersonalData { by: body.agent, reason: body.recording, ..PersonalData::default() };
        let (reference, sealed) = app.vault.seal(site.number, &data)?;
        seals.push(Seal { event: 0, reference, sealed, lookups: Vec::new() });
        note = Some(reference);
    }
    let call = Call {
        lead,
        to,
        at,
        received_at: now,
        status,
        answered,
        duration_s,
        personal,
        note,
        external_id: body.external_id,
        answer,
    };
    let ready = Ready { entry: Entry::Call(call.clone()), seals, content: Some(content) };
    let became = records::append_with(app, site, made, ready).await?;
    Ok((call, became))
}

/// The call as it was told of last.
async fn told_before(app: &App, site: &Site, external_id: &str) -> Result<Option<Call>, Problem> {
    let told = records::told_before(app, site, "call", external_id).await?;
    Ok(match told.as_deref() {
        Some(Entry::Call(call)) => Some(call.clone()),
        _ => None,
    })
}

/// Where a call to a number came from.
async fn where_from(
    app: &App,
    site: &Site,
    to: &str,
    from: Option<&str>,
    at: i64,
) -> Result<Answer, Problem> {
    let nobody = |reason| Answer { candidates: call::candidates(&[], at), touch: None, reason: Some(reason) };
    match site.numbers.at(to, at).map(|number| &number.stands) {
        None if site.numbers.has(to) => Ok(nobody(Unattributed::InactiveNumber)),
        None => Ok(nobody(Unattributed::UnknownNumber)),
        Some(Stands::Printed) => Ok(nobody(Unattributed::PrintedNumber)),
        Some(Stands::For { channel, placement }) => {
            let touch = Touch {
                channel: *channel,
                source: placement.source.clone(),
                medium: Some("call".to_owned()),
                campaign: placement.campaign.clone(),
                reason: None,
                ..Touch::unknown(at, "")
            };
            Ok(Answer { touch: Some(Box::new(touch)), ..nobody(Unattributed::ChannelNumber) })
        }
        Some(Stands::Pool(_)) => from_pool(app, site, to, from, at).await,
    }
}

/// Where a call to a pool's number came from: whoever it was shown to shortly before may have made it.
async fn from_pool(app: &App, site: &Site, to: &str, from: Option<&str>, at: i64) -> Result<Answer, Problem> {
    let leases = app.store.leases(site.number, to.to_owned(), at - READ_MS, MOST).await?;
    let callers: BTreeSet<Id> =
        leads_of(app, site, from).await?.iter().filter_map(|lead| lead.visitor().cloned()).collect();
    let mut shown = Vec::new();
    let mut touches = Vec::new();
    let mut looked_at = BTreeSet::new();
    for lease in leases.into_iter().filter(|lease| lease.at <= at) {
        if !looked_at.insert(lease.visitor.clone()) {
            continue;
        }
        let subject = Subject::Visitor(lease.visitor.clone());
        let arrivals = app.store.journey(site.number, &subject).await?;
        let mut seen = journeys::seen(&arrivals, &subject);
        seen.retain(|seen| seen.event.at <= at);
        let last_seen = seen.iter().map(|seen| seen.event.at).max().unwrap_or(lease.at).max(lease.at);
        if at - last_seen > GRACE_MS {
            continue;
        }
        let taps = seen.iter().filter(|seen| matches!(seen.event.detail, Detail::CallClick { .. }));
        let tapped_at = taps.map(|seen| seen.event.at).max();
        let is_caller = callers.contains(&lease.visitor);
        let timeline = visit::timeline(seen, site.config.grouping());
        let last = timeline.visits.last().and_then(|visit| visit.touches.last());
        touches.push(last.cloned().unwrap_or_else(|| Touch::unknown(at, "")));
        shown.push(Shown { visitor: lease.visitor, last_seen, tapped_at, is_caller });
    }
    let candidates = call::candidates(&shown, at);
    let caller = call::caller(&candidates);
    let touch = match caller {
        Some(caller) => {
            shown.iter().position(|one| one.visitor == *caller).and_then(|index| touches.get(index)).cloned()
        }
        None => call::in_common(&touches, at),
    };
    let reason = match (caller, shown.is_empty()) {
        (Some(_), _) => None,
        (None, true) => Some(Unattributed::NotShown),
        (None, false) => Some(Unattributed::Ambiguous),
    };
    Ok(Answer { candidates, touch: touch.map(Box::new), reason })
}

/// The leads that gave the number that calls, newest first.
async fn leads_of(app: &App, site: &Site, from: Option<&str>) -> Result<Vec<Lead>, Problem> {
    let Some(phone) = from.and_then(|from| contact::phone(from, &site.config.default_region)) else {
        return Ok(Vec::new());
    };
    let hash = enrich::lookup(&app.vault, site.number, IdentifierKind::Phone, &phone);
    let mut leads = app.store.leads_with(site.number, hash, MOST).await?;
    leads.retain(|lead| {
        !lead.flags.iter().any(|flag| matches!(flag, Flag::Test | Flag::Spam | Flag::Internal))
    });
    Ok(leads)
}

/// Which lead a call is about: the caller's latest, where that is no older than a month; else the one that the call makes. A
/// hidden number makes none: nobody could be called back.
async fn about(app: &App, site: &Site, body: &CallBody, answer: &Answer, at: i64) -> Result<About, Problem> {
    let visitor = call::caller(&answer.candidates).cloned();
    let recent = |lead: &Lead| (lead.created_at - at).abs() <= SAME_LEAD_MS;
    let known = leads_of(app, site, body.from.as_deref()).await?.into_iter().find(recent);
    if let Some(lead) = known {
        return Ok(About::known(Some(lead.id)));
    }
    let Some(from) = &body.from else {
        let Some(visitor) = visitor else { return Ok(About::default()) };
        let mut own = app.store.leads_of(site.number, vec![Subject::Visitor(visitor)]).await?;
        own.retain(recent);
        own.sort_by_key(|lead| lead.created_at);
        return Ok(About::known(own.pop().map(|lead| lead.id)));
    };
    let came = if visitor.is_some() { None } else { answer.touch.clone() };
    let lead = LeadBody {
        phone: Some(from.clone()),
        inferred: visitor.is_some(),
        visitor: visitor.map(|visitor| visitor.to_string()),
        at: Some(json!(at)),
        came,
        ..LeadBody::of(LeadKind::Call, format!("call:{}", body.external_id))
    };
    let (lead, ready) = lead.ready(app, site, app.clock.now()).await?;
    Ok(About { lead: Some(lead), made: Some(ready) })
}
