//! Xiaomi Mi scales: service data of an advertisement, for as long as the scale is awake.
//!
//! ```text
//! scale 1, 0x181D   control, weight x 200 little-endian, Date Time
//!                   control 22: stabilized, kilograms
//! scale 2, 0x181B   02 26: a person, stabilized, impedance, kilograms; Date Time, impedance
//!                   little-endian in ohm, weight x 200 little-endian
//! ```

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use uuid::Uuid;

use super::date_time::date_time;
use super::number::NotRepresentable;
use super::weight::{Weight, WeightUnit};
use crate::gatt::short;

/// Impedance of somebody barefoot in ohm.
const IMPEDANCE_OHM: u16 = 503;
/// Steps in a kilogram.
const STEPS: u32 = 200;

/// A scale that says what it weighs in its advertisements.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum XiaomiScale {
    /// Without impedance.
    One,
    /// With impedance.
    Two,
}

impl XiaomiScale {
    /// The service whose data it advertises.
    pub(super) fn service(self) -> Uuid {
        match self {
            Self::One => short(0x181D),
            Self::Two => short(0x181B),
        }
    }

    /// The name that it advertises.
    pub(super) fn model(self) -> &'static str {
        match self {
            Self::One => "MI_SCALE",
            Self::Two => "MIBFS",
        }
    }
}

/// Writes a weight as the data of a service.
///
/// # Errors
///
/// Fails where the format has no room for the weight.
pub(crate) fn advertised(
    style: XiaomiScale,
    weighed: &Weight,
    clock: DateTime,
) -> Result<Vec<u8>, NotRepresentable> {
    let value = weighed.shown_in(WeightUnit::Kilogram).unwrap_or_default();
    let refused = NotRepresentable { value, format: "a Xiaomi scale" };
    let steps = value.checked_mul(Decimal::from(STEPS)).filter(Decimal::is_integer);
    let weight = steps.and_then(|it| it.to_u16()).ok_or(refused)?.to_le_bytes();
    let time = date_time(clock);
    Ok(match style {
        XiaomiScale::One => [&[0x22][..], &weight, &time].concat(),
        XiaomiScale::Two => {
            [&[0x02, 0x26][..], &time, &IMPEDANCE_OHM.to_le_bytes(), &weight].concat()
        }
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_weight_is_the_data_of_its_service() {
        let clock = date(2022, 2, 14).at(16, 41, 58, 0);
        let said = |style, kg: i64| {
            let weighed = Weight::kilograms(Decimal::new(kg, 3));
            hex::encode(advertised(style, &weighed, clock).unwrap())
        };
        assert_eq!(said(XiaomiScale::One, 9550), "227607e607020e10293a");
        assert_eq!(said(XiaomiScale::Two, 72_450), "0226e607020e10293af7019a38");
    }
}
