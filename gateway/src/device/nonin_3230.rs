//! Nonin 3230, a spot-check oximeter: what it tells each second by a service of its own (0AAD7EA0).
//!
//! ```text
//! offset  size  field
//! 0       1     length      of the whole value, at least 10
//! 1       1     status      bit 1: weak signal, at most 0.3 % modulation
//!                           bit 2: SmartPoint passed: the values are good ones
//!                           bit 3: searching    bit 4: sensor on a finger
//!                           bit 5: low battery  bit 6: the link is encrypted
//! 2       1     battery     0.1 V
//! 3       2     amplitude   big-endian, 0.01 %
//! 5       2     counter     big-endian, seconds
//! 7       1     SpO2        127 is none
//! 8       2     pulse       big-endian, 511 is none
//! ```
//!
//! The record of a spot check comes by the standard characteristic (0x2A5E) and is the reading. What is
//! told each second says when there is one; the device hangs up when the finger leaves, and a spot check
//! that it passed and no record told is taken from here. No capture of it is public.

mod script;
mod spot_check;

use std::collections::BTreeSet;

use ::uuid::Uuid;
use rust_decimal::Decimal;
use vitals::{Flag, Unit, Vital};

pub use self::script::SpotChecks;
pub(crate) use self::spot_check::SpotCheck;
use super::error::DecodeError;
use super::measurement::measurement;
use super::outcome;
use super::payload::Payload;
use super::report::{NoResult, Report};

/// The service of its own.
pub const SERVICE: Uuid = Uuid::from_u128(0x46A970E0_0D5F_11E2_8B5E_0002A5D5C51B);
/// Its characteristic that tells each second.
pub const EACH_SECOND: Uuid = Uuid::from_u128(0x0AAD7EA0_0D60_11E2_8E3C_0002A5D5C51B);

const LEN_BYTES_MIN: usize = 10;
const NO_SATURATION: u8 = 127;
const NO_PULSE: u16 = 511;

/// What it tells in one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Second {
    /// Status byte.
    pub status: u8,
    /// Voltage of the battery in V.
    pub battery_volt: Decimal,
    /// Pulse amplitude in percent.
    pub amplitude: Decimal,
    /// Seconds, which go round.
    pub counter: u16,
    /// SpO2 in percent; `None` where it is missing.
    pub saturation: Option<u8>,
    /// Pulse rate per minute; `None` where it is missing.
    pub pulse: Option<u16>,
}

/// Decodes the value of one second.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] for fewer than ten bytes, and [`DecodeError::Length`] if it has
/// another length than it says.
pub fn decode(bytes: &[u8]) -> Result<Second, DecodeError> {
    let mut payload = Payload::new(bytes);
    let declared = usize::from(payload.byte("length")?);
    let status = payload.byte("status")?;
    let battery_volt = Decimal::new(payload.byte("battery")?.into(), 1);
    let amplitude = Decimal::new(payload.u16_be("amplitude")?.into(), 2);
    let counter = payload.u16_be("counter")?;
    let saturation = payload.byte("SpO2")?;
    let pulse = payload.u16_be("pulse rate")?;
    let len_bytes = bytes.len();
    if declared != len_bytes || len_bytes < LEN_BYTES_MIN {
        return Err(DecodeError::Length { declared, len_bytes });
    }
    Ok(Second {
        status,
        battery_volt,
        amplitude,
        counter,
        saturation: Some(saturation).filter(|it| *it != NO_SATURATION),
        pulse: Some(pulse).filter(|it| *it != NO_PULSE),
    })
}

impl Second {
    const fn is(&self, bit: u8) -> bool {
        self.status & 1 << bit != 0
    }

    /// Whether the device says that the values are good enough for a spot check.
    #[must_use]
    pub const fn has_passed_smart_point(&self) -> bool {
        self.is(2)
    }

    /// Whether they are, with a finger in the sensor and a pulse found.
    #[must_use]
    pub const fn is_smart_point(&self) -> bool {
        self.has_passed_smart_point() && self.has_finger() && !self.is_searching()
    }

    /// Whether the signal is weak.
    #[must_use]
    pub const fn is_weak(&self) -> bool {
        self.is(1)
    }

    /// Whether it looks for a pulse.
    #[must_use]
    pub const fn is_searching(&self) -> bool {
        self.is(3)
    }

    /// Whether the sensor is on a finger.
    #[must_use]
    pub const fn has_finger(&self) -> bool {
        self.is(4)
    }

    /// Whether the battery is low.
    #[must_use]
    pub const fn is_battery_low(&self) -> bool {
        self.is(5)
    }

    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no oximeter can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let told = [
            (self.is_weak(), Flag::LowPerfusion),
            (self.is_smart_point(), Flag::FullyQualified),
            (self.is_battery_low(), Flag::BatteryLow),
        ];
        let flags: BTreeSet<_> =
            told.into_iter().filter(|(is_told, _flag)| *is_told).map(|(_is, flag)| flag).collect();
        if self.is_searching() || !self.has_finger() {
            let absent = Err(NoResult::Absent);
            return Ok(Report { flags, ..outcome::report(vitals::ReadingKind::Oximetry, absent) });
        }
        let mut report = outcome::oximetry(self.saturation.map(u16::from), self.pulse, flags)?;
        if let Ok(values) = &mut report.result
            && !self.amplitude.is_zero()
        {
            values.push(measurement(Vital::PulseAmplitudeIndex, self.amplitude, Unit::Percent)?);
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    /// `SmartPoint`, finger in: 3.0 V, 2.00 %, second 12, 97 %, 72 a minute.
    const GOOD: &str = "0a141e00c8000c610048";

    /// The values and the flags of a second.
    fn told(hex: &str) -> (Vec<String>, Vec<Flag>) {
        let report = decode(&bytes(hex)).unwrap().report().unwrap();
        let values = report.result.unwrap_or_default();
        let values = values.iter().map(|it| it.quantity.value().to_string()).collect();
        (values, report.flags.into_iter().collect())
    }

    #[test]
    fn a_second_has_values_and_says_whether_they_are_good() {
        let second = decode(&bytes(GOOD)).unwrap();
        assert_eq!((second.counter, second.battery_volt), (12, Decimal::new(30, 1)));
        assert!(second.is_smart_point());
        let values = ["97", "72", "2.00"].map(str::to_owned).to_vec();
        assert_eq!(told(GOOD), (values.clone(), vec![Flag::FullyQualified]));
        assert_eq!(told("0a101e00c8000c610048"), (values.clone(), vec![]));
        let weak = told("0a321e00c8000c610048");
        assert_eq!(weak.0, values);
        assert!(weak.1.contains(&Flag::LowPerfusion) && weak.1.contains(&Flag::BatteryLow));
    }

    #[test]
    fn nothing_is_told_without_a_finger_and_while_it_searches() {
        for hex in ["0a041e00c8000c610048", "0a1c1e00c8000c610048", "0a141e0000000c7f01ff"] {
            assert_eq!(told(hex).0, Vec::<String>::new(), "{hex}");
        }
        assert!(!decode(&bytes("0a1c1e00c8000c610048")).unwrap().is_smart_point());
    }

    #[test]
    fn a_value_is_cut_or_has_another_length_than_it_says() {
        for prefix in prefixes(GOOD) {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })));
        }
        let longer = decode(&bytes(&format!("{GOOD}00")));
        assert_eq!(longer, Err(DecodeError::Length { declared: 10, len_bytes: 11 }));
        assert!(decode(&bytes("0b141e00c8000c61004800")).is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, second: [u8; 9]) {
            let _second = decode(&bytes);
            if let Ok(second) = decode(&[&[10][..], &second].concat()) {
                let _report = second.report();
            }
        }
    }
}
