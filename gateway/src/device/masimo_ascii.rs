//! Masimo Radical-7, Rad-8 and Radical-57: ASCII 1, one line of text a second, 9600 baud 8N1.
//!
//! ```text
//! 03/17/16 19:19:36 SN=---------- SPO2=098% BPM=123 PI=00.55 SPCO=--% ... EXC=0000C00 EXC1=00000000
//! month/day/year and time, then pairs of a name and a value
//!
//! SN       serial number           ALARM    alarms, hexadecimal
//! SPO2     SpO2, %                 EXC      exceptions, hexadecimal:
//! BPM      pulse rate, /min                 001 no sensor         002 defective sensor
//! PI       perfusion index, %               004 low perfusion     008 searching for a pulse
//! SPCO     carboxyhaemoglobin, %            010 interference      020 sensor is off
//! SPMET    methaemoglobin, %                040 ambient light     080 unknown sensor
//! SPHB     haemoglobin                      400 low signal IQ     800 SET
//! SPOC     oxygen content          EXC1     more exceptions, hexadecimal
//! PVI      variability index       DESAT, PIDELTA, RESVD: not used
//! ```
//!
//! The pairs differ by product and option, and their order is not relied on. A value with a dash in
//! the place of its digits is none. A pair that nobody knows is passed over, and so is a value other than
//! SpO2, pulse rate and exceptions that nobody can read.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use vitals::{DeviceTime, Flag};

use super::error::DecodeError;
use super::outcome;
use super::report::{NoResult, Report};

const NO_SENSOR: u32 = 0x001;
const DEFECTIVE_SENSOR: u32 = 0x002;
const LOW_PERFUSION: u32 = 0x004;
const SEARCHING: u32 = 0x008;
const INTERFERENCE: u32 = 0x010;
const SENSOR_OFF: u32 = 0x020;
const AMBIENT_LIGHT: u32 = 0x040;
const UNKNOWN_SENSOR: u32 = 0x080;
const LOW_SIGNAL: u32 = 0x400;

/// A decoded line; a number is `None` where the device has none or does not say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trend {
    /// What its clock shows.
    pub device_time: DeviceTime,
    /// Serial number.
    pub serial_number: Option<String>,
    /// Values in the order of [`VALUES`].
    pub values: BTreeMap<&'static str, Option<Decimal>>,
    /// Exceptions, alarms and more exceptions, in the order of [`MASKS`].
    pub masks: BTreeMap<&'static str, u32>,
}

/// Names of the values, as they stand in a line.
pub const VALUES: [&str; 9] =
    ["SPO2", "BPM", "PI", "SPCO", "SPMET", "SPHB", "SPOC", "DESAT", "PVI"];
/// Names of the bit masks, as they stand in a line.
pub const MASKS: [&str; 3] = ["ALARM", "EXC", "EXC1"];

/// Decodes one line, without its end.
///
/// # Errors
///
/// Returns [`DecodeError::Line`] for a line of any other form, or without SpO2 or pulse rate, or where
/// one of these or the exceptions cannot be read.
pub fn decode(line: &[u8]) -> Result<Trend, DecodeError> {
    split(line).ok_or(DecodeError::Line { expected: "03/17/16 19:19:36 SPO2=098% BPM=123 ..." })
}

fn split(line: &[u8]) -> Option<Trend> {
    let text = str::from_utf8(line).ok()?;
    let mut words = text.split_ascii_whitespace();
    let device_time = time(words.next()?, words.next()?)?;
    let mut trend =
        Trend { device_time, serial_number: None, values: BTreeMap::new(), masks: BTreeMap::new() };
    for word in words {
        let (name, text) = word.split_once('=')?;
        if let Some(name) = VALUES.into_iter().find(|it| *it == name) {
            trend.values.extend(value(text).map(|it| (name, it)));
        } else if let Some(name) = MASKS.into_iter().find(|it| *it == name) {
            let mask = mask(text);
            // It may be what says that the values are none.
            if name == "EXC" && mask.is_none() {
                return None;
            }
            trend.masks.extend(mask.map(|it| (name, it)));
        } else if name == "SN" {
            trend.serial_number = Some(text.to_owned()).filter(|it| !it.contains('-'));
        }
    }
    let is_whole = trend.values.contains_key("SPO2") && trend.values.contains_key("BPM");
    is_whole.then_some(trend)
}

/// A date in the American order with two digits of the year, and a time.
fn time(date: &str, time: &str) -> Option<DeviceTime> {
    let [month, day, year] = pairs(date, '/')?;
    let [hour, minute, second] = pairs(time, ':')?;
    let year = 2000_u16.checked_add(year.into())?;
    Some(DeviceTime { year, month, day, hour, minute, second })
}

/// Three numbers of two digits each.
fn pairs(text: &str, separator: char) -> Option<[u8; 3]> {
    let mut parts = text.split(separator);
    let mut next = || {
        let part = parts.next().filter(|it| it.len() == 2)?;
        part.bytes().all(|it| it.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let numbers = [next()?, next()?, next()?];
    parts.next().is_none().then_some(numbers)
}

/// Digits with at most one point, and perhaps a percent sign; none where there are dashes.
fn value(text: &str) -> Option<Option<Decimal>> {
    let text = text.strip_suffix('%').unwrap_or(text);
    if text.contains('-') {
        return Some(None);
    }
    let is_plain = text.starts_with(|it: char| it.is_ascii_digit())
        && text.ends_with(|it: char| it.is_ascii_digit())
        && text.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    if is_plain { text.parse().ok().map(Some) } else { None }
}

fn mask(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|it| it.is_ascii_hexdigit());
    is_plain.then(|| u32::from_str_radix(text, 16).ok())?
}

impl Trend {
    /// The value of that name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<Decimal> {
        self.values.get(name).copied().flatten()
    }

    fn exceptions(&self) -> u32 {
        self.masks.get("EXC").copied().unwrap_or(0)
    }

    /// What it says about the measurement.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::OutOfRange`] for values that no oximeter can show.
    pub fn report(&self) -> Result<Report, DecodeError> {
        let is = |mask: u32| self.exceptions() & mask != 0;
        let whole = |name| match self.value(name) {
            None => Ok(None),
            Some(value) => u16::try_from(value)
                .map(Some)
                .map_err(|_cause| DecodeError::OutOfRange { field: name, value }),
        };
        let told = [
            (LOW_PERFUSION, Flag::LowPerfusion),
            (SEARCHING | INTERFERENCE | AMBIENT_LIGHT | LOW_SIGNAL, Flag::PoorSignal),
        ];
        let flags: BTreeSet<_> =
            told.into_iter().filter(|(mask, _flag)| is(*mask)).map(|(_mask, flag)| flag).collect();
        let report = outcome::oximetry(whole("SPO2")?, whole("BPM")?, flags)?;
        if is(NO_SENSOR | DEFECTIVE_SENSOR | SENSOR_OFF | UNKNOWN_SENSOR) {
            return Ok(Report { result: Err(NoResult::Absent), ..report });
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINE: &str = "03/17/16 19:19:36 SN=---------- SPO2=098% BPM=123 PI=00.55 SPCO=--% \
                        ALARM=000000 EXC=0000C00 EXC1=00000000";

    fn trend(line: &str) -> Trend {
        decode(line.as_bytes()).unwrap()
    }

    #[test]
    fn a_line_has_a_time_and_values() {
        let trend = trend(LINE);
        assert_eq!(trend.device_time.to_string(), "2016-03-17T19:19:36");
        assert_eq!(trend.value("SPO2"), Some(Decimal::new(98, 0)));
        assert_eq!(trend.value("PI").map(|it| it.to_string()).as_deref(), Some("0.55"));
        assert_eq!((trend.value("SPCO"), trend.serial_number), (None, None));
        assert_eq!(trend.masks.get("EXC"), Some(&0xC00));
    }

    #[test]
    fn the_order_of_the_pairs_is_not_relied_on() {
        let trend = trend("05/15/07 08:12:21 BPM=061 NEW=1 SN=0000070986 SPO2=099");
        assert_eq!(trend.serial_number.as_deref(), Some("0000070986"));
        let values = trend.report().unwrap().result.unwrap();
        let values: Vec<_> = values.iter().map(|it| it.quantity.to_string()).collect();
        assert_eq!(values, ["99 %", "61 /min"]);
    }

    #[test]
    fn dashes_are_no_number() {
        let trend = trend("05/15/07 08:12:21 SPO2=---% BPM=--- PI=--.--% EXC=000000");
        assert!(trend.values.values().all(Option::is_none));
        assert_eq!(trend.report().unwrap().result, Err(NoResult::Absent));
    }

    #[test]
    fn a_value_that_is_not_needed_spoils_no_line() {
        let trend = trend("05/15/07 08:12:21 SPO2=099 BPM=061 SPHB=12.3g/dL ALARM=----");
        assert_eq!((trend.values.len(), trend.masks.len()), (2, 0));
        assert_eq!(trend.report().unwrap().result.unwrap().len(), 2);
    }

    #[test]
    fn without_a_sensor_there_is_no_value() {
        let report = |exceptions: &str| {
            let line = format!("05/15/07 08:12:21 SPO2=098% BPM=070 EXC={exceptions}");
            trend(&line).report().unwrap()
        };
        assert_eq!(report("000001").result, Err(NoResult::Absent));
        assert_eq!(report("000020").result, Err(NoResult::Absent));
        assert_eq!(report("000004").flags, BTreeSet::from([Flag::LowPerfusion]));
        assert_eq!(report("000000").flags, BTreeSet::new());
    }

    #[test]
    fn other_lines_are_refused() {
        for len in 0..44 {
            assert!(decode(LINE.as_bytes().get(..len).unwrap()).is_err(), "{len}");
        }
        for line in [
            "3/17/16 19:19:36 SPO2=098% BPM=123",
            "03/17/16 19:19 SPO2=098% BPM=123",
            "03/17/16 19:19:36 SPO2=0x8% BPM=123",
            "03/17/16 19:19:36 SPO2=098% BPM",
            "03/17/16 19:19:36 SPO2=098% BPM=123 EXC=+1",
            "03/17/16 19:19:36:00 SPO2=098% BPM=123",
        ] {
            assert!(decode(line.as_bytes()).is_err(), "{line}");
        }
        assert!(decode(&[0xFF, 0xFE]).is_err());
    }

    #[test]
    fn what_no_oximeter_shows_is_refused() {
        let refused = trend("03/17/16 19:19:36 SPO2=127% BPM=123").report();
        assert!(matches!(refused, Err(DecodeError::OutOfRange { .. })));
        let refused = trend("03/17/16 19:19:36 SPO2=98.5% BPM=12345678").report();
        assert!(matches!(refused, Err(DecodeError::OutOfRange { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(line: Vec<u8>) {
            let _trend = decode(&line);
        }

        #[test]
        fn no_line_panics(line in "[0-9/]{8} [0-9:]{8} SPO2=[0-9.%-]{0,40} BPM=[0-9.-]{0,40}") {
            if let Ok(trend) = decode(line.as_bytes()) {
                let _report = trend.report();
            }
        }
    }
}
