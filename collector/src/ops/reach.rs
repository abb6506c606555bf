//! A running server by its API, or the store itself where none runs: one way to speak to both.

use std::{
    io::Read,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;

use super::StoreOptions;
use crate::{config::Settings, startup::Embedded};

/// Whom to speak to.
#[derive(Debug, Clone, Args)]
pub(super) struct ReachOptions {
    /// The running server, such as http://127.0.0.1:8787; without it the store is opened, and no server may run on it
    #[arg(long, env = "TRAZA_URL")]
    url: Option<String>,
    /// An admin token of that server
    #[arg(long, env = "TRAZA_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Accepted in place of --token, as `traza serve` has it
    #[arg(long, env = "TRAZA_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
    #[command(flatten)]
    store: StoreOptions,
}

/// Somebody who answers.
pub(super) struct Reached {
    url: String,
    token: String,
    /// Keeps connections for those who send much.
    agent: ureq::Agent,
    embedded: Option<Embedded>,
}

impl ReachOptions {
    /// The store to be opened, where no server was named.
    pub(super) fn store_alone(&self) -> Option<&StoreOptions> {
        self.url.is_none().then_some(&self.store)
    }

    /// Finds the server, or starts one for this process alone. `may_begin`: a store that is not there is made.
    pub(super) async fn reach(&self, may_begin: bool) -> anyhow::Result<Reached> {
        if let Some(url) = &self.url {
            anyhow::ensure!(
                url.starts_with("http://"),
                "url: must begin with http://; speak to the collector itself, such as http://127.0.0.1:8787, not \
                 through its proxy"
            );
            let token = self.token.clone().or_else(|| self.admin_token.clone());
            let token =
                token.context("a running server wants an admin token: set TRAZA_TOKEN, or --token")?;
            return Ok(Reached {
                url: url.trim_end_matches('/').to_owned(),
                token,
                agent: agent(Some(LIMIT)),
                embedded: None,
            });
        }
        let settings: Settings = self.store.settle()?;
        let folder = super::folder(&settings)?;
        anyhow::ensure!(
            may_begin || folder.is_dir(),
            "{}: there is no store; name its folder with --store, or a running server with --url",
            folder.display()
        );
        let embedded = Embedded::start(settings)
            .await
            .context("without --url (TRAZA_URL) the store is opened by this process, and it could not be")?;
        let of = Reached::of(&embedded);
        Ok(Reached { embedded: Some(embedded), ..of })
    }
}

impl Reached {
    /// A server of this process's own, to be stopped by who started it.
    pub(super) fn of(embedded: &Embedded) -> Self {
        let (url, token) = (embedded.url.clone(), embedded.token.clone());
        Self { url, token, agent: agent(Some(LIMIT)), embedded: None }
    }

    /// Sends a beacon, over a connection that is kept; blocks. Refused for now, it is sent again.
    pub(super) fn beacon(&self, site: &str, body: &str, user_agent: &str) -> anyhow::Result<Value> {
        let url = format!("{}/t/{site}", self.url);
        for _ in 0..RETRIES {
            let request =
                self.agent.post(&url).header("Content-Type", "text/plain").header("User-Agent", user_agent);
            let mut response = request.send(body).with_context(|| format!("{url}: no answer"))?;
            let text = response.body_mut().read_to_string()?;
            match response.status().as_u16() {
                200 => return Ok(serde_json::from_str(&text)?),
                429 | 503 => std::thread::park_timeout(Duration::from_millis(500)),
                status => bail!("{status}: {text}"),
            }
        }
        bail!("{url}: refused {RETRIES} times; was it started with TRAZA_LIMITS=off?")
    }

    /// Sends what is told of a lead, over a connection that is kept; blocks. While the lead is not derived yet, and refused
    /// for now, it is sent again.
    pub(super) fn record(&self, path: &str, body: &str) -> anyhow::Result<()> {
        let url = format!("{}{path}", self.url);
        let began = Instant::now();
        loop {
            let request = self.agent.post(&url).header("Content-Type", "application/json");
            let request = request.header("Authorization", format!("Bearer {}", self.token));
            let mut response = request.send(body).with_context(|| format!("{url}: no answer"))?;
            match response.status().as_u16() {
                200..300 => return Ok(()),
                404 | 429 | 503 if began.elapsed() < DERIVED => {
                    std::thread::park_timeout(Duration::from_millis(100));
                }
                status => bail!("{status}: {}", response.body_mut().read_to_string()?),
            }
        }
    }

    /// Sends JSON, or nothing, and returns the answer's JSON.
    pub(super) async fn call(
        &self,
        method: &'static str,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let (url, token) = (format!("{}{path}", self.url), self.token.clone());
        tokio::task::spawn_blocking(move || {
            let text = body.map(|body| body.to_string());
            let mut response = send(method, &url, &token, text.as_deref(), Some(LIMIT))?;
            let text = response.body_mut().read_to_string()?;
            Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
        })
        .await?
    }

    /// Sends a request whose answer is long, and hands the answer to a function that may block.
    pub(super) async fn stream<T: Send + 'static>(
        &self,
        method: &'static str,
        path: &str,
        take: impl FnOnce(&mut dyn Read) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (url, token) = (format!("{}{path}", self.url), self.token.clone());
        tokio::task::spawn_blocking(move || {
            let mut response = send(method, &url, &token, None, None)?;
            take(&mut response.body_mut().as_reader())
        })
        .await?
    }

    /// Lets go: a server of this process's own is stopped, the store closed.
    pub(super) async fn leave(self) -> anyhow::Result<()> {
        match self.embedded {
            Some(embedded) => embedded.stop().await,
            None => Ok(()),
        }
    }
}

/// How long an answer may take that is not long by itself.
const LIMIT: Duration = Duration::from_secs(30);
/// How long what was stored may take until it is derived.
const DERIVED: Duration = Duration::from_secs(120);
/// How often a beacon is sent before somebody hears of it.
const RETRIES: u32 = 20;

fn agent(limit: Option<Duration>) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .tls_config(crate::tls::config())
        .timeout_connect(Some(Duration::from_secs(5)))
        .timeout_global(limit)
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_idle_connections_per_host(256)
        .build();
    ureq::Agent::new_with_config(config)
}

fn send(
    method: &str,
    url: &str,
    token: &str,
    body: Option<&str>,
    limit: Option<Duration>,
) -> anyhow::Result<ureq::http::Response<ureq::Body>> {
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(url)
        .header("Authorization", format!("Bearer {token}"))
        .header("Content-Type", "application/json")
        .body(body.unwrap_or_default().to_owned())?;
    let response = agent(limit).run(request);
    let mut response = response.with_context(|| format!("{url}: no answer; is the collector running?"))?;
    if !response.status().is_success() {
        let text = response.body_mut().read_to_string().unwrap_or_default();
        let problem: Value = serde_json::from_str(&text).unwrap_or_default();
        bail!(
            "{}: {}",
            response.status(),
            problem.get("detail").and_then(Value::as_str).unwrap_or("no reason given")
        );
    }
    Ok(response)
}
