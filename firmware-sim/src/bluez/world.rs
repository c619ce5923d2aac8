//! The simulated daemon and its devices without any I/O: calls, time and orders in, effects out.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::DateTime;

use super::effect::{
    AgentAnswer, Answer, Call, CallId, DeviceMethod, Effect, Method, Property, QuestionId,
};
use super::failure::Failure;
use super::host::{ADAPTER, BluezCounters, Due, Host, Spoiled};
use super::link::Ending;
use super::path::Node;
use super::peripheral::{Counters, DEVICE, Delivery, Peripheral};
use super::tree;
use crate::gatt::Address;

/// Most timers that fire in a row: a flood keeps no call and no order waiting.
const N_DUE_MAX: usize = 64;

/// All state of the simulated daemon and its devices.
#[derive(Debug)]
pub(crate) struct World {
    pub(super) host: Host,
    pub(super) peripherals: BTreeMap<Address, Peripheral>,
    /// What a well-set clock in the home shows.
    pub(super) local: DateTime,
}

impl World {
    /// Sets up devices around a running daemon with a powered adapter.
    pub(crate) fn new(devices: Vec<Peripheral>, seed: u64, local: DateTime) -> Self {
        let peripherals = devices.into_iter().map(|device| (device.address(), device)).collect();
        let mut world = Self { host: Host::new(seed), peripherals, local };
        for peripheral in world.peripherals.values_mut() {
            if peripheral.radio.wake == crate::device::Wake::Always {
                peripheral.wake(&mut world.host);
            }
        }
        world
    }

    /// Moves time on, firing what is due on the way; as far as [`N_DUE_MAX`] timers go, where more
    /// are due.
    pub(crate) fn advance(&mut self, now: Duration, local: DateTime) {
        self.local = local;
        self.host.latest = now;
        for _turn in 0..N_DUE_MAX {
            let Some((when, address, due)) = self.host.take_due(now) else {
                self.host.now = now;
                return;
            };
            self.host.now = when;
            self.fire(address, due);
        }
    }

    fn fire(&mut self, address: Address, due: Due) {
        let Some(peripheral) = self.peripherals.get_mut(&address) else { return };
        let host = &mut self.host;
        match due {
            Due::Advertise => peripheral.on_advertise(host),
            Due::Sleep => peripheral.sleep(host),
            Due::LinkUp => peripheral.on_link_up(host),
            Due::ConnectTimeout => peripheral.on_connect_timeout(host),
            Due::Resolve => peripheral.on_resolve(host),
            Due::DropLink => peripheral.unlink(host, Ending::Lost),
            Due::Value => peripheral.on_value(host),
            Due::Send => peripheral.on_send(host),
            Due::HangUp => peripheral.on_hang_up(host),
            Due::PairingDone => peripheral.on_pairing_done(host),
            Due::Vanish => peripheral.on_vanish(host),
        }
    }

    /// Returns when [`World::advance`] has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.host.next_deadline()
    }

    /// Takes the effects to perform, in order.
    pub(crate) fn drain(&mut self) -> Vec<Effect> {
        self.host.drain()
    }

    pub(crate) fn counters(&self) -> impl Iterator<Item = (&str, Counters)> {
        self.peripherals.values().map(|it| (it.name.as_str(), it.counters()))
    }

    /// Takes what left each device since the last call.
    pub(crate) fn take_delivered(&mut self) -> impl Iterator<Item = (&str, Vec<Delivery>)> {
        self.peripherals
            .values_mut()
            .filter(|it| !it.delivered.is_empty())
            .map(|it| (it.name.as_str(), std::mem::take(&mut it.delivered)))
    }

    pub(crate) fn bluez_counters(&self) -> BluezCounters {
        BluezCounters {
            discovering: !self.host.discovering.is_empty(),
            powered: self.host.powered && self.host.plugged,
            running: self.host.running,
            agents: u64::try_from(self.host.agents.len()).unwrap_or(u64::MAX),
            ..self.host.counters
        }
    }

    /// Performs a method call; `member` is its name, for spoiled calls.
    pub(crate) fn call(&mut self, call: Call, member: &str) {
        self.host.counters.calls = self.host.counters.calls.saturating_add(1);
        self.host.client_called(&call.sender);
        match self.host.spoiled.get_mut(member).and_then(std::collections::VecDeque::pop_front) {
            Some(Spoiled::Hangs) => return,
            Some(Spoiled::Fails(failure)) => return self.host.fail(call.id, failure),
            None => {}
        }
        let Call { id, sender, node, method } = call;
        let answered = match method {
            Method::Introspect => tree::introspect(node, &self.host, &self.peripherals)
                .map(Answer::Text)
                .ok_or_else(|| Failure::unknown_object(&node.to_string())),
            Method::GetManagedObjects => {
                Ok(Answer::Objects(tree::managed(&self.host, &self.peripherals)))
            }
            Method::Get { interface, property } => self.get(node, &interface, &property),
            Method::GetAll { interface } => self.get_all(node, &interface),
            Method::SetFlag { property, value } => self.set_flag(node, &property, value),
            Method::SetText { property, value } => self.set_text(node, &property, value),
            Method::RegisterAgent { path, capability } => {
                self.host.register_agent(&sender, path, capability).map(|()| Answer::Nothing)
            }
            Method::UnregisterAgent { path } => {
                self.host.unregister_agent(&sender, &path).map(|()| Answer::Nothing)
            }
            Method::RequestDefaultAgent { path: _ } => {
                self.host.request_default_agent(&sender).map(|()| Answer::Nothing)
            }
            Method::Adapter(method) => self.call_adapter(&sender, node, method),
            Method::Device(method) => return self.call_device(id, &sender, node, method),
        };
        match answered {
            Ok(answer) => self.host.answer(id, answer),
            Err(failure) => self.host.fail(id, failure),
        }
    }

    /// Answers a call that could not be read.
    pub(crate) fn refuse(&mut self, id: CallId, failure: Failure) {
        self.host.counters.calls = self.host.counters.calls.saturating_add(1);
        self.host.fail(id, failure);
    }

    fn get(&self, node: Node, interface: &str, property: &str) -> Result<Answer, Failure> {
        let Answer::Properties(mut properties) = self.get_all(node, interface)? else {
            return Err(Failure::invalid_arguments());
        };
        properties.remove(property).map(Answer::Property).ok_or_else(|| {
            let text = format!("no such property '{property}'");
            Failure::new("org.freedesktop.DBus.Error.InvalidArgs", text)
        })
    }

    fn get_all(&self, node: Node, interface: &str) -> Result<Answer, Failure> {
        let mut interfaces = tree::describe(node, &self.host, &self.peripherals)
            .ok_or_else(|| Failure::unknown_object(&node.to_string()))?;
        interfaces.remove(interface).map(Answer::Properties).ok_or_else(|| {
            let text = format!("no such interface '{interface}'");
            Failure::new("org.freedesktop.DBus.Error.InvalidArgs", text)
        })
    }

    fn set_flag(&mut self, node: Node, property: &str, value: bool) -> Result<Answer, Failure> {
        match (node, property) {
            (Node::Adapter, "Powered") if self.host.plugged => self.set_powered(value),
            (Node::Adapter, "Pairable" | "Discoverable") if self.host.plugged => {}
            (Node::Device(address), "Trusted") => {
                let peripheral = self
                    .peripherals
                    .get_mut(&address)
                    .filter(|it| it.known.listed)
                    .ok_or_else(|| Failure::unknown_object(&node.to_string()))?;
                peripheral.known.trusted = value;
                self.host.changed(node, DEVICE, [("Trusted", Property::Flag(value))]);
            }
            (_, _) => return Err(Failure::invalid_arguments()),
        }
        Ok(Answer::Nothing)
    }

    fn set_text(&mut self, node: Node, property: &str, value: String) -> Result<Answer, Failure> {
        let changed = [("Alias", Property::Text(value.clone()))];
        match (node, property) {
            (Node::Adapter, "Alias") if self.host.plugged => {
                self.host.alias = value;
                self.host.changed(node, ADAPTER, changed);
            }
            (Node::Device(address), "Alias") => {
                let peripheral = self
                    .peripherals
                    .get_mut(&address)
                    .filter(|it| it.known.listed)
                    .ok_or_else(|| Failure::unknown_object(&node.to_string()))?;
                peripheral.known.alias = Some(value);
                self.host.changed(node, DEVICE, changed);
            }
            (_, _) => return Err(Failure::invalid_arguments()),
        }
        Ok(Answer::Nothing)
    }

    fn call_device(&mut self, id: CallId, sender: &str, node: Node, method: DeviceMethod) {
        let host = &mut self.host;
        let listed = node
            .device()
            .filter(|_address| host.plugged)
            .and_then(|address| self.peripherals.get_mut(&address))
            .filter(|peripheral| peripheral.known.listed);
        let Some(peripheral) = listed else {
            return host.fail(id, Failure::unknown_object(&node.to_string()));
        };
        match method {
            DeviceMethod::Connect => peripheral.connect(host, id),
            DeviceMethod::Disconnect => peripheral.disconnect(host, id),
            DeviceMethod::Pair => peripheral.pair(host, id, sender),
            DeviceMethod::CancelPairing => peripheral.cancel_pairing(host, id),
            DeviceMethod::ReadValue { offset } => {
                peripheral.read(host, id, node, offset, self.local);
            }
            DeviceMethod::WriteValue { bytes } => {
                peripheral.write(host, id, node, bytes, self.local);
            }
            DeviceMethod::StartNotify => peripheral.start_notify(host, id, sender, node),
            DeviceMethod::StopNotify => peripheral.stop_notify(host, id, sender, node),
        }
    }

    /// An agent answered a question.
    pub(crate) fn agent_answered(&mut self, id: QuestionId, answer: &AgentAnswer) {
        if let Some(address) = self.host.questions.remove(&id)
            && let Some(peripheral) = self.peripherals.get_mut(&address)
        {
            peripheral.on_agent_answer(&mut self.host, id, answer);
        }
    }

    /// A client left the bus: what it held in the daemon is gone.
    pub(crate) fn client_left(&mut self, client: &str) {
        self.host.client_left(client);
        self.host.forget_agent(client);
        self.host.filters.remove(client);
        self.stop_discovering(client);
        for peripheral in self.peripherals.values_mut() {
            peripheral.forget_client(&mut self.host, client);
        }
    }
}
