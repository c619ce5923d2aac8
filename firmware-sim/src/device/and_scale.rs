//! A&D scales on a serial line: the standard ASCII format.
//!
//! ```text
//! ST,+000070.5 kg CR LF    17 characters
//! ^^ ^-------- ^-- unit, three characters
//! |  sign and eight digits with the point
//! ST stable, US unstable, OL overload
//! ```

use std::time::Duration;

use rust_decimal::Decimal;

use super::kind::Record;
use super::number::NotRepresentable;
use super::weight::Weight;

/// From one line to the next, in simulated time: the display changes five times a second.
const LINE_EVERY: Duration = Duration::from_millis(200);

/// The load that the scale sees while a person steps on it, in percent of the weight.
const STEPPING_ON_PERCENT: [u32; 4] = [38, 87, 104, 99];

/// Lines with the weight after it has settled.
const N_STABLE: usize = 3;

/// Writes what the scale sends while a person steps on it and stands still.
pub(super) fn records(weight: &Weight) -> Result<Vec<Record>, NotRepresentable> {
    let unit = weight.unit.sign();
    let lines = match weight.value {
        Some(value) => {
            let mut lines = Vec::new();
            for percent in STEPPING_ON_PERCENT {
                let part = value
                    .checked_mul(Decimal::from(percent))
                    .map(|product| (product / Decimal::ONE_HUNDRED).round_dp(value.scale()));
                let part = part.ok_or(NotRepresentable { value, format: FORMAT })?;
                lines.push(line("US", part, unit)?);
            }
            lines.extend(std::iter::repeat_n(line("ST", value, unit)?, N_STABLE));
            lines
        }
        None => vec![line("OL", Decimal::from(99_999_999), unit)?],
    };
    let due = std::iter::successors(Some(LINE_EVERY), |due| Some(*due + LINE_EVERY));
    Ok(lines.into_iter().zip(due).map(|(text, due)| Record::sent(text.into_bytes(), due)).collect())
}

const FORMAT: &str = "the A&D standard format";

/// Writes one line; the unit has at most three characters.
///
/// # Errors
///
/// Returns [`NotRepresentable`] if the digits do not fit eight characters.
pub fn line(header: &str, value: Decimal, unit: &str) -> Result<String, NotRepresentable> {
    let sign = if value.is_sign_negative() { '-' } else { '+' };
    let digits = value.abs().to_string();
    if 8 < digits.len() {
        return Err(NotRepresentable { value, format: FORMAT });
    }
    Ok(format!("{header},{sign}{digits:0>8}{unit:>3}\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    /// The examples of the A&D EK-L instruction manual.
    #[test]
    fn the_vendor_examples_are_written() {
        let check = |header, value, unit, expected: &str| {
            assert_eq!(line(header, decimal(value), unit), Ok(expected.to_owned()));
        };
        check("ST", "1234.5", "g", "ST,+001234.5  g\r\n");
        check("OL", "-99999999", "PC", "OL,-99999999 PC\r\n");
        check("ST", "123.4", "%", "ST,+000123.4  %\r\n");
    }

    #[test]
    fn a_person_who_steps_on_is_unstable_before_stable() {
        let records = records(&Weight::kilograms(decimal("70.5"))).unwrap();
        let text: String =
            records.iter().map(|it| String::from_utf8(it.payload.clone()).unwrap()).collect();
        let expected = "US,+000026.8 kg\r\nUS,+000061.3 kg\r\nUS,+000073.3 kg\r\n\
                        US,+000069.8 kg\r\nST,+000070.5 kg\r\nST,+000070.5 kg\r\n\
                        ST,+000070.5 kg\r\n";
        assert_eq!(text, expected);
        assert_eq!(records[6].after, Duration::from_millis(1400));
    }

    #[test]
    fn a_failed_weighing_is_an_overload() {
        let records = records(&Weight::failed()).unwrap();
        assert_eq!(records[0].payload, b"OL,+99999999 kg\r\n");
    }

    #[test]
    fn a_number_of_nine_characters_is_refused() {
        assert!(line("ST", decimal("1234567.8"), "kg").is_err());
    }
}
