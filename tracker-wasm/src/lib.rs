//! The tracker's core: the part of it that decides, in the page, as WebAssembly.
//!
//! The loader (`www/t.js`, with `tracker-wasm/js`) is the eyes and hands: it reads clicks and forms off the page, owns
//! listeners, timers, storage and requests, and guards every way in so that no error reaches the page. The core is the
//! head: by `wire` it decides what an event means and what of it may leave ([`seen`]), by the visitor's choice what
//! becomes of it ([`consent`]), and it measures attention ([`engagement`]).
//!
//! The line runs there because bytes on every page are the budget, and because the loader must be able to deliver
//! without the core (a page may refuse WebAssembly): so delivery exists once, there, and judgement once, in `wire`,
//! which the collector applies again. The same queue written in Rust weighed four times as much.
//!
//! Bytes count before speed: no `format!`, no hash map, no panicking index.

use std::cell::Cell;

use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Document;
use wire::{beacon::Mode, redact::Rules};

use crate::{
    config::Config,
    consent::{Consent, Verdict},
    engagement::Engagement,
    seen::Seen,
};

pub mod config;
pub mod consent;
pub mod engagement;
pub mod seen;

/// The tracker of one document. It lives as long as the document does.
struct Core {
    config: Config,
    consent: Cell<Consent>,
    engagement: Cell<Engagement>,
}

thread_local! {
    static CORE: Cell<Option<&'static Core>> = const { Cell::new(None) };
}

/// The loader has the site's config; `signal` says that the browser speaks for the visitor (Global Privacy Control or
/// Do Not Track), `now` is a time of the page's monotonic clock in ms.
#[wasm_bindgen]
pub fn start(config: &config::Raw, signal: bool, now: f64, document: &Document) {
    let config = Config::read(config);
    let core = Core {
        consent: Cell::new(Consent::new(config.consent, signal)),
        engagement: Cell::new(Engagement::new(now, !document.hidden())),
        config,
    };
    CORE.set(Some(Box::leak(Box::new(core))));
}

/// The visitor's explicit choice: 0 off, 1 anonymous, 2 full.
#[wasm_bindgen]
pub fn choose(word: u32) {
    with(|core| {
        let mut consent = core.consent.get();
        consent.say(match word {
            2 => Mode::Full,
            1 => Mode::Anonymous,
            _ => Mode::Off,
        });
        core.consent.set(consent);
    });
}

/// What becomes of an event: see [`Verdict::code`]. Where it may leave, it is made ready for that.
#[wasm_bindgen]
pub fn judge(event: &Seen) -> u32 {
    with(|core| {
        let consent = core.consent.get();
        let verdict = consent.judge(event.lead());
        let Verdict::Keep(mode) = verdict else { return verdict.code() };
        let config = &core.config;
        let rules = Rules { mode, query_keys: &config.keys, anonymous_utm: config.anonymous_utm };
        match seen::settle(event, rules, &config.domains) {
            None => Verdict::Drop.code(),
            Some(kind) => verdict.code() + if seen::is_urgent(kind) { consent::URGENT } else { 0 },
        }
    })
}

/// Cuts out of a property of a custom event what looks like a person's.
#[wasm_bindgen]
pub fn scrub(props: &Seen, name: &str) {
    seen::scrub(props, name);
}

/// A sign of life.
#[wasm_bindgen]
pub fn active(now: f64) {
    attend(|engagement| engagement.active(now));
}

/// The page was shown or hidden.
#[wasm_bindgen]
pub fn shown(now: f64, document: &Document) {
    attend(|engagement| engagement.shown(now, !document.hidden()));
}

/// Engaged time of this page view so far, in ms; with `again`, another page view begins.
#[wasm_bindgen]
pub fn engaged(now: f64, again: bool) -> u32 {
    let mut ms = 0;
    attend(|engagement| {
        ms = engagement.engaged_ms(now);
        if again {
            engagement.restart();
        }
    });
    ms
}

fn attend(work: impl FnOnce(&mut Engagement)) {
    with(|core| {
        let mut engagement = core.engagement.get();
        work(&mut engagement);
        core.engagement.set(engagement);
    });
}

fn with<T: Default>(work: impl FnOnce(&Core) -> T) -> T {
    CORE.get().map(work).unwrap_or_default()
}
