//! Heart Rate Measurement (0x2A37).
//!
//! ```text
//! offset  size  field
//! 0       1     flags       bit 0 rate is LE16, 1 contact found, 2 contact told, 4 RR intervals
//! 1       1, 2  heart rate  per minute
//! +0      2 n   RR intervals, LE16, 1/1024 s, to the end
//! ```

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use super::kind::Record;
use super::oximetry::USUALLY_WORN;
use crate::gatt::{Characteristic, Service, short};

/// Heart Rate Service.
pub const SERVICE: Uuid = short(0x180D);
/// Heart Rate Measurement.
pub const MEASUREMENT: Uuid = short(0x2A37);

/// One time that somebody wears a heart rate belt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HeartRate {
    /// Beats per minute.
    pub bpm: u16,
    /// How long the belt is worn, in simulated time.
    pub worn: Duration,
}

impl HeartRate {
    /// A heart rate in beats per minute; the belt is worn for 20 s.
    #[must_use]
    pub fn new(bpm: u16) -> Self {
        Self { bpm, worn: USUALLY_WORN }
    }
}

impl fmt::Display for HeartRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "heart rate {}", self.bpm)
    }
}

/// The services of a belt besides those that every device has.
#[must_use]
pub fn services() -> Vec<Service> {
    // Sensor location: chest.
    let location = Characteristic::fixed(short(0x2A38), [1]);
    let characteristics = vec![Characteristic::notify(MEASUREMENT), location];
    vec![Service { uuid: SERVICE, characteristics }]
}

/// Writes a value a second for as long as the belt is worn, each with one RR interval.
pub(super) fn records(heart_rate: &HeartRate) -> Vec<Record> {
    let interval = (60_u16 * 1024).checked_div(heart_rate.bpm);
    let payload = encode(heart_rate.bpm, Some(true), interval.as_slice());
    (1..=heart_rate.worn.as_secs())
        .map(|second| Record::live(MEASUREMENT, payload.clone(), Duration::from_secs(second)))
        .collect()
}

/// Writes one value: beats per minute, whether skin contact was found if the belt tells it, and
/// intervals between beats in 1/1024 s.
#[must_use]
pub fn encode(bpm: u16, contact: Option<bool>, intervals: &[u16]) -> Vec<u8> {
    let rate = match u8::try_from(bpm) {
        Ok(narrow) => vec![narrow],
        Err(_too_large) => bpm.to_le_bytes().to_vec(),
    };
    let contact_bits = match contact {
        None => 0x00,
        Some(false) => 0x04,
        Some(true) => 0x06,
    };
    let width = if rate.len() == 2 { 0x01 } else { 0x00 };
    let has_intervals = if intervals.is_empty() { 0x00 } else { 0x10 };
    let mut bytes = vec![width | contact_bits | has_intervals];
    bytes.extend(rate);
    bytes.extend(intervals.iter().flat_map(|interval| interval.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bpm: u16, contact: Option<bool>, intervals: &[u16], expected: &str) {
        assert_eq!(hex::encode(encode(bpm, contact, intervals)), expected);
    }

    /// Captures of a Polar H7 and an H10; e-learn.cn/qa/answer/1013198 and
    /// stackoverflow.com/questions/67024800.
    #[test]
    fn captures_of_belts_are_reproduced() {
        check(77, Some(true), &[790], "164d1603");
        check(59, None, &[1107], "103b5304");
    }

    /// A capture with two beats in one value; codewithsundeep.com/discussion/solution/33917836.
    #[test]
    fn several_intervals_follow_each_other() {
        check(119, Some(true), &[520, 520], "167708020802");
    }

    /// Unit tests of github:NordicSemiconductor/Android-BLE-Common-Library
    /// (`HeartRateMeasurementDataCallbackTest`) and github:eisaev/blevalueparser.
    #[test]
    fn a_rate_above_255_takes_two_bytes() {
        check(85, None, &[], "0055");
        check(255, Some(false), &[], "04ff");
        check(426, None, &[], "01aa01");
    }

    #[test]
    fn the_interval_of_a_worn_belt_fits_its_rate() {
        let records = records(&HeartRate::new(60));
        assert_eq!(records.len(), 20);
        assert!(records.iter().all(|it| it.payload == [0x16, 60, 0x00, 0x04] && !it.stored));
    }
}
