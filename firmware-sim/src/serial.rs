//! Simulated serial devices: pseudo-terminals under a stable name, as in `/dev/serial/by-id`.
//!
//! As on a real port, bytes sent while no program has the port open are lost, and a program that sets
//! it to another speed than the device's reads garbage.

mod ear;
mod line;
mod port;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use self::line::Line;
use crate::bluez::{Command, Counters, OrderError};
use crate::clock::Clock;
use crate::device::Kind;
use crate::supervise::{self, Task};

/// The serial side of a device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SerialPort {
    /// The name of its link in the directory of ports, for example `usb-Nonin_Xpod-port0`.
    pub port: String,
    /// From one frame to the next, in simulated time; zero sends as fast as the reader reads.
    pub pace: Duration,
    /// Plugged in when the simulation starts.
    pub plugged: bool,
}

/// A running serial device.
#[derive(Debug)]
pub(crate) struct RunningPort {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) counters: watch::Receiver<Counters>,
    pub(crate) task: Task,
}

/// Starts a serial device in a directory of ports.
pub(crate) fn start(
    name: &str,
    kind: Kind,
    settings: SerialPort,
    directory: &std::path::Path,
    clock: Clock,
    seed: u64,
) -> Result<RunningPort, OrderError> {
    let path = directory.join(&settings.port);
    let (commands, orders) = mpsc::channel(64);
    let line = Line::start(name, kind, settings, path.clone(), clock, seed, orders)?;
    let counters = line.watch();
    let task = supervise::spawn("serial line", line.run());
    Ok(RunningPort { name: name.to_owned(), path, commands, counters, task })
}
