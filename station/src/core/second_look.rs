//! The second look: the station judges every reading again, by its own copies of the care plans.
//!
//! A hub that is broken, that has another plan, or that somebody has taken over cannot keep an alert
//! from the nurses: what it does not raise is an oversight, which they see as one.
//!
//! Each hub's readings of a client are judged as they were recorded, with the engine that hubs have. The
//! alert of a hub has a while to arrive. Deadlines, such as the end of a wait for a repeat, pass when the
//! hub says what time it is and everything that it has recorded is here.
//!
//! A reading that a person assigns later counts for what follows, and is not judged again: its hub judges
//! it as what comes late, when the command arrives there.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use alerting::Replay;
use alerting::history::REACH;
use jiff::{SignedDuration, Timestamp};
use vitals::wire::v1::{self, Clock, Health};
use vitals::{Category, HubId, Moment, Reading, SubjectId};

use super::{Effects, Refusal, Station, later};
use crate::oversight::{Finding, Oversight, Seen};
use crate::plans::PlacedPlan;
use crate::store::StoreError;

/// A hub records an alert in one transaction with the reading that caused it: so many numbers later at
/// most.
const NUMBERS_BEHIND: u64 = 256;

/// At a start, findings of so long ago are looked at again: the station may have died before it did.
const LOOKED_AGAIN: SignedDuration = SignedDuration::from_hours(48);

/// Most findings that wait; of more, the oldest are looked at before their time.
const WAITING_MAX: usize = 8192;

/// What the station found by its own care plans.
#[derive(Debug, Default)]
pub(super) struct SecondLook {
    plans: Vec<PlacedPlan>,
    /// How long the alert of a hub may take to arrive after what it stands on.
    patience: Duration,
    /// By client and hub: rules of one hub do not see what another one recorded.
    replays: BTreeMap<(SubjectId, HubId), Vec<Replay>>,
    /// What a hub has to tell of, and until when, the soonest first.
    waiting: VecDeque<(Timestamp, Finding)>,
}

impl SecondLook {
    pub(super) fn by(plans: Vec<PlacedPlan>, patience: Duration) -> Self {
        Self { plans, patience, ..Self::default() }
    }

    /// When the next finding is looked at.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.waiting.front().map(|(at, _finding)| *at)
    }

    /// The client of each plan, once.
    fn clients(&self) -> Vec<SubjectId> {
        let mut clients: Vec<_> = self.plans.iter().map(|it| it.plan.subject().clone()).collect();
        clients.sort();
        clients.dedup();
        clients
    }

    /// Judges a reading by the plans of everybody whose it may be.
    fn judge(&mut self, now: Timestamp, hub: &HubId, reading: &Reading) {
        let candidates = reading.subject_candidates.iter();
        for subject in reading.subject.iter().chain(candidates) {
            let Self { plans, replays, .. } = self;
            let of_client = || plans.iter().filter(|it| it.plan.subject() == subject);
            if of_client().next().is_none() {
                continue;
            }
            let made = || of_client().map(|it| Replay::new(it.plan.clone(), it.zone.clone()));
            let key = (subject.clone(), hub.clone());
            let of_hub = replays.entry(key).or_insert_with(|| made().collect());
            of_hub.iter_mut().for_each(|it| it.read(reading));
            let raised: Vec<_> = of_hub.iter_mut().flat_map(Replay::take_raised).collect();
            self.wait_for(now, hub, &raised);
        }
    }

    /// Lets the time of a hub pass.
    fn pass(&mut self, now: Timestamp, hub: &HubId, until: Moment) {
        let of_hub = self.replays.iter_mut().filter(|((_client, it), _replays)| it == hub);
        let mut raised = Vec::new();
        for replay in of_hub.flat_map(|(_key, it)| it) {
            replay.pass(until);
            raised.extend(replay.take_raised());
        }
        self.wait_for(now, hub, &raised);
    }

    fn wait_for(&mut self, now: Timestamp, hub: &HubId, raised: &[alerting::Alert]) {
        let clinical = raised.iter().filter(|it| it.category == Category::Clinical);
        let findings = clinical.filter_map(|it| Finding::of(hub, it));
        let until = later(now, self.patience);
        self.waiting.extend(findings.map(|it| (until, it)));
    }

    /// What hubs should have told of by `now`.
    fn due(&mut self, now: Timestamp) -> Vec<Finding> {
        let n_early = self.waiting.len().saturating_sub(WAITING_MAX);
        // A clock that was set back must not hold a finding up.
        let latest = later(now, self.patience);
        let is_due = |at: Timestamp| at <= now || latest < at;
        let n_due = self.waiting.iter().take_while(|(at, _finding)| is_due(*at)).count();
        self.waiting.drain(..n_due.max(n_early)).map(|(_at, finding)| finding).collect()
    }
}

impl Station {
    /// Judges what is held of every client with a plan; what was found lately is looked at again.
    pub(super) fn recollect(&mut self, now: Timestamp) -> Result<(), StoreError> {
        for client in self.second_look.clients() {
            self.judge_anew(now, &client)?;
        }
        let since = now.saturating_sub(LOOKED_AGAIN).unwrap_or(Timestamp::MIN);
        let mut waiting = std::mem::take(&mut self.second_look.waiting);
        waiting.retain(|(_at, it)| {
            let reading = self.store.reading(&it.hub, it.reading).ok().flatten();
            reading.is_some_and(|it| since <= it.received_at.at)
        });
        self.second_look.waiting = waiting;
        Ok(())
    }

    /// Judges everything of `client` that rules look back on, as if nothing had been judged before.
    fn judge_anew(&mut self, now: Timestamp, client: &SubjectId) -> Result<(), StoreError> {
        self.second_look.replays.retain(|(it, _hub), _replays| it != client);
        let since = now.saturating_sub(REACH).unwrap_or(Timestamp::MIN);
        for (hub, reading) in self.store.readings_of(client, since)? {
            let of_client = Reading {
                subject: reading.subject.clone().filter(|it| it == client),
                subject_candidates: match reading.subject {
                    Some(_) => Vec::new(),
                    None => vec![client.clone()],
                },
                ..reading
            };
            self.second_look.judge(now, &hub, &of_client);
        }
        Ok(())
    }

    /// Judges a reading that arrived just now.
    pub(super) fn look_at(&mut self, now: Timestamp, hub: &HubId, reading: &Reading) {
        let said = self.board.said.get(&(hub.clone(), reading.id));
        if said.is_none_or(Vec::is_empty) {
            self.second_look.judge(now, hub, reading);
        }
    }

    /// A person said whose readings are: `clients` have other readings than before.
    pub(super) fn look_back_on<'c>(
        &mut self,
        now: Timestamp,
        clients: impl IntoIterator<Item = &'c SubjectId>,
    ) -> Result<(), StoreError> {
        let with_plan = self.second_look.clients();
        for client in clients.into_iter().filter(|it| with_plan.contains(it)) {
            let waiting = self.second_look.waiting.clone();
            self.judge_anew(now, client)?;
            self.second_look.waiting = waiting;
        }
        Ok(())
    }

    /// A hub says what time it is.
    pub(super) fn look_on(&mut self, now: Timestamp, hub: &HubId, health: &Health) {
        if self.is_all_here(hub, health) {
            let said = Clock::moment(health.at, health.clock.as_ref());
            let mut until = said.at;
            let lag = self.settings.watch.deadline_lag;
            until.at = until.at.saturating_sub(lag).unwrap_or(Timestamp::MIN);
            self.second_look.pass(now, hub, said.when(until));
        }
    }

    /// Tells of what hubs should have told of by now, and did not.
    pub(super) fn oversee(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut overlooked = Vec::new();
        for finding in self.second_look.due(now) {
            if !self.was_told(now, &finding)? {
                overlooked.push(finding);
            }
        }
        if overlooked.is_empty() {
            return Ok(());
        }
        let noted = self.store.note_oversights(now, overlooked)?;
        for Oversight { finding: Finding { hub, plan, rule, .. }, .. } in &noted {
            tracing::warn!(%hub, plan, rule, "a hub raised no alert where its client's plan has one");
        }
        Arc::make_mut(&mut self.board.oversights).extend(noted);
        Ok(())
    }

    /// Whether the hub told of a finding: behind the reading, with an alert that the board shows, or with
    /// one that it does not show any more.
    fn was_told(&self, now: Timestamp, finding: &Finding) -> Result<bool, StoreError> {
        let hub = &finding.hub;
        let behind = self.store.alerts_behind(hub, finding.reading, NUMBERS_BEHIND)?;
        let mut on_board = self.board.alerts_of(hub).map(|it| it.current());
        let is_told_by = |it: &v1::Alert| finding.is_told_by(it);
        if behind.iter().any(is_told_by) || on_board.any(is_told_by) {
            return Ok(true);
        }
        let Some(subject) = &finding.subject else { return Ok(false) };
        let since = now.saturating_sub(LOOKED_AGAIN).unwrap_or(Timestamp::MIN);
        let told = self.store.alerts_of(subject, since)?;
        Ok(told.iter().any(|it| it.hub == hub.as_str() && is_told_by(it)))
    }

    /// Ends the oversights that a hub tells of after all.
    pub(super) fn told_after_all(
        &mut self,
        now: Timestamp,
        hub: &HubId,
        alert: &v1::Alert,
    ) -> Result<(), StoreError> {
        let told = |it: &&Oversight| it.finding.hub == *hub && it.finding.is_told_by(alert);
        let told: Vec<_> = self.board.oversights.iter().filter(told).map(|it| it.id).collect();
        self.end_oversights(now, &told, None)
    }

    /// A nurse has seen to an oversight.
    pub(super) fn see_to(&mut self, now: Timestamp, seen: &Seen) -> Result<Effects, StoreError> {
        if let Err(refusal) = super::orders::signature(&seen.by, seen.note.as_deref()) {
            return Ok(Effects::refusing(refusal));
        }
        if !self.board.oversights.iter().any(|it| it.id == seen.oversight) {
            return Ok(Effects::refusing(Refusal::UnknownOversight));
        }
        self.end_oversights(now, &[seen.oversight], Some(seen))?;
        Ok(Effects::default())
    }

    fn end_oversights(
        &mut self,
        now: Timestamp,
        ended: &[i64],
        seen: Option<&Seen>,
    ) -> Result<(), StoreError> {
        if ended.is_empty() {
            return Ok(());
        }
        self.store.end_oversights(now, ended, seen)?;
        Arc::make_mut(&mut self.board.oversights).retain(|it| !ended.contains(&it.id));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
