//! A browser, driven over WebDriver.

use std::{sync::Arc, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{
    By, Capabilities, WebDriver, WebElement,
    common::command::{Command, ExtensionCommand},
    common::types::WindowHandle,
};

use super::engine::{Driver, Engine, Wish};
use e2e::eventually;

/// How long a page may take for what a test waits for: the machine may be doing other things.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with a fresh profile.
pub(crate) struct Browser {
    engine: Engine,
    driver: WebDriver,
    _process: Driver,
    _folder: TempDir,
}

/// A command of WebDriver, or of one engine's driver, by its address below the session's.
#[derive(Debug)]
struct Post(&'static str, Value);

impl ExtensionCommand for Post {
    fn parameters_json(&self) -> Option<Value> {
        Some(self.1.clone())
    }

    fn method(&self) -> Method {
        Method::POST
    }

    fn endpoint(&self) -> Arc<str> {
        self.0.into()
    }
}

impl Browser {
    /// Starts one, or panics with the line that says what is missing.
    pub(crate) async fn start(engine: Engine, wish: Wish) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (process, base) = engine.start(folder.path()).await;
        let wanted = Capabilities::from(engine.capabilities(folder.path(), wish));
        let driver = WebDriver::new(&base, wanted).await.unwrap_or_else(|error| panic!("{engine}: {error}"));
        let browser = Self { engine, driver, _process: process, _folder: folder };
        // Only from here on does WebKit, without a window manager, take the pointer.
        let rect = json!({"x": 0, "y": 0, "width": 1280, "height": 1600});
        browser.post("/window/rect", rect).await;
        browser
    }

    /// Which one it is.
    pub(crate) fn engine(&self) -> Engine {
        self.engine
    }

    async fn post(&self, endpoint: &'static str, body: Value) -> Value {
        let command = Command::ExtensionCommand(Box::new(Post(endpoint, body)));
        let answer = self.driver.cmd(command).await.unwrap_or_else(|error| panic!("{endpoint}: {error}"));
        answer.body["value"].clone()
    }

    /// Opens an address, and waits until the page has loaded.
    pub(crate) async fn open(&self, url: &str) {
        self.open_early(url).await;
        self.becomes("document.readyState == 'complete'").await;
    }

    /// Opens an address, and waits no longer than until its text is there: scripts may be under way.
    pub(crate) async fn open_early(&self, url: &str) {
        // Drivers differ in when they answer, and WebKit's stops answering where it should wait for the text alone.
        self.value("window.__left = true").await;
        self.driver.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        self.becomes("!window.__left && document.readyState != 'loading'").await;
    }

    /// The element that a selector names, as soon as it is there.
    pub(crate) async fn find(&self, selector: &str) -> WebElement {
        eventually(selector, PATIENCE, async || self.driver.find(By::Css(selector)).await.ok()).await
    }

    /// Clicks an element.
    pub(crate) async fn click(&self, selector: &str) {
        self.click_times(selector, 1).await;
    }

    /// Clicks an element many times, as fast as the browser takes it.
    pub(crate) async fn click_times(&self, selector: &str, times: usize) {
        let element = self.find(selector).await;
        // Where a page scrolls smoothly, the driver's own scrolling, or one that is still under way, would click where
        // the element no longer is.
        let script = "const [element, done] = arguments;
            element.scrollIntoView({behavior: 'instant', block: 'center'});
            const settle = (was) => {
              const { x, y } = element.getBoundingClientRect();
              if (was === x + ' ' + y) done();
              else setTimeout(settle, 50, x + ' ' + y);
            };
            settle();";
        self.driver.execute_async(script, vec![element.to_json().unwrap()]).await.unwrap();
        let mut actions = vec![
            json!({"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": element.to_json().unwrap()}),
        ];
        for _ in 0..times {
            actions.push(json!({"type": "pointerDown", "button": 0}));
            actions.push(json!({"type": "pointerUp", "button": 0}));
        }
        // The pointer itself, not the driver's `click`: WebKit's waits for a window manager.
        self.post("/actions", json!({"actions": [{"type": "pointer", "id": "mouse", "actions": actions}]}))
            .await;
    }

    /// Types into a field.
    pub(crate) async fn type_into(&self, selector: &str, text: &str) {
        self.find(selector).await.send_keys(text).await.unwrap();
    }

    /// The value of an expression in the page.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        let answer = self.driver.execute(script, Vec::new()).await;
        answer.unwrap_or_else(|error| panic!("{expression}: {error}")).json().clone()
    }

    /// The same; nothing while one page goes and another comes.
    pub(crate) async fn ask(&self, expression: &str) -> Option<Value> {
        let script = format!("return ({expression});");
        self.driver.execute(script, Vec::new()).await.ok().map(|answer| answer.json().clone())
    }

    /// Waits until an expression in the page is true.
    pub(crate) async fn becomes(&self, expression: &str) {
        eventually(expression, PATIENCE, async || (self.ask(expression).await? == true).then_some(())).await;
    }

    /// Waits until the page whose address contains a text is there: its driver may already tell of one that is still to come.
    pub(crate) async fn arrives_at(&self, part: &str) {
        eventually(part, PATIENCE, async || {
            let address = self.ask("location.href").await?;
            address.as_str().is_some_and(|address| address.contains(part)).then_some(())
        })
        .await;
    }

    /// Waits until the page's text contains another.
    pub(crate) async fn shows(&self, text: &str) {
        eventually(text, PATIENCE, async || {
            let shown = self.ask("document.body.innerText").await?;
            shown.as_str().is_some_and(|shown| shown.contains(text)).then_some(())
        })
        .await;
    }

    /// What went wrong in the page so far.
    pub(crate) async fn errors(&self) -> Value {
        self.value("window.__errors").await
    }

    /// Cookies that scripts and documents of this page's host have, by name.
    pub(crate) async fn cookies(&self) -> Vec<String> {
        let all = self.driver.get_all_cookies().await.unwrap();
        all.into_iter().map(|cookie| cookie.name.clone()).collect()
    }

    /// Tells the browser that it has a network, or none, where it can be told; says whether it can.
    pub(crate) async fn online(&self, online: bool) -> bool {
        match self.engine {
            Engine::Chromium => {
                let conditions = json!({"offline": !online, "latency": 0, "throughput": -1});
                self.post("/chromium/network_conditions", json!({"network_conditions": conditions})).await;
                true
            }
            Engine::Firefox => {
                self.post("/moz/context", json!({"context": "chrome"})).await;
                self.value(&format!("Services.io.offline = {}", !online)).await;
                self.post("/moz/context", json!({"context": "content"})).await;
                true
            }
            Engine::WebKit => false,
        }
    }

    /// The windows there are.
    pub(crate) async fn windows(&self) -> Vec<WindowHandle> {
        self.driver.windows().await.unwrap()
    }

    /// The window that everything here is about.
    pub(crate) async fn window(&self) -> WindowHandle {
        self.driver.window().await.unwrap()
    }

    /// Goes on in another window.
    pub(crate) async fn switch_to(&self, window: WindowHandle) {
        self.driver.switch_to_window(window).await.unwrap();
    }

    /// A command of Chromium's own protocol.
    pub(crate) async fn devtools(&self, method: &str, params: Value) -> Value {
        self.driver.cdp().send_raw(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// A picture of the page, written where `TRAZA_SCREENSHOTS` says, if it says.
    pub(crate) async fn picture(&self, name: &str) {
        if let Some(folder) = std::env::var_os("TRAZA_SCREENSHOTS") {
            let path = std::path::Path::new(&folder).join(format!("{name}.png"));
            self.driver.screenshot(&path).await.unwrap();
        }
    }

    /// Ends the session.
    pub(crate) async fn quit(self) {
        drop(self.driver.clone().quit().await);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Where a test failed the session is open still, and closing it would wait for a driver that is about to go.
        drop(self.driver.clone().leak());
    }
}
