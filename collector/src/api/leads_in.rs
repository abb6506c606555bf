//! `POST leads`: a server tells of a lead, or more about one that a page told of.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use wire::limits;

use super::{
    auth::Caller,
    check, json,
    messages::{self, MessageBody},
    problem,
    records::{Became, Ready, append, append_unseen},
};
use crate::{
    app::App,
    domain::{
        chat::{self, ChatApp, Unjoined},
        event::{Consent, Flag, LeadKind, Personal},
        fact::Entry,
        id::{Id, LeadId},
        record::{LeadIn, Record},
        token::Permission,
        touch::Touch,
    },
    error::{FieldError, Problem},
    ingest::enrich::{Given, known_purposes},
    project::directory::Site,
};

/// What a lead agreed to.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = ConsentIn)]
#[serde(default)]
pub struct ConsentBody {
    /// The version of the text that was shown.
    text_version: Option<String>,
    /// contact, marketing, ads, email_tracking.
    purposes: Vec<String>,
}

/// A lead, as a server tells of it.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = LeadIn)]
pub struct LeadBody {
    /// form, callback, call, whatsapp, messenger, chat, email, import or platform_form.
    #[schema(value_type = String)]
    pub kind: LeadKind,
    /// How the person signs.
    #[serde(default)]
    pub name: Option<String>,
    /// An unusable one is kept as it came, and flagged.
    #[serde(default)]
    pub email: Option<String>,
    /// With a country code, or as people of the site's region write it. Of kind whatsapp: as WhatsApp has it.
    #[serde(default)]
    pub phone: Option<String>,
    /// The site's own id of the person.
    #[serde(default)]
    pub user_id: Option<String>,
    /// Whose browser it came from.
    #[serde(default)]
    pub visitor: Option<String>,
    /// The reference that the form carried: then it is the lead that the page told of, or will.
    #[serde(default, rename = "ref")]
    pub reference: Option<String>,
    /// When it came to be; now, unless told. Milliseconds or RFC 3339.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub at: Option<Value>,
    /// The reference that whoever wrote or called gave, such as 7K3QX9: it leads to what they read before.
    #[serde(default)]
    pub chat_ref: Option<String>,
    /// Further fields; the site's `lead_fields` are kept.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Whoever writes or calls asks to be answered; an imported list asks for nothing.
    #[serde(default)]
    pub consent: Option<ConsentBody>,
    /// `test`, where somebody tries it out.
    #[serde(default)]
    pub flag: Option<String>,
    /// The sender's own id of it: the same content again is a duplicate, other content an amendment.
    pub external_id: String,
    /// Their account in a chat application, which is named before it.
    #[serde(skip)]
    pub chat: Option<String>,
    /// Whether a platform says that there is one, and not who: that is asked for.
    #[serde(skip)]
    pub pending: bool,
    /// Whether it is a lead though it says no way of contact: the platform's form asked for none.
    #[serde(skip)]
    pub contactless: bool,
    /// Whether the visitor was told by a number that was shown in their browser.
    #[serde(skip)]
    pub inferred: bool,
    /// The arrival that it was itself; nobody tells it, a call's number does.
    #[serde(skip)]
    pub came: Option<Box<Touch>>,
}

/// A lead that was told of.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeadMade)]
pub struct MadeView {
    lead: String,
    /// Whose browser showed its `chat_ref`.
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor: Option<String>,
    /// Why its `chat_ref` leads to nobody's journey: unknown_ref, expired_ref, used_ref, ambiguous.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reason: Option<Unjoined>,
}

/// A text without control characters and surrounding space, cut; absent where nothing is left.
fn clean(text: Option<String>, most: usize) -> Option<String> {
    let mut text = text?;
    text.retain(|letter| !letter.is_control());
    text.truncate(text.floor_char_boundary(most));
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

impl LeadBody {
    /// A lead of whom nothing is told yet.
    #[must_use]
    pub fn of(kind: LeadKind, external_id: String) -> Self {
        Self {
            kind,
            external_id,
            name: None,
            email: None,
            phone: None,
            user_id: None,
            visitor: None,
            reference: None,
            at: None,
            chat_ref: None,
            chat: None,
            pending: false,
            contactless: false,
            fields: BTreeMap::new(),
            consent: None,
            flag: None,
            inferred: false,
            came: None,
        }
    }

    /// Checks it, and says whether its external id is known.
    ///
    /// # Errors
    /// 400, pointing at what is wrong; 409 where its `ref` is another lead's than its external id.
    pub async fn ready(mut self, app: &App, site: &Site, now: i64) -> Result<(LeadId, Ready), Problem> {
        check::short("/external_id", &self.external_id, 128)?;
        let at = check::moment("/at", self.at.as_ref(), now)?;
        let told_at = self.at.as_ref().filter(|at| !at.is_null()).map(|_| at);
        let visitor = match &self.visitor {
            None => None,
            Some(visitor) => Some(Id::parse(visitor).ok_or_else(|| {
                Problem::invalid_at("/visitor", "must be 1 to 64 characters of A-Z a-z 0-9 _ -")
            })?),
        };
        if self.reference.as_deref().is_some_and(|reference| !wire::id::is_valid(reference)) {
            return Err(Problem::invalid_at("/ref", "must be 1 to 64 characters of A-Z a-z 0-9 _ -"));
        }
        let mut flags = match self.flag.as_deref() {
            None => Vec::new(),
            Some("test") => vec![Flag::Test],
            Some(_) => return Err(Problem::invalid_at("/flag", "must be test, or absent")),
        };
        flags.extend(self.pending.then_some(Flag::DetailsPending));
        for slot in [&mut self.name, &mut self.email, &mut self.phone, &mut self.user_id] {
            *slot = clean(slot.take(), limits::LEAD_VALUE);
        }
        let is_reachable = [&self.email, &self.phone, &self.user_id, &self.reference, &self.chat]
            .iter()
            .any(|way| way.is_some());
        if !is_reachable && !self.pending && !self.contactless {
            return Err(no_contact());
        }
        let mut fields = BTreeMap::new();
        for (name, value) in std::mem::take(&mut self.fields) {
            let kept = site.config.lead_fields.contains(&name);
            if let Some(value) = clean(Some(value), limits::LEAD_VALUE).filter(|_| kept) {
                fields.insert(name, value);
            }
        }
        let consent = self.consent()?;
        let mut content = json!([
            self.kind,
            self.name,
            self.email,
            self.phone,
            self.user_id,
            self.visitor,
            self.reference,
            told_at,
            fields,
            consent,
            self.flag
        ]);
        // What a lead without one is told by stays as it was.
        if let (Some(chat_ref), Some(content)) = (&self.chat_ref, content.as_array_mut()) {
            content.push(json!(chat_ref));
        }
        let (lead, event) = self.lead(app, site).await?;
        let given = Given {
            name: self.name,
            email: self.email,
            phone: self.phone,
            user_id: self.user_id,
            chat: self.chat,
            fields,
            whatsapp: self.kind == LeadKind::Whatsapp,
        };
        let mut personal = Personal::default();
        let seal = given.seal(&app.vault, (site.number, &site.config), 0, &mut personal, &mut flags)?;
        let entry = Entry::Lead(LeadIn {
            lead: lead.clone(),
            kind: self.kind,
            at,
            received_at: now,
            external_id: self.external_id,
            visitor,
            inferred: self.inferred,
            came: self.came,
            event,
            personal,
            consent,
            flags,
        });
        Ok((lead, Ready { entry, seals: vec![seal], content: Some(content) }))
    }

    /// What was agreed to. Whoever writes or calls asks to be answered; a list that is imported asks for nothing.
    fn consent(&mut self) -> Result<Option<Consent>, Problem> {
        let given = self.consent.take();
        let mut consent = Consent::default();
        if let Some(given) = given {
            check::short_if_any("/consent/text_version", given.text_version.as_deref(), limits::NAME)?;
            (consent.text_version, consent.purposes) = (given.text_version, given.purposes);
        } else if self.kind == LeadKind::Import {
            return Ok(None);
        }
        if self.kind != LeadKind::Import {
            consent.purposes.push("contact".to_owned());
        }
        known_purposes(&mut consent.purposes);
        Ok(Some(consent))
    }

    /// Which lead it is, and the page's event that that one is born of. An external id stays with the lead that it named
    /// first.
    async fn lead(&self, app: &App, site: &Site) -> Result<(LeadId, Option<String>), Problem> {
        let by_reference = self.reference.as_deref().map(LeadId::of_event);
        let known = match app.store.claimed(site.number, "lead", &self.external_id).await? {
            Some((position, _)) => app.store.entries(site.number, vec![position]).await?.pop(),
            None => None,
        };
        if let Some(stored) = known
            && let Some(Record::Lead(before)) = Record::of(&stored.entry)
        {
            if by_reference.is_some_and(|lead| lead != before.lead) {
                return Err(Problem::conflict(
                    "Its external_id is known, and is of another lead than its ref.",
                ));
            }
            let event = self.reference.clone().or_else(|| before.event.clone());
            return Ok((before.lead.clone(), event));
        }
        let by_id = || LeadId::of_record("lead", &self.external_id);
        Ok((by_reference.unwrap_or_else(by_id), self.reference.clone()))
    }
}

fn no_contact() -> Problem {
    let mut problem = Problem::invalid(
        "A lead is someone who can be contacted: say an email, a phone or a user_id, or the ref of a form that had one.",
    );
    problem.errors = ["/email", "/phone", "/user_id"]
        .map(|pointer| FieldError {
            pointer: pointer.to_owned(),
            detail: "one of these must be given".to_owned(),
        })
        .to_vec();
    problem
}

/// Tells of a lead. What cannot be used of it is kept as it came, and flagged: no lead is dropped.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/leads", tag = "leads",
    params(("site" = String, Path)),
    request_body = LeadBody,
    responses(
        (status = 201, description = "A lead, or more about one", body = MadeView),
        (status = 200, description = "The same told again, or amended", body = MadeView),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body), (status = 404, body = problem::Body),
        (status = 409, description = "The external_id is of another lead than the ref", body = problem::Body),
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
    let body: LeadBody = json::read(&request, payload).await?;
    let (view, became) = record(&app, &site, body).await?;
    Ok(HttpResponse::build(became.status()).json(view))
}

/// Checks and appends a lead that was told of.
///
/// # Errors
/// As [`LeadBody::ready`] and [`append`].
pub async fn record(app: &App, site: &Site, body: LeadBody) -> Result<(MadeView, Became), Problem> {
    let wrote = wrote(&body)?;
    let (lead, ready) = body.ready(app, site, app.clock.now()).await?;
    let mut view = MadeView { lead: lead.to_string(), visitor: None, reason: None };
    let became = append(app, site, ready).await?;
    if let Some(wrote) = wrote {
        let (message, _) = messages::record(app, site, MessageBody { lead: Some(lead), ..wrote }).await?;
        view.visitor = message.answer.visitor.as_ref().map(ToString::to_string);
        view.reason = message.answer.reason;
    }
    Ok((view, became))
}

/// Checks and appends a lead that was told of; it takes effect a moment later.
///
/// # Errors
/// As [`record`].
pub async fn record_unseen(app: &App, site: &Site, body: LeadBody) -> Result<Became, Problem> {
    let (_, ready) = body.ready(app, site, app.clock.now()).await?;
    Ok(append_unseen(app, site, ready).await?.0)
}

/// That whoever the lead is wrote or said a reference, where they did.
fn wrote(body: &LeadBody) -> Result<Option<MessageBody>, Problem> {
    let Some(chat_ref) = body.chat_ref.as_deref() else { return Ok(None) };
    if chat::canonical(chat_ref).is_none() {
        return Err(Problem::invalid_at("/chat_ref", "must be a reference such as 7K3QX9"));
    }
    Ok(Some(MessageBody {
        chat_ref: Some(chat_ref.to_owned()),
        name: body.name.clone(),
        phone: body.phone.clone(),
        email: body.email.clone(),
        user_id: body.user_id.clone(),
        at: body.at.clone(),
        ..MessageBody::of(ChatApp::of_lead(body.kind), format!("lead:{}", body.external_id))
    }))
}
