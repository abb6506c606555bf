//! Many pages at once, with a memory of what was acknowledged.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{
    beacon::{event, full, new_id, page_view},
    client::Client,
    wait::eventually,
};

/// Events of one page view, sent in one beacon.
const EVENTS: u32 = 3;
/// Page views of one visitor.
const PAGES: u32 = 10;

/// What became of a load.
#[derive(Default)]
pub struct Outcome {
    /// Ids of acknowledged events, by visitor.
    pub acknowledged: BTreeMap<String, BTreeSet<String>>,
    /// Beacons that were answered with an error, or not at all: stored or not, nobody was promised anything.
    pub open: Vec<Value>,
}

impl Outcome {
    /// How many events were acknowledged.
    #[must_use]
    pub fn events(&self) -> usize {
        self.acknowledged.values().map(BTreeSet::len).sum()
    }

    /// Notes that a beacon of [`full`] was acknowledged.
    pub fn acknowledge(&mut self, beacon: &Value) {
        let visitor = beacon["visitor"].as_str().expect("a visitor").to_owned();
        let ids = beacon["events"].as_array().expect("events").iter();
        let ids = ids.map(|event| event["id"].as_str().expect("an id").to_owned());
        self.acknowledged.entry(visitor).or_default().extend(ids);
    }

    /// Adds a later load's outcome.
    pub fn merge(&mut self, other: Self) {
        for (visitor, ids) in other.acknowledged {
            self.acknowledged.entry(visitor).or_default().extend(ids);
        }
        self.open.extend(other.open);
    }

    /// Every visitor that anything was sent for.
    fn visitors(&self) -> BTreeSet<&str> {
        let open = self.open.iter().filter_map(|beacon| beacon["visitor"].as_str());
        self.acknowledged.keys().map(String::as_str).chain(open).collect()
    }

    /// Asserts that every acknowledged event is in its visitor's journey exactly once, that no event is there twice,
    /// and that the ledger counts what is there, no more and no less.
    pub async fn assert_kept(&self, client: &Client, site: &str) {
        let stored = self.assert_holds(client, site).await;
        let ledger = client.ledger(site).await;
        assert_eq!(ledger.stored, stored as u64, "the ledger counts what the journeys hold: {ledger:?}");
    }

    /// The same without the ledger, for where more was sent than this outcome knows. Returns how many events there
    /// are of its visitors.
    pub async fn assert_holds(&self, client: &Client, site: &str) -> usize {
        client.settled().await;
        let mut stored = 0;
        for visitor in self.visitors() {
            let items = client.items(&format!("/api/v1/sites/{site}/visitors/{visitor}/journey")).await;
            let ids: Vec<&str> = items.iter().filter_map(|item| item["event"].as_str()).collect();
            let unique: BTreeSet<&str> = ids.iter().copied().collect();
            assert_eq!(ids.len(), unique.len(), "an event stands twice in the journey of {visitor}");
            let acknowledged = self.acknowledged.get(visitor).into_iter().flatten();
            let missing: Vec<&String> = acknowledged.filter(|id| !unique.contains(id.as_str())).collect();
            assert!(missing.is_empty(), "acknowledged and gone, of {visitor}: {missing:?}");
            stored += ids.len();
        }
        stored
    }
}

/// A load under way.
pub struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    outcome: Arc<Mutex<Outcome>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts so many browsers. Each sends one page view's beacon after the other, waiting for each answer, until it
    /// is stopped or the server goes away. Events happen at `at`.
    #[must_use]
    pub fn start(client: &Client, site: &'static str, browsers: usize, at: i64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let outcome = Arc::new(Mutex::new(Outcome::default()));
        let tasks = (0..browsers)
            .map(|_| {
                let (client, stop) = (client.clone(), Arc::clone(&stop));
                let (answered, outcome) = (Arc::clone(&answered), Arc::clone(&outcome));
                tokio::spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        let visitor = new_id();
                        for _ in 0..PAGES {
                            let beacon = page(&visitor, at);
                            let answer = client.try_beacon(site, &beacon).await;
                            let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
                            match answer {
                                Ok(answer) if answer.status == 200 => {
                                    let body = answer.json();
                                    assert_eq!(body["accepted"], EVENTS, "{body}");
                                    outcome.acknowledge(&beacon);
                                    answered.fetch_add(1, Ordering::Relaxed);
                                }
                                _ => {
                                    outcome.open.push(beacon);
                                    return;
                                }
                            }
                            drop(outcome);
                            if stop.load(Ordering::Relaxed) {
                                return;
                            }
                        }
                    }
                })
            })
            .collect();
        Self { stop, answered, outcome, tasks }
    }

    /// Waits until so many beacons were acknowledged.
    pub async fn reached(&self, beacons: u64) {
        // Twenty a second is what the busiest machine does.
        eventually("the load is acknowledged", Duration::from_secs(60 + beacons / 20), async || {
            (self.answered.load(Ordering::Relaxed) >= beacons).then_some(())
        })
        .await;
    }

    /// Sends no more, waits for the answers under way, and tells.
    pub async fn stop(self) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("a browser that did not panic");
        }
        std::mem::take(&mut *self.outcome.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a browser sends of one page view.
fn page(visitor: &str, at: i64) -> Value {
    let page = new_id();
    let url = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=otono";
    full(
        visitor,
        [
            page_view(&page, at, url),
            event(&page, 1, at + 1, "cta_click", json!({"cta": "hero-precios"})),
            event(&page, 2, at + 2, "page_leave", json!({"engaged_ms": 2, "scroll_pct": 80})),
        ],
    )
}
