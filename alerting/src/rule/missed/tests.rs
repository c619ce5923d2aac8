//! Windows of a day, also of one on which the clocks change.

use super::*;

fn time(hour: i8, minute: i8) -> Time {
    Time::constant(hour, minute, 0, 0)
}

fn weight(window: Window, grace_min: i64) -> Missed {
    Missed {
        vital: Vital::BodyWeight,
        priority: Priority::Low,
        windows: vec![window],
        grace: SignedDuration::from_mins(grace_min),
        in_a_row: 2,
    }
}

/// When the window of `day` opens and has closed with its grace of ten minutes, in New York.
#[track_caller]
fn check(from: Time, to: Time, day: &str, expected: [&str; 2]) {
    let zone = TimeZone::get("America/New_York").unwrap();
    let day: Date = day.parse().unwrap();
    let noon = day.at(12, 0, 0, 0).to_zoned(zone.clone()).unwrap().timestamp();
    let slots = weight(Window { from, to }, 10).slots(noon, &zone);
    let slot = slots.iter().find(|it| it.day == day).unwrap();
    assert_eq!([slot.opens.to_string(), slot.closes.to_string()], expected);
}

#[test]
fn a_window_is_by_the_clock_of_the_home() {
    let (from, to) = (time(6, 0), time(10, 0));
    check(from, to, "2026-03-07", ["2026-03-07T11:00:00Z", "2026-03-07T15:10:00Z"]);
    check(from, to, "2026-03-08", ["2026-03-08T10:00:00Z", "2026-03-08T14:10:00Z"]);
    check(from, to, "2026-11-01", ["2026-11-01T11:00:00Z", "2026-11-01T15:10:00Z"]);
}

#[test]
fn a_window_in_the_hour_that_is_skipped_is_not_left_out() {
    // On 8 March 2026 the clock goes from 02:00 to 03:00.
    let day = "2026-03-08";
    check(time(2, 0), time(3, 0), day, ["2026-03-08T06:00:00Z", "2026-03-08T07:10:00Z"]);
    check(time(2, 15), time(2, 45), day, ["2026-03-08T06:15:00Z", "2026-03-08T07:55:00Z"]);
    check(time(1, 30), time(2, 30), day, ["2026-03-08T06:30:00Z", "2026-03-08T07:40:00Z"]);
}

#[test]
fn a_window_in_the_hour_that_comes_twice_is_open_in_both() {
    // On 1 November 2026 the clock goes from 02:00 back to 01:00.
    let day = "2026-11-01";
    check(time(1, 0), time(1, 30), day, ["2026-11-01T05:00:00Z", "2026-11-01T06:40:00Z"]);
    check(time(0, 30), time(2, 0), day, ["2026-11-01T04:30:00Z", "2026-11-01T07:10:00Z"]);
}

#[test]
fn the_latest_window_comes_first_and_all_are_of_two_weeks() {
    let missed = weight(Window { from: time(6, 0), to: time(10, 0) }, 0);
    let now: Timestamp = "2026-03-20T12:00:00Z".parse().unwrap();
    let slots = missed.slots(now, &TimeZone::UTC);
    let day = |slot: Option<&Slot>| slot.map(|it| it.day.to_string());
    assert_eq!(slots.len(), 16);
    assert_eq!(day(slots.first()).as_deref(), Some("2026-03-21"));
    assert_eq!(day(slots.last()).as_deref(), Some("2026-03-06"));
}

#[test]
fn a_time_of_day_is_a_window_that_opens_its_grace_before() {
    let grace = SignedDuration::from_mins(60);
    assert_eq!(Window::at(time(8, 0), grace), Window { from: time(7, 0), to: time(8, 0) });
    assert_eq!(Window::at(time(0, 30), grace).from, Time::midnight());
    let missed = weight(Window::at(time(8, 0), grace), 60);
    assert_eq!(
        missed.to_string(),
        "weight due 07:00 to 08:00, 1 h of grace, told after 2 missed (low)"
    );
}
