//! What an event means, and what of it may leave the page: by `wire`'s rules, which the collector applies again.

use wasm_bindgen::prelude::wasm_bindgen;
use wire::{
    beacon::Mode,
    event::Kind,
    links::{Link, classify},
    redact::{self, Rules},
};

#[wasm_bindgen]
extern "C" {
    /// An event as a JavaScript object: the shape of `wire::event::Event`, before and after the work on it.
    #[derive(Clone, Debug)]
    pub type Seen;

    /// A text of it; `None` where it has none of that name.
    #[wasm_bindgen(method, indexing_getter)]
    pub fn get(this: &Seen, name: &str) -> Option<String>;
    /// Sets a text; `None` takes it away.
    #[wasm_bindgen(method, indexing_setter)]
    pub fn set(this: &Seen, name: &str, text: Option<&str>);
    /// Whether it carries a declared lead, which travels as it is.
    #[wasm_bindgen(method, getter)]
    pub fn lead(this: &Seen) -> bool;
}

/// Makes an event ready to travel: a raw click gets the kind that its link gives it, addresses lose what is not
/// allowed, texts lose what looks like a person's. Answers its kind; `None` where it may not travel at all.
pub fn settle(event: &Seen, rules: Rules<'_>, own: &[String]) -> Option<Kind> {
    let mut kind = Kind::parse(&event.get("kind")?)?;
    if kind == Kind::Click {
        kind = classified(event, own);
        event.set("kind", Some(kind.as_str()));
    }
    // Who says their name is not anonymous.
    if kind == Kind::Identify && rules.mode != Mode::Full {
        return None;
    }
    for name in ["url", "referrer", "href"] {
        if let Some(url) = event.get(name) {
            event.set(name, Some(&redact::url(&url, rules)));
        }
    }
    scrub(event, "title");
    scrub(event, "text");
    Some(kind)
}

/// Cuts out of one text what looks like a person's.
pub fn scrub(event: &Seen, name: &str) {
    if let Some(text) = event.get(name) {
        event.set(name, Some(&redact::text(&text)));
    }
}

/// Whether it should leave at once: what it does takes the visitor away.
#[must_use]
pub fn is_urgent(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::CallClick | Kind::ChatClick | Kind::EmailClick | Kind::SmsClick | Kind::OutboundClick | Kind::Download
    )
}

/// The kind of a raw click, with its fields set and those of other kinds taken away.
fn classified(event: &Seen, own: &[String]) -> Kind {
    let href = event.get("href").unwrap_or_default();
    let (kind, name, value) = match classify(&href, own) {
        Link::Call { number } => (Kind::CallClick, "number", Some(number)),
        Link::Sms { to } => (Kind::SmsClick, "to", Some(to)),
        Link::Email { to } => (Kind::EmailClick, "to", Some(to)),
        Link::Chat { app, to } => {
            event.set("app", Some(app.as_str()));
            (Kind::ChatClick, "to", to)
        }
        Link::Download { asset } => (Kind::Download, "asset", Some(asset)),
        Link::Outbound => (Kind::OutboundClick, "asset", None),
        _ if event.get("cta").is_some() => (Kind::CtaClick, "asset", None),
        _ => return Kind::Click,
    };
    event.set("target", None);
    event.set("text", None);
    if !matches!(kind, Kind::Download | Kind::OutboundClick | Kind::CtaClick) {
        event.set("href", None);
    }
    event.set(name, value.as_deref());
    kind
}
