//! `POST persons/{id}/consent`: somebody changes their mind. `/consent-texts`: what exactly people agree to.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    json, problem,
    query::{self, Query},
    shapes::List,
};
use crate::{
    app::App,
    domain::{
        consent::{ConsentSaid, ConsentText, ConsentTextsPut, PURPOSES},
        fact::{Entry, HOUSE},
        token::Permission,
    },
    error::Problem,
    project::{directory::Site, holdings::Holdings},
    store::{Append, Claim, Seal, Verdict},
    vault::PersonalData,
};

/// What somebody agrees to, or takes back.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ConsentChange)]
pub struct ConsentBody {
    /// Purposes agreed to: ads, contact, email_tracking, marketing.
    #[serde(default)]
    granted: Vec<String>,
    /// Purposes taken back.
    #[serde(default)]
    withdrawn: Vec<String>,
    /// When; now, unless told. Milliseconds or RFC 3339.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    at: Option<serde_json::Value>,
    /// Who says so.
    by: String,
    /// Why, or how it was said.
    #[serde(default)]
    reason: Option<String>,
    /// One of the site's consent texts.
    #[serde(default)]
    text_version: Option<String>,
    /// The sender's own id of it: the same again is nothing new.
    #[serde(default)]
    external_id: Option<String>,
}

/// The latest word on a purpose.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConsentChoice)]
pub struct ChoiceView {
    granted: bool,
    at: i64,
    text_version: Option<String>,
}

/// What may be done with a person's leads.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PersonConsent)]
pub struct ConsentView {
    person: String,
    /// By lead: the latest word on each purpose that there is a word on.
    leads: BTreeMap<String, BTreeMap<String, ChoiceView>>,
}

/// Notes that a person agreed to something or took it back, for all of their leads, from then on and everywhere at once. Of
/// each purpose the latest word counts.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/persons/{person}/consent", tag = "persons",
    params(("site" = String, Path), ("person" = String, Path, description = "A person's id, or one of their leads or visitors")),
    request_body = ConsentBody,
    responses(
        (status = 201, description = "Noted", body = ConsentView), (status = 200, description = "The same, told again", body = ConsentView),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body), (status = 404, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn post(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (slug, person) = path.into_inner();
    let site = caller.site(&app, &slug, Permission::Work)?;
    let body: ConsentBody = json::read(&request, payload).await?;
    let now = app.clock.now();
    let at = checked(&site, &body, now)?;
    let held = held(&app, &site, &person).await?;
    let leads: Vec<_> = held.leads.iter().map(|lead| lead.id.clone()).collect();
    if leads.is_empty() {
        return Err(Problem::conflict(
            "The person has left no lead: there is nothing that could be used for a purpose.",
        ));
    }
    let claim = body.external_id.as_ref().map(|external_id| {
        let told_at = body.at.as_ref().map(|_| at);
        let content = serde_json::json!([
            held.person,
            body.granted,
            body.withdrawn,
            told_at,
            body.by,
            body.reason,
            body.text_version
        ]);
        let content = Sha256::digest(content.to_string()).into();
        Claim { kind: "consent", external_id: external_id.clone(), content }
    });
    let note = PersonalData { by: Some(body.by), reason: body.reason, ..PersonalData::default() };
    let (reference, sealed) = app.vault.seal(site.number, &note)?;
    let said = ConsentSaid {
        leads,
        granted: body.granted,
        withdrawn: body.withdrawn,
        at,
        received_at: now,
        token: caller.token.clone(),
        note: reference,
        text_version: body.text_version,
    };
    let seal = Seal { event: 0, reference, sealed, lookups: Vec::new() };
    let append = Append { seals: vec![seal], claim, ..Append::of(site.number, Entry::Consent(said)) };
    let appended = app.store.append(append).await?;
    let mut response = HttpResponse::Ok();
    if let Some(Verdict::Stored(position)) = appended.verdicts.first() {
        app.progress.wait(site.number, *position).await;
        response = HttpResponse::Created();
    }
    let held = self::held(&app, &site, &person).await?;
    let of = |lead: &crate::domain::standing::Lead| {
        let choices = lead.purposes().into_iter().map(|(purpose, choice)| {
            let view =
                ChoiceView { granted: choice.granted, at: choice.at, text_version: choice.text_version };
            (purpose, view)
        });
        (lead.id.to_string(), choices.collect())
    };
    let view = ConsentView { leads: held.leads.iter().map(of).collect(), person: held.person };
    Ok(response.json(Query::of(&request, now).render(&view)?))
}

async fn held(app: &App, site: &Site, person: &str) -> Result<Holdings, Problem> {
    let held = Holdings::of(app.store.as_ref(), site.number, &site.config, person).await?;
    held.ok_or_else(|| Problem::not_found("There is no such person."))
}

/// Checks a change of mind. Returns when it was made.
fn checked(site: &Site, body: &ConsentBody, now: i64) -> Result<i64, Problem> {
    let mut known = BTreeSet::new();
    for (name, purposes) in [("granted", &body.granted), ("withdrawn", &body.withdrawn)] {
        for (index, purpose) in purposes.iter().enumerate() {
            let pointer = format!("/{name}/{index}");
            if !PURPOSES.contains(&purpose.as_str()) {
                return Err(Problem::invalid_at(pointer, format!("must be one of {}", PURPOSES.join(", "))));
            }
            if !known.insert(purpose) {
                return Err(Problem::invalid_at(pointer, "a purpose may stand once, granted or withdrawn"));
            }
        }
    }
    if known.is_empty() {
        return Err(Problem::invalid_at("/granted", "at least one purpose must be granted or withdrawn"));
    }
    let short = |pointer: &str, text: &str, most: usize| {
        if text.is_empty() || text.len() > most || text.chars().any(char::is_control) {
            return Err(Problem::invalid_at(pointer, format!("must be 1 to {most} plain characters")));
        }
        Ok(())
    };
    short("/by", &body.by, 128)?;
    body.reason.as_deref().map_or(Ok(()), |reason| short("/reason", reason, 1000))?;
    body.external_id.as_deref().map_or(Ok(()), |id| short("/external_id", id, 128))?;
    if let Some(version) = &body.text_version
        && site.consent_texts.find(version).is_none()
    {
        return Err(Problem::invalid_at(
            "/text_version",
            "must be one of the site's consent-texts; PUT them first",
        ));
    }
    let at = match &body.at {
        None | Some(serde_json::Value::Null) => now,
        Some(serde_json::Value::Number(ms)) => {
            ms.as_i64().ok_or_else(|| Problem::invalid_at("/at", "must be whole milliseconds"))?
        }
        Some(serde_json::Value::String(text)) => query::time(text, now).ok_or_else(|| {
            Problem::invalid_at("/at", "must be milliseconds, RFC 3339, or relative such as -1h")
        })?,
        Some(_) => return Err(Problem::invalid_at("/at", "must be milliseconds or RFC 3339")),
    };
    match crate::domain::clock_skew::implausible(at, now) {
        Some(why) => Err(Problem::invalid_at("/at", why)),
        None => Ok(at),
    }
}

/// A wording that people agree to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ConsentText)]
pub struct TextBody {
    /// 1 to 64 characters of A-Z a-z 0-9 _ - and dots: what forms send as `text_version`.
    version: String,
    /// The wording by language, such as `es` or `es-MX`.
    texts: BTreeMap<String, String>,
    /// In use once, and no more. Answered, not read.
    #[serde(default, skip_deserializing)]
    retired: bool,
}

/// All wordings of a site that are in use.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ConsentTexts)]
pub struct TextsBody {
    items: Vec<TextBody>,
}

/// At most so many versions in use, and so many languages of one.
const MOST: usize = 200;
const MOST_LANGUAGES: usize = 30;
const MOST_TEXT: usize = 8_000;

fn checked_texts(site: &Site, body: TextsBody) -> Result<Vec<ConsentText>, Problem> {
    if body.items.len() > MOST {
        return Err(Problem::invalid_at("/items", format!("must be at most {MOST} texts")));
    }
    let mut texts: Vec<ConsentText> = Vec::with_capacity(body.items.len());
    for (index, item) in body.items.into_iter().enumerate() {
        let pointer = format!("/items/{index}");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if item.version.is_empty() || item.version.len() > 64 || !item.version.bytes().all(plain) {
            let detail = "must be 1 to 64 characters of A-Z a-z 0-9 . _ -";
            return Err(Problem::invalid_at(format!("{pointer}/version"), detail));
        }
        if texts.iter().any(|text| text.version == item.version) {
            return Err(Problem::invalid_at(format!("{pointer}/version"), "another text has this version"));
        }
        if item.texts.is_empty() || item.texts.len() > MOST_LANGUAGES {
            let detail = format!("must have 1 to {MOST_LANGUAGES} languages");
            return Err(Problem::invalid_at(format!("{pointer}/texts"), detail));
        }
        for (language, text) in &item.texts {
            let is_language = (2..=35).contains(&language.len())
                && language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if !is_language {
                return Err(Problem::invalid_at(
                    format!("{pointer}/texts"),
                    "languages are named as es or es-MX",
                ));
            }
            if text.trim().is_empty() || text.len() > MOST_TEXT {
                let detail = format!("must be 1 to {MOST_TEXT} bytes of text");
                return Err(Problem::invalid_at(format!("{pointer}/texts/{language}"), detail));
            }
        }
        let text = ConsentText { version: item.version, texts: item.texts };
        if site.consent_texts.find(&text.version).is_some_and(|known| *known != text) {
            return Err(Problem::conflict(format!(
                "The version {} stands with another wording, and people may have agreed to it: give the new wording a \
                 new version.",
                text.version
            )));
        }
        texts.push(text);
    }
    Ok(texts)
}

fn texts_view(site: &Site) -> List<TextBody> {
    let texts = site.consent_texts.as_ref();
    let view = |text: &ConsentText, retired: bool| TextBody {
        version: text.version.clone(),
        texts: text.texts.clone(),
        retired,
    };
    let current = texts.current.iter().map(|text| view(text, false));
    List { items: current.chain(texts.retired.iter().map(|text| view(text, true))).collect(), next: None }
}

/// Sets the wordings in use. A version keeps its wording for ever; one that is left out is retired, and can be read on.
#[utoipa::path(
    put, path = "/api/v1/sites/{site}/consent-texts", tag = "persons",
    params(("site" = String, Path)),
    request_body = TextsBody,
    responses(
        (status = 200, description = "{\"items\": [ConsentText], \"next\": null}", body = [TextBody]),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body),
        (status = 409, description = "A version stands with another wording", body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn put_texts(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Administer)?;
    let items = checked_texts(&site, json::read(&request, payload).await?)?;
    if site.consent_texts.current != items {
        let put = ConsentTextsPut { slug: slug.clone(), at: app.clock.now(), items };
        let appended = app.store.append(Append::of(HOUSE, Entry::ConsentTexts(put))).await?;
        if let Some(Verdict::Stored(position)) = appended.verdicts.first() {
            app.progress.wait(HOUSE, *position).await;
        }
        app.directory.refresh(app.store.as_ref()).await?;
    }
    let site = caller.site(&app, &slug, Permission::Administer)?;
    Ok(HttpResponse::Ok().json(texts_view(&site)))
}

/// The wordings that people agree to, those in use first.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/consent-texts", tag = "persons",
    params(("site" = String, Path)),
    responses((status = 200, description = "{\"items\": [ConsentText], \"next\": null}", body = [TextBody])),
    security(("token" = []))
)]
pub async fn get_texts(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Read)?;
    Ok(HttpResponse::Ok().json(texts_view(&site)))
}
