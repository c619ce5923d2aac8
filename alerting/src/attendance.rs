//! What is known about measurements that are due: when something was measured, from when a plan asks
//! for it, and when the hub could not have heard it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use vitals::identity::SubjectId;
use vitals::{Moment, Reading, Vital};

use crate::rule::trust::{is_time_known, measured};

/// Most measurements of one vital of one client that are kept: the latest ones.
const TAKEN_MAX: usize = 64;

/// Most outages that are kept: the latest ones.
const OUTAGES_MAX: usize = 256;

/// A time in which the hub could not hear a measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// When it began, at the latest.
    pub from: Timestamp,
    /// When it ended; `None` while it goes on.
    pub until: Option<Timestamp>,
    /// Why: a fragment such as `the hub was off`.
    pub cause: String,
    /// What could not be heard.
    pub vitals: BTreeSet<Vital>,
}

/// What is known about measurements that are due.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attendance {
    /// The oldest first, by the wall clock of then.
    taken: BTreeMap<(SubjectId, Vital), Vec<Moment>>,
    outages: Vec<Outage>,
    in_force: BTreeMap<(SubjectId, String), Timestamp>,
    /// When a person closed the alert about a rule of a plan: what was missed before is settled.
    settled: BTreeMap<(SubjectId, String, String), Timestamp>,
    /// What may be the cause that something was not measured.
    hints: BTreeMap<Vital, String>,
}

impl Attendance {
    /// Takes in a reading: a doubtful one was measured, too.
    pub(crate) fn note(&mut self, reading: &Reading) {
        let Some(subject) = reading.subject.as_ref().filter(|_it| is_time_known(reading)) else {
            return;
        };
        let when = measured(reading);
        for value in &reading.values {
            let taken = self.taken.entry((subject.clone(), value.vital)).or_default();
            if taken.contains(&when) {
                continue;
            }
            let place = taken.partition_point(|it| it.at.at <= when.at.at);
            taken.insert(place, when);
            let surplus = taken.len().saturating_sub(TAKEN_MAX);
            taken.drain(..surplus);
        }
    }

    /// Takes back a reading that is not of its client.
    pub(crate) fn forget(&mut self, reading: &Reading) {
        let Some(subject) = &reading.subject else { return };
        let when = measured(reading);
        for value in &reading.values {
            if let Some(taken) = self.taken.get_mut(&(subject.clone(), value.vital)) {
                taken.retain(|it| *it != when);
            }
        }
    }

    pub(crate) fn note_outage(&mut self, outage: Outage) {
        self.outages.push(outage);
        let surplus = self.outages.len().saturating_sub(OUTAGES_MAX);
        self.outages.drain(..surplus);
    }

    /// Ends what `cause` has kept from being heard; returns it.
    pub(crate) fn end_outage(&mut self, cause: &str, until: Timestamp) -> Option<Outage> {
        let is_it = |it: &&mut Outage| it.until.is_none() && it.cause == cause;
        let outage = self.outages.iter_mut().rev().find(is_it)?;
        outage.until = Some(until);
        Some(outage.clone())
    }

    pub(crate) fn end_outages(&mut self, until: Timestamp) {
        let open = self.outages.iter_mut().filter(|it| it.until.is_none());
        open.for_each(|it| it.until = Some(until));
    }

    pub(crate) fn note_in_force(&mut self, subject: SubjectId, plan: String, since: Timestamp) {
        self.in_force.insert((subject, plan), since);
    }

    /// A person has closed what `rule` of `plan` missed until `at`.
    pub(crate) fn note_settled(
        &mut self,
        subject: SubjectId,
        plan: String,
        rule: String,
        at: Timestamp,
    ) {
        let settled = self.settled.entry((subject, plan, rule)).or_insert(at);
        *settled = at.max(*settled);
    }

    /// Until when it is settled what `rule` of `plan` missed.
    pub(crate) fn settled_until(&self, subject: &SubjectId, plan: &str, rule: &str) -> Timestamp {
        let key = (subject.clone(), plan.to_owned(), rule.to_owned());
        self.settled.get(&key).copied().unwrap_or(Timestamp::MIN)
    }

    pub(crate) fn note_hints(&mut self, hints: BTreeMap<Vital, String>) {
        self.hints = hints;
    }

    /// What may be the cause that `vital` was not measured.
    pub(crate) fn hint(&self, vital: Vital) -> Option<&str> {
        self.hints.get(&vital).map(String::as_str)
    }

    /// When `vital` of `subject` was measured last, as of `now` and by the clock as it is set now: what
    /// was measured before it was set in the same run of the machine moves with it.
    pub(crate) fn latest(&self, subject: &SubjectId, vital: Vital, now: &Moment) -> Timestamp {
        let taken = self.taken.get(&(subject.clone(), vital)).into_iter().flatten();
        let latest = taken.map(|it| by_the_clock_of(now, it)).filter(|it| *it <= now.at.at).max();
        latest.unwrap_or(Timestamp::MIN)
    }

    /// From when `plan` asks `subject` for anything.
    pub(crate) fn in_force_since(&self, subject: &SubjectId, plan: &str) -> Timestamp {
        let since = self.in_force.get(&(subject.clone(), plan.to_owned()));
        since.copied().unwrap_or(Timestamp::MIN)
    }

    /// Whether `vital` could not be heard at some time between `from` and `to`.
    pub(crate) fn is_hindered(&self, vital: Vital, from: Timestamp, to: Timestamp) -> bool {
        self.outages.iter().any(|it| it.touches(vital, from, to))
    }
}

/// When `then` was, by the wall clock as it is set `now`.
fn by_the_clock_of(now: &Moment, then: &Moment) -> Timestamp {
    let age = then.on.and_then(|it| now.since(it));
    age.and_then(|it| now.at.at.checked_sub(it).ok()).unwrap_or(then.at.at)
}

impl Outage {
    /// Whether it kept `vital` from being heard at some time between `from` and `to`.
    fn touches(&self, vital: Vital, from: Timestamp, to: Timestamp) -> bool {
        let until = self.until.unwrap_or(Timestamp::MAX);
        self.vitals.contains(&vital) && self.from < to && from < until
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use vitals::Unit;

    use super::*;
    use crate::sample::{minute, quantity, reading, subject};

    #[test]
    fn the_latest_measurements_are_kept() {
        let mut attendance = Attendance::default();
        for (seq, at_minute) in (1..).zip(0..=64) {
            let value = quantity("80", Unit::Kilogram);
            attendance.note(&reading(seq, at_minute, Vital::BodyWeight, value));
        }
        let latest =
            |at_minute| attendance.latest(&subject(), Vital::BodyWeight, &minute(at_minute).into());
        assert_eq!(latest(0), Timestamp::MIN, "the oldest of 65 has gone");
        assert_eq!(latest(1), minute(1).at);
        assert_eq!(latest(1000), minute(64).at);
    }

    #[test]
    fn a_reading_of_somebody_else_is_taken_back_and_no_other() {
        let weight = |seq, at| reading(seq, at, Vital::BodyWeight, quantity("80", Unit::Kilogram));
        let mut attendance = Attendance::default();
        attendance.note(&weight(1, 10));
        attendance.note(&weight(2, 20));
        let latest = |it: &Attendance| it.latest(&subject(), Vital::BodyWeight, &minute(99).into());
        let pulse = reading(2, 20, Vital::PulseRate, quantity("70", Unit::PerMinute));
        attendance.forget(&pulse);
        attendance.forget(&Reading { subject: None, ..weight(2, 20) });
        assert_eq!(latest(&attendance), minute(20).at);
        attendance.forget(&weight(2, 20));
        assert_eq!(latest(&attendance), minute(10).at);
    }

    #[test]
    fn an_outage_hinders_what_it_overlaps() {
        let at = |hour: i64| minute(0).at + SignedDuration::from_hours(hour);
        let outage = Outage {
            from: at(10),
            until: Some(at(12)),
            cause: "the hub was off".to_owned(),
            vitals: [Vital::BodyWeight].into(),
        };
        for (from, to, expected) in
            [(8, 10, false), (9, 11, true), (10, 12, true), (11, 13, true), (12, 14, false)]
        {
            assert_eq!(outage.touches(Vital::BodyWeight, at(from), at(to)), expected, "{from}");
        }
        assert!(!outage.touches(Vital::PulseRate, at(10), at(12)));
    }
}
