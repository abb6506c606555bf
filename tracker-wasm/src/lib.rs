//! The tracker's core: it runs in the page, as WebAssembly.
//!
//! The loader (`www/t.js`) catches from its first line, instantiates this module and hands over one object, the
//! [`host::Host`]. It stays the eyes and hands: it reads clicks and forms, owns listeners, timers and requests, and
//! guards every way in. The core is the head: it decides by `wire` what an event means and what of it may leave
//! ([`seen`]), by the visitor's [`consent`] what becomes of it, measures [`engagement`], and delivers ([`queue`],
//! [`transport`]). [`core`] joins them. The line runs there because a module costs bytes on every page: DOM work
//! weighs three times as much here as in JavaScript, and the loader must be able to do it without the core anyway.
//!
//! Bytes count before speed: no `format!`, no hash map, no panicking index.

use std::cell::RefCell;

use wasm_bindgen::{JsCast, prelude::wasm_bindgen};
use web_sys::PageTransitionEvent;

use crate::{
    core::Core,
    host::{Host, Seen},
};

pub mod code;
pub mod config;
pub mod consent;
pub mod core;
pub mod engagement;
pub mod host;
pub mod queue;
pub mod seen;
pub mod transport;

thread_local! {
    static CORE: RefCell<Option<Core>> = const { RefCell::new(None) };
}

/// Takes over from the loader.
#[wasm_bindgen]
pub fn start(host: Host) {
    CORE.set(Some(Core::start(host)));
}

/// An event of the page, or a timer: `code` is one of [`code`].
#[wasm_bindgen]
pub fn on(code: u32, event: Option<web_sys::Event>) {
    let persisted =
        code == code::SHOW && event.is_some_and(|event| event.unchecked_ref::<PageTransitionEvent>().persisted());
    with(|core| core.on(code, persisted));
}

/// What the loader saw, numbered and dated; or a call of `traza()`.
#[wasm_bindgen]
pub fn take(event: Seen) {
    with(|core| core.take(event));
}

/// The answer to a beacon.
#[wasm_bindgen]
pub fn answered(ticket: u32, status: u32, retry_after: u32, visitor: Option<String>) {
    with(|core| core.answered(ticket, status, retry_after, visitor.as_deref()));
}

fn with(work: impl FnOnce(&mut Core)) {
    CORE.with(|core| match core.try_borrow_mut() {
        Ok(mut core) => {
            if let Some(core) = core.as_mut() {
                work(core);
            }
        }
        // An earlier call was torn out of the middle of its work: a strike, which the loader counts.
        Err(_) => wasm_bindgen::throw_str("locked"),
    });
}
