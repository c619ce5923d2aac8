//! Health Thermometer Profile: Temperature Measurement (0x2A1C).
//!
//! ```text
//! offset  size  field
//! 0       1     flags        bit 0: 0 = Celsius, 1 = Fahrenheit
//!                            bit 1: time stamp present
//!                            bit 2: temperature type present
//! 1       4     temperature  FLOAT
//! +0      7     time stamp   Date Time
//! +0      1     type         where on the body: 1 armpit, 2 body, 3 ear, 4 finger,
//!                            5 gastro-intestinal tract, 6 mouth, 7 rectum, 8 toe, 9 tympanum
//! ```

use std::collections::BTreeSet;

use vitals::{DeviceTime, ReadingKind, Unit, Vital};

use super::date_time;
use super::error::DecodeError;
use super::measurement::measurement;
use super::medfloat::{Number, float};
use super::payload::Payload;
use super::report::{NoResult, Report, reason};

/// A decoded Temperature Measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Temperature {
    /// Degrees Celsius or Fahrenheit.
    pub unit: Unit,
    /// The temperature.
    pub temperature: Number,
    /// When it was measured.
    pub device_time: Option<DeviceTime>,
    /// Where on the body, as the code came.
    pub site: Option<u8>,
}

/// Decodes the value of a Temperature Measurement characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] if the length is not what the
/// flags promise, and [`DecodeError::Exponent`] for a power of ten that no temperature has.
pub fn decode(bytes: &[u8]) -> Result<Temperature, DecodeError> {
    let mut payload = Payload::new(bytes);
    let flags = payload.byte("flags")?;
    let is = |bit: u8| flags & bit != 0;

    let unit = if is(1 << 0) { Unit::Fahrenheit } else { Unit::Celsius };
    let temperature = float("temperature", payload.array("temperature")?)?;
    let device_time = is(1 << 1).then(|| date_time::field(&mut payload)).transpose()?;
    let site = is(1 << 2).then(|| payload.byte("temperature type")).transpose()?;
    payload.end()?;
    Ok(Temperature { unit, temperature, device_time, site })
}

impl Temperature {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for a temperature that no clinical thermometer shows.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let result = match self.temperature {
            Ok(value) => Ok(vec![measurement(Vital::BodyTemperature, value, self.unit)?]),
            Err(no_value) => Err(NoResult::Failed(vec![reason(no_value)])),
        };
        Ok(Report {
            kind: ReadingKind::Temperature,
            device_time: self.device_time,
            user_slot: None,
            flags: BTreeSet::new(),
            result,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};
    use crate::device::item::FailureReason;

    /// Capture: 36.2 °C, with time and type.
    const EVERY_FIELD: &str = "066a0100ffe207030a14140002";

    #[track_caller]
    fn check(hex: &str, expected: Result<&str, FailureReason>) {
        let report = decode(&bytes(hex)).unwrap().report().unwrap();
        let value = report.result.map(|it| it.first().unwrap().quantity.to_string());
        let expected = expected.map(str::to_owned);
        assert_eq!(value, expected.map_err(|reason| NoResult::Failed(vec![reason])));
    }

    #[test]
    fn a_temperature_keeps_its_unit_and_precision() {
        check(EVERY_FIELD, Ok("36.2 °C"));
        check("00100e00fe", Ok("36.00 °C"));
        check("01e80300ff", Ok("100.0 °F"));
    }

    #[test]
    fn time_and_site_are_kept() {
        let decoded = decode(&bytes(EVERY_FIELD)).unwrap();
        assert_eq!(decoded.device_time.unwrap().to_string(), "2018-03-10T20:20:00");
        assert_eq!(decoded.site, Some(2));
    }

    #[test]
    fn every_length_but_the_promised_one_is_refused() {
        for prefix in prefixes(EVERY_FIELD) {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
        }
        let refused = decode(&bytes("006a0100ff02"));
        assert_eq!(refused, Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 6 }));
    }

    #[test]
    fn special_codes_are_no_temperature() {
        check("00ffff7f00", Err(FailureReason::NoValue));
        check("0000008000", Err(FailureReason::NoValue));
        check("00feff7f00", Err(FailureReason::AboveRange));
        check("0002008000", Err(FailureReason::BelowRange));
    }

    #[test]
    fn what_no_thermometer_shows_is_refused() {
        let refused = decode(&bytes("006a010000")).unwrap().report();
        assert!(matches!(refused, Err(DecodeError::OutOfRange { field: "temperature", .. })));
        assert!(matches!(decode(&bytes("006a01007f")), Err(DecodeError::Exponent { .. })));
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
