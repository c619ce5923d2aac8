//! Care plan in, readings and time in, alert transitions out.
//!
//! This crate does no I/O, is not async and reads no clock: whoever calls it brings the time, stores
//! what it returns, and only then applies it.
//!
//! The way of one reading: [`Engine::observe`] asks every rule of the client's plans what it
//! finds, and turns each finding into at most one [`Transition`].
//! A finding is never "normal because nothing was said": silence, doubt and an unknown client clear
//! nothing.

#![warn(missing_docs)]

pub mod alert;
pub mod attendance;
pub mod average;
pub mod engine;
pub mod history;
pub mod news2;
pub mod plan;
pub mod replay;
pub mod rule;
pub mod technical;
pub mod timer;
pub mod trial;

pub use alert::{Alert, Change, Disposition, Refusal, Standing, Transition};
pub use attendance::Outage;
pub use engine::Engine;
pub use plan::Plan;
pub use replay::Replay;
pub use technical::Condition;
pub use timer::Timers;
pub use trial::Trial;

#[cfg(test)]
mod sample;
