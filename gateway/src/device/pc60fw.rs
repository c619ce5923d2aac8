//! Viatom PC-60FW: frames over a Nordic serial service.
//!
//! ```text
//! offset  size  field
//! 0       2     0xAA 0x55
//! 2       1     0x0F = about the person, 0xF0 = about the device
//! 3       1     length, of everything after it
//! 4       1     function     about the person: 1 = values, 2 = pulse wave, others
//!
//! values
//! 5       1     SpO2, %; 0 is none
//! 6       2     pulse rate, /min, little-endian; 0 is none
//! 8       1     perfusion index, 0.1 %
//! 9       1     status
//! 10      1     battery in bits 6-7
//!
//! last    1     CRC-8/MAXIM of everything before
//! ```
//!
//! Source: protocols of the maker's own programs, which name both tokens, and captures of the values.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::crc8::crc8_maxim;
use super::error::DecodeError;
use super::outcome;
use super::payload::{Payload, checked};
use super::report::Report;

/// Begins each frame.
pub const START: [u8; 2] = [0xAA, 0x55];
/// A frame about the person.
pub const ABOUT_PERSON: u8 = 0x0F;
/// A frame about the device: its versions, serial number and battery.
pub const ABOUT_DEVICE: u8 = 0xF0;

/// What a frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Values.
    Values(Values),
    /// Samples of the pulse wave as they came: the beat in bit 7, and the wave.
    Wave(Vec<u8>),
    /// Something else.
    Other {
        /// What it is about: [`ABOUT_PERSON`] or [`ABOUT_DEVICE`].
        token: u8,
        /// Its function.
        function: u8,
        /// What follows.
        rest: Vec<u8>,
    },
}

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

/// Decodes a frame.
///
/// # Errors
///
/// Returns [`DecodeError::Framing`] for another start or token, [`DecodeError::Length`] if it has another
/// length than it says, [`DecodeError::Checksum`], and [`DecodeError::Truncated`] or
/// [`DecodeError::Trailing`] for values that are not whole.
pub fn decode(bytes: &[u8]) -> Result<Frame, DecodeError> {
    let (token, contents) = contents(bytes, 0)?;
    checked(bytes, crc8_maxim)?;
    frame(token, contents)
}

/// Decodes a frame that, as some captures show it, may lack its checksum.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_either(bytes: &[u8]) -> Result<Frame, DecodeError> {
    contents(bytes, 1)
        .map_or_else(|_whole| decode(bytes), |(token, contents)| frame(token, contents))
}

/// The token, and what stands between the length and the checksum, of which `n_missing` bytes did not
/// come.
fn contents(bytes: &[u8], n_missing: usize) -> Result<(u8, &[u8]), DecodeError> {
    let mut payload = Payload::new(bytes);
    for start in START {
        payload.fixed("start byte", start)?;
    }
    let token = payload.byte("token")?;
    if ![ABOUT_PERSON, ABOUT_DEVICE].contains(&token) {
        return Err(DecodeError::Framing { field: "token", value: token });
    }
    let declared = usize::from(payload.byte("length")?);
    let contents = payload.rest();
    if contents.len().saturating_add(n_missing) != declared {
        return Err(DecodeError::Length { declared, len_bytes: bytes.len() });
    }
    match (n_missing, contents.split_last()) {
        (0, Some((_crc, before))) => Ok((token, before)),
        (_missing, _split) => Ok((token, contents)),
    }
}

fn frame(token: u8, contents: &[u8]) -> Result<Frame, DecodeError> {
    let mut payload = Payload::new(contents);
    let function = payload.byte("function")?;
    match (token, function) {
        (ABOUT_PERSON, 0x01) => values(payload).map(Frame::Values),
        (ABOUT_PERSON, 0x02) => Ok(Frame::Wave(payload.rest().to_vec())),
        _other => Ok(Frame::Other { token, function, rest: payload.rest().to_vec() }),
    }
}

fn values(mut payload: Payload<'_>) -> Result<Values, DecodeError> {
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

    fn values_of(bytes: &[u8]) -> Values {
        match decode(bytes).unwrap() {
            Frame::Values(values) => values,
            other @ (Frame::Wave(_) | Frame::Other { .. }) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_frame_gives_saturation_and_pulse() {
        let values = values_of(&whole(VALUES));
        assert_eq!(decode_either(&bytes(VALUES)), Ok(Frame::Values(values)));
        assert_eq!(decode_either(&whole(VALUES)), Ok(Frame::Values(values)));
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
        let report = values_of(&whole("aa550f0801000000000000")).report().unwrap();
        assert_eq!(report.result, Err(NoResult::Absent));
    }

    #[test]
    fn other_frames_have_no_values() {
        let wave = Ok(Frame::Wave(vec![1, 2, 3, 4, 5]));
        assert_eq!(decode(&whole("aa550f07020102030405")), wave);
        assert_eq!(decode_either(&bytes("aa550f07020102030405")), wave);
        // The battery, and a version, whose function is that of values.
        let other = |function, rest| Ok(Frame::Other { token: ABOUT_DEVICE, function, rest });
        assert_eq!(decode(&whole("aa55f0030302")), other(3, vec![2]));
        assert_eq!(decode(&whole("aa55f0040110ff")), other(1, vec![0x10, 0xFF]));
        let refused = Err(DecodeError::Framing { field: "token", value: 0x0E });
        assert_eq!(decode(&whole("aa550e0801603e005000c0")), refused);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, contents: [u8; 6]) {
            let _values = decode(&bytes);
            let _values = decode_either(&bytes);
            let framed = [crate::device::fixture::bytes("aa550f0801"), contents.to_vec()].concat();
            let Ok(Frame::Values(values)) = decode_either(&framed) else { unreachable!() };
            let _report = values.report();
        }
    }
}
