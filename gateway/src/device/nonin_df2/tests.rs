use super::*;
use crate::device::fixture::{bytes, prefixes};

/// One frame with a true checksum.
pub(crate) fn frame(status: u8, pleth: u8, part: u8) -> Vec<u8> {
    let checksum = [0x01, status, pleth, part].into_iter().fold(0_u8, u8::wrapping_add);
    vec![0x01, status, pleth, part, checksum]
}

/// A packet with the same values in every averaging.
pub(crate) fn packet(saturation: u8, heart_rate: u16) -> Vec<u8> {
    packet_with(saturation, heart_rate, 0x82, 0)
}

/// A packet with a status in every frame and a second status.
pub(crate) fn packet_with(saturation: u8, heart_rate: u16, status: u8, status_2: u8) -> Vec<u8> {
    let [high, low] = (heart_rate << 1).to_be_bytes();
    let low = low >> 1;
    let part = |position: usize| match position {
        0 | 13 | 19 | 21 => high,
        1 | 14 | 20 | 22 => low,
        2 | 8 | 9 | 10 | 15 | 16 => saturation,
        7 => status_2,
        _reserved => 0,
    };
    let status_at = |position: usize| if position == 0 { status | 1 } else { status };
    (0..PACKET_N_FRAMES).flat_map(|it| frame(status_at(it), 60, part(it))).collect()
}

fn report(bytes: &[u8]) -> Report {
    Packet::decode(bytes).unwrap().report().unwrap()
}

#[track_caller]
fn check(bytes: &[u8], values: &[&str], flags: &[Flag]) {
    let report = report(bytes);
    let given: Vec<_> = report.result.unwrap().iter().map(|it| it.quantity.to_string()).collect();
    assert_eq!(given, values);
    assert_eq!(report.flags, flags.iter().copied().collect());
}

#[track_caller]
fn check_absent(bytes: &[u8]) {
    assert_eq!(report(bytes).result, Err(NoResult::Absent));
}

#[test]
fn a_frame_is_checked() {
    let decode = |hex: &str| Frame::decode(*bytes(hex).first_chunk().unwrap());
    assert_eq!(decode("01800148ca").unwrap().part, 0x48);
    let bad_sum = DecodeError::Checksum { found: 0xCB, computed: 0xCA };
    assert_eq!(decode("01800148cb"), Err(bad_sum));
    assert_eq!(decode("017f0148c9"), Err(DecodeError::Framing { field: "status", value: 0x7F }));
    assert_eq!(decode("02800148cb"), Err(DecodeError::Framing { field: "start byte", value: 2 }));
}

#[test]
fn a_packet_gives_what_the_screen_shows() {
    check(&packet(97, 72), &["97 %", "72 /min"], &[]);
}

#[test]
fn a_heart_rate_above_127_uses_both_bytes() {
    check(&packet(97, 128), &["97 %", "128 /min"], &[]);
    check(&packet(97, 300), &["97 %", "300 /min"], &[]);
    assert_eq!(Packet::decode(&packet(97, 510)).unwrap().beats.heart_rate, Some(510));
}

#[test]
fn missing_values_are_no_numbers() {
    check(&packet(97, 511), &["97 %"], &[]);
    check_absent(&packet(127, 72));
    check_absent(&packet(127, 511));
    check_absent(&packet(0, 0));
}

#[test]
fn without_a_sensor_on_the_finger_there_is_nothing() {
    check_absent(&packet_with(97, 72, 0xC0, 0));
    check_absent(&packet_with(97, 72, 0x88, 0));
}

#[test]
fn status_bits_become_words() {
    let values = ["97 %", "72 /min"];
    check(&packet_with(97, 72, 0x84, 0), &values, &[Flag::LowPerfusion]);
    check(&packet_with(97, 72, 0x86, 0), &values, &[Flag::PoorSignal]);
    check(&packet_with(97, 72, 0xA0, 0), &values, &[Flag::PoorSignal]);
    check(&packet_with(97, 72, 0x90, 0), &values, &[Flag::Questionable]);
    check(&packet_with(97, 72, 0x80, 0x21), &values, &[Flag::FullyQualified, Flag::BatteryLow]);
}

#[test]
fn a_saturation_above_all_is_refused() {
    let refused = Packet::decode(&packet(101, 72)).unwrap().report();
    assert!(matches!(refused, Err(DecodeError::OutOfRange { field: "SpO2", .. })));
}

#[test]
fn every_length_but_125_is_refused() {
    for prefix in prefixes(&hex::encode(packet(97, 72))) {
        assert!(matches!(Packet::decode(&prefix), Err(DecodeError::Truncated { .. })));
    }
    let longer = [packet(97, 72), vec![0]].concat();
    assert!(matches!(Packet::decode(&longer), Err(DecodeError::Trailing { n_trailing: 1, .. })));
}

#[test]
fn a_packet_begins_with_its_first_frame() {
    let rotated: Vec<u8> = packet(97, 72).into_iter().cycle().skip(5).take(125).collect();
    let refused = Packet::decode(&rotated);
    assert_eq!(refused, Err(DecodeError::ShortPacket { n_frames: 0, n_frames_expected: 25 }));
}
