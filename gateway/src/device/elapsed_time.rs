//! Elapsed Time (0x2BF2) of the Generic Health Sensor and Elapsed Time Services.
//!
//! ```text
//! offset  size  field
//! 0       1     flags         bit 0:   0 = time of day, 1 = ticks since some moment
//!                             bit 1:   1 = UTC, 0 = local time
//!                             bit 2-3: unit, 0 = 1 s, 1 = 100 ms, 2 = 1 ms, 3 = 100 µs
//!                             bit 4:   zone and daylight saving time are used
//!                             bit 5:   on the current timeline of the device
//! 1       6     time          unsigned, little-endian, units since 2000-01-01T00:00:00
//! 7       1     sync source   as the source in Reference Time Information (0x2A14)
//! 8       1     offset        signed, 15 min, zone and daylight saving time together
//! ------------  the value of a clock goes on, that of a measurement does not
//! 9       1     clock status  bit 0: it has to be set
//! 10      1     capabilities  of the clock
//! ```

use jiff::SignedDuration;
use jiff::civil::{self, date};

use super::error::DecodeError;
use super::payload::Payload;

/// A decoded Elapsed Time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElapsedTime {
    flags: u8,
    /// Time in units.
    pub value: u64,
    /// Where the time comes from, as the code came.
    pub sync_source: u8,
    /// Zone and daylight saving time together in steps of 15 min, as it came.
    pub offset: i8,
    /// Of a clock alone.
    pub clock: Option<ClockState>,
}

/// What a clock says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockState {
    /// Status bits, as they came.
    pub status: u8,
    /// Capability bits, as they came.
    pub capabilities: u8,
}

/// Decodes the value of an Elapsed Time characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless it has nine or eleven
/// bytes.
pub fn decode(bytes: &[u8]) -> Result<ElapsedTime, DecodeError> {
    let mut payload = Payload::new(bytes);
    let flags = payload.byte("flags")?;
    let [b0, b1, b2, b3, b4, b5] = payload.array("time")?;
    let value = u64::from_le_bytes([b0, b1, b2, b3, b4, b5, 0, 0]);
    let sync_source = payload.byte("sync source")?;
    let offset = i8::from_le_bytes(payload.array("offset")?);
    let clock = (!payload.is_empty()).then(|| clock(&mut payload)).transpose()?;
    payload.end()?;
    Ok(ElapsedTime { flags, value, sync_source, offset, clock })
}

fn clock(payload: &mut Payload<'_>) -> Result<ClockState, DecodeError> {
    let status = payload.byte("clock status")?;
    let capabilities = payload.byte("clock capabilities")?;
    Ok(ClockState { status, capabilities })
}

impl ElapsedTime {
    /// Whether it counts since some moment of the device, and so is no time of day.
    #[must_use]
    pub const fn is_tick_counter(&self) -> bool {
        self.flags & (1 << 0) != 0
    }

    /// Whether it is UTC.
    #[must_use]
    pub const fn is_utc(&self) -> bool {
        self.flags & (1 << 1) != 0
    }

    /// Whether zone and daylight saving time are used.
    #[must_use]
    pub const fn has_offset(&self) -> bool {
        self.flags & (1 << 4) != 0
    }

    /// Whether it is on the current timeline of the device: its clock was not set since.
    #[must_use]
    pub const fn is_current_timeline(&self) -> bool {
        self.flags & (1 << 5) != 0
    }

    /// Code of the unit, 0 for a second to 3 for 100 µs.
    #[must_use]
    pub const fn resolution(&self) -> u8 {
        (self.flags >> 2) & 0b11
    }

    /// The time of day, UTC or local by its flag; `None` for ticks and beyond the year 9999.
    #[must_use]
    pub fn civil(&self) -> Option<civil::DateTime> {
        const START: civil::DateTime = date(2000, 1, 1).at(0, 0, 0, 0);
        if self.is_tick_counter() {
            return None;
        }
        let micros_per_unit = match self.resolution() {
            0 => 1_000_000,
            1 => 100_000,
            2 => 1000,
            _hundred_micros => 100,
        };
        let micros = i64::try_from(self.value).ok()?.checked_mul(micros_per_unit)?;
        START.checked_add(SignedDuration::from_micros(micros)).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    /// Unit test of github:RonanB96/bluetooth-sig-python: a million seconds of UTC.
    const MILLION: &str = "0240420f00000001000000";

    #[track_caller]
    fn check(hex: &str, expected: Option<&str>) {
        let civil = decode(&bytes(hex)).unwrap().civil();
        assert_eq!(civil.map(|it| it.to_string()).as_deref(), expected);
    }

    #[test]
    fn time_counts_units_since_the_year_2000() {
        check(MILLION, Some("2000-01-12T13:46:40"));
        check("0880ee3600000000000000", Some("2000-01-01T01:00:00"));
        check("040a000000000000000000", Some("2000-01-01T00:00:01"));
        check("0c01000000000000000000", Some("2000-01-01T00:00:00.0001"));
    }

    #[test]
    fn ticks_are_no_time_of_day() {
        check("05f4010000000000000000", None);
        check("00ffffffffffff0000", None);
        assert_eq!(decode(&bytes("05f4010000000000000000")).unwrap().resolution(), 1);
    }

    #[test]
    fn source_offset_and_flags_are_kept() {
        let decoded = decode(&bytes("3200000000000006ec")).unwrap();
        assert_eq!((decoded.sync_source, decoded.offset, decoded.clock), (6, -20, None));
        assert!(decoded.is_utc() && decoded.has_offset() && decoded.is_current_timeline());
        let clock = decode(&bytes("02000000000000000001ff")).unwrap().clock;
        assert_eq!(clock, Some(ClockState { status: 1, capabilities: 255 }));
    }

    #[test]
    fn every_other_length_is_refused() {
        for prefix in prefixes(MILLION).into_iter().filter(|it| it.len() != 9) {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
        }
    }

    #[test]
    fn more_than_a_clock_is_refused() {
        let longer = decode(&bytes(&format!("{MILLION}00")));
        assert_eq!(longer, Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 12 }));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            if let Ok(decoded) = decode(&bytes) {
                let _civil = decoded.civil();
            }
        }
    }
}
