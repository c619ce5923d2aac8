//! How many of how many, and which count.

use vitals::{Flag, Measurement, Phase, ReadingKind, TimeQuality, Unit};

use super::*;
use crate::sample::{fact, problems, quantity, rule, systolic, word};

const DAY_MIN: i64 = 24 * 60;
const TEXT: &str = "priority = \"medium\"\ntimes = 2\nof = 3\nwithin_days = 7";

fn pressure(seq: u64, at_minute: i64, flags: &[Flag]) -> Reading {
    let mut reading = systolic(seq, at_minute, "130");
    let pulse = quantity("71", Unit::PerMinute);
    reading.values.push(Measurement { vital: Vital::PulseRate, quantity: pulse });
    reading.flags.extend(flags);
    reading
}

/// What the rule finds in the last of these readings, a day apart: `i` is irregular, `r` regular, `m`
/// irregular with a movement.
fn course(letters: &str) -> &'static str {
    let mut history = History::default();
    let mut found = Finding::Unknown;
    for (seq, letter) in (1_u64..).zip(letters.chars()) {
        let flags: &[Flag] = match letter {
            'i' => &[Flag::IrregularPulse],
            'm' => &[Flag::IrregularPulse, Flag::BodyMovement],
            _regular => &[],
        };
        let reading = pressure(seq, i64::try_from(seq).unwrap() * DAY_MIN, flags);
        found = rule("irregular_pulse", TEXT).judge(&reading, false, &history);
        history.note(&reading);
    }
    word(&found)
}

#[test]
fn two_of_three_raise() {
    for (letters, expected) in [
        ("i", "unknown"),
        ("ii", "present"),
        ("iri", "present"),
        ("rii", "present"),
        ("iir", "unknown"),
        ("irr", "gone"),
        ("irri", "unknown"),
        ("iii", "present"),
    ] {
        assert_eq!(course(letters), expected, "{letters}");
    }
}

#[test]
fn it_clears_when_three_readings_have_fewer() {
    assert_eq!(["iir", "iirr", "iirrr"].map(course), ["unknown", "gone", "gone"]);
    assert_eq!(["r", "rr", "rrr"].map(course), ["unknown", "unknown", "gone"]);
}

#[test]
fn a_reading_with_a_movement_does_not_count() {
    assert_eq!(
        ["im", "imi", "mm", "mmi"].map(course),
        ["unknown", "present", "unknown", "unknown"]
    );
}

#[test]
fn what_is_longer_ago_does_not_count() {
    let judge = |at_minute: i64| {
        let mut history = History::default();
        history.note(&pressure(1, 0, &[Flag::IrregularPulse]));
        let newest = pressure(2, at_minute, &[Flag::IrregularPulse]);
        word(&rule("irregular_pulse", TEXT).judge(&newest, false, &history))
    };
    assert_eq!([7 * DAY_MIN, 7 * DAY_MIN + 1].map(judge), ["present", "unknown"]);
}

#[test]
fn a_doubt_about_the_value_is_none_about_the_rhythm() {
    let mut history = History::default();
    history.note(&pressure(1, 0, &[Flag::IrregularPulse, Flag::PulseRateAboveRange]));
    let judge =
        |reading: &Reading| word(&rule("irregular_pulse", TEXT).judge(reading, false, &history));
    for flag in Flag::ALL {
        let spoils = [
            Flag::BodyMovement,
            Flag::CuffLoose,
            Flag::PoorSignal,
            Flag::Questionable,
            Flag::EarlyEstimate,
            Flag::SensorContactLost,
            Flag::EquipmentMalfunction,
        ];
        let expected = if spoils.contains(&flag) { "unknown" } else { "present" };
        assert_eq!(judge(&pressure(2, 1, &[Flag::IrregularPulse, flag])), expected, "{flag:?}");
    }
}

#[test]
fn only_blood_pressures_at_rest_of_a_known_client_at_a_known_time_count() {
    let mut history = History::default();
    history.note(&pressure(1, 0, &[Flag::IrregularPulse]));
    let newest = || pressure(2, 1, &[Flag::IrregularPulse]);
    let mut in_exercise = newest();
    in_exercise.context.phase = Phase::AfterExercise;
    for reading in [
        in_exercise,
        Reading { kind: ReadingKind::Oximetry, ..newest() },
        Reading { subject: None, ..newest() },
        Reading { time_quality: TimeQuality::Fault, ..newest() },
    ] {
        let found = rule("irregular_pulse", TEXT).judge(&reading, false, &history);
        assert_eq!(found, Finding::Unknown);
    }
}

#[test]
fn what_comes_out_of_order_is_not_judged_and_counts_later() {
    let mut history = History::default();
    history.note(&pressure(1, 10, &[]));
    let earlier = pressure(2, 5, &[Flag::IrregularPulse]);
    let irregular = rule("irregular_pulse", TEXT);
    assert_eq!(irregular.judge(&earlier, false, &history), Finding::Unknown);
    history.note(&earlier);
    history.note(&earlier);
    let newest = pressure(3, 11, &[Flag::IrregularPulse]);
    assert_eq!(word(&irregular.judge(&newest, false, &history)), "present");
}

#[test]
fn the_history_of_rhythms_is_as_long_as_a_rule_can_look() {
    let mut history = History::default();
    history.note(&pressure(1, 0, &[Flag::IrregularPulse]));
    for seq in 2..=16 {
        history.note(&pressure(seq, i64::try_from(seq).unwrap(), &[]));
    }
    let judge = |history: &History| {
        let rule = IrregularPulse::new(Priority::Low, 2, 16, SignedDuration::from_hours(1));
        let newest = pressure(99, 30, &[Flag::IrregularPulse]);
        word(&rule.unwrap().judge(&newest, false, history))
    };
    // Of the last 16 the newest is one, and the first is out.
    assert_eq!(judge(&history), "unknown");
    let mut history = History::default();
    (1..=15).for_each(|seq| {
        let flags: &[Flag] = if seq == 1 { &[Flag::IrregularPulse] } else { &[] };
        history.note(&pressure(seq, i64::try_from(seq).unwrap(), flags));
    });
    assert_eq!(judge(&history), "present");
}

#[test]
fn it_says_how_many_and_names_them() {
    let mut history = History::default();
    history.note(&pressure(1, 0, &[Flag::IrregularPulse]));
    history.note(&pressure(2, 1, &[]));
    let mut newest = pressure(3, 2, &[Flag::IrregularPulse]);
    let irregular = rule("irregular_pulse", TEXT);
    let found = irregular.judge(&newest, false, &history);
    assert_eq!(
        fact(&found),
        "2 of the last 3 blood pressures showed an irregular pulse, the latest with a pulse of 71 /min"
    );
    let Finding::Present(evidence) = found else { unreachable!() };
    assert_eq!(evidence.readings.iter().map(|it| it.seq).collect::<Vec<_>>(), [1, 2, 3]);
    newest.values.pop();
    let expected = "2 of the last 3 blood pressures showed an irregular pulse";
    assert_eq!(fact(&irregular.judge(&newest, false, &history)), expected);
    assert_eq!(
        irregular.to_string(),
        "rule: irregular pulse in 2 of 3 blood pressures within 7 days (medium)"
    );
}

#[test]
fn a_plan_says_all_of_it() {
    for line in TEXT.lines() {
        assert_eq!(problems("irregular_pulse", &TEXT.replacen(line, "", 1)).len(), 1, "{line}");
    }
    assert_eq!(
        problems("irregular_pulse", &TEXT.replacen("of = 3", "of = 1", 1)),
        ["line 9: irregular_pulse[rule].of: 1 is not in 2 to 16"]
    );
    assert_eq!(
        problems("irregular_pulse", &TEXT.replacen("times = 2", "times = 4", 1)),
        ["line 8: irregular_pulse[rule].times: 4 of 3 can never be; write at most 3"]
    );
}
