//! Known answers across nights, weekends, holidays and both days on which the clocks change; and the laws of the clock.

use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const MADRID: &str = "Europe/Madrid";

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn hours(json: &str) -> Hours {
    serde_json::from_str(json).unwrap()
}

/// Nine to nine on weekdays, ten to two on Saturdays; closed on Christmas Day, a Friday in 2026.
fn office() -> Hours {
    hours(
        r#"{"week": {"mon": [["09:00", "21:00"]], "tue": [["09:00", "21:00"]], "wed": [["09:00", "21:00"]],
            "thu": [["09:00", "21:00"]], "fri": [["09:00", "14:00"], ["16:00", "21:00"]], "sat": [["10:00", "14:00"]]},
            "holidays": ["2026-12-25"]}"#,
    )
}

#[test]
fn a_clock_stands_still_while_nobody_is_there() {
    let office = office();
    let calendar = Calendar::new(&office, MADRID);
    // (it begins, how long it runs, when it has run out); November is UTC+1.
    for (from, ms, until) in [
        ("2026-11-24T10:00:00+01:00", MINUTE, "2026-11-24T10:01:00+01:00"),
        ("2026-11-24T20:59:30+01:00", MINUTE, "2026-11-25T09:00:30+01:00"),
        ("2026-11-24T20:59:00+01:00", MINUTE, "2026-11-24T21:00:00+01:00"),
        ("2026-11-24T23:10:00+01:00", MINUTE, "2026-11-25T09:01:00+01:00"),
        // Friday's siesta, and the weekend.
        ("2026-11-27T13:30:00+01:00", HOUR, "2026-11-27T16:30:00+01:00"),
        ("2026-11-27T20:00:00+01:00", 2 * HOUR, "2026-11-28T11:00:00+01:00"),
        ("2026-11-28T13:59:00+01:00", 2 * MINUTE, "2026-11-30T09:01:00+01:00"),
        // Christmas Day is closed, the Saturday after is not.
        ("2026-12-24T21:00:00+01:00", HOUR, "2026-12-26T11:00:00+01:00"),
        // The clocks go back in the night to Sunday 2026-10-25, and forward in the one to 2026-03-29.
        ("2026-10-24T13:59:00+02:00", 2 * MINUTE, "2026-10-26T09:01:00+01:00"),
        ("2026-03-28T13:59:00+01:00", 2 * MINUTE, "2026-03-30T09:01:00+02:00"),
    ] {
        assert_eq!(calendar.after_open_ms(at(from), ms), Some(at(until)), "{from}");
        assert_eq!(calendar.open_ms_between(at(from), at(until)), ms, "{from}");
    }
    assert!(
        calendar.is_open(at("2026-11-24T09:00:00+01:00"))
            && !calendar.is_open(at("2026-11-24T21:00:00+01:00"))
    );
    assert_eq!(calendar.next_open(at("2026-12-24T22:00:00+01:00")), Some(at("2026-12-26T10:00:00+01:00")));
}

#[test]
fn a_day_on_which_the_clocks_change_has_the_hours_that_it_has() {
    let all = hours(r#"{"week": {"sun": [["00:00", "24:00"]]}}"#);
    let calendar = Calendar::new(&all, MADRID);
    for (from, to, expected) in [
        ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 25),
        ("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 23),
        ("2026-11-22T00:00:00+01:00", "2026-11-23T00:00:00+01:00", 24),
    ] {
        assert_eq!(calendar.open_ms_between(at(from), at(to)), expected * HOUR, "{from}");
        assert_eq!(calendar.open_ms_between(at(from) - 3 * HOUR, at(to) + 3 * HOUR), expected * HOUR);
    }
    // 02:30 is not there in spring, and twice in autumn.
    let night = hours(r#"{"week": {"sun": [["02:00", "02:30"], ["02:30", "04:00"]]}}"#);
    let calendar = Calendar::new(&night, MADRID);
    let spring = (at("2026-03-29T00:00:00+01:00"), at("2026-03-30T00:00:00+02:00"));
    assert_eq!(calendar.open_ms_between(spring.0, spring.1), HOUR, "from three to four");
    let autumn = (at("2026-10-25T00:00:00+02:00"), at("2026-10-26T00:00:00+01:00"));
    assert_eq!(
        calendar.open_ms_between(autumn.0, autumn.1),
        3 * HOUR,
        "two to four, with three o'clock twice"
    );
}

#[test]
fn who_is_never_there_has_no_moment() {
    let never = hours(r#"{"week": {}}"#);
    let calendar = Calendar::new(&never, MADRID);
    assert_eq!((calendar.next_open(0), calendar.after_open_ms(0, 1)), (None, None));
    assert_eq!(calendar.open_ms_between(0, 1_000 * HOUR), 0);
    let always = Hours::always();
    let calendar = Calendar::new(&always, MADRID);
    assert_eq!((calendar.next_open(7), calendar.after_open_ms(7, 5)), (Some(7), Some(12)));
}

#[test]
fn two_places_are_open_together_when_both_are() {
    let (office, spanish) = (office(), Hours::spanish());
    let (here, there) = (Calendar::new(&office, MADRID), Calendar::new(&spanish, "America/Mexico_City"));
    // Nine in Mexico is four in the afternoon in Madrid.
    let night = at("2026-11-24T08:00:00+01:00");
    assert_eq!(here.next_open_with(&there, night), Some(at("2026-11-24T16:00:00+01:00")));
    // A Saturday is open here and not there.
    assert_eq!(
        here.next_open_with(&there, at("2026-11-28T10:30:00+01:00")),
        Some(at("2026-11-30T16:00:00+01:00"))
    );
    let never = hours(r#"{"week": {}}"#);
    assert_eq!(here.next_open_with(&Calendar::new(&never, MADRID), night), None);
}

#[test]
fn hours_are_read_as_they_are_written_and_mistakes_are_told() {
    for given in [office(), Hours::always(), Hours::spanish(), hours(r#"{"holidays": ["2026-12-25"]}"#)] {
        let text = serde_json::to_string(&given).unwrap();
        assert_eq!(hours(&text), given, "{text}");
        let packed = rmp_serde::to_vec_named(&given).unwrap();
        assert_eq!(rmp_serde::from_slice::<Hours>(&packed).unwrap(), given);
    }
    assert_eq!((hours(r#""always""#), hours(r#""es""#)), (Hours::always(), Hours::spanish()));
    for (bad, said) in [
        (r#""never""#, "a preset: always, es"),
        (r#"{"weeks": {}}"#, "weeks"),
        (r#"{"week": {"lun": []}}"#, "lun"),
        (r#"{"week": {"mon": [["9:00", "21:00"]]}}"#, "two times of the day"),
        (r#"{"week": {"mon": [["09:00", "24:01"]]}}"#, "two times of the day"),
        (r#"{"week": {"mon": [["09:60", "21:00"]]}}"#, "two times of the day"),
        (r#"{"week": {"mon": [["22:00", "06:00"]]}}"#, "must end after it begins"),
        (r#"{"week": {"mon": [["09:00", "15:00"], ["14:00", "21:00"]]}}"#, "do not overlap"),
        (r#"{"holidays": ["25/12/2026"]}"#, "a date such as"),
    ] {
        let error = serde_json::from_str::<Hours>(bad).unwrap_err().to_string();
        assert!(error.contains(said), "{bad}: {error}");
    }
}

fn any_day() -> impl Strategy<Value = DayHours> {
    prop::collection::btree_set(0u16..=96, 0..7).prop_map(|quarters| {
        let quarters: Vec<u16> = quarters.into_iter().map(|quarter| quarter * 15).collect();
        DayHours(quarters.chunks_exact(2).map(|two| Span { from: two[0], to: two[1] }).collect())
    })
}

prop_compose! {
    fn any_hours()(days in prop::collection::vec(any_day(), 7), holidays in prop::collection::btree_set(20_400i32..20_900, 0..30)) -> Hours {
        let [mon, tue, wed, thu, fri, sat, sun] = <[DayHours; 7]>::try_from(days).unwrap();
        let week = Week { mon, tue, wed, thu, fri, sat, sun };
        Hours { week: Some(Box::new(week)), holidays: holidays.into_iter().map(Holiday).collect() }
    }
}

fn any_zone() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        MADRID,
        "UTC",
        "America/Mexico_City",
        "America/Santiago",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn open_time_adds_up_and_a_clock_that_has_run_out_has_run_that_long(
        hours in any_hours(),
        zone in any_zone(),
        // 2026 from November on, and 2027.
        from in 1_793_500_000_000i64..1_820_000_000_000,
        ahead in 0i64..40 * 24 * HOUR,
        further in 0i64..40 * 24 * HOUR,
        ms in 1i64..200 * HOUR,
    ) {
        let calendar = Calendar::new(&hours, zone);
        let (middle, end) = (from + ahead, from + ahead + further);
        let whole = calendar.open_ms_between(from, end);
        prop_assert_eq!(calendar.open_ms_between(from, middle) + calendar.open_ms_between(middle, end), whole);
        prop_assert!((0..=end - from).contains(&whole));
        prop_assert_eq!(calendar.is_open(from), calendar.open_ms_between(from, from + 1) == 1);
        match calendar.after_open_ms(from, ms) {
            Some(until) => {
                prop_assert_eq!(calendar.open_ms_between(from, until), ms);
                prop_assert_eq!(calendar.open_ms_between(from, until - 1), ms - 1, "not later than it has to be");
                prop_assert!(calendar.after_open_ms(from, ms + HOUR).is_none_or(|later| later > until));
            }
            None => prop_assert!(calendar.open_ms_between(from, from + 700 * 24 * HOUR) < ms),
        }
        match calendar.next_open(from) {
            Some(open) => {
                prop_assert!(open >= from && calendar.is_open(open));
                prop_assert_eq!(calendar.open_ms_between(from, open), 0);
            }
            None => prop_assert_eq!(calendar.open_ms_between(from, from + 700 * 24 * HOUR), 0),
        }
    }
}
