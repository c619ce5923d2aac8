//! What goes wrong with a device in a home costs no reading and no other device, and is told: a lost
//! bond, a wake window that the hub missed, a clock that fell back, a flood, a plug pulled in
//! mid-frame.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use std::num::NonZeroU32;
use std::time::Duration;

use firmware_sim::bluez::Counters;
use firmware_sim::device::plx::OximeterStyle;
use firmware_sim::device::{Device, Measurement, Security, Timing};
use firmware_sim::fault::Fault;
use firmware_sim::simulator::DeviceHandle;
use harness::broker::Kind;
use harness::clock::StartOfTime;
use harness::home::HomeDevice;
use harness::process::Mark;
use harness::program::Program;
use harness::story::{CLIENT, Story};
use serde_json::{Value, json};

const CUFF: &str = "C0:FF:EE:00:00:01";
const OXIMETER: &str = "C0:FF:EE:00:00:02";

/// How long the hub may take to say something on a busy machine.
const HEARD_MAX: Duration = Duration::from_secs(60);

fn begin(devices: &[HomeDevice]) -> Story {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    Story::begin(&program, Kind::Embedded, devices).unwrap()
}

/// A cuff that was paired with this hub and used before.
fn cuff() -> HomeDevice {
    let device = Device::cuff("cuff", CUFF.parse().unwrap()).bonded().timing(Timing::brisk());
    HomeDevice::bluetooth(device, "and-ua-651ble", CUFF, CLIENT)
}

fn device(story: &Story, name: &str) -> DeviceHandle {
    story.home.simulator().device(name).unwrap()
}

fn fault(story: &Story, device: &DeviceHandle, fault: Fault) {
    story.home.perform(device.fault(fault)).unwrap();
}

fn measure(story: &Story, cuff: &DeviceHandle, systolic: u16) {
    story.home.perform(cuff.measure(Measurement::blood_pressure(systolic, 82, 70))).unwrap();
}

/// Waits until the hub that runs has said `text` so often.
#[track_caller]
fn hear(story: &Story, text: &str, n_times: usize) {
    let hub = story.home.hub().unwrap();
    hub.wait_for_lines(Mark::default(), text, n_times, HEARD_MAX).unwrap();
}

/// The readings of a device in the ledger, in the order in which they were recorded.
fn readings(story: &Story, device: &str) -> Vec<Value> {
    let mut readings = story.home.list(&["readings"]).unwrap();
    readings.retain(|it| it["device"] == device);
    readings
}

/// The first value of each of them.
fn values(readings: &[Value]) -> Vec<&str> {
    readings.iter().map(|it| it["values"][0]["value"].as_str().unwrap()).collect()
}

/// What `vitalgate device list` tells of a device.
fn row(story: &Story, device: &str) -> Value {
    let mut rows = story.home.list(&["device", "list"]).unwrap();
    rows.retain(|it| it["id"] == device);
    rows.remove(0)
}

/// A reading has the time that the clock of its device showed when it was measured.
#[track_caller]
fn is_of_its_own_time(reading: &Value) {
    assert_eq!(reading["time_quality"], "synced", "{reading}");
    let shown = reading["device_time"].as_str().unwrap();
    assert!(reading["measured_at"].as_str().unwrap().starts_with(shown), "{reading}");
}

#[test]
fn a_wake_window_that_the_hub_missed_costs_no_reading_and_does_not_look_like_a_quiet_day() {
    let mut story = begin(&[cuff()]);
    let cuff = device(&story, "cuff");

    fault(&story, &cuff, Fault::MissedWake);
    measure(&story, &cuff, 141);
    assert_eq!(cuff.counters().missed_wakes, 1);
    let said = story.home.command(&["device", "list"]).unwrap();
    assert!(said.contains("not heard since the daemon started\n"), "{said}");
    assert!(said.contains("no reading is recorded\n"), "{said}");

    measure(&story, &cuff, 142);
    hear(&story, "reading recorded", 2);
    story.home.perform(cuff.wait_until(|it| it.hang_ups == 1)).unwrap();
    let recorded = readings(&story, "cuff");
    assert_eq!(values(&recorded), ["141", "142"]);
    recorded.iter().for_each(is_of_its_own_time);
    let told = row(&story, "cuff");
    assert_eq!(told["reading_at"], recorded[1]["received_at"]);
    assert!(told["history"]["seen_at"].is_string() && told["history"]["connected_at"].is_string());
    assert_eq!(
        (&told["history"]["sessions"], &told["history"]["failures"]),
        (&json!(1), &json!(0))
    );

    // Another window is over before the hub runs again.
    story.home.stop_hub().unwrap();
    measure(&story, &cuff, 143);
    story.home.perform(cuff.wait_until(|it| it.advertising)).unwrap();
    story.home.perform(cuff.sleep()).unwrap();
    story.home.start_hub().unwrap();
    let said = story.home.command(&["device", "list"]).unwrap();
    assert!(said.contains("not heard since the daemon started\n"), "{said}");
    let last = recorded[1]["received_at"].as_str().unwrap();
    assert!(said.contains(&format!("last reading received {last}\n")), "{said}");

    story.home.perform(cuff.wake()).unwrap();
    hear(&story, "reading recorded", 1);
    let recorded = readings(&story, "cuff");
    assert_eq!(values(&recorded), ["141", "142", "143"]);
    is_of_its_own_time(&recorded[2]);
    assert_eq!(row(&story, "cuff")["reading_at"], recorded[2]["received_at"]);
}

#[test]
fn a_device_that_lost_its_bond_is_told_in_plain_words_and_keeps_its_readings_until_it_is_paired() {
    let mut lone = cuff();
    lone.simulated = lone.simulated.security(Security::JustWorks);
    let story = begin(&[lone]);
    let cuff = device(&story, "cuff");
    measure(&story, &cuff, 131);
    hear(&story, "reading recorded", 1);
    story.home.perform(cuff.wait_until(|it| it.hang_ups == 1)).unwrap();

    fault(&story, &cuff, Fault::BondLoss);
    measure(&story, &cuff, 132);
    hear(&story, "pair it again", 1);
    let said = story.home.command(&["device", "list"]).unwrap();
    assert!(said.contains("last failure") && said.contains("pair it again"), "{said}");
    assert_eq!(values(&readings(&story, "cuff")), ["131"]);
    assert_eq!(cuff.counters().records_pending, 1);

    story.home.command(&["device", "forget", "cuff"]).unwrap();
    measure(&story, &cuff, 133);
    story.home.command(&["device", "pair", "cuff", "--seconds", "60"]).unwrap();
    hear(&story, "reading recorded", 3);
    let recorded = readings(&story, "cuff");
    assert_eq!(values(&recorded), ["131", "132", "133"]);
    recorded.iter().for_each(is_of_its_own_time);
    assert_eq!((cuff.counters().bonds, cuff.counters().records_pending), (1, 0));
}

#[test]
fn a_clock_that_fell_back_loses_no_reading_delays_no_alert_and_is_set() {
    // A hub that has asked for the clock by the first value knows what it is worth.
    let (at_once, later) = (Duration::from_millis(1), Duration::from_secs(2));
    for (beginning, gap) in [("1970-01-01T00:00:00", at_once), ("2010-01-01T00:00:00", later)] {
        let mut lone = cuff();
        // As real cuffs, it waits a moment after its last record.
        let patient = Timing { gap, hang_up: Duration::from_secs(2), ..Timing::brisk() };
        lone.simulated = lone.simulated.timing(patient);
        let story = begin(&[lone]);
        let page = story.agency.watch().unwrap();
        let cuff = device(&story, "cuff");
        // It is in the memory of the cuff when the battery is changed.
        fault(&story, &cuff, Fault::MissedWake);
        measure(&story, &cuff, 131);
        fault(&story, &cuff, Fault::ClockReset(beginning.parse().unwrap()));
        measure(&story, &cuff, 184);
        page.wait_until(|it| it.contains("systolic-crisis")).unwrap();
        hear(&story, "reading recorded", 2);
        story.home.perform(cuff.wait_until(|it| it.hang_ups == 1 && it.writes == 1)).unwrap();
        measure(&story, &cuff, 132);
        hear(&story, "reading recorded", 3);

        let recorded = readings(&story, "cuff");
        assert_eq!(values(&recorded), ["131", "184", "132"]);
        is_of_its_own_time(&recorded[0]);
        let quality = recorded[1]["time_quality"].as_str().unwrap();
        match quality {
            "fault" => assert_eq!(recorded[1]["measured_at"], recorded[1]["received_at"]),
            corrected => assert_eq!(corrected, "corrected"),
        }
        assert!(gap == at_once || quality == "corrected", "{}", recorded[1]);
        let instant =
            |key: &str| recorded[1][key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let age = instant("received_at").duration_since(instant("measured_at"));
        assert!(age.abs() < jiff::SignedDuration::from_mins(1), "{}", recorded[1]);
        let (day, _time) = beginning.split_once('T').unwrap();
        assert!(recorded[1]["device_time"].as_str().unwrap().starts_with(day));
        assert!(!recorded[1]["raw"].as_str().unwrap().is_empty());
        // The session before has set the clock.
        is_of_its_own_time(&recorded[2]);
        let alerts = story.home.list(&["alerts"]).unwrap();
        assert_eq!(alerts.len(), 1, "{alerts:?}");
        page.wait_until(|_board| story.agency.readings().unwrap().len() == 3).unwrap();
        let at_agency = story.agency.readings().unwrap();
        let qualities: Vec<_> = at_agency.iter().map(|it| &it["time_quality"]).collect();
        assert_eq!(qualities, ["synced", quality, "synced"]);
    }
}

/// Values a second that the oximeter notifies in its flood, and for how many seconds.
const FLOOD_PER_S: u32 = 10_000;
const FLOOD_S: u32 = 10;

/// Memory that the hub may take for it; all values at once would be more.
const FLOOD_KIB_MAX: u64 = 48 * 1024;

/// Readings that it may make of it.
const FLOOD_READINGS_MAX: usize = 10;

#[test]
fn a_device_that_floods_the_hub_neither_delays_another_nor_fills_memory_or_ledger() {
    let at = OXIMETER.parse().unwrap();
    let oximeter = Device::oximeter("oximeter", at, OximeterStyle::Continuous);
    let oximeter = oximeter.bonded().timing(Timing::brisk());
    let oximeter = HomeDevice::bluetooth(oximeter, "sig-pulse-oximeter", OXIMETER, CLIENT);
    let story = begin(&[cuff(), oximeter]);
    let page = story.agency.watch().unwrap();
    let (cuff, oximeter) = (device(&story, "cuff"), device(&story, "oximeter"));
    let finger = |spo2: u8, seconds| {
        let finger = Measurement::oximetry(spo2, 78).lasting(Duration::from_secs(seconds));
        story.home.perform(oximeter.measure(finger)).unwrap();
    };
    finger(97, 2);
    hear(&story, "reading recorded", 1);
    let hub = story.home.hub().unwrap();
    let peak_kib = hub.peak_kib().unwrap();
    let n_before = oximeter.counters().indications;

    // SpO2 96 %, pulse 78 /min, with status and sensor status.
    let flood = Fault::Flood {
        frame: hex::decode("0c60004e002000000000").unwrap(),
        per_second: NonZeroU32::new(FLOOD_PER_S).unwrap(),
        lasting: Duration::from_secs(FLOOD_S.into()),
    };
    let n_values = u64::from(FLOOD_PER_S * FLOOD_S);
    let begun = StartOfTime::now();
    fault(&story, &oximeter, flood);
    let is_in_it = |it: &Counters| n_before + n_values / 10 <= it.indications;
    story.home.perform(oximeter.wait_until(is_in_it)).unwrap();
    for systolic in [131, 132, 133] {
        let (mark, asked) = (hub.mark(), StartOfTime::now());
        measure(&story, &cuff, systolic);
        hub.wait_for_lines(mark, "reading recorded device=cuff", 1, HEARD_MAX).unwrap();
        println!("the cuff was heard after {:?}", asked.elapsed());
    }
    let n_sent = oximeter.counters().indications - n_before;
    assert!(n_sent < n_values, "the cuff was heard after the flood");
    story.home.perform(oximeter.wait_until(|it| n_before + n_values <= it.indications)).unwrap();
    println!("{n_values} values in {:?}", begun.elapsed());

    // What comes behind it is heard as well.
    finger(85, 20);
    page.wait_until(|board| board.contains("spo2-low") && board.contains("85")).unwrap();
    assert_eq!(values(&readings(&story, "cuff")), ["131", "132", "133"]);
    let recorded = readings(&story, "oximeter");
    assert_eq!(values(&recorded).first(), Some(&"97"));
    assert!(values(&recorded).contains(&"85") && recorded.len() <= FLOOD_READINGS_MAX);
    let history = &row(&story, "oximeter")["history"];
    assert!(n_values < history["values"].as_u64().unwrap(), "none is dropped: {history}");
    assert_eq!(history["failures"], 0);
    let more_kib = hub.peak_kib().unwrap() - peak_kib;
    assert!(more_kib < FLOOD_KIB_MAX, "{more_kib} KiB more");
    println!("{more_kib} KiB more at its peak");
}

#[test]
fn a_plug_that_is_pulled_in_mid_frame_makes_no_reading_of_half_a_frame_and_stops_no_other_device() {
    let scale = Device::and_scale("scale", "scale");
    let scale = HomeDevice::serial(scale, "and-uc-321", "scale", CLIENT);
    let story = begin(&[cuff(), scale]);
    let (cuff, scale) = (device(&story, "cuff"), device(&story, "scale"));
    let weigh = |kilograms: &str| {
        let line = format!("ST,+0000{kilograms} kg\r\n").into_bytes();
        story.home.perform(scale.replay(vec![line])).unwrap();
    };
    let weights = ["72.0", "75.5", "79.0"];
    let mut n_recorded = 0;
    for (weight, systolic) in weights.into_iter().zip(131..) {
        story.home.perform(scale.wait_until(|it| it.connected)).unwrap();
        weigh(weight);
        n_recorded += 1;
        hear(&story, "reading recorded", n_recorded);

        fault(&story, &scale, Fault::UnplugInFrame);
        weigh("50.0");
        story.home.perform(scale.wait_until(|it| !it.connected)).unwrap();
        measure(&story, &cuff, systolic);
        n_recorded += 1;
        hear(&story, "reading recorded", n_recorded);
        let told = row(&story, "scale");
        let failure = told["history"]["failure"].as_str().unwrap();
        assert!(failure.contains("the serial port of scale is gone"), "{failure}");
        story.home.perform(scale.plug()).unwrap();
    }
    assert_eq!(values(&readings(&story, "scale")), weights);
    assert_eq!(values(&readings(&story, "cuff")), ["131", "132", "133"]);
}
