//! The load generator.

use std::{path::Path, process::Command};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

/// Connections that are open at once: the budget's.
pub(crate) const CONNECTIONS: u64 = 64;
/// Threads of the load generator. It shares the machine with the server, as the budget says.
const THREADS: u32 = 2;

/// What a run of wrk measured.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Load {
    /// Answers.
    pub(crate) requests: u64,
    /// How long it took, in µs.
    pub(crate) micros: u64,
    /// Half of the answers came within so many µs.
    pub(crate) p50: u64,
    /// 99 of 100 came within so many µs.
    pub(crate) p99: u64,
    not_ok: u64,
    broken: u64,
}

impl Load {
    /// Answers per second.
    #[must_use]
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 * 1e6 / self.micros as f64
    }
}

/// Sends beacons of so many events (1 or 10) for some seconds. A run whose every answer was not 2xx is no
/// measurement.
///
/// # Errors
/// Where wrk is missing or fails, or one request did.
pub(crate) fn run(base: &str, events: u32, seconds: u64, seed: u64) -> anyhow::Result<Load> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench");
    let output = Command::new("wrk")
        .args(["-t", &THREADS.to_string(), "-c", &CONNECTIONS.to_string(), "-d", &format!("{seconds}s")])
        .args(["--timeout", "10s", "-s"])
        .arg(folder.join("beacon.lua"))
        .args([&format!("{base}/t/bench"), "--", &events.to_string(), &seed.to_string()])
        .arg(folder.join(if events == 1 { "one_event.jsonl" } else { "ten_events.jsonl" }))
        .output()
        .context("wrk cannot be run: `.ci/setup bench` installs it")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrk: {text}{}", String::from_utf8_lossy(&output.stderr));
    let line =
        text.lines().find(|line| line.starts_with('{')).with_context(|| format!("wrk said: {text}"))?;
    let load: Load = serde_json::from_str(line)?;
    ensure!(
        load.requests > 0 && load.not_ok == 0 && load.broken == 0,
        "{} of {} answers were not 2xx, {} requests broke",
        load.not_ok,
        load.requests,
        load.broken
    );
    Ok(load)
}
