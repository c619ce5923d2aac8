//! Sealed advertisements of Xiaomi scales: each weighing is told once.
//!
//! A scale says a weighing many times, each time sealed anew: first the weight, then with the impedance
//! and the heart rate, then the impedance at a low frequency. It says besides, without a seal, that it
//! is there.

use std::collections::VecDeque;

use rust_decimal::Decimal;

use crate::device::error::DecodeError;
use crate::device::report::Report;
use crate::device::xiaomi_s400::{self, Secret};

/// The same weight again within this time is the same weighing, in seconds.
///
/// Source: ours; nobody steps off, on and off again to the same tenth of a kilogram in less.
const REPEAT_S_MAX: u32 = 60;

/// Most weighings that are remembered; of more the oldest are forgotten.
const TOLD_MAX: usize = 64;

/// What a scale said lately.
#[derive(Debug, Default)]
pub(crate) struct Sealed {
    /// Weights that were told, each with the time by the clock of the scale.
    told: VecDeque<(Decimal, u32)>,
}

impl Sealed {
    /// Takes the data of an advertisement; gives a weighing that was not told yet.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Sealed`] for another key or address, or damaged bytes, and
    /// [`DecodeError::OutOfRange`] for a weight that no scale can show.
    pub(crate) fn push(
        &mut self,
        secret: Option<&Secret>,
        data: &[u8],
    ) -> Result<Option<Report>, DecodeError> {
        let secret = secret.ok_or(DecodeError::Sealed)?;
        let weighing = match xiaomi_s400::decode(secret, data) {
            Ok(weighing) => weighing,
            Err(error @ DecodeError::Sealed) => return Err(error),
            // It says something else than a weighing.
            Err(_no_weighing) => return Ok(None),
        };
        if weighing.weight.is_zero() {
            return Ok(None);
        }
        let (weight, at_s) = (weighing.weight, weighing.at_s);
        // What was told before may be played back by somebody; a clock that went back is no reason to lose
        // a weight.
        let is_of = |&(told, told_s): &(Decimal, u32)| {
            told == weight && at_s.abs_diff(told_s) <= REPEAT_S_MAX
        };
        if self.told.iter().any(is_of) {
            return Ok(None);
        }
        self.told.truncate(TOLD_MAX.saturating_sub(1));
        self.told.push_front((weight, at_s));
        weighing.report().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::fixture::bytes;

    const SECRET: Secret = Secret {
        key: [
            0x58, 0x30, 0x57, 0x40, 0xB6, 0x4E, 0x4B, 0x42, 0x5E, 0x51, 0x8A, 0xA1, 0xF4, 0xE5,
            0x13, 0x39,
        ],
        address: [0x84, 0x46, 0x93, 0x64, 0xA5, 0xE6],
    };
    /// 74.2 kg, and a week later 73.2 kg.
    const FIRST: &str = "4859d53b2d3314943c58b133638c7457a4000000c3e670dc";
    const SECOND: &str = "4859d53b3bde6bc8d05b51c0cdfd9021c9000000925c5039";

    #[track_caller]
    fn check(values: &[&str], expected: &[bool]) {
        let mut sealed = Sealed::default();
        let told: Vec<_> = values
            .iter()
            .map(|it| sealed.push(Some(&SECRET), &bytes(it)).unwrap().is_some())
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn a_weighing_is_told_once_and_an_old_one_that_is_played_back_is_not() {
        check(&[FIRST, FIRST, SECOND, SECOND, FIRST], &[true, false, true, false, false]);
    }

    #[test]
    fn a_clock_that_went_back_loses_no_weight() {
        check(&[SECOND, FIRST, SECOND], &[true, true, false]);
    }

    #[test]
    fn what_is_no_weighing_says_nothing() {
        // That it is there, without a seal; a part; something longer.
        check(&["3058d53b00e080d38a43d408", "4859d53b", &format!("{FIRST}00")], &[false; 3]);
    }

    #[test]
    fn without_its_key_a_scale_is_not_understood() {
        let wrong = Secret { key: [1; 16], ..SECRET };
        for secret in [None, Some(&wrong)] {
            let refused = Sealed::default().push(secret, &bytes(FIRST));
            assert_eq!(refused.map(|_report| ()), Err(DecodeError::Sealed));
        }
    }
}
