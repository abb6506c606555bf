//! A message in a chat, and the reference in it that leads to whoever read the page.
//!
//! The tag puts a short reference into the text that a chat begins with. It is six characters of Crockford's base 32, upper-case:
//! digits and letters without I, L, O and U, which people take for others.

use serde::{Deserialize, Serialize};

use super::{
    channel::Channel,
    event::{Detail, Event, LeadKind, Personal},
    fact::{Arrival, Position, Subject},
    id::{Id, LeadId, VaultRef},
    touch::Touch,
};

/// A reference leads to its page for so long after it was last clicked, in ms: 30 days.
pub const VALID_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// A message may say that it was written so long before the click that it came of, in ms: clocks differ.
pub const EARLY_MS: i64 = 5 * 60 * 1000;
/// Characters of a reference as the tag makes it.
const LENGTH: usize = 6;
/// Characters of the longest that is taken where it is given by itself.
const LONGEST: usize = 16;
/// More words than these that look like references are not tried.
const MOST: usize = 5;
/// What stands before the reference where a link carries it by itself.
const LINK_MARK: &str = "traza_";

/// Where people chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "named for what they are")]
pub enum ChatApp {
    Whatsapp,
    Messenger,
    Telegram,
    Viber,
    Signal,
    Line,
    /// A conversation on the site itself.
    Chat,
    Other,
}

impl ChatApp {
    /// Its name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::Messenger => "messenger",
            Self::Telegram => "telegram",
            Self::Viber => "viber",
            Self::Signal => "signal",
            Self::Line => "line",
            Self::Chat => "chat",
            Self::Other => "other",
        }
    }

    /// What kind of lead whoever writes there is.
    #[must_use]
    pub fn lead_kind(self) -> LeadKind {
        match self {
            Self::Whatsapp => LeadKind::Whatsapp,
            Self::Messenger => LeadKind::Messenger,
            _ => LeadKind::Chat,
        }
    }

    /// Where a lead of a kind wrote.
    #[must_use]
    pub fn of_lead(kind: LeadKind) -> Self {
        match kind {
            LeadKind::Whatsapp => Self::Whatsapp,
            LeadKind::Messenger => Self::Messenger,
            LeadKind::Chat => Self::Chat,
            _ => Self::Other,
        }
    }

    /// Whether people are known there by their telephone number; elsewhere a row of digits is an account.
    #[must_use]
    pub fn goes_by_phone(self) -> bool {
        matches!(self, Self::Whatsapp | Self::Viber | Self::Signal)
    }
}

/// Why a message leads to nobody's journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unjoined {
    /// It has no reference.
    NoRef,
    /// No page is known to have shown its reference.
    UnknownRef,
    /// Its reference was clicked too long ago.
    ExpiredRef,
    /// Somebody else wrote with its reference first: the text was passed on.
    UsedRef,
    /// Several browsers were shown its reference.
    Ambiguous,
}

/// A message that somebody sent to the site. Told again, it says all that is known by then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Which lead it is about; `None` where nobody could be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<LeadId>,
    /// Where it was written.
    pub app: ChatApp,
    /// When it was written, ms since the epoch.
    pub at: i64,
    /// When it was told.
    pub received_at: i64,
    /// Who wrote, by reference.
    #[serde(default)]
    pub personal: Personal,
    /// What they wrote, by reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<VaultRef>,
    /// The reference in it, as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_ref: Option<String>,
    /// The sender's own id of it.
    pub external_id: String,
    /// Where it was found to come from: that was answered, so it stays as it was.
    #[serde(default)]
    pub answer: Found,
}

impl Message {
    /// The vault's references in it.
    #[must_use]
    pub fn references(&self) -> Vec<VaultRef> {
        self.personal.vault.into_iter().chain(self.note).collect()
    }

    /// The use of a reference that led somewhere: whoever made the first one has it.
    #[must_use]
    pub fn used(&self, position: Position) -> Option<Used> {
        let chat_ref = self.answer.visitor.as_ref().and(self.chat_ref.clone())?;
        Some(Used { chat_ref, at: self.at, lead: self.lead.clone(), position })
    }
}

/// Where a message was found to come from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Found {
    /// Whose browser showed the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visitor: Option<Id>,
    /// Whether whoever wrote was known by then for somebody of their own: texts are passed on, so it is weak evidence then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub was_known: bool,
    /// The ad that the conversation was begun from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub touch: Option<Box<Touch>>,
    /// Why it leads to nobody's journey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Unjoined>,
}

/// A link to a chat was followed on a page that had put a reference into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clicked {
    /// The reference, as [`canonical`] has it.
    pub chat_ref: String,
    /// Whose browser.
    pub visitor: Id,
    /// When, ms since the epoch.
    pub at: i64,
    /// Where the click stands in the log.
    pub position: Position,
}

impl Clicked {
    /// An event as a click on a reference; `None` where it is none, or nobody's in particular.
    #[must_use]
    pub fn of(arrival: &Arrival, event: &Event, position: Position) -> Option<Self> {
        let Detail::ChatClick { chat_ref, .. } = &event.detail else { return None };
        let chat_ref = canonical(chat_ref.as_deref()?)?;
        let Subject::Visitor(visitor) = arrival.subject(event)? else { return None };
        Some(Self { chat_ref, visitor, at: event.at, position })
    }
}

/// A message with a reference led to a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// The reference.
    pub chat_ref: String,
    /// When the message was written, ms since the epoch.
    pub at: i64,
    /// The lead of whoever wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<LeadId>,
    /// Where the message stands in the log.
    pub position: Position,
}

/// A reference in the one spelling that it is known by; `None` where it cannot be one. What people take for another character
/// is read as that, hyphens are left out, and so is the mark that links carry it with.
#[must_use]
pub fn canonical(text: &str) -> Option<String> {
    let text = text.trim();
    let marked = text.get(..LINK_MARK.len()).is_some_and(|start| start.eq_ignore_ascii_case(LINK_MARK));
    let text = if marked { &text[LINK_MARK.len()..] } else { text };
    let mut known = String::with_capacity(LENGTH);
    for letter in text.chars().filter(|letter| *letter != '-') {
        known.push(match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            'U' => return None,
            letter if letter.is_ascii_alphanumeric() => letter,
            _ => return None,
        });
    }
    (4..=LONGEST).contains(&known.len()).then_some(known)
}

/// What in a text may be a reference, in the order it stands there: six characters behind the word `ref`, which may be written out,
/// and may have brackets, dots, colons and blanks about it. A word without that mark is none.
#[must_use]
pub fn references_in(text: &str) -> Vec<String> {
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<String> = Vec::new();
    let mut from = 0;
    while let Some(at) = lower.get(from..).and_then(|rest| rest.find("ref")) {
        let start = from + at;
        from = start + "ref".len();
        let is_word = !lower
            .get(..start)
            .and_then(|before| before.chars().next_back())
            .is_some_and(char::is_alphanumeric);
        let Some(rest) = lower.get(from..).filter(|_| is_word) else { continue };
        let rest =
            ["erencia", "erence", "erência"].iter().find_map(|more| rest.strip_prefix(more)).unwrap_or(rest);
        let token = rest.trim_start_matches(|c: char| c.is_whitespace() || ".:;=#-_()[]*º°".contains(c));
        // `ref` and the reference in one word are a word.
        let is_apart = token.len() < rest.len() || token.starts_with(LINK_MARK);
        if let Some(chat_ref) = leading(token).filter(|_| is_apart)
            && !found.contains(&chat_ref)
        {
            found.push(chat_ref);
        }
        if found.len() == MOST {
            break;
        }
    }
    found
}

/// The reference that a text begins with.
fn leading(text: &str) -> Option<String> {
    let text = text.strip_prefix(LINK_MARK).unwrap_or(text);
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '-').unwrap_or(text.len());
    let word = text.get(..end)?.trim_end_matches('-');
    canonical(word).filter(|known| known.len() == LENGTH)
}

/// An ad of Meta's that a conversation was begun from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ad {
    /// The id of the click on it.
    pub click_id: Option<String>,
    /// The ad's own id.
    pub ad: Option<String>,
    /// Where the conversation is.
    pub medium: &'static str,
}

impl Ad {
    /// The arrival that it is, at a time in ms since the epoch.
    #[must_use]
    pub fn touch(&self, at: i64) -> Touch {
        Touch {
            channel: Channel::PaidSocial,
            source: Some("meta".to_owned()),
            medium: Some(self.medium.to_owned()),
            ad: self.ad.clone(),
            click_ids: self.click_id.iter().map(|id| ("ctwa_clid".to_owned(), id.clone())).collect(),
            reason: None,
            ..Touch::unknown(at, "")
        }
    }
}

/// Whose browser a message with a reference came from, by who clicked it, newest first, and who wrote with it before. `is_own`
/// tells whether a lead is of whoever writes now.
///
/// # Errors
/// Why it is nobody's.
pub fn joined(
    clicks: &[Clicked],
    uses: &[Used],
    at: i64,
    is_own: impl Fn(&LeadId) -> bool,
) -> Result<Id, Unjoined> {
    let by_then: Vec<&Clicked> = clicks.iter().filter(|click| click.at <= at + EARLY_MS).collect();
    let valid: Vec<&Clicked> = by_then.iter().copied().filter(|click| click.at >= at - VALID_MS).collect();
    let Some(newest) = valid.first() else {
        return Err(if by_then.is_empty() { Unjoined::UnknownRef } else { Unjoined::ExpiredRef });
    };
    if valid.iter().any(|click| click.visitor != newest.visitor) {
        return Err(Unjoined::Ambiguous);
    }
    let first_use = uses
        .iter()
        .filter(|used| used.at >= at - VALID_MS && used.lead.is_some())
        .min_by_key(|used| used.position);
    match first_use.and_then(|used| used.lead.as_ref()) {
        Some(lead) if !is_own(lead) => Err(Unjoined::UsedRef),
        _ => Ok(newest.visitor.clone()),
    }
}

#[cfg(test)]
mod tests;
