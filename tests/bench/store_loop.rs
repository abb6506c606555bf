//! The floor: the same arrivals appended through [`Store::append`] on sled, group commit, flush and sync included,
//! without HTTP, JSON and checks.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use collector::{
    domain::{
        event::Event,
        fact::{Arrival, Entry},
        id::Id,
    },
    ingest::convert,
    store::{
        Append, Store,
        kv::KvStore,
        sled::{Pace, Sled},
    },
};
use tokio::task::JoinSet;
use wire::{
    beacon::{Choice, Context, Mode, Via},
    normalise::normalise,
    redact::Rules,
};

use super::{EVENTS_OF_A_PAGE, wrk};

const ONE: &str = include_str!("one_event.jsonl");
const TEN: &str = include_str!("ten_events.jsonl");
const CACHE_BYTES: u64 = 128 << 20;

/// What the loop measured.
#[derive(Debug, Clone)]
pub(crate) struct Floor {
    /// Events made durable per second.
    pub(crate) events_per_second: f64,
    /// 99 of 100 appends were durable within so many µs.
    pub(crate) p99: u64,
}

/// Appends arrivals of so many events for some seconds, as many at once as wrk has connections.
///
/// # Errors
/// What the store says.
pub(crate) fn run(events: u32, seconds: u64) -> anyhow::Result<Floor> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let store: Arc<dyn Store> =
        Arc::new(KvStore::open(Sled::open(&folder.path().join("data"), CACHE_BYTES, Pace::Serving)?)?);
    let end = Instant::now() + Duration::from_secs(seconds);
    let began = Instant::now();
    let (count, mut waits) = runtime.block_on(async {
        let mut writers = JoinSet::new();
        for _ in 0..wrk::CONNECTIONS {
            let (store, mut source) = (Arc::clone(&store), Source::new(events)?);
            writers.spawn(async move {
                let mut waits = Vec::new();
                let mut count = 0;
                while Instant::now() < end {
                    let arrival = source.next();
                    count += arrival.events.len() as u64;
                    let from = Instant::now();
                    store.append(Append::of(1, Entry::Arrival(arrival))).await?;
                    waits.push(u64::try_from(from.elapsed().as_micros())?);
                }
                anyhow::Ok((count, waits))
            });
        }
        let (mut total, mut all) = (0, Vec::new());
        while let Some(writer) = writers.join_next().await {
            let (count, waits) = writer??;
            total += count;
            all.extend(waits);
        }
        store.close().await;
        anyhow::Ok((total, all))
    })?;
    let elapsed = began.elapsed().as_secs_f64();
    waits.sort_unstable();
    let p99 = waits.get(waits.len() * 99 / 100).copied().context("nothing was appended")?;
    Ok(Floor { events_per_second: count as f64 / elapsed, p99 })
}

/// Makes arrivals with new ids, from the same page view that wrk sends.
struct Source {
    page_view: Vec<Event>,
    events: usize,
    /// Number of the next event of the page view.
    step: usize,
    page: Id,
    visitor: Id,
    /// Arrivals left of this visitor.
    left: u32,
}

impl Source {
    fn new(events: u32) -> anyhow::Result<Self> {
        let own = ["example.com".to_owned()];
        let rules = Rules { mode: Mode::Full, query_keys: &[], anonymous_utm: true };
        let mut page_view = Vec::new();
        for line in (if events == 1 { ONE } else { TEN }).lines() {
            let page = uuid::Uuid::now_v7().to_string();
            let text = line.replace("$page", &page).replace("$at", "1795310400000");
            let mut event: wire::event::Event = serde_json::from_str(&text)?;
            let kind = normalise(&mut event, rules, &own)
                .map_err(|why| anyhow::anyhow!("{line}: {}", why.detail))?;
            page_view.push(convert::event(&mut event, kind, 1_795_310_400_000).context("an event")?);
        }
        Ok(Self { page_view, events: events as usize, step: 0, page: new_id(), visitor: new_id(), left: 0 })
    }

    fn next(&mut self) -> Arrival {
        if self.left == 0 {
            (self.visitor, self.left) = (new_id(), if self.events == 1 { 10 } else { 4 });
        }
        self.left -= 1;
        let mut events = Vec::with_capacity(self.events);
        while events.len() < self.events {
            if self.step.is_multiple_of(EVENTS_OF_A_PAGE) {
                self.page = new_id();
            }
            if let Some(event) = self.page_view.get(self.step % EVENTS_OF_A_PAGE) {
                events.push(Event { page: self.page.clone(), ..event.clone() });
            }
            self.step += 1;
        }
        Arrival {
            received_at: 1_795_310_400_000,
            sent: Some(1_795_310_400_000),
            visitor: Some(self.visitor.clone()),
            mode: Mode::Full,
            choice: Choice::Default,
            via: Some(Via::Wasm),
            context: convert::context(Context {
                lang: Some("es-ES".to_owned()),
                screen: Some("390x844".to_owned()),
                tz: Some("Europe/Madrid".to_owned()),
            }),
            user_agent: None,
            country: None,
            region: None,
            foreign_origin: false,
            datacentre: false,
            email_link: None,
            events,
        }
    }
}

fn new_id() -> Id {
    Id::Uuid(uuid::Uuid::now_v7().into_bytes())
}
