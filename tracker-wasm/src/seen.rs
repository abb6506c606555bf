//! What an event means, and what of it may leave the page: by `wire`'s rules, which the collector applies again.

use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wire::{
    event::Kind,
    links::{Link, classify},
    redact::{self, Rules},
};

use crate::host::Seen;

/// Makes an event ready to travel: a raw click gets the kind that its link gives it, addresses lose what is not
/// allowed, texts lose what looks like a person's. Answers its kind; `None` for a kind that does not exist.
pub fn settle(event: &Seen, rules: Rules<'_>, own: &[String]) -> Option<Kind> {
    let mut kind = Kind::parse(&event.kind())?;
    if kind == Kind::Click {
        kind = classified(event, own);
        event.set_kind(kind.as_str());
    }
    for name in ["url", "referrer", "href"] {
        if let Some(url) = event.get(name) {
            event.set(name, Some(&redact::url(&url, rules)));
        }
    }
    for name in ["title", "text"] {
        if let Some(text) = event.get(name) {
            event.set(name, Some(&redact::text(&text)));
        }
    }
    if let Ok(props) = event.props().dyn_into::<Object>() {
        for name in Object::keys(&props).iter() {
            if let Some(text) = Reflect::get(&props, &name).ok().and_then(|value| value.as_string()) {
                let _ = Reflect::set(&props, &name, &JsValue::from_str(&redact::text(&text)));
            }
        }
    }
    Some(kind)
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
