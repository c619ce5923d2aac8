//! An alert: what it stands on, and the one table of what may happen to it.
//!
//! ```text
//!               pending  active           acknowledged  latched  done
//! asked         -        -                -             -        -
//! raised        active   -                -             -        -
//! confirmed     active   active           acknowledged  active   -
//! repeated      pending  active           acknowledged  active   -
//! stale         -        active           active        -        -
//! escalated     -        active           active        latched  -
//! resumed       -        -                active        -        -
//! acknowledged  -        acknowledged     -             done     -
//! cleared       done     latched or done  done          -        -
//! closed        done     done             done          done     -
//! ```
//!
//! A new alert is raised, or pending where a repeat was asked for.
//! A pending one is repeated by a value out of range that is no other measurement; raised when its
//! window ends, or by a value that does not wait; confirmed by a repeat; and cleared by a normal one.
//! Cleared while nobody has acknowledged it: an alert of high priority is latched, one of medium or
//! low priority is done.
//! An escalation of an acknowledged alert asks for a new acknowledgement, and so does silence after an
//! abnormal value.
//! `-` is refused.

mod change;
mod evidence;
mod word;

use rust_decimal::Decimal;
use thiserror::Error;
use vitals::identity::{AlertId, ReadingId, SubjectId};
use vitals::{Category, LocalInstant, Moment, Priority, Quantity, Vital};

pub use self::word::{Change, Disposition};
use crate::rule::Direction;
use crate::timer::Timers;

/// Largest number of readings an alert names: the first, and the latest ones.
pub const READINGS_MAX: usize = 16;

/// What an alert waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// A repeated measurement: the value was out of range, and the client was asked for another one.
    Pending,
    /// A person: the condition stands, and nobody has acknowledged it.
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
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Active, Self::Acknowledged, Self::Latched, Self::Done];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
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
        match self {
            Self::Pending => Self::after_pending(change),
            Self::Active => Self::after_active(change, priority),
            Self::Acknowledged => Self::after_acknowledged(change),
            Self::Latched => Self::after_latched(change),
            Self::Done => None,
        }
    }

    const fn after_pending(change: Change) -> Option<Self> {
        match change {
            Change::Raised | Change::Confirmed => Some(Self::Active),
            Change::Repeated => Some(Self::Pending),
            Change::Cleared | Change::Closed => Some(Self::Done),
            Change::Asked
            | Change::Stale
            | Change::Escalated
            | Change::Resumed
            | Change::Acknowledged => None,
        }
    }

    const fn after_active(change: Change, priority: Priority) -> Option<Self> {
        match (change, priority) {
            (Change::Confirmed | Change::Repeated | Change::Stale | Change::Escalated, _) => {
                Some(Self::Active)
            }
            (Change::Acknowledged, _) => Some(Self::Acknowledged),
            (Change::Cleared, Priority::High) => Some(Self::Latched),
            (Change::Cleared, Priority::Medium | Priority::Low) | (Change::Closed, _) => {
                Some(Self::Done)
            }
            (Change::Asked | Change::Raised | Change::Resumed, _) => None,
        }
    }

    const fn after_acknowledged(change: Change) -> Option<Self> {
        match change {
            Change::Confirmed | Change::Repeated => Some(Self::Acknowledged),
            Change::Stale | Change::Escalated | Change::Resumed => Some(Self::Active),
            Change::Cleared | Change::Closed => Some(Self::Done),
            Change::Asked | Change::Raised | Change::Acknowledged => None,
        }
    }

    const fn after_latched(change: Change) -> Option<Self> {
        match change {
            Change::Confirmed | Change::Repeated => Some(Self::Active),
            Change::Escalated => Some(Self::Latched),
            Change::Acknowledged | Change::Closed => Some(Self::Done),
            Change::Asked | Change::Raised | Change::Stale | Change::Resumed | Change::Cleared => {
                None
            }
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
    /// When it was raised, or a repeat was asked for.
    pub raised_at: LocalInstant,
    /// When the last change happened.
    pub changed_at: LocalInstant,
    /// When the condition went, or `None` while it stands.
    pub cleared_at: Option<LocalInstant>,
    /// Whether `value` was received more than the plan's `late_after_min` after it was measured.
    pub late: bool,
    /// Whether a repeated measurement confirmed it, or none is needed: only a threshold whose plan says
    /// so asks for one.
    pub confirmed: bool,
    /// How often the condition was found in this episode, from 1.
    pub count: u32,
    /// Who acknowledged it, or closed it where `state` says so.
    pub by: Option<String>,
    /// What that person noted.
    pub note: Option<String>,
    /// What that person found it to be, once it is closed.
    pub disposition: Option<Disposition>,
    /// What it waits for by the clock.
    pub timers: Timers,
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
    /// A repeated measurement is awaited; there is nothing to take on yet.
    #[error("alert {alert} waits for a repeated measurement")]
    Pending {
        /// The alert that was named.
        alert: AlertId,
    },
    /// An acknowledgement that ends by itself needs a reason.
    #[error("an acknowledgement of alert {alert} that ends by itself needs a note that says why")]
    NoReason {
        /// The alert that was named.
        alert: AlertId,
    },
    /// An acknowledgement would have ended already.
    #[error("the acknowledgement of alert {alert} has ended before it came")]
    Ended {
        /// The alert that was named.
        alert: AlertId,
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
    pub(crate) degree: Degree,
}

/// How bad what was found is, beside what the alert stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Degree {
    /// The further its value goes this way the worse.
    Value(Direction),
    /// The higher a number of the rule's own the worse, such as a total.
    Own(Decimal),
    /// One is as bad as the other.
    Alike,
}

/// How another finding lies to what the alert stands on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beside {
    /// Whether it is another measurement than the one before, and so confirms what was not confirmed.
    pub(crate) confirms: bool,
    /// The number of the rule's own that the alert stands on, where it has one that is known.
    pub(crate) stood_on: Option<Decimal>,
}

/// The rule that found something, and the plan that it is written in.
#[derive(Debug, Clone)]
pub(crate) struct Origin<'a> {
    pub(crate) rule: &'a str,
    pub(crate) plan: &'a str,
    pub(crate) plan_version: u32,
    pub(crate) category: Category,
    /// What clears its alerts, after the word "clears".
    pub(crate) clears: Option<String>,
}

impl Origin<'_> {
    fn why(&self, fact: &str) -> String {
        let Self { rule, plan, plan_version, clears, .. } = self;
        let clears = clears.as_ref().map(|it| format!("; clears {it}")).unwrap_or_default();
        format!("{fact} (rule {rule}, plan {plan} version {plan_version}{clears}).")
    }
}

impl Alert {
    /// What it waits for.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let is_closed = self.state == Change::Closed;
        let is_pending = self.timers.repeat_by.is_some();
        let is_cleared = self.cleared_at.is_some();
        let is_acknowledged = self.by.is_some();
        match (is_closed, is_cleared, is_pending, is_acknowledged, self.priority) {
            (true, _, _, _, _)
            | (false, true, true, _, _)
            | (false, true, false, true, _)
            | (false, true, false, false, Priority::Medium | Priority::Low) => Standing::Done,
            (false, true, false, false, Priority::High) => Standing::Latched,
            (false, false, true, _, _) => Standing::Pending,
            (false, false, false, true, _) => Standing::Acknowledged,
            (false, false, false, false, _) => Standing::Active,
        }
    }

    /// Whether it still waits for something.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.standing() != Standing::Done
    }
}

impl From<Alert> for Transition {
    fn from(alert: Alert) -> Self {
        Self { change: alert.state, alert }
    }
}

#[cfg(test)]
mod tests;
