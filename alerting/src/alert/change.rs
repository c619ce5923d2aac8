//! What makes an alert, and each change of it; the table of [`Standing::after`] has the last word.

use jiff::SignedDuration;
use vitals::identity::{AlertId, SubjectId};
use vitals::{LocalInstant, Moment, Priority};

use super::{Alert, Beside, Change, Disposition, Evidence, Origin, Refusal, Standing};
use crate::rule::missed::Missed;
use crate::timer::{self, SNOOZE_HOURS_MAX, Timers};

impl Alert {
    /// A new episode.
    ///
    /// Where `confirmed` is false, a repeated measurement would have been asked for, and cannot be.
    pub(crate) fn raised(
        now: &Moment,
        id: AlertId,
        subject: Option<SubjectId>,
        origin: &Origin<'_>,
        evidence: &Evidence,
        confirmed: bool,
    ) -> Self {
        Self {
            id,
            rev: 1,
            state: Change::Raised,
            priority: evidence.priority,
            category: origin.category,
            rule: origin.rule.to_owned(),
            plan: origin.plan.to_owned(),
            plan_version: origin.plan_version,
            subject,
            vital: evidence.vital,
            value: evidence.value,
            limit: evidence.limit,
            readings: evidence.readings.clone(),
            why: origin.why(&evidence.fact),
            measured: Some(evidence.measured),
            raised_at: now.at,
            changed_at: now.at,
            cleared_at: None,
            late: evidence.late,
            confirmed,
            count: 1,
            by: None,
            note: None,
            disposition: None,
            timers: Timers { waits_since: Some(*now), ..Timers::default() },
        }
    }

    /// A new episode that waits for a repeated measurement until `repeat_by`.
    pub(crate) fn asked(
        now: &Moment,
        id: AlertId,
        subject: Option<SubjectId>,
        origin: &Origin<'_>,
        evidence: &Evidence,
        repeat_by: Moment,
    ) -> Self {
        let timers = Timers { repeat_by: Some(repeat_by), ..Timers::default() };
        let raised = Self::raised(now, id, subject, origin, evidence, false);
        Self { state: Change::Asked, timers, ..raised }
    }

    /// A new episode of `n` windows that were missed in a row.
    pub(crate) fn missed(
        now: &Moment,
        id: AlertId,
        subject: SubjectId,
        origin: &Origin<'_>,
        missed: &Missed,
        fact: &str,
        n: u32,
    ) -> Self {
        Self {
            id,
            rev: 1,
            state: Change::Raised,
            priority: missed.priority,
            category: origin.category,
            rule: origin.rule.to_owned(),
            plan: origin.plan.to_owned(),
            plan_version: origin.plan_version,
            subject: Some(subject),
            vital: Some(missed.vital),
            value: None,
            limit: None,
            readings: Vec::new(),
            why: origin.why(fact),
            measured: None,
            raised_at: now.at,
            changed_at: now.at,
            cleared_at: None,
            late: false,
            confirmed: true,
            count: n,
            by: None,
            note: None,
            disposition: None,
            timers: Timers { waits_since: Some(*now), ..Timers::default() },
        }
    }

    /// Of this episode `n` windows are missed by now.
    pub(crate) fn missed_again(
        &self,
        now: &Moment,
        origin: &Origin<'_>,
        fact: &str,
        n: u32,
    ) -> Option<Self> {
        if n <= self.count {
            return None;
        }
        let mut next = self.changed(now.at, Change::Repeated)?;
        (next.count, next.plan_version, next.why) = (n, origin.plan_version, origin.why(fact));
        Some(next)
    }

    /// This alert after `change`, or `None` where the table refuses it.
    pub(crate) fn changed(&self, now: LocalInstant, change: Change) -> Option<Self> {
        self.standing().after(change, self.priority)?;
        let mut next = self.clone();
        next.rev = self.rev.saturating_add(1);
        next.state = change;
        next.changed_at = now;
        match change {
            Change::Confirmed | Change::Repeated => next.cleared_at = None,
            Change::Cleared => next.cleared_at = Some(now),
            Change::Stale | Change::Escalated | Change::Resumed => {
                next.by = None;
                next.note = None;
                next.timers.until = None;
            }
            Change::Asked | Change::Raised | Change::Acknowledged | Change::Closed => {}
        }
        Some(next)
    }

    /// No repeated measurement is waited for any more: the window has ended without one.
    pub(crate) fn unconfirmed(&self, now: &Moment) -> Option<Self> {
        self.out_of_pending(now, Change::Raised)
    }

    /// The condition was found again.
    ///
    /// Older evidence than what it stands on is counted, but does not take its place.
    /// A reading that it already used changes nothing.
    pub(crate) fn repeated(
        &self,
        now: &Moment,
        origin: &Origin<'_>,
        evidence: &Evidence,
        beside: Beside,
    ) -> Option<Self> {
        let Beside { confirms, stood_on } = beside;
        if evidence.readings.last().is_some_and(|it| self.readings.contains(it)) {
            return None;
        }
        let is_more_urgent = evidence.priority < self.priority;
        let breaks_off = self.timers.until.is_some() && self.is_worse(evidence, stood_on);
        let change = match (is_more_urgent || breaks_off, confirms && !self.confirmed) {
            (true, _) => Change::Escalated,
            (false, true) => Change::Confirmed,
            (false, false) => Change::Repeated,
        };
        let mut next = match self.standing() {
            Standing::Pending => {
                let change = if is_more_urgent { Change::Raised } else { Change::Confirmed };
                self.out_of_pending(now, change)?
            }
            Standing::Active | Standing::Acknowledged | Standing::Latched | Standing::Done => {
                self.changed(now.at, change)?
            }
        };
        next.confirmed |= confirms || evidence.priority == Priority::High;
        next.timers.is_stale = false;
        next.take(origin, evidence);
        if is_more_urgent || self.by.is_some() && next.by.is_none() {
            next.wait_anew(*now);
        }
        Some(next)
    }

    /// The condition was found again while a repeat is awaited, in what is no other measurement: it
    /// counts, and the worse of the two stands.
    pub(crate) fn counted(
        &self,
        now: &Moment,
        origin: &Origin<'_>,
        evidence: &Evidence,
    ) -> Option<Self> {
        if evidence.readings.last().is_some_and(|it| self.readings.contains(it)) {
            return None;
        }
        let mut next = self.changed(now.at, Change::Repeated)?;
        if self.is_worse(evidence, None) {
            next.stand_on(origin, evidence);
        }
        next.count_in(evidence);
        Some(next)
    }

    /// The mean of two measurements is beyond the limit: `evidence` stands on it.
    pub(crate) fn confirmed_by_mean(
        &self,
        now: &Moment,
        origin: &Origin<'_>,
        evidence: &Evidence,
    ) -> Option<Self> {
        let mut next = self.out_of_pending(now, Change::Confirmed)?;
        next.confirmed = true;
        next.take(origin, evidence);
        Some(next)
    }

    /// A trusted value was back inside the clear level.
    ///
    /// Only a value that was measured later than what the alert stands on clears it.
    pub(crate) fn cleared(&self, now: LocalInstant, evidence: &Evidence) -> Option<Self> {
        let stands_on = self.measured?;
        if evidence.measured.order(&stands_on).is_le() {
            return None;
        }
        let mut next = self.changed(now, Change::Cleared)?;
        next.timers.is_stale = false;
        next.name_readings(&evidence.readings);
        Some(next)
    }

    /// A person took it on.
    pub(crate) fn acknowledged(
        &self,
        now: LocalInstant,
        by: &str,
        note: Option<&str>,
    ) -> Result<Self, Refusal> {
        let name = self.named(by)?;
        let mut next = self.changed(now, Change::Acknowledged).ok_or_else(|| self.refusal())?;
        next.by = Some(name);
        next.note = note.map(str::to_owned);
        next.timers = Timers { is_stale: self.timers.is_stale, ..Timers::default() };
        Ok(next)
    }

    /// A person took it on until `until`, and at most for [`SNOOZE_HOURS_MAX`].
    pub(crate) fn snoozed(
        &self,
        now: &Moment,
        by: &str,
        note: Option<&str>,
        until: LocalInstant,
    ) -> Result<Self, Refusal> {
        if note.is_none_or(|it| it.trim().is_empty()) {
            return Err(Refusal::NoReason { alert: self.id });
        }
        if until.at <= now.at.at {
            return Err(Refusal::Ended { alert: self.id });
        }
        let mut next = self.acknowledged(now.at, by, note)?;
        let longest = timer::after(now, SignedDuration::from_hours(SNOOZE_HOURS_MAX));
        let until = now.when(until);
        next.timers.until = Some(if until.at.at < longest.at.at { until } else { longest });
        Ok(next)
    }

    /// The acknowledgement has ended by itself.
    pub(crate) fn resumed(&self, now: &Moment) -> Option<Self> {
        let mut next = self.changed(now.at, Change::Resumed)?;
        next.wait_anew(*now);
        Some(next)
    }

    /// Nothing fresh came after its abnormal value.
    pub(crate) fn gone_stale(&self, now: &Moment) -> Option<Self> {
        let mut next = self.changed(now.at, Change::Stale)?;
        next.timers.is_stale = true;
        if self.by.is_some() {
            next.wait_anew(*now);
        }
        Some(next)
    }

    /// Nobody has acknowledged it in time: the next rung of the ladder is `to`.
    pub(crate) fn climbed(&self, now: &Moment, to: &str, after: SignedDuration) -> Option<Self> {
        let mut next = self.changed(now.at, Change::Escalated)?;
        next.timers.rung = self.timers.rung.saturating_add(1);
        next.timers.escalated_to = Some(to.to_owned());
        // What no clock could tell is told from now on: the next rung is not due at once, too.
        if !timer::can_tell(self.timers.waits_since.as_ref(), now) {
            next.timers.waits_since = Some(timer::after(now, -after));
        }
        Some(next)
    }

    /// A person closed it; whether the condition still stands does not matter.
    pub(crate) fn closed(
        &self,
        now: LocalInstant,
        by: &str,
        disposition: Disposition,
        note: Option<&str>,
    ) -> Result<Self, Refusal> {
        let name = self.named(by)?;
        let mut next = self.changed(now, Change::Closed).ok_or_else(|| self.refusal())?;
        next.by = Some(name);
        next.note = note.map(str::to_owned);
        next.disposition = Some(disposition);
        Ok(next)
    }

    /// Nobody is to be disturbed before `until`, and no ladder climbs; never so for high priority.
    pub(crate) fn hushed(mut self, until: Option<Moment>) -> Self {
        let is_quiet = self.priority != Priority::High && self.timers.waits_since.is_some();
        if let Some(until) = until.filter(|_it| is_quiet) {
            self.timers.quiet_until = Some(until);
            self.timers.waits_since = Some(until);
        }
        self
    }

    /// An alarm from now on, where it was only asked for before.
    fn out_of_pending(&self, now: &Moment, change: Change) -> Option<Self> {
        let mut next = self.changed(now.at, change)?;
        next.raised_at = now.at;
        next.timers.repeat_by = None;
        next.wait_anew(*now);
        Some(next)
    }

    /// It waits for a person since `now`, who is called from the bottom of the ladder.
    fn wait_anew(&mut self, now: Moment) {
        let is_stale = self.timers.is_stale;
        self.timers = Timers { waits_since: Some(now), is_stale, ..Timers::default() };
    }

    fn named(&self, by: &str) -> Result<String, Refusal> {
        match by.trim() {
            "" => Err(Refusal::NoName { alert: self.id }),
            name => Ok(name.to_owned()),
        }
    }

    fn refusal(&self) -> Refusal {
        match (self.standing(), self.by.clone()) {
            (Standing::Acknowledged, Some(by)) => {
                Refusal::AlreadyAcknowledged { alert: self.id, by }
            }
            (Standing::Pending, _by) => Refusal::Pending { alert: self.id },
            (
                Standing::Active | Standing::Acknowledged | Standing::Latched | Standing::Done,
                _by,
            ) => Refusal::NotOpen { alert: self.id },
        }
    }
}
