//! A value far from what is usual for this client: from the median of the last weeks.
//!
//! The points are the first trusted value of each morning and each afternoon where the client is, so
//! that neither a day with many measurements nor an oximeter that is worn outweighs the others. How
//! much they usually vary is their median absolute deviation, times 1.4826, which is the standard
//! deviation of a normal distribution. A value alerts that is as far from the median as the plan says
//! at least, and so many times the usual variation.
//!
//! It adds to the absolute limits of a plan and takes none away. With too few points nothing can be
//! said. While a value stays far away it becomes a point, too, and after half of the time it is what
//! is usual: the baseline is not frozen while an alert is open, for no rule knows of alerts. The
//! median moves late; the limits of the plan do not move at all.

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::Date;
use rust_decimal::Decimal;
use vitals::{Priority, Quantity, Reading, Vital};

use crate::alert::{Degree, Evidence};
use crate::history::{History, Sample};
use crate::rule::{Direction, Finding, capitalised, median, span};

/// Most points: two of each of 28 days, and of the day on which the time begins.
const POINTS_MAX: usize = 58;

/// What makes a median absolute deviation a standard deviation, in ten-thousandths.
const STANDARD: u32 = 14_826;

/// A deviation from what is usual for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    pub(crate) vital: Vital,
    pub(crate) priority: Priority,
    pub(crate) direction: Direction,
    /// A deviation of at least so much alerts.
    pub(crate) by: Quantity,
    /// A deviation of at most so much clears.
    pub(crate) clear: Quantity,
    /// And of at least so many times the usual variation.
    pub(crate) spreads: u32,
    pub(crate) within: SignedDuration,
    pub(crate) points_min: usize,
}

/// What is usual, in the unit of the plan.
#[derive(Debug, Clone, Copy)]
struct Usual {
    median: Decimal,
    spread: Decimal,
    n_points: usize,
}

impl Baseline {
    /// What it finds in `reading`, after what `history` has.
    pub(crate) fn judge(&self, reading: &Reading, late: bool, history: &History) -> Finding {
        let Some((newest, before)) = history.up_to(reading, self.vital) else {
            return Finding::Unknown;
        };
        let lately = before.skip_while(|it| self.within < newest.after(it));
        let unit = self.by.unit();
        let Some((usual, value)) = self.usual(lately).zip(newest.value.value_in(unit)) else {
            return Finding::Unknown;
        };
        let deviation = self.direction.amount(usual.median, value);
        let limit = self.by.value().max(usual.spread * Decimal::from(self.spreads));
        let evidence = || self.evidence(&newest, &usual, deviation, limit, late);
        let clear = self.clear.value_in(unit);
        if limit <= deviation {
            Finding::Present(evidence())
        } else if clear.is_some_and(|clear| deviation <= clear) {
            Finding::Gone(evidence())
        } else {
            Finding::Unknown
        }
    }

    /// What is usual by `samples`, the oldest first; `None` where they are too few.
    fn usual<'s>(&self, samples: impl Iterator<Item = &'s Sample>) -> Option<Usual> {
        let mut half_day: Option<(Date, bool)> = None;
        let is_first = |sample: &&Sample| {
            let local = sample.when.at.civil();
            let is_morning = local.hour() < 12;
            half_day.replace((local.date(), is_morning)) != Some((local.date(), is_morning))
        };
        let mut points = [Decimal::ZERO; POINTS_MAX];
        let mut n_points = 0;
        for (place, sample) in points.iter_mut().zip(samples.filter(is_first)) {
            *place = sample.value.value_in(self.by.unit())?;
            n_points += 1;
        }
        let points = points.get_mut(..n_points).filter(|it| self.points_min <= it.len())?;
        let middle = median(points)?;
        for point in points.iter_mut() {
            *point = (*point - middle).abs();
        }
        let spread = median(points)? * Decimal::new(STANDARD.into(), 4);
        Some(Usual { median: middle, spread, n_points })
    }

    fn evidence(
        &self,
        newest: &Sample,
        usual: &Usual,
        deviation: Decimal,
        limit: Decimal,
        late: bool,
    ) -> Evidence {
        let Self { vital, priority, direction, by, within, .. } = self;
        let unit = by.unit().label();
        let rounded = |number: Decimal| number.round_dp(1).normalize();
        Evidence {
            priority: *priority,
            vital: Some(*vital),
            value: Some(newest.value),
            limit: None,
            readings: vec![newest.reading],
            fact: format!(
                "{} {} is {} {unit} {} the usual {} {unit} of {} mornings and afternoons within {} \
                 (limit {} {unit})",
                capitalised(vital.label()),
                newest.value,
                rounded(deviation),
                direction.relation(),
                rounded(usual.median),
                usual.n_points,
                span(*within),
                rounded(limit)
            ),
            measured: newest.when,
            late,
            degree: Degree::Value(*direction),
        }
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vital, priority, direction, by, clear, spreads, within, points_min } = self;
        write!(
            f,
            "{} {} by {by} and {spreads} times its variation from the median of {}, at least \
             {points_min} points ({priority}), clears at {clear}",
            vital.label(),
            direction.verb(),
            span(*within)
        )
    }
}

#[cfg(test)]
mod tests;
