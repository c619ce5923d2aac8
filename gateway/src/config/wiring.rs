//! From a row of the catalogue to what a link has to know.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use btleplug::api::BDAddr;
use jiff::tz::TimeZone;
use thiserror::Error;
use tokio::sync::watch;
use tokio_serial::{DataBits, StopBits};
use uuid::Uuid;

use crate::clock::Stamp;
use crate::device::catalogue::{self, Line, Parity, TimeWrite, Transport};
use crate::hub::Device;
use crate::link::bluetooth::{BluetoothDevice, BluetoothSettings, ClockWrite, Limits};
use crate::link::serial::{PortLine, SerialPort};

/// From a set-up session to its first value: a cuff may still be measuring.
const FIRST_VALUE: Duration = Duration::from_secs(90);

/// How long a device is left in peace after the hub let it go.
const REST: Duration = Duration::from_secs(3);

/// What the configuration says about the radio.
#[derive(Debug)]
pub(super) struct Radio {
    /// Name of the adapter; without one the first that is there.
    pub(super) adapter: Option<String>,
    /// Silence after which it is taken for deaf.
    pub(super) silence_limit: Duration,
}

/// A Bluetooth address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address(BDAddr);

/// A text is no Bluetooth address.
#[derive(Debug, Error)]
#[error("{0:?} is no Bluetooth address; write one like \"5C:31:3E:00:4A:11\"")]
pub(super) struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        text.parse().map(Self).map_err(|_cause| AddressError(text.to_owned()))
    }
}

impl Address {
    /// Its bytes, as they are written.
    pub(super) fn bytes(self) -> [u8; 6] {
        self.0.into_inner()
    }
}

/// What opens the values of one device.
#[derive(Clone, Copy)]
pub(super) struct BindKey(pub(super) [u8; 16]);

/// A text is no key.
#[derive(Debug, Error)]
#[error("no key: it has 32 hexadecimal digits")]
pub(super) struct BindKeyError;

impl FromStr for BindKey {
    type Err = BindKeyError;

    fn from_str(text: &str) -> Result<Self, BindKeyError> {
        let mut key = [0; 16];
        hex::decode_to_slice(text, &mut key).map(|()| Self(key)).map_err(|_cause| BindKeyError)
    }
}

/// The Bluetooth link of a home.
pub(super) fn bluetooth_settings(
    radio: Radio,
    devices: Vec<BluetoothDevice>,
    zone: &TimeZone,
) -> BluetoothSettings {
    let scan_services = catalogue::models().iter().flat_map(|it| services(&it.transport)).collect();
    // Nobody moves a running hub into another zone yet: the sender may go.
    let (_sender, zone) = watch::channel(zone.clone());
    // The daemon, to whom a person speaks, puts its own in the place.
    let (_nobody, quiet_until) = watch::channel(Duration::ZERO);
    let (_nobody, booted_at) = watch::channel(None);
    let remedies = watch::Sender::default();
    let limits = Limits { radio_silence: Some(radio.silence_limit), ..Limits::default() };
    let adapter = radio.adapter;
    BluetoothSettings {
        adapter,
        devices,
        scan_services,
        zone,
        booted_at,
        quiet_until,
        remedies,
        limits,
    }
}

/// A device on the Bluetooth link; `None` where its model has another.
pub(super) fn bluetooth_device(
    device: &Device,
    address: Address,
    consents: &BTreeMap<u8, u16>,
) -> Option<BluetoothDevice> {
    let Transport::Bluetooth { advertised, subscriptions, reads, time_write, settle, .. } =
        &device.model.transport
    else {
        return None;
    };
    // First of all: what the device says before it answers is judged without it.
    let clock = time_write.filter(|it| it.can_be_read()).map(TimeWrite::characteristic);
    Some(BluetoothDevice {
        id: device.id.clone(),
        address: address.0,
        services: services(&device.model.transport),
        advertised: advertised.to_vec(),
        subscriptions: subscriptions.to_vec(),
        reads: clock.into_iter().chain(reads.iter().copied()).collect(),
        clock: time_write.map(clock_write),
        consents: consents
            .iter()
            .map(|(slot, consent)| catalogue::consent(*slot, *consent))
            .collect(),
        requests: device.model.transport.requests(),
        script: device.model.transport.script(),
        settle: *settle,
        first_value: FIRST_VALUE,
        quiet: device.model.transport.quiet().unwrap_or_default(),
        rest: REST,
    })
}

/// A device on a serial port; `None` where its model has another link.
pub(super) fn serial_port(device: &Device, path: PathBuf) -> Option<SerialPort> {
    let Transport::Serial { lines } = &device.model.transport else { return None };
    let (line, others) = lines.split_first()?;
    Some(SerialPort {
        device: device.id.clone(),
        path,
        line: port_line(line),
        others: others.iter().map(port_line).collect(),
    })
}

fn port_line(line: &Line) -> PortLine {
    PortLine {
        baud: line.baud,
        data_bits: if line.data_bits == 7 { DataBits::Seven } else { DataBits::Eight },
        parity: match line.parity {
            Parity::None => tokio_serial::Parity::None,
            Parity::Even => tokio_serial::Parity::Even,
            Parity::Odd => tokio_serial::Parity::Odd,
        },
        stop_bits: if line.stop_bits == 2 { StopBits::Two } else { StopBits::One },
        writes: line.writes.to_vec(),
        recognise: line.format.recognise(),
    }
}

fn services(transport: &Transport) -> Vec<Uuid> {
    match transport {
        Transport::Bluetooth { services, .. } => services.to_vec(),
        Transport::Serial { .. } => Vec::new(),
    }
}

fn clock_write(write: TimeWrite) -> ClockWrite {
    let encode: fn(Stamp, &TimeZone) -> Vec<u8> = match write {
        TimeWrite::DateTime => |now, zone| TimeWrite::DateTime.value(zone.to_datetime(now.wall)),
        TimeWrite::CurrentTime => {
            |now, zone| TimeWrite::CurrentTime.value(zone.to_datetime(now.wall))
        }
        TimeWrite::Microlife => |now, zone| TimeWrite::Microlife.value(zone.to_datetime(now.wall)),
        TimeWrite::Transtek => |now, zone| TimeWrite::Transtek.value(zone.to_datetime(now.wall)),
    };
    ClockWrite { characteristic: write.characteristic(), encode }
}
