//! What is derived from the log, and kept up to date by following it.
//!
//! A projector reads facts in order and commits what it derived together with its position, so each fact takes
//! effect exactly once, whatever crashes. Everything it wrote can be thrown away and made again.
//!
//! - [`directory`]: sites and tokens, from the house's log, in memory
//! - [`journeys`]: pieces of journeys, leads and their origin, the install check
//! - [`breaches`]: leads that wait for too long
//! - [`counters`]: sums and sets of visitors by day and source
//! - [`people`]: who is who, found in the evidence
//! - [`holdings`]: all that is held about a person
//! - [`retention`]: facts that are too old are sealed
//! - [`stories`]: what a person did, read to be told as one journey
//! - [`silence`]: sites that went quiet
//! - [`follow`]: the loop that runs them

pub mod breaches;
pub mod counters;
pub mod directory;
pub mod follow;
pub mod holdings;
pub mod journeys;
pub mod people;
pub mod retention;
pub mod silence;
pub mod stories;

#[cfg(test)]
mod tests;
