//! Whose a reading is, where people say so: nurses by command, and people at the home.
//!
//! The record of a reading never changes. What a person says is an event of its own, and the last one
//! about a reading counts. In the same transaction the reading is judged by the plans of its client,
//! as what came this late; and alerts end that stand on nothing but readings of somebody else.

use std::collections::BTreeMap;

use alerting::{Alert, Disposition, Engine, Transition};
use vitals::wire::canonical;
use vitals::wire::v1::{self, EventKind};
use vitals::{AlertId, Exercise, LocalInstant, Moment, Priority, Reading, ReadingId, SubjectId};

use super::at_home::{Kept, NAME_LEN_MAX, NOTE_LEN_MAX, NotDone, signed};
use super::command::Accepted;
use super::record::{Remark, append_transitions};
use super::{Hub, HubError, translate};
use crate::clock::Stamp;
use crate::store::{Lane, LedgerKey};

/// What a nurse reads where an alert ended because its readings are of somebody else.
const ENDED: &str = "its reading was assigned to somebody else";

/// A person says whose a reading is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) reading: ReadingId,
    /// `None` for none of the clients of the home.
    pub(super) to: Option<SubjectId>,
    pub(super) by: String,
    pub(super) note: Option<String>,
    /// Whether a nurse says it, who may end alerts with it.
    pub(super) is_of_a_nurse: bool,
}

/// Whose readings are, as people said last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Assignments(BTreeMap<ReadingId, Option<SubjectId>>);

impl Assignments {
    /// Takes in an event, later than all before it.
    pub(crate) fn take(&mut self, event: &v1::Event) {
        let Some(assignment) = &event.assignment else { return };
        if let (Ok(reading), Ok(to)) = (assignment.reading(), assignment.to()) {
            self.0.insert(reading, to);
        }
    }

    /// The reading as a reading of whom people said last.
    pub(crate) fn applied(&self, reading: Reading, exercise: &Exercise) -> Reading {
        match self.0.get(&reading.id) {
            Some(to) => of(reading, to.clone(), exercise),
            None => reading,
        }
    }

    /// Whose `reading` is: `None` where nobody knows, `Some(None)` where it is of no client.
    fn whose(&self, reading: &Reading) -> Option<Option<SubjectId>> {
        self.0.get(&reading.id).cloned().or_else(|| reading.subject.clone().map(Some))
    }

    /// Whether people said that `reading` is of somebody else than `subject`.
    fn is_of_another(&self, reading: &ReadingId, subject: Option<&SubjectId>) -> bool {
        self.0.get(reading).is_some_and(|to| subject.is_none() || to.as_ref() != subject)
    }
}

/// The reading as one of `subject`, who may have exercised then.
fn of(reading: Reading, subject: Option<SubjectId>, exercise: &Exercise) -> Reading {
    exercise.tagged(Reading { subject, subject_candidates: Vec::new(), ..reading })
}

impl Hub {
    /// A person at the home says whose `reading` is; `None` for none of the clients of the home.
    ///
    /// # Errors
    ///
    /// Fails where the ledger cannot be written and may not be in memory.
    pub fn assign_at_home(
        &mut self,
        now: Stamp,
        reading: ReadingId,
        to: Option<SubjectId>,
        by: &str,
        note: Option<String>,
    ) -> Result<Result<Kept, NotDone>, HubError> {
        let by = signed(by);
        let claim = Claim { reading, to, by, note, is_of_a_nurse: false };
        let done = self.assign(now, &claim, None)?;
        Ok(done.map(|()| self.kept()))
    }

    /// Records whose a reading is with all that follows from it, and the command that said so.
    pub(super) fn assign(
        &mut self,
        now: Stamp,
        claim: &Claim,
        command: Option<&Accepted>,
    ) -> Result<Result<(), NotDone>, HubError> {
        let reading = match self.claimed(claim)? {
            Ok(reading) => reading,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let from = self.assignments.whose(&reading).flatten();
        self.with_room(now, |hub| hub.commit_assignment(now, claim, &reading, command))?;
        self.assignments.0.insert(reading.id, claim.to.clone());
        if from.is_some() {
            self.engine.forget(&of(reading.clone(), from, &self.exercise));
        }
        self.engine.remember(&of(reading, claim.to.clone(), &self.exercise));
        Ok(Ok(()))
    }

    /// The reading as it was recorded, if it can be assigned.
    fn claimed(&self, claim: &Claim) -> Result<Result<Reading, NotDone>, HubError> {
        if claim.by.is_empty() {
            return Ok(Err(NotDone::NoName));
        }
        let n_characters = |text: &str| text.chars().count();
        let note = claim.note.as_deref().unwrap_or_default();
        if NAME_LEN_MAX < n_characters(&claim.by) || NOTE_LEN_MAX < n_characters(note) {
            return Ok(Err(NotDone::TooLong));
        }
        if claim.to.as_ref().is_some_and(|it| !self.is_at_home(it)) {
            return Ok(Err(NotDone::UnknownClient));
        }
        let key = LedgerKey { epoch: claim.reading.epoch, number: claim.reading.seq };
        let record = self.store.place(key).map(|it| self.store.record(it)).transpose()?.flatten();
        let record = record.filter(|it| it.lane == Lane::Reading);
        let Some(reading) = record.and_then(|it| translate::reading_of(&it.payload).ok()) else {
            return Ok(Err(match self.store.is_in_memory() {
                true => NotDone::NotNow,
                false => NotDone::UnknownReading,
            }));
        };
        if self.assignments.whose(&reading) == Some(claim.to.clone()) {
            return Ok(Err(NotDone::AlreadySo));
        }
        Ok(Ok(reading))
    }

    fn commit_assignment(
        &mut self,
        now: Stamp,
        claim: &Claim,
        reading: &Reading,
        command: Option<&Accepted>,
    ) -> Result<(), HubError> {
        let recorded = self.moment(now);
        let epoch = self.store.epoch();
        let from = self.assignments.whose(reading).flatten();
        let remark = remark(claim, from.as_ref());
        let mut ledger = self.store.begin()?;
        let event = remark.message(&self.id, epoch, ledger.next_number(), recorded);
        ledger.append(Lane::Event, &canonical::encode(&event)?)?;
        let next = AlertId { epoch, seq: ledger.next_number() };
        let to = claim.to.clone();
        let raised = to.map(|it| {
            let judged = of(judged(reading, recorded), Some(it), &self.exercise);
            self.engine.observe(recorded.at, &judged, next)
        });
        let mut transitions: Vec<_> = raised.into_iter().flatten().map(retrospective).collect();
        let mut assignments = self.assignments.clone();
        assignments.take(&event);
        let ended = ended(&self.engine, &assignments, claim, &transitions, recorded);
        transitions.extend(ended);
        append_transitions(&mut ledger, &self.id, epoch, recorded, &transitions)?;
        if let Some(it) = command {
            it.remember(&ledger, recorded)?;
        }
        ledger.commit()?;
        self.apply(&transitions);
        Ok(())
    }
}

fn remark(claim: &Claim, from: Option<&SubjectId>) -> Remark {
    let text = match (from, &claim.to) {
        (None, Some(_to)) => "A reading of which nobody knew whose it is was assigned to a client.",
        (Some(_from), Some(_to)) => "A reading of one client was assigned to another.",
        (_, None) => "A reading was found to be of none of the clients of the home.",
    };
    let word = |it: &SubjectId| it.as_str().to_owned();
    let assignment = v1::Assignment {
        reading: claim.reading.to_string(),
        from: from.map(word),
        to: claim.to.as_ref().map(word),
        by: claim.by.clone(),
        note: claim.note.clone(),
    };
    let remark = Remark::about_hub(EventKind::ReadingAssigned, text.to_owned());
    Remark { subject: claim.to.clone(), assignment: Some(assignment), ..remark }
}

/// The reading as it is judged: it comes to its client now, so that the plan's own limit says whether
/// that is late.
fn judged(reading: &Reading, now: Moment) -> Reading {
    let measured = reading.recorded.when(reading.measured_at);
    // In one run of the machine its clock that goes on tells when that was, whatever was set since.
    let age = measured.on.and_then(|it| now.since(it));
    let at = age.and_then(|it| now.at.at.checked_sub(it).ok());
    let measured_at = at.map_or(reading.measured_at, |it| {
        let zone = reading.measured_at.offset().to_time_zone();
        LocalInstant::new(it, &zone)
    });
    Reading { measured_at, received_at: now.at, recorded: now, ..reading.clone() }
}

/// What was measured long ago disturbs nobody: the alert is marked late, and has low priority.
fn retrospective(mut transition: Transition) -> Transition {
    let alert = &mut transition.alert;
    if alert.late && alert.rev == 1 {
        alert.priority = Priority::Low;
    }
    transition
}

/// The ends of alerts that stand on nothing but readings of somebody else.
///
/// A nurse ends them by saying so. What somebody says at the home ends one only where another that is
/// as urgent takes its place.
fn ended(
    engine: &Engine,
    assignments: &Assignments,
    claim: &Claim,
    raised: &[Transition],
    now: Moment,
) -> Vec<Transition> {
    let of_it = |it: &&Transition| it.alert.is_open() && it.alert.readings.contains(&claim.reading);
    let raised: Vec<Priority> = raised.iter().filter(of_it).map(|it| it.alert.priority).collect();
    let note = claim.note.as_deref().unwrap_or(ENDED);
    let ends = engine.open().filter(|alert| {
        let subject = alert.subject.as_ref();
        let names_all = usize::try_from(alert.count).is_ok_and(|n| n <= alert.readings.len());
        let is_replaced = raised.iter().any(|it| *it <= alert.priority);
        alert.readings.contains(&claim.reading)
            && names_all
            && alert.readings.iter().all(|it| assignments.is_of_another(it, subject))
            && (claim.is_of_a_nurse || is_replaced)
    });
    let close = |alert: &Alert| {
        let disposition = match alert.subject.is_none() && !raised.is_empty() {
            true => Disposition::Duplicate,
            false => Disposition::WrongPerson,
        };
        engine.close(now.at, alert.id, &claim.by, disposition, Some(note)).ok()
    };
    ends.filter_map(close).collect()
}

#[cfg(test)]
mod tests;
