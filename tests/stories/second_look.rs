//! A hub that has another care plan than its agency raises no alert: the station's own look at the
//! readings brings the value before a nurse all the same, and a draft plan says beforehand what it would
//! have done.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use firmware_sim::device::{Device, Measurement, Timing};
use harness::broker::Kind;
use harness::home::{HUB, HomeDevice, Setting, TIME_ZONE};
use harness::program::Program;
use harness::story::{CLIENT_NAME, PLAN, Story};
use serde_json::{Value, json};

const CUFF: &str = "C0:FF:EE:00:00:01";

/// What an alert may take to arrive here; the station is told so.
const ALERT_WITHIN_S: u32 = 1;

fn cuff() -> HomeDevice {
    let device = Device::cuff("cuff", CUFF.parse().unwrap()).bonded().timing(Timing::brisk());
    HomeDevice::bluetooth(device, "and-ua-651ble", CUFF, harness::story::CLIENT)
}

fn measure(story: &Story, systolic: u16) {
    let cuff = story.home.simulator().device("cuff").unwrap();
    story.home.perform(cuff.measure(Measurement::blood_pressure(systolic, 80, 96))).unwrap();
}

fn oversights(story: &Story) -> Vec<Value> {
    story.agency.get("/api/oversights").unwrap().as_array().unwrap().clone()
}

#[test]
fn what_a_hub_does_not_raise_comes_before_a_nurse_all_the_same() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let laxer = PLAN.replace("180 mmHg", "200 mmHg").replace("175 mmHg", "195 mmHg");
    let setting = Setting { zone: TIME_ZONE.to_owned(), plan: laxer };
    let mut story = Story::set_in(&program, Kind::Embedded, &[cuff()], &setting).unwrap();
    story.agency.judge_by(PLAN, Some(ALERT_WITHIN_S)).unwrap();
    story.agency.start_station().unwrap();
    story.home.start_hub().unwrap();
    let page = story.agency.watch().unwrap();

    measure(&story, 184);
    let board = page.wait_until(|board| board.contains("No alert from the home")).unwrap();
    assert!(board.contains(&format!("where {CLIENT_NAME} needs one")), "{board}");
    assert!(board.contains("184 mmHg"), "{board}");
    assert_eq!(story.home.list(&["alerts", "--open"]).unwrap(), [] as [Value; 0]);
    let [oversight] = oversights(&story).try_into().unwrap();
    let (rule, priority, hub) = (&oversight["rule"], &oversight["priority"], &oversight["hub"]);
    assert_eq!((rule, priority, hub), (&json!("systolic-crisis"), &json!("high"), &json!(HUB)));

    // It is there after a power cut at the agency, and goes when a nurse says that she has seen to it.
    story.agency.kill_station().unwrap();
    story.agency.start_station().unwrap();
    let page = story.agency.watch().unwrap();
    page.wait_until(|board| board.contains("No alert from the home")).unwrap();
    let seen = format!("/oversights/{}/seen", oversight["id"]);
    let unsigned = story.agency.post(&seen, &[("by", ""), ("note", "")]).unwrap_err().to_string();
    assert!(unsigned.contains("400") && unsigned.contains("a name has 1 to 80"), "{unsigned}");
    story.agency.post(&seen, &[("by", "Nora"), ("note", "called, she is well")]).unwrap();
    page.wait_until(|board| !board.contains("No alert from the home")).unwrap();
    let again = story.agency.post(&seen, &[("by", "Otto"), ("note", "")]).unwrap_err().to_string();
    assert!(again.contains("404"), "{again}");

    // What the hub does raise is an alert like any other.
    measure(&story, 120);
    measure(&story, 210);
    page.wait_until(|board| board.contains("210 mmHg") && board.contains("systolic-crisis"))
        .unwrap();
    assert_eq!(oversights(&story), [] as [Value; 0]);

    let preview = |text: &str| {
        let draft = story.directory.path().join("draft.toml");
        std::fs::write(&draft, text).unwrap();
        let arguments = ["plan", "preview", draft.to_str().unwrap(), "--json"];
        serde_json::from_str::<Value>(&story.agency.command(&arguments).unwrap()).unwrap()
    };
    let stricter = preview(PLAN);
    assert_eq!((&stricter["readings"], &stricter["alerts"]), (&json!(3), &json!(2)), "{stricter}");
    assert_eq!((&stricter["known"], &stricter["missed"]), (&json!(1), &json!([])), "{stricter}");
    let blind = preview(&PLAN.replace("180 mmHg", "220 mmHg").replace("175 mmHg", "215 mmHg"));
    assert_eq!((&blind["alerts"], &blind["known"]), (&json!(0), &json!(1)), "{blind}");
    assert!(blind["missed"][0]["why"].as_str().unwrap().contains("210 mmHg"), "{blind}");
}
