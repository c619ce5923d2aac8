//! Plans, readings and instants for the tests of this crate.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use vitals::identity::{AlertId, Epoch, ReadingId, SubjectId};
use vitals::{
    Context, DeviceKind, DeviceReference, LocalInstant, Measurement, Quantity, Reading,
    ReadingKind, TimeQuality, Unit, Vital,
};

use crate::alert::Alert;
use crate::plan::Plan;
use crate::rule::{Finding, Rule};

pub(crate) const EPOCH: Epoch = Epoch([7; 8]);

/// High at 180, medium at 160, high at 90 % SpO2 downwards, and a pulse with two limits.
pub(crate) const PLAN: &str = r#"
name = "hypertension"
version = 3
subject = "client-4711"
late_after_min = 60

[[threshold]]
id = "systolic-crisis"
vital = "systolic-pressure"
priority = "high"
at_or_above = "180 mmHg"
clear_at_or_below = "175 mmHg"

[[threshold]]
id = "systolic-high"
vital = "systolic-pressure"
priority = "medium"
at_or_above = "160 mmHg"
clear_at_or_below = "155 mmHg"

[[threshold]]
id = "oxygen-low"
vital = "oxygen-saturation"
priority = "high"
at_or_below = "90 %"
clear_at_or_above = "92 %"

[[threshold]]
id = "pulse-high"
vital = "pulse-rate"
at_or_above = { medium = "111 /min", high = "131 /min" }
clear_at_or_below = "106 /min"
"#;

pub(crate) fn plan(text: &str) -> Plan {
    Plan::parse(text).unwrap_or_else(|errors| panic!("{errors}"))
}

pub(crate) fn subject() -> SubjectId {
    "client-4711".parse().expect("the id is well-formed")
}

/// The instant `minutes` after the beginning of a test.
pub(crate) fn minute(minutes: i64) -> LocalInstant {
    let start: Timestamp = "2026-03-02T08:00:00Z".parse().expect("the time is well-formed");
    LocalInstant::utc(start + SignedDuration::from_mins(minutes))
}

pub(crate) fn key(seq: u64) -> AlertId {
    AlertId { epoch: EPOCH, seq }
}

pub(crate) fn quantity(value: &str, unit: Unit) -> Quantity {
    let value = value.parse().expect("the number is well-formed");
    Quantity::new(value, unit).expect("the number is in range")
}

/// A reading of one value that is measured and received at once, at rest and without doubt.
pub(crate) fn reading(seq: u64, at_minute: i64, vital: Vital, quantity: Quantity) -> Reading {
    Reading {
        id: ReadingId { epoch: EPOCH, seq },
        subject: Some(subject()),
        subject_candidates: Vec::new(),
        device: DeviceReference {
            id: "cuff".parse().expect("the id is well-formed"),
            kind: DeviceKind::BloodPressureMonitor,
            model: "sample".to_owned(),
            battery_percent: None,
        },
        kind: ReadingKind::BloodPressure,
        measured_at: minute(at_minute),
        received_at: minute(at_minute),
        time_quality: TimeQuality::Synced,
        device_time: None,
        values: vec![Measurement { vital, quantity }],
        flags: BTreeSet::new(),
        context: Context::default(),
        raw: Vec::new(),
        recorded: minute(at_minute).into(),
    }
}

pub(crate) fn systolic(seq: u64, at_minute: i64, mmhg: &str) -> Reading {
    let quantity = quantity(mmhg, Unit::MillimetreOfMercury);
    reading(seq, at_minute, Vital::SystolicPressure, quantity)
}

/// The word for what a rule found.
pub(crate) fn word(finding: &Finding) -> &'static str {
    match finding {
        Finding::Present(_) => "present",
        Finding::Gone(_) => "gone",
        Finding::Unknown => "unknown",
    }
}

/// What was found, in words; empty where nothing stands.
pub(crate) fn fact(finding: &Finding) -> &str {
    match finding {
        Finding::Present(evidence) => &evidence.fact,
        Finding::Gone(_) | Finding::Unknown => "",
    }
}

/// The one rule of a plan that has only `text`, which names no id.
pub(crate) fn rule(kind: &str, text: &str) -> Rule {
    let head = "name = \"sample\"\nversion = 1\nsubject = \"client-4711\"\nlate_after_min = 60\n";
    let plan = plan(&format!("{head}[[{kind}]]\nid = \"rule\"\n{text}\n"));
    plan.rules().next().expect("the plan has a rule").clone()
}

/// The problems of a plan that has one rule of `kind` with `text`, without those of its head.
pub(crate) fn problems(kind: &str, text: &str) -> Vec<String> {
    let head = "name = \"sample\"\nversion = 1\nsubject = \"client-4711\"\nlate_after_min = 60\n";
    let read = Plan::parse(&format!("{head}[[{kind}]]\nid = \"rule\"\n{text}\n"));
    let problems = read.map_or_else(|problems| problems.to_string(), |_plan| String::new());
    problems.lines().map(str::to_owned).collect()
}

/// An alert as it comes back from the store: each public field by itself, and nothing else.
pub(crate) fn restored(alert: &Alert) -> Alert {
    Alert {
        id: alert.id,
        rev: alert.rev,
        state: alert.state.as_str().parse().expect("the word is of the vocabulary"),
        priority: alert.priority,
        category: alert.category,
        rule: alert.rule.clone(),
        plan: alert.plan.clone(),
        plan_version: alert.plan_version,
        subject: alert.subject.clone(),
        vital: alert.vital,
        value: alert.value,
        limit: alert.limit,
        readings: alert.readings.clone(),
        why: alert.why.clone(),
        measured: alert.measured,
        raised_at: alert.raised_at,
        changed_at: alert.changed_at,
        cleared_at: alert.cleared_at,
        late: alert.late,
        confirmed: alert.confirmed,
        count: alert.count,
        by: alert.by.clone(),
        note: alert.note.clone(),
        disposition: alert.disposition,
        timers: alert.timers.clone(),
    }
}
