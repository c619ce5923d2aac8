//! Looking after the ledger: what the agency holds makes room, and who runs out of it says so.
//!
//! Everything here is done in slices between two events, so that no reading waits for it.

use std::collections::BTreeSet;
use std::time::Duration;

use alerting::Condition;
use jiff::Timestamp;
use tracing::{debug, error, info, warn};
use vitals::{Priority, ReadingId, Sequence};

use super::{Hub, HubError};
use crate::clock::Stamp;
use crate::store::{LedgerKey, Position, Removal, StoreError};

/// From one look at the room that is left to the next.
const CHECK_EVERY: Duration = Duration::from_secs(60 * 60);

/// The same while the ballast is spent.
const CHECK_EVERY_WHILE_SHORT: Duration = Duration::from_secs(10);

/// From the start to the first look.
const FIRST_CHECK: Duration = Duration::from_secs(60);

/// Removals, of 64 records each, before a write is tried again that found no room.
const REMOVALS_AT_ONCE: usize = 4;

/// On a disk so large that a share of it says nothing, these bytes are little room, and
const LITTLE_ROOM_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// these are hardly any.
const HARDLY_ANY_ROOM_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// When the ledger is looked after next; times since boot.
#[derive(Debug)]
pub(super) struct Schedule {
    check_at: Duration,
    pub(super) scrub_at: Duration,
    /// Where the pass is that is going on.
    pub(super) position: Position,
    /// Whether that pass has found damage.
    pub(super) has_found_damage: bool,
}

impl Schedule {
    /// The first look is due after a minute; the first pass of the scrub after that and the rest of
    /// `scrub_wait`.
    pub(super) fn new(now: Stamp, scrub_wait: Duration) -> Self {
        let check_at = now.since_boot.saturating_add(FIRST_CHECK);
        Self {
            check_at,
            scrub_at: check_at.saturating_add(scrub_wait),
            position: Position::default(),
            has_found_damage: false,
        }
    }

    /// When something is due.
    pub(super) fn next_deadline(&self) -> Duration {
        self.check_at.min(self.scrub_at)
    }
}

/// What the alarms about a shortage go by.
#[derive(Debug, Clone, Copy)]
struct Room {
    rule: &'static str,
    left_bytes: u64,
    /// Below this a person has to know.
    little_bytes: u64,
    /// Below this a person has to act.
    hardly_any_bytes: u64,
    little: &'static str,
    hardly_any: &'static str,
}

impl Room {
    /// What stands; `told` is what was said last and is not over. What was told stands until there
    /// is a quarter more room than what made it be told.
    fn condition(&self, told: Option<&str>) -> Option<Condition> {
        let is_below = |bytes: u64, stands: bool| {
            let margin = if stands { bytes / 4 } else { 0 };
            self.left_bytes <= bytes.saturating_add(margin)
        };
        let condition = |priority, why: &str| {
            Some(Condition { rule: self.rule, priority, why: why.to_owned() })
        };
        if is_below(self.hardly_any_bytes, told == Some(self.hardly_any)) {
            condition(Priority::High, self.hardly_any)
        } else if is_below(self.little_bytes, told.is_some()) {
            condition(Priority::Medium, self.little)
        } else {
            None
        }
    }
}

impl Hub {
    /// One slice of what is due; a ledger in memory only waits for its file.
    pub(super) fn look_after_ledger(&mut self, now: Stamp) -> Result<(), HubError> {
        if self.exile.is_some() {
            return self.try_file(now);
        }
        if self.schedule.check_at <= now.since_boot {
            self.check_room(now)?;
        }
        if self.schedule.scrub_at <= now.since_boot {
            self.scrub(now)?;
        }
        Ok(())
    }

    /// Removes a batch of what may go; once nothing may, looks at the room that is left.
    fn check_room(&mut self, now: Stamp) -> Result<(), HubError> {
        let removed = self.past_failures(now, |hub| match hub.remove_oldest(now, false)? {
            0 => Ok(hub.store.forget_contents()?),
            n => Ok(n),
        });
        let n_gone = match removed {
            // The alarm below is the answer.
            Err(HubError::Store(StoreError::Full { .. })) => 0,
            other => other?,
        };
        if 0 < n_gone || self.exile.is_some() {
            // The rest goes with the next slice, which is due at once.
            return Ok(());
        }
        self.store.renew_ballast();
        let wait =
            if self.store.is_ballast_spent() { CHECK_EVERY_WHILE_SHORT } else { CHECK_EVERY };
        self.schedule.check_at = now.since_boot.saturating_add(wait);
        self.judge(now, self.room_in_budget()?)?;
        match self.room_on_disk() {
            Ok(room) => self.judge(now, room),
            Err(error) => {
                warn!(%error, "room on the disk not known");
                Ok(())
            }
        }
    }

    fn judge(&mut self, now: Stamp, room: Room) -> Result<(), HubError> {
        let told = self.engine.open_condition(room.rule).filter(|it| it.cleared_at.is_none());
        match room.condition(told.map(|it| it.why.as_str())) {
            Some(condition) => self.raise(now, &condition),
            None => self.clear(now, room.rule),
        }
    }

    fn room_in_budget(&self) -> Result<Room, StoreError> {
        let usage = self.store.usage()?;
        Ok(Room {
            rule: "storage-nearly-full",
            left_bytes: usage.max_bytes.saturating_sub(usage.used_bytes),
            little_bytes: usage.max_bytes / 5,
            hardly_any_bytes: usage.max_bytes / 20,
            little: "The storage of the hub is more than 80 % full of records that the agency has \
                     not confirmed. Readings are still kept.",
            hardly_any: "The storage of the hub is more than 95 % full of records that the agency \
                         has not confirmed. Soon no reading can be kept; alerts still get through.",
        })
    }

    fn room_on_disk(&self) -> Result<Room, StoreError> {
        let disk = self.store.disk()?;
        Ok(Room {
            rule: "disk-nearly-full",
            left_bytes: disk.free_bytes,
            little_bytes: (disk.total_bytes / 5).min(LITTLE_ROOM_BYTES_MAX),
            hardly_any_bytes: (disk.total_bytes / 20).min(HARDLY_ANY_ROOM_BYTES_MAX),
            little: "The disk of the hub is nearly full. Readings are still kept.",
            hardly_any: "The disk of the hub is full but for a reserve. Soon no reading can be \
                         kept; alerts still get through.",
        })
    }

    /// Has the room that is left looked at with the next slice.
    pub(super) fn check_soon(&mut self, now: Stamp) {
        self.schedule.check_at = now.since_boot;
    }

    /// Makes room for a write that found none.
    pub(super) fn make_room(&mut self, now: Stamp) {
        self.check_soon(now);
        self.store.release_ballast();
        for _ in 0..REMOVALS_AT_ONCE {
            match self.remove_oldest(now, true) {
                Ok(0) => break,
                Ok(n_records) => info!(n_records, "room made in the ledger"),
                Err(error) => {
                    error!(%error, "no room can be made in the ledger");
                    break;
                }
            }
        }
        if let Err(error) = self.store.reuse_journal() {
            debug!(%error, "the journal is not reused");
        }
    }

    fn remove_oldest(&mut self, now: Stamp, is_pressed: bool) -> Result<usize, StoreError> {
        let keep = self.store.upkeep().keep;
        let before = self.time.least(now).checked_sub(keep).unwrap_or(Timestamp::MIN);
        let needed = self.needed();
        let removal = Removal { held: &self.held, needed: &needed, before, is_pressed };
        self.store.remove_oldest(&removal)
    }

    /// The readings that the open alerts stand on.
    pub(super) fn needed(&self) -> BTreeSet<Sequence> {
        let readings = self.engine.open().flat_map(|it| &it.readings);
        let key = |it: &ReadingId| LedgerKey { epoch: it.epoch, number: it.seq };
        readings.filter_map(|it| self.store.place(key(it))).collect()
    }
}

#[cfg(test)]
mod tests;
