//! A&D scales on a serial line: the standard ASCII format, mostly 2400 baud 7E1.
//!
//! ```text
//! ST,+00070.5 kg
//! ^^ ^------- ^-
//! |  |        unit: kg, lb, g
//! |  number with its sign
//! header: ST stable, US unstable, OL overload, QT stable count
//! ```
//!
//! Some write an overload as `OL,+9999999E+19`, without a unit.
//!
//! A scale repeats its line as long as somebody stands on it, depending on its settings.

use std::collections::BTreeSet;
use std::time::Duration;

use rust_decimal::Decimal;
use vitals::{Measurement, ReadingKind, Unit, Vital};

use super::error::DecodeError;
use super::item::FailureReason;
use super::measurement::measurement;
use super::report::{NoResult, Report};
use super::stream::elapsed;
use crate::clock::Stamp;

/// Lines with about the same weight that come closer together than this are one weighing.
///
/// Source: ours; a scale that repeats does it some times a second, and nobody steps off, on and
/// off again in less.
const REPEAT_GAP_MAX: Duration = Duration::from_secs(10);

/// What a scale says about its load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// The load does not move.
    Stable,
    /// The load moves.
    Unstable,
    /// The load is above the capacity; the number means nothing.
    Overload,
    /// A number of pieces, not a weight.
    Count,
}

impl Header {
    /// The two letters of it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "ST",
            Self::Unstable => "US",
            Self::Overload => "OL",
            Self::Count => "QT",
        }
    }
}

/// A decoded line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// What the scale says about it.
    pub header: Header,
    /// The number; `None` under overload.
    pub value: Option<Decimal>,
    /// The unit as it came; empty under an overload without one.
    pub unit: String,
}

/// Decodes one line, without its end.
///
/// # Errors
///
/// Returns [`DecodeError::Line`] for a line of any other form.
pub fn decode(line: &[u8]) -> Result<Load, DecodeError> {
    let refused = DecodeError::Line { expected: "ST,+00070.5 kg" };
    split(line).ok_or(refused)
}

fn split(line: &[u8]) -> Option<Load> {
    let text = str::from_utf8(line).ok()?;
    let (header, rest) = text.split_once(',')?;
    let header = match header {
        "ST" => Header::Stable,
        "US" => Header::Unstable,
        "OL" => Header::Overload,
        "QT" => Header::Count,
        _unknown => return None,
    };
    let is_number = |it: char| it.is_ascii_digit() || it == '.';
    let unsigned = rest.strip_prefix(['+', '-'])?;
    if header == Header::Overload && unsigned == "9999999E+19" {
        return Some(Load { header, value: None, unit: String::new() });
    }
    let unit = unsigned.trim_start_matches(is_number);
    let number = unsigned.strip_suffix(unit)?;
    let is_whole = number.starts_with(|it: char| it.is_ascii_digit())
        && number.ends_with(|it: char| it.is_ascii_digit());
    let magnitude: Decimal = is_whole.then(|| number.parse().ok())??;
    let unit = unit.trim();
    if unit.is_empty() || 3 < unit.len() {
        return None;
    }
    let mut signed = magnitude;
    signed.set_sign_negative(rest.starts_with('-'));
    let value = (header != Header::Overload).then_some(signed);
    Some(Load { header, value, unit: unit.to_owned() })
}

impl Load {
    /// What it says about the measurement: nothing while the load moves, without any, or where it
    /// counts pieces.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Unit`] for a unit other than kg, lb and g, and
    /// [`DecodeError::OutOfRange`] for a weight that no scale for people can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let result = match self.header {
            Header::Overload => Err(NoResult::Failed(vec![FailureReason::Overload])),
            Header::Unstable | Header::Count => Err(NoResult::Absent),
            Header::Stable => self.weight()?.map(|it| vec![it]).ok_or(NoResult::Absent),
        };
        Ok(Report {
            kind: ReadingKind::Weight,
            device_time: None,
            user_slot: None,
            flags: BTreeSet::new(),
            result,
        })
    }

    /// Whether it can be the same load as `other`: a person sways by less than half a kilogram.
    fn is_about(&self, other: &Self) -> bool {
        let sway = match self.unit.as_str() {
            "kg" => Decimal::new(5, 1),
            "g" => Decimal::from(500),
            "lb" => Decimal::ONE,
            _unknown => Decimal::ZERO,
        };
        let is_near = match (self.value, other.value) {
            (Some(value), Some(other)) => {
                value.checked_sub(other).is_some_and(|difference| difference.abs() <= sway)
            }
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        self.header == other.header && self.unit == other.unit && is_near
    }

    /// The weight, unless the scale is empty or was set to zero under a load.
    fn weight(&self) -> Result<Option<Measurement>, DecodeError> {
        let refused = || DecodeError::Unit { unit: self.unit.clone() };
        let (unit, n_more_decimals) = match self.unit.as_str() {
            "kg" => (Unit::Kilogram, 0),
            "g" => (Unit::Kilogram, 3),
            "lb" => (Unit::Pound, 0),
            _unknown => return Err(refused()),
        };
        let Some(value) = self.value.filter(|it| Decimal::ZERO < *it) else {
            return Ok(None);
        };
        let out_of_range = DecodeError::OutOfRange { field: "weight", value };
        let scale = value.scale().saturating_add(n_more_decimals);
        let value = Decimal::try_from_i128_with_scale(value.mantissa(), scale)
            .map_err(|_cause| out_of_range)?;
        measurement(Vital::BodyWeight, value, unit).map(Some)
    }
}

/// Tells a new weighing from a repeated line.
#[derive(Debug, Default)]
pub(crate) struct Weighings {
    last: Option<(Stamp, Load)>,
}

impl Weighings {
    /// Whether `load`, which came at `received`, only says again what the last line said.
    pub(crate) fn is_repeated(&mut self, received: Stamp, load: &Load) -> bool {
        if load.header == Header::Unstable {
            return false;
        }
        let is_repeated = self.last.as_ref().is_some_and(|(at, last)| {
            load.is_about(last) && elapsed(*at, received).is_some_and(|it| it < REPEAT_GAP_MAX)
        });
        self.last = Some((received, load.clone()));
        is_repeated
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::fixture::at_ms;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let values = decode(line.as_bytes()).unwrap().report().unwrap().result.unwrap();
        let values: Vec<_> = values.iter().map(|it| it.quantity.to_string()).collect();
        assert_eq!(values, [expected], "{line}");
    }

    #[track_caller]
    fn check_none(line: &str, expected: &NoResult) {
        let report = decode(line.as_bytes()).unwrap().report().unwrap();
        assert_eq!(report.result.as_ref(), Err(expected), "{line}");
    }

    #[test]
    fn a_stable_weight_is_a_reading() {
        check("ST,+00070.5 kg", "70.5 kg");
        check("ST,+0155.40 lb", "155.40 lb");
        check("ST,+0070500  g", "70.500 kg");
    }

    #[test]
    fn an_unstable_or_empty_scale_says_nothing() {
        check_none("US,+00070.5 kg", &NoResult::Absent);
        check_none("ST,+00000.0 kg", &NoResult::Absent);
        check_none("ST,-00000.5 kg", &NoResult::Absent);
    }

    #[test]
    fn a_count_is_no_weight() {
        check_none("QT,+00000012 PC", &NoResult::Absent);
        check_none("QT,+00070.5 kg", &NoResult::Absent);
    }

    #[test]
    fn an_overloaded_scale_has_failed() {
        check_none("OL,+9999999 kg", &NoResult::Failed(vec![FailureReason::Overload]));
        check_none("OL,+9999999E+19", &NoResult::Failed(vec![FailureReason::Overload]));
        assert_eq!(decode(b"OL,-99999999 PC").unwrap().value, None);
        assert!(decode(b"ST,+9999999E+19").is_err());
    }

    #[test]
    fn other_units_are_refused() {
        for line in ["ST,+000123.4  %", "ST,+00011.1 st"] {
            let refused = decode(line.as_bytes()).unwrap().report();
            assert!(matches!(refused, Err(DecodeError::Unit { .. })), "{line}");
        }
    }

    #[test]
    fn other_lines_are_refused() {
        let line = "ST,+00070.5 kg";
        // One letter fewer is another unit; two are none.
        for len in 0..line.len().saturating_sub(2) {
            assert!(decode(line.as_bytes().get(..len).unwrap()).is_err(), "{len}");
        }
        for line in [
            "XX,+00070.5 kg",
            "ST,00070.5 kg",
            "ST,+0007.0.5 kg",
            "ST,+.5 kg",
            "ST,+00070.5 kg now",
            "ST,+00070,5 kg",
        ] {
            assert!(decode(line.as_bytes()).is_err(), "{line}");
        }
        assert!(decode(&[0xD3, 0xD4]).is_err());
    }

    #[test]
    fn what_no_scale_shows_is_refused() {
        let refused = decode(b"ST,+0070500 kg").unwrap().report();
        assert!(matches!(refused, Err(DecodeError::OutOfRange { field: "weight", .. })));
    }

    #[test]
    fn a_repeated_line_is_one_weighing() {
        let mut weighings = Weighings::default();
        let load = |line: &str| decode(line.as_bytes()).unwrap();
        let mut is_repeated = |at, line| weighings.is_repeated(at_ms(at), &load(line));
        assert!(!is_repeated(0, "ST,+00070.5 kg"));
        assert!(is_repeated(500, "ST,+00070.5 kg"));
        assert!(!is_repeated(1_000, "US,+00070.9 kg"));
        assert!(is_repeated(1_500, "ST,+00070.5 kg"));
        assert!(is_repeated(2_000, "ST,+00070.6 kg"));
        assert!(!is_repeated(12_000, "ST,+00070.6 kg"));
    }

    #[test]
    fn another_person_on_the_scale_is_another_weighing() {
        let mut weighings = Weighings::default();
        let load = |line: &str| decode(line.as_bytes()).unwrap();
        let mut is_repeated = |at, line| weighings.is_repeated(at_ms(at), &load(line));
        assert!(!is_repeated(0, "ST,+00070.5 kg"));
        assert!(!is_repeated(4_000, "ST,+00082.0 kg"));
        assert!(!is_repeated(5_000, "ST,+00000.0 kg"));
        assert!(!is_repeated(9_000, "ST,+00082.0 kg"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(line: Vec<u8>) {
            if let Ok(decoded) = decode(&line) {
                let _report = decoded.report();
            }
        }

        #[test]
        fn no_line_panics(line in "(ST|US|OL|QT),[+-][0-9.]{0,40} {0,2}(kg|lb|g|%)?") {
            if let Ok(decoded) = decode(line.as_bytes()) {
                let _report = decoded.report();
            }
        }
    }
}
