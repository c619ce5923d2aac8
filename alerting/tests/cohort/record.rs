//! The reading that the hub makes of a measurement: exact decimals, flags, and times as far as its clock
//! and that of the device go.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::{Decimal, RoundingStrategy};
use vitals::{
    Context, DeviceKind, DeviceReference, Epoch, Flag, LocalInstant, Measurement, Quantity,
    Reading, ReadingId, ReadingKind, TimeQuality, Unit, Vital,
};

use crate::client::Vitals;
use crate::faults::{Clock, Technique};
use crate::habits::{Kind, Planned};
use crate::illness::DAY_MIN;

const EPOCH: Epoch = Epoch([9; 8]);

/// Pounds in a kilogram, as a scale rounds anyway.
const POUNDS: Decimal = Decimal::from_parts(22_046, 0, 0, false, 4);

/// The calendar of the cohort: it begins on the first day of 2026 in New York, which has summer time.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    pub(crate) zone: TimeZone,
}

impl Calendar {
    const START: Date = date(2026, 1, 1);

    pub(crate) fn new() -> Self {
        Self { zone: TimeZone::get("America/New_York").expect("the table of zones is built in") }
    }

    /// The instant so many minutes after the beginning, by the clocks of the home.
    pub(crate) fn instant(&self, minute: i64) -> LocalInstant {
        let day = SignedDuration::from_hours(24 * (minute / DAY_MIN));
        let date = Self::START.checked_add(day).expect("some years");
        let time = SignedDuration::from_mins(minute % DAY_MIN);
        let civil = date.at(0, 0, 0, 0).checked_add(time).expect("some years");
        let at = self.zone.to_timestamp(civil).expect("some years");
        LocalInstant::new(at, &self.zone)
    }

    /// The minutes since the beginning, by the clocks of the home.
    pub(crate) fn minute(&self, at: Timestamp) -> i64 {
        let since = self.zone.to_datetime(at).duration_since(Self::START.at(0, 0, 0, 0));
        since.as_mins()
    }
}

/// Makes the reading of `planned`, number `seq`, which `body` shows and the hub hears at `received`.
pub(crate) fn reading(
    calendar: &Calendar,
    seq: u64,
    planned: &Planned,
    body: Vitals,
    technique: &Technique,
    clock: Clock,
    received: i64,
) -> Reading {
    let is_stored = received != planned.minute;
    let received_at = calendar.instant(received);
    let measured_at = calendar.instant(planned.minute);
    let (measured_at, time_quality) = match (clock, is_stored) {
        (Clock::Right, _) => (measured_at, TimeQuality::Synced),
        (Clock::Off, _) => (measured_at, TimeQuality::Corrected),
        (Clock::Reset, false) => (received_at, TimeQuality::Estimated),
        (Clock::Reset, true) => (received_at, TimeQuality::Fault),
    };
    let mut flags: BTreeSet<Flag> = technique.flag.into_iter().collect();
    flags.extend(is_stored.then_some(Flag::FromStorage));
    flags.extend((clock == Clock::Reset).then_some(Flag::DeviceClockNotSet));
    let (kind, device) = kinds(planned.kind);
    Reading {
        id: ReadingId { epoch: EPOCH, seq },
        subject: Some("client-example".parse().expect("the id is well-formed")),
        subject_candidates: Vec::new(),
        device: DeviceReference {
            id: kind.as_str().parse().expect("the id is well-formed"),
            kind: device,
            model: "cohort".to_owned(),
            battery_percent: None,
        },
        kind,
        measured_at,
        received_at,
        time_quality,
        device_time: None,
        values: values(planned, body.plus(technique.adds), technique),
        flags,
        context: Context { phase: planned.phase, visit: None },
        raw: Vec::new(),
        recorded: received_at.into(),
    }
}

const fn kinds(kind: Kind) -> (ReadingKind, DeviceKind) {
    match kind {
        Kind::Pressure => (ReadingKind::BloodPressure, DeviceKind::BloodPressureMonitor),
        Kind::Oximetry | Kind::Exercise => (ReadingKind::Oximetry, DeviceKind::PulseOximeter),
        Kind::Weight => (ReadingKind::Weight, DeviceKind::WeighingScale),
        Kind::Temperature => (ReadingKind::Temperature, DeviceKind::Thermometer),
        Kind::Visit => (ReadingKind::ManualObservation, DeviceKind::Person),
    }
}

fn values(planned: &Planned, body: Vitals, technique: &Technique) -> Vec<Measurement> {
    let of = |vital, hundredths: i64, places, unit| {
        let exact = Decimal::new(hundredths, 2);
        let value = exact.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
        let quantity = Quantity::new(value, unit).expect("the number is in range");
        Measurement { vital, quantity }
    };
    let pulse = of(Vital::PulseRate, body.pulse, 0, Unit::PerMinute);
    let oxygen = body.oxygen.min(10_000);
    match planned.kind {
        Kind::Pressure => {
            let mmhg = Unit::MillimetreOfMercury;
            // On standing up the systolic pressure falls a little and the diastolic rises: textbook.
            let (falls, rises) = if planned.is_standing { (300, 300) } else { (0, 0) };
            vec![
                of(Vital::SystolicPressure, body.systolic - falls, 0, mmhg),
                of(Vital::DiastolicPressure, body.diastolic + rises, 0, mmhg),
                pulse,
            ]
        }
        Kind::Oximetry => vec![of(Vital::OxygenSaturation, oxygen, 0, Unit::Percent), pulse],
        // Walking costs 1 % and 35 beats a minute: of this project.
        Kind::Exercise => vec![
            of(Vital::OxygenSaturation, oxygen - 100, 0, Unit::Percent),
            of(Vital::PulseRate, body.pulse + 3500, 0, Unit::PerMinute),
        ],
        Kind::Weight => {
            let weight = technique.weight_of_another.unwrap_or(body.weight);
            let mut weight = of(Vital::BodyWeight, weight, 1, Unit::Kilogram);
            if technique.is_in_pounds {
                let pounds = (weight.quantity.value() * POUNDS).round_dp(1);
                weight.quantity = Quantity::new(pounds, Unit::Kilogram).expect("a few hundred");
            }
            vec![weight]
        }
        Kind::Temperature => vec![of(Vital::BodyTemperature, body.temperature, 1, Unit::Celsius)],
        Kind::Visit => vec![
            of(Vital::RespiratoryRate, body.respiration, 0, Unit::PerMinute),
            of(Vital::BodyTemperature, body.temperature, 1, Unit::Celsius),
            of(Vital::OxygenFlow, 0, 0, Unit::LitrePerMinute),
            of(Vital::Consciousness, 0, 0, Unit::Acvpu),
        ],
    }
}
