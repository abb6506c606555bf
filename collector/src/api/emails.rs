//! `POST emails`: the pixel and the links of a message, one set for each of its recipients.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    check, json,
    lead_match::{self, MatchBody},
    problem,
    query::escaped,
};
use crate::{
    app::App,
    domain::{consent, standing::Lead, token::Permission},
    error::Problem,
    ingest::readers::MOST_MESSAGE,
    project::directory::Site,
};

/// At most so many recipients in one request.
const MOST: usize = 500;
/// At most so many links of one message.
const MOST_LINKS: usize = 50;

/// A message that is about to be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Email)]
pub struct EmailBody {
    /// The sender's own name of it, which all its recipients share. It stands in addresses: no personal data belongs here.
    #[schema(max_length = 128)]
    message: String,
    /// The campaign that it is of.
    #[serde(default)]
    #[schema(max_length = 128)]
    campaign: Option<String>,
    /// 1 to 500.
    #[schema(min_items = 1, max_items = 500)]
    recipients: Vec<RecipientBody>,
    /// Ids of counted links (`PUT links`) that stand in it.
    #[serde(default)]
    #[schema(max_items = 50)]
    links: Vec<String>,
}

/// Whom it is sent to.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Recipient)]
pub struct RecipientBody {
    /// A lead, by its id, `ext:` or `ref:`; or else `match`.
    #[serde(default)]
    lead: Option<String>,
    /// A person, by one of these.
    #[serde(default, rename = "match")]
    matching: Option<MatchBody>,
}

/// What a message is sent with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EmailAddresses)]
pub struct EmailView {
    /// In the order of the recipients.
    items: Vec<RecipientView>,
}

/// What one recipient's copy is sent with.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = RecipientAddresses)]
pub struct RecipientView {
    /// The newest lead of whoever it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    lead: Option<String>,
    /// Whether they agreed that it is known of them what becomes of it: else it is only counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    tracked: Option<bool>,
    /// The address of the picture that tells that it was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<String>,
    /// The address of each link.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    links: BTreeMap<String, String>,
    /// Why there is none for this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The leads that may be meant, where several persons may.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidates: Vec<String>,
}

/// The pixel and the links of a message for each of its recipients. Nothing is recorded; what they say of the recipient
/// cannot be made or changed by anybody else, and has nothing personal in it.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/emails", tag = "promotion",
    params(("site" = String, Path)), request_body = EmailBody,
    responses(
        (status = 200, description = "For each recipient its addresses, or why there are none", body = EmailView),
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
    let site = caller.site(&app, &slug, Permission::Match)?;
    let body: EmailBody = json::read(&request, payload).await?;
    check::short("/message", &body.message, MOST_MESSAGE)?;
    let campaign = check::label("/campaign", body.campaign)?;
    if !(1..=MOST).contains(&body.recipients.len()) {
        return Err(Problem::invalid_at("/recipients", format!("must be 1 to {MOST}")));
    }
    if body.links.len() > MOST_LINKS {
        return Err(Problem::invalid_at("/links", format!("must be at most {MOST_LINKS}")));
    }
    for (index, id) in body.links.iter().enumerate() {
        if !site.links.iter().any(|link| link.id == *id) {
            return Err(Problem::invalid_at(
                format!("/links/{index}"),
                "must be the id of a counted link of the site: PUT links registers them",
            ));
        }
    }
    let mut items = Vec::with_capacity(body.recipients.len());
    for recipient in body.recipients {
        let found = match (&recipient.lead, &recipient.matching) {
            (Some(id), None) => lead_match::find(&app, &caller, &site, id).await,
            (None, Some(matching)) => matching.find_person(&app, &caller, &site).await,
            _ => Err(Problem::invalid("Say whom: by `lead`, or by `match`.")),
        };
        items.push(match found {
            Ok(lead) => addresses(&app, &site, &lead, &body.message, campaign.as_deref(), &body.links),
            Err(problem) if problem.status >= 500 => return Err(problem),
            Err(problem) => RecipientView {
                detail: Some(problem.detail.into_owned()),
                candidates: problem.candidates.map(|candidates| candidates.0).unwrap_or_default(),
                ..RecipientView::default()
            },
        });
    }
    Ok(HttpResponse::Ok().json(EmailView { items }))
}

fn addresses(
    app: &App,
    site: &Site,
    lead: &Lead,
    message: &str,
    campaign: Option<&str>,
    links: &[String],
) -> RecipientView {
    let Some(token) = app.vault.recipient_token(site.number, message, &lead.id) else {
        return RecipientView {
            detail: Some("This lead cannot be written to.".to_owned()),
            ..RecipientView::default()
        };
    };
    let base = format!("{}{}/{}", app.settings.public_url, app.settings.prefix, site.slug);
    let said = format!("m={}&r={token}", escaped(message));
    let campaign = campaign.map(|campaign| format!("&c={}", escaped(campaign))).unwrap_or_default();
    RecipientView {
        lead: Some(lead.id.to_string()),
        tracked: Some(lead.allows(consent::EMAIL_TRACKING)),
        open: Some(format!("{base}.gif?k=open&{said}{campaign}")),
        links: links.iter().map(|id| (id.clone(), format!("{base}/r/{id}?{said}"))).collect(),
        ..RecipientView::default()
    }
}
