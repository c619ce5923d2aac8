//! Omron HEM-790IT and HEM-7080IT: answers over USB, put together and without their "OK".
//!
//! ```text
//! measurement, 14 bytes                          number of measurements, 5 bytes
//! 0-5    year - 2000, month, day, hour,          0-1    not known
//!        minute, second                          2-3    number, big-endian
//! 6      not known                               4      checksum
//! 7-8    systolic, mmHg, big-endian
//! 9      diastolic, mmHg                         average of a week, 9 bytes
//! 10     pulse rate, /min                        0-1    not known
//! 11-12  flags, bit 0: irregular pulse,          2-4    year - 2000, month, day
//!        bit 1: body moved,                      5      systolic - 25, mmHg; 0 is none
//!        bits 4-5: which of three                6      diastolic, mmHg
//! 13     checksum                                7      pulse rate, /min
//!                                                8      checksum
//!
//! checksum: exclusive or of the bytes before
//! ```

use std::collections::BTreeSet;

use vitals::{DeviceTime, Flag, ReadingKind};

use super::error::DecodeError;
use super::outcome;
use super::payload::{checked, exclusive_or, whole};
use super::report::Report;

/// One measurement; pressures in mmHg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// When it was measured.
    pub device_time: DeviceTime,
    /// Year since 2000, month and day as they came.
    pub date: [u8; 3],
    /// Systolic pressure.
    pub systolic: u16,
    /// Diastolic pressure.
    pub diastolic: u8,
    /// Pulse rate per minute.
    pub pulse: u8,
    /// Flags as they came.
    pub flags: u16,
}

/// The average of a week; pressures in mmHg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Average {
    /// Year since 2000, month and day as they came.
    pub date: [u8; 3],
    /// Systolic pressure.
    pub systolic: u16,
    /// Diastolic pressure.
    pub diastolic: u8,
    /// Pulse rate per minute.
    pub pulse: u8,
}

/// Decodes one measurement.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are fourteen bytes, and
/// [`DecodeError::Checksum`].
pub fn decode(bytes: &[u8]) -> Result<Record, DecodeError> {
    let record = whole::<14>("the end", bytes)?;
    checked(bytes, exclusive_or)?;
    let [year, month, day, hour, minute, second, _unit, systolic @ .., _sum] = record;
    let [systolic_0, systolic_1, diastolic, pulse, flags_0, flags_1] = systolic;
    let date = [year, month, day];
    let year = u16::from(year).saturating_add(2000);
    Ok(Record {
        device_time: DeviceTime { year, month, day, hour, minute, second },
        date,
        systolic: u16::from_be_bytes([systolic_0, systolic_1]),
        diastolic,
        pulse,
        flags: u16::from_be_bytes([flags_0, flags_1]),
    })
}

/// Decodes the number of measurements.
///
/// # Errors
///
/// As [`decode`], for five bytes.
pub fn decode_count(bytes: &[u8]) -> Result<u16, DecodeError> {
    let [_, _, high, low, _sum] = whole::<5>("the end", bytes)?;
    checked(bytes, exclusive_or)?;
    Ok(u16::from_be_bytes([high, low]))
}

/// Decodes the average of a week.
///
/// # Errors
///
/// As [`decode`], for nine bytes, and [`DecodeError::EmptySlot`] for a week without measurements.
pub fn decode_average(bytes: &[u8]) -> Result<Average, DecodeError> {
    let [_, _, year, month, day, systolic, diastolic, pulse, _sum] = whole::<9>("the end", bytes)?;
    checked(bytes, exclusive_or)?;
    if systolic == 0 && diastolic == 0 {
        return Err(DecodeError::EmptySlot);
    }
    let systolic = u16::from(systolic).saturating_add(25);
    Ok(Average { date: [year, month, day], systolic, diastolic, pulse })
}

impl Record {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no cuff can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let told = [(1 << 0, Flag::IrregularPulse), (1 << 1, Flag::BodyMovement)];
        let flags: BTreeSet<_> = told
            .into_iter()
            .filter(|(bit, _flag)| self.flags & bit != 0)
            .map(|(_bit, flag)| flag)
            .collect();
        let pulse = Some(self.pulse.into());
        let values = outcome::pressures(self.systolic, self.diastolic.into(), None, pulse)?;
        let report = outcome::report(ReadingKind::BloodPressure, Ok(values));
        Ok(Report { device_time: Some(self.device_time), flags, ..report })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    const RECORD: &str = "0701030006330000704b4700004c";
    const COUNT: &str = "000a000802";
    const AVERAGE: &str = "8001090413716970f7";

    #[test]
    fn the_three_answers_are_read() {
        let record = decode(&bytes(RECORD)).unwrap();
        assert_eq!((record.systolic, record.diastolic, record.pulse), (112, 75, 71));
        assert_eq!(record.device_time.to_string(), "2007-01-03T00:06:51");
        assert_eq!(decode_count(&bytes(COUNT)), Ok(8));
        let average = decode_average(&bytes(AVERAGE)).unwrap();
        assert_eq!((average.systolic, average.diastolic, average.pulse), (138, 105, 112));
        assert_eq!(average.date, [9, 4, 19]);
    }

    #[test]
    fn answers_are_cut() {
        let is_cut = |it| matches!(it, Some(DecodeError::Truncated { .. }));
        assert!(prefixes(RECORD).iter().all(|it| is_cut(decode(it).err())));
        assert!(prefixes(COUNT).iter().all(|it| is_cut(decode_count(it).err())));
        assert!(prefixes(AVERAGE).iter().all(|it| is_cut(decode_average(it).err())));
    }

    #[test]
    fn answers_are_too_long() {
        let is_long = |it| matches!(it, Some(DecodeError::Trailing { n_trailing: 1, .. }));
        assert!(is_long(decode(&[0; 15]).err()));
        assert!(is_long(decode_count(&[0; 6]).err()));
        assert!(is_long(decode_average(&[0; 10]).err()));
    }

    #[test]
    fn checksums_are_verified() {
        let is_bad = |it| matches!(it, Some(DecodeError::Checksum { .. }));
        assert!(is_bad(decode(&bytes("0701030006330000704b4700004d")).err()));
        assert!(is_bad(decode_count(&bytes("000a000803")).err()));
        assert!(is_bad(decode_average(&bytes("8001090413716970f6")).err()));
    }

    #[test]
    fn flags_become_words_and_an_empty_week_no_number() {
        let record = Record { flags: 0x33, ..decode(&bytes(RECORD)).unwrap() };
        let expected = BTreeSet::from([Flag::BodyMovement, Flag::IrregularPulse]);
        assert_eq!(record.report().unwrap().flags, expected);
        assert_eq!(decode_average(&[0; 9]), Err(DecodeError::EmptySlot));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, systolic: u16, diastolic: u8, pulse: u8) {
            let _answers = (decode(&bytes), decode_count(&bytes), decode_average(&bytes));
            let record = decode(&crate::device::fixture::bytes(RECORD)).unwrap();
            let _report = Record { systolic, diastolic, pulse, ..record }.report();
        }
    }
}
