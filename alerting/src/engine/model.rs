//! The engine against a naive model, through random days with restarts.
//!
//! The model knows no tables: it keeps, for each rule, what a careful person would write on a slip.
//! After each step the engine, an engine that is rebuilt from the stored alerts, and the slips must
//! agree; and each high alert must be open until a person has answered it, and asks again when an
//! answer for a while has ended. Time only ever asks: it clears nothing.

mod slips;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use vitals::{Flag, Priority, Unit, Vital};

use self::slips::{Heard, Model, Slip, WITHIN_MIN};
use super::*;
use crate::alert::Change;
use crate::sample::{PLAN, key, minute, plan, quantity, reading, restored};

#[derive(Debug, Clone)]
enum Step {
    Measure { vital: usize, value: u32, age_min: i64, is_doubtful: bool },
    Acknowledge(usize),
    Snooze(usize, i64),
    Close(usize),
    Wait(i64),
    Restart,
}

const KEYS: &str = r#"
stale_after_h = 48
[[escalation]]
after_min = 60
to = "backup"
[[escalation]]
after_min = 180
to = "supervisor"
priority = "low"
"#;

/// The sample plan, whose pulse asks for a repeat.
fn watching() -> Plan {
    let clear = "clear_at_or_below = \"106 /min\"";
    let text = PLAN.replace(clear, &format!("{clear}\nconfirm_within_min = {WITHIN_MIN}"));
    plan(&text.replacen("\n[[threshold]]", &format!("{KEYS}\n[[threshold]]"), 1))
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
        2 => (0_usize..4, 1_i64..300).prop_map(|(n, minutes)| Step::Snooze(n, minutes)),
        1 => (0_usize..4).prop_map(Step::Close),
        3 => prop_oneof![4 => 1_i64..200, 1 => 1_i64..4000].prop_map(Step::Wait),
        2 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

fn rebuilt(engine: &Engine, stored: &[Reading]) -> Engine {
    let open = engine.open().map(restored).collect();
    let mut rebuilt = Engine::new(engine.plans().cloned().collect(), open);
    stored.iter().for_each(|it| rebuilt.remember(it));
    rebuilt
}

fn measured(step: &Step, at_minute: i64, seq: u64) -> Option<Reading> {
    let Step::Measure { vital, value, age_min, is_doubtful } = *step else { return None };
    let (vital, unit) = VITALS[vital];
    let mut reading = reading(seq, at_minute - age_min, vital, quantity(&value.to_string(), unit));
    reading.received_at = minute(at_minute);
    reading.recorded = minute(at_minute).into();
    if is_doubtful {
        reading.flags.insert(Flag::Questionable);
    }
    Some(reading)
}

fn transitions(engine: &Engine, step: &Step, at_minute: i64, seq: u64) -> Vec<Transition> {
    let now = minute(at_minute);
    let nth = |n: usize| engine.open().nth(n).map_or(key(0), |alert| alert.id);
    match *step {
        Step::Measure { .. } => {
            let reading = measured(step, at_minute, seq);
            reading.map(|it| engine.observe(now, &it, key(seq))).unwrap_or_default()
        }
        Step::Acknowledge(n) => {
            engine.acknowledge(now, nth(n), "Nurse A", None).into_iter().collect()
        }
        Step::Snooze(n, minutes) => {
            let until = minute(at_minute + minutes);
            let snoozed = engine.snooze(now.into(), nth(n), "Nurse A", Some("Called."), until);
            snoozed.into_iter().collect()
        }
        Step::Close(n) => engine
            .close(now, nth(n), "Nurse A", Disposition::TrueActioned, None)
            .into_iter()
            .collect(),
        Step::Wait(_) | Step::Restart => Vec::new(),
    }
}

const VITALS: [(Vital, Unit); 3] = [
    (Vital::SystolicPressure, Unit::MillimetreOfMercury),
    (Vital::OxygenSaturation, Unit::Percent),
    (Vital::PulseRate, Unit::PerMinute),
];

/// Priority, count, and whether it is acknowledged, cleared, confirmed, stale, pending, and how often it was
/// passed on.
type Told = (Priority, u32, [bool; 5], u32);

fn told(it: &Alert) -> Told {
    let is_pending = it.standing() == Standing::Pending;
    let facts =
        [it.by.is_some(), it.cleared_at.is_some(), it.confirmed, it.timers.is_stale, is_pending];
    (it.priority, it.count, facts, it.timers.rung)
}

fn slips(engine: &Engine) -> BTreeMap<&str, Told> {
    engine.open().map(|alert| (alert.rule.as_str(), told(alert))).collect()
}

fn expected(model: &Model) -> BTreeMap<&str, Told> {
    let told = |it: &Slip| {
        let is_pending = it.repeat_by.is_some();
        let facts = [it.is_acknowledged, it.is_cleared, it.is_confirmed, it.is_stale, is_pending];
        let rung = it.unanswered.map_or(0, |(_since, n)| u32::try_from(n).unwrap());
        (it.priority, it.count, facts, rung)
    };
    model.slips.iter().map(|(rule, it)| (*rule, told(it))).collect()
}

/// Lets time tell what is due at `now`, at most so often as there can be anything.
fn ring(engine: &mut Engine, now: i64, mut told: impl FnMut(&Transition)) {
    let now = Moment::from(minute(now));
    for _change in 0..64 {
        if engine.next_wait(&now).is_none_or(|it| !it.is_zero()) {
            assert_eq!(engine.advance(now, key(0)), [], "nothing is due");
            return;
        }
        let due = engine.advance(now, key(0));
        assert!(!due.is_empty(), "something is due");
        for transition in &due {
            assert_ne!(transition.change, Change::Cleared, "silence clears nothing");
            assert!(transition.alert.is_open(), "silence ends nothing");
            engine.apply(transition);
            told(transition);
        }
    }
    panic!("what is due never ends");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_high_alert_is_lost_or_silenced_and_a_restart_changes_nothing(steps in steps()) {
        let mut engine = Engine::new(vec![watching()], Vec::new());
        let mut model = Model::default();
        let mut unanswered: BTreeSet<AlertId> = BTreeSet::new();
        let mut stored: Vec<Reading> = Vec::new();
        let mut at_minute = 0;
        for (index, step) in (1_u64..).zip(&steps) {
            let seq = index * 10;
            at_minute += if let Step::Wait(minutes) = step { *minutes } else { 10 };
            let mut asks = |transition: &Transition| {
                let alert = &transition.alert;
                match (alert.standing(), alert.priority) {
                    (Standing::Active | Standing::Latched, Priority::High) => unanswered.insert(alert.id),
                    (Standing::Acknowledged | Standing::Done, _) => unanswered.remove(&alert.id),
                    (Standing::Active | Standing::Latched | Standing::Pending, _) => false,
                };
            };
            ring(&mut engine, at_minute, &mut asks);
            model.wait(at_minute);
            prop_assert_eq!(slips(&engine), expected(&model), "after the wait for {:?}", step);

            let followed = transitions(&engine, step, at_minute, seq);
            let rebuilt_now = rebuilt(&engine, &stored);
            prop_assert_eq!(&followed, &transitions(&rebuilt_now, step, at_minute, seq));
            let now = Moment::from(minute(at_minute));
            prop_assert_eq!(rebuilt_now.next_wait(&now), engine.next_wait(&now));
            let rule = |n: usize| engine.open().nth(n).map(|alert| alert.rule.clone());
            match *step {
                Step::Measure { vital, value, age_min, is_doubtful } => {
                    let measured = at_minute - age_min;
                    let heard = Heard { now: at_minute, measured, value, is_doubtful };
                    model.measure(VITALS[vital].0, heard);
                }
                Step::Acknowledge(n) => rule(n).iter().for_each(|it| model.acknowledge(it, None)),
                Step::Snooze(n, minutes) => {
                    rule(n).iter().for_each(|it| model.acknowledge(it, Some(at_minute + minutes)));
                }
                Step::Close(n) => {
                    rule(n).iter().for_each(|rule| { model.slips.remove(rule.as_str()); });
                }
                Step::Wait(_) => {}
                Step::Restart => engine = rebuilt_now,
            }
            for transition in &followed {
                prop_assert_eq!(transition.change, transition.alert.state);
                engine.apply(transition);
                asks(transition);
            }
            if let Some(reading) = measured(step, at_minute, seq) {
                engine.remember(&reading);
                stored.push(reading);
            }
            prop_assert_eq!(slips(&engine), expected(&model), "after {:?}", step);
            let open: BTreeSet<AlertId> = engine.open().map(|alert| alert.id).collect();
            prop_assert!(unanswered.is_subset(&open));
            prop_assert_eq!(engine.open().count(), slips(&engine).len(), "one alert a rule");
        }
    }
}
