//! The tracker's core: the part of it that judges, in the page, as WebAssembly.
//!
//! The loader (`www/t.js`, with `tracker-wasm/js`) is the eyes and hands: it reads clicks and forms off the page, owns
//! listeners, timers, storage and requests, and guards every way in so that no error reaches the page. The core is the
//! head: what a link means ([`links`]), what of an address or a text may leave ([`redact`](wire::redact)), what the
//! visitor's choice makes of an event ([`consent`]), how long a page was looked at ([`engagement`]).
//!
//! The line runs there because bytes on every page are the budget, and because the loader must be able to deliver
//! without the core (a page may refuse WebAssembly): so delivery exists once, there, and judgement once, in `wire`,
//! which the collector applies again. Only numbers and texts cross the line: an object that crosses costs a table, its
//! glue and, with `web-sys`, a kilobyte. The queue alone, written here, weighed four times what it weighs there.
//!
//! Bytes count before speed: no `format!`, no hash map, no panicking index.

use std::cell::{Cell, RefCell};

use wasm_bindgen::prelude::wasm_bindgen;
use wire::{
    beacon::ConsentDefault,
    redact::{self, Rules},
};

use crate::{consent::Consent, engagement::Engagement};

pub mod consent;
pub mod engagement;
pub mod links;

// The standard allocator weighs three times as much.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static HEAP: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

thread_local! {
    static CONSENT: Cell<Consent> = const { Cell::new(Consent::new(ConsentDefault::Wait, false)) };
    static ENGAGEMENT: Cell<Engagement> = const { Cell::new(Engagement::new()) };
    static ANONYMOUS_UTM: Cell<bool> = const { Cell::new(false) };
    static LISTS: RefCell<[Vec<String>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// The site's rules: what holds until the visitor chooses (0 off, 1 anonymous, 2 full, anything else wait), whether
/// the browser speaks for the visitor (Global Privacy Control or Do Not Track), whether anonymous mode keeps `utm_*`.
#[wasm_bindgen]
pub fn rules(default: i32, signal: bool, anonymous_utm: bool) {
    CONSENT.set(Consent::new(consent::default(default), signal));
    ANONYMOUS_UTM.set(anonymous_utm);
}

/// One more entry of a list of the site's: 0 its own domains, 1 the query keys that it wants kept.
#[wasm_bindgen]
pub fn list(which: usize, entry: String) {
    LISTS.with(|lists| {
        if let Ok(mut lists) = lists.try_borrow_mut()
            && let Some(list) = lists.get_mut(which)
        {
            list.push(entry);
        }
    });
}

/// The visitor's explicit choice: 0 off, 1 anonymous, 2 full.
#[wasm_bindgen]
pub fn choose(word: i32) {
    let mut consent = CONSENT.get();
    consent.say(consent::mode(word));
    CONSENT.set(consent);
}

/// What becomes of an event, which may be a submitted lead: see [`consent::Verdict::code`].
#[wasm_bindgen]
pub fn judge(lead: bool) -> i32 {
    CONSENT.get().judge(lead).code()
}

/// An address with what may leave of it, by the mode in force.
#[wasm_bindgen]
pub fn address(url: &str) -> String {
    with_lists(|[_, keys]| {
        let rules =
            Rules { mode: CONSENT.get().mode(), query_keys: keys, anonymous_utm: ANONYMOUS_UTM.get() };
        redact::url(url, rules)
    })
}

/// A text without what looks like a person's.
#[wasm_bindgen]
pub fn text(text: &str) -> String {
    redact::text(text)
}

/// What a click on a link is: see [`links::describe`].
#[wasm_bindgen]
pub fn link(href: &str) -> String {
    with_lists(|[own, _]| links::describe(href, own))
}

/// Attention so far in this document, in ms, at a time of the page's monotonic clock in ms; and from now on: whether
/// the page can be seen, and whether this is a sign of life.
#[wasm_bindgen]
pub fn attend(now: f64, visible: bool, alive: bool) -> f64 {
    let mut engagement = ENGAGEMENT.get();
    let engaged = engagement.attend(now, visible, alive);
    ENGAGEMENT.set(engagement);
    engaged
}

fn with_lists(work: impl FnOnce(&[Vec<String>; 2]) -> String) -> String {
    LISTS.with(|lists| lists.try_borrow().map_or_else(|_| String::new(), |lists| work(&lists)))
}

