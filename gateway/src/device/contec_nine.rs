//! Contec CMS50D+ (new firmware), CMS50E and CMS50F: packets of up to 9 bytes, 115200 baud 8N1.
//!
//! ```text
//! offset  field
//! 0       type       bit 7: always clear, here alone
//! 1       high bits  bit i is bit 7 of byte i of the rest
//! 2..     the rest, each byte with bit 7 set and without its own bit 7
//!
//! type 0x01, live, 7 bytes more
//! 0       bit 7: probe error, bit 6: beep, bit 5: SpO2 is falling, bit 4: searching for too long,
//!         bits 0-3: strength of the signal
//! 1       bit 7: searching, bits 0-6: pleth
//! 2       bit 4: it has a perfusion index, bits 0-3: bar
//! 3       pulse rate; 255 is none
//! 4       SpO2; 127 is none
//! 5-6     perfusion index, 0.01 %, little-endian; 0xFFFF is none
//!
//! type 0x0F, memory, 6 bytes more: three times SpO2 and pulse rate
//!
//! type 0x7D, what the host says, 7 bytes more, the first of them the command
//! ```

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use vitals::Flag;

use super::error::DecodeError;
use super::frames::{Front, fixed, run};
use super::outcome;
use super::payload::Payload;
use super::report::{NoResult, Report};

/// Length of a live packet in bytes.
pub const LIVE_LEN_BYTES: usize = 9;
/// Type of a live packet.
pub const LIVE: u8 = 0x01;
const MEMORY: u8 = 0x0F;
const COMMAND: u8 = 0x7D;

/// A live packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// Strength of the signal, 0 to 15.
    pub signal: u8,
    /// Whether it has looked for a pulse for too long.
    pub is_search_long: bool,
    /// Whether the saturation is falling.
    pub is_falling: bool,
    /// Whether a pulse is heard now.
    pub is_beep: bool,
    /// Whether the probe is off or without a finger.
    pub is_probe_error: bool,
    /// Pulse wave, 0 to 127.
    pub pleth: u8,
    /// Whether it looks for a pulse.
    pub is_searching: bool,
    /// Bar of the pulse, 0 to 15.
    pub bar: u8,
    /// Pulse rate per minute; `None` where it is missing.
    pub pulse: Option<u8>,
    /// SpO2 in percent; `None` where it is missing.
    pub saturation: Option<u8>,
    /// Perfusion index in percent; `None` where it is missing.
    pub perfusion_index: Option<Decimal>,
}

/// One second of the memory; `None` where a value is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// SpO2 in percent; 0 fills the last packet.
    pub saturation: Option<u8>,
    /// Pulse rate per minute; 0 fills the last packet.
    pub pulse: Option<u8>,
}

/// What the host says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    /// The command as it is sent, with bit 7.
    pub code: u8,
    /// The bytes after it.
    pub rest: [u8; 6],
}

/// Decodes a live packet.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are nine bytes, and
/// [`DecodeError::Framing`] for another type or a bit 7 out of its place.
pub fn decode(bytes: &[u8]) -> Result<Live, DecodeError> {
    let [first, pleth, bar, pulse, saturation, perfusion @ ..] = unpacked::<7>(LIVE, bytes)?;
    let perfusion = u16::from_le_bytes(perfusion);
    Ok(Live {
        signal: first & 0x0F,
        is_search_long: first & 0x10 != 0,
        is_falling: first & 0x20 != 0,
        is_beep: first & 0x40 != 0,
        is_probe_error: first & 0x80 != 0,
        pleth: pleth & 0x7F,
        is_searching: pleth & 0x80 != 0,
        bar: bar & 0x0F,
        pulse: given(pulse, 0xFF),
        saturation: given(saturation, 0x7F),
        perfusion_index: (perfusion != 0xFFFF).then(|| Decimal::new(perfusion.into(), 2)),
    })
}

/// Decodes a packet of the memory.
///
/// # Errors
///
/// As [`decode`], for eight bytes.
pub fn decode_memory(bytes: &[u8]) -> Result<[Stored; 3], DecodeError> {
    let [spo2_0, pulse_0, spo2_1, pulse_1, spo2_2, pulse_2] = unpacked::<6>(MEMORY, bytes)?;
    Ok([(spo2_0, pulse_0), (spo2_1, pulse_1), (spo2_2, pulse_2)].map(|(saturation, pulse)| {
        Stored { saturation: given(saturation, 0x7F), pulse: given(pulse, 0xFF) }
    }))
}

/// Decodes a command of the host.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_command(bytes: &[u8]) -> Result<Command, DecodeError> {
    let [code, rest @ ..] = unpacked::<7>(COMMAND, bytes)?;
    Ok(Command { code, rest })
}

/// Looks for a live packet in a stream.
pub(crate) fn look(window: &[u8]) -> Front {
    fixed(window, LIVE_LEN_BYTES, decode)
}

/// Where so many packets in a row begin that they are no noise of a line at another speed.
pub(crate) fn heard(bytes: &[u8]) -> Option<usize> {
    run(look, bytes)
}

fn given(value: u8, none: u8) -> Option<u8> {
    (value != none).then_some(value)
}

/// The `N` bytes after the high bits, with their own bits 7.
fn unpacked<const N: usize>(kind: u8, bytes: &[u8]) -> Result<[u8; N], DecodeError> {
    let mut payload = Payload::new(bytes);
    payload.fixed("type", kind)?;
    let high = payload.byte("high bits")?;
    let mut unpacked = payload.array::<N>("the end")?;
    payload.end()?;
    if high & 0x80 == 0 {
        return Err(DecodeError::Framing { field: "high bits", value: high });
    }
    let mut high = high;
    for byte in &mut unpacked {
        if *byte & 0x80 == 0 {
            return Err(DecodeError::Framing { field: "byte", value: *byte });
        }
        *byte = *byte & 0x7F | high << 7;
        high >>= 1;
    }
    Ok(unpacked)
}

impl Live {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no oximeter can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let is_poor = self.is_searching || self.is_search_long;
        let flags = BTreeSet::from_iter(is_poor.then_some(Flag::PoorSignal));
        let (saturation, pulse) = (self.saturation.map(u16::from), self.pulse.map(u16::from));
        let report = outcome::oximetry(saturation, pulse, flags)?;
        if self.is_probe_error {
            return Ok(Report { result: Err(NoResult::Absent), ..report });
        }
        Ok(report)
    }
}

impl Command {
    /// What it asks for, where that is known.
    #[must_use]
    pub const fn meaning(&self) -> Option<&'static str> {
        Some(match self.code {
            0xA1 => "start realtime",
            0xA2 => "stop realtime",
            0xA6 => "request memory",
            0xA7 => "continue or stop memory",
            0xA8 => "ask model",
            0xA9 => "ask vendor",
            0xAA => "ask identifiers",
            0xAF => "keep alive",
            0xB0 => "ask time",
            _unknown => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    #[track_caller]
    fn check(hex: &str, values: &[&str]) {
        let report = decode(&bytes(hex)).unwrap().report().unwrap();
        let given = report.result.unwrap_or_default();
        let given: Vec<_> = given.iter().map(|it| it.quantity.to_string()).collect();
        assert_eq!(given, values, "{hex}");
    }

    #[test]
    fn a_live_packet_is_nine_bytes() {
        for prefix in prefixes("01e085b396c1e1ffff") {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:?}");
        }
        let long = decode(&bytes("01e085b396c1e1ffff80"));
        assert!(matches!(long, Err(DecodeError::Trailing { .. })));
    }

    #[test]
    fn a_live_packet_gives_saturation_and_pulse() {
        check("01e085b396c1e1ffff", &["97 %", "65 /min"]);
    }

    #[test]
    fn high_bits_come_from_their_own_byte() {
        check("018885b39682e18080", &["97 %", "130 /min"]);
        let live = decode(&bytes("01a085b396c1e1ac82")).unwrap();
        assert_eq!(live.perfusion_index, Some(Decimal::new(0x02AC, 2)));
    }

    #[test]
    fn missing_values_are_no_numbers() {
        check("01e885b396ffffffff", &[]);
        check("01e885b396ffe1ffff", &["97 %"]);
        check("01e184c0908080ffff", &[]);
        assert_eq!(decode(&bytes("01e085b396c1e1ffff")).unwrap().perfusion_index, None);
    }

    #[test]
    fn bit_7_is_clear_in_the_first_byte_alone() {
        for hex in ["81e085b396c1e1ffff", "016085b396c1e1ffff", "01e085b396c161ffff"] {
            assert!(matches!(decode(&bytes(hex)), Err(DecodeError::Framing { .. })), "{hex}");
        }
    }

    #[test]
    fn memory_comes_three_seconds_a_packet() {
        let stored = decode_memory(&bytes("0f80e2c6e2c6ffff")).unwrap();
        let second = Stored { saturation: Some(98), pulse: Some(70) };
        let last = Stored { saturation: None, pulse: Some(127) };
        assert_eq!(stored, [second, second, last]);
        assert!(decode_memory(&bytes("0f80e2c6e2c6e2")).is_err());
    }

    #[test]
    fn commands_have_their_meaning() {
        let meaning = |hex| decode_command(&bytes(hex)).unwrap().meaning();
        assert_eq!(meaning("7d81a1808080808080"), Some("start realtime"));
        assert_eq!(meaning("7d81ff808080808080"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            if let Ok(live) = decode(&bytes) {
                let _report = live.report();
            }
            let _memory = decode_memory(&bytes);
            let _command = decode_command(&bytes);
        }
    }
}
