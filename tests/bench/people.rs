//! `just bench-people`: how long it takes until a mistaken join is taken back, of a human with a thousand identifiers, and
//! until somebody with ten thousand events is forgotten.
//!
//! `TRAZA_BENCH_ROUNDS` (3) of each; the worst is told.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use collector::clock::{Clock as _, System};
use e2e::{
    beacon::{event, full, new_id, page_view},
    binary::{Binary, Home},
    client::Client,
    eventually,
};
use serde_json::json;

use crate::{number, say};

/// Identifiers of the human that is too many: browsers, and the e-mail address that joins them.
const IDENTIFIERS: usize = 1_000;
/// Events of the human that is forgotten.
const EVENTS: u32 = 10_000;
/// Of one beacon.
const A_BEACON: u32 = 100;
const LIMIT: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures, and says what came of it.
///
/// # Errors
/// Where an answer is slower than the budget.
pub(crate) async fn run() -> anyhow::Result<()> {
    let home = Home::new();
    let server = Binary::run(&home, home.serve()).await;
    let client = &server.client;
    client.put_site("bench", &json!({"domains": ["example.com"], "consent_default": "full"})).await;
    let (mut revokes, mut erasures) = (Vec::new(), Vec::new());
    for round in 0..number("TRAZA_BENCH_ROUNDS", 3)? {
        revokes.push(revoke(client, &format!("persona{round}@example.com")).await?);
        erasures.push(erase(client, &format!("otra{round}@example.com")).await?);
    }
    told(&format!("a join taken back among {IDENTIFIERS} identifiers, in effect"), &revokes)?;
    told(&format!("a person of {EVENTS} events forgotten, in effect"), &erasures)
}

fn told(what: &str, times: &[Duration]) -> anyhow::Result<()> {
    let worst = times.iter().max().copied().context("TRAZA_BENCH_ROUNDS must be 1 or more")?;
    say(&format!("{what}: at most {worst:.0?} of {} (limit {LIMIT:?})", times.len()))?;
    ensure!(worst <= LIMIT, "{what}: it takes longer than it may");
    Ok(())
}

/// Until the browser that does not belong there is nobody's but its own.
async fn revoke(client: &Client, email: &str) -> anyhow::Result<Duration> {
    let visitors: Vec<String> = (1..IDENTIFIERS).map(|_| new_id()).collect();
    for visitor in &visitors {
        let page = new_id();
        let form = form(&page, email);
        client.store("bench", &full(visitor, [form])).await;
    }
    settled(client).await;
    let wrong = visitors.last().context("a visitor")?;
    let path = format!("/api/v1/sites/bench/persons/{wrong}");
    let all = client.get(&path).await.expect(200)["visitors"].as_array().map(Vec::len);
    ensure!(all == Some(visitors.len()), "{all:?} browsers are one human's, of {}", visitors.len());
    let edges = client.items(&format!("{path}/edges")).await;
    let edge = edges.iter().find(|edge| edge["from"]["visitor"] == **wrong).context("no evidence")?;
    let edge = edge["id"].as_str().context("an id")?;
    let began = Instant::now();
    let word = json!({"by": "Ana", "reason": "otra persona"});
    client.post_json(&format!("/api/v1/sites/bench/edges/{edge}/revoke"), &word).await.expect(201);
    eventually("the browser is alone", PATIENCE, async || {
        (client.get(&path).await.expect(200)["visitors"].as_array()?.len() == 1).then_some(())
    })
    .await;
    let took = began.elapsed();
    let others = format!("/api/v1/sites/bench/persons/{}", visitors.first().context("a visitor")?);
    let left = client.get(&others).await.expect(200)["visitors"].as_array().map(Vec::len);
    ensure!(left == Some(visitors.len() - 1), "{left:?} browsers are left together");
    Ok(took)
}

/// Until nothing of them is on their journey any more.
async fn erase(client: &Client, email: &str) -> anyhow::Result<Duration> {
    let (visitor, now) = (new_id(), System.now());
    for _ in 0..EVENTS / A_BEACON {
        let page = new_id();
        let first = page_view(&page, now, "https://www.example.com/?utm_source=google");
        let more = (1..A_BEACON).map(|n| event(&page, n, now, "cta_click", json!({"cta": "hero"})));
        client.store("bench", &full(&visitor, std::iter::once(first).chain(more))).await;
    }
    client.store("bench", &full(&visitor, [form(&new_id(), email)])).await;
    settled(client).await;
    let journey = format!("/api/v1/sites/bench/visitors/{visitor}/journey");
    ensure!(
        !client.get(&journey).await.expect(200)["items"].as_array().context("items")?.is_empty(),
        "no journey"
    );
    let began = Instant::now();
    client.post_json(&format!("/api/v1/sites/bench/persons/{visitor}/erase"), &json!({})).await.expect(200);
    eventually("nothing is left", PATIENCE, async || {
        client.get(&journey).await.expect(200)["items"].as_array()?.is_empty().then_some(())
    })
    .await;
    Ok(began.elapsed())
}

fn form(page: &str, email: &str) -> serde_json::Value {
    let lead = json!({"kind": "form", "email": email});
    event(page, 1, System.now(), "form_submit", json!({"form": "contacto", "lead": lead}))
}

/// Longer than [`Client::settled`] waits: a thousand browsers of one human are derived again with each that comes.
async fn settled(client: &Client) {
    eventually("what is stored takes effect", PATIENCE, async || {
        (client.metric("traza_projection_lag_facts").await == Some(0.0)).then_some(())
    })
    .await;
}
