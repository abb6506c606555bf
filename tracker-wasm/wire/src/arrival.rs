//! Campaign parameters and click ids of a landing URL: the one table of them.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

/// What a click id says about the click by its mere presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// A paid search ad.
    PaidSearch,
    /// A paid social ad.
    PaidSocial,
    /// A display, shopping or affiliate ad.
    PaidOther,
    /// A social post, paid or not: the id alone does not tell.
    Social,
    /// An e-mail.
    Email,
    /// It names an ad's part, or links two domains, and says nothing about the channel.
    Unknown,
}

/// One click id that ad platforms append to landing URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClickId {
    /// The query key, in the platform's spelling (compared exactly).
    pub key: &'static str,
    /// The source it stands for, as `utm_source` would name it.
    pub source: &'static str,
    /// What kind of traffic it proves.
    pub traffic: Traffic,
}

/// Every click id that is kept.
pub const CLICK_IDS: &[ClickId] = &[];

/// The campaign part of a landing URL: `utm_*` and click ids.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Campaign {
    /// utm_source
    pub source: Option<String>,
    /// utm_medium
    pub medium: Option<String>,
    /// utm_campaign
    pub campaign: Option<String>,
    /// utm_id, gad_campaignid, hsa_cam
    pub campaign_id: Option<String>,
    /// utm_content
    pub content: Option<String>,
    /// utm_term
    pub term: Option<String>,
    /// Click ids by key. In anonymous mode the values are empty: only the kind is kept.
    pub click_ids: BTreeMap<String, String>,
}

impl Campaign {
    /// Reads a URL's query (the fragment's query too, where a hash route has one). Empty values count as absent.
    #[must_use]
    pub fn of(url: &str) -> Self {
        let _ = url;
        Self::default()
    }

    /// True where the URL names no campaign at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The host of an absolute http(s) URL, lower-cased, without user and port.
#[must_use]
pub fn host(url: &str) -> Option<Cow<'_, str>> {
    let _ = url;
    None
}

/// Whether a host is one of the site's domains or below one. `www.` makes no difference.
#[must_use]
pub fn is_own<S: AsRef<str>>(host: &str, own: &[S]) -> bool {
    let _ = (host, own);
    false
}
