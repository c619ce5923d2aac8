//! What real devices once said travels the whole way and arrives as it was measured.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use std::collections::BTreeMap;
use std::time::Duration;

use firmware_sim::device::{Device, Timing};
use firmware_sim::gatt::short;
use harness::agency::AGENCY;
use harness::broker::Kind;
use harness::home::HomeDevice;
use harness::listener::{Heard, Listener};
use harness::program::Program;
use harness::story::{CLIENT, Story, brokers};
use harness::wire;
use serde_json::Value;
use vitals::wire::canonical;
use vitals::wire::topic::{AgencyTopics, ROOT};
use vitals::wire::v1::{Event, Reading};

/// Captures on which this story relies.
const CAPTURES_MIN: usize = 20;

/// How long all of them may take to arrive.
const ARRIVAL_MAX: Duration = Duration::from_secs(120);

/// A capture of a real device, with what it means by its source.
struct Capture {
    name: String,
    protocol: String,
    bytes: Vec<u8>,
    expected: Value,
}

/// What the hub has to know to read a protocol, and the service and characteristic that carry it.
fn model(protocol: &str) -> Option<(&'static str, Option<(u16, u16)>)> {
    Some(match protocol {
        "2A35" => ("and-ua-651ble", Some((0x1810, 0x2A35))),
        "2A35+quirk:beurer_be" => ("beurer-bm85", Some((0x1810, 0x2A35))),
        "2A5E" => ("sig-pulse-oximeter", Some((0x1822, 0x2A5E))),
        "2A5F" => ("choicemmed-plx", Some((0x1822, 0x2A5F))),
        "2A9D" => ("sig-weight-scale", Some((0x181D, 0x2A9D))),
        "2A1C" => ("sig-thermometer", Some((0x1809, 0x2A1C))),
        "2A37" => ("sig-heart-rate", Some((0x180D, 0x2A37))),
        serial if serial.starts_with("Nonin DF2") => ("nonin-df2", None),
        _other => return None,
    })
}

fn captures() -> Vec<Capture> {
    let text = include_str!("../vectors/golden.jsonl");
    let vectors = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text_of = |vector: &Value, key: &str| vector[key].as_str().unwrap().to_owned();
    vectors
        .filter(|vector| vector["kind"] == "capture")
        // The same bytes as `bpm-beurer-bm85-1`, as a decoder without the quirk would read them.
        .filter(|vector| vector["id"] != "bpm-beurer-bm85-naive")
        .map(|vector| Capture {
            name: text_of(&vector, "id").replace('.', "-"),
            protocol: text_of(&vector, "protocol"),
            bytes: hex::decode(text_of(&vector, "hex")).unwrap(),
            expected: vector["expected"].clone(),
        })
        .filter(|capture| model(&capture.protocol).is_some())
        .collect()
}

/// One device for each capture, so that none can stand in for another.
fn device(capture: &Capture, number: usize) -> HomeDevice {
    let (model, profile) = model(&capture.protocol).unwrap();
    match profile {
        Some((service, characteristic)) => {
            let address = format!("C0:FF:EE:00:01:{number:02X}");
            let (service, characteristic) = (short(service), short(characteristic));
            let at = address.parse().unwrap();
            let simulated = Device::replay(&capture.name, at, service, characteristic, true);
            let simulated = simulated.timing(Timing::brisk());
            HomeDevice::bluetooth(simulated, model, &address, CLIENT)
        }
        None => {
            let simulated = Device::serial_replay(&capture.name, &capture.name);
            HomeDevice::serial(simulated, model, &capture.name, CLIENT)
        }
    }
}

/// The values that the source of a capture states, by the names of the contract.
fn stated(capture: &Capture) -> BTreeMap<&'static str, f64> {
    let names = [
        ("systolic", "systolic-pressure"),
        ("diastolic", "diastolic-pressure"),
        ("mean", "mean-arterial-pressure"),
        ("weight", "body-weight"),
        ("temperature", "body-temperature"),
        ("spo2", "oxygen-saturation"),
        ("pulse", "pulse-rate"),
        ("pr", "pulse-rate"),
        ("hr", if capture.protocol == "2A37" { "heart-rate" } else { "pulse-rate" }),
    ];
    let number = |(key, vital)| Some((vital, capture.expected[key].as_f64()?));
    names.into_iter().filter_map(number).collect()
}

fn of_device<'a>(list: &'a [Value], capture: &Capture) -> &'a Value {
    let mine: Vec<_> = list.iter().filter(|it| it["device"]["id"] == *capture.name).collect();
    assert_eq!(mine.len(), 1, "{}: {mine:#?}", capture.name);
    mine[0]
}

fn every_message_keeps_the_contract(heard: &[Heard]) {
    let topics = AgencyTopics::new(ROOT, AGENCY.parse().unwrap()).unwrap();
    for message in heard {
        let (_hub, channel) = topics.parse(&message.topic).unwrap();
        wire::check(channel, &message.payload).unwrap();
    }
}

#[test]
fn captures_of_real_devices_arrive_as_they_were_measured() {
    let captures = captures();
    assert!(CAPTURES_MIN <= captures.len(), "{} captures", captures.len());
    let devices: Vec<_> = captures.iter().zip(1..).map(|(it, n)| device(it, n)).collect();
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let kind = *brokers().first().unwrap_or(&Kind::Embedded);
    let story = Story::set(&program, kind, &devices).unwrap();
    let listener = Listener::start(story.broker.port()).unwrap();
    let Story { mut home, mut agency, broker: _broker, directory: _directory } = story;
    agency.start_station().unwrap();
    let page = agency.watch().unwrap();
    home.start_hub().unwrap();

    for capture in &captures {
        let device = home.simulator().device(&capture.name).unwrap();
        if model(&capture.protocol).unwrap().1.is_none() {
            home.perform(device.wait_until(|it| it.connected)).unwrap();
        }
        home.perform(device.replay(vec![capture.bytes.clone()])).unwrap();
    }

    let (failed, measured): (Vec<_>, Vec<_>) =
        captures.iter().partition(|it| it.expected["systolic"] == "NaN");
    let on_topic = |topic: &str, end: &str| topic.ends_with(end);
    let heard = listener
        .wait_until(ARRIVAL_MAX, |heard| {
            let count = |end| heard.iter().filter(|it| on_topic(&it.topic, end)).count();
            let is_failed = |it: &Event| it.kind == "measurement-failed";
            let events = heard.iter().filter(|it| on_topic(&it.topic, "up/event"));
            let events = events.filter_map(|it| canonical::decode(&it.payload).ok());
            measured.len() <= count("up/reading")
                && failed.len() <= events.filter(is_failed).count()
        })
        .unwrap();
    page.wait_until(|_board| agency.readings().unwrap().len() == measured.len()).unwrap();

    let readings = agency.readings().unwrap();
    for capture in &measured {
        let reading = of_device(&readings, capture);
        for (vital, expected) in stated(capture) {
            let values = reading["values"].as_array().unwrap();
            let value = values.iter().find(|it| it["vital"] == vital);
            let value = value.unwrap_or_else(|| panic!("{}: no {vital}", capture.name));
            let number: f64 = value["value"].as_str().unwrap().parse().unwrap();
            assert!((number - expected).abs() < 1e-9, "{}: {vital} {number}", capture.name);
        }
    }
    let raw_of = |it: &&Capture| {
        let mut messages = heard.iter().filter(|it| on_topic(&it.topic, "up/reading"));
        messages.any(|message| {
            let reading: Reading = canonical::decode(&message.payload).unwrap();
            reading.device.id == it.name && it.bytes.ends_with(&reading.raw.0)
        })
    };
    let without_bytes: Vec<_> = measured
        .iter()
        .filter(|it| model(&it.protocol).unwrap().1.is_some() && !raw_of(it))
        .collect();
    assert!(
        without_bytes.is_empty(),
        "{:?}",
        without_bytes.iter().map(|it| &it.name).collect::<Vec<_>>()
    );

    let events = heard.iter().filter(|it| on_topic(&it.topic, "up/event"));
    let events: Vec<Event> = events.map(|it| canonical::decode(&it.payload).unwrap()).collect();
    for capture in &failed {
        let mut of_capture = events.iter().filter(|it| it.device.as_deref() == Some(&capture.name));
        let event = of_capture.next().unwrap_or_else(|| panic!("{}: no event", capture.name));
        assert_eq!(event.kind, "measurement-failed", "{}", capture.name);
        assert_eq!(event.raw.as_ref().unwrap().0, capture.bytes, "{}", capture.name);
    }
    every_message_keeps_the_contract(&heard);
    println!("{} captures arrived, {} of them failed measurements", captures.len(), failed.len());
    home.stop_hub().unwrap();
}
