//! Who asks, and what they may.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};
use sha2::{Digest, Sha256};

use crate::{
    app::App,
    domain::token::{Permission, Role, Scope},
    error::Problem,
    project::directory::Site,
};

/// The holder of a token.
#[derive(Debug, Clone)]
pub struct Caller {
    /// What it allows.
    pub role: Role,
    /// A site's slug, or `*`.
    pub site: String,
    /// What it sees of the site.
    pub scope: Option<Scope>,
    /// The token's id; `admin` for the one of the settings.
    pub token: String,
    /// What it asks for, as the API's document names it: `GET leads/{lead}`.
    pub endpoint: String,
}

impl Caller {
    /// The site of a request, if the caller may do this there.
    ///
    /// # Errors
    /// 403 where the role or the site does not allow it; 404 where there is no such site. A token of one site learns
    /// nothing about others, not even whether they exist.
    pub fn site(&self, app: &App, slug: &str, permission: Permission) -> Result<Arc<Site>, Problem> {
        self.may(slug, permission)?;
        app.directory
            .site(slug)
            .ok_or_else(|| Problem::not_found("There is no such site. PUT /api/v1/sites/{site} creates it."))
    }

    /// Whether the caller may do this on a site, be it there or not.
    ///
    /// # Errors
    /// 403 where not.
    pub fn may(&self, slug: &str, permission: Permission) -> Result<(), Problem> {
        if self.site != "*" && self.site != slug {
            return Err(Problem::forbidden("The token is for another site."));
        }
        if !self.role.allows(permission) {
            let role = serde_json::to_value(self.role).unwrap_or_default();
            return Err(Problem::forbidden(format!(
                "The role {} does not include it.",
                role.as_str().unwrap_or("")
            )));
        }
        Ok(())
    }

    /// Whether names, e-mails and phones are shown.
    #[must_use]
    pub fn sees_contacts(&self) -> bool {
        self.role.allows(Permission::SeeContacts)
    }
}

/// What is stored of a token: its SHA-256, in hex. Tokens are 256 random bits, so nothing slower is needed.
#[must_use]
pub fn hash(token: &str) -> String {
    format!("{:x}", Sha256::digest(token))
}

/// Who holds the token of a request, by what is known of tokens now.
///
/// # Errors
/// 401 where there is none, or none that is known and has not expired.
pub fn authenticate(request: &HttpRequest) -> Result<Caller, Problem> {
    let app = request.app_data::<web::Data<App>>().ok_or_else(|| Problem::internal("no app"))?;
    let bearer = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .ok_or_else(Problem::unauthorized)?;
    let hashed = hash(bearer);
    let endpoint = endpoint(request);
    // Hashes are compared, not tokens: how long a comparison takes says nothing about the token.
    if app.settings.admin_token.as_deref().is_some_and(|admin| hash(admin) == hashed) {
        return Ok(Caller {
            role: Role::Admin,
            site: "*".to_owned(),
            scope: None,
            token: "admin".to_owned(),
            endpoint,
        });
    }
    let token = app.directory.token(&hashed, app.clock.now()).ok_or_else(Problem::unauthorized)?;
    Ok(Caller {
        role: token.role,
        site: token.site.clone(),
        scope: token.scope.clone(),
        token: token.id.clone(),
        endpoint,
    })
}

/// Method and path as the routes have it, short of the site's own part.
fn endpoint(request: &HttpRequest) -> String {
    let pattern = request.match_pattern().unwrap_or_default();
    let path = pattern.strip_prefix("/api/v1/sites/{site}/").unwrap_or(&pattern);
    format!("{} {path}", request.method())
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authenticate(request))
    }
}
