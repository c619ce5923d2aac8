//! Bytes of the unit tests of github:eisaev/blevalueparser and github:RonanB96/bluetooth-sig-python.

use proptest::prelude::*;

use super::*;
use crate::device::fixture::{bytes, prefixes};

const EVERY_FIELD: &str = "feaf1234e7070206121c002a23453456456756786789789a89ab9abcabcd";

#[track_caller]
fn check(found: Option<Decimal>, expected: &str) {
    assert_eq!(found.map(|it| it.to_string()).as_deref(), Some(expected));
}

/// Ours, by the table: a weight of 70.5 kg, and no fat because of the shoes.
#[test]
fn somebody_with_shoes_on_has_a_weight() {
    let report = decode(&bytes("000400001437")).unwrap().report().unwrap();
    let values: Vec<_> = report.result.unwrap().iter().map(|it| it.quantity.to_string()).collect();
    assert_eq!(values, ["70.500 kg"]);
    let nothing = decode(&bytes("000400000000")).unwrap();
    let failed = Err(NoResult::Failed(vec![FailureReason::NoValue]));
    assert_eq!(nothing.report().unwrap().result, failed);
}

#[test]
fn every_field_is_exact_in_its_own_unit() {
    let it = decode(&bytes(EVERY_FIELD)).unwrap();
    assert_eq!(it.units(), (Unit::Kilogram, Unit::Metre));
    check(it.body_fat, "1333.0");
    assert_eq!(it.device_time.unwrap().to_string(), "2023-02-06T18:28:00");
    assert_eq!((it.user_id, it.basal_metabolism_kj), (Some(42), Some(17699)));
    check(it.muscle, "2206.8");
    check(it.muscle_mass, "132.185");
    check(it.fat_free_mass, "154.030");
    check(it.soft_lean_mass, "175.875");
    check(it.body_water_mass, "197.720");
    check(it.impedance_ohm, "4391.3");
    check(it.weight, "241.410");
    check(it.height, "52.651");
}

#[test]
fn pounds_and_inches_have_steps_of_their_own() {
    let it = decode(&bytes(&EVERY_FIELD.replacen("fe", "ff", 1))).unwrap();
    assert_eq!(it.units(), (Unit::Pound, Unit::Inch));
    check(it.muscle_mass, "264.37");
    check(it.weight, "482.82");
    check(it.height, "5265.1");
}

#[test]
fn fields_that_are_not_flagged_are_not_there() {
    let it = decode(&bytes("0c007800054006")).unwrap();
    check(it.body_fat, "12.0");
    assert_eq!((it.user_id, it.basal_metabolism_kj), (Some(5), Some(1600)));
    assert_eq!((it.device_time, it.muscle, it.weight), (None, None, None));
    let it = decode(&bytes("c0015000e02e1027401f")).unwrap();
    check(it.fat_free_mass, "60.000");
    check(it.soft_lean_mass, "50.000");
    check(it.body_water_mass, "40.000");
}

#[test]
fn an_unsuccessful_measurement_is_no_number() {
    let it = decode(&bytes("0000ffff")).unwrap();
    assert_eq!(it.body_fat, None);
    let it = decode(&bytes("0600ffffe7070206121c002a")).unwrap();
    assert_eq!((it.body_fat, it.user_id), (None, Some(42)));
    assert!(it.device_time.is_some());
}

#[track_caller]
fn check_values(hex: &str, expected: &[&str]) {
    let report = decode(&bytes(hex)).unwrap().report().unwrap();
    let values = report.result.unwrap();
    let values: Vec<_> =
        values.iter().map(|it| format!("{} {}", it.vital.label(), it.quantity)).collect();
    assert_eq!(values, expected);
}

#[test]
fn the_weight_comes_first_and_what_is_not_known_is_left_out() {
    check_values("00047800b036", &["weight 70.000 kg", "body fat 12.0 %"]);
    check_values(
        "11058000800110271436",
        &["weight 138.44 lb", "body fat 12.8 %", "muscle 38.4 %", "body water 100.00 lb"],
    );
    check_values("0c007800054006", &["body fat 12.0 %"]);
    check_values("100078000000", &["body fat 12.0 %"]);
}

#[test]
fn an_unsuccessful_measurement_has_failed() {
    let report = decode(&bytes("0600ffffe7070206121c002a")).unwrap().report().unwrap();
    assert_eq!(report.result, Err(NoResult::Failed(vec![FailureReason::NoValue])));
    assert_eq!(report.user_slot, Some(42));
    let report = decode(&bytes("0400ffffff")).unwrap().report().unwrap();
    assert_eq!(report.user_slot, None);
}

#[test]
fn what_no_scale_shows_is_refused() {
    let refused = decode(&bytes(EVERY_FIELD)).unwrap().report();
    assert!(matches!(refused, Err(DecodeError::OutOfRange { field: "body fat", .. })));
}

#[test]
fn a_part_of_several_packets_says_so() {
    assert!(decode(&bytes("00107800")).unwrap().is_part);
    assert!(!decode(&bytes("00e07800")).unwrap().is_part);
}

#[test]
fn every_length_but_the_promised_one_is_refused() {
    for prefix in prefixes(EVERY_FIELD) {
        assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
    }
    let longer = decode(&bytes("0000780000"));
    assert_eq!(longer, Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 5 }));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        if let Ok(decoded) = decode(&bytes) {
            let _report = decoded.report();
        }
    }
}
