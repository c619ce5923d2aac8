//! Current Time (0x2A2B) and its relatives Day Date Time (0x2A0A) and Exact Time 256 (0x2A0C).
//!
//! ```text
//! offset  size  field
//! 0       7     Date Time      as in 0x2A08
//! 7       1     day of week    1 = Monday to 7 = Sunday, or 0 for unknown
//! ------------  0x2A0A ends here
//! 8       1     fraction       1/256 s
//! ------------  0x2A0C ends here
//! 9       1     adjust reason  bit 0: by hand
//!                              bit 1: from an external reference
//!                              bit 2: the time zone changed
//!                              bit 3: daylight saving time changed
//! ```
//!
//! A day of week that does not fit its date is kept as it came: some clocks never set it.

use rust_decimal::Decimal;
use vitals::DeviceTime;

use super::date_time;
use super::error::DecodeError;
use super::payload::Payload;

/// A decoded Day Date Time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Date and time.
    pub time: DeviceTime,
    /// 1 for Monday to 7 for Sunday, or 0 for unknown.
    pub day_of_week: u8,
}

/// A decoded Exact Time 256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExactTime {
    /// Date, time and day of week.
    pub day: Day,
    /// Part of the second, in 1/256 s.
    pub fractions_256: u8,
}

/// A decoded Current Time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentTime {
    /// What the clock shows.
    pub exact: ExactTime,
    /// Why the clock was changed last, as the bits came; bits 4 to 7 are reserved.
    pub adjust_reason: u8,
}

/// Decodes the value of a Day Date Time.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless it has eight bytes, and
/// [`DecodeError::OutOfRange`] for a part that no clock can show.
pub fn decode_day(bytes: &[u8]) -> Result<Day, DecodeError> {
    let mut payload = Payload::new(bytes);
    let day = day(&mut payload)?;
    payload.end()?;
    Ok(day)
}

/// Decodes the value of an Exact Time 256.
///
/// # Errors
///
/// As [`decode_day`], with nine bytes.
pub fn decode_exact(bytes: &[u8]) -> Result<ExactTime, DecodeError> {
    let mut payload = Payload::new(bytes);
    let exact = exact(&mut payload)?;
    payload.end()?;
    Ok(exact)
}

/// Decodes the value of a Current Time characteristic.
///
/// # Errors
///
/// As [`decode_day`], with ten bytes.
pub fn decode(bytes: &[u8]) -> Result<CurrentTime, DecodeError> {
    let mut payload = Payload::new(bytes);
    let exact = exact(&mut payload)?;
    let adjust_reason = payload.byte("adjust reason")?;
    payload.end()?;
    Ok(CurrentTime { exact, adjust_reason })
}

fn day(payload: &mut Payload<'_>) -> Result<Day, DecodeError> {
    let time = date_time::field(payload)?;
    let day_of_week = payload.byte("day of week")?;
    let time = date_time::shown(time)?;
    if 7 < day_of_week {
        let value = Decimal::from(day_of_week);
        return Err(DecodeError::OutOfRange { field: "day of week", value });
    }
    Ok(Day { time, day_of_week })
}

fn exact(payload: &mut Payload<'_>) -> Result<ExactTime, DecodeError> {
    let day = day(payload)?;
    let fractions_256 = payload.byte("fraction")?;
    Ok(ExactTime { day, fractions_256 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    /// Unit test of github:eisaev/blevalueparser: Monday, set from a reference.
    const MONDAY: &str = "e707010214160701ff01";

    #[track_caller]
    fn refuse(hex: &str, field: &'static str, value: u16) {
        let refused = DecodeError::OutOfRange { field, value: Decimal::from(value) };
        assert_eq!(decode(&bytes(hex)), Err(refused));
    }

    #[test]
    fn a_current_time_is_ten_bytes() {
        let CurrentTime { exact, adjust_reason } = decode(&bytes(MONDAY)).unwrap();
        assert_eq!(exact.day.time.to_string(), "2023-01-02T20:22:07");
        assert_eq!((exact.day.day_of_week, exact.fractions_256, adjust_reason), (1, 255, 1));
    }

    #[test]
    fn every_other_length_is_refused() {
        for prefix in prefixes(MONDAY) {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
        }
        let longer = decode(&bytes(&format!("{MONDAY}00")));
        assert_eq!(longer, Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 11 }));
    }

    #[test]
    fn the_shorter_relatives_end_where_they_should() {
        let day = decode_day(&bytes("e707010214160701")).unwrap();
        assert_eq!((day.time.to_string().as_str(), day.day_of_week), ("2023-01-02T20:22:07", 1));
        assert_eq!(decode_exact(&bytes("e707010214160701ff")).unwrap().fractions_256, 255);
        let (shorter, longer) = (bytes("e7070102141607"), bytes("e707010214160701ff"));
        assert!(matches!(decode_day(&shorter), Err(DecodeError::Truncated { .. })));
        assert!(matches!(decode_day(&longer), Err(DecodeError::Trailing { .. })));
        assert!(matches!(decode_exact(&bytes(MONDAY)), Err(DecodeError::Trailing { .. })));
    }

    #[test]
    fn unknown_parts_are_zero() {
        let unset = decode(&bytes("000000000c1e00000000")).unwrap().exact.day;
        assert_eq!(
            (unset.time.to_string().as_str(), unset.day_of_week),
            ("0000-00-00T12:30:00", 0)
        );
    }

    #[test]
    fn parts_that_no_clock_shows_are_refused() {
        refuse("10270101000000010000", "year", 10000);
        refuse("e9070101180000010000", "hour", 24);
        refuse("e9070101003c00010000", "minute", 60);
        refuse("e9070101000000080000", "day of week", 8);
        refuse("ffffffffffffffffffff", "year", 65535);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _day = decode_day(&bytes);
            let _exact = decode_exact(&bytes);
            let _current = decode(&bytes);
        }
    }
}
