//! Receipts: what the agency holds, and what they show about this ledger.
//!
//! A receipt that speaks of more than this ledger ever had, of another record than stands here, or
//! of two records under one number shows that the ledger was restored from an older copy. The hub
//! then goes on in a new epoch. What it recorded since the last receipt that fitted is written again
//! there: under their old numbers the agency holds other records, or may.

use tracing::{debug, error, warn};
use vitals::wire::canonical;
use vitals::wire::v1::Receipt;
use vitals::{Epoch, Priority, Sequence, SequenceRanges};

use super::anew::Rewriting;
use super::{Hub, HubError};
use crate::clock::Stamp;
use crate::store::{LEDGER_RESTORED, News, Onward, StoreError};

/// What a receipt shows about the ledger, besides what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// Nothing.
    Nothing,
    /// The agency's newest record is ours, and newer than anything of an older copy.
    Ours,
    /// Somebody else gave numbers of this epoch.
    Forked,
    /// It cannot be: this ledger is known to be the only one, and never had so much.
    Nonsense,
}

impl Hub {
    /// The latest receipt of an epoch is the truth, also where the agency holds less than before.
    pub(super) fn on_receipt(&mut self, now: Stamp, payload: &[u8]) -> Result<(), HubError> {
        let receipt: Receipt = match canonical::decode(payload) {
            Ok(receipt) => receipt,
            Err(error) => {
                warn!(%error, "receipt ignored");
                return Ok(());
            }
        };
        let stretch = |epoch: &Epoch| {
            let is_current = *epoch == self.store.epoch();
            is_current || self.store.stretch(*epoch) != SequenceRanges::new()
        };
        let epoch = receipt.epoch().ok().filter(stretch);
        let Some(epoch) = epoch.filter(|_| receipt.hub == self.id.as_str()) else {
            debug!("receipt for another ledger ignored");
            return Ok(());
        };
        let shows = self.look_through(&receipt, epoch)?;
        if shows == Shows::Nonsense {
            // Believed, it would hide records that nobody holds, and give their numbers away.
            let (high_water, last) = (receipt.high_water, self.store.last_number());
            error!(high_water, last, "receipt claims more than this ledger ever had, refused");
        } else {
            self.take_in(&receipt, epoch)?;
        }
        let mut anew = self.unheld(&self.store.places(epoch, &receipt.contested()));
        let onward = match (shows, epoch == self.store.epoch()) {
            (Shows::Forked, _) => {
                let after = self.store.unproven().unwrap_or(self.store.last_seq());
                anew.insert(after.saturating_add(1)..=self.store.last_seq());
                Onward::InNewEpoch
            }
            (_, true) => Onward::InNewEpoch,
            (_, false) => Onward::InPresentEpoch,
        };
        if shows == Shows::Forked || anew != SequenceRanges::new() {
            return self.fork(now, onward, &anew);
        }
        if shows == Shows::Ours {
            match self.store.note_unproven(None) {
                Err(StoreError::Full { action }) => warn!(action, "proof not noted"),
                noted => noted?,
            }
        }
        debug!(unconfirmed = self.n_unconfirmed(), "receipt taken in");
        Ok(())
    }

    fn look_through(&self, receipt: &Receipt, epoch: Epoch) -> Result<Shows, HubError> {
        if epoch != self.store.epoch() {
            return Ok(Shows::Nothing);
        }
        let newest = place(&self.store.places(epoch, &only(receipt.high_water)));
        let is_beyond = self.store.last_number() < receipt.high_water;
        let Some(after) = self.store.unproven() else {
            return Ok(if is_beyond { Shows::Nonsense } else { Shows::Nothing });
        };
        if is_beyond {
            return Ok(Shows::Forked);
        }
        let Some(newest) = newest.filter(|&it| after < it) else { return Ok(Shows::Nothing) };
        let ours = match self.store.record(newest) {
            Ok(Some(record)) => crc32fast::hash(&record.payload),
            Ok(None) | Err(StoreError::Damaged { .. }) => return Ok(Shows::Nothing),
            Err(error) => return Err(error.into()),
        };
        let is_ours = receipt.checksum.is_none_or(|it| it == ours);
        Ok(if is_ours { Shows::Ours } else { Shows::Forked })
    }

    /// Notes what the agency holds of `epoch`. What it held before and was then sent another record
    /// for, it still holds: the other one was not of this ledger.
    fn take_in(&mut self, receipt: &Receipt, epoch: Epoch) -> Result<(), HubError> {
        let mut held = self.held.clone();
        self.store.stretch(epoch).iter().for_each(|it| held.remove(it));
        self.store.places(epoch, &receipt.held()).iter().for_each(|it| held.insert(it));
        let contested = self.store.places(epoch, &receipt.contested());
        let known = contested.iter().flatten().filter(|&seq| self.held.contains(seq));
        known.for_each(|seq| held.insert(seq..=seq));
        if self.held != held {
            match self.store.note_held(&held) {
                // Known until the next start, and enough to make room.
                Err(StoreError::Full { action }) => warn!(action, "receipt not noted"),
                noted => noted?,
            }
            self.held = held;
        }
        Ok(())
    }

    /// Those of `places` that the agency does not hold, and whose record is still there.
    fn unheld(&self, places: &SequenceRanges) -> SequenceRanges {
        let mut settled = self.held.clone();
        self.store.absent().iter().for_each(|it| settled.insert(it));
        let mut unheld = SequenceRanges::new();
        let waiting = places.iter().flatten().filter(|&seq| !settled.contains(seq));
        waiting.for_each(|seq| unheld.insert(seq..=seq));
        unheld
    }

    fn fork(&mut self, now: Stamp, onward: Onward, anew: &SequenceRanges) -> Result<(), HubError> {
        let tell = |n_written: u64| News {
            rule: LEDGER_RESTORED,
            priority: Priority::High,
            text: format!(
                "The ledger of the hub was restored from an older copy, or another hub uses its name: \
                 the agency holds records that this ledger never had, and they may tell of alerts \
                 that it does not know. {n_written} records were given new numbers and are sent \
                 again."
            ),
        };
        let mut rewriting = Rewriting::default();
        let n_written =
            self.store.fork(onward, anew, tell, |record, key| rewriting.rewrite(record, key))?;
        error!(n_written, epoch = %self.store.epoch(), "ledger is an older copy, goes on anew");
        self.recall()?;
        self.tell_incidents(now)
    }

    /// How many records the agency does not hold, as far as this hub knows; those that are gone are
    /// told of elsewhere.
    pub(super) fn n_unconfirmed(&self) -> u64 {
        let mut settled = self.held.clone();
        self.store.absent().iter().for_each(|it| settled.insert(it));
        let gaps = settled.gaps(self.store.last_seq());
        gaps.map(|it| it.end().saturating_sub(*it.start()).saturating_add(1)).sum()
    }
}

fn only(number: Sequence) -> SequenceRanges {
    let mut only = SequenceRanges::new();
    if 0 < number {
        only.insert(number..=number);
    }
    only
}

fn place(places: &SequenceRanges) -> Option<Sequence> {
    places.max()
}
