//! Missed measurements, and those that nobody could have heard, through the hub and its ledger.

use super::*;
use crate::hub::Event;
use crate::hub::tests::{Home, stamp};
use crate::link::LinkEvent;

/// The pressure is due from 13:00 to 14:00, and the hub starts at 12:40.
const PLAN: &str = r#"
name = "hypertension"
version = 1
subject = "client-1"
late_after_min = 60

[[schedule]]
id = "pressure-missed"
vital = "systolic-pressure"
priority = "low"
windows = ["13:00-14:00"]
grace_min = 0
missed_in_a_row = 2
"#;

/// 125 mmHg at 13:39:54.
const NORMAL: &str = "167d0050006600e10701100d273640000000";

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// 14:00 of the first day.
const CLOSES: u64 = 80 * 60;

fn home() -> Home {
    let mut home = Home::watched_by(PLAN);
    home.step(Event::Started);
    home
}

fn restart(home: &mut Home) {
    home.restart();
    home.step(Event::Started);
}

fn missed(home: &Home) -> Vec<(String, String)> {
    let alerts = home.alerts().into_iter().filter(|it| it.category == "adherence");
    alerts.map(|it| (it.state, it.why)).collect()
}

fn told(home: &Home, kind: EventKind) -> Vec<String> {
    let events = home.events().into_iter().filter(|it| it.kind == kind.as_str());
    events.map(|it| it.text).collect()
}

#[test]
fn what_was_not_measured_is_told_with_what_may_be_the_cause() {
    let mut home = home();
    home.pass(CLOSES + DAY - 1);
    assert_eq!(missed(&home), []);
    home.pass(CLOSES + DAY);
    let missed = missed(&home);
    let [(state, why)] = missed.as_slice() else { panic!("{missed:?}") };
    assert_eq!(state, "raised");
    assert_eq!(
        why,
        "Systolic pressure was not measured in 2 windows in a row, the last 13:00 to 14:00 on 2017-01-17; cuff was not heard since the hub started (rule pressure-missed, plan hypertension version 1)."
    );
}

#[test]
fn a_measurement_counts_also_after_a_restart() {
    let mut home = home();
    home.pass(HOUR);
    home.indicate(NORMAL);
    home.pass(CLOSES + DAY);
    assert_eq!(missed(&home), []);
    restart(&mut home);
    // Nothing tells how long the hub was off since its last record: the window of that day is no
    // missed one.
    home.pass(CLOSES + 2 * DAY);
    assert_eq!(missed(&home), []);
    home.pass(CLOSES + 3 * DAY);
    assert_eq!(missed(&home).len(), 1);
    home.seconds = 3 * DAY + 2 * HOUR;
    let fourth_day = NORMAL.replace("0110", "0113").replace("0d27", "0e26");
    home.indicate(&fourth_day);
    assert_eq!(missed(&home).last().map(|it| it.0.as_str()), Some("cleared"));
}

#[test]
fn a_window_in_which_the_hub_was_off_is_told_and_not_missed() {
    let mut home = home();
    home.pass(10 * 60);
    home.seconds = 2 * HOUR;
    restart(&mut home);
    let unheard = told(&home, EventKind::MeasurementUnheard);
    assert_eq!(
        unheard,
        [
            "A measurement of systolic pressure was due in 1 window in which it may not have been heard: the hub was off. It does not count as missed."
        ]
    );
    home.pass(CLOSES + DAY);
    assert_eq!(missed(&home), []);
    home.pass(CLOSES + 2 * DAY);
    assert_eq!(missed(&home).len(), 1);
    restart(&mut home);
    assert_eq!(told(&home, EventKind::MeasurementUnheard).len(), 1);
    assert_eq!(told(&home, EventKind::PlanApplied), ["The care plan hypertension 1 is in force."]);
}

#[test]
fn a_window_without_the_adapter_is_told_and_not_missed() {
    let mut home = home();
    home.pass(10 * 60);
    let lost = LinkEvent::Lost(LinkName::Bluetooth, "the adapter went away".to_owned());
    home.step(Event::Link(lost));
    home.pass(CLOSES + DAY + HOUR);
    assert_eq!(missed(&home), []);
    home.step(Event::Link(LinkEvent::Up(LinkName::Bluetooth)));
    let unheard = told(&home, EventKind::MeasurementUnheard);
    let [text] = unheard.as_slice() else { panic!("{unheard:?}") };
    assert!(text.contains("due in 2 windows") && text.contains("the bluetooth link was lost"));
    restart(&mut home);
    home.pass(CLOSES + 2 * DAY);
    assert_eq!(missed(&home), []);
    home.pass(CLOSES + 3 * DAY);
    assert_eq!(missed(&home).len(), 1);
}

#[test]
fn the_loss_of_another_link_hinders_nothing() {
    let mut home = home();
    let lost = LinkEvent::Lost(LinkName::Serial, "no port".to_owned());
    home.step(Event::Link(lost));
    home.pass(CLOSES + DAY);
    assert_eq!(missed(&home).len(), 1);
}

#[test]
fn a_link_that_was_lost_before_a_restart_does_not_stay_lost() {
    let mut home = home();
    let lost = LinkEvent::Lost(LinkName::Bluetooth, "the adapter went away".to_owned());
    home.step(Event::Link(lost));
    home.pass(CLOSES + HOUR);
    restart(&mut home);
    home.pass(CLOSES + 2 * DAY);
    assert_eq!(missed(&home).len(), 1);
}

#[test]
fn days_that_a_clock_skipped_are_not_missed() {
    let mut home = home();
    home.pass(10 * 60);
    let ahead = |seconds| Stamp {
        wall: stamp(seconds).wall + SignedDuration::from_hours(96),
        ..stamp(seconds)
    };
    let event = Event::Clock(crate::clock::Synchronization::Reached);
    home.hub.step(ahead(home.seconds), event).unwrap();
    for seconds in [601, 602, 700] {
        home.hub.step(ahead(seconds), Event::Deadline).unwrap();
    }
    assert_eq!(missed(&home), []);
    assert_eq!(told(&home, EventKind::MeasurementUnheard).len(), 1);
}

#[test]
fn a_quiet_hub_that_ran_until_it_was_killed_was_not_off_before() {
    let mut home = home();
    // It runs through a whole window, hears nothing, and is killed and started at once.
    for seconds in (10..=2 * HOUR).step_by(10) {
        home.pass(seconds);
        let event = Event::Clock(crate::clock::Synchronization::Reached);
        home.hub.step(stamp(seconds), event).unwrap();
    }
    for _again in 0..2 {
        home.seconds += 30;
        restart(&mut home);
        assert!(told(&home, EventKind::MeasurementUnheard).is_empty());
    }
    home.pass(CLOSES + DAY);
    assert_eq!(missed(&home).len(), 1);
}

#[test]
fn a_missed_measurement_that_a_person_closed_is_not_told_again_after_a_restart() {
    let mut home = home();
    home.pass(CLOSES + DAY);
    let alerts = home.alerts();
    let alert = alerts.iter().find(|it| it.category == "adherence").unwrap();
    let alert = alert.alert_id.parse().unwrap();
    let (by, note) = ("Nora".to_owned(), None);
    let disposition = "true-actioned".to_owned();
    let close = v1::Instruction::Close { alert, by, disposition, note };
    home.step(home.command("c-1", close, &crate::hub::tests::key()));
    restart(&mut home);
    home.pass(CLOSES + DAY + HOUR);
    assert_eq!(missed(&home).len(), 2);
    home.pass(CLOSES + 3 * DAY);
    assert_eq!(missed(&home).len(), 3);
}
