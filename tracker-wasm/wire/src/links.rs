//! What a link is for.

use std::borrow::Cow;

use crate::{
    arrival::{is_own, pairs},
    scan::{decode, index, plain},
    split::{Split, host_of, is_web, split},
};

mod chat;
mod download;

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
    /// Every application.
    pub const ALL: [Self; 7] =
        [Self::Whatsapp, Self::Messenger, Self::Telegram, Self::Viber, Self::Signal, Self::Line, Self::Other];

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
    /// Leads nowhere: `javascript:`, `blob:`, an empty href, a `mailto:` without an address.
    Nothing,
}

impl Link<'_> {
    fn into_owned(self) -> Link<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Call { number } => Link::Call { number: own(number) },
            Self::Sms { to } => Link::Sms { to: own(to) },
            Self::Email { to } => Link::Email { to: own(to) },
            Self::Chat { app, to } => Link::Chat { app, to: to.map(own) },
            Self::Download { asset } => Link::Download { asset: own(asset) },
            Self::Outbound => Link::Outbound,
            Self::Internal => Link::Internal,
            Self::Nothing => Link::Nothing,
        }
    }
}

/// Classifies an href. `own` are the site's domains (a domain stands for itself and everything below it); a
/// relative href is internal.
///
/// It reads hrefs as browsers do: blanks around them and line breaks and other control characters in them do not count, schemes and hosts have no
/// case, `\` is `/` in web addresses. A chat or a file is one on any host, the site's own too. A link of an unknown
/// scheme leaves the site. A `tel:` or `sms:` without a digit and a `mailto:` without an address address nobody and
/// lead nowhere.
#[must_use]
pub fn classify<'a, S: AsRef<str>>(href: &'a str, own: &[S]) -> Link<'a> {
    let is_own = |host: &str| is_own(host, own);
    match plain(href) {
        Cow::Borrowed(href) => read(href, &is_own),
        Cow::Owned(href) => read(&href, &is_own).into_owned(),
    }
}

/// Classifies an href that has no control characters and no blanks around it.
pub(crate) fn read<'a>(href: &'a str, is_own: &dyn Fn(&str) -> bool) -> Link<'a> {
    if href.is_empty() {
        return Link::Nothing;
    }
    let split = split(href);
    if let Some(scheme) = split.scheme
        && !is_web(scheme)
    {
        return application(scheme, &split);
    }
    let mut host = None;
    if let Some(authority) = split.authority {
        let Some(name) = host_of(authority) else { return Link::Nothing };
        if let Some(chat) = chat::by_host(name, &split) {
            return chat;
        }
        host = Some(name);
    }
    if let Some(asset) = download::file(split.path) {
        return Link::Download { asset };
    }
    if host.is_none_or(is_own) { Link::Internal } else { Link::Outbound }
}

/// Schemes that dial, then those that text, then e-mail, then those that lead nowhere.
const SCHEMES: &str = "tel callto facetime facetime-audio sms smsto mms mmsto mailto javascript vbscript data blob about file cid";

fn application<'a>(scheme: &str, split: &Split<'a>) -> Link<'a> {
    match index(SCHEMES, scheme) {
        Some(0..4) => addressed(split, false).map_or(Link::Nothing, |number| Link::Call { number }),
        Some(4..8) => addressed(split, false).map_or(Link::Nothing, |to| Link::Sms { to }),
        Some(8) => addressed(split, true).map_or(Link::Nothing, |to| Link::Email { to }),
        Some(_) => Link::Nothing,
        // One letter is a drive.
        None if scheme.len() == 1 => Link::Nothing,
        None => chat::by_scheme(scheme, split).unwrap_or(Link::Outbound),
    }
}

/// The first number or address of a link, whichever way it is slashed and parametrised; e-mail also where it stands in
/// `to=`.
fn addressed<'a>(split: &Split<'a>, mail: bool) -> Option<Cow<'a, str>> {
    let mut to = split.authority.filter(|host| !host.is_empty()).unwrap_or(split.path);
    if mail && to.is_empty() {
        to = pairs(split.query?).find(|pair| pair.key().eq_ignore_ascii_case("to"))?.value;
    }
    let mut to = decode(to, false);
    // The separators may come escaped, so this is for after decoding.
    let is_end = |byte: u8| matches!(byte, b',' | b';') || (byte == b'&' && !mail);
    let end = to.bytes().position(is_end).unwrap_or(to.len());
    to = match to {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(..end)?.trim_ascii()),
        Cow::Owned(text) => Cow::Owned(text.get(..end)?.trim_ascii().to_owned()),
    };
    let speaks = to.bytes().any(|byte| if mail { byte == b'@' } else { byte.is_ascii_digit() });
    speaks.then_some(to)
}
