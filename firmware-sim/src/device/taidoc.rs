//! `TaiDoc` meters: 19200 8N1, 8 bytes a frame, answers to questions.
//!
//! ```text
//! 51 command d0 d1 d2 d3 direction sum     direction A3 from the host, A5 from the device;
//!                                          the sum is that of the seven bytes before
//! 25 index   time of a record, 0 is the newest:
//!            d0-d1 little-endian: year since 2000 in bits 9-15, month 5-8, day 0-4
//!            d2 minute, and 80 where the record is of a cuff; d3 hour
//! 26 index   values: a cuff's systolic in d0, diastolic in d2, pulse in d3, or a meter's mg/dL in
//!            d0-d1 little-endian
//! 2B         how many records there are, in d0-d1 little-endian
//! ```
//!
//! Over Bluetooth one characteristic takes the questions and gives the answers.

use jiff::civil::DateTime;
use rust_decimal::prelude::ToPrimitive as _;
use uuid::Uuid;

use super::measurement::{MeasureError, Measurement};
use super::number::NotRepresentable;
use crate::gatt::{Characteristic, Content, Service};

const FORMAT: &str = "a TaiDoc meter";

/// What takes questions and gives answers over Bluetooth.
pub(super) const ANSWERS: Uuid = Uuid::from_u128(0x0000_1524_1212_EFDE_1523_785F_EABC_D123);

/// The services of a meter with Bluetooth besides those that every device has.
pub(super) fn services() -> Vec<Service> {
    let uuid = Uuid::from_u128(0x0000_1523_1212_EFDE_1523_785F_EABC_D123);
    let flags = vec!["write", "notify"];
    let answers = Characteristic { uuid: ANSWERS, flags, content: Content::Meter };
    vec![Service { uuid, characteristics: vec![answers] }]
}

/// A record: the four bytes of its time, and of its values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Record {
    time: [u8; 4],
    values: [u8; 4],
}

/// Writes a measurement as the record that is kept of it.
///
/// # Errors
///
/// Fails where the meter cannot measure it, or has no room for the value.
pub(crate) fn record(measurement: &Measurement, clock: DateTime) -> Result<Record, MeasureError> {
    let byte = |value: rust_decimal::Decimal| {
        value
            .to_u8()
            .filter(|_| value.is_integer())
            .ok_or(NotRepresentable { value, format: FORMAT })
    };
    let (is_cuff, values) = match measurement {
        Measurement::BloodPressure(taken) => {
            let values = taken.values.as_ref();
            let pressure = values.map_or(Ok([0; 3]), |it| {
                let pulse = it.pulse_bpm.map_or(Ok(0), byte)?;
                Ok::<_, NotRepresentable>([byte(it.systolic)?, byte(it.diastolic)?, pulse])
            })?;
            let [systolic, diastolic, pulse] = pressure;
            (true, [systolic, 0, diastolic, pulse])
        }
        Measurement::Glucose(taken) => {
            let value = taken.concentration.unwrap_or_default();
            let glucose = value
                .to_u16()
                .filter(|_| value.is_integer())
                .ok_or(NotRepresentable { value, format: FORMAT })?;
            let [low, high] = glucose.to_le_bytes();
            (false, [low, high, 0, 0])
        }
        Measurement::Oximetry(_)
        | Measurement::Weight(_)
        | Measurement::BodyComposition(_)
        | Measurement::Temperature(_)
        | Measurement::HeartRate(_) => {
            let asked = measurement.word();
            return Err(MeasureError::Unsuitable { device: "meter", asked });
        }
    };
    let part = |value: i8| u16::try_from(value).unwrap_or(0);
    let year = u16::try_from(clock.year() - 2000).unwrap_or(0);
    let date = year << 9 | part(clock.month()) << 5 | part(clock.day());
    let [low, high] = date.to_le_bytes();
    let minute = u8::try_from(clock.minute()).unwrap_or(0) | if is_cuff { 0x80 } else { 0 };
    let hour = u8::try_from(clock.hour()).unwrap_or(0);
    Ok(Record { time: [low, high, minute, hour], values })
}

/// Answers a question about what is kept, newest first; none where it is no question.
pub(crate) fn answer(question: &[u8], records: &[Record]) -> Option<Vec<u8>> {
    let [0x51, command, low, high, _, _, 0xA3, sum] = *question else { return None };
    let (summed, _sum) = question.split_at(7);
    if summed.iter().copied().fold(0, u8::wrapping_add) != sum {
        return None;
    }
    let record = records.get(usize::from(u16::from_le_bytes([low, high])));
    let said = match command {
        0x25 => record.map_or([0; 4], |it| it.time),
        0x26 => record.map_or([0; 4], |it| it.values),
        0x2B => {
            let [low, high] = u16::try_from(records.len()).unwrap_or(u16::MAX).to_le_bytes();
            [low, high, 0, 0]
        }
        _ => return None,
    };
    let mut frame = vec![0x51, command];
    frame.extend(said);
    frame.push(0xA5);
    frame.push(frame.iter().copied().fold(0, u8::wrapping_add));
    Some(frame)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn asked(hex: &str, records: &[Record]) -> Option<String> {
        answer(&hex::decode(hex).unwrap(), records).map(hex::encode)
    }

    #[test]
    fn records_are_answered_newest_first() {
        let clock = date(2019, 1, 1).at(21, 14, 0, 0);
        let pressure = record(&Measurement::blood_pressure(131, 82, 70), clock).unwrap();
        assert_eq!(asked("512500000000a319", &[pressure]).unwrap(), "512521268e15a505");
        assert_eq!(asked("512600000000a31a", &[pressure]).unwrap(), "512683005246a537");
        assert_eq!(asked("512b00000000a31f", &[pressure]).unwrap(), "512b01000000a522");
    }

    #[test]
    fn a_place_without_a_record_is_empty_and_a_wrong_sum_is_not_answered() {
        assert_eq!(asked("512503000000a31c", &[]).unwrap(), "512500000000a51b");
        assert_eq!(asked("512503000000a31d", &[]), None);
        assert_eq!(asked("512500000000a519", &[]), None);
    }
}
