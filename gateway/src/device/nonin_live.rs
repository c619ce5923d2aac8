//! Nonin serial Data Formats 1 and 8: three or four bytes a second, 9600 baud 8N1.
//!
//! ```text
//! offset  field
//! 0       status       bit 7: always set, here alone
//!                      bit 6: sensor disconnected
//!                      bit 5: out of track
//!                      bit 4: low perfusion
//!                      bit 3: marginal perfusion
//!                      bit 2: artifact
//!                      bits 0-1: bits 7-8 of the heart rate
//! 1       heart rate   bits 0-6; 511 with bits 7-8 is none
//! 2       SpO2         127 is none
//! ----------------  Data Format 8 goes on
//! 3       status 2     bit 5: SmartPoint
//!                      bit 3: no finger
//!                      bit 0: low battery
//! ```
//!
//! There is no checksum: that bit 7 is set in the first byte alone is all that tells a frame.

use std::collections::BTreeSet;

use vitals::Flag;

use super::error::DecodeError;
use super::frames::{Front, fixed};
use super::outcome;
use super::payload::whole;
use super::report::{NoResult, Report};

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Status byte.
    pub status: u8,
    /// Heart rate per minute, 0 to 510; `None` where it is missing.
    pub heart_rate: Option<u16>,
    /// SpO2 in percent; `None` where it is missing.
    pub saturation: Option<u8>,
    /// Second status byte, in Data Format 8 alone.
    pub status_2: Option<u8>,
}

/// Decodes one frame of Data Format 1.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are three bytes, and
/// [`DecodeError::Framing`] if bit 7 is not set in the first of them alone.
pub fn decode_df1(bytes: &[u8]) -> Result<Frame, DecodeError> {
    let [status, heart_rate, saturation] = whole("the end", bytes)?;
    frame(status, heart_rate, saturation, None)
}

/// Decodes one frame of Data Format 8.
///
/// # Errors
///
/// As [`decode_df1`], for four bytes.
pub fn decode_df8(bytes: &[u8]) -> Result<Frame, DecodeError> {
    let [status, heart_rate, saturation, status_2] = whole("the end", bytes)?;
    frame(status, heart_rate, saturation, Some(status_2))
}

/// Looks for a frame of Data Format 1 in a stream.
pub(crate) fn look_df1(window: &[u8]) -> Front {
    fixed(window, 3, decode_df1)
}

/// Looks for a frame of Data Format 8 in a stream.
pub(crate) fn look_df8(window: &[u8]) -> Front {
    fixed(window, 4, decode_df8)
}

fn frame(status: u8, low: u8, saturation: u8, status_2: Option<u8>) -> Result<Frame, DecodeError> {
    if status & 0x80 == 0 {
        return Err(DecodeError::Framing { field: "status", value: status });
    }
    let later = [("heart rate", low), ("SpO2", saturation), ("status 2", status_2.unwrap_or(0))];
    if let Some((field, value)) = later.into_iter().find(|(_field, it)| it & 0x80 != 0) {
        return Err(DecodeError::Framing { field, value });
    }
    let heart_rate = u16::from_be_bytes([status & 0b11, low << 1]) >> 1;
    Ok(Frame {
        status,
        heart_rate: (heart_rate != 511).then_some(heart_rate),
        saturation: (saturation != 127).then_some(saturation),
        status_2,
    })
}

impl Frame {
    /// Whether the sensor is disconnected.
    #[must_use]
    pub const fn is_disconnected(&self) -> bool {
        self.status & 0x40 != 0
    }

    /// Whether good pulses have been missing for a while.
    #[must_use]
    pub const fn is_out_of_track(&self) -> bool {
        self.status & 0x20 != 0
    }

    /// Whether the perfusion is low.
    #[must_use]
    pub const fn is_low_perfusion(&self) -> bool {
        self.status & 0x10 != 0
    }

    /// Whether the perfusion is marginal.
    #[must_use]
    pub const fn is_marginal_perfusion(&self) -> bool {
        self.status & 0x08 != 0
    }

    /// Whether the last pulse was bad.
    #[must_use]
    pub const fn is_artifact(&self) -> bool {
        self.status & 0x04 != 0
    }

    /// Whether the device's own gate says that the values are good for a spot check.
    #[must_use]
    pub fn is_smart_point(&self) -> bool {
        self.status_2.is_some_and(|it| it & 0x20 != 0)
    }

    /// Whether there is no finger.
    #[must_use]
    pub fn is_sensor_alarm(&self) -> bool {
        self.status_2.is_some_and(|it| it & 0x08 != 0)
    }

    /// Whether the battery is low.
    #[must_use]
    pub fn is_battery_low(&self) -> bool {
        self.status_2.is_some_and(|it| it & 0x01 != 0)
    }

    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no oximeter can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let told = [
            (self.is_low_perfusion(), Flag::LowPerfusion),
            (self.is_marginal_perfusion() || self.is_artifact(), Flag::PoorSignal),
            (self.is_out_of_track(), Flag::Questionable),
            (self.is_smart_point(), Flag::FullyQualified),
            (self.is_battery_low(), Flag::BatteryLow),
        ];
        let flags: BTreeSet<_> =
            told.into_iter().filter(|(is_told, _flag)| *is_told).map(|(_is, flag)| flag).collect();
        let report = outcome::oximetry(self.saturation.map(u16::from), self.heart_rate, flags)?;
        if self.is_disconnected() || self.is_sensor_alarm() {
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
    fn check(frame: Result<Frame, DecodeError>, values: &[&str], flags: &[Flag]) {
        let report = frame.unwrap().report().unwrap();
        let given = report.result.unwrap_or_default();
        let given: Vec<_> = given.iter().map(|it| it.quantity.to_string()).collect();
        assert_eq!(given, values);
        assert_eq!(report.flags, flags.iter().copied().collect());
    }

    #[test]
    fn frames_are_three_and_four_bytes() {
        for prefix in prefixes("804861") {
            assert!(matches!(decode_df1(&prefix), Err(DecodeError::Truncated { .. })));
        }
        for prefix in prefixes("80486120") {
            assert!(matches!(decode_df8(&prefix), Err(DecodeError::Truncated { .. })));
        }
        assert!(matches!(decode_df1(&bytes("80486120")), Err(DecodeError::Trailing { .. })));
        assert!(matches!(decode_df8(&bytes("8048612000")), Err(DecodeError::Trailing { .. })));
    }

    #[test]
    fn a_frame_gives_saturation_and_pulse() {
        check(decode_df1(&bytes("804861")), &["97 %", "72 /min"], &[]);
        check(decode_df8(&bytes("80486120")), &["97 %", "72 /min"], &[Flag::FullyQualified]);
    }

    #[test]
    fn a_heart_rate_above_127_uses_both_bytes() {
        check(decode_df1(&bytes("810061")), &["97 %", "128 /min"], &[]);
        assert_eq!(decode_df1(&bytes("837e61")).unwrap().heart_rate, Some(510));
    }

    #[test]
    fn missing_values_are_no_numbers() {
        check(decode_df1(&bytes("837f7f")), &[], &[]);
        check(decode_df1(&bytes("837f61")), &["97 %"], &[]);
        assert_eq!(decode_df1(&bytes("837f7f")).unwrap().heart_rate, None);
    }

    #[test]
    fn without_a_finger_there_is_no_value() {
        check(decode_df1(&bytes("c04861")), &[], &[]);
        check(decode_df8(&bytes("80486109")), &[], &[Flag::BatteryLow]);
    }

    #[test]
    fn the_status_becomes_flags() {
        check(decode_df1(&bytes("904861")), &["97 %", "72 /min"], &[Flag::LowPerfusion]);
        check(decode_df1(&bytes("8c4861")), &["97 %", "72 /min"], &[Flag::PoorSignal]);
        check(decode_df1(&bytes("a04861")), &["97 %", "72 /min"], &[Flag::Questionable]);
    }

    #[test]
    fn bit_7_is_set_in_the_first_byte_alone() {
        for hex in ["004861", "80c861", "8048e1"] {
            assert!(matches!(decode_df1(&bytes(hex)), Err(DecodeError::Framing { .. })), "{hex}");
        }
        assert!(matches!(decode_df8(&bytes("804861a0")), Err(DecodeError::Framing { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            for frame in [decode_df1(&bytes), decode_df8(&bytes)].into_iter().flatten() {
                let _report = frame.report();
            }
        }
    }
}
