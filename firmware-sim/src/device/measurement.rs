//! What a person does with a device: one measurement, in plain units.

use std::fmt;
use std::time::Duration;

use rust_decimal::Decimal;
use thiserror::Error;

use super::blood_pressure::BloodPressure;
use super::body_composition::BodyComposition;
use super::glucose::Glucose;
use super::heart_rate::HeartRate;
use super::number::NotRepresentable;
use super::oximetry::Oximetry;
use super::temperature::Temperature;
use super::weight::Weight;

/// One thing that a device can measure.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Measurement {
    /// A blood pressure, or an attempt that failed.
    BloodPressure(BloodPressure),
    /// Oxygen saturation and pulse rate, for as long as the finger is in.
    Oximetry(Oximetry),
    /// A body weight, or an attempt that failed.
    Weight(Weight),
    /// What a body is made of, or an attempt that failed.
    BodyComposition(BodyComposition),
    /// A glucose, or an attempt that failed.
    Glucose(Glucose),
    /// A body temperature, or an attempt that failed.
    Temperature(Temperature),
    /// A heart rate, for as long as the belt is worn.
    HeartRate(HeartRate),
}

/// Why a device could not measure.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum MeasureError {
    /// The device does not measure this kind of quantity; nothing was stored.
    #[error("a {device} does not measure {asked}")]
    Unsuitable {
        /// What the device is.
        device: &'static str,
        /// What it was asked to measure.
        asked: &'static str,
    },
    /// A value does not fit the device's format; nothing was stored.
    #[error(transparent)]
    NotRepresentable(#[from] NotRepresentable),
}

impl Measurement {
    /// A blood pressure in mmHg with the pulse rate per minute.
    #[must_use]
    pub fn blood_pressure(systolic: u16, diastolic: u16, pulse: u16) -> Self {
        Self::BloodPressure(BloodPressure::mmhg(systolic, diastolic, pulse))
    }

    /// A saturation in percent with the pulse rate per minute; the finger is in for 20 s.
    #[must_use]
    pub fn oximetry(spo2: impl Into<Decimal>, pulse: impl Into<Decimal>) -> Self {
        Self::Oximetry(Oximetry::new(spo2, pulse))
    }

    /// A weight in kilograms.
    #[must_use]
    pub fn weight_kg(weight: impl Into<Decimal>) -> Self {
        Self::Weight(Weight::kilograms(weight))
    }

    /// A weight in pounds.
    #[must_use]
    pub fn weight_lb(weight: impl Into<Decimal>) -> Self {
        Self::Weight(Weight::pounds(weight))
    }

    /// A body fat in percent with the weight in kilograms.
    #[must_use]
    pub fn body_composition(fat: impl Into<Decimal>, weight: impl Into<Decimal>) -> Self {
        Self::BodyComposition(BodyComposition::new(fat, weight))
    }

    /// A glucose in the unit of the meter.
    #[must_use]
    pub fn glucose(concentration: impl Into<Decimal>) -> Self {
        Self::Glucose(Glucose::blood(concentration))
    }

    /// A temperature in degrees Celsius.
    #[must_use]
    pub fn temperature_c(temperature: impl Into<Decimal>) -> Self {
        Self::Temperature(Temperature::celsius(temperature))
    }

    /// A heart rate in beats per minute; the belt is worn for 20 s.
    #[must_use]
    pub fn heart_rate(bpm: u16) -> Self {
        Self::HeartRate(HeartRate::new(bpm))
    }

    /// Sets how long a finger is in or a belt is worn; other measurements have no length.
    #[must_use]
    pub fn lasting(mut self, worn: Duration) -> Self {
        match &mut self {
            Self::Oximetry(oximetry) => oximetry.worn = worn,
            Self::HeartRate(heart_rate) => heart_rate.worn = worn,
            Self::BloodPressure(_)
            | Self::Weight(_)
            | Self::BodyComposition(_)
            | Self::Glucose(_)
            | Self::Temperature(_) => {}
        }
        self
    }

    /// Sets the user slot; only cuffs and scales have any.
    #[must_use]
    pub fn by_user(mut self, user: u8) -> Self {
        match &mut self {
            Self::BloodPressure(taken) => taken.user = user,
            Self::Weight(weight) => weight.user = user,
            Self::BodyComposition(taken) => taken.user = user,
            Self::Oximetry(_) | Self::Glucose(_) | Self::Temperature(_) | Self::HeartRate(_) => {}
        }
        self
    }

    /// Returns what is measured, in words.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::BloodPressure(_) => "blood pressure",
            Self::Oximetry(_) => "oxygen saturation",
            Self::Weight(_) => "weight",
            Self::BodyComposition(_) => "body composition",
            Self::Glucose(_) => "glucose",
            Self::Temperature(_) => "temperature",
            Self::HeartRate(_) => "heart rate",
        }
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BloodPressure(taken) => taken.fmt(f),
            Self::Oximetry(oximetry) => oximetry.fmt(f),
            Self::Weight(weight) => weight.fmt(f),
            Self::BodyComposition(taken) => taken.fmt(f),
            Self::Glucose(glucose) => glucose.fmt(f),
            Self::Temperature(temperature) => temperature.fmt(f),
            Self::HeartRate(heart_rate) => heart_rate.fmt(f),
        }
    }
}
