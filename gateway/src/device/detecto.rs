//! Detecto scales: the Weight Measurement (0x2A9D) of the Bluetooth SIG with one flag of their own.
//!
//! ```text
//! offset  size  field
//! 0       1     flags    bit 4: the load is below zero, and the weight field 0; else as the standard
//! 1       ..    as [`super::weight`], without time, user and body
//! ```

use vitals::ReadingKind;

use super::error::DecodeError;
use super::item::FailureReason;
use super::outcome;
use super::report::{NoResult, Report};
use super::weight::{self, Weight};

/// A decoded value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The value as the standard has it.
    pub weight: Weight,
    /// Whether the load is below zero: somebody took off what it was set to zero with.
    pub is_below_zero: bool,
}

/// Decodes the value of a Weight Measurement characteristic of Detecto.
///
/// # Errors
///
/// As [`weight::decode`].
pub fn decode(bytes: &[u8]) -> Result<Load, DecodeError> {
    let weight = weight::decode(bytes)?;
    let is_below_zero = bytes.first().is_some_and(|flags| flags & 1 << 4 != 0);
    Ok(Load { weight, is_below_zero })
}

impl Load {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// As [`Weight::report`].
    pub fn report(&self) -> Result<Report, DecodeError> {
        if self.is_below_zero {
            let failed = Err(NoResult::Failed(vec![FailureReason::Invalid]));
            return Ok(outcome::report(ReadingKind::Weight, failed));
        }
        self.weight.report()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    fn report(hex: &str) -> Result<Report, DecodeError> {
        decode(&bytes(hex))?.report()
    }

    #[test]
    fn a_weight_is_that_of_the_standard() {
        let values = report("013016").unwrap().result.unwrap();
        assert_eq!(values.first().unwrap().quantity.to_string(), "56.80 lb");
    }

    #[test]
    fn a_load_below_zero_is_a_failed_measurement_whatever_stands_in_its_field() {
        for hex in ["110000", "100000", "113016"] {
            let result = report(hex).unwrap().result;
            assert_eq!(result, Err(NoResult::Failed(vec![FailureReason::Invalid])), "{hex}");
        }
    }

    #[test]
    fn a_value_is_cut_or_too_long() {
        for prefix in prefixes("110000") {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })));
        }
        assert!(matches!(decode(&bytes("11000000")), Err(DecodeError::Trailing { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            if let Ok(load) = decode(&bytes) {
                let _report = load.report();
            }
        }
    }
}
