//! What an alert waits for by the clock: deadlines that a hub goes on with after a restart.

use serde::{Deserialize, Serialize};

use super::Clock;
use crate::moment::Moment;
use crate::timeline::{Timeline, corrected};
use crate::wire::primitive::Time;

/// What an alert waits for by the clock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timers {
    /// Until when a repeated measurement is awaited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_by: Option<Deadline>,
    /// Since when it waits for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_since: Option<Deadline>,
    /// How many rungs of the plan's ladder it has climbed since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<u32>,
    /// Who the highest of these rungs names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated_to: Option<String>,
    /// Until when the acknowledgement holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Deadline>,
    /// Until when nobody is to be disturbed by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_until: Option<Deadline>,
    /// Nothing fresh was measured for long after its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<bool>,
}

/// A moment by both clocks of a hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// By the wall clock.
    pub at: Time,
    /// What the hub's clocks were worth when it was set; `uptime_ms` is that of the deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
}

impl Timers {
    /// These deadlines with their true times, where they were estimates and `timeline` can tell them.
    pub(super) fn corrected(&self, timeline: &Timeline) -> Option<Self> {
        let put_right = |it: &Option<Deadline>| it.as_ref().map(|it| it.put_right(timeline));
        let timers = Self {
            repeat_by: put_right(&self.repeat_by),
            waits_since: put_right(&self.waits_since),
            until: put_right(&self.until),
            quiet_until: put_right(&self.quiet_until),
            ..self.clone()
        };
        (timers != *self).then_some(timers)
    }
}

impl Deadline {
    /// The moment.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Clock::moment(self.at, self.clock.as_ref())
    }

    fn put_right(&self, timeline: &Timeline) -> Self {
        let Some(correction) = timeline.correction(&self.moment()) else { return self.clone() };
        let clock = self.clock.as_ref().map(Clock::made_good);
        Self { at: Time(corrected(self.at.0, correction)), clock }
    }
}

impl From<Moment> for Deadline {
    fn from(moment: Moment) -> Self {
        Self { at: Time(moment.at), clock: Clock::of(&moment) }
    }
}
