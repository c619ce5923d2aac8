//! Contec CMS50D-BT: notifications and commands over Bluetooth.
//!
//! ```text
//! offset  pulse wave            values                commands
//! 0       0xEB                  0xEB                  0x80 and more
//! 1       0x00                  0x01                  what goes with it, none to three bytes
//! 2       three bytes of it     state
//! 3                             pulse rate, /min
//! 4                             SpO2, %; 127 is none
//! 5       checksum              0x7F
//! 6                             0x00
//! 7                             checksum
//!
//! checksum: sum of the bytes before it, without bit 7
//! ```

use std::collections::BTreeSet;

use super::error::DecodeError;
use super::outcome;
use super::payload::{Payload, checked, sum};
use super::report::Report;

/// One notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notification {
    /// A piece of the pulse wave.
    Wave([u8; 3]),
    /// The values.
    Values(Values),
}

/// The values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Values {
    /// State as it came.
    pub state: u8,
    /// Pulse rate per minute; `None` where it is missing.
    pub pulse: Option<u8>,
    /// SpO2 in percent; `None` where it is missing.
    pub saturation: Option<u8>,
}

/// Decodes one notification.
///
/// # Errors
///
/// Returns [`DecodeError::Framing`] for another start, [`DecodeError::Truncated`] or
/// [`DecodeError::Trailing`] for another length, and [`DecodeError::Checksum`].
pub fn decode(bytes: &[u8]) -> Result<Notification, DecodeError> {
    let mut payload = Payload::new(bytes);
    payload.fixed("start byte", 0xEB)?;
    let notification = match payload.byte("kind")? {
        0x00 => Notification::Wave(payload.array("pulse wave")?),
        0x01 => {
            let [state, pulse, saturation, _, _] = payload.array("values")?;
            Notification::Values(Values {
                state,
                pulse: (pulse != 0xFF).then_some(pulse),
                saturation: (saturation != 0x7F).then_some(saturation),
            })
        }
        value => return Err(DecodeError::Framing { field: "kind", value }),
    };
    let _checksum = payload.byte("checksum")?;
    payload.end()?;
    checked(bytes, low_sum)?;
    Ok(notification)
}

/// Checks a command; gives the bytes before its checksum.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] for fewer than two bytes, [`DecodeError::Framing`] for a first
/// byte without bit 7, and [`DecodeError::Checksum`].
pub fn decode_command(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let mut payload = Payload::new(bytes);
    let value = payload.byte("command")?;
    if value & 0x80 == 0 {
        return Err(DecodeError::Framing { field: "command", value });
    }
    if payload.is_empty() {
        return Err(DecodeError::Truncated { field: "checksum", len_bytes: bytes.len() });
    }
    checked(bytes, low_sum)
}

fn low_sum(bytes: &[u8]) -> u8 {
    sum(bytes) & 0x7F
}

impl Values {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no oximeter can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let (saturation, pulse) = (self.saturation.map(u16::from), self.pulse.map(u16::from));
        outcome::oximetry(saturation, pulse, BTreeSet::new())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};
    use crate::device::report::NoResult;

    const VALUES: &str = "eb010453637f0025";

    fn values(state: u8, pulse: u8, saturation: u8) -> Result<Values, DecodeError> {
        let mut bytes = vec![0xEB, 0x01, state, pulse, saturation, 0x7F, 0x00];
        bytes.push(low_sum(&bytes));
        match decode(&bytes)? {
            Notification::Values(values) => Ok(values),
            Notification::Wave(_) => panic!("a wave"),
        }
    }

    #[test]
    fn values_are_saturation_and_pulse() {
        let expected = Values { state: 4, pulse: Some(83), saturation: Some(99) };
        assert_eq!(decode(&bytes(VALUES)), Ok(Notification::Values(expected)));
        assert_eq!(expected.report().unwrap().result.unwrap().len(), 2);
    }

    #[test]
    fn a_wave_is_no_value() {
        assert_eq!(decode(&bytes("eb000348093f")), Ok(Notification::Wave([3, 0x48, 9])));
    }

    #[test]
    fn notifications_are_cut_or_too_long() {
        for prefix in prefixes(VALUES).into_iter().chain(prefixes("eb000348093f")) {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:?}");
        }
        let long = decode(&bytes("eb010453637f002500"));
        assert!(matches!(long, Err(DecodeError::Trailing { .. })));
    }

    #[test]
    fn frame_and_checksum_are_verified() {
        let bad = DecodeError::Checksum { found: 0x26, computed: 0x25 };
        assert_eq!(decode(&bytes("eb010453637f0026")), Err(bad));
        for hex in ["ec010453637f0026", "eb020453637f0026"] {
            assert!(matches!(decode(&bytes(hex)), Err(DecodeError::Framing { .. })), "{hex}");
        }
    }

    #[test]
    fn missing_values_are_no_numbers() {
        let missing = values(0, 0xFF, 0x7F).unwrap();
        assert_eq!((missing.pulse, missing.saturation), (None, None));
        assert_eq!(missing.report().unwrap().result, Err(NoResult::Absent));
        assert_eq!(values(0, 0, 0).unwrap().report().unwrap().result, Err(NoResult::Absent));
    }

    #[test]
    fn commands_are_checked() {
        for hex in ["8101", "8202", "9a1a", "9b001b", "9b011c", "9b7f1a"] {
            assert!(decode_command(&bytes(hex)).is_ok(), "{hex}");
        }
        assert!(matches!(decode_command(&bytes("8102")), Err(DecodeError::Checksum { .. })));
        assert!(matches!(decode_command(&bytes("81")), Err(DecodeError::Truncated { .. })));
        assert!(matches!(decode_command(&bytes("0101")), Err(DecodeError::Framing { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, state: u8, pulse: u8, saturation: u8) {
            let _notification = decode(&bytes);
            let _command = decode_command(&bytes);
            let _report = values(state, pulse, saturation).unwrap().report();
        }
    }
}
