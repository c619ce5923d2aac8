//! A single value at or beyond a limit, or one of several limits that get more urgent outwards.
//!
//! The value is compared in the unit in which the plan wrote each limit, without rounding.
//! Several limits make one episode: a worse value escalates its alert and raises no second one.
//! Between the innermost limit and the clear level nothing happens: that band is what keeps a value
//! that hovers around the limit from raising an alert at each measurement.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use vitals::{Priority, Quantity, Reading, Vital};

use crate::alert::{Degree, Evidence};
use crate::rule::confirm::Confirm;
use crate::rule::trust::{can_clear, doubts, is_at_rest, measured};
use crate::rule::{Direction, Finding, capitalised};

/// On which side of the limit the alert lies; the limit itself belongs to that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// High values alert.
    AtOrAbove,
    /// Low values alert.
    AtOrBelow,
}

/// A limit, and how soon a person has to look at a value at it or beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How soon.
    pub priority: Priority,
    /// The first value that alerts.
    pub level: Quantity,
}

/// The limits of one vital on one side, and the level at which their alert clears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    vital: Vital,
    side: Side,
    /// The innermost.
    first: Limit,
    /// The others, each further out and more urgent.
    further: Vec<Limit>,
    clear: Quantity,
    /// Whether values of exercise have a rule of their own beside it.
    is_for_rest: bool,
    confirm: Option<Confirm>,
}

/// Why limits and a clear level make no threshold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// The limit is in a unit in which the vital is not measured.
    #[error("the unit of {limit} does not measure {}", vital.label())]
    LimitUnit {
        /// The vital.
        vital: Vital,
        /// The refused limit.
        limit: Quantity,
    },
    /// The clear level is in a unit in which the vital is not measured.
    #[error("the unit of {clear} does not measure {}", vital.label())]
    ClearUnit {
        /// The vital.
        vital: Vital,
        /// The refused clear level.
        clear: Quantity,
    },
    /// The clear level is not inside the limit: the alert would clear on the value that raises it.
    #[error("the clear level {clear} is not inside the limit {limit}")]
    NotInside {
        /// The limit.
        limit: Quantity,
        /// The refused clear level.
        clear: Quantity,
    },
    /// A more urgent limit is not further out than a less urgent one.
    #[error("the limit {outer} is not further out than {inner}, which is less urgent")]
    NotFurther {
        /// The less urgent limit.
        inner: Quantity,
        /// The refused limit.
        outer: Quantity,
    },
}

impl Side {
    /// Both sides.
    pub const ALL: [Self; 2] = [Self::AtOrAbove, Self::AtOrBelow];

    /// Whether `value` is at `level` or beyond it on this side.
    fn is_beyond(self, value: Decimal, level: Decimal) -> bool {
        match self {
            Self::AtOrAbove => level <= value,
            Self::AtOrBelow => value <= level,
        }
    }

    /// Which way values get worse.
    pub(crate) const fn direction(self) -> Direction {
        match self {
            Self::AtOrAbove => Direction::Rise,
            Self::AtOrBelow => Direction::Fall,
        }
    }

    pub(crate) const fn opposite(self) -> Self {
        match self {
            Self::AtOrAbove => Self::AtOrBelow,
            Self::AtOrBelow => Self::AtOrAbove,
        }
    }

    /// How a number is rounded that is beyond a level on this side only where it was so before.
    pub(crate) const fn rounding(self) -> RoundingStrategy {
        match self {
            Self::AtOrAbove => RoundingStrategy::ToNegativeInfinity,
            Self::AtOrBelow => RoundingStrategy::ToPositiveInfinity,
        }
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::AtOrAbove => "at or above",
            Self::AtOrBelow => "at or below",
        }
    }
}

impl Threshold {
    /// A threshold on `vital` that alerts on `side` of `first`, more urgently at each of the
    /// `further` limits, and clears at `clear`.
    ///
    /// # Errors
    ///
    /// Returns [`ThresholdError`] where a unit measures something else, where `clear` is not strictly
    /// inside `first`, or where a further limit is not strictly outside the one before it and more
    /// urgent.
    pub fn new(
        vital: Vital,
        side: Side,
        first: Limit,
        further: Vec<Limit>,
        clear: Quantity,
    ) -> Result<Self, ThresholdError> {
        let refused = |limit| Err(ThresholdError::LimitUnit { vital, limit });
        if first.level.unit().dimension() != vital.dimension() {
            return refused(first.level);
        }
        let Some(level) = clear.value_in(first.level.unit()) else {
            return Err(ThresholdError::ClearUnit { vital, clear });
        };
        if side.is_beyond(level, first.level.value()) {
            return Err(ThresholdError::NotInside { limit: first.level, clear });
        }
        let mut inner = first;
        for &outer in &further {
            let Some(level) = inner.level.value_in(outer.level.unit()) else {
                return refused(outer.level);
            };
            if inner.priority <= outer.priority || side.is_beyond(level, outer.level.value()) {
                let (inner, outer) = (inner.level, outer.level);
                return Err(ThresholdError::NotFurther { inner, outer });
            }
            inner = outer;
        }
        Ok(Self { vital, side, first, further, clear, is_for_rest: false, confirm: None })
    }

    /// The same threshold, which asks for a repeated measurement before it raises an alert.
    #[must_use]
    pub fn confirmed_by(self, confirm: Confirm) -> Self {
        Self { confirm: Some(confirm), ..self }
    }

    /// Whether it asks for a repeated measurement, and how.
    #[must_use]
    pub const fn confirm(&self) -> Option<Confirm> {
        self.confirm
    }

    /// The vital that it watches.
    #[must_use]
    pub const fn vital(&self) -> Vital {
        self.vital
    }

    /// The side of the limit that alerts.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// The limits, from the innermost to the most urgent; a value at a limit alerts.
    pub fn limits(&self) -> impl DoubleEndedIterator<Item = &Limit> {
        std::iter::once(&self.first).chain(&self.further)
    }

    /// The highest priority of its limits.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.further.last().unwrap_or(&self.first).priority
    }

    /// The innermost limit.
    pub(crate) const fn first(&self) -> Limit {
        self.first
    }

    /// Whether `value` is at `limit` or beyond it.
    pub(crate) fn is_beyond(&self, value: Quantity, limit: Limit) -> bool {
        let number = value.value_in(limit.level.unit());
        number.is_some_and(|it| self.side.is_beyond(it, limit.level.value()))
    }

    /// Judges values at rest alone from now on: those of exercise have a rule of their own.
    pub(crate) const fn leave_exercise(&mut self) {
        self.is_for_rest = true;
    }

    /// The most urgent limit that `value` is at or beyond.
    pub(crate) fn reached(&self, value: Quantity) -> Option<Limit> {
        self.limits().rev().find(|limit| self.is_beyond(value, **limit)).copied()
    }

    /// Whether `value` is at the clear level or further inside.
    pub(crate) fn is_at_clear(&self, value: Quantity) -> bool {
        value
            .value_in(self.clear.unit())
            .is_some_and(|number| self.side.opposite().is_beyond(number, self.clear.value()))
    }

    /// What clears its alerts, after the word "clears".
    pub(crate) fn clears(&self) -> String {
        format!("{} {}", self.side.opposite().words(), self.clear)
    }

    /// What it finds in `reading`.
    pub(crate) fn judge(&self, reading: &Reading, late: bool) -> Finding {
        if self.is_for_rest && !is_at_rest(reading.context.phase) {
            return Finding::Unknown;
        }
        self.find(reading, late, can_clear(reading))
    }

    /// What stands in `reading`: one value beyond the limit is enough, to clear all must be inside,
    /// and the reading has to be one that `clears`.
    pub(crate) fn find(&self, reading: &Reading, late: bool, clears: bool) -> Finding {
        let values = || reading.values.iter().filter(|it| it.vital == self.vital);
        let beyond = values().filter_map(|it| Some((self.reached(it.quantity)?, it.quantity)));
        // Of several equally urgent ones the first.
        if let Some((limit, value)) = beyond.min_by_key(|(limit, _value)| limit.priority) {
            return Finding::Present(self.evidence(reading, value, limit, late));
        }
        match values().next_back() {
            Some(last) if clears && values().all(|it| self.is_at_clear(it.quantity)) => {
                Finding::Gone(self.evidence(reading, last.quantity, self.first, late))
            }
            Some(_) | None => Finding::Unknown,
        }
    }

    fn evidence(&self, reading: &Reading, value: Quantity, limit: Limit, late: bool) -> Evidence {
        let doubts = doubts(reading);
        let vital = capitalised(self.vital.label());
        let side = self.side.words();
        let Limit { priority, level: limit } = limit;
        Evidence {
            priority,
            vital: Some(self.vital),
            value: Some(value),
            limit: Some(limit),
            readings: vec![reading.id],
            fact: format!("{vital} {value}{doubts} is {side} the limit of {limit}"),
            measured: measured(reading),
            late,
            degree: Degree::Value(self.side.direction()),
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.vital.label(), self.side.words())?;
        for (n, Limit { priority, level }) in self.limits().enumerate() {
            let separator = if n == 0 { "" } else { "," };
            write!(f, "{separator} {level} ({priority})")?;
        }
        write!(f, ", clears {}", self.clears())?;
        f.write_str(if self.is_for_rest { ", at rest alone" } else { "" })?;
        match self.confirm {
            Some(confirm) => write!(f, ", {confirm}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
