//! Is a site quieter than it ever is at this time of the week?
//!
//! What came in an hour is compared with the same hour of the weeks before, by the site's clock. How much would have
//! come since the last beacon, had it been as usual, is added up hour by hour: a busy site is missed within half an hour,
//! a small one after a day, and hours in which nothing ever comes add nothing.

use jiff::{Span, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// Hours since the epoch.
pub type Hour = u32;

/// So many beacons must be missing.
pub const EXPECTED: f64 = 20.0;
/// So many submissions of a form. They are fewer, and each is worth more.
pub const EXPECTED_OF_FORM: f64 = 10.0;
/// A pause as long as this is never silence, in ms.
pub const QUIET_MS: i64 = 30 * 60_000;
/// Only so much of a silence is compared, in ms: beyond a week it would be compared with itself.
const LOOK_BACK_MS: i64 = 7 * 86_400_000;
/// Weeks before that an hour is compared with.
pub const WEEKS: i64 = 4;
/// There must be so many of them, or the site is too new to tell.
const ENOUGH_WEEKS: usize = 2;

const HOUR_MS: i64 = 3_600_000;

/// A site went quiet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silent {
    /// When the last beacon came, ms since the epoch.
    pub since: i64,
    /// When it was noticed.
    pub at: i64,
    /// How many beacons would have come since then.
    pub expected: u32,
}

/// Nobody sends a form any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormSilent {
    /// The form's name.
    pub form: String,
    /// Since when, ms since the epoch: the end of the hour of the last one.
    pub since: i64,
    /// When it was noticed.
    pub at: i64,
    /// How many would have been sent since then.
    pub expected: u32,
}

/// When a form was sent for the first time and for the last, by the hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormHours {
    /// The form's name.
    pub form: String,
    /// The first hour.
    pub first: Hour,
    /// The last.
    pub last: Hour,
}

impl FormHours {
    /// Whether the form is silent. `count` says how often it was sent in an hour.
    #[must_use]
    pub fn silent(&self, now: i64, zone: &TimeZone, count: impl Fn(Hour) -> u64) -> Option<FormSilent> {
        let first = i64::from(self.first) * HOUR_MS;
        let silent = missing(now, first, self.since(now), zone, EXPECTED_OF_FORM, count)?;
        let Silent { since, at, expected } = silent;
        Some(FormSilent { form: self.form.clone(), since, at, expected })
    }

    /// Since when it was not sent at the latest.
    #[must_use]
    pub fn since(&self, now: i64) -> i64 {
        ((i64::from(self.last) + 1) * HOUR_MS).min(now)
    }
}

/// The hour of a moment.
#[must_use]
pub fn hour_of(at: i64) -> Hour {
    Hour::try_from(at.div_euclid(HOUR_MS)).unwrap_or(0)
}

/// Whether a site is silent that had its first beacon at `first` and its last at `last`, all in ms since the epoch.
/// `count` says how many beacons came in an hour.
#[must_use]
pub fn silent(
    now: i64,
    first: i64,
    last: i64,
    zone: &TimeZone,
    count: impl Fn(Hour) -> u64,
) -> Option<Silent> {
    missing(now, first, last, zone, EXPECTED, count)
}

fn missing(
    now: i64,
    first: i64,
    last: i64,
    zone: &TimeZone,
    least: f64,
    count: impl Fn(Hour) -> u64,
) -> Option<Silent> {
    if now - last < QUIET_MS {
        return None;
    }
    let mut expected = 0.0;
    let mut from = last.max(now - LOOK_BACK_MS);
    while from < now {
        let to = (from.div_euclid(HOUR_MS) + 1).saturating_mul(HOUR_MS).min(now);
        expected += usual(from, first, zone, &count) * (to - from) as f64 / HOUR_MS as f64;
        from = to;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, and it saturates")]
    let whole = expected as u32;
    (expected >= least).then_some(Silent { since: last, at: now, expected: whole })
}

/// How much comes in the hour of a moment: the lower middle one of the same hours of the weeks before, so that one week
/// with a campaign, or with a holiday, changes little.
fn usual(at: i64, first: i64, zone: &TimeZone, count: &impl Fn(Hour) -> u64) -> f64 {
    let Ok(moment) = Timestamp::from_millisecond(at) else { return 0.0 };
    let local = moment.to_zoned(zone.clone());
    let mut counts: Vec<u64> = (1..=WEEKS)
        .filter_map(|weeks| local.checked_sub(Span::new().try_weeks(weeks).ok()?).ok())
        .map(|before| hour_of(before.timestamp().as_millisecond()))
        .filter(|hour| *hour > hour_of(first))
        .map(count)
        .collect();
    counts.sort_unstable();
    if counts.len() < ENOUGH_WEEKS {
        return 0.0;
    }
    counts.get((counts.len() - 1) / 2).copied().unwrap_or(0) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar;

    const DAY: i64 = 24 * HOUR_MS;
    /// A Monday, 2026-06-01 00:00 in Madrid.
    const MONDAY: i64 = 1_780_264_800_000;

    fn ask(now: i64, first: i64, last: i64, count: impl Fn(Hour) -> u64) -> Option<u32> {
        silent(now, first, last, &calendar::zone("Europe/Madrid"), count).map(|silent| silent.expected)
    }

    /// 60 beacons an hour from 9 to 21 in Madrid (summer), none at night.
    fn shop(hour: Hour) -> u64 {
        let local = (i64::from(hour) * HOUR_MS - MONDAY).rem_euclid(DAY) / HOUR_MS;
        if (9..21).contains(&local) { 60 } else { 0 }
    }

    #[test]
    fn a_busy_hour_is_missed_soon_and_a_quiet_night_never() {
        let first = MONDAY - 60 * DAY;
        let ten = MONDAY + 10 * HOUR_MS;
        assert_eq!(ask(ten + QUIET_MS - 1, first, ten, shop), None, "a pause");
        assert_eq!(ask(ten + QUIET_MS, first, ten, shop), Some(30));
        let evening = MONDAY + 21 * HOUR_MS;
        assert_eq!(ask(evening + 12 * HOUR_MS, first, evening, shop), None, "at nine nothing is missing yet");
        assert_eq!(ask(evening + 12 * HOUR_MS + 19 * 60_000, first, evening, shop), None);
        assert_eq!(ask(evening + 12 * HOUR_MS + 20 * 60_000, first, evening, shop), Some(20));
    }

    #[test]
    fn a_small_site_takes_as_long_as_it_takes() {
        let first = MONDAY - 60 * DAY;
        assert_eq!(ask(MONDAY + 19 * HOUR_MS, first, MONDAY, |_| 1), None);
        assert_eq!(ask(MONDAY + 20 * HOUR_MS, first, MONDAY, |_| 1), Some(20));
        assert_eq!(ask(MONDAY + 90 * DAY, first, MONDAY, |_| 0), None, "nothing ever comes");
    }

    #[test]
    fn a_form_is_missed_sooner_and_from_the_end_of_its_last_hour() {
        let zone = calendar::zone("Europe/Madrid");
        let hours = |last: i64| FormHours {
            form: "te-llamamos".to_owned(),
            first: hour_of(MONDAY - 60 * DAY),
            last: hour_of(last),
        };
        let form = hours(MONDAY + 9 * HOUR_MS + 50 * 60_000);
        let ten = MONDAY + 10 * HOUR_MS;
        assert_eq!(form.since(ten + HOUR_MS), ten);
        assert_eq!(form.since(ten - 5 * 60_000), ten - 5 * 60_000);
        let five = |hour: Hour| if shop(hour) > 0 { 5 } else { 0 };
        assert_eq!(form.silent(ten + 2 * HOUR_MS - 1, &zone, five), None);
        let silent = form.silent(ten + 2 * HOUR_MS, &zone, five).unwrap();
        assert_eq!((silent.since, silent.expected, silent.form.as_str()), (ten, 10, "te-llamamos"));
        // Over a night nothing is missing.
        let evening = hours(MONDAY + 20 * HOUR_MS);
        assert_eq!(evening.silent(MONDAY + 33 * HOUR_MS, &zone, five), None);
    }

    #[test]
    fn a_new_site_is_not_known_well_enough() {
        let now = MONDAY + DAY;
        for (age, expected) in [(8, None), (14, None), (17, Some(360)), (40, Some(360))] {
            assert_eq!(ask(now, now - age * DAY, now - 6 * HOUR_MS, |_| 60), expected, "{age} days");
        }
    }

    #[test]
    fn one_odd_week_changes_nothing() {
        let now = MONDAY + 12 * HOUR_MS;
        let odd = |weeks: i64, odd: u64| {
            move |hour: Hour| {
                if hour == hour_of(now - HOUR_MS) - Hour::try_from(weeks * 168).unwrap() { odd } else { 40 }
            }
        };
        for weeks in 1..=4 {
            for count in [0, 9000] {
                let expected = ask(now, MONDAY - 60 * DAY, now - HOUR_MS, odd(weeks, count));
                assert_eq!(expected, Some(40), "{weeks} weeks ago {count}");
            }
        }
    }

    #[test]
    fn hours_are_the_sites_also_when_the_clocks_change() {
        // 2026-10-25: the clocks went back. A shop that opens at nine is not late at eight UTC the Monday after.
        let monday: i64 = "2026-10-26T00:00:00+01:00".parse::<Timestamp>().unwrap().as_millisecond();
        let nine = monday + 9 * HOUR_MS;
        let summer = |hour: Hour| shop(hour);
        assert_eq!(ask(nine, monday - 60 * DAY, monday - 3 * HOUR_MS, summer), None);
        assert_eq!(ask(nine + 30 * 60_000, monday - 60 * DAY, monday - 3 * HOUR_MS, summer), Some(30));
    }
}
