//! Omron HBP-9030: one line of comma-separated text a measurement, its output format 5.
//!
//! ```text
//! YYYY,MM,DD,HH,mm,ID,E,SYS,DIA,PR,M
//! ID   20 characters, padded with blanks    SYS, DIA, PR   three characters, mmHg and /min;
//! E    error, 0 for none                                   blanks where there is an error
//! M    1 where the body moved
//! ```

use std::collections::BTreeSet;

use vitals::{DeviceTime, Flag, ReadingKind};

use super::error::DecodeError;
use super::item::FailureReason;
use super::outcome;
use super::report::{NoResult, Report};

/// Length of a line in bytes, without its end.
const LINE_LEN_BYTES: usize = 53;

/// A decoded line; pressures in mmHg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When it was measured; the device shows no seconds.
    pub device_time: DeviceTime,
    /// Who was measured, as it was entered at the device; it may name a person.
    pub id: Option<String>,
    /// Why there is no result; 0 where there is one.
    pub error: u8,
    /// Systolic pressure.
    pub systolic: Option<u16>,
    /// Diastolic pressure.
    pub diastolic: Option<u16>,
    /// Pulse rate per minute.
    pub pulse: Option<u16>,
    /// Whether the body moved.
    pub is_moved: bool,
}

/// Decodes one line, without its end.
///
/// # Errors
///
/// Returns [`DecodeError::Line`] for a line of any other form.
pub fn decode(line: &[u8]) -> Result<Record, DecodeError> {
    split(line)
        .ok_or(DecodeError::Line { expected: "2026,03,01,08,05,<20 characters>,0,121, 79, 68,0" })
}

fn split(line: &[u8]) -> Option<Record> {
    let text = str::from_utf8(line).ok().filter(|it| it.len() == LINE_LEN_BYTES)?;
    let fields: Vec<_> = text.split(',').collect();
    let [year, month, day, hour, minute, id, error, systolic, diastolic, pulse, moved] =
        *fields.first_chunk::<11>()?;
    if fields.len() != 11 || id.len() != 20 {
        return None;
    }
    let number = |text: &str, len: usize| {
        let is_plain = text.len() == len && text.bytes().all(|it| it.is_ascii_digit());
        is_plain.then(|| text.parse::<u16>().ok())?
    };
    let pair = |text| number(text, 2).and_then(|it| u8::try_from(it).ok());
    let digit = |text| number(text, 1).and_then(|it| u8::try_from(it).ok());
    let device_time = DeviceTime {
        year: number(year, 4)?,
        month: pair(month)?,
        day: pair(day)?,
        hour: pair(hour)?,
        minute: pair(minute)?,
        second: 0,
    };
    let value = |text: &str| {
        if text.len() != 3 {
            return None;
        }
        match text.trim_start_matches(' ') {
            "" => Some(None),
            digits => number(digits, digits.len()).map(Some),
        }
    };
    Some(Record {
        device_time,
        id: Some(id.trim().to_owned()).filter(|it| !it.is_empty()),
        error: digit(error)?,
        systolic: value(systolic)?,
        diastolic: value(diastolic)?,
        pulse: value(pulse)?,
        is_moved: digit(moved)? != 0,
    })
}

impl Record {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no cuff can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let flags = BTreeSet::from_iter(self.is_moved.then_some(Flag::BodyMovement));
        let result = match (self.error, self.systolic, self.diastolic) {
            (0, Some(systolic), Some(diastolic)) => {
                Ok(outcome::pressures(systolic, diastolic, None, self.pulse)?)
            }
            (_error, _systolic, _diastolic) => Err(NoResult::Failed(vec![self.failure()])),
        };
        let report = outcome::report(ReadingKind::BloodPressure, result);
        Ok(Report { device_time: Some(self.device_time), flags, ..report })
    }

    const fn failure(&self) -> FailureReason {
        if self.is_moved { FailureReason::BodyMovement } else { FailureReason::NoValue }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINE: &str = "2026,03,01,08,05,                4711,0,121, 79, 68,1";

    fn record(line: &str) -> Record {
        decode(line.as_bytes()).unwrap()
    }

    #[test]
    fn a_line_is_a_measurement() {
        let record = record(LINE);
        assert_eq!(record.id.as_deref(), Some("4711"));
        let report = record.report().unwrap();
        let values = report.result.unwrap();
        let values: Vec<_> = values.iter().map(|it| it.quantity.to_string()).collect();
        assert_eq!(values, ["121 mmHg", "79 mmHg", "68 /min"]);
        assert_eq!(report.device_time.unwrap().to_string(), "2026-03-01T08:05:00");
        assert_eq!(report.flags, BTreeSet::from([Flag::BodyMovement]));
    }

    #[test]
    fn an_error_has_blanks_and_becomes_no_number() {
        let record = record("2026,03,01,08,05,                    ,4,   ,   ,   ,0");
        assert_eq!((record.id.clone(), record.systolic), (None, None));
        let failed = NoResult::Failed(vec![FailureReason::NoValue]);
        assert_eq!(record.report().unwrap().result, Err(failed));
    }

    #[test]
    fn values_beside_an_error_are_not_used() {
        let record = record("2026,03,01,08,05,                    ,4,121, 79, 68,1");
        let failed = NoResult::Failed(vec![FailureReason::BodyMovement]);
        assert_eq!(record.report().unwrap().result, Err(failed));
    }

    #[test]
    fn a_line_is_cut_or_too_long() {
        for len in 0..LINE.len() {
            assert!(decode(LINE.as_bytes().get(..len).unwrap()).is_err(), "{len}");
        }
        assert!(decode(format!("{LINE}0").as_bytes()).is_err());
    }

    #[test]
    fn other_lines_are_refused() {
        for line in [
            "2026,03,01,08,05,                4711,0,121, 79, 68,x",
            "2026,03,01,08,05,                4711,0,1 1, 79, 68,1",
            "2026,03,01,08,05,                4711,0,+21, 79, 68,1",
            "2026,03,01,08,05,                471,10,121, 79, 68,1",
            "2026,3,01,008,05,                4711,0,121, 79, 68,1",
        ] {
            assert!(decode(line.as_bytes()).is_err(), "{line}");
        }
        assert!(record("2026,03,01,08,05,                4711,0,999, 79, 68,1").report().is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(line: Vec<u8>) {
            let _record = decode(&line);
        }

        #[test]
        fn no_line_panics(line in "[0-9]{4}(,[0-9]{2}){4},[ 0-9]{20},[0-9](,[ 0-9]{3}){3},[0-9]") {
            if let Ok(record) = decode(line.as_bytes()) {
                let _report = record.report();
            }
        }
    }
}
