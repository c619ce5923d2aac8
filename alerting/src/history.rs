//! What was measured lately on each client: what rules look back on.
//!
//! Only readings that can be trusted in comparisons count: of a known client, at a known time, at
//! rest, without a doubt, and not implausible by an `[[implausible]]` of a plan. What is implausible
//! beside other values is kept and marked, and no rule but that one sees it: the mark depends on what
//! was measured before it alone, and not on the order in which readings come.
//! It is filled from committed readings alone, and keeps twice what rules see, as far as the marks of
//! what they see can look: so a restart, which reads them from the ledger, finds the same.
//! What has the time and the value of another one is the same measurement, under whatever number: a
//! ledger that goes on in a new epoch writes records again.

mod keep;
pub mod rhythm;

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};

use jiff::SignedDuration;
use jiff::civil::Date;
use vitals::identity::{ReadingId, SubjectId};
use vitals::{Moment, Quantity, Reading, Unit, Vital};

use self::keep::{forget, is_out_of_reach, mark, seen};
use self::rhythm::Rhythm;
use crate::alert::Alert;
use crate::average::Pressure;
use crate::plan::Plan;
use crate::rule::implausible::{Doubt, Implausible};
use crate::rule::irregular_pulse::OF_MAX;
use crate::rule::trust::{can_clear, is_at_rest, is_time_known, measured};
use crate::rule::{Condition, Rule};

/// How far back rules can look, before the newest measurement of the same vital; what is implausible is
/// marked by what was measured so long before it.
pub const LOOK_BACK: SignedDuration = SignedDuration::from_hours(35 * 24);

/// How far back readings are needed for that.
pub const REACH: SignedDuration = SignedDuration::from_hours(2 * 35 * 24);

/// Most measurements of one vital of one client that rules see, and that a mark depends on.
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
        after(&self.when, &earlier.when)
    }

    /// Whether it is `other` under another number.
    fn is_same(&self, other: &Self) -> bool {
        self.reading == other.reading
            || is_at_once(&self.when, &other.when) && self.value == other.value
    }

    /// How much later than it `moment` is.
    pub(crate) fn until(&self, moment: &Moment) -> SignedDuration {
        after(moment, &self.when)
    }
}

/// What is known of one vital when a reading is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    /// The latest value.
    Known {
        value: Quantity,
        /// The reading that it comes from.
        of: ReadingId,
        /// How much older it is than the reading.
        age: SignedDuration,
    },
    /// There is none, or the latest one is in doubt or implausible.
    Missing,
    /// Something is known that was measured later than the reading.
    OutOfOrder,
}

/// The trusted measurements of late, the oldest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    samples: BTreeMap<(SubjectId, Vital), VecDeque<Sample>>,
    /// What the plans call implausible.
    checks: BTreeMap<(SubjectId, Vital), Vec<Implausible>>,
    /// The rhythms of the latest blood pressures, the oldest first; at most [`OF_MAX`] of a client.
    rhythms: BTreeMap<SubjectId, VecDeque<Rhythm>>,
    /// The latest measurement at rest that is in doubt.
    doubted: BTreeMap<(SubjectId, Vital), (ReadingId, Moment)>,
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
        if let Some(rhythm) = Rhythm::of(reading) {
            self.note_rhythm(subject, rhythm);
        }
        self.note_doubt(subject, reading);
        for (vital, sample) in Self::samples(reading) {
            let key = (subject.clone(), vital);
            let checks = self.checks.get(&key).map(Vec::as_slice).unwrap_or_default();
            let samples = self.samples.entry(key).or_default();
            // Under two numbers it keeps the lower one, in whatever order they come.
            let known = samples.iter().position(|it| it.is_same(&sample));
            if let Some(known) = known {
                if samples.get(known).is_some_and(|it| it.reading <= sample.reading) {
                    continue;
                }
                samples.remove(known);
            }
            let one = (sample.reading, &sample.when);
            let is_later = |it: &&Sample| order(one, (it.reading, &it.when)).is_lt();
            let n_later = samples.iter().rev().take_while(is_later).count();
            let place = samples.len().saturating_sub(n_later);
            if place == 0 && is_out_of_reach(samples, &sample) {
                continue;
            }
            samples.insert(place, sample);
            mark(samples, known.unwrap_or(place).min(place), checks);
            forget(samples);
        }
    }

    /// Takes a reading out that is not of its client; what a doubt about it had overtaken counts again.
    pub(crate) fn forget(&mut self, reading: &Reading) {
        let Some(subject) = &reading.subject else { return };
        if let Some(rhythms) = self.rhythms.get_mut(subject) {
            rhythms.retain(|it| it.reading != reading.id);
        }
        self.doubted.retain(|(of, _vital), (id, _when)| of != subject || *id != reading.id);
        for ((of, vital), samples) in &mut self.samples {
            let place = samples.iter().position(|it| it.reading == reading.id);
            if let Some(place) = place.filter(|_it| of == subject) {
                samples.remove(place);
                let key = (of.clone(), *vital);
                mark(samples, place, self.checks.get(&key).map(Vec::as_slice).unwrap_or_default());
            }
        }
    }

    fn note_rhythm(&mut self, subject: &SubjectId, rhythm: Rhythm) {
        let rhythms = self.rhythms.entry(subject.clone()).or_default();
        if let Some(known) = rhythms.iter().position(|it| it.is_same(&rhythm)) {
            if rhythms.get(known).is_some_and(|it| it.reading <= rhythm.reading) {
                return;
            }
            rhythms.remove(known);
        }
        let one = (rhythm.reading, &rhythm.when);
        let is_later = |it: &&Rhythm| order(one, (it.reading, &it.when)).is_lt();
        let n_later = rhythms.iter().rev().take_while(is_later).count();
        rhythms.insert(rhythms.len().saturating_sub(n_later), rhythm);
        while OF_MAX < rhythms.len() {
            rhythms.pop_front();
        }
    }

    fn note_doubt(&mut self, subject: &SubjectId, reading: &Reading) {
        let is_in_order = is_time_known(reading) && is_at_rest(reading.context.phase);
        if !is_in_order || can_clear(reading) {
            return;
        }
        let doubt = (reading.id, measured(reading));
        for measurement in &reading.values {
            let latest = self.doubted.entry((subject.clone(), measurement.vital)).or_insert(doubt);
            if order((latest.0, &latest.1), (doubt.0, &doubt.1)).is_lt() {
                *latest = doubt;
            }
        }
    }

    /// What is known of `vital` when `reading` is judged: what it says itself, or what was measured
    /// last before it.
    pub(crate) fn input(&self, reading: &Reading, vital: Vital) -> Input {
        let Some(subject) = &reading.subject else { return Input::Missing };
        let now = measured(reading);
        let latest = self.all_of(subject, vital).rfind(|it| it.reading != reading.id);
        if let Some(value) = reading.value(vital) {
            if latest.is_some_and(|it| now.order(&it.when).is_lt()) {
                return Input::OutOfOrder;
            }
            let sample = Sample { reading: reading.id, when: now, value, is_suspect: false };
            // A value that has only jumped may be the very one that matters: it is scored, and clears
            // nothing.
            return match self.cannot_be(subject, vital, &sample) {
                true => Input::Missing,
                false => Input::Known { value, of: reading.id, age: SignedDuration::ZERO },
            };
        }
        let doubted = self.doubted.get(&(subject.clone(), vital));
        let is_overtaken = |it: &Sample| {
            let is_later = |(id, when): &(ReadingId, Moment)| {
                order((it.reading, &it.when), (*id, when)).is_lt()
            };
            it.is_suspect || doubted.is_some_and(is_later)
        };
        match latest {
            Some(it) if !is_overtaken(it) => {
                Input::Known { value: it.value, of: it.reading, age: it.until(&now) }
            }
            Some(_) | None => Input::Missing,
        }
    }

    /// The blood pressures of the time `within` before `reading` and its own, the oldest first: those
    /// of which both values are trusted and plausible.
    pub(crate) fn pressures_up_to(
        &self,
        reading: &Reading,
        within: SignedDuration,
    ) -> Option<impl Iterator<Item = Pressure>> {
        let (newest_high, highs) = self.up_to(reading, Vital::SystolicPressure)?;
        let (newest_low, lows) = self.up_to(reading, Vital::DiastolicPressure)?;
        let is_old = move |it: &&Sample| within < newest_high.after(it);
        let mut lows = lows.skip_while(is_old).copied().chain([newest_low]).peekable();
        let highs = highs.skip_while(is_old).copied().chain([newest_high]);
        Some(highs.filter_map(move |high| {
            let is_before =
                |low: &Sample| order((low.reading, &low.when), (high.reading, &high.when)).is_lt();
            while lows.next_if(is_before).is_some() {}
            let low = lows.next_if(|it| it.reading == high.reading)?;
            Some(Pressure {
                at: high.when.at,
                systolic: high.value.value_in(Unit::MillimetreOfMercury)?,
                diastolic: low.value.value_in(Unit::MillimetreOfMercury)?,
            })
        }))
    }

    /// What `reading` says about the rhythm, and what was known before it, the oldest first; `None`
    /// where it does not count, or something later is known.
    pub(crate) fn rhythms_up_to(
        &self,
        reading: &Reading,
    ) -> Option<(Rhythm, impl DoubleEndedIterator<Item = &Rhythm>)> {
        let subject = reading.subject.as_ref()?;
        let newest = Rhythm::of(reading)?;
        let rhythms = self.rhythms.get(subject).into_iter().flatten();
        let others = rhythms.filter(move |it| it.reading != newest.reading);
        let is_later = |it: &Rhythm| newest.when.order(&it.when).is_lt();
        if others.clone().next_back().is_some_and(is_later) {
            return None;
        }
        Some((newest, others))
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
        let seen = self.samples.get(&(subject.clone(), vital)).map(seen);
        seen.into_iter().flatten().filter(|it| !it.is_suspect)
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

    /// The measurements of `vital` that `alert` names, up to what it stands on, the oldest first.
    pub(crate) fn named<'h>(
        &'h self,
        alert: &'h Alert,
        vital: Vital,
    ) -> impl DoubleEndedIterator<Item = &'h Sample> {
        let stands_on = alert.subject.as_ref().zip(alert.measured);
        stands_on.into_iter().flat_map(move |(subject, measured)| {
            let is_named = move |it: &&Sample| {
                alert.readings.contains(&it.reading) && measured.order(&it.when).is_ge()
            };
            self.all_of(subject, vital).filter(is_named)
        })
    }

    fn all_of(
        &self,
        subject: &SubjectId,
        vital: Vital,
    ) -> impl DoubleEndedIterator<Item = &Sample> + Clone {
        self.samples.get(&(subject.clone(), vital)).into_iter().flatten()
    }

    /// Whether a value of `vital` in `reading` is implausible, by itself or after what was before it.
    pub(crate) fn is_implausible(&self, reading: &Reading, vital: Vital) -> bool {
        let Some(subject) = &reading.subject else { return false };
        let (id, when) = (reading.id, measured(reading));
        reading.values.iter().filter(|it| it.vital == vital).any(|it| {
            let sample = Sample { reading: id, when, value: it.quantity, is_suspect: false };
            self.is_suspect(subject, vital, &sample)
        })
    }

    fn is_suspect(&self, subject: &SubjectId, vital: Vital, sample: &Sample) -> bool {
        self.doubts(subject, vital, sample).next().is_some()
    }

    /// Whether more speaks against `sample` than that it is far from those just before it.
    fn cannot_be(&self, subject: &SubjectId, vital: Vital, sample: &Sample) -> bool {
        self.doubts(subject, vital, sample).any(|it| !matches!(it, Doubt::Jumped(_)))
    }

    fn doubts(
        &self,
        subject: &SubjectId,
        vital: Vital,
        sample: &Sample,
    ) -> impl Iterator<Item = Doubt> {
        let checks = self.checks.get(&(subject.clone(), vital)).into_iter().flatten();
        checks.filter_map(move |it| it.doubt(sample, self.before(subject, vital, *sample)))
    }
}

/// How much later than `earlier` the moment `when` was.
fn after(when: &Moment, earlier: &Moment) -> SignedDuration {
    let in_one_run = earlier.on.and_then(|anchor| when.since(anchor));
    in_one_run.unwrap_or_else(|| when.at.at.duration_since(earlier.at.at))
}

/// Whether both clocks showed the same: a clock that was set back shows a time twice.
fn is_at_once(one: &Moment, other: &Moment) -> bool {
    let is_same = one.order(other).is_eq() || other.order(one).is_eq();
    is_same && one.at.at == other.at.at
}

/// The order in which two were measured; what was at the same time stands in the order of the ledger,
/// which also says which of the two was written down later.
fn order(one: (ReadingId, &Moment), other: (ReadingId, &Moment)) -> Ordering {
    let is_of_before = one.0.epoch == other.0.epoch && one.0 < other.0;
    let order = match is_of_before {
        true => other.1.order(one.1).reverse(),
        false => one.1.order(other.1),
    };
    order.then(one.0.cmp(&other.0))
}

#[cfg(test)]
mod tests;
