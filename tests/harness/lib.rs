//! A home and an agency in one value: what the stories and the demo are built from.

pub mod agency;
pub mod audit;
pub mod backlog;
pub mod broker;
pub mod browser;
pub mod clock;
pub mod delivery;
mod embedded_broker;
pub mod fault;
pub mod home;
pub mod listener;
pub mod notify;
pub mod process;
pub mod program;
pub mod proxy;
pub mod story;
pub mod tool;
pub mod trace;
pub mod traffic;
pub mod wire;
