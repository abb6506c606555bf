//! The release binary, to be killed and started again.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::{ADMIN, client::Client, wait::eventually};

/// How long it may take to start, to stop, to fail.
const PATIENCE: Duration = Duration::from_secs(30);

/// The binary under test: `TRAZA_BIN`, or where `just build` leaves it. Panics with one line where there is none: a
/// test that needs it must not pass without it.
#[must_use]
pub fn path() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/traza");
    let path = std::env::var_os("TRAZA_BIN").map_or(built, PathBuf::from);
    // Whole, for it is started from other folders.
    match path.canonicalize() {
        Ok(whole) if whole.is_file() => whole,
        _ => panic!("{}: no release binary; run `just build`, or name one with TRAZA_BIN", path.display()),
    }
}

/// Nothing of this process's own settings may reach another.
fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TRAZA_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG");
}

/// What a verb said.
#[derive(Debug)]
pub struct Told {
    /// Whether it ended well.
    pub success: bool,
    /// On standard output.
    pub out: String,
    /// On standard error.
    pub errors: String,
}

impl Told {
    /// Standard output of a verb that must end well.
    pub fn well(self) -> String {
        assert!(self.success, "{self:?}");
        self.out
    }

    /// The one line of a verb that must not.
    pub fn one_line(self) -> String {
        assert!(!self.success, "it went well: {self:?}");
        assert_eq!(self.errors.lines().count(), 1, "one line: {self:?}");
        self.errors
    }
}

/// Memory that a process holds now, in MB; 0 where the system does not say.
#[must_use]
pub fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// A folder for a store and what belongs beside it. One process after the other may use it.
pub struct Home {
    folder: TempDir,
}

impl Home {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    /// A file or folder in it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command that serves from it. Nothing of this process's own settings reaches it.
    #[must_use]
    pub fn serve(&self) -> Command {
        let mut command = Command::new(path());
        self.arguments(&mut command);
        command
    }

    /// The same under another program, which gets the binary and its arguments behind its own.
    #[must_use]
    pub fn serve_under(&self, mut program: Command) -> Command {
        program.arg(path());
        self.arguments(&mut program);
        program
    }

    fn arguments(&self, command: &mut Command) {
        without_settings(command);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--store"])
            .arg(format!("sled:{}", self.join("data").display()))
            .env("TRAZA_ADMIN_TOKEN", ADMIN)
            // Loads come from one network; the limits have tests of their own.
            .env("TRAZA_LIMITS", "off")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
    }

    /// Runs another verb to its end, beside the store in `data` and with none of this process's settings.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Told {
        let mut command = Command::new(path());
        without_settings(&mut command);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        let output = command.output().expect("a process");
        Told {
            success: output.status.success(),
            out: String::from_utf8(output.stdout).expect("text"),
            errors: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// What the last process wrote to standard error.
    #[must_use]
    pub fn errors(&self) -> String {
        fs::read_to_string(self.join("stderr")).unwrap_or_default()
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

/// A running process.
pub struct Binary {
    /// Speaks to it as an admin.
    pub client: Client,
    child: Child,
}

impl Binary {
    /// Starts it, and waits until it says where it listens.
    pub async fn start(home: &Home) -> Self {
        Self::run(home, home.serve()).await
    }

    /// Starts a command of [`Home::serve`] or [`Home::serve_under`].
    pub async fn run(home: &Home, mut command: Command) -> Self {
        command.stderr(File::create(home.join("stderr")).expect("a file for errors"));
        let mut child = command.spawn().expect("a process");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let reading = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            drop(lines.read_line(&mut line));
            // The pipe stays open, and is read to its end: a server must not die of its own output.
            std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
            line
        });
        let line = tokio::time::timeout(PATIENCE, reading).await.expect("it starts in time").expect("a line");
        let Some(base) = line.split_whitespace().find(|word| word.starts_with("http://")) else {
            panic!("it did not say where it listens: {line:?}\n{}", home.errors());
        };
        Self { client: Client::new(base), child }
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub fn kill(mut self) {
        self.child.kill().expect("a signal");
        self.child.wait().expect("an end");
    }

    /// SIGTERM, as a service manager sends it. Returns the exit status.
    pub async fn terminate(&mut self) -> ExitStatus {
        // The shell's own `kill`: the program of that name is not everywhere.
        let sent = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.id().to_string()]).status();
        assert!(sent.expect("a shell").success(), "the signal was not sent");
        self.ended().await
    }

    /// Waits for the end of the process.
    async fn ended(&mut self) -> ExitStatus {
        eventually("the process ends", PATIENCE, async || self.child.try_wait().expect("a status")).await
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        // It has ended already where a test went well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
