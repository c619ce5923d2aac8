//! `gateway.toml`: what the installer writes, checked as a whole before anything starts.

mod read;
mod wiring;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alerting::Plan;
use ed25519_dalek::VerifyingKey;
use jiff::tz::TimeZone;
use thiserror::Error;
use vitals::HubId;
use vitals::document::{self, Problems};
use vitals::wire::topic::AgencyTopics;

use crate::clock;
use crate::hub::{Device, HubSettings, Watch};
use crate::link::bluetooth::BluetoothSettings;
use crate::link::serial::SerialPort;
use crate::store::Upkeep;
use crate::uplink::{Broker, UplinkSettings};

/// Keep-alive of the agency connection, in seconds.
pub const KEEP_ALIVE_S: u64 = 15;

/// What systemd-timesyncd makes when it has set the clock; its folder is there while it runs.
pub const SYNCHRONIZED_FILE: &str = "/run/systemd/timesync/synchronized";

/// One reading at least so often from a continuous stream, in seconds.
pub const STREAM_INTERVAL_S: u64 = 15;

/// Silence of the Bluetooth radio after which something is done about it, in minutes.
pub const SILENCE_LIMIT_MIN: u64 = 30;

/// Everything that `gateway.toml` says.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of this hub.
    pub hub: HubId,
    /// Where it stands.
    pub zone: TimeZone,
    /// Where the ledger is kept.
    pub data_directory: PathBuf,
    /// How the ledger is looked after.
    pub upkeep: Upkeep,
    /// What the daemon of network time makes when it has set the clock.
    pub synchronized_file: PathBuf,
    /// Topics of the agency.
    pub topics: AgencyTopics,
    /// Keys of the agency that may sign commands.
    pub agency_keys: Vec<VerifyingKey>,
    /// Where the broker is.
    pub broker: Broker,
    /// The care plans in force.
    pub plans: Vec<Plan>,
    /// The devices of the home.
    pub devices: Vec<Device>,
    /// What the Bluetooth link has to know; `None` where no device needs it.
    pub bluetooth: Option<BluetoothSettings>,
    /// The serial ports.
    pub serial: Vec<SerialPort>,
    /// How hub and agency watch each other.
    pub watch: Watch,
}

/// Why a configuration cannot be used; nothing was started.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file says something that cannot be.
    #[error("{}", list(path, problems))]
    Problems {
        /// The file.
        path: PathBuf,
        /// Everything that is wrong with it.
        problems: Problems,
    },
}

fn list(path: &Path, problems: &Problems) -> String {
    let lines: Vec<_> =
        problems.iter().map(|problem| format!("{}: {problem}", path.display())).collect();
    lines.join("\n")
}

impl Config {
    /// Reads and checks the file at `path`, and the files that it names.
    ///
    /// # Errors
    ///
    /// Returns every problem at once, each with its line and key.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path)
            .map_err(|cause| ConfigError::Read { path: path.to_owned(), cause })?;
        let directory = path.parent().unwrap_or(Path::new(""));
        document::read(&text, |root| read::config(root, directory))
            .map_err(|problems| ConfigError::Problems { path: path.to_owned(), problems })
    }

    /// File of the ledger.
    #[must_use]
    pub fn ledger_path(&self) -> PathBuf {
        self.data_directory.join("ledger.db")
    }

    /// Socket on which the running daemon answers people on this machine.
    #[must_use]
    pub fn socket_path(&self) -> PathBuf {
        self.data_directory.join("hub.sock")
    }

    /// What the hub's core has to know.
    #[must_use]
    pub fn hub_settings(&self) -> HubSettings {
        HubSettings {
            id: self.hub.clone(),
            zone: self.zone.clone(),
            earliest: clock::EARLIEST,
            agency_keys: self.agency_keys.clone(),
            devices: self.devices.clone(),
            plans: self.plans.clone(),
            watch: self.watch,
        }
    }

    /// What the uplink has to know.
    #[must_use]
    pub fn uplink_settings(&self) -> UplinkSettings {
        UplinkSettings {
            hub: self.hub.clone(),
            zone: self.zone.clone(),
            topics: self.topics.clone(),
            broker: self.broker.clone(),
            heartbeat: self.watch.heartbeat,
        }
    }
}

/// How long a keep-alive may be, in seconds: the client needs 5, and a dead connection shows after
/// two of them, which has to be within 35.
const KEEP_ALIVE_RANGE_S: std::ops::RangeInclusive<u64> = 5..=17;

/// How long what the agency holds may be kept, in days: the agency has to find a week of it where
/// its database comes back from a copy.
const KEEP_RANGE_DAYS: std::ops::RangeInclusive<u32> = 7..=3650;

/// How large the ledger may be, in MiB: below 16 the reserve for alerts would be too small.
const MAX_RANGE_MIB: std::ops::RangeInclusive<u64> = 16..=65_536;

/// How often the ledger may be read through, in days.
const SCRUB_RANGE_DAYS: std::ops::RangeInclusive<u32> = 1..=30;

/// How long the Bluetooth radio may hear nothing, in minutes: less than five happens in any home.
const SILENCE_LIMIT_RANGE_MIN: std::ops::RangeInclusive<u64> = 5..=1440;

/// How long the interval of a stream may be.
const STREAM_INTERVAL_RANGE_S: std::ops::RangeInclusive<u64> = 1..=3600;

fn seconds(value: u64) -> Duration {
    Duration::from_secs(value)
}

#[cfg(test)]
mod tests;
