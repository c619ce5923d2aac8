//! The engine against a second naive model: a home whose wall clock is set now and then, where some
//! values are hardly those of the client, some are of exercise, and nights are quiet.
//!
//! The model knows one clock, the true one, in minutes; it looks through all that was ever measured
//! each time it is asked. Setting the wall clock moves no order and no deadline; it only says when a
//! night ends that begins from then on.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vitals::{BootId, Flag, Phase, Priority, Uptime};

use super::*;
use crate::alert::Change;
use crate::sample::{key, minute, plan, restored, systolic};

const PLAN: &str = r#"
name = "home"
version = 1
subject = "client-4711"
late_after_min = 60

[quiet_hours]
from = "22:00"
to = "07:00"

[[escalation]]
after_min = 30
to = "backup"
priority = "low"

[[escalation]]
after_min = 240
to = "supervisor"
priority = "medium"

[[threshold]]
id = "pressure"
vital = "systolic-pressure"
at_or_above = { medium = "160 mmHg", high = "180 mmHg" }
clear_at_or_below = "155 mmHg"

[[exercise]]
id = "exercise"
vital = "systolic-pressure"
priority = "high"
at_or_above = "220 mmHg"
clear_at_or_below = "200 mmHg"

[[implausible]]
id = "check"
vital = "systolic-pressure"
priority = "low"
possible_from = "40 mmHg"
possible_to = "300 mmHg"
plausible_from = "70 mmHg"
plausible_to = "250 mmHg"
jumps_by = "40 mmHg"
within_min = 10
"#;

#[derive(Debug, Clone)]
enum Step {
    Measure(Taken),
    Acknowledge(usize),
    Snooze(usize, i64),
    SetClock(i64),
    Wait(i64),
    Restart,
}

/// A systolic pressure, measured so many minutes before it is told.
#[derive(Debug, Clone, Copy)]
struct Taken {
    mmhg: i64,
    age: i64,
    is_exercise: bool,
    is_doubtful: bool,
}

/// The true time in minutes, and how far the wall clock is ahead of it.
#[derive(Debug, Clone, Copy, Default)]
struct Clocks {
    now: i64,
    ahead: i64,
}

impl Clocks {
    fn wall(self) -> LocalInstant {
        minute(self.now + self.ahead)
    }

    fn moment(self) -> Moment {
        let on = Some(Uptime { boot: BootId([1; 16]), ms: self.now * 60_000 });
        Moment { at: self.wall(), on, is_known: true }
    }

    /// How long the night still is, by the wall clock; a test begins at eight.
    fn night_left(self) -> Option<i64> {
        let of_day = (8 * 60 + self.now + self.ahead).rem_euclid(24 * 60);
        let is_night = !(7 * 60..22 * 60).contains(&of_day);
        is_night.then(|| (7 * 60 - of_day).rem_euclid(24 * 60))
    }
}

/// What is written down on an open alert.
#[derive(Debug, Clone)]
struct Note {
    priority: Priority,
    count: u32,
    value: i64,
    newest: i64,
    is_late: bool,
    is_taken_on: bool,
    is_cleared: bool,
    is_quiet: bool,
    holds_until: Option<i64>,
    asks_since: i64,
    n_passed_on: u32,
}

#[derive(Debug, Default)]
struct Model {
    notes: BTreeMap<&'static str, Note>,
    /// Every trusted value at rest with the minute of its measurement.
    trusted: Vec<(i64, i64)>,
}

impl Note {
    fn ask(&mut self, clocks: Clocks) {
        (self.is_taken_on, self.holds_until, self.n_passed_on) = (false, None, 0);
        let night = clocks.night_left().filter(|_it| self.priority != Priority::High);
        self.is_quiet = night.is_some();
        self.asks_since = clocks.now + night.unwrap_or(0);
    }
}

impl Model {
    fn is_implausible(&self, measured: i64, mmhg: i64) -> bool {
        let near: Vec<i64> = self
            .trusted
            .iter()
            .filter(|(at, _mmhg)| (measured - 10..=measured).contains(at))
            .map(|(_at, other)| (mmhg - other).abs())
            .collect();
        !(70..=250).contains(&mmhg) || !near.is_empty() && near.iter().all(|it| 40 < *it)
    }

    fn measure(&mut self, clocks: Clocks, it: Taken) {
        let Taken { mmhg, age, is_exercise, is_doubtful } = it;
        let measured = clocks.now - age;
        let is_implausible = self.is_implausible(measured, mmhg);
        let is_trusted = !is_exercise && !is_doubtful;
        let to_check = !(70..=250).contains(&mmhg) || is_trusted && is_implausible;
        let pressure = match mmhg {
            180.. => Some(Priority::High),
            160.. => Some(Priority::Medium),
            _ => None,
        };
        let can_clear = !is_doubtful && !is_implausible;
        self.judge("check", to_check.then_some(Priority::Low), is_trusted && !to_check, clocks, it);
        let of_rest = pressure.filter(|_it| !is_exercise);
        self.judge("pressure", of_rest, can_clear && !is_exercise && mmhg <= 155, clocks, it);
        let of_exercise = (is_exercise && 220 <= mmhg).then_some(Priority::High);
        self.judge("exercise", of_exercise, can_clear && mmhg <= 200, clocks, it);
        if is_trusted {
            self.trusted.push((measured, mmhg));
        }
    }

    fn judge(
        &mut self,
        rule: &'static str,
        bad: Option<Priority>,
        is_good: bool,
        clocks: Clocks,
        it: Taken,
    ) {
        let measured = clocks.now - it.age;
        match (bad, self.notes.get_mut(rule)) {
            (Some(priority), None) => {
                let mut note = Note {
                    priority,
                    count: 1,
                    value: it.mmhg,
                    newest: measured,
                    is_late: 60 < it.age,
                    is_taken_on: false,
                    is_cleared: false,
                    is_quiet: false,
                    holds_until: None,
                    asks_since: 0,
                    n_passed_on: 0,
                };
                note.ask(clocks);
                self.notes.insert(rule, note);
            }
            (Some(priority), Some(note)) => {
                let is_more_urgent = priority < note.priority;
                let is_worse = rule != "check" && note.value < it.mmhg;
                note.priority = priority.min(note.priority);
                if is_more_urgent || note.holds_until.is_some() && is_worse {
                    note.ask(clocks);
                }
                if is_more_urgent || note.newest <= measured {
                    (note.value, note.is_late) = (it.mmhg, 60 < it.age);
                }
                note.newest = note.newest.max(measured);
                note.is_cleared = false;
                note.count += 1;
            }
            (None, Some(note)) if is_good && note.newest < measured => {
                note.is_cleared = true;
                if note.is_taken_on || note.priority != Priority::High {
                    self.notes.remove(rule);
                }
            }
            (None, _) => {}
        }
    }

    fn take_on(&mut self, rule: &str, holds_until: Option<i64>) {
        let Some(note) = self.notes.get_mut(rule).filter(|it| !it.is_taken_on) else { return };
        if note.is_cleared {
            self.notes.remove(rule);
        } else {
            (note.is_taken_on, note.holds_until) = (true, holds_until);
            (note.is_quiet, note.n_passed_on) = (false, 0);
        }
    }

    fn wait(&mut self, clocks: Clocks) {
        for note in self.notes.values_mut() {
            if note.holds_until.is_some_and(|it| it <= clocks.now) {
                note.ask(clocks);
            }
            let rungs: &[i64] = if note.priority == Priority::Low { &[30] } else { &[30, 240] };
            let due = rungs.iter().filter(|it| note.asks_since + **it <= clocks.now).count();
            if !note.is_taken_on {
                note.n_passed_on = note.n_passed_on.max(u32::try_from(due).unwrap());
            }
        }
    }
}

/// Priority, count, value; whether it is late, taken on, cleared, quiet; how often it was passed on.
type Told = (Priority, u32, String, [bool; 4], u32);

fn told(engine: &Engine) -> BTreeMap<&str, Told> {
    let told = |it: &Alert| {
        let is_quiet = it.timers.quiet_until.is_some();
        let facts = [it.late, it.by.is_some(), it.cleared_at.is_some(), is_quiet];
        let value = it.value.map(|it| it.value().to_string()).unwrap_or_default();
        (it.priority, it.count, value, facts, it.timers.rung)
    };
    engine.open().map(|it| (it.rule.as_str(), told(it))).collect()
}

fn expected(model: &Model) -> BTreeMap<&str, Told> {
    let told = |it: &Note| {
        let facts = [it.is_late, it.is_taken_on, it.is_cleared, it.is_quiet];
        (it.priority, it.count, it.value.to_string(), facts, it.n_passed_on)
    };
    model.notes.iter().map(|(rule, it)| (*rule, told(it))).collect()
}

fn reading(clocks: Clocks, seq: u64, taken: Taken) -> Reading {
    let mut reading = systolic(seq, 0, &taken.mmhg.to_string());
    reading.measured_at = minute(clocks.now + clocks.ahead - taken.age);
    (reading.received_at, reading.recorded) = (clocks.wall(), clocks.moment());
    if taken.is_exercise {
        reading.context.phase = Phase::DuringExercise;
    }
    if taken.is_doubtful {
        reading.flags.insert(Flag::CuffLoose);
    }
    reading
}

fn followed(engine: &Engine, clocks: Clocks, step: &Step, seq: u64) -> Vec<Transition> {
    let nth = |n: usize| engine.open().nth(n).map_or(key(0), |alert| alert.id);
    match *step {
        Step::Measure(taken) => {
            engine.observe(clocks.wall(), &reading(clocks, seq, taken), key(seq))
        }
        Step::Acknowledge(n) => {
            engine.acknowledge(clocks.wall(), nth(n), "Nurse A", None).into_iter().collect()
        }
        Step::Snooze(n, minutes) => {
            let until = minute(clocks.now + clocks.ahead + minutes);
            let snoozed = engine.snooze(clocks.moment(), nth(n), "Nurse A", Some("Called."), until);
            snoozed.into_iter().collect()
        }
        Step::SetClock(_) | Step::Wait(_) | Step::Restart => Vec::new(),
    }
}

/// Lets time tell what is due; it clears and ends nothing.
fn ring(engine: &mut Engine, now: Moment) {
    for _change in 0..32 {
        let due = engine.advance(now, key(0));
        let is_due = engine.next_wait(&now).is_some_and(|it| it.is_zero());
        assert_eq!(is_due, !due.is_empty());
        if due.is_empty() {
            return;
        }
        for transition in &due {
            assert!([Change::Escalated, Change::Resumed].contains(&transition.change));
            engine.apply(transition);
        }
    }
    panic!("what is due never ends");
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let at_edges = prop::sample::select(vec![69_i64, 70, 155, 160, 180, 200, 220, 250, 251]);
    let mmhg = prop_oneof![3 => 140_i64..190, 2 => 190_i64..260, 1 => 60_i64..140, 2 => at_edges];
    let age = prop_oneof![3 => Just(0_i64), 1 => 0_i64..15, 1 => 50_i64..100];
    let measure = (mmhg, age, any::<bool>(), prop::bool::weighted(0.25)).prop_map(
        |(mmhg, age, is_exercise, is_doubtful)| {
            Step::Measure(Taken { mmhg, age, is_exercise, is_doubtful })
        },
    );
    let step = prop_oneof![
        8 => measure,
        2 => (0_usize..3).prop_map(Step::Acknowledge),
        2 => (0_usize..3, 1_i64..300).prop_map(|(n, minutes)| Step::Snooze(n, minutes)),
        2 => prop_oneof![-600_i64..600, -50_000_i64..50_000].prop_map(Step::SetClock),
        3 => prop_oneof![3 => 1_i64..60, 1 => 1_i64..900].prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn doubts_exercise_nights_and_clocks_lose_and_silence_nothing(steps in steps()) {
        let mut engine = Engine::new(vec![plan(PLAN)], Vec::new());
        let (mut model, mut clocks) = (Model::default(), Clocks::default());
        let mut stored: Vec<Reading> = Vec::new();
        for (seq, step) in (1_u64..).zip(&steps) {
            clocks.now += if let Step::Wait(minutes) = step { *minutes } else { 4 };
            if let Step::SetClock(by) = step {
                clocks.ahead += by;
            }
            ring(&mut engine, clocks.moment());
            model.wait(clocks);
            prop_assert_eq!(told(&engine), expected(&model), "after the wait for {:?}", step);

            let followed_now = followed(&engine, clocks, step, seq * 10);
            let open = engine.open().map(restored).collect();
            let mut rebuilt = Engine::new(engine.plans().cloned().collect(), open);
            stored.iter().rev().for_each(|it| rebuilt.remember(it));
            prop_assert_eq!(&followed_now, &followed(&rebuilt, clocks, step, seq * 10));
            let rule = |n: usize| engine.open().nth(n).map(|it| it.rule.clone());
            match *step {
                Step::Measure(taken) => model.measure(clocks, taken),
                Step::Acknowledge(n) => rule(n).iter().for_each(|it| model.take_on(it, None)),
                Step::Snooze(n, minutes) => {
                    rule(n).iter().for_each(|it| model.take_on(it, Some(clocks.now + minutes)));
                }
                Step::SetClock(_) | Step::Wait(_) => {}
                Step::Restart => engine = rebuilt,
            }
            followed_now.iter().for_each(|it| engine.apply(it));
            if let Step::Measure(taken) = step {
                let reading = reading(clocks, seq * 10, *taken);
                engine.remember(&reading);
                stored.push(reading);
            }
            prop_assert_eq!(told(&engine), expected(&model), "after {:?}", step);
        }
    }
}
