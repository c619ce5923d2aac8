//! The adapter and the daemon as a whole: power, discovery, unplugging, exit and return.

use std::collections::BTreeSet;

use super::effect::{AdapterMethod, Answer, Effect, Property};
use super::failure::Failure;
use super::host::ADAPTER;
use super::link::Ending;
use super::path::Node;
use super::peripheral::Phase;
use super::tree;
use super::world::World;

impl World {
    /// Performs a call on `Adapter1`.
    pub(super) fn call_adapter(
        &mut self,
        sender: &str,
        node: Node,
        method: AdapterMethod,
    ) -> Result<Answer, Failure> {
        if node != Node::Adapter || !self.host.plugged {
            return Err(Failure::unknown_object(&node.to_string()));
        }
        match method {
            AdapterMethod::StartDiscovery => self.start_discovery(sender)?,
            AdapterMethod::SetDiscoveryFilter { uuids } => {
                let wanted = uuids.into_iter().map(|uuid| uuid.to_lowercase()).collect();
                self.host.filters.insert(sender.to_owned(), wanted);
            }
            AdapterMethod::RemoveDevice { path } => {
                let peripheral = Node::parse(&path)
                    .and_then(Node::device)
                    .and_then(|address| self.peripherals.get_mut(&address))
                    .filter(|peripheral| peripheral.known.listed)
                    .ok_or_else(Failure::does_not_exist)?;
                peripheral.remove(&mut self.host);
            }
            AdapterMethod::StopDiscovery => {
                if !self.host.discovering.contains_key(sender) {
                    return Err(Failure::failed("No discovery started"));
                }
                self.stop_discovering(sender);
            }
        }
        Ok(Answer::Nothing)
    }

    fn start_discovery(&mut self, sender: &str) -> Result<(), Failure> {
        if !self.host.is_on_air() {
            return Err(Failure::not_ready());
        }
        if self.host.discovering.contains_key(sender) {
            return Err(Failure::in_progress());
        }
        self.host.counters.discoveries = self.host.counters.discoveries.saturating_add(1);
        let was_discovering = !self.host.discovering.is_empty();
        let wanted = self.host.filters.get(sender).cloned().unwrap_or_else(BTreeSet::new);
        self.host.discovering.insert(sender.to_owned(), wanted);
        if !was_discovering {
            self.host.changed(Node::Adapter, ADAPTER, [("Discovering", Property::Flag(true))]);
        }
        Ok(())
    }

    /// Ends the discovery of one client; the last one out ends it for the adapter.
    pub(super) fn stop_discovering(&mut self, client: &str) {
        if self.host.discovering.remove(client).is_some() && self.host.discovering.is_empty() {
            self.host.changed(Node::Adapter, ADAPTER, [("Discovering", Property::Flag(false))]);
            for peripheral in self.peripherals.values_mut() {
                peripheral.forget_rssi(&mut self.host);
            }
        }
    }

    fn end_all_discovery(&mut self) {
        let clients: Vec<String> = self.host.discovering.keys().cloned().collect();
        for client in clients {
            self.stop_discovering(&client);
        }
    }

    /// Gives the adapter power or takes it away; without power every link is lost.
    pub(crate) fn set_powered(&mut self, powered: bool) {
        if self.host.powered == powered {
            return;
        }
        if !powered {
            self.end_all_discovery();
            for peripheral in self.peripherals.values_mut() {
                peripheral.unlink(&mut self.host, Ending::Lost);
            }
        }
        self.host.powered = powered;
        self.host.changed(Node::Adapter, ADAPTER, [("Powered", Property::Flag(powered))]);
    }

    /// Pulls the adapter out: its object and those of all devices are gone.
    pub(crate) fn unplug_adapter(&mut self) {
        if !self.host.plugged {
            return;
        }
        self.end_all_discovery();
        for peripheral in self.peripherals.values_mut() {
            peripheral.unlink(&mut self.host, Ending::Lost);
            peripheral.known.notifying.clear();
            peripheral.unlist(&mut self.host);
        }
        self.host.emit(Effect::Removed(Node::Adapter, vec![ADAPTER]));
        self.host.plugged = false;
        self.host.filters.clear();
    }

    /// Plugs the adapter back in, powered; devices with a bond are known again.
    pub(crate) fn plug_adapter(&mut self) {
        if self.host.plugged {
            return;
        }
        self.host.plugged = true;
        self.host.powered = true;
        if let Some(interfaces) = tree::describe(Node::Adapter, &self.host, &self.peripherals) {
            self.host.emit(Effect::Added(Node::Adapter, interfaces));
        }
        self.list_bonded();
    }

    fn list_bonded(&mut self) {
        for peripheral in self.peripherals.values_mut() {
            if peripheral.known.bonded && !peripheral.known.listed {
                peripheral.list(&mut self.host);
            }
        }
    }

    /// The daemon is gone: links are lost, and all that it kept for its clients.
    pub(crate) fn daemon_exited(&mut self) {
        self.host.running = false;
        self.host.discovering.clear();
        self.host.filters.clear();
        self.host.agents.clear();
        self.host.default_agent = None;
        self.host.questions.clear();
        for peripheral in self.peripherals.values_mut() {
            peripheral.unlink(&mut self.host, Ending::Lost);
            peripheral.known.connecting = None;
            peripheral.known.pairing = None;
            peripheral.known.waiting.clear();
            peripheral.known.notifying.clear();
            peripheral.known.values.clear();
            peripheral.known.exported = false;
            peripheral.known.listed = false;
            peripheral.known.rssi = None;
        }
    }

    /// The daemon is back with the bonds that it had.
    pub(crate) fn daemon_started(&mut self) {
        self.host.running = true;
        for peripheral in self.peripherals.values_mut() {
            peripheral.known.listed = peripheral.known.bonded && self.host.plugged;
            if let Phase::Advertising { until } = peripheral.phase {
                peripheral.advertise(&mut self.host, until);
            }
        }
    }
}
