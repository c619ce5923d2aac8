//! `TaiDoc` and Fora meters: frames of 8 bytes, 19200 baud 8N1, or characteristic 1524 of theirs.
//!
//! ```text
//! offset  field
//! 0       0x51
//! 1       command     0x22 or 0x54 begin       0x23 ask time        0x33 set time
//!                     0x24 model               0x25 time of record  0x26 values of record
//!                     0x27, 0x28 serial        0x2B count           0x43 start a cuff
//!                     0x49 live SpO2           0x50 switch off      0x52 forget all
//!                     0x71, 0x77 weight
//! 2-5     four bytes that depend on the command
//! 6       direction   0xA3 from the host, 0xA5 from the device
//! 7       checksum    sum of the seven bytes before
//!
//! time, two bytes little-endian and two more
//! 0-1     bits 9-15: year since 2000, bits 5-8: month, bits 0-4: day
//! 2       bit 7: the record is of a cuff, bits 0-5: minute
//! 3       bits 0-4: hour
//!
//! values of a cuff                    values of a glucose meter
//! 0-1     systolic, mmHg              0-1     glucose, mg/dL, little-endian
//! 2       diastolic, mmHg             3       0x40 before a meal, 0x80 after one
//! 3       pulse rate, /min
//! ```

use std::collections::VecDeque;

use rust_decimal::Decimal;
use vitals::{DeviceKind, DeviceTime, ReadingKind, Unit, Vital};

use super::error::DecodeError;
use super::measurement::measurement;
use super::outcome;
use super::payload::{checked, sum, whole};
use super::report::{NoResult, Report};

/// Length of a frame in bytes.
pub const FRAME_LEN_BYTES: usize = 8;

/// Records that are remembered, so that one that is asked for again is not told again.
const N_REMEMBERED: usize = 16;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The host.
    Host,
    /// The device.
    Device,
}

impl Direction {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Device => "device",
        }
    }
}

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// The command.
    pub command: u8,
    /// What goes with it.
    pub parameters: [u8; 4],
    /// Who speaks.
    pub direction: Direction,
}

/// What a time says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// Wall clock of the device; it has no seconds.
    pub device_time: DeviceTime,
    /// Whether the record is of a cuff, on meters that have both.
    pub is_cuff: bool,
}

/// What a reply means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// A time, of the clock or of a record.
    Time(Time),
    /// The values of a record; which ones depends on the model.
    Values([u8; 4]),
    /// Model number in its four digits.
    Model([u8; 2]),
    /// How many records there are.
    Count(u16),
}

/// Decodes one frame.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are eight bytes,
/// [`DecodeError::Framing`] for another start or direction, and [`DecodeError::Checksum`].
pub fn decode(bytes: &[u8]) -> Result<Frame, DecodeError> {
    let [start, command, parameters @ .., direction, _sum] = whole::<8>("the end", bytes)?;
    if start != 0x51 {
        return Err(DecodeError::Framing { field: "start byte", value: start });
    }
    checked(bytes, sum)?;
    let direction = match direction {
        0xA3 => Direction::Host,
        0xA5 => Direction::Device,
        value => return Err(DecodeError::Framing { field: "direction", value }),
    };
    Ok(Frame { command, parameters, direction })
}

/// Decodes the four bytes of a time.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] unless there are four bytes, and
/// [`DecodeError::OutOfRange`] for a part that no clock can show.
pub fn decode_time(bytes: &[u8]) -> Result<Time, DecodeError> {
    time(whole("time", bytes)?)
}

fn time([low, high, minute, hour]: [u8; 4]) -> Result<Time, DecodeError> {
    let date = u16::from_le_bytes([low, high]);
    let [_high, day] = (date & 0x1F).to_be_bytes();
    let [_high, month] = (date >> 5 & 0x0F).to_be_bytes();
    let is_cuff = minute & 0x80 != 0;
    let (minute, hour) = (minute & 0x3F, hour & 0x1F);
    let limit = |field, value: u8, highest| {
        let refused = DecodeError::OutOfRange { field, value: Decimal::from(value) };
        if value <= highest { Ok(()) } else { Err(refused) }
    };
    limit("month", month, 12)?;
    limit("minute", minute, 59)?;
    limit("hour", hour, 23)?;
    let year = (date >> 9).saturating_add(2000);
    Ok(Time { device_time: DeviceTime { year, month, day, hour, minute, second: 0 }, is_cuff })
}

impl Frame {
    /// What it means, if it is a reply that can be read without knowing the model.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for a time that no clock can show.
    pub fn reply(&self) -> Result<Option<Reply>, DecodeError> {
        let [low, high, _, _] = self.parameters;
        match (self.direction, self.command) {
            (Direction::Device, 0x23 | 0x25) => time(self.parameters).map(Reply::Time).map(Some),
            (Direction::Device, 0x24) => Ok(Some(Reply::Model([high, low]))),
            (Direction::Device, 0x26) => Ok(Some(Reply::Values(self.parameters))),
            (Direction::Device, 0x2B) => Ok(Some(Reply::Count(u16::from_le_bytes([low, high])))),
            (Direction::Device | Direction::Host, _other) => Ok(None),
        }
    }
}

/// Puts records together out of the replies of a meter: its time, and then its values.
#[derive(Debug)]
pub(crate) struct Records {
    kind: DeviceKind,
    /// A time whose values have not come, or why it is none, with its frame.
    time: Option<(Result<Time, DecodeError>, Vec<u8>)>,
    told: VecDeque<Vec<u8>>,
}

/// A record as it came, and what it says.
pub(crate) type Record = (Vec<u8>, Result<Report, DecodeError>);

impl Records {
    pub(crate) const fn new(kind: DeviceKind) -> Self {
        Self { kind, time: None, told: VecDeque::new() }
    }

    /// Takes the next frame; gives a record where one is whole and was not given before.
    pub(crate) fn push(&mut self, raw: &[u8]) -> Option<Record> {
        let reply = decode(raw).map(|frame| (frame.command, frame.reply()));
        match reply {
            Ok((0x25, Ok(Some(Reply::Time(time))))) => {
                self.time = Some((Ok(time), raw.to_vec()));
                None
            }
            // The values of the record come next, and are kept with it.
            Ok((0x25, Err(error))) => {
                self.time = Some((Err(error), raw.to_vec()));
                None
            }
            Ok((_command, Ok(Some(Reply::Values(values))))) => {
                // Values without a time belong to nobody knows which record.
                let (time, mut whole) = self.time.take()?;
                whole.extend_from_slice(raw);
                if self.told.contains(&whole) {
                    return None;
                }
                self.told.truncate(N_REMEMBERED.saturating_sub(1));
                self.told.push_front(whole.clone());
                Some((whole, time.and_then(|time| report(self.kind, time, values))))
            }
            Ok((_command, Ok(Some(Reply::Time(_) | Reply::Model(_) | Reply::Count(_)) | None))) => {
                None
            }
            Ok((_, Err(error))) | Err(error) => {
                self.time = None;
                Some((raw.to_vec(), Err(error)))
            }
        }
    }
}

/// What a record says; a place without a record says nothing.
fn report(kind: DeviceKind, time: Time, values: [u8; 4]) -> Result<Report, DecodeError> {
    let [low, high, diastolic, pulse] = values;
    let first = u16::from_le_bytes([low, high]);
    let is_cuff = time.is_cuff || kind == DeviceKind::BloodPressureMonitor;
    let (kind, values) = match (first, is_cuff) {
        (0, true) => (ReadingKind::BloodPressure, Err(NoResult::Absent)),
        (0, false) => (ReadingKind::Glucose, Err(NoResult::Absent)),
        (systolic, true) => {
            let pulse = Some(pulse.into());
            let values = outcome::pressures(systolic, diastolic.into(), None, pulse)?;
            (ReadingKind::BloodPressure, Ok(values))
        }
        (glucose, false) => {
            let unit = Unit::MilligramPerDecilitre;
            let value = measurement(Vital::Glucose, glucose.into(), unit)?;
            (ReadingKind::Glucose, Ok(vec![value]))
        }
    };
    let device_time = Some(time.device_time);
    Ok(Report { device_time, ..outcome::report(kind, values) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};

    #[track_caller]
    fn check_time(hex: &str, expected: &str) {
        let time = decode_time(&bytes(hex)).unwrap();
        assert_eq!(time.device_time.to_string(), expected);
    }

    #[test]
    fn a_frame_is_eight_bytes() {
        for prefix in prefixes("512200000000a316") {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:?}");
        }
        assert!(matches!(decode(&bytes("512200000000a31600")), Err(DecodeError::Trailing { .. })));
    }

    #[test]
    fn a_frame_is_checked() {
        let frame = decode(&bytes("512200000000a316")).unwrap();
        assert_eq!((frame.command, frame.direction), (0x22, Direction::Host));
        let bad_sum = DecodeError::Checksum { found: 0x17, computed: 0x16 };
        assert_eq!(decode(&bytes("512200000000a317")), Err(bad_sum));
        assert!(matches!(decode(&bytes("522200000000a317")), Err(DecodeError::Framing { .. })));
        assert!(matches!(decode(&bytes("512200000000a417")), Err(DecodeError::Framing { .. })));
    }

    #[test]
    fn a_time_is_packed_into_four_bytes() {
        check_time("21260e15", "2019-01-01T21:14:00");
        check_time("0427250d", "2019-08-04T13:37:00");
        assert!(decode_time(&bytes("21268e15")).unwrap().is_cuff);
    }

    #[test]
    fn a_time_is_cut_or_impossible() {
        for prefix in prefixes("21260e15") {
            assert!(matches!(decode_time(&prefix), Err(DecodeError::Truncated { .. })));
        }
        for hex in ["a1270e15", "21263c15", "21260e18"] {
            let refused = decode_time(&bytes(hex));
            assert!(matches!(refused, Err(DecodeError::OutOfRange { .. })), "{hex}");
        }
        check_time("00000000", "2000-00-00T00:00:00");
    }

    #[test]
    fn replies_have_their_meaning() {
        let reply = |command, parameters| {
            Frame { command, parameters, direction: Direction::Device }.reply().unwrap()
        };
        assert_eq!(reply(0x2B, [0x05, 0x01, 0, 0]), Some(Reply::Count(0x0105)));
        assert_eq!(reply(0x24, [0x72, 0x42, 0, 0]), Some(Reply::Model([0x42, 0x72])));
        assert_eq!(reply(0x26, [110, 0, 0, 0x40]), Some(Reply::Values([110, 0, 0, 0x40])));
        assert_eq!(reply(0x52, [0; 4]), None);
        let asked = Frame { command: 0x25, parameters: [0xFF; 4], direction: Direction::Host };
        assert_eq!(asked.reply(), Ok(None));
    }

    fn pushed(kind: DeviceKind, frames: &[&str]) -> Vec<Result<Report, DecodeError>> {
        let mut records = Records::new(kind);
        let whole = frames.iter().filter_map(|it| records.push(&bytes(it)));
        whole.map(|(_raw, report)| report).collect()
    }

    fn values(report: &Report) -> Vec<String> {
        report.result.as_ref().unwrap().iter().map(|it| it.quantity.to_string()).collect()
    }

    #[test]
    fn a_record_is_its_time_and_its_values_and_is_told_once() {
        let (time, pressure) = ("512521268e15a505", "512683005246a537");
        let kind = DeviceKind::BloodPressureMonitor;
        let told = pushed(kind, &[time, pressure, time, pressure]);
        let [Ok(report)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(values(report), ["131 mmHg", "82 mmHg", "70 /min"]);
        assert_eq!(report.device_time.unwrap().to_string(), "2019-01-01T21:14:00");
        assert_eq!(pushed(kind, &[pressure]), [], "nobody knows of when");
    }

    #[test]
    fn a_meter_says_glucose_unless_the_record_is_of_a_cuff() {
        let kind = DeviceKind::GlucoseMeter;
        let told = pushed(kind, &["512521260e15a585", "51266e000040a5ca"]);
        assert_eq!(told.iter().flatten().flat_map(values).collect::<Vec<_>>(), ["110 mg/dL"]);
        let told = pushed(kind, &["512521268e15a505", "512683005246a537"]);
        let kinds: Vec<_> = told.iter().flatten().map(|it| it.kind).collect();
        assert_eq!(kinds, [ReadingKind::BloodPressure]);
    }

    #[test]
    fn a_record_of_an_impossible_time_is_refused_with_its_values() {
        let mut records = Records::new(DeviceKind::BloodPressureMonitor);
        assert_eq!(records.push(&bytes("5125ffffffffa517")), None);
        let (raw, refused) = records.push(&bytes("512683005246a537")).unwrap();
        assert_eq!(raw, bytes("5125ffffffffa517512683005246a537"));
        assert!(matches!(refused, Err(DecodeError::OutOfRange { .. })), "{refused:?}");
    }

    #[test]
    fn a_place_without_a_record_says_nothing() {
        let told = pushed(DeviceKind::GlucoseMeter, &["512500000000a51b", "512600000000a51c"]);
        let [Ok(report)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(report.result, Err(NoResult::Absent));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, frame: [u8; 8]) {
            let _frame = decode(&bytes);
            let _time = decode_time(&bytes);
            let [_, rest @ .., _] = frame;
            let [command, parameters @ .., _] = rest;
            let _record = Records::new(DeviceKind::GlucoseMeter).push(&bytes);
            let _reply = Frame { command, parameters, direction: Direction::Device }.reply();
        }
    }
}
