//! Measurements that are made, that are not, and that nobody could have heard.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use vitals::{Category, LocalInstant, Priority, TimeQuality, Unit};

use super::*;
use crate::alert::{Disposition, Standing};
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

fn at(text: &str) -> Moment {
    let zone = TimeZone::get("America/New_York").unwrap();
    let local: jiff::civil::DateTime = text.parse().unwrap();
    let at = local.to_zoned(zone.clone()).unwrap().timestamp();
    LocalInstant::new(at, &zone).into()
}

/// An engine of a home in New York, whose client stepped on the scale on Sunday, 1 March.
fn engine() -> Engine {
    let zone = TimeZone::get("America/New_York").unwrap();
    let mut engine = Engine::new(vec![plan(PLAN)], Vec::new()).in_zone(zone);
    weigh(&mut engine, 1, "2026-03-01T07:00");
    engine
}

fn weight(seq: u64, when: &str) -> Reading {
    let mut reading = reading(seq, 0, Vital::BodyWeight, quantity("80", Unit::Kilogram));
    let when = at(when);
    (reading.measured_at, reading.received_at, reading.recorded) = (when.at, when.at, when);
    reading
}

fn take(engine: &mut Engine, reading: &Reading) -> Vec<Change> {
    let transitions = engine.observe(reading.recorded.at, reading, key(reading.id.seq * 10));
    engine.remember(reading);
    transitions.iter().for_each(|it| engine.apply(it));
    transitions.iter().map(|it| it.change).collect()
}

fn weigh(engine: &mut Engine, seq: u64, when: &str) -> Vec<Change> {
    take(engine, &weight(seq, when))
}

fn wait_until(engine: &mut Engine, when: &str) -> Vec<Change> {
    let transitions = engine.advance(at(when), key(99));
    transitions.iter().for_each(|it| engine.apply(it));
    transitions.iter().map(|it| it.change).collect()
}

fn minutes_left(engine: &Engine, when: &str) -> Option<i64> {
    engine.next_wait(&at(when)).map(|it| it.as_mins())
}

fn outage(from: &str, until: Option<&str>) -> Outage {
    Outage {
        from: at(from).at.at,
        until: until.map(|it| at(it).at.at),
        cause: "the hub was off".to_owned(),
        vitals: BTreeSet::from([Vital::BodyWeight]),
    }
}

#[test]
fn so_many_missed_windows_in_a_row_are_told_when_the_grace_of_the_last_has_ended() {
    let mut engine = engine();
    assert_eq!(minutes_left(&engine, "2026-03-01T12:00"), Some(23 * 60));
    assert_eq!(wait_until(&mut engine, "2026-03-02T11:00"), []);
    assert_eq!(minutes_left(&engine, "2026-03-02T11:00"), Some(24 * 60));
    assert_eq!(wait_until(&mut engine, "2026-03-03T10:59"), []);
    assert_eq!(minutes_left(&engine, "2026-03-03T11:00"), Some(0));
    assert_eq!(wait_until(&mut engine, "2026-03-03T11:00"), [Change::Raised]);
    let alert = engine.open().next().unwrap().clone();
    assert_eq!(
        alert.why,
        "Weight was not measured in 2 windows in a row, the last 06:00 to 10:00 on 2026-03-03 (rule weight-missed, plan heart-failure version 2)."
    );
    assert_eq!((alert.category, alert.priority), (Category::Adherence, Priority::Low));
    assert_eq!((alert.id, alert.count, alert.measured), (key(99), 2, None));
    assert_eq!(alert.subject.as_ref().map(SubjectId::as_str), Some("client-4711"));
    assert_eq!(wait_until(&mut engine, "2026-03-03T23:00"), []);
    assert_eq!(wait_until(&mut engine, "2026-03-04T11:00"), [Change::Repeated]);
    assert_eq!(engine.open().map(|it| it.count).collect::<Vec<_>>(), [3]);
}

#[test]
fn a_measurement_ends_it_and_time_does_not() {
    let mut engine = engine();
    wait_until(&mut engine, "2026-03-03T11:00");
    assert_eq!(weigh(&mut engine, 2, "2026-03-03T15:00"), [Change::Cleared]);
    assert_eq!(engine.open().count(), 0);
    assert_eq!(minutes_left(&engine, "2026-03-03T15:00"), Some(20 * 60));
    assert_eq!(wait_until(&mut engine, "2026-03-04T11:00"), [], "one window is not two");
    assert_eq!(wait_until(&mut engine, "2026-03-05T11:00"), [Change::Raised]);
    for day in 6..=30 {
        wait_until(&mut engine, &format!("2026-03-{day:02}T12:00"));
    }
    let alert = engine.open().next().unwrap();
    assert_eq!((alert.standing(), alert.count), (Standing::Active, 15));
}

#[test]
fn an_old_measurement_that_comes_late_is_no_new_one() {
    let mut engine = engine();
    wait_until(&mut engine, "2026-03-03T11:00");
    let mut old = weight(2, "2026-03-03T12:00");
    old.measured_at = at("2026-03-02T07:00").at;
    assert_eq!(take(&mut engine, &old), []);
    let mut of_unknown_time = weight(3, "2026-03-03T12:30");
    of_unknown_time.time_quality = TimeQuality::Fault;
    assert_eq!(take(&mut engine, &of_unknown_time), []);
    let mut kept_by_the_scale = weight(4, "2026-03-03T13:00");
    kept_by_the_scale.measured_at = at("2026-03-03T09:00").at;
    assert_eq!(take(&mut engine, &kept_by_the_scale), [Change::Cleared]);
}

#[test]
fn the_hours_of_a_day_on_which_the_clocks_change_count_as_they_are() {
    let mut engine = engine();
    weigh(&mut engine, 2, "2026-03-06T07:00");
    // From Saturday to Sunday the night has an hour less.
    assert_eq!(minutes_left(&engine, "2026-03-07T11:00"), Some(23 * 60));
    assert_eq!(wait_until(&mut engine, "2026-03-08T10:59"), []);
    assert_eq!(wait_until(&mut engine, "2026-03-08T11:00"), [Change::Raised]);
    let mut engine = self::engine();
    weigh(&mut engine, 2, "2026-10-30T07:00");
    assert_eq!(minutes_left(&engine, "2026-10-31T11:00"), Some(25 * 60));
    assert_eq!(wait_until(&mut engine, "2026-11-01T11:00"), [Change::Raised]);
}

#[test]
fn a_window_in_which_nobody_could_hear_is_not_missed() {
    let mut engine = engine();
    engine.note_outage(outage("2026-03-02T09:00", Some("2026-03-02T09:10")));
    assert_eq!(wait_until(&mut engine, "2026-03-03T11:00"), []);
    assert_eq!(wait_until(&mut engine, "2026-03-04T11:00"), [Change::Raised]);
    let alert = engine.open().next().unwrap();
    assert_eq!(alert.count, 2);

    let mut engine = self::engine();
    engine.note_outage(outage("2026-03-02T05:00", None));
    assert_eq!(wait_until(&mut engine, "2026-03-20T11:00"), []);
    let ended = engine.end_outage("the hub was off", at("2026-03-20T12:00").at.at).unwrap();
    assert_eq!(engine.end_outage("the hub was off", ended.from), None);
    let unheard = engine.unheard(&ended, &at("2026-03-20T12:00"));
    let [unheard] = unheard.as_slice() else { panic!("{unheard:?}") };
    assert_eq!((unheard.vital, unheard.n_windows), (Vital::BodyWeight, 15));
    assert_eq!(wait_until(&mut engine, "2026-03-22T11:00"), [Change::Raised]);
}

#[test]
fn an_outage_is_told_with_the_windows_that_it_overlaps_and_no_others() {
    let told = |from: &str, until: &str| {
        let outage = outage(&format!("2026-03-02T{from}"), Some(&format!("2026-03-02T{until}")));
        let unheard = engine().unheard(&outage, &at("2026-03-02T12:00"));
        unheard.iter().map(|it| it.n_windows).collect::<Vec<_>>()
    };
    assert_eq!(told("05:00", "06:00"), []);
    assert_eq!(told("05:00", "06:01"), [1]);
    assert_eq!(told("10:59", "11:30"), [1]);
    assert_eq!(told("11:00", "11:30"), []);
}

#[test]
fn what_is_due_beside_a_missed_window_happens_with_it() {
    let more = "\n[[threshold]]\nid = \"weight-low\"\nvital = \"body-weight\"\n\
        priority = \"medium\"\nat_or_below = \"80 kg\"\nclear_at_or_above = \"85 kg\"\n\
        confirm_within_min = 30\n";
    let zone = TimeZone::get("America/New_York").unwrap();
    let mut engine = Engine::new(vec![plan(&format!("{PLAN}{more}"))], Vec::new()).in_zone(zone);
    assert_eq!(weigh(&mut engine, 1, "2026-03-01T10:45"), [Change::Asked]);
    engine.note_outage(outage("2026-03-01T05:00", Some("2026-03-01T11:00")));
    let due = "2026-03-03T11:00";
    assert_eq!(wait_until(&mut engine, due), [Change::Raised, Change::Raised]);
}

#[test]
fn only_a_measurement_of_the_same_client_and_vital_ends_it() {
    let mut engine = engine();
    wait_until(&mut engine, "2026-03-03T11:00");
    let other = Reading { subject: "client-9".parse().ok(), ..weight(2, "2026-03-03T12:00") };
    assert_eq!(take(&mut engine, &other), []);
    let mut pulse = weight(3, "2026-03-03T12:01");
    pulse.values = reading(3, 0, Vital::PulseRate, quantity("70", Unit::PerMinute)).values;
    assert_eq!(take(&mut engine, &pulse), []);
    assert_eq!(weigh(&mut engine, 4, "2026-03-03T12:02"), [Change::Cleared]);
}

#[test]
fn an_outage_of_something_else_hinders_nothing() {
    let mut engine = engine();
    let vitals = BTreeSet::from([Vital::SystolicPressure]);
    let elsewhere = Outage { vitals, ..outage("2026-03-01T12:00", None) };
    engine.note_outage(elsewhere.clone());
    assert_eq!(engine.unheard(&elsewhere, &at("2036-03-20T12:00")), []);
    assert_eq!(wait_until(&mut engine, "2026-03-03T11:00"), [Change::Raised]);
}

#[test]
fn what_was_due_before_the_plan_was_in_force_is_not_missed() {
    let mut engine = engine();
    let subject: SubjectId = "client-4711".parse().unwrap();
    let since = at("2026-03-02T06:01").at.at;
    engine.note_in_force(subject, "heart-failure".to_owned(), since);
    assert_eq!(wait_until(&mut engine, "2026-03-03T11:00"), []);
    assert_eq!(wait_until(&mut engine, "2026-03-04T11:00"), [Change::Raised]);
}

#[test]
fn a_hub_that_does_not_know_the_time_misses_nothing() {
    let engine = engine();
    let unknown = Moment { is_known: false, ..at("2026-03-05T12:00") };
    assert_eq!((engine.next_wait(&unknown), engine.advance(unknown, key(9))), (None, vec![]));
}

#[test]
fn what_may_be_the_cause_is_said() {
    let mut engine = engine();
    let hint = "the battery of scale is at 9 %".to_owned();
    engine.note_hints(BTreeMap::from([(Vital::BodyWeight, hint)]));
    wait_until(&mut engine, "2026-03-03T11:00");
    let why = &engine.open().next().unwrap().why;
    assert!(why.contains("on 2026-03-03; the battery of scale is at 9 % (rule"), "{why}");
}

#[test]
fn a_restart_finds_the_same() {
    let mut engine = engine();
    wait_until(&mut engine, "2026-03-03T11:00");
    let zone = TimeZone::get("America/New_York").unwrap();
    let open = engine.open().cloned().collect();
    let mut rebuilt = Engine::new(vec![plan(PLAN)], open).in_zone(zone);
    rebuilt.remember(&weight(1, "2026-03-01T07:00"));
    for when in ["2026-03-03T12:00", "2026-03-04T10:00", "2026-03-04T11:00"] {
        assert_eq!(rebuilt.advance(at(when), key(7)), engine.advance(at(when), key(7)));
        assert_eq!(rebuilt.next_wait(&at(when)), engine.next_wait(&at(when)));
    }
}

#[test]
fn a_missed_measurement_can_be_taken_on_and_closed() {
    let mut engine = engine();
    wait_until(&mut engine, "2026-03-03T11:00");
    let now = at("2026-03-03T12:00");
    let answer = engine.acknowledge(now.at, key(99), "Nurse A", None).unwrap();
    engine.apply(&answer);
    assert_eq!(wait_until(&mut engine, "2026-03-04T11:00"), [Change::Repeated]);
    assert_eq!(engine.open().next().unwrap().standing(), Standing::Acknowledged);
}

#[test]
fn a_schedule_says_when_and_how_often() {
    let with =
        |from: &str, to: &str| Plan::parse(&PLAN.replace(from, to)).map_err(|it| it.to_string());
    let twice = with("windows = [\"06:00-10:00\"]", "at = [\"08:00\", \"20:30\"]").unwrap();
    assert_eq!(
        twice.rules().next().unwrap().to_string(),
        "weight-missed: weight due 07:00 to 08:00, 19:30 to 20:30, 1 h of grace, told after 2 missed (low)"
    );
    for (from, to, expected) in [
        ("\"low\"", "\"high\"", "a measurement that was missed is low or medium"),
        ("[\"06:00-10:00\"]", "[]", "1 to 12 times a day are needed"),
        ("windows = [\"06:00-10:00\"]", "", "1 to 12 times a day are needed"),
        ("06:00-10:00", "10:00-06:00", "ends before it begins"),
        ("06:00-10:00", "06:00", "is no window"),
        ("06:00-10:00", "6-10", "\"6\" is no time of day"),
        ("missed_in_a_row = 2", "missed_in_a_row = 15", "15 is not in 1 to 14"),
        ("grace_min = 60", "", "grace_min: missing"),
    ] {
        let problems = with(from, to).unwrap_err();
        assert!(problems.contains(expected), "{problems}");
    }
}

#[test]
fn a_clock_that_is_set_after_a_measurement_moves_it_into_its_window() {
    let of_this_run = |when: &str, ms: i64| {
        let on = Some(vitals::Uptime { boot: vitals::BootId([1; 16]), ms });
        Moment { on, ..at(when) }
    };
    const HOUR_MS: i64 = 3_600_000;
    // The clock was 5 h behind when the client stepped on the scale at 07:00 on Monday.
    let mut monday = weight(2, "2026-03-02T02:00");
    monday.recorded = of_this_run("2026-03-02T02:00", 0);
    let mut engine = engine();
    take(&mut engine, &monday);
    let tuesday = of_this_run("2026-03-03T11:00", 28 * HOUR_MS);
    assert!(engine.advance(tuesday, key(99)).is_empty());
    let wednesday = of_this_run("2026-03-04T11:00", 52 * HOUR_MS);
    assert_eq!(engine.advance(wednesday, key(99)).len(), 1);
}

#[test]
fn what_a_person_closed_before_a_restart_is_not_told_again() {
    let mut engine = engine();
    wait_until(&mut engine, "2026-03-03T11:00");
    let alert = engine.open().next().unwrap().id;
    let by = at("2026-03-03T12:00").at;
    let closed = engine.close(by, alert, "Nora", Disposition::TrueActioned, None).unwrap();
    let mut again = self::engine();
    again.recall_closed(&closed.alert);
    assert!(wait_until(&mut again, "2026-03-03T13:00").is_empty());
    assert!(wait_until(&mut again, "2026-03-04T11:00").is_empty());
    assert_eq!(wait_until(&mut again, "2026-03-05T11:00"), [Change::Raised]);
}

#[test]
fn what_a_person_closes_as_a_window_ends_is_settled_with_it() {
    let mut engine = engine();
    wait_until(&mut engine, "2026-03-03T11:00");
    let closed = |engine: &Engine, when: &str| {
        engine.close(at(when).at, key(99), "Nurse A", Disposition::TrueActioned, None).unwrap()
    };
    let closes = closed(&engine, "2026-03-04T11:00");
    engine.apply(&closes);
    assert_eq!(wait_until(&mut engine, "2026-03-05T11:00"), [], "the one of the 4th is settled");
    assert_eq!(wait_until(&mut engine, "2026-03-06T11:00"), [Change::Raised]);
    assert_eq!(engine.open().next().unwrap().count, 2);
}

#[test]
fn every_outage_ends_when_all_do() {
    let mut engine = engine();
    engine.note_outage(outage("2026-03-02T05:00", None));
    engine.note_outage(Outage {
        cause: "the radio was off".to_owned(),
        ..outage("2026-03-02T05:00", None)
    });
    engine.end_outages(at("2026-03-02T12:00").at.at);
    assert_eq!(engine.end_outage("the hub was off", at("2026-03-02T13:00").at.at), None);
    assert_eq!(wait_until(&mut engine, "2026-03-04T11:00"), [Change::Raised]);
}

#[test]
fn a_plan_without_a_schedule_asks_for_nothing() {
    let with = engine();
    assert!(with.has_schedule() && with.plans().all(Plan::has_schedule));
    let without = Engine::new(vec![plan(crate::sample::PLAN)], Vec::new());
    assert!(!without.has_schedule() && !without.plans().any(Plan::has_schedule));
}

#[test]
fn a_day_has_at_most_twelve_windows() {
    let times = |n: usize| {
        let times: Vec<String> = (0..n).map(|hour| format!("\"{hour:02}:00\"")).collect();
        PLAN.replace("windows = [\"06:00-10:00\"]", &format!("at = [{}]", times.join(", ")))
    };
    assert!(Plan::parse(&times(12)).is_ok());
    assert!(Plan::parse(&times(13)).is_err());
}

#[test]
fn what_was_missed_climbs_like_any_other_alert() {
    let ladder = "[[escalation]]\nafter_min = 60\nto = \"backup\"\npriority = \"low\"\n";
    let text = PLAN.replace("[[schedule]]", &format!("{ladder}\n[[schedule]]"));
    let zone = TimeZone::get("America/New_York").unwrap();
    let mut engine = Engine::new(vec![plan(&text)], Vec::new()).in_zone(zone);
    weigh(&mut engine, 1, "2026-03-01T07:00");
    assert_eq!(wait_until(&mut engine, "2026-03-03T11:00"), [Change::Raised]);
    assert_eq!(wait_until(&mut engine, "2026-03-03T11:59"), []);
    assert_eq!(wait_until(&mut engine, "2026-03-03T12:00"), [Change::Escalated]);
}

#[test]
fn what_is_measured_as_a_window_opens_is_of_that_window() {
    let mut engine = engine();
    weigh(&mut engine, 2, "2026-03-02T06:00");
    assert_eq!(wait_until(&mut engine, "2026-03-03T11:00"), []);
    assert_eq!(wait_until(&mut engine, "2026-03-04T11:00"), [Change::Raised]);
}
