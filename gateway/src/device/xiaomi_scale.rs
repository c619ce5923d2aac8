//! Xiaomi Mi scales: service data of an advertisement, or the same bytes in a characteristic.
//!
//! ```text
//! scale 1, 10 bytes (0x181D, 0x2A9D)     scale 2, 13 bytes (0x181B, 0x2A9C)
//! 0       control                        0-1     control
//!         bit 7: load removed                    first   bit 2: an object, not a person
//!         bit 6: an object, not a person                 bit 0: pounds
//!         bit 5: stabilized              second  bit 7: load removed
//!         bit 4: catties                         bit 6: catties
//!         bit 0: pounds                          bit 5: stabilized
//! 1-2     weight                                 bit 1: impedance measured
//! 3-9     Date Time                      2-8     Date Time
//!                                        9-10    impedance, ohm; 3000 and more is none
//!                                        11-12   weight
//!
//! weight: 0.005 kg, or 0.01 pounds or catties; all little-endian
//! ```
//!
//! These bytes are not those of the standard characteristics with the same numbers. The weight is said
//! again after the load is removed. A clock that was never set shows 1970.

use rust_decimal::Decimal;
use vitals::{DeviceTime, ReadingKind, Unit, Vital};

use super::error::DecodeError;
use super::measurement::measurement;
use super::payload::Payload;
use super::report::{NoResult, Report};
use super::{date_time, outcome};

/// Impedance from which on there is none, in ohm.
const NO_IMPEDANCE: u16 = 3000;

/// Unit of the weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScaleUnit {
    /// Kilogram.
    Kilogram,
    /// Pound.
    Pound,
    /// Catty, half a kilogram.
    Catty,
}

impl ScaleUnit {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kilogram => "kg",
            Self::Pound => "lb",
            Self::Catty => "jin",
        }
    }
}

/// What a scale says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighing {
    /// Unit of the weight.
    pub unit: ScaleUnit,
    /// The weight.
    pub weight: Decimal,
    /// Whether the load does not move any more.
    pub is_stabilized: bool,
    /// Whether the load is gone; the weight is said again then.
    pub is_removed: bool,
    /// Whether an object is weighed, by the choice of the user.
    pub is_object: bool,
    /// Impedance in ohm, where it was measured.
    pub impedance: Option<u16>,
    /// What its clock shows.
    pub device_time: DeviceTime,
}

/// Decodes what a scale of the first kind says.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are ten bytes.
pub fn decode_v1(bytes: &[u8]) -> Result<Weighing, DecodeError> {
    let mut payload = Payload::new(bytes);
    let control = payload.byte("control")?;
    let raw = payload.u16_le("weight")?;
    let device_time = date_time::field(&mut payload)?;
    payload.end()?;
    let (unit, weight) = weight(raw, control & 0x01 != 0, control & 0x10 != 0);
    Ok(Weighing {
        unit,
        weight,
        is_stabilized: control & 0x20 != 0,
        is_removed: control & 0x80 != 0,
        is_object: control & 0x40 != 0,
        impedance: None,
        device_time,
    })
}

/// Decodes what a scale of the second kind says.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are thirteen bytes.
pub fn decode_v2(bytes: &[u8]) -> Result<Weighing, DecodeError> {
    let mut payload = Payload::new(bytes);
    let [first, second] = payload.array("control")?;
    let device_time = date_time::field(&mut payload)?;
    let impedance = payload.u16_le("impedance")?;
    let raw = payload.u16_le("weight")?;
    payload.end()?;
    let (unit, weight) = weight(raw, first & 0x01 != 0, second & 0x40 != 0);
    let has_impedance = second & 0x02 != 0 && 0 < impedance && impedance < NO_IMPEDANCE;
    Ok(Weighing {
        unit,
        weight,
        is_stabilized: second & 0x20 != 0,
        is_removed: second & 0x80 != 0,
        is_object: first & 0x04 != 0,
        impedance: has_impedance.then_some(impedance),
        device_time,
    })
}

fn weight(raw: u16, is_pound: bool, is_catty: bool) -> (ScaleUnit, Decimal) {
    let raw = i64::from(raw);
    match (is_pound, is_catty) {
        (true, _) => (ScaleUnit::Pound, Decimal::new(raw, 2)),
        (false, true) => (ScaleUnit::Catty, Decimal::new(raw, 2)),
        (false, false) => (ScaleUnit::Kilogram, Decimal::new(raw.saturating_mul(5), 3)),
    }
}

impl Weighing {
    /// What it says about the measurement: nothing while the load moves, is gone, or is an object.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for a weight that no scale can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let absent = outcome::report(ReadingKind::Weight, Err(NoResult::Absent));
        if !self.is_stabilized || self.is_removed || self.is_object || self.weight.is_zero() {
            return Ok(absent);
        }
        let (value, unit) = match self.unit {
            ScaleUnit::Kilogram => (self.weight, Unit::Kilogram),
            ScaleUnit::Pound => (self.weight, Unit::Pound),
            // Half of hundredths needs one decimal more.
            ScaleUnit::Catty => {
                let fivefold = self.weight.mantissa().saturating_mul(5);
                (Decimal::from_i128_with_scale(fivefold, 3), Unit::Kilogram)
            }
        };
        let values = vec![measurement(Vital::BodyWeight, value, unit)?];
        Ok(Report { device_time: Some(self.device_time), result: Ok(values), ..absent })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    #[track_caller]
    fn check(weighing: &Weighing, expected: &[&str]) {
        let values = weighing.report().unwrap().result.unwrap_or_default();
        let values: Vec<_> = values.iter().map(|it| it.quantity.to_string()).collect();
        assert_eq!(values, expected);
    }

    fn v1(hex: &str) -> Weighing {
        decode_v1(&bytes(hex)).unwrap()
    }

    fn v2(hex: &str) -> Weighing {
        decode_v2(&bytes(hex)).unwrap()
    }

    #[test]
    fn a_weight_comes_in_three_units() {
        check(&v1("227607e607020e10293a"), &["9.550 kg"]);
        check(&v1("237233e607020e10293a"), &["131.70 lb"]);
        check(&v1("327233e607020e10293a"), &["65.850 kg"]);
        assert_eq!(v1("327233e607020e10293a").unit, ScaleUnit::Catty);
        check(&v2("0226e607020e10293af7019a38"), &["72.450 kg"]);
        check(&v2("0326e607020e10293af701f136"), &["140.65 lb"]);
        check(&v2("0264e607020e10293af701f136"), &["70.325 kg"]);
    }

    #[test]
    fn a_weighing_is_cut_or_too_long() {
        for prefix in prefixes("227607e607020e10293a") {
            assert!(matches!(decode_v1(&prefix), Err(DecodeError::Truncated { .. })));
        }
        for prefix in prefixes("0226e607020e10293af7019a38") {
            assert!(matches!(decode_v2(&prefix), Err(DecodeError::Truncated { .. })));
        }
        let long = decode_v1(&bytes("227607e607020e10293a00"));
        assert!(matches!(long, Err(DecodeError::Trailing { .. })));
        let long = decode_v2(&bytes("0226e607020e10293af7019a3800"));
        assert!(matches!(long, Err(DecodeError::Trailing { .. })));
    }

    #[test]
    fn only_a_load_that_stands_still_is_a_measurement() {
        check(&v1("027607e607020e10293a"), &[]);
        check(&v1("a27607e607020e10293a"), &[]);
        check(&v1("627607e607020e10293a"), &[]);
        check(&v1("220000e607020e10293a"), &[]);
        check(&v2("0224b2070213063b17fdff0000"), &[]);
        check(&v2("02a4b2070213063b17fdffc83c"), &[]);
    }

    #[test]
    fn an_impedance_needs_its_bit_and_a_value() {
        assert_eq!(v2("0226b20705040f0201ac018642").impedance, Some(428));
        assert_eq!(v2("0224b20705040f0201ac018642").impedance, None);
        assert_eq!(v2("0226b20705040f0201fdff8642").impedance, None);
        assert_eq!(v2("0226b20705040f020100008642").impedance, None);
    }

    #[test]
    fn a_clock_that_was_never_set_is_kept_as_it_is() {
        let weighing = v1("222044b20701010a1a15");
        assert_eq!(weighing.device_time.to_string(), "1970-01-01T10:26:21");
        check(&weighing, &["87.200 kg"]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, one: [u8; 10], two: [u8; 13]) {
            let _weighing = decode_v1(&bytes);
            let _weighing = decode_v2(&bytes);
            let _report = decode_v1(&one).unwrap().report();
            let _report = decode_v2(&two).unwrap().report();
        }
    }
}
