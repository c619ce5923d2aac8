//! Pulse Oximeter Profile: PLX Spot-check (0x2A5E) and PLX Continuous (0x2A5F) Measurement.
//!
//! ```text
//! 0x2A5E                                      0x2A5F
//! size  field                                 size  field
//! 1     flags                                 1     flags
//! 2     SpO2, SFLOAT, %                       2     SpO2, SFLOAT, %
//! 2     pulse rate, SFLOAT, per minute        2     pulse rate, SFLOAT, per minute
//! 7     bit 0: Date Time                      4     bit 0: SpO2 and pulse rate, fast
//! 2     bit 1: measurement status             4     bit 1: SpO2 and pulse rate, slow
//! 3     bit 2: device and sensor status       2     bit 2: measurement status
//! 2     bit 3: pulse amplitude index, SFLOAT  3     bit 3: device and sensor status
//! 0     bit 4: the device clock is not set    2     bit 4: pulse amplitude index, SFLOAT
//! ```
//!
//! The two give the same flag bits different meanings. `plx::status` has the two status fields.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use vitals::{DeviceTime, Flag, Measurement, ReadingKind, Unit, Vital};

use self::status::{DeviceStatus, MeasurementStatus};
use super::date_time;
use super::error::DecodeError;
use super::item::FailureReason;
use super::measurement::{beside, measurement};
use super::medfloat::{Number, given, sfloat};
use super::payload::Payload;
use super::report::{NoResult, Report, reason};

pub mod status;

/// SpO2 with the pulse rate beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// Oxygen saturation in percent.
    pub saturation: Number,
    /// Pulse rate per minute.
    pub pulse: Number,
}

/// A decoded 0x2A5E or 0x2A5F.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oximetry {
    /// The values with normal averaging.
    pub normal: Pair,
    /// The values with fast response, of 0x2A5F alone.
    pub fast: Option<Pair>,
    /// The values with slow response, of 0x2A5F alone.
    pub slow: Option<Pair>,
    /// When it was measured, of 0x2A5E alone.
    pub device_time: Option<DeviceTime>,
    /// Whether the device says that its clock was never set, of 0x2A5E alone.
    pub is_clock_unset: bool,
    /// How good the measurement is.
    pub measurement_status: Option<MeasurementStatus>,
    /// How the device and its sensor are.
    pub device_status: Option<DeviceStatus>,
    /// Pulse amplitude index in percent.
    pub amplitude: Option<Number>,
}

/// Decodes the value of a PLX Spot-check Measurement (0x2A5E) characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] if the length is not what the
/// flags promise.
pub fn decode_spot_check(bytes: &[u8]) -> Result<Oximetry, DecodeError> {
    let mut payload = Payload::new(bytes);
    let flags = payload.byte("flags")?;
    let is = |bit: u8| flags & bit != 0;

    let normal = pair(&mut payload)?;
    let device_time = is(1 << 0).then(|| date_time::field(&mut payload)).transpose()?;
    let measurement_status = is(1 << 1).then(|| measurement_status(&mut payload)).transpose()?;
    let device_status = is(1 << 2).then(|| device_status(&mut payload)).transpose()?;
    let amplitude = is(1 << 3).then(|| amplitude(&mut payload)).transpose()?;
    let is_clock_unset = is(1 << 4);
    payload.end()?;
    Ok(Oximetry {
        normal,
        fast: None,
        slow: None,
        device_time,
        is_clock_unset,
        measurement_status,
        device_status,
        amplitude,
    })
}

/// Decodes the value of a PLX Continuous Measurement (0x2A5F) characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] if the length is not what the
/// flags promise.
pub fn decode_continuous(bytes: &[u8]) -> Result<Oximetry, DecodeError> {
    let mut payload = Payload::new(bytes);
    let flags = payload.byte("flags")?;
    let is = |bit: u8| flags & bit != 0;

    let normal = pair(&mut payload)?;
    let fast = is(1 << 0).then(|| pair(&mut payload)).transpose()?;
    let slow = is(1 << 1).then(|| pair(&mut payload)).transpose()?;
    let measurement_status = is(1 << 2).then(|| measurement_status(&mut payload)).transpose()?;
    let device_status = is(1 << 3).then(|| device_status(&mut payload)).transpose()?;
    let amplitude = is(1 << 4).then(|| amplitude(&mut payload)).transpose()?;
    payload.end()?;
    Ok(Oximetry {
        normal,
        fast,
        slow,
        device_time: None,
        is_clock_unset: false,
        measurement_status,
        device_status,
        amplitude,
    })
}

fn pair(payload: &mut Payload<'_>) -> Result<Pair, DecodeError> {
    let saturation = sfloat("SpO2", payload.array("SpO2")?)?;
    let pulse = sfloat("pulse rate", payload.array("pulse rate")?)?;
    Ok(Pair { saturation, pulse })
}

fn measurement_status(payload: &mut Payload<'_>) -> Result<MeasurementStatus, DecodeError> {
    payload.u16_le("measurement status").map(MeasurementStatus)
}

fn device_status(payload: &mut Payload<'_>) -> Result<DeviceStatus, DecodeError> {
    let [low, middle, high] = payload.array("device and sensor status")?;
    Ok(DeviceStatus(u32::from_le_bytes([low, middle, high, 0])))
}

fn amplitude(payload: &mut Payload<'_>) -> Result<Number, DecodeError> {
    sfloat("pulse amplitude index", payload.array("pulse amplitude index")?)
}

impl Oximetry {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::NotPatientData`] for demonstration and test data, and
    /// [`DecodeError::OutOfRange`] for values that no oximeter can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        if let Some(origin) = self.measurement_status.and_then(MeasurementStatus::fake_origin) {
            return Err(DecodeError::NotPatientData { origin });
        }
        let failure = self
            .device_status
            .and_then(DeviceStatus::failure)
            .or_else(|| self.measurement_status.and_then(MeasurementStatus::failure));
        let result = match (failure, given(self.normal.saturation)) {
            (Some(reason), _unusable) => Err(NoResult::Failed(vec![reason])),
            (None, None) => {
                let reason = self.normal.saturation.err().map_or(FailureReason::NoValue, reason);
                Err(NoResult::Failed(vec![reason]))
            }
            (None, Some(saturation)) => Ok(self.values(saturation)?),
        };
        Ok(Report {
            kind: ReadingKind::Oximetry,
            device_time: self.device_time,
            user_slot: None,
            flags: self.flags(),
            result,
        })
    }

    fn values(&self, saturation: Decimal) -> Result<Vec<Measurement>, DecodeError> {
        let saturation = measurement(Vital::OxygenSaturation, saturation, Unit::Percent)?;
        let pulse = given(self.normal.pulse)
            .map(|it| measurement(Vital::PulseRate, it, Unit::PerMinute))
            .transpose()?;
        let amplitude = self.amplitude.and_then(given);
        let amplitude =
            amplitude.and_then(|it| beside(Vital::PulseAmplitudeIndex, it, Unit::Percent));
        Ok([saturation].into_iter().chain(pulse).chain(amplitude).collect())
    }

    fn flags(&self) -> BTreeSet<Flag> {
        let clock = self.is_clock_unset.then_some(Flag::DeviceClockNotSet);
        let measurement = self.measurement_status.map(MeasurementStatus::flags).unwrap_or_default();
        let device = self.device_status.map(DeviceStatus::flags).unwrap_or_default();
        clock.into_iter().chain(measurement).chain(device).collect()
    }
}

#[cfg(test)]
mod tests;
