//! Vital signs, and their values as exact decimals.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use thiserror::Error;

use crate::alert::{UnknownWord, word};
use crate::reading::ReadingKind;
use crate::unit::{Dimension, Unit};

/// A measured property of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vital {
    /// Systolic blood pressure.
    SystolicPressure,
    /// Diastolic blood pressure.
    DiastolicPressure,
    /// Mean arterial pressure.
    MeanArterialPressure,
    /// Pulse rate, from a cuff or an oximeter.
    PulseRate,
    /// Peripheral oxygen saturation.
    OxygenSaturation,
    /// Pulse amplitude index (perfusion).
    PulseAmplitudeIndex,
    /// Body weight.
    BodyWeight,
    /// Body height.
    BodyHeight,
    /// Body mass index.
    BodyMassIndex,
    /// Body temperature.
    BodyTemperature,
    /// Heart rate from the electrical or optical signal of a heart rate sensor.
    HeartRate,
    /// Breaths in a minute, counted by a person.
    RespiratoryRate,
    /// Flow of supplemental oxygen; 0 L/min says that the client breathes air.
    OxygenFlow,
    /// Level of consciousness, as [`Unit::Acvpu`] writes it down.
    Consciousness,
    /// Fat, as a share of the weight.
    BodyFat,
    /// Muscle, as a share of the weight.
    BodyMuscle,
    /// Mass of the muscles.
    MuscleMass,
    /// Mass of everything but fat.
    FatFreeMass,
    /// Mass of everything but fat and bone.
    SoftLeanMass,
    /// Mass of the body's water.
    BodyWater,
    /// Concentration of glucose.
    Glucose,
}

impl Vital {
    /// Every vital.
    pub const ALL: [Self; 21] = [
        Self::SystolicPressure,
        Self::DiastolicPressure,
        Self::MeanArterialPressure,
        Self::PulseRate,
        Self::OxygenSaturation,
        Self::PulseAmplitudeIndex,
        Self::BodyWeight,
        Self::BodyHeight,
        Self::BodyMassIndex,
        Self::BodyTemperature,
        Self::HeartRate,
        Self::RespiratoryRate,
        Self::OxygenFlow,
        Self::Consciousness,
        Self::BodyFat,
        Self::BodyMuscle,
        Self::MuscleMass,
        Self::FatFreeMass,
        Self::SoftLeanMass,
        Self::BodyWater,
        Self::Glucose,
    ];

    /// The word on the wire and in care plans.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SystolicPressure => "systolic-pressure",
            Self::DiastolicPressure => "diastolic-pressure",
            Self::MeanArterialPressure => "mean-arterial-pressure",
            Self::PulseRate => "pulse-rate",
            Self::OxygenSaturation => "oxygen-saturation",
            Self::PulseAmplitudeIndex => "pulse-amplitude-index",
            Self::BodyWeight => "body-weight",
            Self::BodyHeight => "body-height",
            Self::BodyMassIndex => "body-mass-index",
            Self::BodyTemperature => "body-temperature",
            Self::HeartRate => "heart-rate",
            Self::RespiratoryRate => "respiratory-rate",
            Self::OxygenFlow => "oxygen-flow",
            Self::Consciousness => "consciousness",
            Self::BodyFat => "body-fat",
            Self::BodyMuscle => "body-muscle",
            Self::MuscleMass => "muscle-mass",
            Self::FatFreeMass => "fat-free-mass",
            Self::SoftLeanMass => "soft-lean-mass",
            Self::BodyWater => "body-water",
            Self::Glucose => "glucose",
        }
    }

    /// What a person calls it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::SystolicPressure => "systolic pressure",
            Self::DiastolicPressure => "diastolic pressure",
            Self::MeanArterialPressure => "mean arterial pressure",
            Self::PulseRate => "pulse",
            Self::OxygenSaturation => "SpO2",
            Self::PulseAmplitudeIndex => "perfusion index",
            Self::BodyWeight => "weight",
            Self::BodyHeight => "height",
            Self::BodyMassIndex => "body mass index",
            Self::BodyTemperature => "temperature",
            Self::HeartRate => "heart rate",
            Self::RespiratoryRate => "respiratory rate",
            Self::OxygenFlow => "oxygen",
            Self::Consciousness => "consciousness",
            Self::BodyFat => "body fat",
            Self::BodyMuscle => "muscle",
            Self::MuscleMass => "muscle mass",
            Self::FatFreeMass => "fat-free mass",
            Self::SoftLeanMass => "soft lean mass",
            Self::BodyWater => "body water",
            Self::Glucose => "glucose",
        }
    }

    /// IEEE 11073-10101 code (partition and term) of this vital in a reading of kind `kind`.
    ///
    /// The pulse of a cuff and of an oximeter are one vital with two codes. What a person says about
    /// oxygen and consciousness has codes of the private range (from 0xF000) of the partition of vital
    /// signs: the nomenclature has no term of which we know that it means the same.
    #[must_use]
    pub const fn mdc_code(self, kind: ReadingKind) -> u32 {
        match self {
            Self::SystolicPressure => 150_021,
            Self::DiastolicPressure => 150_022,
            Self::MeanArterialPressure => 150_023,
            Self::PulseRate => match kind {
                ReadingKind::BloodPressure => 149_546,
                ReadingKind::Oximetry
                | ReadingKind::Weight
                | ReadingKind::Temperature
                | ReadingKind::Glucose
                | ReadingKind::HeartRate
                | ReadingKind::ManualObservation => 149_530,
            },
            Self::OxygenSaturation => 150_456,
            Self::PulseAmplitudeIndex => 150_488,
            Self::BodyWeight => 188_736,
            Self::BodyHeight => 188_740,
            Self::BodyMassIndex => 188_752,
            Self::BodyTemperature => 150_364,
            Self::HeartRate => 147_842,
            Self::RespiratoryRate => 151_562,
            Self::OxygenFlow => 192_512,
            Self::Consciousness => 192_513,
            Self::BodyFat => 188_748,
            Self::BodyMuscle => 188_772,
            Self::MuscleMass => 188_776,
            Self::FatFreeMass => 188_756,
            Self::SoftLeanMass => 188_760,
            Self::BodyWater => 188_764,
            Self::Glucose => 160_020,
        }
    }

    /// The dimension in which it is measured: units of another dimension are refused.
    #[must_use]
    pub const fn dimension(self) -> Dimension {
        match self {
            Self::SystolicPressure | Self::DiastolicPressure | Self::MeanArterialPressure => {
                Dimension::Pressure
            }
            Self::PulseRate | Self::HeartRate | Self::RespiratoryRate => Dimension::Rate,
            Self::OxygenSaturation
            | Self::PulseAmplitudeIndex
            | Self::BodyFat
            | Self::BodyMuscle => Dimension::Fraction,
            Self::BodyWeight
            | Self::MuscleMass
            | Self::FatFreeMass
            | Self::SoftLeanMass
            | Self::BodyWater => Dimension::Mass,
            Self::BodyHeight => Dimension::Length,
            Self::BodyMassIndex => Dimension::AreaDensity,
            Self::BodyTemperature => Dimension::Temperature,
            Self::OxygenFlow => Dimension::Flow,
            Self::Consciousness => Dimension::Consciousness,
            Self::Glucose => Dimension::GlucoseConcentration,
        }
    }
}

impl fmt::Display for Vital {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Vital {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        word(&Self::ALL, Self::as_str, text)
    }
}

/// Why a number and a unit are no quantity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuantityError {
    /// The number has more digits than any measurement has.
    #[error("{value} has more than 15 digits, or a magnitude of a billion or more")]
    OutOfRange {
        /// The refused number.
        value: Decimal,
    },
}

/// A number with its unit; the number keeps the precision in which it was given.
///
/// "97.0 %" is not the same text as "97 %", though neither is less than the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quantity {
    value: Decimal,
    unit: Unit,
}

/// Milligrams in a pound, exact by definition (0.453 592 37 kg).
const KILOGRAM_PER_POUND: Decimal = Decimal::from_parts(45_359_237, 0, 0, false, 8);
/// Metres in an inch, exact by definition.
const METRE_PER_INCH: Decimal = Decimal::from_parts(254, 0, 0, false, 4);
/// mmHg in a kilopascal (conventional millimetre of mercury, 133.322 387 415 Pa).
const MMHG_PER_KILOPASCAL: Decimal = Decimal::from_parts(7_500_617, 0, 0, false, 6);
/// Milligrams in a decilitre for a millimole in a litre: a tenth of the molar mass of glucose,
/// 180.16 g/mol, as meters convert.
const MG_PER_DL_PER_MMOL_PER_L: Decimal = Decimal::from_parts(18_016, 0, 0, false, 3);

impl Quantity {
    /// Largest number of decimal places.
    const SCALE_MAX: u32 = 15;

    /// A quantity from its number and unit.
    ///
    /// # Errors
    ///
    /// Returns [`QuantityError::OutOfRange`] for numbers that no measurement has.
    pub fn new(value: Decimal, unit: Unit) -> Result<Self, QuantityError> {
        let fits = i64::try_from(value.mantissa()).is_ok() && value.scale() <= Self::SCALE_MAX;
        if !fits || Decimal::from(1_000_000_000) <= value.abs() {
            return Err(QuantityError::OutOfRange { value });
        }
        Ok(Self { value, unit })
    }

    /// The number.
    #[must_use]
    pub const fn value(&self) -> Decimal {
        self.value
    }

    /// The unit.
    #[must_use]
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// The number in another unit of the same dimension, exact where the factor is, not rounded.
    ///
    /// Returns `None` where `unit` measures something else.
    #[must_use]
    pub fn value_in(&self, unit: Unit) -> Option<Decimal> {
        let value = self.value;
        let offset = Decimal::from(32);
        let (five, nine) = (Decimal::from(5), Decimal::from(9));
        match (self.unit, unit) {
            (from, to) if from == to => Some(value),
            (Unit::Kilopascal, Unit::MillimetreOfMercury) => Some(value * MMHG_PER_KILOPASCAL),
            (Unit::MillimetreOfMercury, Unit::Kilopascal) => Some(value / MMHG_PER_KILOPASCAL),
            (Unit::Pound, Unit::Kilogram) => Some(value * KILOGRAM_PER_POUND),
            (Unit::Kilogram, Unit::Pound) => Some(value / KILOGRAM_PER_POUND),
            (Unit::Inch, Unit::Metre) => Some(value * METRE_PER_INCH),
            (Unit::Metre, Unit::Inch) => Some(value / METRE_PER_INCH),
            (Unit::Fahrenheit, Unit::Celsius) => Some((value - offset) * five / nine),
            (Unit::Celsius, Unit::Fahrenheit) => Some(value * nine / five + offset),
            (Unit::MillimolePerLitre, Unit::MilligramPerDecilitre) => {
                Some(value * MG_PER_DL_PER_MMOL_PER_L)
            }
            (Unit::MilligramPerDecilitre, Unit::MillimolePerLitre) => {
                Some(value / MG_PER_DL_PER_MMOL_PER_L)
            }
            (_from, _to) => None,
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.unit.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(value: &str, unit: Unit) -> Quantity {
        Quantity::new(value.parse().unwrap(), unit).unwrap()
    }

    #[track_caller]
    fn check(value: &str, from: Unit, to: Unit, expected: Option<&str>) {
        let expected = expected.map(|it| it.parse::<Decimal>().unwrap());
        assert_eq!(quantity(value, from).value_in(to), expected);
    }

    #[test]
    fn units_of_one_dimension_convert() {
        check("16.0", Unit::Kilopascal, Unit::MillimetreOfMercury, Some("120.009872"));
        check("3", Unit::Pound, Unit::Kilogram, Some("1.36077711"));
        check("10", Unit::Inch, Unit::Metre, Some("0.254"));
        check("100.4", Unit::Fahrenheit, Unit::Celsius, Some("38.0"));
        check("35", Unit::Celsius, Unit::Fahrenheit, Some("95"));
        check("70", Unit::Kilogram, Unit::Kilogram, Some("70"));
        check("5.0", Unit::MillimolePerLitre, Unit::MilligramPerDecilitre, Some("90.08"));
        check("180.16", Unit::MilligramPerDecilitre, Unit::MillimolePerLitre, Some("10"));
    }

    #[test]
    fn units_of_another_dimension_do_not() {
        check("70", Unit::Kilogram, Unit::Percent, None);
        check("70", Unit::Celsius, Unit::MillimetreOfMercury, None);
    }

    #[test]
    fn every_pair_in_one_dimension_converts_and_no_other() {
        for from in Unit::ALL {
            for to in Unit::ALL {
                let converts = quantity("1", from).value_in(to).is_some();
                assert_eq!(converts, from.dimension() == to.dimension(), "{from:?} {to:?}");
            }
        }
    }

    #[test]
    fn precision_is_kept() {
        assert_eq!(quantity("97.0", Unit::Percent).to_string(), "97.0 %");
    }

    #[test]
    fn absurd_numbers_are_refused() {
        for text in ["1000000000", "-1000000000", "1.00000000000000000001"] {
            assert!(Quantity::new(text.parse().unwrap(), Unit::Kilogram).is_err(), "{text}");
        }
    }

    #[test]
    fn words_are_unique_and_read_back() {
        for vital in Vital::ALL {
            assert_eq!(vital.as_str().parse::<Vital>(), Ok(vital));
        }
        for unit in Unit::ALL {
            assert_eq!(unit.ucum().parse::<Unit>(), Ok(unit));
        }
    }
}
