//! A value that is hardly one of this client: outside what can be, outside what is usual, in another
//! unit, of another person, or far from what was measured just before.
//!
//! It asks a person to check the value, and keeps it out of what other rules look back on. It silences
//! nothing: a limit of a `[[threshold]]` judges the same value as if there were no such rule.
//!
//! Beside other values only trusted ones are compared, and none with what was measured after it.
//! What is implausible beside others counts among these others all the same: a value that comes again
//! is plausible in time, however far it is from the ones before.

use std::fmt;

use jiff::SignedDuration;
use rust_decimal::Decimal;
use vitals::{Priority, Quantity, Reading, Unit, Vital};

use crate::alert::{Degree, Evidence};
use crate::history::{History, LOOK_BACK, SAMPLES_MAX, Sample};
use crate::rule::trust::{doubts, measured};
use crate::rule::{Finding, capitalised, median, span};

/// How far back weights tell what is usual, and the fewest that tell who stands on the scale.
const USUAL_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);
const USUAL_MIN: usize = 3;

/// Most weights of that time that are looked at, the newest.
const USUAL_MAX: usize = 64;

/// Pounds in a kilogram and kilograms in a pound, each give or take 5 %, in ten-thousandths.
const POUNDS: [u32; 2] = [20_944, 23_148];
const KILOGRAMS: [u32; 2] = [4_309, 4_763];

/// A weight below or above so much of the usual one, in hundredths, is surely of another person or in
/// another unit (Breland 2017).
const SURELY_OTHER: [u32; 2] = [67, 150];

/// What is implausible of one vital.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Implausible {
    pub(crate) vital: Vital,
    pub(crate) priority: Priority,
    /// What can be at all.
    pub(crate) possible: Bounds,
    /// What is usual.
    pub(crate) plausible: Bounds,
    pub(crate) jump: Option<Jump>,
    pub(crate) band: Option<Band>,
}

/// A range of values, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub(crate) from: Quantity,
    pub(crate) to: Quantity,
}

/// More than `by` away from every value of the time `within` before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jump {
    pub(crate) by: Quantity,
    pub(crate) within: SignedDuration,
}

/// How far a weight may be from the usual one: `by` or so many percent of it, whichever is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    pub(crate) by: Quantity,
    pub(crate) percent: u32,
}

/// Why a value is implausible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    Impossible(Bounds),
    Unlikely(Bounds),
    OtherUnit { usual_kg: Decimal },
    OtherPerson { usual_kg: Decimal },
    Jumped(Jump),
}

impl Bounds {
    pub(crate) fn holds(&self, value: Quantity) -> bool {
        let is_from = |from: Decimal| self.from.value() <= from;
        let is_to = |to: Decimal| to <= self.to.value();
        value.value_in(self.from.unit()).is_some_and(is_from)
            && value.value_in(self.to.unit()).is_some_and(is_to)
    }
}

impl Implausible {
    /// The vital that it watches.
    #[must_use]
    pub const fn vital(&self) -> Vital {
        self.vital
    }

    /// How much earlier a value can be that it compares with.
    pub(crate) fn reach(&self) -> SignedDuration {
        let of_jump = self.jump.map_or(SignedDuration::ZERO, |it| it.within);
        if self.vital == Vital::BodyWeight { LOOK_BACK } else { of_jump }
    }

    /// Whether it takes a blood pressure out of the history that is far from the one before it.
    #[must_use]
    pub(crate) fn hides_falls(&self) -> bool {
        let pressures = [Vital::SystolicPressure, Vital::DiastolicPressure];
        self.jump.is_some() && pressures.contains(&self.vital)
    }

    /// What it finds in `reading`, after what `history` has.
    ///
    /// A doubtful value or one of an unknown client is judged by itself alone.
    pub(crate) fn judge(&self, reading: &Reading, late: bool, history: &History) -> Finding {
        let values = || reading.values.iter().filter(|it| it.vital == self.vital);
        let by_itself = values().find_map(|it| Some((it.quantity, self.by_itself(it.quantity)?)));
        let mut samples = History::samples(reading).filter(|(vital, _it)| *vital == self.vital);
        let trusted = reading.subject.as_ref().zip(samples.next().map(|it| it.1));
        let doubts = doubts(reading);
        let evidence = |value, fact| Evidence {
            priority: self.priority,
            vital: Some(self.vital),
            value: Some(value),
            limit: None,
            readings: vec![reading.id],
            fact,
            measured: measured(reading),
            late,
            degree: Degree::Alike,
        };
        match (by_itself, trusted) {
            (Some((value, doubt)), _trusted) => {
                Finding::Present(evidence(value, self.fact(value, &doubts, doubt)))
            }
            (None, Some((subject, sample))) => {
                let value = sample.value;
                match self.beside(&sample, history.before(subject, self.vital, sample)) {
                    Some(doubt) => {
                        Finding::Present(evidence(value, self.fact(value, &doubts, doubt)))
                    }
                    None => {
                        let label = capitalised(self.vital.label());
                        Finding::Gone(evidence(value, format!("{label} {value} is plausible")))
                    }
                }
            }
            (None, None) => Finding::Unknown,
        }
    }

    /// Why `sample` is implausible, after what was measured `before` it, the oldest first.
    pub(crate) fn doubt<'s>(
        &self,
        sample: &Sample,
        before: impl DoubleEndedIterator<Item = &'s Sample>,
    ) -> Option<Doubt> {
        self.by_itself(sample.value).or_else(|| self.beside(sample, before))
    }

    fn by_itself(&self, value: Quantity) -> Option<Doubt> {
        if !self.possible.holds(value) {
            return Some(Doubt::Impossible(self.possible));
        }
        (!self.plausible.holds(value)).then_some(Doubt::Unlikely(self.plausible))
    }

    fn beside<'s>(
        &self,
        sample: &Sample,
        before: impl DoubleEndedIterator<Item = &'s Sample>,
    ) -> Option<Doubt> {
        match self.vital {
            Vital::BodyWeight => self.beside_weights(sample, before),
            Vital::SystolicPressure
            | Vital::DiastolicPressure
            | Vital::MeanArterialPressure
            | Vital::PulseRate
            | Vital::OxygenSaturation
            | Vital::PulseAmplitudeIndex
            | Vital::BodyHeight
            | Vital::BodyMassIndex
            | Vital::BodyTemperature
            | Vital::HeartRate
            | Vital::RespiratoryRate
            | Vital::OxygenFlow
            | Vital::Consciousness
            | Vital::BodyFat
            | Vital::BodyMuscle
            | Vital::MuscleMass
            | Vital::FatFreeMass
            | Vital::SoftLeanMass
            | Vital::BodyWater
            | Vital::Glucose => {
                self.jump.filter(|it| it.is_made(sample, before)).map(Doubt::Jumped)
            }
        }
    }

    fn beside_weights<'s>(
        &self,
        sample: &Sample,
        before: impl DoubleEndedIterator<Item = &'s Sample>,
    ) -> Option<Doubt> {
        let weight = sample.value.value_in(Unit::Kilogram)?;
        let (usual_kg, n_usual) = usual_kg(sample, before)?;
        let is_between = |share: Decimal, [least, most]: [u32; 2]| {
            Decimal::new(least.into(), 4) <= share && share <= Decimal::new(most.into(), 4)
        };
        let share = weight.checked_div(usual_kg)?;
        if [POUNDS, KILOGRAMS].into_iter().any(|it| is_between(share, it)) {
            return Some(Doubt::OtherUnit { usual_kg });
        }
        let [least, most] = SURELY_OTHER.map(|it| Decimal::new(it.into(), 2));
        let is_beyond = |band: &Band| USUAL_MIN <= n_usual && band.is_left(weight, usual_kg);
        let is_other = share < least || most < share || self.band.as_ref().is_some_and(is_beyond);
        is_other.then_some(Doubt::OtherPerson { usual_kg })
    }

    /// What was found, in words.
    fn fact(&self, value: Quantity, doubts: &str, doubt: Doubt) -> String {
        let what = format!("{} {value}{doubts}", capitalised(self.vital.label()));
        let other_unit = other_unit(value).map(|it| format!(", as {it} would be"));
        let other_unit = other_unit.unwrap_or_default();
        match doubt {
            Doubt::Impossible(Bounds { from, to }) => {
                format!("{what} is outside what can be, {from} to {to}{other_unit}: check it")
            }
            Doubt::Unlikely(Bounds { from, to }) => {
                format!("{what} is outside what is usual, {from} to {to}{other_unit}: check it")
            }
            Doubt::OtherUnit { usual_kg } => format!(
                "{what} is far from the usual {} kg, as pounds taken for kilograms or kilograms \
                 taken for pounds would be: check the unit",
                usual_kg.round_dp(1).normalize()
            ),
            Doubt::OtherPerson { usual_kg } => format!(
                "{what} is far from the usual {} kg: check who stood on the scale",
                usual_kg.round_dp(1).normalize()
            ),
            Doubt::Jumped(Jump { by, within }) => format!(
                "{what} is more than {by} away from what was measured within {} before: check it",
                span(within)
            ),
        }
    }
}

impl Jump {
    fn is_made<'s>(
        &self,
        sample: &Sample,
        before: impl DoubleEndedIterator<Item = &'s Sample>,
    ) -> bool {
        let number = |it: &Sample| it.value.value_in(self.by.unit());
        let Some(value) = number(sample) else { return false };
        let latest = before.rev().take(SAMPLES_MAX);
        let lately = latest.take_while(|it| sample.after(it) <= self.within);
        let mut n_far = 0_usize;
        for earlier in lately.filter_map(number) {
            if (value - earlier).abs() <= self.by.value() {
                return false;
            }
            n_far = n_far.saturating_add(1);
        }
        0 < n_far
    }
}

impl Band {
    fn is_left(&self, weight_kg: Decimal, usual_kg: Decimal) -> bool {
        let by = self.by.value_in(Unit::Kilogram).unwrap_or_default();
        let share = usual_kg * Decimal::new(self.percent.into(), 2);
        by.max(share) < (weight_kg - usual_kg).abs()
    }
}

/// The usual weight in kilograms, with the number of weights that tell it.
///
/// It is the median of the week before; of fewer than three weights it is the nearest one, as one of
/// two may be the wrong one, and where the week has none the last one before it that a history shows.
fn usual_kg<'s>(
    sample: &Sample,
    before: impl DoubleEndedIterator<Item = &'s Sample>,
) -> Option<(Decimal, usize)> {
    let mut weights = [Decimal::ZERO; USUAL_MAX];
    let mut n_weights = 0;
    let lately = before.rev().take_while(|it| sample.after(it) <= LOOK_BACK);
    for (place, earlier) in weights.iter_mut().zip(lately) {
        if USUAL_WITHIN < sample.after(earlier) && 0 < n_weights {
            break;
        }
        *place = earlier.value.value_in(Unit::Kilogram)?;
        n_weights += 1;
    }
    let known = weights.get_mut(..n_weights)?;
    let weight = sample.value.value_in(Unit::Kilogram)?;
    let usual = match n_weights < USUAL_MIN {
        true => known.iter().min_by_key(|it| (weight - **it).abs()).copied(),
        false => median(known),
    };
    Some((usual?, n_weights))
}

/// Another unit that a number in this one would fit.
fn other_unit(value: Quantity) -> Option<&'static str> {
    let is_between = |least: u32, most: u32| {
        Decimal::from(least) <= value.value() && value.value() <= Decimal::from(most)
    };
    match value.unit() {
        Unit::MillimetreOfMercury if is_between(7, 40) => Some("kilopascals"),
        Unit::Celsius if is_between(86, 113) => Some("degrees Fahrenheit"),
        Unit::MillimetreOfMercury
        | Unit::Kilopascal
        | Unit::Percent
        | Unit::PerMinute
        | Unit::Kilogram
        | Unit::Pound
        | Unit::Metre
        | Unit::Inch
        | Unit::KilogramPerSquareMetre
        | Unit::Celsius
        | Unit::Fahrenheit
        | Unit::LitrePerMinute
        | Unit::Acvpu
        | Unit::MilligramPerDecilitre
        | Unit::MillimolePerLitre => None,
    }
}

impl fmt::Display for Implausible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vital, priority, possible, plausible, jump, band } = self;
        let (label, Bounds { from, to }) = (vital.label(), plausible);
        write!(f, "check {label} outside {from} to {to}")?;
        write!(f, ", impossible outside {} to {}", possible.from, possible.to)?;
        if let Some(Jump { by, within }) = jump {
            write!(f, ", more than {by} away from all within {}", span(*within))?;
        }
        if let Some(Band { by, percent }) = band {
            write!(f, ", more than {by} and {percent} % away from the usual of a week")?;
        }
        write!(f, " ({priority})")
    }
}

#[cfg(test)]
mod tests;
