//! The `measure` table of a step: what a person does with the device, in plain units.

use std::time::Duration;

use jiff::civil::DateTime;
use rust_decimal::Decimal;

use super::device::Entry;
use super::keys::Keys;
use crate::device::blood_pressure::{self, BloodPressure, Values};
use crate::device::body_composition::{BodyComposition, Found};
use crate::device::glucose::{self, Glucose};
use crate::device::heart_rate::HeartRate;
use crate::device::oximetry::{self, Oximetry};
use crate::device::temperature::{Site, Temperature};
use crate::device::weight::{ScaleStyle, Weight};
use crate::device::{Kind, Measurement, Surroundings};

/// The longest that a finger is in or a belt is worn.
const LONGEST_WORN: Duration = Duration::from_secs(3600);

const CUFF_STATUS: [(&str, u16); 4] = [
    ("body-movement", blood_pressure::BODY_MOVEMENT),
    ("cuff-loose", blood_pressure::CUFF_LOOSE),
    ("irregular-pulse", blood_pressure::IRREGULAR_PULSE),
    ("improper-position", blood_pressure::IMPROPER_POSITION),
];

const METER_STATUS: [(&str, u16); 3] = [
    ("sample-too-small", glucose::SAMPLE_TOO_SMALL),
    ("too-high", glucose::TOO_HIGH),
    ("too-low", glucose::TOO_LOW),
];

const SITES: [(&str, Site); 5] = [
    ("armpit", Site::Armpit),
    ("body", Site::Body),
    ("ear", Site::Ear),
    ("finger", Site::Finger),
    ("mouth", Site::Mouth),
];

/// Reads what a device measures; checks that its format can hold it.
pub(super) fn read(mut keys: Keys<'_, '_>, entry: &Entry) -> Option<Measurement> {
    let place = keys.place();
    let kind = &entry.device.kind;
    let failed = keys.flag("failed").unwrap_or(false);
    let measured = match kind {
        Kind::Cuff(_)
        | Kind::CuffLine(_)
        | Kind::TaiDoc
        | Kind::TaiDocOnAir
        | Kind::VendorCuff(_) => pressure(&mut keys, failed, entry).map(Measurement::BloodPressure),
        Kind::Oximeter(_) => oximetry(&mut keys, failed, true).map(Measurement::Oximetry),
        Kind::NoninDf2 | Kind::NoninAscii | Kind::OximeterLine(_) | Kind::VendorOximeter(_) => {
            oximetry(&mut keys, failed, false).map(Measurement::Oximetry)
        }
        Kind::Scale(_) | Kind::AndScale | Kind::TranstekScale | Kind::XiaomiScale(_) => {
            weight(&mut keys, failed, entry).map(Measurement::Weight)
        }
        Kind::Omron(omron) if !omron.model.is_scale() => {
            pressure(&mut keys, failed, entry).map(Measurement::BloodPressure)
        }
        Kind::BodyCompositionScale(_) | Kind::Omron(_) => {
            body_composition(&mut keys, failed, entry).map(Measurement::BodyComposition)
        }
        Kind::GlucoseMeter(_) => meter(&mut keys, failed).map(Measurement::Glucose),
        Kind::Thermometer(_) => temperature(&mut keys, failed).map(Measurement::Temperature),
        Kind::HeartRateBelt => heart_rate(&mut keys).map(Measurement::HeartRate),
        Kind::Replay { .. } | Kind::SerialReplay => {
            place.problem("", &"a replay device measures nothing; use replay");
            return None;
        }
    };
    keys.refuse_the_rest();
    let surroundings = Surroundings { clock: DateTime::ZERO, battery_percent: 100, sequence: 1 };
    let measured = measured?;
    if let Err(error) = kind.records(&measured, surroundings) {
        place.problem("", &error);
    }
    Some(measured)
}

/// Takes a value that has to be there unless the measurement failed.
fn value(
    keys: &mut Keys<'_, '_>,
    key: &'static str,
    what: &str,
    most: u32,
    failed: bool,
) -> Option<Decimal> {
    if !failed {
        keys.must(key, what);
    }
    keys.decimal(key, Decimal::ZERO..=Decimal::from(most))
}

fn user(keys: &mut Keys<'_, '_>, entry: &Entry) -> u8 {
    let user = keys.whole("user", 0..=255).and_then(|user| u8::try_from(user).ok());
    user.or(entry.user).unwrap_or(1)
}

fn pressure(keys: &mut Keys<'_, '_>, failed: bool, entry: &Entry) -> Option<BloodPressure> {
    let systolic = value(keys, "systolic", "in the unit of the cuff", 300, failed);
    let diastolic = value(keys, "diastolic", "in the unit of the cuff", 300, failed);
    let mean = value(keys, "mean", "", 300, true);
    let pulse_bpm = value(keys, "pulse", "", 300, true);
    let status = words(keys, &CUFF_STATUS).into_iter().fold(0, |bits, bit| bits | bit);
    let user = user(keys, entry);
    if failed {
        return Some(BloodPressure { values: None, user, status });
    }
    let values = Values { systolic: systolic?, diastolic: diastolic?, mean, pulse_bpm };
    Some(BloodPressure { values: Some(values), user, status })
}

/// Takes the list `status`, each one of several words.
fn words<T: Copy>(keys: &mut Keys<'_, '_>, known: &[(&str, T)]) -> Vec<T> {
    let place = keys.place();
    let mut meanings = Vec::new();
    for word in keys.texts("status").unwrap_or_default() {
        match known.iter().find(|(name, _meaning)| *name == word) {
            Some((_name, meaning)) => meanings.push(*meaning),
            None => {
                let names: Vec<&str> = known.iter().map(|(name, _meaning)| *name).collect();
                place.problem("status", &format!("{word:?} is none of: {}", names.join(", ")));
            }
        }
    }
    meanings
}

fn worn(keys: &mut Keys<'_, '_>, usually: Duration) -> Duration {
    keys.seconds("worn_s", Duration::from_secs(1)..=LONGEST_WORN).unwrap_or(usually)
}

fn oximetry(keys: &mut Keys<'_, '_>, failed: bool, has_status: bool) -> Option<Oximetry> {
    let spo2 = value(keys, "spo2", "in percent", 100, failed);
    let pulse = value(keys, "pulse", "beats per minute", 500, failed);
    let mut measured = Oximetry::without_pulse();
    measured.worn = worn(keys, measured.worn);
    if has_status {
        let known = [
            ("low-perfusion", (0, oximetry::LOW_PERFUSION)),
            ("questionable", (oximetry::QUESTIONABLE, 0)),
        ];
        for (status, sensor) in words(keys, &known) {
            measured.status |= status;
            measured.sensor |= sensor;
        }
        measured.amplitude_percent = value(keys, "amplitude", "", 100, true);
    }
    if failed {
        return Some(measured);
    }
    Some(Oximetry { spo2_percent: Some(spo2?), pulse_bpm: Some(pulse?), ..measured })
}

fn weight(keys: &mut Keys<'_, '_>, failed: bool, entry: &Entry) -> Option<Weight> {
    let place = keys.place();
    let kilograms = value(keys, "weight_kg", "", 500, true);
    let pounds = value(keys, "weight_lb", "", 1000, true);
    let user = user(keys, entry);
    // Only that one can say it.
    let is_asked = entry.device.kind == Kind::Scale(ScaleStyle::Detecto);
    let below_zero = is_asked && keys.flag("below_zero").unwrap_or(false);
    let weight = match (failed, below_zero, kilograms, pounds) {
        (true, false, None, None) => Weight::failed(),
        (false, true, None, None) => Weight::below_zero(),
        (false, false, Some(value), None) => Weight::kilograms(value),
        (false, false, None, Some(value)) => Weight::pounds(value),
        (_, _, _, _) => {
            place.problem("", &"needs either weight_kg, weight_lb or failed = true");
            return None;
        }
    };
    if weight.value.is_some_and(|value| 2 < value.scale()) {
        place.problem("", &"a weight has at most two decimals");
        return None;
    }
    Some(Weight { user, ..weight })
}

fn body_composition(
    keys: &mut Keys<'_, '_>,
    failed: bool,
    entry: &Entry,
) -> Option<BodyComposition> {
    let fat_percent = value(keys, "fat", "in percent", 100, failed);
    let muscle_percent = value(keys, "muscle", "", 100, true);
    let water_kg = value(keys, "water_kg", "", 300, true);
    let weight_kg = value(keys, "weight_kg", "", 300, true);
    let user = user(keys, entry);
    if failed {
        return Some(BodyComposition { user, ..BodyComposition::failed() });
    }
    let found = Found { fat_percent: fat_percent?, muscle_percent, water_kg, weight_kg };
    Some(BodyComposition { found: Some(found), user })
}

fn meter(keys: &mut Keys<'_, '_>, failed: bool) -> Option<Glucose> {
    let concentration = value(keys, "glucose", "in the unit of the meter", 1000, failed);
    let is_control = keys.flag("control").unwrap_or(false);
    let status = words(keys, &METER_STATUS).into_iter().fold(0, |bits, bit| bits | bit);
    if failed {
        return Some(Glucose { is_control, ..Glucose::failed(status) });
    }
    Some(Glucose { concentration: Some(concentration?), is_control, status })
}

fn temperature(keys: &mut Keys<'_, '_>, failed: bool) -> Option<Temperature> {
    let celsius = value(keys, "temperature_c", "in degrees Celsius", 50, failed);
    let site = keys.word("site", &SITES).unwrap_or_default();
    if failed {
        return Some(Temperature { site, ..Temperature::failed() });
    }
    Some(Temperature { celsius: Some(celsius?), site })
}

fn heart_rate(keys: &mut Keys<'_, '_>) -> Option<HeartRate> {
    let bpm = keys.must("pulse", "beats per minute").whole("pulse", 1..=500);
    let usual = HeartRate::new(0);
    let worn = worn(keys, usual.worn);
    Some(HeartRate { bpm: u16::try_from(bpm?).ok()?, worn })
}
