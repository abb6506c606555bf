//! The release binary, killed, stopped, traced and starved: what was acknowledged stays.
//!
//! Needs `just build`, or `TRAZA_BIN`; without a binary every test fails with one line that says so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: a failed expectation is a failed test"
)]

mod damage;
mod delivery;
mod disk;
mod folder;
mod idle;
mod kill;
mod ops;
mod overload;
mod replay;
mod rotation;
mod sla;
mod soak;
mod terminate;
mod trace;
