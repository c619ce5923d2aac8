//! The engine against a naive model, through random days with restarts.
//!
//! The model knows no tables: it keeps, for each rule, what a careful person would write on a slip.
//! After each step the engine, an engine that is rebuilt from the stored alerts, and the slips must
//! agree; and each high alert must be open until a person has answered it, and asks again when an
//! answer for a while has ended. Time only ever asks: it clears nothing.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use vitals::{Flag, Priority, Unit, Vital};

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

/// Rule, vital, limits from the most urgent one inwards, clear level, whether high values alert.
type Watched = (&'static str, Vital, &'static [(u32, Priority)], u32, bool);

const RULES: [Watched; 4] = [
    ("systolic-crisis", Vital::SystolicPressure, &[(180, Priority::High)], 175, true),
    ("systolic-high", Vital::SystolicPressure, &[(160, Priority::Medium)], 155, true),
    ("oxygen-low", Vital::OxygenSaturation, &[(90, Priority::High)], 92, false),
    ("pulse-high", Vital::PulseRate, &[(131, Priority::High), (111, Priority::Medium)], 106, true),
];

/// How long a repeat of the pulse is waited for, when it counts, and when an alert is passed on.
const WITHIN_MIN: i64 = 30;
const GAP_MIN: i64 = 1;
const LADDER_MIN: [i64; 2] = [60, 180];
const STALE_MIN: i64 = 48 * 60;

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

/// What is written down about an open alert.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Slip {
    priority: Priority,
    count: u32,
    is_acknowledged: bool,
    is_cleared: bool,
    is_confirmed: bool,
    is_stale: bool,
    newest_bad_minute: i64,
    newest_bad: u32,
    /// Since when and until which minute a repeat is waited for.
    asked_at: i64,
    repeat_by: Option<i64>,
    /// Since which minute nobody has answered, and how often it was passed on.
    unanswered: Option<(i64, usize)>,
    /// Until which minute an answer holds.
    holds_until: Option<i64>,
}

#[derive(Debug, Default)]
struct Model {
    slips: BTreeMap<&'static str, Slip>,
    /// The newest undoubted measurement of each vital.
    newest: BTreeMap<Vital, i64>,
}

/// A measurement, as the one who keeps the slips hears of it.
#[derive(Debug, Clone, Copy)]
struct Heard {
    now: i64,
    measured: i64,
    value: u32,
    is_doubtful: bool,
}

impl Slip {
    fn new(priority: Priority, it: Heard, can_wait: bool) -> Self {
        let must_wait = can_wait && priority != Priority::High && it.now - it.measured <= 60;
        Self {
            priority,
            count: 1,
            is_acknowledged: false,
            is_cleared: false,
            is_confirmed: !can_wait || priority == Priority::High,
            is_stale: false,
            newest_bad_minute: it.measured,
            newest_bad: it.value,
            asked_at: it.now,
            repeat_by: must_wait.then_some(it.now + WITHIN_MIN),
            unanswered: (!must_wait).then_some((it.now, 0)),
            holds_until: None,
        }
    }

    fn ask_anew(&mut self, now: i64) {
        (self.is_acknowledged, self.holds_until) = (false, None);
        (self.repeat_by, self.unanswered) = (None, Some((now, 0)));
    }

    fn is_another(&self, it: Heard) -> bool {
        let apart = it.measured - self.newest_bad_minute;
        GAP_MIN <= apart.abs() && -WITHIN_MIN <= apart
    }

    /// Found again: what that changes but for the count.
    fn found(&mut self, priority: Priority, it: Heard, can_wait: bool, is_high: bool) {
        let (before, after) = (self.newest_bad, it.value);
        let is_worse = if is_high { before < after } else { after < before };
        let breaks = self.holds_until.is_some() && is_worse;
        let confirms = !can_wait || self.is_another(it) || priority == Priority::High;
        if self.repeat_by.is_some() || priority < self.priority || breaks {
            self.ask_anew(it.now);
        }
        self.is_confirmed |= confirms;
        // An older value that is more urgent stands on the slip too, beside the time of the newest.
        if priority < self.priority || self.newest_bad_minute <= it.measured {
            self.newest_bad = it.value;
        }
        self.newest_bad_minute = self.newest_bad_minute.max(it.measured);
        self.priority = self.priority.min(priority);
        (self.is_cleared, self.is_stale) = (false, false);
        self.count += 1;
    }
}

impl Model {
    fn measure(&mut self, vital: Vital, it: Heard) {
        for (rule, of, limits, clear, is_high) in RULES {
            if of == vital {
                self.judge(rule, limits, clear, is_high, it);
            }
        }
        if !it.is_doubtful {
            let newest = self.newest.entry(vital).or_insert(it.measured);
            *newest = it.measured.max(*newest);
        }
    }

    fn judge(
        &mut self,
        rule: &'static str,
        limits: &[(u32, Priority)],
        clear: u32,
        is_high: bool,
        it: Heard,
    ) {
        let can_wait = rule == "pulse-high";
        let is_reached = |limit: u32, value: u32| {
            if is_high { limit <= value } else { value <= limit }
        };
        let reached = limits.iter().find(|(limit, _priority)| is_reached(*limit, it.value));
        let is_good = if is_high { it.value <= clear } else { clear <= it.value };
        let Some(slip) = self.slips.get_mut(rule) else {
            if let Some(&(_limit, priority)) = reached {
                self.slips.insert(rule, Slip::new(priority, it, can_wait));
            }
            return;
        };
        match reached {
            Some(&(_limit, priority)) => {
                let is_late = 60 < it.now - it.measured;
                let is_another = slip.is_another(it) || GAP_MIN <= it.measured - slip.asked_at;
                let is_repeat = is_another && !is_late || priority < slip.priority;
                if slip.repeat_by.is_none() || is_repeat {
                    slip.found(priority, it, can_wait, is_high);
                } else {
                    slip.count += 1;
                    let worse = if is_high { u32::max } else { u32::min };
                    slip.newest_bad = worse(slip.newest_bad, it.value);
                    slip.newest_bad_minute = slip.newest_bad_minute.max(it.measured);
                }
            }
            None if it.is_doubtful || it.measured <= slip.newest_bad_minute => {}
            None if slip.repeat_by.is_some() => {
                // Twice the mean of the two, so that no half is lost.
                let both = slip.newest_bad + it.value;
                let limit = limits.iter().find(|(limit, _priority)| is_reached(2 * limit, both));
                match limit {
                    _ if !slip.is_another(it) => {}
                    Some(&(_limit, priority)) => {
                        slip.found(priority, it, can_wait, is_high);
                        slip.newest_bad = both / 2;
                    }
                    None => drop(self.slips.remove(rule)),
                }
            }
            None if is_good => {
                (slip.is_cleared, slip.is_stale) = (true, false);
                if slip.is_acknowledged || slip.priority != Priority::High {
                    self.slips.remove(rule);
                }
            }
            None => {}
        }
    }

    fn acknowledge(&mut self, rule: &str, holds_until: Option<i64>) {
        let Some(slip) = self.slips.get_mut(rule) else { return };
        if slip.repeat_by.is_some() || slip.is_acknowledged {
            return;
        }
        if slip.is_cleared {
            self.slips.remove(rule);
        } else {
            (slip.is_acknowledged, slip.holds_until, slip.unanswered) = (true, holds_until, None);
        }
    }

    /// Reads the slips at `now`, and does what is due.
    fn wait(&mut self, now: i64) {
        for (rule, of, _limits, _clear, _is_high) in RULES {
            let fresh = self.newest.get(&of).copied().unwrap_or(i64::MIN);
            let Some(slip) = self.slips.get_mut(rule) else { continue };
            if slip.repeat_by.is_some_and(|due| due <= now)
                || slip.holds_until.is_some_and(|due| due <= now)
            {
                slip.ask_anew(now);
            }
            let rungs: &[i64] =
                if slip.priority == Priority::High { &LADDER_MIN } else { &LADDER_MIN[1..] };
            if let Some((since, n_passed_on)) = &mut slip.unanswered {
                while rungs.get(*n_passed_on).is_some_and(|after| *since + after <= now) {
                    *n_passed_on += 1;
                }
            }
            let is_held = slip.holds_until.is_some() || slip.repeat_by.is_some() || slip.is_cleared;
            if !slip.is_stale && !is_held && slip.newest_bad_minute.max(fresh) + STALE_MIN <= now {
                slip.is_stale = true;
                if slip.is_acknowledged {
                    slip.ask_anew(now);
                }
            }
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
