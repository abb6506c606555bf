//! The release binary with its embedded tracker, behind the landing page, in a real Chromium.
//!
//! Between browser and binary stands a proxy, which passes everything on and remembers what was sent: each story
//! asserts what arrived, and what never left the page. How each delivery fares in every browser is the target `matrix`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation is a failed test")]

mod choice;
mod contact;
mod dashboard;
mod fallback;
mod frameworks;
mod harness;
mod hostile;
mod numbers;
mod people;
mod recipes;
mod story;

use self::harness::{Stage, kinds, on_stage};
