//! The doors by which other systems tell a site of calls, messages and leads in their own words.

use serde::{Deserialize, Serialize};

use super::id::VaultRef;

/// Whose words are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adapter {
    /// Calls, and messages by WhatsApp and SMS.
    Twilio,
    /// Calls.
    Callrail,
    /// Lead forms, and messages by WhatsApp, Messenger and Instagram.
    Meta,
    /// Lead forms in ads.
    GoogleLeadForm,
    /// Messages of all its channels.
    Chatwoot,
    /// Whatever sends JSON; the site says what stands where.
    Generic,
}

impl Adapter {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Twilio, Self::Callrail, Self::Meta, Self::GoogleLeadForm, Self::Chatwoot, Self::Generic];

    /// Its name in addresses and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Twilio => "twilio",
            Self::Callrail => "callrail",
            Self::Meta => "meta",
            Self::GoogleLeadForm => "google-lead-form",
            Self::Chatwoot => "chatwoot",
            Self::Generic => "generic",
        }
    }

    /// The one of a name; `None` where there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|adapter| adapter.as_str() == name)
    }

    /// What its provider proves itself by, and what else may be told about it: those it needs, and those it may have.
    #[must_use]
    pub fn secrets(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Twilio => (&["auth_token"], &[]),
            Self::Callrail => (&["signing_key"], &[]),
            Self::Meta => (&["app_secret", "verify_token"], &["page_token", "graph_url"]),
            Self::GoogleLeadForm => (&["google_key"], &[]),
            Self::Chatwoot | Self::Generic => (&[], &["secret"]),
        }
    }
}

/// An open door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Whose words come in.
    pub adapter: Adapter,
    /// Its key and the provider's secrets, sealed in the house's part of the vault.
    pub secrets: VaultRef,
}

/// A site's doors were set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HooksPut {
    /// The site.
    pub slug: String,
    /// When, ms since the epoch.
    pub at: i64,
    /// The id of the token that did.
    pub by: String,
    /// All that are open from now on.
    pub items: Vec<Hook>,
}
