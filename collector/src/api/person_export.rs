//! `GET persons/{id}/export`: the right to see all that is held.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{auth::Caller, problem, query::Query, shapes::LeadView};
use crate::{
    app::App,
    domain::{
        consent::ConsentText,
        event::Detail,
        fact::{Entry, Exported},
        token::Permission,
        visit::Seen,
    },
    error::Problem,
    project::{directory::Site, holdings::Holdings},
    store::Append,
    vault::PersonalData,
};

/// All that is held about a person, contact details in clear.
#[derive(Serialize, ToSchema)]
#[schema(as = PersonExport)]
pub struct ExportView {
    /// When it was made, ms since the epoch.
    made_at: i64,
    site: String,
    person: String,
    /// Browsers that are theirs alone.
    visitors: Vec<String>,
    /// Browsers that others used too: only what they did there is told.
    shared_visitors: Vec<String>,
    /// What they are known by.
    identifiers: BTreeMap<&'static str, BTreeSet<String>>,
    leads: Vec<LeadView>,
    /// Everything they did, as it was stored, browser by browser.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Value>,
    /// Everything that was said about their leads, notes included.
    #[schema(value_type = Vec<Object>)]
    records: Vec<Value>,
    /// What they agreed to and took back, by lead.
    #[schema(value_type = Object)]
    consents: Value,
    /// The wordings that those name.
    #[schema(value_type = Vec<Object>)]
    consent_texts: Vec<ConsentText>,
    /// The evidence of who they are.
    #[schema(value_type = Vec<Object>)]
    edges: Vec<Value>,
}

/// All that is held about a person: for whoever asks what is known of them. That it was asked for is itself a fact.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/persons/{person}/export", tag = "persons",
    params(
        ("site" = String, Path), ("person" = String, Path, description = "A person's id, or one of their leads or visitors"),
        ("time" = Option<String>, Query),
    ),
    responses((status = 200, body = ExportView), (status = 403, body = problem::Body), (status = 404, body = problem::Body)),
    security(("token" = []))
)]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (slug, person) = path.into_inner();
    let site = caller.site(&app, &slug, Permission::Administer)?;
    let held = Holdings::of(app.store.as_ref(), site.number, &site.config, &person).await?;
    let held = held.ok_or_else(|| Problem::not_found("There is no such person."))?;
    let mut opened = BTreeMap::new();
    for reference in held.references() {
        if let Some(data) = app.vault.get(site.number, reference).await? {
            opened.insert(reference, data);
        }
    }
    // Before anything leaves: what has left the house is never without its fact.
    let exported = Exported {
        at: app.clock.now(),
        by: caller.token.clone(),
        site: Some(slug),
        submissions: Some(opened.len() as u64),
        person: Some(held.person.clone()),
    };
    app.store.append(Append::of(site.number, Entry::Exported(exported))).await?;
    let mut leads = Vec::with_capacity(held.leads.len());
    for lead in &held.leads {
        leads.push(LeadView::of(&app, &site, &caller, lead.clone()).await?);
    }
    let data = |references: &[crate::domain::id::VaultRef]| -> Vec<&PersonalData> {
        references.iter().filter_map(|reference| opened.get(reference)).collect()
    };
    let events = held.events().map(|seen| event(seen, |reference| opened.get(reference)));
    let events: Vec<Value> = events.collect();
    let records = held.records.iter().flat_map(|(_, records)| records).map(|stored| {
        json!({"position": stored.position, "record": *stored.entry, "notes": data(&stored.entry.references())})
    });
    let edges = held.edges.iter().map(|edge| {
        let notes: Vec<_> = edge.marks.iter().map(|mark| mark.note).collect();
        json!({"edge": edge, "notes": data(&notes)})
    });
    let (records, edges): (Vec<Value>, Vec<Value>) = (records.collect(), edges.collect());
    let (consents, consent_texts) = consents(&site, &held);
    let view = ExportView {
        made_at: app.clock.now(),
        site: site.slug.clone(),
        person: held.person.clone(),
        visitors: held.visitors.iter().map(ToString::to_string).collect(),
        shared_visitors: held.shared.iter().map(ToString::to_string).collect(),
        identifiers: identifiers(opened.values()),
        leads,
        events,
        records,
        consents,
        consent_texts,
        edges,
    };
    let rendered = Query::of(&request, app.clock.now()).render(&view)?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(rendered))
}

/// An event as it was stored, with where it came from and what was split off it.
fn event<'a>(
    seen: Seen<'_>,
    opened: impl Fn(&crate::domain::id::VaultRef) -> Option<&'a PersonalData>,
) -> Value {
    let arrival = seen.arrival;
    let mut view = Map::new();
    for (name, value) in [
        ("visitor", json!(arrival.visitor)),
        ("received_at", json!(arrival.received_at)),
        ("mode", json!(arrival.mode)),
        ("context", json!(arrival.context)),
        ("user_agent", json!(arrival.user_agent)),
        ("country", json!(arrival.country)),
        ("region", json!(arrival.region)),
        ("event", json!(seen.event)),
    ] {
        view.insert(name.to_owned(), value);
    }
    let personal = seen.event.detail.personal().and_then(|personal| personal.vault);
    if let Some(data) = personal.as_ref().and_then(opened) {
        view.insert("personal".to_owned(), json!(data));
    }
    Value::Object(view)
}

fn identifiers<'a>(
    opened: impl Iterator<Item = &'a PersonalData>,
) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut found: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    for data in opened {
        let kinds = [
            ("email", &data.email),
            ("phone", &data.phone),
            ("user_id", &data.user_id),
            ("chat", &data.chat),
            ("name", &data.name),
        ];
        for (kind, value) in kinds {
            if let Some(value) = value {
                found.entry(kind).or_default().insert(value.clone());
            }
        }
    }
    found
}

/// The word on each purpose, of each lead and as browsers said it; and the wordings that they name.
fn consents(site: &Site, held: &Holdings) -> (Value, Vec<ConsentText>) {
    let mut versions = BTreeSet::new();
    let mut by_lead = Map::new();
    for lead in &held.leads {
        let purposes = lead.purposes();
        versions.extend(purposes.values().filter_map(|choice| choice.text_version.clone()));
        by_lead.insert(lead.id.to_string(), json!(purposes));
    }
    let mut by_browser = Vec::new();
    for seen in held.events() {
        if let Detail::Consent { mode, text_version, purposes } = &seen.event.detail {
            versions.extend(text_version.clone());
            by_browser.push(json!({
                "at": seen.event.at, "visitor": seen.arrival.visitor, "mode": mode, "text_version": text_version,
                "purposes": purposes,
            }));
        }
    }
    let texts = versions.iter().filter_map(|version| site.consent_texts.find(version).cloned());
    (json!({"leads": by_lead, "browsers": by_browser}), texts.collect())
}
