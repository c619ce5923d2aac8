//! Body Composition Measurement (0x2A9C).
//!
//! ```text
//! offset  size  field
//! 0       2     flags         LE16: bit 0 imperial, 1 time, 2 user, 4 muscle, 8 water, 10 weight
//! 2       2     body fat      LE16, 0.1 %; 0xFFFF unsuccessful
//! +0      7     Date Time     if bit 1
//! +0      1     user          if bit 2; 0xFF unknown
//! +0      2     muscle        if bit 4; LE16, 0.1 %
//! +0      2     body water    if bit 8; LE16, 0.005 kg or 0.01 lb
//! +0      2     weight        if bit 10; LE16, 0.005 kg or 0.01 lb
//! ```

use std::fmt;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::date_time::{current_time_service, date_time};
use super::number::{self, NotRepresentable};
use super::weight::{Weight, WeightUnit, steps};
use crate::gatt::{Characteristic, Service, short};

/// Body Composition Service.
pub const SERVICE: Uuid = short(0x181B);
/// Body Composition Measurement.
pub const MEASUREMENT: Uuid = short(0x2A9C);

/// "Measurement unsuccessful" in place of a body fat.
const UNSUCCESSFUL: [u8; 2] = [0xFF, 0xFF];

const TIME: u16 = 1 << 1;
const USER: u16 = 1 << 2;
const MUSCLE: u16 = 1 << 4;
const WATER: u16 = 1 << 8;
const WEIGHT: u16 = 1 << 10;

/// Bit 12 of the flags in their second byte: the measurement has several packets.
const PART_HIGH: u8 = 0x10;
/// The consent that lets a hub in.
const CONSENT: u16 = 1234;

/// One time that somebody stood barefoot on a scale that measures what a body is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BodyComposition {
    /// What was found; `None` is a failed measurement.
    pub found: Option<Found>,
    /// The user slot.
    pub user: u8,
}

/// What a body is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Found {
    /// Fat, in percent of the weight.
    pub fat_percent: Decimal,
    /// Muscle, in percent of the weight.
    pub muscle_percent: Option<Decimal>,
    /// Water, in kilograms.
    pub water_kg: Option<Decimal>,
    /// The weight, in kilograms.
    pub weight_kg: Option<Decimal>,
}

impl BodyComposition {
    /// Fat in percent and weight in kilograms.
    #[must_use]
    pub fn new(fat_percent: impl Into<Decimal>, weight_kg: impl Into<Decimal>) -> Self {
        let found = Found {
            fat_percent: fat_percent.into(),
            muscle_percent: None,
            water_kg: None,
            weight_kg: Some(weight_kg.into()),
        };
        Self { found: Some(found), user: 1 }
    }

    /// A measurement that failed: shoes on, for example.
    #[must_use]
    pub fn failed() -> Self {
        Self { found: None, user: 1 }
    }
}

impl fmt::Display for BodyComposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.found {
            Some(found) => write!(f, "{} % body fat", found.fat_percent),
            None => write!(f, "a body composition without success"),
        }
    }
}

/// In what units a scale writes masses.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum BodyCompositionStyle {
    /// Kilograms.
    #[default]
    Metric,
    /// Pounds.
    Imperial,
    /// Kilograms, the weight in a packet of its own, and nothing without the consent 1234.
    TwoPackets,
}

impl BodyCompositionStyle {
    fn unit(self) -> WeightUnit {
        match self {
            Self::Metric | Self::TwoPackets => WeightUnit::Kilogram,
            Self::Imperial => WeightUnit::Pound,
        }
    }

    fn unit_flag(self) -> u16 {
        match self {
            Self::Metric | Self::TwoPackets => 0,
            Self::Imperial => 1,
        }
    }
}

/// The services of a scale besides those that every device has.
#[must_use]
pub fn services(style: BodyCompositionStyle) -> Vec<Service> {
    let mut characteristics = vec![
        Characteristic::indicate(MEASUREMENT),
        // Time stamp, several users, muscle percentage, water and weight; 0.1 kg or 0.2 lb.
        Characteristic::fixed(short(0x2A9B), [0x8B, 0x1A, 0x00, 0x00]),
    ];
    if style == BodyCompositionStyle::TwoPackets {
        characteristics.push(Characteristic::user_control(short(0x2A9F), CONSENT));
    }
    vec![Service { uuid: SERVICE, characteristics }, current_time_service()]
}

/// Writes one body composition in as many packets as the scale makes of it.
///
/// # Errors
///
/// As [`encode`].
pub fn packets(
    taken: &BodyComposition,
    style: BodyCompositionStyle,
    clock: DateTime,
) -> Result<Vec<Vec<u8>>, NotRepresentable> {
    let weight = taken.found.and_then(|it| it.weight_kg);
    let (BodyCompositionStyle::TwoPackets, Some(weight), Some(found)) =
        (style, weight, taken.found)
    else {
        return Ok(vec![encode(taken, style, clock)?]);
    };
    let without = BodyComposition { found: Some(Found { weight_kg: None, ..found }), ..*taken };
    let mut first = encode(&without, style, clock)?;
    if let Some(high) = first.get_mut(1) {
        *high |= PART_HIGH;
    }
    let [low, high] = WEIGHT.to_le_bytes();
    let mut second = vec![low, high | PART_HIGH];
    second.extend(UNSUCCESSFUL);
    second.extend(steps(weight, WeightUnit::Kilogram)?);
    Ok(vec![first, second])
}

/// Writes one body composition taken when the scale's clock shows `clock`.
///
/// # Errors
///
/// Returns [`NotRepresentable`] if a value is no multiple of the format's step or too large.
pub fn encode(
    taken: &BodyComposition,
    style: BodyCompositionStyle,
    clock: DateTime,
) -> Result<Vec<u8>, NotRepresentable> {
    let muscle = taken.found.and_then(|it| it.muscle_percent);
    let water = taken.found.and_then(|it| it.water_kg);
    let weight = taken.found.and_then(|it| it.weight_kg);
    let optional = [(muscle, MUSCLE), (water, WATER), (weight, WEIGHT)];
    let given = optional.into_iter().filter(|(value, _flag)| value.is_some());
    let flags = given.fold(style.unit_flag() | TIME | USER, |flags, (_value, flag)| flags | flag);

    let mut bytes = flags.to_le_bytes().to_vec();
    match taken.found {
        Some(found) => bytes.extend(tenths(found.fat_percent)?),
        None => bytes.extend(UNSUCCESSFUL),
    }
    bytes.extend(date_time(clock));
    bytes.push(taken.user);
    bytes.extend(muscle.map(tenths).transpose()?.into_iter().flatten());
    for mass in [water, weight].into_iter().flatten() {
        let shown = Weight::kilograms(mass).shown_in(style.unit()).unwrap_or_default();
        bytes.extend(steps(shown, style.unit())?);
    }
    Ok(bytes)
}

fn tenths(percent: Decimal) -> Result<[u8; 2], NotRepresentable> {
    number::steps(percent, Decimal::TEN, 1000, "a percentage in tenths").map(u16::to_le_bytes)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(taken: BodyComposition, style: BodyCompositionStyle, expected: &str) {
        let clock = date(2024, 6, 20).at(10, 30, 0, 0);
        assert_eq!(encode(&taken, style, clock).map(hex::encode), Ok(expected.to_owned()));
    }

    /// The fat with its time as unit tests of github:RonanB96/bluetooth-sig-python,
    /// `test_body_composition_measurement.py`, write it: `9600e80706140a1e00`.
    #[test]
    fn fat_and_weight_have_their_steps() {
        let taken = BodyComposition { user: 2, ..BodyComposition::new(15, 60) };
        check(taken, BodyCompositionStyle::Metric, "06049600e80706140a1e0002e02e");
        let taken = BodyComposition::new(15, decimal("71.2"));
        check(taken, BodyCompositionStyle::Imperial, "07049600e80706140a1e0001543d");
    }

    #[test]
    fn muscle_and_water_stand_before_the_weight() {
        let found = Found {
            fat_percent: decimal("21.5"),
            muscle_percent: Some(decimal("38.4")),
            water_kg: Some(decimal("40")),
            weight_kg: Some(decimal("70.5")),
        };
        let taken = BodyComposition { found: Some(found), user: 1 };
        let expected = "1605d700e80706140a1e00018001401f1437";
        check(taken, BodyCompositionStyle::Metric, expected);
    }

    #[test]
    fn a_failed_measurement_is_unsuccessful() {
        let expected = "0600ffffe80706140a1e0001";
        check(BodyComposition::failed(), BodyCompositionStyle::Metric, expected);
    }

    #[test]
    fn a_value_between_two_steps_is_refused() {
        for fat in ["15.05", "100.1", "-1"] {
            let taken = BodyComposition::new(decimal(fat), 60);
            assert!(encode(&taken, BodyCompositionStyle::Metric, DateTime::ZERO).is_err(), "{fat}");
        }
    }
}
