//! Who is told what happens: endpoints, what they asked for, and how each of them stands.

use serde::{Deserialize, Serialize};

use super::{fact::Position, id::VaultRef};

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MessageType {
    /// Someone left a way to be contacted.
    #[serde(rename = "lead.created")]
    LeadCreated,
    /// More is known of a lead, or something else than before.
    #[serde(rename = "lead.updated")]
    LeadUpdated,
    /// A lead was moved to a stage.
    #[serde(rename = "stage.changed")]
    StageChanged,
    /// It was tried to reach a lead.
    #[serde(rename = "attempt.recorded")]
    AttemptRecorded,
    /// A lead paid, or was paid back.
    #[serde(rename = "sale.recorded")]
    SaleRecorded,
    /// Somebody called.
    #[serde(rename = "call.received")]
    CallReceived,
    /// Somebody wrote.
    #[serde(rename = "message.received")]
    MessageReceived,
    /// A lead waited for longer than was promised.
    #[serde(rename = "sla.breached")]
    SlaBreached,
    /// Somebody came to belong to a segment.
    #[serde(rename = "segment.entered")]
    SegmentEntered,
    /// Somebody belongs to it no more.
    #[serde(rename = "segment.left")]
    SegmentLeft,
    /// Nothing comes from the site at a time when something should.
    #[serde(rename = "site.silent")]
    SiteSilent,
    /// Nothing comes from a form at a time when something should.
    #[serde(rename = "form.silent")]
    FormSilent,
    /// Another endpoint takes nothing any more.
    #[serde(rename = "delivery.failing")]
    DeliveryFailing,
}

impl MessageType {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LeadCreated => "lead.created",
            Self::LeadUpdated => "lead.updated",
            Self::StageChanged => "stage.changed",
            Self::AttemptRecorded => "attempt.recorded",
            Self::SaleRecorded => "sale.recorded",
            Self::CallReceived => "call.received",
            Self::MessageReceived => "message.received",
            Self::SlaBreached => "sla.breached",
            Self::SegmentEntered => "segment.entered",
            Self::SegmentLeft => "segment.left",
            Self::SiteSilent => "site.silent",
            Self::FormSilent => "form.silent",
            Self::DeliveryFailing => "delivery.failing",
        }
    }

    /// Whether it asks somebody to call.
    #[must_use]
    pub fn asks_for_a_call(self) -> bool {
        matches!(self, Self::LeadCreated | Self::SlaBreached)
    }

    /// Whether somebody waits to be called: tried again within seconds before the long schedule begins.
    #[must_use]
    pub fn is_hot(self) -> bool {
        matches!(self, Self::LeadCreated | Self::CallReceived | Self::MessageReceived | Self::SlaBreached)
    }
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Standard Webhooks: type, time and data, as JSON.
    #[default]
    Standard,
    /// The data alone, as JSON.
    Json,
    /// The data as a form sends it.
    Form,
}

impl Format {
    /// The body's media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Standard | Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }
}

/// Somebody to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its name.
    pub id: String,
    /// What it is told of.
    pub types: Vec<MessageType>,
    /// How.
    #[serde(default)]
    pub format: Format,
    /// Address, headers and secrets, by reference: each of them may open a door.
    pub target: VaultRef,
}

/// A site's endpoints were set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhooksPut {
    /// When, ms since the epoch.
    pub at: i64,
    /// The id of the token that did.
    pub by: String,
    /// All of them from here on.
    pub items: Vec<Webhook>,
}

/// How an endpoint is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It takes what it is sent.
    #[default]
    Well,
    /// It has taken nothing for a while.
    Failing,
    /// It said that it is gone: nothing is sent until it is set again.
    Off,
}

/// An endpoint is doing otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSaid {
    /// Which.
    pub endpoint: String,
    /// When it was noticed, ms since the epoch.
    pub at: i64,
    /// How it is doing.
    pub health: Health,
    /// Since when.
    pub since: i64,
    /// What it answered last, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// A site's endpoints as they stand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Desk {
    /// In the order in which they were given.
    pub items: Vec<Endpoint>,
}

/// An endpoint as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// As it was set last.
    pub webhook: Webhook,
    /// Position of the fact that set it up: it is told of nothing that was before.
    pub since: Position,
    /// How it is doing.
    #[serde(default)]
    pub health: Health,
    /// Since when, ms since the epoch; `None` of one that was never heard to be otherwise than well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_at: Option<i64>,
}

impl Desk {
    /// Sets the endpoints, and answers the ids of those that are no more. Whoever is set again gets another chance.
    pub fn put(&mut self, position: Position, put: &WebhooksPut) -> Vec<String> {
        let before = std::mem::take(&mut self.items);
        let since = |id: &str| before.iter().find(|known| known.webhook.id == id).map(|known| known.since);
        self.items = put
            .items
            .iter()
            .map(|webhook| Endpoint {
                since: since(&webhook.id).unwrap_or(position),
                webhook: webhook.clone(),
                health: Health::Well,
                health_at: None,
            })
            .collect();
        let gone = before.into_iter().map(|known| known.webhook.id);
        gone.filter(|id| self.endpoint(id).is_none()).collect()
    }

    /// Notes how an endpoint is doing. Answers whether it is there.
    pub fn said(&mut self, said: &EndpointSaid) -> bool {
        let found = self.items.iter_mut().find(|known| known.webhook.id == said.endpoint);
        let Some(endpoint) = found else { return false };
        (endpoint.health, endpoint.health_at) = (said.health, Some(said.since));
        true
    }

    /// An endpoint by its id.
    #[must_use]
    pub fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        self.items.iter().find(|known| known.webhook.id == id)
    }

    /// The endpoints that are told of something.
    pub fn told_of(&self, kind: MessageType) -> impl Iterator<Item = &Endpoint> {
        self.items.iter().filter(move |known| known.webhook.types.contains(&kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(id: &str) -> Webhook {
        Webhook {
            id: id.to_owned(),
            types: vec![MessageType::LeadCreated],
            format: Format::Standard,
            target: VaultRef([1; 16]),
        }
    }

    fn put(ids: &[&str]) -> WebhooksPut {
        WebhooksPut { at: 1, by: "t".to_owned(), items: ids.iter().map(|id| webhook(id)).collect() }
    }

    #[test]
    fn who_stays_keeps_its_beginning_and_gets_another_chance() {
        let mut desk = Desk::default();
        assert!(desk.put(5, &put(&["a", "b"])).is_empty());
        let off = EndpointSaid {
            endpoint: "a".to_owned(),
            at: 9,
            health: Health::Off,
            since: 8,
            status: Some(410),
        };
        assert!(desk.said(&off));
        assert_eq!(
            desk.endpoint("a").map(|known| (known.health, known.health_at)),
            Some((Health::Off, Some(8)))
        );
        assert_eq!(desk.put(20, &put(&["a", "c"])), ["b"]);
        let standing: Vec<_> =
            desk.items.iter().map(|known| (known.webhook.id.as_str(), known.since, known.health)).collect();
        assert_eq!(standing, [("a", 5, Health::Well), ("c", 20, Health::Well)]);
        assert!(!desk.said(&EndpointSaid { endpoint: "b".to_owned(), ..off }), "it is no more");
        assert_eq!(desk.told_of(MessageType::LeadCreated).count(), 2);
        assert_eq!(desk.told_of(MessageType::SaleRecorded).count(), 0);
    }

    #[test]
    fn a_type_is_stored_by_its_name() {
        for kind in [MessageType::LeadCreated, MessageType::SlaBreached, MessageType::DeliveryFailing] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
