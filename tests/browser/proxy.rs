//! Passes requests on to the collector, and remembers the beacons.

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::{
        StatusCode,
        header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue},
    },
    web::{self, Bytes, Data},
};
use serde_json::Value;

/// What the browser sent to `/t/…`: each beacon's body, as text.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<String>>>);

struct Behind {
    http: reqwest::Client,
    base: String,
    sent: Sent,
    policy: Option<&'static str>,
}

/// A running proxy.
pub(crate) struct Proxy {
    base: String,
    sent: Sent,
}

impl Proxy {
    /// Starts one before a collector. `policy` becomes the Content-Security-Policy of every page under `/demo/`.
    pub(crate) async fn start(collector: &str, policy: Option<&'static str>) -> Self {
        let sent = Sent::default();
        let behind = Data::new(Behind {
            http: reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap(),
            base: collector.to_owned(),
            sent: sent.clone(),
            policy,
        });
        let server = HttpServer::new(move || {
            App::new()
                .app_data(behind.clone())
                .app_data(web::PayloadConfig::new(1 << 20))
                .default_service(web::to(pass))
        })
        .workers(1)
        .bind(("127.0.0.1", 0))
        .unwrap();
        let base = format!("http://{}", server.addrs()[0]);
        actix_web::rt::spawn(server.disable_signals().run());
        Self { base, sent }
    }

    /// Where the browser finds it.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Every beacon so far, as it travelled.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.sent.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every beacon so far.
    pub(crate) fn beacons(&self) -> Vec<Value> {
        self.texts().iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    /// Every event so far.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.beacons().iter().flat_map(|beacon| beacon["events"].as_array().cloned().unwrap()).collect()
    }
}

async fn pass(behind: Data<Behind>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if request.method() == "POST" && path.starts_with("/t/") {
        let text = String::from_utf8(body.to_vec()).unwrap();
        behind.sent.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }
    let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes()).unwrap();
    let mut onward = behind.http.request(method, format!("{}{path}", behind.base)).body(body.to_vec());
    for (name, value) in request.headers() {
        // The Host goes along: the visitor's cookie is made for the page's own host.
        if !matches!(name.as_str(), "connection" | "content-length" | "accept-encoding") {
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
    response.body(answer.bytes().await.unwrap_or_default())
}
