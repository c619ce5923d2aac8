//! Decimal numbers of IEEE 11073-20601, little-endian as the Bluetooth SIG sends them.
//!
//! ```text
//! SFLOAT  16 bits   bits 12-15  exponent, signed, -8 to 7
//!                   bits  0-11  mantissa, signed, -2048 to 2047
//! FLOAT   32 bits   bits 24-31  exponent, signed, -128 to 127
//!                   bits  0-23  mantissa, signed
//!
//! value = mantissa * 10 ^ exponent, except with exponent 0:
//! SFLOAT  FLOAT       meaning
//! 0x07FE  0x007FFFFE  + infinity
//! 0x07FF  0x007FFFFF  not a number
//! 0x0800  0x00800000  not at this resolution
//! 0x0801  0x00800001  reserved
//! 0x0802  0x00800002  - infinity
//! ```

use std::ops::RangeInclusive;

use rust_decimal::Decimal;

use super::error::DecodeError;

/// Powers of ten that are decoded; an SFLOAT has no others, and no FLOAT on a person needs them.
const EXPONENTS: RangeInclusive<i32> = -20..=15;

/// A number, or the reason why there is none.
pub type Number = Result<Decimal, NoValue>;

/// Why a field that is there holds no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoValue {
    /// Not a number: nothing was measured, or the measurement failed.
    NotANumber,
    /// The number cannot be said at the resolution of the device.
    NotAtThisResolution,
    /// Above the range of the device.
    AboveRange,
    /// Below the range of the device.
    BelowRange,
    /// A code that the standard keeps for later.
    Reserved,
}

impl NoValue {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotANumber => "not-a-number",
            Self::NotAtThisResolution => "not-at-this-resolution",
            Self::AboveRange => "above-range",
            Self::BelowRange => "below-range",
            Self::Reserved => "reserved",
        }
    }
}

/// Decodes an SFLOAT.
///
/// # Errors
///
/// Never fails on the sixteen exponents that an SFLOAT has; the type is that of [`float`].
pub fn sfloat(field: &'static str, bytes: [u8; 2]) -> Result<Number, DecodeError> {
    let special = match u16::from_le_bytes(bytes) {
        0x07FE => NoValue::AboveRange,
        0x07FF => NoValue::NotANumber,
        0x0800 => NoValue::NotAtThisResolution,
        0x0801 => NoValue::Reserved,
        0x0802 => NoValue::BelowRange,
        _number => {
            let signed = i16::from_le_bytes(bytes);
            let mantissa = (signed << 4) >> 4;
            return decimal(field, i64::from(mantissa), i32::from(signed >> 12)).map(Ok);
        }
    };
    Ok(Err(special))
}

/// Decodes a FLOAT.
///
/// # Errors
///
/// Returns [`DecodeError::Exponent`] for powers of ten that no measurement has.
pub fn float(field: &'static str, bytes: [u8; 4]) -> Result<Number, DecodeError> {
    let special = match u32::from_le_bytes(bytes) {
        0x007F_FFFE => NoValue::AboveRange,
        0x007F_FFFF => NoValue::NotANumber,
        0x0080_0000 => NoValue::NotAtThisResolution,
        0x0080_0001 => NoValue::Reserved,
        0x0080_0002 => NoValue::BelowRange,
        _number => {
            let signed = i32::from_le_bytes(bytes);
            let mantissa = (signed << 8) >> 8;
            return decimal(field, i64::from(mantissa), signed >> 24).map(Ok);
        }
    };
    Ok(Err(special))
}

/// The number of a field in which zero means as little as nothing: no living person has it.
pub(crate) fn given(number: Number) -> Option<Decimal> {
    number.ok().filter(|it| !it.is_zero())
}

fn decimal(field: &'static str, mantissa: i64, exponent: i32) -> Result<Decimal, DecodeError> {
    let absurd = || DecodeError::Exponent { field, exponent };
    if !EXPONENTS.contains(&exponent) {
        return if mantissa == 0 { Ok(Decimal::ZERO) } else { Err(absurd()) };
    }
    let magnitude = exponent.unsigned_abs();
    let mantissa = i128::from(mantissa);
    let (mantissa, scale) = if exponent < 0 {
        (Some(mantissa), magnitude)
    } else {
        (10_i128.checked_pow(magnitude).and_then(|it| it.checked_mul(mantissa)), 0)
    };
    mantissa.and_then(|it| Decimal::try_from_i128_with_scale(it, scale).ok()).ok_or_else(absurd)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_sfloat(raw: u16, expected: Result<&str, NoValue>) {
        let number = sfloat("value", raw.to_le_bytes()).unwrap();
        assert_eq!(number.map(|it| it.to_string()), expected.map(str::to_owned), "{raw:#06x}");
    }

    #[track_caller]
    fn check_float(raw: u32, expected: Result<&str, NoValue>) {
        let number = float("value", raw.to_le_bytes()).unwrap();
        assert_eq!(number.map(|it| it.to_string()), expected.map(str::to_owned), "{raw:#010x}");
    }

    #[test]
    fn both_parts_of_an_sfloat_are_signed() {
        check_sfloat(0x0072, Ok("114"));
        check_sfloat(0xF0B0, Ok("17.6"));
        check_sfloat(0xFE01, Ok("-51.1"));
        check_sfloat(0x2024, Ok("3600"));
        check_sfloat(0x8001, Ok("0.00000001"));
    }

    #[test]
    fn the_precision_of_the_device_is_kept() {
        check_sfloat(0x0064, Ok("100"));
        check_sfloat(0xF3E8, Ok("100.0"));
        check_float(0xFE00_0E10, Ok("36.00"));
    }

    #[test]
    fn special_codes_are_no_numbers() {
        check_sfloat(0x07FE, Err(NoValue::AboveRange));
        check_sfloat(0x07FF, Err(NoValue::NotANumber));
        check_sfloat(0x0800, Err(NoValue::NotAtThisResolution));
        check_sfloat(0x0801, Err(NoValue::Reserved));
        check_sfloat(0x0802, Err(NoValue::BelowRange));
        check_float(0x007F_FFFE, Err(NoValue::AboveRange));
        check_float(0x007F_FFFF, Err(NoValue::NotANumber));
        check_float(0x0080_0000, Err(NoValue::NotAtThisResolution));
        check_float(0x0080_0001, Err(NoValue::Reserved));
        check_float(0x0080_0002, Err(NoValue::BelowRange));
    }

    #[test]
    fn special_mantissas_are_numbers_with_any_other_exponent() {
        check_sfloat(0xF7FF, Ok("204.7"));
        check_sfloat(0x1800, Ok("-20480"));
        check_float(0xFF7F_FFFF, Ok("838860.7"));
    }

    #[test]
    fn of_all_sfloats_just_five_are_no_numbers() {
        let n_special = (0..=u16::MAX)
            .filter(|raw| sfloat("value", raw.to_le_bytes()).unwrap().is_err())
            .count();
        assert_eq!(n_special, 5);
    }

    #[test]
    fn absurd_exponents_are_refused() {
        for raw in [0x7F00_0001_u32, 0x8000_0001, 0x1000_0001] {
            let refused = float("value", raw.to_le_bytes());
            assert!(matches!(refused, Err(DecodeError::Exponent { .. })), "{raw:#010x}");
        }
        check_float(0x8000_0000, Ok("0"));
    }

    #[test]
    fn zero_is_as_little_as_nothing() {
        assert_eq!(given(Ok(Decimal::ZERO)), None);
        assert_eq!(given(Err(NoValue::NotANumber)), None);
        assert_eq!(given(Ok(Decimal::TEN)), Some(Decimal::TEN));
    }

    proptest! {
        #[test]
        fn no_float_panics(bytes: [u8; 4]) {
            if let Ok(Ok(value)) = float("value", bytes) {
                prop_assert!(value.scale() <= 20);
            }
        }
    }
}
