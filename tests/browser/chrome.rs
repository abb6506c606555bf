//! Chromium, driven over WebDriver.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use e2e::eventually;
use serde_json::{Value, json};
use thirtyfour::{By, ChromiumLikeCapabilities as _, DesiredCapabilities, WebDriver, WebElement};

/// Counts what goes wrong in a page, from its first moment on, whoever's fault it is. And no number is dialled: a
/// headless Chromium that was asked to dial follows no link or form of that page any more, with or without a tracker.
const WATCH: &str = "window.__errors = [];
    addEventListener('click', (e) => e.target.closest('a[href^=\"tel:\"]') && e.preventDefault());
    addEventListener('error', (e) => window.__errors.push(String(e.message)), true);
    addEventListener('unhandledrejection', (e) => window.__errors.push(String(e.reason)));";

/// How long a page may take for what a test waits for.
const PATIENCE: Duration = Duration::from_secs(15);

/// A browser with a fresh profile.
pub(crate) struct Browser {
    driver: WebDriver,
    process: Child,
    _profile: tempfile::TempDir,
}

/// The driver's program: `CHROMEDRIVER`, or the one on the path.
fn driver_program() -> String {
    std::env::var("CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned())
}

impl Browser {
    /// Starts one, or panics with the line that says what is missing.
    pub(crate) async fn start() -> Self {
        let program = driver_program();
        let mut process = Command::new(&program)
            .args(["--port=0", "--log-level=SEVERE"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; run `.ci/setup test`"));
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let port = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).unwrap_or(0) > 0 {
                if let Some(rest) = line.split("successfully on port ").nth(1) {
                    let port = rest.trim().trim_end_matches('.').parse::<u16>().unwrap();
                    // The pipe is read to its end, so that the driver never waits for a reader.
                    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
                    return port;
                }
                line.clear();
            }
            panic!("the driver did not say its port");
        });
        let port = port.await.unwrap();
        let profile = tempfile::tempdir().unwrap();
        let mut wanted = DesiredCapabilities::chrome();
        if let Ok(binary) = std::env::var("CHROME") {
            wanted.set_binary(&binary).unwrap();
        }
        let profile_argument = format!("--user-data-dir={}", profile.path().display());
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,1600",
            &profile_argument,
        ] {
            wanted.add_arg(argument).unwrap();
        }
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted).await.unwrap();
        let browser = Self { driver, process, _profile: profile };
        browser.before_every_page(WATCH).await;
        browser
    }

    /// Runs a script in every page before any of its own.
    pub(crate) async fn before_every_page(&self, script: &str) {
        let params = json!({"source": script});
        self.driver.cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", params).await.unwrap();
    }

    /// Opens an address, and waits until the page has loaded.
    pub(crate) async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// The element that a selector names, as soon as it is there.
    pub(crate) async fn find(&self, selector: &str) -> WebElement {
        eventually(selector, PATIENCE, async || self.driver.find(By::Css(selector)).await.ok()).await
    }

    /// Clicks an element.
    pub(crate) async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        // Where a page scrolls smoothly, the driver's own scrolling would click where the element no longer is.
        let script = "arguments[0].scrollIntoView({behavior: 'instant', block: 'center'})";
        self.driver.execute(script, vec![element.to_json().unwrap()]).await.unwrap();
        element.click().await.unwrap();
    }

    /// Types into a field.
    pub(crate) async fn type_into(&self, selector: &str, text: &str) {
        self.find(selector).await.send_keys(text).await.unwrap();
    }

    /// The value of an expression in the page.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// Waits until the address contains a text.
    pub(crate) async fn arrives_at(&self, part: &str) {
        eventually(part, PATIENCE, async || {
            self.driver.current_url().await.ok().filter(|url| url.as_str().contains(part))
        })
        .await;
    }

    /// Waits until the page's text contains another.
    pub(crate) async fn shows(&self, text: &str) {
        eventually(text, PATIENCE, async || {
            let shown = self.value("document.body.innerText").await;
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
        // The driver leads a group of its own: the browser goes with it.
        let group = format!("-{}", self.process.id());
        drop(
            Command::new("sh").args(["-c", "kill -s KILL -- \"$0\"", &group]).stderr(Stdio::null()).status(),
        );
        drop(self.process.wait());
    }
}
