//! Watches for sites that went quiet. What it sees is appended, so it is told once however often the process starts.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use tokio::sync::watch;

use super::directory::Site;
use crate::{
    domain::{
        calendar,
        fact::{Entry, SiteNumber},
        silence,
    },
    store::{Append, Claim, Store, StoreError, Verdict},
};

/// How often each site is looked at, in ms.
const EVERY_MS: i64 = 60_000;
/// So far back counts are needed, in hours: a week of silence, and the weeks that it is compared with.
const HOURS: u32 = 24 * 7 * (silence::WEEKS as u32 + 1) + 2;

/// Since when each silent site is silent, ms since the epoch.
pub type Silences = watch::Receiver<HashMap<SiteNumber, i64>>;

/// Looks at one site after the other.
pub struct Watch {
    looked_at: HashMap<SiteNumber, i64>,
    silences: watch::Sender<HashMap<SiteNumber, i64>>,
}

impl Watch {
    /// A watch, and what it sees.
    #[must_use]
    pub fn new() -> (Self, Silences) {
        let (silences, seen) = watch::channel(HashMap::new());
        (Self { looked_at: HashMap::new(), silences }, seen)
    }

    /// Looks at the sites whose time has come. What is derived must be up to date.
    ///
    /// # Errors
    /// What the store says.
    pub async fn look(&mut self, store: &dyn Store, sites: &[Arc<Site>], now: i64) -> Result<(), StoreError> {
        for site in sites {
            let looked_at = self.looked_at.get(&site.number);
            if looked_at.is_none_or(|at| (now - at).abs() >= EVERY_MS) {
                self.look_at(store, site, now).await?;
                self.looked_at.insert(site.number, now);
            }
        }
        Ok(())
    }

    async fn look_at(&self, store: &dyn Store, site: &Site, now: i64) -> Result<(), StoreError> {
        let install = store.install(site.number).await?;
        let (Some(first), Some(last)) = (install.first_beacon_at, install.last_beacon_at) else {
            return Ok(());
        };
        let known = self.silences.borrow().get(&site.number).copied();
        if now - last < silence::QUIET_MS {
            if known.is_some() {
                self.silences.send_modify(|silences| {
                    silences.remove(&site.number);
                });
                tracing::info!(site = site.slug, "the site is heard again");
            }
            return Ok(());
        }
        if known == Some(last) {
            return Ok(());
        }
        let to = silence::hour_of(now);
        let counts: BTreeMap<silence::Hour, u64> =
            store.pulse(site.number, to.saturating_sub(HOURS), to).await?;
        let zone = calendar::zone(&site.config.timezone);
        let count = |hour| counts.get(&hour).copied().unwrap_or(0);
        let Some(silent) = silence::silent(now, first, last, &zone, count) else { return Ok(()) };
        let expected = silent.expected;
        // Of one silence there is one fact, whoever notices it, and after however many starts.
        let claim = Claim { kind: "silent", external_id: last.to_string(), content: [0; 32] };
        let append = Append { claim: Some(claim), ..Append::of(site.number, Entry::Silent(silent)) };
        let appended = store.append(append).await?;
        if matches!(appended.verdicts.first(), Some(Verdict::Stored(_))) {
            tracing::warn!(
                site = site.slug,
                since = last,
                expected,
                "site.silent: nothing comes from the site"
            );
        }
        self.silences.send_modify(|silences| {
            silences.insert(site.number, last);
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
