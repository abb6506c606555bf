//! What the product knows about visits, touches, channels and leads: pure functions over facts.
//!
//! **Invariant:** nothing here does IO, reads a clock or knows a framework, a request or a store. Whatever a
//! function needs is passed in, so each rule can be tested with known answers and properties alone.
//!
//! - [`id`]: visitors, pages and events by name
//! - [`event`]: one thing that happened, typed
//! - [`fact`]: everything that is ever appended to a log
//! - [`identity`]: who is who, by evidence that can be taken back
//! - [`install`]: does the tag work?
//! - [`ledger`]: received = stored + duplicate + rejected + withheld
//! - [`bad_event`]: events that were refused, and stand by for another try
//! - [`site`]: a tracked property and its configuration
//! - [`device`], [`bot`]: what somebody browses with, and whether it is a program
//! - [`calendar`], [`hours`]: days in a site's time zone, hours of its week
//! - [`sla`], [`waiting`]: how soon a lead is to be called, and who waits for it
//! - [`counters`]: how often, added up as facts come
//! - [`metrics`]: what each number means
//! - [`retention`]: how long what is kept
//! - [`sealed`]: what stays of facts that were too old
//! - [`silence`]: is a site quieter than it ever is at this time
//! - [`promotion`]: ads, counted links and costs
//! - [`token`]: who may do what through the API
//! - [`webhook`], [`delivery`], [`circuit`]: who is told what happens, each message on its way, who takes nothing
//! - [`record`], [`sales`], [`currency`]: what servers and people tell about leads
//! - [`activity`], [`email`]: what happened elsewhere, and what became of messages
//! - [`clock_skew`]: which of two clocks is believed
//! - [`channel`]: the grouping rules
//! - [`touch`]: an arrival with a source
//! - [`visit`]: one visitor's page views, split into visits
//! - [`journey`]: one ordered timeline
//! - [`score`]: what a lead's doings are worth
//! - [`queue`], [`do_not_call`]: whom to call now, and whom never
//! - [`lead`]: someone who left a way to be contacted, and where they came from
//! - [`standing`]: a lead as the facts about it add up
//! - [`conversion`]: what ad platforms are told of
//! - [`number`], [`call`]: tracked telephone numbers, and who may have called
//! - [`hook`]: the doors by which other systems tell in their own words
//! - [`chat`]: messages, and the references by which they find their page
//! - [`funnel`]: the stages that leads go through, and whose business each is
//! - [`consent`], [`erasure`], [`audit`]: what people agreed to, who was forgotten, who looked

pub mod activity;
pub mod audit;
pub mod bad_event;
pub mod bot;
pub mod calendar;
pub mod call;
pub mod channel;
pub mod chat;
pub mod circuit;
pub mod clock_skew;
pub mod consent;
pub mod conversion;
pub mod counters;
pub mod currency;
pub mod delivery;
pub mod device;
pub mod do_not_call;
pub mod email;
pub mod erasure;
pub mod event;
pub mod fact;
pub mod funnel;
pub mod hook;
pub mod hours;
pub mod id;
pub mod identity;
pub mod install;
pub mod journey;
pub mod lead;
pub mod ledger;
pub mod metrics;
pub mod number;
pub mod promotion;
pub mod queue;
pub mod record;
pub mod retention;
pub mod sales;
pub mod score;
pub mod sealed;
pub mod silence;
pub mod site;
pub mod sla;
pub mod standing;
pub mod token;
pub mod touch;
pub mod visit;
pub mod waiting;
pub mod webhook;
