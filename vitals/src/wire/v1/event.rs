//! `up/event`: one technical event.

use serde::{Deserialize, Serialize};

use super::{Clock, value_error};
use crate::identity::{ReadingId, Sequence, SubjectId};
use crate::moment::Moment;
use crate::timeline::{Timeline, corrected};
use crate::wire::canonical::DecodeError;
use crate::wire::primitive::{Bytes, Time};

/// One technical event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
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
    /// What happened: a word of [`EventKind`] or of a later contract.
    pub kind: String,
    /// The device it is about.
    pub device: Option<String>,
    /// The client it is about.
    pub subject: Option<String>,
    /// One sentence for a person, without a name.
    pub text: String,
    /// Where bytes came from: characteristic or serial protocol; else the link or plan it is about.
    pub source: Option<String>,
    /// The bytes as received, where the event is about bytes.
    pub raw: Option<Bytes>,
    /// Whose a reading is, where a person said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<Assignment>,
    /// The command that was refused; absent from hubs of earlier versions, and where the command
    /// could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_id: Option<String>,
}

/// A person said whose a reading is; the last one counts, and the record of the reading stays as it
/// is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The reading.
    pub reading: String,
    /// Whose it was until then.
    pub from: Option<String>,
    /// Whose it is; `None` for none of the clients of the home.
    pub to: Option<String>,
    /// Who said so.
    pub by: String,
    /// What they wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Assignment {
    /// The reading that it is about.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Value`] where it is no key of a ledger.
    pub fn reading(&self) -> Result<ReadingId, DecodeError> {
        self.reading.parse().map_err(|it| value_error("assignment.reading", &it))
    }

    /// Whose it is from then on.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Value`] where it is no identity.
    pub fn to(&self) -> Result<Option<SubjectId>, DecodeError> {
        let to = self.to.as_ref().map(|it| it.parse()).transpose();
        to.map_err(|it| value_error("assignment.to", &it))
    }
}

impl Event {
    /// When the hub recorded it.
    #[must_use]
    pub fn recorded(&self) -> Moment {
        Clock::moment(self.recorded_at, self.clock.as_ref())
    }

    /// This event with its true time, where it was an estimate and `timeline` can tell it.
    #[must_use]
    pub fn corrected(&self, timeline: &Timeline) -> Option<Self> {
        let correction = timeline.correction(&self.recorded())?;
        let recorded_at = Time(corrected(self.recorded_at.0, correction));
        let clock = self.clock.as_ref().map(Clock::made_good);
        Some(Self { recorded_at, clock, ..self.clone() })
    }
}

/// What a technical event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// The hub's daemon started.
    HubStarted,
    /// Bytes could not be decoded; they are kept.
    PayloadQuarantined,
    /// A device reports that a measurement failed.
    MeasurementFailed,
    /// A radio or serial adapter went away.
    LinkLost,
    /// It came back.
    LinkRestored,
    /// A device's battery is low.
    BatteryLow,
    /// The hub's clock stepped.
    ClockStepped,
    /// A care plan is in force.
    PlanApplied,
    /// A care plan was refused.
    PlanRefused,
    /// A command from the agency was refused.
    CommandRefused,
    /// The client is asked to measure again.
    RepeatAsked,
    /// A measurement was due while it could not have been heard.
    MeasurementUnheard,
    /// A person said whose a reading is.
    ReadingAssigned,
    /// A client began to exercise.
    ExerciseStarted,
    /// A client's exercise ended.
    ExerciseEnded,
}

impl EventKind {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HubStarted => "hub-started",
            Self::PayloadQuarantined => "payload-quarantined",
            Self::MeasurementFailed => "measurement-failed",
            Self::LinkLost => "link-lost",
            Self::LinkRestored => "link-restored",
            Self::BatteryLow => "battery-low",
            Self::ClockStepped => "clock-stepped",
            Self::PlanApplied => "plan-applied",
            Self::PlanRefused => "plan-refused",
            Self::CommandRefused => "command-refused",
            Self::RepeatAsked => "repeat-asked",
            Self::MeasurementUnheard => "measurement-unheard",
            Self::ReadingAssigned => "reading-assigned",
            Self::ExerciseStarted => "exercise-started",
            Self::ExerciseEnded => "exercise-ended",
        }
    }
}
