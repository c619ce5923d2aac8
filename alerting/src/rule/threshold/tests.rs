//! A limit at, below and above; both sides; in the unit of the plan and in another one.

use vitals::{Flag, Phase, TimeQuality, Unit};

use super::*;
use crate::rule::trust::is_doubt;
use crate::sample::{quantity, reading, subject};

const HIGH: Side = Side::AtOrAbove;
const LOW: Side = Side::AtOrBelow;

fn threshold(vital: Vital, side: Side, limit: &str, clear: &str, unit: Unit) -> Threshold {
    let first = high(quantity(limit, unit));
    Threshold::new(vital, side, first, Vec::new(), quantity(clear, unit)).unwrap()
}

const fn high(level: Quantity) -> Limit {
    Limit { priority: Priority::High, level }
}

fn word(finding: &Finding) -> &'static str {
    match finding {
        Finding::Present(_) => "present",
        Finding::Gone(_) => "gone",
        Finding::Unknown => "unknown",
    }
}

/// Each value in `unit`, with what the threshold finds in it.
#[track_caller]
fn check(threshold: &Threshold, unit: Unit, table: &[(&str, &str)]) {
    for &(value, expected) in table {
        let reading = reading(1, 0, threshold.vital(), quantity(value, unit));
        assert_eq!(word(&threshold.judge(&reading, false)), expected, "{value} {}", unit.label());
    }
}

#[test]
fn a_high_limit_belongs_to_the_alert_and_the_clear_level_to_the_clear() {
    let crisis = threshold(Vital::SystolicPressure, HIGH, "180", "175", Unit::MillimetreOfMercury);
    check(
        &crisis,
        Unit::MillimetreOfMercury,
        &[
            ("181", "present"),
            ("180", "present"),
            ("180.0", "present"),
            ("179", "unknown"),
            ("179.9", "unknown"),
            ("176", "unknown"),
            ("175", "gone"),
            ("174", "gone"),
        ],
    );
}

#[test]
fn a_low_limit_belongs_to_the_alert_and_the_clear_level_to_the_clear() {
    let hypoxia = threshold(Vital::OxygenSaturation, LOW, "90", "92", Unit::Percent);
    check(
        &hypoxia,
        Unit::Percent,
        &[
            ("89", "present"),
            ("90", "present"),
            ("90.1", "unknown"),
            ("91", "unknown"),
            ("91.9", "unknown"),
            ("92", "gone"),
            ("93", "gone"),
        ],
    );
}

#[test]
fn a_limit_in_mmhg_judges_kilopascal_without_rounding() {
    let crisis = threshold(Vital::SystolicPressure, HIGH, "180", "175", Unit::MillimetreOfMercury);
    // 180 mmHg are 23.998… kPa, 175 mmHg are 23.3314… kPa.
    check(
        &crisis,
        Unit::Kilopascal,
        &[("24.0", "present"), ("23.9", "unknown"), ("23.34", "unknown"), ("23.33", "gone")],
    );
}

#[test]
fn a_limit_in_kilopascal_judges_mmhg_without_rounding() {
    let crisis = threshold(Vital::SystolicPressure, HIGH, "24", "23", Unit::Kilopascal);
    // 24 kPa are 180.0148… mmHg: 180 mmHg are just inside.
    check(
        &crisis,
        Unit::MillimetreOfMercury,
        &[("181", "present"), ("180", "unknown"), ("173", "unknown"), ("172", "gone")],
    );
}

#[test]
fn a_limit_in_pounds_judges_the_same_weight_in_kilograms_alike() {
    let heavy = threshold(Vital::BodyWeight, HIGH, "150", "149", Unit::Pound);
    check(
        &heavy,
        Unit::Kilogram,
        &[
            ("68.0388555", "present"),
            ("68.0388554", "unknown"),
            ("67.58526314", "unknown"),
            ("67.58526313", "gone"),
        ],
    );
    let heavy = threshold(Vital::BodyWeight, HIGH, "68.0388555", "67.5", Unit::Kilogram);
    check(&heavy, Unit::Pound, &[("150", "present"), ("149.999999", "unknown")]);
}

#[test]
fn a_limit_in_celsius_judges_the_same_temperature_in_fahrenheit_alike() {
    let fever = threshold(Vital::BodyTemperature, HIGH, "38.0", "37.5", Unit::Celsius);
    check(
        &fever,
        Unit::Fahrenheit,
        &[("100.4", "present"), ("100.3", "unknown"), ("99.6", "unknown"), ("99.5", "gone")],
    );
    let fever = threshold(Vital::BodyTemperature, HIGH, "100.4", "99.5", Unit::Fahrenheit);
    check(
        &fever,
        Unit::Celsius,
        &[("38.0", "present"), ("37.9", "unknown"), ("37.6", "unknown"), ("37.5", "gone")],
    );
}

#[test]
fn a_reading_without_the_vital_says_nothing() {
    let crisis = threshold(Vital::SystolicPressure, HIGH, "180", "175", Unit::MillimetreOfMercury);
    let pulse = reading(1, 0, Vital::PulseRate, quantity("70", Unit::PerMinute));
    assert_eq!(crisis.judge(&pulse, false), Finding::Unknown);
}

#[test]
fn a_value_in_a_unit_that_measures_something_else_says_nothing() {
    let crisis = threshold(Vital::SystolicPressure, HIGH, "180", "175", Unit::MillimetreOfMercury);
    let weight = reading(1, 0, Vital::SystolicPressure, quantity("70", Unit::Kilogram));
    assert_eq!(crisis.judge(&weight, false), Finding::Unknown);
}

#[test]
fn one_of_two_values_beyond_the_limit_is_enough_and_both_must_be_inside_to_clear() {
    let crisis = threshold(Vital::SystolicPressure, HIGH, "180", "175", Unit::MillimetreOfMercury);
    let with_second = |second: &str| {
        let unit = Unit::MillimetreOfMercury;
        let mut reading = reading(1, 0, Vital::SystolicPressure, quantity("120", unit));
        let mut other = reading.values.clone();
        other.iter_mut().for_each(|it| it.quantity = quantity(second, unit));
        reading.values.extend(other);
        word(&crisis.judge(&reading, false))
    };
    assert_eq!(
        [with_second("184"), with_second("178"), with_second("130")],
        ["present", "unknown", "gone"]
    );
}

#[test]
fn a_doubtful_value_raises_and_never_clears() {
    let crisis = threshold(Vital::SystolicPressure, HIGH, "180", "175", Unit::MillimetreOfMercury);
    let judged = |value: &str, flag: Flag| {
        let unit = Unit::MillimetreOfMercury;
        let mut reading = reading(1, 0, Vital::SystolicPressure, quantity(value, unit));
        reading.flags.insert(flag);
        word(&crisis.judge(&reading, false))
    };
    for flag in Flag::ALL {
        assert_eq!(judged("184", flag), "present", "{flag:?}");
        let expected = if is_doubt(flag) { "unknown" } else { "gone" };
        assert_eq!(judged("120", flag), expected, "{flag:?}");
    }
    for flag in [Flag::Questionable, Flag::EarlyEstimate, Flag::SensorContactLost] {
        assert!(is_doubt(flag), "{flag:?}");
    }
}

#[test]
fn only_a_value_at_rest_clears() {
    let crisis = threshold(Vital::SystolicPressure, HIGH, "180", "175", Unit::MillimetreOfMercury);
    let judged = |phase: Phase| {
        let unit = Unit::MillimetreOfMercury;
        let mut reading = reading(1, 0, Vital::SystolicPressure, quantity("120", unit));
        reading.context.phase = phase;
        word(&crisis.judge(&reading, false))
    };
    assert_eq!(Phase::ALL.map(judged), ["gone", "gone", "unknown", "unknown"]);
}

#[test]
fn a_value_whose_time_is_unknown_does_not_clear() {
    let crisis = threshold(Vital::SystolicPressure, HIGH, "180", "175", Unit::MillimetreOfMercury);
    let judged = |quality: TimeQuality, is_stored: bool| {
        let unit = Unit::MillimetreOfMercury;
        let mut reading = reading(1, 0, Vital::SystolicPressure, quantity("120", unit));
        reading.time_quality = quality;
        if is_stored {
            reading.flags.insert(Flag::FromStorage);
        }
        word(&crisis.judge(&reading, false))
    };
    assert_eq!(TimeQuality::ALL.map(|it| judged(it, false)), ["gone", "gone", "gone", "unknown"]);
    let stored = TimeQuality::ALL.map(|it| judged(it, true));
    assert_eq!(stored, ["gone", "gone", "unknown", "unknown"]);
}

#[test]
fn a_value_of_an_unknown_client_does_not_clear() {
    let crisis = threshold(Vital::SystolicPressure, HIGH, "180", "175", Unit::MillimetreOfMercury);
    let unit = Unit::MillimetreOfMercury;
    let mut reading = reading(1, 0, Vital::SystolicPressure, quantity("120", unit));
    reading.subject = None;
    reading.subject_candidates = vec![subject()];
    assert_eq!(crisis.judge(&reading, false), Finding::Unknown);
}

#[test]
fn a_clear_level_that_is_not_inside_the_limit_is_refused() {
    let unit = Unit::MillimetreOfMercury;
    let judged = |side, clear: &str| {
        let (limit, clear) = (quantity("180", unit), quantity(clear, unit));
        Threshold::new(Vital::SystolicPressure, side, high(limit), Vec::new(), clear).is_ok()
    };
    assert_eq!(["179", "180", "181"].map(|clear| judged(HIGH, clear)), [true, false, false]);
    assert_eq!(["179", "180", "181"].map(|clear| judged(LOW, clear)), [false, false, true]);
}

#[test]
fn units_that_measure_something_else_are_refused() {
    let (mmhg, kilogram) =
        (quantity("180", Unit::MillimetreOfMercury), quantity("70", Unit::Kilogram));
    let vital = Vital::SystolicPressure;
    assert_eq!(
        Threshold::new(vital, HIGH, high(kilogram), Vec::new(), mmhg),
        Err(ThresholdError::LimitUnit { vital, limit: kilogram })
    );
    assert_eq!(
        Threshold::new(vital, HIGH, high(mmhg), Vec::new(), kilogram),
        Err(ThresholdError::ClearUnit { vital, clear: kilogram })
    );
}

/// Low at 140 mmHg, medium at 20 kPa, which are 150.01… mmHg, high at 180 mmHg.
fn rising() -> (Limit, Vec<Limit>) {
    let mmhg = |priority, value| Limit { priority, level: quantity(value, MMHG) };
    let middle = Limit { priority: Priority::Medium, level: quantity("20", Unit::Kilopascal) };
    (mmhg(Priority::Low, "140"), vec![middle, mmhg(Priority::High, "180")])
}

const MMHG: Unit = Unit::MillimetreOfMercury;

#[test]
fn the_most_urgent_limit_that_is_reached_counts() {
    let (first, further) = rising();
    let clear = quantity("135", MMHG);
    let pressure = Threshold::new(Vital::SystolicPressure, HIGH, first, further, clear).unwrap();
    assert_eq!(pressure.priority(), Priority::High);
    let found = |value: &str| {
        let reading = reading(1, 0, Vital::SystolicPressure, quantity(value, MMHG));
        match pressure.judge(&reading, false) {
            Finding::Present(it) => format!("{} at {}", it.priority, it.limit.unwrap()),
            Finding::Gone(_) => "gone".to_owned(),
            Finding::Unknown => "unknown".to_owned(),
        }
    };
    let table = [
        ("135", "gone"),
        ("136", "unknown"),
        ("139", "unknown"),
        ("140", "low at 140 mmHg"),
        ("150", "low at 140 mmHg"),
        ("151", "medium at 20 kPa"),
        ("179", "medium at 20 kPa"),
        ("180", "high at 180 mmHg"),
        ("181", "high at 180 mmHg"),
    ];
    for (value, expected) in table {
        assert_eq!(found(value), expected, "{value}");
    }
}

#[test]
fn of_two_values_the_more_urgent_counts() {
    let (first, further) = rising();
    let clear = quantity("135", MMHG);
    let pressure = Threshold::new(Vital::SystolicPressure, HIGH, first, further, clear).unwrap();
    let mut reading = reading(1, 0, Vital::SystolicPressure, quantity("141", MMHG));
    let quantity = quantity("190", MMHG);
    reading.values.push(vitals::Measurement { vital: Vital::SystolicPressure, quantity });
    let Finding::Present(evidence) = pressure.judge(&reading, false) else { unreachable!() };
    assert_eq!((evidence.priority, evidence.value), (Priority::High, Some(quantity)));
}

#[test]
fn limits_that_do_not_rise_outwards_are_refused() {
    let (first, further) = rising();
    let vital = Vital::SystolicPressure;
    let refused = |limits: &[Limit]| {
        let (first, further) = limits.split_first().unwrap();
        let clear = quantity("135", MMHG);
        Threshold::new(vital, HIGH, *first, further.to_vec(), clear).map_err(|it| it.to_string())
    };
    let (medium, most) = (further[0], further[1]);
    assert!(refused(&[first, medium, most]).is_ok());
    let told = "the limit 20 kPa is not further out than 180 mmHg, which is less urgent".to_owned();
    assert_eq!(refused(&[first, most, medium]), Err(told));
    let same = Limit { priority: Priority::Medium, ..first };
    assert!(refused(&[first, same]).is_err(), "as far out");
    let equally_urgent = Limit { priority: Priority::Low, ..most };
    assert!(refused(&[first, equally_urgent]).is_err(), "as urgent");
    let weight = Limit { priority: Priority::High, level: quantity("70", Unit::Kilogram) };
    assert_eq!(
        refused(&[first, weight]),
        Err("the unit of 70 kg does not measure systolic pressure".to_owned())
    );
}
