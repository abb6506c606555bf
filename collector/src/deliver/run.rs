//! Follows the outbox, for as long as the process lives: claims what is due, endpoint by endpoint, and sends it.
//!
//! Each endpoint has places of its own, so that one which hangs keeps nobody else waiting; one that takes nothing is left
//! alone for a moment (`domain/circuit`).

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{attempt, client::Client};
use crate::{
    app::App,
    domain::{
        circuit::{Allowed, Circuit},
        delivery::{Delivery, MessageId, Then, Tried, Why},
        fact::{Entry, Position, SiteNumber},
        webhook::{Desk, Endpoint, EndpointSaid, Health},
    },
    project::{directory::Site, journeys},
    store::{Append, StoreError, Verdict, outbox::ClaimDue},
};

/// Messages under way at the same time.
const AT_A_TIME: usize = 128;
/// Of them to one endpoint.
const TO_ONE: usize = 8;
/// How long a claim lasts, in ms: longer than an attempt and what is to be done around it.
const CLAIM_MS: i64 = 60_000;
/// Looks at the outbox are at least so far apart.
const EVERY: Duration = Duration::from_millis(10);
/// How often the clock is asked, at the least.
const TICK: Duration = Duration::from_millis(250);
/// After an error it is tried again so much later.
const PAUSE: Duration = Duration::from_secs(1);
/// Attempts under way get this long when the process is to stop.
const GRACE: Duration = Duration::from_secs(3);
/// A claim is held until what became of its attempt has taken effect, or for so many seconds.
const PATIENCE: usize = 30;

/// Sends messages until it is told to stop.
pub struct Deliverer {
    app: Arc<App>,
    client: Client,
    sites: HashMap<SiteNumber, SiteState>,
    lines: HashMap<(SiteNumber, String), Line>,
    under_way: JoinSet<Done>,
    /// Whose place each of them takes, and with which message.
    places: HashMap<Id, ((SiteNumber, String), MessageId)>,
}

/// What is known of a site's outbox.
struct SiteState {
    /// Where the log ended when this process began to look: what was sent by then must be known to be.
    begun: Position,
    /// How far the projection was at the last look; `None` before the first.
    looked_at: Option<Position>,
    /// When to look again though nothing happens, ms since the epoch.
    due: Option<i64>,
}

/// The line to an endpoint.
#[derive(Default)]
struct Line {
    circuit: Circuit,
    under_way: usize,
    /// What was said last of how it is doing, until that has taken effect.
    said: Option<Health>,
}

/// An attempt that is over.
struct Done {
    site: Arc<Site>,
    endpoint: Endpoint,
    /// What became of it; `None` where none could be made.
    tried: Option<Tried>,
}

impl Deliverer {
    /// One for all sites of a collector.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        let client = Client::new(app.settings.allow_private_targets);
        let (sites, lines, under_way) = (HashMap::new(), HashMap::new(), JoinSet::new());
        Self { app, client, sites, lines, under_way, places: HashMap::new() }
    }

    /// Sends until `stop` changes; then what is under way gets a moment.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut progress = self.app.progress.clone();
        loop {
            let not_before = Instant::now() + EVERY;
            let pause = self.look().await;
            tokio::select! {
                biased;
                _ = stop.changed() => break,
                Some(done) = self.under_way.join_next_with_id() => {
                    self.done(done);
                    while let Some(done) = self.under_way.try_join_next_with_id() {
                        self.done(done);
                    }
                }
                follows = progress.news() => if !follows { break },
                () = sleep(pause) => {}
            }
            sleep_until(not_before).await;
        }
        let rest = async { while self.under_way.join_next().await.is_some() {} };
        drop(timeout(GRACE, rest).await);
    }

    /// Begins what is due, and answers how long nothing will be.
    async fn look(&mut self) -> Duration {
        let now = self.app.clock.now();
        let mut next = now.saturating_add(i64::try_from(TICK.as_millis()).unwrap_or(0));
        for site in self.app.directory.sites() {
            let reached = self.app.progress.reached(site.number);
            let head = || self.app.store.head(site.number);
            let state = self.sites.entry(site.number).or_insert_with(|| SiteState {
                begun: head(),
                looked_at: None,
                due: None,
            });
            if state.looked_at == Some(reached) && state.due.is_none_or(|due| due > now) {
                next = next.min(state.due.unwrap_or(next));
                continue;
            }
            let begun = state.begun;
            let due = match self.site(&site, begun, now).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::error!(%error, site = site.slug, "what is due could not be read; trying again");
                    Some(now.saturating_add(i64::try_from(PAUSE.as_millis()).unwrap_or(0)))
                }
            };
            if let Some(state) = self.sites.get_mut(&site.number) {
                (state.looked_at, state.due) = (Some(reached), due);
            }
            next = next.min(due.unwrap_or(next));
        }
        Duration::from_millis(u64::try_from(next - now).unwrap_or(0))
    }

    /// Begins what is due of a site. Answers when to look again though nothing happens.
    async fn site(&mut self, site: &Arc<Site>, begun: Position, now: i64) -> Result<Option<i64>, StoreError> {
        let Desk { items } = self.app.store.desk(site.number).await?;
        let mut next: Option<i64> = None;
        let mut sooner = |at: i64| next = Some(next.map_or(at, |known| known.min(at)));
        for endpoint in items.into_iter().filter(|endpoint| endpoint.health != Health::Off) {
            let line = self.lines.entry((site.number, endpoint.webhook.id.clone())).or_default();
            if line.said == Some(endpoint.health) {
                line.said = None;
            }
            let places = match line.circuit.allows(now) {
                Allowed::All => TO_ONE.saturating_sub(line.under_way),
                Allowed::One => 1usize.saturating_sub(line.under_way),
                Allowed::NoneBefore(at) => {
                    sooner(at);
                    0
                }
            };
            let places = places.min(AT_A_TIME.saturating_sub(self.under_way.len()));
            // Whoever frees a place makes the next look.
            if places == 0 {
                continue;
            }
            let asked = ClaimDue {
                endpoint: endpoint.webhook.id.clone(),
                now,
                until: now.saturating_add(CLAIM_MS),
                reached: (journeys::NAME, begun),
                max: places,
            };
            let claimed = self.app.store.claim(site.number, asked).await?;
            line.under_way += claimed.items.len();
            claimed.next_due.filter(|due| *due > now).into_iter().for_each(&mut sooner);
            for delivery in claimed.items {
                // Its attempt is over and not yet counted, or the clock jumped and its claim ended: who counts it looks again.
                if self.places.values().any(|(place, id)| place.0 == site.number && *id == delivery.id) {
                    line.under_way = line.under_way.saturating_sub(1);
                    self.app.store.release(site.number, &delivery.id);
                    continue;
                }
                let (app, client) = (Arc::clone(&self.app), self.client.clone());
                let (site, endpoint) = (Arc::clone(site), endpoint.clone());
                let place = ((site.number, endpoint.webhook.id.clone()), delivery.id.clone());
                let begun = self.under_way.spawn(async move {
                    let tried = work(&app, &client, &site, &endpoint, &delivery).await;
                    Done { site, endpoint, tried }
                });
                self.places.insert(begun.id(), place);
            }
        }
        Ok(next)
    }

    /// An attempt is over: its place is free, and its endpoint is known a little better.
    fn done(&mut self, done: Result<(Id, Done), JoinError>) {
        let id = match &done {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let now = self.app.clock.now();
        let Some((place, _)) = self.places.remove(&id) else { return };
        if let Some(state) = self.sites.get_mut(&place.0) {
            state.due = Some(now);
        }
        let id = place.1.clone();
        let line = self.lines.entry(place).or_default();
        line.under_way = line.under_way.saturating_sub(1);
        let Done { site, endpoint, tried } = match done {
            Ok((_, done)) => done,
            Err(error) => {
                // The panic was logged, and the message is claimed anew when its claim ends.
                tracing::error!(%error, "an attempt to deliver did not end");
                return;
            }
        };
        let Some(tried) = tried.filter(Tried::was_sent) else { return };
        let known = line.said.unwrap_or(endpoint.health);
        let health = match tried.then {
            Then::Delivered => {
                line.circuit.succeeded();
                (known == Health::Failing).then_some((Health::Well, now))
            }
            _ if tried.why == Some(Why::Gone) => Some((Health::Off, now)),
            _ => {
                line.circuit.failed(now);
                let failing = line.circuit.failing(now).filter(|_| known == Health::Well);
                failing.map(|since| (Health::Failing, since))
            }
        };
        let Some((health, since)) = health.filter(|(health, _)| *health != known) else { return };
        line.said = Some(health);
        match health {
            Health::Well => {
                tracing::info!(site = site.slug, endpoint = id, "the endpoint takes messages again");
            }
            Health::Failing => {
                let (status, slug) = (tried.status, &site.slug);
                tracing::warn!(
                    site = slug,
                    endpoint = id,
                    since,
                    status,
                    "delivery.failing: the endpoint takes nothing"
                );
            }
            Health::Off => {
                let what = "delivery.failing: the endpoint says that it is gone; nothing is sent until it is set again";
                tracing::warn!(site = site.slug, endpoint = id, "{what}");
            }
        }
        let said = EndpointSaid { endpoint: id, at: now, health, since, status: tried.status };
        let app = Arc::clone(&self.app);
        tokio::spawn(async move { append(&app, site.number, Entry::Endpoint(said)).await });
    }
}

/// Makes an attempt, appends what became of it, and lets go of the message once that has taken effect.
async fn work(
    app: &App,
    client: &Client,
    site: &Site,
    endpoint: &Endpoint,
    delivery: &Delivery,
) -> Option<Tried> {
    if delivery.attempts == 0 {
        app.metrics.first_attempt(app.clock.now().saturating_sub(delivery.at));
    }
    let tried = match attempt::make(app, client, site, endpoint, delivery).await {
        Ok(tried) => Some(tried),
        Err(problem) => {
            let cause = problem.cause.as_deref().unwrap_or_default();
            tracing::error!(cause, site = site.slug, "a message could not be made ready; trying again");
            sleep(PAUSE).await;
            None
        }
    };
    if let Some(tried) = &tried {
        app.metrics.tried(tried);
        let position = append(app, site.number, Entry::Tried(tried.clone())).await;
        for _ in 0..PATIENCE {
            if app.progress.reached(site.number) >= position {
                break;
            }
            app.progress.wait(site.number, position).await;
        }
    }
    app.store.release(site.number, &delivery.id);
    tried
}

/// Appends a fact about what has happened already, however long the disk is full.
async fn append(app: &App, site: SiteNumber, entry: Entry) -> Position {
    loop {
        match app.store.append(Append::of(site, entry.clone())).await {
            Ok(appended) => match appended.verdicts.first() {
                Some(Verdict::Stored(position)) => return *position,
                _ => return 0,
            },
            Err(error) => {
                tracing::error!(%error, "what became of a message could not be noted; trying again");
                sleep(PAUSE).await;
            }
        }
    }
}
