//! What a round of kills came to.

use std::fmt;
use std::time::Duration;

/// Figures of a round, and what was wrong in the end.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How often each was killed.
    pub(crate) n_hub: u32,
    pub(crate) n_station: u32,
    pub(crate) n_broker: u32,
    /// How often one was killed once more while it started.
    pub(crate) n_starting: u32,
    /// Readings in the hub's ledger.
    pub(crate) n_readings: usize,
    /// Alert transitions in the hub's ledger.
    pub(crate) n_transitions: usize,
    /// Acknowledgements that the station took.
    pub(crate) n_acknowledged: usize,
    /// Measurements of the cuff, each of which it stored until BlueZ had it.
    pub(crate) n_cuff: usize,
    /// Measurements that the cuff sent a second time.
    pub(crate) n_replayed: usize,
    /// Of the cuff's measurements, those that BlueZ confirmed and a kill kept from the ledger.
    pub(crate) n_confirmed_before_commit: usize,
    /// Lines that the scale sent, whether or not the hub ran.
    pub(crate) n_lines: usize,
    /// Lines of the scale that no hub lived to read and commit.
    pub(crate) n_lines_lost: usize,
    /// How long it took.
    pub(crate) took: Duration,
    /// What was wrong; empty where the promise was kept.
    pub(crate) problems: Vec<String>,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: &Self) {
        self.n_hub += other.n_hub;
        self.n_station += other.n_station;
        self.n_broker += other.n_broker;
        self.n_starting += other.n_starting;
        self.n_readings += other.n_readings;
        self.n_transitions += other.n_transitions;
        self.n_acknowledged += other.n_acknowledged;
        self.n_cuff += other.n_cuff;
        self.n_replayed += other.n_replayed;
        self.n_confirmed_before_commit += other.n_confirmed_before_commit;
        self.n_lines += other.n_lines;
        self.n_lines_lost += other.n_lines_lost;
        self.took += other.took;
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills of the hub, {} of the station, {} of the broker, {} more at the start; \
             {} readings and {} alert transitions committed, {} acknowledgements; \
             of {} measurements of the cuff {} were confirmed by BlueZ before the commit and lost, \
             {} were sent twice; of {} lines of the scale {} found no hub that lived to commit them; {:.1} s",
            self.n_hub,
            self.n_station,
            self.n_broker,
            self.n_starting,
            self.n_readings,
            self.n_transitions,
            self.n_acknowledged,
            self.n_cuff,
            self.n_confirmed_before_commit,
            self.n_replayed,
            self.n_lines,
            self.n_lines_lost,
            self.took.as_secs_f64(),
        )
    }
}
