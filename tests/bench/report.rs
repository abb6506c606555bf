//! The table: each figure beside its limit. Printed, and written between the markers of docs/benchmarks.md.

use std::{fs, path::Path};

use anyhow::Context as _;

use super::{Measured, Plan, Size, process};

const BEGIN: &str = "<!-- measured: begin (written by `just bench`) -->";
const END: &str = "<!-- measured: end -->";

/// Of the no-op handler's beacons per second.
const SHARE: f64 = 0.30;
/// Of an acknowledgement, or three times the bare loop's.
const P99_MICROS: f64 = 25_000.0;
const MEMORY_BYTES: f64 = 400e6;
const DISK_BYTES: f64 = 200.0;
const START_SECONDS: f64 = 3.0;
const BINARY_BYTES: f64 = 30e6;

/// Several rounds of one figure.
struct Figure {
    median: f64,
    least: f64,
    most: f64,
}

impl Figure {
    fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self { median: at(values.len() / 2), least: at(0), most: at(values.len().saturating_sub(1)) }
    }

    fn text(&self, show: impl Fn(f64) -> String) -> (String, String) {
        (show(self.median), format!("{}–{}", show(self.least), show(self.most)))
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn milliseconds(micros: f64) -> String {
    format!("{:.1} ms", micros / 1e3)
}

fn megabytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / 1e6)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

/// The table in Markdown.
#[must_use]
pub(crate) fn table(plan: &Plan, measured: &Measured) -> String {
    let mut text = format!(
        "{}; {} workers in each server, wrk with {} connections on the same machine; {} s a run, median of {} \
         interleaved rounds (least–most).\n\n| what | measured | range | limit | |\n|---|---|---|---|---|\n",
        process::machine(),
        plan.workers,
        super::wrk::CONNECTIONS,
        plan.seconds,
        plan.rounds,
    );
    for size in &measured.sizes {
        of_size(&mut text, size);
    }
    if let Some(full) = &measured.full {
        let name = format!("at {} million events", full.read_of / 1_000_000);
        for (events, run, noop) in [(1, &full.one, &full.noop[0]), (10, &full.ten, &full.noop[1])] {
            let share = run.load.per_second() / noop.per_second();
            row(
                &mut text,
                &format!("{name}: beacons of {events}, durable"),
                (
                    format!("{}/s", thousands(run.load.per_second())),
                    format!("{} of the no-op", percent(share)),
                ),
                "≥ 30 % of the no-op",
                verdict(share >= SHARE),
            );
            let p99 = run.load.p99 as f64;
            row(
                &mut text,
                &format!("{name}: beacons of {events}, p99"),
                (milliseconds(p99), String::new()),
                "≤ 25 ms",
                verdict(p99 <= P99_MICROS),
            );
        }
        let memory = full.ten.memory.map(|bytes| bytes as f64);
        if let Some(bytes) = memory {
            let figure = (megabytes(bytes), String::new());
            row(
                &mut text,
                &format!("{name}: memory at most"),
                figure,
                "≤ 400 MB",
                verdict(bytes <= MEMORY_BYTES),
            );
        }
        for read in &full.reads {
            let figures = (milliseconds(read.p99), format!("p50 {}", milliseconds(read.p50)));
            let limit = format!("≤ {} ms", read.limit / 1e3);
            let what = format!("{name}: {}, p99 of {}", read.what, read.answers);
            row(&mut text, &what, figures, &limit, verdict(read.p99 <= read.limit));
        }
        let disk = full.ten.disk as f64 / full.ten.stored as f64;
        let figure = (format!("{disk:.0} B"), String::new());
        row(&mut text, &format!("{name}: disk an event"), figure, "≤ 200 B", verdict(disk <= DISK_BYTES));
        let seconds = full.start.as_secs_f64();
        row(
            &mut text,
            &format!("{name}: start"),
            (format!("{seconds:.1} s"), String::new()),
            "≤ 3 s",
            verdict(seconds <= START_SECONDS),
        );
    }
    let binary = measured.binary_bytes as f64;
    row(
        &mut text,
        "release binary",
        (megabytes(binary), String::new()),
        "≤ 30 MB",
        verdict(binary <= BINARY_BYTES),
    );
    text
}

fn row(text: &mut String, what: &str, (figure, range): (String, String), limit: &str, verdict: &str) {
    text.push_str(&format!("| {what} | {figure} | {range} | {limit} | {verdict} |\n"));
}

fn of_size(text: &mut String, size: &Size) {
    let events = f64::from(size.events);
    let name = if size.events == 1 { "one event" } else { "ten events" };
    let per_second = |value: f64| format!("{}/s", thousands(value));
    let noop = Figure::of(size.noop.iter().map(super::wrk::Load::per_second));
    row(text, &format!("beacons of {name}, no-op handler"), noop.text(per_second), "", "");
    let traza = Figure::of(size.traza.iter().map(|run| run.load.per_second()));
    row(text, &format!("beacons of {name}, durable"), traza.text(per_second), "", "");
    let pairs = size.traza.iter().zip(&size.noop);
    let share = Figure::of(pairs.map(|(traza, noop)| traza.load.per_second() / noop.per_second()));
    let shown = share.text(percent);
    row(text, "… as a share of the no-op", shown, "≥ 30 %", verdict(share.median >= SHARE));
    let durable = Figure::of(size.traza.iter().map(|run| run.load.per_second() * events));
    row(text, "… in events", durable.text(per_second), "", "");
    let floor = Figure::of(size.floor.iter().map(|run| run.events_per_second));
    row(text, "… the store's bare loop, in events", floor.text(per_second), "", "");

    let floor = Figure::of(size.floor.iter().map(|run| run.p99 as f64));
    let most = P99_MICROS.max(3.0 * floor.median);
    let p50 = Figure::of(size.traza.iter().map(|run| run.load.p50 as f64));
    let p99 = Figure::of(size.traza.iter().map(|run| run.load.p99 as f64));
    row(text, "… acknowledged, p50", p50.text(milliseconds), "", "");
    let limit = format!("≤ {}", milliseconds(most));
    row(text, "… acknowledged, p99", p99.text(milliseconds), &limit, verdict(p99.median <= most));
    row(text, "… the bare loop's p99", floor.text(milliseconds), "", "");
    let noop = Figure::of(size.noop.iter().map(|run| run.p99 as f64));
    row(text, "… the no-op's p99", noop.text(milliseconds), "", "");
    let late = Figure::of(size.traza.iter().map(|run| run.catch_up.as_secs_f64() * 1e6));
    row(text, "… in effect after the last answer", late.text(milliseconds), "", "");

    // Limits of memory and disk are for ten million events; what a fresh store takes says little about them.
    let memory = Figure::of(size.traza.iter().filter_map(|run| run.memory).map(|bytes| bytes as f64));
    if !memory.most.is_nan() {
        row(text, "… memory at most", memory.text(megabytes), "", "");
    }
    let disk = Figure::of(size.traza.iter().map(|run| run.disk as f64 / run.stored as f64));
    row(text, "… disk an event", disk.text(|bytes| format!("{bytes:.0} B")), "", "");
}

/// Puts the table into docs/benchmarks.md, between its markers.
///
/// # Errors
/// Where the file or its markers are missing.
pub(crate) fn write(table: &str) -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let (before, rest) = text.split_once(BEGIN).context("docs/benchmarks.md has lost its first marker")?;
    let (_, after) = rest.split_once(END).context("docs/benchmarks.md has lost its last marker")?;
    fs::write(&path, format!("{before}{BEGIN}\n{table}{END}{after}"))?;
    Ok(())
}
