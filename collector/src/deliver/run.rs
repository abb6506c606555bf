//! Follows the outbox, for as long as the process lives: claims what is due, endpoint by endpoint, and sends it.
//!
//! Each endpoint has places of its own, so that one which hangs keeps nobody else waiting; one that takes nothing is left
//! alone for a moment (`domain/circuit`).

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

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
/// Tasks in all: where what became of messages cannot be noted, no more are sent.
const TO_NOTE: usize = 2_048;
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
    tasks: JoinSet<Done>,
    /// What each of them is about.
    known: HashMap<Id, Task>,
    /// Messages that a task is about.
    busy: HashSet<(SiteNumber, MessageId)>,
    /// Of the tasks those that wait for a receiver; the others note what became of it.
    sending: usize,
}

/// What a task is about.
struct Task {
    site: SiteNumber,
    message: MessageId,
    /// Whose place it takes, while it waits for a receiver.
    endpoint: Option<String>,
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

/// What a task did.
enum Done {
    /// An attempt was made.
    Sent(Box<Sent>),
    /// None could be.
    NotSent,
    /// What became of it is noted, and has taken effect.
    Settled,
}

/// An attempt that was made.
struct Sent {
    site: Arc<Site>,
    endpoint: Endpoint,
    tried: Tried,
}

impl Deliverer {
    /// One for all sites of a collector.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        let client = Client::new(app.settings.allow_private_targets);
        let (sites, lines, tasks) = (HashMap::new(), HashMap::new(), JoinSet::new());
        let (known, busy) = (HashMap::new(), HashSet::new());
        Self { app, client, sites, lines, tasks, known, busy, sending: 0 }
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
                Some(done) = self.tasks.join_next_with_id() => {
                    self.done(done);
                    while let Some(done) = self.tasks.try_join_next_with_id() {
                        self.done(done);
                    }
                }
                follows = progress.news() => if !follows { break },
                () = sleep(pause) => {}
            }
            sleep_until(not_before).await;
        }
        let rest = async {
            while let Some(done) = self.tasks.join_next_with_id().await {
                self.done(done);
            }
        };
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
            let room = AT_A_TIME.saturating_sub(self.sending).min(TO_NOTE.saturating_sub(self.known.len()));
            let places = places.min(room);
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
            claimed.next_due.filter(|due| *due > now).into_iter().for_each(&mut sooner);
            for delivery in claimed.items {
                // The clock jumped, and a claim ended before its task: that one gives it up.
                if !self.busy.insert((site.number, delivery.id.clone())) {
                    continue;
                }
                line.under_way += 1;
                self.sending += 1;
                let (app, client) = (Arc::clone(&self.app), self.client.clone());
                let (site, endpoint) = (Arc::clone(site), endpoint.clone());
                let place = Some(endpoint.webhook.id.clone());
                let task = Task { site: site.number, message: delivery.id.clone(), endpoint: place };
                let begun = self.tasks.spawn(async move {
                    match send(&app, &client, &site, &endpoint, &delivery).await {
                        Some(tried) => Done::Sent(Box::new(Sent { site, endpoint, tried })),
                        None => Done::NotSent,
                    }
                });
                self.known.insert(begun.id(), task);
            }
        }
        Ok(next)
    }

    /// A task is over. A receiver's place is free as soon as it has answered; its message is let go when what became of it
    /// has taken effect.
    fn done(&mut self, done: Result<(Id, Done), JoinError>) {
        let id = match &done {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(Task { site, message, endpoint }) = self.known.remove(&id) else { return };
        if let Some(endpoint) = endpoint {
            self.sending = self.sending.saturating_sub(1);
            let line = self.lines.entry((site, endpoint)).or_default();
            line.under_way = line.under_way.saturating_sub(1);
        }
        if let Some(state) = self.sites.get_mut(&site) {
            state.due = Some(self.app.clock.now());
        }
        match done {
            Ok((_, Done::Sent(sent))) => {
                let (app, fact) = (Arc::clone(&self.app), Entry::Tried(sent.tried.clone()));
                let begun = self.tasks.spawn(async move {
                    settle(&app, site, fact).await;
                    Done::Settled
                });
                self.known.insert(begun.id(), Task { site, message, endpoint: None });
                self.judge(&sent.site, &sent.endpoint, &sent.tried);
                return;
            }
            Ok((_, Done::NotSent | Done::Settled)) => {}
            // The panic was logged. Nobody knows what became of the message, so it is tried again.
            Err(error) => tracing::error!(%error, "a delivery did not end"),
        }
        self.busy.remove(&(site, message.clone()));
        self.app.store.release(site, &message);
    }

    /// An endpoint is known a little better after an attempt. Where it is doing otherwise than before, that is a fact.
    fn judge(&mut self, site: &Site, endpoint: &Endpoint, tried: &Tried) {
        if !tried.was_sent() {
            return;
        }
        let now = self.app.clock.now();
        let id = endpoint.webhook.id.clone();
        let line = self.lines.entry((site.number, id.clone())).or_default();
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
        let (app, site) = (Arc::clone(&self.app), site.number);
        tokio::spawn(async move { append(&app, site, Entry::Endpoint(said)).await });
    }
}

/// Makes an attempt.
async fn send(
    app: &App,
    client: &Client,
    site: &Site,
    endpoint: &Endpoint,
    delivery: &Delivery,
) -> Option<Tried> {
    if delivery.attempts == 0 {
        app.metrics.first_attempt(app.clock.now().saturating_sub(delivery.at));
    }
    match attempt::make(app, client, site, endpoint, delivery).await {
        Ok(tried) => {
            app.metrics.tried(&tried);
            Some(tried)
        }
        Err(problem) => {
            let cause = problem.cause.as_deref().unwrap_or_default();
            tracing::error!(cause, site = site.slug, "a message could not be made ready; trying again");
            sleep(PAUSE).await;
            None
        }
    }
}

/// Appends what became of an attempt, and waits until that has taken effect.
async fn settle(app: &App, site: SiteNumber, fact: Entry) {
    let position = append(app, site, fact).await;
    for _ in 0..PATIENCE {
        if app.progress.reached(site) >= position {
            break;
        }
        app.progress.wait(site, position).await;
    }
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
