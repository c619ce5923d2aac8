//! Exercise: what a client measures during it and right after it is no value at rest.
//!
//! ```text
//! from exercise-started to exercise-ended, for 2 h at most   during-exercise
//! for 10 min after that                                       after-exercise
//! ```
//!
//! Both are events of the ledger, so that a hub that died goes on with a session. What counts is when
//! something was measured: what a device delivers later is tagged all the same.

use std::collections::{BTreeMap, VecDeque};

use jiff::SignedDuration;
use vitals::wire::v1::{self, EventKind};
use vitals::{LocalInstant, Moment, Phase, Reading, SubjectId, TimeQuality};

use super::at_home::{Kept, NotDone};
use super::record::Remark;
use super::{Hub, HubError};
use crate::clock::Stamp;

/// A session that nobody ends is over by then: a supervised one takes an hour or less.
const SESSION_MAX: SignedDuration = SignedDuration::from_hours(2);

/// How long the recovery is watched: values of 1, 2 and 5 minutes after exercise are of interest, and
/// the last of them takes its time.
const RECOVERY: SignedDuration = SignedDuration::from_mins(10);

/// Clocks of devices show whole seconds.
const RESOLUTION: SignedDuration = SignedDuration::from_secs(1);

/// Most sessions of one client that are remembered: the latest ones.
const SESSIONS_MAX: usize = 32;

/// When clients exercised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Exercise(BTreeMap<SubjectId, VecDeque<Session>>);

/// One session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Session {
    began: Moment,
    ended: Option<Moment>,
}

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

impl Exercise {
    /// Takes in an event, later than all before it.
    pub(crate) fn take(&mut self, event: &v1::Event) {
        let is = |kind: EventKind| event.kind == kind.as_str();
        let subject = event.subject.as_ref().and_then(|it| it.parse::<SubjectId>().ok());
        let Some(subject) = subject else { return };
        let recorded = event.recorded();
        if is(EventKind::ExerciseStarted) {
            let sessions = self.0.entry(subject).or_default();
            sessions.push_back(Session { began: recorded, ended: None });
            if SESSIONS_MAX < sessions.len() {
                sessions.pop_front();
            }
        } else if is(EventKind::ExerciseEnded)
            && let Some(last) = self.0.get_mut(&subject).and_then(VecDeque::back_mut)
        {
            last.ended.get_or_insert(recorded);
        }
    }

    /// The phase of something that `subject` measured at `when`.
    pub(crate) fn phase(&self, subject: &SubjectId, when: &Moment) -> Phase {
        let sessions = self.0.get(subject).into_iter().flatten();
        // What began later and was ended sooner has the last word.
        let phases = sessions.rev().map(|it| it.phase(when));
        phases.into_iter().find(|it| *it != Phase::Resting).unwrap_or_default()
    }

    /// The reading with its phase, where its client is known and when it was measured.
    pub(crate) fn tagged(&self, reading: Reading) -> Reading {
        let is_timed = reading.time_quality != TimeQuality::Fault
            && !reading.flags.contains(&vitals::Flag::FromStorage)
            || matches!(reading.time_quality, TimeQuality::Synced | TimeQuality::Corrected);
        let Some(subject) = reading.subject.as_ref().filter(|_it| is_timed) else { return reading };
        let phase = self.phase(subject, &reading.recorded.when(reading.measured_at));
        match reading.context.phase {
            Phase::Resting => {
                let context = vitals::Context { phase, ..reading.context };
                Reading { context, ..reading }
            }
            Phase::BeforeExercise | Phase::DuringExercise | Phase::AfterExercise => reading,
        }
    }

    fn running(&self, subject: &SubjectId, now: &Moment) -> Option<&Session> {
        let last = self.0.get(subject)?.back()?;
        (last.phase(now) == Phase::DuringExercise).then_some(last)
    }
}

impl Session {
    fn phase(&self, when: &Moment) -> Phase {
        let since_began = span(&self.began, when);
        if since_began <= -RESOLUTION {
            return Phase::Resting;
        }
        let over = self.ended.map_or(since_began.saturating_sub(SESSION_MAX), |it| span(&it, when));
        let over = over.max(since_began.saturating_sub(SESSION_MAX));
        match over {
            it if it.is_negative() => Phase::DuringExercise,
            it if it < RECOVERY => Phase::AfterExercise,
            _long_ago => Phase::Resting,
        }
    }
}

/// How much later than `from` the moment `to` was, by the clock that nobody sets where that can tell.
fn span(from: &Moment, to: &Moment) -> SignedDuration {
    let in_one_run = from.on.and_then(|it| to.since(it));
    in_one_run.unwrap_or_else(|| to.at.at.duration_since(from.at.at))
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
            let session = self.exercise.running(subject, &now)?;
            let since = session.began.at;
            let until = since.at.saturating_add(SESSION_MAX).ok()?;
            let until = LocalInstant::new(until, &self.zone);
            Some(Exercising { subject: subject.clone(), since, until })
        };
        self.exercise.0.keys().filter_map(exercising).collect()
    }
}

#[cfg(test)]
mod tests;
