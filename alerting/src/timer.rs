//! What an open alert waits for by the clock, and how long that is from now.
//!
//! In the run of the machine in which a deadline was set, the time since its start decides, which no
//! setting of the wall clock moves. In another run the wall time does, where it was known then and is
//! known now, and where it is not further away than the deadline ever was. What no clock can tell is
//! due: each of these deadlines errs towards telling a person sooner.

use jiff::SignedDuration;
use vitals::Moment;

/// Longest time in hours for which an acknowledgement can hold.
///
/// Source: clinical notes on alarm management, "snooze bounded (max 24 h)".
pub const SNOOZE_HOURS_MAX: i64 = 24;

/// What an alert waits for by the clock; it is stored and sent with the alert.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timers {
    /// Until when a repeated measurement is awaited; only while the alert is pending.
    pub repeat_by: Option<Moment>,
    /// Since when it waits for a person: the ladder counts from here.
    pub waits_since: Option<Moment>,
    /// How many rungs of the ladder it has climbed since then.
    pub rung: u32,
    /// Who the highest of these rungs names.
    pub escalated_to: Option<String>,
    /// Until when the acknowledgement holds; without it, until the condition goes.
    pub until: Option<Moment>,
    /// Until when nobody is to be disturbed by it: it was raised in quiet hours.
    pub quiet_until: Option<Moment>,
    /// Whether nothing fresh came after its abnormal value for as long as the plan allows.
    pub is_stale: bool,
}

/// The moment `length` after `start`, by the same clocks.
#[must_use]
pub fn after(start: &Moment, length: SignedDuration) -> Moment {
    let mut at = start.at;
    at.at = at.at.saturating_add(length).unwrap_or(at.at);
    start.when(at)
}

/// How long it is from `now` until `due`, which was set for at most `longest`; zero where it is due.
#[must_use]
pub fn left(due: &Moment, now: &Moment, longest: SignedDuration) -> SignedDuration {
    let in_this_run = due.on.and_then(|anchor| now.since(anchor)).map(|since| -since);
    let by_wall = || {
        let is_told = due.is_known && now.is_known;
        let left = due.at.at.duration_since(now.at.at);
        if is_told && left <= longest { left } else { SignedDuration::ZERO }
    };
    in_this_run.unwrap_or_else(by_wall).max(SignedDuration::ZERO)
}

/// Whether the clocks tell how long it is from `since` to `now`.
pub(crate) fn can_tell(since: Option<&Moment>, now: &Moment) -> bool {
    since.is_some_and(|it| {
        it.on.is_some_and(|anchor| now.since(anchor).is_some()) || it.is_known && now.is_known
    })
}

#[cfg(test)]
mod tests {
    use vitals::{BootId, LocalInstant, Uptime};

    use super::*;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    fn moment(at: &str, boot: u8, minute: i64, is_known: bool) -> Moment {
        let at = LocalInstant::parse(at).unwrap();
        let on = Uptime { boot: BootId([boot; 16]), ms: minute * 60_000 };
        Moment { at, on: Some(on), is_known }
    }

    #[track_caller]
    fn check(due: &Moment, now: &Moment, expected_min: i64) {
        assert_eq!(left(due, now, HOUR), SignedDuration::from_mins(expected_min));
    }

    #[test]
    fn in_one_run_no_setting_of_the_wall_clock_moves_a_deadline() {
        let due = moment("2026-03-02T08:10:00Z", 1, 10, true);
        check(&due, &moment("2036-03-02T08:00:00Z", 1, 4, true), 6);
        check(&due, &moment("1970-01-01T00:00:00Z", 1, 4, false), 6);
        check(&due, &moment("1970-01-01T00:00:00Z", 1, 10, false), 0);
        check(&due, &moment("2026-03-02T08:00:00Z", 1, 11, true), 0);
    }

    #[test]
    fn across_runs_the_wall_clock_decides_where_it_is_known() {
        let due = moment("2026-03-02T08:10:00Z", 1, 10, true);
        check(&due, &moment("2026-03-02T08:04:00Z", 2, 0, true), 6);
        check(&due, &moment("2026-03-02T08:10:00Z", 2, 0, true), 0);
        check(&due, &moment("2026-03-02T08:04:00Z", 2, 0, false), 0);
        let estimated = Moment { is_known: false, ..due };
        check(&estimated, &moment("2026-03-02T08:04:00Z", 2, 0, true), 0);
    }

    #[test]
    fn a_deadline_that_is_further_away_than_it_ever_was_is_due() {
        let due = moment("2026-03-02T08:10:00Z", 1, 10, true);
        check(&due, &moment("2026-03-02T07:10:00Z", 2, 0, true), 60);
        check(&due, &moment("2026-03-02T07:09:00Z", 2, 0, true), 0);
        check(&due, &moment("2020-03-02T08:00:00Z", 2, 0, true), 0);
    }

    #[test]
    fn both_clocks_of_a_moment_move_on() {
        let later = after(&moment("2026-03-02T08:00:00Z", 1, 3, true), HOUR);
        assert_eq!(later, moment("2026-03-02T09:00:00Z", 1, 63, true));
    }
}
