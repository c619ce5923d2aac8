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

#[test]
fn a_clock_that_is_set_hastens_no_deadline() {
    let moment = |minutes: i64, uptime_min: i64| {
        let on = Some(vitals::Uptime { boot: vitals::BootId([1; 16]), ms: uptime_min * 60_000 });
        Moment { at: minute(minutes), on, is_known: true }
    };
    let pressure = |seq, value, when: Moment| Reading {
        measured_at: when.at,
        received_at: when.at,
        recorded: when,
        ..crate::sample::systolic(seq, 0, value)
    };
    let raised = |repeat: Moment| {
        let mut replay = Replay::new(plan(CONFIRMED), TimeZone::UTC);
        replay.read(&pressure(1, "165", moment(0, 0)));
        replay.read(&pressure(2, "120", repeat));
        replay.take_raised().len()
    };
    assert_eq!(raised(moment(300, 5)), 0, "5 min later, the clock was set 5 h ahead");
    assert_eq!(raised(moment(-300, 11)), 1, "11 min later, the clock was set back");
    let of_another_run = Moment { on: None, ..moment(11, 0) };
    assert_eq!(raised(of_another_run), 1);
    let unknown = Moment { is_known: false, ..of_another_run };
    assert_eq!(raised(unknown), 0, "when that was is not known");
}

#[test]
fn what_is_raised_is_taken_out_once_and_what_is_over_is_forgotten() {
    let mut replay = replay(PLAN, &[(0, "165"), (10, "185")], 20);
    let raised =
        |it: &mut Replay| it.take_raised().into_iter().map(|it| it.rule).collect::<Vec<_>>();
    assert_eq!(raised(&mut replay), ["systolic-high", "systolic-crisis"]);
    assert_eq!(raised(&mut replay), [] as [String; 0]);
    assert_eq!(replay.episodes().count(), 2);
    let pressure = |seq, at, value| crate::sample::systolic(seq, at, value);
    replay.read(&pressure(3, 30, "120"));
    assert_eq!(raised(&mut replay), [] as [String; 0]);
    assert_eq!(replay.episodes().count(), 0);
    replay.read(&pressure(4, 40, "170"));
    assert_eq!(raised(&mut replay), ["systolic-high"]);
}

#[test]
fn an_alert_that_becomes_more_urgent_is_raised_again() {
    let mut replay = Replay::new(plan(PLAN), TimeZone::UTC);
    let pulse =
        |seq, at, value| reading(seq, at, Vital::PulseRate, quantity(value, Unit::PerMinute));
    replay.read(&pulse(1, 0, "115"));
    replay.read(&pulse(2, 10, "116"));
    replay.read(&pulse(3, 20, "140"));
    let raised: Vec<_> = replay.take_raised().into_iter().map(|it| it.priority.as_str()).collect();
    assert_eq!(raised, ["medium", "high"]);
}

#[test]
fn each_value_of_an_unknown_client_is_raised() {
    let mut replay = Replay::new(plan(PLAN), TimeZone::UTC);
    let mut raised = |seq, at| {
        let candidates = vec![crate::sample::subject()];
        let reading = crate::sample::systolic(seq, at, "185");
        replay.read(&Reading { subject: None, subject_candidates: candidates, ..reading });
        replay.take_raised().len()
    };
    assert_eq!([raised(1, 0), raised(2, 10)], [2, 2]);
}
