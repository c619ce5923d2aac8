//! Blood Pressure Measurement (0x2A35) and Intermediate Cuff Pressure (0x2A36).
//!
//! ```text
//! offset  size  field
//! 0       1     flags        bit 0 kPa, 1 time, 2 pulse, 3 user, 4 status
//! 1       2     systolic     SFLOAT  (0x2A36: current cuff pressure)
//! 3       2     diastolic    SFLOAT  (0x2A36: NaN)
//! 5       2     mean         SFLOAT  (0x2A36: NaN)
//! +0      7     Date Time    if bit 1
//! +0      2     pulse        SFLOAT, if bit 2
//! +0      1     user         if bit 3; 0xFF unknown
//! +0      2     status       if bit 4
//! ```
//!
//! Beurer BM85: bit 6 set, the user always there though bit 3 is 0, pulse and status big-endian,
//! mean 0.

use std::fmt;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::date_time::{current_time_service, date_time};
use super::number::{NotRepresentable, SFLOAT_NAN, sfloat};
use crate::gatt::{Characteristic, ClockLayout, Service, short};

/// Blood Pressure Service.
pub const SERVICE: Uuid = short(0x1810);
/// Blood Pressure Measurement.
pub const MEASUREMENT: Uuid = short(0x2A35);
/// Intermediate Cuff Pressure.
pub const INTERMEDIATE: Uuid = short(0x2A36);

/// Status bit: the body moved.
pub const BODY_MOVEMENT: u16 = 1 << 0;
/// Status bit: the cuff was too loose.
pub const CUFF_LOOSE: u16 = 1 << 1;
/// Status bit: the pulse was irregular.
pub const IRREGULAR_PULSE: u16 = 1 << 2;
/// Status bit: the arm was not at the level of the heart.
pub const IMPROPER_POSITION: u16 = 1 << 5;

/// The values of one measurement that succeeded, in the cuff's unit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Values {
    /// Systolic pressure.
    pub systolic: Decimal,
    /// Diastolic pressure.
    pub diastolic: Decimal,
    /// Mean arterial pressure, if the cuff tells it.
    pub mean: Option<Decimal>,
    /// Pulse rate in beats per minute, if it was found.
    pub pulse_bpm: Option<Decimal>,
}

/// One measurement of a cuff.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BloodPressure {
    /// The values; `None` is a failed measurement, which cuffs store and send as all-NaN.
    pub values: Option<Values>,
    /// The user slot, for cuffs that tell it.
    pub user: u8,
    /// Measurement status bits.
    pub status: u16,
}

impl BloodPressure {
    /// A measurement that succeeded, in mmHg and beats per minute.
    #[must_use]
    pub fn mmhg(systolic: u16, diastolic: u16, pulse: u16) -> Self {
        let [systolic, diastolic, pulse] = [systolic, diastolic, pulse].map(Decimal::from);
        let values = Values { systolic, diastolic, mean: None, pulse_bpm: Some(pulse) };
        Self { values: Some(values), user: 1, status: 0 }
    }

    /// A measurement that failed: `Err` on the cuff's display, status 0 as A&D sends it.
    #[must_use]
    pub fn failed() -> Self {
        Self { values: None, user: 1, status: 0 }
    }

    /// Sets measurement status bits.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

impl fmt::Display for BloodPressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Values { systolic, diastolic, pulse_bpm, .. }) = self.values else {
            return write!(f, "a blood pressure without success");
        };
        write!(f, "{systolic}/{diastolic}")?;
        match pulse_bpm {
            Some(pulse) => write!(f, ", pulse {pulse}"),
            None => write!(f, ", no pulse rate"),
        }
    }
}

/// How a maker of cuffs writes a measurement.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CuffStyle {
    /// A&D UA-651BLE: time, pulse and status (flags 0x16).
    #[default]
    And,
    /// The profile with all fields: time, pulse, user and status (flags 0x1E).
    AllFields,
    /// As [`CuffStyle::AllFields`], pressures in kPa (flags 0x1F).
    Kilopascal,
    /// Beurer BM85 with its three violations of the profile (flags 0x56).
    BeurerBm85,
    /// Nothing but the pressures (flags 0x00).
    Bare,
}

impl CuffStyle {
    fn flags(self) -> u8 {
        match self {
            Self::And => 0x16,
            Self::AllFields => 0x1E,
            Self::Kilopascal => 0x1F,
            Self::BeurerBm85 => 0x56,
            Self::Bare => 0x00,
        }
    }

    /// Returns the name that such a cuff advertises.
    pub(super) fn model(self) -> &'static str {
        match self {
            Self::And => "A&D_UA-651BLE_8A0102",
            Self::BeurerBm85 => "BM85",
            Self::AllFields | Self::Kilopascal | Self::Bare => "Cuff",
        }
    }
}

/// The services of a cuff besides those that every device has.
///
/// A&D puts the clock into the measurement service; others have the Current Time Service.
#[must_use]
pub fn services(style: CuffStyle) -> Vec<Service> {
    let mut characteristics = vec![
        Characteristic::indicate(MEASUREMENT),
        Characteristic::notify(INTERMEDIATE),
        // Body movement, cuff fit, irregular pulse and position can be told.
        Characteristic::fixed(short(0x2A49), [0x17, 0x00]),
    ];
    if style == CuffStyle::And {
        characteristics.push(Characteristic::clock(short(0x2A08), ClockLayout::DateTime));
        return vec![Service { uuid: SERVICE, characteristics }];
    }
    vec![Service { uuid: SERVICE, characteristics }, current_time_service()]
}

/// Writes one measurement taken when the cuff's clock shows `clock`.
///
/// # Errors
///
/// Returns [`NotRepresentable`] if a value does not fit an SFLOAT.
pub fn encode(
    measured: &BloodPressure,
    style: CuffStyle,
    clock: DateTime,
) -> Result<Vec<u8>, NotRepresentable> {
    let number = |value: Option<Decimal>| value.map_or(Ok(SFLOAT_NAN), sfloat);
    let values = measured.values;
    let mut bytes = vec![style.flags()];
    bytes.extend(number(values.map(|it| it.systolic))?);
    bytes.extend(number(values.map(|it| it.diastolic))?);
    let mean = number(values.and_then(|it| it.mean))?;
    let pulse = number(values.and_then(|it| it.pulse_bpm))?;
    let reversed = |[low, high]: [u8; 2]| [high, low];
    match style {
        CuffStyle::Bare => bytes.extend(mean),
        CuffStyle::And => {
            bytes.extend(mean);
            bytes.extend(date_time(clock));
            bytes.extend(pulse);
            bytes.extend(measured.status.to_le_bytes());
        }
        CuffStyle::AllFields | CuffStyle::Kilopascal => {
            bytes.extend(mean);
            bytes.extend(date_time(clock));
            bytes.extend(pulse);
            bytes.push(measured.user);
            bytes.extend(measured.status.to_le_bytes());
        }
        CuffStyle::BeurerBm85 => {
            bytes.extend([0, 0]);
            bytes.extend(date_time(clock));
            bytes.extend(reversed(pulse));
            bytes.push(measured.user);
            bytes.extend(measured.status.to_be_bytes());
        }
    }
    Ok(bytes)
}

/// Writes the cuff's pressure while it inflates, in mmHg.
///
/// # Errors
///
/// Returns [`NotRepresentable`] if the pressure does not fit an SFLOAT.
pub fn encode_intermediate(cuff_mmhg: Decimal) -> Result<Vec<u8>, NotRepresentable> {
    let mut bytes = vec![0x00];
    bytes.extend(sfloat(cuff_mmhg)?);
    bytes.extend(SFLOAT_NAN);
    bytes.extend(SFLOAT_NAN);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[track_caller]
    fn check(measured: BloodPressure, style: CuffStyle, clock: DateTime, expected: &str) {
        assert_eq!(encode(&measured, style, clock).map(hex::encode), Ok(expected.to_owned()));
    }

    /// A capture of a UA-651BLE; github:HEADS-project/ThingML-BLE,
    /// `AND_Medical_UA651BLE.md`.
    #[test]
    fn a_ua_651ble_capture_is_reproduced() {
        let mut measured = BloodPressure::mmhg(125, 80, 64);
        measured.values = measured.values.map(|it| Values { mean: Some(102.into()), ..it });
        let clock = date(2017, 1, 16).at(12, 39, 54, 0);
        check(measured, CuffStyle::And, clock, "167d0050006600e10701100c273640000000");
    }

    /// A capture of a failed measurement of the same cuff, from the same source.
    #[test]
    fn a_failed_measurement_is_nan_in_every_field() {
        let clock = date(2017, 1, 16).at(9, 31, 0, 0);
        let expected = "16ff07ff07ff07e1070110091f00ff070000";
        check(BloodPressure::failed(), CuffStyle::And, clock, expected);
    }

    /// A capture of a Beurer BM85; github:derdilla/blood-pressure-monitor-fl,
    /// `ble_measurement_data_test.dart`.
    #[test]
    fn a_beurer_bm85_capture_is_reproduced() {
        let clock = date(2026, 8, 11).at(20, 56, 0, 0);
        let expected = "56710049000000ea07080b1438000041010000";
        check(BloodPressure::mmhg(113, 73, 65), CuffStyle::BeurerBm85, clock, expected);
    }

    /// The fields of a unit test of github:NordicSemiconductor/Android-BLE-Common-Library,
    /// `BloodPressureMeasurementDataCallbackTest`.
    #[test]
    fn all_fields_are_written_in_the_profile_order() {
        let mut measured = BloodPressure::mmhg(138, 88, 60).with_status(0x0027);
        measured.values = measured.values.map(|it| Values { mean: Some(120.into()), ..it });
        let clock = date(2019, 4, 17).at(20, 41, 59, 0);
        let expected = "1e8a0058007800e307041114293b3c00012700";
        check(measured, CuffStyle::AllFields, clock, expected);
    }

    #[test]
    fn kilopascals_keep_their_tenths() {
        let measured = BloodPressure {
            values: Some(Values {
                systolic: "17.6".parse().unwrap(),
                diastolic: "10.2".parse().unwrap(),
                mean: None,
                pulse_bpm: None,
            }),
            user: 0xFF,
            status: 0,
        };
        let clock = date(2024, 2, 29).at(7, 5, 0, 0);
        let expected = "1fb0f066f0ff07e807021d070500ff07ff0000";
        check(measured, CuffStyle::Kilopascal, clock, expected);
    }

    #[test]
    fn the_inflating_cuff_keeps_the_two_unused_fields() {
        assert_eq!(
            encode_intermediate(142.into()).map(hex::encode),
            Ok("008e00ff07ff07".to_owned())
        );
    }
}
