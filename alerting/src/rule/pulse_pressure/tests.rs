//! Wide and narrow, at, below and above.

use vitals::{Flag, Measurement, Phase, Unit};

use super::*;
use crate::sample::{fact, problems, quantity, rule, systolic, word};

const WIDE: &str = "priority = \"low\"\nat_or_above = \"60 mmHg\"\nclear_at_or_below = \"55 mmHg\"";
const NARROW: &str = "priority = \"low\"\nat_or_below_percent = 25\nclear_at_or_above_percent = 30";

fn pressure(high: &str, low: &str, unit: Unit) -> Reading {
    let mut reading = systolic(1, 0, "1");
    reading.values = vec![
        Measurement { vital: Vital::SystolicPressure, quantity: quantity(high, unit) },
        Measurement { vital: Vital::DiastolicPressure, quantity: quantity(low, unit) },
    ];
    reading
}

fn judge(text: &str, reading: &Reading) -> Finding {
    rule("pulse_pressure", text).judge(reading, false, &History::default())
}

#[track_caller]
fn check(text: &str, unit: Unit, table: &[(&str, &str, &str)]) {
    for (high, low, expected) in table {
        let found = judge(text, &pressure(high, low, unit));
        assert_eq!(word(&found), *expected, "{high}/{low}");
    }
}

#[test]
fn how_bad_it_is_is_its_width_or_its_share() {
    let degree = |text, high, low| {
        let found = judge(text, &pressure(high, low, Unit::MillimetreOfMercury));
        let Finding::Present(evidence) = found else { panic!("{found:?}") };
        match evidence.degree {
            Degree::Own(number) => number.to_string(),
            Degree::Value(_) | Degree::Alike => panic!("{evidence:?}"),
        }
    };
    assert_eq!(degree(WIDE, "160", "80"), "80");
    assert_eq!(degree(NARROW, "100", "80"), "-0.20");
}

#[test]
fn a_wide_one_is_at_the_limit_or_above() {
    check(
        WIDE,
        Unit::MillimetreOfMercury,
        &[
            ("141", "80", "present"),
            ("140", "80", "present"),
            ("139", "80", "unknown"),
            ("136", "80", "unknown"),
            ("135", "80", "gone"),
            ("134", "80", "gone"),
        ],
    );
    // 60 mmHg are 7.9993… kPa.
    check(WIDE, Unit::Kilopascal, &[("18", "10", "present"), ("18", "10.1", "unknown")]);
}

#[test]
fn a_narrow_one_is_a_share_of_the_systolic_pressure() {
    check(
        NARROW,
        Unit::MillimetreOfMercury,
        &[
            ("100", "76", "present"),
            ("100", "75", "present"),
            ("100", "74", "unknown"),
            ("100", "71", "unknown"),
            ("100", "70", "gone"),
            ("100", "69", "gone"),
        ],
    );
}

#[test]
fn a_doubtful_one_raises_and_does_not_clear() {
    let doubtful = |low| {
        let mut reading = pressure("140", low, Unit::MillimetreOfMercury);
        reading.flags.insert(Flag::BodyMovement);
        word(&judge(WIDE, &reading))
    };
    assert_eq!([doubtful("80"), doubtful("100")], ["present", "unknown"]);
}

#[test]
fn one_in_exercise_and_half_a_pressure_say_nothing() {
    let mut in_exercise = pressure("160", "80", Unit::MillimetreOfMercury);
    in_exercise.context.phase = Phase::DuringExercise;
    assert_eq!(judge(WIDE, &in_exercise), Finding::Unknown);
    assert_eq!(judge(WIDE, &systolic(1, 0, "200")), Finding::Unknown);
}

#[test]
fn it_says_both_pressures() {
    let found = judge(WIDE, &pressure("162", "80", Unit::MillimetreOfMercury));
    let expected = "Pulse pressure 82 mmHg of 162/80 is at or above the limit of 60 mmHg";
    assert_eq!(fact(&found), expected);
    let found = judge(NARROW, &pressure("100", "80", Unit::MillimetreOfMercury));
    assert_eq!(
        fact(&found),
        "Pulse pressure 20 mmHg of 100/80 is at or below the limit of 25 % of the systolic pressure"
    );
    assert_eq!(
        [WIDE, NARROW].map(|it| rule("pulse_pressure", it).to_string()),
        [
            "rule: pulse pressure at or above 60 mmHg (low), clears at or below 55 mmHg",
            "rule: pulse pressure at or below 25 % of the systolic pressure (low), clears at or above 30 %"
        ]
    );
}

#[test]
fn a_plan_says_one_of_both_and_how_it_clears() {
    let missing = "line 5: pulse_pressure[rule].at_or_above: the limit is missing; add at_or_above for a wide or at_or_below_percent for a narrow one";
    assert_eq!(problems("pulse_pressure", "priority = \"low\""), [missing]);
    let both = format!("{WIDE}\nat_or_below_percent = 25\nclear_at_or_above_percent = 30");
    assert_eq!(
        problems("pulse_pressure", &both),
        [
            "line 10: pulse_pressure[rule].at_or_below_percent: a rule has one limit; write a second [[pulse_pressure]] for the other"
        ]
    );
    for (text, from, to, expected) in [
        (
            WIDE,
            "55",
            "60",
            "line 9: pulse_pressure[rule].clear_at_or_below: 60 mmHg is not below the limit of 60 mmHg",
        ),
        (
            NARROW,
            "30",
            "25",
            "line 9: pulse_pressure[rule].clear_at_or_above_percent: 25 % is not above the limit of 25 %",
        ),
        (
            WIDE,
            "60 mmHg",
            "60 kg",
            "line 8: pulse_pressure[rule].at_or_above: systolic pressure is not measured in kg; write mmHg or kPa",
        ),
        (
            NARROW,
            "25",
            "0",
            "line 8: pulse_pressure[rule].at_or_below_percent: 0 is not in 1 to 99",
        ),
    ] {
        assert_eq!(problems("pulse_pressure", &text.replacen(from, to, 1)), [expected]);
    }
    for (text, line) in
        WIDE.lines().map(|it| (WIDE, it)).chain(NARROW.lines().map(|it| (NARROW, it)))
    {
        assert!(!problems("pulse_pressure", &text.replacen(line, "", 1)).is_empty(), "{line}");
    }
}
