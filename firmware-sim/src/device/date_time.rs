//! A device's clock as it writes it: local wall time without a zone.
//!
//! ```text
//! Date Time (0x2A08)       year LE16, month, day, hour, minute, second              7 bytes
//! Current Time (0x2A2B)    Date Time, day of week (1 = Monday), 1/256 s, reason    10 bytes
//! ```

use jiff::civil::DateTime;

use super::transtek;
use crate::gatt::{Characteristic, ClockLayout, Service, short};

/// Writes the 7 bytes of a Date Time; a year that does not fit is written as unknown (0).
#[must_use]
pub fn date_time(clock: DateTime) -> [u8; 7] {
    let [year_low, year_high] = u16::try_from(clock.year()).unwrap_or(0).to_le_bytes();
    let [month, day, hour, minute, second] =
        [clock.month(), clock.day(), clock.hour(), clock.minute(), clock.second()]
            .map(|field| u8::try_from(field).unwrap_or(0));
    [year_low, year_high, month, day, hour, minute, second]
}

/// The Current Time Service, by which a central reads and sets a device's clock.
#[must_use]
pub fn current_time_service() -> Service {
    let clock = Characteristic::clock(short(0x2A2B), ClockLayout::CurrentTime);
    Service { uuid: short(0x1805), characteristics: vec![clock] }
}

/// Writes a clock in the given layout.
pub(crate) fn encode(clock: DateTime, layout: ClockLayout) -> Vec<u8> {
    let date_time = date_time(clock);
    match layout {
        ClockLayout::DateTime => date_time.to_vec(),
        ClockLayout::CurrentTime => {
            let weekday = u8::try_from(clock.weekday().to_monday_one_offset()).unwrap_or(0);
            [&date_time[..], &[weekday, 0, 0]].concat()
        }
        ClockLayout::Transtek => transtek::set_time(clock),
    }
}

/// Reads what a central writes to set the clock; `None` if it is not a time in this layout.
pub(crate) fn read(bytes: &[u8], layout: ClockLayout) -> Option<DateTime> {
    let expected = match layout {
        ClockLayout::DateTime => 7,
        ClockLayout::CurrentTime => 10,
        ClockLayout::Transtek => return transtek::read_set_time(bytes),
    };
    if bytes.len() != expected {
        return None;
    }
    let &[low, high, month, day, hour, minute, second] = bytes.first_chunk::<7>()?;
    let year = i16::try_from(u16::from_le_bytes([low, high])).ok()?;
    let [month, day, hour, minute, second] =
        [month, day, hour, minute, second].map(|field| i8::try_from(field).unwrap_or(-1));
    DateTime::new(year, month, day, hour, minute, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    /// The A&D UA-651BLE manual's example of setting the clock.
    const AND_EXAMPLE: [u8; 7] = [0xDD, 0x07, 0x08, 0x1A, 0x09, 0x0A, 0x14];

    #[test]
    fn the_vendor_example_is_written() {
        assert_eq!(date_time(date(2013, 8, 26).at(9, 10, 20, 0)), AND_EXAMPLE);
    }

    #[test]
    fn the_vendor_example_is_read() {
        let expected = date(2013, 8, 26).at(9, 10, 20, 0);
        assert_eq!(read(&AND_EXAMPLE, ClockLayout::DateTime), Some(expected));
    }

    #[test]
    fn a_month_thirteen_is_refused() {
        assert_eq!(read(&[0xDD, 0x07, 13, 1, 0, 0, 0], ClockLayout::DateTime), None);
    }

    #[test]
    fn current_time_carries_the_day_of_the_week() {
        let monday = encode(date(2013, 8, 26).at(9, 10, 20, 0), ClockLayout::CurrentTime);
        assert_eq!(monday, [0xDD, 0x07, 8, 26, 9, 10, 20, 1, 0, 0]);
    }
}
