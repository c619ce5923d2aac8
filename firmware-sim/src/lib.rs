//! Simulated devices: an `org.bluez` on a private bus and serial ports on pseudo-terminals that
//! speak as real devices do.
//!
//! Every byte is written from the profile and vendor texts; nothing is shared with the decoders
//! under test.

pub mod bluez;
pub mod bus;
mod clock;
pub mod command;
pub mod device;
pub mod fault;
pub mod gatt;
pub mod scenario;
pub mod serial;
pub mod simulator;
mod supervise;
