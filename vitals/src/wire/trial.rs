//! What came of a care plan that was tried on a history: the answer of `vitalgate replay` and of
//! `vitalstation plan preview`, as text and as JSON.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

/// What a care plan would have alerted to, beside what people were told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Name of the plan.
    pub plan: String,
    /// Its version.
    pub version: u32,
    /// Readings that it judged.
    pub readings: u64,
    /// From the first to the last of them, at least one day.
    #[serde(serialize_with = "as_text")]
    pub days: Decimal,
    /// Alerts that it would have raised.
    pub alerts: usize,
    /// By rule and priority, the most urgent first.
    pub rules: Vec<RuleCount>,
    /// Alerts that people were told of in that time, without those that a person found to be none.
    pub known: usize,
    /// Those of them that the plan would not have raised, the oldest first.
    pub missed: Vec<Missed>,
}

/// How many alerts a rule would have raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleCount {
    /// Id of the rule.
    pub rule: String,
    /// The highest priority that these alerts reached.
    pub priority: String,
    /// How many.
    pub alerts: usize,
    /// How many a day.
    #[serde(serialize_with = "as_text")]
    pub per_day: Decimal,
}

/// An alert that people were told of and that the plan would not have raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missed {
    /// Ledger key of the transition that raised it.
    pub alert_id: String,
    /// Its latest priority.
    pub priority: String,
    /// When it was raised, as RFC 3339.
    pub raised_at: String,
    /// Why, as people read it.
    pub why: String,
}

impl Summary {
    /// How many a day, with two places; `days` is one at least.
    #[must_use]
    pub fn per_day(n: usize, days: Decimal) -> Decimal {
        (Decimal::from(n) / days).round_dp(2)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plan, version, readings, days, alerts, rules, known, missed } = self;
        writeln!(f, "plan {plan} version {version}: {readings} reading(s) in {days} day(s)")?;
        writeln!(f, "{alerts} alert(s), {} a day", Self::per_day(*alerts, *days))?;
        for RuleCount { rule, priority, alerts, per_day } in rules {
            writeln!(f, "  {priority:<6}  {rule:<28}  {alerts:>5}  {per_day} a day")?;
        }
        let n_missed = missed.len();
        write!(
            f,
            "{known} alert(s) of the hub in that time, of which this plan misses {n_missed}"
        )?;
        for Missed { alert_id, priority, raised_at, why } in missed {
            write!(f, "\n  {priority:<6}  {raised_at}  {alert_id}  {why}")?;
        }
        Ok(())
    }
}

/// Writes all digits of a decimal, which a floating-point number need not hold.
fn as_text<S: Serializer>(decimal: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(decimal)
}
