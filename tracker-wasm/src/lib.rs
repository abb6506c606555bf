//! The tracker's core: what of a text or a part of an address may leave the page, as WebAssembly.
//!
//! The loader (`www/t.js`, with `tracker-wasm/js`) is the eyes and hands: it reads clicks and forms off the page, owns
//! listeners, timers, storage and requests, knows the visitor's choice, and guards every way in so that no error reaches
//! the page. The core is what must be decided before anything travels, and alike at both ends: what in a text is a person's,
//! by [`wire::redact`]. Which keys of a query leave, the loader says, since it has to where no core comes.
//!
//! The line runs there because bytes on every page are the budget, and because the loader must be able to deliver
//! without the core (a page may refuse WebAssembly). What can be decided after the journey is decided there: a click
//! leaves raw, and the collector says by [`wire::links`] what its link was. Only texts cross the line: an object that
//! crosses costs a table, its glue and, with `web-sys`, a kilobyte.
//!
//! Bytes count before speed: no `format!`, no hash map, no panicking index.

use wasm_bindgen::prelude::wasm_bindgen;
use wire::redact;

// The standard allocator weighs three times as much.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static HEAP: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// A text, or a part of an address, without what looks like a person's.
#[wasm_bindgen]
pub fn cut(text: &str, written: bool) -> String {
    if written { redact::text(text) } else { redact::part(text) }
}
