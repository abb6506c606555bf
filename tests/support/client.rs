//! HTTP, by verbs.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};

use crate::{ADMIN, wait::holds};

/// Speaks to a collector. Clones share their connections, not their token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }

    /// A header that must be text; `None` where it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header in ASCII"))
    }

    /// The body; the status must be the one expected.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }

    /// The problem that the answer must be: RFC 9457, its type named after `code`, and readable.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let body = self.json();
        assert_eq!(body["type"], format!("/problems/{code}"), "{body}");
        assert_eq!(body["status"], status, "{body}");
        for text in ["title", "detail"] {
            assert!(body[text].as_str().is_some_and(|text| text.len() > 5), "{text} of {body}");
        }
        body
    }

    /// As [`Self::problem`], pointing at one place.
    pub fn problem_at(&self, status: u16, code: &str, pointer: &str) {
        let body = self.problem(status, code);
        assert_eq!(body["errors"][0]["pointer"], pointer, "{body}");
        assert!(body["errors"][0]["detail"].as_str().is_some_and(|text| text.len() > 5), "{body}");
    }
}

impl Client {
    /// A client of the collector at `base`, an admin until told otherwise.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            // A killed server's connections must not be found in a pool again.
            .pool_idle_timeout(Duration::from_secs(2))
            // Bodies are looked at as they travelled.
            .no_gzip()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("an HTTP client");
        Self { http, base: base.to_owned(), token: ADMIN.to_owned() }
    }

    /// Where it speaks to.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The same with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// A request without a token.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// A request with the token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(&self.token)
    }

    /// A beacon's request, ready for more headers.
    pub fn post(&self, site: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.bare(Method::POST, &format!("/t/{site}")).header("content-type", "text/plain").body(body)
    }

    /// Sends a beacon; an error where no whole answer came.
    ///
    /// # Errors
    /// What the connection says.
    pub async fn try_beacon(&self, site: &str, beacon: &Value) -> reqwest::Result<Answer> {
        read(self.post(site, beacon.to_string())).await
    }

    /// Sends a beacon.
    pub async fn beacon(&self, site: &str, beacon: &Value) -> Answer {
        self.try_beacon(site, beacon).await.expect("an answer to a beacon")
    }

    /// Sends a beacon whose every event must be stored.
    pub async fn store(&self, site: &str, beacon: &Value) {
        let answer = self.beacon(site, beacon).await.expect(200);
        let events = beacon["events"].as_array().map_or(0, Vec::len);
        assert_eq!(answer["accepted"], events, "{answer} to {beacon}");
    }

    /// Reads with the token.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// Writes JSON with the token.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::PUT, path).json(body)).await
    }

    /// Posts JSON with the token.
    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).json(body)).await
    }

    /// Creates or configures a site.
    pub async fn put_site(&self, site: &str, config: &Value) {
        let answer = self.put(&format!("/api/v1/sites/{site}"), config).await;
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    }

    /// A client with a new token.
    pub async fn role(&self, role: &str, site: &str) -> Self {
        let answer = self.post_json("/api/v1/tokens", &json!({"role": role, "site": site})).await.expect(201);
        self.with_token(answer["token"].as_str().expect("a secret"))
    }

    /// Everything of a visitor's journey, once every fact has taken effect.
    pub async fn journey(&self, site: &str, visitor: &str) -> Vec<Value> {
        self.settled().await;
        self.items(&format!("/api/v1/sites/{site}/visitors/{visitor}/journey")).await
    }

    /// Everything of a lead's journey, once every fact has taken effect.
    pub async fn lead_journey(&self, site: &str, lead: &str) -> Vec<Value> {
        self.settled().await;
        self.items(&format!("/api/v1/sites/{site}/leads/{lead}/journey")).await
    }

    /// Every lead, newest first, once every fact has taken effect.
    pub async fn leads(&self, site: &str) -> Vec<Value> {
        self.settled().await;
        self.items(&format!("/api/v1/sites/{site}/leads")).await
    }

    /// The items of a list, page by page.
    pub async fn items(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}?limit=500{cursor}")).await.expect(200);
            items.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// A site's ledger, after checking that it adds up here and on `/metrics`.
    pub async fn ledger(&self, site: &str) -> Ledger {
        let body = self.get(&format!("/api/v1/sites/{site}/ledger")).await.expect(200);
        let sum = |reasons: &Value| {
            reasons.as_object().expect("reasons").values().map(|n| n.as_u64().expect("a count")).sum::<u64>()
        };
        let number = |name: &str| body[name].as_u64().expect("a count");
        let ledger = Ledger {
            received: number("received"),
            stored: number("stored"),
            duplicate: number("duplicate"),
            rejected: sum(&body["rejected"]),
            withheld: sum(&body["withheld"]),
        };
        let parts = ledger.stored + ledger.duplicate + ledger.rejected + ledger.withheld;
        assert_eq!(ledger.received, parts, "the ledger adds up: {body}");
        let metrics = self.metrics().await;
        let expected = format!("traza_events_received_total{{site=\"{site}\"}} {}", ledger.received);
        assert!(metrics.lines().any(|line| line == expected), "{expected} in:\n{metrics}");
        ledger
    }

    /// The text of `/metrics`.
    pub async fn metrics(&self) -> String {
        let answer = send(self.bare(Method::GET, "/metrics")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text
    }

    /// A gauge or counter without labels.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let text = self.metrics().await;
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// Waits until everything stored has taken effect.
    pub async fn settled(&self) {
        holds("what is stored takes effect", async || {
            self.metric("traza_projection_lag_facts").await == Some(0.0)
        })
        .await;
    }
}

/// What became of a site's events, summed over reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Every event of a beacon answered 200.
    pub received: u64,
    /// Appended.
    pub stored: u64,
    /// Delivered before.
    pub duplicate: u64,
    /// Refused.
    pub rejected: u64,
    /// Not kept by the visitor's choice.
    pub withheld: u64,
}

/// Sends a request that must be answered.
pub async fn send(request: RequestBuilder) -> Answer {
    read(request).await.expect("an answer")
}

async fn read(request: RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, headers, text: response.text().await? })
}
