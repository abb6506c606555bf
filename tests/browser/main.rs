//! The release binary with its embedded tracker, behind the landing page, in a real Chromium.
//!
//! Between browser and binary stands [`proxy`], which passes everything on and remembers what was sent: each story
//! asserts what arrived, and what never left the page.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation is a failed test")]

mod choice;
mod chrome;
mod dashboard;
mod fallback;
mod proxy;
mod story;

use collector::demo;
use e2e::binary::{Binary, Home};
use serde_json::{Value, json};

use crate::{chrome::Browser, proxy::Proxy};

/// A binary with the demo site, a proxy in front of it, and a browser.
struct Stage {
    browser: Browser,
    proxy: Proxy,
    binary: Binary,
    // Dropped last: the binary's data is in it.
    _home: Home,
}

/// Runs one story on a stage of its own.
fn on_stage(policy: Option<&'static str>, story: impl AsyncFnOnce(&Stage)) {
    actix_web::rt::System::new().block_on(async {
        let home = Home::new();
        let mut command = home.serve();
        command.arg("--demo");
        let binary = Binary::run(&home, command).await;
        let proxy = Proxy::start(binary.client.base(), policy).await;
        let browser = Browser::start().await;
        let stage = Stage { browser, proxy, binary, _home: home };
        story(&stage).await;
        stage.browser.quit().await;
    });
}

impl Stage {
    /// A page's address, through the proxy.
    fn page(&self, path: &str) -> String {
        format!("{}{path}", self.proxy.base())
    }

    /// Sets what the demo site does until a visitor chooses.
    async fn consent_default(&self, word: &str) {
        let config = json!({"domains": ["127.0.0.1"], "consent_default": word});
        self.binary.client.put_site(demo::SITE, &config).await;
    }

    /// The leads there are, newest first.
    async fn leads(&self) -> Vec<Value> {
        let page = self.binary.client.get("/api/v1/sites/demo/leads").await.expect(200);
        page["items"].as_array().cloned().unwrap_or_default()
    }

    /// What became of the site's events.
    async fn ledger(&self) -> Value {
        self.binary.client.get("/api/v1/sites/demo/ledger").await.expect(200)
    }
}

/// The kinds of a journey's items, in order.
fn kinds(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["kind"].as_str().unwrap_or("?")).collect()
}
