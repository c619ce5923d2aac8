//! A link's life: asked for, up, resolved, lost.

use std::time::Duration;

use super::effect::{CallId, Property};
use super::failure::Failure;
use super::host::{Due, Host};
use super::peripheral::{DEVICE, LinkFault, Peripheral, Phase};
use super::tree;
use crate::device::Wake;

/// How long the daemon looks for a device that it shall connect to.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Why a link ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ending {
    /// The device ended it.
    HungUp,
    /// A client asked for it.
    ByClient,
    /// The radio lost it, or the daemon or adapter went away.
    Lost,
}

impl Peripheral {
    /// `Device1.Connect`.
    pub(super) fn connect(&mut self, host: &mut Host, call: CallId) {
        host.counters.connection_attempts = host.counters.connection_attempts.saturating_add(1);
        self.known.asked_by = host.generation();
        if !host.is_on_air() {
            host.fail(call, Failure::not_ready());
        } else if self.is_linked() {
            host.done(call);
        } else if self.known.connecting.is_some() {
            host.fail(call, Failure::in_progress());
        } else {
            self.known.connecting = Some(call);
            if matches!(self.phase, Phase::Advertising { .. }) {
                self.begin_link(host);
            } else {
                self.await_advertisement(host);
            }
        }
    }

    pub(super) fn await_advertisement(&mut self, host: &mut Host) {
        if !host.is_scheduled(self.address(), Due::ConnectTimeout) {
            host.schedule(self.address(), CONNECT_TIMEOUT, Due::ConnectTimeout);
        }
    }

    /// The device was seen: the link comes up after the time that it takes.
    pub(super) fn begin_link(&mut self, host: &mut Host) {
        host.cancel(self.address(), &[Due::ConnectTimeout]);
        if !host.is_scheduled(self.address(), Due::LinkUp) {
            host.schedule(self.address(), self.timing().connect, Due::LinkUp);
        }
    }

    pub(super) fn on_connect_timeout(&mut self, host: &mut Host) {
        self.fail_pairing(host, &Failure::connection_attempt_failed());
        self.fail_connecting(host, &Failure::connection_aborted());
    }

    fn fail_connecting(&mut self, host: &mut Host, failure: &Failure) {
        host.cancel(self.address(), &[Due::LinkUp, Due::ConnectTimeout]);
        if let Some(call) = self.known.connecting.take() {
            host.fail(call, failure.clone());
        }
        // The daemon says the same of a link that was lost and of a pairing that was given up.
        self.fail_pairing(host, &Failure::authentication("Canceled"));
    }

    pub(super) fn on_link_up(&mut self, host: &mut Host) {
        if !matches!(self.phase, Phase::Advertising { .. }) || !host.is_on_air() {
            return;
        }
        self.fault = self.link_faults.pop_front();
        if let Some(LinkFault::Refused(failure)) =
            self.fault.take_if(|fault| matches!(fault, LinkFault::Refused(_)))
        {
            return self.fail_connecting(host, &failure);
        }
        if self.known.bonded && !self.bonded {
            // The device lost the key: encryption fails, and the link with it.
            return self.fail_connecting(host, &Failure::connection_aborted());
        }
        self.phase = Phase::Linked;
        self.n_sent = 0;
        self.is_let_in = false;
        host.cancel(self.address(), &[Due::Advertise, Due::Vanish]);
        self.counters.connections = self.counters.connections.saturating_add(1);
        host.counters.connections = host.counters.connections.saturating_add(1);
        if !self.is_secured() {
            self.enabled.clear();
        }
        if self.known.cached {
            self.export(host);
        }
        host.changed(self.node(), DEVICE, [("Connected", Property::Flag(true))]);
        if let Some(call) = self.known.connecting.take() {
            host.done(call);
        }
        self.rearm();
        self.begin_session(host);
        match self.fault {
            Some(LinkFault::NeverResolved) => {}
            Some(LinkFault::DroppedBeforeResolved(after)) => {
                host.schedule(self.address(), after, Due::DropLink);
            }
            Some(LinkFault::ResolvedLate(more)) => {
                host.schedule(self.address(), self.timing().resolve + more, Due::Resolve);
            }
            Some(LinkFault::Refused(_) | LinkFault::DroppedAfter { .. } | LinkFault::Lingers)
            | None => host.schedule(self.address(), self.timing().resolve, Due::Resolve),
        }
        self.continue_pairing(host);
    }

    /// The daemon enables again what its clients are subscribed to.
    fn rearm(&mut self) {
        if self.is_secured() {
            let wanted = self.known.notifying.iter().filter(|(_, clients)| !clients.is_empty());
            self.enabled.extend(wanted.map(|(handle, _clients)| *handle));
        }
    }

    pub(super) fn on_resolve(&mut self, host: &mut Host) {
        if !self.is_linked() || self.known.resolved {
            return;
        }
        self.export(host);
        self.known.resolved = true;
        self.counters.resolutions = self.counters.resolutions.saturating_add(1);
        self.known.cached = self.known.bonded;
        let changed = [("UUIDs", tree::uuids(self)), ("ServicesResolved", Property::Flag(true))];
        host.changed(self.node(), DEVICE, changed);
        if self.table.has_battery() {
            tree::announce_battery(self, host);
        }
    }

    /// Puts the objects of the services into the daemon's tree.
    fn export(&mut self, host: &mut Host) {
        if std::mem::replace(&mut self.known.exported, true) {
            return;
        }
        for node in tree::gatt_nodes(self) {
            tree::announce(self, node, host);
        }
    }

    /// Takes the objects of the services out of the daemon's tree.
    pub(super) fn unexport(&mut self, host: &mut Host) {
        if std::mem::replace(&mut self.known.exported, false) {
            for node in tree::gatt_nodes(self).into_iter().rev() {
                tree::withdraw(self, node, host);
            }
        }
    }

    /// `Device1.Disconnect`.
    pub(super) fn disconnect(&mut self, host: &mut Host, call: CallId) {
        if self.is_linked() {
            self.unlink(host, Ending::ByClient);
            host.done(call);
        } else if self.known.connecting.is_some() {
            self.fail_connecting(host, &Failure::connection_aborted());
            host.done(call);
        } else {
            host.fail(call, Failure::new("org.bluez.Error.NotConnected", "Not Connected"));
        }
    }

    /// Ends the link and tells everyone who waits for something on it.
    pub(super) fn unlink(&mut self, host: &mut Host, ending: Ending) {
        self.fail_connecting(host, &Failure::connection_aborted());
        if !self.is_linked() {
            return;
        }
        self.phase = Phase::Idle;
        self.fault = None;
        self.counters.disconnections = self.counters.disconnections.saturating_add(1);
        if ending == Ending::HungUp {
            self.counters.hang_ups = self.counters.hang_ups.saturating_add(1);
        }
        let timers = [Due::Resolve, Due::DropLink, Due::Send, Due::HangUp, Due::PairingDone];
        host.cancel(self.address(), &timers);
        for waiting in std::mem::take(&mut self.known.waiting) {
            host.fail(waiting.call, Failure::not_connected());
        }
        if std::mem::replace(&mut self.known.resolved, false) {
            if self.table.has_battery() {
                tree::withdraw_battery(self, host);
            }
            let resolved = [("ServicesResolved", Property::Flag(false))];
            host.changed(self.node(), DEVICE, resolved);
        }
        host.changed(self.node(), DEVICE, [("Connected", Property::Flag(false))]);
        if !self.known.bonded {
            self.known.notifying.clear();
            self.unexport(host);
            self.expect_to_vanish(host);
        }
        if !self.bonded {
            self.enabled.clear();
        }
        self.rest(host, ending);
    }

    /// After a link: to sleep, or back to what is left of the wake window.
    fn rest(&mut self, host: &mut Host, ending: Ending) {
        match self.radio.wake {
            Wake::Always => self.advertise(host, None),
            Wake::AfterMeasurement { .. } => {
                let window = host.remaining(self.address(), Due::Sleep);
                let has_news = self.omron.as_ref().is_some_and(|unit| unit.has_news);
                let has_more = has_news || !self.store.is_empty() || !self.coming.is_empty();
                let unfinished = has_more && ending != Ending::HungUp;
                match window {
                    Some(left) if unfinished => {
                        self.advertise(host, Some(host.now.saturating_add(left)));
                    }
                    Some(_) | None => host.cancel(self.address(), &[Due::Sleep]),
                }
            }
        }
    }

    /// `Adapter1.RemoveDevice`: the daemon forgets the device with its key.
    pub(super) fn remove(&mut self, host: &mut Host) {
        self.unlink(host, Ending::ByClient);
        self.known.notifying.clear();
        self.known.bonded = false;
        self.known.cached = false;
        self.known.trusted = false;
        self.known.alias = None;
        self.unlist(host);
    }
}
