//! The browsers that pages are tested in, and what it takes to start each.

use std::{
    fmt,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Map, Value, json};

use e2e::eventually;

/// How long a driver may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Engine {
    /// Blink, by Chromium.
    Chromium,
    /// Gecko, by Firefox (ESR).
    Firefox,
    /// WebKit, by WebKitGTK's small browser.
    WebKit,
}

/// Which rows of a table of tests run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Every one.
    All,
    /// Those that every engine must pass at every run.
    Core,
}

/// What a visitor has set in their browser.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wish {
    /// Global Privacy Control, by the browser's own setting where it has one.
    pub(crate) privacy_control: bool,
    /// Cookies and storage refused, by the browser's own setting where it has one.
    pub(crate) no_storage: bool,
}

impl Engine {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::WebKit];

    /// The name in `TRAZA_ENGINES` and in the names of tests.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::WebKit => "webkit",
        }
    }

    /// What `TRAZA_ENGINES` asks for, e.g. `chromium,firefox:core`: a name, and `:core` where only core rows run.
    /// Without it Chromium, in full.
    pub(crate) fn wanted() -> Vec<(Self, Rows)> {
        let text = std::env::var("TRAZA_ENGINES").unwrap_or_else(|_| "chromium".to_owned());
        text.split(',')
            .map(|word| {
                let (name, rows) = match word.trim().split_once(':') {
                    Some((name, "core")) => (name, Rows::Core),
                    _ => (word.trim(), Rows::All),
                };
                let engine = Self::ALL.into_iter().find(|engine| engine.name() == name);
                let engine =
                    engine.unwrap_or_else(|| panic!("TRAZA_ENGINES: no engine is called {word:?}: {text}"));
                (engine, rows)
            })
            .collect()
    }

    /// Its version, as it says itself.
    pub(crate) fn version(self) -> String {
        let display = (self == Self::WebKit).then(Display::start);
        let mut command = Command::new(match self {
            Self::Chromium => {
                std::env::var_os("CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into()).into()
            }
            Self::Firefox => firefox_binary().unwrap_or_else(|| "firefox".into()),
            Self::WebKit => mini_browser(),
        });
        if let Some(display) = &display {
            command.env("DISPLAY", &display.name);
        }
        let said = command.arg("--version").output().unwrap();
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let number = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        number.unwrap_or("of unknown version").to_owned()
    }

    /// Whether a wish is a setting of the browser's own; otherwise a page has to be told by script.
    pub(crate) fn grants(self, wish: Wish) -> Wish {
        Wish {
            privacy_control: wish.privacy_control && self == Self::Firefox,
            no_storage: wish.no_storage && self != Self::WebKit,
        }
    }

    /// What WebDriver calls the capabilities of a new session. `folder` is the browser's own.
    pub(crate) fn capabilities(self, folder: &Path, wish: Wish) -> Map<String, Value> {
        // Tests wait for what they need themselves: a page whose tag is held back never finishes loading.
        let strategy = json!(if self == Self::WebKit { "none" } else { "eager" });
        let (key, options) = match self {
            Self::Chromium => ("goog:chromeOptions", chromium(folder, wish)),
            Self::Firefox => ("moz:firefoxOptions", firefox(wish)),
            Self::WebKit => {
                let binary = mini_browser();
                ("webkitgtk:browserOptions", json!({"binary": binary, "args": ["--automation"]}))
            }
        };
        Map::from_iter([("pageLoadStrategy".to_owned(), strategy), (key.to_owned(), options)])
    }

    /// Starts the driver, in a process group of its own, which the browser joins; answers where it listens.
    pub(crate) async fn start(self, folder: &Path) -> (Driver, String) {
        // The port was free a moment ago; where somebody was faster the driver ends, and another is tried.
        for _ in 0..5 {
            let mut display = (self == Self::WebKit).then(Display::start);
            let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
            let mut command = self.driver(port);
            command
                .env("TMPDIR", folder)
                .env("HOME", folder)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .process_group(0);
            if let Some(display) = &mut display {
                command.env("DISPLAY", &display.name);
            }
            let program = command.get_program().to_string_lossy().into_owned();
            let child = command.spawn();
            let child =
                child.unwrap_or_else(|error| panic!("{program}: {error}; run `.ci/setup test engines`"));
            let mut driver = Driver { child, _display: display };
            let base = format!("http://127.0.0.1:{port}");
            let what = format!("{program} is ready");
            let ready = eventually(&what, PATIENCE, async || {
                if driver.child.try_wait().unwrap().is_some() {
                    return Some(false);
                }
                reqwest::get(format!("{base}/status")).await.ok().map(|_| true)
            });
            if ready.await {
                return (driver, base);
            }
        }
        panic!("{self}: its driver ends at once, run it by hand to see why");
    }

    fn driver(self, port: u16) -> Command {
        let named = |variable: &str, usual: &str| {
            Command::new(std::env::var(variable).unwrap_or_else(|_| usual.to_owned()))
        };
        let mut command;
        match self {
            Self::Chromium => {
                command = named("CHROMEDRIVER", "chromedriver");
                command.args([&format!("--port={port}"), "--log-level=SEVERE"]);
            }
            Self::Firefox => {
                command = named("GECKODRIVER", "geckodriver");
                // Its second port is for another protocol. System access: only so can a test go offline.
                command.args(["--port", &port.to_string(), "--websocket-port", "0", "--allow-system-access"]);
            }
            Self::WebKit => {
                command = named("WEBKITDRIVER", "WebKitWebDriver");
                command.arg(format!("--port={port}"));
            }
        }
        command
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chromium => "Chromium",
            Self::Firefox => "Firefox ESR",
            Self::WebKit => "WebKit",
        })
    }
}

fn chromium(folder: &Path, wish: Wish) -> Value {
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let mut options = json!({"args": [
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
        profile,
    ]});
    if let Ok(binary) = std::env::var("CHROME") {
        options["binary"] = json!(binary);
    }
    if wish.no_storage {
        options["prefs"] = json!({"profile.default_content_setting_values.cookies": 2});
    }
    options
}

fn firefox(wish: Wish) -> Value {
    let mut options = json!({"args": ["-headless", "--width=1280", "--height=1600"]});
    if let Some(binary) = firefox_binary() {
        options["binary"] = json!(binary);
    }
    let mut prefs = json!({
        "datareporting.policy.dataSubmissionEnabled": false,
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
    });
    if wish.privacy_control {
        prefs["privacy.globalprivacycontrol.enabled"] = json!(true);
    }
    if wish.no_storage {
        prefs["network.cookie.cookieBehavior"] = json!(2);
    }
    options["prefs"] = prefs;
    options
}

/// Debian's name for it; elsewhere the driver finds the browser.
fn firefox_binary() -> Option<PathBuf> {
    let usual = PathBuf::from("/usr/bin/firefox-esr");
    std::env::var_os("FIREFOX").map(PathBuf::from).or(usual.exists().then_some(usual))
}

/// Where Debian's libraries keep it: no path leads there.
fn mini_browser() -> PathBuf {
    if let Some(path) = std::env::var_os("MINIBROWSER") {
        return path.into();
    }
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    folders
        .map(|folder| folder.path().join("webkit2gtk-4.1/MiniBrowser"))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("WebKit's MiniBrowser is not here; run `.ci/setup test engines`"))
}

/// A driver's process; ends with everything it started.
pub(crate) struct Driver {
    child: Child,
    // Ends after the browser that shows itself on it.
    _display: Option<Display>,
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The driver leads a group of its own: the browser goes with it.
        signal("KILL", &format!("-{}", self.child.id()));
        drop(self.child.wait());
    }
}

/// A screen that nobody sees, for a browser that cannot do without one.
struct Display {
    child: Child,
    name: String,
}

impl Display {
    fn start() -> Self {
        let mut child = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x1600x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("Xvfb: {error}; run `.ci/setup test engines`"));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.trim().is_empty(), "Xvfb did not say its display");
        Self { child, name: format!(":{}", line.trim()) }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // Asked, not killed: it has a lock file to take away.
        signal("TERM", &self.child.id().to_string());
        drop(self.child.wait());
    }
}

fn signal(name: &str, process: &str) {
    // The shell's own `kill`: the program of that name is not everywhere.
    let script = "kill -s \"$0\" -- \"$1\"";
    drop(Command::new("sh").args(["-c", script, name, process]).stderr(Stdio::null()).status());
}
