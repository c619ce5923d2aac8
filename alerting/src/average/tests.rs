//! How many readings, of which days, and how far apart.

use vitals::LocalInstant;

use super::*;

/// A reading of March 2026 in New York, where summer time begins at two o'clock on the 8th.
fn at(day: i8, time: &str, systolic: i64, diastolic: i64) -> Pressure {
    let is_winter = day < 8 || (day == 8 && time < "02");
    let offset = if is_winter { "-05:00" } else { "-04:00" };
    let at = LocalInstant::parse(&format!("2026-03-{day:02}T{time}{offset}")).unwrap();
    Pressure { at, systolic: systolic.into(), diastolic: diastolic.into() }
}

/// Two readings in each session of these days, with one pressure.
fn whole_days(days: impl IntoIterator<Item = i8>) -> Vec<Pressure> {
    let times = ["07:00:00", "07:01:00", "19:00:00", "19:01:00"];
    days.into_iter().flat_map(|day| times.map(|time| at(day, time, 130, 80))).collect()
}

fn average(preset: Preset, pressures: &[Pressure]) -> Average {
    let newest = pressures.last().unwrap().at.civil().date();
    preset.protocol().average(newest, pressures.iter().copied())
}

fn extent(readings: u16, days: u8) -> Extent {
    Extent { readings, days }
}

/// What counts, and whether it is enough.
#[track_caller]
fn check(preset: Preset, pressures: &[Pressure], expected: Extent, is_enough: bool) {
    match average(preset, pressures) {
        Average::Mean { of, .. } => assert_eq!((of, true), (expected, is_enough)),
        Average::Insufficient { have, need } => {
            assert_eq!((have, false), (expected, is_enough));
            assert_eq!(need, extent(12, 3));
        }
    }
}

#[test]
fn eleven_readings_are_too_few_and_twelve_are_enough() {
    let pressures = whole_days(2..=4);
    check(Preset::Aha, &pressures, extent(12, 3), true);
    check(Preset::Aha, &pressures[..11], extent(11, 3), false);
    let pressures = whole_days(1..=4);
    for preset in [Preset::Nice, Preset::Esh] {
        check(preset, &pressures, extent(12, 3), true);
        check(preset, &pressures[..15], extent(11, 3), false);
    }
}

#[test]
fn of_a_week_24_readings_are_left_after_the_first_day() {
    check(Preset::Aha, &whole_days(2..=8), extent(28, 7), true);
    check(Preset::Nice, &whole_days(2..=8), extent(24, 6), true);
    check(Preset::Esh, &whole_days(2..=8), extent(24, 6), true);
}

#[test]
fn twelve_readings_of_two_days_are_not_three_days() {
    let two_days = Protocol { per_session: 3, ..Preset::Aha.protocol() };
    let times = ["07:00:00", "07:02:00", "07:04:00", "19:00:00", "19:02:00", "19:04:00"];
    let pressures = |days: [i8; 2]| {
        days.into_iter().flat_map(move |day| times.map(|time| at(day, time, 130, 80)))
    };
    let newest = jiff::civil::date(2026, 3, 3);
    assert_eq!(
        two_days.average(newest, pressures([2, 3])),
        Average::Insufficient { have: extent(12, 2), need: extent(12, 3) }
    );
}

#[test]
fn only_the_last_seven_days_are_looked_at() {
    check(Preset::Aha, &whole_days(2..=9), extent(28, 7), true);
    let with_a_gap: Vec<_> = whole_days([1]).into_iter().chain(whole_days(8..=9)).collect();
    check(Preset::Aha, &with_a_gap, extent(8, 2), false);
    // The first day of the seven that has a reading is the one that is left out.
    check(Preset::Nice, &whole_days(5..=8), extent(12, 3), true);
}

#[test]
fn readings_less_than_a_minute_apart_are_one() {
    let with = |second: &str| {
        (2..=8)
            .flat_map(|day| [at(day, "07:00:00", 130, 80), at(day, second, 130, 80)])
            .collect::<Vec<_>>()
    };
    check(Preset::Aha, &with("07:00:59"), extent(7, 7), false);
    check(Preset::Aha, &with("07:01:00"), extent(14, 7), true);
    // Noon is no gap.
    let around_noon = [at(2, "11:59:30", 130, 80), at(2, "12:00:10", 130, 80)];
    check(Preset::Aha, &around_noon, extent(1, 1), false);
}

#[test]
fn a_quick_reading_does_not_hold_up_the_one_after_it() {
    let pressures =
        [at(2, "07:00:00", 130, 80), at(2, "07:00:40", 130, 80), at(2, "07:01:00", 130, 80)];
    check(Preset::Aha, &pressures, extent(2, 1), false);
}

#[test]
fn of_a_session_the_first_two_count() {
    let mut pressures = whole_days(2..=4);
    pressures.insert(2, at(2, "07:05:00", 230, 180));
    check(Preset::Aha, &pressures, extent(12, 3), true);
    let Average::Mean { all, .. } = average(Preset::Aha, &pressures) else { unreachable!() };
    assert_eq!(all, Pair { systolic: 130.into(), diastolic: 80.into() });
}

#[test]
fn a_session_ends_at_noon_where_the_client_is() {
    let pressures = [
        at(2, "11:58:00", 130, 80),
        at(2, "11:59:00", 130, 80),
        at(2, "11:59:59", 130, 80),
        at(2, "12:00:59", 130, 80),
        at(2, "12:02:00", 130, 80),
    ];
    check(Preset::Aha, &pressures[..2], extent(2, 1), false);
    // The third is too close to the second, the last two are of the evening.
    check(Preset::Aha, &pressures, extent(4, 1), false);
}

#[test]
fn a_day_is_a_day_of_the_client_whatever_its_length() {
    // From standard time over the day of 23 hours; two readings lie around each midnight.
    let around_midnight = (6..=9).flat_map(|day| {
        [at(day, "00:01:00", 130, 80), at(day, "23:58:00", 130, 80), at(day, "23:59:59", 130, 80)]
    });
    let pressures: Vec<_> = around_midnight.collect();
    check(Preset::Aha, &pressures, extent(12, 4), true);
    check(Preset::Nice, &pressures, extent(9, 3), false);
    // The same instants in UTC are of other days, three of them in one morning.
    let utc = |it: &Pressure| Pressure { at: LocalInstant::utc(it.at.at), ..*it };
    let pressures: Vec<_> = pressures.iter().map(utc).collect();
    check(Preset::Aha, &pressures, extent(9, 5), false);
}

#[test]
fn an_hour_that_comes_twice_is_long() {
    // In autumn 01:30 comes twice; an hour lies between the two.
    let of_offset = |offset: &str| {
        let at = LocalInstant::parse(&format!("2026-11-01T01:30:00{offset}")).unwrap();
        Pressure { at, systolic: 130.into(), diastolic: 80.into() }
    };
    check(Preset::Aha, &[of_offset("-04:00"), of_offset("-05:00")], extent(2, 1), false);
}

#[test]
fn the_mean_is_exact_and_has_its_mornings_and_evenings() {
    let mut pressures = whole_days(2..=4);
    for (index, it) in pressures.iter_mut().enumerate() {
        let is_evening = 2 <= index % 4;
        it.systolic = if is_evening { 141.into() } else { 130.into() };
        it.diastolic = if index == 0 { 86.into() } else { 80.into() };
    }
    let Average::Mean { all, mornings, evenings, .. } = average(Preset::Aha, &pressures) else {
        unreachable!()
    };
    let pair = |systolic: &str, diastolic: &str| Pair {
        systolic: systolic.parse().unwrap(),
        diastolic: diastolic.parse().unwrap(),
    };
    assert_eq!(all, pair("135.5", "80.5"));
    assert_eq!((mornings, evenings), (Some(pair("130", "81")), Some(pair("141", "80"))));
}

#[test]
fn mornings_alone_have_no_evening() {
    let times = ["07:00:00", "07:01:00"];
    let mornings: Vec<_> =
        (2..=8).flat_map(|day| times.map(|time| at(day, time, 130, 80))).collect();
    let Average::Mean { evenings, mornings, of, .. } = average(Preset::Aha, &mornings) else {
        unreachable!()
    };
    assert_eq!((of, mornings.is_some(), evenings), (extent(14, 7), true, None));
}

#[test]
fn the_first_of_each_session_may_be_left_out() {
    let protocol =
        Protocol { discards_first_of_session: true, per_session: 3, ..Preset::Aha.protocol() };
    let mut pressures = whole_days(2..=8);
    for first in pressures.iter_mut().step_by(2) {
        first.systolic = 190.into();
    }
    let newest = jiff::civil::date(2026, 3, 8);
    let average = protocol.average(newest, pressures);
    let Average::Mean { of, all, .. } = average else { unreachable!() };
    assert_eq!((of, all.systolic), (extent(14, 7), 130.into()));
}

#[test]
fn nothing_gives_nothing() {
    let newest = jiff::civil::date(2026, 3, 8);
    assert_eq!(
        Preset::Esh.protocol().average(newest, []),
        Average::Insufficient { have: extent(0, 0), need: extent(12, 3) }
    );
}

#[test]
fn words_are_unique_and_read_back() {
    for preset in Preset::ALL {
        assert_eq!(preset.as_str().parse(), Ok(preset));
    }
    assert_eq!("who".parse::<Preset>().unwrap_err(), "\"who\" is not one of aha, nice, esh");
}
