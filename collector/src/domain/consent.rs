//! What people agreed to, purpose by purpose: what a form said, and what was said since.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    id::{LeadId, VaultRef},
    standing::Lead,
};

/// To be called or written to about what was asked for. Sending a form gives it, for that request.
pub const CONTACT: &str = "contact";
/// To be passed on, hashed, to ad platforms.
pub const ADS: &str = "ads";
/// That it is known of them whether they opened a message, and which links they followed.
pub const EMAIL_TRACKING: &str = "email_tracking";
/// The purposes that there are, in order.
pub const PURPOSES: [&str; 4] = [ADS, CONTACT, EMAIL_TRACKING, "marketing"];

/// Somebody agreed to something, or took it back, elsewhere than in a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentSaid {
    /// The leads that it is the word about: all of the person's at that time.
    pub leads: Vec<LeadId>,
    /// Purposes agreed to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub granted: Vec<String>,
    /// Purposes taken back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withdrawn: Vec<String>,
    /// When, ms since the epoch.
    pub at: i64,
    /// When it was told.
    pub received_at: i64,
    /// The id of the token that told it.
    pub token: String,
    /// Who says so and why, by reference.
    pub note: VaultRef,
    /// The version of the text that was shown or read out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_version: Option<String>,
}

/// The latest word on one purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Whether it was agreed to.
    pub granted: bool,
    /// When, ms since the epoch.
    pub at: i64,
    /// The version of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_version: Option<String>,
}

impl ConsentSaid {
    /// Notes it about a lead: of each purpose the latest word counts, in whatever order they are told; of two at the same
    /// moment the one that is told last.
    pub fn apply(&self, choices: &mut BTreeMap<String, Choice>) {
        for (purposes, granted) in [(&self.granted, true), (&self.withdrawn, false)] {
            for purpose in purposes {
                if choices.get(purpose).is_none_or(|known| known.at <= self.at) {
                    let text_version = self.text_version.clone();
                    choices.insert(purpose.clone(), Choice { granted, at: self.at, text_version });
                }
            }
        }
    }
}

impl Lead {
    /// The latest word on each purpose: the form's, or one that was said since.
    #[must_use]
    pub fn purposes(&self) -> BTreeMap<String, Choice> {
        let form = self.consent.iter().flat_map(|consent| {
            let said = |purpose: &String| {
                let text_version = consent.text_version.clone();
                (purpose.clone(), Choice { granted: true, at: self.created_at, text_version })
            };
            consent.purposes.iter().map(said)
        });
        let mut all: BTreeMap<String, Choice> = form.collect();
        for (purpose, choice) in &self.choices {
            if all.get(purpose).is_none_or(|form| form.at <= choice.at) {
                all.insert(purpose.clone(), choice.clone());
            }
        }
        all
    }

    /// Whether it may be used for a purpose. What nobody agreed to is not allowed, and nobody can be asked any more who is
    /// forgotten.
    #[must_use]
    pub fn allows(&self, purpose: &str) -> bool {
        self.purposes().get(purpose).is_some_and(|choice| choice.granted)
            && !self.flags.contains(&super::event::Flag::Erased)
    }
}

/// A wording that people agree to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentText {
    /// Its name: what forms send as `text_version`.
    pub version: String,
    /// The wording by language (BCP 47).
    pub texts: BTreeMap<String, String>,
}

/// A site's wordings were set (house log).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentTextsPut {
    /// Whose.
    pub slug: String,
    /// When, ms since the epoch.
    pub at: i64,
    /// All that are in use.
    pub items: Vec<ConsentText>,
}

/// A site's wordings: a version keeps its wording for ever, also when it is in use no more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsentTexts {
    /// In use, in the order given.
    pub current: Vec<ConsentText>,
    /// In use once.
    pub retired: Vec<ConsentText>,
}

impl ConsentTexts {
    /// Sets those in use.
    pub fn put(&mut self, items: &[ConsentText]) {
        let gone = std::mem::replace(&mut self.current, items.to_vec());
        let is_current = |text: &ConsentText| items.iter().any(|item| item.version == text.version);
        self.retired.extend(gone);
        self.retired.retain(|text| !is_current(text));
        self.retired.sort_by(|a, b| a.version.cmp(&b.version));
        self.retired.dedup();
    }

    /// The wording of a version, in use or not.
    #[must_use]
    pub fn find(&self, version: &str) -> Option<&ConsentText> {
        self.current.iter().chain(&self.retired).find(|text| text.version == version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(at: i64, granted: &[&str], withdrawn: &[&str]) -> ConsentSaid {
        let own = |purposes: &[&str]| purposes.iter().map(ToString::to_string).collect();
        ConsentSaid {
            leads: Vec::new(),
            granted: own(granted),
            withdrawn: own(withdrawn),
            at,
            received_at: at,
            token: "t".to_owned(),
            note: VaultRef([0; 16]),
            text_version: None,
        }
    }

    #[test]
    fn the_latest_word_counts_in_whatever_order_they_are_told() {
        let words =
            [said(1, &["ads", "marketing"], &[]), said(3, &[], &["ads"]), said(2, &["ads"], &["marketing"])];
        let orders: [[usize; 3]; 4] = [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]];
        for order in orders {
            let mut choices = BTreeMap::new();
            for index in order {
                words[index].apply(&mut choices);
            }
            let granted: Vec<_> = choices
                .iter()
                .map(|(purpose, choice)| (purpose.as_str(), choice.granted, choice.at))
                .collect();
            assert_eq!(granted, [("ads", false, 3), ("marketing", false, 2)], "{order:?}");
        }
    }

    #[test]
    fn a_version_keeps_its_wording_when_it_is_in_use_no_more() {
        let text = |version: &str| ConsentText {
            version: version.to_owned(),
            texts: [("es".to_owned(), format!("Acepto {version}"))].into(),
        };
        let mut texts = ConsentTexts::default();
        texts.put(&[text("1"), text("2")]);
        texts.put(&[text("3"), text("2")]);
        assert_eq!((texts.current.len(), texts.retired.clone()), (2, vec![text("1")]));
        assert_eq!(texts.find("1"), Some(&text("1")));
        texts.put(&[text("1")]);
        assert_eq!((texts.current.clone(), texts.retired.len()), (vec![text("1")], 2));
        assert_eq!(texts.find("4"), None);
    }
}
