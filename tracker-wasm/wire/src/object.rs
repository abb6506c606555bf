//! Objects are read from JSON objects alone.
//!
//! What serde derives for a struct also reads an array, its fields in order: a shape that nobody documents, and that a
//! later field would change the meaning of.

use std::{fmt, marker::PhantomData};

use serde::de::{Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};

/// A type with a derived reader of its own, which reads arrays too.
pub(crate) trait Derived: Sized {
    /// The derived reader.
    fn derived<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Derived> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::derived(MapAccessDeserializer::new(map))
    }
}

/// Reads an object, and nothing else.
pub(crate) fn read<'de, T: Derived, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(Object(PhantomData))
}

/// Gives types that say `#[serde(remote = "Self")]` the strict reader, and their writer back.
macro_rules! objects {
    ($($type:ident),*) => {$(
        impl $crate::object::Derived for $type {
            fn derived<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(deserializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::object::read(deserializer)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }
    )*};
}
pub(crate) use objects;

#[cfg(test)]
mod tests {
    use crate::{
        beacon::Context,
        event::{Event, Lead},
    };

    #[test]
    fn fields_in_a_row_are_no_object() {
        assert!(serde_json::from_str::<Context>(r#"["es", "390x844", null]"#).is_err());
        assert!(serde_json::from_str::<Lead>(r#"["form", "Ana"]"#).is_err());
        assert!(serde_json::from_str::<Lead>(r#"{"kind": "form", "consent": ["v1", []]}"#).is_err());
        assert!(serde_json::from_str::<Event>(r#"{"items": [["1", "a", 1, 1]]}"#).is_err());
        assert!(serde_json::from_str::<Event>(r#"{"lead": ["form"]}"#).is_err());
    }

    #[test]
    fn objects_are_read_and_written_as_before() {
        let text = r#"{"kind":"form","name":"Ana","consent":{"text_version":"v1","purposes":["contact"]}}"#;
        let lead: Lead = serde_json::from_str(text).unwrap();
        assert_eq!(lead.consent.as_ref().and_then(|consent| consent.text_version.as_deref()), Some("v1"));
        assert_eq!(serde_json::to_string(&lead).unwrap(), text);
        assert_eq!(serde_json::from_str::<Context>("{}").unwrap(), Context::default());
    }
}
