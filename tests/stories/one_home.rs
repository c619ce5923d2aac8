//! One home, end to end: from a cuff's bytes to the nurse's page and back.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use std::collections::BTreeSet;

use firmware_sim::device::blood_pressure::BloodPressure;
use firmware_sim::device::{Device, Measurement, Timing};
use harness::agency::AGENCY;
use harness::home::{HUB, HomeDevice};
use harness::listener::Listener;
use harness::program::Program;
use harness::story::{CLIENT, CLIENT_NAME, Story, brokers};
use harness::wire;
use vitals::wire::topic::{AgencyTopics, Channel, ROOT};

const CUFF: &str = "C0:FF:EE:00:00:01";

fn cuff() -> HomeDevice {
    let device = Device::cuff("cuff", CUFF.parse().unwrap()).bonded().timing(Timing::brisk());
    HomeDevice::bluetooth(device, "and-ua-651ble", CUFF, CLIENT)
}

#[test]
fn a_crisis_reaches_the_nurse_and_her_answer_the_home() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    for kind in brokers() {
        let mut story = Story::set(&program, kind, &[cuff()]).unwrap();
        let listener = Listener::start(story.broker.port()).unwrap();
        story.agency.start_station().unwrap();
        story.home.start_hub().unwrap();
        let page = story.agency.watch().unwrap();

        let device = story.home.simulator().device("cuff").unwrap();
        let crisis = Measurement::BloodPressure(BloodPressure::mmhg(184, 121, 96));
        story.home.perform(device.measure(crisis)).unwrap();
        let board = page
            .wait_until(|board| board.contains("systolic-crisis") && board.contains("184"))
            .unwrap();
        assert!(board.contains(CLIENT_NAME), "{board}");

        let alerts = story.agency.alerts().unwrap();
        let [alert] = alerts.as_slice() else { panic!("{alerts:?}") };
        assert_eq!(alert["standing"], "active");
        let id = alert["alert"].as_str().unwrap();
        story.agency.acknowledge(HUB, id, "Nurse N.").unwrap();
        page.wait_until(|board| board.contains("cknowledged by Nurse N.")).unwrap();

        let at_home = story.home.list(&["alerts", "--open"]).unwrap();
        let [alert] = at_home.as_slice() else { panic!("{at_home:?}") };
        assert_eq!(
            (&alert["standing"], &alert["by"]),
            (&"acknowledged".into(), &"Nurse N.".into())
        );
        let Story { mut home, mut agency, .. } = story;
        home.stop_hub().unwrap();
        agency.stop_station().unwrap();
        every_message_keeps_the_contract(&listener);
    }
}

/// Every channel but the plan's is used in this story.
fn every_message_keeps_the_contract(listener: &Listener) {
    let topics = AgencyTopics::new(ROOT, AGENCY.parse().unwrap()).unwrap();
    let mut channels = BTreeSet::from([Channel::Plan]);
    for message in listener.heard() {
        let (_hub, channel) = topics.parse(&message.topic).unwrap();
        wire::check(channel, &message.payload).unwrap();
        channels.insert(channel);
    }
    assert_eq!(channels, BTreeSet::from(Channel::ALL));
}
