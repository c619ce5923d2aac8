//! People at the home are heard: what they observe is at the agency, and the nurses see who took an
//! alert on; and a plan can be tried on what was measured.

use firmware_sim::device::{Device, Measurement, Timing};
use harness::broker::Kind;
use harness::home::HomeDevice;
use harness::program::Program;
use harness::story::{CLIENT, Story};

const CUFF: &str = "C0:FF:EE:00:00:01";

#[test]
fn an_observation_and_an_answer_of_the_home_reach_the_nurses() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let device = Device::cuff("cuff", CUFF.parse().unwrap()).bonded().timing(Timing::brisk());
    let cuff = HomeDevice::bluetooth(device, "and-ua-651ble", CUFF, CLIENT);
    let mut story = Story::begin(&program, Kind::Embedded, &[cuff]).unwrap();
    let page = story.agency.watch().unwrap();

    let observed = ["observe", "--subject", CLIENT, "respiratory-rate=18", "oxygen=air"];
    let said = story.home.command(&observed).unwrap();
    assert_eq!(said, "observed respiratory rate 18 /min, oxygen 0 L/min; recorded\n");
    page.wait_until(|board| board.contains("respiratory rate")).unwrap();

    let cuff = story.home.simulator().device("cuff").unwrap();
    story.home.perform(cuff.measure(Measurement::blood_pressure(184, 80, 96))).unwrap();
    page.wait_until(|board| board.contains("systolic-crisis")).unwrap();
    let alerts = story.home.list(&["alerts", "--open"]).unwrap();
    let alert = alerts[0]["alert_id"].as_str().unwrap();
    let said = story.home.command(&["ack", alert, "--by", "Ada", "--note", "lies down"]).unwrap();
    assert_eq!(said, "acknowledged; recorded\n");
    page.wait_until(|board| board.contains("cknowledged by Ada (at the home)")).unwrap();

    let refused = story.home.command(&["ack", alert, "--by", "Ben"]).unwrap_err().to_string();
    assert!(refused.contains("is already acknowledged by Ada (at the home)"), "{refused}");
    story.home.stop_hub().unwrap();
    let refused = story.home.command(&observed).unwrap_err().to_string();
    assert!(refused.contains("the daemon does not run: nothing was recorded"), "{refused}");
}

#[test]
fn a_plan_can_be_tried_on_what_was_measured() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let device = Device::cuff("cuff", CUFF.parse().unwrap()).bonded().timing(Timing::brisk());
    let cuff = HomeDevice::bluetooth(device, "and-ua-651ble", CUFF, CLIENT);
    let story = Story::begin(&program, Kind::Embedded, &[cuff]).unwrap();
    let page = story.agency.watch().unwrap();
    let cuff = story.home.simulator().device("cuff").unwrap();
    story.home.perform(cuff.measure(Measurement::blood_pressure(184, 80, 96))).unwrap();
    page.wait_until(|board| board.contains("systolic-crisis")).unwrap();

    let draft = |at: &str, clear: &str| {
        let path = story.directory().join("draft.toml");
        let text = format!(
            "name = \"draft\"\nversion = 1\nsubject = \"{CLIENT}\"\nlate_after_min = 60\n\
             [[threshold]]\nid = \"systolic\"\nvital = \"systolic-pressure\"\n\
             priority = \"medium\"\nat_or_above = \"{at}\"\nclear_at_or_below = \"{clear}\"\n"
        );
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        story.home.list(&["replay", "--plan", path]).unwrap().remove(0)
    };
    let stricter = draft("150 mmHg", "145 mmHg");
    assert_eq!((&stricter["readings"], &stricter["alerts"]), (&1.into(), &1.into()), "{stricter}");
    assert_eq!((&stricter["known"], &stricter["missed"]), (&1.into(), &serde_json::json!([])));
    let laxer = draft("190 mmHg", "180 mmHg");
    assert_eq!(laxer["alerts"], 0);
    let missed = laxer["missed"][0]["why"].as_str().unwrap();
    assert!(missed.contains("184 mmHg"), "{laxer}");
}
