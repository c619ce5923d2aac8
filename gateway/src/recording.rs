//! What an unknown device says, written down for whoever makes a decoder of it.
//!
//! The bytes are not interpreted here: what comes is written as vectors in the format of
//! `tests/vectors`, with the moment of each and without what could name the device or its owner.

mod gatt;
mod identity;
mod line;
mod vector;

use std::time::Duration;

pub use self::gatt::listen;
pub use self::identity::Identity;
pub use self::line::{LineSettings, listen_to_line};
pub use self::vector::{Origin, Vector};

/// Something that a device said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utterance {
    /// Where in the device it came from.
    pub origin: Origin,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How long after the link or the line was up.
    pub after: Duration,
}
