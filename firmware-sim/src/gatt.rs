//! What a Bluetooth device shows of itself: its address and its table of services.
//!
//! Handles are given in order, as in an attribute table: service declaration, then for each
//! characteristic its declaration, its value and, if it can be subscribed to, its CCCD.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use uuid::Uuid;

/// The Battery Service, which BlueZ keeps to itself and shows as `org.bluez.Battery1`.
pub const BATTERY_SERVICE: Uuid = short(0x180F);
/// Battery Level: 0 to 100 percent.
pub const BATTERY_LEVEL: Uuid = short(0x2A19);

/// Returns the full UUID of a number assigned by the Bluetooth SIG.
#[must_use]
pub const fn short(assigned: u16) -> Uuid {
    // A widening conversion; `u128::from` is not usable in a constant.
    let [high, low] = assigned.to_be_bytes();
    Uuid::from_bytes([
        0, 0, high, low, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0x80, 0x5F, 0x9B, 0x34, 0xFB,
    ])
}

/// A Bluetooth device address.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Address(pub [u8; 6]);

/// A text that is not six hexadecimal octets joined by colons.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{0:?} is not a Bluetooth address such as 00:09:1F:8A:01:02")]
pub struct InvalidAddress(String);

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(formatter, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{f:02X}")
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let invalid = || InvalidAddress(text.to_owned());
        let octets: Vec<u8> = text
            .split(':')
            .map(|octet| match octet.len() {
                2 => u8::from_str_radix(octet, 16).ok(),
                _ => None,
            })
            .collect::<Option<_>>()
            .ok_or_else(invalid)?;
        octets.try_into().map(Self).map_err(|_octets| invalid())
    }
}

/// How a device's bytes for its clock are laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClockLayout {
    /// Date Time (0x2A08), 7 bytes.
    DateTime,
    /// Current Time (0x2A2B), 10 bytes.
    CurrentTime,
    /// A command of Transtek, 5 bytes; a device with it sends what it stored once it was set.
    Transtek,
}

/// What stands behind a characteristic.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Content {
    /// The same bytes at every read.
    Fixed(Vec<u8>),
    /// Records flow out of it; it cannot be read.
    Stream,
    /// The device's clock: reading tells it, writing sets it.
    Clock(ClockLayout),
    /// The charge of the battery, in percent.
    BatteryLevel,
    /// Takes any write and remembers it.
    Sink,
    /// Record Access Control Point (0x2A52): a device with it keeps what it measured, and sends it
    /// when it is asked to.
    RecordAccess,
    /// User Control Point (0x2A9F): a device with it sends what it stored only after a request with
    /// this code.
    UserControl {
        /// The consent code.
        consent: u16,
    },
    /// Questions of a `TaiDoc` meter: its answers leave by the same characteristic.
    Meter,
    /// The key of a memory: answers leave by the same characteristic.
    Key,
    /// Pieces of requests to a memory: answers leave by other characteristics.
    Request {
        /// Which piece of a request this takes, from 0.
        channel: usize,
    },
}

/// One characteristic of a service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Characteristic {
    /// Its type.
    pub uuid: Uuid,
    /// Its properties in BlueZ's words, for example `indicate`.
    pub flags: Vec<&'static str>,
    /// What stands behind it.
    pub content: Content,
}

impl Characteristic {
    /// A characteristic that indicates records.
    #[must_use]
    pub fn indicate(uuid: Uuid) -> Self {
        Self { uuid, flags: vec!["indicate"], content: Content::Stream }
    }

    /// A characteristic that notifies records.
    #[must_use]
    pub fn notify(uuid: Uuid) -> Self {
        Self { uuid, flags: vec!["notify"], content: Content::Stream }
    }

    /// A characteristic with constant bytes.
    #[must_use]
    pub fn fixed(uuid: Uuid, bytes: impl Into<Vec<u8>>) -> Self {
        Self { uuid, flags: vec!["read"], content: Content::Fixed(bytes.into()) }
    }

    /// A clock that can be read and set.
    #[must_use]
    pub fn clock(uuid: Uuid, layout: ClockLayout) -> Self {
        Self { uuid, flags: vec!["read", "write"], content: Content::Clock(layout) }
    }

    /// A command characteristic that takes writes without an effect on the simulation.
    #[must_use]
    pub fn sink(uuid: Uuid) -> Self {
        Self { uuid, flags: vec!["write"], content: Content::Sink }
    }

    /// A control point that takes requests for records and indicates how they went.
    #[must_use]
    pub fn record_access(uuid: Uuid) -> Self {
        Self { uuid, flags: vec!["write", "indicate"], content: Content::RecordAccess }
    }

    /// A control point that lets in who knows the code of a user, and indicates how that went.
    #[must_use]
    pub fn user_control(uuid: Uuid, consent: u16) -> Self {
        let content = Content::UserControl { consent };
        Self { uuid, flags: vec!["write", "indicate"], content }
    }

    pub(crate) fn can_subscribe(&self) -> bool {
        self.flags.iter().any(|flag| matches!(*flag, "indicate" | "notify"))
    }
}

/// One primary service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Service {
    /// Its type.
    pub uuid: Uuid,
    /// Its characteristics in handle order.
    pub characteristics: Vec<Characteristic>,
}

/// A handle in a device's attribute table.
pub(crate) type Handle = u16;

/// A characteristic at its place in the attribute table.
#[derive(Clone, Debug)]
pub(crate) struct PlacedCharacteristic {
    pub(crate) handle: Handle,
    pub(crate) cccd: Option<Handle>,
    pub(crate) characteristic: Characteristic,
}

/// A service at its place in the attribute table.
#[derive(Clone, Debug)]
pub(crate) struct PlacedService {
    pub(crate) handle: Handle,
    pub(crate) uuid: Uuid,
    pub(crate) characteristics: Vec<PlacedCharacteristic>,
}

/// A device's attribute table.
#[derive(Clone, Debug)]
pub(crate) struct Table(Vec<PlacedService>);

impl Table {
    /// Places services after the Generic Access and Generic Attribute services, as devices do.
    pub(crate) fn place(services: Vec<Service>) -> Self {
        let mut next: Handle = 0x0010;
        let mut take = || {
            let handle = next;
            next = next.saturating_add(1);
            handle
        };
        let placed = services
            .into_iter()
            .map(|service| PlacedService {
                handle: take(),
                uuid: service.uuid,
                characteristics: service
                    .characteristics
                    .into_iter()
                    .map(|characteristic| {
                        let handle = take();
                        let _value = take();
                        let cccd = characteristic.can_subscribe().then(&mut take);
                        PlacedCharacteristic { handle, cccd, characteristic }
                    })
                    .collect(),
            })
            .collect();
        Self(placed)
    }

    /// Returns all services, also those that BlueZ hides.
    pub(crate) fn services(&self) -> &[PlacedService] {
        &self.0
    }

    /// Returns the services that BlueZ shows: it claims the battery for itself.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &PlacedService> {
        self.0.iter().filter(|service| service.uuid != BATTERY_SERVICE)
    }

    pub(crate) fn has_battery(&self) -> bool {
        self.0.iter().any(|service| service.uuid == BATTERY_SERVICE)
    }

    /// Returns the control point of the records that the device keeps.
    pub(crate) fn record_access(&self) -> Option<&PlacedCharacteristic> {
        let mut all = self.0.iter().flat_map(|service| &service.characteristics);
        all.find(|placed| placed.characteristic.content == Content::RecordAccess)
    }

    pub(crate) fn shown_service(&self, handle: Handle) -> Option<&PlacedService> {
        self.shown().find(|service| service.handle == handle)
    }

    pub(crate) fn shown_characteristic(&self, handle: Handle) -> Option<&PlacedCharacteristic> {
        self.shown().flat_map(|service| &service.characteristics).find(|it| it.handle == handle)
    }

    /// Returns the first characteristic of a type, with its service.
    pub(crate) fn find(&self, uuid: Uuid) -> Option<(&PlacedService, &PlacedCharacteristic)> {
        self.0.iter().find_map(|service| {
            let found =
                service.characteristics.iter().find(|placed| placed.characteristic.uuid == uuid)?;
            Some((service, found))
        })
    }

    /// Returns the handles of all characteristics that records can flow out of.
    pub(crate) fn streams(&self) -> impl Iterator<Item = Handle> {
        self.0
            .iter()
            .flat_map(|service| &service.characteristics)
            .filter(|placed| placed.cccd.is_some())
            .map(|placed| placed.handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_it_is_written() {
        let address: Address = "00:09:1F:8a:01:02".parse().unwrap();
        assert_eq!(address.to_string(), "00:09:1F:8A:01:02");
    }

    #[test]
    fn an_address_of_five_octets_is_refused() {
        assert!("00:09:1F:8A:01".parse::<Address>().is_err());
    }

    #[test]
    fn a_short_uuid_stands_on_the_bluetooth_base() {
        assert_eq!(short(0x2A35).to_string(), "00002a35-0000-1000-8000-00805f9b34fb");
    }

    #[test]
    fn the_battery_service_is_hidden_as_bluez_hides_it() {
        let table = Table::place(vec![
            Service {
                uuid: short(0x1810),
                characteristics: vec![Characteristic::indicate(short(0x2A35))],
            },
            Service { uuid: BATTERY_SERVICE, characteristics: vec![] },
        ]);
        assert_eq!(table.services().len(), 2);
        assert_eq!(table.shown().count(), 1);
        assert!(table.has_battery());
    }
}
