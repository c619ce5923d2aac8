//! Viatom and Wellue oximeters (`O2Ring`, `CheckMe`): requests and replies over Bluetooth.
//!
//! ```text
//! offset  size  field
//! 0       1     0xAA from the host, 0x55 from the device
//! 1       1     command, or 0 in a reply     0x14 about the device, 0x17 live
//! 2       1     all bits of the command turned
//! 3       2     packet, little-endian
//! 5       2     length of the payload, little-endian
//! 7       ..    payload
//! last    1     CRC-8, polynomial 0x07, of everything before
//!
//! payload of a live reply, 13 bytes
//! 0       1     SpO2, %          7       1     battery, %
//! 1       2     pulse rate, /min 8       1     whether it is charging
//! 3       4     steps            9       1     motion
//!                                10      1     perfusion index, 0.1 %
//!                                11      1     0 = off the finger, 1 = worn
//!                                12      1     not used
//! ```
//!
//! A live reply has 21 bytes, of which a notification of 20 bytes holds all but the checksum.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use vitals::ReadingKind;

use super::crc8::crc8;
use super::error::DecodeError;
use super::outcome;
use super::payload::{Payload, checked};
use super::report::{NoResult, Report};

/// What the host asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The command.
    pub command: u8,
    /// Number of the packet.
    pub packet: u16,
    /// What goes with it.
    pub contents: Vec<u8>,
}

/// A live reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// SpO2 in percent as it came; 0 while there is none.
    pub saturation: u8,
    /// Pulse rate per minute as it came; 0 while there is none.
    pub pulse: u16,
    /// Steps.
    pub n_steps: u32,
    /// Battery in percent.
    pub battery_percent: u8,
    /// Whether it is charging, as it came.
    pub charging: u8,
    /// Motion as it came.
    pub motion: u8,
    /// Perfusion index in percent.
    pub perfusion_index: Decimal,
    /// 1 on a finger, 0 off it.
    pub state: u8,
}

/// Decodes a request of the host.
///
/// # Errors
///
/// Returns [`DecodeError::Framing`] for another start or command, [`DecodeError::Length`] if it has
/// another length than it says, and [`DecodeError::Checksum`].
pub fn decode_request(bytes: &[u8]) -> Result<Request, DecodeError> {
    let (command, packet, declared, rest) = head(0xAA, bytes)?;
    let Some((_crc, contents)) = rest.split_last().filter(|(_crc, it)| it.len() == declared) else {
        return Err(DecodeError::Length { declared, len_bytes: bytes.len() });
    };
    checked(bytes, crc8)?;
    Ok(Request { command, packet, contents: contents.to_vec() })
}

/// Decodes a live reply: whole, or the first notification of it, which lacks the checksum.
///
/// # Errors
///
/// Returns [`DecodeError::Framing`] for another start, [`DecodeError::Length`] for a reply to
/// something else, [`DecodeError::Truncated`] and [`DecodeError::Trailing`] for another length, and
/// [`DecodeError::Checksum`].
pub fn decode_live(bytes: &[u8]) -> Result<Live, DecodeError> {
    let (_command, _packet, declared, rest) = head(0x55, bytes)?;
    let len_bytes = bytes.len();
    if declared != 13 {
        return Err(DecodeError::Length { declared, len_bytes });
    }
    match rest.len() {
        13 => live(rest),
        14 => {
            checked(bytes, crc8)?;
            rest.split_last().map_or_else(|| live(rest), |(_crc, contents)| live(contents))
        }
        _another if rest.len() < 13 => Err(DecodeError::Truncated { field: "the end", len_bytes }),
        another => Err(DecodeError::Trailing { n_trailing: another.saturating_sub(14), len_bytes }),
    }
}

fn head(start: u8, bytes: &[u8]) -> Result<(u8, u16, usize, &[u8]), DecodeError> {
    let mut payload = Payload::new(bytes);
    payload.fixed("start byte", start)?;
    let command = payload.byte("command")?;
    payload.fixed("turned command", !command)?;
    let packet = payload.u16_le("packet")?;
    let declared = usize::from(payload.u16_le("length")?);
    Ok((command, packet, declared, payload.rest()))
}

fn live(contents: &[u8]) -> Result<Live, DecodeError> {
    let mut payload = Payload::new(contents);
    let saturation = payload.byte("SpO2")?;
    let pulse = payload.u16_le("pulse rate")?;
    let n_steps = payload.u32_le("steps")?;
    let [battery_percent, charging, motion, perfusion, state, _unused] = payload.array("state")?;
    payload.end()?;
    Ok(Live {
        saturation,
        pulse,
        n_steps,
        battery_percent,
        charging,
        motion,
        perfusion_index: Decimal::new(perfusion.into(), 1),
        state,
    })
}

impl Live {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no oximeter can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        if self.state == 0 {
            return Ok(outcome::report(ReadingKind::Oximetry, Err(NoResult::Absent)));
        }
        outcome::oximetry(Some(self.saturation.into()), Some(self.pulse), BTreeSet::new())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    const LIVE: &str = "5500ff00000d00605d0000000000310000000100";

    fn whole(hex: &str) -> Vec<u8> {
        let mut bytes = bytes(hex);
        bytes.push(crc8(&bytes));
        bytes
    }

    #[test]
    fn a_live_reply_gives_saturation_and_pulse() {
        for bytes in [bytes(LIVE), whole(LIVE)] {
            let live = decode_live(&bytes).unwrap();
            assert_eq!((live.saturation, live.pulse, live.battery_percent), (96, 93, 49));
            assert_eq!(live.report().unwrap().result.unwrap().len(), 2);
        }
    }

    #[test]
    fn a_live_reply_is_cut_or_too_long() {
        for prefix in prefixes(LIVE) {
            assert!(decode_live(&prefix).is_err(), "{prefix:?}");
        }
        let long = [whole(LIVE), vec![0]].concat();
        assert_eq!(decode_live(&long), Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 22 }));
    }

    #[test]
    fn length_and_checksum_are_verified() {
        let mut damaged = whole(LIVE);
        if let Some(saturation) = damaged.get_mut(7) {
            *saturation ^= 1;
        }
        assert!(matches!(decode_live(&damaged), Err(DecodeError::Checksum { .. })));
        let other = decode_live(&bytes("5500ff00000e00605d0000000000310000000100"));
        assert_eq!(other, Err(DecodeError::Length { declared: 14, len_bytes: 20 }));
        let turned = decode_live(&bytes("5500fe00000d00605d0000000000310000000100"));
        assert!(matches!(turned, Err(DecodeError::Framing { .. })));
    }

    #[test]
    fn off_the_finger_there_is_no_value() {
        for hex in
            ["5500ff00000d00605d0000000000310000000000", "5500ff00000d0000000000000000310000000100"]
        {
            let report = decode_live(&whole(hex)).unwrap().report().unwrap();
            assert_eq!(report.result, Err(NoResult::Absent));
        }
    }

    #[test]
    fn requests_are_checked() {
        let request = decode_request(&bytes("aa17e8000000001b")).unwrap();
        assert_eq!((request.command, request.contents), (0x17, Vec::new()));
        for prefix in prefixes("aa17e8000000001b") {
            assert!(decode_request(&prefix).is_err(), "{prefix:?}");
        }
        let damaged = decode_request(&bytes("aa17e8000000001c"));
        assert!(matches!(damaged, Err(DecodeError::Checksum { .. })));
        let long = decode_request(&bytes("aa17e8000000001b00"));
        assert!(matches!(long, Err(DecodeError::Length { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, contents: [u8; 13]) {
            let _request = decode_request(&bytes);
            let _live = decode_live(&bytes);
            let framed = [crate::device::fixture::bytes("5500ff00000d00"), contents.to_vec()].concat();
            let _report = decode_live(&framed).unwrap().report();
        }
    }
}
