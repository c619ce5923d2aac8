//! `up/health` and `status`: how the hub is, and whether it is connected. Not sequenced.

use serde::{Deserialize, Serialize};

use super::Clock;
use crate::identity::Sequence;
use crate::wire::primitive::{Bytes, Time};

/// The latest health snapshot of a hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Contract version.
    pub v: u8,
    /// The hub.
    pub hub: String,
    /// Epoch of its database, 8 bytes.
    pub epoch: Bytes,
    /// When the snapshot was taken.
    pub at: Time,
    /// What the hub's clocks were worth then; absent from hubs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// When the daemon started.
    pub started_at: Time,
    /// Version of the daemon.
    pub version: String,
    /// The highest number given.
    pub last_seq: Sequence,
    /// Records that the agency has not confirmed.
    pub unconfirmed: u64,
    /// Size of the database in bytes.
    pub database_bytes: u64,
    /// Alerts that are open.
    pub open_alerts: u64,
    /// The devices of this home.
    pub devices: Vec<DeviceHealth>,
    /// How full the ledger is and how sound; absent where a hub does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageHealth>,
    /// Since when the hub hears nothing of the agency; absent while it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency_silent_since: Option<Time>,
    /// The open alerts as they stand; absent where they are too many to list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerts: Option<Vec<OpenAlert>>,
}

/// How full a hub's ledger is, and how sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageHealth {
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes that it may use.
    pub max_bytes: u64,
    /// When the oldest record was recorded that is still there.
    pub oldest_at: Option<Time>,
    /// When every record had last been verified.
    pub scrubbed_at: Option<Time>,
    /// Records that were found to be damaged since the ledger was made.
    pub damaged: u64,
    /// Since when new records are in memory only, which the hub loses with its power; absent while
    /// they are stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_only_since: Option<Time>,
}

/// Most open alerts that one snapshot lists.
pub const OPEN_ALERTS_MAX: usize = 64;

/// How one open alert stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAlert {
    /// `<epoch>-<seq>` of the transition that raised it.
    pub alert_id: String,
    /// Revision of the alert.
    pub rev: u32,
    /// What it waits for: active, acknowledged or latched.
    pub standing: String,
}

/// How one device is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceHealth {
    /// Name that the hub gave it.
    pub id: String,
    /// Catalogue key of its model.
    pub model: String,
    /// When it was last heard.
    pub last_seen: Option<Time>,
    /// When its last reading was received.
    pub last_reading: Option<Time>,
    /// What went wrong last, in one sentence.
    pub last_error: Option<String>,
}

/// Whether a hub is connected; retained, and the last will of the connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Contract version.
    pub v: u8,
    /// The hub.
    pub hub: String,
    /// A word of [`Presence`].
    pub state: String,
    /// When the connection began that says so.
    pub since: Time,
}

/// Whether a hub is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Presence {
    /// The connection stands.
    Online,
    /// It ended.
    Offline,
}

impl Presence {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
        }
    }
}
