//! What the outside asks: one file per resource.
//!
//! - [`routes`]: every route on one screen
//! - [`auth`]: who asks
//! - [`json`]: request bodies; [`query`]: times, cursors, limits; [`problem`]: errors as answers; [`csv`]: lists as tables
//! - [`check`]: what bodies share; [`lead_match`]: which lead somebody means
//! - [`leads_in`], [`records`], [`imports`]: what servers and people tell about leads
//! - [`shapes`], [`standing`]: leads, touches and journey items as the API shows them
//! - [`sites`], [`install`], [`visitors`], [`leads`], [`tokens`], [`bad_events`], [`live`]: the resources
//! - [`persons`]: who is who, the evidence for it, and taking it back
//! - [`reports`]: counters and bots; [`campaigns`]: what came of each campaign; [`metrics`]: what each number means; [`channel_rules`]: why a channel; [`links`], [`costs`]: what reports need to know; [`emails`]: a message's pixel and links
//! - [`webhooks`], [`deliveries`]: who is told what happens, and what became of it
//! - [`health`]: is it up, can it store, what does it count
//! - [`erase`], [`person_export`], [`consent`]: the rights to be forgotten, to see, to change one's mind
//! - [`audit`]: who looked; [`looks`] notes it
//! - [`numbers`], [`calls`]: tracked telephone numbers, and who called them
//! - [`hooks`]: doors for other systems
//! - [`messages`]: who wrote in a chat; [`chat_refs`]: by which reference
//! - [`exports`]: conversions for ad platforms
//! - [`archive`]: backup and export
//! - [`pages`]: the dashboard and the demo, embedded
//! - [`openapi`]: the document; [`docs`]: to read it

pub mod archive;
mod asked;
pub mod audit;
pub mod auth;
pub mod bad_events;
pub mod calls;
pub mod campaigns;
pub mod channel_rules;
pub mod chat_refs;
pub mod check;
pub mod consent;
pub mod costs;
pub mod csv;
pub mod deliveries;
pub mod do_not_call;
pub mod docs;
pub mod emails;
pub mod erase;
pub mod exports;
pub mod health;
pub mod hooks;
pub mod imports;
pub mod install;
pub mod json;
pub mod lead_match;
pub mod leads;
pub mod leads_in;
pub mod links;
pub mod live;
pub mod looks;
pub mod messages;
pub mod metrics;
pub mod numbers;
pub mod openapi;
pub mod pages;
pub mod person_export;
pub mod persons;
pub mod problem;
pub mod query;
pub mod queue;
pub mod records;
pub mod reports;
pub mod routes;
pub mod score;
pub mod shapes;
pub mod sites;
pub mod sla;
pub mod sla_report;
pub mod standing;
pub mod tokens;
pub mod visitors;
pub mod webhooks;
