//! Numbers that are not to be called, whoever gives them. Each is known by its keyed hash alone, which leads back to no number
//! and stays when its owner is forgotten: else they would be called again.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A telephone number's keyed hash; as text in hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneHash(pub [u8; 32]);

impl PhoneHash {
    /// Reads one; `None` where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for PhoneHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for PhoneHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PhoneHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not 32 bytes in hex"))
    }
}

/// Why a number is not to be called. No free text: it would be about somebody who may be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Whoever it is asked for it.
    #[default]
    Asked,
    /// They complained.
    Complaint,
    /// It is on a public list of those who want no such calls.
    PublicList,
    /// It is somebody else's.
    WrongNumber,
    /// Something else.
    Other,
}

/// A number was put on the list, or taken off it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoNotCall {
    /// Which.
    pub phone: PhoneHash,
    /// Why it is on it; `None` where it was taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// When, ms since the epoch.
    pub at: i64,
    /// The id of the token that did.
    pub by: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let hash = PhoneHash(std::array::from_fn(|index| u8::try_from(index * 8).unwrap()));
        let text = hash.to_string();
        assert_eq!((text.len(), PhoneHash::parse(&text)), (64, Some(hash)));
        let said = DoNotCall { phone: hash, reason: Some(Reason::Complaint), at: 1, by: "t".to_owned() };
        let packed = rmp_serde::to_vec_named(&said).unwrap();
        assert_eq!(rmp_serde::from_slice::<DoNotCall>(&packed).unwrap(), said);
        for bad in ["", "00", &"g".repeat(64), &"á".repeat(32)] {
            assert_eq!(PhoneHash::parse(bad), None, "{bad}");
        }
    }
}
