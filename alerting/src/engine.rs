//! The engine: which plans are in force, which alerts are open, and what follows from a reading, an
//! answer, or time.
//!
//! Looking never changes it. [`Engine::observe`] and its sisters return transitions; the caller
//! stores them with their cause, and [`Engine::apply`]s them once they are committed.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use vitals::identity::{AlertId, SubjectId};
use vitals::{LocalInstant, Moment, Reading};

use crate::alert::{Alert, Beside, Disposition, Evidence, Origin, Refusal, Standing, Transition};
use crate::attendance::Attendance;
use crate::history::History;
use crate::plan::Plan;
use crate::rule::confirm::{Confirm, Repeat, can_wait};
use crate::rule::trust::measured_at;
use crate::rule::{Finding, Rule};
use crate::timer;

/// What is late and was measured so long before it was received is of the past: the memory of a device
/// that was paired just now, or that nobody read for long. Nobody is called for it at night.
///
/// Source: ours; a hub that was off over a long weekend still tells what it finds as urgently as ever.
const PAST_AFTER: SignedDuration = SignedDuration::from_hours(96);

/// The plans in force, the open alerts, and what was measured lately; all that is remembered.
#[derive(Debug, Clone)]
pub struct Engine {
    plans: BTreeMap<(SubjectId, String), Plan>,
    open: BTreeMap<AlertId, Alert>,
    history: History,
    attendance: Attendance,
    zone: TimeZone,
}

/// What is to be settled: who found what, for whom, and when.
struct Case<'a> {
    now: Moment,
    id: AlertId,
    subject: Option<&'a SubjectId>,
    plan: &'a Plan,
    rule: &'a Rule,
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
        let mut engine = Self {
            plans: in_force,
            open: BTreeMap::new(),
            history,
            attendance: Attendance::default(),
            zone: TimeZone::UTC,
        };
        for alert in open {
            engine.keep(alert);
        }
        engine
    }

    /// This engine for clients who live in `zone`: quiet hours and schedules are by its clocks.
    #[must_use]
    pub fn in_zone(self, zone: TimeZone) -> Self {
        Self { zone, ..self }
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
    /// What was measured days before it was received is of low priority: it makes no alert more urgent.
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
            let is_late = is_late(plan, reading);
            let finding = rule.judge(reading, is_late, &self.history);
            let is_past = is_late && PAST_AFTER <= delay(reading);
            let finding = if is_past { finding.of_the_past() } else { finding };
            let id = nth(next, transitions.len());
            let case = Case { now: reading.recorded.when(now), id, subject, plan, rule };
            transitions.extend(self.settle(&case, reading, finding));
        }
        transitions.extend(self.attended(&reading.recorded.when(now), reading));
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

    /// A person takes `alert` on until `until`, at most for a day, and says why in `note`.
    ///
    /// It ends by itself, and with a worse value.
    ///
    /// # Errors
    ///
    /// As [`Engine::acknowledge`], and where `note` says nothing or `until` has passed.
    pub fn snooze(
        &self,
        now: Moment,
        alert: AlertId,
        by: &str,
        note: Option<&str>,
        until: LocalInstant,
    ) -> Result<Transition, Refusal> {
        self.find(alert)?.snoozed(&now, by, note, until).map(Transition::from)
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
            self.attendance.note(reading);
        }
    }

    /// Forgets a committed reading as one of its client: it is of somebody else.
    pub fn forget(&mut self, reading: &Reading) {
        self.history.forget(reading);
        self.attendance.forget(reading);
    }

    /// Whether a rule looks back: else no reading needs to be remembered.
    #[must_use]
    pub fn looks_back(&self) -> bool {
        let knows_silence = |it: &Plan| it.lifecycle().stale_after().is_some();
        self.plans.values().any(|it| knows_silence(it) || it.rules().any(Rule::looks_back))
    }

    /// Takes in a transition that has been committed; one that is older than what is known is not.
    pub fn apply(&mut self, transition: &Transition) {
        self.settle_missed(transition);
        self.keep(transition.alert.clone());
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

    /// Turns what a rule found in `reading` into the transition that follows from it.
    fn settle(&self, case: &Case<'_>, reading: &Reading, finding: Finding) -> Option<Transition> {
        let Case { now, subject, plan, rule, .. } = case;
        let open = self.open().find(|alert| is_of(alert, *subject, plan, rule));
        let is_pending = open.is_some_and(|it| it.standing() == Standing::Pending);
        let alert = match (finding, open, rule.confirm()) {
            (finding, Some(asked), Some((threshold, confirm))) if is_pending => {
                let is_in_doubt = self.history.is_implausible(reading, threshold.vital());
                match threshold.judge_repeat(confirm, asked, reading, finding) {
                    Repeat::Breach(evidence) => self.again(case, asked, &evidence),
                    Repeat::Same(evidence) => asked.counted(now, &origin(plan, rule), &evidence),
                    Repeat::Mean(_) | Repeat::Normal(_) if is_in_doubt => None,
                    Repeat::Mean(evidence) => {
                        let confirmed =
                            asked.confirmed_by_mean(now, &origin(plan, rule), &evidence);
                        confirmed.map(|it| self.hush(case, it))
                    }
                    Repeat::Normal(evidence) => asked.cleared(now.at, &evidence),
                    Repeat::Nothing => None,
                }
            }
            (Finding::Present(evidence), None, confirm) => {
                Some(self.begin(case, &evidence, confirm.map(|(_threshold, it)| it)))
            }
            (Finding::Present(evidence), Some(alert), _) => self.again(case, alert, &evidence),
            (Finding::Gone(evidence), Some(alert), _) => alert.cleared(now.at, &evidence),
            (Finding::Gone(_), None, _) | (Finding::Unknown, _, _) => None,
        };
        alert.map(Transition::from)
    }

    /// A new episode: raised, or pending where a repeat is asked for and can come.
    fn begin(&self, case: &Case<'_>, evidence: &Evidence, confirm: Option<Confirm>) -> Alert {
        let Case { now, id, subject, plan, rule } = case;
        let (origin, subject) = (origin(plan, rule), subject.cloned());
        match confirm {
            // Nobody can be asked for another measurement where nobody knows whose this one is.
            Some(confirm) if can_wait(evidence) && subject.is_some() => {
                let repeat_by = timer::after(now, confirm.within());
                Alert::asked(now, *id, subject, &origin, evidence, repeat_by)
            }
            confirm => {
                let is_confirmed = confirm.is_none() || evidence.priority == vitals::Priority::High;
                let raised = Alert::raised(now, *id, subject, &origin, evidence, is_confirmed);
                self.hush(case, raised)
            }
        }
    }

    /// The condition was found again.
    fn again(&self, case: &Case<'_>, alert: &Alert, evidence: &Evidence) -> Option<Alert> {
        let Case { now, plan, rule, .. } = case;
        let is_another = |confirm: Confirm| {
            let first = alert.measured.as_ref();
            first.is_some_and(|it| confirm.is_another(it, &evidence.measured))
        };
        let confirms = rule.confirm().is_none_or(|(_threshold, it)| is_another(it));
        let beside = Beside { confirms, stood_on: rule.stood_on(alert, &self.history) };
        let next = alert.repeated(now, &origin(plan, rule), evidence, beside)?;
        // Where it calls anew it does so after the quiet hours.
        match next.timers.waits_since == alert.timers.waits_since {
            true => Some(next),
            false => Some(self.hush(case, next)),
        }
    }

    /// Where an alert is raised in quiet hours it disturbs nobody until their end, unless it is high.
    fn hush(&self, case: &Case<'_>, alert: Alert) -> Alert {
        alert.hushed(self.quiet_until(case.plan, &case.now))
    }

    /// When the quiet hours of `plan` end in which `now` lies.
    fn quiet_until(&self, plan: &Plan, now: &Moment) -> Option<Moment> {
        plan.lifecycle().quiet_hours().and_then(|it| it.end(now, &self.zone))
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
        clears: rule.clears(),
    }
}

fn is_late(plan: &Plan, reading: &Reading) -> bool {
    plan.late_after() < delay(reading)
}

/// How long before its reception it was measured.
fn delay(reading: &Reading) -> SignedDuration {
    reading.received_at.at.duration_since(measured_at(reading).at)
}

/// The ledger key `n` places after `next`.
fn nth(next: AlertId, n: usize) -> AlertId {
    let n = u64::try_from(n).unwrap_or(u64::MAX);
    AlertId { epoch: next.epoch, seq: next.seq.saturating_add(n) }
}

mod schedule;
mod time;

#[cfg(test)]
mod home;
#[cfg(test)]
mod model;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod snooze;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod together;
#[cfg(test)]
mod why;
