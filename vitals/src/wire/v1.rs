//! Contract version 1: the messages between a hub and its agency.

mod alert;
mod clocks;
mod command;
mod event;
mod health;
mod reading;
mod receipt;
mod timers;

pub use alert::{Alert, Amount};
pub use clocks::{Clock, Recorded};
pub use command::{Command, Instruction};
pub use event::{Assignment, Event, EventKind};
pub use health::{
    DeviceHealth, Health, OPEN_ALERTS_MAX, OpenAlert, Presence, Status, StorageHealth,
};
pub use reading::{Context, Device, Reading, Value};
pub use receipt::Receipt;
use serde::{Deserialize, Serialize};
pub use timers::{Deadline, Timers};

use crate::identity::{Epoch, Sequence};
use crate::wire::canonical::DecodeError;
use crate::wire::primitive::{Bytes, Time};

/// The version in every message.
pub const VERSION: u8 = 1;

/// Largest message in bytes that a hub sends; the largest packet a broker must take is 1 KiB more.
pub const MESSAGE_LEN_BYTES_MAX: usize = 8 * 1024;

/// The keys with which every sequenced message begins, enough to file a message of any kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Contract version.
    pub v: u8,
    /// Epoch of the hub's database, 8 bytes.
    pub epoch: Bytes,
    /// Number in that epoch.
    pub seq: Sequence,
    /// The hub that recorded it.
    pub hub: String,
    /// When the hub recorded it.
    pub recorded_at: Time,
}

impl Envelope {
    /// The epoch of the hub's database.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Value`] where it does not have 8 bytes.
    pub fn epoch(&self) -> Result<Epoch, DecodeError> {
        epoch(&self.epoch)
    }
}

fn epoch(bytes: &Bytes) -> Result<Epoch, DecodeError> {
    let array = <[u8; 8]>::try_from(bytes.0.as_slice())
        .map_err(|it| DecodeError::Value { key: "epoch", cause: it.to_string() })?;
    Ok(Epoch(array))
}

fn value_error(key: &'static str, cause: &impl ToString) -> DecodeError {
    DecodeError::Value { key, cause: cause.to_string() }
}
