//! Blood-pressure cuffs on serial lines.
//!
//! ```text
//! omron-hbp-9030  YYYY,MM,DD,HH,mm,ID (20),error,SYS,DIA,PR,movement CR LF
//!                 values in three characters, blanks after an error
//! suntech         3E 04 4B 73, and 3E 18 and 21 bytes: systolic, diastolic (2 bytes each), beats,
//!                 status, 8 test codes, heart rate, 0, mean (2 bytes), error, 0, 0; and what makes
//!                 the sum of all bytes 0
//! ```

use std::time::Duration;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::blood_pressure::{BODY_MOVEMENT, BloodPressure};
use super::kind::Record;
use super::number::NotRepresentable;

/// How long a cuff takes.
const MEASURING: Duration = Duration::from_secs(30);
/// Error that a failed measurement says.
const ERROR: u8 = 2;

/// How a cuff on a serial line writes a measurement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CuffLine {
    /// Omron HBP-9030, a line of text.
    OmronHbp9030,
    /// A `SunTech` module that was asked for its result.
    SunTech,
}

/// Writes one measurement.
pub(super) fn records(
    line: CuffLine,
    taken: &BloodPressure,
    clock: DateTime,
) -> Result<Vec<Record>, NotRepresentable> {
    let numbers = taken
        .values
        .map(|it| {
            let mean = it.mean.unwrap_or(Decimal::ZERO);
            let pulse = it.pulse_bpm.unwrap_or(Decimal::ZERO);
            Ok([
                whole(it.systolic, 300)?,
                whole(it.diastolic, 300)?,
                whole(mean, 300)?,
                whole(pulse, 255)?,
            ])
        })
        .transpose()?;
    Ok(match line {
        CuffLine::OmronHbp9030 => {
            let is_moved = taken.status & BODY_MOVEMENT != 0;
            let text = omron(numbers, is_moved, clock.saturating_add(MEASURING));
            vec![Record::sent(text.into_bytes(), MEASURING)]
        }
        CuffLine::SunTech => {
            let done = Record::sent(vec![0x3E, 0x04, 0x4B, 0x73], MEASURING);
            vec![done, Record::sent(suntech(numbers), MEASURING)]
        }
    })
}

fn whole(value: Decimal, most: u16) -> Result<u16, NotRepresentable> {
    value
        .to_u16()
        .filter(|whole| *whole <= most && value.is_integer())
        .ok_or(NotRepresentable { value, format: "a serial cuff" })
}

fn omron(numbers: Option<[u16; 4]>, is_moved: bool, shown: DateTime) -> String {
    let (year, month, day) = (shown.year(), shown.month(), shown.day());
    let (hour, minute) = (shown.hour(), shown.minute());
    let values = numbers.map_or_else(
        || format!("{ERROR},   ,   ,   "),
        |[systolic, diastolic, _mean, pulse]| format!("0,{systolic:>3},{diastolic:>3},{pulse:>3}"),
    );
    let moved = u8::from(is_moved);
    format!("{year:04},{month:02},{day:02},{hour:02},{minute:02},{:>20},{values},{moved}\r\n", "")
}

fn suntech(numbers: Option<[u16; 4]>) -> Vec<u8> {
    let [systolic, diastolic, mean, pulse] = numbers.unwrap_or_default();
    let error = if numbers.is_some() { 0 } else { ERROR };
    let mut bytes = vec![0x3E, 24];
    bytes.extend(systolic.to_le_bytes());
    bytes.extend(diastolic.to_le_bytes());
    bytes.extend([30, 0]);
    bytes.extend([0; 8]);
    bytes.extend([u8::try_from(pulse).unwrap_or(0), 0]);
    bytes.extend(mean.to_le_bytes());
    bytes.extend([error, 0, 0]);
    let sum = bytes.iter().copied().fold(0, u8::wrapping_add);
    bytes.push(sum.wrapping_neg());
    bytes
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn payloads(line: CuffLine, taken: &BloodPressure) -> Vec<Vec<u8>> {
        let clock = date(2026, 3, 1).at(8, 4, 40, 0);
        let records = records(line, taken, clock).unwrap();
        records.into_iter().map(|record| record.payload).collect()
    }

    fn text(taken: &BloodPressure) -> String {
        String::from_utf8(payloads(CuffLine::OmronHbp9030, taken).concat()).unwrap()
    }

    #[test]
    fn a_line_has_its_fields_in_their_columns() {
        let line = text(&BloodPressure::mmhg(121, 79, 68));
        assert_eq!(line, "2026,03,01,08,05,                    ,0,121, 79, 68,0\r\n");
        assert_eq!(line.len(), 55);
    }

    #[test]
    fn a_failure_has_blanks() {
        let line = text(&BloodPressure::failed().with_status(BODY_MOVEMENT));
        assert_eq!(line, "2026,03,01,08,05,                    ,2,   ,   ,   ,1\r\n");
    }

    #[test]
    fn a_result_of_suntech_sums_up_to_nothing() {
        let replies = payloads(CuffLine::SunTech, &BloodPressure::mmhg(121, 79, 68));
        assert_eq!(replies[0], [0x3E, 0x04, 0x4B, 0x73]);
        assert_eq!(replies[1][..8], [0x3E, 24, 121, 0, 79, 0, 30, 0]);
        for reply in &replies {
            assert_eq!(reply.iter().copied().fold(0, u8::wrapping_add), 0);
            assert_eq!(usize::from(reply[1]), reply.len());
        }
        let failed = payloads(CuffLine::SunTech, &BloodPressure::failed());
        assert_eq!(failed[1][20], ERROR);
    }

    #[test]
    fn what_the_formats_cannot_hold_is_refused() {
        let taken = BloodPressure::mmhg(301, 79, 68);
        assert!(records(CuffLine::SunTech, &taken, DateTime::ZERO).is_err());
    }
}
