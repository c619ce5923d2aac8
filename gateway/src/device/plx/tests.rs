use proptest::prelude::*;

use super::*;
use crate::device::fixture::{bytes, prefixes};

/// Every field of a spot check.
const SPOT: &str = "0f62004800e807060f11111b000100000066e3";
/// Every field of a continuous measurement.
const CONTINUOUS: &str = "1fdef3caf3caf35af5d4f3b2f220010000007ae3";

fn spot(status: u16, device_status: u32) -> Result<Report, DecodeError> {
    let mut bytes = bytes("0662004800");
    bytes.extend(status.to_le_bytes());
    bytes.extend(device_status.to_le_bytes().into_iter().take(3));
    decode_spot_check(&bytes)?.report()
}

#[track_caller]
fn check(report: &Report, expected: &[&str]) {
    let values = report.result.as_ref().unwrap();
    let values: Vec<_> = values.iter().map(|it| it.quantity.to_string()).collect();
    assert_eq!(values, expected);
}

#[track_caller]
fn check_status(status: u16, device_status: u32, expected: &[Flag]) {
    let report = spot(status, device_status).unwrap();
    check(&report, &["98 %", "72 /min"]);
    assert_eq!(report.flags, expected.iter().copied().collect());
}

#[track_caller]
fn check_failed(status: u16, device_status: u32, expected: FailureReason) {
    let report = spot(status, device_status).unwrap();
    assert_eq!(report.result, Err(NoResult::Failed(vec![expected])));
}

#[test]
fn a_continuous_measurement_gives_its_normal_values() {
    let decoded = decode_continuous(&bytes(CONTINUOUS)).unwrap();
    check(&decoded.report().unwrap(), &["99.0 %", "97.0 /min", "8.90 %"]);
    assert_eq!(decoded.fast.unwrap().pulse.unwrap().to_string(), "137.0");
}

#[test]
fn a_spot_check_has_a_time_and_may_disown_it() {
    let decoded = decode_spot_check(&bytes("1162004800e807060f11111b")).unwrap();
    let report = decoded.report().unwrap();
    check(&report, &["98 %", "72 /min"]);
    assert_eq!(report.device_time.unwrap().to_string(), "2024-06-15T17:17:27");
    assert_eq!(report.flags, BTreeSet::from([Flag::DeviceClockNotSet]));
}

#[test]
fn every_length_but_the_promised_one_is_refused() {
    for prefix in prefixes(CONTINUOUS) {
        let refused = decode_continuous(&prefix);
        assert!(matches!(refused, Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
    }
    let refused = decode_continuous(&bytes("006200480000"));
    assert_eq!(refused, Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 6 }));
    let longer = bytes(&format!("{SPOT}00"));
    assert_eq!(
        decode_spot_check(&longer),
        Err(DecodeError::Trailing { n_trailing: 1, len_bytes: longer.len() })
    );
    for prefix in prefixes(SPOT) {
        let refused = decode_spot_check(&prefix);
        assert!(matches!(refused, Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
    }
}

#[test]
fn status_bits_become_words() {
    check_status(0, 0, &[]);
    check_status(1 << 5, 1, &[]);
    check_status(0x001F, 0x00FF_0000, &[]);
    check_status(1 << 6, 0, &[Flag::EarlyEstimate]);
    check_status(1 << 8 | 1 << 9, 0, &[Flag::FullyQualified, Flag::FromStorage]);
    check_status(1 << 14, 1 << 5, &[Flag::LowPerfusion, Flag::Questionable]);
    check_status(0, 1 << 1, &[Flag::EquipmentMalfunction]);
    check_status(0, 1 << 4, &[Flag::PoorSignal]);
}

#[test]
fn a_sensor_off_the_body_measures_nothing() {
    check_failed(0, 1 << 11, FailureReason::SensorOff);
    check_failed(0, 1 << 13, FailureReason::SensorOff);
    check_failed(0, 1 << 15, FailureReason::SensorOff);
}

#[test]
fn what_the_device_disowns_is_no_reading() {
    check_failed(1 << 13, 0, FailureReason::Unavailable);
    check_failed(1 << 15, 0, FailureReason::Invalid);
}

#[test]
fn demonstration_and_test_data_are_about_no_patient() {
    for (bit, origin) in [(10, "demonstration data"), (11, "test data")] {
        assert_eq!(spot(1 << bit, 0), Err(DecodeError::NotPatientData { origin }));
    }
}

#[test]
fn without_saturation_there_is_no_reading() {
    for hex in ["00ff074800", "0000084800", "0000004800"] {
        let report = decode_spot_check(&bytes(hex)).unwrap().report().unwrap();
        assert_eq!(report.result, Err(NoResult::Failed(vec![FailureReason::NoValue])), "{hex}");
    }
}

#[test]
fn a_missing_pulse_leaves_the_saturation() {
    let report = decode_spot_check(&bytes("006200ff07")).unwrap().report().unwrap();
    check(&report, &["98 %"]);
}

#[test]
fn an_amplitude_that_nobody_has_spoils_nothing() {
    let report = decode_continuous(&bytes("105f004800ffff")).unwrap().report().unwrap();
    check(&report, &["95 %", "72 /min"]);
}

#[test]
fn a_saturation_above_all_is_refused() {
    let refused = decode_spot_check(&bytes("007f004800")).unwrap().report();
    assert!(matches!(refused, Err(DecodeError::OutOfRange { field: "SpO2", .. })));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        for decoded in [decode_spot_check(&bytes), decode_continuous(&bytes)].into_iter().flatten()
        {
            let _report = decoded.report();
        }
    }

    #[test]
    fn special_codes_never_become_numbers(special in 0x07FE_u16..=0x0802, pulse in 30_u16..200) {
        let mut bytes = vec![0x00];
        bytes.extend(special.to_le_bytes());
        bytes.extend(pulse.to_le_bytes());
        let report = decode_continuous(&bytes).unwrap().report().unwrap();
        prop_assert!(report.result.is_err());
    }
}
