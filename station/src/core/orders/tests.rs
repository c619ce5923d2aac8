//! Whose readings are: asked, sent, shown by the home, and the same after a restart.

use vitals::wire::canonical::{decode, encode};
use vitals::wire::v1::{self, Assignment, Instruction};
use vitals::{Priority, SubjectId, Vital};

use super::*;
use crate::core::tests::{at, commands, delivery, settings};
use crate::core::{Event, Station};
use crate::sample;
use crate::store::Store;

fn open(directory: &tempfile::TempDir) -> Station {
    let store = Store::open(&directory.path().join("station.db")).unwrap();
    Station::open(at(0), settings(), store).unwrap()
}

/// A weight of client-1 or client-2, of whom nobody knows which.
fn stray(seq: u64) -> Vec<u8> {
    let reading = sample::reading(seq, "weight", &[("body-weight", "81.4", "kg")]);
    let candidates = vec![sample::SUBJECT.to_owned(), "client-2".to_owned()];
    encode(&v1::Reading { subject: None, subject_candidates: candidates, ..reading }).unwrap()
}

/// The event `seq` that says whose the reading 1 is.
fn assigned(seq: u64, from: Option<&str>, to: Option<&str>) -> Vec<u8> {
    let event: v1::Event = decode(&sample::event(seq, "reading-assigned")).unwrap();
    let assignment = Assignment {
        reading: format!("{}-1", sample::EPOCH),
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
        by: "Nora".to_owned(),
        note: None,
    };
    encode(&v1::Event { assignment: Some(assignment), ..event }).unwrap()
}

fn deliver(station: &mut Station, channel: Channel, payloads: &[Vec<u8>]) {
    let batch = payloads.iter().map(|it| delivery(channel, it.clone())).collect();
    station.step(at(1), &Event::Delivered(batch)).unwrap();
}

fn claim(command: &str, to: Option<&str>) -> Event {
    let id = format!("{}-1", sample::EPOCH).parse().unwrap();
    let aim = Aim::Reading(id, to.map(|it| it.parse().unwrap()));
    let hub = sample::HUB.parse().unwrap();
    let wish = Wish { hub, aim, by: "Nora".to_owned(), note: None };
    Event::Asked { command_id: command.to_owned(), wish }
}

/// Who has a weight on the board, and how many are nobody's.
fn weights(station: &Station) -> (Vec<String>, usize) {
    let board = station.board();
    let has_one = |it: &&SubjectId| board.clients[*it].vitals.contains_key(&Vital::BodyWeight);
    let clients = board.clients.keys().filter(has_one);
    (clients.map(|it| it.as_str().to_owned()).collect(), board.unassigned.len())
}

#[test]
fn a_claim_is_sent_until_the_home_shows_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut station = open(&directory);
    station.step(at(0), &Event::Connected).unwrap();
    deliver(&mut station, Channel::Reading, &[stray(1)]);
    assert_eq!(weights(&station), (vec![], 1));
    let effects = station.step(at(2), &claim("c-1", Some("client-2"))).unwrap();
    assert_eq!((effects.refusal, commands(&effects.publications).len()), (None, 1));
    let again = station.step(at(3), &claim("c-2", None)).unwrap();
    assert_eq!(again.refusal, Some(Refusal::OnItsWay { by: "Nora".to_owned() }));
    // The order goes on after a restart.
    drop(station);
    let mut station = open(&directory);
    let joined = station.step(at(4), &Event::Connected).unwrap();
    assert_eq!(commands(&joined.publications).len(), 1);
    deliver(&mut station, Channel::Event, &[assigned(2, None, Some("client-2"))]);
    assert_eq!(weights(&station), (vec!["client-2".to_owned()], 0));
    assert!(station.board().claims.is_empty());
    assert_eq!(commands(&station.step(at(90), &Event::Elapsed).unwrap().publications).len(), 0);
    let so = station.step(at(91), &claim("c-3", Some("client-2"))).unwrap();
    assert_eq!(so.refusal, Some(Refusal::AlreadySo));
}

#[test]
fn what_is_signed_says_whose_the_reading_is() {
    let directory = tempfile::tempdir().unwrap();
    let mut station = open(&directory);
    deliver(&mut station, Channel::Reading, &[stray(1)]);
    station.step(at(2), &claim("c-1", None)).unwrap();
    let orders: Vec<_> = station.board().orders().collect();
    let command: v1::Command = decode(&orders[0].payload).unwrap();
    let reading = format!("{}-1", sample::EPOCH).parse().unwrap();
    let (by, note) = ("Nora".to_owned(), None);
    let expected = Instruction::Assign { reading, subject: None, by, note };
    assert_eq!(command.instruction().unwrap(), expected);
    assert_eq!(orders[0].seen_priority, None::<Priority>);
}

#[test]
fn the_board_is_the_same_in_whatever_order_readings_and_claims_come() {
    let reading = || (Channel::Reading, stray(1));
    let first = || (Channel::Event, assigned(2, None, Some(sample::SUBJECT)));
    let second = || (Channel::Event, assigned(3, Some(sample::SUBJECT), Some("client-2")));
    for records in [
        [reading(), first(), second()],
        [reading(), second(), first()],
        [first(), second(), reading()],
        [second(), reading(), first()],
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut station = open(&directory);
        for (channel, payload) in records {
            deliver(&mut station, channel, &[payload]);
        }
        assert_eq!(weights(&station), (vec!["client-2".to_owned()], 0));
        let said = station.board().said.values().next().unwrap().clone();
        assert_eq!(said.len(), 2);
        drop(station);
        let station = open(&directory);
        assert_eq!(weights(&station), (vec!["client-2".to_owned()], 0));
        assert_eq!(station.board().said.values().next(), Some(&said));
    }
}

#[test]
fn what_is_of_none_of_the_clients_leaves_the_queue_and_is_nobodys_value() {
    let directory = tempfile::tempdir().unwrap();
    let mut station = open(&directory);
    deliver(&mut station, Channel::Reading, &[stray(1), stray(5)]);
    deliver(&mut station, Channel::Event, &[assigned(2, None, None)]);
    assert_eq!(weights(&station), (vec![], 1));
    drop(station);
    assert_eq!(weights(&open(&directory)), (vec![], 1));
}

#[test]
fn nobody_says_anything_about_a_reading_that_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let mut station = open(&directory);
    let effects = station.step(at(2), &claim("c-1", Some("client-2"))).unwrap();
    assert_eq!(effects.refusal, Some(Refusal::UnknownReading));
}
