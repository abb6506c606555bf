//! The real app over HTTP: port 0, a fresh store per test, everything through the public face or the API.
//!
//! One file per resource. A test's name is the sentence that it proves; it asserts what happened, and what did not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: a failed expectation is a failed test"
)]

mod activities;
mod audit;
mod bad_beacons;
mod bad_events;
mod bad_requests;
mod beacons;
mod calls;
mod campaigns;
mod clock;
mod consent;
mod consents;
mod conversions;
mod cookie;
mod cors;
mod counters;
mod deliveries;
mod delivery_recipes;
mod emails;
mod erase;
mod exports;
mod health;
mod hooks;
mod imports;
mod journeys;
mod leads;
mod leads_in;
mod limits;
mod live;
mod messages;
mod openapi;
mod origins;
mod pages;
mod persons;
mod privacy;
mod queue;
mod raw;
mod rebuild;
mod records;
mod restart;
mod retention;
mod roles;
mod sites;
mod sla;
mod stages;
mod tables;
mod tokens;
mod tracker;
mod webhooks;
