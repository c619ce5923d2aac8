//! An instant together with the offset of the wall clock that stood beside it.

use std::fmt;

use jiff::Timestamp;
use jiff::fmt::temporal::{DateTimePrinter, Pieces};
use jiff::tz::{Offset, TimeZone};

/// A point in time and the local offset there: what RFC 3339 writes.
///
/// Two of them compare by the point in time first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalInstant {
    /// The point in time, to the millisecond.
    pub at: Timestamp,
    /// Offset of local time from UTC at that point, in seconds east.
    offset_s: i32,
}

/// Why a text is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no RFC 3339 time with an offset")]
pub struct InstantError {
    /// The text as it was given.
    pub text: String,
}

impl LocalInstant {
    /// The instant `at` as seen in `zone`, truncated to the millisecond.
    #[must_use]
    pub fn new(at: Timestamp, zone: &TimeZone) -> Self {
        Self { at: to_millisecond(at), offset_s: zone.to_offset(at).seconds() }
    }

    /// The instant `at` in UTC, truncated to the millisecond.
    #[must_use]
    pub fn utc(at: Timestamp) -> Self {
        Self { at: to_millisecond(at), offset_s: 0 }
    }

    /// The calendar time on the wall clock.
    #[must_use]
    pub fn civil(&self) -> jiff::civil::DateTime {
        self.offset().to_datetime(self.at)
    }

    /// Offset of local time from UTC.
    #[must_use]
    pub fn offset(&self) -> Offset {
        Offset::from_seconds(self.offset_s).unwrap_or(Offset::UTC)
    }

    /// Reads RFC 3339 text with an offset.
    ///
    /// # Errors
    ///
    /// Returns [`InstantError`] when `text` is anything else; a time without an offset is.
    pub fn parse(text: &str) -> Result<Self, InstantError> {
        let error = || InstantError { text: text.to_owned() };
        let at: Timestamp = text.parse().map_err(|_cause| error())?;
        let pieces = Pieces::parse(text).map_err(|_cause| error())?;
        let offset = pieces.to_numeric_offset().unwrap_or(Offset::UTC);
        Ok(Self { at: to_millisecond(at), offset_s: offset.seconds() })
    }
}

impl fmt::Display for LocalInstant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
        if self.offset_s == 0 {
            return f.write_str(&PRINTER.timestamp_to_string(&self.at));
        }
        f.write_str(&PRINTER.timestamp_with_offset_to_string(&self.at, self.offset()))
    }
}

fn to_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(LocalInstant::parse(text).map(|it| it.to_string()), Ok(expected.to_owned()));
    }

    #[test]
    fn the_offset_survives() {
        check("2026-03-29T08:15:00.250+02:00", "2026-03-29T08:15:00.250+02:00");
        check("2026-03-29T08:15:00-04:30", "2026-03-29T08:15:00.000-04:30");
    }

    #[test]
    fn utc_is_written_with_a_z() {
        check("2026-03-29T06:15:00.250Z", "2026-03-29T06:15:00.250Z");
        check("2026-03-29T06:15:00.250+00:00", "2026-03-29T06:15:00.250Z");
    }

    #[test]
    fn a_time_without_an_offset_is_refused() {
        assert!(LocalInstant::parse("2026-03-29T06:15:00").is_err());
        assert!(LocalInstant::parse("yesterday").is_err());
    }

    #[test]
    fn finer_parts_than_a_millisecond_are_dropped() {
        check("2026-03-29T06:15:00.2509Z", "2026-03-29T06:15:00.250Z");
    }
}
