//! When something was, by the wall clock of a hub and by the time since its machine started.
//!
//! The wall clock can be wrong and is set now and then; the time since the start of the machine
//! only ever grows, but means nothing in another run of the machine. A moment has both.

use std::cmp::Ordering;
use std::fmt;

use jiff::SignedDuration;

use crate::instant::LocalInstant;

/// Identity of one run of a hub's machine, from its kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootId(pub [u8; 16]);

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A place on the time of one run of a machine, suspended time included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uptime {
    /// Which run.
    pub boot: BootId,
    /// Milliseconds since its start; negative for what was before.
    pub ms: i64,
}

/// When something was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Moment {
    /// By the wall clock.
    pub at: LocalInstant,
    /// By the time since the start; `None` where a hub of an earlier version wrote it down.
    pub on: Option<Uptime>,
    /// Whether the hub knew the wall time; else `at` is an estimate.
    pub is_known: bool,
}

impl From<LocalInstant> for Moment {
    /// A moment of which only the wall time was written down.
    fn from(at: LocalInstant) -> Self {
        Self { at, on: None, is_known: true }
    }
}

impl Moment {
    /// The moment that the same clocks showed when the wall clock showed `at`.
    #[must_use]
    pub fn when(&self, at: LocalInstant) -> Self {
        let ahead_ms = at.at.as_millisecond().saturating_sub(self.at.at.as_millisecond());
        let on = self.on.map(|on| Uptime { ms: on.ms.saturating_add(ahead_ms), ..on });
        Self { at, on, ..*self }
    }

    /// How this moment, of the present run of the machine, lies to `before`, which was written down
    /// earlier.
    ///
    /// Setting the wall clock changes nothing in a run. What was after the start of this run was
    /// later than anything of an earlier run; only for what was before it the wall times decide.
    #[must_use]
    pub fn order(&self, before: &Self) -> Ordering {
        match (self.on, before.on) {
            (Some(on), Some(earlier)) if on.boot == earlier.boot => on.ms.cmp(&earlier.ms),
            (Some(on), Some(_of_an_earlier_run)) if 0 <= on.ms => Ordering::Greater,
            (Some(_) | None, Some(_) | None) => self.at.at.cmp(&before.at.at),
        }
    }

    /// How much later than `anchor` this moment was, in the same run of the machine.
    #[must_use]
    pub fn since(&self, anchor: Uptime) -> Option<SignedDuration> {
        let on = self.on.filter(|on| on.boot == anchor.boot)?;
        Some(SignedDuration::from_millis(on.ms.saturating_sub(anchor.ms)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(at: &str, boot: u8, ms: i64) -> Moment {
        let at = LocalInstant::parse(at).unwrap();
        Moment { at, on: Some(Uptime { boot: BootId([boot; 16]), ms }), is_known: true }
    }

    #[test]
    fn in_one_run_the_wall_clock_does_not_decide() {
        let before = moment("2026-03-02T12:00:00Z", 1, 60_000);
        assert!(moment("2016-03-02T12:00:01Z", 1, 61_000).order(&before).is_gt());
        assert!(moment("2036-03-02T11:59:59Z", 1, 59_000).order(&before).is_le());
        assert!(before.order(&before).is_le());
    }

    #[test]
    fn what_was_after_the_start_is_later_than_anything_of_an_earlier_run() {
        let before = moment("2026-03-02T12:00:00Z", 1, 60_000);
        assert!(moment("1970-01-01T00:00:05Z", 2, 5000).order(&before).is_gt());
        // A record that a device kept from before the start has only its wall time.
        assert!(moment("2026-03-02T11:00:00Z", 2, -5000).order(&before).is_le());
        assert!(moment("2026-03-02T12:00:01Z", 2, -5000).order(&before).is_gt());
    }

    #[test]
    fn without_the_time_since_the_start_the_wall_clock_decides() {
        let (before, after) = ("2026-03-02T12:00:00Z", "2026-03-02T12:00:01Z");
        let of_old = |text| Moment::from(LocalInstant::parse(text).unwrap());
        assert!(of_old(after).order(&moment(before, 1, 5)).is_gt());
        assert!(moment(before, 1, 5).order(&of_old(after)).is_le());
    }

    #[test]
    fn the_same_clocks_show_both_times_of_a_moment() {
        let now = moment("2026-03-02T12:00:00Z", 1, 60_000);
        let earlier = now.when(LocalInstant::parse("2026-03-02T11:58:59.250Z").unwrap());
        assert_eq!(earlier.on.map(|it| it.ms), Some(-750));
    }
}
