//! The station against a real broker: one promise a test.
//!
//! Where no mosquitto is installed the tests say so and pass, unless `VITALGATE_REQUIRE_TOOLS=1`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a story that cannot go on fails, and a skipped one says why"
)]

#[path = "../src/sample.rs"]
#[expect(dead_code, reason = "the unit tests use the rest")]
mod sample;

#[path = "stories/broker.rs"]
mod broker;
#[path = "stories/browser.rs"]
mod browser;
#[path = "stories/certificate.rs"]
mod certificate;
#[path = "stories/hub.rs"]
mod hub;
#[path = "stories/station.rs"]
mod station;
#[path = "stories/tool.rs"]
mod tool;

use serde_json::Value::Null;
use vitals::wire::canonical::{decode, encode};
use vitals::wire::sealed::{Purpose, open};
use vitals::wire::topic::Channel;
use vitals::wire::v1::{Command, Deadline, Instruction, Receipt, Timers};

use crate::broker::Broker;
use crate::hub::Hub;
use crate::station::Station;

/// A broker, a station on it and a hub; `None` where no broker is installed.
fn agency() -> Option<(Broker, Station, Hub)> {
    let broker = Broker::start()?;
    let station = Station::start(&broker);
    let hub = Hub::connect(&broker, sample::HUB);
    Some((broker, station, hub))
}

/// The next receipt that holds up to `high_water`.
fn receipt(hub: &Hub, high_water: u64) -> Receipt {
    loop {
        let receipt: Receipt = decode(&hub.expect(Channel::Receipt)).unwrap();
        if receipt.high_water == high_water {
            return receipt;
        }
    }
}

#[test]
fn a_reading_becomes_a_row_and_then_a_receipt() {
    let Some((_broker, station, hub)) = agency() else { return };
    hub.publish(Channel::Reading, sample::weight(1, "81.40"));
    let receipt = receipt(&hub, 1);
    assert_eq!((receipt.hub.as_str(), receipt.missing.len()), (sample::HUB, 0));
    let answer = station.json("/api/readings");
    let reading = &answer["readings"][0];
    assert_eq!(reading["values"][0]["value"], "81.40");
    assert_eq!(reading["client"], "Ada Byron");
    assert_eq!(answer["readings"].as_array().unwrap().len(), 1);
}

#[test]
fn a_message_that_comes_again_is_one_row_and_another_receipt() {
    let Some((_broker, station, hub)) = agency() else { return };
    hub.publish(Channel::Reading, sample::weight(1, "81.4"));
    receipt(&hub, 1);
    hub.publish(Channel::Reading, sample::weight(1, "81.4"));
    receipt(&hub, 1);
    assert_eq!(station.json("/api/readings")["readings"].as_array().unwrap().len(), 1);
    assert_eq!(station.json("/api/hubs")["quarantined"], 0);
}

#[test]
fn other_bytes_for_the_same_place_do_not_replace_the_first() {
    let Some((_broker, station, hub)) = agency() else { return };
    hub.publish(Channel::Reading, sample::weight(1, "81.4"));
    receipt(&hub, 1);
    hub.publish(Channel::Reading, sample::weight(1, "18.4"));
    let told: Receipt = decode(&hub.expect(Channel::Receipt)).unwrap();
    assert!(!told.held().contains(1), "nobody says that the second is delivered: {told:?}");
    let answer = station.json("/api/readings");
    assert_eq!(answer["readings"].as_array().unwrap().len(), 1);
    assert_eq!(answer["readings"][0]["values"][0]["value"], "81.4");
    assert_eq!(station.json("/api/hubs")["quarantined"], 1);
}

#[test]
fn a_gap_is_named_in_the_receipt_until_it_is_filled() {
    let Some((_broker, station, hub)) = agency() else { return };
    for seq in [1, 2, 5] {
        hub.publish(Channel::Reading, sample::weight(seq, "81.4"));
    }
    assert_eq!(receipt(&hub, 5).missing, [(3, 4)]);
    assert!(station.page("/").contains("2 records missing"));
    for seq in [3, 4] {
        hub.publish(Channel::Reading, sample::weight(seq, "81.4"));
    }
    while !receipt(&hub, 5).missing.is_empty() {}
    assert!(!station.page("/").contains("missing"));
}

#[test]
fn rubbish_and_impostors_do_not_disturb_the_others() {
    let Some((broker, station, hub)) = agency() else { return };
    let impostor = Hub::connect(&broker, "hub-2");
    impostor.publish(Channel::Reading, sample::weight(7, "60"));
    hub.publish(Channel::Reading, b"\xff\xff".to_vec());
    hub.publish(Channel::Alert, sample::weight(1, "81.4"));
    hub.publish(Channel::Reading, vec![0; 20_000]);
    hub.publish(Channel::Reading, sample::weight(2, "81.4"));
    let receipt = receipt(&hub, 2);
    assert_eq!(receipt.missing, [], "a body that cannot be read holds its place");
    let answer = station.json("/api/readings");
    assert_eq!(answer["readings"].as_array().unwrap().len(), 1);
    assert_eq!(answer["readings"][0]["seq"], 2);
    let hubs = station.json("/api/hubs");
    assert_eq!((&hubs["quarantined"], &hubs["unread"]), (&3.into(), &1.into()));
    assert!(station.page("/").contains("4 messages could not be read"));
}

#[test]
fn an_acknowledgement_is_signed_and_repeated_until_the_home_shows_it() {
    let Some((_broker, station, hub)) = agency() else { return };
    hub.publish(Channel::Alert, encode(&sample::alert(1, 1, 1, "raised", "active")).unwrap());
    receipt(&hub, 1);
    let page = station.page("/");
    assert!(page.contains("SpO2 86 % is below 88 %") && page.contains("Ada Byron"), "{page}");
    assert!(page.contains("1 alert waits for a nurse"), "{page}");

    let alert = format!("{}-1", sample::EPOCH);
    let path = format!("/alerts/{}/{alert}/acknowledge", sample::HUB);
    assert_eq!(station.post(&path, "by=Nora&note=called"), 303);
    let first = hub.expect(Channel::Command);
    let keys = [station.public_key()];
    let command: Command = decode(&open(&first, Purpose::Command, &keys).unwrap()).unwrap();
    let wanted = Instruction::Acknowledge {
        alert: alert.parse().unwrap(),
        by: "Nora".to_owned(),
        note: Some("called".to_owned()),
        until: None,
    };
    assert_eq!((command.hub.as_str(), command.instruction().unwrap()), (sample::HUB, wanted));
    assert!(station.page("/").contains("Acknowledgement on its way to the home"));
    assert_eq!(station.post(&path, "by=Second"), 409);

    assert_eq!(hub.expect(Channel::Command), first, "the same command again after a while");
    hub.publish(Channel::Status, sample::status("online"));
    assert_eq!(hub.expect(Channel::Command), first, "and when the home comes back");

    let mut shown = sample::alert(2, 1, 2, "acknowledged", "acknowledged");
    shown.by = Some("Nora".to_owned());
    hub.publish(Channel::Alert, encode(&shown).unwrap());
    receipt(&hub, 2);
    let page = station.page("/");
    assert!(page.contains("Acknowledged by <strong>Nora</strong> at"), "{page}");
    assert!(!page.contains("on its way"), "{page}");
    let alerts = station.json("/api/alerts");
    assert_eq!(alerts["alerts"][0]["order"]["progress"], "done");
    assert_eq!(alerts["alerts"][0]["standing"], "acknowledged");
}

#[test]
fn an_acknowledgement_from_another_page_is_refused() {
    let Some((_broker, station, hub)) = agency() else { return };
    hub.publish(Channel::Alert, encode(&sample::alert(1, 1, 1, "raised", "active")).unwrap());
    receipt(&hub, 1);
    let path = format!("/alerts/{}/{}-1/acknowledge", sample::HUB, sample::EPOCH);
    assert_eq!(station.post_from("http://evil.example.com", &path, "by=Mallory"), 403);
    assert_eq!(station.post(&path, "by="), 400);
    assert_eq!(station.post("/alerts/hub-9/0000000000000000-1/acknowledge", "by=N"), 404);
    assert!(station.json("/api/alerts")["alerts"][0]["order"].is_null());
}

#[test]
fn an_alert_that_is_taken_on_for_a_while_asks_again_by_itself() {
    let Some((_broker, station, hub)) = agency() else { return };
    hub.publish(Channel::Alert, encode(&sample::alert(1, 1, 1, "raised", "active")).unwrap());
    receipt(&hub, 1);
    let page = station.page("/");
    assert!(page.contains("Acknowledge for a while") && page.contains("24 h</option>"), "{page}");
    let path = format!("/alerts/{}/{}-1/snooze", sample::HUB, sample::EPOCH);
    assert_eq!(station.post(&path, "by=Nora&note=later&hours=25"), 400);
    assert_eq!(station.post(&path, "by=Nora&note=later&hours=0"), 400);
    assert_eq!(station.post(&path, "by=Nora&note=+&hours=2"), 400);
    assert_eq!(station.post(&path, "by=Nora&note=later"), 400);
    assert_eq!(station.post(&path, "by=Nora&note=later&hours=2"), 303);
    let sealed = hub.expect(Channel::Command);
    let payload = open(&sealed, Purpose::Command, &[station.public_key()]).unwrap();
    let command: Command = decode(&payload).unwrap();
    let until = command.until.expect("it ends by itself");
    let held = until.0.at.duration_since(command.issued_at.0.at);
    assert!((7190..=7200).contains(&held.as_secs()), "{held}");

    let timers = Timers { until: Some(Deadline { at: until, clock: None }), ..Timers::default() };
    let mut shown = sample::alert(2, 1, 2, "acknowledged", "acknowledged");
    (shown.by, shown.timers) = (Some("Nora".to_owned()), Some(timers));
    hub.publish(Channel::Alert, encode(&shown).unwrap());
    receipt(&hub, 2);
    assert!(station.page("/").contains(", until "), "{}", station.page("/"));
    let alert = &station.json("/api/alerts")["alerts"][0];
    assert_eq!(alert["timers"]["until"], until.0.to_string());
    assert_eq!(
        (&alert["timers"]["repeat_by"], &alert["order"]["progress"]),
        (&Null, &"done".into())
    );

    // Two hours later the home says that it holds no more.
    hub.publish(Channel::Alert, encode(&sample::alert(3, 1, 3, "resumed", "active")).unwrap());
    receipt(&hub, 3);
    assert!(station.page("/").contains("1 alert waits for a nurse"), "{}", station.page("/"));
    assert_eq!(station.json("/api/alerts")["alerts"][0]["timers"], Null);
    assert_eq!(station.post(&path, "by=Nora&note=still&hours=1"), 303);
}

#[test]
fn a_killed_station_keeps_what_it_has_receipted() {
    let Some((broker, mut station, hub)) = agency() else { return };
    for seq in 1..=200 {
        hub.publish(Channel::Reading, sample::weight(seq, "81.4"));
    }
    let held = loop {
        let receipt: Receipt = decode(&hub.expect(Channel::Receipt)).unwrap();
        if 20 <= receipt.high_water {
            station.kill();
            break receipt.held();
        }
    };
    let station = station.restart(&broker);
    let answer = station.json("/api/readings");
    let rows = answer["readings"].as_array().unwrap();
    let stored: Vec<_> = rows.iter().map(|it| it["seq"].as_u64().unwrap()).collect();
    for seq in held.iter().flatten() {
        assert_eq!(stored.iter().filter(|&&it| it == seq).count(), 1, "{seq}");
    }
    // The rest waits at the broker or comes from the hub again, and nothing is there twice.
    for seq in 1..=200 {
        hub.publish(Channel::Reading, sample::weight(seq, "81.4"));
    }
    while !receipt(&hub, 200).missing.is_empty() {}
    assert_eq!(station.json("/api/readings")["readings"].as_array().unwrap().len(), 200);
}

#[test]
fn what_waited_during_a_long_absence_arrives_whole() {
    let Some((_broker, station, hub)) = agency() else { return };
    for seq in 1..=5000 {
        hub.publish(Channel::Reading, sample::weight(seq, "81.4"));
    }
    while !receipt(&hub, 5000).missing.is_empty() {}
    assert_eq!(station.json("/api/hubs")["hubs"][0]["ledgers"][0]["held"], 5000);
}

#[test]
fn a_station_that_is_stopped_stores_what_it_has_taken_from_the_broker() {
    let Some((broker, mut station, hub)) = agency() else { return };
    for seq in 1..=2000 {
        hub.publish(Channel::Reading, sample::weight(seq, "81.4"));
    }
    hub.expect(Channel::Receipt);
    station.terminate();
    let _station = station.restart(&broker);
    // Nobody sends anything again: the broker kept what the first station had not taken.
    while !receipt(&hub, 2000).missing.is_empty() {}
}

#[test]
fn an_order_survives_a_killed_station() {
    let Some((broker, mut station, hub)) = agency() else { return };
    hub.publish(Channel::Alert, encode(&sample::alert(1, 1, 1, "raised", "active")).unwrap());
    receipt(&hub, 1);
    let path = format!("/alerts/{}/{}-1/acknowledge", sample::HUB, sample::EPOCH);
    assert_eq!(station.post(&path, "by=Nora"), 303);
    station.kill();
    let first = hub.expect(Channel::Command);
    let station = station.restart(&broker);
    assert_eq!(hub.expect(Channel::Command), first);
    assert!(station.page("/").contains("Acknowledgement on its way to the home"));
}

#[test]
fn an_open_page_is_told_of_a_new_alert() {
    let Some((_broker, station, hub)) = agency() else { return };
    let mut events = station.events();
    events.wait_for("No alert waits");
    hub.publish(Channel::Alert, encode(&sample::alert(1, 1, 1, "raised", "active")).unwrap());
    events.wait_for("SpO2 86 % is below 88 %");
}

#[test]
fn a_station_without_a_broker_says_so_and_joins_it_later() {
    let Some(mut broker) = Broker::start() else { return };
    broker.stop();
    let station = Station::start(&broker);
    assert_eq!(station.json("/api/hubs")["broker"]["connected"], false);
    assert!(station.page("/").contains("No connection to the homes"));
    let mut events = station.events();
    events.wait_for("No connection to the homes");
    broker.start_again();
    events.wait_for_absence("No connection to the homes");
    let hub = Hub::connect(&broker, sample::HUB);
    hub.publish(Channel::Reading, sample::weight(1, "81.4"));
    receipt(&hub, 1);
}

#[test]
fn an_encrypted_connection_with_certificates_carries_the_same() {
    let Some(broker) = Broker::start_encrypted() else { return };
    let station = Station::start(&broker);
    let hub = Hub::connect(&broker, sample::HUB);
    hub.publish(Channel::Reading, sample::weight(1, "81.4"));
    receipt(&hub, 1);
    assert_eq!(station.json("/api/hubs")["broker"]["connected"], true);
}

#[test]
fn a_broker_without_a_trusted_certificate_is_not_spoken_to() {
    let Some(broker) = Broker::start_encrypted() else { return };
    assert!(
        certificate::issue(broker.directory.path()),
        "the authority that the station trusts is new"
    );
    let station = Station::start(&broker);
    let link = &station.json("/api/hubs")["broker"];
    assert_eq!(link["connected"], false);
    assert!(link["reason"].as_str().unwrap().contains("certificate"), "{link}");
}

#[test]
fn a_hub_that_went_away_is_shown() {
    let Some((_broker, station, hub)) = agency() else { return };
    let mut events = station.events();
    hub.publish(Channel::Status, sample::status("online"));
    events.wait_for("<strong>Online</strong>");
    hub.publish(Channel::Status, sample::status("offline"));
    events.wait_for("<strong>Offline</strong>");
    assert_eq!(station.json("/api/hubs")["hubs"][0]["presence"], "offline");
}

#[test]
fn a_stopped_station_ends_well() {
    let Some((_broker, mut station, _hub)) = agency() else { return };
    // An open page must not hold it up.
    let mut events = station.events();
    events.wait_for("No alert waits");
    station.terminate();
}
