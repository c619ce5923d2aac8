use jiff::civil::date;

use super::*;
use crate::device::body_composition::BodyComposition;

/// Sixteen bytes that are easy to see.
const KEY: &str = "11112222333344445555666677778888";
const START: &str = "08 0000 0000 10 00 18";
const STARTED: [&str; 2] = ["18 8000 0000 10 0000 0094 7530 ffff ffff", "ffff ffff ffff 00 59"];
const READ_FIRST: &str = "08 0100 02e8 10 00 f3";
const SHUT: &str = "08 8f00 0000 00 02 85";

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

fn unit(model: OmronModel) -> Unit {
    let key = Key::try_from(hex(KEY)).ok();
    Unit::new(Omron { key, ..Omron::new(model) })
}

/// A unit whose memory is open.
fn open(model: OmronModel) -> Unit {
    let mut unit = unit(model);
    check_key(&mut unit, &format!("01{KEY}"), false, "8100");
    assert_ne!(unit.take_piece(0, &hex(START)), []);
    unit
}

#[track_caller]
fn check_key(unit: &mut Unit, written: &str, pairs: bool, begins: &str) {
    let answer = unit.take_key(&hex(written), pairs).unwrap();
    assert_eq!(hex::encode(answer), format!("{begins:0<34}"));
}

/// Checks the pieces of an answer, each without the zeros that fill it.
#[track_caller]
fn check(unit: &mut Unit, request: &str, expected: &[&str]) {
    let answer = unit.take_piece(0, &hex(request));
    let pieces: Vec<_> = answer.iter().map(|it| hex::encode(&it.payload)).collect();
    let expected: Vec<_> =
        expected.iter().map(|it| format!("{:0<32}", it.replace(' ', ""))).collect();
    assert_eq!(pieces, expected);
    let channels = answer.iter().map(|it| it.characteristic);
    assert!(channels.eq(ANSWERS.into_iter().take(expected.len())));
}

fn measure(unit: &mut Unit, measured: &Measurement) {
    let clock = date(2026, 6, 14).at(23, 45, 2, 0);
    let surroundings = Surroundings { clock, battery_percent: 100, sequence: 1 };
    unit.keep(measured, surroundings).unwrap();
}

#[test]
fn a_memory_is_read_between_start_and_end() {
    let mut unit = unit(OmronModel::Hem7530t);
    measure(&mut unit, &Measurement::blood_pressure(145, 91, 72));
    assert!(unit.has_news);
    check_key(&mut unit, &format!("01{KEY}"), false, "8100");
    check(&mut unit, START, &STARTED);
    // A block of sixteen bytes has the record and the beginning of the next place.
    let block = ["18 8100 02e8 10 5b78 9a48 19d7 1b42 0000", "00000000 ffff 00 05"];
    check(&mut unit, READ_FIRST, &block);
    assert!(unit.has_news && !unit.is_over());
    check(&mut unit, "08 0f00 0000 00 00 07", &["08 8f00 0000 00 00 87"]);
    assert!(!unit.has_news && unit.is_over());
    check(&mut unit, READ_FIRST, &[SHUT]);
    check(&mut unit, START, &STARTED);
    assert!(!unit.is_over());
}

#[test]
fn the_longest_read_takes_four_channels_and_a_longer_one_is_refused() {
    let mut unit = open(OmronModel::Hem7322t);
    measure(&mut unit, &Measurement::blood_pressure(145, 91, 72).by_user(2));
    let pieces = [
        "40 8100 0824 38 5b78 1a48 19d7 1b42 0000",
        "00000000 ffff ffff ffff ffff ffff ffff",
        "ffff ffff ffff ffff ffff ffff ffff ffff",
        "ffff ffff ffff ffff ffff ffff ffff 00 33",
    ];
    check(&mut unit, "08 0100 0824 38 00 1d", &pieces);
    check(&mut unit, "08 0100 0824 39 00 1c", &["08 8100 0824 39 01 9d"]);
    check(&mut unit, "08 0100 fff0 11 00 17", &["08 8100 fff0 11 01 96"]);
}

/// A capture of a newer cuff, whose answer names sixteen bytes and has none.
#[test]
fn a_hem_7361t_says_nothing_of_itself_at_a_start() {
    let mut unit = unit(OmronModel::Hem7361t);
    check_key(&mut unit, &format!("01{KEY}"), false, "8100");
    check(&mut unit, START, &["08 8000 0000 10 00 98"]);
}

#[test]
fn nothing_is_told_without_the_key_or_a_start() {
    let mut unit = unit(OmronModel::Hem7530t);
    for request in [START, READ_FIRST, "08 0f00 0000 00 00 07"] {
        check(&mut unit, request, &[SHUT]);
    }
    check_key(&mut unit, &format!("01{}", "00".repeat(16)), false, "8101");
    check(&mut unit, START, &[SHUT]);
    check_key(&mut unit, &format!("01{KEY}"), false, "8100");
    check(&mut unit, READ_FIRST, &[SHUT]);
    check(&mut unit, START, &STARTED);
    unit.begin_session();
    check(&mut unit, READ_FIRST, &[SHUT]);
}

#[test]
fn a_key_is_programmed_in_pairing_mode_alone() {
    let mut unit = Unit::new(Omron::new(OmronModel::Hem7530t));
    let (prepare, program) = (format!("02{}", "00".repeat(16)), format!("00{KEY}"));
    let show = format!("01{KEY}");
    check_key(&mut unit, &show, true, "8101");
    check_key(&mut unit, &program, true, "8001");
    check_key(&mut unit, &prepare, false, "8201");
    check_key(&mut unit, &program, false, "8001");
    check_key(&mut unit, &prepare, true, "8200");
    check_key(&mut unit, "00 1122", true, "8001");
    check_key(&mut unit, &prepare, true, "8200");
    check_key(&mut unit, &program, true, "8000");
    check(&mut unit, START, &STARTED);
    unit.begin_session();
    check_key(&mut unit, &show, false, "8100");
    check_key(&mut unit, "05", false, "8501");
    assert_eq!(unit.take_key(&[], true), None);
}

#[test]
fn a_request_with_a_wrong_check_or_of_another_kind_is_not_answered() {
    let mut unit = open(OmronModel::Hem7530t);
    check(&mut unit, "08 0100 02e8 10 00 f2", &[]);
    check(&mut unit, "08 0200 0000 00 00 0a", &[]);
}

#[test]
fn a_write_is_counted_carried_out_and_told_back() {
    let mut unit = open(OmronModel::Hem7530t);
    check(&mut unit, "0a 01c0 0102 02 aabb 00 db", &["0a 81c0 0102 02 aabb 00 5b"]);
    check(&mut unit, "08 0100 0101 04 00 0d", &["0c 8100 0101 04 ff aabb ff 00 98"]);
    assert_eq!(unit.n_writes, 1);
    unit.begin_session();
    check(&mut unit, "0a 01c0 0102 02 aabb 00 db", &[SHUT]);
    assert_eq!(unit.n_writes, 2, "one that is refused came as well");
}

#[test]
fn a_request_of_two_pieces_is_answered_when_both_came() {
    let mut unit = open(OmronModel::Hem7530t);
    let request = hex(&format!("18 01c0 0200 10 {} 00 cb", "22".repeat(16)));
    let (first, second) = request.split_at(16);
    assert_eq!(unit.take_piece(0, first), []);
    assert_eq!(unit.take_piece(1, second).len(), 2);
    let there = ["18 8100 0200 10 2222 2222 2222 2222 2222", "2222 2222 2222 00 8b"];
    check(&mut unit, "08 0100 0200 10 00 1b", &there);
}

#[test]
fn pieces_can_leave_from_the_last_channel_on() {
    let mut unit = open(OmronModel::Hem7530t);
    unit.order = PieceOrder::Backwards;
    let answer = unit.take_piece(0, &hex(READ_FIRST));
    let [second, first] = answer.as_slice() else { panic!("two pieces") };
    assert_eq!([second.characteristic, first.characteristic], [ANSWERS[1], ANSWERS[0]]);
    assert_eq!(first.payload.first(), Some(&0x18));
}

#[test]
fn a_scale_keeps_the_records_of_each_user_apart_and_none_of_a_failure() {
    let mut unit = open(OmronModel::Hbf702t);
    measure(&mut unit, &Measurement::body_composition(20, 70).by_user(4));
    measure(&mut unit, &Measurement::BodyComposition(BodyComposition::failed()));
    // Fat 20.0 % and visceral 8.0, 1520 kcal, no muscle, 2026, index 23.7, :45, 34 years, 06-14 23h.
    let block = ["14 8100 1432 0c 3210 5f02 001a 3b6d 2236", "75c2 00 2f"];
    check(&mut unit, "08 0100 1432 0c 00 23", &block);
    check(&mut unit, "08 0100 144a 02 00 55", &["0a 8100 144a 02 5780 00 00"]);
    check(&mut unit, "08 0100 1460 02 00 7f", &["0a 8100 1460 02 ffff 00 fd"]);
    check(&mut unit, "08 0100 02c0 02 00 c9", &["0a 8100 02c0 02 ffff 00 4b"]);
}
