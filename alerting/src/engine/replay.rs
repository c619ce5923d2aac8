//! Rules that look back, through random days: an engine that is rebuilt from the open alerts and the
//! stored readings finds the same as the one that never stopped, and a slow reading of each rule's
//! text finds the same episodes.

use proptest::prelude::*;
use vitals::{Unit, Vital};

use super::*;
use crate::alert::Change;
use crate::sample::{key, minute, plan, quantity, reading};

const PLAN: &str = r#"
name = "heart-failure"
version = 1
subject = "client-4711"
late_after_min = 60

[[repeated]]
id = "often"
vital = "systolic-pressure"
priority = "low"
at_or_above = "140 mmHg"
clear_at_or_below = "135 mmHg"
times = 2
of = 3
within_days = 2

[[change]]
id = "rise"
vital = "systolic-pressure"
priority = "medium"
rises_by = "20 mmHg"
within_hours = 24
clears_at = "10 mmHg"
"#;

/// A systolic pressure, measured so many hours after the one before it and told so many later.
#[derive(Debug, Clone, Copy)]
struct Measured {
    after_h: i64,
    delay_h: i64,
    mmhg: i64,
}

fn measured() -> impl Strategy<Value = Measured> {
    let delay = prop_oneof![4 => Just(0_i64), 1 => 0_i64..40];
    (1_i64..20, delay, 120_i64..160).prop_map(|(after_h, delay_h, mmhg)| Measured {
        after_h,
        delay_h,
        mmhg,
    })
}

/// What was measured, by its minute: the slip of paper of a careful person.
#[derive(Debug, Default)]
struct Paper {
    values: Vec<(i64, i64)>,
}

impl Paper {
    /// What the rules' texts say of a value that is the newest: whether each stands, has gone, or
    /// neither.
    fn judge(&self, now: i64, mmhg: i64) -> Option<[Option<bool>; 2]> {
        if self.values.iter().any(|(at, _mmhg)| now < *at) {
            return None;
        }
        let mut before = self.values.clone();
        before.sort_by_key(|(at, _mmhg)| *at);
        let within = |hours: i64| before.iter().filter(move |(at, _mmhg)| now - at <= hours * 60);
        let two_before = within(48).rev().take(2).filter(|(_at, it)| 140 <= *it).count();
        let often = match (140 <= mmhg, two_before + usize::from(140 <= mmhg)) {
            (true, 2..) => Some(true),
            (_, 0..2) if mmhg <= 135 => Some(false),
            _ => None,
        };
        let rise = within(24).map(|(_at, it)| mmhg - it).max().and_then(|rise| match rise {
            20.. => Some(true),
            ..=10 => Some(false),
            11..20 => None,
        });
        Some([often, rise])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_rebuilt_engine_and_a_slip_of_paper_find_the_same(course in prop::collection::vec(measured(), 1..40)) {
        let plan = plan(PLAN);
        let mut engine = Engine::new(vec![plan.clone()], Vec::new());
        let mut stored = Vec::new();
        let mut paper = Paper::default();
        let (mut open, mut hour) = ([false; 2], 0);
        for ((seq, index), it) in (1_u64..).zip(0..).zip(course) {
            hour += it.after_h;
            // No two at the same time: neither of these would clear what the other raised.
            let received = hour * 60 + index;
            let at = received - it.delay_h * 60;
            let value = quantity(&it.mmhg.to_string(), Unit::MillimetreOfMercury);
            let mut reading = reading(seq, at, Vital::SystolicPressure, value);
            reading.received_at = minute(received);
            reading.recorded = reading.received_at.into();
            let next = key(seq * 10);
            let followed = engine.observe(reading.received_at, &reading, next);

            let mut rebuilt =
                Engine::new(vec![plan.clone()], engine.open().cloned().collect());
            stored.iter().rev().for_each(|it| rebuilt.remember(it));
            prop_assert_eq!(&followed, &rebuilt.observe(reading.received_at, &reading, next));

            if let Some(judged) = paper.judge(at, it.mmhg) {
                for (open, judged) in open.iter_mut().zip(judged) {
                    *open = judged.unwrap_or(*open);
                }
            }
            for transition in &followed {
                prop_assert_ne!(transition.change, Change::Escalated);
                engine.apply(transition);
            }
            engine.remember(&reading);
            stored.push(reading);
            paper.values.push((at, it.mmhg));
            let rules: Vec<&str> = engine.open().map(|it| it.rule.as_str()).collect();
            prop_assert_eq!(["often", "rise"].map(|it| rules.contains(&it)), open);
        }
    }
}
