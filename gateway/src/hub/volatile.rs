//! A hub whose storage fails goes on: it opens its file again, else it holds its ledger in memory, and
//! tries to get back into the file from time to time.
//!
//! ```text
//! what failed                     first                                    then
//! there is no room                the ballast, and what the agency holds   in memory
//! the file could not be written   the file is opened again and checked     in memory
//! ```
//!
//! Each transaction is tried again after each of these, so that what was measured is judged, recorded
//! and sent in any case. Nothing that is in memory only is ever said to be stored.

use std::time::Duration;

use alerting::{Alert, Condition};
use tracing::{debug, error, info, warn};
use vitals::wire::canonical;
use vitals::{LocalInstant, Moment, Priority};

use super::{Hub, HubError, translate};
use crate::clock::Stamp;
use crate::store::{LedgerKey, STORAGE_VOLATILE, StoreError};

/// From the moment the file was left to the first attempt to get back.
const RETRY_FIRST: Duration = Duration::from_secs(5);

/// Longest wait between two attempts; each one in vain doubles it.
const RETRY_MAX: Duration = Duration::from_secs(300);

/// The state of a hub whose ledger is in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exile {
    since: Stamp,
    retry_at: Duration,
    wait: Duration,
    has_lost: bool,
}

impl Exile {
    pub(super) const fn new(now: Stamp) -> Self {
        let retry_at = now.since_boot.saturating_add(RETRY_FIRST);
        Self { since: now, retry_at, wait: RETRY_FIRST, has_lost: false }
    }

    /// When the file is tried again, by the time since boot.
    pub(super) const fn next_deadline(&self) -> Duration {
        self.retry_at
    }

    fn in_vain(&mut self, now: Stamp) {
        self.wait = self.wait.saturating_mul(2).min(RETRY_MAX);
        self.retry_at = now.since_boot.saturating_add(self.wait);
    }
}

/// What was tried after a transaction failed; each remedy is tried once.
#[derive(Debug, Default)]
struct Tried {
    has_opened_again: bool,
    has_made_room: bool,
}

impl Hub {
    /// Since when what is recorded is in memory only; `None` while the ledger is in its file.
    #[must_use]
    pub fn in_memory_since(&self) -> Option<LocalInstant> {
        self.exile.map(|it| self.local(it.since))
    }

    /// Does `write`, and again after each remedy for what made it fail.
    ///
    /// What a commit wrote that failed at its end is not written twice: the answer is then that
    /// nothing was new.
    pub(super) fn with_room<T: Default>(
        &mut self,
        now: Stamp,
        mut write: impl FnMut(&mut Self) -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        let mut tried = Tried::default();
        let before = self.store.last_seq();
        loop {
            match write(self) {
                Err(HubError::Store(failure)) => self.remedy(now, failure, &mut tried)?,
                Ok(written) => {
                    self.keep_within_memory(now)?;
                    return Ok(written);
                }
                Err(error) => return Err(error),
            }
            let is_written = !self.store.is_in_memory() && before < self.store.last_seq();
            if is_written {
                return Ok(T::default());
            }
        }
    }

    /// The same for what needs no room, or can be left for later where there is none.
    pub(super) fn past_failures<T>(
        &mut self,
        now: Stamp,
        mut work: impl FnMut(&mut Self) -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        let mut tried = Tried { has_made_room: true, ..Tried::default() };
        loop {
            match work(self) {
                Err(HubError::Store(failure)) if failure.is_failure() => {
                    self.remedy(now, failure, &mut tried)?;
                }
                other => return other,
            }
        }
    }

    /// Asks the ledger something, and again after a remedy where its file cannot be read.
    ///
    /// # Errors
    ///
    /// Fails where the ledger cannot be read and there is no other to go on with.
    pub fn ask<T>(
        &mut self,
        now: Stamp,
        question: impl Fn(&Self) -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        self.past_failures(now, |hub| question(hub))
    }

    /// The next remedy against `failure`; an error where none is left.
    fn remedy(
        &mut self,
        now: Stamp,
        failure: StoreError,
        tried: &mut Tried,
    ) -> Result<(), HubError> {
        let is_full = matches!(failure, StoreError::Full { .. });
        if !is_full && !failure.is_failure() {
            return Err(failure.into());
        }
        if is_full && !tried.has_made_room && !self.store.is_in_memory() {
            warn!(cause = failure.cause(), "no room in the ledger");
            tried.has_made_room = true;
            self.make_room(now);
            return Ok(());
        }
        if !is_full && !tried.has_opened_again && !self.store.is_in_memory() {
            error!(%failure, cause = failure.cause(), "storage failed, opening it again");
            tried.has_opened_again = true;
            match self.store.reopen(&failure) {
                Ok(()) => {
                    self.has_news = true;
                    return self.recall();
                }
                Err(error) if !self.store.may_leave_file() => return Err(error.into()),
                Err(error) => warn!(%error, "storage cannot be opened again"),
            }
        }
        match self.store.may_leave_file() {
            true => self.leave_file(now, &failure),
            false => Err(failure.into()),
        }
    }

    /// Goes on in memory with the open alerts as they stand.
    fn leave_file(&mut self, now: Stamp, failure: &StoreError) -> Result<(), HubError> {
        error!(
            cause = failure.cause(),
            "storage cannot be written, new records are in memory only"
        );
        let open = self.engine.open().map(|it| self.last_transition(it));
        let open = open.collect::<Result<Vec<_>, HubError>>()?;
        self.store.leave_file(&self.held, &open, failure)?;
        self.exile = Some(Exile::new(now));
        self.has_news = true;
        Ok(())
    }

    /// An alert as the ledger keeps it while it is open.
    fn last_transition(&self, alert: &Alert) -> Result<(LedgerKey, Vec<u8>), HubError> {
        let id = LedgerKey { epoch: alert.id.epoch, number: alert.id.seq };
        let recorded = Moment { at: alert.changed_at, on: None, is_known: true };
        let message =
            translate::alert_message(alert.state, alert, &self.id, id.epoch, id.number, recorded);
        Ok((id, canonical::encode(&message)?))
    }

    /// Has memory hold what it can, and tells once that it cannot hold more.
    fn keep_within_memory(&mut self, now: Stamp) -> Result<(), HubError> {
        if self.exile.is_none() {
            return Ok(());
        }
        let n_lost = self.store.keep_within_memory(&self.held)?;
        let Some(exile) = self.exile.as_mut().filter(|it| 0 < n_lost && !it.has_lost) else {
            return Ok(());
        };
        exile.has_lost = true;
        error!("memory is used up, the oldest readings are lost");
        let why = "The hub cannot write to its storage, and its memory is used up: with each new \
                   reading the oldest one is lost that the agency does not have."
            .to_owned();
        self.raise(now, &Condition { rule: STORAGE_VOLATILE, priority: Priority::High, why })
    }

    /// Tries to get back into the file where that is due.
    pub(super) fn try_file(&mut self, now: Stamp) -> Result<(), HubError> {
        match self.exile {
            Some(exile) if exile.retry_at <= now.since_boot => self.regain_file(now),
            Some(_) | None => Ok(()),
        }
    }

    /// Tries to get back into the file, with all that memory has.
    pub(super) fn regain_file(&mut self, now: Stamp) -> Result<(), HubError> {
        let needed = self.needed();
        match self.store.regain_file(&self.held, &needed) {
            Ok(()) => {
                info!("storage can be written again");
                self.exile = None;
                self.recall()?;
                self.check_soon(now);
                self.clear(now, STORAGE_VOLATILE)?;
                self.tell_incidents(now)
            }
            Err(error) => {
                debug!(%error, cause = error.cause(), "storage cannot be written yet");
                if let Some(exile) = &mut self.exile {
                    exile.in_vain(now);
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
