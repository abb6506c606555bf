//! What servers and the contact centre tell about leads: attempts, sales, moves, marks, what is known, what happened
//! elsewhere. Under a lead's path, or by `match` for those who do not know its id.
//!
//! - [`attempts`], [`sales`], [`stages`]: each under both
//! - [`marks`]: test, spam, internal; and what is known
//! - [`activities`]: what happened elsewhere, and `props` of it

pub mod activities;
pub mod attempts;
pub mod marks;
pub mod props;
pub mod sales;
pub mod stages;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    auth::Caller,
    costs,
    lead_match::{self, MatchBody},
    query::Query,
    shapes::LeadView,
};
use crate::{
    app::App,
    domain::{
        fact::{Entry, Position},
        id::LeadId,
        record::Record,
        standing::Lead,
        token::Permission,
    },
    error::Problem,
    project::directory::Site,
    store::{Append, Claim, Seal, Verdict},
};

/// Beyond this an amount is a mistake.
const LARGEST: u64 = 1_000_000_000_000;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It is new.
    Created,
    /// It says otherwise than the one before with its external id.
    Amended,
    /// It was there, just so.
    Repeated,
}

impl Became {
    /// The HTTP status that tells it.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Created => StatusCode::CREATED,
            Self::Amended | Self::Repeated => StatusCode::OK,
        }
    }
}

/// A record that is fit to be appended.
pub struct Ready {
    /// What is told.
    pub entry: Entry,
    /// What is personal about it.
    pub seals: Vec<Seal>,
    /// What must be the same for it to be the same, where it has an external id.
    pub content: Option<Value>,
}

impl Ready {
    /// The sender's own id of it.
    #[must_use]
    pub fn external_id(&self) -> Option<String> {
        match &self.entry {
            Entry::Cost(cost) => Some(cost.key()),
            entry => named(entry).map(|(_, external_id)| external_id.to_owned()),
        }
    }

    /// What it claims, where it has an id of the sender's.
    fn claim(&self, app: &App, site: &Site) -> Option<Claim> {
        if let Entry::Cost(cost) = &self.entry {
            return Some(costs::claim(cost));
        }
        let ((kind, external_id), content) = (named(&self.entry)?, self.content.as_ref()?);
        let content = app.vault.digest(site.number, content.to_string().as_bytes());
        Some(Claim { kind, external_id: external_id.to_owned(), content })
    }
}

/// What was told last under a sender's own id of this kind of record.
///
/// # Errors
/// What the store says.
pub async fn told_before(
    app: &App,
    site: &Site,
    kind: &'static str,
    external_id: &str,
) -> Result<Option<Arc<Entry>>, Problem> {
    let Some((position, _)) = app.store.claimed(site.number, kind, external_id).await? else {
        return Ok(None);
    };
    let stored = app.store.entries(site.number, vec![position]).await?.pop();
    Ok(stored.map(|stored| stored.entry))
}

/// A record's kind, and the sender's own id of it. A call or message that is about no lead has both, too: it is one however often
/// it is told.
fn named(entry: &Entry) -> Option<(&'static str, &str)> {
    match entry {
        Entry::Call(call) => Some(("call", &call.external_id)),
        Entry::Message(message) => Some(("message", &message.external_id)),
        entry => Record::of(entry).and_then(|record| Some((record.kind(), record.external_id()?))),
    }
}

/// What would become of a record.
///
/// # Errors
/// 409 where its external id is of another lead's record; what the store says.
pub async fn preview(app: &App, site: &Site, ready: &Ready) -> Result<Became, Problem> {
    let Some(claim) = ready.claim(app, site) else { return Ok(Became::Created) };
    let known = app.store.claimed(site.number, claim.kind, &claim.external_id).await?;
    let Some((_, content)) = known else { return Ok(Became::Created) };
    if content == claim.content {
        return Ok(Became::Repeated);
    }
    if let Some(record) = Record::of(&ready.entry) {
        let told = lead_match::told_as(app, site, claim.kind, &claim.external_id).await?;
        if told.is_some_and(|told| told != *record.lead()) {
            return Err(Problem::conflict("Another lead has a record with this external_id."));
        }
    }
    Ok(Became::Amended)
}

/// The lead that a call or a message is about.
#[derive(Default)]
pub struct About {
    /// Which; `None` where nobody could be called back or answered.
    pub lead: Option<LeadId>,
    /// The lead itself, where there is none yet: it becomes one with what makes it.
    pub made: Option<Ready>,
}

impl About {
    /// A lead that is there, or nobody.
    pub fn known(lead: Option<LeadId>) -> Self {
        Self { lead, made: None }
    }
}

/// Appends a record. It takes effect a moment later: the answer has its position, where it is new.
///
/// # Errors
/// As [`preview`].
pub async fn append_unseen(
    app: &App,
    site: &Site,
    ready: Ready,
) -> Result<(Became, Option<Position>), Problem> {
    append_after(app, site, None, ready).await
}

/// Appends a record, after the lead that it makes and in the same commit: no crash leaves one without the other.
async fn append_after(
    app: &App,
    site: &Site,
    made: Option<Ready>,
    ready: Ready,
) -> Result<(Became, Option<Position>), Problem> {
    let became = preview(app, site, &ready).await?;
    let to_append = |ready: Ready| {
        let claim = ready.claim(app, site);
        let Ready { entry, seals, .. } = ready;
        Append { seals, claim, ..Append::of(site.number, entry) }
    };
    let first = match made {
        Some(made) => {
            preview(app, site, &made).await?;
            Some(Box::new(to_append(made)))
        }
        None => None,
    };
    let appended = app.store.append(Append { first, ..to_append(ready) }).await?;
    match appended.verdicts.first() {
        Some(Verdict::Stored(position)) => Ok((became, Some(*position))),
        _ => Ok((Became::Repeated, None)),
    }
}

/// Appends a record, and waits until it took effect.
///
/// # Errors
/// As [`preview`].
pub async fn append(app: &App, site: &Site, ready: Ready) -> Result<Became, Problem> {
    append_with(app, site, None, ready).await
}

/// The same, with the lead that it makes.
///
/// # Errors
/// As [`preview`].
pub async fn append_with(
    app: &App,
    site: &Site,
    made: Option<Ready>,
    ready: Ready,
) -> Result<Became, Problem> {
    let (became, position) = append_after(app, site, made, ready).await?;
    if let Some(position) = position {
        app.progress.wait(site.number, position).await;
    }
    Ok(became)
}

/// What a writer is told who may read nothing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Told)]
pub struct ToldView {
    lead: String,
}

/// The answer: the lead as it then stands, or its id alone.
async fn answer(
    app: &App,
    caller: &Caller,
    site: &Site,
    request: &HttpRequest,
    lead: &Lead,
    became: Became,
) -> Result<HttpResponse, Problem> {
    let mut response = HttpResponse::build(became.status());
    if !caller.role.allows(Permission::ReadLead) {
        return Ok(response.json(ToldView { lead: lead.id.to_string() }));
    }
    let lead = lead_match::find(app, caller, site, lead.id.as_str()).await?;
    let query = Query::of(request, app.clock.now());
    Ok(response.json(query.render(&LeadView::of(app, site, caller, lead).await?)?))
}

/// What a record's time is told by: one that has none of its own is the same whenever it is said again.
fn told_at(at: Option<&Value>, read: i64) -> Option<i64> {
    at.filter(|at| !at.is_null()).map(|_| read)
}

/// Which lead a request is about, and who asks.
enum Which {
    /// The one that the path names.
    Path(String),
    /// The one that the body's `match` finds.
    Match,
}

impl Which {
    fn site(
        &self,
        app: &App,
        caller: &Caller,
        slug: &str,
        permission: Permission,
    ) -> Result<Arc<Site>, Problem> {
        if let Self::Match = self {
            caller.may(slug, Permission::Match)?;
        }
        caller.site(app, slug, permission)
    }

    async fn lead(
        &self,
        app: &App,
        caller: &Caller,
        site: &Site,
        matching: Option<&MatchBody>,
    ) -> Result<Lead, Problem> {
        match (self, matching) {
            (Self::Path(id), _) => lead_match::find(app, caller, site, id).await,
            (Self::Match, Some(matching)) => matching.find(app, caller, site).await,
            (Self::Match, None) => {
                Err(Problem::invalid_at("/match", "must say which lead: by external_id, ref, phone or email"))
            }
        }
    }
}
