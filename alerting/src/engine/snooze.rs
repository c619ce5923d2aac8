//! An acknowledgement for a while: a worse finding breaks it, and one that is as bad does not, by each
//! rule's own measure and across a restart.

use vitals::{Flag, Measurement, Phase, Reading, Unit, Vital};

use super::*;
use crate::alert::Change;
use crate::sample::{key, minute, plan, quantity, reading, restored, systolic};

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

fn engine(text: &str) -> Engine {
    let head = "name = \"sample\"\nversion = 1\nsubject = \"client-4711\"\nlate_after_min = 60\n";
    Engine::new(vec![plan(&format!("{head}{text}"))], Vec::new())
}

fn take(engine: &mut Engine, reading: &Reading) -> Vec<Change> {
    let transitions = engine.observe(reading.recorded.at, reading, key(reading.id.seq * 10));
    transitions.iter().for_each(|it| engine.apply(it));
    engine.remember(reading);
    transitions.iter().map(|it| it.change).collect()
}

/// The last of `before` raises; while a nurse has taken that on for a day, `next` is found.
fn next(text: &str, before: &[Reading], next: &Reading) -> Vec<Change> {
    let mut engine = engine(text);
    before.iter().for_each(|it| drop(take(&mut engine, it)));
    let open: Vec<Alert> = engine.open().cloned().collect();
    let [alert] = open.as_slice() else { panic!("{open:?}") };
    let now = alert.changed_at;
    let until = LocalInstant::utc(now.at + SignedDuration::from_hours(24));
    let answer = engine.snooze(now.into(), alert.id, "Nurse A", Some("Called."), until).unwrap();
    engine.apply(&answer);

    let open = engine.open().map(restored).collect();
    let mut rebuilt = Engine::new(engine.plans().cloned().collect(), open);
    before.iter().rev().for_each(|it| rebuilt.remember(it));
    let changes = take(&mut engine, next);
    assert_eq!(changes, take(&mut rebuilt, next), "after a restart");
    changes
}

/// Of `nexts` the first is worse than the last of `before`, and the others are not.
#[track_caller]
fn check(text: &str, before: &[Reading], nexts: &[Reading]) {
    for (n, reading) in nexts.iter().enumerate() {
        let expected = if n == 0 { Change::Escalated } else { Change::Repeated };
        assert_eq!(next(text, before, reading), [expected], "{n}");
    }
}

fn kilogram(seq: u64, at_minute: i64, kg: &str) -> Reading {
    reading(seq, at_minute, Vital::BodyWeight, quantity(kg, Unit::Kilogram))
}

fn saturation(seq: u64, at_minute: i64, percent: &str, phase: Phase) -> Reading {
    let value = quantity(percent, Unit::Percent);
    let mut reading = reading(seq, at_minute, Vital::OxygenSaturation, value);
    reading.context.phase = phase;
    reading
}

fn pressure(seq: u64, at_minute: i64, high: &str, low: &str) -> Reading {
    let mut reading = systolic(seq, at_minute, high);
    let low = quantity(low, Unit::MillimetreOfMercury);
    reading.values.push(Measurement { vital: Vital::DiastolicPressure, quantity: low });
    reading
}

/// Everything that NEWS2 asks for, alert and on air: 120 mmHg, 36.8 °C, and the pulse and breaths that
/// are told.
fn observation(seq: u64, at_minute: i64, pulse: &str, breaths: &str) -> Reading {
    let values = [
        (Vital::RespiratoryRate, breaths, Unit::PerMinute),
        (Vital::OxygenSaturation, "97", Unit::Percent),
        (Vital::OxygenFlow, "0", Unit::LitrePerMinute),
        (Vital::SystolicPressure, "120", Unit::MillimetreOfMercury),
        (Vital::PulseRate, pulse, Unit::PerMinute),
        (Vital::Consciousness, "0", Unit::Acvpu),
        (Vital::BodyTemperature, "36.8", Unit::Celsius),
    ];
    let measurement = |(vital, value, unit)| Measurement { vital, quantity: quantity(value, unit) };
    Reading { values: values.map(measurement).to_vec(), ..systolic(seq, at_minute, "120") }
}

fn pulse(seq: u64, at_minute: i64, rate: &str) -> Reading {
    reading(seq, at_minute, Vital::PulseRate, quantity(rate, Unit::PerMinute))
}

const NEWS2: &str = r#"
[[news2]]
id = "rule"
scale = 1
max_age_min = 240
at_or_above = { medium = 3, high = 7 }
single_three = "medium"
clear_at_or_below = 2
"#;

#[test]
fn a_higher_score_is_worse() {
    // 3 points of the pulse, with 2 of the breaths, and with 1.
    let before = [observation(1, 0, "135", "22")];
    check(
        NEWS2,
        &before,
        &[
            observation(2, 10, "135", "26"),
            observation(2, 10, "135", "22"),
            observation(2, 10, "140", "14"),
            pulse(2, 10, "131"),
        ],
    );
}

#[test]
fn a_score_is_compared_after_many_repetitions() {
    let mut before = vec![observation(1, 0, "120", "26")];
    before.extend((2..=30).map(|seq| pulse(seq, i64::try_from(seq).unwrap(), "115")));
    check(NEWS2, &before, &[pulse(31, 31, "131"), pulse(31, 31, "130")]);
}

#[test]
fn a_score_that_a_doubtful_value_made_cannot_be_compared() {
    let mut doubtful = pulse(2, 5, "135");
    doubtful.flags.insert(Flag::Questionable);
    let before = [observation(1, 0, "70", "14"), doubtful];
    check(NEWS2, &before, &[observation(3, 10, "135", "14")]);
}

#[test]
fn a_heavier_weight_is_worse() {
    let text = "[[weight_change]]\nid = \"rule\"\npriority = \"medium\"\ngains = \"2 kg\"\nover_days = 3\n\
                clears_at = \"1 kg\"";
    let before = [kilogram(1, 0, "80"), kilogram(2, DAY, "82.5")];
    let next_day = 2 * DAY - HOUR;
    check(
        text,
        &before,
        &[
            kilogram(3, next_day, "82.6"),
            kilogram(3, next_day, "82.5"),
            kilogram(3, next_day, "82.2"),
        ],
    );
}

#[test]
fn a_lower_saturation_is_worse_in_exercise() {
    let text = "[[exercise_fall]]\nid = \"rule\"\nvital = \"oxygen-saturation\"\npriority = \"medium\"\n\
                falls_by = \"4 %\"\nclears_at = \"2 %\"\nrest_within_min = 60";
    let during = |seq, minute, percent| saturation(seq, minute, percent, Phase::DuringExercise);
    let before = [saturation(1, 0, "96", Phase::Resting), during(2, 5, "91")];
    check(text, &before, &[during(3, 6, "90"), during(3, 6, "91"), during(3, 6, "92")]);
}

#[test]
fn a_higher_value_is_worse_where_a_rise_is_watched() {
    let text = "[[change]]\nid = \"rule\"\nvital = \"systolic-pressure\"\npriority = \"medium\"\n\
                rises_by = \"20 mmHg\"\nwithin_hours = 24\nclears_at = \"10 mmHg\"";
    let before = [systolic(1, 0, "120"), systolic(2, HOUR, "150")];
    let nexts = ["151", "150", "141"].map(|it| systolic(3, 2 * HOUR, it));
    check(text, &before, &nexts);
}

#[test]
fn a_value_further_from_the_usual_is_worse() {
    let text = "[[baseline]]\nid = \"rule\"\nvital = \"systolic-pressure\"\npriority = \"low\"\n\
                rises_by = \"20 mmHg\"\nspreads = 3\ndays = 14\npoints_min = 7\nclears_at = \"10 mmHg\"";
    let mut before: Vec<Reading> =
        (1..=8).map(|seq| systolic(seq, i64::try_from(seq).unwrap() * DAY, "120")).collect();
    before.push(systolic(9, 9 * DAY, "150"));
    let nexts = ["151", "150", "145"].map(|it| systolic(10, 9 * DAY + HOUR, it));
    check(text, &before, &nexts);
}

#[test]
fn a_wider_pulse_pressure_is_worse_whatever_its_ends_are() {
    let text = "[[pulse_pressure]]\nid = \"rule\"\npriority = \"low\"\nat_or_above = \"60 mmHg\"\n\
                clear_at_or_below = \"55 mmHg\"";
    let before = [pressure(1, 0, "150", "80")];
    check(
        text,
        &before,
        &[
            pressure(2, 10, "140", "69"),
            pressure(2, 10, "150", "80"),
            pressure(2, 10, "170", "105"),
        ],
    );
}

#[test]
fn a_pulse_pressure_that_is_narrower_for_its_systolic_pressure_is_worse() {
    let text = "[[pulse_pressure]]\nid = \"rule\"\npriority = \"low\"\nat_or_below_percent = 25\n\
                clear_at_or_above_percent = 30";
    let before = [pressure(1, 0, "120", "95")];
    check(
        text,
        &before,
        &[
            pressure(2, 10, "130", "104"),
            pressure(2, 10, "120", "95"),
            pressure(2, 10, "100", "79"),
        ],
    );
}

#[test]
fn a_larger_fall_on_standing_is_worse_for_its_limit() {
    let text = "[[orthostatic]]\nid = \"rule\"\npriority = \"medium\"\nsystolic_falls_by = \"20 mmHg\"\n\
                diastolic_falls_by = \"10 mmHg\"\nfrom_min = 1\nwithin_min = 3";
    let sitting = [pressure(1, 0, "150", "80"), pressure(2, 2, "120", "75")];
    let again = |high, low| {
        let mut before = sitting.to_vec();
        before.push(pressure(3, 4, high, low));
        before
    };
    // A fall of 30 mmHg is 1.5 times its limit.
    for (low, expected) in [("59", Change::Escalated), ("60", Change::Repeated)] {
        let mut engine = engine(text);
        sitting.iter().for_each(|it| drop(take(&mut engine, it)));
        let until = minute(20 * HOUR);
        let answer = engine.snooze(minute(3).into(), key(20), "A", Some("Called."), until).unwrap();
        engine.apply(&answer);
        assert_eq!(take(&mut engine, &pressure(3, HOUR, "110", "75")), []);
        assert_eq!(take(&mut engine, &pressure(4, HOUR + 2, "110", low)), [expected], "{low}");
    }
    assert_eq!(
        next(text, &again("100", "70")[..2], &pressure(3, 4, "89", "70")),
        [Change::Escalated]
    );
}

#[test]
fn one_irregular_pulse_is_as_bad_as_another() {
    let text = "[[irregular_pulse]]\nid = \"rule\"\npriority = \"low\"\ntimes = 2\nof = 3\nwithin_days = 7";
    let irregular = |seq, minute, rate: &str| {
        let mut reading = pulse(seq, minute, rate);
        reading.flags.insert(Flag::IrregularPulse);
        reading
    };
    let before = [irregular(1, 0, "70"), irregular(2, 10, "72")];
    assert_eq!(next(text, &before, &irregular(3, 20, "90")), [Change::Repeated]);
}

#[test]
fn one_value_to_check_is_as_bad_as_another() {
    let text = "[[implausible]]\nid = \"rule\"\nvital = \"systolic-pressure\"\npriority = \"low\"\n\
                possible_from = \"40 mmHg\"\npossible_to = \"300 mmHg\"\nplausible_from = \"70 mmHg\"\n\
                plausible_to = \"250 mmHg\"";
    assert_eq!(next(text, &[systolic(1, 0, "251")], &systolic(2, 5, "280")), [Change::Repeated]);
}

#[test]
fn a_high_value_breaks_it_after_a_milder_one() {
    let text = "[[threshold]]\nid = \"rule\"\nvital = \"systolic-pressure\"\n\
                at_or_above = { medium = \"160 mmHg\", high = \"180 mmHg\" }\n\
                clear_at_or_below = \"155 mmHg\"";
    let before = [systolic(1, 0, "181"), systolic(2, 10, "165")];
    check(text, &before, &["180", "165", "160"].map(|it| systolic(3, 20, it)));
}

#[test]
fn more_values_beyond_the_limit_are_worse_where_the_latest_is() {
    let text = "[[repeated]]\nid = \"rule\"\nvital = \"systolic-pressure\"\npriority = \"low\"\n\
                at_or_above = \"140 mmHg\"\nclear_at_or_below = \"135 mmHg\"\ntimes = 2\nof = 3\n\
                within_days = 2";
    let before = [systolic(1, 0, "145"), systolic(2, 10, "150")];
    check(text, &before, &["151", "150", "140"].map(|it| systolic(3, 20, it)));
}
