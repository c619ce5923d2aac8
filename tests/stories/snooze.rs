//! A nurse takes an alert on for a while at the page: the home holds it for so long and no longer, and
//! a worse value breaks it.

use firmware_sim::device::{Device, Measurement, Timing};
use harness::broker::Kind;
use harness::home::{HUB, HomeDevice};
use harness::program::Program;
use harness::story::{CLIENT, Story};
use vitals::LocalInstant;

const CUFF: &str = "C0:FF:EE:00:00:01";

#[test]
fn an_alert_that_is_taken_on_for_a_while_says_until_when_and_a_worse_value_ends_it() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let device = Device::cuff("cuff", CUFF.parse().unwrap()).bonded().timing(Timing::brisk());
    let cuff = HomeDevice::bluetooth(device, "and-ua-651ble", CUFF, CLIENT);
    let mut story = Story::begin(&program, Kind::Embedded, &[cuff]).unwrap();
    let page = story.agency.watch().unwrap();
    let cuff = story.home.simulator().device("cuff").unwrap();
    story.home.perform(cuff.measure(Measurement::blood_pressure(184, 80, 96))).unwrap();
    page.wait_until(|board| board.contains("Acknowledge for a while")).unwrap();
    let alerts = story.agency.alerts().unwrap();
    let path = format!("/alerts/{HUB}/{}/snooze", alerts[0]["alert"].as_str().unwrap());
    let snooze = |story: &Story, hours: &str, note: &str| {
        story.agency.post(&path, &[("by", "Nora"), ("note", note), ("hours", hours)])
    };
    for (hours, note) in [("25", "lies down"), ("1", "")] {
        let refused = snooze(&story, hours, note).unwrap_err().to_string();
        assert!(refused.contains("needs a note and an end within 24 h"), "{refused}");
    }
    snooze(&story, "1", "lies down").unwrap();
    page.wait_until(|board| board.contains("cknowledged by <strong>Nora</strong>")).unwrap();
    let alert = story.agency.alerts().unwrap().remove(0);
    let time = |text: &serde_json::Value| LocalInstant::parse(text.as_str().unwrap()).unwrap().at;
    let held = time(&alert["timers"]["until"]).duration_since(time(&alert["recorded_at"]));
    assert!((1..=3600).contains(&held.as_secs()), "{alert}");

    // It holds over a power cut, and not against a worse value.
    story.home.kill_hub().unwrap();
    story.home.start_hub().unwrap();
    let open = story.home.list(&["alerts", "--open"]).unwrap();
    assert_eq!((open.len(), &open[0]["standing"]), (1, &"acknowledged".into()), "{open:?}");
    story.home.perform(cuff.measure(Measurement::blood_pressure(205, 80, 96))).unwrap();
    page.wait_until(|board| board.contains("1 alert waits for a nurse")).unwrap();
    let alert = story.agency.alerts().unwrap().remove(0);
    assert_eq!((&alert["standing"], &alert["timers"]["until"]), (&"active".into(), &().into()));
}
