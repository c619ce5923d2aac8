//! What is usual, how far from it, and of how many points.

use vitals::{LocalInstant, Unit};

use super::*;
use crate::sample::{fact, problems, quantity, reading, rule, word};

const TEXT: &str = r#"priority = "low"
vital = "pulse-rate"
rises_by = "15 /min"
clears_at = "8 /min"
spreads = 3
days = 14
points_min = 7"#;

/// A pulse at an hour of a day of March 2026 in New York, where summer time begins on the 8th.
fn pulse(seq: u64, day: i64, hour: i64, value: &str) -> Reading {
    let mut reading = reading(seq, 0, Vital::PulseRate, quantity(value, Unit::PerMinute));
    let offset = if day < 8 { "-05:00" } else { "-04:00" };
    let at = format!("2026-03-{day:02}T{hour:02}:00:00{offset}");
    reading.measured_at = LocalInstant::parse(&at).unwrap();
    reading.received_at = reading.measured_at;
    reading.recorded = reading.measured_at.into();
    reading
}

/// What is found in a last value on the 20th at 08:00, after these values of other days and hours.
fn after(text: &str, values: &[(i64, i64, &str)], value: &str) -> Finding {
    let mut history = History::default();
    for (seq, (day, hour, value)) in (1_u64..).zip(values) {
        history.note(&pulse(seq, *day, *hour, value));
    }
    rule("baseline", text).judge(&pulse(1000, 20, 8, value), false, &history)
}

/// A week of mornings with one pulse.
fn week(value: &'static str) -> Vec<(i64, i64, &'static str)> {
    (13..20).map(|day| (day, 8, value)).collect()
}

#[test]
fn a_value_that_is_far_from_the_median_raises() {
    for (value, expected) in [
        ("86", "present"),
        ("85", "present"),
        ("84.9", "unknown"),
        ("78.1", "unknown"),
        ("78", "gone"),
        ("70", "gone"),
        ("40", "gone"),
    ] {
        assert_eq!(word(&after(TEXT, &week("70"), value)), expected, "{value}");
    }
}

#[test]
fn the_afternoon_begins_at_noon() {
    let around_noon: Vec<_> = (13..17).flat_map(|day| [(day, 11, "70"), (day, 12, "70")]).collect();
    assert_eq!(word(&after(TEXT, &around_noon, "86")), "present");
}

#[test]
fn a_fall_is_the_other_way_round() {
    let text = TEXT.replacen("rises_by", "falls_by", 1);
    let found = |value| word(&after(&text, &week("70"), value));
    assert_eq!(["55", "56", "62", "90"].map(found), ["present", "unknown", "gone", "gone"]);
}

#[test]
fn what_varies_much_has_to_be_further_away() {
    // The median is 70, the median deviation 8: three times 8 * 1.4826 are 35.5824.
    let values = [58, 62, 64, 70, 76, 78, 82].map(|it: i32| it.to_string());
    let points: Vec<_> = (13..).zip(&values).map(|(day, value)| (day, 8, value.as_str())).collect();
    for (value, expected) in [("105.6", "present"), ("105.5", "unknown"), ("78", "gone")] {
        assert_eq!(word(&after(TEXT, &points, value)), expected, "{value}");
    }
    assert_eq!(
        fact(&after(TEXT, &points, "106")),
        "Pulse 106 /min is 36 /min above the usual 70 /min of 7 mornings and afternoons within 14 days (limit 35.6 /min)"
    );
    let text = TEXT.replacen("spreads = 3", "spreads = 1", 1);
    assert_eq!(["84.9", "85"].map(|it| word(&after(&text, &points, it))), ["unknown", "present"]);
}

#[test]
fn of_an_even_number_the_median_is_between_the_two_in_the_middle() {
    let points: Vec<_> = (12..20).map(|day| (day, 8, if day < 16 { "60" } else { "70" })).collect();
    // The median is 65, the deviation of each 5: the limit is 22.239.
    let found = ["87.2", "87.3"].map(|it| word(&after(TEXT, &points, it)));
    assert_eq!(found, ["unknown", "present"]);
}

#[test]
fn six_points_are_too_few_and_seven_are_enough() {
    let week = week("70");
    assert_eq!(word(&after(TEXT, &week[1..], "100")), "unknown");
    assert_eq!(word(&after(TEXT, &week, "100")), "present");
    assert_eq!(word(&after(TEXT, &[], "100")), "unknown");
}

#[test]
fn a_morning_and_an_afternoon_are_one_point_each() {
    let four_days = |hours: [i64; 4]| -> Vec<(i64, i64, &'static str)> {
        (16..20).flat_map(|day| hours.map(|hour| (day, hour, "70"))).collect()
    };
    assert_eq!(word(&after(TEXT, &four_days([7, 8, 9, 11]), "100")), "unknown");
    assert_eq!(word(&after(TEXT, &four_days([7, 11, 12, 20]), "100")), "present");
    // The first of each counts.
    let excited: Vec<_> =
        (13..20).flat_map(|day| [(day, 8, "70"), (day, 9, "99"), (day, 10, "99")]).collect();
    assert_eq!(word(&after(TEXT, &excited, "85")), "present");
}

#[test]
fn only_the_time_of_the_plan_says_what_is_usual() {
    // 14 days before the 20th at 08:00 in summer time is the 6th at 07:00 in winter time.
    let points = |first_hour: i64| {
        let mut points = week("70");
        points.splice(0..1, [(6, first_hour, "70")]);
        points
    };
    assert_eq!(word(&after(TEXT, &points(7), "100")), "present");
    assert_eq!(word(&after(TEXT, &points(6), "100")), "unknown");
}

#[test]
fn four_weeks_of_mornings_and_afternoons_are_points() {
    let text =
        TEXT.replacen("days = 14", "days = 28", 1).replacen("points_min = 7", "points_min = 56", 1);
    let mut history = History::default();
    let mut seq = 0;
    let mut note = |day: i64, hour: i64| {
        seq += 1;
        history.note(&pulse(seq, day, hour, "70"));
    };
    (1..29).for_each(|day| [8, 20].into_iter().for_each(|hour| note(day, hour)));
    let judge = |day, hour| {
        let newest = pulse(1000, day, hour, "100");
        word(&rule("baseline", &text).judge(&newest, false, &history))
    };
    assert_eq!(judge(29, 7), "present");
    assert_eq!(judge(30, 8), "unknown");
}

#[test]
fn another_vital_and_a_value_out_of_order_say_nothing() {
    let baseline = rule("baseline", TEXT);
    let weight = reading(1, 0, Vital::BodyWeight, quantity("70", Unit::Kilogram));
    assert_eq!(baseline.judge(&weight, false, &History::default()), Finding::Unknown);
    let mut values = week("70");
    values.push((20, 9, "70"));
    assert_eq!(word(&after(TEXT, &values, "100")), "unknown");
}

#[test]
fn a_plan_says_all_of_it() {
    assert_eq!(
        rule("baseline", TEXT).to_string(),
        "rule: pulse rises by 15 /min and 3 times its variation from the median of 14 days, at least 7 points (low), clears at 8 /min"
    );
    for line in TEXT.lines() {
        assert_eq!(problems("baseline", &TEXT.replacen(line, "", 1)).len(), 1, "{line}");
    }
    for (from, to, expected) in [
        ("days = 14", "days = 13", "line 12: baseline[rule].days: 13 is not in 14 to 28"),
        ("days = 14", "days = 29", "line 12: baseline[rule].days: 29 is not in 14 to 28"),
        (
            "points_min = 7",
            "points_min = 6",
            "line 13: baseline[rule].points_min: 6 is not in 7 to 56",
        ),
        ("spreads = 3", "spreads = 0", "line 11: baseline[rule].spreads: 0 is not in 1 to 10"),
    ] {
        assert_eq!(problems("baseline", &TEXT.replacen(from, to, 1)), [expected]);
    }
}
