//! What the tests of the whole share.
//!
//! - [`app`]: the real app in this process: port 0, a store of its own, a clock that tests move
//! - [`binary`]: the release binary, to be killed and started again
//! - [`client`]: both through HTTP, by verbs
//! - [`beacon`]: beacons as pages send them
//! - [`receiver`]: somebody who is told what happens
//! - [`refused`]: events that an older binary refused
//! - [`load`]: many pages at once, with a memory of what was acknowledged
//! - [`tls`]: TLS in front of one of them
//! - [`wait`]: polling with a deadline; nothing here sleeps and hopes
//! - [`logs`]: what the app logged
//!
//! Helpers panic where a test could only fail: the message says what was expected.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "only tests call this: a failed expectation is a failed test"
)]

pub mod app;
pub mod beacon;
pub mod binary;
pub mod client;
pub mod load;
pub mod logs;
pub mod receiver;
pub mod refused;
pub mod tls;
pub mod wait;

pub use app::TestApp;
pub use client::{Answer, Client};
pub use receiver::Receiver;
pub use wait::{eventually, holds, within};

/// An admin token for every test: no secret.
pub const ADMIN: &str = "an-admin-token-for-tests";

/// Where the clocks of tests start: 2026-11-22 01:20 UTC, in ms.
pub const NOW: i64 = 1_795_310_400_000;

/// One day, in ms.
pub const DAY: i64 = 86_400_000;
