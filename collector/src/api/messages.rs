//! `POST messages`: somebody wrote in a chat, and it is told at once whose journey that goes on.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    chat_refs, check, json,
    leads_in::LeadBody,
    problem,
    query::Query,
    records::{self, About, Became, Ready},
};
use crate::{
    app::App,
    domain::{
        chat::{self, Ad, ChatApp, Found, Message, Unjoined},
        event::{Flag, IdentifierKind, Personal},
        fact::{Entry, Subject},
        id::LeadId,
        standing::Lead,
        token::Permission,
    },
    error::Problem,
    ingest::enrich::{self, Given},
    project::directory::Site,
    store::Seal,
    vault::{PersonalData, contact},
};

/// Whoever writes within this long after their lead was left, or after the last of it, in ms, writes about the same.
const SAME_LEAD_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Leads of a sender that are looked at.
const MOST: usize = 50;
/// Bytes of a text that are kept.
const TEXT: usize = 4_096;

/// A message.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = MessageIn)]
pub struct MessageBody {
    /// whatsapp, messenger, telegram, viber, signal, line, chat or other.
    #[schema(value_type = String)]
    pub app: ChatApp,
    /// Who wrote: a telephone number where people are known by it, an e-mail address, or the account's id.
    #[serde(default)]
    pub from: Option<String>,
    /// How they sign.
    #[serde(default)]
    pub name: Option<String>,
    /// Their telephone number, where they gave one beside.
    #[serde(default)]
    pub phone: Option<String>,
    /// Their e-mail address, where they gave one beside.
    #[serde(default)]
    pub email: Option<String>,
    /// What they wrote. A reference in it is found, such as `(ref: 7K3QX9)`.
    #[serde(default)]
    pub text: Option<String>,
    /// The reference by itself.
    #[serde(default)]
    pub chat_ref: Option<String>,
    /// Meta's id of the click on an ad that the conversation was begun from.
    #[serde(default)]
    pub ctwa_clid: Option<String>,
    /// When it was written; now, unless told. Milliseconds or RFC 3339.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub at: Option<Value>,
    /// The provider's own id of it: told again, it says more about the same one.
    pub external_id: String,
    /// Which lead it is about, where that is known.
    #[serde(skip)]
    pub lead: Option<LeadId>,
    /// The site's own id of whoever wrote.
    #[serde(skip)]
    pub user_id: Option<String>,
    /// The ad that the conversation was begun from, where the provider tells more of it.
    #[serde(skip)]
    pub came: Option<Box<Ad>>,
}

impl MessageBody {
    /// A message of whom nothing is told yet.
    #[must_use]
    pub fn of(app: ChatApp, external_id: String) -> Self {
        Self {
            app,
            external_id,
            from: None,
            name: None,
            phone: None,
            email: None,
            text: None,
            chat_ref: None,
            ctwa_clid: None,
            at: None,
            lead: None,
            user_id: None,
            came: None,
        }
    }
}

/// Where a message came from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageView {
    /// The message's id.
    message: String,
    /// Which lead it is about; null where nobody could be answered.
    lead: Option<String>,
    /// Whose browser showed its reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor: Option<String>,
    /// Why it leads to nobody's journey by itself: no_ref, unknown_ref, expired_ref, used_ref, ambiguous.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reason: Option<Unjoined>,
}

impl From<&Message> for MessageView {
    fn from(message: &Message) -> Self {
        Self {
            message: id(&message.external_id),
            lead: message.lead.as_ref().map(ToString::to_string),
            visitor: message.answer.visitor.as_ref().map(ToString::to_string),
            reason: message.answer.reason,
        }
    }
}

/// A message's id, derived from the provider's.
fn id(external_id: &str) -> String {
    let digest = format!("{:x}", Sha256::digest(format!("message\0{external_id}")));
    format!("m_{}", digest.get(..32).unwrap_or_default())
}

/// Tells of a message that somebody sent to the site. The first one of a conversation makes a lead, further ones are about that;
/// a reference in it leads to what they read before.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/messages", tag = "messages",
    params(("site" = String, Path)),
    request_body(
        content = MessageBody,
        example = json!({
            "app": "whatsapp", "from": "34600000000", "name": "Ana", "text": "Hola, quiero información (ref: 7K3QX9)",
            "at": 1795310400000i64, "external_id": "wamid.HBgL",
        }),
    ),
    responses(
        (status = 201, description = "A message", body = MessageView,
         example = json!({"message": "m_5c1", "lead": "l_7e2", "visitor": "0193f6e2-8f5e-7cc1-b1ff-0242ac120002"})),
        (status = 200, description = "More about one, or the same again", body = MessageView),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body), (status = 404, body = problem::Body),
        (status = 409, description = "The external_id is of a message in another application", body = problem::Body),
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
    let body: MessageBody = json::read(&request, payload).await?;
    check::short("/external_id", &body.external_id, 120)?;
    let (message, became) = record(&app, &site, body).await?;
    let query = Query::of(&request, app.clock.now());
    Ok(HttpResponse::build(became.status()).json(query.render(&MessageView::from(&message))?))
}

/// Checks and appends a message, and says where it came from.
///
/// # Errors
/// 400, pointing at what is wrong; what the store says.
pub async fn record(app: &App, site: &Site, body: MessageBody) -> Result<(Message, Became), Problem> {
    let now = app.clock.now();
    check::short_if_any("/from", body.from.as_deref(), 128)?;
    check::short_if_any("/ctwa_clid", body.ctwa_clid.as_deref(), 512)?;
    let told_at = check::moment("/at", body.at.as_ref(), now)?;
    let text = body.text.as_deref().and_then(|text| plain(text, TEXT));
    let references = match body.chat_ref.as_deref() {
        None => text.as_deref().map(chat::references_in).unwrap_or_default(),
        Some(given) => vec![
            chat::canonical(given)
                .ok_or_else(|| Problem::invalid_at("/chat_ref", "must be a reference such as 7K3QX9"))?,
        ],
    };
    let sender = Sender::of(site, &body);
    let _turn = app.turns.of(site.number, sender.key().as_deref(), &references).await;
    let before = told_before(app, site, &body.external_id).await?;
    if before.as_ref().is_some_and(|before| before.app != body.app) {
        return Err(Problem::conflict("A message in another application has this external_id."));
    }
    // It was written once, whenever more of it is told.
    let at = before.as_ref().map_or(told_at, |before| before.at);
    let content = json!([
        body.app,
        body.from,
        body.name,
        body.phone,
        body.email,
        text,
        body.chat_ref,
        body.ctwa_clid,
        at
    ]);
    let (answer, chat_ref, About { lead, made }) = match &before {
        Some(before) => (before.answer.clone(), before.chat_ref.clone(), About::known(before.lead.clone())),
        None => {
            let own = sender.leads(app, site).await?;
            let (chat_ref, found) = chat_refs::find(app, site, &references, at, &own).await?;
            let by_click =
                body.ctwa_clid.clone().map(|id| Ad { click_id: Some(id), ad: None, medium: "whatsapp" });
            let ad = body.came.as_deref().cloned().or(by_click);
            let answer = Found { touch: ad.map(|ad| Box::new(ad.touch(at))), ..found };
            let about = match &body.lead {
                Some(lead) => About::known(Some(lead.clone())),
                None => about(app, site, &body, &sender, &own, &answer, at).await?,
            };
            (answer, chat_ref, about)
        }
    };
    let mut seals = Vec::new();
    let mut personal = before.as_ref().map(|before| before.personal.clone()).unwrap_or_default();
    if personal.vault.is_none() && !sender.is_nobody() {
        seals.push(sender.seal(app, site, &body, &mut personal)?);
    }
    let mut note = before.as_ref().and_then(|before| before.note);
    if text.is_some() {
        let data = PersonalData { reason: text, ..PersonalData::default() };
        let (reference, sealed) = app.vault.seal(site.number, &data)?;
        seals.push(Seal { event: 0, reference, sealed, lookups: Vec::new() });
        note = Some(reference);
    }
    let message = Message {
        lead,
        app: body.app,
        at,
        received_at: now,
        personal,
        note,
        chat_ref,
        external_id: body.external_id,
        answer,
    };
    let ready = Ready { entry: Entry::Message(message.clone()), seals, content: Some(content) };
    let became = records::append_with(app, site, made, ready).await?;
    Ok((message, became))
}

/// A text without control characters but line breaks, cut; absent where nothing is left.
fn plain(text: &str, most: usize) -> Option<String> {
    let mut text: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    text.truncate(text.floor_char_boundary(most));
    (!text.trim().is_empty()).then_some(text)
}

/// The message as it was told of last.
async fn told_before(app: &App, site: &Site, external_id: &str) -> Result<Option<Message>, Problem> {
    let told = records::told_before(app, site, "message", external_id).await?;
    Ok(match told.as_deref() {
        Some(Entry::Message(message)) => Some(message.clone()),
        _ => None,
    })
}

/// Who wrote, as far as they are known.
#[derive(Default)]
struct Sender {
    /// As it was given.
    phone: Option<String>,
    /// As it was given.
    email: Option<String>,
    /// With the application before it.
    chat: Option<String>,
    user_id: Option<String>,
    /// By what a lead of theirs is found.
    known_by: Vec<(IdentifierKind, String)>,
}

impl Sender {
    fn of(site: &Site, body: &MessageBody) -> Self {
        let region = &site.config.default_region;
        let typed = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let read = |raw: &str| match body.app {
            ChatApp::Whatsapp => contact::whatsapp(raw, region),
            _ => contact::phone(raw, region),
        };
        let mut sender = Self {
            phone: typed(&body.phone),
            email: typed(&body.email),
            user_id: typed(&body.user_id),
            ..Self::default()
        };
        if let Some(from) = typed(&body.from) {
            let from = from.trim();
            let may_be_phone = body.app.goes_by_phone() || from.starts_with('+');
            if may_be_phone && read(from).is_some() {
                sender.phone.get_or_insert_with(|| from.to_owned());
            } else if contact::email(from).is_some() {
                sender.email.get_or_insert_with(|| from.to_owned());
            } else {
                sender.chat = Some(format!("{}:{from}", body.app.as_str()));
            }
        }
        let known = [
            (IdentifierKind::Phone, sender.phone.as_deref().and_then(read)),
            (IdentifierKind::Chat, sender.chat.clone()),
            (IdentifierKind::Email, sender.email.as_deref().and_then(contact::email)),
            (IdentifierKind::UserId, sender.user_id.clone()),
        ];
        sender.known_by = known.into_iter().filter_map(|(kind, value)| Some((kind, value?))).collect();
        sender
    }

    fn is_nobody(&self) -> bool {
        self.phone.is_none() && self.email.is_none() && self.chat.is_none() && self.user_id.is_none()
    }

    /// What tells them from others.
    fn key(&self) -> Option<String> {
        self.known_by.first().map(|(_, value)| value.clone())
    }

    /// Their leads, newest first.
    async fn leads(&self, app: &App, site: &Site) -> Result<Vec<Lead>, Problem> {
        let mut leads: Vec<Lead> = Vec::new();
        for (kind, value) in &self.known_by {
            let hash = enrich::lookup(&app.vault, site.number, *kind, value);
            leads.extend(app.store.leads_with(site.number, hash, MOST).await?);
        }
        leads.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        leads.dedup_by(|b, a| a.id == b.id);
        Ok(leads)
    }

    fn seal(
        &self,
        app: &App,
        site: &Site,
        body: &MessageBody,
        personal: &mut Personal,
    ) -> Result<Seal, Problem> {
        let given = Given {
            name: body.name.as_deref().and_then(|name| plain(name, wire::limits::LEAD_VALUE)),
            email: self.email.clone(),
            phone: self.phone.clone(),
            user_id: self.user_id.clone(),
            chat: self.chat.clone(),
            whatsapp: body.app == ChatApp::Whatsapp,
            ..Given::default()
        };
        let flags = &mut Vec::<Flag>::new();
        Ok(given.seal(&app.vault, (site.number, &site.config), 0, personal, flags)?)
    }
}

/// Which lead a message is about: the sender's latest, where something about it is no older than a month; else the one that the
/// message makes. Of whom nothing is known it is the lead of whoever was shown the reference, or none: nobody could be answered.
async fn about(
    app: &App,
    site: &Site,
    body: &MessageBody,
    sender: &Sender,
    own: &[Lead],
    answer: &Found,
    at: i64,
) -> Result<About, Problem> {
    let is_near = |moment: i64| (moment - at).abs() <= SAME_LEAD_MS;
    let is_recent = |lead: &&Lead| is_near(lead.created_at) || is_near(lead.updated_at);
    if let Some(lead) = own.iter().find(is_recent) {
        return Ok(About::known(Some(lead.id.clone())));
    }
    if sender.is_nobody() {
        let Some(visitor) = &answer.visitor else { return Ok(About::default()) };
        let mut theirs = app.store.leads_of(site.number, vec![Subject::Visitor(visitor.clone())]).await?;
        theirs.sort_by_key(|lead| lead.created_at);
        return Ok(About::known(theirs.iter().rev().find(is_recent).map(|lead| lead.id.clone())));
    }
    let lead = LeadBody {
        name: body.name.clone(),
        phone: sender.phone.clone(),
        email: sender.email.clone(),
        chat: sender.chat.clone(),
        at: Some(json!(at)),
        came: answer.touch.clone(),
        ..LeadBody::of(body.app.lead_kind(), format!("message:{}", body.external_id))
    };
    let (lead, ready) = lead.ready(app, site, app.clock.now()).await?;
    Ok(About { lead: Some(lead), made: Some(ready) })
}
