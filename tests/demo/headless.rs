//! The demo without a person: the story once, each step with its time, and a verdict.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use harness::clock::StartOfTime;
use harness::home::HUB;
use serde_json::Value;

use crate::stage;

/// From the cuff's indication to the nurse's page.
const READING_MAX: Duration = Duration::from_secs(1);

/// From the nurse's click to the hub.
const ACKNOWLEDGEMENT_MAX: Duration = Duration::from_secs(2);

/// How long the hub may take to say anything that this story waits for.
const HUB_MAX: Duration = Duration::from_secs(60);

/// Who acknowledges.
const NURSE: &str = "Nurse Demo";

/// Tells the story until the alert is acknowledged on the page and at home.
pub(crate) fn tell() -> anyhow::Result<()> {
    let start = StartOfTime::now();
    let (mut story, scenario) = stage::build()?;
    say(start, "broker, bus and devices run");
    story.agency.start_station()?;
    say(start, &format!("the station serves its page at {}", story.agency.url("/")?));
    story.home.start_hub()?;
    say(start, "the hub runs");
    let page = story.agency.watch()?;
    story.home.tell(scenario, move |event| {
        let device = event.device.as_deref().unwrap_or("bluetooth");
        say(start, &format!("[home] {device}: {}", event.action));
    });

    let cuff = story.home.simulator().device("cuff")?;
    story.home.perform(cuff.wait_until(|it| 0 < it.indications))?;
    let indicated = StartOfTime::now();
    say(start, "the cuff has indicated its value");
    page.wait_until(|board| board.contains("184") && board.contains("systolic-high"))?;
    let on_page = indicated.elapsed();
    say(start, &format!("reading and alert are on the page, {} ms later", on_page.as_millis()));

    let alerts = story.agency.alerts()?;
    let is_crisis = |alert: &&Value| alert["rule"] == "systolic-high";
    let alert = alerts.iter().find(is_crisis).context("the alert is not in the list")?;
    let id = alert["alert"].as_str().context("the alert has no id")?;
    let clicked = StartOfTime::now();
    story.agency.acknowledge(HUB, id, NURSE)?;
    say(start, &format!("{NURSE} acknowledges on the page"));
    let hub = story.home.hub().context("no hub")?;
    hub.wait_for_line("state=\"acknowledged\"", HUB_MAX)?;
    let at_hub = clicked.elapsed();
    say(start, &format!("the hub has recorded it, {} ms after the click", at_hub.as_millis()));
    page.wait_until(|board| board.contains(&format!("cknowledged by {NURSE}")))?;
    let back = clicked.elapsed();
    say(start, &format!("the page says so, {} ms after the click", back.as_millis()));

    let at_home = story.home.list(&["alerts", "--open"])?;
    let is_answered = |alert: &Value| alert["alert_id"] == id && alert["by"] == NURSE;
    ensure!(at_home.iter().any(is_answered), "the hub does not know the answer: {at_home:?}");
    story.home.stop_hub()?;
    story.agency.stop_station()?;
    say(start, "hub and station have ended well");
    ensure!(on_page < READING_MAX, "the page took {} ms", on_page.as_millis());
    ensure!(at_hub < ACKNOWLEDGEMENT_MAX, "the hub took {} ms", at_hub.as_millis());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the demo speaks to a person")]
fn say(start: StartOfTime, text: &str) {
    println!("{:7.3} s  {text}", start.elapsed().as_secs_f64());
}
