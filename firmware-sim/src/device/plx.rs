//! PLX Spot-check (0x2A5E) and PLX Continuous Measurement (0x2A5F).
//!
//! ```text
//! spot check                              continuous
//! 1  flags                                1  flags
//! 2  SpO2   SFLOAT                        2  SpO2   SFLOAT
//! 2  pulse  SFLOAT                        2  pulse  SFLOAT
//! 7  Date Time             if bit 0       4  fast SpO2 and pulse   if bit 0
//! 2  measurement status    if bit 1       4  slow SpO2 and pulse   if bit 1
//! 3  sensor status         if bit 2       2  measurement status    if bit 2
//! 2  amplitude  SFLOAT     if bit 3       3  sensor status         if bit 3
//!    clock is not set: bit 4, no field    2  amplitude  SFLOAT     if bit 4
//! ```

use std::time::Duration;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::date_time::{current_time_service, date_time};
use super::kind::Record;
use super::nonin_3230;
use super::number::{NotRepresentable, SFLOAT_NAN, sfloat};
use super::oximetry::Oximetry;
use crate::gatt::{Characteristic, Service, short};

/// Pulse Oximeter Service.
pub const SERVICE: Uuid = short(0x1822);
/// PLX Spot-check Measurement.
pub const SPOT_CHECK: Uuid = short(0x2A5E);
/// PLX Continuous Measurement.
pub const CONTINUOUS: Uuid = short(0x2A5F);

/// Status bit: the measurement goes on.
pub const ONGOING: u16 = 1 << 5;
/// Status bit: the data is fully qualified.
pub const FULLY_QUALIFIED: u16 = 1 << 8;

/// Record Access Control Point.
const RECORD_ACCESS: Uuid = short(0x2A52);

/// Flags of a spot check with time and status.
pub(super) const SPOT_CHECK_FLAGS: u8 = 0x07;

/// How an oximeter with the standard service tells what it finds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OximeterStyle {
    /// One stored record with time and status when the measurement is done (flags 0x07).
    #[default]
    SpotCheck,
    /// One stored record with nothing but the values (flags 0x00).
    Bare,
    /// A value each second while the finger is in (flags 0x0C).
    Continuous,
    /// `ChoiceMMed`: as [`OximeterStyle::Continuous`], then one stored record that says that the
    /// clock is not set (flags 0x17).
    ChoiceMmed,
    /// Nonin 3230: a value each second by a service of its own, then one record that is kept until
    /// it is asked for (flags 0x07).
    Nonin3230,
}

impl OximeterStyle {
    fn spot_flags(self) -> Option<u8> {
        match self {
            Self::SpotCheck | Self::Nonin3230 => Some(SPOT_CHECK_FLAGS),
            Self::Bare => Some(0x00),
            Self::Continuous => None,
            Self::ChoiceMmed => Some(0x17),
        }
    }

    fn continuous_flags(self) -> Option<u8> {
        match self {
            Self::SpotCheck | Self::Bare | Self::Nonin3230 => None,
            Self::Continuous | Self::ChoiceMmed => Some(0x0C),
        }
    }

    /// Returns the name that such an oximeter advertises.
    pub(super) fn model(self) -> &'static str {
        match self {
            Self::SpotCheck | Self::Bare | Self::Continuous | Self::ChoiceMmed => "Oximeter",
            Self::Nonin3230 => nonin_3230::MODEL,
        }
    }

    /// Returns the characteristic that captured bytes leave by.
    pub(super) fn stream(self) -> Uuid {
        if self.continuous_flags().is_some() { CONTINUOUS } else { SPOT_CHECK }
    }
}

/// The services of an oximeter besides those that every device has.
#[must_use]
pub fn services(style: OximeterStyle) -> Vec<Service> {
    let mut characteristics = Vec::new();
    if style.spot_flags().is_some() {
        characteristics.push(Characteristic::indicate(SPOT_CHECK));
    }
    if style.continuous_flags().is_some() {
        characteristics.push(Characteristic::notify(CONTINUOUS));
    }
    // Status, sensor status, time stamp and amplitude; then the status bits in use.
    let mut features = [0x4B, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0x00];
    let is_kept = style == OximeterStyle::Nonin3230;
    if is_kept {
        // Spot checks are stored as well.
        features[0] |= 1 << 2;
    }
    characteristics.push(Characteristic::fixed(short(0x2A60), features));
    if is_kept {
        characteristics.push(Characteristic::record_access(RECORD_ACCESS));
    }
    let service = Service { uuid: SERVICE, characteristics };
    let own = is_kept.then(nonin_3230::service);
    [service].into_iter().chain(own).chain([current_time_service()]).collect()
}

/// Writes what an oximeter tells of one stay of a finger.
pub(super) fn records(
    oximetry: &Oximetry,
    style: OximeterStyle,
    clock: DateTime,
) -> Result<Vec<Record>, NotRepresentable> {
    let mut records = Vec::new();
    if let Some(flags) = style.continuous_flags() {
        let ongoing = Oximetry { status: oximetry.status | ONGOING, ..*oximetry };
        let payload = continuous(&ongoing, flags)?;
        records.extend(
            oximetry.seconds().map(|after| Record::live(CONTINUOUS, payload.clone(), after)),
        );
    }
    if let Some(flags) = style.spot_flags() {
        let after = if records.is_empty() { Duration::ZERO } else { oximetry.worn };
        records.push(Record { after, ..taken(oximetry, flags, clock)? });
    }
    Ok(records)
}

/// Writes the record of a spot check that is done.
///
/// # Errors
///
/// As [`spot_check`].
pub(super) fn taken(
    oximetry: &Oximetry,
    flags: u8,
    clock: DateTime,
) -> Result<Record, NotRepresentable> {
    let done = Oximetry { status: oximetry.status | FULLY_QUALIFIED, ..*oximetry };
    Ok(Record::stored(SPOT_CHECK, spot_check(&done, flags, clock)?))
}

/// Writes a spot check with the fields that its flags name.
///
/// # Errors
///
/// Returns [`NotRepresentable`] if a value does not fit an SFLOAT.
pub fn spot_check(
    oximetry: &Oximetry,
    flags: u8,
    clock: DateTime,
) -> Result<Vec<u8>, NotRepresentable> {
    let mut bytes = vec![flags];
    bytes.extend(values(oximetry)?);
    if flags & 1 << 0 != 0 {
        bytes.extend(date_time(clock));
    }
    if flags & 1 << 1 != 0 {
        bytes.extend(oximetry.status.to_le_bytes());
    }
    if flags & 1 << 2 != 0 {
        bytes.extend(sensor_status(oximetry));
    }
    if flags & 1 << 3 != 0 {
        bytes.extend(number(oximetry.amplitude_percent)?);
    }
    Ok(bytes)
}

/// Writes one value of a stream with the fields that its flags name; fast and slow values equal
/// the normal ones.
///
/// # Errors
///
/// Returns [`NotRepresentable`] if a value does not fit an SFLOAT.
pub fn continuous(oximetry: &Oximetry, flags: u8) -> Result<Vec<u8>, NotRepresentable> {
    let mut bytes = vec![flags];
    bytes.extend(values(oximetry)?);
    for averaging in [1 << 0, 1 << 1] {
        if flags & averaging != 0 {
            bytes.extend(values(oximetry)?);
        }
    }
    if flags & 1 << 2 != 0 {
        bytes.extend(oximetry.status.to_le_bytes());
    }
    if flags & 1 << 3 != 0 {
        bytes.extend(sensor_status(oximetry));
    }
    if flags & 1 << 4 != 0 {
        bytes.extend(number(oximetry.amplitude_percent)?);
    }
    Ok(bytes)
}

fn number(value: Option<Decimal>) -> Result<[u8; 2], NotRepresentable> {
    value.map_or(Ok(SFLOAT_NAN), sfloat)
}

fn values(oximetry: &Oximetry) -> Result<[u8; 4], NotRepresentable> {
    let [s0, s1] = number(oximetry.spo2_percent)?;
    let [p0, p1] = number(oximetry.pulse_bpm)?;
    Ok([s0, s1, p0, p1])
}

fn sensor_status(oximetry: &Oximetry) -> [u8; 3] {
    let [b0, b1, b2, _beyond] = oximetry.sensor.to_le_bytes();
    [b0, b1, b2]
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn oximetry(spo2: &str, pulse: &str) -> Oximetry {
        let [spo2, pulse] = [spo2, pulse].map(|text| text.parse::<Decimal>().unwrap());
        Oximetry::new(spo2, pulse)
    }

    /// A unit test of github:StanfordSpezi/SpeziBluetooth, `PLXTests.swift`.
    #[test]
    fn a_spot_check_has_its_fields_in_the_order_of_the_profile() {
        let measured = Oximetry {
            status: 0x4020,
            sensor: 0x22,
            amplitude_percent: Some("8.70".parse().unwrap()),
            ..oximetry("94.0", "147.0")
        };
        let clock = date(2024, 11, 29).at(23, 8, 57, 0);
        let expected = "0facf3bef5e8070b1d170839204022000066e3";
        assert_eq!(spot_check(&measured, 0x0F, clock).map(hex::encode), Ok(expected.to_owned()));
    }

    /// A capture of an Arduino sensor; coderoad.ru/55998274.
    #[test]
    fn a_spot_check_can_be_nothing_but_its_values() {
        let bytes = spot_check(&oximetry("99", "80"), 0x00, DateTime::ZERO);
        assert_eq!(bytes.map(hex::encode), Ok("0063005000".to_owned()));
    }

    /// A capture of a `ChoiceMMed` oximeter; stackoverflow.com/questions/71264072.
    #[test]
    fn a_choicemmed_capture_is_reproduced() {
        let records =
            records(&oximetry("98", "78"), OximeterStyle::Continuous, DateTime::ZERO).unwrap();
        assert_eq!(records.len(), 20);
        for record in records {
            assert_eq!(hex::encode(record.payload), "0c62004e002000000000");
        }
    }

    /// A unit test of github:StanfordSpezi/SpeziBluetooth, `PLXTests.swift`.
    #[test]
    fn a_continuous_value_can_be_nothing_but_its_values() {
        let bytes = continuous(&oximetry("100.0", "90.0"), 0x00);
        assert_eq!(bytes.map(hex::encode), Ok("00e8f384f3".to_owned()));
    }

    #[test]
    fn a_continuous_value_with_all_flags_has_twenty_bytes() {
        let bytes = continuous(&oximetry("99.0", "97.0"), 0x1F).unwrap();
        assert_eq!(bytes.len(), 20);
    }

    #[test]
    fn no_pulse_is_not_a_number() {
        let bytes = continuous(&Oximetry::without_pulse(), 0x00);
        assert_eq!(bytes.map(hex::encode), Ok("00ff07ff07".to_owned()));
    }

    #[test]
    fn a_choicemmed_ends_with_a_record_whose_clock_is_not_set() {
        let clock = date(2000, 1, 1).at(0, 0, 0, 0);
        let records = records(&oximetry("97", "71"), OximeterStyle::ChoiceMmed, clock).unwrap();
        let last = records.last().unwrap();
        assert_eq!(hex::encode(&last.payload), "1761004700d00701010000000001000000");
        assert_eq!((last.stored, last.after), (true, Duration::from_secs(20)));
    }
}
