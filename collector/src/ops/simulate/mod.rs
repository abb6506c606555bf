//! `traza simulate`: a site's history whose truth is known, into a running collector or straight into a store.

mod world;

use std::sync::Arc;

use clap::Args;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use self::world::Truth;
pub(super) use self::world::World;
use super::{
    StoreOptions, progress,
    reach::{ReachOptions, Reached},
    say,
};
use crate::{
    clock::{Clock as _, System},
    ingest::{enrich::Headers, place::Place, sort},
    startup::Embedded,
};

/// What `traza simulate` can be told.
#[derive(Debug, Args)]
pub struct SimulateOptions {
    /// The site; created if it is not there
    #[arg(long, default_value = "simulated")]
    site: String,
    /// How many visitors
    #[arg(long, default_value_t = 1_000)]
    visitors: u64,
    /// The same seed gives the same visitors
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Over how many days
    #[arg(long, default_value_t = 60)]
    days: u32,
    /// The end of that time, ms since the epoch [default: the last midnight, UTC]
    #[arg(long, value_name = "MS")]
    until: Option<i64>,
    #[command(flatten)]
    reach: ReachOptions,
}

/// Beacons under way at once: enough for full groups.
const AT_ONCE: usize = 512;
/// Requests under way at once, to a running collector.
const CONNECTIONS: usize = 16;
const DAY: i64 = 86_400_000;
const USER_AGENT: &str = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36";

/// Simulates, and prints the truth as JSON.
pub(super) async fn simulate(options: SimulateOptions) -> anyhow::Result<()> {
    anyhow::ensure!(wire::id::is_valid_site(&options.site), "site: must be 1 to 32 characters of a-z 0-9 -");
    anyhow::ensure!((2..=1_800).contains(&options.days), "days: must be 2 to 1800");
    let now = System.now();
    let until = options.until.unwrap_or(now - now.rem_euclid(DAY));
    let world = World { seed: options.seed, until, days: options.days, visitors: Some(options.visitors) };
    let bar = progress::bar(options.visitors, "visitors");
    let (truth, stored) = match options.reach.store_alone() {
        Some(store) => into_store(&options, store, world, &bar).await?,
        None => into_server(&options, world, &bar).await?,
    };
    bar.finish_and_clear();
    let duplicate = truth.events - stored;
    say(&format!(
        "{:#}",
        json!({"site": options.site, "seed": options.seed, "until": until, "days": options.days,
        "stored": stored, "there_before": duplicate, "truth": truth})
    ))
}

fn config() -> Value {
    json!({"name": "Simulated", "domains": ["example.com"], "consent_default": "full"})
}

/// Through the same checks as a beacon's, without HTTP.
async fn into_store(
    options: &SimulateOptions,
    store: &StoreOptions,
    world: World,
    bar: &indicatif::ProgressBar,
) -> anyhow::Result<(Truth, u64)> {
    let embedded = Embedded::start(store.settle()?).await?;
    let server = Reached::of(&embedded);
    server.call("PUT", &format!("/api/v1/sites/{}", options.site), Some(config())).await?;
    let app = embedded.app.clone();
    let site = app.directory.site(&options.site).ok_or_else(|| anyhow::anyhow!("the site was not made"))?;
    let headers = Arc::new(Headers::of_browser(USER_AGENT));
    let mut truth = Truth::default();
    let mut sales = Vec::new();
    let mut stored = 0;
    // A visitor's beacons in order, many visitors at once.
    let mut work = stream::iter(0..options.visitors)
        .map(|number| {
            let (app, site, headers) = (app.clone(), Arc::clone(&site), Arc::clone(&headers));
            async move {
                let life = world.visitor(number);
                let mut stored = 0;
                for beacon in life.beacons {
                    let body = beacon.to_string();
                    let sorted = sort::beacon(
                        &app,
                        &site,
                        &headers,
                        |_| Place::default(),
                        body.as_bytes(),
                        None,
                        app.clock.now(),
                    )
                    .map_err(|problem| anyhow::anyhow!("{problem}"))?;
                    anyhow::ensure!(sorted.refusals.is_empty(), "a simulated event was refused");
                    let appended = app.store.append(sorted.append).await?;
                    let is_new =
                        |verdict: &&crate::store::Verdict| **verdict != crate::store::Verdict::Duplicate;
                    stored += appended.verdicts.iter().filter(is_new).count() as u64;
                }
                Ok::<_, anyhow::Error>((life.truth, life.sale, stored))
            }
        })
        .buffer_unordered(AT_ONCE);
    while let Some(done) = work.next().await {
        let (of_one, sale, new) = done?;
        truth.add(&of_one);
        sales.extend(sale);
        stored += new;
        bar.inc(1);
    }
    drop(work);
    drop((app, site));
    let server = Arc::new(server);
    sell(&server, &options.site, sales).await?;
    drop(server);
    embedded.stop().await?;
    Ok((truth, stored))
}

async fn into_server(
    options: &SimulateOptions,
    world: World,
    bar: &indicatif::ProgressBar,
) -> anyhow::Result<(Truth, u64)> {
    let server = Arc::new(options.reach.reach(false).await?);
    server.call("PUT", &format!("/api/v1/sites/{}", options.site), Some(config())).await?;
    let mut truth = Truth::default();
    let mut sales = Vec::new();
    let mut stored = 0;
    let mut work = stream::iter(0..options.visitors)
        .map(|number| {
            let (server, site) = (Arc::clone(&server), options.site.clone());
            tokio::task::spawn_blocking(move || {
                let life = world.visitor(number);
                let mut stored = 0;
                for beacon in life.beacons {
                    let answer = server.beacon(&site, &beacon.to_string(), USER_AGENT)?;
                    let count = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or_default();
                    let sent = beacon.get("events").and_then(Value::as_array).map_or(0, Vec::len) as u64;
                    anyhow::ensure!(
                        count("accepted") + count("duplicate") == sent,
                        "not all was stored: {answer}"
                    );
                    stored += count("accepted");
                }
                Ok::<_, anyhow::Error>((life.truth, life.sale, stored))
            })
        })
        .buffer_unordered(CONNECTIONS);
    while let Some(done) = work.next().await {
        let (of_one, sale, new) = done??;
        truth.add(&of_one);
        sales.extend(sale);
        stored += new;
        bar.inc(1);
    }
    drop(work);
    sell(&server, &options.site, sales).await?;
    Ok((truth, stored))
}

/// What was sold, as the house's own system tells it.
async fn sell(server: &Arc<Reached>, site: &str, sales: Vec<Value>) -> anyhow::Result<()> {
    let bar = progress::bar(sales.len() as u64, "sales");
    let mut work = stream::iter(sales)
        .map(|sale| {
            let (server, path) = (Arc::clone(server), format!("/api/v1/sites/{site}/sales"));
            tokio::task::spawn_blocking(move || server.record(&path, &sale.to_string()))
        })
        .buffer_unordered(CONNECTIONS);
    while let Some(done) = work.next().await {
        done??;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}
