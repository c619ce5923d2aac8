//! The simulator's only clock: paced waiting and the wall time that device clocks start from.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use tokio::time::Instant;

/// Paces a simulation: simulated time runs `speed` times as fast as real time.
///
/// Only waits are divided. Device clocks show real local time, so that a hub does not see
/// measurements from the future when a story is told fast.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    started: Instant,
    speed: NonZeroU32,
    zone: TimeZone,
}

impl Clock {
    /// Starts a clock whose device-side local time is in `zone`.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the crate's only place that reads a clock")]
    pub(crate) fn start(speed: NonZeroU32, zone: TimeZone) -> Self {
        Self { started: Instant::now(), speed, zone }
    }

    /// Returns the simulated time since the start.
    #[must_use]
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed().saturating_mul(self.speed.get())
    }

    /// Returns the local wall time that a well-set device shows now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the crate's only place that reads a clock")]
    pub(crate) fn local_time(&self) -> DateTime {
        jiff::Timestamp::now().to_zoned(self.zone.clone()).datetime()
    }

    /// Waits until `due` in simulated time; without one, for ever.
    pub(crate) async fn sleep_until(&self, due: Option<Duration>) {
        match due {
            Some(due) => {
                tokio::time::sleep_until(self.started + due / self.speed.get()).await;
            }
            None => std::future::pending().await,
        }
    }

    /// Waits for `duration` of real time.
    pub(crate) async fn pause(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
