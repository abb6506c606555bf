//! What the browser speaks to: pages of the test's own, and the collector behind. It remembers what was sent.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::{
        StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_SECURITY_POLICY,
            CONTENT_TYPE, HeaderName, HeaderValue, ORIGIN, RETRY_AFTER, USER_AGENT,
        },
    },
    web::{self, Bytes, Data},
};
use serde_json::Value;
use tokio::sync::watch;

use super::line::{Line, Weather};
use e2e::holds;

/// Counts what goes wrong in a page, from its first moment on, whoever's fault it is. No number is dialled and no
/// other host is visited. A tab that was opened to be closed closes itself, so many ms after its first script, and tells who opened it whether
/// the loader was there by then.
const WATCH: &str = "window.__errors = []; window.__shown = [];
addEventListener('click', (e) => {
  const link = e.composedPath().find((node) => node.localName == 'a' && node.href);
  if (link && (!/^https?:$/.test(link.protocol) || link.host != location.host)) e.preventDefault();
});
addEventListener('error', (e) => window.__errors.push(String(e.message)), true);
addEventListener('unhandledrejection', (e) => window.__errors.push(String(e.reason)));
addEventListener('pageshow', (e) => window.__shown.push(e.persisted));
addEventListener('pagehide', () => {
  if (window.opener) window.opener.there = !!(window.traza && window.traza.on);
});
if (/^close-/.test(window.name)) setTimeout(() => window.close(), +window.name.slice(6));
";

/// Where the script is that pages run before their own.
const BEFORE: &str = "/before.js";

/// A beacon that reached the server.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    /// How long after the proxy's start.
    pub(crate) at: Duration,
    /// Its body.
    pub(crate) text: String,
    /// What it was answered.
    pub(crate) status: u16,
}

/// How beacons are refused: a status, and what `Retry-After` says.
type Refusal = (u16, Option<u32>);

#[derive(Clone)]
struct Page {
    /// Its media type.
    kind: &'static str,
    text: String,
    policy: Option<String>,
}

#[derive(Default)]
struct Memory {
    attempts: Vec<Attempt>,
    requests: Vec<String>,
    visited: HashSet<String>,
}

struct Behind {
    http: reqwest::Client,
    base: String,
    began: Instant,
    /// The Content-Security-Policy of every page under `/demo/`.
    policy: Option<&'static str>,
    memory: Mutex<Memory>,
    before: Mutex<String>,
    pages: Mutex<HashMap<String, Page>>,
    /// Empty scripts, each with the address that has to be visited before it comes.
    late: Mutex<HashMap<String, String>>,
    /// Whether the collector is to think that a person drives the browser.
    driven_by_person: AtomicBool,
    refusal: Mutex<Option<Refusal>>,
    holds_tag: watch::Sender<bool>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running proxy. Pages and tag have a line each, as they have a host each; both lead to this one server.
pub(crate) struct Proxy {
    behind: Arc<Behind>,
    /// The line to the pages, and to the collector for pages that have it on their own host.
    pub(crate) pages: Line,
    /// The line to the collector on a host of its own.
    pub(crate) collector: Line,
}

impl Proxy {
    /// Starts one before a collector. `policy` becomes the Content-Security-Policy of every page under `/demo/`.
    pub(crate) async fn start(collector: &str, policy: Option<&'static str>) -> Self {
        let behind = Arc::new(Behind {
            http: reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap(),
            base: collector.to_owned(),
            began: Instant::now(),
            policy,
            memory: Mutex::default(),
            before: Mutex::new(WATCH.to_owned()),
            pages: Mutex::default(),
            late: Mutex::default(),
            driven_by_person: AtomicBool::new(false),
            refusal: Mutex::default(),
            holds_tag: watch::Sender::new(false),
        });
        let shared = Data::from(behind.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .app_data(web::PayloadConfig::new(1 << 20))
                .default_service(web::to(answer))
        })
        .workers(1)
        .bind(("127.0.0.1", 0))
        .unwrap();
        let port = server.addrs()[0].port();
        actix_web::rt::spawn(server.disable_signals().run());
        Self { behind, pages: Line::start(port).await, collector: Line::start(port).await }
    }

    /// Where the browser finds the pages.
    pub(crate) fn base(&self) -> String {
        self.pages.base()
    }

    /// Makes a page of its own. `{head}` in it becomes the script that watches; a page with a policy gets it as a
    /// file, since the policy may refuse what is written in the page.
    pub(crate) fn page(&self, path: &str, html: &str, policy: Option<&str>) {
        let script = match policy {
            Some(_) => format!("<script src=\"{BEFORE}\"></script>"),
            None => format!("<script>{}</script>", lock(&self.behind.before)),
        };
        let text = html.replacen("{head}", &script, 1);
        let page = Page { kind: "text/html; charset=utf-8", text, policy: policy.map(str::to_owned) };
        lock(&self.behind.pages).insert(path.to_owned(), page);
    }

    /// Makes something that a page of the test's own asks for: a script, a style, a route's data.
    pub(crate) fn file(&self, path: &str, kind: &'static str, text: String) {
        lock(&self.behind.pages).insert(path.to_owned(), Page { kind, text, policy: None });
    }

    /// Runs a script in every page before any of its own; in pages that are made from now on, or are the demo's.
    pub(crate) fn before_every_page(&self, script: &str) {
        lock(&self.behind.before).push_str(script);
    }

    /// Makes an empty script that comes when another address was visited.
    pub(crate) fn script_after(&self, path: &str, signal: &str) {
        lock(&self.behind.late).insert(path.to_owned(), signal.to_owned());
    }

    /// From here on no browser says that nobody sits before it.
    pub(crate) fn person(&self) {
        self.behind.driven_by_person.store(true, Ordering::Relaxed);
    }

    /// Refuses every beacon from now on, or none.
    pub(crate) fn refuse(&self, refusal: Option<Refusal>) {
        *lock(&self.behind.refusal) = refusal;
    }

    /// Holds the tag back, or lets it go.
    pub(crate) fn hold_tag(&self, held: bool) {
        self.behind.holds_tag.send_replace(held);
    }

    /// Sets the weather of both lines.
    pub(crate) fn weather(&self, weather: Weather) {
        self.pages.set(weather);
        self.collector.set(weather);
    }

    /// Every request to the collector so far: its first line, its headers and its body.
    pub(crate) fn requests(&self) -> Vec<String> {
        lock(&self.behind.memory).requests.clone()
    }

    /// Whether anything asked for an address that is none of the collector's.
    pub(crate) fn visited(&self, path: &str) -> bool {
        lock(&self.behind.memory).visited.contains(path)
    }

    /// Every beacon so far, taken or refused.
    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        lock(&self.behind.memory).attempts.clone()
    }

    /// Every beacon so far, as it travelled.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.attempts().into_iter().map(|attempt| attempt.text).collect()
    }

    /// Every beacon so far.
    pub(crate) fn beacons(&self) -> Vec<Value> {
        self.texts().iter().map(|text| parse(text)).collect()
    }

    /// Every event so far, each id once: a page that ends before its answer may have to say an event again.
    pub(crate) fn events(&self) -> Vec<Value> {
        let mut seen = HashSet::new();
        let all = self.beacons().into_iter().flat_map(|beacon| events_of(&beacon));
        all.filter(|event| seen.insert(event["id"].to_string())).collect()
    }

    /// Every event so far of a beacon that was taken.
    pub(crate) fn taken(&self) -> Vec<Value> {
        let attempts = self.attempts().into_iter().filter(|attempt| attempt.status == 200);
        attempts.flat_map(|attempt| events_of(&parse(&attempt.text))).collect()
    }
}

/// A beacon as the collector reads it: the guard's are written out.
fn parse(text: &str) -> Value {
    let written = collector::ingest::guard::expand(Bytes::copy_from_slice(text.as_bytes()));
    serde_json::from_slice(&written)
        .unwrap_or_else(|error| panic!("a beacon that is not JSON ({error}): {text}"))
}

fn events_of(beacon: &Value) -> Vec<Value> {
    beacon["events"].as_array().cloned().unwrap_or_else(|| panic!("a beacon without events: {beacon}"))
}

async fn answer(behind: Data<Behind>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let path = request.path().to_owned();
    if !path.starts_with("/t/") {
        lock(&behind.memory).visited.insert(path.clone());
    }
    if path == BEFORE {
        return HttpResponse::Ok().content_type("text/javascript").body(lock(&behind.before).clone());
    }
    let signal = lock(&behind.late).get(&path).cloned();
    if let Some(signal) = signal {
        holds("the page's signal", async || lock(&behind.memory).visited.contains(&signal)).await;
        return HttpResponse::Ok().content_type("text/javascript").body("");
    }
    let page = lock(&behind.pages).get(&path).cloned();
    if let Some(page) = page {
        let mut response = HttpResponse::Ok();
        response.content_type(page.kind);
        if let Some(policy) = page.policy {
            response.insert_header((CONTENT_SECURITY_POLICY, policy));
        }
        return response.body(page.text);
    }
    if !path.starts_with("/t/") {
        return pass(&behind, &request, body).await;
    }
    let text = String::from_utf8_lossy(&body).into_owned();
    lock(&behind.memory).requests.push(whole(&request, &text));
    if path.ends_with(".js") {
        drop(behind.holds_tag.subscribe().wait_for(|held| !held).await);
    }
    if request.method() != "POST" {
        return pass(&behind, &request, body).await;
    }
    let at = behind.began.elapsed();
    let refusal = *lock(&behind.refusal);
    let response = match refusal {
        Some(refusal) => refused(&request, refusal),
        None => pass(&behind, &request, body).await,
    };
    lock(&behind.memory).attempts.push(Attempt { at, text, status: response.status().as_u16() });
    response
}

fn whole(request: &HttpRequest, body: &str) -> String {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    }
    text.push_str(body);
    text
}

/// A refusal as the collector makes it: the page's script may read it, `Retry-After` too.
fn refused(request: &HttpRequest, (status, after): Refusal) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap());
    if let Some(origin) = request.headers().get(ORIGIN) {
        response.insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()));
        response.insert_header(("access-control-allow-credentials", "true"));
        response.insert_header((ACCESS_CONTROL_EXPOSE_HEADERS, "Retry-After"));
    }
    if let Some(seconds) = after {
        response.insert_header((RETRY_AFTER, seconds.to_string()));
    }
    response.finish()
}

async fn pass(behind: &Behind, request: &HttpRequest, body: Bytes) -> HttpResponse {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes()).unwrap();
    let mut onward = behind.http.request(method, format!("{}{path}", behind.base)).body(body.to_vec());
    for (name, value) in request.headers() {
        // The Host goes along: the visitor's cookie is made for the page's own host.
        if matches!(name.as_str(), "connection" | "content-length" | "accept-encoding") {
            continue;
        }
        if name == USER_AGENT && behind.driven_by_person.load(Ordering::Relaxed) {
            let said = String::from_utf8_lossy(value.as_bytes());
            onward = onward.header(name.as_str(), said.replace("Headless", ""));
        } else {
            onward = onward.header(name.as_str(), value.as_bytes());
        }
    }
    let Ok(answer) = onward.send().await else { return HttpResponse::BadGateway().finish() };
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status().as_u16()).unwrap());
    for (name, value) in answer.headers() {
        if !matches!(name.as_str(), "connection" | "content-length" | "transfer-encoding") {
            let name = HeaderName::from_bytes(name.as_str().as_bytes()).unwrap();
            response.append_header((name, HeaderValue::from_bytes(value.as_bytes()).unwrap()));
        }
    }
    if let Some(policy) = behind.policy.filter(|_| path.starts_with("/demo/")) {
        response.insert_header((CONTENT_SECURITY_POLICY, policy));
    }
    let html = answer
        .headers()
        .get(CONTENT_TYPE.as_str())
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let body = answer.bytes().await.unwrap_or_default();
    if !html {
        return response.body(body);
    }
    let script = format!("<head><script src=\"{BEFORE}\"></script>");
    response.body(String::from_utf8_lossy(&body).replacen("<head>", &script, 1))
}
