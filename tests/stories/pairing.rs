//! An installer finds, pairs, proves and forgets a device at the command line, beside a running hub
//! and without one; and each way in which that fails is told in a sentence that says what to do.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use firmware_sim::bluez::PairingFault;
use firmware_sim::device::{Device, Measurement, Security, Timing};
use firmware_sim::simulator::DeviceHandle;
use harness::broker::Kind;
use harness::home::HomeDevice;
use harness::program::Program;
use harness::story::{CLIENT, Story};

const CUFF: &str = "C0:FF:EE:00:00:01";
const NAME: &str = "A&D_UA-651BLE_000001";

fn cuff(security: Security) -> HomeDevice {
    let device = Device::cuff("cuff", CUFF.parse().unwrap());
    let device = device.model(NAME).security(security).timing(Timing::brisk());
    HomeDevice::bluetooth(device, "and-ua-651ble", CUFF, CLIENT)
}

fn without_hub(security: Security) -> (Story, DeviceHandle) {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let story = Story::set(&program, Kind::Embedded, &[cuff(security)]).unwrap();
    let device = story.home.simulator().device("cuff").unwrap();
    (story, device)
}

fn measure(story: &Story, device: &DeviceHandle) {
    story.home.perform(device.measure(Measurement::blood_pressure(131, 82, 70))).unwrap();
}

/// What `vitalgate device pair` says that fails.
fn refused(story: &Story, device: &DeviceHandle) -> String {
    measure(story, device);
    let outcome = story.home.command(&["device", "pair", CUFF, "--seconds", "20"]);
    outcome.unwrap_err().to_string()
}

#[test]
fn a_new_cuff_is_found_paired_and_proved_beside_a_running_hub() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let story = Story::begin(&program, Kind::Embedded, &[cuff(Security::JustWorks)]).unwrap();
    let device = story.home.simulator().device("cuff").unwrap();
    measure(&story, &device);
    // The hub hears it and cannot subscribe to it.
    story.home.perform(device.wait_until(|it| it.disconnections == 1)).unwrap();

    let said = story.home.command(&["device", "pair", "cuff", "--seconds", "30"]).unwrap();
    assert!(said.contains(&format!("paired {CUFF} {NAME}")), "{said}");
    assert!(said.contains("`vitalgate device test cuff`"), "{said}");
    assert_eq!(device.counters().bonds, 1);
    assert_eq!(story.home.simulator().bluez().counters().agents, 0, "the window is closed");

    let mut test = story.home.prepare(&["device", "test", "cuff"]);
    let test = test.stdout(Stdio::piped()).spawn().unwrap();
    measure(&story, &device);
    let output = test.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("cuff works: record ") && said.contains("131 mm[Hg]"), "{said}");
}

#[test]
fn a_scan_shows_health_devices_with_the_row_that_fits() {
    let (story, device) = without_hub(Security::JustWorks);
    measure(&story, &device);
    let found = story.home.list(&["device", "scan", "--seconds", "1"]).unwrap();
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(found["address"], CUFF);
    assert_eq!(found["model"], "and-ua-651ble");
    assert_eq!((&found["paired"], &found["pairing_mode"]), (&false.into(), &true.into()));
    assert_eq!(found["configured"], "cuff");
    assert_eq!(found["pairing"], serde_json::json!(["Hold START until \"Pr\" shows."]));
}

#[test]
fn a_device_is_chosen_among_those_that_are_near() {
    let (story, device) = without_hub(Security::JustWorks);
    measure(&story, &device);
    let far = story.home.list(&["device", "scan", "--seconds", "1", "--signal", "-20"]).unwrap();
    assert_eq!(far, Vec::<serde_json::Value>::new());

    let mut pair = story.home.prepare(&["device", "pair", "--seconds", "60"]);
    pair.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut pair = pair.spawn().unwrap();
    let mut lines = BufReader::new(pair.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|it| it.trim_start().starts_with("1 ") && it.contains(CUFF)));
    // It says the same list again after each answer that names none.
    for typed in ["7", "", "1"] {
        writeln!(pair.stdin.as_ref().unwrap(), "{typed}").unwrap();
    }
    assert!(lines.any(|it| it == "there is no \"7\" in the list"));
    assert!(lines.any(|it| it == format!("paired {CUFF} {NAME}")));
    assert!(pair.wait().unwrap().success());
    assert_eq!(device.counters().bonds, 1);
}

#[test]
fn digits_are_typed_at_the_command_line() {
    let (story, device) = without_hub(Security::Passkey(123_456));
    for (typed, is_right) in [("nonsense\n123457", false), ("123 456", true)] {
        measure(&story, &device);
        let mut pair = story.home.prepare(&["device", "pair", NAME, "--seconds", "30"]);
        pair.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut pair = pair.spawn().unwrap();
        let mut lines = BufReader::new(pair.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|it| it == "Type the six digits that the device shows:"));
        writeln!(pair.stdin.as_ref().unwrap(), "{typed}").unwrap();
        let output = pair.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.success(), is_right, "{said}");
        assert!(is_right || said.contains("the digits were wrong"), "{said}");
    }
    assert_eq!(device.counters().bonds, 1);
    let said = story.home.command(&["device", "forget", "cuff"]).unwrap();
    assert!(said.starts_with(&format!("forgot {CUFF}")), "{said}");
}

#[test]
fn digits_are_typed_at_the_device_or_compared() {
    let (story, device) = without_hub(Security::Keypad);
    measure(&story, &device);
    let mut pair = story.home.prepare(&["device", "pair", CUFF, "--seconds", "30"]);
    let mut pair = pair.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(pair.stdout.take().unwrap()).lines().map(Result::unwrap);
    let shown = lines.find_map(|it| {
        it.strip_prefix("Type ")?.strip_suffix(" at the device.").map(str::to_owned)
    });
    story.home.perform(device.type_passkey(shown.unwrap().parse().unwrap())).unwrap();
    assert!(pair.wait().unwrap().success());
    assert_eq!(device.counters().bonds, 1);

    let (story, device) = without_hub(Security::Comparison(42));
    for (typed, is_agreed) in [("no", false), ("yes", true)] {
        measure(&story, &device);
        let mut pair = story.home.prepare(&["device", "pair", CUFF, "--seconds", "30"]);
        pair.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut pair = pair.spawn().unwrap();
        let mut lines = BufReader::new(pair.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|it| it == "Does the device show 000042? yes or no:"));
        writeln!(pair.stdin.as_ref().unwrap(), "{typed}").unwrap();
        let output = pair.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.success(), is_agreed, "{said}");
        assert!(is_agreed || said.contains("you said no"), "{said}");
    }
    assert_eq!(device.counters().bonds, 1);
}

#[test]
fn each_failure_says_what_to_do() {
    let (story, device) = without_hub(Security::JustWorks);
    let order = |order| story.home.perform(order).unwrap();

    order(device.fail_next_pairing(PairingFault::Refused));
    let said = refused(&story, &device);
    assert!(said.contains("it is bonded elsewhere, with a phone or another hub"), "{said}");
    order(device.fail_next_pairing(PairingFault::Rejected));
    let said = refused(&story, &device);
    assert!(said.contains("it is bonded elsewhere"), "{said}");
    order(device.fail_next_pairing(PairingFault::HangsUp));
    let said = refused(&story, &device);
    assert!(said.contains("it left pairing mode"), "{said}");

    story.home.perform(device.set_pairing_mode(false)).unwrap();
    let said = refused(&story, &device);
    assert!(said.contains("it is not in pairing mode: hold its button"), "{said}");
    story.home.perform(device.set_pairing_mode(true)).unwrap();

    story.home.perform(device.sleep()).unwrap();
    let unheard = story.home.command(&["device", "pair", CUFF, "--seconds", "10"]).unwrap_err();
    assert!(unheard.to_string().contains("it was not heard"), "{unheard}");

    measure(&story, &device);
    story.home.command(&["device", "pair", CUFF, "--seconds", "20"]).unwrap();
    story.home.perform(device.forget_bond()).unwrap();
    let said = refused(&story, &device);
    assert!(said.contains(&format!("run `vitalgate device forget {CUFF}`")), "{said}");
    story.home.command(&["device", "forget", CUFF]).unwrap();
    measure(&story, &device);
    story.home.command(&["device", "pair", CUFF, "--seconds", "20"]).unwrap();
    assert_eq!(device.counters().bonds, 2);
    let unknown = story.home.command(&["device", "forget", "C0:FF:EE:00:00:02"]).unwrap_err();
    assert!(unknown.to_string().contains("is known here"), "{unknown}");
}

#[test]
fn what_an_unknown_device_says_is_written_down_without_its_identity() {
    let (story, device) = without_hub(Security::Open);
    measure(&story, &device);
    let said = story.home.command(&["device", "record", CUFF, "--seconds", "20"]).unwrap();
    let lines: Vec<serde_json::Value> =
        said.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let of = |protocol: &str| lines.iter().filter(|it| it["protocol"] == protocol).count();
    assert_eq!((of("2A35"), of("2A24"), of("2A25")), (1, 1, 0), "{said}");
    let pressure = lines.iter().find(|it| it["protocol"] == "2A35").unwrap();
    assert!(pressure["hex"].as_str().unwrap().starts_with("1683"), "131 mmHg: {pressure}");
    let model = lines.iter().find(|it| it["protocol"] == "2A24").unwrap();
    let model = String::from_utf8(hex::decode(model["hex"].as_str().unwrap()).unwrap()).unwrap();
    assert!(!model.contains("000001"), "the end of its address is in its name: {model}");
}
