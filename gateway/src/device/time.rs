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
//! a time up to 400 days before the reception         that time       synced
//! a later or an earlier time                         reception       fault
//! an unknown or impossible date, a clock never set   reception       fault
//! any time, while the hub does not know its own      reception       fault
//! ```
//!
//! A device with a clock keeps records: without a true time nobody can tell whether one of them is
//! of this minute or of last month. That is why a bad time is worse than none.
//!
//! The hub sets the clocks of devices. When its own was set, they go on showing the old time until
//! the next session: a device is understood by that until it has shown the new one.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, civil};
use vitals::{DeviceTime, Flag, LocalInstant, TimeQuality};

/// How far the clock of a device may be ahead of the hub's, where the configuration says nothing.
///
/// Source: ours; home devices drift by a minute or so a month, and many show no seconds.
pub const TOLERANCE: Duration = Duration::from_secs(10 * 60);

/// Oldest record that is believed, 400 days: clocks that fell back to a year of their maker's
/// choice (1970, 2000, 2010, 2017 are seen) say more.
const OLDEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// When bytes came, and what the clock of the hub was worth then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reception {
    /// By the hub's time.
    pub at: Timestamp,
    /// Whether the hub knows its time.
    pub is_known: bool,
    /// What the hub's clock would show, had it not been set; newest setting first.
    pub earlier: Vec<Timestamp>,
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
    let synced = |at| (LocalInstant::new(at, zone), TimeQuality::Synced);
    if let Some(at) = Limits::near(received.at, tolerance).resolve(civil, zone) {
        return synced(at);
    }
    let shown_by_earlier = received.earlier.iter().find_map(|&earlier| {
        let shown = Limits::near(earlier, tolerance).resolve(civil, zone)?;
        received.at.checked_sub(earlier.duration_since(shown)).ok()
    });
    if let Some(at) = shown_by_earlier {
        return (LocalInstant::new(at, zone), TimeQuality::Corrected);
    }
    Limits::around(received.at, tolerance)
        .resolve(civil, zone)
        .map_or((reception, TimeQuality::Fault), synced)
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
            .find(|it| self.earliest <= *it && *it <= self.latest)
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
        Reception { at: text.parse().unwrap(), is_known: true, earlier: Vec::new() }
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

    #[test]
    fn a_device_is_understood_by_the_clock_that_the_hub_had() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let reception = Reception {
            at: at("2026-01-15T08:00:00Z"),
            is_known: true,
            earlier: vec![at("2036-01-15T08:00:00Z"), at("2026-01-15T07:00:00Z")],
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
        ) {
            let device_time = Some(DeviceTime { year, month, day, hour, minute, second });
            let wall = Timestamp::from_second(reception_s).unwrap();
            let reception = Reception { at: wall, is_known: true, earlier: Vec::new() };
            let (at, quality) =
                measured_at(device_time, &BTreeSet::new(), &reception, &zone(), TOLERANCE);
            let limits = Limits::around(wall, TOLERANCE);
            prop_assert!(limits.earliest <= at.at && at.at <= limits.latest);
            prop_assert!(quality == TimeQuality::Synced || at.at == wall);
        }
    }
}
