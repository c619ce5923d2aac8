use vitals::wire::canonical::{decode, encode};
use vitals::wire::topic::Channel;
use vitals::wire::v1::{Receipt, Status};

use super::*;
use crate::core::tests::{at, deliver, delivery, online_station, receipts, settings, station};
use crate::core::{Event, Publication};
use crate::inbound::Delivery;
use crate::sample;
use crate::store::Store;

fn hub(number: usize) -> HubId {
    format!("hub-{number}").parse().unwrap()
}

fn status(hub: &HubId, state: &str) -> Delivery {
    let since = sample::time("2026-03-01T07:00:00+01:00");
    let status = Status { v: 1, hub: hub.to_string(), state: state.to_owned(), since };
    let topic = sample::topics().of(hub, Channel::Status);
    Delivery { topic, payload: encode(&status).unwrap(), is_retained: false }
}

/// Lets time pass to `second`, with a step at each deadline, as the desk does.
pub(crate) fn pass(station: &mut Station, second: i64) -> Vec<(Timestamp, Publication)> {
    let mut publications = Vec::new();
    while let Some(due) = station.next_deadline().filter(|it| *it <= at(second)) {
        let effects = station.step(due, &Event::Elapsed).unwrap();
        publications.extend(effects.publications.into_iter().map(|it| (due, it)));
        assert_ne!(station.next_deadline(), Some(due), "a deadline that is met is over");
    }
    publications
}

fn open(station: &Station) -> Vec<(Kind, Timestamp, Timestamp)> {
    station.board().alarms.open().map(|it| (it.kind, it.since, it.began_at)).collect()
}

fn lose(station: &mut Station, second: i64) {
    station.step(at(second), &Event::Disconnected { reason: "gone".to_owned() }).unwrap();
}

#[test]
fn a_hub_that_says_nothing_for_the_limit_is_silent_until_it_speaks() {
    let mut station = online_station();
    deliver(&mut station, Channel::Reading, sample::weight(1, "80"));
    pass(&mut station, 90);
    assert_eq!(open(&station), []);
    pass(&mut station, 91);
    assert_eq!(open(&station), [(Kind::HubSilent, at(1), at(91))]);
    pass(&mut station, 5000);
    assert_eq!(open(&station).len(), 1);

    let event = Event::Delivered(vec![delivery(Channel::Reading, sample::weight(2, "80"))]);
    station.step(at(5001), &event).unwrap();
    assert_eq!(open(&station), []);
    let ended = station.board().alarms.ended().next().unwrap();
    assert_eq!((ended.began_at, ended.ended_at), (at(91), Some(at(5001))));
    pass(&mut station, 5091);
    assert_eq!(open(&station), [(Kind::HubSilent, at(5001), at(5091))]);
}

#[test]
fn what_the_broker_says_for_a_hub_is_no_sign_of_it() {
    let mut station = online_station();
    deliver(&mut station, Channel::Status, sample::status("online"));
    let kept =
        Delivery { is_retained: true, ..delivery(Channel::Status, sample::status("online")) };
    station.step(at(80), &Event::Delivered(vec![kept])).unwrap();
    let will = delivery(Channel::Status, sample::status("offline"));
    station.step(at(85), &Event::Delivered(vec![will])).unwrap();
    pass(&mut station, 91);
    assert_eq!(open(&station), [(Kind::HubSilent, at(1), at(91))]);
}

#[test]
fn a_hub_that_was_never_heard_is_not_silent() {
    let mut station = online_station();
    let kept =
        Delivery { is_retained: true, ..delivery(Channel::Status, sample::status("offline")) };
    station.step(at(1), &Event::Delivered(vec![kept])).unwrap();
    pass(&mut station, 86_400);
    assert_eq!(open(&station), []);
}

#[test]
fn a_restart_neither_forgets_nor_doubles_an_alarm() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("station.db");
    let restart = |now| Station::open(now, settings(), Store::open(&path).unwrap()).unwrap();
    let mut station = restart(at(0));
    station.step(at(0), &Event::Connected).unwrap();
    deliver(&mut station, Channel::Reading, sample::weight(1, "80"));
    pass(&mut station, 100);
    let told = open(&station);
    assert_eq!(told.len(), 1);
    drop(station);

    let mut station = restart(at(200));
    assert_eq!(open(&station), told);
    station.step(at(201), &Event::Connected).unwrap();
    pass(&mut station, 2000);
    assert_eq!(open(&station), told);
    let event = Event::Delivered(vec![delivery(Channel::Reading, sample::weight(2, "80"))]);
    station.step(at(2001), &event).unwrap();
    drop(station);

    let station = restart(at(2010));
    assert_eq!(open(&station), []);
    let ended: Vec<_> = station.board().alarms.ended().map(|it| it.ended_at).collect();
    assert_eq!(ended, [Some(at(2001))]);
}

#[test]
fn a_damaged_database_is_an_alarm_until_its_copies_are_gone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("station.db");
    let copy = directory.path().join("station.db.damaged-1-wal");
    let restart = |now| Station::open(now, settings(), Store::open(&path).unwrap()).unwrap();
    assert_eq!(open(&restart(at(0))), []);
    std::fs::write(&copy, b"").unwrap();
    let told = [(Kind::DatabaseDamaged, at(1), at(1))];
    assert_eq!(open(&restart(at(1))), told);
    let station = restart(at(2));
    assert_eq!(open(&station), told);
    assert!(!station.board().broker.is_up);
    let alarm = station.board().alarms.open().next().unwrap();
    assert!(!station.board().is_inhibited(alarm), "it says something without a broker, too");
    drop(station);
    std::fs::remove_file(&copy).unwrap();
    assert_eq!(open(&restart(at(3))), []);
}

#[test]
fn after_a_restart_a_hub_has_its_full_time_from_when_the_broker_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("station.db");
    let restart = |now| Station::open(now, settings(), Store::open(&path).unwrap()).unwrap();
    let mut station = restart(at(0));
    station.step(at(0), &Event::Connected).unwrap();
    deliver(&mut station, Channel::Reading, sample::weight(1, "80"));
    drop(station);
    let mut station = restart(at(500));
    pass(&mut station, 560);
    station.step(at(560), &Event::Connected).unwrap();
    pass(&mut station, 649);
    assert_eq!(open(&station), []);
    pass(&mut station, 650);
    assert_eq!(open(&station), [(Kind::HubSilent, at(1), at(650))]);
}

#[test]
fn without_the_broker_there_is_one_alarm_and_not_one_for_each_home() {
    let mut station = online_station();
    let batch = (1..=5).map(|it| status(&hub(it), "online")).collect();
    station.step(at(1), &Event::Delivered(batch)).unwrap();
    lose(&mut station, 10);
    lose(&mut station, 40);
    pass(&mut station, 3000);
    assert_eq!(open(&station), [(Kind::BrokerUnreachable, at(10), at(100))]);
    assert!(!station.board().is_inhibited(station.board().alarms.open().next().unwrap()));

    station.step(at(3000), &Event::Connected).unwrap();
    assert_eq!(open(&station), []);
    pass(&mut station, 3089);
    assert_eq!(open(&station), []);
    pass(&mut station, 3090);
    assert_eq!(open(&station).len(), 5);
    lose(&mut station, 4000);
    assert!(station.board().alarms.open().all(|it| station.board().is_inhibited(it)));
}

#[test]
fn a_station_that_never_reached_the_broker_says_so() {
    let mut station = station();
    pass(&mut station, 89);
    assert_eq!(open(&station), []);
    pass(&mut station, 90);
    assert_eq!(open(&station), [(Kind::BrokerUnreachable, at(0), at(90))]);
}

#[test]
fn a_clock_that_is_set_back_costs_one_limit_and_no_more() {
    let mut station = online_station();
    deliver(&mut station, Channel::Reading, sample::weight(1, "80"));
    station.step(at(-86_400), &Event::Elapsed).unwrap();
    pass(&mut station, -86_400 + 89);
    assert_eq!(open(&station), []);
    pass(&mut station, -86_400 + 90);
    assert_eq!(open(&station).len(), 1);
}

#[test]
fn a_station_that_did_not_listen_gives_the_hubs_their_time_anew() {
    let mut station = online_station();
    deliver(&mut station, Channel::Reading, sample::weight(1, "80"));
    station.step(at(7200), &Event::Elapsed).unwrap();
    assert_eq!(open(&station), []);
    pass(&mut station, 7289);
    assert_eq!(open(&station), []);
    pass(&mut station, 7290);
    assert_eq!(open(&station).len(), 1);
}

#[test]
fn connected_hubs_hear_the_station_and_others_do_not() {
    let mut station = online_station();
    deliver(&mut station, Channel::Reading, sample::weight(1, "80"));
    let signs = pass(&mut station, 91);
    let times: Vec<_> = signs.iter().map(|(due, _it)| *due).collect();
    assert_eq!(times, [at(31), at(61), at(91)]);
    let receipt: Receipt = decode(&signs[0].1.payload).unwrap();
    assert_eq!((receipt.high_water, receipt.issued_at.0.at), (1, at(31)));

    let will = delivery(Channel::Status, sample::status("offline"));
    station.step(at(95), &Event::Delivered(vec![will])).unwrap();
    assert_eq!(pass(&mut station, 500), []);
    let back = delivery(Channel::Status, sample::status("online"));
    station.step(at(600), &Event::Delivered(vec![back])).unwrap();
    assert_eq!(pass(&mut station, 630).len(), 1);
}

#[test]
fn a_hub_of_which_nothing_is_held_hears_the_station_too() {
    let mut station = online_station();
    let health = sample::health(7);
    let event = Event::Delivered(vec![delivery(Channel::Health, encode(&health).unwrap())]);
    station.step(at(1), &event).unwrap();
    let signs: Vec<_> = pass(&mut station, 31).into_iter().map(|(_due, it)| it).collect();
    let held: Vec<_> =
        receipts(&signs).iter().map(|it| (it.epoch().unwrap(), it.high_water)).collect();
    assert_eq!(held, [(sample::EPOCH, 0)]);
}

#[test]
fn a_thousand_hubs_are_watched_and_get_their_signs_of_life_spread() {
    const HUBS: usize = 1000;
    let mut station = station();
    let batch = |state: &str| (1..=HUBS).map(|it| status(&hub(it), state)).collect();
    station.step(at(0), &Event::Connected).unwrap();
    station.step(at(0), &Event::Delivered(batch("online"))).unwrap();
    for number in 1..=HUBS {
        let epoch = sample::EPOCH;
        station.board.home(&hub(number)).hold(epoch, 1);
    }
    lose(&mut station, 1);
    station.step(at(2), &Event::Connected).unwrap();
    let mut per_second = vec![0_usize; 31];
    for (due, _sign) in pass(&mut station, 32) {
        let second = usize::try_from(due.duration_since(at(2)).as_secs()).unwrap();
        per_second[second] += 1;
    }
    assert_eq!(per_second.iter().sum::<usize>(), HUBS);
    assert!(per_second.iter().all(|&n| n < 3 * HUBS / 30), "{per_second:?}");
    pass(&mut station, 92);
    assert_eq!(open(&station).len(), HUBS);
}
