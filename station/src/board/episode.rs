//! One alert with its history and the orders about it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use alerting::Standing;
use jiff::Timestamp;
use vitals::timeline::{Timeline, corrected};
use vitals::wire::primitive::Time;
use vitals::wire::v1::{Alert, Deadline, Timers};
use vitals::{AlertId, HubId, Moment, Priority, SequenceRanges};

use crate::alert::{is_open, is_test_alarm, standing, waits_for_a_nurse};
use crate::order::{Order, Progress};

/// Most repetitions whose steps are kept: the latest ones.
const REPETITIONS_MAX: usize = 5;

/// One alert: how it stands, and how it came there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Episode {
    /// The home.
    pub hub: HubId,
    /// The alert.
    pub alert: AlertId,
    /// Its highest revision, with its true times.
    current: Alert,
    /// The same as the home recorded it.
    recorded: Alert,
    /// What happened, by revision; of the repetitions only the latest.
    pub steps: BTreeMap<u32, Step>,
    /// What nurses asked for, oldest first.
    pub orders: Vec<Order>,
    /// Revisions of the repetitions whose steps are not kept.
    forgotten: SequenceRanges,
}

/// One transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happened.
    pub state: String,
    /// Who did it.
    pub by: Option<String>,
    /// What they wrote.
    pub note: Option<String>,
    /// When it happened.
    pub at: Time,
    /// When the home recorded it, and whether it knew the time then.
    pub recorded: Moment,
    /// How the alert stood after it.
    pub standing: Standing,
}

impl Episode {
    /// An alert of which one transition is known.
    #[must_use]
    pub fn new(hub: HubId, alert: AlertId, transition: &Alert) -> Self {
        let current = transition.clone();
        let mut episode = Self {
            hub,
            alert,
            recorded: current.clone(),
            current,
            steps: BTreeMap::new(),
            orders: Vec::new(),
            forgotten: SequenceRanges::new(),
        };
        episode.apply(transition);
        episode
    }

    /// The alert as its highest revision says.
    #[must_use]
    pub const fn current(&self) -> &Alert {
        &self.current
    }

    /// What it waits for.
    #[must_use]
    pub fn standing(&self) -> Standing {
        standing(&self.current.standing)
    }

    /// Whether it still waits for something.
    #[must_use]
    pub fn is_open(&self) -> bool {
        is_open(self.standing())
    }

    /// Whether nobody has taken it on yet.
    #[must_use]
    pub fn waits_for_a_nurse(&self) -> bool {
        waits_for_a_nurse(self.standing())
    }

    /// Whether it is the daily test alarm, which no nurse has to see.
    #[must_use]
    pub fn is_test_alarm(&self) -> bool {
        is_test_alarm(&self.current)
    }

    /// How soon a person has to look; a word of a later contract reads as high.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.current.priority.parse().unwrap_or(Priority::High)
    }

    /// Its place in the worklist: priority, then what waits for a nurse, then the oldest.
    #[must_use]
    pub fn urgency(&self) -> (Priority, bool, Time, AlertId) {
        let is_taken = !self.waits_for_a_nurse();
        (self.priority(), is_taken, self.current.raised_at, self.alert)
    }

    /// The last acknowledgement, where it still holds.
    #[must_use]
    pub fn acknowledgement(&self) -> Option<&Step> {
        let last = self.steps.values().rev().find(|it| it.state == "acknowledged");
        last.filter(|_it| self.current.by.is_some())
    }

    /// Until when a repeated measurement is awaited.
    #[must_use]
    pub fn repeat_by(&self) -> Option<Time> {
        self.deadline(|it| it.repeat_by.as_ref())
    }

    /// Until when the acknowledgement holds, where it ends by itself.
    #[must_use]
    pub fn acknowledged_until(&self) -> Option<Time> {
        self.deadline(|it| it.until.as_ref())
    }

    /// Until when it disturbs nobody; never where it is of high priority.
    #[must_use]
    pub fn quiet_until(&self) -> Option<Time> {
        let is_high = self.priority() == Priority::High;
        self.deadline(|it| it.quiet_until.as_ref()).filter(|_it| !is_high)
    }

    /// Whether it disturbs nobody at `now`.
    #[must_use]
    pub fn is_quiet(&self, now: Timestamp) -> bool {
        self.quiet_until().is_some_and(|until| now < until.0.at)
    }

    /// Whether nothing fresh came for long after its value.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.current.timers.as_ref().and_then(|it| it.stale) == Some(true)
    }

    fn deadline(&self, which: impl Fn(&Timers) -> Option<&Deadline>) -> Option<Time> {
        which(self.current.timers.as_ref()?).map(|it| it.at)
    }

    /// The newest order.
    #[must_use]
    pub fn order(&self) -> Option<&Order> {
        self.orders.last()
    }

    /// How many repetitions are known, with those whose steps are not kept.
    #[must_use]
    pub fn n_repetitions(&self) -> u64 {
        let len = |it: RangeInclusive<u64>| it.end().saturating_sub(*it.start()).saturating_add(1);
        let n_forgotten: u64 = self.forgotten.iter().map(len).sum();
        let n_kept = self.steps.values().filter(|it| it.is_repetition()).count();
        n_forgotten.saturating_add(u64::try_from(n_kept).unwrap_or(u64::MAX))
    }

    /// Takes in a transition; a revision that is known already changes nothing.
    pub fn apply(&mut self, transition: &Alert) {
        if self.forgotten.contains(transition.rev.into()) {
            return;
        }
        self.steps.entry(transition.rev).or_insert_with(|| Step {
            state: transition.state.clone(),
            by: transition.by.clone(),
            note: transition.note.clone(),
            at: transition.recorded_at,
            recorded: transition.recorded(),
            standing: standing(&transition.standing),
        });
        if self.current.rev < transition.rev {
            self.current = transition.clone();
            self.recorded = transition.clone();
        }
        let priority = self.priority();
        for order in &mut self.orders {
            settle(order, &self.steps, priority);
        }
        self.forget_repetitions();
    }

    /// Whether the home did not know the time when it recorded a part of it.
    #[must_use]
    pub fn is_estimated(&self) -> bool {
        self.steps.values().any(|it| !it.recorded.is_known)
            || self.recorded.measured().is_some_and(|it| !it.is_known)
    }

    /// Whether it is shown with other times than the home recorded.
    #[must_use]
    pub fn is_corrected(&self) -> bool {
        self.current != self.recorded
    }

    /// Shows the true times, as far as `timeline` can tell them.
    pub fn put_right(&mut self, timeline: &Timeline) {
        if !self.is_estimated() {
            return;
        }
        for step in self.steps.values_mut() {
            let moved =
                timeline.correction(&step.recorded).map(|it| corrected(step.recorded.at, it));
            step.at = Time(moved.unwrap_or(step.recorded.at));
        }
        self.current = self.recorded.corrected(timeline).unwrap_or_else(|| self.recorded.clone());
        self.current.raised_at = true_time(&self.steps, self.recorded.raised_at);
        self.current.cleared_at = self.recorded.cleared_at.map(|at| true_time(&self.steps, at));
    }

    /// Takes in an order.
    pub fn take(&mut self, mut order: Order) {
        settle(&mut order, &self.steps, self.priority());
        self.orders.push(order);
    }

    /// Keeps only the latest repetitions: a condition that stands for weeks repeats without end.
    fn forget_repetitions(&mut self) {
        let repetitions = self.steps.iter().rev().filter(|(_rev, it)| it.is_repetition());
        let old: Vec<u32> = repetitions.skip(REPETITIONS_MAX).map(|(&rev, _it)| rev).collect();
        for rev in old {
            self.steps.remove(&rev);
            self.forgotten.insert(rev.into()..=rev.into());
        }
    }
}

impl Step {
    /// Whether the condition was found again, and nothing else happened.
    #[must_use]
    pub fn is_repetition(&self) -> bool {
        self.state == "repeated" && is_open(self.standing)
    }
}

/// When the transition happened that was recorded `at`; where it is not known here, as recorded.
fn true_time(steps: &BTreeMap<u32, Step>, at: Time) -> Time {
    steps.values().find(|it| it.recorded.at == at.0).map_or(at, |it| it.at)
}

/// Marks an order as done where a step shows its effect, and as overtaken where the alert is more
/// urgent now than what the nurse saw.
fn settle(order: &mut Order, steps: &BTreeMap<u32, Step>, priority: Priority) {
    let mut steps = steps.iter();
    let is_shown = steps.any(|(rev, it)| order.is_shown_by(*rev, &it.state, is_open(it.standing)));
    if is_shown {
        order.progress = Progress::Done;
    } else if order.progress == Progress::OnItsWay && order.is_overtaken_by(priority) {
        order.progress = Progress::Overtaken;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn transition(rev: u32) -> Alert {
        match rev {
            1 => sample::alert(1, 1, 1, "raised", "active"),
            4 => sample::alert(4, 1, 4, "acknowledged", "acknowledged"),
            rev => sample::alert(rev.into(), 1, rev, "repeated", "active"),
        }
    }

    fn episode(revs: impl IntoIterator<Item = u32>) -> Episode {
        let alert = format!("{}-1", sample::EPOCH).parse().unwrap();
        let mut episode = Episode::new(sample::HUB.parse().unwrap(), alert, &transition(1));
        revs.into_iter().for_each(|rev| episode.apply(&transition(rev)));
        episode
    }

    #[test]
    fn only_the_latest_repetitions_are_kept_and_all_are_counted() {
        let episode = episode(1..=100);
        let revs: Vec<_> = episode.steps.keys().copied().collect();
        assert_eq!(revs, [1, 4, 96, 97, 98, 99, 100]);
        assert_eq!(episode.n_repetitions(), 98);
    }

    #[test]
    fn neither_order_nor_repetition_changes_what_is_kept() {
        assert_eq!(episode((1..=30).rev().chain(1..=30)), episode(1..=30));
    }
}
