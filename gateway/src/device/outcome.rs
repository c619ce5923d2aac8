//! Reports of the common kinds out of the plain numbers of the simpler formats.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use vitals::{Flag, Measurement, ReadingKind, Unit, Vital};

use super::error::DecodeError;
use super::measurement::measurement;
use super::report::{NoResult, Report};

/// A report without time, user and flags.
pub(crate) const fn report(
    kind: ReadingKind,
    result: Result<Vec<Measurement>, NoResult>,
) -> Report {
    Report { kind, device_time: None, user_slot: None, flags: BTreeSet::new(), result }
}

/// An oximeter's values; 0 stands for none, and without a saturation there is nothing to say.
pub(crate) fn oximetry(
    saturation: Option<u16>,
    pulse: Option<u16>,
    flags: BTreeSet<Flag>,
) -> Result<Report, DecodeError> {
    let result = match shown(Vital::OxygenSaturation, saturation, Unit::Percent)? {
        Some(saturation) => {
            let pulse = shown(Vital::PulseRate, pulse, Unit::PerMinute)?;
            Ok([saturation].into_iter().chain(pulse).collect())
        }
        None => Err(NoResult::Absent),
    };
    Ok(Report { flags, ..report(ReadingKind::Oximetry, result) })
}

/// A cuff's values in mmHg; 0 stands for no mean and no pulse.
pub(crate) fn pressures(
    systolic: u16,
    diastolic: u16,
    mean: Option<u16>,
    pulse: Option<u16>,
) -> Result<Vec<Measurement>, DecodeError> {
    let given = |vital, value: u16, unit| measurement(vital, Decimal::from(value), unit);
    let both = [
        given(Vital::SystolicPressure, systolic, Unit::MillimetreOfMercury)?,
        given(Vital::DiastolicPressure, diastolic, Unit::MillimetreOfMercury)?,
    ];
    let mean = shown(Vital::MeanArterialPressure, mean, Unit::MillimetreOfMercury)?;
    let pulse = shown(Vital::PulseRate, pulse, Unit::PerMinute)?;
    Ok(both.into_iter().chain(mean).chain(pulse).collect())
}

fn shown(vital: Vital, value: Option<u16>, unit: Unit) -> Result<Option<Measurement>, DecodeError> {
    let value = value.filter(|it| *it != 0).map(Decimal::from);
    value.map(|it| measurement(vital, it, unit)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_no_number() {
        let report = |saturation, pulse| oximetry(saturation, pulse, BTreeSet::new()).unwrap();
        assert_eq!(report(Some(0), Some(70)).result, Err(NoResult::Absent));
        assert_eq!(report(None, Some(70)).result, Err(NoResult::Absent));
        assert_eq!(report(Some(97), Some(0)).result.unwrap().len(), 1);
        assert_eq!(pressures(120, 80, Some(0), Some(0)).unwrap().len(), 2);
        assert!(pressures(120, 0, None, None).is_err());
    }
}
