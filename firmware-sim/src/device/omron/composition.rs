//! What a body composition scale of Omron keeps of one measurement: 48 bytes, big-endian.
//!
//! ```text
//! offset  bits
//! 2       6-15 fat, 0.1 %; 0-5 visceral fat, 0.5
//! 4       4-15 basal metabolism, kcal
//! 6       6-15 muscle, 0.1 %; 0-5 year - 2000
//! 8       6-15 body mass index, 0.1; 0-5 minute
//! 10      8-14 age of the body; 0-3 month
//! 12      11-15 day; 6-10 hour; 0-5 second
//! 26      4-15 weight, 0.05 kg
//! ```
//!
//! Visceral fat, metabolism, index and age are the same for everybody here, as bits that nobody
//! knows are: a public record has them.

use jiff::civil::DateTime;
use rust_decimal::Decimal;

use super::FORMAT;
use super::pressure::{part, year};
use crate::device::body_composition::BodyComposition;
use crate::device::number::{NotRepresentable, steps};

const LEN_BYTES: usize = 48;
const WEIGHT_AT: usize = 26;

/// Visceral fat, 8.0.
const VISCERAL: u16 = 16;
/// 1520 kcal, and four bits that nobody knows.
const METABOLISM: u16 = 1520 << 4 | 2;
/// Body mass index, 23.7.
const MASS_INDEX: u16 = 237;
/// 34 years, and four bits that nobody knows.
const AGE: u16 = 34 << 8 | 3 << 4;

/// Largest value of ten and of twelve bits.
const TEN_BITS: u16 = 0x03FF;
const TWELVE_BITS: u16 = 0x0FFF;

/// Writes a measurement taken when the scale's clock shows `clock`; none of one that failed.
///
/// # Errors
///
/// Fails where the record has no room for a value, or without a weight: that is an empty place.
pub(super) fn encode(
    taken: &BodyComposition,
    clock: DateTime,
) -> Result<Option<Vec<u8>>, NotRepresentable> {
    let Some(found) = taken.found else { return Ok(None) };
    let tenths = |value| steps(value, Decimal::TEN, TEN_BITS, FORMAT);
    let muscle = tenths(found.muscle_percent.unwrap_or_default())?;
    let weight = found.weight_kg.unwrap_or_default();
    if weight.is_zero() {
        return Err(NotRepresentable { value: weight, format: FORMAT });
    }
    let words = [
        0,
        tenths(found.fat_percent)? << 6 | VISCERAL,
        METABOLISM,
        muscle << 6 | u16::from(year(clock)),
        MASS_INDEX << 6 | part(clock.minute()),
        AGE | part(clock.month()),
        part(clock.day()) << 11 | part(clock.hour()) << 6 | part(clock.second()),
    ];
    let mut record: Vec<u8> = words.into_iter().flat_map(u16::to_be_bytes).collect();
    record.resize(WEIGHT_AT, 0);
    let weight = steps(weight, Decimal::from(20), TWELVE_BITS, FORMAT)?;
    record.extend((weight << 4).to_be_bytes());
    record.resize(LEN_BYTES, 0);
    Ok(Some(record))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::device::body_composition::Found;

    /// A record of a unit test of github:oliexdev/openScale, `OmronLibTest.kt`.
    #[test]
    fn a_public_record_is_reproduced() {
        let found = Found {
            fat_percent: Decimal::new(235, 1),
            muscle_percent: Some(Decimal::new(312, 1)),
            water_kg: None,
            weight_kg: Some(Decimal::new(724, 1)),
        };
        let taken = BodyComposition { found: Some(found), user: 1 };
        let record = encode(&taken, date(2024, 3, 17).at(7, 45, 12, 0)).unwrap().unwrap();
        let expected = "0000 3ad0 5f02 4e18 3b6d 2233 89cc 000000000000000000000000 5a80";
        let expected = format!("{}{}", expected.replace(' ', ""), "00".repeat(20));
        assert_eq!(hex::encode(record), expected);
    }

    #[test]
    fn nothing_is_kept_of_a_failed_measurement_and_none_is_without_a_weight() {
        let written = |taken: BodyComposition| encode(&taken, DateTime::ZERO);
        assert_eq!(written(BodyComposition::failed()), Ok(None));
        assert!(written(BodyComposition::new(20, 0)).is_err());
        assert!(written(BodyComposition::new(20, 204)).is_ok());
        assert!(written(BodyComposition::new(20, 205)).is_err());
        assert!(written(BodyComposition::new(20, Decimal::new(7001, 2))).is_err());
    }
}
