//! Glucose Measurement (0x2A18), kept in the meter until the Record Access Control Point (0x2A52)
//! asks for it.
//!
//! ```text
//! 0x2A18                                      0x2A52
//! size  field                                 request           answer
//! 1     flags: bit 0 offset, 1 concentration, 01 01             the records, then 06 00 01 01,
//!       2 mol/L, 3 status                     (report all)      or 06 00 01 06 if there is none
//! 2     sequence number, LE16                 anything else     06 00 op 02
//! 7     base time, Date Time
//! 2     time offset, minutes, if bit 0
//! 2     concentration, SFLOAT, kg/L or mol/L
//! 1     type, and location << 4
//! 2     status, LE16, if bit 3
//! ```

use std::fmt;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::date_time::{current_time_service, date_time};
use super::number::{NotRepresentable, SFLOAT_NAN, sfloat};
use crate::gatt::{Characteristic, Service, short};

/// Glucose Service.
pub const SERVICE: Uuid = short(0x1808);
/// Glucose Measurement.
pub const MEASUREMENT: Uuid = short(0x2A18);
/// Record Access Control Point.
pub const RECORD_ACCESS: Uuid = short(0x2A52);

/// Status bit: the sample was too small.
pub const SAMPLE_TOO_SMALL: u16 = 1 << 2;
/// Status bit: the result is above what the meter can show.
pub const TOO_HIGH: u16 = 1 << 5;
/// Status bit: the result is below what the meter can show.
pub const TOO_LOW: u16 = 1 << 6;

const CAPILLARY_WHOLE_BLOOD: u8 = 1;
const FINGER: u8 = 1;
const CONTROL_SOLUTION: u8 = 10;
const CONTROL_SOLUTION_LOCATION: u8 = 4;

/// One drop on a strip.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Glucose {
    /// The concentration, in the unit of the meter; `None` is a measurement that gave none.
    pub concentration: Option<Decimal>,
    /// Whether it was a drop of control solution.
    pub is_control: bool,
    /// Sensor status annunciation.
    pub status: u16,
}

impl Glucose {
    /// A drop of blood, in the unit of the meter.
    #[must_use]
    pub fn blood(concentration: impl Into<Decimal>) -> Self {
        Self { concentration: Some(concentration.into()), is_control: false, status: 0 }
    }

    /// A drop of control solution, in the unit of the meter.
    #[must_use]
    pub fn control(concentration: impl Into<Decimal>) -> Self {
        Self { is_control: true, ..Self::blood(concentration) }
    }

    /// A measurement that failed for the reasons of `status`.
    #[must_use]
    pub fn failed(status: u16) -> Self {
        Self { concentration: None, is_control: false, status }
    }
}

impl fmt::Display for Glucose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.concentration, self.is_control) {
            (Some(concentration), false) => write!(f, "a glucose of {concentration}"),
            (Some(concentration), true) => write!(f, "control solution of {concentration}"),
            (None, _) => write!(f, "a glucose without success"),
        }
    }
}

/// What a meter shows its concentrations in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MeterStyle {
    /// mg/dL, sent as kg/L.
    #[default]
    Milligrams,
    /// mmol/L, sent as mol/L.
    Millimoles,
}

impl MeterStyle {
    fn flags(self) -> u8 {
        match self {
            Self::Milligrams => 0x0B,
            Self::Millimoles => 0x0F,
        }
    }

    /// The decimal point goes so many places to the left.
    fn n_places(self) -> u32 {
        match self {
            Self::Milligrams => 5,
            Self::Millimoles => 3,
        }
    }
}

/// The services of a meter besides those that every device has.
#[must_use]
pub fn services() -> Vec<Service> {
    let characteristics = vec![
        Characteristic::notify(MEASUREMENT),
        // Sample size, high and low results.
        Characteristic::fixed(short(0x2A51), [0x24, 0x00]),
        Characteristic::record_access(RECORD_ACCESS),
    ];
    vec![Service { uuid: SERVICE, characteristics }, current_time_service()]
}

/// Writes record number `sequence`, taken when the meter's clock shows `clock`.
///
/// # Errors
///
/// Returns [`NotRepresentable`] if the concentration does not fit an SFLOAT.
pub fn encode(
    taken: &Glucose,
    style: MeterStyle,
    sequence: u16,
    clock: DateTime,
) -> Result<Vec<u8>, NotRepresentable> {
    let (kind, location) = if taken.is_control {
        (CONTROL_SOLUTION, CONTROL_SOLUTION_LOCATION)
    } else {
        (CAPILLARY_WHOLE_BLOOD, FINGER)
    };
    let concentration = match taken.concentration {
        None => SFLOAT_NAN,
        Some(shown) => {
            let refused = NotRepresentable { value: shown, format: "Glucose Measurement" };
            let moved = shown.checked_mul(Decimal::new(1, style.n_places())).ok_or(refused)?;
            sfloat(moved)?
        }
    };
    let mut bytes = vec![style.flags()];
    bytes.extend(sequence.to_le_bytes());
    bytes.extend(date_time(clock));
    // Nobody moved the clock since it was set.
    bytes.extend([0, 0]);
    bytes.extend(concentration);
    bytes.push(kind | (location << 4));
    bytes.extend(taken.status.to_le_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[track_caller]
    fn check(taken: Glucose, style: MeterStyle, expected: &str) {
        let clock = date(2020, 5, 21).at(10, 30, 45, 0);
        assert_eq!(encode(&taken, style, 3, clock).map(hex::encode), Ok(expected.to_owned()));
    }

    /// 111 mg/dL is the SFLOAT 0xB06F in the texts of the profile.
    #[test]
    fn milligrams_are_sent_as_kilograms() {
        check(Glucose::blood(111), MeterStyle::Milligrams, "0b0300e40705150a1e2d00006fb0110000");
    }

    #[test]
    fn millimoles_are_sent_as_moles() {
        let shown: Decimal = "6.2".parse().unwrap();
        check(Glucose::blood(shown), MeterStyle::Millimoles, "0f0300e40705150a1e2d00003ec0110000");
    }

    #[test]
    fn control_solution_says_so() {
        check(Glucose::control(99), MeterStyle::Milligrams, "0b0300e40705150a1e2d000063b04a0000");
    }

    #[test]
    fn a_failed_measurement_says_why() {
        let taken = Glucose::failed(TOO_HIGH);
        check(taken, MeterStyle::Milligrams, "0b0300e40705150a1e2d0000ff07112000");
    }

    #[test]
    fn too_many_digits_are_refused() {
        let taken = Glucose::blood(Decimal::from(2048));
        assert!(encode(&taken, MeterStyle::Milligrams, 1, DateTime::ZERO).is_err());
    }
}
