//! Omron body composition scales (HBF-702T and its relatives): records in the memory.
//!
//! ```text
//! offset  bits    field                        offset  bits   field
//! 2       6-15    body fat, 0.1 %              7       0-5    year - 2000
//! 2       0-5     visceral fat, 0.5 in         9       0-5    minute
//!                 48 bytes, 1 in 32            10      0-6    body age, years
//! 4       4-15    basal metabolism, kcal       11      0-3    month
//! 6       6-15    skeletal muscle, 0.1 %       12      3-7    day
//! 8       6-15    body mass index, 0.1         12      6-10   hour, of two bytes
//! 26      4-15    weight, 0.05 kg              13      0-5    second
//! ```
//!
//! Fields of more than eight bits are in two bytes, big-endian, and bit 0 is the last one. A record
//! has 48 or 32 bytes; all zeros, all ones, or no weight is an empty place.

use rust_decimal::Decimal;
use vitals::{DeviceTime, ReadingKind, Unit, Vital};

use super::error::DecodeError;
use super::measurement::measurement;
use super::omron_eeprom::filled;
use super::outcome;
use super::report::Report;

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Weight in kg.
    pub weight: Decimal,
    /// Body fat in percent.
    pub fat: Decimal,
    /// Visceral fat level.
    pub visceral: Decimal,
    /// Skeletal muscle in percent.
    pub skeletal: Decimal,
    /// Body mass index.
    pub mass_index: Decimal,
    /// Basal metabolism in kcal a day.
    pub energy_kcal: u16,
    /// Body age in years.
    pub body_age: u8,
    /// When it was measured.
    pub device_time: DeviceTime,
}

/// Decodes one record.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are 48 or 32 bytes, and
/// [`DecodeError::EmptySlot`].
pub fn decode(bytes: &[u8]) -> Result<Record, DecodeError> {
    let (head, visceral) = if bytes.len() == 32 {
        let [head @ .., _, _, _, _] = filled::<32>(bytes)?;
        (head, Decimal::new(10, 1))
    } else {
        let [head @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
            filled::<48>(bytes)?;
        (head, Decimal::new(5, 1))
    };
    record(head, visceral)
}

fn record(head: [u8; 28], visceral_step: Decimal) -> Result<Record, DecodeError> {
    let [_, _, fat_0, fat_1, bmr_0, bmr_1, muscle_0, muscle_1, bmi_0, bmi_1, rest @ ..] = head;
    let [age, month, day_0, day_1, _unknown @ .., weight_0, weight_1] = rest;
    let word = |high, low| u16::from_be_bytes([high, low]);
    let tenths = |word: u16| Decimal::new((word >> 6).into(), 1);
    let raw_weight = word(weight_0, weight_1) >> 4;
    if raw_weight == 0 {
        return Err(DecodeError::EmptySlot);
    }
    let [_high, hour] = (word(day_0, day_1) >> 6).to_be_bytes();
    let visceral = Decimal::from(fat_1 & 0x3F).checked_mul(visceral_step).unwrap_or_default();
    Ok(Record {
        weight: Decimal::new(i64::from(raw_weight).saturating_mul(5), 2),
        fat: tenths(word(fat_0, fat_1)),
        visceral,
        skeletal: tenths(word(muscle_0, muscle_1)),
        mass_index: tenths(word(bmi_0, bmi_1)),
        energy_kcal: word(bmr_0, bmr_1) >> 4,
        body_age: age & 0x7F,
        device_time: DeviceTime {
            year: u16::from(muscle_1 & 0x3F).saturating_add(2000),
            month: month & 0x0F,
            day: day_0 >> 3,
            hour: hour & 0x1F,
            minute: bmi_1 & 0x3F,
            second: (day_1 & 0x3F).min(59),
        },
    })
}

impl Record {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no scale can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let weight = measurement(Vital::BodyWeight, self.weight, Unit::Kilogram)?;
        let index = Some(self.mass_index).filter(|it| !it.is_zero());
        let index = index
            .map(|it| measurement(Vital::BodyMassIndex, it, Unit::KilogramPerSquareMetre))
            .transpose()?;
        let values = [weight].into_iter().chain(index).collect();
        let report = outcome::report(ReadingKind::Weight, Ok(values));
        Ok(Report { device_time: Some(self.device_time), ..report })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::bytes;

    const HEAD: &str = "00003ad05f024e183b6d223389cc0000000000000000000000005a80";

    fn padded(len: usize) -> Vec<u8> {
        let mut bytes = bytes(HEAD);
        bytes.resize(len, 0);
        bytes
    }

    #[test]
    fn a_record_has_a_body_and_a_time() {
        let record = decode(&padded(48)).unwrap();
        let shown =
            [record.weight, record.fat, record.skeletal, record.mass_index, record.visceral];
        assert_eq!(
            shown.map(|it| it.normalize().to_string()),
            ["72.4", "23.5", "31.2", "23.7", "8"]
        );
        assert_eq!((record.energy_kcal, record.body_age), (1520, 34));
        assert_eq!(record.device_time.to_string(), "2024-03-17T07:45:12");
        assert_eq!(record.report().unwrap().result.unwrap().len(), 2);
    }

    #[test]
    fn the_short_record_counts_visceral_fat_whole() {
        let record = decode(&padded(32)).unwrap();
        assert_eq!(record.visceral.normalize().to_string(), "16");
        assert_eq!(record.weight, Decimal::new(7240, 2));
    }

    #[test]
    fn records_are_cut_or_too_long() {
        for len in (0..32).chain(33..48) {
            let cut = decode(&padded(48).into_iter().take(len).collect::<Vec<_>>());
            assert!(matches!(cut, Err(DecodeError::Truncated { .. })), "{len}");
        }
        assert!(matches!(decode(&padded(49)), Err(DecodeError::Trailing { .. })));
    }

    #[test]
    fn empty_places_are_no_records() {
        for empty in [vec![0; 48], vec![0xFF; 48], vec![0; 32], vec![0xFF; 32]] {
            assert_eq!(decode(&empty), Err(DecodeError::EmptySlot));
        }
        let mut weightless = padded(48);
        weightless.truncate(26);
        weightless.resize(48, 0);
        assert_eq!(decode(&weightless), Err(DecodeError::EmptySlot));
    }

    #[test]
    fn a_record_without_index_is_a_weight_alone() {
        let record = Record { mass_index: Decimal::ZERO, ..decode(&padded(48)).unwrap() };
        assert_eq!(record.report().unwrap().result.unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, head: [u8; 28]) {
            let _record = decode(&bytes);
            if let Ok(record) = record(head, Decimal::ONE) {
                let _report = record.report();
            }
        }
    }
}
