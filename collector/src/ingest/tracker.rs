//! The tracker, as served: the loader with the site's public configuration in it, the core, and what few pages need.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderMap},
    web::{self, Bytes},
};
use serde_json::json;
use wire::beacon::ConsentDefault;

use super::{cors, numbers, pixel};
use crate::{api::problem, app::App, error::Problem, project::directory::Site};

/// The loader and glue, with a hole for the configuration.
const LOADER: &str = include_str!(concat!(env!("TRAZA_TRACKER"), "/t.js"));
/// What stands in the hole.
const HOLE: &str = "__TRAZA_CONFIG__";
/// What `?traza_debug=1` shows itself with.
const DEBUG: &str = include_str!(concat!(env!("TRAZA_TRACKER"), "/debug.mjs"));
/// The inline guard, with holes for where it sends to and for whether it may, unless the visitor says otherwise.
const GUARD: &str = include_str!(concat!(env!("TRAZA_TRACKER"), "/guard.js"));
/// The first 16 hex digits of the core's SHA-256: its name.
pub const CORE_HASH: &str = env!("TRAZA_CORE_HASH");
/// The same of the module that shows numbers in place of printed ones.
pub const NUMBERS_HASH: &str = env!("TRAZA_NUMBERS_HASH");

/// A file that goes by what is in it, and so never changes.
struct Packed {
    content_type: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
    brotli: &'static [u8],
}

const CORE: Packed = Packed {
    content_type: "application/wasm",
    plain: include_bytes!(concat!(env!("TRAZA_TRACKER"), "/core.wasm")),
    gzip: include_bytes!(concat!(env!("TRAZA_TRACKER"), "/core.wasm.gz")),
    brotli: include_bytes!(concat!(env!("TRAZA_TRACKER"), "/core.wasm.br")),
};
const NUMBERS: Packed = Packed {
    content_type: "text/javascript; charset=utf-8",
    plain: include_bytes!(concat!(env!("TRAZA_TRACKER"), "/numbers.mjs")),
    gzip: include_bytes!(concat!(env!("TRAZA_TRACKER"), "/numbers.mjs.gz")),
    brotli: include_bytes!(concat!(env!("TRAZA_TRACKER"), "/numbers.mjs.br")),
};

/// A loader takes effect within this many seconds of a change of configuration.
const LOADER_CACHE: &str = "public, max-age=300, stale-while-revalidate=86400";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// What the page needs to know. All of it is public.
fn public_config(app: &App, site: &Site) -> String {
    let config = &site.config;
    let mut public = json!({
        "site": site.slug,
        "base": app.settings.public_url.clone() + &app.settings.prefix,
        "wasm": CORE_HASH,
        "consent": config.consent_default,
        "domains": config.domains,
        "keys": config.query_keys,
        "anonymous_utm": config.anonymous_utm,
        "lead_fields": config.lead_fields,
        "forms": config.forms,
        "hash_routes": config.hash_routes,
        "currency": config.currency,
        "chat_refs": config.chat_refs,
    });
    let printed = numbers::printed(site, app.clock.now());
    if !printed.is_empty() {
        public["numbers"] = json!({"printed": printed, "module": NUMBERS_HASH});
    }
    // It stands inside a script; no text of a site's may end it.
    public.to_string().replace('<', "\\u003c")
}

/// The inline guard of a site: one line of script, without its tags.
#[must_use]
pub fn guard(app: &App, site: &Site) -> String {
    let full = site.config.consent_default == ConsentDefault::Full;
    let place = format!("{}{}/{}", app.settings.public_url, app.settings.prefix, site.slug);
    GUARD.replacen("__TRAZA_PLACE__", &place, 1).replacen("__TRAZA_FULL__", if full { "1" } else { "0" }, 1)
}

/// `GET /t/{site}.js`, `GET /t/{hash}.wasm`, `GET /t/{hash}.mjs`, `GET /t/{site}.gif` and `GET /t/debug.mjs`.
pub async fn get(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    let file = request.match_info().get("site").unwrap_or_default();
    let result = if let Some(slug) = file.strip_suffix(".js") {
        loader(&app, &request, slug).await
    } else if let Some(slug) = file.strip_suffix(".gif") {
        Ok(pixel::get(&app, &request, slug).await)
    } else if file == "debug.mjs" {
        Ok(debug())
    } else if let Some(hash) = file.strip_suffix(".wasm") {
        packed(&request, &CORE, hash == CORE_HASH)
    } else if let Some(hash) = file.strip_suffix(".mjs") {
        packed(&request, &NUMBERS, hash == NUMBERS_HASH)
    } else if app.directory.site(file).is_some() {
        Err(Problem::method_not_allowed())
    } else {
        Err(Problem::not_found("There is no such file."))
    };
    let mut response = result.unwrap_or_else(|problem| {
        let mut response = problem::response(&problem);
        if problem.status == 405 {
            // A site without a file's ending takes beacons and gives nothing.
            response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("POST, OPTIONS"));
        }
        response
    });
    cors::allow_everybody(&mut response);
    response
}

async fn loader(app: &App, request: &HttpRequest, slug: &str) -> Result<HttpResponse, Problem> {
    let site = app.directory.site(slug).ok_or_else(|| Problem::not_found("There is no such site."))?;
    let config = public_config(app, &site);
    let loader = app.loaders.of(&site.slug, config, |config| LOADER.replacen(HOLE, config, 1)).await?;
    let matches =
        request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).is_some_and(
            |tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == loader.etag),
        );
    let mut response = if matches {
        HttpResponse::NotModified().finish()
    } else {
        let (encoding, body) = negotiate(request.headers(), &loader.brotli, &loader.gzip, &loader.plain);
        file(encoding, "text/javascript; charset=utf-8", body.clone())
    };
    let etag = header::HeaderValue::from_str(&loader.etag).map_err(Problem::internal)?;
    response.headers_mut().insert(header::ETAG, etag);
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static(LOADER_CACHE));
    Ok(response)
}

fn packed(request: &HttpRequest, packed: &Packed, is_current: bool) -> Result<HttpResponse, Problem> {
    if !is_current {
        return Err(Problem::not_found(
            "There is no such file any more; reload the page for the current one.",
        ));
    }
    let (encoding, body) = negotiate(request.headers(), &packed.brotli, &packed.gzip, &packed.plain);
    let mut response = file(encoding, packed.content_type, Bytes::from_static(body));
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static(FOR_EVER));
    Ok(response)
}

fn debug() -> HttpResponse {
    let mut response = file(None, "text/javascript; charset=utf-8", Bytes::from_static(DEBUG.as_bytes()));
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static(LOADER_CACHE));
    response
}

fn file(encoding: Option<&'static str>, content_type: &'static str, body: Bytes) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    // Naming an encoding, `identity` too, keeps the compressing middleware's hands off.
    response.insert_header((header::CONTENT_ENCODING, encoding.unwrap_or("identity")));
    response
        .insert_header((header::VARY, "Accept-Encoding"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .content_type(content_type)
        .body(body)
}

/// Whether a browser takes an encoding.
#[must_use]
pub fn takes(headers: &HeaderMap, encoding: &str) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    accepted.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding))
            && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// The best encoding that the browser takes.
fn negotiate<'a, T>(
    headers: &HeaderMap,
    brotli: &'a T,
    gzip: &'a T,
    plain: &'a T,
) -> (Option<&'static str>, &'a T) {
    if takes(headers, "br") {
        (Some("br"), brotli)
    } else if takes(headers, "gzip") {
        (Some("gzip"), gzip)
    } else {
        (None, plain)
    }
}
