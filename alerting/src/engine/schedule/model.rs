//! Schedules through random weeks with a change of the clocks: the engine, one that is rebuilt from the
//! open alerts and the stored readings, and a slow count of the days find the same.

use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use vitals::{LocalInstant, Unit};

use super::*;
use crate::plan::Plan;
use crate::sample::{key, plan, quantity, reading};

const PLAN: &str = r#"
name = "heart-failure"
version = 2
subject = "client-4711"
late_after_min = 60

[[schedule]]
id = "weight-missed"
vital = "body-weight"
priority = "low"
windows = ["06:00-10:00"]
grace_min = 60
missed_in_a_row = 2
"#;

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The client steps on the scale, which tells it so many hours later.
    Weigh {
        delay_h: i64,
    },
    Acknowledge,
    /// The hub is off for so many hours.
    Off {
        hours: i64,
    },
    Restart,
    Wait,
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let step = prop_oneof![
        2 => prop_oneof![3 => Just(0_i64), 1 => 0_i64..60].prop_map(|delay_h| Step::Weigh { delay_h }),
        1 => Just(Step::Acknowledge),
        1 => (1_i64..30).prop_map(|hours| Step::Off { hours }),
        1 => Just(Step::Restart),
        4 => Just(Step::Wait),
    ];
    prop::collection::vec((1_i64..40, step), 1..40)
}

fn zone() -> TimeZone {
    TimeZone::get("America/New_York").unwrap()
}

fn local(hours: i64) -> LocalInstant {
    let start: Timestamp = "2026-03-01T05:30:00Z".parse().unwrap();
    LocalInstant::new(start + SignedDuration::from_hours(hours), &zone())
}

fn weight(seq: u64, measured_h: i64, received_h: i64) -> Reading {
    let mut reading = reading(seq, 0, Vital::BodyWeight, quantity("80", Unit::Kilogram));
    (reading.measured_at, reading.received_at) = (local(measured_h), local(received_h));
    reading.recorded = reading.received_at.into();
    reading
}

/// What somebody writes down who is at home all the time.
#[derive(Debug, Default)]
struct Paper {
    weighed: Vec<Timestamp>,
    off: Vec<(Timestamp, Timestamp)>,
}

impl Paper {
    /// The windows that have closed, by hand: opens, closes; the latest first.
    fn closed(now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let today = zone().to_datetime(now).date();
        let at = |day: jiff::civil::Date, hour| {
            day.at(hour, 0, 0, 0).to_zoned(zone()).unwrap().timestamp()
        };
        let mut day = date(2026, 2, 1);
        let mut closed = Vec::new();
        while day <= today {
            let is_of_late = day.until(today).unwrap().get_days() <= 14;
            if is_of_late && at(day, 11) <= now {
                closed.insert(0, (at(day, 6), at(day, 11)));
            }
            day = day.tomorrow().unwrap();
        }
        closed
    }

    fn missed(&self, now: Timestamp) -> usize {
        let last = self.weighed.iter().max().copied().unwrap_or(Timestamp::MIN);
        let is_off = |opens: Timestamp, closes: Timestamp| {
            self.off.iter().any(|(from, to)| *from < closes && opens < *to)
        };
        let open = Self::closed(now).into_iter().filter(|(opens, _closes)| last < *opens);
        open.filter(|(opens, closes)| !is_off(*opens, *closes)).count()
    }
}

fn rebuilt(engine: &Engine, stored: &[Reading], paper: &Paper) -> Engine {
    let plans: Vec<Plan> = engine.plans().cloned().collect();
    let mut rebuilt = Engine::new(plans, engine.open().cloned().collect()).in_zone(zone());
    stored.iter().rev().for_each(|it| rebuilt.remember(it));
    paper.off.iter().for_each(|(from, to)| rebuilt.note_outage(outage(*from, *to)));
    rebuilt
}

fn outage(from: Timestamp, until: Timestamp) -> Outage {
    let vitals = Vital::ALL.into_iter().collect();
    Outage { from, until: Some(until), cause: "the hub was off".to_owned(), vitals }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_slow_count_of_the_days_finds_the_same_and_only_a_measurement_ends_it(steps in steps()) {
        let mut engine = Engine::new(vec![plan(PLAN)], Vec::new()).in_zone(zone());
        let (mut paper, mut stored) = (Paper::default(), Vec::new());
        let begins = local(0).at;
        engine.note_in_force(plan(PLAN).subject().clone(), "heart-failure".to_owned(), begins);
        // Before the first day there was no plan.
        paper.off.push((Timestamp::MIN, begins));
        let (mut hour, mut told) = (0, 0);
        for ((wait_h, step), seq) in steps.into_iter().zip(1_u64..) {
            hour += wait_h;
            let now = Moment::from(local(hour));
            for transition in engine.advance(now, key(seq * 10)) {
                prop_assert!(transition.change != Change::Cleared && transition.alert.is_open());
                engine.apply(&transition);
            }
            prop_assert!(engine.next_wait(&now).is_none_or(|it| !it.is_zero()));
            let missed = paper.missed(now.at.at);
            told = if 2 <= missed { missed.max(told) } else { told };
            let count = engine.open().next().map_or(0, |it| usize::try_from(it.count).unwrap());
            prop_assert_eq!(count, told, "at {}", now.at);
            match step {
                Step::Weigh { delay_h } => {
                    let it = weight(seq, hour - delay_h, hour);
                    for transition in engine.observe(now.at, &it, key(seq * 10)) {
                        prop_assert_eq!(transition.change, Change::Cleared);
                        engine.apply(&transition);
                    }
                    engine.remember(&it);
                    let measured = it.measured_at.at;
                    let latest = Paper::closed(now.at.at).first().map(|it| it.0);
                    if latest.is_none_or(|it| it <= measured) {
                        told = 0;
                    }
                    paper.weighed.push(measured);
                    stored.push(it);
                }
                Step::Acknowledge => {
                    let id = engine.open().next().map_or(key(0), |it| it.id);
                    if let Ok(answer) = engine.acknowledge(now.at, id, "Nurse A", None) {
                        engine.apply(&answer);
                    }
                }
                Step::Off { hours } => {
                    let until = local(hour + hours).at;
                    engine.note_outage(outage(now.at.at, until));
                    paper.off.push((now.at.at, until));
                    hour += hours;
                }
                Step::Restart => engine = rebuilt(&engine, &stored, &paper),
                Step::Wait => {}
            }
        }
    }
}
