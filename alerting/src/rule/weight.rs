//! Body weight that went up or down over a number of days: fluid that is kept, or lost.
//!
//! The weight of a day is the first trusted one of that day where the client is. It is compared with
//! that of so many days before. Where that day has none, the nearest day that has one takes its place:
//! over a longer time the change is taken in proportion, over a shorter one it counts as it is, which
//! is the cautious side of both.

use std::fmt;

use jiff::civil::Date;
use rust_decimal::Decimal;
use vitals::{Priority, Quantity, Reading, Vital};

use crate::alert::{Degree, Evidence};
use crate::history::{History, Sample};
use crate::rule::{Direction, Finding, capitalised, told};

/// How many days further back than asked for a weight may lie and still be compared with.
const GAP_DAYS_MAX: i32 = 9;

/// A change of the daily weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightChange {
    pub(crate) priority: Priority,
    pub(crate) direction: Direction,
    /// A change of so much alerts.
    pub(crate) by: Quantity,
    /// A change of at most so much clears.
    pub(crate) clear: Quantity,
    pub(crate) over_days: i32,
}

/// Two daily weights and what lies between them.
#[derive(Debug, Clone, Copy)]
struct Compared {
    from: Sample,
    to: Sample,
    days: i32,
    /// In the unit of the plan, over the days of the plan.
    amount: Decimal,
}

impl WeightChange {
    /// What it finds in `reading`, after what `history` has.
    pub(crate) fn judge(&self, reading: &Reading, late: bool, history: &History) -> Finding {
        let Some((newest, before)) = history.up_to(reading, Vital::BodyWeight) else {
            return Finding::Unknown;
        };
        let Some(compared) = self.compare(newest, before) else { return Finding::Unknown };
        let clear = self.clear.value_in(self.by.unit());
        if self.by.value() <= compared.amount {
            Finding::Present(self.evidence(&compared, late))
        } else if clear.is_some_and(|clear| compared.amount <= clear) {
            Finding::Gone(self.evidence(&compared, late))
        } else {
            Finding::Unknown
        }
    }

    /// The weight of today beside the one that it is compared with, if it is the first of today.
    fn compare<'s>(
        &self,
        to: Sample,
        before: impl DoubleEndedIterator<Item = &'s Sample>,
    ) -> Option<Compared> {
        let mut nearest: Option<(i32, Sample)> = None;
        // The latest first: of one day the earliest is looked at last and stays.
        for sample in before.rev() {
            let days = days_between(sample.day(), to.day())?;
            if days == 0 {
                return None;
            }
            if days < 0 {
                // Of a clock that was ahead.
                continue;
            }
            if self.over_days.saturating_add(GAP_DAYS_MAX) < days {
                break;
            }
            let distance = |days: i32| days.abs_diff(self.over_days);
            if nearest.is_none_or(|(known, _sample)| distance(days) <= distance(known)) {
                nearest = Some((days, *sample));
            }
        }
        let (days, from) = nearest?;
        let unit = self.by.unit();
        let change = self.direction.amount(from.value.value_in(unit)?, to.value.value_in(unit)?);
        let amount = match self.over_days < days {
            true => change.checked_mul(self.over_days.into())?.checked_div(days.into())?,
            false => change,
        };
        Some(Compared { from, to, days, amount })
    }

    fn evidence(&self, compared: &Compared, late: bool) -> Evidence {
        let Self { priority, direction, by, over_days, .. } = self;
        let Compared { from, to, days, amount } = compared;
        let unit = by.unit().label();
        let amount = told(*amount, *by);
        let scaled = match over_days < days {
            true => format!(", {amount} {unit} in {}", n_days(*over_days)),
            false => String::new(),
        };
        let change = self.change(from, to);
        Evidence {
            priority: *priority,
            vital: Some(Vital::BodyWeight),
            value: Some(to.value),
            limit: None,
            readings: vec![from.reading, to.reading],
            fact: format!(
                "{} {} is {change} {unit} {} {} of {} before{scaled} (limit {by} in {})",
                capitalised(Vital::BodyWeight.label()),
                to.value,
                direction.relation(),
                from.value,
                n_days(*days),
                n_days(*over_days)
            ),
            measured: to.when,
            late,
            degree: Degree::Value(*direction),
        }
    }

    fn change(&self, from: &Sample, to: &Sample) -> Decimal {
        let number = |it: &Sample| it.value.value_in(self.by.unit()).unwrap_or_default();
        told(self.direction.amount(number(from), number(to)), self.by)
    }
}

fn days_between(earlier: Date, later: Date) -> Option<i32> {
    earlier.until(later).ok().map(|it| it.get_days())
}

fn n_days(days: i32) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

impl fmt::Display for WeightChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { priority, direction, by, clear, over_days } = self;
        let (verb, days) = (direction.verb(), n_days(*over_days));
        write!(f, "weight {verb} by {by} in {days} ({priority}), clears at {clear}")
    }
}

#[cfg(test)]
mod tests;
