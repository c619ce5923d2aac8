//! Heart Rate Profile: Heart Rate Measurement (0x2A37).
//!
//! ```text
//! offset  size  field
//! 0       1     flags        bit 0: 0 = heart rate in 1 byte, 1 = in 2 bytes
//!                            bit 1: skin contact detected, where bit 2 is set
//!                            bit 2: skin contact supported
//!                            bit 3: energy expended present
//!                            bit 4: RR intervals present
//! 1       1, 2  heart rate   little-endian, per minute
//! +0      2     energy       little-endian, kJ; 0xFFFF = that many or more
//! +0      2 * n RR interval  little-endian, 1/1024 s, to the end
//! ```

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use vitals::{ReadingKind, Unit, Vital};

use super::error::DecodeError;
use super::measurement::measurement;
use super::payload::Payload;
use super::report::{NoResult, Report};

/// A decoded Heart Rate Measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartRate {
    /// Heart rate per minute; 0 where there is none.
    pub rate: u16,
    /// Whether the sensor touches the skin, where it can tell.
    pub has_contact: Option<bool>,
    /// Energy expended since the last reset, in kJ.
    pub energy_kj: Option<u16>,
    /// Times between beats in 1/1024 s, the oldest first.
    pub intervals: Vec<u16>,
}

/// Decodes the value of a Heart Rate Measurement characteristic.
///
/// Intervals may be promised and yet none be there: sensors send that between two beats.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] if the length is not what the
/// flags promise.
pub fn decode(bytes: &[u8]) -> Result<HeartRate, DecodeError> {
    let mut payload = Payload::new(bytes);
    let flags = payload.byte("flags")?;
    let is = |bit: u8| flags & bit != 0;

    let rate = if is(1 << 0) {
        payload.u16_le("heart rate")?
    } else {
        payload.byte("heart rate").map(u16::from)?
    };
    let has_contact = is(1 << 2).then(|| is(1 << 1));
    let energy_kj = is(1 << 3).then(|| payload.u16_le("energy expended")).transpose()?;
    let mut intervals = Vec::new();
    while is(1 << 4) && !payload.is_empty() {
        intervals.push(payload.u16_le("RR interval")?);
    }
    payload.end()?;
    Ok(HeartRate { rate, has_contact, energy_kj, intervals })
}

impl HeartRate {
    /// What it says about the measurement: nothing without a beat or without the skin.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for a rate that no sensor can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let result = if self.rate == 0 || self.has_contact == Some(false) {
            Err(NoResult::Absent)
        } else {
            let rate = Decimal::from(self.rate);
            Ok(vec![measurement(Vital::HeartRate, rate, Unit::PerMinute)?])
        };
        Ok(Report {
            kind: ReadingKind::HeartRate,
            device_time: None,
            user_slot: None,
            flags: BTreeSet::new(),
            result,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    const EVERY_FIELD: &str = "1f0101320101000201ffff";

    #[track_caller]
    fn check(hex: &str, expected: Option<&str>) {
        let report = decode(&bytes(hex)).unwrap().report().unwrap();
        let value = report.result.ok().map(|it| it.first().unwrap().quantity.to_string());
        assert_eq!(value.as_deref(), expected);
    }

    #[test]
    fn the_rate_has_one_byte_or_two() {
        check("0055", Some("85 /min"));
        check("01aa01", Some("426 /min"));
        check(EVERY_FIELD, Some("257 /min"));
    }

    #[test]
    fn contact_energy_and_intervals_are_kept() {
        let decoded = decode(&bytes(EVERY_FIELD)).unwrap();
        assert_eq!(decoded.has_contact, Some(true));
        assert_eq!(decoded.energy_kj, Some(306));
        assert_eq!(decoded.intervals, [1, 258, 65535]);
    }

    #[test]
    fn without_beat_or_skin_there_is_nothing() {
        check("0000", None);
        check("04ff", None);
        check("0655", Some("85 /min"));
    }

    #[test]
    fn lengths_that_the_flags_do_not_promise_are_refused() {
        for prefix in prefixes("0901013201") {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
        }
        let half = decode(&bytes("104b0404ff"));
        assert_eq!(half, Err(DecodeError::Truncated { field: "RR interval", len_bytes: 5 }));
        let longer = decode(&bytes("005500"));
        assert_eq!(longer, Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 3 }));
    }

    #[test]
    fn promised_intervals_may_be_missing() {
        assert_eq!(decode(&bytes("170101")).unwrap().intervals, Vec::<u16>::new());
    }

    #[test]
    fn a_saturated_rate_is_refused() {
        let refused = decode(&bytes("01ffff")).unwrap().report();
        assert!(matches!(refused, Err(DecodeError::OutOfRange { field: "heart rate", .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            if let Ok(decoded) = decode(&bytes) {
                let _report = decoded.report();
            }
        }
    }
}
