//! `up/alert`: one alert transition, with the alert as it stands after it.

use serde::{Deserialize, Serialize};

use super::timers::Timers;
use super::{Clock, value_error};
use crate::identity::Sequence;
use crate::moment::Moment;
use crate::quantity::Quantity;
use crate::timeline::{Timeline, corrected};
use crate::wire::canonical::DecodeError;
use crate::wire::primitive::{Bytes, DecimalFraction, Time};

/// One alert transition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Contract version.
    pub v: u8,
    /// Epoch of the hub's database, 8 bytes.
    pub epoch: Bytes,
    /// Number in that epoch.
    pub seq: Sequence,
    /// The hub that recorded it.
    pub hub: String,
    /// When the hub recorded it.
    pub recorded_at: Time,
    /// What the hub's clocks were worth then; absent from hubs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// `<epoch>-<seq>` of the transition that raised the alert.
    pub alert_id: String,
    /// Revision of the alert, from 1, one more with each transition.
    pub rev: u32,
    /// What happened: asked, raised, confirmed, repeated, stale, escalated, resumed, acknowledged,
    /// cleared or closed.
    pub state: String,
    /// What it waits for after that: pending, active, acknowledged, latched or done.
    pub standing: String,
    /// high, medium or low.
    pub priority: String,
    /// clinical, adherence or technical.
    pub category: String,
    /// Rule of the care plan.
    pub rule: String,
    /// Name of the care plan.
    pub plan: String,
    /// Version of the care plan.
    pub plan_version: u32,
    /// Whose alert it is.
    pub subject: Option<String>,
    /// The vital that crossed the limit.
    pub vital: Option<String>,
    /// The value that crossed it.
    pub value: Option<Amount>,
    /// The limit that was crossed.
    pub limit: Option<Amount>,
    /// Ids of the readings used.
    pub readings: Vec<String>,
    /// Why, in one sentence without a name.
    pub why: String,
    /// When the value was measured.
    pub measured_at: Option<Time>,
    /// What the hub's clocks were worth when the value was measured; absent from hubs of earlier
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_clock: Option<Clock>,
    /// When the alert was raised.
    pub raised_at: Time,
    /// When the condition went.
    pub cleared_at: Option<Time>,
    /// The value was received long after it was measured.
    pub late: bool,
    /// A second measurement confirmed it, or none is needed.
    pub confirmed: bool,
    /// How often the condition was seen in this episode, from 1.
    pub count: u32,
    /// Who acknowledged or closed it.
    pub by: Option<String>,
    /// What they wrote.
    pub note: Option<String>,
    /// How it ended.
    pub disposition: Option<String>,
    /// What it waits for by the clock; absent where it waits for nothing, and from hubs of earlier
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timers: Option<Timers>,
}

/// A number with its unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// The number.
    pub value: DecimalFraction,
    /// UCUM code of the unit.
    pub unit: String,
}

impl Alert {
    /// When the hub recorded it.
    #[must_use]
    pub fn recorded(&self) -> Moment {
        Clock::moment(self.recorded_at, self.clock.as_ref())
    }

    /// When the value was measured.
    #[must_use]
    pub fn measured(&self) -> Option<Moment> {
        self.measured_at.map(|at| Clock::moment(at, self.measured_clock.as_ref()))
    }

    /// This transition with its true times, where they were estimates and `timeline` can tell them.
    ///
    /// Of the other transitions of the alert it knows only the wall times: `raised_at` and
    /// `cleared_at` are corrected where this transition raised or cleared it.
    #[must_use]
    pub fn corrected(&self, timeline: &Timeline) -> Option<Self> {
        let of_record = timeline.correction(&self.recorded());
        let of_value = self.measured().and_then(|it| timeline.correction(&it));
        let timers = self.timers.as_ref().and_then(|it| it.corrected(timeline));
        if of_record.is_none() && of_value.is_none() && timers.is_none() {
            return None;
        }
        let mut alert = self.clone();
        alert.timers = timers.or(alert.timers);
        if let (Some(correction), Some(at)) = (of_value, self.measured_at) {
            alert.measured_at = Some(Time(corrected(at.0, correction)));
            alert.measured_clock = self.measured_clock.as_ref().map(Clock::made_good);
        }
        if let Some(correction) = of_record {
            let recorded_at = Time(corrected(self.recorded_at.0, correction));
            if self.raised_at == self.recorded_at {
                alert.raised_at = recorded_at;
            }
            if self.cleared_at == Some(self.recorded_at) {
                alert.cleared_at = Some(recorded_at);
            }
            alert.recorded_at = recorded_at;
            alert.clock = self.clock.as_ref().map(Clock::made_good);
        }
        Some(alert)
    }
}

impl From<Quantity> for Amount {
    fn from(quantity: Quantity) -> Self {
        Self { value: DecimalFraction(quantity.value()), unit: quantity.unit().ucum().to_owned() }
    }
}

impl Amount {
    /// The quantity.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Value`] for an unknown unit or an absurd number.
    pub fn to_quantity(&self) -> Result<Quantity, DecodeError> {
        let unit = self.unit.parse().map_err(|it| value_error("unit", &it))?;
        Quantity::new(self.value.0, unit).map_err(|it| value_error("value", &it))
    }
}
