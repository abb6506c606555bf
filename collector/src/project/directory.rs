//! Sites and tokens, as the house's log says. Small, read at every request, so it is held in memory.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use crate::{
    domain::{
        consent::ConsentTexts,
        fact::{Entry, HOUSE, Position, SiteNumber},
        hook::Hook,
        number::Numbers,
        promotion::Link,
        site::SiteConfig,
        token::TokenPut,
    },
    store::{Store, StoreError},
};

/// A site as it is configured now.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its number in the store.
    pub number: SiteNumber,
    /// Its name in URLs.
    pub slug: String,
    /// When it was created, ms since the epoch.
    pub created_at: i64,
    /// Position of the fact that configured it last: tells versions apart.
    pub version: Position,
    /// Its configuration.
    pub config: SiteConfig,
    /// Which set of stages its funnel has: 1, 2, 3, …
    pub funnel_version: u32,
    /// Since when it has that one, ms since the epoch.
    pub funnel_since: i64,
    /// Which set of rules for points it has: 1, 2, 3, …
    pub scoring_version: u32,
    /// Its counted links.
    pub links: Arc<Vec<Link>>,
    /// Its telephone numbers.
    pub numbers: Arc<Numbers>,
    /// Its doors for other systems.
    pub hooks: Arc<Vec<Hook>>,
    /// What exactly people agree to.
    pub consent_texts: Arc<ConsentTexts>,
}

#[derive(Debug, Default, Clone)]
struct Entries {
    position: Position,
    sites: HashMap<String, Arc<Site>>,
    /// By the hash of the token.
    tokens: HashMap<String, Arc<TokenPut>>,
}

/// The sites and tokens there are.
#[derive(Default)]
pub struct Directory {
    entries: RwLock<Arc<Entries>>,
}

impl Directory {
    fn entries(&self) -> Arc<Entries> {
        Arc::clone(&self.entries.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads what the house's log says since the last time.
    ///
    /// # Errors
    /// What the store says.
    pub async fn refresh(&self, store: &dyn Store) -> Result<(), StoreError> {
        loop {
            let mut entries = self.entries().as_ref().clone();
            let news = store.read(HOUSE, entries.position, 1000).await?;
            if news.is_empty() {
                return Ok(());
            }
            for fact in news {
                entries.position = fact.last();
                entries.apply(fact.position, &fact.entry);
            }
            let mut current = self.entries.write().unwrap_or_else(PoisonError::into_inner);
            // Two refreshes may overlap; the one that read further wins.
            if current.position < entries.position {
                *current = Arc::new(entries);
            }
        }
    }

    /// The site of a slug.
    #[must_use]
    pub fn site(&self, slug: &str) -> Option<Arc<Site>> {
        self.entries().sites.get(slug).cloned()
    }

    /// Every site, by number.
    #[must_use]
    pub fn sites(&self) -> Vec<Arc<Site>> {
        let mut sites: Vec<_> = self.entries().sites.values().cloned().collect();
        sites.sort_by_key(|site| site.number);
        sites
    }

    /// The token with this hash, unless it has expired.
    #[must_use]
    pub fn token(&self, hash: &str, now: i64) -> Option<Arc<TokenPut>> {
        let token = self.entries().tokens.get(hash).cloned()?;
        token.expires_at.is_none_or(|end| now < end).then_some(token)
    }

    /// Every token that was not withdrawn, oldest first.
    #[must_use]
    pub fn tokens(&self) -> Vec<Arc<TokenPut>> {
        let mut tokens: Vec<_> = self.entries().tokens.values().cloned().collect();
        tokens.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        tokens
    }
}

impl Entries {
    fn apply(&mut self, position: Position, entry: &Entry) {
        match entry {
            Entry::Site(put) => {
                let known = self.sites.get(&put.slug);
                let links = known.map(|site| Arc::clone(&site.links)).unwrap_or_default();
                let consent_texts = known.map(|site| Arc::clone(&site.consent_texts)).unwrap_or_default();
                let numbers = known.map(|site| Arc::clone(&site.numbers)).unwrap_or_default();
                let hooks = known.map(|site| Arc::clone(&site.hooks)).unwrap_or_default();
                let (number, created_at) = match known {
                    Some(site) => (site.number, site.created_at),
                    // The number of a site is the position of its first fact: unique without asking anybody.
                    None => match SiteNumber::try_from(position) {
                        Ok(number) => (number, put.at),
                        Err(_) => return,
                    },
                };
                let (funnel_version, funnel_since) = match known {
                    Some(site) if site.config.stages == put.config.stages => {
                        (site.funnel_version, site.funnel_since)
                    }
                    known => (known.map_or(0, |site| site.funnel_version).saturating_add(1), put.at),
                };
                let scoring_version = match known {
                    Some(site) if site.config.scoring == put.config.scoring => site.scoring_version,
                    known => known.map_or(0, |site| site.scoring_version).saturating_add(1),
                };
                let site = Site {
                    number,
                    slug: put.slug.clone(),
                    created_at,
                    version: position,
                    config: put.config.clone(),
                    funnel_version,
                    funnel_since,
                    scoring_version,
                    links,
                    numbers,
                    hooks,
                    consent_texts,
                };
                self.sites.insert(put.slug.clone(), Arc::new(site));
            }
            Entry::Links(put) => {
                let Some(site) = self.sites.get(&put.slug) else { return };
                let site = Site { links: Arc::new(put.items.clone()), ..site.as_ref().clone() };
                self.sites.insert(put.slug.clone(), Arc::new(site));
            }
            Entry::Hooks(put) => {
                let Some(site) = self.sites.get(&put.slug) else { return };
                let site = Site { hooks: Arc::new(put.items.clone()), ..site.as_ref().clone() };
                self.sites.insert(put.slug.clone(), Arc::new(site));
            }
            Entry::Numbers(put) => {
                let Some(site) = self.sites.get(&put.slug) else { return };
                let mut numbers = site.numbers.as_ref().clone();
                numbers.put(put);
                let site = Site { numbers: Arc::new(numbers), ..site.as_ref().clone() };
                self.sites.insert(put.slug.clone(), Arc::new(site));
            }
            Entry::ConsentTexts(put) => {
                let Some(site) = self.sites.get(&put.slug) else { return };
                let mut texts = site.consent_texts.as_ref().clone();
                texts.put(&put.items);
                let site = Site { consent_texts: Arc::new(texts), ..site.as_ref().clone() };
                self.sites.insert(put.slug.clone(), Arc::new(site));
            }
            Entry::Token(put) => {
                self.tokens.insert(put.hash.clone(), Arc::new(put.clone()));
            }
            Entry::TokenRevoked(revoked) => self.tokens.retain(|_, token| token.id != revoked.id),
            Entry::Arrival(_)
            | Entry::Stage(_)
            | Entry::EdgeMark(_)
            | Entry::Lead(_)
            | Entry::Attempt(_)
            | Entry::Sale(_)
            | Entry::Call(_)
            | Entry::Message(_)
            | Entry::Lease(_)
            | Entry::Flag(_)
            | Entry::Patch(_)
            | Entry::ConversionSent(_)
            | Entry::Activity(_)
            | Entry::Breach(_)
            | Entry::DoNotCall(_)
            | Entry::Pixel(_)
            | Entry::LinkClick(_)
            | Entry::Cost(_)
            | Entry::Sealed(_)
            | Entry::Silent(_)
            | Entry::FormSilent(_)
            | Entry::Exported(_)
            | Entry::Erased(_)
            | Entry::Looked(_)
            | Entry::Consent(_)
            | Entry::Webhooks(_)
            | Entry::Endpoint(_)
            | Entry::Tried(_)
            | Entry::Replay(_) => {}
        }
    }
}
