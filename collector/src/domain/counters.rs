//! How often: what a site's reports count, added up as facts come.
//!
//! A [`Cell`] is one place in the report: a day, who (people, or a kind of program), where from, and a call to action
//! or none. What one subject adds to each cell is its [`Share`], a function of its arrivals alone; when more of them
//! come, the old shares are taken back and the new ones added. So the sums never depend on order or on steps.
//!
//! What cannot be added up, how many *different* visitors, is kept as sets of numbers: a visitor's number is the
//! position of their first arrival.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{
    bot::Verdicts,
    calendar::{self, Day},
    channel::{Channel, reason},
    event::{Detail, Event, Flag},
    fact::Position,
    visit::{Seen, Timeline, Visit},
};

/// Changes whenever the same facts give other counts: what was counted by the one before is counted anew. Reports
/// name it.
pub const VERSION: u32 = 1;

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

/// Sums. Signed, because a share can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Visits of visitors who may be recognised again.
    #[serde(skip_serializing_if = "is_zero")]
    pub visits: i64,
    /// Visits of others.
    #[serde(skip_serializing_if = "is_zero")]
    pub anonymous_visits: i64,
    /// Leads, those flagged as a test apart.
    #[serde(skip_serializing_if = "is_zero")]
    pub leads: i64,
    /// How often an ad was shown, by the pixel.
    #[serde(skip_serializing_if = "is_zero")]
    pub ad_views: i64,
    /// How often an ad was shown, by the platforms' own count.
    #[serde(skip_serializing_if = "is_zero")]
    pub ad_views_imported: i64,
    /// Clicks on ads, by the counted redirect.
    #[serde(skip_serializing_if = "is_zero")]
    pub ad_clicks: i64,
    /// Clicks on ads, by the platforms' own count.
    #[serde(skip_serializing_if = "is_zero")]
    pub ad_clicks_imported: i64,
    /// Money spent, in minor units.
    #[serde(skip_serializing_if = "is_zero")]
    pub cost: i64,
    /// How often a call to action was seen.
    #[serde(skip_serializing_if = "is_zero")]
    pub cta_views: i64,
    /// How often a call to action was followed.
    #[serde(skip_serializing_if = "is_zero")]
    pub cta_clicks: i64,
}

fn is_zero(value: &i64) -> bool {
    *value == 0
}

impl Tally {
    /// Adds another one so many times: 1, or −1 to take it back.
    pub fn add(&mut self, other: &Self, times: i64) {
        for (sum, more) in self.fields_mut().into_iter().zip(other.fields()) {
            *sum += more * times;
        }
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn fields(&self) -> [i64; 10] {
        let mut copy = *self;
        copy.fields_mut().map(|field| *field)
    }

    fn fields_mut(&mut self) -> [&mut i64; 10] {
        let Self {
            visits,
            anonymous_visits,
            leads,
            ad_views,
            ad_views_imported,
            ad_clicks,
            ad_clicks_imported,
            cost,
            cta_views,
            cta_clicks,
        } = self;
        [
            visits,
            anonymous_visits,
            leads,
            ad_views,
            ad_views_imported,
            ad_clicks,
            ad_clicks_imported,
            cost,
            cta_views,
            cta_clicks,
        ]
    }
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
