//! Episodes from the first reading to the last answer.

use vitals::{BootId, Flag, Measurement, Moment, Priority, Quantity, Unit, Uptime, Vital};

use super::*;
use crate::alert::{Change, Standing};
use crate::sample::{PLAN, key, minute, plan, quantity, reading, subject, systolic};

/// The sample plan without its medium rule, so that one value makes one alert.
fn crisis_engine() -> Engine {
    let crisis_only: String = PLAN
        .split("\n[[")
        .filter(|it| !it.contains("systolic-high"))
        .collect::<Vec<_>>()
        .join("\n[[");
    Engine::new(vec![plan(&crisis_only)], Vec::new())
}

/// Observes at the time of reception, and applies.
fn observe(engine: &mut Engine, reading: &Reading) -> Vec<Transition> {
    let transitions = engine.observe(reading.received_at, reading, key(reading.id.seq * 10));
    transitions.iter().for_each(|it| engine.apply(it));
    transitions
}

/// Observes a systolic pressure each ten minutes, and tells what changed.
fn course(engine: &mut Engine, values: &[&str]) -> Vec<Vec<Change>> {
    let step = |(seq, value): (u64, &&str)| {
        let at_minute = i64::try_from(seq).unwrap() * 10;
        observe(engine, &systolic(seq, at_minute, value)).iter().map(|it| it.change).collect()
    };
    (1..).zip(values).map(step).collect()
}

fn only(engine: &Engine) -> Alert {
    let open: Vec<&Alert> = engine.open().collect();
    assert_eq!(open.len(), 1);
    open[0].clone()
}

#[test]
fn a_value_at_the_limit_raises_an_alert_that_says_why() {
    let mut engine = crisis_engine();
    let transitions = observe(&mut engine, &systolic(1, 0, "184"));
    let alert = only(&engine);
    assert_eq!(transitions, [Transition { change: Change::Raised, alert: alert.clone() }]);
    assert_eq!(
        alert.why,
        "Systolic pressure 184 mmHg is at or above the limit of 180 mmHg (rule systolic-crisis, plan hypertension version 3; clears at or below 175 mmHg)."
    );
    assert_eq!((alert.id, alert.rev, alert.count), (key(10), 1, 1));
    assert_eq!((alert.priority, alert.category), (Priority::High, vitals::Category::Clinical));
    assert_eq!((alert.plan.as_str(), alert.plan_version), ("hypertension", 3));
    assert_eq!(alert.value.map(|it| it.to_string()), Some("184 mmHg".to_owned()));
    assert_eq!(alert.limit.map(|it| it.to_string()), Some("180 mmHg".to_owned()));
    assert_eq!(alert.subject, Some(subject()));
    assert!(!alert.late && alert.confirmed);
}

#[test]
fn a_repetition_that_is_as_urgent_says_nothing_of_an_earlier_value() {
    let mut engine = crisis_engine();
    course(&mut engine, &["190", "195"]);
    let why = only(&engine).why;
    assert!(why.starts_with("Systolic pressure 195 mmHg is at or above"), "{why}");
    assert!(!why.contains("earlier"), "{why}");
}

#[test]
fn a_doubtful_value_says_so() {
    let mut engine = crisis_engine();
    let mut reading = systolic(1, 0, "184");
    reading.flags.extend([Flag::CuffLoose, Flag::BodyMovement, Flag::BatteryLow]);
    observe(&mut engine, &reading);
    let why = only(&engine).why;
    assert!(
        why.starts_with("Systolic pressure 184 mmHg (body-movement, cuff-loose) is at"),
        "{why}"
    );
}

#[test]
fn looking_changes_nothing() {
    let engine = crisis_engine();
    let reading = systolic(1, 0, "184");
    let first = engine.observe(minute(0), &reading, key(1));
    assert_eq!(first, engine.observe(minute(0), &reading, key(1)));
    assert_eq!(engine.open().count(), 0);
}

#[test]
fn values_between_the_limit_and_the_clear_level_change_nothing() {
    let mut engine = crisis_engine();
    assert_eq!(
        course(&mut engine, &["179", "180", "179", "176", "180", "179"]),
        [vec![], vec![Change::Raised], vec![], vec![], vec![Change::Repeated], vec![]]
    );
    assert_eq!(only(&engine).count, 2);
}

#[test]
fn a_high_alert_that_nobody_acknowledged_latches() {
    let mut engine = crisis_engine();
    course(&mut engine, &["184", "175"]);
    let latched = only(&engine);
    assert_eq!((latched.state, latched.standing()), (Change::Cleared, Standing::Latched));
    assert_eq!(latched.cleared_at, Some(minute(20)));
    assert_eq!(latched.value.map(|it| it.to_string()), Some("184 mmHg".to_owned()));

    let answer = engine.acknowledge(minute(30), latched.id, "Nurse A", None).unwrap();
    engine.apply(&answer);
    assert_eq!((answer.change, answer.alert.standing()), (Change::Acknowledged, Standing::Done));
    assert_eq!(engine.open().count(), 0);
}

#[test]
fn a_latched_alert_stands_again_when_the_value_comes_back() {
    let mut engine = crisis_engine();
    let changes = course(&mut engine, &["184", "170", "160", "190"]);
    assert_eq!(
        changes,
        [vec![Change::Raised], vec![Change::Cleared], vec![], vec![Change::Repeated]]
    );
    let alert = only(&engine);
    assert_eq!((alert.standing(), alert.cleared_at, alert.count), (Standing::Active, None, 2));
}

#[test]
fn a_medium_alert_is_done_once_it_clears() {
    let mut engine = Engine::new(vec![plan(PLAN)], Vec::new());
    let changes = course(&mut engine, &["165", "155", "165"]);
    assert_eq!(changes, [vec![Change::Raised], vec![Change::Cleared], vec![Change::Raised]]);
    assert_eq!(only(&engine).id, key(30));
}

#[test]
fn an_acknowledged_alert_stays_acknowledged_while_its_value_stays_beyond_the_limit() {
    let mut engine = crisis_engine();
    course(&mut engine, &["184"]);
    let answer = engine.acknowledge(minute(15), key(10), "Nurse A", Some("Called.")).unwrap();
    engine.apply(&answer);
    observe(&mut engine, &systolic(2, 20, "186"));
    let alert = only(&engine);
    assert_eq!((alert.state, alert.standing()), (Change::Repeated, Standing::Acknowledged));
    assert_eq!((alert.count, alert.by.as_deref()), (2, Some("Nurse A")));
    assert_eq!(alert.note.as_deref(), Some("Called."));

    let cleared = observe(&mut engine, &systolic(3, 30, "170"));
    assert_eq!(cleared.iter().map(|it| it.change).collect::<Vec<_>>(), [Change::Cleared]);
    assert_eq!(engine.open().count(), 0);
}

#[test]
fn a_worse_value_raises_the_alert_of_the_worse_band_beside_an_acknowledged_one() {
    let mut engine = Engine::new(vec![plan(PLAN)], Vec::new());
    course(&mut engine, &["165"]);
    engine.apply(&engine.acknowledge(minute(15), key(10), "Nurse A", None).unwrap());
    let transitions = observe(&mut engine, &systolic(2, 20, "184"));
    let told: Vec<_> = transitions
        .iter()
        .map(|it| (it.change, it.alert.rule.as_str(), it.alert.id, it.alert.standing()))
        .collect();
    assert_eq!(
        told,
        [
            (Change::Raised, "systolic-crisis", key(20), Standing::Active),
            (Change::Repeated, "systolic-high", key(10), Standing::Acknowledged),
        ]
    );
}

#[test]
fn a_worse_value_makes_the_same_alert_more_urgent_and_asks_again() {
    let mut engine = Engine::new(vec![plan(PLAN)], Vec::new());
    let pulse = |engine: &mut Engine, seq: u64, value: &str| {
        let at_minute = i64::try_from(seq).unwrap() * 10;
        let quantity = quantity(value, Unit::PerMinute);
        observe(engine, &reading(seq, at_minute, Vital::PulseRate, quantity));
        only(engine)
    };
    let raised = pulse(&mut engine, 1, "115");
    assert_eq!((raised.state, raised.priority), (Change::Raised, Priority::Medium));
    let taken = engine.acknowledge(minute(15), raised.id, "Nurse A", None).unwrap();
    engine.apply(&taken);
    let worse = pulse(&mut engine, 2, "140");
    assert_eq!((worse.state, worse.priority), (Change::Escalated, Priority::High));
    assert_eq!((worse.id, worse.standing()), (raised.id, Standing::Active));
    assert_eq!(worse.limit.map(|it| it.to_string()), Some("131 /min".to_owned()));
    // Better, but not well: the episode keeps its priority.
    let milder = pulse(&mut engine, 3, "112");
    assert_eq!((milder.state, milder.priority), (Change::Repeated, Priority::High));
    assert_eq!(pulse(&mut engine, 4, "100").standing(), Standing::Latched);
}

const WEIGHTS: &str = r#"
name = "heart-failure"
version = 1
subject = "client-4711"
late_after_min = 60

[[weight_change]]
id = "weight-gain-day"
priority = "high"
gains = "3 lb"
over_days = 1
clears_at = "1 lb"
"#;

#[test]
fn a_rule_looks_back_on_what_was_remembered_and_on_nothing_else() {
    let weight = |seq: u64, pounds: &str| {
        let at_minute = i64::try_from(seq).unwrap() * 24 * 60;
        reading(seq, at_minute, Vital::BodyWeight, quantity(pounds, Unit::Pound))
    };
    let mut engine = Engine::new(vec![plan(WEIGHTS)], Vec::new());
    engine.remember(&weight(1, "180"));
    assert_eq!(engine.observe(minute(0), &weight(2, "182"), key(20)), []);
    // Looked at, and not committed: it is no history.
    assert_eq!(engine.observe(minute(0), &weight(3, "185"), key(30)), []);
    engine.remember(&weight(2, "182"));
    let transitions = observe(&mut engine, &weight(3, "185"));
    assert_eq!(transitions.len(), 1);
    let alert = &transitions[0].alert;
    assert_eq!(
        alert.why,
        "Weight 185 lb is 3 lb above 182 lb of 1 day before (limit 3 lb in 1 day) (rule weight-gain-day, plan heart-failure version 1; clears on a later day at a change of 1 lb or less)."
    );
    assert_eq!(alert.limit, None);
    assert_eq!(alert.readings.iter().map(|it| it.seq).collect::<Vec<_>>(), [2, 3]);
    // The same weight of the next day is no gain of a day.
    engine.remember(&weight(3, "185"));
    assert_eq!(observe(&mut engine, &weight(4, "185"))[0].change, Change::Cleared);
}

#[test]
fn a_reading_of_somebody_else_is_forgotten() {
    let weight = |seq: u64, pounds: &str| {
        let at_minute = i64::try_from(seq).unwrap() * 24 * 60;
        reading(seq, at_minute, Vital::BodyWeight, quantity(pounds, Unit::Pound))
    };
    let mut engine = Engine::new(vec![plan(WEIGHTS)], Vec::new());
    engine.remember(&weight(1, "180"));
    let gain = weight(2, "185");
    assert_eq!(engine.observe(minute(0), &gain, key(20)).len(), 1);
    engine.forget(&weight(1, "180"));
    assert_eq!(engine.observe(minute(0), &gain, key(20)), []);
}

#[test]
fn only_rules_that_look_back_need_a_history() {
    let engine = |text: &str| Engine::new(vec![plan(text)], Vec::new());
    assert!(!engine(PLAN).looks_back());
    assert!(engine(WEIGHTS).looks_back());
    let tells_silence = PLAN.replacen("late_after_min", "stale_after_h = 24\nlate_after_min", 1);
    assert!(engine(&tells_silence).looks_back());
}

#[test]
fn each_transition_counts_a_place_in_the_ledger() {
    let mut engine = Engine::new(vec![plan(PLAN)], Vec::new());
    let mut reading = systolic(1, 0, "184");
    let quantity = quantity("88", Unit::Percent);
    reading.values.push(Measurement { vital: Vital::OxygenSaturation, quantity });
    let ids: Vec<_> =
        observe(&mut engine, &reading).iter().map(|it| (it.alert.id, it.alert.priority)).collect();
    assert_eq!(
        ids,
        [(key(10), Priority::High), (key(11), Priority::High), (key(12), Priority::Medium)]
    );
}

#[test]
fn a_reading_that_was_measured_before_the_evidence_does_not_clear() {
    for at_minute in [-60, 9, 10] {
        let mut engine = crisis_engine();
        observe(&mut engine, &systolic(1, 10, "184"));
        let mut older = systolic(2, at_minute, "120");
        older.received_at = minute(20);
        assert_eq!(observe(&mut engine, &older), [], "measured at minute {at_minute}");
    }
}

#[test]
fn a_reading_from_the_future_counts_from_its_reception() {
    let mut engine = crisis_engine();
    let mut ahead = systolic(1, 600, "184");
    ahead.received_at = minute(10);
    observe(&mut engine, &ahead);
    assert_eq!(only(&engine).measured, Some(minute(10).into()));
    assert_eq!(observe(&mut engine, &systolic(2, 20, "120")).len(), 1);
}

#[test]
fn older_evidence_is_counted_but_does_not_take_the_place_of_newer() {
    let mut engine = crisis_engine();
    observe(&mut engine, &systolic(1, 100, "184"));
    let mut older = systolic(2, 10, "199");
    older.received_at = minute(110);
    observe(&mut engine, &older);
    let alert = only(&engine);
    assert_eq!((alert.count, alert.measured, alert.late), (2, Some(minute(100).into()), false));
    assert_eq!(alert.value.map(|it| it.to_string()), Some("184 mmHg".to_owned()));
}

#[test]
fn newer_evidence_takes_the_place_of_older_and_so_does_what_was_measured_at_the_same_time() {
    let mut engine = crisis_engine();
    observe(&mut engine, &systolic(1, 0, "184"));
    observe(&mut engine, &systolic(2, 0, "190"));
    assert_eq!(only(&engine).value, Some(pressure_190()));
    let mut newer = systolic(3, 10, "199");
    newer.received_at = minute(200);
    observe(&mut engine, &newer);
    let alert = only(&engine);
    assert_eq!((alert.measured, alert.late), (Some(minute(10).into()), true));
    assert!(alert.why.starts_with("Systolic pressure 199 mmHg"), "{}", alert.why);
}

#[test]
fn a_reading_is_late_when_it_came_later_than_the_plan_allows() {
    for (delay_min, expected) in [(0, false), (59, false), (60, false), (61, true)] {
        let mut engine = crisis_engine();
        let mut reading = systolic(1, 0, "184");
        reading.received_at = minute(delay_min);
        observe(&mut engine, &reading);
        assert_eq!(only(&engine).late, expected, "{delay_min} min");
    }
}

#[test]
fn what_was_measured_days_ago_is_of_low_priority_and_makes_nothing_more_urgent() {
    const DAY: i64 = 24 * 60;
    let of_day = |seq, measured: i64, received: i64, value| {
        let pressure = systolic(seq, measured * DAY, value);
        Reading { received_at: minute(received * DAY), ..pressure }
    };
    let mut engine = crisis_engine();
    observe(&mut engine, &of_day(1, 0, 4, "184"));
    assert_eq!((only(&engine).priority, only(&engine).late), (Priority::Low, true));
    observe(&mut engine, &of_day(2, 1, 5, "199"));
    let alert = only(&engine);
    assert_eq!((alert.state, alert.priority), (Change::Repeated, Priority::Low));
    // After a long weekend without power it is as urgent as ever.
    observe(&mut engine, &of_day(3, 3, 6, "184"));
    let alert = only(&engine);
    assert_eq!((alert.state, alert.priority), (Change::Escalated, Priority::High));
    observe(&mut engine, &of_day(4, 3, 7, "199"));
    assert_eq!(only(&engine).priority, Priority::High, "an old value takes nothing back either");
}

#[test]
fn the_same_reading_observed_twice_counts_once() {
    let mut engine = crisis_engine();
    let reading = systolic(1, 0, "184");
    observe(&mut engine, &reading);
    assert_eq!(observe(&mut engine, &reading), []);
}

#[test]
fn silence_clears_nothing() {
    let mut engine = crisis_engine();
    course(&mut engine, &["184"]);
    let a_year = 365 * 24 * 60;
    assert_eq!(engine.next_wait(&minute(20).into()), None);
    assert_eq!(engine.advance(minute(a_year).into(), key(99)), []);
    assert_eq!(only(&engine).standing(), Standing::Active);
}

#[test]
fn an_answer_to_an_unknown_alert_is_refused() {
    let engine = crisis_engine();
    let refusal = Refusal::NotOpen { alert: key(5) };
    assert_eq!(engine.acknowledge(minute(0), key(5), "Nurse A", None), Err(refusal.clone()));
    let closed = engine.close(minute(0), key(5), "Nurse A", Disposition::Test, None);
    assert_eq!(closed, Err(refusal));
}

#[test]
fn an_acknowledgement_that_arrives_twice_is_harmless() {
    let mut engine = crisis_engine();
    course(&mut engine, &["184"]);
    engine.apply(&engine.acknowledge(minute(15), key(10), "Nurse A", None).unwrap());
    let before = only(&engine);
    assert_eq!(
        engine.acknowledge(minute(16), key(10), "Nurse B", Some("again")),
        Err(Refusal::AlreadyAcknowledged { alert: key(10), by: "Nurse A".to_owned() })
    );
    assert_eq!(only(&engine), before);
}

#[test]
fn an_acknowledgement_that_arrives_after_the_close_does_not_reopen() {
    let mut engine = crisis_engine();
    course(&mut engine, &["184"]);
    let closed = engine.close(minute(15), key(10), "Nurse A", Disposition::TrueActioned, None);
    engine.apply(&closed.unwrap());
    assert_eq!(
        engine.acknowledge(minute(16), key(10), "Nurse A", None),
        Err(Refusal::NotOpen { alert: key(10) })
    );
}

#[test]
fn closing_ends_the_episode_and_the_next_value_beyond_the_limit_raises_another() {
    let mut engine = crisis_engine();
    course(&mut engine, &["184"]);
    let note = Some("Saw the client.");
    let closed = engine.close(minute(15), key(10), "Nurse A", Disposition::TrueActioned, note);
    let closed = closed.unwrap();
    engine.apply(&closed);
    assert_eq!((closed.change, closed.alert.by.as_deref()), (Change::Closed, Some("Nurse A")));
    assert_eq!(closed.alert.disposition, Some(Disposition::TrueActioned));
    assert_eq!(engine.open().count(), 0);

    let again = observe(&mut engine, &systolic(2, 20, "184"));
    assert_eq!(again[0].change, Change::Raised);
    assert_eq!(again[0].alert.id, key(20));
}

#[test]
fn a_client_without_a_plan_is_not_judged_by_the_plan_of_another() {
    let mut engine = crisis_engine();
    let mut reading = systolic(1, 0, "184");
    reading.subject = Some("client-9".parse().unwrap());
    assert_eq!(observe(&mut engine, &reading), []);
}

#[test]
fn a_value_of_an_unknown_client_alerts_by_the_plans_of_all_candidates() {
    let stricter = PLAN
        .replace("client-4711", "client-9")
        .replace("160 mmHg", "140 mmHg")
        .replace("155 mmHg", "135 mmHg");
    let mut engine = Engine::new(vec![plan(PLAN), plan(&stricter)], Vec::new());
    let mut reading = systolic(1, 0, "145");
    reading.subject = None;
    reading.subject_candidates = vec![subject(), "client-9".parse().unwrap()];
    assert_eq!(observe(&mut engine, &reading).len(), 1);
    assert_eq!(only(&engine).subject, None);

    let mut crisis = systolic(2, 10, "184");
    crisis.subject = None;
    crisis.subject_candidates = reading.subject_candidates.clone();
    let rules: Vec<_> =
        observe(&mut engine, &crisis).iter().map(|it| (it.change, it.alert.rule.clone())).collect();
    assert_eq!(
        rules,
        [
            (Change::Raised, "systolic-crisis".to_owned()),
            (Change::Repeated, "systolic-high".to_owned())
        ]
    );

    // A normal value of one of them says nothing about whose the high one was.
    assert_eq!(observe(&mut engine, &systolic(3, 20, "120")), []);
    assert_eq!(engine.open().count(), 2);
}

#[test]
fn an_alert_does_not_name_its_client() {
    let mut engine = Engine::new(vec![plan(PLAN)], Vec::new());
    observe(&mut engine, &systolic(1, 0, "184"));
    for alert in engine.open() {
        assert!(!alert.why.contains(subject().as_str()));
        assert!(!format!("{alert:?}").contains(subject().as_str()));
    }
}

#[test]
fn the_highest_version_of_a_plan_counts() {
    let newer = PLAN.replace("version = 3", "version = 4").replace("180 mmHg", "190 mmHg");
    for plans in [[PLAN, newer.as_str()], [newer.as_str(), PLAN]] {
        let engine = Engine::new(plans.map(plan).into(), Vec::new());
        assert_eq!(engine.plans().map(Plan::version).collect::<Vec<_>>(), [4]);
    }
}

#[test]
fn plans_with_different_names_stand_beside_each_other() {
    let other = PLAN.replace("hypertension", "kidney").replace("180 mmHg", "170 mmHg");
    let other = other.replace("175 mmHg", "165 mmHg");
    let mut engine = Engine::new(vec![plan(PLAN), plan(&other)], Vec::new());
    let mut crises = |reading: &Reading| -> Vec<(Change, String)> {
        let transitions = observe(&mut engine, reading);
        let crises = transitions.into_iter().filter(|it| it.alert.rule == "systolic-crisis");
        crises.map(|it| (it.change, it.alert.plan)).collect()
    };
    assert_eq!(crises(&systolic(1, 0, "172")), [(Change::Raised, "kidney".to_owned())]);
    assert_eq!(
        crises(&systolic(2, 10, "184")),
        [(Change::Raised, "hypertension".to_owned()), (Change::Repeated, "kidney".to_owned())]
    );
}

#[test]
fn a_rule_that_now_watches_another_vital_leaves_its_old_alert_to_a_person() {
    let mut engine = crisis_engine();
    course(&mut engine, &["184"]);
    let other = PLAN
        .replacen("systolic-pressure", "diastolic-pressure", 1)
        .replace("180 mmHg", "120 mmHg")
        .replace("175 mmHg", "115 mmHg");
    let mut engine = Engine::new(vec![plan(&other)], engine.open().cloned().collect());
    let mut diastolic = systolic(2, 20, "80");
    diastolic.values.iter_mut().for_each(|it| it.vital = Vital::DiastolicPressure);
    assert_eq!(observe(&mut engine, &diastolic), []);
    assert_eq!(only(&engine).standing(), Standing::Active);
}

#[test]
fn a_new_version_of_the_plan_goes_on_with_the_open_alert() {
    let mut engine = crisis_engine();
    course(&mut engine, &["184"]);
    let newer = PLAN
        .replace("version = 3", "version = 4")
        .replace("180 mmHg", "190 mmHg")
        .replace("175 mmHg", "187 mmHg");
    let mut engine = Engine::new(vec![plan(&newer)], engine.open().cloned().collect());
    let repeated = observe(&mut engine, &systolic(2, 20, "191"));
    assert_eq!((repeated[0].change, repeated[0].alert.id), (Change::Repeated, key(10)));
    assert_eq!(repeated[0].alert.plan_version, 4);
    assert_eq!(repeated[0].alert.limit, Some(pressure_190()));
    observe(&mut engine, &systolic(3, 30, "187"));
    assert_eq!(engine.open().find(|it| it.id == key(10)).unwrap().standing(), Standing::Latched);
}

fn pressure_190() -> Quantity {
    quantity("190", Unit::MillimetreOfMercury)
}

#[test]
fn an_alert_whose_rule_is_gone_waits_for_a_person() {
    let mut engine = crisis_engine();
    course(&mut engine, &["184"]);
    let mut engine = Engine::new(Vec::new(), engine.open().cloned().collect());
    assert_eq!(observe(&mut engine, &systolic(2, 20, "120")), []);
    engine.apply(&engine.acknowledge(minute(25), key(10), "Nurse A", None).unwrap());
    assert_eq!(only(&engine).standing(), Standing::Acknowledged);
    let closed = engine.close(minute(30), key(10), "Nurse A", Disposition::TrueExpected, None);
    engine.apply(&closed.unwrap());
    assert_eq!(engine.open().count(), 0);
}

#[test]
fn a_transition_that_is_applied_out_of_order_does_not_turn_time_back() {
    let mut engine = crisis_engine();
    let raised = observe(&mut engine, &systolic(1, 0, "184"));
    observe(&mut engine, &systolic(2, 10, "185"));
    engine.apply(&raised[0]);
    assert_eq!(only(&engine).rev, 2);
}

/// A reading that was received `at_minute` by a hub whose wall clock was ahead by so many minutes.
fn ahead(seq: u64, at_minute: i64, ahead_min: i64, boot: u8, mmhg: &str) -> Reading {
    let on = Uptime { boot: BootId([boot; 16]), ms: at_minute * 60_000 };
    let reading = systolic(seq, at_minute + ahead_min, mmhg);
    Reading { recorded: Moment { on: Some(on), ..reading.recorded }, ..reading }
}

#[test]
fn setting_the_clock_neither_holds_up_nor_hastens_what_clears() {
    const HOUR: i64 = 60;
    const DECADE: i64 = 10 * 365 * 24 * 60;
    for (before, after) in [(0, -HOUR), (0, HOUR), (HOUR, 0), (0, -DECADE), (DECADE, 0)] {
        let mut engine = crisis_engine();
        observe(&mut engine, &ahead(1, 10, before, 1, "184"));
        observe(&mut engine, &ahead(2, 20, after, 1, "160"));
        assert_eq!(only(&engine).state, Change::Cleared, "{before} {after}");
    }
    // What was measured before the evidence does not clear, however late the clock says it was.
    let mut engine = crisis_engine();
    observe(&mut engine, &ahead(1, 10, 0, 1, "184"));
    let mut stored = ahead(2, 20, HOUR, 1, "160");
    stored.measured_at = minute(5 + HOUR);
    observe(&mut engine, &stored);
    assert_eq!(only(&engine).state, Change::Raised);
}

#[test]
fn after_a_restart_of_the_machine_a_wrong_clock_holds_nothing_up() {
    let mut engine = crisis_engine();
    observe(&mut engine, &ahead(1, 1000, 0, 1, "184"));
    observe(&mut engine, &ahead(2, 1, 0, 2, "160"));
    assert_eq!(only(&engine).state, Change::Cleared);
}

#[test]
fn an_engine_that_is_reopened_keeps_its_plans_and_takes_other_alerts() {
    let mut engine = crisis_engine();
    observe(&mut engine, &systolic(1, 0, "190"));
    let alert = only(&engine);
    assert_eq!(engine.reopened(Vec::new()).open().count(), 0);
    let mut reopened = engine.reopened(vec![alert.clone()]);
    assert_eq!(only(&reopened), alert);
    assert_eq!(observe(&mut reopened, &systolic(2, 10, "191"))[0].change, Change::Repeated);
}
