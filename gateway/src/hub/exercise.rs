//! Exercise: people at the home say when a client begins and ends.
//!
//! Both are events of the ledger, so that a hub that died goes on with a session.

use vitals::exercise::SESSION_MAX;
use vitals::wire::v1::EventKind;
use vitals::{LocalInstant, SubjectId};

use super::at_home::{Kept, NotDone};
use super::record::Remark;
use super::{Hub, HubError};
use crate::clock::Stamp;

/// A client who exercises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exercising {
    /// Who.
    pub subject: SubjectId,
    /// Since when.
    pub since: LocalInstant,
    /// When it ends by itself.
    pub until: LocalInstant,
}

impl Hub {
    /// A client begins to exercise.
    ///
    /// # Errors
    ///
    /// Fails where the ledger cannot be written and may not be in memory.
    pub fn start_exercise(
        &mut self,
        now: Stamp,
        subject: &SubjectId,
    ) -> Result<Result<Kept, NotDone>, HubError> {
        if !self.is_at_home(subject) {
            return Ok(Err(NotDone::UnknownClient));
        }
        if self.exercise.running(subject, &self.moment(now)).is_some() {
            return Ok(Err(NotDone::Exercises));
        }
        self.note_exercise(
            now,
            subject,
            EventKind::ExerciseStarted,
            "The client began to exercise.",
        )
    }

    /// A client's exercise ends.
    ///
    /// # Errors
    ///
    /// Fails where the ledger cannot be written and may not be in memory.
    pub fn end_exercise(
        &mut self,
        now: Stamp,
        subject: &SubjectId,
    ) -> Result<Result<Kept, NotDone>, HubError> {
        if self.exercise.running(subject, &self.moment(now)).is_none() {
            return Ok(Err(NotDone::DoesNotExercise));
        }
        self.note_exercise(now, subject, EventKind::ExerciseEnded, "The client's exercise ended.")
    }

    fn note_exercise(
        &mut self,
        now: Stamp,
        subject: &SubjectId,
        kind: EventKind,
        text: &str,
    ) -> Result<Result<Kept, NotDone>, HubError> {
        let about_hub = Remark::about_hub(kind, text.to_owned());
        self.remark(now, Remark { subject: Some(subject.clone()), ..about_hub })?;
        Ok(Ok(self.kept()))
    }

    /// Who exercises.
    #[must_use]
    pub fn exercising(&self, now: Stamp) -> Vec<Exercising> {
        let now = self.moment(now);
        let exercising = |subject: &SubjectId| {
            let since = self.exercise.running(subject, &now)?.at;
            let until = since.at.saturating_add(SESSION_MAX).ok()?;
            let until = LocalInstant::new(until, &self.zone);
            Some(Exercising { subject: subject.clone(), since, until })
        };
        self.exercise.subjects().filter_map(exercising).collect()
    }
}

#[cfg(test)]
mod tests;
