//! The daemon's object tree: which objects exist, and what they show.

use std::collections::BTreeMap;

use super::effect::{Effect, Interfaces, Properties, Property};
use super::host::{ADAPTER, Host};
use super::path::Node;
use super::peripheral::{BATTERY, CHARACTERISTIC, DESCRIPTOR, DEVICE, Peripheral, SERVICE};
use crate::gatt::{Address, Content, Handle, PlacedCharacteristic, PlacedService, short};

const OBJECT_MANAGER: &str = "org.freedesktop.DBus.ObjectManager";
const INTROSPECTABLE: &str = "org.freedesktop.DBus.Introspectable";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const AGENT_MANAGER: &str = "org.bluez.AgentManager1";

/// The size of an attribute exchange that simulated links agree on, in bytes.
const MTU: u16 = 247;

type Peripherals = BTreeMap<Address, Peripheral>;

/// Returns the interfaces of an object with their properties; `None` if it does not exist.
pub(super) fn describe(node: Node, host: &Host, peripherals: &Peripherals) -> Option<Interfaces> {
    let mut interfaces = match node {
        Node::Root => Interfaces::from([(OBJECT_MANAGER, Properties::new())]),
        Node::Org => Interfaces::new(),
        Node::Bluez => Interfaces::from([(AGENT_MANAGER, Properties::new())]),
        Node::Adapter if host.plugged => Interfaces::from([(ADAPTER, adapter(host))]),
        Node::Adapter => return None,
        Node::Device(address)
        | Node::Service(address, _)
        | Node::Characteristic(address, _, _)
        | Node::Descriptor(address, _, _, _) => {
            describe_below(node, peripherals.get(&address).filter(|_| host.plugged)?)?
        }
    };
    interfaces.insert(INTROSPECTABLE, Properties::new());
    interfaces.insert(PROPERTIES, Properties::new());
    Some(interfaces)
}

fn describe_below(node: Node, peripheral: &Peripheral) -> Option<Interfaces> {
    if !peripheral.known.listed {
        return None;
    }
    if let Node::Device(_) = node {
        let mut interfaces = Interfaces::from([(DEVICE, device(peripheral))]);
        if shows_battery(peripheral) {
            interfaces.insert(BATTERY, battery(peripheral));
        }
        return Some(interfaces);
    }
    if !peripheral.known.exported {
        return None;
    }
    let (service_handle, characteristic_handle, descriptor_handle) = handles(node)?;
    let service = peripheral.table.shown_service(service_handle)?;
    let Some(characteristic_handle) = characteristic_handle else {
        return Some(Interfaces::from([(SERVICE, gatt_service(peripheral, service))]));
    };
    let characteristic =
        service.characteristics.iter().find(|placed| placed.handle == characteristic_handle)?;
    let Some(descriptor_handle) = descriptor_handle else {
        let properties = gatt_characteristic(peripheral, service, characteristic);
        return Some(Interfaces::from([(CHARACTERISTIC, properties)]));
    };
    characteristic.cccd.filter(|cccd| *cccd == descriptor_handle)?;
    let parent = Node::Characteristic(peripheral.address(), service.handle, characteristic.handle);
    let properties = Properties::from([
        ("UUID", Property::Text(short(0x2902).to_string())),
        ("Characteristic", Property::Path(parent)),
    ]);
    Some(Interfaces::from([(DESCRIPTOR, properties)]))
}

fn handles(node: Node) -> Option<(Handle, Option<Handle>, Option<Handle>)> {
    match node {
        Node::Service(_, service) => Some((service, None, None)),
        Node::Characteristic(_, service, characteristic) => {
            Some((service, Some(characteristic), None))
        }
        Node::Descriptor(_, service, characteristic, descriptor) => {
            Some((service, Some(characteristic), Some(descriptor)))
        }
        Node::Root | Node::Org | Node::Bluez | Node::Adapter | Node::Device(_) => None,
    }
}

fn adapter(host: &Host) -> Properties {
    Properties::from([
        ("Address", Property::Text(host.address.to_string())),
        ("AddressType", Property::Text("public".to_owned())),
        ("Name", Property::Text("simulated-adapter".to_owned())),
        ("Alias", Property::Text(host.alias.clone())),
        ("Class", Property::Unsigned32(0x0C_0104)),
        ("Powered", Property::Flag(host.powered)),
        ("Discoverable", Property::Flag(false)),
        ("DiscoverableTimeout", Property::Unsigned32(180)),
        ("Pairable", Property::Flag(true)),
        ("PairableTimeout", Property::Unsigned32(0)),
        ("Discovering", Property::Flag(!host.discovering.is_empty())),
        ("UUIDs", Property::Texts(vec![short(0x1800).to_string(), short(0x1801).to_string()])),
        // Linux Foundation, BlueZ 5.66.
        ("Modalias", Property::Text("usb:v1D6Bp0246d0542".to_owned())),
    ])
}

fn device(peripheral: &Peripheral) -> Properties {
    let known = &peripheral.known;
    let radio = &peripheral.radio;
    let address_type = if radio.random_address { "random" } else { "public" };
    let alias = known.alias.clone().unwrap_or_else(|| radio.local_name.clone());
    let mut properties = Properties::from([
        ("Address", Property::Text(radio.address.to_string())),
        ("AddressType", Property::Text(address_type.to_owned())),
        ("Name", Property::Text(radio.local_name.clone())),
        ("Alias", Property::Text(alias)),
        ("Adapter", Property::Path(Node::Adapter)),
        ("Paired", Property::Flag(known.bonded)),
        ("Bonded", Property::Flag(known.bonded)),
        ("Trusted", Property::Flag(known.trusted)),
        ("Blocked", Property::Flag(false)),
        ("LegacyPairing", Property::Flag(false)),
        ("Connected", Property::Flag(peripheral.is_linked())),
        ("ServicesResolved", Property::Flag(known.resolved)),
        ("UUIDs", uuids(peripheral)),
    ]);
    // Limited discoverable is how a device says that it can be paired now (Core, Volume 3, Part C,
    // 9.2.3); the other bit says that it speaks nothing but Bluetooth LE.
    let flags = if peripheral.pairing_mode { 0x05 } else { 0x04 };
    properties.insert("AdvertisingFlags", Property::Bytes(vec![flags]));
    if let Some(rssi) = known.rssi {
        properties.insert("RSSI", Property::Signed16(rssi));
    }
    if !radio.manufacturer_data.is_empty() {
        let data = Property::ManufacturerData(radio.manufacturer_data.clone());
        properties.insert("ManufacturerData", data);
    }
    if !radio.service_data.is_empty() {
        properties.insert("ServiceData", service_data(peripheral));
    }
    properties
}

fn gatt_service(peripheral: &Peripheral, service: &PlacedService) -> Properties {
    Properties::from([
        ("UUID", Property::Text(service.uuid.to_string())),
        ("Device", Property::Path(peripheral.node())),
        ("Primary", Property::Flag(true)),
        ("Includes", Property::Texts(Vec::new())),
    ])
}

fn gatt_characteristic(
    peripheral: &Peripheral,
    service: &PlacedService,
    placed: &PlacedCharacteristic,
) -> Properties {
    let flags = placed.characteristic.flags.iter().map(|flag| (*flag).to_owned()).collect();
    let notifying = peripheral.known.notifying.get(&placed.handle);
    let value = peripheral.known.values.get(&placed.handle).cloned().unwrap_or_default();
    let mut properties = Properties::from([
        ("UUID", Property::Text(placed.characteristic.uuid.to_string())),
        ("Service", Property::Path(Node::Service(peripheral.address(), service.handle))),
        ("Value", Property::Bytes(value)),
        ("Flags", Property::Texts(flags)),
        ("MTU", Property::Unsigned16(MTU)),
    ]);
    if placed.cccd.is_some() {
        let is_notifying = notifying.is_some_and(|clients| !clients.is_empty());
        properties.insert("Notifying", Property::Flag(is_notifying));
    }
    properties
}

fn shows_battery(peripheral: &Peripheral) -> bool {
    peripheral.table.has_battery() && peripheral.known.resolved
}

fn battery(peripheral: &Peripheral) -> Properties {
    let level = peripheral.table.services().iter().flat_map(|service| &service.characteristics);
    let has_level =
        level.into_iter().any(|placed| placed.characteristic.content == Content::BatteryLevel);
    let percentage =
        has_level.then_some(("Percentage", Property::Byte(peripheral.battery_percent)));
    percentage.into_iter().collect()
}

/// Returns the services that the daemon knows of: all once resolved or kept with the bond, else
/// the advertised ones.
pub(super) fn uuids(peripheral: &Peripheral) -> Property {
    if !peripheral.known.resolved && !peripheral.known.cached {
        return Property::Texts(peripheral.advertised());
    }
    let services = peripheral.table.services().iter().map(|service| service.uuid.to_string());
    let generic = [short(0x1800).to_string(), short(0x1801).to_string()];
    Property::Texts(generic.into_iter().chain(services).collect())
}

pub(super) fn service_data(peripheral: &Peripheral) -> Property {
    let data = peripheral.radio.service_data.iter();
    Property::ServiceData(data.map(|(uuid, bytes)| (uuid.to_string(), bytes.clone())).collect())
}

/// Returns the objects of a device's services, parents first.
pub(super) fn gatt_nodes(peripheral: &Peripheral) -> Vec<Node> {
    let address = peripheral.address();
    let mut nodes = Vec::new();
    for service in peripheral.table.shown() {
        nodes.push(Node::Service(address, service.handle));
        for placed in &service.characteristics {
            nodes.push(Node::Characteristic(address, service.handle, placed.handle));
            if let Some(cccd) = placed.cccd {
                nodes.push(Node::Descriptor(address, service.handle, placed.handle, cccd));
            }
        }
    }
    nodes
}

/// Tells clients of an object of a device that came into the tree.
pub(super) fn announce(peripheral: &Peripheral, node: Node, host: &mut Host) {
    if let Some(interfaces) = describe_below(node, peripheral) {
        host.emit(Effect::Added(node, interfaces));
    }
}

/// Tells clients of an object of a device that is about to leave the tree.
pub(super) fn withdraw(peripheral: &Peripheral, node: Node, host: &mut Host) {
    let names = match handles(node) {
        None => describe_below(node, peripheral).unwrap_or_default().into_keys().collect(),
        Some((_, None, _)) => vec![SERVICE],
        Some((_, Some(_), None)) => vec![CHARACTERISTIC],
        Some((_, Some(_), Some(_))) => vec![DESCRIPTOR],
    };
    host.emit(Effect::Removed(node, names));
}

pub(super) fn announce_battery(peripheral: &Peripheral, host: &mut Host) {
    let interfaces = Interfaces::from([(BATTERY, battery(peripheral))]);
    host.emit(Effect::Added(peripheral.node(), interfaces));
}

pub(super) fn withdraw_battery(peripheral: &Peripheral, host: &mut Host) {
    host.emit(Effect::Removed(peripheral.node(), vec![BATTERY]));
}

/// Returns all objects below the given one, nearest first by path.
fn nodes(host: &Host, peripherals: &Peripherals) -> Vec<Node> {
    let mut nodes = vec![Node::Root, Node::Org, Node::Bluez];
    if host.plugged {
        nodes.push(Node::Adapter);
        for peripheral in peripherals.values().filter(|peripheral| peripheral.known.listed) {
            nodes.push(peripheral.node());
            if peripheral.known.exported {
                nodes.extend(gatt_nodes(peripheral));
            }
        }
    }
    nodes
}

/// Returns what `ObjectManager.GetManagedObjects` answers.
pub(super) fn managed(host: &Host, peripherals: &Peripherals) -> BTreeMap<Node, Interfaces> {
    nodes(host, peripherals)
        .into_iter()
        .filter(|node| !matches!(node, Node::Root | Node::Org))
        .filter_map(|node| Some((node, describe(node, host, peripherals)?)))
        .collect()
}

/// Returns what `Introspectable.Introspect` answers: interfaces and children by name.
pub(super) fn introspect(node: Node, host: &Host, peripherals: &Peripherals) -> Option<String> {
    let mut xml = String::from("<node>");
    for name in describe(node, host, peripherals)?.keys() {
        xml.extend(["<interface name=\"", name, "\"/>"]);
    }
    let path = node.to_string();
    let prefix = if path == "/" { path } else { format!("{path}/") };
    for other in nodes(host, peripherals) {
        let other = other.to_string();
        if let Some(child) = other.strip_prefix(&prefix)
            && !child.is_empty()
            && !child.contains('/')
        {
            xml.extend(["<node name=\"", child, "\"/>"]);
        }
    }
    xml.push_str("</node>");
    Some(xml)
}
