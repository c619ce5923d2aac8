//! Cuffs and scales that keep their records in a memory are paired with the hub's key, read block by
//! block in every session, and never written to.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use std::time::Duration;

use firmware_sim::device::omron::{OmronModel, PieceOrder};
use firmware_sim::device::{Device, Measurement, Timing};
use firmware_sim::fault::{ByteFault, Extent, Fault};
use firmware_sim::simulator::DeviceHandle;
use harness::broker::Kind;
use harness::home::HomeDevice;
use harness::process::Mark;
use harness::program::Program;
use harness::story::{CLIENT, Story};
use rust_decimal::Decimal;
use serde_json::{Value, json};

const CUFF: &str = "C0:FF:EE:00:06:01";
/// The key of every hub.
const KEY: [u8; 16] = *b"vitalgate-hub-01";

/// How long the hub may take to say something on a busy machine.
const HEARD_MAX: Duration = Duration::from_secs(60);

fn story(device: Device, model: &str, is_running: bool) -> (Story, DeviceHandle) {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let device = device.timing(Timing::brisk());
    let device = HomeDevice::bluetooth(device, model, CUFF, CLIENT);
    let begin = if is_running { Story::begin } else { Story::set };
    let story = begin(&program, Kind::Embedded, &[device]).unwrap();
    let device = story.home.simulator().device("cuff").unwrap();
    (story, device)
}

fn cuff(model: OmronModel) -> Device {
    Device::omron("cuff", CUFF.parse().unwrap(), model)
}

fn measure(story: &Story, device: &DeviceHandle, measured: Measurement) {
    story.home.perform(device.measure(measured)).unwrap();
}

/// Waits until the hub has said `text` so often.
#[track_caller]
fn hear(story: &Story, text: &str, n_times: usize) {
    let hub = story.home.hub().unwrap();
    hub.wait_for_lines(Mark::default(), text, n_times, HEARD_MAX).unwrap();
}

/// The values of every reading, as text.
fn values(story: &Story) -> Vec<String> {
    let text = |reading: &Value| {
        let values = reading["values"].as_array().unwrap().iter();
        values.map(|it| it["value"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    story.home.list(&["readings"]).unwrap().iter().map(text).collect()
}

#[test]
fn a_new_cuff_learns_the_key_while_it_is_paired_and_is_read_by_it() {
    let (mut story, cuff) = story(cuff(OmronModel::Hem7322t), "omron-hem-7322t", false);
    measure(&story, &cuff, Measurement::blood_pressure(131, 82, 70));
    let found = story.home.list(&["device", "scan", "--seconds", "1"]).unwrap();
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(found["model"], Value::Null, "the air does not tell which it is");
    assert!(found["models"].as_array().unwrap().contains(&json!("omron-hem-7322t")), "{found}");

    let said = story.home.command(&["device", "pair", CUFF, "--seconds", "30"]).unwrap();
    assert!(said.contains(&format!("paired {CUFF} BLEsmart_0000")), "{said}");
    assert_eq!(cuff.counters().bonds, 1);

    story.home.start_hub().unwrap();
    measure(&story, &cuff, Measurement::blood_pressure(132, 83, 71));
    hear(&story, "reading recorded", 2);
    assert_eq!(values(&story), ["131 82 70", "132 83 71"]);
    assert_eq!(cuff.counters().memory_writes, 0);
}

#[test]
fn a_key_of_somebody_else_is_told_with_what_to_do() {
    let stranger = cuff(OmronModel::Hem7361t).with_key([0x5A; 16]).bonded();
    let (story, cuff) = story(stranger, "omron-hem-7361t", true);
    measure(&story, &cuff, Measurement::blood_pressure(131, 82, 70));
    hear(&story, "it does not know this hub's key", 1);
    assert!(values(&story).is_empty());
    let listed = story.home.command(&["device", "list"]).unwrap();
    assert!(listed.contains("pair it again while it shows -P-"), "{listed}");
}

#[test]
fn a_bonded_cuff_that_took_the_key_of_somebody_else_learns_ours_again() {
    let stranger = cuff(OmronModel::Hem7361t).with_key([0x5A; 16]).bonded();
    let (mut story, cuff) = story(stranger, "omron-hem-7361t", false);
    measure(&story, &cuff, Measurement::blood_pressure(131, 82, 70));
    let said = story.home.command(&["device", "pair", CUFF, "--seconds", "30"]).unwrap();
    assert!(said.contains("was paired already, and answers"), "{said}");
    story.home.start_hub().unwrap();
    measure(&story, &cuff, Measurement::blood_pressure(132, 83, 71));
    hear(&story, "reading recorded", 2);
    assert_eq!(values(&story), ["131 82 70", "132 83 71"]);
}

/// Three measurements in as many sessions, of which each tells the whole memory.
fn reads_each_once(model: OmronModel, key: &str, order: PieceOrder) {
    let device = cuff(model).with_key(KEY).bonded().piece_order(order);
    let (story, cuff) = story(device, key, true);
    for n_measured in 1..=3_u8 {
        measure(&story, &cuff, Measurement::blood_pressure(130 + u16::from(n_measured), 82, 70));
        story.home.perform(cuff.wait_until(|it| it.hang_ups == u64::from(n_measured))).unwrap();
    }
    hear(&story, "reading recorded", 3);
    hear(&story, "replayed reading dropped", 3);
    assert_eq!(values(&story), ["131 82 70", "132 82 70", "133 82 70"]);
    assert_eq!(cuff.counters().memory_writes, 0);
}

#[test]
fn a_memory_that_is_read_again_and_again_is_recorded_once() {
    reads_each_once(OmronModel::Hem7322t, "omron-hem-7322t", PieceOrder::Forwards);
}

#[test]
fn pieces_may_come_in_another_order_and_records_over_the_ends_of_blocks() {
    reads_each_once(OmronModel::Hem7530t, "omron-hem-7530t", PieceOrder::Backwards);
}

#[test]
fn records_that_stand_backwards_are_read() {
    reads_each_once(OmronModel::Hem7361t, "omron-hem-7361t", PieceOrder::Forwards);
}

#[test]
fn answers_that_are_lost_or_spoiled_are_asked_for_again() {
    let device = cuff(OmronModel::Hem7322t).with_key(KEY).bonded();
    let (story, cuff) = story(device, "omron-hem-7322t", true);
    for fault in [ByteFault::Drop, ByteFault::BitFlip, ByteFault::Truncate, ByteFault::Duplicate] {
        story.home.perform(cuff.fault(Fault::Bytes { fault, extent: Extent::Next(3) })).unwrap();
        let n_before = cuff.counters().hang_ups;
        measure(&story, &cuff, Measurement::blood_pressure(131, 82, 70));
        story.home.perform(cuff.wait_until(|it| n_before < it.hang_ups)).unwrap();
    }
    hear(&story, "reading recorded", 4);
    assert_eq!(values(&story), ["131 82 70"; 4]);
    assert_eq!(cuff.counters().spoiled, 12);
}

#[test]
fn a_scale_tells_the_weight_of_each_of_its_users() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let device = cuff(OmronModel::Hbf702t).with_key(KEY).bonded().timing(Timing::brisk());
    let mut scale = HomeDevice::bluetooth(device, "omron-hbf-702t", CUFF, CLIENT);
    let user = format!("[[device.user]]\nslot = 2\nsubject = \"{CLIENT}\"\n");
    scale.table = scale.table.replace(&format!("subject = \"{CLIENT}\"\n"), &user);
    let story = Story::begin(&program, Kind::Embedded, &[scale]).unwrap();
    let scale = story.home.simulator().device("cuff").unwrap();
    for (user, weight) in [(2, 705), (1, 820)] {
        let weighed = Measurement::body_composition(Decimal::new(215, 1), Decimal::new(weight, 1));
        measure(&story, &scale, weighed.by_user(user));
        story.home.perform(scale.wait_until(|it| it.hang_ups == u64::from(3 - user))).unwrap();
    }
    hear(&story, "reading recorded", 2);
    let readings = story.home.list(&["readings"]).unwrap();
    let whose: Vec<_> =
        readings.iter().map(|it| (&it["subject"], &it["values"][0]["value"])).collect();
    let (client, nobody) = (json!(CLIENT), Value::Null);
    assert_eq!(whose, [(&client, &json!("70.50")), (&nobody, &json!("82.00"))]);
    assert_eq!(scale.counters().memory_writes, 0);
}
