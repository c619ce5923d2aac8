//! Values with their units, inside what instruments of their kind can show.

use rust_decimal::Decimal;
use vitals::{Measurement, Quantity, Unit, Vital};

use super::error::DecodeError;

/// One value of a report.
///
/// # Errors
///
/// Returns [`DecodeError::OutOfRange`] for a number that no instrument shows: those come from bytes
/// that are read wrongly. What is plausible for a person is not judged here.
pub(crate) fn measurement(
    vital: Vital,
    value: Decimal,
    unit: Unit,
) -> Result<Measurement, DecodeError> {
    let refused = || DecodeError::OutOfRange { field: vital.label(), value };
    let (lowest, highest) = instrument_range(unit);
    if value.is_zero() || value < lowest || highest < value {
        return Err(refused());
    }
    let quantity = Quantity::new(value, unit).map_err(|_too_long| refused())?;
    Ok(Measurement { vital, quantity })
}

/// A value that only goes with the others: where no instrument shows it, it is left out and spoils none of
/// them. The bytes are kept.
pub(crate) fn beside(vital: Vital, value: Decimal, unit: Unit) -> Option<Measurement> {
    measurement(vital, value, unit).ok()
}

/// Lowest and highest value that any instrument shows in `unit`; zero is no value of any vital.
///
/// Source: ours, each wider than the data sheets: cuffs inflate to 300 mmHg, Nonin's formats hold a
/// pulse of up to 510/min, scales for very heavy people carry some 500 kg, and thermometers of the
/// home show surroundings, too. A saturation has no more than all of it, and glucose meters end at
/// some 600 mg/dL or 33 mmol/L.
fn instrument_range(unit: Unit) -> (Decimal, Decimal) {
    let (lowest, highest) = match unit {
        Unit::MillimetreOfMercury => (0, 330),
        Unit::Kilopascal => (0, 44),
        Unit::Percent => (0, 100),
        Unit::PerMinute => (0, 511),
        Unit::Kilogram => (0, 700),
        Unit::Pound => (0, 1544),
        Unit::Metre => (0, 3),
        Unit::Inch => (0, 119),
        Unit::KilogramPerSquareMetre => (0, 300),
        Unit::Celsius => (10, 60),
        Unit::Fahrenheit => (50, 140),
        // No instrument of ours shows these two: a person says them.
        Unit::LitrePerMinute => (0, 60),
        Unit::Acvpu => (0, 4),
        Unit::MilligramPerDecilitre => (0, 1500),
        Unit::MillimolePerLitre => (0, 84),
    };
    (Decimal::from(lowest), Decimal::from(highest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(vital: Vital, value: &str, unit: Unit, is_shown: bool) {
        let value = value.parse().unwrap();
        assert_eq!(measurement(vital, value, unit).is_ok(), is_shown, "{value}");
    }

    #[test]
    fn what_instruments_show_is_kept_however_extreme() {
        check(Vital::OxygenSaturation, "41", Unit::Percent, true);
        check(Vital::SystolicPressure, "299", Unit::MillimetreOfMercury, true);
        check(Vital::PulseRate, "18", Unit::PerMinute, true);
        check(Vital::BodyTemperature, "24.9", Unit::Celsius, true);
    }

    #[test]
    fn what_no_instrument_shows_is_refused() {
        check(Vital::OxygenSaturation, "101", Unit::Percent, false);
        check(Vital::SystolicPressure, "2047", Unit::MillimetreOfMercury, false);
        check(Vital::PulseRate, "-256000", Unit::PerMinute, false);
        check(Vital::BodyWeight, "0", Unit::Kilogram, false);
        check(Vital::BodyTemperature, "361", Unit::Celsius, false);
    }
}
