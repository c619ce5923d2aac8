//! Whose turn it is to be connected: pure.
//!
//! ```text
//! event \ phase      idle        heard         busy       resting
//! heard              heard       stays         ignored    ignored, unless its link is up
//! begin              -           busy          -          -
//! ended by device    -           -             idle       -
//! ended by the hub   -           -             resting    -
//! failed             -           -             resting, longer each time
//! its time is over   -           idle (stale)  -          idle, or heard if its link is up
//! ```
//!
//! One device at a time is set up; those that are set up stay connected beside it.

use std::time::Duration;

/// A device by its place in the settings.
pub(super) type Member = usize;

/// How long an advertisement is worth a connection: later the device may be asleep again, and a
/// connection to a sleeping device blocks all others until it times out.
const FRESH: Duration = Duration::from_secs(5);
/// How often it is told that a device was heard.
const SEEN_INTERVAL: Duration = Duration::from_secs(60);
/// A failure this long ago says nothing about the next try: cuffs measure hours apart.
const FORGIVEN_AFTER: Duration = Duration::from_secs(15 * 60);

/// Pauses between failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backoff {
    /// After the first failure.
    pub(super) first: Duration,
    /// The longest.
    pub(super) longest: Duration,
}

impl Backoff {
    /// Pause after the given number of failures in a row, of which there is at least one.
    pub(super) fn pause(self, n_failures: u32) -> Duration {
        let doublings = n_failures.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// How a session ended, as far as the next one is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The device ended it: when it advertises again it has something to say.
    ByDevice,
    /// The hub ended it; a device that goes on advertising is left in peace for a while.
    ByHub { rest: Duration },
    /// It failed.
    Failed,
    /// The adapter, the daemon or the bus failed: the device is not to blame.
    RadioLost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Heard { at: Duration },
    Busy,
    Resting { until: Duration },
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    phase: Phase,
    /// BlueZ says that the link is up.
    is_linked: bool,
    n_failures: u32,
    failed_at: Duration,
    told_at: Option<Duration>,
}

/// The configured devices and what each of them is up to. Times are since boot.
#[derive(Debug)]
pub(super) struct Roster {
    entries: Vec<Entry>,
    setting_up: Option<Member>,
    backoff: Backoff,
}

impl Roster {
    pub(super) fn new(n_devices: usize, backoff: Backoff) -> Self {
        let entry = Entry {
            phase: Phase::Idle,
            is_linked: false,
            n_failures: 0,
            failed_at: Duration::ZERO,
            told_at: None,
        };
        Self { entries: vec![entry; n_devices], setting_up: None, backoff }
    }

    /// Notes that a device was heard; tells whether that is worth telling.
    pub(super) fn heard(&mut self, member: Member, now: Duration) -> bool {
        let Some(entry) = self.entries.get_mut(member) else {
            return false;
        };
        match entry.phase {
            Phase::Idle | Phase::Heard { .. } => entry.phase = Phase::Heard { at: now },
            Phase::Resting { until } if until <= now => entry.phase = Phase::Heard { at: now },
            Phase::Resting { .. } | Phase::Busy => {}
        }
        self.is_news(member, now)
    }

    /// Notes that a device was heard that is never connected; tells whether that is worth telling.
    pub(super) fn is_news(&mut self, member: Member, now: Duration) -> bool {
        let Some(entry) = self.entries.get_mut(member) else {
            return false;
        };
        let is_news = entry.told_at.is_none_or(|at| SEEN_INTERVAL <= now.saturating_sub(at));
        if is_news {
            entry.told_at = Some(now);
        }
        is_news
    }

    /// Notes that a link came up or went down. One that BlueZ made by itself is as good as an
    /// advertisement.
    pub(super) fn linked(&mut self, member: Member, is_linked: bool, now: Duration) {
        if let Some(entry) = self.entries.get_mut(member) {
            entry.is_linked = is_linked;
            if is_linked && entry.phase == Phase::Idle {
                entry.phase = Phase::Heard { at: now };
            }
        }
    }

    /// The device that has waited longest, if none is being set up.
    pub(super) fn candidate(&self) -> Option<Member> {
        if self.setting_up.is_some() {
            return None;
        }
        let waiting =
            self.entries.iter().enumerate().filter_map(|(member, entry)| match entry.phase {
                Phase::Heard { at } => Some((at, member)),
                Phase::Idle | Phase::Busy | Phase::Resting { .. } => None,
            });
        waiting.min().map(|(_at, member)| member)
    }

    /// Tells whether a device is being set up.
    pub(super) fn is_setting_up(&self) -> bool {
        self.setting_up.is_some()
    }

    /// Tells whether a device is set up and may say something: then the radio works.
    pub(super) fn is_listening(&self) -> bool {
        let mut entries = self.entries.iter().enumerate();
        entries.any(|(member, it)| it.phase == Phase::Busy && self.setting_up != Some(member))
    }

    /// Notes that a session begins.
    pub(super) fn begin(&mut self, member: Member) {
        if let Some(entry) = self.entries.get_mut(member) {
            entry.phase = Phase::Busy;
            self.setting_up = Some(member);
        }
    }

    /// Notes that a device is set up: the next one may begin.
    pub(super) fn set_up(&mut self, member: Member) {
        if self.setting_up == Some(member) {
            self.setting_up = None;
        }
        if let Some(entry) = self.entries.get_mut(member) {
            entry.n_failures = 0;
        }
    }

    /// Notes the end of a session; returns how many failed in a row.
    pub(super) fn ended(&mut self, member: Member, outcome: Outcome, now: Duration) -> u32 {
        if self.setting_up == Some(member) {
            self.setting_up = None;
        }
        let backoff = self.backoff;
        let Some(entry) = self.entries.get_mut(member) else {
            return 0;
        };
        entry.phase = match outcome {
            Outcome::ByDevice => {
                entry.n_failures = 0;
                Phase::Idle
            }
            Outcome::ByHub { rest } => {
                entry.n_failures = 0;
                Phase::Resting { until: now.saturating_add(rest) }
            }
            Outcome::Failed => {
                if FORGIVEN_AFTER <= now.saturating_sub(entry.failed_at) {
                    entry.n_failures = 0;
                }
                entry.n_failures = entry.n_failures.saturating_add(1);
                entry.failed_at = now;
                let pause = backoff.pause(entry.n_failures);
                Phase::Resting { until: now.saturating_add(pause) }
            }
            Outcome::RadioLost => Phase::Idle,
        };
        if entry.is_linked && entry.phase == Phase::Idle {
            entry.phase = Phase::Heard { at: now };
        }
        entry.n_failures
    }

    /// Lets rests end and old advertisements be forgotten.
    pub(super) fn advance(&mut self, now: Duration) {
        for entry in &mut self.entries {
            entry.phase = match entry.phase {
                Phase::Resting { until } if until <= now && entry.is_linked => {
                    Phase::Heard { at: now }
                }
                Phase::Resting { until } if until <= now => Phase::Idle,
                Phase::Heard { at } if FRESH < now.saturating_sub(at) && !entry.is_linked => {
                    Phase::Idle
                }
                phase @ (Phase::Idle
                | Phase::Heard { .. }
                | Phase::Busy
                | Phase::Resting { .. }) => phase,
            };
        }
    }

    /// When [`Self::advance`] changes something that matters: a rest ends with the link up.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let rests = self.entries.iter().filter_map(|entry| match entry.phase {
            Phase::Resting { until } if entry.is_linked => Some(until),
            Phase::Idle | Phase::Heard { .. } | Phase::Busy | Phase::Resting { .. } => None,
        });
        rests.min()
    }

    /// Forgets what was heard: the radio starts anew.
    pub(super) fn restart(&mut self) {
        for entry in &mut self.entries {
            entry.is_linked = false;
            if let Phase::Heard { .. } = entry.phase {
                entry.phase = Phase::Idle;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff =
        Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn who_was_heard_first_is_connected_first() {
        let mut roster = Roster::new(2, BACKOFF);
        roster.heard(1, s(1));
        roster.heard(0, s(2));
        assert_eq!(roster.candidate(), Some(1));
    }

    #[test]
    fn a_device_that_is_set_up_is_listened_to_until_its_session_ends() {
        let mut roster = Roster::new(2, BACKOFF);
        assert!(roster.heard(1, s(0)));
        roster.begin(1);
        assert!(!roster.is_listening());
        roster.set_up(1);
        assert!(roster.is_listening());
        roster.ended(1, Outcome::ByDevice, s(9));
        assert!(!roster.is_listening());
    }

    #[test]
    fn one_device_at_a_time_is_set_up() {
        let mut roster = Roster::new(2, BACKOFF);
        roster.heard(0, s(1));
        roster.begin(0);
        roster.heard(1, s(1));
        assert_eq!(roster.candidate(), None);
        roster.set_up(0);
        assert_eq!(roster.candidate(), Some(1));
        roster.heard(0, s(1));
        roster.begin(1);
        roster.ended(1, Outcome::ByDevice, s(2));
        assert_eq!(roster.candidate(), None, "a session with the first is on");
    }

    #[test]
    fn pauses_double_up_to_a_limit() {
        let pauses = [1, 2, 3, 4, 7, 40].map(|n| BACKOFF.pause(n).as_secs());
        assert_eq!(pauses, [1, 2, 4, 8, 60, 60]);
    }

    #[test]
    fn a_failed_device_is_left_alone_while_it_rests() {
        let mut roster = Roster::new(2, BACKOFF);
        roster.heard(0, s(10));
        roster.begin(0);
        assert_eq!(roster.ended(0, Outcome::Failed, s(20)), 1);
        roster.heard(0, Duration::from_millis(20_500));
        assert_eq!(roster.candidate(), None);
        roster.heard(1, Duration::from_millis(20_500));
        assert_eq!(roster.candidate(), Some(1), "others are not affected");
        roster.heard(0, s(21));
        assert_eq!(roster.ended(1, Outcome::ByDevice, s(21)), 0);
        assert_eq!(roster.candidate(), Some(0));
    }

    #[test]
    fn a_success_starts_the_count_of_failures_anew() {
        let mut roster = Roster::new(1, BACKOFF);
        assert_eq!(roster.ended(0, Outcome::Failed, s(1)), 1);
        assert_eq!(roster.ended(0, Outcome::Failed, s(3)), 2);
        roster.set_up(0);
        assert_eq!(roster.ended(0, Outcome::Failed, s(9)), 1);
    }

    #[test]
    fn an_old_failure_is_forgiven() {
        let mut roster = Roster::new(1, BACKOFF);
        assert_eq!(roster.ended(0, Outcome::Failed, s(100)), 1);
        assert_eq!(roster.ended(0, Outcome::Failed, s(110)), 2);
        assert_eq!(roster.ended(0, Outcome::Failed, s(110 + 15 * 60)), 1);
    }

    #[test]
    fn an_old_advertisement_is_not_worth_a_connection() {
        let mut roster = Roster::new(1, BACKOFF);
        roster.heard(0, s(1));
        roster.advance(s(6));
        assert_eq!(roster.candidate(), Some(0));
        roster.advance(s(7));
        assert_eq!(roster.candidate(), None);
    }

    #[test]
    fn a_link_that_bluez_made_by_itself_is_used_also_after_a_rest() {
        let mut roster = Roster::new(1, BACKOFF);
        roster.linked(0, true, s(1));
        assert_eq!(roster.candidate(), Some(0));
        roster.begin(0);
        roster.linked(0, false, s(2));
        roster.ended(0, Outcome::ByHub { rest: s(30) }, s(2));
        roster.linked(0, true, s(3));
        assert_eq!(roster.candidate(), None);
        assert_eq!(roster.next_deadline(), Some(s(32)));
        roster.advance(s(32));
        assert_eq!(roster.candidate(), Some(0));
    }

    #[test]
    fn a_permanent_advertiser_is_told_once_a_minute() {
        let mut roster = Roster::new(1, BACKOFF);
        assert!(roster.heard(0, s(1)));
        assert!(!roster.heard(0, s(2)));
        assert!(roster.heard(0, s(61)));
    }

    #[test]
    fn a_lost_radio_is_not_held_against_the_device() {
        let mut roster = Roster::new(1, BACKOFF);
        roster.heard(0, s(1));
        roster.begin(0);
        assert_eq!(roster.ended(0, Outcome::RadioLost, s(2)), 0);
        roster.heard(0, s(2));
        assert_eq!(roster.candidate(), Some(0));
    }
}
