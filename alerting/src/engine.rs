//! The engine: which plans are in force, which alerts are open, and what follows from a reading, an
//! answer, or time.
//!
//! Looking never changes it. [`Engine::observe`] and its sisters return transitions; the caller
//! stores them with their cause, and [`Engine::apply`]s them once they are committed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use vitals::identity::{AlertId, SubjectId};
use vitals::{LocalInstant, Reading};

use crate::alert::{Alert, Disposition, Origin, Refusal, Transition};
use crate::history::History;
use crate::plan::Plan;
use crate::rule::{Finding, Rule, measured_at};

/// The plans in force, the open alerts, and what was measured lately; all that is remembered.
#[derive(Debug, Clone)]
pub struct Engine {
    plans: BTreeMap<(SubjectId, String), Plan>,
    open: BTreeMap<AlertId, Alert>,
    history: History,
}

impl Engine {
    /// An engine that judges by `plans` and goes on from the `open` alerts of the store.
    ///
    /// Of several plans with one name for one client the highest version counts; plans with
    /// different names stand beside each other.
    /// An open alert whose rule is in no plan any more is kept until a person closes it, or has
    /// acknowledged it once it is cleared.
    #[must_use]
    pub fn new(plans: Vec<Plan>, open: Vec<Alert>) -> Self {
        let mut in_force = BTreeMap::new();
        for plan in plans {
            let key = (plan.subject().clone(), plan.name().to_owned());
            let is_older = |other: &Plan| plan.version() < other.version();
            if !in_force.get(&key).is_some_and(is_older) {
                in_force.insert(key, plan);
            }
        }
        let history = History::checking(in_force.values());
        let mut engine = Self { plans: in_force, open: BTreeMap::new(), history };
        for alert in open {
            engine.keep(alert);
        }
        engine
    }

    /// This engine with the `open` alerts of the store in place of its own.
    #[must_use]
    pub fn reopened(&self, open: Vec<Alert>) -> Self {
        let mut engine = Self { open: BTreeMap::new(), ..self.clone() };
        for alert in open {
            engine.keep(alert);
        }
        engine
    }

    /// What follows from `reading`: at most one transition a rule.
    ///
    /// `next` is the ledger key that the first returned transition will get; the i-th gets
    /// `next.seq + i`.
    /// The most urgent rules come first.
    /// What was measured before what is told by `reading.recorded`: setting the wall clock of the hub
    /// changes no order.
    /// A reading of an unknown client is judged by the plans of its `subject_candidates`; its alerts
    /// have no subject, and no reading clears them.
    #[must_use]
    pub fn observe(&self, now: LocalInstant, reading: &Reading, next: AlertId) -> Vec<Transition> {
        let may_be = |subject: &SubjectId| match &reading.subject {
            Some(known) => known == subject,
            None => reading.subject_candidates.contains(subject),
        };
        let plans = self.plans.values().filter(|plan| may_be(plan.subject()));
        let mut rules: Vec<(&Plan, &Rule)> =
            plans.flat_map(|plan| plan.rules().map(move |rule| (plan, rule))).collect();
        rules.sort_by_key(|(_plan, rule)| rule.priority());

        let subject = reading.subject.as_ref();
        let mut transitions: Vec<Transition> = Vec::new();
        for (plan, rule) in rules {
            // Two candidates may have plans of one name: their unknown client is one episode.
            if transitions.iter().any(|it| is_of(&it.alert, subject, plan, rule)) {
                continue;
            }
            let finding = rule.judge(reading, is_late(plan, reading), &self.history);
            let id = nth(next, transitions.len());
            transitions.extend(self.settle(now, id, subject, plan, rule, finding));
        }
        transitions
    }

    /// What follows from it being `now`; `next` as in [`Engine::observe`].
    ///
    /// Call it when [`Engine::next_deadline`] has come; earlier or twice is harmless.
    #[must_use]
    pub fn advance(&self, now: LocalInstant, next: AlertId) -> Vec<Transition> {
        let mut transitions = Vec::new();
        for plan in self.plans.values() {
            for rule in plan.rules() {
                let finding = rule.judge_time(now);
                let id = nth(next, transitions.len());
                let subject = Some(plan.subject());
                transitions.extend(self.settle(now, id, subject, plan, rule, finding));
            }
        }
        transitions
    }

    /// A person takes `alert` on.
    ///
    /// # Errors
    ///
    /// Returns [`Refusal`] where the alert is not open, is acknowledged already, or `by` is blank.
    /// Nothing has changed then: a command that is sent twice does no harm.
    pub fn acknowledge(
        &self,
        now: LocalInstant,
        alert: AlertId,
        by: &str,
        note: Option<&str>,
    ) -> Result<Transition, Refusal> {
        self.find(alert)?.acknowledged(now, by, note).map(Transition::from)
    }

    /// A person closes `alert`, whether or not it is acknowledged or cleared.
    ///
    /// Where the condition still stands, the next reading that shows it raises a new alert.
    ///
    /// # Errors
    ///
    /// Returns [`Refusal`] where the alert is not open, or `by` is blank; nothing has changed then.
    pub fn close(
        &self,
        now: LocalInstant,
        alert: AlertId,
        by: &str,
        disposition: Disposition,
        note: Option<&str>,
    ) -> Result<Transition, Refusal> {
        self.find(alert)?.closed(now, by, disposition, note).map(Transition::from)
    }

    /// Takes in a reading that has been committed, or that the store has from before: rules look back
    /// on it. Told twice it counts once.
    pub fn remember(&mut self, reading: &Reading) {
        if self.looks_back() {
            self.history.note(reading);
        }
    }

    /// Whether a rule looks back: else no reading needs to be remembered.
    #[must_use]
    pub fn looks_back(&self) -> bool {
        self.plans.values().flat_map(Plan::rules).any(Rule::looks_back)
    }

    /// Takes in a transition that has been committed; one that is older than what is known is not.
    pub fn apply(&mut self, transition: &Transition) {
        self.keep(transition.alert.clone());
    }

    /// When [`Engine::advance`] may find something next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.plans.values().flat_map(Plan::rules).filter_map(Rule::deadline).min()
    }

    /// The open alerts, in the order of their ids.
    pub fn open(&self) -> impl Iterator<Item = &Alert> {
        self.open.values()
    }

    /// The plans in force.
    pub fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.plans.values()
    }

    fn find(&self, alert: AlertId) -> Result<&Alert, Refusal> {
        self.open.get(&alert).ok_or(Refusal::NotOpen { alert })
    }

    fn keep(&mut self, alert: Alert) {
        if self.open.get(&alert.id).is_some_and(|known| alert.rev < known.rev) {
            return;
        }
        if alert.is_open() {
            self.open.insert(alert.id, alert);
        } else {
            self.open.remove(&alert.id);
        }
    }

    /// Turns what a rule found into the transition that follows from it.
    fn settle(
        &self,
        now: LocalInstant,
        id: AlertId,
        subject: Option<&SubjectId>,
        plan: &Plan,
        rule: &Rule,
        finding: Finding,
    ) -> Option<Transition> {
        let open = self.open().find(|alert| is_of(alert, subject, plan, rule));
        let alert = match (finding, open) {
            (Finding::Present(evidence), None) => {
                Some(Alert::raised(now, id, subject.cloned(), &origin(plan, rule), &evidence))
            }
            (Finding::Present(evidence), Some(alert)) => {
                alert.repeated(now, &origin(plan, rule), &evidence)
            }
            (Finding::Gone(evidence), Some(alert)) => alert.cleared(now, &evidence),
            (Finding::Gone(_), None) | (Finding::Unknown, _) => None,
        };
        alert.map(Transition::from)
    }
}

/// Whether `alert` is an episode of `rule` for `subject`.
fn is_of(alert: &Alert, subject: Option<&SubjectId>, plan: &Plan, rule: &Rule) -> bool {
    alert.subject.as_ref() == subject
        && alert.plan == plan.name()
        && alert.rule == rule.id()
        && alert.vital == rule.vital()
}

fn origin<'a>(plan: &'a Plan, rule: &'a Rule) -> Origin<'a> {
    Origin {
        rule: rule.id(),
        plan: plan.name(),
        plan_version: plan.version(),
        category: rule.category(),
    }
}

fn is_late(plan: &Plan, reading: &Reading) -> bool {
    let delay = reading.received_at.at.duration_since(measured_at(reading).at);
    plan.late_after() < delay
}

/// The ledger key `n` places after `next`.
fn nth(next: AlertId, n: usize) -> AlertId {
    let n = u64::try_from(n).unwrap_or(u64::MAX);
    AlertId { epoch: next.epoch, seq: next.seq.saturating_add(n) }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod tests;
