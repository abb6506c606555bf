//! `/persons`, `/edges`, `/conflicts`: who is who, the evidence for it, and taking it back.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    json, problem,
    query::{self, Query},
    shapes::{LeadView, List},
};
use crate::{
    app::App,
    domain::{
        event::{Identifier, IdentifierKind},
        fact::{EdgeMark, Entry, SiteNumber},
        id::VaultRef,
        identity::{Edge, EdgeId, Node, person::Conflict, person::Member},
        standing::Lead,
        token::Permission,
    },
    error::Problem,
    project::{
        directory::Site,
        people::{self, Graph, Person},
    },
    store::{Append, Seal, Verdict},
    vault::{PersonalData, contact},
};

/// A browser that a person used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PersonVisitor)]
struct VisitorView {
    visitor: String,
    /// Which of the browser's users they are, from 0: a shared one has several.
    epoch: usize,
    /// Their first arrival there, ms.
    since: Option<i64>,
    /// Their last arrival there, ms.
    until: Option<i64>,
}

/// What a person is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[schema(as = Identifier)]
struct IdentifierView {
    /// email, phone, user_id or chat.
    kind: &'static str,
    /// Masked for roles that may not know (`a***@e***.com`, `+34 6** *** **0`); absent where it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

/// A human, as the evidence has it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Person)]
pub struct PersonView {
    /// The smallest of the ids that are them.
    id: String,
    visitors: Vec<VisitorView>,
    identifiers: Vec<IdentifierView>,
    /// Oldest first.
    leads: Vec<LeadView>,
    /// How many pieces of active evidence have an end in them.
    edges: usize,
    /// How many of those were refused.
    conflicts: usize,
}

/// One end of a piece of evidence: one of the fields is there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EdgeEnd)]
struct EndView {
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identifier: Option<IdentifierView>,
}

/// Evidence was taken back, or put back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EdgeMark)]
struct MarkView {
    at: i64,
    active: bool,
    /// Absent for roles that may not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A piece of evidence that two ends are one human.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Edge)]
pub struct EdgeView {
    id: String,
    /// form, identify, record, email_link, call, chat, known_chat.
    kind: Value,
    /// strong or weak.
    strength: Value,
    /// How sure, in percent.
    confidence: u8,
    at: i64,
    received_at: i64,
    /// The id of the event, or of the lead, that says so.
    fact: String,
    from: EndView,
    to: EndView,
    /// Whether it counts.
    active: bool,
    /// Why it joins nobody, where it was refused: weak_between_identified, user_ids, emails, phones, chats.
    #[serde(skip_serializing_if = "Option::is_none")]
    conflict: Option<Value>,
    /// What was said of it since, oldest first.
    marks: Vec<MarkView>,
}

async fn identifier(
    app: &App,
    site: SiteNumber,
    caller: &Caller,
    identifier: Identifier,
    vault: Option<VaultRef>,
    of: &str,
) -> Result<IdentifierView, Problem> {
    let data = match vault {
        Some(reference) => app.vault.get(site, reference).await?,
        None => None,
    };
    let value = data.and_then(|data| match identifier.kind {
        IdentifierKind::Email => data.email,
        IdentifierKind::Phone => data.phone,
        IdentifierKind::UserId => data.user_id,
        IdentifierKind::Chat => data.chat,
    });
    let value = match value {
        Some(value) if caller.sees_contacts() => {
            app.looks.see(site, caller, of);
            Some(value)
        }
        value => value.map(|value| contact::masked(identifier.kind, &value)),
    };
    let kind = match identifier.kind {
        IdentifierKind::Email => "email",
        IdentifierKind::Phone => "phone",
        IdentifierKind::UserId => "user_id",
        IdentifierKind::Chat => "chat",
    };
    Ok(IdentifierView { kind, value })
}

impl EdgeView {
    async fn of(
        app: &App,
        site: SiteNumber,
        caller: &Caller,
        edge: &Edge,
        as_of: Option<i64>,
        conflict: Option<Conflict>,
    ) -> Result<Self, Problem> {
        let mut ends = Vec::with_capacity(2);
        for node in [&edge.a, &edge.b] {
            let mut end = EndView { visitor: None, lead: None, identifier: None };
            match node {
                Node::Visitor(id) => end.visitor = Some(id.to_string()),
                Node::Lead(id) => end.lead = Some(id.to_string()),
                Node::Identifier(of) => {
                    end.identifier =
                        Some(identifier(app, site, caller, *of, edge.vault, edge.id.as_str()).await?);
                }
            }
            ends.push(end);
        }
        let mut marks = Vec::with_capacity(edge.marks.len());
        for mark in &edge.marks {
            let note = match caller.sees_contacts() {
                true => {
                    app.looks.see(site, caller, edge.id.as_str());
                    app.vault.get(site, mark.note).await?.unwrap_or_default()
                }
                false => PersonalData::default(),
            };
            marks.push(MarkView {
                at: mark.received_at,
                active: mark.active,
                by: note.by,
                reason: note.reason,
            });
        }
        let (to, from) = (ends.pop(), ends.pop());
        let none = || EndView { visitor: None, lead: None, identifier: None };
        Ok(Self {
            id: edge.id.to_string(),
            kind: json!(edge.kind),
            strength: json!(edge.strength),
            confidence: edge.confidence,
            at: edge.at,
            received_at: edge.received_at,
            fact: edge.fact.clone(),
            from: from.unwrap_or_else(none),
            to: to.unwrap_or_else(none),
            active: edge.is_active(as_of),
            conflict: conflict.map(|conflict| json!(conflict)),
            marks,
        })
    }
}

/// The person that a path names, by any id that is part of them, as known at `as_of`; if the caller may see them.
async fn find<'a>(
    app: &'a App,
    caller: &Caller,
    site: &'a Site,
    id: &str,
    as_of: Option<i64>,
) -> Result<(Graph<'a>, Person, Vec<Lead>), Problem> {
    let mut graph = Graph::new(app.store.as_ref(), site.number, &site.config, as_of);
    let none = || Problem::not_found("There is no such person.");
    let member = people::member_named(&mut graph, id).await?.ok_or_else(none)?;
    let person = graph.person(member).await?;
    let leads = graph.leads(&person).await?;
    if let Some(scope) = &caller.scope {
        let inside = |lead: &Lead| {
            let last = &lead.origin.last;
            scope.covers(last.channel.as_str(), last.campaign.as_deref())
        };
        if !leads.iter().any(inside) {
            return Err(Problem::forbidden("The person is outside the token's scope."));
        }
    }
    Ok((graph, person, leads))
}

/// One person: their browsers, what they are known by, their leads.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/persons/{person}", tag = "persons",
    params(
        ("site" = String, Path),
        ("person" = String, Path, description = "The id of a person, of one of their browsers (its first user), leads or pieces of evidence"),
        ("as_of" = Option<String>, Query, description = "By what was known then: ms, RFC 3339, or relative (-7d)"),
        ("time" = Option<String>, Query),
    ),
    responses((status = 200, body = PersonView), (status = 404, body = problem::Body)),
    security(("token" = []))
)]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (slug, id) = path.into_inner();
    let site = caller.site(&app, &slug, Permission::Read)?;
    let query = Query::of(&request, app.clock.now());
    let (mut graph, person, leads) = find(&app, &caller, &site, &id, query.time("as_of")?).await?;
    let mut visitors = Vec::new();
    for (visitor, epoch) in person.epochs() {
        let profile = graph.profile_of(visitor).await?;
        let touches = profile.and_then(|profile| profile.epochs.get(epoch)).map(|of| of.touches.as_slice());
        let touches = touches.unwrap_or_default();
        visitors.push(VisitorView {
            visitor: visitor.to_string(),
            epoch,
            since: touches.first().map(|touch| touch.at),
            until: touches.last().map(|touch| touch.at),
        });
    }
    let mut identifiers = Vec::new();
    for member in &person.members {
        let Member::Identifier(of) = member else { continue };
        let said = person.edges.iter().rev().find(|edge| edge.identifier() == Some(*of));
        identifiers.push(
            identifier(&app, site.number, &caller, *of, said.and_then(|edge| edge.vault), &person.id).await?,
        );
    }
    identifiers.sort();
    let mut views = Vec::with_capacity(leads.len());
    for lead in leads {
        views.push(LeadView::of(&app, &site, &caller, lead).await?);
    }
    let view = PersonView {
        id: person.id,
        visitors,
        identifiers,
        leads: views,
        edges: person.edges.len(),
        conflicts: person.conflicts.len(),
    };
    Ok(HttpResponse::Ok().json(query.render(&view)?))
}

/// The evidence about a person, also what was taken back: the strong first, then the older.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/persons/{person}/edges", tag = "persons",
    params(
        ("site" = String, Path), ("person" = String, Path, description = "As for a person"),
        ("as_of" = Option<String>, Query, description = "By what was known then"),
        ("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query), ("time" = Option<String>, Query),
    ),
    responses(
        (status = 200, description = "{\"items\": [Edge], \"next\": cursor or null}", body = [EdgeView]),
        (status = 404, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn edges(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (slug, id) = path.into_inner();
    let site = caller.site(&app, &slug, Permission::Read)?;
    let query = Query::of(&request, app.clock.now());
    let as_of = query.time("as_of")?;
    let (mut graph, person, _) = find(&app, &caller, &site, &id, as_of).await?;
    let all = graph.evidence(&person).await?;
    let (limit, after) = (query.limit()?, query.cursor::<EdgeId>()?);
    let start =
        after.map_or(0, |after| all.iter().position(|edge| edge.id == after).map_or(all.len(), |at| at + 1));
    let rest = all.get(start..).unwrap_or_default();
    let shown = rest.get(..limit).unwrap_or(rest);
    let mut items = Vec::with_capacity(shown.len());
    for edge in shown {
        let conflict = person.conflicts.get(&edge.id).copied();
        items.push(EdgeView::of(&app, site.number, &caller, edge, as_of, conflict).await?);
    }
    let next = match shown.last() {
        Some(last) if rest.len() > shown.len() => Some(query::cursor(&last.id)?),
        _ => None,
    };
    Ok(HttpResponse::Ok().json(query.render(&List { items, next })?))
}

/// Evidence that was refused, newest first: what it would have joined could not be one human.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/conflicts", tag = "persons",
    params(
        ("site" = String, Path),
        ("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query), ("time" = Option<String>, Query),
    ),
    responses((status = 200, description = "{\"items\": [Edge], \"next\": cursor or null}", body = [EdgeView])),
    security(("token" = []))
)]
pub async fn conflicts(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Read)?;
    if caller.scope.is_some() {
        return Err(Problem::forbidden(
            "Conflicts are of the whole site, and the token is for a part of it.",
        ));
    }
    let query = Query::of(&request, app.clock.now());
    let limit = query.limit()?;
    let mut refused = app.store.conflicts(site.number, query.cursor()?, limit + 1).await?;
    let more = refused.len() > limit;
    refused.truncate(limit);
    let next =
        refused.last().filter(|_| more).map(|last| query::cursor(&(last.at, &last.edge))).transpose()?;
    let mut items = Vec::with_capacity(refused.len());
    for one in refused {
        if let Some(edge) = app.store.edge(site.number, &one.edge).await? {
            items.push(EdgeView::of(&app, site.number, &caller, &edge, None, Some(one.why)).await?);
        }
    }
    Ok(HttpResponse::Ok().json(query.render(&List { items, next })?))
}

/// Who takes evidence back or puts it back, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = EdgeWord)]
pub struct WordBody {
    /// Who says so.
    by: String,
    /// Why.
    #[serde(default)]
    reason: Option<String>,
}

/// Takes a piece of evidence back: everything that hung on it follows. Answers with the evidence as it then stands.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/edges/{edge}/revoke", tag = "persons",
    params(("site" = String, Path), ("edge" = String, Path)),
    request_body = WordBody,
    responses(
        (status = 201, description = "Taken back", body = EdgeView),
        (status = 200, description = "It was already", body = EdgeView),
        (status = 400, body = problem::Body), (status = 404, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn revoke(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    mark(&app, &caller, path.into_inner(), &request, payload, false).await
}

/// Puts a piece of evidence back. Answers with the evidence as it then stands.
#[utoipa::path(
    post, path = "/api/v1/sites/{site}/edges/{edge}/restore", tag = "persons",
    params(("site" = String, Path), ("edge" = String, Path)),
    request_body = WordBody,
    responses(
        (status = 201, description = "Put back", body = EdgeView),
        (status = 200, description = "It was there", body = EdgeView),
        (status = 400, body = problem::Body), (status = 404, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn restore(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    mark(&app, &caller, path.into_inner(), &request, payload, true).await
}

async fn mark(
    app: &App,
    caller: &Caller,
    (slug, id): (String, String),
    request: &HttpRequest,
    payload: web::Payload,
    active: bool,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(app, &slug, Permission::Revoke)?;
    let none = || Problem::not_found("There is no such evidence.");
    let id = EdgeId::parse(&id).ok_or_else(none)?;
    let edge = app.store.edge(site.number, &id).await?.ok_or_else(none)?;
    if caller.scope.is_some() {
        find(app, caller, &site, id.as_str(), None).await?;
    }
    let body: WordBody = json::read(request, payload).await?;
    json::plain("/by", &body.by, 128)?;
    body.reason.as_deref().map_or(Ok(()), |reason| json::plain("/reason", reason, 1000))?;
    let mut response = HttpResponse::Ok();
    if edge.is_active(None) != active {
        let note = PersonalData { by: Some(body.by), reason: body.reason, ..PersonalData::default() };
        let (reference, sealed) = app.vault.seal(site.number, &note)?;
        let fact = EdgeMark { edge: id.clone(), active, received_at: app.clock.now(), note: reference };
        let seal = Seal { event: 0, reference, sealed, lookups: Vec::new() };
        let append = Append { seals: vec![seal], ..Append::of(site.number, Entry::EdgeMark(fact)) };
        if let Some(Verdict::Stored(position)) = app.store.append(append).await?.verdicts.first() {
            app.progress.wait(site.number, *position).await;
        }
        response = HttpResponse::Created();
    }
    let edge = app.store.edge(site.number, &id).await?.ok_or_else(none)?;
    let view = EdgeView::of(app, site.number, caller, &edge, None, None).await?;
    Ok(response.json(Query::of(request, app.clock.now()).render(&view)?))
}
