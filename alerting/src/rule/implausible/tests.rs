//! What is outside, beside, and in another unit; and that nothing is silenced by it.

use vitals::{Flag, Phase};

use super::*;
use crate::engine::Engine;
use crate::plan::Plan;
use crate::rule::Rule;
use crate::sample::{fact, key, minute, plan, problems, quantity, reading, rule, subject, word};

const DAY_MIN: i64 = 24 * 60;

const SYSTOLIC: &str = r#"
vital = "systolic-pressure"
priority = "low"
possible_from = "40 mmHg"
possible_to = "300 mmHg"
plausible_from = "70 mmHg"
plausible_to = "250 mmHg"
jumps_by = "40 mmHg"
within_min = 10
"#;

const WEIGHT: &str = r#"
vital = "body-weight"
priority = "low"
possible_from = "20 kg"
possible_to = "400 kg"
plausible_from = "30 kg"
plausible_to = "250 kg"
band_by = "3 kg"
band_percent = 4
"#;

fn judge(rule: &Rule, history: &History, reading: &Reading) -> Finding {
    rule.judge(reading, false, history)
}

/// What a rule finds in the last value, each with its minute, in `unit`.
fn last(text: &str, vital: Vital, unit: Unit, values: &[(i64, &str)]) -> (Finding, History) {
    let rule = rule("implausible", text);
    let mut history = checking(text);
    let mut found = Finding::Unknown;
    for (seq, (at_minute, value)) in (1_u64..).zip(values) {
        let reading = reading(seq, *at_minute, vital, quantity(value, unit));
        found = judge(&rule, &history, &reading);
        history.note(&reading);
    }
    (found, history)
}

fn checking(text: &str) -> History {
    History::checking([&plan_of(text)])
}

fn plan_of(text: &str) -> Plan {
    let head = "name = \"sample\"\nversion = 1\nsubject = \"client-4711\"\nlate_after_min = 60\n";
    plan(&format!("{head}[[implausible]]\nid = \"check\"\n{text}"))
}

fn systolic(values: &[(i64, &str)]) -> Finding {
    last(SYSTOLIC, Vital::SystolicPressure, Unit::MillimetreOfMercury, values).0
}

fn weight(values: &[(i64, &str)]) -> Finding {
    last(WEIGHT, Vital::BodyWeight, Unit::Kilogram, values).0
}

/// How many of the values other rules look back on.
fn kept(history: &History, vital: Vital) -> Vec<u64> {
    history.of(&subject(), vital).map(|it| it.reading.seq).collect()
}

#[test]
fn what_is_outside_what_is_usual_or_possible_is_checked() {
    for (value, expected) in [
        ("39", "present"),
        ("40", "present"),
        ("69", "present"),
        ("70", "gone"),
        ("71", "gone"),
        ("249", "gone"),
        ("250", "gone"),
        ("250.1", "present"),
        ("300", "present"),
        ("301", "present"),
    ] {
        assert_eq!(word(&systolic(&[(0, value)])), expected, "{value}");
    }
}

#[test]
fn it_says_what_is_wrong_with_the_value() {
    for (value, expected) in [
        ("301", "Systolic pressure 301 mmHg is outside what can be, 40 mmHg to 300 mmHg: check it"),
        (
            "251",
            "Systolic pressure 251 mmHg is outside what is usual, 70 mmHg to 250 mmHg: check it",
        ),
        (
            "16.0",
            "Systolic pressure 16.0 mmHg is outside what can be, 40 mmHg to 300 mmHg, as kilopascals would be: check it",
        ),
        ("6.9", "Systolic pressure 6.9 mmHg is outside what can be, 40 mmHg to 300 mmHg: check it"),
    ] {
        assert_eq!(fact(&systolic(&[(0, value)])), expected);
    }
    let temperature = r#"
vital = "body-temperature"
priority = "low"
possible_from = "25 °C"
possible_to = "45 °C"
plausible_from = "34 °C"
plausible_to = "41.5 °C"
"#;
    let found = |value, unit| last(temperature, Vital::BodyTemperature, unit, &[(0, value)]).0;
    let as_fahrenheit = "Temperature 98.6 °C is outside what can be, 25 °C to 45 °C, as degrees Fahrenheit would be: check it";
    assert_eq!(fact(&found("98.6", Unit::Celsius)), as_fahrenheit);
    for (value, is_hinted) in [("85.9", false), ("86", true), ("113", true), ("113.1", false)] {
        let found = found(value, Unit::Celsius);
        assert_eq!(fact(&found).contains("Fahrenheit"), is_hinted, "{value}");
    }
    assert_eq!(word(&found("98.6", Unit::Fahrenheit)), "gone");
}

#[test]
fn a_jump_is_more_than_so_much_away_from_all_that_was_just_before() {
    assert_eq!(word(&systolic(&[(0, "120"), (10, "160")])), "gone");
    assert_eq!(word(&systolic(&[(0, "120"), (10, "161")])), "present");
    assert_eq!(word(&systolic(&[(0, "120"), (10, "79")])), "present");
    assert_eq!(word(&systolic(&[(0, "120"), (11, "161")])), "gone");
    // It came again; and the one that was right before it is right.
    assert_eq!(word(&systolic(&[(0, "120"), (2, "190"), (4, "188")])), "gone");
    assert_eq!(word(&systolic(&[(0, "120"), (2, "190"), (4, "121")])), "gone");
    assert_eq!(
        fact(&systolic(&[(0, "120"), (2, "190")])),
        "Systolic pressure 190 mmHg is more than 40 mmHg away from what was measured within 10 min before: check it"
    );
}

#[test]
fn a_weight_in_another_unit_is_known_by_its_ratio() {
    for (value, expected) in [
        ("167.5", "person"),
        ("167.6", "unit"),
        ("176.4", "unit"),
        ("185.1", "unit"),
        ("185.2", "person"),
        ("34.4", "person"),
        ("34.5", "unit"),
        ("36.3", "unit"),
        ("38.1", "unit"),
        ("38.2", "person"),
    ] {
        let found = weight(&[(0, "80"), (DAY_MIN, value)]);
        let told = if fact(&found).ends_with("check the unit") { "unit" } else { "person" };
        assert_eq!((word(&found), told), ("present", expected), "{value}");
    }
    assert_eq!(
        fact(&weight(&[(0, "80"), (DAY_MIN, "176")])),
        "Weight 176 kg is far from the usual 80 kg, as pounds taken for kilograms or kilograms taken for pounds would be: check the unit"
    );
    // Weeks later the last one is what is known.
    assert_eq!(word(&weight(&[(0, "80"), (20 * DAY_MIN, "176")])), "present");
    assert_eq!(word(&weight(&[(0, "80"), (20 * DAY_MIN, "120")])), "gone");
    assert_eq!(word(&weight(&[(0, "80"), (20 * DAY_MIN, "120.1")])), "present");
    assert_eq!(word(&weight(&[(0, "80"), (20 * DAY_MIN, "53.6")])), "gone");
    assert_eq!(word(&weight(&[(0, "80"), (20 * DAY_MIN, "53.5")])), "present");
}

#[test]
fn three_weights_of_a_week_have_a_median_and_fewer_a_nearest() {
    let after = |weights: &[&str]| {
        let earlier = (0..).zip(weights).map(|(hour, kg)| (hour * 60, *kg));
        let values: Vec<_> = earlier.chain([(DAY_MIN, "132")]).collect();
        word(&weight(&values))
    };
    // 132 kg is 1.65 times 80 kg, and less than 1.5 times 90 kg.
    let of_three = weight(&[(0, "60"), (60, "80"), (120, "90"), (DAY_MIN, "132")]);
    assert!(fact(&of_three).contains("the usual 80 kg"), "{}", fact(&of_three));
    assert_eq!(after(&["60", "90"]), "gone");
    assert_eq!(after(&["90", "60"]), "gone");
}

#[test]
fn a_weight_outside_the_band_is_of_somebody_else() {
    let week = |usual: &'static str, value: &'static str| {
        [(0, usual), (DAY_MIN, usual), (2 * DAY_MIN, usual), (3 * DAY_MIN, value)]
    };
    // 4 % of 80 kg are 3.2 kg, of 60 kg they are less than 3 kg.
    for (usual, value, expected) in [
        ("80", "83.2", "gone"),
        ("80", "83.3", "present"),
        ("80", "76.8", "gone"),
        ("80", "76.7", "present"),
        ("60", "63", "gone"),
        ("60", "63.1", "present"),
    ] {
        assert_eq!(word(&weight(&week(usual, value))), expected, "{usual} {value}");
    }
    assert_eq!(
        fact(&weight(&week("80", "90.5"))),
        "Weight 90.5 kg is far from the usual 80 kg: check who stood on the scale"
    );
}

#[test]
fn fewer_than_three_weights_of_a_week_do_not_tell_who_it_is() {
    let two = [(0, "80"), (DAY_MIN, "80"), (2 * DAY_MIN, "90")];
    assert_eq!(word(&weight(&two)), "gone");
    let first_is_old = [(0, "80"), (6 * DAY_MIN, "80"), (7 * DAY_MIN, "80")];
    let last = |at: i64| [&first_is_old[..], &[(at, "90")]].concat();
    assert_eq!(word(&weight(&last(7 * DAY_MIN))), "present");
    assert_eq!(word(&weight(&last(7 * DAY_MIN + 1))), "gone");
}

#[test]
fn a_right_weight_after_a_wrong_one_is_right() {
    assert_eq!(word(&weight(&[(0, "80"), (DAY_MIN, "176"), (2 * DAY_MIN, "80.5")])), "gone");
    assert_eq!(word(&weight(&[(0, "176"), (DAY_MIN, "80"), (2 * DAY_MIN, "80.5")])), "gone");
}

#[test]
fn a_weight_that_comes_again_is_plausible_in_time() {
    let days = ["80", "80", "80", "86", "86", "86", "86"];
    let course: Vec<_> = (0..).zip(days).map(|(day, value)| (day * DAY_MIN, value)).collect();
    let words: Vec<_> = (4..=days.len()).map(|n| word(&weight(&course[..n]))).collect();
    assert_eq!(words, ["present", "present", "present", "gone"]);
}

#[test]
fn what_is_implausible_is_not_looked_back_on() {
    let course = [(0, "80"), (DAY_MIN, "176"), (2 * DAY_MIN, "81")];
    let (_found, history) = last(WEIGHT, Vital::BodyWeight, Unit::Kilogram, &course[..2]);
    assert_eq!(kept(&history, Vital::BodyWeight), [1]);
    let pressures = [(0, "120"), (5, "251"), (6, "170"), (30, "301"), (60, "130")];
    let (_found, history) =
        last(SYSTOLIC, Vital::SystolicPressure, Unit::MillimetreOfMercury, &pressures);
    assert_eq!(kept(&history, Vital::SystolicPressure), [1, 5]);
}

#[test]
fn the_order_in_which_readings_come_changes_no_mark() {
    let course = [(0, "80"), (1, "81"), (2, "176"), (3, "80"), (4, "90"), (5, "80"), (6, "80")];
    let readings: Vec<Reading> = (1_u64..)
        .zip(course)
        .map(|(seq, (day, kg))| {
            reading(seq, day * DAY_MIN, Vital::BodyWeight, quantity(kg, Unit::Kilogram))
        })
        .collect();
    let (mut forwards, mut backwards, mut mixed) =
        (checking(WEIGHT), checking(WEIGHT), checking(WEIGHT));
    readings.iter().for_each(|it| forwards.note(it));
    readings.iter().rev().for_each(|it| backwards.note(it));
    [3, 0, 5, 2, 6, 1, 4].iter().for_each(|it| mixed.note(&readings[*it]));
    let expected = [1, 2, 4, 6, 7];
    for history in [forwards, backwards, mixed] {
        assert_eq!(kept(&history, Vital::BodyWeight), expected);
    }
}

#[test]
fn a_trend_waits_for_a_plausible_value() {
    let text = format!(
        "{}\n[[implausible]]\nid = \"check\"\n{WEIGHT}",
        r#"name = "heart-failure"
version = 1
subject = "client-4711"
late_after_min = 60
[[weight_change]]
id = "gain"
priority = "high"
gains = "3 lb"
over_days = 1
clears_at = "1 lb"
[[threshold]]
id = "heavy"
vital = "body-weight"
priority = "high"
at_or_above = "150 kg"
clear_at_or_below = "149 kg""#
    );
    let mut engine = Engine::new(vec![plan(&text)], Vec::new());
    let mut rules = |seq: u64, day: i64, kg: &str| {
        let reading = reading(seq, day * DAY_MIN, Vital::BodyWeight, quantity(kg, Unit::Kilogram));
        let followed = engine.observe(minute(day * DAY_MIN), &reading, key(seq * 10));
        followed.iter().for_each(|it| engine.apply(it));
        engine.remember(&reading);
        followed.into_iter().map(|it| it.alert.rule).collect::<Vec<_>>()
    };
    assert_eq!(rules(1, 0, "80"), [""; 0]);
    // The absolute limit judges it as ever, the trend does not.
    assert_eq!(rules(2, 1, "176"), ["heavy", "check"]);
    assert_eq!(rules(3, 2, "81"), ["heavy", "check"], "both clear, as it is plausible");
    assert_eq!(rules(4, 3, "83"), ["gain"]);
}

#[test]
fn an_implausible_value_clears_nothing() {
    let text = format!(
        "{}\n[[implausible]]\nid = \"check\"\n{SYSTOLIC}",
        r#"name = "hypertension"
version = 1
subject = "client-4711"
late_after_min = 60
[[threshold]]
id = "high"
vital = "systolic-pressure"
priority = "medium"
at_or_above = "150 mmHg"
clear_at_or_below = "145 mmHg""#
    );
    let mut engine = Engine::new(vec![plan(&text)], Vec::new());
    let mut changes = |seq: u64, at_minute: i64, mmhg: &str| {
        let value = quantity(mmhg, Unit::MillimetreOfMercury);
        let reading = reading(seq, at_minute, Vital::SystolicPressure, value);
        let followed = engine.observe(minute(at_minute), &reading, key(seq * 10));
        followed.iter().for_each(|it| engine.apply(it));
        engine.remember(&reading);
        let told = followed.into_iter().map(|it| format!("{} {}", it.alert.rule, it.change));
        told.collect::<Vec<_>>()
    };
    assert_eq!(changes(1, 0, "170"), ["high raised"]);
    // Kilopascals, and a value that is far from the one just before.
    assert_eq!(changes(2, 1, "17.0"), ["check raised"]);
    assert_eq!(changes(3, 2, "110"), ["check repeated"]);
    assert_eq!(changes(4, 3, "140"), ["high cleared", "check cleared"]);
}

#[test]
fn a_doubtful_value_and_one_of_nobody_are_judged_by_themselves() {
    let rule = rule("implausible", SYSTOLIC);
    let pressure = |seq, value| {
        let value = quantity(value, Unit::MillimetreOfMercury);
        reading(seq, 5, Vital::SystolicPressure, value)
    };
    let mut history = checking(SYSTOLIC);
    history.note(&reading(
        1,
        0,
        Vital::SystolicPressure,
        quantity("120", Unit::MillimetreOfMercury),
    ));
    for (value, expected) in [("251", "present"), ("190", "unknown"), ("121", "unknown")] {
        let mut doubtful = pressure(2, value);
        doubtful.flags.insert(Flag::BodyMovement);
        let of_nobody = Reading { subject: None, ..pressure(2, value) };
        let mut in_exercise = pressure(2, value);
        in_exercise.context.phase = Phase::DuringExercise;
        for reading in [doubtful, of_nobody, in_exercise] {
            assert_eq!(word(&judge(&rule, &history, &reading)), expected, "{value}");
        }
    }
}

#[test]
fn another_vital_says_nothing() {
    let pulse = reading(1, 0, Vital::PulseRate, quantity("10", Unit::PerMinute));
    let rule = rule("implausible", SYSTOLIC);
    assert_eq!(judge(&rule, &History::default(), &pulse), Finding::Unknown);
}

#[test]
fn a_plan_says_it_in_words_and_says_what_is_wrong_with_it() {
    assert_eq!(
        rule("implausible", SYSTOLIC).to_string(),
        "rule: check systolic pressure outside 70 mmHg to 250 mmHg, impossible outside 40 mmHg to 300 mmHg, more than 40 mmHg away from all within 10 min (low)"
    );
    assert_eq!(
        rule("implausible", WEIGHT).to_string(),
        "rule: check weight outside 30 kg to 250 kg, impossible outside 20 kg to 400 kg, more than 3 kg and 4 % away from the usual of a week (low)"
    );
    let with = |from: &str, to: &str| problems("implausible", &SYSTOLIC.replacen(from, to, 1));
    for (from, to, expected) in [
        (
            "\"70 mmHg\"",
            "\"39 mmHg\"",
            "line 12: implausible[rule].plausible_from: 39 mmHg is outside what the rule calls possible",
        ),
        (
            "\"250 mmHg\"",
            "\"70 mmHg\"",
            "line 13: implausible[rule].plausible_to: 70 mmHg is not above 70 mmHg",
        ),
        (
            "\"300 mmHg\"",
            "\"300 kg\"",
            "line 11: implausible[rule].possible_to: systolic pressure is not measured in kg; write mmHg or kPa",
        ),
        (
            "within_min = 10",
            "",
            "line 5: implausible[rule].within_min: missing: add it, as in within_min = 10",
        ),
        (
            "within_min = 10",
            "within_min = 10\nband_by = \"3 kg\"",
            "line 16: implausible[rule].band_by: only a body-weight has a band around the usual one",
        ),
    ] {
        assert_eq!(with(from, to), [expected]);
    }
    let jumping = format!("{WEIGHT}\njumps_by = \"3 kg\"\nwithin_min = 5");
    assert_eq!(
        problems("implausible", &jumping),
        ["line 17: implausible[rule].jumps_by: a weight has a band_by and no jumps_by"]
    );
    for line in SYSTOLIC.lines().chain(WEIGHT.lines()).filter(|it| it.contains('=')) {
        let (without, of_weight) = (SYSTOLIC.replacen(line, "", 1), WEIGHT.replacen(line, "", 1));
        let text = if SYSTOLIC.contains(line) { without } else { of_weight };
        assert!(!problems("implausible", &text).is_empty(), "{line}");
    }
}
