//! The hub daemon `vitalgate`: links, decoders, store, uplink and command line.

pub mod clock;
pub mod command;
pub mod config;
pub mod daemon;
pub mod device;
pub mod hub;
pub mod link;
pub mod live;
pub mod local;
pub mod pairing;
pub mod recording;
pub mod store;
pub mod supervise;
pub mod telemetry;
pub mod uplink;
pub mod watchdog;
