//! Alerts about the hub itself: a full disk, a damaged file, an agency that does not answer.
//!
//! They live by the same table as clinical alerts, and are stored and sent like them. They name no
//! client, no vital and no care plan, and one condition has at most one open alert.

use vitals::identity::AlertId;
use vitals::{Category, LocalInstant, Priority};

use crate::alert::{Alert, Change, Transition};
use crate::engine::Engine;
use crate::timer::Timers;

/// The name that stands where a clinical alert names its care plan.
pub const PLAN: &str = "hub";

/// Rule of the alert that travels the whole way once a day to show that alerts arrive.
pub const TEST_ALARM: &str = "test-alarm";

/// Version of the conditions, where a clinical alert has the version of its plan.
const VERSION: u32 = 1;

/// Something about the hub that a person has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Which condition: `ledger-damaged`, `disk-nearly-full`, ...
    pub rule: &'static str,
    /// How soon a person has to look.
    pub priority: Priority,
    /// One sentence on what is wrong and what it means.
    pub why: String,
}

impl Engine {
    /// What follows from `condition` standing; `next` is the ledger key that the transition gets.
    ///
    /// A condition that is told again in the same words changes nothing. Other words repeat the
    /// alert, a higher priority escalates it.
    #[must_use]
    pub fn condition_stands(
        &self,
        now: LocalInstant,
        condition: &Condition,
        next: AlertId,
    ) -> Option<Transition> {
        let alert = match self.open_condition(condition.rule) {
            None => Some(raised(now, next, condition)),
            Some(open) => repeated(open, now, condition),
        };
        alert.map(Transition::from)
    }

    /// What follows from the condition `rule` being over.
    #[must_use]
    pub fn condition_is_over(&self, now: LocalInstant, rule: &str) -> Option<Transition> {
        let open = self.open_condition(rule)?;
        open.changed(now, Change::Cleared).map(Transition::from)
    }

    /// The open alert of the condition `rule`.
    #[must_use]
    pub fn open_condition(&self, rule: &str) -> Option<&Alert> {
        let is_it =
            |it: &&Alert| it.category == Category::Technical && it.plan == PLAN && it.rule == rule;
        self.open().find(is_it)
    }
}

fn raised(now: LocalInstant, id: AlertId, condition: &Condition) -> Alert {
    Alert {
        id,
        rev: 1,
        state: Change::Raised,
        priority: condition.priority,
        category: Category::Technical,
        rule: condition.rule.to_owned(),
        plan: PLAN.to_owned(),
        plan_version: VERSION,
        subject: None,
        vital: None,
        value: None,
        limit: None,
        readings: Vec::new(),
        why: condition.why.clone(),
        measured: None,
        raised_at: now,
        changed_at: now,
        cleared_at: None,
        late: false,
        confirmed: true,
        count: 1,
        by: None,
        note: None,
        disposition: None,
        timers: Timers::default(),
    }
}

fn repeated(open: &Alert, now: LocalInstant, condition: &Condition) -> Option<Alert> {
    let is_more_urgent = condition.priority < open.priority;
    let is_news = is_more_urgent || open.why != condition.why || open.cleared_at.is_some();
    if !is_news {
        return None;
    }
    // What was over and not yet answered stands again before it can become more urgent.
    let change = if is_more_urgent && open.cleared_at.is_none() {
        Change::Escalated
    } else {
        Change::Repeated
    };
    let mut next = open.changed(now, change)?;
    next.priority = open.priority.min(condition.priority);
    next.why.clone_from(&condition.why);
    next.count = open.count.saturating_add(1);
    Some(next)
}

#[cfg(test)]
mod tests {
    use vitals::{Epoch, Priority};

    use super::*;
    use crate::alert::Standing;

    const RULE: &str = "disk-nearly-full";

    fn at(second: i64) -> LocalInstant {
        LocalInstant::utc(jiff::Timestamp::from_second(1_790_000_000 + second).unwrap())
    }

    fn key(seq: u64) -> AlertId {
        AlertId { epoch: Epoch([7; 8]), seq }
    }

    fn full(priority: Priority, percent: u32) -> Condition {
        Condition { rule: RULE, priority, why: format!("The disk is {percent} % full.") }
    }

    /// An engine in which the condition stands since `at(0)`.
    fn standing(priority: Priority) -> Engine {
        let mut engine = Engine::new(vec![], vec![]);
        let raised = engine.condition_stands(at(0), &full(priority, 80), key(1)).unwrap();
        assert_eq!((raised.change, raised.alert.id), (Change::Raised, key(1)));
        engine.apply(&raised);
        engine
    }

    fn standing_of(engine: &Engine) -> Option<Standing> {
        engine.open_condition(RULE).map(Alert::standing)
    }

    #[test]
    fn the_same_words_change_nothing_and_others_repeat_the_one_alert() {
        let mut engine = standing(Priority::Medium);
        assert_eq!(engine.condition_stands(at(1), &full(Priority::Medium, 80), key(2)), None);
        let again = engine.condition_stands(at(1), &full(Priority::Low, 81), key(2)).unwrap();
        assert_eq!((again.change, again.alert.id), (Change::Repeated, key(1)));
        assert_eq!((again.alert.priority, again.alert.count), (Priority::Medium, 2));
        engine.apply(&again);
        assert_eq!(engine.open().count(), 1);
    }

    #[test]
    fn a_higher_priority_escalates_and_asks_for_a_new_acknowledgement() {
        let mut engine = standing(Priority::Medium);
        engine.apply(&engine.acknowledge(at(1), key(1), "Nurse", None).unwrap());
        let worse = engine.condition_stands(at(2), &full(Priority::High, 95), key(2)).unwrap();
        assert_eq!(worse.change, Change::Escalated);
        engine.apply(&worse);
        assert_eq!(standing_of(&engine), Some(Standing::Active));
    }

    #[test]
    fn what_is_over_is_cleared_once() {
        let mut engine = standing(Priority::Medium);
        let over = engine.condition_is_over(at(1), RULE).unwrap();
        assert_eq!(over.change, Change::Cleared);
        engine.apply(&over);
        assert_eq!(standing_of(&engine), None);
        assert_eq!(engine.condition_is_over(at(2), RULE), None);
    }

    #[test]
    fn a_high_one_that_is_over_waits_for_a_person_and_can_come_again() {
        let mut engine = standing(Priority::High);
        engine.apply(&engine.condition_is_over(at(1), RULE).unwrap());
        assert_eq!(standing_of(&engine), Some(Standing::Latched));
        assert_eq!(engine.condition_is_over(at(2), RULE), None);
        let again = engine.condition_stands(at(3), &full(Priority::High, 80), key(9)).unwrap();
        assert_eq!((again.change, again.alert.id), (Change::Repeated, key(1)));
        engine.apply(&again);
        assert_eq!(standing_of(&engine), Some(Standing::Active));
    }

    #[test]
    fn an_alert_of_a_plan_is_no_condition_whatever_its_rule_is_called() {
        let text = format!(
            "name = \"sample\"\nversion = 1\nsubject = \"client-4711\"\nlate_after_min = 60\n\
             [[threshold]]\nid = \"{RULE}\"\nvital = \"systolic-pressure\"\npriority = \"high\"\n\
             at_or_above = \"180 mmHg\"\nclear_at_or_below = \"175 mmHg\""
        );
        let mut engine = Engine::new(vec![crate::sample::plan(&text)], Vec::new());
        let reading = crate::sample::systolic(1, 0, "190");
        for transition in engine.observe(reading.received_at, &reading, key(1)) {
            engine.apply(&transition);
        }
        assert_eq!((engine.open().count(), engine.open_condition(RULE)), (1, None));
        let engine = standing(Priority::Low);
        assert_eq!(engine.open_condition("ledger-damaged"), None);
    }
}
