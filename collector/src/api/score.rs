//! What a lead is worth, as the API shows it, and a site's rules for it.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    domain::score::{MOST_GROUPS, MOST_POINTS, MOST_RULES, Scoring},
    domain::standing::Lead,
    error::Problem,
    project::directory::Site,
};

/// What one rule adds to a score.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScorePart)]
pub struct PartView {
    /// The rule's name.
    rule: String,
    /// What it gives points for.
    #[schema(value_type = String)]
    on: Value,
    /// What it adds by now: its points after their decay, rounded to whole ones, and what the caps left of them.
    points: i32,
    /// How often it counts.
    times: usize,
    /// The last time.
    last_at: i64,
    /// Whether a cap took some of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    capped: bool,
}

/// A lead's score at a moment, and its parts; no score where the site has no rules.
#[must_use]
pub fn of(lead: &Lead, site: &Site, now: i64) -> (Option<i64>, Vec<PartView>) {
    let scoring = &site.config.scoring;
    if scoring.rules.is_empty() {
        return (None, Vec::new());
    }
    let score = scoring.score(&lead.marks, now);
    let parts = score.parts.into_iter().map(|part| PartView {
        rule: part.rule.id.clone(),
        on: json!(part.rule.on),
        points: part.points,
        times: part.times,
        last_at: part.last_at,
        capped: part.is_cut,
    });
    (Some(i64::from(score.points)), parts.collect())
}

/// Checks a site's rules.
///
/// # Errors
/// 400 that points at what is wrong.
pub fn check(scoring: &Scoring) -> Result<(), Problem> {
    let invalid = |pointer: String, detail: String| Err(Problem::invalid_at(pointer, detail));
    let is_sum = |sum: i32| (1..=MOST_POINTS).contains(&sum);
    let a_sum = format!("must be 1 to {MOST_POINTS} points");
    if scoring.rules.len() > MOST_RULES {
        return invalid("/scoring/rules".to_owned(), format!("must have at most {MOST_RULES} rules"));
    }
    if scoring.groups.len() > MOST_GROUPS {
        return invalid("/scoring/groups".to_owned(), format!("must have at most {MOST_GROUPS} groups"));
    }
    for (name, cap) in &scoring.groups {
        super::check::short("/scoring/groups", name, 64)?;
        if !is_sum(*cap) {
            return invalid(format!("/scoring/groups/{name}"), a_sum);
        }
    }
    if !is_sum(scoring.cap) {
        return invalid("/scoring/cap".to_owned(), a_sum);
    }
    for (index, rule) in scoring.rules.iter().enumerate() {
        let at = |field: &str| format!("/scoring/rules/{index}/{field}");
        super::check::short(&at("id"), &rule.id, 64)?;
        super::check::short_if_any(&at("path"), rule.path.as_deref(), 256)?;
        super::check::short_if_any(&at("name"), rule.name.as_deref(), 128)?;
        if scoring.rules.iter().take(index).any(|earlier| earlier.id == rule.id) {
            return invalid(at("id"), "must be one that no rule before it has".to_owned());
        }
        if !is_sum(rule.points.abs()) {
            return invalid(at("points"), format!("must be 1 to {MOST_POINTS}, or as many less than none"));
        }
        if rule.cap.is_some_and(|cap| !is_sum(cap)) {
            return invalid(at("cap"), a_sum);
        }
        if rule.half_life_h.is_some_and(|hours| !(1..=87_600).contains(&hours)) {
            return invalid(at("half_life_h"), "must be 1 to 87600 hours, which are ten years".to_owned());
        }
        if rule.group.as_ref().is_some_and(|group| !scoring.groups.contains_key(group)) {
            return invalid(at("group"), "must be one of the groups".to_owned());
        }
    }
    Ok(())
}
