//! Nonin Data Format 13 of the 9560 and the `WristOx2` 3150: a spot check with its time.
//!
//! ```text
//! offset  size  field
//! 0       2     0x00 0x02
//! 2       1     0x0D          the format
//! 3       1     length        not relied on
//! 4       2     century and year of it, each a number below 100
//! 6       6     month, day, hour, minute, second, hundredth
//! 12      2     status        0x0200 SmartPoint, 0x0100 no measurement, 0x0010 from memory,
//!                             0x0001 low battery, big-endian
//! 14      2     heart rate    511 is none, big-endian
//! 16      1     not used
//! 17      1     SpO2          127 is none
//! 18      1     checksum      sum of the bytes from 2 to 17
//! 19      1     0x03
//! ```

use std::collections::BTreeSet;

use vitals::{DeviceTime, Flag, ReadingKind};

use super::error::DecodeError;
use super::frames::{Front, fixed};
use super::item::FailureReason;
use super::outcome;
use super::payload::{Payload, sum};
use super::report::{NoResult, Report};

const LEN_BYTES: usize = 20;
const SMART_POINT: u16 = 0x0200;
const NO_MEASUREMENT: u16 = 0x0100;
const FROM_MEMORY: u16 = 0x0010;
const BATTERY_LOW: u16 = 0x0001;

/// One spot check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpotCheck {
    /// When it was measured.
    pub device_time: DeviceTime,
    /// Status as it came.
    pub status: u16,
    /// Heart rate per minute; `None` where it is missing.
    pub heart_rate: Option<u16>,
    /// SpO2 in percent; `None` where it is missing.
    pub saturation: Option<u8>,
}

/// Decodes one spot check.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are twenty bytes,
/// [`DecodeError::Framing`] for another byte in a fixed place, and [`DecodeError::Checksum`].
pub fn decode(bytes: &[u8]) -> Result<SpotCheck, DecodeError> {
    let mut payload = Payload::new(bytes);
    payload.fixed("null", 0x00)?;
    payload.fixed("start byte", 0x02)?;
    let contents = payload.array::<16>("contents")?;
    let found = payload.byte("checksum")?;
    payload.fixed("end byte", 0x03)?;
    payload.end()?;
    let computed = sum(&contents);
    if found != computed {
        return Err(DecodeError::Checksum { found, computed });
    }
    let [kind, _len, century, year, month, day, hour, minute, second, _hundredth, rest @ ..] =
        contents;
    let [status_high, status_low, rate_high, rate_low, _unused, saturation] = rest;
    if kind != 0x0D {
        return Err(DecodeError::Framing { field: "format", value: kind });
    }
    let year = u16::from(century).saturating_mul(100).saturating_add(year.into());
    let heart_rate = u16::from_be_bytes([rate_high, rate_low]);
    Ok(SpotCheck {
        device_time: DeviceTime { year, month, day, hour, minute, second },
        status: u16::from_be_bytes([status_high, status_low]),
        heart_rate: (heart_rate != 511).then_some(heart_rate),
        saturation: (saturation != 127).then_some(saturation),
    })
}

/// Looks for a spot check in a stream.
pub(crate) fn look(window: &[u8]) -> Front {
    fixed(window, LEN_BYTES, decode)
}

impl SpotCheck {
    /// Whether the device says that it could not measure.
    #[must_use]
    pub const fn is_without_measurement(&self) -> bool {
        self.status & NO_MEASUREMENT != 0
    }

    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no oximeter can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let told = [
            (SMART_POINT, Flag::FullyQualified),
            (FROM_MEMORY, Flag::FromStorage),
            (BATTERY_LOW, Flag::BatteryLow),
        ];
        let flags: BTreeSet<_> = told
            .into_iter()
            .filter(|(bit, _flag)| self.status & bit != 0)
            .map(|(_bit, flag)| flag)
            .collect();
        let device_time = Some(self.device_time);
        if self.is_without_measurement() || self.saturation.is_none_or(|it| it == 0) {
            let failed = NoResult::Failed(vec![FailureReason::NoValue]);
            let report = outcome::report(ReadingKind::Oximetry, Err(failed));
            return Ok(Report { device_time, flags, ..report });
        }
        let report = outcome::oximetry(self.saturation.map(u16::from), self.heart_rate, flags)?;
        Ok(Report { device_time, ..report })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    const SPOT_CHECK: &str = "00020d0e141a0301080500000200004800610503";

    /// The spot check with other last bytes before its checksum.
    fn with(status: u16, heart_rate: u16, saturation: u8) -> Vec<u8> {
        let mut bytes: Vec<_> = bytes(SPOT_CHECK).into_iter().take(12).collect();
        bytes.extend(status.to_be_bytes());
        bytes.extend(heart_rate.to_be_bytes());
        bytes.extend([0, saturation]);
        let summed: Vec<_> = bytes.iter().skip(2).copied().collect();
        bytes.push(sum(&summed));
        bytes.push(0x03);
        bytes
    }

    #[test]
    fn a_spot_check_has_a_time_and_values() {
        let report = decode(&bytes(SPOT_CHECK)).unwrap().report().unwrap();
        assert_eq!(report.device_time.unwrap().to_string(), "2026-03-01T08:05:00");
        let values = report.result.unwrap();
        let values: Vec<_> = values.iter().map(|it| it.quantity.to_string()).collect();
        assert_eq!(values, ["97 %", "72 /min"]);
        assert_eq!(report.flags, BTreeSet::from([Flag::FullyQualified]));
    }

    #[test]
    fn a_spot_check_is_cut_or_too_long() {
        for prefix in prefixes(SPOT_CHECK) {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:?}");
        }
        let long = bytes(&format!("{SPOT_CHECK}00"));
        assert!(matches!(decode(&long), Err(DecodeError::Trailing { .. })));
    }

    #[test]
    fn frame_and_checksum_are_verified() {
        let other = |from: &str, to: &str| decode(&bytes(&SPOT_CHECK.replacen(from, to, 1)));
        assert!(matches!(other("0503", "0603"), Err(DecodeError::Checksum { .. })));
        assert!(matches!(other("0503", "0504"), Err(DecodeError::Framing { .. })));
        assert!(matches!(other("00020d", "00030d"), Err(DecodeError::Framing { .. })));
        assert!(matches!(other("00020d0e", "00020c0f"), Err(DecodeError::Framing { .. })));
    }

    #[test]
    fn missing_values_are_no_numbers() {
        let failed = Err(NoResult::Failed(vec![FailureReason::NoValue]));
        for bytes in [with(0x0100, 72, 97), with(0, 511, 127), with(0, 72, 0)] {
            assert_eq!(decode(&bytes).unwrap().report().unwrap().result, failed);
        }
        let pulseless = decode(&with(0, 511, 97)).unwrap();
        assert_eq!(pulseless.heart_rate, None);
        assert_eq!(pulseless.report().unwrap().result.unwrap().len(), 1);
    }

    #[test]
    fn the_status_becomes_flags() {
        let flags = decode(&with(0x0211, 300, 97)).unwrap().report().unwrap().flags;
        let expected = [Flag::FullyQualified, Flag::FromStorage, Flag::BatteryLow];
        assert_eq!(flags, BTreeSet::from(expected));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, status: u16, heart_rate: u16, saturation: u8) {
            let _spot_check = decode(&bytes);
            let _report = decode(&with(status, heart_rate, saturation)).unwrap().report();
        }
    }
}
