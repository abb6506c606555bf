//! Real browsers before a real collector: what the targets `browser` and `matrix` share.
//!
//! - [`engine`]: which browsers there are, and how each is started
//! - [`driven`]: a browser, driven over WebDriver
//! - [`line`]: the network between browser and server, as good or bad as a test wants it
//! - [`numbers`]: pages with printed telephone numbers
//! - [`proxy`]: the server that the browser speaks to: pages of the test's own, the collector behind; it remembers
//! - [`stage`]: all of it together, one per test

#![allow(dead_code, unused_imports, reason = "two targets share it, each uses its part")]

mod driven;
mod engine;
mod line;
pub(crate) mod numbers;
mod proxy;
mod stage;

pub(crate) use driven::Browser;
pub(crate) use engine::{Engine, Rows, Wish};
pub(crate) use line::{Line, Weather};
pub(crate) use proxy::{Attempt, Proxy};
pub(crate) use stage::{Stage, kinds, on_stage};
