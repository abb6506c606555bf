//! Notes who looks at contact details, without making them wait: what an answer shows is gathered for a moment and appended
//! as one fact. A power cut within that moment may lose it; a stop does not.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::auth::Caller;
use crate::{
    clock::Clock,
    domain::{
        audit::Looked,
        fact::{Entry, SiteNumber},
    },
    store::{Append, Store},
};

/// How long looks are gathered.
const GATHERED: Duration = Duration::from_millis(100);
const HOUR_MS: i64 = 3_600_000;
/// Looks that are remembered, so that the same within the hour is told once.
const REMEMBERED: usize = 50_000;

/// Who looks, through what, in which site.
type Looker = (SiteNumber, String, String);

/// The looks of this moment.
#[derive(Clone)]
pub struct Looks {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
    /// Held while looks are appended.
    appending: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct State {
    /// In which hour somebody was last seen to look at somebody.
    known: HashMap<(Looker, String), i64>,
    /// What is to be appended.
    fresh: HashMap<Looker, BTreeSet<String>>,
}

impl Looks {
    /// None yet.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, state: Arc::default(), appending: Arc::default() }
    }

    /// Somebody is shown what only some may see of somebody: the id of a lead, or of a person.
    pub fn see(&self, site: SiteNumber, caller: &Caller, subject: &str) {
        let looker = (site, caller.token.clone(), caller.endpoint.clone());
        let hour = self.clock.now().div_euclid(HOUR_MS);
        let mut state = self.state();
        let key = (looker, subject.to_owned());
        if state.known.get(&key) == Some(&hour) {
            return;
        }
        if state.known.len() >= REMEMBERED {
            state.known.clear();
        }
        let looker = key.0.clone();
        state.known.insert(key, hour);
        let is_first = state.fresh.is_empty();
        state.fresh.entry(looker).or_default().insert(subject.to_owned());
        drop(state);
        if is_first {
            let looks = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(GATHERED).await;
                looks.flush().await;
            });
        }
    }

    /// Appends what was gathered. Whatever was seen before this was asked has been appended when it returns, by whomever:
    /// what somebody else is about to append is waited for.
    pub async fn flush(&self) {
        let _alone = self.appending.lock().await;
        let fresh = std::mem::take(&mut self.state().fresh);
        for (looker, subjects) in fresh {
            let subjects: Vec<String> = subjects.into_iter().collect();
            for subjects in subjects.chunks(Looked::MOST) {
                let (site, by, through) = looker.clone();
                let looked = Looked { at: self.clock.now(), by, through, subjects: subjects.to_vec() };
                if let Err(error) = self.store.append(Append::of(site, Entry::Looked(looked))).await {
                    tracing::error!(%error, site, "who looked at contact details could not be noted");
                    // The next look is told.
                    let mut state = self.state();
                    for subject in subjects {
                        state.known.remove(&(looker.clone(), subject.clone()));
                    }
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
