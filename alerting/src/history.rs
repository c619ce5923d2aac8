//! What was measured lately on each client: what rules look back on.
//!
//! Only readings that can be trusted in comparisons count: of a known client, at a known time, at
//! rest, without a doubt, and not implausible by an `[[implausible]]` of a plan. What is implausible
//! beside other values is kept and marked, and no rule but that one sees it: the mark depends on what
//! was measured before it alone, and not on the order in which readings come.
//! It is filled from committed readings alone, so that a restart, which reads them from the ledger,
//! finds the same.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};

use jiff::SignedDuration;
use jiff::civil::Date;
use vitals::identity::{ReadingId, SubjectId};
use vitals::{Moment, Quantity, Reading, Vital};

use crate::plan::Plan;
use crate::rule::implausible::Implausible;
use crate::rule::{Condition, Rule, can_clear, measured};

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
    /// Whether it is implausible, by itself or beside what was measured before it.
    is_suspect: bool,
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

    /// The order in which the two were measured; what was at the same time stands in the order of the
    /// ledger, which also says which of the two was written down later.
    fn order(&self, other: &Self) -> Ordering {
        let is_of_before =
            self.reading.epoch == other.reading.epoch && self.reading < other.reading;
        let order = match is_of_before {
            true => other.when.order(&self.when).reverse(),
            false => self.when.order(&other.when),
        };
        order.then(self.reading.cmp(&other.reading))
    }
}

/// The trusted measurements of late, the oldest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    samples: BTreeMap<(SubjectId, Vital), VecDeque<Sample>>,
    /// What the plans call implausible.
    checks: BTreeMap<(SubjectId, Vital), Vec<Implausible>>,
}

impl History {
    /// A history without a reading, which keeps apart what `plans` call implausible.
    pub(crate) fn checking<'p>(plans: impl IntoIterator<Item = &'p Plan>) -> Self {
        let mut history = Self::default();
        for plan in plans {
            for condition in plan.rules().map(Rule::condition) {
                if let Condition::Implausible(check) = condition {
                    let key = (plan.subject().clone(), check.vital());
                    history.checks.entry(key).or_default().push(check.clone());
                }
            }
        }
        history
    }

    /// What `reading` adds to the history of its client; nothing where it cannot be trusted.
    pub(crate) fn samples(reading: &Reading) -> impl Iterator<Item = (Vital, Sample)> {
        let when = measured(reading);
        let trusted = reading.values.iter().filter(|_it| can_clear(reading));
        let by_vital: BTreeMap<Vital, Quantity> =
            trusted.map(|it| (it.vital, it.quantity)).collect();
        let sample = move |value| Sample { reading: reading.id, when, value, is_suspect: false };
        by_vital.into_iter().map(move |(vital, value)| (vital, sample(value)))
    }

    /// Takes in a reading that has been committed, in whatever order they come.
    pub(crate) fn note(&mut self, reading: &Reading) {
        let Some(subject) = &reading.subject else { return };
        for (vital, sample) in Self::samples(reading) {
            let key = (subject.clone(), vital);
            let checks = self.checks.get(&key).map(Vec::as_slice).unwrap_or_default();
            let samples = self.samples.entry(key).or_default();
            if samples.iter().any(|it| it.reading == sample.reading) {
                continue;
            }
            let n_later = samples.iter().rev().take_while(|it| sample.order(it).is_lt()).count();
            let place = samples.len().saturating_sub(n_later);
            samples.insert(place, sample);
            mark(samples, place, checks);
            forget(samples);
        }
    }

    /// What `reading` has of `vital`, and what was measured before it, the oldest first.
    ///
    /// Returns `None` where it has none that can be trusted or is plausible, or where something is known
    /// that was measured later: what comes out of order is not judged by what came before it.
    pub(crate) fn up_to(
        &self,
        reading: &Reading,
        vital: Vital,
    ) -> Option<(Sample, impl DoubleEndedIterator<Item = &Sample>)> {
        let subject = reading.subject.as_ref()?;
        let (_vital, newest) = Self::samples(reading).find(|(of, _sample)| *of == vital)?;
        let others = move || self.of(subject, vital).filter(move |it| it.reading != newest.reading);
        let is_later = |it: &Sample| newest.when.order(&it.when).is_lt();
        if others().next_back().is_some_and(is_later) || self.is_suspect(subject, vital, &newest) {
            return None;
        }
        Some((newest, others()))
    }

    /// The plausible measurements of `vital` of `subject`, the oldest first.
    pub(crate) fn of(
        &self,
        subject: &SubjectId,
        vital: Vital,
    ) -> impl DoubleEndedIterator<Item = &Sample> + Clone {
        self.all_of(subject, vital).filter(|it| !it.is_suspect)
    }

    /// All measurements of `vital` of `subject` before `sample`, also implausible ones, the oldest
    /// first.
    pub(crate) fn before(
        &self,
        subject: &SubjectId,
        vital: Vital,
        sample: Sample,
    ) -> impl DoubleEndedIterator<Item = &Sample> + Clone {
        let is_before =
            move |it: &&Sample| it.reading != sample.reading && sample.when.order(&it.when).is_ge();
        self.all_of(subject, vital).filter(is_before)
    }

    fn all_of(
        &self,
        subject: &SubjectId,
        vital: Vital,
    ) -> impl DoubleEndedIterator<Item = &Sample> + Clone {
        self.samples.get(&(subject.clone(), vital)).into_iter().flatten()
    }

    fn is_suspect(&self, subject: &SubjectId, vital: Vital, sample: &Sample) -> bool {
        let checks = self.checks.get(&(subject.clone(), vital));
        let before = || self.before(subject, vital, *sample);
        checks.into_iter().flatten().any(|it| it.doubt(sample, before()).is_some())
    }
}

/// Marks the sample at `place` where it is implausible, and looks again at those after it.
fn mark(samples: &mut VecDeque<Sample>, place: usize, checks: &[Implausible]) {
    if checks.is_empty() {
        return;
    }
    for index in place..samples.len() {
        let Some(sample) = samples.get(index).copied() else { return };
        let before = || samples.range(..index);
        let is_suspect = checks.iter().any(|it| it.doubt(&sample, before()).is_some());
        if let Some(marked) = samples.get_mut(index) {
            marked.is_suspect = is_suspect;
        }
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
