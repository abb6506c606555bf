//! `/api/v1/tokens`: who may ask.

use actix_web::{HttpRequest, HttpResponse, web};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    auth::{self, Caller},
    json as body, problem,
    query::{self, Query},
    shapes::List,
};
use crate::{
    app::App,
    domain::{
        fact::{Entry, HOUSE},
        token::{Permission, Role, Scope, TokenPut, TokenRevoked},
    },
    error::Problem,
    store::{Append, Verdict},
    vault,
};

/// What a new token is to allow.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewToken)]
pub struct NewToken {
    /// ingest, marketing, sales, agent or admin.
    #[schema(value_type = String, pattern = "^(ingest|marketing|sales|agent|admin)$")]
    role: Role,
    /// A site's slug, or `*` for all.
    #[schema(pattern = r"^(\*|[a-z0-9-]{1,32})$")]
    site: String,
    /// Narrows what it sees: `{"channels": […], "campaigns": […]}`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    scope: Option<Scope>,
    /// When it ends: milliseconds or RFC 3339.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    expires_at: Option<Value>,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 128)]
    label: String,
}

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenView {
    id: String,
    role: Value,
    site: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    scope: Option<Scope>,
    label: String,
    created_at: i64,
    expires_at: Option<i64>,
    /// The secret: shown once, when it is issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

fn view(token: &TokenPut, secret: Option<String>) -> TokenView {
    TokenView {
        id: token.id.clone(),
        role: json!(token.role),
        site: token.site.clone(),
        scope: token.scope.clone(),
        label: token.label.clone(),
        created_at: token.at,
        expires_at: token.expires_at,
        token: secret,
    }
}

/// Issues a token. The answer is the only place where it is ever shown.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "tokens",
    request_body = NewToken,
    responses((status = 201, body = TokenView), (status = 400, body = problem::Body), (status = 403, body = problem::Body)),
    security(("token" = []))
)]
pub async fn post(
    app: web::Data<App>,
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let new: NewToken = body::read(&request, payload).await?;
    // A token for all sites is only for those who may administer all.
    caller.may(&new.site, Permission::Administer)?;
    if new.site != "*" && app.directory.site(&new.site).is_none() {
        return Err(Problem::invalid_at("/site", "must be a site that is there, or *"));
    }
    if new.role == Role::Admin && new.scope.is_some() {
        // It could issue itself a token without one.
        return Err(Problem::invalid_at("/scope", "must be absent: an admin sees the whole site"));
    }
    if new.label.len() > 128 || new.label.chars().any(char::is_control) {
        return Err(Problem::invalid_at("/label", "must be at most 128 plain characters"));
    }
    let now = app.clock.now();
    let expires_at = match &new.expires_at {
        None | Some(Value::Null) => None,
        Some(Value::Number(ms)) => ms.as_i64(),
        Some(Value::String(text)) => query::time(text, now),
        Some(_) => Some(i64::MIN),
    };
    let wants_end = !matches!(new.expires_at, None | Some(Value::Null));
    if wants_end && expires_at.is_none_or(|end| end <= now) {
        return Err(Problem::invalid_at(
            "/expires_at",
            "must be a moment to come, in milliseconds or RFC 3339",
        ));
    }
    let wanted = Wanted { role: new.role, site: new.site, scope: new.scope, label: new.label, expires_at };
    let (token, secret) = issue(&app, wanted).await?;
    let query = Query::of(&request, now);
    Ok(HttpResponse::Created().json(query.render(&view(&token, Some(secret)))?))
}

/// What a token is to allow, checked.
pub struct Wanted {
    /// What it allows.
    pub role: Role,
    /// A site's slug, or `*`.
    pub site: String,
    /// Narrows what it sees.
    pub scope: Option<Scope>,
    /// What it is for.
    pub label: String,
    /// When it ends, ms.
    pub expires_at: Option<i64>,
}

/// Makes a token and its fact. Returns the secret, which is not kept.
///
/// # Errors
/// What the store says.
pub async fn issue(app: &App, wanted: Wanted) -> Result<(TokenPut, String), Problem> {
    let secret = format!("tz_{}", URL_SAFE_NO_PAD.encode(vault::random::<32>()?));
    let token = TokenPut {
        id: format!("t_{}", uuid::Uuid::from_bytes(vault::random::<16>()?).simple()),
        hash: auth::hash(&secret),
        role: wanted.role,
        site: wanted.site,
        scope: wanted.scope,
        label: wanted.label,
        at: app.clock.now(),
        expires_at: wanted.expires_at,
    };
    append(app, Entry::Token(token.clone())).await?;
    Ok((token, secret))
}

/// Appends a fact about tokens, and waits until it holds.
async fn append(app: &App, entry: Entry) -> Result<(), Problem> {
    let appended = app.store.append(Append::of(HOUSE, entry)).await?;
    if let Some(Verdict::Stored(position)) = appended.verdicts.first() {
        app.progress.wait(HOUSE, *position).await;
    }
    app.directory.refresh(app.store.as_ref()).await?;
    Ok(())
}

/// The tokens of the sites that the caller may administer, oldest first.
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "tokens",
    responses((status = 200, body = List<TokenView>)),
    security(("token" = []))
)]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    if !caller.role.allows(Permission::Administer) {
        return Err(Problem::forbidden("Only the role admin sees tokens."));
    }
    let items: Vec<TokenView> = app
        .directory
        .tokens()
        .iter()
        .filter(|token| caller.may(&token.site, Permission::Administer).is_ok())
        .map(|token| view(token, None))
        .collect();
    let query = Query::of(&request, app.clock.now());
    Ok(HttpResponse::Ok().json(query.render(&List { items, next: None })?))
}

/// Withdraws a token.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{token}", tag = "tokens",
    params(("token" = String, Path, description = "The token's id, not its secret")),
    responses((status = 204, description = "Withdrawn"), (status = 404, body = problem::Body)),
    security(("token" = []))
)]
pub async fn delete(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let none = || Problem::not_found("There is no such token.");
    if !caller.role.allows(Permission::Administer) {
        return Err(Problem::forbidden("Only the role admin withdraws tokens."));
    }
    let token = app.directory.tokens().into_iter().find(|token| token.id == *id).ok_or_else(none)?;
    caller.may(&token.site, Permission::Administer).map_err(|_| none())?;
    append(&app, Entry::TokenRevoked(TokenRevoked { id: token.id.clone(), at: app.clock.now() })).await?;
    Ok(HttpResponse::NoContent().finish())
}
