//! `/api/v1/sites/{site}/hooks`: the doors by which other systems tell in their own words.

use std::collections::{BTreeMap, HashSet};

use actix_web::{HttpRequest, HttpResponse, web};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{auth::Caller, check, json, problem, shapes::List};
use crate::{
    app::App,
    domain::{
        fact::{Entry, HOUSE},
        hook::{Adapter, Hook, HooksPut},
        token::Permission,
    },
    error::Problem,
    ingest::hooks::secrets::Secrets,
    project::directory::Site,
    store::{Append, Seal, Verdict},
    vault,
};

/// What stands in the place of a secret when it is shown. Given back, the secret stays.
const HIDDEN: &str = "***";
/// Asks for a new key.
const NEW: &str = "new";
/// Names that a generic hook's map may have.
const MOST_NAMES: usize = 40;
/// What a generic hook may tell of, each with the names that its map may have beside `fields.…`.
const KINDS: [(&str, &[&str]); 3] = [
    (
        "lead",
        &[
            "kind",
            "name",
            "email",
            "phone",
            "user_id",
            "visitor",
            "ref",
            "at",
            "chat_ref",
            "flag",
            "external_id",
        ],
    ),
    ("call", &["to", "from", "at", "external_id", "status", "answered", "duration_s", "agent", "recording"]),
    (
        "message",
        &["app", "from", "name", "phone", "email", "text", "chat_ref", "ctwa_clid", "at", "external_id"],
    ),
];

/// A door for another system.
#[derive(Deserialize, ToSchema)]
#[schema(as = Hook)]
pub struct HookBody {
    /// twilio, callrail, meta, google-lead-form, chatwoot or generic.
    #[schema(value_type = String)]
    adapter: Adapter,
    /// `new` makes a new key: the address is another then. Absent, the present one stays, or one is made.
    #[serde(default)]
    key: Option<String>,
    /// What the provider proves itself by. twilio: auth_token; callrail: signing_key; meta: app_secret, verify_token, and for
    /// lead forms page_token (and graph_url, where it is asked elsewhere); google-lead-form: google_key; chatwoot, generic: secret,
    /// which they may do without. `***` keeps what was set before.
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    /// Of generic: lead, call or message.
    #[serde(default)]
    kind: Option<String>,
    /// Of generic: our names, as in `POST leads`, `calls` and `messages`, each with a path such as `data.items.0.tel`, or with `=` and
    /// a fixed text.
    #[serde(default)]
    map: BTreeMap<String, String>,
}

/// All of a site's doors.
#[derive(Deserialize, ToSchema)]
#[schema(as = Hooks)]
pub struct HooksBody {
    items: Vec<HookBody>,
}

/// A door as it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = HookView)]
pub struct HookView {
    adapter: &'static str,
    /// What the provider is given as the address to send to. Who knows it knows the key in it.
    url: String,
    /// Which are set; they are shown to nobody.
    secrets: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    map: BTreeMap<String, String>,
}

fn view(app: &App, site: &Site, adapter: Adapter, secrets: &Secrets) -> HookView {
    let name = adapter.as_str();
    HookView {
        adapter: name,
        url: format!("{}/hooks/{}/{name}/{}", app.settings.public_url, site.slug, secrets.key),
        secrets: secrets.values.keys().map(|name| (name.clone(), HIDDEN.to_owned())).collect(),
        kind: secrets.kind.clone(),
        map: secrets.map.clone(),
    }
}

/// Sets the site's doors for other systems; what is not in the list is closed.
#[utoipa::path(
    put, path = "/api/v1/sites/{site}/hooks", tag = "hooks",
    params(("site" = String, Path)),
    request_body(
        content = HooksBody,
        example = json!({"items": [
            {"adapter": "twilio", "secrets": {"auth_token": "…"}},
            {"adapter": "generic", "kind": "lead", "map": {"phone": "data.tel", "external_id": "data.id"}},
        ]}),
    ),
    responses(
        (status = 200, body = List<HookView>),
        (status = 400, body = problem::Body), (status = 403, body = problem::Body), (status = 404, body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn put(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Administer)?;
    let body: HooksBody = json::read(&request, payload).await?;
    let mut known = HashSet::new();
    let (mut items, mut seals) = (Vec::new(), Vec::new());
    for (index, item) in body.items.into_iter().enumerate() {
        let pointer = format!("/items/{index}");
        if !known.insert(item.adapter) {
            return Err(Problem::invalid_at(
                format!("{pointer}/adapter"),
                "another hook is for this adapter",
            ));
        }
        let adapter = item.adapter;
        let before = Secrets::of(&app, &site, adapter).await?;
        let secrets = checked(item, before.as_ref(), &pointer)?;
        let stands = site.hooks.iter().find(|hook| hook.adapter == adapter);
        match stands {
            Some(hook) if before.as_ref() == Some(&secrets) => items.push(hook.clone()),
            _ => {
                let bytes = rmp_serde::to_vec_named(&secrets).map_err(Problem::internal)?;
                let (reference, sealed) = app.vault.seal_bytes(HOUSE, &bytes)?;
                seals.push(Seal { event: 0, reference, sealed, lookups: Vec::new() });
                items.push(Hook { adapter, secrets: reference });
            }
        }
    }
    if *site.hooks != items {
        let put = HooksPut { slug: slug.clone(), at: app.clock.now(), by: caller.token.clone(), items };
        let appended = app.store.append(Append { seals, ..Append::of(HOUSE, Entry::Hooks(put)) }).await?;
        if let Some(Verdict::Stored(position)) = appended.verdicts.first() {
            app.progress.wait(HOUSE, *position).await;
        }
        app.directory.refresh(app.store.as_ref()).await?;
        app.forms.ask_all(&site);
    }
    let site = caller.site(&app, &slug, Permission::Administer)?;
    list(&app, &site).await
}

/// The site's doors for other systems.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/hooks", tag = "hooks",
    params(("site" = String, Path)),
    responses((status = 200, body = List<HookView>), (status = 403, body = problem::Body), (status = 404, body = problem::Body)),
    security(("token" = []))
)]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Administer)?;
    list(&app, &site).await
}

async fn list(app: &App, site: &Site) -> Result<HttpResponse, Problem> {
    let mut items = Vec::with_capacity(site.hooks.len());
    for hook in site.hooks.iter() {
        items.push(view(app, site, hook.adapter, &Secrets::open(app, hook).await?));
    }
    Ok(HttpResponse::Ok().json(List { items, next: None }))
}

/// What a door is to open by.
fn checked(body: HookBody, before: Option<&Secrets>, pointer: &str) -> Result<Secrets, Problem> {
    let at = |name: &str| format!("{pointer}/{name}");
    let HookBody { adapter, key, secrets, kind, map } = body;
    let key = match (key.as_deref(), before) {
        (None, Some(before)) => before.key.clone(),
        (None | Some(NEW), _) => URL_SAFE_NO_PAD.encode(vault::random::<24>()?),
        (Some(_), _) => return Err(Problem::invalid_at(at("key"), "must be new, or absent")),
    };
    let (needed, allowed) = adapter.secrets();
    let mut values = BTreeMap::new();
    for (name, value) in secrets {
        let place = format!("{}/{}", at("secrets"), name.replace('~', "~0").replace('/', "~1"));
        if !needed.contains(&name.as_str()) && !allowed.contains(&name.as_str()) {
            let names: Vec<&str> = needed.iter().chain(allowed).copied().collect();
            return Err(Problem::invalid_at(
                place,
                format!("{} knows {}", adapter.as_str(), names.join(", ")),
            ));
        }
        let value = match (value.as_str(), before.and_then(|before| before.values.get(&name))) {
            (HIDDEN, Some(known)) => known.clone(),
            (HIDDEN, None) => return Err(Problem::invalid_at(place, "must be a value: none was set before")),
            _ => value,
        };
        check::short(&place, &value, 512)?;
        if name == "graph_url" && !["https://", "http://"].iter().any(|scheme| value.starts_with(scheme)) {
            return Err(Problem::invalid_at(
                place,
                "must be an address such as https://graph.facebook.com/v23.0",
            ));
        }
        values.insert(name, value);
    }
    if let Some(missing) = needed.iter().find(|name| !values.contains_key(**name)) {
        return Err(Problem::invalid_at(
            format!("{}/{missing}", at("secrets")),
            "must be set: by it the provider proves itself",
        ));
    }
    check_map(adapter, kind.as_deref(), &map, pointer)?;
    Ok(Secrets { key, values, kind, map })
}

fn check_map(
    adapter: Adapter,
    kind: Option<&str>,
    map: &BTreeMap<String, String>,
    pointer: &str,
) -> Result<(), Problem> {
    let at = |name: &str| format!("{pointer}/{name}");
    if adapter != Adapter::Generic {
        return match (kind, map.is_empty()) {
            (Some(_), _) => Err(Problem::invalid_at(at("kind"), "is of generic alone")),
            (None, false) => Err(Problem::invalid_at(at("map"), "is of generic alone")),
            (None, true) => Ok(()),
        };
    }
    let Some((_, names)) = KINDS.iter().find(|(name, _)| Some(*name) == kind) else {
        return Err(Problem::invalid_at(at("kind"), "must be lead, call or message"));
    };
    if map.len() > MOST_NAMES {
        return Err(Problem::invalid_at(at("map"), format!("must be at most {MOST_NAMES} names")));
    }
    for (name, path) in map {
        let place = format!("{}/{}", at("map"), name.replace('~', "~0").replace('/', "~1"));
        let is_field =
            kind == Some("lead") && name.strip_prefix("fields.").is_some_and(|field| !field.is_empty());
        if !is_field && !names.contains(&name.as_str()) {
            return Err(Problem::invalid_at(place, format!("must be one of {}", names.join(", "))));
        }
        check::short(&place, path, 256)?;
    }
    if !map.contains_key("external_id") {
        return Err(Problem::invalid_at(
            format!("{}/external_id", at("map")),
            "must say where the sender's own id stands: by it what is sent twice counts once",
        ));
    }
    Ok(())
}
