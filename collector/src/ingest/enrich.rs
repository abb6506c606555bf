//! What only the request's headers tell, and the splitting off of personal data.

use actix_web::http::header::{HeaderMap, ORIGIN, USER_AGENT};
use wire::event::Event as WireEvent;

use crate::{
    domain::{
        event::{Detail, Event, Flag, Identifier, IdentifierKind, Personal},
        fact::SiteNumber,
        site::SiteConfig,
    },
    store::Seal,
    vault::{PersonalData, Vault, VaultError, contact},
};

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
            let typed = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
            let (email, phone) = (typed(sent.email), typed(sent.phone));
            if email.is_none() && phone.is_none() {
                // Nobody could be contacted: an event, and no lead.
                *lead = None;
                return Ok(None);
            }
            let mut parts = Parts::new(vault, site);
            let mut fields = sent.fields;
            fields.retain(|name, _| config.lead_fields.iter().any(|kept| kept == name));
            let usable_email = email.as_deref().and_then(contact::email);
            let usable_phone = phone.as_deref().and_then(|raw| contact::phone(raw, &config.default_region));
            parts.identifier(IdentifierKind::Email, usable_email.as_deref())?;
            parts.identifier(IdentifierKind::Phone, usable_phone.as_deref())?;
            if email.is_some() && usable_email.is_none() {
                submission.flags.push(Flag::InvalidEmail);
            }
            if phone.is_some() && usable_phone.is_none() {
                submission.flags.push(Flag::InvalidPhone);
            }
            if sent.flag.as_deref() == Some("test") {
                submission.flags.push(Flag::Test);
            }
            let consent = submission.consent.get_or_insert_default();
            consent.purposes.retain(|purpose| PURPOSES.contains(&purpose.as_str()));
            // Sending the form is asking to be contacted about it.
            consent.purposes.push("contact".to_owned());
            consent.purposes.sort_unstable();
            consent.purposes.dedup();
            let data = PersonalData {
                name: typed(sent.name),
                email: usable_email.or(email),
                phone: usable_phone,
                phone_raw: phone,
                fields,
                ..PersonalData::default()
            };
            parts.seal(index, &data, &mut submission.personal).map(Some)
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

/// The purposes that there are.
const PURPOSES: [&str; 4] = ["ads", "contact", "email_tracking", "marketing"];

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

    fn identifier(&mut self, kind: IdentifierKind, normalised: Option<&str>) -> Result<(), VaultError> {
        if let Some(normalised) = normalised {
            let token = self.vault.new_token()?;
            self.identifiers.push(Identifier { kind, token });
            self.lookups.push((self.vault.lookup_hash(self.site, kind, normalised), token));
        }
        Ok(())
    }

    fn seal(self, event: usize, data: &PersonalData, personal: &mut Personal) -> Result<Seal, VaultError> {
        let (reference, sealed) = self.vault.seal(self.site, data)?;
        *personal = Personal { vault: Some(reference), identifiers: self.identifiers };
        Ok(Seal { event, reference, sealed, lookups: self.lookups })
    }
}
