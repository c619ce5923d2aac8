//! A client exercises: what is measured meanwhile is judged by the rules of exercise, and a power cut
//! ends no session.

use firmware_sim::device::{Device, Measurement, Timing};
use harness::broker::Kind;
use harness::home::{HomeDevice, Setting, TIME_ZONE};
use harness::program::Program;
use harness::story::{CLIENT, Story};

const CUFF: &str = "C0:FF:EE:00:00:01";

/// At rest a pulse of 120 /min is too high, in exercise one of 140 /min.
const PLAN: &str = r#"
name = "rehabilitation"
version = 1
subject = "client-1"
late_after_min = 60

[[threshold]]
id = "pulse-high-at-rest"
vital = "pulse-rate"
priority = "high"
at_or_above = "120 /min"
clear_at_or_below = "115 /min"

[[exercise]]
id = "pulse-high-in-exercise"
vital = "pulse-rate"
priority = "high"
at_or_above = "140 /min"
clear_at_or_below = "130 /min"
"#;

#[test]
fn what_is_measured_in_exercise_is_judged_by_its_own_rules() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let device = Device::cuff("cuff", CUFF.parse().unwrap()).bonded().timing(Timing::brisk());
    let cuff = HomeDevice::bluetooth(device, "and-ua-651ble", CUFF, CLIENT);
    let setting = Setting { zone: TIME_ZONE.to_owned(), plan: PLAN.to_owned() };
    let mut story = Story::set_in(&program, Kind::Embedded, &[cuff], &setting).unwrap();
    story.agency.start_station().unwrap();
    story.home.start_hub().unwrap();
    let page = story.agency.watch().unwrap();

    let refused = story.home.command(&["exercise", "start", "client-9"]).unwrap_err().to_string();
    assert!(refused.contains("no device and no care plan of this home"), "{refused}");
    let said = story.home.command(&["exercise", "start", CLIENT]).unwrap();
    assert_eq!(said, "exercise started; recorded\n");
    page.wait_until(|board| board.contains("The client began to exercise.")).unwrap();

    story.home.kill_hub().unwrap();
    story.home.start_hub().unwrap();
    let status = story.home.list(&["status"]).unwrap().remove(0);
    assert_eq!(status["live"]["exercising"][0]["subject"], CLIENT, "{status}");
    let said = story.home.command(&["status"]).unwrap();
    assert!(said.contains("client-1 exercises since "), "{said}");

    let cuff = story.home.simulator().device("cuff").unwrap();
    story.home.perform(cuff.measure(Measurement::blood_pressure(130, 80, 125))).unwrap();
    page.wait_until(|board| board.contains("125") && board.contains("during exercise")).unwrap();
    story.home.perform(cuff.measure(Measurement::blood_pressure(131, 80, 145))).unwrap();
    page.wait_until(|board| board.contains("pulse-high-in-exercise")).unwrap();
    let alerts = story.agency.alerts().unwrap();
    let rules: Vec<_> = alerts.iter().map(|it| it["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["pulse-high-in-exercise"]);

    let said = story.home.command(&["exercise", "end", CLIENT]).unwrap();
    assert_eq!(said, "exercise ended; recorded\n");
    let refused = story.home.command(&["exercise", "end", CLIENT]).unwrap_err().to_string();
    assert!(refused.contains("this client does not exercise"), "{refused}");
    let readings = story.home.list(&["readings"]).unwrap();
    let phases: Vec<_> = readings.iter().map(|it| it["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["during-exercise", "during-exercise"]);
}
