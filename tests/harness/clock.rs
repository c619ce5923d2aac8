//! The only clock of the stories: for deadlines and for the figures that they print.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A point from which time is measured.
#[derive(Debug, Clone, Copy)]
pub struct StartOfTime(Instant);

impl StartOfTime {
    /// Now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn now() -> Self {
        Self(Instant::now())
    }

    /// Time that has passed since.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// What a well-set clock shows in the home now.
///
/// # Errors
///
/// Fails where the zone of the home is not known, which its table in the program forbids.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn local_time() -> Result<DateTime, jiff::Error> {
    let zone = TimeZone::get(crate::home::TIME_ZONE)?;
    Ok(jiff::Timestamp::now().to_zoned(zone).datetime())
}

/// Lets a while pass: only to choose a random moment for a fault, never to wait for an effect.
pub fn pass(duration: Duration) {
    let (sender, nothing) = mpsc::channel::<()>();
    let outcome = nothing.recv_timeout(duration);
    drop(sender);
    debug_assert!(outcome.is_err(), "nobody sends: the time is always used up");
}
