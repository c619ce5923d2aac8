//! What BlueZ signals on the bus, read into words: pure, messages in, [`Signal`]s out.
//!
//! ```text
//! signal              object               property or interface     meaning
//! NameOwnerChanged    org.bluez            new owner or none         daemon came or went
//! InterfacesAdded     /org/bluez/hci0      Adapter1                  adapter plugged in
//! InterfacesRemoved   /org/bluez/hci0      Adapter1                  adapter unplugged
//! PropertiesChanged   /org/bluez/hci0      Powered, Discovering      switched; a scan ended
//! InterfacesAdded     …/dev_AA_BB_…        Device1                   first advertisement
//! InterfacesRemoved   …/dev_AA_BB_…        Device1                   forgotten
//! PropertiesChanged   …/dev_AA_BB_…        RSSI and data             one more advertisement
//! PropertiesChanged   …/dev_AA_BB_…        Connected                 link up or down
//! PropertiesChanged   …/dev_AA_BB_…        ServicesResolved          services known
//! added or changed    …/dev_AA_BB_…        Battery1.Percentage       battery, which BlueZ keeps
//!                                                                    out of the GATT tree
//! ```

use std::collections::BTreeMap;

use btleplug::api::BDAddr;
use uuid::Uuid;
use zbus::message::{Message, Type};
use zbus::{ObjectPath, OwnedVariant, Variant};

pub(crate) const BLUEZ: &str = "org.bluez";
pub(crate) const ADAPTER: &str = "org.bluez.Adapter1";
pub(crate) const DEVICE: &str = "org.bluez.Device1";
pub(crate) const BATTERY: &str = "org.bluez.Battery1";
pub(crate) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
pub(crate) const OBJECTS: &str = "org.freedesktop.DBus.ObjectManager";
pub(crate) const BUS: &str = "org.freedesktop.DBus";

/// Properties of an interface.
pub(crate) type Properties<'m> = BTreeMap<String, Variant<'m>>;
/// Interfaces of an object.
pub(crate) type Interfaces<'m> = BTreeMap<String, Properties<'m>>;
/// What `GetManagedObjects` answers.
pub(crate) type Objects<'m> = BTreeMap<ObjectPath<'m>, Interfaces<'m>>;

/// Something that happened at BlueZ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signal {
    /// The daemon took its name on the bus (its unique name), or is gone.
    Owner(Option<String>),
    /// Something happened to an adapter such as `hci0`.
    Adapter(String, AdapterChange),
    /// Something happened to a device of an adapter.
    Device(String, BDAddr, DeviceChange),
    /// A device of an adapter advertised data of a service.
    ServiceData(String, BDAddr, Uuid, Vec<u8>),
}

/// What happened to an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AdapterChange {
    /// It is there.
    Added,
    /// It is gone.
    Removed,
    /// It was switched on or off.
    Powered(bool),
    /// Discovery began or ended.
    Discovering(bool),
}

/// What happened to a device; what is `None` or false did not change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct DeviceChange {
    /// It advertised.
    pub(super) is_heard: bool,
    /// BlueZ forgot it.
    pub(super) is_removed: bool,
    /// The link is up or down.
    pub(super) connected: Option<bool>,
    /// Its services are known or not.
    pub(super) resolved: Option<bool>,
    /// BlueZ has a bond with it or not.
    pub(super) bonded: Option<bool>,
    /// Charge of its battery in percent.
    pub(super) battery_percent: Option<u8>,
}

/// Reads a message; what is none of the signals above gives nothing.
pub(super) fn read(message: &Message) -> Vec<Signal> {
    if message.message_type() != Type::Signal {
        return Vec::new();
    }
    let header = message.header();
    let (Some(interface), Some(member)) = (header.interface(), header.member()) else {
        return Vec::new();
    };
    let body = message.body();
    match (interface.as_str(), member.as_str()) {
        (BUS, "NameOwnerChanged") => match body.deserialize::<(String, String, String)>() {
            Ok((name, _old, new)) if name == BLUEZ => {
                vec![Signal::Owner(Some(new).filter(|owner| !owner.is_empty()))]
            }
            Ok(_) | Err(_) => Vec::new(),
        },
        (PROPERTIES, "PropertiesChanged") => {
            let parts = body.deserialize::<(String, Properties<'_>, Vec<String>)>();
            match (header.path(), parts) {
                (Some(path), Ok((interface, changed, _invalidated))) => {
                    let path = path.as_str();
                    let mut signals = service_data(path, &interface, &changed);
                    signals.extend(properties(path, &interface, &changed, Novelty::Change));
                    signals
                }
                (Some(_) | None, _) => Vec::new(),
            }
        }
        (OBJECTS, "InterfacesAdded") => {
            body.deserialize::<(ObjectPath<'_>, Interfaces<'_>)>().map_or_else(
                |_other| Vec::new(),
                |(path, added)| object(path.as_str(), &added, Novelty::Change),
            )
        }
        (OBJECTS, "InterfacesRemoved") => body
            .deserialize::<(ObjectPath<'_>, Vec<String>)>()
            .map_or_else(|_other| Vec::new(), |(path, removed)| removals(path.as_str(), &removed)),
        (_, _) => Vec::new(),
    }
}

/// Reads the whole tree as it stands: what is there, not what was heard just now.
pub(super) fn read_tree(objects: &Objects<'_>) -> Vec<Signal> {
    objects
        .iter()
        .flat_map(|(path, interfaces)| object(path.as_str(), interfaces, Novelty::Listing))
        .collect()
}

/// Whether properties just changed or are only listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Novelty {
    Change,
    Listing,
}

fn object(path: &str, interfaces: &Interfaces<'_>, novelty: Novelty) -> Vec<Signal> {
    let mut signals = Vec::new();
    if interfaces.contains_key(ADAPTER)
        && let Some((adapter, None)) = place(path)
    {
        signals.push(Signal::Adapter(adapter.to_owned(), AdapterChange::Added));
    }
    for (interface, changed) in interfaces {
        if novelty == Novelty::Change {
            signals.extend(service_data(path, interface, changed));
        }
        signals.extend(properties(path, interface, changed, novelty));
    }
    signals
}

/// What a device advertised of its services, just now.
fn service_data(path: &str, interface: &str, changed: &Properties<'_>) -> Vec<Signal> {
    let Some((adapter, Some(address))) = place(path) else { return Vec::new() };
    let data = changed.get("ServiceData").and_then(|it| it.try_to_owned().ok());
    let data = data.and_then(|it| BTreeMap::<String, OwnedVariant>::try_from(it).ok());
    if interface != DEVICE {
        return Vec::new();
    }
    let signal = |(uuid, bytes): (String, OwnedVariant)| {
        let bytes = <Vec<u8>>::try_from(bytes).ok()?;
        Some(Signal::ServiceData(adapter.to_owned(), address, uuid.parse().ok()?, bytes))
    };
    data.into_iter().flatten().filter_map(signal).collect()
}

fn properties(
    path: &str,
    interface: &str,
    changed: &Properties<'_>,
    novelty: Novelty,
) -> Option<Signal> {
    let (adapter, address) = place(path)?;
    let adapter = adapter.to_owned();
    match (interface, address) {
        (ADAPTER, None) => {
            let powered = flag(changed, "Powered").map(AdapterChange::Powered);
            let discovering = flag(changed, "Discovering").map(AdapterChange::Discovering);
            // Switching off ends a scan as well: that it is off says more.
            let change = match (powered, discovering) {
                (Some(AdapterChange::Powered(true)), Some(discovering)) => Some(discovering),
                (powered, discovering) => powered.or(discovering),
            };
            Some(Signal::Adapter(adapter, change?))
        }
        (DEVICE, Some(address)) => {
            let advertised = ["RSSI", "ManufacturerData", "ServiceData"];
            let change = DeviceChange {
                is_heard: novelty == Novelty::Change
                    && advertised.iter().any(|name| changed.contains_key(*name)),
                is_removed: false,
                connected: flag(changed, "Connected"),
                resolved: flag(changed, "ServicesResolved"),
                bonded: flag(changed, "Paired"),
                battery_percent: None,
            };
            (change != DeviceChange::default()).then_some(Signal::Device(adapter, address, change))
        }
        (BATTERY, Some(address)) => match changed.get("Percentage") {
            Some(Variant::U8(percent)) => {
                let change =
                    DeviceChange { battery_percent: Some(*percent), ..DeviceChange::default() };
                Some(Signal::Device(adapter, address, change))
            }
            Some(_) | None => None,
        },
        (_, _) => None,
    }
}

fn removals(path: &str, interfaces: &[String]) -> Vec<Signal> {
    let Some((adapter, address)) = place(path) else {
        return Vec::new();
    };
    let adapter = adapter.to_owned();
    let lost = |interface: &str| interfaces.iter().any(|removed| removed == interface);
    match address {
        None if lost(ADAPTER) => vec![Signal::Adapter(adapter, AdapterChange::Removed)],
        Some(address) if lost(DEVICE) => {
            let change = DeviceChange { is_removed: true, ..DeviceChange::default() };
            vec![Signal::Device(adapter, address, change)]
        }
        None | Some(_) => Vec::new(),
    }
}

pub(crate) fn flag(properties: &Properties<'_>, name: &str) -> Option<bool> {
    match properties.get(name) {
        Some(Variant::Bool(flag)) => Some(*flag),
        Some(_) | None => None,
    }
}

/// Splits the path of an adapter or device; `None` for all that is below or beside them.
pub(crate) fn place(path: &str) -> Option<(&str, Option<BDAddr>)> {
    let rest = path.strip_prefix("/org/bluez/")?;
    match rest.split_once('/') {
        None => Some((rest, None)),
        Some((adapter, device)) => {
            let address = device.strip_prefix("dev_")?.replace('_', ":");
            Some((adapter, Some(address.parse().ok()?)))
        }
    }
}

/// Object path of a device.
pub(crate) fn device_path(adapter: &str, address: BDAddr) -> String {
    let address = address.to_string().replace(':', "_");
    format!("/org/bluez/{adapter}/dev_{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUFF: &str = "/org/bluez/hci0/dev_00_09_1F_8A_01_02";

    fn address() -> BDAddr {
        BDAddr::from([0x00, 0x09, 0x1F, 0x8A, 0x01, 0x02])
    }

    fn changed(path: &str, interface: &str, name: &str, value: Variant<'_>) -> Message {
        let changed = BTreeMap::from([(name.to_owned(), value)]);
        Message::signal(path, PROPERTIES, "PropertiesChanged")
            .build(&(interface, changed, Vec::<String>::new()))
            .unwrap()
    }

    #[track_caller]
    fn check(message: &Message, expected: &[Signal]) {
        assert_eq!(read(message), expected);
    }

    fn device(change: DeviceChange) -> Signal {
        Signal::Device("hci0".to_owned(), address(), change)
    }

    #[test]
    fn a_new_signal_strength_is_an_advertisement() {
        let heard = DeviceChange { is_heard: true, ..DeviceChange::default() };
        check(&changed(CUFF, DEVICE, "RSSI", Variant::I16(-60)), &[device(heard)]);
    }

    #[test]
    fn what_a_scale_advertises_comes_with_its_service() {
        let service = "0000181d-0000-1000-8000-00805f9b34fb";
        let data = BTreeMap::from([(service.to_owned(), Variant::from(vec![0x22_u8, 0x76]))]);
        let message = changed(CUFF, DEVICE, "ServiceData", Variant::from(data));
        let service = service.parse().unwrap();
        let said = Signal::ServiceData("hci0".to_owned(), address(), service, vec![0x22, 0x76]);
        let heard = DeviceChange { is_heard: true, ..DeviceChange::default() };
        check(&message, &[said, device(heard)]);
    }

    #[test]
    fn a_lost_link_is_told_apart_from_an_advertisement() {
        let down = DeviceChange { connected: Some(false), ..DeviceChange::default() };
        check(&changed(CUFF, DEVICE, "Connected", Variant::Bool(false)), &[device(down)]);
    }

    #[test]
    fn the_battery_comes_from_its_own_interface() {
        let battery = DeviceChange { battery_percent: Some(40), ..DeviceChange::default() };
        check(&changed(CUFF, BATTERY, "Percentage", Variant::U8(40)), &[device(battery)]);
    }

    #[test]
    fn a_property_of_the_wrong_type_is_ignored() {
        check(&changed(CUFF, DEVICE, "Connected", Variant::U8(1)), &[]);
        check(&changed(CUFF, BATTERY, "Percentage", Variant::Bool(true)), &[]);
    }

    #[test]
    fn what_is_below_a_device_is_not_the_device() {
        let path = format!("{CUFF}/service0010/char0011");
        check(&changed(&path, DEVICE, "Connected", Variant::Bool(true)), &[]);
    }

    #[test]
    fn the_daemon_comes_and_goes_with_its_name() {
        let owner = |new: &str| {
            Message::signal("/org/freedesktop/DBus", BUS, "NameOwnerChanged")
                .build(&(BLUEZ, "", new))
                .unwrap()
        };
        check(&owner(":1.7"), &[Signal::Owner(Some(":1.7".to_owned()))]);
        check(&owner(""), &[Signal::Owner(None)]);
    }

    #[test]
    fn an_unplugged_adapter_is_gone() {
        let message = Message::signal("/", OBJECTS, "InterfacesRemoved")
            .build(&(ObjectPath::try_from("/org/bluez/hci0").unwrap(), vec![ADAPTER, PROPERTIES]))
            .unwrap();
        check(&message, &[Signal::Adapter("hci0".to_owned(), AdapterChange::Removed)]);
    }

    #[test]
    fn a_listed_device_was_not_heard_now() {
        let properties = BTreeMap::from([
            ("RSSI".to_owned(), Variant::I16(-60)),
            ("Paired".to_owned(), Variant::Bool(true)),
        ]);
        let interfaces = BTreeMap::from([(DEVICE.to_owned(), properties)]);
        let objects = BTreeMap::from([(ObjectPath::try_from(CUFF).unwrap(), interfaces)]);
        let listed = DeviceChange { bonded: Some(true), ..DeviceChange::default() };
        assert_eq!(read_tree(&objects), [device(listed)]);
    }

    #[test]
    fn a_device_path_reads_back_as_its_address() {
        assert_eq!(device_path("hci0", address()), CUFF);
        assert_eq!(place(CUFF), Some(("hci0", Some(address()))));
        assert_eq!(place("/org/bluez"), None);
        assert_eq!(place("/org/bluez/hci0/dev_00_09"), None);
    }
}
