//! What time and repeated measurements do to an alert.

use vitals::{BootId, Flag, Priority, Reading, Unit, Uptime, Vital};

use super::*;
use crate::alert::{Change, Disposition, Refusal};
use crate::rule::confirm::Confirm;
use crate::sample::{key, minute, plan, quantity, reading, systolic};

const LIMITS: &str = r#"
[[threshold]]
id = "systolic-high"
vital = "systolic-pressure"
at_or_above = { low = "140 mmHg", medium = "150 mmHg", high = "180 mmHg" }
clear_at_or_below = "135 mmHg"
"#;

/// An engine whose plan has `keys` before its one rule, and `confirm` in it.
fn engine(keys: &str, confirm: &str) -> Engine {
    let head =
        "name = \"hypertension\"\nversion = 1\nsubject = \"client-4711\"\nlate_after_min = 60\n";
    Engine::new(vec![plan(&format!("{head}{keys}{LIMITS}{confirm}"))], Vec::new())
}

fn confirming() -> Engine {
    engine("", "confirm_within_min = 10\n")
}

/// Observes a systolic pressure at a second, and tells what changed.
fn measure(engine: &mut Engine, seq: u64, second: i64, mmhg: &str) -> Vec<Change> {
    take(engine, &pressure(seq, second, mmhg))
}

fn pressure(seq: u64, second: i64, mmhg: &str) -> Reading {
    let mut reading = systolic(seq, 0, mmhg);
    let mut at = minute(0);
    at.at += SignedDuration::from_secs(second);
    (reading.measured_at, reading.received_at, reading.recorded) = (at, at, at.into());
    reading
}

fn take(engine: &mut Engine, reading: &Reading) -> Vec<Change> {
    let transitions = engine.observe(reading.recorded.at, reading, key(reading.id.seq * 10));
    engine.remember(reading);
    tell(engine, &transitions)
}

fn tell(engine: &mut Engine, transitions: &[Transition]) -> Vec<Change> {
    transitions.iter().for_each(|it| engine.apply(it));
    transitions.iter().map(|it| it.change).collect()
}

fn wait_until(engine: &mut Engine, at_minute: i64) -> Vec<Change> {
    let transitions = engine.advance(minute(at_minute).into(), key(999));
    tell(engine, &transitions)
}

fn only(engine: &Engine) -> Alert {
    let mut open = engine.open();
    let alert = open.next().expect("an alert is open").clone();
    assert_eq!(open.next(), None);
    alert
}

fn minutes_left(engine: &Engine, at_minute: i64) -> Option<i64> {
    engine.next_wait(&minute(at_minute).into()).map(|it| it.as_mins())
}

#[test]
fn a_value_out_of_range_asks_for_a_repeat_that_confirms_it() {
    let mut engine = confirming();
    assert_eq!(measure(&mut engine, 1, 0, "155"), [Change::Asked]);
    let asked = only(&engine);
    assert_eq!((asked.standing(), asked.confirmed), (Standing::Pending, false));
    assert_eq!(minutes_left(&engine, 4), Some(6));
    assert_eq!(measure(&mut engine, 2, 60, "152"), [Change::Confirmed]);
    let alert = only(&engine);
    assert_eq!((alert.standing(), alert.confirmed, alert.count), (Standing::Active, true, 2));
    assert_eq!((alert.priority, alert.id), (Priority::Medium, key(10)));
    assert_eq!(alert.raised_at, minute(1));
    assert_eq!(minutes_left(&engine, 1), None);
}

#[test]
fn a_repeat_counts_after_a_minute() {
    let mut engine = confirming();
    measure(&mut engine, 1, 0, "155");
    assert_eq!(measure(&mut engine, 2, 59, "120"), []);
    assert_eq!(measure(&mut engine, 3, 60, "120"), [Change::Cleared]);
}

#[test]
fn what_is_no_other_measurement_counts_and_does_not_confirm() {
    let mut engine = confirming();
    measure(&mut engine, 1, 0, "150");
    assert_eq!(measure(&mut engine, 2, 30, "155"), [Change::Repeated]);
    let asked = only(&engine);
    assert_eq!((asked.standing(), asked.confirmed, asked.count), (Standing::Pending, false, 2));
    assert_eq!(asked.readings.iter().map(|it| it.seq).collect::<Vec<_>>(), [1, 2]);
    assert!(asked.why.starts_with("Systolic pressure 155 mmHg is at or above"), "{}", asked.why);
    assert_eq!(minutes_left(&engine, 1), Some(9), "the window is that of the first value");
    // A milder one counts, too, and the worse one stands.
    assert_eq!(measure(&mut engine, 3, 59, "152"), [Change::Repeated]);
    assert_eq!(only(&engine).value.map(|it| it.to_string()), Some("155 mmHg".to_owned()));
    // A minute after the first it is another one, whatever came in between; the same reading is none.
    assert_eq!([59, 60].map(|it| measure(&mut engine, 3, it, "152")), [[], []]);
    assert_eq!(measure(&mut engine, 4, 60, "152"), [Change::Confirmed]);
    assert_eq!(only(&engine).count, 4);
}

#[test]
fn a_normal_repeat_comes_a_minute_after_the_last_value_out_of_range() {
    let mut engine = confirming();
    measure(&mut engine, 1, 0, "145");
    measure(&mut engine, 2, 50, "141");
    assert_eq!(measure(&mut engine, 3, 109, "120"), []);
    assert_eq!(measure(&mut engine, 4, 110, "120"), [Change::Cleared]);
}

#[test]
fn the_mean_is_that_of_the_worse_value() {
    let mut engine = confirming();
    measure(&mut engine, 1, 0, "141");
    measure(&mut engine, 2, 10, "149");
    assert_eq!(measure(&mut engine, 3, 70, "131"), [Change::Confirmed], "the mean is 140");
}

#[test]
fn a_value_of_long_ago_counts_and_does_not_confirm() {
    let mut engine = confirming();
    measure(&mut engine, 1, 40 * 60, "145");
    let mut old = pressure(2, 29 * 60, "149");
    (old.received_at, old.recorded) = (minute(41), minute(41).into());
    assert_eq!(take(&mut engine, &old), [Change::Repeated]);
    let asked = only(&engine);
    assert_eq!((asked.confirmed, asked.count, asked.measured), (false, 2, Some(minute(40).into())));
    assert_eq!(asked.value.map(|it| it.to_string()), Some("149 mmHg".to_owned()));
}

#[test]
fn a_plan_may_say_when_a_repeat_counts() {
    let mut engine = engine("", "confirm_within_min = 10\nconfirm_after_s = 120\n");
    measure(&mut engine, 1, 0, "155");
    assert_eq!(measure(&mut engine, 2, 119, "155"), [Change::Repeated]);
    assert_eq!(measure(&mut engine, 3, 120, "155"), [Change::Confirmed]);
}

#[test]
fn a_normal_repeat_ends_it_with_a_record() {
    let mut engine = confirming();
    measure(&mut engine, 1, 0, "145");
    let reading = pressure(2, 60, "130");
    let transitions = engine.observe(reading.recorded.at, &reading, key(20));
    let [transition] = transitions.as_slice() else { panic!("{transitions:?}") };
    assert_eq!((transition.change, transition.alert.standing()), (Change::Cleared, Standing::Done));
    assert!(!transition.alert.confirmed);
    engine.apply(transition);
    assert_eq!(engine.open().count(), 0);
}

#[test]
fn the_mean_of_two_measurements_confirms() {
    let mut engine = confirming();
    measure(&mut engine, 1, 0, "170");
    assert_eq!(measure(&mut engine, 2, 60, "129"), [Change::Confirmed]);
    let alert = only(&engine);
    assert!(alert.why.starts_with("The mean 149.5 mmHg of two values of systolic pressure"));
    assert_eq!((alert.priority, alert.confirmed), (Priority::Medium, true));
    let mut engine = confirming();
    measure(&mut engine, 1, 0, "150");
    assert_eq!(measure(&mut engine, 2, 60, "130"), [Change::Confirmed], "the mean is 140");
    let mut engine = confirming();
    measure(&mut engine, 1, 0, "150");
    assert_eq!(measure(&mut engine, 2, 60, "129"), [Change::Cleared], "the mean is 139.5");
}

#[test]
fn a_repeat_between_the_limit_and_the_clear_level_is_normal() {
    let mut engine = confirming();
    measure(&mut engine, 1, 0, "140");
    assert_eq!(measure(&mut engine, 2, 60, "139"), [Change::Cleared]);
}

#[test]
fn without_a_repeat_it_is_raised_unconfirmed() {
    let mut engine = confirming();
    measure(&mut engine, 1, 0, "155");
    assert_eq!(wait_until(&mut engine, 9), []);
    assert_eq!(wait_until(&mut engine, 10), [Change::Raised]);
    let alert = only(&engine);
    assert_eq!((alert.standing(), alert.confirmed), (Standing::Active, false));
    assert_eq!((alert.priority, alert.raised_at), (Priority::Medium, minute(10)));
    assert_eq!(wait_until(&mut engine, 11), []);
    assert_eq!(measure(&mut engine, 2, 900, "152"), [Change::Confirmed]);
    assert!(only(&engine).confirmed);
}

#[test]
fn a_high_value_never_waits() {
    let mut engine = confirming();
    assert_eq!(measure(&mut engine, 1, 0, "180"), [Change::Raised]);
    let alert = only(&engine);
    assert_eq!((alert.standing(), alert.confirmed), (Standing::Active, true));
}

#[test]
fn a_worse_value_ends_the_waiting_at_once() {
    let mut engine = confirming();
    measure(&mut engine, 1, 0, "145");
    assert_eq!(measure(&mut engine, 2, 5, "181"), [Change::Raised]);
    let alert = only(&engine);
    assert_eq!((alert.standing(), alert.priority), (Standing::Active, Priority::High));
    assert!(alert.confirmed);
}

#[test]
fn a_doubtful_repeat_confirms_and_never_ends_it() {
    let doubtful = |seq, second, mmhg| {
        let mut reading = pressure(seq, second, mmhg);
        reading.flags.insert(Flag::BodyMovement);
        reading
    };
    let mut engine = confirming();
    measure(&mut engine, 1, 0, "155");
    assert_eq!(take(&mut engine, &doubtful(2, 60, "120")), []);
    assert_eq!(take(&mut engine, &doubtful(3, 120, "151")), [Change::Confirmed]);
}

#[test]
fn what_came_late_or_of_nobody_asks_for_nothing_and_is_not_confirmed() {
    let mut late = pressure(1, 0, "155");
    late.received_at = minute(61);
    late.recorded = late.received_at.into();
    let mut engine = confirming();
    assert_eq!(take(&mut engine, &late), [Change::Raised]);
    assert!(!only(&engine).confirmed);

    let mut of_nobody = pressure(1, 0, "155");
    of_nobody.subject_candidates = of_nobody.subject.take().into_iter().collect();
    let mut engine = confirming();
    assert_eq!(take(&mut engine, &of_nobody), [Change::Raised]);
}

#[test]
fn a_pending_alert_can_be_closed_and_not_taken_on() {
    let mut engine = confirming();
    measure(&mut engine, 1, 0, "155");
    let refusal = Refusal::Pending { alert: key(10) };
    assert_eq!(engine.acknowledge(minute(1), key(10), "Nurse A", None), Err(refusal));
    let closed = engine.close(minute(1), key(10), "Nurse A", Disposition::TrueExpected, None);
    engine.apply(&closed.unwrap());
    assert_eq!(wait_until(&mut engine, 10), []);
}

#[test]
fn an_alert_whose_plan_asks_no_more_still_leaves_its_window() {
    let mut asked = confirming();
    measure(&mut asked, 1, 0, "155");
    let open: Vec<Alert> = asked.open().cloned().collect();
    let plans = engine("", "").plans().cloned().collect();
    let mut engine = Engine::new(plans, open.clone());
    assert_eq!(measure(&mut engine, 2, 60, "155"), [Change::Confirmed]);
    let mut engine = Engine::new(Vec::new(), open);
    assert_eq!(wait_until(&mut engine, 10), [Change::Raised]);
}

#[test]
fn a_window_ends_by_the_time_since_the_start_and_after_a_restart_by_the_wall_clock() {
    let at = |wall_min: i64, boot: u8, run_min: i64| Moment {
        at: minute(wall_min),
        on: Some(Uptime { boot: BootId([boot; 16]), ms: run_min * 60_000 }),
        is_known: true,
    };
    let mut engine = confirming();
    let mut reading = systolic(1, 0, "155");
    reading.recorded = at(0, 1, 100);
    take(&mut engine, &reading);
    let wait = |now: Moment| engine.next_wait(&now).map(|it| it.as_mins());
    assert_eq!(wait(at(5000, 1, 104)), Some(6), "the clock was set ahead");
    assert_eq!(wait(at(-5000, 1, 110)), Some(0), "the clock was set back");
    assert_eq!(wait(at(4, 2, 0)), Some(6), "the machine came up again");
    assert_eq!(wait(at(-60, 2, 0)), Some(70));
    assert_eq!(wait(at(-5000, 2, 0)), Some(0), "with a clock that cannot be right");
    let unknown = Moment { is_known: false, ..at(4, 2, 0) };
    assert_eq!(wait(unknown), Some(0), "nobody can tell how long it was off");
}

const LADDER: &str = r#"
stale_after_h = 24
[quiet_hours]
from = "22:00"
to = "07:00"
[[escalation]]
after_min = 15
to = "backup"
[[escalation]]
after_min = 30
to = "supervisor"
[[escalation]]
after_min = 45
to = "night-desk"
priority = "medium"
"#;

#[test]
fn who_does_not_answer_is_passed_over_rung_by_rung() {
    let mut engine = engine(LADDER, "");
    measure(&mut engine, 1, 0, "185");
    assert_eq!(minutes_left(&engine, 5), Some(10));
    assert_eq!(wait_until(&mut engine, 14), []);
    assert_eq!(wait_until(&mut engine, 15), [Change::Escalated]);
    assert_eq!(only(&engine).timers.escalated_to.as_deref(), Some("backup"));
    assert_eq!(wait_until(&mut engine, 29), []);
    assert_eq!(wait_until(&mut engine, 100), [Change::Escalated]);
    assert_eq!(wait_until(&mut engine, 100), [Change::Escalated]);
    assert_eq!(only(&engine).timers.escalated_to.as_deref(), Some("night-desk"));
    assert_eq!(wait_until(&mut engine, 1000), []);
    // What has gone and was not seen climbs, too; an answer ends it.
    measure(&mut engine, 2, 6001 * 60, "120");
    assert_eq!(only(&engine).standing(), Standing::Latched);
    let answer = engine.acknowledge(minute(6002), key(10), "Nurse A", None).unwrap();
    assert_eq!(answer.alert.timers.waits_since, None);
}

#[test]
fn an_answer_ends_the_climb_and_a_worse_value_begins_it_anew() {
    let mut engine = engine(LADDER, "");
    measure(&mut engine, 1, 0, "155");
    assert_eq!(minutes_left(&engine, 0), Some(45), "only one rung is for medium");
    let answer = engine.acknowledge(minute(10), key(10), "Nurse A", None).unwrap();
    engine.apply(&answer);
    assert_eq!(minutes_left(&engine, 10), Some(24 * 60 - 10));
    assert_eq!(measure(&mut engine, 2, 20 * 60, "181"), [Change::Escalated]);
    assert_eq!(minutes_left(&engine, 20), Some(15));
}

#[test]
fn quiet_hours_hold_back_what_is_not_high() {
    // Minute 0 is 8 in the morning.
    let night = 15 * 3600;
    let mut low = engine(LADDER, "");
    measure(&mut low, 1, night, "155");
    let quiet_until = only(&low).timers.quiet_until.map(|it| it.at);
    assert_eq!(quiet_until, Some(minute(23 * 60)));
    assert_eq!(minutes_left(&low, 15 * 60), Some(8 * 60 + 45));
    assert_eq!(measure(&mut low, 2, night + 60, "185"), [Change::Escalated]);
    assert_eq!(only(&low).timers.quiet_until, None);
    assert_eq!(minutes_left(&low, 15 * 60 + 1), Some(15));

    let mut high = engine(LADDER, "");
    measure(&mut high, 1, night, "185");
    assert_eq!((only(&high).timers.quiet_until, minutes_left(&high, 15 * 60)), (None, Some(15)));

    let mut asked = engine(LADDER, "confirm_within_min = 10\n");
    measure(&mut asked, 1, night - 300, "155");
    assert_eq!(wait_until(&mut asked, 15 * 60 + 5), [Change::Raised]);
    assert!(only(&asked).timers.quiet_until.is_some());
}

#[test]
fn an_acknowledgement_for_a_while_ends_by_itself() {
    let mut engine = engine("", "");
    measure(&mut engine, 1, 0, "155");
    let snooze = |note, until| engine.snooze(minute(1).into(), key(10), "Nurse A", note, until);
    assert_eq!(snooze(None, minute(60)), Err(Refusal::NoReason { alert: key(10) }));
    assert_eq!(snooze(Some(" "), minute(60)), Err(Refusal::NoReason { alert: key(10) }));
    assert_eq!(snooze(Some("Called."), minute(1)), Err(Refusal::Ended { alert: key(10) }));
    let longest = snooze(Some("Called."), minute(100_000)).unwrap().alert.timers.until;
    assert_eq!(longest.map(|it| it.at), Some(minute(1 + 24 * 60)));
    let snoozed = snooze(Some("Called."), minute(61)).unwrap();
    assert_eq!(
        (snoozed.change, snoozed.alert.standing()),
        (Change::Acknowledged, Standing::Acknowledged)
    );
    engine.apply(&snoozed);
    assert_eq!(minutes_left(&engine, 1), Some(60));
    assert_eq!(measure(&mut engine, 2, 120, "154"), [Change::Repeated]);
    assert_eq!(wait_until(&mut engine, 60), []);
    assert_eq!(wait_until(&mut engine, 61), [Change::Resumed]);
    let alert = only(&engine);
    assert_eq!((alert.standing(), alert.by, alert.timers.until), (Standing::Active, None, None));
}

#[test]
fn a_worse_value_breaks_an_acknowledgement_for_a_while_and_no_other() {
    let mut engine = engine("", "");
    measure(&mut engine, 1, 0, "155");
    let answer =
        engine.snooze(minute(1).into(), key(10), "A", Some("Called."), minute(60)).unwrap();
    engine.apply(&answer);
    assert_eq!(measure(&mut engine, 2, 120, "155"), [Change::Repeated]);
    assert_eq!(measure(&mut engine, 3, 180, "156"), [Change::Escalated]);
    assert_eq!((only(&engine).standing(), only(&engine).by), (Standing::Active, None));
    let answer = engine.acknowledge(minute(4), key(10), "Nurse B", None).unwrap();
    engine.apply(&answer);
    assert_eq!(measure(&mut engine, 4, 300, "160"), [Change::Repeated]);
    assert_eq!(only(&engine).standing(), Standing::Acknowledged);
}

#[test]
fn silence_after_an_abnormal_value_is_told_once_and_asks_again() {
    let mut engine = engine("stale_after_h = 24", "");
    measure(&mut engine, 1, 0, "155");
    let answer = engine.acknowledge(minute(1), key(10), "Nurse A", None).unwrap();
    engine.apply(&answer);
    assert_eq!(wait_until(&mut engine, 24 * 60 - 1), []);
    assert_eq!(wait_until(&mut engine, 24 * 60), [Change::Stale]);
    let alert = only(&engine);
    assert_eq!((alert.standing(), alert.timers.is_stale), (Standing::Active, true));
    assert_eq!(wait_until(&mut engine, 90 * 24 * 60), []);
    assert_eq!(measure(&mut engine, 2, 91 * 86_400, "155"), [Change::Repeated]);
    assert!(!only(&engine).timers.is_stale);
}

#[test]
fn silence_in_quiet_hours_waits_for_the_morning_where_somebody_had_taken_it_on() {
    // Minute 0 is 8 in the morning; the value of the evening is stale in the night.
    const QUIET: &str = "stale_after_h = 2\n[quiet_hours]\nfrom = \"22:00\"\nto = \"07:00\"\n";
    let gone_stale = |is_taken_on: bool| {
        let mut engine = engine(QUIET, "");
        measure(&mut engine, 1, 13 * 3600, "155");
        if is_taken_on {
            let answer = engine.acknowledge(minute(13 * 60 + 1), key(10), "Nurse A", None);
            engine.apply(&answer.unwrap());
        }
        assert_eq!(wait_until(&mut engine, 15 * 60), [Change::Stale]);
        only(&engine).timers.quiet_until.map(|it| it.at)
    };
    assert_eq!(gone_stale(true), Some(minute(23 * 60)));
    assert_eq!(gone_stale(false), None, "it has waited for a person since the evening");
}

#[test]
fn an_alert_climbs_by_the_ladder_of_its_own_plan() {
    let of = |name: &str, subject: &str, keys: &str| {
        plan(&format!(
            "name = \"{name}\"\nversion = 1\nsubject = \"{subject}\"\nlate_after_min = 60\n\
             {keys}{LIMITS}"
        ))
    };
    let with_ladder = |name, subject| {
        let other = of(name, subject, LADDER);
        let mut engine = Engine::new(vec![of("b", "client-4711", ""), other], Vec::new());
        measure(&mut engine, 1, 0, "155");
        let alerts: Vec<_> = engine.open().filter(|it| it.plan == "b").cloned().collect();
        engine.reopened(alerts)
    };
    assert_eq!(minutes_left(&with_ladder("a", "client-4711"), 0), None);
    assert_eq!(minutes_left(&with_ladder("b", "client-1"), 0), None);
}

#[test]
fn whatever_is_measured_is_fresh() {
    let mut engine = engine("stale_after_h = 24", "");
    measure(&mut engine, 1, 0, "155");
    assert_eq!(measure(&mut engine, 2, 12 * 3600, "138"), [], "neither high nor normal");
    assert_eq!(minutes_left(&engine, 24 * 60), Some(12 * 60));
}

#[test]
fn one_rule_of_a_vital_says_nothing_about_another() {
    let mut engine = confirming();
    measure(&mut engine, 1, 0, "155");
    let pulse = reading(2, 2, Vital::PulseRate, quantity("80", Unit::PerMinute));
    assert_eq!(take(&mut engine, &pulse), []);
    assert_eq!(only(&engine).standing(), Standing::Pending);
}

#[test]
fn pressures_pulses_and_oximetries_are_apart_by_a_minute() {
    let of_a_minute: Vec<Vital> = Vital::ALL
        .into_iter()
        .filter(|it| Confirm::gap_of(*it) == SignedDuration::from_secs(60))
        .collect();
    assert_eq!(
        of_a_minute,
        [
            Vital::SystolicPressure,
            Vital::DiastolicPressure,
            Vital::MeanArterialPressure,
            Vital::PulseRate,
            Vital::OxygenSaturation,
            Vital::PulseAmplitudeIndex,
            Vital::HeartRate,
        ]
    );
    let others = Vital::ALL.into_iter().filter(|it| !of_a_minute.contains(it));
    assert!(others.map(Confirm::gap_of).all(|it| it == SignedDuration::from_secs(5)));
}
