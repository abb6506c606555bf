//! Which of two clocks is believed.

use wire::limits::{AHEAD_MS, BACK_MS, SKEW_MS};

/// How far every `at` of a beacon moves, in ms: the whole difference between the clocks where it is over a minute,
/// nothing where it is less (that is latency) or where the page did not say when it sent (that is history).
#[must_use]
pub fn shift(sent: Option<i64>, received_at: i64) -> i64 {
    match sent.and_then(|sent| received_at.checked_sub(sent)) {
        Some(difference) if difference.saturating_abs() > SKEW_MS => difference,
        _ => 0,
    }
}

/// Why a corrected time cannot be believed; `None` where it can.
#[must_use]
pub fn implausible(at: i64, received_at: i64) -> Option<String> {
    const DAY_MS: i64 = 86_400_000;
    let ahead = at.saturating_sub(received_at);
    if ahead > AHEAD_MS {
        Some(format!("{} days ahead", ahead / DAY_MS))
    } else if ahead < -BACK_MS {
        Some(format!("{} days back", ahead.saturating_neg() / DAY_MS))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_310_400_000;

    #[test]
    fn a_minute_is_latency_and_more_is_skew() {
        assert_eq!(shift(Some(NOW - 60_000), NOW), 0);
        assert_eq!(shift(Some(NOW - 60_001), NOW), 60_001);
        assert_eq!(shift(Some(NOW + 3_600_000), NOW), -3_600_000);
        assert_eq!(shift(None, NOW), 0);
        assert_eq!(shift(Some(i64::MIN), NOW), 0);
    }

    #[test]
    fn a_day_ahead_and_five_years_back_are_the_limits() {
        assert_eq!(implausible(NOW + AHEAD_MS, NOW), None);
        assert_eq!(implausible(NOW + 400 * 86_400_000, NOW).as_deref(), Some("400 days ahead"));
        assert_eq!(implausible(NOW - BACK_MS, NOW), None);
        assert_eq!(implausible(NOW - BACK_MS - 1, NOW).as_deref(), Some("1826 days back"));
        assert!(implausible(i64::MAX, NOW).is_some());
        assert!(implausible(i64::MIN, NOW).is_some());
    }
}
