//! What endpoints are told: the messages that a step's facts give rise to, and what became of earlier ones.
//!
//! A message hangs on one fact, never on how a lead changed between two steps: so the same facts give the same messages,
//! however they are cut into steps.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{
        delivery::{Delivery, HISTORY_MS, MessageId, Why},
        fact::{Entry, Position, SiteNumber},
        id::LeadId,
        record::Record,
        webhook::{Desk, EndpointSaid, Health, MessageType},
    },
    store::{Row, Store, StoreError, Stored},
};

/// What a step makes of a site's messages.
pub(super) struct Outbox<'a> {
    store: &'a dyn Store,
    site: SiteNumber,
    /// The endpoints, once they were asked for.
    desk: Option<Desk>,
    is_desk_new: bool,
    /// Messages as this step leaves them.
    deliveries: BTreeMap<MessageId, Delivery>,
    /// Leads that facts of this step told of.
    told: BTreeSet<LeadId>,
}

impl<'a> Outbox<'a> {
    pub(super) fn new(store: &'a dyn Store, site: SiteNumber) -> Self {
        let (desk, deliveries, told) = (None, BTreeMap::new(), BTreeSet::new());
        Self { store, site, desk, is_desk_new: false, deliveries, told }
    }

    /// Takes in the next fact.
    pub(super) async fn take(&mut self, stored: &Stored, rows: &mut Vec<Row>) -> Result<(), StoreError> {
        let position = stored.position;
        match stored.entry.as_ref() {
            Entry::Arrival(arrival) => {
                for (position, event) in (position..).zip(&arrival.events) {
                    if event.detail.lead().is_some() {
                        let lead = LeadId::of_event(&event.id_text());
                        self.born(lead, position, event.at, arrival.received_at).await?;
                    }
                }
            }
            Entry::Silent(silent) => {
                self.tell(MessageType::SiteSilent, None, position, silent.at, silent.at).await?;
            }
            Entry::FormSilent(silent) => {
                self.tell(MessageType::FormSilent, None, position, silent.at, silent.at).await?;
            }
            Entry::Webhooks(put) => {
                let mut desk = self.desk().await?.clone();
                let gone = desk.put(position, put);
                (self.desk, self.is_desk_new) = (Some(desk), true);
                for endpoint in gone {
                    self.drop_pending(&endpoint, put.at, Why::EndpointRemoved).await?;
                }
            }
            Entry::Endpoint(said) => self.said(said, position).await?,
            Entry::Tried(tried) => {
                if let Some(delivery) = self.delivery(&tried.message).await? {
                    delivery.tried(tried);
                    rows.extend(record(tried.lead.as_ref(), position));
                }
            }
            Entry::Replay(replay) => {
                if let Some(delivery) = self.delivery(&replay.message).await? {
                    delivery.again(replay.at);
                    rows.extend(record(replay.lead.as_ref(), position));
                }
            }
            entry => {
                if let Some(record) = Record::of(entry) {
                    self.record(record, position).await?;
                }
            }
        }
        Ok(())
    }

    /// What is to be written of it.
    pub(super) fn rows(&mut self) -> Vec<Row> {
        let desk = self.desk.take().filter(|_| self.is_desk_new).map(Row::Desk);
        let deliveries = std::mem::take(&mut self.deliveries).into_values();
        desk.into_iter().chain(deliveries.map(|delivery| Row::Delivery(Box::new(delivery)))).collect()
    }

    async fn desk(&mut self) -> Result<&Desk, StoreError> {
        let desk = match self.desk.take() {
            Some(desk) => desk,
            None => self.store.desk(self.site).await?,
        };
        Ok(self.desk.insert(desk))
    }

    /// A page gave birth to a lead, or says more of one that a server told of.
    async fn born(
        &mut self,
        lead: LeadId,
        position: Position,
        at: i64,
        received_at: i64,
    ) -> Result<(), StoreError> {
        let kind = match self.is_there(&lead).await? {
            true => MessageType::LeadUpdated,
            false => MessageType::LeadCreated,
        };
        self.told.insert(lead.clone());
        self.tell(kind, Some(&lead), position, at, received_at).await
    }

    /// A server or a person told something of a lead.
    async fn record(&mut self, record: Record<'_>, position: Position) -> Result<(), StoreError> {
        let (lead, received_at) = (record.lead(), record.received_at());
        let (kind, at) = match record {
            Record::Lead(told) => return self.born(lead.clone(), position, told.at, received_at).await,
            Record::Stage(moved) => (MessageType::StageChanged, moved.at),
            Record::Attempt(attempt) => (MessageType::AttemptRecorded, attempt.at),
            Record::Sale(sale) => (MessageType::SaleRecorded, sale.at),
            Record::Call(call, _) => (MessageType::CallReceived, call.at),
            Record::Breach(breach) => (MessageType::SlaBreached, breach.due_at),
            Record::Message(message, _) => (MessageType::MessageReceived, message.at),
            Record::Flag(_) | Record::Patch(_) => (MessageType::LeadUpdated, received_at),
            // What an ad platform was given is nothing new about the lead, and what happened elsewhere moves it nowhere.
            Record::ConversionSent(_) | Record::Activity(_) => return Ok(()),
        };
        // Records are only accepted of leads that are there, but a log may be imported in part.
        if self.is_there(lead).await? {
            self.tell(kind, Some(lead), position, at, received_at).await?;
        }
        Ok(())
    }

    /// Whether a fact before told of a lead. It matters to nobody where nobody is told.
    async fn is_there(&mut self, lead: &LeadId) -> Result<bool, StoreError> {
        if self.told.contains(lead) {
            return Ok(true);
        }
        Ok(!self.desk().await?.items.is_empty() && self.store.lead(self.site, lead).await?.is_some())
    }

    /// An endpoint is doing otherwise than before: what waits for one that is gone waits no more, and others are told.
    async fn said(&mut self, said: &EndpointSaid, position: Position) -> Result<(), StoreError> {
        let mut desk = self.desk().await?.clone();
        let is_there = desk.said(said);
        (self.desk, self.is_desk_new) = (Some(desk), true);
        if !is_there {
            return Ok(());
        }
        if said.health == Health::Off {
            self.drop_pending(&said.endpoint, said.at, Why::EndpointOff).await?;
        }
        if said.health != Health::Well {
            let kind = MessageType::DeliveryFailing;
            let desk = self.desk().await?.clone();
            for other in desk.told_of(kind).filter(|other| other.webhook.id != said.endpoint) {
                self.send(kind, &other.webhook.id, other.health, None, position, said.at);
            }
        }
        Ok(())
    }

    /// Writes the messages about a fact that happened at a time. What is history when it is told is no news.
    async fn tell(
        &mut self,
        kind: MessageType,
        lead: Option<&LeadId>,
        position: Position,
        at: i64,
        received_at: i64,
    ) -> Result<(), StoreError> {
        if received_at.saturating_sub(at) > HISTORY_MS {
            return Ok(());
        }
        let told_of: Vec<(String, Health)> =
            self.desk().await?.told_of(kind).map(|told| (told.webhook.id.clone(), told.health)).collect();
        for (endpoint, health) in told_of {
            self.send(kind, &endpoint, health, lead, position, received_at);
        }
        Ok(())
    }

    fn send(
        &mut self,
        kind: MessageType,
        endpoint: &str,
        health: Health,
        lead: Option<&LeadId>,
        position: Position,
        received_at: i64,
    ) {
        let mut delivery = Delivery::new(kind, endpoint, lead.cloned(), position, received_at);
        if health == Health::Off {
            delivery.drop(received_at, Why::EndpointOff);
        }
        self.deliveries.insert(delivery.id.clone(), delivery);
    }

    /// A message as it stands; `None` where there is none.
    async fn delivery(&mut self, id: &MessageId) -> Result<Option<&mut Delivery>, StoreError> {
        if !self.deliveries.contains_key(id)
            && let Some(delivery) = self.store.delivery(self.site, id).await?
        {
            self.deliveries.insert(id.clone(), delivery);
        }
        Ok(self.deliveries.get_mut(id))
    }

    async fn drop_pending(&mut self, endpoint: &str, at: i64, why: Why) -> Result<(), StoreError> {
        for delivery in self.store.pending_of(self.site, endpoint).await? {
            self.deliveries.entry(delivery.id.clone()).or_insert(delivery);
        }
        let pending = self
            .deliveries
            .values_mut()
            .filter(|delivery| delivery.endpoint == endpoint && delivery.due_at.is_some());
        pending.for_each(|delivery| delivery.drop(at, why));
        Ok(())
    }
}

/// What was told of a lead stands among what is about it: it is exported with it, and goes with it.
fn record(lead: Option<&LeadId>, position: Position) -> Option<Row> {
    lead.map(|lead| Row::Record { lead: lead.clone(), position })
}
