//! Viatom PC-60FW: frames over a Nordic serial service.
//!
//! ```text
//! offset  size  field
//! 0       3     0xAA 0x55 0x0F
//! 3       1     length, of everything after it
//! 4       1     function     1 = values, 2 = pulse wave
//! 5       1     SpO2, %; 0 is none
//! 6       2     pulse rate, /min, little-endian; 0 is none
//! 8       1     perfusion index, 0.1 %
//! 9       1     status
//! 10      1     battery in bits 6-7
//! last    1     CRC-8/MAXIM of everything before
//! ```

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::crc8::crc8_maxim;
use super::error::DecodeError;
use super::outcome;
use super::payload::{Payload, checked};
use super::report::Report;

/// The values of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Values {
    /// SpO2 in percent as it came; 0 while there is none.
    pub saturation: u8,
    /// Pulse rate per minute as it came; 0 while there is none.
    pub pulse: u16,
    /// Perfusion index in percent.
    pub perfusion_index: Decimal,
    /// Status as it came.
    pub status: u8,
    /// Battery, 0 to 3.
    pub battery_level: u8,
}

/// Decodes a frame of values.
///
/// # Errors
///
/// Returns [`DecodeError::Framing`] for another start or function, [`DecodeError::Length`] if it has
/// another length than it says, and [`DecodeError::Checksum`].
pub fn decode(bytes: &[u8]) -> Result<Values, DecodeError> {
    let contents = contents(bytes, 0)?;
    checked(bytes, crc8_maxim)?;
    values(contents)
}

/// Decodes a frame of values that, as some captures show it, may lack its checksum.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_either(bytes: &[u8]) -> Result<Values, DecodeError> {
    contents(bytes, 1).map_or_else(|_whole| decode(bytes), values)
}

/// What stands between the length and the checksum, of which `n_missing` bytes did not come.
fn contents(bytes: &[u8], n_missing: usize) -> Result<&[u8], DecodeError> {
    let mut payload = Payload::new(bytes);
    payload.fixed("start byte", 0xAA)?;
    payload.fixed("start byte", 0x55)?;
    payload.fixed("start byte", 0x0F)?;
    let declared = usize::from(payload.byte("length")?);
    let contents = payload.rest();
    if contents.len().saturating_add(n_missing) != declared {
        return Err(DecodeError::Length { declared, len_bytes: bytes.len() });
    }
    match (n_missing, contents.split_last()) {
        (0, Some((_crc, before))) => Ok(before),
        (_missing, _split) => Ok(contents),
    }
}

fn values(contents: &[u8]) -> Result<Values, DecodeError> {
    let mut payload = Payload::new(contents);
    payload.fixed("function", 0x01)?;
    let saturation = payload.byte("SpO2")?;
    let pulse = payload.u16_le("pulse rate")?;
    let [perfusion, status, battery] = payload.array("perfusion index")?;
    payload.end()?;
    Ok(Values {
        saturation,
        pulse,
        perfusion_index: Decimal::new(perfusion.into(), 1),
        status,
        battery_level: battery >> 6,
    })
}

impl Values {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no oximeter can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        outcome::oximetry(Some(self.saturation.into()), Some(self.pulse), BTreeSet::new())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};
    use crate::device::report::NoResult;

    const VALUES: &str = "aa550f0801603e005000c0";

    fn whole(hex: &str) -> Vec<u8> {
        let mut bytes = bytes(hex);
        bytes.push(crc8_maxim(&bytes));
        bytes
    }

    #[test]
    fn a_frame_gives_saturation_and_pulse() {
        let values = decode(&whole(VALUES)).unwrap();
        assert_eq!(decode_either(&bytes(VALUES)), Ok(values));
        assert_eq!(decode_either(&whole(VALUES)), Ok(values));
        assert_eq!((values.saturation, values.pulse, values.battery_level), (96, 62, 3));
        assert_eq!(values.perfusion_index, Decimal::new(80, 1));
        assert_eq!(values.report().unwrap().result.unwrap().len(), 2);
    }

    #[test]
    fn a_frame_is_cut_or_too_long() {
        for prefix in prefixes(VALUES).into_iter().chain([bytes(VALUES)]) {
            assert!(decode(&prefix).is_err(), "{prefix:?}");
        }
        for prefix in prefixes(VALUES) {
            assert!(decode_either(&prefix).is_err(), "{prefix:?}");
        }
        let long = decode(&[whole(VALUES), vec![0]].concat());
        assert!(matches!(long, Err(DecodeError::Length { .. })));
    }

    #[test]
    fn the_checksum_is_verified() {
        let mut damaged = whole(VALUES);
        if let Some(saturation) = damaged.get_mut(5) {
            *saturation ^= 1;
        }
        assert!(matches!(decode(&damaged), Err(DecodeError::Checksum { .. })));
    }

    #[test]
    fn zero_is_no_value() {
        let report = decode(&whole("aa550f0801000000000000")).unwrap().report().unwrap();
        assert_eq!(report.result, Err(NoResult::Absent));
    }

    #[test]
    fn other_functions_are_refused() {
        let wave = decode(&whole("aa550f07020102030405"));
        assert_eq!(wave, Err(DecodeError::Framing { field: "function", value: 2 }));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, contents: [u8; 6]) {
            let _values = decode(&bytes);
            let _values = decode_either(&bytes);
            let framed = [crate::device::fixture::bytes("aa550f0801"), contents.to_vec()].concat();
            let _report = decode_either(&framed).unwrap().report();
        }
    }
}
