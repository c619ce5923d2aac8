//! An alert: what it stands on, and the one table of what may happen to it.
//!
//! ```text
//!               raised  confirmed     repeated      escalated     acknowledged  cleared          closed
//! active        -       active        active        active        acknowledged  latched or done  done
//! acknowledged  -       acknowledged  acknowledged  active        -             done             done
//! latched       -       active        active        latched       done          -                done
//! done          -       -             -             -             -             -                -
//! ```
//!
//! Cleared while nobody has acknowledged it: an alert of high priority is latched, one of medium or
//! low priority is done.
//! An escalation of an acknowledged alert asks for a new acknowledgement.
//! `-` is refused; `raised` only ever makes a new alert.

mod word;

use thiserror::Error;
use vitals::identity::{AlertId, ReadingId, SubjectId};
use vitals::{Category, LocalInstant, Moment, Priority, Quantity, Vital};

pub use self::word::{Change, Disposition};

/// Largest number of readings an alert names: the first, and the latest ones.
pub const READINGS_MAX: usize = 16;

/// What an alert waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// The condition stands, and nobody has acknowledged it.
    Active,
    /// The condition stands, and a person has taken it on.
    Acknowledged,
    /// The condition has gone, but it was of high priority and nobody has acknowledged it.
    Latched,
    /// Nothing: the episode is over.
    Done,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 4] = [Self::Active, Self::Acknowledged, Self::Latched, Self::Done];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Acknowledged => "acknowledged",
            Self::Latched => "latched",
            Self::Done => "done",
        }
    }

    /// Where `change` leads an alert of `priority`, or `None` where it is refused.
    ///
    /// This is the whole life of an alert; the module's table shows it.
    #[must_use]
    pub const fn after(self, change: Change, priority: Priority) -> Option<Self> {
        match (self, change) {
            (Self::Active, Change::Confirmed | Change::Repeated | Change::Escalated)
            | (Self::Acknowledged, Change::Escalated)
            | (Self::Latched, Change::Confirmed | Change::Repeated) => Some(Self::Active),
            (Self::Active, Change::Acknowledged)
            | (Self::Acknowledged, Change::Confirmed | Change::Repeated) => {
                Some(Self::Acknowledged)
            }
            (Self::Active, Change::Cleared) => match priority {
                Priority::High => Some(Self::Latched),
                Priority::Medium | Priority::Low => Some(Self::Done),
            },
            (Self::Latched, Change::Escalated) => Some(Self::Latched),
            (Self::Acknowledged, Change::Cleared)
            | (Self::Latched, Change::Acknowledged)
            | (Self::Active | Self::Acknowledged | Self::Latched, Change::Closed) => {
                Some(Self::Done)
            }
            (Self::Active | Self::Acknowledged | Self::Latched, Change::Raised)
            | (Self::Acknowledged, Change::Acknowledged)
            | (Self::Latched, Change::Cleared)
            | (
                Self::Done,
                Change::Raised
                | Change::Confirmed
                | Change::Repeated
                | Change::Escalated
                | Change::Acknowledged
                | Change::Cleared
                | Change::Closed,
            ) => None,
        }
    }
}

/// One change of an alert, to be stored and sent before it is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// What happened; the same as `alert.state`.
    pub change: Change,
    /// The alert as it is after the change.
    pub alert: Alert,
}

/// One episode of one rule for one client, as it is after its last change.
///
/// Nothing else is remembered between two changes: an engine that is rebuilt from its open alerts
/// goes on as if it had never stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Ledger key of the transition that raised it.
    pub id: AlertId,
    /// Number of this change, from 1.
    pub rev: u32,
    /// The last change: the state on the wire.
    pub state: Change,
    /// How soon a person has to look; it rises with the plan, and never falls in an episode.
    pub priority: Priority,
    /// Which queue it belongs to.
    pub category: Category,
    /// Id of the rule in its plan.
    pub rule: String,
    /// Name of the plan.
    pub plan: String,
    /// Version of the plan that judged `value`.
    pub plan_version: u32,
    /// The client, or `None` while it is not known whose the readings are.
    pub subject: Option<SubjectId>,
    /// The vital it is about.
    pub vital: Option<Vital>,
    /// The latest value beyond the limit, as the device gave it.
    pub value: Option<Quantity>,
    /// The limit that `value` crossed, as the plan wrote it.
    pub limit: Option<Quantity>,
    /// The readings it used: the first, and the latest; at most [`READINGS_MAX`].
    pub readings: Vec<ReadingId>,
    /// One sentence on why `value` made it; it never names the client.
    pub why: String,
    /// When `value` was measured, and never later than when it was received.
    pub measured: Option<Moment>,
    /// When it was raised.
    pub raised_at: LocalInstant,
    /// When the last change happened.
    pub changed_at: LocalInstant,
    /// When the condition went, or `None` while it stands.
    pub cleared_at: Option<LocalInstant>,
    /// Whether `value` was received more than the plan's `late_after_min` after it was measured.
    pub late: bool,
    /// Whether a repeated measurement confirmed it, or none is needed: a crossed threshold needs none.
    pub confirmed: bool,
    /// How often the condition was found in this episode, from 1.
    pub count: u32,
    /// Who acknowledged it, or closed it where `state` says so.
    pub by: Option<String>,
    /// What that person noted.
    pub note: Option<String>,
    /// What that person found it to be, once it is closed.
    pub disposition: Option<Disposition>,
}

/// Why an acknowledgement or a closing was refused; nothing has changed.
///
/// A command that arrives twice is refused the second time, and that is harmless.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No open alert has this id: there never was one, or its episode is over.
    #[error("alert {alert} is not open")]
    NotOpen {
        /// The alert that was named.
        alert: AlertId,
    },
    /// A person has acknowledged it before; the first name stays.
    #[error("alert {alert} is already acknowledged by {by}")]
    AlreadyAcknowledged {
        /// The alert that was named.
        alert: AlertId,
        /// Who acknowledged it.
        by: String,
    },
    /// The name of the person is empty: an alert is answered by somebody.
    #[error("an answer to alert {alert} needs the name of a person")]
    NoName {
        /// The alert that was named.
        alert: AlertId,
    },
}

/// What a rule's finding stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// How soon a person has to look at it.
    pub(crate) priority: Priority,
    /// What it is about, where it is one vital.
    pub(crate) vital: Option<Vital>,
    pub(crate) value: Option<Quantity>,
    /// The limit that `value` crossed, where it is one of a single value.
    pub(crate) limit: Option<Quantity>,
    /// What it stands on, at most [`READINGS_MAX`]; the last is the reading that was judged.
    pub(crate) readings: Vec<ReadingId>,
    /// What was found, without its full stop.
    pub(crate) fact: String,
    pub(crate) measured: Moment,
    pub(crate) late: bool,
}

/// The rule that found something, and the plan that it is written in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) rule: &'a str,
    pub(crate) plan: &'a str,
    pub(crate) plan_version: u32,
    pub(crate) category: Category,
}

impl Origin<'_> {
    fn why(&self, fact: &str) -> String {
        let Self { rule, plan, plan_version, .. } = self;
        format!("{fact} (rule {rule}, plan {plan} version {plan_version}).")
    }
}

impl Alert {
    /// A new episode.
    pub(crate) fn raised(
        now: LocalInstant,
        id: AlertId,
        subject: Option<SubjectId>,
        origin: &Origin<'_>,
        evidence: &Evidence,
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
            raised_at: now,
            changed_at: now,
            cleared_at: None,
            late: evidence.late,
            confirmed: true,
            count: 1,
            by: None,
            note: None,
            disposition: None,
        }
    }

    /// What it waits for.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let is_closed = self.state == Change::Closed;
        let is_cleared = self.cleared_at.is_some();
        let is_acknowledged = self.by.is_some();
        match (is_closed, is_cleared, is_acknowledged, self.priority) {
            (true, _, _, _)
            | (false, true, true, _)
            | (false, true, false, Priority::Medium | Priority::Low) => Standing::Done,
            (false, true, false, Priority::High) => Standing::Latched,
            (false, false, true, _) => Standing::Acknowledged,
            (false, false, false, _) => Standing::Active,
        }
    }

    /// Whether it still waits for something.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.standing() != Standing::Done
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
            Change::Escalated => {
                next.by = None;
                next.note = None;
            }
            Change::Raised | Change::Acknowledged | Change::Closed => {}
        }
        Some(next)
    }

    /// The condition was found again.
    ///
    /// Older evidence than what it stands on is counted, but does not take its place.
    /// A reading that it already used changes nothing.
    pub(crate) fn repeated(
        &self,
        now: LocalInstant,
        origin: &Origin<'_>,
        evidence: &Evidence,
    ) -> Option<Self> {
        if evidence.readings.last().is_some_and(|it| self.readings.contains(it)) {
            return None;
        }
        let is_more_urgent = evidence.priority < self.priority;
        let change = if is_more_urgent { Change::Escalated } else { Change::Repeated };
        let mut next = self.changed(now, change)?;
        next.priority = self.priority.min(evidence.priority);
        next.count = self.count.saturating_add(1);
        next.name_readings(&evidence.readings);
        if self.measured.is_none_or(|before| evidence.measured.order(&before).is_ge()) {
            next.plan_version = origin.plan_version;
            next.value = evidence.value;
            next.limit = evidence.limit;
            next.why = origin.why(&evidence.fact);
            next.measured = Some(evidence.measured);
            next.late = evidence.late;
        }
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
        Ok(next)
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
            (
                Standing::Active | Standing::Acknowledged | Standing::Latched | Standing::Done,
                _by,
            ) => Refusal::NotOpen { alert: self.id },
        }
    }

    /// Names what it stands on now; the first reading of all stays named.
    fn name_readings(&mut self, readings: &[ReadingId]) {
        for reading in readings {
            if self.readings.contains(reading) {
                continue;
            }
            if READINGS_MAX <= self.readings.len() {
                self.readings.remove(1);
            }
            self.readings.push(*reading);
        }
    }
}

impl From<Alert> for Transition {
    fn from(alert: Alert) -> Self {
        Self { change: alert.state, alert }
    }
}

#[cfg(test)]
mod tests;
