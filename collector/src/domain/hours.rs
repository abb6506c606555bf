//! Hours of the week: when a site's people are there, and when somebody may be called.
//!
//! [`Hours`] are set as clocks on the wall show them; [`Calendar`] lays them on a time zone. Its two questions are each
//! other's inverse: how much open time lies between two moments, and when a clock that runs in open time has run out.

use std::collections::BTreeSet;

use jiff::{
    Timestamp,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::calendar::{self, Day};

/// Where a day ends, in minutes.
const DAY_END: u16 = 24 * 60;
/// So many days ahead somebody must be there once; else it is never.
const AHEAD: usize = 740;
/// Holidays that are kept at most.
pub const MOST_HOLIDAYS: usize = 400;
/// Parts that a day has at most.
const MOST_SPANS: usize = 12;

/// A part of a day: minutes from midnight, as a clock on the wall shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "[String; 2]", into = "[String; 2]")]
struct Span {
    from: u16,
    to: u16,
}

impl TryFrom<[String; 2]> for Span {
    type Error = &'static str;

    fn try_from([from, to]: [String; 2]) -> Result<Self, Self::Error> {
        match (minutes(&from), minutes(&to)) {
            (Some(from), Some(to)) if from < to => Ok(Self { from, to }),
            (Some(_), Some(_)) => {
                Err("must end after it begins; what goes on after midnight is two parts, one up to 24:00")
            }
            _ => Err("must be two times of the day such as [\"09:00\", \"21:00\"]"),
        }
    }
}

impl From<Span> for [String; 2] {
    fn from(span: Span) -> Self {
        [span.from, span.to].map(|minutes| format!("{:02}:{:02}", minutes / 60, minutes % 60))
    }
}

fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| (text.len() == 2).then(|| text.parse::<u16>().ok()).flatten();
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let all = hours * 60 + minutes;
    (minutes < 60 && all <= DAY_END).then_some(all)
}

/// The open parts of a day, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Span>", into = "Vec<Span>")]
struct DayHours(Vec<Span>);

impl TryFrom<Vec<Span>> for DayHours {
    type Error = String;

    fn try_from(mut spans: Vec<Span>) -> Result<Self, Self::Error> {
        spans.sort_unstable_by_key(|span| (span.from, span.to));
        if spans.len() > MOST_SPANS {
            return Err(format!("must have at most {MOST_SPANS} parts"));
        }
        if spans.windows(2).any(|two| matches!(two, [a, b] if b.from < a.to)) {
            return Err("must have parts that do not overlap".to_owned());
        }
        Ok(Self(spans))
    }
}

impl From<DayHours> for Vec<Span> {
    fn from(hours: DayHours) -> Self {
        hours.0
    }
}

impl DayHours {
    fn is_closed(&self) -> bool {
        self.0.is_empty()
    }
}

/// The open parts of a week; a day that is not named is closed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Week {
    #[serde(skip_serializing_if = "DayHours::is_closed")]
    mon: DayHours,
    #[serde(skip_serializing_if = "DayHours::is_closed")]
    tue: DayHours,
    #[serde(skip_serializing_if = "DayHours::is_closed")]
    wed: DayHours,
    #[serde(skip_serializing_if = "DayHours::is_closed")]
    thu: DayHours,
    #[serde(skip_serializing_if = "DayHours::is_closed")]
    fri: DayHours,
    #[serde(skip_serializing_if = "DayHours::is_closed")]
    sat: DayHours,
    #[serde(skip_serializing_if = "DayHours::is_closed")]
    sun: DayHours,
}

/// A day of the calendar, by its date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Holiday(Day);

impl TryFrom<String> for Holiday {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        calendar::parse(&text).map(Self).ok_or("must be a date such as 2026-12-25")
    }
}

impl From<Holiday> for String {
    fn from(day: Holiday) -> Self {
        calendar::text(day.0)
    }
}

/// Hours of the week and days without any. As JSON `{"week": {"mon": [["09:00", "21:00"]], …}, "holidays": […]}`, or the
/// name of a preset: `always`, `es`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hours {
    /// Absent: all day, every day.
    #[serde(skip_serializing_if = "Option::is_none")]
    week: Option<Box<Week>>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    holidays: BTreeSet<Holiday>,
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Body {
            #[serde(default)]
            week: Option<Box<Week>>,
            #[serde(default)]
            holidays: BTreeSet<Holiday>,
        }

        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Hours;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("hours with a week and holidays, or the name of a preset: always, es")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Hours, E> {
                match name {
                    "always" => Ok(Hours::always()),
                    "es" => Ok(Hours::spanish()),
                    _ => Err(E::invalid_value(de::Unexpected::Other("a text"), &self)),
                }
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Hours, A::Error> {
                let body = Body::deserialize(de::value::MapAccessDeserializer::new(map))?;
                if body.holidays.len() > MOST_HOLIDAYS {
                    return Err(de::Error::custom(format!("must have at most {MOST_HOLIDAYS} holidays")));
                }
                Ok(Hours { week: body.week, holidays: body.holidays })
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl Hours {
    /// All day, every day.
    #[must_use]
    pub fn always() -> Self {
        Self { week: None, holidays: BTreeSet::new() }
    }

    /// When people in Spain may be called: Monday to Friday, nine to nine.
    #[must_use]
    pub fn spanish() -> Self {
        let day = || DayHours(vec![Span { from: 9 * 60, to: 21 * 60 }]);
        let week = Week { mon: day(), tue: day(), wed: day(), thu: day(), fri: day(), ..Week::default() };
        Self { week: Some(Box::new(week)), holidays: BTreeSet::new() }
    }

    /// Whether there is no hour that is none of them.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.week.is_none() && self.holidays.is_empty()
    }

    fn of_day(&self, date: Date) -> &[Span] {
        const ALL: &[Span] = &[Span { from: 0, to: DAY_END }];
        if self.holidays.contains(&Holiday(calendar::days(date))) {
            return &[];
        }
        let Some(week) = &self.week else { return ALL };
        let day = match date.weekday() {
            Weekday::Monday => &week.mon,
            Weekday::Tuesday => &week.tue,
            Weekday::Wednesday => &week.wed,
            Weekday::Thursday => &week.thu,
            Weekday::Friday => &week.fri,
            Weekday::Saturday => &week.sat,
            Weekday::Sunday => &week.sun,
        };
        &day.0
    }
}

/// Hours in a time zone. All moments are ms since the epoch.
#[derive(Debug, Clone)]
pub struct Calendar<'a> {
    hours: &'a Hours,
    zone: TimeZone,
}

impl<'a> Calendar<'a> {
    /// Hours as they are in the time zone of this IANA name.
    #[must_use]
    pub fn new(hours: &'a Hours, zone: &str) -> Self {
        // Nobody's clock matters where every hour is open.
        let zone = if hours.is_always() { TimeZone::UTC } else { calendar::zone(zone) };
        Self { hours, zone }
    }

    /// How much open time lies between two moments, in ms; none where the second is the earlier.
    #[must_use]
    pub fn open_ms_between(&self, from: i64, to: i64) -> i64 {
        if self.hours.is_always() {
            return to.saturating_sub(from).max(0);
        }
        if from >= to {
            return 0;
        }
        let open = self.stretches(from, usize::MAX).take_while(|(start, _)| *start < to);
        open.map(|(start, end)| end.min(to) - start).sum()
    }

    /// When a clock that begins at a moment and runs in open time alone shows so many ms: the earliest such moment. `None`
    /// where it never will.
    #[must_use]
    pub fn after_open_ms(&self, from: i64, ms: i64) -> Option<i64> {
        if self.hours.is_always() || ms <= 0 {
            return Some(from.saturating_add(ms.max(0)));
        }
        let mut left = ms;
        for (start, end) in self.stretches(from, AHEAD) {
            if end - start >= left {
                return Some(start + left);
            }
            left -= end - start;
        }
        None
    }

    /// Whether a moment is open.
    #[must_use]
    pub fn is_open(&self, at: i64) -> bool {
        self.next_open(at) == Some(at)
    }

    /// The first open moment from one on; `None` where there is none.
    #[must_use]
    pub fn next_open(&self, at: i64) -> Option<i64> {
        if self.hours.is_always() {
            return Some(at);
        }
        self.stretches(at, AHEAD).next().map(|(start, _)| start)
    }

    /// The first moment from one on that is open here and there; `None` where there is none within a year.
    #[must_use]
    pub fn next_open_with(&self, other: &Calendar<'_>, at: i64) -> Option<i64> {
        let mut here = at;
        // Each round leaves a closed stretch of one of the two behind.
        for _ in 0..AHEAD {
            let there = other.next_open(self.next_open(here)?)?;
            if self.is_open(there) {
                return Some(there);
            }
            here = there;
        }
        None
    }

    /// What is open from a moment on, of so many days: from when to when, in order, none empty.
    fn stretches(&self, from: i64, days: usize) -> impl Iterator<Item = (i64, i64)> + '_ {
        let first = Timestamp::from_millisecond(from).ok();
        let first = first.map(|moment| self.zone.to_datetime(moment).date());
        let dates = std::iter::successors(first, |date| date.tomorrow().ok());
        let spans =
            dates.take(days).flat_map(|date| self.hours.of_day(date).iter().map(move |span| (date, *span)));
        // Where the clocks jump, a part may begin when the one before it has not ended yet.
        spans
            .scan(from, |reached, (date, span)| {
                let start = self.moment(date, span.from).max(*reached);
                let end = self.moment(date, span.to).max(start);
                *reached = end;
                Some((start, end))
            })
            .filter(|(start, end)| start < end)
    }

    fn moment(&self, date: Date, minutes: u16) -> i64 {
        let (date, minutes) = match minutes {
            DAY_END => (date.tomorrow().unwrap_or(date), 0),
            minutes => (date, minutes),
        };
        let (hour, minute) = (minutes / 60, minutes % 60);
        let small = |number: u16| i8::try_from(number).unwrap_or(0);
        let local = date.at(small(hour), small(minute), 0, 0);
        let moment = self.zone.to_ambiguous_timestamp(local).compatible();
        moment.map_or(i64::MAX, Timestamp::as_millisecond)
    }
}

#[cfg(test)]
mod tests;
