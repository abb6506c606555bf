//! What leaves the house: messages to endpoints, each at its time, signed, from what store and vault hold at that moment.
//!
//! - [`run`]: follows the outbox, claims what is due, keeps endpoints apart
//! - [`attempt`]: one message, once: may it go, what does it say, what became of it
//! - [`body`]: what is said; [`map`]: in the receiver's own words
//! - [`target`]: where to, under which secrets; [`sign`]: Standard Webhooks
//! - [`client`]: HTTP to strangers; [`guard`]: which addresses may be spoken to
//!
//! **Invariants.** What became of an attempt is appended before the message is let go. A message's id is the same at every
//! attempt. Nothing personal stays here: bodies are written for each attempt and forgotten with it.

pub mod attempt;
pub mod body;
pub mod client;
pub mod guard;
pub mod map;
pub mod run;
pub mod sign;
pub mod target;
