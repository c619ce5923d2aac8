//! Words of a device about itself: Battery Level (0x2A19) and Device Information (0x2A24 to 0x2A29).
//!
//! ```text
//! characteristic  value
//! 0x2A19          1 byte, battery level in percent, 0 to 100
//! 0x2A24          UTF-8, model
//! 0x2A25          UTF-8, serial number
//! 0x2A26          UTF-8, firmware
//! 0x2A29          UTF-8, manufacturer
//! ```
//!
//! Devices pad their texts with NULs and spaces.

use rust_decimal::Decimal;

use super::error::DecodeError;
use super::payload::Payload;

/// Decodes the value of a Battery Level characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::OutOfRange`] above 100, and [`DecodeError::Truncated`] or
/// [`DecodeError::Trailing`] unless it is one byte.
pub fn battery_percent(bytes: &[u8]) -> Result<u8, DecodeError> {
    let mut payload = Payload::new(bytes);
    let level = payload.byte("battery level")?;
    payload.end()?;
    if 100 < level {
        let value = Decimal::from(level);
        return Err(DecodeError::OutOfRange { field: "battery level", value });
    }
    Ok(level)
}

/// Decodes a text of Device Information; it may be empty.
///
/// # Errors
///
/// Returns [`DecodeError::Text`] for bytes that are no UTF-8.
pub fn text(field: &'static str, bytes: &[u8]) -> Result<String, DecodeError> {
    let text = str::from_utf8(bytes).map_err(|_cause| DecodeError::Text { field })?;
    let is_padding = |it: char| it == '\0' || it.is_whitespace();
    Ok(text.trim_matches(is_padding).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::fixture::bytes;

    #[track_caller]
    fn check_battery(hex: &str, expected: Option<u8>) {
        assert_eq!(battery_percent(&bytes(hex)).ok(), expected);
    }

    #[test]
    fn a_battery_level_is_one_byte_up_to_a_hundred() {
        check_battery("00", Some(0));
        check_battery("64", Some(100));
        check_battery("65", None);
        check_battery("ff", None);
        check_battery("", None);
        check_battery("6400", None);
    }

    #[test]
    fn padding_is_no_part_of_a_text() {
        assert_eq!(text("model", b"UA-651BLE \0\0"), Ok("UA-651BLE".to_owned()));
        assert_eq!(text("model", b"\0\0"), Ok(String::new()));
        assert_eq!(text("model", b""), Ok(String::new()));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let refused = text("model", &[0xE4, 0x20]);
        assert_eq!(refused, Err(DecodeError::Text { field: "model" }));
    }
}
