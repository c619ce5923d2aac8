//! A mean at, below and above its limit, and which readings make it.

use vitals::{Flag, LocalInstant, Measurement, Phase, Priority};

use super::*;
use crate::sample::{fact, problems, quantity, rule, systolic, word};

const SYSTOLIC: &str = r#"preset = "aha"
vital = "systolic-pressure"
at_or_above = { low = "135 mmHg", medium = "150 mmHg" }
clear_at_or_below = "130 mmHg""#;

fn pressure_at(seq: u64, at: &str, high: &str, low: &str, unit: Unit) -> Reading {
    let mut reading = systolic(seq, 0, "1");
    reading.values = vec![
        Measurement { vital: Vital::SystolicPressure, quantity: quantity(high, unit) },
        Measurement { vital: Vital::DiastolicPressure, quantity: quantity(low, unit) },
    ];
    reading.measured_at = LocalInstant::parse(at).unwrap();
    reading.received_at = reading.measured_at;
    reading.recorded = reading.measured_at.into();
    reading
}

/// Readings of whole days of March 2026 in New York, where summer time begins on the 8th, with these
/// pressures one after the other.
fn days(first: u64, pressures: &[(&str, &str)]) -> Vec<Reading> {
    let times = ["07:00:00", "07:01:00", "19:00:00", "19:01:00"];
    let mmhg = Unit::MillimetreOfMercury;
    let place = |n: u64| (first + n / 4, times[usize::try_from(n % 4).unwrap()]);
    (0..)
        .zip(pressures)
        .map(|(n, (high, low))| {
            let (day, time) = place(n);
            let offset = if day < 8 { "-05:00" } else { "-04:00" };
            pressure_at(n + 1, &format!("2026-03-{day:02}T{time}{offset}"), high, low, mmhg)
        })
        .collect()
}

/// What the rule finds in the last of these readings.
fn last(text: &str, readings: &[Reading]) -> Finding {
    let mut history = History::default();
    let mut found = Finding::Unknown;
    for reading in readings {
        found = rule("home_average", text).judge(reading, false, &history);
        history.note(reading);
    }
    found
}

/// Eleven readings of 130/80, or of what is given, and a last one.
fn twelve(usual: &'static str, high: &'static str) -> Vec<Reading> {
    let mut pressures = vec![(usual, "80"); 11];
    pressures.push((high, "80"));
    days(6, &pressures)
}

#[test]
fn the_mean_is_at_the_limit_or_beyond_it() {
    // Eleven times 135 and a last one: the mean is at 135, a twelfth above, a twelfth below.
    for (high, expected) in [("136", "present"), ("135", "present"), ("134", "unknown")] {
        assert_eq!(word(&last(SYSTOLIC, &twelve("135", high))), expected, "{high}");
    }
    for (high, expected) in [("131", "unknown"), ("130", "gone"), ("129", "gone")] {
        assert_eq!(word(&last(SYSTOLIC, &twelve("130", high))), expected, "{high}");
    }
    for (high, expected) in [("149", Priority::Low), ("150", Priority::Medium)] {
        let found = last(SYSTOLIC, &twelve("150", high));
        let Finding::Present(evidence) = found else { unreachable!() };
        assert_eq!(evidence.priority, expected);
    }
}

#[test]
fn eleven_readings_say_nothing() {
    let twelve = twelve("160", "160");
    assert_eq!(word(&last(SYSTOLIC, &twelve[..11])), "unknown");
    assert_eq!(word(&last(SYSTOLIC, &twelve)), "present");
    for preset in ["nice", "esh"] {
        let text = SYSTOLIC.replacen("aha", preset, 1);
        let pressures = days(5, &[("160", "80"); 16]);
        assert_eq!(word(&last(&text, &pressures[..15])), "unknown", "{preset}");
        assert_eq!(word(&last(&text, &pressures)), "present", "{preset}");
    }
}

#[test]
fn the_diastolic_pressure_has_a_mean_of_its_own() {
    let text = SYSTOLIC
        .replacen("systolic-pressure", "diastolic-pressure", 1)
        .replacen("{ low = \"135 mmHg\", medium = \"150 mmHg\" }", "{ low = \"85 mmHg\" }", 1)
        .replacen("130 mmHg", "80 mmHg", 1);
    assert_eq!(word(&last(&text, &days(6, &[("120", "85"); 12]))), "present");
    assert_eq!(word(&last(&text, &days(6, &[("120", "80"); 12]))), "gone");
    assert_eq!(word(&last(&text, &days(6, &[("120", "82"); 12]))), "unknown");
}

#[test]
fn kilopascals_are_averaged_as_mmhg() {
    let mut readings = twelve("135", "135");
    let last_one = readings.pop().unwrap();
    let at = last_one.measured_at.to_string();
    // 17.9 kPa are 134.26 mmHg, 18.0 kPa are 135.01 mmHg.
    for (high, expected) in [("17.9", "unknown"), ("18.0", "present")] {
        let mut readings = readings.clone();
        readings.push(pressure_at(12, &at, high, "10", Unit::Kilopascal));
        assert_eq!(word(&last(SYSTOLIC, &readings)), expected, "{high}");
    }
}

#[test]
fn only_trusted_readings_with_both_pressures_count() {
    let change = |change: fn(&mut Reading)| {
        let mut readings = twelve("160", "160");
        change(&mut readings[3]);
        word(&last(SYSTOLIC, &readings))
    };
    assert_eq!(change(|_it| {}), "present");
    let doubtful = |it: &mut Reading| {
        it.flags.insert(Flag::BodyMovement);
    };
    assert_eq!(change(doubtful), "unknown");
    assert_eq!(change(|it| it.context.phase = Phase::AfterExercise), "unknown");
    assert_eq!(change(|it| it.values.truncate(1)), "unknown");
    assert_eq!(change(|it| it.values.retain(|it| it.vital == Vital::DiastolicPressure)), "unknown");
    let mut readings = twelve("160", "160");
    readings[11].values.truncate(1);
    assert_eq!(word(&last(SYSTOLIC, &readings)), "unknown");
}

#[test]
fn a_week_with_a_day_of_25_hours_is_a_week() {
    // Summer time ends on the first of November; seven days are 169 hours then.
    let at = |day: &str, time: &str| format!("{day}T{time}");
    let mut instants = vec![at("2026-10-26", "00:01:00-04:00"), at("2026-10-26", "00:02:00-04:00")];
    for day in ["2026-10-27", "2026-10-28", "2026-10-29", "2026-10-30"] {
        instants.extend([at(day, "07:00:00-04:00"), at(day, "07:01:00-04:00")]);
    }
    instants.extend([at("2026-11-01", "23:57:00-05:00"), at("2026-11-01", "23:58:00-05:00")]);
    let mmhg = Unit::MillimetreOfMercury;
    let readings: Vec<Reading> =
        (1..).zip(&instants).map(|(seq, at)| pressure_at(seq, at, "160", "80", mmhg)).collect();
    assert!(fact(&last(SYSTOLIC, &readings)).contains("from 12 readings on 6 days"));
    assert_eq!(word(&last(SYSTOLIC, &readings[1..])), "unknown");
}

#[test]
fn it_says_of_how_many_readings_and_names_the_latest() {
    let mut pressures = vec![("140", "80"); 27];
    pressures.push(("141", "80"));
    let found = last(SYSTOLIC, &days(4, &pressures));
    assert_eq!(
        fact(&found),
        "The AHA home average of systolic pressure is 140 mmHg, from 28 readings on 7 days, at or above the limit of 135 mmHg"
    );
    let Finding::Present(evidence) = found else { unreachable!() };
    let seqs: Vec<u64> = evidence.readings.iter().map(|it| it.seq).collect();
    assert_eq!(seqs, (13..=28).collect::<Vec<u64>>());
    assert_eq!(evidence.limit, Some(quantity("135", Unit::MillimetreOfMercury)));
    let nice = SYSTOLIC.replacen("aha", "nice", 1);
    assert!(fact(&last(&nice, &days(4, &pressures))).contains("from 24 readings on 6 days"));
}

#[test]
fn a_plan_says_all_of_it() {
    assert_eq!(
        rule("home_average", SYSTOLIC).to_string(),
        "rule: AHA home average: systolic pressure at or above 135 mmHg (low), 150 mmHg (medium), clears at or below 130 mmHg"
    );
    for line in SYSTOLIC.lines() {
        assert!(!problems("home_average", &SYSTOLIC.replacen(line, "", 1)).is_empty(), "{line}");
    }
    assert_eq!(
        problems("home_average", &SYSTOLIC.replacen("aha", "who", 1)),
        ["line 7: home_average[rule].preset: \"who\" is not one of aha, nice, esh"]
    );
    let of_pulse = SYSTOLIC.replacen("systolic-pressure", "pulse-rate", 1).replace("mmHg", "/min");
    assert_eq!(
        problems("home_average", &of_pulse),
        [
            "line 8: home_average[rule].vital: a home average is one of systolic-pressure or diastolic-pressure"
        ]
    );
}

#[test]
fn what_is_told_is_at_a_limit_exactly_where_the_mean_is() {
    let check = |text: &str, last_one: &'static str, expected: Option<(Priority, &str)>| {
        let told = match last(text, &twelve("150", last_one)) {
            Finding::Present(evidence) => Some((evidence.priority, evidence.value)),
            Finding::Gone(_) | Finding::Unknown => None,
        };
        let value = |it: &str| Some(quantity(it, Unit::MillimetreOfMercury));
        let expected = expected.map(|(priority, it)| (priority, value(it)));
        assert_eq!(told, expected, "{last_one}");
    };
    // A thirtieth below a limit is not told as the limit.
    check(SYSTOLIC, "149.6", Some((Priority::Low, "149.9")));
    check(SYSTOLIC, "150.4", Some((Priority::Medium, "150")));
    let low = "preset = \"aha\"\nvital = \"systolic-pressure\"\npriority = \"low\"\n\
               at_or_below = \"150.05 mmHg\"\nclear_at_or_above = \"151 mmHg\"";
    check(low, "150.6", Some((Priority::Low, "150.05")));
    check(low, "150.61", None);
    check(low, "150.4", Some((Priority::Low, "150.04")));
}
