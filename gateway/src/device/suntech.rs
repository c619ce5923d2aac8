//! `SunTech` Advantage and Tango+ NIBP modules: commands and replies, 9600 baud 8N1.
//!
//! ```text
//! the host                                  the module
//! 0     0x3A                                0     0x3E
//! 1     command                             1     length of the whole reply
//! 2..   what goes with it                   2..   what it says
//! last  checksum                            last  checksum
//!
//! checksum: all bytes together give 0
//!
//! what a module says
//! 1 byte    a code, 0x4B for done
//! 2 bytes   pressure in the cuff, mmHg, little-endian
//! 21 bytes  0-1    systolic, mmHg, little-endian
//!           2-3    diastolic, mmHg, little-endian
//!           4      beats that were counted
//!           5      status
//!           6-13   test codes
//!           14     heart rate, /min
//!           15     not used
//!           16-17  mean, mmHg, little-endian
//!           18     error, 0 for none
//!           19-20  not used
//! ```

use vitals::ReadingKind;

use super::error::DecodeError;
use super::frames::{Front, fixed};
use super::item::FailureReason;
use super::outcome;
use super::payload::{Payload, checked, sum};
use super::report::{NoResult, Report};

/// The first byte of a reply.
pub const REPLY_START: u8 = 0x3E;
const COMMAND_START: u8 = 0x3A;
/// Lengths of the replies that are known, in bytes.
pub const REPLY_LENS_BYTES: [usize; 3] = [4, 5, 24];

/// What a module says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It has understood, or it is done.
    Acknowledged(u8),
    /// Present pressure in the cuff, mmHg.
    CuffPressure(u16),
    /// The last measurement.
    Result(Cuff),
    /// Anything else.
    Other(Vec<u8>),
}

/// The last measurement; pressures in mmHg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cuff {
    /// Systolic pressure.
    pub systolic: u16,
    /// Diastolic pressure.
    pub diastolic: u16,
    /// Beats that were counted.
    pub n_beats: u8,
    /// Status as it came.
    pub status: u8,
    /// Heart rate per minute.
    pub heart_rate: u8,
    /// Mean arterial pressure.
    pub mean: u16,
    /// Why there is no result; 0 where there is one.
    pub error: u8,
}

/// What the host asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The command.
    pub code: u8,
    /// What goes with it.
    pub parameters: Vec<u8>,
}

/// Decodes a reply.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] for fewer than four bytes, [`DecodeError::Framing`] for another
/// start, [`DecodeError::Length`] if it has another length than it says, and
/// [`DecodeError::Checksum`].
pub fn decode(bytes: &[u8]) -> Result<Reply, DecodeError> {
    let mut payload = Payload::new(bytes);
    payload.fixed("start byte", REPLY_START)?;
    let declared = usize::from(payload.byte("length")?);
    let len_bytes = bytes.len();
    if declared != len_bytes || len_bytes < 4 {
        return Err(DecodeError::Length { declared, len_bytes });
    }
    checked(bytes, complement)?;
    match payload.rest() {
        [code, _sum] => Ok(Reply::Acknowledged(*code)),
        [low, high, _sum] => Ok(Reply::CuffPressure(u16::from_le_bytes([*low, *high]))),
        rest if rest.len() == 22 => cuff(payload).map(Reply::Result),
        [rest @ .., _sum] => Ok(Reply::Other(rest.to_vec())),
        [] => Err(DecodeError::Truncated { field: "code", len_bytes }),
    }
}

fn cuff(mut payload: Payload<'_>) -> Result<Cuff, DecodeError> {
    let systolic = payload.u16_le("systolic")?;
    let diastolic = payload.u16_le("diastolic")?;
    let n_beats = payload.byte("beats")?;
    let status = payload.byte("status")?;
    let _test_codes = payload.array::<8>("test codes")?;
    let heart_rate = payload.byte("heart rate")?;
    let _spare = payload.byte("spare")?;
    let mean = payload.u16_le("mean")?;
    let error = payload.byte("error")?;
    Ok(Cuff { systolic, diastolic, n_beats, status, heart_rate, mean, error })
}

/// Looks for a reply of a known length in a stream.
pub(crate) fn look(window: &[u8]) -> Front {
    match window {
        [REPLY_START] | [] => Front::Part,
        [REPLY_START, declared, ..] => {
            let declared = usize::from(*declared);
            if REPLY_LENS_BYTES.contains(&declared) {
                return fixed(window, declared, decode);
            }
            Front::None(DecodeError::Length { declared, len_bytes: window.len() })
        }
        [value, ..] => Front::None(DecodeError::Framing { field: "start byte", value: *value }),
    }
}

/// Decodes a command of the host.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] for fewer than three bytes, [`DecodeError::Framing`] for another
/// start, and [`DecodeError::Checksum`].
pub fn decode_command(bytes: &[u8]) -> Result<Command, DecodeError> {
    let mut payload = Payload::new(bytes);
    payload.fixed("start byte", COMMAND_START)?;
    let code = payload.byte("command")?;
    if payload.is_empty() {
        return Err(DecodeError::Truncated { field: "checksum", len_bytes: bytes.len() });
    }
    let parameters = checked(bytes, complement)?.iter().skip(2).copied().collect();
    Ok(Command { code, parameters })
}

/// What makes the sum of all bytes 0.
fn complement(bytes: &[u8]) -> u8 {
    sum(bytes).wrapping_neg()
}

impl Reply {
    /// What it says about the measurement: nothing, unless it is a result.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no cuff can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        match self {
            Self::Result(cuff) => cuff.report(),
            Self::Acknowledged(_) | Self::CuffPressure(_) | Self::Other(_) => {
                Ok(outcome::report(ReadingKind::BloodPressure, Err(NoResult::Absent)))
            }
        }
    }
}

impl Cuff {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no cuff can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        if self.error != 0 {
            let failed = NoResult::Failed(vec![FailureReason::NoValue]);
            return Ok(outcome::report(ReadingKind::BloodPressure, Err(failed)));
        }
        if self.systolic == 0 && self.diastolic == 0 {
            return Ok(outcome::report(ReadingKind::BloodPressure, Err(NoResult::Absent)));
        }
        let pulse = Some(u16::from(self.heart_rate));
        let values = outcome::pressures(self.systolic, self.diastolic, Some(self.mean), pulse)?;
        Ok(outcome::report(ReadingKind::BloodPressure, Ok(values)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    /// A result of 121/79, mean 93, pulse 68.
    fn result(error: u8) -> Vec<u8> {
        let mut bytes = bytes("3e1879004f001e00000000000000000044005d00");
        bytes.extend([error, 0, 0]);
        bytes.push(complement(&bytes));
        bytes
    }

    fn cuff(bytes: &[u8]) -> Cuff {
        let Ok(Reply::Result(cuff)) = decode(bytes) else { panic!("{bytes:?}") };
        cuff
    }

    #[test]
    fn a_reply_is_cut() {
        for prefix in (0..24).map(|len| result(0).into_iter().take(len).collect::<Vec<_>>()) {
            assert!(decode(&prefix).is_err(), "{prefix:?}");
        }
        for prefix in prefixes("3e044b73") {
            assert!(decode(&prefix).is_err(), "{prefix:?}");
        }
    }

    #[test]
    fn short_replies_are_codes_and_pressures() {
        assert_eq!(decode(&bytes("3e044b73")), Ok(Reply::Acknowledged(0x4B)));
        assert_eq!(decode(&bytes("3e050201ba")), Ok(Reply::CuffPressure(258)));
        assert_eq!(decode(&bytes("3e06010203b6")), Ok(Reply::Other(vec![1, 2, 3])));
    }

    #[test]
    fn length_and_checksum_are_verified() {
        let wrong = DecodeError::Length { declared: 0, len_bytes: 5 };
        assert_eq!(decode(&bytes("3e000201ba")), Err(wrong));
        let bad = DecodeError::Checksum { found: 0xB1, computed: 0xBA };
        assert_eq!(decode(&bytes("3e050201b1")), Err(bad));
        assert!(matches!(decode(&bytes("3f050201b9")), Err(DecodeError::Framing { .. })));
        assert!(matches!(decode(&bytes("3e050201ba00")), Err(DecodeError::Length { .. })));
    }

    #[test]
    fn a_result_is_a_measurement() {
        let report = cuff(&result(0)).report().unwrap();
        let values = report.result.unwrap();
        let values: Vec<_> = values.iter().map(|it| it.quantity.to_string()).collect();
        assert_eq!(values, ["121 mmHg", "79 mmHg", "93 mmHg", "68 /min"]);
    }

    #[test]
    fn an_error_is_a_failure_and_never_a_number() {
        let report = cuff(&result(3)).report().unwrap();
        assert_eq!(report.result, Err(NoResult::Failed(vec![FailureReason::NoValue])));
        let none = Cuff { systolic: 0, diastolic: 0, ..cuff(&result(0)) };
        assert_eq!(none.report().unwrap().result, Err(NoResult::Absent));
        let absurd = Cuff { systolic: 600, ..cuff(&result(0)) };
        assert!(matches!(absurd.report(), Err(DecodeError::OutOfRange { .. })));
    }

    #[test]
    fn commands_are_checked() {
        let command = decode_command(&bytes("3a0c000101b8")).unwrap();
        assert_eq!((command.code, command.parameters), (0x0C, vec![0, 1, 1]));
        assert_eq!(decode_command(&bytes("3a20a6")).map(|it| it.code), Ok(0x20));
        assert!(matches!(decode_command(&bytes("3a20a7")), Err(DecodeError::Checksum { .. })));
        for prefix in prefixes("3a20a6") {
            assert!(decode_command(&prefix).is_err(), "{prefix:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, contents: Vec<u8>) {
            let _reply = decode(&bytes);
            let _command = decode_command(&bytes);
            let len = u8::try_from(contents.len()).unwrap_or(0).wrapping_add(3);
            let mut framed = [vec![REPLY_START, len], contents].concat();
            framed.push(complement(&framed));
            if let Ok(Reply::Result(cuff)) = decode(&framed) {
                let _report = cuff.report();
            }
        }
    }
}
