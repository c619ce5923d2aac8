//! Floor, ceiling and fall; what is at rest, and what is left to rest.

use vitals::{Flag, Phase, TimeQuality, Unit};

use super::*;
use crate::engine::Engine;
use crate::rule::Rule;
use crate::sample::{fact, key, minute, plan, problems, quantity, reading, rule, subject, word};

const FLOOR: &str = r#"
vital = "oxygen-saturation"
at_or_below = { medium = "88 %", high = "85 %" }
clear_at_or_above = "90 %"
"#;
const CEILING: &str = r#"
vital = "pulse-rate"
priority = "high"
at_or_above = "150 /min"
clear_at_or_below = "120 /min"
"#;
const FALL: &str = r#"priority = "medium"
vital = "oxygen-saturation"
falls_by = "4 %"
clears_at = "2 %"
rest_within_min = 60"#;

fn oxygen(seq: u64, at_minute: i64, phase: Phase, percent: &str) -> Reading {
    let mut reading =
        reading(seq, at_minute, Vital::OxygenSaturation, quantity(percent, Unit::Percent));
    reading.context.phase = phase;
    reading
}

fn judge(rule: &Rule, reading: &Reading) -> Finding {
    rule.judge(reading, false, &History::default())
}

/// What the fall finds in the last value, each with its minute and phase.
fn last(values: &[(i64, Phase, &str)]) -> Finding {
    let mut history = History::default();
    let mut found = Finding::Unknown;
    for (seq, (at_minute, phase, percent)) in (1_u64..).zip(values) {
        let reading = oxygen(seq, *at_minute, *phase, percent);
        found = rule("exercise_fall", FALL).judge(&reading, false, &history);
        history.note(&reading);
    }
    found
}

const REST: Phase = Phase::BeforeExercise;
const DURING: Phase = Phase::DuringExercise;
const AFTER: Phase = Phase::AfterExercise;

#[test]
fn a_floor_is_for_values_of_exercise() {
    let floor = rule("exercise", FLOOR);
    for (value, expected) in [
        ("84", "present"),
        ("85", "present"),
        ("86", "present"),
        ("88", "present"),
        ("89", "unknown"),
        ("90", "gone"),
        ("91", "gone"),
    ] {
        for phase in [DURING, AFTER] {
            assert_eq!(word(&judge(&floor, &oxygen(1, 0, phase, value))), expected, "{value}");
        }
        let at_rest = judge(&floor, &oxygen(1, 0, Phase::Resting, value));
        let expected = if expected == "gone" { "gone" } else { "unknown" };
        assert_eq!(word(&at_rest), expected, "{value} at rest");
    }
    let found = judge(&floor, &oxygen(1, 0, DURING, "85"));
    let Finding::Present(evidence) = &found else { unreachable!() };
    assert_eq!(evidence.priority, Priority::High);
    assert_eq!(fact(&found), "SpO2 85 % is at or below the limit of 85 % during or after exercise");
}

#[test]
fn a_ceiling_is_the_other_way_round() {
    let ceiling = rule("exercise", CEILING);
    let pulse = |value| {
        let mut reading = reading(1, 0, Vital::PulseRate, quantity(value, Unit::PerMinute));
        reading.context.phase = DURING;
        word(&judge(&ceiling, &reading))
    };
    assert_eq!(["149", "150", "151"].map(pulse), ["unknown", "present", "present"]);
    assert_eq!(["121", "120"].map(pulse), ["unknown", "gone"]);
}

#[test]
fn a_doubtful_value_of_exercise_raises_and_does_not_clear() {
    let floor = rule("exercise", FLOOR);
    let doubtful = |percent| {
        let mut reading = oxygen(1, 0, DURING, percent);
        reading.flags.insert(Flag::LowPerfusion);
        word(&judge(&floor, &reading))
    };
    assert_eq!(["84", "95"].map(doubtful), ["present", "unknown"]);
    let of_nobody = Reading { subject: None, ..oxygen(1, 0, DURING, "95") };
    assert_eq!(word(&judge(&floor, &of_nobody)), "unknown");
}

#[test]
fn a_fall_of_4_percent_from_rest_raises() {
    for (value, expected) in [
        ("91", "present"),
        ("92", "present"),
        ("92.1", "unknown"),
        ("93", "unknown"),
        ("93.9", "unknown"),
        ("94", "gone"),
        ("96", "gone"),
        ("98", "gone"),
    ] {
        for phase in [DURING, AFTER] {
            assert_eq!(word(&last(&[(0, REST, "96"), (5, phase, value)])), expected, "{value}");
        }
    }
}

#[test]
fn the_last_value_at_rest_counts_and_no_older_one() {
    assert_eq!(word(&last(&[(0, REST, "98"), (5, REST, "95"), (10, DURING, "92")])), "unknown");
    assert_eq!(word(&last(&[(0, REST, "96"), (60, DURING, "90")])), "present");
    assert_eq!(word(&last(&[(0, REST, "96"), (61, DURING, "90")])), "unknown");
    assert_eq!(word(&last(&[(0, DURING, "96"), (1, DURING, "90")])), "unknown");
    assert_eq!(word(&last(&[(5, REST, "96"), (3, DURING, "90")])), "unknown");
}

#[test]
fn a_value_at_rest_never_raises_and_may_clear() {
    assert_eq!(word(&last(&[(0, REST, "96"), (5, DURING, "90"), (20, REST, "90")])), "unknown");
    assert_eq!(word(&last(&[(0, REST, "96"), (5, DURING, "90"), (20, REST, "95")])), "gone");
}

#[test]
fn a_doubtful_fall_raises_and_does_not_clear() {
    let mut history = History::default();
    history.note(&oxygen(1, 0, REST, "96"));
    let found = |percent: &str, change: fn(&mut Reading)| {
        let mut reading = oxygen(2, 5, DURING, percent);
        change(&mut reading);
        word(&rule("exercise_fall", FALL).judge(&reading, false, &history))
    };
    let doubtful = |it: &mut Reading| {
        it.flags.insert(Flag::LowPerfusion);
    };
    assert_eq!([found("90", doubtful), found("96", doubtful)], ["present", "unknown"]);
    let at_no_time = |it: &mut Reading| it.time_quality = TimeQuality::Fault;
    assert_eq!([found("90", at_no_time), found("96", at_no_time)], ["present", "unknown"]);
    assert_eq!(found("90", |it| it.subject = None), "unknown");
    assert_eq!(found("90", |it| it.values[0].vital = Vital::PulseAmplitudeIndex), "unknown");
}

#[test]
fn it_says_how_far_and_from_what() {
    let found = last(&[(0, REST, "96"), (5, DURING, "90")]);
    assert_eq!(
        fact(&found),
        "SpO2 90 % during or after exercise is 6 % below 96 % at rest 5 min before (limit 4 %)"
    );
    let Finding::Present(evidence) = found else { unreachable!() };
    assert_eq!(evidence.readings.iter().map(|it| it.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(
        rule("exercise_fall", FALL).to_string(),
        "rule: SpO2 falls by 4 % in exercise from rest within 1 h before (medium), clears at 2 %"
    );
    assert_eq!(
        rule("exercise", CEILING).to_string(),
        "rule: in exercise pulse at or above 150 /min (high), clears at or below 120 /min"
    );
}

const PLAN: &str = r#"
name = "rehabilitation"
version = 1
subject = "client-4711"
late_after_min = 60

[[threshold]]
id = "low-at-rest"
vital = "oxygen-saturation"
priority = "high"
at_or_below = "90 %"
clear_at_or_above = "92 %"

[[threshold]]
id = "high-at-rest"
vital = "oxygen-saturation"
priority = "low"
at_or_above = "97 %"
clear_at_or_below = "95 %"

[[exercise]]
id = "low-in-exercise"
vital = "oxygen-saturation"
priority = "high"
at_or_below = "85 %"
clear_at_or_above = "88 %"
"#;

/// The rules that alert on a value in this phase, by `text`.
fn alerting(text: &str, phase: Phase, percent: &str) -> Vec<String> {
    let engine = Engine::new(vec![plan(text)], Vec::new());
    let followed = engine.observe(minute(0), &oxygen(1, 0, phase, percent), key(1));
    followed.into_iter().map(|it| it.alert.rule).collect()
}

#[test]
fn a_value_of_exercise_has_its_own_limits_where_the_plan_has_some() {
    assert_eq!(alerting(PLAN, Phase::Resting, "84"), ["low-at-rest"]);
    assert_eq!(alerting(PLAN, DURING, "84"), ["low-in-exercise"]);
    assert_eq!(alerting(PLAN, DURING, "89"), [""; 0]);
    // No ceiling stands beside the limit of the other side.
    assert_eq!(alerting(PLAN, DURING, "98"), ["high-at-rest"]);
    let rules: Vec<String> = plan(PLAN).rules().map(Rule::to_string).collect();
    assert_eq!(
        rules[0],
        "low-at-rest: SpO2 at or below 90 % (high), clears at or above 92 %, at rest alone"
    );
    assert_eq!(rules[1], "high-at-rest: SpO2 at or above 97 % (low), clears at or below 95 %");
}

#[test]
fn without_limits_of_exercise_those_of_rest_hold() {
    let (text, _exercise) = PLAN.split_once("[[exercise]]").unwrap();
    assert_eq!(alerting(text, DURING, "84"), ["low-at-rest"]);
}

#[test]
fn a_value_of_exercise_is_no_value_of_rest() {
    let mut history = History::default();
    history.note(&oxygen(1, 0, DURING, "90"));
    history.note(&oxygen(2, 1, AFTER, "93"));
    assert_eq!(history.of(&subject(), Vital::OxygenSaturation).count(), 0);
}

#[test]
fn a_plan_says_all_of_it() {
    for line in FALL.lines() {
        assert_eq!(problems("exercise_fall", &FALL.replacen(line, "", 1)).len(), 1, "{line}");
    }
    assert_eq!(
        problems("exercise_fall", &FALL.replacen("\"2 %\"", "\"4 %\"", 1)),
        [
            "line 10: exercise_fall[rule].clears_at: 4 % is not smaller than the fall of 4 % that alerts"
        ]
    );
    assert_eq!(
        problems("exercise_fall", &FALL.replacen("\"4 %\"", "\"0 %\"", 1)),
        ["line 9: exercise_fall[rule].falls_by: 0 % is no change; write a number above zero"]
    );
}
