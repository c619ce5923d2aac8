//! The only clock of the station.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::Instant;

/// The present time of the wall clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The present time of the monotonic clock, for waiting.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// The time zone in which the agency's people read a clock.
#[must_use]
pub fn zone() -> TimeZone {
    TimeZone::system()
}
