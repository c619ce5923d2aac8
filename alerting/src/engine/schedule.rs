//! Measurements that were due and were not made.
//!
//! What is counted are the windows in a row that have closed since the last measurement. A window in
//! which the hub could not have heard it does not count, and neither does one from before its plan.
//! Only a measurement clears: time counts on. What a person has closed is not told again.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use vitals::identity::{AlertId, SubjectId};
use vitals::{Moment, Reading, Vital};

use super::{Engine, is_of, nth, origin};
use crate::alert::{Alert, Change, Transition};
use crate::attendance::Outage;
use crate::plan::Plan;
use crate::rule::Rule;
use crate::rule::missed::{Missed, Slot};
use crate::rule::trust::{is_time_known, measured_at};

/// Something was due while it could not have been heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unheard {
    /// Of whom.
    pub subject: SubjectId,
    /// What.
    pub vital: Vital,
    /// How many windows.
    pub n_windows: usize,
}

impl Engine {
    /// Takes in a time in which the hub could not hear some measurements.
    pub fn note_outage(&mut self, outage: Outage) {
        self.attendance.note_outage(outage);
    }

    /// Notes that the outage by `cause` has ended; returns it.
    pub fn end_outage(&mut self, cause: &str, until: Timestamp) -> Option<Outage> {
        self.attendance.end_outage(cause, until)
    }

    /// Notes that every outage has ended.
    pub fn end_outages(&mut self, until: Timestamp) {
        self.attendance.end_outages(until);
    }

    /// Notes from when a plan asks for measurements: earlier windows were nobody's to keep.
    pub fn note_in_force(&mut self, subject: SubjectId, plan: String, since: Timestamp) {
        self.attendance.note_in_force(subject, plan, since);
    }

    /// Notes what may be the cause that something is not measured, such as an empty battery.
    pub fn note_hints(&mut self, hints: BTreeMap<Vital, String>) {
        self.attendance.note_hints(hints);
    }

    /// Whether a plan asks for measurements at certain times.
    #[must_use]
    pub fn has_schedule(&self) -> bool {
        self.schedules().next().is_some()
    }

    /// What was due in `outage` and has not been measured since, as of `now`.
    #[must_use]
    pub fn unheard(&self, outage: &Outage, now: &Moment) -> Vec<Unheard> {
        let until = outage.until.unwrap_or(now.at.at);
        let unheard = |(plan, rule, missed): (&Plan, &Rule, &Missed)| {
            let open = self.open_slots(plan, rule, missed, now);
            let touched = open.filter(|it| it.opens < until && outage.from < it.closes).count();
            let is_told = outage.vitals.contains(&missed.vital) && 0 < touched;
            let subject = plan.subject().clone();
            is_told.then_some(Unheard { subject, vital: missed.vital, n_windows: touched })
        };
        self.schedules().filter_map(unheard).collect()
    }

    /// What follows from windows that have closed by `now`; new alerts get keys from `next` on.
    pub(super) fn missed(&self, now: &Moment, next: AlertId) -> Vec<Transition> {
        let mut transitions = Vec::new();
        for (plan, rule, missed) in self.schedules() {
            let id = nth(next, transitions.len());
            let changed = self.miss(now, id, plan, rule, missed);
            transitions.extend(changed.map(Transition::from));
        }
        transitions
    }

    /// How long it is from `now` until [`Engine::missed`] can find something.
    pub(super) fn missed_wait(&self, now: &Moment) -> Option<SignedDuration> {
        if !now.is_known {
            return None;
        }
        let unused = AlertId { epoch: vitals::Epoch([0; 8]), seq: 0 };
        let at = now.at.at;
        let waits = self.schedules().filter_map(|(plan, rule, missed)| {
            if self.miss(now, unused, plan, rule, missed).is_some() {
                return Some(SignedDuration::ZERO);
            }
            let slots = missed.slots(at, &self.zone);
            let closes = slots.iter().map(|it| it.closes).filter(|it| at < *it).min();
            closes.map(|it| it.duration_since(at))
        });
        waits.min()
    }

    /// What `reading` says about the windows that were missed before it.
    pub(super) fn attended(&self, now: &Moment, reading: &Reading) -> Vec<Transition> {
        let Some(subject) = reading.subject.as_ref().filter(|_it| is_time_known(reading)) else {
            return Vec::new();
        };
        let cleared = |(plan, rule, missed): (&Plan, &Rule, &Missed)| {
            let is_measured = reading.values.iter().any(|it| it.vital == missed.vital);
            let is_mine = plan.subject() == subject && is_measured;
            let alert = self.open_of(plan, rule).filter(|_it| is_mine)?;
            let latest = missed.slots(now.at.at, &self.zone).into_iter();
            let latest = latest.filter(|it| it.closes <= now.at.at).map(|it| it.opens).next();
            let is_since = latest.is_none_or(|it| it <= measured_at(reading).at);
            alert.changed(now.at, Change::Cleared).filter(|_it| is_since).map(Transition::from)
        };
        self.schedules().filter_map(cleared).collect()
    }

    fn miss(
        &self,
        now: &Moment,
        id: AlertId,
        plan: &Plan,
        rule: &Rule,
        missed: &Missed,
    ) -> Option<Alert> {
        if !now.is_known {
            return None;
        }
        let at = now.at.at;
        let closed = self.open_slots(plan, rule, missed, now).filter(|it| it.closes <= at);
        let is_heard = |it: &Slot| !self.attendance.is_hindered(missed.vital, it.opens, it.closes);
        let counted: Vec<Slot> = closed.filter(is_heard).collect();
        let latest = counted.first()?;
        let n = u32::try_from(counted.len()).ok().filter(|it| missed.in_a_row <= *it)?;
        let fact = missed.fact(n, latest, self.attendance.hint(missed.vital));
        let origin = origin(plan, rule);
        match self.open_of(plan, rule) {
            None => {
                let subject = plan.subject().clone();
                let alert = Alert::missed(now, id, subject, &origin, missed, &fact, n);
                Some(alert.hushed(self.quiet_until(plan, now)))
            }
            Some(alert) => alert.missed_again(now, &origin, &fact, n),
        }
    }

    /// The windows of a schedule that opened since its plan is in force and after the last
    /// measurement, the latest first.
    fn open_slots(
        &self,
        plan: &Plan,
        rule: &Rule,
        missed: &Missed,
        now: &Moment,
    ) -> impl Iterator<Item = Slot> {
        let since = self.attendance.in_force_since(plan.subject(), plan.name());
        let settled = self.attendance.settled_until(plan.subject(), plan.name(), rule.id());
        let latest = self.attendance.latest(plan.subject(), missed.vital, now);
        let slots = missed.slots(now.at.at, &self.zone).into_iter();
        let is_due = move |it: &Slot| since <= it.opens && latest < it.opens;
        slots.filter(move |it| is_due(it) && settled < it.closes)
    }

    /// Takes in an alert of before that a person closed: what was missed by then is told no more.
    pub fn recall_closed(&mut self, alert: &Alert) {
        self.settle_missed(&Transition { change: alert.state, alert: alert.clone() });
    }

    /// Notes that a person has closed an alert about a missed measurement: what was missed by then is
    /// told no more.
    pub(super) fn settle_missed(&mut self, transition: &Transition) {
        let Transition { change: Change::Closed, alert } = transition else { return };
        let Some(subject) = &alert.subject else { return };
        let is_its = |(plan, rule, _missed): (&Plan, &Rule, &Missed)| {
            is_of(alert, Some(plan.subject()), plan, rule)
        };
        if self.schedules().any(is_its) {
            let (plan, rule) = (alert.plan.clone(), alert.rule.clone());
            self.attendance.note_settled(subject.clone(), plan, rule, alert.changed_at.at);
        }
    }

    fn schedules(&self) -> impl Iterator<Item = (&Plan, &Rule, &Missed)> {
        let rules = self.plans.values().flat_map(|plan| plan.rules().map(move |it| (plan, it)));
        rules.filter_map(|(plan, rule)| Some((plan, rule, rule.schedule()?)))
    }

    fn open_of(&self, plan: &Plan, rule: &Rule) -> Option<&Alert> {
        self.open().find(|alert| is_of(alert, Some(plan.subject()), plan, rule))
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
