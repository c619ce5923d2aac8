//! Weight Scale Profile: Weight Measurement (0x2A9D).
//!
//! ```text
//! offset  size  field
//! 0       1     flags       bit 0: 0 = kilogram and metre, 1 = pound and inch
//!                           bit 1: time stamp present
//!                           bit 2: user id present
//!                           bit 3: body mass index and height present
//! 1       2     weight      little-endian, 0.005 kg or 0.01 lb; 0xFFFF = unsuccessful
//! +0      7     time stamp  Date Time
//! +0      1     user id     0xFF = unknown
//! +0      2     BMI         little-endian, 0.1 kg/m²
//! +0      2     height      little-endian, 0.001 m or 0.1 in
//! ```
//!
//! The multipliers are fixed. The resolution in Weight Scale Feature (0x2A9E) is that of the
//! instrument and multiplies nothing.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use vitals::{DeviceTime, ReadingKind, Unit, Vital};

use super::date_time;
use super::error::DecodeError;
use super::item::FailureReason;
use super::measurement::{beside, measurement};
use super::payload::Payload;
use super::report::{NoResult, Report, user_slot};

/// What a scale sends for a weight that it could not measure.
const UNSUCCESSFUL: u16 = 0xFFFF;

/// A decoded Weight Measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weight {
    /// Whether weight and height are in pounds and inches.
    pub is_imperial: bool,
    /// Weight in kilograms or pounds; `None` for an unsuccessful measurement.
    pub weight: Option<Decimal>,
    /// When it was measured.
    pub device_time: Option<DeviceTime>,
    /// User id as it came; 0xFF stands for unknown.
    pub user_id: Option<u8>,
    /// Body mass index in kg/m², and height in metres or inches.
    pub body: Option<Body>,
}

/// What the scale knows of the body it weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Body {
    /// Body mass index in kg/m².
    pub mass_index: Decimal,
    /// Height in metres or inches.
    pub height: Decimal,
}

/// Decodes the value of a Weight Measurement characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] if the length is not what the
/// flags promise.
pub fn decode(bytes: &[u8]) -> Result<Weight, DecodeError> {
    let mut payload = Payload::new(bytes);
    let flags = payload.byte("flags")?;
    let is = |bit: u8| flags & bit != 0;

    let is_imperial = is(1 << 0);
    let weight = payload.u16_le("weight")?;
    let device_time = is(1 << 1).then(|| date_time::field(&mut payload)).transpose()?;
    let user_id = is(1 << 2).then(|| payload.byte("user id")).transpose()?;
    let body = is(1 << 3).then(|| body(&mut payload, is_imperial)).transpose()?;
    payload.end()?;

    let weight = (weight != UNSUCCESSFUL).then(|| kilogram_or_pound(weight, is_imperial));
    Ok(Weight { is_imperial, weight, device_time, user_id, body })
}

/// A mass in the fixed steps of the scales of the Bluetooth SIG.
pub(crate) fn kilogram_or_pound(raw: u16, is_imperial: bool) -> Decimal {
    if is_imperial {
        return Decimal::new(i64::from(raw), 2);
    }
    Decimal::new(i64::from(raw).saturating_mul(5), 3)
}

fn body(payload: &mut Payload<'_>, is_imperial: bool) -> Result<Body, DecodeError> {
    let mass_index = Decimal::new(i64::from(payload.u16_le("body mass index")?), 1);
    let n_decimals = if is_imperial { 1 } else { 3 };
    let height = Decimal::new(i64::from(payload.u16_le("height")?), n_decimals);
    Ok(Body { mass_index, height })
}

impl Weight {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no scale can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let (mass, length) = self.units();
        let result = match self.weight {
            None => Err(NoResult::Failed(vec![FailureReason::NoValue])),
            Some(weight) => {
                let weight = measurement(Vital::BodyWeight, weight, mass)?;
                // A scale that does not know the height of its user says 0.
                let body = self.body.into_iter().flat_map(|it| {
                    let index = Unit::KilogramPerSquareMetre;
                    [
                        beside(Vital::BodyHeight, it.height, length),
                        beside(Vital::BodyMassIndex, it.mass_index, index),
                    ]
                });
                Ok([weight].into_iter().chain(body.flatten()).collect())
            }
        };
        Ok(Report {
            kind: ReadingKind::Weight,
            device_time: self.device_time,
            user_slot: user_slot(self.user_id),
            flags: BTreeSet::new(),
            result,
        })
    }

    /// Units of weight and height.
    #[must_use]
    pub const fn units(&self) -> (Unit, Unit) {
        if self.is_imperial { (Unit::Pound, Unit::Inch) } else { (Unit::Kilogram, Unit::Metre) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    const EVERY_FIELD: &str = "0eb036e7070c190e1e2d05f500d606";

    fn report(hex: &str) -> Result<Report, DecodeError> {
        decode(&bytes(hex))?.report()
    }

    #[track_caller]
    fn check(hex: &str, expected: &[&str]) {
        let values = report(hex).unwrap().result.unwrap();
        let values: Vec<_> = values.iter().map(|it| it.quantity.to_string()).collect();
        assert_eq!(values, expected);
    }

    #[test]
    fn a_weight_is_exact_in_its_own_unit() {
        check("00b036", &["70.000 kg"]);
        check("00b136", &["70.005 kg"]);
        check("013016", &["56.80 lb"]);
    }

    #[test]
    fn the_body_follows_the_weight() {
        check(EVERY_FIELD, &["70.000 kg", "1.750 m", "24.5 kg/m²"]);
        check("09543df500b102", &["157.00 lb", "68.9 in", "24.5 kg/m²"]);
        check("08b03600000000", &["70.000 kg"]);
        // What nobody has spoils no weight.
        check("08b036ffffffff", &["70.000 kg"]);
    }

    #[test]
    fn time_and_user_are_kept() {
        let report = report(EVERY_FIELD).unwrap();
        assert_eq!(report.device_time.unwrap().to_string(), "2023-12-25T14:30:45");
        assert_eq!(report.user_slot, Some(5));
    }

    #[test]
    fn every_length_but_the_promised_one_is_refused() {
        for prefix in prefixes(EVERY_FIELD) {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
        }
        let refused = decode(&bytes("00b03600"));
        assert_eq!(refused, Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 4 }));
    }

    #[test]
    fn an_unsuccessful_weight_is_no_number() {
        let report = report("06ffffe7070c190e1e2d02").unwrap();
        assert_eq!(report.result, Err(NoResult::Failed(vec![FailureReason::NoValue])));
        assert_eq!(report.user_slot, Some(2));
        assert!(report.device_time.is_some());
    }

    #[test]
    fn nobody_weighs_nothing() {
        assert!(matches!(report("000000"), Err(DecodeError::OutOfRange { field: "weight", .. })));
    }

    #[test]
    fn reserved_flags_are_ignored() {
        check("f0b036", &["70.000 kg"]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            if let Ok(decoded) = decode(&bytes) {
                let _report = decoded.report();
            }
        }
    }
}
