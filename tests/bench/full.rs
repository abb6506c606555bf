//! A store with many events: `traza simulate`'s history, what is read of it, and then the loads again.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use e2e::{binary::Home, client::Client, wait::eventually};
use serde_json::Value;

use super::{Durable, Plan, durable_run, noop_run, say, start, wrk};

/// Simulated events of one visitor, rounded down: what is asked for is reached.
const EVENTS_OF_A_VISITOR: u64 = 18;
/// Days of the simulated history.
const DAYS: u64 = 365;
/// Deriving everything takes minutes.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// Answers of each report: one in a hundred is more than one of them.
const REPORTS: usize = 300;

/// What was measured.
pub(crate) struct Full {
    pub(crate) one: Durable,
    pub(crate) ten: Durable,
    /// The no-op handler's beacons of one and of ten, measured right before: machines change their pace.
    pub(crate) noop: [wrk::Load; 2],
    /// From the start of the process until it says where it listens.
    pub(crate) start: Duration,
    /// Events in the history that was read.
    pub(crate) read_of: u64,
    pub(crate) reads: Vec<Read>,
}

/// How long one kind of answer takes, asked for by one client, one after the other.
pub(crate) struct Read {
    pub(crate) what: &'static str,
    pub(crate) answers: usize,
    /// Half of the answers came within so many µs.
    pub(crate) p50: f64,
    /// 99 of 100 came within so many µs.
    pub(crate) p99: f64,
    /// Of the p99, in µs.
    pub(crate) limit: f64,
}

/// Fills a store, and measures it.
pub(crate) async fn run(plan: &Plan) -> anyhow::Result<Full> {
    let home = Home::new();
    let began = Instant::now();
    let visitors = plan.fill.div_ceil(EVENTS_OF_A_VISITOR).to_string();
    let days = DAYS.to_string();
    let store = format!("sled:{}", home.join("data").display());
    home.run(&["simulate", "--site", "bench", "--visitors", &visitors, "--days", &days, "--store", &store])
        .well();
    say(&format!("{visitors} visitors simulated in {:.0?}", began.elapsed()))?;

    let mut server = start(plan, &home).await;
    eventually("the history takes effect", PATIENCE, async || {
        (server.client.metric("traza_projection_lag_facts").await == Some(0.0)).then_some(())
    })
    .await;
    say(&format!("counted, and every journey derived, after {:.0?}", began.elapsed()))?;
    ensure!(server.terminate().await.success(), "it did not stop cleanly: {}", home.errors());
    let began = Instant::now();
    let server = start(plan, &home).await;
    let start = began.elapsed();

    let read_of = server.client.ledger("bench").await.stored;
    ensure!(read_of >= plan.fill, "{read_of} events were simulated, {} were asked for", plan.fill);
    let reads = reads(&server.client).await?;
    let noop_one = noop_run(plan, 1, 1)?;
    let one = durable_run(&home, &server, 1, plan.seconds, 1).await?;
    let noop_ten = noop_run(plan, 10, 2)?;
    let ten = durable_run(&home, &server, 10, plan.seconds, 2).await?;
    Ok(Full { one, ten, noop: [noop_one, noop_ten], start, read_of, reads })
}

const COUNTERS: &str = "/api/v1/sites/bench/reports/counters";

/// What people wait for, right after a start: each journey and each page of leads once, so that nothing is warm which
/// is not warm in use.
async fn reads(client: &Client) -> anyhow::Result<Vec<Read>> {
    let (_, month) = timed(client, COUNTERS).await?;
    let year: u32 =
        month["until_day"].as_str().and_then(|day| day.get(..4)?.parse().ok()).context("a day")?;
    // All of the history: more than a year.
    let since = format!("since_day={}-01-01", year - 1);

    // Some visitors of every day.
    let (_, days) = timed(client, &format!("{COUNTERS}?{since}&group_by=day")).await?;
    let mut journeys = Vec::new();
    for day in days["rows"].as_array().context("rows")? {
        let (_, visitors) =
            timed(client, &format!("{}&limit=2", day["explain"].as_str().context("a path")?)).await?;
        let paths = visitors["items"].as_array().context("items")?.iter();
        journeys.extend(paths.filter_map(|visitor| visitor["journey"].as_str().map(str::to_owned)));
    }
    let visitors = read(client, "a visitor's journey", 5e3, journeys).await?;
    let (pages, of_leads) = leads(client).await?;
    let again = |query: &str| vec![format!("{COUNTERS}?{query}"); REPORTS];
    let whole = again(&format!("{since}&group_by=channel,source,campaign"));
    let finest = again("group_by=day,channel,source,campaign,cta");
    Ok(vec![
        visitors,
        pages,
        read(client, "a lead's journey", 5e3, of_leads).await?,
        read(client, "counters of 30 days, by channel", 100e3, again("group_by=channel")).await?,
        read(client, "counters of all days, by channel, source, campaign", 100e3, whole).await?,
        read(client, "counters of 30 days, by all there is", 100e3, finest).await?,
    ])
}

/// An answer and the µs until it was there.
async fn timed(client: &Client, path: &str) -> anyhow::Result<(f64, Value)> {
    let began = Instant::now();
    let answer = client.get(path).await;
    let micros = began.elapsed().as_secs_f64() * 1e6;
    ensure!(answer.status == 200, "{path} was answered {}: {}", answer.status, answer.text);
    Ok((micros, serde_json::from_str(&answer.text)?))
}

async fn read(client: &Client, what: &'static str, limit: f64, paths: Vec<String>) -> anyhow::Result<Read> {
    let mut waits = Vec::new();
    for path in paths {
        waits.push(timed(client, &path).await?.0);
    }
    Read::of(what, limit, waits)
}

/// The list of leads from its newest to its oldest, and the journey of one lead of each page.
async fn leads(client: &Client) -> anyhow::Result<(Read, Vec<String>)> {
    let (mut waits, mut journeys, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let (wait, page) = timed(client, &format!("/api/v1/sites/bench/leads?limit=50{cursor}")).await?;
        waits.push(wait);
        let lead = page["items"][0]["id"].as_str();
        journeys.extend(lead.map(|id| format!("/api/v1/sites/bench/leads/{id}/journey")));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok((Read::of("a page of 50 leads", 300e3, waits)?, journeys)),
        }
    }
}

impl Read {
    fn of(what: &'static str, limit: f64, mut waits: Vec<f64>) -> anyhow::Result<Self> {
        waits.sort_by(f64::total_cmp);
        let within = |share: usize| waits.get((waits.len() * share).div_ceil(100).max(1) - 1).copied();
        let (p50, p99) = within(50).zip(within(99)).with_context(|| format!("nothing was read: {what}"))?;
        let read = Self { what, answers: waits.len(), p50, p99, limit };
        say(&format!("{what}: p50 {:.1} ms, p99 {:.1} ms of {}", p50 / 1e3, p99 / 1e3, read.answers))?;
        Ok(read)
    }
}
