//! Weight Measurement (0x2A9D).
//!
//! ```text
//! offset  size  field
//! 0       1     flags     bit 0 imperial, 1 time, 2 user, 3 BMI and height
//! 1       2     weight    LE16, 0.005 kg or 0.01 lb; 0xFFFF unsuccessful
//! +0      7     Date Time if bit 1
//! +0      1     user      if bit 2; 0xFF unknown
//! ```
//!
//! Detecto: bit 4 of the flags is a weight below zero, in whose place stands 0.

use std::fmt;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::date_time::{current_time_service, date_time};
use super::number::{self, NotRepresentable};
use crate::gatt::{Characteristic, ClockLayout, Service, short};

/// Weight Scale Service.
pub const SERVICE: Uuid = short(0x181D);
/// Weight Measurement.
pub const MEASUREMENT: Uuid = short(0x2A9D);

/// The international pound, in kilograms.
const POUND_KG: Decimal = Decimal::from_parts(45_359_237, 0, 0, false, 8);

/// "Measurement unsuccessful" in place of a weight.
const UNSUCCESSFUL: [u8; 2] = [0xFF, 0xFF];

/// Flag of Detecto: the weight is below zero.
const BELOW_ZERO: u8 = 1 << 4;

/// What a scale shows its weights in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WeightUnit {
    /// Kilograms.
    Kilogram,
    /// Pounds.
    Pound,
}

impl WeightUnit {
    /// Returns the unit's sign.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Kilogram => "kg",
            Self::Pound => "lb",
        }
    }
}

/// One time that somebody stood on a scale.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Weight {
    /// The weight; `None` is a failed measurement. One below zero is what a scale finds that was set
    /// to zero under a load; most formats have no room for it.
    pub value: Option<Decimal>,
    /// The unit of the value.
    pub unit: WeightUnit,
    /// The user slot, for scales that tell it.
    pub user: u8,
}

impl Weight {
    /// A weight in kilograms.
    #[must_use]
    pub fn kilograms(weight: impl Into<Decimal>) -> Self {
        Self { value: Some(weight.into()), unit: WeightUnit::Kilogram, user: 1 }
    }

    /// A weight in pounds.
    #[must_use]
    pub fn pounds(weight: impl Into<Decimal>) -> Self {
        Self { value: Some(weight.into()), unit: WeightUnit::Pound, user: 1 }
    }

    /// A measurement that failed.
    #[must_use]
    pub fn failed() -> Self {
        Self { value: None, unit: WeightUnit::Kilogram, user: 1 }
    }

    /// A load taken off that a scale was set to zero with.
    #[must_use]
    pub fn below_zero() -> Self {
        Self::pounds(Decimal::NEGATIVE_ONE)
    }

    /// Returns the value in the unit that a scale shows; converted values have one decimal.
    pub(super) fn shown_in(&self, unit: WeightUnit) -> Option<Decimal> {
        let value = self.value?;
        match (self.unit, unit) {
            (WeightUnit::Kilogram, WeightUnit::Pound) => {
                value.checked_div(POUND_KG).map(|pounds| pounds.round_dp(1))
            }
            (WeightUnit::Pound, WeightUnit::Kilogram) => {
                value.checked_mul(POUND_KG).map(|kilograms| kilograms.round_dp(1))
            }
            (WeightUnit::Kilogram, WeightUnit::Kilogram)
            | (WeightUnit::Pound, WeightUnit::Pound) => Some(value),
        }
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) => write!(f, "{value} {}", self.unit.sign()),
            None => write!(f, "a weight without success"),
        }
    }
}

/// How a maker of scales writes a weight.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ScaleStyle {
    /// Kilograms with time and user (flags 0x06).
    #[default]
    Metric,
    /// Pounds with time and user (flags 0x07).
    Imperial,
    /// A&D UC-352BLE set to pounds: nothing but the weight (flags 0x01).
    And,
    /// Detecto 6880 set to pounds: nothing but the weight, which may be below zero, and neither a
    /// clock nor what it can do (flags 0x01 or 0x11).
    Detecto,
}

impl ScaleStyle {
    fn flags(self) -> u8 {
        match self {
            Self::Metric => 0x06,
            Self::Imperial => 0x07,
            Self::And | Self::Detecto => 0x01,
        }
    }

    fn unit(self) -> WeightUnit {
        match self {
            Self::Metric => WeightUnit::Kilogram,
            Self::Imperial | Self::And | Self::Detecto => WeightUnit::Pound,
        }
    }
}

/// The services of a scale besides those that every device has.
#[must_use]
pub fn services(style: ScaleStyle) -> Vec<Service> {
    let measurement = Characteristic::indicate(MEASUREMENT);
    if style == ScaleStyle::Detecto {
        return vec![Service { uuid: SERVICE, characteristics: vec![measurement] }];
    }
    let mut characteristics = vec![
        measurement,
        // Time stamp and several users; resolution 0.1 kg or 0.2 lb.
        Characteristic::fixed(short(0x2A9E), [0x1B, 0x00, 0x00, 0x00]),
    ];
    if style == ScaleStyle::And {
        characteristics.push(Characteristic::clock(short(0x2A08), ClockLayout::DateTime));
        return vec![Service { uuid: SERVICE, characteristics }];
    }
    vec![Service { uuid: SERVICE, characteristics }, current_time_service()]
}

/// Writes one weight taken when the scale's clock shows `clock`.
///
/// # Errors
///
/// Returns [`NotRepresentable`] if the weight is no multiple of the format's step or too large.
pub fn encode(
    weight: &Weight,
    style: ScaleStyle,
    clock: DateTime,
) -> Result<Vec<u8>, NotRepresentable> {
    let mut bytes = vec![style.flags()];
    match weight.shown_in(style.unit()) {
        Some(value) if style == ScaleStyle::Detecto && value < Decimal::ZERO => {
            bytes = vec![style.flags() | BELOW_ZERO, 0, 0];
        }
        Some(value) => bytes.extend(steps(value, style.unit())?),
        None => bytes.extend(UNSUCCESSFUL),
    }
    match style {
        ScaleStyle::Metric | ScaleStyle::Imperial => {
            bytes.extend(date_time(clock));
            bytes.push(weight.user);
        }
        ScaleStyle::And | ScaleStyle::Detecto => {}
    }
    Ok(bytes)
}

/// Counts the steps of the format in a weight.
pub(super) fn steps(value: Decimal, unit: WeightUnit) -> Result<[u8; 2], NotRepresentable> {
    let steps_per_unit = match unit {
        WeightUnit::Kilogram => Decimal::from(200),
        WeightUnit::Pound => Decimal::ONE_HUNDRED,
    };
    number::steps(value, steps_per_unit, u16::MAX - 1, "Weight Measurement").map(u16::to_le_bytes)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(weight: Weight, style: ScaleStyle, expected: &str) {
        let clock = date(2023, 12, 25).at(14, 30, 45, 0);
        assert_eq!(encode(&weight, style, clock).map(hex::encode), Ok(expected.to_owned()));
    }

    /// Weight, time and user as unit tests of github:RonanB96/bluetooth-sig-python,
    /// `test_weight_measurement.py`, write them: `02b036e7070c190e1e2d` and `04881302`.
    #[test]
    fn kilograms_have_a_step_of_five_grams() {
        let weight = Weight { user: 2, ..Weight::kilograms(70) };
        check(weight, ScaleStyle::Metric, "06b036e7070c190e1e2d02");
        let weight = Weight { user: 2, ..Weight::kilograms(25) };
        check(weight, ScaleStyle::Metric, "068813e7070c190e1e2d02");
    }

    /// A capture whose display showed 46.6 lb; codepudding.com/Mobile/444507.html has the weight
    /// `3412` behind flags with time.
    #[test]
    fn pounds_have_a_step_of_a_hundredth() {
        check(Weight::pounds(decimal("46.6")), ScaleStyle::Imperial, "073412e7070c190e1e2d01");
    }

    /// A capture of an A&D UC-352BLE.
    #[test]
    fn a_uc_352ble_capture_is_reproduced() {
        check(Weight::pounds(decimal("56.80")), ScaleStyle::And, "013016");
    }

    #[test]
    fn a_scale_shows_its_own_unit() {
        check(Weight::kilograms(decimal("71.2")), ScaleStyle::And, "01543d");
        assert_eq!(
            Weight::kilograms(decimal("71.2")).shown_in(WeightUnit::Pound),
            Some(decimal("157.0"))
        );
    }

    #[test]
    fn a_detecto_says_that_a_weight_is_below_zero_and_no_other_scale_does() {
        check(Weight::pounds(decimal("150.2")), ScaleStyle::Detecto, "01ac3a");
        check(Weight::below_zero(), ScaleStyle::Detecto, "110000");
        check(Weight::kilograms(decimal("-0.5")), ScaleStyle::Detecto, "110000");
        check(Weight::pounds(0), ScaleStyle::Detecto, "010000");
        check(Weight::failed(), ScaleStyle::Detecto, "01ffff");
        for style in [ScaleStyle::Metric, ScaleStyle::Imperial, ScaleStyle::And] {
            assert!(encode(&Weight::below_zero(), style, DateTime::ZERO).is_err(), "{style:?}");
        }
        let [service] = services(ScaleStyle::Detecto).try_into().unwrap();
        let uuids: Vec<_> = service.characteristics.iter().map(|it| it.uuid).collect();
        assert_eq!(uuids, [MEASUREMENT]);
    }

    #[test]
    fn a_failed_weighing_is_unsuccessful() {
        check(Weight::failed(), ScaleStyle::Metric, "06ffffe7070c190e1e2d01");
    }

    #[test]
    fn a_weight_between_two_steps_is_refused() {
        let refused =
            encode(&Weight::kilograms(decimal("70.001")), ScaleStyle::Metric, DateTime::ZERO);
        assert!(refused.is_err());
        let heavy = encode(&Weight::kilograms(328), ScaleStyle::Metric, DateTime::ZERO);
        assert!(heavy.is_err());
    }
}
