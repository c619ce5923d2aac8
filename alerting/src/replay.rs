//! What a plan would have done to a history: the readings of a client once more, in the order in which
//! they were recorded, with the deadlines between them.
//!
//! Each alert is taken on as soon as it is raised, so that an episode ends when its condition does and
//! the next one counts; nothing else of what people did in the meantime is known.

use std::collections::BTreeMap;
use std::mem;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use vitals::identity::{AlertId, Epoch};
use vitals::{Moment, Reading};

use crate::alert::{Alert, Disposition, Standing, Transition};
use crate::engine::Engine;
use crate::plan::Plan;
use crate::timer;

/// A plan, and what it has found so far.
#[derive(Debug)]
pub struct Replay {
    engine: Engine,
    /// The number of the next transition, in an epoch of its own.
    next: AlertId,
    now: Option<Moment>,
    episodes: BTreeMap<AlertId, Alert>,
    /// What has been raised, or has become more urgent, and was not taken out yet.
    raised: Vec<Alert>,
}

impl Replay {
    /// A plan for a client who lives in `zone`, with nothing before it.
    #[must_use]
    pub fn new(plan: Plan, zone: TimeZone) -> Self {
        Self {
            engine: Engine::new(vec![plan], Vec::new()).in_zone(zone),
            next: AlertId { epoch: Epoch([0; 8]), seq: 1 },
            now: None,
            episodes: BTreeMap::new(),
            raised: Vec::new(),
        }
    }

    /// Takes the next reading; what was due before it was recorded comes first.
    pub fn read(&mut self, reading: &Reading) {
        let recorded = reading.recorded;
        self.pass(recorded);
        let transitions = self.engine.observe(recorded.at, reading, self.next);
        self.take(&transitions, &recorded);
        self.engine.remember(reading);
    }

    /// Lets the time pass until `end`.
    pub fn pass(&mut self, end: Moment) {
        while let Some(now) = self.now
            && let Some(due) = self.due(&now).filter(|it| has_come(it, &end))
        {
            let transitions = self.engine.advance(due, self.next);
            // A window that closes is often no alert yet: the next one may be.
            if transitions.is_empty() && due.at.at <= now.at.at {
                break;
            }
            self.now = Some(due);
            self.take(&transitions, &due);
        }
        self.begin(&end);
        self.now = Some(end);
    }

    /// Takes out what was raised or asked for a person again since the last time, as it was then, and
    /// forgets the episodes that are over.
    ///
    /// One of a client who is not known ends with it: no reading clears it, and the next one counts.
    pub fn take_raised(&mut self) -> Vec<Alert> {
        let unowned = self.engine.open().filter(|it| it.subject.is_none()).map(|it| it.id);
        for id in unowned.collect::<Vec<_>>() {
            if let Some(now) = self.now
                && let Ok(closed) =
                    self.engine.close(now.at, id, "replay", Disposition::TrueExpected, None)
            {
                self.keep(&closed);
            }
        }
        self.episodes.retain(|_id, it| it.is_open());
        mem::take(&mut self.raised)
    }

    /// Every episode, in the order in which they began, as each stands now. One that only asked for a
    /// repeat and ended with it is not among them.
    pub fn episodes(&self) -> impl Iterator<Item = &Alert> {
        self.episodes.values().filter(|it| it.timers.repeat_by.is_none() && !was_only_asked(it))
    }

    /// What waits for a repeated measurement: a client would be asked for one now.
    pub fn asked(&self) -> impl Iterator<Item = &Alert> {
        self.engine.open().filter(|it| it.standing() == Standing::Pending)
    }

    /// What only asked for a repeat and ended with it, as [`Replay::episodes`] leaves it out.
    pub fn taken_back(&self) -> impl Iterator<Item = &Alert> {
        self.episodes.values().filter(|it| was_only_asked(it))
    }

    /// What was due before anything is known of the client was nobody's to measure.
    fn begin(&mut self, first: &Moment) {
        if self.now.is_some() {
            return;
        }
        let plans = self.engine.plans().map(|it| (it.subject().clone(), it.name().to_owned()));
        for (subject, name) in plans.collect::<Vec<_>>() {
            self.engine.note_in_force(subject, name, first.at.at);
        }
    }

    fn due(&self, now: &Moment) -> Option<Moment> {
        let wait = self.engine.next_wait(now)?;
        Some(timer::after(now, wait.max(SignedDuration::ZERO)))
    }

    fn take(&mut self, transitions: &[Transition], now: &Moment) {
        for transition in transitions {
            self.keep(transition);
            let alert = &transition.alert;
            if matches!(alert.standing(), Standing::Active | Standing::Latched)
                && let Ok(taken_on) = self.engine.acknowledge(now.at, alert.id, "replay", None)
            {
                self.raised.push(alert.clone());
                self.keep(&taken_on);
            }
        }
    }

    fn keep(&mut self, transition: &Transition) {
        self.engine.apply(transition);
        self.next.seq = self.next.seq.saturating_add(1);
        self.episodes.insert(transition.alert.id, transition.alert.clone());
    }
}

/// Whether `due` has come by `end`: in one run of the machine no setting of the clock hastens it or holds it
/// up, and across runs the wall clock decides where it was known.
fn has_come(due: &Moment, end: &Moment) -> bool {
    match due.on.and_then(|it| end.since(it)) {
        Some(since) => !since.is_negative(),
        None => due.is_known && end.is_known && due.at.at <= end.at.at,
    }
}

/// Whether `alert` ended while a repeat was asked for: it never was an alarm.
fn was_only_asked(alert: &Alert) -> bool {
    alert.standing() == Standing::Done && alert.by.is_none()
}

#[cfg(test)]
mod tests;
