//! One test's world: a binary with the demo site, a proxy in front of it, a browser.

use std::{collections::BTreeSet, time::Duration};

use collector::demo;
use serde_json::{Value, json};

use super::{Browser, Engine, Proxy, Wish};
use e2e::{
    binary::{Binary, Home},
    eventually, within,
};

/// How long the collector may take for what a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where tabs are opened from.
const LAUNCH: &str = "/launch.html";

/// A binary with the demo site, a proxy in front of it, and a browser.
pub(crate) struct Stage {
    /// The visitor's browser.
    pub(crate) browser: Browser,
    /// What it speaks to.
    pub(crate) proxy: Proxy,
    /// The collector.
    pub(crate) binary: Binary,
    /// Where its data is. Dropped last.
    pub(crate) home: Home,
}

/// Runs one story in Chromium, on a stage of its own. `policy` becomes the Content-Security-Policy of the demo's pages.
pub(crate) fn on_stage(policy: Option<&'static str>, story: impl AsyncFnOnce(&Stage)) {
    actix_web::rt::System::new().block_on(async {
        let stage = Stage::new(Engine::Chromium, Wish::default(), policy).await;
        story(&stage).await;
        stage.end().await;
    });
}

impl Stage {
    /// Starts everything. A wish that is no setting of this browser's is a script in every page.
    pub(crate) async fn new(engine: Engine, wish: Wish, policy: Option<&'static str>) -> Self {
        let home = Home::new();
        let mut command = home.serve();
        // Receivers of webhooks are on this machine.
        command.args(["--demo", "--allow-private-targets"]);
        let binary = Binary::run(&home, command).await;
        let proxy = Proxy::start(binary.client.base(), policy).await;
        let granted = engine.grants(wish);
        if wish.privacy_control && !granted.privacy_control {
            proxy.before_every_page(
                "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true});",
            );
        }
        if wish.no_storage && !granted.no_storage {
            proxy.before_every_page(
                "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, \
                 {get() { throw new DOMException('refused', 'SecurityError'); }}); \
                 Object.defineProperty(document, 'cookie', {get: () => '', set() {}});",
            );
        }
        proxy.page(
            LAUNCH,
            "<!doctype html><title>Launch</title><button id=\"go\" onclick=\"window.tab = window.open(...window.plan)\">",
            None,
        );
        let browser = Browser::start(engine, wish).await;
        Self { browser, proxy, binary, home }
    }

    /// Ends the browser; the rest ends by itself.
    pub(crate) async fn end(self) {
        self.browser.quit().await;
    }

    /// A page's address, through the proxy.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.proxy.base())
    }

    /// Sets what the demo site does until a visitor chooses.
    pub(crate) async fn consent_default(&self, word: &str) {
        let config = json!({"domains": ["127.0.0.1"], "consent_default": word});
        self.binary.client.put_site(demo::SITE, &config).await;
    }

    /// Runs a script in every page of the demo before any of its own.
    pub(crate) fn before_every_page(&self, script: &str) {
        self.proxy.before_every_page(script);
    }

    /// Opens an address in a tab that closes itself, so many ms after its first script ran; returns when it is gone.
    pub(crate) async fn tab_that_closes(&self, url: &str, after_ms: u32) {
        self.launch(url, &format!("close-{after_ms}")).await;
        self.browser.becomes("!!window.tab && window.tab.closed").await;
    }

    /// Opens an address in a tab, and goes on there.
    pub(crate) async fn tab(&self, url: &str) {
        let before = self.browser.windows().await;
        self.launch(url, "tab").await;
        let new = eventually("a tab", PATIENCE, async || {
            self.browser.windows().await.into_iter().find(|window| !before.contains(window))
        });
        self.browser.switch_to(new.await).await;
    }

    /// Closes the tab, and goes on where it was opened from.
    pub(crate) async fn close_tab(&self) {
        let tab = self.browser.window().await;
        let others: Vec<_> =
            self.browser.windows().await.into_iter().filter(|window| *window != tab).collect();
        self.browser.value("void setTimeout(() => window.close())").await;
        let gone = eventually("the tab closes", PATIENCE, async || {
            (!self.browser.windows().await.contains(&tab)).then_some(())
        });
        gone.await;
        self.browser.switch_to(others[0].clone()).await;
    }

    async fn launch(&self, url: &str, name: &str) {
        self.browser.open(&self.page(LAUNCH)).await;
        self.browser.value(&format!("window.plan = {}", json!([url, name]))).await;
        self.browser.click("#go").await;
    }

    /// Waits for a condition, which is about what was sent or stored; panics with what was sent instead.
    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        if within(PATIENCE, async || holds().await.then_some(())).await.is_none() {
            panic!("not within {PATIENCE:?}: {what}; {}", self.told());
        }
    }

    /// What was sent so far, for the message of a failed test.
    pub(crate) fn told(&self) -> String {
        let lines: Vec<_> = self
            .proxy
            .attempts()
            .iter()
            .map(|attempt| {
                format!("{} ms, answered {}: {}", attempt.at.as_millis(), attempt.status, attempt.text)
            })
            .collect();
        format!("sent so far:\n{}", lines.join("\n"))
    }

    /// The ids of the events of one kind that the collector took, without repetition.
    pub(crate) fn ids(&self, kind: &str) -> BTreeSet<String> {
        let taken = self.proxy.taken().into_iter().filter(|event| event["kind"] == kind);
        taken.filter_map(|event| event["id"].as_str().map(str::to_owned)).collect()
    }

    /// The leads there are, newest first.
    pub(crate) async fn leads(&self) -> Vec<Value> {
        let page = self.binary.client.get("/api/v1/sites/demo/leads").await.expect(200);
        page["items"].as_array().cloned().unwrap_or_default()
    }

    /// What became of the site's events.
    pub(crate) async fn ledger(&self) -> Value {
        self.binary.client.get("/api/v1/sites/demo/ledger").await.expect(200)
    }
}

/// The kinds of a journey's items, in order.
pub(crate) fn kinds(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["kind"].as_str().unwrap_or("?")).collect()
}
