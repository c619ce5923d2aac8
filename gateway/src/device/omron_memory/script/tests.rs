use proptest::prelude::*;

use super::super::{ANSWERS, HBF_702T, HEM_7142T2, HEM_7322T, HEM_7361T, HEM_7530T, HEM_7600T};
use super::*;
use crate::device::fixture::bytes;

/// What is to be written now, and where.
#[track_caller]
fn asked(talk: &dyn Dialogue) -> (Uuid, String) {
    let Step::Ask(question) = talk.step() else { panic!("{:?}", talk.step()) };
    (question.characteristic, hex::encode(question.bytes))
}

/// A frame of the device.
fn frame(kind: [u8; 2], address: u16, len: u8, data: &[u8], code: u8) -> Vec<u8> {
    let [high, low] = address.to_be_bytes();
    let whole = u8::try_from(data.len()).unwrap().saturating_add(8);
    let mut frame = vec![whole, kind[0], kind[1], high, low, len];
    frame.extend(data);
    frame.push(code);
    frame.push(exclusive_or(&frame));
    frame
}

/// Whether a value is an answer.
fn answers(talk: &mut dyn Dialogue, characteristic: Uuid, value: &[u8]) -> bool {
    talk.hear(characteristic, value) == Heard::Answer
}

/// Says a frame in pieces; whether it was an answer.
fn say(talk: &mut dyn Dialogue, frame: &[u8]) -> bool {
    frame.chunks(16).zip(ANSWERS).any(|(piece, channel)| answers(talk, channel, piece))
}

/// A talk that has begun to read.
fn reading(layout: &Layout) -> Box<dyn Dialogue> {
    let mut talk = layout.begin();
    let opened = match layout.lock {
        Lock::Key => bytes("8100"),
        Lock::Token => [&[0x91, 0x00], &TOKEN[..4]].concat(),
    };
    assert!(answers(&mut *talk, UNLOCK, &opened));
    assert!(say(&mut *talk, &frame(BEGIN_ANSWER, 0, 0, &[], 0)));
    talk
}

/// Answers every read with zeros; the addresses and lengths that were read.
fn read_all(talk: &mut dyn Dialogue) -> Vec<(u16, u8)> {
    let mut read = Vec::new();
    while let Step::Ask(Question { bytes, .. }) = talk.step() {
        let [8, 0x01, 0x00, high, low, len, 0, _sum] = *bytes.as_slice() else { break };
        let address = u16::from_be_bytes([high, low]);
        read.push((address, len));
        let data = vec![0; len.into()];
        assert!(say(talk, &frame(READ_ANSWER, address, len, &data, 0)));
    }
    read
}

#[test]
fn a_session_opens_reads_and_ends() {
    let mut talk = HEM_7600T.begin();
    assert_eq!(asked(&*talk), (UNLOCK, "01766974616c676174652d6875622d3031".to_owned()));
    assert!(answers(&mut *talk, UNLOCK, &bytes("8100")));
    assert_eq!(asked(&*talk), (QUESTIONS, "0800000000100018".to_owned()));
    assert!(say(&mut *talk, &bytes("0880000000100098")));
    assert_eq!(asked(&*talk), (QUESTIONS, "08010002ac38009f".to_owned()));
    let read = read_all(&mut *talk);
    assert_eq!(
        (read.len(), read.first(), read.last()),
        (25, Some(&(0x02AC, 0x38)), Some(&(0x07EC, 0x38)))
    );
    assert_eq!(asked(&*talk), (QUESTIONS, "080f000000000007".to_owned()));
    assert!(say(&mut *talk, &bytes("088f000000000087")));
    assert_eq!(talk.step(), Step::Done);
}

#[test]
fn every_place_of_every_user_is_read_once() {
    for layout in [HEM_7322T, HEM_7530T, HEM_7361T, HEM_7142T2, HBF_702T] {
        let read = read_all(&mut *reading(&layout));
        let mut expected: Vec<u16> = Vec::new();
        for begin in layout.users {
            expected.extend(*begin..begin + layout.user_len_bytes());
        }
        let bytes: Vec<u16> = read.iter().flat_map(|(at, len)| *at..at + u16::from(*len)).collect();
        assert_eq!(bytes, expected);
    }
}

#[test]
fn a_pairing_teaches_the_key_and_reads_nothing() {
    let mut talk = Introduction.begin();
    assert_eq!(asked(&*talk), (UNLOCK, "0200000000000000000000000000000000".to_owned()));
    assert!(!answers(&mut *talk, UNLOCK, &bytes("8201")), "it is not ready");
    assert!(answers(&mut *talk, UNLOCK, &bytes("8200")));
    assert_eq!(asked(&*talk), (UNLOCK, "00766974616c676174652d6875622d3031".to_owned()));
    assert!(answers(&mut *talk, UNLOCK, &bytes("8000")));
    assert!(say(&mut *talk, &frame(BEGIN_ANSWER, 0, 0, &[], 0)));
    assert_eq!(asked(&*talk), (QUESTIONS, "080f000000000007".to_owned()));
    assert!(say(&mut *talk, &bytes("088f000000000087")));
    assert_eq!(talk.step(), Step::Done);
}

#[track_caller]
fn fails(talk: &dyn Dialogue, why: &str) {
    assert!(matches!(talk.step(), Step::Failed(it) if it.contains(why)), "{:?}", talk.step());
}

#[test]
fn a_key_that_it_does_not_know_and_one_that_it_does_not_learn_end_the_talk() {
    let mut talk = HEM_7322T.begin();
    assert!(answers(&mut *talk, UNLOCK, &bytes("8101")));
    fails(&*talk, "does not know this hub's key, code 0x01: pair it again");
    let mut talk = Introduction.begin();
    assert!(
        answers(&mut *talk, UNLOCK, &bytes("8200")) && answers(&mut *talk, UNLOCK, &bytes("8004"))
    );
    fails(&*talk, "did not learn the hub's key, code 0x04");
}

#[test]
fn a_token_is_repeated_or_is_no_answer() {
    let mut talk = HEM_7142T2.begin();
    let expected = format!("11{}{}", hex::encode("vita"), "00".repeat(15));
    assert_eq!(asked(&*talk), (UNLOCK, expected));
    assert!(!answers(&mut *talk, UNLOCK, &bytes("910001020304")));
    assert!(!answers(&mut *talk, UNLOCK, &bytes("9100")));
    assert!(answers(&mut *talk, UNLOCK, &[0x91, 0x00, b'v', b'i', b't', b'a', 0, 0]));
    assert_eq!(asked(&*talk).0, QUESTIONS);
}

#[test]
fn an_answer_for_another_place_or_without_all_its_data_is_none() {
    let mut talk = reading(&HEM_7322T);
    let (first, data) = (0x02AC, [0; 0x38]);
    assert!(!say(&mut *talk, &frame(READ_ANSWER, first + 1, 0x38, &data, 0)));
    assert!(!say(&mut *talk, &frame(READ_ANSWER, first, 0x37, &data[1..], 0)));
    assert!(!say(&mut *talk, &frame(READ_ANSWER, first, 0x38, &[], 0)), "cut off");
    let mut bad = frame(READ_ANSWER, first, 0x38, &data, 0);
    bad.iter_mut().skip(30).take(1).for_each(|it| *it ^= 1);
    assert!(!say(&mut *talk, &bad));
    assert_eq!(asked(&*talk).1, "08010002ac38009f");
    assert!(say(&mut *talk, &frame(READ_ANSWER, first, 0x38, &data, 0)));
    assert_eq!(asked(&*talk).1, "08010002e43800d7");
}

#[test]
fn a_user_whose_records_it_keeps_to_itself_is_passed_over() {
    let mut talk = reading(&HEM_7322T);
    assert!(say(&mut *talk, &frame(READ_ANSWER, 0x02AC, 0x38, &[], 0xE3)));
    assert_eq!(read_all(&mut *talk).first(), Some(&(0x0824, 0x38)));
    assert!(say(&mut *talk, &frame(END_ANSWER, 0, 0, &[], 0)));
    assert_eq!(talk.step(), Step::Done);
}

#[test]
fn records_of_nobody_are_a_failure() {
    let mut talk = reading(&HEM_7600T);
    assert!(say(&mut *talk, &frame(READ_ANSWER, 0x02AC, 0x38, &[], 0xE3)));
    assert!(say(&mut *talk, &frame(END_ANSWER, 0, 0, &[], 0)));
    fails(&*talk, "kept the records of every user to itself");
}

#[test]
fn records_that_it_stops_telling_are_a_failure_behind_those_of_the_others() {
    let mut talk = reading(&HEM_7322T);
    assert!(say(&mut *talk, &frame(READ_ANSWER, 0x02AC, 0x38, &[0; 0x38], 0)));
    assert!(say(&mut *talk, &frame(READ_ANSWER, 0x02E4, 0x38, &[], 0xE3)));
    assert_eq!(read_all(&mut *talk).first(), Some(&(0x0824, 0x38)));
    assert!(say(&mut *talk, &frame(END_ANSWER, 0, 0, &[], 0)));
    fails(&*talk, "did not tell all records of user 1, code 0xe3");
}

#[test]
fn a_part_of_an_answer_is_heard_as_one() {
    let mut talk = reading(&HEM_7600T);
    let block = frame(READ_ANSWER, 0x02AC, 0x38, &[0; 0x38], 0);
    let heard: Vec<_> = block.chunks(16).zip(ANSWERS).map(|(it, at)| talk.hear(at, it)).collect();
    assert_eq!(heard, [Heard::Part, Heard::Part, Heard::Part, Heard::Answer]);
}

#[test]
fn a_refusal_ends_the_talk_with_its_code() {
    let mut talk = reading(&HEM_7600T);
    assert!(say(&mut *talk, &frame(END_ANSWER, 0, 0, &[], 0x12)));
    fails(&*talk, "refused to be read, code 0x12");
    let mut talk = reading(&HEM_7600T);
    read_all(&mut *talk);
    assert!(say(&mut *talk, &frame(END_ANSWER, 0, 0, &[], 0x03)));
    fails(&*talk, "says that reading it failed, code 0x03");
}

/// Values of a device that may say anything, and often what it should.
fn said() -> impl Strategy<Value = (Uuid, Vec<u8>)> {
    let unlock = prop::sample::select(vec!["8200", "8000", "8100", "8101", "910076697461", "82"]);
    let unlock = unlock.prop_map(|it| (UNLOCK, bytes(it)));
    let kind = prop::sample::select(vec![BEGIN_ANSWER, READ_ANSWER, END_ANSWER]);
    let places: Vec<u16> = (0x02AC..0x04AC).step_by(0x38).collect();
    let near = (kind, prop::sample::select(places), any::<bool>(), any::<u8>());
    let near = near.prop_map(|(kind, address, is_refused, code)| {
        let data = if is_refused { vec![] } else { vec![0x55; 0x38] };
        (ANSWERS[0], frame(kind, address, 0x38, &data, code))
    });
    let any_value = (prop::sample::select(&ANSWERS), any::<Vec<u8>>());
    prop_oneof![unlock, near, any_value]
}

proptest! {
    #[test]
    fn whatever_is_answered_nothing_but_reads_and_its_own_key_is_ever_written(
        values in prop::collection::vec(said(), 0..64)
    ) {
        let scripts: [&dyn Script; 3] = [&HEM_7322T, &HEM_7142T2, &Introduction];
        for script in scripts {
            let mut talk = script.begin();
            for (characteristic, value) in &values {
                talk.hear(*characteristic, value);
                let Step::Ask(Question { characteristic, bytes }) = talk.step() else { break };
                let is_harmless = if characteristic == UNLOCK {
                    bytes.get(1..).is_some_and(|it| it == KEY || it == TOKEN || it == [0; 16])
                } else {
                    let is_known = matches!(*bytes, [8, 0x00 | 0x01 | 0x0F, 0x00, _, _, _, 0, _]);
                    characteristic == QUESTIONS && is_known && exclusive_or(&bytes) == 0
                };
                prop_assert!(is_harmless, "{bytes:02X?}");
            }
        }
    }
}
