//! A value that has risen or fallen by so much within so many hours.
//!
//! It is compared with the lowest, or the highest, trusted value of the time before it. Where there
//! is none, nothing can be said.

use std::fmt;

use jiff::SignedDuration;
use rust_decimal::Decimal;
use vitals::{Priority, Quantity, Reading, Vital};

use crate::alert::{Degree, Evidence};
use crate::history::{History, Sample};
use crate::rule::{Direction, Finding, capitalised, span, told};

/// A change of one vital within a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub(crate) vital: Vital,
    pub(crate) priority: Priority,
    pub(crate) direction: Direction,
    /// A change of so much alerts.
    pub(crate) by: Quantity,
    /// A change of at most so much clears.
    pub(crate) clear: Quantity,
    pub(crate) within: SignedDuration,
}

impl Change {
    /// The vital that it watches.
    #[must_use]
    pub const fn vital(&self) -> Vital {
        self.vital
    }

    /// What it finds in `reading`, after what `history` has.
    pub(crate) fn judge(&self, reading: &Reading, late: bool, history: &History) -> Finding {
        let Some((newest, before)) = history.up_to(reading, self.vital) else {
            return Finding::Unknown;
        };
        let recent = before.rev().take_while(|it| newest.after(it) <= self.within);
        let changes = recent.filter_map(|it| Some((self.amount(it, &newest)?, it)));
        // Of equal ones the latest.
        let Some((amount, reference)) =
            changes.reduce(|most, it| if most.0 < it.0 { it } else { most })
        else {
            return Finding::Unknown;
        };
        let evidence = || self.evidence(amount, reference, &newest, late);
        let clear = self.clear.value_in(self.by.unit());
        if self.by.value() <= amount {
            Finding::Present(evidence())
        } else if clear.is_some_and(|clear| amount <= clear) {
            Finding::Gone(evidence())
        } else {
            Finding::Unknown
        }
    }

    /// How much the value went in the direction that is watched, in the unit of the plan.
    fn amount(&self, from: &Sample, to: &Sample) -> Option<Decimal> {
        let unit = self.by.unit();
        Some(self.direction.amount(from.value.value_in(unit)?, to.value.value_in(unit)?))
    }

    fn evidence(&self, amount: Decimal, from: &Sample, to: &Sample, late: bool) -> Evidence {
        let Self { vital, priority, direction, by, within, .. } = self;
        let unit = by.unit().label();
        Evidence {
            priority: *priority,
            vital: Some(*vital),
            value: Some(to.value),
            limit: None,
            readings: vec![from.reading, to.reading],
            fact: format!(
                "{} {} is {} {unit} {} {} of {} before (limit {by} within {})",
                capitalised(vital.label()),
                to.value,
                told(amount, *by),
                direction.relation(),
                from.value,
                span(to.after(from)),
                span(*within)
            ),
            measured: to.when,
            late,
            degree: Degree::Value(*direction),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vital, priority, direction, by, clear, within } = self;
        let (label, verb, within) = (vital.label(), direction.verb(), span(*within));
        write!(f, "{label} {verb} by {by} within {within} ({priority}), clears at {clear}")
    }
}

#[cfg(test)]
mod tests;
