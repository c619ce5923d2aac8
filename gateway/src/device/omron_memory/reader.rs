//! The records in what a memory answers. What was asked is not looked at: each answer says where it is from.

use ::uuid::Uuid;

use super::Layout;
use super::pieces::Pieces;
use crate::device::error::DecodeError;
use crate::device::framing::Said;
use crate::device::omron_wlp::{Frame, READ_ANSWER};

/// Reads the answers of one session.
#[derive(Debug)]
pub(crate) struct Reader {
    layout: &'static Layout,
    pieces: Pieces,
    /// The address behind the last block.
    next: u16,
    /// The beginning of a record that the last block ended in.
    begun: Vec<u8>,
}

impl Reader {
    pub(crate) fn new(layout: &'static Layout) -> Self {
        Self { layout, pieces: Pieces::default(), next: 0, begun: Vec::new() }
    }

    /// Takes a piece of an answer; gives the records that are whole with it.
    pub(crate) fn push(&mut self, characteristic: Uuid, piece: &[u8]) -> Vec<Said> {
        let Some(whole) = self.pieces.push(characteristic, piece) else { return Vec::new() };
        match whole.frame {
            Ok(frame) if frame.kind == READ_ANSWER => self.block(&frame),
            Ok(_answer_without_records) => Vec::new(),
            Err(error) => vec![Said { raw: whole.raw, reports: Err(error) }],
        }
    }

    fn block(&mut self, frame: &Frame) -> Vec<Said> {
        let Some((user, into)) = self.layout.place(frame.address) else { return Vec::new() };
        let len = usize::from(self.layout.record.len_bytes());
        let mut rest: &[u8] = &frame.contents;
        if frame.address != self.next || into == 0 {
            // Of a record whose beginning is not known nothing is known.
            let over = usize::from(into).checked_rem(len).unwrap_or(0);
            let skipped = if over == 0 { 0 } else { len.saturating_sub(over) };
            self.begun.clear();
            rest = rest.get(skipped..).unwrap_or_default();
        }
        let read = u16::try_from(frame.contents.len()).unwrap_or(u16::MAX);
        self.next = frame.address.saturating_add(read);
        let known = [self.begun.as_slice(), rest].concat();
        let records = known.chunks_exact(len);
        self.begun = records.remainder().to_vec();
        let slot = self.layout.slot(user);
        records.filter_map(|raw| self.record(raw, slot)).collect()
    }

    fn record(&self, raw: &[u8], user_slot: Option<u8>) -> Option<Said> {
        let reports = match self.layout.record.report(raw) {
            Ok(mut report) => {
                report.user_slot = user_slot;
                Ok(vec![report])
            }
            Err(DecodeError::EmptySlot) => return None,
            Err(error) => Err(error),
        };
        Some(Said { raw: raw.to_vec(), reports })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vitals::{Measurement, Vital};

    use super::super::{ANSWERS, HEM_7142T2, HEM_7322T, HEM_7361T, HEM_7530T};
    use super::*;
    use crate::device::fixture::bytes;
    use crate::device::payload::exclusive_or;

    /// 145/91, pulse 72.
    const RECORD: &str = "5b781a4819d71b42000014006996";

    fn answer(address: u16, data: &[u8]) -> Vec<u8> {
        let len = u8::try_from(data.len()).unwrap();
        let [high, low] = address.to_be_bytes();
        let mut frame = vec![len.saturating_add(8), 0x81, 0x00, high, low, len];
        frame.extend(data);
        frame.push(0);
        frame.push(exclusive_or(&frame));
        frame
    }

    /// Takes an answer in pieces of 16 bytes.
    fn push(reader: &mut Reader, frame: &[u8]) -> Vec<Said> {
        let pieces = frame.chunks(16).zip(ANSWERS);
        pieces.flat_map(|(piece, channel)| reader.push(channel, piece)).collect()
    }

    /// Systolic pressures with the slots of their users.
    fn told(said: &[Said]) -> Vec<(String, Option<u8>)> {
        let reports = said.iter().flat_map(|it| it.reports.as_ref().unwrap());
        reports
            .map(|report| {
                let values = report.result.as_ref().unwrap();
                let is_systolic = |it: &&Measurement| it.vital == Vital::SystolicPressure;
                let systolic = values.iter().find(is_systolic).unwrap();
                (systolic.quantity.value().to_string(), report.user_slot)
            })
            .collect()
    }

    /// `n` records; the systolic pressure counts up from 101, from the first one.
    fn memory(n: u8) -> Vec<u8> {
        let record = |it: u8| {
            // Systolic pressures begin at 25.
            let [diastolic, _systolic, rest @ ..] = &*bytes(RECORD) else { unreachable!() };
            [&[*diastolic, 76_u8.saturating_add(it)], rest].concat()
        };
        (0..n).flat_map(record).collect()
    }

    fn systolic(first: u16, last: u16, slot: Option<u8>) -> Vec<(String, Option<u8>)> {
        (first..=last).map(|it| (it.to_string(), slot)).collect()
    }

    #[test]
    fn a_block_of_four_records_tells_four_with_their_user() {
        let mut reader = Reader::new(&HEM_7322T);
        let said = push(&mut reader, &answer(0x0824, &memory(4)));
        assert_eq!(told(&said), systolic(101, 104, Some(2)));
        assert_eq!(said.first().unwrap().raw.len(), 14);
    }

    #[test]
    fn records_go_over_the_ends_of_blocks() {
        let mut reader = Reader::new(&HEM_7530T);
        let memory = memory(8);
        let mut said = Vec::new();
        for (address, block) in (0x02E8..).step_by(16).zip(memory.chunks(16)) {
            said.extend(push(&mut reader, &answer(address, block)));
        }
        assert_eq!(told(&said), systolic(101, 108, None));
    }

    #[test]
    fn a_lost_block_loses_its_records_alone() {
        let mut reader = Reader::new(&HEM_7530T);
        let memory = memory(8);
        let mut said = Vec::new();
        for (address, block) in (0x02E8..).step_by(16).zip(memory.chunks(16)) {
            if address != 0x02E8 + 32 {
                said.extend(push(&mut reader, &answer(address, block)));
            }
        }
        // Of 32 to 47 the third and the fourth record have a part.
        let expected = [systolic(101, 102, None), systolic(105, 108, None)].concat();
        assert_eq!(told(&said), expected);
    }

    #[test]
    fn a_block_that_comes_twice_breaks_no_record() {
        let mut reader = Reader::new(&HEM_7530T);
        let memory = memory(8);
        let mut said = Vec::new();
        for (address, block) in (0x02E8..).step_by(16).zip(memory.chunks(16)) {
            for _twice in 0..2 {
                said.extend(push(&mut reader, &answer(address, block)));
            }
        }
        let mut told = told(&said);
        told.dedup();
        assert_eq!(told, systolic(101, 108, None));
    }

    #[test]
    fn empty_places_and_other_places_say_nothing() {
        let mut reader = Reader::new(&HEM_7361T);
        assert!(push(&mut reader, &answer(0x0098, &[0xFF; 16])).is_empty());
        assert!(push(&mut reader, &answer(0x0260, &[0x11; 0x26])).len() <= 2);
        assert!(push(&mut reader, &answer(0x0010, &[0x11; 16])).is_empty());
        assert!(push(&mut reader, &bytes("0880000000100098")).is_empty());
    }

    #[test]
    fn a_record_that_no_cuff_can_show_is_refused_with_its_bytes() {
        let mut reader = Reader::new(&HEM_7142T2);
        let said = push(&mut reader, &answer(0x02E8, &bytes("0a00621a72198c1180000e00eb14")));
        assert!(matches!(said.as_slice(), [Said { raw, reports: Err(_) }] if raw.len() == 14));
    }

    #[test]
    fn a_frame_with_a_wrong_sum_is_refused_and_no_record() {
        let mut frame = answer(0x02AC, &memory(4));
        frame.iter_mut().skip(20).take(1).for_each(|it| *it ^= 1);
        let said = push(&mut Reader::new(&HEM_7322T), &frame);
        assert!(matches!(
            said.as_slice(),
            [Said { reports: Err(DecodeError::Checksum { .. }), .. }]
        ));
    }

    proptest! {
        #[test]
        fn no_answers_panic_and_few_bytes_are_kept(
            blocks in prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u8>(), 0..56)), 0..16)
        ) {
            for layout in [&HEM_7322T, &HEM_7530T, &HEM_7361T, &HEM_7142T2, &super::super::HBF_702T] {
                let mut reader = Reader::new(layout);
                for (address, data) in &blocks {
                    let near = layout.users.first().unwrap().saturating_add(address % 64);
                    for at in [*address, near] {
                        let _said = push(&mut reader, &answer(at, data));
                        prop_assert!(reader.begun.len() < 48);
                    }
                }
            }
        }
    }
}
