//! Watches the clocks of leads that wait, and appends that one has run out at the moment when it has, whatever else happens
//! or does not. So it is told once, however often the process starts; what ran out meanwhile is told with its own moment.
//!
//! Whether somebody tried in time is known when everything that was durable by then has taken effect: until then a clock that
//! has run out is not called so.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::{directory::Directory, directory::Site, follow::Progress};
use crate::{
    clock::Clock,
    domain::{
        fact::{Entry, Position, SiteNumber},
        hours::Calendar,
        id::LeadId,
        sla::{self, Breach},
        waiting::Waiting,
    },
    store::{Append, Claim, Store, StoreError},
};

/// Looks at the clocks are at least so far apart.
const EVERY: Duration = Duration::from_millis(20);
/// How often the clock on the wall is asked while a lead's runs, at the least: it may be set.
const TICK: Duration = Duration::from_millis(250);
/// After an error it is tried again so much later.
const PAUSE: Duration = Duration::from_secs(1);
/// Breaches that are appended at the same time.
const AT_A_TIME: usize = 64;

/// Watches the clocks of all sites.
pub struct Breaches {
    store: Arc<dyn Store>,
    directory: Arc<Directory>,
    progress: Progress,
    clock: Arc<dyn Clock>,
    sites: HashMap<SiteNumber, Clocks>,
}

/// The clocks of a site's leads.
#[derive(Default)]
struct Clocks {
    /// Of which configuration they are.
    version: Position,
    /// What of the list of those who wait is in them.
    mark: u64,
    /// When each that runs has run out.
    due: BTreeSet<(i64, LeadId)>,
    of: HashMap<LeadId, (i64, u32)>,
    /// What must have taken effect before those that have run out are called so.
    until: Option<Position>,
}

impl Clocks {
    fn put(&mut self, lead: &LeadId, due: Option<(i64, u32)>) {
        if let Some((before, _)) = self.of.remove(lead) {
            self.due.remove(&(before, lead.clone()));
        }
        if let Some((at, target_s)) = due {
            self.due.insert((at, lead.clone()));
            self.of.insert(lead.clone(), (at, target_s));
        }
    }

    /// Those that have run out by a moment, the earliest first.
    fn run_out(&self, now: i64) -> Vec<Breach> {
        let due = self.due.iter().take_while(|(due_at, _)| *due_at <= now).take(AT_A_TIME);
        due.map(|(due_at, lead)| Breach {
            lead: lead.clone(),
            due_at: *due_at,
            at: now,
            target_s: self.of.get(lead).map_or(sla::TARGET_S, |(_, target_s)| *target_s),
        })
        .collect()
    }
}

impl Breaches {
    /// A watch over all sites.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        directory: Arc<Directory>,
        progress: Progress,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, directory, progress, clock, sites: HashMap::new() }
    }

    /// Watches until `stop` changes.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut progress = self.progress.clone();
        loop {
            let not_before = Instant::now() + EVERY;
            let pause = match self.look().await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(%error, "nobody could look which leads wait for too long; trying again");
                    Some(PAUSE)
                }
            };
            let rest = async {
                match pause {
                    Some(pause) => sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = stop.changed() => break,
                follows = progress.news() => if !follows { break },
                () = rest => {}
            }
            sleep_until(not_before).await;
        }
    }

    /// Appends what has run out, and answers when to look again though nothing happens.
    ///
    /// # Errors
    /// What the store says. What was not appended is at the next look.
    pub async fn look(&mut self) -> Result<Option<Duration>, StoreError> {
        let mut next: Option<Duration> = None;
        for site in self.directory.sites() {
            let pause = self.look_at(&site).await?;
            next = [next, pause].into_iter().flatten().min();
        }
        Ok(next)
    }

    async fn look_at(&mut self, site: &Site) -> Result<Option<Duration>, StoreError> {
        let clocks = self.sites.entry(site.number).or_default();
        follow(self.store.as_ref(), clocks, site).await?;
        loop {
            let now = self.clock.now();
            let Some((due_at, _)) = clocks.due.first() else { return Ok(None) };
            if *due_at > now {
                clocks.until = None;
                let left = u64::try_from(due_at - now).unwrap_or(0);
                return Ok(Some(Duration::from_millis(left).min(TICK)));
            }
            let until = *clocks.until.get_or_insert_with(|| self.store.head(site.number));
            if self.progress.reached(site.number) < until {
                // Whoever takes the next step wakes this.
                return Ok(Some(TICK));
            }
            // What took effect since may be that somebody tried.
            follow(self.store.as_ref(), clocks, site).await?;
            let run_out = clocks.run_out(now);
            if run_out.is_empty() {
                continue;
            }
            let told = run_out.iter().filter(|breach| now - breach.due_at <= Breach::HISTORY_MS);
            let appended =
                join_all(told.map(|breach| append(self.store.as_ref(), site.number, breach))).await;
            appended.into_iter().collect::<Result<(), StoreError>>()?;
            for breach in &run_out {
                clocks.put(&breach.lead, None);
            }
            clocks.until = None;
        }
    }
}

/// Brings a site's clocks up to date.
async fn follow(store: &dyn Store, clocks: &mut Clocks, site: &Site) -> Result<(), StoreError> {
    if clocks.version != site.version {
        // Other hours or promises: every clock is another.
        *clocks = Clocks { version: site.version, ..Clocks::default() };
    }
    let news = store.waiting_since(site.number, clocks.mark).await?;
    clocks.mark = news.mark;
    let open = Calendar::new(&site.config.hours, &site.config.timezone);
    if let Some(all) = news.all {
        (clocks.due, clocks.of) = (BTreeSet::new(), HashMap::new());
        for waiting in all.iter() {
            clocks.put(&waiting.lead, due(waiting, site, &open));
        }
    }
    for (lead, waiting) in news.changes {
        let due = waiting.and_then(|waiting| due(&waiting, site, &open));
        clocks.put(&lead, due);
    }
    Ok(())
}

/// When a lead's clock runs out, and how long it had.
fn due(waiting: &Waiting, site: &Site, open: &Calendar<'_>) -> Option<(i64, u32)> {
    let due_at = waiting.due_at(&site.config, open)?;
    Some((due_at, sla::promise(&site.config, &waiting.case).target_s))
}

/// Of each lead there is one breach, whoever notices it, and after however many starts.
async fn append(store: &dyn Store, site: SiteNumber, breach: &Breach) -> Result<(), StoreError> {
    let claim = Claim { kind: Breach::KIND, external_id: breach.lead.to_string(), content: [0; 32] };
    let append = Append { claim: Some(claim), ..Append::of(site, Entry::Breach(breach.clone())) };
    store.append(append).await.map(drop)
}

#[cfg(test)]
mod tests;
