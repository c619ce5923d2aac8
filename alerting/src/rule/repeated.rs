//! Several values at or beyond a limit among the last ones: one of them alone says little.
//!
//! Only trusted values count, the newest has to be one of those beyond, and a value that comes late,
//! measured before one that is known, changes nothing until the next one is measured.

use std::fmt;

use jiff::SignedDuration;
use vitals::{Reading, Vital};

use crate::alert::{Degree, Evidence, READINGS_MAX};
use crate::history::{History, Sample};
use crate::rule::threshold::{Limit, Threshold};
use crate::rule::{Finding, span};

/// Most values of which several have to be beyond the limit: no alert names more readings.
pub const OF_MAX: usize = READINGS_MAX;

/// A threshold that has to be crossed several times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    threshold: Threshold,
    times: usize,
    of: usize,
    within: SignedDuration,
}

impl Repeated {
    /// Alerts where of the last `of` values `times` are beyond a limit of `threshold`, all of them
    /// measured no longer than `within` ago.
    ///
    /// Returns `None` unless `times` is from 2 to `of`, and that at most [`OF_MAX`].
    #[must_use]
    pub fn new(
        threshold: Threshold,
        times: usize,
        of: usize,
        within: SignedDuration,
    ) -> Option<Self> {
        (2..=of.min(OF_MAX)).contains(&times).then_some(Self { threshold, times, of, within })
    }

    /// The threshold.
    #[must_use]
    pub const fn threshold(&self) -> &Threshold {
        &self.threshold
    }

    /// The vital that it watches.
    #[must_use]
    pub const fn vital(&self) -> Vital {
        self.threshold.vital()
    }

    /// What clears its alerts, after the word "clears".
    pub(crate) fn clears(&self) -> String {
        let clears = self.threshold.clears();
        format!("when fewer than {} of {} are and the latest is {clears}", self.times, self.of)
    }

    /// What it finds in `reading`, after what `history` has.
    pub(crate) fn judge(&self, reading: &Reading, late: bool, history: &History) -> Finding {
        let Some((newest, before)) = history.up_to(reading, self.vital()) else {
            return Finding::Unknown;
        };
        let recent = before.rev().take_while(|it| newest.after(it) <= self.within);
        let last: Vec<Sample> =
            std::iter::once(newest).chain(recent.copied()).take(self.of).collect();
        let n_beyond = |limit: &Limit| {
            let beyond = last.iter().filter(|it| self.threshold.is_beyond(it.value, *limit));
            beyond.count()
        };
        let stands = |limit: &&Limit| {
            self.threshold.is_beyond(newest.value, **limit) && self.times <= n_beyond(limit)
        };
        if let Some(limit) = self.threshold.limits().rev().find(stands) {
            return Finding::Present(self.evidence(&newest, *limit, &last, late));
        }
        let first = self.threshold.first();
        match n_beyond(&first) < self.times && self.threshold.is_at_clear(newest.value) {
            true => Finding::Gone(self.evidence(&newest, first, &last, late)),
            false => Finding::Unknown,
        }
    }

    fn evidence(&self, newest: &Sample, limit: Limit, last: &[Sample], late: bool) -> Evidence {
        let beyond = || last.iter().filter(|it| self.threshold.is_beyond(it.value, limit));
        let Limit { priority, level } = limit;
        let n_beyond = beyond().count();
        let label = self.vital().label();
        let side = self.threshold.side().words();
        Evidence {
            priority,
            vital: Some(self.vital()),
            value: Some(newest.value),
            limit: Some(level),
            // The oldest first.
            readings: beyond().rev().map(|it| it.reading).collect(),
            fact: format!(
                "{n_beyond} of the last {} values of {label} are {side} the limit of {level}, the \
                 latest is {}",
                last.len(),
                newest.value
            ),
            measured: newest.when,
            late,
            degree: Degree::Value(self.threshold.side().direction()),
        }
    }
}

impl fmt::Display for Repeated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { threshold, times, of, within } = self;
        write!(f, "{times} of {of} values within {}: {threshold}", span(*within))
    }
}

#[cfg(test)]
mod tests;
