//! Watches for sites, and forms of sites, that went quiet. What it sees is appended, so it is told once however often the process starts.

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

/// Forms of a site that are looked at, at most.
const MOST_FORMS: usize = 200;

/// Who is silent, and since when, ms since the epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quiet {
    /// Sites.
    pub sites: HashMap<SiteNumber, i64>,
    /// Forms of sites that are not.
    pub forms: BTreeMap<(SiteNumber, String), i64>,
}

/// The same as it changes.
pub type Silences = watch::Receiver<Quiet>;

/// Looks at one site after the other.
pub struct Watch {
    looked_at: HashMap<SiteNumber, i64>,
    silences: watch::Sender<Quiet>,
}

impl Watch {
    /// A watch, and what it sees.
    #[must_use]
    pub fn new() -> (Self, Silences) {
        let (silences, seen) = watch::channel(Quiet::default());
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
                self.look_at_forms(store, site, now).await?;
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
        let known = self.silences.borrow().sites.get(&site.number).copied();
        if now - last < silence::QUIET_MS {
            if known.is_some() {
                self.silences.send_modify(|silences| {
                    silences.sites.remove(&site.number);
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
            silences.sites.insert(site.number, last);
        });
        Ok(())
    }

    /// The same for its forms. Where the whole site is silent, so are they, and nobody is told that again.
    async fn look_at_forms(&self, store: &dyn Store, site: &Site, now: i64) -> Result<(), StoreError> {
        if self.silences.borrow().sites.contains_key(&site.number) {
            return Ok(());
        }
        let zone = calendar::zone(&site.config.timezone);
        for form in store.forms(site.number, MOST_FORMS).await? {
            let (since, key) = (form.since(now), (site.number, form.form.clone()));
            let known = self.silences.borrow().forms.get(&key).copied();
            if now - since < silence::QUIET_MS {
                if known.is_some() {
                    self.silences.send_modify(|silences| {
                        silences.forms.remove(&key);
                    });
                    tracing::info!(site = site.slug, form = form.form, "the form is sent again");
                }
                continue;
            }
            if known == Some(since) {
                continue;
            }
            let to = silence::hour_of(now);
            let counts = store.form_pulse(site.number, &form.form, to.saturating_sub(HOURS)..=to).await?;
            let count = |hour| counts.get(&hour).copied().unwrap_or(0);
            let Some(silent) = form.silent(now, &zone, count) else { continue };
            let expected = silent.expected;
            let external_id = format!("{since} {}", form.form);
            let claim = Claim { kind: "form_silent", external_id, content: [0; 32] };
            let append = Append { claim: Some(claim), ..Append::of(site.number, Entry::FormSilent(silent)) };
            let appended = store.append(append).await?;
            if matches!(appended.verdicts.first(), Some(Verdict::Stored(_))) {
                let form = &form.form;
                tracing::warn!(site = site.slug, form, since, expected, "form.silent: nobody sends the form");
            }
            self.silences.send_modify(|silences| {
                silences.forms.insert(key, since);
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
