//! The configuration: what `station.toml` may say, its defaults, and every problem of it at once.

mod read;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use thiserror::Error;
use vitals::document::{self, Problems};
use vitals::wire::topic::AgencyTopics;
use vitals::{AgencyId, HubId, SubjectId};

/// A configuration that cannot be used; nothing was started.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
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
    let line = |problem| format!("{}: {problem}", path.display());
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A checked configuration; paths are absolute or relative to the working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `[agency]`
    pub agency: Agency,
    /// `[broker]`
    pub broker: Broker,
    /// `[store]`
    pub store: Store,
    /// `[page]`
    pub page: Page,
    /// `[watch]`
    pub watch: Watch,
    /// `[command]`
    pub command: Command,
    /// `[plans]`
    pub plans: Plans,
    /// `[[client]]`: what people call each client; it is known only here.
    pub clients: BTreeMap<SubjectId, String>,
    /// `[[hub]]`: what people call each hub.
    pub hubs: BTreeMap<HubId, String>,
}

/// Who this agency is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agency {
    /// Its name in topics.
    pub id: AgencyId,
    /// Seed of the Ed25519 key that signs what goes down to the homes, as 64 hexadecimal digits.
    pub signing_key_file: PathBuf,
}

/// The MQTT broker and how the station introduces itself to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// MQTT client id; the broker holds the session under it.
    pub client_id: String,
    /// User name and the file with the password.
    pub login: Option<Login>,
    /// Encrypted connection, where a certificate authority is named.
    pub tls: Option<Tls>,
    /// Longest silence on the connection before either side checks it.
    pub keep_alive: Duration,
    /// Topics of the agency below the configured root.
    pub topics: AgencyTopics,
    /// That root.
    pub topic_root: String,
}

/// A login at the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// User name.
    pub username: String,
    /// The first line of this file is the password.
    pub password_file: PathBuf,
}

/// An encrypted connection to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// PEM file of the authorities that may vouch for the broker.
    pub ca_file: PathBuf,
    /// PEM files of the station's own certificate chain and key.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
}

/// Where the station keeps what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The SQLite database; made on the first start.
    pub path: PathBuf,
}

/// The page of the nurses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Host names under which a browser may ask for the page, besides addresses and `localhost`.
    pub host_names: Vec<String>,
    /// Whether other machines may reach the page directly, though it asks nobody to log in.
    pub allow_remote: bool,
    /// Readings older than that are marked as old.
    pub stale_after: Duration,
}

/// When a silent home is noticed, and how often homes hear the station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// A hub from which nothing came for that long raises an alarm.
    pub hub_silence_limit: Duration,
    /// A connected hub gets a sign of life at least so often.
    pub heartbeat: Duration,
    /// An alert that does not come within that time after its reading is noticed as not raised.
    pub alert_within: Duration,
}

/// How commands reach a home that does not answer at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// A command without effect is sent again after that time.
    pub repeat_after: Duration,
    /// A hub refuses a command that is older.
    pub expires_after: Duration,
}

/// By which care plans the station judges the readings once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans {
    /// Where they are; `None` where the station judges nothing.
    pub directory: Option<PathBuf>,
    /// Where clients live of whom nothing else is said.
    pub zone: TimeZone,
    /// Where the others live.
    pub zones: BTreeMap<SubjectId, TimeZone>,
}

impl Plans {
    /// Where `subject` lives.
    #[must_use]
    pub fn zone_of(&self, subject: &SubjectId) -> TimeZone {
        self.zones.get(subject).unwrap_or(&self.zone).clone()
    }
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] with every problem of the file; nothing was started or written.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| ConfigError::Read { path: path.to_owned(), cause })?;
        Self::parse(&text, path)
    }

    /// Checks the text of the configuration file at `path`, to which relative paths refer.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::Problems`] with every problem of the text.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let directory = path.parent().unwrap_or(Path::new(""));
        document::read(text, |root| read::config(root, directory))
            .map_err(|problems| ConfigError::Problems { path: path.to_owned(), problems })
    }
}

#[cfg(test)]
mod tests;
