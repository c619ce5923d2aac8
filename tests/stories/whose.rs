//! A cuff that two people share and that does not say who used it: its readings wait for a person to
//! say whose they are, at the agency or at the home.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use firmware_sim::device::{Device, Measurement, Timing};
use harness::broker::Kind;
use harness::home::{HUB, HomeDevice};
use harness::listener::Listener;
use harness::program::Program;
use harness::story::{CLIENT, CLIENT_NAME, Story};
use harness::wire;
use serde_json::Value;
use vitals::wire::topic::{AgencyTopics, ROOT};

const CUFF: &str = "C0:FF:EE:00:00:01";

#[test]
fn a_reading_of_nobody_is_claimed_and_its_client_changes_with_everything_that_follows() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let device = Device::cuff("cuff", CUFF.parse().unwrap()).bonded().timing(Timing::brisk());
    let cuff = HomeDevice::shared(device, "and-ua-651ble", CUFF, &[CLIENT, "client-2"]);
    let mut story = Story::set(&program, Kind::Embedded, &[cuff]).unwrap();
    let listener = Listener::start(story.broker.port()).unwrap();
    story.agency.start_station().unwrap();
    story.home.start_hub().unwrap();
    let page = story.agency.watch().unwrap();

    let cuff = story.home.simulator().device("cuff").unwrap();
    story.home.perform(cuff.measure(Measurement::blood_pressure(184, 80, 96))).unwrap();
    let waits = |board: &str| board.contains("Not assigned to a client – Mill Lane 3 (1)");
    page.wait_until(|board| waits(board) && board.contains("client not known")).unwrap();
    let nobodys = story.home.list(&["readings", "--unassigned"]).unwrap();
    let [reading] = nobodys.as_slice() else { panic!("{nobodys:?}") };
    let reading = reading["id"].as_str().unwrap();

    // A nurse knows: the alert is now of the client, and the one without a client is over.
    let assign = |story: &Story, to: &str| {
        let path = format!("/readings/{HUB}/{reading}/assign");
        story.agency.post(&path, &[("to", to), ("by", "Nora"), ("note", "told by phone")])
    };
    assign(&story, CLIENT).unwrap();
    page.wait_until(|board| {
        board.contains(&format!("from nobody to {CLIENT_NAME} by Nora"))
            && !board.contains("client not known</h3>")
    })
    .unwrap();
    assert_eq!(open(&story), [Some(CLIENT.to_owned())]);
    let refused = assign(&story, CLIENT).unwrap_err().to_string();
    assert!(refused.contains("409") && refused.contains("already known"), "{refused}");

    // At the home it is known better; what was said is there after a power cut, too.
    story.home.kill_hub().unwrap();
    story.home.start_hub().unwrap();
    let said = story.home.command(&["assign", reading, "client-2", "--by", "Ben"]).unwrap();
    assert_eq!(said, "assigned to client-2; recorded\n");
    page.wait_until(|board| board.contains("to client-2 by Ben (at the home)")).unwrap();
    let refused = story.home.command(&["assign", reading, "client-3", "--by", "Ben"]);
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("no device and no care plan of this home"), "{refused}");
    // Nobody at the home ends the alert of a client: a nurse looks at it.
    assert_eq!(open(&story), [Some(CLIENT.to_owned())]);

    assign(&story, "-").unwrap();
    page.wait_until(|board| board.contains("No alert waits for a nurse")).unwrap();
    assert_eq!(open(&story), []);
    let readings = story.agency.readings().unwrap();
    assert_eq!((readings.len(), &readings[0]["subject"]), (1, &Value::Null));
    let to: Vec<_> =
        readings[0]["assigned"].as_array().unwrap().iter().map(|it| &it["to"]).collect();
    assert_eq!(to, [&Value::from(CLIENT), &Value::from("client-2"), &Value::Null]);
    let at_home = story.home.list(&["readings"]).unwrap();
    assert_eq!(
        at_home[0]["assigned"],
        readings[0]["assigned"].as_array().map_or(Value::Null, |it| audit(it))
    );
    assert!(story.home.list(&["readings", "--unassigned"]).unwrap().is_empty());

    let topics = AgencyTopics::new(ROOT, harness::agency::AGENCY.parse().unwrap()).unwrap();
    for message in listener.heard() {
        let (_hub, channel) = topics.parse(&message.topic).unwrap();
        wire::check(channel, &message.payload).unwrap();
    }
}

/// What both sides tell of who said what.
fn audit(assigned: &[Value]) -> Value {
    let without_time = |it: &Value| {
        let mut it = it.clone();
        it.as_object_mut().unwrap().remove("at");
        it
    };
    assigned.iter().map(without_time).collect()
}

/// Of whom the open alerts are.
fn open(story: &Story) -> Vec<Option<String>> {
    let alerts = story.agency.alerts().unwrap();
    let open = alerts.iter().filter(|it| it["standing"] != "done");
    open.map(|it| it["subject"].as_str().map(str::to_owned)).collect()
}
