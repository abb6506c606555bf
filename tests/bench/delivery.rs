//! `just bench-delivery`: how long a lead takes from its acknowledgement until it is in the list and until the first attempt to
//! hand it over, and how long after its moment a breach is told, beside a load of page views and with one receiver that hangs.
//!
//! `TRAZA_BENCH_LEADS` (1,000) a minute, `TRAZA_BENCH_BESIDE` (10,000) events a second beside them, for
//! `TRAZA_BENCH_SECONDS` (30).

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::ensure;
use collector::clock::{Clock as _, System};
use e2e::{
    Receiver,
    beacon::{callback, event, full, new_id, page_view},
    binary::{Binary, Home},
    receiver::Reply,
    within,
};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use crate::{number, say, times::Times};

/// Events of one beacon of the load beside.
const EVENTS: u32 = 10;
/// Browsers that send them.
const BROWSERS: u64 = 16;
/// A lead that has not come by then is missing.
const PATIENCE: Duration = Duration::from_secs(20);
/// How soon somebody was to call, in seconds; nobody does.
const TARGET: i64 = 10;
/// Between two looks at the list.
const LOOK: Duration = Duration::from_millis(100);

/// Measures, and says what came of it in a line.
///
/// # Errors
/// Where a lead is missing, or the first attempts are slower than the budget.
pub(crate) async fn run() -> anyhow::Result<()> {
    let seconds = number("TRAZA_BENCH_SECONDS", 30)?;
    let leads = number("TRAZA_BENCH_LEADS", 1_000)? * seconds / 60;
    let beside = number("TRAZA_BENCH_BESIDE", 10_000)?;
    ensure!(seconds > 0 && leads > 0, "TRAZA_BENCH_SECONDS and TRAZA_BENCH_LEADS must give a lead at least");
    let home = Home::new();
    let mut command = home.serve();
    command.arg("--allow-private-targets");
    let server = Binary::run(&home, command).await;
    let site = json!({"domains": ["example.com"], "consent_default": "full", "sla": [{"target_s": TARGET}]});
    server.client.put_site("bench", &site).await;
    let (quick, hanging, late) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    hanging.answers(|_, _| Reply::Hangs);
    let items = json!({"items": [
        {"id": "hanging", "url": hanging.url("/"), "types": ["lead.created"]},
        {"id": "quick", "url": quick.url("/"), "types": ["lead.created"]},
        {"id": "late", "url": late.url("/"), "types": ["sla.breached"]},
    ]});
    server.client.put("/api/v1/sites/bench/webhooks", &items).await.expect(200);

    // What the wall's clock says of a moment of this process.
    let (wall, mark) = (System.now(), Instant::now());
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let browsers: Vec<_> = (0..if beside == 0 { 0 } else { BROWSERS })
        .map(|_| {
            let (client, stop, sent) = (server.client.clone(), Arc::clone(&stop), Arc::clone(&sent));
            let pause = Duration::from_secs_f64(BROWSERS as f64 * f64::from(EVENTS) / beside as f64);
            tokio::spawn(async move {
                let mut ticks = interval(pause);
                while !stop.load(Ordering::Relaxed) {
                    ticks.tick().await;
                    let (visitor, page, now) = (new_id(), new_id(), System.now());
                    let first = page_view(&page, now, "https://www.example.com/?utm_source=google");
                    let more = (1..EVENTS).map(|n| event(&page, n, now, "cta_click", json!({"cta": "hero"})));
                    let beacon = full(&visitor, std::iter::once(first).chain(more));
                    if client.try_beacon("bench", &beacon).await.is_ok_and(|answer| answer.status == 200) {
                        sent.fetch_add(u64::from(EVENTS), Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();

    let acknowledged: Arc<Mutex<HashMap<String, Instant>>> = Arc::default();
    // Somebody who looks at the list all the time.
    let looking = tokio::spawn({
        let (client, stop) = (server.client.clone(), Arc::clone(&stop));
        async move {
            let mut seen: HashMap<String, Instant> = HashMap::new();
            loop {
                let last = stop.load(Ordering::Relaxed);
                let page = client.get("/api/v1/sites/bench/leads?limit=50").await.expect(200);
                for lead in page["items"].as_array().into_iter().flatten() {
                    if let Some(visitor) = lead["visitors"][0].as_str() {
                        seen.entry(visitor.to_owned()).or_insert_with(Instant::now);
                    }
                }
                if last {
                    break;
                }
                tokio::time::sleep(LOOK).await;
            }
            seen
        }
    });
    let mut ticks = interval(Duration::from_secs_f64(seconds as f64 / leads as f64));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let began = Instant::now();
    let mut asked = Vec::new();
    for nth in 0..leads {
        ticks.tick().await;
        let (client, acknowledged) = (server.client.clone(), Arc::clone(&acknowledged));
        asked.push(tokio::spawn(async move {
            let (visitor, page) = (new_id(), new_id());
            let beacon = full(&visitor, [callback(&page, 1, System.now(), &phone(nth))]);
            client.store("bench", &beacon).await;
            acknowledged.lock().unwrap_or_else(PoisonError::into_inner).insert(visitor, Instant::now());
        }));
    }
    for one in asked {
        one.await?;
    }
    let took = began.elapsed();
    let all = usize::try_from(leads)?;
    let got = within(PATIENCE, async || Some(quick.got()).filter(|got| got.len() >= all)).await;
    let told = within(PATIENCE, async || Some(late.got()).filter(|told| told.len() >= all)).await;
    stop.store(true, Ordering::Relaxed);
    for browser in browsers {
        browser.await?;
    }
    let got = got.unwrap_or_else(|| quick.got());
    let acknowledged = acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let told = told.unwrap_or_else(|| late.got());
    let breaches: Vec<f64> = told
        .iter()
        .filter_map(|message| {
            let due_at = message.json()["data"]["record"]["due_at"].as_i64()?;
            let came = wall as f64 + message.came.saturating_duration_since(mark).as_secs_f64() * 1e3;
            Some(came - due_at as f64)
        })
        .collect();
    let times: Vec<f64> = got
        .iter()
        .filter_map(|message| {
            let body = message.json();
            let since = acknowledged.get(body["data"]["visitors"][0].as_str()?)?;
            Some(message.came.saturating_duration_since(*since).as_secs_f64() * 1e3)
        })
        .collect();
    let seen = looking.await?;
    let visible: Vec<f64> = acknowledged
        .iter()
        .filter_map(|(visitor, since)| {
            Some(seen.get(visitor)?.saturating_duration_since(*since).as_secs_f64() * 1e3)
        })
        .collect();
    ensure!(times.len() == all, "{} of {all} leads were handed over", times.len());
    ensure!(visible.len() == all, "{} of {all} leads were seen in the list", visible.len());
    ensure!(breaches.len() == all, "{} of {all} breaches were told", breaches.len());
    ensure!(breaches.iter().all(|after| *after >= 0.0), "a breach was told before its moment");
    let (handed, visible, breaches) = (Times::of(times), Times::of(visible), Times::of(breaches));
    say(&format!(
        "{all} leads in {:.0} s ({:.0} a minute) beside {:.0} events/s, one receiver hanging (asked {} times); missing 0\n\
         first attempt: {handed} (limit p99 1,000 ms)\n\
         seen in the list: {visible} (limit p99 1,000 ms)\n\
         a breach told after its moment: {breaches} (limit worst 1,000 ms)",
        took.as_secs_f64(),
        all as f64 * 60.0 / took.as_secs_f64(),
        sent.load(Ordering::Relaxed) as f64 / took.as_secs_f64(),
        hanging.got().len(),
    ))?;
    ensure!(handed.p99 <= 1_000.0, "the first attempt takes longer than it may");
    ensure!(visible.p99 <= 1_000.0, "a lead is seen later than it may be");
    ensure!(breaches.worst <= 1_000.0, "a breach is told later than it may be");
    Ok(())
}

/// Different people's, each with a number of their own.
fn phone(nth: u64) -> String {
    format!("6{:08}", nth % 100_000_000)
}
