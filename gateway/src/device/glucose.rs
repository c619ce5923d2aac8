//! Glucose Profile: Glucose Measurement (0x2A18). `glucose::context` has what may follow it.
//!
//! ```text
//! offset  size  field
//! 0       1     flags            bit 0: time offset present
//!                                bit 1: concentration, type and location present
//!                                bit 2: 0 = kg/L, 1 = mol/L
//!                                bit 3: sensor status present
//!                                bit 4: a Glucose Measurement Context (0x2A34) follows
//! 1       2     sequence number  little-endian
//! 3       7     base time        Date Time, as the clock was once set
//! +0      2     time offset      signed, little-endian, minutes; the measurement was at
//!                                base time + offset; 0x7FFF and 0x8000 = beyond
//! +0      2     concentration    SFLOAT, kg/L or mol/L
//! +0      1     bits 0-3         type: what was sampled; 10 = control solution
//!               bits 4-7         location: where; 4 = control solution
//! +0      2     status           little-endian, see `Status`
//! ```
//!
//! 1 kg/L is 100 000 mg/dL, and 1 mol/L is 1000 mmol/L: the decimal point moves, and no digit
//! changes. A measurement of control solution tests the meter and is never about a patient.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use rust_decimal::Decimal;
use vitals::{DeviceTime, Flag, Measurement, ReadingKind, Unit, Vital};

use super::date_time;
use super::error::DecodeError;
use super::item::FailureReason;
use super::measurement::measurement;
use super::medfloat::{Number, given, sfloat};
use super::payload::Payload;
use super::report::{NoResult, Report, reason};

pub mod context;

/// Type of a sample of control solution.
const CONTROL_SOLUTION_TYPE: u8 = 10;
/// Location of a sample of control solution.
const CONTROL_SOLUTION_LOCATION: u8 = 4;

/// Places by which the decimal point moves from kg/L to mg/dL.
const MG_PER_DL_PLACES: u32 = 5;
/// Places by which the decimal point moves from mol/L to mmol/L.
const MMOL_PER_L_PLACES: u32 = 3;

/// A decoded Glucose Measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glucose {
    /// Number of the record in the meter.
    pub sequence: u16,
    /// What the clock of the meter was once set to and went on from.
    pub base_time: DeviceTime,
    /// Minutes by which the person has moved the clock since, as they came.
    pub time_offset_min: Option<i16>,
    /// Whether concentrations are in mol/L, and not in kg/L.
    pub is_molar: bool,
    /// What was measured, in which sample.
    pub sample: Option<Sample>,
    /// What the meter says about the measurement.
    pub status: Option<Status>,
    /// Whether a context with the same sequence number follows.
    pub has_context: bool,
}

/// A concentration and where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Concentration of glucose in kg/L or mol/L.
    pub concentration: Number,
    /// What was sampled: 1 to 8 blood or plasma, 9 interstitial fluid, 10 control solution.
    pub kind: u8,
    /// Where: 1 finger, 2 alternate site, 3 earlobe, 4 control solution, 15 not said.
    pub location: u8,
}

/// Sensor Status Annunciation.
///
/// ```text
/// bit 0  battery low       bit 4  wrong strip      bit 8   too cold to measure
/// bit 1  malfunction       bit 5  result too high  bit 9   strip pulled too early
/// bit 2  sample too small  bit 6  result too low   bit 10  general fault
/// bit 3  strip insertion   bit 7  too warm         bit 11  fault of the clock
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u16);

/// Decodes the value of a Glucose Measurement characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] if the length is not what the
/// flags promise.
pub fn decode(bytes: &[u8]) -> Result<Glucose, DecodeError> {
    let mut payload = Payload::new(bytes);
    let flags = payload.byte("flags")?;
    let is = |bit: u8| flags & bit != 0;

    let sequence = payload.u16_le("sequence number")?;
    let base_time = date_time::field(&mut payload)?;
    let time_offset_min =
        is(1 << 0).then(|| payload.array("time offset").map(i16::from_le_bytes)).transpose()?;
    let sample = is(1 << 1).then(|| sample(&mut payload)).transpose()?;
    let status = is(1 << 3).then(|| payload.u16_le("sensor status").map(Status)).transpose()?;
    payload.end()?;
    let (is_molar, has_context) = (is(1 << 2), is(1 << 4));
    Ok(Glucose { sequence, base_time, time_offset_min, is_molar, sample, status, has_context })
}

fn sample(payload: &mut Payload<'_>) -> Result<Sample, DecodeError> {
    let concentration = sfloat("concentration", payload.array("concentration")?)?;
    let byte = payload.byte("type and location")?;
    Ok(Sample { concentration, kind: byte & 0x0F, location: byte >> 4 })
}

impl Glucose {
    /// What it says about the measurement: nothing where control solution was measured.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for a concentration that no meter can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let result =
            if self.is_control_solution() { Err(NoResult::Absent) } else { self.result()? };
        Ok(Report {
            kind: ReadingKind::Glucose,
            device_time: self.user_facing_time(),
            user_slot: None,
            flags: self.status.map(Status::flags).unwrap_or_default(),
            result,
        })
    }

    fn result(&self) -> Result<Result<Vec<Measurement>, NoResult>, DecodeError> {
        let mut reasons = self.status.map(Status::failures).unwrap_or_default();
        let number = self.sample.map(|it| it.concentration);
        let Some(concentration) = number.and_then(given) else {
            let unexplained = number.and_then(Result::err).map_or(FailureReason::NoValue, reason);
            if reasons.is_empty() {
                reasons.push(unexplained);
            }
            return Ok(Err(NoResult::Failed(reasons)));
        };
        if !reasons.is_empty() {
            return Ok(Err(NoResult::Failed(reasons)));
        }
        let (n_places, unit) = if self.is_molar {
            (MMOL_PER_L_PLACES, Unit::MillimolePerLitre)
        } else {
            (MG_PER_DL_PLACES, Unit::MilligramPerDecilitre)
        };
        let refused = || DecodeError::OutOfRange { field: "concentration", value: concentration };
        let shown = point_moved(concentration, n_places).ok_or_else(refused)?;
        Ok(Ok(vec![measurement(Vital::Glucose, shown, unit)?]))
    }

    /// When it was measured by the clock as the person sees it; `None` where the meter cannot say.
    ///
    /// A base time without a date is given as it came.
    #[must_use]
    pub fn user_facing_time(&self) -> Option<DeviceTime> {
        let offset_min = match self.time_offset_min {
            None | Some(0) => return Some(self.base_time),
            Some(i16::MAX | i16::MIN) => return None,
            Some(offset_min) => offset_min,
        };
        let Some(base) = self.base_time.civil() else {
            return Some(self.base_time);
        };
        let shown = base.checked_add(SignedDuration::from_mins(offset_min.into())).ok()?;
        let part = |value: i8| u8::try_from(value).ok();
        Some(DeviceTime {
            year: u16::try_from(shown.year()).ok()?,
            month: part(shown.month())?,
            day: part(shown.day())?,
            hour: part(shown.hour())?,
            minute: part(shown.minute())?,
            second: part(shown.second())?,
        })
    }

    /// Whether control solution was measured, and no patient.
    #[must_use]
    pub fn is_control_solution(&self) -> bool {
        self.sample.is_some_and(|it| {
            it.kind == CONTROL_SOLUTION_TYPE || it.location == CONTROL_SOLUTION_LOCATION
        })
    }
}

impl Status {
    fn is(self, bit: u16) -> bool {
        self.0 & bit != 0
    }

    /// Why there is no result that counts, the most telling reason first.
    fn failures(self) -> Vec<FailureReason> {
        const REASONS: [(u16, FailureReason); 10] = [
            (1 << 5, FailureReason::AboveRange),
            (1 << 6, FailureReason::BelowRange),
            (1 << 2, FailureReason::SampleTooSmall),
            (1 << 9, FailureReason::StripPulled),
            (1 << 3, FailureReason::StripInsertion),
            (1 << 4, FailureReason::StripUnsuitable),
            (1 << 7, FailureReason::TooWarm),
            (1 << 8, FailureReason::TooCold),
            (1 << 1, FailureReason::Malfunction),
            (1 << 10, FailureReason::Malfunction),
        ];
        let set = REASONS.into_iter().filter(|(bit, _reason)| self.is(*bit));
        let mut reasons: Vec<_> = set.map(|(_bit, reason)| reason).collect();
        reasons.dedup();
        reasons
    }

    fn flags(self) -> BTreeSet<Flag> {
        const FLAGS: [(u16, Flag); 4] = [
            (1 << 0, Flag::BatteryLow),
            (1 << 1, Flag::EquipmentMalfunction),
            (1 << 10, Flag::EquipmentMalfunction),
            (1 << 11, Flag::DeviceClockNotSet),
        ];
        FLAGS.into_iter().filter(|(bit, _flag)| self.is(*bit)).map(|(_bit, flag)| flag).collect()
    }
}

/// The value with its decimal point so many places to the right; its digits stay.
fn point_moved(value: Decimal, n_places: u32) -> Option<Decimal> {
    let n_zeros = n_places.saturating_sub(value.scale());
    let mantissa = 10_i128.checked_pow(n_zeros)?.checked_mul(value.mantissa())?;
    Decimal::try_from_i128_with_scale(mantissa, value.scale().saturating_sub(n_places)).ok()
}

#[cfg(test)]
mod tests;
