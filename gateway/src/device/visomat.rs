//! Visomat Double Comfort: the memory as text over USB, without its STX and ETX.
//!
//! ```text
//! M1 06 <6 records> M2 07 <7 records>
//! M, user, number of records in two digits; 00 is followed by one character that means nothing
//!
//! record, 20 digits
//! yymmdd HHMM f sss ddd ppp
//! date, time, flag, systolic and diastolic in mmHg, pulse rate per minute
//! ```
//!
//! A clock that was never set shows a year of its own.

use vitals::{DeviceTime, ReadingKind};

use super::error::DecodeError;
use super::outcome;
use super::report::Report;

const RECORD_LEN_BYTES: usize = 20;

/// One record; pressures in mmHg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// User.
    pub user: u8,
    /// When it was measured; the device shows no seconds.
    pub device_time: DeviceTime,
    /// Flag as it came.
    pub flag: u8,
    /// Systolic pressure.
    pub systolic: u16,
    /// Diastolic pressure.
    pub diastolic: u16,
    /// Pulse rate per minute.
    pub pulse: u16,
}

/// Decodes the memory of all users.
///
/// # Errors
///
/// Returns [`DecodeError::Line`] for text of any other form.
pub fn decode(bytes: &[u8]) -> Result<Vec<Record>, DecodeError> {
    blocks(bytes).ok_or(DecodeError::Line { expected: "M<user><count><20 digits a record>..." })
}

fn blocks(bytes: &[u8]) -> Option<Vec<Record>> {
    let (&[b'M'], _rest) = bytes.split_first_chunk()? else { return None };
    let mut records = Vec::new();
    let mut rest = bytes;
    while let Some((&[start, user, count @ ..], after)) = rest.split_first_chunk::<4>() {
        let user = u8::try_from(digits(&[user])?).ok()?;
        let count = digits(&count)?;
        if start != b'M' {
            return None;
        }
        rest = after;
        if count == 0 {
            let (_dummy, after) = rest.split_first()?;
            rest = after;
        }
        for _record in 0..count {
            let (record, after) = rest.split_first_chunk::<RECORD_LEN_BYTES>()?;
            records.push(self::record(user, *record)?);
            rest = after;
        }
    }
    rest.is_empty().then_some(records)
}

fn record(user: u8, text: [u8; RECORD_LEN_BYTES]) -> Option<Record> {
    let [y0, y1, m0, m1, d0, d1, hour_0, hour_1, minute_0, minute_1, flag, values @ ..] = text;
    let [s0, s1, s2, dia_0, dia_1, dia_2, p0, p1, p2] = values;
    let pair = |text: [u8; 2]| digits(&text).and_then(|it| u8::try_from(it).ok());
    let device_time = DeviceTime {
        year: digits(&[y0, y1])?.checked_add(2000)?,
        month: pair([m0, m1])?,
        day: pair([d0, d1])?,
        hour: pair([hour_0, hour_1])?,
        minute: pair([minute_0, minute_1])?,
        second: 0,
    };
    Some(Record {
        user,
        device_time,
        flag: u8::try_from(digits(&[flag])?).ok()?,
        systolic: digits(&[s0, s1, s2])?,
        diastolic: digits(&[dia_0, dia_1, dia_2])?,
        pulse: digits(&[p0, p1, p2])?,
    })
}

/// A number in at most four decimal digits.
fn digits(text: &[u8]) -> Option<u16> {
    text.iter().try_fold(0_u16, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

impl Record {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no cuff can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let values = outcome::pressures(self.systolic, self.diastolic, None, Some(self.pulse))?;
        let report = outcome::report(ReadingKind::BloodPressure, Ok(values));
        Ok(Report { device_time: Some(self.device_time), user_slot: Some(self.user), ..report })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MEMORY: &str = "M1001M20115110321300134097083";

    #[track_caller]
    fn check(text: &str, expected: Option<usize>) {
        assert_eq!(decode(text.as_bytes()).ok().map(|it| it.len()), expected, "{text}");
    }

    #[test]
    fn a_user_without_records_is_followed_by_a_dummy() {
        let records = decode(MEMORY.as_bytes()).unwrap();
        let record = records.first().unwrap();
        assert_eq!((records.len(), record.user), (1, 2));
        assert_eq!(record.device_time.to_string(), "2015-11-03T21:30:00");
        assert_eq!((record.systolic, record.diastolic, record.pulse), (134, 97, 83));
    }

    #[test]
    fn a_memory_is_cut() {
        for len in 0..MEMORY.len() {
            let cut = MEMORY.get(..len).unwrap();
            // The first user's block is whole by itself.
            check(cut, (len == 5).then_some(0));
        }
    }

    #[test]
    fn a_memory_is_too_long() {
        check(&format!("{MEMORY}0"), None);
        check(&format!("{MEMORY}M1001"), Some(1));
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["N1001", "Mx001", "M1 01", "M101151103213001340970x3", "M10x1"] {
            check(text, None);
        }
    }

    #[test]
    fn a_record_is_a_measurement() {
        let record = *decode(MEMORY.as_bytes()).unwrap().first().unwrap();
        let report = record.report().unwrap();
        assert_eq!((report.user_slot, report.result.unwrap().len()), (Some(2), 3));
        let empty = Record { systolic: 0, diastolic: 0, ..record };
        assert!(matches!(empty.report(), Err(DecodeError::OutOfRange { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _records = decode(&bytes);
        }

        #[test]
        fn no_text_panics(text in "(M[0-9]{3}[0-9]{0,40}){0,3}") {
            for record in decode(text.as_bytes()).into_iter().flatten() {
                let _report = record.report();
            }
        }
    }
}
