//! Records that a device keeps and sends again whenever it is asked are stored once and alert once.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use std::time::Duration;

use firmware_sim::device::glucose::{self, Glucose, MeterStyle};
use firmware_sim::device::{Device, Measurement, Timing};
use harness::broker::Kind;
use harness::clock;
use harness::home::{HomeDevice, Setting, TIME_ZONE};
use harness::process::Mark;
use harness::program::Program;
use harness::story::{CLIENT, Story, brokers};
use jiff::ToSpan as _;
use serde_json::{Value, json};

/// Records that a meter of the story about many has, one an hour.
const N_RECORDS: usize = 200;

const METER: &str = "C0:FF:EE:00:00:02";

/// How long the hub may take to say something on a busy machine.
const HEARD_MAX: Duration = Duration::from_secs(30);

const PLAN: &str = r#"
name = "diabetes"
version = 1
subject = "client-1"
late_after_min = 60

[[threshold]]
id = "glucose-high"
vital = "glucose"
priority = "high"
at_or_above = "250 mg/dL"
clear_at_or_below = "240 mg/dL"
"#;

/// The meter measures, and tells all that it has as soon as it is asked.
fn measure(story: &Story, taken: Glucose, n_sessions: u64) {
    let meter = story.home.simulator().device("meter").unwrap();
    story.home.perform(meter.measure(Measurement::Glucose(taken))).unwrap();
    story.home.perform(meter.wait_until(|it| it.hang_ups == n_sessions)).unwrap();
}

/// Waits until the hub has said `text` so often.
#[track_caller]
fn hear(story: &Story, text: &str, n_times: usize) {
    let hub = story.home.hub().unwrap();
    hub.wait_for_lines(Mark::default(), text, n_times, HEARD_MAX).unwrap();
}

/// What the hub lists, of each the value of `key`.
fn listed(story: &Story, command: &str, key: &str) -> Vec<Value> {
    let rows = story.home.list(&[command]).unwrap();
    rows.iter().map(|it| it[key].clone()).collect()
}

#[test]
fn records_that_are_replayed_three_times_are_stored_once_and_alert_once() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    for kind in brokers() {
        let device = Device::glucose_meter("meter", METER.parse().unwrap(), MeterStyle::Milligrams)
            .bonded()
            .timing(Timing::brisk());
        let meter = HomeDevice::bluetooth(device, "sig-glucose", METER, CLIENT);
        let setting = Setting { zone: TIME_ZONE.to_owned(), plan: PLAN.to_owned() };
        let mut story = Story::set_in(&program, kind, &[meter], &setting).unwrap();
        story.agency.start_station().unwrap();
        story.home.start_hub().unwrap();
        let page = story.agency.watch().unwrap();

        measure(&story, Glucose::blood(300), 1);
        page.wait_until(|board| board.contains("glucose-high") && board.contains("300")).unwrap();
        // Control solution makes the meter talk, and is nobody's glucose.
        for n_sessions in 2..=4 {
            measure(&story, Glucose::control(99), n_sessions);
        }
        hear(&story, "replayed reading dropped", 3);
        measure(&story, Glucose::blood(310), 5);
        hear(&story, "reading recorded", 2);

        let meter = story.home.simulator().device("meter").unwrap();
        // Each session told one record more, and that these were all.
        assert_eq!(meter.counters().indications, (1 + 2 + 3 + 4 + 5) + 5);
        assert_eq!(listed(&story, "readings", "kind"), ["glucose", "glucose"]);
        assert_eq!(listed(&story, "alerts", "rule"), ["glucose-high"]);
        story.home.stop_hub().unwrap();
        story.agency.stop_station().unwrap();
    }
}

/// What a meter kept of the last days: the record of a hundred hours ago and the latest are too high.
fn memory() -> Vec<Vec<u8>> {
    let now = clock::local_time().unwrap();
    let hours_ago = (0..N_RECORDS).rev();
    let record = |(sequence, hours): (u16, usize)| {
        let concentration = match hours {
            100 => 305,
            0 => 310,
            _ordinary => 100 + sequence % 100,
        };
        let at = now.saturating_sub(i64::try_from(hours).unwrap().hours());
        let taken = Glucose::blood(concentration);
        glucose::encode(&taken, MeterStyle::Milligrams, sequence, at).unwrap()
    };
    (0..).zip(hours_ago).map(record).collect()
}

#[test]
fn two_hundred_records_of_three_sessions_are_two_hundred_readings_and_alert_as_if_told_once() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let device = Device::glucose_meter("meter", METER.parse().unwrap(), MeterStyle::Milligrams);
    let device = device.bonded().timing(Timing::brisk());
    let meter = HomeDevice::bluetooth(device, "sig-glucose", METER, CLIENT);
    let setting = Setting { zone: TIME_ZONE.to_owned(), plan: PLAN.to_owned() };
    let mut story = Story::set_in(&program, Kind::Embedded, &[meter], &setting).unwrap();
    story.agency.start_station().unwrap();
    story.home.start_hub().unwrap();
    let page = story.agency.watch().unwrap();
    let meter = story.home.simulator().device("meter").unwrap();
    let session = |story: &Story, n_sessions: u64| {
        story.home.perform(meter.wait_until(|it| it.hang_ups == n_sessions)).unwrap();
        let hub = story.home.hub().unwrap();
        hub.wait_for_line("session ended", HEARD_MAX).unwrap();
    };

    let records = memory();
    story.home.perform(meter.replay(records.clone())).unwrap();
    session(&story, 1);
    hear(&story, "reading recorded", N_RECORDS);
    page.wait_until(|_board| story.agency.readings().unwrap().len() == N_RECORDS).unwrap();
    let raws: Vec<_> = records.iter().map(hex::encode).collect();
    assert_eq!(listed(&story, "readings", "raw"), raws);
    let alerts = story.home.list(&["alerts"]).unwrap();
    let [past, present] = alerts.as_slice() else { panic!("{alerts:?}") };
    // What was too high four days ago calls nobody, and the record after it was well.
    assert_eq!((&past["priority"], &past["standing"]), (&json!("low"), &json!("done")), "{past}");
    assert!(past["why"].as_str().unwrap().contains("305 mg/dL"), "{past}");
    let is = (&present["priority"], &present["standing"]);
    assert_eq!(is, (&json!("high"), &json!("active")), "{present}");
    assert!(present["why"].as_str().unwrap().contains("310 mg/dL"), "{present}");

    story.home.perform(meter.wake()).unwrap();
    session(&story, 2);
    hear(&story, "replayed reading dropped", N_RECORDS);
    // Also a hub that lost its power knows what it has.
    story.home.kill_hub().unwrap();
    story.home.start_hub().unwrap();
    story.home.perform(meter.wake()).unwrap();
    session(&story, 3);
    hear(&story, "replayed reading dropped", N_RECORDS);

    let n_told = u64::try_from(N_RECORDS + 1).unwrap();
    assert_eq!(meter.counters().indications, 3 * n_told);
    assert_eq!(listed(&story, "readings", "raw"), raws);
    assert_eq!(story.home.list(&["alerts"]).unwrap(), alerts, "it has not changed");
    assert_eq!(story.agency.readings().unwrap().len(), N_RECORDS);
    assert_eq!(story.agency.alerts().unwrap().len(), 2);
}
