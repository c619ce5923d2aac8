//! Devices that say nothing by themselves are asked, one of two kinds is told by listening, and what
//! they say is recorded once.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]
#![expect(clippy::panic, reason = "helpers of tests")]

use std::thread::park_timeout;
use std::time::Duration;

use firmware_sim::device::glucose::Glucose;
use firmware_sim::device::oximeter_line::OximeterLine;
use firmware_sim::device::{Device, Measurement};
use firmware_sim::simulator::{DeviceHandle, Options, Simulator};
use harness::audit::Books;
use harness::broker::Kind;
use harness::home::{Home, HomeDevice};
use harness::program::Program;
use harness::story::{CLIENT, Story};
use serde_json::Value;
use vitals::wire::v1::EventKind;

/// Longest wait for what must come.
const LOOKS: usize = 240;
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// What is recorded of a device, once that is enough.
fn recorded(story: &Story, device: &str, is_enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut of_it = Vec::new();
    for _look in 0..LOOKS {
        of_it = story.home.list(&["readings"]).unwrap();
        of_it.retain(|it| it["device"] == device);
        if is_enough(&of_it) {
            return of_it;
        }
        park_timeout(LOOK_INTERVAL);
    }
    panic!("more readings of {device} never came: {of_it:?}");
}

/// What is recorded of a device, once there are `n_readings`.
fn readings(story: &Story, device: &str, n_readings: usize) -> Vec<Value> {
    recorded(story, device, |it| n_readings <= it.len())
}

/// Saturation and pulse of a reading.
fn saturation_and_pulse(reading: &Value) -> [&str; 2] {
    [0, 1].map(|it| reading["values"][it]["value"].as_str().unwrap())
}

/// Has frames of a Contec, 5 bytes each, leave while the hub has set the port for one that has to be
/// told to talk.
fn talk_at_the_wrong_speed(home: &Home, oximeter: &DeviceHandle) {
    for _turn in 0..5 {
        let n_before = oximeter.counters().serial_bytes_received;
        home.perform(oximeter.wait_until(|it| n_before < it.serial_bytes_received)).unwrap();
        home.perform(oximeter.replay(vec![vec![0x85, 0x32, 0x0A, 0x41, 0x61]; 60])).unwrap();
        let left = home.perform(oximeter.wait_until(|it| it.records_pending == 0)).unwrap();
        if 0 < left.serial_frames_garbled {
            return;
        }
    }
    panic!("the hub never listened at another speed: {:#?}", oximeter.counters());
}

#[test]
fn serial_devices_are_asked_and_started_and_each_record_is_told_once() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let serial = |device, model, port| HomeDevice::serial(device, model, port, CLIENT);
    let contec = Device::oximeter_line("oximeter", "contec", OximeterLine::ContecNineByte);
    let devices = [
        serial(contec, "contec-9byte", "contec"),
        serial(Device::taidoc("cuff", "cuff"), "taidoc-blood-pressure", "cuff"),
        serial(Device::taidoc("meter", "meter"), "taidoc-glucose", "meter"),
    ];
    let mut story = Story::set(&program, Kind::Embedded, &devices).unwrap();
    let device = |story: &Story, name: &str| story.home.simulator().device(name).unwrap();
    // Taken before the hub was there, and kept in the devices.
    for systolic in [131, 132] {
        let taken = Measurement::blood_pressure(systolic, 82, 70);
        story.home.perform(device(&story, "cuff").measure(taken)).unwrap();
    }
    let drop = Measurement::Glucose(Glucose::blood(110));
    story.home.perform(device(&story, "meter").measure(drop)).unwrap();
    story.home.start_hub().unwrap();

    let oximeter = device(&story, "oximeter");
    story.home.perform(oximeter.wait_until(|it| 18 <= it.serial_bytes_received)).unwrap();
    story.home.perform(oximeter.measure(Measurement::oximetry(97, 130))).unwrap();

    let cuff = readings(&story, "cuff", 2);
    let systolic: Vec<_> = cuff.iter().map(|it| it["values"][0]["value"].as_str()).collect();
    assert_eq!(systolic, [Some("131"), Some("132")]);
    assert_eq!(readings(&story, "meter", 1)[0]["values"][0]["value"], "110");
    let oximetry = readings(&story, "oximeter", 1);
    assert_eq!(oximetry[0]["values"][0]["value"], "97");
    assert_eq!(oximetry[0]["values"][1]["value"], "130");

    story
        .home
        .perform(device(&story, "cuff").measure(Measurement::blood_pressure(133, 82, 70)))
        .unwrap();
    assert_eq!(readings(&story, "cuff", 3).len(), 3);
}

#[test]
fn whichever_firmware_an_oximeter_has_is_told_by_listening() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let older = Device::oximeter_line("oximeter", "contec", OximeterLine::ContecFiveByte);
    let devices = [HomeDevice::serial(older, "contec-cms50", "contec", CLIENT)];
    let mut story = Story::set(&program, Kind::Embedded, &devices).unwrap();
    story.home.start_hub().unwrap();
    let worn = Duration::from_secs(60);
    let has = |spo2: &str| {
        let spo2 = spo2.to_owned();
        move |all: &[Value]| all.iter().any(|it| saturation_and_pulse(it)[0] == spo2)
    };

    let older = story.home.simulator().device("oximeter").unwrap();
    talk_at_the_wrong_speed(&story.home, &older);
    story.home.perform(older.measure(Measurement::oximetry(97, 65).lasting(worn))).unwrap();
    recorded(&story, "oximeter", has("97"));

    // A newer unit is plugged to the same port.
    let port = story.home.simulator().ports()["oximeter"].clone();
    story.home.perform(older.unplug()).unwrap();
    let newer = Device::oximeter_line("newer", "contec", OximeterLine::ContecNineByte);
    let options = Options::new(port.parent().unwrap());
    let sim = story.home.perform(Simulator::start(options, vec![newer])).unwrap();
    let newer = sim.device("newer").unwrap();
    story.home.perform(newer.measure(Measurement::oximetry(96, 130).lasting(worn))).unwrap();
    let all = recorded(&story, "oximeter", has("96"));

    for reading in &all {
        assert!([["97", "65"], ["96", "130"]].contains(&saturation_and_pulse(reading)), "{all:#?}");
    }
    story.home.stop_hub().unwrap();
    let books = Books::of_hub(&story.home.ledger_path()).unwrap();
    assert!(books.said(EventKind::PayloadQuarantined).unwrap().is_empty());
}
