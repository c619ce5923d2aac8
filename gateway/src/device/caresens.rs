//! i-SENS `CareSens` glucose meters: what the host writes to set their clock.
//!
//! ```text
//! offset  size  field
//! 0       4     0xC0 0x03 0x01 0x00
//! 4       2     year, little-endian
//! 6       5     month, day, hour, minute, second
//! ```

use vitals::DeviceTime;

use super::date_time;
use super::error::DecodeError;
use super::payload::Payload;

/// Decodes what sets a clock.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are eleven bytes,
/// [`DecodeError::Framing`] for another command, and [`DecodeError::OutOfRange`] for a part that no
/// clock can show.
pub fn decode_time(bytes: &[u8]) -> Result<DeviceTime, DecodeError> {
    let mut payload = Payload::new(bytes);
    for expected in [0xC0, 0x03, 0x01, 0x00] {
        payload.fixed("command", expected)?;
    }
    date_time::decode(payload.rest())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    const TIME: &str = "c0030100e2070b1d162d3b";

    #[test]
    fn a_time_is_written() {
        let time = decode_time(&bytes(TIME)).unwrap();
        assert_eq!(time.to_string(), "2018-11-29T22:45:59");
    }

    #[test]
    fn nothing_is_refused() {
        assert!(matches!(decode_time(&[]), Err(DecodeError::Truncated { .. })));
    }

    #[test]
    fn a_time_is_cut_or_too_long() {
        for prefix in prefixes(TIME) {
            assert!(matches!(decode_time(&prefix), Err(DecodeError::Truncated { .. })));
        }
        let long = decode_time(&bytes(&format!("{TIME}00")));
        assert!(matches!(long, Err(DecodeError::Trailing { .. })));
    }

    #[test]
    fn other_commands_are_refused() {
        for hex in ["c1030100e2070b1d162d3b", "c0030101e2070b1d162d3b"] {
            assert!(matches!(decode_time(&bytes(hex)), Err(DecodeError::Framing { .. })), "{hex}");
        }
    }

    #[test]
    fn parts_that_no_clock_shows_are_refused() {
        let refused = decode_time(&bytes("c0030100e2070d1d162d3b"));
        assert!(matches!(refused, Err(DecodeError::OutOfRange { field: "month", .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _time = decode_time(&bytes);
        }
    }
}
