//! What the radio does with a signal of BlueZ.

use std::time::Duration;

use btleplug::api::{BDAddr, ValueNotification};
use uuid::Uuid;

use super::{Radio, State, Stop};
use crate::link::bluetooth::BATTERY_LEVEL;
use crate::link::bluetooth::attach::Trouble;
use crate::link::bluetooth::report::Report;
use crate::link::bluetooth::roster::Member;
use crate::link::bluetooth::scan::Discovery;
use crate::link::bluetooth::signal::{AdapterChange, DeviceChange, Signal};
use crate::link::bluetooth::silence::Relief;
use crate::link::{Frame, LinkEvent, Source};

impl Radio {
    pub(super) async fn on_signal(&mut self, signal: Option<Signal>, report: &mut Report) {
        let attached_to = match &self.state {
            State::Attached(wires) => Some(wires.adapter_name.clone()),
            State::Detached { .. } | State::Attaching => None,
        };
        match signal {
            None => {
                self.stop = Some(Stop::BusDead);
                self.lose_for("the system bus died".to_owned(), report).await;
            }
            Some(Signal::Owner(None)) => {
                self.lose_for("the Bluetooth daemon is gone".to_owned(), report).await;
            }
            Some(Signal::Owner(Some(_))) => {
                if attached_to.is_some() {
                    let why = "the Bluetooth daemon was replaced".to_owned();
                    self.lose_for(why, report).await;
                }
                self.retry_now();
            }
            Some(Signal::Adapter(adapter, change)) => {
                let is_ours = attached_to.as_ref() == Some(&adapter);
                self.on_adapter(&adapter, is_ours, change, report).await;
            }
            Some(Signal::ServiceData(adapter, address, service, bytes)) => {
                if attached_to.as_ref() == Some(&adapter) {
                    self.on_service_data(address, service, bytes, report).await;
                }
            }
            Some(Signal::Device(adapter, address, change)) => match &self.state {
                State::Attached(_) => self.on_device(&adapter, address, change, report).await,
                // An advertisement comes again; what happened to a link does not.
                State::Attaching if !change.is_heard => {
                    self.deferred.push(Signal::Device(adapter, address, change));
                }
                State::Attaching | State::Detached { .. } => {}
            },
        }
    }

    async fn on_adapter(
        &mut self,
        adapter: &str,
        is_ours: bool,
        change: AdapterChange,
        report: &mut Report,
    ) {
        match change {
            AdapterChange::Added | AdapterChange::Powered(true) => self.retry_now(),
            AdapterChange::Removed if is_ours => {
                self.lose_for(format!("the adapter {adapter} was unplugged"), report).await;
            }
            AdapterChange::Powered(false) if is_ours && !self.is_cycling => {
                self.lose_for(format!("the adapter {adapter} was switched off"), report).await;
            }
            AdapterChange::Discovering(false) if is_ours && self.discovery == Discovery::On => {
                tracing::warn!("scan ended by itself");
                self.discovery = Discovery::Off;
                self.scan_not_before = self.now().saturating_add(self.settings.limits.retry_first);
            }
            AdapterChange::Removed
            | AdapterChange::Powered(false)
            | AdapterChange::Discovering(_) => {}
        }
    }

    /// The radio works: something was heard, or a device is on the line.
    pub(super) async fn relieve(&mut self, now: Duration, report: &mut Report) {
        match self.silence.heard(now) {
            Relief::None => {}
            Relief::CloseEar => self.is_renewal_due = true,
            Relief::TellUp => {
                self.is_renewal_due = true;
                report.up().await;
            }
        }
    }

    pub(super) async fn on_device(
        &mut self,
        adapter: &str,
        address: BDAddr,
        change: DeviceChange,
        report: &mut Report,
    ) {
        match &self.state {
            State::Attached(wires) if wires.adapter_name == adapter => {}
            State::Attached(_) | State::Attaching | State::Detached { .. } => return,
        }
        let stamp = self.clock.now();
        if change.is_heard {
            self.relieve(stamp.since_boot, report).await;
        }
        let member = self.settings.devices.iter().position(|device| device.address == address);
        let Some((member, device)) =
            member.and_then(|member| Some((member, self.settings.devices.get(member)?)))
        else {
            tracing::trace!(%address, ?change, "stranger heard");
            return;
        };
        let is_news = match (change.is_heard, device.advertised.is_empty()) {
            (false, _) => false,
            (true, true) => self.roster.heard(member, stamp.since_boot),
            // What it has to say is in its advertisements.
            (true, false) => self.roster.is_news(member, stamp.since_boot),
        };
        if is_news {
            report.tell(LinkEvent::Seen(device.id.clone(), stamp)).await;
        }
        if let Some(percent) = change.battery_percent
            && device.reads.iter().chain(&device.subscriptions).any(|uuid| *uuid == BATTERY_LEVEL)
        {
            let source = Source::Characteristic(BATTERY_LEVEL);
            let (device, bytes) = (device.id.clone(), vec![percent]);
            let frame = Frame { device, source, bytes, received: stamp };
            report.tell(LinkEvent::Frame(frame)).await;
        }
        self.note_link(member, change);
    }

    /// A device that is never connected says what it has to say.
    async fn on_service_data(
        &mut self,
        address: BDAddr,
        service: Uuid,
        bytes: Vec<u8>,
        report: &mut Report,
    ) {
        let mut devices = self.settings.devices.iter();
        let device = devices.find(|it| it.address == address && it.advertised.contains(&service));
        if let Some(device) = device {
            let (device, source) = (device.id.clone(), Source::Characteristic(service));
            let frame = Frame { device, source, bytes, received: self.clock.now() };
            report.tell(LinkEvent::Frame(frame)).await;
        }
    }

    /// Notes what happened to the link of a device, for its session.
    fn note_link(&mut self, member: Member, change: DeviceChange) {
        let connected = if change.is_removed { Some(false) } else { change.connected };
        let Some(presence) = self.presence.get(member) else {
            return;
        };
        presence.send_if_modified(|it| {
            let before = it.clone();
            match connected {
                Some(false) if it.is_connected => {
                    it.n_hang_ups = it.n_hang_ups.wrapping_add(1);
                    (it.is_connected, it.is_resolved) = (false, false);
                }
                Some(is_connected) => it.is_connected = is_connected,
                None => {}
            }
            it.is_resolved = change.resolved.unwrap_or(it.is_resolved);
            it.is_bonded = change.bonded.unwrap_or(it.is_bonded);
            *it != before
        });
        if let Some(is_linked) = connected {
            let now = self.now();
            self.roster.linked(member, is_linked, now);
        }
    }

    /// A value of a device without a session: BlueZ made the link by itself, or the value is late.
    pub(super) async fn on_idle_value(
        &mut self,
        member: Member,
        value: ValueNotification,
        report: &mut Report,
    ) {
        let Some(device) = self.settings.devices.get(member) else {
            return;
        };
        if device.subscriptions.contains(&value.uuid) {
            let frame = Frame {
                device: device.id.clone(),
                source: Source::Characteristic(value.uuid),
                bytes: value.value,
                received: self.clock.now(),
            };
            report.tell(LinkEvent::Frame(frame)).await;
        }
    }

    async fn lose_for(&mut self, why: String, report: &mut Report) {
        self.lose(Trouble { why, is_limit: false }, report).await;
    }

    /// Something came back: the radio is tried at once.
    fn retry_now(&mut self) {
        if let State::Detached { retry_at } = &mut self.state {
            *retry_at = self.clock.now().since_boot;
        }
    }
}
