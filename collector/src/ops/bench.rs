//! `traza bench`: load on a running collector, and a count of what it acknowledged beside what is there.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::{Value, json};

use super::{
    progress,
    reach::{ReachOptions, Reached},
    say,
    simulate::World,
};
use crate::clock::{Clock as _, System};

/// What `traza bench` can be told.
#[derive(Debug, Args)]
pub struct BenchOptions {
    /// The site that gets the load: made for it, since what is sent stays
    #[arg(long, default_value = "bench")]
    site: String,
    /// For how long
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Requests under way at once
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=256))]
    connections: u64,
    #[command(flatten)]
    reach: ReachOptions,
}

/// What one connection did.
#[derive(Default)]
struct Done {
    beacons: u64,
    acknowledged: u64,
    refused: u64,
    waits: Vec<Duration>,
}

/// Sends, counts, compares. An error where an acknowledged event is not there, or one is there twice.
pub(super) async fn bench(options: BenchOptions) -> anyhow::Result<()> {
    anyhow::ensure!(wire::id::is_valid_site(&options.site), "site: must be 1 to 32 characters of a-z 0-9 -");
    let server = Arc::new(options.reach.reach(false).await?);
    let site = json!({"name": "Bench", "domains": ["example.com"], "consent_default": "full"});
    server.call("PUT", &format!("/api/v1/sites/{}", options.site), Some(site)).await?;
    let before = stored(&server, &options.site).await?;
    let bar = progress::bar(options.seconds, "seconds");
    let began = Instant::now();
    let end = began + Duration::from_secs(options.seconds);
    // No two runs send the same: the seed is the moment.
    let now = System.now();
    let world = World { seed: now.unsigned_abs(), until: now, days: 30, visitors: None };
    let loads: Vec<_> = (0..options.connections)
        .map(|connection| {
            let (server, site) = (Arc::clone(&server), options.site.clone());
            tokio::task::spawn_blocking(move || load(&server, &site, world, connection << 32, end))
        })
        .collect();
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(200)).await;
        bar.set_position(began.elapsed().as_secs());
    }
    let mut all = Done::default();
    for load in loads {
        let done = load.await??;
        all.beacons += done.beacons;
        all.acknowledged += done.acknowledged;
        all.refused += done.refused;
        all.waits.extend(done.waits);
    }
    let seconds = began.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let there = stored(&server, &options.site).await? - before;
    all.waits.sort_unstable();
    let rank = |of_hundred: usize| {
        let at = (all.waits.len() * of_hundred / 100).min(all.waits.len().saturating_sub(1));
        all.waits.get(at).map_or(0.0, Duration::as_secs_f64) * 1_000.0
    };
    let figures = json!({
        "seconds": seconds, "beacons": all.beacons, "refused_beacons": all.refused,
        "acknowledged": all.acknowledged, "there": there,
        "missing": all.acknowledged.saturating_sub(there), "surplus": there.saturating_sub(all.acknowledged),
        "events_per_second": (all.acknowledged as f64 / seconds).round(),
        "p50_ms": rank(50), "p99_ms": rank(99),
    });
    say(&format!("{figures:#}"))?;
    if let Ok(server) = Arc::try_unwrap(server) {
        server.leave().await?;
    }
    anyhow::ensure!(there == all.acknowledged, "what was acknowledged and what is there are not the same");
    Ok(())
}

async fn stored(server: &Reached, site: &str) -> anyhow::Result<u64> {
    let ledger = server.call("GET", &format!("/api/v1/sites/{site}/ledger"), None).await?;
    Ok(ledger.get("stored").and_then(Value::as_u64).unwrap_or_default())
}

fn load(server: &Reached, site: &str, world: World, first: u64, end: Instant) -> anyhow::Result<Done> {
    let mut done = Done::default();
    for number in first.. {
        for beacon in world.visitor(number).beacons {
            if Instant::now() >= end {
                return Ok(done);
            }
            let sent = Instant::now();
            let answer = server.beacon(site, &beacon.to_string(), "traza bench");
            done.beacons += 1;
            match answer {
                Ok(answer) => {
                    done.waits.push(sent.elapsed());
                    done.acknowledged += answer.get("accepted").and_then(Value::as_u64).unwrap_or_default();
                }
                // Not acknowledged, so it is not counted: whether it is there would be a surplus.
                Err(error) if done.acknowledged == 0 && done.refused > 100 => return Err(error),
                Err(_) => done.refused += 1,
            }
        }
    }
    Ok(done)
}
