//! Omron cuffs and scales: records in the memory that the host reads over Bluetooth.
//!
//! ```text
//! bits from the first one of the first byte, 14 bytes          the same, 16 bytes backwards
//! (HEM-7322T, HEM-7600T)                                       (HEM-7150T, HEM-7155T, HEM-7342T)
//! 0-7    diastolic         32     body moved                   68-73    minute
//! 8-15   systolic - 25     33     irregular pulse              74-79    second
//! 18-23  year - 2000       34-37  month                        80       body moved
//! 24-31  pulse rate        38-42  day                          81       irregular pulse
//!                          43-47  hour                         82-85    month
//!                          48-49  position                     86-90    day
//!                          50     battery low                  91-95    hour
//!                          51     cuff fits                    98-103   year - 2000
//!                          52-57  minute                       104-111  pulse rate
//!                          58-63  second                       112-119  diastolic
//!                                                              120-127  systolic - 25
//!
//! classic, 14 bytes (HEM-7142T2)
//! 0      systolic - 25     4-5, little-endian                  6-7, little-endian
//! 1      diastolic         bits 0-4 hour, 5-9 day,             bits 0-5 second, 6-11 minute,
//! 2      pulse rate        10-13 month, 14 irregular pulse,    12 cuff fits, 13 battery low,
//! 3      year - 2000       15 body moved                       14-15 position
//!
//! time, 16 bytes: 8 that are not known, year - 2000, month, day, hour, minute, second,
//! the sum of the bytes before, 0
//! ```
//!
//! A place that is all zeros or all ones is empty. Seconds of 60 to 63 occur and are shown as 59.

use std::collections::BTreeSet;

use vitals::{DeviceTime, Flag, ReadingKind};

use super::error::DecodeError;
use super::outcome;
use super::payload::{Payload, sum, whole};
use super::report::Report;

/// One record; pressures in mmHg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Systolic pressure.
    pub systolic: u16,
    /// Diastolic pressure.
    pub diastolic: u8,
    /// Pulse rate per minute.
    pub pulse: u8,
    /// When it was measured.
    pub device_time: DeviceTime,
    /// Whether the pulse was irregular.
    pub is_irregular: bool,
    /// Whether the body moved.
    pub is_moved: bool,
    /// Whether the cuff fitted, where the record says it.
    pub is_cuff_ok: Option<bool>,
    /// Whether the battery was low, where the record says it.
    pub is_battery_low: Option<bool>,
    /// Position as it came, where the record says it.
    pub position: Option<u8>,
}

/// Decodes a bit-packed record of 14 bytes.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] for another length, and
/// [`DecodeError::EmptySlot`].
pub fn decode_packed_14(bytes: &[u8]) -> Result<Record, DecodeError> {
    let record = filled::<14>(bytes)?;
    let [diastolic, systolic, year, pulse, date_0, date_1, time_0, time_1, ..] = record;
    let (date, time) = (u16::from_be_bytes([date_0, date_1]), u16::from_be_bytes([time_0, time_1]));
    Ok(Record::new([systolic, diastolic, pulse, year], date, time))
}

/// Decodes a record of 16 bytes, which stand backwards.
///
/// # Errors
///
/// As [`decode_packed_14`].
pub fn decode_packed_16(bytes: &[u8]) -> Result<Record, DecodeError> {
    let record = filled::<16>(bytes)?;
    let [systolic, diastolic, pulse, year, date_1, date_0, time_1, time_0, ..] = record;
    let (date, time) = (u16::from_be_bytes([date_0, date_1]), u16::from_be_bytes([time_0, time_1]));
    let record = Record::new([systolic, diastolic, pulse, year], date, time);
    Ok(Record { is_cuff_ok: None, is_battery_low: None, position: None, ..record })
}

/// Decodes a classic record of 14 bytes.
///
/// # Errors
///
/// As [`decode_packed_14`].
pub fn decode_classic(bytes: &[u8]) -> Result<Record, DecodeError> {
    let record = filled::<14>(bytes)?;
    let [systolic, diastolic, pulse, year, date_0, date_1, time_0, time_1, ..] = record;
    if 0xE1 < systolic {
        return Err(DecodeError::EmptySlot);
    }
    let (date, time) = (u16::from_le_bytes([date_0, date_1]), u16::from_le_bytes([time_0, time_1]));
    Ok(Record::new([systolic, diastolic, pulse, year], date, time))
}

/// Decodes the section of the memory that holds the clock.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are sixteen bytes, and
/// [`DecodeError::Checksum`].
pub fn decode_time(bytes: &[u8]) -> Result<DeviceTime, DecodeError> {
    let mut payload = Payload::new(bytes);
    let summed = payload.array::<14>("time")?;
    let found = payload.byte("checksum")?;
    let _end = payload.byte("the end")?;
    payload.end()?;
    let computed = sum(&summed);
    if found != computed {
        return Err(DecodeError::Checksum { found, computed });
    }
    let [.., year, month, day, hour, minute, second] = summed;
    let year = u16::from(year).saturating_add(2000);
    Ok(DeviceTime { year, month, day, hour, minute, second: second.min(59) })
}

/// The bytes of a place that is not empty.
pub(crate) fn filled<const N: usize>(bytes: &[u8]) -> Result<[u8; N], DecodeError> {
    let record = whole::<N>("the end", bytes)?;
    if record == [0x00; N] || record == [0xFF; N] {
        return Err(DecodeError::EmptySlot);
    }
    Ok(record)
}

/// Bits of `word` from `lowest` on, at most eight of them.
fn bits(word: u16, lowest: u32, mask: u8) -> u8 {
    let [_high, low] = word.checked_shr(lowest).unwrap_or(0).to_be_bytes();
    low & mask
}

impl Record {
    /// The four bytes and two words that every layout has, in another order each.
    fn new([systolic, diastolic, pulse, year]: [u8; 4], date: u16, time: u16) -> Self {
        let device_time = DeviceTime {
            year: u16::from(year & 0x3F).saturating_add(2000),
            month: bits(date, 10, 0x0F),
            day: bits(date, 5, 0x1F),
            hour: bits(date, 0, 0x1F),
            minute: bits(time, 6, 0x3F),
            second: bits(time, 0, 0x3F).min(59),
        };
        Self {
            systolic: u16::from(systolic).saturating_add(25),
            diastolic,
            pulse,
            device_time,
            is_irregular: date & 1 << 14 != 0,
            is_moved: date & 1 << 15 != 0,
            is_cuff_ok: Some(time & 1 << 12 != 0),
            is_battery_low: Some(time & 1 << 13 != 0),
            position: Some(bits(time, 14, 0b11)),
        }
    }

    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no cuff can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let told = [
            (self.is_moved, Flag::BodyMovement),
            (self.is_cuff_ok == Some(false), Flag::CuffLoose),
            (self.is_irregular, Flag::IrregularPulse),
            (self.is_battery_low == Some(true), Flag::BatteryLow),
        ];
        let flags: BTreeSet<_> =
            told.into_iter().filter(|(is_told, _flag)| *is_told).map(|(_is, flag)| flag).collect();
        let (value, below, pulse) = (self.systolic, self.diastolic.into(), Some(self.pulse.into()));
        if value <= below {
            // The memory of another model looks like that: its records stand elsewhere.
            return Err(DecodeError::NotAbove { field: "systolic pressure", value, below });
        }
        let values = outcome::pressures(value, below, None, pulse)?;
        let report = outcome::report(ReadingKind::BloodPressure, Ok(values));
        Ok(Report { device_time: Some(self.device_time), flags, ..report })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    type Decode = fn(&[u8]) -> Result<Record, DecodeError>;

    const RECORDS: [(Decode, &str, &str); 3] = [
        (decode_packed_14, "5b781a4819d71b42000014006996", "145/91 72 2026-06-14T23:45:02"),
        (decode_packed_16, "785b481ad719421b0000000000000000", "145/91 72 2026-06-14T23:45:02"),
        (decode_classic, "5f5a621a72198c1180000e00eb14", "120/90 98 2026-06-11T18:06:12"),
    ];

    #[test]
    fn records_have_values_and_a_time() {
        for (decode, hex, expected) in RECORDS {
            let Record { systolic, diastolic, pulse, device_time, .. } =
                decode(&bytes(hex)).unwrap();
            assert_eq!(format!("{systolic}/{diastolic} {pulse} {device_time}"), expected);
        }
    }

    #[test]
    fn records_are_cut_or_too_long() {
        for (decode, hex, _expected) in RECORDS {
            for prefix in prefixes(hex) {
                assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{hex}");
            }
            let long = decode(&bytes(&format!("{hex}00")));
            assert!(matches!(long, Err(DecodeError::Trailing { .. })), "{hex}");
        }
    }

    #[test]
    fn empty_places_are_no_records() {
        for (decode, hex, _expected) in RECORDS {
            let len = hex.len() / 2;
            for fill in [0x00, 0xFF] {
                assert_eq!(decode(&vec![fill; len]), Err(DecodeError::EmptySlot), "{hex}");
            }
        }
        let high = decode_classic(&bytes("e25a621a72198c1180000e00eb14"));
        assert_eq!(high, Err(DecodeError::EmptySlot));
    }

    #[test]
    fn flags_are_kept() {
        let flags = |hex| decode_packed_14(&bytes(hex)).unwrap().report().unwrap().flags;
        assert_eq!(flags("5b781a4819d71b42000014006996"), BTreeSet::new());
        let all = [Flag::BodyMovement, Flag::CuffLoose, Flag::IrregularPulse, Flag::BatteryLow];
        assert_eq!(flags("5b781a48d9d72b42000014006996"), BTreeSet::from(all));
    }

    #[test]
    fn a_second_above_59_is_59() {
        let record = decode_packed_14(&bytes("5b781a4819d71b7f000014006996")).unwrap();
        assert_eq!(record.device_time.second, 59);
    }

    #[test]
    fn the_time_is_checked() {
        let time = "c6a40100000000001a070f113b13fa00";
        assert_eq!(decode_time(&bytes(time)).unwrap().to_string(), "2026-07-15T17:59:19");
        for prefix in prefixes(time) {
            assert!(matches!(decode_time(&prefix), Err(DecodeError::Truncated { .. })));
        }
        let bad = decode_time(&bytes("c6a40100000000001a070f113b13fb00"));
        assert_eq!(bad, Err(DecodeError::Checksum { found: 0xFB, computed: 0xFA }));
        assert!(matches!(decode_time(&[0; 17]), Err(DecodeError::Trailing { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, record: [u8; 16]) {
            let _time = decode_time(&bytes);
            let short: Vec<_> = record.iter().copied().take(14).collect();
            let decoded =
                [decode_packed_14(&short), decode_packed_16(&record), decode_classic(&short)];
            for record in decoded.into_iter().flatten() {
                let _report = record.report();
            }
        }
    }
}
