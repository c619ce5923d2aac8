//! Body Composition Profile: Body Composition Measurement (0x2A9C).
//!
//! ```text
//! offset  size  field
//! 0       2     flags             bit 0: 0 = kilogram and metre, 1 = pound and inch
//!                                 bits 1 to 11: the fields below, in this order
//!                                 bit 12: the measurement has several packets
//! 2       2     body fat          0.1 %; 0xFFFF = unsuccessful, and then nothing else counts
//! +0      7     time stamp        bit 1, Date Time
//! +0      1     user id           bit 2; 0xFF = unknown
//! +0      2     basal metabolism  bit 3, kJ a day
//! +0      2     muscle            bit 4, 0.1 %
//! +0      2     muscle mass       bit 5
//! +0      2     fat-free mass     bit 6
//! +0      2     soft lean mass    bit 7
//! +0      2     body water        bit 8
//! +0      2     impedance         bit 9, 0.1 Ω
//! +0      2     weight            bit 10
//! +0      2     height            bit 11, 0.001 m or 0.1 in
//! ```
//!
//! Numbers are unsigned and little-endian; masses count 0.005 kg or 0.01 lb, as in 0x2A9D. The
//! multipliers are fixed: the resolution in Body Composition Feature (0x2A9B) multiplies nothing.
//! Each packet of a measurement has flags and body fat of its own, and is decoded by itself;
//! `parts` joins them.
//!
//! Some scales that are no scales of this profile send other bytes under the same number; those are
//! known by their model, never guessed from the bytes.

pub(crate) mod parts;

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use vitals::{DeviceTime, Measurement, ReadingKind, Unit, Vital};

use super::date_time;
use super::error::DecodeError;
use super::item::FailureReason;
use super::measurement::{beside, measurement};
use super::payload::Payload;
use super::report::{NoResult, Report, user_slot};
use super::weight::kilogram_or_pound;

/// What a scale sends for a body fat that it could not measure.
const UNSUCCESSFUL: u16 = 0xFFFF;

/// A decoded Body Composition Measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyComposition {
    /// Whether masses and height are in pounds and inches.
    pub is_imperial: bool,
    /// Body fat in percent of the weight; `None` for an unsuccessful measurement.
    pub body_fat: Option<Decimal>,
    /// When it was measured.
    pub device_time: Option<DeviceTime>,
    /// User id as it came; 0xFF stands for unknown.
    pub user_id: Option<u8>,
    /// Energy that the body needs at rest, in kJ a day.
    pub basal_metabolism_kj: Option<u16>,
    /// Muscle in percent of the weight.
    pub muscle: Option<Decimal>,
    /// Muscle in kilograms or pounds.
    pub muscle_mass: Option<Decimal>,
    /// Everything but fat in kilograms or pounds.
    pub fat_free_mass: Option<Decimal>,
    /// Everything but fat and bone in kilograms or pounds.
    pub soft_lean_mass: Option<Decimal>,
    /// Water in kilograms or pounds.
    pub body_water_mass: Option<Decimal>,
    /// Electrical impedance in ohm.
    pub impedance_ohm: Option<Decimal>,
    /// Weight in kilograms or pounds.
    pub weight: Option<Decimal>,
    /// Height in metres or inches.
    pub height: Option<Decimal>,
    /// Whether it is one packet of several.
    pub is_part: bool,
}

/// Decodes the value of a Body Composition Measurement characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] if the length is not what the
/// flags promise.
pub fn decode(bytes: &[u8]) -> Result<BodyComposition, DecodeError> {
    let mut payload = Payload::new(bytes);
    let flags = payload.u16_le("flags")?;
    let is = |bit: u16| flags & bit != 0;

    let is_imperial = is(1 << 0);
    let body_fat = payload.u16_le("body fat")?;
    let device_time = is(1 << 1).then(|| date_time::field(&mut payload)).transpose()?;
    let user_id = is(1 << 2).then(|| payload.byte("user id")).transpose()?;
    let mut number =
        |bit: u16, field: &'static str| is(bit).then(|| payload.u16_le(field)).transpose();
    let basal_metabolism_kj = number(1 << 3, "basal metabolism")?;
    let muscle = number(1 << 4, "muscle percentage")?;
    let muscle_mass = number(1 << 5, "muscle mass")?;
    let fat_free_mass = number(1 << 6, "fat-free mass")?;
    let soft_lean_mass = number(1 << 7, "soft lean mass")?;
    let body_water_mass = number(1 << 8, "body water mass")?;
    let impedance_ohm = number(1 << 9, "impedance")?;
    let weight = number(1 << 10, "weight")?;
    let height = number(1 << 11, "height")?;
    payload.end()?;

    let mass = |raw: u16| kilogram_or_pound(raw, is_imperial);
    let n_decimals = if is_imperial { 1 } else { 3 };
    Ok(BodyComposition {
        is_imperial,
        body_fat: Some(body_fat).filter(|it| *it != UNSUCCESSFUL).map(tenths),
        device_time,
        user_id,
        basal_metabolism_kj,
        muscle: muscle.map(tenths),
        muscle_mass: muscle_mass.map(mass),
        fat_free_mass: fat_free_mass.map(mass),
        soft_lean_mass: soft_lean_mass.map(mass),
        body_water_mass: body_water_mass.map(mass),
        impedance_ohm: impedance_ohm.map(tenths),
        weight: weight.map(mass),
        height: height.map(|it| Decimal::new(i64::from(it), n_decimals)),
        is_part: is(1 << 12),
    })
}

fn tenths(raw: u16) -> Decimal {
    Decimal::new(i64::from(raw), 1)
}

impl BodyComposition {
    /// What it says about the measurement.
    ///
    /// Basal metabolism and impedance are not taken over: one is a guess from the others, the other
    /// is what the scale makes them of.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no scale can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let result = match self.body_fat {
            None => Err(NoResult::Failed(vec![FailureReason::NoValue])),
            Some(body_fat) => match self.values(body_fat)? {
                nothing if nothing.is_empty() => {
                    Err(NoResult::Failed(vec![FailureReason::NoValue]))
                }
                values => Ok(values),
            },
        };
        Ok(Report {
            kind: ReadingKind::Weight,
            device_time: self.device_time,
            user_slot: user_slot(self.user_id),
            flags: BTreeSet::new(),
            result,
        })
    }

    fn values(&self, body_fat: Decimal) -> Result<Vec<Measurement>, DecodeError> {
        let (mass, length) = self.units();
        // What a scale does not find out it leaves at 0, though it promises it: of somebody with
        // shoes on it knows the weight alone.
        let main = [
            (Vital::BodyWeight, self.weight, mass),
            (Vital::BodyFat, Some(body_fat), Unit::Percent),
        ];
        let main = main.into_iter().filter_map(|(vital, value, unit)| {
            let value = value.filter(|it| !it.is_zero());
            value.map(|it| measurement(vital, it, unit))
        });
        let others = [
            (Vital::BodyMuscle, self.muscle, Unit::Percent),
            (Vital::MuscleMass, self.muscle_mass, mass),
            (Vital::FatFreeMass, self.fat_free_mass, mass),
            (Vital::SoftLeanMass, self.soft_lean_mass, mass),
            (Vital::BodyWater, self.body_water_mass, mass),
            (Vital::BodyHeight, self.height, length),
        ];
        let mut values = main.collect::<Result<Vec<_>, _>>()?;
        values.extend(
            others.into_iter().filter_map(|(vital, value, unit)| beside(vital, value?, unit)),
        );
        Ok(values)
    }

    /// The optional numbers but for the energy, in their order.
    fn numbers(&self) -> [Option<Decimal>; 8] {
        [
            self.muscle,
            self.muscle_mass,
            self.fat_free_mass,
            self.soft_lean_mass,
            self.body_water_mass,
            self.impedance_ohm,
            self.weight,
            self.height,
        ]
    }

    /// Units of masses and of the height.
    #[must_use]
    pub const fn units(&self) -> (Unit, Unit) {
        if self.is_imperial { (Unit::Pound, Unit::Inch) } else { (Unit::Kilogram, Unit::Metre) }
    }
}

#[cfg(test)]
mod tests;
