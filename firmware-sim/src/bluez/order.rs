//! What a test or a scenario tells the simulated daemon and its devices to do.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use thiserror::Error;

use super::host::Spoiled;
use super::link::Ending;
use super::peripheral::{LinkFault, PairingFault, Peripheral, Phase};
use super::world::World;
use crate::device::{Kind, MeasureError, Measurement, Record, taidoc};
use crate::fault::{self, ByteFault, Extent};

/// Why an order was not carried out.
#[derive(Debug, Error)]
pub enum OrderError {
    /// No device of that name is simulated.
    #[error("no simulated device is called {0:?}")]
    UnknownDevice(String),
    /// The device could not measure; nothing was stored.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// The device's link has no such thing, for example a bond on a serial port.
    #[error("{device} cannot do that on its link")]
    WrongLink {
        /// The device in question.
        device: String,
    },
    /// The daemon could not get on the bus; it does not run.
    #[error("failed to serve org.bluez on {address}")]
    Bus {
        /// The bus in question.
        address: String,
        /// What the bus said.
        source: zbus::Error,
    },
    /// The serial port could not be made.
    #[error("failed to make the serial port of {device}")]
    Port {
        /// The device in question.
        device: String,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// The simulation has ended.
    #[error("the simulation has ended")]
    Ended,
}

/// What one device is told to do.
#[derive(Clone, Debug)]
pub(crate) enum DeviceOrder {
    Measure(Measurement),
    Replay(Vec<Vec<u8>>),
    Wake,
    Sleep,
    HangUp,
    DropLink,
    NextLink(LinkFault),
    NextPairing(PairingFault),
    ForgetBond,
    PairingMode(bool),
    TypePasskey(u32),
    Battery(u8),
    ClockError(SignedDuration),
    ClockSet(DateTime),
    MissWake,
    Spoil(ByteFault, Extent),
    Heal,
    Flood { frame: Vec<u8>, per_second: NonZeroU32, lasting: Duration },
    Plug,
    Unplug,
    UnplugInFrame,
}

/// What the daemon is told to do.
#[derive(Clone, Debug)]
pub(crate) enum BluezOrder {
    Powered(bool),
    PlugAdapter,
    UnplugAdapter,
    Exit,
    Start,
    SpoilNext { member: String, spoiled: Spoiled },
    HangWithoutAgent(bool),
    LoseEarlyValues(bool),
}

impl World {
    /// Carries out an order for one device.
    pub(crate) fn order_device(
        &mut self,
        name: &str,
        order: DeviceOrder,
    ) -> Result<(), OrderError> {
        let host = &mut self.host;
        let device = self
            .peripherals
            .values_mut()
            .find(|peripheral| peripheral.name == name)
            .ok_or_else(|| OrderError::UnknownDevice(name.to_owned()))?;
        match order {
            DeviceOrder::Measure(measurement) => {
                let surroundings = device.surroundings(self.local);
                let records = device.kind.records(&measurement, surroundings)?;
                if device.kind == Kind::TaiDocOnAir {
                    device.meter.insert(0, taidoc::record(&measurement, surroundings.clock)?);
                }
                if let Some(unit) = &mut device.omron {
                    unit.keep(&measurement, surroundings)?;
                }
                let said = device.kind.advertised(&measurement, surroundings.clock)?;
                device.radio.service_data.extend(said);
                device.counters.measurements = device.counters.measurements.saturating_add(1);
                device.take_in(host, records);
            }
            DeviceOrder::Replay(frames) => {
                let records = device.kind.replayed(frames);
                device.take_in(host, records);
            }
            DeviceOrder::Wake => device.wake(host),
            DeviceOrder::Sleep => device.sleep(host),
            DeviceOrder::HangUp => device.unlink(host, Ending::HungUp),
            DeviceOrder::DropLink => device.unlink(host, Ending::Lost),
            DeviceOrder::NextLink(fault) => device.link_faults.push_back(fault),
            DeviceOrder::NextPairing(fault) => device.pairing_faults.push_back(fault),
            DeviceOrder::ForgetBond => forget_bond(device),
            DeviceOrder::PairingMode(accepts) => device.pairing_mode = accepts,
            DeviceOrder::TypePasskey(digits) => device.type_passkey(host, digits),
            DeviceOrder::Battery(percent) => device.battery_percent = percent,
            DeviceOrder::ClockError(error) => device.clock_error = error,
            DeviceOrder::ClockSet(shown) => device.clock_error = shown.duration_since(self.local),
            DeviceOrder::MissWake => {
                device.n_wakes_to_miss = device.n_wakes_to_miss.saturating_add(1);
            }
            DeviceOrder::Spoil(fault, extent) => device.spoiler.add(fault, extent),
            DeviceOrder::Heal => device.spoiler.heal(),
            DeviceOrder::Flood { frame, per_second, lasting } => {
                let stream = device.kind.stream();
                let records = fault::flood_times(per_second, lasting)
                    .map(|after| Record::live(stream, frame.clone(), after))
                    .collect();
                device.take_in(host, records);
            }
            DeviceOrder::Plug | DeviceOrder::Unplug | DeviceOrder::UnplugInFrame => {
                return Err(OrderError::WrongLink { device: name.to_owned() });
            }
        }
        Ok(())
    }

    /// Carries out an order for the daemon; exit and start also take the bus, which the shell does.
    pub(crate) fn order_bluez(&mut self, order: BluezOrder) {
        match order {
            BluezOrder::Powered(powered) => self.set_powered(powered),
            BluezOrder::PlugAdapter => self.plug_adapter(),
            BluezOrder::UnplugAdapter => self.unplug_adapter(),
            BluezOrder::Exit => self.daemon_exited(),
            BluezOrder::Start => self.daemon_started(),
            BluezOrder::SpoilNext { member, spoiled } => {
                self.host.spoiled.entry(member).or_default().push_back(spoiled);
            }
            BluezOrder::HangWithoutAgent(hangs) => self.host.hangs_without_agent = hangs,
            BluezOrder::LoseEarlyValues(loses) => self.host.loses_early_values = loses,
        }
    }
}

/// The device loses its key, as after a change of batteries; a link that is up stays up.
fn forget_bond(device: &mut Peripheral) {
    device.bonded = false;
    if device.phase != Phase::Linked {
        device.enabled.clear();
    }
}
