//! What a plan says, and everything that can be wrong with it at once.

use std::path::Path;

use vitals::Priority;

use super::*;
use crate::sample::{PLAN, plan};

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let errors = Plan::parse(text).map_or_else(|errors| errors.to_string(), |_plan| String::new());
    assert_eq!(errors.lines().collect::<Vec<_>>(), expected);
}

/// The sample plan with one piece of its text replaced.
fn with(from: &str, to: &str) -> String {
    assert!(PLAN.contains(from), "{from}");
    PLAN.replacen(from, to, 1)
}

#[test]
fn a_plan_says_what_it_watches() {
    let plan = plan(PLAN);
    assert_eq!((plan.name(), plan.version()), ("hypertension", 3));
    assert_eq!(plan.subject().as_str(), "client-4711");
    assert_eq!(plan.late_after(), SignedDuration::from_mins(60));
    let rules: Vec<String> = plan.rules().map(Rule::to_string).collect();
    assert_eq!(
        rules,
        [
            "systolic-crisis: systolic pressure at or above 180 mmHg (high), clears at or below 175 mmHg",
            "systolic-high: systolic pressure at or above 160 mmHg (medium), clears at or below 155 mmHg",
            "oxygen-low: SpO2 at or below 90 % (high), clears at or above 92 %",
            "pulse-high: pulse at or above 111 /min (medium), 131 /min (high), clears at or below 106 /min",
        ]
    );
    assert_eq!(plan.rules().next().map(Rule::priority), Some(Priority::High));
}

#[test]
fn every_problem_is_told_at_once_with_its_line_and_key() {
    check(
        r#"
name = "High Blood Pressure"
version = 0
subject = "client 4711"
late_after_minutes = 60

[[threshold]]
id = "systolic-crisis"
vital = "systolic"
priority = "urgent"
at_or_above = "180 kg"
clear_at_or_above = "175 mmHg"

[[threshold]]
id = "systolic-crisis"
vital = "body-weight"
priority = "low"
at_or_above = 90
at_or_below = "50,5 kg"
mute = true
"#,
        &[
            "line 1: late_after_min: missing: add it, as in late_after_min = 60",
            "line 2: name: \"High Blood Pressure\" is no name; use 1 to 64 lower-case letters, digits and inner hyphens, as in \"systolic-crisis\"",
            "line 3: version: 0 is not in 1 to 4294967295",
            "line 4: subject: character ' ' is not allowed, use lower-case letters, digits and inner hyphens",
            "line 5: late_after_minutes: unknown key; known here: name, version, subject, late_after_min, escalation, quiet_hours, stale_after_h, threshold, repeated, change, weight_change, implausible, irregular_pulse, pulse_pressure, orthostatic, exercise, exercise_fall, baseline, news2, home_average, schedule",
            "line 7: threshold[systolic-crisis].clear_at_or_below: missing: add it, as in clear_at_or_below = \"175 mmHg\"",
            "line 9: threshold[systolic-crisis].vital: \"systolic\" is not one of systolic-pressure, diastolic-pressure, mean-arterial-pressure, pulse-rate, oxygen-saturation, pulse-amplitude-index, body-weight, body-height, body-mass-index, body-temperature, heart-rate, respiratory-rate, oxygen-flow, consciousness, body-fat, body-muscle, muscle-mass, fat-free-mass, soft-lean-mass, body-water, glucose",
            "line 10: threshold[systolic-crisis].priority: \"urgent\" is not one of high, medium, low",
            "line 12: threshold[systolic-crisis].clear_at_or_above: a limit at_or_above clears with clear_at_or_below",
            "line 15: threshold[systolic-crisis].id: line 8 has this id too; give each rule an id of its own",
            "line 18: threshold[systolic-crisis].at_or_above: expected a text in quotes as in at_or_above = \"180 mmHg\", found integer",
            "line 19: threshold[systolic-crisis].at_or_below: a rule has one limit; write a second [[threshold]] for the other side",
            "line 19: threshold[systolic-crisis].at_or_below: write the number in \"50,5 kg\" with a point instead of the comma",
            "line 20: threshold[systolic-crisis].mute: unknown key; known here: id, priority, at_or_above, at_or_below, vital, clear_at_or_below, clear_at_or_above, confirm_within_min, confirm_after_s",
        ],
    );
}

#[test]
fn a_text_that_is_not_toml_tells_every_place() {
    let errors = Plan::parse("name = \"a\nversion = = 3\n").unwrap_err();
    assert_eq!(errors.iter().map(|it| it.line).collect::<Vec<_>>(), [1, 2, 2], "{errors}");
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    check(&with("version = 3", "version = 3\nversion = 4"), &["line 4: not TOML: duplicate key"]);
}

#[test]
fn what_is_compared_with_lies_a_day_back_at_most() {
    let fall = "vital = \"oxygen-saturation\"\npriority = \"low\"\nfalls_by = \"4 %\"\n\
        clears_at = \"2 %\"\nrest_within_min = ";
    let jump = "vital = \"systolic-pressure\"\npriority = \"low\"\n\
        possible_from = \"30 mmHg\"\npossible_to = \"300 mmHg\"\n\
        plausible_from = \"60 mmHg\"\nplausible_to = \"250 mmHg\"\n\
        jumps_by = \"40 mmHg\"\nwithin_min = ";
    for (kind, text) in [("exercise_fall", fall), ("implausible", jump)] {
        let found = |minutes: u32| crate::sample::problems(kind, &format!("{text}{minutes}"));
        assert_eq!(found(24 * 60), [] as [String; 0]);
        let beyond = found(24 * 60 + 1);
        assert!(beyond.len() == 1 && beyond[0].contains("1441 is not in 1 to 1440"), "{beyond:?}");
    }
}

#[test]
fn no_key_has_a_default() {
    let lines: Vec<&str> = PLAN.lines().collect();
    for (index, line) in lines.iter().enumerate().filter(|(_index, line)| line.contains('=')) {
        let mut shorter = lines.clone();
        shorter.remove(index);
        assert!(Plan::parse(&shorter.join("\n")).is_err(), "{line}");
    }
}

#[test]
fn a_plan_without_a_rule_is_refused() {
    let head = "name = \"a\"\nversion = 1\nsubject = \"b\"\nlate_after_min = 60\n";
    check(
        head,
        &[
            "line 1: threshold: missing: no rule means that nothing is watched; add at least one [[threshold]]",
        ],
    );
    check(
        &format!("{head}threshold = []\n"),
        &[
            "line 5: threshold: missing: no rule means that nothing is watched; add at least one [[threshold]]",
        ],
    );
    let expected = "line 5: threshold: expected a list of tables, each headed [[threshold]], found";
    check(&format!("{head}[threshold]\nid = \"c\"\n"), &[&format!("{expected} table")]);
    for (value, found) in [("3", "integer"), ("[3]", "integer"), ("[[]]", "array")] {
        check(&format!("{head}threshold = {value}\n"), &[&format!("{expected} {found}")]);
    }
}

#[test]
fn empty_lists_of_rules_are_no_rules() {
    check(
        "name = 'a'\nversion = 1\nsubject = 'b'\nlate_after_min = 60\nchange = []\n",
        &[
            "line 1: threshold: no rule means that nothing is watched; add at least one [[threshold]]",
        ],
    );
}

#[test]
fn an_id_that_stands_twice_on_one_line_is_refused() {
    let rule = "{ id = 'a', vital = 'body-weight', priority = 'low', at_or_above = '90 kg', clear_at_or_below = '89 kg' }";
    check(
        &format!(
            "name = 'a'\nversion = 1\nsubject = 'b'\nlate_after_min = 60\nthreshold = [{rule}, {rule}]\n"
        ),
        &["line 5: threshold[a].id: line 5 has this id too; give each rule an id of its own"],
    );
}

#[test]
fn a_table_of_limits_says_everything_that_is_wrong_with_it() {
    let bands = "{ medium = \"111 /min\", high = \"131 /min\" }";
    check(
        &with(bands, "{ high = \"131 /min\", medium = \"132 /min\" }"),
        &[
            "line 31: threshold[pulse-high].at_or_above: the limit 131 /min is not further out than 132 /min, which is less urgent",
        ],
    );
    check(
        &with(bands, "{ medium = \"111 kg\", high = 131, urgent = \"140 /min\" }"),
        &[
            "line 31: threshold[pulse-high].at_or_above.medium: pulse is not measured in kg; write /min",
            "line 31: threshold[pulse-high].at_or_above.high: expected a text in quotes as in high = \"180 mmHg\", found integer",
            "line 31: threshold[pulse-high].at_or_above.urgent: unknown key; known here: low, medium, high",
        ],
    );
    check(
        &with(bands, "{}\npriority = \"high\""),
        &[
            "line 31: threshold[pulse-high].at_or_above: a table of limits needs at least one, as in { medium = \"150 mmHg\", high = \"180 mmHg\" }",
            "line 32: threshold[pulse-high].priority: each limit of the table has a priority of its own; leave this one out",
        ],
    );
    check(
        &with("106 /min", "111 /min"),
        &[
            "line 32: threshold[pulse-high].clear_at_or_below: the clear level 111 /min is not inside the limit 111 /min; write a level below the limit",
        ],
    );
    check(
        &with("clear_at_or_below = \"106 /min\"", "at_or_below = { high = \"40 /min\" }"),
        &[
            "line 32: threshold[pulse-high].at_or_below: a rule has one limit; write a second [[threshold]] for the other side",
        ],
    );
}

const TRENDS: &str = r#"
name = "heart-failure"
version = 1
subject = "client-4711"
late_after_min = 60

[[repeated]]
id = "systolic-often-high"
vital = "systolic-pressure"
priority = "low"
at_or_above = "140 mmHg"
clear_at_or_below = "135 mmHg"
times = 3
of = 5
within_days = 7

[[change]]
id = "oxygen-falls"
vital = "oxygen-saturation"
priority = "medium"
falls_by = "4 %"
within_hours = 24
clears_at = "2 %"

[[weight_change]]
id = "weight-gain-day"
priority = "high"
gains = "3 lb"
over_days = 1
clears_at = "1 lb"
"#;

fn trends(from: &str, to: &str) -> String {
    assert!(TRENDS.contains(from), "{from}");
    TRENDS.replacen(from, to, 1)
}

#[test]
fn a_plan_may_look_back() {
    let plan = plan(TRENDS);
    let rules: Vec<String> = plan.rules().map(Rule::to_string).collect();
    assert_eq!(
        rules,
        [
            "systolic-often-high: 3 of 5 values within 7 days: systolic pressure at or above 140 mmHg (low), clears at or below 135 mmHg",
            "oxygen-falls: SpO2 falls by 4 % within 24 h (medium), clears at 2 %",
            "weight-gain-day: weight rises by 3 lb in 1 day (high), clears at 1 lb",
        ]
    );
    let priorities: Vec<Priority> = plan.rules().map(Rule::priority).collect();
    assert_eq!(priorities, [Priority::Low, Priority::Medium, Priority::High]);
}

#[test]
fn what_can_be_wrong_with_a_rule_that_looks_back() {
    check(
        &trends("times = 3", "times = 6"),
        &["line 13: repeated[systolic-often-high].times: 6 of 5 can never be; write at most 5"],
    );
    check(
        &trends("falls_by = \"4 %\"", "falls_by = \"4 %\"\nrises_by = \"4 %\""),
        &[
            "line 21: change[oxygen-falls].falls_by: a rule goes one way; write a second one for falls_by",
        ],
    );
    check(
        &trends("falls_by = \"4 %\"\n", ""),
        &[
            "line 17: change[oxygen-falls].rises_by: the change is missing; add rises_by or falls_by",
        ],
    );
    check(
        &trends("clears_at = \"2 %\"", "clears_at = \"4 %\""),
        &[
            "line 23: change[oxygen-falls].clears_at: 4 % is not smaller than the change of 4 % that alerts",
        ],
    );
    check(
        &trends("\"4 %\"", "\"51 %\""),
        &[
            "line 21: change[oxygen-falls].falls_by: a change of 51 % is more than can be measured; check the number and its unit",
        ],
    );
    check(
        &trends("\"3 lb\"", "\"3 mmHg\""),
        &[
            "line 28: weight_change[weight-gain-day].gains: weight is not measured in mmHg; write kg or lb",
        ],
    );
    check(
        &trends("\"3 lb\"", "\"-3 lb\""),
        &[
            "line 28: weight_change[weight-gain-day].gains: -3 lb is no change; write a number above zero",
        ],
    );
}

#[test]
fn no_key_of_a_rule_that_looks_back_has_a_default() {
    let lines: Vec<&str> = TRENDS.lines().collect();
    for (index, line) in lines.iter().enumerate().filter(|(_index, line)| line.contains('=')) {
        let mut shorter = lines.clone();
        shorter.remove(index);
        assert!(Plan::parse(&shorter.join("\n")).is_err(), "{line}");
    }
}

#[test]
fn a_unit_that_measures_something_else_is_refused() {
    check(
        &with("180 mmHg", "180 kg"),
        &[
            "line 11: threshold[systolic-crisis].at_or_above: systolic pressure is not measured in kg; write mmHg or kPa",
        ],
    );
    check(
        &with("92 %", "92 /min"),
        &[
            "line 26: threshold[oxygen-low].clear_at_or_above: SpO2 is not measured in /min; write %",
        ],
    );
}

#[test]
fn a_limit_that_cannot_be_measured_is_refused() {
    check(
        &with("180 mmHg", "1800 mmHg"),
        &[
            "line 11: threshold[systolic-crisis].at_or_above: 1800 mmHg is outside what can be measured, 40 to 300 mmHg; check the number and its unit",
        ],
    );
    // A kilopascal that was written down as millimetres of mercury.
    check(
        &with("175 mmHg", "23 mmHg"),
        &[
            "line 12: threshold[systolic-crisis].clear_at_or_below: 23 mmHg is outside what can be measured, 40 to 300 mmHg; check the number and its unit",
        ],
    );
    check(&with("180 mmHg", "300 mmHg"), &[]);
    check(&with("92 %", "100 %"), &[]);
    check(&with("90 %", "50 %"), &[]);
}

#[test]
fn a_clear_level_must_be_inside_the_limit_also_across_units() {
    check(
        &with("175 mmHg", "180 mmHg"),
        &[
            "line 12: threshold[systolic-crisis].clear_at_or_below: the clear level 180 mmHg is not inside the limit 180 mmHg; write a level below the limit",
        ],
    );
    check(
        &with("92 %", "90 %"),
        &[
            "line 26: threshold[oxygen-low].clear_at_or_above: the clear level 90 % is not inside the limit 90 %; write a level above the limit",
        ],
    );
    check(&with("175 mmHg", "23 kPa"), &[]);
    check(
        &with("175 mmHg", "24 kPa"),
        &[
            "line 12: threshold[systolic-crisis].clear_at_or_below: the clear level 24 kPa is not inside the limit 180 mmHg; write a level below the limit",
        ],
    );
}

#[test]
fn numbers_out_of_their_range_are_refused() {
    for value in ["0", "-1", "4294967296"] {
        check(
            &with("version = 3", &format!("version = {value}")),
            &[&format!("line 3: version: {value} is not in 1 to 4294967295")],
        );
    }
    for (value, found) in [("1.5", "float"), ("\"3\"", "string")] {
        check(
            &with("version = 3", &format!("version = {value}")),
            &[&format!("line 3: version: expected a whole number, found {found}")],
        );
    }
    for value in ["0", "10081"] {
        check(
            &with("late_after_min = 60", &format!("late_after_min = {value}")),
            &[&format!("line 5: late_after_min: {value} is not in 1 to 10080")],
        );
    }
}

#[test]
fn names_do_not_hold_the_id_of_the_client() {
    let sentence = "the id of the client is in it, and this is shown in logs and alerts; choose a name without it";
    check(&with("\"hypertension\"", "\"bp-client-4711\""), &[&format!("line 2: name: {sentence}")]);
    check(
        &with("\"oxygen-low\"", "\"client-4711-oxygen\""),
        &[&format!("line 22: threshold[client-4711-oxygen].id: {sentence}")],
    );
}

/// The example plans of the repository: name of the file, and text.
fn examples() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/care-plans");
    let mut examples = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().and_then(|it| it.to_str()).unwrap().to_owned();
        examples.push((name, std::fs::read_to_string(&path).unwrap()));
    }
    examples.sort();
    examples
}

#[test]
fn every_plan_of_the_repository_is_in_order() {
    for (name, text) in examples() {
        let plan = Plan::parse(&text).unwrap_or_else(|errors| panic!("{name}:\n{errors}"));
        assert_eq!(name, plan.name());
        // A signed plan is one message.
        assert!(text.len() < 8192, "{name} has {} bytes", text.len());
    }
    let names: Vec<String> = examples().into_iter().map(|it| it.0).collect();
    assert_eq!(names, ["copd", "heart-failure", "hypertension", "post-surgical", "rehabilitation"]);
}

#[test]
fn every_kind_of_rule_is_shown_in_a_plan() {
    for (kind, _read) in KINDS {
        let heading = format!("\n[[{kind}]]\n");
        assert!(examples().iter().any(|(_name, text)| text.contains(&heading)), "{kind}");
    }
}

#[test]
fn scale_2_of_news2_stands_only_where_the_target_is_prescribed() {
    for (name, text) in examples() {
        assert_eq!(text.contains("scale = 2"), name == "copd", "{name}");
    }
}

#[test]
fn a_name_has_hyphens_inside_alone() {
    let with =
        |name: &str| Plan::parse(&PLAN.replace("\"hypertension\"", &format!("{name:?}"))).is_ok();
    assert!(with("high-pressure-2"));
    for name in ["", "-", "-high", "high-", "high pressure", "High"] {
        assert!(!with(name), "{name:?}");
    }
}
