//! When a measurement was made, out of what the device's clock says and when its bytes came.
//!
//! Devices say the wall clock of their place, without zone and without word whether it was set.
//!
//! ```text
//! the device says                                    measured at     quality
//! no time                                            reception       estimated
//! a time within `tolerance` of the reception         that time       synced
//! a time within `tolerance` of what the hub would    that time,      corrected
//!   have shown, had its clock not been set           set as well
//! a time within `tolerance` of the reception, by     that time       corrected
//!   the offset before the zone was last put back
//! a time up to 400 days before the reception         that time       synced
//! a later or an earlier time                         reception       fault
//! an unknown or impossible date, a clock never set   reception       fault
//! any time, while the hub does not know its own      reception       fault
//! ```
//!
//! A device with a clock keeps records: without a true time nobody can tell whether one of them is
//! of this minute or of last month. That is why a bad time is worse than none. What earlier sessions say
//! about it is looked at in `hub/device_clock.rs`.
//!
//! Where a device was asked for its clock in this session, and that is off, what it measured is as
//! long ago as its own clock says: what it stored, too, and after its battery was changed. Some times
//! can be believed as they stand as well, for a clock may have been set since then:
//!
//! ```text
//! as it stands             by its own clock           measured at         quality
//! not to be believed       to be believed             by its own clock    corrected
//! to be believed           not to be believed         as it stands        synced
//! near the reception       long before                reception           fault
//! more than two days later than by its own clock      as it stands        synced
//! any other time           any other time             by its own clock    corrected
//! ```
//!
//! So nothing that may be of this minute is taken for something of last week.
//!
//! The hub sets the clocks of devices. When its own was set, they go on showing the old time until
//! the next session: a device is understood by that until it has shown the new one. It is the same
//! where the zone was put back. Where it was put forward, what comes before the clock is set counts as
//! measured an hour before it was: a record of that hour looks the same.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, civil};
use vitals::{DeviceTime, Flag, LocalInstant, TimeQuality};

/// How far the clock of a device may be ahead of the hub's, where the configuration says nothing.
///
/// Source: ours; home devices drift by a minute or so a month, and many show no seconds.
pub const TOLERANCE: Duration = Duration::from_secs(10 * 60);

/// Oldest record that is believed, 400 days: clocks that fell back to a year of their maker's
/// choice (1970, 2000, 2010, 2017 are seen) say more.
const OLDEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// How much further back a time may be by the device's own clock than as it stands, two days: a clock
/// in another zone or half a day off, and no date that somebody mistyped.
///
/// Source: ours; half of the age from which a value calls nobody any more (`alerting`'s `PAST_AFTER`), so
/// that a value of the last two days calls in any case.
const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(2 * 24);

/// When bytes came, and what the clock of the hub was worth then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reception {
    /// By the hub's time.
    pub at: Timestamp,
    /// Whether the hub knows its time.
    pub is_known: bool,
    /// What the hub's clock would show, had it not been set; newest setting first.
    pub earlier: Vec<Timestamp>,
    /// What the clock of the device showed when it was asked in this session.
    pub clock: Option<DeviceClock>,
}

/// The clock of a device at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceClock {
    /// What it showed.
    pub shown: civil::DateTime,
    /// When that was, by the hub's time.
    pub at: Timestamp,
}

impl DeviceClock {
    /// Whether it is within `tolerance` of the wall clock of `zone`.
    #[must_use]
    pub fn is_right(&self, zone: &TimeZone, tolerance: Duration) -> bool {
        Limits::near(self.at, tolerance).resolve(self.shown, zone).is_some()
    }

    /// When it showed `earlier`.
    fn time_of(&self, earlier: civil::DateTime) -> Option<Timestamp> {
        self.at.checked_sub(self.shown.duration_since(earlier)).ok()
    }
}

impl Reception {
    /// Whether `at` is within `tolerance` of it.
    #[must_use]
    pub fn is_near(&self, at: Timestamp, tolerance: Duration) -> bool {
        self.at.duration_since(at).unsigned_abs() <= tolerance
    }
}

/// When the measurement was made that came at `received`, as seen in `zone`, and how that is known.
#[must_use]
pub fn measured_at(
    device_time: Option<DeviceTime>,
    flags: &BTreeSet<Flag>,
    received: &Reception,
    zone: &TimeZone,
    tolerance: Duration,
) -> (LocalInstant, TimeQuality) {
    let reception = LocalInstant::new(received.at, zone);
    let Some(device_time) = device_time else {
        return (reception, TimeQuality::Estimated);
    };
    if flags.contains(&Flag::DeviceClockNotSet) || !received.is_known {
        return (reception, TimeQuality::Fault);
    }
    let Some(civil) = device_time.civil() else {
        return (reception, TimeQuality::Fault);
    };
    let told = |(at, quality)| (LocalInstant::new(at, zone), quality);
    let off = received.clock.filter(|it| !it.is_right(zone, tolerance));
    let at = match off {
        Some(clock) => by_own_clock(civil, clock, received, zone, tolerance),
        None => by_the_wall(civil, received, zone, tolerance),
    };
    at.map_or((reception, TimeQuality::Fault), told)
}

/// When it was by a clock that shows what the wall of its zone does, or did.
fn by_the_wall(
    civil: civil::DateTime,
    received: &Reception,
    zone: &TimeZone,
    tolerance: Duration,
) -> Option<(Timestamp, TimeQuality)> {
    let near = Limits::near(received.at, tolerance);
    if let Some(at) = near.resolve(civil, zone) {
        return Some((at, TimeQuality::Synced));
    }
    let shown_by_earlier = received.earlier.iter().find_map(|&earlier| {
        let shown = Limits::near(earlier, tolerance).resolve(civil, zone)?;
        received.at.checked_sub(earlier.duration_since(shown)).ok()
    });
    let not_put_back = || before_put_back(received.at, zone)?.to_timestamp(civil).ok();
    let corrected = shown_by_earlier.or_else(|| not_put_back().filter(|it| near.contain(*it)));
    corrected.map(|at| (at, TimeQuality::Corrected)).or_else(|| {
        let at = Limits::around(received.at, tolerance).resolve(civil, zone)?;
        Some((at, TimeQuality::Synced))
    })
}

/// When it was by `clock`, which is off.
fn by_own_clock(
    civil: civil::DateTime,
    clock: DeviceClock,
    received: &Reception,
    zone: &TimeZone,
    tolerance: Duration,
) -> Option<(Timestamp, TimeQuality)> {
    let believed = Limits::around(received.at, tolerance);
    let stands = believed.resolve(civil, zone);
    let counted = clock.time_of(civil).filter(|it| believed.contain(*it));
    let (Some(stands), Some(counted)) = (stands, counted) else {
        let corrected = counted.map(|at| (at, TimeQuality::Corrected));
        return corrected.or_else(|| Some((stands?, TimeQuality::Synced)));
    };
    let is_near = |at| received.is_near(at, tolerance);
    if is_near(stands) && !is_near(counted) {
        return None;
    }
    match AHEAD_MAX < stands.duration_since(counted) {
        true => Some((stands, TimeQuality::Synced)),
        false => Some((counted, TimeQuality::Corrected)),
    }
}

/// What the zone was ahead of UTC until it was put back, where that was its last change before `at`.
fn before_put_back(at: Timestamp, zone: &TimeZone) -> Option<Offset> {
    let change = zone.preceding(at).next()?;
    let before = zone.to_offset(change.timestamp().checked_sub(SignedDuration::from_secs(1)).ok()?);
    (change.offset() < before).then_some(before)
}

/// The times that are believed.
#[derive(Debug, Clone, Copy)]
struct Limits {
    earliest: Timestamp,
    latest: Timestamp,
}

impl Limits {
    fn near(reception: Timestamp, tolerance: Duration) -> Self {
        Self {
            earliest: reception.checked_sub(tolerance).unwrap_or(Timestamp::MIN),
            latest: reception.checked_add(tolerance).unwrap_or(Timestamp::MAX),
        }
    }

    fn around(reception: Timestamp, tolerance: Duration) -> Self {
        Self {
            earliest: reception.checked_sub(OLDEST).unwrap_or(Timestamp::MIN),
            latest: reception.checked_add(tolerance).unwrap_or(Timestamp::MAX),
        }
    }

    /// The instant of a wall clock time, if it is believed.
    ///
    /// An hour that the zone skips is shown by a clock that has not been put forward yet. Of an
    /// hour that comes twice, the later one is taken unless that is still to come.
    fn resolve(self, wall: civil::DateTime, zone: &TimeZone) -> Option<Timestamp> {
        let offsets = match zone.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => [offset, offset],
            AmbiguousOffset::Gap { before, after: _ } => [before, before],
            AmbiguousOffset::Fold { before, after } => [after, before],
        };
        offsets
            .into_iter()
            .filter_map(|offset| offset.to_timestamp(wall).ok())
            .find(|it| self.contain(*it))
    }

    fn contain(self, at: Timestamp) -> bool {
        self.earliest <= at && at <= self.latest
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Central Europe, by its rule: it needs no zone database.
    fn zone() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn said(text: &str) -> DeviceTime {
        let civil: civil::DateTime = text.parse().unwrap();
        let part = |value: i8| u8::try_from(value).unwrap();
        DeviceTime {
            year: u16::try_from(civil.year()).unwrap(),
            month: part(civil.month()),
            day: part(civil.day()),
            hour: part(civil.hour()),
            minute: part(civil.minute()),
            second: part(civil.second()),
        }
    }

    fn received(text: &str) -> Reception {
        Reception { at: text.parse().unwrap(), is_known: true, earlier: Vec::new(), clock: None }
    }

    fn resolve(device_time: Option<DeviceTime>, flags: &[Flag], at: &str) -> (String, TimeQuality) {
        let flags = flags.iter().copied().collect();
        let (instant, quality) =
            measured_at(device_time, &flags, &received(at), &zone(), TOLERANCE);
        (instant.to_string(), quality)
    }

    #[track_caller]
    fn check(device_time: &str, received: &str, expected: &str) {
        let expected = (expected.to_owned(), TimeQuality::Synced);
        assert_eq!(resolve(Some(said(device_time)), &[], received), expected);
    }

    #[track_caller]
    fn check_fault(device_time: DeviceTime, flags: &[Flag]) {
        let expected = ("2026-01-15T09:00:00.000+01:00".to_owned(), TimeQuality::Fault);
        assert_eq!(resolve(Some(device_time), flags, "2026-01-15T08:00:00Z"), expected);
    }

    #[test]
    fn the_wall_clock_of_the_device_is_that_of_its_zone() {
        check("2026-01-15T08:58:00", "2026-01-15T08:00:00Z", "2026-01-15T08:58:00.000+01:00");
        check("2026-07-15T09:58:00", "2026-07-15T08:00:00Z", "2026-07-15T09:58:00.000+02:00");
    }

    #[test]
    fn stored_records_keep_their_time() {
        check("2025-12-24T07:00:00", "2026-01-15T08:00:00Z", "2025-12-24T07:00:00.000+01:00");
    }

    #[test]
    fn a_clock_may_be_a_little_ahead() {
        check("2026-01-15T09:10:00", "2026-01-15T08:00:00Z", "2026-01-15T09:10:00.000+01:00");
        check_fault(said("2026-01-15T09:10:01"), &[]);
    }

    #[test]
    fn without_a_time_the_reception_is_the_estimate() {
        let expected = ("2026-01-15T09:00:00.000+01:00".to_owned(), TimeQuality::Estimated);
        assert_eq!(resolve(None, &[], "2026-01-15T08:00:00Z"), expected);
    }

    #[test]
    fn a_clock_that_was_never_set_is_a_fault() {
        for default in [
            "1970-01-01T00:03:00",
            "2000-01-01T12:00:00",
            "2010-05-01T08:00:00",
            "2017-01-01T00:00:00",
        ] {
            check_fault(said(default), &[]);
        }
        check_fault(said("2026-01-15T08:58:00"), &[Flag::DeviceClockNotSet]);
    }

    #[test]
    fn a_date_that_is_no_date_is_a_fault() {
        let noon = said("2026-01-15T08:58:00");
        check_fault(DeviceTime { year: 0, ..noon }, &[]);
        check_fault(DeviceTime { month: 0, ..noon }, &[]);
        check_fault(DeviceTime { month: 2, day: 30, ..noon }, &[]);
        check_fault(DeviceTime { second: 63, ..noon }, &[]);
        check_fault(DeviceTime { year: 65535, month: 255, ..noon }, &[]);
    }

    #[test]
    fn a_clock_that_was_not_put_forward_is_still_understood() {
        // 02:30 did not exist on that day; the device means half an hour after the change.
        check("2026-03-29T02:30:00", "2026-03-29T01:31:00Z", "2026-03-29T03:30:00.000+02:00");
    }

    #[test]
    fn an_hour_that_comes_twice_is_the_one_that_has_come() {
        let (first, second) = ("2026-10-25T00:31:00Z", "2026-10-25T01:31:00Z");
        check("2026-10-25T02:30:00", first, "2026-10-25T02:30:00.000+02:00");
        check("2026-10-25T02:30:00", second, "2026-10-25T02:30:00.000+01:00");
    }

    #[track_caller]
    fn check_time(device_time: &str, received: &str, expected: (&str, TimeQuality)) {
        let (at, quality) = resolve(Some(said(device_time)), &[], received);
        assert_eq!((at.as_str(), quality), expected, "{device_time}");
    }

    #[test]
    fn a_clock_that_was_not_put_back_is_understood_all_winter() {
        let corrected = |at| (at, TimeQuality::Corrected);
        let first = ("2026-10-25T05:00:00Z", "2026-10-25T05:58:00.000+01:00");
        let last = ("2027-03-27T08:00:00Z", "2027-03-27T08:58:00.000+01:00");
        check_time("2026-10-25T06:58:00", first.0, corrected(first.1));
        check_time("2027-03-27T09:58:00", last.0, corrected(last.1));
        let fault = ("2026-10-25T06:00:00.000+01:00", TimeQuality::Fault);
        check_time("2026-10-25T06:40:00", first.0, fault);
    }

    #[test]
    fn a_clock_that_was_not_put_forward_is_an_hour_behind() {
        let early = ("2026-03-29T05:58:00.000+02:00", TimeQuality::Synced);
        check_time("2026-03-29T05:58:00", "2026-03-29T05:00:00Z", early);
    }

    /// A device whose clock showed `shown` two minutes ago says `device_time`; it is 09:00.
    #[track_caller]
    fn check_asked(shown: &str, device_time: &str, expected: (&str, TimeQuality)) {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let clock = DeviceClock { shown: shown.parse().unwrap(), at: at("2026-01-15T07:58:00Z") };
        let earlier = vec![at("2026-01-15T10:00:00Z")];
        let reception =
            Reception { clock: Some(clock), earlier, ..received("2026-01-15T08:00:00Z") };
        let said = Some(said(device_time));
        let (at, quality) = measured_at(said, &BTreeSet::new(), &reception, &zone(), TOLERANCE);
        assert_eq!((at.to_string().as_str(), quality), expected, "{shown} {device_time}");
    }

    fn corrected(at: &str) -> (&str, TimeQuality) {
        (at, TimeQuality::Corrected)
    }

    fn synced(at: &str) -> (&str, TimeQuality) {
        (at, TimeQuality::Synced)
    }

    const FAULT: (&str, TimeQuality) = ("2026-01-15T09:00:00.000+01:00", TimeQuality::Fault);

    #[test]
    fn what_a_device_kept_is_as_long_ago_as_its_own_clock_says() {
        // The battery was changed two days and a half ago.
        let fell_back = "2010-01-03T12:00:00";
        check_asked(fell_back, "2010-01-03T12:01:00", corrected("2026-01-15T08:59:00.000+01:00"));
        check_asked(fell_back, "2010-01-01T00:05:00", corrected("2026-01-12T21:03:00.000+01:00"));
        check_asked(fell_back, "2026-01-12T07:00:00", synced("2026-01-12T07:00:00.000+01:00"));
        check_asked(fell_back, "2008-01-01T00:00:00", FAULT);
        // A year that could be: what is of this minute is not of last summer.
        let fell_back = "2025-06-01T00:30:00";
        check_asked(fell_back, "2025-06-01T00:31:00", corrected("2026-01-15T08:59:00.000+01:00"));
        // Two hours ahead, and 20 minutes behind.
        for (shown, device_time) in [
            ("2026-01-15T10:58:00", "2026-01-14T12:00:00"),
            ("2026-01-15T08:38:00", "2026-01-14T09:40:00"),
        ] {
            check_asked(shown, device_time, corrected("2026-01-14T10:00:00.000+01:00"));
        }
    }

    #[test]
    fn what_may_be_of_this_minute_is_not_taken_for_older() {
        let behind = "2026-01-15T08:38:00";
        check_asked(behind, "2026-01-15T08:59:00", synced("2026-01-15T08:59:00.000+01:00"));
        // Set meanwhile, it shows the right time; else it is of yesterday at the same time.
        check_asked("2026-01-16T08:58:00", "2026-01-15T08:59:00", FAULT);
        // Somebody put the date six days ahead: half an hour ago, or six days before that.
        let six_days = "2026-01-21T08:58:00";
        check_asked(six_days, "2026-01-15T08:30:00", synced("2026-01-15T08:30:00.000+01:00"));
        check_asked(six_days, "2026-01-21T08:30:00", corrected("2026-01-15T08:30:00.000+01:00"));
    }

    #[test]
    fn a_device_whose_clock_is_right_is_taken_at_its_word() {
        let right = "2026-01-15T08:58:30";
        check_asked(right, "2025-07-15T08:00:00", synced("2025-07-15T08:00:00.000+02:00"));
        check_asked(right, "2026-01-15T11:30:00", FAULT);
        // Measured before it was set to the right time, by the clock that the hub had.
        check_asked(right, "2026-01-15T11:00:00", corrected("2026-01-15T09:00:00.000+01:00"));
    }

    #[test]
    fn a_device_is_understood_by_the_clock_that_the_hub_had() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let reception = Reception {
            at: at("2026-01-15T08:00:00Z"),
            is_known: true,
            earlier: vec![at("2036-01-15T08:00:00Z"), at("2026-01-15T07:00:00Z")],

            clock: None,
        };
        let resolve = |device_time: &str| {
            let said = Some(said(device_time));
            let (at, quality) = measured_at(said, &BTreeSet::new(), &reception, &zone(), TOLERANCE);
            (at.to_string(), quality)
        };
        // Two minutes before the reception by each of the three clocks, in Central Europe.
        for (shown, quality) in [
            ("2026-01-15T08:58:00", TimeQuality::Synced),
            ("2026-01-15T07:58:00", TimeQuality::Corrected),
            ("2036-01-15T08:58:00", TimeQuality::Corrected),
        ] {
            assert_eq!(resolve(shown), ("2026-01-15T08:58:00.000+01:00".to_owned(), quality));
        }
        let stored = "2026-01-14T07:58:00.000+01:00".to_owned();
        assert_eq!(resolve("2026-01-14T07:58:00"), (stored, TimeQuality::Synced));
    }

    #[test]
    fn a_hub_that_does_not_know_its_time_believes_no_device() {
        let reception = Reception { is_known: false, ..received("2026-01-15T08:00:00Z") };
        let resolve = |it| measured_at(it, &BTreeSet::new(), &reception, &zone(), TOLERANCE).1;
        assert_eq!(resolve(Some(said("2026-01-15T08:58:00"))), TimeQuality::Fault);
        assert_eq!(resolve(None), TimeQuality::Estimated);
    }

    proptest! {
        #[test]
        fn no_clock_panics_or_is_believed_outside_the_limits(
            year: u16, month: u8, day: u8, hour: u8, minute: u8, second: u8,
            reception_s in -1_000_000_000_i64..100_000_000_000,
            near_s in prop::option::of(-200_000_i64..200_000),
            off_s in prop::option::of(-2_000_000_i64..2_000_000),
        ) {
            let wall = Timestamp::from_second(reception_s).unwrap();
            let ahead = |by_s: i64| {
                let shown = wall.saturating_add(SignedDuration::from_secs(by_s)).unwrap();
                zone().to_datetime(shown)
            };
            let any = DeviceTime { year, month, day, hour, minute, second };
            let device_time = near_s.map_or(any, |it| said(&ahead(it).to_string()));
            let clock = off_s.map(|it| DeviceClock { shown: ahead(it), at: wall });
            let reception = Reception { at: wall, is_known: true, earlier: Vec::new(), clock };
            let flags = BTreeSet::new();
            let (at, quality) =
                measured_at(Some(device_time), &flags, &reception, &zone(), TOLERANCE);
            let limits = Limits::around(wall, TOLERANCE);
            prop_assert!(limits.contain(at.at));
            prop_assert!(quality != TimeQuality::Fault || at.at == wall);
            prop_assert_ne!(quality, TimeQuality::Estimated);
            let stands = limits.resolve(device_time.civil().unwrap_or_default(), &zone());
            let of_the_last_days =
                |it: &Timestamp| wall.duration_since(*it) < SignedDuration::from_hours(48);
            if stands.is_some_and(|it| of_the_last_days(&it)) {
                prop_assert!(wall.duration_since(at.at) < SignedDuration::from_hours(96));
            }
        }
    }
}
