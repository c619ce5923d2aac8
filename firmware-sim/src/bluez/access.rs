//! Reading, writing and subscribing to a device's characteristics.

use std::collections::BTreeSet;

use jiff::civil::DateTime;

use super::effect::{Answer, CallId, Property};
use super::failure::Failure;
use super::host::Host;
use super::path::Node;
use super::peripheral::{CHARACTERISTIC, Peripheral, WaitingSubscription};
use crate::device::{Security, date_time};
use crate::gatt::{ClockLayout, Content, Handle};

impl Peripheral {
    /// Returns what the device's clock shows when the local time is `local`.
    pub(super) fn clock(&self, local: DateTime) -> DateTime {
        local.saturating_add(self.clock_error)
    }

    /// `GattCharacteristic1.ReadValue`.
    pub(super) fn read(
        &mut self,
        host: &mut Host,
        call: CallId,
        node: Node,
        offset: usize,
        local: DateTime,
    ) {
        let Some(handle) = self.characteristic_of(node) else {
            return host.fail(call, Failure::unknown_object(&node.to_string()));
        };
        if !self.is_linked() {
            return host.fail(call, Failure::not_connected());
        }
        let content = self.table.shown_characteristic(handle).map(|it| &it.characteristic.content);
        let value = match content {
            Some(Content::Fixed(bytes)) => bytes.clone(),
            Some(Content::Clock(layout)) => date_time::encode(self.clock(local), *layout),
            Some(Content::BatteryLevel) => vec![self.battery_percent],
            Some(
                Content::Stream
                | Content::Sink
                | Content::RecordAccess
                | Content::UserControl { .. }
                | Content::Meter
                | Content::Key
                | Content::Request { .. },
            )
            | None => {
                return host.fail(call, Failure::not_permitted("Read not permitted"));
            }
        };
        let Some(rest) = value.get(offset..) else {
            let name = "org.bluez.Error.InvalidOffset";
            return host.fail(call, Failure::new(name, "Invalid offset"));
        };
        self.counters.reads = self.counters.reads.saturating_add(1);
        self.known.values.insert(handle, value.clone());
        host.answer(call, Answer::Bytes(rest.to_vec()));
        // A client's own read comes back to it as a change of the value.
        host.changed(node, CHARACTERISTIC, [("Value", Property::Bytes(value))]);
    }

    /// `GattCharacteristic1.WriteValue`.
    pub(super) fn write(
        &mut self,
        host: &mut Host,
        call: CallId,
        node: Node,
        bytes: Vec<u8>,
        local: DateTime,
    ) {
        let Some(handle) = self.characteristic_of(node) else {
            return host.fail(call, Failure::unknown_object(&node.to_string()));
        };
        if !self.is_linked() {
            return host.fail(call, Failure::not_connected());
        }
        let content = self.table.shown_characteristic(handle).map(|it| &it.characteristic.content);
        match content {
            Some(Content::Clock(layout)) => match date_time::read(&bytes, *layout) {
                Some(set) => {
                    self.clock_error = set.duration_since(local);
                    self.is_let_in |= *layout == ClockLayout::Transtek;
                }
                None => {
                    let refused = "Operation failed with ATT error: 0x80";
                    return host.fail(call, Failure::failed(refused));
                }
            },
            Some(Content::Sink) => {}
            Some(Content::Meter) => self.ask_meter(handle, &bytes),
            Some(Content::Key) => self.show_key(handle, &bytes),
            Some(Content::Request { channel }) => {
                let channel = *channel;
                self.ask_memory(channel, &bytes);
            }
            Some(Content::UserControl { consent }) => {
                let consent = *consent;
                self.request_user(handle, &bytes, consent);
            }
            Some(Content::RecordAccess) => {
                if let Err(refused) = self.request_records(handle, &bytes) {
                    return host.fail(call, Failure::failed(refused));
                }
            }
            Some(Content::Fixed(_) | Content::Stream | Content::BatteryLevel) | None => {
                return host.fail(call, Failure::not_permitted("Write not permitted"));
            }
        }
        self.counters.writes = self.counters.writes.saturating_add(1);
        self.written.push((handle, bytes));
        host.done(call);
        self.go_on(host);
    }

    /// `GattCharacteristic1.StartNotify`.
    pub(super) fn start_notify(&mut self, host: &mut Host, call: CallId, client: &str, node: Node) {
        let Some(handle) = self.characteristic_of(node) else {
            return host.fail(call, Failure::unknown_object(&node.to_string()));
        };
        if !self.is_linked() {
            return host.fail(call, Failure::not_connected());
        }
        let placed = self.table.shown_characteristic(handle);
        if placed.is_none_or(|placed| placed.cccd.is_none()) {
            return host.fail(call, Failure::not_supported());
        }
        if self.radio.security == Security::Open || self.is_secured() {
            return self.subscribe(host, call, client, handle);
        }
        let waiting = WaitingSubscription { call, client: client.to_owned(), handle };
        if self.known.pairing.is_some() {
            self.known.waiting.push(waiting);
        } else if host.agent_for(client).is_some() {
            self.known.waiting.push(waiting);
            self.begin_pairing(host, None, client);
        } else if !host.hangs_without_agent {
            host.fail(call, Failure::not_permitted("Not paired"));
        }
    }

    /// Gives a client a notify session and enables the characteristic's CCCD.
    pub(super) fn subscribe(
        &mut self,
        host: &mut Host,
        call: CallId,
        client: &str,
        handle: Handle,
    ) {
        let sessions = self.known.notifying.entry(handle).or_default();
        let was_notifying = !sessions.is_empty();
        if sessions.insert(client.to_owned()) {
            self.counters.subscriptions = self.counters.subscriptions.saturating_add(1);
        }
        self.enabled.insert(handle);
        if !was_notifying && let Some(node) = self.node_of(handle) {
            host.changed(node, CHARACTERISTIC, [("Notifying", Property::Flag(true))]);
        }
        host.done(call);
        self.go_on(host);
    }

    /// `GattCharacteristic1.StopNotify`.
    pub(super) fn stop_notify(&mut self, host: &mut Host, call: CallId, client: &str, node: Node) {
        let handle = self.characteristic_of(node);
        let had_session = handle
            .and_then(|handle| self.known.notifying.get_mut(&handle))
            .is_some_and(|sessions| sessions.remove(client));
        if !had_session {
            return host.fail(call, Failure::failed("No notify session started"));
        }
        self.settle_sessions(host);
        host.done(call);
    }

    /// Ends the notify sessions of a client that left the bus.
    pub(super) fn forget_client(&mut self, host: &mut Host, client: &str) {
        for sessions in self.known.notifying.values_mut() {
            sessions.remove(client);
        }
        self.settle_sessions(host);
        self.known.waiting.retain(|waiting| waiting.client != client);
        if self.known.pairing.as_ref().is_some_and(|pairing| pairing.caller == client) {
            self.fail_pairing(host, &Failure::authentication("Canceled"));
        }
    }

    /// Disables the CCCD of characteristics that no client has a session for any more.
    ///
    /// Without a link the device is not told: with a bond it keeps its CCCD.
    fn settle_sessions(&mut self, host: &mut Host) {
        let ended: BTreeSet<Handle> = self
            .known
            .notifying
            .extract_if(.., |_handle, sessions| sessions.is_empty())
            .map(|(handle, _sessions)| handle)
            .collect();
        for handle in ended {
            if self.is_linked() {
                self.enabled.remove(&handle);
            }
            if let Some(node) = self.node_of(handle)
                && self.known.exported
            {
                host.changed(node, CHARACTERISTIC, [("Notifying", Property::Flag(false))]);
            }
        }
    }

    fn characteristic_of(&self, node: Node) -> Option<Handle> {
        match node {
            Node::Characteristic(_, service, handle) if self.known.exported => self
                .table
                .shown_service(service)?
                .characteristics
                .iter()
                .any(|placed| placed.handle == handle)
                .then_some(handle),
            Node::Root
            | Node::Org
            | Node::Bluez
            | Node::Adapter
            | Node::Device(_)
            | Node::Service(..)
            | Node::Characteristic(..)
            | Node::Descriptor(..) => None,
        }
    }

    fn node_of(&self, handle: Handle) -> Option<Node> {
        self.table.services().iter().find_map(|service| {
            let mut handles = service.characteristics.iter().map(|placed| placed.handle);
            handles
                .any(|it| it == handle)
                .then(|| Node::Characteristic(self.address(), service.handle, handle))
        })
    }
}
