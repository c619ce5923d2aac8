//! Every field of the formats of vendors, named as `tests/vectors` names them.

use serde_json::{Value, json};
use vitals::DeviceTime;

use super::{Fields, decimal, present, shown, time};
use crate::device::advertisement::{Advertisement, Weighing};
use crate::device::cms50d_bt::Notification;
use crate::device::suntech::Reply;
use crate::device::xiaomi_scale::Weighing as XiaomiWeighing;
use crate::device::{
    contec_five, contec_nine, detecto, jks50f, jumper, lepu, masimo_ascii, microlife, nonin_3230,
    nonin_df7, nonin_df13, nonin_live, omron_790it, omron_eeprom, omron_hbp9030, omron_scale,
    omron_wlp, pc60fw, suntech, taidoc, transtek, viatom, visomat, xiaomi_s400,
};

/// The time of a device that shows no seconds, as [`time`].
fn minute(at: DeviceTime) -> Value {
    let shown = time(at);
    let minute = shown.as_str().and_then(|it| it.rsplit_once(':'));
    minute.map(|(minute, _second)| Value::from(minute)).unwrap_or(shown)
}

fn bytes(bytes: &[u8]) -> Value {
    Value::from(hex::encode(bytes))
}

pub(in super::super) fn temperature(it: Option<rust_decimal::Decimal>) -> Fields {
    vec![("temperature", it.map_or(Value::Null, decimal))]
}

pub(in super::super) fn datetime(it: DeviceTime) -> Fields {
    vec![("datetime", time(it))]
}

pub(in super::super) fn payload(contents: &[u8]) -> (&'static str, Value) {
    ("payload", bytes(contents))
}

pub(in super::super) fn contec_five(it: &contec_five::Frame) -> Fields {
    vec![
        ("pulse", it.pulse.into()),
        ("spo2", it.saturation.into()),
        ("signal", it.signal.into()),
        ("search_long", it.is_search_long.into()),
        ("low", it.is_falling.into()),
        ("beep", it.is_beep.into()),
        ("pleth", it.pleth.into()),
        ("bar", it.bar.into()),
        ("probe_error", it.is_probe_error.into()),
        ("searching", it.is_searching.into()),
    ]
}

pub(in super::super) fn berry(it: &contec_five::Frame) -> Fields {
    let pulse = ("pulse", it.pulse_rate().into());
    [pulse].into_iter().chain(contec_five(it).into_iter().skip(1)).collect()
}

pub(in super::super) fn contec_nine(it: &contec_nine::Live) -> Fields {
    vec![
        ("pulse", it.pulse.into()),
        ("spo2", it.saturation.into()),
        ("pi", it.perfusion_index.map_or(Value::Null, decimal)),
        ("signal", it.signal.into()),
        ("search_long", it.is_search_long.into()),
        ("low", it.is_falling.into()),
        ("beep", it.is_beep.into()),
        ("pleth", it.pleth.into()),
        ("bar", it.bar.into()),
        ("probe_error", it.is_probe_error.into()),
        ("searching", it.is_searching.into()),
    ]
}

pub(in super::super) fn contec_memory(it: &[contec_nine::Stored]) -> Fields {
    let pairs: Vec<_> = it.iter().map(|it| json!([it.saturation, it.pulse])).collect();
    vec![("pairs", pairs.into())]
}

pub(in super::super) fn contec_command(it: &contec_nine::Command) -> Fields {
    vec![
        ("cmd", it.code.into()),
        ("data", bytes(&it.rest)),
        ("meaning", it.meaning().unwrap_or("unknown").into()),
    ]
}

pub(in super::super) fn cms50d_bt(it: &Notification) -> Fields {
    match it {
        Notification::Wave(wave) => vec![("kind", "wave".into()), ("bytes", bytes(wave))],
        Notification::Values(values) => vec![
            ("kind", "params".into()),
            ("pulse", values.pulse.into()),
            ("spo2", values.saturation.into()),
            ("state", values.state.into()),
        ],
    }
}

pub(in super::super) fn cms50d_bt_command(before: &[u8]) -> Fields {
    vec![("bytes", bytes(before)), ("checksum_ok", true.into())]
}

pub(in super::super) fn detecto(it: &detecto::Load) -> Fields {
    let below_zero = it.is_below_zero.then(|| ("below_zero", true.into()));
    super::weight(&it.weight).into_iter().chain(below_zero).collect()
}

pub(in super::super) fn nonin_3230(it: nonin_3230::Second) -> Fields {
    vec![
        ("spo2", it.saturation.into()),
        ("pulse", it.pulse.into()),
        ("pai", decimal(it.amplitude)),
        ("counter", it.counter.into()),
        ("battery_v", decimal(it.battery_volt)),
        ("weak", it.is_weak().into()),
        ("smart_point", it.has_passed_smart_point().into()),
        ("searching", it.is_searching().into()),
        ("finger", it.has_finger().into()),
        ("low_battery", it.is_battery_low().into()),
    ]
}

pub(in super::super) fn nonin_live(it: &nonin_live::Frame) -> Fields {
    let status_2 = |value: bool| it.status_2.map(|_status| value.into());
    present([
        ("hr", Some(it.heart_rate.into())),
        ("spo2", Some(it.saturation.into())),
        ("disconnected", Some(it.is_disconnected().into())),
        ("out_of_track", Some(it.is_out_of_track().into())),
        ("low_perfusion", Some(it.is_low_perfusion().into())),
        ("marginal_perfusion", Some(it.is_marginal_perfusion().into())),
        ("artifact", Some(it.is_artifact().into())),
        ("smart_point", status_2(it.is_smart_point())),
        ("sensor_alarm", status_2(it.is_sensor_alarm())),
        ("low_battery", status_2(it.is_battery_low())),
    ])
}

pub(in super::super) fn nonin_df7_frame(it: nonin_df7::Frame) -> Fields {
    let (pleth, part) = (it.pleth.into(), it.part);
    let status = super::nonin_status(it.status);
    status.into_iter().chain([("pleth", pleth), ("part", part.into())]).collect()
}

pub(in super::super) fn nonin_df13(it: &nonin_df13::SpotCheck) -> Fields {
    vec![
        ("timestamp", time(it.device_time)),
        ("hr", it.heart_rate.into()),
        ("spo2", it.saturation.into()),
        ("status", it.status.into()),
    ]
}

pub(in super::super) fn masimo(it: &masimo_ascii::Trend) -> Fields {
    let number = |name| it.values.get(name).map(|it| it.map_or(Value::Null, decimal));
    let mask = |name| it.masks.get(name).map(|it| Value::from(*it));
    present([
        ("timestamp", Some(time(it.device_time))),
        ("sn", Some(it.serial_number.clone().into())),
        ("spo2", number("SPO2")),
        ("bpm", number("BPM")),
        ("pi", number("PI")),
        ("spco", number("SPCO")),
        ("spmet", number("SPMET")),
        ("sphb", number("SPHB")),
        ("spoc", number("SPOC")),
        ("desat", number("DESAT")),
        ("pvi", number("PVI")),
        ("alarm", mask("ALARM")),
        ("exc", mask("EXC")),
        ("exc1", mask("EXC1")),
    ])
}

pub(in super::super) fn taidoc(it: &taidoc::Frame, reply: Option<taidoc::Reply>) -> Fields {
    let mut fields = vec![
        ("cmd", it.command.into()),
        ("data", bytes(&it.parameters)),
        ("dir", it.direction.as_str().into()),
    ];
    match reply {
        Some(taidoc::Reply::Time(time)) => fields.extend(taidoc_time(time)),
        Some(taidoc::Reply::Count(count)) => fields.push(("count", count.into())),
        Some(taidoc::Reply::Model(model)) => fields.push(("model", bytes(&model))),
        Some(taidoc::Reply::Values(_)) | None => {}
    }
    fields
}

pub(in super::super) fn taidoc_time(it: taidoc::Time) -> Fields {
    vec![("timestamp", minute(it.device_time)), ("is_cuff", it.is_cuff.into())]
}

pub(in super::super) fn suntech(it: &Reply) -> Fields {
    match it {
        Reply::Acknowledged(code) => vec![("kind", "ack".into()), ("code", (*code).into())],
        Reply::CuffPressure(pressure) => {
            vec![("kind", "pressure".into()), ("pressure", (*pressure).into())]
        }
        Reply::Result(cuff) => vec![
            ("kind", "data".into()),
            ("systolic", cuff.systolic.into()),
            ("diastolic", cuff.diastolic.into()),
            ("mean", cuff.mean.into()),
            ("pulse", cuff.heart_rate.into()),
            ("beats", cuff.n_beats.into()),
            ("status", cuff.status.into()),
            ("error", cuff.error.into()),
        ],
        Reply::Other(contents) => vec![("kind", "other".into()), ("data", bytes(contents))],
    }
}

pub(in super::super) fn suntech_command(it: &suntech::Command) -> Fields {
    vec![("kind", "cmd".into()), ("cmd", it.code.into()), ("data", bytes(&it.parameters))]
}

pub(in super::super) fn omron_hbp9030(it: &omron_hbp9030::Record) -> Fields {
    vec![
        ("timestamp", minute(it.device_time)),
        ("id", it.id.clone().into()),
        ("error", it.error.into()),
        ("systolic", it.systolic.into()),
        ("diastolic", it.diastolic.into()),
        ("pulse", it.pulse.into()),
        ("movement", it.is_moved.into()),
    ]
}

pub(in super::super) fn weighing(it: &Weighing) -> Fields {
    present([
        ("weight_kg", it.weight.map(decimal)),
        ("impedance", it.impedance.map(decimal)),
        ("stabilized", it.is_stabilized.map(Value::from)),
    ])
}

pub(in super::super) fn report(it: &Advertisement<'_>) -> Fields {
    vec![("mac", hex::encode_upper(it.address).into()), ("rssi", it.rssi_dbm.into())]
}

pub(in super::super) fn xiaomi_v1(it: &XiaomiWeighing) -> Fields {
    vec![
        ("weight", decimal(it.weight)),
        ("unit", it.unit.as_str().into()),
        ("stabilized", it.is_stabilized.into()),
        ("removed", it.is_removed.into()),
        ("object", it.is_object.into()),
        ("timestamp", time(it.device_time)),
    ]
}

pub(in super::super) fn xiaomi_v2(it: &XiaomiWeighing) -> Fields {
    let impedance = [
        ("has_impedance", Some(it.impedance.is_some().into())),
        ("impedance", it.impedance.map(Value::from)),
    ];
    xiaomi_v1(it).into_iter().chain(present(impedance)).collect()
}

pub(in super::super) fn xiaomi_s400(it: &xiaomi_s400::Weighing) -> Fields {
    present([
        ("weight_kg", Some(decimal(it.weight))),
        ("heart_rate", it.heart_rate.map(Value::from)),
        ("impedance", it.impedance.map(decimal)),
        ("profile", Some(it.profile.into())),
    ])
}

pub(in super::super) fn transtek_weight(it: &transtek::Weight) -> Fields {
    present([
        ("weight_kg", Some(shown(it.weight))),
        ("unit", Some(it.shown_unit().into())),
        ("timestamp_utc", it.measured.map(instant)),
        ("difference", it.difference.map(shown)),
        ("impedance", it.impedance.map(shown)),
        ("user", it.user.map(Value::from)),
        ("status", it.status.map(Value::from)),
    ])
}

pub(in super::super) fn transtek_body(it: &transtek::Body) -> Fields {
    present([
        ("timestamp_utc", Some(instant(it.measured))),
        ("user", it.user.map(Value::from)),
        ("kcal", it.energy_kcal.map(Value::from)),
        ("fat_pct", it.fat.map(shown)),
        ("water_pct", it.water.map(shown)),
        ("visceral", it.visceral.map(shown)),
        ("muscle_pct", it.muscle.map(shown)),
        ("bone", it.bone.map(shown)),
        ("battery", it.battery_percent.map(Value::from)),
    ])
}

/// An instant without the letter of its zone, which the name of the field says.
fn instant(it: jiff::Timestamp) -> Value {
    Value::from(it.to_string().trim_end_matches('Z'))
}

pub(in super::super) fn transtek_answer(it: [u8; 4]) -> Fields {
    vec![("reply", bytes(&it))]
}

pub(in super::super) fn viatom(it: &viatom::Live) -> Fields {
    vec![
        ("spo2", it.saturation.into()),
        ("pr", it.pulse.into()),
        ("steps", it.n_steps.into()),
        ("battery", it.battery_percent.into()),
        ("charging", it.charging.into()),
        ("motion", it.motion.into()),
        ("pi", decimal(it.perfusion_index)),
        ("state", it.state.into()),
    ]
}

pub(in super::super) fn viatom_request(it: &viatom::Request) -> Fields {
    vec![
        ("cmd", it.command.into()),
        ("packet", it.packet.into()),
        ("data", bytes(&it.contents)),
        ("crc_checked", true.into()),
    ]
}

pub(in super::super) fn lepu(it: &lepu::Frame) -> Fields {
    vec![
        ("cmd", it.command.into()),
        ("dir", if it.is_reply { "device" } else { "host" }.into()),
        ("seq", it.sequence.into()),
        ("data", bytes(&it.contents)),
    ]
}

pub(in super::super) fn lepu_records(it: &[lepu::Record]) -> Fields {
    let record = |it: &lepu::Record| {
        json!({
            "unix_s": it.unix_s,
            "user": it.user,
            "irregular": it.is_irregular,
            "systolic": it.systolic,
            "diastolic": it.diastolic,
            "mean": it.mean,
            "pulse": it.pulse,
        })
    };
    vec![("n", it.len().into()), ("records", it.iter().map(record).collect::<Vec<_>>().into())]
}

pub(in super::super) fn pc60fw(it: &pc60fw::Frame) -> Fields {
    match it {
        pc60fw::Frame::Values(values) => vec![
            ("spo2", values.saturation.into()),
            ("pr", values.pulse.into()),
            ("pi", decimal(values.perfusion_index)),
            ("status", values.status.into()),
            ("battery_level", values.battery_level.into()),
        ],
        pc60fw::Frame::Wave(wave) => vec![("kind", "wave".into()), ("bytes", bytes(wave))],
        pc60fw::Frame::Other { token, function, rest } => vec![
            ("token", (*token).into()),
            ("function", (*function).into()),
            ("bytes", bytes(rest)),
        ],
    }
}

pub(in super::super) fn jumper_oximeter(it: &jumper::Oximeter) -> Fields {
    match it {
        jumper::Oximeter::Values(values) => vec![
            ("pulse", values.pulse.into()),
            ("spo2", values.saturation.into()),
            ("pi", decimal(values.perfusion_index)),
        ],
        jumper::Oximeter::Wave(wave) => vec![("kind", "wave".into()), ("bytes", bytes(wave))],
    }
}

pub(in super::super) fn jumper_cuff(it: &jumper::Cuff) -> Fields {
    present([
        ("systolic", Some(it.systolic.into())),
        ("diastolic", Some(it.diastolic.into())),
        ("pulse", Some(it.pulse.into())),
        ("timestamp", it.device_time.map(minute)),
    ])
}

pub(in super::super) fn jks50f(it: &jks50f::Frame) -> Fields {
    vec![
        ("finger", it.has_finger.into()),
        ("spo2", it.saturation.into()),
        ("pulse", it.pulse.into()),
        ("pi", it.perfusion_index.map_or(Value::Null, decimal)),
    ]
}

pub(in super::super) fn microlife(it: microlife::Frame<'_>) -> Fields {
    present([
        ("dir", Some(if it.is_from_host { "host" } else { "device" }.into())),
        ("payload", Some(bytes(it.contents))),
        ("time", it.time().map(time)),
    ])
}

pub(in super::super) fn microlife_history(it: &microlife::History) -> Fields {
    let record = |it: &microlife::Record| {
        json!({
            "systolic": it.systolic,
            "diastolic": it.diastolic,
            "pulse": it.pulse,
            "date": it.date,
            "flags": it.flags,
        })
    };
    let records: Vec<_> = it.records.iter().map(record).collect();
    vec![("count", it.n_records.into()), ("records", records.into())]
}

pub(in super::super) fn omron_record(it: &omron_eeprom::Record) -> Fields {
    let bit = |it: bool| Value::from(u8::from(it));
    present([
        ("systolic", Some(it.systolic.into())),
        ("diastolic", Some(it.diastolic.into())),
        ("pulse", Some(it.pulse.into())),
        ("timestamp", Some(time(it.device_time))),
        ("ihb", Some(bit(it.is_irregular))),
        ("mov", Some(bit(it.is_moved))),
        ("cuff", it.is_cuff_ok.map(bit)),
        ("battery", it.is_battery_low.map(bit)),
        ("pos", it.position.map(Value::from)),
    ])
}

pub(in super::super) fn omron_time(it: DeviceTime) -> Fields {
    vec![("timestamp", time(it)), ("checksum_ok", true.into())]
}

pub(in super::super) fn omron_scale(it: &omron_scale::Record) -> Fields {
    vec![
        ("weight_kg", decimal(it.weight)),
        ("body_fat_pct", decimal(it.fat)),
        ("skeletal_pct", decimal(it.skeletal)),
        ("visceral", decimal(it.visceral)),
        ("bmi", decimal(it.mass_index)),
        ("bmr_kcal", it.energy_kcal.into()),
        ("body_age", it.body_age.into()),
        ("timestamp", time(it.device_time)),
    ]
}

pub(in super::super) fn omron_wlp(it: &omron_wlp::Frame) -> Fields {
    vec![
        ("type", bytes(&it.kind)),
        ("addr", it.address.into()),
        ("dlen", it.data_len_bytes.into()),
        ("data", bytes(&it.contents)),
        ("outcome", it.outcome.into()),
    ]
}

pub(in super::super) fn omron_count(count: u16) -> Fields {
    vec![("count", count.into()), ("xor_ok", true.into())]
}

pub(in super::super) fn omron_790it(it: &omron_790it::Record) -> Fields {
    vec![
        ("systolic", it.systolic.into()),
        ("diastolic", it.diastolic.into()),
        ("pulse", it.pulse.into()),
        ("flags", it.flags.into()),
        ("date", it.date.to_vec().into()),
        ("timestamp", time(it.device_time)),
        ("xor_ok", true.into()),
    ]
}

pub(in super::super) fn omron_average(it: &omron_790it::Average) -> Fields {
    vec![
        ("systolic", it.systolic.into()),
        ("diastolic", it.diastolic.into()),
        ("pulse", it.pulse.into()),
        ("date", it.date.to_vec().into()),
        ("xor_ok", true.into()),
    ]
}

pub(in super::super) fn visomat(it: &[visomat::Record]) -> Fields {
    let record = |it: &visomat::Record| {
        json!({
            "user": it.user,
            "timestamp": minute(it.device_time),
            "flag": it.flag,
            "systolic": it.systolic,
            "diastolic": it.diastolic,
            "pulse": it.pulse,
        })
    };
    present([
        ("n", Some(it.len().into())),
        ("first", it.first().map(record)),
        ("last", it.last().map(record)),
        ("records", Some(it.iter().map(record).collect::<Vec<_>>().into())),
    ])
}
