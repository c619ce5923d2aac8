//! Biolight Temp Sitter: notifications of a temperature patch.
//!
//! ```text
//! offset  size  field
//! 0       1     0xAA
//! 1       3     not used
//! 4       2     temperature, 0.01 °C, little-endian; 0 and 0xFFFF are none
//! 6       1     not used
//! 7       1     checksum   sum of the bytes from 1 to 6
//! ```

use rust_decimal::Decimal;
use vitals::{ReadingKind, Unit, Vital};

use super::error::DecodeError;
use super::measurement::measurement;
use super::outcome;
use super::payload::{sum, whole};
use super::report::{NoResult, Report};

/// Decodes one notification: the temperature in °C, where there is one.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are eight bytes,
/// [`DecodeError::Framing`] for another start, and [`DecodeError::Checksum`].
pub fn decode(bytes: &[u8]) -> Result<Option<Decimal>, DecodeError> {
    let [start, summed @ .., found] = whole::<8>("the end", bytes)?;
    if start != 0xAA {
        return Err(DecodeError::Framing { field: "start byte", value: start });
    }
    let computed = sum(&summed);
    if found != computed {
        return Err(DecodeError::Checksum { found, computed });
    }
    let [_, _, _, low, high, _] = summed;
    let raw = u16::from_le_bytes([low, high]);
    Ok((raw != 0 && raw != 0xFFFF).then(|| Decimal::new(raw.into(), 2)))
}

/// What a temperature says about the measurement.
///
/// # Errors
///
/// Returns [`DecodeError::OutOfRange`] for a temperature that no thermometer can show.
pub fn report(temperature: Option<Decimal>) -> Result<Report, DecodeError> {
    let value = temperature.map(|it| measurement(Vital::BodyTemperature, it, Unit::Celsius));
    let result = value.transpose()?.map(|it| vec![it]).ok_or(NoResult::Absent);
    Ok(outcome::report(ReadingKind::Temperature, result))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    #[track_caller]
    fn check(hex: &str, expected: Result<Option<&str>, DecodeError>) {
        let expected = expected.map(|it| it.map(|it| it.parse().unwrap()));
        assert_eq!(decode(&bytes(hex)), expected, "{hex}");
    }

    #[test]
    fn a_notification_is_a_temperature() {
        check("aa0611003e0d0062", Ok(Some("33.90")));
        assert_eq!(report(Some(Decimal::new(3390, 2))).unwrap().result.unwrap().len(), 1);
    }

    #[test]
    fn a_notification_is_cut_or_too_long() {
        for prefix in prefixes("aa0611003e0d0062") {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:?}");
        }
        check("aa0611003e0d006200", Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 9 }));
    }

    #[test]
    fn start_and_checksum_are_verified() {
        check("aa0611003e0d0063", Err(DecodeError::Checksum { found: 0x63, computed: 0x62 }));
        check("ab0611003e0d0062", Err(DecodeError::Framing { field: "start byte", value: 0xAB }));
    }

    #[test]
    fn missing_values_are_no_numbers() {
        check("aa06110000000017", Ok(None));
        check("aa061100ffff0015", Ok(None));
        assert_eq!(report(None).unwrap().result, Err(NoResult::Absent));
    }

    #[test]
    fn what_no_thermometer_shows_is_refused() {
        assert!(matches!(report(Some(Decimal::new(6553, 1))), Err(DecodeError::OutOfRange { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, raw: u16) {
            let _temperature = decode(&bytes);
            let _report = report(Some(Decimal::new(raw.into(), 2)));
        }
    }
}
