//! How soon a lead was to be called, and whether it was, as the API shows it.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    domain::{
        site::SiteConfig,
        sla::{Clock, State, Took},
        standing::Lead,
    },
    error::Problem,
};

/// A lead's clock: from when the collector took it in to the first attempt, and to the first contact. Times are whole seconds,
/// begun ones left out; beside those by the clock on the wall stand those in opening hours.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeadSla)]
pub struct SlaView {
    /// running, met, breached; none where nothing was promised: of lists, history, tests, repetitions, and who may not be called.
    #[schema(value_type = String)]
    state: Value,
    /// How soon it is to be called.
    target_s: Option<u32>,
    /// When the clock began.
    started_at: Option<i64>,
    /// When it has run out. It stands still outside the site's hours, unless the promise is one for day and night.
    due_at: Option<i64>,
    first_attempt_s: Option<i64>,
    first_contact_s: Option<i64>,
    first_attempt_open_s: Option<i64>,
    first_contact_open_s: Option<i64>,
    /// The moment of the breach that was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    breached_at: Option<i64>,
    /// Whether it was told since that somebody had tried in time after all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    overtaken: bool,
}

impl SlaView {
    /// A lead's clock at a moment.
    #[must_use]
    pub fn of(lead: &Lead, config: &SiteConfig, now: i64) -> Self {
        let clock = Clock::of(lead, config, now);
        let state = clock.as_ref().map_or(State::None, |clock| clock.state);
        let of = |took: Option<Took>| took.map(|took| (took.wall_ms / 1_000, took.open_ms / 1_000)).unzip();
        let (attempt, contact) =
            clock.as_ref().map_or((None, None), |clock| (clock.first_attempt, clock.first_contact));
        let ((first_attempt_s, first_attempt_open_s), (first_contact_s, first_contact_open_s)) =
            (of(attempt), of(contact));
        Self {
            state: json!(state),
            target_s: clock.as_ref().map(|clock| clock.promise.target_s),
            started_at: clock.as_ref().map(|clock| clock.started_at),
            due_at: clock.as_ref().and_then(|clock| clock.due_at),
            first_attempt_s,
            first_contact_s,
            first_attempt_open_s,
            first_contact_open_s,
            breached_at: lead.breached_at,
            overtaken: lead.breached_at.is_some() && state == State::Met,
        }
    }
}

/// Checks a site's promises.
///
/// # Errors
/// 400 that points at what is wrong.
pub fn check(promises: &[crate::domain::sla::Promise]) -> Result<(), Problem> {
    if promises.len() > 200 {
        return Err(Problem::invalid_at("/sla", "must have at most 200 promises"));
    }
    for (index, promise) in promises.iter().enumerate() {
        if !(1..=30 * 86_400).contains(&promise.target_s) {
            let pointer = format!("/sla/{index}/target_s");
            return Err(Problem::invalid_at(pointer, "must be 1 to 2592000 seconds, which are 30 days"));
        }
        for (name, pattern) in promise.patterns() {
            if let Some(pattern) = pattern {
                super::check::short(&format!("/sla/{index}/{name}"), pattern, 128)?;
            }
        }
    }
    Ok(())
}
