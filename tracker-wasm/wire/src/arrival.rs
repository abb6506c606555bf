//! Campaign parameters and click ids of a landing URL: the one table of them.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use crate::{
    scan::{Pieces, before, decode, first, index, pieces},
    split::{host_of, split},
};

mod click_ids;

pub use click_ids::CLICK_IDS;
pub(crate) use click_ids::is_click_id;

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
    /// Click ids by key. In anonymous mode the values are empty: only the kind is kept, so here an empty value
    /// does count.
    pub click_ids: BTreeMap<String, String>,
}

impl Campaign {
    /// Reads a URL's query (the fragment's query too, where a hash route has one). `utm_*` keys are compared
    /// without case, click ids exactly; the first value of a key wins, the query before the fragment. Empty `utm_*`
    /// values count as absent. `utm_id` names the campaign's id before `gad_campaignid`, that before `hsa_cam`.
    #[must_use]
    pub fn of(url: &str) -> Self {
        let mut found = Self::default();
        let split = split(url.trim_ascii());
        if let Some(query) = split.query {
            found.read(query);
        }
        if let Some(fragment) = split.fragment {
            found.read(first(fragment, b'?').map_or(fragment, |(_, query)| query));
        }
        if found.campaign_id.is_none() {
            found.campaign_id = ["gad_campaignid", "hsa_cam"]
                .iter()
                .find_map(|key| found.click_ids.get(*key).filter(|id| !id.is_empty()).cloned());
        }
        found
    }

    fn read(&mut self, query: &str) {
        for pair in pairs(query) {
            let (key, value) = (pair.key(), pair.value);
            if is_click_id(key.as_bytes()) {
                let id = || decode(value, true).trim_ascii().to_owned();
                self.click_ids.entry(key.into_owned()).or_insert_with(id);
                continue;
            }
            let Some(name) = utm(key.as_bytes()) else { continue };
            let fields = [
                ("source", &mut self.source),
                ("medium", &mut self.medium),
                ("campaign", &mut self.campaign),
                ("id", &mut self.campaign_id),
                ("content", &mut self.content),
                ("term", &mut self.term),
            ];
            for (field, slot) in fields {
                if slot.is_none() && name.eq_ignore_ascii_case(field.as_bytes()) {
                    let value = decode(value, true);
                    let value = value.trim_ascii();
                    *slot = (!value.is_empty()).then(|| value.to_owned());
                }
            }
        }
    }

    /// True where the URL names no campaign at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One pair of a query.
pub(crate) struct Pair<'a> {
    /// The key with its equals sign, as it stands.
    pub(crate) raw_key: &'a str,
    /// The value, as it stands.
    pub(crate) value: &'a str,
}

impl<'a> Pair<'a> {
    /// The key, decoded.
    pub(crate) fn key(&self) -> Cow<'a, str> {
        decode(before(self.raw_key, b'='), true)
    }
}

/// The pairs of a query. A mailer's `&amp;` is an ampersand.
pub(crate) fn pairs(query: &str) -> Pairs<'_> {
    Pairs(pieces(query, b'&'))
}

/// See [`pairs`].
pub(crate) struct Pairs<'a>(Pieces<'a>);

impl<'a> Iterator for Pairs<'a> {
    type Item = Pair<'a>;

    fn next(&mut self) -> Option<Pair<'a>> {
        let mut pair = self.0.next()?;
        while let Some(rest) = pair.strip_prefix("amp;") {
            pair = rest;
        }
        let end = before(pair, b'=').len();
        let raw_key = pair.get(..=end).unwrap_or(pair);
        Some(Pair { raw_key, value: pair.get(raw_key.len()..).unwrap_or("") })
    }
}

/// What follows `utm_` in a key of letters, digits, `_` and `-`; `None` for any other key.
pub(crate) fn utm(key: &[u8]) -> Option<&[u8]> {
    let (prefix, name) = key.split_at_checked(4)?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (prefix.eq_ignore_ascii_case(b"utm_") && !name.is_empty() && name.len() <= 32 && name.iter().all(plain))
        .then_some(name)
}

/// The host of an absolute http(s) URL, in ASCII lower case, without user, port and a final dot. An international
/// name stays in the spelling it came in; browsers give it in Punycode.
#[must_use]
pub fn host(url: &str) -> Option<Cow<'_, str>> {
    let split = split(url.trim_ascii());
    let scheme = split.scheme?;
    index("https http", scheme)?;
    let host = host_of(split.authority?)?;
    Some(if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    })
}

/// Whether a host is one of the site's domains or below one. Neither ASCII case, a final dot nor `www.` makes a
/// difference. International names are compared as they are spelled: the domains of a site are kept in Punycode, as
/// browsers give hosts.
#[must_use]
pub fn is_own<S: AsRef<str>>(host: &str, own: &[S]) -> bool {
    let host = bare(host).as_bytes();
    own.iter().any(|own| {
        let own = bare(own.as_ref()).as_bytes();
        let Some(below) = host.len().checked_sub(own.len()) else { return false };
        let Some((below, end)) = host.split_at_checked(below) else { return false };
        !own.is_empty() && end.eq_ignore_ascii_case(own) && below.last().is_none_or(|&byte| byte == b'.')
    })
}

/// A host without `www.` (unless that would leave a mere suffix such as `com`) and a final dot.
pub(crate) fn bare(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    match host.split_at_checked(4) {
        Some((www, rest)) if www.eq_ignore_ascii_case("www.") && rest.bytes().any(|byte| byte == b'.') => {
            rest
        }
        _ => host,
    }
}
