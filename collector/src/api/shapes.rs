//! Leads, touches and journey items as the API shows them.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    do_not_call,
    score::{self, PartView},
    sla::SlaView,
    standing::{self, AttemptsView, SalesView, StayView},
};
use crate::{
    app::App,
    domain::{
        bot,
        channel::Channel,
        device::{self, Device},
        event::{Detail, Prop},
        fact::SiteNumber,
        id::LeadId,
        journey::{Item, What},
        standing::Lead,
        touch::Touch,
    },
    error::Problem,
    project::directory::Site,
    vault::PersonalData,
};

/// An arrival with a source.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Touch)]
pub struct TouchView {
    at: i64,
    /// The grouping rules' answer: paid_search, organic_search, …, direct, unknown.
    channel: &'static str,
    source: Option<String>,
    medium: Option<String>,
    campaign: Option<String>,
    campaign_id: Option<String>,
    adset: Option<String>,
    ad: Option<String>,
    content: Option<String>,
    term: Option<String>,
    click_ids: BTreeMap<String, String>,
    landing: Option<String>,
    referrer: Option<String>,
    /// Why something is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<Touch> for TouchView {
    fn from(touch: Touch) -> Self {
        Self {
            at: touch.at,
            channel: Channel::as_str(touch.channel),
            source: touch.source,
            medium: touch.medium,
            campaign: touch.campaign,
            campaign_id: touch.campaign_id,
            adset: touch.adset,
            ad: touch.ad,
            content: touch.content,
            term: touch.term,
            click_ids: touch.click_ids,
            landing: touch.landing,
            referrer: touch.referrer,
            reason: touch.reason,
        }
    }
}

/// Where a lead came from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Origin)]
pub struct OriginView {
    first: TouchView,
    last: TouchView,
    last_non_direct: TouchView,
}

/// How a lead can be reached. Absent for roles that may not know.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contact)]
pub struct ContactView {
    name: Option<String>,
    email: Option<String>,
    /// E.164, where the number is usable.
    phone: Option<String>,
    /// As typed.
    phone_raw: Option<String>,
    /// The account in a chat application, which is named before it, where they wrote from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<String, String>,
}

/// What a lead agreed to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Consent)]
pub struct ConsentView {
    /// Of the text that the form showed.
    text_version: Option<String>,
    /// What it may be used for by now.
    purposes: Vec<String>,
    /// What was taken back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    withdrawn: Vec<String>,
    /// When the last word on any of it was said, ms.
    at: i64,
    /// How long ago that is, in whole days.
    age_days: i64,
    /// The id of the page view that the form was sent from.
    page: Option<String>,
}

impl ConsentView {
    fn of(lead: &Lead, now: i64) -> Option<Self> {
        let purposes = lead.purposes();
        let at = purposes.values().map(|choice| choice.at).max()?;
        let of = |granted: bool| {
            let chosen = purposes.iter().filter(move |(_, choice)| choice.granted == granted);
            chosen.map(|(purpose, _)| purpose.clone()).collect()
        };
        // An event's id is its page view's with a number, unless it is the sender's own.
        let page = lead
            .event
            .rsplit_once('-')
            .filter(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()));
        Some(Self {
            text_version: lead.consent.as_ref().and_then(|consent| consent.text_version.clone()),
            purposes: of(true),
            withdrawn: of(false),
            at,
            age_days: (now - at).max(0) / 86_400_000,
            page: page.map(|(page, _)| page.to_owned()),
        })
    }
}

/// Someone who left a way to be contacted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lead)]
pub struct LeadView {
    id: String,
    /// form, callback, …
    kind: Value,
    created_at: i64,
    updated_at: i64,
    stage: String,
    /// When it came to stand in its stage.
    entered_at: i64,
    /// Null where the site scores nothing.
    score: Option<i64>,
    /// What it is made of: their sum is the score.
    score_parts: Vec<PartView>,
    /// Which set of the site's rules it is told by.
    scoring_version: u32,
    origin: OriginView,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<ContactView>,
    consent: Option<ConsentView>,
    /// The number is on the list of those not to be called. Absent where it is not, and for roles that may not know the number.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub do_not_call: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    magnet: Option<String>,
    visitors: Vec<String>,
    /// Whoever the active evidence says it is; named after the smallest of the ids that are them.
    person: String,
    /// The lead of the same person that asked for the same within half an hour before.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_of: Option<String>,
    /// Whether the page saw the form succeed, or a server knows the lead.
    confirmed: bool,
    flags: Vec<Value>,
    /// A server's own id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    attempts: AttemptsView,
    sla: SlaView,
    sales: SalesView,
    /// The stages it stood in, in order; the last is the one it stands in.
    stays: Vec<StayView>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    /// What keeps it from buying.
    #[serde(skip_serializing_if = "Option::is_none")]
    objection: Option<String>,
    /// What it is expected to bring, in minor units of the site's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<i64>,
    /// How well it fits, by names of the site's own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    fit: BTreeMap<String, Prop>,
    /// Fields of the CRM. Absent for roles that may not know.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    crm: BTreeMap<String, String>,
}

impl LeadView {
    /// A lead as a caller may see it.
    ///
    /// # Errors
    /// What the vault says.
    pub async fn of(app: &App, site: &Site, caller: &Caller, lead: Lead) -> Result<Self, Problem> {
        if !caller.sees_contacts() {
            return Ok(Self::shown(site, lead, None, app.clock.now()));
        }
        let id = lead.id.clone();
        let view = Self::whole(app, site, lead).await?;
        if view.contact.is_some() {
            app.looks.see(site.number, caller, id.as_str());
        }
        Ok(view)
    }

    /// A lead with all that is known of it, for who is told of it by a fact.
    ///
    /// # Errors
    /// What the vault says.
    pub async fn whole(app: &App, site: &Site, lead: Lead) -> Result<Self, Problem> {
        let personal = standing::personal(app, site.number, &lead).await?;
        let phone = personal.as_ref().and_then(|data| data.phone.as_deref());
        let do_not_call = do_not_call::is_listed(app, site.number, phone).await?;
        Ok(Self { do_not_call, ..Self::shown(site, lead, personal, app.clock.now()) })
    }

    /// The lead's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    fn shown(site: &Site, lead: Lead, personal: Option<PersonalData>, now: i64) -> Self {
        let crm = personal.as_ref().map(|data| data.crm.clone()).unwrap_or_default();
        let contact = personal.map(contact);
        let consent = ConsentView::of(&lead, now);
        let sla = SlaView::of(&lead, &site.config, now);
        let (score, score_parts) = score::of(&lead, site, now);
        let updated_at = lead.changed_at();
        let visitors: Vec<String> = lead.visitor().iter().map(ToString::to_string).collect();
        Self {
            person: lead.person,
            duplicate_of: lead.duplicate_of.map(|lead| lead.to_string()),
            visitors,
            id: lead.id.to_string(),
            kind: json!(lead.kind),
            created_at: lead.created_at,
            updated_at,
            stage: lead.stage,
            entered_at: lead.stage_at,
            score,
            score_parts,
            scoring_version: site.scoring_version,
            origin: OriginView {
                first: lead.origin.first.into(),
                last: lead.origin.last.into(),
                last_non_direct: lead.origin.last_non_direct.into(),
            },
            contact,
            consent,
            do_not_call: false,
            form: lead.form,
            magnet: lead.magnet,
            confirmed: lead.confirmed,
            flags: lead.flags.iter().map(|flag| json!(flag)).collect(),
            external_id: lead.external_id,
            attempts: lead.attempts.into(),
            sla,
            sales: SalesView::of(&lead.sales),
            stays: standing::stays(&lead.stays, &site.config),
            product: lead.known.product,
            objection: lead.known.objection,
            value: lead.known.value,
            fit: lead.known.fit,
            crm: crm.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        }
    }
}

fn contact(data: PersonalData) -> ContactView {
    ContactView {
        name: data.name,
        email: data.email,
        phone: data.phone,
        phone_raw: data.phone_raw,
        chat: data.chat,
        fields: data.fields,
    }
}

/// What somebody browses with, as the browser says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Device)]
pub struct DeviceView {
    browser: &'static str,
    os: &'static str,
    /// mobile, tablet, desktop, tv or unknown.
    class: &'static str,
}

impl From<Device> for DeviceView {
    fn from(device: Device) -> Self {
        Self { browser: device.browser, os: device.os, class: device.class.as_str() }
    }
}

/// One thing in a journey: the fields below, and beside them the kind's own, as the contract's table of kinds names
/// them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JourneyItem)]
pub struct ItemView {
    at: i64,
    kind: String,
    /// The event's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    /// The page view's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    /// The visit's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    visit: Option<String>,
    /// The arrival that it is, for page views that are one.
    #[serde(skip_serializing_if = "Option::is_none")]
    touch: Option<TouchView>,
    /// What the page was viewed with, for page views whose browser says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<DeviceView>,
    /// ISO 3166 country, for page views where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    /// ISO 3166-2 subdivision of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// The rule by which it is a program's doing, not a person's; reports leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    bot: Option<String>,
    /// Why it belongs to this journey: same_visitor, same_email, same_phone, same_user_id, email_link, call, chat, same_chat,
    /// same_page_view, submission, record.
    evidence: Value,
    /// Which piece of evidence ties it to the lead, where it was done on another browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    edge: Option<String>,
    #[serde(flatten)]
    own: Map<String, Value>,
}

impl ItemView {
    /// An item as a caller may see it.
    ///
    /// # Errors
    /// What the vault says.
    pub async fn of(app: &App, site: SiteNumber, caller: &Caller, item: &Item<'_>) -> Result<Self, Problem> {
        let mut view = Self {
            at: item.at,
            kind: String::new(),
            event: None,
            page: None,
            visit: item.visit.map(str::to_owned),
            touch: item.touch.cloned().map(TouchView::from),
            device: None,
            country: None,
            region: None,
            bot: None,
            evidence: json!(item.evidence),
            edge: item.edge.map(ToString::to_string),
            own: Map::new(),
        };
        match item.what {
            What::Event(seen) => {
                view.kind = seen.event.detail.kind().as_str().to_owned();
                view.event = Some(seen.event.id_text());
                view.page = Some(seen.event.page.to_string());
                if matches!(seen.event.detail, Detail::PageView { .. }) {
                    let agent = seen.arrival.user_agent.as_deref();
                    view.device = agent.map(|agent| device::of(agent).into());
                    view.bot = bot::Verdicts::default().of(seen.arrival).map(Cow::into_owned);
                    view.country.clone_from(&seen.arrival.country);
                    view.region.clone_from(&seen.arrival.region);
                }
                view.own = own_fields(&seen.event.detail, &seen.event.id_text());
            }
            What::Record(told) => {
                view.kind = told.record.name().to_owned();
                view.own = standing::fields(app, site, caller, &told).await?;
                if caller.sees_contacts() && !told.record.references().is_empty() {
                    app.looks.see(site, caller, told.record.lead().as_str());
                }
            }
        }
        Ok(view)
    }
}

/// A kind's own fields. References and tokens stay inside.
fn own_fields(detail: &Detail, event_id: &str) -> Map<String, Value> {
    let kind = detail.kind().as_str();
    let mut fields = match json!(detail) {
        Value::Object(mut outer) => match outer.remove(kind) {
            Some(Value::Object(fields)) => fields,
            _ => Map::new(),
        },
        _ => Map::new(),
    };
    if let Some(lead) = detail.lead() {
        fields.insert("lead".to_owned(), json!(LeadId::of_event(event_id)));
        fields.insert("lead_kind".to_owned(), json!(lead.kind));
    }
    if let Detail::Identify { personal } = detail {
        fields.remove("personal");
        let kinds: Vec<_> = personal.identifiers.iter().map(|identifier| identifier.kind).collect();
        fields.insert("identifiers".to_owned(), json!(kinds));
    }
    fields
}

/// Some of a list, and where it goes on.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// The `cursor` of the next page; null at the end.
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        event::{Identifier, IdentifierKind, Personal},
        id::{Token, VaultRef},
    };

    #[test]
    fn references_and_tokens_stay_inside() {
        let personal = Personal {
            vault: Some(VaultRef([7; 16])),
            identifiers: vec![Identifier { kind: IdentifierKind::Email, token: Token([9; 16]) }],
        };
        let text = json!(own_fields(&Detail::Identify { personal }, "p-1")).to_string();
        assert_eq!(text, r#"{"identifiers":["email"]}"#);
        let leave = Detail::PageLeave { engaged_ms: 5, scroll_pct: 80, title: None };
        assert_eq!(json!(own_fields(&leave, "p-1")), json!({"engaged_ms": 5, "scroll_pct": 80}));
    }
}
