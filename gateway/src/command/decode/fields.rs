//! Every field of a decoded value, with the name and the form in which it is shown.
//!
//! Decimal numbers are strings, and a field that is not in the bytes is left out. Names are those of
//! `tests/vectors`, so that bytes and their meanings can be told in one language.

use rust_decimal::Decimal;
use serde_json::Value;
use vitals::{DeviceTime, Flag, Unit};

use crate::device::and_scale::Load;
use crate::device::blood_pressure::{BloodPressure, Status};
use crate::device::heart_rate::HeartRate;
use crate::device::medfloat::{NoValue, Number};
use crate::device::nonin_df2::{Frame, FrameStatus, Packet, Perfusion};
use crate::device::plx::Oximetry;
use crate::device::thermometer::Temperature;
use crate::device::weight::Weight;
use crate::device::{date_time, nonin_ascii, nonin_df2};

pub(super) mod profile;
pub(super) mod vendor;

/// Fields in the order of their format.
pub(super) type Fields = Vec<(&'static str, Value)>;

/// A field in one line of text.
pub(super) fn to_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(to_text).collect::<Vec<_>>().join(" "),
        Value::Null => "none".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

fn decimal(value: Decimal) -> Value {
    Value::from(value.to_string())
}

/// A number, or what IEEE 11073-20601 calls the code that is in its place.
fn shown(number: Number) -> Value {
    let special = |no_value| match no_value {
        NoValue::NotANumber => "NaN",
        NoValue::NotAtThisResolution => "NRes",
        NoValue::AboveRange => "+INFINITY",
        NoValue::BelowRange => "-INFINITY",
        NoValue::Reserved => "reserved",
    };
    number.map_or_else(|no_value| Value::from(special(no_value)), decimal)
}

/// A time, or nothing in place of what no clock can show.
fn time(time: DeviceTime) -> Value {
    date_time::shown(time).map_or(Value::Null, |it| Value::from(it.to_string()))
}

/// Leaves out the fields that are not there.
fn present<const N: usize>(fields: [(&'static str, Option<Value>); N]) -> Fields {
    fields.into_iter().filter_map(|(name, value)| value.map(|it| (name, it))).collect()
}

pub(super) fn number(number: Number) -> Fields {
    vec![("value", shown(number))]
}

pub(super) fn date_time(it: DeviceTime) -> Fields {
    vec![("datetime", time(it))]
}

pub(super) fn battery(percent: u8) -> Fields {
    vec![("level", percent.into())]
}

pub(super) fn text(text: String) -> Fields {
    vec![("ascii", text.into())]
}

pub(super) fn blood_pressure(it: &BloodPressure) -> Fields {
    let pressures = [
        ("unit", it.unit.label().into()),
        ("systolic", shown(it.systolic)),
        ("diastolic", shown(it.diastolic)),
        ("mean", shown(it.mean)),
    ];
    pressures.into_iter().chain(after_pressures(it)).collect()
}

pub(super) fn cuff_pressure(it: &BloodPressure) -> Fields {
    let pressures = [("unit", it.unit.label().into()), ("cuff_pressure", shown(it.systolic))];
    pressures.into_iter().chain(after_pressures(it)).collect()
}

fn after_pressures(it: &BloodPressure) -> Fields {
    present([
        ("timestamp", it.device_time.map(time)),
        ("pulse", it.pulse.map(shown)),
        ("user_id", it.user_id.map(Value::from)),
        ("status.raw", it.status.map(|it| it.0.into())),
        ("status.flags", it.status.map(status_flags)),
        ("status.pulse_rate_range", it.status.map(|it| pulse_rate_range(it).into())),
    ])
}

fn status_flags(status: Status) -> Value {
    const WORDS: [(Flag, &str); 4] = [
        (Flag::BodyMovement, "body_movement"),
        (Flag::CuffLoose, "cuff_too_loose"),
        (Flag::IrregularPulse, "irregular_pulse"),
        (Flag::ImproperPosition, "improper_position"),
    ];
    let flags = status.flags();
    WORDS
        .into_iter()
        .filter(|(flag, _word)| flags.contains(flag))
        .map(|(_flag, word)| word)
        .collect()
}

fn pulse_rate_range(status: Status) -> &'static str {
    match status.pulse_rate_range() {
        0 => "in_range",
        1 => "above_upper",
        2 => "below_lower",
        _reserved => "reserved",
    }
}

pub(super) fn oximetry(it: &Oximetry) -> Fields {
    let says_clock = it.device_time.is_some() || it.is_clock_unset;
    present([
        ("spo2", Some(shown(it.normal.saturation))),
        ("pr", Some(shown(it.normal.pulse))),
        ("spo2_fast", it.fast.map(|it| shown(it.saturation))),
        ("pr_fast", it.fast.map(|it| shown(it.pulse))),
        ("spo2_slow", it.slow.map(|it| shown(it.saturation))),
        ("pr_slow", it.slow.map(|it| shown(it.pulse))),
        ("timestamp", it.device_time.map(time)),
        ("clock_not_set", says_clock.then(|| it.is_clock_unset.into())),
        ("measurement_status", it.measurement_status.map(|it| it.0.into())),
        ("device_sensor_status", it.device_status.map(|it| it.0.into())),
        ("pai", it.amplitude.map(shown)),
    ])
}

pub(super) fn weight(it: &Weight) -> Fields {
    let (mass, length) = it.units();
    present([
        ("unit", Some(mass.label().into())),
        ("weight", Some(it.weight.map_or(Value::Null, decimal))),
        ("unsuccessful", it.weight.is_none().then(|| true.into())),
        ("timestamp", it.device_time.map(time)),
        ("user_id", it.user_id.map(Value::from)),
        ("bmi", it.body.map(|it| decimal(it.mass_index))),
        ("height", it.body.map(|it| decimal(it.height))),
        ("height_unit", it.body.map(|_body| length.label().into())),
    ])
}

pub(super) fn temperature(it: &Temperature) -> Fields {
    present([
        ("unit", Some(degree(it.unit).into())),
        ("temperature", Some(shown(it.temperature))),
        ("timestamp", it.device_time.map(time)),
        ("type", it.site.map(Value::from)),
    ])
}

/// The letter of a unit of temperature.
fn degree(unit: Unit) -> &'static str {
    unit.label().trim_start_matches('°')
}

pub(super) fn heart_rate(it: &HeartRate) -> Fields {
    present([
        ("hr", Some(it.rate.into())),
        ("contact_supported", Some(it.has_contact.is_some().into())),
        ("contact", it.has_contact.map(Value::from)),
        ("energy_kj", it.energy_kj.map(Value::from)),
        ("rr_1024", Some(it.intervals.clone().into())),
    ])
}

pub(super) fn nonin_frame(it: Frame) -> Fields {
    let (pleth, part) = (it.pleth.into(), it.part.into());
    nonin_status(it.status).into_iter().chain([("pleth", pleth), ("part", part)]).collect()
}

fn nonin_status(it: FrameStatus) -> Fields {
    let perfusion = it.perfusion().map_or("none", |it| match it {
        Perfusion::Green => "green",
        Perfusion::Yellow => "yellow",
        Perfusion::Red => "red",
    });
    vec![
        ("sync", it.is_first().into()),
        ("disconnected", it.is_disconnected().into()),
        ("artifact", it.is_artifact().into()),
        ("out_of_track", it.is_out_of_track().into()),
        ("sensor_alarm", it.is_sensor_alarm().into()),
        ("perfusion", perfusion.into()),
    ]
}

/// `d` stands for display, `e` for extended averaging, `bb` for beat to beat.
pub(super) fn nonin_packet(it: &Packet) -> Fields {
    let spo2 = |it: nonin_df2::Values| it.saturation.into();
    let heart_rate = |it: nonin_df2::Values| it.heart_rate.into();
    vec![
        ("hr", heart_rate(it.beats)),
        ("spo2", spo2(it.beats)),
        ("hr_d", heart_rate(it.display)),
        ("spo2_d", spo2(it.display)),
        ("e_hr", heart_rate(it.extended)),
        ("e_spo2", spo2(it.extended)),
        ("e_hr_d", heart_rate(it.extended_display)),
        ("e_spo2_d", spo2(it.extended_display)),
        ("spo2_fast", it.saturation_fast.into()),
        ("spo2_bb", it.saturation_beat_to_beat.into()),
        ("rev", it.revision.into()),
        ("smart_point", it.is_smart_point.into()),
        ("low_battery", it.is_battery_low.into()),
    ]
}

pub(super) fn nonin_line(it: nonin_ascii::Values) -> Fields {
    vec![("hr", it.pulse.into()), ("spo2", it.saturation.into())]
}

pub(super) fn load(it: &Load) -> Fields {
    vec![
        ("header", it.header.as_str().into()),
        ("value", it.value.map_or(Value::Null, decimal)),
        ("unit", it.unit.clone().into()),
    ]
}
