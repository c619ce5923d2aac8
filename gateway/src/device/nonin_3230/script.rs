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
        Box::new(Talk { is_asking: true, is_passed: false })
    }
}

#[derive(Debug)]
struct Talk {
    is_asking: bool,
    /// The last second was good enough.
    is_passed: bool,
}

impl Dialogue for Talk {
    fn step(&self) -> Step {
        if self.is_asking {
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
            if !was_passed && self.is_passed && !self.is_asking {
                self.is_asking = true;
                return Heard::Answer;
            }
            return Heard::Nothing;
        }
        match value {
            [RESPONSE, ..] if characteristic == RECORD_ACCESS && self.is_asking => {
                self.is_asking = false;
                Heard::Answer
            }
            _ if characteristic == RECORD && self.is_asking => Heard::Part,
            _ => Heard::Nothing,
        }
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
    fn nonsense_is_no_spot_check() {
        let mut talk = SpotChecks.begin();
        assert_eq!(talk.hear(EACH_SECOND, &[10, 0x14]), Heard::Nothing);
        assert_eq!(talk.hear(Uuid::nil(), &[6, 0, 1, 1]), Heard::Nothing);
        assert_eq!(talk.hear(RECORD_ACCESS, &[]), Heard::Nothing);
    }
}
