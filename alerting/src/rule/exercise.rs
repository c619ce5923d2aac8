//! Exercise: a floor and a ceiling for values during and after it, and the fall from rest.
//!
//! A value of exercise is compared with no limit of rest that has such a rule beside it in its plan,
//! and is in no history of rest. Where a plan has no floor or ceiling of a vital, its limits of rest
//! hold in exercise, too: nothing is unwatched because a value is tagged.
//! A doubtful value raises, and clears nothing.

use std::fmt;

use jiff::SignedDuration;
use rust_decimal::Decimal;
use vitals::{Priority, Quantity, Reading, Vital};

use crate::alert::{Degree, Evidence};
use crate::history::{History, Sample};
use crate::rule::threshold::Threshold;
use crate::rule::trust::{doubts, is_at_rest, is_trusted, measured};
use crate::rule::{Direction, Finding, capitalised, span, told};

/// A floor or a ceiling of exercise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exercise {
    pub(crate) threshold: Threshold,
}

/// A fall against the last value at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExerciseFall {
    pub(crate) vital: Vital,
    pub(crate) priority: Priority,
    /// A fall of so much alerts.
    pub(crate) by: Quantity,
    /// A fall of at most so much clears.
    pub(crate) clear: Quantity,
    /// The value at rest is at most so old.
    pub(crate) rest_within: SignedDuration,
}

impl Exercise {
    /// The limits and the level at which they clear.
    #[must_use]
    pub const fn threshold(&self) -> &Threshold {
        &self.threshold
    }

    /// What it finds in `reading`: a value of exercise raises, and one of exercise or of rest clears.
    pub(crate) fn judge(&self, reading: &Reading, late: bool) -> Finding {
        let is_exercise = !is_at_rest(reading.context.phase);
        match self.threshold.find(reading, late, is_trusted(reading)) {
            Finding::Present(evidence) if is_exercise => {
                let fact = format!("{} during or after exercise", evidence.fact);
                Finding::Present(Evidence { fact, ..evidence })
            }
            Finding::Gone(evidence) => Finding::Gone(evidence),
            Finding::Present(_) | Finding::Unknown => Finding::Unknown,
        }
    }
}

impl ExerciseFall {
    /// What it finds in `reading`, after what `history` has of rest.
    ///
    /// A value at rest never raises; where it is near the value at rest before it, it clears.
    pub(crate) fn judge(&self, reading: &Reading, late: bool, history: &History) -> Finding {
        let Some(subject) = &reading.subject else { return Finding::Unknown };
        let now = measured(reading);
        let is_earlier = |it: &&Sample| it.reading != reading.id && now.order(&it.when).is_ge();
        let is_exercise = !is_at_rest(reading.context.phase);
        let earlier = history.of(subject, self.vital).filter(is_earlier).rev();
        let mut recent = earlier.take_while(|it| it.until(&now) <= self.rest_within);
        // Two low values at rest that follow each other are no good news: the best one counts.
        let rest = match is_exercise {
            true => recent.next(),
            false => recent.max_by_key(|it| it.value.value_in(self.by.unit())),
        };
        let Some(rest) = rest else { return Finding::Unknown };
        let values = reading.values.iter().filter(|it| it.vital == self.vital);
        let falls = values.filter_map(|it| Some((self.fall(rest, it.quantity)?, it.quantity)));
        let Some((fall, value)) = falls.max_by_key(|(fall, _value)| *fall) else {
            return Finding::Unknown;
        };
        let evidence = || self.evidence(reading, rest, value, fall, late);
        let clear = self.clear.value_in(self.by.unit());
        if self.by.value() <= fall && is_exercise {
            Finding::Present(evidence())
        } else if is_trusted(reading) && clear.is_some_and(|clear| fall <= clear) {
            Finding::Gone(evidence())
        } else {
            Finding::Unknown
        }
    }

    fn fall(&self, rest: &Sample, value: Quantity) -> Option<Decimal> {
        let unit = self.by.unit();
        Some(rest.value.value_in(unit)? - value.value_in(unit)?)
    }

    fn evidence(
        &self,
        reading: &Reading,
        rest: &Sample,
        value: Quantity,
        fall: Decimal,
        late: bool,
    ) -> Evidence {
        let Self { vital, priority, by, .. } = self;
        let now = measured(reading);
        Evidence {
            priority: *priority,
            vital: Some(*vital),
            value: Some(value),
            limit: None,
            readings: vec![rest.reading, reading.id],
            fact: format!(
                "{} {value}{} during or after exercise is {} {} below {} at rest {} before (limit {by})",
                capitalised(vital.label()),
                doubts(reading),
                told(fall, *by),
                by.unit().label(),
                rest.value,
                span(rest.until(&now))
            ),
            measured: now,
            late,
            degree: Degree::Value(Direction::Fall),
        }
    }
}

impl fmt::Display for Exercise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in exercise {}", self.threshold)
    }
}

impl fmt::Display for ExerciseFall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vital, priority, by, clear, rest_within } = self;
        let (label, within) = (vital.label(), span(*rest_within));
        write!(
            f,
            "{label} falls by {by} in exercise from rest within {within} before ({priority}), clears \
             at {clear}"
        )
    }
}

#[cfg(test)]
mod tests;
