//! Which pairs, how far, and what clears.

use vitals::{Flag, Measurement, Unit};

use super::*;
use crate::sample::{fact, problems, quantity, rule, systolic, word};

const TEXT: &str = r#"priority = "medium"
systolic_falls_by = "20 mmHg"
diastolic_falls_by = "10 mmHg"
from_min = 1
within_min = 3"#;

fn pressure(seq: u64, at_minute: i64, high: &str, low: &str) -> Reading {
    let mut reading = systolic(seq, at_minute, high);
    let low = quantity(low, Unit::MillimetreOfMercury);
    reading.values.push(Measurement { vital: Vital::DiastolicPressure, quantity: low });
    reading
}

fn last(pressures: &[(i64, &str, &str)]) -> Finding {
    let mut history = History::default();
    let mut found = Finding::Unknown;
    for (seq, (at_minute, high, low)) in (1_u64..).zip(pressures) {
        let reading = pressure(seq, *at_minute, high, low);
        found = rule("orthostatic", TEXT).judge(&reading, false, &history);
        history.note(&reading);
    }
    found
}

#[track_caller]
fn check(pressures: &[(i64, &str, &str)], expected: &str) {
    assert_eq!(word(&last(pressures)), expected, "{pressures:?}");
}

#[test]
fn either_fall_is_enough() {
    for (high, low, expected) in [
        ("109", "80", "present"),
        ("110", "80", "present"),
        ("111", "80", "gone"),
        ("130", "71", "gone"),
        ("130", "70", "present"),
        ("130", "69", "present"),
        ("135", "85", "gone"),
    ] {
        check(&[(0, "130", "80"), (2, high, low)], expected);
    }
}

#[test]
fn the_two_follow_each_other_within_the_time_of_the_plan() {
    for (minute, expected) in [(0, "unknown"), (1, "present"), (3, "present"), (4, "unknown")] {
        check(&[(0, "130", "80"), (minute, "100", "80")], expected);
    }
    // The one just before counts, not the best.
    check(&[(0, "130", "80"), (1, "112", "80"), (2, "108", "80")], "unknown");
}

#[test]
fn sitting_down_again_clears_nothing() {
    check(&[(0, "130", "80"), (2, "100", "80"), (4, "130", "80")], "unknown");
    check(&[(0, "130", "80"), (2, "100", "80"), (6, "130", "80"), (8, "125", "80")], "gone");
    check(&[(0, "130", "80"), (2, "125", "80"), (4, "100", "80")], "present");
    check(&[(0, "130", "80"), (3, "130", "80"), (5, "125", "80")], "unknown");
    check(&[(0, "130", "80"), (4, "130", "80"), (6, "125", "80")], "gone");
}

#[test]
fn a_doubtful_one_or_half_a_pair_says_nothing_well() {
    let mut history = History::default();
    history.note(&pressure(1, 0, "130", "80"));
    let mut doubtful = pressure(2, 2, "100", "70");
    doubtful.flags.insert(Flag::BodyMovement);
    let orthostatic = rule("orthostatic", TEXT);
    assert_eq!(orthostatic.judge(&doubtful, false, &history), Finding::Unknown);
    let found = |high| word(&orthostatic.judge(&systolic(2, 2, high), false, &history));
    assert_eq!([found("110"), found("111")], ["present", "unknown"]);
    assert_eq!(
        fact(&orthostatic.judge(&systolic(2, 2, "110"), false, &history)),
        "2 min after a blood pressure, as on standing up, the systolic pressure is 20 mmHg lower and the diastolic not known (limits 20 mmHg and 10 mmHg)"
    );
}

#[test]
fn it_says_how_far_both_fell() {
    let found = last(&[(0, "130", "80"), (2, "105", "76")]);
    assert_eq!(
        fact(&found),
        "2 min after a blood pressure, as on standing up, the systolic pressure is 25 mmHg lower and the diastolic 4 mmHg lower (limits 20 mmHg and 10 mmHg)"
    );
    let Finding::Present(evidence) = found else { unreachable!() };
    assert_eq!(evidence.readings.iter().map(|it| it.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(
        rule("orthostatic", TEXT).to_string(),
        "rule: blood pressure falls by 20 mmHg systolic or 10 mmHg diastolic 1 min to 3 min after another (medium)"
    );
}

#[test]
fn a_plan_says_all_of_it() {
    for line in TEXT.lines() {
        assert_eq!(problems("orthostatic", &TEXT.replacen(line, "", 1)).len(), 1, "{line}");
    }
    assert_eq!(
        problems("orthostatic", &TEXT.replacen("from_min = 1", "from_min = 4", 1)),
        ["line 11: orthostatic[rule].within_min: 3 min is not longer than 4 min"]
    );
    assert_eq!(
        problems("orthostatic", &TEXT.replacen("20 mmHg", "20 %", 1)),
        [
            "line 8: orthostatic[rule].systolic_falls_by: systolic pressure is not measured in %; write mmHg or kPa"
        ]
    );
}

#[test]
fn a_jump_that_would_hide_a_fall_is_refused() {
    let check = |vital: &str, jump: &str| {
        let bounds = "possible_from = \"40 mmHg\"\npossible_to = \"300 mmHg\"\nplausible_from = \"70 mmHg\"\nplausible_to = \"250 mmHg\"";
        let implausible = format!(
            "[[implausible]]\nid = \"check\"\nvital = \"{vital}\"\npriority = \"low\"\n{bounds}\n{jump}"
        );
        problems("orthostatic", &format!("{TEXT}\n{implausible}"))
    };
    let jump = "jumps_by = \"40 mmHg\"\nwithin_min = 10";
    let refused = "line 5: orthostatic: a jumps_by of a blood pressure would keep the largest falls from it; leave that out of [[implausible]]";
    assert_eq!(check("systolic-pressure", jump), [refused]);
    assert_eq!(check("diastolic-pressure", jump), [refused]);
    assert_eq!(check("mean-arterial-pressure", jump), [""; 0]);
    assert_eq!(check("systolic-pressure", ""), [""; 0]);
}
