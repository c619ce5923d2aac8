use std::collections::BTreeSet;

use vitals::{Measurement, Quantity, ReadingKind, Unit};

use super::*;
use crate::clock::BootId;
use crate::device::error::DecodeError;
use crate::device::fixture::at_ms;
use crate::link::Source;

const INTERVAL: Duration = Duration::from_secs(15);

fn sample(received: Stamp, saturation: i64) -> Observation {
    let quantity = Quantity::new(Decimal::from(saturation), Unit::Percent).unwrap();
    Observation {
        kind: ReadingKind::Oximetry,
        values: vec![Measurement { vital: Vital::OxygenSaturation, quantity }],
        flags: BTreeSet::new(),
        device_time: None,
        user_slot: None,
        battery_percent: None,
        received,
        raw: Vec::new(),
        is_live_stream: true,
        is_of_a_memory: false,
    }
}

/// Plays a timeline of (seconds, SpO2 or nothing), then the end; lists the readings.
#[track_caller]
fn check(timeline: &[(u64, Option<i64>)], expected: &[(u64, i64)]) {
    let mut sampler = Sampler::new(INTERVAL);
    let mut readings = Vec::new();
    for (at_s, value) in timeline {
        let at = at_ms(at_s.saturating_mul(1_000));
        match value {
            Some(value) => readings.extend(sampler.sample(sample(at, *value))),
            None => readings.extend(sampler.absent(at)),
        }
    }
    readings.extend(sampler.end());
    let expected: Vec<_> = expected
        .iter()
        .map(|(at_s, value)| sample(at_ms(at_s.saturating_mul(1_000)), *value))
        .collect();
    assert_eq!(readings, expected);
    assert_eq!(sampler.end(), None);
}

fn steady(seconds: std::ops::Range<u64>, value: i64) -> Vec<(u64, Option<i64>)> {
    seconds.map(|it| (it, Some(value))).collect()
}

#[test]
fn the_first_sample_is_a_reading_at_once() {
    check(&[(0, Some(97))], &[(0, 97)]);
}

#[test]
fn then_there_is_one_an_interval_and_the_last() {
    check(&steady(0..41, 97), &[(0, 97), (15, 97), (30, 97), (40, 97)]);
}

#[test]
fn the_last_reading_is_not_told_twice() {
    check(&steady(0..31, 97), &[(0, 97), (15, 97), (30, 97)]);
}

#[test]
fn a_fall_of_three_points_does_not_wait() {
    let timeline = [(0, Some(97)), (1, Some(95)), (2, Some(94)), (3, Some(97))];
    check(&timeline, &[(0, 97), (2, 94), (3, 97)]);
}

#[test]
fn a_slow_fall_is_told_every_three_points() {
    let timeline: Vec<_> = (0..13).map(|it| (it, 97_i64.checked_sub_unsigned(it))).collect();
    check(&timeline, &[(0, 97), (3, 94), (6, 91), (9, 88), (12, 85)]);
}

#[test]
fn a_finger_that_is_taken_out_ends_the_measurement() {
    let timeline = [
        (0, Some(97)),
        (1, Some(96)),
        (2, None),
        (3, None),
        (4, None),
        (5, Some(95)),
        (6, Some(96)),
    ];
    check(&timeline, &[(0, 97), (1, 96), (5, 95), (6, 96)]);
}

#[test]
fn a_finger_that_slips_for_a_moment_does_not() {
    let timeline = [(0, Some(97)), (1, None), (2, Some(96)), (3, None), (4, Some(96))];
    check(&timeline, &[(0, 97), (4, 96)]);
}

#[test]
fn a_device_that_went_silent_has_ended_before_the_next_sample() {
    check(&[(0, Some(97)), (1, Some(96)), (3_600, Some(98))], &[(0, 97), (1, 96), (3_600, 98)]);
}

#[test]
fn a_boot_ends_the_measurement() {
    let mut sampler = Sampler::new(INTERVAL);
    let after_boot = Stamp { boot: BootId([8; 16]), ..at_ms(0) };
    assert_eq!(sampler.sample(sample(at_ms(0), 97)).len(), 1);
    assert_eq!(sampler.sample(sample(after_boot, 97)).len(), 1);
}

fn refused(at_s: u64) -> Refused {
    Refused {
        source: Source::Serial,
        received: at_ms(at_s.saturating_mul(1_000)),
        raw: vec![1],
        error: DecodeError::NoFrame { len_bytes: 250 },
        n_untold: 0,
    }
}

#[test]
fn of_a_burst_of_refusals_the_first_is_told() {
    let mut refusals = Refusals::new(INTERVAL);
    assert_eq!(refusals.refuse(refused(0)), Some(refused(0)));
    for at_s in 1..100 {
        assert_eq!(refusals.refuse(refused(at_s)), None);
    }
    refusals.good();
    assert_eq!(refusals.refuse(refused(100)), Some(Refused { n_untold: 99, ..refused(100) }));
    assert_eq!(refusals.end(), None);
}

#[test]
fn a_line_that_is_half_noise_does_not_flood_either() {
    let mut refusals = Refusals::new(INTERVAL);
    let told = (0..30).filter(|at_s| {
        refusals.good();
        refusals.refuse(refused(*at_s)).is_some()
    });
    assert_eq!(told.collect::<Vec<_>>(), [0, 15]);
}

#[test]
fn the_end_tells_what_was_not_told() {
    let mut refusals = Refusals::new(INTERVAL);
    for at_s in 0..4 {
        let _told = refusals.refuse(refused(at_s));
    }
    assert_eq!(refusals.end(), Some(Refused { n_untold: 2, ..refused(3) }));
    assert_eq!(refusals.refuse(refused(5)), Some(refused(5)));
}
