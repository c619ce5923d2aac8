use vitals::wire::canonical::{decode, encode};
use vitals::wire::sealed::open;
use vitals::wire::v1::OpenAlert;

use super::*;
use crate::core::Event;
use crate::core::tests::{at, deliver, delivery, online_station, settings};
use crate::core::vigil::tests::pass;
use crate::sample;
use crate::store::Store;

fn hear(station: &mut Station, second: i64, channel: Channel, payload: Vec<u8>) {
    pass(station, second);
    let event = Event::Delivered(vec![delivery(channel, payload)]);
    station.step(at(second), &event).unwrap();
}

/// What the hub is asked for until `second`, while it says every minute that it is there.
fn asked(station: &mut Station, from: i64, second: i64) -> Vec<(i64, Vec<(u64, u64)>)> {
    let mut asked = Vec::new();
    for now in (from..=second).step_by(60) {
        for (due, publication) in pass(station, now) {
            if !publication.topic.ends_with("down/command") {
                continue;
            }
            let key = settings().key.verifying_key();
            let payload = open(&publication.payload, Purpose::Command, &[key]).unwrap();
            let command: Command = decode(&payload).unwrap();
            let Instruction::Resend { epoch, ranges } = command.instruction().unwrap() else {
                panic!("{command:?}")
            };
            assert_eq!(epoch, sample::EPOCH);
            asked.push((due.duration_since(at(0)).as_secs(), ranges));
        }
        hear(station, now, Channel::Status, sample::status("online"));
    }
    asked
}

fn home(station: &Station) -> &Home {
    &station.board().hubs[&sample::HUB.parse().unwrap()]
}

#[test]
fn a_gap_that_stands_is_asked_for_ever_more_rarely() {
    let mut station = online_station();
    deliver(&mut station, Channel::Reading, sample::weight(1, "80"));
    deliver(&mut station, Channel::Reading, sample::weight(5, "80"));
    assert_eq!(home(&station).gap_since, Some(at(1)));
    let requests = asked(&mut station, 1, 1000);
    let times: Vec<_> = requests.iter().map(|(second, _ranges)| *second).collect();
    assert_eq!(times, [61, 61 + 120, 61 + 120 + 240, 61 + 120 + 240 + 480]);
    assert!(requests.iter().all(|(_second, ranges)| *ranges == [(2, 4)]));
    assert_eq!(home(&station).requests.map(|(_at, n)| n), Some(4));

    for seq in 2..=4 {
        hear(&mut station, 1001, Channel::Reading, sample::weight(seq, "80"));
    }
    assert_eq!((home(&station).gap_since, home(&station).requests), (None, None));
    assert_eq!(asked(&mut station, 1002, 5000), []);
}

#[test]
fn a_gap_that_shrinks_is_not_asked_for() {
    let mut station = online_station();
    hear(&mut station, 0, Channel::Reading, sample::weight(100, "80"));
    for seq in 1..=80 {
        let second = i64::try_from(seq).unwrap() * 10;
        hear(&mut station, second, Channel::Reading, sample::weight(seq, "80"));
    }
    assert_eq!(home(&station).requests, None);
}

#[test]
fn a_hub_that_is_away_is_asked_when_it_is_back() {
    let mut station = online_station();
    deliver(&mut station, Channel::Reading, sample::weight(5, "80"));
    deliver(&mut station, Channel::Status, sample::status("offline"));
    assert!(pass(&mut station, 900).iter().all(|(_due, it)| !it.topic.ends_with("command")));
    let requests = asked(&mut station, 1000, 1100);
    assert_eq!(requests, [(1060, vec![(1, 4)])]);
}

#[test]
fn since_when_a_gap_stands_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("station.db");
    let restart = |now| Station::open(now, settings(), Store::open(&path).unwrap()).unwrap();
    let mut station = restart(at(0));
    deliver(&mut station, Channel::Reading, sample::weight(5, "80"));
    drop(station);
    assert_eq!(home(&restart(at(99))).gap_since, Some(at(1)));
}

fn health(last_seq: u64, alerts: &[(u64, u32, &str)]) -> Vec<u8> {
    let open = |&(seq, rev, standing): &(u64, u32, &str)| OpenAlert {
        alert_id: format!("{}-{seq}", sample::EPOCH),
        rev,
        standing: standing.to_owned(),
    };
    let mut health = sample::health(last_seq);
    health.alerts = Some(alerts.iter().map(open).collect());
    encode(&health).unwrap()
}

fn differs(station: &Station) -> bool {
    station.board().alarms.open().any(|it| it.kind == Kind::AlertsDiffer)
}

#[test]
fn open_alerts_that_differ_twice_though_all_is_here_are_an_alarm_until_they_agree() {
    let mut station = online_station();
    let raised = sample::alert(1, 1, 1, "raised", "active");
    deliver(&mut station, Channel::Alert, encode(&raised).unwrap());
    hear(&mut station, 10, Channel::Health, health(1, &[(1, 1, "active")]));
    hear(&mut station, 40, Channel::Health, health(1, &[(1, 2, "acknowledged")]));
    assert!(!differs(&station), "once may be chance");
    hear(&mut station, 70, Channel::Health, health(1, &[(1, 2, "acknowledged")]));
    assert!(differs(&station));
    hear(&mut station, 100, Channel::Health, health(1, &[(1, 1, "active")]));
    assert!(!differs(&station));
    hear(&mut station, 130, Channel::Health, health(1, &[]));
    hear(&mut station, 160, Channel::Health, health(1, &[]));
    assert!(differs(&station), "an alert that only the station has");
}

#[test]
fn where_records_are_on_their_way_nothing_is_compared() {
    let mut station = online_station();
    let raised = sample::alert(1, 1, 1, "raised", "active");
    deliver(&mut station, Channel::Alert, encode(&raised).unwrap());
    for second in [10, 40, 70] {
        hear(&mut station, second, Channel::Health, health(2, &[]));
    }
    assert!(!differs(&station));
}

#[test]
fn an_alert_of_an_earlier_database_counts_where_the_hub_still_has_it() {
    let mut station = online_station();
    let earlier = Epoch([7; 8]);
    let mut raised = sample::alert(1, 1, 1, "raised", "active");
    (raised.epoch.0, raised.alert_id) = (earlier.0.to_vec(), format!("{earlier}-1"));
    deliver(&mut station, Channel::Alert, encode(&raised).unwrap());
    deliver(&mut station, Channel::Reading, sample::weight(1, "80"));
    // A hub with an empty database knows nothing of it, a salvaged one has it still.
    for second in [10, 40] {
        hear(&mut station, second, Channel::Health, health(1, &[]));
    }
    assert!(!differs(&station));
    let mut salvaged = sample::health(1);
    let (alert_id, standing) = (format!("{earlier}-1"), "active".to_owned());
    salvaged.alerts = Some(vec![OpenAlert { alert_id, rev: 1, standing }]);
    for second in [70, 100] {
        hear(&mut station, second, Channel::Health, encode(&salvaged).unwrap());
    }
    assert!(!differs(&station));
}
