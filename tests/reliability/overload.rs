//! More than it can take, for a while: memory stays, nothing acknowledged is lost, and then all is well at once.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use collector::clock::{Clock as _, System};
use e2e::{
    beacon::{event, full, new_id, page_view},
    binary::{Binary, Home, resident},
    load::Outcome,
};
use serde_json::{Value, json};

/// Browsers that send at once: ten times those of the benchmark.
const BROWSERS: usize = 640;
/// Memory that it may take in all, in MB: the store's cache, the queue, the connections.
const MEMORY: u64 = 400;

/// For how long; `TRAZA_OVERLOAD_SECONDS` for the minute of the document.
fn seconds() -> u64 {
    std::env::var("TRAZA_OVERLOAD_SECONDS").map_or(10, |seconds| {
        seconds.parse().unwrap_or_else(|_| panic!("TRAZA_OVERLOAD_SECONDS must be a number, not {seconds:?}"))
    })
}

fn page(visitor: &str) -> Value {
    let (page, at) = (new_id(), System.now());
    let mut events = vec![page_view(&page, at, "https://www.example.com/?utm_source=google&utm_medium=cpc")];
    events.extend((1..10).map(|n| event(&page, n, at, "cta_view", json!({"cta": format!("cta-{n}")}))));
    full(visitor, events)
}

#[derive(Default)]
struct Told {
    outcome: Outcome,
    refused: u64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overload_is_refused_in_part_and_survived_whole() {
    let home = Home::new();
    let mut command = home.serve();
    command.env("TRAZA_CACHE_MB", "32");
    let server = Binary::run(&home, command).await;
    for site in ["acme", "otra"] {
        server.client.put_site(site, &json!({"consent_default": "full"})).await;
    }
    let told = Arc::new(Mutex::new(Told::default()));
    let end = Instant::now() + Duration::from_secs(seconds());
    let mut browsers = tokio::task::JoinSet::new();
    for _ in 0..BROWSERS {
        let (client, told) = (server.client.clone(), Arc::clone(&told));
        browsers.spawn(async move {
            let visitor = new_id();
            while Instant::now() < end {
                let beacon = page(&visitor);
                let answer = client.try_beacon("acme", &beacon).await;
                let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                match answer {
                    Ok(answer) if answer.status == 200 => told.outcome.acknowledge(&beacon),
                    Ok(answer) => {
                        answer.problem(503, "unavailable");
                        assert!(answer.header("retry-after").is_some());
                        told.refused += 1;
                        told.outcome.open.push(beacon);
                    }
                    // Not answered: nothing was promised.
                    Err(_) => told.outcome.open.push(beacon),
                }
            }
        });
    }
    // A quiet neighbour is served all the while, and memory is looked at.
    let (mut memory, mut worst) = (Vec::new(), Duration::ZERO);
    while Instant::now() < end {
        let began = Instant::now();
        let beacon = full(&new_id(), [page_view(&new_id(), System.now(), "https://www.example.com/")]);
        server.client.store("otra", &beacon).await;
        worst = worst.max(began.elapsed());
        memory.push(resident(server.id()));
    }
    while let Some(done) = browsers.join_next().await {
        done.expect("a browser that did not panic");
    }
    let began = Instant::now();
    server.client.store("acme", &page(&new_id())).await;
    let recovered = began.elapsed();
    // A minute of more than it can take leaves journeys and counters behind: they come after, by themselves.
    let caught_up = e2e::eventually("what is derived catches up", Duration::from_secs(300), async || {
        let lag = server.client.metric("traza_projection_lag_facts").await;
        (lag == Some(0.0)).then(|| began.elapsed())
    })
    .await;
    let peak = memory.iter().copied().max().unwrap_or(0);
    let (first, second) = memory.split_at(memory.len() / 2);
    let most = |part: &[u64]| part.iter().copied().max().unwrap_or(0);
    let told = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
    println!(
        "{BROWSERS} browsers for {} s: {} events acknowledged, {} beacons refused; memory at most {} MB in the first \
         half, {} MB in the second; the quiet site waited {worst:?} at most; the next beacon after took {recovered:?}; \
         journeys and counters had caught up after {caught_up:?}",
        seconds(),
        told.outcome.events(),
        told.refused,
        most(first),
        most(second)
    );
    assert!(peak < MEMORY, "{peak} MB");
    assert!(most(second) < most(first) + 100, "memory grew from {} to {} MB", most(first), most(second));
    assert!(told.outcome.events() > 0);
    assert!(recovered < Duration::from_secs(2), "{recovered:?}");
    told.outcome.assert_holds(&server.client, "acme").await;
}
