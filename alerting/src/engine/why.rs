//! What each rule says of an alert: the value and its doubts, the limit, the rule, the plan, and what
//! would clear it.

use vitals::{Flag, Measurement, Phase, Reading, TimeQuality, Unit, Vital};

use super::*;
use crate::sample::{key, plan, quantity, reading, systolic};

/// The sentence on the alert that the last of `readings` raises.
#[track_caller]
fn check(text: &str, readings: &[Reading], expected: &str) {
    let head = "name = \"sample\"\nversion = 1\nsubject = \"client-4711\"\nlate_after_min = 60\n";
    let mut engine = Engine::new(vec![plan(&format!("{head}{text}"))], Vec::new());
    let mut told = Vec::new();
    for reading in readings {
        told = engine.observe(reading.recorded.at, reading, key(reading.id.seq));
        told.iter().for_each(|it| engine.apply(it));
        engine.remember(reading);
    }
    let [transition] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(transition.alert.why, expected);
    let last = readings.last().map(|it| it.id);
    assert_eq!(transition.alert.readings.last().copied(), last, "it names what it stands on");
}

fn doubtful(mut reading: Reading) -> Reading {
    reading.flags.extend([Flag::BodyMovement, Flag::BatteryLow]);
    reading
}

fn with(mut reading: Reading, vital: Vital, value: &str, unit: Unit) -> Reading {
    reading.values.push(Measurement { vital, quantity: quantity(value, unit) });
    reading
}

fn pressure(seq: u64, at_minute: i64, high: &str, low: &str) -> Reading {
    with(systolic(seq, at_minute, high), Vital::DiastolicPressure, low, Unit::MillimetreOfMercury)
}

fn saturation(seq: u64, at_minute: i64, percent: &str, phase: Phase) -> Reading {
    let value = quantity(percent, Unit::Percent);
    let mut reading = reading(seq, at_minute, Vital::OxygenSaturation, value);
    reading.context.phase = phase;
    reading
}

const DAY: i64 = 24 * 60;

#[test]
fn a_value_whose_time_is_not_known_says_so() {
    let text = "[[threshold]]\nid = \"rule\"\nvital = \"systolic-pressure\"\npriority = \"high\"\n\
                at_or_above = \"180 mmHg\"\nclear_at_or_below = \"175 mmHg\"";
    let reading = Reading { time_quality: TimeQuality::Fault, ..doubtful(systolic(1, 0, "184")) };
    let why = "Systolic pressure 184 mmHg (body-movement, time not known) is at or above the limit of \
               180 mmHg (rule rule, plan sample version 1; clears at or below 175 mmHg).";
    check(text, &[reading], why);
}

#[test]
fn several_values_beyond_a_limit() {
    let text = "[[repeated]]\nid = \"rule\"\nvital = \"systolic-pressure\"\npriority = \"low\"\n\
                at_or_above = \"140 mmHg\"\nclear_at_or_below = \"135 mmHg\"\ntimes = 2\nof = 3\n\
                within_days = 2";
    let why = "2 of the last 2 values of systolic pressure are at or above the limit of 140 mmHg, the \
               latest is 150 mmHg (rule rule, plan sample version 1; clears when fewer than 2 of 3 are \
               and the latest is at or below 135 mmHg).";
    check(text, &[systolic(1, 0, "145"), systolic(2, 10, "150")], why);
}

#[test]
fn a_change_is_told_as_precisely_as_its_limit() {
    let text = "[[change]]\nid = \"rule\"\nvital = \"systolic-pressure\"\npriority = \"medium\"\n\
                rises_by = \"20.34 mmHg\"\nwithin_hours = 24\nclears_at = \"10 mmHg\"";
    let why = "Systolic pressure 140.34 mmHg is 20.34 mmHg above 120 mmHg of 1 h before (limit 20.34 \
               mmHg within 24 h) (rule rule, plan sample version 1; clears at a change of 10 mmHg or \
               less).";
    check(text, &[systolic(1, 0, "120"), systolic(2, 60, "140.34")], why);
}

#[test]
fn an_implausible_value() {
    let text = "[[implausible]]\nid = \"rule\"\nvital = \"systolic-pressure\"\npriority = \"low\"\n\
                possible_from = \"40 mmHg\"\npossible_to = \"300 mmHg\"\nplausible_from = \"70 mmHg\"\n\
                plausible_to = \"250 mmHg\"";
    let why = "Systolic pressure 251 mmHg (body-movement) is outside what is usual, 70 mmHg to 250 \
               mmHg: check it (rule rule, plan sample version 1; clears with the next plausible value).";
    check(text, &[doubtful(systolic(1, 0, "251"))], why);
}

#[test]
fn an_irregular_pulse() {
    let text = "[[irregular_pulse]]\nid = \"rule\"\npriority = \"low\"\ntimes = 2\nof = 3\nwithin_days = 7";
    let irregular = |seq| {
        let mut reading = with(systolic(seq, 0, "120"), Vital::PulseRate, "72", Unit::PerMinute);
        reading.flags.extend([Flag::IrregularPulse, Flag::ImproperPosition]);
        reading
    };
    let why = "2 of the last 2 blood pressures showed an irregular pulse, the latest with a pulse of 72 \
               /min (improper-position) (rule rule, plan sample version 1; clears when fewer than 2 of \
               3 show one and the latest does not).";
    check(text, &[irregular(1), irregular(2)], why);
}

#[test]
fn a_pulse_pressure() {
    let wide = "[[pulse_pressure]]\nid = \"rule\"\npriority = \"low\"\nat_or_above = \"60 mmHg\"\n\
                clear_at_or_below = \"55 mmHg\"";
    let why = "Pulse pressure 70 mmHg of 150/80 (body-movement) is at or above the limit of 60 mmHg \
               (rule rule, plan sample version 1; clears at or below 55 mmHg).";
    check(wide, &[doubtful(pressure(1, 0, "150", "80"))], why);
    let narrow = "[[pulse_pressure]]\nid = \"rule\"\npriority = \"low\"\nat_or_below_percent = 25\n\
                  clear_at_or_above_percent = 30";
    let why = "Pulse pressure 25 mmHg of 120/95 is at or below the limit of 25 % of the systolic \
               pressure (rule rule, plan sample version 1; clears at or above 30 %).";
    check(narrow, &[pressure(1, 0, "120", "95")], why);
}

#[test]
fn a_fall_on_standing() {
    let text = "[[orthostatic]]\nid = \"rule\"\npriority = \"medium\"\nsystolic_falls_by = \"20 mmHg\"\n\
                diastolic_falls_by = \"10 mmHg\"\nfrom_min = 1\nwithin_min = 3";
    let why = "2 min after a blood pressure, as on standing up, the systolic pressure is 30 mmHg lower \
               and the diastolic 5 mmHg lower (limits 20 mmHg and 10 mmHg) (rule rule, plan sample \
               version 1; clears with a pair that begins a sitting and shows no such fall).";
    check(text, &[pressure(1, 0, "150", "80"), pressure(2, 2, "120", "75")], why);
}

#[test]
fn exercise() {
    let floor = "[[exercise]]\nid = \"rule\"\nvital = \"oxygen-saturation\"\npriority = \"high\"\n\
                 at_or_below = \"85 %\"\nclear_at_or_above = \"88 %\"";
    let why = "SpO2 84 % (body-movement) is at or below the limit of 85 % during or after exercise \
               (rule rule, plan sample version 1; clears at or above 88 %).";
    check(floor, &[doubtful(saturation(1, 0, "84", Phase::DuringExercise))], why);
    let fall = "[[exercise_fall]]\nid = \"rule\"\nvital = \"oxygen-saturation\"\npriority = \"medium\"\n\
                falls_by = \"4 %\"\nclears_at = \"2 %\"\nrest_within_min = 60";
    let why = "SpO2 91 % (body-movement) during or after exercise is 5 % below 96 % at rest 5 min before \
               (limit 4 %) (rule rule, plan sample version 1; clears at a fall of 2 % or less).";
    let rest = saturation(1, 0, "96", Phase::Resting);
    check(fall, &[rest, doubtful(saturation(2, 5, "91", Phase::AfterExercise))], why);
}

#[test]
fn a_value_far_from_the_usual() {
    let text = "[[baseline]]\nid = \"rule\"\nvital = \"systolic-pressure\"\npriority = \"low\"\n\
                rises_by = \"20 mmHg\"\nspreads = 3\ndays = 14\npoints_min = 7\nclears_at = \"10 mmHg\"";
    let mut readings: Vec<Reading> =
        (1..=8).map(|seq| systolic(seq, i64::try_from(seq).unwrap() * DAY, "120")).collect();
    readings.push(systolic(9, 9 * DAY, "150"));
    let why = "Systolic pressure 150 mmHg is 30 mmHg above the usual 120 mmHg of 8 mornings and \
               afternoons within 14 days (limit 20 mmHg) (rule rule, plan sample version 1; clears at \
               a deviation of 10 mmHg or less).";
    check(text, &readings, why);
}

#[test]
fn a_score() {
    let text = "[[news2]]\nid = \"rule\"\nscale = 1\nmax_age_min = 240\n\
                at_or_above = { medium = 3, high = 7 }\nsingle_three = \"medium\"\n\
                clear_at_or_below = 2";
    let mut observation = systolic(1, 0, "120");
    for (vital, value, unit) in [
        (Vital::RespiratoryRate, "14", Unit::PerMinute),
        (Vital::OxygenSaturation, "97", Unit::Percent),
        (Vital::OxygenFlow, "0", Unit::LitrePerMinute),
        (Vital::PulseRate, "70", Unit::PerMinute),
        (Vital::Consciousness, "0", Unit::Acvpu),
        (Vital::BodyTemperature, "36.8", Unit::Celsius),
    ] {
        observation = with(observation, vital, value, unit);
    }
    let pulse = reading(2, 5, Vital::PulseRate, quantity("135", Unit::PerMinute));
    let why = "NEWS2 is 3 by scale 1, low-medium risk: pulse 135 /min 3, the oldest input is 5 min old, \
               the latest reading is in doubt (body-movement) (limit 3) (rule rule, plan sample version \
               1; clears at 2 or less without a 3).";
    check(text, &[observation, doubtful(pulse)], why);
}
