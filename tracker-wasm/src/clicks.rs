//! Clicks on whatever can be clicked: links, buttons, calls to action.
//!
//! What is read here is raw: element, text, address. What the click *means* is decided by `wire` alone, for the
//! core, the loader and the collector alike.

use wasm_bindgen::JsCast;
use web_sys::{Element, MouseEvent, ShadowRoot};
use wire::event::{Event, Kind};

use crate::text;

/// What counts as clickable beside links and whatever names a call to action.
const BUTTONS: &str = "button,summary,[role=button],input[type=submit],input[type=button],input[type=image]";

/// Reads a `click` or `auxclick`. `None` where it hit nothing clickable, or was no click that follows a link (the
/// right button).
#[must_use]
pub fn read(event: &web_sys::Event) -> Option<Event> {
    if event.unchecked_ref::<MouseEvent>().button() > 1 {
        return None;
    }
    // The first of the path, not `target`: that one stops at the first shadow root.
    describe(&event.composed_path().get(0).dyn_into().ok()?)
}

/// The raw click on an element: on the link around it, else on the button or the call to action.
#[must_use]
pub fn describe(hit: &Element) -> Option<Event> {
    let link = closest(hit, "a,area");
    let cta = closest(hit, "[data-traza-cta]");
    let element = link.clone().or_else(|| closest(hit, BUTTONS)).or_else(|| cta.clone())?;
    Some(Event {
        kind: Kind::Click.as_str().to_owned(),
        target: Some(selector(&element)),
        text: label(&element),
        // The attribute, not the resolved address: a relative link is internal wherever the page stands.
        href: link.and_then(|link| link.get_attribute("href").or_else(|| link.get_attribute("xlink:href"))),
        cta: cta.and_then(|cta| cta.get_attribute("data-traza-cta")).filter(|name| !name.is_empty()),
        ..Event::default()
    })
}

/// `Element.closest` that goes on outside of shadow roots.
fn closest(from: &Element, selector: &str) -> Option<Element> {
    let mut from = from.clone();
    loop {
        if let Some(found) = from.closest(selector).ok()? {
            return Some(found);
        }
        // Only a shadow root has a host; a document answers undefined.
        let host = from.get_root_node().unchecked_into::<ShadowRoot>().host();
        if host.is_falsy() {
            return None;
        }
        from = host;
    }
}

/// `a#call`, `button.primary`, or `#hero a` where the element has nothing of its own.
fn selector(element: &Element) -> String {
    let mut own = element.local_name();
    let id = element.id();
    if stable(&id) {
        own.push('#');
        own.push_str(&id);
        return own;
    }
    if let Some(class) = element.class_list().get(0) {
        own.push('.');
        own.push_str(&class);
    }
    match element.closest("[id]").ok().flatten().map(|around| around.id()) {
        Some(id) if stable(&id) => {
            let mut path = String::from("#");
            path.push_str(&id);
            path.push(' ');
            path.push_str(&own);
            path
        }
        _ => own,
    }
}

/// Ids that a framework numbers change with every build.
fn stable(id: &str) -> bool {
    !id.is_empty() && id.len() < 64 && !id.bytes().any(|byte| byte.is_ascii_digit() || byte == b':')
}

/// What the visitor read on it.
fn label(element: &Element) -> Option<String> {
    let shown = element.get_attribute("aria-label").or_else(|| element.text_content()).unwrap_or_default();
    let mut shown = text::squeeze(&shown);
    if shown.is_empty() {
        // A submit button's caption is its value attribute, which the author wrote.
        shown = text::squeeze(&element.get_attribute("value").or_else(|| element.get_attribute("title"))?);
    }
    (!shown.is_empty()).then_some(shown)
}
