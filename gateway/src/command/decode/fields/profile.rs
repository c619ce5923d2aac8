//! Fields of the profiles of the Bluetooth SIG and of IEEE 11073-20601.

use serde_json::{Value, json};

use super::{Fields, decimal, present, shown, time};
use crate::device::body_composition::BodyComposition;
use crate::device::current_time::{CurrentTime, Day, ExactTime};
use crate::device::elapsed_time::ElapsedTime;
use crate::device::feature::{BodyCompositionFeatures, OximeterFeatures, ScaleFeatures};
use crate::device::glucose::Glucose;
use crate::device::glucose::context::GlucoseContext;
use crate::device::identification::{PnpId, SystemId};
use crate::device::local_time::{LocalTime, ReferenceTime};
use crate::device::personal_health::{Observed, ScanReport, Values};
use crate::device::record_access::{Filter, Procedure, RecordAccess};
use crate::device::user_data::UserControl;

pub(in crate::command::decode) fn day(it: Day) -> Fields {
    vec![("datetime", time(it.time)), ("day_of_week", it.day_of_week.into())]
}

pub(in crate::command::decode) fn exact_time(it: ExactTime) -> Fields {
    day(it.day).into_iter().chain([("fractions256", it.fractions_256.into())]).collect()
}

pub(in crate::command::decode) fn current_time(it: CurrentTime) -> Fields {
    exact_time(it.exact).into_iter().chain([("adjust_reason", it.adjust_reason.into())]).collect()
}

pub(in crate::command::decode) fn local_time(it: LocalTime) -> Fields {
    present([
        ("tz", Some(it.zone.into())),
        ("tz_min", it.zone_min().map(Value::from)),
        ("dst", Some(it.daylight_saving.into())),
    ])
}

pub(in crate::command::decode) fn reference_time(it: ReferenceTime) -> Fields {
    vec![
        ("source", it.source.into()),
        ("accuracy", it.accuracy.into()),
        ("days_since_update", it.days_since_update.into()),
        ("hours_since_update", it.hours_since_update.into()),
    ]
}

pub(in crate::command::decode) fn elapsed_time(it: &ElapsedTime) -> Fields {
    let minutes = i16::from(it.offset).checked_mul(15);
    present([
        ("time_value", Some(it.value.into())),
        ("resolution", Some(it.resolution().into())),
        ("tick_counter", Some(it.is_tick_counter().into())),
        ("utc", Some(it.is_utc().into())),
        ("current_timeline", Some(it.is_current_timeline().into())),
        ("sync_source", Some(it.sync_source.into())),
        ("tz_min", minutes.filter(|_it| it.has_offset()).map(Value::from)),
        ("timestamp", it.civil().map(|it| it.to_string().into())),
        ("clock_status", it.clock.map(|it| it.status.into())),
        ("clock_capabilities", it.clock.map(|it| it.capabilities.into())),
    ])
}

pub(in crate::command::decode) fn code(name: &'static str, code: u8) -> Fields {
    vec![(name, code.into())]
}

pub(in crate::command::decode) fn change_increment(increment: u32) -> Fields {
    vec![("value", increment.into())]
}

pub(in crate::command::decode) fn features(bits: u16) -> Fields {
    vec![("features", bits.into())]
}

pub(in crate::command::decode) fn oximeter_features(it: OximeterFeatures) -> Fields {
    present([
        ("features", Some(it.bits.into())),
        ("measurement_status_support", it.measurement_status.map(Value::from)),
        ("device_sensor_status_support", it.device_status.map(Value::from)),
    ])
}

pub(in crate::command::decode) fn body_composition_features(it: BodyCompositionFeatures) -> Fields {
    vec![
        ("features", it.features().into()),
        ("mass_resolution", it.mass_resolution().into()),
        ("height_resolution", it.height_resolution().into()),
    ]
}

pub(in crate::command::decode) fn scale_features(it: ScaleFeatures) -> Fields {
    vec![
        ("time_stamp", it.has_time().into()),
        ("multiple_users", it.has_users().into()),
        ("bmi", it.has_mass_index().into()),
        ("weight_resolution", it.weight_resolution().into()),
        ("height_resolution", it.height_resolution().into()),
    ]
}

pub(in crate::command::decode) fn body_composition(it: &BodyComposition) -> Fields {
    let (mass, length) = it.units();
    present([
        ("unit", Some(mass.label().into())),
        ("unsuccessful", Some(it.body_fat.is_none().into())),
        ("body_fat_pct", Some(it.body_fat.map_or(Value::Null, decimal))),
        ("timestamp", it.device_time.map(time)),
        ("user_id", it.user_id.map(Value::from)),
        ("basal_kj", it.basal_metabolism_kj.map(Value::from)),
        ("muscle_pct", it.muscle.map(decimal)),
        ("muscle_mass", it.muscle_mass.map(decimal)),
        ("fat_free_mass", it.fat_free_mass.map(decimal)),
        ("soft_lean_mass", it.soft_lean_mass.map(decimal)),
        ("body_water_mass", it.body_water_mass.map(decimal)),
        ("impedance_ohm", it.impedance_ohm.map(decimal)),
        ("weight", it.weight.map(decimal)),
        ("height", it.height.map(decimal)),
        ("height_unit", it.height.map(|_height| length.label().into())),
        ("multiple_packets", Some(it.is_part.into())),
    ])
}

pub(in crate::command::decode) fn glucose(it: &Glucose) -> Fields {
    let unit = if it.is_molar { "mol/L" } else { "kg/L" };
    present([
        ("sequence", Some(it.sequence.into())),
        ("base_time", Some(time(it.base_time))),
        ("time_offset_min", it.time_offset_min.map(Value::from)),
        ("timestamp", it.user_facing_time().map(time)),
        ("concentration", it.sample.map(|it| shown(it.concentration))),
        ("unit", it.sample.map(|_sample| unit.into())),
        ("type", it.sample.map(|it| it.kind.into())),
        ("location", it.sample.map(|it| it.location.into())),
        ("status", it.status.map(|it| it.0.into())),
        ("context_follows", Some(it.has_context.into())),
    ])
}

pub(in crate::command::decode) fn glucose_context(it: &GlucoseContext) -> Fields {
    let medication_unit = if it.is_medication_volume { "L" } else { "kg" };
    present([
        ("sequence", Some(it.sequence.into())),
        ("carbohydrate", it.carbohydrate.map(|it| it.kind.into())),
        ("carbohydrate_kg", it.carbohydrate.map(|it| shown(it.amount))),
        ("meal", it.meal.map(Value::from)),
        ("tester", it.tester.map(Value::from)),
        ("health", it.health.map(Value::from)),
        ("exercise_s", it.exercise.map(|it| it.duration_s.into())),
        ("exercise_pct", it.exercise.map(|it| it.intensity_percent.into())),
        ("medication", it.medication.map(|it| it.kind.into())),
        ("medication_amount", it.medication.map(|it| shown(it.amount))),
        ("medication_unit", it.medication.map(|_amount| medication_unit.into())),
        ("hba1c_pct", it.hba1c.map(shown)),
    ])
}

pub(in crate::command::decode) fn record_access(it: RecordAccess) -> Fields {
    match it {
        RecordAccess::Request { procedure, operator, filter } => {
            let (kind, lowest, highest) = match filter {
                None => (None, None, None),
                Some(Filter::Sequence(it)) => {
                    (Some(1), it.lowest.map(Value::from), it.highest.map(Value::from))
                }
                Some(Filter::Time(it)) => (Some(2), it.lowest.map(time), it.highest.map(time)),
            };
            present([
                ("op", Some(procedure_word(procedure).into())),
                ("operator", Some(operator.into())),
                ("filter", kind.map(Value::from)),
                ("minimum", lowest),
                ("maximum", highest),
            ])
        }
        RecordAccess::Count { is_combined, n_records } => {
            let op = if is_combined { "combined_report_response" } else { "number_of_records" };
            vec![("op", op.into()), ("count", n_records.into())]
        }
        RecordAccess::Response { request, code } => {
            vec![("op", "response".into()), ("request", request.into()), ("code", code.into())]
        }
    }
}

const fn procedure_word(procedure: Procedure) -> &'static str {
    match procedure {
        Procedure::Report => "report",
        Procedure::Delete => "delete",
        Procedure::Abort => "abort",
        Procedure::ReportNumber => "report_number",
        Procedure::CombinedReport => "combined_report",
    }
}

pub(in crate::command::decode) fn user_control(it: &UserControl) -> Fields {
    let op = |word: &str| ("op", Some(word.into()));
    let user = |index: u8| ("user_id", Some(index.into()));
    match it {
        UserControl::Register { consent } => {
            present([op("register"), ("consent", Some((*consent).into()))])
        }
        UserControl::Consent { user_index, consent } => {
            present([op("consent"), user(*user_index), ("consent", Some((*consent).into()))])
        }
        UserControl::DeleteUserData => present([op("delete_user_data")]),
        UserControl::ListUsers => present([op("list_users")]),
        UserControl::DeleteUsers { user_index } => present([op("delete_users"), user(*user_index)]),
        UserControl::Response { request, code, parameter } => present([
            op("response"),
            ("request", Some((*request).into())),
            ("code", Some((*code).into())),
            ("user_id", it.registered().map(Value::from)),
            ("parameter", Some(parameter.clone()).filter(|it| !it.is_empty()).map(Value::from)),
        ]),
    }
}

pub(in crate::command::decode) fn system_id(it: SystemId) -> Fields {
    vec![
        ("value", it.0.into()),
        ("manufacturer_id", it.manufacturer().into()),
        ("oui", it.organization().into()),
    ]
}

pub(in crate::command::decode) fn pnp_id(it: PnpId) -> Fields {
    vec![
        ("source", it.source.into()),
        ("vid", it.vendor.into()),
        ("pid", it.product.into()),
        ("ver", it.version.into()),
    ]
}

/// Every observation, and before it those that a standard configuration gives a name.
pub(in crate::command::decode) fn scan_report(it: &ScanReport) -> Fields {
    let specialization = Specialization::of(it);
    let mut fields = Fields::new();
    for observed in &it.observations {
        fields.extend(named(observed, specialization));
    }
    let timestamp = it.observations.iter().find_map(|it| it.device_time);
    fields.extend(timestamp.map(|it| ("timestamp", time(it))));
    fields.push(("observations", it.observations.iter().map(observation).collect()));
    fields
}

/// What a device is by the handles and lengths of its standard configuration.
#[derive(Clone, Copy)]
enum Specialization {
    /// 700: handle 1 has three pressures, 2 the pulse.
    Cuff,
    /// 400: handle 1 has the saturation, 10 the pulse.
    Oximeter,
    /// 800: handle 1 has the temperature.
    Thermometer,
    /// 1500: handle 1 has the weight, 3 the body mass index.
    Scale,
}

impl Specialization {
    fn of(report: &ScanReport) -> Self {
        let has = |is_it: fn(&Observed) -> bool| report.observations.iter().any(is_it);
        if has(|it| matches!(it.values, Values::Pressures { .. })) {
            Self::Cuff
        } else if has(|it| matches!(it.values, Values::Long(_))) {
            Self::Scale
        } else if has(|it| it.handle == 10 || it.device_time.is_none()) {
            Self::Oximeter
        } else {
            Self::Thermometer
        }
    }
}

fn named(it: &Observed, specialization: Specialization) -> Fields {
    let number = match it.values {
        Values::Pressures { systolic, diastolic, mean } => {
            return vec![
                ("systolic", shown(systolic)),
                ("diastolic", shown(diastolic)),
                ("mean", shown(mean)),
            ];
        }
        Values::Short(number) | Values::Long(number) => number,
    };
    let name = match (specialization, it.handle) {
        (Specialization::Cuff, 2) | (Specialization::Oximeter, 10) => "pulse",
        (Specialization::Oximeter, 1) => "spo2",
        (Specialization::Thermometer, 1) => "temperature",
        (Specialization::Scale, 1) => "weight_kg",
        (Specialization::Scale, 3) => "bmi",
        (_any, _of_the_maker) => return Fields::new(),
    };
    vec![(name, shown(number))]
}

fn observation(it: &Observed) -> Value {
    let values = match it.values {
        Values::Pressures { systolic, diastolic, mean } => vec![systolic, diastolic, mean],
        Values::Short(number) | Values::Long(number) => vec![number],
    };
    json!({
        "handle": it.handle,
        "values": values.into_iter().map(shown).collect::<Vec<_>>(),
        "timestamp": it.device_time.map(|it| it.to_string()),
    })
}
