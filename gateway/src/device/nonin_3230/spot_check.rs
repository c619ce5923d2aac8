//! A spot check that was passed, until its record has come.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use vitals::Measurement;

use super::Second;
use super::script::{Asking, is_response};
use crate::clock::Stamp;
use crate::device::item::Observation;
use crate::device::report::Report;

/// Records of a session that are told apart; the device has room for a few dozen.
const N_RECORDS_MAX: usize = 1000;

/// Time zones differ by a multiple of that.
const ZONES_APART_S: i64 = 15 * 60;
/// No time zone is farther from UTC.
const ZONE_MAX_S: i64 = 15 * 3600;
/// The clocks of hub and device differ at most by that: one sets the other.
const CLOCKS_APART_S: i64 = 120;

/// The second in which a spot check was passed, and the records that came.
#[derive(Debug, Default)]
pub(crate) struct SpotCheck {
    passed: Option<Passed>,
    /// The last second was good enough: what follows it is the same spot check.
    is_on: bool,
    /// What is asked meanwhile.
    asking: Asking,
    /// The records of the session: all of them come again whenever it is asked.
    records: BTreeSet<Vec<u8>>,
    /// What was told last without a record: that may come in a later session.
    told: Option<Told>,
}

/// A spot check that was told without its record.
#[derive(Debug)]
struct Told {
    values: Vec<Measurement>,
    at: Timestamp,
}

/// A second that was good enough.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) received: Stamp,
    pub(crate) raw: Vec<u8>,
    pub(crate) report: Report,
}

impl SpotCheck {
    /// Takes a second, with what it says. The first one that is good enough is that of the record.
    pub(crate) fn second(&mut self, second: Second, received: Stamp, raw: &[u8], report: Report) {
        let is_good = second.is_smart_point() && report.result.is_ok();
        let was_on = std::mem::replace(&mut self.is_on, is_good);
        if is_good && !was_on {
            self.passed = Some(Passed { received, raw: raw.to_vec(), report });
            self.asking.passed();
        }
    }

    /// Takes a word of the control point.
    pub(crate) fn controlled(&mut self, value: &[u8]) {
        if is_response(value) {
            self.asking.responded();
        }
    }

    /// Takes a record; whether it is news. A new one is that of the spot check, unless it was asked for
    /// before that was passed and has other values.
    pub(crate) fn recorded(&mut self, record: &Observation) -> bool {
        if self.records.contains(&record.raw) {
            return false;
        }
        if self.records.len() < N_RECORDS_MAX {
            self.records.insert(record.raw.clone());
        }
        if self.told.take_if(|it| it.is_of(record)).is_some() {
            return false;
        }
        let values = &record.values;
        let is_the_same = |it: &Passed| it.report.result.as_ref().is_ok_and(|it| it == values);
        if !self.asking.is_due || self.passed.as_ref().is_some_and(is_the_same) {
            self.passed = None;
        }
        true
    }

    /// Ends a session; gives the spot check that no record told.
    pub(crate) fn release(&mut self) -> Option<Passed> {
        let Self { passed, told, .. } = std::mem::take(self);
        let last = passed.as_ref().and_then(Told::of);
        self.told = last.or(told);
        passed
    }
}

impl Told {
    fn of(passed: &Passed) -> Option<Self> {
        let values = passed.report.result.as_ref().ok()?.clone();
        Some(Self { values, at: passed.received.wall })
    }

    /// Whether a record is that of it: its values, and its time by a clock of whatever zone.
    fn is_of(&self, record: &Observation) -> bool {
        let civil = record.device_time.and_then(|it| it.civil());
        let Some(Ok(at)) = civil.map(|it| TimeZone::UTC.to_timestamp(it)) else { return false };
        let ahead_s = at.duration_since(self.at).as_secs();
        let beyond_s = ahead_s.rem_euclid(ZONES_APART_S);
        let apart_s = beyond_s.min(ZONES_APART_S.saturating_sub(beyond_s));
        ahead_s.abs() <= ZONE_MAX_S && apart_s <= CLOCKS_APART_S && self.values == record.values
    }
}

#[cfg(test)]
mod tests {
    use vitals::{DeviceTime, ReadingKind};

    use super::*;
    use crate::device::fixture::{at_ms, bytes};
    use crate::device::nonin_3230::decode;

    const GOOD: &str = "0a141e00c8000c610048";
    const POOR: &str = "0a101e00c8000c610048";

    fn second(check: &mut SpotCheck, hex: &str, ms: u64) {
        let (raw, second) = (bytes(hex), decode(&bytes(hex)).unwrap());
        check.second(second, at_ms(ms), &raw, second.report().unwrap());
    }

    /// When the spot check was, that no record told.
    fn left(check: &mut SpotCheck) -> Option<Stamp> {
        check.release().map(|it| it.received)
    }

    /// A control point that has done what it was asked for.
    const RESPONSE: &[u8] = &[6, 0, 1, 1];

    /// A spot check in a session of which the first question is answered.
    fn begun() -> SpotCheck {
        let mut check = SpotCheck::default();
        check.controlled(RESPONSE);
        check
    }

    /// A record with those values, some seconds after the start of all tests, in a zone 2 h 15 min ahead.
    fn record(second: u8, values: &[Measurement]) -> Observation {
        let device_time =
            Some(DeviceTime { year: 2026, month: 3, day: 1, hour: 10, minute: 15, second });
        Observation {
            kind: ReadingKind::Oximetry,
            values: values.to_vec(),
            flags: BTreeSet::new(),
            device_time,
            user_slot: None,
            battery_percent: None,
            received: at_ms(0),
            raw: vec![second],
            is_live_stream: false,
            is_of_a_memory: false,
        }
    }

    fn values(hex: &str) -> Vec<Measurement> {
        decode(&bytes(hex)).unwrap().report().unwrap().result.unwrap()
    }

    #[test]
    fn a_record_that_comes_in_a_later_session_is_the_spot_check_that_was_told() {
        let mut check = begun();
        second(&mut check, GOOD, 0);
        assert!(left(&mut check).is_some());
        assert!(check.recorded(&record(1, &values("0a141e00c8000c600048"))), "other values");
        assert!(!check.recorded(&record(10, &values(GOOD))), "it was told");
        assert!(check.recorded(&record(11, &values(GOOD))), "once");
    }

    #[test]
    fn a_spot_check_without_a_record_is_the_first_of_its_seconds() {
        let mut check = begun();
        for (ms, hex) in [(0, POOR), (1000, GOOD), (2000, GOOD), (3000, POOR)] {
            second(&mut check, hex, ms);
        }
        assert_eq!(left(&mut check), Some(at_ms(1000)));
        assert_eq!(left(&mut check), None);
    }

    #[test]
    fn a_new_record_is_that_of_the_spot_check_and_of_the_seconds_behind_it() {
        let mut check = begun();
        assert!(check.recorded(&record(1, &[])));
        second(&mut check, GOOD, 0);
        assert!(!check.recorded(&record(1, &[])), "it had come before");
        assert!(check.recorded(&record(2, &[])));
        second(&mut check, GOOD, 1000);
        assert_eq!(left(&mut check), None);
    }

    #[test]
    fn records_of_before_are_not_that_of_the_spot_check() {
        let mut check = begun();
        check.recorded(&record(1, &[]));
        second(&mut check, GOOD, 0);
        check.recorded(&record(1, &[]));
        assert_eq!(left(&mut check), Some(at_ms(0)));
    }

    #[test]
    fn records_that_were_asked_for_before_it_was_passed_are_not_that_of_the_spot_check() {
        let mut check = SpotCheck::default();
        second(&mut check, GOOD, 0);
        assert!(check.recorded(&record(1, &[])));
        check.controlled(RESPONSE);
        assert!(check.passed.is_some());
        assert!(check.recorded(&record(2, &[])));
        assert_eq!(left(&mut check), None);
    }

    #[test]
    fn a_record_with_its_values_is_that_of_the_spot_check_whenever_it_was_asked_for() {
        let mut check = SpotCheck::default();
        second(&mut check, GOOD, 0);
        check.recorded(&record(1, &values(GOOD)));
        assert_eq!(left(&mut check), None);
    }

    #[test]
    fn the_next_finger_is_another_spot_check() {
        let mut check = begun();
        second(&mut check, GOOD, 0);
        check.recorded(&record(1, &[]));
        check.controlled(RESPONSE);
        second(&mut check, POOR, 1000);
        second(&mut check, GOOD, 2000);
        assert_eq!(left(&mut check), Some(at_ms(2000)));
    }
}
