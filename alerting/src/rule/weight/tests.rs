//! Days, gaps, and the first weight of a day.

use vitals::{LocalInstant, Unit};

use super::*;
use crate::sample::{quantity, reading};

fn gain(pounds: &str, over_days: i32) -> WeightChange {
    WeightChange {
        priority: Priority::Medium,
        direction: Direction::Rise,
        by: quantity(pounds, Unit::Pound),
        clear: quantity("1", Unit::Pound),
        over_days,
    }
}

/// A weight in pounds at 08:00 of a day of March 2026 in New York, where summer time begins on the 8th.
fn weight(seq: u64, day: u32, hour: u32, pounds: &str) -> Reading {
    let mut reading = reading(seq, 0, Vital::BodyWeight, quantity(pounds, Unit::Pound));
    let offset = if day < 8 { "-05:00" } else { "-04:00" };
    let at = format!("2026-03-{day:02}T{hour:02}:00:00{offset}");
    reading.measured_at = LocalInstant::parse(&at).unwrap();
    reading.received_at = reading.measured_at;
    reading.recorded = reading.measured_at.into();
    reading
}

fn last(rule: &WeightChange, weights: &[(u32, u32, &str)]) -> Finding {
    let mut history = History::default();
    let mut found = Finding::Unknown;
    for (seq, (day, hour, pounds)) in (1_u64..).zip(weights) {
        let reading = weight(seq, *day, *hour, pounds);
        found = rule.judge(&reading, false, &history);
        history.note(&reading);
    }
    found
}

fn word(finding: &Finding) -> &'static str {
    match finding {
        Finding::Present(_) => "present",
        Finding::Gone(_) => "gone",
        Finding::Unknown => "unknown",
    }
}

#[track_caller]
fn check(rule: &WeightChange, weights: &[(u32, u32, &str)], expected: &str) {
    assert_eq!(word(&last(rule, weights)), expected, "{weights:?}");
}

#[test]
fn a_weight_of_a_clock_that_was_ahead_is_not_compared_with() {
    let in_this_run = |reading: Reading, uptime_h: i64| {
        let on = vitals::Uptime { boot: vitals::BootId([1; 16]), ms: uptime_h * 3_600_000 };
        Reading { recorded: vitals::Moment { on: Some(on), ..reading.recorded }, ..reading }
    };
    let mut history = History::default();
    history.note(&in_this_run(weight(1, 12, 8, "180"), 1));
    let rule = gain("3", 1);
    let found = |it: &Reading, history: &History| word(&rule.judge(it, false, history));
    assert_eq!(found(&in_this_run(weight(2, 10, 8, "190"), 30), &history), "unknown");
    // A day later there is one to compare with.
    history.note(&in_this_run(weight(2, 10, 8, "190"), 30));
    assert_eq!(found(&in_this_run(weight(3, 11, 8, "190"), 54), &history), "gone");
}

#[test]
fn a_gain_of_a_day_is_measured_from_the_day_before() {
    let rule = gain("3", 1);
    for (value, expected) in [
        ("183.1", "present"),
        ("183.0", "present"),
        ("182.9", "unknown"),
        ("181.1", "unknown"),
        ("181.0", "gone"),
        ("175.0", "gone"),
    ] {
        check(&rule, &[(2, 8, "180.0"), (3, 8, value)], expected);
    }
}

#[test]
fn a_gain_of_a_week_is_measured_from_a_week_before() {
    let rule = gain("5", 7);
    check(&rule, &[(2, 8, "180"), (5, 8, "184"), (9, 8, "185")], "present");
    check(&rule, &[(2, 8, "180"), (5, 8, "179"), (9, 8, "184.9")], "unknown");
    check(&rule, &[(2, 8, "180"), (5, 8, "184"), (9, 8, "181")], "gone");
}

#[test]
fn over_a_gap_the_change_is_taken_in_proportion() {
    let rule = gain("3", 1);
    for days in 1..=10_u32 {
        let just = (180 + 3 * days).to_string();
        check(&rule, &[(2, 8, "180"), (2 + days, 8, &just)], "present");
        let less = format!("{}.9", 180 + 3 * days - 1);
        check(&rule, &[(2, 8, "180"), (2 + days, 8, &less)], "unknown");
    }
    check(&rule, &[(2, 8, "180"), (13, 8, "280")], "unknown");
}

#[test]
fn over_a_shorter_time_the_change_counts_as_it_is() {
    check(&gain("5", 7), &[(2, 8, "180"), (4, 8, "185")], "present");
    check(&gain("5", 7), &[(2, 8, "180"), (4, 8, "184")], "unknown");
}

#[test]
fn the_first_weight_of_a_day_counts() {
    let rule = gain("3", 1);
    // In the evening, dressed, after dinner.
    check(&rule, &[(2, 8, "180"), (3, 8, "181"), (3, 20, "184")], "unknown");
    check(&rule, &[(2, 8, "180"), (2, 20, "183"), (3, 8, "183")], "present");
}

#[test]
fn a_day_is_a_day_of_the_client_whatever_its_length() {
    let rule = gain("3", 1);
    // 23 hours over the beginning of summer time.
    check(&rule, &[(7, 8, "180"), (8, 8, "183")], "present");
    // A minute around midnight is another day.
    check(&rule, &[(3, 23, "180"), (4, 0, "183")], "present");
    check(&rule, &[(3, 0, "180"), (3, 23, "183")], "unknown");
}

#[test]
fn a_loss_is_the_other_way_round() {
    let loss = WeightChange { direction: Direction::Fall, ..gain("2", 2) };
    check(&loss, &[(2, 8, "180"), (4, 8, "178")], "present");
    check(&loss, &[(2, 8, "180"), (4, 8, "182")], "gone");
}

#[test]
fn a_plan_in_pounds_judges_kilograms_without_rounding() {
    let mut history = History::default();
    let kilograms = |seq, day, kg| {
        let mut reading = weight(seq, day, 8, "1");
        reading.values[0].quantity = quantity(kg, Unit::Kilogram);
        reading
    };
    history.note(&kilograms(1, 2, "80"));
    // 3 lb are 1.36077711 kg.
    let judged = |kg| word(&gain("3", 1).judge(&kilograms(2, 3, kg), false, &history));
    assert_eq!([judged("81.36077711"), judged("81.3607771")], ["present", "unknown"]);
}

#[test]
fn it_says_how_much_and_against_what() {
    let Finding::Present(evidence) = last(&gain("3", 1), &[(2, 8, "180.2"), (3, 8, "184.0")])
    else {
        unreachable!()
    };
    assert_eq!(
        evidence.fact,
        "Weight 184.0 lb is 3.8 lb above 180.2 lb of 1 day before (limit 3 lb in 1 day)"
    );
    let Finding::Present(evidence) = last(&gain("3", 1), &[(2, 8, "180"), (5, 8, "190")]) else {
        unreachable!()
    };
    assert_eq!(
        evidence.fact,
        "Weight 190 lb is 10 lb above 180 lb of 3 days before, 3.3 lb in 1 day (limit 3 lb in 1 day)"
    );
    assert_eq!(gain("5", 7).to_string(), "weight rises by 5 lb in 7 days (medium), clears at 1 lb");
}
