//! What a report is asked for: days, what it is broken down by, what of it.

use std::collections::BTreeMap;

use super::{
    auth::Caller,
    query::{self, Query},
};
use crate::{
    domain::{
        calendar::{self, Day},
        channel::Channel,
        counters::Cell,
        token::Scope,
    },
    error::Problem,
    project::directory::Site,
};

/// How a missing source or campaign is asked for.
pub(super) const NONE: &str = "(none)";
/// Days of a report that does not say.
const DAYS: Day = 30;
/// At most so many days.
const MOST_DAYS: Day = 3660;

/// What a report may be broken down by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dimension {
    Day,
    Channel,
    Source,
    Campaign,
    Cta,
}

impl Dimension {
    pub(super) const ALL: [Self; 5] = [Self::Day, Self::Channel, Self::Source, Self::Campaign, Self::Cta];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Channel => "channel",
            Self::Source => "source",
            Self::Campaign => "campaign",
            Self::Cta => "cta",
        }
    }

    /// The cell's value.
    pub(super) fn of(self, cell: &Cell) -> Option<String> {
        match self {
            Self::Day => Some(calendar::text(cell.day)),
            Self::Channel => Some(cell.channel.as_str().to_owned()),
            Self::Source => cell.source.clone(),
            Self::Campaign => cell.campaign.clone(),
            Self::Cta => cell.cta.clone(),
        }
    }
}

/// What a report is asked for.
pub(super) struct Asked {
    pub since: Day,
    pub until: Day,
    pub group_by: Vec<Dimension>,
    /// The values that cells must have.
    pub only: BTreeMap<&'static str, Option<String>>,
    pub bots: bool,
    pub scope: Option<Scope>,
}

impl Asked {
    /// Reads it; `usual` is what a report is broken down by that does not say.
    pub(super) fn read(
        query: &Query,
        usual: &str,
        site: &Site,
        caller: &Caller,
        now: i64,
    ) -> Result<Self, Problem> {
        let day = |name: &str| match query.text(name) {
            None => Ok(None),
            Some(text) => calendar::parse(&text)
                .map(Some)
                .ok_or_else(|| Problem::invalid_at(name, "must be a day such as 2026-03-01")),
        };
        let today = calendar::day_of(now, &calendar::zone(&site.config.timezone));
        let until = day("until_day")?.unwrap_or(today);
        let since = day("since_day")?.unwrap_or(until - (DAYS - 1));
        if since > until {
            return Err(Problem::invalid_at("since_day", "must not be after until_day"));
        }
        if until - since >= MOST_DAYS {
            return Err(Problem::invalid_at("since_day", format!("must be at most {MOST_DAYS} days back")));
        }
        let mut group_by = Vec::new();
        for name in query.text("group_by").as_deref().unwrap_or(usual).split(',') {
            let known = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name.trim());
            let known = known.ok_or_else(|| {
                Problem::invalid_at(
                    "group_by",
                    "must be some of day, channel, source, campaign, cta, separated by commas",
                )
            })?;
            if !group_by.contains(&known) {
                group_by.push(known);
            }
        }
        let mut only = BTreeMap::new();
        for dimension in Dimension::ALL {
            let Some(text) = query.text(dimension.name()) else { continue };
            if dimension == Dimension::Channel && Channel::parse(&text).is_none() {
                let known = Channel::ALL.map(Channel::as_str).join(", ");
                return Err(Problem::invalid_at("channel", format!("must be one of {known}")));
            }
            only.insert(dimension.name(), (text != NONE).then_some(text));
        }
        let bots = match query.text("bots").as_deref() {
            None | Some("exclude") => false,
            Some("include") => true,
            Some(_) => return Err(Problem::invalid_at("bots", "must be include or exclude")),
        };
        Ok(Self { since, until, group_by, only, bots, scope: caller.scope.clone() })
    }

    /// What a line, or else the request, says of a dimension, as an address says it.
    pub(super) fn value_of(
        &self,
        key: &BTreeMap<Dimension, Option<String>>,
        dimension: Dimension,
    ) -> Option<String> {
        let value = key.get(&dimension).or_else(|| self.only.get(dimension.name()))?;
        Some(value.clone().unwrap_or_else(|| NONE.to_owned()))
    }

    /// Whether cells of calls to action are asked for, or those of everything.
    pub(super) fn of_ctas(&self) -> bool {
        self.group_by.contains(&Dimension::Cta) || self.only.contains_key(Dimension::Cta.name())
    }

    pub(super) fn wants(&self, cell: &Cell) -> bool {
        let only = |dimension: Dimension| {
            self.only.get(dimension.name()).is_none_or(|wanted| *wanted == dimension.of(cell))
        };
        (self.bots || cell.class.is_empty()) && self.covers(cell) && Dimension::ALL.into_iter().all(only)
    }

    fn covers(&self, cell: &Cell) -> bool {
        let covered = |scope: &Scope| scope.covers(cell.channel.as_str(), cell.campaign.as_deref());
        self.scope.as_ref().is_none_or(covered)
    }

    /// The address that answers who is behind a line.
    pub(super) fn explain(&self, site: &Site, key: &BTreeMap<Dimension, Option<String>>) -> String {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        let day = key.get(&Dimension::Day).cloned().flatten();
        pairs.push(("since_day", day.clone().unwrap_or_else(|| calendar::text(self.since))));
        pairs.push(("until_day", day.unwrap_or_else(|| calendar::text(self.until))));
        for dimension in Dimension::ALL.into_iter().filter(|dimension| *dimension != Dimension::Day) {
            if let Some(value) = self.value_of(key, dimension) {
                pairs.push((dimension.name(), value));
            }
        }
        if self.bots {
            pairs.push(("bots", "include".to_owned()));
        }
        let query = encoded(&pairs);
        format!("/api/v1/sites/{}/reports/counters/visitors?{query}", site.slug)
    }

    /// The address that answers the leads behind a line; `more` says which of theirs the report counts, and by which touch.
    pub(super) fn explain_leads(
        &self,
        site: &Site,
        key: &BTreeMap<Dimension, Option<String>>,
        more: &[(&'static str, &str)],
    ) -> String {
        let zone = calendar::zone(&site.config.timezone);
        let day = key.get(&Dimension::Day).and_then(|day| calendar::parse(day.as_deref()?));
        let (since, until) = (day.unwrap_or(self.since), day.unwrap_or(self.until));
        let mut pairs = vec![
            ("since", calendar::start_of(since, &zone).to_string()),
            ("until", calendar::start_of(until + 1, &zone).to_string()),
        ];
        pairs.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        for dimension in [Dimension::Channel, Dimension::Source, Dimension::Campaign] {
            pairs.extend(self.value_of(key, dimension).map(|value| (dimension.name(), value)));
        }
        format!("/api/v1/sites/{}/leads?{}", site.slug, encoded(&pairs))
    }
}

/// Pairs as they stand in an address.
fn encoded(pairs: &[(&str, String)]) -> String {
    let escaped = pairs.iter().map(|(name, value)| format!("{name}={}", query::escaped(value)));
    escaped.collect::<Vec<_>>().join("&")
}
