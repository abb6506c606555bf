//! What a link is for.

use std::borrow::Cow;

/// A chat application that a link opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the applications' own")]
pub enum App {
    Whatsapp,
    Messenger,
    Telegram,
    Viber,
    Signal,
    Line,
    Other,
}

impl App {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::Messenger => "messenger",
            Self::Telegram => "telegram",
            Self::Viber => "viber",
            Self::Signal => "signal",
            Self::Line => "line",
            Self::Other => "other",
        }
    }
}

/// What following a link would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link<'a> {
    /// Dials a number: `tel:`, `callto:`.
    Call {
        /// The number as the link has it, percent-decoded, without `tel:` parameters.
        number: Cow<'a, str>,
    },
    /// Writes a text message.
    Sms {
        /// The first number.
        to: Cow<'a, str>,
    },
    /// Writes an e-mail.
    Email {
        /// The first address.
        to: Cow<'a, str>,
    },
    /// Opens a chat.
    Chat {
        /// With which application.
        app: App,
        /// With whom, where the link says.
        to: Option<Cow<'a, str>>,
    },
    /// Fetches a file.
    Download {
        /// The file's name, percent-decoded.
        asset: Cow<'a, str>,
    },
    /// Leaves the site.
    Outbound,
    /// Stays on the site, or on the page.
    Internal,
    /// Leads nowhere: `javascript:`, `blob:`, an empty href.
    Nothing,
}

/// Classifies an href. `own` are the site's domains (a domain stands for itself and everything below it); a
/// relative href is internal.
#[must_use]
pub fn classify<'a, S: AsRef<str>>(href: &'a str, own: &[S]) -> Link<'a> {
    let _ = (href, own);
    Link::Internal
}
