//! How far a device's clock is from UTC and from the truth: Local Time Information (0x2A0F) and
//! Reference Time Information (0x2A14).
//!
//! ```text
//! 0x2A0F                                      0x2A14
//! size  field                                 size  field
//! 1     time zone, signed, 15 min,            1     source: 0 unknown, 1 NTP, 2 GPS, 3 radio,
//!       -48 to 56; -128 = unknown                   4 by hand, 5 atomic clock, 6 mobile network
//! 1     daylight saving: 0 none, 2 + 0.5 h,   1     accuracy, 1/8 s; 254 = worse, 255 = unknown
//!       4 + 1 h, 8 + 2 h, 255 unknown         1     days since the last update; 255 = or more
//!                                             1     hours beyond the days, 0 to 23; 255 with 255 d
//! ```

use rust_decimal::Decimal;

use super::error::DecodeError;
use super::payload::Payload;

/// A decoded Local Time Information.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// Time zone in steps of 15 min, as it came; -128 stands for unknown.
    pub zone: i8,
    /// Daylight saving time, as the code came; 255 stands for unknown.
    pub daylight_saving: u8,
}

/// A decoded Reference Time Information.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferenceTime {
    /// Where the time comes from, as the code came.
    pub source: u8,
    /// Accuracy in 1/8 s, as it came; 254 stands for worse, 255 for unknown.
    pub accuracy: u8,
    /// Days since the last update; 255 stands for 255 or more.
    pub days_since_update: u8,
    /// Hours since the last update beyond the days; 255 with 255 days.
    pub hours_since_update: u8,
}

/// A time zone that is not known.
const UNKNOWN_ZONE: i8 = -128;

/// Decodes the value of a Local Time Information characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless it has two bytes, and
/// [`DecodeError::OutOfRange`] for codes that are reserved.
pub fn decode(bytes: &[u8]) -> Result<LocalTime, DecodeError> {
    let mut payload = Payload::new(bytes);
    let zone = i8::from_le_bytes(payload.array("time zone")?);
    let daylight_saving = payload.byte("daylight saving time")?;
    payload.end()?;
    if zone != UNKNOWN_ZONE && !(-48..=56).contains(&zone) {
        return Err(DecodeError::OutOfRange { field: "time zone", value: Decimal::from(zone) });
    }
    if !matches!(daylight_saving, 0 | 2 | 4 | 8 | 255) {
        let value = Decimal::from(daylight_saving);
        return Err(DecodeError::OutOfRange { field: "daylight saving time", value });
    }
    Ok(LocalTime { zone, daylight_saving })
}

/// Decodes the value of a Reference Time Information characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless it has four bytes, and
/// [`DecodeError::OutOfRange`] for hours that no day has.
pub fn decode_reference(bytes: &[u8]) -> Result<ReferenceTime, DecodeError> {
    let mut payload = Payload::new(bytes);
    let source = payload.byte("source")?;
    let accuracy = payload.byte("accuracy")?;
    let days_since_update = payload.byte("days since update")?;
    let hours_since_update = payload.byte("hours since update")?;
    payload.end()?;
    if !matches!(hours_since_update, 0..=23 | 255) {
        let value = Decimal::from(hours_since_update);
        return Err(DecodeError::OutOfRange { field: "hours since update", value });
    }
    Ok(ReferenceTime { source, accuracy, days_since_update, hours_since_update })
}

impl LocalTime {
    /// Minutes that the zone is ahead of UTC, without daylight saving time; `None` for unknown.
    #[must_use]
    pub fn zone_min(self) -> Option<i16> {
        (self.zone != UNKNOWN_ZONE).then(|| i16::from(self.zone).saturating_mul(15))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    #[track_caller]
    fn check(hex: &str, zone_min: Option<i16>, daylight_saving: u8) {
        let decoded = decode(&bytes(hex)).unwrap();
        assert_eq!((decoded.zone_min(), decoded.daylight_saving), (zone_min, daylight_saving));
    }

    #[test]
    fn a_zone_counts_quarters_of_an_hour() {
        check("0804", Some(120), 4);
        check("ec00", Some(-300), 0);
        check("1700", Some(345), 0);
        check("3808", Some(840), 8);
    }

    #[test]
    fn unknown_is_no_number() {
        check("80ff", None, 255);
    }

    #[test]
    fn reserved_codes_are_refused() {
        let refused = decode(&bytes("3900"));
        let value = Decimal::from(57);
        assert_eq!(refused, Err(DecodeError::OutOfRange { field: "time zone", value }));
        assert!(matches!(decode(&bytes("0001")), Err(DecodeError::OutOfRange { .. })));
    }

    #[test]
    fn a_reference_tells_how_old_it_is() {
        let decoded = decode_reference(&bytes("01080205")).unwrap();
        assert_eq!((decoded.source, decoded.accuracy), (1, 8));
        assert_eq!((decoded.days_since_update, decoded.hours_since_update), (2, 5));
        assert!(decode_reference(&bytes("06ffffff")).is_ok());
        assert!(matches!(
            decode_reference(&bytes("01080218")),
            Err(DecodeError::OutOfRange { field: "hours since update", .. })
        ));
    }

    #[test]
    fn every_other_length_is_refused() {
        for prefix in prefixes("0804") {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })));
        }
        for prefix in prefixes("01080205") {
            assert!(matches!(decode_reference(&prefix), Err(DecodeError::Truncated { .. })));
        }
        assert!(matches!(decode(&bytes("080400")), Err(DecodeError::Trailing { .. })));
        let longer = decode_reference(&bytes("0108020500"));
        assert_eq!(longer, Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 5 }));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _local = decode(&bytes);
            let _reference = decode_reference(&bytes);
        }
    }
}
