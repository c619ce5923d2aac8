//! Rules and the life of an alert together: cases in which one part could undo what another found.

use jiff::SignedDuration;
use vitals::{
    BootId, Flag, LocalInstant, Measurement, Moment, Phase, Priority, Reading, ReadingKind,
    TimeQuality, Unit, Uptime, Vital,
};

use super::*;
use crate::alert::Change;
use crate::sample::{key, minute, plan, quantity, reading, systolic};

const HEAD: &str =
    "name = \"sample\"\nversion = 1\nsubject = \"client-4711\"\nlate_after_min = 60\n";

const LIMITS: &str = r#"
[[threshold]]
id = "high"
vital = "systolic-pressure"
at_or_above = { low = "140 mmHg", medium = "160 mmHg", high = "180 mmHg" }
clear_at_or_below = "135 mmHg"
confirm_within_min = 10
"#;

const CHECK: &str = r#"
[[implausible]]
id = "check"
vital = "systolic-pressure"
priority = "low"
possible_from = "40 mmHg"
possible_to = "300 mmHg"
plausible_from = "70 mmHg"
plausible_to = "250 mmHg"
jumps_by = "40 mmHg"
within_min = 10
"#;

const NEWS2: &str = r#"
[[news2]]
id = "news2"
scale = 1
max_age_min = 60
at_or_above = { medium = 5, high = 7 }
single_three = "medium"
clear_at_or_below = 4
"#;

const SCHEDULE: &str = r#"
[[schedule]]
id = "missed"
vital = "body-weight"
priority = "low"
windows = ["06:00-10:00"]
grace_min = 60
missed_in_a_row = 2
"#;

fn engine(text: &str) -> Engine {
    Engine::new(vec![plan(&format!("{HEAD}{text}"))], Vec::new())
}

fn at_second(mut reading: Reading, second: i64) -> Reading {
    let mut at = minute(0);
    at.at += SignedDuration::from_secs(second);
    (reading.measured_at, reading.received_at, reading.recorded) = (at, at, at.into());
    reading
}

/// Systolic pressures at seconds.
fn pressure(seq: u64, second: i64, mmhg: &str) -> Reading {
    at_second(systolic(seq, 0, mmhg), second)
}

fn kilogram(seq: u64, value: &str) -> Reading {
    reading(seq, 0, Vital::BodyWeight, quantity(value, Unit::Kilogram))
}

/// Several values of one measurement, which is received later.
fn several(seq: u64, measured: i64, received: i64, values: &[(Vital, &str, Unit)]) -> Reading {
    let (vital, value, unit) = values[0];
    let measurement = |(vital, value, unit): &(Vital, &str, Unit)| Measurement {
        vital: *vital,
        quantity: quantity(value, *unit),
    };
    Reading {
        values: values.iter().map(measurement).collect(),
        received_at: minute(received),
        recorded: minute(received).into(),
        ..reading(seq, measured, vital, quantity(value, unit))
    }
}

fn take(engine: &mut Engine, reading: &Reading) -> Vec<Transition> {
    let transitions = engine.observe(reading.recorded.at, reading, key(reading.id.seq * 10));
    transitions.iter().for_each(|it| engine.apply(it));
    engine.remember(reading);
    transitions
}

fn wait(engine: &mut Engine, now: Moment) -> Vec<Transition> {
    let transitions = engine.advance(now, key(9000));
    transitions.iter().for_each(|it| engine.apply(it));
    transitions
}

fn has_open(engine: &Engine, rule: &str) -> bool {
    engine.open().any(|it| it.rule == rule)
}

#[test]
fn an_implausible_repeat_ends_no_waiting() {
    let mut engine = engine(&format!("{LIMITS}{CHECK}"));
    take(&mut engine, &pressure(1, 0, "172"));
    take(&mut engine, &pressure(2, 120, "45"));
    assert!(has_open(&engine, "high"));
}

#[test]
fn a_normal_value_after_the_window_is_no_repeat() {
    let mut engine = engine(LIMITS);
    take(&mut engine, &pressure(1, 0, "172"));
    // The hub was off in between, and the reading comes before the deadline is seen.
    take(&mut engine, &pressure(2, 8 * 3600, "105"));
    assert!(has_open(&engine, "high"));
}

#[test]
fn a_cuff_that_tells_after_the_observation_is_scored() {
    let mut engine = engine(NEWS2);
    let oximetry = [
        (Vital::OxygenSaturation, "91", Unit::Percent),
        (Vital::BodyTemperature, "38.5", Unit::Celsius),
    ];
    take(&mut engine, &several(1, 0, 0, &oximetry));
    let observed = [
        (Vital::RespiratoryRate, "25", Unit::PerMinute),
        (Vital::OxygenFlow, "0", Unit::LitrePerMinute),
        (Vital::Consciousness, "0", Unit::Acvpu),
    ];
    let mut observed = several(2, 3, 3, &observed);
    observed.kind = ReadingKind::ManualObservation;
    take(&mut engine, &observed);
    // The cuff measured before that, and tells after it.
    let pressure = [
        (Vital::SystolicPressure, "88", Unit::MillimetreOfMercury),
        (Vital::PulseRate, "132", Unit::PerMinute),
    ];
    let mut pressure = several(3, 2, 4, &pressure);
    pressure.flags.insert(Flag::FromStorage);
    take(&mut engine, &pressure);
    assert!(has_open(&engine, "news2"));
}

#[test]
fn a_sudden_fall_is_scored_though_it_is_to_be_checked() {
    let mut engine = engine(&format!("{NEWS2}{CHECK}"));
    take(&mut engine, &pressure(1, 0, "125"));
    let all = [
        (Vital::RespiratoryRate, "25", Unit::PerMinute),
        (Vital::OxygenFlow, "0", Unit::LitrePerMinute),
        (Vital::Consciousness, "1", Unit::Acvpu),
        (Vital::OxygenSaturation, "97", Unit::Percent),
        (Vital::BodyTemperature, "37", Unit::Celsius),
        (Vital::SystolicPressure, "80", Unit::MillimetreOfMercury),
        (Vital::PulseRate, "70", Unit::PerMinute),
    ];
    take(&mut engine, &several(2, 8, 8, &all));
    assert!(has_open(&engine, "news2") && has_open(&engine, "check"));
    // A value that jumps back to where all is well clears nothing by itself.
    let mut well = all;
    (well[0].1, well[2].1, well[5].1) = ("16", "0", "128");
    take(&mut engine, &several(3, 12, 12, &well));
    assert!(has_open(&engine, "news2"));
}

#[test]
fn a_missed_measurement_that_was_closed_is_told_again_with_the_next_one_only() {
    let mut engine = engine(SCHEDULE);
    let day = 1440;
    let raised = wait(&mut engine, minute(3 * day + 300).into());
    assert_eq!(raised.len(), 1);
    let closed = engine.close(
        minute(3 * day + 300),
        raised[0].alert.id,
        "N",
        Disposition::TrueExpected,
        None,
    );
    engine.apply(&closed.unwrap());
    assert_eq!(wait(&mut engine, minute(3 * day + 301).into()), []);
    assert_eq!(wait(&mut engine, minute(4 * day + 300).into()), []);
    assert_eq!(wait(&mut engine, minute(5 * day + 300).into()).len(), 1);
}

#[test]
fn an_alert_that_rises_by_an_older_value_says_which() {
    let mut engine = engine(LIMITS);
    take(&mut engine, &pressure(1, 3600, "165"));
    wait(&mut engine, minute(80).into());
    let mut older = pressure(2, 5000, "190");
    older.measured_at = minute(50);
    let risen = take(&mut engine, &older).remove(0).alert;
    assert_eq!(risen.priority, Priority::High);
    assert!(risen.why.contains("190 mmHg"), "{}", risen.why);
}

#[test]
fn a_repeat_at_a_lower_limit_says_that_an_earlier_value_was_worse() {
    let mut engine = engine(LIMITS);
    take(&mut engine, &pressure(1, 0, "172"));
    let confirmed = take(&mut engine, &pressure(2, 120, "141")).remove(0).alert;
    assert_eq!(confirmed.priority, Priority::Medium);
    assert!(confirmed.why.contains("; an earlier value made it medium"), "{}", confirmed.why);
}

#[test]
fn two_low_values_at_rest_clear_no_fall() {
    let mut engine = engine(
        "[[exercise_fall]]\nid = \"fall\"\nvital = \"oxygen-saturation\"\npriority = \"medium\"\n\
         falls_by = \"4 %\"\nclears_at = \"2 %\"\nrest_within_min = 60\n",
    );
    let saturation = |seq, second, phase, value| {
        let percent = quantity(value, Unit::Percent);
        let mut it = at_second(reading(seq, 0, Vital::OxygenSaturation, percent), second);
        it.context.phase = phase;
        it
    };
    take(&mut engine, &saturation(1, 0, Phase::BeforeExercise, "96"));
    take(&mut engine, &saturation(2, 300, Phase::DuringExercise, "89"));
    take(&mut engine, &saturation(3, 900, Phase::Resting, "89"));
    take(&mut engine, &saturation(4, 960, Phase::Resting, "89"));
    assert!(has_open(&engine, "fall"));
}

#[test]
fn what_becomes_medium_in_quiet_hours_is_quiet() {
    let limits = LIMITS.replace("confirm_within_min = 10", "");
    let mut engine = engine(&format!("[quiet_hours]\nfrom = \"07:00\"\nto = \"20:00\"\n{limits}"));
    take(&mut engine, &pressure(1, 0, "145"));
    let risen = take(&mut engine, &pressure(2, 600, "165")).remove(0);
    assert_eq!(risen.change, Change::Escalated);
    assert!(risen.alert.timers.quiet_until.is_some());
    // What becomes high never is.
    let risen = take(&mut engine, &pressure(3, 1200, "185")).remove(0);
    assert_eq!((risen.alert.priority, risen.alert.timers.quiet_until), (Priority::High, None));
}

#[test]
fn an_acknowledgement_that_ends_in_quiet_hours_asks_after_them() {
    let limits = LIMITS.replace("confirm_within_min = 10", "");
    let mut engine = engine(&format!("[quiet_hours]\nfrom = \"12:00\"\nto = \"20:00\"\n{limits}"));
    let raised = take(&mut engine, &pressure(1, 0, "145")).remove(0);
    let snoozed =
        engine.snooze(minute(1).into(), raised.alert.id, "N", Some("called"), minute(360));
    engine.apply(&snoozed.unwrap());
    let resumed = wait(&mut engine, minute(360).into()).remove(0);
    assert_eq!(resumed.change, Change::Resumed);
    assert!(resumed.alert.timers.quiet_until.is_some());
}

#[test]
fn one_weight_of_a_clock_that_was_ahead_silences_no_weight_rule() {
    let mut engine = engine(
        "[[weight_change]]\nid = \"gain\"\npriority = \"high\"\ngains = \"1 kg\"\nover_days = 7\n\
         clears_at = \"0.5 kg\"\n",
    );
    let moved = |reading: Reading, at: &str, second: i64| {
        let at = LocalInstant::utc(at.parse().unwrap());
        let on = Some(Uptime { boot: BootId([1; 16]), ms: second * 1000 });
        let recorded = Moment { at, on, is_known: true };
        Reading { measured_at: at, received_at: at, recorded, ..reading }
    };
    let mut wrong = moved(kilogram(1, "80"), "2036-01-01T08:00:00Z", 60);
    wrong.time_quality = TimeQuality::Estimated;
    take(&mut engine, &wrong);
    for day in 1..=8_u32 {
        let at = format!("2026-03-{day:02}T08:00:00Z");
        let weight = kilogram(u64::from(day) + 1, &(80 + day).to_string());
        take(&mut engine, &moved(weight, &at, 3600 + i64::from(day - 1) * 86_400));
    }
    assert!(has_open(&engine, "gain"));
}

#[test]
fn after_a_start_without_the_time_the_ladder_is_climbed_a_rung_at_a_time() {
    let ladder = "[[escalation]]\nafter_min = 15\nto = \"backup\"\n\
                  [[escalation]]\nafter_min = 30\nto = \"supervisor\"\n";
    let mut engine = engine(&format!("{ladder}{LIMITS}"));
    let boot = |boot: u8, second: i64, is_known| Moment {
        on: Some(Uptime { boot: BootId([boot; 16]), ms: second * 1000 }),
        is_known,
        ..minute(0).into()
    };
    let mut crisis = pressure(1, 0, "185");
    crisis.recorded = boot(1, 60, true);
    take(&mut engine, &crisis);
    let climbed = wait(&mut engine, boot(2, 60, false)).remove(0).alert;
    assert_eq!(climbed.timers.escalated_to.as_deref(), Some("backup"));
    assert_eq!(wait(&mut engine, boot(2, 61, false)), []);
    assert_eq!(wait(&mut engine, boot(2, 60 + 15 * 60, false)).len(), 1);
}

#[test]
fn half_of_a_blood_pressure_that_is_implausible_clears_no_pulse_pressure() {
    let wide = "[[pulse_pressure]]\nid = \"wide\"\npriority = \"medium\"\n\
        at_or_above = \"60 mmHg\"\nclear_at_or_below = \"55 mmHg\"\n";
    let check = CHECK.replacen("systolic-pressure", "diastolic-pressure", 1);
    let check = check.replacen("plausible_from = \"70 mmHg\"", "plausible_from = \"60 mmHg\"", 1);
    let pressure = |seq: u64, at: i64, high: &str, low: &str| {
        let mut reading = systolic(seq, at, high);
        let quantity = quantity(low, Unit::MillimetreOfMercury);
        reading.values.push(Measurement { vital: Vital::DiastolicPressure, quantity });
        reading
    };
    let mut engine = engine(&format!("{wide}{check}"));
    let mut changes = |reading: &Reading| {
        let followed = engine.observe(reading.received_at, reading, key(reading.id.seq * 10));
        followed.iter().for_each(|it| engine.apply(it));
        engine.remember(reading);
        let of_wide = followed.into_iter().filter(|it| it.alert.rule == "wide");
        of_wide.map(|it| it.change).collect::<Vec<_>>()
    };
    assert_eq!(changes(&pressure(1, 0, "160", "80")), [Change::Raised]);
    assert_eq!(changes(&pressure(2, 20, "100", "50")), []);
    assert_eq!(changes(&pressure(3, 40, "120", "75")), [Change::Cleared]);
}
