//! Numbers as IEEE 11073-20601 writes them on the air, little-endian, and as steps of a format.
//!
//! ```text
//! SFLOAT  16 bits   exponent, 4 bits signed    mantissa, 12 bits signed    m * 10^e
//! FLOAT   32 bits   exponent, 8 bits signed    mantissa, 24 bits signed    m * 10^e
//! ```

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use thiserror::Error;

/// SFLOAT "not a number": no value, or a measurement that failed.
pub const SFLOAT_NAN: [u8; 2] = 0x07FF_u16.to_le_bytes();

/// FLOAT "not a number": no value, or a measurement that failed.
pub const FLOAT_NAN: [u8; 4] = 0x007F_FFFF_u32.to_le_bytes();

/// A value that a format cannot hold exactly.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{value} does not fit {format}")]
pub struct NotRepresentable {
    /// The value in question.
    pub value: Decimal,
    /// The format in question.
    pub format: &'static str,
}

/// Writes a value as SFLOAT with the decimals that it has.
///
/// # Errors
///
/// Returns [`NotRepresentable`] if the digits do not fit 12 bits or would read as a special value.
pub fn sfloat(value: Decimal) -> Result<[u8; 2], NotRepresentable> {
    let refused = NotRepresentable { value, format: "SFLOAT" };
    let (mantissa, exponent) = parts(value).ok_or_else(|| refused.clone())?;
    // The five specials lie at both ends of the mantissa with exponent 0.
    let ordinary = if exponent == 0 { -2045..=2045 } else { -2048..=2047 };
    if !ordinary.contains(&mantissa) || !(-8..=7).contains(&exponent) {
        return Err(refused);
    }
    let [low, high, ..] = mantissa.to_le_bytes();
    let [exponent] = exponent.to_le_bytes();
    Ok([low, (high & 0x0F) | (exponent << 4)])
}

/// Writes a value as FLOAT with the decimals that it has.
///
/// # Errors
///
/// Returns [`NotRepresentable`] if the digits do not fit 24 bits or would read as a special value.
pub fn float(value: Decimal) -> Result<[u8; 4], NotRepresentable> {
    let refused = NotRepresentable { value, format: "FLOAT" };
    let (mantissa, exponent) = parts(value).ok_or_else(|| refused.clone())?;
    if !(-0x7F_FFFD..=0x7F_FFFD).contains(&mantissa) {
        return Err(refused);
    }
    let [m0, m1, m2, _sign] = mantissa.to_le_bytes();
    let [exponent] = exponent.to_le_bytes();
    Ok([m0, m1, m2, exponent])
}

/// Counts the steps of a format in a value.
///
/// # Errors
///
/// Returns [`NotRepresentable`] if the value lies between two steps, is negative, or has more than
/// `most` of them.
pub(super) fn steps(
    value: Decimal,
    per_unit: Decimal,
    most: u16,
    format: &'static str,
) -> Result<u16, NotRepresentable> {
    value
        .checked_mul(per_unit)
        .filter(Decimal::is_integer)
        .and_then(|steps| steps.to_u16())
        .filter(|steps| *steps <= most)
        .ok_or(NotRepresentable { value, format })
}

fn parts(value: Decimal) -> Option<(i32, i8)> {
    let mantissa = i32::try_from(value.mantissa()).ok()?;
    let decimals = i8::try_from(value.scale()).ok()?;
    Some((mantissa, decimals.checked_neg()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_sfloat(value: &str, expected: Result<[u8; 2], ()>) {
        assert_eq!(sfloat(value.parse().unwrap()).map_err(|_refused| ()), expected);
    }

    #[test]
    fn a_whole_number_has_exponent_zero() {
        check_sfloat("120", Ok([0x78, 0x00]));
    }

    #[test]
    fn a_tenth_has_exponent_minus_one() {
        check_sfloat("17.6", Ok([0xB0, 0xF0]));
        check_sfloat("100.0", Ok([0xE8, 0xF3]));
    }

    #[test]
    fn a_negative_number_keeps_its_sign() {
        check_sfloat("-1.0", Ok([0xF6, 0xFF]));
    }

    #[test]
    fn a_number_that_would_read_as_special_is_refused() {
        check_sfloat("2047", Err(()));
        check_sfloat("204.7", Ok([0xFF, 0xF7]));
    }

    #[test]
    fn a_body_temperature_is_written_as_float() {
        assert_eq!(float("36.6".parse().unwrap()), Ok([0x6E, 0x01, 0x00, 0xFF]));
    }

    #[test]
    fn too_many_digits_for_float_are_refused() {
        assert!(float("8388608".parse().unwrap()).is_err());
    }
}
