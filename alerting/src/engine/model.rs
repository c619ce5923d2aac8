//! The engine against a naive model, through random days with restarts.
//!
//! The model knows no tables: it keeps, for each rule, what a careful person would write on a slip.
//! After each step the engine, an engine that is rebuilt from the stored alerts, and the slips must
//! agree; and each high alert must be open until a person has answered it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use vitals::{Flag, Priority, Unit, Vital};

use super::*;
use crate::alert::Change;
use crate::sample::{PLAN, key, minute, plan, quantity, reading};

#[derive(Debug, Clone)]
enum Step {
    Measure { vital: usize, value: u32, age_min: i64, is_doubtful: bool },
    Acknowledge(usize),
    Close(usize),
    Restart,
}

/// Rule, vital, limits from the most urgent one inwards, clear level, whether high values alert.
type Watched = (&'static str, Vital, &'static [(u32, Priority)], u32, bool);

const RULES: [Watched; 4] = [
    ("systolic-crisis", Vital::SystolicPressure, &[(180, Priority::High)], 175, true),
    ("systolic-high", Vital::SystolicPressure, &[(160, Priority::Medium)], 155, true),
    ("oxygen-low", Vital::OxygenSaturation, &[(90, Priority::High)], 92, false),
    ("pulse-high", Vital::PulseRate, &[(131, Priority::High), (111, Priority::Medium)], 106, true),
];

/// What is written down about an open alert.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Slip {
    priority: Priority,
    count: u32,
    is_acknowledged: bool,
    is_cleared: bool,
    newest_bad_minute: i64,
}

#[derive(Debug, Default)]
struct Model {
    slips: BTreeMap<&'static str, Slip>,
}

impl Model {
    fn measure(&mut self, vital: Vital, value: u32, measured: i64, is_doubtful: bool) {
        for (rule, of, limits, clear, is_high) in RULES {
            if of != vital {
                continue;
            }
            let is_reached = |limit: u32| if is_high { limit <= value } else { value <= limit };
            let reached = limits.iter().find(|(limit, _priority)| is_reached(*limit));
            let is_good = if is_high { value <= clear } else { clear <= value };
            if let Some(&(_limit, priority)) = reached {
                let slip = self.slips.entry(rule).or_insert(Slip {
                    priority,
                    count: 0,
                    is_acknowledged: false,
                    is_cleared: false,
                    newest_bad_minute: measured,
                });
                slip.count += 1;
                if priority < slip.priority {
                    slip.priority = priority;
                    slip.is_acknowledged = false;
                }
                slip.is_cleared = false;
                slip.newest_bad_minute = slip.newest_bad_minute.max(measured);
            } else if is_good && !is_doubtful {
                let Some(slip) = self.slips.get_mut(rule) else { continue };
                if measured <= slip.newest_bad_minute {
                    continue;
                }
                slip.is_cleared = true;
                if slip.is_acknowledged || slip.priority != Priority::High {
                    self.slips.remove(rule);
                }
            }
        }
    }

    fn acknowledge(&mut self, rule: &str) {
        if self.slips.get(rule).is_some_and(|slip| slip.is_cleared) {
            self.slips.remove(rule);
        } else if let Some(slip) = self.slips.get_mut(rule) {
            slip.is_acknowledged = true;
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let systolic = prop_oneof![150_u32..190, prop::sample::select(vec![155, 160, 175, 180])];
    let measure = |vital: usize, values: BoxedStrategy<u32>| {
        (values, prop_oneof![3 => Just(0_i64), 1 => 0_i64..120], any::<bool>()).prop_map(
            move |(value, age_min, is_doubtful)| Step::Measure {
                vital,
                value,
                age_min,
                is_doubtful,
            },
        )
    };
    let step = prop_oneof![
        4 => measure(0, systolic.boxed()),
        3 => measure(1, (86_u32..96).boxed()),
        3 => measure(2, (100_u32..136).boxed()),
        2 => (0_usize..4).prop_map(Step::Acknowledge),
        1 => (0_usize..4).prop_map(Step::Close),
        2 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

/// An alert as it comes back from the store: each public field by itself, and nothing else.
fn restored(alert: &Alert) -> Alert {
    Alert {
        id: alert.id,
        rev: alert.rev,
        state: alert.state.as_str().parse().expect("the word is of the vocabulary"),
        priority: alert.priority,
        category: alert.category,
        rule: alert.rule.clone(),
        plan: alert.plan.clone(),
        plan_version: alert.plan_version,
        subject: alert.subject.clone(),
        vital: alert.vital,
        value: alert.value,
        limit: alert.limit,
        readings: alert.readings.clone(),
        why: alert.why.clone(),
        measured: alert.measured,
        raised_at: alert.raised_at,
        changed_at: alert.changed_at,
        cleared_at: alert.cleared_at,
        late: alert.late,
        confirmed: alert.confirmed,
        count: alert.count,
        by: alert.by.clone(),
        note: alert.note.clone(),
        disposition: alert.disposition,
    }
}

fn rebuilt(engine: &Engine) -> Engine {
    Engine::new(engine.plans().cloned().collect(), engine.open().map(restored).collect())
}

fn transitions(engine: &Engine, step: &Step, at_minute: i64, seq: u64) -> Vec<Transition> {
    let now = minute(at_minute);
    let nth = |n: usize| engine.open().nth(n).map_or(key(0), |alert| alert.id);
    match *step {
        Step::Measure { vital, value, age_min, is_doubtful } => {
            let (vital, unit) = VITALS[vital];
            let quantity = quantity(&value.to_string(), unit);
            let mut reading = reading(seq, at_minute - age_min, vital, quantity);
            reading.received_at = now;
            if is_doubtful {
                reading.flags.insert(Flag::Questionable);
            }
            engine.observe(now, &reading, key(seq))
        }
        Step::Acknowledge(n) => {
            engine.acknowledge(now, nth(n), "Nurse A", None).into_iter().collect()
        }
        Step::Close(n) => engine
            .close(now, nth(n), "Nurse A", Disposition::TrueActioned, None)
            .into_iter()
            .collect(),
        Step::Restart => engine.advance(now, key(seq)),
    }
}

const VITALS: [(Vital, Unit); 3] = [
    (Vital::SystolicPressure, Unit::MillimetreOfMercury),
    (Vital::OxygenSaturation, Unit::Percent),
    (Vital::PulseRate, Unit::PerMinute),
];

type Told = (Priority, u32, bool, bool);

fn slips(engine: &Engine) -> BTreeMap<&str, Told> {
    let slip = |it: &Alert| (it.priority, it.count, it.by.is_some(), it.cleared_at.is_some());
    engine.open().map(|alert| (alert.rule.as_str(), slip(alert))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_high_alert_is_lost_or_silenced_and_a_restart_changes_nothing(steps in steps()) {
        let mut engine = Engine::new(vec![plan(PLAN)], Vec::new());
        let mut model = Model::default();
        let mut unanswered: BTreeSet<AlertId> = BTreeSet::new();
        for (index, step) in (1_u64..).zip(&steps) {
            let at_minute = i64::try_from(index).unwrap() * 10;
            let seq = index * 10;
            let followed = transitions(&engine, step, at_minute, seq);
            prop_assert_eq!(&followed, &transitions(&rebuilt(&engine), step, at_minute, seq));

            match *step {
                Step::Measure { vital, value, age_min, is_doubtful } => {
                    model.measure(VITALS[vital].0, value, at_minute - age_min, is_doubtful);
                }
                Step::Acknowledge(n) => {
                    let rule = engine.open().nth(n).map(|alert| alert.rule.clone());
                    rule.iter().for_each(|rule| model.acknowledge(rule));
                }
                Step::Close(n) => {
                    let rule = engine.open().nth(n).map(|alert| alert.rule.clone());
                    rule.iter().for_each(|rule| { model.slips.remove(rule.as_str()); });
                }
                Step::Restart => engine = rebuilt(&engine),
            }
            for transition in &followed {
                prop_assert_eq!(transition.change, transition.alert.state);
                let alert = &transition.alert;
                match (transition.change, alert.priority) {
                    (Change::Raised | Change::Escalated, Priority::High) => { unanswered.insert(alert.id); }
                    (Change::Acknowledged | Change::Closed, _) => { unanswered.remove(&alert.id); }
                    _ => {}
                }
                engine.apply(transition);
            }

            let told = |it: &Slip| (it.priority, it.count, it.is_acknowledged, it.is_cleared);
            let expected: BTreeMap<&str, Told> = model
                .slips
                .iter()
                .map(|(rule, it)| (*rule, told(it)))
                .collect();
            prop_assert_eq!(slips(&engine), expected);
            let open: BTreeSet<AlertId> = engine.open().map(|alert| alert.id).collect();
            prop_assert!(unanswered.is_subset(&open));
            prop_assert_eq!(engine.open().count(), slips(&engine).len(), "one alert a rule");
        }
    }
}
