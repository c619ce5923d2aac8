use vitals::wire::canonical::{decode, encode};
use vitals::wire::sealed::{Purpose, open};
use vitals::wire::topic::Channel;
use vitals::wire::v1::{Command, Instruction};

use super::*;
use crate::core::Event;
use crate::core::tests::{at, commands, deliver, delivery, online_station, settings};
use crate::core::vigil::tests::pass;
use crate::sample;
use crate::store::Store;

const HOUR: i64 = 3600;

/// Revision `rev` of the test alarm that record `raised` raised, as record `seq`.
fn test_alarm(seq: u64, raised: u64, rev: u32, state: &str, standing: &str) -> Vec<u8> {
    let mut alert = sample::alert(seq, raised, rev, state, standing);
    alert.rule = "test-alarm".to_owned();
    alert.plan = "hub".to_owned();
    alert.category = "technical".to_owned();
    alert.priority = "low".to_owned();
    encode(&alert).unwrap()
}

fn speak(station: &mut Station, second: i64, payload: Vec<u8>) -> Vec<Publication> {
    let event = Event::Delivered(vec![delivery(Channel::Alert, payload)]);
    station.step(at(second), &event).unwrap().publications
}

/// The hub says something every minute until `second`.
fn stay(station: &mut Station, from: i64, second: i64) {
    for minute in 1..=(second - from) / 60 {
        let now = from + 60 * minute;
        pass(station, now);
        let status = delivery(Channel::Status, sample::status("online"));
        station.step(at(now), &Event::Delivered(vec![status])).unwrap();
    }
}

fn missed(station: &Station) -> Vec<(Timestamp, Timestamp)> {
    let alarms = station.board().alarms.open().filter(|it| it.kind == Kind::NoTestAlarm);
    alarms.map(|it| (it.since, it.began_at)).collect()
}

#[test]
fn a_test_alarm_is_answered_by_the_station_and_no_nurse_sees_it() {
    let mut station = online_station();
    let publications = speak(&mut station, 1, test_alarm(1, 1, 1, "raised", "active"));
    let [answer] = commands(&publications)[..] else { panic!("{publications:?}") };
    let key = settings().key.verifying_key();
    let command: Command =
        decode(&open(&answer.payload, Purpose::Command, &[key]).unwrap()).unwrap();
    let Instruction::Acknowledge { by, .. } = command.instruction().unwrap() else { panic!() };
    assert_eq!((by.as_str(), command.hub.as_str()), ("vitalstation", sample::HUB));
    assert_eq!(station.board().worklist().count(), 0);
    assert_eq!(station.board().hubs[&sample::HUB.parse().unwrap()].test_alarm, Some(at(1)));

    speak(&mut station, 2, test_alarm(2, 1, 2, "acknowledged", "acknowledged"));
    speak(&mut station, 2, test_alarm(3, 1, 3, "cleared", "done"));
    assert!(station.board().alerts.is_empty());
    assert_eq!(commands(&pass_all(&mut station, 200)).len(), 0, "an answer that shows is done");
}

fn pass_all(station: &mut Station, second: i64) -> Vec<Publication> {
    pass(station, second).into_iter().map(|(_due, it)| it).collect()
}

#[test]
fn an_answer_is_repeated_until_it_shows_also_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("station.db");
    let restart = |now| Station::open(now, settings(), Store::open(&path).unwrap()).unwrap();
    let mut station = restart(at(0));
    station.step(at(0), &Event::Connected).unwrap();
    let first = speak(&mut station, 1, test_alarm(1, 1, 1, "raised", "active"));
    assert_eq!(commands(&first).len(), 1);
    assert_eq!(commands(&pass_all(&mut station, 40)).len(), 2);
    drop(station);
    let mut station = restart(at(60));
    let greetings = station.step(at(60), &Event::Connected).unwrap().publications;
    assert_eq!(commands(&greetings), commands(&first));
    assert_eq!(station.board().hubs[&sample::HUB.parse().unwrap()].test_alarm, Some(at(1)));
}

#[test]
fn test_alarms_do_not_push_ended_alerts_out() {
    let mut station = online_station();
    let ended = encode(&sample::alert(1, 1, 1, "closed", "done")).unwrap();
    deliver(&mut station, Channel::Alert, ended);
    for day in 1..=40 {
        let seq = 2 * day;
        speak(&mut station, 2, test_alarm(seq, seq, 1, "raised", "active"));
        speak(&mut station, 2, test_alarm(seq + 1, seq, 2, "cleared", "done"));
    }
    assert_eq!(station.board().worklist().count(), 1);
    let holdings = station.store.holdings().unwrap();
    assert_eq!(holdings.alerts.len(), 1);
}

#[test]
fn a_hub_that_is_heard_and_sends_no_test_alarm_is_noticed_after_26_hours() {
    let mut station = online_station();
    speak(&mut station, 60, test_alarm(1, 1, 1, "raised", "active"));
    stay(&mut station, 60, 60 + 26 * HOUR - 60);
    assert_eq!(missed(&station), []);
    stay(&mut station, 60 + 26 * HOUR - 60, 27 * HOUR);
    assert_eq!(missed(&station), [(at(60), at(60 + 26 * HOUR))]);
    speak(&mut station, 28 * HOUR, test_alarm(2, 2, 1, "raised", "active"));
    assert_eq!(missed(&station), []);
    stay(&mut station, 28 * HOUR, 53 * HOUR);
    assert_eq!(missed(&station), []);
}

#[test]
fn a_silent_hub_owes_no_test_alarm_and_has_an_hour_when_it_is_back() {
    let mut station = online_station();
    speak(&mut station, 60, test_alarm(1, 1, 1, "raised", "active"));
    pass(&mut station, 80 * HOUR);
    let kinds: Vec<_> = station.board().alarms.open().map(|it| it.kind).collect();
    assert_eq!(kinds, [Kind::HubSilent]);
    stay(&mut station, 80 * HOUR, 81 * HOUR);
    assert_eq!(missed(&station), []);
    stay(&mut station, 81 * HOUR, 82 * HOUR);
    assert_eq!(missed(&station).len(), 1);
}
