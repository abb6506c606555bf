//! What only the request's headers tell, and the splitting off of personal data.

use std::collections::BTreeMap;

use actix_web::http::header::{HeaderMap, ORIGIN, USER_AGENT};
use wire::event::Event as WireEvent;

use crate::{
    domain::{
        consent,
        event::{Detail, Event, Flag, Identifier, IdentifierKind, Personal},
        fact::SiteNumber,
        identity::junk::is_junk,
        site::SiteConfig,
    },
    store::Seal,
    vault::{PersonalData, Vault, VaultError, contact},
};

/// The key in an address by which a page is told whose click in a message led to it (`vault::recipient`).
pub const EMAIL_CLICK: &str = "tzclid";

/// What a beacon's headers say.
pub struct Headers {
    /// As the browser sent it, cut.
    pub user_agent: Option<String>,
    /// The `Origin`, where there is one (`null` counts as none).
    pub origin: Option<String>,
    /// Whether the browser speaks for the visitor: Global Privacy Control or Do Not Track.
    pub signal: bool,
}

impl Headers {
    /// Reads them.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let user_agent = text(USER_AGENT.as_str()).map(|agent| {
            let mut agent = agent.to_owned();
            agent.truncate(agent.floor_char_boundary(512));
            agent
        });
        let origin = text(ORIGIN.as_str()).filter(|origin| *origin != "null").map(str::to_owned);
        let signal = text("sec-gpc") == Some("1") || text("dnt") == Some("1");
        Self { user_agent, origin, signal }
    }

    /// What a browser would send from a page of the site's own, without any wish about tracking.
    #[must_use]
    pub fn of_browser(user_agent: &str) -> Self {
        let mut headers = HeaderMap::new();
        if let Ok(value) = user_agent.parse() {
            headers.insert(USER_AGENT, value);
        }
        Self::of(&headers)
    }

    /// The host of the page that sent it.
    #[must_use]
    pub fn origin_host(&self) -> Option<String> {
        wire::arrival::host(self.origin.as_deref()?).map(std::borrow::Cow::into_owned)
    }
}

/// Seals what is personal about an event, and puts the reference and proposed tokens in its place. `None` where
/// there is nothing personal.
///
/// # Errors
/// Where the vault has no random bytes.
pub fn split_personal(
    vault: &Vault,
    site: SiteNumber,
    config: &SiteConfig,
    index: usize,
    wire: &mut WireEvent,
    event: &mut Event,
) -> Result<Option<Seal>, VaultError> {
    match &mut event.detail {
        Detail::FormSubmit { lead, .. } => {
            let (Some(submission), Some(sent)) = (lead.as_mut(), wire.lead.take()) else { return Ok(None) };
            let mut fields = sent.fields;
            fields.retain(|name, _| config.lead_fields.iter().any(|kept| kept == name));
            let given = Given {
                name: typed(sent.name),
                email: typed(sent.email),
                phone: typed(sent.phone),
                fields,
                ..Given::default()
            };
            if given.email.is_none() && given.phone.is_none() {
                // Nobody could be contacted: an event, and no lead.
                *lead = None;
                return Ok(None);
            }
            let is_test = sent.flag.as_deref() == Some("test");
            let consent = submission.consent.get_or_insert_default();
            // Sending the form is asking to be contacted about it.
            consent.purposes.push("contact".to_owned());
            known_purposes(&mut consent.purposes);
            let (personal, flags) = (&mut submission.personal, &mut submission.flags);
            let seal = given.seal(vault, (site, config), index, personal, flags)?;
            if is_test {
                submission.flags.push(Flag::Test);
            }
            Ok(Some(seal))
        }
        Detail::Identify { personal } => {
            let mut parts = Parts::new(vault, site);
            let email = wire.email.as_deref().and_then(contact::email);
            let phone = wire.phone.as_deref().and_then(|raw| contact::phone(raw, &config.default_region));
            parts.identifier(IdentifierKind::Email, email.as_deref())?;
            parts.identifier(IdentifierKind::Phone, phone.as_deref())?;
            parts.identifier(IdentifierKind::UserId, wire.user_id.as_deref())?;
            let data = PersonalData {
                email: email.or_else(|| wire.email.take()),
                phone,
                phone_raw: wire.phone.take(),
                user_id: wire.user_id.take(),
                ..PersonalData::default()
            };
            parts.seal(index, &data, personal).map(Some)
        }
        _ => Ok(None),
    }
}

/// Takes out of an event's addresses by whose click in a message somebody came, and answers it where it is this page
/// view's own: it is for the collector alone, and no address is stored with it. That it was there stays.
pub fn take_email_click(event: &mut Event) -> Option<String> {
    let (own, other) = match &mut event.detail {
        Detail::PageView { url, referrer, .. } => (Some(url), referrer.as_mut()),
        Detail::Click { href, .. } => (None, href.as_mut()),
        Detail::CtaView(cta) | Detail::CtaClick(cta) => (None, cta.href.as_mut()),
        Detail::OutboundClick(target) | Detail::Download(target) => (None, Some(&mut target.href)),
        _ => (None, None),
    };
    other.and_then(cut_email_click);
    own.and_then(cut_email_click)
}

fn cut_email_click(url: &mut String) -> Option<String> {
    let mut taken = None;
    let mut from = 0;
    while let Some(found) = url.get(from..).and_then(|rest| rest.find(EMAIL_CLICK)) {
        from += found + EMAIL_CLICK.len();
        let Some(rest) = url.get(from..).and_then(|rest| rest.strip_prefix('=')) else { continue };
        let length = rest.find(['&', '#']).unwrap_or(rest.len());
        let value: String = url.drain(from + 1..from + 1 + length).collect();
        taken = taken.or(Some(value).filter(|value| !value.is_empty()));
    }
    taken
}

/// What somebody typed, unless it is blank.
fn typed(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// Leaves the purposes that there are, each once.
pub fn known_purposes(purposes: &mut Vec<String>) {
    purposes.retain(|purpose| consent::PURPOSES.contains(&purpose.as_str()));
    purposes.sort_unstable();
    purposes.dedup();
}

/// What somebody gave to be known and reached by.
#[derive(Default)]
pub struct Given {
    /// How they sign.
    pub name: Option<String>,
    /// As typed.
    pub email: Option<String>,
    /// As typed.
    pub phone: Option<String>,
    /// The site's own id of the person.
    pub user_id: Option<String>,
    /// Their account in a chat application, which is named before it.
    pub chat: Option<String>,
    /// Further declared fields.
    pub fields: BTreeMap<String, String>,
    /// Whether the number is a WhatsApp account's.
    pub whatsapp: bool,
}

impl Given {
    /// Seals it, and puts the reference and proposed tokens in its place. What cannot be used is kept as typed and
    /// flagged; what stands for nobody ties nobody to anybody.
    ///
    /// # Errors
    /// Where the vault has no random bytes.
    pub fn seal(
        self,
        vault: &Vault,
        (site, config): (SiteNumber, &SiteConfig),
        index: usize,
        personal: &mut Personal,
        flags: &mut Vec<Flag>,
    ) -> Result<Seal, VaultError> {
        let read = if self.whatsapp { contact::whatsapp } else { contact::phone };
        let email = self.email.as_deref().and_then(contact::email);
        let phone = self.phone.as_deref().and_then(|raw| read(raw, &config.default_region));
        if self.email.is_some() && email.is_none() {
            flags.push(Flag::InvalidEmail);
        }
        if self.phone.is_some() && phone.is_none() {
            flags.push(Flag::InvalidPhone);
        }
        let mut parts = Parts::new(vault, site);
        let real = [
            parts.identifier(IdentifierKind::Email, email.as_deref())?,
            parts.identifier(IdentifierKind::Phone, phone.as_deref())?,
            parts.identifier(IdentifierKind::UserId, self.user_id.as_deref())?,
            parts.identifier(IdentifierKind::Chat, self.chat.as_deref())?,
        ];
        if real.contains(&false) {
            flags.push(Flag::JunkIdentifier);
        }
        let data = PersonalData {
            name: self.name,
            email: email.or(self.email),
            phone,
            phone_raw: self.phone,
            user_id: self.user_id,
            chat: self.chat,
            fields: self.fields,
            ..PersonalData::default()
        };
        parts.seal(index, &data, personal)
    }
}

/// The keyed hash that an identifier is found by; it is normalised already.
#[must_use]
pub fn lookup(vault: &Vault, site: SiteNumber, kind: IdentifierKind, normalised: &str) -> [u8; 32] {
    match kind {
        IdentifierKind::Phone => vault.lookup_hash(site, kind, &contact::phone_key(normalised)),
        _ => vault.lookup_hash(site, kind, normalised),
    }
}

/// A submission's identifiers on their way to a seal.
struct Parts<'a> {
    vault: &'a Vault,
    site: SiteNumber,
    identifiers: Vec<Identifier>,
    lookups: Vec<([u8; 32], crate::domain::id::Token)>,
}

impl<'a> Parts<'a> {
    fn new(vault: &'a Vault, site: SiteNumber) -> Self {
        Self { vault, site, identifiers: Vec::new(), lookups: Vec::new() }
    }

    /// Adds an identifier, unless it is one that stands for nobody: false then.
    fn identifier(&mut self, kind: IdentifierKind, normalised: Option<&str>) -> Result<bool, VaultError> {
        let Some(normalised) = normalised else { return Ok(true) };
        if is_junk(kind, normalised) {
            return Ok(false);
        }
        let token = self.vault.new_token()?;
        self.identifiers.push(Identifier { kind, token });
        self.lookups.push((lookup(self.vault, self.site, kind, normalised), token));
        Ok(true)
    }

    fn seal(self, event: usize, data: &PersonalData, personal: &mut Personal) -> Result<Seal, VaultError> {
        let (reference, sealed) = self.vault.seal(self.site, data)?;
        *personal = Personal { vault: Some(reference), identifiers: self.identifiers };
        Ok(Seal { event, reference, sealed, lookups: self.lookups })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_is_stored_with_whose_click_it_was() {
        let cases = [
            (
                "https://example.com/?tzclid=abc&utm_id=7",
                "https://example.com/?tzclid=&utm_id=7",
                Some("abc"),
            ),
            ("https://example.com/?a=1&tzclid=abc#x", "https://example.com/?a=1&tzclid=#x", Some("abc")),
            ("https://example.com/#/r?tzclid=abc", "https://example.com/#/r?tzclid=", Some("abc")),
            ("?tzclid=a&tzclid=b", "?tzclid=&tzclid=", Some("a")),
            ("?tzclid=&tzclid=b", "?tzclid=&tzclid=", Some("b")),
            ("https://example.com/tzclid?tzclid", "https://example.com/tzclid?tzclid", None),
            ("https://example.com/?tzclid=", "https://example.com/?tzclid=", None),
            ("", "", None),
        ];
        for (url, left, taken) in cases {
            let mut cut = url.to_owned();
            assert_eq!(cut_email_click(&mut cut).as_deref(), taken, "{url}");
            assert_eq!(cut, left);
        }
    }
}
