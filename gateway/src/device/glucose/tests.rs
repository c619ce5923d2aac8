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

/// A record of blood with this concentration, status and unit flag.
fn report_of(concentration: &str, status: &str, unit: u8) -> Result<Report, DecodeError> {
    let head = [0x0A | unit, 0x01, 0x00];
    let rest = bytes(&format!("e40705150a1e2d{concentration}11{status}"));
    decode(&[head.to_vec(), rest].concat())?.report()
}

#[track_caller]
fn check(concentration: &str, unit: u8, expected: &str) {
    let values = report_of(concentration, "0000", unit).unwrap().result.unwrap();
    let values: Vec<_> = values.iter().map(|it| it.quantity.to_string()).collect();
    assert_eq!(values, [expected]);
}

#[track_caller]
fn check_failed(concentration: &str, status: &str, expected: &[FailureReason]) {
    let report = report_of(concentration, status, 0).unwrap();
    assert_eq!(report.result, Err(NoResult::Failed(expected.to_vec())), "{status}");
}

#[test]
fn the_decimal_point_moves_and_no_digit_changes() {
    check("6fb0", 0, "111 mg/dL");
    check("0bc0", 0, "110 mg/dL");
    check("57a4", 0, "111.1 mg/dL");
    check("3ec0", 4, "6.2 mmol/L");
    check("06d0", 4, "6 mmol/L");
    check("6eb2", 4, "6.22 mmol/L");
}

#[test]
fn a_result_beyond_the_meter_is_no_number_and_a_person_is_told() {
    check_failed("6fb0", "2000", &[FailureReason::AboveRange]);
    check_failed("6fb0", "4000", &[FailureReason::BelowRange]);
    check_failed("fe07", "0000", &[FailureReason::AboveRange]);
    check_failed("ff07", "0000", &[FailureReason::NoValue]);
    check_failed("0000", "0000", &[FailureReason::NoValue]);
}

#[test]
fn a_doubtful_measurement_has_failed_and_says_why() {
    check_failed("6fb0", "0501", &[FailureReason::SampleTooSmall, FailureReason::TooCold]);
    check_failed("6fb0", "0002", &[FailureReason::StripPulled]);
    check_failed("6fb0", "1800", &[FailureReason::StripInsertion, FailureReason::StripUnsuitable]);
    check_failed("6fb0", "0204", &[FailureReason::Malfunction]);
    check_failed("6fb0", "8000", &[FailureReason::TooWarm]);
}

#[test]
fn a_low_battery_and_a_wrong_clock_spoil_no_value() {
    let report = report_of("6fb0", "0108", 0).unwrap();
    assert!(report.result.is_ok());
    assert_eq!(report.flags, [Flag::BatteryLow, Flag::DeviceClockNotSet].into());
}

#[test]
fn control_solution_is_nobodys_glucose() {
    for hex in ["020100d00701020304056fb01a", "020100d00701020304056fb041"] {
        assert_eq!(decode(&bytes(hex)).unwrap().report().unwrap().result, Err(NoResult::Absent));
    }
}

#[test]
fn what_no_meter_shows_is_refused() {
    let refused = report_of("1e00", "0000", 0);
    assert!(matches!(refused, Err(DecodeError::OutOfRange { field: "glucose", .. })));
    assert!(matches!(report_of("ff7f", "0000", 4), Err(DecodeError::OutOfRange { .. })));
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
            let _report = decoded.report();
        }
    }
}
