//! What a step's news make of leads: those that pages gave birth to, and those that something was told about.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{
        chat::Message,
        event::{Detail, Personal},
        fact::{Entry, Position, SiteNumber, Subject},
        id::LeadId,
        identity::{EdgeKind, Node, Said},
        record::{self, LeadIn, Record, Told},
        sales::Purchase,
        site::SiteConfig,
        standing::{Born, Lead},
        visit::Seen,
    },
    store::{Store, StoreError, Stored},
};

/// What a fact says of who somebody is.
pub(super) struct Words {
    pub(super) fact: String,
    pub(super) position: Position,
    pub(super) at: i64,
    pub(super) received_at: i64,
    pub(super) kind: EdgeKind,
    pub(super) personal: Personal,
}

impl Words {
    pub(super) fn said(&self) -> Said<'_> {
        Said {
            fact: &self.fact,
            position: self.position,
            at: self.at,
            received_at: self.received_at,
            kind: self.kind,
            personal: &self.personal,
        }
    }
}

/// News about leads.
pub(super) struct News<'a> {
    store: &'a dyn Store,
    site: SiteNumber,
    config: &'a SiteConfig,
    born: BTreeMap<LeadId, Born>,
    fresh: BTreeMap<LeadId, Vec<Stored>>,
    /// All that was told about a lead up to and with this step, where that was asked for.
    entries: BTreeMap<LeadId, Vec<Stored>>,
    /// What the step's facts say of who somebody is.
    words: Vec<(Node, Words)>,
}

impl<'a> News<'a> {
    pub(super) fn new(store: &'a dyn Store, site: SiteNumber, config: &'a SiteConfig) -> Self {
        Self {
            store,
            site,
            config,
            born: BTreeMap::new(),
            fresh: BTreeMap::new(),
            entries: BTreeMap::new(),
            words: Vec::new(),
        }
    }

    /// A page gave birth to a lead.
    pub(super) fn born(&mut self, id: LeadId, born: Born) {
        self.born.insert(id, born);
    }

    /// A fact says who somebody is.
    pub(super) fn says(&mut self, who: Node, words: Words) {
        self.words.push((who, words));
    }

    /// All that was said, in the order of the facts.
    pub(super) fn words(&mut self) -> Vec<(Node, Words)> {
        std::mem::take(&mut self.words)
    }

    /// What a lead comes to by itself, where that is another than was stored; who left it and where they came from stays.
    pub(super) async fn again(mut self, before: Lead) -> Result<Option<Lead>, StoreError> {
        let config = self.config;
        let told = told(self.entries(&before.id).await?);
        let Some(mut lead) = Lead::stand(&before.id, before.born.clone(), &told, config) else {
            return Ok(None);
        };
        lead.keep(&before);
        lead.confirmed |= before.confirmed;
        lead.person.clone_from(&before.person);
        lead.duplicate_of.clone_from(&before.duplicate_of);
        lead.origin.clone_from(&before.origin);
        if !before.purchases.is_empty() {
            lead.bought(before.purchases.clone(), &told, config);
        }
        Ok((lead != before).then_some(lead))
    }

    /// Something was told about a lead.
    pub(super) fn told(&mut self, lead: &LeadId, stored: &Stored) {
        self.fresh.entry(lead.clone()).or_default().push(stored.clone());
    }

    /// Every lead with news, as it then stands, and whose it was before; who left it, where they came from and what was
    /// bought on pages is to be asked again.
    pub(super) async fn leads(&mut self) -> Result<Vec<(Lead, Option<Subject>)>, StoreError> {
        let ids: BTreeSet<LeadId> = self.born.keys().chain(self.fresh.keys()).cloned().collect();
        let mut leads = Vec::with_capacity(ids.len());
        let config = self.config;
        for id in ids {
            let before = self.store.lead(self.site, &id).await?;
            let fresh = self.born.remove(&id);
            let is_born_now = fresh.is_some();
            let subject = before.as_ref().and_then(|before| before.subject.clone());
            let born = fresh.or_else(|| before.as_ref().and_then(|before| before.born.clone()));
            let first_fresh =
                self.fresh.get(&id).and_then(|fresh| fresh.first()).map(|stored| stored.position);
            // Records are only accepted of leads that are there, but a log may be imported in part.
            let entries = self.entries(&id).await?;
            let mut words = Vec::new();
            if let Some(born) = born.as_ref().filter(|_| is_born_now) {
                words.extend(said_at_birth(&id, born));
            }
            for stored in entries {
                let is_fresh = first_fresh.is_some_and(|first| stored.position >= first);
                if let Entry::Lead(lead) = stored.entry.as_ref() {
                    words.extend(said_by_server(lead, stored.position, born.as_ref(), is_fresh, is_born_now));
                    words.extend(said_of_caller(lead, stored.position).filter(|_| is_fresh));
                }
            }
            let told = told(entries);
            let mut lead = Lead::stand(&id, born, &told, config);
            let is_known_now = before.is_none();
            for stored in entries.iter().filter(|_| lead.is_some()) {
                let is_fresh = first_fresh.is_some_and(|first| stored.position >= first);
                if let Entry::Message(message) = stored.entry.as_ref()
                    && (is_fresh || is_known_now)
                    && before.as_ref().is_none_or(|before| before.erased.is_none())
                {
                    words.extend(said_in_chat(message, stored.position));
                }
            }
            if let (Some(lead), Some(before)) = (&mut lead, &before) {
                lead.keep(before);
                // Nobody's browser says any more what it bought.
                if lead.erased.is_some() && !lead.purchases.is_empty() {
                    lead.bought(lead.purchases.clone(), &told, config);
                }
            }
            leads.extend(lead.map(|lead| (lead, subject)));
            self.words.append(&mut words);
        }
        Ok(leads)
    }

    async fn entries(&mut self, id: &LeadId) -> Result<&[Stored], StoreError> {
        if !self.entries.contains_key(id) {
            let mut entries = self.store.records(self.site, id).await?;
            entries.extend(self.fresh.remove(id).unwrap_or_default());
            self.entries.insert(id.clone(), entries);
        }
        Ok(self.entries.get(id).map(Vec::as_slice).unwrap_or_default())
    }

    /// Those who said on a page that they bought, with the order ids that sales of this step have.
    pub(super) async fn buyers(&self, facts: &[Stored]) -> Result<Vec<Subject>, StoreError> {
        let mut buyers = Vec::new();
        for stored in facts {
            if let Entry::Sale(sale) = stored.entry.as_ref() {
                buyers.extend(self.store.buyers(self.site, &sale.external_id).await?);
            }
        }
        Ok(buyers)
    }

    /// Gives the purchases of a subject to its leads: each to the newest lead that was there by then. Where a server
    /// knows the order, it is the lead's that the server says, and nobody's where that one is not the subject's.
    pub(super) async fn bought(
        &mut self,
        purchases: &[Purchase],
        leads: &mut [Lead],
    ) -> Result<(), StoreError> {
        let mut of_lead: BTreeMap<LeadId, Vec<Purchase>> = BTreeMap::new();
        for purchase in purchases {
            let lead = match self.store.claimed(self.site, "sale", &purchase.order_id).await? {
                None => {
                    let there = leads.iter().filter(|lead| lead.created_at <= purchase.at);
                    there.max_by_key(|lead| (lead.created_at, &lead.id)).map(|lead| lead.id.clone())
                }
                Some((position, _)) => self
                    .store
                    .entries(self.site, vec![position])
                    .await?
                    .pop()
                    .and_then(|sale| Record::of(&sale.entry).map(|sale| sale.lead().clone())),
            };
            if let Some(lead) = lead {
                of_lead.entry(lead).or_default().push(purchase.clone());
            }
        }
        for lead in leads {
            let purchases = of_lead.remove(&lead.id).unwrap_or_default();
            if purchases != lead.purchases {
                let config = self.config;
                let entries = self.entries(&lead.id).await?;
                lead.bought(purchases, &told(entries), config);
            }
        }
        Ok(())
    }
}

/// A form says that its visitor and what they gave are one human. One sent without consent to be followed says nothing.
fn said_at_birth(id: &LeadId, born: &Born) -> Option<(Node, Words)> {
    let words = Words {
        fact: born.event.clone(),
        position: born.position,
        at: born.at,
        received_at: born.received_at,
        kind: EdgeKind::Form,
        personal: born.personal.clone(),
    };
    Some((left_by(id, born)?, words))
}

/// Who left a lead, as the page knows them.
fn left_by(id: &LeadId, born: &Born) -> Option<Node> {
    match born.subject.as_ref()? {
        Subject::Visitor(visitor) => Some(Node::Visitor(visitor.clone())),
        Subject::Page(_) => Some(Node::Lead(id.clone())),
    }
}

/// What a server says of who left a lead. What depends on the page's word is said when both are there, whichever came
/// first: so it does not matter in which steps they came.
fn said_by_server(
    lead: &LeadIn,
    position: Position,
    born: Option<&Born>,
    is_fresh: bool,
    is_born_now: bool,
) -> Option<(Node, Words)> {
    let own = || (format!("lead:{}", lead.external_id), lead.at);
    let (who, (fact, at)) = match (&lead.visitor, &lead.event) {
        (Some(visitor), _) if is_fresh => (Node::Visitor(visitor.clone()), own()),
        (None, None) if is_fresh => (Node::Lead(lead.lead.clone()), own()),
        (None, Some(_)) if is_fresh || is_born_now => {
            let born = born?;
            (left_by(&lead.lead, born)?, (born.event.clone(), born.at))
        }
        _ => return None,
    };
    let kind = if lead.inferred { EdgeKind::Call } else { EdgeKind::Record };
    let (received_at, personal) = (lead.received_at, lead.personal.clone());
    Some((who, Words { fact, position, at, received_at, kind, personal }))
}

/// Whoever called is who has the number, whichever browser the call is laid to.
fn said_of_caller(lead: &LeadIn, position: Position) -> Option<(Node, Words)> {
    if !lead.inferred || lead.visitor.is_none() {
        return None;
    }
    let words = Words {
        fact: format!("lead:{}", lead.external_id),
        position,
        at: lead.at,
        received_at: lead.received_at,
        kind: EdgeKind::Record,
        personal: lead.personal.clone(),
    };
    Some((Node::Lead(lead.lead.clone()), words))
}

/// Whoever wrote with a reference and whoever was shown it are one human. It is said with the lead that they wrote about, and goes
/// with it.
fn said_in_chat(message: &Message, position: Position) -> Option<(Node, Words)> {
    let (visitor, chat_ref) = (message.answer.visitor.as_ref()?, message.chat_ref.as_ref()?);
    let words = Words {
        // However often they write it: what is taken back once is taken back.
        fact: format!("chat_ref:{chat_ref}"),
        position,
        at: message.at,
        received_at: message.received_at,
        kind: if message.answer.was_known { EdgeKind::KnownChat } else { EdgeKind::Chat },
        personal: message.personal.clone(),
    };
    Some((Node::Visitor(visitor.clone()), words))
}

fn told(entries: &[Stored]) -> Vec<Told<'_>> {
    record::told(entries.iter().map(|stored| (stored.position, stored.entry.as_ref())))
}

/// What somebody bought, by the pages' word; the first word on an order counts.
pub(super) fn purchases(seen: &[Seen<'_>]) -> Vec<Purchase> {
    let mut purchases: Vec<Purchase> = seen
        .iter()
        .filter_map(|seen| match &seen.event.detail {
            Detail::Purchase { order_id, amount, currency, .. } => Some(Purchase {
                order_id: order_id.clone(),
                at: seen.event.at,
                received_at: seen.arrival.received_at,
                amount: *amount,
                currency: currency.clone(),
            }),
            _ => None,
        })
        .collect();
    purchases.sort_by(|a, b| {
        (&a.order_id, a.at, a.received_at, a.amount).cmp(&(&b.order_id, b.at, b.received_at, b.amount))
    });
    purchases.dedup_by(|b, a| a.order_id == b.order_id);
    purchases
}
