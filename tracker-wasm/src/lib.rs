//! The tracker's core: what of an address or a text may leave the page, as WebAssembly.
//!
//! The loader (`www/t.js`, with `tracker-wasm/js`) is the eyes and hands: it reads clicks and forms off the page, owns
//! listeners, timers, storage and requests, knows the visitor's choice, and guards every way in so that no error reaches
//! the page. The core is what must be decided before anything travels, and alike at both ends: [`wire::redact`].
//!
//! The line runs there because bytes on every page are the budget, and because the loader must be able to deliver
//! without the core (a page may refuse WebAssembly). What can be decided after the journey is decided there: a click
//! leaves raw, and the collector says by [`wire::links`] what its link was. Only texts cross the line: an object that
//! crosses costs a table, its glue and, with `web-sys`, a kilobyte.
//!
//! Bytes count before speed: no `format!`, no hash map, no panicking index.

use std::cell::RefCell;

use wasm_bindgen::prelude::wasm_bindgen;
use wire::{
    beacon::Mode,
    redact::{self, Rules},
};

// The standard allocator weighs three times as much.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static HEAP: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

thread_local! {
    static KEYS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// One more of the query keys that the site wants kept.
#[wasm_bindgen]
pub fn keep(key: String) {
    KEYS.with_borrow_mut(|keys| keys.push(key));
}

/// An address with what may leave of it: in full mode, or in anonymous mode, which may keep `utm_*`.
#[wasm_bindgen]
pub fn address(url: &str, full: bool, anonymous_utm: bool) -> String {
    let mode = if full { Mode::Full } else { Mode::Anonymous };
    KEYS.with_borrow(|keys| redact::url(url, Rules { mode, query_keys: keys, anonymous_utm }))
}

/// A text without what looks like a person's.
#[wasm_bindgen]
pub fn text(text: &str) -> String {
    redact::text(text)
}
