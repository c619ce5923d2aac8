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
fn a_cuff_that_speaks_before_its_clock_is_set_is_understood_where_summer_time_ends_and_begins() {
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let mut home = Home::in_zone(zone);
    home.press(184, 0);
    for (morning, behind_s) in [("2026-03-29T06:00:00Z", HOUR_S), ("2026-10-25T06:00:00Z", -HOUR_S)]
    {
        let morning: Timestamp = morning.parse().unwrap();
        home.pass(morning.duration_since(home.truth).unsigned_abs().as_secs());
        home.cuff_ahead_s = -behind_s;
        home.press(120, 0);
        assert_eq!(home.measured().last().unwrap(), &("corrected".to_owned(), home.truth));
        home.cuff_ahead_s = 0;
        home.press(184, 0);
        assert_eq!(home.measured().last().unwrap(), &("synced".to_owned(), home.truth));
        // What it shows an hour behind from now on was measured an hour ago, and ahead is wrong.
        home.cuff_ahead_s = -behind_s;
        home.press(185, 0);
        let quality = if behind_s == HOUR_S { "synced" } else { "fault" };
        assert_eq!(home.readings().last().unwrap().time_quality, quality);
        home.cuff_ahead_s = 0;
    }
    let states: Vec<_> =
        home.messages::<v1::Alert>(Lane::Alert).into_iter().map(|it| it.state).collect();
    assert_eq!(states.iter().filter(|it| *it == "cleared").count(), 2, "{states:?}");
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
