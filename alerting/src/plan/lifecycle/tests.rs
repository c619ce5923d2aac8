//! What a plan says about the life of its alerts, and what it may not say.

use vitals::LocalInstant;

use super::*;
use crate::plan::Plan;
use crate::sample::PLAN;

fn with(keys: &str) -> Result<Plan, String> {
    let text = PLAN.replacen("\n[[threshold]]", &format!("{keys}\n\n[[threshold]]"), 1);
    Plan::parse(&text).map_err(|it| it.to_string())
}

#[track_caller]
fn refused(keys: &str, expected: &str) {
    let problems = with(keys).unwrap_err();
    assert!(problems.contains(expected), "{problems}");
}

#[test]
fn a_plan_without_a_word_on_it_has_no_ladder_and_no_quiet_hours() {
    assert_eq!(*with("").unwrap().lifecycle(), Lifecycle::default());
}

#[test]
fn a_ladder_is_climbed_by_what_is_urgent_enough() {
    let keys = r#"
        stale_after_h = 48
        quiet_hours = { from = "22:00", to = "07:00" }
        [[escalation]]
        after_min = 15
        to = "backup"
        [[escalation]]
        after_min = 60
        to = "supervisor"
        priority = "medium"
    "#;
    let plan = with(keys).unwrap();
    let lifecycle = plan.lifecycle();
    let to = |priority, n| lifecycle.rung(priority, n).map(|it| it.to.as_str());
    assert_eq!(
        [0, 1, 2].map(|n| to(Priority::High, n)),
        [Some("backup"), Some("supervisor"), None]
    );
    assert_eq!([0, 1].map(|n| to(Priority::Medium, n)), [Some("supervisor"), None]);
    assert_eq!(to(Priority::Low, 0), None);
    assert_eq!(lifecycle.stale_after(), Some(SignedDuration::from_hours(48)));
    assert_eq!(lifecycle.ladder().count(), 2);
    assert!(lifecycle.quiet_hours().is_some());
}

#[test]
fn what_cannot_be_is_refused() {
    refused(
        "[[escalation]]\nafter_min = 15\nto = \"a\"\n[[escalation]]\nafter_min = 15\nto = \"b\"",
        "the rungs are not in the order of their times",
    );
    refused("[[escalation]]\nafter_min = 1441\nto = \"a\"", "1441 is not in 1 to 1440");
    refused("[[escalation]]\nafter_min = 5\nto = \"A\"", "\"A\" is no name");
    refused("stale_after_h = 0", "0 is not in 1 to 720");
    refused("quiet_hours = { from = \"22\", to = \"07:00\" }", "\"22\" is no time of day");
    refused("quiet_hours = { from = \"24:00\", to = \"07:00\" }", "\"24:00\" is no time of day");
    refused("quiet_hours = { from = \"07:00\", to = \"07:00\" }", "they end when they begin");
}

#[test]
fn a_repeat_is_asked_for_only_where_one_can_come_and_something_can_wait() {
    let limits = |keys: &str| {
        let limit = "at_or_above = { medium = \"111 /min\", high = \"131 /min\" }";
        let text = PLAN.replacen(limit, &format!("{limit}\n{keys}"), 1);
        Plan::parse(&text).map_err(|it| it.to_string())
    };
    let plan = limits("confirm_within_min = 10").unwrap();
    let rule = plan.rules().find(|it| it.id() == "pulse-high").unwrap();
    assert_eq!(
        rule.to_string(),
        "pulse-high: pulse at or above 111 /min (medium), 131 /min (high), clears at or below 106 /min, asks for a repeat within 10 min unless high"
    );
    let refused = |keys, expected: &str| {
        let problems = limits(keys).unwrap_err();
        assert!(problems.contains(expected), "{problems}");
    };
    refused("confirm_within_min = 0", "0 is not in 1 to 1440");
    refused("confirm_after_s = 60", "nothing asks for a repeat; add confirm_within_min");
    refused("confirm_within_min = 1", "a repeat has to be possible within confirm_within_min");
    refused("confirm_within_min = 5\nconfirm_after_s = 3601", "3601 is not in 0 to 3600");
    let text = PLAN.replacen(
        "at_or_above = \"180 mmHg\"",
        "at_or_above = \"180 mmHg\"\nconfirm_within_min = 5",
        1,
    );
    let problems = Plan::parse(&text).unwrap_err().to_string();
    assert!(problems.contains("a value of high priority never waits"), "{problems}");
}

#[track_caller]
fn check_quiet(from: &str, to: &str, now: &str, expected: Option<&str>) {
    let hour = |text: &str| value::time_of_day(text).unwrap();
    let zone = TimeZone::get("America/New_York").unwrap();
    let now = Moment::from(LocalInstant::parse(now).unwrap());
    let end = QuietHours { from: hour(from), to: hour(to) }.end(&now, &zone);
    assert_eq!(end.map(|it| it.at.to_string()).as_deref(), expected);
}

#[test]
fn quiet_hours_end_in_the_time_of_the_home() {
    let end = Some("2026-03-03T07:00:00.000-05:00");
    check_quiet("22:00", "07:00", "2026-03-03T02:59:59Z", None);
    check_quiet("22:00", "07:00", "2026-03-03T03:00:00Z", end);
    check_quiet("22:00", "07:00", "2026-03-03T11:59:59Z", end);
    check_quiet("22:00", "07:00", "2026-03-03T12:00:00Z", None);
    check_quiet("01:00", "07:00", "2026-03-03T05:59:59Z", None);
    check_quiet("01:00", "07:00", "2026-03-03T06:00:00Z", end);
}

#[test]
fn quiet_hours_of_a_night_in_which_the_clocks_change_end_by_the_new_time() {
    check_quiet("22:00", "07:00", "2026-03-08T06:30:00Z", Some("2026-03-08T07:00:00.000-04:00"));
    check_quiet("22:00", "07:00", "2026-11-01T05:30:00Z", Some("2026-11-01T07:00:00.000-05:00"));
    check_quiet("22:00", "02:30", "2026-03-08T06:30:00Z", Some("2026-03-08T03:30:00.000-04:00"));
}
