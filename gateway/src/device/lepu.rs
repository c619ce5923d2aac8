//! Lepu devices (BP2, ER1, O2Ring-S): frames of the second protocol over Bluetooth.
//!
//! ```text
//! offset  size  field
//! 0       1     0xA5
//! 1       1     command     0xE1 about the device, 0xEC set time, 0xF1 list, 0xF2-0xF4 read a file,
//!                           0x30 battery
//! 2       1     all bits of the command turned
//! 3       1     direction   0x00 from the host, 0x01 from the device
//! 4       1     sequence
//! 5       2     length of the payload, little-endian
//! 7       ..    payload
//! last    1     CRC-8, polynomial 0x07, of everything before
//!
//! record of a BP2W, 37 bytes, after the 10 bytes of the file's head
//! 0       4     seconds since 1970, little-endian, by its own clock
//! 4       4     user
//! 8       1     1 = irregular pulse
//! 13      2     systolic, mmHg       17      2     mean, mmHg
//! 15      2     diastolic, mmHg      19      2     pulse rate, /min
//! 21      16    not used
//! ```

use super::crc8::crc8;
use super::error::DecodeError;
use super::payload::{Payload, checked};

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The command.
    pub command: u8,
    /// Whether the device speaks.
    pub is_reply: bool,
    /// Number of the frame.
    pub sequence: u8,
    /// What goes with it.
    pub contents: Vec<u8>,
}

/// A stored measurement of a BP2W; pressures in mmHg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Seconds since 1970 by the device's clock.
    pub unix_s: u32,
    /// User as the device numbers it.
    pub user: u32,
    /// Whether the pulse was irregular.
    pub is_irregular: bool,
    /// Systolic pressure.
    pub systolic: u16,
    /// Diastolic pressure.
    pub diastolic: u16,
    /// Mean arterial pressure.
    pub mean: u16,
    /// Pulse rate per minute.
    pub pulse: u16,
}

/// Decodes one frame.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] for fewer than eight bytes, [`DecodeError::Framing`] for
/// another start or command, [`DecodeError::Length`] if it has another length than it says, and
/// [`DecodeError::Checksum`].
pub fn decode(bytes: &[u8]) -> Result<Frame, DecodeError> {
    let mut payload = Payload::new(bytes);
    payload.fixed("start byte", 0xA5)?;
    let command = payload.byte("command")?;
    payload.fixed("turned command", !command)?;
    let direction = payload.byte("direction")?;
    let sequence = payload.byte("sequence")?;
    let declared = usize::from(payload.u16_le("length")?);
    let len_bytes = bytes.len();
    let Some((_crc, contents)) = payload.rest().split_last() else {
        return Err(DecodeError::Truncated { field: "checksum", len_bytes });
    };
    if contents.len() != declared {
        return Err(DecodeError::Length { declared, len_bytes });
    }
    checked(bytes, crc8)?;
    Ok(Frame { command, is_reply: direction != 0, sequence, contents: contents.to_vec() })
}

/// Decodes the records of the file of a BP2W.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] if the head or the last record is not whole.
pub fn decode_records(bytes: &[u8]) -> Result<Vec<Record>, DecodeError> {
    let mut payload = Payload::new(bytes);
    let _head = payload.array::<10>("head")?;
    let mut records = Vec::new();
    while !payload.is_empty() {
        records.push(record(&mut payload)?);
    }
    Ok(records)
}

fn record(payload: &mut Payload<'_>) -> Result<Record, DecodeError> {
    let unix_s = payload.u32_le("time")?;
    let user = payload.u32_le("user")?;
    let [flag, _unused @ ..] = payload.array::<5>("flag")?;
    let record = Record {
        unix_s,
        user,
        is_irregular: flag & 1 != 0,
        systolic: payload.u16_le("systolic")?,
        diastolic: payload.u16_le("diastolic")?,
        mean: payload.u16_le("mean")?,
        pulse: payload.u16_le("pulse rate")?,
    };
    let _unused = payload.array::<16>("the end")?;
    Ok(record)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    const ASKED: &str = "a5e11e00020000bf";

    #[test]
    fn a_frame_has_a_command_and_a_sequence() {
        let frame = decode(&bytes(ASKED)).unwrap();
        assert_eq!((frame.command, frame.sequence, frame.is_reply), (0xE1, 2, false));
        let mut reply = bytes("a530cf0103020055aa");
        reply.push(crc8(&reply));
        let frame = decode(&reply).unwrap();
        assert_eq!((frame.is_reply, frame.contents), (true, vec![0x55, 0xAA]));
    }

    #[test]
    fn a_frame_is_cut_or_too_long() {
        for prefix in prefixes(ASKED) {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:?}");
        }
        let long = decode(&bytes("a5e11e00020000bf00"));
        assert_eq!(long, Err(DecodeError::Length { declared: 0, len_bytes: 9 }));
    }

    #[test]
    fn frame_and_checksum_are_verified() {
        let bad = DecodeError::Checksum { found: 0xBE, computed: 0xBF };
        assert_eq!(decode(&bytes("a5e11e00020000be")), Err(bad));
        for hex in ["a6e11e00020000bf", "a5e11f00020000bf"] {
            assert!(matches!(decode(&bytes(hex)), Err(DecodeError::Framing { .. })), "{hex}");
        }
    }

    #[test]
    fn records_follow_the_head_of_the_file() {
        let record = "00e1f56501000000010000000079004f005d004400";
        let file = format!("{}{record}{}", "00".repeat(10), "00".repeat(16));
        let records = decode_records(&bytes(&file)).unwrap();
        let first = records.first().unwrap();
        assert_eq!((first.systolic, first.diastolic, first.mean, first.pulse), (121, 79, 93, 68));
        assert!(first.is_irregular);
    }

    #[test]
    fn half_a_record_is_refused() {
        assert_eq!(decode_records(&[0; 10]), Ok(Vec::new()));
        for len in (0..10).chain(11..47) {
            assert!(decode_records(&vec![0; len]).is_err(), "{len}");
        }
        assert_eq!(decode_records(&[0; 47]).unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _frame = decode(&bytes);
            let _records = decode_records(&bytes);
        }
    }
}
