//! Blood Pressure Profile: Blood Pressure Measurement (0x2A35), Intermediate Cuff Pressure (0x2A36).
//!
//! ```text
//! offset  size  field
//! 0       1     flags       bit 0: 0 = mmHg, 1 = kPa
//!                           bit 1: time stamp present
//!                           bit 2: pulse rate present
//!                           bit 3: user id present
//!                           bit 4: measurement status present
//!                           bits 5-7: reserved, and set by real devices
//! 1       2     systolic    SFLOAT; in 0x2A36 the present cuff pressure
//! 3       2     diastolic   SFLOAT; in 0x2A36 there, but unused
//! 5       2     mean        SFLOAT; in 0x2A36 there, but unused
//! +0      7     time stamp  Date Time
//! +0      2     pulse rate  SFLOAT, per minute
//! +0      1     user id     0xFF = unknown
//! +0      2     status      bit 0: body movement
//!                           bit 1: cuff too loose
//!                           bit 2: irregular pulse
//!                           bits 3-4: pulse rate 0 = in range, 1 = above, 2 = below
//!                           bit 5: improper position
//! ```
//!
//! Beurer BM85 and its relatives send one byte more than their flags promise: the user id is always
//! there though bit 3 is clear, and pulse rate and status are big-endian. The length tells, not the
//! name: units of one model have been seen doing either.

use std::collections::BTreeSet;

use vitals::{DeviceTime, Flag, Quantity, ReadingKind, Unit, Vital};

use super::date_time;
use super::error::DecodeError;
use super::item::FailureReason;
use super::measurement::{beside, measurement};
use super::medfloat::{Number, given, sfloat};
use super::payload::Payload;
use super::report::{NoResult, Report, reason, user_slot};

/// Highest number that is shown of a cuff at work, whatever its unit: examples of the profile have 81 kPa,
/// and no rule looks at it.
const CUFF_PRESSURE_MAX: u16 = 330;

const KILOPASCAL: u8 = 1 << 0;
const TIME_STAMP: u8 = 1 << 1;
const PULSE_RATE: u8 = 1 << 2;
const USER_ID: u8 = 1 << 3;
const STATUS: u8 = 1 << 4;

/// A decoded 0x2A35 or 0x2A36.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BloodPressure {
    /// Unit of the three pressures.
    pub unit: Unit,
    /// Systolic pressure; in 0x2A36 the present cuff pressure.
    pub systolic: Number,
    /// Diastolic pressure.
    pub diastolic: Number,
    /// Mean arterial pressure; often missing or 0.
    pub mean: Number,
    /// When it was measured.
    pub device_time: Option<DeviceTime>,
    /// Pulse rate per minute.
    pub pulse: Option<Number>,
    /// User id as it came; 0xFF stands for unknown.
    pub user_id: Option<u8>,
    /// Measurement status as it came.
    pub status: Option<Status>,
}

/// Measurement status as it came, reserved bits included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    /// What it says in words; reserved bits say nothing.
    #[must_use]
    pub fn flags(self) -> BTreeSet<Flag> {
        const SINGLE: [(u16, Flag); 4] = [
            (1 << 0, Flag::BodyMovement),
            (1 << 1, Flag::CuffLoose),
            (1 << 2, Flag::IrregularPulse),
            (1 << 5, Flag::ImproperPosition),
        ];
        let pulse_rate = match self.pulse_rate_range() {
            1 => Some(Flag::PulseRateAboveRange),
            2 => Some(Flag::PulseRateBelowRange),
            _in_range_or_reserved => None,
        };
        let single = SINGLE.into_iter().filter(|(bit, _flag)| self.0 & bit != 0);
        single.map(|(_bit, flag)| flag).chain(pulse_rate).collect()
    }

    /// 0 = the pulse rate is in range, 1 = above it, 2 = below it, 3 is reserved.
    #[must_use]
    pub const fn pulse_rate_range(self) -> u16 {
        (self.0 >> 3) & 0b11
    }
}

/// How the fields after the pressures are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Standard,
    /// User id without its flag; pulse rate and status big-endian.
    Beurer,
}

/// Decodes the value of a Blood Pressure Measurement (0x2A35) characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] if the length is neither what the
/// flags promise nor one byte more as Beurer sends it.
pub fn decode(bytes: &[u8]) -> Result<BloodPressure, DecodeError> {
    match decode_as(Layout::Standard, bytes) {
        Err(DecodeError::Trailing { n_trailing: 1, .. }) if !has(bytes, USER_ID) => {
            decode_as(Layout::Beurer, bytes)
        }
        decoded => decoded,
    }
}

/// Decodes the value of an Intermediate Cuff Pressure (0x2A36) characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] if the length is not what the
/// flags promise.
pub fn decode_cuff_pressure(bytes: &[u8]) -> Result<BloodPressure, DecodeError> {
    decode_as(Layout::Standard, bytes)
}

fn has(bytes: &[u8], flag: u8) -> bool {
    bytes.first().is_some_and(|flags| flags & flag != 0)
}

fn decode_as(layout: Layout, bytes: &[u8]) -> Result<BloodPressure, DecodeError> {
    let mut payload = Payload::new(bytes);
    let flags = payload.byte("flags")?;
    let is = |flag: u8| flags & flag != 0;

    let unit = if is(KILOPASCAL) { Unit::Kilopascal } else { Unit::MillimetreOfMercury };
    let systolic = sfloat("systolic", payload.array("systolic")?)?;
    let diastolic = sfloat("diastolic", payload.array("diastolic")?)?;
    let mean = sfloat("mean", payload.array("mean")?)?;
    let device_time = is(TIME_STAMP).then(|| date_time::field(&mut payload)).transpose()?;
    let pulse = is(PULSE_RATE)
        .then(|| sfloat("pulse rate", ordered(layout, payload.array("pulse rate")?)))
        .transpose()?;
    let has_user_id = is(USER_ID) || layout == Layout::Beurer;
    let user_id = has_user_id.then(|| payload.byte("user id")).transpose()?;
    let status = is(STATUS)
        .then(|| payload.array("status").map(|it| Status(u16::from_le_bytes(ordered(layout, it)))))
        .transpose()?;
    payload.end()?;
    Ok(BloodPressure { unit, systolic, diastolic, mean, device_time, pulse, user_id, status })
}

/// Two bytes in the little-endian order of the standard.
const fn ordered(layout: Layout, [first, second]: [u8; 2]) -> [u8; 2] {
    match layout {
        Layout::Standard => [first, second],
        Layout::Beurer => [second, first],
    }
}

impl BloodPressure {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no cuff can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let flags = self.status.map(Status::flags).unwrap_or_default();
        let result = match (given(self.systolic), given(self.diastolic)) {
            (Some(systolic), Some(diastolic)) => {
                let mean = given(self.mean)
                    .and_then(|it| beside(Vital::MeanArterialPressure, it, self.unit));
                let pulse = self.pulse.and_then(given);
                let pulse = pulse.map(|it| measurement(Vital::PulseRate, it, Unit::PerMinute));
                let both = [
                    measurement(Vital::SystolicPressure, systolic, self.unit)?,
                    measurement(Vital::DiastolicPressure, diastolic, self.unit)?,
                ];
                Ok(both.into_iter().chain(mean).chain(pulse.transpose()?).collect())
            }
            (_systolic, _diastolic) => Err(NoResult::Failed(self.failure(&flags))),
        };
        Ok(Report {
            kind: ReadingKind::BloodPressure,
            device_time: self.device_time,
            user_slot: user_slot(self.user_id),
            flags,
            result,
        })
    }

    /// The present pressure in the cuff, where the device says one.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for a pressure that no cuff can show.
    pub fn cuff_pressure(&self) -> Result<Option<Quantity>, DecodeError> {
        let quantity = |value| {
            let refused = || DecodeError::OutOfRange { field: "cuff pressure", value };
            let quantity = Quantity::new(value, self.unit).map_err(|_too_long| refused())?;
            let is_shown = value.is_sign_positive() && value <= CUFF_PRESSURE_MAX.into();
            if is_shown { Ok(quantity) } else { Err(refused()) }
        };
        self.systolic.ok().map(quantity).transpose()
    }

    fn failure(&self, flags: &BTreeSet<Flag>) -> Vec<FailureReason> {
        let told = [
            (Flag::CuffLoose, FailureReason::CuffLoose),
            (Flag::BodyMovement, FailureReason::BodyMovement),
            (Flag::ImproperPosition, FailureReason::ImproperPosition),
        ];
        let mut reasons: Vec<_> = told
            .into_iter()
            .filter(|(flag, _reason)| flags.contains(flag))
            .map(|(_flag, reason)| reason)
            .collect();
        let no_value = self.systolic.err().or(self.diastolic.err());
        let unexplained = no_value.map_or(FailureReason::NoValue, reason);
        if reasons.is_empty() || unexplained != FailureReason::NoValue {
            reasons.push(unexplained);
        }
        reasons
    }
}

#[cfg(test)]
mod tests;
