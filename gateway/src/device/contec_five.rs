//! Contec CMS50D+, CMS50E and CMS50F: 5 bytes, 60 frames a second, 19200 baud 8O1.
//!
//! ```text
//! offset  field
//! 0       bit 7: always set, here alone
//!         bit 6: beep of a pulse
//!         bit 5: SpO2 is falling
//!         bit 4: searching for too long
//!         bits 0-3: strength of the signal
//! 1       pleth, 0 to 127
//! 2       bit 6: bit 7 of the pulse rate
//!         bit 5: searching
//!         bit 4: probe error, most often no finger
//!         bits 0-3: bar
//! 3       pulse rate, bits 0-6; 255 with bit 7 is none
//! 4       SpO2; 127 is none
//! ```
//!
//! BCI and Berry oximeters (BM1000C) send the same frames. There is no checksum: that bit 7 is set in
//! the first byte alone is all that tells a frame from noise.

use std::collections::BTreeSet;

use vitals::Flag;

use super::error::DecodeError;
use super::frames::{Front, fixed, run};
use super::outcome;
use super::payload::whole;
use super::report::{NoResult, Report};

/// Length of a frame in bytes.
pub const FRAME_LEN_BYTES: usize = 5;

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Strength of the signal, 0 to 15.
    pub signal: u8,
    /// Whether it has looked for a pulse for too long.
    pub is_search_long: bool,
    /// Whether the saturation is falling.
    pub is_falling: bool,
    /// Whether a pulse is heard now.
    pub is_beep: bool,
    /// Pulse wave, 0 to 127.
    pub pleth: u8,
    /// Bar of the pulse, 0 to 15.
    pub bar: u8,
    /// Whether the probe is off or without a finger.
    pub is_probe_error: bool,
    /// Whether it looks for a pulse.
    pub is_searching: bool,
    /// Pulse rate per minute as it came; 255 stands for none.
    pub pulse: u8,
    /// SpO2 in percent; `None` where it is missing.
    pub saturation: Option<u8>,
}

/// Decodes one frame.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are five bytes, and
/// [`DecodeError::Framing`] if bit 7 is not set in the first of them alone.
pub fn decode(bytes: &[u8]) -> Result<Frame, DecodeError> {
    let [first, pleth, state, pulse, saturation] = whole::<FRAME_LEN_BYTES>("the end", bytes)?;
    if first & 0x80 == 0 {
        return Err(DecodeError::Framing { field: "first byte", value: first });
    }
    let later = [("pleth", pleth), ("state", state), ("pulse", pulse), ("SpO2", saturation)];
    if let Some((field, value)) = later.into_iter().find(|(_field, it)| it & 0x80 != 0) {
        return Err(DecodeError::Framing { field, value });
    }
    Ok(Frame {
        signal: first & 0x0F,
        is_search_long: first & 0x10 != 0,
        is_falling: first & 0x20 != 0,
        is_beep: first & 0x40 != 0,
        pleth,
        bar: state & 0x0F,
        is_probe_error: state & 0x10 != 0,
        is_searching: state & 0x20 != 0,
        pulse: (state & 0x40) << 1 | pulse,
        saturation: (saturation != 127).then_some(saturation),
    })
}

/// Looks for a frame in a stream.
pub(crate) fn look(window: &[u8]) -> Front {
    fixed(window, FRAME_LEN_BYTES, decode)
}

/// Where so many frames in a row begin that they are no noise of a line at another speed.
pub(crate) fn heard(bytes: &[u8]) -> Option<usize> {
    run(look, bytes)
}

impl Frame {
    /// The pulse rate, unless it is missing.
    #[must_use]
    pub fn pulse_rate(&self) -> Option<u8> {
        (self.pulse != 255).then_some(self.pulse)
    }

    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no oximeter can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let is_poor = self.is_searching || self.is_search_long;
        let flags = BTreeSet::from_iter(is_poor.then_some(Flag::PoorSignal));
        let saturation = self.saturation.map(u16::from);
        let report = outcome::oximetry(saturation, self.pulse_rate().map(u16::from), flags)?;
        if self.is_probe_error {
            return Ok(Report { result: Err(NoResult::Absent), ..report });
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    #[track_caller]
    fn check(hex: &str, values: &[&str]) {
        let report = decode(&bytes(hex)).unwrap().report().unwrap();
        let given = report.result.unwrap_or_default();
        let given: Vec<_> = given.iter().map(|it| it.quantity.to_string()).collect();
        assert_eq!(given, values, "{hex}");
    }

    #[test]
    fn a_frame_is_five_bytes() {
        for prefix in prefixes("85320a4161") {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:?}");
        }
        assert!(matches!(decode(&bytes("85320a416100")), Err(DecodeError::Trailing { .. })));
    }

    #[test]
    fn a_frame_gives_saturation_and_pulse() {
        check("85320a4161", &["97 %", "65 /min"]);
    }

    #[test]
    fn a_pulse_above_127_has_its_bit_in_another_byte() {
        check("85324a0261", &["97 %", "130 /min"]);
    }

    #[test]
    fn missing_values_are_no_numbers() {
        check("85320a417f", &[]);
        check("85324a7f61", &["97 %"]);
        check("85320a0000", &[]);
    }

    #[test]
    fn without_a_finger_there_is_no_value() {
        check("85321a4161", &[]);
    }

    #[test]
    fn bit_7_is_set_in_the_first_byte_alone() {
        for hex in ["05320a4161", "85b20a4161", "85328a4161", "85320ac161", "85320a41e1"] {
            assert!(matches!(decode(&bytes(hex)), Err(DecodeError::Framing { .. })), "{hex}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            if let Ok(frame) = decode(&bytes) {
                let _report = frame.report();
            }
        }
    }
}
