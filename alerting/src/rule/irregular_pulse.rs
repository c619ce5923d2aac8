//! An irregular pulse in several of the last blood pressures: one of them alone says little.
//!
//! Of three readings two have to show it (Stergiou and others 2009: 100 % sensitivity and 89 %
//! specificity). A reading in which the body moved, or whose signal is in doubt otherwise, does not
//! count among them. What the cuff says about the value of the pulse or the position does not matter:
//! the rhythm is the same. A cuff that does not look for an irregular pulse never shows one.

use std::fmt;

use jiff::SignedDuration;
use vitals::{Priority, Reading, Vital};

use crate::alert::{Degree, Evidence, READINGS_MAX};
use crate::history::History;
use crate::history::rhythm::Rhythm;
use crate::rule::trust::{doubts, measured};
use crate::rule::{Finding, span};

/// Most readings of which several have to show it: no alert names more.
pub const OF_MAX: usize = READINGS_MAX;

/// An irregular pulse in `times` of the last `of` readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IrregularPulse {
    priority: Priority,
    times: usize,
    of: usize,
    within: SignedDuration,
}

impl IrregularPulse {
    /// Alerts where of the last `of` blood pressures `times` show an irregular pulse, all of them
    /// measured no longer than `within` ago.
    ///
    /// Returns `None` unless `times` is from 2 to `of`, and that at most [`OF_MAX`].
    #[must_use]
    pub fn new(
        priority: Priority,
        times: usize,
        of: usize,
        within: SignedDuration,
    ) -> Option<Self> {
        (2..=of.min(OF_MAX)).contains(&times).then_some(Self { priority, times, of, within })
    }

    /// How soon a person has to look.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        self.priority
    }

    /// What clears its alerts, after the word "clears".
    pub(crate) fn clears(&self) -> String {
        format!("when fewer than {} of {} show one and the latest does not", self.times, self.of)
    }

    /// What it finds in `reading`, after what `history` has.
    pub(crate) fn judge(&self, reading: &Reading, late: bool, history: &History) -> Finding {
        let Some((newest, before)) = history.rhythms_up_to(reading) else {
            return Finding::Unknown;
        };
        let recent = before.rev().take_while(|it| newest.after(it) <= self.within);
        let last: Vec<Rhythm> =
            std::iter::once(newest).chain(recent.copied()).take(self.of).collect();
        let n_irregular = last.iter().filter(|it| it.is_irregular).count();
        let evidence = || self.evidence(reading, &last, n_irregular, late);
        match (newest.is_irregular, self.times <= n_irregular) {
            (true, true) => Finding::Present(evidence()),
            // Too few readings do not say that the pulse is regular.
            (false, false) if last.len() == self.of => Finding::Gone(evidence()),
            (true | false, false) | (false, true) => Finding::Unknown,
        }
    }

    fn evidence(
        &self,
        reading: &Reading,
        last: &[Rhythm],
        n_irregular: usize,
        late: bool,
    ) -> Evidence {
        let pulse = reading.value(Vital::PulseRate);
        let latest =
            pulse.map(|it| format!(", the latest with a pulse of {it}{}", doubts(reading)));
        Evidence {
            priority: self.priority,
            vital: Some(Vital::PulseRate),
            value: pulse,
            limit: None,
            // The oldest first.
            readings: last.iter().rev().map(|it| it.reading).collect(),
            fact: format!(
                "{n_irregular} of the last {} blood pressures showed an irregular pulse{}",
                last.len(),
                latest.unwrap_or_default()
            ),
            measured: measured(reading),
            late,
            degree: Degree::Alike,
        }
    }
}

impl fmt::Display for IrregularPulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { priority, times, of, within } = self;
        let within = span(*within);
        write!(f, "irregular pulse in {times} of {of} blood pressures within {within} ({priority})")
    }
}

#[cfg(test)]
mod tests;
