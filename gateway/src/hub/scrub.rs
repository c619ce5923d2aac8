//! The scrub of the ledger: a pass in slices, and what is told about damage.

use std::time::Duration;

use tracing::{error, info, warn};
use vitals::{Priority, Sequence, SequenceRanges};

use super::{Hub, HubError};
use crate::clock::Stamp;
use crate::store::{Lane, News, Position, RECORD_DAMAGED, Store, StoreError};

/// Bytes of records that are verified at once: some milliseconds of a small machine.
const SLICE_BYTES: u32 = 64 * 1024;

/// Longest wait between two slices; a pass through a small ledger is over soon.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Numbers that one sentence names.
const NAMED_MAX: usize = 5;

/// How long the next pass can wait, by the wall clock and the end of the last one.
pub(super) fn wait(store: &Store, now: Stamp) -> Result<Duration, StoreError> {
    let every = store.upkeep().scrub_every;
    let due = store.scrubbed()?.finished_at.and_then(|it| it.checked_add(every).ok());
    let wait = due.map(|it| it.duration_since(now.wall)).unwrap_or_default();
    // A pass that ended in the future says that the clock was set back.
    Ok(if every < wait { Duration::ZERO } else { Duration::try_from(wait).unwrap_or_default() })
}

impl Hub {
    /// Verifies the next slice of records.
    pub(super) fn scrub(&mut self, now: Stamp) -> Result<(), HubError> {
        let max_bytes = usize::try_from(SLICE_BYTES).unwrap_or(usize::MAX);
        let slice = match self.store.scrub(&mut self.schedule.position, max_bytes) {
            Ok(slice) => slice,
            Err(error) => {
                error!(%error, "the ledger cannot be read through");
                self.end_pass(now);
                return Err(error.into());
            }
        };
        if !slice.damaged.is_empty() {
            self.schedule.has_found_damage = true;
            self.settle(now, &slice.damaged)?;
        }
        if !slice.is_last {
            self.schedule.scrub_at = now.since_boot.saturating_add(self.pause()?);
            return Ok(());
        }
        match self.store.note_scrubbed(now.wall) {
            Ok(()) => info!("the ledger was read through"),
            Err(error) => warn!(%error, "the end of the scrub is not noted"),
        }
        let is_sound = !self.schedule.has_found_damage;
        self.end_pass(now);
        if is_sound { self.clear(now, RECORD_DAMAGED) } else { Ok(()) }
    }

    fn end_pass(&mut self, now: Stamp) {
        let every = Duration::try_from(self.store.upkeep().scrub_every).unwrap_or(Duration::MAX);
        self.schedule.scrub_at = now.since_boot.saturating_add(every);
        self.schedule.position = Position::default();
        self.schedule.has_found_damage = false;
    }

    /// A pass takes at most four fifths of the time until the next one has to begin.
    fn pause(&self) -> Result<Duration, StoreError> {
        let every = Duration::try_from(self.store.upkeep().scrub_every).unwrap_or(Duration::MAX);
        let n_slices = self.store.usage()?.used_bytes / u64::from(SLICE_BYTES);
        let n_slices = u32::try_from(n_slices).unwrap_or(u32::MAX).saturating_add(1);
        Ok((every / 5 * 4 / n_slices).min(PAUSE_MAX))
    }

    /// Settles the damaged records that were met while others were looked for.
    pub(super) fn settle_noticed(&mut self, now: Stamp) -> Result<(), HubError> {
        match &self.store.take_noticed()[..] {
            [] => Ok(()),
            damaged => self.settle(now, damaged),
        }
    }

    fn settle(&mut self, now: Stamp, damaged: &[(Lane, Sequence)]) -> Result<(), HubError> {
        let held = &self.held;
        self.store.settle_damaged(damaged, |it| held.contains(it), |new| news(held, new))?;
        self.tell_incidents(now)
    }
}

/// What is told about records that were not known to be damaged.
fn news(held: &SequenceRanges, damaged: &[Sequence]) -> Option<News> {
    let (held, lacking): (Vec<_>, Vec<_>) =
        damaged.iter().copied().partition(|&it| held.contains(it));
    for seq in &lacking {
        error!(seq, "record is damaged, and the agency does not have it");
    }
    let (priority, text) = match (&held[..], &lacking[..]) {
        ([], []) => return None,
        (held, []) => {
            let named = named(held);
            (Priority::Low, format!("Damaged at the hub: {named}. The agency has good copies."))
        }
        (held, lacking) => {
            let also = match held {
                [] => String::new(),
                held => {
                    format!(" Also damaged, with good copies at the agency: {}.", named(held))
                }
            };
            let named = named(lacking);
            let text = format!(
                "Damaged at the hub and not yet at the agency: {named}. What they said is not \
                 known.{also}"
            );
            (Priority::High, text)
        }
    };
    Some(News { rule: RECORD_DAMAGED, priority, text })
}

/// The records with these numbers, in words.
fn named(seqs: &[Sequence]) -> String {
    let numbers: Vec<_> = seqs.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let more = match seqs.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let word = if seqs.len() == 1 { "record" } else { "records" };
    format!("{word} {}{more}", numbers.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_named_up_to_five() {
        assert_eq!(named(&[7]), "record 7");
        assert_eq!(named(&[7, 9]), "records 7, 9");
        assert_eq!(named(&[1, 2, 3, 4, 5, 6, 7]), "records 1, 2, 3, 4, 5 and 2 more");
    }
}
