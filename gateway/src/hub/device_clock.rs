//! What the clock of a device is worth: what it showed when it was asked, and whether it fell back.

use std::time::Duration;

use jiff::{Timestamp, civil};
use tracing::{debug, info};
use vitals::{DeviceId, DeviceTime, Flag, LocalInstant, Sequence, TimeQuality};

use super::recall::has;
use super::{Hub, HubError, translate};
use crate::clock::Stamp;
use crate::device::Observation;
use crate::device::time::{self, DeviceClock, Reception};
use crate::store::{Store, StoreError};

/// Readings read at once.
const PAGE: usize = 256;

/// Most pages that are looked through for the last reading of a device: they reach back over 34 h of
/// another one's stream with a reading every 15 s.
const PAGES_MAX: usize = 32;

/// What is known of the clock of a device in one session.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SessionClock {
    /// When the session began; time since boot.
    began: Option<Duration>,
    /// What it showed when it was asked, and when that was; time since boot.
    shown: Option<(civil::DateTime, Duration)>,
    /// The latest time of a reading that was there before the session, once that is looked up.
    newest: Option<Option<Timestamp>>,
}

impl SessionClock {
    /// At the beginning of a session.
    pub(super) fn begin(at: Stamp) -> Self {
        Self { began: Some(at.since_boot), ..Self::default() }
    }
}

impl Hub {
    /// Notes what the clock of a device shows: what it measured is understood by that in this session.
    pub(super) fn clock_shown(&mut self, now: Stamp, device: &DeviceId, shown: DeviceTime) {
        let (is_known, at) = (self.time.is_known(), self.local(now).at);
        let Some(member) = self.roster.member_mut(device) else { return };
        let civil = shown.civil();
        member.session.shown = civil.map(|civil| (civil, now.since_boot));
        let clock = civil.map(|shown| DeviceClock { shown, at });
        match clock.is_some_and(|it| it.is_right(&self.zone, time::TOLERANCE)) {
            _ if !is_known => debug!(%device, %shown, "clock of the device cannot be judged"),
            true => debug!(%device, %shown, "clock of the device is right"),
            false => info!(%device, %shown, "clock of the device is off"),
        }
    }

    /// When `observation` of a device was made, and how that is known; its clock is noted to be right where
    /// it shows the moment.
    ///
    /// A device that says an earlier time than in earlier sessions may have fallen back to it, and measured
    /// just now: unless it was asked for its clock, or says that it had stored the value, that time is none.
    pub(super) fn measured_at(
        &mut self,
        now: Stamp,
        device: &DeviceId,
        observation: &Observation,
    ) -> Result<(LocalInstant, TimeQuality), HubError> {
        let received = observation.received;
        let member = self.roster.member(device);
        let session = member.map(|it| it.session).unwrap_or_default();
        let reception = Reception {
            at: self.local(received).at,
            is_known: self.time.is_known(),
            earlier: self.time.earlier(received.since_boot, member.and_then(|it| it.clock_agreed)),
            clock: session.shown.map(|(shown, at)| DeviceClock { shown, at: self.time.at(at) }),
        };
        let (device_time, flags) = (observation.device_time, &observation.flags);
        let (at, quality) =
            time::measured_at(device_time, flags, &reception, &self.zone, time::TOLERANCE);
        if quality != TimeQuality::Synced {
            return Ok((at, quality));
        }
        if reception.is_near(at.at, time::TOLERANCE) {
            if let Some(member) = self.roster.member_mut(device) {
                member.clock_agreed = Some(received.since_boot);
            }
            return Ok((at, quality));
        }
        let is_sure = reception.clock.is_some() || flags.contains(&Flag::FromStorage);
        if !is_sure && self.newest(now, device, session)?.is_some_and(|newest| at.at < newest) {
            return Ok((LocalInstant::new(reception.at, &self.zone), TimeQuality::Fault));
        }
        Ok((at, quality))
    }

    /// The latest time that a device said before its session.
    fn newest(
        &mut self,
        now: Stamp,
        device: &DeviceId,
        session: SessionClock,
    ) -> Result<Option<Timestamp>, HubError> {
        if let Some(newest) = session.newest {
            return Ok(newest);
        }
        let began = self.time.at(session.began.unwrap_or(now.since_boot));
        let newest = self.ask(now, |hub| Ok(newest_of(&hub.store, device, began)?))?;
        if let Some(member) = self.roster.member_mut(device) {
            member.session.newest = Some(newest);
        }
        Ok(newest)
    }
}

/// The latest time of measurement of a device among the readings that came before `began`.
fn newest_of(
    store: &Store,
    device: &DeviceId,
    began: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let (mut before, mut newest) = (Sequence::MAX, None);
    for _page in 0..PAGES_MAX {
        let page = store.readings_before(before, PAGE)?;
        let Some(last) = page.last() else { break };
        before = last.seq;
        let may_be_its = page.iter().filter(|it| has(&it.payload, device.as_str().as_bytes()));
        for reading in may_be_its.filter_map(|it| translate::reading_of(&it.payload).ok()) {
            let (measured, received) = (reading.measured_at.at, reading.received_at.at);
            let is_own_time =
                matches!(reading.time_quality, TimeQuality::Synced | TimeQuality::Corrected);
            if reading.device.id == *device && is_own_time && received < began && measured < began {
                newest = newest.max(Some(measured));
            }
        }
    }
    Ok(newest)
}
