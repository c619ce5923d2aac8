//! From what a decoder says to what is recorded.

use tracing::debug;
use vitals::wire::v1::EventKind;
use vitals::{Context, DeviceId, Epoch, Reading, ReadingId};

use super::record::Remark;
use super::{Hub, HubError};
use crate::clock::Stamp;
use crate::device::{FailedMeasurement, Item, Observation, Refused};
use crate::link::Source;

/// Battery level in percent at which a person should change it.
pub(super) const BATTERY_LOW_PERCENT: u8 = 15;

impl Hub {
    /// Takes in what a device said, in the order in which it said it.
    pub(super) fn take_items(
        &mut self,
        now: Stamp,
        device: &DeviceId,
        items: Vec<Item>,
    ) -> Result<(), HubError> {
        items.into_iter().try_for_each(|item| match item {
            Item::Observation(it) => self.observed(now, device, it),
            Item::Failed(it) => self.measurement_failed(now, device, it),
            Item::Refused(it) => self.refused(now, device, it),
            Item::Battery(percent) => self.battery(now, device, percent),
            Item::Clock(shown) => {
                self.clock_shown(now, device, shown);
                Ok(())
            }
            Item::CuffPressure(_pressure) => Ok(()),
            Item::Information { subject, .. } => {
                debug!(%device, subject = subject.as_str(), "device information received");
                Ok(())
            }
        })
    }

    fn observed(
        &mut self,
        now: Stamp,
        device: &DeviceId,
        observation: Observation,
    ) -> Result<(), HubError> {
        let (measured_at, time_quality) = self.measured_at(now, device, &observation)?;
        let Some(member) = self.roster.member(device) else { return Ok(()) };
        let (subject, subject_candidates) =
            member.device.owner.of(observation.user_slot, &observation.values);
        let identity = observation.content_identity();
        let received = observation.received;
        let reading = Reading {
            id: ReadingId { epoch: Epoch([0; 8]), seq: 0 },
            subject,
            subject_candidates,
            device: member.reference(observation.battery_percent),
            kind: observation.kind,
            measured_at,
            received_at: self.local(received),
            time_quality,
            device_time: observation.device_time.map(|it| it.to_string()),
            values: observation.values,
            flags: observation.flags,
            context: Context::default(),
            raw: observation.raw,
            recorded: self.moment(now),
        };
        let reading = self.exercise.tagged(reading);
        if self.record_reading(now, &reading, identity)?
            && let Some(member) = self.roster.member_mut(device)
        {
            member.last_reading = Some(received);
            member.last_error = None;
        }
        Ok(())
    }

    fn measurement_failed(
        &mut self,
        now: Stamp,
        device: &DeviceId,
        failed: FailedMeasurement,
    ) -> Result<(), HubError> {
        let Some(member) = self.roster.member(device) else { return Ok(()) };
        let (subject, _candidates) = member.device.owner.of(failed.user_slot, &[]);
        let text = failed.coaching().to_owned();
        let about_hub = Remark::about_hub(EventKind::MeasurementFailed, text);
        let remark = Remark {
            device: Some(device.clone()),
            subject,
            identity: failed.content_identity(),
            raw: Some(failed.raw),
            ..about_hub
        };
        self.remark(now, remark)
    }

    fn refused(&mut self, now: Stamp, device: &DeviceId, refused: Refused) -> Result<(), HubError> {
        let untold = match refused.n_untold {
            0 => String::new(),
            n => format!(" {n} more came before it."),
        };
        let text = format!("A message of the device could not be read: {}.{untold}", refused.error);
        self.roster.failed(device, text.clone());
        let remark = Remark {
            device: Some(device.clone()),
            source: Some(source_word(refused.source)),
            identity: refused.content_identity(),
            raw: Some(refused.raw),
            ..Remark::about_hub(EventKind::PayloadQuarantined, text)
        };
        self.remark(now, remark)
    }

    fn battery(&mut self, now: Stamp, device: &DeviceId, percent: u8) -> Result<(), HubError> {
        let Some(member) = self.roster.member_mut(device) else { return Ok(()) };
        let was_low = member.battery_percent.is_some_and(|it| it <= BATTERY_LOW_PERCENT);
        member.battery_percent = Some(percent);
        if was_low || BATTERY_LOW_PERCENT < percent {
            return Ok(());
        }
        let text = format!("The battery of the device is at {percent} %.");
        let about_hub = Remark::about_hub(EventKind::BatteryLow, text);
        self.remark(now, Remark { device: Some(device.clone()), ..about_hub })
    }
}

fn source_word(source: Source) -> String {
    match source {
        Source::Characteristic(uuid) => uuid.to_string(),
        Source::Serial => "serial".to_owned(),
    }
}
