//! The tracker's core: the part of it that judges, in the page, as WebAssembly.
//!
//! The loader (`www/t.js`, with `tracker-wasm/js`) is the eyes and hands: it reads clicks and forms off the page, owns
//! listeners, timers, storage and requests, and guards every way in so that no error reaches the page. The core is the
//! head: what a link means ([`links`]), what of an address or a text may leave ([`wire::redact`]), what the
//! visitor's choice makes of an event ([`consent`]), how long a page was looked at ([`engagement`]).
//!
//! The line runs there because bytes on every page are the budget, and because the loader must be able to deliver
//! without the core (a page may refuse WebAssembly): so delivery exists once, there, and judgement once, in `wire`,
//! which the collector applies again. Only numbers and texts cross the line: an object that crosses costs a table, its
//! glue and, with `web-sys`, a kilobyte. The queue alone, written here, weighed four times what it weighs there.
//!
//! Bytes count before speed: no `format!`, no hash map, no panicking index.

use std::cell::RefCell;

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
    static SITE: RefCell<Site> = const { RefCell::new(Site::new()) };
    static ENGAGEMENT: RefCell<Engagement> = const { RefCell::new(Engagement::new()) };
}

/// What the site decided, and what the visitor did.
struct Site {
    consent: Consent,
    anonymous_utm: bool,
    /// The site's own domains.
    own: Vec<String>,
    /// The query keys that it wants kept.
    keys: Vec<String>,
}

impl Site {
    const fn new() -> Self {
        let consent = Consent::new(ConsentDefault::Wait, false);
        Self { consent, anonymous_utm: false, own: Vec::new(), keys: Vec::new() }
    }
}

/// The site's rules: what holds until the visitor chooses (0 off, 1 anonymous, 2 full, anything else wait), whether
/// the browser speaks for the visitor (Global Privacy Control or Do Not Track), whether anonymous mode keeps `utm_*`.
#[wasm_bindgen]
pub fn rules(default: i32, signal: bool, anonymous_utm: bool) {
    SITE.with_borrow_mut(|site| {
        site.consent = Consent::new(consent::default(default), signal);
        site.anonymous_utm = anonymous_utm;
    });
}

/// One more of the site's own domains, or of the query keys that it wants kept.
#[wasm_bindgen]
pub fn list(key: bool, entry: String) {
    SITE.with_borrow_mut(|site| if key { &mut site.keys } else { &mut site.own }.push(entry));
}

/// The visitor's explicit choice: 0 off, 1 anonymous, 2 full.
#[wasm_bindgen]
pub fn choose(word: i32) {
    SITE.with_borrow_mut(|site| site.consent.say(consent::mode(word)));
}

/// What becomes of an event, which may be a submitted lead: see [`consent::Verdict::code`].
#[wasm_bindgen]
pub fn judge(lead: bool) -> i32 {
    SITE.with_borrow(|site| site.consent.judge(lead).code())
}

/// An address with what may leave of it, by the mode in force.
#[wasm_bindgen]
pub fn address(url: &str) -> String {
    SITE.with_borrow(|site| {
        let mode = site.consent.mode();
        redact::url(url, Rules { mode, query_keys: &site.keys, anonymous_utm: site.anonymous_utm })
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
    SITE.with_borrow(|site| links::describe(href, &site.own))
}

/// Attention so far in this document, in ms, at a time of the page's monotonic clock in ms; and from now on: whether
/// the page can be seen, and whether this is a sign of life.
#[wasm_bindgen]
pub fn attend(now: f64, visible: bool, alive: bool) -> f64 {
    ENGAGEMENT.with_borrow_mut(|engagement| engagement.attend(now, visible, alive))
}
