//! `up/reading`: one reading.

use serde::{Deserialize, Serialize};

use super::{Clock, VERSION, epoch, value_error};
use crate::device::DeviceReference;
use crate::identity::{HubId, ReadingId, Sequence};
use crate::quantity::Quantity;
use crate::reading::{self, Flag, Measurement};
use crate::wire::canonical::DecodeError;
use crate::wire::primitive::{Bytes, DecimalFraction, Time};

/// One reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Contract version.
    pub v: u8,
    /// Epoch of the hub's database, 8 bytes.
    pub epoch: Bytes,
    /// Number in that epoch.
    pub seq: Sequence,
    /// The hub that recorded it.
    pub hub: String,
    /// When the hub recorded it.
    pub recorded_at: Time,
    /// What the hub's clocks were worth then; absent from hubs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// `<epoch>-<seq>`.
    pub id: String,
    /// Whose it is.
    pub subject: Option<String>,
    /// Whose it may be, where nobody knows yet.
    pub subject_candidates: Vec<String>,
    /// What measured it.
    pub device: Device,
    /// What was measured.
    pub kind: String,
    /// When it was measured, as well as is known.
    pub measured_at: Time,
    /// When the hub received it.
    pub received_at: Time,
    /// How `measured_at` came about.
    pub time_quality: String,
    /// The time as the device said it.
    pub device_time: Option<String>,
    /// The values.
    pub values: Vec<Value>,
    /// Remarks on the quality.
    pub flags: Vec<String>,
    /// The situation.
    pub context: Context,
    /// The bytes as received.
    pub raw: Bytes,
}

/// The device of a reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Name that the hub gave it.
    pub id: String,
    /// What it measures.
    pub kind: String,
    /// Catalogue key of its model.
    pub model: String,
    /// Battery level in percent.
    pub battery: Option<u8>,
}

/// One value of a reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// What was measured.
    pub vital: String,
    /// The number, in the device's own precision.
    pub value: DecimalFraction,
    /// UCUM code of the unit.
    pub unit: String,
    /// IEEE 11073-10101 code.
    pub code: u32,
}

/// The situation of a reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Rest, or a part of an exercise session.
    pub phase: String,
    /// The visit during which it was taken.
    pub visit: Option<String>,
}

impl Reading {
    /// The message for a reading that `hub` recorded.
    #[must_use]
    pub fn new(reading: &reading::Reading, hub: &HubId) -> Self {
        let value = |it: &Measurement| Value {
            vital: it.vital.as_str().to_owned(),
            value: DecimalFraction(it.quantity.value()),
            unit: it.quantity.unit().ucum().to_owned(),
            code: it.vital.mdc_code(reading.kind),
        };
        Self {
            v: VERSION,
            epoch: Bytes(reading.id.epoch.0.to_vec()),
            seq: reading.id.seq,
            hub: hub.as_str().to_owned(),
            recorded_at: Time(reading.recorded.at),
            clock: Clock::of(&reading.recorded),
            id: reading.id.to_string(),
            subject: reading.subject.as_ref().map(|it| it.as_str().to_owned()),
            subject_candidates: reading
                .subject_candidates
                .iter()
                .map(|it| it.as_str().to_owned())
                .collect(),
            device: Device {
                id: reading.device.id.as_str().to_owned(),
                kind: reading.device.kind.as_str().to_owned(),
                model: reading.device.model.clone(),
                battery: reading.device.battery_percent,
            },
            kind: reading.kind.as_str().to_owned(),
            measured_at: Time(reading.measured_at),
            received_at: Time(reading.received_at),
            time_quality: reading.time_quality.as_str().to_owned(),
            device_time: reading.device_time.clone(),
            values: reading.values.iter().map(value).collect(),
            flags: reading.flags.iter().map(|it| it.as_str().to_owned()).collect(),
            context: Context {
                phase: reading.context.phase.as_str().to_owned(),
                visit: reading.context.visit.clone(),
            },
            raw: Bytes(reading.raw.clone()),
        }
    }

    /// The reading that this message carries.
    ///
    /// A flag of a later contract reads as [`Flag::Questionable`]: what is not understood never
    /// makes a reading look better.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Value`] with the key of the first value outside the contract.
    pub fn to_reading(&self) -> Result<reading::Reading, DecodeError> {
        let subject = |text: &String| text.parse().map_err(|it| value_error("subject", &it));
        Ok(reading::Reading {
            id: ReadingId { epoch: epoch(&self.epoch)?, seq: self.seq },
            subject: self.subject.as_ref().map(subject).transpose()?,
            subject_candidates: self
                .subject_candidates
                .iter()
                .map(subject)
                .collect::<Result<_, _>>()?,
            device: DeviceReference {
                id: self.device.id.parse().map_err(|it| value_error("device.id", &it))?,
                kind: self.device.kind.parse().map_err(|it| value_error("device.kind", &it))?,
                model: self.device.model.clone(),
                battery_percent: self.device.battery,
            },
            kind: self.kind.parse().map_err(|it| value_error("kind", &it))?,
            measured_at: self.measured_at.0,
            received_at: self.received_at.0,
            time_quality: self
                .time_quality
                .parse()
                .map_err(|it| value_error("time_quality", &it))?,
            device_time: self.device_time.clone(),
            values: self.values.iter().map(Value::to_measurement).collect::<Result<_, _>>()?,
            flags: self.flags.iter().map(|it| it.parse().unwrap_or(Flag::Questionable)).collect(),
            context: reading::Context {
                phase: self
                    .context
                    .phase
                    .parse()
                    .map_err(|it| value_error("context.phase", &it))?,
                visit: self.context.visit.clone(),
            },
            raw: self.raw.0.clone(),
            recorded: Clock::moment(self.recorded_at, self.clock.as_ref()),
        })
    }
}

impl Value {
    fn to_measurement(&self) -> Result<Measurement, DecodeError> {
        let unit = self.unit.parse().map_err(|it| value_error("values.unit", &it))?;
        Ok(Measurement {
            vital: self.vital.parse().map_err(|it| value_error("values.vital", &it))?,
            quantity: Quantity::new(self.value.0, unit)
                .map_err(|it| value_error("values.value", &it))?,
        })
    }
}
