//! What is kept, in which order, and for how long.

use proptest::prelude::*;
use vitals::{Flag, Unit};

use super::*;
use crate::sample::{minute, plan, quantity, reading, subject};

const DAY_MIN: i64 = 24 * 60;

fn weight(seq: u64, at_minute: i64, kg: &str) -> Reading {
    reading(seq, at_minute, Vital::BodyWeight, quantity(kg, Unit::Kilogram))
}

fn kept(history: &History) -> Vec<u64> {
    history.of(&subject(), Vital::BodyWeight).map(|it| it.reading.seq).collect()
}

#[test]
fn readings_stand_in_the_order_in_which_they_were_measured() {
    let mut history = History::default();
    for (seq, at_minute) in [(1, 0), (2, 30), (3, 10), (4, 40), (5, -5)] {
        history.note(&weight(seq, at_minute, "80.0"));
    }
    assert_eq!(kept(&history), [5, 1, 3, 2, 4]);
}

#[test]
fn a_reading_that_is_told_twice_counts_once() {
    let mut history = History::default();
    history.note(&weight(1, 0, "80.0"));
    history.note(&weight(1, 0, "80.0"));
    assert_eq!(kept(&history), [1]);
}

#[test]
fn a_measurement_that_is_written_down_again_counts_once() {
    let of_epoch = |epoch: u8, seq: u64| Reading {
        id: ReadingId { epoch: vitals::Epoch([epoch; 8]), seq },
        ..weight(seq, 0, "80.0")
    };
    let mut history = History::default();
    history.note(&of_epoch(7, 1));
    history.note(&of_epoch(8, 9));
    assert_eq!(kept(&history), [1]);
    let mut backwards = History::default();
    backwards.note(&of_epoch(8, 9));
    backwards.note(&of_epoch(7, 1));
    assert_eq!(kept(&backwards), [1]);
    // Another value at the same time is another measurement, and so is the same one later.
    history.note(&weight(10, 0, "80.1"));
    history.note(&weight(11, 1, "80.0"));
    assert_eq!(kept(&history), [1, 10, 11]);

    let irregular = |id: &Reading| Reading {
        flags: [Flag::IrregularPulse].into(),
        kind: vitals::ReadingKind::BloodPressure,
        ..id.clone()
    };
    let next = irregular(&weight(12, 2, "80.0"));
    for readings in [[of_epoch(7, 1), of_epoch(8, 9)], [of_epoch(8, 9), of_epoch(7, 1)]] {
        let mut history = History::default();
        readings.iter().for_each(|it| history.note(&irregular(it)));
        let (_next, before) = history.rhythms_up_to(&next).unwrap();
        assert_eq!(before.map(|it| it.reading.seq).collect::<Vec<_>>(), [1]);
    }
}

#[test]
fn a_clock_that_was_set_back_makes_no_two_measurements_one() {
    let at_uptime = |seq: u64, boot: u8, ms: i64| {
        let mut reading = weight(seq, 0, "80.0");
        let on = Some(vitals::Uptime { boot: vitals::BootId([boot; 16]), ms });
        reading.recorded = Moment { at: minute(0), on, is_known: true };
        reading
    };
    let mut history = History::default();
    for (seq, boot, ms) in [(1, 1, 60_000), (2, 1, 120_000), (3, 1, 120_000), (4, 2, 60_000)] {
        history.note(&at_uptime(seq, boot, ms));
    }
    assert_eq!(kept(&history), [1, 2, 4]);
    // What a device kept from before the start has only its wall time.
    history.note(&at_uptime(5, 3, -60_000));
    assert_eq!(kept(&history), [1, 2, 4]);
}

/// A blood pressure of 120/80 mmHg with a regular pulse.
fn pressure(seq: u64, at_minute: i64) -> Reading {
    let mmhg = |value| quantity(value, Unit::MillimetreOfMercury);
    let mut reading = reading(seq, at_minute, Vital::SystolicPressure, mmhg("120"));
    reading.kind = vitals::ReadingKind::BloodPressure;
    let diastolic = vitals::Measurement { vital: Vital::DiastolicPressure, quantity: mmhg("80") };
    reading.values.push(diastolic);
    reading
}

fn rhythms(history: &History, newest: &Reading) -> Vec<u64> {
    let (_newest, before) = history.rhythms_up_to(newest).unwrap();
    before.map(|it| it.reading.seq).collect()
}

#[test]
fn a_reading_of_somebody_else_is_taken_out_and_no_other() {
    let mut history = History::default();
    for (seq, at_minute) in [(1, 0), (2, 10), (3, 20)] {
        history.note(&weight(seq, at_minute, "80.0"));
        history.note(&pressure(10 + seq, at_minute + 5));
    }
    let other = Some("client-5".parse().unwrap());
    history.note(&Reading { subject: other.clone(), ..weight(9, 10, "60.0") });
    history.forget(&Reading { subject: other, ..weight(2, 10, "80.0") });
    history.forget(&Reading { subject: None, ..weight(2, 10, "80.0") });
    assert_eq!(kept(&history), [1, 2, 3]);
    history.forget(&weight(2, 10, "80.0"));
    assert_eq!(kept(&history), [1, 3]);
    history.forget(&pressure(12, 15));
    // What else was measured with a regular pulse says so, too.
    assert_eq!(rhythms(&history, &pressure(20, 30)), [1, 11, 3, 13]);
    let within = SignedDuration::from_hours(1);
    let newest = pressure(20, 30);
    assert_eq!(history.pressures_up_to(&newest, within).map(Iterator::count), Some(3));
}

#[test]
fn a_doubt_about_a_reading_of_somebody_else_is_taken_out_with_it() {
    let doubtful = |seq, at_minute| {
        let mut doubtful = weight(seq, at_minute, "81.0");
        doubtful.flags.insert(Flag::Questionable);
        doubtful
    };
    let mut history = History::default();
    history.note(&weight(1, 0, "80.0"));
    history.note(&doubtful(2, 10));
    let now = reading(3, 20, Vital::PulseRate, quantity("70", Unit::PerMinute));
    let is_known = |it: &History| matches!(it.input(&now, Vital::BodyWeight), Input::Known { .. });
    assert!(!is_known(&history));
    history.forget(&Reading { subject: "client-5".parse().ok(), ..doubtful(2, 10) });
    history.forget(&doubtful(4, 10));
    assert!(!is_known(&history), "another reading, or of another client");
    history.forget(&doubtful(2, 10));
    assert!(is_known(&history));
}

#[test]
fn as_many_rhythms_are_kept_as_a_plan_can_ask_for() {
    let mut history = History::default();
    let last = u64::try_from(OF_MAX).unwrap() + 1;
    for seq in 1..=last {
        history.note(&pressure(seq, i64::try_from(seq).unwrap() * 10));
    }
    let kept = rhythms(&history, &pressure(99, 9999));
    assert_eq!((kept.len(), kept.first(), kept.last()), (OF_MAX, Some(&2), Some(&last)));
}

#[test]
fn pressures_are_looked_back_on_up_to_the_time_that_a_rule_asks_for() {
    let mut history = History::default();
    for (seq, at_minute) in [(1, 0), (2, 1), (3, 59), (4, 60)] {
        history.note(&pressure(seq, at_minute));
    }
    let within = |minutes: i64| {
        let within = SignedDuration::from_mins(minutes);
        let newest = pressure(5, 60);
        history.pressures_up_to(&newest, within).map(Iterator::count)
    };
    let counted: Vec<_> = [61, 60, 59, 58, 1].map(within).into_iter().flatten().collect();
    assert_eq!(counted, [5, 5, 4, 3, 3]);
}

#[test]
fn an_alert_names_some_of_the_readings_up_to_what_it_stands_on() {
    let mut history = History::default();
    for (seq, at_minute) in [(1, 0), (2, 10), (3, 20), (4, 30)] {
        history.note(&weight(seq, at_minute, "80.0"));
    }
    let mut alert = crate::engine::Engine::new(vec![plan(crate::sample::PLAN)], Vec::new())
        .observe(minute(0), &crate::sample::systolic(1, 0, "190"), crate::sample::key(2))
        .remove(0)
        .alert;
    alert.measured = Some(minute(20).into());
    alert.readings = [1, 3, 4].map(|seq| weight(seq, 0, "80.0").id).to_vec();
    let named: Vec<_> = history.named(&alert, Vital::BodyWeight).map(|it| it.reading.seq).collect();
    assert_eq!(named, [1, 3]);
}

/// What is held of weights, also what rules do not see.
fn held(history: &History) -> Vec<u64> {
    history.samples.values().flatten().map(|it| it.reading.seq).collect()
}

#[test]
fn twice_as_much_is_held_as_rules_see_and_no_more() {
    let mut history = History::default();
    for seq in 1..=1025_u64 {
        history.note(&weight(seq, i64::try_from(seq).unwrap(), "80.0"));
        let n = usize::try_from(seq).unwrap().min(2 * SAMPLES_MAX);
        assert_eq!(held(&history).len(), n);
    }
    assert_eq!(held(&history).first(), Some(&2));
}

#[test]
fn what_is_held_reaches_back_for_twice_as_long_as_rules_see() {
    let mut history = History::default();
    history.note(&weight(1, 0, "80.0"));
    history.note(&weight(2, 70 * DAY_MIN, "80.0"));
    assert_eq!(held(&history), [1, 2]);
    history.note(&weight(3, 70 * DAY_MIN + 1, "80.0"));
    assert_eq!(held(&history), [2, 3]);
}

#[test]
fn what_cannot_be_trusted_is_not_compared_with() {
    let mut doubtful = weight(1, 0, "80.0");
    doubtful.flags.insert(Flag::Questionable);
    let unowned = Reading { subject: None, ..weight(2, 0, "80.0") };
    let mut history = History::default();
    history.note(&doubtful);
    history.note(&unowned);
    assert_eq!(kept(&history), [0; 0]);
}

#[test]
fn each_client_and_vital_has_its_own() {
    let mut history = History::default();
    history.note(&weight(1, 0, "80.0"));
    history.note(&reading(2, 0, Vital::PulseRate, quantity("70", Unit::PerMinute)));
    let other: SubjectId = "client-5".parse().unwrap();
    history.note(&Reading { subject: Some(other.clone()), ..weight(3, 0, "60.0") });
    assert_eq!(kept(&history), [1]);
    assert_eq!(history.of(&other, Vital::BodyWeight).count(), 1);
    assert_eq!(history.of(&subject(), Vital::PulseRate).count(), 1);
}

#[test]
fn it_reaches_back_as_far_as_it_says_and_no_further() {
    let mut history = History::default();
    history.note(&weight(1, 0, "80.0"));
    history.note(&weight(2, 35 * DAY_MIN, "80.0"));
    assert_eq!(kept(&history), [1, 2]);
    history.note(&weight(3, 35 * DAY_MIN + 1, "80.0"));
    assert_eq!(kept(&history), [2, 3]);
    history.note(&weight(4, 0, "80.0"));
    assert_eq!(kept(&history), [2, 3], "too old when it comes");
}

#[test]
fn it_does_not_grow_without_bound() {
    let mut history = History::default();
    for seq in 1..=600_u64 {
        history.note(&weight(seq, i64::try_from(seq).unwrap(), "80.0"));
    }
    let kept = kept(&history);
    assert_eq!((kept.len(), kept.first(), kept.last()), (SAMPLES_MAX, Some(&89), Some(&600)));
}

#[test]
fn the_day_is_that_of_the_client() {
    let mut late = weight(1, 0, "80.0");
    late.measured_at = vitals::LocalInstant::parse("2026-03-02T23:59:00-05:00").unwrap();
    late.received_at = late.measured_at;
    let mut history = History::default();
    history.note(&late);
    let day = history.of(&subject(), Vital::BodyWeight).next().unwrap().day();
    assert_eq!(day, jiff::civil::date(2026, 3, 2));
    assert_eq!(minute(0).civil().date(), day);
}

#[test]
fn what_an_earlier_run_of_the_machine_recorded_stands_before_what_a_later_one_did() {
    use vitals::{BootId, Moment, Uptime};

    let of_boot = |seq: u64, at_minute: i64, boot: u8| {
        let mut reading = weight(seq, at_minute, "80.0");
        let on = Some(Uptime { boot: BootId([boot; 16]), ms: 60_000 });
        reading.recorded = Moment { at: minute(at_minute), on, is_known: true };
        reading
    };
    // The clock was hours ahead before the start.
    let readings = [of_boot(1, 500, 1), of_boot(2, 510, 1), of_boot(3, 20, 2)];
    let (mut forwards, mut backwards) = (History::default(), History::default());
    readings.iter().for_each(|it| forwards.note(it));
    // A hub that starts reads its ledger from the newest to the oldest.
    readings.iter().rev().for_each(|it| backwards.note(it));
    assert_eq!(kept(&forwards), [1, 2, 3]);
    assert_eq!(kept(&backwards), [1, 2, 3]);
}

/// A plan that keeps weights apart by their range and by the ones before them.
const CHECKED: &str = r#"
name = "heart-failure"
version = 1
subject = "client-4711"
late_after_min = 60

[[implausible]]
id = "weight-check"
vital = "body-weight"
priority = "low"
possible_from = "20 kg"
possible_to = "400 kg"
plausible_from = "30 kg"
plausible_to = "250 kg"
band_by = "3 kg"
band_percent = 4
"#;

#[test]
fn what_is_kept_reaches_as_far_as_the_marks_of_what_rules_see() {
    let plan = plan(CHECKED);
    let weights = [(1, 0, "80"), (2, 35 * DAY_MIN, "45"), (3, 70 * DAY_MIN, "45")];
    let filled = |weights: &mut dyn Iterator<Item = &(u64, i64, &str)>| {
        let mut history = History::checking([&plan]);
        weights.for_each(|(seq, at_minute, kg)| history.note(&weight(*seq, *at_minute, kg)));
        kept(&history)
    };
    assert_eq!(filled(&mut weights.iter()), [3]);
    assert_eq!(filled(&mut weights.iter().rev()), [3]);
}

/// A plan that keeps jumps of the pulse apart.
const STREAM: &str = r#"
name = "stream"
version = 1
subject = "client-4711"
late_after_min = 60

[[implausible]]
id = "pulse-check"
vital = "pulse-rate"
priority = "low"
possible_from = "20 /min"
possible_to = "300 /min"
plausible_from = "40 /min"
plausible_to = "180 /min"
jumps_by = "40 /min"
within_min = 5
"#;

/// Weights of hours of four weeks: usual ones, those of somebody else, and in pounds.
fn weights() -> impl Strategy<Value = Vec<(u64, i64, u32)>> {
    let kg = prop_oneof![5 => 78_u32..84, 1 => 60_u32..64, 1 => 170_u32..180, 1 => 255_u32..260];
    prop::collection::vec((0_i64..28 * 24, kg), 1..40).prop_map(|weights| {
        let numbered = (1_u64..).zip(weights);
        numbered.map(|(seq, (hour, kg))| (seq, hour, kg)).collect()
    })
}

proptest! {
    #[test]
    fn what_is_implausible_does_not_depend_on_the_order_in_which_readings_come(
        (weights, shuffled) in weights().prop_flat_map(|it| (Just(it.clone()), Just(it).prop_shuffle()))
    ) {
        let plan = plan(CHECKED);
        let filled = |weights: &[(u64, i64, u32)]| {
            let mut history = History::checking([&plan]);
            for (seq, hour, kg) in weights {
                history.note(&weight(*seq, hour * 60, &kg.to_string()));
            }
            kept(&history)
        };
        prop_assert_eq!(filled(&weights), filled(&shuffled));
    }
    #[test]
    fn a_restart_finds_what_rules_saw(
        weights in prop::collection::vec((0_i64..400, 0_usize..5), 1..60),
    ) {
        let plan = plan(CHECKED);
        let (mut live, mut stored, mut hour) = (History::checking([&plan]), Vec::new(), 0);
        for (seq, (after_hours, kg)) in (1_u64..).zip(weights) {
            hour += after_hours;
            let kg = ["80", "81", "62", "176", "83.5"][kg];
            let reading = weight(seq, hour * 60 + i64::try_from(seq).unwrap(), kg);
            live.note(&reading);
            stored.push(reading);
            // A ledger is read from its end, as far back as is asked for.
            let oldest = stored.last().unwrap().received_at.at - REACH;
            let mut filled = History::checking([&plan]);
            let within = stored.iter().rev().filter(|it| oldest <= it.received_at.at);
            within.for_each(|it| filled.note(it));
            prop_assert_eq!(kept(&filled), kept(&live));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_restart_finds_what_rules_saw_of_a_stream(
        rates in prop::collection::vec((1_i64..30, 60_u32..200), 1100..1300),
        n_later in 0_usize..100,
    ) {
        let plan = plan(STREAM);
        let (mut live, mut stored, mut second) = (History::checking([&plan]), Vec::new(), 0);
        for (seq, (after_seconds, rate)) in (1_u64..).zip(rates) {
            second += after_seconds;
            let value = quantity(&rate.to_string(), Unit::PerMinute);
            let mut reading = reading(seq, 0, Vital::PulseRate, value);
            reading.measured_at.at += SignedDuration::from_secs(second);
            reading.received_at = reading.measured_at;
            reading.recorded = reading.measured_at.into();
            stored.push(reading);
        }
        // A few come late.
        let n_first = stored.len() - n_later;
        stored[n_first..].reverse();
        stored.iter().for_each(|it| live.note(it));
        let mut filled = History::checking([&plan]);
        stored.iter().rev().for_each(|it| filled.note(it));
        let seen = |history: &History| -> Vec<u64> {
            history.of(&subject(), Vital::PulseRate).map(|it| it.reading.seq).collect()
        };
        prop_assert_eq!(seen(&filled), seen(&live));
    }
}
