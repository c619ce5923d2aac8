//! How far, within which time, and against what.

use vitals::Unit;

use super::*;
use crate::sample::{quantity, reading, systolic};

fn rise() -> Change {
    Change {
        vital: Vital::SystolicPressure,
        priority: Priority::Medium,
        direction: Direction::Rise,
        by: quantity("20", Unit::MillimetreOfMercury),
        clear: quantity("10", Unit::MillimetreOfMercury),
        within: SignedDuration::from_hours(24),
    }
}

fn word(finding: &Finding) -> &'static str {
    match finding {
        Finding::Present(_) => "present",
        Finding::Gone(_) => "gone",
        Finding::Unknown => "unknown",
    }
}

/// What `rule` finds in a last value after others, each given with its hour.
fn last(rule: &Change, values: &[(i64, &str)]) -> Finding {
    let mut history = History::default();
    let mut found = Finding::Unknown;
    for (seq, (hour, value)) in (1_u64..).zip(values) {
        let reading = systolic(seq, hour * 60, value);
        found = rule.judge(&reading, false, &history);
        history.note(&reading);
    }
    found
}

#[test]
fn the_change_itself_alerts_and_a_small_one_clears() {
    let found = |value| word(&last(&rise(), &[(0, "130"), (1, value)]));
    let table = [("151", "present"), ("150", "present"), ("149", "unknown"), ("141", "unknown")];
    for (value, expected) in table {
        assert_eq!(found(value), expected, "{value}");
    }
    assert_eq!([found("140"), found("130"), found("100")], ["gone"; 3]);
}

#[test]
fn it_is_compared_with_the_lowest_of_the_time_before() {
    assert_eq!(word(&last(&rise(), &[(0, "130"), (5, "145"), (6, "150")])), "present");
    assert_eq!(word(&last(&rise(), &[(0, "130"), (5, "145"), (25, "150")])), "gone");
    assert_eq!(word(&last(&rise(), &[(0, "130"), (24, "150")])), "present");
}

#[test]
fn of_values_that_are_as_low_it_names_the_latest() {
    let found = last(&rise(), &[(0, "130"), (1, "130"), (2, "150")]);
    let Finding::Present(evidence) = found else { panic!("{found:?}") };
    assert_eq!(evidence.readings.iter().map(|it| it.seq).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn without_anything_before_it_nothing_can_be_said() {
    assert_eq!(word(&last(&rise(), &[(0, "190")])), "unknown");
    assert_eq!(word(&last(&rise(), &[(0, "130"), (25, "190")])), "unknown");
}

#[test]
fn a_fall_is_the_other_way_round() {
    let fall = Change { direction: Direction::Fall, ..rise() };
    assert_eq!(word(&last(&fall, &[(0, "130"), (1, "110")])), "present");
    assert_eq!(word(&last(&fall, &[(0, "130"), (1, "150")])), "gone");
}

#[test]
fn units_are_converted_exactly() {
    let kilopascal = Change { by: quantity("2", Unit::Kilopascal), ..rise() };
    // 2 kPa are 15.0012… mmHg.
    assert_eq!(word(&last(&kilopascal, &[(0, "130"), (1, "145")])), "unknown");
    assert_eq!(word(&last(&kilopascal, &[(0, "130"), (1, "146")])), "present");
}

#[test]
fn it_says_how_far_and_since_when() {
    let Finding::Present(evidence) = last(&rise(), &[(0, "130"), (5, "152")]) else {
        unreachable!()
    };
    assert_eq!(
        evidence.fact,
        "Systolic pressure 152 mmHg is 22 mmHg above 130 mmHg of 5 h before (limit 20 mmHg within 24 h)"
    );
    assert_eq!(evidence.readings.iter().map(|it| it.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(
        rise().to_string(),
        "systolic pressure rises by 20 mmHg within 24 h (medium), clears at 10 mmHg"
    );
}

#[test]
fn another_vital_says_nothing() {
    let pulse = reading(1, 0, Vital::PulseRate, quantity("70", Unit::PerMinute));
    assert_eq!(rise().judge(&pulse, false, &History::default()), Finding::Unknown);
}
