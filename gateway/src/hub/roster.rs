//! The devices of the home: whose they are, what decodes them, and how each is doing.

use std::collections::BTreeMap;
use std::time::Duration;

use vitals::{DeviceId, DeviceReference};

use super::device_clock::SessionClock;
use super::owner::Owner;
use crate::clock::Stamp;
use crate::device::catalogue::Model;
use crate::device::{Decoder, Item, Secret, StreamSettings};
use crate::link::Frame;

/// A device of the home.
#[derive(Debug, Clone)]
pub struct Device {
    /// Name that this hub gave it.
    pub id: DeviceId,
    /// Its row in the catalogue.
    pub model: &'static Model,
    /// Whose measurements it makes.
    pub owner: Owner,
    /// How its stream becomes readings.
    pub stream: StreamSettings,
    /// What opens its values, where they are sealed.
    pub secret: Option<Secret>,
}

/// How one device is doing.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) device: Device,
    decoder: Decoder,
    pub(super) last_seen: Option<Stamp>,
    pub(super) last_reading: Option<Stamp>,
    pub(super) last_error: Option<String>,
    pub(super) battery_percent: Option<u8>,
    /// When its clock last agreed with the hub's; time since boot.
    pub(super) clock_agreed: Option<Duration>,
    /// What is known of its clock in this session.
    pub(super) session: SessionClock,
}

/// Every device of the home.
#[derive(Debug)]
pub(super) struct Roster {
    members: BTreeMap<DeviceId, Member>,
}

impl Roster {
    pub(super) fn new(devices: Vec<Device>) -> Self {
        let member = |device: Device| {
            let member = Member {
                decoder: Decoder::new(device.model, device.stream).with_secret(device.secret),
                device: device.clone(),
                last_seen: None,
                last_reading: None,
                last_error: None,
                battery_percent: None,
                clock_agreed: None,
                session: SessionClock::default(),
            };
            (device.id, member)
        };
        Self { members: devices.into_iter().map(member).collect() }
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    pub(super) fn member(&self, id: &DeviceId) -> Option<&Member> {
        self.members.get(id)
    }

    pub(super) fn member_mut(&mut self, id: &DeviceId) -> Option<&mut Member> {
        self.members.get_mut(id)
    }

    /// What a frame says; nothing where the device is not of this home.
    pub(super) fn decode(&mut self, frame: &Frame) -> Vec<Item> {
        let Some(member) = self.members.get_mut(&frame.device) else { return Vec::new() };
        member.last_seen = Some(frame.received);
        member.decoder.push(frame.received, frame.source, &frame.bytes)
    }

    /// When a device's silence means something; time since boot.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.members.values().filter_map(|it| it.decoder.next_deadline()).min()
    }

    /// What follows from the silence of each device.
    pub(super) fn advance(&mut self, now: Stamp) -> Vec<(DeviceId, Vec<Item>)> {
        let advance = |(id, member): (&DeviceId, &mut Member)| {
            let items = member.decoder.advance(now);
            (!items.is_empty()).then(|| (id.clone(), items))
        };
        self.members.iter_mut().filter_map(advance).collect()
    }

    /// What was held back for the end of a session.
    pub(super) fn end_session(&mut self, id: &DeviceId) -> Vec<Item> {
        self.members.get_mut(id).map(|it| it.decoder.end()).unwrap_or_default()
    }

    /// A session begins or is over: what was known of its clock holds no longer, for it is set in each.
    pub(super) fn session(&mut self, id: &DeviceId, session: SessionClock) {
        if let Some(member) = self.members.get_mut(id) {
            member.session = session;
        }
    }

    pub(super) fn seen(&mut self, id: &DeviceId, at: Stamp) {
        if let Some(member) = self.members.get_mut(id) {
            member.last_seen = Some(at);
        }
    }

    pub(super) fn failed(&mut self, id: &DeviceId, cause: String) {
        if let Some(member) = self.members.get_mut(id) {
            member.last_error = Some(cause);
        }
    }
}

impl Member {
    /// The device as a reading names it.
    pub(super) fn reference(&self, battery_percent: Option<u8>) -> DeviceReference {
        DeviceReference {
            id: self.device.id.clone(),
            kind: self.device.model.kind,
            model: self.device.model.key.to_owned(),
            battery_percent: battery_percent.or(self.battery_percent),
        }
    }
}
