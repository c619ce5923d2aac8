//! The pulse pressure, systolic less diastolic: wide, or narrow for its systolic pressure.
//!
//! Wide is a limit in mmHg, narrow a share of the systolic pressure in percent: there is no agreed
//! limit of either, and a plan should give it a low priority. Only a reading at rest is judged; a
//! doubtful one raises, and clears nothing.

use std::fmt;

use rust_decimal::Decimal;
use vitals::{Priority, Quantity, Reading, Vital};

use crate::alert::{Alert, Degree, Evidence};
use crate::history::History;
use crate::rule::trust::{can_clear, doubts, is_at_rest, measured};
use crate::rule::{Finding, told};

/// A limit of the pulse pressure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulsePressure {
    pub(crate) priority: Priority,
    pub(crate) limit: Limit,
}

/// What is too much, or too little.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// Wide at `limit` or above; clears at `clear` or below.
    Wide {
        /// The first difference that alerts.
        limit: Quantity,
        /// A difference that clears.
        clear: Quantity,
    },
    /// Narrow at so much of the systolic pressure or less; clears at `clear_percent` or more.
    Narrow {
        /// The first share that alerts, in percent.
        percent: u32,
        /// A share that clears, in percent.
        clear_percent: u32,
    },
}

impl PulsePressure {
    /// What it finds in `reading`.
    pub(crate) fn judge(&self, reading: &Reading, late: bool) -> Finding {
        let systolic = reading.value(Vital::SystolicPressure);
        let diastolic = reading.value(Vital::DiastolicPressure);
        let Some((systolic, diastolic)) = systolic.zip(diastolic) else { return Finding::Unknown };
        let judged = self.limit.judge(systolic, diastolic);
        let evidence = || self.evidence(reading, systolic, diastolic, late);
        match judged.filter(|_it| is_at_rest(reading.context.phase)) {
            Some(true) => Finding::Present(evidence()),
            Some(false) if can_clear(reading) => Finding::Gone(evidence()),
            Some(false) | None => Finding::Unknown,
        }
    }

    /// How far the difference was beyond the limit that `alert` stands on.
    pub(crate) fn stood_on(&self, alert: &Alert, history: &History) -> Option<Decimal> {
        let stands_on = alert.measured?;
        let value = |vital| {
            let sample = history.named(alert, vital).next_back()?;
            stands_on.order(&sample.when).is_eq().then_some(sample.value)
        };
        self.limit.degree(value(Vital::SystolicPressure)?, value(Vital::DiastolicPressure)?)
    }

    fn evidence(
        &self,
        reading: &Reading,
        systolic: Quantity,
        diastolic: Quantity,
        late: bool,
    ) -> Evidence {
        let unit = systolic.unit();
        let difference = diastolic.value_in(unit).map(|it| systolic.value() - it);
        let difference = difference.unwrap_or_default();
        let (difference, limit) = match &self.limit {
            Limit::Wide { limit, .. } => {
                (told(difference, *limit), format!("at or above the limit of {limit}"))
            }
            Limit::Narrow { percent, .. } => (
                told(difference, systolic),
                format!("at or below the limit of {percent} % of the systolic pressure"),
            ),
        };
        let (high, low) = (systolic.value(), diastolic.value());
        Evidence {
            priority: self.priority,
            vital: Some(Vital::SystolicPressure),
            value: Some(systolic),
            limit: None,
            readings: vec![reading.id],
            fact: format!(
                "Pulse pressure {difference} {} of {high}/{low}{} is {limit}",
                unit.label(),
                doubts(reading)
            ),
            measured: measured(reading),
            late,
            degree: self.limit.degree(systolic, diastolic).map_or(Degree::Alike, Degree::Own),
        }
    }
}

impl Limit {
    /// What clears an alert of it, after the word "clears".
    pub(crate) fn clears(&self) -> String {
        match self {
            Self::Wide { clear, .. } => format!("at or below {clear}"),
            Self::Narrow { clear_percent, .. } => format!("at or above {clear_percent} %"),
        }
    }

    /// How bad the difference is: the wider, or the narrower for its systolic pressure, the more.
    fn degree(&self, systolic: Quantity, diastolic: Quantity) -> Option<Decimal> {
        let unit = match self {
            Self::Wide { limit, .. } => limit.unit(),
            Self::Narrow { .. } => systolic.unit(),
        };
        let high = systolic.value_in(unit)?;
        let difference = high - diastolic.value_in(unit)?;
        match self {
            Self::Wide { .. } => Some(difference),
            Self::Narrow { .. } => difference.checked_div(high).map(|share| -share),
        }
    }

    /// Whether the difference is at the limit or beyond, or at the clear level or further inside;
    /// `None` between the two.
    fn judge(&self, systolic: Quantity, diastolic: Quantity) -> Option<bool> {
        match self {
            Self::Wide { limit, clear } => {
                let difference = |unit| Some(systolic.value_in(unit)? - diastolic.value_in(unit)?);
                if limit.value() <= difference(limit.unit())? {
                    return Some(true);
                }
                (difference(clear.unit())? <= clear.value()).then_some(false)
            }
            Self::Narrow { percent, clear_percent } => {
                let unit = systolic.unit();
                let difference = systolic.value() - diastolic.value_in(unit)?;
                let share = |percent: u32| systolic.value() * Decimal::new(percent.into(), 2);
                if difference <= share(*percent) {
                    return Some(true);
                }
                (share(*clear_percent) <= difference).then_some(false)
            }
        }
    }
}

impl fmt::Display for PulsePressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (priority, clears) = (self.priority, self.limit.clears());
        match &self.limit {
            Limit::Wide { limit, .. } => write!(f, "pulse pressure at or above {limit}")?,
            Limit::Narrow { percent, .. } => {
                write!(f, "pulse pressure at or below {percent} % of the systolic pressure")?;
            }
        }
        write!(f, " ({priority}), clears {clears}")
    }
}

#[cfg(test)]
mod tests;
