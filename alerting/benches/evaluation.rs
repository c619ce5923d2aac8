//! How long the rules take for one reading, and what they allocate, beside a history of so many days.
//! `cargo bench -p alerting` prints the figures; `docs/alerts.md` has some.

#![expect(clippy::expect_used, reason = "a bench stops at the first surprise")]

use std::collections::BTreeSet;

use alerting::{Engine, Plan};
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use jiff::{SignedDuration, Timestamp};
use vitals::{
    AlertId, Context, DeviceKind, DeviceReference, Epoch, LocalInstant, Measurement, Quantity,
    Reading, ReadingId, ReadingKind, TimeQuality, Unit, Vital,
};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const EPOCH: Epoch = Epoch([7; 8]);

/// Times of a day at which something is measured.
const HOURS: &[i64] = &[7, 8, 19, 20];

/// As often as fills the history of a vital: 512 values.
const EVERY_HOUR: &[i64] =
    &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23];

/// Five weeks are as far as rules can look; a year is no more work.
const DAYS: [i64; 2] = [35, 365];

const HYPERTENSION: &str = include_str!("../../config/care-plans/hypertension.toml");
const HEART_FAILURE: &str = include_str!("../../config/care-plans/heart-failure.toml");
const COPD: &str = include_str!("../../config/care-plans/copd.toml");
const POST_SURGICAL: &str = include_str!("../../config/care-plans/post-surgical.toml");
const REHABILITATION: &str = include_str!("../../config/care-plans/rehabilitation.toml");

fn main() {
    divan::main();
}

/// One reading of each kind: a blood pressure with its pulse, an oximetry, a weight.
fn readings(seq: u64, at: Timestamp) -> Vec<Reading> {
    let wave = i64::try_from(seq % 7).expect("less than seven");
    let value = |vital, number: i64, unit| Measurement {
        vital,
        quantity: Quantity::new(number.into(), unit).expect("the number is in range"),
    };
    let of_kind = |kind, values| Reading {
        id: ReadingId { epoch: EPOCH, seq },
        subject: Some("client-example".parse().expect("the id is well-formed")),
        subject_candidates: Vec::new(),
        device: DeviceReference {
            id: "device".parse().expect("the id is well-formed"),
            kind: DeviceKind::BloodPressureMonitor,
            model: "sample".to_owned(),
            battery_percent: None,
        },
        kind,
        measured_at: LocalInstant::utc(at),
        received_at: LocalInstant::utc(at),
        time_quality: TimeQuality::Synced,
        device_time: None,
        values,
        flags: BTreeSet::new(),
        context: Context::default(),
        raw: Vec::new(),
        recorded: LocalInstant::utc(at).into(),
    };
    vec![
        of_kind(
            ReadingKind::BloodPressure,
            vec![
                value(Vital::SystolicPressure, 122 + wave, Unit::MillimetreOfMercury),
                value(Vital::DiastolicPressure, 74 + wave, Unit::MillimetreOfMercury),
                value(Vital::PulseRate, 66 + wave, Unit::PerMinute),
            ],
        ),
        Reading {
            id: ReadingId { epoch: EPOCH, seq: seq + 1 },
            ..of_kind(
                ReadingKind::Oximetry,
                vec![
                    value(Vital::OxygenSaturation, 91, Unit::Percent),
                    value(Vital::PulseRate, 66 + wave, Unit::PerMinute),
                ],
            )
        },
        Reading {
            id: ReadingId { epoch: EPOCH, seq: seq + 2 },
            ..of_kind(ReadingKind::Weight, vec![value(Vital::BodyWeight, 80, Unit::Kilogram)])
        },
    ]
}

/// An engine that has all readings of so many days, and the next ones.
fn home(plans: &[&str], days: i64, hours: &[i64]) -> (Engine, Vec<Reading>) {
    let plans = plans.iter().map(|it| Plan::parse(it).expect("the plan is in order")).collect();
    let mut engine = Engine::new(plans, Vec::new());
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("the time is well-formed");
    let mut seq = 1;
    for hour in (0..days).flat_map(|day| hours.iter().map(move |hour| day * 24 + hour)) {
        for reading in readings(seq, start + SignedDuration::from_hours(hour)) {
            engine.remember(&reading);
        }
        seq += 3;
    }
    let next = readings(seq, start + SignedDuration::from_hours(days * 24));
    (engine, next)
}

/// Observes a blood pressure.
fn observe(bencher: Bencher<'_, '_>, plans: &[&str], days: i64) {
    let (engine, next) = home(plans, days, HOURS);
    observe_in(bencher, &engine, next.first().expect("there are three"));
}

fn observe_in(bencher: Bencher<'_, '_>, engine: &Engine, reading: &Reading) {
    let key = AlertId { epoch: EPOCH, seq: 1_000_000 };
    assert!(engine.observe(reading.received_at, reading, key).is_empty(), "nothing alerts");
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench(|| engine.observe(reading.received_at, divan::black_box(reading), key));
}

#[divan::bench(args = DAYS)]
fn hypertension(bencher: Bencher<'_, '_>, days: i64) {
    observe(bencher, &[HYPERTENSION], days);
}

#[divan::bench(args = DAYS)]
fn heart_failure(bencher: Bencher<'_, '_>, days: i64) {
    observe(bencher, &[HEART_FAILURE], days);
}

#[divan::bench(args = DAYS)]
fn post_surgical(bencher: Bencher<'_, '_>, days: i64) {
    observe(bencher, &[POST_SURGICAL], days);
}

#[divan::bench(args = DAYS)]
fn rehabilitation(bencher: Bencher<'_, '_>, days: i64) {
    observe(bencher, &[REHABILITATION], days);
}

/// All example plans at once, which nobody has.
#[divan::bench(args = DAYS)]
fn all_plans(bencher: Bencher<'_, '_>, days: i64) {
    let plans = [HYPERTENSION, HEART_FAILURE, COPD, POST_SURGICAL, REHABILITATION];
    observe(bencher, &plans, days);
}

/// An oximetry, with as many before it as the history keeps.
#[divan::bench(args = DAYS)]
fn copd_full_history(bencher: Bencher<'_, '_>, days: i64) {
    let (engine, next) = home(&[COPD], days, EVERY_HOUR);
    observe_in(bencher, &engine, next.get(1).expect("there are three"));
}
