//! Microlife cuffs (BP A6 BT, B6, B3): frames over Bluetooth and in USB reports.
//!
//! ```text
//! offset  size  field
//! 0       1     0x4D
//! 1       1     0xFF from the host, 0x3A from the device
//! 2       2     length of what follows, checksum included, big-endian
//! 4       ..    payload
//! last    1     checksum   sum of everything before
//!
//! payload of the memory: 38 bytes, of which byte 3 is the number of records, then 10 bytes a record
//! 0       1     systolic, mmHg       3       3     year since 2000, month, day
//! 1       1     diastolic, mmHg      6       2     hour, minute
//! 2       1     pulse rate, /min     8       1     bit 7: cuff fits, bit 6: irregular pulse,
//!                                                  bit 5: atrial fibrillation, bits 3-4: average
//!                                    9       1     not used
//!
//! payload that sets the clock: 0x0D, year since 2000, month, day, hour, minute, second
//! ```
//!
//! A record that is all zeros is an empty place; a clock that was never set shows month 0.

use std::collections::BTreeSet;

use jiff::civil;
use vitals::{DeviceTime, Flag, ReadingKind};

use super::error::DecodeError;
use super::outcome;
use super::payload::{Payload, checked, sum};
use super::report::Report;

/// Length of a record in bytes.
pub const RECORD_LEN_BYTES: usize = 10;

const FROM_HOST: u8 = 0xFF;
const FROM_DEVICE: u8 = 0x3A;
const SET_TIME: u8 = 0x0D;
const CUFF_FITS: u8 = 1 << 7;
const IRREGULAR: u8 = 1 << 6;
const FIBRILLATION: u8 = 1 << 5;

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Whether the host speaks.
    pub is_from_host: bool,
    /// What it says; at least one byte.
    pub contents: &'a [u8],
}

/// The memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// How many records the device says that there are.
    pub n_records: u8,
    /// The records without the empty places, the oldest first.
    pub records: Vec<Record>,
}

/// One record; pressures in mmHg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Systolic pressure.
    pub systolic: u8,
    /// Diastolic pressure.
    pub diastolic: u8,
    /// Pulse rate per minute.
    pub pulse: u8,
    /// Year since 2000, month, day, hour and minute as they came.
    pub date: [u8; 5],
    /// Flags as they came.
    pub flags: u8,
    /// All of it as it came.
    pub raw: [u8; RECORD_LEN_BYTES],
}

/// Decodes one frame.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] for fewer than six bytes, [`DecodeError::Framing`] for another
/// start or direction, [`DecodeError::Length`] if it has another length than it says, and
/// [`DecodeError::Checksum`].
pub fn decode(bytes: &[u8]) -> Result<Frame<'_>, DecodeError> {
    let mut payload = Payload::new(bytes);
    payload.fixed("start byte", 0x4D)?;
    let is_from_host = match payload.byte("direction")? {
        FROM_HOST => true,
        FROM_DEVICE => false,
        value => return Err(DecodeError::Framing { field: "direction", value }),
    };
    let declared = usize::from(payload.u16_be("length")?);
    let (rest, len_bytes) = (payload.rest(), bytes.len());
    if rest.len() != declared {
        return Err(DecodeError::Length { declared, len_bytes });
    }
    let Some((_sum, contents)) = rest.split_last().filter(|(_sum, it)| !it.is_empty()) else {
        return Err(DecodeError::Truncated { field: "payload", len_bytes });
    };
    checked(bytes, sum)?;
    Ok(Frame { is_from_host, contents })
}

/// Decodes the memory.
///
/// # Errors
///
/// As [`decode`], and [`DecodeError::Framing`] if the host speaks.
pub fn decode_history(bytes: &[u8]) -> Result<History, DecodeError> {
    let frame = decode(bytes)?;
    if frame.is_from_host {
        return Err(DecodeError::Framing { field: "direction", value: FROM_HOST });
    }
    let mut payload = Payload::new(frame.contents);
    let [_, _, _, n_records, _head @ ..] = payload.array::<38>("head")?;
    let mut records = Vec::new();
    while !payload.is_empty() {
        let raw = payload.array::<RECORD_LEN_BYTES>("record")?;
        let [systolic, diastolic, pulse, date @ .., flags, _unused] = raw;
        if raw != [0; RECORD_LEN_BYTES] {
            records.push(Record { systolic, diastolic, pulse, date, flags, raw });
        }
    }
    Ok(History { n_records, records })
}

/// The frame that sets the clock to `now`; what is no year of this century becomes 2000.
pub(crate) fn set_time(now: civil::DateTime) -> Vec<u8> {
    let byte = |value: i8| u8::try_from(value).unwrap_or(0);
    let year = u8::try_from(now.year().saturating_sub(2000)).unwrap_or(0);
    let (month, day) = (byte(now.month()), byte(now.day()));
    let (hour, minute, second) = (byte(now.hour()), byte(now.minute()), byte(now.second()));
    let mut frame =
        vec![0x4D, FROM_HOST, 0x00, 0x08, SET_TIME, year, month, day, hour, minute, second];
    frame.push(sum(&frame));
    frame
}

impl Frame<'_> {
    /// The time that the host sets, if that is what it says.
    #[must_use]
    pub fn time(&self) -> Option<DeviceTime> {
        let [SET_TIME, year, month, day, hour, minute, second] = *self.contents else {
            return None;
        };
        let year = u16::from(year).saturating_add(2000);
        let time = DeviceTime { year, month, day, hour, minute, second };
        self.is_from_host.then_some(time)
    }
}

impl Record {
    /// When it was measured, as the device says it; without seconds.
    #[must_use]
    pub fn device_time(&self) -> DeviceTime {
        let [year, month, day, hour, minute] = self.date;
        let year = u16::from(year).saturating_add(2000);
        DeviceTime { year, month, day, hour, minute, second: 0 }
    }

    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no cuff can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let is = |bit: u8| self.flags & bit != 0;
        let told = [
            (!is(CUFF_FITS), Flag::CuffLoose),
            (is(IRREGULAR | FIBRILLATION), Flag::IrregularPulse),
        ];
        let flags: BTreeSet<_> =
            told.into_iter().filter(|(is_told, _flag)| *is_told).map(|(_is, flag)| flag).collect();
        let pulse = Some(self.pulse.into());
        let values = outcome::pressures(self.systolic.into(), self.diastolic.into(), None, pulse)?;
        let report = outcome::report(ReadingKind::BloodPressure, Ok(values));
        Ok(Report { device_time: Some(self.device_time()), flags, ..report })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    fn frame(direction: u8, contents: &[u8]) -> Vec<u8> {
        let len = u16::try_from(contents.len()).unwrap().saturating_add(1);
        let mut bytes = [&[0x4D, direction][..], &len.to_be_bytes(), contents].concat();
        bytes.push(sum(&bytes));
        bytes
    }

    fn history(records: &[[u8; 10]]) -> Vec<u8> {
        let mut contents = vec![0; 38];
        if let Some(count) = contents.get_mut(3) {
            *count = u8::try_from(records.len()).unwrap();
        }
        contents.extend(records.iter().flatten());
        frame(FROM_DEVICE, &contents)
    }

    const RECORD: [u8; 10] = [134, 70, 68, 22, 7, 17, 17, 2, 0x80, 0];

    #[test]
    fn frames_of_both_directions_are_read() {
        let ack = bytes("4d3a0002810a");
        assert_eq!(decode(&ack), Ok(Frame { is_from_host: false, contents: &[0x81] }));
        let set = bytes("4dff00080d18060f0e1e2de7");
        let time = decode(&set).unwrap().time().unwrap();
        assert_eq!(time.to_string(), "2024-06-15T14:30:45");
        assert_eq!(decode(&ack).unwrap().time(), None);
    }

    #[test]
    fn a_frame_is_cut_or_too_long() {
        for prefix in prefixes("4d3a0002810a") {
            assert!(decode(&prefix).is_err(), "{prefix:?}");
        }
        let long = decode(&[0x4D, 0x3A, 0, 2, 0x81, 0x0A, 0]).err();
        assert_eq!(long, Some(DecodeError::Length { declared: 2, len_bytes: 7 }));
        assert!(matches!(decode(&frame(0x3A, &[])), Err(DecodeError::Truncated { .. })));
    }

    #[test]
    fn frame_and_checksum_are_verified() {
        let bad = DecodeError::Checksum { found: 0x0B, computed: 0x0A };
        assert_eq!(decode(&bytes("4d3a0002810b")).err(), Some(bad));
        let wrong = DecodeError::Length { declared: 5, len_bytes: 6 };
        assert_eq!(decode(&bytes("4d3a0005810a")).err(), Some(wrong));
        for hex in ["4e3a0002810b", "4d3b0002810b"] {
            assert!(matches!(decode(&bytes(hex)), Err(DecodeError::Framing { .. })), "{hex}");
        }
    }

    #[test]
    fn the_memory_has_records_and_empty_places() {
        let history = decode_history(&history(&[RECORD, [0; 10]])).unwrap();
        assert_eq!((history.n_records, history.records.len()), (2, 1));
        let report = history.records.first().unwrap().report().unwrap();
        assert_eq!(report.device_time.unwrap().to_string(), "2022-07-17T17:02:00");
        assert_eq!((report.result.unwrap().len(), report.flags), (3, BTreeSet::new()));
    }

    #[test]
    fn half_a_record_is_refused() {
        assert!(decode_history(&frame(FROM_DEVICE, &[0; 37])).is_err());
        assert!(decode_history(&frame(FROM_DEVICE, &[1; 47])).is_err());
        assert!(decode_history(&frame(FROM_HOST, &[0; 38])).is_err());
    }

    #[test]
    fn flags_and_unset_clocks_are_kept() {
        let [.., _flags, unused] = RECORD;
        let irregular = [134, 70, 68, 17, 0, 0, 0, 0, 0x40, unused];
        let history = decode_history(&history(&[irregular])).unwrap();
        let report = history.records.first().unwrap().report().unwrap();
        assert_eq!(report.flags, BTreeSet::from([Flag::CuffLoose, Flag::IrregularPulse]));
        assert_eq!(report.device_time.unwrap().civil(), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, record: [u8; 10]) {
            let _frame = decode(&bytes);
            for it in decode_history(&history(&[record])).unwrap().records {
                let _report = it.report();
            }
        }
    }
}
