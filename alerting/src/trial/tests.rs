use vitals::Vital;
use vitals::wire::primitive::{Bytes, Time};

use super::*;
use crate::sample::{EPOCH, PLAN, key, minute, plan, systolic};

/// A transition at minute `at` of the alert that record `raised` raised on reading 1.
fn told(raised: u64, at: i64, standing: Standing) -> v1::Alert {
    v1::Alert {
        v: 1,
        epoch: Bytes(EPOCH.0.to_vec()),
        seq: raised,
        hub: "hub-1".to_owned(),
        recorded_at: Time(minute(at)),
        clock: None,
        alert_id: format!("{EPOCH}-{raised}"),
        rev: 1,
        state: "raised".to_owned(),
        standing: standing.as_str().to_owned(),
        priority: "medium".to_owned(),
        category: "clinical".to_owned(),
        rule: "systolic".to_owned(),
        plan: "old".to_owned(),
        plan_version: 1,
        subject: Some("client-4711".to_owned()),
        vital: Some(Vital::SystolicPressure.as_str().to_owned()),
        value: None,
        limit: None,
        readings: vec![key(1).to_string()],
        why: "It was high.".to_owned(),
        measured_at: None,
        measured_clock: None,
        raised_at: Time(minute(at)),
        cleared_at: None,
        late: false,
        confirmed: true,
        count: 1,
        by: None,
        note: None,
        disposition: None,
        timers: None,
    }
}

/// A trial of systolic pressures at minutes, from minute `since` on.
fn trial(values: &[(i64, &str)], since: i64) -> Trial {
    let mut trial = Trial::new(plan(PLAN), TimeZone::UTC, minute(since).at);
    for (seq, (at, value)) in (1..).zip(values) {
        trial.read(&systolic(seq, *at, value));
    }
    trial
}

fn known_and_missed(
    values: &[(i64, &str)],
    told: impl IntoIterator<Item = v1::Alert>,
) -> (usize, usize) {
    let mut trial = trial(values, -DAY);
    told.into_iter().for_each(|it| trial.hear(it));
    let summary = trial.summary();
    (summary.known, summary.missed.len())
}

const DAY: i64 = 24 * 60;

#[test]
fn alerts_are_counted_by_rule_over_the_days_of_the_readings() {
    let summary =
        trial(&[(0, "165"), (10, "120"), (2 * DAY, "185"), (4 * DAY, "120")], 0).summary();
    assert_eq!((summary.readings, summary.alerts, summary.days), (4, 3, 4.into()));
    let rule = |rule: &str, priority, alerts, per_day: &str| RuleCount {
        rule: rule.to_owned(),
        priority: str::to_owned(priority),
        alerts,
        per_day: per_day.parse().unwrap(),
    };
    let expected =
        [rule("systolic-crisis", "high", 1, "0.25"), rule("systolic-high", "medium", 2, "0.5")];
    assert_eq!(summary.rules, expected);
    let text = summary.to_string();
    assert!(text.starts_with("plan hypertension version 3: 4 reading(s) in 4 day(s)\n"), "{text}");
    assert!(text.contains("\n3 alert(s), 0.75 a day\n  high    systolic-crisis  "), "{text}");
    assert!(text.ends_with("\n0 alert(s) of the hub in that time, of which this plan misses 0"));
}

#[test]
fn readings_of_one_day_or_less_are_of_one_day() {
    assert_eq!(trial(&[], 0).summary().days, Decimal::ONE);
    assert_eq!(trial(&[(0, "120"), (DAY / 2, "120")], 0).summary().days, Decimal::ONE);
    let more = trial(&[(0, "120"), (DAY + DAY / 2, "120")], 0).summary();
    assert_eq!(more.days.to_string(), "1.5");
}

#[test]
fn what_was_before_counts_for_rules_alone() {
    let values = [(0, "165"), (60, "120"), (120, "165"), (180, "120")];
    let summary = trial(&values, 120).summary();
    assert_eq!((summary.readings, summary.alerts), (2, 1));
    let mut later = trial(&values, 121);
    later.hear(told(9, 120, Standing::Active));
    let summary = later.summary();
    assert_eq!((summary.readings, summary.alerts, summary.known), (1, 0, 0));
}

#[test]
fn readings_and_alerts_of_somebody_else_are_not_looked_at() {
    let mut trial = trial(&[], 0);
    let other = Reading { subject: "client-9".parse().ok(), ..systolic(1, 0, "190") };
    trial.read(&other);
    trial.hear(v1::Alert { subject: Some("client-9".to_owned()), ..told(9, 0, Standing::Active) });
    trial.hear(v1::Alert { category: "technical".to_owned(), ..told(9, 0, Standing::Active) });
    let summary = trial.summary();
    assert_eq!((summary.readings, summary.alerts, summary.known), (0, 0, 0));
    let candidates = vec!["client-4711".parse().unwrap()];
    trial.read(&Reading { subject: None, subject_candidates: candidates, ..systolic(2, 1, "190") });
    assert_eq!(trial.summary().readings, 1);
}

#[test]
fn an_alert_is_missed_where_no_episode_shares_a_reading_or_is_near() {
    let high = [(0, "165")];
    assert_eq!(known_and_missed(&high, [told(9, 0, Standing::Active)]), (1, 0));
    assert_eq!(known_and_missed(&[(0, "120")], [told(9, 0, Standing::Active)]), (1, 1));
    let elsewhere = |at, vital: &str| v1::Alert {
        readings: Vec::new(),
        vital: Some(vital.to_owned()),
        ..told(9, at, Standing::Active)
    };
    for (at, n_missed) in [(-61, 1), (-60, 0), (0, 0), (60, 0), (61, 1)] {
        assert_eq!(known_and_missed(&high, [elsewhere(at, "systolic-pressure")]), (1, n_missed));
    }
    assert_eq!(known_and_missed(&high, [elsewhere(0, "pulse-rate")]), (1, 1));
}

#[test]
fn an_alert_lasts_until_its_last_transition_and_stands_on_all_of_its_readings() {
    let none = |at| v1::Alert { readings: Vec::new(), ..told(9, at, Standing::Active) };
    assert_eq!(known_and_missed(&[(600, "165")], [none(0), none(539)]), (1, 1));
    assert_eq!(known_and_missed(&[(600, "165")], [none(0), none(540)]), (1, 0));
    let shared = v1::Alert { readings: vec![key(1).to_string()], ..told(9, 10, Standing::Active) };
    assert_eq!(known_and_missed(&[(600, "165")], [none(0), shared]), (1, 0));
}

#[test]
fn a_question_that_a_repeat_answered_was_no_alert_and_a_mistake_is_none() {
    let pending = told(9, 0, Standing::Pending);
    let over = told(9, 5, Standing::Done);
    assert_eq!(known_and_missed(&[(0, "120")], [pending.clone(), over]), (0, 0));
    let confirmed = told(9, 5, Standing::Active);
    assert_eq!(known_and_missed(&[(0, "120")], [pending, confirmed]), (1, 1));
    for disposition in Disposition::ALL {
        let is_real = matches!(disposition, Disposition::TrueActioned | Disposition::TrueExpected);
        let closed = v1::Alert {
            disposition: Some(disposition.as_str().to_owned()),
            ..told(9, 5, Standing::Done)
        };
        let n_known = usize::from(is_real);
        let counted = known_and_missed(&[(0, "120")], [told(9, 0, Standing::Active), closed]);
        assert_eq!(counted, (n_known, n_known), "{disposition:?}");
    }
}

#[test]
fn what_was_missed_is_told_as_people_read_it_the_oldest_first() {
    let mut trial = trial(&[(0, "120")], 0);
    let more = v1::Alert { priority: "high".to_owned(), ..told(9, 300, Standing::Latched) };
    [told(9, 200, Standing::Active), told(10, 100, Standing::Active), more]
        .into_iter()
        .for_each(|it| trial.hear(it));
    let summary = trial.summary();
    let missed: Vec<_> =
        summary.missed.iter().map(|it| (it.alert_id.clone(), it.priority.as_str())).collect();
    assert_eq!(missed, [(format!("{EPOCH}-10"), "medium"), (format!("{EPOCH}-9"), "high")]);
    let first = format!("\n  medium  {}  {EPOCH}-10  It was high.\n", minute(100));
    assert!(summary.to_string().contains(&first), "{summary}");
}
