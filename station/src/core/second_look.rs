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

use std::collections::{BTreeMap, BTreeSet, VecDeque};
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

/// So long a reading waits for records that were recorded before it and have not arrived.
const HELD_BACK_MAX: Duration = Duration::from_secs(900);

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
    /// Clients of hubs of which something arrived out of order, and since when: it is judged in order.
    held_back: BTreeMap<HubId, (Timestamp, BTreeSet<SubjectId>)>,
    /// What a hub has to tell of, and until when, the soonest first.
    waiting: VecDeque<(Timestamp, Finding)>,
}

impl SecondLook {
    pub(super) fn by(plans: Vec<PlacedPlan>, patience: Duration) -> Self {
        Self { plans, patience, ..Self::default() }
    }

    /// When the next finding is looked at.
    pub(super) fn next(&self) -> Option<Timestamp> {
        let waiting = self.waiting.front().map(|(at, _finding)| *at);
        let held_back = self.held_back.values().map(|(since, _it)| later(*since, HELD_BACK_MAX));
        held_back.chain(waiting).min()
    }

    /// The client of each plan, once.
    fn clients(&self) -> Vec<SubjectId> {
        let mut clients: Vec<_> = self.plans.iter().map(|it| it.plan.subject().clone()).collect();
        clients.sort();
        clients.dedup();
        clients
    }

    /// Judges a reading by the plans of everybody whose it may be.
    fn judge(&mut self, hub: &HubId, reading: &Reading) -> Vec<Finding> {
        let mut findings = Vec::new();
        for subject in may_be(reading) {
            let Self { plans, replays, .. } = self;
            let of_client = || plans.iter().filter(|it| it.plan.subject() == subject);
            if of_client().next().is_none() {
                continue;
            }
            let made = || of_client().map(|it| Replay::new(it.plan.clone(), it.zone.clone()));
            let key = (subject.clone(), hub.clone());
            let of_hub = replays.entry(key).or_insert_with(|| made().collect());
            of_hub.iter_mut().for_each(|it| it.read(reading));
            findings.extend(of_hub.iter_mut().flat_map(|it| taken_out(it, hub, subject)));
        }
        findings
    }

    /// Lets the time of a hub pass.
    fn pass(&mut self, hub: &HubId, until: Moment) -> Vec<Finding> {
        let mut findings = Vec::new();
        for ((subject, of_hub), replays) in &mut self.replays {
            for replay in replays.iter_mut().filter(|_it| of_hub == hub) {
                replay.pass(until);
                findings.extend(taken_out(replay, hub, subject));
            }
        }
        findings
    }

    fn wait_for(&mut self, now: Timestamp, findings: Vec<Finding>) {
        let until = later(now, self.patience);
        self.waiting.extend(findings.into_iter().map(|it| (until, it)));
    }

    /// How many of those that wait hubs should have told of by `now`.
    fn n_due(&self, now: Timestamp) -> usize {
        let n_early = self.waiting.len().saturating_sub(WAITING_MAX);
        // A clock that was set back must not hold a finding up.
        let latest = later(now, self.patience);
        let is_due = |at: Timestamp| at <= now || latest < at;
        let n_due = self.waiting.iter().take_while(|(at, _finding)| is_due(*at)).count();
        n_due.max(n_early)
    }
}

/// The client of a reading, or everybody whose it may be.
fn may_be(reading: &Reading) -> impl Iterator<Item = &SubjectId> {
    reading.subject.iter().chain(&reading.subject_candidates)
}

/// What a plan of `subject` raised since the last time.
fn taken_out(replay: &mut Replay, hub: &HubId, subject: &SubjectId) -> Vec<Finding> {
    let raised = replay.take_raised().into_iter();
    let clinical = raised.filter(|it| it.category == Category::Clinical);
    clinical.filter_map(|it| Finding::of(hub, subject, &it)).collect()
}

impl Station {
    /// Judges what is held of every client with a plan. What was found in readings that arrived lately is
    /// looked at again, unless the plan came after them: their hub had another one.
    pub(super) fn recollect(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let lately = now.saturating_sub(LOOKED_AGAIN).unwrap_or(Timestamp::MIN);
        let mut since = BTreeMap::new();
        for PlacedPlan { plan, .. } in &self.second_look.plans {
            let (subject, name) = (plan.subject(), plan.name());
            let known_since = self.store.judged_since(now, subject, (name, plan.version()))?;
            since.insert((subject.clone(), name.to_owned()), known_since.max(lately));
        }
        for client in self.second_look.clients() {
            for finding in self.judge_anew(now, &client, None)? {
                let since = since.get(&(client.clone(), finding.plan.clone())).copied();
                let arrival = self.store.arrival(&finding.hub, finding.reading)?;
                if since <= arrival {
                    self.second_look.wait_for(now, vec![finding]);
                }
            }
        }
        Ok(())
    }

    /// Judges everything of `client` that rules look back on, as if nothing had been judged before: what
    /// all hubs recorded, or one of them.
    fn judge_anew(
        &mut self,
        now: Timestamp,
        client: &SubjectId,
        hub: Option<&HubId>,
    ) -> Result<Vec<Finding>, StoreError> {
        let is_of = |of_hub: &HubId| hub.is_none_or(|it| it == of_hub);
        let since = now.saturating_sub(REACH).unwrap_or(Timestamp::MIN);
        let readings = self.store.readings_of(client, since)?;
        self.second_look.replays.retain(|(it, of_hub), _it| it != client || !is_of(of_hub));
        let mut findings = Vec::new();
        for (hub, reading) in readings.into_iter().filter(|(it, _reading)| is_of(it)) {
            let of_client = Reading {
                subject: reading.subject.clone().filter(|it| it == client),
                subject_candidates: match reading.subject {
                    Some(_) => Vec::new(),
                    None => vec![client.clone()],
                },
                ..reading
            };
            findings.extend(self.second_look.judge(&hub, &of_client));
        }
        Ok(findings)
    }

    /// Judges a reading that arrived just now. Where records before it are missing it is judged with them,
    /// in the order in which they were recorded.
    pub(super) fn look_at(&mut self, now: Timestamp, hub: &HubId, reading: &Reading) {
        let said = self.board.said.get(&(hub.clone(), reading.id));
        if said.is_some_and(|it| !it.is_empty()) {
            return;
        }
        let has_gap = self.board.hubs.get(hub).is_some_and(|it| it.has_gap());
        if has_gap || self.second_look.held_back.contains_key(hub) {
            let held_back = &mut self.second_look.held_back;
            let (_since, clients) = held_back.entry(hub.clone()).or_insert((now, BTreeSet::new()));
            clients.extend(may_be(reading).cloned());
        } else {
            let findings = self.second_look.judge(hub, reading);
            self.second_look.wait_for(now, findings);
        }
    }

    /// Judges what was held back, where nothing before it is missing any more, or for too long.
    pub(super) fn catch_up(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let is_whole = |hub: &HubId| self.board.hubs.get(hub).is_none_or(|it| !it.has_gap());
        let ready: Vec<_> = self
            .second_look
            .held_back
            .iter()
            .filter(|(hub, (since, _clients))| is_whole(hub) || later(*since, HELD_BACK_MAX) <= now)
            .map(|(hub, (since, clients))| (hub.clone(), *since, clients.clone()))
            .collect();
        for (hub, since, clients) in ready {
            for client in clients {
                for finding in self.judge_anew(now, &client, Some(&hub))? {
                    if Some(since) <= self.store.arrival(&hub, finding.reading)? {
                        self.second_look.wait_for(now, vec![finding]);
                    }
                }
            }
            self.second_look.held_back.remove(&hub);
        }
        Ok(())
    }

    /// A person said whose readings are: `clients` have other readings than before.
    pub(super) fn look_back_on<'c>(
        &mut self,
        now: Timestamp,
        clients: impl IntoIterator<Item = &'c SubjectId>,
    ) -> Result<(), StoreError> {
        let with_plan = self.second_look.clients();
        for client in clients.into_iter().filter(|it| with_plan.contains(it)) {
            self.judge_anew(now, client, None)?;
        }
        Ok(())
    }

    /// A hub says what time it is.
    pub(super) fn look_on(&mut self, now: Timestamp, hub: &HubId, health: &Health) {
        if self.is_all_here(hub, health) && !self.second_look.held_back.contains_key(hub) {
            let said = Clock::moment(health.at, health.clock.as_ref());
            let mut until = said.at;
            let lag = self.settings.watch.deadline_lag;
            until.at = until.at.saturating_sub(lag).unwrap_or(Timestamp::MIN);
            let findings = self.second_look.pass(hub, said.when(until));
            self.second_look.wait_for(now, findings);
        }
    }

    /// Tells of what hubs should have told of by now, and did not. Where the database fails, it is looked
    /// at again.
    pub(super) fn oversee(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.catch_up(now)?;
        let n_due = self.second_look.n_due(now);
        let mut overlooked = Vec::new();
        for (_at, finding) in self.second_look.waiting.range(..n_due) {
            // Of whose reading a person spoke, the hub judges it as what comes late.
            let is_assigned = !self.store.said(&finding.hub, finding.reading)?.is_empty();
            if !is_assigned && !self.was_told(now, finding)? {
                overlooked.push(finding.clone());
            }
        }
        if !overlooked.is_empty() {
            let noted = self.store.note_oversights(now, overlooked)?;
            for Oversight { finding: Finding { hub, plan, rule, .. }, .. } in &noted {
                tracing::warn!(%hub, plan, rule, "a hub raised no alert where a care plan has one");
            }
            Arc::make_mut(&mut self.board.oversights).extend(noted);
        }
        self.second_look.waiting.drain(..n_due);
        Ok(())
    }

    /// Whether the hub told of a finding: behind the reading, with an alert that the board shows, or
    /// lately with one that names the reading.
    fn was_told(&self, now: Timestamp, finding: &Finding) -> Result<bool, StoreError> {
        let hub = &finding.hub;
        let behind = self.store.alerts_behind(hub, finding.reading, NUMBERS_BEHIND)?;
        let mut on_board = self.board.alerts_of(hub).map(|it| it.current());
        let is_told_by = |it: &v1::Alert| finding.is_told_by(it);
        if behind.iter().any(is_told_by) || on_board.any(is_told_by) {
            return Ok(true);
        }
        let since = now.saturating_sub(LOOKED_AGAIN).unwrap_or(Timestamp::MIN);
        let told = self.store.alerts_of(&finding.subject, since)?;
        Ok(told.iter().any(|it| it.hub == hub.as_str() && finding.was_told_by(it)))
    }

    /// Ends the oversights of which the alerts on the board tell after all.
    pub(super) fn end_told(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let is_told = |it: &&Oversight| {
            let mut alerts = self.board.alerts_of(&it.finding.hub).map(|it| it.current());
            alerts.any(|alert| it.finding.is_told_by(alert))
        };
        let told: Vec<_> = self.board.oversights.iter().filter(is_told).map(|it| it.id).collect();
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
