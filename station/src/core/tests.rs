use proptest::prelude::*;
use vitals::Epoch;
use vitals::wire::canonical::{decode, encode};
use vitals::wire::primitive::Bytes;
use vitals::wire::topic::Channel;
use vitals::wire::v1::{self, Receipt};

use super::*;
use crate::board::Link;
use crate::order::{Aim, Deed};
use crate::sample;

pub(super) fn settings() -> Settings {
    Settings {
        topics: sample::topics(),
        key: SigningKey::from_bytes(&[7; 32]),
        repeat_after: Duration::from_secs(15),
        expires_after: Duration::from_secs(3600),
        watch: Watch::default(),
        plans: Vec::new(),
    }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

pub(super) fn station() -> Station {
    Station::open(at(0), settings(), Store::in_memory().unwrap()).unwrap()
}

pub(super) fn online_station() -> Station {
    let mut station = station();
    station.step(at(0), &Event::Connected).unwrap();
    station
}

pub(super) fn delivery(channel: Channel, payload: Vec<u8>) -> Delivery {
    let topic = sample::topics().of(&sample::HUB.parse().unwrap(), channel);
    Delivery { topic, payload, is_retained: false }
}

pub(super) fn deliver(
    station: &mut Station,
    channel: Channel,
    payload: Vec<u8>,
) -> Vec<Publication> {
    let event = Event::Delivered(vec![delivery(channel, payload)]);
    station.step(at(1), &event).unwrap().publications
}

pub(super) fn alert(seq: u64, rev: u32, state: &str, standing: &str) -> Vec<u8> {
    encode(&sample::alert(seq, 1, rev, state, standing)).unwrap()
}

pub(super) fn receipts(publications: &[Publication]) -> Vec<Receipt> {
    let receipts = publications.iter().filter(|it| it.topic.ends_with("down/receipt"));
    receipts.map(|it| decode(&it.payload).unwrap()).collect()
}

pub(super) fn commands(publications: &[Publication]) -> Vec<&Publication> {
    publications.iter().filter(|it| it.topic.ends_with("down/command")).collect()
}

fn wish(deed: Deed, by: &str) -> Event {
    let wish = Wish {
        hub: sample::HUB.parse().unwrap(),
        aim: Aim::Alert(format!("{}-1", sample::EPOCH).parse().unwrap(), deed),
        by: by.to_owned(),
        note: None,
    };
    Event::Asked { command_id: format!("command of {by}"), wish }
}

fn current(station: &Station) -> &v1::Alert {
    station.board().alerts.values().next().unwrap().current()
}

fn progress(station: &Station) -> Option<Progress> {
    station.board().alerts.values().next()?.order().map(|it| it.progress)
}

#[test]
fn a_batch_of_known_records_gets_its_receipt_again() {
    let mut station = station();
    for _again in 0..2 {
        let publications = deliver(&mut station, Channel::Reading, sample::weight(3, "80"));
        let receipts = receipts(&publications);
        assert_eq!((receipts[0].high_water, receipts[0].missing.as_slice()), (3, &[(1, 2)][..]));
        assert!(publications.iter().all(|it| it.is_retained));
    }
}

#[test]
fn one_batch_gives_one_receipt_a_hub() {
    let mut station = station();
    let batch = (1..=50).map(|seq| delivery(Channel::Reading, sample::weight(seq, "80")));
    let effects = station.step(at(1), &Event::Delivered(batch.collect())).unwrap();
    assert_eq!(receipts(&effects.publications).len(), 1);
    assert_eq!(receipts(&effects.publications)[0].high_water, 50);
}

#[test]
fn the_receipt_of_the_newest_epoch_comes_last() {
    let mut station = station();
    deliver(&mut station, Channel::Reading, sample::weight(1, "80"));
    let mut newer = sample::reading(1, "weight", &[("body-weight", "81", "kg")]);
    newer.epoch.0 = vec![9; 8];
    deliver(&mut station, Channel::Reading, encode(&newer).unwrap());
    let late = deliver(&mut station, Channel::Reading, sample::weight(2, "80"));
    let epochs: Vec<_> = receipts(&late).iter().map(|it| it.epoch().unwrap()).collect();
    assert_eq!(epochs, [sample::EPOCH, Epoch([9; 8])]);
}

#[test]
fn a_number_under_which_two_records_came_is_not_held_by_the_receipt() {
    let directory = tempfile::tempdir().unwrap();
    let open = || {
        let store = Store::open(&directory.path().join("station.db")).unwrap();
        Station::open(at(0), settings(), store).unwrap()
    };
    let mut station = open();
    for seq in 1..=3 {
        deliver(&mut station, Channel::Reading, sample::weight(seq, "80"));
    }
    let publications = deliver(&mut station, Channel::Reading, sample::weight(2, "81"));
    let receipt = &receipts(&publications)[0];
    assert_eq!((receipt.high_water, &receipt.missing[..]), (3, &[(2, 2)][..]));
    assert_eq!(receipt.contested, [(2, 2)]);
    assert_eq!(receipt.checksum, Some(crc32fast::hash(&sample::weight(3, "80"))));
    // It stays so through a restart, until the hub shows that it has the record that is held.
    drop(station);
    let mut station = open();
    let publications = station.step(at(1), &Event::Connected).unwrap().publications;
    assert_eq!(receipts(&publications)[0].contested, [(2, 2)]);
    let publications = deliver(&mut station, Channel::Reading, sample::weight(2, "80"));
    assert_eq!((receipts(&publications)[0].missing.len(), station.board().n_quarantined), (0, 1));
}

#[test]
fn a_lower_revision_that_comes_late_changes_nothing() {
    let mut station = station();
    deliver(&mut station, Channel::Alert, alert(3, 3, "acknowledged", "acknowledged"));
    deliver(&mut station, Channel::Alert, alert(2, 2, "repeated", "active"));
    deliver(&mut station, Channel::Alert, alert(1, 1, "raised", "active"));
    assert_eq!((current(&station).rev, current(&station).state.as_str()), (3, "acknowledged"));
    let states: Vec<_> = station.board().alerts.values().next().unwrap().steps.values().collect();
    assert_eq!(
        states.iter().map(|it| it.state.as_str()).collect::<Vec<_>>(),
        ["raised", "repeated", "acknowledged"]
    );
}

#[test]
fn a_late_revision_does_not_open_an_alert_again_that_ended_long_ago() {
    let mut station = station();
    deliver(&mut station, Channel::Alert, alert(2, 2, "closed", "done"));
    let later = |seq| {
        let mut it = sample::alert(seq, seq, 1, "closed", "done");
        it.recorded_at = sample::time("2026-03-02T08:16:00+01:00");
        encode(&it).unwrap()
    };
    for seq in 3..=22 {
        deliver(&mut station, Channel::Alert, later(seq));
    }
    let first = (sample::HUB.parse().unwrap(), format!("{}-1", sample::EPOCH).parse().unwrap());
    assert!(!station.board().alerts.contains_key(&first), "only the last twenty are kept");
    deliver(&mut station, Channel::Alert, alert(1, 1, "raised", "active"));
    assert!(!station.board().alerts.contains_key(&first));
    assert_eq!(station.board().alerts.len(), 20);
}

#[test]
fn an_acknowledgement_is_sent_and_repeated_until_it_shows() {
    let mut station = online_station();
    deliver(&mut station, Channel::Alert, alert(1, 1, "raised", "active"));
    let effects = station.step(at(10), &wish(Deed::Acknowledge, "Nora")).unwrap();
    assert_eq!(effects.refusal, None);
    let first = effects.publications[0].clone();
    assert!(!first.is_retained);
    assert_eq!(station.next_deadline(), Some(at(25)));
    assert_eq!(station.step(at(24), &Event::Elapsed).unwrap().publications, []);
    assert_eq!(station.step(at(25), &Event::Elapsed).unwrap().publications, [first]);

    deliver(&mut station, Channel::Alert, alert(2, 2, "acknowledged", "acknowledged"));
    assert_eq!(progress(&station), Some(Progress::Done));
    let effects = station.step(at(100), &Event::Elapsed).unwrap();
    assert_eq!(commands(&effects.publications).len(), 0);
}

#[test]
fn a_hub_that_comes_back_gets_its_receipt_and_its_commands() {
    let mut station = online_station();
    deliver(&mut station, Channel::Alert, alert(1, 1, "raised", "active"));
    station.step(at(10), &wish(Deed::Acknowledge, "Nora")).unwrap();
    let publications = deliver(&mut station, Channel::Status, sample::status("online"));
    assert_eq!((receipts(&publications).len(), commands(&publications).len()), (1, 1));
    assert_eq!(deliver(&mut station, Channel::Status, sample::status("offline")), []);
}

#[test]
fn what_was_asked_without_a_broker_is_sent_when_it_is_back() {
    let mut station = online_station();
    deliver(&mut station, Channel::Alert, alert(1, 1, "raised", "active"));
    let lost = Event::Disconnected { reason: "gone".to_owned() };
    station.step(at(2), &lost).unwrap();
    let effects = station.step(at(10), &wish(Deed::Acknowledge, "Nora")).unwrap();
    assert_eq!(effects, Effects::default());
    let publications = station.step(at(500), &Event::Connected).unwrap().publications;
    assert_eq!((receipts(&publications).len(), commands(&publications).len()), (1, 1));
}

#[test]
fn an_order_that_nobody_answers_expires_and_can_be_given_again() {
    let mut station = online_station();
    deliver(&mut station, Channel::Alert, alert(1, 1, "raised", "active"));
    station.step(at(10), &wish(Deed::Acknowledge, "Nora")).unwrap();
    let effects = station.step(at(3610), &Event::Elapsed).unwrap();
    assert_eq!(commands(&effects.publications).len(), 0);
    assert_eq!(progress(&station), Some(Progress::Expired));
    let again = station.step(at(3700), &wish(Deed::Acknowledge, "Olga")).unwrap();
    assert_eq!(commands(&again.publications).len(), 1);
}

#[test]
fn an_effect_that_shows_after_all_is_believed() {
    let mut station = online_station();
    deliver(&mut station, Channel::Alert, alert(1, 1, "raised", "active"));
    station.step(at(10), &wish(Deed::Acknowledge, "Nora")).unwrap();
    station.step(at(3610), &Event::Elapsed).unwrap();
    deliver(&mut station, Channel::Alert, alert(2, 2, "acknowledged", "acknowledged"));
    assert_eq!(progress(&station), Some(Progress::Done));
}

#[test]
fn a_clock_that_is_set_back_does_not_hold_an_order_up() {
    let mut station = online_station();
    deliver(&mut station, Channel::Alert, alert(1, 1, "raised", "active"));
    station.step(at(10), &wish(Deed::Acknowledge, "Nora")).unwrap();
    let publications = station.step(at(-86_400), &Event::Elapsed).unwrap().publications;
    assert_eq!(commands(&publications).len(), 1);
}

#[track_caller]
fn check_refused(station: &mut Station, event: &Event, expected: Refusal) {
    let effects = station.step(at(20), event).unwrap();
    assert_eq!(effects, Effects { publications: Vec::new(), refusal: Some(expected) });
}

#[test]
fn a_wish_that_cannot_be_granted_is_refused() {
    let mut station = online_station();
    let close = Deed::Close(alerting::Disposition::Test);
    check_refused(&mut station, &wish(Deed::Acknowledge, "Nora"), Refusal::Unknown);
    deliver(&mut station, Channel::Alert, alert(1, 1, "raised", "active"));
    check_refused(&mut station, &wish(Deed::Acknowledge, " "), Refusal::Name);
    check_refused(&mut station, &wish(Deed::Acknowledge, &"n".repeat(81)), Refusal::Name);
    station.step(at(10), &wish(Deed::Acknowledge, "Nora")).unwrap();
    let by = || "Nora".to_owned();
    check_refused(&mut station, &wish(Deed::Acknowledge, "Olga"), Refusal::OnItsWay { by: by() });
    let mut shown = sample::alert(2, 1, 2, "acknowledged", "acknowledged");
    shown.by = Some(by());
    deliver(&mut station, Channel::Alert, encode(&shown).unwrap());
    check_refused(
        &mut station,
        &wish(Deed::Acknowledge, "Olga"),
        Refusal::Acknowledged { by: by() },
    );
    assert_eq!(station.step(at(20), &wish(close, "Olga")).unwrap().refusal, None);
    deliver(&mut station, Channel::Alert, alert(3, 3, "closed", "done"));
    check_refused(&mut station, &wish(close, "Nora"), Refusal::Over);
}

#[test]
fn an_acknowledgement_for_a_while_is_bounded_and_says_why() {
    let mut station = online_station();
    deliver(&mut station, Channel::Alert, alert(1, 1, "raised", "active"));
    let day = 24 * 3600;
    let snooze = |until: i64, note: Option<&str>| {
        let Event::Asked { command_id, wish } = wish(Deed::Snooze(at(until)), "Nora") else {
            unreachable!("a wish asks");
        };
        Event::Asked { command_id, wish: Wish { note: note.map(str::to_owned), ..wish } }
    };
    check_refused(&mut station, &snooze(3600, None), Refusal::Snooze);
    check_refused(&mut station, &snooze(20, Some("called")), Refusal::Snooze);
    check_refused(&mut station, &snooze(21 + day, Some("called")), Refusal::Snooze);
    let effects = station.step(at(20), &snooze(20 + day, Some("called"))).unwrap();
    assert_eq!(commands(&effects.publications).len(), 1);
    let mut shown = sample::alert(2, 1, 2, "acknowledged", "acknowledged");
    shown.by = Some("Nora".to_owned());
    deliver(&mut station, Channel::Alert, encode(&shown).unwrap());
    assert_eq!(progress(&station), Some(Progress::Done));
}

#[test]
fn what_waits_for_a_repeated_measurement_cannot_be_taken_on() {
    let mut station = online_station();
    deliver(&mut station, Channel::Alert, alert(1, 1, "asked", "pending"));
    check_refused(&mut station, &wish(Deed::Acknowledge, "Nora"), Refusal::Pending);
    let close = Deed::Close(alerting::Disposition::TrueExpected);
    assert_eq!(station.step(at(20), &wish(close, "Nora")).unwrap().refusal, None);
}

#[test]
fn an_escalated_alert_asks_for_a_new_acknowledgement() {
    let mut station = online_station();
    deliver(&mut station, Channel::Alert, alert(1, 1, "raised", "active"));
    station.step(at(10), &wish(Deed::Acknowledge, "Nora")).unwrap();
    deliver(&mut station, Channel::Alert, alert(2, 2, "acknowledged", "acknowledged"));
    deliver(&mut station, Channel::Alert, alert(3, 3, "escalated", "active"));
    let effects = station.step(at(30), &wish(Deed::Acknowledge, "Olga")).unwrap();
    assert_eq!(effects.refusal, None);
    assert_eq!(progress(&station), Some(Progress::OnItsWay));
}

#[test]
fn a_station_that_starts_again_knows_what_it_knew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("station.db");
    let open = |now| Station::open(now, settings(), Store::open(&path).unwrap()).unwrap();
    let mut station = open(at(0));
    deliver(&mut station, Channel::Reading, sample::weight(4, "81.40"));
    deliver(&mut station, Channel::Reading, sample::weight(5, "81.45"));
    deliver(&mut station, Channel::Alert, alert(1, 1, "raised", "active"));
    deliver(&mut station, Channel::Event, sample::event(9, "battery-low"));
    deliver(&mut station, Channel::Reading, vec![0xff]);
    deliver(&mut station, Channel::Alert, sample::weight(7, "1"));
    deliver(&mut station, Channel::Status, sample::status("online"));
    station.step(at(1), &wish(Deed::Acknowledge, "Nora")).unwrap();
    let before =
        Board { broker: Link { is_up: false, since: at(9), reason: None }, ..station.board };
    drop(station.store);
    let mut station = open(at(9));
    assert_eq!(*station.board(), before);
    let publications = station.step(at(9), &Event::Connected).unwrap().publications;
    assert_eq!((receipts(&publications).len(), commands(&publications).len()), (1, 1));
    assert_eq!(receipts(&publications)[0].missing, [(2, 3), (6, 6), (8, 8)]);
}

#[test]
fn an_order_whose_effect_was_noted_is_not_sent_by_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("station.db");
    let open = |now| Station::open(now, settings(), Store::open(&path).unwrap()).unwrap();
    let mut station = open(at(0));
    deliver(&mut station, Channel::Alert, alert(1, 1, "raised", "active"));
    station.step(at(1), &wish(Deed::Acknowledge, "Nora")).unwrap();
    deliver(&mut station, Channel::Alert, alert(2, 2, "closed", "done"));
    drop(station);
    let mut station = open(at(9));
    let publications = station.step(at(9), &Event::Connected).unwrap().publications;
    assert_eq!(commands(&publications).len(), 0);
    assert_eq!(progress(&station), None, "the alert is over and shows no order any more");
}

#[test]
fn a_batch_that_cannot_be_stored_has_no_effect_and_can_be_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("station.db");
    let mut station = Station::open(at(0), settings(), Store::open(&path).unwrap()).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON record WHEN new.seq = 2
                BEGIN SELECT RAISE(ABORT, 'disk full'); END";
    other.execute_batch(full).unwrap();
    let batch = [1, 2].map(|seq| delivery(Channel::Reading, sample::weight(seq, "80")));
    let event = Event::Delivered(batch.to_vec());
    let error = station.step(at(1), &event).unwrap_err();
    assert!(error.to_string().contains("disk full"), "{error}");
    assert!(station.board().hubs.is_empty() && station.board().clients.is_empty());
    station.note_fault(at(1), &error);
    other.execute_batch("DROP TRIGGER full").unwrap();
    let effects = station.step(at(2), &event).unwrap();
    assert_eq!(receipts(&effects.publications)[0].high_water, 2);
    assert_eq!(station.board().storage_fault, None);
}

/// Messages of a home that all bear on each other.
fn story() -> Vec<Delivery> {
    let mut story: Vec<_> = ["80", "80.5", "81"]
        .iter()
        .zip(10..)
        .map(|(kilogram, seq)| {
            let values = [("body-weight", *kilogram, "kg")];
            let mut reading = sample::reading(seq, "weight", &values);
            reading.measured_at = sample::time(&format!("2026-03-01T08:{seq}:00+01:00"));
            delivery(Channel::Reading, encode(&reading).unwrap())
        })
        .collect();
    let steps = [("raised", "active"), ("repeated", "active"), ("acknowledged", "acknowledged")];
    for ((state, standing), rev) in steps.into_iter().zip(1..) {
        story.push(delivery(Channel::Alert, alert(u64::from(rev), rev, state, standing)));
    }
    story.push(delivery(Channel::Reading, vec![0xff]));
    story
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn neither_order_nor_repetition_nor_batches_matter(
        (order, cuts) in (
            Just((0..6).chain(0..6).collect::<Vec<usize>>()).prop_shuffle(),
            prop::collection::vec(1_usize..5, 12),
        )
    ) {
        let story = story();
        let mut station = station();
        let mut rest = order.as_slice();
        for cut in cuts {
            let (batch, later) = rest.split_at(cut.min(rest.len()));
            let batch = batch.iter().map(|&index| story[index].clone()).collect();
            station.step(at(1), &Event::Delivered(batch)).unwrap();
            rest = later;
        }
        station.step(at(1), &Event::Delivered(
            rest.iter().map(|&index| story[index].clone()).collect())).unwrap();
        let mut expected = self::station();
        expected.step(at(1), &Event::Delivered(story[..6].to_vec())).unwrap();
        prop_assert_eq!(station.board(), expected.board());
    }

    #[test]
    fn no_bytes_disturb_the_station(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..8)
    ) {
        let mut station = station();
        let channels = Channel::ALL.into_iter().cycle();
        let batch = payloads.into_iter().zip(channels).map(|(it, channel)| delivery(channel, it));
        station.step(at(1), &Event::Delivered(batch.collect())).unwrap();
        let publications = deliver(&mut station, Channel::Reading, sample::weight(1, "80"));
        prop_assert_eq!(receipts(&publications)[0].high_water, 1);
    }
}

/// What a home sent that came up without the time: a reading and its alert ten minutes after the
/// start, estimated to be of the evening before, an older reading, and word that it knows the time
/// an hour after the start, at 08:55.
fn unknown_times() -> Vec<Delivery> {
    let clock = |minute: i64, known| {
        let boot = Bytes(vec![5; 16]);
        Some(v1::Clock { boot, uptime_ms: minute * 60_000, known })
    };
    let evening = sample::time("2026-02-28T18:00:00+01:00");
    let estimated = v1::Reading {
        recorded_at: evening,
        received_at: evening,
        measured_at: evening,
        time_quality: "estimated".to_owned(),
        clock: clock(10, false),
        ..sample::reading(2, "weight", &[("body-weight", "82", "kg")])
    };
    let raised = v1::Alert {
        recorded_at: evening,
        raised_at: evening,
        measured_at: Some(evening),
        clock: clock(10, false),
        measured_clock: clock(10, false),
        ..sample::alert(3, 3, 1, "raised", "active")
    };
    let taken_on = v1::Alert {
        recorded_at: sample::time("2026-03-01T09:00:00+01:00"),
        raised_at: evening,
        measured_at: Some(evening),
        clock: clock(65, true),
        measured_clock: clock(10, false),
        by: Some("Nurse A".to_owned()),
        ..sample::alert(5, 3, 2, "acknowledged", "acknowledged")
    };
    let mut learned: v1::Event = decode(&sample::event(4, "clock-stepped")).unwrap();
    learned.recorded_at = sample::time("2026-03-01T08:55:00+01:00");
    learned.clock = clock(60, true);
    vec![
        // Measured at 08:15 of that day, by a hub that knew the time: ten minutes after the other.
        delivery(Channel::Reading, sample::weight(1, "81")),
        delivery(Channel::Reading, encode(&estimated).unwrap()),
        delivery(Channel::Alert, encode(&raised).unwrap()),
        delivery(Channel::Event, encode(&learned).unwrap()),
        delivery(Channel::Alert, encode(&taken_on).unwrap()),
    ]
}

#[test]
fn what_a_home_recorded_before_it_knew_the_time_is_put_right_in_whatever_order_it_comes() {
    let deliveries = unknown_times();
    let mut boards = Vec::new();
    for turn in 0..deliveries.len() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("station.db");
        let open = || Station::open(at(0), settings(), Store::open(&path).unwrap()).unwrap();
        let mut station = open();
        let order = deliveries.iter().cycle().skip(turn).take(deliveries.len());
        for delivery in order {
            station.step(at(1), &Event::Delivered(vec![delivery.clone()])).unwrap();
        }
        boards.push(station.board().clone());
        drop(station);
        let reopened = open();
        assert_eq!(reopened.board().clients, boards[0].clients, "after a restart");
        assert_eq!(reopened.board().alerts, boards[0].alerts, "after a restart");
    }
    for board in &boards {
        assert_eq!((&board.clients, &board.alerts), (&boards[0].clients, &boards[0].alerts));
    }
    let board = &boards[0];
    let newest = &board.clients.values().next().unwrap().vitals[&vitals::Vital::BodyWeight];
    let measured: Vec<_> = newest.iter().map(|it| it.reading.measured_at.to_string()).collect();
    assert_eq!(measured, ["2026-03-01T08:15:00.000+01:00", "2026-03-01T08:05:00.000+01:00"]);
    let first = newest[1].first.as_ref().unwrap();
    assert_eq!(first.measured_at.to_string(), "2026-02-28T18:00:00.000+01:00");
    assert_eq!(newest[1].reading.time_quality, vitals::TimeQuality::Corrected);
    let episode = board.alerts.values().next().unwrap();
    let shown = episode.current();
    let true_time = sample::time("2026-03-01T08:05:00+01:00");
    assert_eq!((shown.raised_at, shown.measured_at), (true_time, Some(true_time)));
    assert_eq!((episode.steps[&1].at, shown.rev), (true_time, 2));
    assert!(episode.is_corrected());
}

#[test]
fn an_order_does_not_wait_on_once_the_alert_is_more_urgent_than_what_the_nurse_saw() {
    let mut station = online_station();
    let of = |seq, rev, state: &str, priority: &str| {
        let it = sample::alert(seq, 1, rev, state, "active");
        encode(&v1::Alert { priority: priority.to_owned(), ..it }).unwrap()
    };
    deliver(&mut station, Channel::Alert, of(1, 1, "raised", "medium"));
    station.step(at(20), &wish(Deed::Acknowledge, "Nora")).unwrap();
    deliver(&mut station, Channel::Alert, of(2, 2, "repeated", "medium"));
    assert_eq!(progress(&station), Some(Progress::OnItsWay));
    deliver(&mut station, Channel::Alert, of(3, 3, "escalated", "high"));
    assert_eq!(progress(&station), Some(Progress::Overtaken));
    // Who looks again can answer.
    assert_eq!(station.step(at(30), &wish(Deed::Acknowledge, "Olga")).unwrap().refusal, None);
}

/// The event with which a home refuses the acknowledgement of Nora.
fn refused(seq: u64) -> Vec<u8> {
    let event: v1::Event = decode(&sample::event(seq, "command-refused")).unwrap();
    let text = "A command of the agency was not carried out: it is acknowledged.".to_owned();
    let command_id = Some("command of Nora".to_owned());
    encode(&v1::Event { text, command_id, ..event }).unwrap()
}

#[test]
fn an_order_does_not_wait_on_once_the_home_has_refused_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("station.db");
    let open = || Station::open(at(40), settings(), Store::open(&path).unwrap()).unwrap();
    let mut station = open();
    station.step(at(1), &Event::Connected).unwrap();
    let raised = sample::alert(1, 1, 1, "raised", "active");
    deliver(&mut station, Channel::Alert, encode(&raised).unwrap());
    station.step(at(20), &wish(Deed::Acknowledge, "Nora")).unwrap();
    let refusal = Event::Delivered(vec![delivery(Channel::Event, refused(2))]);
    station.step(at(30), &refusal).unwrap();
    let shown = |station: &Station| {
        let episode = station.board().alerts.values().next().unwrap().clone();
        let order = episode.order().unwrap();
        (order.progress, order.refusal.as_deref().map(|it| it.contains("it is acknowledged")))
    };
    assert_eq!(shown(&station), (Progress::Refused, Some(true)));
    assert_eq!(commands(&station.step(at(90), &Event::Elapsed).unwrap().publications).len(), 0);
    drop(station);
    let mut station = open();
    assert_eq!(shown(&station), (Progress::Refused, Some(true)), "after a restart");
    // Who asks again is heard, and what the home shows has the last word.
    assert_eq!(station.step(at(95), &wish(Deed::Acknowledge, "Olga")).unwrap().refusal, None);
    let acknowledged = sample::alert(3, 1, 2, "acknowledged", "acknowledged");
    deliver(&mut station, Channel::Alert, encode(&acknowledged).unwrap());
    assert_eq!(progress(&station), Some(Progress::Done));
}

#[test]
fn a_refusal_that_was_filed_before_a_crash_is_known_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("station.db");
    let mut station = Station::open(at(0), settings(), Store::open(&path).unwrap()).unwrap();
    let raised = sample::alert(1, 1, 1, "raised", "active");
    deliver(&mut station, Channel::Alert, encode(&raised).unwrap());
    station.step(at(0), &wish(Deed::Acknowledge, "Nora")).unwrap();
    drop(station);
    let mut store = Store::open(&path).unwrap();
    let topics = &settings().topics;
    let batch = [crate::inbound::read(topics, &delivery(Channel::Event, refused(2)))];
    store.file(at(5), &batch, &[]).unwrap();
    drop(store);
    let station = Station::open(at(40), settings(), Store::open(&path).unwrap()).unwrap();
    assert_eq!(progress(&station), Some(Progress::Refused));
}
