//! Every edge of every band, both scales, rounding, and what is missing.
//!
//! Two worked examples that are published are wrong and are no oracles here: one scores 37.5 °C with
//! 1 point, one 37.9 °C; both have 0.

use super::*;
use crate::sample::quantity;

/// Everything normal, on air.
fn normal() -> Inputs {
    Inputs {
        respiratory_rate: Some(quantity("16", Unit::PerMinute)),
        oxygen_saturation: Some(quantity("97", Unit::Percent)),
        breathing: Some(Breathing::Air),
        systolic_pressure: Some(quantity("120", Unit::MillimetreOfMercury)),
        pulse: Some(quantity("70", Unit::PerMinute)),
        consciousness: Some(Consciousness::Alert),
        temperature: Some(quantity("36.8", Unit::Celsius)),
    }
}

/// Each value of `parameter` with its points, beside inputs that have none.
#[track_caller]
fn check(parameter: Parameter, unit: Unit, table: &[(&str, u8)]) {
    check_of(normal(), Scale::One, parameter, unit, table);
}

#[track_caller]
fn check_of(inputs: Inputs, scale: Scale, parameter: Parameter, unit: Unit, table: &[(&str, u8)]) {
    for (value, expected) in table {
        let mut inputs = inputs;
        inputs.put(parameter, quantity(value, unit));
        let score = inputs.score(scale).unwrap();
        let points = score.points().iter().find(|it| it.0 == parameter).map(|it| it.1);
        assert_eq!(points, Some(*expected), "{} {value}", parameter.label());
    }
}

#[test]
fn respiratory_rate() {
    check(
        Parameter::RespiratoryRate,
        Unit::PerMinute,
        &[
            ("1", 3),
            ("8", 3),
            ("9", 1),
            ("11", 1),
            ("12", 0),
            ("20", 0),
            ("21", 2),
            ("24", 2),
            ("25", 3),
            ("60", 3),
        ],
    );
}

#[test]
fn saturation_on_scale_1() {
    let table =
        [("50", 3), ("91", 3), ("92", 2), ("93", 2), ("94", 1), ("95", 1), ("96", 0), ("100", 0)];
    check(Parameter::OxygenSaturation, Unit::Percent, &table);
    let on_oxygen = Inputs { breathing: Some(Breathing::Oxygen), ..normal() };
    check_of(on_oxygen, Scale::One, Parameter::OxygenSaturation, Unit::Percent, &table);
}

#[test]
fn saturation_on_scale_2_on_air() {
    check_of(
        normal(),
        Scale::Two,
        Parameter::OxygenSaturation,
        Unit::Percent,
        &[
            ("83", 3),
            ("84", 2),
            ("85", 2),
            ("86", 1),
            ("87", 1),
            ("88", 0),
            ("92", 0),
            ("93", 0),
            ("97", 0),
            ("100", 0),
        ],
    );
}

#[test]
fn saturation_on_scale_2_on_oxygen() {
    check_of(
        Inputs { breathing: Some(Breathing::Oxygen), ..normal() },
        Scale::Two,
        Parameter::OxygenSaturation,
        Unit::Percent,
        &[
            ("83", 3),
            ("84", 2),
            ("85", 2),
            ("86", 1),
            ("87", 1),
            ("88", 0),
            ("92", 0),
            ("93", 1),
            ("94", 1),
            ("95", 2),
            ("96", 2),
            ("97", 3),
            ("100", 3),
        ],
    );
}

#[test]
fn a_saturation_with_decimals_is_taken_on_its_cautious_side() {
    check(
        Parameter::OxygenSaturation,
        Unit::Percent,
        &[("91.5", 3), ("91.9", 3), ("93.9", 2), ("95.9", 1), ("96.0", 0)],
    );
    check_of(
        Inputs { breathing: Some(Breathing::Oxygen), ..normal() },
        Scale::Two,
        Parameter::OxygenSaturation,
        Unit::Percent,
        &[("83.9", 3), ("87.9", 1), ("88.0", 0), ("92.1", 1), ("94.1", 2), ("96.1", 3)],
    );
}

#[test]
fn air_or_oxygen() {
    check(
        Parameter::Breathing,
        Unit::LitrePerMinute,
        &[("0", 0), ("0.0", 0), ("0.5", 2), ("2", 2), ("15", 2)],
    );
}

#[test]
fn systolic_pressure() {
    check(
        Parameter::SystolicPressure,
        Unit::MillimetreOfMercury,
        &[
            ("90", 3),
            ("91", 2),
            ("100", 2),
            ("101", 1),
            ("110", 1),
            ("111", 0),
            ("219", 0),
            ("220", 3),
        ],
    );
    // 12.0 kPa are 90.007 mmHg, 29.3 kPa are 219.77 mmHg.
    check(Parameter::SystolicPressure, Unit::Kilopascal, &[("12.0", 3), ("29.3", 3), ("29.2", 0)]);
}

#[test]
fn pulse() {
    check(
        Parameter::Pulse,
        Unit::PerMinute,
        &[
            ("40", 3),
            ("41", 1),
            ("50", 1),
            ("51", 0),
            ("90", 0),
            ("91", 1),
            ("110", 1),
            ("111", 2),
            ("130", 2),
            ("131", 3),
        ],
    );
    check(Parameter::Pulse, Unit::PerMinute, &[("40.4", 3), ("40.5", 1), ("130.5", 3)]);
}

#[test]
fn consciousness() {
    check(
        Parameter::Consciousness,
        Unit::Acvpu,
        &[("0", 0), ("1", 3), ("2", 3), ("3", 3), ("4", 3)],
    );
}

#[test]
fn temperature() {
    check(
        Parameter::Temperature,
        Unit::Celsius,
        &[
            ("35.0", 3),
            ("35.1", 1),
            ("36.0", 1),
            ("36.1", 0),
            ("37.5", 0),
            ("37.9", 0),
            ("38.0", 0),
            ("38.1", 1),
            ("39.0", 1),
            ("39.1", 2),
            ("42.0", 2),
        ],
    );
}

#[test]
fn a_temperature_is_rounded_once_to_a_tenth_half_upwards() {
    check(
        Parameter::Temperature,
        Unit::Fahrenheit,
        &[
            ("100.4", 0),
            ("100.5", 1),
            ("95.0", 3),
            ("96.8", 1),
            ("96.9", 0),
            ("102.2", 1),
            ("102.3", 2),
        ],
    );
    check(Parameter::Temperature, Unit::Celsius, &[("35.04", 3), ("35.05", 1), ("39.05", 2)]);
}

#[test]
fn the_total_goes_from_0_to_20() {
    let best = normal().score(Scale::One).unwrap();
    assert_eq!((best.total(), best.risk(), best.single_three()), (0, Risk::Low, None));
    let worst = Inputs {
        respiratory_rate: Some(quantity("25", Unit::PerMinute)),
        oxygen_saturation: Some(quantity("91", Unit::Percent)),
        breathing: Some(Breathing::Oxygen),
        systolic_pressure: Some(quantity("90", Unit::MillimetreOfMercury)),
        pulse: Some(quantity("131", Unit::PerMinute)),
        consciousness: Some(Consciousness::Unresponsive),
        temperature: Some(quantity("35.0", Unit::Celsius)),
    };
    let score = worst.score(Scale::One).unwrap();
    assert_eq!((score.total(), score.risk()), (20, Risk::High));
}

#[test]
fn the_example_that_is_published_with_a_wrong_total_has_5() {
    let mut inputs = normal();
    inputs.put(Parameter::RespiratoryRate, quantity("21", Unit::PerMinute));
    inputs.put(Parameter::OxygenSaturation, quantity("93", Unit::Percent));
    inputs.put(Parameter::Pulse, quantity("95", Unit::PerMinute));
    inputs.put(Parameter::Temperature, quantity("37.5", Unit::Celsius));
    let score = inputs.score(Scale::One).unwrap();
    assert_eq!((score.total(), score.risk()), (5, Risk::Medium));
}

/// Totals of inputs that differ from normal ones in a few parameters.
#[track_caller]
fn check_risk(changes: &[(Parameter, &str, Unit)], total: u8, risk: Risk) {
    let mut inputs = normal();
    for (parameter, value, unit) in changes {
        inputs.put(*parameter, quantity(value, *unit));
    }
    let score = inputs.score(Scale::One).unwrap();
    assert_eq!((score.total(), score.risk()), (total, risk));
}

#[test]
fn the_risk_of_each_total() {
    let oxygen = (Parameter::Breathing, "2", Unit::LitrePerMinute);
    let fast = (Parameter::Pulse, "111", Unit::PerMinute);
    let rapid = (Parameter::RespiratoryRate, "21", Unit::PerMinute);
    let warm = (Parameter::Temperature, "38.1", Unit::Celsius);
    let confused = (Parameter::Consciousness, "1", Unit::Acvpu);
    check_risk(&[warm], 1, Risk::Low);
    check_risk(&[oxygen, fast], 4, Risk::Low);
    check_risk(&[confused], 3, Risk::LowMedium);
    check_risk(&[confused, warm], 4, Risk::LowMedium);
    check_risk(&[oxygen, fast, warm], 5, Risk::Medium);
    check_risk(&[confused, oxygen], 5, Risk::Medium);
    check_risk(&[oxygen, fast, rapid], 6, Risk::Medium);
    check_risk(&[confused, oxygen, warm], 6, Risk::Medium);
    check_risk(&[oxygen, fast, rapid, warm], 7, Risk::High);
}

#[test]
fn a_missing_input_is_named_and_never_normal() {
    for parameter in Parameter::ALL {
        let mut inputs = normal();
        match parameter {
            Parameter::RespiratoryRate => inputs.respiratory_rate = None,
            Parameter::OxygenSaturation => inputs.oxygen_saturation = None,
            Parameter::Breathing => inputs.breathing = None,
            Parameter::SystolicPressure => inputs.systolic_pressure = None,
            Parameter::Pulse => inputs.pulse = None,
            Parameter::Consciousness => inputs.consciousness = None,
            Parameter::Temperature => inputs.temperature = None,
        }
        for scale in [Scale::One, Scale::Two] {
            assert_eq!(inputs.score(scale), Err(Incomplete { missing: vec![parameter] }));
        }
    }
    assert_eq!(
        Inputs::default().score(Scale::One),
        Err(Incomplete { missing: Parameter::ALL.to_vec() })
    );
    assert_eq!(
        Inputs { pulse: None, breathing: None, ..normal() }
            .score(Scale::Two)
            .unwrap_err()
            .to_string(),
        "there is no NEWS2: air or oxygen, pulse missing"
    );
}

#[test]
fn a_value_that_measures_something_else_is_missing() {
    let wrong = quantity("1", Unit::Kilogram);
    for parameter in Parameter::ALL {
        let mut inputs = normal();
        inputs.put(parameter, wrong);
        let missing = inputs.score(Scale::One).unwrap_err().missing;
        assert_eq!(missing, [parameter]);
    }
    for (parameter, value, unit) in [
        (Parameter::Consciousness, "5", Unit::Acvpu),
        (Parameter::Consciousness, "0.5", Unit::Acvpu),
        (Parameter::Breathing, "-1", Unit::LitrePerMinute),
    ] {
        let mut inputs = normal();
        inputs.put(parameter, quantity(value, unit));
        assert_eq!(inputs.score(Scale::One).unwrap_err().missing, [parameter], "{value}");
    }
}

#[test]
fn each_parameter_has_a_vital_of_its_own() {
    let vitals = Parameter::ALL.map(Parameter::vital);
    for (index, vital) in vitals.iter().enumerate() {
        assert_eq!(vitals.iter().position(|it| it == vital), Some(index));
    }
}

#[test]
fn inputs_and_levels_have_their_words() {
    let labels = Parameter::ALL.map(Parameter::label);
    assert_eq!(
        labels,
        [
            "respiratory rate",
            "SpO2",
            "air or oxygen",
            "systolic pressure",
            "pulse",
            "consciousness",
            "temperature",
        ]
    );
    let level = |n: u32| Consciousness::of_level(n.into()).map(Consciousness::label);
    assert_eq!([level(0), level(1)], [Some("alert"), Some("new confusion")]);
}
