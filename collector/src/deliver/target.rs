//! Where an endpoint's messages go. All of it is sealed: an address or a header may open a door as well as a secret does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How long a secret signs on beside the one that takes its place, in ms: three days to tell the receiver.
pub const ROTATION_MS: i64 = 3 * 86_400_000;
/// Secrets that sign at the same time at most.
pub const MOST_SECRETS: usize = 4;

/// Where to, and how. Never logged: it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The address.
    pub url: String,
    /// Further headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The receiver's names, and what stands under each.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// What the body of a good answer holds, for receivers that say 200 to everything.
    #[serde(default)]
    pub expect: Option<String>,
    /// The newest first.
    pub secrets: Vec<Secret>,
}

/// What messages are signed with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// `whsec_` and base64.
    pub key: String,
    /// Until when it signs, ms since the epoch; `None` of the newest.
    #[serde(default)]
    pub until: Option<i64>,
}

impl Target {
    /// Puts a secret in the place of the newest, which signs on for a while. The same one again changes nothing.
    pub fn rotate(&mut self, key: String, now: i64) {
        self.secrets.retain(|secret| secret.until.is_none_or(|until| now < until));
        if self.secrets.first().is_some_and(|secret| secret.key == key) {
            return;
        }
        self.secrets.retain(|secret| secret.key != key);
        if let Some(newest) = self.secrets.first_mut() {
            newest.until = Some(now + ROTATION_MS);
        }
        self.secrets.insert(0, Secret { key, until: None });
        self.secrets.truncate(MOST_SECRETS);
    }

    /// The secrets that sign at a time, the newest first.
    pub fn live(&self, now: i64) -> impl Iterator<Item = &str> {
        let live = self.secrets.iter().filter(move |secret| secret.until.is_none_or(|until| now < until));
        live.map(|secret| secret.key.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        let (headers, map) = (BTreeMap::new(), BTreeMap::new());
        Target { url: "https://example.com/".to_owned(), headers, map, expect: None, secrets: Vec::new() }
    }

    fn live(target: &Target, now: i64) -> Vec<&str> {
        target.live(now).collect()
    }

    #[test]
    fn the_secret_before_signs_on_for_a_while() {
        let mut target = target();
        target.rotate("a".to_owned(), 0);
        target.rotate("b".to_owned(), 10);
        target.rotate("b".to_owned(), 20);
        assert_eq!(live(&target, 20), ["b", "a"]);
        assert_eq!(live(&target, 10 + ROTATION_MS - 1), ["b", "a"]);
        assert_eq!(live(&target, 10 + ROTATION_MS), ["b"]);
        target.rotate("a".to_owned(), 30);
        assert_eq!(live(&target, 30), ["a", "b"], "back again: it is the newest, once");
        for key in ["c", "d", "e", "f"] {
            target.rotate(key.to_owned(), 40);
        }
        assert_eq!(live(&target, 40), ["f", "e", "d", "c"]);
        target.rotate("g".to_owned(), 40 + ROTATION_MS);
        assert_eq!(target.secrets.len(), 2, "those that are over are kept no longer");
    }
}
