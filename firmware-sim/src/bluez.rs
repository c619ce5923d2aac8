//! A simulated `org.bluez`: enough of the Bluetooth daemon for unmodified clients, with the ways
//! in which the real one goes wrong.
//!
//! The daemon and its devices are a core without I/O (`world`); `shell` puts it on a bus.

mod access;
mod adapter;
mod discovery;
mod effect;
mod failure;
#[cfg(test)]
mod home;
mod host;
mod link;
mod memory;
mod order;
mod pairing;
mod path;
mod peripheral;
mod records;
mod session;
mod shell;
mod tree;
mod wire;
mod world;

pub use self::failure::Failure;
pub use self::host::BluezCounters;
pub(crate) use self::host::Spoiled;
pub use self::order::OrderError;
pub(crate) use self::order::{BluezOrder, DeviceOrder};
pub(crate) use self::peripheral::Peripheral;
pub use self::peripheral::{Counters, Delivery, LinkFault, PairingFault};
pub(crate) use self::shell::{Command, Order, Shell};
pub(crate) use self::world::World;
