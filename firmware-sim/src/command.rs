//! The command line: tells a story to whoever connects, and says each thing on standard output.

use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

use crate::bus::{Broker, Bus};
use crate::device::{Device, Link};
use crate::scenario::{self, Problems, Rounds, Scenario};
use crate::simulator::{Options, Simulator};

/// Simulated medical devices: an org.bluez on a private bus and serial ports, led by a scenario.
#[derive(Clone, Debug, Parser)]
#[command(name = "firmware-sim", version)]
pub struct Arguments {
    /// The scenario to tell.
    scenario: PathBuf,
    /// How many times faster than real time.
    #[arg(long, default_value = "1")]
    speed: NonZeroU32,
    /// Seeds faults and the variation of values.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Lists the devices of the scenario and ends.
    #[arg(long)]
    list_devices: bool,
}

/// Why the command ended without success.
#[derive(Debug, Error)]
pub enum Failure {
    /// The scenario says something that cannot be; nothing was started.
    #[error("{}", listed(path, problems))]
    Scenario {
        /// The scenario's file.
        path: PathBuf,
        /// All that is wrong with it.
        problems: Problems,
    },
    /// The scenario cannot be read; nothing was started.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The scenario's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The simulation could not start or go on.
    #[error("{0:#}")]
    Simulation(anyhow::Error),
}

fn listed(path: &Path, problems: &Problems) -> String {
    let lines = problems.iter().map(|problem| format!("{}: {problem}", path.display()));
    lines.collect::<Vec<_>>().join("\n")
}

impl Failure {
    /// Returns the exit code: 2 for a scenario that cannot be used, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Scenario { .. } | Self::Read { .. } => 2,
            Self::Simulation(_) => 1,
        }
    }
}

/// Does what the command line says, until SIGINT or SIGTERM.
///
/// # Errors
///
/// Returns [`Failure`] if the scenario cannot be used or the simulation cannot start or go on.
pub async fn run(arguments: Arguments, out: impl Write) -> Result<(), Failure> {
    let Arguments { scenario: path, speed, seed, list_devices } = arguments;
    let text = std::fs::read_to_string(&path)
        .map_err(|source| Failure::Read { path: path.clone(), source })?;
    let story = Scenario::parse(&text).map_err(|problems| Failure::Scenario { path, problems })?;
    let out = Lines(RefCell::new(out));
    if list_devices {
        for device in story.devices() {
            out.say(described(&device)).map_err(Failure::Simulation)?;
        }
        return Ok(());
    }
    tell(&story, speed, seed, &out).await.map_err(Failure::Simulation)
}

/// Where lines are said: each one reaches the reader at once.
struct Lines<W>(RefCell<W>);

impl<W: Write> Lines<W> {
    fn say(&self, line: impl Display) -> anyhow::Result<()> {
        let mut out = self.0.borrow_mut();
        writeln!(out, "{line}").and_then(|()| out.flush()).context("failed to write a line")
    }

    /// Says a line of the story; a reader that has gone away does not end the simulation.
    fn tell(&self, line: &impl Display) {
        if let Err(error) = self.say(line) {
            tracing::debug!(error = %format!("{error:#}"), "nobody reads the story");
        }
    }
}

fn described(device: &Device) -> String {
    let place = match &device.link {
        Link::Bluetooth(radio) => format!("{} \"{}\"", radio.address, radio.local_name),
        Link::Serial(settings) => settings.port.clone(),
    };
    format!("{}: {} at {place}", device.name, device.kind.word())
}

async fn tell<W: Write>(
    story: &Scenario,
    speed: NonZeroU32,
    seed: u64,
    out: &Lines<W>,
) -> anyhow::Result<()> {
    // From here on both signals end the simulation in an orderly way.
    let mut interrupted = signal(SignalKind::interrupt()).context("failed to watch SIGINT")?;
    let mut terminated = signal(SignalKind::terminate()).context("failed to watch SIGTERM")?;

    let ports = tempfile::Builder::new()
        .prefix("sim-ports-")
        .tempdir()
        .context("failed to make a directory for serial ports")?;
    let bus = Bus::start(Broker::Any).await.context("failed to start a private bus")?;
    let mut options = Options::new(ports.path()).on_bus(bus.address());
    (options.speed, options.seed) = (speed, seed);
    let simulator =
        Simulator::start(options, story.devices()).await.context("failed to start the devices")?;

    out.say(format_args!("DBUS_SYSTEM_BUS_ADDRESS={}", bus.address()))?;
    for (device, path) in simulator.ports() {
        out.say(format_args!("port {device} {}", path.display()))?;
    }
    out.say(format_args!("story: {}", story.title()))?;

    let telling = async {
        let told = scenario::run(&simulator, story, Rounds::Endless, |event| out.tell(event));
        told.await.context("failed to go on with the story")?;
        out.tell(&"the story is over; the devices stay");
        std::future::pending().await
    };
    let watching = scenario::watch(&simulator, |happening| out.tell(happening));
    tokio::select! {
        // A cause is told before its effects.
        biased;
        ended = telling => ended,
        () = watching => anyhow::bail!("the simulation has ended by itself"),
        _ = interrupted.recv() => Ok(()),
        _ = terminated.recv() => Ok(()),
    }
}
