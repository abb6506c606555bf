//! The loop that keeps what is derived up to date.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use super::{
    counters::{self, Sites},
    directory::{Directory, Site},
    journeys,
    retention::Retention,
    silence::{Silences, Watch},
};
use crate::{
    clock::Clock,
    domain::fact::{HOUSE, Position, SiteNumber},
    store::{Store, StoreError},
};

/// After an error the loop waits this long before it tries again.
const PAUSE: Duration = Duration::from_millis(500);
/// Under load, what is derived is brought up to date this often: many small steps cost more than a few large ones.
/// A fact that comes alone takes effect at once.
const EVERY: Duration = Duration::from_millis(25);
/// How often the clock is asked for what is due by itself.
const TICK: Duration = Duration::from_secs(1);

/// How far the projectors are, for those who want to read what they wrote.
#[derive(Clone)]
pub struct Progress {
    reached: watch::Receiver<HashMap<SiteNumber, Position>>,
    counted: counters::Reached,
    silences: Option<Silences>,
}

impl Progress {
    /// Waits until a position of a site's log took effect; gives up after a second, since nothing depends on it but
    /// the comfort of reading one's own write.
    pub async fn wait(&self, site: SiteNumber, position: Position) {
        let mut reached = self.reached.clone();
        let there = reached.wait_for(|reached| reached.get(&site).is_some_and(|at| *at >= position));
        drop(tokio::time::timeout(Duration::from_secs(1), there).await);
    }

    /// How far a site's log took effect.
    #[must_use]
    pub fn reached(&self, site: SiteNumber) -> Position {
        self.reached.borrow().get(&site).copied().unwrap_or(0)
    }

    /// How far a site's log is counted.
    #[must_use]
    pub fn counted(&self, site: SiteNumber) -> Position {
        self.counted.borrow().get(&site).copied().unwrap_or(0)
    }

    /// Since when a site is silent, ms since the epoch; `None` where it is not.
    #[must_use]
    pub fn silent_since(&self, site: SiteNumber) -> Option<i64> {
        self.silences.as_ref()?.borrow().sites.get(&site).copied()
    }

    /// The forms of a site that nobody sends any more.
    #[must_use]
    pub fn silent_forms(&self, site: SiteNumber) -> Vec<String> {
        let Some(silences) = &self.silences else { return Vec::new() };
        let quiet = silences.borrow();
        quiet.forms.keys().filter(|(of, _)| *of == site).map(|(_, form)| form.clone()).collect()
    }

    /// Waits until more than a position of a site's log took effect.
    pub async fn beyond(&self, site: SiteNumber, position: Position) {
        let mut reached = self.reached.clone();
        let further = reached.wait_for(|reached| reached.get(&site).is_some_and(|at| *at > position));
        if further.await.is_err() {
            // The follower has ended, and the process is about to: nothing more will take effect.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until anything took effect since this was asked last. Answers whether there is still somebody who follows.
    pub async fn news(&mut self) -> bool {
        self.reached.changed().await.is_ok()
    }

    /// How many facts are stored and have not taken effect, over all sites.
    #[must_use]
    pub fn lag(&self, store: &dyn Store, directory: &Directory) -> u64 {
        let effective = |site: SiteNumber| self.reached(site).min(self.counted(site));
        directory
            .sites()
            .iter()
            .map(|site| store.head(site.number).saturating_sub(effective(site.number)))
            .sum()
    }
}

/// Follows every site's log, until it is dropped.
pub struct Follower {
    store: Arc<dyn Store>,
    directory: Arc<Directory>,
    reached: watch::Sender<HashMap<SiteNumber, Position>>,
    counters: Sites,
    /// What each site's leads were derived with.
    basis: HashMap<SiteNumber, Vec<String>>,
    /// How often the store had recovered when what is known was read from it; `None` where that must be read again.
    recoveries: Option<u64>,
    /// What is done when its time has come, whether or not something happens.
    upkeep: Option<Upkeep>,
}

struct Upkeep {
    clock: Arc<dyn Clock>,
    retention: Retention,
    silence: Watch,
}

impl Follower {
    /// A follower, and how far it is.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, directory: Arc<Directory>) -> (Self, Progress) {
        let (reached, receiver) = watch::channel(HashMap::new());
        let (counters, counted) = Sites::new();
        let progress = Progress { reached: receiver, counted, silences: None };
        let (basis, recoveries, upkeep) = (HashMap::new(), None, None);
        (Self { store, directory, reached, counters, basis, recoveries, upkeep }, progress)
    }

    /// The same, which also sees to what is due by the clock: facts that are too old are sealed, and sites that go quiet
    /// are noticed.
    #[must_use]
    pub fn with_upkeep(self, clock: Arc<dyn Clock>, progress: Progress) -> (Self, Progress) {
        let (silence, silences) = Watch::new();
        let upkeep = Upkeep { clock, retention: Retention::default(), silence };
        (Self { upkeep: Some(upkeep), ..self }, Progress { silences: Some(silences), ..progress })
    }

    /// Notes where each site's projections stand, before anything is caught up: whoever waits for a position waits
    /// from here.
    ///
    /// # Errors
    /// What the store says.
    pub async fn begin(&mut self) -> Result<(), StoreError> {
        let recoveries = self.store.vitals().recoveries.get();
        self.basis.clear();
        self.counters.forget();
        for site in self.directory.sites() {
            let position = self.store.cursor(journeys::NAME, site.number).await?;
            self.reach(site.number, position);
        }
        self.reach(HOUSE, self.store.head(HOUSE));
        self.recoveries = Some(recoveries);
        Ok(())
    }

    /// Follows for ever. An error is logged and tried again: facts wait, they do not go away.
    pub async fn run(mut self) {
        let mut changes = self.store.changes();
        let mut upkeep_at = Instant::now();
        loop {
            changes.mark_unchanged();
            match self.catch_up().await {
                Ok(()) => {
                    let not_before = Instant::now() + EVERY;
                    loop {
                        if Instant::now() >= upkeep_at && !self.upkeep().await {
                            upkeep_at = Instant::now() + TICK;
                        }
                        match tokio::time::timeout_at(upkeep_at, changes.changed()).await {
                            Ok(Ok(())) => break,
                            Ok(Err(_)) => return,
                            Err(_) => {}
                        }
                    }
                    tokio::time::sleep_until(not_before).await;
                }
                Err(error) => {
                    tracing::error!(%error, "what is derived could not be brought up to date; trying again");
                    tokio::time::sleep(PAUSE).await;
                    // What is known may be of a step that was not taken.
                    self.recoveries = None;
                }
            }
        }
    }

    /// Takes one step of what is due by the clock. Answers whether there is more to do at once.
    async fn upkeep(&mut self) -> bool {
        let Some(Upkeep { clock, retention, silence }) = &mut self.upkeep else { return false };
        let (now, sites) = (clock.now(), self.directory.sites());
        if let Err(error) = silence.look(self.store.as_ref(), &sites, now).await {
            tracing::error!(%error, "nobody could look whether sites are silent; trying again");
        }
        match retention.step(self.store.as_ref(), &sites, now).await {
            Ok(more) => more,
            // An archive is being made: it has its time.
            Err(StoreError::Busy) => false,
            Err(error) => {
                tracing::error!(%error, "what is too old could not be sealed; trying again");
                false
            }
        }
    }

    /// Brings everything derived up to the heads of the logs.
    ///
    /// # Errors
    /// What the store says.
    pub async fn catch_up(&mut self) -> Result<(), StoreError> {
        loop {
            // A store that came back from a failure stands where it was synced last, which may be further back.
            if self.recoveries != Some(self.store.vitals().recoveries.get()) {
                self.begin().await?;
            }
            self.directory.refresh(self.store.as_ref()).await?;
            let sites = self.directory.sites();
            for site in &sites {
                self.site(site).await?;
            }
            // Last: a site that was just created is at its (empty) head before its creator is told so.
            self.reach(HOUSE, self.store.head(HOUSE));
            // Step by step: counting a long log anew must not keep journeys and leads waiting.
            let mut behind = false;
            for site in &sites {
                let reached = self.reached.borrow().get(&site.number).copied().unwrap_or(0);
                behind |= self.counters.step(&self.store, site.number, &site.config, reached).await?;
            }
            if !behind {
                return Ok(());
            }
        }
    }

    async fn site(&mut self, site: &Site) -> Result<(), StoreError> {
        let (site, config) = (site.number, &site.config);
        let known = self.reached.borrow().get(&site).copied();
        let mut position = match known {
            Some(position) => position,
            None => self.store.cursor(journeys::NAME, site).await?,
        };
        let now = journeys::basis(config);
        if self.basis.get(&site).is_none_or(|basis| *basis != now) {
            let known = self.store.basis(site).await?;
            if position > 0 && !known.as_deref().is_some_and(journeys::is_current) {
                tracing::info!("what an older version derived is derived anew");
                self.store.reset(site).await?;
                self.counters.forget();
                position = 0;
                self.reach(site, position);
            }
            if known.is_none_or(|known| known != now) {
                journeys::rederive(self.store.as_ref(), site, config, position).await?;
            }
            self.basis.insert(site, now);
        }
        while position < self.store.head(site) {
            position = journeys::step(self.store.as_ref(), site, config, position).await?;
            self.reach(site, position);
        }
        if known.is_none() {
            self.reach(site, position);
        }
        Ok(())
    }

    fn reach(&self, site: SiteNumber, position: Position) {
        self.reached.send_modify(|reached| {
            reached.insert(site, position);
        });
    }
}
