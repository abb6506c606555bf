//! Makes an event storable, or says why it is not. Both ends run it: the tracker before it sends, the collector
//! before it stores, so running it twice changes nothing.

use std::borrow::Cow;

use crate::{
    arrival::is_own,
    beacon::Mode,
    event::{Event, Kind},
    limits,
    links::{App, Link, read},
    redact::{self, Rules},
    scan::plain,
};

mod declared;
mod fields;
mod shape;

use fields::{bounded, check_id, clean, cut, missing, name, reject, unknown_kind};
use shape::{
    AMOUNT, CHAT_REF, COUNT, ENGAGED, FILLED, Fields, INFERRED, ITEMS, LEAD, PROPS, PURPOSES, SCROLL, Treat,
    shape, texts,
};

/// Why an event is rejected. The code labels metrics; the detail names the field and what is wrong with it, and
/// never repeats a value that a person might have typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// One of a fixed few.
    pub reason: Reason,
    /// `at: missing`, `kind: "page_wiew" is not one of …`.
    pub detail: String,
}

/// The fixed few reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Not an object, or a field of the wrong type.
    Shape,
    /// An id that is missing or not an id.
    Id,
    /// A kind that does not exist.
    Kind,
    /// A time that is missing or decades off.
    Time,
    /// A field that the kind needs and that is missing, or one over its limit.
    Field,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 5] = [Self::Shape, Self::Id, Self::Kind, Self::Time, Self::Field];

    /// The name in metrics and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Id => "id",
            Self::Kind => "kind",
            Self::Time => "time",
            Self::Field => "field",
        }
    }
}

/// Checks ids, kind, required fields and limits; cuts what is cut, strips control characters from texts, redacts
/// URLs, titles, click text, hrefs and custom texts, and turns a raw `click` with an `href` into the kind that
/// [`crate::links::classify`] gives it. Fields that the kind does not have are dropped. `own` are the site's
/// domains. Times are the collector's business.
///
/// Blanks around texts go and runs of blanks (line breaks are blanks) become one; an empty text counts as absent.
/// What a page declares of a lead, a purchase and a person is cleaned and cut, never redacted: the collector moves it
/// to the vault. A `click` whose link leads to a page is a download all the same where it brings an `asset`, an empty one
/// too: the link says so by its attribute. A `click` that is a call to action keeps `cta` as whatever kind it becomes; on
/// an internal link or none it becomes `cta_click`. Outside full mode `chat_ref` goes. A second run changes nothing.
///
/// # Errors
/// The first thing that is wrong. The event then still has its id, time and page; its other fields are spent.
pub fn normalise<S: AsRef<str>>(event: &mut Event, rules: Rules<'_>, own: &[S]) -> Result<Kind, Reject> {
    check_id("id", &event.id)?;
    check_id("page", &event.page)?;
    let Some(mut kind) = Kind::parse(&event.kind) else { return Err(unknown_kind(&event.kind)) };
    event.cta = name("cta", event.cta.take())?;
    if kind == Kind::Click {
        event.href = event.href.as_deref().and_then(prepared);
        kind = classified(event, &|host| is_own(host, own));
        kind.as_str().clone_into(&mut event.kind);
    }
    fill(event, kind, rules)?;
    check(event, kind)?;
    Ok(kind)
}

/// An href ready to be classified: no control characters, and no longer than it will be kept, so that a second run
/// sees the same link.
fn prepared(href: &str) -> Option<String> {
    let mut href = plain(href).into_owned();
    cut(&mut href, limits::URL);
    (!href.is_empty()).then_some(href)
}

/// The kind that a raw click's link gives it, with the fields of that kind set.
fn classified(event: &mut Event, is_own: &dyn Fn(&str) -> bool) -> Kind {
    let (mut number, mut app, mut to, mut asset) = (None, None, None, None);
    let kind = match event.href.as_deref().map_or(Link::Nothing, |href| read(href, is_own)) {
        Link::Call { number: dialled } => {
            number = Some(dialled.into_owned());
            Kind::CallClick
        }
        Link::Sms { to: whom } => {
            to = Some(whom.into_owned());
            Kind::SmsClick
        }
        Link::Email { to: whom } => {
            to = Some(whom.into_owned());
            Kind::EmailClick
        }
        Link::Chat { app: opened, to: whom } => {
            app = Some(opened.as_str().to_owned());
            to = whom.map(Cow::into_owned);
            Kind::ChatClick
        }
        Link::Download { asset: file } => {
            asset = Some(file.into_owned());
            Kind::Download
        }
        Link::Internal | Link::Nothing | Link::Outbound if event.asset.is_some() && event.href.is_some() => {
            asset = event.asset.take().filter(|name| !name.trim().is_empty());
            Kind::Download
        }
        Link::Outbound => Kind::OutboundClick,
        Link::Internal | Link::Nothing if event.cta.is_some() => Kind::CtaClick,
        Link::Internal | Link::Nothing => Kind::Click,
    };
    event.number = number;
    event.app = app;
    event.to = to;
    event.asset = asset;
    kind
}

/// Treats the fields that the kind has, misses those that it needs, and drops the others.
fn fill(event: &mut Event, kind: Kind, rules: Rules<'_>) -> Result<(), Reject> {
    let (needs, may) = shape(kind);
    let mut has = needs | may;
    if rules.mode != Mode::Full {
        has &= !CHAT_REF;
    }
    for (bit, field, treat, slot) in texts(event) {
        let Some(text) = slot.take().filter(|_| has & bit != 0) else {
            if needs & bit != 0 {
                return Err(missing(field));
            }
            continue;
        };
        *slot = match treat {
            Treat::Url => bounded(&text, limits::URL, &|text| redact::url(text, rules)),
            Treat::Title => bounded(&clean(text), limits::TITLE, &redact::text),
            Treat::Text => bounded(&clean(text), limits::TEXT, &redact::text),
            Treat::File => bounded(&clean(text), limits::NAME, &redact::part),
            Treat::Name => name(field, Some(text))?,
            Treat::Id => {
                check_id(field, &text)?;
                Some(text)
            }
        };
        if slot.is_none() && needs & bit != 0 {
            return Err(missing(field));
        }
    }
    keep(&mut event.engaged_ms, "engaged_ms", needs & ENGAGED, has & ENGAGED)?;
    keep(&mut event.scroll_pct, "scroll_pct", needs & SCROLL, has & SCROLL)?;
    keep(&mut event.fields_filled, "fields_filled", 0, has & FILLED)?;
    keep(&mut event.inferred, "inferred", 0, has & INFERRED)?;
    keep(&mut event.amount, "amount", needs & AMOUNT, has & AMOUNT)?;
    keep(&mut event.count, "count", needs & COUNT, has & COUNT)?;
    keep(&mut event.lead, "lead", 0, has & LEAD)?;
    keep(&mut event.items, "items", 0, has & ITEMS)?;
    keep(&mut event.props, "props", 0, has & PROPS)?;
    keep(&mut event.purposes, "purposes", 0, has & PURPOSES)
}

/// Drops a field that the kind does not have, misses one that it needs.
fn keep<T>(slot: &mut Option<T>, field: &str, needed: Fields, had: Fields) -> Result<(), Reject> {
    if had == 0 {
        *slot = None;
    }
    if needed != 0 && slot.is_none() { Err(missing(field)) } else { Ok(()) }
}

/// What only one kind asks of its fields.
fn check(event: &mut Event, kind: Kind) -> Result<(), Reject> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    match kind {
        Kind::PageLeave if event.scroll_pct > Some(100) => return Err(reject("scroll_pct", "over 100")),
        Kind::Click if event.target.is_none() && event.href.is_none() => return Err(missing("target")),
        Kind::CallClick if !text(&event.number).bytes().any(|byte| byte.is_ascii_digit()) => {
            return Err(reject("number", "without a digit"));
        }
        Kind::ChatClick if !App::ALL.iter().any(|app| event.app.as_deref() == Some(app.as_str())) => {
            return Err(reject(
                "app",
                "not one of whatsapp, messenger, telegram, viber, signal, line, other",
            ));
        }
        Kind::Identify if event.email.is_none() && event.phone.is_none() && event.user_id.is_none() => {
            return Err(missing("email, phone or user_id"));
        }
        Kind::Consent if !matches!(event.mode.as_deref(), Some("off" | "anonymous" | "full")) => {
            return Err(reject("mode", "not one of off, anonymous, full"));
        }
        _ => {}
    }
    if let Some(currency) = &mut event.currency {
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(reject("currency", "not three letters"));
        }
        currency.make_ascii_uppercase();
    }
    if let Some(lead) = &mut event.lead {
        declared::lead(lead)?;
    }
    if let Some(items) = &mut event.items {
        declared::items(items);
    }
    if let Some(props) = &mut event.props {
        declared::props(props)?;
    }
    if let Some(purposes) = &mut event.purposes {
        declared::purposes(purposes);
        if purposes.is_empty() {
            event.purposes = None;
        }
    }
    Ok(())
}
