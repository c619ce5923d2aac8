use super::*;

const EARLIEST: &str = "2025-01-01T00:00:00Z";
const FLOOR: &str = "2026-03-02T08:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn stamp(wall: &str, boot: u8, uptime_s: u64) -> Stamp {
    let since_boot = Duration::from_secs(uptime_s);
    Stamp { wall: at(wall), boot: BootId([boot; 16]), since_boot }
}

/// The last record of the ledger: of run 1, at [`FLOOR`], an hour after the start.
fn last(is_known: bool) -> Moment {
    let on = Some(Uptime { boot: BootId([1; 16]), ms: 3_600_000 });
    Moment { at: LocalInstant::utc(at(FLOOR)), on, is_known }
}

/// The hub's time after a start at each of the stamps in turn, and what was told.
fn course(
    last: Option<Moment>,
    network: Synchronization,
    stamps: &[Stamp],
) -> (HubTime, Vec<Step>) {
    let mut time = HubTime::start(stamps[0], last, at(EARLIEST));
    time.note(network);
    let told = stamps.iter().filter_map(|it| time.observe(*it)).collect();
    (time, told)
}

#[track_caller]
fn check(
    network: Synchronization,
    stamps: &[Stamp],
    expected: &str,
    is_known: bool,
    n_told: usize,
) {
    let (time, told) = course(Some(last(true)), network, stamps);
    let moment = time.moment(*stamps.last().unwrap(), &TimeZone::UTC);
    let found = (moment.at.at, moment.is_known, told.len());
    assert_eq!(found, (at(expected), is_known, n_told), "{told:?}");
}

use Synchronization::{Awaited, NotInUse, Reached};

#[test]
fn a_machine_that_comes_up_in_1970_has_an_estimate_above_the_last_record() {
    let up = stamp("1970-01-01T00:00:20Z", 2, 20);
    for network in [NotInUse, Awaited, Reached] {
        check(network, &[up], FLOOR, false, 0);
    }
    let later = stamp("1970-01-01T00:01:20Z", 2, 80);
    check(NotInUse, &[up, later], "2026-03-02T08:01:00Z", false, 0);
    let set = stamp("2026-03-02T12:00:00Z", 2, 90);
    check(NotInUse, &[up, later, set], "2026-03-02T12:00:00Z", true, 1);
    check(Reached, &[up, later, set], "2026-03-02T12:00:00Z", true, 1);
    check(Awaited, &[up, later, set], "2026-03-02T12:00:00Z", false, 0);
}

#[test]
fn a_clock_that_was_saved_hours_ago_waits_for_the_network() {
    let behind = stamp("2026-03-02T05:00:00Z", 2, 20);
    check(NotInUse, &[behind], FLOOR, false, 0);
    let saved_after_the_last_record = stamp("2026-03-02T08:10:00Z", 2, 20);
    check(Awaited, &[saved_after_the_last_record], "2026-03-02T08:10:00Z", false, 0);
    check(NotInUse, &[saved_after_the_last_record], "2026-03-02T08:10:00Z", true, 0);
}

#[test]
fn the_network_is_believed_also_where_the_last_record_is_from_the_future() {
    let right = stamp("2020-03-02T05:00:00Z", 2, 20);
    check(Reached, &[right], FLOOR, false, 0);
    let right = stamp("2025-03-02T05:00:00Z", 2, 20);
    check(Reached, &[right], "2025-03-02T05:00:00Z", true, 1);
    check(NotInUse, &[right], FLOOR, false, 0);
    // Without network time, somebody who sets the clock knows better.
    let set = stamp("2025-03-02T06:00:05Z", 2, 25);
    check(NotInUse, &[right, set], "2025-03-02T06:00:05Z", true, 1);
}

#[test]
fn a_setting_of_any_size_is_told_once_and_followed_where_it_can_be() {
    let start = stamp("2026-03-02T12:00:00Z", 2, 100);
    for (wall, expected) in [
        ("2026-03-02T13:00:10Z", "2026-03-02T13:00:10Z"),
        ("2026-03-02T11:00:10Z", "2026-03-02T11:00:10Z"),
        ("2036-03-02T12:00:10Z", "2036-03-02T12:00:10Z"),
        ("2026-03-02T12:00:13Z", "2026-03-02T12:00:13Z"),
        // Before the program was written: not followed.
        ("2016-03-02T12:00:10Z", "2026-03-02T12:00:10Z"),
    ] {
        let set = stamp(wall, 2, 110);
        check(NotInUse, &[start, set, set], expected, true, 1);
    }
    let back = stamp("2026-03-02T12:00:20Z", 2, 120);
    let ahead = stamp("2036-03-02T12:00:10Z", 2, 110);
    check(NotInUse, &[start, ahead, back], "2026-03-02T12:00:20Z", true, 2);
}

#[test]
fn what_is_no_setting_is_not_told() {
    let start = stamp("2026-03-02T12:00:00Z", 2, 100);
    let slewed = stamp("2026-03-02T12:00:11Z", 2, 110);
    check(NotInUse, &[start, slewed], "2026-03-02T12:00:11Z", true, 0);
    let (_time, told) = course(None, NotInUse, &[start, slewed]);
    assert_eq!(told, []);
}

#[test]
fn after_a_restart_in_the_same_run_the_time_goes_on() {
    // Nothing happened in between.
    check(NotInUse, &[stamp("2026-03-02T08:01:00Z", 1, 3660)], "2026-03-02T08:01:00Z", true, 0);
    // The clock was set back in between, before the last record.
    check(NotInUse, &[stamp("2026-03-02T07:01:00Z", 1, 3660)], "2026-03-02T07:01:00Z", true, 1);
    // It was spoilt in between.
    check(NotInUse, &[stamp("1970-01-01T00:00:00Z", 1, 3660)], "2026-03-02T08:01:00Z", true, 1);
    // The hub did not know the time before, and does not now.
    let (time, told) =
        course(Some(last(false)), NotInUse, &[stamp("1970-01-01T01:01:00Z", 1, 3660)]);
    let moment = time.moment(stamp("1970-01-01T01:01:00Z", 1, 3660), &TimeZone::UTC);
    let found = (moment.at.at, moment.is_known, told);
    assert_eq!(found, (at("2026-03-02T08:01:00Z"), false, vec![]));
}

#[test]
fn a_time_daemon_that_starts_late_takes_back_what_was_believed_and_one_that_stops_does_not() {
    let up = stamp("2026-03-02T09:00:00Z", 2, 20);
    let (mut time, _told) = course(Some(last(true)), NotInUse, &[up]);
    assert!(time.is_known());
    time.note(Awaited);
    assert_eq!((time.observe(up), time.is_known()), (None, false));
    time.note(Reached);
    assert!(matches!(time.observe(up), Some(Step::Learned { .. })));
    for network in [Awaited, NotInUse] {
        time.note(network);
        assert_eq!((time.observe(up), time.is_known()), (None, true));
    }
}

#[test]
fn a_setting_is_told_in_words() {
    let (from, to) = (at("2026-03-02T12:00:00Z"), at("2026-03-02T10:59:55.250Z"));
    let text = Step::Set { from, to }.remark().text;
    assert_eq!(
        text,
        "The clock of the hub was set from 2026-03-02T12:00:00Z to 2026-03-02T10:59:55Z, 1h 4s backwards."
    );
}

#[test]
fn what_waits_for_a_long_time_does_not_come_sooner_because_the_clock_was_set_ahead() {
    let start = stamp("2026-03-02T12:00:00Z", 2, 100);
    let ahead = stamp("2036-03-02T12:00:10Z", 2, 110);
    let (time, _told) = course(Some(last(true)), NotInUse, &[start, ahead]);
    assert_eq!(time.least(ahead), at("2026-03-02T12:00:10Z"));
    // A clock that had never been set says nothing about the time.
    let up = stamp("1970-01-01T00:00:20Z", 2, 20);
    let set = stamp("2026-03-02T12:00:00Z", 2, 30);
    let (time, _told) = course(Some(last(true)), NotInUse, &[up, set]);
    assert_eq!(time.least(set), set.wall);
}
