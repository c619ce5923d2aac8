//! What a world came to, and what many of them came to together.

use std::fmt;
use std::time::Duration;

use crate::happening::Fault;

/// What a world came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The same for the same story; of one world alone.
    pub(crate) digest: u64,
    pub(crate) n_steps: u64,
    pub(crate) n_records: u64,
    /// Alerts of high priority.
    pub(crate) n_alerts: u64,
    pub(crate) n_orders: u64,
    pub(crate) n_calms: u64,
    /// Longest time that everything needed to arrive once nothing was in its way.
    pub(crate) longest_calm: Duration,
    /// Deaths and restarts of hubs, the station and the broker, with power failures.
    n_crashes: u64,
    n_outages: u64,
    n_disk_failures: u64,
    n_clock_steps: u64,
    /// Hubs that got an empty card, and stations that went on from a copy.
    n_stores_lost: u64,
    /// Cuffs that came back from a holiday.
    n_holidays: u64,
    /// Times at which nobody looked at the board for days.
    n_silent_nurses: u64,
}

impl Outcome {
    /// Notes that `fault` struck.
    pub(crate) fn count(&mut self, fault: &Fault) {
        let n = match fault {
            Fault::HubDies { .. }
            | Fault::PowerFails { .. }
            | Fault::HubIsRestarted { .. }
            | Fault::StationDies { .. }
            | Fault::BrokerDies { .. } => &mut self.n_crashes,
            Fault::LinkFails { .. } | Fault::StationLinkFails { .. } => &mut self.n_outages,
            Fault::HubDiskFails { .. } | Fault::StationDiskFails { .. } => {
                &mut self.n_disk_failures
            }
            Fault::ClockSteps { .. } => &mut self.n_clock_steps,
            Fault::CardIsReplaced { .. } | Fault::StationIsRestored => &mut self.n_stores_lost,
            Fault::Holiday { .. } => &mut self.n_holidays,
            Fault::NursesAreSilent { .. } => &mut self.n_silent_nurses,
            Fault::StationIsSaved | Fault::BrokerSaves => return,
        };
        *n += 1;
    }

    /// How often something went wrong.
    pub(crate) const fn n_faults(&self) -> u64 {
        self.n_crashes
            + self.n_outages
            + self.n_disk_failures
            + self.n_clock_steps
            + self.n_stores_lost
            + self.n_holidays
            + self.n_silent_nurses
    }

    /// Adds the figures of another world.
    pub(crate) fn add(&mut self, other: &Self) {
        self.n_steps += other.n_steps;
        self.n_records += other.n_records;
        self.n_alerts += other.n_alerts;
        self.n_orders += other.n_orders;
        self.n_calms += other.n_calms;
        self.longest_calm = self.longest_calm.max(other.longest_calm);
        self.n_crashes += other.n_crashes;
        self.n_outages += other.n_outages;
        self.n_disk_failures += other.n_disk_failures;
        self.n_clock_steps += other.n_clock_steps;
        self.n_stores_lost += other.n_stores_lost;
        self.n_holidays += other.n_holidays;
        self.n_silent_nurses += other.n_silent_nurses;
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} steps, {} records, {} high alerts, {} orders; {} faults: {} crashes, {} outages, \
             {} disk failures, {} clock steps, {} stores lost, {} holidays, {} times of silent \
             nurses; all books compared {} times, everything there after {} s at the latest",
            self.n_steps,
            self.n_records,
            self.n_alerts,
            self.n_orders,
            self.n_faults(),
            self.n_crashes,
            self.n_outages,
            self.n_disk_failures,
            self.n_clock_steps,
            self.n_stores_lost,
            self.n_holidays,
            self.n_silent_nurses,
            self.n_calms,
            self.longest_calm.as_secs(),
        )
    }
}
