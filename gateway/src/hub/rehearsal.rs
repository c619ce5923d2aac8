//! The daily test alarm: an alert that travels the whole way by itself, and whose absence is noticed
//! at both ends.
//!
//! It is due once a day at an hour of the home's clock, spread over that hour by the hub's name. The
//! time since boot bounds what a wrong or stepping clock can do: 20 to 25 h lie between two of them.
//! A hub that was off at its hour, or never had a test alarm, makes it soon after its start; when the
//! last one was, it knows from its ledger.
//!
//! The station answers with a signed acknowledgement, which ends the alert.

use std::time::Duration;

use alerting::technical::{PLAN, TEST_ALARM};
use alerting::{Alert, Condition};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use vitals::wire::{canonical, v1};
use vitals::{HubId, Priority};

use super::vigil::Watch;
use super::{Hub, HubError};
use crate::clock::Stamp;
use crate::store::{Store, StoreError};

/// Rule of the alert about a test alarm that nobody answered.
pub(super) const TEST_ALARM_UNANSWERED: &str = "test-alarm-unanswered";

/// How long the agency may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(15 * 60);

/// Shortest and longest time between two test alarms; the station misses one after 26 h.
const INTERVAL_MIN: Duration = Duration::from_secs(20 * 3600);
const INTERVAL_MAX: Duration = Duration::from_secs(25 * 3600);

/// Over how many seconds the hubs of an agency are spread.
const SPREAD_S: u32 = 3600;

/// Transitions among which the last test alarm is looked for at the start.
const LOOK_BACK: usize = 256;

/// When the test alarm was, and when it comes next.
#[derive(Debug)]
pub(super) struct Rehearsal {
    watch: Watch,
    spread: Duration,
    started_at: Duration,
    /// Wall time of the last one, also of one before the start.
    last_at: Option<Timestamp>,
    /// Time since boot of the last one since the start.
    last: Option<Duration>,
    /// When the answer is overdue.
    answer_by: Option<Duration>,
}

impl Rehearsal {
    /// Goes on from what the ledger says of the last test alarm.
    pub(super) fn new(
        hub: &HubId,
        watch: Watch,
        store: &Store,
        now: Stamp,
    ) -> Result<Self, StoreError> {
        let place = crc32fast::hash(hub.as_str().as_bytes());
        Ok(Self {
            watch,
            spread: Duration::from_secs(u64::from(place % SPREAD_S)),
            started_at: now.since_boot,
            last_at: last_test_alarm(store)?,
            last: None,
            // One that is open from before the start gets its time anew.
            answer_by: Some(now.since_boot.saturating_add(ANSWER_MAX)),
        })
    }

    /// When something is due, by the time since boot.
    pub(super) fn next_deadline(&self, now: Stamp, zone: &TimeZone) -> Duration {
        let due = self.due(now, zone);
        self.answer_by.map_or(due, |it| it.min(due))
    }

    /// When the next test alarm is due, by the time since boot.
    fn due(&self, now: Stamp, zone: &TimeZone) -> Duration {
        let (earliest, latest) = match self.last {
            Some(last) => (last.saturating_add(INTERVAL_MIN), last.saturating_add(INTERVAL_MAX)),
            None => (
                self.started_at.saturating_add(self.watch.test_alarm_after),
                self.started_at.saturating_add(INTERVAL_MAX),
            ),
        };
        if self.last.is_none() && self.was_missed(now, zone) {
            return earliest;
        }
        let wall = wall_at(now, earliest);
        let slot = wall.and_then(|wall| self.slots(wall, zone).into_iter().find(|it| wall <= *it));
        let until = wall.zip(slot).map(|(wall, slot)| slot.duration_since(wall));
        let until = until.and_then(|it| Duration::try_from(it).ok()).unwrap_or(Duration::MAX);
        earliest.saturating_add(until).min(latest)
    }

    /// Whether the last hour went by without a test alarm, as far as the wall clock tells.
    fn was_missed(&self, now: Stamp, zone: &TimeZone) -> bool {
        let Some(last_at) = self.last_at else { return true };
        let slots = self.slots(now.wall, zone);
        let latest = slots.into_iter().rfind(|it| *it <= now.wall);
        now.wall < last_at || latest.is_some_and(|slot| last_at < slot)
    }

    /// The hour of the test alarm on the day before `wall`, on that day and on the day after.
    fn slots(&self, wall: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
        let today = zone.to_datetime(wall).date();
        let hour = i8::try_from(self.watch.test_alarm_hour).unwrap_or(0);
        let days = [today.yesterday().ok(), Some(today), today.tomorrow().ok()];
        let slot = |day: jiff::civil::Date| {
            let zoned = day.at(hour, 0, 0, 0).to_zoned(zone.clone()).ok()?;
            zoned.timestamp().checked_add(self.spread).ok()
        };
        days.into_iter().flatten().filter_map(slot).collect()
    }
}

/// The wall time at `since_boot`, if the clock is not set in between.
fn wall_at(now: Stamp, since_boot: Duration) -> Option<Timestamp> {
    match since_boot.checked_sub(now.since_boot) {
        Some(ahead) => now.wall.checked_add(ahead).ok(),
        None => now.wall.checked_sub(now.since_boot.saturating_sub(since_boot)).ok(),
    }
}

/// When the ledger says that a test alarm was raised last.
fn last_test_alarm(store: &Store) -> Result<Option<Timestamp>, StoreError> {
    let latest = store.latest_alerts(LOOK_BACK)?;
    let raised_at = |payload: &[u8]| {
        let alert: v1::Alert = canonical::decode(payload).ok()?;
        let is_test = alert.rule == TEST_ALARM && alert.plan == PLAN;
        is_test.then_some(alert.raised_at.0.at)
    };
    Ok(latest.iter().find_map(|it| raised_at(&it.payload)))
}

impl Hub {
    /// Raises the test alarm when it is due, and says so when the last one was not answered.
    pub(super) fn rehearse(&mut self, now: Stamp) -> Result<(), HubError> {
        if self.rehearsal.answer_by.is_some_and(|due| due <= now.since_boot) {
            self.rehearsal.answer_by = None;
            if self.engine.open_condition(TEST_ALARM).is_some() {
                self.raise_in_passing(now, &unanswered())?;
            }
        }
        let hub_now = self.hub_now(now);
        if now.since_boot < self.rehearsal.due(hub_now, &self.zone) {
            return Ok(());
        }
        self.rehearsal.last_at = Some(hub_now.wall);
        self.rehearsal.last = Some(now.since_boot);
        self.rehearsal.answer_by = Some(now.since_boot.saturating_add(ANSWER_MAX));
        // A fresh one for each day: the one of yesterday proves nothing today.
        self.clear(now, TEST_ALARM)?;
        self.raise_in_passing(now, &test_alarm())
    }

    /// Ends the test alarm once it is answered.
    pub(super) fn end_rehearsal(&mut self, now: Stamp) -> Result<(), HubError> {
        let test_alarm = self.engine.open_condition(TEST_ALARM);
        if test_alarm.is_none_or(|it: &Alert| it.by.is_none()) {
            return Ok(());
        }
        self.clear(now, TEST_ALARM)?;
        self.rehearsal.answer_by = None;
        self.clear(now, TEST_ALARM_UNANSWERED)
    }
}

fn test_alarm() -> Condition {
    Condition {
        rule: TEST_ALARM,
        priority: Priority::Low,
        why: "Daily test: it shows that alerts of this hub arrive.".to_owned(),
    }
}

fn unanswered() -> Condition {
    Condition {
        rule: TEST_ALARM_UNANSWERED,
        priority: Priority::Medium,
        why: "The test alarm was not answered: alerts of this hub, or the answers, may not arrive."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests;
