//! The chat applications: their schemes, their web addresses, and where each writes whom it addresses.

use std::borrow::Cow;

use super::{App, Link};
use crate::{
    arrival::{bare, pairs},
    scan::{before, decode, index, pieces},
    split::Split,
};

/// Schemes that open a chat application, in the order of [`App::ALL`]; those after them open others.
const SCHEMES: &str = "whatsapp fb-messenger tg viber sgnl line skype weixin xmpp";

/// Hosts whose links open a chat, with the first part of their path where only that does; `|` between applications, in
/// the order of [`App::ALL`]. Viber has none.
const HOSTS: &str = "wa.me api.whatsapp.com web.whatsapp.com chat.whatsapp.com whatsapp.com/send \
    | m.me messenger.com/t facebook.com/messages | t.me telegram.me web.telegram.org | | signal.me signal.group \
    | line.me/R line.me/ti page.line.me lin.ee | zalo.me";

/// Query keys that say whom a chat addresses.
const TO_KEYS: &str = "phone number domain to chaturi";

/// Words of a path that say what follows, not whom it addresses.
const VERBS: &str = "send message qr c p t s u messages joinchat R ti oaMessage chat pa resolve user-thread add msg signal.me";

/// Words of a path that share the page, with whomever the visitor picks.
const SHARES: &str = "share text forward msg_url";

fn app(place: usize) -> App {
    App::ALL.get(place).copied().unwrap_or(App::Other)
}

/// The chat that a link with an application's own scheme opens.
pub(super) fn by_scheme<'a>(scheme: &str, split: &Split<'a>) -> Option<Link<'a>> {
    let app = app(index(SCHEMES, scheme)?);
    // What looks like a host is mostly the verb: viber://chat, tg://resolve.
    Some(Link::Chat { app, to: to(split, split.authority.unwrap_or("")) })
}

/// The chat that a web link opens.
pub(super) fn by_host<'a>(host: &str, split: &Split<'a>) -> Option<Link<'a>> {
    let host = bare(host);
    let start = pieces(split.path, b'/').nth(1).unwrap_or("");
    let mut place = 0;
    for known in pieces(HOSTS, b' ') {
        if known == "|" {
            place += 1;
        }
        let name = before(known, b'/');
        if name.eq_ignore_ascii_case(host) && (name == known || known.get(name.len() + 1..) == Some(start)) {
            return Some(Link::Chat { app: app(place), to: to(split, "") });
        }
    }
    None
}

fn to<'a>(split: &Split<'a>, verb: &'a str) -> Option<Cow<'a, str>> {
    for pair in pairs(split.query.unwrap_or("")) {
        if index(TO_KEYS, &pair.key()).is_some() && !pair.value.is_empty() {
            // `+34…` is a number here, not a space.
            return named(pair.value);
        }
    }
    // signal.me/#p/+34…: only a number names someone, the rest is a key.
    if let Some(number) = split.fragment.and_then(|fragment| fragment.strip_prefix("p/")) {
        return named(number);
    }
    let mut segment = verb;
    let mut rest = pieces(split.path, b'/');
    while segment.is_empty() || index(VERBS, segment).is_some() {
        segment = rest.next()?;
    }
    if index(SHARES, segment).is_some() { None } else { named(segment) }
}

fn named(text: &str) -> Option<Cow<'_, str>> {
    let text = decode(text, false);
    (!text.trim_ascii().is_empty()).then_some(text)
}
