//! What is told of each kind of rule, and how numbers are written.

use vitals::Unit;

use super::*;
use crate::sample::{quantity, rule};

const LIMIT: &str = "at_or_above = \"140 mmHg\"\nclear_at_or_below = \"135 mmHg\"";
const SYSTOLIC: &str = "vital = \"systolic-pressure\"";
const BY: &str = "rises_by = \"20 mmHg\"\nclears_at = \"10 mmHg\"";

/// Each kind of rule with the least that it needs.
fn kinds() -> [(&'static str, String); 14] {
    let fall = "vital = \"oxygen-saturation\"\nfalls_by = \"4 %\"\nclears_at = \"2 %\"";
    let checked = "possible_from = \"40 mmHg\"\npossible_to = \"300 mmHg\"\n\
                   plausible_from = \"70 mmHg\"\nplausible_to = \"250 mmHg\"";
    let falls = "systolic_falls_by = \"20 mmHg\"\ndiastolic_falls_by = \"10 mmHg\"";
    let score = "scale = 1\nmax_age_min = 60\nat_or_above = { medium = 5, high = 7 }\n\
                 single_three = \"medium\"\nclear_at_or_below = 4";
    let low = "priority = \"low\"";
    [
        ("threshold", format!("{SYSTOLIC}\n{low}\n{LIMIT}")),
        ("repeated", format!("{SYSTOLIC}\n{low}\n{LIMIT}\ntimes = 2\nof = 3\nwithin_days = 2")),
        ("change", format!("{SYSTOLIC}\n{low}\n{BY}\nwithin_hours = 24")),
        ("weight_change", format!("{low}\ngains = \"2 kg\"\nover_days = 3\nclears_at = \"1 kg\"")),
        ("implausible", format!("{SYSTOLIC}\n{low}\n{checked}")),
        ("irregular_pulse", format!("{low}\ntimes = 2\nof = 3\nwithin_days = 7")),
        ("pulse_pressure", format!("{low}\n{LIMIT}")),
        ("orthostatic", format!("{low}\n{falls}\nfrom_min = 1\nwithin_min = 3")),
        ("exercise", format!("{SYSTOLIC}\n{low}\n{LIMIT}")),
        ("exercise_fall", format!("{low}\n{fall}\nrest_within_min = 60")),
        ("baseline", format!("{SYSTOLIC}\n{low}\n{BY}\nspreads = 3\ndays = 14\npoints_min = 7")),
        ("news2", score.to_owned()),
        ("home_average", format!("{SYSTOLIC}\n{low}\n{LIMIT}\npreset = \"aha\"")),
        (
            "schedule",
            format!(
                "vital = \"body-weight\"\n{low}\nwindows = [\"06:00-10:00\"]\ngrace_min = 60\nmissed_in_a_row = 2"
            ),
        ),
    ]
}

#[test]
fn each_kind_of_rule_says_what_it_is_about() {
    for (kind, text) in kinds() {
        let rule = rule(kind, &text);
        let (vital, priority) = match kind {
            "news2" => (None, Priority::High),
            "weight_change" | "schedule" => (Some(Vital::BodyWeight), Priority::Low),
            "irregular_pulse" => (Some(Vital::PulseRate), Priority::Low),
            "exercise_fall" => (Some(Vital::OxygenSaturation), Priority::Low),
            _of_pressure => (Some(Vital::SystolicPressure), Priority::Low),
        };
        assert_eq!((rule.vital(), rule.priority()), (vital, priority), "{kind}");
        let of_schedule = kind == "schedule";
        assert_eq!(rule.category() == Category::Adherence, of_schedule, "{kind}");
        assert_eq!(rule.schedule().is_some(), of_schedule, "{kind}");
        assert_eq!(rule.looks_back(), !["threshold", "exercise"].contains(&kind), "{kind}");
        assert!(rule.to_string().starts_with("rule: "), "{rule}");
    }
}

#[test]
fn each_kind_of_rule_says_what_clears_it() {
    let told = kinds().map(|(kind, text)| rule(kind, &text).clears().unwrap_or_default());
    assert_eq!(
        told,
        [
            "at or below 135 mmHg",
            "when fewer than 2 of 3 are and the latest is at or below 135 mmHg",
            "at a change of 10 mmHg or less",
            "on a later day at a change of 1 kg or less",
            "with the next plausible value",
            "when fewer than 2 of 3 show one and the latest does not",
            "at or below 135 mmHg",
            "with a pair that begins a sitting and shows no such fall",
            "at or below 135 mmHg",
            "at a fall of 2 % or less",
            "at a deviation of 10 mmHg or less",
            "at 4 or less without a 3",
            "with a mean at or below 135 mmHg",
            "",
        ]
    );
}

#[test]
fn a_number_has_as_many_places_as_the_limit_beside_it_and_at_least_one() {
    let told = |amount: &str, limit: &str| {
        told(amount.parse().unwrap(), quantity(limit, Unit::Kilogram)).to_string()
    };
    for (amount, limit, expected) in [
        ("1.34", "2", "1.3"),
        ("2.0", "2", "2"),
        ("1.34", "1.34", "1.34"),
        ("1.3449", "1.34", "1.34"),
        ("3.04", "3.0", "3"),
    ] {
        assert_eq!(told(amount, limit), expected, "{amount} beside {limit}");
    }
}

#[test]
fn a_length_of_time_is_told_as_a_person_says_it() {
    let told = |minutes| span(SignedDuration::from_mins(minutes));
    for (minutes, expected) in [
        (0, "0 min"),
        (59, "59 min"),
        (60, "1 h"),
        (90, "1 h 30 min"),
        (599, "9 h 59 min"),
        (600, "10 h"),
        (610, "10 h"),
        (1440, "24 h"),
        (2879, "47 h"),
        (2880, "2 days"),
        (2881, "48 h"),
        (4320, "3 days"),
    ] {
        assert_eq!(told(minutes), expected);
    }
}

#[test]
fn the_median_of_an_even_number_is_between_the_two_in_the_middle() {
    let of = |values: &[u32]| {
        let mut values: Vec<Decimal> = values.iter().map(|it| Decimal::from(*it)).collect();
        median(&mut values)
    };
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[7]), Some(7.into()));
    assert_eq!(of(&[9, 1, 5]), Some(5.into()));
    assert_eq!(of(&[9, 1, 5, 6]), Some(Decimal::new(55, 1)));
}
