//! The heartbeat of the pipeline, and systemd's watchdog, which is fed only while all of it beats.
//!
//! ```text
//! part     beats when
//! hub      its thread has answered a request, or nothing was asked for a round
//! links    their pump has passed an event on, or none came for a round
//! uplink   its loop has done what was due, connected or not
//! ```
//!
//! The feeder runs beside links and uplink: where the runtime itself is stuck, nobody feeds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;
use tracing::{error, info, warn};

use crate::clock::Clock;

/// Longest time between two beats where no watchdog asks for more.
const ROUND_MAX: Duration = Duration::from_secs(10);

/// Rounds in the time that the watchdog gives; it is fed once a round.
const ROUNDS: u32 = 6;

/// A part of the pipeline is stuck when it has missed so many rounds.
const MISSED_MAX: u32 = 3;

/// What has to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The hub's thread, which waits for the disk.
    Hub,
    /// What brings the links' events to it.
    Links,
    /// What brings records to the agency.
    Uplink,
}

impl Part {
    const ALL: [Self; 3] = [Self::Hub, Self::Links, Self::Uplink];
}

/// When each part made its last round; times are milliseconds since boot.
#[derive(Debug, Default)]
struct Beats {
    hub: AtomicU64,
    links: AtomicU64,
    uplink: AtomicU64,
}

impl Beats {
    const fn of(&self, part: Part) -> &AtomicU64 {
        match part {
            Part::Hub => &self.hub,
            Part::Links => &self.links,
            Part::Uplink => &self.uplink,
        }
    }

    fn last(&self, part: Part) -> Duration {
        Duration::from_millis(self.of(part).load(Ordering::Relaxed))
    }

    /// The parts that have not moved at `now` for `limit`.
    fn stuck(&self, now: Duration, limit: Duration) -> Vec<Part> {
        let is_stuck = |part: &Part| self.last(*part).saturating_add(limit) <= now;
        Part::ALL.into_iter().filter(is_stuck).collect()
    }
}

/// The beats of all parts, and what is expected of them.
#[derive(Debug, Clone)]
pub struct Watchdog {
    beats: Arc<Beats>,
    clock: Clock,
    round: Duration,
    is_asked_for: bool,
}

impl Watchdog {
    /// As systemd asks for it in the environment; every part has just moved.
    #[must_use]
    pub fn from_environment(clock: Clock) -> Self {
        let limit = sd_notify::watchdog_enabled();
        let round = limit.map_or(ROUND_MAX, |it| (it / ROUNDS).min(ROUND_MAX));
        let watchdog = Self { beats: Arc::default(), clock, round, is_asked_for: limit.is_some() };
        Part::ALL.into_iter().for_each(|part| watchdog.pulse(part).beat());
        watchdog
    }

    /// What `part` beats with.
    #[must_use]
    pub fn pulse(&self, part: Part) -> Pulse {
        Pulse { beats: Arc::clone(&self.beats), part, clock: self.clock, round: self.round }
    }

    /// Feeds systemd's watchdog for as long as every part moves; for ever.
    ///
    /// # Errors
    ///
    /// Never: what is stuck may move again, and else systemd ends it.
    pub async fn feed(self) -> anyhow::Result<()> {
        let limit = self.round.saturating_mul(MISSED_MAX);
        let mut was_stuck = false;
        loop {
            let stuck = self.beats.stuck(self.clock.now().since_boot, limit);
            if stuck.is_empty() {
                if was_stuck {
                    info!("everything moves again");
                }
                if self.is_asked_for {
                    notify(&[NotifyState::Watchdog]);
                }
            } else if !was_stuck {
                error!(parts = ?stuck, "stuck, the watchdog is not fed");
            }
            was_stuck = !stuck.is_empty();
            tokio::time::sleep(self.round).await;
        }
    }
}

/// The heartbeat of one part.
#[derive(Debug, Clone)]
pub struct Pulse {
    beats: Arc<Beats>,
    part: Part,
    clock: Clock,
    round: Duration,
}

impl Pulse {
    /// The part has made its round.
    pub fn beat(&self) {
        let now_ms = u64::try_from(self.clock.now().since_boot.as_millis()).unwrap_or(u64::MAX);
        self.beats.of(self.part).store(now_ms, Ordering::Relaxed);
    }

    /// Longest time until the next beat.
    #[must_use]
    pub const fn round(&self) -> Duration {
        self.round
    }

    /// Sleeps for `wait`, beating meanwhile.
    pub async fn sleep(&self, wait: Duration) {
        let mut left = wait;
        while !left.is_zero() {
            let nap = left.min(self.round);
            tokio::time::sleep(nap).await;
            self.beat();
            left = left.saturating_sub(nap);
        }
    }
}

/// Tells systemd, where it listens.
pub fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "systemd was not told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(15);

    #[test]
    fn each_part_alone_can_stop_the_feeding() {
        for still in Part::ALL {
            let beats = Beats::default();
            for moving in Part::ALL.into_iter().filter(|it| *it != still) {
                beats.of(moving).store(20_000, Ordering::Relaxed);
            }
            beats.of(still).store(6_000, Ordering::Relaxed);
            assert_eq!(beats.stuck(Duration::from_secs(20), LIMIT), []);
            assert_eq!(beats.stuck(Duration::from_secs(21), LIMIT), [still]);
            beats.of(still).store(21_000, Ordering::Relaxed);
            assert_eq!(beats.stuck(Duration::from_secs(21), LIMIT), []);
        }
    }

    #[tokio::test]
    async fn a_part_that_waits_for_long_beats_meanwhile() {
        let clock = Clock::start().unwrap();
        let round = Duration::from_millis(1);
        let beats = Arc::new(Beats::default());
        let pulse = Pulse { beats: Arc::clone(&beats), part: Part::Uplink, clock, round };
        tokio::select! {
            () = pulse.sleep(Duration::from_secs(60)) => {}
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
        assert!(Duration::ZERO < beats.last(Part::Uplink));
    }
}
