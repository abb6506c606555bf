//! `just bench-queue`: how long it takes to say whom to call, of a hundred thousand who wait, and where a call came from.
//!
//! `TRAZA_BENCH_LEADS` (100,000) leads, each of a visitor with a number of their own; after that 300 answers, and 300 calls of
//! visitors who were shown a pool's number.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::ensure;
use collector::clock::{Clock as _, System};
use e2e::{
    beacon::{callback, full, new_id, page_view},
    binary::{Binary, Home},
    client::{Client, send},
    eventually,
};
use serde_json::json;

use crate::{number, say, times::Times};

/// Browsers that leave leads at once.
const BROWSERS: u64 = 16;
const ANSWERS: usize = 300;
const CALLS: usize = 300;
const PRINTED: &str = "+34900999000";
/// Of the queue's p99 and of the calls' p95, in milliseconds.
const LIMIT: f64 = 50.0;
/// Its page asks which number to show.
const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
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
    // Everybody's clock runs: to tell of a hundred thousand that ran out in a minute is no everyday work.
    let promises = json!([{"target_s": 86_400}]);
    let site = json!({"domains": ["example.com"], "consent_default": "full", "call_window": "always", "sla": promises});
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
    derived(client).await;
    let mut times = Vec::with_capacity(ANSWERS);
    for _ in 0..ANSWERS {
        let began = Instant::now();
        let queue = client.get("/api/v1/sites/bench/queue").await.expect(200);
        times.push(began.elapsed().as_secs_f64() * 1e3);
        ensure!(
            queue["callable"] == leads,
            "{} of {leads} may be called: {}",
            queue["callable"],
            queue["held"]
        );
    }
    let (queue, calls) = (Times::of(times), Times::of(calls(client).await?));
    say(&format!(
        "whom to call of {leads} who wait, {ANSWERS} answers: {queue} (limit p99 {LIMIT} ms)\n\
         where a call came from, {CALLS} calls: {calls} (limit p95 {LIMIT} ms)"
    ))?;
    ensure!(queue.p99 <= LIMIT, "the queue takes longer than it may");
    ensure!(calls.p95 <= LIMIT, "a call's answer takes longer than it may");
    Ok(())
}

/// Waits until what is stored has taken effect.
async fn derived(client: &Client) {
    eventually("what is stored takes effect", PATIENCE, async || {
        (client.metric("traza_projection_lag_facts").await == Some(0.0)).then_some(())
    })
    .await;
}

/// Visitors are shown a number and call it; answers how long each answer took, in milliseconds.
async fn calls(client: &Client) -> anyhow::Result<Vec<f64>> {
    // One for each: a number is a visitor's for half an hour.
    let pool =
        (0..CALLS).map(|nth| json!({"number": format!("+349001{nth:05}"), "kind": "pool", "pool": "web"}));
    let printed = json!({"number": PRINTED, "kind": "printed"});
    let items: Vec<_> = std::iter::once(printed).chain(pool).collect();
    client.put("/api/v1/sites/bench/numbers", &json!({"items": items})).await.expect(200);
    let mut numbers = Vec::with_capacity(CALLS);
    for nth in 0..CALLS {
        let view =
            page_view(&new_id(), System.now(), "https://www.example.com/?utm_source=google&utm_medium=cpc");
        let beacon = full(&new_id(), [view]).to_string();
        let request = client.post("bench?numbers", beacon).header("user-agent", BROWSER);
        let shown = send(request).await.expect(200)["numbers"][PRINTED].clone();
        ensure!(shown.is_string(), "call {nth}: no number was shown");
        numbers.push(shown);
    }
    derived(client).await;
    let mut times = Vec::with_capacity(CALLS);
    for (nth, shown) in numbers.into_iter().enumerate() {
        let call = json!({
            "external_id": format!("c-{nth}"), "to": shown, "from": format!("7{nth:08}"), "at": System.now(),
            "status": "ringing",
        });
        let began = Instant::now();
        let answer = client.post_json("/api/v1/sites/bench/calls", &call).await;
        times.push(began.elapsed().as_secs_f64() * 1e3);
        let answer = answer.expect(201);
        ensure!(answer["channel"] == "paid_search", "call {nth}: {answer}");
    }
    Ok(times)
}
