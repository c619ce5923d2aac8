//! How long to wait before the next connection: longer each time, never the same for two hubs.

use std::time::Duration;

/// First wait; also the first one after a connection that worked.
const FIRST: Duration = Duration::from_millis(500);

/// Longest wait.
const LONGEST: Duration = Duration::from_secs(60);

/// Exponential backoff with jitter.
#[derive(Debug)]
pub(super) struct Backoff {
    ceiling: Duration,
    random: fastrand::Rng,
}

impl Backoff {
    pub(super) fn new(random: fastrand::Rng) -> Self {
        Self { ceiling: FIRST, random }
    }

    /// The wait after a refusal, which does not pass by itself: at least half a minute.
    pub(super) fn longest_wait(&mut self) -> Duration {
        self.ceiling = LONGEST;
        self.next_wait()
    }

    /// The next wait: between half and all of a ceiling that doubles up to a minute.
    pub(super) fn next_wait(&mut self) -> Duration {
        let half_ms = u64::try_from(self.ceiling.as_millis() / 2).unwrap_or(0);
        self.ceiling = self.ceiling.saturating_mul(2).min(LONGEST);
        Duration::from_millis(half_ms.saturating_add(self.random.u64(0..=half_ms)))
    }

    /// Starts over after a connection that worked.
    pub(super) fn reset(&mut self) {
        self.ceiling = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_minute_and_start_over() {
        let mut backoff = Backoff::new(fastrand::Rng::with_seed(7));
        let waits: Vec<_> = (0..12).map(|_| backoff.next_wait()).collect();
        assert!(Duration::from_millis(250) <= waits[0] && waits[0] <= FIRST);
        assert!(waits.iter().all(|&it| it <= LONGEST));
        assert!(waits[11] >= LONGEST / 2);
        backoff.reset();
        assert!(backoff.next_wait() <= FIRST);
        assert!(backoff.longest_wait() >= LONGEST / 2);
    }

    #[test]
    fn two_hubs_do_not_wait_in_step() {
        let wait = |seed| Backoff::new(fastrand::Rng::with_seed(seed)).next_wait();
        assert_ne!(wait(1), wait(2));
    }
}
