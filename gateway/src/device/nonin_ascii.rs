//! Nonin 8500 and Avant: one line of text a second, 9600 baud 8N1.
//!
//! ```text
//! SPO2=099 HR=072        values, both with three digits
//! SPO2=--- HR=---        no value
//! 11:02:33 SPO2=099 HR=072   a time or a date before them, which is not used: it comes at once
//! ```

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use vitals::{ReadingKind, Unit, Vital};

use super::error::DecodeError;
use super::measurement::measurement;
use super::report::{NoResult, Report};

/// A decoded line; `None` where the device has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Values {
    /// SpO2 in percent.
    pub saturation: Option<u16>,
    /// Pulse rate per minute.
    pub pulse: Option<u16>,
}

/// Decodes one line, without its end.
///
/// # Errors
///
/// Returns [`DecodeError::Line`] for a line of any other form.
pub fn decode(line: &[u8]) -> Result<Values, DecodeError> {
    let refused = DecodeError::Line { expected: "SPO2=099 HR=072" };
    let text = str::from_utf8(line).ok().ok_or(refused.clone())?;
    let mut words = text.split_ascii_whitespace().skip_while(|it| is_time(it));
    let saturation = words.next().and_then(|it| it.strip_prefix("SPO2=")).and_then(value);
    let pulse = words.next().and_then(|it| it.strip_prefix("HR=")).and_then(value);
    match (saturation, pulse, words.next()) {
        (Some(saturation), Some(pulse), None) => Ok(Values { saturation, pulse }),
        (_saturation, _pulse, _more) => Err(refused),
    }
}

fn is_time(word: &str) -> bool {
    word.bytes().all(|it| it.is_ascii_digit() || matches!(it, b':' | b'/' | b'-' | b'.'))
}

/// Three digits are a value, three dashes are none, all else is neither.
fn value(text: &str) -> Option<Option<u16>> {
    if text == "---" {
        return Some(None);
    }
    let is_number = text.len() == 3 && text.bytes().all(|it| it.is_ascii_digit());
    if is_number { text.parse().ok().map(Some) } else { None }
}

impl Values {
    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no oximeter can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let shown = |vital, value: Option<u16>, unit| {
            let value = value.filter(|it| *it != 0).map(Decimal::from);
            value.map(|it| measurement(vital, it, unit)).transpose()
        };
        let saturation = shown(Vital::OxygenSaturation, self.saturation, Unit::Percent)?;
        let pulse = shown(Vital::PulseRate, self.pulse, Unit::PerMinute)?;
        let result =
            saturation.map(|it| [it].into_iter().chain(pulse).collect()).ok_or(NoResult::Absent);
        Ok(Report {
            kind: ReadingKind::Oximetry,
            device_time: None,
            user_slot: None,
            flags: BTreeSet::new(),
            result,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<(Option<u16>, Option<u16>)>) {
        let decoded = decode(line.as_bytes()).ok().map(|it| (it.saturation, it.pulse));
        assert_eq!(decoded, expected, "{line}");
    }

    #[test]
    fn a_line_has_two_values() {
        check("SPO2=099 HR=072", Some((Some(99), Some(72))));
        check("SPO2=100  HR=128 ", Some((Some(100), Some(128))));
    }

    #[test]
    fn a_time_before_them_is_passed_over() {
        check("11:02:33 SPO2=099 HR=072", Some((Some(99), Some(72))));
        check("03/01/26 11:02:33 SPO2=099 HR=072", Some((Some(99), Some(72))));
    }

    #[test]
    fn dashes_are_no_value() {
        check("SPO2=--- HR=---", Some((None, None)));
        check("SPO2=097 HR=---", Some((Some(97), None)));
        let absent = decode(b"SPO2=--- HR=072").unwrap().report().unwrap();
        assert_eq!(absent.result, Err(NoResult::Absent));
        let pulseless = decode(b"SPO2=097 HR=---").unwrap().report().unwrap();
        assert_eq!(pulseless.result.unwrap().len(), 1);
    }

    #[test]
    fn other_lines_are_refused() {
        let line = "SPO2=099 HR=072";
        for len in 0..line.len() {
            check(line.get(..len).unwrap(), None);
        }
        for line in ["SPO2=099 HR=072 PA=1", "HR=072 SPO2=099", "SPO2=99 HR=072", "SPO2=+99 HR=072"]
        {
            check(line, None);
        }
        assert!(decode(&[0xFF, 0xFE]).is_err());
    }

    #[test]
    fn a_saturation_above_all_is_refused() {
        let refused = decode(b"SPO2=127 HR=072").unwrap().report();
        assert!(matches!(refused, Err(DecodeError::OutOfRange { field: "SpO2", .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(line: Vec<u8>) {
            if let Ok(decoded) = decode(&line) {
                let _report = decoded.report();
            }
        }
    }
}
