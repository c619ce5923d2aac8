//! Date Time (0x2A08) and Current Time (0x2A2B) of the Bluetooth SIG.
//!
//! ```text
//! offset  size  field
//! 0       2     year           1582 to 9999, or 0 for unknown, little-endian
//! 2       1     month          1 to 12, or 0
//! 3       1     day            1 to 31, or 0
//! 4       1     hour           0 to 23
//! 5       1     minute         0 to 59
//! 6       1     second         0 to 59
//! ------------  0x2A2B goes on
//! 7       1     day of week    1 = Monday to 7 = Sunday, or 0
//! 8       1     fraction       1/256 s
//! 9       1     adjust reason  bit 1: taken from an external reference
//! ```
//!
//! It is the wall clock of the device: no zone, no daylight saving time.

use jiff::civil;
use rust_decimal::Decimal;
use vitals::DeviceTime;

use super::error::DecodeError;
use super::payload::Payload;

/// Decodes a Date Time that stands alone.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless it has seven bytes, and
/// [`DecodeError::OutOfRange`] for a part that no clock can show.
pub fn decode(bytes: &[u8]) -> Result<DeviceTime, DecodeError> {
    let mut payload = Payload::new(bytes);
    let time = field(&mut payload)?;
    payload.end()?;
    shown(time)
}

/// Decodes what the clock of a device shows, as a Date Time or as a Current Time.
///
/// What a Current Time says beyond the second is not looked at: some devices cut it short.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] for less than seven bytes, and [`DecodeError::OutOfRange`] for a
/// part that no clock can show.
pub fn clock(bytes: &[u8]) -> Result<DeviceTime, DecodeError> {
    shown(field(&mut Payload::new(bytes))?)
}

/// Refuses a time that no clock can show.
pub(crate) fn shown(time: DeviceTime) -> Result<DeviceTime, DecodeError> {
    let limit = |field, value: u16, is_within: bool| {
        let refused = DecodeError::OutOfRange { field, value: Decimal::from(value) };
        if is_within { Ok(()) } else { Err(refused) }
    };
    limit("year", time.year, time.year == 0 || (1582..=9999).contains(&time.year))?;
    limit("month", time.month.into(), time.month <= 12)?;
    limit("day", time.day.into(), time.day <= 31)?;
    limit("hour", time.hour.into(), time.hour < 24)?;
    limit("minute", time.minute.into(), time.minute < 60)?;
    limit("second", time.second.into(), time.second < 60)?;
    Ok(time)
}

/// Takes the Date Time of a measurement, whatever it says.
///
/// A clock that shows nonsense spoils no measurement: `device::time` finds out what it is worth.
pub(crate) fn field(payload: &mut Payload<'_>) -> Result<DeviceTime, DecodeError> {
    let [year_low, year_high, month, day, hour, minute, second] = payload.array("time stamp")?;
    let year = u16::from_le_bytes([year_low, year_high]);
    Ok(DeviceTime { year, month, day, hour, minute, second })
}

/// The Date Time that sets a clock to `now`, a wall clock time.
#[must_use]
pub fn date_time(now: civil::DateTime) -> [u8; 7] {
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    let [year_low, year_high] = u16::try_from(now.year()).unwrap_or(0).to_le_bytes();
    let (month, day) = (part(now.month()), part(now.day()));
    [year_low, year_high, month, day, part(now.hour()), part(now.minute()), part(now.second())]
}

/// The Current Time that sets a clock to `now`, a wall clock time.
#[must_use]
pub fn current_time(now: civil::DateTime) -> [u8; 10] {
    const EXTERNAL_REFERENCE: u8 = 0b10;
    let [year_low, year_high, month, day, hour, minute, second] = date_time(now);
    let weekday = u8::try_from(now.weekday().to_monday_one_offset()).unwrap_or(0);
    let fraction = 0;
    [year_low, year_high, month, day, hour, minute, second, weekday, fraction, EXTERNAL_REFERENCE]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    #[track_caller]
    fn check(hex: &str, expected: Result<&str, DecodeError>) {
        assert_eq!(decode(&bytes(hex)).map(|it| it.to_string()), expected.map(str::to_owned));
    }

    #[test]
    fn a_date_time_is_seven_bytes() {
        check("e40701020a1530", Ok("2020-01-02T10:21:48"));
        for prefix in prefixes("e40701020a1530") {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:?}");
        }
        check("e40701020a153000", Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 8 }));
    }

    #[test]
    fn a_clock_is_what_a_date_time_and_a_current_time_begin_with() {
        let shown = |hex: &str| clock(&bytes(hex)).map(|it| it.to_string());
        for hex in ["e40701020a1530", "e40701020a15300400", "e40701020a153004c001"] {
            assert_eq!(shown(hex).as_deref(), Ok("2020-01-02T10:21:48"), "{hex}");
        }
        for prefix in prefixes("e40701020a1530") {
            assert!(matches!(clock(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:?}");
        }
        assert!(matches!(shown("e40701021a1530"), Err(DecodeError::OutOfRange { .. })));
    }

    #[test]
    fn unknown_parts_are_kept_as_zero() {
        check("00000411142900", Ok("0000-04-17T20:41:00"));
        check("00000000000000", Ok("0000-00-00T00:00:00"));
    }

    #[test]
    fn parts_that_no_clock_shows_are_refused() {
        let refused =
            |field, value: u16| Err(DecodeError::OutOfRange { field, value: Decimal::from(value) });
        check("ffffffffffffff", refused("year", 65535));
        check("e4070d020a1530", refused("month", 13));
        check("e4070120181530", refused("day", 32));
        check("e4070102181530", refused("hour", 24));
        check("e40701020a3c30", refused("minute", 60));
        check("e40701020a153c", refused("second", 60));
    }

    #[test]
    fn clocks_are_set_as_the_vendor_shows_it() {
        let now = civil::date(2013, 8, 26).at(9, 10, 20, 0);
        assert_eq!(date_time(now).as_slice(), bytes("dd07081a090a14"));
        assert_eq!(current_time(now).as_slice(), bytes("dd07081a090a14010002"));
        assert_eq!(decode(&date_time(now)).unwrap().civil(), Some(now));
    }
}
