//! The words that hub and agency share: readings, units, identities and the wire contract.
//!
//! This crate does no I/O and reads no clock.

#![warn(missing_docs)]

pub mod alert;
pub mod device;
pub mod device_time;
pub mod document;
pub mod exercise;
pub mod identity;
pub mod instant;
pub mod moment;
pub mod quantity;
pub mod ranges;
pub mod reading;
pub mod timeline;
pub mod unit;
pub mod wire;
pub mod write_ahead;

pub use alert::{Category, Priority};
pub use device::{DeviceKind, DeviceReference};
pub use device_time::DeviceTime;
pub use exercise::Exercise;
pub use identity::{
    AgencyId, AlertId, DeviceId, Epoch, HubId, IdentityError, ReadingId, Sequence, SubjectId,
};
pub use instant::LocalInstant;
pub use moment::{BootId, Moment, Uptime};
pub use quantity::{Quantity, QuantityError, Vital};
pub use ranges::SequenceRanges;
pub use reading::{Context, Flag, Measurement, Phase, Reading, ReadingKind, TimeQuality};
pub use timeline::Timeline;
pub use unit::{Dimension, Unit};
