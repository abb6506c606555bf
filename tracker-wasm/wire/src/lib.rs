//! `wire` is the contract between the page and the collector, and every decision that both ends must take
//! alike: what an event is, which limits hold, what a link means, which click ids there are, what is cut out
//! of a URL before it travels.
//!
//! The tracker compiles it to WebAssembly, the collector links it natively, so a click that the core classified
//! and a click that the loader sent raw are stored as the same event. It therefore depends on `serde` alone, does
//! no IO, knows no clock, and avoids what is dear in WebAssembly (`format!`, Unicode case tables, hash maps).
//!
//! - [`event`]: one thing that happened, as it travels
//! - [`beacon`]: the envelope around events, and the visitor's choice
//! - [`id`]: what an id may look like; event numbers within a page view
//! - [`limits`]: sizes and counts
//! - [`links`]: what a link is for: a call, a chat, a download, …
//! - [`arrival`]: campaign parameters and click ids of a landing URL
//! - [`redact`]: what is cut from URLs and texts, at both ends
//! - [`normalise`]: makes an event storable, or says why it is not

pub mod arrival;
pub mod beacon;
pub mod event;
pub mod id;
pub mod limits;
pub mod links;
pub mod normalise;
mod object;
pub mod redact;
mod scan;
mod split;
