//! Links: bytes with the device they came from and the moment they came, no parsing.

pub mod bluetooth;
pub mod dialogue;
pub mod history;
pub mod serial;

use std::time::Duration;

use uuid::Uuid;
use vitals::DeviceId;

use crate::clock::Stamp;

/// Where in a device bytes came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Value of a GATT characteristic, or the data of a service in an advertisement: one whole value.
    Characteristic(Uuid),
    /// Serial line: any piece of the stream.
    Serial,
}

/// What is written to a device to make it talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Write {
    /// What to write.
    pub bytes: &'static [u8],
    /// Time between two writes; `None` where once is enough, when the line opens or the session is
    /// set up.
    pub every: Option<Duration>,
}

impl Write {
    /// Bytes to write once.
    #[must_use]
    pub const fn once(bytes: &'static [u8]) -> Self {
        Self { bytes, every: None }
    }

    /// Bytes to write again and again, in whole seconds.
    #[must_use]
    pub const fn every(seconds: u64, bytes: &'static [u8]) -> Self {
        Self { bytes, every: Some(Duration::from_secs(seconds)) }
    }
}

/// Knows a device by what it says: where in the bytes that came so far it is heard for sure, if
/// anywhere.
pub type Recognise = fn(&[u8]) -> Option<usize>;

/// What is written to a characteristic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The characteristic; a device without it is asked for nothing.
    pub characteristic: Uuid,
    /// What to write, and how often.
    pub write: Write,
}

/// Bytes as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The device.
    pub device: DeviceId,
    /// Where in it.
    pub source: Source,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// When they came.
    pub received: Stamp,
}

/// Which link an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkName {
    /// Bluetooth LE through BlueZ.
    Bluetooth,
    /// Serial ports.
    Serial,
}

impl LinkName {
    /// What logs and events call it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bluetooth => "bluetooth",
            Self::Serial => "serial",
        }
    }
}

/// How a session with a device ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEnd {
    /// The device ended it after it was set up: how episodic devices say that they are done.
    ByDevice,
    /// We ended it: the device had nothing more to say.
    ByHub,
    /// It failed before it was set up, or in a way that lost something; one sentence.
    Failed(String),
}

/// What a link tells the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    /// A link can be used.
    Up(LinkName),
    /// A link cannot be used; one sentence why. It goes on trying.
    Lost(LinkName, String),
    /// A device was heard, or its port is there.
    Seen(DeviceId, Stamp),
    /// A session with a device began.
    Begun(DeviceId, Stamp),
    /// A session ended.
    Ended(DeviceId, SessionEnd, Stamp),
    /// Bytes came.
    Frame(Frame),
}
