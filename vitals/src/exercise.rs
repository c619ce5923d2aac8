//! Exercise: what a client measures during it and right after it is no value at rest.
//!
//! ```text
//! from exercise-started to exercise-ended, for 2 h at most   during-exercise
//! for 10 min after that                                       after-exercise
//! ```
//!
//! Both are events of a hub's ledger. What counts is when something was measured: what a device delivers
//! later is tagged all the same.

use std::collections::{BTreeMap, VecDeque};

use jiff::SignedDuration;

use crate::identity::SubjectId;
use crate::moment::Moment;
use crate::reading::{Context, Flag, Phase, Reading, TimeQuality};
use crate::wire::v1::{Event, EventKind};

/// A session that nobody ends is over by then: a supervised one takes an hour or less.
pub const SESSION_MAX: SignedDuration = SignedDuration::from_hours(2);

/// How long the recovery is watched: values of 1, 2 and 5 minutes after exercise are of interest, and
/// the last of them takes its time.
const RECOVERY: SignedDuration = SignedDuration::from_mins(10);

/// Clocks of devices show whole seconds.
const RESOLUTION: SignedDuration = SignedDuration::from_secs(1);

/// Most sessions of one client that are remembered: the latest ones.
const SESSIONS_MAX: usize = 32;

/// When clients exercised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exercise(BTreeMap<SubjectId, VecDeque<Session>>);

/// One session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Session {
    began: Moment,
    ended: Option<Moment>,
}

impl Exercise {
    /// Takes in an event, later than all before it.
    pub fn take(&mut self, event: &Event) {
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
    #[must_use]
    pub fn phase(&self, subject: &SubjectId, when: &Moment) -> Phase {
        let sessions = self.0.get(subject).into_iter().flatten();
        // What began later and was ended sooner has the last word.
        let phases = sessions.rev().map(|it| it.phase(when));
        phases.into_iter().find(|it| *it != Phase::Resting).unwrap_or_default()
    }

    /// The reading with its phase, where its client is known and when it was measured.
    #[must_use]
    pub fn tagged(&self, reading: Reading) -> Reading {
        let is_timed = reading.time_quality != TimeQuality::Fault
            && !reading.flags.contains(&Flag::FromStorage)
            || matches!(reading.time_quality, TimeQuality::Synced | TimeQuality::Corrected);
        let Some(subject) = reading.subject.as_ref().filter(|_it| is_timed) else { return reading };
        let phase = self.phase(subject, &reading.recorded.when(reading.measured_at));
        match reading.context.phase {
            Phase::Resting => {
                let context = Context { phase, ..reading.context };
                Reading { context, ..reading }
            }
            Phase::BeforeExercise | Phase::DuringExercise | Phase::AfterExercise => reading,
        }
    }

    /// When `subject` began, who exercises `now`.
    #[must_use]
    pub fn running(&self, subject: &SubjectId, now: &Moment) -> Option<Moment> {
        let last = self.0.get(subject)?.back()?;
        (last.phase(now) == Phase::DuringExercise).then_some(last.began)
    }

    /// Everybody of whom a session is remembered.
    pub fn subjects(&self) -> impl Iterator<Item = &SubjectId> {
        self.0.keys()
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::instant::LocalInstant;
    use crate::moment::{BootId, Uptime};

    #[test]
    fn a_clock_that_is_set_moves_nothing_in_or_out_of_a_session() {
        let moment = |seconds: u64, ahead: i64| {
            let at =
                Timestamp::from_second(1_780_000_000 + i64::try_from(seconds).unwrap() + ahead)
                    .unwrap();
            let ms = i64::try_from(seconds * 1000).unwrap();
            let on = Uptime { boot: BootId([1; 16]), ms };
            Moment { at: LocalInstant::utc(at), on: Some(on), is_known: true }
        };
        let session = Session { began: moment(100, 0), ended: Some(moment(400, 86_400)) };
        assert_eq!(session.phase(&moment(300, -86_400)), Phase::DuringExercise);
        assert_eq!(session.phase(&moment(500, 0)), Phase::AfterExercise);
        assert_eq!(session.phase(&moment(99, 86_400)), Phase::Resting);
    }
}
