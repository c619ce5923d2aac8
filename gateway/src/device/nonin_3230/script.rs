//! When a Nonin 3230 is asked for its records: at the beginning of a session, for those of the time
//! without a hub, and again as soon as a spot check was passed.

use ::uuid::Uuid;

use super::EACH_SECOND;
use crate::device::catalogue::{characteristic, sig_uuid};
use crate::device::record_access::REPORT_ALL;
use crate::link::dialogue::{Dialogue, Heard, Question, Script, Step};

const RECORD_ACCESS: Uuid = sig_uuid(characteristic::RECORD_ACCESS);
const RECORD: Uuid = sig_uuid(characteristic::PLX_SPOT_CHECK);
/// First byte of an answer of the control point.
const RESPONSE: u8 = 0x06;

/// The script of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpotChecks;

impl Script for SpotChecks {
    fn begin(&self) -> Box<dyn Dialogue> {
        Box::new(Talk { asking: Asking::default(), is_passed: false })
    }
}

/// When it is asked. A spot check that is passed while a question is open is asked about behind it.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) is_open: bool,
    pub(super) is_due: bool,
}

impl Default for Asking {
    /// At the beginning of a session.
    fn default() -> Self {
        Self { is_open: true, is_due: false }
    }
}

impl Asking {
    /// A spot check was passed.
    pub(super) const fn passed(&mut self) {
        self.is_due = self.is_open;
        self.is_open = true;
    }

    /// What was asked is answered.
    pub(super) const fn responded(&mut self) {
        self.is_open = self.is_due;
        self.is_due = false;
    }
}

/// Whether a value of the control point answers what was asked.
pub(super) fn is_response(value: &[u8]) -> bool {
    value.first() == Some(&RESPONSE)
}

#[derive(Debug)]
struct Talk {
    asking: Asking,
    /// The last second was good enough.
    is_passed: bool,
}

impl Dialogue for Talk {
    fn step(&self) -> Step {
        if self.asking.is_open {
            let bytes = REPORT_ALL.to_vec();
            Step::Ask(Question { characteristic: RECORD_ACCESS, bytes })
        } else {
            Step::Done
        }
    }

    fn hear(&mut self, characteristic: Uuid, value: &[u8]) -> Heard {
        if characteristic == EACH_SECOND {
            let Ok(second) = super::decode(value) else { return Heard::Nothing };
            let was_passed = std::mem::replace(&mut self.is_passed, second.is_smart_point());
            if was_passed || !self.is_passed {
                return Heard::Nothing;
            }
            let was_open = self.asking.is_open;
            self.asking.passed();
            return if was_open { Heard::Nothing } else { Heard::Answer };
        }
        match characteristic {
            RECORD_ACCESS if self.asking.is_open && is_response(value) => {
                self.asking.responded();
                Heard::Answer
            }
            RECORD if self.asking.is_open => Heard::Part,
            _ => Heard::Nothing,
        }
    }

    /// Without records there is what it tells each second.
    fn give_up(&mut self) -> bool {
        self.asking = Asking { is_open: false, is_due: false };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::fixture::bytes;

    const GOOD: &str = "0a141e00c8000c610048";
    const POOR: &str = "0a101e00c8000c610048";

    #[test]
    fn records_are_asked_for_at_the_beginning_and_after_each_spot_check() {
        let mut talk = SpotChecks.begin();
        let asks = Step::Ask(Question { characteristic: RECORD_ACCESS, bytes: vec![1, 1] });
        assert_eq!(talk.step(), asks);
        assert_eq!(talk.hear(RECORD, &[0x1E]), Heard::Part);
        assert_eq!(talk.hear(RECORD_ACCESS, &[6, 0, 1, 1]), Heard::Answer);
        assert_eq!(talk.step(), Step::Done);
        for _finger in 0..2 {
            assert_eq!(talk.hear(EACH_SECOND, &bytes(POOR)), Heard::Nothing);
            assert_eq!(talk.hear(EACH_SECOND, &bytes(GOOD)), Heard::Answer);
            assert_eq!(talk.step(), asks);
            assert_eq!(talk.hear(EACH_SECOND, &bytes(GOOD)), Heard::Nothing);
            assert_eq!(talk.hear(RECORD_ACCESS, &[6, 0, 1, 6]), Heard::Answer);
            assert_eq!(talk.hear(EACH_SECOND, &bytes(GOOD)), Heard::Nothing);
            assert_eq!(talk.step(), Step::Done);
        }
    }

    #[test]
    fn a_spot_check_that_is_passed_while_it_is_asked_is_asked_about_behind_that() {
        let mut talk = SpotChecks.begin();
        assert_eq!(talk.hear(EACH_SECOND, &bytes(GOOD)), Heard::Nothing);
        assert_eq!(talk.hear(RECORD_ACCESS, &[6, 0, 1, 1]), Heard::Answer);
        assert!(matches!(talk.step(), Step::Ask(_)), "once more");
        assert_eq!(talk.hear(RECORD_ACCESS, &[6, 0, 1, 1]), Heard::Answer);
        assert_eq!(talk.step(), Step::Done);
    }

    #[test]
    fn it_goes_on_without_records() {
        let mut talk = SpotChecks.begin();
        assert!(talk.give_up());
        assert_eq!(talk.step(), Step::Done);
    }

    #[test]
    fn nonsense_is_no_spot_check() {
        let mut talk = SpotChecks.begin();
        assert_eq!(talk.hear(EACH_SECOND, &[10, 0x14]), Heard::Nothing);
        assert_eq!(talk.hear(Uuid::nil(), &[6, 0, 1, 1]), Heard::Nothing);
        assert_eq!(talk.hear(RECORD_ACCESS, &[]), Heard::Nothing);
    }
}
