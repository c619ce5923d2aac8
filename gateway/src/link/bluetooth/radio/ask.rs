//! What the radio asks for: each call is a future of its own, so that none keeps another waiting.

use std::sync::Arc;

use btleplug::api::{Central as _, ScanFilter};
use tokio::sync::watch;
use uuid::Uuid;

use super::{Done, Radio, State};
use crate::link::bluetooth::BluetoothSettings;
use crate::link::bluetooth::attach::{attach, within};
use crate::link::bluetooth::peer::is_in_progress;
use crate::link::bluetooth::roster::Member;
use crate::link::bluetooth::scan::Discovery;
use crate::link::bluetooth::session::{Session, Wires};

impl Radio {
    pub(super) fn begin_to_attach(&mut self) {
        for presence in &self.presence {
            presence.send_modify(|it| it.radio_lost = None);
        }
        self.state = State::Attaching;
        self.is_attach_pending = true;
        let (manager, bluez) = (self.manager.clone(), self.bluez.clone());
        let settings = Arc::clone(&self.settings);
        let without_peer: Vec<Member> = self
            .peers
            .iter()
            .enumerate()
            .filter_map(|(member, peer)| peer.is_none().then_some(member))
            .collect();
        self.work.push(Box::pin(async move {
            Done::Attached(attach(&manager, &bluez, &settings, &without_peer).await)
        }));
    }

    pub(super) fn start_scan(&mut self, wires: Wires) {
        self.is_renewal_due = false;
        self.discovery = Discovery::Starting;
        let services =
            if self.silence.is_ear_open() { Vec::new() } else { scan_services(&self.settings) };
        let (number, limit) = (self.n_attachments, self.settings.limits.call);
        self.work.push(Box::pin(async move {
            let call = async {
                match wires.adapter.start_scan(ScanFilter { services }).await {
                    Err(error) if is_in_progress(&error) => Ok(()),
                    outcome => outcome,
                }
            };
            Done::Started(number, within(limit, "the scan does not start", call).await)
        }));
    }

    pub(super) fn stop_scan(&mut self, wires: Wires) {
        self.discovery = Discovery::Stopping;
        let (number, limit) = (self.n_attachments, self.settings.limits.call);
        self.work.push(Box::pin(async move {
            let call = wires.adapter.stop_scan();
            if let Err(trouble) = within(limit, "the scan does not stop", call).await {
                // A scan that is not on is stopped well enough.
                tracing::debug!(error = trouble.why, "scan not stopped");
            }
            Done::Stopped(number)
        }));
    }

    pub(super) fn switch_off(&mut self, wires: Wires) {
        self.is_power_cycle_due = false;
        self.is_cycling = true;
        self.discovery = Discovery::Stopping;
        let (number, limit) = (self.n_attachments, self.settings.limits.call);
        self.work.push(Box::pin(async move {
            let call = wires.bluez.switch_off(&wires.adapter_name);
            if let Err(trouble) = within(limit, "the adapter is not switched off", call).await {
                tracing::warn!(error = trouble.why, "adapter not switched off");
            }
            Done::SwitchedOff(number)
        }));
    }

    pub(super) fn begin_session(&mut self, member: Member, wires: Wires) {
        let device = self.settings.devices.get(member).cloned();
        let presence = self.presence.get(member).map(watch::Sender::subscribe);
        let (Some(device), Some(presence)) = (device, presence) else {
            return;
        };
        self.roster.begin(member);
        self.n_sessions = self.n_sessions.saturating_add(1);
        let peer = self.peers.get_mut(member).and_then(Option::take);
        let session = Session::new(member, device, wires, presence, peer);
        self.work.push(Box::pin(async move {
            match session.set_up().await {
                Ok(session) => Done::SetUp(session),
                Err(closed) => Done::Closed(closed),
            }
        }));
    }
}

/// Services to scan for; none means all.
fn scan_services(settings: &BluetoothSettings) -> Vec<Uuid> {
    if settings.devices.iter().any(|device| device.services.is_empty()) {
        return Vec::new();
    }
    let of_devices = settings.devices.iter().flat_map(|device| &device.services);
    let mut services: Vec<Uuid> =
        settings.scan_services.iter().chain(of_devices).copied().collect();
    services.sort();
    services.dedup();
    services
}
