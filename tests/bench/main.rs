//! `just bench`: durable events per second and acknowledgement times, beside their yardsticks, in one run.
//!
//! Three things are measured in turn, several times, and the medians told: a handler that only parses the same JSON
//! ([`noop`]), the release binary acknowledging durably, and the store's own loop without HTTP ([`store_loop`]).
//! `TRAZA_BENCH_SECONDS` (10) and `TRAZA_BENCH_ROUNDS` (3) choose how long; `TRAZA_BENCH_EVENTS` (none) has so
//! many events simulated first, and measures what is read of them, and the loads on top ([`full`]). The table goes to docs/benchmarks.md.
//! `just bench-delivery` ([`delivery`]) measures how soon leads are seen and handed over, `just bench-people` ([`people`]) how
//! soon a join is taken back and a person forgotten, `just bench-queue` ([`queue`]) how soon it is said whom to call.

mod delivery;
mod dictionary;
mod full;
mod noop;
mod people;
mod process;
mod queue;
mod report;
mod store_loop;
mod times;
mod wrk;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use e2e::binary::{Binary, Home};
use serde_json::json;

/// Events of one page view in the load.
const EVENTS_OF_A_PAGE: usize = 5;

fn main() -> anyhow::Result<()> {
    let workers = std::thread::available_parallelism()?.get();
    let verb = std::env::args().nth(1);
    if verb.as_deref() == Some("noop") {
        return actix_web::rt::System::new().block_on(noop::serve(workers));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match verb.as_deref() {
        Some("delivery") => return runtime.block_on(delivery::run()),
        Some("dictionary") => return runtime.block_on(dictionary::run()),
        Some("queue") => return runtime.block_on(queue::run()),
        Some("people") => return runtime.block_on(people::run()),
        _ => {}
    }
    let plan = Plan {
        workers,
        seconds: number("TRAZA_BENCH_SECONDS", 10)?,
        rounds: number("TRAZA_BENCH_ROUNDS", 3)?,
        fill: number("TRAZA_BENCH_EVENTS", 0)?,
    };
    ensure!(
        plan.seconds > 0 && plan.rounds > 0,
        "TRAZA_BENCH_SECONDS and TRAZA_BENCH_ROUNDS must be 1 or more"
    );
    let measured = runtime.block_on(measure(&plan))?;
    let table = report::table(&plan, &measured);
    say(&format!("\n{table}"))?;
    report::write(&table)
}

/// A number from the environment.
fn number(name: &str, default: u64) -> anyhow::Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} must be a number, not {text:?}")),
        Err(_) => Ok(default),
    }
}

/// What was asked for.
struct Plan {
    /// Threads that answer, in every server alike.
    workers: usize,
    /// Of each run.
    seconds: u64,
    rounds: u64,
    /// Events to fill a store with before it is measured full; 0 for none.
    fill: u64,
}

/// Beacons of one size: every round's figures.
#[derive(Default)]
struct Size {
    events: u32,
    noop: Vec<wrk::Load>,
    traza: Vec<Durable>,
    floor: Vec<store_loop::Floor>,
}

/// What the collector did under a load.
#[derive(Clone)]
struct Durable {
    load: wrk::Load,
    /// Events in the store at the end.
    stored: u64,
    /// What the process held at most, bytes.
    memory: Option<u64>,
    /// Of the folder at the end, bytes.
    disk: u64,
    /// Until what was stored had taken effect, after the last answer.
    catch_up: Duration,
}

/// All figures.
struct Measured {
    sizes: Vec<Size>,
    full: Option<full::Full>,
    binary_bytes: u64,
}

async fn measure(plan: &Plan) -> anyhow::Result<Measured> {
    let binary_bytes = std::fs::metadata(e2e::binary::path())?.len();
    let mut sizes = [1, 10].map(|events| Size { events, ..Size::default() });
    for round in 1..=plan.rounds {
        for size in &mut sizes {
            let events = size.events;
            let noop = noop_run(plan, events, round)?;
            let traza = fresh_run(plan, events, round).await?;
            let floor = tokio::task::spawn_blocking({
                let seconds = plan.seconds;
                move || store_loop::run(events, seconds)
            })
            .await??;
            say(&format!(
                "round {round}, {events} a beacon: no-op {:.0}/s, durable {:.0}/s ({:.0} %), p99 {:.1} ms; bare loop \
                 {:.0} events/s, p99 {:.1} ms",
                noop.per_second(),
                traza.load.per_second(),
                100.0 * traza.load.per_second() / noop.per_second(),
                traza.load.p99 as f64 / 1e3,
                floor.events_per_second,
                floor.p99 as f64 / 1e3,
            ))?;
            size.noop.push(noop);
            size.traza.push(traza);
            size.floor.push(floor);
        }
    }
    let full = if plan.fill > 0 { Some(full::run(plan).await?) } else { None };
    Ok(Measured { sizes: sizes.into(), full, binary_bytes })
}

/// The no-op handler, in a process of its own: this one again.
fn noop_run(plan: &Plan, events: u32, round: u64) -> anyhow::Result<wrk::Load> {
    struct Server(Child);
    impl Drop for Server {
        fn drop(&mut self) {
            drop(self.0.kill());
            drop(self.0.wait());
        }
    }
    let mut server =
        Server(Command::new(std::env::current_exe()?).arg("noop").stdout(Stdio::piped()).spawn()?);
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().context("a pipe")?).read_line(&mut line)?;
    wrk::run(line.trim(), events, plan.seconds, round)
}

/// The release binary on a fresh store.
async fn fresh_run(plan: &Plan, events: u32, round: u64) -> anyhow::Result<Durable> {
    let home = Home::new();
    let server = start(plan, &home).await;
    server.client.put_site("bench", &json!({"domains": ["example.com"], "consent_default": "full"})).await;
    durable_run(&home, &server, events, plan.seconds, round).await
}

async fn start(plan: &Plan, home: &Home) -> Binary {
    let mut command = home.serve();
    command.env("TRAZA_WORKERS", plan.workers.to_string());
    Binary::run(home, command).await
}

/// One load, and the proof that what was acknowledged is what was stored.
async fn durable_run(
    home: &Home,
    server: &Binary,
    events: u32,
    seconds: u64,
    seed: u64,
) -> anyhow::Result<Durable> {
    let before = server.client.ledger("bench").await;
    let load = wrk::run(server.client.base(), events, seconds, seed)?;
    let ended = Instant::now();
    server.client.settled().await;
    let catch_up = ended.elapsed();
    let ledger = server.client.ledger("bench").await;
    let stored = ledger.stored - before.stored;
    let acknowledged = load.requests * u64::from(events);
    // wrk hangs up at the end: one beacon a connection may be stored whose answer it did not wait for.
    let unread = wrk::CONNECTIONS * u64::from(events);
    ensure!(
        (acknowledged..=acknowledged + unread).contains(&stored) && ledger.received == ledger.stored,
        "{acknowledged} events were acknowledged, and the ledger says {ledger:?}"
    );
    Ok(Durable {
        load,
        stored: ledger.stored,
        memory: process::peak_memory(server.id()),
        disk: process::bytes_below(&home.join("data"))?,
        catch_up,
    })
}

fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
