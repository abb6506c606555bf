//! What became of a lead, as the API shows it: attempts, sales, times in stages, what is known; and records as items of
//! a journey.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::auth::Caller;
use crate::{
    app::App,
    domain::{
        activity::Activity,
        email::Message,
        fact::SiteNumber,
        funnel::Owner,
        record::{Record, Told},
        sales::{self, SaleStanding},
        site::SiteConfig,
        standing::{Attempts, Lead, Stay},
    },
    error::Problem,
    vault::PersonalData,
};

/// How often and since when it was tried to reach a lead.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeadAttempts)]
pub struct AttemptsView {
    count: u32,
    first_attempt_at: Option<i64>,
    /// When somebody answered first.
    first_contact_at: Option<i64>,
}

impl From<Attempts> for AttemptsView {
    fn from(attempts: Attempts) -> Self {
        Self {
            count: attempts.count,
            first_attempt_at: attempts.first_attempt_at,
            first_contact_at: attempts.first_contact_at,
        }
    }
}

/// What a lead bought.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeadSales)]
pub struct SalesView {
    /// Sales; refunds are none.
    count: usize,
    /// What is left after refunds, in minor units, by currency.
    amounts: BTreeMap<String, i64>,
    /// Sales and refunds, oldest first.
    items: Vec<SaleView>,
}

/// A sale or a refund.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeadSale)]
pub struct SaleView {
    external_id: String,
    at: i64,
    /// Minor units; negative of a refund.
    amount: i64,
    /// ISO 4217.
    currency: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_of: Option<String>,
    /// Whether a server said so; a page alone is not believed without question.
    confirmed: bool,
    /// What the page said, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<PageSaleView>,
}

/// What a page said of a sale on which the server says otherwise.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PageSale)]
pub struct PageSaleView {
    amount: i64,
    currency: String,
    /// How much more the server says, where the currency is the same.
    difference: Option<i64>,
}

impl SalesView {
    /// The sales of a lead.
    #[must_use]
    pub fn of(sales: &[SaleStanding]) -> Self {
        let items = sales.iter().map(|sale| SaleView {
            external_id: sale.external_id.clone(),
            at: sale.at,
            amount: sale.amount,
            currency: sale.currency.clone(),
            refund_of: sale.refund_of.clone(),
            confirmed: sale.confirmed,
            page: sale.page.as_ref().map(|(amount, currency)| PageSaleView {
                amount: *amount,
                currency: currency.clone(),
                difference: (*currency == sale.currency).then(|| sale.amount.saturating_sub(*amount)),
            }),
        });
        Self {
            count: sales.iter().filter(|sale| sale.refund_of.is_none()).count(),
            amounts: sales::totals(sales),
            items: items.collect(),
        }
    }
}

/// A time in one stage.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stay)]
pub struct StayView {
    stage: String,
    entered_at: i64,
    /// Null while it lasts.
    left_at: Option<i64>,
    /// How long it was; null while it lasts.
    ms: Option<i64>,
    /// Whether a person or a server said so; else a rule did.
    manual: bool,
    /// Who answers for the stage: marketing, both or sales.
    #[schema(value_type = String)]
    owner: Owner,
}

/// Times in stages, in order.
#[must_use]
pub fn stays(stays: &[Stay], config: &SiteConfig) -> Vec<StayView> {
    let ends = stays.iter().skip(1).map(|next| Some(next.at)).chain([None]);
    let view = |(stay, left_at): (&Stay, Option<i64>)| StayView {
        stage: stay.stage.clone(),
        entered_at: stay.at,
        left_at,
        ms: left_at.map(|left_at| left_at - stay.at),
        manual: stay.manual,
        owner: config.owner(&stay.stage),
    };
    stays.iter().zip(ends).map(view).collect()
}

/// All that is personal about a lead: what was submitted first, and what amended it. `None` where nothing is kept.
///
/// # Errors
/// What the vault says.
pub async fn personal(app: &App, site: SiteNumber, lead: &Lead) -> Result<Option<PersonalData>, Problem> {
    let references = lead.personal.vault.iter().chain(&lead.submissions).chain(&lead.known.crm);
    let mut all: Option<PersonalData> = None;
    for reference in references {
        if let Some(data) = app.vault.get(site, *reference).await? {
            all = Some(all.unwrap_or_default().amended(data));
        }
    }
    Ok(all)
}

/// A record's own fields, as a caller may see them.
///
/// # Errors
/// What the vault says.
pub async fn fields(
    app: &App,
    site: SiteNumber,
    caller: &Caller,
    told: &Told<'_>,
) -> Result<Map<String, Value>, Problem> {
    fields_with(app, site, caller.sees_contacts(), told).await
}

/// A record's own fields; `with_notes`: and who did it, and why.
///
/// # Errors
/// What the vault says.
pub async fn fields_with(
    app: &App,
    site: SiteNumber,
    with_notes: bool,
    told: &Told<'_>,
) -> Result<Map<String, Value>, Problem> {
    let mut fields = match told.record {
        Record::Stage(stage) => json!({"stage": stage.stage}),
        Record::Lead(lead) => {
            json!({"lead": lead.lead, "lead_kind": lead.kind, "external_id": lead.external_id})
        }
        Record::Attempt(attempt) => json!({
            "outcome": attempt.outcome,
            "disposition": attempt.disposition,
            "product": attempt.product,
            "objection": attempt.objection,
            "external_id": attempt.external_id,
        }),
        Record::Sale(sale) => json!({
            "amount": sale.amount,
            "currency": sale.currency,
            "refund_of": sale.refund_of,
            "external_id": sale.external_id,
        }),
        Record::Call(call, _) => json!({
            "to": call.to,
            "status": call.status,
            "answered": call.answered,
            "duration_s": call.duration_s,
            "channel": call.answer.touch.as_ref().map(|touch| touch.channel),
            "campaign": call.answer.touch.as_ref().and_then(|touch| touch.campaign.as_ref()),
            "reason": call.answer.reason,
            "external_id": call.external_id,
        }),
        Record::Message(message, _) => json!({
            "app": message.app,
            "chat_ref": message.chat_ref,
            "channel": message.answer.touch.as_ref().map(|touch| touch.channel),
            "reason": message.answer.reason,
            "external_id": message.external_id,
        }),
        Record::Flag(mark) => json!({"flag": mark.flag}),
        Record::Patch(patch) => json!({
            "product": patch.product,
            "objection": patch.objection,
            "value": patch.value,
            "fit": patch.fit,
            "cleared": patch.cleared,
        }),
        Record::ConversionSent(sent) => json!({
            "platform": sent.platform,
            "conversion": sent.goal,
            "amount": sent.value.as_ref().map(|(amount, _)| amount),
            "currency": sent.value.as_ref().map(|(_, currency)| currency),
        }),
        Record::Activity(activity) => told_props(activity),
        Record::Breach(breach) => json!({"due_at": breach.due_at, "target_s": breach.target_s}),
    };
    let Some(own) = fields.as_object_mut() else { return Ok(Map::new()) };
    own.retain(|_, value| !value.is_null());
    if told.amended {
        own.insert("amended".to_owned(), json!(true));
    }
    let note = match told.record {
        Record::Stage(stage) => Some(stage.note),
        Record::Attempt(attempt) => attempt.note,
        Record::Call(call, _) => call.note,
        Record::Message(message, _) => message.note,
        Record::Activity(activity) => activity.note,
        _ => None,
    };
    if let Some(note) = note.filter(|_| with_notes)
        && let Some(note) = app.vault.get(site, note).await?
    {
        match told.record {
            Record::Stage(_) => {
                own.insert("by".to_owned(), json!(note.by));
                own.insert("reason".to_owned(), json!(note.reason));
            }
            Record::Message(..) => {
                own.insert("text".to_owned(), json!(note.reason));
            }
            Record::Activity(_) => {
                if let Some(props) = own.get_mut("props").and_then(Value::as_object_mut) {
                    props.extend(note.fields.into_iter().map(|(name, text)| (name, json!(text))));
                    props.extend(note.by.map(|agent| ("agent".to_owned(), json!(agent))));
                }
            }
            _ => {
                own.insert("agent".to_owned(), json!(note.by));
                if let (Record::Call(..), Some(recording)) = (told.record, note.reason) {
                    own.insert("recording".to_owned(), json!(recording));
                }
            }
        }
    }
    Ok(std::mem::take(own))
}

/// What happened elsewhere, as it was told short of what is kept with the contact details.
fn told_props(activity: &Activity) -> Value {
    let mut props: Map<String, Value> =
        activity.props.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let own = [
        ("message", json!(activity.message)),
        ("campaign", json!(activity.campaign)),
        ("link", json!(activity.link)),
        ("score", json!(activity.score)),
    ];
    props.extend(
        own.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)),
    );
    json!({
        "props": props,
        "trust": activity.kind.has_low_trust().then_some("low"),
        "external_id": activity.external_id,
    })
}

/// What became of a message that somebody was sent. Times are the earliest of each.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeadEmail)]
pub struct EmailView {
    /// The sender's own name of it; null for those that name none.
    message: Option<String>,
    campaign: Option<String>,
    sent_at: Option<i64>,
    bounced_at: Option<i64>,
    /// Whether somebody saw it: its pictures were fetched, which programs do by themselves, too, or a link was followed.
    opened: bool,
    opened_at: Option<i64>,
    opens: u32,
    clicked_at: Option<i64>,
    clicks: u32,
    /// Which links, each once.
    clicked: Vec<String>,
}

impl From<Message> for EmailView {
    fn from(message: Message) -> Self {
        Self {
            opened: message.is_opened(),
            message: message.message,
            campaign: message.campaign,
            sent_at: message.sent_at,
            bounced_at: message.bounced_at,
            opened_at: message.opened_at,
            opens: message.opens,
            clicked_at: message.clicked_at,
            clicks: message.clicks,
            clicked: message.clicked,
        }
    }
}
