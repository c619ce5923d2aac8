//! What people at the home tell the hub itself: that they took an alert on, and what no device
//! measures.

use std::collections::BTreeSet;

use alerting::Refusal;
use thiserror::Error;
use vitals::{
    AlertId, Context, DeviceId, DeviceKind, DeviceReference, Epoch, Measurement, Reading,
    ReadingId, ReadingKind, SubjectId, TimeQuality,
};

use super::{Hub, HubError};
use crate::clock::Stamp;

/// Longest name of a person in characters, with where it was said.
pub(super) const NAME_LEN_MAX: usize = 100;

/// Longest note in characters; the message with it stays far below the largest one.
pub(super) const NOTE_LEN_MAX: usize = 500;

/// Where what was said is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// In the ledger's file.
    OnDisk,
    /// In memory, because the file cannot be written: it is lost with the power of the hub, unless the
    /// agency has it by then.
    InMemory,
}

/// Why nothing was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotDone {
    /// The alert cannot be taken on.
    #[error(transparent)]
    Alert(#[from] Refusal),
    /// No device and no care plan of this home is for that client.
    #[error("no device and no care plan of this home is for that client")]
    UnknownClient,
    /// Nobody signs for it.
    #[error("it needs the name of a person")]
    NoName,
    /// More text than a message carries.
    #[error("a name has at most {NAME_LEN_MAX} characters, and a note {NOTE_LEN_MAX}")]
    TooLong,
    /// The client exercises already.
    #[error("this client exercises already")]
    Exercises,
    /// The client does not exercise, or a session has ended by itself.
    #[error("this client does not exercise")]
    DoesNotExercise,
    /// The ledger has no such reading.
    #[error("this reading is not in the ledger of this hub")]
    UnknownReading,
    /// The reading is that client's already, or nobody's.
    #[error("this is already known of the reading")]
    AlreadySo,
    /// The reading is in a file that cannot be read now.
    #[error("the ledger cannot be read at present: ask again later")]
    NotNow,
    /// There is no value.
    #[error("nothing was observed")]
    NoValue,
}

impl Hub {
    /// A person at the home takes `alert` on; the nurses see that it was there.
    ///
    /// # Errors
    ///
    /// Fails where the ledger cannot be written and may not be in memory.
    pub fn acknowledge_at_home(
        &mut self,
        now: Stamp,
        alert: AlertId,
        by: &str,
        note: Option<&str>,
    ) -> Result<Result<Kept, NotDone>, HubError> {
        let by = signed(by);
        let transition = match self.engine.acknowledge(self.local(now), alert, &by, note) {
            Ok(transition) => transition,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        self.record_answer(now, &transition, None)?;
        self.end_rehearsal(now)?;
        Ok(Ok(self.kept()))
    }

    /// Records what a person observed on `subject` just now, as a reading like any other.
    ///
    /// # Errors
    ///
    /// Fails where the ledger cannot be written and may not be in memory.
    pub fn observe_at_home(
        &mut self,
        now: Stamp,
        subject: &SubjectId,
        values: Vec<Measurement>,
    ) -> Result<Result<Kept, NotDone>, HubError> {
        if !self.is_at_home(subject) {
            return Ok(Err(NotDone::UnknownClient));
        }
        if values.is_empty() {
            return Ok(Err(NotDone::NoValue));
        }
        let recorded = self.moment(now);
        let reading = Reading {
            id: ReadingId { epoch: Epoch([0; 8]), seq: 0 },
            subject: Some(subject.clone()),
            subject_candidates: Vec::new(),
            device: DeviceReference {
                id: DeviceId::person(),
                kind: DeviceKind::Person,
                model: "person".to_owned(),
                battery_percent: None,
            },
            kind: ReadingKind::ManualObservation,
            measured_at: recorded.at,
            received_at: recorded.at,
            time_quality: match recorded.is_known {
                true => TimeQuality::Synced,
                false => TimeQuality::Estimated,
            },
            device_time: None,
            values,
            flags: BTreeSet::new(),
            context: Context::default(),
            raw: Vec::new(),
            recorded,
        };
        let reading = self.exercise.tagged(reading);
        self.record_reading(now, &reading, None)?;
        Ok(Ok(self.kept()))
    }

    /// Whether a device or a care plan of this home is for `subject`.
    pub(super) fn is_at_home(&self, subject: &SubjectId) -> bool {
        let is_of_a_device = self.roster.members().any(|it| it.device.owner.may_be(subject));
        is_of_a_device || self.engine.plans().any(|it| it.subject() == subject)
    }

    pub(super) fn kept(&self) -> Kept {
        match self.store.is_in_memory() {
            true => Kept::InMemory,
            false => Kept::OnDisk,
        }
    }
}

/// The name of a person as the nurses see it.
pub(super) fn signed(by: &str) -> String {
    match by.trim() {
        "" => String::new(),
        name => format!("{name} (at the home)"),
    }
}

#[cfg(test)]
mod tests;
