//! `just bench-queue`: how long it takes to say whom to call, of a hundred thousand who wait.
//!
//! `TRAZA_BENCH_LEADS` (100,000) leads, each of a visitor with a number of their own, and 300 answers after that.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use collector::clock::{Clock as _, System};
use e2e::{
    beacon::{callback, full, new_id, page_view},
    binary::{Binary, Home},
    eventually,
};
use serde_json::json;

use crate::{number, say};

/// Browsers that leave leads at once.
const BROWSERS: u64 = 16;
const ANSWERS: usize = 300;
const LIMIT: Duration = Duration::from_millis(50);
/// Deriving a hundred thousand leads takes a minute or two.
const PATIENCE: Duration = Duration::from_secs(1_200);

/// Measures, and says what came of it.
///
/// # Errors
/// Where a lead is missing, or an answer is slower than the budget.
pub(crate) async fn run() -> anyhow::Result<()> {
    let leads = number("TRAZA_BENCH_LEADS", 100_000)?;
    let home = Home::new();
    let server = Binary::run(&home, home.serve()).await;
    let client = &server.client;
    let site = json!({"domains": ["example.com"], "consent_default": "full", "call_window": "always"});
    client.put_site("bench", &site).await;
    let nth = Arc::new(AtomicU64::new(0));
    let browsers: Vec<_> = (0..BROWSERS)
        .map(|_| {
            let (client, nth) = (client.clone(), Arc::clone(&nth));
            tokio::spawn(async move {
                loop {
                    let n = nth.fetch_add(1, Ordering::Relaxed);
                    if n >= leads {
                        break;
                    }
                    let (page, now) = (new_id(), System.now());
                    let view =
                        page_view(&page, now, "https://www.example.com/?utm_source=google&utm_medium=cpc");
                    let phone = format!("6{:08}", n % 100_000_000);
                    client.store("bench", &full(&new_id(), [view, callback(&page, 1, now, &phone)])).await;
                }
            })
        })
        .collect();
    for browser in browsers {
        browser.await?;
    }
    eventually("what is stored takes effect", PATIENCE, async || {
        (client.metric("traza_projection_lag_facts").await == Some(0.0)).then_some(())
    })
    .await;
    let mut times = Vec::with_capacity(ANSWERS);
    for _ in 0..ANSWERS {
        let began = Instant::now();
        let queue = client.get("/api/v1/sites/bench/queue").await.expect(200);
        times.push(began.elapsed());
        ensure!(
            queue["callable"] == leads,
            "{} of {leads} may be called: {}",
            queue["callable"],
            queue["held"]
        );
    }
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share).div_ceil(100).saturating_sub(1)).copied();
    let (p50, p99) = at(50).zip(at(99)).context("no answers")?;
    say(&format!(
        "whom to call of {leads} who wait: p50 {p50:.1?}, p99 {p99:.1?} of {ANSWERS} (limit {LIMIT:?})"
    ))?;
    ensure!(p99 <= LIMIT, "the queue takes longer than it may");
    Ok(())
}
