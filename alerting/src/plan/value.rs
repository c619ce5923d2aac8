//! The texts of a plan's keys that no type of the vocabulary reads: names, and quantities with their
//! unit.
//!
//! Each reader returns the value, or one sentence on what is wrong and what to write instead.

use std::str::FromStr;

use jiff::civil::Time;
use rust_decimal::Decimal;
use vitals::identity::IDENTITY_LEN_MAX;
use vitals::{Quantity, Unit, Vital};

use crate::plan::measurable;

/// The units as they are offered to a person.
const UNITS: &str =
    "mmHg, kPa, %, /min, kg, lb, °C, °F, m, in, kg/m2, L/min, {ACVPU}, mg/dL, mmol/L";

/// The name of a plan or a rule.
pub(super) fn identifier(name: &str) -> Result<String, String> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_whole = !name.is_empty() && !name.starts_with('-') && !name.ends_with('-');
    if is_whole && name.len() <= IDENTITY_LEN_MAX && name.chars().all(is_allowed) {
        return Ok(name.to_owned());
    }
    Err(format!(
        "{name:?} is no name; use 1 to {IDENTITY_LEN_MAX} lower-case letters, digits and inner \
         hyphens, as in \"systolic-crisis\""
    ))
}

/// A number with its unit, such as `"180 mmHg"`.
///
/// # Errors
///
/// Returns a sentence on what is wrong and what to write instead.
pub fn quantity(text: &str) -> Result<Quantity, String> {
    let text = text.trim();
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
    let end = text.find(|c| !is_number(c)).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end).unwrap_or((text, ""));
    if unit.starts_with(',') {
        return Err(format!("write the number in {text:?} with a point instead of the comma"));
    }
    let number: Decimal = number.parse().map_err(|_not_a_number| {
        format!("{text:?} does not begin with a number; write it as in \"180 mmHg\"")
    })?;
    let unit = match unit.trim() {
        "" => return Err(format!("{text:?} has no unit; write one of {UNITS}")),
        word => unit_of(word)
            .ok_or_else(|| format!("{word:?} is no unit that is known; write one of {UNITS}"))?,
    };
    Quantity::new(number, unit).map_err(|error| error.to_string())
}

/// A change of `vital` that can be.
pub(super) fn amount(vital: Option<Vital>, text: &str) -> Result<Quantity, String> {
    let amount = quantity(text)?;
    if amount.value().is_sign_negative() || amount.value().is_zero() {
        return Err(format!("{amount} is no change; write a number above zero"));
    }
    match vital {
        Some(vital) => measurable::check_change(vital, amount).map(|()| amount),
        None => Ok(amount),
    }
}

/// A time of day to the minute, such as `"07:30"`.
pub(super) fn time_of_day(text: &str) -> Result<Time, String> {
    let number = |digits: &str| {
        let is_whole = digits.len() == 2 && digits.bytes().all(|it| it.is_ascii_digit());
        is_whole.then(|| digits.parse::<i8>().ok()).flatten()
    };
    let parts = text.split_once(':');
    let time =
        parts.and_then(|(hour, minute)| Time::new(number(hour)?, number(minute)?, 0, 0).ok());
    time.ok_or_else(|| format!("{text:?} is no time of day; write it as in \"07:30\""))
}

/// A time of day in a list.
pub(super) struct TimeOfDay(pub(super) Time);

/// Two times of one day in a list, such as `"06:00-10:00"`.
pub(super) struct DayWindow {
    pub(super) from: Time,
    pub(super) to: Time,
}

impl FromStr for TimeOfDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        time_of_day(text).map(Self)
    }
}

impl FromStr for DayWindow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((from, to)) = text.split_once('-') else {
            return Err(format!("{text:?} is no window; write it as in \"06:00-10:00\""));
        };
        let (from, to) = (time_of_day(from.trim())?, time_of_day(to.trim())?);
        match from < to {
            true => Ok(Self { from, to }),
            false => Err(format!("{text:?} ends before it begins; a window lies within one day")),
        }
    }
}

/// The unit of a UCUM code or of an everyday word.
fn unit_of(word: &str) -> Option<Unit> {
    let labelled = || Unit::ALL.into_iter().find(|unit| unit.label() == word);
    let everyday = || match word {
        "lbs" => Some(Unit::Pound),
        "degC" => Some(Unit::Celsius),
        "degF" => Some(Unit::Fahrenheit),
        "bpm" => Some(Unit::PerMinute),
        _unknown => None,
    };
    word.parse().ok().or_else(labelled).or_else(everyday)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = quantity(text);
        assert_eq!(read.map_or_else(|error| error, |it| it.to_string()), expected);
    }

    #[test]
    fn a_time_of_day_has_two_digits_for_hour_and_minute() {
        for text in ["7:30", "07:3", "+7:30", "07:+3", "24:00", "07:60", "0730", ""] {
            assert!(time_of_day(text).is_err(), "{text}");
        }
        assert_eq!(time_of_day("07:30"), Ok(Time::constant(7, 30, 0, 0)));
    }

    #[test]
    fn a_window_ends_after_it_begins() {
        let is_window = |text: &str| text.parse::<DayWindow>().is_ok();
        assert!(is_window("06:00-06:01") && !is_window("06:00-06:00"));
        assert!(!is_window("06:01-06:00"));
    }

    #[test]
    fn ucum_codes_are_read() {
        for unit in Unit::ALL {
            check(&format!("97.0 {}", unit.ucum()), &format!("97.0 {}", unit.label()));
        }
    }

    #[test]
    fn everyday_words_are_read() {
        for unit in Unit::ALL {
            check(&format!("97.0 {}", unit.label()), &format!("97.0 {}", unit.label()));
        }
        check("180mmHg", "180 mmHg");
        check("3 lbs", "3 lb");
        check("38.5 degC", "38.5 °C");
        check("101.3 degF", "101.3 °F");
        check("110 bpm", "110 /min");
    }

    #[test]
    fn a_comma_is_named() {
        check("38,5 °C", "write the number in \"38,5 °C\" with a point instead of the comma");
    }

    #[test]
    fn a_missing_unit_is_never_guessed() {
        check(
            "180",
            "\"180\" has no unit; write one of mmHg, kPa, %, /min, kg, lb, °C, °F, m, in, kg/m2, L/min, {ACVPU}, mg/dL, mmol/L",
        );
    }

    #[test]
    fn an_unknown_unit_names_those_that_are_known() {
        check(
            "180 torr",
            "\"torr\" is no unit that is known; write one of mmHg, kPa, %, /min, kg, lb, °C, °F, m, in, kg/m2, L/min, {ACVPU}, mg/dL, mmol/L",
        );
    }

    #[test]
    fn a_text_without_a_number_is_refused() {
        for text in ["mmHg", "", "- mmHg", "1.2.3 mmHg", "99999999999 mmHg"] {
            assert!(quantity(text).is_err(), "{text}");
        }
    }
}
