//! How many of how many, within which time.

use vitals::{Flag, Priority, Unit};

use super::*;
use crate::rule::threshold::Side;
use crate::sample::{quantity, systolic};

const DAY_MIN: i64 = 24 * 60;

fn limit(priority: Priority, mmhg: &str) -> Limit {
    Limit { priority, level: quantity(mmhg, Unit::MillimetreOfMercury) }
}

/// Three of the last five within a week at 140 mmHg (low) or 160 mmHg (medium).
fn rule() -> Repeated {
    let (first, further) = (limit(Priority::Low, "140"), vec![limit(Priority::Medium, "160")]);
    let clear = quantity("135", Unit::MillimetreOfMercury);
    let threshold =
        Threshold::new(Vital::SystolicPressure, Side::AtOrAbove, first, further, clear).unwrap();
    Repeated::new(threshold, 3, 5, SignedDuration::from_hours(7 * 24)).unwrap()
}

fn word(finding: &Finding) -> String {
    match finding {
        Finding::Present(it) => format!("{} {}", it.priority, it.readings.len()),
        Finding::Gone(_) => "gone".to_owned(),
        Finding::Unknown => "unknown".to_owned(),
    }
}

/// What the rule finds in each of these values, `every_min` apart.
fn course(values: &[&str], every_min: i64) -> Vec<String> {
    let mut history = History::default();
    let mut found = Vec::new();
    for (seq, value) in (1_u64..).zip(values) {
        let reading = systolic(seq, i64::try_from(seq).unwrap() * every_min, value);
        found.push(word(&rule().judge(&reading, false, &history)));
        history.note(&reading);
    }
    found
}

#[test]
fn the_third_of_five_raises() {
    assert_eq!(course(&["140", "139", "141", "150"], DAY_MIN)[2..], ["unknown", "low 3"]);
    assert_eq!(course(&["140", "120", "120", "120", "141", "150"], DAY_MIN)[5], "unknown");
    assert_eq!(course(&["140", "120", "120", "141", "150"], DAY_MIN)[4], "low 3");
}

#[test]
fn the_newest_has_to_be_one_of_them() {
    assert_eq!(course(&["140", "140", "140", "139"], DAY_MIN)[2..], ["low 3", "unknown"]);
}

#[test]
fn it_clears_when_too_few_are_left_and_the_newest_is_well_inside() {
    let found = course(&["140", "140", "140", "135", "135", "135"], DAY_MIN);
    assert_eq!(found[2..], ["low 3", "unknown", "unknown", "gone"]);
    assert_eq!(course(&["140", "136"], DAY_MIN)[1], "unknown");
    assert_eq!(course(&["140", "135"], DAY_MIN)[1], "gone");
}

#[test]
fn the_most_urgent_limit_that_enough_of_them_reach_counts() {
    assert_eq!(course(&["160", "170", "150"], DAY_MIN)[2], "low 3");
    assert_eq!(course(&["160", "170", "150", "165"], DAY_MIN)[3], "medium 3");
}

#[test]
fn what_is_longer_ago_does_not_count() {
    // With the newest at hour 168 the first is just in time.
    assert_eq!(course(&["140", "140", "140"], 84 * 60)[2], "low 3");
    assert_eq!(course(&["140", "140", "140"], 84 * 60 + 1)[2], "unknown");
}

#[test]
fn a_doubtful_value_is_no_value() {
    let mut history = History::default();
    history.note(&systolic(1, 0, "150"));
    history.note(&systolic(2, 1, "150"));
    let mut doubtful = systolic(3, 2, "150");
    doubtful.flags.insert(Flag::BodyMovement);
    assert_eq!(rule().judge(&doubtful, false, &history), Finding::Unknown);
    history.note(&doubtful);
    assert_eq!(word(&rule().judge(&systolic(4, 3, "150"), false, &history)), "low 3");
}

#[test]
fn what_comes_out_of_order_is_not_judged() {
    let mut history = History::default();
    for seq in 1..=3 {
        history.note(&systolic(seq, 10, "150"));
    }
    assert_eq!(rule().judge(&systolic(4, 9, "150"), false, &history), Finding::Unknown);
}

#[test]
fn it_says_how_many_and_names_them() {
    let mut history = History::default();
    for (seq, value) in [(1, "150"), (2, "120"), (3, "141")] {
        history.note(&systolic(seq, i64::try_from(seq).unwrap(), value));
    }
    let finding = rule().judge(&systolic(4, 4, "145"), false, &history);
    let Finding::Present(evidence) = finding else { unreachable!("{finding:?}") };
    assert_eq!(
        evidence.fact,
        "3 of the last 4 values of systolic pressure are at or above the limit of 140 mmHg, the latest is 145 mmHg"
    );
    assert_eq!(evidence.readings.iter().map(|it| it.seq).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(
        rule().to_string(),
        "3 of 5 values within 7 days: systolic pressure at or above 140 mmHg (low), 160 mmHg (medium), clears at or below 135 mmHg"
    );
}

#[test]
fn numbers_that_can_never_be_are_refused() {
    let with =
        |times, of| Repeated::new(rule().threshold, times, of, SignedDuration::from_hours(1));
    assert!(with(2, 2).is_some() && with(16, 16).is_some());
    assert!(with(1, 2).is_none() && with(3, 2).is_none() && with(17, 17).is_none());
}
