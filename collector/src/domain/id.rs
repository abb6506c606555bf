//! Visitors, pages, events and leads by name; and what stands in the log in place of people's data.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// A page view's or visitor's id. The canonical UUID that trackers make takes 16 bytes; any other valid id is kept
/// as it came. Equal ids have equal text, and the other way round.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// Lower-case, hyphenated on the wire.
    Uuid([u8; 16]),
    /// Everything else that [`wire::id::is_valid`] accepts.
    Text(String),
}

impl Id {
    /// Reads an id; `None` where it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(bytes) = canonical_uuid(text) {
            return Some(Self::Uuid(bytes));
        }
        wire::id::is_valid(text).then(|| Self::Text(text.to_owned()))
    }

    /// Appends a form of the id that no other id is a prefix of.
    pub fn write_key(&self, key: &mut Vec<u8>) {
        match self {
            Self::Uuid(bytes) => {
                key.push(0);
                key.extend_from_slice(bytes);
            }
            Self::Text(text) => {
                key.push(1);
                key.extend_from_slice(text.as_bytes());
                key.push(0);
            }
        }
    }
}

/// Only the one spelling that prints back to itself counts, so that ids stay one to one with their text.
fn canonical_uuid(text: &str) -> Option<[u8; 16]> {
    let hyphenated = text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        });
    if !hyphenated {
        return None;
    }
    uuid::Uuid::try_parse(text).ok().map(uuid::Uuid::into_bytes)
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(bytes) => uuid::Uuid::from_bytes(*bytes).as_hyphenated().fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Uuid(bytes) if !serializer.is_human_readable() => serializer.serialize_bytes(bytes),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match EventId::deserialize(deserializer)? {
            EventId::Opaque(id) => Ok(id),
            EventId::Numbered(_) => Err(de::Error::custom("an id, not a number")),
        }
    }
}

/// An event's id: its number within its page view, or any other id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventId {
    /// `<page>-<n>`, 0..=4095.
    Numbered(u16),
    /// Unique by itself.
    Opaque(Id),
}

impl EventId {
    /// Reads an event's id, given its page view's.
    #[must_use]
    pub fn parse(page: &str, text: &str) -> Option<Self> {
        match wire::id::event_number(page, text) {
            Some(number) => Some(Self::Numbered(number)),
            None => Id::parse(text).map(Self::Opaque),
        }
    }

    /// The id as it travels.
    #[must_use]
    pub fn text(&self, page: &Id) -> String {
        match self {
            Self::Numbered(number) => format!("{page}-{number}"),
            Self::Opaque(id) => id.to_string(),
        }
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Numbered(number) => serializer.serialize_u16(*number),
            Self::Opaque(id) => id.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = EventId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<EventId, E> {
                u16::try_from(number).map(EventId::Numbered).map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<EventId, E> {
                Id::parse(text).map(EventId::Opaque).ok_or_else(|| E::custom("not an id"))
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<EventId, E> {
                bytes.try_into().map(|bytes| EventId::Opaque(Id::Uuid(bytes))).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// A random reference into the vault: what the log holds in place of a submission's personal data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VaultRef(pub [u8; 16]);

/// A random stand-in for one e-mail address, telephone number or user id. Only the vault's keyed hash leads from
/// the value to its token; nothing leads back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub [u8; 16]);

macro_rules! random_name {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                uuid::Uuid::from_bytes(self.0).as_simple().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Id::Uuid(self.0).serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match Id::deserialize(deserializer)? {
                    Id::Uuid(bytes) => Ok(Self(bytes)),
                    Id::Text(_) => Err(de::Error::custom("not 16 bytes")),
                }
            }
        }
    )*};
}

random_name!(VaultRef, Token);

/// A lead's id, derived from the fact that it was born of: a rebuild gives the same one.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeadId(String);

impl LeadId {
    /// The lead of a submitted form, by the event's id. Event ids are unique within the site, and so is this.
    #[must_use]
    pub fn of_event(event_id: &str) -> Self {
        let digest = Sha256::digest(format!("lead\0{event_id}"));
        let text = format!("{digest:x}");
        Self(format!("l_{}", text.get(..32).unwrap_or_default()))
    }

    /// The lead that a server's record makes, by the record's kind and the server's own id of it.
    #[must_use]
    pub fn of_record(kind: &str, external_id: &str) -> Self {
        // No event's id has a colon.
        Self::of_event(&format!("{kind}:{external_id}"))
    }

    /// Reads an id from a request; `None` where it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        wire::id::is_valid(text).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LeadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0193f6e2-8f5e-7cc1-b1ff-0242ac120002";

    #[test]
    fn text_and_id_are_one_to_one() {
        for text in [UUID, "v1", "0193F6E2-8F5E-7CC1-B1FF-0242AC120002", "0193f6e28f5e7cc1b1ff0242ac120002"] {
            assert_eq!(Id::parse(text).unwrap().to_string(), text);
        }
        assert!(matches!(Id::parse(UUID), Some(Id::Uuid(_))));
        assert!(matches!(Id::parse(&UUID.to_uppercase()), Some(Id::Text(_))));
        assert_eq!(Id::parse("a b"), None);
    }

    #[test]
    fn no_key_is_a_prefix_of_another() {
        let key = |text: &str| {
            let mut key = Vec::new();
            Id::parse(text).unwrap().write_key(&mut key);
            key
        };
        assert!(!key("ab").starts_with(&key("a")));
        assert!(!key(UUID).starts_with(&key("0")));
    }

    #[test]
    fn ids_survive_both_encodings() {
        let page = Id::parse(UUID).unwrap();
        let ids = [EventId::Numbered(17), EventId::Opaque(page.clone()), EventId::parse("p", "x").unwrap()];
        for id in ids {
            let packed = rmp_serde::to_vec_named(&id).unwrap();
            assert_eq!(rmp_serde::from_slice::<EventId>(&packed).unwrap(), id);
            let text = serde_json::to_string(&id).unwrap();
            assert_eq!(serde_json::from_str::<EventId>(&text).unwrap(), id);
        }
        assert_eq!(rmp_serde::to_vec_named(&page).unwrap().len(), 18);
        assert_eq!(EventId::Numbered(3).text(&page), format!("{UUID}-3"));
    }
}
