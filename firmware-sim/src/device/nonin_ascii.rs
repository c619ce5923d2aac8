//! Nonin 8500 and Avant: one line of text a second.
//!
//! ```text
//! SPO2=099 HR=072 CR LF    values, three digits each
//! SPO2=--- HR=--- CR LF    no value
//! ```

use std::time::Duration;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::kind::Record;
use super::number::NotRepresentable;
use super::oximetry::Oximetry;

/// How long the device looks for a pulse, and how long it goes on after the finger is out.
const SEARCH_S: usize = 2;

/// Writes one stay of a finger: the search for a pulse, values, and the finger that is out.
pub(super) fn records(oximetry: &Oximetry) -> Result<Vec<Record>, NotRepresentable> {
    let none = line(None, None)?;
    let values = line(oximetry.spo2_percent, oximetry.pulse_bpm)?;
    let search = || std::iter::repeat_n(none.clone(), SEARCH_S);
    let lines = search().chain(oximetry.seconds().map(|_second| values.clone())).chain(search());
    let record = |(text, second): (String, u64)| {
        Record::sent(text.into_bytes(), Duration::from_secs(second))
    };
    Ok(lines.zip(1..).map(record).collect())
}

/// Writes one line.
///
/// # Errors
///
/// Returns [`NotRepresentable`] if a value is not a whole number of at most three digits.
pub fn line(spo2: Option<Decimal>, pulse: Option<Decimal>) -> Result<String, NotRepresentable> {
    Ok(format!("SPO2={} HR={}\r\n", digits(spo2)?, digits(pulse)?))
}

fn digits(value: Option<Decimal>) -> Result<String, NotRepresentable> {
    let Some(value) = value else { return Ok("---".to_owned()) };
    value
        .to_u16()
        .filter(|whole| *whole < 1000 && value.is_integer())
        .map(|whole| format!("{whole:03}"))
        .ok_or(NotRepresentable { value, format: "Nonin text" })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line format of the Nonin 8500 and Avant manuals.
    #[test]
    fn values_have_three_digits() {
        let line = line(Some(99.into()), Some(72.into()));
        assert_eq!(line, Ok("SPO2=099 HR=072\r\n".to_owned()));
    }

    #[test]
    fn a_stay_of_a_finger_begins_and_ends_without_values() {
        let oximetry = Oximetry { worn: Duration::from_secs(1), ..Oximetry::new(97, 130) };
        let records = records(&oximetry).unwrap();
        let text: Vec<u8> = records.iter().flat_map(|record| record.payload.clone()).collect();
        let none = "SPO2=--- HR=---\r\n".repeat(2);
        assert_eq!(String::from_utf8(text).unwrap(), format!("{none}SPO2=097 HR=130\r\n{none}"));
        assert_eq!(records[4].after, Duration::from_secs(5));
    }

    #[test]
    fn a_value_of_four_digits_is_refused() {
        assert!(line(Some(1000.into()), None).is_err());
        assert!(line(Some(Decimal::new(975, 1)), None).is_err());
    }
}
