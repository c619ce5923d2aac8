//! A running simulation, and the handles by which tests and scenarios drive it.

mod handle;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use thiserror::Error;
use tokio::sync::mpsc;

pub use self::handle::{BluezHandle, DeviceHandle};
use crate::bluez::{OrderError, Peripheral, Shell, World};
use crate::clock::Clock;
use crate::device::{Device, Link};
use crate::serial::{self, RunningPort};
use crate::supervise::{self, Task};

/// Where and how a simulation runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The D-Bus address to serve `org.bluez` on; without one there is no Bluetooth.
    pub bus_address: Option<String>,
    /// The directory for the links to serial ports; it is made if it is not there.
    pub serial_dir: PathBuf,
    /// Seeds all randomness.
    pub seed: u64,
    /// How many times faster than real time the simulation runs.
    pub speed: NonZeroU32,
    /// The zone of the devices' clocks.
    pub zone: TimeZone,
}

impl Options {
    /// Real-time speed, a fixed seed, the system's time zone, no Bluetooth.
    #[must_use]
    pub fn new(serial_dir: impl Into<PathBuf>) -> Self {
        Self {
            bus_address: None,
            serial_dir: serial_dir.into(),
            seed: 1,
            speed: NonZeroU32::MIN,
            zone: TimeZone::system(),
        }
    }

    /// Serves `org.bluez` on the bus at this address.
    #[must_use]
    pub fn on_bus(mut self, address: impl Into<String>) -> Self {
        self.bus_address = Some(address.into());
        self
    }
}

/// Why a simulation could not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Two devices have the same name, address or port.
    #[error("two devices are {0}")]
    Duplicate(String),
    /// A Bluetooth device is simulated without a bus.
    #[error("{0} needs a bus address, for it is a Bluetooth device")]
    NoBus(String),
    /// A link could not be set up.
    #[error(transparent)]
    Order(#[from] OrderError),
}

/// A running simulation; it ends when this value and all handles are dropped.
#[derive(Debug)]
pub struct Simulator {
    devices: BTreeMap<String, DeviceHandle>,
    ports: BTreeMap<String, PathBuf>,
    bluez: BluezHandle,
    clock: Clock,
    seed: u64,
    _tasks: Vec<Task>,
}

impl Simulator {
    /// Starts devices; on return `org.bluez` has its name and the serial ports are there.
    ///
    /// # Errors
    ///
    /// Returns [`StartError`] if devices contradict each other or a link cannot be set up.
    pub async fn start(options: Options, devices: Vec<Device>) -> Result<Self, StartError> {
        refuse_duplicates(&devices)?;
        let clock = Clock::start(options.speed, options.zone);
        let mut tasks = Vec::new();
        let mut handles = BTreeMap::new();
        let mut ports = BTreeMap::new();
        let mut peripherals = Vec::new();
        for Device { name, kind, link } in devices {
            match link {
                Link::Bluetooth(_) if options.bus_address.is_none() => {
                    return Err(StartError::NoBus(name));
                }
                Link::Bluetooth(radio) => {
                    peripherals.push(Peripheral::new(name, kind, *radio, options.seed));
                }
                Link::Serial(settings) => {
                    let (clock, seed) = (clock.clone(), options.seed);
                    let directory = &options.serial_dir;
                    let running = serial::start(&name, kind, settings, directory, clock, seed)?;
                    let RunningPort { name, path, commands, counters, task } = running;
                    ports.insert(name.clone(), path);
                    tasks.push(task);
                    handles.insert(name.clone(), DeviceHandle::new(name, commands, counters, None));
                }
            }
        }

        let names: Vec<String> = peripherals.iter().map(|it| it.name.clone()).collect();
        let world = World::new(peripherals, options.seed, clock.local_time());
        let (commands, orders) = mpsc::channel(64);
        let has_bus = options.bus_address.is_some();
        let mut shell =
            Shell::new(world, clock.clone(), options.bus_address.unwrap_or_default(), orders);
        if has_bus {
            shell.attach().await?;
        }
        for name in names {
            if let Some(counters) = shell.watch_device(&name) {
                let (commands, delivered) = (commands.clone(), shell.watch_delivered(&name));
                let handle = DeviceHandle::new(name.clone(), commands, counters, delivered);
                handles.insert(name, handle);
            }
        }
        let bluez = BluezHandle::new(commands, shell.watch_totals());
        tasks.push(supervise::spawn("simulated bluez", shell.run()));
        let seed = options.seed;
        Ok(Self { devices: handles, ports, bluez, clock, seed, _tasks: tasks })
    }

    /// Returns the handle of a device.
    ///
    /// # Errors
    ///
    /// Returns [`OrderError::UnknownDevice`] if no device has this name.
    pub fn device(&self, name: &str) -> Result<DeviceHandle, OrderError> {
        self.devices.get(name).cloned().ok_or_else(|| OrderError::UnknownDevice(name.to_owned()))
    }

    /// Returns the handle of the Bluetooth daemon and its adapter.
    #[must_use]
    pub fn bluez(&self) -> BluezHandle {
        self.bluez.clone()
    }

    /// Returns the handles of all devices, by name.
    pub fn devices(&self) -> impl Iterator<Item = &DeviceHandle> {
        self.devices.values()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns the paths of the serial ports by device name.
    #[must_use]
    pub fn ports(&self) -> &BTreeMap<String, PathBuf> {
        &self.ports
    }
}

fn refuse_duplicates(devices: &[Device]) -> Result<(), StartError> {
    let mut seen = std::collections::BTreeSet::new();
    for device in devices {
        let place = match &device.link {
            Link::Bluetooth(radio) => format!("at {}", radio.address),
            Link::Serial(settings) => format!("on port {}", settings.port),
        };
        for what in [format!("called {:?}", device.name), place] {
            if !seen.insert(what.clone()) {
                return Err(StartError::Duplicate(what));
            }
        }
    }
    Ok(())
}
