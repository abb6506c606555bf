//! Messages on their way: which there are, which are due, who works on them.
//!
//! Whoever sends a message claims it for a while, so that nobody else does at the same time. Where one process owns the
//! store, claims end with the process, and so they are kept in its memory: after a kill nothing waits for a claim to run out.

use std::collections::HashMap;

use async_trait::async_trait;

use super::{
    StoreError,
    engine::{Batch, Engine},
    keys,
    kv::KvStore,
    reads::{after, cursor, each_key, packed, row},
};
use crate::domain::{
    delivery::{Delivery, DeliveryState, MessageId},
    fact::{Position, SiteNumber},
    id::LeadId,
    webhook::Desk,
};

/// How many keys are looked at together.
const PAGE: usize = 256;

/// What a store knows of messages. A part of [`super::Store`].
#[async_trait]
pub trait Outbox: Send + Sync {
    /// A site's endpoints as they stand.
    async fn desk(&self, site: SiteNumber) -> Result<Desk, StoreError>;

    /// One delivery.
    async fn delivery(&self, site: SiteNumber, id: &MessageId) -> Result<Option<Delivery>, StoreError>;

    /// Deliveries, newest first, and where to go on.
    async fn deliveries(&self, site: SiteNumber, query: DeliveryQuery) -> Result<DeliveryPage, StoreError>;

    /// All that is pending of an endpoint, the earliest first.
    async fn pending_of(&self, site: SiteNumber, endpoint: &str) -> Result<Vec<Delivery>, StoreError>;

    /// How many deliveries are pending, counted up to `most`.
    async fn pending(&self, site: SiteNumber, most: usize) -> Result<usize, StoreError>;

    /// Claims what is due of an endpoint. Nobody else gets it until the claim ends, or is [given up](Self::release).
    async fn claim(&self, site: SiteNumber, asked: ClaimDue) -> Result<Claimed, StoreError>;

    /// Gives up a claim.
    fn release(&self, site: SiteNumber, id: &MessageId);
}

/// What is to be claimed.
#[derive(Debug, Clone)]
pub struct ClaimDue {
    /// Of which endpoint.
    pub endpoint: String,
    /// What is due by then, ms since the epoch.
    pub now: i64,
    /// When the claim ends by itself.
    pub until: i64,
    /// Nothing, unless this projector is this far: what was sent already must be known to be.
    pub reached: (&'static str, Position),
    /// At most so many.
    pub max: usize,
}

/// What was claimed.
#[derive(Debug, Default)]
pub struct Claimed {
    /// The earliest first.
    pub items: Vec<Delivery>,
    /// When the next one is due that nobody works on, where all that is due was claimed.
    pub next_due: Option<i64>,
}

/// Which deliveries are asked for.
#[derive(Debug, Clone, Default)]
pub struct DeliveryQuery {
    /// About this lead.
    pub lead: Option<LeadId>,
    /// To this endpoint.
    pub endpoint: Option<String>,
    /// That stand like this.
    pub state: Option<DeliveryState>,
    /// Go on after this one.
    pub after: Option<(i64, MessageId)>,
    /// At most this many.
    pub limit: usize,
}

/// Some deliveries, and whether there are more.
#[derive(Debug, Clone)]
pub struct DeliveryPage {
    /// Newest first.
    pub items: Vec<Delivery>,
    /// The last one, where there may be more after it.
    pub next: Option<(i64, MessageId)>,
}

/// Until when somebody works on what.
pub(super) type Claims = HashMap<(SiteNumber, MessageId), i64>;

#[async_trait]
impl Outbox for KvStore {
    async fn desk(&self, site: SiteNumber) -> Result<Desk, StoreError> {
        self.blocking(move |engine| {
            engine.get(&keys::desk(site))?.map_or_else(|| Ok(Desk::default()), |value| row(&value))
        })
        .await
    }

    async fn delivery(&self, site: SiteNumber, id: &MessageId) -> Result<Option<Delivery>, StoreError> {
        let id = id.clone();
        self.blocking(move |engine| delivery(engine, site, &id)).await
    }

    async fn deliveries(&self, site: SiteNumber, query: DeliveryQuery) -> Result<DeliveryPage, StoreError> {
        self.blocking(move |engine| deliveries(engine, site, &query)).await
    }

    async fn pending_of(&self, site: SiteNumber, endpoint: &str) -> Result<Vec<Delivery>, StoreError> {
        let prefix = keys::due(site, endpoint);
        self.blocking(move |engine| {
            let mut found = Vec::new();
            each_key(engine, &prefix, |key| {
                let (_, id) = keys::due_of(key, &prefix).ok_or_else(damaged)?;
                found.extend(delivery(engine, site, &id)?);
                Ok(())
            })?;
            Ok(found)
        })
        .await
    }

    async fn pending(&self, site: SiteNumber, most: usize) -> Result<usize, StoreError> {
        let prefix = keys::all_due(site);
        self.blocking(move |engine| Ok(engine.scan(&prefix, &keys::after_prefix(&prefix), most)?.len())).await
    }

    async fn claim(&self, site: SiteNumber, asked: ClaimDue) -> Result<Claimed, StoreError> {
        let (steps, claims) = (self.steps(), self.claims());
        self.blocking(move |engine| {
            // Nothing is derived meanwhile: what is read is of one moment.
            let _alone = steps.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let mut claims = claims.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            claim(engine, site, &asked, &mut claims)
        })
        .await
    }

    fn release(&self, site: SiteNumber, id: &MessageId) {
        let claims = self.claims();
        claims.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&(site, id.clone()));
    }
}

fn damaged() -> StoreError {
    StoreError::Damaged("a delivery's key".to_owned())
}

fn delivery(engine: &dyn Engine, site: SiteNumber, id: &MessageId) -> Result<Option<Delivery>, StoreError> {
    engine.get(&keys::delivery(site, id))?.map(|value| row(&value)).transpose()
}

fn claim(
    engine: &dyn Engine,
    site: SiteNumber,
    asked: &ClaimDue,
    claims: &mut Claims,
) -> Result<Claimed, StoreError> {
    let mut claimed = Claimed::default();
    let (projector, position) = asked.reached;
    if cursor(engine, projector, site)? < position {
        return Ok(claimed);
    }
    let prefix = keys::due(site, &asked.endpoint);
    let end = keys::after_prefix(&prefix);
    let mut from = prefix.clone();
    loop {
        let pairs = engine.scan(&from, &end, PAGE)?;
        for (key, _) in &pairs {
            let (due, id) = keys::due_of(key, &prefix).ok_or_else(damaged)?;
            let owned = (site, id);
            if claims.get(&owned).is_some_and(|until| asked.now < *until) {
                continue;
            }
            if due > asked.now || claimed.items.len() >= asked.max {
                claimed.next_due = Some(due);
                return Ok(claimed);
            }
            let missing = || StoreError::Damaged(format!("delivery {} is due and not there", owned.1));
            claimed.items.push(delivery(engine, site, &owned.1)?.ok_or_else(missing)?);
            claims.insert(owned, asked.until);
        }
        match pairs.len() {
            PAGE => from = after(pairs),
            _ => return Ok(claimed),
        }
    }
}

fn deliveries(
    engine: &dyn Engine,
    site: SiteNumber,
    query: &DeliveryQuery,
) -> Result<DeliveryPage, StoreError> {
    let key_of = |at: i64, id: &MessageId| match &query.lead {
        Some(lead) => keys::delivery_by_lead(site, lead, at, id),
        None => keys::delivery_by_time(site, at, id),
    };
    let prefix = match &query.lead {
        Some(lead) => keys::deliveries_by_lead(site, lead),
        None => keys::deliveries_by_time(site),
    };
    let end = keys::after_prefix(&prefix);
    let mut from = match &query.after {
        Some((at, id)) => [key_of(*at, id), vec![0]].concat(),
        None => prefix.clone(),
    };
    let mut items: Vec<Delivery> = Vec::new();
    loop {
        let pairs = engine.scan(&from, &end, PAGE)?;
        for (key, _) in &pairs {
            let id = key.get(prefix.len() + 8..).and_then(keys::message).ok_or_else(damaged)?;
            // Sealed between the two reads, it is listed no more.
            let Some(delivery) = delivery(engine, site, &id)? else { continue };
            let is_asked = query.endpoint.as_ref().is_none_or(|asked| delivery.endpoint == *asked)
                && query.state.is_none_or(|asked| delivery.state == asked);
            if !is_asked {
                continue;
            }
            if items.len() == query.limit {
                let next = items.last().map(|last| (last.at, last.id.clone()));
                return Ok(DeliveryPage { items, next });
            }
            items.push(delivery);
        }
        match pairs.len() {
            PAGE => from = after(pairs),
            _ => return Ok(DeliveryPage { items, next: None }),
        }
    }
}

/// Every key that leads to a delivery, save the one by when it is due.
fn listed_under(site: SiteNumber, delivery: &Delivery) -> Vec<Vec<u8>> {
    let by_lead =
        delivery.lead.iter().map(|lead| keys::delivery_by_lead(site, lead, delivery.at, &delivery.id));
    by_lead.chain([keys::delivery_by_time(site, delivery.at, &delivery.id)]).collect()
}

fn due_key(site: SiteNumber, delivery: &Delivery) -> Option<Vec<u8>> {
    delivery.due_at.map(|at| keys::due_at(site, &delivery.endpoint, at, &delivery.id))
}

/// Writes a delivery as it stands now.
pub(super) fn write(
    engine: &dyn Engine,
    site: SiteNumber,
    now: &Delivery,
    batch: &mut Batch,
) -> Result<(), StoreError> {
    match delivery(engine, site, &now.id)? {
        Some(before) => batch.extend(due_key(site, &before).map(|key| (key, None))),
        None => batch.extend(listed_under(site, now).into_iter().map(|key| (key, Some(vec![keys::VERSION])))),
    }
    batch.extend(due_key(site, now).map(|key| (key, Some(vec![keys::VERSION]))));
    batch.push((keys::delivery(site, &now.id), Some(packed(now)?)));
    Ok(())
}

/// Writes a site's endpoints as they stand now.
pub(super) fn write_desk(site: SiteNumber, desk: &Desk, batch: &mut Batch) -> Result<(), StoreError> {
    batch.push((keys::desk(site), Some(packed(desk)?)));
    Ok(())
}

/// What was told of a lead goes with it.
pub(super) fn forget(
    engine: &dyn Engine,
    site: SiteNumber,
    lead: &LeadId,
    batch: &mut Batch,
) -> Result<(), StoreError> {
    let prefix = keys::deliveries_by_lead(site, lead);
    each_key(engine, &prefix, |key| {
        let id = key.get(prefix.len() + 8..).and_then(keys::message).ok_or_else(damaged)?;
        if let Some(gone) = delivery(engine, site, &id)? {
            batch.extend(
                listed_under(site, &gone).into_iter().chain(due_key(site, &gone)).map(|key| (key, None)),
            );
        }
        batch.push((keys::delivery(site, &id), None));
        Ok(())
    })
}
