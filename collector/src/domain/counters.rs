//! How often: what a site's reports count, added up as facts come.
//!
//! A [`Cell`] is one place in the report: a day, who (people, or a kind of program), where from, and a call to action
//! or none. What one subject adds to each cell is its [`Share`], a function of its arrivals alone; when more of them
//! come, the old shares are taken back and the new ones added. So the sums never depend on order or on steps.
//!
//! What cannot be added up, how many *different* visitors, is kept as sets of numbers: a visitor's number is the
//! position of their first arrival.

mod tally;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use self::tally::Tally;
use super::{
    bot::Verdicts,
    calendar::{self, Day},
    channel::{Channel, reason},
    event::{Detail, Event, Flag},
    fact::Position,
    standing::Lead,
    visit::{Seen, Timeline, Visit},
};

/// Changes whenever the same facts give other counts: what was counted by the one before is counted anew. Reports
/// name it.
pub const VERSION: u32 = 2;

/// Of one subject so many arrivals count, the first in the log. Nobody browses so much; a program that does must not
/// cost more and more.
pub const ARRIVALS: usize = 4096;

/// One place in the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// The day that the visit began, in the site's time zone.
    pub day: Day,
    /// The rule that flags it; empty for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// The channel that the visit came by.
    pub channel: Channel,
    /// Its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// A call to action; `None` for all that happened, whatever was clicked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cta: Option<String>,
}

/// What one subject, or one cost, adds to a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Share {
    /// To its sums.
    pub tally: Tally,
    /// Whether the visitor is one of its visitors.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub visitor: bool,
    /// Whether the visitor is one of those who left a lead.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lead: bool,
}

/// What was counted of one subject, or one cost, so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The visitor's number: the position of the first arrival.
    pub number: Position,
    /// How many arrivals it came in.
    pub arrivals: u32,
    /// By cell, in their order.
    pub shares: Vec<(Cell, Share)>,
}

/// What reports are made with, apart from the facts.
pub struct Basis<'a> {
    /// The site's time zone.
    pub zone: &'a TimeZone,
    /// Who is a program.
    pub verdicts: &'a mut Verdicts,
}

/// What one subject adds to each cell. `anonymous` subjects are single page views, and no visitors.
#[must_use]
pub fn shares(timeline: &Timeline<'_>, anonymous: bool, basis: &mut Basis<'_>) -> BTreeMap<Cell, Share> {
    let mut by_visit: Vec<Vec<Seen<'_>>> = vec![Vec::new(); timeline.visits.len()];
    for entry in &timeline.entries {
        if let Some(seen) = by_visit.get_mut(entry.visit) {
            seen.push(entry.seen);
        }
    }
    let mut shares: BTreeMap<Cell, Share> = BTreeMap::new();
    for (visit, seen) in timeline.visits.iter().zip(by_visit) {
        let Some(cell) = cell_of(visit, &seen, basis) else { continue };
        let leads = seen.iter().filter(|seen| is_lead(seen.event)).count() as i64;
        // A page of the site that was opened from another one of its pages begins no visit.
        let inside = visit
            .touches
            .first()
            .is_some_and(|touch| touch.reason.as_deref() == Some(reason::INTERNAL_REFERRER));
        let (visits, anonymous_visits) = if anonymous { (0, i64::from(!inside)) } else { (1, 0) };
        let mut ctas: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for (name, clicked) in seen.iter().filter_map(|seen| cta(&seen.event.detail)) {
            let (views, clicks) = ctas.entry(name).or_default();
            *(if clicked { clicks } else { views }) += 1;
        }
        let mut add = |cell: Cell, (cta_views, cta_clicks): (i64, i64)| {
            let share = shares.entry(cell).or_default();
            let more = Tally { visits, anonymous_visits, leads, cta_views, cta_clicks, ..Tally::default() };
            share.tally.add(&more, 1);
            share.visitor |= !anonymous;
            share.lead |= !anonymous && leads > 0;
        };
        for (&name, &counts) in &ctas {
            add(Cell { cta: text(Some(name)), ..cell.clone() }, counts);
        }
        let sum = ctas.values().fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1));
        add(cell, sum);
    }
    shares
}

/// What a lead alone adds: it has no journey, so nobody knows where it came from.
#[must_use]
pub fn lead_alone(seen: Seen<'_>, basis: &mut Basis<'_>) -> Option<(Cell, Tally)> {
    if !is_lead(seen.event) {
        return None;
    }
    let cell = Cell {
        day: calendar::day_of(seen.event.at, basis.zone),
        class: basis.verdicts.of(seen.arrival).unwrap_or_default().into_owned(),
        channel: Channel::Unknown,
        source: None,
        campaign: None,
        cta: None,
    };
    Some((cell, Tally { leads: 1, ..Tally::default() }))
}

fn cell_of(visit: &Visit, seen: &[Seen<'_>], basis: &mut Basis<'_>) -> Option<Cell> {
    let touch = visit.touches.first()?;
    // Several beacons of a visit may say different things; one that says "program" is enough.
    let class = seen.iter().filter_map(|seen| basis.verdicts.of(seen.arrival)).min();
    Some(Cell {
        day: calendar::day_of(visit.started_at, basis.zone),
        class: class.unwrap_or_default().into_owned(),
        channel: touch.channel,
        source: text(touch.source.as_deref()),
        campaign: text(touch.campaign.as_deref()),
        cta: None,
    })
}

/// Whether reports count a lead.
#[must_use]
pub fn counts(lead: &Lead) -> bool {
    !lead
        .flags
        .iter()
        .any(|flag| matches!(flag, Flag::Test | Flag::Spam | Flag::Internal | Flag::ForeignOrigin))
}

/// What a lead adds, by the day on which it was left, and by where whoever left it came from last by a way that tells.
/// Tests, spam and what colleagues try out add nothing; what only repeats a request is counted apart.
#[must_use]
pub fn lead_share(lead: &Lead, zone: &TimeZone, currency: &str) -> Option<(Cell, Share)> {
    if !counts(lead) {
        return None;
    }
    let touch = &lead.origin.last_non_direct;
    let cell = Cell {
        day: calendar::day_of(lead.created_at, zone),
        class: String::new(),
        channel: touch.channel,
        source: text(touch.source.as_deref()),
        campaign: text(touch.campaign.as_deref()),
        cta: None,
    };
    let mut tally = Tally::default();
    if lead.duplicate_of.is_some() {
        tally.duplicates = 1;
    } else {
        *tally.leads_of(lead.kind) = 1;
    }
    tally.contacted = i64::from(lead.attempts.first_contact_at.is_some());
    for sale in &lead.sales {
        let is_sale = i64::from(sale.amount > 0);
        if sale.currency != currency {
            tally.sales_other_currency += is_sale;
        } else if sale.confirmed {
            tally.sales += is_sale;
            tally.revenue += sale.amount;
        } else {
            tally.sales_unconfirmed += is_sale;
            tally.revenue_unconfirmed += sale.amount;
        }
    }
    Some((cell, Share { tally, ..Share::default() }))
}

/// A text as cells have it: without control characters, and not empty.
#[must_use]
pub fn text(value: Option<&str>) -> Option<String> {
    let text: String = value?.chars().filter(|letter| !letter.is_control()).collect();
    (!text.is_empty()).then_some(text)
}

fn is_lead(event: &Event) -> bool {
    event.detail.lead().is_some_and(|lead| !lead.flags.contains(&Flag::Test))
}

/// The call to action that an event is about, and whether it was followed.
fn cta(detail: &Detail) -> Option<(&str, bool)> {
    match detail {
        Detail::CtaView(cta) => Some((&cta.cta, false)),
        Detail::CtaClick(cta) => Some((&cta.cta, true)),
        Detail::CallClick { cta, .. } | Detail::ChatClick { cta, .. } => Some((cta.as_deref()?, true)),
        Detail::EmailClick(contact) | Detail::SmsClick(contact) => Some((contact.cta.as_deref()?, true)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
