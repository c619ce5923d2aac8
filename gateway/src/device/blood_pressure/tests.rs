use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::device::fixture::{bytes, prefixes};

/// A&D UA-651BLE, capture.
const GOOD: &str = "167d0050006600e10701100c273640000000";
/// A&D UA-651BLE, capture: nothing is a number, and the status is zero.
const FAILED: &str = "16ff07ff07ff07e1070110091f00ff070000";
/// Beurer BM85, capture.
const BEURER: &str = "56710049000000ea07080b1438000041010000";

fn report(hex: &str) -> Report {
    decode(&bytes(hex)).unwrap().report().unwrap()
}

#[track_caller]
fn check(hex: &str, expected: &[(Vital, &str)]) {
    let values = report(hex).result.unwrap();
    let values: Vec<_> =
        values.iter().map(|it| (it.vital, it.quantity.value().to_string())).collect();
    let expected: Vec<_> =
        expected.iter().map(|(vital, value)| (*vital, (*value).to_owned())).collect();
    assert_eq!(values, expected);
}

#[track_caller]
fn check_failed(hex: &str, expected: &[FailureReason]) {
    assert_eq!(report(hex).result, Err(NoResult::Failed(expected.to_vec())));
}

#[test]
fn a_measurement_has_pressures_and_pulse() {
    check(
        GOOD,
        &[
            (Vital::SystolicPressure, "125"),
            (Vital::DiastolicPressure, "80"),
            (Vital::MeanArterialPressure, "102"),
            (Vital::PulseRate, "64"),
        ],
    );
    let report = report(GOOD);
    assert_eq!(report.device_time.unwrap().to_string(), "2017-01-16T12:39:54");
    assert_eq!((report.user_slot, report.flags), (None, BTreeSet::new()));
}

#[test]
fn every_length_but_the_promised_one_is_refused() {
    for prefix in prefixes(GOOD) {
        assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
    }
    let longer = bytes(&format!("{GOOD}0000"));
    assert_eq!(decode(&longer), Err(DecodeError::Trailing { n_trailing: 2, len_bytes: 20 }));
}

#[test]
fn a_failed_measurement_is_no_number() {
    check_failed(FAILED, &[FailureReason::NoValue]);
    assert!(report(FAILED).device_time.is_some());
}

#[test]
fn a_failed_measurement_says_why_where_the_device_does() {
    check_failed("10ff07ff07ff070300", &[FailureReason::CuffLoose, FailureReason::BodyMovement]);
    check_failed("00fe07ff07ff07", &[FailureReason::AboveRange]);
    check_failed("00ff0702080208", &[FailureReason::NoValue]);
}

#[test]
fn half_a_blood_pressure_is_a_failed_one() {
    check_failed("007d00ff07ff07", &[FailureReason::NoValue]);
    check_failed("00000050005000", &[FailureReason::NoValue]);
}

#[test]
fn a_missing_pulse_or_mean_leaves_the_rest() {
    let expected = [(Vital::SystolicPressure, "125"), (Vital::DiastolicPressure, "80")];
    check("047d005000ff07ff07", &expected);
    check("047d00500000000000", &expected);
    // A mean of -0.1 spoils nothing.
    check("007d005000ffff", &expected);
}

#[test]
fn kilopascals_stay_kilopascals() {
    let values = report("15bdf00b009ff03c001200").result.unwrap();
    assert_eq!(values.first().unwrap().quantity.to_string(), "18.9 kPa");
    assert_eq!(values.last().unwrap().quantity.to_string(), "60 /min");
}

#[test]
fn pulse_rate_range_is_one_field_of_two_bits() {
    let flags = |status: u16| Status(status).flags().into_iter().collect::<Vec<_>>();
    assert_eq!(flags(0b01000), [Flag::PulseRateAboveRange]);
    assert_eq!(flags(0b10000), [Flag::PulseRateBelowRange]);
    assert_eq!(flags(0b11000), []);
    assert_eq!(flags(0xFFC0), []);
}

#[test]
fn reserved_flags_of_real_devices_are_ignored() {
    let report = report("def6f416f3ff07e4070114082b00b2f2018000");
    assert_eq!((report.user_slot, report.flags), (Some(1), BTreeSet::new()));
    assert_eq!(report.result.unwrap().len(), 3);
}

#[test]
fn an_unknown_user_has_no_slot() {
    assert_eq!(report("087d0050006600ff").user_slot, None);
    assert_eq!(report("087d005000660000").user_slot, Some(0));
}

#[test]
fn one_byte_too_many_is_the_beurer_layout() {
    check(
        BEURER,
        &[
            (Vital::SystolicPressure, "113"),
            (Vital::DiastolicPressure, "73"),
            (Vital::PulseRate, "65"),
        ],
    );
    assert_eq!(report(BEURER).user_slot, Some(1));
    assert_eq!(decode(&bytes(BEURER)).unwrap().status, Some(Status(0)));
}

#[test]
fn one_byte_too_many_beside_a_flagged_user_is_refused() {
    let refused = decode(&bytes("087d00500066000100"));
    assert_eq!(refused, Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 9 }));
}

#[test]
fn what_no_cuff_shows_is_refused() {
    let refused = decode(&bytes("007d1050005000")).unwrap().report();
    assert!(matches!(refused, Err(DecodeError::OutOfRange { field: "systolic pressure", .. })));
}

#[test]
fn a_cuff_pressure_that_no_cuff_shows_is_refused() {
    let check = |hex: &str| decode_cuff_pressure(&bytes(hex)).unwrap().cuff_pressure();
    let refused = |value: i64| {
        Err(DecodeError::OutOfRange { field: "cuff pressure", value: Decimal::from(value) })
    };
    // An SFLOAT of -1719 with an exponent of 4.
    assert_eq!(check("00494900000000"), refused(-17_190_000));
    assert_eq!(check("004b0100000000"), refused(331));
    assert_eq!(check("01510000000000").unwrap().unwrap().to_string(), "81 kPa");
    assert_eq!(check("00000000000000").unwrap().unwrap().to_string(), "0 mmHg");
}

#[test]
fn the_cuff_pressure_is_no_reading() {
    let decoded = decode_cuff_pressure(&bytes("02510000000000e40705150a1e2d")).unwrap();
    assert_eq!(decoded.cuff_pressure().unwrap().unwrap().to_string(), "81 mmHg");
    let nothing = decode_cuff_pressure(&bytes("00ff07ff07ff07")).unwrap();
    assert_eq!(nothing.cuff_pressure(), Ok(None));
    let short = decode_cuff_pressure(&bytes("005100"));
    assert!(matches!(short, Err(DecodeError::Truncated { field: "diastolic", .. })));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        if let Ok(decoded) = decode(&bytes) {
            let _report = decoded.report();
            let _pressure = decoded.cuff_pressure();
        }
    }

    #[test]
    fn special_codes_never_become_numbers(
        special in 0x07FE_u16..=0x0802,
        other in 60_u16..200,
        is_systolic: bool,
    ) {
        let (systolic, diastolic) = if is_systolic { (special, other) } else { (other, special) };
        let mut bytes = vec![0x04];
        for field in [systolic, diastolic, special, special] {
            bytes.extend(field.to_le_bytes());
        }
        let report = decode(&bytes).unwrap().report().unwrap();
        prop_assert!(matches!(report.result, Err(NoResult::Failed(_))));
    }
}
