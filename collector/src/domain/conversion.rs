//! What ad platforms are told of, and how they know people: conversions, and which of them may leave.
//!
//! Sources: Google's Data Manager formatting guide and the errors of its conversion uploads; Meta's customer information
//! parameters. `docs/leads.md` says what a marketer needs of it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{consent, event::Flag, id::LeadId, standing::Lead, touch::Touch};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// An ad platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// Google Ads.
    Google,
    /// Meta's.
    Meta,
}

impl Platform {
    /// By its name in addresses.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "google" => Some(Self::Google),
            "meta" => Some(Self::Meta),
            _ => None,
        }
    }

    /// Its name in addresses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Meta => "meta",
        }
    }
}

/// What counts as a conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// Somebody left a lead.
    Lead,
    /// Somebody bought.
    Sale,
    /// A lead came to a stage for the first time.
    Stage(String),
}

impl Goal {
    /// Its name in what is stored: `lead`, `sale`, or `stage:` and the stage's.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Lead => "lead".to_owned(),
            Self::Sale => "sale".to_owned(),
            Self::Stage(stage) => format!("stage:{stage}"),
        }
    }
}

/// A conversion of a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// What platforms tell one from another by: the lead's id, the sale's, or the lead's with the stage.
    pub id: String,
    /// When, ms since the epoch.
    pub at: i64,
    /// Minor units and currency, where it is worth something: of a sale what is left of it after refunds.
    pub value: Option<(i64, String)>,
    /// Whether nobody but a page says so, or all of it was given back.
    pub doubt: Option<Reason>,
}

/// Why a conversion stays here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Whoever it was agreed to no such use, or took it back.
    NoConsent,
    /// Whoever it was is forgotten.
    Erased,
    /// A test, spam, of a colleague, or from a page of somebody else's.
    NotCounted,
    /// The lead only asks again for what another asked for.
    Duplicate,
    /// A page says so, and no server yet.
    Unconfirmed,
    /// All of it was given back.
    Refunded,
    /// The platform takes none as old as this.
    TooOld,
    /// Nothing in it would tell the platform whose it is.
    NoIdentifier,
    /// It left before.
    Already,
    /// It left before, with another value.
    Changed,
}

/// The conversions of a lead by a goal, oldest first.
#[must_use]
pub fn conversions(lead: &Lead, goal: &Goal) -> Vec<Conversion> {
    match goal {
        Goal::Lead => {
            let id = lead.id.to_string();
            vec![Conversion { id, at: lead.created_at, value: None, doubt: None }]
        }
        Goal::Stage(stage) => {
            let first = lead.stays.iter().find(|stay| stay.stage == *stage);
            let conversion = first.map(|stay| Conversion {
                id: format!("{}.{stage}", lead.id),
                at: stay.at,
                value: None,
                doubt: None,
            });
            conversion.into_iter().collect()
        }
        Goal::Sale => {
            let sold = lead.sales.iter().filter(|sale| sale.refund_of.is_none() && sale.amount > 0);
            let conversion = sold.map(|sale| {
                let refunds =
                    lead.sales.iter().filter(|refund| refund.refund_of.as_ref() == Some(&sale.external_id));
                let left = refunds.fold(sale.amount, |left, refund| left.saturating_add(refund.amount));
                let doubt = if left <= 0 {
                    Some(Reason::Refunded)
                } else {
                    (!sale.confirmed).then_some(Reason::Unconfirmed)
                };
                let value = Some((left, sale.currency.clone()));
                Conversion { id: sale.external_id.clone(), at: sale.at, value, doubt }
            });
            conversion.collect()
        }
    }
}

/// Why nothing of a lead may leave; `None` where it may.
#[must_use]
pub fn refusal(lead: &Lead, is_counted: bool) -> Option<Reason> {
    if lead.flags.contains(&Flag::Erased) {
        Some(Reason::Erased)
    } else if !lead.allows(consent::ADS) {
        Some(Reason::NoConsent)
    } else if !is_counted {
        Some(Reason::NotCounted)
    } else if lead.duplicate_of.is_some() {
        Some(Reason::Duplicate)
    } else {
        None
    }
}

/// A click on an ad, as its platform knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// Of which kind the id is: gclid, gbraid, wbraid, fbclid.
    pub kind: &'static str,
    /// The id.
    pub id: String,
    /// When it brought somebody, ms since the epoch.
    pub at: i64,
}

/// The click that a platform would know a lead by: of the touch that its origin names first.
#[must_use]
pub fn click(lead: &Lead, platform: Platform) -> Option<Click> {
    let kinds: &[&str] = match platform {
        Platform::Google => &["gclid", "gbraid", "wbraid"],
        Platform::Meta => &["fbclid"],
    };
    let touches: [&Touch; 3] = [&lead.origin.last_non_direct, &lead.origin.last, &lead.origin.first];
    touches.into_iter().find_map(|touch| {
        let found = kinds.iter().find_map(|kind| Some((*kind, touch.click_ids.get(*kind)?)));
        found.map(|(kind, id)| Click { kind, id: id.clone(), at: touch.at })
    })
}

/// Whether a platform still takes a click's id: Google for 90 days after the click. Meta's has no end of its own.
#[must_use]
pub fn takes_click(platform: Platform, click: &Click, conversion: &Conversion, now: i64) -> bool {
    match platform {
        Platform::Google => click.at <= conversion.at && now - click.at <= 90 * DAY_MS,
        Platform::Meta => true,
    }
}

/// Whether a platform still takes a conversion by who it was: Google for 63 days after the lead, Meta for 7 after the
/// conversion.
#[must_use]
pub fn takes_person(platform: Platform, lead: &Lead, conversion: &Conversion, now: i64) -> bool {
    match platform {
        Platform::Google => now - lead.created_at <= 63 * DAY_MS,
        Platform::Meta => takes_at_all(platform, conversion, now),
    }
}

/// Whether a platform takes a conversion of this age, whatever it is known by: Meta refuses a whole file for one that is
/// more than 7 days old.
#[must_use]
pub fn takes_at_all(platform: Platform, conversion: &Conversion, now: i64) -> bool {
    match platform {
        Platform::Google => true,
        Platform::Meta => now - conversion.at <= 7 * DAY_MS,
    }
}

/// An e-mail address as a platform hashes it. Google reads the mailboxes of its own mail without dots and without what
/// follows a plus; Meta leaves all as they are.
#[must_use]
pub fn email(platform: Platform, address: &str) -> Option<String> {
    let address: String = address.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
    let (user, domain) = address.rsplit_once('@')?;
    let is_own = platform == Platform::Google && matches!(domain, "gmail.com" | "googlemail.com");
    let user =
        if is_own { user.split('+').next().unwrap_or_default().replace('.', "") } else { user.to_owned() };
    (!user.is_empty() && !domain.is_empty()).then(|| hashed(&format!("{user}@{domain}")))
}

/// A telephone number in E.164 as a platform hashes it: Google with the plus, Meta without.
#[must_use]
pub fn phone(platform: Platform, e164: &str) -> Option<String> {
    let digits: String = e164.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    (!digits.is_empty()).then(|| match platform {
        Platform::Google => hashed(&format!("+{digits}")),
        Platform::Meta => hashed(digits),
    })
}

/// SHA-256 in hexadecimal, as both platforms want it.
fn hashed(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An ad platform's file got a conversion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionSent {
    /// Of which lead.
    pub lead: LeadId,
    /// Which platform.
    pub platform: Platform,
    /// What it was: `lead`, `sale`, or `stage:` and the stage's name.
    pub goal: String,
    /// What the platform tells it by.
    pub id: String,
    /// Platform, goal and id: one conversion leaves once.
    pub key: String,
    /// When it happened, ms since the epoch.
    pub at: i64,
    /// When it left.
    pub received_at: i64,
    /// The id of the token that asked for it.
    pub by: String,
    /// Minor units and currency, where it was worth something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<(i64, String)>,
}

impl ConversionSent {
    /// What a conversion is claimed by: see [`Self::key`].
    #[must_use]
    pub fn key(platform: Platform, goal: &Goal, id: &str) -> String {
        format!("{}/{}/{id}", platform.as_str(), goal.name())
    }
}

#[cfg(test)]
mod tests;
