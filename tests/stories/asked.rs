//! Devices that say nothing by themselves are asked, and what they say is recorded once.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]
#![expect(clippy::panic, reason = "helpers of tests")]

use std::thread::park_timeout;
use std::time::Duration;

use firmware_sim::device::glucose::Glucose;
use firmware_sim::device::oximeter_line::OximeterLine;
use firmware_sim::device::{Device, Measurement};
use harness::broker::Kind;
use harness::home::HomeDevice;
use harness::program::Program;
use harness::story::{CLIENT, Story};
use serde_json::Value;

/// Longest wait for what must come.
const LOOKS: usize = 240;
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// What is recorded of a device, once there are `n_readings`.
fn readings(story: &Story, device: &str, n_readings: usize) -> Vec<Value> {
    for _look in 0..LOOKS {
        let all = story.home.list(&["readings"]).unwrap();
        let of_it: Vec<_> = all.into_iter().filter(|it| it["device"] == device).collect();
        if n_readings <= of_it.len() {
            return of_it;
        }
        park_timeout(LOOK_INTERVAL);
    }
    panic!("{n_readings} readings of {device} never came");
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
