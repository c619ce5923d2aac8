//! For tests: a device that was used before, and a client that is connected to it, without a bus.

use std::time::Duration;

use jiff::civil::{DateTime, date};

use super::effect::{Call, DeviceMethod, Effect, Method, Property};
use super::order::DeviceOrder;
use super::path::Node;
use super::peripheral::{Counters, Peripheral};
use super::world::World;
use crate::device::{Device, Link, Timing};
use crate::gatt::{Address, Content};

pub(super) const ADDRESS: Address = Address([0xC0, 0xFF, 0xEE, 0, 0, 1]);

/// A device with [`ADDRESS`] and a client that has called nothing yet.
pub(super) struct Home {
    world: World,
    name: String,
    now: Duration,
    local: DateTime,
}

impl Home {
    pub(super) fn new(device: Device) -> Self {
        let device = device.bonded().timing(Timing::brisk());
        let Device { name, kind, link: Link::Bluetooth(radio) } = device else {
            panic!("{} is not on the air", device.name);
        };
        let local = date(2026, 6, 14).at(23, 45, 2, 0);
        let peripheral = Peripheral::new(name.clone(), kind, *radio, 1);
        Self { world: World::new(vec![peripheral], 1, local), name, now: Duration::ZERO, local }
    }

    pub(super) fn order(&mut self, order: DeviceOrder) {
        self.world.order_device(&self.name, order).unwrap();
    }

    pub(super) fn call(&mut self, node: Node, method: DeviceMethod) {
        let (sender, method) = (":1.1".to_owned(), Method::Device(method));
        self.world.call(Call { id: 1, sender, node, method }, "");
    }

    pub(super) fn connect(&mut self) {
        self.call(Node::Device(ADDRESS), DeviceMethod::Connect);
        self.wait(20);
        assert!(self.counters().connected);
    }

    pub(super) fn wait(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
        self.world.advance(self.now, self.local);
    }

    pub(super) fn counters(&self) -> Counters {
        self.world.counters().next().unwrap().1
    }

    /// Returns the values that the daemon signalled since somebody asked last.
    pub(super) fn values(&mut self) -> Vec<String> {
        let value = |effect: Effect| {
            if let Effect::Changed { changed, .. } = effect
                && let Some(Property::Bytes(bytes)) = changed.get("Value")
            {
                return Some(hex::encode(bytes));
            }
            None
        };
        self.world.drain().into_iter().filter_map(value).collect()
    }

    /// Writes to the first characteristic with this content.
    pub(super) fn say(&mut self, content: &Content, bytes: &str) {
        let services = self.world.peripherals[&ADDRESS].table.services();
        let mut all = services.iter().flat_map(|service| {
            service.characteristics.iter().map(|placed| (service.handle, placed))
        });
        let (service, placed) = all.find(|(_, it)| it.characteristic.content == *content).unwrap();
        let node = Node::Characteristic(ADDRESS, service, placed.handle);
        let bytes = hex::decode(bytes).unwrap();
        self.call(node, DeviceMethod::WriteValue { bytes });
    }

    /// As [`Home::say`]; returns the values that the daemon signals then.
    pub(super) fn write(&mut self, content: &Content, bytes: &str) -> Vec<String> {
        self.values();
        self.say(content, bytes);
        self.wait(10);
        self.values()
    }
}
