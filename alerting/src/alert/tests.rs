//! The life of an alert, cell by cell.

use jiff::SignedDuration;
use vitals::Unit;

use super::*;
use crate::sample::{EPOCH, key, minute, quantity};

/// Evidence of high priority.
fn evidence(seq: u64, at_minute: i64) -> Evidence {
    Evidence {
        priority: Priority::High,
        vital: Some(Vital::SystolicPressure),
        value: Some(quantity("184", Unit::MillimetreOfMercury)),
        limit: Some(quantity("180", Unit::MillimetreOfMercury)),
        readings: vec![ReadingId { epoch: EPOCH, seq }],
        fact: "Systolic pressure 184 mmHg is at or above the limit of 180 mmHg".to_owned(),
        measured: minute(at_minute).into(),
        late: false,
        degree: Degree::Value(Direction::Rise),
    }
}

const ANOTHER: Beside = Beside { confirms: true, stood_on: None };

fn origin() -> Origin<'static> {
    let (category, clears) = (Category::Clinical, None);
    Origin { rule: "systolic-crisis", plan: "hypertension", plan_version: 3, category, clears }
}

fn raised(priority: Priority) -> Alert {
    let evidence = Evidence { priority, ..evidence(1, 0) };
    Alert::raised(&minute(0).into(), key(1), None, &origin(), &evidence, true)
}

/// An alert of `priority` that stands like `standing`.
fn alert(standing: Standing, priority: Priority) -> Alert {
    let active = raised(priority);
    match standing {
        Standing::Pending => Alert::asked(
            &minute(0).into(),
            key(1),
            None,
            &origin(),
            &Evidence { priority, ..evidence(1, 0) },
            minute(10).into(),
        ),
        Standing::Active => active,
        Standing::Acknowledged => active.acknowledged(minute(1), "Nurse A", None).unwrap(),
        Standing::Latched => active.cleared(minute(1), &evidence(2, 1)).unwrap(),
        Standing::Done => active.closed(minute(1), "Nurse A", Disposition::Test, None).unwrap(),
    }
}

/// What the operation behind `change` makes of `alert`.
fn perform(alert: &Alert, change: Change) -> Option<Alert> {
    let now = Moment::from(minute(2));
    match change {
        Change::Asked | Change::Raised | Change::Confirmed => alert.changed(now.at, change),
        Change::Repeated => {
            let evidence = Evidence { priority: alert.priority, ..evidence(3, 2) };
            alert.repeated(&now, &origin(), &evidence, Beside { confirms: false, stood_on: None })
        }
        Change::Stale => alert.gone_stale(&now),
        Change::Escalated => alert.climbed(&now, "backup", SignedDuration::from_mins(15)),
        Change::Resumed => alert.resumed(&now),
        Change::Acknowledged => alert.acknowledged(now.at, "Nurse B", None).ok(),
        Change::Cleared => alert.cleared(now.at, &evidence(3, 2)),
        Change::Closed => alert.closed(now.at, "Nurse B", Disposition::Test, None).ok(),
    }
}

const WAITING: Option<Standing> = Some(Standing::Pending);
const ACTIVE: Option<Standing> = Some(Standing::Active);
const ACKNOWLEDGED: Option<Standing> = Some(Standing::Acknowledged);
const LATCHED: Option<Standing> = Some(Standing::Latched);
const DONE: Option<Standing> = Some(Standing::Done);

/// A row for each standing, a column for each change in the order of [`Change::ALL`].
type Table = [(Standing, [Option<Standing>; 10]); 4];

#[rustfmt::skip]
const HIGH: Table = [
    (Standing::Active, [None, None, ACTIVE, ACTIVE, ACTIVE, ACTIVE, None, ACKNOWLEDGED, LATCHED, DONE]),
    (Standing::Acknowledged, [None, None, ACKNOWLEDGED, ACKNOWLEDGED, ACTIVE, ACTIVE, ACTIVE, None, DONE, DONE]),
    (Standing::Latched, [None, None, ACTIVE, ACTIVE, None, LATCHED, None, DONE, None, DONE]),
    (Standing::Done, [None; 10]),
];

/// The same of what waits for a repeated measurement, whatever its priority.
const PENDING: [Option<Standing>; 10] =
    [None, ACTIVE, ACTIVE, WAITING, None, None, None, None, DONE, DONE];

#[test]
fn the_table_of_what_waits_for_a_repeated_measurement() {
    for priority in [Priority::High, Priority::Medium, Priority::Low] {
        for (change, expected) in Change::ALL.into_iter().zip(PENDING) {
            assert_eq!(Standing::Pending.after(change, priority), expected, "{change}");
        }
    }
}

#[test]
fn the_fields_of_a_pending_alert_say_what_the_table_says() {
    let (now, evidence) =
        (minute(0).into(), Evidence { priority: Priority::Medium, ..evidence(1, 0) });
    let pending = Alert::asked(&now, key(1), None, &origin(), &evidence, minute(10).into());
    assert_eq!((pending.state, pending.standing()), (Change::Asked, Standing::Pending));
    for (change, expected) in Change::ALL.into_iter().zip(PENDING) {
        let after = match change {
            Change::Raised => pending.unconfirmed(&minute(10).into()),
            Change::Confirmed => pending.confirmed_by_mean(&minute(2).into(), &origin(), &evidence),
            // Only what is no other measurement repeats here: another one confirms.
            Change::Repeated => {
                let evidence = Evidence { readings: Vec::new(), ..evidence.clone() };
                pending.counted(&minute(2).into(), &origin(), &evidence)
            }
            Change::Asked
            | Change::Stale
            | Change::Escalated
            | Change::Resumed
            | Change::Acknowledged
            | Change::Cleared
            | Change::Closed => perform(&pending, change),
        };
        assert_eq!(after.as_ref().map(Alert::standing), expected, "{change}");
        assert!(after.is_none_or(|it| it.state == change));
    }
}

#[test]
fn the_table_of_a_high_alert() {
    for (standing, row) in HIGH {
        for (change, expected) in Change::ALL.into_iter().zip(row) {
            assert_eq!(standing.after(change, Priority::High), expected, "{standing:?} {change}");
        }
    }
}

#[test]
fn lower_priorities_differ_only_in_that_they_do_not_latch() {
    for priority in [Priority::Medium, Priority::Low] {
        for (standing, row) in HIGH {
            for (change, high) in Change::ALL.into_iter().zip(row) {
                let unanswered = (standing, change) == (Standing::Active, Change::Cleared);
                let expected = if unanswered { DONE } else { high };
                assert_eq!(standing.after(change, priority), expected, "{standing:?} {change}");
            }
        }
    }
}

#[test]
fn the_fields_of_an_alert_say_what_the_table_says() {
    for (standing, row) in HIGH {
        let before = alert(standing, Priority::High);
        assert_eq!(before.standing(), standing);
        for (change, expected) in Change::ALL.into_iter().zip(row) {
            let after = perform(&before, change);
            assert_eq!(after.as_ref().map(Alert::standing), expected, "{standing:?} {change}");
            if let Some(after) = after {
                assert_eq!((after.state, after.rev), (change, before.rev + 1));
                assert_eq!((after.id, after.changed_at), (before.id, minute(2)));
            }
        }
    }
}

#[test]
fn an_escalation_takes_the_acknowledgement_away() {
    let medium = alert(Standing::Acknowledged, Priority::Medium);
    let escalated =
        medium.repeated(&minute(2).into(), &origin(), &evidence(3, 2), ANOTHER).unwrap();
    assert_eq!(escalated.state, Change::Escalated);
    assert_eq!((escalated.priority, escalated.by), (Priority::High, None));
}

#[test]
fn a_plan_that_lowers_the_priority_does_not_lower_it_in_an_episode() {
    let high = alert(Standing::Active, Priority::High);
    let milder = Evidence { priority: Priority::Low, ..evidence(3, 2) };
    let repeated = high.repeated(&minute(2).into(), &origin(), &milder, ANOTHER).unwrap();
    assert_eq!((repeated.state, repeated.priority), (Change::Repeated, Priority::High));
}

#[test]
fn a_reading_counts_once() {
    let high = alert(Standing::Active, Priority::High);
    assert_eq!(high.repeated(&minute(2).into(), &origin(), &evidence(1, 0), ANOTHER), None);
}

#[test]
fn the_first_and_the_latest_readings_are_named() {
    let mut alert = raised(Priority::High);
    for seq in 2..=40 {
        let evidence = evidence(seq, 0);
        alert = alert.repeated(&minute(2).into(), &origin(), &evidence, ANOTHER).unwrap();
    }
    let named: Vec<u64> = alert.readings.iter().map(|it| it.seq).collect();
    assert_eq!(named, std::iter::once(1).chain(26..=40).collect::<Vec<_>>());
    assert_eq!(alert.count, 40);
}

#[test]
fn an_answer_needs_a_name() {
    let alert = raised(Priority::High);
    let refusal = Refusal::NoName { alert: alert.id };
    assert_eq!(alert.acknowledged(minute(1), " ", None), Err(refusal.clone()));
    assert_eq!(alert.closed(minute(1), "", Disposition::Test, None), Err(refusal));
}

#[test]
fn standings_have_their_words() {
    let words = Standing::ALL.map(Standing::as_str);
    assert_eq!(words, ["pending", "active", "acknowledged", "latched", "done"]);
}

#[test]
fn only_what_is_done_is_not_open() {
    for standing in Standing::ALL {
        let priority = if standing == Standing::Pending { Priority::Low } else { Priority::High };
        assert_eq!(alert(standing, priority).is_open(), standing != Standing::Done);
    }
}
