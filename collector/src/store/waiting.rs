//! Leads that wait to be reached: who is next is asked of all of them, so they are held in memory, as their rows say.
//!
//! A step that is committed changes them in the same moment. What was lost with a failing disk, sealed or reset is read again
//! when somebody asks.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{
    Row, Store as _, StoreError,
    engine::Batch,
    keys,
    kv::KvStore,
    reads::{each_pair, packed, row},
};
use crate::domain::{
    do_not_call::{DoNotCall, PhoneHash},
    fact::SiteNumber,
    id::LeadId,
    standing::Lead,
    waiting::Waiting,
};

/// So many changes of a site are remembered for who follows them.
const RECENT: usize = 8_192;
/// Leads of a piece.
const PIECE: usize = 64;

/// What a store knows of leads that wait. A part of [`super::Store`].
#[async_trait]
pub trait WaitingList: Send + Sync {
    /// All of a site's.
    async fn waiting(&self, site: SiteNumber) -> Result<WaitingLeads, StoreError>;

    /// What changed among them since a mark; 0 is before everything.
    async fn waiting_since(&self, site: SiteNumber, mark: u64) -> Result<WaitingNews, StoreError>;

    /// What was said of a number that is not to be called; `None` of one that may be.
    async fn do_not_call(&self, site: SiteNumber, phone: PhoneHash) -> Result<Option<DoNotCall>, StoreError>;

    /// Numbers that are not to be called, after one and in the order of their hashes.
    async fn all_do_not_call(
        &self,
        site: SiteNumber,
        after: Option<PhoneHash>,
        max: usize,
    ) -> Result<Vec<DoNotCall>, StoreError>;
}

/// The leads of a site that wait, as they are at a moment. Who asks shares them with the store, which copies a piece of
/// them where it is to change: all of them are looked at in the order in which they lie in memory.
#[derive(Debug, Clone, Default)]
pub struct WaitingLeads {
    pieces: Vec<Arc<Vec<Option<Waiting>>>>,
}

impl WaitingLeads {
    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Waiting> + Clone {
        self.pieces.iter().flat_map(|piece| piece.iter().flatten())
    }

    fn at(&self, place: usize) -> Option<&Waiting> {
        self.pieces.get(place / PIECE)?.get(place % PIECE)?.as_ref()
    }

    fn set(&mut self, place: usize, now: Option<Waiting>) {
        while self.pieces.len() <= place / PIECE {
            self.pieces.push(Arc::new(vec![None; PIECE]));
        }
        let piece = self.pieces.get_mut(place / PIECE).map(Arc::make_mut);
        if let Some(slot) = piece.and_then(|piece| piece.get_mut(place % PIECE)) {
            *slot = now;
        }
    }
}

/// What changed among the leads that wait.
#[derive(Debug, Default)]
pub struct WaitingNews {
    /// To be asked by the next time.
    pub mark: u64,
    /// All of them, where what was known before is to be forgotten.
    pub all: Option<WaitingLeads>,
    /// Each as it is now; `None` of those that wait no more.
    pub changes: Vec<(LeadId, Option<Waiting>)>,
}

/// What a step changes among them.
pub(super) type News = Vec<(LeadId, Option<Waiting>)>;

/// What rows change among them.
pub(super) fn news(rows: &[Row]) -> News {
    let of_row = |row: &Row| match row {
        Row::Lead(lead) => Some((lead.id.clone(), Waiting::of(lead))),
        _ => None,
    };
    rows.iter().filter_map(of_row).collect()
}

/// Writes whether a lead waits.
pub(super) fn write(site: SiteNumber, lead: &Lead, batch: &mut Batch) -> Result<(), StoreError> {
    let value = Waiting::of(lead).as_ref().map(packed).transpose()?;
    batch.push((keys::waiting(site, &lead.id), value));
    Ok(())
}

/// Writes whether a number is not to be called.
pub(super) fn write_do_not_call(
    site: SiteNumber,
    said: &DoNotCall,
    batch: &mut Batch,
) -> Result<(), StoreError> {
    let value = said.reason.map(|_| packed(said)).transpose()?;
    batch.push((keys::do_not_call(site, said.phone), value));
    Ok(())
}

/// The leads that wait, of every site that was asked for.
#[derive(Default)]
pub struct Lists {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Grows with every change of any list, so that a mark is of one list alone.
    version: u64,
    sites: HashMap<SiteNumber, List>,
}

struct List {
    /// How often the store had recovered when it was read.
    recoveries: u64,
    all: WaitingLeads,
    /// The place of each.
    places: HashMap<LeadId, usize>,
    /// Places of those that wait no more.
    free: Vec<usize>,
    version: u64,
    /// Changes are remembered since then.
    since: u64,
    recent: VecDeque<(u64, LeadId)>,
}

impl Lists {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a step that was committed changes.
    pub(super) fn note(&self, site: SiteNumber, news: News) {
        let mut inner = self.lock();
        let Inner { version, sites } = &mut *inner;
        let Some(list) = sites.get_mut(&site) else { return };
        for (lead, now) in news {
            if list.get(&lead) == now.as_ref() {
                continue;
            }
            *version += 1;
            list.version = *version;
            list.recent.push_back((*version, lead.clone()));
            list.set(lead, now);
        }
        while list.recent.len() > RECENT {
            list.since = list.recent.pop_front().map_or(list.since, |(version, _)| version);
        }
    }

    /// Reads a site's again when somebody asks.
    pub(super) fn forget(&self, site: SiteNumber) {
        self.lock().sites.remove(&site);
    }

    /// The same, where something may have changed.
    pub(super) fn forget_if(&self, site: SiteNumber, changed: bool) {
        if changed {
            self.forget(site);
        }
    }

    /// What somebody makes of a list; `None` where it is to be read first.
    fn with<T>(&self, site: SiteNumber, recoveries: u64, make: impl FnOnce(&List) -> T) -> Option<T> {
        let inner = self.lock();
        inner.sites.get(&site).filter(|list| list.recoveries == recoveries).map(make)
    }

    fn put(&self, site: SiteNumber, recoveries: u64, leads: Vec<Waiting>) {
        let mut inner = self.lock();
        inner.version += 1;
        let version = inner.version;
        let (all, places, free) = Default::default();
        let recent = VecDeque::new();
        let mut list = List { recoveries, all, places, free, version, since: version, recent };
        for waiting in leads {
            list.set(waiting.lead.clone(), Some(waiting));
        }
        inner.sites.insert(site, list);
    }
}

impl List {
    fn get(&self, lead: &LeadId) -> Option<&Waiting> {
        self.places.get(lead).and_then(|place| self.all.at(*place))
    }

    fn set(&mut self, lead: LeadId, now: Option<Waiting>) {
        let place = match (self.places.get(&lead), &now) {
            (Some(place), Some(_)) => *place,
            (None, None) => return,
            (None, Some(_)) => {
                let place = self.free.pop().unwrap_or(self.places.len());
                self.places.insert(lead, place);
                place
            }
            (Some(place), None) => {
                let place = *place;
                self.places.remove(&lead);
                self.free.push(place);
                place
            }
        };
        self.all.set(place, now);
    }

    fn since(&self, mark: u64) -> WaitingNews {
        if mark < self.since {
            return WaitingNews { mark: self.version, all: Some(self.all.clone()), changes: Vec::new() };
        }
        let news = self.recent.iter().rev().take_while(|(version, _)| *version > mark);
        let changes = news.map(|(_, lead)| (lead.clone(), self.get(lead).cloned())).collect();
        WaitingNews { mark: self.version, all: None, changes }
    }
}

impl KvStore {
    async fn with_list<T>(
        &self,
        site: SiteNumber,
        make: impl Fn(&List) -> T + Send,
    ) -> Result<T, StoreError> {
        loop {
            let recoveries = self.vitals().recoveries.get();
            if let Some(made) = self.lists().with(site, recoveries, &make) {
                return Ok(made);
            }
            let (steps, lists) = (self.steps(), self.lists());
            self.blocking(move |engine| {
                // Nothing is committed meanwhile: what is read is of one moment.
                let _alone = steps.lock().unwrap_or_else(PoisonError::into_inner);
                let mut leads = Vec::new();
                each_pair(engine, &keys::all_waiting(site), |_, value| {
                    leads.push(row(value)?);
                    Ok(())
                })?;
                lists.put(site, recoveries, leads);
                Ok(())
            })
            .await?;
        }
    }
}

#[async_trait]
impl WaitingList for KvStore {
    async fn waiting(&self, site: SiteNumber) -> Result<WaitingLeads, StoreError> {
        self.with_list(site, |list| list.all.clone()).await
    }

    async fn waiting_since(&self, site: SiteNumber, mark: u64) -> Result<WaitingNews, StoreError> {
        self.with_list(site, |list| list.since(mark)).await
    }

    async fn do_not_call(&self, site: SiteNumber, phone: PhoneHash) -> Result<Option<DoNotCall>, StoreError> {
        self.blocking(move |engine| {
            engine.get(&keys::do_not_call(site, phone))?.map(|value| row(&value)).transpose()
        })
        .await
    }

    async fn all_do_not_call(
        &self,
        site: SiteNumber,
        after: Option<PhoneHash>,
        max: usize,
    ) -> Result<Vec<DoNotCall>, StoreError> {
        let prefix = keys::all_do_not_call(site);
        let end = keys::after_prefix(&prefix);
        let from = after.map_or(prefix, |phone| [keys::do_not_call(site, phone), vec![0]].concat());
        self.blocking(move |engine| {
            engine.scan(&from, &end, max)?.iter().map(|(_, value)| row(value)).collect()
        })
        .await
    }
}
