use proptest::prelude::*;

use super::*;
use crate::device::fixture::{bytes, prefixes};
use crate::device::medfloat::NoValue;

/// Unit test of Nordic's libraries: 30 kg/L, five minutes before the base time.
const EVERY_FIELD: &str = "1b0100e307021b0b0a1efbff1e00120501";

/// One minute before midnight at the end of 2020, moved by so many minutes.
fn moved(offset: [u8; 2]) -> Glucose {
    let time = bytes("010100e4070c1f173b00");
    decode(&[time, offset.to_vec()].concat()).unwrap()
}

#[track_caller]
fn check_time(offset_min: i16, expected: Option<&str>) {
    let time = moved(offset_min.to_le_bytes()).user_facing_time();
    assert_eq!(time.map(|it| it.to_string()).as_deref(), expected);
}

#[test]
fn every_field_is_taken_in_its_place() {
    let it = decode(&bytes(EVERY_FIELD)).unwrap();
    assert_eq!((it.sequence, it.time_offset_min), (1, Some(-5)));
    assert_eq!(it.base_time.to_string(), "2019-02-27T11:10:30");
    let sample = it.sample.unwrap();
    assert_eq!(sample.concentration.unwrap().to_string(), "30");
    assert_eq!((sample.kind, sample.location), (2, 1));
    assert_eq!((it.status, it.is_molar, it.has_context), (Some(Status(261)), false, true));
}

#[test]
fn a_concentration_is_in_kilograms_or_moles_a_litre() {
    let meter = decode(&bytes("020100e40705150a1e2d6fb011")).unwrap();
    assert_eq!(meter.sample.unwrap().concentration.unwrap().to_string(), "0.00111");
    assert!(!meter.is_molar);
    assert!(decode(&bytes("060100e40705150a1e2d3ec011")).unwrap().is_molar);
}

#[test]
fn a_record_may_have_nothing_but_its_time() {
    let it = decode(&bytes("000100d0070102030405")).unwrap();
    assert_eq!((it.sample, it.status, it.has_context), (None, None, false));
    assert_eq!(it.user_facing_time().unwrap().to_string(), "2000-01-02T03:04:05");
}

#[test]
fn the_offset_moves_the_base_time() {
    check_time(0, Some("2020-12-31T23:59:00"));
    check_time(1, Some("2021-01-01T00:00:00"));
    check_time(-1440, Some("2020-12-30T23:59:00"));
    check_time(i16::MAX, None);
    check_time(i16::MIN, None);
    let undated =
        Glucose { base_time: DeviceTime { year: 0, ..moved([1, 0]).base_time }, ..moved([1, 0]) };
    assert_eq!(undated.user_facing_time(), Some(undated.base_time));
}

#[test]
fn control_solution_is_known_by_type_or_location() {
    let is_control = |hex: &str| decode(&bytes(hex)).unwrap().is_control_solution();
    assert!(is_control("020100d007010203040534111a"));
    assert!(is_control("020100d0070102030405341141"));
    assert!(!is_control("020100d0070102030405341111"));
    assert!(!is_control("000100d0070102030405"));
}

#[test]
fn special_codes_are_no_numbers() {
    let sample = |hex: &str| decode(&bytes(hex)).unwrap().sample.unwrap().concentration;
    assert_eq!(sample("020100d0070102030405ff0711"), Err(NoValue::NotANumber));
    assert_eq!(sample("020100d0070102030405fe0711"), Err(NoValue::AboveRange));
    assert_eq!(sample("020100d0070102030405020811"), Err(NoValue::BelowRange));
}

#[test]
fn every_length_but_the_promised_one_is_refused() {
    for prefix in prefixes(EVERY_FIELD) {
        assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
    }
    let longer = decode(&bytes("000100d007010203040500"));
    assert_eq!(longer, Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 11 }));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        if let Ok(decoded) = decode(&bytes) {
            let _time = decoded.user_facing_time();
        }
    }
}
