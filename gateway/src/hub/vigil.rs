//! Whether the agency hears this hub: the state behind "the agency cannot see you".
//!
//! The agency gives a sign of life to every hub that is connected; only what it says live counts,
//! and not what the broker kept of it. Without one for the limit the agency counts as silent, with
//! or without a connection. All of it goes by the time since boot, which no step of the clock moves.

use std::time::Duration;

use alerting::Condition;
use tracing::{info, warn};
use vitals::{LocalInstant, Priority};

use super::{Hub, HubError};
use crate::clock::Stamp;
use crate::store::StoreError;

/// Rule of the alert about an agency that is silent for long.
pub(super) const AGENCY_SILENT: &str = "agency-silent";

/// A silence of the agency is recorded when it has lasted that long: a hiccup writes nothing.
const RECORDED_AFTER: Duration = Duration::from_secs(15 * 60);

/// How the hub watches its agency, and how its agency watches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// How often a health snapshot goes up, which is the hub's sign of life.
    pub heartbeat: Duration,
    /// An agency that says nothing for that long cannot see this hub.
    pub agency_silence_limit: Duration,
    /// Hour of the daily test alarm, 0 to 23, by the clock of the home.
    pub test_alarm_hour: u8,
    /// A hub that missed its test alarm, or never had one, makes it so long after its start.
    pub test_alarm_after: Duration,
}

impl Default for Watch {
    /// Three signs of life may be lost; the fourth is noticed.
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(30),
            agency_silence_limit: Duration::from_secs(90),
            test_alarm_hour: 10,
            test_alarm_after: Duration::from_secs(300),
        }
    }
}

/// Whether the agency can see this hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// The daemon started a moment ago, and the agency may still say something.
    NotYet,
    /// The agency was heard lately.
    Seen {
        /// When it was heard last.
        heard_at: LocalInstant,
    },
    /// The agency says nothing: nobody there may see what this hub sends.
    Unseen {
        /// When it was heard last, or when the daemon started.
        since: LocalInstant,
    },
}

/// When the agency was heard, and what was noticed of its silence.
#[derive(Debug)]
pub(super) struct Vigil {
    limit: Duration,
    started_at: Stamp,
    heard_at: Option<Stamp>,
    is_silent: bool,
    is_recorded: bool,
}

impl Vigil {
    /// A hub that starts has heard nothing yet.
    pub(super) const fn new(watch: Watch, started_at: Stamp) -> Self {
        let limit = watch.agency_silence_limit;
        Self { limit, started_at, heard_at: None, is_silent: false, is_recorded: false }
    }

    /// When the silence becomes one, or is to be recorded, by the time since boot.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        match (self.is_silent, self.is_recorded) {
            (false, _) => Some(self.quiet_from().saturating_add(self.limit)),
            (true, false) => Some(self.recorded_from()),
            (true, true) => None,
        }
    }

    fn quiet_from(&self) -> Duration {
        self.heard_at.unwrap_or(self.started_at).since_boot
    }

    fn recorded_from(&self) -> Duration {
        self.quiet_from().saturating_add(RECORDED_AFTER.max(self.limit))
    }
}

impl Hub {
    /// Whether the agency can see this hub.
    #[must_use]
    pub fn sight(&self) -> Sight {
        let Vigil { started_at, heard_at, is_silent, .. } = self.vigil;
        match (is_silent, heard_at) {
            (true, _) => Sight::Unseen { since: self.local(heard_at.unwrap_or(started_at)) },
            (false, Some(heard_at)) => Sight::Seen { heard_at: self.local(heard_at) },
            (false, None) => Sight::NotYet,
        }
    }

    /// The agency said something itself.
    pub(super) fn on_agency_heard(&mut self, now: Stamp) -> Result<(), HubError> {
        if self.vigil.is_silent {
            info!("the agency sees this hub again");
        }
        self.vigil.heard_at = Some(now);
        self.vigil.is_silent = false;
        self.vigil.is_recorded = false;
        self.clear(now, AGENCY_SILENT)
    }

    /// Records a condition for which the hub does not stop where its ledger has no room left.
    pub(super) fn raise_in_passing(
        &mut self,
        now: Stamp,
        condition: &Condition,
    ) -> Result<(), HubError> {
        match self.raise(now, condition) {
            Err(HubError::Store(StoreError::Full { action })) => {
                warn!(rule = condition.rule, action, "no room to record it");
                Ok(())
            }
            other => other,
        }
    }

    /// Notices that the agency is silent, and records it when that lasts.
    pub(super) fn watch_agency(&mut self, now: Stamp) -> Result<(), HubError> {
        let vigil = &mut self.vigil;
        if !vigil.is_silent && vigil.next_deadline().is_some_and(|due| due <= now.since_boot) {
            vigil.is_silent = true;
            warn!("the agency cannot see this hub");
        }
        if !vigil.is_silent || vigil.is_recorded || now.since_boot < vigil.recorded_from() {
            return Ok(());
        }
        vigil.is_recorded = true;
        self.raise_in_passing(
            now,
            &Condition {
                rule: AGENCY_SILENT,
                priority: Priority::Medium,
                why: "This hub hears nothing of the agency: nobody there could see what it sent."
                    .to_owned(),
            },
        )
    }
}

#[cfg(test)]
mod tests;
