use vitals::AlertId;
use vitals::wire::v1::Instruction;

use super::*;
use crate::hub::Event;
use crate::hub::tests::{Home, key, stamp};

const DAY_S: u64 = 24 * 3600;

/// Rule, state and second of every alert about the test alarm.
fn told(home: &Home) -> Vec<(String, String, u64)> {
    let start = stamp(0).wall;
    let second = |it: &v1::Alert| it.recorded_at.0.at.duration_since(start).as_secs();
    let alerts = home.alerts().into_iter().filter(|it| it.rule.starts_with(TEST_ALARM));
    alerts
        .map(|it| (it.rule.clone(), it.state.clone(), u64::try_from(second(&it)).unwrap()))
        .collect()
}

fn words(home: &Home) -> Vec<(String, String)> {
    told(home).into_iter().map(|(rule, state, _second)| (rule, state)).collect()
}

fn raised(home: &Home) -> Vec<u64> {
    let is_one =
        |(rule, state, _second): &(String, String, u64)| rule == TEST_ALARM && state == "raised";
    told(home).into_iter().filter(is_one).map(|(_rule, _state, second)| second).collect()
}

/// The station answers the test alarm that is open.
fn answer(home: &mut Home) {
    let alert: AlertId = home.hub.engine.open_condition(TEST_ALARM).unwrap().id;
    let by = "vitalstation".to_owned();
    let instruction = Instruction::Acknowledge { alert, by, note: None, until: None };
    let command = home.command(&format!("test-alarm-{alert}"), instruction, &key());
    home.step(command);
}

/// The hub of these tests starts at 12:40, after its hour.
#[test]
fn a_new_hub_makes_a_test_alarm_soon_and_then_one_a_day_at_its_hour() {
    let mut home = Home::new();
    home.pass(5 * DAY_S);
    let raised = raised(&home);
    assert_eq!((raised[0], raised.len()), (300, 6));
    // 10:00 is 21 h 20 min after the start.
    let hour = 21 * 3600 + 20 * 60;
    for (day, second) in (0..).zip(&raised[1..]) {
        let into_the_hour = second - day * DAY_S - hour;
        assert!(into_the_hour < 3600, "{raised:?}");
    }
    assert!(raised.windows(2).all(|it| 20 * 3600 <= it[1] - it[0] && it[1] - it[0] <= 25 * 3600));
}

#[test]
fn an_answer_ends_the_test_alarm() {
    let mut home = Home::new();
    home.pass(300);
    answer(&mut home);
    let ended = [(TEST_ALARM, "raised"), (TEST_ALARM, "acknowledged"), (TEST_ALARM, "cleared")];
    let words_of = |it: &[(&str, &str)]| -> Vec<(String, String)> {
        it.iter().map(|(rule, state)| ((*rule).to_owned(), (*state).to_owned())).collect()
    };
    assert_eq!(words(&home), words_of(&ended));
    assert!(home.hub.engine.open_condition(TEST_ALARM).is_none());
    home.pass(5000);
    assert_eq!(words(&home).len(), 3);
}

#[test]
fn a_test_alarm_that_nobody_answers_is_told_until_one_is_answered() {
    let mut home = Home::new();
    home.pass(300 + 899);
    assert_eq!(words(&home).len(), 1);
    home.pass(300 + 900);
    let is_told = |home: &Home| home.hub.engine.open_condition(TEST_ALARM_UNANSWERED).is_some();
    assert!(is_told(&home));
    home.restart();
    home.pass(2 * DAY_S);
    assert!(is_told(&home));
    assert_eq!(words(&home).iter().filter(|it| it.0 == TEST_ALARM_UNANSWERED).count(), 1);
    let open: Vec<_> = home.hub.engine.open().filter(|it| it.rule == TEST_ALARM).collect();
    assert_eq!(open.len(), 1, "only the latest one is open");
    answer(&mut home);
    assert!(!is_told(&home));
}

#[test]
fn a_restart_does_not_repeat_the_test_alarm_of_the_day_and_makes_up_a_missed_one() {
    let mut home = Home::new();
    home.pass(300);
    answer(&mut home);
    home.restart();
    home.pass(10 * 3600);
    assert_eq!(raised(&home).len(), 1);
    // Off from the evening to the evening after.
    home.seconds += DAY_S;
    home.restart();
    let back = home.seconds;
    home.pass(back + 400);
    assert_eq!(raised(&home), [300, back + 300]);
}

#[test]
fn an_answer_of_which_the_end_was_not_recorded_ends_it_at_the_next_start() {
    let mut home = Home::new();
    home.pass(300);
    let test_alarm = home.hub.engine.open_condition(TEST_ALARM).unwrap().id;
    let now = stamp(301);
    let answered =
        home.hub.engine.acknowledge(home.hub.local(now), test_alarm, "vitalstation", None);
    let command = crate::hub::command::Accepted {
        id: "c".to_owned(),
        issued_at_s: 0,
        expires_at_s: i64::MAX,
    };
    home.hub.record_answer(now, &answered.unwrap(), Some(&command)).unwrap();
    home.restart();
    assert!(home.hub.engine.open_condition(TEST_ALARM).is_some());
    home.step(Event::Started);
    assert!(home.hub.engine.open_condition(TEST_ALARM).is_none());
}

#[test]
fn a_clock_that_steps_about_neither_floods_nor_stops_test_alarms() {
    let mut home = Home::new();
    let mut rng = 0x2545_f491_4f6c_dd1d_u64;
    for minute in 0..(10 * 24 * 60) {
        rng ^= rng << 13;
        rng ^= rng >> 7;
        rng ^= rng << 17;
        let now = stamp(minute * 60);
        let wall = stamp(rng % (400 * DAY_S)).wall;
        home.hub.step(Stamp { wall, ..now }, Event::Deadline).unwrap();
    }
    let n = home.alerts().iter().filter(|it| it.rule == TEST_ALARM && it.state == "raised").count();
    assert!((9..=13).contains(&n), "{n} in ten days");
}

#[test]
fn hubs_are_spread_over_the_hour() {
    let store = Store::open(&tempfile::tempdir().unwrap().path().join("ledger.db")).unwrap();
    let mut per_quarter = [0; 4];
    for number in 0..1000 {
        let hub = format!("hub-{number}").parse().unwrap();
        let it = Rehearsal::new(&hub, Watch::default(), &store, stamp(0)).unwrap();
        per_quarter[usize::try_from(it.spread.as_secs() / 900).unwrap()] += 1;
    }
    assert!(per_quarter.iter().all(|n| (200..300).contains(n)), "{per_quarter:?}");
}
