//! JKS50F oximeters: frames of 69 bytes in pieces of notifications.
//!
//! ```text
//! offset  size  field
//! 0       3     0xFF 0x44 0x01
//! 3       1     0 = a finger is there
//! 4       1     SpO2, %; 127 is none
//! 5       1     pulse rate, /min; 127 is none
//! 6       1     bits 0-6 of the perfusion index
//! 7       1     bits 7-12 of it in bits 0-5; 0.01 %, above 20 % is none
//! 8       60    not used
//! 68      1     checksum   sum of the bytes before, and 1
//! ```

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::error::DecodeError;
use super::outcome;
use super::payload::{checked, sum, whole};
use super::report::{NoResult, Report};

/// Highest perfusion index, in 0.01 %.
const PERFUSION_INDEX_MAX: u16 = 2000;

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Whether a finger is there.
    pub has_finger: bool,
    /// SpO2 in percent; `None` where it is missing.
    pub saturation: Option<u8>,
    /// Pulse rate per minute; `None` where it is missing.
    pub pulse: Option<u8>,
    /// Perfusion index in percent; `None` where it is missing.
    pub perfusion_index: Option<Decimal>,
}

/// Decodes one frame.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are 69 bytes,
/// [`DecodeError::Framing`] for another start, and [`DecodeError::Checksum`].
pub fn decode(bytes: &[u8]) -> Result<Frame, DecodeError> {
    let [start_0, start_1, start_2, finger, saturation, pulse, low, high, ..] =
        whole::<69>("the end", bytes)?;
    for (value, expected) in [(start_0, 0xFF), (start_1, 0x44), (start_2, 0x01)] {
        if value != expected {
            return Err(DecodeError::Framing { field: "start byte", value });
        }
    }
    checked(bytes, |it| sum(it).wrapping_add(1))?;
    let perfusion = u16::from_be_bytes([high & 0x3F, low << 1]) >> 1;
    let given = |value: u8| (value != 0x7F).then_some(value);
    Ok(Frame {
        has_finger: finger == 0,
        saturation: given(saturation),
        pulse: given(pulse),
        perfusion_index: (perfusion <= PERFUSION_INDEX_MAX)
            .then(|| Decimal::new(perfusion.into(), 2)),
    })
}

impl Frame {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no oximeter can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let (saturation, pulse) = (self.saturation.map(u16::from), self.pulse.map(u16::from));
        let report = outcome::oximetry(saturation, pulse, BTreeSet::new())?;
        if !self.has_finger {
            return Ok(Report { result: Err(NoResult::Absent), ..report });
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(values: [u8; 5]) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0x44, 0x01];
        bytes.extend(values);
        bytes.resize(68, 0);
        bytes.push(sum(&bytes).wrapping_add(1));
        bytes
    }

    #[test]
    fn a_frame_gives_saturation_and_pulse() {
        let frame = decode(&frame([0, 100, 80, 0x2C, 0x02])).unwrap();
        assert_eq!((frame.saturation, frame.pulse), (Some(100), Some(80)));
        assert_eq!(frame.perfusion_index, Some(Decimal::new(300, 2)));
        assert_eq!(frame.report().unwrap().result.unwrap().len(), 2);
    }

    #[test]
    fn a_frame_is_cut_or_too_long() {
        let whole = frame([0, 100, 80, 0, 0]);
        for len in 0..whole.len() {
            let cut: Vec<_> = whole.iter().copied().take(len).collect();
            assert!(matches!(decode(&cut), Err(DecodeError::Truncated { .. })), "{len}");
        }
        let long = [whole, vec![0]].concat();
        assert!(matches!(decode(&long), Err(DecodeError::Trailing { .. })));
    }

    #[test]
    fn frame_and_checksum_are_verified() {
        let mut damaged = frame([0, 100, 80, 0, 0]);
        if let Some(saturation) = damaged.get_mut(4) {
            *saturation = 99;
        }
        assert!(matches!(decode(&damaged), Err(DecodeError::Checksum { .. })));
        if let Some(start) = damaged.get_mut(1) {
            *start = 0x45;
        }
        assert_eq!(
            decode(&damaged),
            Err(DecodeError::Framing { field: "start byte", value: 0x45 })
        );
    }

    #[test]
    fn missing_values_are_no_numbers() {
        let missing = decode(&frame([0, 127, 127, 0x7F, 0x3F])).unwrap();
        assert_eq!(
            (missing.saturation, missing.pulse, missing.perfusion_index),
            (None, None, None)
        );
        assert_eq!(missing.report().unwrap().result, Err(NoResult::Absent));
    }

    #[test]
    fn without_a_finger_there_is_no_value() {
        let off = decode(&frame([1, 97, 70, 0, 0])).unwrap();
        assert_eq!(off.report().unwrap().result, Err(NoResult::Absent));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, values: [u8; 5]) {
            let _frame = decode(&bytes);
            let _report = decode(&frame(values)).unwrap().report();
        }
    }
}
