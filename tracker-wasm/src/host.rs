//! The loader's hands: what the core cannot do without JavaScript, or what costs fewer bytes there.
//!
//! The loader hands one object over, [`Host`]. It owns the listeners, timers and requests, reads the page, wraps
//! every way in with a guard so that no error reaches the page, and counts strikes. The core decides; the host does.

use js_sys::Array;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The object that the loader passes to `start`.
    #[derive(Clone, Debug)]
    pub type Host;

    /// The site's public config, as the collector printed it into the loader.
    #[wasm_bindgen(method, getter)]
    pub fn config(this: &Host) -> JsValue;
    /// Whether the loader has already sent the page view (the core came after a page end).
    #[wasm_bindgen(method, getter)]
    pub fn viewed(this: &Host) -> bool;
    /// The visitor's explicit choice, remembered or made on this page; empty where there is none.
    #[wasm_bindgen(method, getter)]
    pub fn word(this: &Host) -> String;
    /// Global Privacy Control or Do Not Track.
    #[wasm_bindgen(method, getter)]
    pub fn signal(this: &Host) -> bool;
    /// The mode in force, or `wait`: the guard needs it when it reports that the core broke.
    #[wasm_bindgen(method, setter)]
    pub fn set_mode(this: &Host, mode: &str);
    /// Why it is in force.
    #[wasm_bindgen(method, setter)]
    pub fn set_choice(this: &Host, choice: &str);
    /// What the loader caught before the core came, oldest first.
    #[wasm_bindgen(method, getter)]
    pub fn raw(this: &Host) -> Array;

    /// Another page view begins now, with a new id.
    #[wasm_bindgen(method)]
    pub fn turn(this: &Host);
    /// The `page_view` of this page view: always its number 0, whoever sends it.
    #[wasm_bindgen(method)]
    pub fn view(this: &Host) -> Seen;
    /// A new event of a kind, numbered and dated. Loader and core count in the same place.
    #[wasm_bindgen(method)]
    pub fn event(this: &Host, kind: &str) -> Seen;

    /// The visitor id: the one kept, else a new one, which is kept if the browser lets us.
    #[wasm_bindgen(method)]
    pub fn visitor(this: &Host) -> String;
    /// Takes another visitor id; `None` forgets it, here and on the device.
    #[wasm_bindgen(method)]
    pub fn adopt(this: &Host, visitor: Option<&str>);
    /// A remembered value; `None` also where storage is blocked.
    #[wasm_bindgen(method)]
    pub fn recall(this: &Host, key: &str) -> Option<String>;
    /// Remembers a value, `None` forgets it. Blocked storage is no error.
    #[wasm_bindgen(method)]
    pub fn keep(this: &Host, key: &str, value: Option<&str>);

    /// Calls `on(code, event)` for each event of a kind, at most once in `gap` ms; on `document`, or on `window`.
    #[wasm_bindgen(method)]
    pub fn listen(this: &Host, document: bool, kind: &str, code: u32, gap: u32);
    /// Calls `on(code)` after so many ms.
    #[wasm_bindgen(method)]
    pub fn after(this: &Host, ms: u32, code: u32);
    /// Posts a beacon. At a page end with cookies it is a `sendBeacon`, and true says that the browser took it and
    /// that no answer will come. Else `answered(ticket, …)` is called once.
    #[wasm_bindgen(method)]
    pub fn post(this: &Host, body: &str, cookies: bool, end: bool, ticket: u32) -> bool;

    /// ms since the page was opened, unmoved by the system clock.
    #[wasm_bindgen(method)]
    pub fn clock(this: &Host) -> f64;
    /// Whether the page can be seen.
    #[wasm_bindgen(method)]
    pub fn visible(this: &Host) -> bool;
    /// How much of the page, 0..=100, lies above the lower edge of the window.
    #[wasm_bindgen(method)]
    pub fn depth(this: &Host) -> f64;
    /// The browser's language.
    #[wasm_bindgen(method)]
    pub fn lang(this: &Host) -> Option<String>;
    /// `390x844`, or its class.
    #[wasm_bindgen(method)]
    pub fn screen(this: &Host, class: bool) -> Option<String>;
    /// The IANA time zone.
    #[wasm_bindgen(method)]
    pub fn tz(this: &Host) -> Option<String>;
}

#[wasm_bindgen]
extern "C" {
    /// An event as a JavaScript object: the shape of `wire::event::Event`, before and after the core's work on it.
    #[derive(Clone, Debug)]
    pub type Seen;

    /// One of the contract's kinds.
    #[wasm_bindgen(method, getter)]
    pub fn kind(this: &Seen) -> String;
    /// What a click turned out to be.
    #[wasm_bindgen(method, setter)]
    pub fn set_kind(this: &Seen, kind: &str);
    /// A text of it; `None` where it has none of that name.
    #[wasm_bindgen(method, indexing_getter)]
    pub fn get(this: &Seen, name: &str) -> Option<String>;
    /// Sets a text; `None` takes it away.
    #[wasm_bindgen(method, indexing_setter)]
    pub fn set(this: &Seen, name: &str, text: Option<&str>);
    /// The declared lead, which travels as it is.
    #[wasm_bindgen(method, getter)]
    pub fn lead(this: &Seen) -> bool;
    /// custom: its properties.
    #[wasm_bindgen(method, getter)]
    pub fn props(this: &Seen) -> JsValue;
    /// page_leave: time visible and active, in ms.
    #[wasm_bindgen(method, setter)]
    pub fn set_engaged_ms(this: &Seen, ms: u32);
    /// page_leave: deepest point seen, 0..=100.
    #[wasm_bindgen(method, setter)]
    pub fn set_scroll_pct(this: &Seen, percent: u32);
    /// tracker_error: how often.
    #[wasm_bindgen(method, setter)]
    pub fn set_count(this: &Seen, count: u32);
}
