//! The rows.

use std::pin::Pin;

use crate::harness::{Engine, Stage, Wish};

use crate::{choice, contact, leaving, outage, privacy, showing};

/// One row of the matrix.
pub(crate) struct Row {
    /// Its name, as tests are named.
    pub(crate) name: &'static str,
    /// What happens.
    pub(crate) what: &'static str,
    /// What is sent then, and what is not.
    pub(crate) sent: &'static str,
    /// Whether every run checks it in every engine.
    pub(crate) core: bool,
    /// What the visitor has set in their browser.
    pub(crate) wish: Wish,
    /// Engines that cannot have it.
    pub(crate) lacks: &'static [Lack],
    /// Plays it.
    pub(crate) run: Run,
}

/// Why an engine cannot have a row.
pub(crate) struct Lack {
    pub(crate) engine: Engine,
    /// True in a page for as long as that is so; or a promise of it.
    pub(crate) probe: &'static str,
    pub(crate) reason: &'static str,
}

/// A row's play: an async function by its address.
pub(crate) type Run = for<'a> fn(&'a Stage) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

const PLAIN: Wish = Wish { privacy_control: false, no_storage: false };
const NO_PRERENDER: [Lack; 2] = [
    Lack {
        engine: Engine::Firefox,
        probe: "!HTMLScriptElement.supports('speculationrules')",
        reason: "the engine prerenders nothing (no speculation rules)",
    },
    Lack {
        engine: Engine::WebKit,
        probe: "!HTMLScriptElement.supports('speculationrules')",
        reason: "the engine prerenders nothing (no speculation rules)",
    },
];

const NO_END: [Lack; 1] = [Lack {
    engine: Engine::WebKit,
    probe: "new Promise((done) => {
        const frame = document.createElement('iframe');
        window.told = false;
        window.leave = () => { frame.remove(); done(!window.told); };
        frame.srcdoc = `<script>onpagehide = () => { parent.told = true; }; parent.leave();<` + `/script>`;
        document.body.append(frame);
    })",
    reason: "the engine tells a page nothing of its end (no pagehide) before the page has loaded",
}];

macro_rules! row {
    ($play:path, $name:literal, $what:literal => $sent:literal $(, core: $core:literal)? $(, wish: $wish:expr)? $(, lacks: $lacks:expr)?) => {{
        #[allow(unused_mut, unused_assignments, reason = "each row sets only what it needs")]
        const ROW: Row = {
            let mut row = Row {
                name: $name,
                what: $what,
                sent: $sent,
                core: false,
                wish: PLAIN,
                lacks: &[],
                run: |stage| Box::pin($play(stage)),
            };
            $(row.core = $core;)?
            $(row.wish = $wish;)?
            $(row.lacks = $lacks;)?
            row
        };
        ROW
    }};
}

/// All of them, in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    row!(leaving::close_0, "close_0_ms", "With the guard, the tab closes with the page's first script" => "page view once, page leave too where the loader had come", lacks: &NO_END),
    row!(leaving::close_50, "close_50_ms", "The tab closes 50 ms after it" => "page view once, page leave too where the loader had come", lacks: &NO_END),
    row!(leaving::close_200, "close_200_ms", "The tab closes 200 ms after it" => "page view once, page leave too where the loader had come", lacks: &NO_END),
    row!(leaving::close_400, "close_400_ms", "The tab closes 400 ms after it" => "page view once, page leave too where the loader had come", lacks: &NO_END),
    row!(leaving::close_1000, "close_1000_ms", "The tab closes a second after it" => "page view once, page leave too where the loader had come", core: true),
    row!(leaving::slow_3g, "slow_3g", "The tab closes a second after it, on slow 3G" => "page view once, page leave too where the loader had come", lacks: &NO_END),
    row!(leaving::by_link, "by_link", "The visitor follows a link" => "click, page leave and both page views, once each", core: true),
    row!(leaving::by_form, "by_form", "The visitor sends a lead form" => "the submit and its lead, once; the page follows undisturbed", core: true),
    row!(leaving::early_call, "early_call", "With the guard, a call is tapped before the loader comes" => "the call, once", core: true),
    row!(leaving::early_call_closed, "early_call_closed", "… and the tab closes before it comes" => "page view and call, once each", core: true, lacks: &NO_END),
    row!(leaving::early_lead, "early_lead", "With the guard, on a site that waits for the choice, a lead form is sent before the loader comes" => "the lead alone, without an address", lacks: &NO_END),
    row!(leaving::clicks_60, "clicks_60", "60 clicks as fast as the browser takes them" => "all 60, once each, in less than half as many requests", core: true),
    row!(outage::offline_online, "offline_online", "Clicks while offline, then online again" => "all of them, once each, with their own times", core: true),
    row!(outage::offline_closed, "offline_closed", "Clicks while offline, the tab closes, the visitor comes back later" => "all of them, once each, by the same visitor", core: true),
    row!(outage::busy_503, "busy_503", "The collector answers 503, then recovers" => "nothing before `Retry-After` is over, then everything once", core: true),
    row!(outage::busy_429, "busy_429", "The collector answers 429, then recovers" => "nothing before `Retry-After` is over, then everything once"),
    row!(outage::busy_closed, "busy_closed", "The tab closes while the collector answers 503; back later" => "all of it, counted once"),
    row!(outage::dead_closed, "dead_closed", "The tab closes while the collector's host is dead; back later" => "all of it, counted once"),
    row!(outage::silent_closed, "silent_closed", "The tab closes while the collector takes and never answers; back later" => "all of it, counted once"),
    row!(showing::back, "bfcache", "The back button brings a page from the cache" => "a second page view by an id of its own, one leave for each", core: true),
    row!(showing::routes, "routes", "A single-page application goes to another route, and back" => "a page view with its own title and a leave for each", core: true),
    row!(showing::prerendered, "prerendered", "The browser prerenders a page that nobody looks at" => "nothing", lacks: &NO_PRERENDER),
    row!(showing::activated, "activated", "… and one that is looked at" => "one page view", lacks: &NO_PRERENDER),
    row!(choice::privacy_control, "privacy_control", "Global Privacy Control is on" => "the lead that the visitor sends, alone; nothing stored on the device", core: true, wish: Wish { privacy_control: true, no_storage: false }),
    row!(choice::no_storage, "no_storage", "The browser refuses cookies and storage" => "page view and call, once each; no error in the page", core: true, wish: Wish { privacy_control: false, no_storage: true }),
    row!(privacy::planted, "planted", "Personal data in over 50 kinds of field, in query, hash, path, title, referrer, link and text" => "none of it", core: true),
    row!(choice::with_wasm, "csp_wasm", "A policy that allows WebAssembly" => "the core's events", core: true),
    row!(choice::without_wasm, "csp_no_wasm", "A policy that refuses WebAssembly" => "the loader's, raw; stored the same", core: true),
    row!(contact::number, "number", "The page has a printed number, the site a pool" => "the number that was shown; who calls it is who saw it", core: true),
    row!(contact::chat, "chat", "The visitor follows a link to WhatsApp" => "the chat, with the reference that its first message will have", core: true),
    row!(choice::stopped, "stop_immediate", "The page stops every click on its way (stopImmediatePropagation)" => "the call, once", core: true),
];
