//! What time it is, as far as the hub can tell, and what to do when its clock is set.
//!
//! The hub's time is the time since the start of the machine plus an offset. The offset follows the
//! wall clock as long as that can be believed, and stays where it is while it cannot:
//!
//! ```text
//! the wall clock shows                            network time        the hub's time
//! before the earliest time there can be           whatever it says    goes on, or is an estimate
//! anything else                                   set by it           the wall clock, known
//! anything else                                   not yet set by it   goes on, or is an estimate
//! not before the last record                      none in use         the wall clock, known
//! anything else, and was set in this run          none in use         the wall clock, known
//! before the last record, as the machine came up  none in use         an estimate
//! ```
//!
//! It goes on where it was known in this run of the machine, which it then still is. An estimate is
//! the later one of wall clock and last record plus the time that has passed since the hub looked
//! first, and never runs backwards.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use vitals::wire::v1::EventKind;
use vitals::{BootId, LocalInstant, Moment, Uptime};

use super::record::Remark;
use super::translate;
use crate::clock::{Stamp, Synchronization};
use crate::store::Store;

/// By how much the wall clock may run away from the time since the start before it was set, in
/// milliseconds.
///
/// Source: ours; the two clocks run at the same rate, so that only setting one moves them apart.
const TOLERANCE_MS: i64 = 2000;

/// What is smaller is not followed, in milliseconds: the offset stays exact between two settings.
const SLACK_MS: i64 = 100;

/// Most settings of the clock that are remembered.
const EARLIER_MAX: usize = 8;

/// What the hub knows about the time.
#[derive(Debug)]
pub(super) struct HubTime {
    earliest: Timestamp,
    /// The last record that an earlier run of the machine left.
    floor: Timestamp,
    synchronization: Synchronization,
    boot: BootId,
    /// The hub's time minus the time since the start, in milliseconds.
    offset_ms: i64,
    /// The wall clock minus the time since the start when it was last looked at, in milliseconds.
    wall_offset_ms: i64,
    knowledge: Knowledge,
    /// Whether somebody set the wall clock to a time that can be, in this run of the machine.
    was_set: bool,
    /// What wall clock and hub showed before the clock was set, newest first: clocks of devices
    /// follow them.
    earlier: VecDeque<Earlier>,
}

/// On whose word the time is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knowledge {
    /// It is not.
    Nobody,
    /// The machine's own clock, which nothing contradicts.
    Machine,
    /// The network.
    Network,
}

/// What a clock was ahead of the time since the start, until the wall clock was set.
#[derive(Debug, Clone, Copy)]
struct Earlier {
    offset_ms: i64,
    until: Duration,
}

/// What a hub that starts now thinks of its clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockReport {
    /// Whether it knows the time.
    pub is_known: bool,
    /// Why it does, or why not.
    pub reason: String,
}

impl ClockReport {
    /// What a hub with this ledger thinks at `now`.
    #[must_use]
    pub fn new(
        now: Stamp,
        store: Option<&Store>,
        earliest: Timestamp,
        synchronization: Synchronization,
    ) -> Self {
        let mut time = HubTime::start(now, store.and_then(translate::last_recorded), earliest);
        time.note(synchronization);
        time.observe(now);
        Self { is_known: time.is_known(), reason: time.reason(now) }
    }
}

impl fmt::Display for ClockReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = if self.is_known { "known" } else { "not known" };
        write!(f, "time {known}: {}", self.reason)
    }
}

/// The wall clock was set, or has become known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The time is known from now on.
    Learned { estimate: Timestamp, at: Timestamp },
    /// The known time has changed.
    Set { from: Timestamp, to: Timestamp },
    /// The wall clock was set to what is not believed; the hub's time goes on as before.
    Refused { shown: Timestamp, at: Timestamp },
}

impl HubTime {
    /// What is known at the start of the hub, whose ledger ends with the record `last`.
    pub(super) fn start(now: Stamp, last: Option<Moment>, earliest: Timestamp) -> Self {
        let wall_offset_ms = offset_ms(now.wall, now);
        let mut time = Self {
            earliest,
            floor: last.map_or(earliest, |it| it.at.at.max(earliest)),
            synchronization: Synchronization::NotInUse,
            boot: now.boot,
            offset_ms: wall_offset_ms,
            wall_offset_ms,
            knowledge: Knowledge::Nobody,
            was_set: false,
            earlier: VecDeque::new(),
        };
        match last.and_then(|it| it.on.map(|on| (it, on))) {
            Some((last, on)) if on.boot == now.boot => {
                time.offset_ms = last.at.at.as_millisecond().saturating_sub(on.ms);
                if last.is_known {
                    // What was set while the hub was away shows at the first look.
                    time.knowledge = Knowledge::Machine;
                    time.wall_offset_ms = time.offset_ms;
                }
            }
            Some(_) | None => {
                time.offset_ms = time.offset_ms.max(offset_ms(time.floor, now));
                if time.believes(now.wall) {
                    time.offset_ms = wall_offset_ms;
                    time.knowledge = Knowledge::Machine;
                }
            }
        }
        time
    }

    /// Takes in what the machine says about network time.
    pub(super) fn note(&mut self, synchronization: Synchronization) {
        self.synchronization = synchronization;
    }

    /// Looks at the clocks; says where the wall clock was set or has become known.
    pub(super) fn observe(&mut self, now: Stamp) -> Option<Step> {
        let (before, was_known) = (self.at(now.since_boot), self.is_known());
        let wall_offset_ms = offset_ms(now.wall, now);
        let was_set_now = TOLERANCE_MS < distance(wall_offset_ms, self.wall_offset_ms);
        let (shown_ms, kept_ms) = (self.wall_offset_ms, self.offset_ms);
        if was_set_now {
            self.remember(shown_ms, now);
        }
        self.wall_offset_ms = wall_offset_ms;
        self.was_set |= was_set_now && self.earliest <= now.wall;
        if self.believes(now.wall) {
            self.follow(wall_offset_ms, was_known);
        } else if self.synchronization == Synchronization::Awaited
            && self.knowledge == Knowledge::Machine
        {
            self.knowledge = Knowledge::Nobody;
        }
        if !self.is_known() {
            self.offset_ms = self.offset_ms.max(wall_offset_ms);
            return None;
        }
        let after = self.at(now.since_boot);
        let has_moved = TOLERANCE_MS < distance(before.as_millisecond(), after.as_millisecond());
        // The hub went by its own count, and devices that agree with it do so, too.
        let was_apart = TOLERANCE_MS < distance(kept_ms, shown_ms);
        if was_known && has_moved && was_apart {
            self.remember(kept_ms, now);
        }
        match (was_known, has_moved) {
            (false, _) => Some(Step::Learned { estimate: before, at: after }),
            (true, true) => Some(Step::Set { from: before, to: after }),
            (true, false) => {
                let is_apart = TOLERANCE_MS < distance(wall_offset_ms, self.offset_ms);
                let refused = Step::Refused { shown: now.wall, at: after };
                (was_set_now && is_apart).then_some(refused)
            }
        }
    }

    /// Whether the hub knows the time.
    pub(super) fn is_known(&self) -> bool {
        self.knowledge != Knowledge::Nobody
    }

    /// When `stamp` was, by the clocks as they are set now: what they showed then does not matter.
    pub(super) fn moment(&self, stamp: Stamp, zone: &TimeZone) -> Moment {
        let at = LocalInstant::new(self.at(stamp.since_boot), zone);
        let on = Uptime { boot: self.boot, ms: millis(stamp.since_boot) };
        Moment { at, on: Some(on), is_known: self.is_known() }
    }

    /// The earliest that it can be by any clock that this run of the machine has had: what is only
    /// done after a long time is not done because somebody set the clock ahead.
    pub(super) fn least(&self, now: Stamp) -> Timestamp {
        let shown = self.earlier.iter().map(|it| timestamp(it.offset_ms, now.since_boot));
        let least = shown.filter(|it| self.earliest <= *it).min();
        let at = self.at(now.since_boot);
        least.map_or(at, |it| it.min(at))
    }

    /// What the clocks would show at `since_boot` had the wall clock not been set, newest first, for
    /// each setting after `agreed`.
    pub(super) fn earlier(&self, since_boot: Duration, agreed: Option<Duration>) -> Vec<Timestamp> {
        let is_after = |it: &&Earlier| agreed.is_none_or(|agreed| agreed <= it.until);
        let at = |it: &Earlier| timestamp(it.offset_ms, since_boot);
        self.earlier.iter().filter(is_after).map(at).collect()
    }

    /// Why the time is known, or why it is not.
    fn reason(&self, now: Stamp) -> String {
        match (self.knowledge, self.synchronization) {
            (Knowledge::Network, _) => "it was set by the network".to_owned(),
            (Knowledge::Machine, _) => "nothing contradicts it".to_owned(),
            (Knowledge::Nobody, _) if now.wall < self.earliest => {
                format!("it shows {}, it was never set", shown(now.wall))
            }
            (Knowledge::Nobody, Synchronization::Awaited) => {
                "the network has not set it yet".to_owned()
            }
            (Knowledge::Nobody, Synchronization::NotInUse | Synchronization::Reached) => {
                let (wall, floor) = (shown(now.wall), shown(self.floor));
                format!("it shows {wall}, before the last record of {floor}")
            }
        }
    }

    pub(super) fn at(&self, since_boot: Duration) -> Timestamp {
        timestamp(self.offset_ms, since_boot)
    }

    /// Whether the wall clock can be taken at its word.
    fn believes(&self, wall: Timestamp) -> bool {
        self.earliest <= wall
            && match self.synchronization {
                Synchronization::Reached => true,
                Synchronization::Awaited => false,
                Synchronization::NotInUse => {
                    self.floor <= wall || self.was_set || self.knowledge == Knowledge::Machine
                }
            }
    }

    /// Notes what clocks showed until now.
    fn remember(&mut self, offset_ms: i64, now: Stamp) {
        self.earlier.truncate(EARLIER_MAX.saturating_sub(1));
        self.earlier.push_front(Earlier { offset_ms, until: now.since_boot });
    }

    /// Takes over the wall clock.
    fn follow(&mut self, wall_offset_ms: i64, was_known: bool) {
        self.knowledge = match self.synchronization {
            Synchronization::Reached => Knowledge::Network,
            Synchronization::Awaited | Synchronization::NotInUse => Knowledge::Machine,
        };
        if !was_known || SLACK_MS <= distance(wall_offset_ms, self.offset_ms) {
            self.offset_ms = wall_offset_ms;
        }
    }
}

impl Step {
    /// What the agency is told.
    pub(super) fn remark(self) -> Remark {
        let text = match self {
            Self::Learned { estimate, at } => format!(
                "The hub knows the time since {}, and had taken it for {}, {}.",
                shown(at),
                shown(estimate),
                apart(at.duration_since(estimate), "less", "more"),
            ),
            Self::Set { from, to } => format!(
                "The clock of the hub was set from {} to {}, {}.",
                shown(from),
                shown(to),
                apart(to.duration_since(from), "forwards", "backwards"),
            ),
            Self::Refused { shown: wall, at } => format!(
                "The clock of the hub was set to {}, which is not believed; the hub goes on from {}.",
                shown(wall),
                shown(at),
            ),
        };
        Remark::about_hub(EventKind::ClockStepped, text)
    }
}

/// `1 h 5 s forwards`, in whole seconds.
fn apart(by: SignedDuration, ahead: &str, behind: &str) -> String {
    let direction = if by.is_negative() { behind } else { ahead };
    let by = SignedDuration::from_secs(by.abs().as_secs());
    format!("{by:#} {direction}")
}

/// To the second, in UTC: zones are of no help where the time is in doubt.
fn shown(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

fn offset_ms(wall: Timestamp, stamp: Stamp) -> i64 {
    wall.as_millisecond().saturating_sub(millis(stamp.since_boot))
}

fn timestamp(offset_ms: i64, since_boot: Duration) -> Timestamp {
    let ms = offset_ms.saturating_add(millis(since_boot));
    let end = if ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(ms).unwrap_or(end)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn distance(one_ms: i64, other_ms: i64) -> i64 {
    one_ms.saturating_sub(other_ms).saturating_abs()
}

#[cfg(test)]
mod tests;
