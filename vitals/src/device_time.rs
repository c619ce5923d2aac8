//! The time as a device said it: a wall clock without a zone, possibly with unknown parts.

use std::fmt;

use jiff::civil;

/// Date Time of the Bluetooth SIG (0x2A08) and its relatives: the device's own wall clock.
///
/// It is kept as it came, because it is part of a reading's identity. Zero in `year`, `month` or
/// `day` means unknown there. It never names an instant by itself: see
/// [`TimeQuality`](crate::TimeQuality).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceTime {
    /// Year, 1582 to 9999, or 0 for unknown.
    pub year: u16,
    /// Month, 1 to 12, or 0 for unknown.
    pub month: u8,
    /// Day of the month, 1 to 31, or 0 for unknown.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
}

impl DeviceTime {
    /// The calendar time, where every part is known and the date exists.
    #[must_use]
    pub fn civil(&self) -> Option<civil::DateTime> {
        if self.year == 0 || self.month == 0 || self.day == 0 {
            return None;
        }
        let part = |value: u8| i8::try_from(value).ok();
        civil::DateTime::new(
            i16::try_from(self.year).ok()?,
            part(self.month)?,
            part(self.day)?,
            part(self.hour)?,
            part(self.minute)?,
            part(self.second)?,
            0,
        )
        .ok()
    }
}

impl fmt::Display for DeviceTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: DeviceTime =
        DeviceTime { year: 2024, month: 2, day: 29, hour: 12, minute: 0, second: 5 };

    #[test]
    fn a_known_date_is_a_calendar_time() {
        assert_eq!(NOON.civil(), Some(civil::date(2024, 2, 29).at(12, 0, 5, 0)));
        assert_eq!(NOON.to_string(), "2024-02-29T12:00:05");
    }

    #[test]
    fn unknown_parts_and_impossible_dates_are_no_calendar_time() {
        for time in [
            DeviceTime { year: 0, ..NOON },
            DeviceTime { month: 0, ..NOON },
            DeviceTime { day: 0, ..NOON },
            DeviceTime { year: 2023, ..NOON },
            DeviceTime { hour: 24, ..NOON },
            DeviceTime { second: 255, ..NOON },
        ] {
            assert_eq!(time.civil(), None, "{time}");
        }
    }
}
