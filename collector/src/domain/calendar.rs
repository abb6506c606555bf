//! Days, as a site's time zone has them.

use jiff::{
    Timestamp,
    civil::{Date, date},
    tz::TimeZone,
};

/// Days since 1970-01-01.
pub type Day = i32;

const EPOCH: Date = date(1970, 1, 1);

/// A time zone by its IANA name; UTC where there is none of that name.
#[must_use]
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// Whether there is a time zone of that name.
#[must_use]
pub fn is_zone(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

/// The day of a moment (ms since the epoch) in a time zone.
#[must_use]
pub fn day_of(at: i64, zone: &TimeZone) -> Day {
    let date = Timestamp::from_millisecond(at).map_or(EPOCH, |moment| zone.to_datetime(moment).date());
    days(date)
}

/// A day by its date.
#[must_use]
pub fn days(date: Date) -> Day {
    Day::try_from(date.duration_since(EPOCH).as_hours() / 24).unwrap_or(0)
}

/// Reads YYYY-MM-DD.
#[must_use]
pub fn parse(text: &str) -> Option<Day> {
    let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    text.parse::<Date>().ok().filter(|_| plain).map(days)
}

/// Writes YYYY-MM-DD.
#[must_use]
pub fn text(day: Day) -> String {
    let span = jiff::Span::new().try_days(day);
    span.and_then(|span| EPOCH.checked_add(span)).map_or_else(|_| EPOCH.to_string(), |date| date.to_string())
}

/// When a day begins in a time zone, ms since the epoch; the end of time for days that no calendar has.
#[must_use]
pub fn start_of(day: Day, zone: &TimeZone) -> i64 {
    let date = jiff::Span::new().try_days(day).and_then(|span| EPOCH.checked_add(span)).ok();
    let start = date.and_then(|date| date.to_zoned(zone.clone()).ok());
    start.map_or(i64::MAX, |start| start.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_there_also_when_the_clocks_change() {
        let madrid = zone("Europe/Madrid");
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        for (moment, day) in [
            ("2026-11-22T22:59:59Z", "2026-11-22"),
            ("2026-11-22T23:00:00Z", "2026-11-23"),
            // The night of 24 to 25 October 2026 has an hour more.
            ("2026-10-24T21:59:59Z", "2026-10-24"),
            ("2026-10-24T22:00:00Z", "2026-10-25"),
            ("2026-10-25T22:59:59Z", "2026-10-25"),
            ("2026-10-25T23:00:00Z", "2026-10-26"),
            ("1969-12-31T12:00:00Z", "1969-12-31"),
        ] {
            assert_eq!(text(day_of(at(moment), &madrid)), day, "{moment}");
        }
        assert_eq!(text(day_of(at("2026-11-22T23:00:00Z"), &zone("nowhere"))), "2026-11-22");
    }

    #[test]
    fn dates_are_read_as_they_are_written() {
        assert_eq!(parse("1970-01-02"), Some(1));
        for day in [-1, 0, 20_779, 100_000] {
            assert_eq!(parse(&text(day)), Some(day));
        }
        for bad in ["", "2026-02-30", "2026-2-3", "20261122", "2026-11-22T00:00:00", "hoy"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
