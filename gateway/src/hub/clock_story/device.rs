//! What becomes of a reading whose device shows another time than the hub.

use super::*;
use crate::device::catalogue::TimeWrite;
use crate::link::SessionEnd;

#[test]
fn a_device_is_understood_also_after_the_hub_had_gone_by_its_own_count() {
    let mut home = Home::new();
    // Ten years back is not believed: the hub goes on, and the cuff agrees with it.
    home.saturate(95, -DECADE_S);
    home.press(184, -DECADE_S);
    home.press(120, HOUR_S);
    let states: Vec<_> =
        home.messages::<v1::Alert>(Lane::Alert).into_iter().map(|it| it.state).collect();
    assert_eq!(states, ["raised", "cleared"]);
    assert_eq!(home.readings()[2].time_quality, "corrected");
}

#[test]
fn a_cuff_that_speaks_before_its_clock_is_set_is_understood_where_summer_time_ends() {
    let mut home = Home::in_zone(TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap());
    let sunday: Timestamp = "2026-10-25T06:00:00Z".parse().unwrap();
    home.pass(sunday.duration_since(home.truth).unsigned_abs().as_secs());
    for (systolic, ahead_s, quality) in
        [(184, HOUR_S, "corrected"), (120, HOUR_S, "corrected"), (184, 0, "synced")]
    {
        home.cuff_ahead_s = ahead_s;
        home.press(systolic, 0);
        assert_eq!(home.measured().last().unwrap(), &(quality.to_owned(), home.truth));
    }
    let states: Vec<_> =
        home.messages::<v1::Alert>(Lane::Alert).into_iter().map(|it| it.state).collect();
    assert_eq!(states, ["raised", "cleared", "repeated"]);
}

const MONTH_S: i64 = 30 * 24 * HOUR_S;

/// Quality of the last reading, and how often which priority was raised.
fn told(home: &Home) -> (String, Vec<String>) {
    let raised = home.messages::<v1::Alert>(Lane::Alert).into_iter().map(|it| it.priority);
    (home.readings().last().unwrap().time_quality.clone(), raised.collect())
}

#[test]
fn a_value_of_this_minute_calls_though_its_cuff_fell_back_to_a_date_that_could_be() {
    for is_restarted in [false, true] {
        let mut home = Home::new();
        home.press(120, 0);
        home.pass(60);
        let device = "cuff".parse().unwrap();
        home.step(Event::Link(LinkEvent::Begun(device, home.now())));
        if is_restarted {
            home.restart();
        }
        home.cuff_ahead_s = -MONTH_S;
        home.press(184, 0);
        assert_eq!(told(&home), ("fault".to_owned(), vec!["high".to_owned()]));
        assert_eq!(home.measured()[1].1, home.truth);
    }
}

#[test]
fn the_memory_of_a_cuff_that_is_read_for_the_first_time_or_has_the_right_time_calls_nobody() {
    let past = ("synced".to_owned(), vec!["low".to_owned()]);
    let mut home = Home::new();
    home.cuff_ahead_s = -MONTH_S;
    home.press(184, 0);
    assert_eq!(told(&home), past);

    let mut home = Home::new();
    home.press(120, 0);
    let source = Source::Characteristic(sig_uuid(0x2A08));
    let shown = TimeWrite::DateTime.value(TimeZone::UTC.to_datetime(home.truth));
    home.indicate("cuff", source, shown, 0);
    home.cuff_ahead_s = -MONTH_S;
    home.press(184, 0);
    assert_eq!(told(&home), past);
}

#[test]
fn what_a_cuff_kept_behind_a_changed_battery_counts_from_when_it_was_measured() {
    let mut home = Home::new();
    home.press(184, 0);
    // It fell back to 2010 an hour ago, and has told of that hour when the next session begins.
    home.pass(3600);
    let start: Timestamp = "2010-01-01T00:00:00Z".parse().unwrap();
    let fell_back_s = start.as_second() - home.truth.as_second();
    home.pass(3600);
    let source = Source::Characteristic(sig_uuid(0x2A08));
    let shown = TimeZone::UTC.to_datetime(home.truth + SignedDuration::from_secs(fell_back_s));
    home.indicate("cuff", source, TimeWrite::DateTime.value(shown), 0);
    home.cuff_ahead_s = fell_back_s - 1800;
    home.press(120, 0);
    let stored = home.truth - SignedDuration::from_secs(1800);
    assert_eq!(home.measured()[1], ("corrected".to_owned(), stored));
    let states: Vec<_> =
        home.messages::<v1::Alert>(Lane::Alert).into_iter().map(|it| it.state).collect();
    assert_eq!(states, ["raised", "cleared"], "its time is good enough to say that it is over");
    // Of a later session nobody knows what its clock is worth.
    let at = home.now();
    let over = LinkEvent::Ended("cuff".parse().unwrap(), SessionEnd::ByDevice, at);
    home.step(Event::Link(over));
    home.press(121, 0);
    assert_eq!(home.readings()[2].time_quality, "fault");
}
