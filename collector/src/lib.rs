//! The collector: one binary that receives beacons, keeps each visitor's journey, ties it to leads, and answers
//! those who ask.
//!
//! Data goes one way: **[`ingest`]** takes beacons from pages and splits personal data off into the **[`vault`]**;
//! the **[`store`]** appends facts, durable before they are acknowledged; **[`project`]** follows the log and derives
//! journeys and leads by the rules of the **[`domain`]**; the **[`api`]** answers from what was derived, and
//! **[`deliver`]** tells others of it. Nothing downstream writes upstream, and what is derived can be thrown away and made again.
//!
//! [`startup`] wires all of it; [`app`] is what the wired parts share. [`config`], [`telemetry`], [`clock`], [`tls`] and
//! [`error`] are what their names say; [`archive`] is the store as a file, and [`ops`] the operator's verbs; [`demo`] and [`story`] are for newcomers.

pub mod api;
pub mod app;
pub mod archive;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod demo;
pub mod domain;
pub mod error;
pub mod ingest;
pub mod ops;
pub mod project;
pub mod startup;
pub mod store;
pub mod story;
pub mod telemetry;
pub mod tls;
pub mod vault;
