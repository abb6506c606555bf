//! What a door opens by, and what its provider signs with.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

use crate::{
    app::App,
    domain::{
        fact::HOUSE,
        hook::{Adapter, Hook},
    },
    error::Problem,
    project::directory::Site,
    vault::Mac256,
};

/// What a door opens by. Sealed as a whole, never logged: it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// The last part of its address.
    pub key: String,
    /// What the provider signs with, and what else it needs, by name.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Of a generic one: lead, call or message.
    #[serde(default)]
    pub kind: Option<String>,
    /// Of a generic one: our names, each with the path of what stands there.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
}

impl Secrets {
    /// What a site's door opens by; `None` where it has none for this adapter.
    ///
    /// # Errors
    /// What the vault says.
    pub async fn of(app: &App, site: &Site, adapter: Adapter) -> Result<Option<Self>, Problem> {
        match site.hooks.iter().find(|hook| hook.adapter == adapter) {
            Some(hook) => Self::open(app, hook).await.map(Some),
            None => Ok(None),
        }
    }

    /// What a door opens by.
    ///
    /// # Errors
    /// What the vault says; 500 where it has nothing.
    pub async fn open(app: &App, hook: &Hook) -> Result<Self, Problem> {
        let bytes = app.vault.get_bytes(HOUSE, hook.secrets).await?;
        let bytes = bytes.ok_or_else(|| Problem::internal("what is sealed of a hook is not there"))?;
        rmp_serde::from_slice(&bytes).map_err(Problem::internal)
    }

    /// One of the values; empty where it is not set.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }
}

/// Whether two texts are the same, told in the same time wherever they differ. Nothing is the same as nothing.
#[must_use]
pub fn same(given: &str, expected: &str) -> bool {
    !expected.is_empty() && bool::from(given.as_bytes().ct_eq(expected.as_bytes()))
}

/// Whether a signature in base64 is the HMAC-SHA-1 of these parts.
#[must_use]
pub fn signed_sha1(secret: &str, parts: &[&[u8]], signature: &str) -> bool {
    let (Ok(signature), false) = (STANDARD.decode(signature.trim()), secret.is_empty()) else { return false };
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.as_bytes()) else { return false };
    parts.iter().for_each(|part| mac.update(part));
    mac.verify_slice(&signature).is_ok()
}

/// Whether a signature is the HMAC-SHA-256 of these parts.
#[must_use]
pub fn signed_sha256(secret: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    let (Ok(mut mac), false) = (Mac256::new_from_slice(secret), secret.is_empty()) else { return false };
    parts.iter().for_each(|part| mac.update(part));
    mac.verify_slice(signature).is_ok()
}

/// A signature in hexadecimal, as several providers write it: with `sha256=` before it or without; `None` where it is none.
#[must_use]
pub fn hex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let text = text.strip_prefix("sha256=").unwrap_or(text);
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_the_providers_own() {
        // RFC 2202 and RFC 4231, test case 2.
        let sha1 = STANDARD.encode(hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79").unwrap());
        assert!(signed_sha1("Jefe", &[b"what do ya want ", b"for nothing?"], &sha1));
        assert!(!signed_sha1("Jefe", &[b"what do ya want for nothing!"], &sha1));
        assert!(!signed_sha1("", &[b""], &sha1) && !signed_sha1("Jefe", &[b""], "?"));
        let sha256 = hex("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843").unwrap();
        assert!(signed_sha256(b"Jefe", &[b"what do ya want for nothing?"], &sha256));
        assert!(!signed_sha256(b"jefe", &[b"what do ya want for nothing?"], &sha256));
        assert!(!signed_sha256(b"", &[b""], &sha256) && !signed_sha256(b"Jefe", &[b"what"], b""));
    }

    #[test]
    fn nothing_is_the_same_as_nothing() {
        assert!(same("a", "a") && !same("a", "b") && !same("a", "ab") && !same("", "") && !same("a", ""));
        assert_eq!(hex("0aFf"), Some(vec![10, 255]));
        for bad in ["0", "0g", "é"] {
            assert_eq!(hex(bad), None, "{bad}");
        }
    }
}
