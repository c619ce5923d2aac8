//! A spot check that was passed, until its record has come.

use std::collections::BTreeSet;

use super::Second;
use crate::clock::Stamp;
use crate::device::report::Report;

/// Records of a session that are told apart; the device has room for a few dozen.
const N_RECORDS_MAX: usize = 1000;

/// The last second that was good enough, and the records that came.
#[derive(Debug, Default)]
pub(crate) struct SpotCheck {
    passed: Option<Passed>,
    /// The last second was good enough: what follows it is the same spot check.
    is_on: bool,
    /// The records of the session: all of them come again whenever it is asked.
    records: BTreeSet<Vec<u8>>,
}

/// A second that was good enough.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) received: Stamp,
    pub(crate) raw: Vec<u8>,
    pub(crate) report: Report,
}

impl SpotCheck {
    /// Takes a second, with what it says.
    pub(crate) fn second(&mut self, second: Second, received: Stamp, raw: &[u8], report: Report) {
        let is_good = second.is_smart_point() && report.result.is_ok();
        let is_new = !std::mem::replace(&mut self.is_on, is_good);
        if is_good && (is_new || self.passed.is_some()) {
            self.passed = Some(Passed { received, raw: raw.to_vec(), report });
        }
    }

    /// Takes a record; one that had not come before is that of the spot check.
    pub(crate) fn recorded(&mut self, raw: &[u8]) {
        if self.records.contains(raw) {
            return;
        }
        if self.records.len() < N_RECORDS_MAX {
            self.records.insert(raw.to_vec());
        }
        self.passed = None;
    }

    /// The spot check that no record told, at the end of a session.
    pub(crate) fn release(&mut self) -> Option<Passed> {
        self.passed.take()
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_spot_check_without_a_record_is_the_last_of_its_seconds() {
        let mut check = SpotCheck::default();
        for (ms, hex) in [(0, POOR), (1000, GOOD), (2000, GOOD), (3000, POOR)] {
            second(&mut check, hex, ms);
        }
        assert_eq!(left(&mut check), Some(at_ms(2000)));
        assert_eq!(left(&mut check), None);
    }

    #[test]
    fn a_new_record_is_that_of_the_spot_check_and_of_the_seconds_behind_it() {
        let mut check = SpotCheck::default();
        check.recorded(&[1]);
        second(&mut check, GOOD, 0);
        check.recorded(&[1]);
        check.recorded(&[2]);
        second(&mut check, GOOD, 1000);
        assert_eq!(left(&mut check), None);
    }

    #[test]
    fn records_of_before_are_not_that_of_the_spot_check() {
        let mut check = SpotCheck::default();
        check.recorded(&[1]);
        second(&mut check, GOOD, 0);
        check.recorded(&[1]);
        assert_eq!(left(&mut check), Some(at_ms(0)));
    }

    #[test]
    fn the_next_finger_is_another_spot_check() {
        let mut check = SpotCheck::default();
        second(&mut check, GOOD, 0);
        check.recorded(&[1]);
        second(&mut check, POOR, 1000);
        second(&mut check, GOOD, 2000);
        assert_eq!(left(&mut check), Some(at_ms(2000)));
    }
}
