//! What can be measured at all: a limit beyond it would never be reached, and is a slip of the pen.
//!
//! These are no clinical limits; they are wider than what the devices promise to measure.

use rust_decimal::Decimal;
use vitals::{Quantity, Unit, Vital};

/// The range of `vital`, both ends included, with its unit.
const fn range(vital: Vital) -> (Decimal, Decimal, Unit) {
    match vital {
        Vital::SystolicPressure => (whole(40), whole(300), Unit::MillimetreOfMercury),
        Vital::DiastolicPressure => (whole(20), whole(200), Unit::MillimetreOfMercury),
        Vital::MeanArterialPressure => (whole(20), whole(250), Unit::MillimetreOfMercury),
        Vital::PulseRate | Vital::HeartRate => (whole(20), whole(300), Unit::PerMinute),
        Vital::OxygenSaturation => (whole(50), whole(100), Unit::Percent),
        Vital::PulseAmplitudeIndex => (whole(0), whole(100), Unit::Percent),
        Vital::BodyWeight => (whole(20), whole(400), Unit::Kilogram),
        Vital::BodyHeight => (tenths(5), tenths(25), Unit::Metre),
        Vital::BodyMassIndex => (whole(5), whole(200), Unit::KilogramPerSquareMetre),
        Vital::BodyTemperature => (whole(25), whole(45), Unit::Celsius),
        Vital::RespiratoryRate => (whole(1), whole(80), Unit::PerMinute),
        Vital::OxygenFlow => (whole(0), whole(60), Unit::LitrePerMinute),
        Vital::Consciousness => (whole(0), whole(4), Unit::Acvpu),
        Vital::BodyFat | Vital::BodyMuscle => (whole(1), whole(100), Unit::Percent),
        Vital::MuscleMass | Vital::FatFreeMass | Vital::SoftLeanMass | Vital::BodyWater => {
            (whole(1), whole(400), Unit::Kilogram)
        }
        Vital::Glucose => (whole(10), whole(1000), Unit::MilligramPerDecilitre),
    }
}

/// Checks that `amount` is something by which a measurement of `vital` can change.
///
/// # Errors
///
/// Returns a sentence on what is wrong and what to do.
pub(super) fn check_change(vital: Vital, amount: Quantity) -> Result<(), String> {
    let (least, most, unit) = range(vital);
    let end = |number| Quantity::new(number, unit).ok()?.value_in(amount.unit());
    let width = end(most).zip(end(least)).map(|(most, least)| most - least);
    match width {
        None => check(vital, amount),
        Some(width) if width < amount.value() => Err(format!(
            "a change of {amount} is more than can be measured; check the number and its unit"
        )),
        Some(_wide_enough) => Ok(()),
    }
}

const fn whole(number: u32) -> Decimal {
    Decimal::from_parts(number, 0, 0, false, 0)
}

const fn tenths(number: u32) -> Decimal {
    Decimal::from_parts(number, 0, 0, false, 1)
}

/// Checks that `level` is something that a measurement of `vital` can give.
///
/// # Errors
///
/// Returns a sentence on what is wrong and what to do.
pub(super) fn check(vital: Vital, level: Quantity) -> Result<(), String> {
    let (least, most, unit) = range(vital);
    let number = number(vital, level)?;
    if number < least || most < number {
        return Err(format!(
            "{level} is outside what can be measured, {least} to {most} {}; check the number and \
             its unit",
            unit.label()
        ));
    }
    Ok(())
}

/// Checks that the unit of `level` measures `vital`.
///
/// # Errors
///
/// Returns a sentence on what is wrong and what to do.
pub(super) fn check_unit(vital: Vital, level: Quantity) -> Result<(), String> {
    number(vital, level).map(|_number| ())
}

/// The number of `level` in the unit of the range of `vital`.
fn number(vital: Vital, level: Quantity) -> Result<Decimal, String> {
    let (_least, _most, unit) = range(vital);
    level.value_in(unit).ok_or_else(|| {
        let units: Vec<&str> = Unit::ALL
            .into_iter()
            .filter(|it| it.dimension() == vital.dimension())
            .map(Unit::label)
            .collect();
        let units = units.join(" or ");
        let (label, wrong) = (vital.label(), level.unit().label());
        format!("{label} is not measured in {wrong}; write {units}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_can_be_measured_and_nothing_beyond_them() {
        let step = Decimal::new(1, 3);
        for vital in Vital::ALL {
            let (least, most, unit) = range(vital);
            assert_eq!(unit.dimension(), vital.dimension(), "{vital}");
            let is_measured =
                |number| Quantity::new(number, unit).is_ok_and(|it| check(vital, it).is_ok());
            assert!(least < most && is_measured(least) && is_measured(most), "{vital}");
            assert!(!is_measured(least - step) && !is_measured(most + step), "{vital}");
        }
    }

    #[test]
    fn a_change_is_at_most_as_wide_as_what_can_be_measured() {
        for (amount, expected) in [("280", true), ("280.1", false)] {
            let amount = crate::sample::quantity(amount, Unit::PerMinute);
            assert_eq!(check_change(Vital::PulseRate, amount).is_ok(), expected);
        }
        let of_height = |metres: &str| {
            check(Vital::BodyHeight, crate::sample::quantity(metres, Unit::Metre)).is_ok()
        };
        assert_eq!(["0.4", "0.5", "2.5", "2.6"].map(of_height), [false, true, true, false]);
    }
}
