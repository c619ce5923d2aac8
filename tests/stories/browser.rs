//! The nurse's page in a real browser: it is live, the alert comes by itself, the answer travels.

use firmware_sim::device::{Device, Measurement, Timing};
use harness::broker::Kind;
use harness::browser::Browser;
use harness::home::HomeDevice;
use harness::program::Program;
use harness::story::{CLIENT, CLIENT_NAME, Story};

const CUFF: &str = "C0:FF:EE:00:00:01";

#[test]
fn an_alert_appears_by_itself_and_is_acknowledged_by_hand() {
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    let device = Device::cuff("cuff", CUFF.parse().unwrap()).bonded().timing(Timing::brisk());
    let cuff = HomeDevice::bluetooth(device, "and-ua-651ble", CUFF, CLIENT);
    let story = Story::begin(&program, Kind::Embedded, &[cuff]).unwrap();
    let Some(browser) = Browser::open(story.directory()).unwrap() else { return };
    browser.go(&story.agency.url("/").unwrap()).unwrap();
    browser.wait_for_text("Live").unwrap();

    let cuff = story.home.simulator().device("cuff").unwrap();
    story.home.perform(cuff.measure(Measurement::blood_pressure(184, 80, 96))).unwrap();
    browser.wait_for_text("at or above the limit of 180 mmHg").unwrap();
    browser.wait_for_text(CLIENT_NAME).unwrap();

    browser.fill("form[action$='/acknowledge'] input[name='by']", "Nora Lind").unwrap();
    browser.fill("form[action$='/acknowledge'] input[name='note']", "I call her now").unwrap();
    browser.click("form[action$='/acknowledge'] button").unwrap();
    browser.wait_for_text("Acknowledged by Nora Lind").unwrap();
    let at_home = story.home.list(&["alerts", "--open"]).unwrap();
    assert_eq!(at_home.first().map(|it| &it["by"]), Some(&"Nora Lind".into()), "{at_home:?}");
    assert_eq!(at_home.first().map(|it| &it["note"]), Some(&"I call her now".into()));
}
