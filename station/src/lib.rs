//! The agency side of Vitalgate: it keeps what the homes send, says what it holds, and shows the
//! nurses what needs them.

pub mod alarm;
pub mod alert;
pub mod board;
pub mod clock;
pub mod command;
pub mod config;
pub mod core;
pub mod desk;
pub mod inbound;
pub mod key;
pub mod order;
pub mod oversight;
pub mod page;
pub mod plans;
pub mod serve;
pub mod session;
pub mod store;
pub mod supervise;
pub mod telemetry;

#[cfg(test)]
mod sample;
