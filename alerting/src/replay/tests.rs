use vitals::{Unit, Vital};

use super::*;
use crate::alert::Change;
use crate::sample::{PLAN, minute, plan, quantity, reading};

/// Replays systolic pressures at minutes, until `end`.
fn replay(text: &str, values: &[(i64, &str)], end: i64) -> Replay {
    let mut replay = Replay::new(plan(text), TimeZone::UTC);
    for (seq, (at, value)) in (1..).zip(values) {
        let pressure = quantity(value, Unit::MillimetreOfMercury);
        replay.read(&reading(seq, *at, Vital::SystolicPressure, pressure));
    }
    replay.pass(minute(end).into());
    replay
}

fn rules(replay: &Replay) -> Vec<(&str, u32)> {
    replay.episodes().map(|it| (it.rule.as_str(), it.count)).collect()
}

fn names(replay: &Replay) -> Vec<String> {
    replay.episodes().map(|it| it.rule.clone()).collect()
}

#[test]
fn episodes_are_counted_and_not_their_readings() {
    let values = [(0, "185"), (1, "186"), (5, "120"), (10, "190"), (15, "120")];
    let replay = replay(PLAN, &values, 60);
    let counted = rules(&replay);
    assert_eq!(
        counted,
        [
            ("systolic-crisis", 2),
            ("systolic-high", 2),
            ("systolic-crisis", 1),
            ("systolic-high", 1)
        ]
    );
}

#[test]
fn without_an_abnormal_value_there_is_no_episode() {
    assert!(rules(&replay(PLAN, &[(0, "120"), (600, "130")], 6000)).is_empty());
}

const CONFIRMED: &str = r#"
name = "hypertension"
version = 1
subject = "client-4711"
late_after_min = 60

[[threshold]]
id = "systolic-high"
vital = "systolic-pressure"
priority = "medium"
at_or_above = "160 mmHg"
clear_at_or_below = "155 mmHg"
confirm_within_min = 10
"#;

#[test]
fn a_value_that_its_repeat_takes_back_is_no_episode() {
    assert!(rules(&replay(CONFIRMED, &[(0, "165"), (5, "130")], 60)).is_empty());
    assert_eq!(rules(&replay(CONFIRMED, &[(0, "165"), (5, "166")], 60)), [("systolic-high", 2)]);
}

#[test]
fn deadlines_come_between_the_readings_and_after_the_last() {
    let unconfirmed = replay(CONFIRMED, &[(0, "165")], 60);
    let [alert] = unconfirmed.episodes().collect::<Vec<_>>()[..] else { panic!() };
    assert!(!alert.confirmed);
    assert_eq!(alert.raised_at, minute(10));
    assert_eq!(alert.state, Change::Acknowledged);
    // Before its window has ended it is none yet.
    assert!(rules(&replay(CONFIRMED, &[(0, "165")], 9)).is_empty());
    // A later reading does not take the place of the deadline before it.
    let values = [(0, "165"), (30, "130")];
    assert_eq!(replay(CONFIRMED, &values, 60).episodes().count(), 1);
}

#[test]
fn who_is_asked_and_what_a_repeat_took_back_can_be_told() {
    let asked = replay(CONFIRMED, &[(0, "165")], 9);
    assert_eq!((asked.asked().count(), asked.taken_back().count()), (1, 0));
    let taken_back = replay(CONFIRMED, &[(0, "165"), (5, "130")], 60);
    assert_eq!((taken_back.asked().count(), taken_back.taken_back().count()), (0, 1));
}

#[test]
fn what_was_due_before_the_history_begins_is_not_missed() {
    let schedule = r#"
name = "heart-failure"
version = 1
subject = "client-4711"
late_after_min = 60

[[schedule]]
id = "weight-missed"
vital = "body-weight"
priority = "low"
windows = ["06:00-07:00"]
grace_min = 60
missed_in_a_row = 2
"#;
    // A pressure at 8 in the morning, and no weight: the first window is that of the next day.
    let missed_by = |end| names(&replay(schedule, &[(0, "130"), (10, "130")], end));
    assert!(missed_by(24 * 60 - 1).is_empty());
    assert!(missed_by(47 * 60).is_empty());
    assert_eq!(missed_by(48 * 60), ["weight-missed"]);
    // The second window that closes in one stretch of silence raises it, not the first.
    let replayed = replay(schedule, &[(0, "130")], 60 * 60);
    let raised: Vec<_> = replayed.episodes().map(|it| it.raised_at).collect();
    assert_eq!(raised, [minute(48 * 60)]);
}
