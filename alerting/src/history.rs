//! What was measured lately on each client: what rules look back on.
//!
//! Only readings that can be trusted in comparisons are here: of a known client, at a known time, at
//! rest, and without a doubt. It is filled from committed readings alone, so that a restart, which
//! reads them from the ledger, finds the same.

use std::collections::{BTreeMap, VecDeque};

use jiff::SignedDuration;
use jiff::civil::Date;
use vitals::identity::{ReadingId, SubjectId};
use vitals::{Moment, Quantity, Reading, Vital};

use crate::rule::{can_clear, measured};

/// How far back rules can look, before the newest measurement of the same vital.
pub const REACH: SignedDuration = SignedDuration::from_hours(35 * 24);

/// Most measurements of one vital of one client; the oldest go first.
///
/// Thirty-five days with more than fourteen a day.
pub const SAMPLES_MAX: usize = 512;

/// One trusted measurement of one vital.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The reading that it belongs to.
    pub reading: ReadingId,
    /// When it was measured.
    pub when: Moment,
    /// What was measured; of several values of one vital in a reading the last.
    pub value: Quantity,
}

impl Sample {
    /// The day of the measurement where the client is.
    #[must_use]
    pub fn day(&self) -> Date {
        self.when.at.civil().date()
    }

    /// How much later than `earlier` it was measured.
    #[must_use]
    pub fn after(&self, earlier: &Self) -> SignedDuration {
        let in_one_run = earlier.when.on.and_then(|anchor| self.when.since(anchor));
        in_one_run.unwrap_or_else(|| self.when.at.at.duration_since(earlier.when.at.at))
    }
}

/// The trusted measurements of late, the oldest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    samples: BTreeMap<(SubjectId, Vital), VecDeque<Sample>>,
}

impl History {
    /// What `reading` adds to the history of its client; nothing where it cannot be trusted.
    pub(crate) fn samples(reading: &Reading) -> impl Iterator<Item = (Vital, Sample)> {
        let when = measured(reading);
        let trusted = reading.values.iter().filter(|_it| can_clear(reading));
        let by_vital: BTreeMap<Vital, Quantity> =
            trusted.map(|it| (it.vital, it.quantity)).collect();
        let sample = move |value| Sample { reading: reading.id, when, value };
        by_vital.into_iter().map(move |(vital, value)| (vital, sample(value)))
    }

    /// Takes in a reading that has been committed, in whatever order they come.
    pub(crate) fn note(&mut self, reading: &Reading) {
        let Some(subject) = &reading.subject else { return };
        for (vital, sample) in Self::samples(reading) {
            let samples = self.samples.entry((subject.clone(), vital)).or_default();
            if samples.iter().any(|it| it.reading == sample.reading) {
                continue;
            }
            // What was measured at the same time stands in the order of the ledger.
            let is_before = |other: &Sample| {
                let order = sample.when.order(&other.when);
                order.then(sample.reading.cmp(&other.reading)).is_lt()
            };
            let n_later = samples.iter().rev().take_while(|it| is_before(it)).count();
            samples.insert(samples.len().saturating_sub(n_later), sample);
            forget(samples);
        }
    }

    /// What `reading` has of `vital`, and what was measured before it, the oldest first.
    ///
    /// Returns `None` where it has none that can be trusted, or where something is known that was
    /// measured later: what comes out of order is not judged by what came before it.
    pub(crate) fn up_to(
        &self,
        reading: &Reading,
        vital: Vital,
    ) -> Option<(Sample, impl DoubleEndedIterator<Item = &Sample>)> {
        let subject = reading.subject.as_ref()?;
        let (_vital, newest) = Self::samples(reading).find(|(of, _sample)| *of == vital)?;
        let others = move || self.of(subject, vital).filter(move |it| it.reading != newest.reading);
        let is_later = |it: &Sample| newest.when.order(&it.when).is_lt();
        if others().next_back().is_some_and(is_later) {
            return None;
        }
        Some((newest, others()))
    }

    /// The measurements of `vital` of `subject`, the oldest first.
    pub(crate) fn of(
        &self,
        subject: &SubjectId,
        vital: Vital,
    ) -> impl DoubleEndedIterator<Item = &Sample> {
        self.samples.get(&(subject.clone(), vital)).into_iter().flatten()
    }
}

/// Drops what is out of reach of the newest, and what is too much.
fn forget(samples: &mut VecDeque<Sample>) {
    let Some(newest) = samples.back().copied() else { return };
    while samples.front().is_some_and(|oldest| REACH < newest.after(oldest)) {
        samples.pop_front();
    }
    while SAMPLES_MAX < samples.len() {
        samples.pop_front();
    }
}

#[cfg(test)]
mod tests;
